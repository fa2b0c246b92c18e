//! A host in memory: things with fields, and a program `simctl` that only counts, fails or disturbs.

use std::collections::{BTreeMap, BTreeSet};

use play_core::resources::wait;
use play_core::state::{Answer, Part, Purpose, Reply, Script};
use serde_json::{Map, Value as Json, json};

use super::kinds::{ASK, FIX};
use super::server::Server;

/// Kind and name.
pub type Thing = (String, String);

#[derive(Clone, Default, Debug)]
pub struct Host {
    pub things: BTreeMap<Thing, Map<String, Json>>,
    /// How often each `simctl` was run.
    pub counts: BTreeMap<String, u64>,
    /// Fixes that went through.
    pub fixes: u64,
    pub server: Server,
}

/// What a host does not do as it should, by parts of names of things.
pub const REFUSES: &str = "refused";
pub const FORGETS: &str = "stubborn";
pub const DENIES: &str = "denied";
pub const MORE: &str = "twice";
/// A path that is waited for comes when it is asked for the third time.
pub const LATE: &str = "late";

impl Host {
    pub fn new() -> Host {
        let mut host = Host::default();
        for folder in ["/", "/etc", "/srv", "/run"] {
            host.things.insert(thing("path", folder), made("path", &BTreeMap::from([("kind", json!("directory"))])));
        }
        host
    }

    /// Runs parts in order until one fails; the rest is skipped. At most `most` are run.
    pub fn run(&mut self, parts: &[Part], most: usize) -> Vec<Answer> {
        let mut answers = vec![];
        let mut stopped = false;
        for part in &parts[..most.min(parts.len())] {
            let answer = if stopped { Answer::Skipped } else { self.part(part) };
            stopped |= match (&answer, part.purpose) {
                (Answer::Shell(reply), Purpose::Fix | Purpose::Act { stops: true }) => reply.code != 0,
                (Answer::Api(all), Purpose::Fix) => all.iter().any(|response| response.status >= 400),
                _ => false,
            };
            answers.push(answer);
        }
        answers
    }

    fn part(&mut self, part: &Part) -> Answer {
        match &part.script {
            Script::Api(requests) => Answer::Api(self.server.answer(requests, part.purpose == Purpose::Ask)),
            Script::Shell(shell) => Answer::Shell(self.shell(&shell.text)),
        }
    }

    fn shell(&mut self, text: &str) -> Reply {
        if let Some(asked) = all_after(text, ASK).next() {
            return Reply { out: self.ask(&asked).to_string().into(), ..Reply::default() };
        }
        let fixes: Vec<Json> = all_after(text, FIX).collect();
        if !fixes.is_empty() {
            // the first that fails ends them
            let failed = fixes.iter().map(|fix| self.fix(fix)).find(|reply| reply.code != 0);
            return failed.unwrap_or_default();
        }
        if let Some(at) = text.find("simctl ") {
            let words: Vec<&str> = text[at..].trim_end_matches(['\n', '\'']).split_whitespace().collect();
            return self.simctl(&words[1..]);
        }
        let waited = text.strip_prefix("if [ -e ").and_then(|rest| rest.split(" ]").next());
        if let Some(path) = waited.filter(|path| text == wait::path(path, false)) {
            let late = path.contains(LATE) && self.counted(path) >= 3;
            return said(if late || self.has(&thing("path", path)) { "@there\n" } else { "@gone\n" });
        }
        Reply { code: 127, out: vec![], err: format!("sh: not simulated: {text}").into() }
    }

    fn ask(&self, asked: &Json) -> Json {
        let kind = asked["kind"].as_str().unwrap_or_default();
        let mut all = Map::new();
        for look in asked["looks"].as_array().into_iter().flatten() {
            let name = look["name"].as_str().unwrap_or_default();
            let words = look["detail"].as_object();
            let has = |word: &str| words.is_some_and(|words| words.contains_key(word));
            let state = match self.things.get(&thing(kind, name)) {
                _ if name.contains(DENIES) => json!(format!("{name}: Permission denied")),
                _ if name.contains(MORE) && !has("again") => json!("more"),
                _ if kind == "offer" => json!({"candidate": "1.0", "versions": ["1.0"]}),
                None => Json::Null,
                Some(fields) => {
                    let mut fields = fields.clone();
                    if !has("contents") && !has("unless") {
                        fields.remove("contents");
                    }
                    fields.into()
                }
            };
            all.insert(name.into(), state);
        }
        all.into()
    }

