//! The requests of a message, answered from a folder of manifests as a server would answer them.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use play_core::state::{Request, Response, Verb};
use serde_json::{Map, Value as Json, json};

use super::index::{Index, Stored};
use super::name::Identity;
use super::{selector, yaml};
use crate::target::status::{failure, success};

/// What a server adds to an object's metadata, and what a repository has no use for.
const SERVERS: [&str; 7] = ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink", "deletionTimestamp"];

/// A folder while a message is answered.
pub(super) struct Store {
    pub(super) root: PathBuf,
    pub(super) index: Index,
    /// Whether secrets may stand in files.
    pub(super) plain_secrets: bool,
}

impl Store {
    pub(super) fn answer(&mut self, request: &Request) -> Response {
        self.outcome(request).unwrap_or_else(|refusal| refusal)
    }

    fn outcome(&mut self, request: &Request) -> Result<Response, Response> {
        let body = request.body.to_json().map_err(|error| failure(400, "BadRequest", error.message(), json!({})))?;
        if request.verb == Verb::List {
            return self.list(request);
        }
        let (identity, warnings) = self.identity(request, &body)?;
        let mut response = match request.verb {
            Verb::Delete => self.delete(&identity, &body)?,
            Verb::Create if self.index.get(&identity).is_some() => {
                return Err(failure(409, "AlreadyExists", format!("{} is in the folder already", identity.shown()), details(&identity)));
            }
            Verb::Create => self.apply(&identity, request, body, true)?,
            Verb::Apply { dry_run, .. } => self.apply(&identity, request, body, !dry_run)?,
            Verb::Get | Verb::List => match self.index.get(&identity) {
                Some(stored) => success(200, served(&identity, stored, Some(stored.version()))),
                None => return Err(absent(&identity)),
            },
        };
        response.warnings = warnings;
        Ok(response)
    }

    /// The object that a request means, by the rules of [`Clusters`](crate::target::cluster::Clusters).
    fn identity(&self, request: &Request, body: &Json) -> Result<(Identity, Vec<String>), Response> {
        let bad = |message: String| {
            failure(400, "BadRequest", message, json!({ "group": &*request.group, "kind": &*request.kind, "name": &*request.name }))
        };
        let text = |path: &str| body.pointer(path).and_then(Json::as_str).filter(|text| !text.is_empty());
        let name = Some(&*request.name).filter(|name| !name.is_empty()).or(text("/metadata/name"));
        let Some(name) = name else { return Err(bad(format!("this request for a {} has no name", request.kind))) };
        let given = request.namespace.as_deref().filter(|namespace| !namespace.is_empty()).or(text("/metadata/namespace"));
        let mut warnings = vec![];
        let namespace = match (self.index.namespaced(&request.group, &request.kind), given) {
            (Some(false), Some(namespace)) => {
                return Err(bad(format!(
                    "a {} belongs to the whole cluster, not to the namespace `{namespace}`: remove its namespace",
                    request.kind
                )));
            }
            (Some(true), None) => super::DEFAULT_NAMESPACE,
            (None, None) => {
                warnings.push(format!(
                    "no definition of `{}` is in the folder: without a namespace it is taken to belong to the whole cluster",
                    request.kind
                ));
                ""
            }
            (_, given) => given.unwrap_or_default(),
        };
        for (path, wanted) in [
            ("/metadata/name", name),
            ("/metadata/namespace", namespace),
            ("/kind", &*request.kind),
            ("/apiVersion", &*api_version(request)),
        ] {
            if let Some(found) = text(path).filter(|found| *found != wanted && request.verb != Verb::Delete) {
                return Err(bad(format!("the manifest has `{}: {found}`, and the request is for `{wanted}`", path[1..].replace('/', "."))));
            }
        }
        let (namespace, group, kind) = (namespace.to_string(), request.group.to_string(), request.kind.to_string());
        Ok((Identity { namespace, group, kind, name: name.to_string() }, warnings))
    }

    fn list(&self, request: &Request) -> Result<Response, Response> {
        let mut items = vec![];
        for (identity, stored) in self.index.iter() {
            let there = request.namespace.as_deref().is_none_or(|namespace| namespace.is_empty() || namespace == identity.namespace);
            if !(there && identity.group == *request.group && identity.kind == *request.kind) {
                continue;
            }
            if selector::meant(&stored.object, &request.selectors).map_err(|why| failure(400, "BadRequest", why, json!({})))? {
                items.push(served(identity, stored, Some(stored.version())));
            }
        }
        let list = json!({ "kind": format!("{}List", request.kind), "apiVersion": api_version(request), "metadata": {}, "items": items });
        Ok(success(200, list))
    }

    /// What `play` applied before is replaced: the file is wholly ours. What is equal is not written again, so that it keeps
    /// its comments and its form.
    fn apply(&mut self, identity: &Identity, request: &Request, body: Json, write: bool) -> Result<Response, Response> {
        self.refuse_secrets(identity, request)?;
        let before = self.index.get(identity);
        preconditions(identity, before, &body["metadata"])?;
        let object = kept(identity, body);
        let file = before.map_or_else(|| self.root.join(identity.path()), |stored| stored.file.clone());
        if let Some(stored) = before.filter(|stored| stored.object == object) {
            return Ok(success(200, served(identity, stored, Some(stored.version()))));
        }
        self.refuse_company(identity, &file)?;
        let status = if before.is_some() { 200 } else { 201 };
        let stored = Stored::new(object, file);
        if !write {
            // as a server's dry run: what is new has no version, what would change keeps the one it has
            return Ok(success(status, served(identity, &stored, before.map(Stored::version))));
        }
        let private = identity.kind == "Secret" || !request.body.marks().is_empty();
        put(&stored.file, &yaml::manifest(&stored.object), private).map_err(|error| unwritten(&stored.file, &error))?;
        let response = success(status, served(identity, &stored, Some(stored.version())));
        self.index.set(identity, Some(stored));
        Ok(response)
    }

