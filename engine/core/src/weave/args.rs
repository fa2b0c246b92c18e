//! The arguments of a task on one host: rendered, files read, checked.

use crate::book::shortform;
use crate::book::{path, task::Task};
use crate::modules::{Args, Entry, Spec, Type, display};
use crate::text::control::undecrypted;
use crate::text::template::{Scope as _, Search, Settings, known};
use crate::text::{Body, Contents, Control, ControlError, Diagnostic, Map, Mark, Node, Result, Span, Value, Var};

use super::scope::Sight;

/// What a task gives to its module, checked against the module's arguments.
pub fn args(entry: &'static Entry, task: &Task, defaults: &[(String, Node)], sight: &Sight) -> Result<Args> {
    let mut given = vec![];
    let mut add = |name: &str, value: Value, span: Span| {
        given.retain(|(have, ..): &(String, Value, Span)| have != name);
        given.push((name.to_string(), value, span));
    };
    for (name, node) in defaults {
        if entry.spec.arg(name).is_some() {
            let (value, span) = value(entry.spec, name, node, sight)?;
            add(name, value, span);
        }
    }
    if let Some(more) = &task.args.more {
        for (name, value, span) in mapping(entry.spec, more, sight)? {
            add(&name, value, span);
        }
    }
    if let Some(node) = &task.args.node {
        for (name, value, span) in from_node(entry.spec, node, sight)? {
            add(&name, value, span);
        }
    }
    given.iter().for_each(|(_, value, _)| known::keep(&*sight.tree.control, value));
    let mut args = Args::new(entry.spec, task.module_span.clone(), given)?;
    files(entry.spec, &mut args, sight)?;
    Ok(args)
}

fn from_node(spec: &'static Spec, node: &Node, sight: &Sight) -> Result<Vec<(String, Value, Span)>> {
    let Some(text) = node.as_str() else { return mapping(spec, node, sight) };
    if node.is_null() {
        return Ok(vec![]);
    }
    if spec.free_form.is_none() && text.trim_start().starts_with("{{") && text.trim_end().ends_with("}}") {
        let value = sight.tree.templates.render(node, sight)?;
        let Some(map) = value.as_map() else { return Err(node.error("arguments as one template must give a mapping")) };
        return Ok(map.iter().map(|(key, value)| (key.to_string(), value.clone(), node.span.clone())).collect());
    }
    let short = shortform::parse(text, spec.free_form.is_some()).map_err(|diagnostic| diagnostic.at(&node.span))?;
    let mut all = vec![];
    for pair in &short.pairs {
        if spec.arg(&pair.name).is_none() && !spec.any {
            return Err(spec.unknown(&pair.name, &pair.name_span(node)));
        }
        let part = part(node, pair.value_span(node), &pair.value);
        let (value, span) = value(spec, &pair.name, &part, sight)?;
        all.push((pair.name.clone(), value, span));
    }
    match (short.rest, spec.free_form) {
        (Some(rest), Some(name)) => {
            let (value, span) = value(spec, name, &part(node, node.place(rest.start, rest.end), &rest.text), sight)?;
            all.push((name.to_string(), value, span));
        }
        (Some(rest), None) => {
            let message = format!("module `{}` takes `name=value` pairs, and `{}` is none", spec.name, rest.text);
            return Err(node.place(rest.start, rest.end).error(message).hint("write the arguments as a mapping"));
        }
        (None, _) => {}
    }
    Ok(all)
}

/// A piece of a scalar as a node of its own, with the marks of the whole.
fn part(whole: &Node, span: Span, text: &str) -> Node {
    let mut node = Node::quoted(span, text);
    if let (crate::text::yaml::Data::Scalar(part), Some(scalar)) = (&mut node.data, whole.as_scalar()) {
        part.marks = scalar.marks.clone();
    }
    node
}

