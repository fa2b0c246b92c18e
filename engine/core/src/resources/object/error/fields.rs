//! The fields that a refusal speaks of, as places in the manifest.

use serde_json::{Map, Value};

use super::said::{typed, unquoted};
use super::{Field, text};
use crate::resources::object::keys;
use crate::resources::object::path::Path;

/// The causes of a `Status`, each once, and what a decoder puts into its message alone.
pub(super) fn of(status: &Value, message: &str, manifest: &Value, live: Option<&Value>) -> Vec<Field> {
    // The server counts list items in the object that it would store, not in ours.
    let stored = merged(live.unwrap_or(&Value::Null), manifest, "");
    let causes = status.pointer("/details/causes").and_then(Value::as_array);
    let mut fields: Vec<Field> = Vec::new();
    for cause in causes.into_iter().flatten().filter(|cause| text(cause, "/reason") != "FieldManagerConflict") {
        let (field, message) = (text(cause, "/field"), text(cause, "/message"));
        if !field.is_empty() && field != "<nil>" && field != "[]" {
            let path = entry(Path::locate(field, &stored), message, manifest);
            let field = Field { path, message: brief(message) };
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
    }
    if fields.is_empty() && typed(message) {
        fields.extend(decoded(message, manifest));
    }
    fields
}

/// The message without the regular expression that the server quotes.
fn brief(message: &str) -> String {
    message.split(" (e.g. ").next().unwrap_or(message).to_owned()
}

/// A cause about labels or annotations names the map and the bad text: the entry with that text is meant.
fn entry(path: Path, message: &str, manifest: &Value) -> Path {
    let Some(bad) = message.strip_prefix("Invalid value: \"").and_then(|rest| rest.split('"').next()) else { return path };
    let Some(Value::Object(map)) = path.get(manifest) else { return path };
    let found = map.iter().find(|(key, value)| key.as_str() == bad || value.as_str() == Some(bad));
    found.map_or_else(|| path.clone(), |(key, _)| path.field(key))
}

/// Roughly the object that the server would store: its keyed lists have the live items first, then our new ones.
fn merged(live: &Value, manifest: &Value, field: &str) -> Value {
    match (live, manifest) {
        (Value::Object(live), Value::Object(ours)) => {
            let none = Value::Null;
            let child = |name: &String| merged(live.get(name).unwrap_or(&none), ours.get(name).unwrap_or(&none), name);
            let names = live.keys().chain(ours.keys().filter(|name| !live.contains_key(*name)));
            Value::Object(names.map(|name| (name.clone(), child(name))).collect::<Map<_, _>>())
        }
        (Value::Array(live), Value::Array(ours)) => {
            let key = |item: &Value| keys::known(field, item).and_then(|names| keys::key_of(item, names));
            if ours.iter().chain(live).any(|item| key(item).is_none()) {
                return manifest.clone();
            }
            let find = |list: &[Value], item: &Value| list.iter().position(|other| key(other) == key(item));
            let both =
                |item: &Value| find(ours, item).and_then(|at| ours.get(at)).map_or_else(|| item.clone(), |our| merged(item, our, ""));
            let new = ours.iter().filter(|item| find(live, item).is_none()).cloned();
            Value::Array(live.iter().map(both).chain(new).collect())
        }
        (live, Value::Null) => live.clone(),
        (_, ours) => ours.clone(),
    }
}

/// The fields of a decoder's message: `.spec.x: field not declared in schema`, `unknown field "spec.x"`.
fn decoded(message: &str, manifest: &Value) -> Vec<Field> {
    let field = |path: &str, message: &str| Field { path: Path::locate(path, manifest), message: message.to_owned() };
    let mut fields = Vec::new();
    for part in message.split("unknown field ").skip(1) {
        fields.push(field(&unquoted(part), "unknown field"));
    }
    let (_, errors) = message.split_once("): ").unwrap_or(("", message));
    for line in errors.lines().map(|line| line.trim().trim_start_matches("- ")).filter(|line| line.starts_with('.')) {
        if let Some((path, said)) = line.split_once(": ") {
            // `got &value.valueUnstructured{Value:1}` is the server's own affair.
            let said = said.split(", got &").next().unwrap_or(said).replace("field not declared in schema", "unknown field");
            fields.push(field(path, &said));
        }
    }
    fields
}
