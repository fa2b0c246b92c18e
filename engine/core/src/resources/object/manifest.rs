//! What an object is called: the identity that a manifest states, and the faults of one that states none.

use std::fmt;

use serde_json::Value;

use super::names::{self, label, name_fits, name_rule, namespaced, subdomain};
use super::path::Path;

/// A fault of a manifest that is sure without asking a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Where; [`Path::pointer`] gives the place for a caret.
    pub path: Path,
    /// What is, in the user's words.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Fault {
    pub(super) fn new(path: Path, message: impl Into<String>) -> Fault {
        Fault { path, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Fault {
        self.hint = Some(hint.into());
        self
    }
}

/// The identity of an object. Prints as `apps/v1/Deployment/web/xwiki`, `v1/Secret/web/db`, `v1/Namespace/web`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ref {
    /// The API group; empty for the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    /// None for a cluster-wide object, and where the manifest leaves it to the context.
    pub namespace: Option<String>,
    pub name: String,
}

impl Ref {
    /// The identity that a manifest or live object states.
    ///
    /// # Errors
    /// Every fault of apiVersion, kind, metadata.name and metadata.namespace, with its place.
    pub fn of(object: &Value) -> Result<Ref, Vec<Fault>> {
        if !object.is_object() {
            let fault = Fault::new(Path::default(), format!("a manifest is a mapping, not {}", noun(object)));
            return Err(vec![fault.hint("write apiVersion, kind and metadata at the start of each document")]);
        }
        let mut faults = Vec::new();
        let mut text = |names: &[&str], hint: &str| {
            text_at(object, names, hint).unwrap_or_else(|fault| {
                faults.push(fault);
                String::new()
            })
        };
        let api_version = text(&["apiVersion"], "for example `apiVersion: apps/v1`");
        let kind = text(&["kind"], "for example `kind: Deployment`");
        let generated = object.pointer("/metadata/generateName").is_some();
        let name = text(
            &["metadata", "name"],
            if generated { "`generateName` makes a new object every time; give it a `name`" } else { "an object needs a name" },
        );
        let namespace = match object.pointer("/metadata/namespace") {
            None | Some(Value::Null) => None,
            Some(_) => Some(text(&["metadata", "namespace"], "leave it out to use the task's namespace")),
        };
        let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
        let namespace = namespace.filter(|_| namespaced(group, &kind) != Some(false));
        let found = Ref { group: group.to_owned(), version: version.to_owned(), kind, namespace, name };
        faults.extend(found.faults());
        if faults.is_empty() { Ok(found) } else { Err(faults) }
    }

    /// Reads what `Display` wrote. The core group has no segment of its own: its only version is `v1`.
    pub fn parse(text: &str) -> Option<Ref> {
        let parts: Vec<&str> = text.split('/').collect();
        let (group, rest) = if parts.first() == Some(&"v1") { ("", parts.as_slice()) } else { (*parts.first()?, parts.get(1..)?) };
        let (version, kind, namespace, name) = match rest {
            [version, kind, name] => (version, kind, None, name),
            [version, kind, namespace, name] => (version, kind, Some((*namespace).to_owned()), name),
            _ => return None,
        };
        let [version, kind, name] = [version, kind, name].map(|part| (*part).to_owned());
        Some(Ref { group: group.to_owned(), version, kind, namespace, name })
    }

