//! What an API server serves: plural, and whether in namespaces, by group, version and kind. Kept in memory for each cluster.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use play_core::run::Fault;
use play_core::state::{Request, Response};
use play_core::text::diagnostic::nearest;
use serde_json::{Value as Json, json};

use super::call::{self, Call};
use super::connection::Connection;
use crate::target::requests::Progress;
use crate::target::status;

const LIMIT: Duration = Duration::from_secs(30);
/// Over so many group versions, one look at all of them is cheaper than one each.
const FEW: usize = 4;

#[derive(Clone, PartialEq, Debug)]
pub(super) struct Resource {
    pub(super) kind: String,
    pub(super) plural: String,
    pub(super) namespaced: bool,
}

type GroupVersion = (String, String);
type Served = HashMap<GroupVersion, Vec<Resource>>;

#[derive(Default)]
pub(super) struct Discovery {
    known: Mutex<Served>,
    /// What this message found missing, and what it found near: asked for once a message, not once a request.
    missing: Mutex<HashMap<(GroupVersion, String), Missing>>,
    /// Group versions that this message was refused: the server behind them is gone, or the user has no right to look.
    refused: Mutex<HashMap<GroupVersion, Response>>,
    /// All that is served, where this message asked for it.
    all: Mutex<Option<Arc<Served>>>,
    /// One asks, the others wait for what it learns.
    asking: tokio::sync::Mutex<()>,
}

/// Kinds that were perhaps meant, and whether anything of the group is there.
#[derive(Clone)]
struct Missing {
    near: Vec<String>,
    group: bool,
}

impl Discovery {
    /// At the beginning of a message: what was missing before may be there now; what is unknown is asked for at once.
    pub(super) async fn prepare(
        &self,
        connection: &Connection,
        requests: impl Iterator<Item = &Request>,
        progress: &Progress,
    ) -> Result<(), Fault> {
        self.doubt();
        let wanted: BTreeSet<GroupVersion> = requests.map(group_version).filter(|wanted| !held(&self.known).contains_key(wanted)).collect();
        if wanted.len() > FEW {
            let _asking = self.asking.lock().await;
            let all = self.everything(connection, progress).await?;
            held(&self.known).extend(all.iter().map(|(at, resources)| (at.clone(), resources.clone())));
        }
        Ok(())
    }

    /// What was missing may be there now.
    fn doubt(&self) {
        held(&self.missing).clear();
        held(&self.refused).clear();
        *held(&self.all) = None;
    }

    async fn everything(&self, connection: &Connection, progress: &Progress) -> Result<Arc<Served>, Fault> {
        if let Some(all) = held(&self.all).clone() {
            return Ok(all);
        }
        let all = Arc::new(everything(connection, progress).await?);
        *held(&self.all) = Some(all.clone());
        Ok(all)
    }

    /// After a definition was written: what its group serves is asked for again.
    pub(super) fn forget(&self, group: &str) {
        held(&self.known).retain(|(known, _), _| known != group);
        self.doubt();
    }

    /// What a request is about, or the answer that says that there is no such kind.
    pub(super) async fn find(
        &self,
        connection: &Connection,
        request: &Request,
        progress: &Progress,
    ) -> Result<Result<Resource, Response>, Fault> {
        if let Some(found) = self.look_up(request) {
            return Ok(Ok(found));
        }
        let _asking = self.asking.lock().await;
        let at = group_version(request);
        let key = (at.clone(), request.kind.to_string());
        if let Some(missing) = held(&self.missing).get(&key) {
            return Ok(Err(missing.answer(request)));
        }
        if let Some(refusal) = held(&self.refused).get(&at) {
            return Ok(Err(refusal.clone()));
        }
        if self.look_up(request).is_none() {
            // also where the group is known: the kind may have come into it since
            let response = connection.exchange(&Call::get(call::root(&at.0, &at.1)), LIMIT, progress).await?;
            match response.status {
                200 if response.body["resources"].is_array() => drop(held(&self.known).insert(at, listed(&response.body))),
                200 => return Err(connection.no_api_server(&response)),
                404 if at.0.is_empty() && at.1 == "v1" => return Err(connection.no_api_server(&response)),
                404 => drop(held(&self.known).remove(&at)),
                _ => {
                    held(&self.refused).insert(at, response.clone());
                    return Ok(Err(response));
                }
            }
        }
        if let Some(found) = self.look_up(request) {
            return Ok(Ok(found));
        }
        let missing = Missing::of(request, &*self.everything(connection, progress).await?);
        let answer = missing.answer(request);
        held(&self.missing).insert(key, missing);
        Ok(Err(answer))
    }

