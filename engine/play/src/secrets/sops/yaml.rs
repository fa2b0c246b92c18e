//! The leaves of a YAML or JSON file. JSON is read as the YAML that it nearly is.

use super::SecretError;
use super::cipher;
use super::leaf::{self, Leaf, Scalar, Sheet, Step};
use super::splice::Edit;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle, Tag, options};
use std::ops::Range;
use zeroize::Zeroizing;

const METADATA: &str = "sops";

pub(super) fn read(text: &str) -> Result<Sheet, SecretError> {
    walk(text, text, false)
}

/// JSON allows characters in strings that YAML wants escaped. So YAML tells where the strings of a text without such
/// characters stand, and JSON what they say.
pub(super) fn read_json(text: &str) -> Result<Sheet, SecretError> {
    let mut shape = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unprintable(c) { shape.push_str(&"???"[..c.len_utf8()]) } else { shape.push(c) }
    }
    walk(text, &shape, true)
}

fn is_unprintable(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// `shape` has the places of `text`, byte by byte.
fn walk(text: &str, shape: &str, json: bool) -> Result<Sheet, SecretError> {
    // Comments stay encrypted: they mean nothing to a reader, and are not part of the MAC.
    let options = options! { emit_comments: false, simple_key_max_lookahead: 1 << 20 };
    let mut walk = Walk { text, json, sheet: Sheet::default(), frames: Vec::new(), documents: 0, end: 0 };
    for next in Parser::new_from_str_with_options(shape, options) {
        let (event, span) = next.map_err(|error| SecretError::Syntax { line: error.marker().line(), reason: error.info().to_string() })?;
        walk.step(event, &span)?;
    }
    Ok(walk.sheet)
}

struct Walk<'t> {
    text: &'t str,
    json: bool,
    sheet: Sheet,
    frames: Vec<Frame>,
    documents: usize,
    /// Where the last thing that was read ends.
    end: usize,
}

enum Frame {
    Mapping {
        flow: bool,
        entries: usize,
        key: Option<Key>,
    },
    /// `comments` are places of entries that are encrypted comments, and no entries of the document.
    Sequence {
        flow: bool,
        index: usize,
        comments: Vec<Range<usize>>,
    },
}

struct Key {
    name: String,
    start: usize,
}

