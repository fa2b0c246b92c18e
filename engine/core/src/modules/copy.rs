//! `copy`: contents, or a file or folder of the control node, to a path of the host.

use std::sync::Arc;

use crate::resources::path::{self, base, normal};
use crate::state::{Fields, Halt, Id, Look, View};
use crate::text::{Contents, Map, Result, Value};

use super::owned::{self, Owned, describe, look_unless};
use super::{Arg, Args, Done, Entry, Module, Spec, Type, Want, Wanted};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "copy",
    collection: "ansible.builtin",
    about: "Copy a file, a folder or a text to a host",
    args: &[
        Arg::new("src", Type::File, "File or folder on the control node; a folder that ends with `/` is copied by its contents"),
        Arg::new("content", Type::Any, "The text itself, instead of `src`"),
        Arg::new("dest", Type::Path, "Where it is to be; ends with `/` where it is a folder").required(),
        Arg::new("force", Type::Bool, "Replace a file that differs; otherwise only make it where it is not")
            .default("true")
            .aliases(&["thirsty"]),
        Arg::new("remote_src", Type::Bool, "`src` is a path on the host").default("false"),
        Arg::new("directory_mode", Type::Mode, "Permission bits of folders that are made on the way"),
        Arg::new("local_follow", Type::Bool, "Follow links on the control node").default("true"),
        Arg::new("follow", Type::Bool, "Write through a link on the host").default("false"),
        Arg::new("checksum", Type::Text, "SHA-1 that the contents must have"),
        Arg::new("decrypt", Type::Bool, "Decrypt a vault file").default("true"),
        owned::BACKUP,
        owned::VALIDATE,
        owned::MODE,
        owned::OWNER,
        owned::GROUP,
        owned::UNSAFE_WRITES,
        owned::ATTRIBUTES,
        owned::SEUSER,
        owned::SEROLE,
        owned::SETYPE,
        owned::SELEVEL,
    ],
    free_form: None,
    any: false,
};

struct Copy {
    source: Source,
    dest: String,
    into: bool,
    force: bool,
    follow: bool,
    owned: Owned,
    how: Fields,
}

enum Source {
    Contents { contents: Arc<Contents>, name: Option<String> },
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    args.exclusive(&["src", "content"])?;
    args.one_of(&["src", "content"])?;
    let dest = args.need("dest")?;
    let how = ["backup", "validate", "unsafe_writes"].into_iter().filter_map(|name| Some((name.into(), args.value(name)?))).collect();
    Ok(Arc::new(Copy {
        source: source(args)?,
        into: dest.ends_with('/'),
        dest: normal(&dest),
        force: args.flag("force"),
        follow: args.flag("follow"),
        owned: Owned::new(args)?,
        how,
    }))
}

fn source(args: &Args) -> Result<Source> {
    if let Some(content) = args.value("content") {
        let text = match content.plain() {
            Value::Map(_) | Value::List(_) => Value::text(crate::text::json::python(&content)?).marked(content.marks()),
            _ => Value::text(super::display(&content)).marked(content.marks()),
        };
        return Ok(Source::Contents { contents: Contents::of(text).into(), name: None });
    }
    match args.value("src") {
        Some(Value::Map(file)) => {
            let name = file.get("name").and_then(Value::as_str).map(str::to_string);
            match file.get("contents") {
                Some(Value::Contents(contents)) => Ok(Source::Contents { contents: contents.clone(), name }),
                _ => Err(args.error("src", "a folder cannot be copied yet")),
            }
        }
        _ => Err(args.error("src", "`src` must name a file")),
    }
}

impl Copy {
    fn name(&self) -> Option<&str> {
        let Source::Contents { name, .. } = &self.source;
        name.as_deref()
    }

    fn sha256(&self) -> &str {
        let Source::Contents { contents, .. } = &self.source;
        &contents.sha256
    }

    /// The path inside the folder `dest`, where `dest` is one.
    fn inside(&self) -> Option<String> {
        Some(normal(&format!("{}/{}", self.dest, base(self.name()?))))
    }

    /// Where it goes: into `dest` where that is a folder, through a link where that is wanted.
    fn place(&self, view: &View<'_>) -> std::result::Result<Id, Halt> {
        let id = Id::new(path::KIND, self.dest.as_str());
        let kind = view.field(&id, "kind")?.and_then(Value::as_str);
        let real = view.field(&id, "real")?.and_then(Value::as_str);
        let folder = self.into || kind == Some("directory");
        match (folder, self.inside(), real) {
            (true, Some(inside), _) => Ok(Id::new(path::KIND, inside)),
            (true, None, _) => Err(Halt::Failed(crate::text::Diagnostic::error(format!(
                "{} is a folder, and `content` has no name to have in it",
                self.dest
            )))),
            (false, _, Some(real)) if self.follow => Ok(Id::new(path::KIND, normal(real))),
            _ => Ok(id),
        }
    }
}

impl Module for Copy {
    fn looks(&self) -> Vec<Look> {
        let mut looks = vec![look_unless(&self.dest, self.sha256())];
        looks.extend(self.owned.looks());
        if self.into {
            looks.extend(self.inside().map(|inside| look_unless(&inside, self.sha256())));
        }
        looks
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let id = self.place(view)?;
        if *id.name != *self.dest && view.seen(&id).is_none() {
            return Err(Halt::Ask(vec![look_unless(&id.name, self.sha256())]));
        }
        let Source::Contents { contents, .. } = &self.source;
        let mut result = Map::new();
        result.insert("dest", Value::text(&*id.name));
        if !self.force && view.state(&id)?.is_some() {
            return Ok(Want::result(result));
        }
        let mut fields = Fields::from([("kind".into(), Value::text("file")), ("contents".into(), Value::Contents(contents.clone()))]);
        self.owned.want(&id, view, &mut fields)?;
        if view.field(&id, "kind")?.and_then(Value::as_str) == Some("directory") {
            return Ok(Want::failed(format!("{} is a folder, and cannot become a file", id.name)));
        }
        let wanted = Wanted { id, state: Some(fields), how: self.how.clone() };
        Ok(Want { result, ..Want::states([wanted]) })
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        let id = self.place(&done.view).ok();
        describe(id.and_then(|id| done.view.seen(&id)?.as_ref()), &mut result);
        result
    }
}
