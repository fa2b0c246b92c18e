//! What a state carries beside the fields that are compared: the object for results, and the server's verdict.

use std::sync::Arc;

use serde_json::Value as Json;

use super::kind::KIND;
use super::manifest::Ref;
use super::taint::Taints;
use crate::state::{Fields, Id};
use crate::text::{Body, Contents, Map, Value};

pub const OBJECT: &str = "object";
pub const OWNERSHIP: &str = "ownership";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What the server says an apply would do.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The hash of the manifest that it is about.
    pub of: String,
    /// The fields that change, as they would be; null where one goes.
    pub then: Fields,
    /// What is to be sent.
    pub manifest: Value,
    /// Fields of others are taken.
    pub force: bool,
    /// Fields that are left to others.
    pub left: Vec<String>,
    /// The object as it would be.
    pub answer: Value,
}

impl Verdict {
    fn to_value(&self) -> Value {
        let then: Map = self.then.iter().map(|(field, value)| (field.as_ref().into(), value.clone())).collect();
        Value::map([
            ("of", Value::text(self.of.as_str())),
            ("then", then.into()),
            ("manifest", self.manifest.clone()),
            ("force", self.force.into()),
            ("left", Value::list(self.left.iter().map(|left| Value::text(left.as_str())))),
            ("answer", self.answer.clone()),
        ])
    }

    fn from_value(value: &Value) -> Option<Verdict> {
        let then = value.get("then")?.as_map()?.iter().map(|(field, value)| (field.to_string().into(), value.clone()));
        let left = value.get("left")?.as_list()?.iter().filter_map(|left| left.as_str().map(str::to_owned));
        Some(Verdict {
            of: value.get("of")?.as_str()?.to_owned(),
            then: then.collect(),
            manifest: value.get("manifest")?.clone(),
            force: value.get("force")?.truthy(),
            left: left.collect(),
            answer: value.get("answer")?.clone(),
        })
    }
}

/// As the contents of a file are: at hand, and not compared word by word. Two of them always count as equal, because the
/// fields beside them are what is compared.
pub(super) fn hidden(taints: &Taints, live: &Json, verdict: Option<Verdict>, foreign: Vec<String>) -> Value {
    let mut map = Map::new();
    map.insert("object", taints.object(&shown(live)));
    map.insert("foreign", foreign.into_iter().map(Value::text).collect::<Vec<_>>());
    if let Some(verdict) = verdict {
        map.insert("verdict", verdict.to_value());
    }
    Value::Contents(Arc::new(Contents { sha256: String::new(), size: 0, body: Body::Here(map.into()) }))
}

fn inner<'a>(state: &'a Fields, name: &str) -> Option<&'a Value> {
    match state.get(OBJECT)? {
        Value::Contents(contents) => contents.here()?.get(name),
        _ => None,
    }
}

/// The object as it was seen.
pub fn object(state: &Fields) -> Option<&Value> {
    inner(state, "object")
}

/// Fields beside the manifest that were set by hand.
pub fn foreign(state: &Fields) -> Vec<&str> {
    inner(state, "foreign").and_then(Value::as_list).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The verdict, if one was needed and is about this manifest.
pub fn verdict(state: &Fields, hash: &str) -> Option<Verdict> {
    inner(state, "verdict").and_then(Verdict::from_value).filter(|verdict| verdict.of == hash)
}

/// An object as results show it: who owns what is of no use there, and the copy that `kubectl apply` keeps of a Secret
/// would show it.
pub(super) fn shown(object: &Json) -> Json {
    let mut object = object.clone();
    if let Some(Json::Object(metadata)) = object.get_mut("metadata") {
        metadata.shift_remove("managedFields");
        if let Some(Json::Object(annotations)) = metadata.get_mut("annotations") {
            annotations.shift_remove(LAST_APPLIED);
        }
    }
    object
}

/// An object as a server gave it, for results; what a Secret holds is a secret.
pub fn whole(object: &Json) -> Value {
    Taints::of(&Value::from(object)).object(&shown(object))
}

/// The name of the fact that a server serves a kind.
pub fn served(at: &Ref) -> Id {
    Id::new(KIND, format!("{}/{}", at.api_version(), at.kind))
}
