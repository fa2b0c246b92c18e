//! `fail`: the task fails, with a text.

use std::sync::Arc;

use crate::state::{Halt, Look, View};
use crate::text::{Map, Result, Value};

use super::{Arg, Args, Entry, Module, Spec, Type, Want, display};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "fail",
    collection: "ansible.builtin",
    about: "Fail, with a text",
    args: &[Arg::new("msg", Type::Any, "Why").default("Failed as requested from task")],
    free_form: None,
    any: false,
};

struct Fail(Value);

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    Ok(Arc::new(Fail(args.value("msg").unwrap_or_default())))
}

impl Module for Fail {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        Ok(refused(&self.0))
    }
}

/// A want that fails with a text or a list of texts, which the result has as they are.
pub fn refused(message: &Value) -> Want {
    let text = match message.as_list() {
        Some(items) => items.iter().map(display).collect::<Vec<_>>().join("\n"),
        None => display(message),
    };
    let mut result = Map::new();
    result.insert("msg", message.clone());
    Want { result, ..Want::failed(text) }
}
