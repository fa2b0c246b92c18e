//! Built-in kinds that run no pods.

use serde_json::Value;

use super::{Context, Status, condition, number, text};

/// The rule of a built-in kind; none for one that only `Ready` could judge.
pub(super) fn rule(group: &str, kind: &str, live: &Value, ctx: &Context<'_>) -> Option<Status> {
    Some(match (group, kind) {
        ("", "ConfigMap" | "Secret" | "ServiceAccount") | ("batch", "CronJob") => Status::current(""),
        ("policy", "PodDisruptionBudget") => Status::current(""),
        ("", "PersistentVolumeClaim") => claim(live, ctx),
        ("", "PersistentVolume") => volume(live),
        ("", "Service") => service(live),
        ("", "Namespace") => namespace(live),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(live),
        ("apiregistration.k8s.io", "APIService") => available(live),
        ("networking.k8s.io", "Ingress") => ingress(live),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler(live),
        _ => return None,
    })
}

/// A claim whose class waits for the first consumer binds when a pod comes, and not before.
fn claim(live: &Value, ctx: &Context<'_>) -> Status {
    match text(live, "/status/phase") {
        "Bound" => resized(live),
        "Lost" => Status::failed("its volume is gone"),
        _ if ctx.storage_class.is_some_and(|class| text(class, "/volumeBindingMode") == "WaitForFirstConsumer") => {
            Status::current("it is bound when the first pod uses it")
        }
        _ => match text(live, "/spec/storageClassName") {
            "" => Status::progress("not bound yet"),
            class => Status::progress(format!("not bound yet (storage class {class})")),
        },
    }
}

fn resized(live: &Value) -> Status {
    let waits = ["Resizing", "FileSystemResizePending"].iter().filter_map(|kind| condition(live, kind)).find(|found| found.is("True"));
    match waits {
        // The file system grows when a pod mounts it: nothing to wait for here.
        Some(found) => Status::current(format!("bound; {}", found.said())),
        None => Status::current("bound"),
    }
}

fn volume(live: &Value) -> Status {
    match text(live, "/status/phase") {
        "Available" | "Bound" | "Released" => Status::current(text(live, "/status/phase").to_lowercase()),
        "Failed" => Status::failed(text(live, "/status/message")),
        _ => Status::progress("pending"),
    }
}

fn service(live: &Value) -> Status {
    match text(live, "/spec/type") {
        "ExternalName" => Status::current(""),
        "LoadBalancer" if !listed(live, "/status/loadBalancer/ingress") => Status::progress("its load balancer has no address yet"),
        _ if text(live, "/spec/clusterIP").is_empty() => Status::progress("it has no cluster address yet"),
        _ => Status::current(""),
    }
}

fn listed(live: &Value, pointer: &str) -> bool {
    live.pointer(pointer).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

/// Whether a Service has somebody behind it: its EndpointSlices have a ready address. What a `serving` edge waits for.
pub fn serving(service: &Value, slices: &[Value]) -> Status {
    if text(service, "/spec/type") == "ExternalName" {
        return Status::current("");
    }
    let name = text(service, "/metadata/name");
    let mine = slices.iter().filter(|slice| text(slice, "/metadata/labels/kubernetes.io~1service-name") == name);
    let endpoints = mine.filter_map(|slice| slice.get("endpoints")?.as_array()).flatten();
    // Without the condition an endpoint counts as ready (discovery.k8s.io/v1 EndpointConditions).
    let ready = endpoints.filter(|endpoint| endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false))).count();
    if ready == 0 { Status::progress("no ready pod is behind it") } else { Status::current(format!("{ready} ready endpoints")) }
}

fn namespace(live: &Value) -> Status {
    match text(live, "/status/phase") {
        "" => Status::progress("not seen yet"),
        _ => Status::current(""),
    }
}

/// Established is not yet discoverable (Kubernetes docs): the caller still asks the API for the kind.
fn definition(live: &Value) -> Status {
    if let Some(found) = condition(live, "NamesAccepted").filter(|found| found.is("False")) {
        return Status::failed(found.said());
    }
    match condition(live, "Established") {
        Some(found) if found.is("True") => Status::current("established"),
        Some(found) if found.is("False") && found.reason != "Installing" => Status::failed(found.said()),
        _ => Status::progress("not established yet"),
    }
}

fn available(live: &Value) -> Status {
    match condition(live, "Available") {
        Some(found) if found.is("True") => Status::current("available"),
        Some(found) => Status::progress(found.said()),
        None => Status::progress("not seen yet"),
    }
}

/// An Ingress that no controller answers for, or whose controller publishes no address, is never ready by itself.
fn ingress(live: &Value) -> Status {
    if listed(live, "/status/loadBalancer/ingress") {
        Status::current("")
    } else {
        Status::progress("its controller has given it no address yet")
    }
}

fn autoscaler(live: &Value) -> Status {
    const BAD: [&str; 13] = [
        "FailedGetScale",
        "FailedUpdateScale",
        "FailedRescale",
        "InvalidMetricSourceType",
        "InvalidSelector",
        "FailedConvertHPA",
        "FailedComputeMetricsReplicas",
        "FailedGetResourceMetric",
        "FailedGetContainerResourceMetric",
        "FailedGetObjectMetric",
        "FailedGetPodsMetric",
        "FailedGetExternalMetric",
        "SelectorRequired",
    ];
    let bad = ["AbleToScale", "ScalingActive"]
        .iter()
        .filter_map(|kind| condition(live, kind))
        .find(|found| found.is("False") && BAD.contains(&found.reason));
    match bad {
        // Metrics come a minute after the pods: not final.
        Some(found) => Status::progress(found.said()),
        None if condition(live, "AbleToScale").is_none() => Status::progress("not seen yet"),
        None => {
            Status::current(number(live, "/status/desiredReplicas").map(|count| format!("{count} replicas wanted")).unwrap_or_default())
        }
    }
}
