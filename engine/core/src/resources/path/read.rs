//! What the answer says about one path.

use std::ops::Range;

use crate::state::{Fields, Id, Look, Reading, Reply, State};
use crate::text::value::sha256_hex;
use crate::text::{Body, Contents, Value};

use super::{KIND, ask, normal};

/// The contents of a file, where they were sent.
#[derive(Default, Clone, Copy, PartialEq)]
enum Bytes<'a> {
    #[default]
    Away,
    Here(&'a [u8]),
    /// Among others, one of which changed while it was read: where these begin and end is not known.
    Torn,
}

/// What the lines of an answer say about one path.
#[derive(Default)]
struct Found<'a> {
    own: Option<Vec<&'a str>>,
    target: Option<&'a str>,
    real: Option<(&'a str, Vec<&'a str>)>,
    sha256: Option<&'a str>,
    bytes: Bytes<'a>,
    more: Vec<(String, Value)>,
}

pub(super) fn reading(look: &Look, reply: &Reply) -> Reading {
    if look.id.name.contains(['\n', '\0']) {
        return Reading::failed(format!("{:?} is no path: a line end or a NUL in a name is not supported", look.id.name));
    }
    let Some(found) = find(&look.id.name, &reply.out) else {
        return Reading::failed(format!(
            "the answer about {} could not be read: it changed while it was read, or the host speaks in riddles",
            look.id.name
        ));
    };
    let errors = String::from_utf8_lossy(&reply.err);
    let denied = errors.lines().find(|line| line.contains("Permission denied") && mentions(line, &look.id.name));
    if let Some(line) = denied
        && (found.own.is_none() || (found.sha256.is_none() && asks_contents(look)))
    {
        return Reading::Failed { message: line.to_string(), hint: Some("this user may not read it; try `become: true`".into()) };
    }
    let lacks = |tool: &str| errors.lines().find(|line| line.contains(tool) && line.ends_with("not found"));
    let Some(words) = &found.own else {
        return match lacks("stat") {
            Some(line) => Reading::failed(format!("the host lacks a tool: {line}")),
            None => Reading::one(look, None),
        };
    };
    let Some(fields) = fields(words) else { return Reading::failed(format!("`stat` of {} gave what no stat gives", look.id.name)) };
    if let Some(line) = lacks("sha256sum").filter(|_| asks_contents(look)) {
        return Reading::failed(format!("the host lacks a tool: {line}"));
    }
    if found.bytes == Bytes::Torn {
        return Reading::Ask(ask::script(&[look]).into());
    }
    Reading::States(states(look, &found, fields))
}

fn states(look: &Look, found: &Found<'_>, mut own: Fields) -> Vec<(Id, State)> {
    let asked = |name: &str| match name.strip_prefix("time ") {
        Some(time) => look.asks("time", time),
        None => name != "stamp" || look.detail.contains_key("stamp"),
    };
    for (name, value) in found.more.iter().filter(|(name, _)| asked(name)) {
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
    let contents = match found.bytes {
        // they may be newer than the hash; what is at hand decides
        Bytes::Here(bytes) => Contents::of(Value::from_bytes(bytes.to_vec())),
        Bytes::Away | Bytes::Torn => Contents { sha256: sha256.into(), size: size as u64, body: Body::Away },
    };
    fields.insert("contents".into(), contents.into());
}

fn asks_contents(look: &Look) -> bool {
    look.detail.contains_key("unless") || look.detail.contains_key("contents")
}

/// Whether a message is about a path. Tools quote odd names each in their own way, so quotes and backslashes do not count.
fn mentions(line: &str, path: &str) -> bool {
    let bare = |text: &str| text.replace(['\'', '"', '\\', '$'], "");
    let name = bare(path.trim_start_matches('~'));
    let sought = if path.starts_with('/') { format!(" {name}:") } else { format!("{name}:") };
    bare(line).contains(&sought)
}

/// The files whose bytes stand at the end of an answer, one after the other: where those of one path are.
#[derive(Default)]
struct Files {
    count: usize,
    /// How many bytes all of them had when they were measured.
    total: usize,
    own: Option<Range<usize>>,
}

impl Files {
    fn add(&mut self, size: usize, own: bool) {
        let end = self.total.saturating_add(size);
        self.own = if own { Some(self.total..end) } else { self.own.take() };
        (self.count, self.total) = (self.count + 1, end);
    }

    /// The bytes of one path. A single file is all there is; of several, each is proven by its hash, as one that grew or shrank moves those after it.
    fn bytes<'a>(&self, all: &'a [u8], sha256: Option<&str>) -> Bytes<'a> {
        match &self.own {
            None => Bytes::Away,
            Some(_) if self.count == 1 => Bytes::Here(all),
            Some(own) => match all.get(own.clone()).filter(|bytes| sha256 == Some(&*sha256_hex(bytes))) {
                Some(bytes) => Bytes::Here(bytes),
                None => Bytes::Torn,
            },
        }
    }
}

