//! Interfaces, addresses and the way out.

use std::collections::BTreeMap;

use crate::state::Fields;
use crate::text::{Map, Value};

use super::Collector;
use super::interface::interface;
use super::raw::{Raw, texts};

pub(super) const FIBRE_CHANNEL: Collector = Collector {
    name: "fibre_channel_wwn",
    files: &["/sys/class/fc_host/*/port_name"],
    read: |raw| {
        let names = raw.files_below("/sys/class/fc_host/").flat_map(|(_, lines)| lines);
        let names = names.map(|line| line.trim_end()).map(|line| line.strip_prefix("0x").unwrap_or(line));
        Fields::from([("fibre_channel_wwn".into(), texts(names))])
    },
    ..Collector::NONE
};

pub(super) const ISCSI: Collector = Collector {
    name: "iscsi",
    files: &["/etc/iscsi/initiatorname.iscsi"],
    read: |raw| {
        let name = raw.lines("/etc/iscsi/initiatorname.iscsi").iter().find_map(|line| line.strip_prefix("InitiatorName="));
        Fields::from([("iscsi_iqn".into(), Value::text(name.unwrap_or_default()))])
    },
    ..Collector::NONE
};

pub(super) const NVME: Collector = Collector {
    name: "nvme",
    files: &["/etc/nvme/hostnqn"],
    read: |raw| {
        let name = raw.lines("/etc/nvme/hostnqn").iter().find(|line| line.starts_with("nqn."));
        Fields::from([("hostnqn".into(), Value::text(name.copied().unwrap_or_default()))])
    },
    ..Collector::NONE
};

pub(super) const NETWORK: Collector = Collector {
    name: "network",
    ids: &["interfaces", "default_ipv4", "default_ipv6", "all_ipv4_addresses", "all_ipv6_addresses"],
    requires: &["distribution", "platform"],
    files: &[
        "/sys/class/net/*/address",
        "/sys/class/net/*/mtu",
        "/sys/class/net/*/operstate",
        "/sys/class/net/*/type",
        "/sys/class/net/*/speed",
        "/sys/class/net/*/flags",
        "/sys/class/net/*/bridge/bridge_id",
        "/sys/class/net/*/bridge/stp_state",
        "/sys/class/net/*/bonding/*",
        "/sys/class/net/*/bonding_slave/perm_hwaddr",
    ],
    there: &["/sys/class/net/*/.", "/sys/class/net/*/bridge", "/sys/class/net/*/brif/*", "/sys/class/net/*/bonding"],
    links: &["/sys/class/net/*/device", "/sys/class/net/*/device/driver/module"],
    tools: &[("ip", "command -v ip"), ("addresses", ADDRESSES)],
    read: network,
    ..Collector::NONE
};

/// Addresses, then local ways, then the ways to two addresses far away, by one process where `ip` can do so: each of the
/// lines tells what it is. One that cannot says nothing but how it is used; one that can fails where there is no way.
const ADDRESSES: &str = "i=$(ip -force -batch - <<E
addr show
route show table all type local
route get 8.8.8.8
route get 2404:6800:400a:800::1012
E
)
if [ -n \"$i\" ]; then printf '%s\\n' \"$i\"; else
ip addr show; ip -4 route show table local; ip -6 route show table local; ip -4 route get 8.8.8.8; ip -6 route get 2404:6800:400a:800::1012; fi";

fn network(raw: &Raw<'_>) -> Fields {
    let mut fields = Fields::new();
    if raw.tool("ip").is_none() {
        return fields;
    }
    let addresses = raw.tool("addresses").unwrap_or_default();
    let mut found =
        Found { default4: way(&addresses, "8.8.8.8"), default6: way(&addresses, "2404:6800:400a:800::1012"), ..Found::default() };
    let names: Vec<&str> =
        raw.below("/sys/class/net/").filter_map(|path| path.strip_prefix("/sys/class/net/")?.strip_suffix("/.")).collect();
    for name in names {
        let interface = interface(raw, name);
        found.interfaces.insert(name.to_string(), interface);
        let lines = block(&addresses, name);
        for secondary in [false, true] {
            for words in lines.iter().filter(|words| is_secondary(words) == secondary) {
                found.address(name, words, secondary);
            }
        }
    }
    let interfaces: BTreeMap<String, Map> = found.interfaces.into_iter().map(|(name, map)| (name.replace(':', "_"), map)).collect();
    fields.insert("interfaces".into(), texts(interfaces.keys().map(String::as_str)));
    fields.insert("default_ipv4".into(), found.default4.into());
    fields.insert("default_ipv6".into(), found.default6.into());
    fields.insert("all_ipv4_addresses".into(), Value::list(found.all4));
    fields.insert("all_ipv6_addresses".into(), Value::list(found.all6));
    let local = [("ipv4", reachable(&addresses, false)), ("ipv6", reachable(&addresses, true))];
    fields.insert("locally_reachable_ips".into(), Value::map(local));
    fields.extend(interfaces.into_iter().map(|(name, map)| (name.into(), Value::from(map))));
    fields
}

#[derive(Default)]
struct Found {
    interfaces: BTreeMap<String, Map>,
    default4: Map,
    default6: Map,
    all4: Vec<Value>,
    all6: Vec<Value>,
}

/// Interface, address and gateway of the way to an address far away.
fn way(text: &str, to: &str) -> Map {
    let mut map = Map::new();
    let line = text.lines().find(|line| line.split(' ').next() == Some(to)).unwrap_or_default();
    let words: Vec<&str> = line.split_whitespace().collect();
    for pair in words.windows(2) {
        match pair[0] {
            "dev" => drop(map.insert("interface", pair[1])),
            "src" => drop(map.insert("address", pair[1])),
            "via" if pair[1] != to => drop(map.insert("gateway", pair[1])),
            _ => {}
        }
    }
    map
}

/// Local ways of one family: those of the table `local`, where a line names one.
fn reachable(text: &str, v6: bool) -> Value {
    let mut all: Vec<&str> = vec![];
    for line in text.lines() {
        let mut words = line.split(' ');
        if let (Some("local"), Some(address)) = (words.next(), words.next())
            && address.contains(':') == v6
            && line.split_once(" table ").is_none_or(|(_, table)| table.split(' ').next() == Some("local"))
            && !all.contains(&address)
        {
            all.push(address);
        }
    }
    texts(all)
}

/// The words of the lines of `ip addr show` about one interface: `2: eth0@if3: <…>`, then lines moved to the right.
fn block<'a>(text: &'a str, name: &str) -> Vec<Vec<&'a str>> {
    let mut inside = false;
    let mut all = vec![];
    for line in text.lines() {
        if line.starts_with(|c: char| c.is_ascii_digit()) {
            let found = line.split_whitespace().nth(1).unwrap_or_default().trim_end_matches(':');
            inside = found.split('@').next() == Some(name);
        } else if inside {
            all.push(line.split_whitespace().collect());
        }
    }
    all
}

