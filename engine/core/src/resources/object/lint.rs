//! Faults of a manifest that are sure without a server: what it would refuse, said at the line, before any contact.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::manifest::{Fault, Ref, noun};
use super::names::built_in;
use super::path::{Path, Step};
use super::{keys, pods};

/// All faults of a manifest, in reading order: its identity, labels and annotations, text that YAML read as
/// something else, and items of keyed lists that share a key.
pub fn faults(manifest: &Value) -> Vec<Fault> {
    let mut faults = Ref::of(manifest).err().unwrap_or_default();
    let metadata = Path::fields(&["metadata"]);
    labelled(manifest, &metadata, &mut faults);
    let text = |name: &str| manifest.get(name).and_then(Value::as_str).unwrap_or("");
    match (text("apiVersion"), text("kind")) {
        ("v1", "ConfigMap") => all_text(manifest, &Path::fields(&["data"]), &mut faults),
        ("v1", "Secret") => {
            all_text(manifest, &Path::fields(&["stringData"]), &mut faults);
            encoded(manifest, &mut faults);
        }
        _ => {}
    }
    if let Some(pointer) = pods::pointer(manifest) {
        let names: Vec<&str> = pointer.split('/').skip(1).collect();
        pod(manifest, &Path::fields(&names), &mut faults);
    }
    if built_in(text("apiVersion").split_once('/').map_or("", |(group, _)| group)) {
        doubles(manifest, &Path::default(), "", &mut faults);
    }
    faults
}

fn labelled(root: &Value, metadata: &Path, faults: &mut Vec<Fault>) {
    all_text(root, &metadata.field("annotations"), faults);
    let labels = metadata.field("labels");
    all_text(root, &labels, faults);
    for (key, value) in labels.get(root).and_then(Value::as_object).into_iter().flatten() {
        let Some(text) = value.as_str() else { continue };
        if !label_value(text) {
            let fault = Fault::new(labels.field(key), format!("`{text}` is not a valid label value"));
            faults.push(fault.hint("at most 63 of A-Z, a-z, 0-9, `-`, `_` and `.`, with a letter or digit at both ends"));
        }
    }
}

fn label_value(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    let inner = |c: char| edge(c) || matches!(c, '-' | '_' | '.');
    text.is_empty() || (text.len() <= 63 && text.starts_with(edge) && text.ends_with(edge) && text.chars().all(inner))
}

/// A map whose values must be text: `true`, `8080` and `1.20` in YAML are not.
fn all_text(root: &Value, at: &Path, faults: &mut Vec<Fault>) {
    for (key, value) in at.get(root).and_then(Value::as_object).into_iter().flatten() {
        if !value.is_string() && !value.is_null() {
            faults.push(not_text(at.field(key), value));
        }
    }
}

fn not_text(path: Path, value: &Value) -> Fault {
    let quoted = if value.is_array() || value.is_object() {
        "write it as a block of text: `|`".to_owned()
    } else {
        format!("quote it: \"{value}\"")
    };
    Fault::new(path.clone(), format!("`{path}` is {}, not text", noun(value))).hint(quoted)
}

fn encoded(manifest: &Value, faults: &mut Vec<Fault>) {
    let data = Path::fields(&["data"]);
    for (key, value) in data.get(manifest).and_then(Value::as_object).into_iter().flatten() {
        let path = data.field(key);
        match value {
            Value::Null => {}
            // The server tolerates line ends in base64, and so do those who paste the output of `base64`.
            Value::String(text) if STANDARD.decode(text.replace(['\n', '\r'], "")).is_ok() => {}
            // The value is a secret: it is not repeated here.
            Value::String(_) => {
                faults.push(Fault::new(path.clone(), format!("`{path}` is not base64")).hint("plain text belongs in `stringData`"))
            }
            other => faults.push(not_text(path, other)),
        }
    }
}

fn pod(root: &Value, spec: &Path, faults: &mut Vec<Fault>) {
    let template = Path(spec.0.get(..spec.0.len().saturating_sub(1)).unwrap_or(&[]).to_vec());
    if !template.0.is_empty() {
        labelled(root, &template.field("metadata"), faults);
    }
    all_text(root, &spec.field("nodeSelector"), faults);
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        let containers = spec.field(list);
        let count = containers.get(root).and_then(Value::as_array).map_or(0, Vec::len);
        for container in (0..count).map(|place| containers.then(Step::Index(place))) {
            words(root, &container, faults);
            let env = container.field("env");
            for (place, item) in env.get(root).and_then(Value::as_array).into_iter().flatten().enumerate() {
                match item.get("value") {
                    None | Some(Value::Null | Value::String(_)) => {}
                    Some(value) => faults.push(not_text(env.then(Step::Index(place)).field("value"), value)),
                }
            }
        }
    }
}

