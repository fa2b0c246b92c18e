//! Objects of many kinds, and random changes to them: what a user, an editor or a controller might do.

use serde_json::{Value, json};
use tests::dice::Dice;

pub const KINDS: [&str; 14] = [
    "ConfigMap",
    "Secret",
    "Deployment",
    "Service",
    "NetworkPolicy",
    "StatefulSet",
    "Ingress",
    "CronJob",
    "Role",
    "ServiceAccount",
    "HorizontalPodAutoscaler",
    "DaemonSet",
    "Widget",
    "PodDisruptionBudget",
];

/// The definition of `Widget`: keyed list with a default in its key, set, atomic list and map, unknown fields.
pub fn definition() -> Value {
    let text = json!({"type": "string"});
    let ports = json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "layer"], "items": {
        "type": "object", "required": ["port"], "properties": {"port": {"type": "integer"}, "layer": {"type": "string", "default": "four"}, "note": text, "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": text}}}});
    let spec = json!({"type": "object", "properties": {
        "ports": ports, "names": {"type": "array", "x-kubernetes-list-type": "set", "items": text}, "steps": {"type": "array", "items": {"type": "object", "properties": {"do": text, "times": {"type": "integer", "default": 1}}}},
        "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": text}, "parts": {"type": "object", "additionalProperties": {"type": "object", "properties": {"a": text, "b": text}}},
        "size": {"type": "integer"}, "rate": {"type": "number"}, "mode": {"type": "string", "default": "plain"}, "none": {"type": "string", "nullable": true}, "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.play.example"}, "spec": {
        "group": "play.example", "scope": "Namespaced", "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
        "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}]}})
}

fn container(name: &str, port: u16) -> Value {
    json!({"name": name, "image": format!("registry.example/{name}:1"), "imagePullPolicy": "IfNotPresent",
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": ""}, {"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "p"}}}, {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": [{"name": format!("{name}-http"), "containerPort": port}, {"name": format!("{name}-dns"), "containerPort": 53, "protocol": "UDP"}, {"name": format!("{name}-tcp"), "containerPort": 53, "protocol": "TCP"}],
        "args": ["-x", "-y"], "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": port}, "periodSeconds": 5}, "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}})
}

fn template(labels: &Value, restart: Option<&str>) -> Value {
    let mut spec = json!({"containers": [container("main", 8080), container("side", 9090)], "initContainers": [{"name": "init", "image": "busybox"}],
        "volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "configMap": {"name": "c", "items": [{"key": "a", "path": "b"}]}}, {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}, {"downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}}]}}],
        "securityContext": {"fsGroup": 1000, "runAsNonRoot": true}, "nodeSelector": {"disk": "ssd"}, "tolerations": [{"key": "a", "operator": "Exists"}],
        "imagePullSecrets": [{"name": "one"}, {"name": "two"}], "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a", "b"]}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}, {"maxSkew": 1, "topologyKey": "host", "whenUnsatisfiable": "ScheduleAnyway"}]});
    if let Some(restart) = restart {
        spec["restartPolicy"] = json!(restart);
    }
    json!({"metadata": {"labels": labels, "annotations": {"sum": "1"}}, "spec": spec})
}

