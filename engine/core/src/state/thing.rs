//! Things: what they are called, what is asked about them, and the flat fields that are their state.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::text::Value;

/// The name of a kind of thing, as its table has it: `path`, `package`, `unit`.
pub type KindName = &'static str;

/// A thing: its kind and its name among things of that kind.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    pub kind: KindName,
    pub name: Arc<str>,
}

impl Id {
    pub fn new(kind: KindName, name: impl Into<Arc<str>>) -> Id {
        Id { kind, name: name.into() }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The fields of a thing that exists, by name. Names are the kind's: `mode`, `owner`, `contents`.
pub type Fields = BTreeMap<Cow<'static, str>, Value>;

/// A thing as it is or is to be: its fields, or `None` where it does not exist. What is to be names only the fields
/// that somebody cares about.
pub type State = Option<Fields>;

/// What is to be known about a thing. The details are the kind's own words; looks at one thing are joined by joining
/// their details, so a detail only ever asks for more.
#[derive(Clone)]
pub struct Look {
    pub id: Id,
    pub detail: Detail,
    /// How the thing is to be, where a kind can only say how far it is from that by asking about both (a dry run). It may
    /// hold secrets, so it is neither compared nor shown.
    pub wanted: Option<Value>,
}

/// Words that ask for more than the plain state: `contents` → {`whole`}, `checksum` → {`sha1`}.
pub type Detail = BTreeMap<&'static str, BTreeSet<Cow<'static, str>>>;

impl Look {
    pub fn at(kind: KindName, name: impl Into<Arc<str>>) -> Look {
        Look::of(Id::new(kind, name))
    }

    pub fn of(id: Id) -> Look {
        Look { id, detail: Detail::new(), wanted: None }
    }

    /// Asks how far the thing is from this.
    pub fn wanting(mut self, wanted: Value) -> Look {
        self.wanted = Some(wanted);
        self
    }

    /// Asks for more.
    pub fn with(mut self, word: &'static str, what: impl Into<Cow<'static, str>>) -> Look {
        self.detail.entry(word).or_default().insert(what.into());
        self
    }

    pub fn asks(&self, word: &str, what: &str) -> bool {
        self.detail.get(word).is_some_and(|all| all.contains(what))
    }

    /// All that is asked for under one word.
    pub fn all<'a>(&'a self, word: &str) -> impl Iterator<Item = &'a str> {
        self.detail.get(word).into_iter().flatten().map(|what| &**what)
    }

    /// Adds what another look at the same thing asks for.
    pub fn join(&mut self, other: &Look) {
        for (word, whats) in &other.detail {
            self.detail.entry(word).or_default().extend(whats.iter().cloned());
        }
        // two tasks that want different things of one: the second asks again when its turn comes
        if self.wanted.is_none() {
            self.wanted.clone_from(&other.wanted);
        }
    }

    /// Whether an answer to this look answers the other, too.
    pub fn covers(&self, other: &Look) -> bool {
        let details = other.detail.iter().all(|(word, whats)| self.detail.get(word).is_some_and(|mine| whats.is_subset(mine)));
        self.id == other.id && details && (other.wanted.is_none() || self.wanted == other.wanted)
    }
}

impl PartialEq for Look {
    fn eq(&self, other: &Look) -> bool {
        (&self.id, &self.detail) == (&other.id, &other.detail)
    }
}

impl Eq for Look {}

impl PartialOrd for Look {
    fn partial_cmp(&self, other: &Look) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Look {
    fn cmp(&self, other: &Look) -> Ordering {
        (&self.id, &self.detail).cmp(&(&other.id, &other.detail))
    }
}

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.id, self.detail)
    }
}