impl Walk<'_> {
    fn step(&mut self, event: Event<'_>, span: &Span) -> Result<(), SecretError> {
        let at = span.byte_range().unwrap_or(self.end..self.end);
        match event {
            Event::DocumentStart(..) => self.documents += 1,
            Event::Scalar(value, style, _, tag) => {
                self.end = at.end;
                let value = match style {
                    ScalarStyle::DoubleQuoted if self.json => {
                        serde_json::from_str(&self.text[at.clone()]).map_err(|_| syntax(span, "a string that is no JSON"))?
                    }
                    _ => value,
                };
                if let Some(Frame::Mapping { key: key @ None, entries, .. }) = self.frames.last_mut() {
                    *key = Some(Key { name: value.into_owned(), start: at.start });
                    *entries += 1;
                } else {
                    if self.comment(&value, &at) {
                        return Ok(());
                    }
                    let value = resolve(&value, style, tag.as_deref());
                    self.leaf(at, value)?;
                    self.finish();
                }
            }
            Event::MappingStart(style, ..) => {
                self.no_key_yet(span)?;
                self.frames.push(Frame::Mapping { flow: style == StructureStyle::Flow, entries: 0, key: None });
            }
            Event::SequenceStart(style, ..) => {
                self.no_key_yet(span)?;
                if self.frames.is_empty() {
                    return Err(syntax(span, "a SOPS file is a mapping, not a list"));
                }
                self.frames.push(Frame::Sequence { flow: style == StructureStyle::Flow, index: 0, comments: Vec::new() });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                self.close(at.end);
                self.finish();
            }
            Event::Alias(_) => return Err(syntax(span, "an alias in a SOPS file: SOPS writes none")),
            _ => {}
        }
        Ok(())
    }

    fn no_key_yet(&self, span: &Span) -> Result<(), SecretError> {
        match self.frames.last() {
            Some(Frame::Mapping { key: None, .. }) => Err(syntax(span, "a key that is no text in a SOPS file")),
            _ => Ok(()),
        }
    }

    fn leaf(&mut self, at: Range<usize>, value: Scalar) -> Result<(), SecretError> {
        let path: Vec<_> = self.frames.iter().filter_map(Frame::step).collect();
        match path.as_slice() {
            [] if value == Scalar::Null => {}
            [] => {
                let line = 1 + self.text[..at.start].matches('\n').count();
                return Err(SecretError::Syntax { line, reason: "a SOPS file is a mapping, not one value".into() });
            }
            [Step::Key(key), rest @ ..] if key == METADATA => {
                // Every document repeats the metadata; SOPS reads those of the first.
                if self.documents == 1 && !rest.is_empty() {
                    let leaf = Leaf { path: rest.to_vec(), at, value };
                    self.sheet.metadata.insert(leaf.dotted(), String::from_utf8_lossy(&leaf.value.hashed()).into_owned());
                }
            }
            _ => self.sheet.leaves.push(Leaf { path, at, value }),
        }
        Ok(())
    }

    /// SOPS writes a comment in a list as one more entry of the list, and takes it out again when it decrypts.
    fn comment(&mut self, value: &str, at: &Range<usize>) -> bool {
        if !value.starts_with(cipher::PREFIX) || !value.ends_with(cipher::COMMENT_END) {
            return false;
        }
        let Some(Frame::Sequence { flow, comments, .. }) = self.frames.last_mut() else { return false };
        let before = self.text[..at.start].trim_end_matches(' ');
        match (*flow, before.strip_suffix('-')) {
            (true, _) => comments.push(with_comma(self.text, at.clone())),
            (false, Some(before)) => comments.push(before.len()..at.end),
            (false, None) => return false,
        }
        true
    }

    fn close(&mut self, end: usize) {
        match self.frames.pop() {
            Some(Frame::Mapping { flow: true, .. }) => self.end = end,
            Some(Frame::Sequence { flow, index, comments }) => {
                if flow {
                    self.end = end;
                }
                let mut edits: Vec<_> = comments.into_iter().map(Edit::remove).collect();
                if let (Some(first), 0, false) = (edits.first_mut(), index, flow) {
                    // Nothing but comments: still a list, not null.
                    first.with = Zeroizing::new("[]".into());
                }
                self.sheet.removed.extend(edits);
            }
            _ => {}
        }
    }

    /// A value has been read: its key or index is done.
    fn finish(&mut self) {
        let top = self.frames.len() == 1;
        match self.frames.last_mut() {
            Some(Frame::Mapping { flow, entries, key }) => {
                let Some(key) = key.take() else { return };
                if top && key.name == METADATA {
                    let range = key.start..self.end;
                    let edit = match *flow {
                        true => Edit::remove(with_comma(self.text, range)),
                        // A document with nothing else would be null.
                        false if *entries == 1 => Edit { with: Zeroizing::new("{}".into()), ..Edit::remove(range) },
                        false => Edit::remove(range),
                    };
                    self.sheet.removed.push(edit);
                }
            }
            Some(Frame::Sequence { index, .. }) => *index += 1,
            None => {}
        }
    }
}

impl Frame {
    fn step(&self) -> Option<Step> {
        match self {
            Self::Mapping { key, .. } => key.as_ref().map(|key| Step::Key(key.name.clone())),
            Self::Sequence { index, .. } => Some(Step::Index(*index)),
        }
    }
}

/// An entry of `{…}` or `[…]` together with the comma after it, or else the one before it.
fn with_comma(text: &str, range: Range<usize>) -> Range<usize> {
    if let Some(after) = text[range.end..].trim_start().strip_prefix(',') {
        return range.start..text.len() - after.len();
    }
    match text[..range.start].trim_end().strip_suffix(',') {
        Some(before) => before.len()..range.end,
        None => range,
    }
}

fn syntax(span: &Span, reason: &str) -> SecretError {
    SecretError::Syntax { line: span.start.line(), reason: reason.into() }
}

/// The scalar as Go's YAML reads what SOPS wrote.
fn resolve(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Scalar {
    let is = |tag: &Tag, name: &str| tag.suffix_in_namespace("tag:yaml.org,2002:").is_some_and(|tag| tag == name);
    if tag.is_some_and(|tag| is(tag, "binary")) {
        let digits: String = text.split_whitespace().collect();
        return BASE64.decode(digits).map_or_else(|_| Scalar::Text(text.into()), Scalar::Bytes);
    }
    if style != ScalarStyle::Plain || tag.is_some_and(|tag| is(tag, "str")) {
        return Scalar::Text(text.into());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Number("+Inf".into()),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Number("-Inf".into()),
        ".nan" | ".NaN" | ".NAN" => Scalar::Number("NaN".into()),
        _ => number(text).map_or_else(|| Scalar::Text(text.into()), Scalar::Number),
    }
}

fn number(text: &str) -> Option<String> {
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) || !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match text.parse::<i64>() {
        Ok(number) => Some(number.to_string()),
        Err(_) => text.parse::<f64>().ok().map(leaf::float),
    }
}
