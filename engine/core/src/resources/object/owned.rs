//! The proof that an apply would change nothing, from the live object alone: no GET, no dry run.
//!
//! Server-side apply (KEP-555) merges by ownership. If what we own is exactly what the manifest states, and what we
//! own still has the manifest's values, then merging the manifest changes no value and prunes none. Whatever is not
//! understood is not proven, and the dry run decides: the proof may be too weak, never wrong.

use std::fmt;

use serde_json::{Map, Value};

use super::defaults;
use super::names::built_in;

/// Why nothing is proven, in few words; for the log, not for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why(pub String);

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn why<T>(path: &str, reason: &str) -> Result<T, Why> {
    let path = path.trim_start_matches('.').replace("k:{", "[").replace('}', "]").replace("\":", "=").replace('"', "");
    Err(Why(if path.is_empty() { reason.to_owned() } else { format!("{path}: {reason}") }))
}

/// Proves that applying `manifest` as `manager` changes nothing of `live`. Both at one version of the API, the
/// manifest normalised ([`super::normalise::normalise`]); items of a LIST may lack apiVersion and kind.
///
/// # Errors
/// The first reason why this is not proven. It says nothing of whether the object differs.
pub fn proven(manifest: &Value, live: &Value, manager: &str) -> Result<(), Why> {
    same_object(manifest, live)?;
    let fields = entry(live, manifest.get("apiVersion"), manager)?;
    let group = text(manifest, "apiVersion").split_once('/').map_or("", |(group, _)| group);
    let proof = Proof { live, manager, kind: text(manifest, "kind"), built_in: built_in(group) };
    let (Some(manifest), Some(object)) = (manifest.as_object(), live.as_object()) else { return why("", "no object") };
    let top = |name: &str| matches!(name, "apiVersion" | "kind" | "metadata");
    proof.map(fields, manifest, object, "", top)?;
    proof.metadata(fields, manifest, object)
}

fn same_object(manifest: &Value, live: &Value) -> Result<(), Why> {
    for (pointer, must) in [("/apiVersion", false), ("/kind", false), ("/metadata/namespace", false), ("/metadata/name", true)] {
        match (manifest.pointer(pointer), live.pointer(pointer)) {
            (Some(ours), Some(theirs)) if ours == theirs => {}
            (_, None) if !must => {}
            (None, Some(_)) if pointer == "/metadata/namespace" => {}
            _ => return why("", "another object, or another version of it"),
        }
    }
    if live.pointer("/metadata/deletionTimestamp").is_some() {
        return why("", "being deleted");
    }
    Ok(())
}

/// The fields of our one entry: an Apply to the object itself, at the manifest's version.
fn entry<'v>(live: &'v Value, version: Option<&Value>, manager: &str) -> Result<&'v Map<String, Value>, Why> {
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut ours = entries.into_iter().flatten().filter(|entry| text(entry, "manager") == manager);
    let Some(entry) = ours.next() else { return why("", "not applied by us before") };
    if ours.next().is_some() || text(entry, "operation") != "Apply" || !text(entry, "subresource").is_empty() {
        return why("", "we own fields in other ways than by one apply");
    }
    if version.is_none() || entry.get("apiVersion") != version || text(entry, "fieldsType") != "FieldsV1" {
        return why("", "applied at another version");
    }
    entry.get("fieldsV1").and_then(Value::as_object).ok_or_else(|| Why("no fields in our entry".to_owned()))
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or("")
}

struct Proof<'v> {
    live: &'v Value,
    manager: &'v str,
    kind: &'v str,
    built_in: bool,
}

type Fields = Map<String, Value>;

