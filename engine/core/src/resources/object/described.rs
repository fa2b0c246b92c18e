//! A manifest as a module gives it to the kind: normalised, with its secrets marked.

use serde_json::Value as Json;

use super::flat;
use super::lint;
use super::manifest::{Fault, Ref};
use super::mine;
use super::normalise::normalise;
use super::path::Path;
use super::reading::MANAGER;
use super::taint::Taints;
use crate::state::Fields;
use crate::text::Value;
use crate::text::value::sha256_hex;

/// An object as it is to be.
#[derive(Clone, Debug)]
pub struct Described {
    pub at: Ref,
    /// Normalised, without marks.
    pub json: Json,
    /// The same with its secrets marked: what is sent.
    pub value: Value,
    pub taints: Taints,
    /// Tells one manifest from another; what is left of it, or laid over it, keeps the hash of what the user wrote.
    pub hash: String,
}

impl Described {
    /// # Errors
    /// Every fault that is sure without a server.
    pub fn of(manifest: &Value) -> Result<Described, Vec<Fault>> {
        let json = manifest.to_json().map_err(|error| vec![Fault::new(Path::default(), error.message())])?;
        let at = Ref::of(&json)?;
        let faults = lint::faults(&json);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Described::new(at, normalise(&json), Taints::of(manifest)))
    }

    /// What a look wants.
    pub fn read(wanted: &Value) -> Option<Described> {
        let json = wanted.to_json().ok()?;
        let at = Ref::of(&json).ok()?;
        Some(Described::new(at, json, Taints::of(wanted)))
    }

    fn new(at: Ref, json: Json, taints: Taints) -> Described {
        let value = taints.known().object(&json);
        let hash = sha256_hex(json.to_string().as_bytes());
        Described { at, json, value, taints, hash }
    }

    /// Its fields, flat.
    pub fn fields(&self) -> Fields {
        self.taints.fields(&flat::leaves(&self.json))
    }

    /// The same without some of its fields, which are left to others.
    pub fn without(&self, fields: &[Path]) -> Described {
        let mut json = self.json.clone();
        for field in fields {
            remove(&mut json, field);
        }
        self.with(json)
    }

    /// The same, laid over what we applied of a live object before.
    pub fn over(&self, live: &Json) -> Described {
        self.with(mine::patched(&mine::applied(live, MANAGER), &self.json))
    }

    fn with(&self, json: Json) -> Described {
        Described { hash: self.hash.clone(), ..Described::new(self.at.clone(), json, self.taints.clone()) }
    }
}

fn remove(json: &mut Json, field: &Path) {
    let (pointer, whole) = field.pointer(json);
    let Some((parent, last)) = pointer.rsplit_once('/').filter(|_| whole) else { return };
    let last = last.replace("~1", "/").replace("~0", "~");
    match json.pointer_mut(parent) {
        Some(Json::Object(map)) => drop(map.shift_remove(&last)),
        Some(Json::Array(items)) => {
            if let Some(at) = last.parse().ok().filter(|at| *at < items.len()) {
                items.remove(at);
            }
        }
        _ => {}
    }
}
