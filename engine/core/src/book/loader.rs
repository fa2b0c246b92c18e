//! Reads playbooks and roles. Collects every error before it gives up.

mod roles;
mod tasks;

pub use roles::role_words;
pub use tasks::file_argument;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::around::{Around, Keywords, Ring};
use super::load;
use super::naming::Naming;
use super::path;
use super::play::Play;
use super::role::Role;
use super::task::{Item, Task};
use super::vars::Scope;
use super::words::Holder;
use roles::{dependencies, role_item, short_name};

use crate::text::{Collector, Control, Diagnostic, Entry, Node, Result};

/// How deep imports, roles and blocks may nest.
const DEPTH: usize = 64;

pub struct Loader<'a> {
    control: &'a dyn Control,
    /// Whether a word names a module or include, and all such words.
    modules: &'a dyn Modules,
    /// Folders of roles beside the playbook's own.
    roles_path: Vec<String>,
    documents: RefCell<HashMap<String, Node>>,
    roles: RefCell<HashMap<String, Arc<Role>>>,
    naming: Option<Naming>,
    /// What roles that the play under way imports give to all of it.
    imported: RefCell<Imported>,
}

/// What roles that are imported give to all of a play.
#[derive(Default)]
pub struct Imported {
    pub handlers: Vec<Arc<Task>>,
    pub roles: Vec<Arc<str>>,
    pub public: Vec<Arc<Role>>,
    /// Roles that they depend on.
    pub needed: Vec<Arc<str>>,
    /// Calls that came already, for those that are to run once.
    pub keys: HashSet<String>,
}

/// What the book may know of modules: their names.
pub trait Modules {
    fn knows(&self, name: &str) -> bool;
    fn names(&self) -> Vec<&'static str>;
}

