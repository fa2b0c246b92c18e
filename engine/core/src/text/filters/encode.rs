//! JSON, base64, URLs, hashes, UUIDs.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use super::Filter;
use crate::text::template::{self as t, Call, Here, Outcome, exposed, fail, read};
use crate::text::value::{Key, Map, Value};

pub const FILTERS: &[Filter] = &[
    Filter::new("to_json", "value profile vault_to_text preprocess_unsafe **", |call, _| json(call, None)),
    Filter::new("to_nice_json", "value indent sort_keys **", nice_json),
    Filter::new("tojson", "value indent", |call, _| {
        let text = json_text(call.need(0)?, &Json { indent: call.given(1)?.and_then(Value::as_int), sort: true, ..Json::default() })?;
        Ok(Value::text(text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace('\'', "\\u0027")))
    }),
    Filter::new("from_json", "value profile **", from_json),
    Filter::new("b64encode", "value encoding urlsafe", b64encode),
    Filter::new("b64decode", "value encoding urlsafe", b64decode),
    Filter::new("hash", "value hashtype", |call, _| hashed(call, &call.text_or(1, "sha1")?)),
    Filter::new("md5", "value", |call, _| hashed(call, "md5")),
    Filter::new("sha1", "value", |call, _| hashed(call, "sha1")),
    Filter::new("checksum", "value", |call, _| hashed(call, "sha1")),
    Filter::new("to_uuid", "value namespace", to_uuid),
    Filter::new("urlencode", "value", urlencode),
    Filter::new("urldecode", "value", |call, _| Ok(Value::text(decoded(&call.text(0)?)))),
    Filter::new("urlsplit", "value query", urlsplit),
];

/// How JSON is written.
pub struct Json {
    pub indent: Option<i64>,
    pub sort: bool,
    pub ascii: bool,
    pub separators: Option<(String, String)>,
}

impl Default for Json {
    fn default() -> Json {
        Json { indent: None, sort: false, ascii: true, separators: None }
    }
}

fn json(call: &Call<'_>, nice: Option<Json>) -> Outcome<Value> {
    let mut how = nice.unwrap_or_default();
    for (key, value) in call.named.iter() {
        match key.as_str().unwrap_or_default() {
            "indent" => how.indent = read(value).as_int(),
            "sort_keys" => how.sort = t::truth(value)?,
            "ensure_ascii" => how.ascii = t::truth(value)?,
            "separators" => match &t::items(value)?[..] {
                [item, key] if how.separators.is_none() => {
                    how.separators = Some((t::python_text(item)?.into_owned(), t::python_text(key)?.into_owned()))
                }
                _ => {}
            },
            "cls" | "skipkeys" | "check_circular" | "allow_nan" | "default" => {}
            other => return fail(format!("`{}` has no argument `{other}`", call.name)),
        }
    }
    json_text(call.need(0)?, &how).map(Value::text)
}

fn nice_json(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let indent = if call.get(1).is_some_and(Value::is_null) { None } else { Some(call.int_or(1, 4)?) };
    json(call, Some(Json { indent, sort: call.flag(2, true)?, ascii: true, separators: Some((",".to_string(), ": ".to_string())) }))
}

/// As Python's `json.dumps`.
pub fn json_text(value: &Value, how: &Json) -> Outcome<String> {
    let (item, key) = match (&how.separators, how.indent) {
        (Some((item, key)), _) => (item.as_str(), key.as_str()),
        (None, Some(_)) => (",", ": "),
        (None, None) => (", ", ": "),
    };
    let mut out = String::new();
    write_json(&exposed(value)?, how, (item, key), 0, &mut out)?;
    Ok(out)
}

fn line(how: &Json, depth: usize, out: &mut String) {
    if let Some(indent) = how.indent {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', depth * usize::try_from(indent).unwrap_or(0)));
    }
}

