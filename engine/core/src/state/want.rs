//! The contract of a module, and what it may want: states, an action, a condition, an effect on the run itself.

use super::gap::Gap;
use super::kind::Reach;
use super::message::{Answer, Reply, Response, Script};
use super::thing::{Fields, Id, Look, State};
use super::world::{Halt, View};
use crate::text::{Map, Node, Value};

/// What a task means. Pure; no parameter tells it whether it runs in check mode.
pub trait Module: Send + Sync {
    /// What must be known first.
    fn looks(&self) -> Vec<Look>;

    /// What is to be. Asked again, with more known, where it halts with [`Halt::Ask`].
    fn want(&self, view: &View<'_>) -> Result<Want, Halt>;

    /// What `register` sees beside `changed`, `failed` and the keys in `Want::result`: Ansible's keys. Where it has `changed`
    /// or `failed` itself, those count (a command whose code is not 0 has `failed`).
    fn result(&self, done: &Done<'_>) -> Map {
        let _ = done;
        Map::new()
    }

    /// What the result has, beside or instead of the message, where a call that was to close this gap failed.
    fn refused(&self, gap: &Gap, reply: &Reply) -> Map {
        let _ = (gap, reply);
        Map::new()
    }

    /// Whether the last answer of its condition says that it holds.
    fn holds(&self, reply: &Answer) -> Holds {
        let _ = reply;
        Holds::Yes
    }

    /// The same, where it matters what time it is (seconds since 1970): some states are only final by their age.
    fn holds_at(&self, reply: &Answer, now: f64) -> Holds {
        let _ = now;
        self.holds(reply)
    }
}

/// What is to be: states, then an action, then a condition that must hold.
#[derive(Default, Debug)]
pub struct Want {
    pub states: Vec<Wanted>,
    pub action: Option<Action>,
    pub condition: Option<Condition>,
    /// What it does to the run itself.
    pub effects: Vec<Effect>,
    /// Keys of the result that are known already.
    pub result: Map,
    /// The task fails with this message, or is skipped with this reason.
    pub failed: Option<String>,
    pub skipped: Option<String>,
    /// Overrides what gaps and action say about `changed`.
    pub changed: Option<bool>,
    /// In a run that is told to say less than this (`-v` is 1), the task is skipped: "Verbosity threshold not met.".
    pub verbosity: i64,
    pub warnings: Vec<String>,
}

/// A thing and how it is to be.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub id: Id,
    pub state: State,
    /// How a fix is to be made, not what is compared.
    pub how: Fields,
}

impl Wanted {
    pub fn new(id: Id, state: State) -> Wanted {
        Wanted { id, state, how: Fields::new() }
    }

    pub fn gone(id: Id) -> Wanted {
        Wanted::new(id, None)
    }

    pub fn how(mut self, field: &'static str, value: impl Into<Value>) -> Wanted {
        self.how.insert(field.into(), value.into());
        self
    }
}

impl Want {
    pub fn states(states: impl IntoIterator<Item = Wanted>) -> Want {
        Want { states: states.into_iter().collect(), ..Want::default() }
    }

    pub fn action(action: Action) -> Want {
        Want { action: Some(action), ..Want::default() }
    }

    pub fn result(result: Map) -> Want {
        Want { result, ..Want::default() }
    }

    pub fn failed(message: impl Into<String>) -> Want {
        Want { failed: Some(message.into()), ..Want::default() }
    }

    pub fn effect(effect: Effect) -> Want {
        Want { effects: vec![effect], ..Want::default() }
    }
}

/// Something that happens, and has no state: a command, a restart.
#[derive(Clone, Debug)]
pub struct Action {
    pub script: Script,
    /// What a plan says would run.
    pub shown: String,
    pub reach: Reach,
    /// It only reads (a short list of programs, or its author's word): check mode may run it.
    pub query: bool,
    /// Its result is known without running it (a restart).
    pub predictable: bool,
    /// A code other than 0 is data for the result, not an error of its own.
    pub code_is_data: bool,
    /// Seconds.
    pub limit: Option<u64>,
    /// Runs only if one of the states before had a gap.
    pub only_if_changed: bool,
}

impl Action {
    pub fn new(script: impl Into<Script>, shown: impl Into<String>) -> Action {
        Action {
            script: script.into(),
            shown: shown.into(),
            reach: Reach::Everything,
            query: false,
            predictable: false,
            code_is_data: true,
            limit: None,
            only_if_changed: false,
        }
    }
}

/// A question that the engine repeats until it holds, ends early with a cause, or gives up.
#[derive(Clone, Debug)]
pub struct Condition {
    pub ask: Script,
    pub shown: String,
    /// Seconds.
    pub every: f64,
    pub first_after: f64,
    pub limit: f64,
    /// The message where it does not come to hold.
    pub late: String,
    /// The host may be away meanwhile: each question opens a new connection, which may take this many seconds, and one that
    /// fails is a "not yet".
    pub reconnects: Option<u64>,
    /// Its last answer is what the result is made of, also where an action ran before.
    pub tells: bool,
}

/// What an answer says about a condition.
#[derive(Clone, PartialEq, Debug)]
pub enum Holds {
    Yes,
    /// Not yet, and why not.
    NotYet(String),
    /// It will not, and why.
    Never(String),
}

/// What a task does to the run itself.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Facts of the host (`set_fact`, `setup`): `ansible_facts` too where they come from the target.
    Facts {
        facts: Map,
        gathered: bool,
    },
    /// Variables (`include_vars`).
    Vars(Map),
    /// Variables as they are written, templates in them still to be rendered; `merge`: mappings join those that are.
    Written {
        vars: Vec<(String, Node)>,
        merge: bool,
    },
    AddHost {
        name: String,
        groups: Vec<String>,
        vars: Map,
    },
    GroupBy {
        key: String,
        parents: Vec<String>,
    },
    FlushHandlers,
    EndPlay,
    EndHost,
    EndBatch,
    EndRole,
    ClearFacts,
    ClearHostErrors,
    RefreshInventory,
    ResetConnection,
    Pause {
        seconds: Option<u64>,
        prompt: Option<String>,
        /// What is typed is shown.
        echo: bool,
    },
    /// Contents that are to be in a file of the control node.
    Keep {
        path: String,
        contents: Value,
    },
    /// A text for the user (`debug`), already masked by nobody.
    Say(Value),
}

impl Effect {
    /// The text for the user.
    pub fn said(&self) -> Option<Value> {
        match self {
            Effect::Say(value) => Some(value.clone()),
            _ => None,
        }
    }
}

/// What became of what was wanted.
#[derive(Debug)]
pub struct Done<'a> {
    pub gaps: &'a [Gap],
    /// What the calls that closed the gaps said; empty where they have not run.
    pub fixes: &'a [Reply],
    /// What the action gave, if it ran; else the last answer of the condition.
    pub reply: Option<&'a Reply>,
    pub responses: &'a [Response],
    pub view: View<'a>,
    /// Seconds that the action or condition took, and when it began and ended (seconds since 1970).
    pub began: f64,
    pub ended: f64,
}

impl Done<'_> {
    pub fn changed(&self) -> bool {
        !self.gaps.is_empty() || self.reply.is_some()
    }
}
