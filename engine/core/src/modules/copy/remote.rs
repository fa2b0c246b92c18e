//! `remote_src`: a file or a folder of the host itself.

use std::sync::Arc;

use crate::modules::hashes;
use crate::modules::owned::{Owned, contents_known, describe, is_known};
use crate::modules::placed::{Placed, is_folder};
use crate::modules::{Args, Done, Module, Want, Wanted};
use crate::resources::path::{self, ancestors, base, normal, parent};
use crate::resources::tree::{self, join};
use crate::state::{Fields, Gap, Halt, Id, Look, View};
use crate::text::{Diagnostic, Map, Result, Unknown, Value};

struct Remote {
    source: String,
    /// `src` ends with a slash.
    inner: bool,
    preserve: bool,
    checksum: Option<String>,
    placed: Placed,
}

type Halted<T> = std::result::Result<T, Halt>;

pub fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let source = args.need("src")?;
    if args.given("local_follow") && args.flag("local_follow") {
        return Err(args.error("local_follow", "with `remote_src` links are copied as links; `local_follow: true` is not supported yet"));
    }
    let mut placed = Placed::new(args, Value::Null)?;
    placed.name = Some(source.trim_end_matches('/').to_string());
    placed.source = Some(source.clone());
    Ok(Arc::new(Remote {
        inner: source.ends_with('/'),
        source: normal(&source),
        preserve: args.value("mode").is_some_and(|mode| mode.as_str() == Some("preserve")),
        checksum: args.text("checksum"),
        placed,
    }))
}

fn id(path: &str) -> Id {
    Id::new(path::KIND, path)
}

fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str)
}

impl Remote {
    /// Asks for the source, and then for the place that it goes to, with the hash that is wanted there.
    fn known(&self, from: &Id, to: &str, view: &View<'_>) -> Halted<Value> {
        let contents = match view.field(from, "contents")? {
            Some(Value::Unknown(cause)) => return Err(Halt::Unknown(cause.clone())),
            Some(contents @ Value::Contents(of)) => {
                if !contents_known(&id(to), view)? {
                    let look = Look::at(path::KIND, to).with("unless", of.sha256.clone());
                    return Err(Halt::Ask(vec![if self.placed.backup { look.with("stamp", "date") } else { look }]));
                }
                contents.clone()
            }
            _ if !contents_known(from, view)? => return Err(Halt::Ask(vec![source_look(&from.name)])),
            _ => return Err(Halt::Failed(Diagnostic::error(format!("{} is no file any more", from.name)))),
        };
        Ok(contents)
    }

    /// One file, as it is to be; a new one has the mode of its source.
    fn file(&self, from: &Id, to: &str, owned: &Owned, view: &View<'_>) -> Halted<(Wanted, Map)> {
        let contents = self.known(from, to, view)?;
        let mut placed = Placed { contents, owned: owned.clone(), ..self.placed.clone() };
        let probe = Fields::from([("kind".into(), Value::text("file")), ("contents".into(), placed.contents.clone())]);
        let differs = !Gap::between(&id(to), view.state(&id(to))?, &Some(probe)).is_closed();
        if self.preserve || (placed.owned.mode.is_none() && differs) {
            placed.owned.mode = view.field(from, "mode")?.cloned();
        }
        let (wanted, told) = placed.wanted(id(to), view)?;
        Ok((wanted.how("from", &*from.name), told))
    }

