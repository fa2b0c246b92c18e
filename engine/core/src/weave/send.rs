//! Messages: what is in them, and what their answers mean.
//!
//! A message carries the fixes that wait, or one action, or a question; behind them stand the questions that they
//! reopen and those of the tasks to come.

use std::sync::Arc;

use crate::run::{Asked, Fault, FaultKind, Message, Outcome, learn, questions, reading};
use crate::state::{Answer, Gap, Holds, Id, Kind, Look, Part, Point, Purpose, Reach, Reply, Script};
use crate::text::{Diagnostic, Map};

use super::batch;
use super::cursor::Cursor;
use super::item::{Ended, interrupted, unreachable_ignored};
use super::session::{Output, Session, State, Thread};
use super::task::{Doing, Forced, Phase};

/// A fix that waits to be sent.
pub struct Queued {
    pub doing: Arc<Doing>,
    /// Where the host stood before it.
    pub before: Box<Cursor>,
    /// The world's log before its predictions.
    pub point: Point,
    /// How much was told before it.
    pub told: usize,
    pub path: Vec<u32>,
}

/// A message on its way.
pub struct Flight {
    pub thread: usize,
    pub target: usize,
    pub asker: usize,
    pub parts: Vec<Sent>,
    pub kind: FlightKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlightKind {
    Ask,
    Flush,
    Act,
    /// The answer of a condition.
    Wait,
}

/// What a part of a message is.
pub enum Sent {
    Ask(Asked),
    /// Gaps of the queue that one call closes: of which entry, and which of its gaps.
    Fix(Vec<(usize, usize)>),
    Act,
    Condition,
}

impl Session {
    /// Sends questions, with those of the tasks to come.
    pub(super) fn ask(&mut self, at: usize, thread: &mut Thread, target: usize, asker: usize, looks: Vec<Look>) {
        if thread.queue.is_empty() {
            let ahead = self.ahead(thread, target, asker);
            let all = looks.into_iter().chain(ahead);
            let asked = questions(self.tree.kinds, all);
            return self.send(at, thread, target, asker, FlightKind::Ask, asked.into_iter().map(Sent::Ask).collect(), None);
        }
        // what is to be asked may depend on what waits
        self.flush(at, thread);
    }

    /// Puts a fix into the queue and goes on with what it will be like; alone, it is sent at once.
    pub(super) fn enqueue(&mut self, at: usize, thread: &mut Thread, doing: Doing, alone: bool) {
        let doing = Arc::new(doing);
        let before = Box::new(thread.cursor.clone());
        let point = self.targets[doing.target].world.point();
        let path = thread.cursor.path();
        thread.queue.push(Queued { doing: doing.clone(), before, point, told: thread.told.len(), path });
        self.targets[doing.target].holder = Some(at);
        self.predict(thread, &doing);
        if let Some(run) = &mut thread.cursor.run {
            run.phase = Phase::Fixed(doing.clone());
        }
        if alone {
            self.flush(at, thread);
        } else {
            self.conclude(thread, &doing, None, vec![]);
        }
    }

    /// Sends the queue, and the questions that it reopens.
    pub(super) fn flush(&mut self, at: usize, thread: &mut Thread) {
        if thread.queue.is_empty() {
            return;
        }
        let mut fixes = vec![];
        for (task, entry) in thread.queue.iter().enumerate() {
            let fix = |gap| batch::Fix { task, gap, environment: &entry.doing.environment };
            fixes.extend(entry.doing.gaps.iter().map(fix));
        }
        let places: Vec<(usize, usize)> =
            thread.queue.iter().enumerate().flat_map(|(queued, entry)| (0..entry.doing.gaps.len()).map(move |gap| (queued, gap))).collect();
        let runs = batch::joined(self.tree.kinds, &fixes);
        self.send_queue(at, thread, runs.into_iter().map(|run| places[run].to_vec()).collect());
    }

