//! Questions of a window, merged into as few parts as the kinds allow, and what their answers teach.

use std::collections::BTreeMap;

use crate::state::{Answer, Asker, Id, Kind, KindName, Look, Part, Purpose, Reading, Script, World};

/// How the run finds a kind by its name.
pub type Kinds = fn(&str) -> &'static dyn Kind;

/// Looks that one script asks about together.
const TOGETHER: usize = 400;

/// One part that asks, and what it asks about.
#[derive(Clone, Debug)]
pub struct Asked {
    pub kind: KindName,
    pub looks: Vec<Look>,
    pub script: Script,
}

impl Asked {
    pub fn part(&self) -> Part {
        Part { script: self.script.clone(), purpose: Purpose::Ask, limit: None }
    }
}

/// Looks merged: each thing is asked about once, things of one kind together.
pub fn questions(kinds: Kinds, looks: impl IntoIterator<Item = Look>) -> Vec<Asked> {
    let mut by_kind: BTreeMap<KindName, BTreeMap<Id, Look>> = BTreeMap::new();
    for look in looks {
        let of_kind = by_kind.entry(look.id.kind).or_default();
        match of_kind.get_mut(&look.id) {
            Some(known) => known.join(&look),
            None => drop(of_kind.insert(look.id.clone(), look)),
        }
    }
    let mut all = vec![];
    for (kind, looks) in by_kind {
        let looks: Vec<Look> = looks.into_values().collect();
        for some in looks.chunks(TOGETHER) {
            let script = kinds(kind).ask(&some.iter().collect::<Vec<_>>());
            all.push(Asked { kind, looks: some.to_vec(), script });
        }
    }
    all
}

/// What an answer says about one of the things that were asked about.
pub fn reading(kind: &dyn Kind, asked: &Asked, look: &Look, answer: &Answer) -> Reading {
    kind.read(look, &kind.about(look, &asked.script, answer))
}

/// Writes what an answer says into the world; gives the questions that it takes further.
pub fn learn(kinds: Kinds, world: &mut World, asker: Asker, asked: &Asked, answer: &Answer) -> Vec<Asked> {
    let kind = kinds(asked.kind);
    let mut further = vec![];
    for look in &asked.looks {
        match reading(kind, asked, look, answer) {
            Reading::States(states) => {
                for (id, state) in states {
                    world.see(asker, look, &id, state);
                }
            }
            Reading::Ask(script) => further.push(Asked { kind: asked.kind, looks: vec![look.clone()], script }),
            Reading::Failed { message, hint } => world.fail(asker, look, message, hint),
        }
    }
    further
}
