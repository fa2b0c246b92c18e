//! Hosts and groups that come while a run is under way, and the variables that come with them.

use std::sync::Arc;

use crate::book::inventory::{HostId, HostVars};
use crate::book::vars::{Layers, Level};
use crate::book::{GroupId, magic};
use crate::state::Effect;
use crate::text::{Collector, Diagnostic, Map};

use super::scope::Host;
use super::session::{Session, Thread};

/// The group of all hosts.
const ALL: GroupId = GroupId(0);

impl Session {
    pub(super) fn add_host(&mut self, thread: &mut Thread, name: &str, groups: &[String], vars: Map) {
        let inventory = Arc::make_mut(&mut self.inventory);
        let new = inventory.find_host(name).is_none_or(|host| inventory.host(host).implicit);
        let host = inventory.add_host(name, new.then_some(ALL), None, None);
        for group in groups {
            let group = inventory.add_group(group);
            inventory.put(host, group);
        }
        for (key, value) in vars {
            inventory.set_host_var(host, &key.to_string(), value);
        }
        inventory.reconcile();
        self.arrived(thread, host);
    }

    pub(super) fn group_by(&mut self, thread: &mut Thread, key: &str, parents: &[String]) {
        let inventory = Arc::make_mut(&mut self.inventory);
        let group = inventory.add_group(&key.replace(' ', "-"));
        let mut circle = None;
        for parent in parents {
            let parent = inventory.add_group(&parent.replace(' ', "-"));
            circle = circle.or(inventory.add_child(parent, group).err());
        }
        inventory.put(thread.host, group);
        inventory.reconcile();
        if let Some(why) = circle {
            self.notice(Diagnostic::warning(why));
        }
        self.arrived(thread, thread.host);
    }

    /// Whether an effect brings a host or group that is not there yet.
    pub(super) fn adds(&self, host: HostId, effect: &Effect) -> bool {
        let inside =
            |host: HostId, group: &str| self.inventory.find_group(group).is_some_and(|group| self.inventory.members(group).contains(&host));
        match effect {
            Effect::AddHost { name, groups, .. } => match self.inventory.find_host(name) {
                None => true,
                Some(host) => groups.iter().any(|group| !inside(host, group)),
            },
            Effect::GroupBy { key, .. } => !inside(host, &key.replace(' ', "-")),
            _ => false,
        }
    }

    /// Makes room for a host that is new, and reads what its groups give to it.
    fn arrived(&mut self, thread: &mut Thread, host: HostId) {
        let at = host.0 as usize;
        while self.hosts.len() <= at {
            Arc::make_mut(&mut self.hosts).push(Host::default());
            self.recaps.push(None);
            self.gone.push(false);
            self.targets.push(Default::default());
        }
        let layers = self.inventory_layers(host);
        Arc::make_mut(&mut self.hosts)[at].moved(layers.clone());
        let others = self.play.iter_mut().flat_map(|play| &mut play.threads);
        for known in others.chain([thread]).filter(|known| known.host == host) {
            known.cursor.vars.moved(layers.clone());
        }
    }

    /// What the inventory and the files beside it and beside the playbooks say of a host now.
    fn inventory_layers(&mut self, host: HostId) -> Layers {
        let mut folders: Vec<String> = self.plays.iter().map(|play| play.folder.to_string()).collect();
        folders.dedup();
        let (mut files, mut errors) = (HostVars::new(&folders), Collector::default());
        files.load(&*self.tree.control, &self.inventory, [host], &mut errors);
        errors.into_vec().into_iter().for_each(|error| self.notice(error));
        let layers = files.layers(host).cloned().unwrap_or_default();
        layers.with(Level::Magic, Arc::new(magic::host(&self.inventory, host)))
    }
}