    /// Sends fixes of the queue, each of one call, and the questions that the queue reopens.
    fn send_queue(&mut self, at: usize, thread: &mut Thread, calls: Vec<Vec<(usize, usize)>>) {
        let Some(first) = thread.queue.first() else { return };
        let (target, asker) = (first.doing.target, first.doing.asker);
        let gaps = || thread.queue.iter().flat_map(|entry| &entry.doing.gaps);
        let own: Vec<Id> = gaps().map(|gap| gap.id.clone()).collect();
        let reaches: Vec<Reach> = gaps().map(|gap| (self.tree.kinds)(gap.id.kind).reach(gap)).collect();
        let world = &mut self.targets[target].world;
        let mut looks: Vec<Look> = thread.queue.iter().flat_map(|entry| own_looks(&entry.doing)).collect();
        for reach in &reaches {
            looks.extend(world.hit(asker, reach));
            world.forget(reach, &own);
        }
        world.forget(&Reach::Nothing, &own);
        looks.extend(self.ahead(thread, target, asker));
        let mut parts: Vec<Sent> = calls.into_iter().map(Sent::Fix).collect();
        parts.extend(questions(self.tree.kinds, looks).into_iter().map(Sent::Ask));
        self.send(at, thread, target, asker, FlightKind::Flush, parts, None);
    }

    /// Whether something waits to be sent: it goes first, and the item is taken up again once it is through.
    pub(super) fn flushes_first(&mut self, at: usize, thread: &mut Thread) -> bool {
        if thread.queue.is_empty() {
            return false;
        }
        if let Some(run) = &mut thread.cursor.run {
            run.phase = Phase::Start;
        }
        self.flush(at, thread);
        true
    }

    /// Whether another thread has a message or fixes on a target: it goes on once that is through.
    pub(super) fn waits_for(&self, at: usize, thread: &mut Thread, target: usize) -> bool {
        let taken = self.targets[target].holder.is_some_and(|holder| holder != at);
        if taken {
            thread.state = State::Target(target);
        }
        taken
    }

    /// Runs an action; what it may disturb is asked again in the same message, as far as tasks to come look at it.
    pub(super) fn act(&mut self, at: usize, thread: &mut Thread, doing: Arc<Doing>) {
        if self.flushes_first(at, thread) {
            return;
        }
        let Some(action) = &doing.want.action else { return };
        let reach = action.reach.clone();
        let (target, asker) = (doing.target, doing.asker);
        if self.waits_for(at, thread, target) {
            if let Some(run) = &mut thread.cursor.run {
                run.phase = Phase::Fixed(doing);
            }
            return;
        }
        if let Some(run) = &mut thread.cursor.run {
            run.phase = Phase::Fixed(doing.clone());
        }
        self.targets[target].world.forget(&reach, &[]);
        let mut parts = vec![Sent::Act];
        let registers = thread
            .cursor
            .run
            .as_ref()
            .is_some_and(|run| run.task.keywords.contains_key("register") || run.task.keywords.contains_key("until"));
        if !registers {
            let ahead = self.ahead(thread, target, asker);
            parts.extend(questions(self.tree.kinds, ahead).into_iter().map(Sent::Ask));
        }
        self.send(at, thread, target, asker, FlightKind::Act, parts, Some(&doing));
    }

    /// Asks whether a condition holds, at once or after its pause.
    pub(super) fn wait(&mut self, at: usize, thread: &mut Thread, doing: Arc<Doing>, reply: Option<Reply>) {
        if self.flushes_first(at, thread) {
            return;
        }
        let since = self.now;
        self.after_wait(at, thread, doing, reply, since, false, None);
    }

