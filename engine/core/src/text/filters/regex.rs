//! Filters on regular expressions, in Python's grammar.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use fancy_regex::{Captures, Regex};

use super::Filter;
use crate::text::template::{self as t, Call, Here, Outcome, fail, read};
use crate::text::value::Value;

pub const FILTERS: &[Filter] = &[
    Filter::new("regex_replace", "value pattern replacement ignorecase multiline count mandatory_count", replace),
    Filter::new("regex_search", "value regex *groups **", search),
    Filter::new("regex_findall", "value regex multiline ignorecase", findall),
    Filter::new("regex_escape", "value re_type", escape),
];

/// Patterns that were used, compiled.
static CACHE: LazyLock<Mutex<HashMap<String, Arc<Regex>>>> = LazyLock::new(Mutex::default);

pub fn compiled(pattern: &str, ignorecase: bool, multiline: bool) -> Outcome<Arc<Regex>> {
    let flags = match (ignorecase, multiline) {
        (true, true) => "(?im)",
        (true, false) => "(?i)",
        (false, true) => "(?m)",
        _ => "",
    };
    let whole = format!(
        "{flags}{}",
        translated(pattern, multiline || pattern.contains("(?m") || pattern.contains("(?im") || pattern.contains("(?sm"))
    );
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = cache.get(&whole) {
        return Ok(found.clone());
    }
    match Regex::new(&whole) {
        Ok(regex) => {
            let regex = Arc::new(regex);
            if cache.len() > 2000 {
                cache.clear();
            }
            cache.insert(whole, regex.clone());
            Ok(regex)
        }
        Err(error) => fail(format!("`{pattern}` is no regular expression: {error}")),
    }
}

/// What Python writes otherwise: `\Z`, `[` inside a class, `{` that counts nothing, `$` before a last line end.
fn translated(pattern: &str, multiline: bool) -> String {
    let mut out = String::with_capacity(pattern.len());
    let chars: Vec<char> = pattern.chars().collect();
    let (mut at, mut class) = (0, false);
    while at < chars.len() {
        let c = chars[at];
        let next = chars.get(at + 1).copied();
        match c {
            '\\' => {
                match next {
                    Some('Z') if !class => out.push_str("\\z"),
                    Some(c @ ('/' | ' ' | '"' | '\'' | '%' | ',' | ':' | ';' | '<' | '>' | '=' | '@' | '!' | '`' | '_')) => out.push(c),
                    Some(next) => out.extend(['\\', next]),
                    None => out.push_str("\\\\"),
                }
                at += 1;
            }
            '[' if !class => {
                class = true;
                out.push('[');
                if next == Some('^') {
                    out.push('^');
                    at += 1;
                }
                if chars.get(at + 1) == Some(&']') {
                    out.push_str("\\]");
                    at += 1;
                }
            }
            '[' => out.push_str("\\["),
            ']' if class => {
                class = false;
                out.push(']');
            }
            '&' | '~' if class => out.extend(['\\', c]),
            '{' if !class && !counts(&chars[at + 1..]) => out.push_str("\\{"),
            '}' if !class && !out_counts(&out) => out.push_str("\\}"),
            '$' if !class && next.is_none() && !multiline => out.push_str("(?=\\n?\\z)"),
            c => out.push(c),
        }
        at += 1;
    }
    out
}

/// Whether `1,2}` follows.
fn counts(rest: &[char]) -> bool {
    let end = rest.iter().position(|c| *c == '}');
    end.is_some_and(|end| {
        end > 0 && rest[..end].iter().all(|c| c.is_ascii_digit() || *c == ',') && rest[..end].iter().any(char::is_ascii_digit)
    })
}

/// Whether a count is open before a `}`.
fn out_counts(out: &str) -> bool {
    let Some(at) = out.rfind('{') else { return false };
    !out[..at].ends_with('\\') && out[at + 1..].chars().all(|c| c.is_ascii_digit() || c == ',') && out.len() > at + 1
        || named_class(out, at)
}

/// `\p{…}` and `\x{…}`.
fn named_class(out: &str, at: usize) -> bool {
    out[..at].ends_with("\\p") || out[..at].ends_with("\\x")
}

fn found<T>(result: fancy_regex::Result<T>) -> Outcome<T> {
    result.or_else(|error| fail(format!("this regular expression takes too long: {error}")))
}

/// All matches as Python finds them: an empty one may follow one that is not, at its very end.
fn all_matches<'t>(regex: &Regex, text: &'t str) -> Outcome<Vec<Captures<'t, str>>> {
    let (mut out, mut at, mut empty_at) = (vec![], 0, None);
    while at <= text.len() {
        let Some(captures) = found(regex.captures_from_pos(text, at))? else { break };
        let Some(whole) = captures.get(0) else { break };
        let (start, end) = (whole.start(), whole.end());
        let step = |at: usize| at + text[at..].chars().next().map_or(1, char::len_utf8);
        if start == end && empty_at == Some(start) {
            at = step(at);
            continue;
        }
        at = end;
        if start == end {
            empty_at = Some(end);
        }
        out.push(captures);
    }
    Ok(out)
}

fn replace(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let text: &str = &call.text(0)?;
    let pattern = call.text_or(1, "")?;
    let replacement = call.text_or(2, "")?;
    let multiline = call.flag(4, false)?;
    let regex = compiled(&pattern, call.flag(3, false)?, multiline)?;
    let limit = usize::try_from(call.int_or(5, 0)?).unwrap_or(0);
    let parts = template(&replacement)?;
    let (mut out, mut last, mut count) = (String::new(), 0, 0);
    for captures in all_matches(&regex, text)? {
        let Some(whole) = captures.get(0) else { continue };
        out.push_str(&text[last..whole.start()]);
        expand(&parts, &captures, &mut out)?;
        last = whole.end();
        count += 1;
        if count == limit {
            break;
        }
    }
    out.push_str(&text[last..]);
    let mandatory = call.int_or(6, 0)?;
    if mandatory != 0 && mandatory != count as i64 {
        return fail(format!("`{pattern}` should match {mandatory} times, and matches {count} times"));
    }
    Ok(Value::text(out))
}

