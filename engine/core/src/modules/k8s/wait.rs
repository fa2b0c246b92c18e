//! Waiting for objects: until they are ready, have a condition, or are gone; ended early where they never will be.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::modules::{Args, display};
use crate::resources::object::manifest::Ref;
use crate::resources::object::names::built_in;
use crate::resources::object::status::{self, Context, State, Status};
use crate::resources::object::{Described, kind, seen};
use crate::state::{Answer, Condition, Holds, Request, Response, Script, State as Fields, Verb};
use crate::text::Result;

/// How long, how often, and for what.
#[derive(Clone, Debug)]
pub struct Wait {
    pub timeout: f64,
    pub sleep: f64,
    /// A condition of the status, in place of being ready.
    pub condition: Option<Wanted>,
}

#[derive(Clone, Debug)]
pub struct Wanted {
    kind: String,
    status: String,
    reason: Option<String>,
}

impl Default for Wait {
    fn default() -> Wait {
        Wait { timeout: 120.0, sleep: 1.0, condition: None }
    }
}

/// What is waited for.
#[derive(Clone, Debug)]
pub struct Subject {
    at: Ref,
    gone: bool,
    /// Labels of the pods behind it, as a selector.
    pods: Option<String>,
}

impl Subject {
    pub fn present(described: &Described) -> Subject {
        Subject { at: described.at.clone(), gone: false, pods: pods(&described.json).filter(|_| described.at.namespace.is_some()) }
    }

    pub fn absent(at: &Ref) -> Subject {
        Subject { at: at.clone(), gone: true, pods: None }
    }

    /// The object, then its pods, then its ReplicaSets.
    fn requests(&self) -> Vec<Request> {
        let mut all = vec![kind::request(&self.at, Verb::Get)];
        if let Some(labels) = &self.pods {
            let selectors = || vec![("labelSelector", labels.clone())];
            let of = |group: &str, kind: &str| Ref { group: group.into(), version: "v1".into(), kind: kind.into(), ..self.at.clone() };
            all.push(kind::list(&of("", "Pod"), selectors()));
            if self.at.kind == "Deployment" {
                all.push(kind::list(&of("apps", "ReplicaSet"), selectors()));
            }
        }
        all
    }
}

/// The selector of the pods behind a workload.
fn pods(manifest: &Json) -> Option<String> {
    let text = |pointer: &str| manifest.pointer(pointer).and_then(Json::as_str).unwrap_or("");
    if (text("/apiVersion"), text("/kind")) == ("batch/v1", "Job") {
        return Some(format!("batch.kubernetes.io/job-name={}", text("/metadata/name")));
    }
    if text("/apiVersion") != "apps/v1" {
        return None;
    }
    let labels = manifest.pointer("/spec/selector/matchLabels").and_then(Json::as_object)?;
    let all: Vec<String> = labels.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
    (!all.is_empty() && manifest.pointer("/spec/selector/matchExpressions").is_none()).then(|| all.join(","))
}

/// Whether an object that was not changed is ready by what was seen of it: then nobody needs to ask again.
pub(super) fn settled(described: &Described, state: Option<&Fields>) -> bool {
    let object = state.and_then(Option::as_ref).and_then(seen::object).and_then(|object| object.to_json().ok());
    object.is_some_and(|object| {
        is_folder(&object) || (pods(&described.json).is_none() && status::status(&object, &Context::default()).state == State::Current)
    })
}

/// A folder of manifests has no controllers: what is written there is as ready as it will be.
fn is_folder(object: &Json) -> bool {
    object.pointer("/metadata/uid").and_then(Json::as_str).is_some_and(|uid| uid.starts_with(crate::resources::object::FOLDER_UID))
}

impl Wait {
    pub fn of(args: &Args) -> Result<Wait> {
        let seconds = |name: &str| args.int(name).unwrap_or_default().max(0) as f64;
        let condition = args.value("wait_condition").filter(|_| args.given("wait_condition"));
        let condition = condition.map(|condition| {
            let text = |key: &str| condition.get(key).filter(|value| !value.is_null()).map(display);
            for key in condition.as_map().into_iter().flat_map(|map| map.keys()) {
                if !matches!(key.as_str(), Some("type" | "status" | "reason")) {
                    return Err(args
                        .error("wait_condition", format!("`wait_condition` has no key `{key}`"))
                        .hint("it has `type`, `status` and `reason`"));
                }
            }
            let Some(kind) = text("type") else { return Err(args.error("wait_condition", "`wait_condition` needs a `type`")) };
            let status = text("status").unwrap_or_else(|| "True".into());
            match status.as_str() {
                "True" | "False" | "Unknown" => Ok(Wanted { kind, status, reason: text("reason") }),
                other => Err(args.error("wait_condition", format!("a condition's status is `True`, `False` or `Unknown`, not `{other}`"))),
            }
        });
        Ok(Wait { timeout: seconds("wait_timeout"), sleep: seconds("wait_sleep"), condition: condition.transpose()? })
    }

