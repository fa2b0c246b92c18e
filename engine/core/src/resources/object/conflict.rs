//! Who else owns the fields that an apply wants: the 409 of server-side apply, read.
//!
//! The message form is apimachinery's `managedfields/internal/conflict.go`; the owner's name stands nowhere else.

use std::fmt;

use serde_json::{Map, Value};

use super::path::{Path, Step};

/// One field that another manager owns with another value.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    pub path: Path,
    /// Whether the path is the only one that the server can have meant. Without it, never remove or take this field.
    pub sure: bool,
    pub manager: String,
    /// `scale`, `status`; empty for the object itself.
    pub subresource: String,
    /// `Apply` or `Update`.
    pub operation: &'static str,
    /// The version that an `Update` used; empty for an `Apply`, whose answer does not tell.
    pub api_version: String,
    /// When an `Update` was, in RFC 3339; empty where the answer does not tell.
    pub time: String,
}

impl Conflict {
    /// Whether this reads like the replicas that a HorizontalPodAutoscaler sets: then the manifest had better leave
    /// them out. Only what is visible in the conflict; whether there is such an autoscaler is another question.
    pub fn may_be_autoscaled(&self) -> bool {
        self.path == Path::fields(&["spec", "replicas"]) && (self.subresource == "scale" || self.manager == "kube-controller-manager")
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "conflict: {} is owned by {}", self.path, self.manager)?;
        if !self.subresource.is_empty() {
            write!(f, " ({})", self.subresource)?;
        }
        if !self.time.is_empty() {
            write!(f, " since {}", self.time)?;
        }
        if self.may_be_autoscaled() {
            f.write_str("; it may be a HorizontalPodAutoscaler's: then leave `spec.replicas` out of the manifest")?;
        }
        Ok(())
    }
}

/// The field conflicts of a 409 answer, in its order; none where the 409 means something else (a precondition, a
/// race). `live` tells which of the possible paths each field string means.
pub fn conflicts(status: &Value, live: Option<&Value>) -> Vec<Conflict> {
    let causes = status.pointer("/details/causes").and_then(Value::as_array);
    let text = |cause: &Value, name: &str| cause.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    let fields = causes.into_iter().flatten().filter(|cause| text(cause, "reason") == "FieldManagerConflict");
    fields.map(|cause| conflict(&text(cause, "field"), &text(cause, "message"), live)).collect()
}

fn conflict(field: &str, message: &str, live: Option<&Value>) -> Conflict {
    let said = message.strip_prefix("conflict with ").unwrap_or(message);
    let (manager, rest) = quoted(said);
    let (subresource, rest) = match rest.strip_prefix(" with subresource ") {
        Some(rest) => quoted(rest),
        None => (String::new(), rest),
    };
    let using = rest.strip_prefix(" using ");
    let (api_version, time) = using.map_or(("", ""), |using| using.split_once(" at ").unwrap_or((using, "")));
    let operation = if using.is_some() { "Update" } else { "Apply" };
    let owner = |entry: &&Value| {
        let is = |name: &str, value: &str| entry.get(name).and_then(Value::as_str).unwrap_or("") == value;
        is("manager", &manager) && is("subresource", &subresource) && is("operation", operation)
    };
    let entries = live.and_then(|live| live.pointer("/metadata/managedFields")?.as_array());
    let mut paths = Vec::new();
    for fields in entries.into_iter().flatten().filter(owner).filter_map(|entry| entry.get("fieldsV1")?.as_object()) {
        meant(fields, field, &Path::default(), &mut paths);
    }
    paths.dedup();
    let sure = paths.len() == 1 || (paths.is_empty() && plain(field));
    let path = match paths.into_iter().next() {
        Some(path) => path,
        None => Path::locate(field, live.unwrap_or(&Value::Null)),
    };
    let [api_version, time] = [api_version, time].map(str::to_owned);
    Conflict { path, sure, manager, subresource, operation, api_version, time }
}

/// Without keys, two readings of a field string differ only where a name holds a dot.
fn plain(field: &str) -> bool {
    !field.contains(['[', '/', '"']) && !field.contains("labels") && !field.contains("annotations") && !field.contains("data")
}

