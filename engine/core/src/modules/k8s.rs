//! `k8s`: objects of a cluster, from manifests, by server-side apply.

mod documents;
mod options;
mod wait;

use std::sync::Arc;

use crate::resources::object::order::{deletion, edges};
use crate::resources::object::{self, Described, KIND, Ref, policy, seen};
use crate::state::{Answer, Fields, Halt, Holds, Id, Look, View};
use crate::text::{Diagnostic, Map, Result, Value};

use super::{Args, Done, Entry, Module, Spec, Want, Wanted};

pub use documents::{Document, documents};
pub use options::refuse_connection;
pub(crate) use options::with_connection;
pub use wait::{Subject, Wait};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "k8s",
    collection: "kubernetes.core",
    about: "Bring objects of a cluster to what manifests describe",
    args: options::ARGS,
    free_form: None,
    any: false,
};

struct K8s {
    objects: Objects,
    wait: Option<Wait>,
    /// The task asked for `apply`, which is what the result then calls the method.
    applies: bool,
    warnings: Vec<String>,
}

enum Objects {
    /// `patch`: the manifests are laid over what was applied before, and make nothing.
    Present {
        all: Vec<Described>,
        conflicts: Vec<String>,
        patch: bool,
    },
    Absent {
        all: Vec<Ref>,
        how: Fields,
    },
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    refuse_connection(args)?;
    options::refuse(args)?;
    let documents = documents(args)?;
    let absent = args.text("state").as_deref() == Some("absent");
    let objects = if absent {
        let all = documents.iter().map(Document::reference).collect::<Result<Vec<_>>>()?;
        let order = order(&documents, deletion);
        Objects::Absent { all: order.into_iter().map(|at| all[at].clone()).collect(), how: options::deletion(args)? }
    } else {
        let all = documents.iter().map(Document::described).collect::<Result<Vec<_>>>()?;
        let patch = args.text("state").as_deref() == Some("patched");
        twice(args, &all)?;
        let order = order(&documents, <[_]>::to_vec);
        Objects::Present { all: order.into_iter().map(|at| all[at].clone()).collect(), conflicts: options::conflicts(args)?, patch }
    };
    let wait = args.flag("wait").then(|| Wait::of(args)).transpose()?;
    Ok(Arc::new(K8s { objects, wait, applies: args.flag("apply"), warnings: options::warnings(args) }))
}

fn twice(args: &Args, all: &[Described]) -> Result<()> {
    for (at, described) in all.iter().enumerate() {
        if all[..at].iter().any(|before| before.at.same(&described.at)) {
            return Err(args.span.error(format!("{} is described twice in one task", described.at)).hint("keep one of the two"));
        }
    }
    Ok(())
}

/// The documents, what others need first; otherwise as they were written.
fn order(documents: &[Document], turn: impl Fn(&[object::order::Edge]) -> Vec<object::order::Edge>) -> Vec<usize> {
    let values: Vec<serde_json::Value> = documents.iter().map(|document| document.value.to_json().unwrap_or_default()).collect();
    let edges = turn(&edges(&values));
    let mut left: Vec<usize> = (0..documents.len()).collect();
    let mut all = vec![];
    while !left.is_empty() {
        let free = |at: &usize| !edges.iter().any(|edge| edge.after == *at && left.contains(&edge.before));
        let next = left.iter().position(free).unwrap_or(0);
        all.push(left.remove(next));
    }
    all
}

fn id(at: &Ref) -> Id {
    Id::new(KIND, at.to_string())
}

impl K8s {
    fn refs(&self) -> Vec<&Ref> {
        match &self.objects {
            Objects::Present { all, .. } => all.iter().map(|described| &described.at).collect(),
            Objects::Absent { all, .. } => all.iter().collect(),
        }
    }

