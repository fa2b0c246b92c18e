//! Plays one after the other, their hosts in batches.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::book::inventory::HostId;
use crate::book::play::Play;
use crate::book::task::{Item, Task, words};
use crate::book::vars::{Layers, Level, Scope as Vars};
use crate::book::{load, pattern};
use crate::run::Event;
use crate::text::template::{Scope as _, Search};
use crate::text::{Diagnostic, Node, Result, Source};

use super::cursor::{Cursor, Stage};
use super::lineup::Lineup;
use super::scope::{Host, Sight};
use super::session::{Output, PlayRun, Session, Thread};
use super::strands::Sides;

impl Session {
    /// Begins the next play; false where there is none.
    pub(super) fn next_play(&mut self) -> bool {
        if self.interrupted || self.abort {
            return false;
        }
        let Some(play) = self.plays.get(self.next_play).cloned() else { return false };
        self.next_play += 1;
        match self.begin_play(&play) {
            Ok(run) => self.play = run,
            Err(diagnostic) => {
                self.notice(diagnostic);
                self.abort = true;
            }
        }
        true
    }

    fn begin_play(&mut self, play: &Arc<Play>) -> Result<Option<PlayRun>> {
        let first = HostId(0);
        let bare = Sight::new(&self.tree, &self.inventory, &self.hosts, first, self.play_layers(play, Layers::new())?);
        let hosts = self.tree.templates.render(&play.hosts, &bare)?;
        let hosts_text = match hosts.as_list() {
            Some(items) => items.iter().map(crate::modules::display).collect::<Vec<_>>().join(","),
            None => crate::modules::display(&hosts),
        };
        let name = match &play.name {
            Some(name) => {
                self.tree.templates.render(name, &bare).map(|value| crate::modules::display(&value)).unwrap_or_else(|_| play.title())
            }
            None => hosts_text.clone(),
        };
        drop(bare);
        let selected = pattern::select(&self.inventory, &hosts_text).map_err(|diagnostic| diagnostic.at(&play.hosts.span))?;
        for warning in selected.warnings {
            self.notice(warning.at(&play.hosts.span));
        }
        let mut hosts = selected.hosts;
        if !self.tree.options.limit_words.is_empty() {
            hosts = pattern::limit(&self.inventory, &hosts, &self.tree.options.limit_words)?.hosts;
        }
        let all = hosts.clone();
        let hosts: Vec<HostId> = hosts.into_iter().filter(|host| !self.gone[host.0 as usize]).collect();
        self.last_label = None;
        self.out.push(Output::Tell(Event::PlayBegins { name: name.clone(), hosts: hosts.len() }));
        if hosts.is_empty() {
            return Ok(None);
        }
        let hosts = ordered(hosts, play, self);
        let batches = batches(&hosts, play)?;
        let (stages, sides) = self.stages(play)?;
        let run = PlayRun {
            play: play.clone(),
            lineup: Lineup::default(),
            sides: sides.map(Arc::new),
            stages,
            batches,
            batch: vec![],
            players: Arc::new(super::scope::Players::new(play, &name, all, hosts)),
            threads: vec![],
            once: HashMap::new(),
            pending: BTreeMap::new(),
            name: name.into(),
            fatal: None,
        };
        self.play = Some(run);
        self.next_batch();
        Ok(self.play.take())
    }

    /// What runs, in Ansible's order: facts, `pre_tasks`, roles, tasks, `post_tasks`, handlers after each part.
    fn stages(&self, play: &Arc<Play>) -> Result<(Arc<[Stage]>, Option<Sides>)> {
        let mut stages = vec![];
        let gather = play.keywords.get("gather_facts").map(|node| node.to_value().truthy());
        let explicit = self.tree.options.gathering.as_deref() == Some("explicit");
        if gather.unwrap_or(!explicit) {
            stages.push(Stage::Items(Arc::from([Item::Task(Arc::new(gather_task(play)))])));
        }
        stages.push(Stage::Items(play.pre_tasks.clone()));
        stages.push(Stage::Flush);
        let (order, sides) = super::roles::order(play)?;
        match &sides {
            Some(_) => stages.push(Stage::Roles),
            None => stages.extend(order.into_iter().map(Stage::Role)),
        }
        stages.push(Stage::Items(play.tasks.clone()));
        stages.push(Stage::Flush);
        stages.push(Stage::Items(play.post_tasks.clone()));
        stages.push(Stage::Flush);
        Ok((stages.into(), sides))
    }

