//! What became of a task, what a run reports, and how sure a plan is.

use std::sync::Arc;

use crate::state::{Cause, Gap};
use crate::text::{Diagnostic, Map, Span, Value};

/// What became of a task, or of one item of its loop, on one host.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// As it is to be.
    Same,
    /// Changed, or would be.
    Change,
    /// May change because of a task before it.
    May(Cause),
    /// An action that ran.
    Ran {
        changed: bool,
    },
    /// An action that check mode does not run.
    WouldRun(String),
    /// It depends on what only a real run could tell.
    Unknown(Cause),
    Skipped(String),
    Failed,
    Unreachable,
    /// The user ended the run while it was under way.
    Interrupted,
}

/// One thing that a run tells.
#[derive(Clone, Debug)]
pub enum Event {
    PlayBegins {
        name: String,
        hosts: usize,
    },
    TaskBegins(Arc<TaskLabel>),
    /// One item of a loop, or a retry.
    Item(Told),
    Task(Told),
    /// A line of a command that is still running.
    Line {
        host: Arc<str>,
        text: String,
        error: bool,
    },
    /// What a user is told while a condition is waited for.
    Waiting {
        host: Arc<str>,
        task: Arc<TaskLabel>,
        reason: String,
    },
    Notice(Diagnostic),
    Finished(Summary),
}

/// A task as reports name it.
#[derive(Clone, PartialEq, Debug)]
pub struct TaskLabel {
    pub name: String,
    pub role: Option<Arc<str>>,
    pub module: Arc<str>,
    pub play: Arc<str>,
    pub span: Span,
    pub handler: bool,
    /// `diff` of the task: whether its differences are shown, whatever the command line says.
    pub diff: Option<bool>,
}

/// What became of one task on one host.
#[derive(Clone, Debug)]
pub struct Told {
    pub task: Arc<TaskLabel>,
    pub host: Arc<str>,
    /// The target, where it was delegated.
    pub delegated: Option<Arc<str>>,
    pub outcome: Outcome,
    pub gaps: Vec<Gap>,
    /// An action before it casts doubt on what was seen.
    pub doubt: Option<Cause>,
    pub result: Arc<Map>,
    pub item: Option<Value>,
    pub error: Option<Diagnostic>,
    pub ignored: bool,
    /// It failed where a block rescues.
    pub rescued: bool,
    /// Its result is not shown (`no_log`).
    pub hidden: bool,
    /// For the user (`debug`).
    pub say: Option<Value>,
    pub seconds: f64,
}

/// Ansible's counts of one host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recap {
    pub ok: u32,
    pub changed: u32,
    pub unreachable: u32,
    pub failed: u32,
    pub skipped: u32,
    pub rescued: u32,
    pub ignored: u32,
}

/// What a run comes to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub recaps: Vec<(Arc<str>, Recap)>,
    pub tally: Tally,
    /// Net differences by target; empty where all is as described.
    pub net: Vec<(Arc<str>, Vec<Gap>)>,
    /// Fields that two tasks set to different values.
    pub fights: Vec<String>,
    pub interrupted: bool,
    /// What an interrupt left undone, a line for each host.
    pub pending: Vec<String>,
    /// Something failed that belongs to no task: a play that could not begin.
    pub failed: bool,
}

/// Outcomes counted over all hosts, for the summary and the certainty.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    pub same: u32,
    pub change: u32,
    pub may: u32,
    pub would_run: u32,
    pub unknown: u32,
    pub ran: u32,
    pub skipped: u32,
    pub failed: u32,
    pub unreachable: u32,
    pub interrupted: u32,
    /// Of those that are said to be the same or to change, how many an action before them casts doubt on.
    pub doubted: u32,
}

impl Tally {
    pub fn count(&mut self, outcome: &Outcome, doubted: bool) {
        match outcome {
            Outcome::Same => self.same += 1,
            Outcome::Change => self.change += 1,
            Outcome::May(_) => self.may += 1,
            Outcome::WouldRun(_) => self.would_run += 1,
            Outcome::Unknown(_) => self.unknown += 1,
            Outcome::Ran { .. } => self.ran += 1,
            Outcome::Skipped(_) => self.skipped += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Unreachable => self.unreachable += 1,
            Outcome::Interrupted => self.interrupted += 1,
        }
        if doubted && matches!(outcome, Outcome::Same | Outcome::Change) {
            self.doubted += 1;
        }
    }

    /// How much of a plan is certain, from 0 to 1: outcomes that rest on what was seen or predicted alone, of all that were
    /// looked at, failures included. An empty plan is certain.
    pub fn certainty(&self) -> f64 {
        let sure = self.same + self.change - self.doubted;
        let all = self.same + self.change + self.may + self.would_run + self.unknown + self.failed + self.unreachable;
        if all == 0 { 1.0 } else { f64::from(sure) / f64::from(all) }
    }

    /// Whether the plan, or what a check found, is that nothing is to be done.
    pub fn is_quiet(&self) -> bool {
        self.change + self.may + self.would_run + self.unknown == 0
    }
}
