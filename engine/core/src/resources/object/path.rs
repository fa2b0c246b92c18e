//! A place inside an object, in three spellings: ours, the API server's, and a JSON pointer.

use std::fmt;

use serde_json::Value;

use super::keys;

/// One step down into an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A field of an object.
    Field(String),
    /// The list item with these key fields: `[name=app]`.
    Key(Vec<(String, Value)>),
    /// A scalar of a set: `[=kubernetes.io/pvc-protection]`.
    Member(Value),
    /// The item at this place of an atomic list.
    Index(usize),
}

/// A place inside an object. Prints as `spec.containers[name=app].image`; a field name that has dots prints
/// in brackets, as the API server's validation does: `metadata.labels[app.kubernetes.io/name]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The path through these field names.
    pub fn fields(names: &[&str]) -> Path {
        Path(names.iter().map(|name| Step::Field((*name).to_owned())).collect())
    }

    /// This path and one more field.
    #[must_use]
    pub fn field(&self, name: &str) -> Path {
        self.then(Step::Field(name.to_owned()))
    }

    /// This path and one more step.
    #[must_use]
    pub fn then(&self, step: Step) -> Path {
        let mut steps = self.0.clone();
        steps.push(step);
        Path(steps)
    }

    /// The value at this place.
    pub fn get<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(root, |value, step| descend(value, step).map(|(_, child)| child))
    }

    /// The JSON pointer of the deepest part of this path that exists in `root`, and whether that is all of it.
    /// An error about a field that the manifest leaves out still finds the nearest line to point at.
    pub fn pointer(&self, root: &Value) -> (String, bool) {
        let mut pointer = String::new();
        let mut value = root;
        for step in &self.0 {
            let Some((token, child)) = descend(value, step) else { return (pointer, false) };
            pointer.push('/');
            pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
            value = child;
        }
        (pointer, true)
    }

    /// Reads a path as an API server writes it, with `root` at hand: a conflict's
    /// `.spec.containers[name="app"].image`, a validation cause's `spec.containers[0].image` or
    /// `metadata.labels[a.b/c]`, a decoder's `unknown field "spec.x"`. Field names may hold dots, so the longest
    /// name that `root` has wins; an index into a keyed list becomes its key.
    pub fn locate(text: &str, root: &Value) -> Path {
        let mut rest = text.trim();
        let mut steps = Vec::new();
        let mut value = Some(root);
        let mut name = String::new();
        while !rest.is_empty() {
            let step = if let Some(inner) = rest.strip_prefix('[') {
                let end = closing(inner);
                let step = bracket(inner.get(..end).unwrap_or(inner), value, &name);
                rest = inner.get(end + 1..).unwrap_or("");
                step
            } else {
                rest = rest.strip_prefix('.').unwrap_or(rest);
                let end = field_end(rest, value);
                let (field, tail) = rest.split_at(end);
                rest = tail;
                if field.is_empty() {
                    continue;
                }
                name = field.to_owned();
                Step::Field(field.to_owned())
            };
            value = value.and_then(|value| descend(value, &step).map(|(_, child)| child));
            steps.push(step);
        }
        Path(steps)
    }
}

/// The child that a step names, and its JSON pointer token.
fn descend<'v>(value: &'v Value, step: &Step) -> Option<(String, &'v Value)> {
    let at = |place: usize| value.get(place).map(|child| (place.to_string(), child));
    match step {
        Step::Field(name) => value.get(name).map(|child| (name.clone(), child)),
        Step::Index(place) => at(*place),
        Step::Member(member) => at(value.as_array()?.iter().position(|item| item == member)?),
        Step::Key(key) => at(value.as_array()?.iter().position(|item| keys::matches(item, key))?),
    }
}

/// Where the bracket that was opened before `text` closes; quoted parts may hold brackets.
fn closing(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

fn field_end(text: &str, value: Option<&Value>) -> usize {
    let ends = |end: usize| matches!(text.as_bytes().get(end), None | Some(b'.' | b'['));
    let known = value
        .and_then(Value::as_object)
        .and_then(|map| map.keys().filter(|key| text.starts_with(key.as_str()) && ends(key.len())).map(String::len).max());
    known.unwrap_or_else(|| text.find(['.', '[']).unwrap_or(text.len()))
}

fn bracket(inner: &str, list: Option<&Value>, name: &str) -> Step {
    if let Ok(place) = inner.parse::<usize>() {
        let item = list.and_then(|list| list.get(place));
        let key = item.and_then(|item| keys::known(name, item).and_then(|names| keys::key_of(item, names)));
        return key.map_or(Step::Index(place), Step::Key);
    }
    if let Some(member) = inner.strip_prefix('=') {
        return Step::Member(scalar(member));
    }
    let is_list = list.is_none_or(|list| !list.is_object());
    match pairs(inner) {
        Some(key) if is_list => Step::Key(key),
        _ => Step::Field(inner.trim_matches('"').to_owned()),
    }
}

/// `name="app",port=80` as key fields; none where it reads otherwise.
fn pairs(inner: &str) -> Option<Vec<(String, Value)>> {
    let mut found = Vec::new();
    let mut rest = inner;
    while !rest.is_empty() {
        let (name, tail) = rest.split_once('=')?;
        let end = pair_end(tail);
        found.push((name.to_owned(), scalar(tail.get(..end)?)));
        rest = tail.get(end..)?.trim_start_matches(',');
    }
    (!found.is_empty()).then_some(found)
}

fn pair_end(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

fn scalar(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// A scalar as a human writes it: strings without quotes.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if name.is_empty() || name.contains(['.', '/', '[', ' ']) => write!(f, "[{name}]")?,
                Step::Field(name) if place == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(at) => write!(f, "[{at}]")?,
                Step::Member(member) => write!(f, "[={}]", plain(member))?,
                Step::Key(key) => write!(f, "[{}]", keys::shown(key))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_what_servers_write() {
        let root = json!({
            "metadata": {"labels": {"app.kubernetes.io/name": "x", "app": "y"}},
            "data": {"app.conf": "1"},
            "spec": {"ports": [{"port": 80}], "containers": [{"name": "a", "args": ["1", "2"]}, {"name": "b"}]},
        });
        for (text, shown, pointer) in [
            (
                ".metadata.labels.app.kubernetes.io/name",
                "metadata.labels[app.kubernetes.io/name]",
                "/metadata/labels/app.kubernetes.io~1name",
            ),
            (
                "metadata.labels[app.kubernetes.io/name]",
                "metadata.labels[app.kubernetes.io/name]",
                "/metadata/labels/app.kubernetes.io~1name",
            ),
            (".metadata.labels.app", "metadata.labels.app", "/metadata/labels/app"),
            ("data[app.conf]", "data[app.conf]", "/data/app.conf"),
            (".spec.ports[port=80,protocol=\"TCP\"].targetPort", "spec.ports[port=80].targetPort", "/spec/ports/0"),
            (".spec.containers[name=\"b\"].image", "spec.containers[name=b].image", "/spec/containers/1"),
            ("spec.containers[0].args[1]", "spec.containers[name=a].args[1]", "/spec/containers/0/args/1"),
            (".metadata.finalizers[=\"a/b\"]", "metadata.finalizers[=a/b]", "/metadata"),
            ("spec.nothing.here", "spec.nothing.here", "/spec"),
            ("", "", ""),
        ] {
            let path = Path::locate(text, &root);
            assert_eq!((path.to_string().as_str(), path.pointer(&root).0.as_str()), (shown, pointer), "{text}");
        }
    }
}