fn mapping(spec: &'static Spec, node: &Node, sight: &Sight) -> Result<Vec<(String, Value, Span)>> {
    let rendered;
    let pairs = match node.as_map() {
        Some(pairs) => pairs,
        None if node.is_null() => &[],
        None if node.as_str().is_some() => {
            rendered = sight.tree.templates.render(node, sight)?;
            let Some(map) = rendered.as_map() else { return Err(node.error("`args` takes a mapping")) };
            return Ok(map.iter().map(|(key, value)| (key.to_string(), value.clone(), node.span.clone())).collect());
        }
        None => return Err(node.error(format!("module `{}` takes a mapping of arguments, and this is {}", spec.name, node.type_name()))),
    };
    let mut all = vec![];
    for (key, node) in pairs {
        let rendered = match key.as_str() {
            // `set_fact` may make up the names of variables
            Some(text) if spec.any && text.contains("{{") => display(&sight.tree.templates.render(key, sight)?),
            text => text.unwrap_or_default().to_string(),
        };
        let name = rendered.as_str();
        if spec.arg(name).is_none() && !spec.any {
            return Err(spec.unknown(name, &key.span));
        }
        let (value, span) = value(spec, name, node, sight)?;
        all.push((name.to_string(), value, span));
    }
    Ok(all)
}

/// One argument, rendered as its type asks for.
fn value(spec: &Spec, name: &str, node: &Node, sight: &Sight) -> Result<(Value, Span)> {
    let templates = &sight.tree.templates;
    let value = match spec.arg(name).map(|arg| arg.kind) {
        Some(Type::Expression) if !node.as_str().is_some_and(|text| text.contains("{{")) => match templates.expression(node, sight) {
            // `debug: var=` may ask for what is not there
            Err(error) if error.message().starts_with("there is no variable") || error.message().contains("has no key") => {
                Value::text("VARIABLE IS NOT DEFINED!")
            }
            other => other?,
        },
        Some(Type::Conditions) => conditions(node, sight)?,
        Some(Type::Specification) => specification(node, sight)?,
        _ => templates.render(node, sight)?,
    };
    Ok((value, node.span.clone()))
}

/// Each condition beside what came of it: `[{text, value}]`, up to the first that does not hold.
fn conditions(node: &Node, sight: &Sight) -> Result<Value> {
    let rendered;
    let nodes = match node.as_list() {
        Some(items) => items,
        None => {
            rendered = [node.clone()];
            &rendered
        }
    };
    let mut all = vec![];
    for node in nodes {
        let value = sight.tree.templates.condition(node, sight)?;
        let holds = value.truthy();
        all.push(Value::map([("text", node.to_value()), ("value", value)]));
        if !holds {
            break;
        }
    }
    Ok(Value::list(all))
}

/// What is to be of variables, and those of them that there are: `{specification, values}`.
fn specification(node: &Node, sight: &Sight) -> Result<Value> {
    let templates = &sight.tree.templates;
    let wanted = templates.render(node, sight)?;
    let mut values = Map::new();
    for (name, _) in wanted.as_map().into_iter().flat_map(Map::iter) {
        match name.as_str().and_then(|name| sight.get(name)) {
            Some(Var::Raw(node)) => drop(values.insert_key(name.clone(), templates.render(&node, sight)?)),
            Some(Var::Value(value)) => drop(values.insert_key(name.clone(), value)),
            Some(Var::Scopes(_)) | None => {}
        }
    }
    Ok(Value::map([("specification", wanted), ("values", values.into())]))
}

/// Reads the files and templates of the control node that the arguments name.
fn files(spec: &'static Spec, args: &mut Args, sight: &Sight) -> Result<()> {
    for arg in spec.args {
        let Some(value) = args.value(arg.name) else { continue };
        let name = value.as_str().map(str::to_string);
        let read = match (arg.kind, name) {
            (Type::Template, Some(name)) => template(&name, settings(args), sight),
            (Type::Template, None) => templates(&value, sight),
            (Type::File, Some(name)) if !remote(spec, args) => file(&name, Search::File, args, sight),
            (Type::Vars, Some(name)) => file(&name, Search::Vars, args, sight),
            (Type::Kept, Some(name)) => Ok(place(&name, sight)),
            (Type::Program, Some(name)) => program(&name, args, sight),
            _ => continue,
        };
        let span = args.span_of(arg.name).clone();
        args.set(arg.name, read.map_err(|diagnostic| diagnostic.at(&span))?);
    }
    Ok(())
}

