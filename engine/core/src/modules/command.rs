//! `command`: a program of the host, without a shell. What `shell` shares with it is here, too.

use std::sync::Arc;

use crate::resources::glob;
use crate::resources::path::{self, normal};
use crate::resources::process::{End, Process, Run};
use crate::state::{Halt, Look, Script, View};
use crate::text::{Map, Mark, Result, Value, shlex};

use super::{Action, Arg, Args, Done, Entry, Module, Spec, Type, Want, output, reads};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "command",
    collection: "ansible.builtin",
    about: "Run a program of a host, without a shell",
    args: &[
        RAW,
        CMD,
        ARGV,
        CHDIR,
        CREATES,
        REMOVES,
        Arg::new("executable", Type::Text, "A shell; `command` uses none, so this changes nothing"),
        Arg::new("expand_argument_vars", Type::Bool, "Replace `$NAME` and a leading `~` in arguments").default("true"),
        STDIN,
        STDIN_ADD_NEWLINE,
        STRIP_EMPTY_ENDS,
        WARN,
    ],
    free_form: Some("_raw_params"),
    any: false,
};

pub const RAW: Arg = Arg::new("_raw_params", Type::Text, "The command, as free text").aliases(&["free_form"]);
pub const CMD: Arg = Arg::new("cmd", Type::Text, "The command as one text");
pub const ARGV: Arg = Arg::new("argv", Type::List, "The command as a list of words");
pub const CHDIR: Arg = Arg::new("chdir", Type::Path, "The folder to run it in");
pub const CREATES: Arg = Arg::new("creates", Type::Path, "A path or pattern; where it is there already, nothing is run");
pub const REMOVES: Arg = Arg::new("removes", Type::Path, "A path or pattern; where it is not there, nothing is run");
pub const STDIN: Arg = Arg::new("stdin", Type::Text, "What the command reads");
pub const STDIN_ADD_NEWLINE: Arg = Arg::new("stdin_add_newline", Type::Bool, "End what it reads with a line end").default("true");
pub const STRIP_EMPTY_ENDS: Arg = Arg::new("strip_empty_ends", Type::Bool, "Cut line ends at the end of what it prints").default("true");
/// Older playbooks have it; it never did more than to silence advice.
pub const WARN: Arg = Arg::new("warn", Type::Bool, "Without effect, as in Ansible since 2.14");

/// A command of `command` or `shell`.
pub struct Command {
    process: Process,
    /// As the result has it: words of `command`, text of `shell`.
    cmd: Value,
    /// As a user would type it.
    shown: String,
    query: bool,
    guards: Guards,
    strip: bool,
    marks: Vec<Arc<Mark>>,
    warnings: Vec<String>,
}

/// What decides whether a command is run at all.
pub struct Guards {
    chdir: Option<String>,
    creates: Option<String>,
    removes: Option<String>,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let (name, marks) = given(args)?;
    let (words, shown) = match name {
        "argv" => {
            let words = args.texts("argv");
            let shown = words.iter().map(|word| crate::resources::sh::quote(word)).collect::<Vec<_>>().join(" ");
            (words, shown)
        }
        _ => {
            let line = args.need(name)?;
            let words = shlex::split(&line)
                .map_err(|why| args.error(name, format!("the command has {why}")).hint("quote it, or give the words as a list: `argv`"))?;
            (words, line)
        }
    };
    let mut warnings = vec![];
    if let Some(executable) = args.text("executable") {
        warnings.push(format!(
            "As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. Not using '{executable}'."
        ));
    }
    let cmd = Value::list(words.iter().map(|word| Value::text(word.as_str()).marked(marks.clone())));
    let query = reads::only_reads(&words);
    let run = Run::Words { words, expand: args.flag("expand_argument_vars") };
    let mut command = Command::new(args, run, cmd, &shown, marks);
    command.warnings.extend(warnings);
    Ok(Arc::new(command.queries(query)))
}

/// Which of the ways to give a command was used, and the secrets in it.
pub fn given(args: &Args) -> Result<(&'static str, Vec<Arc<Mark>>)> {
    let ways = ["_raw_params", "cmd", "argv"];
    args.exclusive(&ways)?;
    let empty = |name: &&str| args.value(name).is_some_and(|value| value.truthy());
    match ways.into_iter().find(empty) {
        Some(name) => Ok((name, args.value(name).map(|value| value.marks()).unwrap_or_default())),
        None => Err(args
            .span
            .error("one of the following is required: _raw_params, cmd, argv")
            .hint("write the command after the module's name")),
    }
}

