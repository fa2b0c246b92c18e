//! `map`, `select` and their kin: a filter or test for each item.

use super::Filter;
use super::list::attribute;
use crate::text::diagnostic::Diagnostic;
use crate::text::template::{self as t, Call, Here, Outcome};
use crate::text::tests;
use crate::text::value::Value;

pub const FILTERS: &[Filter] = &[
    Filter::new("map", "value *args **named", map),
    Filter::new("select", "value *args **named", |call, here| choose(call, here, false, true)),
    Filter::new("reject", "value *args **named", |call, here| choose(call, here, false, false)),
    Filter::new("selectattr", "value *args **named", |call, here| choose(call, here, true, true)),
    Filter::new("rejectattr", "value *args **named", |call, here| choose(call, here, true, false)),
];

fn map(call: &Call<'_>, here: &Here<'_>) -> Outcome<Value> {
    let items = call.items(0)?;
    if let (Some(path), true) = (call.named.get("attribute"), call.args.len() == 1) {
        let mut out = Vec::with_capacity(items.len());
        for item in items.iter() {
            let found = attribute(item, path)?;
            out.push(match call.named.get("default") {
                Some(default) if t::is_undefined(&found) => default.clone(),
                _ => found,
            });
        }
        return Ok(Value::from(out));
    }
    let name = call.text(1)?;
    let Some(at) = super::index(&name) else {
        return Err(Diagnostic::error(format!("there is no filter `{name}`")).meant(&name, super::names()).into());
    };
    let filter = super::get(at);
    let mut out = Vec::with_capacity(items.len());
    for item in items.iter() {
        let args = [item.clone()].into_iter().chain(call.args[2..].iter().cloned()).collect();
        out.push(filter.apply(args, call.named.clone(), here)?);
    }
    Ok(Value::from(out))
}

fn choose(call: &Call<'_>, here: &Here<'_>, by_attribute: bool, wanted: bool) -> Outcome<Value> {
    let items = call.items(0)?;
    let skip = if by_attribute { 2 } else { 1 };
    let path = if by_attribute { Some(call.need(1)?) } else { None };
    let test = match call.get(skip) {
        Some(name) => {
            let name = t::python_text(name)?;
            match tests::index(&name) {
                Some(at) => Some(tests::get(at)),
                None => return Err(Diagnostic::error(format!("there is no test `{name}`")).meant(&name, tests::names()).into()),
            }
        }
        None => None,
    };
    let mut out = vec![];
    for item in items.iter() {
        let value = match path {
            Some(path) => attribute(item, path)?,
            None => item.clone(),
        };
        let holds = match test {
            Some(test) => {
                let args = [value].into_iter().chain(call.args.iter().skip(skip + 1).cloned()).collect();
                test.holds(args, call.named.clone(), here)?
            }
            None => t::truth(&value)?,
        };
        if holds == wanted {
            out.push(item.clone());
        }
    }
    Ok(Value::from(out))
}