    /// The variables that a play adds to those of its hosts.
    fn play_layers(&self, play: &Arc<Play>, mut layers: Layers) -> Result<Layers> {
        for role in &play.roles {
            layers.push(Level::RoleDefaults, role.role.defaults.clone());
            layers.push(Level::RoleVars, role.role.vars.clone());
        }
        for role in &play.public {
            layers.push(Level::RoleDefaults, role.defaults.clone());
            layers.push(Level::RoleVars, role.vars.clone());
        }
        for ring in play.around.rings().collect::<Vec<_>>().into_iter().rev() {
            layers.push(Level::PlayVars, ring.vars.clone());
        }
        layers.push(Level::ExtraVars, self.tree.extra.clone());
        Ok(layers)
    }

    /// Begins the next batch of a play, or ends the play.
    pub(super) fn next_batch(&mut self) {
        self.end_batch();
        let Some(run) = &mut self.play else { return };
        let over = self.abort || self.interrupted;
        let Some(batch) = run.batches.pop_front().filter(|_| !over) else {
            self.play = None;
            return;
        };
        run.batch = batch.clone();
        Arc::make_mut(&mut run.players).batch = batch.clone();
        run.once.clear();
        let play = run.play.clone();
        let mut threads = vec![];
        for host in batch {
            if !self.gone[host.0 as usize] {
                threads.extend(self.thread(&play, host));
            }
        }
        if let Some(run) = &mut self.play {
            run.lineup = Lineup::new(super::strands::stage(&run.stages));
            threads.iter().enumerate().for_each(|(at, thread)| run.lineup.note(at, thread));
            run.threads = threads;
        }
    }

    /// Keeps what hosts have gathered, and who is out.
    fn end_batch(&mut self) {
        let Some(run) = &mut self.play else { return };
        let threads = std::mem::take(&mut run.threads);
        let pending = std::mem::take(&mut run.pending);
        let threads: Vec<Thread> = threads.into_iter().filter(|thread| thread.strand.is_none()).collect();
        let (count, mut failed) = (threads.len(), 0);
        for told in pending.into_values().flatten() {
            self.tell_now(told);
        }
        for thread in threads {
            let at = thread.host.0 as usize;
            self.recaps[at] = Some(thread.cursor.recap);
            self.gone[at] |= thread.cursor.failed;
            failed += usize::from(thread.cursor.failed);
            Arc::make_mut(&mut self.hosts)[at] = Host { base: thread.cursor.vars.inventory.clone(), ..thread.cursor.vars };
        }
        let Some(run) = &self.play else { return };
        let fatal = run.play.keywords.get("any_errors_fatal").is_some_and(|flag| flag.to_value().truthy());
        let most = run.play.keywords.get("max_fail_percentage").and_then(|node| node.to_value().as_int());
        let all_failed = count > 0 && failed == count;
        let too_many = most.is_some_and(|most| failed * 100 > most as usize * count.max(1));
        if all_failed || (failed > 0 && fatal) || too_many {
            // the remaining batches of this play do not run; where nobody is left, nor do other plays
            if let Some(run) = &mut self.play {
                run.batches.clear();
            }
            if fatal || too_many {
                self.abort = true;
            }
        }
    }

    fn thread(&mut self, play: &Arc<Play>, host: HostId) -> Option<Thread> {
        let at = host.0 as usize;
        let mut vars = self.hosts[at].clone();
        match self.host_layers(play, host, vars.inventory.clone()) {
            Ok(layers) => vars.base = layers,
            Err(diagnostic) => {
                self.notice(diagnostic);
                self.gone[at] = true;
                return None;
            }
        }
        let recap = self.recaps[at].unwrap_or_default();
        Some(Thread { host, cursor: Cursor::new(vars, recap), ..Thread::default() })
    }

