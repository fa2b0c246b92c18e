//! A request of the engine as an HTTP request: path, query, body.

use play_core::state::{Request, Verb};
use serde_json::{Value as Json, json};

use super::discovery::Resource;

/// The name under which fields are owned.
const MANAGER: &str = "play";
const JSON: &str = "application/json";
const APPLY: &str = "application/apply-patch+yaml";
/// Aggregated discovery, newest form first; servers before 1.26 answer with the plain list.
pub(super) const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

pub(super) struct Call {
    pub(super) method: http::Method,
    /// With the query.
    pub(super) path: String,
    pub(super) body: Vec<u8>,
    pub(super) content_type: &'static str,
    pub(super) accept: &'static str,
    /// Changes nothing, so that it may be sent again where it is not known what became of it.
    pub(super) repeatable: bool,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Call {
        Call { method: http::Method::GET, path: path.into(), body: vec![], content_type: JSON, accept: JSON, repeatable: true }
    }

    /// The call that a request makes; lists are paged by whoever sends them.
    pub(super) fn of(request: &Request, resource: &Resource, namespace: Option<&str>, body: &Json) -> Call {
        let collection = collection(request, resource, namespace);
        let object = format!("{collection}/{}", escaped(&request.name));
        match request.verb {
            Verb::Get => Call::get(object),
            Verb::List => {
                let query: Vec<String> = request.selectors.iter().map(|(key, value)| format!("{key}={}", escaped(value))).collect();
                Call::get(if query.is_empty() { collection } else { format!("{collection}?{}", query.join("&")) })
            }
            Verb::Create => {
                let path = format!("{collection}?fieldManager={MANAGER}&fieldValidation=Strict");
                Call::write(http::Method::POST, path, JSON, body, false)
            }
            Verb::Apply { dry_run, force } => {
                let dry = if dry_run { "&dryRun=All" } else { "" };
                let path = format!("{object}?fieldManager={MANAGER}&fieldValidation=Strict&force={force}{dry}");
                Call::write(http::Method::PATCH, path, APPLY, body, dry_run)
            }
            Verb::Delete => {
                let mut options = json!({ "apiVersion": "v1", "kind": "DeleteOptions" });
                for (key, value) in body.as_object().into_iter().flatten() {
                    options[key.as_str()] = value.clone();
                }
                Call::write(http::Method::DELETE, object, JSON, &options, false)
            }
        }
    }

    fn write(method: http::Method, path: String, content_type: &'static str, body: &Json, repeatable: bool) -> Call {
        Call { method, path, body: body.to_string().into_bytes(), content_type, accept: JSON, repeatable }
    }

    pub(super) fn http(&self) -> http::Result<http::Request<kube::client::Body>> {
        let mut builder = http::Request::builder().method(self.method.clone()).uri(&self.path).header(http::header::ACCEPT, self.accept);
        if !self.body.is_empty() {
            builder = builder.header(http::header::CONTENT_TYPE, self.content_type);
        }
        builder.body(kube::client::Body::from(self.body.clone()))
    }
}

/// `/api/v1`, `/apis/apps/v1`
pub(super) fn root(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{}", escaped(version)) } else { format!("/apis/{}/{}", escaped(group), escaped(version)) }
}

fn collection(request: &Request, resource: &Resource, namespace: Option<&str>) -> String {
    let root = root(&request.group, &request.version);
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{}/{}", escaped(namespace), resource.plural),
        None => format!("{root}/{}", resource.plural),
    }
}

/// Percent-encoded, for one step of a path or one value of a query.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'.' | b':' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}
