//! A text file of the host as a whole, for modules that have a part of it in their care.

use std::sync::Arc;

use crate::resources::path::{self, normal};
use crate::state::{Halt, Id, Look, View};
use crate::text::{Diagnostic, Mark, Unknown, Value};

pub fn look(path: &str) -> Look {
    Look::at(path::KIND, path).with("contents", "whole")
}

/// The file that a path leads to, and its text; no text where there is no file.
pub fn text(path: &str, view: &View<'_>) -> std::result::Result<(Id, Option<String>), Halt> {
    let mut id = Id::new(path::KIND, path);
    // not asked yet, or not since it may have changed
    if !view.answers(&Look::of(id.clone())) {
        return Err(Halt::Ask(vec![look(path)]));
    }
    if let Some(real) = view.field(&id, "real")?.and_then(Value::as_str) {
        id = Id::new(path::KIND, normal(real));
    }
    let Some(fields) = view.fields(&id)? else { return Ok((id, None)) };
    let contents = fields.get("contents");
    match contents.and_then(Value::as_str) {
        Some(text) => Ok((id, Some(text.to_string()))),
        None if fields.get("kind").and_then(Value::as_str) == Some("directory") => {
            Err(Halt::Failed(Diagnostic::error(format!("{path} is a folder, and no file"))))
        }
        // only its hash was asked for
        None if !view.answers(&look(&id.name)) => Err(Halt::Ask(vec![look(&id.name)])),
        None if contents.is_none_or(|contents| contents.unknown().is_some()) => {
            let because = format!("the contents of {path} are not known yet");
            Err(Halt::Unknown(Arc::new(Unknown { because, span: None })))
        }
        None => Err(Halt::Failed(Diagnostic::error(format!("{path} is no text, or too large to be edited")))),
    }
}

/// Contents of a file, with the secrets that went into it.
pub fn contents(text: String, marks: &[Arc<Mark>]) -> Value {
    crate::text::Contents::of(Value::text(text).marked(marks.to_vec())).into()
}
