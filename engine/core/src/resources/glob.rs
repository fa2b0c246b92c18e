//! A pattern of paths: whether anything on the host matches it, as Python's `glob.glob` has it. Variables of the
//! environment and a leading `~` are expanded. No fields; it exists where something matches.

use crate::resources::{process, sh};
use crate::state::{Answer, Fields, Gap, Kind, KindName, Look, Reading, Script};

pub const KIND: KindName = "glob";

pub struct Glob;

impl Kind for Glob {
    fn name(&self) -> KindName {
        KIND
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        let mut text = "m() { for p do if [ -e \"$p\" ] || [ -L \"$p\" ]; then return 0; fi; done; return 1; }\n".to_string();
        for look in looks {
            let key = sh::quote(&key(&look.id.name));
            text += &format!("if m {}; then printf 'y %s\\n' {key}; else printf 'n %s\\n' {key}; fi\n", pattern(&look.id.name));
        }
        text.into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        let reply = answer.reply();
        let out = String::from_utf8_lossy(&reply.out);
        let key = key(&look.id.name);
        match out.lines().filter_map(|line| line.split_once(' ')).find(|(_, name)| *name == key) {
            Some(("y", _)) => Reading::one(look, Some(Fields::new())),
            Some(_) => Reading::one(look, None),
            None => Reading::failed(format!("no answer whether {} is there: {}", look.id.name, String::from_utf8_lossy(&reply.err).trim())),
        }
    }

    fn fix(&self, gaps: &[&Gap]) -> Script {
        let names: Vec<&str> = gaps.iter().map(|gap| &*gap.id.name).collect();
        format!("echo {} >&2; exit 1\n", sh::quote(&format!("a pattern is no thing that can be made: {}", names.join(", ")))).into()
    }
}

/// Whether a text is more than the name of one path.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '$'])
}

/// One line, whatever the pattern holds.
fn key(name: &str) -> String {
    name.replace('\n', "\\n")
}

/// The pattern as one word of the shell that still is a pattern.
fn pattern(text: &str) -> String {
    let (mut out, rest) = process::tilde(text);
    process::pieces(rest, &mut out, &magic);
    out
}

/// Everything quoted but `*`, `?` and the brackets of `[…]`; a `[` that is not closed is itself.
fn magic(text: &str) -> String {
    let mut out = String::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let size = match c {
            '*' | '?' => 1,
            '[' => class(rest).unwrap_or(0),
            _ => 0,
        };
        if size == 0 {
            plain.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        if !plain.is_empty() {
            out += &sh::quote(&std::mem::take(&mut plain));
        }
        out += &rest[..size]
            .chars()
            .map(|c| if "*?[]!-".contains(c) || c.is_ascii_alphanumeric() { c.to_string() } else { sh::quote(&c.to_string()) })
            .collect::<String>();
        rest = &rest[size..];
    }
    if !plain.is_empty() {
        out += &sh::quote(&plain);
    }
    out
}

/// The length of a `[…]` that a text begins with; a `]` right after the `[` or `[!` is one of its members.
fn class(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("[!").or(text.strip_prefix('['))?;
    let first = inner.chars().next()?.len_utf8();
    let end = inner[first..].find(']')?;
    Some(text.len() - inner.len() + first + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_magic_is_left_bare() {
        for (text, word) in [
            ("/srv/a b*", "'/srv/a b'*"),
            ("/srv/[!a]?.conf", "/srv/[!a]?.conf"),
            ("/srv/[x", "'/srv/[x'"),
            ("~/x*", "~/x*"),
            ("/$(id)*", "'/$(id)'*"),
            ("/srv/[ ;]x", "/srv/[' '';']x"),
        ] {
            assert_eq!(pattern(text), word, "{text}");
        }
    }
}
