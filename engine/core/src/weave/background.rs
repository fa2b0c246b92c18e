//! `async` and `poll`: tasks that go on in the background of their host, and `timeout`.
//!
//! A user's own command becomes a job there, which is asked about every `poll` seconds, or by `async_status` later. What a
//! module mends by itself is mended at once, under the same limit of time, and its result is kept as that of a job.

use std::sync::Arc;

use crate::book::task::Task;
use crate::modules::{Module, Want, async_status};
use crate::resources::job;
use crate::state::{Action, Answer, Condition, Done, Halt, Holds, Look, Reply, Script, View};
use crate::text::{Diagnostic, Map, Result, Value};

use super::scope::Sight;
use super::session::Session;
use super::task::{self, Doing};

/// What a task says about its time.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Seconds that its action may take: `timeout`, or `async`.
    pub seconds: Option<u64>,
    pub job: Option<Job>,
}

/// A task in the background.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: String,
    seconds: u64,
    /// Seconds between two questions; 0: nobody waits for it.
    poll: u64,
    /// It is a job on its host; otherwise it is done at once.
    far: bool,
    /// Its result is known, and what is sent now only files it or cleans up.
    over: bool,
}

/// The limits of a task.
pub fn limits(task: &Task, sight: &Sight) -> Result<Limits> {
    let number = |word: &str| -> Result<Option<u64>> {
        let Some(text) = task::text(task, word, sight)? else { return Ok(None) };
        let span = task.keyword(word).map_or(&task.span, |node| &node.span);
        text.trim().parse().map(Some).map_err(|_| span.error(format!("`{word}` takes whole seconds, and this is `{text}`")))
    };
    let default = sight.tree.options.settings.get("TASK_TIMEOUT").and_then(Value::as_int).and_then(|seconds| u64::try_from(seconds).ok());
    let timeout = number("timeout")?.or(default).filter(|seconds| *seconds > 0);
    let Some(seconds) = number("async")?.filter(|seconds| *seconds > 0) else { return Ok(Limits { seconds: timeout, job: None }) };
    if !crate::modules::table::runs_in_background(&task.module) {
        return Err(task.span.error(format!("This action ({}) does not support async.", task.module)));
    }
    let poll = number("poll")?.or(sight.tree.options.settings.get("DEFAULT_POLL_INTERVAL").and_then(Value::as_int).map(|poll| poll as u64));
    let mut bytes = [0; 8];
    sight.tree.control.random(&mut bytes);
    let random = u64::from_le_bytes(bytes);
    let id = format!("j{:012}.{}", random % 1_000_000_000_000, random >> 50);
    let job = Job { id, seconds, poll: poll.unwrap_or(15), far: false, over: false };
    Ok(Limits { seconds: timeout.or(Some(seconds)), job: Some(job) })
}

impl Session {
    /// Bounds what a task waits for, and lets the command of one in the background be a job.
    pub(super) fn in_background(&self, mut doing: Doing) -> Doing {
        if let (Some(seconds), Some(condition)) = (doing.limits.seconds, doing.want.condition.as_mut()) {
            condition.limit = condition.limit.min(seconds as f64);
        }
        let Some(job) = doing.limits.job.clone() else { return doing };
        let Some(action) = doing.want.action.as_mut().filter(|action| action.code_is_data) else { return doing };
        let Script::Shell(script) = &action.script else { return doing };
        // what its result will have beside what it prints
        let view = View::new(&self.targets[doing.target].world, doing.asker);
        let empty = Reply::default();
        let done = Done { gaps: &[], fixes: &[], reply: Some(&empty), responses: &[], view, began: self.now, ended: self.now };
        let mut known = doing.want.result.clone();
        known.extend(doing.module.result(&done));
        known.insert("changed", doing.want.changed.unwrap_or(true));
        action.script = Script::Shell(job::start(&job.id, script, job.seconds, &json(&known)));
        action.query = false;
        doing.want.result = Map::new();
        doing.limits.seconds = None;
        let waits = job.poll > 0;
        doing.want.condition = waits.then(|| Condition {
            ask: Script::Shell(job::status(&job.id)),
            shown: format!("job {} is over", job.id),
            every: job.poll as f64,
            first_after: job.poll as f64,
            // the host ends it itself, and says so
            limit: (job.seconds + 2 * job.poll + 5) as f64,
            late: format!("async task did not complete within the requested time - {}s", job.seconds),
            reconnects: None,
            tells: true,
        });
        doing.module = Arc::new(Running { id: job.id.clone(), waits });
        doing.limits.job = Some(Job { far: true, ..job });
        doing
    }

