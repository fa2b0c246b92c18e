//! Python's operators on values.

use std::cmp::Ordering;
use std::sync::Arc;

use super::failure::{self, Outcome, fail};
use super::{frame, python};
use crate::text::value::{Key, Map, Value};

/// What `*` may make at most.
pub const MAX_LENGTH: usize = 50_000_000;

/// A number: Python counts booleans among them.
pub enum Number {
    Int(i64),
    Float(f64),
}

pub fn number(value: &Value) -> Option<Number> {
    Some(match frame::read(value) {
        Value::Bool(flag) => Number::Int(i64::from(*flag)),
        Value::Int(int) => Number::Int(*int),
        Value::Float(float) => Number::Float(*float),
        _ => return None,
    })
}

impl Number {
    pub fn float(&self) -> f64 {
        match self {
            Number::Int(int) => *int as f64,
            Number::Float(float) => *float,
        }
    }
}

fn impossible<T>(op: &str, a: &Value, b: &Value) -> Outcome<T> {
    failure::usable(a)?;
    failure::usable(b)?;
    let diagnostic = crate::text::Diagnostic::error(format!("`{op}` cannot join {} and {}", a.type_name(), b.type_name()));
    let text_and_number = (a.as_str().is_some() && number(b).is_some()) || (b.as_str().is_some() && number(a).is_some());
    let hint = match op {
        "+" if text_and_number => Some("use `~` to join as text, or `| int` to count"),
        "<" | ">" | "<=" | ">=" if text_and_number => Some("use `| int` to compare as numbers"),
        "-" | "*" | "/" | "//" | "%" | "**" if text_and_number => Some("use `| int` or `| float` to make the text a number"),
        _ => None,
    };
    Err(match hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
    .into())
}

/// `+ - * / // % **`
pub fn arithmetic(op: &'static str, a: &Value, b: &Value) -> Outcome<Value> {
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return numbers(op, a, b);
    }
    match (op, frame::read(a), frame::read(b)) {
        ("+", Value::Text(a), Value::Text(b)) => joined(a, b),
        ("+", Value::List(a), Value::List(b)) => Ok(Value::list(a.iter().chain(b.iter()).cloned())),
        ("%", Value::Text(format), _) => super::format::percent(format, b).map(Value::text),
        ("*", Value::Text(text), Value::Int(count)) | ("*", Value::Int(count), Value::Text(text)) => {
            let count = usize::try_from(*count).unwrap_or(0);
            if text.len().saturating_mul(count) > MAX_LENGTH {
                return fail("this repeats a string too often");
            }
            Ok(Value::text(text.repeat(count)))
        }
        ("*", Value::List(items), Value::Int(count)) | ("*", Value::Int(count), Value::List(items)) => {
            let count = usize::try_from(*count).unwrap_or(0);
            if items.len().saturating_mul(count) > MAX_LENGTH {
                return fail("this repeats a list too often");
            }
            Ok(Value::list((0..count).flat_map(|_| items.iter().cloned())))
        }
        _ => match crate::text::filters::time::arithmetic(op, a, b) {
            Some(result) => Ok(result),
            None => impossible(op, a, b),
        },
    }
}

fn numbers(op: &'static str, a: Number, b: Number) -> Outcome<Value> {
    let zero = b.float() == 0.0;
    if zero && matches!(op, "/" | "//" | "%") {
        return fail("division by zero");
    }
    if let (Number::Int(x), Number::Int(y)) = (&a, &b) {
        let (x, y) = (*x, *y);
        let result = match op {
            "+" => x.checked_add(y),
            "-" => x.checked_sub(y),
            "*" => x.checked_mul(y),
            "//" => x.checked_div_euclid(y).map(|_| floor_div(x, y)),
            "%" => x.checked_rem(y).map(|_| x.wrapping_sub(y.wrapping_mul(floor_div(x, y)))),
            "**" if y < 0 => return Ok(Value::Float((x as f64).powf(y as f64))),
            "**" => u32::try_from(y).ok().and_then(|y| x.checked_pow(y)),
            _ => return Ok(Value::Float(x as f64 / y as f64)),
        };
        return result.map_or_else(|| fail("the result is too large for an integer"), |int| Ok(Value::Int(int)));
    }
    let (x, y) = (a.float(), b.float());
    Ok(Value::Float(match op {
        "+" => x + y,
        "-" => x - y,
        "*" => x * y,
        "/" => x / y,
        "//" => (x / y).floor(),
        "%" => x - y * (x / y).floor(),
        _ => x.powf(y),
    }))
}

fn floor_div(x: i64, y: i64) -> i64 {
    let quotient = x.wrapping_div(y);
    if x.wrapping_rem(y) != 0 && ((x < 0) != (y < 0)) { quotient - 1 } else { quotient }
}

/// `-x` and `+x`.
pub fn sign(negative: bool, value: &Value) -> Outcome<Value> {
    failure::usable(value)?;
    match number(value) {
        Some(Number::Int(int)) if negative => {
            int.checked_neg().map_or_else(|| fail("the result is too large for an integer"), |int| Ok(Value::Int(int)))
        }
        Some(Number::Float(float)) if negative => Ok(Value::Float(-float)),
        Some(Number::Int(int)) => Ok(Value::Int(int)),
        Some(Number::Float(float)) => Ok(Value::Float(float)),
        None => fail(format!("{} has no sign", value.type_name())),
    }
}

