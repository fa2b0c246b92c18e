//! Helpers of the tests of this room.

mod faults;
mod figures;
mod login;
mod world;

use std::sync::Mutex as StdMutex;

use play_core::text::Value;

use super::*;

fn address(path: &str) -> Address {
    Address { name: "test".into(), path: Some(path.into()), ..Address::default() }
}

fn request(verb: Verb, api: &str, namespace: Option<&str>, name: &str, body: Json) -> Request {
    let (at, kind) = api.rsplit_once('/').expect("api");
    let (group, version) = at.rsplit_once('/').unwrap_or(("", at));
    let (group, version, kind) = (group.into(), version.into(), kind.into());
    Request {
        verb,
        group,
        version,
        kind,
        namespace: namespace.map(Into::into),
        name: name.into(),
        body: Value::from(&body),
        selectors: vec![],
    }
}

fn part(purpose: Purpose, requests: Vec<Request>) -> Part {
    Part { script: Script::Api(requests), purpose, limit: Some(20) }
}

fn progress() -> (Progress, Arc<StdMutex<Vec<String>>>) {
    let heard = Arc::new(StdMutex::new(vec![]));
    let ear = heard.clone();
    (Arc::new(move |line: &str| ear.lock().expect("ear").push(line.to_string())), heard)
}

async fn send(clusters: &Clusters, address: &Address, purpose: Purpose, requests: Vec<Request>) -> Vec<Response> {
    let answers = clusters.send(address, Message { parts: vec![part(purpose, requests)] }, progress().0).await.expect("answers");
    answers[0].responses().to_vec()
}

const APPLY: Verb = Verb::Apply { dry_run: false, force: false };
const DRY: Verb = Verb::Apply { dry_run: true, force: false };

fn config_map(namespace: &str, name: &str, data: Json) -> Json {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data})
}

/// A folder of the test's own.
fn scratch(name: &str) -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("play-cluster-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("folder");
    dir
}

fn kubeconfig_for(server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u, namespace: there}}}}]\n"
    )
}
