//! What `copy` and `template` have in common: contents of the control node, put to a path of the host.

use crate::resources::path::{self, ancestors, base, normal, parent};
use crate::state::{Fields, Gap, Halt, Id, Look, View};
use crate::text::{Map, Result, Value};

use super::args::Args;
use super::owned::{self, Owned, describe, look_unless};
use super::{Done, Module, Want, Wanted, hashes};

/// Contents and where they are to be.
#[derive(Clone)]
pub struct Placed {
    /// Contents, or what is not known yet.
    pub contents: Value,
    /// The name that it has inside a folder, and the path on the control node.
    pub name: Option<String>,
    pub source: Option<String>,
    pub dest: String,
    /// `dest` ends with a slash.
    pub into: bool,
    pub force: bool,
    pub follow: bool,
    pub backup: bool,
    pub owned: Owned,
    /// Owner, group and mode of folders that are made on the way.
    pub folders: Owned,
    pub how: Fields,
}

impl Placed {
    /// `file` is what the argument `src` arrives as: `{name, path, mode, contents}`.
    pub fn of_file(args: &Args, file: &Map) -> Result<Placed> {
        let text = |key: &str| file.get(key).and_then(Value::as_str).map(str::to_string);
        let Some(contents) = file.get("contents") else { return Err(args.error("src", "`src` must name a file")) };
        let mut placed = Placed::new(args, contents.clone())?;
        placed.name = text("name");
        placed.source = text("path");
        if args.value("mode").and_then(|mode| mode.as_str().map(|text| text == "preserve")) == Some(true) {
            placed.owned.mode = file.get("mode").cloned().filter(|mode| !mode.is_null());
        }
        Ok(placed)
    }

    pub fn new(args: &Args, contents: Value) -> Result<Placed> {
        let dest = args.need("dest")?;
        let mut how = Fields::new();
        if let Some(validate) = args.text("validate") {
            if !validate.contains("%s") {
                return Err(args.error("validate", format!("validate must contain %s: {validate}")));
            }
            how.insert("validate".into(), Value::text(validate));
        }
        if args.flag("unsafe_writes") {
            how.insert("unsafe_writes".into(), true.into());
        }
        let owned = Owned::new(args)?;
        let mode = args.given("directory_mode").then(|| args.value("directory_mode")).flatten();
        Ok(Placed {
            contents,
            name: None,
            source: None,
            into: dest.ends_with('/'),
            dest: normal(&dest),
            force: args.flag("force"),
            follow: args.flag("follow"),
            backup: args.flag("backup"),
            folders: Owned { mode, ..owned.clone() },
            owned,
            how,
        })
    }

    fn sha256(&self) -> Option<&str> {
        match &self.contents {
            Value::Contents(contents) => Some(&contents.sha256),
            _ => None,
        }
    }

    pub fn look(&self, path: &str) -> Look {
        let look = self.sha256().map_or_else(|| Look::at(path::KIND, path), |sha256| look_unless(path, sha256));
        if self.backup { look.with("stamp", "date") } else { look }
    }

    /// The path inside the folder `dest`, where `dest` is one.
    fn inside(&self) -> Option<String> {
        Some(normal(&format!("{}/{}", self.dest, base(self.name.as_deref()?))))
    }

    /// Where it goes: into `dest` where that is a folder, through a link where that is wanted.
    fn place(&self, view: &View<'_>) -> std::result::Result<Option<Id>, Halt> {
        let id = Id::new(path::KIND, self.dest.as_str());
        if self.into || is_folder(&id, view)? {
            return Ok(self.inside().map(|inside| Id::new(path::KIND, inside)));
        }
        match view.field(&id, "real")?.and_then(Value::as_str) {
            Some(real) if self.follow => Ok(Some(Id::new(path::KIND, normal(real)))),
            _ => Ok(Some(id)),
        }
    }

    /// The folders that are made on the way to a `dest` that ends with a slash.
    fn made(&self, view: &View<'_>) -> std::result::Result<Vec<Wanted>, Halt> {
        let mut all = vec![];
        if !self.into {
            return Ok(all);
        }
        for path in ancestors(&self.dest).into_iter().chain([self.dest.clone()]) {
            let id = Id::new(path::KIND, path);
            // what is there keeps its owner and mode
            if view.state(&id)?.is_none() {
                let mut fields = Fields::from([("kind".into(), Value::text("directory"))]);
                self.folders.want(&id, view, &mut fields)?;
                all.push(Wanted::new(id, Some(fields)));
            }
        }
        Ok(all)
    }

