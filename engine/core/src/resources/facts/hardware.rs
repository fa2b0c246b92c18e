//! Processors, memory, firmware, time since the start.

use crate::state::Fields;
use crate::text::{Map, Value};

use super::raw::{Raw, int};
use super::{Collector, mounts};

pub(super) const HARDWARE: Collector = Collector {
    name: "hardware",
    ids: &["processor", "processor_cores", "processor_count", "mounts", "devices"],
    requires: &["platform"],
    files: &[
        "/proc/self/status",
        "/sys/devices/system/cpu/online",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/proc/uptime",
        "/proc/mounts",
        "/etc/mtab",
        "/proc/self/mountinfo",
        "/sys/hypervisor/type",
        "/sys/devices/virtual/dmi/id/*_*",
        "/sys/block/*/removable",
        "/sys/block/*/size",
        "/sys/block/*/device/vendor",
        "/sys/block/*/device/model",
        "/sys/block/*/device/serial",
        "/sys/block/*/queue/rotational",
        "/sys/block/*/queue/scheduler",
        "/sys/block/*/queue/logical_block_size",
        "/sys/block/*/queue/discard_granularity",
        "/sys/block/*/queue/discard_max_hw_bytes",
        "/sys/block/*/$n*/start",
        "/sys/block/*/$n*/size",
        "/sys/block/*/holders/*/dm/name",
    ],
    there: &["/proc/xen"],
    links: &["/sys/block/*", "/sys/block/*/slaves/*", "/dev/disk/by-id/*", "/dev/disk/by-uuid/*", "/dev/disk/by-label/*"],
    tools: &[("mounted", mounts::MOUNTED)],
    read: hardware,
    ..Collector::NONE
};

fn hardware(raw: &Raw<'_>) -> Fields {
    let mut fields = Fields::new();
    processors(raw, &mut fields);
    memory(raw, &mut fields);
    firmware(raw, &mut fields);
    let uptime = raw.file("/proc/uptime").and_then(|text| text.split(['.', ' ']).next().and_then(int));
    fields.extend(uptime.map(|seconds| ("uptime_seconds".into(), Value::Int(seconds))));
    mounts::mounts(raw, &mut fields);
    mounts::devices(raw, &mut fields);
    fields
}

/// What the lines of /proc/cpuinfo come to, counted as Ansible counts.
#[derive(Default)]
struct Counted<'a> {
    processor: Vec<Value>,
    flags: Option<Vec<Value>>,
    vendors: i64,
    models: i64,
    processors: i64,
    all: i64,
    sockets: Vec<(&'a str, i64)>,
    cores: Vec<(&'a str, i64)>,
    zp: i64,
    zmt: i64,
}

fn set<'a>(all: &mut Vec<(&'a str, i64)>, key: &'a str, value: i64) {
    match all.iter_mut().find(|(have, _)| *have == key) {
        Some((_, had)) => *had = value,
        None => all.push((key, value)),
    }
}

fn count<'a>(lines: &[&'a str]) -> Counted<'a> {
    let mut all = Counted::default();
    let (mut socket, mut core) = ("0", "0");
    for line in lines {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let (key, value) = (key.trim(), value.trim());
        match key {
            "flags" => all.flags = Some(value.split_whitespace().map(Value::text).collect()),
            "model name" | "Processor" | "vendor_id" | "cpu" | "Vendor" | "processor" => {
                all.processor.push(Value::text(value));
                all.vendors += i64::from(key == "vendor_id");
                all.models += i64::from(key == "model name");
                all.processors += i64::from(key == "processor");
                all.all += 1;
            }
            "physical id" => {
                socket = value;
                if !all.sockets.iter().any(|(have, _)| *have == value) {
                    all.sockets.push((value, 1));
                }
            }
            "core id" => {
                core = value;
                if !all.sockets.iter().any(|(have, _)| *have == value) {
                    set(&mut all.cores, value, 1);
                }
            }
            "cpu cores" => set(&mut all.sockets, socket, int(value).unwrap_or(1)),
            "siblings" => set(&mut all.cores, core, int(value).unwrap_or(1)),
            "# processors" => all.zp = int(value).unwrap_or(0),
            "max thread id" => all.zmt = int(value).unwrap_or(0) + 1,
            "ncpus active" => all.all = int(value).unwrap_or(0),
            _ => {}
        }
    }
    all
}

fn processors(raw: &Raw<'_>, fields: &mut Fields) {
    let lines = raw.lines("/proc/cpuinfo");
    if lines.is_empty() {
        return;
    }
    let counted = count(lines);
    let machine = super::collector("platform").map(|platform| (platform.read)(raw)).unwrap_or_default();
    let machine = machine.get("architecture").and_then(Value::as_str).unwrap_or_default().to_string();
    let mut number = if counted.vendors > 0 && counted.vendors == counted.models { counted.vendors } else { counted.all };
    if ["armv", "aarch", "ppc"].iter().any(|begin| machine.starts_with(begin)) {
        number = counted.processors;
    }
    let xen = raw.there("/proc/xen") || raw.file("/sys/hypervisor/type").as_deref() == Some("xen");
    let has_vme = counted.flags.as_ref().is_none_or(|flags| flags.contains(&Value::text("vme")));
    let (count, cores, threads, vcpus) = if machine == "s390x" && counted.zmt > 0 {
        (1, (counted.zp as f64 / counted.zmt as f64).round_ties_even() as i64, counted.zmt, counted.zp)
    } else if xen && !has_vme {
        (number, number, 1, number)
    } else {
        let count = if counted.sockets.is_empty() { number } else { counted.sockets.len() as i64 };
        let cores = counted.sockets.first().map_or(1, |(_, cores)| (*cores).max(1));
        let siblings = counted.cores.first().map_or(1, |(_, siblings)| *siblings);
        let threads = (siblings as f64 / cores as f64).round_ties_even() as i64;
        (count, cores, threads, threads * count * cores)
    };
    let nproc = usable(raw).unwrap_or(counted.processors);
    for (name, value) in [
        ("processor_count", count),
        ("processor_cores", cores),
        ("processor_threads_per_core", threads),
        ("processor_vcpus", vcpus),
        ("processor_nproc", nproc),
    ] {
        fields.insert(name.into(), Value::Int(value));
    }
    fields.insert("processor".into(), Value::list(counted.processor));
    fields.extend(counted.flags.map(|flags| ("flags".into(), Value::list(flags))));
}

