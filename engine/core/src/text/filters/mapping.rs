//! Filters on mappings.

use std::sync::Arc;

use super::Filter;
use super::list::{attribute, flattened, member};
use crate::text::diagnostic::Diagnostic;
use crate::text::template::{self as t, Call, Here, Outcome, fail, read};
use crate::text::value::{Key, Map, Value};

pub const FILTERS: &[Filter] = &[
    Filter::new("combine", "value *others **", combine),
    Filter::new("dict2items", "value key_name value_name", dict2items),
    Filter::new("items2dict", "value key_name value_name", items2dict),
    Filter::new("items", "value", |call, _| {
        Ok(Value::list(call.map(0)?.iter().map(|(key, value)| Value::list([key.to_value(), value.clone()]))))
    }),
    Filter::new("dictsort", "value case_sensitive by reverse", dictsort),
    Filter::new("dict", "value", |call, _| pairs(&call.items(0)?)),
    Filter::new("subelements", "value subelements skip_missing", subelements),
    Filter::lax("extract", "value container morekeys", extract),
    Filter::new("attr", "value name", |call, _| attribute(call.need(0)?, call.need(1)?)),
    Filter::new("rekey_on_member", "value key duplicates", rekey),
    Filter::new("dict_kv", "value key", |call, _| Ok(Value::map([(call.text(1)?.to_string(), call.need(0)?.clone())]))),
    Filter::new("keep_keys", "value target matching_parameter", |call, _| keys(call, true)),
    Filter::new("remove_keys", "value target matching_parameter", |call, _| keys(call, false)),
];

fn combine(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let recursive = call.named.get("recursive").map_or(Ok(false), t::truth)?;
    let list_merge = call.named.get("list_merge").map_or(Ok("replace".into()), t::python_text)?;
    if let Some(key) = call.named.keys().find(|key| !matches!(key.as_str(), Some("recursive" | "list_merge"))) {
        let name = key.to_string();
        return Err(Diagnostic::error(format!("`combine` has no argument `{name}`")).meant(&name, ["recursive", "list_merge"]).into());
    }
    let known = ["replace", "keep", "append", "prepend", "append_rp", "prepend_rp"];
    if !known.contains(&&*list_merge) {
        return Err(Diagnostic::error(format!("`list_merge` cannot be `{list_merge}`"))
            .meant(&list_merge, known)
            .hint(format!("one of {}", known.join(", ")))
            .into());
    }
    let mut maps = flattened(&call.args, 1).into_iter();
    let Some(mut result) = maps.next() else { return Ok(Value::from(Map::new())) };
    t::usable(&result)?;
    for map in maps {
        result = merged(&result, &map, recursive, &list_merge)?;
    }
    Ok(result)
}

/// The second mapping over the first.
pub fn merged(low: &Value, high: &Value, recursive: bool, list_merge: &str) -> Outcome<Value> {
    t::usable(low)?;
    t::usable(high)?;
    let (Value::Map(base), Value::Map(patch)) = (read(low), read(high)) else {
        let wrong = if read(low).as_map().is_none() { low } else { high };
        return fail(format!("only mappings can be combined, and here is {}", wrong.type_name()));
    };
    let mut out = (**base).clone();
    for (key, value) in patch.iter() {
        let joined = match (out.get_key(key).map(Value::plain), value.plain()) {
            (Some(Value::Map(_)), Value::Map(_)) if recursive => {
                let have = out.get_key(key).cloned().unwrap_or_default();
                merged(&have, value, true, list_merge)?
            }
            (Some(Value::List(have)), Value::List(more)) => lists(have, more, list_merge)?.unwrap_or_else(|| value.clone()),
            _ => value.clone(),
        };
        out.insert_key(key.clone(), joined);
    }
    Ok(Value::from(out))
}

fn lists(low: &Arc<Vec<Value>>, high: &Arc<Vec<Value>>, list_merge: &str) -> Outcome<Option<Value>> {
    let without = |items: &[Value], other: &[Value]| -> Outcome<Vec<Value>> {
        let mut out = vec![];
        for item in items {
            if !t::contains(&Value::from(other.to_vec()), item)? {
                out.push(item.clone());
            }
        }
        Ok(out)
    };
    Ok(Some(Value::from(match list_merge {
        "keep" => low.to_vec(),
        "append" => [&low[..], &high[..]].concat(),
        "prepend" => [&high[..], &low[..]].concat(),
        "append_rp" => [without(low, high)?, high.to_vec()].concat(),
        "prepend_rp" => [high.to_vec(), without(low, high)?].concat(),
        _ => return Ok(None),
    })))
}

fn dict2items(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let (key_name, value_name) = (call.text_or(1, "key")?.to_string(), call.text_or(2, "value")?.to_string());
    let item = |(key, value): (&Key, &Value)| Value::map([(key_name.clone(), key.to_value()), (value_name.clone(), value.clone())]);
    Ok(Value::list(call.map(0)?.iter().map(item)))
}

fn items2dict(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let (key_name, value_name) = (call.text_or(1, "key")?, call.text_or(2, "value")?);
    let mut map = Map::new();
    for item in call.list(0)? {
        t::usable(item)?;
        let plain = read(item);
        let (Some(key), Some(value)) = (plain.get(&key_name), plain.get(&value_name)) else {
            return fail(format!("`items2dict` needs the keys `{key_name}` and `{value_name}` in each item"));
        };
        map.insert_key(t::key_of(key)?, value.clone());
    }
    Ok(Value::from(map))
}

