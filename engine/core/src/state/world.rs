//! The world of a target: its facts by identity, each with where it came from.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::gap::Gap;
use super::kind::Reach;
use super::thing::{Fields, Id, Look, State};
use crate::text::{Diagnostic, Unknown, Value};

/// What made a fact or a doubt: the task, as messages name it.
pub type Cause = Arc<Unknown>;

/// What is known of a thing.
#[derive(Clone, PartialEq, Debug)]
pub enum Fact {
    /// The target said so.
    Seen(State),
    /// A task that has not run makes it so.
    Predicted(State, Cause),
    /// A task that has not run may make it different; what was seen before, if it was.
    Unknown(Option<State>, Cause),
    /// The target could not say.
    Failed { message: String, hint: Option<String> },
}

/// Facts of one target as one user sees it.
#[derive(Clone, Default, Debug)]
pub struct World {
    facts: BTreeMap<Id, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    fact: Fact,
    /// What was asked to learn it; a look that asks for more is not answered by it.
    look: Option<Look>,
    /// As it was when first seen, for the net difference of a run.
    first: Option<State>,
}

impl World {
    pub fn get(&self, id: &Id) -> Option<&Fact> {
        self.facts.get(id).map(|entry| &entry.fact)
    }

    /// Whether this look needs no question: its answer is known or predicted.
    pub fn answers(&self, look: &Look) -> bool {
        self.facts.get(&look.id).is_some_and(|entry| match &entry.fact {
            Fact::Predicted(..) | Fact::Unknown(..) => true,
            Fact::Seen(_) | Fact::Failed { .. } => entry.look.as_ref().is_some_and(|asked| asked.covers(look)),
        })
    }

    /// The target said how a thing is.
    pub fn see(&mut self, look: &Look, id: &Id, state: State) {
        let asked = Look { id: id.clone(), detail: look.detail.clone() };
        let first = self.facts.get(id).and_then(|entry| entry.first.clone()).or_else(|| Some(state.clone()));
        self.facts.insert(id.clone(), Entry { fact: Fact::Seen(state), look: Some(asked), first });
    }

    /// The target could not say how a thing is.
    pub fn fail(&mut self, look: &Look, message: String, hint: Option<String>) {
        let first = self.facts.get(&look.id).and_then(|entry| entry.first.clone());
        self.facts.insert(look.id.clone(), Entry { fact: Fact::Failed { message, hint }, look: Some(look.clone()), first });
    }

    /// A task would close this gap.
    pub fn predict(&mut self, gap: &Gap, cause: &Cause) {
        let first = self.facts.get(&gap.id).and_then(|entry| entry.first.clone());
        let fact = Fact::Predicted(gap.closed(), cause.clone());
        self.facts.insert(gap.id.clone(), Entry { fact, look: None, first });
    }

    /// A task would disturb what its reach hits.
    pub fn disturb(&mut self, reach: &Reach, except: &[Id], cause: &Cause) {
        for (id, entry) in &mut self.facts {
            let Fact::Seen(now) = &entry.fact else { continue };
            if !except.contains(id) && reach.hits(id, now) {
                entry.fact = Fact::Unknown(Some(now.clone()), cause.clone());
            }
        }
    }

    /// What a fix or an action may have changed is no longer known.
    pub fn forget(&mut self, reach: &Reach, also: &[Id]) {
        for (id, entry) in &mut self.facts {
            let hit = match &entry.fact {
                Fact::Seen(now) | Fact::Predicted(now, _) => reach.hits(id, now),
                Fact::Unknown(..) | Fact::Failed { .. } => true,
            };
            if hit || also.contains(id) {
                entry.look = None;
                if let Fact::Predicted(now, _) | Fact::Unknown(Some(now), _) = &entry.fact {
                    entry.fact = Fact::Seen(now.clone());
                }
            }
        }
    }

    /// The looks that were asked and whose answers a reach disturbs: what to ask again.
    pub fn hit(&self, reach: &Reach) -> Vec<Look> {
        let hit =
            |entry: &&Entry| matches!(&entry.fact, Fact::Seen(now) if entry.look.as_ref().is_some_and(|look| reach.hits(&look.id, now)));
        self.facts.values().filter(hit).filter_map(|entry| entry.look.clone()).collect()
    }

    /// Things whose last state differs from how they were first seen: the net change of a run.
    pub fn net(&self) -> Vec<Gap> {
        let gap = |(id, entry): (&Id, &Entry)| {
            let (Fact::Seen(last) | Fact::Predicted(last, _)) = &entry.fact else { return None };
            let gap = Gap::between(id, entry.first.as_ref()?, last);
            (!gap.is_closed()).then_some(gap)
        };
        self.facts.iter().filter_map(gap).collect()
    }
}

/// Why a module cannot say what it wants.
#[derive(Clone, PartialEq, Debug)]
pub enum Halt {
    /// It depends on what only a real run could tell.
    Unknown(Cause),
    /// More must be known first: these looks are asked, and the module is asked again.
    Ask(Vec<Look>),
    Failed(Diagnostic),
}

impl From<Diagnostic> for Halt {
    fn from(diagnostic: Diagnostic) -> Halt {
        Halt::Failed(diagnostic)
    }
}

/// The world as a module may see it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    world: &'a World,
}

impl<'a> View<'a> {
    pub fn new(world: &'a World) -> View<'a> {
        View { world }
    }

    /// How a thing is or will be. `?` passes on that it is not known.
    pub fn state(&self, id: &Id) -> Result<&'a State, Halt> {
        match self.world.get(id) {
            Some(Fact::Seen(state) | Fact::Predicted(state, _)) => Ok(state),
            Some(Fact::Unknown(_, cause)) => Err(Halt::Unknown(cause.clone())),
            Some(Fact::Failed { message, hint }) => {
                let diagnostic = Diagnostic::error(message.clone());
                Err(Halt::Failed(hint.iter().fold(diagnostic, |diagnostic, hint| diagnostic.hint(hint.clone()))))
            }
            None => Err(Halt::Ask(vec![Look { id: id.clone(), detail: Default::default() }])),
        }
    }

    /// The fields of a thing, or nothing where it does not exist.
    pub fn fields(&self, id: &Id) -> Result<Option<&'a Fields>, Halt> {
        Ok(self.state(id)?.as_ref())
    }

    /// One field of a thing; `None` where the thing or the field does not exist.
    pub fn field(&self, id: &Id, field: &str) -> Result<Option<&'a Value>, Halt> {
        Ok(self.fields(id)?.and_then(|fields| fields.get(field)))
    }

    /// A state if it is known, also where it may change: for hints and results, not for decisions.
    pub fn seen(&self, id: &Id) -> Option<&'a State> {
        match self.world.get(id)? {
            Fact::Seen(state) | Fact::Predicted(state, _) | Fact::Unknown(Some(state), _) => Some(state),
            _ => None,
        }
    }
}