    /// What is still to be sent for a task in the background whose result is known: its files are written or taken away.
    pub(super) fn afterwards(&self, doing: &Doing, result: &mut Map) -> Option<Doing> {
        let job = doing.limits.job.as_ref().filter(|job| !job.over)?;
        let (script, result) = match (job.far, job.poll) {
            (true, 0) => return None,
            (true, _) => (job::remove(&job.id), result.clone()),
            (false, 0) => {
                let mut kept = result.clone();
                kept.remove("diff");
                if !kept.contains("changed") {
                    kept.insert("changed", doing.want.changed.unwrap_or(!doing.gaps.is_empty() || doing.want.action.is_some()));
                }
                (job::keep(&job.id, &json(&kept)), started(&job.id))
            }
            (false, _) => {
                result.insert("ansible_job_id", job.id.as_str());
                result.insert("started", true);
                result.insert("finished", true);
                return None;
            }
        };
        let action = Action::new(Script::Shell(script), format!("files of job {}", job.id));
        let changed = result.get("changed").map(Value::truthy);
        let files = job.poll == 0;
        Some(Doing {
            module: Arc::new(Told { files }),
            want: Want { action: Some(action), result, changed, ..Want::default() },
            gaps: doing.gaps.clone(),
            may: doing.may.clone(),
            doubt: doing.doubt.clone(),
            environment: doing.environment.clone(),
            limits: Limits { seconds: None, job: Some(Job { over: true, ..job.clone() }) },
            fixes: Default::default(),
            waits: Default::default(),
            ..*doing
        })
    }
}

/// The failure of a task that took longer than it may, with Ansible's words.
pub fn timed_out(seconds: u64) -> (Diagnostic, Map) {
    let error = Diagnostic::error(format!("Task failed: Timed out after {seconds} second(s)."));
    let mut result = Map::new();
    result.insert("timedout", Value::map([("period", seconds as i64)]));
    result.insert("changed", false);
    (error, result)
}

fn json(result: &Map) -> String {
    Value::from(result.clone()).to_json().map(|json| json.to_string()).unwrap_or_else(|_| "{}".into())
}

fn started(id: &str) -> Map {
    let mut map = Map::new();
    map.insert("ansible_job_id", id);
    map.insert("started", true);
    map.insert("finished", false);
    map.insert("changed", true);
    map
}

/// A job on its host.
struct Running {
    id: String,
    waits: bool,
}

impl Module for Running {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        Ok(Want::default())
    }

    fn holds(&self, answer: &Answer) -> Holds {
        let result = async_status::result(&self.id, &answer.reply());
        if result.get("finished").is_some_and(Value::truthy) { Holds::Yes } else { Holds::NotYet(String::new()) }
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let Some(reply) = done.reply else { return Map::new() };
        if self.waits && reply.code == 0 {
            return async_status::result(&self.id, reply);
        }
        let mut result = started(&self.id);
        result.insert("results_file", String::from_utf8_lossy(&reply.out).trim_end());
        if reply.code != 0 {
            result.insert("failed", true);
            result.insert("msg", format!("the job could not be started: {}", String::from_utf8_lossy(&reply.err).trim_end()));
        }
        result
    }
}

/// A result that is known already; `files`: the path of the job's file is what was printed last.
struct Told {
    files: bool,
}

impl Module for Told {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        Ok(Want::default())
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        if let Some(reply) = done.reply.filter(|_| self.files) {
            result.insert("results_file", String::from_utf8_lossy(&reply.out).trim_end());
        }
        result
    }
}
