//! Conditions: `when`, `until`, `assert`, `changed_when`. Strict, as ansible-core 2.19 is.

use super::failure::{Failure, Outcome};
use super::frame;
use super::store::{Mode, Origin};
use super::{Templates, not_boolean};
use crate::text::value::Value;
use crate::text::yaml::{Data, Node};

/// A boolean, or the unknown that the condition waits for.
pub fn holds(templates: &Templates, node: &Node) -> Outcome<Value> {
    match &node.data {
        Data::List(items) => all(templates, items),
        Data::Map(_) => Err(node.error("a condition is an expression, and this is a mapping").into()),
        Data::Scalar(_) => one(templates, node),
    }
}

/// False where one is false; unknown only where no other is false.
fn all(templates: &Templates, items: &[Node]) -> Outcome<Value> {
    let mut unknown = None;
    let mut marks = vec![];
    for item in items {
        let value = holds(templates, item)?;
        marks.extend(value.marks());
        match value.plain() {
            Value::Bool(false) => return Ok(Value::Bool(false).marked(marks)),
            Value::Unknown(_) => {
                unknown.get_or_insert(value);
            }
            _ => {}
        }
    }
    Ok(unknown.unwrap_or_else(|| Value::Bool(true).marked(marks)))
}

fn one(templates: &Templates, node: &Node) -> Outcome<Value> {
    let scalar = node.as_scalar().ok_or_else(|| Failure::Fail(node.error("a condition is an expression")))?;
    if let Value::Bool(flag) = node.scalar_value(scalar) {
        return Ok(Value::Bool(flag));
    }
    let text = scalar.text.trim();
    if text.is_empty() {
        return Err(node.error("this condition is empty").hint("remove it, or write `true`").into());
    }
    let value = if text.starts_with("{{") && text.ends_with("}}") || text.starts_with("{%") {
        match templates.scalar(node, scalar)? {
            // a variable that holds an expression
            Value::Text(text) => templates.evaluate(&text, Mode::Expression, Origin::Node(&Node::plain(node.span.clone(), &text)))?,
            value => value,
        }
    } else {
        templates.evaluate(&scalar.text, Mode::Expression, Origin::Node(node))?
    };
    super::usable(value.plain()).or_else(|failure| match failure {
        Failure::Unknown(_) => Ok(()),
        failure => Err(failure),
    })?;
    match value.plain() {
        Value::Bool(_) | Value::Unknown(_) => Ok(value),
        other => {
            frame::mark(&[]);
            Err(not_boolean(other).at(&node.span).into())
        }
    }
}
