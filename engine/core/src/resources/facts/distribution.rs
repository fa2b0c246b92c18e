//! Which distribution a host runs: the files that distributions put down, in Ansible's order and with its exceptions.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;

use crate::state::Fields;
use crate::text::Value;

use super::Collector;
use super::family::family;
use super::raw::Raw;

pub(super) const DISTRIBUTION: Collector = Collector {
    name: "distribution",
    ids: &["distribution_version", "distribution_release", "distribution_major_version", "os_family"],
    minimal: true,
    requires: &["platform"],
    files: &[
        "/etc/altlinux-release",
        "/etc/oracle-release",
        "/etc/slackware-version",
        "/etc/centos-release",
        "/etc/redhat-release",
        "/etc/openwrt_release",
        "/etc/os-release",
        "/usr/lib/os-release",
        "/etc/system-release",
        "/etc/alpine-release",
        "/etc/SuSE-release",
        "/etc/lsb-release",
        "/etc/debian_version",
    ],
    there: &["/etc/vmware-release", "/etc/arch-release"],
    links: &["/etc/products.d/baseproduct"],
    read: distribution,
    ..Collector::NONE
};

/// What is known so far.
struct Found {
    name: String,
    version: String,
    release: String,
    major: String,
    minor: Option<String>,
}

pub(super) fn distribution(raw: &Raw<'_>) -> Fields {
    let os = raw.file("/etc/os-release").or_else(|| raw.file("/usr/lib/os-release")).unwrap_or_default();
    let mut found = guess(raw, &os);
    let mut fields = Fields::new();
    if let Some((path, variety, parsed)) = refine(raw, &mut found) {
        fields.insert("distribution_file_path".into(), Value::text(path));
        fields.insert("distribution_file_variety".into(), Value::text(variety));
        if parsed {
            fields.insert("distribution_file_parsed".into(), Value::Bool(true));
        }
    }
    fields.insert("os_family".into(), Value::text(family(&found.name)));
    for (name, value) in [
        ("distribution", Some(found.name)),
        ("distribution_version", Some(found.version)),
        ("distribution_release", Some(found.release)),
        ("distribution_major_version", Some(found.major)),
        ("distribution_minor_version", found.minor),
    ] {
        if let Some(value) = value {
            fields.insert(name.into(), Value::text(value));
        }
    }
    fields
}

/// A value of os-release, without its quotes.
fn value(text: &str, name: &str) -> Option<String> {
    let line = text.lines().rev().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
    Some(line.trim().trim_matches(['"', '\'']).to_string())
}

/// What the first group of a pattern finds. Each of these few patterns is compiled once, however many hosts there are.
fn pattern(text: &str, pattern: &str) -> Option<String> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Option<Regex>>>> = LazyLock::new(Mutex::default);
    let found = {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(pattern.to_string()).or_insert_with(|| Regex::new(pattern).ok()).clone()?
    };
    Some(found.captures(text)?.get(1)?.as_str().to_string())
}

/// What the Python package `distro` would say.
fn guess(raw: &Raw<'_>, os: &str) -> Found {
    let id = value(os, "ID").unwrap_or_default().to_lowercase().replace(' ', "_");
    let name = match id.as_str() {
        "amzn" => "Amazon".to_string(),
        "rhel" => "Redhat".to_string(),
        "" => "OtherLinux".to_string(),
        id => id[..1].to_uppercase() + &id[1..],
    };
    let red = raw.file("/etc/centos-release").or_else(|| raw.file("/etc/redhat-release")).unwrap_or_default();
    let line = |expression: &str| pattern(red.lines().next().unwrap_or_default(), expression);
    let mut version = value(os, "VERSION_ID").unwrap_or_default();
    let mut best = |other: Option<String>, always: bool| {
        if let Some(other) = other
            && (version.is_empty() || (always && other.matches('.').count() > version.matches('.').count()))
        {
            version = other;
        }
    };
    best(line(r"(\d[\d.]*)"), id == "centos");
    if id == "debian" || value(os, "ID_LIKE").unwrap_or_default().split(' ').any(|like| like == "debian") {
        best(raw.file("/etc/debian_version"), id == "debian");
    }
    if id == "centos" {
        version = version.split('.').take(2).collect::<Vec<_>>().join(".");
    }
    let codename = value(os, "VERSION_CODENAME").or_else(|| value(os, "UBUNTU_CODENAME"));
    let codename = codename.or_else(|| line(r"\(([^)]+)\)\s*$"));
    let version = if version.is_empty() { "NA".to_string() } else { version };
    let major = version.split('.').next().unwrap_or("NA").to_string();
    Found { name, major, version, release: codename.unwrap_or_else(|| "NA".into()), minor: None }
}

