//! Kubernetes API servers as targets: one client for each (kubeconfig, context), and the requests of a message over it.

mod call;
mod connection;
mod discovery;
mod kubeconfig;
mod list;
mod plugin;
mod proxy;
mod retry;
#[cfg(test)]
mod tests;
mod warning;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use play_core::run::{Address, Fault, FaultKind, Message};
use play_core::state::{Answer, Part, Purpose, Request, Response, Script, Verb};
use serde_json::{Value as Json, json};
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;

use self::call::Call;
use self::connection::Connection;
use self::discovery::{Discovery, Resource};
use self::kubeconfig::fault;
use super::requests::{Progress, ends, reads, requests};
use super::{redact, status};

/// Requests to one cluster at one time, where `play_cluster_requests` does not say.
const AT_ONCE: usize = 16;
/// Objects in one page of a list, where `play_cluster_page` does not say.
const PAGE: usize = 500;
/// Seconds for one request, where its part does not say.
const LIMIT: Duration = Duration::from_secs(60);
/// A definition is in use so soon after it was written, or not at all.
const ESTABLISHED: Duration = Duration::from_secs(10);

/// All clusters of a run. What is said about requests here holds for a folder of manifests too:
///
/// - `namespace: None` means, for a kind in namespaces: `metadata.namespace` of the body, else the namespace of the context; of a
///   list: all namespaces. A namespace for a kind that has none is refused (400).
/// - What only reads (get, list, dry run) runs side by side, also across the parts of a message that ask; each request of such a
///   part is answered. Writes run one by one, in order; the first that fails ends its part and its message.
/// - 401 is a fault. Every other status is an answer. A kind that the cluster does not have is 404 with the reason `KindNotFound`.
#[derive(Default)]
pub struct Clusters {
    open: Mutex<HashMap<Key, Opening>>,
}

/// Kubeconfig and context, as the address names them.
type Key = (Option<String>, Option<String>);

/// A cluster that somebody connects to, or has connected to.
type Opening = Arc<OnceCell<Arc<Cluster>>>;

struct Cluster {
    connection: Connection,
    discovery: Discovery,
    /// Groups of which a definition was written, and when.
    defined: Mutex<HashMap<String, Instant>>,
    slots: Arc<Semaphore>,
    page: usize,
}

impl Clusters {
    pub fn new() -> Clusters {
        Clusters::default()
    }

    /// Sends a message; parts that only ask run side by side, others in order.
    pub async fn send(&self, address: &Address, message: Message, progress: Progress) -> Result<Vec<Answer>, Fault> {
        let cluster = self.cluster(address).await?;
        let requests = message.parts.iter().flat_map(|part| match &part.script {
            Script::Api(requests) => requests.as_slice(),
            Script::Shell(_) => &[],
        });
        cluster.discovery.prepare(&cluster.connection, requests, &progress).await?;
        let mut answers: Vec<Answer> = vec![];
        let mut parts = message.parts.into_iter().peekable();
        while let Some(part) = parts.next() {
            let ended = if part.purpose == Purpose::Ask {
                let mut asking = vec![part];
                while let Some(next) = parts.next_if(|next| next.purpose == Purpose::Ask) {
                    asking.push(next);
                }
                cluster.ask(asking, &progress, &mut answers).await.map(|()| false)
            } else {
                let ends = ends(part.purpose);
                cluster.act(part, &progress, &mut answers).await.map(|failed| failed && ends)
            };
            match ended {
                Err(fault) => return Err(Fault { answers, ..fault }),
                Ok(true) => break,
                Ok(false) => {}
            }
        }
        answers.extend(parts.map(|_| Answer::Skipped));
        Ok(answers)
    }

    /// The cluster of an address, connected when it is first needed. A login that failed is tried again by the next message.
    async fn cluster(&self, address: &Address) -> Result<Arc<Cluster>, Fault> {
        let key = (address.path.clone(), address.context.clone());
        let cell = self.open.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        let open = || async {
            let connection = Connection::open(address).await?;
            let slots = Arc::new(Semaphore::new(number(address, "play_cluster_requests", AT_ONCE)));
            let page = number(address, "play_cluster_page", PAGE);
            Ok::<_, Fault>(Arc::new(Cluster { connection, discovery: Discovery::default(), defined: Mutex::default(), slots, page }))
        };
        cell.get_or_try_init(open).await.cloned()
    }
}