    #[allow(clippy::too_many_arguments, reason = "the state of a wait, taken apart")]
    pub(super) fn after_wait(
        &mut self,
        at: usize,
        thread: &mut Thread,
        doing: Arc<Doing>,
        reply: Option<Reply>,
        since: f64,
        asked: bool,
        answer: Option<Answer>,
    ) {
        let Some(condition) = &doing.want.condition else { return };
        let elapsed = self.now - since;
        let ends = (self.interrupted || self.is_cut(thread)) && answer.is_none();
        if let Some(run) = thread.cursor.run.as_ref().filter(|_| ends) {
            return self.cut_short(thread, interrupted(&run.task));
        }
        if let Some(answer) = answer {
            let failed = match doing.module.holds_at(&answer, self.now) {
                Holds::Yes => {
                    let (last, responses) = match answer {
                        Answer::Shell(reply) => (Some(reply), vec![]),
                        Answer::Api(responses) => (None, responses),
                        _ => (None, vec![]),
                    };
                    // the answer of a condition is no change
                    let reply = if condition.tells { last } else { reply.or(last) };
                    return self.conclude(thread, &doing, reply, responses);
                }
                Holds::Never(why) => why,
                Holds::NotYet(why) if self.checks(thread) => return self.would_wait(thread, &doing, &why),
                Holds::NotYet(why) if elapsed >= condition.limit => {
                    if why.is_empty() {
                        condition.late.clone()
                    } else {
                        format!("{}: {why}", condition.late)
                    }
                }
                Holds::NotYet(why) => {
                    self.waiting(thread, &why);
                    return self.sleep(
                        thread,
                        Phase::Waits { doing: doing.clone(), reply, since, asked: false, answer: None },
                        condition.every,
                    );
                }
            };
            let error = Diagnostic::error(failed.clone());
            let error = thread.cursor.run.as_ref().map_or(error.clone(), |run| error.at(&run.task.module_span));
            // what was changed before the wait stays changed
            let mut ended = Ended { gaps: doing.gaps.clone(), ..Ended::failed(error) };
            ended.result.extend(doing.want.result.clone());
            ended.result.insert("msg", failed);
            ended.result.insert("elapsed", elapsed as i64);
            return self.end_item(thread, ended);
        }
        if !asked && elapsed < condition.first_after {
            return self.sleep(
                thread,
                Phase::Waits { doing: doing.clone(), reply, since, asked, answer: None },
                condition.first_after - elapsed,
            );
        }
        if let Some(run) = &mut thread.cursor.run {
            run.phase = Phase::Waits { doing: doing.clone(), reply, since, asked: true, answer: None };
        }
        if self.waits_for(at, thread, doing.target) {
            return;
        }
        self.send(at, thread, doing.target, doing.asker, FlightKind::Wait, vec![Sent::Condition], Some(&doing));
    }

    fn waiting(&mut self, thread: &Thread, why: &str) {
        let Some(run) = &thread.cursor.run else { return };
        let host = self.inventory.host(thread.host).name.clone();
        let event = crate::run::Event::Waiting { host, task: run.label.clone(), reason: why.to_string() };
        self.out.push(Output::Tell(event));
    }

    fn sleep(&mut self, thread: &mut Thread, phase: Phase, seconds: f64) {
        if let Some(run) = &mut thread.cursor.run {
            run.phase = phase;
        }
        self.sleep_until(thread, self.now + seconds.max(0.05));
    }

    #[allow(clippy::too_many_arguments, reason = "one place builds messages")]
    fn send(
        &mut self,
        at: usize,
        thread: &mut Thread,
        target: usize,
        asker: usize,
        kind: FlightKind,
        parts: Vec<Sent>,
        doing: Option<&Arc<Doing>>,
    ) {
        let message = Message { parts: parts.iter().map(|sent| self.part(sent, thread, doing)).collect() };
        let state = &mut self.targets[target];
        state.holder = Some(at);
        let (Some(address), Some(who)) = (state.address.clone(), state.askers.get(asker).cloned()) else { return };
        let id = self.next_id;
        self.next_id += 1;
        self.flights.insert(id, Flight { thread: at, target, asker, parts, kind });
        thread.state = State::InFlight;
        self.out.push(Output::Send { id, address, who, message });
    }

    fn part(&self, sent: &Sent, thread: &Thread, doing: Option<&Arc<Doing>>) -> Part {
        let part = |script: Script, purpose: Purpose, limit: Option<u64>| Part { script, purpose, limit };
        match sent {
            Sent::Ask(asked) => asked.part(),
            Sent::Fix(places) => {
                let gaps: Vec<&Gap> = places.iter().map(|(queued, gap)| &thread.queue[*queued].doing.gaps[*gap]).collect();
                let environment = places.first().map_or("", |(queued, _)| &thread.queue[*queued].doing.environment);
                let script = gaps.first().map_or_else(|| String::new().into(), |gap| (self.tree.kinds)(gap.id.kind).fix(&gaps));
                part(
                    with_environment(script, environment),
                    Purpose::Fix,
                    places.first().and_then(|(queued, _)| thread.queue[*queued].doing.limits.seconds),
                )
            }
            Sent::Act => match doing.and_then(|doing| Some((doing, doing.want.action.as_ref()?))) {
                Some((doing, action)) => {
                    let purpose = if action.code_is_data { Purpose::Act { stops: false } } else { Purpose::Fix };
                    let limit = action.limit.into_iter().chain(doing.limits.seconds).min();
                    part(with_environment(action.script.clone(), &doing.environment), purpose, limit)
                }
                None => part(Script::from(String::new()), Purpose::Ask, None),
            },
            Sent::Condition => {
                let condition = doing.and_then(|doing| doing.want.condition.as_ref());
                let script = condition.map_or_else(|| Script::from(String::new()), |condition| condition.ask.clone());
                let limit = |condition: &crate::state::Condition| condition.reconnects.unwrap_or(condition.limit.ceil() as u64 + 30);
                part(script, Purpose::Ask, condition.map(limit))
            }
        }
    }

