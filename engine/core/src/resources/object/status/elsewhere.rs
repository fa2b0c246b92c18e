//! Well-known kinds from elsewhere that do not speak by a `Ready` condition.

use serde_json::Value;

use super::{Status, condition, text};

/// What tells that such an object is ready.
enum Sign {
    /// All of these conditions are true.
    Conditions(&'static [&'static str]),
    /// A text field has one of the first values; the second ones are failures.
    Field(&'static str, &'static [&'static str], &'static [&'static str]),
    /// A boolean field is true.
    Flag(&'static str),
    /// It has no status: applied is all that can be said.
    None,
}

fn sign(group: &str, kind: &str) -> Option<Sign> {
    Some(match (group, kind) {
        ("bitnami.com", "SealedSecret") => Sign::Conditions(&["Synced"]),
        ("monitoring.coreos.com", "Prometheus" | "Alertmanager" | "ThanosRuler" | "PrometheusAgent") => {
            Sign::Conditions(&["Available", "Reconciled"])
        }
        ("gateway.networking.k8s.io", "GatewayClass") => Sign::Conditions(&["Accepted"]),
        ("gateway.networking.k8s.io", "Gateway") => Sign::Conditions(&["Accepted", "Programmed"]),
        ("longhorn.io", "Node") => Sign::Conditions(&["Ready", "Schedulable"]),
        ("longhorn.io", "BackupTarget") => Sign::Flag("/status/available"),
        ("longhorn.io", "Volume") => Sign::Field("/status/robustness", &["healthy", "unknown"], &["faulted"]),
        ("velero.io", "BackupStorageLocation") => Sign::Field("/status/phase", &["Available"], &[]),
        ("velero.io", "Schedule") => Sign::Field("/status/phase", &["Enabled"], &["FailedValidation"]),
        ("velero.io", "Backup" | "Restore") => {
            Sign::Field("/status/phase", &["Completed"], &["Failed", "PartiallyFailed", "FailedValidation"])
        }
        ("traefik.io", _) | ("longhorn.io", "RecurringJob") => Sign::None,
        _ => return None,
    })
}

/// The rule of a kind that is known here.
pub(super) fn rule(group: &str, kind: &str, live: &Value) -> Option<Status> {
    Some(match sign(group, kind)? {
        Sign::None => Status::current(""),
        Sign::Conditions(kinds) => {
            let waits = kinds.iter().find_map(|kind| match condition(live, kind) {
                Some(found) if found.is("True") => None,
                Some(found) => Some(found.said()),
                None => Some(format!("no condition {kind} yet")),
            });
            waits.map_or_else(|| Status::current(""), Status::progress)
        }
        Sign::Flag(pointer) if live.pointer(pointer) == Some(&Value::Bool(true)) => Status::current(""),
        Sign::Flag(_) => Status::progress("not available yet"),
        Sign::Field(pointer, good, bad) => match text(live, pointer) {
            found if good.contains(&found) => Status::current(found.to_lowercase()),
            found if bad.contains(&found) => Status::failed(format!("{found} {}", text(live, "/status/message")).trim().to_owned()),
            "" => Status::progress("its controller has written no status yet"),
            found => Status::progress(found.to_lowercase()),
        },
    })
}