impl Proof<'_> {
    /// `metadata` without the name and namespace, which no manager owns.
    fn metadata(&self, fields: &Fields, manifest: &Fields, live: &Fields) -> Result<(), Why> {
        let Some(Value::Object(ours)) = manifest.get("metadata") else { return why(".metadata", "not a mapping") };
        let Some(Value::Object(theirs)) = live.get("metadata") else { return why(".metadata", "missing") };
        let none = Map::new();
        let fields = match fields.get("f:metadata") {
            None => &none,
            Some(Value::Object(fields)) if !fields.is_empty() => fields,
            Some(_) => return why(".metadata", "owned as a whole"),
        };
        self.map(fields, ours, theirs, ".metadata", |name| matches!(name, "name" | "namespace"))
    }

    fn node(&self, fields: &Value, ours: &Value, theirs: Option<&Value>, path: &str) -> Result<(), Why> {
        let Some(fields) = fields.as_object() else { return why(path, "unknown form of ownership") };
        if fields.is_empty() {
            return self.leaf(ours, theirs, path);
        }
        let Some(theirs) = theirs else { return why(path, "missing") };
        let kind = |prefix: &str| fields.keys().all(|token| token == "." || token.starts_with(prefix));
        let named = fields.keys().any(|token| token != ".");
        match (ours, theirs) {
            (Value::Object(ours), Value::Object(theirs)) if named && kind("f:") => self.map(fields, ours, theirs, path, |_| false),
            (Value::Array(ours), Value::Array(theirs)) if named && kind("k:") => self.keyed(fields, ours, theirs, path),
            (Value::Array(ours), Value::Array(theirs)) if named && kind("v:") => set(fields, ours, theirs, path),
            _ => why(path, "unknown form of ownership"),
        }
    }

    /// A scalar, an atomic list or map, or an empty map: compared whole. A zero value that we own but that is not
    /// there is one that the server leaves out when it writes (`omitempty`; null, `[]`, `""`, false): a value that
    /// somebody had taken away would have taken our ownership with it. Not so an empty map: who empties a map that we
    /// own as `{}` leaves us that ownership, so only maps that the server is known to leave out count.
    fn leaf(&self, ours: &Value, theirs: Option<&Value>, path: &str) -> Result<(), Why> {
        match theirs {
            None if zero(ours) || self.left_out(ours, path) => Ok(()),
            None => why(path, "missing"),
            Some(theirs) if ours != theirs && !self.but_defaults(ours, theirs, path) => why(path, "differs"),
            // We may own but the empty map here, and another manager the entries.
            Some(_) if ours.as_object().is_some_and(|map| !map.is_empty()) && self.granular(path) => why(path, "entries owned by others"),
            Some(_) => Ok(()),
        }
    }

    fn map(&self, fields: &Fields, ours: &Fields, theirs: &Fields, path: &str, skip: impl Fn(&str) -> bool) -> Result<(), Why> {
        for token in fields.keys().filter(|token| *token != ".") {
            let Some(name) = token.strip_prefix("f:") else { return why(path, "unknown form of ownership") };
            if !skip(name) && !ours.contains_key(name) {
                return why(&format!("{path}.{name}"), "owned, no longer in the manifest");
            }
        }
        for (name, value) in ours.iter().filter(|(name, _)| !skip(name)) {
            let path = format!("{path}.{name}");
            let Some(child) = fields.get(&format!("f:{name}")) else { return why(&path, "not owned yet") };
            self.node(child, value, theirs.get(name), &path)?;
        }
        Ok(())
    }

    /// A list by key. Ours must stand in the live list in the manifest's order: an apply reorders it otherwise.
    /// A key field that the manifest leaves out has its default in the token, and no `f:` of its own below it.
    fn keyed(&self, fields: &Fields, ours: &[Value], theirs: &[Value], path: &str) -> Result<(), Why> {
        let mut tokens = Vec::new();
        for (token, child) in fields.iter().filter(|(token, _)| *token != ".") {
            let key = token.strip_prefix("k:").and_then(|key| serde_json::from_str::<Map<String, Value>>(key).ok());
            let Some(key) = key.filter(|key| !key.is_empty()) else { return why(path, "unknown form of key") };
            tokens.push((key, token, child));
        }
        if tokens.len() != ours.len() {
            return why(path, "other items owned than in the manifest");
        }
        // The server merges no list that holds an item without its key, be it somebody else's.
        let keyless = |item: &Value| tokens.first().is_some_and(|(key, ..)| key.keys().any(|name| item.get(name).is_none()));
        if theirs.iter().any(keyless) {
            return why(path, "an item without its key");
        }
        let mut last = None;
        let mut used = vec![false; tokens.len()];
        for item in ours {
            let fits = |(key, _, child): &&(Map<String, Value>, &String, &Value)| fits(item, key, child);
            let mut found = tokens.iter().enumerate().filter(|(_, token)| fits(token));
            let (Some((place, (key, token, child))), None) = (found.next(), found.next()) else {
                return why(path, "item not owned, or not by one key");
            };
            if std::mem::replace(&mut used[place], true) {
                return why(path, "two items with one key");
            }
            let holds = |item: &&Value| key.iter().all(|(name, value)| item.get(name) == Some(value));
            let mut places = theirs.iter().enumerate().filter(|(_, item)| holds(item));
            let (Some((at, live)), None) = (places.next(), places.next()) else { return why(path, "item missing, or there twice") };
            if last.is_some_and(|last| at <= last) {
                return why(path, "another order");
            }
            last = Some(at);
            self.node(child, item, Some(live), &format!("{path}{token}"))?;
        }
        Ok(())
    }

    fn left_out(&self, ours: &Value, path: &str) -> bool {
        const MAPS: [&str; 7] = ["labels", "annotations", "nodeSelector", "data", "binaryData", "limits", "requests"];
        let field = path.rsplit(['.', '}', ']']).next().unwrap_or("");
        self.built_in && MAPS.contains(&field) && ours.as_object().is_some_and(Map::is_empty)
    }

    fn but_defaults(&self, ours: &Value, theirs: &Value, path: &str) -> bool {
        let field = path.rsplit(['.', '}', ']']).next().unwrap_or("");
        self.built_in && defaults::equal(self.kind, field, ours, theirs)
    }

    /// Whether somebody else owns single entries of the map at this path: then it is no atomic map.
    fn granular(&self, path: &str) -> bool {
        let entries = self.live.pointer("/metadata/managedFields").and_then(Value::as_array);
        let others = entries.into_iter().flatten().filter(|entry| text(entry, "manager") != self.manager);
        others.filter_map(|entry| entry.get("fieldsV1")).any(|fields| owned_below(fields, path))
    }
}

