//! `script`: a file of the control node, run on a host with arguments.

use std::sync::Arc;

use crate::resources::path::{self, normal};
use crate::resources::process::Sent;
use crate::state::{Halt, Look, Script as Message, View};
use crate::text::{Contents, Map, Mark, Result, Value, shlex};

use super::{Action, Arg, Args, Done, Entry, Module, Spec, Type, Want, output};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "script",
    collection: "ansible.builtin",
    about: "Send a file of the control node to a host and run it there",
    args: &[
        Arg::new("_raw_params", Type::Program, "The file and its arguments, as free text").aliases(&["free_form"]),
        Arg::new("cmd", Type::Program, "The file and its arguments"),
        Arg::new("creates", Type::Path, "A path; where it is there already, nothing is run"),
        Arg::new("removes", Type::Path, "A path; where it is not there, nothing is run"),
        Arg::new("chdir", Type::Path, "The folder to run it in, by its whole path"),
        Arg::new("executable", Type::Text, "The program that runs it; otherwise its own first line says which"),
        Arg::new("decrypt", Type::Bool, "Decrypt a vault file").default("true"),
    ],
    free_form: Some("_raw_params"),
    any: false,
};

struct Script {
    sent: Sent,
    shown: String,
    creates: Option<String>,
    removes: Option<String>,
    marks: Vec<Arc<Mark>>,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let ways = ["_raw_params", "cmd"];
    args.exclusive(&ways)?;
    args.one_of(&ways)?;
    let name = if args.given("cmd") { "cmd" } else { "_raw_params" };
    let value = args.value(name).unwrap_or_default();
    let line = value.get("line").and_then(Value::as_str).unwrap_or_default().to_string();
    shlex::split(&line).map_err(|why| args.error(name, format!("the arguments have {why}")))?;
    let (file, rest) = shlex::first(&line).ok_or_else(|| args.error(name, "no script is named"))?;
    let contents: Arc<Contents> = match value.get("contents") {
        Some(Value::Contents(contents)) => contents.clone(),
        _ => return Err(args.error(name, format!("`{file}` is a folder, and cannot be run"))),
    };
    let chdir = args.text("chdir");
    if let Some(folder) = chdir.as_ref().filter(|folder| !folder.starts_with('/')) {
        return Err(args.error("chdir", format!("chdir {folder} must be an absolute path for a Unix-aware remote node")));
    }
    let marks = value.marks();
    let sent = Sent { name: path::base(&file).to_string(), contents, rest: rest.to_string(), executable: args.text("executable"), chdir };
    Ok(Arc::new(Script { sent, shown: output::shown(&line, &marks), creates: args.text("creates"), removes: args.text("removes"), marks }))
}

impl Module for Script {
    fn looks(&self) -> Vec<Look> {
        self.creates.iter().chain(&self.removes).map(|guard| Look::at(path::KIND, normal(guard))).collect()
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let there = |guard: &str| Ok::<bool, Halt>(view.state(&Look::at(path::KIND, normal(guard)).id)?.is_some());
        let mut needless = None;
        if let Some(guard) = &self.creates {
            needless = there(guard)?.then(|| format!("{guard} exists, matching creates option"));
        }
        if let (None, Some(guard)) = (&needless, &self.removes) {
            needless = (!there(guard)?).then(|| format!("{guard} does not exist, matching removes option"));
        }
        if let Some(message) = needless {
            let mut result = Map::new();
            result.insert("msg", message.as_str());
            return Ok(Want { skipped: Some(message), ..Want::result(result) });
        }
        Ok(Want::action(Action::new(Message::Shell(self.sent.script()), self.shown.clone())))
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        if let Some(reply) = done.reply {
            output::streams(reply, false, &self.marks, &mut result);
        }
        result
    }
}
