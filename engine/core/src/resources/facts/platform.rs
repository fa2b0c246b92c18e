//! System, names, and which programs manage packages and services.

use crate::state::Fields;
use crate::text::{Map, Value};

use super::raw::Raw;
use super::{Collector, distribution};

pub(super) const PLATFORM: Collector = Collector {
    name: "platform",
    ids: &["system", "kernel", "kernel_version", "machine", "architecture", "machine_id", "python_version"],
    minimal: true,
    files: &[
        "/etc/machine-id",
        "/var/lib/dbus/machine-id",
        "/proc/self/stat",
        "/proc/sys/kernel/ostype",
        "/proc/sys/kernel/hostname",
        "/proc/sys/kernel/osrelease",
        "/proc/sys/kernel/version",
        "/proc/sys/kernel/arch",
    ],
    tools: &[
        // as Python's `socket.getfqdn`: the name's address, and that address's names
        (
            "names",
            "read -r n </proc/sys/kernel/hostname || n=$(uname -n); set -- $(getent ahosts \"$n\"); if [ $# -gt 0 ]; then getent hosts \"$1\"; else echo \"- $(hostname -f)\"; fi",
        ),
        // a host may show its programs another machine than the kernel's own; old kernels tell theirs nowhere else
        ("uname", "m=; [ -r /proc/sys/kernel/arch ] && read -r m </proc/self/personality; [ \"$m\" = 00000000 ] || uname -snrvm"),
        FIND_PYTHON,
    ],
    read: platform,
    ..Collector::NONE
};

/// The Python that Ansible would take: a host needs none, and tells of it where it is there.
const FIND_PYTHON: (&str, &str) = (
    "python",
    "for p in python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 /usr/bin/python3 python3; do command -v $p && { $p -V; break; }; done",
);

pub(super) const PYTHON: Collector = Collector { name: "python", minimal: true, tools: &[FIND_PYTHON], read: python, ..Collector::NONE };

/// Its path and version: `3.11.2`, `3.14.0rc1`.
fn interpreter(raw: &Raw<'_>) -> Option<(String, String)> {
    let said = raw.tool("python")?;
    let (path, version) = said.split_once('\n')?;
    let version = version.strip_prefix("Python ")?.split_whitespace().next()?;
    Some((path.to_string(), version.to_string()))
}

fn python(raw: &Raw<'_>) -> Fields {
    let Some((path, version)) = interpreter(raw) else { return Fields::new() };
    let mut parts = version.splitn(3, '.');
    let mut next = || parts.next().unwrap_or_default();
    let (major, minor, rest) = (next(), next(), next());
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (micro, mark) = rest.split_at(end);
    let serial = mark.trim_start_matches(|c: char| c.is_ascii_alphabetic()).trim_end_matches('+');
    let level = match mark.chars().next() {
        Some('a') => "alpha",
        Some('b') => "beta",
        Some('r') => "candidate",
        _ => "final",
    };
    let number = |text: &str| Value::Int(text.parse().unwrap_or(0));
    let all = [
        ("major", number(major)),
        ("minor", number(minor)),
        ("micro", number(micro)),
        ("releaselevel", Value::text(level)),
        ("serial", number(serial)),
    ];
    let kind = if path.contains("pypy") { "pypy" } else { "cpython" };
    let python = Value::map([
        ("version_info", Value::list(all.iter().map(|(_, value)| value.clone()))),
        ("version", Value::map(all)),
        ("executable", Value::text(path)),
        ("has_sslcontext", Value::Bool(true)),
        ("type", Value::text(kind)),
    ]);
    Fields::from([("python".into(), python)])
}

