//! The methods of Python's strings, lists and dicts that content calls.

use std::sync::Arc;

use super::call::Call;
use super::failure::{self, Outcome, fail};
use super::held::{self, Held};
use super::{format, frame, operators, python};
use crate::text::diagnostic::Diagnostic;
use crate::text::filters::time;
use crate::text::value::{Key, Map, Value};

/// Methods that change a list or dict in place. `None` where the method is none of them.
pub fn changing(held: &Held, name: &str, args: &[Value], named: &Map) -> Outcome<Option<Value>> {
    let first = || args.first().cloned().unwrap_or_default();
    if name == "append" && !held.is_map() && args.len() == 1 {
        held.push(first())?;
        return Ok(Some(Value::Null));
    }
    if !matches!(name, "extend" | "insert" | "pop" | "remove" | "clear" | "sort" | "reverse" | "update" | "setdefault" | "popitem") {
        return Ok(None);
    }
    match held.value()? {
        Value::List(items) => {
            let mut items = Arc::unwrap_or_clone(items);
            let result = change_list(&mut items, name, args)?;
            held.put(Value::from(items))?;
            Ok(Some(result))
        }
        Value::Map(map) => {
            let mut map = Arc::unwrap_or_clone(map);
            let result = change_map(&mut map, name, args, named)?;
            held.put(Value::from(map))?;
            Ok(Some(result))
        }
        _ => Ok(None),
    }
}

fn change_list(items: &mut Vec<Value>, name: &str, args: &[Value]) -> Outcome<Value> {
    let first = args.first().cloned().unwrap_or_default();
    match name {
        "extend" => items.extend(operators::items(&first)?.iter().cloned()),
        "insert" => {
            let at = first.as_int().unwrap_or(0);
            let at = if at < 0 { (at + items.len() as i64).max(0) } else { at.min(items.len() as i64) };
            items.insert(at as usize, args.get(1).cloned().unwrap_or_default());
        }
        "pop" => {
            let at = if args.is_empty() { -1 } else { first.as_int().unwrap_or(-1) };
            return match held::index(at, items.len()) {
                Some(at) => Ok(items.remove(at)),
                None => fail(format!("`pop` of item {at} from a list of {}", items.len())),
            };
        }
        "remove" => {
            for at in 0..items.len() {
                if operators::equal(&items[at], &first)? {
                    items.remove(at);
                    return Ok(Value::Null);
                }
            }
            return fail("`remove` of an item that is not in the list");
        }
        "clear" => items.clear(),
        "sort" => super::super::filters::list::sort_values(items, false)?,
        "reverse" => items.reverse(),
        _ => return fail(format!("a list has no method `{name}`")),
    }
    Ok(Value::Null)
}

fn change_map(map: &mut Map, name: &str, args: &[Value], named: &Map) -> Outcome<Value> {
    let first = args.first().cloned().unwrap_or_default();
    match name {
        "update" => {
            match frame::read(&first) {
                Value::Map(more) => map.extend((**more).clone()),
                Value::Null => {}
                pairs => {
                    for pair in operators::items(pairs)?.iter() {
                        match &operators::items(pair)?[..] {
                            [key, value] => drop(map.insert_key(held::key_of(key)?, value.clone())),
                            _ => return fail("`update` takes a mapping or pairs"),
                        }
                    }
                }
            }
            map.extend(named.clone());
        }
        "pop" => {
            let key = held::key_of(&first)?;
            let found = map.get_key(&key).cloned();
            *map = std::mem::take(map).into_iter().filter(|(known, _)| *known != key).collect();
            return match found.or_else(|| args.get(1).cloned()) {
                Some(value) => Ok(value),
                None => fail(format!("`pop` of the key `{key}`, which is not there")),
            };
        }
        "setdefault" => {
            let key = held::key_of(&first)?;
            if let Some(found) = map.get_key(&key) {
                return Ok(found.clone());
            }
            let value = args.get(1).cloned().unwrap_or_default();
            map.insert_key(key, value.clone());
            return Ok(value);
        }
        "clear" => *map = Map::new(),
        "popitem" => {
            let Some((key, value)) = map.iter().next_back().map(|(key, value)| (key.clone(), value.clone())) else {
                return fail("`popitem` of an empty mapping");
            };
            *map = std::mem::take(map).into_iter().filter(|(known, _)| *known != key).collect();
            return Ok(Value::list([key.to_value(), value]));
        }
        _ => return fail(format!("a mapping has no method `{name}`")),
    }
    Ok(Value::Null)
}

