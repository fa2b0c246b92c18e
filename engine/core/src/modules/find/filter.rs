//! Which paths are sought.

use crate::modules::Args;
use crate::modules::pattern::{Of, Pattern};
use crate::modules::stat;
use crate::resources::path;
use crate::state::{Halt, Id, View};
use crate::text::{Map, Result, Value};

pub struct Filter {
    names: Vec<Pattern>,
    excludes: Vec<Pattern>,
    contains: Option<Pattern>,
    whole: bool,
    kind: String,
    age: Option<i64>,
    stamp: String,
    size: Option<i64>,
    mode: Option<i64>,
    exact: bool,
    hidden: bool,
}

impl Filter {
    pub fn new(args: &Args) -> Result<Filter> {
        let regex = args.flag("use_regex");
        let patterns = |name: &str| {
            let made = args
                .texts(name)
                .into_iter()
                .map(|text| if regex { Pattern::new(&text, Of::Text) } else { Pattern::new(&glob(&text), Of::Text) });
            made.collect::<std::result::Result<Vec<_>, _>>().map_err(|why| args.error(name, why))
        };
        let contains =
            args.text("contains").map(|text| Pattern::new(&text, Of::Text)).transpose().map_err(|why| args.error("contains", why))?;
        let encoding = args.text("encoding").unwrap_or_else(|| "utf-8".into()).to_lowercase().replace('_', "-");
        if !matches!(encoding.as_str(), "utf-8" | "utf8") {
            return Err(args.error("encoding", format!("`encoding: {encoding}` is not supported yet")));
        }
        let mode = args.value("mode").map(|mode| match mode {
            Value::Int(_) => {
                Err(args.error("mode", "argument 'mode' is not a string and conversion is not allowed").hint("write it with quotes"))
            }
            mode => path::mode_bits(&mode, 0, false).map_err(|why| args.error("mode", why)),
        });
        Ok(Filter {
            names: patterns("patterns")?,
            excludes: patterns("excludes")?,
            contains,
            whole: args.flag("read_whole_file"),
            kind: args.need("file_type")?,
            age: amount(args, "age", &[("s", 1), ("m", 60), ("h", 3600), ("d", 86400), ("w", 604_800)])?,
            stamp: args.need("age_stamp")?,
            size: amount(args, "size", &[("b", 1), ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("t", 1 << 40)])?,
            mode: mode.transpose()?,
            exact: args.flag("exact_mode"),
            hidden: args.flag("hidden"),
        })
    }

    /// Whether contents decide.
    pub fn reads(&self) -> bool {
        self.contains.is_some() && self.kind == "file"
    }

    /// All but the contents.
    pub fn matches(&self, name: &str, entry: &Value, now: i64) -> bool {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        let int = |key: &str| entry.get(key).and_then(Value::as_int).unwrap_or_default();
        let kind = text("kind");
        let at_begin = |pattern: &Pattern| pattern.search(name.as_bytes()).is_some_and(|found| found.start == 0);
        let bits = i64::from_str_radix(text("mode"), 8).unwrap_or_default();
        // an amount below nothing means at most
        let fits = |wanted: Option<i64>, is: i64| wanted.is_none_or(|wanted| if wanted >= 0 { is >= wanted } else { is <= -wanted });
        (self.hidden || !name.starts_with('.'))
            && (self.kind == "any" || self.kind == kind)
            && (self.names.is_empty() || self.names.iter().any(at_begin))
            && !self.excludes.iter().any(at_begin)
            && fits(self.age, now - int(&self.stamp))
            && (kind != "file" || fits(self.size, int("size")))
            && self.mode.filter(|mode| *mode != 0 || self.exact).is_none_or(|mode| if self.exact { bits == mode } else { bits & mode != 0 })
    }