/// Picks the lines about one path out of the answer; `None` where it does not hold together.
fn find<'a>(path: &str, mut out: &'a [u8]) -> Option<Found<'a>> {
    let mut found = Found::default();
    let mut real = None;
    let mut files = Files::default();
    while !out.is_empty() {
        let line = take_line(&mut out)?;
        if line == "C" {
            found.bytes = files.bytes(out, found.sha256);
            break;
        }
        let (letter, rest) = line.split_once(' ')?;
        match letter {
            // an answer speaks of hundreds of paths: the words of the others are not taken apart
            "s" if !rest.ends_with(tail(path)) => {}
            "R" if !real.is_some_and(|real| rest.ends_with(real)) => {}
            "s" | "R" => match words(rest)? {
                (words, name) if letter == "s" && same(name, path) => found.own = Some(words),
                (words, name) if letter == "R" && real == Some(name) => found.real = Some((name, words)),
                _ => {}
            },
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
                files.add(size.parse().ok()?, same(name, path));
            }
            _ => found.more.extend(extra(letter, rest, path, &mut out)?),
        }
    }
    Some(found)
}

/// What only few ask for, where it is about this path; `None` where no line begins so.
fn extra(letter: &str, rest: &str, path: &str, out: &mut &[u8]) -> Option<Vec<(String, Value)>> {
    let (field, name) = match letter {
        "k" => {
            let (algorithm, rest) = rest.split_once(' ')?;
            let (hash, name) = rest.split_once(' ')?;
            // `-`: it could not be read
            ((algorithm.to_string(), if hash == "-" { Value::Null } else { Value::text(hash) }), name)
        }
        "a" => {
            let (flag, name) = rest.split_once(' ')?;
            ((flag.to_string(), Value::Bool(true)), name)
        }
        "mi" | "at" => {
            let said = take_line(out)?;
            let fields = if letter == "mi" { mime(said) } else { attributes(said) };
            return Some(fields.filter(|_| same(rest, path)).unwrap_or_default());
        }
        "d" => return Some(vec![(format!("time {rest}"), Value::Int(take_line(out)?.parse().ok()?))]),
        "t" => return Some(vec![("stamp".into(), Value::text(rest))]),
        _ => return None,
    };
    Some(if same(name, path) { vec![field] } else { vec![] })
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

/// The words of one `stat`: the numbers, then the names of user and group; and the name of the path.
pub(in crate::resources) fn words(rest: &str) -> Option<(Vec<&str>, &str)> {
    let (numbers, names) = rest.split_once(" :")?;
    let mut names = names.splitn(3, ':');
    let (owner, group, name) = (names.next()?, names.next()?, names.next()?);
    Some((numbers.split(' ').chain([owner, group]).collect(), name))
}

/// A `~` was replaced by the far shell; what is left of the path must agree. A name that begins with a dash was asked
/// about with `./` before it.
pub(in crate::resources) fn same(name: &str, path: &str) -> bool {
    if path.starts_with('-') {
        return name.strip_prefix("./") == Some(path);
    }
    match path.strip_prefix('~') {
        None => name == path,
        Some(_) => name.ends_with(tail(path)),
    }
}

/// What a path ends with, whatever its `~` stands for.
fn tail(path: &str) -> &str {
    match path.strip_prefix('~') {
        None => path,
        Some(rest) => rest.split_once('/').map_or("", |(_, rest)| rest),
    }
}

fn take_line<'a>(out: &mut &'a [u8]) -> Option<&'a str> {
    let end = out.iter().position(|&byte| byte == b'\n')?;
    let line = std::str::from_utf8(&out[..end]).ok()?;
    *out = &out[end + 1..];
    Some(line)
}

pub(in crate::resources) fn fields(words: &[&str]) -> Option<Fields> {
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
        ("size".into(), number(3)?),
        ("links".into(), number(4)?),
        ("inode".into(), number(5)?),
        ("device".into(), number(6)?),
        ("atime".into(), number(7)?),
        ("mtime".into(), number(8)?),
        ("ctime".into(), number(9)?),
        ("blocks".into(), number(10)?),
        ("block_size".into(), number(11)?),
        ("device_type".into(), device(words.get(12)?, words.get(13)?)?),
        ("owner".into(), name(14)?),
        ("group".into(), name(15)?),
    ]))
}

/// Major and minor number, in hex, as stat(2) has them in one.
fn device(major: &str, minor: &str) -> Option<Value> {
    let (major, minor) = (i64::from_str_radix(major, 16).ok()?, i64::from_str_radix(minor, 16).ok()?);
    Some(Value::Int((major & 0xfff) << 8 | (major & !0xfff) << 32 | (minor & 0xff) | (minor & !0xff) << 12))
}