/// A method that changes nothing.
pub fn call(value: &Value, name: &str, call: &Call<'_>) -> Outcome<Value> {
    for arg in call.args.iter().chain(call.named.values()) {
        failure::usable(arg)?;
    }
    match value {
        Value::Text(text) => text_method(text, name, call),
        Value::List(items) => list_method(items, name, call),
        Value::Map(map) => map_method(map, name, call),
        Value::Float(float) if name == "is_integer" => Ok(Value::Bool(float.fract() == 0.0)),
        Value::Int(int) if name == "bit_length" => Ok(Value::Int(i64::from(64 - int.unsigned_abs().leading_zeros()))),
        other => unknown(other, name, &[]),
    }
}

fn unknown<T>(value: &Value, name: &str, known: &[&'static str]) -> Outcome<T> {
    let diagnostic = Diagnostic::error(format!("{} has no method `{name}`", value.type_name()));
    Err(diagnostic.meant(name, known.iter().copied()).into())
}

fn list_method(items: &[Value], name: &str, call: &Call<'_>) -> Outcome<Value> {
    match name {
        "index" => {
            for (at, item) in items.iter().enumerate() {
                if operators::equal(item, call.need(0)?)? {
                    return Ok(Value::Int(at as i64));
                }
            }
            fail("`index` of an item that is not in the list")
        }
        "count" => {
            let mut count = 0;
            for item in items {
                count += i64::from(operators::equal(item, call.need(0)?)?);
            }
            Ok(Value::Int(count))
        }
        "copy" => Ok(Value::from(items.to_vec())),
        _ => unknown(&Value::list([]), name, &["append", "extend", "index", "count", "insert", "pop", "remove", "copy", "sort", "reverse"]),
    }
}

fn map_method(map: &Map, name: &str, call: &Call<'_>) -> Outcome<Value> {
    match name {
        "items" => Ok(Value::list(map.iter().map(|(key, value)| Value::list([key.to_value(), value.clone()])))),
        "keys" => Ok(Value::list(map.keys().map(Key::to_value))),
        "values" => Ok(Value::list(map.values().cloned())),
        "get" => Ok(map.get_key(&held::key_of(call.need(0)?)?).or_else(|| call.get(1)).cloned().unwrap_or_default()),
        "copy" => Ok(Value::from(map.clone())),
        "total_seconds" if map.len() == 3 => Ok(time::total_seconds(&Value::from(map.clone())).unwrap_or_default()),
        _ => unknown(&Value::from(Map::new()), name, &["items", "keys", "values", "get", "update", "copy", "pop", "setdefault"]),
    }
}

const TEXT_METHODS: [&str; 40] = [
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdigit",
    "isdecimal",
    "isnumeric",
    "isidentifier",
    "islower",
    "isspace",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
];

fn text_method(text: &str, name: &str, call: &Call<'_>) -> Outcome<Value> {
    if let Some(result) = simple(text, name) {
        return Ok(result);
    }
    if let Some(result) = time::method(text, name, call) {
        return result;
    }
    let is = |all: &dyn Fn(char) -> bool| Ok(Value::Bool(!text.is_empty() && text.chars().all(all)));
    match name {
        "isalnum" => is(&char::is_alphanumeric),
        "isalpha" => is(&char::is_alphabetic),
        "isdigit" | "isdecimal" | "isnumeric" => is(&char::is_numeric),
        "isspace" => is(&char::is_whitespace),
        "isidentifier" => Ok(Value::Bool(
            !text.starts_with(|c: char| c.is_numeric()) && !text.is_empty() && text.chars().all(|c| c == '_' || c.is_alphanumeric()),
        )),
        "split" | "rsplit" => split(text, name == "rsplit", call),
        "splitlines" => {
            let keep = call.flag(0, false)?;
            let lines = text.split_inclusive('\n').map(|line| if keep { line } else { line.trim_end_matches('\n').trim_end_matches('\r') });
            Ok(Value::list(lines.map(Value::text)))
        }
        "strip" | "lstrip" | "rstrip" => strip(text, name, call),
        "startswith" | "endswith" => {
            let one = |part: &Value| -> Outcome<bool> {
                let part = python::text(part)?;
                Ok(if name == "startswith" { text.starts_with(&*part) } else { text.ends_with(&*part) })
            };
            match call.need(0)? {
                Value::List(parts) => Ok(Value::Bool(parts.iter().map(one).collect::<Outcome<Vec<_>>>()?.contains(&true))),
                part => one(part).map(Value::Bool),
            }
        }
        "replace" => {
            let count = call.int_or(2, -1)?;
            Ok(Value::text(replaced(text, call.string(0)?, call.string(1)?, count)))
        }
        "join" => {
            let items = call.items(0)?;
            let texts = items.iter().map(|item| match frame::read(item) {
                Value::Text(text) => Ok(text.to_string()),
                other => fail(format!("`join` takes strings, and here is {}", other.type_name())),
            });
            Ok(Value::text(texts.collect::<Outcome<Vec<_>>>()?.join(text)))
        }
        "format" => format::braces(text, &call.args, &call.named).map(Value::text),
        "format_map" => format::braces(text, &[], call.map(0)?).map(Value::text),
        "encode" => Ok(Value::text(text)),
        "find" | "index" | "rfind" | "rindex" => find(text, name, call),
        "count" => Ok(Value::Int(match call.string(0)? {
            "" => text.chars().count() as i64 + 1,
            part => text.matches(part).count() as i64,
        })),
        "partition" | "rpartition" => Ok(partition(text, call.string(0)?, name == "rpartition")),
        "ljust" | "rjust" | "center" | "zfill" => padded(text, name, call),
        "expandtabs" => Ok(Value::text(text.replace('\t', &" ".repeat(usize::try_from(call.int_or(0, 8)?).unwrap_or(8).min(100))))),
        "removeprefix" => Ok(Value::text(text.strip_prefix(call.string(0)?).unwrap_or(text))),
        "removesuffix" => Ok(Value::text(text.strip_suffix(call.string(0)?).unwrap_or(text))),
        _ => unknown(&Value::text(""), name, &TEXT_METHODS),
    }
}

fn padded(text: &str, name: &str, call: &Call<'_>) -> Outcome<Value> {
    let width = usize::try_from(call.int(0)?).unwrap_or(0).min(1_000_000);
    let missing = width.saturating_sub(text.chars().count());
    if name == "zfill" {
        let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+'])));
        return Ok(Value::text(format!("{sign}{}{digits}", "0".repeat(missing))));
    }
    let fill = call.text_or(1, " ")?;
    let left = match name {
        "ljust" => 0,
        "rjust" => missing,
        _ => missing / 2 + (missing & width & 1),
    };
    Ok(Value::text(format!("{}{text}{}", fill.repeat(left), fill.repeat(missing - left))))
}

/// Methods without arguments.
fn simple(text: &str, name: &str) -> Option<Value> {
    Some(match name {
        "lower" | "casefold" => Value::text(text.to_lowercase()),
        "upper" => Value::text(text.to_uppercase()),
        "capitalize" => Value::text(capitalized(text)),
        "title" => Value::text(titled(text)),
        "swapcase" => Value::text(
            text.chars()
                .flat_map(|c| if c.is_uppercase() { c.to_lowercase().collect::<Vec<_>>() } else { c.to_uppercase().collect() })
                .collect::<String>(),
        ),
        "islower" => Value::Bool(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase)),
        "isupper" => Value::Bool(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)),
        "isascii" => Value::Bool(text.is_ascii()),
        _ => return None,
    })
}

