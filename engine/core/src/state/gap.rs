//! The one comparison: what is against what is to be, field by field.

use std::borrow::Cow;

use super::thing::{Fields, Id, State};
use crate::text::Value;

/// A difference between what is and what is to be.
#[derive(Clone, PartialEq, Debug)]
pub struct Gap {
    pub id: Id,
    pub now: State,
    pub then: State,
    /// How a fix is to be made, not what is compared: `backup`, `validate`, `force`.
    pub how: Fields,
    pub changes: Vec<Change>,
}

/// One field that differs. `None`: the field is not there.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    pub field: Cow<'static, str>,
    pub now: Option<Value>,
    pub then: Option<Value>,
}

impl Gap {
    /// Compares only what `then` names. A thing that comes or goes changes in all its fields.
    pub fn between(id: &Id, now: &State, then: &State) -> Gap {
        let changes = match (now, then) {
            (None, None) => vec![],
            (Some(now), None) => now.iter().map(|(field, value)| change(field.clone(), Some(value), None)).collect(),
            (None, Some(then)) => then.iter().map(|(field, value)| change(field.clone(), None, Some(value))).collect(),
            (Some(now), Some(then)) => then
                .iter()
                .filter(|(field, value)| !equal(now.get(*field), value))
                .map(|(field, value)| change(field.clone(), now.get(field), Some(value)))
                .collect(),
        };
        Gap { id: id.clone(), now: now.clone(), then: then.clone(), how: Fields::new(), changes }
    }

    /// Whether all is as it is to be.
    pub fn is_closed(&self) -> bool {
        self.changes.is_empty() && self.now.is_some() == self.then.is_some()
    }

    pub fn creates(&self) -> bool {
        self.now.is_none() && self.then.is_some()
    }

    pub fn deletes(&self) -> bool {
        self.now.is_some() && self.then.is_none()
    }

    /// The new value of a field, if the gap is about it.
    pub fn change(&self, field: &str) -> Option<&Change> {
        self.changes.iter().find(|change| change.field == field)
    }

    /// What a field is to be, whether it differs or not.
    pub fn wanted(&self, field: &str) -> Option<&Value> {
        self.then.as_ref()?.get(field)
    }

    pub fn had(&self, field: &str) -> Option<&Value> {
        self.now.as_ref()?.get(field)
    }

    /// The thing as it will be once the gap is closed: what was, overlaid with what is to be.
    pub fn closed(&self) -> State {
        match (&self.now, &self.then) {
            (_, None) => None,
            (None, Some(then)) => Some(then.clone()),
            (Some(now), Some(then)) => {
                let mut all = now.clone();
                all.extend(then.iter().map(|(field, value)| (field.clone(), value.clone())));
                Some(all)
            }
        }
    }
}

fn change(field: Cow<'static, str>, now: Option<&Value>, then: Option<&Value>) -> Change {
    Change { field, now: now.cloned(), then: then.cloned() }
}

/// Null means "not there", so a field that is absent equals it. Marks of secrets do not count.
fn equal(now: Option<&Value>, then: &Value) -> bool {
    match (now.map(Value::plain), then.plain()) {
        (None, Value::Null) => true,
        (Some(now), then) => now == then,
        (None, _) => false,
    }
}
