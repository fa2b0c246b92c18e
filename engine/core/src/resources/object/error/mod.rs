//! What a refusal of an API server means, and what mends it: from the answer alone.
//!
//! Forms after apimachinery `api/errors`, `util/validation/field`, apiserver `admission/plugin/webhook/errors`, tried
//! on a 1.36 server. A proxy's or a load balancer's answer is no `Status` at all.

use std::fmt;

use serde_json::Value;

use super::conflict::{Conflict, conflicts};
use super::path::Path;

mod fields;

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
    let said = Said {
        code: status.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok()).filter(|code| *code >= 400).unwrap_or(answer.code),
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
    if line.starts_with('<') { "" } else { line }
}

struct Said<'a> {
    code: u16,
    reason: &'a str,
    kind: &'a str,
    name: &'a str,
    message: &'a str,
    is_status: bool,
}

impl Said<'_> {
    fn class(&self, status: &Value, live: Option<&Value>, fields: &[Field]) -> Class {
        if let Some(class) = self.admission(status) {
            return class;
        }
        match (self.code, self.reason) {
            (401, _) => Class::Unauthorized,
            (403, _) => self.forbidden(),
            (404, _) if !self.is_status || self.message == "the server could not find the requested resource" => Class::UnknownKind,
            (404, _) if self.kind == "namespaces" => Class::NoNamespace,
            (404, _) => Class::NotFound,
            (405 | 406 | 415, _) => Class::Unsupported,
            (409, "AlreadyExists") => Class::Exists,
            (409, _) => match conflicts(status, live) {
                found if found.is_empty() => Class::Stale,
                found => Class::Conflict(found),
            },
            (410, _) => Class::Gone,
            (413, _) => Class::TooLarge,
            // A uid that is not the live one's: the object was made anew since we looked.
            (422, _) if fields.iter().any(|field| field.path == Path::fields(&["metadata", "uid"])) => Class::Stale,
            (422, _) if self.message.contains("Too long: may not be more than") && fields.is_empty() => Class::TooLarge,
            (422, _) if immutable(self.message) && fields.iter().all(|field| immutable(&field.message)) => Class::Immutable,
            (422, _) => Class::Invalid,
            (429, _) => Class::Busy,
            (504, _) | (_, "Timeout" | "ServerTimeout") => Class::Timeout,
            _ if typed(self.message) => Class::Schema,
            (400, _) => Class::Other,
            (500..=599, _) => Class::Unavailable,
            _ => Class::Other,
        }
    }

    /// Admission speaks with any code: what it says tells.
    fn admission(&self, status: &Value) -> Option<Class> {
        let after = |lead: &str| self.message.split_once(lead).map(|(_, rest)| rest);
        if let Some(rest) = after("failed calling webhook ").or_else(|| after("failed to call webhook ")) {
            return Some(Class::WebhookDown { webhook: unquoted(rest) });
        }
        if let Some(rest) = after("admission webhook ").filter(|rest| rest.contains(" denied the request")) {
            return Some(Class::Denied { webhook: unquoted(rest) });
        }
        if let Some(rest) = after("ValidatingAdmissionPolicy ").filter(|rest| rest.contains(" denied request")) {
            return Some(Class::Policy { policy: unquoted(rest) });
        }
        let causes = status.pointer("/details/causes").and_then(Value::as_array);
        let terminating = causes.into_iter().flatten().any(|cause| text(cause, "/reason") == "NamespaceTerminating");
        terminating.then_some(Class::Terminating)
    }

    fn forbidden(&self) -> Class {
        if self.message.contains("exceeded quota") || self.message.contains("failed quota") {
            Class::Quota
        } else if self.message.contains("violates PodSecurity") {
            Class::PodSecurity
        } else if self.message.contains("because it is being terminated") {
            Class::Terminating
        } else {
            Class::Forbidden
        }
    }

    fn sentence(&self, class: &Class, fields: &[Field]) -> String {
        let what = if self.name.is_empty() { self.kind.to_owned() } else { format!("{} `{}`", self.kind, self.name) };
        let said = self.core();
        match class {
            Class::Unauthorized => "the server does not know who we are (401)".to_owned(),
            Class::UnknownKind => "the server has no such kind".to_owned(),
            Class::NoNamespace => format!("namespace `{}` does not exist", self.name),
            Class::NotFound if !self.kind.is_empty() => format!("{what} does not exist"),
            Class::Conflict(found) => found.iter().map(Conflict::to_string).collect::<Vec<_>>().join("\n"),
            Class::Denied { webhook } => format!("webhook `{webhook}` refused: {said}"),
            Class::Policy { policy } => format!("admission policy `{policy}` refused: {said}"),
            Class::WebhookDown { webhook } => format!("webhook `{webhook}` does not answer: {said}"),
            Class::Invalid | Class::Immutable | Class::Schema if !fields.is_empty() => {
                fields.iter().map(|field| format!("{}: {}", field.path, field.message)).collect::<Vec<_>>().join("\n")
            }
            _ if said.is_empty() => format!("the server answered {}", self.code),
            _ => said.to_owned(),
        }
    }

    /// The message without the preambles that repeat what is known.
    fn core(&self) -> &str {
        let after = |lead: &str| self.message.split_once(lead).map(|(_, rest)| rest);
        let denied = after(" denied the request: ").or_else(|| after(" denied request: "));
        let called = after("failed calling webhook ").and_then(|rest| rest.split_once(": ")).map(|(_, rest)| rest);
        let called = called.map(|rest| rest.strip_prefix("failed to call webhook: ").unwrap_or(rest));
        let strict = after("strict decoding error: ");
        denied.or(called).or(strict).unwrap_or(self.message).trim()
    }

    fn hint(&self, class: &Class) -> Option<String> {
        let hint = match class {
            Class::Unauthorized => "renew the credentials of the kubeconfig; `kubectl auth whoami` tells who you are",
            Class::Forbidden => return Some(self.grant()),
            Class::Quota => "free some of the quota, or raise it in the namespace's ResourceQuota",
            Class::PodSecurity => "mend the securityContext, or raise the namespace's label pod-security.kubernetes.io/enforce",
            Class::UnknownKind => "is its CustomResourceDefinition applied, and the apiVersion right? `kubectl api-resources` lists what there is",
            Class::NoNamespace => "add the Namespace to what is applied, or correct its name",
            Class::Terminating => "wait until the namespace is gone; `kubectl get namespace NAME -o yaml` tells what holds it",
            Class::Conflict(_) => "take the field, yield it, or share it: `conflicts: take|yield`",
            Class::Exists | Class::Stale => "it changed meanwhile: look again",
            Class::TooLarge => "an object holds at most 1.5 MB, a ConfigMap or Secret 1 MiB: split it",
            Class::Immutable => "this field is set for good: only deleting and creating the object changes it",
            Class::Denied { .. } | Class::Policy { .. } => "the cluster's own rules refuse this object: mend the manifest, or ask who keeps them",
            Class::WebhookDown { .. } => "is the service behind the webhook running? `kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations`",
            Class::Timeout => "the write may have happened: look again",
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// The right that is missing, from `User "x" cannot patch resource "deployments" in API group "apps" in the
    /// namespace "web"`.
    fn grant(&self) -> String {
        let quoted = |lead: &str| self.message.split_once(lead).map(|(_, rest)| unquoted(rest)).unwrap_or_default();
        let (user, resource, group, namespace) = (quoted("User "), quoted(" resource "), quoted("API group "), quoted("in the namespace "));
        let verb = self.message.split_once(" cannot ").and_then(|(_, rest)| rest.split(' ').next()).unwrap_or("");
        if user.is_empty() || verb.is_empty() || resource.is_empty() {
            return "grant the right with a Role or ClusterRole, and a binding".to_owned();
        }
        let group = if group.is_empty() { String::new() } else { format!(".{group}") };
        let place = if namespace.is_empty() { "with a ClusterRole".to_owned() } else { format!("with a Role in namespace {namespace}") };
        format!("grant {user} the verb {verb} on {resource}{group} {place}")
    }
}

/// `"name"` or `'name'` at the start of a text, without the quotes.
fn unquoted(text: &str) -> String {
    let text = text.strip_prefix(['"', '\'']).unwrap_or(text);
    let end = text.find(['"', '\'']).unwrap_or(text.len());
    text.get(..end).unwrap_or(text).to_owned()
}

/// Words of validation for fields that never change: apimachinery `ValidateImmutableField`, and each kind's own.
fn immutable(message: &str) -> bool {
    message.contains("field is immutable") || message.contains("may not be changed") || message.contains("updates to ") || message.contains("is immutable")
}

/// Words of decoders: structured-merge-diff, and strict decoding. They come with 400, or with 500 and no reason.
fn typed(message: &str) -> bool {
    const WORDS: [&str; 6] = [
        "failed to create typed patch object", "strict decoding", "cannot unmarshal", "unknown field",
        "field not declared in schema", "unable to decode",
    ];
    WORDS.iter().any(|words| message.contains(words))
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