fn write_json(value: &Value, how: &Json, separators: (&str, &str), depth: usize, out: &mut String) -> Outcome<()> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(int) => out.push_str(&int.to_string()),
        Value::Float(float) => out.push_str(&match *float {
            float if float.is_nan() => "NaN".to_string(),
            f64::INFINITY => "Infinity".to_string(),
            f64::NEG_INFINITY => "-Infinity".to_string(),
            float => t::python_float(float),
        }),
        Value::List(items) if items.is_empty() => out.push_str("[]"),
        Value::Map(map) if map.is_empty() => out.push_str("{}"),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(separators.0);
                }
                line(how, depth + 1, out);
                write_json(item, how, separators, depth + 1, out)?;
            }
            line(how, depth, out);
            out.push(']');
        }
        Value::Map(map) => {
            let mut pairs: Vec<(String, &Value)> = map.iter().map(|(key, value)| (json_key(key), value)).collect();
            if how.sort {
                pairs.sort_by(|a, b| a.0.cmp(&b.0));
            }
            out.push('{');
            for (at, (key, value)) in pairs.into_iter().enumerate() {
                if at > 0 {
                    out.push_str(separators.0);
                }
                line(how, depth + 1, out);
                json_string(&key, how.ascii, out);
                out.push_str(separators.1);
                write_json(value, how, separators, depth + 1, out)?;
            }
            line(how, depth, out);
            out.push('}');
        }
        other => json_string(&t::python_text(other)?, how.ascii, out),
    }
    Ok(())
}

fn json_key(key: &Key) -> String {
    match key {
        Key::Bool(flag) => flag.to_string(),
        Key::Null => "null".to_string(),
        other => other.to_string(),
    }
}

pub fn json_string(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 || (ascii && !c.is_ascii()) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn from_json(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let text = match call.need(0)? {
        Value::Text(text) => text,
        Value::Null => return fail("`from_json` takes a string, and this is null"),
        // what was made from JSON already
        other => return Ok(other.clone()),
    };
    match serde_json::from_str(text) {
        Ok(json) => Ok(from_serde(json)),
        Err(error) => fail(format!("this is not JSON: {error}")),
    }
}

/// A value from JSON.
pub fn from_serde(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(flag),
        serde_json::Value::Number(number) => number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap_or(f64::NAN)), Value::Int),
        serde_json::Value::String(text) => Value::text(text),
        serde_json::Value::Array(items) => Value::list(items.into_iter().map(from_serde)),
        serde_json::Value::Object(map) => {
            Value::from(map.into_iter().map(|(key, value)| (Key::from(key), from_serde(value))).collect::<Map>())
        }
    }
}

fn bytes(value: &Value) -> Outcome<Vec<u8>> {
    match value.as_bytes() {
        Some(bytes) => Ok(bytes.to_vec()),
        None => Ok(t::python_text(value)?.into_owned().into_bytes()),
    }
}

fn encoding(call: &Call<'_>) -> Outcome<bool> {
    match call.text_or(1, "utf-8")?.to_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" | "ascii" => Ok(false),
        "utf-16-le" | "utf-16le" => Ok(true),
        other => fail(format!("the encoding `{other}` is not supported; use utf-8 or utf-16-le")),
    }
}

