//! `slurp`: the contents of a file of the host, as base64.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::resources::path::{self, normal};
use crate::state::{Halt, Id, Look, View};
use crate::text::{Diagnostic, Map, Result, Unknown, Value};

use super::{Arg, Args, Entry, Module, Spec, Type, Want};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "slurp",
    collection: "ansible.builtin",
    about: "Read a file of a host",
    args: &[Arg::new("src", Type::Path, "The file").required().aliases(&["path"])],
    free_form: None,
    any: false,
};

struct Slurp {
    source: String,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    Ok(Arc::new(Slurp { source: args.need("src")? }))
}

impl Module for Slurp {
    fn looks(&self) -> Vec<Look> {
        vec![Look::at(path::KIND, normal(&self.source)).with("contents", "whole")]
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let source = &self.source;
        let value = match contents(source, view)? {
            Ok(value) => value,
            Err(Refused::Missing) => return Ok(Want::failed(format!("File not found: {source}"))),
            Err(Refused::Folder) => return Ok(Want::failed(format!("Source is a directory and must be a file: {source}"))),
            Err(Refused::Other(why)) => return Ok(Want::failed(why)),
        };
        let mut result = Map::new();
        result.insert("content", Value::text(STANDARD.encode(value.as_bytes().unwrap_or_default())).marked(value.marks()));
        result.insert("source", source.as_str());
        result.insert("encoding", "base64");
        Ok(Want::result(result))
    }
}

/// Why a file of the host cannot be read.
pub enum Refused {
    Missing,
    Folder,
    Other(String),
}

/// What a file of the host holds, links followed; its bytes are here. It was looked at for its `whole` contents.
pub fn contents<'a>(source: &str, view: &View<'a>) -> std::result::Result<std::result::Result<&'a Value, Refused>, Halt> {
    let mut id = Id::new(path::KIND, normal(source));
    match (view.field(&id, "kind")?.and_then(Value::as_str), view.field(&id, "real")?.and_then(Value::as_str)) {
        (Some("link"), Some(real)) => id = Id::new(path::KIND, normal(real)),
        (None | Some("link"), _) => return Ok(Err(Refused::Missing)),
        _ => {}
    }
    match view.field(&id, "kind")?.and_then(Value::as_str) {
        None => return Ok(Err(Refused::Missing)),
        Some("directory") => return Ok(Err(Refused::Folder)),
        Some("file") => {}
        Some(kind) => return Ok(Err(Refused::Other(format!("{source} is no file but a {kind}")))),
    }
    match view.field(&id, "contents")? {
        None => Err(away(source, &Value::Null)),
        Some(Value::Unknown(cause)) => Err(Halt::Unknown(cause.clone())),
        Some(value) if value.as_bytes().is_none() => Err(away(source, value)),
        Some(value) => Ok(Ok(value)),
    }
}

/// Its bytes are not at hand: they are too many, or a task before it brings them.
fn away(source: &str, value: &Value) -> Halt {
    match value {
        Value::Contents(contents) if contents.size > path::WHOLE => Halt::Failed(
            Diagnostic::error(format!("{source} has {} bytes, too many to be read", contents.size))
                .hint(format!("files up to {} bytes are", path::WHOLE)),
        ),
        _ => Halt::Unknown(Arc::new(Unknown { because: format!("the contents of {source} are not known yet"), span: None })),
    }
}
