//! Fields that somebody set by hand beside what is described: an apply leaves them alone, so they are told.

use serde_json::{Map, Value};

use super::conflict::step;
use super::flat;
use super::path::{Path, Step};

/// What people set once and want to stay: it is no part of a description.
const OWN: [&str; 3] = ["kubectl.kubernetes.io/", "deployment.kubernetes.io/", "kubernetes.io/change-cause"];

/// `spec.template.spec.containers[name=app].env[name=DEBUG] of kubectl-set`
pub fn foreign(manifest: &Value, live: &Value) -> Vec<String> {
    let leaves: Vec<String> = flat::leaves(manifest).into_keys().collect();
    let mut found = vec![];
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    for entry in entries.into_iter().flatten() {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or("");
        if text("operation") != "Update" || !text("subresource").is_empty() || !by_hand(text("manager")) {
            continue;
        }
        let mut paths = vec![];
        if let Some(fields) = entry.get("fieldsV1").and_then(Value::as_object) {
            walk(fields, &Path::default(), &leaves, &mut paths);
        }
        found.extend(paths.into_iter().map(|path| format!("{path} of {}", text("manager"))));
    }
    found
}

/// Tools that change single fields; those that apply whole manifests leave too much behind to be told line by line.
fn by_hand(manager: &str) -> bool {
    let edits =
        manager.starts_with("kubectl") && manager != "kubectl-client-side-apply" && manager != "kubectl-create" && manager != "kubectl-run";
    edits || matches!(manager, "k9s" | "Lens" | "Headlamp" | "dashboard")
}

fn walk(fields: &Map<String, Value>, path: &Path, leaves: &[String], found: &mut Vec<Path>) {
    for (token, child) in fields.iter().filter(|(token, _)| *token != ".") {
        let Some((step, _)) = step(token) else { continue };
        if !counts(path, &step) {
            continue;
        }
        let item = matches!(step, Step::Key(_));
        let path = path.then(step);
        let shown = path.to_string();
        let below =
            |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        let child = child.as_object().filter(|child| !child.is_empty());
        if leaves.iter().any(|leaf| below(leaf, &shown)) {
            continue;
        }
        match child {
            Some(child) if !item || leaves.iter().any(|leaf| below(&shown, leaf)) => walk(child, &path, leaves, found),
            _ => found.push(path),
        }
    }
}

fn counts(path: &Path, step: &Step) -> bool {
    match (path.0.as_slice(), step) {
        ([], Step::Field(name)) => name != "status",
        ([Step::Field(metadata)], Step::Field(name)) if metadata == "metadata" => matches!(name.as_str(), "labels" | "annotations"),
        (_, Step::Field(name)) => !OWN.iter().any(|own| name.starts_with(own)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_added_by_hand() {
        let manifest = json!({"metadata": {"name": "a", "labels": {"app": "a"}}, "spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i", "env": [{"name": "A", "value": "1"}]}]}}}});
        let entry = |manager: &str, fields: Value| json!({"manager": manager, "operation": "Update", "fieldsV1": fields});
        let live = json!({"metadata": {"managedFields": [
            entry("kubectl-set", json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {"f:env": {"k:{\"name\":\"B\"}": {".": {}, "f:name": {}, "f:value": {}}}}}}}}})),
            entry("kubectl-label", json!({"f:metadata": {"f:labels": {"f:team": {}}}})),
            entry("kubectl-rollout", json!({"f:spec": {"f:template": {"f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}}}}})),
            entry("kube-controller-manager", json!({"f:metadata": {"f:annotations": {"f:x": {}}}})),
            entry("kubectl-edit", json!({"f:spec": {"f:paused": {}}, "f:metadata": {"f:finalizers": {}}})),
        ]}});
        assert_eq!(
            foreign(&manifest, &live),
            [
                "spec.template.spec.containers[name=c].env[name=B] of kubectl-set",
                "metadata.labels.team of kubectl-label",
                "spec.paused of kubectl-edit"
            ]
        );
    }
}
