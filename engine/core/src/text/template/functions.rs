//! The functions that every template may call: `lookup`, `query`, `range`, `now`, `dict`, …

use std::sync::Arc;
use std::sync::Mutex;

use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{Error, State, Value as Jinja};

use super::call::Call;
use super::failure::{self, Lost, Outcome, fail};
use super::frame::Here;
use super::held::{self, Held, give};
use super::scope::{Scope, Search, Var};
use super::settings::Settings;
use super::{frame, machine, operators, python};
use crate::text::diagnostic::Diagnostic;
use crate::text::source::Source;
use crate::text::value::{Map, Value};
use crate::text::{filters, lookups};

type Run = fn(&mut State<'_, '_>, &[Jinja]) -> Outcome<Jinja>;

pub const GLOBALS: &[(&str, Run)] = &[
    ("lookup", |_, args| look_up("lookup", args)),
    ("query", |_, args| look_up("query", args)),
    ("q", |_, args| look_up("q", args)),
    ("range", |_, args| bound("range", "start stop step", args, range)),
    ("dict", |_, args| bound("dict", "pairs **", args, dict)),
    ("now", |_, args| bound("now", "utc fmt", args, now)),
    ("undef", |_, args| bound("undef", "hint", args, undef)),
    ("cycler", |_, args| {
        let (items, _) = machine::split(args)?;
        Ok(Jinja::from_object(Cycler { items, at: Mutex::new(0) }))
    }),
    ("joiner", |_, args| {
        let (args, _) = machine::split(args)?;
        let text = args.first().map_or(Ok(", ".into()), |text| python::text(text).map(|text| text.into_owned()))?;
        Ok(Jinja::from_object(Joiner { text, used: Mutex::new(false) }))
    }),
];

pub fn is_global(name: &str) -> bool {
    name == "namespace" || GLOBALS.iter().any(|(known, _)| *known == name)
}

pub fn names() -> impl Iterator<Item = &'static str> {
    GLOBALS.iter().map(|(name, _)| *name).chain(["namespace"])
}

fn bound(name: &str, parameters: &str, args: &[Jinja], run: fn(&Call<'_>) -> Outcome<Value>) -> Outcome<Jinja> {
    let (args, named) = machine::split(args)?;
    Ok(give(&run(&Call::new(name, args, named).bind(parameters)?)?))
}

fn range(call: &Call<'_>) -> Outcome<Value> {
    let (start, stop) = if call.get(1).is_some() { (call.int(0)?, call.int(1)?) } else { (0, call.int(0)?) };
    let step = call.int_or(2, 1)?;
    if step == 0 {
        return fail("the step of `range` cannot be zero");
    }
    if (i128::from(stop) - i128::from(start)) / i128::from(step) > 10_000_000 {
        return fail("`range` has over ten million items");
    }
    let mut out = vec![];
    let mut at = start;
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        out.push(Value::Int(at));
        at += step;
    }
    Ok(Value::from(out))
}

fn dict(call: &Call<'_>) -> Outcome<Value> {
    let mut map = Map::new();
    match call.given(0)? {
        Some(Value::Map(pairs)) => map = (**pairs).clone(),
        Some(pairs) => {
            for pair in operators::items(pairs)?.iter() {
                match &operators::items(pair)?[..] {
                    [key, value] => drop(map.insert_key(held::key_of(key)?, value.clone())),
                    _ => return fail("`dict` takes pairs"),
                }
            }
        }
        None => {}
    }
    map.extend(call.named.clone());
    Ok(Value::from(map))
}

fn now(call: &Call<'_>) -> Outcome<Value> {
    let format = call.given(1)?.map(python::text).transpose()?;
    let utc = call.flag(0, false)?;
    let (seconds, nanoseconds) = frame::here(|here| here.templates.control.now());
    filters::time::now(seconds, nanoseconds, utc, format.as_deref())
}

fn undef(call: &Call<'_>) -> Outcome<Value> {
    let message = call.given(0)?.map(python::text).transpose()?;
    let diagnostic = Diagnostic::error(message.as_deref().unwrap_or("this is undefined on purpose").to_string());
    Ok(failure::undefined(Lost::new(diagnostic, String::new())))
}

