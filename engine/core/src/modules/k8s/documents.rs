//! The manifests of a task: inline, from a file, or rendered from templates.

use crate::modules::Args;
use crate::resources::object::manifest::{Fault, Ref};
use crate::resources::object::{Described, taint};
use crate::resources::path::base;
use crate::text::template::mask;
use crate::text::yaml::{self, Node};
use crate::text::{Diagnostic, Map, Mark, Result, Source, Span, Value};
use std::sync::Arc;

/// One manifest, and where it stands.
pub struct Document {
    pub value: Value,
    /// Its nodes, where it was parsed from a text that may be shown.
    node: Option<Node>,
    /// The argument that it came by.
    span: Span,
    /// `manifests.yaml.j2`, document 3
    place: String,
}

/// All manifests of a task, with what the task says about those that leave it out.
pub fn documents(args: &Args) -> Result<Vec<Document>> {
    args.exclusive(&["definition", "src", "template"])?;
    let mut all = vec![];
    for name in ["definition", "src", "template"] {
        if let Some(value) = args.value(name).filter(|_| args.given(name)) {
            let items = if name == "template" { value.as_list().map(<[Value]>::to_vec) } else { None };
            for value in items.unwrap_or_else(|| vec![value]) {
                given(args, name, &value, &mut all)?;
            }
        }
    }
    let none = !["definition", "src", "template"].iter().any(|name| args.given(name));
    if none {
        args.one_of(&["definition", "src", "template", "kind"])?;
        all.push(document(args, "kind", Map::new().into(), None, String::new()));
    }
    all.iter_mut().for_each(|document| document.value = completed(&document.value, args));
    let selectors = selectors(args)?;
    all.retain(|document| selectors.iter().all(|selector| selector.takes(&document.value)));
    Ok(all)
}

fn document(args: &Args, name: &str, value: Value, node: Option<Node>, place: String) -> Document {
    Document { value, node, span: args.span_of(name).clone(), place }
}

fn given(args: &Args, name: &str, value: &Value, all: &mut Vec<Document>) -> Result<()> {
    match value.plain() {
        Value::Text(text) => parsed(args, name, name, text, &value.marks(), all),
        Value::List(items) => items.iter().try_for_each(|item| given(args, name, &with_marks(item, value), all)),
        Value::Map(map) if name != "definition" => match map.get("contents") {
            Some(contents) => {
                let path = map.get("path").and_then(Value::as_str).unwrap_or(name);
                let text = contents.as_str().ok_or_else(|| args.error(name, format!("{path} is no text")))?;
                parsed(args, name, base(path), text, &contents.marks(), all)
            }
            None => Err(args
                .error(name, format!("`{name}` must name a file"))
                .hint("name each file of a folder, or use a loop with `fileglob`")),
        },
        Value::Map(map) => {
            let items = map.get("items").and_then(Value::as_list).filter(|_| is_list(map));
            match items {
                Some(items) => items.iter().try_for_each(|item| given(args, name, &with_marks(item, value), all)),
                None => {
                    all.push(document(args, name, value.clone(), None, String::new()));
                    Ok(())
                }
            }
        }
        Value::Null => Ok(()),
        _ => Err(args.error(name, format!("`{name}` takes manifests, and {} is given", value.type_name()))),
    }
}

fn with_marks(item: &Value, of: &Value) -> Value {
    match of {
        Value::Secret(secret) => item.clone().marked(secret.marks.clone()),
        _ => item.clone(),
    }
}

/// `List`, `ConfigMapList`
fn is_list(map: &Map) -> bool {
    map.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List")) && !map.contains("spec")
}

/// A text of documents. Where secrets stand in it, no line of it is shown.
fn parsed(args: &Args, name: &str, place: &str, text: &str, marks: &[Arc<Mark>], all: &mut Vec<Document>) -> Result<()> {
    let source = Source::new(if name == "definition" { "definition".to_string() } else { format!("{place} (as rendered)") }, text);
    let nodes = yaml::parse_all(&source).map_err(|error| match marks {
        [] => error.via("manifests of this task", Some(args.span_of(name))),
        _ => args.error(name, format!("{place}: {}", mask::masked(error.message(), marks))),
    })?;
    for (at, node) in nodes.into_iter().filter(|node| !node.is_null()).enumerate() {
        let value = taint::spread(node.to_value(), marks);
        let place = format!("{place}, document {}", at + 1);
        let items = value.as_map().filter(|map| is_list(map)).and_then(|map| map.get("items")?.as_list().map(<[Value]>::to_vec));
        match items {
            Some(items) => all.extend(items.into_iter().map(|item| document(args, name, item, None, place.clone()))),
            None => all.push(document(args, name, value, Some(node).filter(|_| marks.is_empty()), place)),
        }
    }
    Ok(())
}