/// A leading Go `%q` string and what follows it.
fn quoted(text: &str) -> (String, &str) {
    let Some(inner) = text.strip_prefix('"') else {
        let end = text.find(' ').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        return (name.to_owned(), rest);
    };
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let (name, rest) = inner.split_at(at);
                let name = serde_json::from_str(&format!("\"{name}\"")).unwrap_or_else(|_| name.to_owned());
                return (name, rest.get(1..).unwrap_or(""));
            }
            _ => {}
        }
    }
    (inner.to_owned(), "")
}

/// All owned paths that the server would write as `field`.
fn meant(fields: &Map<String, Value>, field: &str, path: &Path, found: &mut Vec<Path>) {
    for (token, child) in fields.iter().filter(|(token, _)| *token != ".") {
        let Some((step, written)) = step(token) else { continue };
        let Some(rest) = field.strip_prefix(written.as_str()) else { continue };
        let path = path.then(step);
        if rest.is_empty() {
            found.push(path);
        } else if let Some(child) = child.as_object() {
            meant(child, rest, &path, found);
        }
    }
}

/// A token of `fieldsV1` as a step, and as structured-merge-diff writes it in a path.
pub(super) fn step(token: &str) -> Option<(Step, String)> {
    let (kind, text) = token.split_once(':')?;
    Some(match kind {
        "f" => (Step::Field(text.to_owned()), format!(".{text}")),
        "i" => (Step::Index(text.parse().ok()?), format!("[{text}]")),
        "v" => {
            let member: Value = serde_json::from_str(text).ok()?;
            let written = format!("[={member}]");
            (Step::Member(member), written)
        }
        "k" => {
            let key: Map<String, Value> = serde_json::from_str(text).ok()?;
            let mut pairs: Vec<_> = key.into_iter().collect();
            pairs.sort_by(|one, two| one.0.cmp(&two.0));
            let written: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let written = format!("[{}]", written.join(","));
            (Step::Key(pairs), written)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(causes: &[(&str, &str)]) -> Value {
        let causes: Vec<_> =
            causes.iter().map(|(field, message)| json!({"reason": "FieldManagerConflict", "field": field, "message": message})).collect();
        json!({"kind": "Status", "code": 409, "reason": "Conflict", "details": {"causes": causes}})
    }

    #[test]
    fn reads_owners() {
        let found = conflicts(
            &status(&[
                (
                    ".spec.replicas",
                    r#"conflict with "kube-controller-manager" with subresource "scale" using apps/v1 at 2026-07-01T10:00:00Z"#,
                ),
                (".spec.template.spec.containers[name=\"a\"].image", r#"conflict with "flux \"x\"""#),
                (".spec.paused", r#"conflict with "kubectl-edit" using apps/v1"#),
            ]),
            None,
        );
        let shown: Vec<_> = found.iter().map(|conflict| (conflict.to_string(), conflict.operation, conflict.sure)).collect();
        assert_eq!(shown, [
            ("conflict: spec.replicas is owned by kube-controller-manager (scale) since 2026-07-01T10:00:00Z; it may be a HorizontalPodAutoscaler's: then leave `spec.replicas` out of the manifest".to_owned(), "Update", true),
            ("conflict: spec.template.spec.containers[name=a].image is owned by flux \"x\"".to_owned(), "Apply", false),
            ("conflict: spec.paused is owned by kubectl-edit".to_owned(), "Update", true),
        ]);
    }

    #[test]
    fn names_with_dots_are_told_by_the_owner() {
        let live = json!({"metadata": {"labels": {"a.b": "1"}, "managedFields": [
            {"manager": "m", "operation": "Update", "fieldsV1": {"f:metadata": {"f:labels": {"f:a.b": {}}}, "f:data": {"f:x": {"f:y": {}}, "f:x.y": {}}}}]}});
        let found = conflicts(
            &status(&[(".metadata.labels.a.b", r#"conflict with "m" using v1"#), (".data.x.y", r#"conflict with "m" using v1"#)]),
            Some(&live),
        );
        assert_eq!(
            found.iter().map(|conflict| (conflict.path.to_string(), conflict.sure)).collect::<Vec<_>>(),
            [("metadata.labels[a.b]".to_owned(), true), ("data.x.y".to_owned(), false)]
        );
    }

    #[test]
    fn other_409s_have_no_conflicts() {
        assert_eq!(conflicts(&json!({"code": 409, "reason": "Conflict", "message": "the object has been modified"}), None), []);
    }
}
