//! One task on one host: its loop, its results, what it registers and notifies.

use std::sync::Arc;

use crate::book::task::{Task, words};
use crate::book::vars::{Layers, Level, Scope as Vars};
use crate::modules::{Module, Want};
use crate::run::{Outcome, TaskLabel, Told};
use crate::state::{Asker, Cause, Gap, Reply, Response};
use crate::text::template::Scope as _;
use crate::text::yaml::Data;
use crate::text::{Diagnostic, Map, Node, Result, Unknown, Value};

use super::scope::Sight;

/// How far a task has come.
#[derive(Clone, Debug)]
pub struct TaskRun {
    pub task: Arc<Task>,
    pub label: Arc<TaskLabel>,
    pub cause: Cause,
    /// All variables of the task but those of its loop.
    pub layers: Layers,
    pub items: Option<Arc<Vec<Value>>>,
    pub at: usize,
    pub results: Vec<Value>,
    pub told: Tolds,
    pub tries: u32,
    /// Past the barrier that stands before this task.
    pub passed: bool,
    /// The variables of all hosts as they were when it was let past: what others set in tasks behind this one is not seen.
    pub others: Option<Arc<Vec<super::scope::Host>>>,
    pub once: bool,
    /// How many hosts may be at it at once: `throttle`.
    pub throttle: Option<usize>,
    pub phase: Phase,
    /// A message brought this failure.
    pub forced: Option<Box<Forced>>,
    pub loop_var: Arc<str>,
    /// What its current item may take, once that was read.
    pub limits: Option<super::background::Limits>,
}

#[derive(Clone, Debug)]
pub struct Forced {
    pub error: Diagnostic,
    pub gaps: Vec<Gap>,
    /// What the result has beside the message.
    pub result: Map,
}

/// Outcomes of the items so far, for that of the whole task.
#[derive(Clone, Debug, Default)]
pub struct Tolds {
    pub changed: bool,
    pub failed: bool,
    pub skipped: usize,
    pub done: usize,
    pub outcome: Option<Outcome>,
    pub error: Option<Diagnostic>,
    pub gaps: Vec<Gap>,
    pub doubt: Option<Cause>,
    pub say: Option<Value>,
}

/// Where an item stands.
#[derive(Clone, Debug, Default)]
pub enum Phase {
    #[default]
    Start,
    /// Its gaps are closed.
    Fixed(Arc<Doing>),
    /// Its action ran.
    Acted(Arc<Doing>, Option<Reply>, Vec<Response>),
    /// Its condition is asked about: since when, and the last answer.
    Waits { doing: Arc<Doing>, reply: Option<Reply>, since: f64, asked: bool, answer: Option<crate::state::Answer> },
}

/// What an item is about to do.
pub struct Doing {
    pub module: Arc<dyn Module>,
    pub want: Want,
    pub gaps: Vec<Gap>,
    pub may: Option<Cause>,
    pub doubt: Option<Cause>,
    /// What check found that it would wait for.
    pub waits: std::sync::OnceLock<Cause>,
    pub target: usize,
    pub asker: Asker,
    pub began: f64,
    /// `export` lines for what it does.
    pub environment: String,
    pub limits: super::background::Limits,
    /// What the calls that closed its gaps said, in their order, once they ran.
    pub fixes: std::sync::OnceLock<Vec<Reply>>,
}

impl std::fmt::Debug for Doing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doing").field("want", &self.want).field("gaps", &self.gaps).finish_non_exhaustive()
    }
}

impl TaskRun {
    pub fn item(&self) -> Option<&Value> {
        self.items.as_ref()?.get(self.at)
    }

    /// The variables of the current item.
    pub fn item_layers(&self) -> Layers {
        let Some(items) = &self.items else { return self.layers.clone() };
        let Some(item) = items.get(self.at) else { return self.layers.clone() };
        let mut vars = Vars::new();
        vars.insert(self.loop_var.clone(), item.clone());
        vars.insert("ansible_loop_var", Value::Text(self.loop_var.clone()));
        let control = self.task.keywords.get("loop_control");
        if let Some(name) = control.and_then(|control| control.get("index_var")).and_then(Node::as_str) {
            vars.insert(name, Value::Int(self.at as i64));
            vars.insert("ansible_index_var", Value::text(name));
        }
        if control.and_then(|control| control.get("extended")).is_some_and(|flag| flag.to_value().truthy()) {
            vars.insert("ansible_loop", extended(items, self.at));
        }
        // a loop's variable stands above those of the task, and below facts that were set only in name
        self.layers.with(Level::IncludeParams, Arc::new(vars))
    }
}

