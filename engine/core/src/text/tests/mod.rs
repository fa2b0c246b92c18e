//! Ansible's tests: what stands after `is`.

mod result;
mod version;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::control::Entry;
use super::filters::{regex, short};
use super::template::{self as t, Call, Failure, Here, Number, Outcome, fail, read};
use super::value::{Map, Value};

/// One test.
pub struct Test {
    pub name: &'static str,
    pub parameters: &'static str,
    run: fn(&Call<'_>, &Here<'_>) -> Outcome<bool>,
    lax: bool,
}

impl Test {
    const fn new(name: &'static str, parameters: &'static str, run: fn(&Call<'_>, &Here<'_>) -> Outcome<bool>) -> Test {
        Test { name, parameters, run, lax: false }
    }

    const fn lax(name: &'static str, run: fn(&Call<'_>, &Here<'_>) -> Outcome<bool>) -> Test {
        Test { name, parameters: "value", run, lax: true }
    }

    /// Whether it holds for the first of the arguments.
    pub fn holds(&self, args: Vec<Value>, named: Map, here: &Here<'_>) -> Outcome<bool> {
        let call = Call::new(self.name, args, named).bind(self.parameters)?;
        if !self.lax {
            call.args.iter().try_for_each(t::usable)?;
        }
        (self.run)(&call, here)
    }
}

fn undefined(call: &Call<'_>) -> bool {
    call.get(0).is_some_and(t::is_undefined)
}

fn kind(call: &Call<'_>, is: fn(&Value) -> bool) -> Outcome<bool> {
    Ok(is(call.need(0)?))
}

fn compare(call: &Call<'_>, op: &str) -> Outcome<bool> {
    t::compare(op, call.need(0)?, call.need(1)?)
}

fn divided(call: &Call<'_>, by: i64, rest: i64) -> Outcome<bool> {
    match t::number(call.need(0)?) {
        Some(Number::Int(int)) if by != 0 => Ok(int.rem_euclid(by) == rest),
        Some(Number::Float(float)) if by != 0 => Ok(float.rem_euclid(by as f64) == rest as f64),
        _ => fail(format!("`{}` takes a number", call.name)),
    }
}

fn pattern(call: &Call<'_>, how: &str) -> Outcome<bool> {
    regex::matches(call.need(0)?, &call.text_or(1, "")?, how, call.flag(2, false)?, call.flag(3, false)?)
}

