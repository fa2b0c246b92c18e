//! Which fixes of a queue are closed by one call of their kind.

use std::ops::Range;

use crate::run::Kinds;
use crate::state::Gap;

/// A fix of the queue: the task that wants it, by its place, and the environment that it is made in.
pub struct Fix<'a> {
    pub task: usize,
    pub gap: &'a Gap,
    pub environment: &'a str,
}

/// Fixes in their order, as runs that one call closes. Only neighbours join: what stands between two fixes may need the first
/// or be needed by the second, and a reach tells only what is written, not what is read.
pub fn joined(kinds: Kinds, fixes: &[Fix<'_>]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = vec![];
    for (at, fix) in fixes.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if fits(kinds, &fixes[run.clone()], fix) => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

fn fits(kinds: Kinds, run: &[Fix<'_>], next: &Fix<'_>) -> bool {
    let kind = kinds(next.gap.id.kind);
    let needs = kind.needs(next.gap);
    let joins = |one: &Fix<'_>| {
        one.gap.id.kind == next.gap.id.kind
            && one.gap.id != next.gap.id
            && one.environment == next.environment
            && !needs.contains(&one.gap.id)
            && kind.together(one.gap, next.gap)
            // a later task is only asked for what no task before it may have brought; one task wants all of its own at once
            && (one.task == next.task || !kind.reach(one.gap).hits(&next.gap.id, &next.gap.now))
    };
    run.iter().all(joins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources;
    use crate::state::{Fields, Id};
    use crate::text::Value;

    fn comes(name: &str, how: &[(&'static str, &str)]) -> Gap {
        let then = Some(Fields::from([("status".into(), Value::text("installed"))]));
        let mut gap = Gap::between(&Id::new("package", name), &None, &then);
        gap.how = how.iter().map(|(word, text)| ((*word).into(), Value::text(*text))).collect();
        gap.how.insert("brings".into(), Value::list([]));
        gap
    }

    fn runs(fixes: &[(Gap, &'static str)]) -> Vec<Range<usize>> {
        let fixes: Vec<Fix<'_>> = fixes.iter().enumerate().map(|(task, (gap, environment))| Fix { task, gap, environment }).collect();
        joined(resources::find, &fixes)
    }

    #[test]
    fn packages_of_several_tasks_come_in_one_call() {
        assert_eq!(runs(&[(comes("a", &[]), ""), (comes("b", &[]), ""), (comes("c", &[]), "")]).first(), Some(&(0..3)));
    }

    #[test]
    fn nothing_moves_over_what_stands_between() {
        let file = Gap::between(&Id::new("path", "/etc/hosts"), &Some(Fields::new()), &None);
        assert_eq!(runs(&[(comes("a", &[]), ""), (file, ""), (comes("b", &[]), "")]), [0..1, 1..2, 2..3]);
    }

    #[test]
    fn other_words_or_another_environment_are_another_call() {
        let other = comes("b", &[("release", "backports")]);
        assert_eq!(runs(&[(comes("a", &[]), ""), (other, ""), (comes("c", &[]), "")]), [0..1, 1..2, 2..3]);
        assert_eq!(runs(&[(comes("a", &[]), ""), (comes("b", &[]), "export http_proxy=x\n")]), [0..1, 1..2]);
        let gone = Gap::between(&Id::new("package", "b"), &Some(Fields::new()), &None);
        assert_eq!(runs(&[(comes("a", &[]), ""), (gone, "")]), [0..1, 1..2]);
    }

    #[test]
    fn what_one_may_bring_is_not_asked_for_in_the_same_call() {
        let mut first = comes("a", &[]);
        first.how.insert("brings".into(), Value::list([Value::text("b")]));
        assert_eq!(runs(&[(first, ""), (comes("b", &[]), "")]), [0..1, 1..2]);
        assert_eq!(runs(&[(comes("a", &[]), ""), (comes("a", &[]), "")]), [0..1, 1..2]);
    }
}
