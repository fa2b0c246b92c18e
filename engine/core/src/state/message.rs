//! What goes to a target and what comes back. A host gets POSIX sh, a cluster gets API requests.

use std::sync::Arc;

use crate::text::{Contents, Value};

/// What a kind asks or mends with, or what an action does.
#[derive(Clone, PartialEq, Debug)]
pub enum Script {
    Shell(Shell),
    /// Requests to an API server, in order; the first that fails ends them.
    Api(Vec<Request>),
}

impl Script {
    pub fn is_empty(&self) -> bool {
        match self {
            Script::Shell(shell) => shell.text.is_empty(),
            Script::Api(requests) => requests.is_empty(),
        }
    }
}

impl From<String> for Script {
    fn from(text: String) -> Script {
        Script::Shell(Shell { text, uploads: vec![] })
    }
}

/// A text for a POSIX `sh` (dash, BusyBox and bash alike), run in a subshell of its own without input, with `LC_ALL=C`
/// where it asks or mends. No secret may stand in the arguments of a program that it starts (builtins may have them).
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Shell {
    pub text: String,
    /// Contents too large to stand in the text, sent before it runs.
    pub uploads: Vec<Upload>,
}

/// Contents to be put into a new file of mode 0600 on the target.
#[derive(Clone, PartialEq, Debug)]
pub struct Upload {
    /// A path that does not exist yet, beside where the contents are to be in the end.
    pub to: String,
    pub contents: Arc<Contents>,
}

/// One part of a message.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    pub script: Script,
    pub purpose: Purpose,
    /// Seconds after which it is ended; `None`: the connection's own limit.
    pub limit: Option<u64>,
}

/// What a part is for. A fix or action that fails (code other than 0, HTTP status of 400 or more) ends its message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Only reads.
    Ask,
    Fix,
    /// A user's own command: its environment is left alone, its lines are shown while it runs, and its code is data:
    /// it ends the message only where `stops` says so.
    Act {
        stops: bool,
    },
}

/// What came back for one part.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    Shell(Reply),
    Api(Vec<Response>),
    /// Not run, because a part before it failed.
    Skipped,
    /// The target refuses this part as a whole: a host that was sent requests, a `folder` that was asked to run one.
    Refused(String),
}

/// What a script gave. Streams are bytes as they came.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Reply {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
}

impl Answer {
    /// The reply of a host; a refusal reads as a script that failed.
    pub fn reply(&self) -> Reply {
        match self {
            Answer::Shell(reply) => reply.clone(),
            Answer::Refused(why) => Reply { code: 127, out: vec![], err: why.clone().into_bytes() },
            Answer::Skipped => Reply { code: 127, out: vec![], err: b"not run, because what came before it failed".to_vec() },
            Answer::Api(_) => Reply { code: 127, out: vec![], err: b"an API answer where a reply of a shell was expected".to_vec() },
        }
    }

    pub fn responses(&self) -> &[Response] {
        match self {
            Answer::Api(responses) => responses,
            _ => &[],
        }
    }
}

/// One request to a Kubernetes API server. The connection finds path and plural by discovery.
#[derive(Clone, PartialEq, Debug)]
pub struct Request {
    pub verb: Verb,
    pub group: Arc<str>,
    pub version: Arc<str>,
    pub kind: Arc<str>,
    /// `None`: cluster-scoped, or all namespaces of a list.
    pub namespace: Option<Arc<str>>,
    /// Empty for a list.
    pub name: Arc<str>,
    /// JSON of the manifest (apply, create) or of the delete options; marks of secrets included.
    pub body: Value,
    /// `labelSelector`, `fieldSelector` of a list.
    pub selectors: Vec<(&'static str, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    Get,
    List,
    Create,
    /// Server-side apply as manager `play` with strict field validation.
    Apply {
        dry_run: bool,
        force: bool,
    },
    Delete,
}

/// The answer to one request.
#[derive(Clone, PartialEq, Debug)]
pub struct Response {
    /// HTTP status; 0 where none came.
    pub status: u16,
    /// The object, the list or the `Status`, as JSON; plain text where it was not JSON.
    pub body: serde_json::Value,
    /// `Warning:` headers (RFC 7234, code 299), their texts.
    pub warnings: Vec<String>,
    /// Seconds of `Retry-After`.
    pub retry_after: Option<u64>,
}