    fn fix(&mut self, fix: &Json) -> Reply {
        let text = |field: &str| fix[field].as_str().unwrap_or_default();
        let (kind, name) = (text("kind"), text("name"));
        if name.contains(REFUSES) {
            return Reply { code: 1, out: vec![], err: format!("{name}: Read-only file system").into() };
        }
        if name.contains(FORGETS) {
            return Reply::default();
        }
        let id = thing(kind, name);
        let changes: BTreeMap<&str, Json> =
            fix["changes"].as_object().into_iter().flatten().map(|(field, value)| (field.as_str(), value.clone())).collect();
        if fix["goes"] == json!(true) {
            self.things.remove(&id);
        } else if fix["was"] == json!(true) {
            let Some(fields) = self.things.get_mut(&id) else {
                return Reply { code: 1, out: vec![], err: format!("{name}: No such thing").into() };
            };
            fields.extend(changes.into_iter().map(|(field, value)| (field.to_string(), value)));
        } else {
            let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
            if kind == "path" && !parent.is_empty() && !self.things.contains_key(&thing("path", parent)) {
                return Reply { code: 1, out: vec![], err: format!("{name}: No such file or directory").into() };
            }
            self.things.insert(id, made(kind, &changes));
            self.brings(kind, name);
        }
        self.fixes += 1;
        Reply::default()
    }

    /// What comes with a thing.
    fn brings(&mut self, kind: &str, name: &str) {
        match kind {
            "package" => {
                let unit = BTreeMap::from([("running", json!(false)), ("enabled", json!(false))]);
                self.things.insert(thing("unit", &format!("{name}.service")), made("unit", &unit));
                let file = BTreeMap::from([("contents", json!({"@contents": "packaged\n"}))]);
                self.things.entry(thing("path", &format!("/etc/{name}.conf"))).or_insert_with(|| made("path", &file));
            }
            "user" => {
                self.things.entry(thing("group", name)).or_insert_with(|| made("group", &BTreeMap::from([("name", json!(name))])));
            }
            _ => {}
        }
    }

    /// `count NAME`, `until NAME N` (fails before it was run N times), `fail`, `spoil PATH` (removes a path).
    fn simctl(&mut self, words: &[&str]) -> Reply {
        match *words {
            ["count", name] => said(&format!("{}\n", self.counted(name))),
            ["until", name, wanted] => {
                let count = self.counted(name);
                let enough = wanted.parse().is_ok_and(|wanted: u64| count >= wanted);
                Reply { code: i32::from(!enough), ..said(&format!("{count}\n")) }
            }
            ["spoil", path] => {
                self.counted("spoil");
                self.things.remove(&thing("path", path));
                Reply::default()
            }
            _ => Reply { code: 3, ..said("failed\n") },
        }
    }

    fn counted(&mut self, name: &str) -> u64 {
        let count = self.counts.entry(name.into()).or_default();
        *count += 1;
        *count
    }

    /// Whether a thing exists.
    pub fn has(&self, id: &Thing) -> bool {
        self.things.contains_key(id)
    }

    /// What a user would find: things and objects, but those that only a rescue leaves.
    pub fn state(&self) -> BTreeSet<String> {
        let things = self.things.iter().filter(|((_, name), _)| !name.contains("rescue"));
        things.map(|(id, fields)| format!("{id:?} {}", json!(fields))).chain(self.server.state()).collect()
    }
}

pub fn thing(kind: &str, name: &str) -> Thing {
    (kind.into(), name.into())
}

/// A new thing with what its kind fills in.
fn made(kind: &str, wanted: &BTreeMap<&str, Json>) -> Map<String, Json> {
    let filled = match kind {
        "path" => json!({"kind": "file", "owner": "root", "group": "root", "uid": 0, "gid": 0, "mode": "0644", "ctime": 1}),
        "user" => json!({"uid": 1000, "gid": 1000, "home_exists": true, "locked": true, "password": "unset"}),
        "group" => json!({"gid": 1000}),
        "package" => json!({"status": "installed", "version": "1.0"}),
        "unit" => json!({"running": false, "enabled": false, "masked": false, "file_state": "disabled"}),
        _ => json!({}),
    };
    let mut fields = filled.as_object().cloned().unwrap_or_default();
    fields.extend(wanted.iter().map(|(field, value)| ((*field).to_string(), value.clone())));
    if kind == "path" && fields["kind"] == json!("file") {
        fields.entry("contents").or_insert_with(|| json!({"@contents": ""}));
    }
    if kind == "path" && fields["kind"] == json!("directory") && !wanted.contains_key("mode") {
        fields.insert("mode".into(), json!("0755"));
    }
    fields
}

/// The JSON behind a word at the begin of lines; the engine may have put others before them (an environment).
pub fn all_after<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = Json> + 'a {
    text.lines().filter_map(move |line| serde_json::from_str(line.strip_prefix(word)?).ok())
}

fn said(text: &str) -> Reply {
    Reply { out: text.into(), ..Reply::default() }
}