    /// A message was answered.
    pub(super) fn answered(&mut self, id: u64, answers: Vec<Answer>) {
        let Some(flight) = self.flights.remove(&id) else { return };
        let Some(play) = &mut self.play else { return };
        let mut thread = std::mem::take(&mut play.threads[flight.thread]);
        thread.state = State::Ready;
        self.targets[flight.target].holder = None;
        match flight.kind {
            FlightKind::Flush => match apart(&flight, &answers) {
                Some(calls) => self.send_queue(flight.thread, &mut thread, calls),
                None => self.flushed(&flight, &mut thread, &answers),
            },
            _ => self.taught(&flight, &answers),
        }
        // others may be let past before the next step of this host
        if flight.kind == FlightKind::Flush && thread.queue.is_empty() {
            self.publish(&thread);
        }
        let further = self.further(&flight, &answers);
        if !further.is_empty() {
            // the answers ask for more: the item waits for it
            self.send(
                flight.thread,
                &mut thread,
                flight.target,
                flight.asker,
                FlightKind::Ask,
                further.into_iter().map(Sent::Ask).collect(),
                None,
            );
        }
        self.heard(&flight, &mut thread, answers);
        if let Some(play) = &mut self.play {
            play.put(flight.thread, thread);
        }
    }

    /// Writes answers to questions into the world.
    fn taught(&mut self, flight: &Flight, answers: &[Answer]) {
        let world = &mut self.targets[flight.target].world;
        for (sent, answer) in flight.parts.iter().zip(answers) {
            if let Sent::Ask(asked) = sent
                && *answer != Answer::Skipped
            {
                learn(self.tree.kinds, world, flight.asker, asked, answer);
            }
        }
    }

    fn further(&mut self, flight: &Flight, answers: &[Answer]) -> Vec<Asked> {
        let mut further = vec![];
        for (sent, answer) in flight.parts.iter().zip(answers) {
            let (Sent::Ask(asked), false) = (sent, *answer == Answer::Skipped) else { continue };
            for look in &asked.looks {
                if let crate::state::Reading::Ask(script) = reading((self.tree.kinds)(asked.kind), asked, look, answer) {
                    further.push(Asked { kind: asked.kind, looks: vec![look.clone()], script });
                }
            }
        }
        further
    }

    /// What an action or condition gave.
    fn heard(&mut self, flight: &Flight, thread: &mut Thread, answers: Vec<Answer>) {
        let Some(run) = &mut thread.cursor.run else { return };
        let Some(answer) = answers.into_iter().next() else { return };
        match (flight.kind, std::mem::take(&mut run.phase)) {
            (FlightKind::Act, Phase::Fixed(doing)) => {
                let (reply, responses) = match answer {
                    Answer::Api(responses) => (None, responses),
                    other => (Some(other.reply()), vec![]),
                };
                run.phase = Phase::Acted(doing, reply, responses);
            }
            (FlightKind::Wait, Phase::Waits { doing, reply, since, .. }) => {
                run.phase = Phase::Waits { doing, reply, since, asked: true, answer: Some(answer) };
            }
            (_, phase) => run.phase = phase,
        }
    }

