//! Lists, maps and what has no counterpart in minijinja, as its objects. They are looked into when they are read, so that
//! only what is read is rendered and only its secrets count.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::Value as Jinja;
use minijinja::value::{Enumerator, Object, ObjectRepr, ValueKind};

use super::failure::{self, Failure, Lost, Outcome};
use super::frame::{self, Here};
use super::scope::{Scope, Scopes, Var};
use super::store;
use crate::text::diagnostic::Diagnostic;
use crate::text::value::{Key, Map, Value};
use crate::text::yaml::{Data, Node};

pub type Home = Option<Arc<dyn Scope + Send + Sync>>;

/// A value that minijinja holds for us.
pub struct Held {
    inner: Mutex<Inner>,
    /// Whose member it is, so that `x.items.append(1)` changes `x`.
    parent: Option<(Arc<Held>, Key)>,
    /// The scope that its templates are rendered in, where it is not the one of the render.
    home: Home,
}

#[derive(Clone)]
enum Inner {
    Value(Value),
    Raw(Node),
    Scopes(Arc<dyn Scopes>),
    /// All variables of a scope: `vars`, and what `hostvars` gives.
    Vars,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<held>")
    }
}

/// A value for minijinja; reading a scalar counts its marks.
pub fn give(value: &Value) -> Jinja {
    give_in(value, None)
}

fn give_in(value: &Value, parent: Option<(Arc<Held>, Key)>) -> Jinja {
    match frame::read(value) {
        Value::Null => Jinja::from(()),
        Value::Bool(flag) => Jinja::from(*flag),
        Value::Int(int) => Jinja::from(*int),
        Value::Float(float) => Jinja::from(*float),
        Value::Text(text) => Jinja::from(text.clone()),
        Value::Contents(contents) => match contents.here() {
            Some(inner) => give_in(inner, parent),
            None => Jinja::from_object(Held { inner: Mutex::new(Inner::Value(value.clone())), parent, home: None }),
        },
        other => Jinja::from_object(Held { inner: Mutex::new(Inner::Value(other.clone())), parent, home: None }),
    }
}

/// A variable for minijinja.
pub fn give_var(var: Var, home: &Home) -> Jinja {
    let inner = match var {
        Var::Value(value) => return give(&value),
        Var::Scopes(scopes) => Inner::Scopes(scopes),
        Var::Raw(node) => match &node.data {
            Data::Scalar(_) => return rendered(&node, home),
            _ => Inner::Raw(node),
        },
    };
    Jinja::from_object(Held { inner: Mutex::new(inner), parent: None, home: home.clone() })
}

/// All variables of a scope as a map.
pub fn give_vars(home: Home) -> Jinja {
    Jinja::from_object(Held { inner: Mutex::new(Inner::Vars), parent: None, home })
}

/// A value back from minijinja; what is lazy is rendered now.
pub fn take(jinja: &Jinja) -> Outcome<Value> {
    if let Some(held) = jinja.downcast_object::<Held>() {
        return held.value();
    }
    Ok(match jinja.kind() {
        ValueKind::Undefined => failure::undefined(Lost::new(Diagnostic::error("this is undefined"), String::new())),
        ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(jinja.is_true()),
        ValueKind::Number => match jinja.as_i64() {
            Some(int) if jinja.is_integer() => Value::Int(int),
            _ => Value::Float(f64::try_from(jinja.clone()).unwrap_or(f64::NAN)),
        },
        ValueKind::String => jinja.to_str().map_or(Value::Null, Value::Text),
        ValueKind::Bytes => Value::from_bytes(jinja.as_bytes().unwrap_or_default().to_vec()),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = jinja.try_iter().map_err(carried)?;
            Value::List(Arc::new(items.map(|item| take(&item)).collect::<Outcome<_>>()?))
        }
        ValueKind::Map => {
            let pairs = jinja.as_object().and_then(|object| object.try_iter_pairs()).into_iter().flatten();
            let pairs = pairs.map(|(key, value)| Ok((key_of(&take(&key)?)?, take(&value)?)));
            Value::Map(Arc::new(pairs.collect::<Outcome<Map>>()?))
        }
        ValueKind::Invalid => {
            return Err(jinja.get_attr("value").map_or_else(carried, |_| Failure::Fail(Diagnostic::error("an invalid value"))));
        }
        _ => Value::text(jinja.to_string()),
    })
}

/// The failure inside a minijinja error, with the innermost place that minijinja knows.
pub fn carried(error: minijinja::Error) -> Failure {
    let mut place = None;
    let mut last = &error;
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    let mut found = None;
    while let Some(inner) = next {
        if let Some(failure::Carried(failure)) = inner.downcast_ref() {
            found = Some(failure.clone());
            break;
        }
        if let Some(error) = inner.downcast_ref::<minijinja::Error>() {
            last = error;
            if let (Some(name), Some(range)) = (error.name(), error.range()) {
                place = Some((name.to_string(), range));
            }
        }
        next = inner.source();
    }
    let failure = found.unwrap_or_else(|| Failure::Fail(store::own_message(last)));
    match (failure, place) {
        (failure @ Failure::Placed(..), _) | (failure, None) => failure,
        (failure, Some((name, range))) => Failure::Placed(Box::new(failure), name, range),
    }
}

