//! Tasks that bring other tasks, and what tasks do to the run itself.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::book::inventory::HostId;
use crate::book::loader::file_argument;
use crate::book::task::{Item, Task};
use crate::book::{Around, Keywords, Loader, Modules, Naming, Ring, Role, Var};
use crate::modules::{self, Entry};
use crate::state::Effect;
use crate::text::template::known;
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

/// Calls of roles, told apart by their texts.
type Calls = Arc<HashSet<String>>;

/// What an include brings.
#[derive(Default)]
struct Included {
    items: Arc<[Item]>,
    handlers: Vec<Arc<Task>>,
    role: Option<Arc<Role>>,
    /// The variables of the role are seen by all that follows.
    public: bool,
    /// Roles that it depends on.
    needed: Vec<Arc<str>>,
    calls: Calls,
}

impl Session {
    /// `include_tasks`, `include_role`: their tasks come next.
    pub(super) fn include(&mut self, thread: &mut Thread) {
        let Some(run) = &thread.cursor.run else { return };
        let task = run.task.clone();
        let sight = self.sight(thread, &task, run.item_layers());
        let mut errors = Collector::default();
        let included = self.included(&task, &sight, run, &thread.cursor.calls, &mut errors);
        drop(sight);
        if let Ok(included) = &included {
            super::check::items(&included.items, &self.tree.templates, &mut errors);
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
            (Ok(Included { items, handlers, role, public, needed, calls }), None) => {
                if !handlers.is_empty() {
                    self.add_handlers(handlers);
                }
                thread.cursor.calls = calls;
                if let Some(role) = &role {
                    self.name_role(thread, role, needed);
                    if public {
                        thread.cursor.vars.base.push(crate::book::Level::RoleDefaults, role.defaults.clone());
                        thread.cursor.vars.base.push(crate::book::Level::RoleVars, role.vars.clone());
                    }
                }
                let role = role.is_some();
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

    fn included(
        &self,
        task: &Arc<Task>,
        sight: &Sight,
        run: &super::task::TaskRun,
        before: &Calls,
        errors: &mut Collector,
    ) -> Result<Included> {
        let control = &*self.tree.control;
        let naming = Naming { templates: self.tree.templates.clone(), extra: self.tree.extra.clone() };
        let loader = Loader::new(control, &Known, self.tree.options.roles_path.clone()).naming(naming);
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
        loader.calls(before.iter().chain(self.play.iter().flat_map(|run| &run.play.calls)).cloned());
        if task.short_module() == "include_role" {
            crate::book::loader::role_words(task, &[])?;
            let arg = |name: &str| -> Result<Option<String>> {
                let node = task.args.node.as_ref().and_then(|args| args.get(name));
                node.map(|node| self.tree.templates.render(node, sight).map(|value| modules::display(&value))).transpose()
            };
            let short = task.args.node.as_ref().and_then(Node::as_str).map(|text| text.trim().trim_start_matches("name=").to_string());
            let Some(name) = arg("name")?.or(arg("role")?).or(short) else {
                return Err(task.span.error("`include_role` needs the `name` of a role"));
            };
            let mut words = std::collections::BTreeMap::new();
            for word in crate::book::RoleFrom::WORDS {
                words.extend(arg(word)?.map(|value| (word, value)));
            }
            let from = crate::book::RoleFrom::new(|word| words.get(word).cloned());
            let used = loader.role_tasks(&name, &task.module_span, &ring, &from, errors)?;
            let imported = loader.finish();
            let handlers = used.handlers.into_iter().chain(imported.handlers).collect();
            let (calls, public) = (Arc::new(imported.keys), from.public == Some(true));
            return Ok(Included { items: used.tasks, handlers, role: Some(used.role), public, needed: imported.needed, calls });
        }
        let file = file_argument(task)?;
        let rendered = self.tree.templates.render(&file, sight)?;
        let name = modules::display(&rendered);
        let name = name.split_whitespace().next().unwrap_or_default().trim_start_matches("file=");
        known::keep(&*self.tree.control, &Value::text(name).marked(rendered.marks()));
        let items = loader.tasks_file(name, &file.span, &task.around, &ring, errors, 1)?;
        let imported = loader.finish();
        Ok(Included { items, handlers: imported.handlers, calls: Arc::new(imported.keys), ..Included::default() })
    }

    /// A role that was included is one of the play's from then on.
    fn name_role(&mut self, thread: &Thread, role: &Role, needed: Vec<Arc<str>>) {
        let place = (thread.cursor.path(), thread.cursor.run.as_ref().map_or(0, |run| run.at));
        if let Some(play) = self.play.as_mut().filter(|play| !play.players.included.contains_key(&place)) {
            let players = Arc::make_mut(&mut play.players);
            players.included.insert(place, role.name.clone());
            players.dependencies.extend(needed);
        }
    }

    /// Handlers of a role that was included join those of the play.
    fn add_handlers(&mut self, handlers: Vec<Arc<Task>>) {
        let Some(run) = &mut self.play else { return };
        let known = run.play.handlers.iter().any(|handler| handlers.iter().any(|new| new.span == handler.span));
        if known {
            return;
        }
        let mut play = (*run.play).clone();
        play.handlers.extend(handlers);
        run.play = Arc::new(play);
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
                Effect::AddHost { name, groups, vars } => self.add_host(thread, &name, &groups, vars),
                Effect::GroupBy { key, parents } => self.group_by(thread, &key, &parents),
                Effect::FlushHandlers => thread.cursor.frames.push(Frame::Handlers { at: 0 }),
                Effect::EndPlay | Effect::EndBatch => self.end_all(thread, effect == Effect::EndPlay),
                Effect::EndHost => self.end_host(thread),
                Effect::EndRole => thread.cursor.end_role(),
                Effect::ClearFacts => thread.cursor.vars.facts = Arc::default(),
                Effect::ClearHostErrors => self.gone.iter_mut().for_each(|gone| *gone = false),
                Effect::RefreshInventory | Effect::ResetConnection | Effect::Say(_) | Effect::Keep { .. } => {}
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

    /// What a result shows of variables that were read: their templates rendered, as far as that is possible by now.
    pub(super) fn written_facts(&self, thread: &Thread, effects: &[Effect]) -> Option<Map> {
        let run = thread.cursor.run.as_ref().filter(|run| run.task.keywords.contains_key("register"))?;
        let vars = effects.iter().find_map(|effect| match effect {
            Effect::Written { vars, .. } => Some(vars),
            _ => None,
        })?;
        let scope = vars.iter().map(|(name, node)| (name.as_str(), node.clone())).collect();
        let sight = self.sight(thread, &run.task, run.item_layers().with(crate::book::Level::IncludeVars, Arc::new(scope)));
        let value = |node: &Node| self.tree.templates.render(node, &sight).unwrap_or_else(|_| node.to_value());
        Some(vars.iter().map(|(name, node)| (name.as_str().into(), value(node))).collect())
    }

    fn pause(&mut self, thread: &mut Thread, seconds: Option<u64>, prompt: Option<String>) {
        match seconds {
            Some(seconds) => {
                self.sleep_until(thread, self.now + seconds as f64);
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

    /// Writes files of the control node that do not hold what they are to hold; says whether there are any.
    pub(super) fn keep(&self, thread: &Thread, effects: &[Effect]) -> Result<bool> {
        let control = &*self.tree.control;
        let mut any = false;
        for effect in effects {
            let Effect::Keep { path, contents } = effect else { continue };
            let Some(bytes) = contents.as_bytes() else { continue };
            if control.sha256(path).is_ok_and(|has| has == crate::text::value::sha256_hex(bytes)) {
                continue;
            }
            any = true;
            if !self.checks(thread) {
                let wrote = control.write(path, bytes, 0o666);
                wrote.map_err(|why| {
                    crate::text::Diagnostic::error(format!("{path} of the control node cannot be written: {}", why.said()))
                })?;
            }
        }
        Ok(any)
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
