//! Tasks that bring other tasks, and what tasks do to the run itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::book::inventory::HostId;
use crate::book::loader::file_argument;
use crate::book::task::{Item, Task};
use crate::book::{Around, Keywords, Loader, Modules, Ring, Var};
use crate::modules::{self, Entry};
use crate::state::Effect;
use crate::text::{Collector, Map, Node, Result, Value};

use super::cursor::Frame;
use super::item::Ended;
use super::scope::Sight;
use super::session::{Output, Session, State, Thread};

/// The names that a task may have for its module.
pub struct Known;

const INCLUDES: &[&str] = &["include_tasks", "include_role", "import_tasks", "import_role", "include"];

impl Modules for Known {
    fn knows(&self, name: &str) -> bool {
        let short = name.strip_prefix("ansible.builtin.").or(name.strip_prefix("ansible.legacy.")).unwrap_or(name);
        INCLUDES.contains(&short) || modules::find(name).is_some()
    }

    fn names(&self) -> Vec<&'static str> {
        modules::table::names().chain(INCLUDES.iter().copied()).collect()
    }
}

impl Session {
    /// `include_tasks`, `include_role`: their tasks come next.
    pub(super) fn include(&mut self, thread: &mut Thread) {
        let Some(run) = &thread.cursor.run else { return };
        let task = run.task.clone();
        let sight = self.sight(thread, &task, run.item_layers());
        let mut errors = Collector::default();
        let included = self.included(&task, &sight, run, &mut errors);
        drop(sight);
        if let Ok((items, ..)) = &included {
            super::check::items(items, &self.tree.templates, &mut errors);
        }
        let mut failed = None;
        for diagnostic in errors.into_vec() {
            if diagnostic.is_error() && failed.is_none() {
                failed = Some(diagnostic);
            } else {
                self.notice(diagnostic);
            }
        }
        match (included, failed) {
            (Err(error), _) | (Ok(_), Some(error)) => self.end_item(thread, Ended::failed(error.at(&task.span))),
            (Ok((items, role, handlers, public)), None) => {
                if !handlers.is_empty() {
                    self.add_handlers(handlers);
                }
                if let Some(role) = public {
                    thread.cursor.vars.base.push(crate::book::Level::RoleDefaults, role.defaults.clone());
                    thread.cursor.vars.base.push(crate::book::Level::RoleVars, role.vars.clone());
                }
                // the items of a loop each bring their tasks: all run before what stands behind the include
                let mut result = Map::new();
                result.insert("changed", false);
                result.insert("include", true);
                self.end_item(thread, Ended { outcome: Some(crate::run::Outcome::Same), result, ..Ended::default() });
                let frame = Frame::Items { items, at: 0, role };
                let over = thread.cursor.run.is_none();
                let below = thread.cursor.included.take();
                let mut all: Vec<Frame> = below.unwrap_or_default();
                all.push(frame);
                if over {
                    thread.cursor.frames.extend(all.into_iter().rev());
                } else {
                    thread.cursor.included = Some(all);
                }
            }
        }
    }

    #[allow(clippy::type_complexity, reason = "items, whether they are a role's, and its handlers")]
    fn included(
        &self,
        task: &Arc<Task>,
        sight: &Sight,
        run: &super::task::TaskRun,
        errors: &mut Collector,
    ) -> Result<(Arc<[Item]>, bool, Vec<Arc<Task>>, Option<Arc<crate::book::Role>>)> {
        let control = &*self.tree.control;
        let loader = Loader::new(control, &Known, self.tree.options.roles_path.clone());
        let mut vars = (*task.vars).clone();
        if let Some(item) = run.item() {
            vars.insert(run.loop_var.clone(), item.clone());
            if let Some(name) = task.keywords.get("loop_control").and_then(|control| control.get("index_var")).and_then(Node::as_str) {
                vars.insert(name, Value::Int(run.at as i64));
            }
        }
        let keywords = apply(task)?;
        let ring = Around {
            ring: Ring::Include,
            keywords,
            vars: Arc::new(vars),
            role: None,
            folder: task.around.folder.clone(),
            span: task.span.clone(),
            up: Some(task.around.clone()),
        };
        let ring = Arc::new(ring);
        if task.short_module() == "include_role" {
            let arg = |name: &str| -> Result<Option<String>> {
                let node = task.args.node.as_ref().and_then(|args| args.get(name));
                node.map(|node| self.tree.templates.render(node, sight).map(|value| modules::display(&value))).transpose()
            };
            let short = task.args.node.as_ref().and_then(Node::as_str).map(|text| text.trim().trim_start_matches("name=").to_string());
            let Some(name) = arg("name")?.or(arg("role")?).or(short) else {
                return Err(task.span.error("`include_role` needs the `name` of a role"));
            };
            let mut words = std::collections::BTreeMap::new();
            for word in ["tasks_from", "handlers_from", "vars_from", "defaults_from", "rolespec_validate"] {
                words.extend(arg(word)?.map(|value| (word, value)));
            }
            let from = crate::book::RoleFrom::new(|word| words.get(word).cloned());
            let public = arg("public")?.is_some_and(|word| crate::text::scalar::boolean(&word) == Some(true));
            let used = loader.role_tasks(&name, &task.module_span, &ring, &from, errors)?;
            return Ok((used.tasks.clone(), true, used.handlers.clone(), public.then(|| used.role.clone())));
        }
        let file = file_argument(task)?;
        let name = modules::display(&self.tree.templates.render(&file, sight)?);
        let name = name.split_whitespace().next().unwrap_or_default().trim_start_matches("file=");
        let items = loader.tasks_file(name, &file.span, &task.around, &ring, errors, 1)?;
        Ok((items, false, vec![], None))
    }