    /// `apps/v1`, or `v1` in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether both name one object, whatever version they reach it by.
    pub fn same(&self, other: &Ref) -> bool {
        (&self.group, &self.kind, &self.namespace, &self.name) == (&other.group, &other.kind, &other.namespace, &other.name)
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |names: &[&str], what: &str, text: &str, rule: &str| {
            faults.push(Fault::new(Path::fields(names), format!("`{text}` is not a valid {what}")).hint(rule));
        };
        let word = |text: &str| text.starts_with(|c: char| c.is_ascii_lowercase()) && label(text);
        let grouped = self.group.is_empty() || subdomain(&self.group);
        if !self.version.is_empty() && (!grouped || !word(&self.version)) {
            fault(&["apiVersion"], "API version", &self.api_version(), "it reads group/version, for example apps/v1, or v1");
        }
        if !self.kind.is_empty() && !self.kind.chars().all(|c| c.is_ascii_alphanumeric()) {
            fault(&["kind"], "kind", &self.kind, "it is one word, for example Deployment");
        }
        if let Some(namespace) = self.namespace.as_deref().filter(|text| !text.is_empty() && !label(text)) {
            fault(&["metadata", "namespace"], "namespace", namespace, names::LABEL);
        }
        if !self.name.is_empty() && !name_fits(&self.group, &self.kind, &self.name) {
            fault(&["metadata", "name"], &format!("name of a {}", self.kind), &self.name, name_rule(&self.group, &self.kind));
        }
        faults
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.api_version(), self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

/// The objects of a document: the items of a `List` (and `ConfigMapList` …), else itself; none for an empty one.
pub fn expand(document: Value) -> Vec<Value> {
    match document {
        Value::Null => Vec::new(),
        Value::Object(mut map) if is_list(&map) => match map.remove("items") {
            Some(Value::Array(items)) => items.into_iter().flat_map(expand).collect(),
            _ => Vec::new(),
        },
        object => vec![object],
    }
}

fn is_list(map: &serde_json::Map<String, Value>) -> bool {
    let kind = map.get("kind").and_then(Value::as_str).unwrap_or("");
    kind.ends_with("List") && map.get("items").is_some_and(Value::is_array) && !map.contains_key("spec")
}

fn text_at(object: &Value, names: &[&str], hint: &str) -> Result<String, Fault> {
    let path = Path::fields(names);
    match path.get(object) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::String(_)) => Err(Fault::new(path.clone(), format!("`{path}` is empty")).hint(hint)),
        None | Some(Value::Null) => Err(Fault::new(path.clone(), format!("`{path}` is missing")).hint(hint)),
        Some(other) => Err(Fault::new(path.clone(), format!("`{path}` is {}, not text", noun(other))).hint("put it in quotes")),
    }
}

/// A value as a noun phrase: `a number`, `a list`.
pub(super) fn noun(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_objects() {
        for (object, name) in [
            (
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "xwiki", "namespace": "web"}}),
                "apps/v1/Deployment/web/xwiki",
            ),
            (json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "web"}}), "v1/Secret/web/db"),
            (json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web", "namespace": "x"}}), "v1/Namespace/web"),
            (
                json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "system:x"}}),
                "rbac.authorization.k8s.io/v1/ClusterRole/system:x",
            ),
        ] {
            let found = Ref::of(&object).expect("no fault");
            assert_eq!(found.to_string(), name);
            assert_eq!(Ref::parse(name), Some(found));
        }
        assert_eq!(Ref::parse("x"), None);
    }

    #[test]
    fn tells_faults() {
        let of = |object: Value| -> Vec<String> {
            Ref::of(&object).expect_err("faults").into_iter().map(|fault| format!("{}: {}", fault.path, fault.message)).collect()
        };
        assert_eq!(of(json!([])), [": a manifest is a mapping, not a list"]);
        assert_eq!(of(json!({"kind": "X"})), ["apiVersion: `apiVersion` is missing", "metadata.name: `metadata.name` is missing"]);
        assert_eq!(
            of(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": 7}})),
            ["metadata.name: `metadata.name` is a number, not text"]
        );
        assert_eq!(
            of(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "My_x", "namespace": "a.b"}})),
            ["metadata.namespace: `a.b` is not a valid namespace", "metadata.name: `My_x` is not a valid name of a Secret",]
        );
        assert_eq!(
            of(json!({"apiVersion": "apps/v1/x", "kind": "Deployment", "metadata": {"name": "a"}})),
            ["apiVersion: `apps/v1/x` is not a valid API version"]
        );
    }

    #[test]
    fn lists_expand() {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [{"kind": "A"}, {"kind": "List", "items": [{"kind": "B"}]}]});
        assert_eq!(expand(list), [json!({"kind": "A"}), json!({"kind": "B"})]);
        assert!(expand(Value::Null).is_empty());
    }
}
