//! A directory of manifests that stands for a cluster: what a GitOps repository renders to, and what a first try needs no cluster for.

mod index;
mod name;
mod scope;
mod selector;
mod store;
#[cfg(test)]
mod tests;
mod yaml;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use play_core::run::{Address, Fault, FaultKind, Message};
use play_core::state::{Answer, Part, Purpose};
use play_core::text::{Diagnostic, Value};

use self::index::Index;
use self::store::Store;
use super::requests::{Progress, ends, requests};

/// Where objects go that name no namespace, as in a kubeconfig without one.
const DEFAULT_NAMESPACE: &str = "default";

/// All folders of a run. One YAML file an object, `NAMESPACE/KIND.GROUP_NAME.yaml` (`_cluster/…` for the whole cluster); files
/// that somebody else put there are read whatever their names and form. Requests mean what they mean on a cluster
/// ([`Clusters`](super::cluster::Clusters)), but an apply replaces the whole manifest, nobody else owns fields, and nothing is
/// validated. `play_folder_secrets: plain` lets secrets be written.
#[derive(Default)]
pub struct Folders {
    /// Messages to one folder come one after the other.
    busy: Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>,
}

impl Folders {
    pub fn new() -> Folders {
        Folders::default()
    }

    pub async fn send(&self, address: &Address, message: Message, _progress: Progress) -> Result<Vec<Answer>, Fault> {
        let Some(path) = address.path.as_deref().filter(|path| !path.is_empty()) else {
            return Err(fault(&Diagnostic::error("this target has no folder").hint("name it with `play_folder`")));
        };
        let root = PathBuf::from(path);
        let plain_secrets = address.more.get("play_folder_secrets").and_then(Value::as_str) == Some("plain");
        let turn = self.busy.lock().unwrap_or_else(PoisonError::into_inner).entry(root.clone()).or_default().clone();
        let _turn = turn.lock().await;
        let answered = tokio::task::spawn_blocking(move || answers(&root, plain_secrets, message)).await;
        answered.unwrap_or_else(|error| {
            Err(fault(&Diagnostic::error(format!("the folder {path} was left in the middle of a message: {error}"))))
        })
    }
}

fn fault(diagnostic: &Diagnostic) -> Fault {
    let place = diagnostic.span().map(|span| format!("{span}: ")).unwrap_or_default();
    let hint = Some(diagnostic.hints().join("; ")).filter(|hint| !hint.is_empty());
    Fault { kind: FaultKind::Unreachable, message: format!("{place}{}", diagnostic.message()), hint, answers: vec![] }
}

fn answers(root: &Path, plain_secrets: bool, message: Message) -> Result<Vec<Answer>, Fault> {
    if root.is_file() {
        return Err(fault(&Diagnostic::error(format!("{} is a file, and not a folder of manifests", root.display()))));
    }
    let index = Index::read(root).map_err(|diagnostic| fault(&diagnostic))?;
    let mut store = Store { root: root.to_path_buf(), index, plain_secrets };
    let mut answers = vec![];
    let mut ended = false;
    for part in message.parts {
        let answer = if ended { Answer::Skipped } else { answer(&mut store, &part) };
        let failed = match &answer {
            Answer::Api(responses) => responses.iter().any(|response| response.status >= 400),
            Answer::Refused(_) => true,
            _ => false,
        };
        ended |= failed && ends(part.purpose);
        answers.push(answer);
    }
    Ok(answers)
}

fn answer(store: &mut Store, part: &Part) -> Answer {
    let name = format!("{} is a folder of manifests: it", store.root.display());
    let requests = match requests(part, &name) {
        Ok(requests) => requests,
        Err(refusal) => return refusal,
    };
    let mut responses = vec![];
    for request in requests {
        let response = store.answer(request);
        let failed = response.status >= 400;
        responses.push(response);
        if failed && part.purpose != Purpose::Ask {
            break;
        }
    }
    Answer::Api(responses)
}
