//! One JSON object a line, for programs. Each has `event`: `play`, `task`, `item`, `line`, `waiting`, `notice`, `summary`.

use play_core::run::{Event, Outcome, Summary, Told};
use play_core::state::Gap;
use play_core::text::Value;
use play_core::text::template::mask::shown;
use serde_json::{Value as Json, json};

use super::ansible::masked_value;
use super::{Report, to_stdout};

/// `messages`: how many went to each target.
#[derive(Default)]
pub(super) struct Lines {
    messages: std::collections::BTreeMap<String, u32>,
}

fn line(json: &Json) {
    to_stdout(&format!("{json}\n"));
}

fn outcome(outcome: &Outcome) -> (&'static str, Option<String>) {
    match outcome {
        Outcome::Same => ("same", None),
        Outcome::Change => ("change", None),
        Outcome::May(cause) => ("may", Some(cause.because.clone())),
        Outcome::Ran { .. } => ("ran", None),
        Outcome::WouldRun(what) => ("would_run", Some(what.clone())),
        Outcome::Unknown(cause) => ("unknown", Some(cause.because.clone())),
        Outcome::Skipped(why) => ("skipped", Some(why.clone())),
        Outcome::Failed => ("failed", None),
        Outcome::Unreachable => ("unreachable", None),
        Outcome::Interrupted => ("interrupted", None),
    }
}

fn gaps(gaps: &[Gap]) -> Json {
    let change = |change: &play_core::state::Change| {
        let side = |value: &Option<Value>| value.as_ref().map_or(Json::Null, |value| json!(shown(value)));
        // an old text that gives way to one with a secret may hold the old secret
        let secret = change.then.as_ref().is_some_and(|value| !value.marks().is_empty());
        let now = if secret && change.now.is_some() { json!("‹may hold a secret›") } else { side(&change.now) };
        json!({"field": change.field, "now": now, "then": side(&change.then)})
    };
    let gap = |gap: &Gap| {
        let verb = if gap.creates() {
            "create"
        } else if gap.deletes() {
            "delete"
        } else {
            "change"
        };
        json!({"kind": gap.id.kind, "name": *gap.id.name, "verb": verb, "changes": gap.changes.iter().map(change).collect::<Vec<_>>()})
    };
    gaps.iter().map(gap).collect()
}

fn told(event: &str, told: &Told) -> Json {
    let (word, because) = outcome(&told.outcome);
    let result = if told.hidden { Json::Null } else { masked_value(&Value::Map(told.result.clone())).to_json().unwrap_or(Json::Null) };
    json!({
        "event": event,
        "play": *told.task.play,
        "role": told.task.role.as_deref(),
        "task": told.task.name,
        "module": *told.task.module,
        "place": told.task.span.to_string(),
        "host": *told.host,
        "item": told.item.as_ref().map(shown),
        "outcome": word,
        "because": because,
        "doubt": told.doubt.as_ref().map(|cause| cause.because.clone()),
        "gaps": if told.hidden { Json::Null } else { gaps(&told.gaps) },
        "ignored": told.ignored,
        "error": told.error.as_ref().map(|error| error.message()),
        "result": result,
    })
}

impl Report for Lines {
    fn tell(&mut self, event: &Event) {
        match event {
            Event::PlayBegins { name, hosts } => line(&json!({"event": "play", "name": name, "targets": hosts})),
            Event::TaskBegins(_) | Event::Finished(_) => {}
            Event::Item(item) => line(&told("item", item)),
            Event::Task(task) => line(&told("task", task)),
            Event::Line { host, text, error } => line(&json!({"event": "line", "host": **host, "text": text, "stderr": error})),
            Event::Waiting { host, task, reason } => {
                line(&json!({"event": "waiting", "host": **host, "task": task.name, "reason": reason}))
            }
            Event::Notice(diagnostic) => line(&json!({
                "event": "notice",
                "severity": if diagnostic.is_error() { "error" } else { "warning" },
                "message": diagnostic.message(),
                "place": diagnostic.span().map(ToString::to_string),
                "hints": diagnostic.hints(),
            })),
        }
    }

    fn sent(&mut self, host: &str) {
        *self.messages.entry(host.to_string()).or_default() += 1;
    }

    fn finish(&mut self, summary: &Summary) {
        let hosts: serde_json::Map<String, Json> = summary
            .recaps
            .iter()
            .map(|(name, recap)| {
                let json = json!({"ok": recap.ok, "changed": recap.changed, "unreachable": recap.unreachable, "failed": recap.failed,
                    "skipped": recap.skipped, "rescued": recap.rescued, "ignored": recap.ignored});
                (name.to_string(), json)
            })
            .collect();
        let tally = &summary.tally;
        line(&json!({
            "event": "summary",
            "hosts": hosts,
            "same": tally.same, "change": tally.change, "may": tally.may, "would_run": tally.would_run, "unknown": tally.unknown,
            "ran": tally.ran, "skipped": tally.skipped, "failed": tally.failed, "unreachable": tally.unreachable,
            "certainty": tally.certainty(),
            "fights": summary.fights,
            "interrupted": summary.interrupted,
            "pending": summary.pending,
            "messages": self.messages,
        }));
    }
}