    fn present(&self, all: &[Described], patch: bool, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut want = Want { warnings: self.warnings.clone(), ..Want::default() };
        for described in all {
            let id = id(&described.at);
            let state = view.state(&id)?;
            match state {
                None if patch => {
                    want.warnings.push(not_patched(&described.at));
                    continue;
                }
                None => reachable(described, all, view)?,
                Some(state) if patch => patchable(described, state, view)?,
                Some(_) => {}
            }
            for field in state.iter().flat_map(seen::foreign) {
                want.warnings.push(format!("{}: {field} is not described, and stays", described.at));
            }
            want.states.push(wanted(described, state.as_ref(), &mut want.warnings));
        }
        let of = |wanted: &Wanted| all.iter().find(|described| id(&described.at) == wanted.id);
        let new_kinds = want.states.iter().any(|wanted| of(wanted).is_some_and(defines) && open(wanted, view));
        let settled =
            |wanted: &Wanted| !open(wanted, view) && of(wanted).is_some_and(|described| wait::settled(described, view.seen(&wanted.id)));
        want.condition = match &self.wait {
            Some(wait) if !want.states.iter().all(settled) => Some(wait.condition(&self.subjects())),
            None if new_kinds => Some(Wait::default().condition(&self.subjects())),
            _ => None,
        };
        Ok(want)
    }

    /// What is waited for: without `wait` only that definitions can be used, since what comes next may need them.
    fn subjects(&self) -> Vec<Subject> {
        match &self.objects {
            Objects::Present { all, .. } => {
                all.iter().filter(|described| self.wait.is_some() || defines(described)).map(Subject::present).collect()
            }
            Objects::Absent { all, .. } => all.iter().map(Subject::absent).collect(),
        }
    }

    fn absent(&self, all: &[Ref], how: &Fields, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut states = vec![];
        for at in all {
            view.state(&id(at))?;
            states.push(Wanted { how: how.clone(), ..Wanted::gone(id(at)) });
        }
        let gone = states.iter().all(|wanted| matches!(view.seen(&wanted.id), Some(None)));
        let condition = self.wait.as_ref().filter(|_| !gone).map(|wait| wait.condition(&self.subjects()));
        Ok(Want { condition, warnings: self.warnings.clone(), ..Want::states(states) })
    }

    /// What became of one object, as kubernetes.core tells it.
    fn outcome(&self, at: &Ref, done: &Done<'_>) -> Map {
        let id = id(at);
        let gap = done.gaps.iter().find(|gap| gap.id == id);
        let method = match (&self.objects, gap) {
            (Objects::Absent { .. }, _) => "delete",
            _ if self.applies => "apply",
            (_, Some(gap)) if gap.creates() => "create",
            _ => "patch",
        };
        let described = match &self.objects {
            Objects::Present { patch: true, .. } if matches!(done.view.seen(&id), Some(None)) => None,
            Objects::Present { all, .. } => all.iter().find(|described| described.at == *at),
            Objects::Absent { .. } => None,
        };
        // what was waited for is what was seen last
        let waited = done.responses.iter().map(|response| &response.body).find(|body| Ref::of(body).is_ok_and(|found| found == *at));
        let waited = waited.map(seen::whole).filter(|_| described.is_some());
        let object =
            waited.or_else(|| described.map(|described| shown(described, done.view.seen(&id).and_then(Option::as_ref), gap.is_some())));
        let mut map = Map::new();
        map.insert("changed", gap.is_some());
        map.insert("method", method);
        map.insert("result", object.unwrap_or_else(|| Map::new().into()));
        map
    }
}

/// The object: as it is, as it would be, or as it is described where nothing else is known.
fn shown(described: &Described, state: Option<&Fields>, changed: bool) -> Value {
    let told = || described.taints.object(&described.json);
    let Some(state) = state else { return told() };
    let would_be = object::seen::verdict(state, &described.hash).filter(|_| changed).map(|verdict| verdict.answer);
    would_be.or_else(|| seen::object(state).cloned()).unwrap_or_else(told)
}

fn defines(described: &Described) -> bool {
    described.at.kind == "CustomResourceDefinition"
}

/// Whether something is left to do.
fn open(wanted: &Wanted, view: &View<'_>) -> bool {
    view.seen(&wanted.id).is_none_or(|state| !crate::state::Gap::between(&wanted.id, state, &wanted.state).is_closed())
}

/// The server's verdict where there is one about this manifest, else the manifest itself.
fn wanted(described: &Described, state: Option<&Fields>, warnings: &mut Vec<String>) -> Wanted {
    let verdict = state.and_then(|state| seen::verdict(state, &described.hash));
    let (then, manifest, force) = match verdict {
        Some(verdict) => {
            warnings.extend(verdict.left.iter().map(|left| format!("{}: {left} is left to it", described.at)));
            (verdict.then, verdict.manifest, verdict.force)
        }
        None => (described.fields(), described.value.clone(), false),
    };
    Wanted::new(id(&described.at), Some(then)).how("manifest", manifest).how("force", force)
}

