//! `set_fact`: variables of a host, made while it runs.

use std::sync::Arc;

use crate::state::{Halt, Look, View};
use crate::text::{Map, Result};

use super::{Arg, Args, Effect, Entry, Module, Spec, Type, Want};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "set_fact",
    collection: "ansible.builtin",
    about: "Set variables of a host; each further argument is a name and its value",
    args: &[Arg::new("cacheable", Type::Bool, "Keep them as facts of the host, too").default("false")],
    free_form: None,
    any: true,
};

struct SetFact {
    facts: Map,
    cacheable: bool,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    if args.rest.is_empty() {
        return Err(args
            .span
            .error("No key/value pairs provided, at least one is required for this action to succeed")
            .hint("write `NAME: value`"));
    }
    let mut facts = Map::new();
    for (name, value) in &args.rest {
        if !is_name(name) {
            return Err(args
                .span
                .error(format!("Invalid variable name '{name}'."))
                .hint("Variable names must be strings starting with a letter or underscore character, and contain only letters, numbers and underscores."));
        }
        facts.insert(name.as_str(), value.clone());
    }
    Ok(Arc::new(SetFact { facts, cacheable: args.flag("cacheable") }))
}

/// Whether a text can be the name of a variable.
pub fn is_name(text: &str) -> bool {
    const WORDS: [&str; 35] = [
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else",
        "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
        "return", "try", "while", "with", "yield",
    ];
    let plain = text.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) && !text.starts_with(|c: char| c.is_ascii_digit());
    plain && !text.is_empty() && !WORDS.contains(&text)
}

impl Module for SetFact {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut result = Map::new();
        result.insert("ansible_facts", self.facts.clone());
        let mut effects = vec![Effect::Facts { facts: self.facts.clone(), gathered: false }];
        if self.cacheable {
            effects.push(Effect::Facts { facts: self.facts.clone(), gathered: true });
        }
        Ok(Want { result, effects, ..Want::default() })
    }
}
