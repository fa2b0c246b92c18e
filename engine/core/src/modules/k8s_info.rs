//! `k8s_info`: what a cluster says about objects.

use std::sync::Arc;

use crate::resources::object::manifest::Ref;
use crate::resources::object::{KIND, kind, seen};
use crate::state::{Answer, Halt, Holds, Look, Reach, Request, Response, Script, Verb, View};
use crate::text::{Map, Result, Value};

use super::k8s::{Wait, refuse_connection, with_connection};
use super::{Action, Arg, Args, Done, Entry, Module, Spec, Type, Want};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "k8s_info",
    collection: "kubernetes.core",
    about: "Ask a cluster about objects",
    args: with_connection![
        Arg::new("kind", Type::Text, "The kind, as `Deployment`").required(),
        Arg::new("api_version", Type::Text, "Its group and version, as `apps/v1`").default("v1").aliases(&["api", "version"]),
        Arg::new("name", Type::Text, "One object; all where it is left out"),
        Arg::new("namespace", Type::Text, "The namespace; all where it and the name are left out"),
        Arg::new("label_selectors", Type::Texts, "Only objects with these labels: `app=web`, `tier in (a, b)`"),
        Arg::new("field_selectors", Type::Texts, "Only objects with these fields: `status.phase=Running`"),
        Arg::new("wait", Type::Bool, "Wait until there are such objects, and they are ready").default("false"),
        Arg::new("wait_timeout", Type::Int, "Seconds to wait").default("120"),
        Arg::new("wait_sleep", Type::Int, "Seconds between two looks").default("5"),
        Arg::new("wait_condition", Type::Map, "Wait for this condition of the status instead: `type`, `status`, `reason`"),
        Arg::new("hidden_fields", Type::Texts, "`metadata.managedFields` is never returned"),
    ],
    free_form: None,
    any: false,
};

struct Info {
    at: Ref,
    request: Request,
    wait: Option<Wait>,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    refuse_connection(args)?;
    let api_version = args.need("api_version")?;
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let name = args.text("name").unwrap_or_default();
    let at = Ref { group: group.into(), version: version.into(), kind: args.need("kind")?, namespace: args.text("namespace"), name };
    let mut selectors: Vec<(&'static str, String)> = vec![];
    for (arg, key) in [("label_selectors", "labelSelector"), ("field_selectors", "fieldSelector")] {
        let texts = args.texts(arg);
        if !texts.is_empty() {
            selectors.push((key, texts.join(",")));
        }
    }
    if !at.name.is_empty() && !selectors.is_empty() {
        let by_name = format!("metadata.name={}", at.name);
        match selectors.iter_mut().find(|(key, _)| *key == "fieldSelector") {
            Some((_, fields)) => *fields = format!("{fields},{by_name}"),
            None => selectors.push(("fieldSelector", by_name)),
        }
    }
    let one = !at.name.is_empty() && selectors.is_empty();
    let request = if one { kind::request(&at, Verb::Get) } else { kind::list(&at, selectors) };
    let wait = args.flag("wait").then(|| Wait::of(args)).transpose()?;
    Ok(Arc::new(Info { at, request, wait }))
}

fn objects(response: &Response) -> Vec<&serde_json::Value> {
    match response.body.get("items").and_then(serde_json::Value::as_array) {
        _ if response.status != 200 => vec![],
        Some(items) => items.iter().collect(),
        None => vec![&response.body],
    }
}

impl Info {
    /// A task before this one that would make, change or remove such an object.
    fn foreseen(&self, view: &View<'_>) -> std::result::Result<(), Halt> {
        let meant = |at: &Ref| {
            let named = self.at.name.is_empty() || at.name == self.at.name;
            let within = self.at.namespace.is_none() || at.namespace == self.at.namespace;
            named && within && at.group == self.at.group && at.kind == self.at.kind
        };
        for (id, _, cause) in view.known(KIND) {
            if let Some(cause) = cause
                && Ref::parse(&id.name).is_some_and(|at| meant(&at))
            {
                return Err(Halt::Unknown(cause.clone()));
            }
        }
        Ok(())
    }

    fn what(&self) -> String {
        let place = self.at.namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
        if self.at.name.is_empty() { format!("every {}{place}", self.at.kind) } else { format!("{} {}{place}", self.at.kind, self.at.name) }
    }
}

impl Module for Info {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        self.foreseen(view)?;
        let script = Script::Api(vec![self.request.clone()]);
        let mut action = Action::new(script.clone(), format!("look at {}", self.what()));
        (action.reach, action.query) = (Reach::Nothing, true);
        let condition = self.wait.as_ref().map(|wait| {
            let late =
                format!("Failed to gather information about {}(s) even after waiting for {} seconds", self.at.kind, wait.timeout as i64);
            crate::state::Condition { ask: script, shown: format!("{} ready", self.what()), late, ..wait.condition(&[]) }
        });
        Ok(Want { condition, changed: Some(false), ..Want::action(action) })
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        let Some(first) = done.responses.first() else { return result };
        let no_api = first.status == 404 && first.body["reason"] == "KindNotFound";
        result.insert("resources", objects(first).into_iter().map(seen::whole).collect::<Vec<Value>>());
        result.insert("api_found", !no_api);
        if no_api {
            let message =
                format!("Failed to find API for resource with apiVersion \"{}\" and kind \"{}\"", self.at.api_version(), self.at.kind);
            result.insert("msg", message);
        } else if first.status != 200 && first.status != 404 {
            let said = first.body.get("message").and_then(serde_json::Value::as_str).unwrap_or("");
            result.insert("failed", true);
            result.insert("msg", format!("{}: the server answered {}: {said}", self.what(), first.status));
        }
        result
    }

    fn holds(&self, reply: &Answer) -> Holds {
        self.holds_at(reply, 0.0)
    }

    fn holds_at(&self, reply: &Answer, now: f64) -> Holds {
        let (Some(wait), Some(first)) = (&self.wait, reply.responses().first()) else { return Holds::Yes };
        let found = objects(first);
        if found.is_empty() {
            return Holds::NotYet(format!("no {} yet", self.what()));
        }
        wait.all(&found, now)
    }
}
