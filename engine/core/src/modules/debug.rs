//! `debug`: says a text or the value of an expression.

use std::sync::Arc;

use crate::state::{Halt, Look, View};
use crate::text::{Map, Result, Value};

use super::{Arg, Args, Effect, Entry, Module, Spec, Type, Want};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "debug",
    collection: "ansible.builtin",
    about: "Say a text or the value of an expression",
    args: &[
        Arg::new("msg", Type::Any, "What to say").default("Hello world!"),
        Arg::new("var", Type::Expression, "An expression whose value is said"),
        Arg::new("verbosity", Type::Int, "Say it only from this many `-v` on").default("0"),
    ],
    free_form: None,
    any: false,
};

struct Debug {
    key: String,
    value: Value,
    verbosity: i64,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    args.exclusive(&["msg", "var"])?;
    let verbosity = args.int("verbosity").unwrap_or(0);
    let expression = written(args.span_of("var").text());
    Ok(Arc::new(match args.value("var") {
        Some(value) => Debug { key: expression, value, verbosity },
        None => Debug { key: "msg".into(), value: args.value("msg").unwrap_or_default(), verbosity },
    }))
}

/// The result's key is the expression as it is written, without the quotes of YAML or of `var='…'`.
fn written(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_prefix("var=").unwrap_or(text);
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text).to_string()
}

impl Module for Debug {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut result = Map::new();
        result.insert(self.key.as_str(), self.value.clone());
        let said = if self.key == "msg" { self.value.clone() } else { Value::from(result.clone()) };
        Ok(Want { result, verbosity: self.verbosity, ..Want::effect(Effect::Say(said)) })
    }
}
