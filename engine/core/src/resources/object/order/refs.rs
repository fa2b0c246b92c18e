//! What an object names: the references that somebody acts upon.

use std::collections::HashMap;

use serde_json::Value;

use super::{Edge, Need, Object, Set, list, text};
use crate::resources::object::pods;

/// A reference to an object by its identity.
pub(super) struct Reference {
    pub group: String,
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub need: Need,
    pub why: String,
}

/// Collects the references of one object; those without a name are none.
struct Found<'v> {
    object: Object<'v>,
    list: Vec<Reference>,
}

impl Found<'_> {
    fn push(&mut self, group: &str, kind: &str, namespace: &str, name: &str, why: &str) {
        if !name.is_empty() {
            let [group, kind, namespace, name, why] = [group, kind, namespace, name, why].map(str::to_owned);
            self.list.push(Reference { group, kind, namespace, name, need: Need::Exists, why });
        }
    }

    /// A name in the object's own namespace, at a pointer below `from`.
    fn near(&mut self, group: &str, kind: &str, from: &Value, pointer: &str, why: &str) {
        self.push(group, kind, self.object.namespace, text(from, pointer), why);
    }

    /// A name of a cluster-wide object.
    fn wide(&mut self, group: &str, kind: &str, pointer: &str) {
        let why = pointer.trim_start_matches('/').replace('/', ".");
        self.push(group, kind, "", self.object.text(pointer), &why);
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";
const GATEWAY: &str = "gateway.networking.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

/// All references of an object.
pub(super) fn of(object: &Object<'_>) -> Vec<Reference> {
    let mut found = Found { object: *object, list: Vec::new() };
    if let Some(spec) = pods::spec(object.value) {
        pod(&mut found, spec);
    }
    let value = object.value;
    match (object.group, object.kind) {
        (RBAC, "RoleBinding" | "ClusterRoleBinding") => {
            let kind = object.text("/roleRef/kind");
            let namespace = if kind == "Role" { object.namespace } else { "" };
            found.push(RBAC, kind, namespace, object.text("/roleRef/name"), "roleRef");
        }
        ("", "Secret") => {
            let account = "/metadata/annotations/kubernetes.io~1service-account.name";
            found.near("", "ServiceAccount", value, account, "its account");
        }
        ("", "PersistentVolumeClaim") => {
            found.wide("storage.k8s.io", "StorageClass", "/spec/storageClassName");
            found.wide("", "PersistentVolume", "/spec/volumeName");
        }
        ("", "PersistentVolume") => found.wide("storage.k8s.io", "StorageClass", "/spec/storageClassName"),
        ("apps", "StatefulSet") => {
            found.near("", "Service", value, "/spec/serviceName", "spec.serviceName");
            for claim in object.list("/spec/volumeClaimTemplates") {
                let class = text(claim, "/spec/storageClassName");
                found.push("storage.k8s.io", "StorageClass", "", class, "spec.volumeClaimTemplates");
            }
        }
        ("networking.k8s.io", "Ingress") => found.wide("networking.k8s.io", "IngressClass", "/spec/ingressClassName"),
        ("autoscaling", "HorizontalPodAutoscaler") => {
            let target = object.text("/spec/scaleTargetRef/apiVersion");
            let group = target.split_once('/').map_or("", |(group, _)| group);
            found.push(
                group,
                object.text("/spec/scaleTargetRef/kind"),
                object.namespace,
                object.text("/spec/scaleTargetRef/name"),
                "spec.scaleTargetRef",
            );
        }
        (ADMISSION, "ValidatingAdmissionPolicyBinding") => found.wide(ADMISSION, "ValidatingAdmissionPolicy", "/spec/policyName"),
        (ADMISSION, "MutatingAdmissionPolicyBinding") => found.wide(ADMISSION, "MutatingAdmissionPolicy", "/spec/policyName"),
        _ => elsewhere(&mut found),
    }
    found.list
}

/// Well-known kinds from elsewhere: Gateway API, cert-manager, External Secrets.
fn elsewhere(found: &mut Found<'_>) {
    let object = found.object;
    match (object.group, object.kind) {
        (GATEWAY, "Gateway") => found.wide(GATEWAY, "GatewayClass", "/spec/gatewayClassName"),
        (GATEWAY, _) => {
            for parent in object.list("/spec/parentRefs") {
                let namespace = Some(text(parent, "/namespace")).filter(|name| !name.is_empty()).unwrap_or(object.namespace);
                found.push(GATEWAY, "Gateway", namespace, text(parent, "/name"), "spec.parentRefs");
            }
        }
        ("cert-manager.io", "Certificate") => {
            let kind = Some(object.text("/spec/issuerRef/kind")).filter(|kind| !kind.is_empty()).unwrap_or("Issuer");
            let namespace = if kind == "ClusterIssuer" { "" } else { object.namespace };
            found.push("cert-manager.io", kind, namespace, object.text("/spec/issuerRef/name"), "spec.issuerRef");
        }
        ("external-secrets.io", "ExternalSecret") => {
            let kind = Some(object.text("/spec/secretStoreRef/kind")).filter(|kind| !kind.is_empty()).unwrap_or("SecretStore");
            let namespace = if kind == "ClusterSecretStore" { "" } else { object.namespace };
            found.push("external-secrets.io", kind, namespace, object.text("/spec/secretStoreRef/name"), "spec.secretStoreRef");
        }
        _ => {}
    }
}

/// What a pod needs to start.
fn pod(found: &mut Found<'_>, spec: &Value) {
    found.near("", "ServiceAccount", spec, "/serviceAccountName", "serviceAccountName");
    found.push("scheduling.k8s.io", "PriorityClass", "", text(spec, "/priorityClassName"), "priorityClassName");
    found.push("node.k8s.io", "RuntimeClass", "", text(spec, "/runtimeClassName"), "runtimeClassName");
    for secret in list(spec, "/imagePullSecrets") {
        found.near("", "Secret", secret, "/name", "imagePullSecrets");
    }
    for claim in list(spec, "/resourceClaims") {
        found.near("resource.k8s.io", "ResourceClaim", claim, "/resourceClaimName", "resourceClaims");
        found.near("resource.k8s.io", "ResourceClaimTemplate", claim, "/resourceClaimTemplateName", "resourceClaims");
    }
    for volume in list(spec, "/volumes") {
        let why = format!("volumes[name={}]", text(volume, "/name"));
        found.near("", "ConfigMap", volume, "/configMap/name", &why);
        found.near("", "Secret", volume, "/secret/secretName", &why);
        found.near("", "Secret", volume, "/csi/nodePublishSecretRef/name", &why);
        found.near("", "PersistentVolumeClaim", volume, "/persistentVolumeClaim/claimName", &why);
        found.push("storage.k8s.io", "StorageClass", "", text(volume, "/ephemeral/volumeClaimTemplate/spec/storageClassName"), &why);
        for source in list(volume, "/projected/sources") {
            found.near("", "ConfigMap", source, "/configMap/name", &why);
            found.near("", "Secret", source, "/secret/name", &why);
        }
    }
    for (_, container) in pods::containers(spec) {
        let why = format!("container {}", text(container, "/name"));
        for source in list(container, "/envFrom") {
            found.near("", "ConfigMap", source, "/configMapRef/name", &format!("{why}: envFrom"));
            found.near("", "Secret", source, "/secretRef/name", &format!("{why}: envFrom"));
        }
        for env in list(container, "/env") {
            let why = format!("{why}: env[name={}]", text(env, "/name"));
            found.near("", "ConfigMap", env, "/valueFrom/configMapKeyRef/name", &why);
            found.near("", "Secret", env, "/valueFrom/secretKeyRef/name", &why);
        }
    }
}

/// A Secret that another object of the set makes, before the pods that use it.
pub(super) fn made_secrets(set: &Set<'_>) -> Vec<Edge> {
    let mut makers: HashMap<(&str, &str), usize> = HashMap::new();
    for (place, object) in set.all() {
        let or_name = |name| if text(object.value, name).is_empty() { object.name } else { text(object.value, name) };
        let name = match (object.group, object.kind) {
            ("cert-manager.io", "Certificate") => object.text("/spec/secretName"),
            ("external-secrets.io", "ExternalSecret") => or_name("/spec/target/name"),
            ("bitnami.com", "SealedSecret") => or_name("/spec/template/metadata/name"),
            _ => continue,
        };
        makers.insert((object.namespace, name), place);
    }
    let mut edges = Vec::new();
    for (after, object) in set.all().filter(|(_, object)| pods::pointer(object.value).is_some()) {
        for found in of(&object).into_iter().filter(|found| found.group.is_empty() && found.kind == "Secret") {
            if let Some(before) = makers.get(&(found.namespace.as_str(), found.name.as_str())).copied() {
                edges.push(Edge { before, after, need: Need::Ready, why: format!("{} (it makes that Secret)", found.why) });
            }
        }
    }
    edges
}

/// Bindings before the pods whose account they give rights to: many programs end where they may not read.
pub(super) fn rights(set: &Set<'_>) -> Vec<Edge> {
    let mut users: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (place, object) in set.all() {
        let Some(spec) = pods::spec(object.value) else { continue };
        let account = Some(text(spec, "/serviceAccountName")).filter(|name| !name.is_empty()).unwrap_or("default");
        users.entry((object.namespace, account)).or_default().push(place);
    }
    let mut edges = Vec::new();
    for kind in ["RoleBinding", "ClusterRoleBinding"] {
        for (before, object) in set.of_kind(RBAC, kind) {
            for subject in object.list("/subjects").filter(|subject| text(subject, "/kind") == "ServiceAccount") {
                let users = users.get(&(text(subject, "/namespace"), text(subject, "/name"))).into_iter().flatten();
                edges.extend(users.map(|after| Edge {
                    before,
                    after: *after,
                    need: Need::Exists,
                    why: "rights of its account".to_owned(),
                }));
            }
        }
    }
    edges
}

/// Quotas and defaults of a namespace before its pods: they count and fill in only what comes later.
pub(super) fn limits(set: &Set<'_>) -> Vec<Edge> {
    let limits = set.of_kind("", "ResourceQuota").chain(set.of_kind("", "LimitRange"));
    let mut edges = Vec::new();
    for (before, limit) in limits {
        let pods = set.all().filter(|(_, object)| object.namespace == limit.namespace && pods::pointer(object.value).is_some());
        edges.extend(pods.map(|(after, _)| Edge { before, after, need: Need::Exists, why: "limits of its namespace".to_owned() }));
    }
    edges
}
