//! What the answer says about one path.

use crate::state::{Fields, Id, Look, Reading, Reply, State};
use crate::text::{Body, Contents, Value};

use super::{KIND, normal};

/// What the lines of an answer say about one path.
#[derive(Default)]
struct Found<'a> {
    own: Option<Vec<&'a str>>,
    target: Option<&'a str>,
    real: Option<(&'a str, Vec<&'a str>)>,
    sha256: Option<&'a str>,
    contents: Option<&'a [u8]>,
    more: Vec<(String, Value)>,
}

pub(super) fn reading(look: &Look, reply: &Reply) -> Reading {
    let Some(found) = find(&look.id.name, &reply.out) else {
        return Reading::failed(format!(
            "the answer about {} could not be read: it changed while it was read, or the host speaks in riddles",
            look.id.name
        ));
    };
    let errors = String::from_utf8_lossy(&reply.err);
    let denied = errors.lines().find(|line| line.contains("Permission denied") && mentions(line, &look.id.name));
    if let Some(line) = denied
        && (found.own.is_none() || (found.sha256.is_none() && (look.detail.contains_key("unless") || look.detail.contains_key("contents"))))
    {
        return Reading::Failed { message: line.to_string(), hint: Some("this user may not read it; try `become: true`".into()) };
    }
    let Some(words) = &found.own else {
        let tool = errors.lines().find(|line| line.contains("not found"));
        return match tool {
            Some(line) if reply.out.is_empty() => Reading::failed(format!("the host lacks a tool: {line}")),
            _ => Reading::one(look, None),
        };
    };
    let Some(fields) = fields(words) else { return Reading::failed(format!("`stat` of {} gave what no stat gives", look.id.name)) };
    Reading::States(states(look, &found, fields))
}

fn states(look: &Look, found: &Found<'_>, mut own: Fields) -> Vec<(Id, State)> {
    for (name, value) in &found.more {
        own.insert(name.clone().into(), value.clone());
    }
    let Some(target) = found.target else {
        contents(found, &mut own);
        return vec![(look.id.clone(), Some(own))];
    };
    own.insert("target".into(), Value::text(target));
    let mut all = vec![];
    if let Some((real, words)) = &found.real
        && let Some(mut fields) = fields(words)
    {
        own.insert("real".into(), Value::text(*real));
        contents(found, &mut fields);
        all.push((Id::new(KIND, normal(real)), Some(fields)));
    }
    all.push((look.id.clone(), Some(own)));
    all
}

fn contents(found: &Found<'_>, fields: &mut Fields) {
    let Some(sha256) = found.sha256 else { return };
    let size = fields.get("size").and_then(Value::as_int).unwrap_or_default();
    // the bytes may be newer than the hash; what is at hand decides
    let whole = found.contents.map(|bytes| Contents::of(Value::from_bytes(bytes.to_vec())));
    let away = || Contents { sha256: sha256.into(), size: size as u64, body: Body::Away };
    fields.insert("contents".into(), whole.unwrap_or_else(away).into());
}

fn mentions(line: &str, path: &str) -> bool {
    line.contains(&format!("'{path}'")) || line.contains(&format!(" {path}:")) || line.contains(&format!("{path}: "))
}

/// Picks the lines about one path out of the answer; `None` where it does not hold together.
fn find<'a>(path: &str, mut out: &'a [u8]) -> Option<Found<'a>> {
    let mut found = Found::default();
    let mut real = None;
    while !out.is_empty() {
        let line = take_line(&mut out)?;
        let (letter, rest) = line.split_once(' ')?;
        match letter {
            "s" | "R" => {
                let words: Vec<&str> = rest.splitn(17, ' ').collect();
                let name = *words.get(16)?;
                if letter == "s" && same(name, path) {
                    found.own = Some(words);
                } else if letter == "R" && real == Some(name) {
                    found.real = Some((name, words));
                }
            }
            "l" => {
                let target = take_line(&mut out)?;
                if same(rest, path) {
                    found.target = Some(target);
                }
            }
            "r" => {
                let leads = take_line(&mut out)?;
                if same(rest, path) {
                    real = Some(leads);
                }
            }
            "h" => {
                let (hash, name) = rest.split_once(' ')?;
                if same(name, path) {
                    found.sha256 = Some(hash);
                }
            }
            "c" => {
                let (size, name) = rest.split_once(' ')?;
                let bytes = take(&mut out, size.parse().ok()?)?;
                if same(name, path) {
                    found.contents = Some(bytes);
                }
            }
            "k" => {
                let (algorithm, rest) = rest.split_once(' ')?;
                let (hash, name) = rest.split_once("  ")?;
                if same(name, path) {
                    found.more.push((algorithm.to_string(), Value::text(hash)));
                }
            }
            "a" => {
                let (flag, name) = rest.split_once(' ')?;
                if same(name, path) {
                    let field = if flag == "access" { flag.to_string() } else { format!("access_{flag}") };
                    found.more.push((field, Value::Bool(true)));
                }
            }
            "mi" | "at" => {
                let said = take_line(&mut out)?;
                if same(rest, path) {
                    found.more.extend(if letter == "mi" { mime(said) } else { attributes(said) }.into_iter().flatten());
                }
            }
            "t" => found.more.push(("stamp".into(), Value::text(rest))),
            _ => return None,
        }
    }
    Some(found)
}

