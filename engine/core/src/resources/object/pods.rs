//! Where built-in kinds keep a pod specification.

use serde_json::Value;

/// The JSON pointer of the pod specification in a built-in kind that has one.
pub fn pointer(object: &Value) -> Option<&'static str> {
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or("");
    match (text("apiVersion"), text("kind")) {
        ("v1", "Pod") => Some("/spec"),
        ("v1", "PodTemplate") => Some("/template/spec"),
        ("v1", "ReplicationController") | ("batch/v1", "Job") => Some("/spec/template/spec"),
        ("apps/v1", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") => Some("/spec/template/spec"),
        ("batch/v1", "CronJob") => Some("/spec/jobTemplate/spec/template/spec"),
        _ => None,
    }
}

/// The pod specification of a built-in kind that has one.
pub fn spec(object: &Value) -> Option<&Value> {
    object.pointer(pointer(object)?)
}

/// All containers of a pod specification with the name of their list: init containers, containers, ephemeral ones.
pub fn containers(spec: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .flat_map(move |list| spec.get(list).and_then(Value::as_array).into_iter().flatten().map(move |container| (list, container)))
}
