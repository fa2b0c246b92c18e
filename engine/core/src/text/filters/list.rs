//! Filters on lists: order, and how they are cut and joined.

use std::cmp::Ordering;

use super::Filter;
use crate::text::diagnostic::Diagnostic;
use crate::text::template::{self as t, Call, Here, Lost, Outcome, fail, read};
use crate::text::value::{Key, Value};

pub const FILTERS: &[Filter] = &[
    Filter::new("list", "value", |call, _| Ok(Value::List(call.items(0)?))),
    Filter::new("length", "value", length),
    Filter::new("count", "value", length),
    Filter::new("first", "value", |call, _| Ok(call.items(0)?.first().cloned().unwrap_or_else(|| empty("first")))),
    Filter::new("last", "value", |call, _| Ok(call.items(0)?.last().cloned().unwrap_or_else(|| empty("last")))),
    Filter::new("min", "value case_sensitive attribute", |call, _| extreme(call, Ordering::Less)),
    Filter::new("max", "value case_sensitive attribute", |call, _| extreme(call, Ordering::Greater)),
    Filter::new("sum", "value attribute start", sum),
    Filter::new("join", "value d attribute", join),
    Filter::new("sort", "value reverse case_sensitive attribute", sort),
    Filter::new("reverse", "value", reverse),
    Filter::new("flatten", "value levels skip_nulls", flatten),
    Filter::new("batch", "value linecount fill_with", batch),
    Filter::new("slice", "value slices fill_with", slice),
    Filter::new("groupby", "value attribute default case_sensitive", groupby),
    Filter::new("zip", "value *others", |call, _| zip(call, None)),
    Filter::new("zip_longest", "value *others **", |call, _| zip(call, Some(call.named.get("fillvalue").cloned().unwrap_or(Value::Null)))),
    Filter::new("product", "value *others **", product),
    Filter::new("combinations", "value size", |call, _| arrange(call, false)),
    Filter::new("permutations", "value size", |call, _| arrange(call, true)),
    Filter::new("random", "value start step seed", random),
    Filter::new("shuffle", "value seed", shuffle),
    Filter::new("lists_mergeby", "value *others **", lists_mergeby),
];

fn empty(name: &str) -> Value {
    t::undefined(Lost::new(Diagnostic::error(format!("`{name}` of an empty list is undefined")), String::new()))
}

fn length(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let length = match call.need(0)? {
        Value::Text(text) => text.chars().count(),
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        Value::Bytes(bytes) => bytes.len(),
        other => return fail(format!("{} has no length", other.type_name())),
    };
    Ok(Value::Int(length as i64))
}

/// The member at a dotted path, as `attribute=` names it.
pub fn attribute(value: &Value, path: &Value) -> Outcome<Value> {
    let parts: Vec<Value> = match read(path) {
        Value::Int(at) => vec![Value::Int(*at)],
        other => t::python_text(other)?.split('.').map(|part| part.parse().map_or_else(|_| Value::text(part), Value::Int)).collect(),
    };
    let mut found = value.clone();
    for part in &parts {
        if matches!(found, Value::Unknown(_)) {
            return Ok(found);
        }
        found = member(&found, part)?;
    }
    Ok(found)
}

/// A member, or something undefined.
pub fn member(value: &Value, key: &Value) -> Outcome<Value> {
    let found = match (read(value), key) {
        (Value::Map(map), key) => map.get_key(&t::key_of(key)?).or_else(|| map.get_key(&Key::from(key.as_int()?.to_string()))).cloned(),
        (Value::List(items), Value::Int(at)) => t::index(*at, items.len()).map(|at| items[at].clone()),
        (Value::Text(text), Value::Int(at)) => {
            let chars: Vec<char> = text.chars().collect();
            t::index(*at, chars.len()).map(|at| Value::text(chars[at].to_string()))
        }
        _ => None,
    };
    if let Some(found) = found {
        return Ok(found);
    }
    let shown = t::python_text(key)?;
    let names: Vec<String> = read(value).as_map().map(|map| map.keys().map(Key::to_string).collect()).unwrap_or_default();
    let message = match read(value) {
        Value::Map(_) => format!("an item has no key `{shown}`"),
        other => format!("{} has no member `{shown}`", other.type_name()),
    };
    let diagnostic = Diagnostic::error(message).meant(&shown, names.iter().map(String::as_str));
    Ok(t::undefined(Lost::new(diagnostic, shown.to_string())))
}