    /// The queue was sent: which fixes went through, and are their gaps closed?
    fn flushed(&mut self, flight: &Flight, thread: &mut Thread, answers: &[Answer]) {
        let failed = failing(flight, answers);
        let world = &mut self.targets[flight.target].world;
        if let Some(first) = thread.queue.first() {
            world.cut(first.point);
        }
        self.taught(flight, answers);
        if let Some((at, places)) = failed
            && let Some(&(queued, gap)) = places.first()
        {
            let doing = &thread.queue[queued].doing;
            let gap = &doing.gaps[gap];
            let error = fix_error((self.tree.kinds)(gap.id.kind), gap, &answers[at]);
            let mut result = Map::new();
            if let Answer::Shell(reply) = &answers[at] {
                result.extend(self.veiled(doing.module.refused(gap, reply)));
            }
            return self.go_back(thread, queued, error, result);
        }
        for queued in 0..thread.queue.len() {
            let doing = thread.queue[queued].doing.clone();
            // what a later task of the same message changed again is held against that task alone
            let again: Vec<Id> =
                thread.queue[queued + 1..].iter().flat_map(|later| later.doing.gaps.iter().map(|gap| gap.id.clone())).collect();
            if let Some(still) = self.still(&doing, &again) {
                return self.go_back(thread, queued, still, Map::new());
            }
        }
        for (at, entry) in thread.queue.iter().enumerate() {
            // set once: a queue is answered once
            let _ = entry.doing.fixes.set(said(flight, answers, at));
        }
        thread.queue.clear();
        let told = std::mem::take(&mut thread.told);
        for (path, told) in told {
            self.tell(thread, path, told);
        }
    }

    /// What is still wrong after a fix.
    fn still(&self, doing: &Doing, again: &[Id]) -> Option<Diagnostic> {
        let world = &self.targets[doing.target].world;
        // several states of one thing: the last is what holds
        for (at, gap) in doing.gaps.iter().enumerate() {
            if again.contains(&gap.id) || doing.gaps[at + 1..].iter().any(|later| later.id == gap.id) {
                continue;
            }
            let moves = gap.how.contains_key("moves");
            // the answer asks for more: it comes with the next message
            if !world.is_fresh(doing.asker, &gap.id) {
                continue;
            }
            let Some(crate::state::Fact::Seen(now)) = world.get(doing.asker, &gap.id) else { continue };
            let left = Gap::between(&gap.id, now, &gap.then);
            if let Some(change) = left.changes.first().filter(|_| !moves) {
                let message =
                    format!("{}: still {}: {} -> {} after it was changed", gap.id, change.field, brief(&change.now), brief(&change.then));
                return Some(Diagnostic::error(message).hint("something on the host sets it back, or the change had no effect"));
            }
            if left.now.is_some() != left.then.is_some() {
                return Some(Diagnostic::error(format!("{}: still {}", gap.id, if left.now.is_some() { "there" } else { "not there" })));
            }
        }
        None
    }

    /// Takes back what was done only in thought, and lets the item fail.
    fn go_back(&mut self, thread: &mut Thread, queued: usize, error: Diagnostic, result: Map) {
        let entry = thread.queue.swap_remove(queued);
        thread.queue.clear();
        thread.cursor = *entry.before;
        thread.told.truncate(entry.told);
        for (path, told) in std::mem::take(&mut thread.told) {
            self.tell(thread, path, told);
        }
        if let Some(run) = &mut thread.cursor.run {
            let error = error.at(&run.task.module_span);
            run.forced = Some(Box::new(Forced { error, gaps: entry.doing.gaps.clone(), result }));
        }
        // what was fixed before it may not have been asked about
        let world = &mut self.targets[entry.doing.target].world;
        world.forget(&Reach::Everything, &[]);
    }

