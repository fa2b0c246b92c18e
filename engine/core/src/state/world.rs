//! The world of a target: its facts by identity, each with where it came from.
//!
//! What was seen stays as it was seen; what tasks would make of it lies over it as a log of predictions and
//! disturbances, which can be cut back to any point.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::gap::Gap;
use super::kind::Reach;
use super::thing::{Fields, Id, KindName, Look, State};
use crate::text::{Diagnostic, Unknown, Value};

/// What made a fact or a doubt: the task, as messages name it.
pub type Cause = Arc<Unknown>;

/// As whom something was asked: the place of a user in the list of those that a target is talked to as. "Permission
/// denied" is a fact of one of them, not of the world.
pub type Asker = usize;

/// What is known of a thing.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Fact<'a> {
    /// The target said so.
    Seen(&'a State),
    /// A task that has not run makes it so.
    Predicted(&'a State, &'a Cause),
    /// A task that has not run may make it different from what was seen.
    May(&'a State, &'a Cause),
    /// The target could not say.
    Failed { message: &'a str, hint: Option<&'a str> },
}

#[derive(Clone, Default, Debug)]
pub struct World {
    seen: BTreeMap<(Asker, Id), Seen>,
    /// How each thing was when it was first seen, for the net difference of a run.
    first: BTreeMap<Id, State>,
    log: Vec<Entry>,
    predicted: HashMap<Id, Vec<usize>>,
}

#[derive(Clone, Debug)]
struct Seen {
    /// What was asked; `None` once a fix or action may have changed it.
    look: Option<Look>,
    fact: Result<State, (String, Option<String>)>,
}

#[derive(Clone, Debug)]
enum Entry {
    Predicted {
        id: Id,
        state: State,
        cause: Cause,
    },
    Disturbed {
        reach: Reach,
        cause: Cause,
    },
    /// What others than these see of things may be different.
    Veiled {
        reach: Reach,
        spared: Vec<Asker>,
        cause: Cause,
    },
    /// An action would run; who knows what it does. Counts for certainty only.
    Doubted {
        reach: Reach,
        cause: Cause,
    },
}

/// A point in the log of predictions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Point(usize);

