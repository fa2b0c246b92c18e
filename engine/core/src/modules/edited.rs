//! What modules that edit a text file in place have in common: they read it as a whole, and give it back as a whole.

use std::sync::Arc;

use crate::resources::path::{self, ancestors, normal};
use crate::state::{Fields, Gap, Halt, Id, Look, View};
use crate::text::{Contents, Diagnostic, Map, Mark, Result, Unknown, Value};

use super::args::Args;
use super::owned::{self, Owned};
use super::whole;
use super::{Want, Wanted};

/// The file that is edited, and how.
#[derive(Clone, Debug)]
pub struct Edited {
    pub path: String,
    pub create: bool,
    backup: bool,
    owned: Owned,
    how: Fields,
    /// The secrets in what is written into it.
    marks: Vec<Arc<Mark>>,
    /// What is written into it is not known before a real run.
    waits: Option<Arc<Unknown>>,
}

/// A file as it is.
pub struct Now<'a> {
    /// Where a link leads, or the path itself.
    pub id: Id,
    /// `None`: it is not there.
    pub value: Option<&'a Value>,
}

impl Now<'_> {
    pub fn bytes(&self) -> &[u8] {
        self.value.and_then(Value::as_bytes).unwrap_or_default()
    }
}

/// What became of it.
pub struct Edit {
    pub bytes: Vec<u8>,
    /// What was done, in Ansible's words; empty where nothing was.
    pub msg: String,
}

impl Edited {
    /// `texts` are the arguments that go into the file.
    pub fn new(args: &Args, path: String, texts: &[&str]) -> Result<Edited> {
        let validate = args.text("validate");
        if let Some(validate) = validate.as_ref().filter(|text| !text.contains("%s")) {
            return Err(args.error("validate", format!("validate must contain %s: {validate}")));
        }
        let mut how = Fields::new();
        how.extend(validate.map(|text| ("validate".into(), Value::text(text))));
        if args.flag("unsafe_writes") {
            how.insert("unsafe_writes".into(), true.into());
        }
        let marks = texts.iter().filter_map(|name| args.value(name)).flat_map(|value| value.marks()).collect();
        let waits = texts.iter().filter_map(|name| args.value(name)).find_map(|value| value.unknown().cloned());
        let create = args.flag_if_listed("create").unwrap_or(false);
        Ok(Edited { path: normal(&path), create, backup: args.flag("backup"), owned: Owned::new(args)?, how, marks, waits })
    }

    pub fn looks(&self) -> Vec<Look> {
        let mut look = Look::at(path::KIND, self.path.as_str()).with("contents", "whole");
        if self.backup {
            look = look.with("stamp", "date");
        }
        let above = if self.create { ancestors(&self.path) } else { vec![] };
        std::iter::once(look).chain(self.owned.looks()).chain(above.into_iter().map(|path| Look::at(path::KIND, path))).collect()
    }