/// A mapping from pairs.
pub fn pairs(items: &[Value]) -> Outcome<Value> {
    let mut map = Map::new();
    for pair in items {
        match &t::items(pair)?[..] {
            [key, value] => drop(map.insert_key(t::key_of(key)?, value.clone())),
            _ => return fail("a mapping is made of pairs"),
        }
    }
    Ok(Value::from(map))
}

fn dictsort(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let case = call.flag(1, false)?;
    let by_value = &*call.text_or(2, "key")? == "value";
    let reverse = call.flag(3, false)?;
    let fold = |value: &Value| match read(value) {
        Value::Text(text) if !case => Value::text(text.to_lowercase()),
        other => other.clone(),
    };
    let mut rows: Vec<(Value, Value)> = vec![];
    for (key, value) in call.map(0)?.iter() {
        let by = if by_value { fold(value) } else { fold(&key.to_value()) };
        rows.push((by, Value::list([key.to_value(), value.clone()])));
    }
    let mut failed = None;
    rows.sort_by(|a, b| {
        let order = t::order("<", &a.0, &b.0).unwrap_or_else(|failure| {
            failed.get_or_insert(failure);
            std::cmp::Ordering::Equal
        });
        if reverse { order.reverse() } else { order }
    });
    match failed {
        Some(failure) => Err(failure),
        None => Ok(Value::list(rows.into_iter().map(|(_, row)| row))),
    }
}

fn subelements(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let elements: Vec<Value> = match call.need(0)? {
        Value::Map(map) => map.values().cloned().collect(),
        Value::List(items) => items.to_vec(),
        other => return fail(format!("`subelements` takes a list of mappings or a mapping, and this is {}", other.type_name())),
    };
    let path: Vec<String> = match call.need(1)? {
        Value::List(parts) => parts.iter().map(|part| t::python_text(part).map(|text| text.into_owned())).collect::<Outcome<_>>()?,
        other => t::python_text(other)?.split('.').map(str::to_string).collect(),
    };
    let skip = match call.get(2) {
        // the lookup takes a mapping of flags
        Some(Value::Map(flags)) => flags.get("skip_missing").is_some_and(super::text::boolean),
        _ => call.flag(2, false)?,
    };
    let mut out = vec![];
    'elements: for element in &elements {
        let mut found = element.clone();
        for part in &path {
            t::usable(&found)?;
            match read(&found).get(part).cloned() {
                Some(next) => found = next,
                None if skip => continue 'elements,
                None => return fail(format!("an item has no key `{part}`")),
            }
        }
        t::usable(&found)?;
        match read(&found) {
            Value::List(items) => out.extend(items.iter().map(|item| Value::list([element.clone(), item.clone()]))),
            Value::Null if skip => {}
            other => return fail(format!("the key `{}` should be a list, and is {}", path.join("."), other.type_name())),
        }
    }
    Ok(Value::from(out))
}

fn extract(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let mut keys = vec![call.need(0)?.clone()];
    match call.given(2)? {
        Some(Value::List(more)) => keys.extend(more.iter().cloned()),
        Some(one) => keys.push(one.clone()),
        None => {}
    }
    let mut found = call.get(1).cloned().unwrap_or_default();
    for key in &keys {
        if matches!(found, Value::Unknown(_)) {
            return Ok(found);
        }
        found = member(&found, read(key))?;
    }
    Ok(found)
}

fn rekey(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let items: Vec<Value> = match call.need(0)? {
        Value::Map(map) => map.values().cloned().collect(),
        other => t::items(other)?.to_vec(),
    };
    let name = call.text(1)?;
    let overwrite = &*call.text_or(2, "error")? == "overwrite";
    let mut map = Map::new();
    for item in items {
        t::usable(&item)?;
        let Some(key) = read(&item).get(&name) else { return fail(format!("an item has no key `{name}`")) };
        let key = t::key_of(key)?;
        if !overwrite && map.get_key(&key).is_some() {
            return fail(format!("two items have the {name} `{key}`"));
        }
        map.insert_key(key, item);
    }
    Ok(Value::from(map))
}

fn keys(call: &Call<'_>, keep: bool) -> Outcome<Value> {
    let targets: Vec<String> = match call.need(1)? {
        Value::List(names) => names.iter().map(|name| t::python_text(name).map(|text| text.into_owned())).collect::<Outcome<_>>()?,
        other => vec![t::python_text(other)?.into_owned()],
    };
    let how = call.text_or(2, "equal")?;
    let matches = |key: &Key| {
        let name = key.to_string();
        targets.iter().any(|target| match &*how {
            "starts_with" => name.starts_with(target.as_str()),
            "ends_with" => name.ends_with(target.as_str()),
            _ => name == *target,
        })
    };
    let filtered = |map: &Map| {
        Value::from(map.iter().filter(|(key, _)| matches(key) == keep).map(|(key, value)| (key.clone(), value.clone())).collect::<Map>())
    };
    let mut out = vec![];
    for item in call.items(0)?.iter() {
        match read(item) {
            Value::Map(map) => out.push(filtered(map)),
            other => out.push(other.clone()),
        }
    }
    Ok(Value::from(out))
}