fn b64encode(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let mut bytes = bytes(call.need(0)?)?;
    if encoding(call)? {
        bytes = String::from_utf8_lossy(&bytes).encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    Ok(Value::text(if call.flag(2, false)? { URL_SAFE.encode(bytes) } else { STANDARD.encode(bytes) }))
}

fn b64decode(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let text: String = call.text(0)?.chars().filter(|c| !c.is_whitespace()).collect();
    let result = if call.flag(2, false)? { URL_SAFE.decode(&text) } else { STANDARD.decode(&text) };
    let Ok(bytes) = result else { return fail("this is not base64") };
    if encoding(call)? {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        return Ok(Value::text(String::from_utf16_lossy(&units)));
    }
    Ok(Value::from_bytes(bytes))
}

fn hashed(call: &Call<'_>, kind: &str) -> Outcome<Value> {
    let bytes = bytes(call.need(0)?)?;
    let digest = match kind.to_lowercase().as_str() {
        "md5" => Md5::digest(&bytes).to_vec(),
        "sha1" => Sha1::digest(&bytes).to_vec(),
        "sha224" => Sha224::digest(&bytes).to_vec(),
        "sha256" => Sha256::digest(&bytes).to_vec(),
        "sha384" => Sha384::digest(&bytes).to_vec(),
        "sha512" => Sha512::digest(&bytes).to_vec(),
        other => return fail(format!("there is no hash `{other}`; it is one of md5, sha1, sha224, sha256, sha384, sha512")),
    };
    Ok(Value::text(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}

fn to_uuid(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let namespace = call.text_or(1, "361E6D51-FAEC-444A-9079-341386DA8E2E")?.replace('-', "");
    let parse = |at: usize| u8::from_str_radix(namespace.get(at..at + 2)?, 16).ok();
    let Some(mut input) = (0..32).step_by(2).map(parse).collect::<Option<Vec<u8>>>() else {
        return fail("the namespace of `to_uuid` is no UUID");
    };
    input.extend(call.text(0)?.as_bytes());
    let mut id = Sha1::digest(&input)[..16].to_vec();
    id[6] = (id[6] & 0x0f) | 0x50;
    id[8] = (id[8] & 0x3f) | 0x80;
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Value::text([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")))
}

/// As Python's `quote`; the characters in `safe` stay.
pub fn percent(text: &str, safe: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "_.-~".contains(c) || safe.contains(c) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn urlencode(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let pair = |key: &Value, value: &Value| -> Outcome<String> {
        let quote = |value: &Value| -> Outcome<String> { Ok(percent(&t::python_text(value)?, "").replace("%20", "+")) };
        Ok(format!("{}={}", quote(key)?, quote(value)?))
    };
    match call.need(0)? {
        Value::Map(map) => {
            Ok(Value::text(map.iter().map(|(key, value)| pair(&key.to_value(), value)).collect::<Outcome<Vec<_>>>()?.join("&")))
        }
        Value::List(items) => {
            let pairs = items.iter().map(|item| match &t::items(item)?[..] {
                [key, value] => pair(key, value),
                _ => fail("`urlencode` takes pairs"),
            });
            Ok(Value::text(pairs.collect::<Outcome<Vec<_>>>()?.join("&")))
        }
        other => Ok(Value::text(percent(&t::python_text(other)?, "/"))),
    }
}

fn decoded(text: &str) -> String {
    let mut out = vec![];
    let mut rest = text.as_bytes();
    while let Some((&byte, more)) = rest.split_first() {
        let hex = more.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, hex) {
            (b'%', Some(meant)) => {
                out.push(meant);
                rest = &more[2..];
                continue;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
        rest = more;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn urlsplit(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let url = call.text(0)?.to_string();
    let (rest, fragment) = url.split_once('#').unwrap_or((&url, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let (scheme, rest) = rest
        .split_once(':')
        .filter(|(scheme, _)| is_scheme(scheme))
        .map_or((String::new(), rest), |(scheme, rest)| (scheme.to_lowercase(), rest));
    let (netloc, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let (user, host) = netloc.rsplit_once('@').map_or((None, netloc), |(user, host)| (Some(user), host));
    let (username, password) =
        user.map_or((None, None), |user| user.split_once(':').map_or((Some(user), None), |(name, password)| (Some(name), Some(password))));
    let (hostname, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
    };
    let optional = |text: Option<&str>| text.map_or(Value::Null, Value::text);
    let parts = Value::map([
        ("fragment", Value::text(fragment)),
        ("hostname", if hostname.is_empty() { Value::Null } else { Value::text(hostname.to_lowercase()) }),
        ("netloc", Value::text(netloc)),
        ("password", optional(password)),
        ("path", Value::text(path)),
        ("port", port.and_then(|port| port.parse().ok()).map_or(Value::Null, Value::Int)),
        ("query", Value::text(query)),
        ("scheme", Value::text(scheme)),
        ("username", optional(username)),
    ]);
    match call.given(1)? {
        None => Ok(parts),
        Some(wanted) => {
            let wanted = t::python_text(wanted)?;
            parts.get(&wanted).cloned().map_or_else(|| fail(format!("a URL has no part `{wanted}`")), Ok)
        }
    }
}