    /// Handlers of a role that was included join those of the play.
    fn add_handlers(&mut self, handlers: Vec<Arc<Task>>) {
        let Some(run) = &mut self.play else { return };
        let known = run.play.handlers.iter().any(|handler| handlers.iter().any(|new| new.span == handler.span));
        if known {
            return;
        }
        let play = &run.play;
        let mut all = play.handlers.clone();
        all.extend(handlers);
        run.play = Arc::new(crate::book::Play {
            name: play.name.clone(),
            hosts: play.hosts.clone(),
            keywords: play.keywords.clone(),
            around: play.around.clone(),
            pre_tasks: play.pre_tasks.clone(),
            roles: play.roles.clone(),
            tasks: play.tasks.clone(),
            post_tasks: play.post_tasks.clone(),
            handlers: all,
            folder: play.folder.clone(),
            span: play.span.clone(),
        });
    }

    /// Does what a task wants of the run; false where the item goes on later.
    pub(super) fn effects(&mut self, thread: &mut Thread, effects: Vec<Effect>) -> bool {
        for effect in effects {
            match effect {
                Effect::Facts { facts, gathered } => match self.fact_owner(thread) {
                    None => set_facts(&mut thread.cursor.vars, facts, gathered),
                    Some(owner) => {
                        set_facts(&mut Arc::make_mut(&mut self.hosts)[owner.0 as usize], facts.clone(), gathered);
                        let threads = self.play.iter_mut().flat_map(|play| &mut play.threads);
                        threads
                            .filter(|other| other.host == owner)
                            .for_each(|other| set_facts(&mut other.cursor.vars, facts.clone(), gathered));
                    }
                },
                Effect::Vars(vars) => {
                    let scope = Arc::make_mut(&mut thread.cursor.vars.included);
                    vars.into_iter().for_each(|(name, value)| scope.insert(name.to_string(), value));
                }
                Effect::Written { vars, merge } => {
                    let layers = thread.cursor.vars.layers();
                    let scope = Arc::make_mut(&mut thread.cursor.vars.included);
                    for (name, node) in vars {
                        let node = match layers.get(&name) {
                            Some(Var::Written(old)) if merge => node.over(old),
                            _ => node,
                        };
                        scope.insert(name, node);
                    }
                }
                Effect::AddHost { name, groups, vars } => self.add_host(&name, &groups, vars),
                Effect::GroupBy { key, parents } => self.group_by(thread.host, &key, &parents),
                Effect::FlushHandlers => thread.cursor.frames.push(Frame::Handlers { at: 0 }),
                Effect::EndPlay | Effect::EndBatch => self.end_all(thread, effect == Effect::EndPlay),
                Effect::EndHost => self.end_host(thread),
                Effect::EndRole => thread.cursor.end_role(),
                Effect::ClearFacts => thread.cursor.vars.facts = Arc::default(),
                Effect::ClearHostErrors => self.gone.iter_mut().for_each(|gone| *gone = false),
                Effect::RefreshInventory | Effect::ResetConnection | Effect::Say(_) => {}
                Effect::Pause { seconds, prompt, .. } => self.pause(thread, seconds, prompt),
            }
        }
        true
    }

    /// The host that facts belong to where that is not the thread's own: `delegate_facts`.
    fn fact_owner(&self, thread: &Thread) -> Option<HostId> {
        let run = thread.cursor.run.as_ref()?;
        let sight = self.sight(thread, &run.task, run.item_layers());
        let wanted = super::task::flag(&run.task, "delegate_facts", &sight).ok().flatten()?;
        self.target_of(&run.task, &sight).ok().flatten().filter(|owner| wanted && *owner != thread.host)
    }

    fn pause(&mut self, thread: &mut Thread, seconds: Option<u64>, prompt: Option<String>) {
        match seconds {
            Some(seconds) => {
                let at = self.now + seconds as f64;
                thread.state = State::Until(at);
                self.out.push(Output::WakeAt(at));
            }
            None => {
                thread.state = State::Prompt;
                self.out.push(Output::Prompt { text: prompt.unwrap_or_else(|| "Press enter to continue".into()) });
            }
        }
    }

