//! The one type of error that reaches a user: what is, where, and what to do next.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::source::Span;

#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Severity {
    Warning,
    Error,
}

/// A message with its place, hints and the way that led there. Made at the site:
/// `span.error("no variable `x`").hint("did you mean `y`?")`.
#[derive(Clone, PartialEq, Debug)]
pub struct Diagnostic(Box<Inner>);

#[derive(Clone, PartialEq, Debug)]
struct Inner {
    severity: Severity,
    message: String,
    label: String,
    span: Option<Span>,
    /// Further places that belong to the message: the first of two equal keys, an edge of a cycle.
    also: Vec<(Span, String)>,
    hints: Vec<String>,
    /// From the inside out: what asked for this.
    trace: Vec<(String, Option<Span>)>,
}

pub type Result<T> = std::result::Result<T, Diagnostic>;

impl Diagnostic {
    pub fn error(message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, message.into(), None)
    }

    pub fn warning(message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, message.into(), None)
    }

    fn new(severity: Severity, message: String, span: Option<Span>) -> Diagnostic {
        let (label, also, hints, trace) = Default::default();
        Diagnostic(Box::new(Inner { severity, message, label, span, also, hints, trace }))
    }

    /// A short text beside the caret.
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.0.label = label.into();
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.0.hints.push(hint.into());
        self
    }

    /// Adds a "did you mean" hint where one of the known words is close to the given one.
    pub fn meant<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
        match nearest(word, known) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    pub fn also(mut self, span: Span, label: impl Into<String>) -> Diagnostic {
        self.0.also.push((span, label.into()));
        self
    }

    /// Gives the place, unless a nearer one is known already.
    pub fn at(mut self, span: &Span) -> Diagnostic {
        self.0.span.get_or_insert_with(|| span.clone());
        self
    }

    /// Says what asked for this: the task of a template, the include of a file.
    pub fn via(mut self, what: impl Into<String>, span: Option<&Span>) -> Diagnostic {
        self.0.trace.push((what.into(), span.cloned()));
        self
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn span(&self) -> Option<&Span> {
        self.0.span.as_ref()
    }

    pub fn hints(&self) -> &[String] {
        &self.0.hints
    }

    pub fn severity(&self) -> Severity {
        self.0.severity
    }

    pub fn is_error(&self) -> bool {
        self.0.severity == Severity::Error
    }

    /// The message with another text, for masking secrets.
    pub fn map_text(mut self, change: impl Fn(&str) -> String) -> Diagnostic {
        self.0.message = change(&self.0.message);
        self.0.label = change(&self.0.label);
        self.0.hints.iter_mut().for_each(|hint| *hint = change(hint));
        self
    }

    /// The whole message with the line of the source and a caret.
    pub fn render(&self, colour: bool) -> String {
        let inner = &*self.0;
        let level = match inner.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(&inner.message));
        if let Some(span) = &inner.span {
            group = group.element(snippet(span, &inner.label, AnnotationKind::Primary));
        }
        for (span, label) in &inner.also {
            group = group.element(snippet(span, label, AnnotationKind::Context));
        }
        for (what, span) in &inner.trace {
            group = group.element(Level::NOTE.message(what));
            if let Some(span) = span {
                let (line, column) = span.source.line_column(span.start);
                group = group.element(Origin::path(&span.source.name).line(line).char_column(column));
            }
        }
        for hint in &inner.hints {
            group = group.element(Level::HELP.message(hint));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let text = renderer.decor_style(DecorStyle::Ascii).render(&[group]);
        if inner.span.is_none() { without_bar(&text, inner.message.lines().count()) } else { text }
    }
}

/// The renderer draws a bar between a message and its hints, also where no line of a source stands between them.
fn without_bar(text: &str, after: usize) -> String {
    let plain = |line: &str| line.replace("\u{1b}[0m", "").rsplit('m').next().unwrap_or_default().trim() == "|";
    let bar = text.lines().skip(after).position(plain).map(|at| at + after);
    let lines: Vec<&str> = text.lines().enumerate().filter(|(at, _)| Some(*at) != bar).map(|(_, line)| line).collect();
    lines.join("\n")
}

fn snippet<'a>(span: &'a Span, label: &'a str, kind: AnnotationKind) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = span.source.text.as_str();
    let (start, end) = one_line(text, span.start, span.end);
    let mut mark = kind.span(start..end);
    if !label.is_empty() {
        mark = mark.label(label);
    }
    Snippet::source(text).path(&span.source.name).annotation(mark)
}

/// A caret stands under one line: a place that runs over several is cut at the end of its first.
fn one_line(text: &str, start: usize, end: usize) -> (usize, usize) {
    let start = floor_boundary(text, start);
    let end = floor_boundary(text, end.max(start));
    let stop = text[start..end].find('\n').map_or(end, |at| start + at);
    (start, stop)
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Span {
    pub fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(message).at(self)
    }

    pub fn warning(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(message).at(self)
    }
}

/// The known word closest to `word`, if it is close enough to have been meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(far, _)| *far <= limit)
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words, a swap of neighbours counted as one (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let swap = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + swap);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

/// Diagnostics gathered over a whole load, so that a user sees all of them in one run.
#[derive(Default, Debug)]
pub struct Collector(Vec<Diagnostic>);

impl Collector {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if !self.0.contains(&diagnostic) {
            self.0.push(diagnostic);
        }
    }

    /// Keeps the error and gives nothing, or gives the value.
    pub fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|diagnostic| self.push(diagnostic)).ok()
    }

    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        diagnostics.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    pub fn has_errors(&self) -> bool {
        self.0.iter().any(Diagnostic::is_error)
    }

    pub fn into_vec(self) -> Vec<Diagnostic> {
        self.0
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }
}
