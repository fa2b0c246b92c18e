//! A manifest in the form that is sent and compared: without what only a server writes, and with what the server
//! would write in another form already in that form.
//!
//! After Flux `ssa/normalize`; each step is one that a 1.36 server otherwise answers with a difference, an error or
//! an owned field that never comes back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::names::namespaced;
use super::pods;

/// Fields of `metadata` that only a server writes.
const SERVER: [&str; 9] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
    "generateName",
];
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The manifest as it is sent and compared. A precondition on uid or resourceVersion is the sender's to add.
#[must_use]
pub fn normalise(manifest: &Value) -> Value {
    let mut object = manifest.clone();
    let pod = pods::pointer(&object);
    let (api_version, kind) = (text(&object, "apiVersion"), text(&object, "kind"));
    drop_timestamps(&mut object);
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
        metadata(map, api_version.split_once('/').map_or("", |(group, _)| group), &kind);
    }
    match (api_version.as_str(), kind.as_str()) {
        ("v1", "Secret") => secret(&mut object),
        ("v1", "Service") => ports(object.pointer_mut("/spec/ports")),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition") => ca_bundle(&mut object),
        _ => {}
    }
    if let Some(spec) = pod.and_then(|pointer| object.pointer_mut(pointer)) {
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            let containers = spec.get_mut(list).and_then(Value::as_array_mut);
            containers.into_iter().flatten().for_each(|container| ports(container.get_mut("ports")));
        }
    }
    object
}

fn text(object: &Value, name: &str) -> String {
    object.get(name).and_then(Value::as_str).unwrap_or("").to_owned()
}

fn metadata(map: &mut Map<String, Value>, group: &str, kind: &str) {
    let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    metadata.retain(|name, _| !SERVER.contains(&name.as_str()));
    if namespaced(group, kind) == Some(false) {
        metadata.remove("namespace");
    }
    let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) else { return };
    if annotations.remove(LAST_APPLIED).is_some() && annotations.is_empty() {
        metadata.remove("annotations");
    }
}

/// `creationTimestamp: null` comes from Go programs that print a type, at any depth: pod templates, claim templates.
fn drop_timestamps(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
                metadata.retain(|name, value| name != "creationTimestamp" || !value.is_null());
            }
            map.values_mut().for_each(drop_timestamps);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_timestamps),
        _ => {}
    }
}

/// The server keeps `stringData` for nobody: it writes `data`, and a key of `stringData` wins. A value that is not
/// text stays where it is, for the lint to name.
fn secret(object: &mut Value) {
    let Some(map) = object.as_object_mut() else { return };
    let Some(Value::Object(plain)) = map.remove("stringData") else { return };
    if map.get("data").is_none_or(Value::is_null) {
        map.insert("data".to_owned(), Value::Object(Map::new()));
    }
    let mut rest = Map::new();
    if let Some(data) = map.get_mut("data").and_then(Value::as_object_mut) {
        for (key, value) in plain {
            match value {
                Value::String(text) => drop(data.insert(key, Value::String(STANDARD.encode(text)))),
                other => drop(rest.insert(key, other)),
            }
        }
    }
    if !rest.is_empty() {
        map.insert("stringData".to_owned(), Value::Object(rest));
    }
}

fn ports(list: Option<&mut Value>) {
    for port in list.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
        if port.get("protocol").is_none_or(Value::is_null) {
            port.insert("protocol".to_owned(), Value::from("TCP"));
        }
    }
}

/// A CRD's `caBundle` that is a placeholder (controller-gen writes `Cg==`), or that an injector fills.
fn ca_bundle(object: &mut Value) {
    let annotations = object.pointer("/metadata/annotations").and_then(Value::as_object);
    let injected = annotations.is_some_and(|map| map.keys().any(|key| key.starts_with("cert-manager.io/inject-")));
    let config = object.pointer_mut("/spec/conversion/webhook/clientConfig").and_then(Value::as_object_mut);
    let Some(config) = config else { return };
    let placeholder = matches!(config.get("caBundle"), Some(Value::Null))
        || config.get("caBundle").and_then(Value::as_str).is_some_and(|text| matches!(text, "" | "Cg==" | "Cg"));
    if injected || placeholder {
        config.remove("caBundle");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(manifest: Value, expect: Value) {
        assert_eq!(normalise(&manifest), expect);
        assert_eq!(normalise(&expect), expect, "twice is once");
    }

    #[test]
    fn secrets() {
        check(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"a": "MQ==", "b": "Mg=="}, "stringData": {"b": "3", "c": ""}}),
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"a": "MQ==", "b": "Mw==", "c": ""}}),
        );
    }

    #[test]
    fn exported_objects() {
        check(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "1", "generation": 3,
                "creationTimestamp": null, "managedFields": [], "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
                "spec": {"template": {"metadata": {"creationTimestamp": null, "labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "ports": [{"containerPort": 1}, {"containerPort": 2, "protocol": "UDP"}]}]}}},
                "status": {"replicas": 1}}),
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "n"},
                "spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "ports": [{"containerPort": 1, "protocol": "TCP"}, {"containerPort": 2, "protocol": "UDP"}]}]}}}}),
        );
    }

    #[test]
    fn cluster_wide_kinds_have_no_namespace() {
        check(
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a", "namespace": "n"}, "rules": []}),
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a"}, "rules": []}),
        );
    }

    #[test]
    fn placeholders_of_ca_bundles() {
        let crd = |annotations: Value, config: Value| {
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "a.b", "annotations": annotations}, "spec": {"conversion": {"webhook": {"clientConfig": config}}}})
        };
        check(crd(json!({}), json!({"caBundle": "Cg=="})), crd(json!({}), json!({})));
        check(crd(json!({}), json!({"caBundle": "TFM="})), crd(json!({}), json!({"caBundle": "TFM="})));
        let injected = json!({"cert-manager.io/inject-ca-from": "a/b"});
        check(crd(injected.clone(), json!({"caBundle": "TFM="})), crd(injected, json!({})));
    }
}
