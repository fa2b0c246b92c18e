//! How a host is, told by its own tools: for tests that hold the engine's word against it.

use std::collections::{BTreeMap, BTreeSet};

use play_core::text::value::sha256_hex;
use serde_json::Value;

/// Things as `kind:name`, each with its fields.
#[derive(Debug, Default)]
pub struct Snapshot(BTreeMap<String, BTreeMap<String, String>>);

/// Folders that are read whole, beside that of the starts. What tools of the host keep of users and groups there is told by `getent`.
const FOLDERS: &str = "/etc /home /root /opt /usr/local /var/spool/cron";
const ASIDE: &str = r"! -path '/etc/passwd*' ! -path '/etc/shadow*' ! -path '/etc/group*' ! -path '/etc/gshadow*' ! -path '/etc/sub[ug]id*' ! -name .pwd.lock ! -path /etc/ld.so.cache";

/// Lines of `KIND TAB NAME [TAB FIELD TAB VALUE]...`.
const PARTS: [&str; 12] = [
    "getent passwd | awk -F: '{print \"user\\t\" $1 \"\\tuid\\t\" $3 \"\\tgid\\t\" $4 \"\\tcomment\\t\" $5 \"\\thome\\t\" $6 \"\\tshell\\t\" $7}'",
    "awk -F: '{print \"user\\t\" $1 \"\\tpassword\\t\" $2 \"\\texpires\\t\" $8 \"\\tages\\t\" $4 \" \" $5 \" \" $6 \" \" $7}' /etc/shadow",
    "getent group | awk -F: '{print \"group\\t\" $1 \"\\tgid\\t\" $3 \"\\tmembers\\t\" $4}'",
    "dpkg-query -W -f '${db:Status-Status}\\t${Package}\\tversion\\t${Version}\\theld\\t${db:Status-Want}\\n' | sed -n 's/^installed\\t/package\\t/; s/^config-files\\t/residue\\t/; s/\\theld\\thold$/\\theld\\ttrue/; s/\\theld\\tinstall$/\\theld\\tfalse/; p'",
    "apt-mark showauto | sed 's/.*/package\\t&\\tauto\\ttrue/'",
    "systemctl list-unit-files --no-legend --no-pager | awk '{on = $2 ~ /^(enabled|static|generated|transient)$/; print \"unit\\t\" $1 \"\\tenabled\\t\" (on ? \"true\" : \"false\") \"\\tmasked\\t\" ($2 ~ /^masked/ ? \"true\" : \"false\")}'",
    "systemctl show -p Id,ActiveState,MainPID '*.service' '*.timer' '*.socket' '*.path' | awk -F= 'function out() {if (s ~ /^activ/) print \"unit\\t\" id \"\\trunning\\ttrue\\tpid\\t\" p; id = s = p = \"\"} /^Id=/ {id = $2} /^ActiveState=/ {s = $2} /^MainPID=/ {p = $2} /^$/ {out()} END {out()}'",
    "sysctl -a -r '^net\\.(core|ipv4|ipv6)\\.' 2>/dev/null | awk '{n = $1; sub(/^[^=]*= */, \"\"); gsub(/[ \\t]+/, \" \"); print \"sysctl\\t\" n \"\\tvalue\\t\" $0}'",
    "printf 'host\\tname\\tlive\\t%s\\tfile\\t%s\\n' \"$(uname -n)\" \"$(head -n 1 /etc/hostname)\"",
    "printf 'host\\ttimezone\\tname\\t%s\\n' \"$(readlink -f /etc/localtime | sed 's,.*/zoneinfo/,,')\"",
    "printf 'apt_cache\\tlists\\twhen\\t%s\\n' \"$(stat -c %Y /var/lib/apt/lists)\"",
    "exit 0",
];

impl Snapshot {
    /// Reads folders whole, and all users, groups, packages, units and parameters of the network.
    pub fn script(folder: &str) -> String {
        let look = "printf 'path\\t%p\\tkind\\t%y\\tmode\\t0%m\\towner\\t%u\\tgroup\\t%g\\ttarget\\t%l\\n' -type f -printf 'path\\t%p\\twritten\\t%T@ %i\\n'";
        let paths = [
            format!("find {folder} -mindepth 1 -{look}; find {FOLDERS} {ASIDE} -{look}"),
            format!(
                "find {folder} {FOLDERS} -type f {ASIDE} -exec sha256sum {{}} + | sed 's/^\\([0-9a-f]*\\)  \\(.*\\)/path\\t\\2\\tcontents\\t\\1/'"
            ),
        ];
        paths.iter().map(String::as_str).chain(PARTS).collect::<Vec<_>>().join("\n")
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
        // a login is a unit, and goes; systemd's own run when they are called
        let own = ["unit:user@", "unit:user-runtime-dir@", "unit:systemd-", "unit:session-", "unit:dbus-"];
        let steady = |name: &&String| !name.ends_with(".scope") && !own.iter().any(|own| name.starts_with(own));
        names.into_iter().filter(|name| self.0.get(*name) != other.0.get(*name)).filter(steady).cloned().collect()
    }

