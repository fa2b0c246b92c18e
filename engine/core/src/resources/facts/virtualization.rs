//! Whether a host is a guest, and of what: the signs that Ansible goes by, in its order; the first names the type.

use std::collections::BTreeSet;

use crate::state::Fields;
use crate::text::Value;

use super::Collector;
use super::raw::{Raw, texts};

pub(super) const VIRTUAL: Collector = Collector {
    name: "virtual",
    ids: &["virtualization_type", "virtualization_role", "virtualization_tech_guest", "virtualization_tech_host"],
    files: &[
        "/proc/1/cgroup",
        "/run/systemd/container",
        "/proc/xen/capabilities",
        "/sys/devices/virtual/dmi/id/*_*",
        "/proc/cpuinfo",
        "/proc/modules",
    ],
    there: &["/proc/1/cgroup", "/proc/vz", "/proc/lve", "/proc/bc", "/.dockerenv", "/.dockerinit", "/proc/xen", "/dev/kvm"],
    // only what begins so: the rest of the environment of process 1 is nobody's business. The shell reads no NUL bytes
    tools: &[(
        "container",
        "c=; [ -r /proc/1/environ ] && while read -r l || [ \"$l\" ]; do case $l in *container=*) c=1 ;; esac; done </proc/1/environ
[ -n \"$c\" ] && tr '\\0' '\\n' </proc/1/environ | while IFS= read -r l; do case $l in container=*) printf '%s\\n' \"$l\" ;; esac; done",
    )],
    read: virtualization,
    ..Collector::NONE
};

#[derive(Default)]
struct Found {
    kind: Option<(String, &'static str)>,
    guest: BTreeSet<String>,
    host: BTreeSet<String>,
}

impl Found {
    fn guest(&mut self, kind: &str) {
        self.guest.insert(kind.to_string());
        self.kind.get_or_insert_with(|| (kind.to_string(), "guest"));
    }

    fn host(&mut self, kind: &str) {
        self.host.insert(kind.to_string());
        self.kind.get_or_insert_with(|| (kind.to_string(), "host"));
    }
}

fn virtualization(raw: &Raw<'_>) -> Fields {
    let mut found = Found::default();
    containers(raw, &mut found);
    if raw.there("/proc/xen") {
        let host = raw.lines("/proc/xen/capabilities").iter().any(|line| line.contains("control_d"));
        if host {
            found.host("xen");
        } else {
            found.kind.get_or_insert_with(|| ("xen".into(), "guest"));
        }
    }
    firmware(raw, &mut found);
    processor(raw, &mut found);
    let modules: Vec<&str> = raw.lines("/proc/modules").iter().filter_map(|line| line.split(' ').next()).collect();
    if modules.contains(&"kvm") {
        found.host("kvm");
    }
    if modules.contains(&"vboxdrv") {
        found.host("virtualbox");
    }
    if modules.contains(&"virtio") {
        found.host.insert("kvm".into());
        found.kind.get_or_insert_with(|| ("kvm".into(), "guest"));
    }
    if raw.there("/dev/kvm") {
        found.host("kvm");
    }
    let (kind, role) = found.kind.unwrap_or(("NA".into(), "NA"));
    Fields::from([
        ("virtualization_type".into(), Value::text(kind)),
        ("virtualization_role".into(), Value::text(role)),
        ("virtualization_tech_guest".into(), texts(found.guest.iter().map(String::as_str))),
        ("virtualization_tech_host".into(), texts(found.host.iter().map(String::as_str))),
    ])
}

fn containers(raw: &Raw<'_>, found: &mut Found) {
    for line in raw.lines("/proc/1/cgroup") {
        let scoped =
            |rest: &str| rest.split_once(".scope").is_some_and(|(id, _)| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if line.contains("/docker/") || line.split("/docker-").skip(1).any(scoped) {
            found.guest("docker");
        }
        if line.contains("/lxc/") || line.contains("/machine.slice/machine-lxc") {
            found.guest("lxc");
        }
        if line.contains("/system.slice/containerd.service") {
            found.guest("containerd");
        }
    }
    for line in raw.tool("container").unwrap_or_default().lines() {
        if line.contains("container=lxc") {
            found.guest("lxc");
        }
        if line.contains("container=podman") {
            found.guest("podman");
        }
        if line.len() > "container=".len() {
            found.guest("container");
        }
    }
    if raw.there("/proc/vz") && !raw.there("/proc/lve") {
        if raw.there("/proc/bc") { found.host("openvz") } else { found.guest("openvz") }
    }
    let systemd = raw.file("/run/systemd/container");
    if let Some(container) = &systemd {
        found.guest(container);
    }
    if raw.there("/.dockerenv") || raw.there("/.dockerinit") {
        found.guest("docker");
    }
    if systemd.is_some() || ["docker", "lxc", "podman", "openvz", "containerd"].iter().any(|kind| found.guest.contains(*kind)) {
        found.guest.insert("container".into());
    }
}

fn firmware(raw: &Raw<'_>, found: &mut Found) {
    let file = |name: &str| raw.file(&format!("/sys/devices/virtual/dmi/id/{name}")).unwrap_or_default();
    let (product, vendor, family, bios) = (file("product_name"), file("sys_vendor"), file("product_family"), file("bios_vendor"));
    let product = product.as_str();
    let mut when = |holds: bool, kind: &str| {
        if holds {
            found.guest(kind);
        }
    };
    when(matches!(product, "KVM" | "KVM Server" | "Bochs" | "AHV" | "CloudStack KVM Hypervisor"), "kvm");
    when(vendor == "oVirt", "oVirt");
    when(vendor == "Red Hat" && family == "RHV", "RHV");
    when(vendor == "Red Hat" && family != "RHV" && product == "RHEV Hypervisor", "RHEV");
    when(product.starts_with("VMware"), "VMware");
    when(matches!(product, "OpenStack Compute" | "OpenStack Nova"), "openstack");
    when(bios == "Xen", "xen");
    when(bios == "innotek GmbH", "virtualbox");
    when(matches!(bios.as_str(), "Amazon EC2" | "DigitalOcean" | "Hetzner" | "Linode"), "kvm");
    when(matches!(vendor.as_str(), "QEMU" | "Amazon EC2" | "DigitalOcean" | "Google" | "Scaleway" | "Nutanix"), "kvm");
    when(vendor == "KubeVirt", "KubeVirt");
    when(vendor == "Microsoft Corporation", "VirtualPC");
    when(vendor == "Parallels Software International Inc.", "parallels");
    when(vendor == "OpenStack Foundation", "openstack");
}

fn processor(raw: &Raw<'_>, found: &mut Found) {
    for line in raw.lines("/proc/cpuinfo") {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        match name.trim() {
            "model name" if value.contains("QEMU Virtual CPU") => found.guest("kvm"),
            "vendor_id" if value.contains("User Mode Linux") => found.guest("uml"),
            "model name" if value.contains("UML") => found.guest("uml"),
            "machine" if value.contains("CHRP IBM pSeries") && value.contains("emulated by qemu") => found.guest("kvm"),
            "vendor_id" if value.contains("PowerVM Lx86") => found.guest("powervm_lx86"),
            _ => {}
        }
    }
}