enum Part {
    Text(String),
    Group(usize),
    Named(String),
}

/// Python's replacement: `\1`, `\g<name>`, `\n`.
fn template(text: &str) -> Outcome<Vec<Part>> {
    let mut parts = vec![];
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        let group = match chars.next() {
            Some('g') if chars.next_if_eq(&'<').is_some() => {
                let name: String = chars.by_ref().take_while(|c| *c != '>').collect();
                name.parse().map_or_else(|_| Part::Named(name.clone()), Part::Group)
            }
            Some(digit @ '1'..='9') => {
                let mut number = digit.to_string();
                if let Some(more) = chars.next_if(char::is_ascii_digit) {
                    number.push(more);
                }
                Part::Group(number.parse().unwrap_or(0))
            }
            Some('n') => {
                plain.push('\n');
                continue;
            }
            Some('t') => {
                plain.push('\t');
                continue;
            }
            Some('r') => {
                plain.push('\r');
                continue;
            }
            Some('0') => {
                plain.push('\0');
                continue;
            }
            Some('\\') | None => {
                plain.push('\\');
                continue;
            }
            Some(c) if c.is_ascii_alphabetic() => {
                return fail(format!("`\\{c}` has no meaning in a replacement; write `\\\\{c}` for the text itself"));
            }
            Some(other) => {
                plain.extend(['\\', other]);
                continue;
            }
        };
        parts.push(Part::Text(std::mem::take(&mut plain)));
        parts.push(group);
    }
    parts.push(Part::Text(plain));
    Ok(parts)
}

fn expand(parts: &[Part], captures: &Captures<'_, str>, out: &mut String) -> Outcome<()> {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Group(at) if *at < captures.len() => out.push_str(captures.get(*at).map_or("", |group| group.as_str())),
            Part::Group(at) => return fail(format!("the replacement names group {at}, and the pattern has {}", captures.len() - 1)),
            Part::Named(name) => match captures.name(name) {
                Some(group) => out.push_str(group.as_str()),
                None => return fail(format!("the replacement names a group `{name}` that is not there")),
            },
        }
    }
    Ok(())
}

fn search(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let text: &str = &call.text(0)?;
    let flag = |name: &str| call.named.get(name).map_or(Ok(false), t::truth);
    let regex = compiled(&call.text(1)?, flag("ignorecase")?, flag("multiline")?)?;
    let Some(captures) = found(regex.captures(text))? else { return Ok(Value::Null) };
    let group = |at: usize| captures.get(at).map_or(Value::Null, |group| Value::text(group.as_str()));
    if call.args.len() <= 2 {
        return Ok(group(0));
    }
    let mut out = vec![];
    for wanted in &call.args[2..] {
        let name = t::python_text(wanted)?;
        let inner = name.strip_prefix("\\g<").and_then(|name| name.strip_suffix('>')).or_else(|| name.strip_prefix('\\'));
        let Some(inner) = inner else { return fail(format!("`{name}` names no group; write `\\\\1` or `\\\\g<name>`")) };
        out.push(match inner.parse::<usize>() {
            Ok(at) if at < captures.len() => group(at),
            Ok(at) => return fail(format!("there is no group {at} in the pattern")),
            Err(_) if regex.capture_names().flatten().any(|name| name == inner) => {
                captures.name(inner).map_or(Value::Null, |group| Value::text(group.as_str()))
            }
            Err(_) => return fail(format!("there is no group `{inner}` in the pattern")),
        });
    }
    Ok(Value::from(out))
}

fn findall(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let text: &str = &call.text(0)?;
    let regex = compiled(&call.text(1)?, call.flag(3, false)?, call.flag(2, false)?)?;
    let mut out = vec![];
    for captures in all_matches(&regex, text)? {
        let group = |at: usize| Value::text(captures.get(at).map_or("", |group| group.as_str()));
        out.push(match captures.len() {
            1 => group(0),
            2 => group(1),
            count => Value::list((1..count).map(group)),
        });
    }
    Ok(Value::from(out))
}

fn escape(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let text = call.text(0)?;
    let set = match &*call.text_or(1, "python")? {
        "python" => "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}",
        "posix_basic" => "].[^$*\\",
        other => return fail(format!("`regex_escape` has no type `{other}`; it is one of python, posix_basic")),
    };
    let mut out = String::new();
    for c in text.chars() {
        if set.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    Ok(Value::text(out))
}

/// Whether a text matches, for the tests `match`, `search` and `regex`.
pub fn matches(value: &Value, pattern: &str, kind: &str, ignorecase: bool, multiline: bool) -> Outcome<bool> {
    let text: &str = &t::python_text(read(value))?;
    let regex = compiled(pattern, ignorecase, multiline)?;
    let Some(whole) = found(regex.find(text))? else { return Ok(false) };
    Ok(match kind {
        // a later place may match where the first does not begin the text
        "match" => whole.start() == 0 || begins(pattern, text, ignorecase, multiline)?,
        "fullmatch" => whole.start() == 0 && whole.end() == text.len(),
        _ => true,
    })
}

fn begins(pattern: &str, text: &str, ignorecase: bool, multiline: bool) -> Outcome<bool> {
    let regex = compiled(&format!("\\A(?:{pattern})"), ignorecase, multiline)?;
    found(regex.is_match(text))
}
