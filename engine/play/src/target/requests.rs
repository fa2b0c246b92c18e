//! What connections to clusters and folders have in common: parts that are requests.

use std::sync::Arc;

use play_core::state::{Answer, Part, Purpose, Request, Script, Verb};

/// Hears what a connection does while somebody waits for it: one line of plain text, without secrets.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// Whether a part that failed ends its message.
pub(super) fn ends(purpose: Purpose) -> bool {
    match purpose {
        Purpose::Ask => false,
        Purpose::Fix => true,
        Purpose::Act { stops } => stops,
    }
}

pub(super) fn reads(request: &Request) -> bool {
    matches!(request.verb, Verb::Get | Verb::List | Verb::Apply { dry_run: true, .. })
}

/// The requests of a part; or why it is refused as a whole: a shell text, or a question that would write.
pub(super) fn requests<'a>(part: &'a Part, target: &str) -> Result<&'a [Request], Answer> {
    match &part.script {
        Script::Shell(shell) if shell.text.is_empty() => Ok(&[]),
        Script::Shell(_) => Err(Answer::Refused(format!("{target} runs no shell; use a module for objects"))),
        Script::Api(requests) if part.purpose == Purpose::Ask && !requests.iter().all(reads) => {
            Err(Answer::Refused("a question must not write; this is a fault of `play`".to_string()))
        }
        Script::Api(requests) => Ok(requests),
    }
}