    /// Whether the contents match. `Ok(Err(why))`: they cannot be looked into.
    pub fn contents(&self, id: &Id, view: &View<'_>) -> std::result::Result<std::result::Result<bool, String>, Halt> {
        let Some(pattern) = self.contains.as_ref().filter(|_| self.reads()) else { return Ok(Ok(true)) };
        let value = match view.field(id, "contents") {
            // what may not be read does not match
            Err(Halt::Failed(_)) => return Ok(Ok(false)),
            other => other?,
        };
        let Some(bytes) = value.and_then(Value::as_bytes) else {
            return Ok(Err(format!("{} has more than the {} bytes that are looked into", id.name, path::WHOLE)));
        };
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Ok(Err(format!("Failed to read the file {} due to an encoding error. current encoding: utf-8", id.name)));
        };
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if self.whole {
            return Ok(Ok(pattern.is_match(text.as_bytes())));
        }
        Ok(Ok(text.split_inclusive('\n').any(|line| pattern.search(line.as_bytes()).is_some_and(|found| found.start == 0))))
    }
}

/// `-10k`: a number with a unit.
fn amount(args: &Args, name: &str, units: &[(&str, i64)]) -> Result<Option<i64>> {
    let Some(text) = args.text(name).map(|text| text.to_lowercase()) else { return Ok(None) };
    let (number, unit) = match units.iter().find(|(unit, _)| text.ends_with(unit)) {
        Some((unit, many)) => (text.trim_end_matches(unit), *many),
        None => (text.as_str(), 1),
    };
    match number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit)) {
        Some(amount) if !number.starts_with('+') => Ok(Some(amount)),
        _ => Err(args.error(name, format!("failed to process {name}"))),
    }
}

/// A pattern of names as an expression: Python's `fnmatch`.
fn glob(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut out, mut at) = ("(?s)\\A".to_string(), 0);
    while let Some(&c) = chars.get(at) {
        at += 1;
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => {
                let negative = chars.get(at) == Some(&'!');
                let from = at + usize::from(negative);
                // a bracket right at the begin is one of the characters
                let end = (from + 1..chars.len()).find(|end| chars[*end] == ']');
                let Some(end) = end else {
                    out.push_str("\\[");
                    continue;
                };
                out.push_str(if negative { "[^" } else { "[" });
                for c in &chars[from..end] {
                    if matches!(c, '\\' | '[' | ']' | '^' | '&' | '~') {
                        out.push('\\');
                    }
                    out.push(*c);
                }
                out.push(']');
                at = end + 1;
            }
            c if c.is_alphanumeric() || c == '_' => out.push(c),
            c if c.is_ascii() => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out + "\\Z"
}

/// Ansible's keys about a path that was found.
pub fn told(path: &str, entry: &Value) -> Map {
    let mut told = Map::new();
    told.insert("path", path);
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    stat::bits(text("mode"), &mut told);
    for (key, kind) in stat::KINDS {
        told.insert(*key, text("kind") == *kind);
    }
    for (key, field) in [("uid", "uid"), ("gid", "gid"), ("size", "size"), ("inode", "inode"), ("dev", "device"), ("nlink", "links")] {
        told.insert(key, entry.get(field).cloned());
    }
    for key in ["atime", "mtime", "ctime"] {
        told.insert(key, entry.get(key).and_then(Value::as_int).map(|seconds| seconds as f64));
    }
    told.insert("pw_name", text("owner"));
    told.insert("gr_name", text("group"));
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each was asked of Python's `fnmatch.fnmatch`.
    #[test]
    fn names_as_fnmatch_has_them() {
        for (pattern, name, matches) in [
            ("*.log", "a.log", true),
            ("*.log", "a.log.1", false),
            ("a?c", "abc", true),
            ("[ab]*", "bx", true),
            ("[!ab]*", "bx", false),
            ("[]x]", "]", true),
            ("[", "[", true),
            ("a[0-9]", "a5", true),
            ("a+b", "a+b", true),
            ("(x)", "(x)", true),
            ("*", "any thing", true),
            ("ü*", "über", true),
            ("a.b", "axb", false),
        ] {
            let pattern_text = glob(pattern);
            let found = Pattern::new(&pattern_text, Of::Text).unwrap_or_else(|why| panic!("{why}")).is_match(name.as_bytes());
            assert_eq!(found, matches, "{pattern} and {name}: {pattern_text}");
        }
    }
}