    fn one(&self, from: &Id, view: &View<'_>) -> Halted<Want> {
        let dest = &self.placed.dest;
        let folder = self.placed.into || is_folder(&id(dest), view)?;
        let real = text(view.field(&id(dest), "real")?).filter(|_| self.placed.follow);
        let to = match real {
            _ if folder => normal(&join(dest, base(&self.source))),
            Some(real) => normal(real),
            None => dest.clone(),
        };
        let above = parent(&to);
        if !is_known(&id(above), view)? {
            return Err(Halt::Ask(vec![Look::at(path::KIND, above)]));
        }
        if !self.placed.into && view.state(&id(above))?.is_none() {
            return Ok(Want::failed(format!("Destination directory {above} does not exist")));
        }
        let there = view.seen(&id(&to)).is_some_and(Option::is_some);
        if there && !self.placed.force {
            let keys = [("msg", "file already exists"), ("dest", to.as_str()), ("src", self.source.as_str())];
            return Ok(Want::result(keys.into_iter().map(|(key, text)| (key.into(), Value::text(text))).collect()));
        }
        if !self.meant(from, view)? {
            return Ok(Want::failed("Copied file does not match the expected checksum. Transfer failed."));
        }
        let (wanted, result) = self.file(from, &to, &self.placed.owned, view)?;
        let mut states = self.made(dest, view)?;
        states.push(wanted);
        Ok(Want { result, ..Want::states(states) })
    }

    /// Whether the source holds what the task means it to hold: by the hash that the host told or, of what a task before it
    /// would write, by its bytes.
    fn meant(&self, from: &Id, view: &View<'_>) -> Halted<bool> {
        let Some(wanted) = &self.checksum else { return Ok(true) };
        let told = text(view.field(from, "sha1")?).or(text(view.field(&id(&self.source), "sha1")?));
        let found = match (view.field(from, "contents")?, told) {
            (Some(Value::Contents(contents)), told) => {
                contents.here().and_then(Value::as_bytes).and_then(|bytes| hashes::hex("sha1", bytes)).or(told.map(str::to_string))
            }
            (_, told) => told.map(str::to_string),
        };
        let because = || format!("the checksum of {} is not known yet", self.source);
        let found = found.ok_or_else(|| Halt::Unknown(Arc::new(Unknown { because: because(), span: None })))?;
        Ok(found == wanted.to_lowercase())
    }

    /// The folders that are made on the way to a `dest` that ends with a slash.
    fn made(&self, dest: &str, view: &View<'_>) -> Halted<Vec<Wanted>> {
        let mut all = vec![];
        for path in ancestors(dest).into_iter().chain([dest.to_string()]).filter(|_| self.placed.into) {
            if view.state(&id(&path))?.is_none() {
                let mut fields = Fields::from([("kind".into(), Value::text("directory"))]);
                self.placed.folders.want(&id(&path), view, &mut fields)?;
                all.push(Wanted::new(id(&path), Some(fields)));
            }
        }
        Ok(all)
    }

    /// A folder with all below it.
    fn folder(&self, from: &str, view: &View<'_>) -> Halted<Want> {
        let root = if self.inner { self.placed.dest.clone() } else { normal(&join(&self.placed.dest, base(&self.source))) };
        let below = view.field(&Id::new(tree::KIND, from), "entries")?.and_then(Value::as_list).unwrap_or_default();
        self.ask_all(from, &root, below, view)?;
        let mut states = vec![];
        for path in ancestors(&root) {
            if view.state(&id(&path))?.is_none() {
                states.push(Wanted::new(id(&path), Some(Fields::from([("kind".into(), Value::text("directory"))]))));
            }
        }
        states.push(self.member(&id(from), &root, "directory", &self.placed.owned, view)?);
        let bare = Owned { mode: None, ..self.placed.owned.clone() };
        for entry in below {
            let name = text(entry.get("path")).unwrap_or_default();
            let (from, to) = (id(&join(from, name)), join(&root, name));
            match text(entry.get("kind")) {
                Some("file") => states.push(self.file(&from, &to, &bare, view)?.0),
                Some(kind @ ("directory" | "link")) => states.push(self.member(&from, &to, kind, &bare, view)?),
                Some(kind) => return Ok(Want::failed(format!("{} is no file but a {kind}, and cannot be copied", from.name))),
                None => {}
            }
        }
        let keys = [
            ("dest", Value::text(self.placed.dest.as_str())),
            ("src", Value::text(self.source.as_str())),
            ("md5sum", Value::Null),
            ("checksum", Value::Null),
        ];
        Ok(Want { result: keys.into_iter().map(|(key, value)| (key.into(), value)).collect(), ..Want::states(states) })
    }

