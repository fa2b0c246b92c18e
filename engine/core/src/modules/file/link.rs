//! `state: link` and `state: hard`.

use super::{File, Halted, fail, id, kind};
use crate::modules::{Want, Wanted};
use crate::resources::path::{self, normal, parent};
use crate::resources::tree;
use crate::state::{Fields, Id, Look, View};
use crate::text::Value;

impl File {
    /// Where the link leads, seen from the folder that it stands in: as written, and without `..`, which a task before it
    /// may have made.
    fn leads(&self) -> Option<(String, String)> {
        let source = self.source.as_ref()?;
        let whole = match source.starts_with(['/', '~']) || self.state.as_deref() == Some("hard") {
            true => normal(source),
            false => normal(&format!("{}/{source}", parent(&self.path))),
        };
        let mut parts: Vec<&str> = vec![];
        for part in whole.split('/') {
            match part {
                ".." if parts.last().is_some_and(|last| !matches!(*last, "" | "..")) => _ = parts.pop(),
                part => parts.push(part),
            }
        }
        let short = parts.join("/");
        Some((whole, if short.is_empty() { "/".into() } else { short }))
    }

    pub(super) fn source_looks(&self) -> Vec<Look> {
        let mut looks = vec![];
        if let Some((whole, short)) = self.leads() {
            looks.push(Look::at(path::KIND, whole.as_str()));
            if short != whole {
                looks.push(Look::at(path::KIND, short));
            }
        }
        if self.force && self.state.as_deref() == Some("link") {
            looks.push(Look::at(tree::KIND, self.path.as_str()).with("depth", "1"));
        }
        looks
    }

    /// What the link leads to in the end, if it is there.
    fn source_id(&self, view: &View<'_>) -> Halted<Option<Id>> {
        let Some((whole, short)) = self.leads() else { return Ok(None) };
        let inode = |path: &str| view.field(&id(path), "inode");
        // two names of one thing: the shorter is what other tasks call it
        let same = view.state(&id(&short))?.is_some() && view.state(&id(&whole))?.is_some() && inode(&whole)? == inode(&short)?;
        for path in if same { [short, whole] } else { [whole, short] } {
            let id = id(&path);
            match (kind(&id, view)?, view.field(&id, "real")?.and_then(Value::as_str)) {
                (Some("link"), Some(real)) => return Ok(Some(super::id(&normal(real)))),
                (Some("link"), None) | (None, _) => {}
                (Some(_), _) => return Ok(Some(id)),
            }
        }
        Ok(None)
    }

    pub(super) fn link(&self, view: &View<'_>) -> Halted<Want> {
        let now = kind(&id(&self.path), view)?;
        let source = self.source_id(view)?;
        if let Some(refused) = self.refuse_link(now, source.is_some(), view)? {
            return Ok(refused);
        }
        let mut link = Fields::from([("kind".into(), Value::text("link"))]);
        let target = match &self.source {
            Some(source) => Some(Value::text(source.as_str())),
            None => view.field(&id(&self.path), "target")?.cloned(),
        };
        link.extend(target.iter().map(|target| ("target".into(), target.clone())));
        let mut states = vec![];
        let mut warnings = vec![];
        let real = match (&self.source, view.field(&id(&self.path), "real")?.and_then(Value::as_str)) {
            (Some(_), _) => source,
            (None, real) => real.map(|real| id(&normal(real))),
        };
        let plain = self.owned.owner.is_none() && self.owned.group.is_none() && self.owned.mode.is_none();
        match real {
            _ if !self.follow => {
                link = Fields::from_iter(link.into_iter().chain(self.fields(&id(&self.path), Some("link"), view)?));
                states.push(self.wanted(id(&self.path), link));
            }
            Some(real) => {
                states.push(Wanted::new(id(&self.path), Some(link)));
                let fields = self.fields(&real, None, view)?;
                if !fields.is_empty() {
                    states.push(self.wanted(real, fields));
                }
            }
            None => {
                states.push(Wanted::new(id(&self.path), Some(link)));
                if !plain {
                    warnings.push(
                        "Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.".into(),
                    );
                }
            }
        }
        let mut want = self.with("dest", &self.path, Want::states(states));
        want.result.extend(target.map(|target| ("src".into(), target)));
        want.warnings = warnings;
        Ok(want)
    }

    fn refuse_link(&self, now: Option<&str>, leads: bool, view: &View<'_>) -> Halted<Option<Want>> {
        let path = &self.path;
        if let (Some(source), false, false) = (&self.source, self.force, leads) {
            let whole = self.leads().map(|(whole, _)| whole).unwrap_or_default();
            let message = format!("src file does not exist, use 'force=yes' if you really want to create the link: {whole}");
            return Ok(Some(fail(message, &[("path", path), ("src", source)])));
        }
        let what = match now {
            Some("directory") => "directory",
            Some("link") => return Ok(None),
            None if self.source.is_none() => return Ok(Some(Want::failed("src is required for creating new symlinks"))),
            None => return Ok(None),
            Some(_) => "file",
        };
        if !self.force {
            return Ok(Some(fail(format!("refusing to convert from {what} to symlink for {path}"), &[("path", path)])));
        }
        if self.source.is_none() {
            return Ok(Some(Want::failed("src is required for creating new symlinks")));
        }
        let below = Id::new(tree::KIND, path.as_str());
        if what == "directory" && view.field(&below, "entries")?.and_then(Value::as_list).is_some_and(|all| !all.is_empty()) {
            return Ok(Some(fail(format!("the directory {path} is not empty, refusing to convert it"), &[("path", path)])));
        }
        Ok(None)
    }

    pub(super) fn hard(&self, view: &View<'_>) -> Halted<Want> {
        let path = self.inside(view)?.unwrap_or_else(|| self.path.clone());
        let own = id(&path);
        let now = view.state(&own)?.as_ref();
        let number = |id: &Id| Ok::<_, crate::state::Halt>(view.field(id, "inode")?.and_then(Value::as_int));
        let Some(source) = self.source.clone() else {
            let links = now.and_then(|fields| fields.get("links")).and_then(Value::as_int);
            if links.unwrap_or(1) < 2 {
                return Ok(Want::failed("src is required for creating new hardlinks"));
            }
            let fields = self.fields(&own, Some("file"), view)?;
            return Ok(self.with("dest", &path, Want::states([self.wanted(own, fields)])));
        };
        let Some(from) = self.source_id(view)? else {
            return Ok(fail("src does not exist".into(), &[("dest", &path), ("src", &source)]));
        };
        let same = now.is_some() && number(&own)?.is_some() && number(&own)? == number(&from)?;
        if now.is_some() && !same && !self.force {
            let links = now.and_then(|fields| fields.get("links")).and_then(Value::as_int);
            let message = match kind(&own, view)? {
                Some("link") => None,
                Some("directory") => Some("Cannot link: different hard link exists at destination"),
                _ if links.unwrap_or(1) > 1 => Some("Cannot link, different hard link exists at destination"),
                _ => Some("Cannot link, file exists at destination"),
            };
            if let Some(message) = message {
                return Ok(fail(message.into(), &[("dest", &path), ("src", &source)]));
            }
        }
        let mut fields = self.fields(&own, Some("file"), view)?;
        if let Some(inode) = number(&from)? {
            fields.insert("inode".into(), Value::Int(inode));
        }
        let wanted = self.wanted(own, fields).how("hard", &*from.name);
        let mut want = self.with("dest", &path, Want::states([wanted]));
        want.result.insert("src", source);
        Ok(want)
    }
}