/// Every item of the first list is in the second.
fn within(call: &Call<'_>, inner: usize, outer: usize) -> Outcome<bool> {
    let outer = call.need(outer)?;
    for item in call.items(inner)?.iter() {
        if !t::contains(outer, item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn truthy(call: &Call<'_>) -> Outcome<bool> {
    let value = call.need(0)?;
    if call.flag(1, false)?
        && let Some(text) = value.as_str()
    {
        match text.to_lowercase().as_str() {
            "y" | "yes" | "on" | "1" | "true" | "t" => return Ok(true),
            "n" | "no" | "off" | "0" | "false" | "f" => return Ok(false),
            _ => {}
        }
    }
    t::truth(value)
}

fn entry(call: &Call<'_>, here: &Here<'_>) -> Outcome<Option<Entry>> {
    Ok(here.templates.control.entry(&call.text(0)?))
}

/// The first items that are equal count; `all` and `any` of a list.
fn every(call: &Call<'_>, wanted: bool) -> Outcome<bool> {
    for item in call.items(0)?.iter() {
        if t::truth(item)? == wanted {
            return Ok(wanted);
        }
    }
    Ok(!wanted)
}

const PATTERN: &str = "value pattern ignorecase multiline";

const TESTS: &[Test] = &[
    Test::lax("defined", |call, _| Ok(!undefined(call))),
    Test::lax("undefined", |call, _| Ok(undefined(call))),
    Test::new("none", "value", |call, _| kind(call, Value::is_null)),
    Test::new("boolean", "value", |call, _| kind(call, |value| matches!(value, Value::Bool(_)))),
    Test::new("true", "value", |call, _| kind(call, |value| *value == Value::Bool(true))),
    Test::new("false", "value", |call, _| kind(call, |value| *value == Value::Bool(false))),
    Test::new("integer", "value", |call, _| kind(call, |value| matches!(value, Value::Int(_)))),
    Test::new("float", "value", |call, _| kind(call, |value| matches!(value, Value::Float(_)))),
    Test::new("number", "value", |call, _| kind(call, |value| matches!(value, Value::Int(_) | Value::Float(_) | Value::Bool(_)))),
    Test::new("string", "value", |call, _| kind(call, |value| value.as_str().is_some())),
    Test::new("mapping", "value", |call, _| kind(call, |value| matches!(value, Value::Map(_)))),
    Test::new("sequence", "value", |call, _| {
        kind(call, |value| matches!(value, Value::Map(_) | Value::List(_)) || value.as_str().is_some())
    }),
    Test::new("iterable", "value", |call, _| {
        kind(call, |value| matches!(value, Value::Map(_) | Value::List(_)) || value.as_str().is_some())
    }),
    Test::new("callable", "value", |_, _| Ok(false)),
    Test::new("truthy", "value convert_bool", |call, _| truthy(call)),
    Test::new("falsy", "value convert_bool", |call, _| truthy(call).map(|truth| !truth)),
    Test::new("eq", "value other", |call, _| compare(call, "==")),
    Test::new("equalto", "value other", |call, _| compare(call, "==")),
    Test::new("==", "value other", |call, _| compare(call, "==")),
    Test::new("ne", "value other", |call, _| compare(call, "!=")),
    Test::new("!=", "value other", |call, _| compare(call, "!=")),
    Test::new("lt", "value other", |call, _| compare(call, "<")),
    Test::new("lessthan", "value other", |call, _| compare(call, "<")),
    Test::new("<", "value other", |call, _| compare(call, "<")),
    Test::new("le", "value other", |call, _| compare(call, "<=")),
    Test::new("<=", "value other", |call, _| compare(call, "<=")),
    Test::new("gt", "value other", |call, _| compare(call, ">")),
    Test::new("greaterthan", "value other", |call, _| compare(call, ">")),
    Test::new(">", "value other", |call, _| compare(call, ">")),
    Test::new("ge", "value other", |call, _| compare(call, ">=")),
    Test::new(">=", "value other", |call, _| compare(call, ">=")),
    Test::new("in", "value container", |call, _| t::contains(call.need(1)?, call.need(0)?)),
    Test::new("contains", "value item", |call, _| t::contains(call.need(0)?, call.need(1)?)),
    Test::new("sameas", "value other", |call, _| {
        Ok(call.need(0)?.type_name() == call.need(1)?.type_name() && t::equal(call.need(0)?, call.need(1)?)?)
    }),
    Test::new("odd", "value", |call, _| divided(call, 2, 1)),
    Test::new("even", "value", |call, _| divided(call, 2, 0)),
    Test::new("divisibleby", "value number", |call, _| divided(call, call.int(1)?, 0)),
    Test::new("lower", "value", |call, _| Ok(cased(&call.text(0)?, char::is_lowercase, char::is_uppercase))),
    Test::new("upper", "value", |call, _| Ok(cased(&call.text(0)?, char::is_uppercase, char::is_lowercase))),
    Test::new("match", PATTERN, |call, _| pattern(call, "match")),
    Test::new("search", PATTERN, |call, _| pattern(call, "search")),
    Test::new("regex", "value pattern ignorecase multiline match_type", |call, _| pattern(call, &call.text_or(4, "search")?)),
    Test::new("subset", "value other", |call, _| within(call, 0, 1)),
    Test::new("issubset", "value other", |call, _| within(call, 0, 1)),
    Test::new("superset", "value other", |call, _| within(call, 1, 0)),
    Test::new("issuperset", "value other", |call, _| within(call, 1, 0)),
    Test::new("any", "value", |call, _| every(call, true)),
    Test::new("all", "value", |call, _| every(call, false)),
    Test::new("nan", "value", |call, _| kind(call, |value| matches!(value, Value::Float(float) if float.is_nan()))),
    Test::new("isnan", "value", |call, _| kind(call, |value| matches!(value, Value::Float(float) if float.is_nan()))),
    Test::new("abs", "value", |call, _| Ok(call.text(0)?.starts_with('/'))),
    Test::new("is_abs", "value", |call, _| Ok(call.text(0)?.starts_with('/'))),
    Test::new("exists", "value", |call, here| Ok(entry(call, here)?.is_some())),
    Test::new("file", "value", |call, here| Ok(entry(call, here)? == Some(Entry::File))),
    Test::new("is_file", "value", |call, here| Ok(entry(call, here)? == Some(Entry::File))),
    Test::new("directory", "value", |call, here| Ok(entry(call, here)? == Some(Entry::Folder))),
    Test::new("is_dir", "value", |call, here| Ok(entry(call, here)? == Some(Entry::Folder))),
    Test::new("same_file", "value other", same_file),
    Test::new("is_same_file", "value other", same_file),
    Test::new("link", "value", link),
    Test::new("is_link", "value", link),
    Test::new("url", "value schemes", |call, _| Ok(url(&call.text(0)?))),
    Test::new("uri", "value schemes", |call, _| Ok(url(&call.text(0)?))),
    Test::new("filter", "value", |call, _| Ok(super::filters::index(&call.text(0)?).is_some())),
    Test::new("test", "value", |call, _| Ok(index(&call.text(0)?).is_some())),
    Test::new("vault_encrypted", "value", |call, _| Ok(call.text(0)?.starts_with("$ANSIBLE_VAULT;"))),
    Test::new("version", "value version operator strict version_type", version::holds),
    Test::new("version_compare", "value version operator strict version_type", version::holds),
];

fn cased(text: &str, one: fn(char) -> bool, other: fn(char) -> bool) -> bool {
    text.chars().any(one) && !text.chars().any(other)
}

/// A control node is asked for entries with links followed: whether something is a link it cannot say.
fn link(call: &Call<'_>, here: &Here<'_>) -> Outcome<bool> {
    Ok(here.templates.control.is_link(&call.text(0)?))
}

/// Whether two paths of the control node lead to one file.
fn same_file(call: &Call<'_>, here: &Here<'_>) -> Outcome<bool> {
    let control = &here.templates.control;
    let (one, other) = (call.text(0)?, call.text(1)?);
    for path in [&one, &other] {
        if control.entry(path).is_none() {
            return fail(format!("there is no `{path}`"));
        }
    }
    Ok(control.identity(&one).is_some_and(|id| control.identity(&other) == Some(id)))
}

fn url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) && !rest.is_empty()
    })
}

static TABLE: LazyLock<Vec<&'static Test>> = LazyLock::new(|| TESTS.iter().chain(result::TESTS).collect());

static BY_NAME: LazyLock<HashMap<&'static str, usize>> =
    LazyLock::new(|| TABLE.iter().enumerate().map(|(at, test)| (test.name, at)).collect());

/// The number of a test, which compiled templates carry.
pub fn index(name: &str) -> Option<usize> {
    BY_NAME.get(short(name)).copied()
}

/// A test by its number.
pub fn get(index: usize) -> &'static Test {
    TABLE.get(index).copied().unwrap_or(&TESTS[0])
}

pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|test| test.name)
}

/// The flag of a task's result; a value that is no result is an error.
fn flag(call: &Call<'_>, name: &str) -> Outcome<bool> {
    let Value::Map(map) = call.need(0)? else {
        let message = format!("`{}` takes the result of a task, and this is {}", call.name, call.need(0)?.type_name());
        return Err(Failure::Fail(super::Diagnostic::error(message).hint("was it set by `register`?")));
    };
    match map.get(name) {
        Some(value) => t::truth(read(value)),
        None => Ok(false),
    }
}
