//! A folder of the control node, with all that is in it.

use std::sync::Arc;

use crate::modules::owned::{Owned, describe};
use crate::modules::placed::{Placed, is_folder};
use crate::modules::{Args, Done, Module, Want, Wanted};
use crate::resources::path::{self, ancestors, base, normal};
use crate::resources::tree::join;
use crate::state::{Fields, Halt, Id, Look, View};
use crate::text::{Contents, Map, Result, Value};

struct Tree {
    source: String,
    dest: String,
    /// Where the folder itself goes.
    root: String,
    folders: Vec<String>,
    files: Vec<(Id, Placed)>,
    force: bool,
    owned: Owned,
}

/// `src: a` goes to `dest/a`, `src: a/` to `dest` itself.
pub fn make(args: &Args, folder: &Map) -> Result<Arc<dyn Module>> {
    let text = |key: &str| folder.get(key).and_then(Value::as_str).unwrap_or_default();
    let dest = normal(&args.need("dest")?);
    let root = if text("name").ends_with('/') { dest.clone() } else { normal(&join(&dest, base(text("name")))) };
    let any = Placed::new(args, Contents::of(Value::text("")).into())?;
    let preserve = args.value("mode").is_some_and(|mode| mode.as_str() == Some("preserve"));
    let (mut folders, mut files) = (vec![], vec![]);
    for entry in folder.get("tree").and_then(Value::as_list).unwrap_or_default() {
        let below = entry.get("path").and_then(Value::as_str).unwrap_or_default();
        let to = join(&root, below);
        let Some(contents) = entry.get("contents") else {
            folders.push(to);
            continue;
        };
        let mut placed = Placed {
            contents: contents.clone(),
            source: Some(join(text("path"), below)),
            dest: to.clone(),
            into: false,
            follow: false,
            ..any.clone()
        };
        if preserve {
            placed.owned.mode = entry.get("mode").cloned().filter(|mode| !mode.is_null());
        }
        files.push((Id::new(path::KIND, to), placed));
    }
    Ok(Arc::new(Tree { source: text("path").into(), dest, root, folders, files, force: any.force, owned: any.folders }))
}

impl Tree {
    fn folder(&self, path: &str, enforced: bool, view: &View<'_>) -> std::result::Result<Option<Wanted>, Halt> {
        let id = Id::new(path::KIND, path);
        let there = is_folder(&id, view)?;
        let link = view.field(&id, "kind")?.and_then(Value::as_str) == Some("link");
        if there && (!enforced || link) {
            return Ok(None);
        }
        let mut fields = Fields::from([("kind".into(), Value::text("directory"))]);
        self.owned.want(&id, view, &mut fields)?;
        Ok(Some(Wanted::new(id, Some(fields))))
    }
}

impl Module for Tree {
    fn looks(&self) -> Vec<Look> {
        let mut above = ancestors(&self.root);
        above.push(self.root.clone());
        above.extend(self.folders.iter().cloned());
        let folders = above.into_iter().map(|path| Look::at(path::KIND, path));
        folders.chain(self.owned.looks()).chain(self.files.iter().map(|(id, placed)| placed.look(&id.name))).collect()
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut states = vec![];
        for path in ancestors(&self.root).iter().chain([&self.root]) {
            states.extend(self.folder(path, false, view)?);
        }
        for path in &self.folders {
            let kind = view.field(&Id::new(path::KIND, path.as_str()), "kind")?.and_then(Value::as_str);
            if let Some(kind) = kind.filter(|kind| !matches!(*kind, "directory" | "link")) {
                return Ok(Want::failed(format!("{path} already exists as a {kind}")));
            }
            states.extend(self.folder(path, true, view)?);
        }
        let mut result = Map::new();
        for (id, placed) in &self.files {
            if !self.force && view.state(id)?.is_some() {
                continue;
            }
            if is_folder(id, view)? {
                return Ok(Want::failed(format!("{} is a folder, and cannot become a file", id.name)));
            }
            let (wanted, told) = placed.wanted(id.clone(), view)?;
            states.push(wanted);
            result = told;
        }
        if self.files.len() != 1 {
            result = Map::from_iter([
                ("dest".into(), Value::text(format!("{}/", self.dest.trim_end_matches('/')))),
                ("src".into(), Value::text(self.source.as_str())),
            ]);
        }
        Ok(Want { result, ..Want::states(states) })
    }

    fn refused(&self, gap: &crate::state::Gap, reply: &crate::state::Reply) -> Map {
        crate::modules::owned::refused_contents(gap, reply)
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        if let [(id, _)] = &self.files[..] {
            describe(done.view.seen(id).and_then(Option::as_ref), &mut result);
        }
        result
    }
}
