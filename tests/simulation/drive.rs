//! Carries messages between a session and the simulated targets, with faults, and writes down what was sent and told.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use play_core::run::{Event, Fault, FaultKind, Message, Outcome, Summary, Told};
use play_core::state::Purpose;
use play_core::weave::{Input, Options, Output};
use tests::dice::Dice;

use super::book::Book;
use super::far::{self, Far, Known, Read};

/// A message that is cut: the nth to a target (from 0).
#[derive(Clone, Debug)]
pub struct Cut {
    pub target: String,
    pub nth: usize,
    /// Parts that are run, and of those how many are answered.
    pub ran: usize,
    pub answered: usize,
    pub kind: FaultKind,
}

/// What happens to a run beside its messages.
#[derive(Clone, Default, Debug)]
pub struct Plan {
    pub check: bool,
    pub forks: u32,
    pub cuts: Vec<Cut>,
    /// Seed of how long answers take; 0: all the same.
    pub pace: u64,
    /// Answers come twice, and answers come that nobody asked for.
    pub noise: bool,
    /// The user ends it after so many inputs.
    pub interrupt: Option<usize>,
    /// Seconds by which the clock jumps after so many inputs.
    pub jumps: Vec<(usize, f64)>,
    /// Targets that take a hundred times as long.
    pub slow: Vec<String>,
    /// Writes everything down, for a comparison of two runs.
    pub whole: bool,
}

/// A message that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub target: String,
    pub parts: usize,
    pub fixes: usize,
    /// Seconds into the run.
    pub at: f64,
}

/// One line that was told, as far as it is compared.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    pub host: String,
    pub task: String,
    pub play: String,
    pub outcome: &'static str,
    pub changed: bool,
    pub item: bool,
    pub ignored: bool,
    pub doubted: bool,
    pub error: Option<String>,
}

#[derive(Default)]
pub struct Trace {
    pub sent: Vec<Sent>,
    pub told: Vec<Line>,
    pub summary: Option<Summary>,
    /// Targets that went away, and how many messages had been sent by then.
    pub lost: Vec<(String, usize)>,
    pub wrong: Vec<String>,
    pub whole: String,
    pub inputs: usize,
    /// When it ended.
    pub ended: f64,
}

struct Due {
    at: f64,
    order: u64,
    what: What,
}

enum What {
    Tick,
    Come { id: u64, target: String, who: String, message: Message, read: Vec<Read> },
}

impl PartialEq for Due {
    fn eq(&self, other: &Due) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Due) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    /// The heap gives the largest first: the earliest.
    fn cmp(&self, other: &Due) -> Ordering {
        other.at.total_cmp(&self.at).then(other.order.cmp(&self.order))
    }
}

const BEGIN: f64 = 1_900_000_000.0;
/// More inputs than any of these runs takes: one that does not end.
const ENDLESS: usize = 2_000;

struct Run<'a> {
    far: &'a mut Far,
    plan: &'a Plan,
    due: BinaryHeap<Due>,
    order: u64,
    /// Seconds that have passed, and what the clock shows above them.
    passed: f64,
    shown: f64,
    dice: Dice,
    counts: BTreeMap<String, usize>,
    /// Of each message, which it is of its target.
    nths: BTreeMap<u64, usize>,
    known: Known,
    /// Targets that have a message which is not answered yet.
    busy: BTreeSet<String>,
    trace: Trace,
}

pub fn run(book: &Book, far: &mut Far, plan: &Plan) -> Trace {
    let forks = if plan.forks == 0 { 50 } else { plan.forks };
    let options = Options { check: plan.check, forks, timeout: 10, roles_path: vec!["roles".into()], ..Options::default() };
    let mut session = book.session(options);
    let mut run = Run {
        far,
        plan,
        due: BinaryHeap::new(),
        order: 0,
        passed: 0.0,
        shown: BEGIN,
        dice: Dice(plan.pace),
        counts: BTreeMap::new(),
        nths: BTreeMap::new(),
        known: Known::default(),
        busy: BTreeSet::new(),
        trace: Trace::default(),
    };
    let mut inputs = vec![Input::Start];
    while run.trace.summary.is_none() {
        if inputs.is_empty() {
            inputs = run.next();
        }
        if inputs.is_empty() || run.trace.inputs > ENDLESS {
            let why = if inputs.is_empty() { "it waits for nothing, and is not done" } else { "it does not end" };
            run.trace.wrong.push(why.into());
            break;
        }
        let input = inputs.remove(0);
        run.trace.inputs += 1;
        run.jump();
        let outputs = session.next(input, run.now());
        run.take(outputs);
        if plan.interrupt == Some(run.trace.inputs) {
            inputs.insert(0, Input::Interrupt);
        }
    }
    run.trace.ended = run.passed;
    run.trace
}