    /// The file as it is. `Err(Ok(want))`: the task fails with that.
    pub fn now<'a>(&self, view: &View<'a>) -> std::result::Result<std::result::Result<Now<'a>, Want>, Halt> {
        let id = Id::new(path::KIND, self.path.as_str());
        let kind = |id: &Id| Ok::<_, Halt>(view.field(id, "kind")?.and_then(Value::as_str));
        let id = match (kind(&id)?, view.field(&id, "real")?.and_then(Value::as_str)) {
            (Some("link"), Some(real)) => Id::new(path::KIND, normal(real)),
            (Some("link"), None) => return Ok(Err(Want::failed(format!("{} is a link that leads to nothing", self.path)))),
            _ => id,
        };
        let Some(fields) = view.fields(&id)? else { return Ok(Ok(Now { id, value: None })) };
        match fields.get("kind").and_then(Value::as_str) {
            Some("file") | None => {}
            Some("directory") => {
                let mut want = Want::failed(format!("Path {} is a directory !", self.path));
                want.result.insert("rc", 256);
                return Ok(Err(want));
            }
            Some(kind) => return Ok(Err(Want::failed(format!("{} is no file but a {kind}", self.path)))),
        }
        let unknown = || Arc::new(Unknown { because: format!("the contents of {} are not known yet", self.path), span: None });
        match fields.get("contents") {
            // it was looked at by way of a link that a task before it would make
            None if !view.answers(&whole::look(&id.name)) => Err(Halt::Ask(vec![whole::look(&id.name)])),
            None => Err(Halt::Unknown(unknown())),
            Some(Value::Unknown(cause)) => Err(Halt::Unknown(cause.clone())),
            Some(value @ Value::Contents(contents)) => match contents.here() {
                Some(_) => Ok(Ok(Now { id, value: Some(value) })),
                None if contents.size > path::WHOLE => Err(Halt::Failed(
                    Diagnostic::error(format!("{} has {} bytes, too many to be edited", self.path, contents.size))
                        .hint(format!("files up to {} bytes are edited", path::WHOLE)),
                )),
                None => Err(Halt::Unknown(unknown())),
            },
            Some(_) => Err(Halt::Unknown(unknown())),
        }
    }

    /// Where what goes into the file is not known yet: the file with all else that is to be.
    pub fn waits(&self, now: &Now<'_>, view: &View<'_>) -> std::result::Result<Option<Want>, Halt> {
        let Some(cause) = &self.waits else { return Ok(None) };
        let mut want = self.want(now, Edit { bytes: now.bytes().to_vec(), msg: String::new() }, view)?;
        for fields in want.states.iter_mut().filter(|wanted| wanted.id == now.id).filter_map(|wanted| wanted.state.as_mut()) {
            fields.insert("contents".into(), Value::Unknown(cause.clone()));
        }
        Ok(Some(want))
    }

    /// The file as it is to be, with the folders above it where it is made.
    pub fn want(&self, now: &Now<'_>, edit: Edit, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut states = vec![];
        let new = now.value.is_none();
        let changed = new || edit.bytes != now.bytes();
        for path in ancestors(&now.id.name).into_iter().filter(|_| new) {
            let id = Id::new(path::KIND, path);
            if view.state(&id)?.is_none() {
                states.push(Wanted::new(id, Some(Fields::from([("kind".into(), Value::text("directory"))]))));
            }
        }
        let mut fields = Fields::from([("kind".into(), Value::text("file"))]);
        let mut how = self.how.clone();
        let mut backup = None;
        if changed {
            let mut marks = now.value.map(Value::marks).unwrap_or_default();
            marks.extend(self.marks.iter().cloned());
            fields.insert("contents".into(), Contents::of(Value::from_bytes(edit.bytes).marked(marks)).into());
            backup = if self.backup && !new { owned::backup_name(&self.path, &now.id, view) } else { None };
            how.extend(backup.iter().map(|name| ("backup".into(), Value::text(name.as_str()))));
        }
        self.owned.want(&now.id, view, &mut fields)?;
        let attributes = self.attributes(&now.id, &fields, view)?;
        states.push(Wanted { id: now.id.clone(), state: Some(fields), how });
        let said = "ownership, perms or SE linux context changed";
        let msg = match (attributes, edit.msg.as_str()) {
            (false, done) => done.to_string(),
            (true, "") => said.to_string(),
            (true, done) => format!("{done} and {said}"),
        };
        let mut result = Map::new();
        result.insert("msg", msg);
        if let Some(name) = backup {
            result.insert("backup", name);
        }
        Ok(Want { result, ..Want::states(states) })
    }

    /// Whether owner, group or mode change; a new file begins as root's with 0644.
    fn attributes(&self, id: &Id, fields: &Fields, view: &View<'_>) -> std::result::Result<bool, Halt> {
        let born = || {
            Fields::from([("mode", "0644"), ("owner", "root"), ("group", "root")].map(|(name, value)| (name.into(), Value::text(value))))
        };
        let now = view.fields(id)?.cloned().unwrap_or_else(born);
        let mut then = fields.clone();
        then.retain(|name, _| !matches!(&**name, "contents" | "kind"));
        Ok(!Gap::between(id, &Some(now), &Some(then)).changes.is_empty())
    }
}

/// Bytes as lines that keep their ends, `\n` only.
pub fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// A line without the `\r` and `\n` at its end.
pub fn stripped(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |at| at + 1);
    &line[..end]
}
