//! Pods, and the cause that a pod gives for what stands behind it.

use jiff::Timestamp;
use serde_json::Value;

use super::{Context, Status, condition, number, text};

/// Why a pod does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The pod's name.
    pub pod: String,
    /// `ImagePullBackOff`, `Unschedulable`, …
    pub reason: String,
    /// What the kubelet or the scheduler says.
    pub message: String,
    /// Whether waiting longer brings nothing.
    pub last: bool,
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pod {}: {}", self.pod, self.reason)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

/// A pod by itself. One that failed is failed, unlike in kstatus.
pub(super) fn pod(live: &Value, ctx: &Context<'_>) -> Status {
    match text(live, "/status/phase") {
        "Succeeded" => Status::current("completed"),
        "Failed" => Status::failed(ending(live)),
        phase => {
            let ready = condition(live, "Ready");
            if phase == "Running" && ready.as_ref().is_some_and(|ready| ready.is("True")) {
                return Status::current("");
            }
            match cause(live, ctx) {
                Some(cause) if cause.last => Status::failed(said(&cause)),
                Some(cause) => Status::progress(said(&cause)),
                None => Status::progress(ready.map(|ready| ready.said()).filter(|_| phase == "Running").unwrap_or_else(|| match phase {
                    "" => "not seen by a scheduler yet".to_owned(),
                    phase => phase.to_lowercase(),
                })),
            }
        }
    }
}

fn said(cause: &Cause) -> String {
    if cause.message.is_empty() { cause.reason.clone() } else { format!("{}: {}", cause.reason, cause.message) }
}

/// How a failed pod ended: evicted and the like, else its first container that did not end well.
fn ending(live: &Value) -> String {
    let whole = [text(live, "/status/reason"), text(live, "/status/message")];
    let whole: Vec<&str> = whole.into_iter().filter(|part| !part.is_empty()).collect();
    if !whole.is_empty() {
        return whole.join(": ");
    }
    let ended = containers(live).find_map(|(name, status)| ended(name, status.pointer("/state/terminated")?));
    ended.unwrap_or_else(|| "it failed".to_owned())
}

fn ended(name: &str, terminated: &Value) -> Option<String> {
    let code = number(terminated, "/exitCode")?;
    let (reason, message) = (text(terminated, "/reason"), text(terminated, "/message").trim());
    let reason = if reason.is_empty() || reason == "Error" { String::new() } else { format!(" ({reason})") };
    let message = if message.is_empty() { String::new() } else { format!(": {message}") };
    (code != 0).then(|| format!("container {name} ended with exit code {code}{reason}{message}"))
}

fn containers(live: &Value) -> impl Iterator<Item = (&str, &Value)> {
    ["/status/initContainerStatuses", "/status/containerStatuses"].into_iter().flat_map(|pointer| {
        live.pointer(pointer).and_then(Value::as_array).into_iter().flatten().map(|status| (text(status, "/name"), status))
    })
}

/// Why this pod is not ready, where it tells more than that.
pub(super) fn cause(pod: &Value, ctx: &Context<'_>) -> Option<Cause> {
    if condition(pod, "Ready").is_some_and(|ready| ready.is("True")) || text(pod, "/status/phase") == "Succeeded" {
        return None;
    }
    let name = text(pod, "/metadata/name");
    let cause = |reason: &str, message: String, last: bool| Some(Cause { pod: name.to_owned(), reason: reason.to_owned(), message, last });
    if text(pod, "/status/phase") == "Failed" {
        return cause("Failed", ending(pod), false);
    }
    if let Some(scheduled) = condition(pod, "PodScheduled").filter(|found| found.is("False")) {
        let last = scheduled.reason == "Unschedulable" && older(ctx, scheduled.since, ctx.patience.unscheduled);
        return cause(scheduled.reason, scheduled.message.to_owned(), last);
    }
    containers(pod).find_map(|(container, status)| {
        let waiting = status.pointer("/state/waiting")?;
        let reason = text(waiting, "/reason");
        let last = hopeless(reason, pod, status, ctx)?;
        let ending = status.pointer("/lastState/terminated").and_then(|last| ended(container, last));
        let told = text(waiting, "/message");
        // A crash loop's own message is how long the kubelet waits: the last ending tells more.
        let message = match ending.filter(|_| reason == "CrashLoopBackOff") {
            Some(ending) => ending,
            None if told.is_empty() => format!("container {container}"),
            None => format!("container {container}: {told}"),
        };
        cause(reason, message, last)
    })
}

/// Whether a container that waits for this reason waits in vain; none for reasons of every start.
fn hopeless(reason: &str, pod: &Value, status: &Value, ctx: &Context<'_>) -> Option<bool> {
    let started = || text(pod, "/status/startTime").parse::<Timestamp>().ok();
    match reason {
        "" | "ContainerCreating" | "PodInitializing" => None,
        "InvalidImageName" | "ErrImageNeverPull" | "ImageInspectError" => Some(true),
        "CrashLoopBackOff" => {
            Some(number(status, "/restartCount").and_then(|count| u64::try_from(count).ok()).unwrap_or(0) >= ctx.patience.restarts)
        }
        // A Secret may come from an operator, an image from a build that is under way.
        "ImagePullBackOff" | "ErrImagePull" | "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            Some(older(ctx, started(), ctx.patience.unstarted))
        }
        _ => Some(false),
    }
}

fn older(ctx: &Context<'_>, since: Option<Timestamp>, seconds: i64) -> bool {
    ctx.now.zip(since).is_some_and(|(now, since)| now.as_second().saturating_sub(since.as_second()) > seconds)
}
