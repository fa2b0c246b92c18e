//! `-e`: variables of the command line, as `name=value` pairs, as JSON or YAML, or as a file after `@`.

use super::load;
use super::shortform;
use super::vars::Scope;
use crate::text::{Collector, Control, Diagnostic, Node, Result};

/// All variables that were given, the later the stronger.
pub fn load(control: &dyn Control, given: &[String], diagnostics: &mut Collector) -> Scope {
    let mut scope = Scope::new();
    for argument in given.iter().filter(|argument| !argument.is_empty()) {
        let more = one(control, argument, diagnostics);
        let more = diagnostics.take(more).unwrap_or_default();
        more.iter().for_each(|(name, var)| scope.insert(name.clone(), var.clone()));
    }
    scope
}

fn one(control: &dyn Control, argument: &str, diagnostics: &mut Collector) -> Result<Scope> {
    if let Some(path) = argument.strip_prefix('@') {
        return mapping(&load::document(control, &super::path::expand(control, path))?, &format!("`{path}`"));
    }
    if argument.starts_with(['/', '.']) {
        return Err(Diagnostic::error(format!("`-e {argument}` looks like a file")).hint(format!("write `-e @{argument}`")));
    }
    let text = load::inline("-e", argument);
    if argument.starts_with(['{', '[']) {
        return mapping(&text.node(control)?, "the argument of `-e`");
    }
    let form = shortform::parse(argument, false).map_err(|error| error.at(&text.shown().span(0..argument.len())))?;
    if let Some(rest) = form.rest.as_ref().filter(|rest| !rest.text.trim().is_empty()) {
        let said = format!("`{}` is no variable: it is ignored", rest.text.trim());
        let span = text.shown().span(rest.start..rest.end);
        diagnostics.push(span.warning(said).hint("write `name=value`, with quotes around a value with blanks: `-e \"name='two words'\"`"));
    }
    let pairs =
        form.pairs.iter().map(|pair| (pair.name.as_str(), Node::quoted(text.shown().span(pair.value_start..pair.end), &pair.value)));
    Ok(pairs.collect())
}

fn mapping(node: &Node, what: &str) -> Result<Scope> {
    match node.as_map() {
        Some(_) => Ok(Scope::from_node(node)),
        None => Err(node.error(format!("{what} is {} where a mapping of variables was expected", node.type_name()))),
    }
}