fn platform(raw: &Raw<'_>) -> Fields {
    let mut fields = Fields::new();
    if let Some((_, version)) = interpreter(raw) {
        fields.insert("python_version".into(), Value::text(version));
    }
    let [system, node, kernel, version, machine] = uname(raw);
    let fqdn = fqdn(&node, &raw.tool("names").unwrap_or_default());
    let wide = bits(raw).unwrap_or_else(|| machine.contains("64") || machine == "s390x");
    let bits = if wide { "64" } else { "32" }.to_string();
    let intel = matches!(machine.as_str(), "i386" | "i486" | "i586" | "i686" | "i86pc");
    if machine == "x86_64" || intel {
        fields.insert("userspace_architecture".into(), Value::text(if bits == "64" { "x86_64" } else { "i386" }));
    }
    let id = raw.file("/var/lib/dbus/machine-id").or_else(|| raw.file("/etc/machine-id"));
    if let Some(line) = id.as_deref().and_then(|text| text.lines().next()) {
        fields.insert("machine_id".into(), Value::text(line));
    }
    let domain = fqdn.split_once('.').map_or("", |(_, domain)| domain).to_string();
    let hostname = node.split('.').next().unwrap_or_default().to_string();
    let architecture = if intel { "i386".to_string() } else { machine.clone() };
    for (name, value) in [
        ("system", system),
        ("nodename", node),
        ("hostname", hostname),
        ("fqdn", fqdn),
        ("domain", domain),
        ("kernel", kernel),
        ("kernel_version", version),
        ("architecture", architecture),
        ("machine", machine),
        ("userspace_bits", bits),
    ] {
        fields.insert(name.into(), Value::text(value));
    }
    fields
}

/// System, node, kernel, its version, machine.
fn uname(raw: &Raw<'_>) -> [String; 5] {
    let Some(said) = raw.tool("uname") else {
        let names = ["ostype", "hostname", "osrelease", "version", "arch"];
        return names.map(|name| raw.file(&format!("/proc/sys/kernel/{name}")).unwrap_or_default());
    };
    // the words about the version may hold blanks, the others hold none
    let (rest, machine) = said.rsplit_once(' ').unwrap_or_default();
    let mut words = rest.splitn(4, ' ').chain([machine]).map(str::to_string);
    std::array::from_fn(|_| words.next().unwrap_or_default())
}

/// Whether programs of this host have 64 bits, whatever its kernel has: by where the stack of one of them begins.
fn bits(raw: &Raw<'_>) -> Option<bool> {
    const STACK: usize = 28;
    // the name, the second of the words, may hold blanks
    let (_, rest) = raw.lines("/proc/self/stat").first()?.rsplit_once(") ")?;
    let start: u64 = rest.split(' ').nth(STACK - 3)?.parse().ok()?;
    (start > 0).then_some(start > u64::from(u32::MAX))
}

/// The first name with a dot among those of the node's address, in the order in which they are told; the first of them
/// where none has one; the node's own name where it has no address.
fn fqdn(node: &str, names: &str) -> String {
    let names: Vec<&str> = names.lines().next().unwrap_or_default().split_whitespace().skip(1).collect();
    names.iter().find(|name| name.contains('.')).or(names.first()).unwrap_or(&node).to_string()
}

pub(super) const PKG_MGR: Collector = Collector {
    name: "pkg_mgr",
    minimal: true,
    requires: &["distribution"],
    there: &[
        "/usr/bin/rpm-ostree",
        "/usr/bin/yum",
        "/usr/bin/dnf-3",
        "/usr/bin/dnf5",
        "/usr/bin/apt-get",
        "/usr/bin/zypper",
        "/usr/sbin/urpmi",
        "/usr/bin/pacman",
        "/bin/opkg",
        "/usr/local/bin/brew",
        "/sbin/apk",
        "/usr/bin/emerge",
        "/usr/bin/xbps-install",
        "/usr/bin/swupd",
        "/usr/sbin/sorcery",
        "/run/ostree-booted",
        "/usr/bin/dnf",
        "/usr/bin/microdnf",
    ],
    links: &["/usr/bin/dnf", "/usr/bin/microdnf"],
    tools: &[(
        "apt_rpm",
        "[ -x /usr/bin/rpm ] && [ -x /usr/bin/apt-get ] && /usr/bin/rpm -q --whatprovides /usr/bin/apt-get >/dev/null && echo yes",
    )],
    read: pkg_mgr,
    ..Collector::NONE
};