    /// A message was not answered, wholly or in part.
    pub(super) fn faulted(&mut self, id: u64, fault: Fault) {
        let Some(flight) = self.flights.remove(&id) else { return };
        let Some(play) = &mut self.play else { return };
        let mut thread = std::mem::take(&mut play.threads[flight.thread]);
        thread.state = State::Ready;
        self.targets[flight.target].holder = None;
        if flight.kind == FlightKind::Wait
            && matches!(fault.kind, FaultKind::Unreachable | FaultKind::TimedOut)
            && away(&mut thread, &fault.message)
        {
            play.put(flight.thread, thread);
            return;
        }
        let error = fault.hint.iter().fold(Diagnostic::error(fault.message.clone()), |error, hint| error.hint(hint.clone()));
        if let Some(first) = thread.queue.first() {
            self.targets[flight.target].world.cut(first.point);
        }
        self.targets[flight.target].world.forget(&Reach::Everything, &[]);
        // the first fix without an answer is where the host stands
        let lost = flight.parts.get(fault.answers.len()).or(flight.parts.last());
        let queued = match lost {
            Some(Sent::Fix(places)) => places.first().map(|(queued, _)| *queued),
            _ if flight.kind == FlightKind::Flush => Some(thread.queue.len() - 1),
            _ => None,
        };
        if let Some(queued) = queued.filter(|queued| *queued < thread.queue.len()) {
            self.go_back(&mut thread, queued, error.clone(), Map::new());
        }
        if let Some(run) = &mut thread.cursor.run {
            run.forced = None;
            run.phase = Phase::Start;
        }
        if fault.kind == FaultKind::Unreachable {
            self.unreachable(&mut thread, error);
        } else if fault.kind == FaultKind::Interrupted {
            self.cut_short(&mut thread, error);
        } else if let Some(run) = &mut thread.cursor.run {
            let limit = run.limits.as_ref().and_then(|limits| limits.seconds).filter(|_| fault.kind == FaultKind::TimedOut);
            let (error, result) = limit.map_or_else(|| (error, Map::new()), super::background::timed_out);
            let error = error.at(&run.task.module_span);
            run.forced = Some(Box::new(Forced { error, gaps: vec![], result }));
        }
        if let Some(play) = &mut self.play {
            play.put(flight.thread, thread);
        }
    }

    fn unreachable(&mut self, thread: &mut Thread, error: Diagnostic) {
        let ignored = thread.cursor.run.as_ref().is_some_and(|run| unreachable_ignored(&run.task));
        let mut result = Map::new();
        result.insert("unreachable", true);
        result.insert("changed", false);
        result.insert("msg", error.message());
        let ended = Ended { outcome: Some(Outcome::Unreachable), result, error: Some(error), ..Ended::default() };
        self.end_task(thread, ended);
        if !ignored {
            thread.cursor.failed = true;
            thread.cursor.frames.clear();
            thread.cursor.notified.clear();
        }
    }
}

/// A condition that the host may be away for: no connection is a "not yet". The next question opens a new one.
fn away(thread: &mut Thread, why: &str) -> bool {
    let Some(run) = &mut thread.cursor.run else { return false };
    match &mut run.phase {
        Phase::Waits { doing, answer, .. } if doing.want.condition.as_ref().is_some_and(|condition| condition.reconnects.is_some()) => {
            *answer = Some(Answer::Refused(why.to_string()));
            true
        }
        _ => false,
    }
}

/// The first fix that failed: its place among the parts, and what it was to mend.
fn failing<'a>(flight: &'a Flight, answers: &[Answer]) -> Option<(usize, &'a [(usize, usize)])> {
    flight.parts.iter().zip(answers).enumerate().find_map(|(at, (sent, answer))| match sent {
        Sent::Fix(places) if refuses(answer) => Some((at, &places[..])),
        _ => None,
    })
}

/// What the calls for one task said.
fn said(flight: &Flight, answers: &[Answer], task: usize) -> Vec<Reply> {
    let said = |(sent, answer): (&Sent, &Answer)| match (sent, answer) {
        (Sent::Fix(places), Answer::Shell(reply)) if places.iter().any(|(queued, _)| *queued == task) => Some(reply.clone()),
        _ => None,
    };
    flight.parts.iter().zip(answers).filter_map(said).collect()
}

/// A call for several tasks that failed does not say for which: what is left is tried once more, those of that call one by
/// one, so that the error stands at its task. A fix that was made already makes no difference.
fn apart(flight: &Flight, answers: &[Answer]) -> Option<Vec<Vec<(usize, usize)>>> {
    let (at, places) = failing(flight, answers)?;
    let several = places.iter().any(|(queued, _)| *queued != places[0].0);
    let later = flight.parts[at + 1..].iter().filter_map(|sent| match sent {
        Sent::Fix(places) => Some(places.clone()),
        _ => None,
    });
    several.then(|| by_task(places).into_iter().chain(later).collect())
}

