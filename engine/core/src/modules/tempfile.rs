//! `tempfile`: a new file or folder of a name that nobody has.

use std::sync::Arc;

use crate::resources::{path, sh, tree};
use crate::state::{Fields, Halt, Id, Look, Reach, View};
use crate::text::{Map, Result, Value};

use super::{Action, Arg, Args, Done, Entry, Module, Spec, Type, Want};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "tempfile",
    collection: "ansible.builtin",
    about: "Make a temporary file or folder",
    args: &[
        Arg::new("state", Type::Text, "What is made").default("file").choices(&["directory", "file"]),
        Arg::new("path", Type::Path, "The folder that it is made in; none: the host's own for that"),
        Arg::new("prefix", Type::Text, "How its name begins").default("ansible."),
        Arg::new("suffix", Type::Text, "How its name ends").default(""),
    ],
    free_form: None,
    any: false,
};

struct TempFile {
    folder: bool,
    path: Option<String>,
    prefix: String,
    suffix: String,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let (prefix, suffix) = (args.text("prefix").unwrap_or_default(), args.text("suffix").unwrap_or_default());
    for (name, text) in [("prefix", &prefix), ("suffix", &suffix)] {
        if text.contains(['/', '\n']) {
            return Err(args.error(name, "a part of a name holds no `/` and no line end"));
        }
    }
    Ok(Arc::new(TempFile { folder: args.text("state").as_deref() == Some("directory"), path: args.text("path"), prefix, suffix }))
}

impl TempFile {
    /// The folder that it is made in, where the task names it.
    fn place(&self) -> Option<Id> {
        self.path.as_ref().map(|path| Id::new(path::KIND, path::normal(path)))
    }
}

impl Module for TempFile {
    fn looks(&self) -> Vec<Look> {
        self.place().map(|id| Look::of(id).with("access", "w")).into_iter().collect()
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        if let Some(id) = self.place() {
            let Some(fields) = view.likely(&id)? else { return Ok(Want::failed(format!("there is no folder {}", id.name))) };
            if fields.get("kind").and_then(Value::as_str) == Some("file") {
                return Ok(Want::failed(format!("{} is a file, and no folder", id.name)));
            }
            let denied = |fields: &Fields| fields.contains_key("access") && !fields.contains_key("access_w");
            if view.observed(&id).and_then(Option::as_ref).is_some_and(denied) {
                return Ok(Want::failed(format!("this user may not write {}: permission denied", id.name)));
            }
        }
        let folder = self.path.as_ref().map_or_else(|| "\"${TMPDIR:-/tmp}\"".to_string(), |path| sh::path(path));
        let new = if self.folder { "mkdir -m 0700 \"$p\"" } else { "(umask 077; set -C; : >\"$p\")" };
        let script = format!(
            "r=$(head -c 6 /dev/urandom | od -An -tx1 | tr -d ' \\n') && p={folder}/{}$r{} || exit\n{new} || exit\n\
             stat -c '%u %g %s :%U:%G:%n' \"$p\"\n",
            sh::quote(&self.prefix),
            if self.suffix.is_empty() { String::new() } else { sh::quote(&self.suffix) },
        );
        let mut action = Action::new(script, format!("make a temporary {}", if self.folder { "directory" } else { "file" }));
        action.reach = Reach::Kinds(&[tree::KIND]);
        action.code_is_data = false;
        Ok(Want::action(action))
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        let said = done.reply.map(|reply| String::from_utf8_lossy(&reply.out).into_owned()).unwrap_or_default();
        let Some((numbers, names)) = said.trim_end_matches('\n').split_once(" :") else { return result };
        for (key, number) in ["uid", "gid", "size"].into_iter().zip(numbers.split(' ')) {
            result.insert(key, number.parse::<i64>().unwrap_or_default());
        }
        for (key, text) in ["owner", "group", "path"].into_iter().zip(names.splitn(3, ':')) {
            result.insert(key, text);
        }
        result.insert("mode", if self.folder { "0700" } else { "0600" });
        result.insert("state", Value::text(if self.folder { "directory" } else { "file" }));
        result
    }
}
