//! Opens a tree: configuration, inventory, variables and playbooks, with every error before anything is contacted.

use std::io::IsTerminal as _;
use std::sync::Arc;

use play_core::book::config::Config;
use play_core::book::inventory::HostId;
use play_core::book::vars::Scope;
use play_core::book::{HostVars, Inventory, Level, Loader, Naming, Play, extra, magic, path};
use play_core::text::{Collector, Control, Diagnostic, Entry, Templates};
use play_core::weave::{self, Host, Known, Tree};

use super::options::Options;
use crate::control::Node;
use crate::secrets::{Surroundings, passwords::VaultOptions};

/// All that was read.
pub struct Opened {
    pub config: Config,
    pub inventory: Inventory,
    pub plays: Vec<Arc<Play>>,
    pub hosts: Vec<Host>,
    pub extra: Arc<Scope>,
    pub control: Arc<dyn Control + Send + Sync>,
    pub warnings: Vec<Diagnostic>,
    pub templates: Arc<Templates>,
}

/// Reads everything. Gives every error there is, not only the first.
pub fn open(playbooks: &[String], options: &Options) -> Result<Opened, Vec<Diagnostic>> {
    let vault = VaultOptions {
        vault_ids: options.vault_ids.clone(),
        password_files: options.vault_password_files.clone(),
        ask: options.ask_vault_pass,
    };
    let node = Arc::new(Node::new(vault, Surroundings::of_process(crate::report::ask_secret)));
    let control: Arc<dyn Control + Send + Sync> = node.clone();
    let mut errors = Collector::default();
    let config = Config::load(&*control, &mut errors);
    // the environment's own are read where the passwords are
    let file = config.vault_password_file.value.clone().filter(|_| control.env("ANSIBLE_VAULT_PASSWORD_FILE").is_none());
    let ids = if control.env("ANSIBLE_VAULT_IDENTITY_LIST").is_none() { config.vault_identity_list.value.clone() } else { vec![] };
    node.configure(file, ids, config.ask_vault_pass.value);
    errors.extend(idle_settings(&config));
    let mut sources = options.inventory.clone();
    if sources.is_empty() {
        sources = config.inventory.value.clone();
        // Ansible's own default is a file that few have
        if config.inventory.is_default() {
            sources.retain(|source| control.entry(source).is_some());
        }
    }
    let inventory = Inventory::load(&*control, &sources, &mut errors);
    let files: Vec<String> = playbooks.iter().filter_map(|name| errors.take(find(&*control, name))).collect();
    let extra = Arc::new(extra::load(&*control, &options.extra_vars, &mut errors));
    let mut roles_path = config.roles_path.value.clone();
    roles_path.push("roles".into());
    let templates = Arc::new(Templates::new(control.clone()));
    let loader = Loader::new(&*control, &Known, roles_path).naming(Naming { templates: templates.clone(), extra: extra.clone() });
    let plays: Vec<Arc<Play>> = files.iter().flat_map(|file| loader.playbook(file, &mut errors)).collect();
    for play in &plays {
        if let Err(circle) = weave::roles::order(play) {
            errors.push(circle);
        }
    }
    for missing in weave::roles::missing(&plays) {
        errors.push(missing);
    }
    weave::check(&plays, &templates, &mut errors);
    let hosts = hosts(&*control, &inventory, &files, &mut errors);
    let failed = errors.has_errors();
    let all = errors.into_vec();
    if failed {
        return Err(all);
    }
    Ok(Opened { config, inventory, plays, hosts, extra, control, warnings: all, templates })
}

/// Settings of `ansible.cfg` that are none, and, in one message, those that have no effect here.
fn idle_settings(config: &Config) -> Vec<Diagnostic> {
    let (idle, unknown): (Vec<_>, Vec<_>) = config.unused.iter().partition(|unused| unused.because.is_some());
    let mut told: Vec<Diagnostic> = unknown.iter().map(|unused| unused.warning()).collect();
    match idle.as_slice() {
        [] => {}
        [one] => told.push(one.warning()),
        [first, ..] => {
            let names: Vec<String> = idle.iter().map(|unused| format!("`{}`", unused.key)).collect();
            told.push(first.span.warning(format!("these settings have no effect: {}", names.join(", "))));
        }
    }
    told
}

/// A playbook in the working folder, or in `playbooks/`.
fn find(control: &dyn Control, name: &str) -> Result<String, Diagnostic> {
    let places = [name.to_string(), format!("playbooks/{name}")];
    if let Some(found) = places.iter().find(|path| control.entry(path) == Some(Entry::File)) {
        return Ok(found.clone());
    }
    let here = control.list(".").unwrap_or_default();
    let there = control.list("playbooks").unwrap_or_default();
    let known: Vec<&str> = here
        .iter()
        .chain(&there)
        .map(String::as_str)
        .filter(|name| name.ends_with(".yml") || name.ends_with(".yaml"))
        .chain(["graph", "doc", "completions"])
        .collect();
    Err(Diagnostic::error(format!("no playbook `{name}`")).meant(name, known).hint("looked in the working folder and in playbooks/"))
}

/// The variables of every host: inventory, group_vars and host_vars, magic variables.
fn hosts(control: &dyn Control, inventory: &Inventory, playbooks: &[String], errors: &mut Collector) -> Vec<Host> {
    let mut folders: Vec<String> = playbooks.iter().map(|file| path::parent(file).to_string()).collect();
    folders.dedup();
    let mut files = HostVars::new(&folders);
    let count = inventory.count();
    files.load(control, inventory, (0..count).map(HostId), errors);
    (0..count)
        .map(|at| {
            let id = HostId(at);
            let mut layers = inventory.layers(id);
            if let Some(more) = files.layers(id) {
                layers.extend(more);
            }
            layers.push(Level::Magic, Arc::new(magic::host(inventory, id)));
            Host::new(layers)
        })
        .collect()
}

impl Opened {
    /// What stays the same over a run with these options.
    pub fn tree(&self, options: weave::Options) -> Tree {
        Tree {
            control: self.control.clone(),
            templates: self.templates.clone(),
            options,
            extra: self.extra.clone(),
            kinds: play_core::resources::find,
        }
    }
}

/// Whether output may have colours.
pub fn colours(options: &Options) -> bool {
    !options.no_color && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && std::io::stdout().is_terminal()
}

/// Shows diagnostics on stderr.
pub fn complain(diagnostics: &[Diagnostic], colour: bool) {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    for diagnostic in diagnostics {
        crate::report::to_stderr(&format!("{}\n", diagnostic.render(colour)));
    }
    if errors > 0 {
        crate::report::to_stderr(&format!("{errors} error{}; nothing was contacted", if errors == 1 { "" } else { "s" }));
    }
}
