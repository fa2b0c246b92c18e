//! `async_status`: how far a job in the background is, and what it came to.

use std::sync::Arc;

use crate::resources::job::{self, Job, Stage};
use crate::state::{Halt, Look, Reply, Script, View};
use crate::text::filters::encode::from_serde;
use crate::text::{Map, Result, Value};

use super::{Action, Arg, Args, Done, Entry, Module, Spec, Type, Want, output};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "async_status",
    collection: "ansible.builtin",
    about: "Ask about a job that a task with `async` began",
    args: &[
        Arg::new("jid", Type::Text, "The job: `ansible_job_id` of the task that began it").required(),
        Arg::new("mode", Type::Text, "Ask, or take its files away").default("status").choices(&["status", "cleanup"]),
    ],
    free_form: None,
    any: false,
};

struct Status {
    id: String,
    cleans: bool,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let id = args.need("jid")?;
    if id.is_empty() || id.starts_with('.') || id.contains('/') {
        return Err(args.error("jid", format!("`{id}` is no job")).hint("a job is named by `ansible_job_id` of the task that began it"));
    }
    Ok(Arc::new(Status { id, cleans: args.text("mode").as_deref() == Some("cleanup") }))
}

impl Module for Status {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        let (script, shown) = match self.cleans {
            true => (job::remove(&self.id), format!("clean up job {}", self.id)),
            false => (job::status(&self.id), format!("ask about job {}", self.id)),
        };
        Ok(Want::action(Action { query: !self.cleans, ..Action::new(Script::Shell(script), shown) }))
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let Some(reply) = done.reply else { return Map::new() };
        if !self.cleans {
            return result(&self.id, reply);
        }
        let mut result = begun(&self.id, false, false);
        result.insert("changed", false);
        if reply.code == 0 {
            result.insert("erased", String::from_utf8_lossy(&reply.out).trim_end());
        } else {
            missing(&mut result);
        }
        result
    }
}

fn begun(id: &str, started: bool, finished: bool) -> Map {
    let mut map = Map::new();
    map.insert("ansible_job_id", id);
    map.insert("started", started);
    map.insert("finished", finished);
    output::stream("stdout", "", &[], &mut map);
    output::stream("stderr", "", &[], &mut map);
    map
}

fn missing(result: &mut Map) {
    result.insert("started", true);
    result.insert("finished", true);
    result.insert("failed", true);
    result.insert("msg", "could not find job");
}

/// What a job's status says, with Ansible's keys: those of its module once it is over.
pub fn result(id: &str, reply: &Reply) -> Map {
    let job = Job::read(reply).unwrap_or(Job { path: String::new(), stage: Stage::File(String::new()) });
    let mut all = begun(id, true, !matches!(job.stage, Stage::Runs));
    all.insert("results_file", job.path.as_str());
    all.insert("changed", false);
    let parsed = |text: &str| serde_json::from_str(text).ok().map(from_serde).and_then(|value: Value| value.as_map().cloned());
    match job.stage {
        Stage::Runs => {}
        Stage::None => missing(&mut all),
        Stage::File(text) => match parsed(&text) {
            Some(known) => {
                for (text, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
                    if known.contains(text) {
                        all.remove(lines);
                    }
                }
                let over = known.get("finished").map_or(!known.contains("started"), Value::truthy);
                all.extend(known);
                all.insert("finished", over);
            }
            None => {
                all.insert("failed", true);
                all.insert("msg", format!("Could not parse job output: {}", text.trim_end()));
            }
        },
        Stage::Over { late: true, .. } => {
            all.insert("failed", true);
            all.insert("msg", "Timeout exceeded");
        }
        Stage::Over { reply, began, ended, known, .. } => {
            all.extend(parsed(&known).unwrap_or_default());
            output::lasted(began, ended, &mut all);
            output::streams(&reply, true, &[], &mut all);
        }
    }
    all
}
