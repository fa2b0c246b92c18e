//! The leaves of an ini file, as Go's `ini.v1` reads it: sections, `key = value`, quotes and comments.

use super::SecretError;
use super::cipher::{Kind, Plain};
use super::dotenv::flat;
use super::leaf::{Leaf, Scalar, Sheet, Step};
use super::splice::Edit;
use std::ops::Range;
use zeroize::Zeroizing;

const METADATA: &str = "sops";
const DEFAULT_SECTION: &str = "DEFAULT";
const LONG_QUOTE: &str = "\"\"\"";

pub(super) fn read(text: &str) -> Result<Sheet, SecretError> {
    let mut sheet = Sheet::default();
    let mut section = DEFAULT_SECTION;
    let (mut start, mut number) = (0, 0);
    while start < text.len() {
        let mut end = text[start..].find('\n').map_or(text.len(), |length| start + length);
        number += 1;
        let line = text[start..end].trim();
        let wrong = |reason: &str| SecretError::Syntax { line: number, reason: reason.into() };
        if let Some(rest) = line.strip_prefix('[') {
            section = rest.split_once(']').ok_or_else(|| wrong("a section without `]`"))?.0;
        } else if !line.is_empty() && !line.starts_with(['#', ';']) {
            let equals = text[start..end].find(['=', ':']).ok_or_else(|| wrong("a line without `=`"))?;
            let key = text[start..start + equals].trim().trim_matches(['"', '`']);
            let (value, at) = value(text, start + equals + 1, end).ok_or_else(|| wrong("a quote that is not closed"))?;
            end = end.max(at.end);
            if section == METADATA {
                sheet.metadata.insert(flat(key), value.replace("\\n", "\n"));
            } else {
                let path = vec![Step::Key(section.into()), Step::Key(key.into())];
                sheet.leaves.push(Leaf { path, at, value: Scalar::Text(value) });
            }
        }
        if section == METADATA {
            sheet.removed.push(Edit::remove(start..end));
        }
        start = end + 1;
    }
    Ok(sheet)
}

/// The value that starts behind `from`, and where it stands. Only a quoted one reaches beyond `end`.
fn value(text: &str, from: usize, end: usize) -> Option<(String, Range<usize>)> {
    let line = &text[from..end];
    let start = from + line.len() - line.trim_start().len();
    for quote in [LONG_QUOTE, "`"] {
        if let Some(rest) = text[start..].strip_prefix(quote).filter(|_| start < end) {
            let length = rest.find(quote)?;
            return Some((rest[..length].to_owned(), start..start + length + 2 * quote.len()));
        }
    }
    let value = line.trim();
    let value = value.find(['#', ';']).map_or(value, |comment| value[..comment].trim_end());
    let at = start..start + value.len();
    let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    Some((inner.unwrap_or(value).to_owned(), at))
}

/// Quoted as `ini.v1` quotes; a value of several lines is the one thing that adds lines to a file.
pub(super) fn written(plain: &Plain) -> Zeroizing<String> {
    let text = Zeroizing::new(String::from_utf8_lossy(&plain.bytes).into_owned());
    let quote = match text.as_str() {
        _ if plain.kind == Kind::Bool => return Zeroizing::new(text.to_ascii_lowercase()),
        value if value.contains(['\n', '`']) => LONG_QUOTE,
        value if value.contains(['#', ';']) => "`",
        value if value.trim().len() != value.len() => "\"",
        _ => return text,
    };
    Zeroizing::new([quote, &text, quote].concat())
}
