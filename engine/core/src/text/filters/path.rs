//! Filters on paths, as text: nothing is looked at on a disk.

use super::Filter;
use crate::text::template::{self as t, Call, Here, Outcome, fail};
use crate::text::value::Value;

pub const FILTERS: &[Filter] = &[
    Filter::new("basename", "value", |call, _| Ok(Value::text(basename(&call.text(0)?)))),
    Filter::new("dirname", "value", |call, _| Ok(Value::text(dirname(&call.text(0)?)))),
    Filter::new("path_join", "value", path_join),
    Filter::new("splitext", "value", |call, _| Ok(split_extension(&call.text(0)?))),
    Filter::new("normpath", "value", |call, _| Ok(Value::text(normal(&call.text(0)?)))),
    Filter::new("realpath", "value", |call, here| Ok(Value::text(normal(&absolute(&call.text(0)?, here))))),
    Filter::new("relpath", "value start", relpath),
    Filter::new("commonpath", "value", commonpath),
    Filter::new("expanduser", "value", |call, here| {
        let text = call.text(0)?;
        let home = || here.templates.control.home();
        Ok(Value::text(match text.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => home() + rest,
            _ => text.into_owned(),
        }))
    }),
    Filter::new("expandvars", "value", |call, here| Ok(Value::text(expanded(&call.text(0)?, here)))),
    Filter::new("win_basename", "value", |call, _| Ok(Value::text(win_split(&call.text(0)?).1))),
    Filter::new("win_dirname", "value", |call, _| Ok(Value::text(win_split(&call.text(0)?).0))),
    Filter::new("win_splitdrive", "value", |call, _| {
        let text = call.text(0)?;
        let at = if text.as_bytes().get(1) == Some(&b':') { 2 } else { 0 };
        Ok(Value::list([Value::text(&text[..at]), Value::text(&text[at..])]))
    }),
    Filter::new("fileglob", "value", |call, here| {
        let found = crate::text::lookups::glob(&call.text(0)?, here);
        Ok(Value::list(found.into_iter().map(Value::text)))
    }),
];

pub fn basename(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub fn dirname(path: &str) -> &str {
    let Some(at) = path.rfind('/') else { return "" };
    let head = &path[..=at];
    let trimmed = head.trim_end_matches('/');
    if trimmed.is_empty() { head } else { trimmed }
}

/// A part that begins with a slash begins the path anew.
pub fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for (at, part) in parts.into_iter().enumerate() {
        if part.starts_with('/') || at == 0 {
            out = part.to_string();
        } else if out.is_empty() || out.ends_with('/') {
            out.push_str(part);
        } else {
            out = format!("{out}/{part}");
        }
    }
    out
}

fn path_join(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    match call.need(0)? {
        Value::Text(text) => Ok(Value::Text(text.clone())),
        Value::List(items) => {
            let parts = items.iter().map(|item| Ok(t::python_text(item)?.into_owned())).collect::<Outcome<Vec<_>>>()?;
            Ok(Value::text(joined(parts.iter().map(String::as_str))))
        }
        other => fail(format!("`path_join` takes a list, and this is {}", other.type_name())),
    }
}

fn split_extension(path: &str) -> Value {
    let name = basename(path);
    let start = path.len() - name.len();
    let first = name.len() - name.trim_start_matches('.').len();
    let at = name[first..].rfind('.').map_or(path.len(), |at| start + first + at);
    Value::list([Value::text(&path[..at]), Value::text(&path[at..])])
}

pub fn normal(path: &str) -> String {
    let root = path.starts_with('/');
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if root => {}
            other => parts.push(other),
        }
    }
    let text = parts.join("/");
    match (root, text.is_empty()) {
        (true, _) => format!("/{text}"),
        (false, true) => ".".to_string(),
        _ => text,
    }
}

fn absolute(path: &str, here: &Here<'_>) -> String {
    joined([here.templates.control.working_directory().as_str(), path])
}

fn relpath(call: &Call<'_>, here: &Here<'_>) -> Outcome<Value> {
    let path = normal(&absolute(&call.text(0)?, here));
    let start = normal(&absolute(&call.text_or(1, ".")?, here));
    let parts = |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_string).collect::<Vec<_>>();
    let (path, start) = (parts(&path), parts(&start));
    let same = path.iter().zip(&start).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_string(), start.len() - same);
    let parts: Vec<String> = up.chain(path[same..].iter().cloned()).collect();
    Ok(Value::text(if parts.is_empty() { ".".to_string() } else { parts.join("/") }))
}

fn commonpath(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let paths = call.items(0)?;
    let paths = paths.iter().map(|path| Ok(t::python_text(path)?.into_owned())).collect::<Outcome<Vec<_>>>()?;
    let Some(first) = paths.first() else { return fail("`commonpath` of an empty list") };
    let root = first.starts_with('/');
    let split = |path: &str| path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_string).collect::<Vec<_>>();
    let mut common = split(first);
    for path in &paths {
        let parts = split(path);
        let same = common.iter().zip(&parts).take_while(|(a, b)| a == b).count();
        common.truncate(same);
    }
    Ok(Value::text(format!("{}{}", if root { "/" } else { "" }, common.join("/"))))
}

fn expanded(text: &str, here: &Here<'_>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, next) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, next)) => (name, next),
            None => after.split_at(after.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(after.len())),
        };
        match here.templates.control.env(name) {
            Some(value) if !name.is_empty() => out.push_str(&value),
            _ => out.push_str(&rest[at..rest.len() - next.len()]),
        }
        rest = next;
    }
    out + rest
}

fn win_split(path: &str) -> (String, String) {
    let at = path.rfind(['\\', '/', ':']).map_or(0, |at| at + 1);
    let head = &path[..at];
    let trimmed = head.trim_end_matches(['\\', '/']);
    let head = if trimmed.is_empty() || trimmed.ends_with(':') { head } else { trimmed };
    (head.to_string(), path[at..].to_string())
}
