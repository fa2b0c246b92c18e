//! An entry of a name service's database, or all of one: `passwd root`, `group`. Fields: `lines`, as `getent` prints them.
//!
//! A host without `getent` answers from its files in /etc. A look may name the `service` that is asked alone.

use std::collections::BTreeMap;

use crate::resources::sh;
use crate::state::{Answer, Fields, Gap, Kind, KindName, Look, Reading, Script};
use crate::text::Value;

pub const KIND: KindName = "getent";

pub struct Getent;

impl Kind for Getent {
    fn name(&self) -> KindName {
        KIND
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        let mut text = String::from(
            r#"g() { printf '@play %s\n' "$1"; shift; if command -v getent >/dev/null; then getent "$@" 2>/dev/null; printf '@code %s\n' $?
elif [ -r "/etc/$1" ]; then cat "/etc/$1"; echo '@code 100'; else echo '@code 1'; fi; }
"#,
        );
        for look in looks {
            let (database, key) = parts(&look.id.name);
            let mut words = vec![&*look.id.name, database];
            words.extend(key);
            if let Some(service) = look.all("service").next() {
                words.extend(["-s", service]);
            }
            text += &format!("g {}\n", sh::words(words));
        }
        text.into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        let reply = answer.reply();
        let out = String::from_utf8_lossy(&reply.out);
        let mut found: BTreeMap<&str, (Vec<&str>, Option<i32>)> = BTreeMap::new();
        let mut at = "";
        for line in out.lines() {
            if let Some(name) = line.strip_prefix("@play ") {
                at = name;
                found.insert(at, (vec![], None));
            } else if let Some(entry) = found.get_mut(at) {
                match line.strip_prefix("@code ").and_then(|code| code.parse().ok()) {
                    Some(code) => entry.1 = Some(code),
                    None => entry.0.push(line),
                }
            }
        }
        let (database, key) = parts(&look.id.name);
        let all = |lines: &[&str]| Some(Fields::from([("lines".into(), Value::list(lines.iter().map(|line| Value::text(*line))))]));
        match found.get(&*look.id.name) {
            Some((lines, Some(0))) => Reading::one(look, all(lines)),
            Some((lines, Some(FILE))) => {
                let lines: Vec<&str> = lines.iter().copied().filter(|line| of_file(line, database, key)).collect();
                Reading::one(look, if lines.is_empty() && key.is_some() { None } else { all(&lines) })
            }
            Some((_, Some(2))) => Reading::one(look, None),
            Some((_, Some(1))) => Reading::failed("Missing arguments, or database unknown."),
            Some((_, Some(3))) => Reading::failed("Enumeration not supported on this database."),
            _ => Reading::failed(format!("no answer about {}: {}", look.id.name, String::from_utf8_lossy(&reply.err).trim())),
        }
    }

    fn fix(&self, gaps: &[&Gap]) -> Script {
        let names: Vec<&str> = gaps.iter().map(|gap| &*gap.id.name).collect();
        format!("echo {} >&2; exit 1\n", sh::quote(&format!("name services are only asked: {}", names.join(", ")))).into()
    }
}

/// Said where the lines are those of a file in /etc, all of them.
const FILE: i32 = 100;

/// Whether a line of such a file is an entry, and the one that is asked for.
fn of_file(line: &str, database: &str, key: Option<&str>) -> bool {
    let entry = line.split('#').next().unwrap_or_default().trim();
    let colon = matches!(database, "passwd" | "shadow" | "group" | "gshadow");
    let is = |key: &str| {
        if colon {
            entry.split(':').next() == Some(key) || (entry.split(':').nth(2) == Some(key))
        } else {
            entry.split_whitespace().any(|word| word == key)
        }
    };
    !entry.is_empty() && key.is_none_or(is)
}

/// The database, and the key where there is one.
fn parts(name: &str) -> (&str, Option<&str>) {
    name.split_once(' ').map_or((name, None), |(database, key)| (database, Some(key)))
}
