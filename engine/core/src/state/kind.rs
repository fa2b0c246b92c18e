//! The contract of a kind of thing. One file a kind in `resources/`.

use std::borrow::Cow;

use super::gap::Gap;
use super::message::{Answer, Reply, Script};
use super::thing::{Id, KindName, Look, State};
use super::world::View;

/// One kind of thing. Pure: text out, text in; it neither acts nor knows who runs what it writes.
pub trait Kind: Sync {
    fn name(&self) -> KindName;

    /// What only reads. All looks of a message come together, so that a tool that takes many names is called once.
    fn ask(&self, looks: &[&Look]) -> Script;

    /// What the answer says about one of the looks. Absence is an answer, never an error.
    fn read(&self, look: &Look, answer: &Answer) -> Reading;

    /// Of an answer to a script, what is about this look: responses of an API come in the order of the requests and do not
    /// all say what they are about. By default all of it, as a script's text names what it is about.
    fn about<'a>(&self, _look: &Look, _script: &Script, answer: &'a Answer) -> Cow<'a, Answer> {
        Cow::Borrowed(answer)
    }

    /// Closes gaps, together where the tool takes many. Stops at the first that fails, with a code other than 0 and
    /// the reason on stderr.
    fn fix(&self, gaps: &[&Gap]) -> Script;

    /// Why a call of `fix` failed, in the tool's words: its stderr, or its stdout where that is empty.
    fn complaint(&self, reply: &Reply) -> String {
        let text = if reply.err.is_empty() { &reply.out } else { &reply.err };
        String::from_utf8_lossy(text).trim().to_string()
    }

    /// What else closing this gap may disturb.
    fn reach(&self, _gap: &Gap) -> Reach {
        Reach::Nothing
    }

    /// Whether two gaps that follow each other in a message may be closed by one call of `fix`, because the tool takes many
    /// things and both are to be mended in the same way; otherwise each has a call of its own.
    fn together(&self, _one: &Gap, _next: &Gap) -> bool {
        false
    }

    /// What else tells whether the one who asks may close this gap: none by default. Who may do all is not asked about.
    fn rights(&self, _gap: &Gap) -> Vec<Look> {
        vec![]
    }

    /// The thing as it is once the gap is closed, as far as that follows from it.
    fn after(&self, gap: &Gap) -> State {
        gap.closed()
    }

    /// What closing this gap may hide from other users than the one who closes it, or show to them.
    fn veils(&self, _gap: &Gap) -> Reach {
        Reach::Nothing
    }

    /// Why closing this gap would be refused, as far as what is known of the target tells, for a plan that says so.
    fn refusal(&self, _gap: &Gap, _view: &View<'_>) -> Option<Refusal> {
        None
    }

    /// Which other things must have been mended before this gap can be closed in the same message: none by default.
    fn needs(&self, _gap: &Gap) -> Vec<Id> {
        vec![]
    }
}

/// What an answer says.
#[derive(Clone, PartialEq, Debug)]
pub enum Reading {
    /// States of things: the one looked at, and others that the answer tells about (where a link leads).
    States(Vec<(Id, State)>),
    /// It takes one more question.
    Ask(Script),
    /// The target could not say: permission denied, a tool that failed. Never absence.
    Failed { message: String, hint: Option<String> },
}

impl Reading {
    pub fn one(look: &Look, state: State) -> Reading {
        Reading::States(vec![(look.id.clone(), state)])
    }

    pub fn failed(message: impl Into<String>) -> Reading {
        Reading::Failed { message: message.into(), hint: None }
    }
}

/// What is known of a fix before it is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It would fail, and why.
    Surely(String),
    /// Only a real run can tell: a program judges the new contents.
    Maybe(String),
}

/// What a fix or an action may disturb beside its own thing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Reach {
    #[default]
    Nothing,
    /// These things.
    Things(Vec<Id>),
    /// Things of these kinds that are not there now may come: a package brings paths, units and users.
    Absent(&'static [KindName]),
    /// Any thing of these kinds.
    Kinds(&'static [KindName]),
    /// Things of these kinds that are these folders or lie in them.
    Below(&'static [KindName], Vec<String>),
    /// Things of this kind that are patterns, where one that matches this path, or what lies below it, may come or go.
    Matched(KindName, String),
    /// What any of these hits.
    Any(Vec<Reach>),
    Everything,
}

impl Reach {
    /// Whether a thing in this state may be disturbed.
    pub fn hits(&self, id: &Id, now: &State) -> bool {
        match self {
            Reach::Nothing => false,
            Reach::Things(ids) => ids.contains(id),
            Reach::Absent(kinds) => now.is_none() && kinds.contains(&id.kind),
            Reach::Kinds(kinds) => kinds.contains(&id.kind),
            Reach::Below(kinds, folders) => kinds.contains(&id.kind) && folders.iter().any(|folder| lies_in(&id.name, folder)),
            Reach::Matched(kind, path) => id.kind == *kind && may_match(&id.name, path),
            Reach::Any(all) => all.iter().any(|reach| reach.hits(id, now)),
            Reach::Everything => true,
        }
    }
}

/// Whether a pattern may match a path or what lies below it, part by part. What else shells read in patterns matches all.
fn may_match(pattern: &str, path: &str) -> bool {
    if pattern.starts_with('~') || pattern.contains(['$', '\\']) {
        return true;
    }
    let mut parts = pattern.split('/').filter(|part| !part.is_empty());
    path.split('/').filter(|part| !part.is_empty()).all(|own| parts.next().is_some_and(|part| part_matches(part, own)))
}

fn part_matches(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let (rest, mut left) = (&pattern[first.len_utf8()..], text.chars());
    match first {
        '*' => text.char_indices().map(|(at, _)| &text[at..]).chain([""]).any(|end| part_matches(rest, end)),
        '[' => true,
        '?' => left.next().is_some() && part_matches(rest, left.as_str()),
        letter => left.next() == Some(letter) && part_matches(rest, left.as_str()),
    }
}

fn lies_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_reached_by_paths_that_may_match() {
        for (pattern, path, hit) in [
            ("/a/*.log", "/a/x.log", true),
            ("/a/*.log", "/a/x.txt", false),
            ("/a/*.log", "/a", true),
            ("/a/*.log", "/a/b/x.log", false),
            ("/a/?", "/a/ü", true),
            ("/a/x[12]", "/a/x1", true),
            ("/b/*", "/a/x", false),
            ("$HOME/x", "/a", true),
        ] {
            assert_eq!(Reach::Matched("glob", path.into()).hits(&Id::new("glob", pattern), &None), hit, "{pattern} {path}");
        }
    }
}
