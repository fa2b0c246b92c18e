//! The words of a refusal: what they mean, and how a user reads them.

use serde_json::Value;

use super::{Class, Field, text};
use crate::resources::object::conflict::{Conflict, conflicts};
use crate::resources::object::path::Path;

pub(super) struct Said<'a> {
    pub code: u16,
    pub reason: &'a str,
    pub kind: &'a str,
    pub name: &'a str,
    pub message: &'a str,
    pub is_status: bool,
}

impl Said<'_> {
    pub(super) fn class(&self, status: &Value, live: Option<&Value>, fields: &[Field]) -> Class {
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

    pub(super) fn sentence(&self, class: &Class, fields: &[Field]) -> String {
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
            Class::Busy if said.is_empty() => format!("the server has too many requests ({})", self.code),
            Class::Busy => format!("the server has too many requests ({}): {said}", self.code),
            Class::Unavailable if !said.is_empty() => format!("the server is in trouble ({}): {said}", self.code),
            Class::Unavailable => format!("the server, or a proxy before it, is not available ({})", self.code),
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

    pub(super) fn hint(&self, class: &Class) -> Option<String> {
        let hint = match class {
            Class::Unauthorized => "renew the credentials of the kubeconfig; `kubectl auth whoami` tells who you are",
            Class::Forbidden => return Some(self.grant()),
            Class::Quota => "free some of the quota, or raise it in the namespace's ResourceQuota",
            Class::PodSecurity => "mend the securityContext, or raise the namespace's label pod-security.kubernetes.io/enforce",
            Class::UnknownKind => {
                "is its CustomResourceDefinition applied, and the apiVersion right? `kubectl api-resources` lists what there is"
            }
            Class::NoNamespace => "add the Namespace to what is applied, or correct its name",
            Class::Terminating => "wait until the namespace is gone; `kubectl get namespace NAME -o yaml` tells what holds it",
            Class::Conflict(_) => "take the field, yield it, or share it: `conflicts: take|yield`",
            Class::Exists | Class::Stale => "it changed meanwhile: look again",
            Class::TooLarge => "an object holds at most 1.5 MB, a ConfigMap or Secret 1 MiB: split it",
            Class::Immutable => "this field is set for good: only deleting and creating the object changes it",
            Class::Denied { .. } | Class::Policy { .. } => {
                "the cluster's own rules refuse this object: mend the manifest, or ask who keeps them"
            }
            Class::WebhookDown { .. } => {
                "is the service behind the webhook running? `kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations`"
            }
            Class::Busy => "run it again later, or with fewer `--forks`",
            Class::Unavailable => "`kubectl get --raw /readyz?verbose` tells what of the server is not well; run it again when it is",
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
pub(super) fn unquoted(text: &str) -> String {
    let text = text.strip_prefix(['"', '\'']).unwrap_or(text);
    let end = text.find(['"', '\'']).unwrap_or(text.len());
    text.get(..end).unwrap_or(text).to_owned()
}

/// Words of validation for fields that never change: apimachinery `ValidateImmutableField`, and each kind's own.
fn immutable(message: &str) -> bool {
    message.contains("field is immutable")
        || message.contains("may not be changed")
        || message.contains("updates to ")
        || message.contains("is immutable")
}

/// Words of decoders: structured-merge-diff, and strict decoding. They come with 400, or with 500 and no reason.
pub(super) fn typed(message: &str) -> bool {
    const WORDS: [&str; 6] = [
        "failed to create typed patch object",
        "strict decoding",
        "cannot unmarshal",
        "unknown field",
        "field not declared in schema",
        "unable to decode",
    ];
    WORDS.iter().any(|words| message.contains(words))
}