/// What an item is compared by.
pub fn key(item: &Value, path: Option<&Value>, case_sensitive: bool) -> Outcome<Value> {
    let found = match path {
        Some(path) => attribute(item, path)?,
        None => item.clone(),
    };
    t::usable(&found)?;
    Ok(match read(&found) {
        Value::Text(text) if !case_sensitive => Value::text(text.to_lowercase()),
        other => other.clone(),
    })
}

/// Sorts by a key; an error where Python has no order.
fn sort_by(items: &[Value], keys: Vec<Value>, reverse: bool) -> Outcome<Vec<Value>> {
    let mut failed = None;
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by(|a, b| {
        let result = t::order("<", &keys[*a], &keys[*b]).unwrap_or_else(|failure| {
            failed.get_or_insert(failure);
            Ordering::Equal
        });
        if reverse { result.reverse() } else { result }
    });
    match failed {
        Some(failure) => Err(failure),
        None => Ok(order.into_iter().map(|at| items[at].clone()).collect()),
    }
}

/// Python's `list.sort`.
pub fn sort_values(items: &mut Vec<Value>, reverse: bool) -> Outcome<()> {
    *items = sort_by(items, items.iter().map(|item| read(item).clone()).collect(), reverse)?;
    Ok(())
}

fn sort(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let items = call.items(0)?;
    let (reverse, case) = (call.flag(1, false)?, call.flag(2, false)?);
    // several attributes, separated by commas, are compared one after the other
    let paths: Vec<Value> = match call.given(3)? {
        Some(Value::Text(text)) => text.split(',').map(|part| Value::text(part.trim())).collect(),
        Some(other) => vec![other.clone()],
        None => vec![],
    };
    let keys = items.iter().map(|item| {
        if paths.is_empty() {
            return key(item, None, case);
        }
        Ok(Value::from(paths.iter().map(|path| key(item, Some(path), case)).collect::<Outcome<Vec<_>>>()?))
    });
    Ok(Value::from(sort_by(&items, keys.collect::<Outcome<_>>()?, reverse)?))
}

fn extreme(call: &Call<'_>, wanted: Ordering) -> Outcome<Value> {
    let items = call.items(0)?;
    let case = call.flag(1, false)?;
    let mut best: Option<(Value, &Value)> = None;
    for item in items.iter() {
        let this = key(item, call.given(2)?, case)?;
        let better = match &best {
            Some((key, _)) => t::order("<", &this, key)? == wanted,
            None => true,
        };
        if better {
            best = Some((this, item));
        }
    }
    Ok(best.map_or_else(|| empty(call.name), |(_, item)| item.clone()))
}

fn sum(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let mut total = call.given(2)?.cloned().unwrap_or(Value::Int(0));
    for item in call.items(0)?.iter() {
        let item = match call.given(1)? {
            Some(path) => attribute(item, path)?,
            None => item.clone(),
        };
        total = t::arithmetic("+", &total, &item)?;
    }
    Ok(total)
}

fn join(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let separator = call.text_or(1, "")?;
    let items = call.items(0)?;
    let texts = items.iter().map(|item| -> Outcome<String> {
        match call.given(2)? {
            Some(path) => Ok(t::python_text(&attribute(item, path)?)?.into_owned()),
            None => Ok(t::python_text(item)?.into_owned()),
        }
    });
    let mut out = String::new();
    for (at, text) in texts.enumerate() {
        let text = text?;
        if out.len() + separator.len() + text.len() > t::MAX_LENGTH {
            return fail(format!("this makes a string of over {} MB", t::MAX_LENGTH / 1_000_000));
        }
        out.push_str(if at > 0 { &separator } else { "" });
        out.push_str(&text);
    }
    Ok(Value::text(out))
}

