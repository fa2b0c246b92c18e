//! Which lists of an object are keyed, and by which fields (`x-kubernetes-list-type: map`).
//!
//! The table holds what the built-in types of Kubernetes 1.36 declare (client-go `applyconfigurations/internal`);
//! for anything else the `managedFields` of a live object tell, because every owned item of a keyed list stands
//! there under its key.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::path::plain;

/// The keys of a built-in list by the field's name and, where one name has two meanings, the item's shape.
pub fn known(field: &str, item: &Value) -> Option<&'static [&'static str]> {
    let keys: &'static [&'static str] = match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "volumes"
        | "env"
        | "imagePullSecrets"
        | "resourceClaims"
        | "schedulingGates"
        | "claims"
        | "webhooks"
        | "matchConditions"
        | "variables"
        | "secrets" => &["name"],
        "volumeMounts" => &["mountPath"],
        "volumeDevices" => &["devicePath"],
        "hostAliases" => &["ip"],
        "topologySpreadConstraints" => &["topologyKey", "whenUnsatisfiable"],
        "ports" if item.get("containerPort").is_some() => &["containerPort", "protocol"],
        "ports" if item.get("port").is_some() => &["port", "protocol"],
        "ownerReferences" => &["uid"],
        "conditions" => &["type"],
        _ => return None,
    };
    Some(keys)
}

/// The one default among the built-in keys: a port without a protocol is a TCP port.
fn default_of(field: &str) -> Option<&'static str> {
    (field == "protocol").then_some("TCP")
}

/// The key of an item, where it has all fields of the key or their defaults.
pub fn key_of(item: &Value, names: &[impl AsRef<str>]) -> Option<Vec<(String, Value)>> {
    let field = |name: &str| item.get(name).cloned().or_else(|| default_of(name).map(Value::from));
    names.iter().map(|name| field(name.as_ref()).map(|value| (name.as_ref().to_owned(), value))).collect()
}

/// Whether an item has this key.
pub fn matches(item: &Value, key: &[(String, Value)]) -> bool {
    key.iter().all(|(name, value)| match item.get(name) {
        Some(found) => found == value,
        None => default_of(name).is_some_and(|default| value == default),
    })
}

/// A key as text: `name=app`; the default protocol goes without saying.
pub(super) fn shown(key: &[(String, Value)]) -> String {
    let implied = |name: &str, value: &Value| key.len() > 1 && default_of(name).is_some_and(|default| value == default);
    let parts: Vec<_> =
        key.iter().filter(|(name, value)| !implied(name, value)).map(|(name, value)| format!("{name}={}", plain(value))).collect();
    parts.join(",")
}

/// What the `managedFields` of an object tell about its lists. A place is the field names down to the list
/// without keys and indexes, joined by `/`.
#[derive(Clone, Debug, Default)]
pub struct Keys(BTreeMap<String, Vec<String>>);

impl Keys {
    /// Learns the keyed lists of all objects given.
    pub fn learn<'v>(objects: impl IntoIterator<Item = &'v Value>) -> Keys {
        let mut keys = Keys::default();
        for object in objects {
            let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
            for fields in entries.into_iter().flatten().filter_map(|entry| entry.get("fieldsV1")?.as_object()) {
                keys.walk(fields, "");
            }
        }
        keys
    }

    fn walk(&mut self, fields: &Map<String, Value>, place: &str) {
        for (token, child) in fields {
            let Some(child) = child.as_object() else { continue };
            if let Some(name) = token.strip_prefix("f:") {
                self.walk(child, &format!("{place}/{name}"));
            } else if let Some(key) = token.strip_prefix("k:") {
                if let Ok(Value::Object(key)) = serde_json::from_str(key) {
                    self.0.entry(place.to_owned()).or_insert_with(|| key.keys().cloned().collect());
                }
                self.walk(child, place);
            }
        }
    }

    /// The key fields of the list at this place: learned, else known, and only where every item given has them
    /// and no two items share one.
    pub fn of(&self, place: &str, items: &[&Value]) -> Option<Vec<String>> {
        let field = place.rsplit('/').next().unwrap_or("");
        let names = match self.0.get(place) {
            Some(names) => names.clone(),
            None => known(field, items.first()?)?.iter().map(|name| (*name).to_owned()).collect(),
        };
        items.iter().all(|item| item.is_object() && key_of(item, &names).is_some()).then_some(names)
    }
}
