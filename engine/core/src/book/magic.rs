//! The magic variables that an inventory gives: what the hosts and groups are.

use std::sync::Arc;

use super::inventory::{GroupId, HostId, Inventory, address};
use super::path as paths;
use super::vars::Scope;
use crate::text::{Control, Map, Value};

/// `groups`: every group with the names of its hosts. Equal for all hosts: make it once.
pub fn groups(inventory: &Inventory) -> Value {
    let mut groups = Map::new();
    for group in inventory.groups() {
        let hosts = inventory.members(group).into_iter().map(|host| Value::Text(inventory.host(host).name.clone()));
        groups.insert(inventory.group(group).name.clone(), Value::list(hosts));
    }
    groups.into()
}

/// The names of the groups of a host, sorted; `all` is not among them.
pub fn group_names(inventory: &Inventory, host: HostId) -> Vec<Arc<str>> {
    let groups = inventory.host(host).groups.iter().filter(|group| **group != GroupId(0));
    let mut names: Vec<Arc<str>> = groups.map(|group| inventory.group(*group).name.clone()).collect();
    names.sort_unstable();
    names
}

/// The part of a name before its first dot; of an address, all of it.
pub fn short_name(name: &str) -> &str {
    if address::is_ip(name) { name } else { name.split('.').next().unwrap_or(name) }
}

/// What a host's place in the inventory says of it: its names, its groups, where it is written.
pub fn host(inventory: &Inventory, id: HostId) -> Scope {
    let host = inventory.host(id);
    let folder = host.file.as_ref().map(|file| Value::text(paths::parent(file)));
    let pairs = [
        ("inventory_hostname", Value::Text(host.name.clone())),
        ("inventory_hostname_short", Value::text(short_name(&host.name))),
        ("group_names", Value::list(group_names(inventory, id).into_iter().map(Value::Text))),
        ("inventory_file", Value::from(host.file.clone())),
        ("inventory_dir", Value::from(folder)),
    ];
    Scope::from_iter(pairs)
}

/// `ansible_inventory_sources`: the sources as paths from the root; a comma list as it was given.
pub fn sources(inventory: &Inventory, control: &dyn Control) -> Value {
    let name = |source: &super::inventory::GivenSource| match source.folder {
        Some(_) => paths::absolute(control, &source.name),
        None => source.name.clone(),
    };
    Value::list(inventory.sources().iter().map(|source| Value::text(name(source))))
}