/// The gaps of one task stay together.
fn by_task(places: &[(usize, usize)]) -> Vec<Vec<(usize, usize)>> {
    places.chunk_by(|one, next| one.0 == next.0).map(<[_]>::to_vec).collect()
}

/// The looks that a fix answers for: its own things, as its module looked at them.
fn own_looks(doing: &Doing) -> Vec<Look> {
    let asked = doing.module.looks();
    let own = |gap: &Gap| {
        // asked right after it was mended: a kind that can tell more by a second question asks it at once
        let mut look = Look::of(gap.id.clone()).with("mended", "now");
        asked.iter().filter(|asked| asked.id == gap.id).for_each(|asked| look.join(asked));
        if let Some(crate::text::Value::Contents(contents)) = gap.wanted("contents") {
            look = look.with("unless", contents.sha256.clone());
        }
        look
    };
    doing.gaps.iter().map(own).collect()
}

fn with_environment(script: Script, environment: &str) -> Script {
    match script {
        Script::Shell(mut shell) if !environment.is_empty() && !shell.text.is_empty() => {
            shell.text.insert_str(0, environment);
            Script::Shell(shell)
        }
        other => other,
    }
}

fn refuses(answer: &Answer) -> bool {
    match answer {
        Answer::Shell(reply) => reply.code != 0,
        Answer::Api(responses) => responses.iter().any(|response| response.status == 0 || response.status >= 400),
        Answer::Refused(_) => true,
        Answer::Skipped => false,
    }
}

/// What the target said when a fix failed.
fn fix_error(kind: &dyn Kind, gap: &Gap, answer: &Answer) -> Diagnostic {
    let said = match answer {
        Answer::Api(responses) => {
            responses.iter().find(|response| response.status >= 400 || response.status == 0).map(api_message).unwrap_or_default()
        }
        other => {
            let reply = other.reply();
            let text = kind.complaint(&reply);
            if text.is_empty() { format!("code {}", reply.code) } else { text.lines().map(without_shell).collect::<Vec<_>>().join("\n") }
        }
    };
    let marks: Vec<_> = gap.then.iter().flatten().flat_map(|(_, value)| value.marks()).collect();
    let said = crate::text::template::mask::masked(&said, &marks);
    refused(gap, &said)
}

/// The error of a gap that could not be closed, and why.
pub(super) fn refused(gap: &Gap, said: &str) -> Diagnostic {
    let verb = if gap.creates() {
        "made"
    } else if gap.deletes() {
        "removed"
    } else {
        "changed"
    };
    let error = Diagnostic::error(format!("{} could not be {verb}: {said}", gap.id));
    match REASONS.iter().find(|(signs, _)| signs.iter().any(|sign| said.contains(sign))) {
        Some((_, hint)) => error.hint(*hint),
        None => error,
    }
}

/// What a system says when it cannot write, and what to do about it.
const REASONS: &[(&[&str], &str)] = &[
    (&["ermission denied", "not permitted"], "this user may not; try `become: true`"),
    (&["No space left", "I/O error", "quota exceeded"], "the file system is full: `df -h` tells its bytes, `df -i` its inodes"),
    (&["Read-only file system"], "it is mounted read-only: look at `mount` and the kernel's log on the target"),
];

/// What a shell said, without its own name and the line of a script that the user did not write.
fn without_shell(line: &str) -> &str {
    let rest = line.strip_prefix("/bin/sh: ").or_else(|| line.strip_prefix("sh: ")).unwrap_or(line);
    let rest = rest.strip_prefix("line ").unwrap_or(rest);
    let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let rest = rest[digits..].strip_prefix(": ").filter(|_| digits > 0).unwrap_or(rest);
    rest.strip_prefix("eval: ").unwrap_or(rest)
}

/// A value in a few words: contents by their size.
fn brief(value: &Option<crate::text::Value>) -> String {
    match value.as_ref().map(crate::text::Value::plain) {
        None => "absent".into(),
        Some(crate::text::Value::Contents(contents)) => format!("{} bytes", contents.size),
        Some(_) => value.as_ref().map(crate::text::template::mask::shown).unwrap_or_default(),
    }
}

fn api_message(response: &crate::state::Response) -> String {
    response.body.get("message").and_then(|message| message.as_str()).map_or_else(|| format!("status {}", response.status), str::to_string)
}