/// A setting of a target; what is no number over 0 is not taken.
fn number(address: &Address, name: &str, usual: usize) -> usize {
    let given = address.more.get(name).and_then(|value| value.as_int().or_else(|| value.as_str()?.trim().parse().ok()));
    given.and_then(|given| usize::try_from(given).ok()).filter(|given| *given > 0).unwrap_or(usual)
}

impl Cluster {
    /// Parts that only ask: all their requests side by side, all answered.
    async fn ask(self: &Arc<Cluster>, parts: Vec<Part>, progress: &Progress, answers: &mut Vec<Answer>) -> Result<(), Fault> {
        let name = self.connection.place.to_string();
        let asked: Vec<Result<&[Request], Answer>> = parts.iter().map(|part| requests(part, &name)).collect();
        let jobs = asked.iter().zip(&parts).flat_map(|(requests, part)| {
            let requests: &[Request] = requests.as_deref().unwrap_or_default();
            requests.iter().map(|request| (request.clone(), part.limit))
        });
        let (responses, end) = self.side_by_side(jobs.collect(), progress).await;
        let mut responses = responses.into_iter();
        for part in asked {
            answers.push(match part {
                Err(refusal) => refusal,
                Ok(requests) => match responses.by_ref().take(requests.len()).collect::<Option<Vec<_>>>() {
                    Some(whole) => Answer::Api(whole),
                    None => break,
                },
            });
        }
        end.map_or(Ok(()), Err)
    }

    /// A fix or an action: runs of reads side by side, writes one by one. Says whether it failed.
    async fn act(self: &Arc<Cluster>, part: Part, progress: &Progress, answers: &mut Vec<Answer>) -> Result<bool, Fault> {
        let requests = match requests(&part, &self.connection.place.to_string()) {
            Ok(requests) => requests,
            Err(refusal) => {
                answers.push(refusal);
                return Ok(true);
            }
        };
        let mut done: Vec<Response> = vec![];
        for run in requests.chunk_by(|a, b| reads(a) && reads(b)) {
            let jobs = run.iter().map(|request| (request.clone(), part.limit)).collect();
            let (responses, end) = self.side_by_side(jobs, progress).await;
            if let Some(fault) = end {
                return Err(fault);
            }
            for response in responses.into_iter().flatten() {
                let failed = response.status >= 400;
                done.push(response);
                if failed {
                    answers.push(Answer::Api(done));
                    return Ok(true);
                }
            }
        }
        answers.push(Answer::Api(done));
        Ok(false)
    }

    /// Responses in the order of the jobs; what did not come because of a fault is `None`.
    async fn side_by_side(
        self: &Arc<Cluster>,
        jobs: Vec<(Request, Option<u64>)>,
        progress: &Progress,
    ) -> (Vec<Option<Response>>, Option<Fault>) {
        let mut responses: Vec<Option<Response>> = jobs.iter().map(|_| None).collect();
        let mut running = JoinSet::new();
        for (at, (request, limit)) in jobs.into_iter().enumerate() {
            let (cluster, progress) = (self.clone(), progress.clone());
            running.spawn(async move {
                let _slot = cluster.slots.acquire().await;
                // the part's own limit holds for all tries and pages together, and ends first
                let a_try = limit.map_or(LIMIT, |limit| LIMIT.max(Duration::from_secs(limit.saturating_add(1))));
                let answer = cluster.answer(&request, a_try, &progress);
                let Some(limit) = limit else { return (at, answer.await) };
                let late = || Fault {
                    kind: FaultKind::TimedOut,
                    ..fault(
                        format!("no answer from {} within {limit} s", cluster.connection.place.server),
                        cluster.connection.place.by.clone(),
                    )
                };
                (at, tokio::time::timeout(Duration::from_secs(limit), answer).await.unwrap_or_else(|_| Err(late())))
            });
        }
        while let Some(joined) = running.join_next().await {
            match joined {
                Ok((at, Ok(response))) => responses[at] = Some(response),
                // what still runs is dropped with the set
                Ok((_, Err(fault))) => return (responses, Some(fault)),
                Err(error) => return (responses, Some(fault(format!("a request to {} broke off: {error}", self.connection.place), None))),
            }
        }
        (responses, None)
    }

