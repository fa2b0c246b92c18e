//! Mounted file systems and block devices.

use std::collections::BTreeMap;

use crate::state::Fields;
use crate::text::{Map, Value};

use super::raw::{Raw, int, texts};

/// Sizes of what is mounted from devices and servers; a server that does not answer costs ten seconds, not the run. UUIDs
/// of devices only where one of them is mounted.
pub(super) const MOUNTED: &str = r#"w=; command -v timeout >/dev/null && w='timeout 10'
b=; set --; while read -r d m t r; do case $m in *\\*) m=$(printf '%b' "$m") ;; esac
case $d in /*) set -- "$@" "$m"; [ -b "$d" ] && b=1 ;; *:/*) $w stat -f -c '%S %s %b %a %f %c %d %n' "$m" ;; esac; done </proc/mounts
[ $# -gt 0 ] && stat -f -c '%S %s %b %a %f %c %d %n' "$@"
[ -n "$b" ] && { printf '\n@play tool lsblk\n'; lsblk --list --noheadings --paths --output NAME,UUID --exclude 2; }"#;

pub(super) fn mounts(raw: &Raw<'_>, fields: &mut Fields) {
    let table = if raw.lines("/etc/mtab").is_empty() { raw.lines("/proc/mounts") } else { raw.lines("/etc/mtab") };
    let sizes = raw.tool("mounted").unwrap_or_default();
    let sizes: BTreeMap<&str, Vec<i64>> = sizes.lines().filter_map(sized).collect();
    let uuids = uuids(raw);
    let bound: Vec<String> = raw.lines("/proc/self/mountinfo").iter().filter_map(|line| bound(line)).collect();
    let mut all: Vec<(String, Map)> = vec![];
    for line in table {
        let words: Vec<String> = line.split_whitespace().map(unescaped).collect();
        let [device, mount, system, options, rest @ ..] = &words[..] else { continue };
        if (!device.starts_with(['/', '\\']) && !device.contains(":/")) || system == "none" {
            continue;
        }
        let number = |at: usize| rest.get(at).and_then(|text| int(text)).unwrap_or(0);
        let mut map = Map::new();
        map.insert("mount", mount.as_str());
        map.insert("device", device.as_str());
        map.insert("fstype", system.as_str());
        let bind = bound.contains(mount) && !options.contains("bind\"");
        map.insert("options", if bind { format!("{options},bind") } else { options.clone() });
        map.insert("dump", number(0));
        map.insert("passno", number(1));
        if let Some([unit, block, total, available, _, inodes, free]) = sizes.get(mount.as_str()).map(Vec::as_slice) {
            for (name, value) in [
                ("size_total", unit * total),
                ("size_available", unit * available),
                ("block_size", *block),
                ("block_total", *total),
                ("block_available", *available),
                ("block_used", total - available),
                ("inode_total", *inodes),
                ("inode_available", *free),
                ("inode_used", inodes - free),
            ] {
                map.insert(name, value);
            }
        }
        map.insert("uuid", uuids.get(device.as_str()).cloned().unwrap_or_else(|| "N/A".into()));
        all.retain(|(have, _)| have != mount);
        all.push((mount.clone(), map));
    }
    fields.insert("mounts".into(), Value::list(all.into_iter().map(|(_, map)| Value::from(map))));
}

/// Seven numbers and a name.
fn sized(line: &str) -> Option<(&str, Vec<i64>)> {
    let words: Vec<&str> = line.splitn(8, ' ').collect();
    let numbers: Option<Vec<i64>> = words.get(..7)?.iter().map(|word| int(word)).collect();
    Some((words.get(7)?, numbers?))
}

/// Where a part of a file system is mounted, and not its root.
fn bound(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split(' ').collect();
    (*words.get(3)? != "/").then(|| words.get(4).map(|mount| unescaped(mount)))?
}

/// `\040` stands for a blank.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out += &rest[..at];
        match rest.get(at + 1..at + 4).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &rest[at + 4..];
            }
            None => {
                out.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out + rest
}

/// UUIDs by device: by lsblk, else by the links that udev makes.
fn uuids(raw: &Raw<'_>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (path, to) in raw.links("/dev/disk/by-uuid/") {
        all.insert(format!("/dev/{}", base(to)), base(path).to_string());
    }
    for line in raw.tool("lsblk").unwrap_or_default().lines() {
        let mut words = line.split_whitespace();
        if let (Some(device), Some(uuid)) = (words.next(), words.last()) {
            all.insert(device.to_string(), uuid.to_string());
        }
    }
    all
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Names of links by the device that they lead to.
fn links(raw: &Raw<'_>) -> BTreeMap<&'static str, BTreeMap<String, Vec<String>>> {
    let mut all: BTreeMap<&'static str, BTreeMap<String, Vec<String>>> =
        ["ids", "uuids", "labels", "masters"].map(|name| (name, BTreeMap::new())).into();
    for (name, folder) in [("ids", "/dev/disk/by-id/"), ("uuids", "/dev/disk/by-uuid/"), ("labels", "/dev/disk/by-label/")] {
        for (path, to) in raw.links(folder) {
            all.entry(name).or_default().entry(base(to).to_string()).or_default().push(base(path).to_string());
        }
    }
    for (path, _) in raw.links("/sys/block/").filter(|(path, _)| path.contains("/slaves/")) {
        let parts: Vec<&str> = path.split('/').collect();
        if let (Some(owner), Some(slave)) = (parts.get(3), parts.get(5)) {
            all.entry("masters").or_default().entry((*slave).to_string()).or_default().push((*owner).to_string());
        }
    }
    all
}

pub(super) fn devices(raw: &Raw<'_>, fields: &mut Fields) {
    let links = links(raw);
    let of = |device: &str| {
        Value::map(links.iter().map(|(name, all)| (*name, texts(all.get(device).into_iter().flatten().map(String::as_str)))))
    };
    let shown = links.iter().map(|(name, all)| {
        (*name, Value::map(all.iter().map(|(device, names)| (device.as_str(), texts(names.iter().map(String::as_str))))))
    });
    fields.insert("device_links".into(), Value::map(shown));
    let mut devices = Map::new();
    for (path, _) in raw.links("/sys/block/").filter(|(path, _)| path.matches('/').count() == 3) {
        let name = base(path);
        let file = |rest: &str| raw.file(&format!("{path}/{rest}"));
        let mut map = Map::new();
        map.insert("virtual", 1);
        map.insert("links", of(name));
        for key in ["vendor", "model", "sas_address", "sas_device_handle"] {
            map.insert(key, file(&format!("device/{key}")));
        }
        drop(file("device/serial").map(|serial| map.insert("serial", serial)));
        map.insert("removable", file("removable"));
        let never = file("queue/discard_max_hw_bytes").as_deref() == Some("0");
        map.insert("support_discard", if never { Some("0".into()) } else { file("queue/discard_granularity") });
        map.insert("rotational", file("queue/rotational"));
        let mode = file("queue/scheduler").and_then(|text| Some(text.split_once('[')?.1.split_once(']')?.0.to_string()));
        map.insert("scheduler_mode", mode.unwrap_or_default());
        let unit = file("queue/logical_block_size").unwrap_or_else(|| "512".into());
        sectors(&mut map, file("size"), &unit);
        map.insert("sectorsize", unit.as_str());
        map.insert("host", "");
        map.insert("holders", holders(raw, path));
        map.insert("partitions", partitions(raw, path, name, &of));
        devices.insert(name, map);
    }
    fields.insert("devices".into(), devices.into());
}

fn sectors(map: &mut Map, size: Option<String>, unit: &str) {
    let unit = int(unit).filter(|unit| *unit > 0).unwrap_or(512);
    let sectors = size.and_then(|text| int(&text)).unwrap_or(0) * 512 / unit;
    map.insert("sectors", sectors);
    map.insert("size", human(sectors as f64 * unit as f64));
}

fn holders(raw: &Raw<'_>, path: &str) -> Vec<Value> {
    let begin = format!("{path}/holders/");
    raw.files_below(&begin)
        .filter(|(path, _)| path[begin.len()..].starts_with("dm-"))
        .map(|(_, lines)| Value::text(lines.first().copied().unwrap_or_default()))
        .collect()
}

fn partitions(raw: &Raw<'_>, path: &str, device: &str, links: &dyn Fn(&str) -> Value) -> Map {
    let begin = format!("{path}/{device}");
    let mut all = Map::new();
    for (file, start) in raw.files_below(&begin).filter(|(file, _)| file.ends_with("/start")) {
        let folder = &file[..file.len() - "/start".len()];
        let name = base(folder);
        let mut part = Map::new();
        part.insert("links", links(name));
        part.insert("start", start.first().copied().unwrap_or("0"));
        part.insert("sectorsize", 512);
        sectors(&mut part, raw.file(&format!("{folder}/size")), "512");
        let uuid = raw.links("/dev/disk/by-uuid/").find(|(_, to)| base(to) == name).map(|(path, _)| base(path));
        part.insert("uuid", uuid);
        part.insert("holders", holders(raw, folder));
        all.insert(name, part);
    }
    all
}

/// Bytes for people, in steps of 1024.
fn human(bytes: f64) -> String {
    for (unit, power) in [("YB", 80), ("ZB", 70), ("EB", 60), ("PB", 50), ("TB", 40), ("GB", 30), ("MB", 20), ("KB", 10)] {
        let step = 2_f64.powi(power);
        if bytes >= step {
            return format!("{:.2} {unit}", bytes / step);
        }
    }
    format!("{bytes:.2} Bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_ansible_writes_them() {
        assert_eq!(human(0.0), "0.00 Bytes");
        assert_eq!(human(270_553_174_016.0), "251.97 GB");
        assert_eq!(unescaped("/mnt/a\\040b\\x"), "/mnt/a b\\x");
    }
}