fn remote(spec: &Spec, args: &Args) -> bool {
    spec.arg("remote_src").is_some() && args.flag("remote_src")
}

/// A place of the control node: beside the playbook, where it is not told from the root.
fn place(name: &str, sight: &Sight) -> Value {
    let control = &*sight.tree.control;
    let folder = match sight.get("playbook_dir") {
        Some(Var::Value(folder)) => display(&folder),
        _ => control.working_directory(),
    };
    let path = path::absolute(control, &path::join(&folder, &path::expand(control, name)));
    Value::map([
        ("name", Value::text(name)),
        ("folder", Value::Bool(control.entry(&path) == Some(crate::text::Entry::Folder))),
        ("path", Value::text(path)),
        ("host", sight.origin().into()),
    ])
}

/// A file as `{name, path, mode, contents}`, a folder as `{name, path, tree: [{path, mode, contents | folder}]}`.
fn file(name: &str, kind: Search, args: &Args, sight: &Sight) -> Result<Value> {
    let control = &*sight.tree.control;
    let found = find(name.trim_end_matches('/'), kind, sight)?;
    let mut map = Map::new();
    map.insert("name", name);
    map.insert("path", found.as_str());
    map.insert("mode", control.mode(&found).map(|mode| i64::from(mode & 0o7777)));
    if control.entry(&found) == Some(crate::text::Entry::Folder) {
        let mut entries = vec![];
        walk(control, &found, "", &mut entries)?;
        map.insert("tree", entries);
    } else {
        map.insert("contents", contents(control, &found, args)?);
    }
    Ok(map.into())
}

/// The file that the first word of a line names, and the line.
fn program(line: &str, args: &Args, sight: &Sight) -> Result<Value> {
    let (name, _) = crate::text::shlex::first(line).ok_or_else(|| Diagnostic::error(format!("`{line}` names no file")))?;
    let found = file(&name, Search::File, args, sight)?;
    let mut map = found.as_map().cloned().unwrap_or_default();
    map.insert("line", line);
    Ok(map.into())
}

fn walk(control: &dyn Control, folder: &str, below: &str, entries: &mut Vec<Value>) -> Result<()> {
    let names = control.list(folder).map_err(|error| unreadable(folder, &error))?;
    for name in names {
        let (path, inner) = (format!("{folder}/{name}"), if below.is_empty() { name.clone() } else { format!("{below}/{name}") });
        let mut map = Map::new();
        map.insert("path", inner.as_str());
        map.insert("mode", control.mode(&path).map(|mode| i64::from(mode & 0o7777)));
        match control.entry(&path) {
            Some(crate::text::Entry::Folder) => {
                map.insert("folder", true);
                entries.push(map.into());
                walk(control, &path, &inner, entries)?;
            }
            Some(crate::text::Entry::File) => {
                let bytes = control.read(&path).map_err(|error| unreadable(&path, &error))?;
                map.insert("contents", Contents::of(Value::from_bytes(bytes)));
                entries.push(map.into());
            }
            None => {}
        }
    }
    Ok(())
}