impl World {
    pub fn get(&self, asker: Asker, id: &Id) -> Option<Fact<'_>> {
        if let Some(&at) = self.predicted.get(id).and_then(|all| all.last())
            && let Entry::Predicted { state, cause, .. } = &self.log[at]
        {
            return Some(match self.disturbed(asker, at + 1, id, state) {
                Some(cause) => Fact::May(state, cause),
                None => Fact::Predicted(state, cause),
            });
        }
        let seen = self.seen.get(&(asker, id.clone()))?;
        Some(match &seen.fact {
            Err((message, hint)) => Fact::Failed { message, hint: hint.as_deref() },
            Ok(state) => match self.disturbed(asker, 0, id, state) {
                Some(cause) => Fact::May(state, cause),
                None => Fact::Seen(state),
            },
        })
    }

    /// The first task from a point of the log on that may disturb a thing in this state.
    fn disturbed(&self, asker: Asker, from: usize, id: &Id, state: &State) -> Option<&Cause> {
        self.log[from..].iter().find_map(|entry| match entry {
            Entry::Disturbed { reach, cause } if reach.hits(id, state) => Some(cause),
            Entry::Veiled { reach, spared, cause } if !spared.contains(&asker) && reach.hits(id, state) => Some(cause),
            _ => None,
        })
    }

    /// The action that stands between what was seen of a thing and now, if one does.
    pub fn doubt(&self, asker: Asker, id: &Id) -> Option<&Cause> {
        let (from, state) = match self.predicted.get(id).and_then(|all| all.last()) {
            Some(&at) => match &self.log[at] {
                Entry::Predicted { state, .. } => (at + 1, state),
                _ => return None,
            },
            None => (0, self.seen.get(&(asker, id.clone()))?.fact.as_ref().ok()?),
        };
        self.log[from..].iter().find_map(|entry| match entry {
            Entry::Doubted { reach, cause } if reach.hits(id, state) => Some(cause),
            _ => None,
        })
    }

    /// Whether what was seen of a thing was seen after all that may have changed it.
    pub fn is_fresh(&self, asker: Asker, id: &Id) -> bool {
        self.seen.get(&(asker, id.clone())).is_some_and(|seen| seen.look.is_some())
    }

    /// Whether this look needs no question: its answer is known or predicted. A prediction knows no more of a thing than
    /// was asked before it, so a look for more than the plain state is asked also then.
    pub fn answers(&self, asker: Asker, look: &Look) -> bool {
        let covered =
            self.seen.get(&(asker, look.id.clone())).is_some_and(|seen| seen.look.as_ref().is_some_and(|asked| asked.covers(look)));
        covered || (look.detail.is_empty() && self.predicted.get(&look.id).is_some_and(|all| !all.is_empty()))
    }

    /// The target said how a thing is.
    pub fn see(&mut self, asker: Asker, look: &Look, id: &Id, state: State) {
        // a link tells of what it leads to, but not all that was asked about that: what is known stays
        if look.id != *id
            && let Some(seen) = self.seen.get_mut(&(asker, id.clone()))
            && seen.look.is_some()
            && let (Ok(Some(known)), Some(state)) = (&mut seen.fact, &state)
        {
            known.extend(state.iter().map(|(field, value)| (field.clone(), value.clone())));
            return;
        }
        let wanted = look.wanted.clone().filter(|_| look.id == *id);
        let asked = Look { id: id.clone(), detail: look.detail.clone(), wanted };
        self.first.entry(id.clone()).or_insert_with(|| state.clone());
        self.fill(id, &state);
        self.seen.insert((asker, id.clone()), Seen { look: Some(asked), fact: Ok(state) });
    }

    /// What a prediction does not speak of is as it is seen, until it is foretold to go.
    fn fill(&mut self, id: &Id, seen: &State) {
        let Some(seen) = seen else { return };
        for &at in self.predicted.get(id).into_iter().flatten() {
            match &mut self.log[at] {
                Entry::Predicted { state: Some(fields), .. } => {
                    for (field, value) in seen {
                        fields.entry(field.clone()).or_insert_with(|| value.clone());
                    }
                }
                _ => return,
            }
        }
    }

    /// The target could not say how a thing is.
    pub fn fail(&mut self, asker: Asker, look: &Look, message: String, hint: Option<String>) {
        self.seen.insert((asker, look.id.clone()), Seen { look: Some(look.clone()), fact: Err((message, hint)) });
    }

    /// A task would close this gap.
    pub fn predict(&mut self, gap: &Gap, cause: &Cause) {
        self.foretell(gap.id.clone(), gap.closed(), cause);
    }

    /// A thing would be so, because of a task.
    pub fn foretell(&mut self, id: Id, state: State, cause: &Cause) {
        self.predicted.entry(id.clone()).or_default().push(self.log.len());
        self.log.push(Entry::Predicted { id, state, cause: cause.clone() });
    }

    /// A task would hide what its reach hits from other users, or show it to them; not from those who see all.
    pub fn veil(&mut self, reach: Reach, spared: Vec<Asker>, cause: &Cause) {
        if reach != Reach::Nothing {
            self.log.push(Entry::Veiled { reach, spared, cause: cause.clone() });
        }
    }

    /// A task would disturb what its reach hits.
    pub fn disturb(&mut self, reach: Reach, cause: &Cause) {
        if reach != Reach::Nothing {
            self.log.push(Entry::Disturbed { reach, cause: cause.clone() });
        }
    }

    /// An action would run.
    pub fn doubt_all(&mut self, reach: Reach, cause: &Cause) {
        if reach != Reach::Nothing {
            self.log.push(Entry::Doubted { reach, cause: cause.clone() });
        }
    }

    /// Whether no task would change anything yet.
    pub fn is_pristine(&self) -> bool {
        self.log.is_empty()
    }

    /// The world without what tasks would make of it, for a task that runs where others are only looked at.
    pub fn as_seen(&self) -> World {
        World { seen: self.seen.clone(), first: self.first.clone(), ..World::default() }
    }

    pub fn point(&self) -> Point {
        Point(self.log.len())
    }

    /// Takes back all predictions after a point.
    pub fn cut(&mut self, point: Point) {
        for entry in self.log.drain(point.0..) {
            if let Entry::Predicted { id, .. } = entry
                && let Some(all) = self.predicted.get_mut(&id)
            {
                all.pop();
            }
        }
    }

    /// What a fix or an action may have changed must be asked again.
    pub fn forget(&mut self, reach: &Reach, also: &[Id]) {
        for ((_, id), seen) in &mut self.seen {
            if also.contains(id) || seen.fact.as_ref().map_or(true, |state| reach.hits(id, state)) {
                seen.look = None;
            }
        }
    }

    /// The looks whose answers are to be asked again, of those that were asked once.
    pub fn hit(&self, asker: Asker, reach: &Reach) -> Vec<Look> {
        let hit = |((who, id), seen): (&(Asker, Id), &Seen)| {
            let state = seen.fact.as_ref().ok()?;
            (*who == asker && reach.hits(id, state)).then(|| seen.look.clone())?
        };
        self.seen.iter().filter_map(hit).collect()
    }

    /// Things that several tasks would change and that end as they are: who changes them. Each run would do so again.
    pub fn fights(&self) -> Vec<(&Id, Vec<&Cause>)> {
        let fight = |(id, all): (&'_ Id, &Vec<usize>)| {
            let Some(Entry::Predicted { state: last, .. }) = all.last().map(|&at| &self.log[at]) else { return None };
            let ends_as_it_is = self.first.get(id).is_some_and(|first| Gap::between(id, first, last).is_closed());
            (all.len() > 1 && ends_as_it_is).then_some(())
        };
        let causes = |all: &Vec<usize>| {
            let cause = |at: &usize| match &self.log[*at] {
                Entry::Predicted { cause, .. } => Some(cause),
                _ => None,
            };
            all.iter().filter_map(cause).collect::<Vec<_>>()
        };
        let mut fights: Vec<_> =
            self.predicted.iter().filter(|(id, all)| fight((id, all)).is_some()).map(|(id, all)| (id, causes(all))).collect();
        fights.sort_by_key(|(id, _)| (*id).clone());
        fights
    }

    /// Things whose last state differs from how they were first seen: the net change of a run.
    pub fn net(&self) -> Vec<Gap> {
        let askers = self.seen.keys().next_back().map_or(0, |(asker, _)| asker + 1);
        let seen = |id: &Id| (0..askers).find_map(|asker| self.seen.get(&(asker, id.clone())));
        let gap = |(id, first): (&Id, &State)| {
            let last = match self.predicted.get(id).and_then(|all| all.last()).map(|&at| &self.log[at]) {
                Some(Entry::Predicted { state, .. }) => state,
                _ => seen(id).and_then(|seen| seen.fact.as_ref().ok())?,
            };
            let gap = Gap::between(id, first, last);
            (!gap.is_closed()).then_some(gap)
        };
        self.first.iter().filter_map(gap).collect()
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
    asker: Asker,
}