fn reverse(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    if let Value::Text(text) = call.need(0)? {
        return Ok(Value::text(text.chars().rev().collect::<String>()));
    }
    Ok(Value::list(call.items(0)?.iter().rev().cloned()))
}

fn flatten(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let levels = call.given(1)?.map(|_| call.int(1)).transpose()?;
    let mut out = vec![];
    flat(call.list(0)?, levels, call.flag(2, true)?, &mut out);
    Ok(Value::from(out))
}

fn flat(items: &[Value], levels: Option<i64>, skip_nulls: bool, out: &mut Vec<Value>) {
    for item in items {
        match read(item) {
            Value::Null if skip_nulls => {}
            Value::Text(text) if skip_nulls && matches!(&**text, "None" | "null") => {}
            Value::List(inner) if levels.is_none_or(|levels| levels >= 1) => flat(inner, levels.map(|levels| levels - 1), skip_nulls, out),
            _ => out.push(item.clone()),
        }
    }
}

/// A list with the lists in it dissolved one level deep.
pub fn flattened(items: &[Value], levels: i64) -> Vec<Value> {
    let mut out = vec![];
    flat(items, Some(levels), true, &mut out);
    out
}

fn batch(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let size = usize::try_from(call.int(1)?).unwrap_or(1).max(1);
    let items = call.items(0)?;
    let mut out: Vec<Vec<Value>> = items.chunks(size).map(<[Value]>::to_vec).collect();
    if let (Some(fill), Some(last)) = (call.given(2)?, out.last_mut()) {
        last.resize(size, fill.clone());
    }
    Ok(Value::list(out.into_iter().map(Value::from)))
}

fn slice(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let count = usize::try_from(call.int(1)?).unwrap_or(1).max(1);
    let items = call.items(0)?;
    let (per, extra) = (items.len() / count, items.len() % count);
    let mut out = vec![];
    let mut at = 0;
    for n in 0..count {
        let end = at + per + usize::from(n < extra);
        let mut part = items[at..end].to_vec();
        if let (Some(fill), true) = (call.given(2)?, n >= extra && extra > 0) {
            part.push(fill.clone());
        }
        out.push(Value::from(part));
        at = end;
    }
    Ok(Value::from(out))
}

fn groupby(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let path = call.need(1)?;
    let case = call.flag(3, false)?;
    let items = call.items(0)?;
    let mut keyed = vec![];
    for item in items.iter() {
        let mut found = attribute(item, path)?;
        if t::is_undefined(&found)
            && let Some(default) = call.get(2)
        {
            found = default.clone();
        }
        t::usable(&found)?;
        let by = key(&found, None, case)?;
        keyed.push((by, found, item.clone()));
    }
    let order: Vec<Value> = (0..keyed.len()).map(|at| Value::Int(at as i64)).collect();
    let sorted = sort_by(&order, keyed.iter().map(|(by, ..)| by.clone()).collect(), false)?;
    let mut groups: Vec<(Value, Value, Vec<Value>)> = vec![];
    for at in sorted.iter().filter_map(Value::as_int) {
        let (by, found, item) = keyed[at as usize].clone();
        match groups.last_mut() {
            Some((last, _, members)) if t::equal(last, &by)? => members.push(item),
            _ => groups.push((by, found, vec![item])),
        }
    }
    Ok(Value::list(groups.into_iter().map(|(_, name, members)| Value::list([name, Value::from(members)]))))
}

fn zip(call: &Call<'_>, fill: Option<Value>) -> Outcome<Value> {
    let lists = (0..call.args.len()).map(|at| call.items(at)).collect::<Outcome<Vec<_>>>()?;
    let lengths = lists.iter().map(|list| list.len());
    let length = if fill.is_some() { lengths.max() } else { lengths.min() }.unwrap_or(0);
    let row = |at: usize| Value::list(lists.iter().map(|list| list.get(at).or(fill.as_ref()).cloned().unwrap_or_default()));
    Ok(Value::list((0..length).map(row)))
}