/// `a == b`: numbers by value, everything else by type and contents.
pub fn equal(a: &Value, b: &Value) -> Outcome<bool> {
    failure::usable(a)?;
    failure::usable(b)?;
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return Ok(match (a, b) {
            (Number::Int(a), Number::Int(b)) => a == b,
            (a, b) => a.float() == b.float(),
        });
    }
    Ok(match (frame::read(a), frame::read(b)) {
        (Value::List(a), Value::List(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.iter().zip(b.iter()) {
                if !equal(a, b)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) => same_maps(a, b)?,
        (a, b) => match (a.as_str(), b.as_str()) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        },
    })
}

fn same_maps(a: &Map, b: &Map) -> Outcome<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (key, value) in a.iter() {
        match b.get_key(key) {
            Some(other) if equal(value, other)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// The order of two values; an error where Python has none.
pub fn order(op: &str, a: &Value, b: &Value) -> Outcome<Ordering> {
    if let (Some(x), Some(y)) = (number(a), number(b)) {
        return Ok(match (x, y) {
            (Number::Int(x), Number::Int(y)) => x.cmp(&y),
            (x, y) => x.float().partial_cmp(&y.float()).unwrap_or(Ordering::Equal),
        });
    }
    match (frame::read(a), frame::read(b)) {
        (Value::Text(a), Value::Text(b)) => Ok(a.cmp(b)),
        (Value::List(x), Value::List(y)) => {
            for (x, y) in x.iter().zip(y.iter()) {
                if !equal(x, y)? {
                    return order(op, x, y);
                }
            }
            Ok(x.len().cmp(&y.len()))
        }
        _ => impossible(op, a, b),
    }
}

/// A comparison by its sign.
pub fn compare(op: &str, a: &Value, b: &Value) -> Outcome<bool> {
    failure::usable(a)?;
    failure::usable(b)?;
    Ok(match op {
        "==" => equal(a, b)?,
        "!=" => !equal(a, b)?,
        "in" => contains(b, a)?,
        "not in" => !contains(b, a)?,
        "<" => order(op, a, b)?.is_lt(),
        "<=" => order(op, a, b)?.is_le(),
        ">" => order(op, a, b)?.is_gt(),
        _ => order(op, a, b)?.is_ge(),
    })
}

/// `item in container`
pub fn contains(container: &Value, item: &Value) -> Outcome<bool> {
    failure::usable(container)?;
    failure::usable(item)?;
    match frame::read(container) {
        Value::Text(text) => match frame::read(item) {
            Value::Text(part) => Ok(text.contains(&**part)),
            other => {
                let message = format!("`in` looks for a string in a string, and this is {}", other.type_name());
                Err(crate::text::Diagnostic::error(message).hint("use `| string`").into())
            }
        },
        Value::List(items) => {
            for candidate in items.iter() {
                if equal(candidate, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Map(map) => Ok(Key::from_value(frame::read(item)).is_some_and(|key| map.get_key(&key).is_some())),
        other => {
            let message = format!("`in` looks into a string, a list or a mapping, and this is {}", other.type_name());
            fail(message)
        }
    }
}

/// What Python calls true; what is undefined or unknown ends the render.
pub fn truth(value: &Value) -> Outcome<bool> {
    failure::usable(value)?;
    Ok(frame::read(value).truthy())
}

/// The items of what can be looped over: a list's, a mapping's keys, a string's characters.
pub fn items(value: &Value) -> Outcome<Arc<Vec<Value>>> {
    failure::usable(value)?;
    Ok(match frame::read(value) {
        Value::List(items) => items.clone(),
        Value::Map(map) => Arc::new(map.keys().map(Key::to_value).collect()),
        Value::Text(text) => Arc::new(text.chars().map(|c| Value::text(c.to_string())).collect()),
        other => return fail(format!("{} cannot be looped over", other.type_name())),
    })
}

/// `value[start:stop:step]`
pub fn slice(value: &Value, parts: [&Value; 3]) -> Outcome<Value> {
    failure::usable(value)?;
    let mut numbers = [None; 3];
    for (number, part) in numbers.iter_mut().zip(parts) {
        failure::usable(part)?;
        *number = match frame::read(part) {
            Value::Null => None,
            Value::Int(int) => Some(*int),
            Value::Bool(flag) => Some(i64::from(*flag)),
            other => return fail(format!("a slice takes integers, and this is {}", other.type_name())),
        };
    }
    match frame::read(value) {
        Value::List(items) => Ok(Value::list(positions(items.len(), numbers)?.into_iter().map(|at| items[at].clone()))),
        Value::Text(text) => {
            let chars: Vec<char> = text.chars().collect();
            Ok(Value::text(positions(chars.len(), numbers)?.into_iter().map(|at| chars[at]).collect::<String>()))
        }
        other => fail(format!("{} has no slices", other.type_name())),
    }
}

fn positions(length: usize, [start, stop, step]: [Option<i64>; 3]) -> Outcome<Vec<usize>> {
    let (length, step) = (length as i64, step.unwrap_or(1));
    if step == 0 {
        return fail("the step of a slice cannot be zero");
    }
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |at: i64| if at < 0 { (at.saturating_add(length)).clamp(low, high) } else { at.clamp(low, high) };
    let (mut at, stop) =
        if step > 0 { (start.map_or(low, clamp), stop.map_or(high, clamp)) } else { (start.map_or(high, clamp), stop.map_or(low, clamp)) };
    let mut out = vec![];
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        out.push(at as usize);
        at += step;
    }
    Ok(out)
}

/// `a ~ b`
pub fn concat(a: &Value, b: &Value) -> Outcome<Value> {
    let (a, b) = (python::text(a)?, python::text(b)?);
    joined(&a, &b)
}

fn joined(a: &str, b: &str) -> Outcome<Value> {
    if a.len() + b.len() > MAX_LENGTH {
        return fail(format!("this makes a string of over {} MB", MAX_LENGTH / 1_000_000));
    }
    Ok(Value::text([a, b].concat()))
}
