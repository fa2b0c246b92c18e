//! Gaps as a user reads them: field by field, contents as a unified diff with the changed words marked.

use play_core::state::{Change, Gap};
use play_core::text::Value;
use play_core::text::template::mask::{self, masked, shown};
use similar::{Algorithm, ChangeTag, TextDiff};
use std::time::Duration;

use super::Paint;

/// Lines longer than this are cut where they are shown.
const WIDTH: usize = 400;

/// All fields of a gap, each on lines that begin with `indent`.
pub(crate) fn lines(gap: &Gap, contents: bool, paint: Paint, indent: &str) -> String {
    if gap.deletes() {
        return format!("{indent}{}\n", paint.removed(&format!("- {} goes", gap.id)));
    }
    let mut text = String::new();
    if gap.creates() {
        text += &format!("{indent}{}\n", paint.added(&format!("+ {} comes", gap.id)));
    } else {
        text += &format!("{indent}{}\n", paint.changed(&format!("~ {}", gap.id)));
    }
    for change in &gap.changes {
        text += &field(change, contents, paint, &format!("{indent}    "));
    }
    text
}

fn field(change: &Change, contents: bool, paint: Paint, indent: &str) -> String {
    let is_contents = |value: &Option<Value>| matches!(value.as_ref().map(Value::plain), Some(Value::Contents(_)));
    if is_contents(&change.now) || is_contents(&change.then) {
        return of_contents(change, contents, paint, indent);
    }
    let (mut now, then) = (one(&change.now), one(&change.then));
    if change.now.is_some()
        && change.then.as_ref().is_some_and(|value| !value.marks().is_empty())
        && change.now.as_ref().is_some_and(|value| value.marks().is_empty())
    {
        now = "‹may hold a secret›".into();
    }
    if now.contains('\n') || then.contains('\n') {
        // what is not there has no line
        let now = if change.now.is_some() { now } else { String::new() };
        let then = if change.then.is_some() { then } else { String::new() };
        return format!("{indent}{}:\n{}", change.field, unified(&now, &then, paint, &format!("{indent}  ")));
    }
    match (&change.now, &change.then) {
        (None, Some(_)) => format!("{indent}{}: {}\n", change.field, paint.added(&cut(&then))),
        (Some(_), None) => format!("{indent}{}: {}\n", change.field, paint.removed(&cut(&now))),
        _ => format!("{indent}{}: {} -> {}\n", change.field, paint.removed(&cut(&now)), paint.added(&cut(&then))),
    }
}

fn one(value: &Option<Value>) -> String {
    value.as_ref().map_or_else(|| "absent".into(), shown)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_string(),
    }
}

fn of_contents(change: &Change, whole: bool, paint: Paint, indent: &str) -> String {
    let text = |value: &Option<Value>| match value.as_ref().map(Value::plain) {
        None => Some(String::new()),
        Some(Value::Contents(contents)) => {
            let here = contents.here()?;
            let marks = here.marks();
            here.as_str().map(|text| masked(text, &marks))
        }
        Some(other) => other.as_str().map(str::to_string),
    };
    let size = |value: &Option<Value>| match value.as_ref().map(Value::plain) {
        Some(Value::Contents(contents)) => format!("{} bytes", contents.size),
        Some(unknown @ Value::Unknown(_)) => shown(unknown),
        _ => "nothing".into(),
    };
    match (text(&change.now), text(&change.then)) {
        (Some(now), Some(then)) if whole => {
            // both sides are masked by the marks of both
            let marks: Vec<_> = change.then.iter().chain(&change.now).flat_map(Value::marks).collect();
            let (now, then) = (mask::hidden(&now, &marks), mask::hidden(&then, &marks));
            let now = if marks.is_empty() { now } else { veil_old(&now, &then) };
            format!("{indent}{}:\n{}", change.field, unified(&now, &then, paint, &format!("{indent}  ")))
        }
        _ if size(&change.now) == size(&change.then) => format!("{indent}{}: {}, other ones\n", change.field, size(&change.then)),
        _ => format!("{indent}{}: {} -> {}\n", change.field, size(&change.now), size(&change.then)),
    }
}

/// The old text without what may be an old secret: of lines that give way to lines with a secret, nobody knows the old
/// secret's text, so they are not shown.
fn veil_old(now: &str, then: &str) -> String {
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).timeout(Duration::from_millis(500)).diff_lines(now, then);
    let mut lines: Vec<String> = now.split_inclusive('\n').map(str::to_string).collect();
    let news: Vec<&str> = then.split_inclusive('\n').collect();
    for op in diff.ops() {
        let beside = news.get(op.new_range()).unwrap_or_default().iter().any(|line| line.contains("‹secret "));
        if beside && op.tag() != similar::DiffTag::Equal {
            for line in lines.get_mut(op.old_range()).unwrap_or_default() {
                *line = format!("‹an old line that may hold a secret›{}", if line.ends_with('\n') { "\n" } else { "" });
            }
        }
    }
    lines.concat()
}

/// A unified diff; words that differ inside a line stand out.
pub(crate) fn unified(now: &str, then: &str, paint: Paint, indent: &str) -> String {
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).timeout(Duration::from_millis(500)).diff_lines(now, then);
    let mut text = String::new();
    for group in diff.grouped_ops(3) {
        let (first, last) = (&group[0], &group[group.len() - 1]);
        let (old, new) = (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        let header = format!("@@ -{} +{} @@", span(&old), span(&new));
        text += &format!("{indent}{}\n", paint.faint(&header));
        for op in &group {
            for change in diff.iter_inline_changes(op) {
                let sign = match change.tag() {
                    ChangeTag::Delete => "-",
                    ChangeTag::Insert => "+",
                    ChangeTag::Equal => " ",
                };
                let mut line = String::new();
                for (emphasised, part) in change.iter_strings_lossy() {
                    let part = part.trim_end_matches('\n');
                    line += &match (change.tag(), emphasised && paint.0) {
                        (ChangeTag::Delete, true) => paint.with("31;7", part),
                        (ChangeTag::Insert, true) => paint.with("32;7", part),
                        (ChangeTag::Delete, false) => paint.removed(part),
                        (ChangeTag::Insert, false) => paint.added(part),
                        (ChangeTag::Equal, _) => part.to_string(),
                    };
                }
                let sign = match change.tag() {
                    ChangeTag::Delete => paint.removed(sign),
                    ChangeTag::Insert => paint.added(sign),
                    ChangeTag::Equal => sign.to_string(),
                };
                text += &format!("{indent}{sign}{line}\n");
                if change.missing_newline() {
                    text += &format!("{indent}{}\n", paint.faint("\\ no newline at the end"));
                }
            }
        }
    }
    text
}

/// Lines of one side as `diff -u` counts them: an empty part stands behind the line before it, and one line has no length.
fn span(lines: &std::ops::Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        length => format!("{},{length}", lines.start + 1),
    }
}

/// A value on one line, secrets masked.
pub(crate) fn short(value: &Value) -> String {
    let text = shown(value).replace('\n', "\\n");
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
