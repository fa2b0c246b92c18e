//! Compiled templates by their text, and the way from an error of minijinja to the place that the user wrote.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use minijinja::{Environment, Error, ErrorKind, Value as Jinja};

use super::emit::{self, Compiled};
use super::failure::{Failure, Lost};
use super::held::carried;
use super::lexer::Bad;
use super::machine::{self, Variables};
use super::operators::MAX_LENGTH;
use super::settings::Settings;
use crate::text::diagnostic::Diagnostic;
use crate::text::source::{Source, Span};
use crate::text::yaml::Node;

/// How a text is to be read.
#[derive(Clone)]
pub enum Mode {
    /// A string of a playbook.
    Text,
    /// A bare expression, in which backslashes escape.
    Expression,
    File(Arc<Settings>, Arc<Source>),
}

#[derive(Clone)]
pub struct Entry {
    pub name: Arc<str>,
    pub compiled: Arc<Compiled>,
    pub keeps_line_ends: bool,
    pub source: Option<Arc<Source>>,
    pub settings: Option<Arc<Settings>>,
}

/// Where a template stands.
pub enum Origin<'a> {
    Node(&'a Node),
    Source(&'a Arc<Source>),
}

impl Origin<'_> {
    fn place(&self, range: Range<usize>) -> Span {
        match self {
            Origin::Node(node) => node.place(range.start, range.end),
            Origin::Source(source) => source.span(range),
        }
    }

    fn whole(&self) -> Span {
        match self {
            Origin::Node(node) => node.span.clone(),
            Origin::Source(source) => source.span(0..0),
        }
    }

    pub fn bad(&self, bad: &Bad) -> Diagnostic {
        let diagnostic = self.place(bad.range.clone()).error(&bad.message);
        match &bad.hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }
}

type Compilation = std::result::Result<Entry, Arc<Bad>>;
type Known = HashMap<Arc<str>, Compilation>;

/// Template files by their settings and text.
type Files = HashMap<(Arc<Settings>, Arc<Source>), Compilation>;

pub struct Store {
    env: Environment<'static>,
    root: Jinja,
    texts: RwLock<Known>,
    expressions: RwLock<Known>,
    files: RwLock<Files>,
    /// By the name that minijinja knows them by.
    named: Arc<RwLock<HashMap<Arc<str>, Entry>>>,
}

impl Store {
    pub fn new() -> Store {
        let named: Arc<RwLock<HashMap<Arc<str>, Entry>>> = Arc::default();
        let mut env = machine::environment().expect("the brackets differ from each other");
        let loader = named.clone();
        env.set_loader(move |name| {
            Ok(loader.read().unwrap_or_else(PoisonError::into_inner).get(name).map(|entry| entry.compiled.text.clone()))
        });
        let root = Jinja::from_object(Variables);
        Store { env, root, named, texts: RwLock::default(), expressions: RwLock::default(), files: RwLock::default() }
    }

    /// The compiled form of a text, made where it is not there yet.
    pub fn compiled(&self, text: &str, mode: &Mode) -> Compilation {
        let known = match mode {
            Mode::Text => &self.texts,
            Mode::Expression => &self.expressions,
            Mode::File(settings, source) => return self.file(settings, source),
        };
        if let Some(found) = known.read().unwrap_or_else(PoisonError::into_inner).get(text) {
            return found.clone();
        }
        let compiled = match mode {
            Mode::Expression => emit::expression(text),
            _ => emit::template(text, &Settings { literal_backslashes: true, ..Settings::default() }),
        };
        let result = compiled.map_err(Arc::new).and_then(|compiled| self.add(compiled, matches!(mode, Mode::Text), None, None));
        known.write().unwrap_or_else(PoisonError::into_inner).insert(text.into(), result.clone());
        result
    }

