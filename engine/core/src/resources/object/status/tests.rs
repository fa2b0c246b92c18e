//! Each rule by the smallest object that shows it.

use serde_json::json;

use super::*;

fn shown(live: &Value, ctx: &Context<'_>) -> String {
    status(live, ctx).to_string()
}

fn object(api_version: &str, kind: &str, spec: Value, status: Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", "generation": 2}, "spec": spec, "status": status})
}

fn check(api_version: &str, kind: &str, cases: &[(Value, Value, &str)]) {
    for (spec, status, expect) in cases {
        let live = object(api_version, kind, spec.clone(), status.clone());
        assert_eq!(shown(&live, &Context::default()), *expect, "{live}");
    }
}

fn deployed(more: Value) -> Value {
    let mut status = json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2, "conditions": [
        {"type": "Available", "status": "True"}, {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]});
    for (name, value) in more.as_object().expect("a map") {
        status[name] = value.clone();
    }
    status
}

#[test]
fn deployments() {
    let two = || json!({"replicas": 2, "progressDeadlineSeconds": 600});
    check(
        "apps/v1",
        "Deployment",
        &[
            (two(), deployed(json!({})), "ready: 2 of 2 replicas ready"),
            (two(), deployed(json!({"observedGeneration": 1})), "not ready: its controller has seen generation 1, not 2 yet"),
            (two(), json!({}), "not ready: its controller has not seen it yet"),
            (two(), deployed(json!({"updatedReplicas": 1})), "not ready: 1 of 2 replicas updated"),
            (two(), deployed(json!({"replicas": 3})), "not ready: 1 old replica yet to go"),
            (two(), deployed(json!({"availableReplicas": 1})), "not ready: 1 of 2 updated replicas available"),
            (two(), deployed(json!({"readyReplicas": 1})), "not ready: 1 of 2 replicas ready"),
            (
                two(),
                deployed(json!({"conditions": [{"type": "Available", "status": "True"}]})),
                "not ready: its newest ReplicaSet is not available",
            ),
            (
                json!({"replicas": 2}),
                deployed(json!({"conditions": [{"type": "Available", "status": "True"}]})),
                "ready: 2 of 2 replicas ready",
            ),
            (
                two(),
                deployed(
                    json!({"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}]}),
                ),
                "failed: ProgressDeadlineExceeded: timed out",
            ),
            (
                two(),
                deployed(
                    json!({"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: few"}]}),
                ),
                "not ready: FailedCreate: exceeded quota: few",
            ),
            (
                two(),
                deployed(
                    json!({"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "violates PodSecurity \"restricted\""}]}),
                ),
                "failed: FailedCreate: violates PodSecurity \"restricted\"",
            ),
            (json!({"replicas": 2, "paused": true}), deployed(json!({"replicas": 0})), "ready: paused"),
        ],
    );
}

fn pod(labels: Value, image: &str, status: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a-1", "labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}, "status": status})
}

fn waiting(reason: &str, message: &str, restarts: u64) -> Value {
    json!({"phase": "Pending", "startTime": "2026-01-01T00:00:00Z", "containerStatuses": [
        {"name": "c", "restartCount": restarts, "state": {"waiting": {"reason": reason, "message": message}}, "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}}}]})
}

#[test]
fn pods_give_the_cause() {
    let live = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "generation": 2, "annotations": {"deployment.kubernetes.io/revision": "7"}},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "c", "image": "new"}]}}}, "status": deployed(json!({"availableReplicas": 1}))});
    let sets = [
        json!({"metadata": {"labels": {"pod-template-hash": "old"}, "annotations": {"deployment.kubernetes.io/revision": "6"}}}),
        json!({"metadata": {"labels": {"pod-template-hash": "new"}, "annotations": {"deployment.kubernetes.io/revision": "7"}}}),
    ];
    let late = "2026-01-01T00:01:00Z".parse().ok();
    let soon = "2026-01-01T00:00:10Z".parse().ok();
    let lead = "1 of 2 updated replicas available";
    let unscheduled = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes", "lastTransitionTime": "2026-01-01T00:00:00Z"}]});
    for (status, now, expect) in [
        (waiting("ImagePullBackOff", "not found", 0), late, format!("failed: {lead}; pod a-1: ImagePullBackOff: container c: not found")),
        (
            waiting("ImagePullBackOff", "not found", 0),
            soon,
            format!("not ready: {lead}; pod a-1: ImagePullBackOff: container c: not found"),
        ),
        (waiting("ErrImagePull", "not found", 0), None, format!("not ready: {lead}; pod a-1: ErrImagePull: container c: not found")),
        (waiting("InvalidImageName", "", 0), None, format!("failed: {lead}; pod a-1: InvalidImageName: container c")),
        (
            waiting("CrashLoopBackOff", "back-off 5m0s", 5),
            None,
            format!("failed: {lead}; pod a-1: CrashLoopBackOff: container c ended with exit code 3"),
        ),
        (
            waiting("CrashLoopBackOff", "back-off 10s", 1),
            late,
            format!("not ready: {lead}; pod a-1: CrashLoopBackOff: container c ended with exit code 3"),
        ),
        (
            waiting("CreateContainerConfigError", "secret \"x\" not found", 0),
            late,
            format!("failed: {lead}; pod a-1: CreateContainerConfigError: container c: secret \"x\" not found"),
        ),
        (waiting("ContainerCreating", "", 0), late, format!("not ready: {lead}")),
        (unscheduled.clone(), late, format!("failed: {lead}; pod a-1: Unschedulable: 0/2 nodes")),
        (unscheduled, soon, format!("not ready: {lead}; pod a-1: Unschedulable: 0/2 nodes")),
    ] {
        let ours = [pod(json!({"pod-template-hash": "new"}), "new", status.clone())];
        let ctx = Context { pods: &ours, replica_sets: &sets, now, ..Context::default() };
        assert_eq!(shown(&live, &ctx), expect);
        assert_eq!(shown(&live, &Context { replica_sets: &[], ..ctx }), expect, "by its containers");
        let former = [pod(json!({"pod-template-hash": "old"}), "old", status)];
        assert_eq!(shown(&live, &Context { pods: &former, ..ctx }), format!("not ready: {lead}"), "what this change mends is no cause");
        assert_eq!(shown(&live, &Context { pods: &former, replica_sets: &[], ..ctx }), format!("not ready: {lead}"));
    }
}

