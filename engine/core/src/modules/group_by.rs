//! `group_by`: a host in a group that is named after a value.

use std::sync::Arc;

use crate::state::{Halt, Look, View};
use crate::text::{Map, Result, Value};

use super::{Arg, Args, Effect, Entry, Module, Spec, Type, Want};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "group_by",
    collection: "ansible.builtin",
    about: "Put a host into a group that is named after a value",
    args: &[
        Arg::new("key", Type::Text, "The name of the group").required(),
        Arg::new("parents", Type::Any, "Groups that the group is in").default("all"),
    ],
    free_form: None,
    any: false,
};

struct GroupBy {
    key: String,
    parents: Vec<String>,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let dashed = |text: String| text.replace(' ', "-");
    Ok(Arc::new(GroupBy { key: dashed(args.need("key")?), parents: args.texts("parents").into_iter().map(dashed).collect() }))
}

impl Module for GroupBy {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut result = Map::new();
        result.insert("add_group", self.key.as_str());
        result.insert("parent_groups", self.parents.iter().map(|name| Value::text(name.as_str())).collect::<Vec<_>>());
        Ok(Want { result, ..Want::effect(Effect::GroupBy { key: self.key.clone(), parents: self.parents.clone() }) })
    }
}