fn product(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let lists = (0..call.args.len()).map(|at| call.items(at)).collect::<Outcome<Vec<_>>>()?;
    let repeat = call.named.get("repeat").and_then(Value::as_int).map_or(1, |times| usize::try_from(times).unwrap_or(0));
    let mut rows: Vec<Vec<Value>> = vec![vec![]];
    for list in (0..repeat).flat_map(|_| lists.iter()) {
        if rows.len().saturating_mul(list.len()) > 5_000_000 {
            return fail("this product has over five million rows");
        }
        rows = rows.iter().flat_map(|row| list.iter().map(|item| row.iter().cloned().chain([item.clone()]).collect())).collect();
    }
    Ok(Value::list(rows.into_iter().map(Value::from)))
}

fn arrange(call: &Call<'_>, ordered: bool) -> Outcome<Value> {
    let items = call.items(0)?;
    let size = match call.given(1)? {
        Some(_) => usize::try_from(call.int(1)?).unwrap_or(0),
        None => items.len(),
    };
    let mut out = vec![];
    pick(&items, size, ordered, &mut vec![], &mut out)?;
    Ok(Value::from(out))
}

fn pick(items: &[Value], size: usize, ordered: bool, chosen: &mut Vec<usize>, out: &mut Vec<Value>) -> Outcome<()> {
    if chosen.len() == size {
        if out.len() > 2_000_000 {
            return fail("this has over two million results");
        }
        out.push(Value::list(chosen.iter().map(|at| items[*at].clone())));
        return Ok(());
    }
    let from = if ordered { 0 } else { chosen.last().map_or(0, |last| last + 1) };
    for at in from..items.len() {
        if !chosen.contains(&at) {
            chosen.push(at);
            pick(items, size, ordered, chosen, out)?;
            chosen.pop();
        }
    }
    Ok(())
}

fn random(call: &Call<'_>, here: &Here<'_>) -> Outcome<Value> {
    let mut source = super::number::Random::new(call.given(3)?, here)?;
    if let Value::Int(end) = call.need(0)? {
        let (start, step) = (call.int_or(1, 0)?, call.int_or(2, 1)?.max(1));
        let count = (end - start + step - 1).div_euclid(step);
        return match u64::try_from(count) {
            Ok(count) if count > 0 => Ok(Value::Int(start + step * source.below(count) as i64)),
            _ => fail("`random` has no number to choose from"),
        };
    }
    if let Value::Text(text) = call.need(0)?
        && let Ok(end) = text.parse::<i64>()
    {
        return fail(format!("`random` of the text `{end}`: use `| int` first"));
    }
    let items = call.items(0)?;
    if items.is_empty() {
        return Ok(empty("random"));
    }
    Ok(items[source.below(items.len() as u64) as usize].clone())
}

fn shuffle(call: &Call<'_>, here: &Here<'_>) -> Outcome<Value> {
    let seed = call.given(1)?.filter(|seed| seed.truthy());
    let mut source = super::number::Random::new(seed, here)?;
    let mut items = call.items(0)?.to_vec();
    for at in (1..items.len()).rev() {
        let other = source.below(at as u64 + 1) as usize;
        items.swap(at, other);
    }
    Ok(Value::from(items))
}

fn lists_mergeby(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let Some((index, lists)) = call.args.split_last() else { return fail("`lists_mergeby` needs lists and a key") };
    let mut merged: Vec<(Value, Value)> = vec![];
    for list in lists {
        for item in t::items(list)?.iter() {
            let by = attribute(item, index)?;
            t::usable(&by)?;
            match merged.iter_mut().find(|(known, _)| *known == by) {
                Some((_, have)) => {
                    *have = super::mapping::merged(have, item, call.named.get("recursive").is_some_and(Value::truthy), "replace")?
                }
                None => merged.push((by, item.clone())),
            }
        }
    }
    let keys = merged.iter().map(|(by, _)| by.clone()).collect();
    let items: Vec<Value> = merged.into_iter().map(|(_, item)| item).collect();
    Ok(Value::from(sort_by(&items, keys, false)?))
}