fn pkg_mgr(raw: &Raw<'_>) -> Fields {
    const KNOWN: [(&str, &str); 15] = [
        ("/usr/bin/rpm-ostree", "atomic_container"),
        ("/usr/bin/yum", "dnf"),
        ("/usr/bin/dnf-3", "dnf"),
        ("/usr/bin/dnf5", "dnf5"),
        ("/usr/bin/apt-get", "apt"),
        ("/usr/bin/zypper", "zypper"),
        ("/usr/sbin/urpmi", "urpmi"),
        ("/usr/bin/pacman", "pacman"),
        ("/bin/opkg", "opkg"),
        ("/usr/local/bin/brew", "homebrew"),
        ("/sbin/apk", "apk"),
        ("/usr/bin/emerge", "portage"),
        ("/usr/bin/xbps-install", "xbps"),
        ("/usr/bin/swupd", "swupd"),
        ("/usr/sbin/sorcery", "sorcery"),
    ];
    let distribution = distribution::distribution(raw);
    let family = distribution.get("os_family").and_then(Value::as_str).unwrap_or_default();
    let last = KNOWN.iter().rev().find(|(path, _)| raw.there(path)).map_or("unknown", |(_, name)| name);
    let name = match family {
        "RedHat" if raw.there("/run/ostree-booted") => "atomic_container",
        "RedHat" => match ["/usr/bin/dnf", "/usr/bin/microdnf"].into_iter().find(|path| raw.there(path)) {
            Some(path) if raw.link(path).is_some_and(|to| to.rsplit('/').next() == Some("dnf5")) => "dnf5",
            Some(_) => "dnf",
            None => "unknown",
        },
        "Altlinux" if last == "apt" => "apt_rpm",
        "Debian" => "apt",
        _ => last,
    };
    let name = if name == "apt" && raw.tool("apt_rpm").is_some() { "apt_rpm" } else { name };
    Fields::from([("pkg_mgr".into(), Value::text(name))])
}

pub(super) const SERVICE_MGR: Collector = Collector {
    name: "service_mgr",
    minimal: true,
    requires: &["platform", "distribution"],
    files: &["/proc/1/comm"],
    there: &["/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd", "/etc/init", "/sbin/openrc", "/etc/init.d", "/etc/dinit.d"],
    links: &["/sbin/init"],
    tools: &[("systemctl", "command -v systemctl"), ("initctl", "command -v initctl")],
    read: service_mgr,
    ..Collector::NONE
};

fn booted_by_systemd(raw: &Raw<'_>) -> bool {
    raw.tool("systemctl").is_some() && ["/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd"].iter().any(|path| raw.there(path))
}

fn service_mgr(raw: &Raw<'_>) -> Fields {
    let base = |path: &str| path.rsplit('/').next().unwrap_or(path).trim().to_string();
    let init = raw.link("/sbin/init").map(base);
    let first = raw.file("/proc/1/comm").map(|name| base(&name)).or_else(|| init.clone());
    let distribution = distribution::distribution(raw);
    let distribution = distribution.get("distribution").and_then(Value::as_str).unwrap_or_default();
    let name = match first.filter(|name| name != "init" && !name.ends_with("sh")) {
        Some(name) => match name.as_str() {
            "procd" => "openwrt_init".into(),
            "runit-init" => "runit".into(),
            "svscan" => "svc".into(),
            "openrc-init" => "openrc".into(),
            _ => name,
        },
        None if distribution == "OpenWrt" => "openwrt_init".into(),
        None if distribution == "SMGL" => "simpleinit_msb".into(),
        None if booted_by_systemd(raw) => "systemd".into(),
        None if raw.tool("initctl").is_some() && raw.there("/etc/init") => "upstart".into(),
        None if raw.there("/sbin/openrc") => "openrc".into(),
        None if raw.tool("systemctl").is_some() && init.as_deref() == Some("systemd") => "systemd".into(),
        None if raw.there("/etc/init.d") => "sysvinit".into(),
        None if raw.there("/etc/dinit.d") => "dinit".into(),
        None => "service".to_string(),
    };
    Fields::from([("service_mgr".into(), Value::text(name))])
}

pub(super) const SYSTEMD: Collector = Collector {
    name: "systemd",
    there: SERVICE_MGR.there,
    tools: &[("systemctl", "command -v systemctl"), ("systemd", "[ -d /run/systemd/system ] && systemctl --version")],
    read: systemd,
    ..Collector::NONE
};

fn systemd(raw: &Raw<'_>) -> Fields {
    let (true, Some(text)) = (booted_by_systemd(raw), raw.tool("systemd")) else { return Fields::new() };
    let mut map = Map::new();
    map.insert("features", text.lines().nth(1).unwrap_or_default());
    map.insert("version", text.split_whitespace().nth(1).and_then(super::raw::int));
    Fields::from([("systemd".into(), map.into())])
}

#[cfg(test)]
mod tests {
    use super::fqdn;

    #[test]
    fn names_as_python_finds_them() {
        assert_eq!(fqdn("web1", "10.0.0.1 web1.example.org web1"), "web1.example.org");
        assert_eq!(fqdn("web1", "127.0.1.1 localhost web1"), "localhost");
        assert_eq!(fqdn("web1", ""), "web1");
    }
}
