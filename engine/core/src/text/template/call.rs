//! A call of a filter, test, lookup, method or function: its arguments by position or name.

use std::borrow::Cow;

use super::failure::{self, Outcome, fail};
use super::operators::{self, Number};
use super::{frame, python};
use crate::text::diagnostic::Diagnostic;
use crate::text::value::{Map, Value};

/// Arguments as they were given. The input of a filter or test is the first of them.
pub struct Call<'a> {
    pub name: &'a str,
    pub args: Vec<Value>,
    pub named: Map,
}

impl<'a> Call<'a> {
    pub fn new(name: &'a str, args: Vec<Value>, named: Map) -> Call<'a> {
        Call { name, args, named }
    }

    /// Puts named arguments in their places. `parameters` lists names by position; one that begins with `*` takes the rest,
    /// `**` any name.
    pub fn bind(mut self, parameters: &str) -> Outcome<Call<'a>> {
        let names: Vec<&str> = parameters.split_whitespace().collect();
        let any = names.iter().any(|name| name.starts_with("**"));
        let rest = names.iter().any(|name| name.starts_with('*') && !name.starts_with("**"));
        let positions: Vec<&str> = names.iter().copied().filter(|name| !name.starts_with('*')).collect();
        if self.args.len() > positions.len() && !rest {
            return fail(format!("`{}` takes at most {} arguments, and here are {}", self.name, positions.len(), self.args.len()));
        }
        let mut left = Map::new();
        for (key, value) in std::mem::take(&mut self.named) {
            let name = key.to_string();
            match positions.iter().position(|known| *known == name) {
                Some(at) if rest && self.args.len() <= at => drop(left.insert_key(key, value)),
                Some(at) => {
                    while self.args.len() <= at {
                        self.args.push(Value::Omit);
                    }
                    self.args[at] = value;
                }
                None if any => drop(left.insert_key(key, value)),
                None => {
                    let known = positions.iter().copied().skip(1);
                    return Err(Diagnostic::error(format!("`{}` has no argument `{name}`", self.name)).meant(&name, known).into());
                }
            }
        }
        self.named = left;
        Ok(self)
    }

    /// The argument at a position, if it was given.
    pub fn get(&self, at: usize) -> Option<&Value> {
        self.args.get(at).filter(|value| !matches!(value, Value::Omit))
    }

    /// The argument, which must be there and usable.
    pub fn need(&self, at: usize) -> Outcome<&Value> {
        match self.get(at) {
            Some(value) => {
                failure::usable(value)?;
                Ok(frame::read(value))
            }
            None => fail(format!("`{}` needs one more argument", self.name)),
        }
    }

    /// The argument, unless it is absent or none.
    pub fn given(&self, at: usize) -> Outcome<Option<&Value>> {
        let Some(value) = self.get(at) else { return Ok(None) };
        failure::usable(value)?;
        Ok(Some(frame::read(value)).filter(|value| !value.is_null()))
    }

    pub fn text(&self, at: usize) -> Outcome<Cow<'_, str>> {
        python::text(self.need(at)?)
    }

    pub fn text_or(&'a self, at: usize, default: &'a str) -> Outcome<Cow<'a, str>> {
        self.given(at)?.map_or(Ok(Cow::Borrowed(default)), python::text)
    }

    /// A string and nothing else: what Python's own functions on strings ask for.
    pub fn string(&self, at: usize) -> Outcome<&str> {
        let value = self.need(at)?;
        match value.as_str() {
            Some(text) => Ok(text),
            None => Err(Diagnostic::error(format!("`{}` takes a string, and this is {}", self.name, value.type_name()))
                .hint("use `| string`")
                .into()),
        }
    }

    pub fn int(&self, at: usize) -> Outcome<i64> {
        match self.given(at)?.and_then(operators::number) {
            Some(Number::Int(int)) => Ok(int),
            Some(Number::Float(float)) => Ok(float as i64),
            None => match self.given(at)?.and_then(Value::as_str).and_then(|text| text.trim().parse().ok()) {
                Some(int) => Ok(int),
                None => fail(format!("`{}` takes an integer here", self.name)),
            },
        }
    }

    pub fn int_or(&self, at: usize, default: i64) -> Outcome<i64> {
        if self.given(at)?.is_none() { Ok(default) } else { self.int(at) }
    }

    pub fn flag(&self, at: usize, default: bool) -> Outcome<bool> {
        match self.get(at) {
            Some(value) => operators::truth(value),
            None => Ok(default),
        }
    }

    /// The items of what can be looped over.
    pub fn items(&self, at: usize) -> Outcome<std::sync::Arc<Vec<Value>>> {
        operators::items(self.need(at)?)
    }

    pub fn map(&self, at: usize) -> Outcome<&Map> {
        let value = self.need(at)?;
        match value {
            Value::Map(map) => Ok(map),
            _ => fail(format!("`{}` takes a mapping, and this is {}", self.name, value.type_name())),
        }
    }

    /// A list; a mapping or a string is none.
    pub fn list(&self, at: usize) -> Outcome<&[Value]> {
        let value = self.need(at)?;
        match value {
            Value::List(items) => Ok(items),
            _ => fail(format!("`{}` takes a list, and this is {}", self.name, value.type_name())),
        }
    }
}

/// A value with everything in it read: without marks, without anything undefined or unknown.
pub fn exposed(value: &Value) -> Outcome<Value> {
    failure::usable(value)?;
    Ok(match frame::read(value) {
        Value::List(items) => Value::list(items.iter().map(exposed).collect::<Outcome<Vec<_>>>()?),
        Value::Map(map) => Value::from(map.iter().map(|(key, value)| Ok((key.clone(), exposed(value)?))).collect::<Outcome<Map>>()?),
        other => other.clone(),
    })
}
