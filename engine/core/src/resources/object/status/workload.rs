//! What runs pods: Deployment, StatefulSet, DaemonSet, ReplicaSet, Job.
//!
//! Only pods of the newest revision give a cause: those of the former one may be what this change mends.

use serde_json::Value;

use super::pod::{Cause, cause};
use super::{Context, Patience, Status, condition, number, text};

/// A status that is not settled yet, with what the pods tell about it. `mine` picks the newest pods.
fn unsettled(reason: String, ctx: &Context<'_>, mine: impl Fn(&Value) -> bool) -> Status {
    let found = ctx.pods.iter().filter(|pod| mine(pod) && pod.pointer("/metadata/deletionTimestamp").is_none());
    let causes: Vec<Cause> = found.filter_map(|pod| cause(pod, ctx)).collect();
    match causes.iter().find(|cause| cause.last).or(causes.first()) {
        Some(cause) if cause.last => Status::failed(format!("{reason}; {cause}")),
        Some(cause) => Status::progress(format!("{reason}; {cause}")),
        None => Status::progress(reason),
    }
}

fn many(count: i64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn count(live: &Value, name: &str) -> i64 {
    number(live, &format!("/status/{name}")).unwrap_or(0)
}

pub(super) fn deployment(live: &Value, ctx: &Context<'_>) -> Status {
    if live.pointer("/spec/paused") == Some(&Value::Bool(true)) {
        return Status::current("paused");
    }
    let newest = |pod: &Value| newest_of_deployment(pod, live, ctx);
    let progressing = condition(live, "Progressing");
    if let Some(found) = progressing.as_ref().filter(|found| found.is("False")) {
        let status = unsettled(found.said(), ctx, newest);
        return Status::failed(status.reason);
    }
    if let Some(found) = condition(live, "ReplicaFailure").filter(|found| found.is("True")) {
        // A quota may be freed by the old pods; the rules of a namespace do not change by waiting.
        let said = found.said();
        return if said.contains("violates PodSecurity") { Status::failed(said) } else { Status::progress(said) };
    }
    if number(live, "/status/observedGeneration").is_none() {
        return Status::progress("its controller has not seen it yet");
    }
    let spec = number(live, "/spec/replicas").unwrap_or(1);
    let [total, updated, ready, available] =
        ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"].map(|name| count(live, name));
    let endless = number(live, "/spec/progressDeadlineSeconds").is_none_or(|seconds| seconds == i64::from(i32::MAX));
    let reason = if spec > total || spec > updated {
        format!("{updated} of {spec} replicas updated")
    } else if total > spec {
        format!("{} yet to go", many(total - spec, "old replica"))
    } else if updated > available {
        format!("{available} of {updated} updated replicas available")
    } else if spec > ready {
        format!("{ready} of {spec} replicas ready")
    } else if !endless && !progressing.is_some_and(|found| found.is("True") && found.reason == "NewReplicaSetAvailable") {
        "its newest ReplicaSet is not available".to_owned()
    } else if !condition(live, "Available").is_some_and(|found| found.is("True")) {
        "not available".to_owned()
    } else {
        return Status::current(format!("{ready} of {spec} replicas ready"));
    };
    unsettled(reason, ctx, newest)
}

/// By the ReplicaSet of the deployment's revision; without ReplicaSets, by containers that look like the template's.
fn newest_of_deployment(pod: &Value, live: &Value, ctx: &Context<'_>) -> bool {
    const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";
    const HASH: &str = "/metadata/labels/pod-template-hash";
    let revision = text(live, REVISION);
    let set = ctx.replica_sets.iter().find(|set| !revision.is_empty() && text(set, REVISION) == revision);
    if let Some(set) = set {
        return !text(set, HASH).is_empty() && text(set, HASH) == text(pod, HASH);
    }
    let list = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let theirs = list(pod, "/spec/containers");
    let alike =
        |ours: &Value, theirs: &Value| ["name", "image", "command", "args", "env"].iter().all(|name| ours.get(name) == theirs.get(name));
    ctx.replica_sets.is_empty()
        && list(live, "/spec/template/spec/containers").iter().all(|ours| theirs.iter().any(|theirs| alike(ours, theirs)))
}

pub(super) fn stateful_set(live: &Value, ctx: &Context<'_>) -> Status {
    if text(live, "/spec/updateStrategy/type") == "OnDelete" {
        return Status::current("pods are updated as they are deleted");
    }
    if number(live, "/status/observedGeneration").is_none() {
        return Status::progress("its controller has not seen it yet");
    }
    let spec = number(live, "/spec/replicas").unwrap_or(1);
    let [total, ready, current, updated] =
        ["replicas", "readyReplicas", "currentReplicas", "updatedReplicas"].map(|name| count(live, name));
    let partition = number(live, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    let [now, then] = ["/status/currentRevision", "/status/updateRevision"].map(|pointer| text(live, pointer));
    let reason = if spec > total {
        format!("{total} of {spec} replicas made")
    } else if total > spec {
        format!("{} yet to go", many(total - spec, "replica"))
    } else if partition > 0 {
        if updated >= spec - partition && ready >= spec {
            return Status::current(format!("{updated} of {spec} replicas updated, as its partition asks"));
        }
        format!("{updated} of {} replicas updated, {ready} of {spec} ready", (spec - partition).max(0))
    } else if now != then {
        format!("{updated} of {spec} replicas updated")
    } else if spec > ready {
        format!("{ready} of {spec} replicas ready")
    } else if spec > current {
        format!("{current} of {spec} replicas of the current revision")
    } else {
        return Status::current(format!("{ready} of {spec} replicas ready"));
    };
    let revision = |pod: &Value| text(pod, "/metadata/labels/controller-revision-hash").to_owned();
    let mut status = unsettled(reason, ctx, |pod| then.is_empty() || revision(pod) == then);
    // An update waits for every former pod to be ready first (kubernetes/kubernetes#67250), also for ever.
    let parallel = text(live, "/spec/podManagementPolicy") == "Parallel";
    let mut former = ctx.pods.iter().filter(|pod| !parallel && revision(pod) != then);
    if let Some(cause) = former.find_map(|pod| cause(pod, ctx)) {
        status.reason = format!("{}; {cause}; it is of the former revision and holds up the update: delete that pod", status.reason);
    }
    status
}

pub(super) fn daemon_set(live: &Value, ctx: &Context<'_>) -> Status {
    if number(live, "/status/observedGeneration").is_none() {
        return Status::progress("its controller has not seen it yet");
    }
    if text(live, "/spec/updateStrategy/type") == "OnDelete" {
        return Status::current("pods are updated as they are deleted");
    }
    let Some(desired) = number(live, "/status/desiredNumberScheduled") else {
        return Status::progress("its controller has not counted nodes yet");
    };
    let [current, updated, available, ready] =
        ["currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady"].map(|name| count(live, name));
    let parts = [("scheduled", current), ("updated", updated), ("available", available), ("ready", ready)];
    let Some((what, found)) = parts.into_iter().find(|(_, found)| *found < desired) else {
        return Status::current(format!("{ready} of {desired} pods ready"));
    };
    let generation = text(live, "/metadata/annotations/deprecated.daemonset.template.generation");
    unsettled(format!("{found} of {desired} pods {what}"), ctx, |pod| {
        generation.is_empty() || text(pod, "/metadata/labels/pod-template-generation") == generation
    })
}

pub(super) fn replica_set(live: &Value, ctx: &Context<'_>) -> Status {
    if let Some(found) = condition(live, "ReplicaFailure").filter(|found| found.is("True")) {
        return Status::progress(found.said());
    }
    let spec = number(live, "/spec/replicas").unwrap_or(1);
    let total = count(live, "replicas");
    let parts = [
        ("labelled", count(live, "fullyLabeledReplicas")),
        ("available", count(live, "availableReplicas")),
        ("ready", count(live, "readyReplicas")),
    ];
    if total > spec {
        return Status::progress(format!("{} yet to go", many(total - spec, "replica")));
    }
    match parts.into_iter().find(|(_, found)| *found < spec) {
        Some((what, found)) => unsettled(format!("{found} of {spec} replicas {what}"), ctx, |_| true),
        None => Status::current(format!("{spec} of {spec} replicas ready")),
    }
}

/// A job is ready when it is done; kstatus has it as soon as it runs.
pub(super) fn job(live: &Value, ctx: &Context<'_>) -> Status {
    let is = |kind: &str| condition(live, kind).filter(|found| found.is("True"));
    let [active, succeeded, failed] = ["active", "succeeded", "failed"].map(|name| count(live, name));
    if is("Complete").is_some() {
        return Status::current("completed");
    }
    if let Some(found) = is("Failed").or_else(|| is("FailureTarget")) {
        let mut endings = ctx.pods.iter().filter(|pod| text(pod, "/status/phase") == "Failed").filter_map(|pod| cause(pod, ctx));
        let ending = endings.next_back().map(|cause| format!("; {cause}")).unwrap_or_default();
        return Status::failed(format!("{}{ending}", found.said()));
    }
    if is("Suspended").is_some() || live.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        return Status::current("suspended");
    }
    if text(live, "/status/startTime").is_empty() {
        return Status::progress("not started yet");
    }
    let wanted = number(live, "/spec/completions").unwrap_or(1);
    let failures = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    // How often a pod may fail is the job's own to say (backoffLimit).
    let patience = Patience { restarts: u64::MAX, ..ctx.patience };
    unsettled(format!("{succeeded} of {wanted} completed, {active} running{failures}"), &Context { patience, ..*ctx }, |_| true)
}
