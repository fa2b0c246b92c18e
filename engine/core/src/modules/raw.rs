//! `raw`: a line for the shell of a host, nothing around it.

use std::sync::Arc;

use crate::resources::process::{Process, Run};
use crate::state::{Halt, Look, Script, View};
use crate::text::{Map, Mark, Result};

use super::{Action, Arg, Args, Done, Entry, Module, Spec, Type, Want, output};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "raw",
    collection: "ansible.builtin",
    about: "Run a line by the shell of a host, nothing around it",
    args: &[
        Arg::new("_raw_params", Type::Text, "The line, as free text").required().aliases(&["free_form"]),
        Arg::new("executable", Type::Path, "The shell, by its whole path").default("/bin/sh"),
    ],
    free_form: Some("_raw_params"),
    any: false,
};

struct Raw {
    process: Process,
    shown: String,
    marks: Vec<Arc<Mark>>,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let text = args.need("_raw_params")?;
    let marks = args.value("_raw_params").map(|value| value.marks()).unwrap_or_default();
    let shown = output::shown(&text, &marks);
    let run = Run::Line { text, shell: args.need("executable")?, hidden: !marks.is_empty() };
    Ok(Arc::new(Raw { process: Process { run, chdir: None, stdin: None }, shown, marks }))
}

impl Module for Raw {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        Ok(Want::action(Action::new(Script::Shell(self.process.script()), self.shown.clone())))
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        if let Some(reply) = done.reply {
            output::streams(reply, false, &self.marks, &mut result);
        }
        result
    }
}