/// What the command reads, and the end of its last line.
fn stdin(args: &Args) -> Option<Vec<u8>> {
    let value = args.value("stdin")?;
    let mut bytes = value.as_bytes().map_or_else(|| super::display(&value).into_bytes(), <[u8]>::to_vec);
    if args.flag("stdin_add_newline") {
        bytes.push(b'\n');
    }
    Some(bytes)
}

impl Command {
    pub fn new(args: &Args, run: Run, cmd: Value, shown: &str, mut marks: Vec<Arc<Mark>>) -> Command {
        let shown = output::shown(shown, &marks);
        let names: Vec<String> = marks.iter().map(|mark| format!("`{}`", mark.name)).collect();
        let seen = || {
            format!("{} stands in this command, where others on the host may see it; give it by `stdin` or `environment`", names.join(", "))
        };
        let warnings = if names.is_empty() { vec![] } else { vec![seen()] };
        marks.extend(args.value("stdin").map(|value| value.marks()).unwrap_or_default());
        Command {
            process: Process { run, chdir: args.text("chdir"), stdin: stdin(args) },
            cmd,
            shown,
            query: false,
            guards: Guards::new(args),
            strip: args.flag("strip_empty_ends"),
            marks,
            warnings,
        }
    }

    pub fn queries(self, query: bool) -> Command {
        Command { query, ..self }
    }
}

impl Guards {
    pub fn new(args: &Args) -> Guards {
        Guards { chdir: args.text("chdir"), creates: args.text("creates"), removes: args.text("removes") }
    }

    fn look(&self, pattern: &str) -> Look {
        let full = match &self.chdir {
            Some(folder) if !pattern.starts_with(['/', '~']) => format!("{}/{pattern}", folder.trim_end_matches('/')),
            _ => pattern.to_string(),
        };
        if glob::is_pattern(&full) { Look::at(glob::KIND, full) } else { Look::at(path::KIND, normal(&full)) }
    }

    pub fn looks(&self) -> Vec<Look> {
        self.creates.iter().chain(&self.removes).map(|pattern| self.look(pattern)).collect()
    }

    /// Why the command need not run: a message, and what Ansible has as its output then.
    pub fn needless(&self, view: &View<'_>) -> std::result::Result<Option<(String, String)>, Halt> {
        let there = |pattern: &str| Ok::<bool, Halt>(view.state(&self.look(pattern).id)?.is_some());
        if let Some(pattern) = &self.creates
            && there(pattern)?
        {
            return Ok(Some((format!("Did not run command since '{pattern}' exists"), format!("skipped, since {pattern} exists"))));
        }
        if let Some(pattern) = &self.removes
            && !there(pattern)?
        {
            return Ok(Some((
                format!("Did not run command since '{pattern}' does not exist"),
                format!("skipped, since {pattern} does not exist"),
            )));
        }
        Ok(None)
    }
}

impl Module for Command {
    fn looks(&self) -> Vec<Look> {
        self.guards.looks()
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut result = Map::new();
        if let Some((message, said)) = self.guards.needless(view)? {
            result.insert("cmd", self.cmd.clone());
            result.insert("msg", message);
            output::stream("stdout", &said, &[], &mut result);
            output::stream("stderr", "", &[], &mut result);
            result.insert("rc", 0);
            for name in ["start", "end", "delta"] {
                result.insert(name, Value::Null);
            }
            return Ok(Want { warnings: self.warnings.clone(), ..Want::result(result) });
        }
        let action = Action { query: self.query, ..Action::new(Script::Shell(self.process.script()), self.shown.clone()) };
        // nothing of its result is known before it ran
        Ok(Want { warnings: self.warnings.clone(), ..Want::action(action) })
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        let Some(reply) = done.reply else { return result };
        result.insert("cmd", self.cmd.clone());
        result.insert("msg", "");
        output::times(done, &mut result);
        output::streams(reply, self.strip, &self.marks, &mut result);
        match self.process.end(reply) {
            End::Ran => return result,
            End::NoFolder => {
                result.insert("msg", "Unable to change directory before execution.");
                for name in ["rc", "start", "end", "delta"] {
                    result.insert(name, Value::Null);
                }
            }
            End::NotStarted(reason) => {
                result.insert("msg", "Error executing command.");
                result.insert("rc", reason);
                result.insert("cmd", Value::text(self.shown.as_str()));
                for name in ["start", "end", "delta"] {
                    result.remove(name);
                }
            }
        }
        output::stream("stderr", "", &[], &mut result);
        result.insert("changed", false);
        result
    }
}
