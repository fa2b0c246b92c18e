//! All targets of a run, and what is known of who asked what: a fix may only be sent for a thing that was asked about since
//! it may last have changed.

use std::collections::{BTreeMap, BTreeSet};

use play_core::run::{FaultKind, Message};
use play_core::state::{Answer, Part, Purpose, Script, Verb};
use serde_json::Value as Json;

use super::host::{Host, Thing, json_after, thing};
use super::kinds::{ASK, FIX};

#[derive(Clone, Default)]
pub struct Far {
    pub hosts: BTreeMap<String, Host>,
}

impl Far {
    pub fn new(hosts: usize) -> Far {
        let names = (0..hosts).map(|at| format!("h{at}")).chain(["c0".to_string()]);
        Far { hosts: names.map(|name| (name, Host::new())).collect() }
    }

    pub fn state(&self) -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
        self.hosts.iter().map(|(name, host)| (name.clone(), host.state())).collect()
    }
}

/// What the session knows, told from outside: by target, user and thing.
#[derive(Default)]
pub struct Known {
    fresh: BTreeMap<String, BTreeSet<(String, Thing)>>,
    /// Targets that had a fault, until they are asked again.
    pub faults: BTreeMap<String, FaultKind>,
}

impl Known {
    /// What a message does against the rules.
    pub fn sent(&self, target: &str, who: &str, message: &Message, host: &Host, check: bool) -> Vec<String> {
        let mut wrong = vec![];
        let none = BTreeSet::new();
        let mut fresh: BTreeSet<Thing> =
            self.fresh.get(target).unwrap_or(&none).iter().filter(|(user, _)| user == who).map(|(_, thing)| thing.clone()).collect();
        if message.parts.is_empty() {
            wrong.push(format!("an empty message to {target}"));
        }
        let mut asks = false;
        for part in &message.parts {
            if check && part.purpose != Purpose::Ask {
                wrong.push(format!("a write is sent to {target} in check mode: {part:?}"));
            }
            if asks && part.purpose != Purpose::Ask {
                wrong.push(format!("a write stands behind a question in a message to {target}: {part:?}"));
            }
            asks |= part.purpose == Purpose::Ask;
            for (id, goes) in fixed(part) {
                if !fresh.contains(&id) {
                    let what = if goes { "removed" } else { "mended" };
                    wrong.push(format!("{id:?} of {target} is {what}, and was not asked about since it may have changed"));
                }
            }
            let hit = |thing: &Thing| reaches(part, thing, host);
            let own = fixed(part);
            fresh.retain(|thing| !hit(thing) || own.iter().any(|(id, _)| id == thing));
        }
        wrong
    }

    /// These parts were run, and these answers came.
    pub fn ran(&mut self, target: &str, who: &str, parts: &[Part], answers: Option<&[Answer]>, before: &Host) {
        let fresh = self.fresh.entry(target.into()).or_default();
        for (at, part) in parts.iter().enumerate() {
            let own = fixed(part);
            fresh.retain(|(_, thing)| !reaches(part, thing, before) && !own.iter().any(|(id, _)| id == thing));
            if answers.and_then(|answers| answers.get(at)).is_some_and(|answer| *answer != Answer::Skipped) {
                fresh.extend(asked(part).into_iter().map(|thing| (who.to_string(), thing)));
            }
        }
    }

    pub fn lost(&mut self, target: &str, kind: FaultKind) {
        self.fresh.remove(target);
        self.faults.insert(target.into(), kind);
    }
}

fn text(part: &Part) -> &str {
    match &part.script {
        Script::Shell(shell) => &shell.text,
        Script::Api(_) => "",
    }
}

fn asked(part: &Part) -> Vec<Thing> {
    if let Script::Api(requests) = &part.script {
        let read = requests.iter().filter(|request| request.verb == Verb::Get);
        return read
            .map(|request| thing("object", &format!("{}/{}/{}", request.kind, request.namespace.as_deref().unwrap_or(""), request.name)))
            .collect();
    }
    let Some(asked) = json_after(text(part), ASK) else { return vec![] };
    let kind = asked["kind"].as_str().unwrap_or_default();
    let names = asked["looks"].as_array().into_iter().flatten();
    names.filter_map(|look| Some(thing(kind, look["name"].as_str()?))).collect()
}

/// What a part mends, and whether it removes it.
fn fixed(part: &Part) -> Vec<(Thing, bool)> {
    if part.purpose != Purpose::Fix {
        return vec![];
    }
    if let Script::Api(requests) = &part.script {
        let name = |request: &play_core::state::Request| {
            format!("{}/{}/{}", request.kind, request.namespace.as_deref().unwrap_or(""), request.name)
        };
        return requests.iter().map(|request| (thing("object", &name(request)), request.verb == Verb::Delete)).collect();
    }
    let Some(fix) = json_after(text(part), FIX) else { return vec![] };
    vec![(thing(fix["kind"].as_str().unwrap_or_default(), fix["name"].as_str().unwrap_or_default()), fix["goes"] == Json::Bool(true))]
}

/// Whether a part may change a thing that it does not name.
fn reaches(part: &Part, thing: &Thing, host: &Host) -> bool {
    if matches!(part.purpose, Purpose::Act { .. }) {
        return true;
    }
    let Some(fix) = (part.purpose == Purpose::Fix).then(|| json_after(text(part), FIX)).flatten() else { return false };
    hits(&fix["reach"], thing, host)
}

/// The same as [`play_core::state::Reach::hits`] says, told of what was sent.
fn hits(reach: &Json, (kind, name): &Thing, host: &Host) -> bool {
    let holds = |list: &Json| list.as_array().is_some_and(|all| all.iter().any(|one| one == kind.as_str()));
    let all = |list: &'_ Json| list.as_array().cloned().unwrap_or_default();
    let (things, below) = (all(&reach["things"]), &reach["below"]);
    let inside = |folder: &Json| name.starts_with(folder.as_str().unwrap_or("?"));
    reach["everything"] == Json::Bool(true)
        || holds(&reach["kinds"])
        || (holds(&reach["absent"]) && !host.has(&(kind.clone(), name.clone())))
        || (holds(&below["kinds"]) && all(&below["folders"]).iter().any(inside))
        || all(&reach["any"]).iter().any(|one| hits(one, &(kind.clone(), name.clone()), host))
        || things.into_iter().any(|one| one[0] == kind.as_str() && one[1] == name.as_str())
}