impl<'a> View<'a> {
    pub fn new(world: &'a World, asker: Asker) -> View<'a> {
        View { world, asker }
    }

    /// How a thing is or will be. `?` passes on that it is not known.
    pub fn state(&self, id: &Id) -> Result<&'a State, Halt> {
        match self.world.get(self.asker, id) {
            Some(Fact::Seen(state) | Fact::Predicted(state, _)) => Ok(state),
            Some(Fact::May(_, cause)) => Err(Halt::Unknown(cause.clone())),
            Some(Fact::Failed { message, hint }) => {
                let diagnostic = Diagnostic::error(message);
                Err(Halt::Failed(hint.iter().fold(diagnostic, |diagnostic, hint| diagnostic.hint(*hint))))
            }
            None => Err(Halt::Ask(vec![Look::of(id.clone())])),
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

    /// All things of a kind of which something is known; where a task would make or remove one, with that task.
    pub fn known(&self, kind: KindName) -> Vec<(&'a Id, &'a State, Option<&'a Cause>)> {
        let seen = self.world.seen.keys().filter(|(asker, _)| *asker == self.asker).map(|(_, id)| id);
        let ids: BTreeSet<&Id> = seen.chain(self.world.predicted.keys()).filter(|id| id.kind == kind).collect();
        let known = |id: &'a Id| match self.world.get(self.asker, id)? {
            Fact::Seen(state) => Some((id, state, None)),
            Fact::Predicted(state, cause) | Fact::May(state, cause) => Some((id, state, Some(cause))),
            Fact::Failed { .. } => None,
        };
        ids.into_iter().filter_map(known).collect()
    }

    /// Whether what is known of a thing answers this look and is not older than what may have changed it.
    pub fn answers(&self, look: &Look) -> bool {
        self.world.answers(self.asker, look)
    }

    /// How a thing is, also where a task before it may make it different: for fixes that do no harm where they were not
    /// needed. The engine still tells that the gap is not sure.
    pub fn likely(&self, id: &Id) -> Result<&'a State, Halt> {
        match self.seen(id) {
            Some(state) => Ok(state),
            None => self.state(id),
        }
    }

