//! Small facts of a system: kernel arguments, security, name servers, keys of the SSH server, load.

use crate::state::Fields;
use crate::text::{Map, Value};

use super::Collector;
use super::raw::{Raw, texts};

pub(super) const LSB: Collector = Collector {
    name: "lsb",
    minimal: true,
    files: &["/etc/lsb-release"],
    tools: &[("lsb", "lsb_release -a")],
    read: lsb,
    ..Collector::NONE
};

fn lsb(raw: &Raw<'_>) -> Fields {
    let mut map = Map::new();
    for line in raw.tool("lsb").unwrap_or_default().lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let key = match name.trim() {
            "LSB Version" | "Release" => "release",
            "Distributor ID" => "id",
            "Description" => "description",
            "Codename" => "codename",
            _ => continue,
        };
        map.insert(key, value.trim());
    }
    if map.is_empty() {
        for line in raw.lines("/etc/lsb-release") {
            let Some((name, value)) = line.split_once('=') else { continue };
            let key = match name.trim() {
                "DISTRIB_ID" => "id",
                "DISTRIB_RELEASE" => "release",
                "DISTRIB_DESCRIPTION" => "description",
                "DISTRIB_CODENAME" => "codename",
                _ => continue,
            };
            map.insert(key, value.trim());
        }
    }
    if let Some(release) = map.get("release").and_then(Value::as_str) {
        let major = release.split('.').next().unwrap_or_default().to_string();
        map.insert("major_release", major);
    }
    let bare = |value: &Value| Value::text(value.as_str().unwrap_or_default().trim_matches(['\'', '"', '\\']));
    let map: Map = map.iter().map(|(key, value)| (key.clone(), bare(value))).collect();
    Fields::from([("lsb".into(), map.into())])
}

pub(super) const SELINUX: Collector = Collector {
    name: "selinux",
    minimal: true,
    files: &["/sys/fs/selinux/enforce", "/sys/fs/selinux/policyvers", "/etc/selinux/config"],
    read: selinux,
    ..Collector::NONE
};

fn selinux(raw: &Raw<'_>) -> Fields {
    let mut map = Map::new();
    let configured = |name: &str| {
        let line = raw.lines("/etc/selinux/config").iter().rev().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
        Some(line.trim().to_lowercase())
    };
    match raw.file("/sys/fs/selinux/enforce") {
        None => drop(map.insert("status", "disabled")),
        Some(enforce) => {
            map.insert("status", "enabled");
            map.insert("policyvers", raw.file("/sys/fs/selinux/policyvers").and_then(|text| text.parse::<i64>().ok()));
            map.insert("config_mode", configured("SELINUX").unwrap_or_else(|| "unknown".into()));
            map.insert("mode", if enforce == "1" { "enforcing" } else { "permissive" });
            map.insert("type", configured("SELINUXTYPE").unwrap_or_else(|| "unknown".into()));
        }
    }
    Fields::from([("selinux".into(), map.into()), ("selinux_python_present".into(), Value::Bool(true))])
}

pub(super) const APPARMOR: Collector =
    Collector { name: "apparmor", minimal: true, there: &["/sys/kernel/security/apparmor"], read: apparmor, ..Collector::NONE };

fn apparmor(raw: &Raw<'_>) -> Fields {
    let status = if raw.there("/sys/kernel/security/apparmor") { "enabled" } else { "disabled" };
    Fields::from([("apparmor".into(), Value::map([("status", status)]))])
}

pub(super) const CHROOT: Collector = Collector {
    name: "chroot",
    ids: &["is_chroot"],
    tools: &[(
        "roots",
        "echo \"${debian_chroot:-}\"; [ / -ef /proc/1/root/. ] && echo : || { stat -c '%i:%d' / /proc/1/root/. || { echo -; stat -f -c %T /; }; }",
    )],
    read: chroot,
    ..Collector::NONE
};

fn chroot(raw: &Raw<'_>) -> Fields {
    let text = raw.tool("roots").unwrap_or_default();
    let mut lines: Vec<&str> = text.lines().collect();
    // an empty first line was trimmed away
    let named = lines.first().is_some_and(|line| !line.contains(':'));
    if named {
        lines.remove(0);
    }
    let own = lines.first().copied().unwrap_or_default();
    let inode = match lines.get(2).copied().unwrap_or_default() {
        system if system.contains("btrfs") => "256",
        system if system.contains("xfs") => "128",
        _ => "2",
    };
    let is = named
        || match lines.get(1).copied() {
            _ if own == ":" => false, // one and the same
            Some("-") | None => own.split(':').next() != Some(inode),
            Some(first) => own != first,
        };
    Fields::from([("is_chroot".into(), Value::Bool(is))])
}

pub(super) const FIPS: Collector =
    Collector { name: "fips", minimal: true, files: &["/proc/sys/crypto/fips_enabled"], read: fips, ..Collector::NONE };

fn fips(raw: &Raw<'_>) -> Fields {
    Fields::from([("fips".into(), Value::Bool(raw.file("/proc/sys/crypto/fips_enabled").as_deref() == Some("1")))])
}

pub(super) const CAPS: Collector = Collector {
    name: "caps",
    ids: &["system_capabilities", "system_capabilities_enforced"],
    minimal: true,
    tools: &[("capsh", "capsh --print")],
    read: caps,
    ..Collector::NONE
};