    /// What stands in its way; `None`: nothing.
    fn refusal(&self, id: &Id, view: &View<'_>) -> std::result::Result<Option<String>, Halt> {
        let above = Id::new(path::KIND, parent(&id.name));
        if !self.into && *above.name != *self.dest && view.state(&above)?.is_none() {
            return Ok(Some(format!("Destination directory {} does not exist", above.name)));
        }
        if is_folder(id, view)? {
            return Ok(Some(format!("{} is a folder, and cannot become a file", id.name)));
        }
        Ok(None)
    }

    /// The file as it is to be, and what is told of it.
    pub fn wanted(&self, id: Id, view: &View<'_>) -> std::result::Result<(Wanted, Map), Halt> {
        let mut fields = Fields::from([("kind".into(), Value::text("file")), ("contents".into(), self.contents.clone())]);
        self.owned.want(&id, view, &mut fields)?;
        let now = view.state(&id)?;
        let changed = Gap::between(&id, now, &Some(fields.clone())).change("contents").is_some();
        let mut how = self.how.clone();
        let mut result = self.told(&id, changed);
        let backup = (self.backup && changed && now.is_some()).then(|| owned::backup_name(&id.name, &id, view)).flatten();
        if let Some(name) = backup {
            how.insert("backup".into(), Value::text(name.as_str()));
            result.insert("backup_file", name);
        }
        Ok((Wanted { id, state: Some(fields), how }, result))
    }

    /// Ansible's keys that the contents tell.
    fn told(&self, id: &Id, changed: bool) -> Map {
        let mut result = Map::new();
        result.insert("dest", Value::text(&*id.name));
        if let Value::Contents(contents) = &self.contents {
            if let Some(bytes) = contents.here().and_then(Value::as_bytes) {
                result.insert("checksum", hashes::hex("sha1", bytes));
                if changed {
                    result.insert("md5sum", hashes::hex("md5", bytes));
                }
            }
            result.insert("size", contents.size as i64);
        }
        if changed {
            result.extend(self.source.iter().map(|source| ("src".into(), Value::text(source.as_str()))));
        } else {
            result.insert("path", Value::text(&*id.name));
        }
        result
    }
}

/// Whether a path is a folder or a link to one.
pub fn is_folder(id: &Id, view: &View<'_>) -> std::result::Result<bool, Halt> {
    let kind = |id: &Id| Ok::<_, Halt>(view.field(id, "kind")?.and_then(Value::as_str));
    Ok(match (kind(id)?, view.field(id, "real")?.and_then(Value::as_str)) {
        (Some("link"), Some(real)) => kind(&Id::new(path::KIND, normal(real)))? == Some("directory"),
        (kind, _) => kind == Some("directory"),
    })
}

impl Module for Placed {
    fn looks(&self) -> Vec<Look> {
        let mut looks = vec![self.look(&self.dest), Look::at(path::KIND, parent(&self.dest))];
        looks.extend(self.owned.looks());
        if self.into {
            looks.extend(self.inside().map(|inside| self.look(&inside)));
            looks.extend(ancestors(&self.dest).into_iter().map(|path| Look::at(path::KIND, path)));
        }
        looks
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let Some(id) = self.place(view)? else { return Ok(Want::failed("can not use content with a dir as dest")) };
        if *id.name != *self.dest && !owned::contents_known(&id, view)? {
            return Err(Halt::Ask(vec![self.look(&id.name)]));
        }
        if !self.force && view.state(&id)?.is_some() {
            let mut result = Map::new();
            result.insert("dest", Value::text(&*id.name));
            result.insert("src", self.source.clone());
            return Ok(Want::result(result));
        }
        if let Some(message) = self.refusal(&id, view)? {
            return Ok(Want::failed(message));
        }
        let mut states = self.made(view)?;
        let (wanted, result) = self.wanted(id, view)?;
        states.push(wanted);
        Ok(Want { result, ..Want::states(states) })
    }

    fn refused(&self, gap: &crate::state::Gap, reply: &crate::state::Reply) -> Map {
        owned::refused_contents(gap, reply)
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        if !self.force && done.gaps.is_empty() {
            return result;
        }
        let id = self.place(&done.view).ok().flatten();
        describe(id.and_then(|id| done.view.seen(&id)?.as_ref()), &mut result);
        result
    }
}
