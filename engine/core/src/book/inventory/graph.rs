//! The graph of groups and hosts: how it grows, and the rules that hold once all is read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Group, GroupId, Host, HostId, Inventory, LOCALHOST};
use crate::book::vars::{Scope, Var};
use crate::text::{Span, Value};

const ALL: GroupId = GroupId(0);
const UNGROUPED: GroupId = GroupId(1);

impl Inventory {
    /// `all` and `ungrouped`, and nothing in them.
    pub fn new() -> Inventory {
        let (hosts, groups, placed, sources) = Default::default();
        let mut inventory = Inventory { hosts, groups, host_names: HashMap::new(), group_names: HashMap::new(), placed, sources };
        let (all, ungrouped) = (inventory.add_group("all"), inventory.add_group("ungrouped"));
        // neither is its own ancestor, so this holds
        let _ = inventory.add_child(all, ungrouped);
        inventory
    }

    /// A group by its name, made where there is none.
    pub fn add_group(&mut self, name: &str) -> GroupId {
        if let Some(id) = self.group_names.get(name) {
            return *id;
        }
        let id = GroupId(self.groups.len() as u32);
        let (name, vars): (Arc<str>, Arc<Scope>) = (name.into(), Arc::default());
        self.group_names.insert(name.clone(), id);
        let (hosts, children, parents) = Default::default();
        self.groups.push(Group { name, vars, hosts, children, parents, depth: 0, priority: 1 });
        id
    }

    /// A host by its name, made where there is none, put into a group.
    pub fn add_host(&mut self, name: &str, group: Option<GroupId>, file: Option<&Arc<str>>, span: Option<&Span>) -> HostId {
        let known = self.host_names.get(name).copied().filter(|id| !self.host(*id).implicit);
        let id = known.unwrap_or_else(|| {
            let id = HostId(self.hosts.len() as u32);
            let (name, groups): (Arc<str>, Vec<GroupId>) = (name.into(), vec![]);
            self.host_names.insert(name.clone(), id);
            self.hosts.push(Host { name, vars: Arc::default(), groups, file: file.cloned(), span: span.cloned(), implicit: false });
            id
        });
        if let Some(group) = group {
            self.put(id, group);
        }
        id
    }