    /// A folder or a link below; a new folder has the mode of its source.
    fn member(&self, from: &Id, to: &str, kind: &str, owned: &Owned, view: &View<'_>) -> Halted<Wanted> {
        let to = id(to);
        let mut fields = Fields::from([("kind".into(), Value::text(kind))]);
        owned.want(&to, view, &mut fields)?;
        if kind == "link" {
            fields.remove("mode");
            fields.extend(view.field(from, "target")?.map(|target| ("target".into(), target.clone())));
        } else if view.state(&to)?.is_none() && owned.mode.is_none() {
            fields.extend(view.field(from, "mode")?.map(|mode| ("mode".into(), mode.clone())));
        }
        Ok(Wanted::new(to, Some(fields)))
    }

    /// All that must be known of both trees, in as few questions as there can be.
    fn ask_all(&self, from: &str, root: &str, below: &[Value], view: &View<'_>) -> Halted<()> {
        let mut missing = vec![];
        for path in ancestors(root).into_iter().chain([root.to_string()]) {
            ask_unless_known(&path, view, &mut missing)?;
        }
        let mut second = vec![];
        for entry in below {
            let name = text(entry.get("path")).unwrap_or_default();
            let (from, to) = (join(from, name), join(root, name));
            if text(entry.get("kind")) != Some("file") {
                ask_unless_known(&from, view, &mut missing)?;
                ask_unless_known(&to, view, &mut missing)?;
            } else if !contents_known(&id(&from), view)? {
                missing.push(source_look(&from));
            } else if let Some(Value::Contents(of)) = view.field(&id(&from), "contents")?
                && !contents_known(&id(&to), view)?
            {
                second.push(Look::at(path::KIND, to).with("unless", of.sha256.clone()));
            }
        }
        match missing.is_empty() {
            false => Err(Halt::Ask(missing)),
            true if !second.is_empty() => Err(Halt::Ask(second)),
            true => Ok(()),
        }
    }
}

fn ask_unless_known(path: &str, view: &View<'_>, missing: &mut Vec<Look>) -> Halted<()> {
    if !is_known(&id(path), view)? {
        missing.push(Look::at(path::KIND, path));
    }
    Ok(())
}

fn source_look(path: &str) -> Look {
    Look::at(path::KIND, path).with("contents", "hash")
}

impl Module for Remote {
    fn looks(&self) -> Vec<Look> {
        let dest = &self.placed.dest;
        let source = source_look(&self.source);
        let source = if self.checksum.is_some() { source.with("checksum", "sha1") } else { source };
        let mut looks = vec![source, Look::at(tree::KIND, self.source.as_str()).with("depth", "all")];
        looks.extend(ancestors(dest).into_iter().map(|path| Look::at(path::KIND, path)));
        looks.push(Look::at(path::KIND, dest.as_str()).with("contents", "hash"));
        looks.extend(self.placed.owned.looks());
        looks
    }

    fn want(&self, view: &View<'_>) -> Halted<Want> {
        let own = id(&self.source);
        let from = text(view.field(&own, "real")?).map_or_else(|| own.clone(), |real| id(&normal(real)));
        match text(view.field(&from, "kind")?) {
            None | Some("link") => Ok(Want::failed(format!("Source {} not found", self.source))),
            Some("file") => self.one(&from, view),
            Some("directory") => {
                if matches!(text(view.field(&id(&self.placed.dest), "kind")?), Some("file")) {
                    return Ok(Want::failed(format!("{} is a file, and cannot become a folder", self.placed.dest)));
                }
                self.folder(&self.source, view)
            }
            Some(_) => Ok(Want::failed(format!("Cannot copy invalid source '{}': not a file", self.source))),
        }
    }

    fn refused(&self, gap: &crate::state::Gap, reply: &crate::state::Reply) -> Map {
        crate::modules::owned::refused_contents(gap, reply)
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        let last = done.gaps.iter().map(|gap| &gap.id).rfind(|id| id.kind == path::KIND);
        let place = last.cloned().unwrap_or_else(|| id(&self.placed.dest));
        describe(done.view.seen(&place).and_then(Option::as_ref), &mut result);
        result
    }
}