/// Whether there is ownership below a path as this module writes it, in another entry. The names may hold dots, so
/// each child is tried against the rest of the path.
fn owned_below(fields: &Value, path: &str) -> bool {
    let Some(map) = fields.as_object() else { return false };
    if path.is_empty() {
        return map.keys().any(|token| token != ".");
    }
    map.iter().any(|(token, child)| {
        let rest = match token.strip_prefix("f:") {
            Some(name) => path.strip_prefix('.').and_then(|path| path.strip_prefix(name)),
            None => path.strip_prefix(token.as_str()),
        };
        rest.is_some_and(|rest| owned_below(child, rest))
    })
}

/// Whether an item of the manifest is the owned item of this key. A key field that the item leaves out is a default
/// only where the item did not own it last time either.
fn fits(item: &Value, key: &Map<String, Value>, owned: &Value) -> bool {
    item.is_object()
        && key.iter().all(|(name, value)| match item.get(name) {
            Some(found) => found == value,
            None => owned.get(format!("f:{name}")).is_none(),
        })
}

/// A set of scalars. The server keeps an order here too.
fn set(fields: &Fields, ours: &[Value], theirs: &[Value], path: &str) -> Result<(), Why> {
    let mut tokens = Vec::new();
    for (token, child) in fields.iter().filter(|(token, _)| *token != ".") {
        let member = token.strip_prefix("v:").and_then(|member| serde_json::from_str::<Value>(member).ok());
        let (Some(member), true) = (member, child.as_object().is_some_and(Map::is_empty)) else {
            return why(path, "unknown form of member");
        };
        tokens.push(member);
    }
    if tokens.len() != ours.len() {
        return why(path, "other members owned than in the manifest");
    }
    let mut last = None;
    for member in ours {
        let mut places = theirs.iter().enumerate().filter(|(_, theirs)| *theirs == member);
        let (true, Some((at, _)), None) = (tokens.contains(member), places.next(), places.next()) else {
            return why(path, "member missing, or there twice");
        };
        if last.is_some_and(|last| at <= last) {
            return why(path, "another order");
        }
        last = Some(at);
    }
    Ok(())
}

