//! Roles: their folders, what a play or another role says of them, and their dependencies.

use std::sync::Arc;

use crate::book::around::{Around, Keywords, Ring};
use crate::book::path;
use crate::book::role::{Edge, EdgeKind, Role, RoleFrom, RoleUse};
use crate::book::task::{Block, Item, Task};
use crate::book::vars::Scope;
use crate::book::words::Holder;
use crate::text::diagnostic::nearest;
use crate::text::{Collector, Diagnostic, Entry, Node, Result, Span};

use super::{Imported, Loader, flat, once_each};

impl Loader<'_> {
    pub(super) fn import_role(&self, task: &Task, errors: &mut Collector) -> Result<Block> {
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
    pub(super) fn first(&self, key: String) -> bool {
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
    pub(super) fn role_from(&self, role: Arc<Role>, span: &Span, from: &RoleFrom, errors: &mut Collector) -> Arc<Role> {
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

    pub(super) fn role_use(&self, role: &Arc<Role>, around: Arc<Around>, span: &Span, from: &RoleFrom, errors: &mut Collector) -> RoleUse {
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
        if let Some(first) = crate::book::specification::task(role, from.entry.as_deref().unwrap_or("main"), &around, &from.params)
            .filter(|_| !from.unchecked)
        {
            tasks = std::iter::once(Item::Task(Arc::new(first))).chain(tasks.iter().cloned()).collect();
        }
        RoleUse { role: role.clone(), around, tasks, handlers: flat(&handlers), span: span.clone(), needs: vec![], graphed: false }
    }

    pub(super) fn role_file(&self, role: &Role, folder: &str, name: &str) -> Option<String> {
        let base = format!("{}/{folder}/{name}", role.folder);
        [format!("{base}.yml"), format!("{base}.yaml"), base].into_iter().find(|path| self.control.entry(path) == Some(Entry::File))
    }

    /// The roles of a play in the order in which they are listed, each after what it depends on.
    pub(super) fn role_list(&self, node: &Node, play: &Arc<Around>, errors: &mut Collector) -> Vec<Arc<RoleUse>> {
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
    pub(super) fn use_role(
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
        let from = RoleFrom { params: crate::book::specification::params(item), ..RoleFrom::default() };
        let mut used = self.role_use(&role, around, &name.span, &from, errors);
        (used.needs, used.graphed) = (needs, graphed);
        uses.push(Arc::new(used));
        Ok(uses.len() - 1)
    }

    /// The role of a name: beside the playbook, in the configured folders, or a path.
    pub(super) fn role(&self, name: &str, span: &Span, from: &Arc<Around>, errors: &mut Collector) -> Result<Arc<Role>> {
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
    pub(super) fn role_vars(&self, role: &Role, part: &str, name: &str, wanted: Option<&Span>, errors: &mut Collector) -> Scope {
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

    pub(super) fn find_role(&self, name: &str, span: &Span, from: &Arc<Around>) -> Result<String> {
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
}

/// A role as a play lists it: its name, keywords and parameters.
pub(super) fn role_item(item: &Node, errors: &mut Collector) -> Result<(Node, Keywords, Scope)> {
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
pub(super) fn short_name(name: &str) -> Arc<str> {
    path::name(name).rsplit('.').next().unwrap_or(name).into()
}

/// The roles that others depend on, each once.
pub(super) fn dependencies(roles: &[Arc<RoleUse>], mut names: Vec<Arc<str>>) -> Vec<Arc<str>> {
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
