//! `file`: that a path is a file, a directory or a link, or is not there; and who owns it.

use std::sync::Arc;

use crate::resources::path::{self, ancestors, normal};
use crate::state::{Fields, Halt, Id, Look, View};
use crate::text::{Map, Result, Value};

use super::owned::{self, Owned, describe};
use super::{Arg, Args, Done, Entry, Module, Spec, Type, Want, Wanted};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "file",
    collection: "ansible.builtin",
    about: "Make a directory, a link or an empty file, set owner and mode, or remove a path",
    args: &[
        Arg::new("path", Type::Path, "The path").required().aliases(&["dest", "name"]),
        Arg::new("state", Type::Text, "What it is to be").choices(&["absent", "directory", "file", "hard", "link", "touch"]),
        Arg::new("src", Type::Path, "Where a link leads"),
        Arg::new("recurse", Type::Bool, "Set owner and mode of all below a directory, too").default("false"),
        Arg::new("force", Type::Bool, "Make a link also where it leads to nothing or where a file is in the way").default("false"),
        Arg::new("follow", Type::Bool, "Set owner and mode of what a link leads to").default("true"),
        Arg::new("modification_time", Type::Text, "`preserve`, `now` or a time"),
        Arg::new("modification_time_format", Type::Text, "How the time is written").default("%Y%m%d%H%M.%S"),
        Arg::new("access_time", Type::Text, "`preserve`, `now` or a time"),
        Arg::new("access_time_format", Type::Text, "How the time is written").default("%Y%m%d%H%M.%S"),
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

struct File {
    path: String,
    state: Option<String>,
    source: Option<String>,
    force: bool,
    follow: bool,
    owned: Owned,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let state = args.text("state");
    if args.flag("recurse") && state.as_deref() != Some("directory") {
        return Err(args.error("recurse", "`recurse` needs `state: directory`"));
    }
    if args.flag("recurse") {
        return Err(args.error("recurse", "`recurse` is not supported yet"));
    }
    if matches!(state.as_deref(), Some("link" | "hard")) && !args.given("src") {
        return Err(args.span.error("a link needs `src`: where it leads"));
    }
    Ok(Arc::new(File {
        path: normal(&args.need("path")?),
        state,
        source: args.text("src"),
        force: args.flag("force"),
        follow: args.flag("follow"),
        owned: Owned::new(args)?,
    }))
}

impl File {
    fn id(&self) -> Id {
        Id::new(path::KIND, self.path.as_str())
    }

    /// What owner and mode are set of: where a link leads, unless the link itself is meant.
    fn place(&self, view: &View<'_>) -> std::result::Result<Id, Halt> {
        match view.field(&self.id(), "real")?.and_then(Value::as_str) {
            Some(real) if self.follow => Ok(Id::new(path::KIND, normal(real))),
            _ => Ok(self.id()),
        }
    }

    fn directory(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut states = vec![];
        for path in ancestors(&self.path) {
            let id = Id::new(path::KIND, path);
            if view.state(&id)?.is_none() {
                states.push(Wanted::new(id.clone(), Some(self.fields(&id, "directory", view)?)));
            }
        }
        let id = self.place(view)?;
        if let Some(kind) = view.field(&id, "kind")?.and_then(Value::as_str).filter(|kind| *kind != "directory") {
            return Ok(Want::failed(format!("{} already exists as a {kind}", self.path)));
        }
        states.push(Wanted::new(id.clone(), Some(self.fields(&id, "directory", view)?)));
        Ok(Want::states(states))
    }

    fn fields(&self, id: &Id, kind: &'static str, view: &View<'_>) -> std::result::Result<Fields, Halt> {
        let mut fields = Fields::from([("kind".into(), Value::text(kind))]);
        self.owned.want(id, view, &mut fields)?;
        Ok(fields)
    }

    fn link(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let now = view.field(&self.id(), "kind")?.and_then(Value::as_str);
        if let Some(kind) = now.filter(|kind| *kind != "link" && !self.force) {
            return Ok(Want::failed(format!("refusing to convert from {kind} to symlink for {}", self.path)));
        }
        let target = self.source.clone().unwrap_or_default();
        let mut fields = Fields::from([("kind".into(), Value::text("link")), ("target".into(), Value::text(target))]);
        self.owned.want(&self.id(), view, &mut fields)?;
        fields.remove("mode");
        Ok(Want::states([Wanted::new(self.id(), Some(fields))]))
    }

    fn touch(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let id = self.place(view)?;
        let kind = if view.field(&id, "kind")?.and_then(Value::as_str) == Some("directory") { "directory" } else { "file" };
        let mut fields = self.fields(&id, kind, view)?;
        for time in ["mtime", "atime"] {
            fields.insert(time.into(), Value::text("now"));
        }
        Ok(Want::states([Wanted::new(id, Some(fields)).how("moves", true)]))
    }

    fn file(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let id = self.place(view)?;
        let Some(now) = view.fields(&id)? else {
            return Ok(Want::failed(format!("file ({}) is absent, cannot continue", self.path)));
        };
        let kind = now.get("kind").and_then(Value::as_str).unwrap_or("file");
        if self.state.is_some() && kind == "directory" {
            return Ok(Want::failed(format!("file ({}) is directory, cannot continue", self.path)));
        }
        let mut fields = Fields::new();
        self.owned.want(&id, view, &mut fields)?;
        Ok(Want::states([Wanted::new(id, Some(fields))]))
    }
}

impl Module for File {
    fn looks(&self) -> Vec<Look> {
        let mut looks = vec![Look::at(path::KIND, self.path.as_str())];
        looks.extend(self.owned.looks());
        if self.state.as_deref() == Some("directory") {
            looks.extend(ancestors(&self.path).into_iter().map(|path| Look::at(path::KIND, path)));
        }
        looks
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut want = match self.state.as_deref() {
            Some("absent") => Want::states([Wanted::gone(self.id())]),
            Some("directory") => self.directory(view)?,
            Some("link") => self.link(view)?,
            Some("hard") => return Ok(Want::failed("hard links are not supported yet")),
            Some("touch") => self.touch(view)?,
            _ => self.file(view)?,
        };
        let key = if self.source.is_some() || self.state.as_deref() == Some("touch") { "dest" } else { "path" };
        want.result.insert(key, Value::text(self.path.as_str()));
        Ok(want)
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        match done.view.seen(&self.id()) {
            Some(Some(fields)) => describe(Some(fields), &mut result),
            _ => drop(result.insert("state", "absent")),
        }
        result
    }
}
