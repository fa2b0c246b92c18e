//! Sets of objects, and what comes before what.

use serde_json::json;

use super::*;

fn object(api_version: &str, kind: &str, at: &str, rest: Value) -> Value {
    let (namespace, name) = at.split_once('/').unwrap_or(("", at));
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = json!(namespace);
    }
    for (name, value) in rest.as_object().expect("a map") {
        object[name] = value.clone();
    }
    object
}

fn shown(objects: &[Value]) -> Vec<String> {
    let name = |place: usize| {
        objects.get(place).map(|object| format!("{} {}", text(object, "/kind"), text(object, "/metadata/name"))).unwrap_or_default()
    };
    let mut lines: Vec<_> =
        edges(objects).iter().map(|edge| format!("{} -> {} {:?} ({})", name(edge.before), name(edge.after), edge.need, edge.why)).collect();
    lines.sort();
    lines
}

fn deployment(at: &str, labels: Value, pod: Value) -> Value {
    object("apps/v1", "Deployment", at, json!({"spec": {"template": {"metadata": {"labels": labels}, "spec": pod}}}))
}

#[test]
fn what_a_pod_names() {
    let pod = json!({"serviceAccountName": "sa", "imagePullSecrets": [{"name": "pull"}],
        "volumes": [{"name": "c", "configMap": {"name": "conf"}}, {"name": "p", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "j", "projected": {"sources": [{"secret": {"name": "tls"}}]}}],
        "initContainers": [{"name": "i", "envFrom": [{"secretRef": {"name": "env"}}]}],
        "containers": [{"name": "m", "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "a"}}}]}]});
    let objects = [
        deployment("n/app", json!({}), pod),
        object("v1", "Namespace", "n", json!({})),
        object("v1", "ServiceAccount", "n/sa", json!({})),
        object("v1", "Secret", "n/pull", json!({})),
        object("v1", "Secret", "other/env", json!({})),
        object("v1", "ConfigMap", "n/conf", json!({})),
        object("v1", "PersistentVolumeClaim", "n/data", json!({"spec": {"storageClassName": "fast"}})),
        object("storage.k8s.io/v1", "StorageClass", "fast", json!({})),
        object(
            "cert-manager.io/v1",
            "Certificate",
            "n/cert",
            json!({"spec": {"secretName": "tls", "issuerRef": {"name": "ca", "kind": "ClusterIssuer"}}}),
        ),
        object("cert-manager.io/v1", "ClusterIssuer", "ca", json!({})),
        object("rbac.authorization.k8s.io/v1", "Role", "n/r", json!({})),
        object(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            "n/b",
            json!({"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "ServiceAccount", "name": "sa", "namespace": "n"}]}),
        ),
        object("v1", "LimitRange", "n/l", json!({})),
    ];
    let found: Vec<_> = shown(&objects).into_iter().filter(|line| !line.starts_with("Namespace")).collect();
    assert_eq!(
        found,
        [
            "Certificate cert -> Deployment app Ready (volumes[name=j] (it makes that Secret))",
            "ClusterIssuer ca -> Certificate cert Exists (spec.issuerRef)",
            "ConfigMap conf -> Deployment app Exists (volumes[name=c])",
            "LimitRange l -> Deployment app Exists (limits of its namespace)",
            "PersistentVolumeClaim data -> Deployment app Exists (volumes[name=p])",
            "Role r -> RoleBinding b Exists (roleRef)",
            "RoleBinding b -> Deployment app Exists (rights of its account)",
            "Secret pull -> Deployment app Exists (imagePullSecrets)",
            "ServiceAccount sa -> Deployment app Exists (serviceAccountName)",
            "StorageClass fast -> PersistentVolumeClaim data Exists (spec.storageClassName)",
        ]
    );
    let spaced = shown(&objects).into_iter().filter(|line| line.starts_with("Namespace n -> ")).count();
    assert_eq!(spaced, 9, "all of n, not what is in other or in none");
}

#[test]
fn an_operator_with_its_webhook() {
    let crd = object(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "issuers.c.io",
        json!({"spec": {"group": "c.io", "names": {"kind": "Issuer", "plural": "issuers"},
        "conversion": {"webhook": {"clientConfig": {"service": {"name": "hook", "namespace": "c"}}}}}}),
    );
    let rule = json!([{"apiGroups": ["c.io"], "resources": ["issuers"], "operations": ["CREATE"]}, {"apiGroups": [""], "resources": ["pods"], "operations": ["*"]}]);
    let objects = [
        object("c.io/v1", "Issuer", "c/ca", json!({})),
        object(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            "hook",
            json!({"webhooks": [
            {"name": "w", "clientConfig": {"service": {"name": "hook", "namespace": "c"}}, "rules": rule, "objectSelector": {"matchExpressions": [{"key": "off", "operator": "DoesNotExist"}]}}]}),
        ),
        deployment("c/hook", json!({"app": "hook"}), json!({})),
        deployment("c/other", json!({"app": "other"}), json!({})),
        deployment("c/free", json!({"app": "free", "off": "1"}), json!({})),
        object("v1", "Service", "c/hook", json!({"spec": {"selector": {"app": "hook"}}})),
        crd,
    ];
    assert_eq!(
        shown(&objects),
        [
            "CustomResourceDefinition issuers.c.io -> Issuer ca Established (its definition)",
            "Deployment hook -> Issuer ca Ready (conversion of its kind: service hook, which it is behind)",
            "Deployment hook -> ValidatingWebhookConfiguration hook Ready (webhook: service hook, which it is behind)",
            "Service hook -> Issuer ca Serving (conversion of its kind: service hook)",
            "Service hook -> ValidatingWebhookConfiguration hook Serving (webhook: service hook)",
            "ValidatingWebhookConfiguration hook -> Deployment other Exists (webhook w)",
            "ValidatingWebhookConfiguration hook -> Issuer ca Exists (webhook w)",
        ],
        "not its own Deployment, and not one that it does not select"
    );
}

#[test]
fn other_names() {
    let objects = [
        object(
            "apps/v1",
            "StatefulSet",
            "n/db",
            json!({"spec": {"serviceName": "db", "volumeClaimTemplates": [{"spec": {"storageClassName": "fast"}}]}}),
        ),
        object("v1", "Service", "n/db", json!({})),
        object("storage.k8s.io/v1", "StorageClass", "fast", json!({})),
        object("networking.k8s.io/v1", "Ingress", "n/web", json!({"spec": {"ingressClassName": "nginx"}})),
        object("networking.k8s.io/v1", "IngressClass", "nginx", json!({})),
        object(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "n/h",
            json!({"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"}}}),
        ),
        object(
            "apiregistration.k8s.io/v1",
            "APIService",
            "v1.m.io",
            json!({"spec": {"group": "m.io", "version": "v1", "service": {"name": "db", "namespace": "n"}}}),
        ),
        object("m.io/v1", "Metric", "n/m", json!({})),
    ];
    assert_eq!(
        shown(&objects),
        [
            "APIService v1.m.io -> Metric m Ready (it serves its group)",
            "IngressClass nginx -> Ingress web Exists (spec.ingressClassName)",
            "Service db -> APIService v1.m.io Serving (spec.service: service db)",
            "Service db -> StatefulSet db Exists (spec.serviceName)",
            "StatefulSet db -> HorizontalPodAutoscaler h Exists (spec.scaleTargetRef)",
            "StorageClass fast -> StatefulSet db Exists (spec.volumeClaimTemplates)",
        ]
    );
}

#[test]
fn deletion_turns_around() {
    let objects = [object("v1", "Namespace", "n", json!({})), object("v1", "ConfigMap", "n/c", json!({}))];
    let turned = deletion(&edges(&objects));
    assert_eq!(turned, [Edge { before: 1, after: 0, need: Need::Gone, why: "its namespace".to_owned() }]);
}