fn zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A live object whose one entry of ours owns `fields`.
    fn live(fields: Value, spec: Value) -> Value {
        json!({"metadata": {"name": "a", "namespace": "n", "managedFields": [
            {"manager": "play", "operation": "Apply", "apiVersion": "x.y/v1", "fieldsType": "FieldsV1", "fieldsV1": fields},
            {"manager": "other", "operation": "Update", "apiVersion": "x.y/v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:shared": {"f:theirs": {}}}}}]},
            "spec": spec})
    }

    fn said(spec: Value, fields: Value, live_spec: Value) -> String {
        let manifest = json!({"apiVersion": "x.y/v1", "kind": "X", "metadata": {"name": "a", "namespace": "n"}, "spec": spec});
        match proven(&manifest, &live(json!({"f:spec": fields}), live_spec), "play") {
            Ok(()) => "proven".to_owned(),
            Err(why) => why.0,
        }
    }

    #[test]
    fn fields() {
        for (spec, fields, live, expect) in [
            (json!({"a": 1}), json!({"f:a": {}}), json!({"a": 1, "b": 2}), "proven"),
            (json!({"a": 1}), json!({"f:a": {}}), json!({"a": 2}), "spec.a: differs"),
            (json!({"a": 1}), json!({"f:a": {}}), json!({}), "spec.a: missing"),
            (json!({"a": ""}), json!({"f:a": {}}), json!({}), "proven"),
            (json!({"a": {}}), json!({"f:a": {}}), json!({}), "spec.a: missing"),
            (json!({"a": {}}), json!({"f:a": {}}), json!({"a": {}}), "proven"),
            (json!({"a": null}), json!({"f:a": {}}), json!({"a": 1}), "spec.a: differs"),
            (json!({"a": 1, "b": 2}), json!({"f:a": {}}), json!({"a": 1, "b": 2}), "spec.b: not owned yet"),
            (json!({"a": 1}), json!({"f:a": {}, "f:b": {}}), json!({"a": 1, "b": 2}), "spec.b: owned, no longer in the manifest"),
            (json!({"a": [1, 2]}), json!({"f:a": {}}), json!({"a": [2, 1]}), "spec.a: differs"),
            (
                json!({"shared": {"theirs": 1}}),
                json!({"f:shared": {}}),
                json!({"shared": {"theirs": 1}}),
                "spec.shared: entries owned by others",
            ),
            (json!({"a": [1]}), json!({"f:a": {"i:0": {}}}), json!({"a": [1]}), "spec.a: unknown form of ownership"),
        ] {
            assert_eq!(said(spec.clone(), fields, live), expect, "{spec}");
        }
    }

    #[test]
    fn keyed_lists() {
        let fields = json!({"f:p": {"k:{\"port\":1,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}, "k:{\"port\":2,\"protocol\":\"UDP\"}": {".": {}, "f:port": {}, "f:protocol": {}}}});
        let (tcp, udp) = (json!({"port": 1, "protocol": "TCP"}), json!({"port": 2, "protocol": "UDP"}));
        let other = json!({"port": 3, "protocol": "TCP"});
        let ours = json!({"p": [{"port": 1}, udp]});
        for (spec, live, expect) in [
            (ours.clone(), json!({"p": [tcp, udp]}), "proven"),
            (ours.clone(), json!({"p": [other, tcp, other, udp]}), "proven"),
            (ours.clone(), json!({"p": [udp, tcp]}), "spec.p: another order"),
            (ours.clone(), json!({"p": [tcp, tcp, udp]}), "spec.p: item missing, or there twice"),
            (ours.clone(), json!({"p": [tcp, udp, {}]}), "spec.p: an item without its key"),
            (json!({"p": [{"port": 1}, {"port": 2}]}), json!({"p": [tcp, udp]}), "spec.p: item not owned, or not by one key"),
            (json!({"p": [{"port": 1}]}), json!({"p": [tcp, udp]}), "spec.p: other items owned than in the manifest"),
            (json!({"p": [tcp, udp]}), json!({"p": [tcp, udp]}), "spec.p[port=1,protocol=TCP].protocol: not owned yet"),
        ] {
            assert_eq!(said(spec.clone(), fields.clone(), live.clone()), expect, "{spec} {live}");
        }
    }

    #[test]
    fn sets() {
        let fields = json!({"f:s": {"v:\"a\"": {}, "v:\"b\"": {}}});
        for (live, expect) in [
            (json!({"s": ["a", "x", "b"]}), "proven"),
            (json!({"s": ["b", "a"]}), "spec.s: another order"),
            (json!({"s": ["a"]}), "spec.s: member missing, or there twice"),
        ] {
            assert_eq!(said(json!({"s": ["a", "b"]}), fields.clone(), live), expect);
        }
        assert_eq!(said(json!({"s": ["a"]}), fields, json!({"s": ["a", "b"]})), "spec.s: other members owned than in the manifest");
    }

    #[test]
    fn entries() {
        let manifest = json!({"apiVersion": "x.y/v1", "kind": "X", "metadata": {"name": "a", "namespace": "n"}, "spec": {"a": 1}});
        let with = |pointer: &str, value: Value| {
            let mut live = live(json!({"f:spec": {"f:a": {}}}), json!({"a": 1}));
            *live.pointer_mut(pointer).expect("a place") = value;
            proven(&manifest, &live, "play").map_or_else(|why| why.0, |()| "proven".to_owned())
        };
        let ours = "/metadata/managedFields/0";
        assert_eq!(with("/metadata/name", json!("a")), "proven");
        assert_eq!(with("/metadata/name", json!("b")), "another object, or another version of it");
        assert_eq!(with("/metadata/namespace", json!("m")), "another object, or another version of it");
        assert_eq!(with(&format!("{ours}/operation"), json!("Update")), "we own fields in other ways than by one apply");
        assert_eq!(with(&format!("{ours}/apiVersion"), json!("x.y/v2")), "applied at another version");
        assert_eq!(with(&format!("{ours}/manager"), json!("kubectl")), "not applied by us before");
        assert_eq!(with("/metadata/managedFields/1/manager", json!("play")), "we own fields in other ways than by one apply");
    }
}
