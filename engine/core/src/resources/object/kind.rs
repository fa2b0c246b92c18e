//! Objects as things: how they are asked about, read and mended by requests to an API server.
//!
//! A thing is called as [`Ref`] prints: `apps/v1/Deployment/web/xwiki`. Fields: those of the manifest that was looked with
//! and those that applying it would change, by path (`spec.replicas`, `data.key`); `ownership` (`play`, or what is not ours
//! yet); `uid`; `object`, which is all of it for results. A look without a manifest learns `uid` and `created` alone.
//!
//! A look carries the manifest (`wanted`). Details: `conflicts` (see [`policy`](super::policy)), `mended` or `prove`: asks
//! the server for its verdict at once; `object`: all of it, without a manifest.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::described::Described;
use super::manifest::Ref;
use super::names::namespaced;
use super::reading;
use crate::state::{Answer, Gap, Kind, KindName, Look, Reach, Reading, Request, Response, Script, Verb};
use crate::text::Value;
use crate::text::value::sha256_hex;

pub const KIND: KindName = "object";

/// So many objects of one kind and namespace are asked for by one list.
const MANY: usize = 8;

pub struct Object;

impl Kind for Object {
    fn name(&self) -> KindName {
        KIND
    }

    /// What is there; behind it dry runs, where a look asks for the server's verdict at once.
    fn ask(&self, looks: &[&Look]) -> Script {
        let refs: Vec<(&Look, Ref)> = looks.iter().filter_map(|look| Some((*look, Ref::parse(&look.id.name)?))).collect();
        let mut count: BTreeMap<_, usize> = BTreeMap::new();
        refs.iter().filter_map(|(_, at)| listable(at)).for_each(|place| *count.entry(place).or_default() += 1);
        let mut requests: Vec<Request> = vec![];
        for (_, at) in &refs {
            let many = listable(at).is_some_and(|place| count[&place] >= MANY);
            if !many {
                requests.push(request(at, Verb::Get));
            } else if !requests.iter().any(|request| lists(request, at)) {
                requests.push(list(at, vec![]));
            }
        }
        for (look, at) in refs.iter().filter(|(look, _)| at_once(look)) {
            if let Some(described) = look.wanted.as_ref().and_then(Described::read) {
                requests.push(apply(at, described.value, true, false));
            }
        }
        Script::Api(requests)
    }

    /// What is there first, then the dry runs, in their order.
    fn about<'a>(&self, look: &Look, script: &Script, answer: &'a Answer) -> Cow<'a, Answer> {
        let (Script::Api(requests), Answer::Api(responses), Some(at)) = (script, answer, Ref::parse(&look.id.name)) else {
            return Cow::Borrowed(answer);
        };
        let mut found = vec![];
        for (request, response) in requests.iter().zip(responses) {
            if lists(request, &at) {
                match item(response, &at) {
                    Some(response) => found.push(response),
                    // a list may be forbidden where a look at one is not: it is asked for by itself
                    None => return Cow::Owned(Answer::Api(vec![])),
                }
            } else if request.verb != Verb::List && (is_about(request, &at) || *request.name == *other_name(&at)) {
                found.push(response.clone());
            }
        }
        Cow::Owned(Answer::Api(found))
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        reading::reading(look, answer)
    }

    fn fix(&self, gaps: &[&Gap]) -> Script {
        Script::Api(gaps.iter().filter_map(|gap| fix(gap)).collect())
    }

    /// With a namespace or a definition goes what is in it. What comes into a new namespace by itself (an account, a
    /// certificate) nobody describes.
    fn reach(&self, gap: &Gap) -> Reach {
        let holds = Ref::parse(&gap.id.name).is_some_and(|at| matches!(at.kind.as_str(), "Namespace" | "CustomResourceDefinition"));
        if gap.deletes() && holds { Reach::Kinds(&[KIND]) } else { Reach::Nothing }
    }
}

/// Whether the verdict is asked for without knowing yet whether it takes one.
pub(super) fn at_once(look: &Look) -> bool {
    look.wanted.is_some() && (look.detail.contains_key("mended") || look.detail.contains_key("prove"))
}

type Place = (String, String, String, Option<String>);

/// What a list would have to be of: not where only the server knows whether the namespace is left out.
fn listable(at: &Ref) -> Option<Place> {
    let known = at.namespace.is_some() || namespaced(&at.group, &at.kind) == Some(false);
    known.then(|| (at.group.clone(), at.version.clone(), at.kind.clone(), at.namespace.clone()))
}

