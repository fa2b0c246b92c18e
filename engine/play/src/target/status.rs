//! The `Status` object of Kubernetes, where no server made one.

use play_core::state::Response;
use serde_json::{Value as Json, json};

/// An answer that says why not, in the form in which an API server says it.
pub(super) fn failure(code: u16, reason: &str, message: impl Into<String>, details: Json) -> Response {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message.into(), "reason": reason, "details": details, "code": code,
    });
    Response { status: code, body, warnings: vec![], retry_after: None }
}

pub(super) fn success(status: u16, body: Json) -> Response {
    Response { status, body, warnings: vec![], retry_after: None }
}