#[test]
fn stateful_sets() {
    let full = |more: Value| {
        let mut status = json!({"observedGeneration": 2, "replicas": 2, "readyReplicas": 2, "currentReplicas": 2, "updatedReplicas": 2, "currentRevision": "r", "updateRevision": "r"});
        for (name, value) in more.as_object().expect("a map") {
            status[name] = value.clone();
        }
        status
    };
    check(
        "apps/v1",
        "StatefulSet",
        &[
            (json!({"replicas": 2}), full(json!({})), "ready: 2 of 2 replicas ready"),
            (json!({"replicas": 2}), full(json!({"replicas": 1})), "not ready: 1 of 2 replicas made"),
            (json!({"replicas": 1}), full(json!({})), "not ready: 1 replica yet to go"),
            (json!({"replicas": 2}), full(json!({"readyReplicas": 1})), "not ready: 1 of 2 replicas ready"),
            (json!({"replicas": 2}), full(json!({"updateRevision": "s", "updatedReplicas": 1})), "not ready: 1 of 2 replicas updated"),
            (
                json!({"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}}),
                full(json!({"updateRevision": "s", "updatedReplicas": 1})),
                "ready: 1 of 2 replicas updated, as its partition asks",
            ),
            (
                json!({"replicas": 2, "updateStrategy": {"type": "OnDelete"}}),
                full(json!({"updateRevision": "s"})),
                "ready: pods are updated as they are deleted",
            ),
        ],
    );
    let live = object(
        "apps/v1",
        "StatefulSet",
        json!({"replicas": 2}),
        full(json!({"updateRevision": "s", "updatedReplicas": 0, "readyReplicas": 1})),
    );
    let stuck = [pod(json!({"controller-revision-hash": "r"}), "x", waiting("CrashLoopBackOff", "", 9))];
    assert_eq!(
        shown(&live, &Context { pods: &stuck, ..Context::default() }),
        "not ready: 0 of 2 replicas updated; pod a-1: CrashLoopBackOff: container c ended with exit code 3; it is of the former revision and holds up the update: delete that pod"
    );
}

#[test]
fn daemon_sets_and_replica_sets() {
    let full = json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "currentNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3, "numberReady": 3});
    let less = json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "currentNumberScheduled": 3, "updatedNumberScheduled": 2, "numberAvailable": 3, "numberReady": 3});
    check(
        "apps/v1",
        "DaemonSet",
        &[
            (json!({}), full, "ready: 3 of 3 pods ready"),
            (json!({}), less, "not ready: 2 of 3 pods updated"),
            (json!({}), json!({}), "not ready: its controller has not seen it yet"),
            (json!({}), json!({"observedGeneration": 2, "desiredNumberScheduled": 0}), "ready: 0 of 0 pods ready"),
        ],
    );
    check(
        "apps/v1",
        "ReplicaSet",
        &[
            (
                json!({"replicas": 1}),
                json!({"replicas": 1, "fullyLabeledReplicas": 1, "availableReplicas": 1, "readyReplicas": 1}),
                "ready: 1 of 1 replicas ready",
            ),
            (json!({"replicas": 1}), json!({"replicas": 1, "fullyLabeledReplicas": 1}), "not ready: 0 of 1 replicas available"),
        ],
    );
}