    /// That nothing is to be done is only said of what is known: not of a thing that a task before may make different.
    pub fn sure(&self, id: &Id, then: &State) -> Result<(), Halt> {
        if Gap::between(id, self.likely(id)?, then).is_closed() {
            self.state(id)?;
        }
        Ok(())
    }

    /// A state that was seen, and that no task before would change: for what is foretold of a thing beside that task's own.
    pub fn observed(&self, id: &Id) -> Option<&'a State> {
        match self.world.get(self.asker, id)? {
            Fact::Seen(state) if self.world.doubt(self.asker, id).is_none() => Some(state),
            _ => None,
        }
    }

    /// A state if it is known, also where it may change: for hints and results, not for decisions.
    pub fn seen(&self, id: &Id) -> Option<&'a State> {
        match self.world.get(self.asker, id)? {
            Fact::Seen(state) | Fact::Predicted(state, _) | Fact::May(state, _) => Some(state),
            Fact::Failed { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&'static str, &str)]) -> State {
        Some(pairs.iter().map(|(name, text)| ((*name).into(), Value::text(*text))).collect())
    }

    /// `file: mode=0600`, and then `lineinfile`, which wants the contents too.
    #[test]
    fn more_is_asked_of_what_is_predicted() {
        let (mut world, cause) = (World::default(), Arc::new(Unknown { because: "a task".into(), span: None }));
        let plain = Look::at("path", "/f");
        let whole = plain.clone().with("contents", "whole");
        world.see(0, &plain, &plain.id, fields(&[("mode", "0644")]));
        let then = fields(&[("mode", "0600")]);
        world.predict(&Gap::between(&plain.id, &fields(&[("mode", "0644")]), &then), &cause);
        assert!(world.answers(0, &plain) && !world.answers(0, &whole));
        world.see(0, &whole, &plain.id, fields(&[("mode", "0644"), ("contents", "x")]));
        assert!(world.answers(0, &whole));
        let both = fields(&[("mode", "0600"), ("contents", "x")]);
        assert_eq!(world.get(0, &plain.id), Some(Fact::Predicted(&both, &cause)));
    }

    #[test]
    fn what_is_made_anew_has_nothing_of_the_old() {
        let (mut world, cause) = (World::default(), Arc::new(Unknown { because: "a task".into(), span: None }));
        let whole = Look::at("path", "/f").with("contents", "whole");
        let old = fields(&[("mode", "0644"), ("contents", "x")]);
        world.predict(&Gap::between(&whole.id, &old, &None), &cause);
        world.predict(&Gap::between(&whole.id, &None, &fields(&[("mode", "0600")])), &cause);
        world.see(0, &whole, &whole.id, old);
        let new = fields(&[("mode", "0600")]);
        assert_eq!(world.get(0, &whole.id), Some(Fact::Predicted(&new, &cause)));
    }
}