    pub fn condition(&self, subjects: &[Subject]) -> Condition {
        let names: Vec<String> = subjects.iter().map(|subject| format!("\"{}\" \"{}\"", subject.at.kind, subject.at.name)).collect();
        let shown = if subjects.iter().any(|subject| subject.gone) { "gone" } else { "ready" };
        Condition {
            tells: false,
            ask: Script::Api(subjects.iter().flat_map(Subject::requests).collect()),
            shown: format!("{} {shown}", names.join(", ")),
            every: self.sleep,
            first_after: 0.0,
            limit: self.timeout,
            late: format!("{}: Timed out waiting on resource", names.join(", ")),
            reconnects: None,
        }
    }

    /// `now` in seconds since 1970; 0 where it is not known.
    pub fn holds(&self, subjects: &[Subject], answer: &Answer, now: f64) -> Holds {
        if let Answer::Refused(why) = answer {
            return Holds::Never(why.clone());
        }
        let mut responses = answer.responses();
        let mut waits = vec![];
        for subject in subjects {
            let (own, rest) = responses.split_at(subject.requests().len().min(responses.len()));
            responses = rest;
            match self.one(subject, own, now) {
                Holds::Yes => {}
                Holds::NotYet(why) => waits.push(why),
                never => return never,
            }
        }
        if waits.is_empty() { Holds::Yes } else { Holds::NotYet(waits.join("; ")) }
    }

    fn one(&self, subject: &Subject, responses: &[Response], now: f64) -> Holds {
        let name = format!("{} {}", subject.at.kind, subject.at.name);
        let Some(first) = responses.first() else { return Holds::NotYet(format!("{name}: no answer")) };
        match (first.status, subject.gone) {
            (404, true) => return Holds::Yes,
            (200, true) => return Holds::NotYet(format!("{name} {}", status::status(&first.body, &Context::default()))),
            (404, false) => return Holds::NotYet(format!("{name} is not there")),
            (200, false) => {}
            (code, _) => return Holds::NotYet(format!("{name}: the server answered {code}")),
        }
        self.live(&name, &first.body, &responses[1..], now)
    }

    /// What a list gave, each by itself.
    pub fn all(&self, objects: &[&Json], now: f64) -> Holds {
        let mut waits = vec![];
        for object in objects {
            let text = |pointer: &str| object.pointer(pointer).and_then(Json::as_str).unwrap_or("");
            match self.live(&format!("{} {}", text("/kind"), text("/metadata/name")), object, &[], now) {
                Holds::Yes => {}
                Holds::NotYet(why) => waits.push(why),
                never => return never,
            }
        }
        if waits.is_empty() { Holds::Yes } else { Holds::NotYet(waits.join("; ")) }
    }

    /// `others`: its pods, then its ReplicaSets.
    fn live(&self, name: &str, live: &Json, others: &[Response], now: f64) -> Holds {
        let items = |at: usize| -> &[Json] {
            others
                .get(at)
                .filter(|response| response.status == 200)
                .and_then(|response| response.body.get("items")?.as_array())
                .map_or(&[], Vec::as_slice)
        };
        let now = Timestamp::from_second(now as i64).ok().filter(|_| now > 0.0);
        let context = Context { pods: items(0), replica_sets: items(1), now, ..Context::default() };
        if is_folder(live) {
            return Holds::Yes;
        }
        let status = status::status(live, &context);
        match &self.condition {
            Some(wanted) if has_status(live) => wanted.holds(name, live, &status),
            _ => judged(name, &status),
        }
    }
}

/// Built-in kinds without a status have no conditions either: they are ready when they are there.
fn has_status(live: &Json) -> bool {
    let version = live.get("apiVersion").and_then(Json::as_str).unwrap_or("");
    live.get("status").is_some() || !built_in(version.split_once('/').map_or("", |(group, _)| group))
}

fn judged(name: &str, status: &Status) -> Holds {
    match status.state {
        State::Current => Holds::Yes,
        State::Failed => Holds::Never(format!("{name} {status}")),
        State::InProgress | State::Terminating => Holds::NotYet(format!("{name} {status}")),
    }
}

impl Wanted {
    fn holds(&self, name: &str, live: &Json, status: &Status) -> Holds {
        let conditions = live.pointer("/status/conditions").and_then(Json::as_array);
        let text = |condition: &Json, key: &str| condition.get(key).and_then(Json::as_str).unwrap_or("").to_owned();
        let found = conditions.into_iter().flatten().find(|condition| text(condition, "type") == self.kind);
        let reason = |found: &Json| self.reason.as_ref().is_none_or(|reason| text(found, "reason") == *reason);
        match found {
            Some(found) if text(found, "status") == self.status && reason(found) => Holds::Yes,
            _ if status.state == State::Failed => Holds::Never(format!("{name} {status}")),
            Some(found) => Holds::NotYet(
                format!("{name}: condition {} is {} {}", self.kind, text(found, "status"), text(found, "reason")).trim_end().to_owned(),
            ),
            None => Holds::NotYet(format!("{name}: no condition {} yet; it is {status}", self.kind)),
        }
    }
}
