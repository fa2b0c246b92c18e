//! One item of a task on one host, from its condition to its result.

use std::sync::Arc;

use crate::book::inventory::HostId;
use crate::book::task::Task;
use crate::book::vars::{Level, Scope as Vars};
use crate::modules;
use crate::run::{Outcome, TaskLabel, compare};
use crate::state::{Cause, Effect, Gap, Halt, Look, Refusal, View};
use crate::text::template::{known, mask};
use crate::text::{Diagnostic, Map, Result, Unknown, Value};

use super::ask::Will;
use super::cursor::{Failure, Next};
use super::scope::{self, Sight};
use super::session::{Output, Session, State, Thread, Tree};
use super::task::{self, Doing, Forced, Holds, Phase, TaskRun, Tolds};
use super::{address, args, select, send};

/// What an item came to.
#[derive(Debug, Default)]
pub struct Ended {
    pub outcome: Option<Outcome>,
    pub result: Map,
    pub gaps: Vec<Gap>,
    pub error: Option<Diagnostic>,
    pub doubt: Option<Cause>,
    pub say: Option<Value>,
    pub effects: Vec<Effect>,
}

impl Ended {
    pub fn failed(error: Diagnostic) -> Ended {
        let mut result = Map::new();
        result.insert("msg", error.message());
        result.insert("failed", true);
        Ended { outcome: Some(Outcome::Failed), result, error: Some(error), ..Ended::default() }
    }

    fn unknown(cause: Cause) -> Ended {
        Ended { outcome: Some(Outcome::Unknown(cause)), ..Ended::default() }
    }

    pub fn skipped(why: impl Into<String>) -> Ended {
        let mut result = Map::new();
        let why = why.into();
        result.insert("changed", false);
        result.insert("skipped", true);
        result.insert("skip_reason", why.as_str());
        Ended { outcome: Some(Outcome::Skipped(why)), result, ..Ended::default() }
    }

    /// Skipped, because this condition does not hold.
    fn refused(condition: &crate::text::Node) -> Ended {
        let mut ended = Ended::skipped("Conditional result was False");
        ended.result.insert("false_condition", condition.to_value());
        ended
    }

    fn failed_flag(&self) -> bool {
        self.outcome == Some(Outcome::Failed) || self.result.get("failed").is_some_and(Value::truthy)
    }
}

impl Session {
    /// Goes one step on with a host.
    pub(super) fn step(&mut self, at: usize, thread: &mut Thread) {
        if thread.cursor.run.is_some() {
            return self.step_item(at, thread);
        }
        let Some(play) = &self.play else { return };
        let (stages, play) = (play.stages.clone(), play.play.clone());
        if thread.cursor.forking {
            return self.fork(at, thread);
        }
        if self.interrupted && thread.queue.is_empty() {
            if !thread.cursor.failed {
                self.note_left(thread);
            }
            thread.state = State::Done;
            return;
        }
        if self.is_cut(thread) {
            thread.cursor.end();
        }
        if thread.strand.is_none()
            && thread.cursor.failed
            && !thread.cursor.handler
            && !thread.cursor.notified.is_empty()
            && self.forces_handlers(&play)
        {
            thread.cursor.frames.push(super::cursor::Frame::Handlers { at: 0 });
            thread.cursor.handler = true;
        }
        match thread.cursor.next(&stages, &play) {
            Next::Task(task) => self.begin(thread, task),
            Next::Roles => thread.cursor.forking = true,
            Next::Done if !thread.queue.is_empty() => self.flush(at, thread),
            Next::Done => thread.state = State::Done,
        }
    }

    /// What the templates of a thread's current task see.
    pub(super) fn sight(&self, thread: &Thread, task: &Task, layers: crate::book::Layers) -> Sight {
        self.sight_in(&self.tree, thread, task, layers)
    }

    /// The same for a task that is not there yet.
    pub(super) fn foresight(&self, thread: &Thread, task: &Task, layers: crate::book::Layers) -> Sight {
        self.sight_in(&self.quiet, thread, task, layers)
    }

    fn sight_in(&self, tree: &Arc<Tree>, thread: &Thread, task: &Task, layers: crate::book::Layers) -> Sight {
        let seen = thread.cursor.run.as_ref().and_then(|run| run.others.as_ref());
        let mut sight = Sight::new(tree, &self.inventory, seen.unwrap_or(&self.hosts), thread.host, layers);
        sight.around = Some(task.around.clone());
        if let Some(play) = &self.play {
            sight.players = play.players.clone();
        }
        sight
    }

    fn begin(&mut self, thread: &mut Thread, task: Arc<Task>) {
        let Some(play) = &self.play else { return };
        if !thread.cursor.handler && !select::selected(&task, &self.tree.options) {
            return;
        }
        let layers = scope::around(thread.cursor.vars.layers(), &task);
        let sight = self.sight(thread, &task, layers.clone());
        let name = task::title(&task, Some(&sight));
        if self.started_at.as_ref().is_some_and(|wanted| !name.contains(wanted.as_str())) {
            return;
        }
        let once = task::flag(&task, "run_once", &sight).ok().flatten().unwrap_or(false) || modules::table::runs_once(&task.module);
        let diff = task::flag(&task, "diff", &sight).ok().flatten();
        // where the user is asked, one host asks for all
        let throttle = if self.steps.on { Some(1) } else { self.throttle(&task, &sight) };
        drop(sight);
        let label = Arc::new(TaskLabel {
            name,
            role: task.around.role().map(|role| role.name.clone()),
            module: task.module.clone(),
            play: play.name.clone(),
            span: task.span.clone(),
            handler: thread.cursor.handler,
            diff,
        });
        self.started_at = None;
        let loop_var =
            task.keywords.get("loop_control").and_then(|control| control.get("loop_var")).and_then(|node| node.as_str()).unwrap_or("item");
        thread.cursor.run = Some(TaskRun {
            cause: task::cause(&label),
            label,
            layers,
            items: None,
            at: 0,
            results: vec![],
            told: Tolds::default(),
            tries: 0,
            passed: false,
            others: None,
            once,
            throttle,
            phase: Phase::Start,
            forced: None,
            loop_var: loop_var.into(),
            limits: None,
            task,
        });
    }

