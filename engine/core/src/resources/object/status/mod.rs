//! Whether an object is ready, and if not, why: from the object, and the pods behind it.
//!
//! The order of decision is kstatus' (sigs.k8s.io/cli-utils `pkg/kstatus/status`): deletion, generation, `Reconciling`
//! and `Stalled`, the kind's own rule, `Ready`. Sharper where that says ready too early or never says why.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

mod elsewhere;
mod pod;
mod small;
mod workload;

pub use pod::Cause;
pub use small::serving;

/// How far an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As described, and settled.
    Current,
    /// On its way.
    InProgress,
    /// It will not get there without a change.
    Failed,
    /// Being deleted.
    Terminating,
}

/// How far an object is, and why it is not further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub state: State,
    /// In the user's words; empty where there is nothing to say.
    pub reason: String,
}

impl Status {
    pub(super) fn current(reason: impl Into<String>) -> Status {
        Status { state: State::Current, reason: reason.into() }
    }

    pub(super) fn progress(reason: impl Into<String>) -> Status {
        Status { state: State::InProgress, reason: reason.into() }
    }

    pub(super) fn failed(reason: impl Into<String>) -> Status {
        Status { state: State::Failed, reason: reason.into() }
    }

    /// Whether waiting longer brings nothing.
    pub fn is_final(&self) -> bool {
        matches!(self.state, State::Current | State::Failed)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Current => "ready",
            State::InProgress => "not ready",
            State::Failed => "failed",
            State::Terminating => "being deleted",
        };
        if self.reason.is_empty() { f.write_str(state) } else { write!(f, "{state}: {}", self.reason) }
    }
}

/// How long a pod may be in a state that may yet mend itself.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Seconds without a node (kstatus has 15); a cluster that adds nodes needs minutes.
    pub unscheduled: i64,
    /// Seconds without a ConfigMap or Secret that the pod names, or with an image that cannot be pulled.
    pub unstarted: i64,
    /// Restarts before a crash loop is final. Programs that end until their database is up are common.
    pub restarts: u64,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { unscheduled: 15, unstarted: 30, restarts: 3 }
    }
}

/// What else is known when a status is judged. The default knows nothing more.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'v> {
    /// Pods that the object's selector finds.
    pub pods: &'v [Value],
    /// ReplicaSets of a Deployment: they tell which pods are of the newest revision.
    pub replica_sets: &'v [Value],
    /// The CRD of a custom resource: one that declares a status and has none yet is not ready.
    pub definition: Option<&'v Value>,
    /// The StorageClass of a PersistentVolumeClaim.
    pub storage_class: Option<&'v Value>,
    /// The time; without it nothing is final by its age.
    pub now: Option<Timestamp>,
    pub patience: Patience,
}

/// How far a live object is.
pub fn status(live: &Value, ctx: &Context<'_>) -> Status {
    if let Some(status) = generic(live) {
        return status;
    }
    let (group, kind) = (group(live), text(live, "/kind"));
    let ruled = match (group, kind) {
        ("apps", "Deployment") => Some(workload::deployment(live, ctx)),
        ("apps", "StatefulSet") => Some(workload::stateful_set(live, ctx)),
        ("apps", "DaemonSet") => Some(workload::daemon_set(live, ctx)),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => Some(workload::replica_set(live, ctx)),
        ("batch", "Job") => Some(workload::job(live, ctx)),
        ("", "Pod") => Some(pod::pod(live, ctx)),
        _ => small::rule(group, kind, live, ctx).or_else(|| elsewhere::rule(group, kind, live)),
    };
    ruled.unwrap_or_else(|| by_conditions(live, ctx))
}

/// What holds for every kind before its own rule.
fn generic(live: &Value) -> Option<Status> {
    if live.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null()) {
        return Some(Status { state: State::Terminating, reason: deletion(live) });
    }
    if let (Some(generation), Some(observed)) = (number(live, "/metadata/generation"), number(live, "/status/observedGeneration"))
        && generation != observed
    {
        return Some(Status::progress(format!("its controller has seen generation {observed}, not {generation} yet")));
    }
    if let Some(found) = condition(live, "Reconciling").filter(|found| found.is("True")) {
        return Some(Status::progress(found.said()));
    }
    condition(live, "Stalled").filter(|found| found.is("True")).map(|found| Status::failed(found.said()))
}

