//! `recurse`: owner and mode of all below a directory.

use std::collections::BTreeSet;

use super::{File, Halted, id, kind};
use crate::modules::Wanted;
use crate::modules::owned::is_known;
use crate::resources::path;
use crate::resources::tree::{self, join};
use crate::state::{Halt, Id, Look, View};
use crate::text::{Diagnostic, Value};

pub(super) fn look(path: &str) -> Look {
    Look::at(tree::KIND, path).with("depth", "all").with("each", "yes")
}

impl File {
    /// What is to be of each path below; where a link leads, too, if links are followed.
    pub(super) fn below(&self, folder: &str, view: &View<'_>) -> Halted<Vec<Wanted>> {
        let (mut all, mut seen, mut left) = (vec![], BTreeSet::new(), vec![folder.to_string()]);
        while let Some(folder) = left.pop() {
            if !seen.insert(folder.clone()) {
                continue;
            }
            let id = Id::new(tree::KIND, folder.as_str());
            if !is_known(&id, view)? {
                return Err(Halt::Ask(vec![look(&folder)]));
            }
            if let Some(said) = view.field(&id, "denied")?.and_then(|said| said.as_list()?.first()?.as_str()) {
                return Err(Halt::Failed(Diagnostic::error(said).hint("this user may not read it; try `become: true`")));
            }
            let entries = view.field(&id, "entries")?.and_then(Value::as_list).unwrap_or_default();
            self.links(&folder, entries, view, &mut left, &mut all)?;
            for entry in entries {
                let below = entry.get("path").and_then(Value::as_str).unwrap_or_default();
                let path = super::id(&join(&folder, below));
                let fields = self.fields(&path, None, view)?;
                if !fields.is_empty() {
                    all.push(self.wanted(path, fields));
                }
            }
        }
        Ok(all)
    }

    /// Adds what links lead to; their folders are gone through, too.
    fn links(&self, folder: &str, entries: &[Value], view: &View<'_>, left: &mut Vec<String>, all: &mut Vec<Wanted>) -> Halted<()> {
        let is_link = |entry: &&Value| entry.get("kind").and_then(Value::as_str) == Some("link");
        let name = |entry: &Value| join(folder, entry.get("path").and_then(Value::as_str).unwrap_or_default());
        let links: Vec<String> = entries.iter().filter(is_link).map(name).collect();
        let mut unknown = vec![];
        for link in &links {
            if !is_known(&id(link), view)? {
                unknown.push(Look::at(path::KIND, link.as_str()));
            }
        }
        if !unknown.is_empty() {
            return Err(Halt::Ask(unknown));
        }
        for link in links.iter().filter(|_| self.follow) {
            let Some(real) = view.field(&id(link), "real")?.and_then(Value::as_str) else { continue };
            let real = id(real);
            if kind(&real, view)? == Some("directory") {
                left.push(real.name.to_string());
            }
            let fields = self.fields(&real, None, view)?;
            all.push(self.wanted(real, fields));
        }
        Ok(())
    }
}