/// How many processors a program may use: those that it is allowed and that are there.
fn usable(raw: &Raw<'_>) -> Option<i64> {
    let allowed = raw.lines("/proc/self/status").iter().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let (allowed, online) = (ranges(allowed), raw.file("/sys/devices/system/cpu/online").map(|text| ranges(&text)));
    let online = online.unwrap_or_else(|| allowed.clone());
    let both = |(a, b): (&(i64, i64), &(i64, i64))| (a.1.min(b.1) - a.0.max(b.0) + 1).max(0);
    let pairs = allowed.iter().flat_map(|a| online.iter().map(move |b| (a, b)));
    Some(pairs.map(both).sum()).filter(|count| *count > 0)
}

/// `0-3,8`: the first and the last of each range.
fn ranges(text: &str) -> Vec<(i64, i64)> {
    text.split(',')
        .filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some((int(first)?, int(last)?))
        })
        .collect()
}

fn memory(raw: &Raw<'_>, fields: &mut Fields) {
    let lines = raw.lines("/proc/meminfo");
    if lines.is_empty() {
        return;
    }
    let of = |name: &str| {
        let line = lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.split_whitespace().next().and_then(int)? / 1024)
    };
    for name in ["MemTotal", "SwapTotal", "MemFree", "SwapFree"] {
        fields.extend(of(name).map(|size| (format!("{}_mb", name.to_lowercase()).into(), Value::Int(size))));
    }
    let minus = |a: Option<i64>, b: Option<i64>| Some(a? - b?);
    let (total, free) = (of("MemTotal"), of("MemFree"));
    let nocache = (|| Some(of("Cached")? + free? + of("Buffers")?))();
    let map = |pairs: &[(&str, Option<i64>)]| {
        Value::from(pairs.iter().map(|(name, value)| ((*name).into(), Value::from(*value))).collect::<Map>())
    };
    let swap = (of("SwapTotal"), of("SwapFree"));
    let all = Value::map([
        ("real", map(&[("total", total), ("used", minus(total, free)), ("free", free)])),
        ("nocache", map(&[("free", nocache), ("used", minus(total, nocache))])),
        ("swap", map(&[("total", swap.0), ("free", swap.1), ("used", minus(swap.0, swap.1)), ("cached", of("SwapCached"))])),
    ]);
    fields.insert("memory_mb".into(), all);
}

/// The DMI table, as far as this user may read it; `NA` for what is not there.
fn firmware(raw: &Raw<'_>, fields: &mut Fields) {
    const FORMS: [&str; 37] = [
        "Unknown",
        "Other",
        "Unknown",
        "Desktop",
        "Low Profile Desktop",
        "Pizza Box",
        "Mini Tower",
        "Tower",
        "Portable",
        "Laptop",
        "Notebook",
        "Hand Held",
        "Docking Station",
        "All In One",
        "Sub Notebook",
        "Space-saving",
        "Lunch Box",
        "Main Server Chassis",
        "Expansion Chassis",
        "Sub Chassis",
        "Bus Expansion Chassis",
        "Peripheral Chassis",
        "RAID Chassis",
        "Rack Mount Chassis",
        "Sealed-case PC",
        "Multi-system",
        "CompactPCI",
        "AdvancedTCA",
        "Blade",
        "Blade Enclosure",
        "Tablet",
        "Convertible",
        "Detachable",
        "IoT Gateway",
        "Embedded PC",
        "Mini PC",
        "Stick PC",
    ];
    let read = |name: &str| raw.file(&format!("/sys/devices/virtual/dmi/id/{name}"));
    for name in [
        "bios_date",
        "bios_vendor",
        "bios_version",
        "board_asset_tag",
        "board_name",
        "board_serial",
        "board_vendor",
        "board_version",
        "chassis_asset_tag",
        "chassis_serial",
        "chassis_vendor",
        "chassis_version",
        "product_name",
        "product_serial",
        "product_uuid",
        "product_version",
    ] {
        fields.insert(name.into(), Value::text(read(name).unwrap_or_else(|| "NA".into())));
    }
    fields.insert("system_vendor".into(), Value::text(read("sys_vendor").unwrap_or_else(|| "NA".into())));
    let form = read("chassis_type").map(|number| match int(&number).and_then(|number| FORMS.get(usize::try_from(number).ok()?)) {
        Some(form) => (*form).to_string(),
        None => format!("unknown ({number})"),
    });
    fields.insert("form_factor".into(), Value::text(form.unwrap_or_else(|| "NA".into())));
}
