//! What a refusal of an API server means, and what mends it: from the answer alone.
//!
//! Forms after apimachinery `api/errors`, `util/validation/field`, apiserver `admission/plugin/webhook/errors`, tried
//! on a 1.36 server. A proxy's or a load balancer's answer is no `Status` at all.

use std::fmt;

use serde_json::Value;

use super::conflict::Conflict;
use super::path::Path;

mod fields;
mod said;

/// What sort of refusal it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Class {
    /// 401: who we are is not known.
    Unauthorized,
    /// 403: we may not.
    Forbidden,
    /// 403: a quota is used up.
    Quota,
    /// 403: the pod does not keep to the Pod Security level of its namespace.
    PodSecurity,
    /// 404: the server has no such kind (yet).
    UnknownKind,
    /// 404: no such object.
    NotFound,
    /// 404: the namespace is not there.
    NoNamespace,
    /// 403: the namespace is on its way out; nothing can be made in it.
    Terminating,
    /// 405, 406, 415: the kind is there, and cannot be asked this way.
    Unsupported,
    /// 409: fields that others own.
    Conflict(Vec<Conflict>),
    /// 409: it is there already.
    Exists,
    /// 409: it changed, or is not the one that we meant: look again.
    Stale,
    /// 410: too old a place in a list or watch: list again.
    Gone,
    /// 413: too large an object.
    TooLarge,
    /// 422: the rules of the kind, field by field.
    Invalid,
    /// 422: a field that never changes.
    Immutable,
    /// 400, 500: the object does not fit the kind's schema: unknown field, wrong type, a key twice.
    Schema,
    /// A webhook said no.
    Denied { webhook: String },
    /// A webhook did not answer, and the server does not go on without it.
    WebhookDown { webhook: String },
    /// A ValidatingAdmissionPolicy said no.
    Policy { policy: String },
    /// 429: too many requests.
    Busy,
    /// 500, 502, 503, 504: the server, or what stands before it.
    Unavailable,
    /// 504, or 500 with reason Timeout: it took too long; the write may have happened.
    Timeout,
    /// Anything else.
    Other,
}

/// Whether and when to ask the same again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request gets the same answer.
    No,
    /// After this many seconds; 0 where the server does not say.
    After(u64),
    /// After reading the object again.
    Reread,
}

/// A field that a refusal speaks of.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The place in the manifest; [`Path::pointer`] finds the nearest line of it.
    pub path: Path,
    pub message: String,
}

/// A refusal, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub class: Class,
    pub code: u16,
    /// What is, in one line, without the server's preamble.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    pub retry: Retry,
    pub fields: Vec<Field>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// An answer with an error code. `retry_after` is that header in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    pub code: u16,
    pub retry_after: Option<u64>,
    pub body: &'a str,
}

/// Reads an answer with an error code. `manifest` is what was sent (else null), `live` the object as last seen.
pub fn refusal(answer: Answer<'_>, manifest: &Value, live: Option<&Value>) -> Refusal {
    let status: Value = serde_json::from_str(answer.body).unwrap_or(Value::Null);
    let status = if status.get("kind").and_then(Value::as_str) == Some("Status") { status } else { Value::Null };
    let said = said::Said {
        code: status
            .get("code")
            .and_then(Value::as_u64)
            .and_then(|code| u16::try_from(code).ok())
            .filter(|code| *code >= 400)
            .unwrap_or(answer.code),
        reason: text(&status, "/reason"),
        kind: text(&status, "/details/kind"),
        name: text(&status, "/details/name"),
        message: if status.is_null() { first_line(answer.body) } else { text(&status, "/message") },
        is_status: !status.is_null(),
    };
    let fields = fields::of(&status, said.message, manifest, live);
    let class = said.class(&status, live, &fields);
    let wait = status.pointer("/details/retryAfterSeconds").and_then(Value::as_u64).or(answer.retry_after);
    let retry = retry(&class, wait);
    let message = said.sentence(&class, &fields);
    Refusal { hint: said.hint(&class), code: said.code, class, message, retry, fields }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn first_line(body: &str) -> &str {
    let line = body.trim().lines().next().unwrap_or("").trim();
    // A proxy's page says nothing that its code does not.
    if line.starts_with(['<', '{']) { "" } else { line }
}

fn retry(class: &Class, wait: Option<u64>) -> Retry {
    match class {
        Class::Busy | Class::Unavailable | Class::WebhookDown { .. } | Class::Terminating => Retry::After(wait.unwrap_or(0)),
        Class::Stale | Class::Exists | Class::Gone | Class::Timeout => Retry::Reread,
        _ => Retry::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a 1.36 server answered, and four answers by hand that no healthy server gives.
    const REFUSALS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/resources/object/refusals.json"));
    const EXPECTED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/resources/object/refusals.txt"));

    fn shown(case: &Value) -> String {
        let body = case.get("body").map(|body| body.as_str().map_or_else(|| body.to_string(), str::to_owned)).unwrap_or_default();
        let code = case.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok()).unwrap_or_default();
        let manifest = case.get("manifest").unwrap_or(&Value::Null);
        let live = case.get("live").filter(|live| !live.is_null());
        let found = refusal(Answer { code, retry_after: None, body: &body }, manifest, live);
        let class = match &found.class {
            Class::Conflict(_) => "Conflict".to_owned(),
            class => format!("{class:?}"),
        };
        let mut text = format!("{} -> {class}, {:?}\n", case.get("name").and_then(Value::as_str).unwrap_or(""), found.retry);
        text.extend(found.message.lines().map(|line| format!("  {line}\n")));
        text.extend(found.hint.iter().map(|hint| format!("  hint: {hint}\n")));
        text.extend(found.fields.iter().map(|field| {
            let (pointer, whole) = field.path.pointer(manifest);
            format!("  at: {pointer}{}\n", if whole { "" } else { " (nearest)" })
        }));
        text
    }

    #[test]
    fn refusals_read_well() {
        let cases: Vec<Value> = serde_json::from_str(REFUSALS).expect("a JSON list");
        let shown: String = cases.iter().map(shown).collect();
        assert_eq!(shown, EXPECTED, "\n{shown}");
    }
}