fn extended(items: &[Value], at: usize) -> Value {
    let (length, index) = (items.len() as i64, at as i64);
    let mut map = Map::new();
    map.insert("allitems", items.to_vec());
    map.insert("index", index + 1);
    map.insert("index0", index);
    map.insert("revindex", length - index);
    map.insert("revindex0", length - index - 1);
    map.insert("first", at == 0);
    map.insert("last", at + 1 == items.len());
    map.insert("length", length);
    if at > 0 {
        map.insert("previtem", items[at - 1].clone());
    }
    if let Some(next) = items.get(at + 1) {
        map.insert("nextitem", next.clone());
    }
    map.into()
}

/// What a task goes over: `None` where it has no loop.
pub fn items(task: &Task, sight: &Sight) -> Result<Option<Value>> {
    let Some(repeat) = &task.repeat else { return Ok(None) };
    let templates = &sight.tree.templates;
    if &*repeat.word == "loop" {
        let value = bare_or_rendered(&repeat.over, sight)?;
        return match value.plain() {
            Value::List(_) | Value::Unknown(_) => Ok(Some(value)),
            _ => Err(repeat
                .over
                .error(format!("`loop` takes a list, and this is {}", value.type_name()))
                .hint("a mapping becomes a list with `| dict2items`")),
        };
    }
    let name = repeat.word.trim_start_matches("with_");
    let value = bare_or_rendered(&repeat.over, sight)?;
    if value.unknown().is_some() {
        return Ok(Some(value));
    }
    let terms = match value.plain() {
        // a list of terms, each of which may be a list; everything else is one term
        Value::List(items) => items.to_vec(),
        _ => vec![value.clone()],
    };
    templates.lookup(name, &terms, &Map::new(), sight, &repeat.over.span).map(|value| Some(listed(value)))
}

fn listed(value: Value) -> Value {
    match value.plain() {
        Value::List(_) | Value::Unknown(_) => value,
        _ => Value::list([value.clone()]),
    }
}

/// `with_items: a_list` may name a variable without braces.
fn bare_or_rendered(node: &Node, sight: &Sight) -> Result<Value> {
    let bare = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
            && !text.as_bytes()[0].is_ascii_digit()
    };
    match &node.data {
        Data::Scalar(scalar) if bare(&scalar.text) && sight.get(scalar.text.split('.').next().unwrap_or_default()).is_some() => {
            sight.tree.templates.expression(node, sight)
        }
        _ => sight.tree.templates.render(node, sight),
    }
}

/// Whether conditions hold.
#[derive(Clone, Debug)]
pub enum Holds {
    Yes,
    /// The first that does not.
    No(Node),
    Unknown(Cause),
}

/// All conditions of a keyword, the task's own and inherited: the first that is false decides, then one that is unknown.
pub fn holds(task: &Task, word: &str, sight: &Sight) -> Result<Holds> {
    let mut all = Holds::Yes;
    for node in task.keywords(word) {
        let parts = node.as_list().map_or_else(|| vec![node.clone()], <[Node]>::to_vec);
        for part in parts {
            let value = sight.tree.templates.condition(&part, sight)?;
            match value.plain() {
                Value::Unknown(cause) if matches!(all, Holds::Yes) => all = Holds::Unknown(cause.clone()),
                Value::Unknown(_) => {}
                other if !other.truthy() => return Ok(Holds::No(part)),
                _ => {}
            }
        }
    }
    Ok(all)
}

/// A keyword that is a boolean, rendered.
pub fn flag(task: &Task, word: &str, sight: &Sight) -> Result<Option<bool>> {
    let Some(node) = task.keyword(word) else { return Ok(None) };
    let value = sight.tree.templates.render(node, sight)?;
    match value.plain() {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(*flag)),
        other => match crate::text::scalar::boolean(&crate::modules::display(other)) {
            Some(flag) => Ok(Some(flag)),
            None => Err(node.error(format!("`{word}` takes yes or no, and this is {}", value.type_name()))),
        },
    }
}