/// `text/plain; charset=us-ascii`
fn mime(said: &str) -> Option<Vec<(String, Value)>> {
    let (kind, charset) = said.split_once(';')?;
    let charset = charset.trim().strip_prefix("charset=")?;
    Some(vec![("mimetype".into(), Value::text(kind.trim())), ("charset".into(), Value::text(charset))])
}

/// `1619947907 --------------e------- /path`
fn attributes(said: &str) -> Option<Vec<(String, Value)>> {
    let mut words = said.split_whitespace();
    let (version, flags) = (words.next()?, words.next()?);
    Some(vec![("version".into(), Value::text(version)), ("attributes".into(), Value::text(flags.replace('-', "")))])
}

/// A `~` was replaced by the far shell; what is left of the path must agree.
fn same(name: &str, path: &str) -> bool {
    match path.strip_prefix('~') {
        None => name == path,
        Some(rest) => name.ends_with(rest.split_once('/').map_or("", |(_, rest)| rest)),
    }
}

fn take_line<'a>(out: &mut &'a [u8]) -> Option<&'a str> {
    let end = out.iter().position(|&byte| byte == b'\n')?;
    let line = std::str::from_utf8(&out[..end]).ok()?;
    *out = &out[end + 1..];
    Some(line)
}

fn take<'a>(out: &mut &'a [u8], size: usize) -> Option<&'a [u8]> {
    let bytes = out.get(..size)?;
    *out = out.get(size + 1..)?;
    Some(bytes)
}

fn fields(words: &[&str]) -> Option<Fields> {
    let raw = u32::from_str_radix(words.first()?, 16).ok()?;
    let kind = match raw & 0o170_000 {
        0o100_000 => "file",
        0o040_000 => "directory",
        0o120_000 => "link",
        0o010_000 => "fifo",
        0o140_000 => "socket",
        0o020_000 => "char",
        0o060_000 => "block",
        _ => return None,
    };
    let number = |at: usize| words.get(at)?.parse::<i64>().ok().map(Value::Int);
    let name = |at: usize| words.get(at).map(|name| if *name == "UNKNOWN" { Value::text("") } else { Value::text(*name) });
    Some(Fields::from([
        ("kind".into(), Value::text(kind)),
        ("mode".into(), Value::text(format!("{:04o}", raw & 0o7777))),
        ("uid".into(), number(1)?),
        ("gid".into(), number(2)?),
        ("owner".into(), name(3)?),
        ("group".into(), name(4)?),
        ("size".into(), number(5)?),
        ("links".into(), number(6)?),
        ("inode".into(), number(7)?),
        ("device".into(), number(8)?),
        ("atime".into(), number(9)?),
        ("mtime".into(), number(10)?),
        ("ctime".into(), number(11)?),
        ("blocks".into(), number(12)?),
        ("block_size".into(), number(13)?),
        ("device_type".into(), device(words.get(14)?, words.get(15)?)?),
    ]))
}

/// Major and minor number, in hex, as stat(2) has them in one.
fn device(major: &str, minor: &str) -> Option<Value> {
    let (major, minor) = (i64::from_str_radix(major, 16).ok()?, i64::from_str_radix(minor, 16).ok()?);
    Some(Value::Int((major & 0xfff) << 8 | (major & !0xfff) << 32 | (minor & 0xff) | (minor & !0xff) << 12))
}
