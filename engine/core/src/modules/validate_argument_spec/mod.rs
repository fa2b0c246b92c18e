//! `validate_argument_spec`: holds variables and parameters against a specification. A role that has one begins with it.

mod check;
mod convert;

use std::sync::Arc;

use crate::state::{Halt, Look, View};
use crate::text::template::mask::masked;
use crate::text::{Map, Result, Value};

use super::{Arg, Args, Entry, Module, Spec, Type, Want};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "validate_argument_spec",
    collection: "ansible.builtin",
    about: "Hold variables against a specification of arguments",
    args: &[
        Arg::new("argument_spec", Type::Specification, "Names of variables, each with type, required, choices, default, elements, options")
            .required(),
        Arg::new("provided_arguments", Type::Map, "Values that count before those of variables"),
        Arg::new("validate_args_context", Type::Map, "What the specification belongs to; comes back in the result"),
    ],
    free_form: None,
    any: false,
};

struct Validate {
    spec: Value,
    given: Map,
    context: Value,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let found = args.value("argument_spec").unwrap_or_default();
    let (spec, values) = (found.get("specification").cloned().unwrap_or_default(), found.get("values").cloned().unwrap_or_default());
    let Some(map) = spec.as_map() else {
        let kind = convert::class(spec.plain());
        return Err(args.error("argument_spec", format!("Incorrect type for argument_spec, expected dict and got {kind}")));
    };
    if let Some((name, option)) = map.iter().find(|(_, option)| option.as_map().is_none()) {
        return Err(args.error("argument_spec", format!("the specification of `{name}` is {}, and takes a mapping", option.type_name())));
    }
    let mut given = values.as_map().cloned().unwrap_or_default();
    given.extend(args.value("provided_arguments").and_then(|value| value.as_map().cloned()).unwrap_or_default());
    let context = args.value("validate_args_context").unwrap_or_else(|| Map::new().into());
    Ok(Arc::new(Validate { spec, given, context }))
}

impl Module for Validate {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        if let Some(cause) = self.given.values().find_map(Value::unknown) {
            return Err(Halt::Unknown(cause.clone()));
        }
        let marks: Vec<_> = self.given.values().flat_map(Value::marks).collect();
        let spec = self.spec.as_map().cloned().unwrap_or_default();
        let errors: Vec<String> = check::errors(&spec, self.given.clone()).iter().map(|error| masked(error, &marks)).collect();
        let mut result = Map::from_iter([("validate_args_context".into(), self.context.clone())]);
        if errors.is_empty() {
            result.insert("msg", "The arg spec validation passed");
            return Ok(Want::result(result));
        }
        let message = format!("Validation of arguments failed:\n{}", errors.join("\n"));
        result.insert("argument_spec_data", self.spec.clone());
        result.insert("argument_errors", errors.into_iter().map(Value::text).collect::<Vec<_>>());
        result.insert("changed", false);
        Ok(Want { result, ..Want::failed(message) })
    }
}
