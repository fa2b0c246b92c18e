//! `ping`: that a host answers.

use std::sync::Arc;

use crate::state::{Halt, Look, Reach, View};
use crate::text::{Map, Result, Value};

use super::{Action, Arg, Args, Entry, Module, Spec, Type, Want};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "ping",
    collection: "ansible.builtin",
    about: "See that a host answers",
    args: &[Arg::new("data", Type::Text, "What it answers; `crash` fails").default("pong")],
    free_form: None,
    any: false,
};

struct Ping(Value);

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    Ok(Arc::new(Ping(args.value("data").unwrap_or_default())))
}

impl Module for Ping {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        if self.0.as_str() == Some("crash") {
            return Ok(Want::failed("boom"));
        }
        let mut result = Map::new();
        result.insert("ping", self.0.clone());
        let action =
            Action { query: true, predictable: true, reach: Reach::Nothing, code_is_data: false, ..Action::new(":\n".to_string(), "ping") };
        Ok(Want { result, changed: Some(false), ..Want::action(action) })
    }
}
