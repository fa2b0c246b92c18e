//! What names may look like, and which kinds an API server serves by itself.

pub(super) const LABEL: &str = "at most 63 of a-z, 0-9 and `-`, with a letter or digit at both ends";
const SUBDOMAIN: &str = "at most 253 of a-z, 0-9, `-` and `.`, with a letter or digit at both ends of each part";
const SEGMENT: &str = "any text but `.` and `..`, without `/` and `%`";

/// Whether a name is a DNS-1123 label.
pub fn label(text: &str) -> bool {
    text.len() <= 63 && part(text)
}

/// Whether a name is a DNS-1123 subdomain. Its parts may be longer than 63.
pub fn subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(part)
}

fn part(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// Built-in kinds are judged by their own rule (Kubernetes docs "Object Names and IDs"); of a kind from elsewhere
/// only what no path of a URL can hold is a fault, because an aggregated server makes its own rules.
pub(super) fn name_fits(group: &str, kind: &str, name: &str) -> bool {
    match name_rule(group, kind) {
        LABEL => label(name),
        SUBDOMAIN => subdomain(name),
        _ => name != "." && name != ".." && !name.contains(['/', '%']),
    }
}

pub(super) fn name_rule(group: &str, kind: &str) -> &'static str {
    match (group, kind) {
        ("", "Namespace" | "Service") => LABEL,
        ("rbac.authorization.k8s.io" | "flowcontrol.apiserver.k8s.io" | "certificates.k8s.io", _) => SEGMENT,
        ("networking.k8s.io", "IPAddress") => SEGMENT,
        _ if built_in(group) => SUBDOMAIN,
        _ => SEGMENT,
    }
}

/// Whether a group is served by the API server itself (Kubernetes 1.36 API reference).
pub fn built_in(group: &str) -> bool {
    const SUFFIXED: [&str; 17] = [
        "admissionregistration",
        "apiextensions",
        "apiregistration",
        "authentication",
        "authorization",
        "certificates",
        "coordination",
        "discovery",
        "events",
        "flowcontrol.apiserver",
        "internal.apiserver",
        "networking",
        "node",
        "rbac.authorization",
        "scheduling",
        "storage",
        "storagemigration",
    ];
    let suffixed = group.strip_suffix(".k8s.io").is_some_and(|name| SUFFIXED.contains(&name) || name == "resource");
    matches!(group, "" | "apps" | "autoscaling" | "batch" | "policy") || suffixed
}

/// Whether objects of a built-in kind live in a namespace; none where only the server knows.
pub fn namespaced(group: &str, kind: &str) -> Option<bool> {
    const CLUSTER: [&str; 38] = [
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterTrustBundle",
        "ComponentStatus",
        "CustomResourceDefinition",
        "DeviceClass",
        "DeviceTaintRule",
        "FlowSchema",
        "IPAddress",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "ResourceSlice",
        "RuntimeClass",
        "SelfSubjectAccessReview",
        "SelfSubjectReview",
        "SelfSubjectRulesReview",
        "ServiceCIDR",
        "StorageClass",
        "StorageVersion",
        "StorageVersionMigration",
        "SubjectAccessReview",
        "TokenReview",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
    ];
    if !built_in(group) || kind == "ResourcePoolStatusRequest" {
        return None;
    }
    Some(!CLUSTER.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_rules() {
        for (text, is_label, is_subdomain) in [
            ("a", true, true),
            ("a-b", true, true),
            ("a--b", true, true),
            ("a.b", false, true),
            ("a..b", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("a.-b", false, false),
            ("A", false, false),
            ("", false, false),
            ("a_b", false, false),
            (&"a".repeat(64), false, true),
            (&"a".repeat(254), false, false),
        ] {
            assert_eq!((label(text), subdomain(text)), (is_label, is_subdomain), "{text}");
        }
    }
}