    /// The layers of a host in a play: those of its inventory, the play's, and its `vars_files`.
    fn host_layers(&self, play: &Arc<Play>, host: HostId, base: Layers) -> Result<Layers> {
        let layers = self.play_layers(play, base)?;
        let Some(node) = play.keywords.get("vars_files") else { return Ok(layers) };
        let mut all = layers.clone();
        let mut whole = self.hosts[host.0 as usize].layers();
        whole.extend(&layers);
        let mut sight = Sight::new(&self.tree, &self.inventory, &self.hosts, host, whole);
        sight.around = Some(play.around.clone());
        for entry in node.as_list().map_or_else(|| vec![node.clone()], <[Node]>::to_vec) {
            let choices = entry.as_list().map_or_else(|| vec![entry.clone()], <[Node]>::to_vec);
            all.push(Level::VarsFiles, Arc::new(self.vars_file(&choices, &sight)?));
        }
        Ok(all)
    }

    /// The first of several files that is there.
    fn vars_file(&self, choices: &[Node], sight: &Sight) -> Result<Vars> {
        let mut looked = vec![];
        for choice in choices {
            let name = match self.tree.templates.render(choice, sight) {
                Ok(name) => crate::modules::display(&name),
                Err(_) if choices.len() > 1 => continue,
                Err(diagnostic) => return Err(diagnostic),
            };
            for path in sight.search(Search::Vars, &name) {
                if self.tree.control.entry(&path) == Some(crate::text::Entry::File) {
                    let node = load::document(&*self.tree.control, &path)?;
                    return Ok(Vars::from_node(&node));
                }
                looked.push(path);
            }
        }
        let place =
            choices.first().map_or_else(|| Diagnostic::error("no file of variables"), |node| node.error("no such file of variables"));
        Err(place.hint(format!("looked for {}", looked.join(", "))))
    }
}

/// The implicit first task of a play.
fn gather_task(play: &Arc<Play>) -> Task {
    let source = Source::new("(gather_facts)", "gather_facts");
    let span = source.span(0..0);
    let mut more = None;
    let pairs: Vec<(Node, Node)> = ["gather_subset", "gather_timeout", "fact_path"]
        .into_iter()
        .filter_map(|word| Some((Node::quoted(span.clone(), word), play.keywords.get(word)?.clone())))
        .collect();
    if !pairs.is_empty() {
        more = Some(Node { span: span.clone(), tag: None, data: crate::text::yaml::Data::Map(Arc::new(pairs)) });
    }
    let mut keywords = crate::book::Keywords::new();
    keywords.insert("tags", Node::quoted(span.clone(), "always"));
    Task {
        name: Some(Node::quoted(span.clone(), "Gathering Facts")),
        module: "setup".into(),
        module_span: span.clone(),
        args: crate::book::task::Arguments { node: None, more },
        keywords,
        vars: Default::default(),
        repeat: None,
        around: play.around.clone(),
        span: play.span.clone(),
        local: false,
    }
}

/// `order:` of a play.
fn ordered(mut hosts: Vec<HostId>, play: &Play, session: &Session) -> Vec<HostId> {
    match play.keywords.get("order").and_then(Node::as_str) {
        Some("sorted") => hosts.sort_by_key(|host| session.inventory.host(*host).name.clone()),
        Some("reverse_sorted") => hosts.sort_by_key(|host| std::cmp::Reverse(session.inventory.host(*host).name.clone())),
        Some("reverse_inventory") => hosts.reverse(),
        _ => {}
    }
    hosts
}

/// `serial`: a count, a percentage, or a list of them of which the last repeats.
fn batches(hosts: &[HostId], play: &Play) -> Result<VecDeque<Vec<HostId>>> {
    let Some(node) = play.keywords.get("serial").filter(|node| !node.is_null()) else { return Ok([hosts.to_vec()].into()) };
    let sizes: Vec<usize> = words(node)
        .iter()
        .map(|word| size(word, hosts.len()).ok_or_else(|| node.error("`serial` takes a number, a percentage or a list of them")))
        .collect::<Result<_>>()?;
    let (mut rest, mut all, mut at) = (hosts, VecDeque::new(), 0);
    while !rest.is_empty() {
        let size = sizes.get(at).or(sizes.last()).copied().filter(|size| *size > 0).unwrap_or(rest.len()).min(rest.len());
        let (some, more) = rest.split_at(size);
        all.push_back(some.to_vec());
        (rest, at) = (more, at + 1);
    }
    Ok(all)
}

fn size(word: &str, count: usize) -> Option<usize> {
    match word.strip_suffix('%') {
        Some(percent) => Some(((percent.trim().parse::<f64>().ok()? / 100.0 * count as f64) as usize).max(1)),
        None => word.parse().ok(),
    }
}
