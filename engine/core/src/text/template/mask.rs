//! How values that secrets went into are shown: the secret's text is hidden, the rest stays readable.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::text::filters::encode;
use crate::text::filters::text::quoted;
use crate::text::value::{Mark, Value};

/// Shorter than this a secret may stand anywhere by chance.
const SHORT: usize = 4;

/// The text with each occurrence of each secret hidden; all of it where a secret cannot be found in it.
pub fn masked(text: &str, marks: &[Arc<Mark>]) -> String {
    if marks.is_empty() {
        return text.to_string();
    }
    let small = text.to_ascii_lowercase();
    let mut found: Vec<(String, String)> = vec![];
    let mut lost = vec![];
    for mark in marks {
        let forms = forms(mark.text());
        let hit = mark.text().chars().count() >= SHORT && forms.iter().any(|form| small.contains(&form.to_ascii_lowercase()));
        if hit {
            found.extend(forms.into_iter().map(|form| (form, mark.shown())));
        } else {
            lost.push(mark.shown());
        }
    }
    if !lost.is_empty() {
        return lost.concat();
    }
    // long forms first, so that a part does not spoil the whole
    found.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
    replace_all(text, &found)
}

/// The text with each occurrence of each secret hidden; a text that has none stays.
pub fn hidden(text: &str, marks: &[Arc<Mark>]) -> String {
    let forms = marks.iter().flat_map(|mark| forms(mark.text()).into_iter().map(|form| (form, mark.shown())));
    let small = text.to_ascii_lowercase();
    let mut found: Vec<(String, String)> = forms.filter(|(form, _)| small.contains(&form.to_ascii_lowercase())).collect();
    found.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
    replace_all(text, &found)
}

/// Of these secrets, those whose text stands in a text, in any of the forms that are looked for.
pub fn standing(text: &str, marks: &[Arc<Mark>]) -> Vec<Arc<Mark>> {
    marks.iter().filter(|mark| forms(mark.text()).iter().any(|form| text.contains(form.as_str()))).cloned().collect()
}

/// Replaces from left to right, so that what was put in is never looked into. Capitals or not: a filter may have changed
/// them, and letters of ASCII keep their place in a text.
fn replace_all(text: &str, forms: &[(String, String)]) -> String {
    let small = text.to_ascii_lowercase();
    let forms: Vec<(String, &String)> = forms.iter().map(|(form, shown)| (form.to_ascii_lowercase(), shown)).collect();
    let (mut out, mut from) = (String::new(), 0);
    while let Some((at, form, shown)) =
        forms.iter().filter_map(|(form, shown)| small[from..].find(form.as_str()).map(|at| (at, form, shown))).min_by_key(|(at, ..)| *at)
    {
        out.push_str(&text[from..from + at]);
        out.push_str(shown);
        from += at + form.len();
    }
    out + &text[from..]
}

/// Every way in which a secret's text may be written.
pub(super) fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![];
    let mut add = |form: String| {
        if form.chars().count() >= SHORT && !forms.contains(&form) {
            forms.push(form);
        }
    };
    let trimmed = secret.trim();
    let lines = secret.lines().map(str::trim).filter(|line| secret.contains('\n') && line.chars().count() >= SHORT);
    for text in [secret, trimmed].into_iter().chain(lines) {
        add(text.to_string());
        add(quoted(text));
        add(quoted(text).trim_matches('\'').to_string());
        add(text.replace('\'', "'\\''"));
        add(encode::percent(text, ""));
        add(encode::percent(text, "/"));
        add(encode::percent(text, "").replace("%20", "+"));
        for ascii in [true, false] {
            let mut json = String::new();
            encode::json_string(text, ascii, &mut json);
            add(json.trim_matches('"').to_string());
        }
        add(text.replace('\'', "''"));
        add(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;").replace('"', "&#34;"));
    }
    for text in [secret.to_string(), trimmed.to_string(), format!("{trimmed}\n")] {
        add(STANDARD.encode(&text));
        for skip in 0..3 {
            for form in aligned(text.as_bytes(), skip) {
                add(form);
            }
        }
    }
    forms
}

/// What of a base64 text is certain where other bytes stand before and after the secret.
fn aligned(secret: &[u8], skip: usize) -> Vec<String> {
    let padded = [vec![0; skip], secret.to_vec()].concat();
    // characters that the bytes before have a share in, and those that what follows would change
    let from = (skip * 8).div_ceil(6);
    let to = padded.len() * 8 / 6;
    [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)]
        .iter()
        .filter_map(|text| text.get(from..to).map(str::to_string))
        .filter(|text| text.len() > 5)
        .collect()
}

/// A value as a user may see it.
pub fn shown(value: &Value) -> String {
    let marks = value.marks();
    let plain = plain(value);
    if marks.is_empty() { plain.into_owned() } else { masked(&plain, &marks) }
}

fn plain(value: &Value) -> Cow<'_, str> {
    match value.plain() {
        Value::Text(text) => Cow::Borrowed(text),
        Value::Unknown(unknown) => Cow::Owned(format!("unknown until applied ({})", unknown.because)),
        Value::Omit => Cow::Borrowed("omitted"),
        Value::Bytes(bytes) => Cow::Owned(format!("<{} bytes>", bytes.len())),
        // bytes are told apart by their hash
        Value::Contents(contents) => match contents.here() {
            Some(body) if !matches!(body.plain(), Value::Bytes(_)) => plain(body),
            _ => Cow::Owned(format!("{contents:?}")),
        },
        other => Cow::Owned(json(other)),
    }
}

/// Lists and maps on one line, as JSON.
fn json(value: &Value) -> String {
    match value.plain() {
        Value::Null => "null".to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Float(float) => super::python::float(*float),
        Value::List(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(", ")),
        Value::Map(map) => {
            let pairs = map.iter().map(|(key, value)| {
                let mut name = String::new();
                encode::json_string(&key.to_string(), false, &mut name);
                format!("{name}: {}", json(value))
            });
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => {
            let mut out = String::new();
            encode::json_string(&plain(other), false, &mut out);
            out
        }
    }
}