/// Kind, API version, name and namespace of the task, where the manifest has none.
fn completed(value: &Value, args: &Args) -> Value {
    let Some(map) = value.as_map() else { return value.clone() };
    let (mut map, mut metadata) = (map.clone(), map.get("metadata").and_then(Value::as_map).cloned().unwrap_or_default());
    let missing = |map: &Map, key: &str| map.get(key).is_none_or(Value::is_null);
    for (key, arg) in [("apiVersion", "api_version"), ("kind", "kind")] {
        if missing(&map, key)
            && let Some(text) = args.text(arg)
        {
            map.insert(key, text);
        }
    }
    for key in ["name", "namespace"] {
        if missing(&metadata, key)
            && let Some(text) = args.text(key)
        {
            metadata.insert(key, text);
        }
    }
    map.insert("metadata", metadata);
    Value::from(map).marked(if let Value::Secret(secret) = value { secret.marks.clone() } else { vec![] })
}

impl Document {
    pub fn reference(&self) -> Result<Ref> {
        let json = self.value.to_json()?;
        Ref::of(&json).map_err(|faults| self.error(&faults))
    }

    pub fn described(&self) -> Result<Described> {
        Described::of(&self.value).map_err(|faults| self.error(&faults))
    }

    /// At the line of the first fault, where that may be shown.
    fn error(&self, faults: &[Fault]) -> Diagnostic {
        let json = self.value.to_json().unwrap_or_default();
        let Some(first) = faults.first() else { return self.span.error("this manifest has a fault") };
        let more: Vec<&str> = faults[1..].iter().map(|fault| fault.message.as_str()).collect();
        let name = json.pointer("/metadata/name").and_then(serde_json::Value::as_str);
        let kind = json.get("kind").and_then(serde_json::Value::as_str).unwrap_or("manifest");
        let called = name.map_or_else(|| kind.to_string(), |name| format!("{kind} {name}"));
        let at = self.node.as_ref().map(|node| place(node, &first.path.pointer(&json).0));
        let error = match at {
            Some(span) => span.error(first.message.clone()).via("a manifest of this task", Some(&self.span)),
            None if self.place.is_empty() => self.span.error(format!("{called}: {}", first.message)),
            None => self.span.error(format!("{}: {called}: {}", self.place, first.message)),
        };
        let error = first.hint.iter().fold(error, |error, hint| error.hint(hint.clone()));
        if more.is_empty() { error } else { error.hint(format!("and also: {}", more.join("; "))) }
    }
}

/// The node at a JSON pointer, or the nearest above it.
fn place(node: &Node, pointer: &str) -> Span {
    let mut at = node;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let inner = at.get(&token).or_else(|| at.as_list()?.get(token.parse::<usize>().ok()?));
        match inner {
            Some(inner) => at = inner,
            None => break,
        }
    }
    at.span.clone()
}

/// One requirement of a label selector.
enum Selector {
    Is(String, Vec<String>),
    Not(String, Vec<String>),
    Has(String),
    HasNot(String),
}

impl Selector {
    fn takes(&self, object: &Value) -> bool {
        let label = |key: &str| object.get("metadata")?.get("labels")?.get(key)?.as_str().map(str::to_owned);
        match self {
            Selector::Is(key, values) => label(key).is_some_and(|label| values.contains(&label)),
            Selector::Not(key, values) => label(key).is_none_or(|label| !values.contains(&label)),
            Selector::Has(key) => label(key).is_some(),
            Selector::HasNot(key) => label(key).is_none(),
        }
    }
}

/// `a=b`, `a!=b`, `a in (b, c)`, `a notin (b)`, `a`, `!a`
fn selectors(args: &Args) -> Result<Vec<Selector>> {
    let texts = args.value("label_selectors").and_then(|value| value.as_list().map(<[Value]>::to_vec)).unwrap_or_default();
    let mut all = vec![];
    for text in texts.iter().map(crate::modules::display) {
        let bad = || {
            args.error("label_selectors", format!("`{text}` is no label selector"))
                .hint("for example `app=web`, `tier in (a, b)`, `!draft`")
        };
        let set = |rest: &str| -> Option<Vec<String>> {
            let inner = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
            Some(inner.split(',').map(|value| value.trim().to_owned()).collect())
        };
        let one = |value: &str| vec![value.trim().to_owned()];
        let key = |key: &str| key.trim().to_owned();
        all.push(if let Some((left, right)) = text.split_once(" notin ") {
            Selector::Not(key(left), set(right).ok_or_else(bad)?)
        } else if let Some((left, right)) = text.split_once(" in ") {
            Selector::Is(key(left), set(right).ok_or_else(bad)?)
        } else if let Some((left, right)) = text.split_once("!=") {
            Selector::Not(key(left), one(right))
        } else if let Some((left, right)) = text.split_once("==").or_else(|| text.split_once('=')) {
            Selector::Is(key(left), one(right))
        } else if let Some(left) = text.trim().strip_prefix('!') {
            Selector::HasNot(key(left))
        } else if !text.trim().is_empty() && !text.trim().contains(' ') {
            Selector::Has(key(&text))
        } else {
            return Err(bad());
        });
    }
    Ok(all)
}
