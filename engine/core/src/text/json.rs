//! Values and JSON.

use serde_json::Value as Json;

use super::value::{Key, Map, Value};

/// Marks of secrets are dropped: only for what is compared or sent. Unknown values and `omit` become null.
pub fn to_json(value: &Value) -> Json {
    match value.plain() {
        Value::Null | Value::Omit | Value::Unknown(_) | Value::Secret(_) => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(int) => (*int).into(),
        Value::Float(float) => serde_json::Number::from_f64(*float).map_or(Json::Null, Json::Number),
        Value::Text(text) => Json::String(text.to_string()),
        Value::Bytes(bytes) => Json::String(String::from_utf8_lossy(bytes).into_owned()),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(map) => Json::Object(map.iter().map(|(key, value)| (key.to_string(), to_json(value))).collect()),
        Value::Contents(contents) => contents.here().map_or(Json::Null, to_json),
    }
}

pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap_or(f64::NAN)), Value::Int),
        Json::String(text) => Value::text(text.as_str()),
        Json::Array(items) => Value::list(items.iter().map(from_json)),
        Json::Object(map) => Value::from(map.iter().map(|(key, value)| (Key::from(key.as_str()), from_json(value))).collect::<Map>()),
    }
}

/// JSON with a blank after comma and colon, as Python's `json.dumps` writes it.
pub fn python(value: &Value) -> String {
    let mut text = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut text, Spaced);
    serde::Serialize::serialize(&to_json(value), &mut writer).expect("JSON values can be written to memory");
    String::from_utf8(text).expect("JSON is UTF-8")
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
