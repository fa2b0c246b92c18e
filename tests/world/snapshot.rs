//! How a host is, told by its own tools: for tests that hold the engine's word against it.

use std::collections::{BTreeMap, BTreeSet};

use play_core::text::value::sha256_hex;
use serde_json::Value;

/// Things as `kind:name`, each with its fields.
#[derive(Debug, Default)]
pub struct Snapshot(BTreeMap<String, BTreeMap<String, String>>);

impl Snapshot {
    /// Reads a folder whole, and all users, groups, packages and units.
    pub fn script(folder: &str) -> String {
        let parts = [
            &format!("find {folder} -mindepth 2 -printf 'path\\t%p\\tkind\\t%y\\tmode\\t0%m\\towner\\t%u\\tgroup\\t%g\\ttarget\\t%l\\n'"),
            &format!("find {folder} -type f -exec sha256sum {{}} + | sed 's/^\\([0-9a-f]*\\)  \\(.*\\)/path\\t\\2\\tcontents\\t\\1/'"),
            "getent passwd | awk -F: '{print \"user\\t\" $1 \"\\tuid\\t\" $3 \"\\tgid\\t\" $4 \"\\tcomment\\t\" $5 \"\\thome\\t\" $6 \"\\tshell\\t\" $7}'",
            "awk -F: '{print \"user\\t\" $1 \"\\tpassword\\t\" $2 \"\\texpires\\t\" $8}' /etc/shadow",
            "getent group | awk -F: '{print \"group\\t\" $1 \"\\tgid\\t\" $3 \"\\tmembers\\t\" $4}'",
            "dpkg-query -W -f 'package\\t${Package}\\tversion\\t${Version}\\tstatus\\t${Status}\\n'",
            "systemctl list-unit-files --no-legend --no-pager | awk '{print \"unit\\t\" $1 \"\\tenabled\\t\" $2}'",
            "systemctl list-units --all --no-legend --no-pager --plain --type=service,timer,socket,path | awk '{print \"unit\\t\" $1 \"\\tactive\\t\" $3}'",
            "for f in /var/spool/cron/crontabs/* /etc/cron.d/*; do [ -f \"$f\" ] && printf 'path\\t%s\\tcontents\\t%s\\n' \"$f\" \"$(sha256sum < \"$f\" | cut -d' ' -f1)\"; done",
            "hostname | sed 's/^/host\\tname\\tvalue\\t/'",
            "true",
        ];
        parts.join("\n")
    }

    pub fn read(text: &str) -> Snapshot {
        let mut all = Snapshot::default();
        for line in text.lines() {
            let mut words = line.split('\t');
            let (Some(kind), Some(name)) = (words.next(), words.next()) else { continue };
            let fields = all.0.entry(format!("{kind}:{name}")).or_default();
            while let (Some(field), Some(value)) = (words.next(), words.next()) {
                fields.insert(field.to_string(), value.to_string());
            }
        }
        all
    }

    /// Things that are not the same in both, as `kind:name`.
    pub fn differences(&self, other: &Snapshot) -> BTreeSet<String> {
        let names: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        // a login is a unit, and goes
        let steady = |name: &&String| !name.ends_with(".scope");
        names.into_iter().filter(|name| self.0.get(*name) != other.0.get(*name)).filter(steady).cloned().collect()
    }

    /// Whether one of the planned changes is of this thing. A unit may be named without its `.service`.
    pub fn covered(thing: &str, planned: &BTreeSet<String>) -> bool {
        let under = |kind: &str| thing.strip_prefix(kind).is_some_and(|path| planned.iter().any(|plan| inside(plan, path)));
        planned.contains(thing) || thing.strip_suffix(".service").is_some_and(|short| planned.contains(short)) || under("path:")
    }

    /// What this says against a gap that is said to be closed.
    pub fn refutes(&self, gap: &Value, before: &Snapshot) -> Vec<String> {
        let (kind, name) = (gap["kind"].as_str().unwrap_or_default(), gap["name"].as_str().unwrap_or_default());
        let thing = match kind {
            "unit" if !name.contains('.') => format!("unit:{name}.service"),
            _ => format!("{kind}:{name}"),
        };
        let mut wrong = vec![];
        if gap["verb"] == "create" && (before.0.contains_key(&thing) || !self.0.contains_key(&thing)) && known(kind) {
            wrong.push(format!("{thing} is said to come"));
        }
        if gap["verb"] == "delete" && (!before.0.contains_key(&thing) || self.0.contains_key(&thing)) && known(kind) {
            wrong.push(format!("{thing} is said to go, and is still there"));
        }
        for change in gap["changes"].as_array().into_iter().flatten().filter(|_| gap["verb"] != "delete") {
            let field = change["field"].as_str().unwrap_or_default();
            for (side, all) in [("now", before), ("then", self)] {
                let Some(found) = all.0.get(&thing).and_then(|fields| fields.get(field)) else { continue };
                if let Some(said) = shown(kind, field, &change[side])
                    && said != *found
                {
                    wrong.push(format!("{thing} {field}: {side} is said to be {said}, and the host shows {found}"));
                }
            }
        }
        wrong
    }
}

/// A folder that comes or goes whole brings or takes what is in it.
fn inside(plan: &str, path: &str) -> bool {
    let Some(folder) = plan.strip_prefix("path:").or(plan.strip_prefix("tree:")) else { return false };
    path.strip_prefix(folder.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

fn known(kind: &str) -> bool {
    matches!(kind, "path" | "user" | "group")
}

/// A value of the plan as the host's tools print it; `None` where they print no such thing.
fn shown(kind: &str, field: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match (kind, field) {
        ("path", "contents") => Some(sha256_hex(text.as_bytes())),
        ("path", "kind") => Some(match text.as_str() {
            "file" => "f".into(),
            "folder" | "directory" => "d".into(),
            "link" => "l".into(),
            _ => return None,
        }),
        ("path", "mode") => Some(format!("0{}", text.trim_start_matches('0'))),
        ("path", "owner" | "group" | "target") | ("user", "uid" | "comment" | "home" | "shell") | ("group", "gid") => Some(text),
        ("unit", "active") => Some(if matches!(text.as_str(), "true" | "active") { "active".into() } else { "inactive".into() }),
        _ => None,
    }
}
