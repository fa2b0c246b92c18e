//! Files that templates name: includes, imports and parents, searched as Ansible does.

use std::sync::Arc;

use minijinja::Value as Jinja;

use super::failure::{self, Failure, Outcome, fail};
use super::frame::{self, Here};
use super::scope::Search;
use super::settings::Settings;
use super::store::Mode;
use crate::text::control::{ControlError, Entry, undecrypted};
use crate::text::diagnostic::Diagnostic;
use crate::text::source::Source;
use crate::text::value::{Mark, Value};

/// The templates that an `include` names, by the name that minijinja knows them by.
pub fn named(value: &Value, ignored: bool, by: &str) -> Outcome<Jinja> {
    failure::usable(value)?;
    let names: Vec<String> = match frame::read(value) {
        Value::Text(text) => vec![text.to_string()],
        Value::List(items) => items.iter().map(|item| Ok(super::python::text(item)?.into_owned())).collect::<Outcome<_>>()?,
        other => return fail(format!("the name of a template is a string, and this is {}", other.type_name())),
    };
    frame::here(|here| {
        // an include of an include looks beside the one, and is written as it is
        let by = here.templates.store.named(by);
        let folder = by.as_ref().and_then(|entry| entry.source.as_ref()?.name.rsplit_once('/')).map(|(folder, _)| folder);
        let settings = by.as_ref().and_then(|entry| entry.settings.clone()).unwrap_or_default();
        for name in &names {
            let beside =
                folder.map(|folder| format!("{folder}/{name}")).filter(|path| here.templates.control.entry(path) == Some(Entry::File));
            if let Some(path) = beside.or_else(|| find(here, Search::Template, name)) {
                return load(here, &path, settings);
            }
        }
        if ignored {
            return Ok(Jinja::from(Vec::<Jinja>::new()));
        }
        Err(not_found(here, Search::Template, names.first().map_or("", String::as_str)).into())
    })
}

/// The first place where the file stands.
pub fn find(here: &Here<'_>, kind: Search, name: &str) -> Option<String> {
    let is_file = |path: &String| here.templates.control.entry(path) == Some(Entry::File);
    let beside = frame::frame(|frame| frame.file.clone()).and_then(|file| Some(format!("{}/{name}", file.rsplit_once('/')?.0)));
    let beside = beside.filter(|_| !name.starts_with('/') && kind == Search::Template);
    beside.into_iter().chain(here.scope.search(kind, name)).find(is_file)
}

pub fn not_found(here: &Here<'_>, kind: Search, name: &str) -> Diagnostic {
    let what = match kind {
        Search::Template => "template",
        Search::File => "file",
        Search::Vars => "file of variables",
    };
    let diagnostic = Diagnostic::error(format!("there is no {what} `{name}`"));
    let places = here.scope.search(kind, name);
    if places.is_empty() { diagnostic } else { diagnostic.hint(format!("looked for {}", places.join(", "))) }
}

/// The text of a file, decrypted where it is encrypted; its secrets mark it.
pub fn text(here: &Here<'_>, path: &str) -> Outcome<Value> {
    let control = &here.templates.control;
    let bytes = control.read(path).map_err(|error| Failure::Fail(unreadable(path, &error)))?;
    let Some(plain) = control.decrypt(path, &bytes).map_err(|said| Failure::Fail(undecrypted(&format!("`{path}`"), &said)))? else {
        return match String::from_utf8(bytes) {
            Ok(text) => Ok(Value::text(text)),
            Err(_) => fail(format!("`{path}` is not UTF-8 text")),
        };
    };
    let secrets = plain.secrets.unwrap_or_else(|| vec![plain.text.clone()]);
    let marks: Vec<_> = secrets.into_iter().map(|secret| Mark::new(path, secret, &[])).collect();
    marks.iter().for_each(|mark| control.keep_secret(mark));
    Ok(Value::text(plain.text).marked(marks))
}

fn unreadable(path: &str, error: &ControlError) -> Diagnostic {
    Diagnostic::error(match error {
        ControlError::NotFound => format!("there is no file `{path}`"),
        ControlError::WrongKind => format!("`{path}` is not a file"),
        ControlError::TooLarge(limit) => format!("`{path}` is larger than {limit} bytes"),
        ControlError::Other(message) => format!("`{path}` cannot be read: {message}"),
    })
}

fn load(here: &Here<'_>, path: &str, settings: Arc<Settings>) -> Outcome<Jinja> {
    let value = text(here, path)?;
    let source = Source::new(path, super::python::text(&value)?.into_owned());
    let mode = Mode::File(settings, source.clone());
    match here.templates.store.compiled(&source.text, &mode) {
        Ok(entry) => Ok(Jinja::from(&*entry.name)),
        Err(bad) => Err(super::store::Origin::Source(&source).bad(&bad).into()),
    }
}