    fn step_item(&mut self, at: usize, thread: &mut Thread) {
        let Some(run) = &mut thread.cursor.run else { return };
        if let Some(forced) = run.forced.take() {
            let Forced { error, gaps, result } = *forced;
            let mut ended = Ended { gaps, ..Ended::failed(error) };
            ended.result.extend(result);
            return self.end_item(thread, ended);
        }
        match std::mem::take(&mut run.phase) {
            Phase::Start => self.start_item(at, thread),
            Phase::Fixed(doing) => self.after_fix(at, thread, doing),
            Phase::Acted(doing, reply, responses) => self.after_act(at, thread, doing, reply, responses),
            Phase::Waits { doing, reply, since, asked, answer } => self.after_wait(at, thread, doing, reply, since, asked, answer),
        }
    }

    /// The loop of a task, once it is known.
    fn items(&mut self, thread: &mut Thread) -> std::result::Result<(), Box<Ended>> {
        let Some(run) = &thread.cursor.run else { return Ok(()) };
        if run.items.is_some() || run.task.repeat.is_none() {
            return Ok(());
        }
        let sight = self.sight(thread, &run.task, run.layers.clone());
        let items = task::items(&run.task, &sight);
        let others = sight.others();
        drop(sight);
        if others && !run.passed && self.many() {
            return Err(Box::new(Ended::default()));
        }
        let items = match items {
            Ok(Some(value)) => match value.plain() {
                Value::Unknown(cause) => return Err(Box::new(Ended::unknown(cause.clone()))),
                _ => value.as_list().unwrap_or_default().to_vec(),
            },
            Ok(None) => return Ok(()),
            Err(error) => {
                // a condition that is false without its loop's variable spares the loop
                let sight = self.sight(thread, &run.task, run.layers.clone());
                let holds = task::holds(&run.task, "when", &sight);
                return Err(Box::new(match holds {
                    Ok(Holds::No(condition)) => Ended::refused(&condition),
                    _ => Ended::failed(error),
                }));
            }
        };
        if items.is_empty() {
            let mut ended = Ended::skipped("No items in the list");
            ended.result.insert("results", Value::list([]));
            return Err(Box::new(ended));
        }
        if let Some(run) = &mut thread.cursor.run {
            run.items = Some(Arc::new(items));
        }
        Ok(())
    }

    fn many(&self) -> bool {
        self.play.as_ref().is_some_and(|play| play.batch.len() > 1)
    }

    fn start_item(&mut self, at: usize, thread: &mut Thread) {
        let Some(run) = &thread.cursor.run else { return };
        if (self.interrupted || self.is_cut(thread)) && thread.queue.is_empty() {
            return self.leave_off(thread);
        }
        let path = thread.cursor.path();
        let fatal = self.is_strict(&run.task);
        let guarded =
            run.once || run.throttle.is_some() || run.task.keyword("delegate_to").is_some() || run.task.local || (fatal && self.many());
        if guarded && !run.passed {
            return self.barrier(at, thread, path);
        }
        match self.will(thread) {
            Will::Run => {}
            Will::Leave => return thread.cursor.run = None,
            Will::Gather => return self.barrier(at, thread, path),
            Will::Asked => return,
        }
        let Some(run) = &thread.cursor.run else { return };
        if run.once
            && let Some((value, failed)) = self.play.as_ref().and_then(|play| play.once.get(&path).cloned())
        {
            return self.copy_once(thread, value, failed);
        }
        if let Err(ended) = self.items(thread) {
            return if ended.outcome.is_none() { self.barrier(at, thread, path) } else { self.end_task(thread, *ended) };
        }
        let Some(run) = &thread.cursor.run else { return };
        let task = run.task.clone();
        let sight = self.sight(thread, &task, run.item_layers());
        let began = self.now;
        let prepared = self.prepare(&task, &sight, thread, began);
        let others = sight.others();
        let passed = run.passed;
        drop(sight);
        if others && !passed && self.many() {
            return self.barrier(at, thread, path);
        }
        match prepared {
            Err(ended) => self.end_item(thread, *ended),
            Ok(Prepared::Include) => {
                if !thread.queue.is_empty() {
                    return self.flush(at, thread);
                }
                self.include(thread);
            }
            Ok(Prepared::Module { module, target, who, environment, limits }) => {
                if let Some(run) = &mut thread.cursor.run {
                    run.limits = Some(*limits);
                }
                self.attempt(at, thread, module, target, who, environment);
            }
        }
    }

    /// The user wants to end, or a role beside this one has lost the host, and nothing of this item is on its way: what was
    /// done of the task is told.
    fn leave_off(&mut self, thread: &mut Thread) {
        match &thread.cursor.run {
            Some(run) if run.tries > 0 => self.cut_short(thread, interrupted(&run.task)),
            Some(run) if run.at > 0 => self.end_loop(thread),
            _ => {
                self.note_left(thread);
                thread.cursor.run = None;
                thread.state = State::Done;
            }
        }
    }

    fn barrier(&mut self, at: usize, thread: &mut Thread, path: Vec<u32>) {
        if !thread.queue.is_empty() {
            return self.flush(at, thread);
        }
        thread.state = State::Barrier(path);
    }

    /// Another host ran this for all.
    fn copy_once(&mut self, thread: &mut Thread, value: Value, failed: bool) {
        let Some(run) = thread.cursor.run.take() else { return };
        // what runs once by its nature has a result for the first host alone
        let shared = !modules::table::runs_once(&run.task.module);
        if let Some(name) = run.task.keywords.get("register").and_then(|node| node.as_str()).filter(|_| shared) {
            thread.cursor.vars.set(name, value.clone());
        }
        if failed && shared {
            let result = Arc::new(value.as_map().cloned().unwrap_or_default());
            let failure = Failure { name: run.label.name.clone(), task: run.task, result };
            thread.cursor.fail(failure);
        }
    }

