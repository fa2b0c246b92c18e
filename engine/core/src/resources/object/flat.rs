//! The fields of an object, flat: each leaf by its path, as a plan shows it.
//!
//! Lists are named by the keys of built-in kinds alone, so that a manifest has the same names before and after a server
//! has seen it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::keys::{self, Keys};
use super::path::{Path, Step};

/// Leaves by path: `spec.replicas`, `spec.template.spec.containers[name=app].image`.
pub type Leaves = BTreeMap<String, Value>;

/// What counts of an object: labels, annotations, and all but metadata and status.
pub fn leaves(object: &Value) -> Leaves {
    let mut found = Leaves::new();
    for name in ["labels", "annotations"] {
        let path = Path::fields(&["metadata", name]);
        if let Some(map @ Value::Object(entries)) = path.get(object)
            && !entries.is_empty()
        {
            walk(map, &path, &format!("/metadata/{name}"), &mut found);
        }
    }
    let counts = |name: &str| !matches!(name, "metadata" | "status" | "apiVersion" | "kind");
    for (name, value) in object.as_object().into_iter().flatten().filter(|(name, _)| counts(name)) {
        walk(value, &Path::fields(&[name]), &format!("/{name}"), &mut found);
    }
    found
}

fn walk(value: &Value, path: &Path, place: &str, found: &mut Leaves) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, child) in map {
                walk(child, &path.field(name), &format!("{place}/{name}"), found);
            }
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
            let names = Keys::default().of(place, &items.iter().collect::<Vec<_>>());
            for (at, item) in items.iter().enumerate() {
                let key = names.as_ref().and_then(|names| keys::key_of(item, names));
                let step = key.map_or(Step::Index(at), Step::Key);
                walk(item, &path.then(step), place, found);
            }
        }
        leaf => drop(found.insert(path.to_string(), leaf.clone())),
    }
}

/// Equality that overlooks how a number is written: 1 equals 1.0.
pub fn same(one: Option<&Value>, two: Option<&Value>) -> bool {
    match (one, two) {
        (Some(Value::Number(one)), Some(Value::Number(two))) if one.is_f64() != two.is_f64() => one.as_f64() == two.as_f64(),
        (None | Some(Value::Null), None | Some(Value::Null)) => true,
        _ => one == two,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn leaves_by_path() {
        let object = json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "labels": {"a.b/c": "1"}, "annotations": {}, "uid": "u"},
            "spec": {"replicas": 2, "empty": {}, "none": null, "list": ["a", "b"], "containers": [{"name": "a", "image": "i", "ports": [{"containerPort": 80}]}],
                "rules": [{"host": "h"}, {"host": "g"}]}, "status": {"a": 1}});
        let shown: Vec<String> = leaves(&object).iter().map(|(path, leaf)| format!("{path}: {leaf}")).collect();
        assert_eq!(
            shown,
            [
                "metadata.labels[a.b/c]: \"1\"",
                "spec.containers[name=a].image: \"i\"",
                "spec.containers[name=a].name: \"a\"",
                "spec.containers[name=a].ports[containerPort=80].containerPort: 80",
                "spec.empty: {}",
                "spec.list: [\"a\",\"b\"]",
                "spec.none: null",
                "spec.replicas: 2",
                "spec.rules[0].host: \"h\"",
                "spec.rules[1].host: \"g\"",
            ]
        );
    }
}
