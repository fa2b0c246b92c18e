//! Variables as one host sees them at one task.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::book::inventory::{HostId, Inventory};
use crate::book::task::Task;
use crate::book::vars::{Layers, Level, Scope as Vars, Var as Written};
use crate::book::{Around, Play, Ring, magic, path};
use crate::text::{Map, Node, Value};
use crate::text::{Scope, Scopes, Search, Var};

use super::session::Tree;

/// What a host has gathered so far. A clone is a few references.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Inventory, group_vars and host_vars.
    pub inventory: Layers,
    /// The same with the play's own on top.
    pub base: Layers,
    pub facts: Arc<Vars>,
    /// `set_fact` and `register`.
    pub set: Arc<Vars>,
    /// `include_vars`.
    pub included: Arc<Vars>,
}

impl Host {
    /// A host of which only the inventory tells.
    pub fn new(inventory: Layers) -> Host {
        Host { base: inventory.clone(), inventory, ..Host::default() }
    }

    /// Puts other layers of inventory below what the play says.
    pub fn moved(&mut self, inventory: Layers) {
        let mut base = inventory.clone();
        base.extend(&self.base.keep(|level| !level.is_inventory()));
        (self.inventory, self.base) = (inventory, base);
    }

    /// All levels but those of a task.
    pub fn layers(&self) -> Layers {
        let mut layers = self.base.clone();
        layers.push(Level::Facts, self.facts.clone());
        layers.push(Level::SetFacts, self.set.clone());
        layers.push(Level::IncludeVars, self.included.clone());
        layers
    }

    pub fn set(&mut self, name: &str, value: Value) {
        Arc::make_mut(&mut self.set).insert(name, value);
    }

    /// Takes over what has been set between two states of the same host.
    pub fn absorb(&mut self, after: &Host, before: &Host) {
        let news = |own: &mut Arc<Vars>, after: &Arc<Vars>, before: &Arc<Vars>| {
            if Arc::ptr_eq(after, before) || Arc::ptr_eq(own, after) {
                return;
            }
            for (name, var) in after.iter().filter(|(name, var)| before.get(name) != Some(*var)) {
                Arc::make_mut(own).insert(name.clone(), var.clone());
            }
        };
        news(&mut self.facts, &after.facts, &before.facts);
        news(&mut self.set, &after.set, &before.set);
        news(&mut self.included, &after.included, &before.included);
        if after.base != before.base {
            let known: Vec<_> = before.base.scopes().map(|(_, scope)| Arc::as_ptr(scope)).collect();
            for (level, scope) in after.base.scopes().filter(|(_, scope)| !known.contains(&Arc::as_ptr(scope))) {
                self.base.push(level, scope.clone());
            }
        }
    }
}

/// Adds what stands around a task: its role, blocks, includes, and its own variables.
pub fn around(mut layers: Layers, task: &Task) -> Layers {
    let mut rings: Vec<&Arc<Around>> = task.around.rings().collect();
    rings.reverse();
    // one that is made of the variable itself is no news
    let is_new = |user: &&Node| !user.as_str().is_some_and(|text| text.contains("ansible_"));
    if let Some(user) = task.keyword("remote_user").filter(is_new) {
        let mut vars = Vars::new();
        ["ansible_user", "ansible_ssh_user"].into_iter().for_each(|name| vars.insert(name, user.clone()));
        layers.push(Level::CommandLine, Arc::new(vars));
    }
    for ring in rings {
        if let Some(role) = &ring.role {
            layers.push(Level::RoleDefaults, role.defaults.clone());
            layers.push(Level::RoleVars, role.vars.clone());
        }
        let level = match ring.ring {
            Ring::Play => continue,
            Ring::Role => Level::RoleParams,
            Ring::Block | Ring::Import => Level::BlockVars,
            Ring::Include => Level::IncludeParams,
        };
        layers.push(level, ring.vars.clone());
    }
    layers.push(Level::TaskVars, task.vars.clone());
    layers
}

/// Who takes part in a play.
#[derive(Clone, Debug, Default)]
pub struct Players {
    pub play: Arc<str>,
    pub all: Vec<HostId>,
    /// Those that have neither failed nor been lost.
    pub live: Vec<HostId>,
    /// The batch under way, without those that are out.
    pub batch: Vec<HostId>,
    /// Roles that the play names or imports, and those that they depend on.
    pub roles: Vec<Arc<str>>,
    pub dependencies: Vec<Arc<str>>,
    /// Roles that were included, by where that was.
    pub included: BTreeMap<(Vec<u32>, usize), Arc<str>>,
}

impl Players {
    pub fn new(play: &Play, name: &str, all: Vec<HostId>, live: Vec<HostId>) -> Players {
        let (roles, dependencies) = (play.role_names.clone(), play.dependencies.clone());
        Players { play: name.into(), all, live, roles, dependencies, ..Players::default() }
    }