    /// From a condition to a module with its arguments.
    fn prepare(&self, task: &Arc<Task>, sight: &Sight, thread: &Thread, _began: f64) -> std::result::Result<Prepared, Box<Ended>> {
        let fail = |error: Diagnostic| Box::new(Ended::failed(error.at(&task.span)));
        match task::holds(task, "when", sight).map_err(fail)? {
            Holds::Yes => {}
            Holds::Unknown(cause) => return Err(Box::new(Ended::unknown(cause))),
            Holds::No(condition) => return Err(Box::new(Ended::refused(&condition))),
        }
        if matches!(task.short_module(), "include_tasks" | "include_role" | "include") {
            return Ok(Prepared::Include);
        }
        let Some(entry) = modules::find(&task.module) else {
            return Err(fail(task.module_span.error(format!("no module `{}`", task.module))));
        };
        let target = self.target_of(task, sight).map_err(fail)?;
        let sight = &Sight { delegated: target, ..sight.clone() };
        let defaults = super::include::defaults(task, entry, sight).map_err(fail)?;
        let given = args::args(entry, task, &defaults, sight).map_err(fail)?;
        let lacks = if self.checks(thread) { given.lacks() } else { given.unknown() };
        if let Some(cause) = lacks
            && !matches!(entry.spec.name, "set_fact" | "debug")
        {
            return Err(Box::new(Ended::unknown(cause.clone())));
        }
        let module = (entry.make)(&given).map_err(fail)?;
        let target = target.unwrap_or(thread.host);
        let environment = address::environment(sight, task).map_err(fail)?;
        let limits = Box::new(super::background::limits(task, sight).map_err(fail)?);
        let mut far = sight.clone();
        if target != thread.host {
            (far.host, far.layers) = (target, self.hosts[target.0 as usize].layers());
        }
        let address = address::address(&far, Some(task)).map_err(fail)?;
        let who = address::who(&far, task, &address).map_err(fail)?;
        Ok(Prepared::Module { module, target: (target, Arc::new(address)), who, environment, limits })
    }

