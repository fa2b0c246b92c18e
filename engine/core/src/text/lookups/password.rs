//! The lookup `password`: made once, kept in a file.

use super::terms;
use crate::text::control::ControlError;
use crate::text::template::{self as t, Call, Here, Outcome, fail};
use crate::text::value::Value;

pub const OPTIONS: &[&str] = &["length", "chars", "encrypt", "ident", "seed"];

pub fn password(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    terms(call)?.iter().map(|term| one(call, term, here)).collect()
}

fn one(call: &Call<'_>, term: &str, here: &Here<'_>) -> Outcome<Value> {
    let mut words = term.split_whitespace();
    let path = words.next().unwrap_or("/dev/null").to_string();
    let mut options: Vec<(String, String)> =
        words.filter_map(|word| word.split_once('=')).map(|(key, value)| (key.to_string(), value.to_string())).collect();
    for (key, value) in call.named.iter() {
        let text = match t::read(value) {
            Value::List(items) => items.iter().map(|item| Ok(t::python_text(item)?.into_owned())).collect::<Outcome<Vec<_>>>()?.join(","),
            other => t::python_text(other)?.into_owned(),
        };
        options.push((key.to_string(), text));
    }
    let get = |name: &str| options.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let length: usize = get("length").and_then(|length| length.parse().ok()).unwrap_or(20);
    if let Some(kind) = get("encrypt").filter(|kind| !kind.is_empty()) {
        return fail(format!("`encrypt={kind}` of the lookup `password` is not supported; use the filter `password_hash`"));
    }
    if path != "/dev/null" {
        match here.templates.control.read(&path) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let line = text.trim_end_matches('\n');
                return Ok(Value::text(line.split(" salt=").next().unwrap_or(line)));
            }
            Err(ControlError::NotFound) => {}
            Err(error) => return fail(format!("`{path}` cannot be read: {error:?}")),
        }
    }
    let set = get("chars").map_or_else(|| [characters("ascii_letters,digits"), ".,:-_".chars().collect()].concat(), characters);
    if set.is_empty() {
        return fail("the lookup `password` has no characters to choose from");
    }
    let seed = get("seed").map(Value::text);
    let mut random = crate::text::filters::number::Random::new(seed.as_ref(), here)?;
    let made: String = (0..length).map(|_| set[random.below(set.len() as u64) as usize]).collect();
    if path != "/dev/null"
        && let Err(error) = here.templates.control.write(&path, format!("{made}\n").as_bytes(), 0o600)
    {
        return fail(format!("`{path}` cannot be written: {error:?}"));
    }
    Ok(Value::text(made))
}

/// Names of Python's `string` module, or the characters themselves.
fn characters(text: &str) -> Vec<char> {
    let text = text.replace(",,", "\u{1}");
    let mut out = vec![];
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let set: String = match part {
            "ascii_letters" => ('a'..='z').chain('A'..='Z').collect(),
            "ascii_lowercase" => ('a'..='z').collect(),
            "ascii_uppercase" => ('A'..='Z').collect(),
            "digits" => ('0'..='9').collect(),
            "hexdigits" => "0123456789abcdefABCDEF".to_string(),
            "octdigits" => "01234567".to_string(),
            "punctuation" => "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".to_string(),
            other => other.replace('\u{1}', ","),
        };
        out.extend(set.chars());
    }
    out
}