/// The key of a map that a value makes.
pub fn key_of(value: &Value) -> Outcome<Key> {
    failure::usable(value)?;
    match frame::read(value) {
        Value::Float(float) if float.fract() == 0.0 => Ok(Key::Int(*float as i64)),
        plain => match Key::from_value(plain) {
            Some(key) => Ok(key),
            None => failure::fail(format!("{} cannot be a key", plain.type_name())),
        },
    }
}

/// A scalar of a lazy tree.
fn rendered(node: &Node, home: &Home) -> Jinja {
    match in_home(home, |here| here.templates.node(node)) {
        Ok(value) => give(&value),
        Err(failure) => failed(failure),
    }
}

/// Something undefined is a value until it is used; what else failed ends the render.
pub fn failed(failure: Failure) -> Jinja {
    match failure {
        Failure::Undefined(lost) => give(&failure::undefined(lost)),
        Failure::Unknown(unknown) => give(&Value::Unknown(unknown)),
        failure => Jinja::from(minijinja::Error::from(failure)),
    }
}

/// Runs something in the scope that a lazy value belongs to.
fn in_home<T>(home: &Home, run: impl FnOnce(&Here<'_>) -> T) -> T {
    match home {
        None => frame::here(run),
        Some(scope) => frame::here(|outer| {
            let inner = Here { templates: outer.templates, scope: &**scope };
            frame::within(&inner, || run(&inner))
        }),
    }
}

impl Held {
    pub fn list(items: Vec<Value>) -> Jinja {
        give(&Value::from(items))
    }

    fn inner(&self) -> Inner {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The whole value.
    pub fn value(&self) -> Outcome<Value> {
        match self.inner() {
            Inner::Value(value) => Ok(value),
            Inner::Raw(node) => in_home(&self.home, |here| here.templates.soft(&node)),
            Inner::Vars => in_home(&self.home, |here| {
                let names = here.scope.names();
                let pairs = names
                    .iter()
                    .filter(|name| &***name != "vars")
                    .map(|name| Ok((Key::Text(name.clone()), take(&variable(name, &self.home))?)));
                Ok(Value::Map(Arc::new(pairs.collect::<Outcome<Map>>()?)))
            }),
            Inner::Scopes(scopes) => {
                let pairs = scopes.names().into_iter().filter_map(|name| {
                    let scope = scopes.get(&name)?;
                    Some(take(&give_vars(Some(scope))).map(|value| (Key::Text(name), value)))
                });
                Ok(Value::Map(Arc::new(pairs.collect::<Outcome<Map>>()?)))
            }
        }
    }

    /// A member, without rendering the rest.
    pub fn member(self: &Arc<Self>, key: &Value) -> Option<Jinja> {
        match self.inner() {
            Inner::Value(Value::Map(map)) => {
                let key = key_of(key).ok()?;
                let value = map.get_key(&key)?;
                Some(give_in(value, Some((self.clone(), key))))
            }
            Inner::Value(Value::List(items)) => {
                let at = index(key.as_int()?, items.len())?;
                Some(give_in(&items[at], Some((self.clone(), Key::Int(at as i64)))))
            }
            Inner::Value(_) => None,
            Inner::Raw(node) => {
                let child = match &node.data {
                    Data::Map(pairs) => {
                        let key = key_of(key).ok()?;
                        pairs.iter().find(|(name, _)| name.to_key() == key)?.1.clone()
                    }
                    Data::List(items) => items[index(key.as_int()?, items.len())?].clone(),
                    Data::Scalar(_) => return None,
                };
                Some(give_var(Var::Raw(child), &self.home))
            }
            Inner::Vars => {
                let name = key.as_str()?;
                let found = in_home(&self.home, |here| here.scope.get(name).is_some());
                found.then(|| in_home(&self.home, |_| variable(name, &self.home)))
            }
            Inner::Scopes(scopes) => scopes.get(key.as_str()?).map(|scope| give_vars(Some(scope))),
        }
    }

    /// The names of its members, for "did you mean".
    pub fn names(&self) -> Vec<String> {
        match self.inner() {
            Inner::Value(Value::Map(map)) => map.keys().map(Key::to_string).collect(),
            Inner::Raw(Node { data: Data::Map(pairs), .. }) => pairs.iter().map(|(key, _)| key.to_key().to_string()).collect(),
            Inner::Scopes(scopes) => scopes.names().iter().map(|name| name.to_string()).collect(),
            Inner::Vars => in_home(&self.home, |here| here.scope.names().iter().map(|name| name.to_string()).collect()),
            _ => vec![],
        }
    }

    pub fn is_map(&self) -> bool {
        matches!(self.inner(), Inner::Value(Value::Map(_)) | Inner::Raw(Node { data: Data::Map(_), .. }) | Inner::Vars | Inner::Scopes(_))
    }

    /// Puts another value in its place, also inside what it is a member of.
    pub fn put(&self, value: Value) -> Outcome<()> {
        if let Some((parent, key)) = &self.parent {
            let changed = match parent.value()? {
                Value::Map(mut map) => {
                    Arc::make_mut(&mut map).insert_key(key.clone(), value.clone());
                    Value::Map(map)
                }
                Value::List(mut items) => {
                    if let Key::Int(at) = key
                        && let Some(item) = Arc::make_mut(&mut items).get_mut(*at as usize)
                    {
                        *item = value.clone();
                    }
                    Value::List(items)
                }
                other => other,
            };
            parent.put(changed)?;
        }
        *self.inner.lock().unwrap_or_else(PoisonError::into_inner) = Inner::Value(value);
        Ok(())
    }

    /// Adds to a list in place; a loop that gathers thousands of items copies none.
    pub fn push(&self, item: Value) -> Outcome<()> {
        if self.parent.is_none()
            && let Inner::Value(Value::List(items)) = &mut *self.inner.lock().unwrap_or_else(PoisonError::into_inner)
        {
            Arc::make_mut(items).push(item);
            return Ok(());
        }
        match self.value()? {
            Value::List(mut items) => {
                Arc::make_mut(&mut items).push(item);
                self.put(Value::List(items))
            }
            _ => failure::fail("only a list can be appended to"),
        }
    }

    fn length(&self) -> Option<usize> {
        match self.inner() {
            Inner::Value(Value::Map(map)) => Some(map.len()),
            Inner::Value(Value::List(items)) => Some(items.len()),
            Inner::Raw(Node { data: Data::Map(pairs), .. }) => Some(pairs.len()),
            Inner::Raw(Node { data: Data::List(items), .. }) => Some(items.len()),
            Inner::Scopes(scopes) => Some(scopes.names().len()),
            Inner::Vars => Some(in_home(&self.home, |here| here.scope.names().len())),
            _ => None,
        }
    }

    /// Whether it is an element of a lazy tree, whose length is known without rendering.
    pub fn len(&self) -> Option<usize> {
        self.length()
    }
}

/// Python counts from the end where an index is negative.
pub fn index(at: i64, length: usize) -> Option<usize> {
    let at = if at < 0 { at.checked_add(i64::try_from(length).ok()?)? } else { at };
    usize::try_from(at).ok().filter(|at| *at < length)
}

/// A variable of the scope under way by its name, or something undefined.
pub fn variable(name: &str, home: &Home) -> Jinja {
    frame::here(|here| match here.scope.get(name) {
        None => failed(Failure::Undefined(lost_variable(name, here.scope))),
        Some(Var::Raw(node)) if node.as_scalar().is_some() => {
            let what = format!("while rendering variable `{name}`");
            let result = frame::named(name, || here.templates.node(&node));
            match result {
                Ok(value) => give(&value),
                Err(failure) => failed(failure.map(|diagnostic| diagnostic.at(&node.span).via(what, Some(&node.span)))),
            }
        }
        Some(var) => give_var(var, home),
    })
}

/// The value of a variable, or something undefined.
pub fn value_of(name: &str) -> Outcome<Value> {
    take(&variable(name, &None))
}

fn lost_variable(name: &str, scope: &dyn Scope) -> Lost {
    let names = scope.names();
    let diagnostic = Diagnostic::error(format!("there is no variable `{name}`")).meant(name, names.iter().map(|name| &**name));
    Lost::new(diagnostic, name.to_string())
}

impl Object for Held {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match self.inner() {
            Inner::Value(Value::List(_)) | Inner::Raw(Node { data: Data::List(_), .. }) => ObjectRepr::Seq,
            Inner::Value(_) if !self.is_map() => ObjectRepr::Plain,
            _ => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        self.member(&take(key).ok()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match (self.repr(), self.length()) {
            (ObjectRepr::Seq, Some(length)) => Enumerator::Seq(length),
            (ObjectRepr::Map, _) => {
                let keys = match self.inner() {
                    Inner::Value(Value::Map(map)) => map.keys().map(|key| give(&key.to_value())).collect(),
                    Inner::Raw(Node { data: Data::Map(pairs), .. }) => {
                        pairs.iter().map(|(key, _)| give(&key.to_key().to_value())).collect()
                    }
                    _ => self.names().into_iter().map(Jinja::from).collect(),
                };
                Enumerator::Values(keys)
            }
            _ => Enumerator::NonEnumerable,
        }
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        self.length()
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<held>")
    }
}