    /// The host that a task is delegated to.
    pub(super) fn target_of(&self, task: &Task, sight: &Sight) -> Result<Option<HostId>> {
        let name = match task.local {
            true => Some("localhost".to_string()),
            false => task::text(task, "delegate_to", sight)?,
        };
        let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(None) };
        let found = self.inventory.find_host(&name);
        found.map(Some).ok_or_else(|| {
            let known: Vec<String> = self.inventory.hosts().map(|host| self.inventory.host(host).name.to_string()).collect();
            let span = task.keyword("delegate_to").map_or(&task.span, |node| &node.span);
            span.error(format!("no host `{name}` in the inventory to delegate to")).meant(&name, known.iter().map(String::as_str))
        })
    }

    /// Holds what the module wants against the world, and does or predicts what follows.
    fn attempt(
        &mut self,
        at: usize,
        thread: &mut Thread,
        module: Arc<dyn modules::Module>,
        (host, address): (HostId, Arc<crate::run::Address>),
        who: crate::run::Who,
        environment: String,
    ) {
        let target = host.0 as usize;
        if self.waits_for(at, thread, target) {
            return;
        }
        self.targets[target].address = Some(address);
        let asker = self.asker(target, who);
        if thread.queue.iter().any(|queued| (queued.doing.target, queued.doing.asker) != (target, asker)) {
            return self.flush(at, thread);
        }
        let acts = self.tree.options.check && !self.checks(thread);
        if acts && !thread.queue.is_empty() {
            return self.flush(at, thread);
        }
        // what only would be does not count for a task that runs all the same
        let real = acts.then(|| self.targets[target].world.as_seen());
        let world = real.as_ref().unwrap_or(&self.targets[target].world);
        let missing: Vec<Look> = module.looks().into_iter().filter(|look| !world.answers(asker, look)).collect();
        if !missing.is_empty() {
            return self.ask(at, thread, target, asker, missing);
        }
        let judged = module.clone();
        let halted = match module.want(&View::new(world, asker)) {
            Ok(want) => match compare(world, asker, &want.states) {
                // what waits may change this: it is sent first, and this is asked again
                Ok(compared) if compared.may.is_some() && !thread.queue.is_empty() => return self.flush(at, thread),
                Ok(compared) => {
                    let unsure = compared.unsure.filter(|_| self.checks(thread));
                    let doing = Doing {
                        module,
                        want,
                        gaps: compared.gaps,
                        may: compared.may.or(unsure),
                        doubt: compared.doubt,
                        target,
                        asker,
                        began: self.now,
                        environment,
                        limits: thread.cursor.run.as_ref().and_then(|run| run.limits.clone()).unwrap_or_default(),
                        fixes: Default::default(),
                        waits: Default::default(),
                    };
                    return self.proceed(at, thread, doing);
                }
                Err(halt) => halt,
            },
            Err(halt) => halt,
        };
        self.halted(at, thread, &*judged, (target, asker), halted);
    }

    /// What is wanted cannot be told yet, or not at all.
    fn halted(
        &mut self,
        at: usize,
        thread: &mut Thread,
        module: &dyn modules::Module,
        (target, asker): (usize, crate::state::Asker),
        halted: Halt,
    ) {
        match halted {
            Halt::Ask(looks) => self.ask(at, thread, target, asker, looks),
            // what waits to be sent makes it known
            Halt::Unknown(_) if !thread.queue.is_empty() => self.flush(at, thread),
            Halt::Unknown(cause) => {
                let gap_doubt = Ended { outcome: Some(Outcome::May(cause.clone())), result: changed(true), ..Ended::default() };
                self.end_item(thread, gap_doubt);
            }
            Halt::Failed(error) => {
                let ended = self.doubted(thread, module, target, asker);
                let ended = ended.unwrap_or_else(|| Ended::failed(at_task(thread, error)));
                self.end_item(thread, ended);
            }
        }
    }

    /// The place of a user among those that a target is talked to as.
    fn asker(&mut self, target: usize, who: crate::run::Who) -> crate::state::Asker {
        let askers = &mut self.targets[target].askers;
        askers.iter().position(|known| *known == who).unwrap_or_else(|| {
            askers.push(who);
            askers.len() - 1
        })
    }

    /// What is wanted is known, and how far it is from what is.
    fn proceed(&mut self, at: usize, thread: &mut Thread, mut doing: Doing) {
        if doing.want.effects.iter().any(reaches_the_run) && self.flushes_first(at, thread) {
            return;
        }
        if let Some(message) = doing.want.failed.take() {
            if let Some(ended) = self.doubted(thread, &*doing.module, doing.target, doing.asker) {
                return self.end_item(thread, ended);
            }
            let span = thread.cursor.run.as_ref().map(|run| run.task.module_span.clone());
            let error = span.map_or_else(|| Diagnostic::error(message.clone()), |span| span.error(message.clone()));
            let mut ended = Ended::failed(error);
            ended.result.extend(std::mem::take(&mut doing.want.result));
            ended.result.insert("msg", message);
            ended.effects = std::mem::take(&mut doing.want.effects);
            return self.end_item(thread, ended);
        }
        if doing.want.verbosity > i64::from(self.tree.options.verbosity) {
            let mut ended = Ended::skipped("Verbosity threshold not met.");
            ended.result.insert("skipped_reason", "Verbosity threshold not met.");
            return self.end_item(thread, ended);
        }
        if let Some(reason) = doing.want.skipped.take() {
            let mut ended = Ended::skipped(reason.clone());
            ended.result.extend(std::mem::take(&mut doing.want.result));
            ended.result.insert("msg", reason);
            return self.end_item(thread, ended);
        }
        let checking = self.checks(thread);
        if checking && doing.doubt.is_none() && doing.may.is_none() {
            let looks = self.rights(&doing);
            if !looks.is_empty() {
                let (target, asker) = (doing.target, doing.asker);
                return self.ask(at, thread, target, asker, looks);
            }
            match self.refusal(&doing) {
                Some((_, Refusal::Maybe(because))) => {
                    let span = thread.cursor.run.as_ref().map(|run| run.task.span.clone());
                    doing.doubt = Some(Arc::new(Unknown { because, span }));
                }
                Some((gap, Refusal::Surely(why))) => {
                    let error = at_task(thread, send::refused(&doing.gaps[gap], &why));
                    return self.end_item(thread, Ended { gaps: doing.gaps, ..Ended::failed(error) });
                }
                None => {}
            }
        }
        let limited = !checking && (doing.limits.seconds.is_some() || doing.limits.job.is_some());
        if limited && !thread.queue.is_empty() {
            // its limit is its own
            return self.flush(at, thread);
        }
        if limited {
            doing = self.in_background(doing);
        }
        if !doing.gaps.is_empty() && !checking {
            let kept = thread.cursor.run.as_ref().is_some_and(|run| stands_alone(&run.task));
            let alone =
                limited || kept || doing.want.action.is_some() || doing.want.condition.is_some() || doing.target != thread.host.0 as usize;
            return self.enqueue(at, thread, doing, alone);
        }
        if !doing.gaps.is_empty() {
            self.predict(thread, &doing);
        }
        self.after_fix(at, thread, Arc::new(doing));
    }

    /// Whether this task only says what it would do.
    pub(super) fn checks(&self, thread: &Thread) -> bool {
        let Some(run) = &thread.cursor.run else { return self.tree.options.check };
        if run.task.keyword("check_mode").is_none() {
            return self.tree.options.check;
        }
        let sight = self.sight(thread, &run.task, run.item_layers());
        task::flag(&run.task, "check_mode", &sight).ok().flatten().unwrap_or(self.tree.options.check)
    }

    /// Writes what would be into the world.
    pub(super) fn predict(&mut self, thread: &Thread, doing: &Doing) {
        let Some(run) = &thread.cursor.run else { return };
        let cause = Arc::new(Unknown { because: format!("\"{}\" runs before it", run.label.name), span: Some(run.task.span.clone()) });
        let all_seeing = self.all_seeing(doing.target);
        let world = &mut self.targets[doing.target].world;
        for gap in &doing.gaps {
            world.disturb((self.tree.kinds)(gap.id.kind).reach(gap), &cause);
        }
        for gap in &doing.gaps {
            let kind = (self.tree.kinds)(gap.id.kind);
            world.foretell(gap.id.clone(), kind.after(gap), &cause);
            let spared = all_seeing.iter().copied().chain([doing.asker]).collect();
            world.veil(kind.veils(gap), spared, &cause);
        }
    }

    /// The gaps are closed, or would be: what is left is an action or a condition.
    fn after_fix(&mut self, at: usize, thread: &mut Thread, doing: Arc<Doing>) {
        let wanted = doing.want.action.as_ref().filter(|action| !action.only_if_changed || !doing.gaps.is_empty());
        let Some(action) = wanted else { return self.after_act(at, thread, doing, None, vec![]) };
        if self.checks(thread) && !action.query {
            let Some(run) = &thread.cursor.run else { return };
            let world = &mut self.targets[doing.target].world;
            world.doubt_all(action.reach.clone(), &run.cause);
            let shown = action.shown.clone();
            // what an action gives is only known after it
            let mut result = if action.predictable { doing.want.result.clone() } else { Map::new() };
            result.insert("changed", doing.want.changed.unwrap_or(true));
            let ended = Ended {
                outcome: Some(Outcome::WouldRun(shown)),
                result,
                gaps: doing.gaps.clone(),
                doubt: doing.doubt.clone(),
                ..Ended::default()
            };
            return self.end_item(thread, ended);
        }
        self.act(at, thread, doing.clone());
    }

    fn after_act(
        &mut self,
        at: usize,
        thread: &mut Thread,
        doing: Arc<Doing>,
        reply: impl Into<Option<crate::state::Reply>>,
        responses: Vec<crate::state::Response>,
    ) {
        let reply = reply.into();
        if let (Some(action), Some(reply)) = (&doing.want.action, &reply)
            && !action.code_is_data
            && reply.code != 0
        {
            let ended = self.not_done(thread, &doing, &action.shown, reply);
            return self.end_item(thread, ended);
        }
        if doing.want.condition.is_some() {
            if !self.checks(thread) {
                return self.wait(at, thread, doing, reply);
            }
            if doing.gaps.is_empty() && doing.want.action.is_none() {
                return self.foresee(at, thread, doing);
            }
        }
        self.conclude(thread, &doing, reply, responses);
    }

    /// The result of an item for which all is done.
    pub(super) fn conclude(
        &mut self,
        thread: &mut Thread,
        doing: &Doing,
        reply: Option<crate::state::Reply>,
        responses: Vec<crate::state::Response>,
    ) {
        let world = &self.targets[doing.target].world;
        let done = crate::state::Done {
            gaps: &doing.gaps,
            fixes: doing.fixes.get().map_or(&[], Vec::as_slice),
            reply: reply.as_ref(),
            responses: &responses,
            view: View::new(world, doing.asker),
            began: doing.began,
            ended: self.now,
        };
        let mut result = doing.want.result.clone();
        result.extend(doing.module.result(&done));
        let mut result = self.veiled(result);
        if let Some(next) = self.afterwards(doing, &mut result) {
            if let Some(run) = &mut thread.cursor.run {
                run.phase = Phase::Fixed(Arc::new(next));
            }
            return;
        }
        if let Some(facts) = self.written_facts(thread, &doing.want.effects) {
            result.insert("ansible_facts", facts);
        }
        // the answer of a condition is no change
        let acted = doing.want.action.is_some() && (reply.is_some() || !responses.is_empty());
        let queries = doing.want.action.as_ref().is_some_and(|action| action.query && acted);
        let kept = match self.keep(thread, &doing.want.effects) {
            Ok(kept) => kept,
            Err(error) => {
                let error = at_task(thread, error);
                return self.end_item(thread, Ended::failed(error));
            }
        };
        let adds = kept || doing.want.effects.iter().any(|effect| self.adds(thread.host, effect));
        let is_changed = doing.want.changed.unwrap_or(!doing.gaps.is_empty() || acted || adds);
        if !result.contains("changed") {
            result.insert("changed", is_changed);
        }
        let is_changed = result.get("changed").is_some_and(Value::truthy);
        let failed = result.get("failed").is_some_and(Value::truthy);
        let error = failed.then(|| at_task(thread, complaint(&result)));
        let outcome = match &doing.may {
            _ if failed => Outcome::Failed,
            Some(cause) => Outcome::May(cause.clone()),
            None if acted && !queries => Outcome::Ran { changed: is_changed },
            None if !doing.gaps.is_empty() => Outcome::Change,
            None if acted => Outcome::Ran { changed: is_changed },
            None if kept => Outcome::Change,
            None => Outcome::Same,
        };
        for warning in &doing.want.warnings {
            self.out.push(Output::Tell(crate::run::Event::Notice(Diagnostic::warning(warning.clone()))));
        }
        let say = doing.want.effects.iter().find_map(Effect::said);
        let mut effects = doing.want.effects.clone();
        if !doing.environment.is_empty() {
            self.surround(thread, &mut effects);
        }
        let doubt = doing.doubt.as_ref().or(doing.waits.get()).cloned();
        let ended = Ended { outcome: Some(outcome), result, gaps: doing.gaps.clone(), doubt, say, error, effects };
        self.end_item(thread, ended);
    }

    /// What comes back may hold what was sent.
    pub(super) fn veiled(&self, result: Map) -> Map {
        if self.known.is_empty() {
            return result;
        }
        match self.known.marked(&Value::from(result.clone())) {
            Value::Map(marked) => (*marked).clone(),
            _ => result,
        }
    }

    /// The environment that a target tells is that of the task that asks.
    fn surround(&self, thread: &Thread, effects: &mut [Effect]) {
        let Some(run) = &thread.cursor.run else { return };
        let sight = self.sight(thread, &run.task, run.item_layers());
        // it was rendered before the task ran
        let Ok(own) = address::surroundings(&sight, &run.task) else { return };
        for effect in effects {
            let Effect::Facts { facts, gathered: true } = effect else { continue };
            for name in ["env", "ansible_env"] {
                let Some(mut all) = facts.get(name).and_then(Value::as_map).cloned() else { continue };
                all.extend(own.iter().map(|(name, value)| (name.clone(), Value::text(modules::display(value)).marked(value.marks()))));
                facts.insert(name, all);
            }
        }
    }

    /// The end of an item: `failed_when`, `changed_when`, `until`; then the next item, or the end of the task.
    pub(super) fn end_item(&mut self, thread: &mut Thread, mut ended: Ended) {
        let looped = thread.cursor.run.as_ref().is_some_and(|run| run.items.is_some());
        let judged =
            !matches!(ended.outcome, Some(Outcome::Skipped(_) | Outcome::Unknown(_) | Outcome::WouldRun(_) | Outcome::Unreachable));
        if judged {
            if let Err(error) = self.judge(thread, &mut ended) {
                ended = Ended::failed(error);
            }
            match self.retry(thread, &mut ended) {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => ended = Ended::failed(error),
            }
        }
        let effects = std::mem::take(&mut ended.effects);
        let learns = looped && !effects.is_empty();
        if !self.effects(thread, effects) {
            return;
        }
        if let Some(run) = thread.cursor.run.as_mut().filter(|_| learns) {
            // the next item sees what this one set
            run.layers = scope::around(thread.cursor.vars.layers(), &run.task);
        }
        if !looped {
            return self.end_task(thread, ended);
        }
        self.end_loop_item(thread, ended);
    }

    /// `failed_when` and `changed_when`, which see the result under the name that it is registered by.
    fn judge(&self, thread: &Thread, ended: &mut Ended) -> Result<()> {
        let Some(run) = &thread.cursor.run else { return Ok(()) };
        if !run.task.keywords.contains_key("changed_when") && !run.task.keywords.contains_key("failed_when") {
            return Ok(());
        }
        let sight = self.result_sight(thread, run, ended);
        if let Some(node) = run.task.keywords.get("changed_when") {
            let value = self.tree.templates.condition(node, &sight)?;
            if value.unknown().is_none() {
                ended.result.insert("changed", value.truthy());
                if ended.outcome != Some(Outcome::Failed) {
                    ended.outcome = Some(match ended.outcome.take() {
                        Some(Outcome::Ran { .. }) => Outcome::Ran { changed: value.truthy() },
                        Some(Outcome::Same) if value.truthy() => Outcome::Change,
                        Some(Outcome::Change) if !value.truthy() && ended.gaps.is_empty() => Outcome::Same,
                        other => other.unwrap_or(Outcome::Same),
                    });
                }
            }
        }
        if let Some(node) = run.task.keywords.get("failed_when") {
            let sight = self.result_sight(thread, run, ended);
            let value = self.tree.templates.condition(node, &sight)?;
            if value.unknown().is_none() {
                ended.result.insert("failed", value.truthy());
                ended.result.insert("failed_when_result", value.truthy());
                if value.truthy() {
                    ended.outcome = Some(Outcome::Failed);
                    ended.error.get_or_insert_with(|| node.error("`failed_when` holds"));
                } else if ended.outcome == Some(Outcome::Failed) {
                    ended.error = None;
                    ended.outcome = Some(Outcome::Ran { changed: ended.result.get("changed").is_some_and(Value::truthy) });
                }
            }
        }
        Ok(())
    }

    fn result_sight(&self, thread: &Thread, run: &TaskRun, ended: &Ended) -> Sight {
        let mut vars = Vars::new();
        let mut result = ended.result.clone();
        for (key, value) in [("changed", false), ("failed", ended.failed_flag())] {
            if !result.contains(key) {
                result.insert(key, value);
            }
        }
        if run.tries > 0 || run.task.keywords.contains_key("until") {
            result.insert("attempts", i64::from(run.tries + 1));
        }
        if let Some(name) = run.task.keywords.get("register").and_then(|node| node.as_str()) {
            vars.insert(name, Value::from(result.clone()));
        }
        for (key, value) in result.iter() {
            if let Some(key) = key.as_str() {
                vars.insert(format!("__result_{key}"), value.clone());
            }
        }
        self.sight(thread, &run.task, run.item_layers().with(Level::IncludeParams, Arc::new(vars)))
    }

    /// `until`: whether the item is tried once more.
    fn retry(&mut self, thread: &mut Thread, ended: &mut Ended) -> Result<bool> {
        let Some(run) = &thread.cursor.run else { return Ok(false) };
        let until = run.task.keywords.get("until");
        if until.is_none() && !run.task.keywords.contains_key("retries") {
            return Ok(false);
        }
        if self.interrupted {
            return Ok(false);
        }
        let sight = self.result_sight(thread, run, ended);
        let holds = match until {
            Some(node) => self.tree.templates.condition(node, &sight)?,
            None => Value::Bool(!ended.failed_flag()),
        };
        let number = |word: &str, default: f64| -> Result<f64> {
            let Some(value) = task::text(&run.task, word, &sight)? else { return Ok(default) };
            value.parse().map_err(|_| run.task.span.error(format!("`{word}` takes a number, and this is `{value}`")))
        };
        let (retries, delay) = (number("retries", 3.0)?, number("delay", 5.0)?);
        drop(sight);
        let tries = run.tries + 1;
        if holds.unknown().is_some() || (holds.truthy() && !(until.is_none() && ended.failed_flag())) {
            ended.result.insert("attempts", i64::from(tries));
            return Ok(false);
        }
        if f64::from(tries) > retries {
            ended.result.insert("attempts", i64::from(tries) - 1);
            ended.result.insert("failed", true);
            ended.outcome = Some(Outcome::Failed);
            let span = until.map_or(run.task.span.clone(), |node| node.span.clone());
            ended.error.get_or_insert_with(|| span.error(format!("`until` did not come to hold in {} tries", tries - 1)));
            return Ok(false);
        }
        let at = self.now + delay;
        let target = thread.host.0 as usize;
        self.targets[target].world.forget(&crate::state::Reach::Everything, &[]);
        if let Some(run) = &mut thread.cursor.run {
            run.tries = tries;
            run.phase = Phase::Start;
        }
        self.sleep_until(thread, at);
        Ok(true)
    }

    fn end_loop_item(&mut self, thread: &mut Thread, ended: Ended) {
        let Some(run) = &thread.cursor.run else { return };
        let sight = self.sight(thread, &run.task, run.item_layers());
        let label = task::item_label(run, &sight);
        let hidden = task::flag(&run.task, "no_log", &sight).ok().flatten().unwrap_or(false);
        drop(sight);
        let mut result = ended.result.clone();
        for (key, value) in [("changed", false), ("failed", ended.failed_flag())] {
            if !result.contains(key) {
                result.insert(key, value);
            }
        }
        result.insert(run.loop_var.clone(), run.item().cloned().unwrap_or_default());
        result.insert("ansible_loop_var", Value::Text(run.loop_var.clone()));
        let ignored = self.ignores(thread);
        let failed = ended.failed_flag();
        let name = self.inventory.host(thread.host).name.clone();
        let path = thread.cursor.path();
        let stopped = match self.breaks(thread, run, &ended) {
            Ok(stopped) => stopped,
            Err(error) => return self.end_task(thread, Ended::failed(error)),
        };
        let Some(run) = &mut thread.cursor.run else { return };
        let outcome = ended.outcome.clone().unwrap_or(Outcome::Same);
        let unforeseen = !predictable(&ended);
        run.told.changed |= result.get("changed").is_some_and(Value::truthy) && !matches!(outcome, Outcome::Skipped(_));
        run.told.failed |= failed;
        run.told.done += 1;
        run.told.skipped += usize::from(matches!(outcome, Outcome::Skipped(_)));
        run.told.gaps.extend(ended.gaps.iter().cloned());
        run.told.doubt = run.told.doubt.take().or(ended.doubt.clone());
        run.told.outcome = Some(task::worse(run.told.outcome.take(), outcome.clone()));
        if failed {
            run.told.error = run.told.error.take().or(ended.error.clone());
        }
        let mut told = task::told(run, &name, outcome, result.clone());
        (told.item, told.gaps, told.error, told.say) = (label, ended.gaps, ended.error, ended.say);
        (told.ignored, told.hidden) = (ignored, hidden);
        run.results.push(match &told.outcome {
            Outcome::Unknown(cause) | Outcome::May(cause) if result.get("changed").is_none() => Value::Unknown(cause.clone()),
            Outcome::WouldRun(_) if unforeseen => Value::Unknown(run.cause.clone()),
            _ => Value::from(result),
        });
        run.at += 1;
        (run.phase, run.tries) = (Phase::Start, 0);
        let over = stopped || run.items.as_ref().is_none_or(|items| run.at >= items.len());
        self.tell(thread, path, told);
        match self.between(thread) {
            Ok(pause) if !over => {
                if pause > 0.0 && thread.queue.is_empty() {
                    self.sleep_until(thread, self.now + pause);
                }
            }
            Ok(_) => self.end_loop(thread),
            Err(error) => self.end_task(thread, Ended::failed(error)),
        }
    }

    /// Between two items: seconds to pause.
    fn between(&self, thread: &Thread) -> Result<f64> {
        let Some(run) = &thread.cursor.run else { return Ok(0.0) };
        let Some(pause) = run.task.keywords.get("loop_control").and_then(|control| control.get("pause")) else { return Ok(0.0) };
        let sight = self.sight(thread, &run.task, run.layers.clone());
        let value = self.tree.templates.render(pause, &sight)?;
        modules::display(&value).parse().map_err(|_| pause.error("`pause` takes seconds"))
    }

    /// `loop_control.break_when`: whether this item is the last.
    fn breaks(&self, thread: &Thread, run: &TaskRun, ended: &Ended) -> Result<bool> {
        let Some(node) = run.task.keywords.get("loop_control").and_then(|control| control.get("break_when")) else { return Ok(false) };
        let sight = self.result_sight(thread, run, ended);
        Ok(self.tree.templates.condition(node, &sight)?.truthy())
    }

    fn end_loop(&mut self, thread: &mut Thread) {
        let Some(run) = &mut thread.cursor.run else { return };
        let all_skipped = run.told.skipped == run.told.done;
        let result = task::combined(std::mem::take(&mut run.results), &run.told, all_skipped);
        let outcome = match () {
            () if run.told.failed => Outcome::Failed,
            () if all_skipped => Outcome::Skipped("All items skipped".into()),
            () => run.told.outcome.take().unwrap_or(Outcome::Same),
        };
        let ended = Ended {
            outcome: Some(outcome),
            result,
            gaps: run.told.gaps.clone(),
            error: run.told.error.clone(),
            doubt: run.told.doubt.clone(),
            ..Ended::default()
        };
        self.end_task(thread, ended);
    }

    pub(super) fn ignores(&self, thread: &Thread) -> bool {
        let Some(run) = &thread.cursor.run else { return false };
        let sight = self.sight(thread, &run.task, run.item_layers());
        task::flag(&run.task, "ignore_errors", &sight).ok().flatten().unwrap_or(false)
    }

    /// The end of a task: what it registers, notifies and counts for.
    pub(super) fn end_task(&mut self, thread: &mut Thread, mut ended: Ended) {
        let ignored = self.ignores(thread);
        let Some(run) = thread.cursor.run.take() else { return };
        let sight = self.sight(thread, &run.task, run.layers.clone());
        let hidden = task::flag(&run.task, "no_log", &sight).ok().flatten().unwrap_or(false);
        let notified = task::notifies(&run.task, &sight);
        drop(sight);
        if ended.result.get("changed").is_some_and(Value::truthy)
            && !ended.failed_flag()
            && !matches!(ended.outcome, Some(Outcome::Skipped(_)))
            && let Err(error) = notified.and_then(|names| self.notify(thread, names))
        {
            ended.result.insert("msg", error.message());
            (ended.outcome, ended.error) = (Some(Outcome::Failed), Some(error));
        }
        let outcome = ended.outcome.clone().unwrap_or(Outcome::Same);
        let failed = ended.failed_flag();
        let mut result = ended.result.clone();
        for (key, value) in [("changed", false), ("failed", failed)] {
            if !result.contains(key) {
                result.insert(key, value);
            }
        }
        let changed = result.get("changed").is_some_and(Value::truthy) && !matches!(outcome, Outcome::Skipped(_));
        let value = match &outcome {
            Outcome::Unknown(_) | Outcome::WouldRun(_) | Outcome::May(_) if !predictable(&ended) => Value::Unknown(run.cause.clone()),
            Outcome::May(cause) => with_lines(doubtful(result.clone(), cause)),
            _ => with_lines(result.clone()),
        };
        let value = if hidden { known::silent(&value, &format!("result of {}", run.label.name)) } else { value };
        if let Some(name) = run.task.keywords.get("register").and_then(|node| node.as_str()) {
            thread.cursor.vars.set(name, value.clone());
        }
        let path = thread.cursor.path();
        let unreachable = outcome == Outcome::Unreachable;
        let ignored = if unreachable { unreachable_ignored(&run.task) } else { ignored };
        if run.once
            && let Some(play) = &mut self.play
        {
            play.once.insert(path.clone(), (value, (failed || unreachable) && !ignored));
        }
        let guarded = thread.cursor.is_guarded();
        let silent = matches!(run.task.short_module(), "meta") && !failed;
        if !silent {
            count(&mut thread.cursor.recap, &outcome, changed, failed, ignored, guarded);
        }
        if matches!(run.task.short_module(), "include_tasks" | "include_role") && !failed {
            // Ansible counts every file that was included
            thread.cursor.recap.ok += (run.told.done as u32).saturating_sub(1 + run.told.skipped as u32);
        }
        let name = self.inventory.host(thread.host).name.clone();
        let mut told = task::told(&run, &name, outcome, result.clone());
        (told.gaps, told.error, told.doubt, told.say) = (ended.gaps, ended.error.clone(), ended.doubt, ended.say);
        (told.ignored, told.hidden) = (failed && ignored, hidden);
        told.rescued = failed && !ignored && guarded;
        if failed && !ignored {
            let fatal = run.task.keyword("any_errors_fatal").is_some_and(|flag| flag.to_value().truthy()) || self.too_many_failed(thread);
            let failure = Failure { name: run.label.name.clone(), task: run.task.clone(), result: Arc::new(result) };
            if let Some(play) = self.play.as_mut().filter(|_| fatal) {
                play.fatal.get_or_insert_with(|| (path.clone(), failure.clone()));
            }
            thread.cursor.fail(failure);
        }
        if !silent {
            self.tell(thread, path, told);
        }
    }

    /// Adds handlers to those that will run. A task that notifies a handler that nobody wrote has failed.
    fn notify(&mut self, thread: &mut Thread, names: Vec<(String, crate::text::Node)>) -> Result<()> {
        let Some(play) = self.play.as_ref().map(|play| play.play.clone()) else { return Ok(()) };
        let mut sight = Sight::new(&self.tree, &self.inventory, &self.hosts, thread.host, thread.cursor.vars.layers());
        sight.around = Some(play.around.clone());
        let titles: Vec<String> = play.handlers.iter().map(|handler| task::title(handler, Some(&sight))).collect();
        drop(sight);
        for (name, node) in names {
            let found = super::include::handlers(&play.handlers, &titles, &name);
            if found.is_empty() {
                return Err(node.error(format!("no handler is called `{name}`")).meant(&name, titles.iter().map(String::as_str)));
            }
            thread.cursor.notified.extend(found);
        }
        Ok(())
    }

    /// Tells what became of a task once nothing can take it back.
    pub(super) fn tell(&mut self, thread: &mut Thread, path: Vec<u32>, told: crate::run::Told) {
        if thread.queue.is_empty() {
            if let Some(play) = &mut self.play {
                play.pending.entry(path).or_default().push(told);
            }
        } else {
            thread.told.push((path, told));
        }
    }
}

