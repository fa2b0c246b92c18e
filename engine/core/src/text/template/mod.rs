//! Ansible's Jinja: expressions, templates and conditions over values that know their secrets. Parsed once for all hosts.

mod call;
mod condition;
mod emit;
mod express;
mod failure;
mod files;
mod format;
mod frame;
mod functions;
mod held;
pub mod known;
mod lexer;
mod machine;
pub mod mask;
mod methods;
mod operators;
mod parse;
mod python;
mod scope;
mod settings;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use call::{Call, exposed};
pub use failure::{Failure, Lost, Outcome, fail, is_undefined, lost, undefined, usable};
pub use frame::{Here, mark, read};
pub use functions::file_with;
pub use held::{index, key_of, value_of as variable};
pub use methods::{capitalized, replaced, split};
pub use scope::{Scope, Scopes, Search, Var};
pub use settings::Settings;

pub use files::{find, not_found, text as file_text};
pub use format::{braces, fixed, percent_with, with_spec};
pub use operators::{MAX_LENGTH, Number, arithmetic, compare, contains, equal, items, number, order, truth};
pub use python::{float as python_float, quoted as python_quoted, shown as python_shown, text as python_text, type_name as python_type};

use super::control::Control;
use super::diagnostic::{Diagnostic, Result};
use super::source::{Source, Span};
use super::value::{Map, Mark, Value};
use super::yaml::{Data, Node, Scalar};
use store::{Entry, Mode, Origin, Store};

/// All templates of a run. Cheap to share between hosts.
pub struct Templates {
    store: Arc<Store>,
    pub control: Arc<dyn Control + Send + Sync>,
}

impl Templates {
    pub fn new(control: Arc<dyn Control + Send + Sync>) -> Templates {
        Templates { store: Arc::new(Store::new()), control }
    }

    /// The same templates, which read another control node.
    pub fn over(&self, control: Arc<dyn Control + Send + Sync>) -> Templates {
        Templates { store: self.store.clone(), control }
    }

    /// Renders what the user wrote, as a whole tree. A string without braces stays; one that is a single `{{ … }}` gives that
    /// value with its type. Members that are `omit` are left out.
    pub fn render(&self, node: &Node, scope: &dyn Scope) -> Result<Value> {
        self.public(scope, &node.span, || self.node(node))
    }

    /// The value of a bare expression.
    pub fn expression(&self, node: &Node, scope: &dyn Scope) -> Result<Value> {
        self.public(scope, &node.span, || match node.as_scalar() {
            Some(scalar) => self.evaluate(&scalar.text, Mode::Expression, Origin::Node(node)),
            None => self.node(node),
        })
    }

    /// Whether a condition holds, or the unknown that it waits for. A list is true where each of its conditions is.
    pub fn condition(&self, node: &Node, scope: &dyn Scope) -> Result<Value> {
        self.public(scope, &node.span, || condition::holds(self, node))
    }

    /// Renders a template file.
    pub fn file(&self, source: &Arc<Source>, settings: &Settings, scope: &dyn Scope) -> Result<Value> {
        let whole = source.span(0..0);
        self.public(scope, &whole, || self.file_in(source, settings))
    }

    /// What a lookup gives: always a list. `span` is where it was asked for.
    pub fn lookup(&self, name: &str, args: &[Value], named: &Map, scope: &dyn Scope, span: &Span) -> Result<Value> {
        let here = Here { templates: self, scope };
        self.public(scope, span, || super::lookups::run(name, args.to_vec(), named.clone(), &here).map(Value::from))
    }

    /// The variables that a template reads; none where it has no braces or is wrong.
    pub fn references(&self, text: &str) -> Vec<String> {
        if !is_template(text) {
            return vec![];
        }
        self.names(self.store.compiled(text, &Mode::Text))
    }

    /// The variables that a bare expression reads.
    pub fn expression_references(&self, text: &str) -> Vec<String> {
        self.names(self.store.compiled(text, &Mode::Expression))
    }