/// `secondary` of IPv4 and `temporary` of IPv6 are one flag.
fn is_secondary(words: &[&str]) -> bool {
    words.iter().any(|word| matches!(*word, "secondary" | "temporary"))
}

impl Found {
    fn address(&mut self, device: &str, words: &[&str], secondary: bool) {
        match words {
            ["inet", address, ..] => self.v4(device, address, words, secondary),
            ["inet6", address, "peer", peer, _, scope, ..] => {
                self.v6(device, address, peer.split_once('/').map_or("128", |(_, prefix)| prefix), scope)
            }
            ["inet6", address, _, scope, ..] => {
                let (address, prefix) = address.split_once('/').unwrap_or((address, "128"));
                self.v6(device, address, prefix, scope);
            }
            _ => {}
        }
    }

    fn v4(&mut self, device: &str, address: &str, words: &[&str], secondary: bool) {
        let (address, prefix) = address.split_once('/').unwrap_or((address, "32"));
        let broadcast = if words.get(2) == Some(&"brd") { words.get(3).copied().unwrap_or_default() } else { "" };
        let label = words.last().copied().unwrap_or(device);
        let bits = prefix.parse::<u32>().unwrap_or(32).min(32);
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        let Ok(number) = address.parse::<std::net::Ipv4Addr>().map(u32::from) else { return };
        let dotted = |number: u32| std::net::Ipv4Addr::from(number).to_string();
        let net = [
            ("broadcast", broadcast.to_string()),
            ("netmask", dotted(mask)),
            ("network", dotted(number & mask)),
            ("prefix", prefix.to_string()),
        ];
        let mut entry = Map::new();
        entry.insert("address", address);
        entry.extend(net.iter().map(|(name, value)| ((*name).into(), Value::text(value.as_str()))));
        if label != device {
            self.interfaces.insert(label.to_string(), Map::new());
        }
        self.attach(label, &entry, secondary);
        if secondary && label != device {
            self.attach(device, &entry, true);
        }
        if self.default4.get("address").and_then(Value::as_str) == Some(address) {
            self.default4.extend(net.iter().map(|(name, value)| ((*name).into(), Value::text(value.as_str()))));
            let about = self.about(device);
            self.default4.extend(about);
            self.default4.insert("alias", label);
        }
        if !address.starts_with("127.") {
            self.all4.push(Value::text(address));
        }
    }

    /// The first address of an interface is its own, those after it are `ipv4_secondaries`.
    fn attach(&mut self, name: &str, entry: &Map, secondary: bool) {
        let map = self.interfaces.entry(name.to_string()).or_default();
        if !secondary && !map.contains("ipv4") {
            map.insert("ipv4", entry.clone());
            return;
        }
        push(map, "ipv4_secondaries", entry.clone().into());
    }

    fn v6(&mut self, device: &str, address: &str, prefix: &str, scope: &str) {
        let entry = Value::map([("address", address), ("prefix", prefix), ("scope", scope)]);
        push(self.interfaces.entry(device.to_string()).or_default(), "ipv6", entry);
        if self.default6.get("address").and_then(Value::as_str) == Some(address) {
            self.default6.insert("prefix", prefix);
            self.default6.insert("scope", scope);
            let about = self.about(device);
            self.default6.extend(about);
        }
        if address != "::1" {
            self.all6.push(Value::text(address));
        }
    }

    /// What the default way repeats of its interface.
    fn about(&self, device: &str) -> Map {
        let map = self.interfaces.get(device);
        let of = |name: &str| map.and_then(|map| map.get(name)).cloned();
        let mut about = Map::new();
        about.insert("macaddress", of("macaddress").unwrap_or(Value::text("00:00:00:00:00:00")));
        about.insert("mtu", of("mtu").unwrap_or_default());
        about.insert("type", of("type").unwrap_or(Value::text("unknown")));
        about
    }
}

fn push(map: &mut Map, key: &str, entry: Value) {
    let mut all = map.get(key).and_then(Value::as_list).unwrap_or_default().to_vec();
    all.push(entry);
    map.insert(key, all);
}