    /// Puts a host into a group.
    pub fn put(&mut self, host: HostId, group: GroupId) {
        if !self.placed.insert((group, host)) {
            return;
        }
        self.groups[group.0 as usize].hosts.push(host);
        let ancestors = self.ancestors(group);
        let groups = &mut self.hosts[host.0 as usize].groups;
        for group in ancestors.into_iter().chain([group]) {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
    }

    /// Puts a group under another. An error where it would be its own ancestor.
    pub fn add_child(&mut self, parent: GroupId, child: GroupId) -> Result<(), String> {
        if parent == child {
            return Err(format!("the group `{}` has itself as a child", self.group(parent).name));
        }
        if self.group(parent).children.contains(&child) {
            return Ok(());
        }
        let mut above = self.ancestors(parent);
        if above.contains(&child) {
            let (parent, child) = (&self.group(parent).name, &self.group(child).name);
            return Err(format!("the group `{child}` cannot be a child of `{parent}`: `{parent}` is below it already"));
        }
        above.push(parent);
        self.groups[parent.0 as usize].children.push(child);
        let depth = self.group(parent).depth + 1;
        self.sink(child, depth);
        self.groups[child.0 as usize].parents.push(parent);
        for host in self.members(child) {
            let groups = &mut self.hosts[host.0 as usize].groups;
            above.iter().for_each(|group| {
                if !groups.contains(group) {
                    groups.push(*group)
                }
            });
        }
        Ok(())
    }

    /// A group is at least as deep as given, and each of its children deeper than it.
    fn sink(&mut self, group: GroupId, depth: u32) {
        if self.group(group).depth >= depth {
            return;
        }
        self.groups[group.0 as usize].depth = depth;
        for child in self.group(group).children.clone() {
            self.sink(child, depth + 1);
        }
    }

    /// All groups above a group.
    pub fn ancestors(&self, group: GroupId) -> Vec<GroupId> {
        self.walk(group, |group| &group.parents)
    }

    /// All groups below a group, nearest first.
    pub fn descendants(&self, group: GroupId) -> Vec<GroupId> {
        self.walk(group, |group| &group.children)
    }

    fn walk(&self, from: GroupId, next: impl Fn(&Group) -> &Vec<GroupId>) -> Vec<GroupId> {
        let (mut order, mut seen) = (vec![], HashSet::new());
        let mut level = next(self.group(from)).clone();
        while !level.is_empty() {
            level.retain(|group| seen.insert(*group));
            order.extend(&level);
            level = level.iter().flat_map(|group| next(self.group(*group))).copied().collect();
        }
        order
    }

    /// The hosts of a group and of all groups below it.
    pub fn members(&self, group: GroupId) -> Vec<HostId> {
        let groups = [group].into_iter().chain(self.descendants(group));
        let mut seen = HashSet::new();
        let mut hosts: Vec<HostId> = groups.flat_map(|group| &self.group(group).hosts).copied().collect();
        hosts.retain(|host| seen.insert(*host) && !self.host(*host).implicit);
        hosts
    }

    pub fn set_host_var(&mut self, host: HostId, name: &str, var: impl Into<Var>) {
        Arc::make_mut(&mut self.hosts[host.0 as usize].vars).insert(name, var);
    }

    pub fn set_group_var(&mut self, group: GroupId, name: &str, var: impl Into<Var>) {
        Arc::make_mut(&mut self.groups[group.0 as usize].vars).insert(name, var);
    }

    pub fn set_priority(&mut self, group: GroupId, priority: i64) {
        self.groups[group.0 as usize].priority = priority;
    }

    /// Every group is below `all`; a host of no other group is in `ungrouped`, and only such a host.
    pub fn reconcile(&mut self) {
        for group in self.groups() {
            if group != ALL && self.ancestors(group).is_empty() {
                // a group without ancestors is not above `all`
                let _ = self.add_child(ALL, group);
            }
        }
        for host in (0..self.hosts.len() as u32).map(HostId) {
            let known = self.host(host);
            let grouped = known.groups.iter().any(|group| *group != ALL && *group != UNGROUPED);
            if known.groups.contains(&UNGROUPED) {
                if grouped {
                    self.take(host, UNGROUPED);
                }
            } else if !grouped && !known.implicit {
                self.put(host, UNGROUPED);
            }
        }
    }

    /// Takes a host out of a group, and out of those above it that it is in for no other reason.
    fn take(&mut self, host: HostId, group: GroupId) {
        self.placed.remove(&(group, host));
        self.groups[group.0 as usize].hosts.retain(|have| *have != host);
        self.hosts[host.0 as usize].groups.retain(|have| *have != group);
        for above in self.ancestors(group) {
            let held = self.host(host).groups.iter().any(|other| self.ancestors(*other).contains(&above));
            let own = self.placed.contains(&(above, host));
            if above != ALL && !held && !own {
                self.hosts[host.0 as usize].groups.retain(|have| *have != above);
            }
        }
    }

    /// The machine itself, under the names that no source gave to a host.
    pub fn add_implicit(&mut self) {
        if let Some(own) = LOCALHOST.iter().find_map(|name| self.find_host(name)) {
            for name in LOCALHOST {
                self.host_names.entry(name.into()).or_insert(own);
            }
            return;
        }
        for name in LOCALHOST {
            let id = HostId(self.hosts.len() as u32);
            let vars = Scope::from_iter([("ansible_connection", Value::text("local"))]);
            let (name, vars): (Arc<str>, Arc<Scope>) = (name.into(), Arc::new(vars));
            self.host_names.insert(name.clone(), id);
            self.hosts.push(Host { name, vars, groups: vec![], file: None, span: None, implicit: true });
        }
    }
}