/// `lookup` gives text, joined with commas, or the only item; `query` the list.
fn look_up(function: &str, args: &[Jinja]) -> Outcome<Jinja> {
    let (mut args, mut named) = machine::split(args)?;
    if args.is_empty() {
        return fail(format!("`{function}` needs the name of a lookup"));
    }
    let name = args.remove(0);
    failure::usable(&name)?;
    let name = python::text(&name)?.into_owned();
    let mut option = |name: &str| named.remove(name).map(|value| operators::truth(&value)).transpose();
    let wanted = option("wantlist")?.unwrap_or(function != "lookup");
    let errors = named.remove("errors").map(|value| python::text(&value).map(|text| text.into_owned())).transpose()?;
    let found = frame::here(|here| lookups::run(&name, args, named, here));
    let found = match (found, errors.as_deref()) {
        (Err(failure::Failure::Fail(_)), Some("ignore" | "warn")) => return Ok(if wanted { Held::list(vec![]) } else { Jinja::from(()) }),
        (found, _) => found?,
    };
    if wanted {
        return Ok(Held::list(found));
    }
    if let [only] = &found[..] {
        return Ok(give(only));
    }
    if found.is_empty() {
        return Ok(Held::list(vec![]));
    }
    let texts = found.iter().map(|item| match frame::read(item) {
        Value::Text(_) => Ok(Some(python::text(item)?.into_owned())),
        _ => Ok(None),
    });
    match texts.collect::<Outcome<Option<Vec<String>>>>()? {
        Some(texts) => Ok(Jinja::from(texts.join(","))),
        None => Ok(Held::list(found)),
    }
}

/// `cycler('a', 'b')`
#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    at: Mutex<usize>,
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let at = *self.at.lock().ok()?;
        (key.as_str() == Some("current")).then(|| self.items.get(at).map(give)).flatten()
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, _: &[Jinja]) -> Result<Jinja, Error> {
        let Ok(mut at) = self.at.lock() else { return Ok(Jinja::from(())) };
        match method {
            "next" => {
                let item = self.items.get(*at).map_or_else(|| Jinja::from(()), give);
                *at = (*at + 1) % self.items.len().max(1);
                Ok(item)
            }
            "reset" => {
                *at = 0;
                Ok(Jinja::from(()))
            }
            _ => Err(Error::from(minijinja::ErrorKind::UnknownMethod)),
        }
    }
}

/// `joiner(', ')`: empty the first time.
#[derive(Debug)]
struct Joiner {
    text: String,
    used: Mutex<bool>,
}

impl Object for Joiner {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Jinja]) -> Result<Jinja, Error> {
        let Ok(mut used) = self.used.lock() else { return Ok(Jinja::from("")) };
        Ok(Jinja::from(if std::mem::replace(&mut *used, true) { self.text.as_str() } else { "" }))
    }
}

/// A scope with a few more variables before another's.
struct More<'a> {
    first: Map,
    then: &'a dyn Scope,
}

impl Scope for More<'_> {
    fn get(&self, name: &str) -> Option<Var> {
        self.first.get(name).map(|value| Var::Value(value.clone())).or_else(|| self.then.get(name))
    }

    fn names(&self) -> Vec<Arc<str>> {
        let more = self.first.keys().filter_map(|key| key.as_str().map(Arc::from));
        self.then.names().into_iter().chain(more).collect()
    }

    fn search(&self, kind: Search, name: &str) -> Vec<String> {
        self.then.search(kind, name)
    }

    fn origin(&self) -> Option<String> {
        self.then.origin()
    }
}

/// A template file with a few more variables.
pub fn file_with(here: &Here<'_>, source: &Arc<Source>, settings: &Settings, first: Map) -> Outcome<Value> {
    let scope = More { first, then: here.scope };
    let inner = Here { templates: here.templates, scope: &scope };
    frame::within(&inner, || here.templates.file_in(source, settings))
}
