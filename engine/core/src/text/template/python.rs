//! Values as Python prints them: `str()` and `repr()`.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::failure::{self, Outcome};
use super::frame;
use crate::text::value::{Key, Value};

/// `str(value)`. Secrets in it count as read; what is undefined or unknown ends the render.
pub fn text(value: &Value) -> Outcome<Cow<'_, str>> {
    Ok(match frame::read(value) {
        Value::Text(text) => Cow::Borrowed(&**text),
        other if failure::is_blank(other) => Cow::Borrowed(""),
        other => {
            let mut out = String::new();
            repr(other, &mut out)?;
            Cow::Owned(out)
        }
    })
}

/// `repr(value)`.
pub fn shown(value: &Value) -> Outcome<String> {
    let mut out = String::new();
    repr(value, &mut out)?;
    Ok(out)
}

fn repr(value: &Value, out: &mut String) -> Outcome<()> {
    failure::usable(value)?;
    match frame::read(value) {
        Value::Null => out.push_str("None"),
        Value::Bool(flag) => out.push_str(if *flag { "True" } else { "False" }),
        Value::Int(int) => drop(write!(out, "{int}")),
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Text(text) => quoted(text, out),
        Value::Bytes(bytes) => {
            out.push_str("b'");
            out.extend(bytes.iter().flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from));
            out.push('\'');
        }
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                repr(item, out)?;
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (at, (key, value)) in map.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                match key {
                    Key::Text(text) => quoted(text, out),
                    key => drop(write!(out, "{key}")),
                }
                out.push_str(": ");
                repr(value, out)?;
            }
            out.push('}');
        }
        Value::Contents(contents) => match contents.here() {
            Some(inner) => out.push_str(&text(inner)?),
            None => return failure::fail("the contents of this file are not at hand"),
        },
        Value::Omit => out.push_str("<<Omit>>"),
        Value::Secret(_) | Value::Unknown(_) => {}
    }
    Ok(())
}

/// A string in Python's quotes: single ones, unless it has those and no double ones.
pub fn quoted(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if (c as u32) < 0x20 || (0x7f..0xa1).contains(&(c as u32)) || c == '\u{ad}' => drop(write!(out, "\\x{:02x}", c as u32)),
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}'..='\u{200f}' => drop(write!(out, "\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push(quote);
}

/// Python's shortest form that reads back: `1.0`, `0.1`, `1e+16`, `1e-05`.
pub fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_string();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_string();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number == 0.0 || (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// The name of a value's type in Python, as messages of templates have it.
pub fn type_name(value: &Value) -> &'static str {
    match value.plain() {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Text(_) | Value::Contents(_) => "str",
        Value::Bytes(_) => "bytes",
        Value::List(_) => "list",
        Value::Map(_) => "dict",
        Value::Unknown(_) if failure::is_undefined(value) => "AnsibleUndefined",
        Value::Unknown(_) => "unknown",
        Value::Omit => "Omit",
        Value::Secret(_) => "str",
    }
}
