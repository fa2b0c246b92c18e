//! What a plain YAML scalar means, by the rules of YAML 1.1 as PyYAML has them (https://yaml.org/type/): playbooks are
//! written against those.

use std::sync::LazyLock;

use regex::Regex;

use super::value::Value;

static INT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[-+]?(?:0b[0-1_]+|0[0-7_]*|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)$").expect("a valid pattern")
});
static FLOAT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|[-+]?\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$")
        .expect("a valid pattern")
});

/// The value of a plain scalar.
pub fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        _ => {}
    }
    if let Some(flag) = boolean(text) {
        return Value::Bool(flag);
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return Value::text(text);
    }
    if INT.is_match(text) {
        return integer(text).map_or_else(|| Value::text(text), Value::Int);
    }
    if FLOAT.is_match(text) {
        return Value::Float(float(text));
    }
    Value::text(text)
}

/// The booleans of YAML 1.1: `yes`, `No`, `on`, `TRUE` and the like.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn integer(text: &str) -> Option<i64> {
    let digits = text.replace('_', "");
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let size = if let Some(hex) = digits.strip_prefix("0x") {
        i64::from_str_radix(hex, 16).ok()?
    } else if let Some(binary) = digits.strip_prefix("0b") {
        i64::from_str_radix(binary, 2).ok()?
    } else if digits.contains(':') {
        digits.split(':').try_fold(0_i64, |sum, part| sum.checked_mul(60)?.checked_add(part.parse().ok()?))?
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8).ok()?
    } else {
        digits.parse().ok()?
    };
    Some(if negative { -size } else { size })
}

fn float(text: &str) -> f64 {
    let plain = text.replace('_', "").to_lowercase();
    match plain.trim_start_matches(['+', '-']) {
        ".inf" if plain.starts_with('-') => f64::NEG_INFINITY,
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        _ => plain.parse().unwrap_or(f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_pyyaml_does() {
        for (text, value) in [
            ("0644", Value::Int(420)),
            ("644", Value::Int(644)),
            ("0o644", Value::text("0o644")),
            ("1_000", Value::Int(1000)),
            ("1:30", Value::Int(90)),
            ("0x1F", Value::Int(31)),
            ("089", Value::text("089")),
            ("1e3", Value::text("1e3")),
            ("1.5e+3", Value::Float(1500.0)),
            (".5", Value::Float(0.5)),
            ("1.2.3", Value::text("1.2.3")),
            ("Yes", Value::Bool(true)),
            ("y", Value::text("y")),
            ("off", Value::Bool(false)),
            ("~", Value::Null),
            ("-", Value::text("-")),
            ("2026-11-21", Value::text("2026-11-21")),
        ] {
            assert_eq!(resolve(text), value, "{text}");
        }
    }
}
