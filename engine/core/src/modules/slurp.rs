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
        let mut id = Id::new(path::KIND, normal(source));
        match (view.field(&id, "kind")?.and_then(Value::as_str), view.field(&id, "real")?.and_then(Value::as_str)) {
            (Some("link"), Some(real)) => id = Id::new(path::KIND, normal(real)),
            (None | Some("link"), _) => return Ok(Want::failed(format!("File not found: {source}"))),
            _ => {}
        }
        match view.field(&id, "kind")?.and_then(Value::as_str) {
            None => return Ok(Want::failed(format!("File not found: {source}"))),
            Some("directory") => return Ok(Want::failed(format!("Source is a directory and must be a file: {source}"))),
            Some("file") => {}
            Some(kind) => return Ok(Want::failed(format!("{source} is no file but a {kind}"))),
        }
        let value = match view.field(&id, "contents")? {
            None => return Err(away(source, &Value::Null)),
            Some(Value::Unknown(cause)) => return Err(Halt::Unknown(cause.clone())),
            Some(value) => value,
        };
        let Some(bytes) = value.as_bytes() else { return Err(away(source, value)) };
        let mut result = Map::new();
        result.insert("content", Value::text(STANDARD.encode(bytes)).marked(value.marks()));
        result.insert("source", source.as_str());
        result.insert("encoding", "base64");
        Ok(Want::result(result))
    }
}

/// Its bytes are not at hand: they are too many, or a task before it brings them.
fn away(source: &str, value: &Value) -> Halt {
    match value {
        Value::Contents(contents) if contents.size > path::WHOLE => Halt::Failed(
            Diagnostic::error(format!("{source} has {} bytes, too many to be read into a variable", contents.size))
                .hint(format!("files up to {} bytes are", path::WHOLE)),
        ),
        _ => Halt::Unknown(Arc::new(Unknown { because: format!("the contents of {source} are not known yet"), span: None })),
    }
}
