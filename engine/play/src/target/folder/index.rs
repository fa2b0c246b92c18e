//! What stands in a folder of manifests: every YAML file below it, however it is written.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use play_core::text::value::sha256_hex;
use play_core::text::{Diagnostic, Node, Source, Span, yaml};
use serde_json::Value as Json;

use super::name::Identity;
use super::scope;

/// Files that tools of GitOps repositories put beside manifests.
const OTHERS: [&str; 2] = ["kustomization.yaml", "kustomization.yml"];

const DEFINITION: &str = "CustomResourceDefinition";

/// One object and where it is written.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) object: Json,
    pub(super) file: PathBuf,
    /// How many objects its file holds.
    pub(super) company: usize,
    at: Option<Span>,
}

impl Stored {
    pub(super) fn new(object: Json, file: PathBuf) -> Stored {
        Stored { object, file, company: 1, at: None }
    }

    pub(super) fn version(&self) -> String {
        sha256_hex(self.object.to_string().as_bytes())[..16].to_string()
    }
}

#[derive(Default, Debug)]
pub(super) struct Index {
    objects: BTreeMap<Identity, Stored>,
    /// The first object of each file.
    files: HashMap<PathBuf, Identity>,
    scopes: Scopes,
}

impl Index {
    /// Reads all of a folder; one that is not there is empty.
    pub(super) fn read(root: &Path) -> Result<Index, Diagnostic> {
        let mut files = vec![];
        walk(root, &mut files)?;
        files.sort();
        let mut found = vec![];
        for file in files {
            let text =
                fs::read_to_string(&file).map_err(|error| Diagnostic::error(format!("{} cannot be read: {error}", file.display())))?;
            let source = Source::new(file.display().to_string(), text);
            let documents: Vec<Node> = yaml::parse_all(&source)?.into_iter().filter(|node| !node.is_null()).collect();
            let company = documents.len();
            for node in documents {
                let object = object(&node)?;
                found.push(Stored { object, file: file.clone(), company, at: Some(node.span.clone()) });
            }
        }
        let mut index = Index::default();
        let scopes = Scopes::of(found.iter().map(|stored| &stored.object));
        for stored in found {
            let identity = scopes.identity(&stored.object);
            if let Some(first) = index.objects.get(&identity) {
                let twice = Diagnostic::error(format!("{} stands here twice", identity.shown())).hint("keep one of the two");
                let twice = first.at.iter().fold(twice, |diagnostic, at| diagnostic.hint(format!("the first is at {at}")));
                return Err(stored.at.iter().fold(twice, |diagnostic, at| diagnostic.at(at)));
            }
            index.files.entry(stored.file.clone()).or_insert_with(|| identity.clone());
            index.objects.insert(identity, stored);
        }
        Ok(Index { scopes, ..index })
    }

    pub(super) fn get(&self, identity: &Identity) -> Option<&Stored> {
        self.objects.get(identity)
    }

    /// The object that a file holds, or the first of them.
    pub(super) fn at(&self, file: &Path) -> Option<(&Identity, &Stored)> {
        self.objects.get_key_value(self.files.get(file)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Identity, &Stored)> {
        self.objects.iter()
    }

    /// Puts an object in, or takes it out.
    pub(super) fn set(&mut self, identity: &Identity, stored: Option<Stored>) {
        if let Some(stored) = &stored {
            self.files.insert(stored.file.clone(), identity.clone());
        }
        let before = match stored {
            Some(stored) => self.objects.insert(identity.clone(), stored),
            None => self.objects.remove(identity),
        };
        if let Some(before) = before.filter(|_| !self.objects.contains_key(identity)) {
            self.files.remove(&before.file);
        }
        if identity.kind == DEFINITION {
            self.scopes = Scopes::of(self.objects.values().map(|stored| &stored.object));
        }
    }

    /// Whether a kind is in namespaces; `None` where neither the folder nor we know it.
    pub(super) fn namespaced(&self, group: &str, kind: &str) -> Option<bool> {
        self.scopes.namespaced(group, kind)
    }
}

/// What the definitions in a folder say about their kinds.
#[derive(Default, Debug)]
struct Scopes(BTreeMap<(String, String), bool>);

impl Scopes {
    fn of<'a>(objects: impl Iterator<Item = &'a Json>) -> Scopes {
        let text = |object: &Json, path: &str| object.pointer(path).and_then(Json::as_str).map(str::to_string);
        let definitions = objects.filter(|object| object["kind"] == DEFINITION);
        Scopes(
            definitions
                .filter_map(|object| {
                    Some(((text(object, "/spec/group")?, text(object, "/spec/names/kind")?), text(object, "/spec/scope")? == "Namespaced"))
                })
                .collect(),
        )
    }

    fn namespaced(&self, group: &str, kind: &str) -> Option<bool> {
        self.0.get(&(group.to_string(), kind.to_string())).copied().or_else(|| scope::namespaced(group, kind))
    }

    /// The identity that a manifest gives itself; without a namespace, a kind in namespaces is in `default`.
    fn identity(&self, object: &Json) -> Identity {
        let text = |path: &str| object.pointer(path).and_then(Json::as_str).unwrap_or_default().to_string();
        let version = text("/apiVersion");
        let group = version.split_once('/').map_or("", |(group, _)| group).to_string();
        let kind = text("/kind");
        let namespace = match (self.namespaced(&group, &kind), text("/metadata/namespace")) {
            (Some(false), _) => String::new(),
            (Some(true), namespace) if namespace.is_empty() => super::DEFAULT_NAMESPACE.to_string(),
            (_, namespace) => namespace,
        };
        Identity { namespace, group, kind, name: text("/metadata/name") }
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Diagnostic> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Diagnostic::error(format!("the folder {} cannot be read: {error}", folder.display()))),
        Ok(entries) => entries,
    };
    for entry in entries {
        let entry = entry.map_err(|error| Diagnostic::error(format!("the folder {} cannot be read: {error}", folder.display())))?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let kind = entry.file_type().map_err(|error| Diagnostic::error(format!("{} cannot be read: {error}", path.display())))?;
        let yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        match () {
            () if name.starts_with('.') => {}
            () if kind.is_dir() => walk(&path, files)?,
            () if yaml && !OTHERS.contains(&name.as_str()) => files.push(path),
            () => {}
        }
    }
    Ok(())
}

/// A document as an object; what every object has is there.
fn object(node: &Node) -> Result<Json, Diagnostic> {
    let hint = "play reads every YAML file of this folder as a manifest; a file or folder whose name begins with a dot is left alone";
    if node.as_map().is_none() {
        return Err(node.error(format!("a manifest is a mapping, and this is {}", node.type_name())).hint(hint));
    }
    let name = node.get("metadata").and_then(|metadata| metadata.get("name"));
    for (key, found) in [("apiVersion", node.get("apiVersion")), ("kind", node.get("kind")), ("metadata.name", name)] {
        if found.and_then(Node::as_str).is_none_or(str::is_empty) {
            return Err(node.error(format!("this manifest has no `{key}`")).hint(hint));
        }
    }
    node.to_value().to_json().map_err(|error| error.at(&node.span))
}