/// A keyword that is a text, rendered.
pub fn text(task: &Task, word: &str, sight: &Sight) -> Result<Option<String>> {
    let Some(node) = task.keyword(word) else { return Ok(None) };
    let value = sight.tree.templates.render(node, sight)?;
    Ok(if matches!(value.plain(), Value::Null | Value::Omit) { None } else { Some(crate::modules::display(&value)) })
}

/// What a task is called where it is shown: its rendered name, or its module.
pub fn title(task: &Task, sight: Option<&Sight>) -> String {
    let Some(name) = &task.name else { return task.module.to_string() };
    let rendered = sight
        .filter(|_| name.as_str().is_some_and(|text| text.contains("{{") || text.contains("{%")))
        .and_then(|sight| sight.tree.templates.render(name, sight).ok());
    match rendered {
        Some(value) if value.unknown().is_none() => crate::text::template::mask::shown(&value),
        _ => name.as_str().unwrap_or_default().to_string(),
    }
}

/// What a later task waits for where it needs this one's result.
pub fn cause(label: &TaskLabel) -> Cause {
    Arc::new(Unknown { because: format!("needs result of \"{}\"", label.name), span: Some(label.span.clone()) })
}

/// The result of a loop: `results`, and what they come to.
pub fn combined(results: Vec<Value>, told: &Tolds, skipped: bool) -> Map {
    let mut map = Map::new();
    map.insert("results", results);
    map.insert("changed", told.changed);
    if skipped {
        map.insert("skipped", true);
        map.insert("msg", "All items skipped");
    } else if told.failed {
        map.insert("failed", true);
        map.insert("msg", "One or more items failed");
    } else {
        map.insert("skipped", false);
        map.insert("msg", "All items completed");
    }
    map
}

/// Names of handlers that a task notifies.
pub fn notifies(task: &Task, sight: &Sight) -> Result<Vec<(String, Node)>> {
    let mut all = vec![];
    for node in task.keywords("notify") {
        let value = sight.tree.templates.render(node, sight)?;
        let names = match value.as_list() {
            Some(items) => items.iter().map(crate::modules::display).collect(),
            None if value.as_str().is_some() => vec![crate::modules::display(&value)],
            None => words(node),
        };
        all.extend(names.into_iter().map(|name| (name, node.clone())));
    }
    Ok(all)
}

/// How loop items are shown: `loop_control.label`, or the item.
pub fn item_label(run: &TaskRun, sight: &Sight) -> Option<Value> {
    let item = run.item()?.clone();
    let label = run.task.keywords.get("loop_control").and_then(|control| control.get("label"));
    Some(label.and_then(|label| sight.tree.templates.render(label, sight).ok()).unwrap_or(item))
}

/// A line about a whole task.
pub fn told(run: &TaskRun, host: &Arc<str>, outcome: Outcome, result: Map) -> Told {
    Told {
        task: run.label.clone(),
        host: host.clone(),
        delegated: None,
        outcome,
        gaps: run.told.gaps.clone(),
        doubt: run.told.doubt.clone(),
        result: Arc::new(result),
        item: None,
        error: run.told.error.clone(),
        ignored: false,
        rescued: false,
        hidden: false,
        say: run.told.say.clone(),
        seconds: 0.0,
    }
}

/// Of two outcomes, the one that says more about what a task does.
pub fn worse(one: Option<Outcome>, other: Outcome) -> Outcome {
    let rank = |outcome: &Outcome| match outcome {
        Outcome::Skipped(_) => 0,
        Outcome::Same => 1,
        Outcome::Ran { changed: false } => 2,
        Outcome::Ran { changed: true } | Outcome::Change => 3,
        Outcome::WouldRun(_) => 4,
        Outcome::May(_) => 5,
        Outcome::Unknown(_) => 6,
        Outcome::Failed => 7,
        Outcome::Unreachable | Outcome::Interrupted => 8,
    };
    match one {
        Some(one) if rank(&one) >= rank(&other) => one,
        _ => other,
    }
}