/// The first file that says more: where it is, whose it is, and whether it was read.
fn refine(raw: &Raw<'_>, found: &mut Found) -> Option<(&'static str, &'static str, bool)> {
    for (path, name) in [("/etc/altlinux-release", "Altlinux"), ("/etc/oracle-release", "OracleLinux")] {
        if let Some(text) = raw.file(path) {
            let known = text.contains(if name == "Altlinux" { "ALT" } else { "Oracle Linux" });
            found.name = if known { name.into() } else { first_word(&text) };
            return Some((path, name, true));
        }
    }
    if let Some(text) = raw.file("/etc/slackware-version").filter(|text| text.contains("Slackware")) {
        found.name = "Slackware".into();
        found.version = pattern(&text, r"(\w+[.]\w+\+?)").unwrap_or_else(|| found.version.clone());
        return Some(("/etc/slackware-version", "Slackware", true));
    }
    if let Some(text) = raw.file("/etc/centos-release") {
        if text.contains("CentOS Stream") {
            (found.name, found.release) = ("CentOS".into(), "Stream".into());
            return Some(("/etc/centos-release", "CentOS", true));
        }
        if text.contains("TencentOS Server") {
            found.name = "TencentOS".into();
            return Some(("/etc/centos-release", "CentOS", true));
        }
    }
    if let Some(text) = raw.file("/etc/redhat-release") {
        found.name = if text.contains("Red Hat") { "RedHat".into() } else { first_word(&text) };
        return Some(("/etc/redhat-release", "RedHat", true));
    }
    if raw.there("/etc/vmware-release") {
        found.name = "VMwareESX".into();
        return Some(("/etc/vmware-release", "VMwareESX", false));
    }
    if let Some(text) = raw.file("/etc/openwrt_release").filter(|text| text.contains("OpenWrt")) {
        let quoted = |name: &str| pattern(&text, &format!(r#"{name}=['"](.*)['"]"#));
        found.name = "OpenWrt".into();
        found.version = quoted("DISTRIB_RELEASE").unwrap_or_else(|| found.version.clone());
        found.release = quoted("DISTRIB_CODENAME").unwrap_or_else(|| found.release.clone());
        return Some(("/etc/openwrt_release", "OpenWrt", true));
    }
    amazon(raw, found).or_else(|| rest(raw, found))
}

fn first_word(text: &str) -> String {
    text.split_whitespace().next().unwrap_or_default().to_string()
}

fn amazon(raw: &Raw<'_>, found: &mut Found) -> Option<(&'static str, &'static str, bool)> {
    if let Some(text) = raw.file("/etc/os-release").filter(|text| text.contains("Amazon")) {
        found.name = "Amazon".into();
        if let Some(version) = pattern(&text, r#"VERSION_ID="(.*)""#) {
            let (major, minor) = version.split_once('.').unwrap_or((&version, "NA"));
            (found.major, found.minor) = (major.into(), Some(minor.into()));
            found.version = version.clone();
        }
        return Some(("/etc/os-release", "Amazon", true));
    }
    let text = raw.file("/etc/system-release").filter(|text| text.contains("Amazon"))?;
    found.name = "Amazon".into();
    found.version = text.split_whitespace().find(|word| word.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or("NA").into();
    Some(("/etc/system-release", "Amazon", true))
}

fn rest(raw: &Raw<'_>, found: &mut Found) -> Option<(&'static str, &'static str, bool)> {
    if let Some(text) = raw.file("/etc/alpine-release") {
        (found.name, found.version) = ("Alpine".into(), text);
        return Some(("/etc/alpine-release", "Alpine", true));
    }
    if raw.there("/etc/arch-release") {
        found.name = "Archlinux".into();
        return Some(("/etc/arch-release", "Archlinux", false));
    }
    let os = raw.file("/etc/os-release")?;
    if os.contains("Arch Linux") {
        found.name = "Archlinux".into();
        return Some(("/etc/os-release", "Archlinux", true));
    }
    if os.to_lowercase().contains("suse") {
        suse(raw, &os, found);
        return Some(("/etc/os-release", "SUSE", true));
    }
    for path in ["/etc/os-release", "/etc/lsb-release"] {
        if let Some(text) = raw.file(path)
            && debian(raw, &text, found)
        {
            return Some((if path == "/etc/os-release" { "/etc/os-release" } else { "/etc/lsb-release" }, "Debian", true));
        }
    }
    if found.name == "Flatcar" {
        return Some(("/etc/os-release", "Flatcar", true));
    }
    if let Some(name) = value(&os, "NAME") {
        found.name = name;
    }
    if found.version == "NA" {
        found.version = value(&os, "VERSION").unwrap_or_else(|| "NA".into());
    }
    Some(("/etc/os-release", "NA", true))
}

fn suse(raw: &Raw<'_>, os: &str, found: &mut Found) {
    found.name = value(os, "NAME").unwrap_or_else(|| found.name.clone());
    if let Some(version) = pattern(os, r#"(?m)^VERSION_ID="?([0-9]+\.?[0-9]*)"?"#) {
        let minor = version.split_once('.').map_or("", |(_, minor)| minor);
        found.major = version.split('.').next().unwrap_or_default().into();
        let lower = os.to_lowercase();
        if lower.contains("open") {
            found.release = minor.into();
        } else if lower.contains("enterprise") {
            found.release = if minor.is_empty() { "0".into() } else { minor.into() };
        }
        found.version = version.clone();
    }
    let variant = value(os, "VARIANT_ID");
    let product = raw.link("/etc/products.d/baseproduct").unwrap_or_default();
    match variant.as_deref() {
        Some("server-sap" | "sles-sap") => found.name = "SLES_SAP".into(),
        Some("transactional") => found.name = "SL-Micro".into(),
        None if product.ends_with("SLES_SAP.prod") => found.name = "SLES_SAP".into(),
        None if product.ends_with("SL-Micro.prod") => found.name = "SL-Micro".into(),
        _ => {}
    }
}

/// Debian and what is made of it.
fn debian(raw: &Raw<'_>, text: &str, found: &mut Found) -> bool {
    let has = |word: &str| text.contains(word);
    let quoted = pattern(text, r#"VERSION_ID="(.*)""#);
    let versioned = |found: &mut Found| {
        if let Some(version) = &quoted {
            found.major = version.split('.').next().unwrap_or_default().into();
            found.version = version.clone();
        }
    };
    if has("Debian") || has("Raspbian") {
        found.name = "Debian".into();
        if let Some(release) = pattern(text, r"PRETTY_NAME=[^(]+ \(?([^)]+?)\)") {
            found.release = release;
        }
        let minor = raw.lines("/etc/debian_version").iter().rev().find_map(|line| pattern(line, r"\d+\.(\d+)"));
        found.minor = minor.or(found.minor.take());
    } else if has("Ubuntu") {
        found.name = "Ubuntu".into();
    } else if has("SteamOS") {
        found.name = "SteamOS".into();
    } else if has("Kali") || has("Parrot") {
        found.name = if has("Kali") { "Kali".into() } else { "Parrot".into() };
        found.release = pattern(text, "DISTRIB_RELEASE=(.*)").unwrap_or_else(|| found.release.clone());
    } else if has("Devuan") {
        found.name = "Devuan".into();
        found.release = pattern(text, r#"PRETTY_NAME="?[^("]+ \(?([^) "]+)\)?"#).unwrap_or_else(|| found.release.clone());
        if let Some(version) = &quoted {
            (found.version, found.major) = (version.clone(), version.clone());
        }
    } else if has("Cumulus") {
        found.name = "Cumulus Linux".into();
        if let Some(version) = pattern(text, "VERSION_ID=(.*)") {
            found.major = version.split('.').next().unwrap_or_default().into();
            found.version = version;
        }
        found.release = pattern(text, r#"VERSION="(.*)""#).unwrap_or_else(|| found.release.clone());
    } else if has("Mint") {
        found.name = "Linux Mint".into();
        versioned(found);
    } else if has("UOS") || has("Uos") || has("uos") || has("Deepin") || has("deepin") {
        found.name = if has("UOS") || has("Uos") || has("uos") { "Uos".into() } else { "Deepin".into() };
        found.release = value(text, "VERSION_CODENAME").unwrap_or_else(|| found.release.clone());
        versioned(found);
    } else if has("LMDE") {
        found.name = "Linux Mint Debian Edition".into();
    } else {
        return false;
    }
    true
}
