//! `file`: that a path is a file, a directory or a link, or is not there; and who owns it.

mod link;
mod recurse;
mod times;

use std::sync::Arc;

use crate::resources::path::{self, ancestors, base, normal};
use crate::state::{Fields, Halt, Id, Look, View};
use crate::text::{Contents, Map, Result, Value};

use super::owned::{self, Owned, describe};
use super::{Arg, Args, Done, Entry, Module, Spec, Type, Want, Wanted};
use times::Times;

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "file",
    collection: "ansible.builtin",
    about: "Make a directory, a link or an empty file, set owner and mode, or remove a path",
    args: owned::owned_args![
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
    ],
    free_form: None,
    any: false,
};

struct File {
    path: String,
    state: Option<String>,
    source: Option<String>,
    recurse: bool,
    force: bool,
    follow: bool,
    owned: Owned,
    times: Times,
}

type Halted<T> = std::result::Result<T, Halt>;

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let state = args.text("state");
    if args.flag("recurse") && !matches!(state.as_deref(), None | Some("directory")) {
        return Err(args.error("recurse", "recurse option requires state to be 'directory'"));
    }
    let links = matches!(state.as_deref(), Some("link" | "hard"));
    if args.given("src") && !links && state.is_some() {
        return Err(args.error("src", "src option requires state to be 'link' or 'hard'"));
    }
    Ok(Arc::new(File {
        path: normal(&args.need("path")?),
        times: Times::new(args, state.as_deref() == Some("touch"))?,
        state,
        source: args.text("src"),
        recurse: args.flag("recurse"),
        force: args.flag("force"),
        follow: args.flag("follow"),
        owned: Owned::new(args)?,
    }))
}

fn id(path: &str) -> Id {
    Id::new(path::KIND, path)
}

fn kind<'a>(id: &Id, view: &View<'a>) -> Halted<Option<&'a str>> {
    Ok(view.field(id, "kind")?.and_then(Value::as_str))
}

