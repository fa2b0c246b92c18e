//! The task that a role with `argument_specs` begins with: it holds what the role was given against them.

use std::sync::Arc;

use super::around::{Around, Keywords};
use super::role::Role;
use super::task::{Arguments, Task};
use super::words::Holder;
use crate::text::yaml::Data;
use crate::text::{Node, Span};

/// The module that does it.
const MODULE: &str = "ansible.builtin.validate_argument_spec";

/// The first task of a role's file of tasks `entry`, where the role says what that takes.
pub fn task(role: &Arc<Role>, entry: &str, around: &Arc<Around>, params: &[(Node, Node)]) -> Option<Task> {
    let spec = role.specs.as_ref()?.get(entry).filter(|spec| spec.as_map().is_some_and(|pairs| !pairs.is_empty()))?;
    let span = spec.span.clone();
    let text = |text: &str| Node::quoted(span.clone(), text);
    let about = spec.get("short_description").and_then(Node::as_str).map(|about| format!(" - {about}")).unwrap_or_default();
    let name = text(&format!("Validating arguments against arg spec '{entry}'{about}"));
    let options = spec.get("options").filter(|options| !options.is_null()).cloned().unwrap_or_else(|| map(&span, vec![]));
    let context = vec![
        (text("type"), text("role")),
        (text("name"), text(&role.name)),
        (text("argument_spec_name"), text(entry)),
        (text("path"), text("{{ role_path }}")),
    ];
    let args = vec![
        (text("argument_spec"), options),
        (text("provided_arguments"), map(&span, params.to_vec())),
        (text("validate_args_context"), map(&span, context)),
    ];
    Some(Task {
        name: Some(name),
        module: MODULE.into(),
        module_span: span.clone(),
        args: Arguments { node: Some(map(&span, args)), more: None },
        keywords: Keywords::from([("tags", text("always"))]),
        vars: Default::default(),
        repeat: None,
        around: around.clone(),
        span,
        local: false,
    })
}

/// The parameters of a role as a play lists it: what is neither a keyword nor stands under `vars`.
pub fn params(item: &Node) -> Vec<(Node, Node)> {
    let is = |key: &Node| key.as_str().is_some_and(|word| !matches!(word, "role" | "name") && Holder::Role.keyword(word).is_none());
    item.as_map().unwrap_or_default().iter().filter(|(key, _)| is(key)).cloned().collect()
}

fn map(span: &Span, pairs: Vec<(Node, Node)>) -> Node {
    Node { span: span.clone(), tag: None, data: Data::Map(Arc::new(pairs)) }
}
