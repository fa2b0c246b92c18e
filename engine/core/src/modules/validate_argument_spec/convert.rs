//! Values as a specification wants them, and the words for those that cannot be so.

use crate::text::template as t;
use crate::text::{Key, Map, Value, json, scalar, size};

/// Python's `repr`.
fn repr(value: &Value) -> String {
    t::python_shown(value).unwrap_or_default()
}

/// Python's `str`.
pub fn text(value: &Value) -> String {
    t::python_text(value).map(std::borrow::Cow::into_owned).unwrap_or_default()
}

/// The class that Ansible's messages name for a value.
pub fn class(value: &Value) -> String {
    let tagged = match value.plain() {
        Value::Text(_) => "Str",
        Value::Int(_) => "Int",
        Value::Float(_) => "Float",
        Value::List(_) => "List",
        Value::Map(_) => "Dict",
        other => return format!("<class '{}'>", t::python_type(other)),
    };
    format!("<class 'ansible.module_utils._internal._datatag._AnsibleTagged{tagged}'>")
}

/// A value as the type wants it, or why it cannot be.
pub fn convert(kind: &str, value: &Value) -> Result<Value, String> {
    let value = value.plain();
    let refused = |what: &str| Err(format!("{} cannot be converted to {what}", class(value)));
    match (kind, value) {
        ("raw", _) => Ok(value.clone()),
        ("str" | "path", Value::Null) => Ok(Value::text("")),
        ("str" | "path", other) => Ok(Value::text(text(other))),
        ("int", Value::Int(_) | Value::Bool(_)) => Ok(value.clone()),
        ("int", other) => whole(other).map(Value::Int).ok_or_else(|| format!("\"{}\" cannot be converted to an int", repr(other))),
        ("float", Value::Float(_)) => Ok(value.clone()),
        ("float", Value::Int(int)) => Ok(Value::Float(*int as f64)),
        ("float", Value::Bool(flag)) => Ok(Value::Float(f64::from(u8::from(*flag)))),
        ("float", Value::Text(text)) => text.trim().parse().map(Value::Float).or_else(|_| refused("a float")),
        ("float", _) => refused("a float"),
        ("bool", Value::Bool(_)) => Ok(value.clone()),
        ("bool", Value::Text(_) | Value::Int(_) | Value::Float(_)) => truth(value),
        ("bool", _) => refused("a bool"),
        ("list", Value::List(_)) => Ok(value.clone()),
        ("list", Value::Text(text)) => Ok(Value::list(text.split(',').map(Value::text))),
        ("list", Value::Int(_) | Value::Float(_) | Value::Bool(_)) => Ok(Value::list([Value::text(text(value))])),
        ("list", _) => refused("a list"),
        ("dict", Value::Map(_)) => Ok(value.clone()),
        ("dict", Value::Text(text)) => mapping(text),
        ("dict", _) => refused("a dict"),
        ("json" | "jsonarg", Value::Text(text)) => Ok(Value::text(text.trim())),
        ("json" | "jsonarg", Value::List(_) | Value::Map(_)) => {
            json::python(value).map(Value::text).map_err(|error| error.message().to_string())
        }
        ("json" | "jsonarg", _) => refused("a json string"),
        ("bytes", other) => sized(other, false).map(Value::Int).or_else(|()| refused("a Byte value")),
        ("bits", other) => sized(other, true).map(Value::Int).or_else(|()| refused("a Bit value")),
        _ => Err("'NoneType' object is not callable".into()),
    }
}

fn whole(value: &Value) -> Option<i64> {
    let float = |float: f64| (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64);
    match value {
        Value::Float(number) => float(*number),
        Value::Text(text) => text.trim().parse().ok().or_else(|| text.trim().parse().ok().and_then(float)),
        _ => None,
    }
}

fn truth(value: &Value) -> Result<Value, String> {
    let flag = match value {
        Value::Int(0) => Some(false),
        Value::Int(1) => Some(true),
        Value::Float(number) if *number == 0.0 || *number == 1.0 => Some(*number == 1.0),
        Value::Text(text) => match text.trim().to_lowercase().as_str() {
            "y" | "t" | "1" => Some(true),
            "n" | "f" | "0" => Some(false),
            other => scalar::boolean(other),
        },
        _ => None,
    };
    flag.map(Value::Bool).ok_or_else(|| {
        let known = "0, 1, '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'";
        format!("The value '{}' is not a valid boolean. Valid booleans include: {known}", text(value))
    })
}

fn sized(value: &Value, bits: bool) -> Result<i64, ()> {
    match value {
        Value::Text(_) | Value::Int(_) | Value::Float(_) => size::bytes(&text(value), "", bits).map_err(drop),
        _ => Err(()),
    }
}

/// A mapping in a text: JSON, or `a=1, b=2`.
pub fn mapping(text: &str) -> Result<Value, String> {
    if text.starts_with('{') {
        let source = crate::text::Source::new("(argument)", text);
        let read = crate::text::yaml::parse(&source).ok().map(|node| node.to_value());
        return read.filter(|value| value.as_map().is_some()).ok_or_else(|| "unable to evaluate string as dictionary".into());
    }
    if !text.contains('=') {
        return Err("dictionary requested, could not parse JSON or key=value".into());
    }
    let mut map = Map::new();
    for field in fields(text.trim()) {
        let Some((key, value)) = field.split_once('=') else {
            return Err("unable to evaluate string in the \"key=value\" format as dictionary".into());
        };
        map.insert(Key::from(key), Value::text(value));
    }
    Ok(map.into())
}

/// The parts between blanks and commas; quotes and backslashes hold them together.
fn fields(text: &str) -> Vec<String> {
    let (mut all, mut field, mut quote, mut escaped) = (vec![], String::new(), None, false);
    for c in text.chars() {
        match (c, quote) {
            _ if escaped => {
                field.push(c);
                escaped = false;
            }
            ('\\', _) => escaped = true,
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (',' | ' ', None) => all.push(std::mem::take(&mut field)),
            _ => field.push(c),
        }
    }
    all.push(field);
    all.retain(|field| !field.is_empty());
    all
}