fn caps(raw: &Raw<'_>) -> Fields {
    let text = raw.tool("capsh");
    let current = text.as_deref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("Current:")));
    let (enforced, all) = match (text.is_some(), current.map(str::trim)) {
        (false, _) => ("N/A", Value::text("N/A")),
        (true, None) => ("NA", Value::list([])),
        (true, Some("=ep")) => ("False", Value::list([])),
        (true, Some(current)) => ("True", texts(current.split('=').nth(1).unwrap_or_default().split(',').map(str::trim))),
    };
    Fields::from([("system_capabilities_enforced".into(), Value::text(enforced)), ("system_capabilities".into(), all)])
}

pub(super) const CMDLINE: Collector =
    Collector { name: "cmdline", minimal: true, files: &["/proc/cmdline"], read: cmdline, ..Collector::NONE };

fn cmdline(raw: &Raw<'_>) -> Fields {
    let Some(line) = raw.file("/proc/cmdline") else { return Fields::new() };
    let (mut last, mut all) = (Map::new(), Map::new());
    for word in words(&line) {
        let Some((name, value)) = word.split_once('=') else {
            last.insert(word, true);
            all.insert(word, true);
            continue;
        };
        last.insert(name, value);
        let joined = match all.get(name) {
            None => Value::text(value),
            Some(Value::List(had)) => Value::list(had.iter().cloned().chain([Value::text(value)])),
            Some(had) => Value::list([had.clone(), Value::text(value)]),
        };
        all.insert(name, joined);
    }
    Fields::from([("cmdline".into(), last.into()), ("proc_cmdline".into(), all.into())])
}

/// Words between blanks; quotes hold blanks and stay.
fn words(line: &str) -> Vec<&str> {
    let (mut quote, mut start, mut all) = (None, None, vec![]);
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => all.extend(start.take().map(|start| &line[start..at])),
            _ => {}
        }
        if !c.is_whitespace() || quote.is_some() {
            start.get_or_insert(at);
        }
    }
    all.extend(start.map(|start| &line[start..]));
    all
}

pub(super) const DNS: Collector = Collector { name: "dns", minimal: true, files: &["/etc/resolv.conf"], read: dns, ..Collector::NONE };

fn dns(raw: &Raw<'_>) -> Fields {
    let mut map = Map::new();
    let mut servers = vec![];
    for line in raw.lines("/etc/resolv.conf") {
        if line.starts_with(['#', ';']) {
            continue;
        }
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") => {
                servers.extend(words.map(Value::text));
                map.insert("nameservers", servers.clone());
            }
            Some("domain") => drop(words.next().map(|domain| map.insert("domain", domain))),
            Some(word @ ("search" | "sortlist")) => drop(map.insert(word, texts(words))),
            Some("options") => {
                let option = |word: &str| match word.split_once(':') {
                    Some((name, value)) if !value.is_empty() => (name.into(), Value::text(value)),
                    Some((name, _)) => (name.into(), Value::Bool(true)),
                    None => (word.into(), Value::Bool(true)),
                };
                map.insert("options", words.map(option).collect::<Map>());
            }
            _ => {}
        }
    }
    Fields::from([("dns".into(), map.into())])
}

pub(super) const LOADAVG: Collector = Collector { name: "loadavg", files: &["/proc/loadavg"], read: loadavg, ..Collector::NONE };

fn loadavg(raw: &Raw<'_>) -> Fields {
    let text = raw.file("/proc/loadavg").unwrap_or_default();
    let loads: Vec<f64> = text.split_whitespace().take(3).filter_map(|word| word.parse().ok()).collect();
    let [one, five, fifteen] = loads[..] else { return Fields::new() };
    Fields::from([("loadavg".into(), Value::map([("1m", one), ("5m", five), ("15m", fifteen)]))])
}

pub(super) const SSH_PUB_KEYS: Collector = Collector {
    name: "ssh_pub_keys",
    ids: &[
        "ssh_host_pub_keys",
        "ssh_host_key_dsa_public",
        "ssh_host_key_rsa_public",
        "ssh_host_key_ecdsa_public",
        "ssh_host_key_ed25519_public",
    ],
    minimal: true,
    files: &["/etc/ssh/ssh_host_*_key.pub", "/etc/openssh/ssh_host_*_key.pub", "/etc/ssh_host_*_key.pub"],
    read: ssh_pub_keys,
    ..Collector::NONE
};

fn ssh_pub_keys(raw: &Raw<'_>) -> Fields {
    let mut fields = Fields::new();
    for folder in ["/etc/ssh", "/etc/openssh", "/etc"] {
        if !fields.is_empty() {
            break;
        }
        for algorithm in ["dsa", "rsa", "ecdsa", "ed25519"] {
            let text = raw.file(&format!("{folder}/ssh_host_{algorithm}_key.pub")).unwrap_or_default();
            let mut words = text.split_whitespace();
            if let (Some(kind), Some(key)) = (words.next(), words.next()) {
                fields.insert(format!("ssh_host_key_{algorithm}_public").into(), Value::text(key));
                fields.insert(format!("ssh_host_key_{algorithm}_public_keytype").into(), Value::text(kind));
            }
        }
    }
    fields
}