/// `ignore_errors` is not about hosts that are not there.
pub(super) fn unreachable_ignored(task: &Task) -> bool {
    task.keyword("ignore_unreachable").is_some_and(|flag| flag.to_value().truthy())
}

/// Whether an effect is on more than where this host stands: it cannot be taken back, so nothing before it may still fail.
fn reaches_the_run(effect: &Effect) -> bool {
    use Effect::{AddHost, ClearHostErrors, EndBatch, EndPlay, GroupBy, Pause};
    matches!(effect, AddHost { .. } | ClearHostErrors | EndBatch | EndPlay | GroupBy { .. } | Pause { .. })
}

/// Why a task ends before its time.
pub(super) fn interrupted(task: &Task) -> Diagnostic {
    task.module_span.error("interrupted before it was through")
}

/// Whether an item is sent before the next is looked at: its result is kept or judged, or a pause follows it.
fn stands_alone(task: &Task) -> bool {
    let pauses = task.keywords.get("loop_control").is_some_and(|control| control.get("pause").is_some());
    pauses || task.keywords.contains_key("register") || task.keywords.contains_key("until")
}

enum Prepared {
    Include,
    Module {
        module: Arc<dyn modules::Module>,
        target: (HostId, Arc<crate::run::Address>),
        who: crate::run::Who,
        environment: String,
        limits: Box<super::background::Limits>,
    },
}