    async fn answer(&self, request: &Request, limit: Duration, progress: &Progress) -> Result<Response, Fault> {
        let body = match request.body.to_json() {
            Ok(body) => body,
            Err(error) => return Ok(status::failure(400, "BadRequest", error.message(), json!({}))),
        };
        let mut response = self.sent(request, &body, limit, progress).await?;
        // "404 page not found": the kind was there when it was discovered, and is no longer
        if response.status == 404 && !response.body.is_object() {
            self.discovery.forget(&request.group);
            response = self.sent(request, &body, limit, progress).await?;
        }
        // a definition was written, and its kind is not served yet
        let mut pause = Duration::from_millis(50);
        while lacks_kind(&response) && self.is_new(&request.group) {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
            self.discovery.forget(&request.group);
            response = self.sent(request, &body, limit, progress).await?;
        }
        if response.status >= 400 || !response.warnings.is_empty() {
            let marks = request.body.marks();
            response.warnings.iter_mut().for_each(|warning| *warning = redact::text(warning, &marks));
            if response.status >= 400 {
                redact::json(&mut response.body, &marks);
            }
        }
        if !reads(request) && response.status < 400 && defines_kinds(request) {
            let group = body.pointer("/spec/group").and_then(Json::as_str);
            let group = group.unwrap_or_else(|| request.name.split_once('.').map_or("", |(_, group)| group));
            self.discovery.forget(group);
            self.defined.lock().unwrap_or_else(PoisonError::into_inner).insert(group.to_string(), Instant::now());
        }
        Ok(response)
    }

    /// Whether a definition of this group was written a moment ago.
    fn is_new(&self, group: &str) -> bool {
        let defined = self.defined.lock().unwrap_or_else(PoisonError::into_inner);
        defined.get(group).is_some_and(|since| since.elapsed() < ESTABLISHED)
    }

    async fn sent(&self, request: &Request, body: &Json, limit: Duration, progress: &Progress) -> Result<Response, Fault> {
        let resource = match self.discovery.find(&self.connection, request, progress).await? {
            Ok(resource) => resource,
            Err(response) => return Ok(response),
        };
        let namespace = match self.namespace(request, &resource, body) {
            Ok(namespace) => namespace,
            Err(response) => return Ok(response),
        };
        let call = Call::of(request, &resource, namespace.as_deref(), body);
        match request.verb {
            Verb::List => list::all(&self.connection, request, &call, self.page, limit, progress).await,
            _ => self.connection.exchange(&call, limit, progress).await,
        }
    }

    /// Where a request goes: see [`Clusters`].
    fn namespace(&self, request: &Request, resource: &Resource, body: &Json) -> Result<Option<String>, Response> {
        if request.verb != Verb::List && request.verb != Verb::Create && request.name.is_empty() {
            return Err(status::failure(400, "BadRequest", format!("this request for a {} has no name", request.kind), json!({})));
        }
        let given = request.namespace.as_deref().filter(|namespace| !namespace.is_empty());
        let given = given.or_else(|| body.pointer("/metadata/namespace").and_then(Json::as_str).filter(|namespace| !namespace.is_empty()));
        match (resource.namespaced, given) {
            (true, Some(namespace)) => Ok(Some(namespace.to_string())),
            (true, None) if request.verb == Verb::List => Ok(None),
            (true, None) => Ok(Some(self.connection.namespace.clone())),
            (false, None) => Ok(None),
            (false, Some(namespace)) => {
                let message =
                    format!("a {} belongs to the whole cluster, not to the namespace `{namespace}`: remove its namespace", request.kind);
                Err(status::failure(
                    400,
                    "BadRequest",
                    message,
                    json!({ "group": &*request.group, "kind": &*request.kind, "name": &*request.name }),
                ))
            }
        }
    }
}

fn lacks_kind(response: &Response) -> bool {
    response.status == 404 && (!response.body.is_object() || response.body["reason"] == "KindNotFound")
}

fn defines_kinds(request: &Request) -> bool {
    matches!(
        (&*request.group, &*request.kind),
        ("apiextensions.k8s.io", "CustomResourceDefinition") | ("apiregistration.k8s.io", "APIService")
    )
}