    fn file(&self, settings: &Arc<Settings>, source: &Arc<Source>) -> Compilation {
        let key = (settings.clone(), source.clone());
        if let Some(found) = self.files.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return found.clone();
        }
        let compiled = emit::template(&source.text, settings).map_err(Arc::new);
        let result = compiled.and_then(|compiled| self.add(compiled, true, Some(source.clone()), Some(settings.clone())));
        self.files.write().unwrap_or_else(PoisonError::into_inner).insert(key, result.clone());
        result
    }

    fn add(&self, compiled: Compiled, keeps_line_ends: bool, source: Option<Arc<Source>>, settings: Option<Arc<Settings>>) -> Compilation {
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        let name: Arc<str> = format!("#{}", named.len()).into();
        let entry = Entry { name: name.clone(), compiled: Arc::new(compiled), keeps_line_ends, source, settings };
        named.insert(name.clone(), entry.clone());
        drop(named);
        // what our own parser lets through and minijinja does not: a name that is reserved, a block that stands twice
        match self.env.get_template(&name) {
            Ok(_) => Ok(entry),
            Err(error) => {
                let range = error.range().map_or(0..0, |range| back(&entry.compiled, &range));
                let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_string);
                Err(Arc::new(Bad::new(message, range)))
            }
        }
    }

    pub fn render(&self, entry: &Entry) -> std::result::Result<String, Error> {
        let mut printed = Printed(vec![]);
        self.env.get_template(&entry.name)?.render_captured_to(self.root.clone(), &mut printed)?;
        String::from_utf8(printed.0).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
    }

    /// The template by the name that minijinja has for it.
    pub fn named(&self, name: &str) -> Option<Entry> {
        self.named.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The place of the expression of a template that has only one.
    pub fn whole(&self, entry: &Entry, origin: &Origin<'_>) -> Span {
        match entry.compiled.places.last().filter(|_| entry.compiled.single) {
            Some((_, range)) => origin.place(range.clone()),
            None => origin.whole(),
        }
    }

    /// The failure behind an error, with the place in what the user wrote.
    pub fn locate(&self, error: Error, entry: &Entry, origin: &Origin<'_>) -> Failure {
        let (failure, at, range) = match carried(error) {
            Failure::Placed(failure, name, range) => (*failure, self.named(&name).unwrap_or_else(|| entry.clone()), range),
            failure => (failure, entry.clone(), 0..0),
        };
        let found = if range.is_empty() { None } else { Some(back(&at.compiled, &range)) };
        let found = match &failure {
            Failure::Undefined(lost) => read_at(&at.compiled, lost, found.as_ref()).or(found),
            _ => found,
        };
        let span = match (found, &at.source) {
            (Some(found), Some(source)) => source.span(found),
            (Some(found), None) => origin.place(found),
            (None, Some(source)) => source.span(0..0),
            (None, None) => origin.whole(),
        };
        failure.map(|diagnostic| diagnostic.at(&span))
    }
}

/// The range in the user's text of what was emitted there.
fn back(compiled: &Compiled, emitted: &Range<usize>) -> Range<usize> {
    let covers = compiled.places.iter().filter(|(out, _)| out.start <= emitted.start && out.end >= emitted.end);
    covers.min_by_key(|(out, _)| out.end - out.start).map_or(0..0, |(_, source)| source.clone())
}

/// What a template has printed, up to the longest text there may be.
struct Printed(Vec<u8>);

impl std::io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_LENGTH {
            return Err(std::io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Where something undefined is read.
fn read_at(compiled: &Compiled, lost: &Lost, within: Option<&Range<usize>>) -> Option<Range<usize>> {
    let reads = || compiled.reads.iter().filter(|read| read.key == lost.key);
    let inside = within.and_then(|within| reads().find(|read| within.start <= read.range.start && read.range.end <= within.end));
    inside.or_else(|| if within.is_none() { reads().next() } else { None }).map(|read| read.range.clone())
}

/// Errors that minijinja makes itself.
pub fn own_message(error: &Error) -> Diagnostic {
    match error.kind() {
        ErrorKind::OutOfFuel => Diagnostic::error("this template runs for ever, or nearly so")
            .hint("look for a loop over a very large range, or a macro that calls itself"),
        ErrorKind::WriteFailure => Diagnostic::error(format!("this template prints over {} MB", MAX_LENGTH / 1_000_000))
            .hint("look for a loop that goes on for too long"),
        ErrorKind::TooManyArguments => Diagnostic::error(error.detail().unwrap_or("too many arguments").to_string()),
        _ => match error.detail() {
            Some("recursion limit exceeded") => {
                Diagnostic::error("macros or includes stand too deep in each other").hint("look for one that calls itself")
            }
            Some(detail) => Diagnostic::error(detail.to_string()),
            None => Diagnostic::error(error.kind().to_string()),
        },
    }
}
