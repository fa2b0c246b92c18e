//! What we have applied of an object so far, as a manifest: a patch is applied on top of it, since an apply gives up what it
//! leaves out.

use serde_json::{Map, Value, json};

use super::keys;

/// The fields of a live object that a manager owns by its apply, with their live values.
pub fn applied(live: &Value, manager: &str) -> Value {
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    let ours = |entry: &&Value| entry["manager"] == manager && entry["operation"] == "Apply" && entry.get("subresource").is_none();
    let fields = entries.into_iter().flatten().find(ours).and_then(|entry| entry.get("fieldsV1")?.as_object());
    fields.map_or_else(|| json!({}), |fields| taken(fields, live))
}

fn taken(fields: &Map<String, Value>, live: &Value) -> Value {
    if fields.is_empty() {
        return live.clone();
    }
    let children = || fields.iter().filter_map(|(token, child)| Some((token.split_once(':')?, child.as_object()?)));
    match live {
        Value::Object(map) => {
            let field = |((kind, name), child): ((&str, &str), &Map<String, Value>)| {
                let value = map.get(name).filter(|_| kind == "f")?;
                Some((name.to_owned(), taken(child, value)))
            };
            Value::Object(children().filter_map(field).collect())
        }
        Value::Array(items) => Value::Array(items.iter().filter_map(|item| children().find_map(|child| owned(child, item))).collect()),
        other => other.clone(),
    }
}

/// What of an item of a list is ours: by its key, or as a member of a set.
fn owned(((kind, text), child): ((&str, &str), &Map<String, Value>), item: &Value) -> Option<Value> {
    let token: Value = serde_json::from_str(text).ok()?;
    match (kind, token) {
        ("k", Value::Object(key)) => {
            let pairs: Vec<(String, Value)> = key.into_iter().collect();
            let mut own = taken(child, item);
            if let Some(own) = own.as_object_mut().filter(|_| keys::matches(item, &pairs)) {
                own.extend(pairs);
                return Some(Value::Object(own.clone()));
            }
            None
        }
        ("v", member) => (member == *item).then_some(member),
        _ => None,
    }
}

/// A manifest with a patch laid over it: mappings and keyed lists are merged, the rest is replaced.
pub fn patched(base: &Value, patch: &Value) -> Value {
    merged(base, patch, "")
}

fn merged(base: &Value, patch: &Value, field: &str) -> Value {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            let mut all = base.clone();
            for (name, value) in patch {
                let value = base.get(name).map_or_else(|| value.clone(), |base| merged(base, value, name));
                all.insert(name.clone(), value);
            }
            Value::Object(all)
        }
        (Value::Array(base), Value::Array(patch)) => {
            let key = |item: &Value| keys::known(field, item).and_then(|names| keys::key_of(item, names));
            if base.iter().chain(patch).any(|item| key(item).is_none()) {
                return Value::Array(patch.clone());
            }
            let mut all = base.clone();
            for item in patch {
                match all.iter_mut().find(|other| key(other) == key(item)) {
                    Some(other) => *other = merged(other, item, ""),
                    None => all.push(item.clone()),
                }
            }
            Value::Array(all)
        }
        _ => patch.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_applied_and_a_patch() {
        let live = json!({"apiVersion": "v1", "metadata": {"name": "a", "labels": {"x": "1", "y": "2"}, "managedFields": [
            {"manager": "other", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": {"f:y": {}}}}},
            {"manager": "play", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": {"f:x": {}}}, "f:spec": {"f:set": {"v:\"a\"": {}}, "f:whole": {},
                "f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:name": {}, "f:image": {}}}}}}]},
            "spec": {"set": ["b", "a"], "whole": {"z": 1}, "containers": [{"name": "d", "image": "2"}, {"name": "c", "image": "1", "tty": false}]}});
        let ours = applied(&live, "play");
        assert_eq!(
            ours,
            json!({"metadata": {"labels": {"x": "1"}}, "spec": {"set": ["a"], "whole": {"z": 1}, "containers": [{"name": "c", "image": "1"}]}})
        );
        let patch =
            json!({"metadata": {"labels": {"w": "0"}}, "spec": {"set": ["q"], "containers": [{"name": "c", "tty": true}, {"name": "e"}]}});
        assert_eq!(
            patched(&ours, &patch),
            json!({"metadata": {"labels": {"x": "1", "w": "0"}}, "spec": {"set": ["q"], "whole": {"z": 1}, "containers": [{"name": "c", "image": "1", "tty": true}, {"name": "e"}]}})
        );
        assert_eq!(applied(&json!({"metadata": {}}), "play"), json!({}));
    }
}
