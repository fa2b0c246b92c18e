//! `assert`: conditions that must hold.

use std::sync::Arc;

use crate::state::{Halt, Look, View};
use crate::text::{Map, Result, Value};

use super::{Arg, Args, Effect, Entry, Module, Spec, Type, Want, fail};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "assert",
    collection: "ansible.builtin",
    about: "Fail unless conditions hold",
    args: &[
        Arg::new("that", Type::Conditions, "The conditions").required(),
        Arg::new("fail_msg", Type::Any, "What to say where one does not hold").default("Assertion failed").aliases(&["msg"]),
        Arg::new("success_msg", Type::Any, "What to say where all hold").default("All assertions passed"),
        Arg::new("quiet", Type::Bool, "Say nothing where all hold").default("false"),
    ],
    free_form: None,
    any: false,
};

struct Assert {
    /// Each condition and what came of it, up to the first that does not hold.
    that: Vec<(Value, Value)>,
    fail_msg: Value,
    success_msg: Value,
    quiet: bool,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let value = args.value("that").unwrap_or_default();
    let pair = |item: &Value| Some((item.get("text")?.clone(), item.get("value")?.clone()));
    let that =
        value.as_list().and_then(|items| items.iter().map(pair).collect()).ok_or_else(|| args.error("that", "`that` takes conditions"))?;
    for name in ["fail_msg", "success_msg"] {
        let message = args.value(name).unwrap_or_default();
        let texts = message.as_list().is_some_and(|items| items.iter().all(|item| item.as_str().is_some()));
        if !texts && message.as_str().is_none() && message.unknown().is_none() {
            return Err(args.error(name, format!("`{name}` takes a text or a list of texts, and {} is given", message.type_name())));
        }
    }
    Ok(Arc::new(Assert {
        that,
        fail_msg: args.value("fail_msg").unwrap_or_default(),
        success_msg: args.value("success_msg").unwrap_or_default(),
        quiet: args.flag("quiet"),
    }))
}

impl Module for Assert {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        for (condition, value) in &self.that {
            if let Some(unknown) = value.unknown() {
                return Err(Halt::Unknown(unknown.clone()));
            }
            if !value.truthy() {
                let mut want = fail::refused(&self.fail_msg);
                want.result.insert("evaluated_to", value.clone());
                want.result.insert("assertion", condition.clone());
                return Ok(want);
            }
        }
        let mut result = Map::new();
        result.insert("msg", self.success_msg.clone());
        let effects = if self.quiet { vec![] } else { vec![Effect::Say(self.success_msg.clone())] };
        Ok(Want { result, effects, ..Want::default() })
    }
}
