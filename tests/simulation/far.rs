//! All targets of a run, and what is known of who asked what: a fix may only be sent for a thing that was asked about since
//! it may last have changed.

use std::collections::{BTreeMap, BTreeSet};

use play_core::run::Message;
use play_core::state::{Answer, Part, Purpose, Request, Script, Verb};
use serde_json::{Value as Json, json};

use super::host::{Host, Thing, all_after, thing};
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

    pub fn state(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.hosts.iter().map(|(name, host)| (name.clone(), host.state())).collect()
    }
}

/// A part of a message, read once.
pub struct Read {
    asked: Vec<Thing>,
    /// What it mends, and whether it removes it.
    mended: Vec<(Thing, bool)>,
    reaches: Vec<Json>,
    writes: bool,
}

pub fn read(message: &Message) -> Vec<Read> {
    message.parts.iter().map(part).collect()
}

fn part(part: &Part) -> Read {
    let writes = part.purpose != Purpose::Ask;
    let mut read = Read { asked: vec![], mended: vec![], reaches: vec![], writes };
    match (&part.script, part.purpose) {
        (Script::Api(requests), purpose) => {
            let object = |request: &Request| {
                thing("object", &format!("{}/{}/{}", request.kind, request.namespace.as_deref().unwrap_or(""), request.name))
            };
            read.asked.extend(requests.iter().filter(|request| request.verb == Verb::Get).map(object));
            if purpose == Purpose::Fix {
                read.mended.extend(requests.iter().map(|request| (object(request), request.verb == Verb::Delete)));
            }
        }
        (Script::Shell(_), Purpose::Act { .. }) => read.reaches.push(json!({"everything": true})),
        (Script::Shell(shell), Purpose::Ask) => {
            let asked = all_after(&shell.text, ASK).next().unwrap_or_default();
            let kind = asked["kind"].as_str().unwrap_or_default();
            let names = asked["looks"].as_array().into_iter().flatten();
            read.asked.extend(names.filter_map(|look| Some(thing(kind, look["name"].as_str()?))));
        }
        (Script::Shell(shell), Purpose::Fix) => {
            for mut fix in all_after(&shell.text, FIX) {
                let text = |field: &str| fix[field].as_str().unwrap_or_default();
                read.mended.push((thing(text("kind"), text("name")), fix["goes"] == Json::Bool(true)));
                read.reaches.push(fix["reach"].take());
            }
        }
    }
    read
}

impl Read {
    /// Whether it may change a thing that it does not name.
    fn reaches(&self, thing: &Thing, host: &Host) -> bool {
        self.reaches.iter().any(|reach| hits(reach, thing, host))
    }

    fn mends(&self, thing: &Thing) -> bool {
        self.mended.iter().any(|(id, _)| id == thing)
    }
}

/// What the session knows, told from outside: by target, user and thing.
#[derive(Default)]
pub struct Known {
    fresh: BTreeMap<String, BTreeSet<(String, Thing)>>,
}

impl Known {
    /// What a message does against the rules.
    pub fn sent(&self, target: &str, who: &str, parts: &[Read], host: &Host, check: bool) -> Vec<String> {
        let mut wrong = vec![];
        if parts.is_empty() {
            wrong.push(format!("an empty message to {target}"));
        }
        let fresh = self.fresh.get(target).into_iter().flatten();
        let mut fresh: BTreeSet<&Thing> = fresh.filter(|(user, _)| user == who).map(|(_, thing)| thing).collect();
        let mut asks = false;
        for part in parts {
            if check && part.writes {
                wrong.push(format!("a write is sent to {target} in check mode: {:?}", part.mended));
            }
            if asks && part.writes {
                wrong.push(format!("a write stands behind a question in a message to {target}: {:?}", part.mended));
            }
            asks |= !part.writes;
            for (id, goes) in &part.mended {
                if !fresh.contains(id) {
                    let what = if *goes { "removed" } else { "mended" };
                    wrong.push(format!("{id:?} of {target} is {what}, and was not asked about since it may have changed"));
                }
            }
            fresh.retain(|thing| part.mends(thing) || !part.reaches(thing, host));
        }
        wrong
    }

    /// These parts are about to run: what they may change is no longer known.
    pub fn runs(&mut self, target: &str, parts: &[Read], host: &Host) {
        let fresh = self.fresh.entry(target.into()).or_default();
        for part in parts.iter().filter(|part| part.writes) {
            fresh.retain(|(_, thing)| !part.mends(thing) && !part.reaches(thing, host));
        }
    }

    /// These answers came.
    pub fn hears(&mut self, target: &str, who: &str, parts: &[Read], answers: &[Answer]) {
        let answered = parts.iter().zip(answers).filter(|(_, answer)| **answer != Answer::Skipped);
        let asked = answered.flat_map(|(part, _)| part.asked.iter().map(|thing| (who.to_string(), thing.clone())));
        self.fresh.entry(target.into()).or_default().extend(asked);
    }

    /// One call for several things failed: each is sent again alone, as the kind allows it.
    pub fn refused(&mut self, target: &str, who: &str, parts: &[Read], answers: &[Answer]) {
        let failed = |answer: &Answer| matches!(answer, Answer::Shell(reply) if reply.code != 0);
        let Some(at) = parts.iter().zip(answers).position(|(part, answer)| part.mended.len() > 1 && failed(answer)) else { return };
        let again = parts[at..].iter().flat_map(|part| &part.mended).map(|(thing, _)| (who.to_string(), thing.clone()));
        self.fresh.entry(target.into()).or_default().extend(again);
    }

    pub fn loses(&mut self, target: &str) {
        self.fresh.remove(target);
    }
}

/// Patterns are the same on both sides.
fn matched(reach: &Json, kind: &str, name: &str) -> bool {
    let path = reach["path"].as_str().unwrap_or_default().to_string();
    let of = |kind: &str| play_core::state::Reach::Matched(play_core::resources::find(kind).name(), path);
    reach["kind"] == kind && of(kind).hits(&play_core::state::Id::new(play_core::resources::find(kind).name(), name), &None)
}

/// The same as [`play_core::state::Reach::hits`] says, told of what was sent.
fn hits(reach: &Json, thing: &Thing, host: &Host) -> bool {
    let (kind, name) = thing;
    let all = |list: &Json| list.as_array().cloned().unwrap_or_default();
    let holds = |list: &Json| all(list).iter().any(|one| one == kind.as_str());
    let below = &reach["below"];
    let inside = |folder: &Json| name.starts_with(folder.as_str().unwrap_or("?"));
    reach["everything"] == Json::Bool(true)
        || holds(&reach["kinds"])
        || (holds(&reach["absent"]) && !host.has(thing))
        || (holds(&below["kinds"]) && all(&below["folders"]).iter().any(inside))
        || matched(&reach["matched"], kind, name)
        || all(&reach["any"]).iter().any(|one| hits(one, thing, host))
        || all(&reach["things"]).iter().any(|one| one[0] == kind.as_str() && one[1] == name.as_str())
}