fn words(root: &Value, container: &Path, faults: &mut Vec<Fault>) {
    for list in ["command", "args"] {
        let list = container.field(list);
        for (place, word) in list.get(root).and_then(Value::as_array).into_iter().flatten().enumerate() {
            if !word.is_string() && !word.is_null() {
                faults.push(not_text(list.then(Step::Index(place)), word));
            }
        }
    }
}

/// Items of a keyed list that share a key. The server merges by key, so it refuses the apply (`duplicate entries
/// for key`), or, where the object came by another way, silently keeps both.
fn doubles(value: &Value, path: &Path, field: &str, faults: &mut Vec<Fault>) {
    match value {
        Value::Object(map) => descend(map, path, faults),
        Value::Array(items) => {
            let mut seen: Vec<Vec<(String, Value)>> = Vec::new();
            for (place, item) in items.iter().enumerate() {
                let here = path.then(Step::Index(place));
                if let Some(key) = keys::known(field, item).and_then(|names| keys::key_of(item, names)) {
                    if seen.contains(&key) {
                        let message = format!("`{path}` has `{}` twice", keys::shown(&key));
                        faults.push(Fault::new(here.clone(), message).hint("a server merges this list by that key: keep one"));
                    }
                    seen.push(key);
                }
                doubles(item, &here, "", faults);
            }
        }
        _ => {}
    }
}

/// `ports` of anything but a Service and a container is a list without keys; `status` is not ours.
fn descend(map: &Map<String, Value>, path: &Path, faults: &mut Vec<Fault>) {
    let keyless =
        |field: &str, child: &Value| field == "ports" && child.pointer("/0/port").is_some() && path.0 != [Step::Field("spec".to_owned())];
    for (field, child) in map {
        let named = if keyless(field, child) { "" } else { field.as_str() };
        if !(path.0.is_empty() && field == "status") {
            doubles(child, &path.field(field), named, faults);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(manifest: &Value) -> Vec<String> {
        faults(manifest).into_iter().map(|fault| format!("{}; {}", fault.message, fault.hint.unwrap_or_default())).collect()
    }

    #[test]
    fn text_that_yaml_read_otherwise() {
        let manifest = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "labels": {"v": 1.2, "ok": "-x"}},
            "spec": {"template": {"metadata": {"annotations": {"scrape": true}}, "spec": {"nodeSelector": {"gpu": true}, "containers": [
                {"name": "a", "args": ["-p", 80], "env": [{"name": "A", "value": 1}, {"name": "B", "value": "x"}]}]}}}});
        assert_eq!(
            found(&manifest),
            [
                "`metadata.labels.v` is a number, not text; quote it: \"1.2\"",
                "`-x` is not a valid label value; at most 63 of A-Z, a-z, 0-9, `-`, `_` and `.`, with a letter or digit at both ends",
                "`spec.template.metadata.annotations.scrape` is a boolean, not text; quote it: \"true\"",
                "`spec.template.spec.nodeSelector.gpu` is a boolean, not text; quote it: \"true\"",
                "`spec.template.spec.containers[0].args[1]` is a number, not text; quote it: \"80\"",
                "`spec.template.spec.containers[0].env[0].value` is a number, not text; quote it: \"1\"",
            ]
        );
    }

    #[test]
    fn secrets_are_not_repeated() {
        let manifest =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"p": "hunter2!", "q": "aHVu\ndGVy"}});
        assert_eq!(found(&manifest), ["`data.p` is not base64; plain text belongs in `stringData`"]);
    }

    #[test]
    fn keys_that_come_twice() {
        let manifest = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [
            {"name": "a", "env": [{"name": "A"}, {"name": "B"}, {"name": "A"}], "ports": [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}]},
            {"name": "b", "ports": [{"containerPort": 53}, {"containerPort": 53, "protocol": "TCP"}]}]}});
        assert_eq!(
            found(&manifest),
            [
                "`spec.containers[0].env` has `name=A` twice; a server merges this list by that key: keep one",
                "`spec.containers[1].ports` has `containerPort=53` twice; a server merges this list by that key: keep one",
            ]
        );
        let policy = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "a"},
            "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 1}, {"port": 1}]}]}});
        assert!(found(&policy).is_empty());
    }
}