fn of_kind(request: &Request, at: &Ref) -> bool {
    *request.group == *at.group
        && *request.version == *at.version
        && *request.kind == *at.kind
        && request.namespace.as_deref() == at.namespace.as_deref()
}

fn is_about(request: &Request, at: &Ref) -> bool {
    of_kind(request, at) && *request.name == *at.name
}

fn lists(request: &Request, at: &Ref) -> bool {
    request.verb == Verb::List && of_kind(request, at) && request.selectors.is_empty()
}

/// The item of a list as if it had been asked for; what is not in it is not there.
fn item(response: &Response, at: &Ref) -> Option<Response> {
    if response.status == 404 {
        return Some(response.clone());
    }
    let items = response.body.get("items").and_then(Json::as_array).filter(|_| response.status == 200)?;
    let found = items.iter().find(|item| item.pointer("/metadata/name").and_then(Json::as_str) == Some(at.name.as_str()));
    let (status, body) = match found {
        Some(item) => (200, item.clone()),
        None => (404, json!({"kind": "Status", "reason": "NotFound", "code": 404, "message": format!("{at} is not in the list")})),
    };
    Some(Response { status, body, warnings: vec![], retry_after: None })
}

/// A request about one object.
pub fn request(at: &Ref, verb: Verb) -> Request {
    Request {
        verb,
        group: at.group.as_str().into(),
        version: at.version.as_str().into(),
        kind: at.kind.as_str().into(),
        namespace: at.namespace.as_deref().map(Into::into),
        name: at.name.as_str().into(),
        body: Value::Null,
        selectors: vec![],
    }
}

/// All objects of the kind and namespace of one, or those that selectors find.
pub fn list(at: &Ref, selectors: Vec<(&'static str, String)>) -> Request {
    Request { name: "".into(), selectors, ..request(at, Verb::List) }
}

pub(super) fn apply(at: &Ref, body: Value, dry_run: bool, force: bool) -> Request {
    Request { body, ..request(at, Verb::Apply { dry_run, force }) }
}

/// The name that an object gets where it is only tried.
fn other_name(at: &Ref) -> String {
    format!("play-{}", &sha256_hex(at.to_string().as_bytes())[..12])
}

/// A dry run of an object whose namespace is not there yet, in one that always is.
pub(super) fn stand_in(at: &Ref, manifest: &Value) -> Request {
    let other = Ref { namespace: Some("default".into()), name: other_name(at), ..at.clone() };
    let named = with(manifest, &[("namespace", Value::text("default")), ("name", Value::text(other.name.as_str()))]);
    apply(&other, named, true, false)
}

/// `how`: `manifest` (what is sent), `force` (the verdict took fields of others), `propagation` (of a deletion).
fn fix(gap: &Gap) -> Option<Request> {
    let at = Ref::parse(&gap.id.name)?;
    // only the object that was looked at: not one that was made anew under its name since
    let uid = gap.had("uid").cloned();
    if gap.deletes() {
        let policy = gap.how.get("propagation").cloned().unwrap_or_else(|| Value::text("Background"));
        let mut options = vec![("propagationPolicy", policy)];
        options.extend(uid.map(|uid| ("preconditions", Value::map([("uid", uid)]))));
        options.extend(gap.how.get("grace").cloned().map(|seconds| ("gracePeriodSeconds", seconds)));
        return Some(Request { body: Value::map(options), ..request(&at, Verb::Delete) });
    }
    let manifest = gap.how.get("manifest")?;
    let force = gap.how.get("force").is_some_and(Value::truthy);
    let body = uid.map_or_else(|| manifest.clone(), |uid| with(manifest, &[("uid", uid)]));
    Some(apply(&at, body, false, force))
}

/// A manifest with other metadata.
fn with(manifest: &Value, pairs: &[(&str, Value)]) -> Value {
    let (Some(map), Some(metadata)) = (manifest.as_map(), manifest.get("metadata").and_then(Value::as_map)) else {
        return manifest.clone();
    };
    let (mut map, mut metadata) = (map.clone(), metadata.clone());
    for (key, value) in pairs {
        metadata.insert(*key, value.clone());
    }
    map.insert("metadata", metadata);
    map.into()
}
