//! Filters that treat lists as sets. Unlike Python's sets they keep the order in which items first stand.

use super::Filter;
use super::list::key;
use crate::text::template::{self as t, Call, Here, Outcome, read};
use crate::text::value::{Key, Value};

pub const FILTERS: &[Filter] = &[
    Filter::new("unique", "value case_sensitive attribute", unique),
    Filter::new("union", "value other", |call, _| distinct(call.items(0)?.iter().chain(call.items(1)?.iter()))),
    Filter::new("intersect", "value other", |call, _| within(call, true)),
    Filter::new("difference", "value other", |call, _| within(call, false)),
    Filter::new("symmetric_difference", "value other", symmetric),
];

/// A set of values that compares as Python does, quick for scalars.
#[derive(Default)]
struct Seen {
    keys: std::collections::HashSet<Key>,
    others: Vec<Value>,
}

impl Seen {
    fn contains(&self, value: &Value) -> Outcome<bool> {
        if let Some(key) = scalar_key(value) {
            return Ok(self.keys.contains(&key));
        }
        for other in &self.others {
            if t::equal(other, value)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether it is new.
    fn insert(&mut self, value: &Value) -> Outcome<bool> {
        t::usable(value)?;
        if let Some(key) = scalar_key(value) {
            return Ok(self.keys.insert(key));
        }
        let fresh = !self.contains(value)?;
        if fresh {
            self.others.push(value.clone());
        }
        Ok(fresh)
    }
}

/// Booleans and whole floats are equal to integers.
fn scalar_key(value: &Value) -> Option<Key> {
    match read(value) {
        Value::Bool(flag) => Some(Key::Int(i64::from(*flag))),
        Value::Float(float) if float.fract() == 0.0 && float.abs() < 9e15 => Some(Key::Int(*float as i64)),
        other => Key::from_value(other),
    }
}

fn distinct<'a>(items: impl Iterator<Item = &'a Value>) -> Outcome<Value> {
    let (mut seen, mut out) = (Seen::default(), vec![]);
    for item in items {
        if seen.insert(item)? {
            out.push(item.clone());
        }
    }
    Ok(Value::from(out))
}

fn unique(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let case = call.flag(1, false)?;
    let (mut seen, mut out) = (Seen::default(), vec![]);
    for item in call.items(0)?.iter() {
        if seen.insert(&key(item, call.given(2)?, case)?)? {
            out.push(item.clone());
        }
    }
    Ok(Value::from(out))
}

fn within(call: &Call<'_>, wanted: bool) -> Outcome<Value> {
    let (mut other, mut seen, mut out) = (Seen::default(), Seen::default(), vec![]);
    for item in call.items(1)?.iter() {
        other.insert(item)?;
    }
    for item in call.items(0)?.iter() {
        t::usable(item)?;
        if other.contains(item)? == wanted && seen.insert(item)? {
            out.push(item.clone());
        }
    }
    Ok(Value::from(out))
}

fn symmetric(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let (a, b) = (call.items(0)?, call.items(1)?);
    let (mut left, mut right) = (Seen::default(), Seen::default());
    for item in a.iter() {
        left.insert(item)?;
    }
    for item in b.iter() {
        right.insert(item)?;
    }
    let mut out = vec![];
    for (items, other) in [(&a, &right), (&b, &left)] {
        for item in items.iter() {
            if !other.contains(item)? {
                out.push(item.clone());
            }
        }
    }
    distinct(out.iter())
}