fn contents(control: &dyn Control, path: &str, args: &Args) -> Result<Value> {
    match control.read(path) {
        Ok(bytes) => {
            if !args.flag_if_listed("decrypt").unwrap_or(true) {
                return Ok(Contents::of(Value::from_bytes(bytes)).into());
            }
            if !bytes.starts_with(b"$ANSIBLE_VAULT") {
                return Ok(Contents::of(Value::from_bytes(bytes)).into());
            }
            let plain = control.decrypt(path, &bytes).map_err(|said| undecrypted(&format!("`{path}`"), &said))?;
            let text = plain.map(|plain| plain.text).unwrap_or_default();
            let mark = Mark::new(path, text.as_str(), path.as_bytes());
            control.keep_secret(&mark);
            Ok(Contents::of(Value::text(text).marked(vec![mark])).into())
        }
        Err(ControlError::TooLarge(size)) => {
            let sha256 = control.sha256(path).map_err(|error| unreadable(path, &error))?;
            Ok(Contents { sha256, size, body: Body::Local(path.to_string()) }.into())
        }
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// A template with settings of its own (`path` and the names of `template`'s arguments), or several.
fn templates(value: &Value, sight: &Sight) -> Result<Value> {
    match value.plain() {
        Value::Text(name) => template(name, Settings::default(), sight),
        Value::List(items) => Ok(Value::list(items.iter().map(|item| templates(item, sight)).collect::<Result<Vec<_>>>()?)),
        Value::Map(map) => {
            let Some(path) = map.get("path").and_then(Value::as_str) else { return Err(Diagnostic::error("a template needs its `path`")) };
            const KNOWN: [&str; 10] = [
                "path",
                "newline_sequence",
                "block_start_string",
                "block_end_string",
                "variable_start_string",
                "variable_end_string",
                "comment_start_string",
                "comment_end_string",
                "trim_blocks",
                "lstrip_blocks",
            ];
            if let Some(other) = map.keys().map(ToString::to_string).find(|key| !KNOWN.contains(&key.as_str())) {
                return Err(Diagnostic::error(format!("a template has no setting `{other}`")).meant(&other, KNOWN));
            }
            let text = |name: &str| map.get(name).and_then(Value::as_str).map(str::to_string);
            let flag = |name: &str| map.get(name).map(Value::truthy);
            template(path, settings_of(text, flag), sight)
        }
        _ => Err(Diagnostic::error(format!("a template is named by its path, and this is {}", value.type_name()))),
    }
}

fn template(name: &str, settings: Settings, sight: &Sight) -> Result<Value> {
    let control = &*sight.tree.control;
    let found = find(name, Search::Template, sight)?;
    let loaded = crate::book::load::text(control, &found)?;
    // what stars stand for in messages is what a host is to get
    let rendered = sight.tree.templates.file(loaded.plain(), &settings, sight).map_err(|error| loaded.veil_error(error))?;
    let rendered = loaded.mark(control, rendered);
    let mut map = Map::new();
    map.insert("name", name);
    map.insert("path", found.as_str());
    map.insert("mode", control.mode(&found).map(|mode| i64::from(mode & 0o7777)));
    map.insert("contents", if rendered.unknown().is_some() { rendered } else { Contents::of(rendered).into() });
    Ok(map.into())
}

/// The settings of a template that its task gives.
fn settings(args: &Args) -> Settings {
    settings_of(|name| args.given_text(name), |name| args.flag_if_listed(name))
}

fn settings_of(text: impl Fn(&str) -> Option<String>, flag: impl Fn(&str) -> Option<bool>) -> Settings {
    let default = Settings::default();
    let pair = |start: &str, end: &str, default: (String, String)| (text(start).unwrap_or(default.0), text(end).unwrap_or(default.1));
    Settings {
        block: pair("block_start_string", "block_end_string", default.block),
        variable: pair("variable_start_string", "variable_end_string", default.variable),
        comment: pair("comment_start_string", "comment_end_string", default.comment),
        trim_blocks: flag("trim_blocks").unwrap_or(true),
        lstrip_blocks: flag("lstrip_blocks").unwrap_or(false),
        newline: text("newline_sequence").unwrap_or(default.newline).replace("\\n", "\n").replace("\\r", "\r"),
        literal_backslashes: false,
    }
}

/// The first of the places that a name may mean.
fn find(name: &str, kind: Search, sight: &Sight) -> Result<String> {
    let places = sight.search(kind, name);
    let control = &*sight.tree.control;
    places.iter().find(|path| control.entry(path).is_some()).cloned().ok_or_else(|| {
        let near: Vec<String> = places.iter().filter_map(|place| control.list(crate::book::path::parent(place)).ok()).flatten().collect();
        let what = if kind == Search::Template { "template" } else { "file" };
        Diagnostic::error(format!("no {what} `{name}`"))
            .meant(name, near.iter().map(String::as_str))
            .hint(format!("looked for {}", places.join(", ")))
    })
}

fn unreadable(path: &str, error: &ControlError) -> Diagnostic {
    Diagnostic::error(format!("{path} cannot be read: {}", error.said()))
}
