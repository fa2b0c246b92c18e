//! `shell`: a line or a script for a shell of the host.

use std::sync::Arc;

use crate::resources::process::Run;
use crate::resources::sh;
use crate::text::{Result, Value};

use super::command::{self, Command};
use super::{Arg, Args, Entry, Module, Spec, Type, reads};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "shell",
    collection: "ansible.builtin",
    about: "Run a line or a script by a shell of a host",
    args: &[
        command::RAW,
        command::CMD,
        command::ARGV,
        command::CHDIR,
        command::CREATES,
        command::REMOVES,
        Arg::new("executable", Type::Path, "The shell, by its whole path").default("/bin/sh"),
        command::STDIN,
        command::STDIN_ADD_NEWLINE,
        command::STRIP_EMPTY_ENDS,
        command::WARN,
    ],
    free_form: Some("_raw_params"),
    any: false,
};

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let (name, marks) = command::given(args)?;
    let words = args.texts("argv");
    let (text, cmd) = match name {
        "argv" => (
            sh::words(words.iter().map(String::as_str)),
            Value::list(words.iter().map(|word| Value::text(word.as_str()).marked(marks.clone()))),
        ),
        _ => (args.need(name)?, Value::text(args.need(name)?).marked(marks.clone())),
    };
    let query = !args.given("executable") && reads::line_only_reads(&text);
    let run = Run::Line { text: text.clone(), shell: args.need("executable")?, hidden: !marks.is_empty() };
    Ok(Arc::new(Command::new(args, run, cmd, &text, marks).queries(query)))
}
