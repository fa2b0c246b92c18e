//! The run as a state machine: what came in, what goes out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::book::inventory::{HostId, Inventory};
use crate::book::play::Play;
use crate::book::vars::Scope as Vars;
use crate::run::{Address, Event, Fault, Kinds, Message, Recap, Summary, Tally, Told, Who};
use crate::state::{Answer, World};
use crate::text::template::Templates;
use crate::text::template::known::Known;
use crate::text::{Control, Diagnostic, Value};

use super::cursor::{Cursor, Failure, Stage};
use super::lineup::{Lineup, Place};
use super::scope::Host;
use super::send::{Flight, Queued};
use super::strands::{Roles, Sides, Strand};

/// What the command line and configuration say.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub check: bool,
    pub diff: bool,
    pub tags: Vec<String>,
    pub skip_tags: Vec<String>,
    pub limit: Option<String>,
    pub limit_words: Vec<String>,
    pub start_at: Option<String>,
    pub step: bool,
    pub forks: u32,
    pub verbosity: u8,
    pub force_handlers: bool,
    pub flush_cache: bool,
    pub connection: Option<String>,
    pub user: Option<String>,
    pub password: Option<Value>,
    pub private_key_file: Option<String>,
    pub ssh_args: Vec<String>,
    pub host_key_checking: bool,
    pub timeout: u64,
    pub retries: u32,
    pub become_it: bool,
    pub become_method: Option<String>,
    pub become_user: Option<String>,
    pub become_password: Option<Value>,
    pub roles_path: Vec<String>,
    pub config_file: Option<String>,
    /// `gathering`: implicit, explicit or smart.
    pub gathering: Option<String>,
    pub ansible_managed: String,
    /// Settings of Ansible by their names, for the lookup `config`.
    pub settings: Arc<crate::text::Map>,
}

/// What stays the same over a run.
pub struct Tree {
    pub control: Arc<dyn Control + Send + Sync>,
    pub templates: Arc<Templates>,
    pub options: Options,
    pub extra: Arc<Vars>,
    pub kinds: Kinds,
}

#[derive(Debug)]
pub enum Input {
    Start,
    /// Answers to a message, one for each of its parts.
    Answers {
        id: u64,
        answers: Vec<Answer>,
    },
    Fault {
        id: u64,
        fault: Fault,
    },
    /// The time that something waited for.
    Tick,
    /// The user wants to end: what is in flight is finished.
    Interrupt,
    /// The user answered a `pause`.
    Prompted {
        text: String,
    },
    /// Nobody is there to answer.
    Unanswered,
}

#[derive(Debug)]
pub enum Output {
    Send {
        id: u64,
        address: Arc<Address>,
        who: Who,
        message: Message,
    },
    Tell(Event),
    /// Wants an `Input::Tick` at this time (seconds since 1970).
    WakeAt(f64),
    /// Wants an `Input::Prompted`.
    Prompt {
        text: String,
    },
    Done(Summary),
}

/// What is known of a host as a target.
#[derive(Default)]
pub struct Target {
    pub world: World,
    pub askers: Vec<Who>,
    pub address: Option<Arc<Address>>,
    /// The thread that has predictions or a message on it.
    pub holder: Option<usize>,
}

/// A host in a play.
#[derive(Default)]
pub struct Thread {
    pub host: HostId,
    pub cursor: Cursor,
    /// Fixes that wait to be sent, each with where to go back to if it fails.
    pub queue: Vec<Queued>,
    /// Told once the queue is through.
    pub told: Vec<(Vec<u32>, Told)>,
    pub state: State,
    /// How far its roles are, where they run side by side.
    pub roles: Roles,
    /// It is itself one of such roles.
    pub strand: Option<Strand>,
}

