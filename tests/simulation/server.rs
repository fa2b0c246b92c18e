//! An API server in memory: server-side apply of maps, with owners of fields, for objects without lists.

use std::collections::{BTreeMap, BTreeSet};

use play_core::state::{Request, Response, Verb};
use serde_json::{Map, Value as Json, json};

/// Group, kind, namespace, name.
type Key = (String, String, String, String);

#[derive(Clone, Default, Debug)]
pub struct Server {
    objects: BTreeMap<Key, Json>,
    made: u64,
}

const MANAGER: &str = "play";

impl Server {
    /// Questions are all answered; of writes, the first that fails ends them.
    pub fn answer(&mut self, requests: &[Request], asks: bool) -> Vec<Response> {
        let mut all = vec![];
        for request in requests {
            let response = self.one(request);
            let failed = response.status >= 400;
            all.push(response);
            if failed && !asks {
                break;
            }
        }
        all
    }

    fn one(&mut self, request: &Request) -> Response {
        let namespace = request.namespace.as_deref().unwrap_or_default();
        let key: Key = (request.group.to_string(), request.kind.to_string(), namespace.into(), request.name.to_string());
        match request.verb {
            Verb::Get => self.objects.get(&key).map_or_else(|| not_found(&key), |object| ok(200, object.clone())),
            Verb::Apply { dry_run, .. } => self.apply(key, &request.body.to_json().unwrap_or_default(), dry_run),
            Verb::Delete => match self.objects.remove(&key) {
                Some(object) => {
                    self.objects.retain(|other, _| key.1 != "Namespace" || other.2 != key.3);
                    ok(200, object)
                }
                None => not_found(&key),
            },
            Verb::List | Verb::Create => refused(405, "MethodNotAllowed", "not simulated"),
        }
    }

    fn apply(&mut self, key: Key, manifest: &Json, dry_run: bool) -> Response {
        let namespace: Key = (String::new(), "Namespace".into(), String::new(), key.2.clone());
        if !key.2.is_empty() && !self.objects.contains_key(&namespace) {
            return not_found(&namespace);
        }
        let uid = manifest.pointer("/metadata/uid").cloned();
        let live = self.objects.get(&key).cloned();
        if uid.is_some() && uid.as_ref() != live.as_ref().and_then(|live| live.pointer("/metadata/uid")) {
            return refused(409, "Conflict", "Precondition failed: UID in precondition does not match");
        }
        let created = live.is_none();
        let mut object = live.unwrap_or_else(|| {
            json!({"apiVersion": manifest["apiVersion"], "kind": manifest["kind"],
                "metadata": {"name": manifest["metadata"]["name"], "uid": format!("uid-{}", self.made + 1),
                    "creationTimestamp": "2030-01-01T00:00:00Z", "resourceVersion": "1"}})
        });
        if let Some(namespace) = manifest.pointer("/metadata/namespace") {
            object["metadata"]["namespace"] = namespace.clone();
        }
        let owned = owned(manifest);
        let before = object.pointer("/metadata/managedFields/0/fieldsV1").cloned().unwrap_or_default();
        remove(&mut object, &before, &owned);
        merge(&mut object, manifest);
        object["metadata"]["managedFields"] = json!([{"manager": MANAGER, "operation": "Apply", "apiVersion": manifest["apiVersion"],
            "time": "2030-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": owned}]);
        if !dry_run {
            self.made += u64::from(created);
            self.objects.insert(key, object.clone());
        }
        ok(if created { 201 } else { 200 }, object)
    }

    /// Objects as text, without what differs from one making to the next.
    pub fn state(&self) -> BTreeSet<String> {
        let shown = |(key, object): (&Key, &Json)| {
            let mut object = object.clone();
            object["metadata"]["uid"] = Json::Null;
            format!("{key:?} {object}")
        };
        self.objects.iter().map(shown).collect()
    }
}

/// The fields of a manifest as the server keeps them, identity apart.
fn owned(manifest: &Json) -> Json {
    let own = |key: &str| !matches!(key, "apiVersion" | "kind" | "name" | "namespace" | "uid");
    match manifest {
        Json::Object(all) => all
            .iter()
            .filter(|(key, _)| own(key))
            .map(|(key, value)| (format!("f:{key}"), owned(value)))
            .filter(kept)
            .collect::<Map<_, _>>()
            .into(),
        _ => json!({}),
    }
}

/// `metadata` in which nothing is owned is not.
fn kept((key, value): &(String, Json)) -> bool {
    key != "f:metadata" || value.as_object().is_some_and(|all| !all.is_empty())
}

/// What was owned before and is no longer described goes.
fn remove(object: &mut Json, before: &Json, now: &Json) {
    let (Json::Object(fields), Json::Object(before)) = (object, before) else { return };
    for (key, inner) in before {
        let name = key.trim_start_matches("f:");
        match now.get(key) {
            None => drop(fields.remove(name)),
            Some(now) => {
                if let Some(field) = fields.get_mut(name) {
                    remove(field, inner, now);
                }
            }
        }
    }
}

fn merge(object: &mut Json, manifest: &Json) {
    match (object, manifest) {
        (Json::Object(object), Json::Object(manifest)) => {
            for (key, value) in manifest {
                merge(object.entry(key).or_insert(Json::Null), value);
            }
        }
        (object, value) => *object = value.clone(),
    }
}

fn ok(status: u16, body: Json) -> Response {
    Response { status, body, warnings: vec![], retry_after: None }
}

fn not_found((_, kind, _, name): &Key) -> Response {
    let plural = format!("{}s", kind.to_lowercase());
    let mut response = refused(404, "NotFound", &format!("{plural} \"{name}\" not found"));
    response.body["details"] = json!({"name": name, "kind": plural});
    response
}

fn refused(status: u16, reason: &str, message: &str) -> Response {
    ok(status, json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": status, "message": message}))
}
