//! Defaults that a server writes into what we own as a whole.
//!
//! In an atomic list or map every field is ours, also those that only the server wrote. The few defaults that stand
//! in such places of built-in kinds (Kubernetes `pkg/apis/*/v1/defaults.go`) are known here: a manifest that leaves
//! one out gets the same again.

use serde_json::Value;

/// Whether an atomic value of a manifest is the live one, but for defaults that the server fills in. `field` is
/// the name of the field that holds them.
pub fn equal(kind: &str, field: &str, ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(live)) => {
            let filled =
                live.iter().filter(|(name, _)| !ours.contains_key(*name)).all(|(name, value)| is_default(kind, field, name, value));
            let inner = |name: &str| if field == "volumeClaimTemplates" && name == "spec" { "claim".to_owned() } else { name.to_owned() };
            filled && ours.iter().all(|(name, value)| live.get(name).is_some_and(|live| equal(kind, &inner(name), value, live)))
        }
        (Value::Array(ours), Value::Array(live)) => {
            ours.len() == live.len() && ours.iter().zip(live).all(|(ours, live)| equal(kind, field, ours, live))
        }
        _ => ours == theirs,
    }
}

fn is_default(kind: &str, field: &str, name: &str, value: &Value) -> bool {
    let text = value.as_str().unwrap_or("");
    match (kind, field, name) {
        ("StatefulSet", "volumeClaimTemplates", "apiVersion") => text == "v1",
        ("StatefulSet", "volumeClaimTemplates", "kind") => text == "PersistentVolumeClaim",
        ("StatefulSet", "volumeClaimTemplates", "status") => {
            value.as_object().is_some_and(|status| status.len() == 1) && value.get("phase").and_then(Value::as_str) == Some("Pending")
        }
        ("StatefulSet", "claim", "volumeMode") => text == "Filesystem",
        ("NetworkPolicy", "ports", "protocol") => text == "TCP",
        ("ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration", "rules", "scope") => text == "*",
        // Of pods, wherever they are.
        (_, "fieldRef", "apiVersion") => text == "v1",
        (_, "serviceAccountToken", "expirationSeconds") => value.as_u64() == Some(3600),
        _ => false,
    }
}