    /// Every role that the play has named so far.
    fn role_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.roles.iter().chain(self.included.values())
    }
}

/// What the templates of a task read. Owns references only, so that `hostvars` can hand out those of other hosts.
#[derive(Clone)]
pub struct Sight {
    pub tree: Arc<Tree>,
    pub inventory: Arc<Inventory>,
    pub hosts: Arc<Vec<Host>>,
    pub host: HostId,
    pub layers: Layers,
    /// The rings of the task, for the search of files; `None` for what stands outside of any play.
    pub around: Option<Arc<Around>>,
    /// The hosts of the play, of the batch under way, and those of both that are still in.
    pub players: Arc<Players>,
    /// The host that the task is delegated to.
    pub delegated: Option<HostId>,
    /// Set once the variables of other hosts were asked for.
    pub read_others: Arc<AtomicBool>,
}

impl Sight {
    pub fn new(tree: &Arc<Tree>, inventory: &Arc<Inventory>, hosts: &Arc<Vec<Host>>, host: HostId, layers: Layers) -> Sight {
        let (tree, inventory, hosts) = (tree.clone(), inventory.clone(), hosts.clone());
        Sight { tree, inventory, hosts, host, layers, around: None, players: Arc::default(), delegated: None, read_others: Arc::default() }
    }

    /// Whether the variables of other hosts were asked for.
    pub fn others(&self) -> bool {
        self.read_others.load(Ordering::Relaxed)
    }

    /// The same run as another host sees it.
    pub fn of(&self, host: HostId) -> Sight {
        // what this host has gathered since its last step stands in its own layers alone
        let layers = match host == self.host {
            true => self.layers.clone(),
            false => self.hosts.get(host.0 as usize).map(Host::layers).unwrap_or_default(),
        };
        // what a play, a role or a task says is seen by their own tasks alone
        let mut layers = layers.keep(Level::is_of_host);
        if layers.get("inventory_hostname").is_none() {
            layers.push(Level::Magic, Arc::new(magic::host(&self.inventory, host)));
        }
        if host != self.host {
            layers.push(Level::ExtraVars, self.tree.extra.clone());
        }
        let around = self.around.as_ref().and_then(|around| around.rings().find(|ring| ring.ring == Ring::Play).cloned());
        Sight { host, layers, around, delegated: None, ..self.clone() }
    }

    fn names_of(&self, hosts: &[HostId]) -> Value {
        Value::list(hosts.iter().map(|id| Value::Text(self.inventory.host(*id).name.clone())))
    }

    fn magic(&self, name: &str) -> Option<Var> {
        let value = match name {
            "hostvars" => {
                self.read_others.store(true, Ordering::Relaxed);
                return Some(Var::Scopes(Arc::new(Others(self.clone()))));
            }
            "ansible_delegated_vars" => {
                self.delegated?;
                return Some(Var::Scopes(Arc::new(Delegated(self.clone()))));
            }
            "groups" => magic::groups(&self.inventory),
            "ansible_play_hosts_all" => self.names_of(&self.players.all),
            "ansible_play_hosts" => self.names_of(&self.players.live),
            "ansible_facts" => Value::from(Map::new()),
            "ansible_play_batch" | "play_hosts" => self.names_of(&self.players.batch),
            "ansible_check_mode" => Value::Bool(self.tree.options.check),
            "ansible_diff_mode" => Value::Bool(self.tree.options.diff),
            "ansible_verbosity" => Value::Int(self.tree.options.verbosity.into()),
            "ansible_forks" => Value::Int(self.tree.options.forks.into()),
            "ansible_version" => version(),
            "ansible_run_tags" if self.tree.options.tags.is_empty() => Value::list([Value::text("all")]),
            "ansible_run_tags" => Value::list(self.tree.options.tags.iter().map(|tag| Value::text(tag.as_str()))),
            "ansible_skip_tags" => Value::list(self.tree.options.skip_tags.iter().map(|tag| Value::text(tag.as_str()))),
            "ansible_config_file" => Value::from(self.tree.options.config_file.as_deref()),
            "ansible_limit" => Value::text(self.tree.options.limit.as_deref()?),
            "ansible_collection_name" => Value::Null,
            "omit" => Value::Omit,
            "ansible_managed" => Value::text(self.tree.options.ansible_managed.as_str()),
            // there is none; content asks for it in order to run the control node's own
            "ansible_playbook_python" => Value::text("/usr/bin/python3"),
            "vars" => {
                return Some(Var::Value(Value::map(
                    self.layers.names().into_iter().filter_map(|name| Some((name.clone(), self.layers.get(&name)?.to_value()))),
                )));
            }
            _ => return self.place(name),
        };
        Some(Var::Value(value))
    }

