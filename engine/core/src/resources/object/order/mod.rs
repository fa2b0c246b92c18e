//! What must come before what among the objects of one set, by what they say of each other.
//!
//! Only references that a server, a controller or a kubelet acts upon make an edge; nothing is ordered by its kind
//! alone. Edges that hold by design (a namespace, a definition, a named object) always stand; the others (guards of a
//! webhook, rights of an account) yield where they would close a circle.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::pods;

mod guard;
mod refs;

/// What of the first object the second one needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// It is there.
    Exists,
    /// A definition: its kind can be used.
    Established,
    /// It is ready, by its status.
    Ready,
    /// A Service: somebody answers behind it ([`super::status::serving`]).
    Serving,
    /// In a deletion: it is gone.
    Gone,
}

/// One object before another; both by their place in the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub before: usize,
    pub after: usize,
    pub need: Need,
    /// What says so: a field of the second object, or a rule in words.
    pub why: String,
}

/// The edges of a set. Objects without a namespace live in one namespace of their own.
pub fn edges(objects: &[Value]) -> Vec<Edge> {
    let set = Set::of(objects);
    let mut graph = Graph::new(objects.len());
    for (after, object) in set.all() {
        if let Some(before) = set.find("", "Namespace", "", object.namespace) {
            graph.add(Edge { before, after, need: Need::Exists, why: "its namespace".to_owned() });
        }
        for before in set.definitions.get(&(object.group, object.kind)).into_iter().flatten().copied() {
            graph.add(Edge { before, after, need: Need::Established, why: "its definition".to_owned() });
        }
        for found in refs::of(&object) {
            let to = set.find(&found.group, &found.kind, &found.namespace, &found.name);
            if let Some(before) = to {
                graph.add(Edge { before, after, need: found.need, why: found.why });
            }
        }
    }
    let soft = refs::made_secrets(&set).into_iter().chain(refs::rights(&set)).chain(refs::limits(&set)).chain(guard::edges(&set));
    for edge in soft {
        graph.add_unless_circle(edge);
    }
    graph.edges
}

/// The edges of a deletion: who needs something goes first. A custom resource goes while its definition and its
/// webhooks are there, what is in a namespace before the namespace.
pub fn deletion(edges: &[Edge]) -> Vec<Edge> {
    let turned = |edge: &Edge| Edge { before: edge.after, after: edge.before, need: Need::Gone, why: edge.why.clone() };
    edges.iter().map(turned).collect()
}

/// An object of the set with what identifies it.
#[derive(Clone, Copy)]
struct Object<'v> {
    value: &'v Value,
    group: &'v str,
    kind: &'v str,
    namespace: &'v str,
    name: &'v str,
}

impl<'v> Object<'v> {
    fn of(value: &'v Value) -> Object<'v> {
        let api_version = text(value, "/apiVersion");
        Object {
            value,
            group: api_version.split_once('/').map_or("", |(group, _)| group),
            kind: text(value, "/kind"),
            namespace: text(value, "/metadata/namespace"),
            name: text(value, "/metadata/name"),
        }
    }

    fn text(&self, pointer: &str) -> &'v str {
        text(self.value, pointer)
    }

    fn list(&self, pointer: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
        list(self.value, pointer)
    }

    /// Labels of the pods that it makes, or its own if it is a pod.
    fn pod_labels(&self) -> Option<&'v Value> {
        let spec = pods::pointer(self.value)?;
        self.value.pointer(&format!("{}/metadata/labels", spec.strip_suffix("/spec")?))
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn list<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// All objects, findable by identity.
struct Set<'v> {
    objects: Vec<Object<'v>>,
    places: HashMap<(&'v str, &'v str, &'v str, &'v str), usize>,
    /// CRDs by the group and kind that they define.
    definitions: HashMap<(&'v str, &'v str), Vec<usize>>,
}

impl<'v> Set<'v> {
    fn of(values: &'v [Value]) -> Set<'v> {
        let objects: Vec<_> = values.iter().map(Object::of).collect();
        let key = |object: &Object<'v>| (object.group, object.kind, object.namespace, object.name);
        let places = objects.iter().enumerate().map(|(place, object)| (key(object), place)).collect();
        let mut definitions: HashMap<_, Vec<usize>> = HashMap::new();
        for (place, object) in objects.iter().enumerate().filter(|(_, object)| object.kind == "CustomResourceDefinition") {
            definitions.entry((object.text("/spec/group"), object.text("/spec/names/kind"))).or_default().push(place);
        }
        Set { objects, places, definitions }
    }

    fn all(&self) -> impl Iterator<Item = (usize, Object<'v>)> + '_ {
        self.objects.iter().copied().enumerate()
    }

    fn of_kind<'s>(&'s self, group: &'s str, kind: &'s str) -> impl Iterator<Item = (usize, Object<'v>)> + 's {
        self.all().filter(move |(_, object)| object.group == group && object.kind == kind)
    }

    fn find(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<usize> {
        self.places.get(&(group, kind, namespace, name)).copied()
    }
}

/// Edges without doubles, and who is reached from whom.
struct Graph {
    edges: Vec<Edge>,
    seen: HashSet<(usize, usize, Need)>,
    after: Vec<Vec<usize>>,
}

impl Graph {
    fn new(count: usize) -> Graph {
        Graph { edges: Vec::new(), seen: HashSet::new(), after: vec![Vec::new(); count] }
    }

    fn add(&mut self, edge: Edge) {
        if edge.before != edge.after && self.seen.insert((edge.before, edge.after, edge.need)) {
            if let Some(after) = self.after.get_mut(edge.before) {
                after.push(edge.after);
            }
            self.edges.push(edge);
        }
    }

    fn add_unless_circle(&mut self, edge: Edge) {
        if !self.reaches(edge.after, edge.before) {
            self.add(edge);
        }
    }

    fn reaches(&self, from: usize, to: usize) -> bool {
        let mut seen = HashSet::from([from]);
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if at == to {
                return true;
            }
            open.extend(self.after.get(at).into_iter().flatten().copied().filter(|next| seen.insert(*next)));
        }
        false
    }
}

#[cfg(test)]
mod tests;
