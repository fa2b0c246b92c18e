//! What a server's answers say about one object: what is there, and how far it is from the manifest by the server's own
//! verdict, a dry run.

use serde_json::Value as Json;

use super::change::difference;
use super::conflict::Conflict;
use super::described::Described;
use super::error::{self, Class, Refusal};
use super::flat::{leaves, same};
use super::foreign::foreign;
use super::kind::{KIND, apply, request, stand_in};
use super::manifest::Ref;
use super::owned::proven;
use super::policy::{self, Resolved};
use super::seen::{self, Verdict};
use super::taint::Taints;
use crate::state::{Answer, Fields, Id, Look, Reading, Response, Script, State, Verb};
use crate::text::Value;

/// The name under which fields are owned.
pub const MANAGER: &str = "play";
/// The word of a look whose manifest is laid over what was applied before.
pub const PATCH: &str = "patch";

pub(super) fn reading(look: &Look, answer: &Answer) -> Reading {
    let Some(at) = Ref::parse(&look.id.name) else { return Reading::failed(format!("`{}` is no name of an object", look.id.name)) };
    if let Answer::Refused(why) = answer {
        let hint = "objects live on clusters: `ansible_connection: kubernetes`, or `folder`".to_string();
        return Reading::Failed { message: why.clone(), hint: Some(hint) };
    }
    let subject = Subject { look, at: &at };
    let Some(first) = answer.responses().first() else { return Reading::Ask(Script::Api(vec![request(&at, Verb::Get)])) };
    let live = match first.status {
        200 => Some(&first.body),
        404 if reason(first) != "NotFound" && first.body.is_object() && look.wanted.is_some() => return subject.no_kind(),
        404 => None,
        _ => return subject.failed(&subject.refusal(first, &Json::Null, None)),
    };
    match look.wanted.as_ref().and_then(Described::read) {
        None => Reading::one(look, live.and_then(|live| plain(look, live))),
        // a patch of what is not there is no object
        Some(_) if look.detail.contains_key(PATCH) && live.is_none() => Reading::one(look, None),
        Some(described) => {
            let whole = live.filter(|_| look.detail.contains_key(PATCH)).map(|live| described.over(live));
            subject.wanted(&whole.unwrap_or(described), live, &answer.responses()[1..])
        }
    }
}

fn reason(response: &Response) -> &str {
    response.body.get("reason").and_then(Json::as_str).unwrap_or("")
}

/// Without a manifest: that it is there. What is being deleted counts as gone, as nobody needs to delete it.
fn plain(look: &Look, live: &Json) -> State {
    let text = |pointer: &str| live.pointer(pointer).and_then(Json::as_str).map(Value::text);
    if text("/metadata/deletionTimestamp").is_some() {
        return None;
    }
    let mut fields = Fields::new();
    let told = [("uid", "/metadata/uid"), ("created", "/metadata/creationTimestamp")];
    fields.extend(told.into_iter().filter_map(|(name, pointer)| Some((name.into(), text(pointer)?))));
    if look.detail.contains_key("object") {
        fields.insert(seen::OBJECT.into(), seen::hidden(&Taints::of(&Value::from(live)), live, None, vec![]));
    }
    Some(fields)
}

struct Subject<'a> {
    look: &'a Look,
    at: &'a Ref,
}

