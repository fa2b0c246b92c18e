//! Values as JSON and back. Whoever asks for the JSON of a value gets its secrets in plain text: only the point of sending may.

use std::sync::Arc;

use serde_json::{Map as JsonMap, Number, Value as Json};

use super::diagnostic::{Diagnostic, Result};
use super::value::{Key, Map, Value};

impl Value {
    /// The JSON of it, marks of secrets dropped. `omit` is left out of mappings and lists; what is unknown, binary or
    /// no number is an error that names its place (`spec.replicas`).
    pub fn to_json(&self) -> Result<Json> {
        plain_json(self, &mut String::new())
    }
}

fn plain_json(value: &Value, place: &mut String) -> Result<Json> {
    Ok(match value.plain() {
        Value::Null | Value::Omit => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(int) => Json::Number((*int).into()),
        Value::Float(float) => match Number::from_f64(*float) {
            Some(number) => Json::Number(number),
            None => return Err(no_json(place, &format!("is {float}, which JSON cannot say"))),
        },
        Value::Text(text) => Json::String(text.to_string()),
        Value::Bytes(_) => return Err(no_json(place, "is binary data").hint("encode it: `| b64encode`")),
        Value::Contents(contents) => match contents.here() {
            Some(here) => plain_json(here, place)?,
            None => return Err(no_json(place, "is the contents of a file that were not read")),
        },
        Value::List(items) => {
            let kept = items.iter().enumerate().filter(|(_, item)| **item != Value::Omit);
            Json::Array(kept.map(|(at, item)| member(item, place, &format!("[{at}]"))).collect::<Result<_>>()?)
        }
        Value::Map(map) => {
            let kept = map.iter().filter(|(_, value)| **value != Value::Omit);
            let members = kept.map(|(key, value)| {
                let name = key_text(key);
                let json = member(value, place, &format!(".{name}"))?;
                Ok((name, json))
            });
            Json::Object(members.collect::<Result<JsonMap<_, _>>>()?)
        }
        Value::Unknown(unknown) => return Err(no_json(place, &format!("is unknown until applied ({})", unknown.because))),
        Value::Secret(secret) => plain_json(&secret.value, place)?,
    })
}

fn member(value: &Value, place: &mut String, step: &str) -> Result<Json> {
    let length = place.len();
    place.push_str(step);
    let json = plain_json(value, place)?;
    place.truncate(length);
    Ok(json)
}

fn no_json(place: &str, why: &str) -> Diagnostic {
    match place.trim_start_matches('.') {
        "" => Diagnostic::error(format!("the value {why}")),
        place => Diagnostic::error(format!("`{place}` {why}")),
    }
}

/// Keys become texts as `kubectl` makes them: `1`, `true`, `null`.
fn key_text(key: &Key) -> String {
    match key {
        Key::Text(text) => text.to_string(),
        Key::Int(int) => int.to_string(),
        Key::Bool(flag) => flag.to_string(),
        Key::Null => "null".to_string(),
    }
}

/// Whole numbers beyond 64 bits with a sign become fractions, as in Python's `float`.
impl From<&Json> for Value {
    fn from(json: &Json) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(number) => number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap_or(f64::NAN)), Value::Int),
            Json::String(text) => Value::text(text.as_str()),
            Json::Array(items) => Value::list(items.iter().map(Value::from)),
            Json::Object(members) => {
                Value::Map(Arc::new(members.iter().map(|(key, value)| (Key::from(key.as_str()), Value::from(value))).collect::<Map>()))
            }
        }
    }
}

/// JSON with a blank after comma and colon, as Python's `json.dumps` writes it.
pub fn python(value: &Value) -> Result<String> {
    let mut text = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut text, Spaced);
    serde::Serialize::serialize(&value.to_json()?, &mut writer).expect("JSON values can be written to memory");
    Ok(String::from_utf8(text).expect("JSON is UTF-8"))
}

struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::text::{Mark, Unknown};

    #[test]
    fn there_and_back() {
        let json = json!({"b": 1, "a": [true, null, 1.5, "x"], "big": -9_007_199_254_740_993_i64, "empty": {}});
        let back = Value::from(&json).to_json().expect("json");
        assert_eq!(back, json);
        assert_eq!(back.to_string(), json.to_string(), "the order is kept");
    }

    #[test]
    fn secrets_are_plain_and_omit_is_left_out() {
        let mark = Mark::new("db_password", "hunter2", b"key");
        let value = Value::map([
            ("password", Value::text("hunter2").marked(vec![mark])),
            ("gone", Value::Omit),
            ("list", Value::list([Value::Omit, Value::Int(1)])),
        ]);
        assert_eq!(value.to_json().expect("json"), json!({"password": "hunter2", "list": [1]}));
    }

    #[test]
    fn what_has_no_json_is_named() {
        let unknown = Value::Unknown(Arc::new(Unknown { because: "needs result of \"x\"".into(), span: None }));
        let value = Value::map([("spec", Value::map([("list", Value::list([Value::Int(1), unknown]))]))]);
        assert_eq!(value.to_json().expect_err("unknown").message(), "`spec.list[1]` is unknown until applied (needs result of \"x\")");
        assert_eq!(Value::Float(f64::NAN).to_json().expect_err("nan").message(), "the value is NaN, which JSON cannot say");
    }
}