    /// Magic variables that follow from where a task stands.
    fn place(&self, name: &str) -> Option<Var> {
        let around = self.around.as_ref()?;
        let play = around.rings().find(|ring| ring.ring == Ring::Play)?;
        let text = match name {
            "playbook_dir" => path::absolute(&*self.tree.control, &play.folder),
            "role_name" | "ansible_role_name" => around.role()?.name.to_string(),
            "role_path" => path::absolute(&*self.tree.control, &around.role()?.folder),
            "ansible_play_name" => self.players.play.to_string(),
            "ansible_parent_role_names" => {
                return Some(Var::Value(Value::list(around.roles().skip(1).map(|role| Value::Text(role.name.clone())))));
            }
            "role_names" | "ansible_play_role_names" => return Some(names(self.players.role_names())),
            "ansible_dependent_role_names" => return Some(names(self.players.dependencies.iter().collect::<BTreeSet<_>>())),
            "ansible_role_names" => {
                return Some(names(self.players.dependencies.iter().chain(self.players.role_names()).collect::<BTreeSet<_>>()));
            }
            _ => return None,
        };
        Some(Var::Value(Value::text(text)))
    }
}

fn names<'a>(names: impl IntoIterator<Item = &'a Arc<str>>) -> Var {
    Var::Value(Value::list(names.into_iter().map(|name| Value::Text(name.clone()))))
}

/// `hostvars`.
struct Others(Sight);

impl Scopes for Others {
    fn names(&self) -> Vec<Arc<str>> {
        self.0.inventory.hosts().map(|host| self.0.inventory.host(host).name.clone()).collect()
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Scope + Send + Sync>> {
        let host = self.0.inventory.find_host(name)?;
        Some(Arc::new(self.0.of(host)))
    }
}

/// `ansible_delegated_vars`: the variables of the host that a task is delegated to, by its name.
struct Delegated(Sight);

impl Scopes for Delegated {
    fn names(&self) -> Vec<Arc<str>> {
        self.0.delegated.map(|host| self.0.inventory.host(host).name.clone()).into_iter().collect()
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Scope + Send + Sync>> {
        let host = self.0.delegated.filter(|host| &*self.0.inventory.host(*host).name == name)?;
        Some(Arc::new(self.0.of(host)))
    }
}

impl Scope for Sight {
    fn get(&self, name: &str) -> Option<Var> {
        match self.layers.get(name) {
            Some(Written::Written(node)) => Some(Var::Raw(node.clone())),
            Some(Written::Made(value, _)) => Some(Var::Value(value.clone())),
            None => self.magic(name),
        }
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.layers.names()
    }

    fn search(&self, kind: Search, name: &str) -> Vec<String> {
        search(&self.tree, self.around.as_ref(), kind, name)
    }

    fn setting(&self, name: &str) -> Option<Value> {
        self.tree.options.settings.get(name).cloned()
    }

    fn origin(&self) -> Option<String> {
        Some(self.inventory.host(self.host).name.to_string())
    }
}

/// Where a file that a task names is looked for: the role and those around it, the folder of the file that names it, the
/// playbook's folder, and for templates and files the tree's own `templates/` and `files/`.
pub fn search(tree: &Arc<Tree>, around: Option<&Arc<Around>>, kind: Search, name: &str) -> Vec<String> {
    if name.starts_with('/') || name.starts_with('~') {
        return vec![path::expand(&*tree.control, name)];
    }
    let part = match kind {
        Search::Template => "templates",
        Search::File => "files",
        Search::Vars => "vars",
    };
    let mut folders: Vec<String> = vec![];
    if let Some(around) = around {
        for role in around.roles() {
            folders.push(format!("{}/{part}", role.folder));
            folders.push(role.folder.to_string());
        }
        folders.push(path::join(&around.folder, part));
        folders.push(around.folder.to_string());
        for play in around.rings().filter(|ring| ring.ring == Ring::Play) {
            folders.push(path::join(&play.folder, part));
            folders.push(play.folder.to_string());
            folders.push(path::join(path::parent(&path::absolute(&*tree.control, &play.folder)), part));
        }
    }
    folders.push(part.to_string());
    let mut all: Vec<String> = folders.iter().map(|folder| path::join(folder, name)).collect();
    let mut seen = std::collections::HashSet::new();
    all.retain(|path| seen.insert(path.clone()));
    all
}

/// The release of Ansible whose language this speaks.
fn version() -> Value {
    let (major, minor, revision) = (2, 19, 0);
    Value::from(
        [
            ("full", Value::text(format!("{major}.{minor}.{revision}"))),
            ("major", Value::Int(major)),
            ("minor", Value::Int(minor)),
            ("revision", Value::Int(revision)),
            ("string", Value::text(format!("{major}.{minor}.{revision}"))),
        ]
        .into_iter()
        .map(|(key, value)| (key.into(), value))
        .collect::<Map>(),
    )
}
