//! What /sys tells of one network interface.

use crate::text::Map;

use super::raw::{Raw, int, texts};

/// Its facts, but for its addresses.
pub(super) fn interface(raw: &Raw<'_>, name: &str) -> Map {
    let base = format!("/sys/class/net/{name}");
    let file = |rest: &str| raw.file(&format!("{base}/{rest}"));
    let mut map = Map::new();
    map.insert("device", name);
    drop(file("address").filter(|address| address != "00:00:00:00:00:00").map(|address| map.insert("macaddress", address)));
    drop(file("mtu").and_then(|mtu| int(&mtu)).map(|mtu| map.insert("mtu", mtu)));
    drop(file("operstate").map(|state| map.insert("active", state != "down")));
    let last = |path: &str| path.rsplit('/').next().unwrap_or(path).to_string();
    drop(raw.link(&format!("{base}/device/driver/module")).map(|to| map.insert("module", last(to))));
    if let Some(kind) = file("type") {
        let kind = match kind.as_str() {
            "1" => "ether",
            "32" => "infiniband",
            "512" => "ppp",
            "772" => "loopback",
            "65534" => "tunnel",
            _ => "unknown",
        };
        map.insert("type", kind);
    }
    if raw.there(&format!("{base}/bridge")) {
        map.insert("type", "bridge");
        let ports = format!("{base}/brif/");
        map.insert("interfaces", texts(raw.below(&ports).map(|path| &path[ports.len()..])));
        drop(file("bridge/bridge_id").map(|id| map.insert("id", id)));
        drop(file("bridge/stp_state").map(|state| map.insert("stp", state == "1")));
    }
    if raw.there(&format!("{base}/bonding")) {
        bonding(&mut map, &file);
    }
    drop(file("bonding_slave/perm_hwaddr").map(|address| map.insert("perm_macaddress", address)));
    drop(raw.link(&format!("{base}/device")).map(|to| map.insert("pciid", last(to))));
    drop(file("speed").and_then(|speed| int(&speed)).map(|speed| map.insert("speed", speed)));
    let flags = file("flags").and_then(|flags| i64::from_str_radix(flags.trim_start_matches("0x"), 16).ok());
    drop(flags.map(|flags| map.insert("promisc", flags & 0x100 > 0)));
    map
}

fn bonding(map: &mut Map, file: &dyn Fn(&str) -> Option<String>) {
    map.insert("type", "bonding");
    map.insert("slaves", texts(file("bonding/slaves").unwrap_or_default().split_whitespace()));
    for name in ["mode", "miimon", "lacp_rate"] {
        map.insert(name, file(&format!("bonding/{name}")).unwrap_or_default().split_whitespace().next().unwrap_or_default());
    }
    if let Some(primary) = file("bonding/primary") {
        map.insert("primary", primary);
        drop(file("bonding/all_slaves_active").map(|all| map.insert("all_slaves_active", all == "1")));
    }
}