pub fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars.as_str().to_lowercase().chars()).collect())
}

/// Python's `str.title`: a letter after what is no letter is large.
fn titled(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase())
        } else {
            out.extend(c.to_uppercase())
        }
        inside = c.is_alphabetic();
    }
    out
}

pub fn replaced(text: &str, from: &str, to: &str, count: i64) -> String {
    match usize::try_from(count) {
        Ok(count) => text.replacen(from, to, count),
        Err(_) => text.replace(from, to),
    }
}

/// `split` by blanks where no separator is given.
pub fn split(text: &str, from_end: bool, call: &Call<'_>) -> Outcome<Value> {
    let named = |name: &str, at: usize| {
        call.named.get(name).or_else(|| call.args.get(at)).filter(|value| !value.is_null() && !matches!(value, Value::Omit))
    };
    let separator = named("sep", 0).map(|value| python::text(value).map(|text| text.into_owned())).transpose()?;
    let limit = named("maxsplit", 1).and_then(Value::as_int).and_then(|limit| usize::try_from(limit).ok());
    let parts: Vec<String> = match (separator, limit) {
        (Some(separator), _) if separator.is_empty() => return fail("the separator is empty"),
        (Some(separator), None) => text.split(&separator).map(str::to_string).collect(),
        (Some(separator), Some(limit)) if from_end => {
            let mut parts: Vec<String> = text.rsplitn(limit + 1, &separator).map(str::to_string).collect();
            parts.reverse();
            parts
        }
        (Some(separator), Some(limit)) => text.splitn(limit + 1, &separator).map(str::to_string).collect(),
        (None, None) => text.split_whitespace().map(str::to_string).collect(),
        (None, Some(limit)) => by_blanks(text, limit, from_end),
    };
    Ok(Value::list(parts.into_iter().map(Value::text)))
}