    fn end_all(&mut self, thread: &mut Thread, play: bool) {
        self.end_host(thread);
        if let Some(run) = &mut self.play {
            run.threads.iter_mut().for_each(|other| other.cursor.end());
            if play {
                run.batches.clear();
            }
        }
    }

    fn add_host(&mut self, name: &str, groups: &[String], vars: Map) {
        let inventory = Arc::make_mut(&mut self.inventory);
        let host = inventory.add_host(name, None, None, None);
        for group in groups {
            let group = inventory.add_group(group);
            inventory.put(host, group);
        }
        for (key, value) in vars {
            inventory.set_host_var(host, &key.to_string(), value);
        }
        inventory.reconcile();
        self.grow(host);
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

    fn group_by(&mut self, host: HostId, key: &str, parents: &[String]) {
        let inventory = Arc::make_mut(&mut self.inventory);
        let group = inventory.add_group(&key.replace(' ', "-"));
        for parent in parents {
            let parent = inventory.add_group(parent);
            if let Err(why) = inventory.add_child(parent, group) {
                let _ = why;
            }
        }
        inventory.put(host, group);
        inventory.reconcile();
        self.grow(host);
    }

    /// Makes room for a host that came while the run was under way, and reads its groups' variables anew.
    fn grow(&mut self, host: HostId) {
        let at = host.0 as usize;
        let layers = self.inventory.layers(host).with(crate::book::Level::Magic, Arc::new(crate::book::magic::host(&self.inventory, host)));
        let hosts = Arc::make_mut(&mut self.hosts);
        while hosts.len() <= at {
            hosts.push(super::scope::Host::default());
            self.recaps.push(None);
            self.gone.push(false);
            self.targets.push(Default::default());
        }
        if hosts[at].base == crate::book::Layers::default() {
            hosts[at].base = layers;
        }
    }
}

fn set_facts(host: &mut super::scope::Host, facts: Map, gathered: bool) {
    if !gathered {
        facts.into_iter().for_each(|(name, value)| host.set(&name.to_string(), value));
        return;
    }
    let scope = Arc::make_mut(&mut host.facts);
    let mut all = scope.get("ansible_facts").map(|var| var.to_value()).and_then(|value| value.as_map().cloned()).unwrap_or_default();
    for (name, value) in facts {
        let text = name.to_string();
        let short = text.strip_prefix("ansible_").unwrap_or(&text).to_string();
        scope.insert(format!("ansible_{short}"), value.clone());
        all.insert(short, value);
    }
    scope.insert("ansible_facts", Value::from(all));
}

/// `apply:` of a dynamic include.
fn apply(task: &Task) -> Result<Keywords> {
    let node =
        task.args.node.as_ref().and_then(|args| args.get("apply")).or_else(|| task.args.more.as_ref().and_then(|args| args.get("apply")));
    let mut keywords = Keywords::new();
    for (key, value) in node.and_then(Node::as_map).unwrap_or_default() {
        match crate::book::words::Holder::Block.keyword(key.as_str().unwrap_or_default()) {
            Some(word) => drop(keywords.insert(word, value.clone())),
            None => return Err(key.error("`apply` takes keywords of tasks")),
        }
    }
    Ok(keywords)
}

/// `module_defaults` for a module, from the outside in.
pub fn defaults(task: &Task, entry: &'static Entry, sight: &Sight) -> Result<Vec<(String, Node)>> {
    let mut all = vec![];
    for node in task.keywords("module_defaults") {
        for (key, value) in node.as_map().unwrap_or_default() {
            let name = key.as_str().unwrap_or_default();
            let same = modules::find(name).is_some_and(|other| std::ptr::eq(other, entry));
            if !same {
                continue;
            }
            let _ = sight;
            all.extend(
                value.as_map().unwrap_or_default().iter().map(|(key, value)| (key.as_str().unwrap_or_default().to_string(), value.clone())),
            );
        }
    }
    Ok(all)
}

/// The handlers of a name or topic: the last of a name, and all that listen.
pub fn handlers(all: &[Arc<Task>], titles: &[String], name: &str) -> BTreeSet<usize> {
    let called = |(task, own): (&Arc<Task>, &String)| {
        let role = task.around.role().map(|role| role.name.to_string());
        own == name || role.is_some_and(|role| format!("{role} : {own}") == name)
    };
    let mut found: BTreeSet<usize> = all.iter().zip(titles).collect::<Vec<_>>().into_iter().rposition(called).into_iter().collect();
    let listens =
        |task: &Task| task.keywords.get("listen").is_some_and(|node| crate::book::task::words(node).iter().any(|word| word == name));
    found.extend(all.iter().enumerate().filter(|(_, task)| listens(task)).map(|(at, _)| at));
    found
}