fn changed(flag: bool) -> Map {
    let mut map = Map::new();
    map.insert("changed", flag);
    map
}

/// What a module says that failed.
fn complaint(result: &Map) -> Diagnostic {
    let message = result.get("msg").map(modules::display).filter(|text| !text.is_empty());
    Diagnostic::error(message.unwrap_or_else(|| "the module says that it failed".into()))
}

/// An error, at the task that a host stands at.
fn at_task(thread: &Thread, error: Diagnostic) -> Diagnostic {
    match &thread.cursor.run {
        Some(run) => error.at(&run.task.module_span),
        None => error,
    }
}

/// The result of a task of which it is not known whether it changes anything.
fn doubtful(mut result: Map, cause: &Cause) -> Map {
    result.insert("changed", Value::Unknown(cause.clone()));
    result
}

/// Whether a result is known though its task did not run: a restart says so by giving more than `changed`.
fn predictable(ended: &Ended) -> bool {
    ended.result.keys().any(|key| !matches!(key.as_str(), Some("changed" | "cmd")))
}

/// `stdout` also as `stdout_lines`, as Ansible adds it.
fn with_lines(mut result: Map) -> Value {
    for (text, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
        if let Some(value) = result.get(text).filter(|_| !result.contains(lines)) {
            let marks = value.marks();
            let text = value.as_str().unwrap_or_default();
            // a line without a secret that stands elsewhere in the text stays readable
            let all_stand = mask::standing(text, &marks).len() == marks.len();
            let of = |line: &str| if all_stand { mask::standing(line, &marks) } else { marks.clone() };
            let all = modules::output::lines(text).into_iter().map(|line| Value::text(line).marked(of(line))).collect::<Vec<_>>();
            result.insert(lines, all);
        }
    }
    result.into()
}

/// Ansible's counts.
fn count(recap: &mut crate::run::Recap, outcome: &Outcome, changed: bool, failed: bool, ignored: bool, guarded: bool) {
    match outcome {
        Outcome::Unreachable if ignored => {
            recap.ok += 1;
            recap.ignored += 1;
        }
        Outcome::Unreachable => recap.unreachable += 1,
        Outcome::Skipped(_) => recap.skipped += 1,
        Outcome::Interrupted => {}
        _ if failed && ignored => {
            recap.ok += 1;
            recap.ignored += 1;
            recap.changed += u32::from(changed);
        }
        _ if failed && guarded => recap.rescued += 1,
        _ if failed => recap.failed += 1,
        _ => {
            recap.ok += 1;
            recap.changed += u32::from(changed);
        }
    }
}