#[test]
fn jobs() {
    check(
        "batch/v1",
        "Job",
        &[
            (json!({}), json!({"conditions": [{"type": "Complete", "status": "True"}]}), "ready: completed"),
            (
                json!({}),
                json!({"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}]}),
                "failed: BackoffLimitExceeded: too often",
            ),
            (json!({}), json!({}), "not ready: not started yet"),
            (
                json!({"completions": 3}),
                json!({"startTime": "x", "active": 1, "succeeded": 1, "failed": 2}),
                "not ready: 1 of 3 completed, 1 running, 2 failed",
            ),
            (json!({"suspend": true}), json!({}), "ready: suspended"),
        ],
    );
    let live = object(
        "batch/v1",
        "Job",
        json!({}),
        json!({"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}),
    );
    let pods = [pod(
        json!({}),
        "x",
        json!({"phase": "Failed", "containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 1, "reason": "OOMKilled"}}}]}),
    )];
    assert_eq!(
        shown(&live, &Context { pods: &pods, ..Context::default() }),
        "failed: BackoffLimitExceeded; pod a-1: Failed: container c ended with exit code 1 (OOMKilled)"
    );
}

#[test]
fn pods() {
    check(
        "v1",
        "Pod",
        &[
            (json!({}), json!({}), "not ready: not seen by a scheduler yet"),
            (json!({}), json!({"phase": "Succeeded"}), "ready: completed"),
            (json!({}), json!({"phase": "Failed", "reason": "Evicted", "message": "disk"}), "failed: Evicted: disk"),
            (json!({}), json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}), "ready"),
            (
                json!({}),
                json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]}),
                "not ready: ContainersNotReady",
            ),
            (json!({}), waiting("CrashLoopBackOff", "", 4), "failed: CrashLoopBackOff: container c ended with exit code 3"),
            (json!({}), json!({"phase": "Pending"}), "not ready: pending"),
        ],
    );
}

#[test]
fn small_kinds() {
    check(
        "v1",
        "PersistentVolumeClaim",
        &[
            (json!({}), json!({"phase": "Bound"}), "ready: bound"),
            (json!({"storageClassName": "x"}), json!({"phase": "Pending"}), "not ready: not bound yet (storage class x)"),
            (json!({}), json!({"phase": "Lost"}), "failed: its volume is gone"),
        ],
    );
    let class = json!({"volumeBindingMode": "WaitForFirstConsumer"});
    let claim = object("v1", "PersistentVolumeClaim", json!({}), json!({"phase": "Pending"}));
    assert_eq!(
        shown(&claim, &Context { storage_class: Some(&class), ..Context::default() }),
        "ready: it is bound when the first pod uses it"
    );
    check(
        "v1",
        "Service",
        &[
            (
                json!({"type": "LoadBalancer", "clusterIP": "10.0.0.1"}),
                json!({"loadBalancer": {}}),
                "not ready: its load balancer has no address yet",
            ),
            (json!({"type": "LoadBalancer", "clusterIP": "10.0.0.1"}), json!({"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}), "ready"),
            (json!({"type": "ClusterIP", "clusterIP": "None"}), json!({}), "ready"),
            (json!({"type": "ExternalName"}), json!({}), "ready"),
        ],
    );
}

#[test]
fn kinds_of_the_cluster() {
    check(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        &[
            (json!({}), json!({}), "not ready: not established yet"),
            (
                json!({}),
                json!({"conditions": [{"type": "NamesAccepted", "status": "True"}, {"type": "Established", "status": "True"}]}),
                "ready: established",
            ),
            (
                json!({}),
                json!({"conditions": [{"type": "NamesAccepted", "status": "False", "reason": "PluralConflict"}]}),
                "failed: PluralConflict",
            ),
            (
                json!({}),
                json!({"conditions": [{"type": "Established", "status": "False", "reason": "Installing"}]}),
                "not ready: not established yet",
            ),
        ],
    );
    check(
        "networking.k8s.io/v1",
        "Ingress",
        &[
            (json!({}), json!({}), "not ready: its controller has given it no address yet"),
            (json!({}), json!({"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}), "ready"),
        ],
    );
    check(
        "apiregistration.k8s.io/v1",
        "APIService",
        &[(
            json!({}),
            json!({"conditions": [{"type": "Available", "status": "False", "reason": "MissingEndpoints"}]}),
            "not ready: MissingEndpoints",
        )],
    );
    check(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        &[
            (
                json!({}),
                json!({"desiredReplicas": 3, "conditions": [{"type": "AbleToScale", "status": "True"}, {"type": "ScalingActive", "status": "True"}]}),
                "ready: 3 replicas wanted",
            ),
            (
                json!({}),
                json!({"conditions": [{"type": "AbleToScale", "status": "True"}, {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric", "message": "no metrics"}]}),
                "not ready: FailedGetResourceMetric: no metrics",
            ),
        ],
    );
    check("v1", "ConfigMap", &[(json!({}), json!({}), "ready")]);
}

#[test]
fn services_that_serve() {
    let service = json!({"metadata": {"name": "a"}, "spec": {"type": "ClusterIP"}});
    let slice = |service: &str, ready: Value| json!({"metadata": {"labels": {"kubernetes.io/service-name": service}}, "endpoints": [{"conditions": {"ready": ready}}]});
    assert_eq!(serving(&service, &[slice("b", json!(true)), slice("a", json!(false))]).to_string(), "not ready: no ready pod is behind it");
    assert_eq!(serving(&service, &[slice("a", json!(true))]).to_string(), "ready: 1 ready endpoints");
}

#[test]
fn kinds_from_elsewhere() {
    let definition = json!({"spec": {"versions": [{"name": "v1", "subresources": {"status": {}}}, {"name": "v2"}]}});
    let ctx = Context { definition: Some(&definition), ..Context::default() };
    for (api_version, status, expect) in [
        ("x.y/v1", json!({}), "not ready: its controller has written no status yet"),
        ("x.y/v2", json!({}), "ready"),
        ("x.y/v1", json!({"a": 1}), "ready"),
        (
            "x.y/v1",
            json!({"conditions": [{"type": "Ready", "status": "False", "reason": "NoIssuer", "message": "no such issuer"}]}),
            "not ready: NoIssuer: no such issuer",
        ),
        ("x.y/v1", json!({"conditions": [{"type": "Ready", "status": "True"}]}), "ready"),
        (
            "x.y/v1",
            json!({"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]}),
            "not ready: its condition Ready is of a former generation",
        ),
        (
            "x.y/v1",
            json!({"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}),
            "not ready: its controller has seen generation 1, not 2 yet",
        ),
        (
            "x.y/v1",
            json!({"conditions": [{"type": "Stalled", "status": "True", "reason": "Bad"}, {"type": "Ready", "status": "True"}]}),
            "failed: Bad",
        ),
        ("x.y/v1", json!({"conditions": [{"type": "Reconciling", "status": "True", "message": "at work"}]}), "not ready: at work"),
    ] {
        assert_eq!(shown(&object(api_version, "Foo", json!({}), status), &ctx), expect);
    }
    check(
        "velero.io/v1",
        "BackupStorageLocation",
        &[
            (json!({}), json!({"phase": "Unavailable"}), "not ready: unavailable"),
            (json!({}), json!({"phase": "Available"}), "ready: available"),
        ],
    );
    check(
        "longhorn.io/v1beta2",
        "BackupTarget",
        &[(json!({}), json!({"available": true}), "ready"), (json!({}), json!({}), "not ready: not available yet")],
    );
    check(
        "bitnami.com/v1alpha1",
        "SealedSecret",
        &[
            (json!({}), json!({}), "not ready: no condition Synced yet"),
            (json!({}), json!({"conditions": [{"type": "Synced", "status": "True"}]}), "ready"),
        ],
    );
}

#[test]
fn deletions() {
    let live = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Terminating", "conditions": [
        {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "Some content in the namespace has finalizers remaining: x.y/z in 1 resource instances"}]}});
    assert_eq!(
        shown(&live, &Context::default()),
        "being deleted: it waits for Some content in the namespace has finalizers remaining: x.y/z in 1 resource instances"
    );
}

/// What controllers of 1.36 (and kwok for the kubelet) wrote, a minute after.
#[test]
fn real_objects() {
    let cases = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/resources/object/status.json"));
    let expected = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/resources/object/status.txt"));
    let list = |case: &Value, name: &str| case[name].as_array().cloned().unwrap_or_default();
    let lines = serde_json::from_str::<Vec<Value>>(cases).expect("a JSON list").into_iter().map(|case| {
        let (pods, sets) = (list(&case, "pods"), list(&case, "sets"));
        let now = "2026-11-21T18:04:30Z".parse().ok();
        let ctx = Context { pods: &pods, replica_sets: &sets, now, ..Context::default() };
        format!("{}: {}\n", text(&case, "/name"), shown(&case["live"], &ctx))
    });
    let found: String = lines.collect();
    assert_eq!(found, expected, "\n{found}");
}