impl<'a> Loader<'a> {
    pub fn new(control: &'a dyn Control, modules: &'a dyn Modules, roles_path: Vec<String>) -> Loader<'a> {
        let (documents, roles, imported) = Default::default();
        Loader { control, modules, roles_path, documents, roles, imported, naming: None }
    }

    /// The same, where names may be templates.
    pub fn naming(mut self, naming: Naming) -> Loader<'a> {
        self.naming = Some(naming);
        self
    }

    /// A name that may be a template.
    fn name(&self, node: &Node, around: Option<&Arc<Around>>, vars: &Arc<Scope>) -> Result<String> {
        let text = node.as_str().unwrap_or_default();
        match &self.naming {
            Some(naming) if text.contains("{{") || text.contains("{%") => naming.name(self.control, node, around, vars),
            _ => Ok(text.to_string()),
        }
    }

    /// All plays of a playbook, imports included.
    pub fn playbook(&self, file: &str, errors: &mut Collector) -> Vec<Arc<Play>> {
        let mut plays = vec![];
        self.plays(file, None, &mut plays, errors, 0);
        plays
    }

    fn plays(&self, file: &str, import: Option<Arc<Around>>, plays: &mut Vec<Arc<Play>>, errors: &mut Collector, depth: usize) {
        let Some(node) = errors.take(self.document(file)) else { return };
        let Some(items) = node.as_list() else {
            if !node.is_null() {
                errors.push(node.error(format!("a playbook is a list of plays, and this is {}", node.type_name())));
            }
            return;
        };
        for item in items {
            let import_of = ["import_playbook", "ansible.builtin.import_playbook"].iter().find_map(|word| item.get(word));
            match import_of {
                Some(target) => self.import_playbook(file, item, target, &import, plays, errors, depth),
                None => {
                    if let Some(play) = self.play(file, item, import.clone(), errors) {
                        plays.push(Arc::new(play));
                    }
                }
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "an import carries on where its file was")]
    fn import_playbook(
        &self,
        file: &str,
        item: &Node,
        target: &Node,
        around: &Option<Arc<Around>>,
        plays: &mut Vec<Arc<Play>>,
        errors: &mut Collector,
        depth: usize,
    ) {
        if target.as_str().is_none() {
            return errors.push(target.error("`import_playbook` takes the name of a file"));
        }
        if depth > DEPTH {
            return errors.push(target.error("playbooks import each other in a circle"));
        }
        let mut keywords = Keywords::new();
        let mut vars = Scope::new();
        for (key, value) in item.as_map().unwrap_or_default() {
            match key.as_str() {
                Some("import_playbook" | "ansible.builtin.import_playbook" | "name") => {}
                Some("vars") => vars = Scope::from_node(value),
                Some(word) => match Holder::Block.keyword(word) {
                    Some(word) => drop(keywords.insert(word, value.clone())),
                    None => errors.push(key.error(format!("an import of a playbook has no keyword `{word}`"))),
                },
                None => {}
            }
        }
        let vars = Arc::new(vars);
        let Some(name) = errors.take(self.name(target, around.as_ref(), &vars)) else { return };
        let folder = path::parent(file);
        let path = path::join(folder, name.split_whitespace().next().unwrap_or_default());
        if self.control.entry(&path) != Some(Entry::File) {
            let near = self.control.list(path::parent(&path)).unwrap_or_default();
            let near: Vec<String> = near.iter().map(|name| path::join(path::parent(&path), name)).collect();
            return errors.push(target.error(format!("no playbook `{path}`")).meant(&path, near.iter().map(String::as_str)));
        }
        let ring =
            Around { ring: Ring::Import, keywords, vars, role: None, folder: folder.into(), span: item.span.clone(), up: around.clone() };
        self.plays(&path, Some(Arc::new(ring)), plays, errors, depth + 1);
    }

    fn play(&self, file: &str, node: &Node, up: Option<Arc<Around>>, errors: &mut Collector) -> Option<Play> {
        let folder: Arc<str> = path::parent(file).into();
        let Some(pairs) = node.as_map() else {
            errors.push(node.error(format!("a play is a mapping, and this is {}", node.type_name())));
            return None;
        };
        let keywords = self.play_keywords(pairs, errors);
        let Some(hosts) = keywords.get("hosts").filter(|hosts| !hosts.is_null()).cloned() else {
            errors.push(node.error("this play names no `hosts`").hint("`hosts: all` means every host of the inventory"));
            return None;
        };
        let vars = keywords.get("vars").map(|vars| self.vars(vars, errors)).unwrap_or_default();
        let mut inherited = keywords.clone();
        for own in ["hosts", "roles", "tasks", "pre_tasks", "post_tasks", "handlers", "vars", "vars_files", "name"] {
            inherited.remove(own);
        }
        let around = Around {
            ring: Ring::Play,
            keywords: inherited,
            vars: vars.into(),
            role: None,
            folder: folder.clone(),
            span: node.span.clone(),
            up,
        };
        let around = Arc::new(around);
        let section = |word: &str, errors: &mut Collector| match keywords.get(word) {
            Some(node) => self.items(node, &around, errors, 0),
            None => Arc::from([]),
        };
        let (pre_tasks, tasks, post_tasks) = (section("pre_tasks", errors), section("tasks", errors), section("post_tasks", errors));
        let mut handlers = flat(&section("handlers", errors));
        let roles = keywords.get("roles").map(|roles| self.role_list(roles, &around, errors)).unwrap_or_default();
        self.calls(roles.iter().map(|role| role.key()));
        let imported = self.imported.take();
        handlers.splice(0..0, imported.handlers);
        handlers.splice(0..0, roles.iter().flat_map(|role| role.handlers.clone()));
        let listed = keywords.get("roles").and_then(Node::as_list).unwrap_or_default();
        let named = |item: &Node| self.name(&role_item(item, &mut Collector::default()).ok()?.0, Some(&around), &Arc::default()).ok();
        let mut role_names: Vec<Arc<str>> = listed.iter().filter_map(|item| Some(short_name(&named(item)?))).collect();
        role_names.extend(imported.roles);
        Some(Play {
            name: keywords.get("name").cloned(),
            hosts,
            keywords,
            around,
            pre_tasks,
            tasks,
            post_tasks,
            handlers,
            role_names,
            dependencies: dependencies(&roles, imported.needed),
            public: imported.public,
            calls: imported.keys,
            roles,
            folder,
            span: node.span.clone(),
        })
    }

    fn play_keywords(&self, pairs: &[(Node, Node)], errors: &mut Collector) -> Keywords {
        let mut keywords = Keywords::new();
        for (key, value) in pairs {
            let word = key.as_str().unwrap_or_default();
            let word = if word == "user" { "remote_user" } else { word };
            match Holder::Play.keyword(word) {
                Some(word) => {
                    warn_idle(key, word, errors);
                    keywords.insert(word, value.clone());
                }
                None => errors.push(unknown_keyword(key, Holder::Play, &[])),
            }
        }
        keywords
    }

    fn vars(&self, node: &Node, errors: &mut Collector) -> Scope {
        if !node.is_null() && node.as_map().is_none() {
            errors.push(node.error(format!("`vars` takes a mapping, and this is {}", node.type_name())));
        }
        Scope::from_node(node)
    }

    fn document(&self, file: &str) -> Result<Node> {
        if let Some(node) = self.documents.borrow().get(file) {
            return Ok(node.clone());
        }
        let node = load::document(self.control, file)?;
        self.documents.borrow_mut().insert(file.to_string(), node.clone());
        Ok(node)
    }
}

/// Handlers stand flat, whatever blocks they are written in.
fn flat(items: &[Item]) -> Vec<Arc<Task>> {
    items
        .iter()
        .flat_map(|item| match item {
            Item::Task(task) => vec![task.clone()],
            Item::Block(block) => flat(&block.block),
        })
        .collect()
}

/// The same words, each where it stands first.
fn once_each(words: &[String]) -> Vec<&str> {
    let first = |(at, word): (usize, &'_ String)| !words[..at].contains(word);
    (0..words.len()).filter(|at| first((*at, &words[*at]))).map(|at| words[at].as_str()).collect()
}

fn warn_idle(key: &Node, word: &str, errors: &mut Collector) {
    if let Some(why) = super::words::idle(word) {
        errors.push(key.span.warning(format!("`{word}` has no effect")).hint(why));
    }
}

fn unknown_keyword(key: &Node, holder: Holder, modules: &[&'static str]) -> Diagnostic {
    let word = key.as_str().unwrap_or("?");
    let what = if holder == Holder::Task { "neither a keyword of a task nor a module" } else { "no keyword" };
    let message = match holder {
        Holder::Task => format!("`{word}` is {what}"),
        _ => format!("{} has no keyword `{word}`", holder.label()),
    };
    key.error(message).meant(word, holder.all().chain(modules.iter().copied()))
}
