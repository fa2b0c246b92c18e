//! The format of `ansible.cfg`: sections of `key = value`, read as Python's `configparser` reads them.

use std::sync::Arc;

use crate::text::{Result, Source, Span};

/// One `key = value` of the file.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    pub section: String,
    /// In lower case.
    pub key: String,
    /// Lines that go on are joined with line ends.
    pub value: String,
    pub key_span: Span,
    pub span: Span,
}

/// All entries, in their order.
pub fn read(source: &Arc<Source>) -> Result<Vec<Entry>> {
    let (mut entries, mut section): (Vec<Entry>, Option<String>) = (vec![], None);
    let (mut at, mut indent, mut open) = (0, 0, false);
    for line in source.text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let text = without_comment(line.trim_end());
        let lead = text.len() - text.trim_start().len();
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let span = source.span(start + lead..start + lead + text.len());
        if open && lead > indent {
            if let Some(entry) = entries.last_mut() {
                entry.value += &format!("\n{text}");
                entry.span = source.span(entry.span.start..span.end);
            }
            continue;
        }
        if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            (section, open) = (Some(name.to_string()), false);
            continue;
        }
        let Some(section) = &section else {
            return Err(span.error("a setting before any section").hint("begin the file with `[defaults]`"));
        };
        entries.push(entry(section, text, &span)?);
        (indent, open) = (lead, true);
    }
    Ok(entries)
}

fn entry(section: &str, text: &str, span: &Span) -> Result<Entry> {
    let Some(at) = text.find(['=', ':']) else {
        return Err(span.error(format!("`{text}` is no setting")).hint("write `key = value`"));
    };
    let (key, value) = (text[..at].trim_end(), text[at + 1..].trim());
    let place = |start: usize, end: usize| span.source.span(span.start + start..span.start + end);
    let (key_span, value_span) = (place(0, key.len()), place(text.len() - value.len(), text.len()));
    Ok(Entry { section: section.to_string(), key: key.to_lowercase(), value: value.to_string(), key_span, span: value_span })
}

/// `#` and `;` begin a comment at the beginning of a line; `;` also after a blank.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with(['#', ';']) {
        return "";
    }
    let inline = line.match_indices(';').find(|(at, _)| line[..*at].ends_with(char::is_whitespace));
    inline.map_or(line, |(at, _)| line[..at].trim_end())
}