impl Thread {
    /// Whether it is in the midst of a task.
    pub fn is_busy(&self) -> bool {
        !matches!(self.state, State::Done | State::Barrier(_))
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum State {
    #[default]
    Ready,
    InFlight,
    /// Waits until all hosts have come this far.
    Barrier(Vec<u32>),
    Until(f64),
    /// Waits for a target that another thread is busy with.
    Target(usize),
    Prompt,
    /// Waits for its roles, which run side by side.
    Roles,
    Done,
}

/// A play that runs.
pub struct PlayRun {
    pub play: Arc<Play>,
    pub stages: Arc<[Stage]>,
    pub batches: VecDeque<Vec<HostId>>,
    pub batch: Vec<HostId>,
    pub players: Arc<super::scope::Players>,
    pub threads: Vec<Thread>,
    pub lineup: Lineup,
    /// Its roles, where some may run side by side.
    pub sides: Option<Arc<Sides>>,
    /// Results of `run_once` tasks, by where they stand.
    pub once: HashMap<Vec<u32>, (Value, bool)>,
    /// Events that wait until every host has come past them.
    pub pending: BTreeMap<Place, Vec<Told>>,
    pub name: Arc<str>,
    /// A failure that ends the play for every host (`any_errors_fatal`), and where it was: the others finish that task.
    pub fatal: Option<(Vec<u32>, Failure)>,
}

impl PlayRun {
    /// Puts a thread back where it was taken from.
    pub fn put(&mut self, at: usize, thread: Thread) {
        self.lineup.note(at, &thread);
        self.threads[at] = thread;
    }

    /// Lets a thread go on.
    fn wake(&mut self, at: usize) {
        self.threads[at].state = State::Ready;
        self.lineup.note(at, &self.threads[at]);
    }

    /// Whether somebody still stands at or before the task that failed for all.
    fn is_beside_fatal(&self) -> bool {
        self.lineup.barriers().next().is_some_and(|(place, _)| self.fatal.as_ref().is_some_and(|(path, _)| place <= path))
    }

    /// One host's failure is that of all; true where one goes on because of it.
    fn fail_all(&mut self) -> bool {
        let Some((_, failure)) = self.fatal.take() else { return false };
        let mut moved = false;
        for at in 0..self.threads.len() {
            let thread = &mut self.threads[at];
            if matches!(thread.state, State::Barrier(_)) && !thread.cursor.failed {
                thread.cursor.run = None;
                thread.cursor.fail(failure.clone());
                self.wake(at);
                moved = true;
            }
        }
        moved
    }
}

pub struct Session {
    pub(super) tree: Arc<Tree>,
    /// The same, for looks ahead.
    pub(super) quiet: Arc<Tree>,
    pub(super) inventory: Arc<Inventory>,
    pub(super) plays: Vec<Arc<Play>>,
    pub(super) hosts: Arc<Vec<Host>>,
    pub(super) recaps: Vec<Option<Recap>>,
    pub(super) gone: Vec<bool>,
    pub(super) targets: Vec<Target>,
    pub(super) next_play: usize,
    pub(super) play: Option<PlayRun>,
    pub(super) flights: HashMap<u64, Flight>,
    pub(super) next_id: u64,
    pub(super) out: Vec<Output>,
    pub(super) tally: Tally,
    pub(super) fights: Vec<String>,
    pub(super) now: f64,
    /// How many ticks were asked for and have not come.
    pub(super) ticks: usize,
    pub(super) interrupted: bool,
    pub(super) pending: Vec<String>,
    pub(super) steps: super::ask::Steps,
    pub(super) started_at: Option<String>,
    pub(super) over: bool,
    pub(super) last_label: Option<Arc<crate::run::TaskLabel>>,
    pub(super) abort: bool,
    /// An error that belongs to no task was told.
    pub(super) broken: bool,
    /// The secrets that were read so far.
    pub(super) known: Known,
    /// How many of those that the control node keeps.
    pub(super) kept: usize,
}

impl Session {
    /// A run of these plays. `bases` are the variables of the inventory's hosts, group_vars and host_vars included.
    pub fn new(tree: Arc<Tree>, inventory: Inventory, plays: Vec<Arc<Play>>, bases: Vec<Host>) -> Session {
        let count = bases.len();
        let mut known = Known::default();
        let passwords = [&tree.options.password, &tree.options.become_password];
        known.learn(passwords.into_iter().flatten().flat_map(Value::marks).collect());
        let started_at = tree.options.start_at.clone();
        let steps = super::ask::Steps::new(tree.options.step);
        Session {
            quiet: Arc::new(super::scout::quiet(&tree)),
            tree,
            inventory: Arc::new(inventory),
            plays,
            hosts: Arc::new(bases),
            recaps: vec![None; count],
            gone: vec![false; count],
            targets: (0..count).map(|_| Target::default()).collect(),
            next_play: 0,
            play: None,
            flights: HashMap::new(),
            next_id: 1,
            out: vec![],
            tally: Tally::default(),
            fights: vec![],
            now: 0.0,
            ticks: 0,
            interrupted: false,
            pending: vec![],
            steps,
            started_at,
            over: false,
            last_label: None,
            abort: false,
            broken: false,
            known,
            kept: 0,
        }
    }

    /// Secrets that were read since.
    fn learn(&mut self) {
        let new = self.tree.control.secrets(self.kept);
        self.kept += new.len();
        self.known.learn(new);
    }

    /// Takes what came in; gives what is to be sent and told. `now` is in seconds since 1970.
    pub fn next(&mut self, input: Input, now: f64) -> Vec<Output> {
        self.now = now;
        self.learn();
        match input {
            Input::Start => {}
            Input::Answers { id, answers } => self.answered(id, answers),
            Input::Fault { id, fault } => self.faulted(id, fault),
            Input::Tick => self.tick(),
            Input::Interrupt => self.interrupt(),
            Input::Prompted { text } => {
                self.stepped(&text);
                self.prompted(&text);
            }
            Input::Unanswered => {
                self.unanswered();
                self.prompted("");
            }
        }
        self.pump();
        self.learn();
        let mut out = std::mem::take(&mut self.out);
        out.iter_mut().for_each(|output| super::discreet::clear(&self.known, output));
        out
    }

    fn tick(&mut self) {
        self.ticks = self.ticks.saturating_sub(1);
        let Some(play) = &mut self.play else { return };
        for at in play.lineup.awake(self.now) {
            play.wake(at);
        }
        // a clock that was set back: it is not yet the time, and no other tick will come
        if let Some(at) = play.lineup.first_awake().filter(|_| self.ticks == 0) {
            self.wake_at(at);
        }
    }

    /// The user wants to end: whoever sleeps or waits for the user goes on, to its end.
    pub(super) fn interrupt(&mut self) {
        self.interrupted = true;
        let Some(play) = &mut self.play else { return };
        for at in 0..play.threads.len() {
            if matches!(play.threads[at].state, State::Until(_) | State::Prompt) {
                play.wake(at);
            }
        }
    }

    /// Lets a thread sleep.
    pub(super) fn sleep_until(&mut self, thread: &mut Thread, at: f64) {
        thread.state = State::Until(at);
        self.wake_at(at);
    }

    fn wake_at(&mut self, at: f64) {
        self.ticks += 1;
        self.out.push(Output::WakeAt(at));
    }

    fn prompted(&mut self, _text: &str) {
        let Some(play) = &mut self.play else { return };
        for at in 0..play.threads.len() {
            if play.threads[at].state == State::Prompt {
                play.wake(at);
            }
        }
    }

    /// Lets every host go on as far as it can.
    fn pump(&mut self) {
        while !self.over {
            let Some(play) = &self.play else {
                if !self.next_play() {
                    return self.finish();
                }
                continue;
            };
            let free = self.flights.len() < self.tree.options.forks.max(1) as usize;
            if let Some(at) = play.lineup.ready().filter(|_| free) {
                self.drive(at);
                continue;
            }
            self.tell_passed();
            if self.release() {
                continue;
            }
            if !self.play.as_ref().is_some_and(|play| play.lineup.is_over()) {
                return;
            }
            self.next_batch();
        }
    }

    /// Runs one host until it must wait.
    fn drive(&mut self, at: usize) {
        let Some(play) = &mut self.play else { return };
        let mut thread = std::mem::take(&mut play.threads[at]);
        while thread.state == State::Ready {
            self.step(at, &mut thread);
        }
        if thread.queue.is_empty() {
            self.publish(&thread);
        }
        let (out, host) = (thread.cursor.failed, thread.host);
        if let Some(play) = &mut self.play {
            play.put(at, thread);
            if out && play.players.live.contains(&host) {
                let players = Arc::make_mut(&mut play.players);
                players.live.retain(|other| *other != host);
                players.batch.retain(|other| *other != host);
            }
        }
        self.join(at);
    }

    /// Tells what happened at places that every host has passed, so that output stands in the order of the tasks; roles
    /// side by side do not wait for each other with it.
    fn tell_passed(&mut self) {
        let Some(play) = &mut self.play else { return };
        let passed: Vec<Place> = play.pending.keys().filter(|place| play.lineup.is_passed(place)).cloned().collect();
        let told: Vec<Vec<Told>> = passed.iter().filter_map(|place| play.pending.remove(place)).collect();
        for mut told in told {
            // whoever answers first: hosts stand in the order of the inventory
            told.sort_by_key(|told| self.inventory.find_host(&told.host));
            told.into_iter().for_each(|told| self.tell_now(told));
        }
    }

    pub(super) fn tell_now(&mut self, told: Told) {
        if self.last_label.as_ref() != Some(&told.task) {
            self.last_label = Some(told.task.clone());
            self.out.push(Output::Tell(Event::TaskBegins(told.task.clone())));
        }
        let event = if told.item.is_some() { Event::Item(told) } else { Event::Task(told) };
        if let Event::Task(told) = &event {
            self.tally.count(&told.outcome, told.doubt.is_some());
        }
        self.out.push(Output::Tell(event));
    }

    /// Lets hosts past a barrier that all have come to.
    fn release(&mut self) -> bool {
        let Some(play) = &mut self.play else { return false };
        if play.fatal.is_some() && play.lineup.is_gathered() && !play.is_beside_fatal() {
            return play.fail_all();
        }
        let mut free: Vec<usize> = vec![];
        let open = |place: &Place| play.lineup.is_reached(place) && play.fatal.as_ref().is_none_or(|(path, _)| place <= path);
        for (place, waiting) in play.lineup.barriers().filter(|(place, _)| open(place)) {
            let once = |at: &&usize| play.threads[**at].cursor.run.as_ref().is_some_and(|run| run.once);
            // strands are numbered as they began: the first host of the batch is meant
            let host = |at: &&usize| play.threads[**at].strand.as_ref().map_or(**at, |strand| strand.parent);
            match waiting.iter().filter(once).min_by_key(host) {
                // one does it for all; whoever comes later takes over what it gave
                Some(first) if !play.once.contains_key(place) => {
                    if !play.threads.iter().any(|thread| thread.is_busy() && thread.cursor.path() == *place) {
                        free.push(*first);
                    }
                }
                _ => match play.room_at(place, waiting) {
                    Some(room) => free.extend(waiting.iter().take(room)),
                    None => free.extend(waiting),
                },
            }
        }
        let targets = &self.targets;
        let ours = |at: &usize| match play.threads[*at].state {
            State::Target(target) => targets[target].holder.is_none_or(|holder| holder == *at),
            _ => false,
        };
        free.extend(play.lineup.waiting_for_targets().find(ours));
        for at in &free {
            let thread = &mut play.threads[*at];
            if let (State::Barrier(_), Some(run)) = (&thread.state, &mut thread.cursor.run) {
                run.passed = true;
                run.others = Some(self.hosts.clone());
            }
            play.wake(*at);
        }
        !free.is_empty()
    }

    fn finish(&mut self) {
        self.over = true;
        let recaps = self.inventory_names().into_iter().zip(&self.recaps).filter_map(|(name, recap)| Some((name, (*recap)?))).collect();
        let named = |(at, target): (usize, &Target)| (self.inventory.host(HostId(at as u32)).name.clone(), target.world.net());
        let net = self.targets.iter().enumerate().map(named).filter(|(_, gaps)| !gaps.is_empty()).collect();
        for (at, target) in self.targets.iter().enumerate() {
            let name = &self.inventory.host(HostId(at as u32)).name;
            for (id, causes) in target.world.fights() {
                let places: Vec<String> = causes.iter().filter_map(|cause| cause.span.as_ref().map(ToString::to_string)).collect();
                self.fights.push(format!("{name}: {id} is changed to and fro by {}", places.join(" and ")));
            }
        }
        if self.interrupted && self.next_play < self.plays.len() {
            self.pending.push(format!("{} of {} plays were not begun", self.plays.len() - self.next_play, self.plays.len()));
        }
        let (fights, pending) = (self.fights.clone(), std::mem::take(&mut self.pending));
        let summary = Summary { recaps, tally: self.tally, net, fights, interrupted: self.interrupted, pending, failed: self.broken };
        self.out.push(Output::Done(summary));
    }

    fn inventory_names(&self) -> Vec<Arc<str>> {
        (0..self.recaps.len()).map(|at| self.inventory.host(HostId(at as u32)).name.clone()).collect()
    }

    /// A message that belongs to no task.
    pub(super) fn notice(&mut self, diagnostic: Diagnostic) {
        self.broken |= diagnostic.is_error();
        self.out.push(Output::Tell(Event::Notice(diagnostic)));
    }
}
