//! Tests on what a task registered.

use super::{Test, flag};
use crate::text::template::{self as t, Call, Outcome, read};
use crate::text::value::Value;

pub const TESTS: &[Test] = &[
    Test::new("failed", "value", |call, _| flag(call, "failed")),
    Test::new("failure", "value", |call, _| flag(call, "failed")),
    Test::new("succeeded", "value", |call, _| flag(call, "failed").map(|failed| !failed)),
    Test::new("success", "value", |call, _| flag(call, "failed").map(|failed| !failed)),
    Test::new("successful", "value", |call, _| flag(call, "failed").map(|failed| !failed)),
    Test::new("changed", "value", |call, _| changed(call)),
    Test::new("change", "value", |call, _| changed(call)),
    Test::new("skipped", "value", |call, _| flag(call, "skipped")),
    Test::new("skip", "value", |call, _| flag(call, "skipped")),
    Test::new("unreachable", "value", |call, _| flag(call, "unreachable")),
    Test::new("reachable", "value", |call, _| flag(call, "unreachable").map(|away| !away)),
    Test::new("started", "value", |call, _| present(call, "started")),
    Test::new("finished", "value", |call, _| present(call, "finished")),
    Test::new("timedout", "value", |call, _| {
        flag(call, "timedout")?;
        let period = call.need(0)?.get("timedout").map(read).and_then(|timed| timed.get("period").cloned());
        period.map_or(Ok(false), |period| t::truth(&period))
    }),
];

/// Without its own word, a loop changed where one of its results did.
fn changed(call: &Call<'_>) -> Outcome<bool> {
    let value = call.need(0)?;
    let results = value.get("results").map(read).and_then(Value::as_list);
    match results {
        Some(results) if value.get("changed").is_none() => {
            for result in results {
                if read(result).get("changed").map_or(Ok(false), t::truth)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => flag(call, "changed"),
    }
}

/// A task that was not asynchronous counts as started and finished.
fn present(call: &Call<'_>, name: &str) -> Outcome<bool> {
    let given = call.need(0)?.get(name).is_some();
    Ok(flag(call, name)? || !given)
}
