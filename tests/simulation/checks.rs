//! What must hold of every run, whatever happened to it.

use std::collections::{BTreeMap, BTreeSet};

use play_core::run::Recap;

use super::case::Traits;
use super::drive::{Line, Trace};

pub fn wrong(trace: &Trace, traits: Traits) -> Vec<String> {
    let mut wrong = trace.wrong.clone();
    for (target, sent) in trace.lost.iter().filter(|_| !traits.delegates) {
        if trace.sent[*sent..].iter().any(|sent| sent.target == *target) {
            wrong.push(format!("{target} is gone, and is sent another message"));
        }
    }
    let Some(summary) = &trace.summary else { return wrong };
    let recaps: BTreeMap<String, Recap> = summary.recaps.iter().map(|(host, recap)| (host.to_string(), *recap)).collect();
    let told: BTreeSet<&str> = trace.told.iter().map(|line| line.host.as_str()).collect();
    for host in told {
        let lines: Vec<&Line> = trace.told.iter().filter(|line| line.host == host && !line.item).collect();
        let Some(recap) = recaps.get(host) else {
            wrong.push(format!("{host} was told of, and has no recap"));
            continue;
        };
        adds_up(host, recap, &lines, &mut wrong);
        in_order(host, &lines, &mut wrong);
        if !traits.delegates && !traits.sides {
            out_is_out(host, &lines, traits, &mut wrong);
        }
    }
    wrong
}

/// The counts of a host are those of its lines.
fn adds_up(host: &str, recap: &Recap, lines: &[&Line], wrong: &mut Vec<String>) {
    let count = |wanted: &dyn Fn(&Line) -> bool| lines.iter().filter(|line| wanted(line)).count() as u32;
    let failed = |line: &Line| matches!(line.outcome, "failed");
    let skipped = count(&|line| line.outcome == "skipped");
    let unreachable = count(&|line| line.outcome == "unreachable" && !line.ignored);
    let bad = count(&|line| failed(line) && !line.ignored);
    let ignored = count(&|line| line.ignored);
    let ok = count(&|line| !matches!(line.outcome, "failed" | "unreachable" | "interrupted" | "skipped")) + ignored;
    let told = (ok, skipped, unreachable, bad, ignored);
    let counted = (recap.ok, recap.skipped, recap.unreachable, recap.failed + recap.rescued, recap.ignored);
    if told != counted {
        wrong.push(format!("{host}: (ok, skipped, unreachable, failed and rescued, ignored) told {told:?}, counted {counted:?}"));
    }
}

/// The number of a task; handlers have none.
pub fn number(line: &Line) -> Option<usize> {
    let digits: String = line.task.strip_prefix('t')?.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Each task of a play is told once, in the order in which they are written.
fn in_order(host: &str, lines: &[&Line], wrong: &mut Vec<String>) {
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines {
        let Some(number) = number(line) else { continue };
        if let Some(before) = last.insert(&line.play, number)
            && before >= number
        {
            wrong.push(format!("{host}: t{number} is told after t{before}"));
        }
    }
}

/// Who failed and is not rescued does nothing more.
fn out_is_out(host: &str, lines: &[&Line], traits: Traits, wrong: &mut Vec<String>) {
    let out = lines.iter().position(|line| {
        let guarded = !matches!(line.outcome, "unreachable" | "interrupted") && (line.task.ends_with('g') || number(line).is_none());
        matches!(line.outcome, "failed" | "unreachable" | "interrupted") && !line.ignored && !guarded
    });
    let Some(out) = out else { return };
    let more = lines[out + 1..].iter().find(|line| !(traits.forced && line.task.starts_with('h')));
    if let Some(more) = more {
        wrong.push(format!("{host} is out by {:?}, and goes on with {:?}", lines[out], more));
    }
}

/// What was told, by host; where roles run side by side, by task, too.
pub fn by_host(trace: &Trace, traits: Traits) -> BTreeMap<&str, Vec<&Line>> {
    let mut all: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in &trace.told {
        all.entry(&line.host).or_default().push(line);
    }
    if traits.sides {
        all.values_mut().for_each(|lines| lines.sort_by(|one, other| one.task.cmp(&other.task)));
    }
    all
}
