//! Puts plaintexts where the ciphertexts stood, line by line as before.

use super::cipher::{Kind, Plain};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::fmt::Write;
use std::ops::Range;
use zeroize::Zeroizing;

/// Replaces a range of the text.
pub(super) struct Edit {
    pub at: Range<usize>,
    pub with: Zeroizing<String>,
    /// The number of the secret that is put in.
    pub secret: Option<usize>,
}

impl Edit {
    /// Takes a range out; its lines stay, empty.
    pub(super) fn remove(at: Range<usize>) -> Self {
        Self { at, with: Zeroizing::default(), secret: None }
    }
}

/// Where each secret now stands, by its number.
type Places = Vec<(usize, Range<usize>)>;

/// The edited text. Edits do not overlap, but for the comma between two that are taken out.
pub(super) fn apply(text: &str, mut edits: Vec<Edit>) -> (Zeroizing<Vec<u8>>, Places) {
    edits.sort_by_key(|edit| edit.at.start);
    // Room for everything at once: a buffer that grows leaves copies behind.
    let room = text.len() + edits.iter().map(|edit| edit.with.len() + edit.at.len() + 1).sum::<usize>();
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    let mut places = Vec::new();
    let mut done = 0;
    for edit in edits {
        bytes.extend_from_slice(&text.as_bytes()[done..edit.at.start.max(done)]);
        let start = bytes.len();
        bytes.extend_from_slice(edit.with.as_bytes());
        places.extend(edit.secret.map(|secret| (secret, start..bytes.len())));
        let replaced = &text[edit.at.clone()];
        let lines = replaced.matches('\n').count().saturating_sub(edit.with.matches('\n').count());
        bytes.extend(std::iter::repeat_n(b'\n', lines));
        if lines > 0 && !replaced.ends_with('\n') {
            // What follows on that line belongs below its key, not beside it.
            bytes.push(b' ');
        }
        done = edit.at.end.max(done);
    }
    bytes.extend_from_slice(&text.as_bytes()[done..]);
    (bytes, places)
}

/// A YAML scalar on one line.
pub(super) fn yaml(plain: &Plain) -> Zeroizing<String> {
    match (plain.kind, plain.text()) {
        (Kind::Float, Some("+Inf")) => Zeroizing::new(".inf".into()),
        (Kind::Float, Some("-Inf")) => Zeroizing::new("-.inf".into()),
        (Kind::Float, Some("NaN")) => Zeroizing::new(".nan".into()),
        (Kind::Time, Some(text)) if is_time(text) => Zeroizing::new(text.to_owned()),
        (Kind::Text | Kind::Bytes, None) => {
            let encoded = Zeroizing::new(BASE64.encode(&plain.bytes));
            Zeroizing::new(["!!binary \"", &encoded, "\""].concat())
        }
        _ => json(plain),
    }
}

/// A JSON scalar; it is a YAML scalar as well.
pub(super) fn json(plain: &Plain) -> Zeroizing<String> {
    let lossy = Zeroizing::new(String::from_utf8_lossy(&plain.bytes).into_owned());
    match plain.kind {
        Kind::Int => lossy,
        Kind::Float if lossy.contains('.') || lossy.parse::<i64>().is_ok() => lossy,
        // Too large for an integer; the point keeps it a float.
        Kind::Float => Zeroizing::new(format!("{}.0", lossy.as_str())),
        Kind::Bool => Zeroizing::new(lossy.to_ascii_lowercase()),
        Kind::Text | Kind::Time | Kind::Bytes => quoted(&lossy),
    }
}

/// In double quotes, with the escapes that JSON and YAML share.
pub(super) fn quoted(text: &str) -> Zeroizing<String> {
    let mut quoted = Zeroizing::new(String::with_capacity(text.len() * 6 + 2));
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // What YAML calls not printable, ends a line in YAML 1.1, or does not show.
            '\0'..='\u{1f}' | '\u{7f}'..='\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                write!(quoted, "\\u{:04x}", u32::from(c)).expect("writing to a string does not fail");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn is_time(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || "TZ:.+-".contains(c))
}