/// What a deletion waits for.
fn deletion(live: &Value) -> String {
    let finalizers = live.pointer("/metadata/finalizers").and_then(Value::as_array);
    let mut waits: Vec<String> = finalizers.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    for kind in [
        "NamespaceDeletionDiscoveryFailure",
        "NamespaceDeletionContentFailure",
        "NamespaceContentRemaining",
        "NamespaceFinalizersRemaining",
    ] {
        waits.extend(condition(live, kind).filter(|found| found.is("True")).map(|found| found.message.to_owned()));
    }
    if waits.is_empty() { String::new() } else { format!("it waits for {}", waits.join(", ")) }
}

/// A kind without a rule: by its `Ready` condition. A custom resource whose definition declares a status and that has
/// none yet was not seen by its controller: ready is not what it is.
fn by_conditions(live: &Value, ctx: &Context<'_>) -> Status {
    if let Some(found) = condition(live, "Ready") {
        let behind = found.generation.zip(number(live, "/metadata/generation")).is_some_and(|(seen, is)| seen < is);
        return match found.status {
            "True" if behind => Status::progress("its condition Ready is of a former generation"),
            "True" => Status::current(""),
            _ => Status::progress(found.said()),
        };
    }
    let declared = ctx.definition.is_some_and(|definition| declares_status(definition, text(live, "/apiVersion")));
    let empty = live.get("status").is_none_or(|status| status.as_object().is_none_or(serde_json::Map::is_empty));
    if declared && empty {
        return Status::progress("its controller has written no status yet");
    }
    Status::current("")
}

/// Whether a CRD's version has the status subresource, or a `status` in its schema.
fn declares_status(definition: &Value, api_version: &str) -> bool {
    let version = api_version.rsplit('/').next().unwrap_or("");
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    versions.into_iter().flatten().filter(|entry| text(entry, "/name") == version).any(|entry| {
        entry.pointer("/subresources/status").is_some() || entry.pointer("/schema/openAPIV3Schema/properties/status").is_some()
    })
}

/// A condition of an object's status.
struct Condition<'v> {
    kind: &'v str,
    status: &'v str,
    reason: &'v str,
    message: &'v str,
    generation: Option<i64>,
    since: Option<Timestamp>,
}

impl Condition<'_> {
    fn is(&self, status: &str) -> bool {
        self.status == status
    }

    /// `Reason: message`, or what there is of it.
    fn said(&self) -> String {
        let (reason, message) = (self.reason, self.message.trim());
        match (reason.is_empty(), message.is_empty()) {
            (false, false) => format!("{reason}: {message}"),
            (true, false) => message.to_owned(),
            (false, true) => reason.to_owned(),
            (true, true) => format!("{} is {}", self.kind, self.status),
        }
    }
}

fn condition<'v>(live: &'v Value, kind: &str) -> Option<Condition<'v>> {
    let list = live.pointer("/status/conditions")?.as_array()?;
    let found = list.iter().find(|condition| text(condition, "/type") == kind)?;
    Some(Condition {
        kind: text(found, "/type"),
        status: text(found, "/status"),
        reason: text(found, "/reason"),
        message: text(found, "/message"),
        generation: number(found, "/observedGeneration"),
        since: text(found, "/lastTransitionTime").parse().ok(),
    })
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// An integer; some controllers write theirs as text.
fn number(value: &Value, pointer: &str) -> Option<i64> {
    let found = value.pointer(pointer)?;
    found.as_i64().or_else(|| found.as_str()?.parse().ok())
}

fn group(live: &Value) -> &str {
    text(live, "/apiVersion").split_once('/').map_or("", |(group, _)| group)
}

#[cfg(test)]
mod tests;