impl Subject<'_> {
    /// The server does not serve its kind: that is a fact of the server.
    fn no_kind(&self) -> Reading {
        Reading::States(vec![(self.look.id.clone(), None), (seen::served(self.at), None)])
    }

    fn refusal(&self, response: &Response, manifest: &Json, live: Option<&Json>) -> Refusal {
        let body = response.body.as_str().map_or_else(|| response.body.to_string(), str::to_owned);
        error::refusal(error::Answer { code: response.status, retry_after: response.retry_after, body: &body }, manifest, live)
    }

    fn failed(&self, refusal: &Refusal) -> Reading {
        Reading::Failed { message: format!("{}: {}", self.at, refusal.message), hint: refusal.hint.clone() }
    }

    /// `dry`: dry runs of it, unforced and, where fields of others are taken or left, again as resolved.
    fn wanted(&self, described: &Described, live: Option<&Json>, dry: &[Response]) -> Reading {
        if let Some(live) = live {
            if live.pointer("/metadata/deletionTimestamp").is_some() {
                return self.dying(live);
            }
            if dry.is_empty() && proven(&described.json, live, MANAGER).is_ok() {
                return Reading::one(self.look, Some(as_described(described, live)));
            }
        }
        match dry {
            [] => Reading::Ask(self.dry_run(described, None)),
            [first, rest @ ..] if first.status >= 400 || first.status == 0 => self.refused(described, live, first, rest),
            [first, ..] => self.verdict(described, live, &first.body, &Resolved::default(), described),
        }
    }

    /// What is there is asked for again, so that the two fit together.
    fn dry_run(&self, described: &Described, resolved: Option<(&Described, bool)>) -> Script {
        let mut requests = vec![request(self.at, Verb::Get), apply(self.at, described.value.clone(), true, false)];
        requests.extend(resolved.map(|(described, force)| apply(self.at, described.value.clone(), true, force)));
        Script::Api(requests)
    }

    fn refused(&self, described: &Described, live: Option<&Json>, first: &Response, rest: &[Response]) -> Reading {
        let refusal = self.refusal(first, &described.json, live);
        match &refusal.class {
            Class::Conflict(conflicts) => self.conflicts(described, live, conflicts, &refusal, rest),
            Class::UnknownKind => self.no_kind(),
            Class::NoNamespace => match &self.at.namespace {
                Some(name) => self.no_namespace(described, name, rest),
                None => self.failed(&refusal),
            },
            _ => self.failed(&refusal),
        }
    }

    /// The namespace is not there, which is a fact of its own. Whether the object is valid can be told all the same: under
    /// another name, where there is a namespace. What else is refused there, by quotas and the like, says nothing.
    fn no_namespace(&self, described: &Described, name: &str, rest: &[Response]) -> Reading {
        let namespace = Id::new(KIND, format!("v1/Namespace/{name}"));
        let states = Reading::States(vec![(self.look.id.clone(), None), (namespace, None)]);
        let Some(answer) = rest.first() else {
            let Script::Api(mut requests) = self.dry_run(described, None) else { return states };
            requests.push(stand_in(self.at, &described.value));
            return Reading::Ask(Script::Api(requests));
        };
        let refusal = self.refusal(answer, &described.json, None);
        let invalid = matches!(refusal.class, Class::Invalid | Class::Schema) && !refusal.fields.is_empty();
        if answer.status >= 400 && invalid { self.failed(&refusal) } else { states }
    }

    fn conflicts(
        &self,
        described: &Described,
        live: Option<&Json>,
        conflicts: &[Conflict],
        refusal: &Refusal,
        rest: &[Response],
    ) -> Reading {
        let resolved = policy::resolve(conflicts, self.look);
        if !resolved.refuse.is_empty() {
            return self.failed(refusal);
        }
        let left = described.without(&policy::paths(&resolved.leave));
        match rest.first() {
            None => Reading::Ask(self.dry_run(described, Some((&left, !resolved.take.is_empty())))),
            Some(answer) if answer.status >= 400 || answer.status == 0 => self.failed(&self.refusal(answer, &left.json, live)),
            Some(answer) => self.verdict(described, live, &answer.body, &resolved, &left),
        }
    }

    /// Being deleted: what is written now goes with it.
    fn dying(&self, live: &Json) -> Reading {
        let finalizers = live.pointer("/metadata/finalizers").and_then(Json::as_array);
        let waits: Vec<&str> = finalizers.into_iter().flatten().filter_map(Json::as_str).collect();
        let waits = if waits.is_empty() { String::new() } else { format!(", and waits for {}", waits.join(", ")) };
        Reading::Failed { message: format!("{} is being deleted{waits}", self.at), hint: Some("try again once it is gone".into()) }
    }

    /// `sent` is what of the manifest is left once fields of others are left to them.
    fn verdict(&self, described: &Described, live: Option<&Json>, answer: &Json, resolved: &Resolved<'_>, sent: &Described) -> Reading {
        let Some(live) = live else { return Reading::one(self.look, None) };
        let difference = difference(Some(live), answer);
        let mut state = as_described(sent, live);
        let mut then = Fields::new();
        let (before, after, ours) = (leaves(live), leaves(answer), leaves(&sent.json));
        let changed: Vec<&String> = before.keys().chain(after.keys().filter(|path| !before.contains_key(*path))).collect();
        let changed: Vec<&String> = changed.into_iter().filter(|path| !same(before.get(*path), after.get(*path))).collect();
        // what the server fills in beside what is ours is of no interest, unless nothing else is there
        let ours_too = |path: &str| ours.contains_key(path) || before.contains_key(path);
        let any = changed.iter().any(|path| ours_too(path)) || difference.changes.iter().any(|change| change.order);
        for path in changed.into_iter().filter(|path| !any || ours_too(path)) {
            let wanted = ours.get(path).map(|leaf| described.taints.value(path, leaf));
            let now = before.get(path).map(|leaf| described.taints.former(path, leaf, wanted.as_ref()));
            let after = after.get(path).map_or(Value::Null, |leaf| described.taints.value(path, leaf));
            then.insert(path.clone().into(), wanted.filter(|_| !after.is_null()).unwrap_or(after));
            match now {
                Some(now) => drop(state.insert(path.clone().into(), now)),
                None => drop(state.remove(path.as_str())),
            }
        }
        for change in difference.changes.iter().filter(|change| change.order) {
            let field = format!("{} (order)", change.path);
            let side = |side: &Option<Json>| side.as_ref().map_or(Value::Null, Value::from);
            state.insert(field.clone().into(), side(&change.now));
            then.insert(field.into(), side(&change.then));
        }
        // who owns what changes with the fields; by itself, or where it is taken from others, it is worth a line
        if (ours_of(live) != ours_of(answer) && then.is_empty()) || !resolved.take.is_empty() {
            let owners = policy::owners(&resolved.take).join(", ");
            state.insert(seen::OWNERSHIP.into(), Value::text(if owners.is_empty() { "not as described" } else { &owners }));
            then.insert(seen::OWNERSHIP.into(), Value::text(MANAGER));
        }
        let verdict = Verdict {
            of: described.hash.clone(),
            then,
            manifest: sent.value.clone(),
            force: !resolved.take.is_empty(),
            left: policy::owners(&resolved.leave),
            answer: described.taints.object(&seen::shown(answer)),
        };
        state.insert(seen::OBJECT.into(), seen::hidden(&described.taints, live, Some(verdict), foreign(&described.json, live)));
        Reading::one(self.look, Some(state))
    }
}

/// What we own of an object. An apply that states no field leaves no trace of us, and that of others is theirs.
fn ours_of(object: &Json) -> Option<&Json> {
    let entries = object.pointer("/metadata/managedFields").and_then(Json::as_array)?;
    let ours = |entry: &&Json| entry["manager"] == MANAGER && entry["operation"] == "Apply" && entry.get("subresource").is_none();
    entries.iter().find(ours).and_then(|entry| entry.get("fieldsV1"))
}

/// The state of an object that is as described.
fn as_described(described: &Described, live: &Json) -> Fields {
    let mut state = described.fields();
    state.insert(seen::OWNERSHIP.into(), Value::text(MANAGER));
    if let Some(uid) = live.pointer("/metadata/uid").and_then(Json::as_str) {
        state.insert("uid".into(), Value::text(uid));
    }
    state.insert(seen::OBJECT.into(), seen::hidden(&described.taints, live, None, foreign(&described.json, live)));
    state
}

#[cfg(test)]
mod tests;