    /// How a thing is, for messages.
    pub fn tell(&self, thing: &str) -> String {
        self.0.get(thing).map_or("not there".into(), |fields| format!("{fields:?}"))
    }

    /// Whether one of the planned changes is of this thing. A unit may be named without its `.service`.
    pub fn covered(thing: &str, planned: &BTreeSet<String>) -> bool {
        let kind = |kind: &'static str| planned.iter().filter_map(move |plan| plan.strip_prefix(kind));
        planned.contains(thing)
            || thing.strip_suffix(".service").is_some_and(|short| planned.contains(short))
            || thing.strip_prefix("path:").is_some_and(|path| {
                planned.iter().any(|plan| inside(plan, path))
                    // what the host's tools keep a thing in
                    || kind("unit:").any(|unit| path.starts_with("/etc/systemd/system/") && base(path).trim_end_matches(".service") == unit.trim_end_matches(".service"))
                    || kind("crontab:").any(|user| path == format!("/var/spool/cron/crontabs/{}", if user == "~" { "root" } else { user }))
                    || kind("host:").any(|name| if name == "name" { path == "/etc/hostname" } else { matches!(path, "/etc/localtime" | "/etc/timezone") })
            })
    }

    /// What this says against gaps of one thing, in their order, that are said to be closed.
    pub fn refutes(&self, gaps: &[&Value], before: &Snapshot) -> Vec<String> {
        let (Some(first), Some(last)) = (gaps.first(), gaps.last()) else { return vec![] };
        let (kind, name) = (first["kind"].as_str().unwrap_or_default(), first["name"].as_str().unwrap_or_default());
        let thing = match kind {
            "unit" if !name.contains('.') => format!("unit:{name}.service"),
            _ => format!("{kind}:{name}"),
        };
        let mut wrong = vec![];
        if known(kind) && before.0.contains_key(&thing) == (first["verb"] == "create") {
            wrong.push(format!("the plan says that {thing} would {}, and before it is {}", first["verb"], before.tell(&thing)));
        }
        if known(kind) && self.0.contains_key(&thing) == (last["verb"] == "delete") {
            wrong.push(format!("the plan says that {thing} would {}, and then it is {}", last["verb"], self.tell(&thing)));
        }
        let mut sides: BTreeMap<(&str, &str), &Value> = BTreeMap::new();
        for gap in gaps.iter().filter(|gap| gap["verb"] != "delete") {
            for change in gap["changes"].as_array().into_iter().flatten() {
                let field = change["field"].as_str().unwrap_or_default();
                // only the first gap is about how it was, only the last about how it is
                if gap["verb"] == first["verb"] && gap == first {
                    sides.entry((field, "now")).or_insert(&change["now"]);
                }
                sides.insert((field, "then"), &change["then"]);
            }
        }
        for ((field, side), value) in sides {
            let all = if side == "now" { before } else { self };
            let Some(found) = all.field(&thing, field).filter(|_| side == "now" || last["verb"] != "delete") else { continue };
            if let Some(said) = shown(kind, field, value)
                && found != said
                && !(field == "contents" && found.starts_with(&said))
            {
                wrong.push(format!("{thing} {field}: {side} is said to be {said}, and the host shows {found}"));
            }
        }
        wrong
    }

    fn field(&self, thing: &str, field: &str) -> Option<String> {
        let fields = self.0.get(thing)?;
        match (thing.split_once(':')?.0, field) {
            ("unit", "running") => Some(fields.get("running").map_or("false", String::as_str).to_string()),
            ("package", "auto") => Some(fields.get("auto").map_or("false", String::as_str).to_string()),
            _ => fields.get(field).cloned(),
        }
    }
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A folder that comes or goes whole brings or takes what is in it.
fn inside(plan: &str, path: &str) -> bool {
    let Some(folder) = plan.strip_prefix("path:").or(plan.strip_prefix("tree:")) else { return false };
    path.strip_prefix(folder.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

fn known(kind: &str) -> bool {
    matches!(kind, "path" | "user" | "group" | "package" | "residue")
}

/// A value of the plan as the host's tools print it; `None` where they print no such thing.
fn shown(kind: &str, field: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match (kind, field) {
        // bytes are shown by the begin of their hash
        ("path", "contents") => {
            Some(text.strip_prefix("<contents ").map_or_else(|| sha256_hex(text.as_bytes()), |hash| hash[..8].to_string()))
        }
        ("path", "kind") => Some(match text.as_str() {
            "file" => "f".into(),
            "folder" | "directory" => "d".into(),
            "link" => "l".into(),
            _ => return None,
        }),
        ("path", "mode") => u32::from_str_radix(&text, 8).ok().map(|bits| format!("0{bits:o}")),
        ("path", "owner" | "group" | "target") | ("user", "uid" | "comment" | "home" | "shell") | ("group", "gid") => Some(text),
        ("unit", "running" | "enabled" | "masked") | ("package", "version" | "held" | "auto") => Some(text),
        ("sysctl", "value") | ("host", _) => Some(text),
        _ => None,
    }
}