fn by_blanks(text: &str, limit: usize, from_end: bool) -> Vec<String> {
    let (mut rest, mut parts) = (text.trim(), vec![]);
    while !rest.is_empty() {
        if parts.len() == limit {
            parts.push(rest.to_string());
            break;
        }
        let (part, more) = if from_end {
            let (more, part) = rest.rsplit_once(char::is_whitespace).unwrap_or(("", rest));
            (part, more.trim_end())
        } else {
            let (part, more) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            (part, more.trim_start())
        };
        parts.push(part.to_string());
        rest = more;
    }
    if from_end {
        parts.reverse();
    }
    parts
}

fn strip(text: &str, name: &str, call: &Call<'_>) -> Outcome<Value> {
    let set: Option<Vec<char>> = call.given(0)?.map(|set| python::text(set).map(|set| set.chars().collect())).transpose()?;
    let goes = |c: char| set.as_ref().map_or(c.is_whitespace(), |set| set.contains(&c));
    Ok(Value::text(match name {
        "strip" => text.trim_matches(goes),
        "lstrip" => text.trim_start_matches(goes),
        _ => text.trim_end_matches(goes),
    }))
}

fn find(text: &str, name: &str, call: &Call<'_>) -> Outcome<Value> {
    let part = call.string(0)?;
    let skip = usize::try_from(call.int_or(1, 0)?).unwrap_or(0);
    let from = text.char_indices().nth(skip).map_or(text.len(), |(at, _)| at);
    let found = if name.starts_with('r') { text[from..].rfind(part) } else { text[from..].find(part) };
    match found {
        Some(at) => Ok(Value::Int(text[..from + at].chars().count() as i64)),
        None if name.ends_with("index") => fail(format!("`{name}` of a text that is not in the string")),
        None => Ok(Value::Int(-1)),
    }
}

fn partition(text: &str, separator: &str, from_end: bool) -> Value {
    let found = if from_end { text.rsplit_once(separator) } else { text.split_once(separator) };
    let parts = match found {
        Some((before, after)) => [before, separator, after],
        None if from_end => ["", "", text],
        None => [text, "", ""],
    };
    Value::list(parts.map(Value::text))
}