fn fail(message: String, keys: &[(&'static str, &str)]) -> Want {
    let mut want = Want::failed(message);
    want.result.extend(keys.iter().map(|(key, text)| ((*key).into(), Value::text(*text))));
    want
}

impl File {
    /// What owner and mode are set of: where a link leads, unless the link itself is meant.
    fn place(&self, view: &View<'_>) -> Halted<Id> {
        match view.field(&id(&self.path), "real")?.and_then(Value::as_str) {
            Some(real) if self.follow => Ok(id(&normal(real))),
            _ => Ok(id(&self.path)),
        }
    }

    /// What is wanted of an existing or a new path: its kind (as it is, where none is given), its owner, mode and times.
    fn fields(&self, id: &Id, kind: Option<&'static str>, view: &View<'_>) -> Halted<Fields> {
        let mut fields: Fields = kind.iter().map(|kind| ("kind".into(), Value::text(*kind))).collect();
        self.owned.want(id, view, &mut fields)?;
        if kind.or(self::kind(id, view)?) == Some("link") {
            fields.remove("mode");
        }
        self.times.want(view, &mut fields)?;
        Ok(fields)
    }

    fn wanted(&self, id: Id, fields: Fields) -> Wanted {
        let now = |field: &str| fields.get(field).and_then(Value::as_str) == Some("now");
        let moves = now("mtime") || now("atime");
        let wanted = Wanted::new(id, Some(fields));
        if moves { wanted.how("moves", true) } else { wanted }
    }

    fn directory(&self, view: &View<'_>) -> Halted<Want> {
        let mut states = vec![];
        for path in ancestors(&self.path) {
            let id = id(&path);
            if view.state(&id)?.is_none() {
                states.push(self.wanted(id.clone(), self.fields(&id, Some("directory"), view)?));
            }
        }
        let id = self.place(view)?;
        if let Some(kind) = kind(&id, view)?.filter(|kind| *kind != "directory") {
            return Ok(fail(format!("{} already exists as a {kind}", id.name), &[("path", &id.name)]));
        }
        let there = view.state(&id)?.is_some();
        states.push(self.wanted(id.clone(), self.fields(&id, Some("directory"), view)?));
        if self.recurse && there {
            states.extend(self.below(&id.name, view)?);
        }
        Ok(self.with("path", &id.name, Want::states(states)))
    }

    fn touch(&self, view: &View<'_>) -> Halted<Want> {
        let id = self.place(view)?;
        let wanted = match kind(&id, view)? {
            Some(_) => self.wanted(id.clone(), self.fields(&id, None, view)?),
            // an empty file has the time at which it is made
            None => {
                let mut fields = self.fields(&id, Some("file"), view)?;
                fields.insert("contents".into(), Contents::of(Value::text("")).into());
                let moves = self.times.only_given(&mut fields);
                let wanted = self.wanted(id, fields);
                if moves { wanted.how("moves", true) } else { wanted }
            }
        };
        Ok(self.with("dest", &self.path, Want::states([wanted])))
    }

    fn file(&self, view: &View<'_>) -> Halted<Want> {
        let id = self.place(view)?;
        let state = match kind(&id, view)? {
            // a pipe, a socket and a device are files, too
            Some(kind) if !matches!(kind, "link" | "directory") => {
                let fields = self.fields(&id, None, view)?;
                return Ok(self.with("path", &id.name.clone(), Want::states([self.wanted(id, fields)])));
            }
            Some("link") if self.follow => "absent",
            Some(kind) => kind,
            None => "absent",
        };
        Ok(fail(format!("file ({}) is {state}, cannot continue", id.name), &[("path", &id.name), ("state", state)]))
    }

    fn absent(&self) -> Want {
        self.with("path", &self.path, Want::states([Wanted::gone(id(&self.path))]))
    }

    fn with(&self, key: &'static str, path: &str, mut want: Want) -> Want {
        want.result.insert(key, path);
        want
    }

    /// What is meant where no state is given: what is there, and else a file.
    fn meant(&self, view: &View<'_>) -> Halted<&str> {
        if let Some(state) = &self.state {
            return Ok(state);
        }
        Ok(match kind(&id(&self.path), view)? {
            Some("link") => "link",
            Some("directory") => "directory",
            None if self.recurse => "directory",
            _ => "file",
        })
    }

    /// A hard link into a folder has there the name of what it is a link to.
    fn inside(&self, view: &View<'_>) -> Halted<Option<String>> {
        let Some(source) = self.source.as_ref().filter(|_| self.state.as_deref() == Some("hard")) else { return Ok(None) };
        Ok(super::placed::is_folder(&id(&self.path), view)?.then(|| normal(&format!("{}/{}", self.path, base(source)))))
    }
}

impl Module for File {
    fn looks(&self) -> Vec<Look> {
        let mut looks = vec![Look::at(path::KIND, self.path.as_str())];
        looks.extend(self.times.looks());
        looks.extend(self.owned.looks());
        if matches!(self.state.as_deref(), Some("directory")) || self.recurse {
            looks.extend(ancestors(&self.path).into_iter().map(|path| Look::at(path::KIND, path)));
        }
        if self.recurse {
            looks.push(recurse::look(&self.path));
        }
        looks.extend(self.source_looks());
        looks
    }

    fn want(&self, view: &View<'_>) -> Halted<Want> {
        let state = self.meant(view)?;
        if self.recurse && state != "directory" {
            return Ok(Want::failed("recurse option requires state to be 'directory'"));
        }
        match state {
            "absent" => Ok(self.absent()),
            "directory" => self.directory(view),
            "link" => self.link(view),
            "hard" => self.hard(view),
            "touch" => self.touch(view),
            _ if self.source.is_some() => Ok(Want::failed("src option requires state to be 'link' or 'hard'")),
            _ => self.file(view),
        }
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        let real = matches!(self.state.as_deref(), Some("directory" | "file") | None);
        let place = if real { self.place(&done.view).ok() } else { self.inside(&done.view).ok().flatten().map(|path| id(&path)) };
        match done.view.seen(&place.unwrap_or_else(|| id(&self.path))) {
            Some(Some(fields)) => describe(Some(fields), &mut result),
            _ => drop(result.insert("state", "absent")),
        }
        result
    }
}
