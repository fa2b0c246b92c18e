//! Reads playbooks and roles. Collects every error before it gives up.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::around::{Around, Keywords, Ring};
use super::load;
use super::naming::Naming;
use super::path;
use super::play::Play;
use super::role::{Edge, EdgeKind, Role, RoleFrom, RoleUse};
use super::task::{Arguments, Block, Item, Repeat, Task};
use super::vars::Scope;
use super::words::Holder;
use crate::text::diagnostic::nearest;
use crate::text::{Collector, Control, Diagnostic, Entry, Node, Result, Span};

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

    /// A list of tasks and blocks.
    pub fn items(&self, node: &Node, around: &Arc<Around>, errors: &mut Collector, depth: usize) -> Arc<[Item]> {
        if node.is_null() {
            return Arc::from([]);
        }
        let Some(list) = node.as_list() else {
            errors.push(node.error(format!("tasks are a list, and this is {}", node.type_name())));
            return Arc::from([]);
        };
        if depth > DEPTH {
            errors.push(node.error(format!("blocks and imports nest over {DEPTH} levels deep; do they import each other in a circle?")));
            return Arc::from([]);
        }
        let mut all = vec![];
        for item in list {
            let read = self.item(item, around, errors, depth);
            if let Some(item) = errors.take(read) {
                all.push(item);
            }
        }
        all.into()
    }

    fn item(&self, node: &Node, around: &Arc<Around>, errors: &mut Collector, depth: usize) -> Result<Item> {
        let Some(pairs) = node.as_map() else {
            return Err(node.error(format!("a task is a mapping, and this is {}", node.type_name())));
        };
        if pairs.iter().any(|(key, _)| key.as_str() == Some("block")) {
            return Ok(Item::Block(Arc::new(self.block(node, pairs, around, errors, depth)?)));
        }
        let task = self.task(node, pairs, around, errors)?;
        Ok(match task.short_module() {
            "import_tasks" => Item::Block(Arc::new(self.import_tasks(&task, errors, depth)?)),
            "import_role" => Item::Block(Arc::new(self.import_role(&task, errors)?)),
            _ => Item::Task(Arc::new(task)),
        })
    }

    fn block(&self, node: &Node, pairs: &[(Node, Node)], around: &Arc<Around>, errors: &mut Collector, depth: usize) -> Result<Block> {
        let mut keywords = Keywords::new();
        for (key, value) in pairs {
            match Holder::Block.keyword(key.as_str().unwrap_or_default()) {
                Some(word) => drop(keywords.insert(word, value.clone())),
                None => errors.push(unknown_keyword(key, Holder::Block, &[])),
            }
        }
        let vars = keywords.remove("vars").map(|vars| self.vars(&vars, errors)).unwrap_or_default();
        let name = keywords.remove("name");
        let mut part = |word: &str| keywords.remove(word);
        let (block, rescue, always) = (part("block"), part("rescue"), part("always"));
        let ring = Around {
            ring: Ring::Block,
            keywords,
            vars: vars.into(),
            role: None,
            folder: around.folder.clone(),
            span: node.span.clone(),
            up: Some(around.clone()),
        };
        let ring = Arc::new(ring);
        let mut items = |part: Option<Node>| part.map_or_else(|| Arc::from([]), |node| self.items(&node, &ring, errors, depth + 1));
        Ok(Block { name, block: items(block), rescue: items(rescue), always: items(always), around: ring })
    }

    /// A task, whatever it does.
    pub fn task(&self, node: &Node, pairs: &[(Node, Node)], around: &Arc<Around>, errors: &mut Collector) -> Result<Task> {
        let (mut keywords, mut repeat, mut actions, mut local) = (Keywords::new(), None, vec![], false);
        for (key, value) in pairs {
            let word = key.as_str().unwrap_or_default();
            match Holder::Task.keyword(word) {
                Some("loop") => repeat = Some(Repeat { word: "loop".into(), span: key.span.clone(), over: value.clone() }),
                Some("action") => actions.push(action(value)?),
                Some("local_action") => {
                    local = true;
                    actions.push(action(value)?);
                }
                Some(word) => {
                    warn_idle(key, word, errors);
                    keywords.insert(word, value.clone());
                }
                None if word.starts_with("with_") => {
                    repeat = Some(Repeat { word: word.into(), span: key.span.clone(), over: value.clone() })
                }
                None => actions.push((word.into(), key.span.clone(), Some(value.clone()))),
            }
        }
        let (module, module_span, args) = self.one_action(node, actions, pairs)?;
        let name = keywords.remove("name");
        let vars = keywords.remove("vars").map(|vars| self.vars(&vars, errors)).unwrap_or_default();
        let args = Arguments { node: args, more: keywords.remove("args") };
        Ok(Task {
            name,
            module,
            module_span,
            args,
            keywords,
            vars: vars.into(),
            repeat,
            around: around.clone(),
            span: node.span.clone(),
            local,
        })
    }

    /// The one key of a task that is no keyword is its module.
    fn one_action(
        &self,
        node: &Node,
        mut actions: Vec<(Arc<str>, Span, Option<Node>)>,
        pairs: &[(Node, Node)],
    ) -> Result<(Arc<str>, Span, Option<Node>)> {
        if actions.len() > 1
            && let Some(at) = actions.iter().position(|(name, ..)| !self.modules.knows(name))
            && let Some((key, _)) = pairs.iter().find(|(key, _)| key.as_str() == Some(&actions[at].0))
        {
            return Err(unknown_keyword(key, Holder::Task, &self.modules.names()));
        }
        match actions.len() {
            0 => Err(node
                .error("this task names no module")
                .hint("one key of a task is a module, such as `copy:` or `ansible.builtin.copy:`")),
            1 => {
                let (name, span, args) = actions.remove(0);
                if !self.modules.knows(&name) {
                    let known = self.modules.names().into_iter().chain(Holder::Task.all());
                    return Err(span
                        .error(format!("no module `{name}`"))
                        .meant(name.rsplit('.').next().unwrap_or(&name), known)
                        .hint("`play doc --list` lists the modules"));
                }
                Ok((name, span, args))
            }
            _ => {
                let (first, second) = (&actions[0], &actions[1]);
                Err(second
                    .1
                    .error(format!("a task has one module, and this has `{}` and `{}`", first.0, second.0))
                    .also(first.1.clone(), "the first"))
            }
        }
    }

    fn import_tasks(&self, task: &Task, errors: &mut Collector, depth: usize) -> Result<Block> {
        let target = file_argument(task)?;
        let name = self
            .name(&target, Some(&task.around), &task.vars)
            .map_err(|error| error.hint("`include_tasks` reads its file when the run comes to it"))?;
        let name = name.split_whitespace().next().unwrap_or_default().trim_start_matches("file=").to_string();
        let ring = self.import_ring(task);
        let items = self.tasks_file(&name, &target.span, &task.around, &ring, errors, depth + 1)?;
        Ok(Block { name: task.name.clone(), around: ring, block: items, rescue: Arc::from([]), always: Arc::from([]) })
    }

    fn import_ring(&self, task: &Task) -> Arc<Around> {
        let up = Some(task.around.clone());
        Arc::new(Around {
            ring: Ring::Import,
            keywords: task.keywords.clone(),
            vars: task.vars.clone(),
            role: None,
            folder: task.around.folder.clone(),
            span: task.span.clone(),
            up,
        })
    }

    /// The tasks of a file that an import or include names, looked up beside the file that names it and in its role.
    pub fn tasks_file(
        &self,
        name: &str,
        span: &Span,
        from: &Arc<Around>,
        ring: &Arc<Around>,
        errors: &mut Collector,
        depth: usize,
    ) -> Result<Arc<[Item]>> {
        let file = self.find_tasks(name, span, from)?;
        let node = self.document(&file)?;
        let inner = Around {
            ring: ring.ring,
            keywords: ring.keywords.clone(),
            vars: ring.vars.clone(),
            role: ring.role.clone(),
            folder: path::parent(&file).into(),
            span: ring.span.clone(),
            up: ring.up.clone(),
        };
        Ok(self.items(&node, &Arc::new(inner), errors, depth))
    }

    fn find_tasks(&self, name: &str, span: &Span, from: &Arc<Around>) -> Result<String> {
        let mut folders: Vec<String> = vec![from.folder.to_string()];
        if let Some(role) = from.role() {
            folders.push(format!("{}/tasks", role.folder));
            folders.push(role.folder.to_string());
        }
        folders.extend(from.rings().filter(|ring| ring.ring == Ring::Play).map(|ring| ring.folder.to_string()));
        let all: Vec<String> = folders.iter().map(|folder| path::join(folder, name)).collect();
        let found = all.iter().find(|path| self.control.entry(path) == Some(Entry::File));
        found.cloned().ok_or_else(|| {
            let near = self.control.list(&folders[0]).unwrap_or_default();
            span.error(format!("no file of tasks `{name}`"))
                .meant(name, near.iter().map(String::as_str))
                .hint(format!("looked for {}", once_each(&all).join(", ")))
        })
    }

    fn import_role(&self, task: &Task, errors: &mut Collector) -> Result<Block> {
        let args = task.args.node.as_ref();
        let name =
            args.and_then(|args| args.get("name").or_else(|| args.get("role")).or(Some(args))).filter(|name| name.as_str().is_some());
        let Some(name) = name.cloned() else { return Err(task.span.error("`import_role` needs the `name` of a role")) };
        role_words(task, &["apply"])?;
        let text = |word: &str| args.and_then(|args| args.get(word)).and_then(Node::as_str).map(str::to_string);
        let from = RoleFrom::new(text);
        let ring = self.import_ring(task);
        let short = self.name(&name, Some(&task.around), &task.vars)?;
        let short = short.strip_prefix("name=").unwrap_or(&short);
        let uses = self.role_tasks(short, &name.span, &ring, &from, errors)?;
        let mut imported = self.imported.borrow_mut();
        imported.handlers.extend(uses.handlers.iter().cloned());
        imported.roles.push(uses.role.name.clone());
        if from.public != Some(false) {
            imported.public.push(uses.role.clone());
        }
        let block = uses.tasks.clone();
        Ok(Block { name: task.name.clone(), around: ring, block, rescue: Arc::from([]), always: Arc::from([]) })
    }

    /// A role read for `import_role` or `include_role`: it, and its tasks inside the given ring.
    pub fn role_tasks(&self, name: &str, span: &Span, up: &Arc<Around>, from: &RoleFrom, errors: &mut Collector) -> Result<RoleUse> {
        let role = self.role(name, span, up, errors)?;
        let role = self.role_from(role, span, from, errors);
        let around = |role: &Arc<Role>| {
            Arc::new(Around {
                ring: Ring::Role,
                keywords: Keywords::new(),
                vars: Default::default(),
                role: Some(role.clone()),
                folder: format!("{}/tasks", role.folder).into(),
                span: span.clone(),
                up: Some(up.clone()),
            })
        };
        let (mut needed, mut chain, outside) = (vec![], vec![(role.name.clone(), span.clone())], around(&role));
        for dependency in role.dependencies() {
            self.use_role(dependency, &outside, &mut chain, &mut needed, errors)?;
        }
        let role = role.over(&needed);
        let mut used = self.role_use(&role, around(&role), span, from, errors);
        let called = format!("called {}", from.key(&role, &up.vars));
        if !self.first(called) && from.single {
            (used.tasks, used.handlers) = (Arc::from([]), vec![]);
        }
        self.imported.borrow_mut().needed.extend(needed.iter().map(|need| need.role.name.clone()));
        needed.retain(|need| need.role.duplicates() || self.first(need.key()));
        used.tasks = needed.iter().flat_map(|need| need.tasks.iter()).chain(used.tasks.iter()).cloned().collect();
        used.handlers.splice(0..0, needed.iter().flat_map(|need| need.handlers.iter().cloned()));
        Ok(used)
    }

    /// Whether a call of a role is the first of its kind.
    fn first(&self, key: String) -> bool {
        self.imported.borrow_mut().keys.insert(key)
    }

    /// Calls of roles that came before what is read now, and all of them afterwards.
    pub fn calls(&self, before: impl IntoIterator<Item = String>) {
        self.imported.borrow_mut().keys.extend(before);
    }

    /// What the roles that were imported on the way give to the play.
    pub fn finish(self) -> Imported {
        self.imported.into_inner()
    }

    /// The role with other files for its `vars` and `defaults`, where the task names some.
    fn role_from(&self, role: Arc<Role>, span: &Span, from: &RoleFrom, errors: &mut Collector) -> Arc<Role> {
        if from.vars.is_none() && from.defaults.is_none() {
            return role;
        }
        let mut part = |folder: &str, name: &Option<String>, main: &Arc<Scope>| match name {
            None => main.clone(),
            Some(name) => Arc::new(self.role_vars(&role, folder, name, Some(span), errors)),
        };
        let (vars, defaults) = (part("vars", &from.vars, &role.vars), part("defaults", &from.defaults, &role.defaults));
        Arc::new(Role {
            name: role.name.clone(),
            folder: role.folder.clone(),
            defaults,
            vars,
            meta: role.meta.clone(),
            specs: role.specs.clone(),
        })
    }

    fn role_use(&self, role: &Arc<Role>, around: Arc<Around>, span: &Span, from: &RoleFrom, errors: &mut Collector) -> RoleUse {
        let mut part = |folder: &str, name: &str| match self.role_file(role, folder, name) {
            Some(file) => match errors.take(self.document(&file)) {
                Some(node) => self.items(&node, &around, errors, 1),
                None => Arc::from([]),
            },
            None => {
                if name != "main" {
                    errors.push(span.error(format!("role `{}` has no file `{folder}/{name}.yml`", role.name)));
                }
                Arc::from([])
            }
        };
        let entry = from.tasks.as_deref().unwrap_or("main");
        let (mut tasks, handlers) = (part("tasks", entry), part("handlers", from.handlers.as_deref().unwrap_or("main")));
        if let Some(first) =
            super::specification::task(role, from.entry.as_deref().unwrap_or("main"), &around, &from.params).filter(|_| !from.unchecked)
        {
            tasks = std::iter::once(Item::Task(Arc::new(first))).chain(tasks.iter().cloned()).collect();
        }
        RoleUse { role: role.clone(), around, tasks, handlers: flat(&handlers), span: span.clone(), needs: vec![], graphed: false }
    }

    fn role_file(&self, role: &Role, folder: &str, name: &str) -> Option<String> {
        let base = format!("{}/{folder}/{name}", role.folder);
        [format!("{base}.yml"), format!("{base}.yaml"), base].into_iter().find(|path| self.control.entry(path) == Some(Entry::File))
    }

    /// The roles of a play in the order in which they are listed, each after what it depends on.
    fn role_list(&self, node: &Node, play: &Arc<Around>, errors: &mut Collector) -> Vec<Arc<RoleUse>> {
        let Some(items) = node.as_list() else {
            if !node.is_null() {
                errors.push(node.error(format!("`roles` takes a list, and this is {}", node.type_name())));
            }
            return vec![];
        };
        let mut uses: Vec<Arc<RoleUse>> = vec![];
        for item in items {
            if let Err(diagnostic) = self.use_role(item, play, &mut vec![], &mut uses, errors) {
                errors.push(diagnostic);
            }
        }
        uses
    }

    /// Its place in the list: that of an equal use, which is not repeated, or a new one.
    fn use_role(
        &self,
        item: &Node,
        up: &Arc<Around>,
        chain: &mut Vec<(Arc<str>, Span)>,
        uses: &mut Vec<Arc<RoleUse>>,
        errors: &mut Collector,
    ) -> Result<usize> {
        let (name, mut keywords, params) = role_item(item, errors)?;
        let text = self.name(&name, Some(up), &Arc::new(params.clone()))?;
        let role = self.role(&text, &name.span, up, errors)?;
        chain.push((role.name.clone(), name.span.clone()));
        if let Some(at) = chain.iter().position(|(have, _)| *have == role.name).filter(|at| at + 1 < chain.len()) {
            return Err(circle(&chain[at..]));
        }
        let mut needs = edges(&keywords, errors);
        let graphed = !needs.is_empty() || role.meta.as_ref().is_some_and(|meta| meta.get("after").or(meta.get("requires")).is_some());
        keywords.remove("after");
        keywords.remove("requires");
        let around = Arc::new(Around {
            ring: Ring::Role,
            keywords,
            vars: Arc::new(params),
            role: Some(role.clone()),
            folder: format!("{}/tasks", role.folder).into(),
            span: item.span.clone(),
            up: Some(up.clone()),
        });
        if let Some(meta) = &role.meta {
            needs.extend(edges(&meta_keywords(meta), errors));
            for dependency in role.dependencies() {
                let place = self.use_role(dependency, &around, chain, uses, errors)?;
                let role = uses[place].role.name.clone();
                needs.push(Edge { role, place: Some(place), kind: EdgeKind::After, span: dependency.span.clone() });
            }
        }
        chain.pop();
        let same = |other: &&Arc<RoleUse>| {
            other.role == role && other.around.vars == around.vars && keyword_texts(&other.around) == keyword_texts(&around)
        };
        if let Some(place) = uses.iter().position(|other| !role.duplicates() && same(&other)) {
            return Ok(place);
        }
        let from = RoleFrom { params: super::specification::params(item), ..RoleFrom::default() };
        let mut used = self.role_use(&role, around, &name.span, &from, errors);
        (used.needs, used.graphed) = (needs, graphed);
        uses.push(Arc::new(used));
        Ok(uses.len() - 1)
    }

    /// The role of a name: beside the playbook, in the configured folders, or a path.
    fn role(&self, name: &str, span: &Span, from: &Arc<Around>, errors: &mut Collector) -> Result<Arc<Role>> {
        let folder = self.find_role(name, span, from)?;
        if let Some(role) = self.roles.borrow().get(&folder) {
            return Ok(role.clone());
        }
        let short: Arc<str> = path::name(&folder).into();
        let mut role = Role { name: short, folder: folder.as_str().into(), ..Role::default() };
        role.defaults = self.role_vars(&role, "defaults", "main", None, errors).into();
        role.vars = self.role_vars(&role, "vars", "main", None, errors).into();
        role.meta = self.role_file(&role, "meta", "main").and_then(|file| errors.take(self.document(&file)));
        let own = self.role_file(&role, "meta", "argument_specs").and_then(|file| errors.take(self.document(&file)));
        role.specs = own.as_ref().or(role.meta.as_ref()).and_then(|node| node.get("argument_specs")).cloned();
        role.meta.iter().for_each(|meta| check_meta(meta, errors));
        let role = Arc::new(role);
        self.roles.borrow_mut().insert(folder, role.clone());
        Ok(role)
    }

    /// `defaults/main.yml` or a folder `defaults/main/`; the same of another name, which must be there.
    fn role_vars(&self, role: &Role, part: &str, name: &str, wanted: Option<&Span>, errors: &mut Collector) -> Scope {
        let mut scope = Scope::new();
        let base = format!("{}/{part}/{name}", role.folder);
        let mut files: Vec<String> = self.role_file(role, part, name).into_iter().collect();
        if self.control.entry(&base) == Some(Entry::Folder) {
            files = self.control.list(&base).unwrap_or_default().into_iter().map(|name| path::join(&base, &name)).collect();
        }
        if let Some(span) = wanted.filter(|_| files.is_empty()) {
            errors.push(span.error(format!("role `{}` has no file `{part}/{name}.yml`", role.name)));
        }
        for file in files {
            let Some(node) = errors.take(self.document(&file)) else { continue };
            if !node.is_null() && node.as_map().is_none() {
                errors.push(node.error(format!("variables are a mapping, and this is {}", node.type_name())));
            }
            for (name, var) in Scope::from_node(&node).iter() {
                scope.insert(name.clone(), var.clone());
            }
        }
        scope
    }

    fn find_role(&self, name: &str, span: &Span, from: &Arc<Around>) -> Result<String> {
        let mut folders: Vec<String> =
            from.rings().filter(|ring| ring.ring == Ring::Play).map(|ring| path::join(&ring.folder, "roles")).collect();
        if let Some(role) = from.role() {
            folders.push(path::parent(&role.folder).to_string());
        }
        folders.extend(self.roles_path.iter().cloned());
        folders.extend(from.rings().filter(|ring| ring.ring == Ring::Play).map(|ring| ring.folder.to_string()));
        let short = name.rsplit('.').next().unwrap_or(name);
        let candidates = folders.iter().flat_map(|folder| [path::join(folder, name), path::join(folder, short)]);
        let mut candidates = candidates.filter(|path| self.control.entry(path) == Some(Entry::Folder));
        // as a user in the working folder would name it
        let here = format!("{}/", self.control.working_directory());
        candidates.next().map(|path| path.strip_prefix(&here).unwrap_or(&path).to_string()).ok_or_else(|| {
            let known: Vec<String> = folders.iter().flat_map(|folder| self.control.list(folder).unwrap_or_default()).collect();
            span.error(format!("no role `{name}`"))
                .meant(name, known.iter().map(String::as_str))
                .hint(format!("looked in {}", once_each(&folders).join(", ")))
        })
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

/// `action: copy src=a dest=b` or `action: {module: copy, src: a}`.
fn action(node: &Node) -> Result<(Arc<str>, Span, Option<Node>)> {
    if let Some(name) = node.get("module").and_then(|name| name.as_str()) {
        let mut rest = node.clone();
        let pairs: Vec<(Node, Node)> =
            node.as_map().unwrap_or_default().iter().filter(|(key, _)| key.as_str() != Some("module")).cloned().collect();
        rest.data = crate::text::yaml::Data::Map(Arc::new(pairs));
        return Ok((name.into(), node.span.clone(), Some(rest)));
    }
    let Some(text) = node.as_str() else { return Err(node.error("`action` takes a module and its arguments")) };
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let at = text.len() - rest.len();
    let args = (!rest.trim().is_empty()).then(|| Node::quoted(node.place(at, text.len()), rest));
    Ok((name.into(), node.place(0, name.len()), args))
}

/// The file that `import_tasks` or `include_tasks` names.
pub fn file_argument(task: &Task) -> Result<Node> {
    let named =
        task.args.node.as_ref().and_then(|node| node.get("file").or_else(|| node.get("_raw_params")).or(node.as_str().map(|_| node)));
    let named = named.or_else(|| task.args.more.as_ref().and_then(|node| node.get("file")));
    named.cloned().ok_or_else(|| task.span.error(format!("`{}` needs the name of a file", task.short_module())))
}

/// A role as a play lists it: its name, keywords and parameters.
fn role_item(item: &Node, errors: &mut Collector) -> Result<(Node, Keywords, Scope)> {
    if item.as_str().is_some() {
        return Ok((item.clone(), Keywords::new(), Scope::new()));
    }
    let Some(pairs) = item.as_map() else { return Err(item.error("a role is a name or a mapping with `role`")) };
    let (mut keywords, mut params, mut name) = (Keywords::new(), Scope::new(), None);
    for (key, value) in pairs {
        match key.as_str().unwrap_or_default() {
            "role" => name = Some(value.clone()),
            "name" if item.get("role").is_none() => name = Some(value.clone()),
            "vars" => Scope::from_node(value).iter().for_each(|(name, var)| params.insert(name.clone(), var.clone())),
            word => match Holder::Role.keyword(word) {
                Some(word) => drop(keywords.insert(word, value.clone())),
                None => {
                    errors.extend(misspelt(key, word));
                    params.insert(word, value.clone());
                }
            },
        }
    }
    match name.filter(|name| name.as_str().is_some()) {
        Some(name) => Ok((name, keywords, params)),
        None => Err(item.error("a role in a play needs `role: NAME`")),
    }
}

/// A key of a role in a play that is no keyword is a variable; one that is nearly a keyword may have been meant as one.
fn misspelt(key: &Node, word: &str) -> Option<Diagnostic> {
    let near = nearest(word, Holder::Role.all())?;
    let warning = key.span.warning(format!("`{word}` is no keyword of a role, so it is a variable"));
    Some(warning.hint(format!("did you mean `{near}`? A variable is better given under `vars:`")))
}

/// What `meta/main.yml` may say.
const META: &[&str] = &["allow_duplicates", "argument_specs", "collections", "dependencies", "galaxy_info", "after", "requires"];

fn check_meta(meta: &Node, errors: &mut Collector) {
    if meta.as_map().is_none() && !meta.is_null() {
        errors.push(meta.error(format!("what is said of a role is a mapping, and this is {}", meta.type_name())));
    }
    for (key, value) in meta.as_map().unwrap_or_default() {
        let word = key.as_str().unwrap_or("?");
        if !META.contains(&word) {
            errors.push(key.error(format!("`{word}` is nothing that can be said of a role")).meant(word, META.iter().copied()));
        }
        if word == "dependencies" && value.as_list().is_none() && !value.is_null() {
            errors.push(value.error(format!("`dependencies` takes a list of roles, and this is {}", value.type_name())));
        }
    }
}

/// The last part of a role's name, which is that of its folder.
fn short_name(name: &str) -> Arc<str> {
    path::name(name).rsplit('.').next().unwrap_or(name).into()
}

/// The roles that others depend on, each once.
fn dependencies(roles: &[Arc<RoleUse>], mut names: Vec<Arc<str>>) -> Vec<Arc<str>> {
    for role in roles.iter().filter(|role| role.around.up.as_ref().is_some_and(|up| up.ring == Ring::Role)) {
        if !names.contains(&role.role.name) {
            names.push(role.role.name.clone());
        }
    }
    names
}

/// The arguments of a task that calls a role: those that there are.
pub fn role_words(task: &Task, without: &[&str]) -> Result<()> {
    let known = ["name", "role", "apply"].into_iter().chain(RoleFrom::WORDS).filter(|word| !without.contains(word));
    let pairs = task.args.node.iter().chain(&task.args.more).filter_map(Node::as_map).flatten();
    for (key, _) in pairs {
        let word = key.as_str().unwrap_or_default();
        if !known.clone().any(|have| have == word) {
            return Err(key.error(format!("`{}` has no argument `{word}`", task.short_module())).meant(word, known));
        }
    }
    Ok(())
}

fn meta_keywords(meta: &Node) -> Keywords {
    ["after", "requires"].into_iter().filter_map(|word| Some((word, meta.get(word)?.clone()))).collect()
}

/// `after: [a, {role: b, kind: ready}]` and `requires:`, which also says what of it must hold.
fn edges(keywords: &Keywords, errors: &mut Collector) -> Vec<Edge> {
    let mut all = vec![];
    for word in ["after", "requires"] {
        let Some(node) = keywords.get(word) else { continue };
        let items = node.as_list().map_or_else(|| vec![node.clone()], <[Node]>::to_vec);
        for item in items.into_iter().filter(|item| !item.is_null()) {
            let role = item.get("role").or(Some(&item)).and_then(Node::as_str);
            let kind = item.get("kind").and_then(Node::as_str);
            let default = if word == "after" { EdgeKind::After } else { EdgeKind::Ready };
            match (role, kind.map_or(Some(default), EdgeKind::of)) {
                (Some(role), Some(kind)) => all.push(Edge { role: role.into(), place: None, kind, span: item.span.clone() }),
                (None, _) => errors.push(item.error(format!("`{word}` names roles"))),
                (_, None) => {
                    let known = ["after", "exists", "established", "ready", "serving"];
                    errors
                        .push(item.error(format!("no kind of edge `{}`", kind.unwrap_or_default())).meant(kind.unwrap_or_default(), known));
                }
            }
        }
    }
    all
}

fn keyword_texts(around: &Around) -> Vec<(&'static str, crate::text::Value)> {
    around.keywords.iter().map(|(word, node)| (*word, node.to_value())).collect()
}

/// One message that names every edge of a circle of roles.
fn circle(chain: &[(Arc<str>, Span)]) -> Diagnostic {
    let names: Vec<&str> = chain.iter().map(|(name, _)| &**name).collect();
    let diagnostic = chain[chain.len() - 1].1.error(format!("roles depend on each other in a circle: {}", names.join(" -> ")));
    chain[..chain.len() - 1]
        .iter()
        .fold(diagnostic, |diagnostic, (name, span)| diagnostic.also(span.clone(), format!("`{name}` is named here")))
}