impl Run<'_> {
    fn now(&self) -> f64 {
        self.passed + self.shown
    }

    fn jump(&mut self) {
        let count = self.trace.inputs;
        self.shown += self.plan.jumps.iter().filter(|(at, _)| *at == count).map(|(_, seconds)| seconds).sum::<f64>();
    }

    fn push(&mut self, at: f64, what: What) {
        self.order += 1;
        self.due.push(Due { at, order: self.order, what });
    }

    fn take(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            if self.plan.whole {
                self.trace.whole += &format!("{output:?}\n");
            }
            if self.trace.summary.is_some() {
                self.trace.wrong.push(format!("after its end: {output:?}"));
            }
            match output {
                Output::Tell(event) => self.tell(event),
                Output::WakeAt(at) => {
                    let pause = (at - self.now()).max(0.0);
                    self.push(self.passed + pause, What::Tick);
                }
                Output::Prompt { .. } => self.trace.wrong.push("a prompt that nobody asked for".into()),
                Output::Done(summary) => self.trace.summary = Some(summary),
                Output::Send { id, address, who, message } => self.send(id, address.name.to_string(), format!("{who:?}"), message),
            }
        }
    }

    fn send(&mut self, id: u64, target: String, who: String, message: Message) {
        let read = far::read(&message);
        let sent = Sent {
            target: target.clone(),
            parts: message.parts.len(),
            fixes: message.parts.iter().filter(|part| part.purpose == Purpose::Fix).count(),
            at: self.passed,
        };
        let wrong = self.known.sent(&target, &who, &read, &self.far.hosts[&target], self.plan.check);
        self.trace.wrong.extend(wrong);
        self.trace.sent.push(sent);
        if !self.busy.insert(target.clone()) {
            self.trace.wrong.push(format!("a second message to {target} while one is on its way"));
        }
        if self.plan.forks > 0 && self.busy.len() > self.plan.forks as usize {
            self.trace.wrong.push(format!("messages to {:?} with {} forks", self.busy, self.plan.forks));
        }
        let nth = self.counts.entry(target.clone()).or_default();
        self.nths.insert(id, *nth);
        *nth += 1;
        let mut seconds = if self.plan.pace == 0 { 0.1 } else { 0.01 + self.dice.roll(1000) as f64 / 1000.0 };
        if self.plan.slow.contains(&target) {
            seconds *= 100.0;
        }
        self.push(self.passed + seconds, What::Come { id, target, who, message, read });
    }

    /// What comes in next.
    fn next(&mut self) -> Vec<Input> {
        let Some(due) = self.due.pop() else { return vec![] };
        self.passed = self.passed.max(due.at);
        let What::Come { id, target, who, message, read } = due.what else { return vec![Input::Tick] };
        self.busy.remove(&target);
        let host = self.far.hosts.get_mut(&target).expect("a message goes to a host that is there");
        let nth = self.nths[&id];
        let cut = self.plan.cuts.iter().find(|cut| cut.target == target && cut.nth == nth);
        if let Some(cut) = cut {
            self.known.runs(&target, &read[..cut.ran.min(read.len())], host);
            let mut answers = host.run(&message.parts, cut.ran);
            self.known.loses(&target);
            if matches!(cut.kind, FaultKind::Unreachable | FaultKind::Interrupted) {
                self.trace.lost.push((target, self.trace.sent.len()));
            }
            answers.truncate(cut.answered.min(message.parts.len().saturating_sub(1)));
            let fault = Fault { kind: cut.kind, message: "cut".into(), hint: None, answers };
            return vec![Input::Fault { id, fault }];
        }
        self.known.runs(&target, &read, host);
        let answers = host.run(&message.parts, message.parts.len());
        self.known.hears(&target, &who, &read, &answers);
        self.known.refused(&target, &who, &read, &answers);
        let mut inputs = vec![Input::Answers { id, answers: answers.clone() }];
        if self.plan.noise {
            let stranger = Fault { kind: FaultKind::Unreachable, message: "nobody".into(), hint: None, answers: vec![] };
            inputs.push(Input::Answers { id, answers });
            inputs.insert(0, Input::Answers { id: id + 1_000_000, answers: vec![] });
            inputs.push(Input::Fault { id, fault: stranger });
            inputs.push(Input::Tick);
        }
        inputs
    }

    fn tell(&mut self, event: Event) {
        let (told, item) = match event {
            Event::Item(told) => (told, true),
            Event::Task(told) => (told, false),
            _ => return,
        };
        self.trace.told.push(line(&told, item));
    }
}

fn line(told: &Told, item: bool) -> Line {
    let outcome = match told.outcome {
        Outcome::Same => "same",
        Outcome::Change => "change",
        Outcome::May(_) => "may",
        Outcome::Ran { .. } => "ran",
        Outcome::WouldRun(_) => "would run",
        Outcome::Unknown(_) => "unknown",
        Outcome::Skipped(_) => "skipped",
        Outcome::Failed => "failed",
        Outcome::Unreachable => "unreachable",
        Outcome::Interrupted => "interrupted",
    };
    Line {
        host: told.host.to_string(),
        task: told.task.name.clone(),
        play: told.task.play.to_string(),
        outcome,
        changed: told.result.get("changed").is_some_and(play_core::text::Value::truthy),
        item,
        ignored: told.ignored,
        doubted: told.doubt.is_some(),
        error: told.error.as_ref().map(|error| error.message().to_string()),
    }
}
