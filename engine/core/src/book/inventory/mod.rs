//! The hosts that a tree knows, their groups, and what the sources of the inventory say of them. Folders of variables
//! are read by [`beside`].

pub mod address;
pub mod beside;
mod graph;
mod ini;
pub mod number;
pub mod python;
mod quoted;
mod script;
mod sources;
#[cfg(test)]
mod tests;
pub mod words;
mod yaml;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub use beside::HostVars;

use super::vars::{Layers, Level, Scope};
use crate::text::{Collector, Control, Diagnostic, Span};

/// A host of an inventory, by its place in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct HostId(pub u32);

/// A group of an inventory, by its place in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupId(pub u32);

/// The names by which the machine that `play` runs on is reached without being in any inventory.
pub const LOCALHOST: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

#[derive(Clone, Debug)]
pub struct Host {
    pub name: Arc<str>,
    /// What the sources of the inventory say of it.
    pub vars: Arc<Scope>,
    /// The groups that it is in, ancestors included.
    pub groups: Vec<GroupId>,
    /// The source that named it first, as a path from the root; none for hosts of a comma list's own or made by tasks.
    pub file: Option<Arc<str>>,
    /// Where it is named first.
    pub span: Option<Span>,
    /// Stands in no inventory: `localhost` where none names it. No pattern but its own name selects it.
    pub implicit: bool,
}

#[derive(Clone, Debug)]
pub struct Group {
    pub name: Arc<str>,
    pub vars: Arc<Scope>,
    /// The hosts that stand in it itself, not those of its children.
    pub hosts: Vec<HostId>,
    pub children: Vec<GroupId>,
    pub parents: Vec<GroupId>,
    /// Steps from `all`.
    pub depth: u32,
    /// `ansible_group_priority`: decides between groups of one depth.
    pub priority: i64,
}

/// A source as it was given: a file, a folder, a program, a comma list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GivenSource {
    pub name: String,
    /// The folder that `group_vars/` and `host_vars/` are looked for in; none for a comma list.
    pub folder: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Inventory {
    hosts: Vec<Host>,
    groups: Vec<Group>,
    host_names: HashMap<Arc<str>, HostId>,
    group_names: HashMap<Arc<str>, GroupId>,
    /// Which host stands in which group itself.
    placed: HashSet<(GroupId, HostId)>,
    sources: Vec<GivenSource>,
}

impl Default for Inventory {
    fn default() -> Inventory {
        Inventory::new()
    }
}

impl Inventory {
    /// Reads all sources, in their order: files, folders, programs, comma lists. `localhost` is there in any case.
    pub fn load(control: &dyn Control, sources: &[String], diagnostics: &mut Collector) -> Inventory {
        let mut inventory = Inventory::new();
        for source in sources {
            sources::read(control, source, &mut inventory, diagnostics);
        }
        inventory.reconcile();
        for host in inventory.hosts.iter().filter(|host| inventory.group_names.contains_key(&host.name)) {
            let said = format!("`{}` is the name of a host and of a group: as a pattern it means the host", host.name);
            let warning = Diagnostic::warning(said).hint("give the group another name");
            diagnostics.push(host.span.iter().fold(warning, |warning, span| warning.at(span)));
        }
        inventory.add_implicit();
        inventory
    }

    /// How many hosts there are, implicit ones included: their ids are `0..count`.
    pub fn count(&self) -> u32 {
        self.hosts.len() as u32
    }

    /// The hosts that stand in the inventory, in its order.
    pub fn hosts(&self) -> impl Iterator<Item = HostId> + '_ {
        self.hosts.iter().enumerate().filter(|(_, host)| !host.implicit).map(|(at, _)| HostId(at as u32))
    }

    /// The groups, `all` and `ungrouped` first.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> + use<> {
        (0..self.groups.len() as u32).map(GroupId)
    }

    pub fn host(&self, id: HostId) -> &Host {
        &self.hosts[id.0 as usize]
    }

    pub fn group(&self, id: GroupId) -> &Group {
        &self.groups[id.0 as usize]
    }

    /// A host by its name, implicit ones too.
    pub fn find_host(&self, name: &str) -> Option<HostId> {
        self.host_names.get(name).copied()
    }

    pub fn find_group(&self, name: &str) -> Option<GroupId> {
        self.group_names.get(name).copied()
    }

    pub fn sources(&self) -> &[GivenSource] {
        &self.sources
    }

    /// The groups of a host but `all`, in the order in which their variables win: by depth, priority, name.
    pub fn ordered_groups(&self, host: HostId) -> Vec<GroupId> {
        let mut groups: Vec<GroupId> = self.host(host).groups.iter().copied().filter(|group| *group != GroupId(0)).collect();
        groups.sort_by(|a, b| {
            let (a, b) = (self.group(*a), self.group(*b));
            (a.depth, a.priority, &a.name).cmp(&(b.depth, b.priority, &b.name))
        });
        groups
    }

    /// What the sources themselves say of a host (files of variables are not among this).
    pub fn layers(&self, host: HostId) -> Layers {
        let mut layers = Layers::new();
        layers.push(Level::InventoryGroupVars, self.group(GroupId(0)).vars.clone());
        for group in self.ordered_groups(host) {
            layers.push(Level::InventoryGroupVars, self.group(group).vars.clone());
        }
        layers.push(Level::InventoryHostVars, self.host(host).vars.clone());
        layers
    }
}
