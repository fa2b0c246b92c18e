//! A text that the user wrote, and places in it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A named text: a file as the user knows it, or a text that was made from one (a rendered template).
#[derive(PartialEq, Eq, Hash)]
pub struct Source {
    /// How messages name it: the path as the user would type it.
    pub name: String,
    pub text: String,
}

impl Source {
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Source> {
        Arc::new(Source { name: name.into(), text: text.into() })
    }

    /// Line and column of a byte offset, both counted from 1; the column counts characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        (line, column)
    }

    pub fn span(self: &Arc<Self>, range: Range<usize>) -> Span {
        Span { source: self.clone(), start: range.start, end: range.end.max(range.start) }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.name)
    }
}

/// A place: a range of bytes in a source. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Span {
    pub source: Arc<Source>,
    pub start: usize,
    pub end: usize,
}

impl Span {
    /// The text that the place covers; empty where the range is not on character boundaries.
    pub fn text(&self) -> &str {
        self.source.text.get(self.start..self.end).unwrap_or("")
    }

    /// Line, counted from 1.
    pub fn line(&self) -> usize {
        self.source.line_column(self.start).0
    }

    /// Column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.source.line_column(self.start).1
    }
}

/// `file:line:column`
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.source.line_column(self.start);
        write!(f, "{}:{line}:{column}", self.source.name)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