    fn delete(&mut self, identity: &Identity, options: &Json) -> Result<Response, Response> {
        let Some(stored) = self.index.get(identity) else { return Err(absent(identity)) };
        preconditions(identity, Some(stored), &options["preconditions"])?;
        let file = stored.file.clone();
        self.refuse_company(identity, &file)?;
        remove(&file, &self.root).map_err(|error| unwritten(&file, &error))?;
        self.index.set(identity, None);
        Ok(success(200, json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details(identity) })))
    }

    /// A repository is read by many, for ever.
    fn refuse_secrets(&self, identity: &Identity, request: &Request) -> Result<(), Response> {
        let marks = request.body.marks();
        if marks.is_empty() || self.plain_secrets {
            return Ok(());
        }
        let names: Vec<&str> = marks.iter().map(|mark| mark.name.as_str()).collect();
        let message = format!(
            "{} holds the secrets {}, and a folder would keep them in plain text: keep them out of it, or set `play_folder_secrets: plain` for this target",
            identity.shown(),
            names.join(", ")
        );
        Err(failure(422, "SecretsInPlainText", message, details(identity)))
    }

    /// A file is only written or removed where it is about this object alone.
    fn refuse_company(&self, identity: &Identity, file: &Path) -> Result<(), Response> {
        let Some((other, stored)) = self.index.at(file) else { return Ok(()) };
        let company = stored.company;
        if company <= 1 && other == identity {
            return Ok(());
        }
        let message = if company > 1 {
            format!("{} holds {company} objects, and `play` writes files of one object only: split it", file.display())
        } else {
            format!("{} is where {} belongs, and it holds {}: rename it", file.display(), identity.shown(), other.shown())
        };
        Err(failure(409, "Conflict", message, details(identity)))
    }
}

fn api_version(request: &Request) -> String {
    if request.group.is_empty() { request.version.to_string() } else { format!("{}/{}", request.group, request.version) }
}

fn details(identity: &Identity) -> Json {
    json!({ "group": identity.group, "kind": identity.kind, "name": identity.name })
}

fn absent(identity: &Identity) -> Response {
    failure(404, "NotFound", format!("{} is not in the folder", identity.shown()), details(identity))
}

fn unwritten(file: &Path, error: &io::Error) -> Response {
    failure(500, "InternalError", format!("{} cannot be written: {error}", file.display()), json!({}))
}

/// `uid` and `resourceVersion`, where they are given, must be those of what is there.
fn preconditions(identity: &Identity, stored: Option<&Stored>, given: &Json) -> Result<(), Response> {
    for (key, found) in [("uid", stored.map(|_| identity.uid())), ("resourceVersion", stored.map(Stored::version))] {
        if let Some(wanted) = given.get(key).and_then(Json::as_str).filter(|wanted| !wanted.is_empty() && Some(*wanted) != found.as_deref())
        {
            let found = found.unwrap_or_else(|| "none".to_string());
            return Err(failure(
                409,
                "Conflict",
                format!("{} has the {key} {found}, and not {wanted}: it was changed meanwhile", identity.shown()),
                details(identity),
            ));
        }
    }
    Ok(())
}

/// What is stored of a manifest: all but what a server says.
fn kept(identity: &Identity, mut object: Json) -> Json {
    if let Json::Object(members) = &mut object {
        members.shift_remove("status");
        if let Some(Json::Object(metadata)) = members.get_mut("metadata") {
            metadata.retain(|key, _| !SERVERS.contains(&key.as_str()));
            if !identity.namespace.is_empty() && !metadata.contains_key("namespace") {
                metadata.insert("namespace".into(), json!(identity.namespace));
            }
        }
    }
    object
}

/// An object as a server would give it: with uid and version.
fn served(identity: &Identity, stored: &Stored, version: Option<String>) -> Json {
    let mut object = stored.object.clone();
    let metadata = object.as_object_mut().map(|members| members.entry("metadata").or_insert_with(|| Json::Object(Map::new())));
    if let Some(Json::Object(metadata)) = metadata {
        if !identity.namespace.is_empty() {
            metadata.insert("namespace".into(), json!(identity.namespace));
        }
        metadata.insert("uid".into(), json!(identity.uid()));
        if let Some(version) = version {
            metadata.insert("resourceVersion".into(), json!(version));
        }
    }
    object
}

/// Beside, to the disk, and then in its place: a killed run leaves the old file or the new one.
fn put(file: &Path, text: &str, private: bool) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    if private {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let written = options.open(&beside).and_then(|mut new| {
        if let (false, Ok(old)) = (private, fs::metadata(file)) {
            new.set_permissions(old.permissions())?;
        }
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        fs::rename(&beside, file)?;
        fs::File::open(folder)?.sync_all()
    });
    if written.is_err() {
        // best effort: what is left is hidden, and no manifest
        let _ = fs::remove_file(&beside);
    }
    written
}

/// With the folder that it leaves empty, but never the folder of all.
fn remove(file: &Path, root: &Path) -> io::Result<()> {
    fs::remove_file(file)?;
    if let Some(folder) = file.parent() {
        fs::File::open(folder)?.sync_all()?;
        if folder != root {
            // refused where something is left in it, which is right
            let _ = fs::remove_dir(folder);
        }
    }
    Ok(())
}