/// An object of this kind as a user writes it, with most of what that kind has.
pub fn manifest(kind: &str, namespace: &str, name: &str) -> Value {
    let labels = json!({"app.kubernetes.io/name": name, "team": "a"});
    let pick = json!({"app.kubernetes.io/name": name});
    let (version, rest) = match kind {
        "ConfigMap" => ("v1", json!({"data": {"a": "1", "b": "2", "app.conf": "x = 1\n", "empty": ""}})),
        "Secret" => ("v1", json!({"type": "Opaque", "data": {"a": "MQ=="}, "stringData": {"b": "2"}})),
        "Deployment" => (
            "apps/v1",
            json!({"spec": {"replicas": 1, "selector": {"matchLabels": pick}, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}, "template": template(&labels, None)}}),
        ),
        "DaemonSet" => ("apps/v1", json!({"spec": {"selector": {"matchLabels": pick}, "template": template(&labels, None)}})),
        "StatefulSet" => (
            "apps/v1",
            json!({"spec": {"replicas": 1, "serviceName": name, "selector": {"matchLabels": pick}, "template": template(&labels, None),
            "volumeClaimTemplates": [{"metadata": {"name": "store"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}}),
        ),
        "CronJob" => (
            "batch/v1",
            json!({"spec": {"schedule": "1 3 * * *", "suspend": false, "jobTemplate": {"spec": {"backoffLimit": 2, "template": template(&labels, Some("OnFailure"))}}}}),
        ),
        "Service" => (
            "v1",
            json!({"spec": {"selector": pick, "ports": [{"name": "http", "port": 80, "targetPort": "http"}, {"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "tcp", "port": 53, "targetPort": 5353}]}}),
        ),
        "NetworkPolicy" => (
            "networking.k8s.io/v1",
            json!({"spec": {"podSelector": {"matchLabels": pick}, "policyTypes": ["Ingress", "Egress"], "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 8080, "protocol": "TCP"}, {"port": 8081}]}],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.1.0.0/16", "except": ["10.1.9.0/24"]}}]}]}}),
        ),
        "Ingress" => (
            "networking.k8s.io/v1",
            json!({"spec": {"ingressClassName": "x", "tls": [{"hosts": ["a.example"], "secretName": "s"}], "rules": [{"host": "a.example", "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "a", "port": {"name": "http"}}}}, {"path": "/api", "pathType": "Prefix", "backend": {"service": {"name": "b", "port": {"number": 80}}}}]}}]}}),
        ),
        "Role" => (
            "rbac.authorization.k8s.io/v1",
            json!({"rules": [{"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get", "list"]}, {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"]}]}),
        ),
        "ServiceAccount" => (
            "v1",
            json!({"automountServiceAccountToken": false, "secrets": [{"name": "x"}, {"name": "y"}], "imagePullSecrets": [{"name": "one"}, {"name": "two"}]}),
        ),
        "HorizontalPodAutoscaler" => (
            "autoscaling/v2",
            json!({"spec": {"minReplicas": 1, "maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}], "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}}}),
        ),
        "PodDisruptionBudget" => ("policy/v1", json!({"spec": {"minAvailable": 1, "selector": {"matchLabels": pick}}})),
        _ => (
            "play.example/v1",
            json!({"spec": {"size": 3, "rate": 0.5, "none": null, "ports": [{"port": 1, "note": "a", "tags": ["x", "y"]}, {"port": 1, "layer": "seven"}, {"port": 2}], "names": ["a", "b", "c"],
            "steps": [{"do": "a", "times": 1}, {"do": "b", "times": 2}], "whole": {"a": "1", "b": "2"}, "parts": {"p": {"a": "1"}, "q": {}}, "free": {"x": {"y": [1, 2, {"z": true}]}, "e": {}, "l": []}}}),
        ),
    };
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": labels, "annotations": {"note": "x", "empty": ""}, "finalizers": ["play.example/a", "play.example/b"]}});
    for (field, value) in rest.as_object().expect("a map") {
        object[field] = value.clone();
    }
    object
}

/// The path of an object on the server.
pub fn url(kind: &str, namespace: &str, name: &str) -> String {
    let (root, plural) = match kind {
        "ConfigMap" => ("api/v1", "configmaps"),
        "Secret" => ("api/v1", "secrets"),
        "Service" => ("api/v1", "services"),
        "ServiceAccount" => ("api/v1", "serviceaccounts"),
        "Deployment" => ("apis/apps/v1", "deployments"),
        "DaemonSet" => ("apis/apps/v1", "daemonsets"),
        "StatefulSet" => ("apis/apps/v1", "statefulsets"),
        "CronJob" => ("apis/batch/v1", "cronjobs"),
        "NetworkPolicy" => ("apis/networking.k8s.io/v1", "networkpolicies"),
        "Ingress" => ("apis/networking.k8s.io/v1", "ingresses"),
        "Role" => ("apis/rbac.authorization.k8s.io/v1", "roles"),
        "HorizontalPodAutoscaler" => ("apis/autoscaling/v2", "horizontalpodautoscalers"),
        "PodDisruptionBudget" => ("apis/policy/v1", "poddisruptionbudgets"),
        _ => ("apis/play.example/v1", "widgets"),
    };
    format!("/{root}/namespaces/{namespace}/{plural}/{name}")
}

/// One random change to an object, anywhere but its identity. `other` is the other side (live for a manifest): its
/// values and defaults are copied now and then.
pub fn change(object: &mut Value, other: &Value, dice: &mut Dice) {
    let mut places = Vec::new();
    walk(object, String::new(), &mut places);
    let place = places.swap_remove(dice.roll(places.len()));
    if dice.chance(15) {
        return copy(object, other, dice);
    }
    let Some(value) = object.pointer_mut(&place) else { return };
    match value {
        Value::Object(_) => map(value, other.pointer(&place), dice),
        Value::Array(_) => list(value, dice),
        Value::String(text) => match dice.roll(4) {
            0 => *value = json!(""),
            1 => *text = text.chars().rev().collect(),
            _ => text.push(if dice.chance(50) { '1' } else { 'x' }),
        },
        Value::Number(number) => *value = json!(number.as_i64().unwrap_or(0) + [1, -1, 10][dice.roll(3)]),
        Value::Bool(flag) => *value = json!(!*flag),
        Value::Null => *value = json!("x"),
    }
}

fn map(value: &mut Value, other: Option<&Value>, dice: &mut Dice) {
    let Some(map) = value.as_object_mut() else { return };
    let names: Vec<String> = map.keys().cloned().collect();
    let any = names.get(dice.roll(names.len())).cloned();
    match (dice.roll(6), any) {
        (0 | 1, Some(name)) => drop(map.shift_remove(&name)),
        (2, Some(name)) => {
            drop(map.insert(name, [json!(null), json!({}), json!([]), json!(""), json!(false), json!(0)][dice.roll(6)].clone()))
        }
        (3, _) => {
            // A field that the other side has and this one has not: a default, or somebody else's.
            let theirs: Vec<_> =
                other.and_then(Value::as_object).into_iter().flatten().filter(|(name, _)| !map.contains_key(*name)).collect();
            if let Some((name, value)) = theirs.get(dice.roll(theirs.len())) {
                map.insert((*name).clone(), (*value).clone());
            }
        }
        _ => drop(map.insert(["new", "another", "protocol", "a.b/c"][dice.roll(4)].to_owned(), json!(["TCP", "1"][dice.roll(2)]))),
    }
}

fn list(value: &mut Value, dice: &mut Dice) {
    let Some(list) = value.as_array_mut() else { return };
    let (one, two) = (dice.roll(list.len()), dice.roll(list.len()));
    match dice.roll(6) {
        0 if !list.is_empty() => drop(list.remove(one)),
        1 if !list.is_empty() => {
            // A further item like the first one, under another key.
            let mut item = list[one].clone();
            for name in ["name", "containerPort", "port", "mountPath", "ip", "topologyKey"] {
                match item.get_mut(name) {
                    Some(Value::String(text)) => text.push('2'),
                    Some(Value::Number(number)) => item[name] = json!(number.as_i64().unwrap_or(0) + 7),
                    _ => {}
                }
            }
            if let Value::String(text) = &mut item {
                text.push('2');
            }
            list.insert(two, item);
        }
        2 => list.reverse(),
        _ if !list.is_empty() => list.swap(one, two),
        _ => {}
    }
}

/// Takes a whole value of the other side.
fn copy(object: &mut Value, other: &Value, dice: &mut Dice) {
    let mut places = Vec::new();
    walk(other, String::new(), &mut places);
    let place = places.swap_remove(dice.roll(places.len()));
    if let (Some(into), Some(from)) = (object.pointer_mut(&place), other.pointer(&place)) {
        *into = from.clone();
    }
}

/// All places of an object that are somebody's to change.
fn walk(value: &Value, place: String, places: &mut Vec<String>) {
    const NEVER: [&str; 12] = [
        "/apiVersion",
        "/kind",
        "/status",
        "/metadata/name",
        "/metadata/namespace",
        "/metadata/uid",
        "/metadata/resourceVersion",
        "/metadata/generation",
        "/metadata/creationTimestamp",
        "/metadata/managedFields",
        "/metadata/deletionTimestamp",
        "/metadata/selfLink",
    ];
    if NEVER.contains(&place.as_str()) {
        return;
    }
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(name, child)| walk(child, format!("{place}/{}", name.replace('~', "~0").replace('/', "~1")), places))
        }
        Value::Array(list) => list.iter().enumerate().for_each(|(at, child)| walk(child, format!("{place}/{at}"), places)),
        _ => {}
    }
    if place.is_empty() || place == "/metadata" {
        places.push("/metadata/labels".to_owned());
    } else {
        places.push(place);
    }
}
