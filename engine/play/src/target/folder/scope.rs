//! Which kinds belong to the whole cluster: a folder has no server to ask.

/// `None`: a kind that nobody here knows.
pub(super) fn namespaced(group: &str, kind: &str) -> Option<bool> {
    let whole_cluster: &[&str] = match group {
        "" => &["Namespace", "Node", "PersistentVolume", "ComponentStatus"],
        "rbac.authorization.k8s.io" => &["ClusterRole", "ClusterRoleBinding"],
        "storage.k8s.io" => &["StorageClass", "VolumeAttachment", "CSIDriver", "CSINode", "VolumeAttributesClass"],
        "snapshot.storage.k8s.io" => &["VolumeSnapshotClass", "VolumeSnapshotContent"],
        "networking.k8s.io" => &["IngressClass", "IPAddress", "ServiceCIDR"],
        "gateway.networking.k8s.io" => &["GatewayClass"],
        "certificates.k8s.io" => &["CertificateSigningRequest", "ClusterTrustBundle"],
        "resource.k8s.io" => &["DeviceClass", "ResourceSlice", "DeviceTaintRule"],
        "cert-manager.io" => &["ClusterIssuer"],
        "apiextensions.k8s.io"
        | "apiregistration.k8s.io"
        | "admissionregistration.k8s.io"
        | "scheduling.k8s.io"
        | "node.k8s.io"
        | "flowcontrol.apiserver.k8s.io" => {
            return Some(false);
        }
        _ => &[],
    };
    if whole_cluster.contains(&kind) {
        return Some(false);
    }
    let ours = !group.contains('.') || group.ends_with(".k8s.io") || group == "cert-manager.io";
    ours.then_some(true)
}