fn not_patched(at: &Ref) -> String {
    let namespace = at.namespace.as_deref().unwrap_or("");
    format!(
        "resource 'kind={},name={},namespace={namespace}' was not found but will not be created as 'state' parameter has been set to 'patched'",
        at.kind, at.name
    )
}

/// What a patch comes to is known once it is held against the object; a task before it that has not run changes that.
fn patchable(described: &Described, state: &Fields, view: &View<'_>) -> std::result::Result<(), Halt> {
    let id = id(&described.at);
    let cause = view.known(KIND).into_iter().find(|(known, ..)| **known == id).and_then(|(.., cause)| cause);
    let verdict = seen::verdict(state, &described.hash).is_some();
    let differs = || !crate::state::Gap::between(&id, &Some(state.clone()), &Some(described.fields())).is_closed();
    match cause {
        Some(cause) if !verdict && differs() => Err(Halt::Unknown(cause.clone())),
        _ => Ok(()),
    }
}

/// A namespace or kind that the server does not have must come from a task before, or from this one.
fn reachable(described: &Described, all: &[Described], view: &View<'_>) -> std::result::Result<(), Halt> {
    let at = &described.at;
    if let Some(namespace) = &at.namespace {
        let own = all.iter().any(|other| other.at.kind == "Namespace" && other.at.group.is_empty() && other.at.name == *namespace);
        let missing = matches!(view.seen(&Id::new(KIND, format!("v1/Namespace/{namespace}"))), Some(None));
        if missing && !own {
            let error = Diagnostic::error(format!("{at}: namespace `{namespace}` does not exist"));
            return Err(Halt::Failed(error.hint("make the Namespace in a task before this one, or correct its name")));
        }
    }
    if !matches!(view.seen(&seen::served(at)), Some(None)) || defined(at, all, view) {
        return Ok(());
    }
    let error = Diagnostic::error(format!("{at}: the cluster has no kind `{}/{}`", at.api_version(), at.kind));
    Err(Halt::Failed(
        error.hint("apply its CustomResourceDefinition in a task before this one; `kubectl api-resources` lists what there is"),
    ))
}

/// Whether a definition of this kind is there, or would be.
fn defined(at: &Ref, all: &[Described], view: &View<'_>) -> bool {
    let text = |fields: &Fields, name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let of = |fields: &Fields| {
        text(fields, "spec.group").as_deref() == Some(&at.group) && text(fields, "spec.names.kind").as_deref() == Some(&at.kind)
    };
    let definition = |id: &Id| id.name.contains("/CustomResourceDefinition/");
    let known = view.known(KIND);
    let known = known.iter().any(|(id, state, _)| definition(id) && state.as_ref().is_some_and(of));
    known || all.iter().any(|described| defines(described) && of(&described.fields()))
}

impl Module for K8s {
    fn looks(&self) -> Vec<Look> {
        match &self.objects {
            Objects::Present { all, conflicts, patch } => {
                let look = |described: &Described| {
                    let look = Look::of(id(&described.at)).wanting(described.value.clone());
                    let look = if *patch { look.with(object::PATCH, "over") } else { look };
                    conflicts.iter().fold(look, |look, word| look.with(policy::CONFLICTS, word.clone()))
                };
                all.iter().map(look).collect()
            }
            Objects::Absent { all, .. } => all.iter().map(|at| Look::of(id(at))).collect(),
        }
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        match &self.objects {
            Objects::Present { all, patch, .. } => self.present(all, *patch, view),
            Objects::Absent { all, how } => self.absent(all, how, view),
        }
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut outcomes: Vec<Map> = self.refs().into_iter().map(|at| self.outcome(at, done)).collect();
        let mut result = match outcomes.len() {
            1 => outcomes.remove(0),
            _ => Map::from_iter([("result".into(), Value::map([("results", outcomes.into_iter().map(Value::from).collect::<Vec<_>>())]))]),
        };
        if self.wait.is_some() {
            result.insert("duration", (done.ended - done.began) as i64);
        }
        result
    }

    fn holds(&self, reply: &Answer) -> Holds {
        self.holds_at(reply, 0.0)
    }

    fn holds_at(&self, reply: &Answer, now: f64) -> Holds {
        let usual = Wait::default();
        self.wait.as_ref().unwrap_or(&usual).holds(&self.subjects(), reply, now)
    }
}
