//! `group_vars/` and `host_vars/` beside the sources of an inventory and beside playbooks. Each file is read once,
//! and only where a host needs it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{GroupId, HostId, Inventory};
use crate::book::load;
use crate::book::path as paths;
use crate::book::vars::{Layers, Level, Scope};
use crate::text::control::Entry;
use crate::text::{Collector, Control, Result};

const EXTENSIONS: [&str; 4] = ["", ".yml", ".yaml", ".json"];
/// What SOPS encrypted stands beside what is plain, as `NAME.sops.yaml`, and comes after it.
const ENCRYPTED: [&str; 3] = [".sops.yml", ".sops.yaml", ".sops.json"];

/// The variables that inventories and folders beside them and beside playbooks give to hosts.
#[derive(Default)]
pub struct HostVars {
    /// By folder of variables and name of host or group: the files there, the later the stronger.
    files: HashMap<(String, Arc<str>), Vec<Arc<Scope>>>,
    /// The names in each folder of variables: most hosts have no file, and are not worth a look at the disk.
    folders: HashMap<String, HashSet<String>>,
    hosts: HashMap<HostId, Layers>,
    playbooks: Vec<String>,
}

impl HostVars {
    /// `playbooks`: the folders of the playbooks of this run, weakest first.
    pub fn new(playbooks: &[String]) -> HostVars {
        HostVars { playbooks: playbooks.to_vec(), ..HostVars::default() }
    }

    /// Reads what is there for the given hosts. What was read before is not read again.
    pub fn load(
        &mut self,
        control: &dyn Control,
        inventory: &Inventory,
        hosts: impl IntoIterator<Item = HostId>,
        diagnostics: &mut Collector,
    ) {
        for host in hosts {
            if !self.hosts.contains_key(&host) {
                let layers = self.read(control, inventory, host, diagnostics);
                self.hosts.insert(host, layers);
            }
        }
    }

    /// Everything at the levels of inventory and playbook files, of a host that was loaded.
    pub fn layers(&self, host: HostId) -> Option<&Layers> {
        self.hosts.get(&host)
    }

    fn read(&mut self, control: &dyn Control, inventory: &Inventory, host: HostId, diagnostics: &mut Collector) -> Layers {
        let mut layers = inventory.layers(host);
        let mut sources: Vec<String> = vec![];
        for folder in inventory.sources().iter().filter_map(|source| source.folder.clone()) {
            // of two sources in one folder, the later place counts
            sources.retain(|have| *have != folder);
            sources.push(folder);
        }
        let (all, name) = (inventory.group(GroupId(0)).name.clone(), inventory.host(host).name.clone());
        let groups: Vec<Arc<str>> = inventory.ordered_groups(host).iter().map(|group| inventory.group(*group).name.clone()).collect();
        let beside = [
            (sources, [Level::InventoryGroupVarsAll, Level::InventoryGroupVarsFiles, Level::InventoryHostVarsFiles]),
            (self.playbooks.clone(), [Level::PlaybookGroupVarsAll, Level::PlaybookGroupVarsFiles, Level::PlaybookHostVarsFiles]),
        ];
        for (folders, [of_all, of_groups, of_host]) in beside {
            for folder in folders {
                let mut add = |level, kind, name: &Arc<str>| {
                    let scopes = self.files(control, paths::join(&folder, kind), name, diagnostics);
                    scopes.iter().for_each(|scope| layers.push(level, scope.clone()));
                };
                add(of_all, "group_vars", &all);
                groups.iter().for_each(|group| add(of_groups, "group_vars", group));
                add(of_host, "host_vars", &name);
            }
        }
        layers
    }

    /// Forgets what was read of a host, for one that a task put into another group.
    pub fn forget(&mut self, host: HostId) {
        self.hosts.remove(&host);
    }

    fn files(&mut self, control: &dyn Control, folder: String, name: &Arc<str>, diagnostics: &mut Collector) -> &[Arc<Scope>] {
        let names = self.folders.entry(folder.clone()).or_insert_with(|| control.list(&folder).unwrap_or_default().into_iter().collect());
        // a host may be named as a path (`chroot`): it has no files
        let any =
            !name.starts_with('/') && EXTENSIONS.iter().chain(&ENCRYPTED).any(|extension| names.contains(&format!("{name}{extension}")));
        self.files.entry((folder, name.clone())).or_insert_with_key(|(folder, name)| {
            let files = if any { find(control, folder, name) } else { vec![] };
            files.iter().filter_map(|file| diagnostics.take(scope(control, file))).map(Arc::new).collect()
        })
    }
}

/// The files of one name in a folder: `NAME`, else `NAME.yml`, `NAME.yaml` or `NAME.json`; of a folder, all in it. Those that
/// SOPS encrypted come behind them.
pub fn find(control: &dyn Control, folder: &str, name: &str) -> Vec<String> {
    let mut found = plain(control, folder, name);
    let encrypted = ENCRYPTED.iter().map(|extension| paths::join(folder, &format!("{name}{extension}")));
    found.extend(encrypted.filter(|path| control.entry(path) == Some(Entry::File)));
    found
}

fn plain(control: &dyn Control, folder: &str, name: &str) -> Vec<String> {
    for extension in EXTENSIONS {
        let path = paths::join(folder, &format!("{name}{extension}"));
        match control.entry(&path) {
            Some(Entry::File) => return vec![path],
            Some(Entry::Folder) => return within(control, &path),
            None => {}
        }
    }
    vec![]
}

/// The files of variables in a folder and the folders in it, sorted; hidden files and backups left out.
pub fn within(control: &dyn Control, folder: &str) -> Vec<String> {
    let mut found = vec![];
    for name in control.list(folder).unwrap_or_default() {
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let (path, extension) = (paths::join(folder, &name), paths::extension(&name).to_string());
        match control.entry(&path) {
            Some(Entry::Folder) if extension.is_empty() => found.extend(within(control, &path)),
            Some(Entry::File) if EXTENSIONS.contains(&&*extension) => found.push(path),
            _ => {}
        }
    }
    found
}

/// The variables of a file, which is a mapping, or empty.
pub fn scope(control: &dyn Control, path: &str) -> Result<Scope> {
    let node = load::document(control, path)?;
    if node.as_map().is_none() && !node.is_null() {
        let said = format!("a file of variables is a mapping of names to values; this is {}", node.type_name());
        return Err(node.error(said));
    }
    Ok(Scope::from_node(&node))
}
