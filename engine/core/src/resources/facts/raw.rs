//! What the script of facts brought back, by where it came from.

use std::collections::BTreeMap;

use crate::text::Value;

/// Parts of an answer. Borrowed from it.
#[derive(Default)]
pub(super) struct Raw<'a> {
    files: BTreeMap<&'a str, Vec<&'a str>>,
    there: Vec<&'a str>,
    links: BTreeMap<&'a str, &'a str>,
    tools: BTreeMap<&'a str, Vec<&'a str>>,
    /// Local facts: name, whether it ran and how it ended, what it gave.
    pub local: Vec<(&'a str, &'a str, Vec<&'a str>)>,
}

enum Part<'a> {
    Files,
    Links,
    Tool(&'a str),
    Local,
}

impl<'a> Raw<'a> {
    pub fn new(out: &'a str) -> Raw<'a> {
        let mut raw = Raw::default();
        let mut part = Part::Files;
        for line in out.split('\n') {
            if let Some(rest) = line.strip_prefix("@play ") {
                let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                match word {
                    "there" => raw.there.push(rest),
                    "links" => part = Part::Links,
                    "tool" => {
                        raw.tools.entry(rest).or_default();
                        part = Part::Tool(rest);
                    }
                    "local" => {
                        let (how, name) = rest.split_once(' ').unwrap_or((rest, ""));
                        raw.local.push((name, how, vec![]));
                        part = Part::Local;
                    }
                    _ => part = Part::Files,
                }
                continue;
            }
            match part {
                Part::Files => {
                    if let Some((path, text)) = line.split_once(':') {
                        raw.files.entry(path).or_default().push(text);
                    }
                }
                Part::Links => drop(link(line).map(|(path, to)| raw.links.insert(path, to))),
                Part::Tool(name) => raw.tools.entry(name).or_default().push(line),
                Part::Local => {
                    if let Some((_, _, lines)) = raw.local.last_mut() {
                        lines.push(line);
                    }
                }
            }
        }
        raw
    }

    /// The lines of a file that could be read and is not empty.
    pub fn lines(&self, path: &str) -> &[&'a str] {
        self.files.get(path).map_or(&[], Vec::as_slice)
    }

    /// The text of a file without blanks around it; nothing where it is empty or not there.
    pub fn file(&self, path: &str) -> Option<String> {
        let text = self.files.get(path)?.join("\n");
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_string())
    }

    /// Files whose path begins with this, with their lines.
    pub fn files_below<'b>(&'b self, prefix: &'b str) -> impl Iterator<Item = (&'a str, &'b [&'a str])> + 'b {
        self.files.iter().filter(move |(path, _)| path.starts_with(prefix)).map(|(path, lines)| (*path, lines.as_slice()))
    }

    pub fn there(&self, path: &str) -> bool {
        self.there.contains(&path)
    }

    /// Paths that are there and begin with this.
    pub fn below<'b>(&'b self, prefix: &'b str) -> impl Iterator<Item = &'a str> + 'b {
        self.there.iter().copied().filter(move |path| path.starts_with(prefix))
    }

    pub fn link(&self, path: &str) -> Option<&'a str> {
        self.links.get(path).copied()
    }

    /// Links whose path begins with this.
    pub fn links<'b>(&'b self, prefix: &'b str) -> impl Iterator<Item = (&'a str, &'a str)> + 'b {
        self.links.iter().map(|(path, to)| (*path, *to)).filter(move |(path, _)| path.starts_with(prefix))
    }

    /// What a tool printed, without blanks around it; nothing where it printed nothing.
    pub fn tool(&self, name: &str) -> Option<String> {
        let text = self.tools.get(name)?.join("\n");
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_string())
    }
}

/// A line of `ls -ldn` about a link: `lrwxrwxrwx 1 0 0 7 Nov 21 22:10 /bin/sh -> busybox`.
fn link(line: &str) -> Option<(&str, &str)> {
    let at = line.strip_prefix('l')?.find(" /")? + 2;
    line[at..].split_once(" -> ")
}

/// A whole number in a text.
pub(super) fn int(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

/// Texts as a list.
pub(super) fn texts<'a>(all: impl IntoIterator<Item = &'a str>) -> Value {
    Value::list(all.into_iter().map(Value::text))
}