    /// What is wrong with the grammar of a template or, where `bare`, of an expression, before anything is rendered.
    pub fn check(&self, node: &Node, bare: bool) -> Result<()> {
        let Some(scalar) = node.as_scalar() else { return Ok(()) };
        let mode = if bare { Mode::Expression } else { Mode::Text };
        if !bare && (!is_template(&scalar.text) || is_literal(node)) {
            return Ok(());
        }
        self.store.compiled(&scalar.text, &mode).map(drop).map_err(|bad| Origin::Node(node).bad(&bad))
    }

    fn names(&self, entry: std::result::Result<Entry, Arc<lexer::Bad>>) -> Vec<String> {
        match entry {
            Ok(entry) => entry
                .compiled
                .names
                .iter()
                .filter(|name| !functions::is_global(name) && *name != "loop" && !name.starts_with("_j_"))
                .cloned()
                .collect(),
            Err(_) => vec![],
        }
    }

    /// Runs a render with a scope; what fails gets its place.
    fn public(&self, scope: &dyn Scope, span: &Span, run: impl FnOnce() -> Outcome<Value>) -> Result<Value> {
        let here = Here { templates: self, scope };
        let result = frame::within(&here, || run().and_then(|value| complete(&value).map(|()| value)));
        match result.map_err(Failure::bare) {
            Ok(value) => Ok(value),
            Err(Failure::Unknown(unknown)) => Ok(Value::Unknown(unknown)),
            Err(Failure::Fail(diagnostic)) => Err(diagnostic.at(span)),
            Err(Failure::Undefined(lost)) => Err(lost.diagnostic.at(span)),
            Err(Failure::Placed(..)) => Err(span.error("this has no value")),
        }
    }

    /// A tree in the scope under way.
    fn node(&self, node: &Node) -> Outcome<Value> {
        match &node.data {
            Data::Scalar(scalar) => self.scalar(node, scalar),
            Data::List(items) => {
                let items = items.iter().map(|item| self.node(item)).filter(|item| !matches!(item, Ok(Value::Omit)));
                Ok(Value::from(items.collect::<Outcome<Vec<_>>>()?))
            }
            Data::Map(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| Ok((key.to_key(), self.node(value)?)));
                Ok(Value::from(pairs.filter(|pair| !matches!(pair, Ok((_, Value::Omit)))).collect::<Outcome<Map>>()?))
            }
        }
    }

    /// A tree in which leaves may be undefined: that is an error only where they are used.
    fn soft(&self, node: &Node) -> Outcome<Value> {
        match &node.data {
            Data::Scalar(scalar) => match self.scalar(node, scalar) {
                Err(Failure::Undefined(lost)) => Ok(undefined(lost)),
                result => result,
            },
            Data::List(items) => Ok(Value::from(items.iter().map(|item| self.soft(item)).collect::<Outcome<Vec<_>>>()?)),
            Data::Map(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| Ok((key.to_key(), self.soft(value)?)));
                Ok(Value::from(pairs.collect::<Outcome<Map>>()?))
            }
        }
    }

    fn scalar(&self, node: &Node, scalar: &Scalar) -> Outcome<Value> {
        if !is_template(&scalar.text) || is_literal(node) {
            return Ok(node.to_value());
        }
        let value = self.evaluate(&scalar.text, Mode::Text, Origin::Node(node))?;
        Ok(value.marked(scalar.marks.clone()))
    }

    fn evaluate(&self, text: &str, mode: Mode, origin: Origin<'_>) -> Outcome<Value> {
        let entry = self.store.compiled(text, &mode).map_err(|bad| Failure::Fail(origin.bad(&bad)))?;
        let (result, frame) = frame::framed(None, || self.store.render(&entry));
        let result = match result {
            Ok(printed) => {
                let value = chosen(&entry, text, printed, &frame);
                failure::place_lost(&value, &|| self.store.whole(&entry, &origin));
                Ok(value)
            }
            Err(error) => match self.store.locate(error, &entry, &origin) {
                Failure::Unknown(unknown) => Ok(Value::Unknown(unknown)),
                failure => Err(quiet(failure, &frame.marks)),
            },
        };
        result.map(|value| value.marked(frame.marks))
    }

    /// A template file in the scope under way: always text.
    pub fn file_in(&self, source: &Arc<Source>, settings: &Settings) -> Outcome<Value> {
        let mode = Mode::File(Arc::new(settings.clone()), source.clone());
        let origin = Origin::Source(source);
        let entry = self.store.compiled(&source.text, &mode).map_err(|bad| Failure::Fail(origin.bad(&bad)))?;
        let (result, frame) = frame::framed(Some(source.name.clone()), || self.store.render(&entry));
        let printed = match result {
            Ok(printed) => printed,
            Err(error) => match self.store.locate(error, &entry, &origin) {
                Failure::Unknown(unknown) => return Ok(Value::Unknown(unknown)),
                failure => return Err(quiet(failure, &frame.marks)),
            },
        };
        let (mut text, mut marks) = (printed, frame.marks);
        if let (true, Some((value, _))) = (entry.compiled.single, &frame.last) {
            let (printed, inner) =
                frame::framed(None, || if value.is_null() { Ok(String::new()) } else { python::text(value).map(|text| text.into_owned()) });
            text = printed?;
            marks.extend(inner.marks);
        }
        restore_line_ends(&source.text, &mut text, &settings.newline);
        Ok(Value::text(text).marked(marks))
    }
}

