//! All that stands below a folder of a host, in one find(1).
//!
//! Fields: `entries`, a list of mappings with the fields of [`super::path`] and `path` (below the folder, without it),
//! in the order of their names; `followed`, the same where links are followed; `now`, the host's seconds since 1970;
//! `denied`, what was said of folders that may not be read.
//!
//! A look asks by `depth` (a number of levels, or `all`), by `follow` (`yes`) for `followed`, by `each` (`yes`) also for
//! the states of the paths themselves.

use std::collections::BTreeMap;

use super::{path, sh};
use crate::state::{Answer, Fields, Gap, Id, Kind, KindName, Look, Reading, Reply, Script, Shell};
use crate::text::{Key, Map, Value};

pub const KIND: KindName = "tree";

pub struct Tree;

impl Kind for Tree {
    fn name(&self) -> KindName {
        KIND
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        let text: String = looks.iter().filter(|look| !look.id.name.contains('\n')).map(|look| script(look)).collect();
        (text + "exit 0\n").into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        reading(look, &answer.reply())
    }

    /// Its paths are mended each by itself.
    fn fix(&self, _: &[&Gap]) -> Script {
        Script::Shell(Shell::default())
    }
}

fn script(look: &Look) -> String {
    let root = sh::path(&look.id.name);
    let levels: Vec<&str> = look.all("depth").collect();
    let depth = match levels.iter().map(|level| level.parse::<u64>()).collect::<Result<Vec<_>, _>>() {
        Ok(levels) if !levels.is_empty() => format!(" -maxdepth {}", levels.iter().max().copied().unwrap_or_default()),
        _ => String::new(),
    };
    // what holds a line end cannot be told by lines, and is counted
    let find = |flag: &str, letter: &str| {
        let format = path::FORMAT;
        format!("find {flag}{root}/{depth} -path '*\n*' -exec echo n \\; -o -exec stat {flag}-c '{letter} {format}' {{}} +\n")
    };
    let mut text = format!("printf 'T %s\\n%s\\n' {root} \"$(date +%s)\"\nif [ -d {root} ]; then\necho D\n");
    text += &find("", "s");
    // only links cost a process
    text += &format!(
        "find {root}/{depth} -type l ! -path '*\n*' -exec sh -c 'for p do printf \"l %s\\n%s\\n\" \"$p\" \"$(readlink \"$p\")\"; done' sh {{}} +\n"
    );
    if look.detail.contains_key("follow") {
        text += &find("-L ", "f");
    }
    text + &format!("else ls -d {root} >/dev/null; fi\n")
}

#[derive(Default)]
struct Found {
    now: Option<i64>,
    there: bool,
    odd: bool,
    own: BTreeMap<String, Fields>,
    followed: BTreeMap<String, Fields>,
}

fn reading(look: &Look, reply: &Reply) -> Reading {
    let name = &look.id.name;
    if name.contains('\n') {
        return Reading::failed(format!("{name:?} is no path: a line end in a name is not supported"));
    }
    let (out, errors) = (String::from_utf8_lossy(&reply.out), String::from_utf8_lossy(&reply.err));
    let Some(found) = find(name, &out) else { return Reading::failed(format!("the answer about all below {name} could not be read")) };
    if found.odd {
        return Reading::failed(format!("below {name} are names that hold a line end, which is not supported"));
    }
    let denied: Vec<&str> = errors.lines().filter(|line| line.contains("ermission denied") && line.contains(&**name)).collect();
    if let Some(line) = denied.first().filter(|_| !found.there) {
        return Reading::Failed { message: line.to_string(), hint: Some("this user may not read it; try `become: true`".into()) };
    }
    if !found.there {
        return Reading::one(look, None);
    }
    let list = |entries: &BTreeMap<String, Fields>| Value::list(entries.iter().map(|(below, fields)| entry(below, fields)));
    let denied = Value::list(denied.into_iter().map(Value::text));
    let mut state = Fields::from([("entries".into(), list(&found.own)), ("now".into(), found.now.into()), ("denied".into(), denied)]);
    if look.detail.contains_key("follow") {
        state.insert("followed".into(), list(&found.followed));
    }
    let mut all = vec![(look.id.clone(), Some(state))];
    if look.detail.contains_key("each") {
        // a link does not say where it leads in the end: who needs it asks for it
        let plain = found.own.into_iter().filter(|(_, fields)| fields.get("kind").and_then(Value::as_str) != Some("link"));
        all.extend(plain.map(|(below, fields)| (Id::new(path::KIND, join(name, &below)), Some(fields))));
    }
    Reading::States(all)
}

fn entry(below: &str, fields: &Fields) -> Value {
    let mut map = Map::new();
    map.insert("path", below);
    map.extend(fields.iter().map(|(field, value)| (Key::Text((**field).into()), value.clone())));
    map.into()
}

/// A path below a folder.
pub fn join(folder: &str, below: &str) -> String {
    format!("{}/{below}", folder.trim_end_matches('/'))
}

/// Picks the part about one folder out of the answer.
fn find(name: &str, out: &str) -> Option<Found> {
    let mut found = Found::default();
    let mut lines = out.lines();
    let mut root = None;
    while let Some(line) = lines.next() {
        let (letter, rest) = line.split_once(' ').unwrap_or((line, ""));
        if letter == "T" {
            let now = lines.next()?;
            root = path::same(rest, name).then(|| format!("{}/", rest.trim_end_matches('/')));
            if root.is_some() {
                found.now = now.parse().ok();
            }
            continue;
        }
        let target = if letter == "l" { lines.next()? } else { "" };
        let Some(root) = &root else { continue };
        match letter {
            "D" => found.there = true,
            "n" => found.odd = true,
            "s" | "f" => {
                let (words, full) = path::words(rest)?;
                let below = full.strip_prefix(root.as_str())?.trim_start_matches('/');
                let fields = path::fields(&words)?;
                if below.is_empty() {
                    continue;
                }
                if letter == "s" { &mut found.own } else { &mut found.followed }.insert(below.to_string(), fields);
            }
            "l" => {
                let below = rest.strip_prefix(root.as_str())?.trim_start_matches('/');
                if let Some(fields) = found.own.get_mut(below) {
                    fields.insert("target".into(), Value::text(target));
                }
            }
            _ => return None,
        }
    }
    found.now.map(|_| found)
}