    fn look_up(&self, request: &Request) -> Option<Resource> {
        held(&self.known).get(&group_version(request))?.iter().find(|resource| *resource.kind == *request.kind).cloned()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn group_version(request: &Request) -> GroupVersion {
    (request.group.to_string(), request.version.to_string())
}

/// All that the server serves, by aggregated discovery: two requests. What is stale, broken or cannot be read is left out, and so
/// is everything where the server is too old for it: then each group version is asked for by itself.
async fn everything(connection: &Connection, progress: &Progress) -> Result<Served, Fault> {
    // there is another way, so nobody waits for this one
    let ask = |path: &str| Call { accept: call::DISCOVERY, repeatable: false, ..Call::get(path) };
    let (core, groups) = (ask("/api"), ask("/apis"));
    let (core, groups) = tokio::join!(connection.exchange(&core, LIMIT, progress), connection.exchange(&groups, LIMIT, progress));
    let mut all = aggregated(&core?.body);
    all.extend(aggregated(&groups?.body));
    Ok(all)
}

/// `APIGroupDiscoveryList`, v2 or v2beta1.
fn aggregated(body: &Json) -> Served {
    let text = |json: &Json, path: &str| json.pointer(path).and_then(Json::as_str).unwrap_or_default().to_string();
    let items = |json: &Json, key: &str| json.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
    let mut all = HashMap::new();
    for group in items(body, "items") {
        for version in items(&group, "versions") {
            if text(&version, "/freshness") == "Stale" {
                continue;
            }
            let resources = items(&version, "resources").into_iter().map(|resource| Resource {
                kind: text(&resource, "/responseKind/kind"),
                plural: text(&resource, "/resource"),
                namespaced: text(&resource, "/scope") == "Namespaced",
            });
            let resources: Vec<Resource> = resources.filter(|resource| !resource.kind.is_empty() && !resource.plural.is_empty()).collect();
            if !resources.is_empty() {
                all.insert((text(&group, "/metadata/name"), text(&version, "/version")), resources);
            }
        }
    }
    all
}

/// `APIResourceList`; subresources are left out.
fn listed(body: &Json) -> Vec<Resource> {
    let resources = body.get("resources").and_then(Json::as_array).into_iter().flatten();
    let resources = resources.filter_map(|resource| {
        let text = |key: &str| resource.get(key).and_then(Json::as_str).map(str::to_string);
        Some(Resource { kind: text("kind")?, plural: text("name")?, namespaced: resource.get("namespaced")?.as_bool()? })
    });
    resources.filter(|resource| !resource.plural.contains('/')).collect()
}

impl Missing {
    fn of(request: &Request, all: &Served) -> Missing {
        let kinds: BTreeSet<&str> = all.values().flatten().map(|resource| resource.kind.as_str()).collect();
        let alike = kinds
            .iter()
            .copied()
            .find(|kind| kind.eq_ignore_ascii_case(&request.kind))
            .or_else(|| nearest(&request.kind, kinds.iter().copied()));
        let has = |resources: &[Resource]| resources.iter().any(|resource| Some(resource.kind.as_str()) == alike);
        let near = all
            .iter()
            .filter(|(_, resources)| has(resources))
            .map(|((group, version), _)| shown(group, version, alike.unwrap_or_default()));
        let near: BTreeSet<String> = near.collect();
        Missing { near: near.into_iter().collect(), group: all.keys().any(|(group, _)| *group == *request.group) }
    }

    /// 404 with the reason `KindNotFound`, and in `details.near` what was perhaps meant, as `apps/v1/Deployment`.
    fn answer(&self, request: &Request) -> Response {
        let wanted = shown(&request.group, &request.version, &request.kind);
        let more = match self.near.as_slice() {
            [] if !self.group => format!("; nothing of the group `{}` is installed", request.group),
            [] => String::new(),
            near => format!("; it has {}", near.join(", ")),
        };
        let details = json!({ "group": &*request.group, "version": &*request.version, "kind": &*request.kind, "name": &*request.name, "near": self.near });
        status::failure(404, "KindNotFound", format!("the cluster has no kind `{wanted}`{more}"), details)
    }
}

fn shown(group: &str, version: &str, kind: &str) -> String {
    if group.is_empty() { format!("{version}/{kind}") } else { format!("{group}/{version}/{kind}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregated_lists_are_read_with_tolerance() {
        let body = json!({"items": [
            {"metadata": {"name": "apps"}, "versions": [{"version": "v1", "freshness": "Current", "resources": [
                {"resource": "deployments", "scope": "Namespaced", "responseKind": {"kind": "Deployment"}},
                {"resource": "odd"},
            ]}]},
            {"metadata": {"name": "broken.example"}, "versions": null},
            {"metadata": {"name": "metrics.k8s.io"}, "versions": [{"version": "v1", "freshness": "Stale", "resources": [
                {"resource": "pods", "scope": "Namespaced", "responseKind": {"kind": "PodMetrics"}}]}]},
        ]});
        let all = aggregated(&body);
        assert_eq!(all.len(), 1);
        let deployment = Resource { kind: "Deployment".into(), plural: "deployments".into(), namespaced: true };
        assert_eq!(all[&("apps".to_string(), "v1".to_string())], [deployment]);
        assert!(aggregated(&json!("service unavailable")).is_empty());
    }
}