/// A failure whose message shows no secret that was read on the way.
fn quiet(failure: Failure, marks: &[Arc<Mark>]) -> Failure {
    if marks.is_empty() {
        return failure;
    }
    failure.map(|diagnostic| diagnostic.map_text(|text| mask::hidden(text, marks)))
}

/// The value of a rendered template: the only output with its type, or all of it as text.
fn chosen(entry: &Entry, text: &str, printed: String, frame: &frame::Frame) -> Value {
    let single = entry.compiled.single || (frame.outputs == 1 && frame.last.as_ref().is_some_and(|(_, length)| *length == printed.len()));
    let value = match &frame.last {
        Some((value, _)) if single => value.clone(),
        None if printed.is_empty() && frame.outputs == 0 => return Value::Null,
        _ => Value::text(printed),
    };
    match &value {
        Value::Text(result) if entry.keeps_line_ends => {
            let mut result = result.to_string();
            restore_line_ends(text, &mut result, "\n");
            Value::text(result)
        }
        _ => value,
    }
}

/// Jinja drops the last line end; Ansible adds what is missing.
fn restore_line_ends(written: &str, rendered: &mut String, line_end: &str) {
    let count = |text: &str| text.len() - text.trim_end_matches('\n').len();
    let missing = count(written).saturating_sub(count(rendered));
    (0..missing).for_each(|_| rendered.push_str(line_end));
}

/// Nothing undefined may leave a render.
fn complete(value: &Value) -> Outcome<()> {
    match value {
        Value::Unknown(_) => lost(value).map_or(Ok(()), |lost| Err(Failure::Undefined(lost))),
        Value::Secret(secret) => complete(&secret.value),
        Value::List(items) => items.iter().try_for_each(complete),
        Value::Map(map) => map.values().try_for_each(complete),
        _ => Ok(()),
    }
}

fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// Text that is never rendered, whatever it looks like.
fn is_literal(node: &Node) -> bool {
    matches!(node.tag.as_deref(), Some("!unsafe" | "!vault"))
}

/// A diagnostic for what is not a boolean.
pub(crate) fn not_boolean(value: &Value) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("a condition must be true or false, and this is {}", value.type_name()));
    match value.plain() {
        Value::Text(_) => diagnostic.hint("use `| bool` where it says yes or no, or `| length > 0` where it must not be empty"),
        Value::Int(_) | Value::Float(_) => diagnostic.hint("use `!= 0`, or `| bool`"),
        Value::List(_) | Value::Map(_) => diagnostic.hint("use `| length > 0`"),
        Value::Null => diagnostic.hint("use `is not none`, or `| default(false)`"),
        _ => diagnostic,
    }
}
