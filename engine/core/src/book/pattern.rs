//! Patterns of hosts: `all`, groups, hosts, globs, `~regex`, subscripts, unions, `:&` and `:!`.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::inventory::{GroupId, HostId, Inventory, LOCALHOST, address};
use super::load;
use crate::text::{Control, Diagnostic, Result};

static SUBSCRIPT: LazyLock<regex::Regex> =
    LazyLock::new(|| regex::Regex::new(r"^(.+)\[(?:(-?[0-9]+)|([0-9]+)[:-]([0-9]*))\]$").expect("a valid pattern"));

/// The hosts of a pattern, and a warning for each word in it that matches nothing.
#[derive(Debug, Default)]
pub struct Selected {
    pub hosts: Vec<HostId>,
    pub warnings: Vec<Diagnostic>,
}

/// The hosts that a pattern selects, in the order of the pattern and, within a group, of the inventory.
pub fn select(inventory: &Inventory, pattern: &str) -> Result<Selected> {
    select_words(inventory, &split(pattern))
}

/// The same for a list of patterns (`hosts: [web, db]`), which together are one union.
pub fn select_list<'a>(inventory: &Inventory, patterns: impl IntoIterator<Item = &'a str>) -> Result<Selected> {
    let words: Vec<String> = patterns.into_iter().flat_map(split).collect();
    select_words(inventory, &words)
}

/// Those of the hosts that `--limit` leaves.
pub fn limit(inventory: &Inventory, hosts: &[HostId], words: &[String]) -> Result<Selected> {
    let limits = select_words(inventory, words)?;
    let keep: HashSet<HostId> = limits.hosts.into_iter().collect();
    let hosts = hosts.iter().copied().filter(|host| keep.contains(host)).collect();
    Ok(Selected { hosts, warnings: limits.warnings })
}

/// The words of a `--limit`: `@file` stands for the lines of a file.
pub fn limit_words(control: &dyn Control, limit: &str) -> Result<Vec<String>> {
    let mut words = vec![];
    for word in split(limit) {
        match word.strip_prefix('@') {
            Some(path) => {
                let text = load::text(control, path)?;
                words.extend(text.as_str().lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from));
            }
            None => words.push(word),
        }
    }
    Ok(words)
}

/// An IPv6 address in brackets stands for itself, as in an inventory.
fn without_brackets(word: &str) -> String {
    let (mark, name) = word.split_at(usize::from(word.starts_with(['&', '!'])));
    let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|inner| inner.contains(':') && address::is_ip(inner));
    format!("{mark}{}", inner.unwrap_or(name))
}

/// The words of a pattern: between commas, or colons where there is no comma and it is no address.
pub fn split(pattern: &str) -> Vec<String> {
    let trimmed = |word: &str| Some(without_brackets(word.trim())).filter(|word| !word.is_empty());
    if pattern.contains(',') {
        return pattern.split(',').filter_map(trimmed).collect();
    }
    if address::parse(pattern).is_some() || without_brackets(pattern.trim()) != pattern.trim() {
        return trimmed(pattern).into_iter().collect();
    }
    at_colons(pattern)
}

/// Words between colons and blanks; what is within brackets stays together.
fn at_colons(pattern: &str) -> Vec<String> {
    let (mut words, mut word) = (vec![], String::new());
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let close = rest.find(']').filter(|_| c == '[');
        let len = close.map_or(c.len_utf8(), |at| at + 1);
        if close.is_some() || !(c.is_whitespace() || ":[]".contains(c)) {
            word += &rest[..len];
        } else if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        rest = &rest[len..];
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words.iter().map(|word| without_brackets(word)).collect()
}

fn select_words(inventory: &Inventory, words: &[String]) -> Result<Selected> {
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
    let of = |mark: &'static str| words.iter().copied().filter(move |word| word.starts_with(mark));
    let mut regular: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with(['&', '!'])).collect();
    if regular.is_empty() {
        regular.push("all");
    }
    let mut selected = Selected::default();
    for word in regular {
        match named(inventory, word) {
            Some(host) => selected.hosts.push(host),
            None => selected.hosts.extend(one(inventory, word, &mut selected.warnings)?),
        }
    }
    for (mark, keep) in [("&", true), ("!", false)] {
        for word in of(mark) {
            if word.len() == 1 {
                return Err(Diagnostic::error(format!("`{mark}` has no pattern behind it")));
            }
            let found: HashSet<HostId> = one(inventory, &word[1..], &mut selected.warnings)?.into_iter().collect();
            selected.hosts.retain(|host| found.contains(host) == keep);
        }
    }
    let mut seen = HashSet::new();
    selected.hosts.retain(|host| seen.insert(*host));
    Ok(selected)
}

/// The host of exactly this name. It comes before a group of the same name, though not after `&` and `!`.
fn named(inventory: &Inventory, word: &str) -> Option<HostId> {
    inventory.find_host(word).filter(|host| !inventory.host(*host).implicit && &*inventory.host(*host).name == word)
}

/// The hosts of one word.
fn one(inventory: &Inventory, word: &str, warnings: &mut Vec<Diagnostic>) -> Result<Vec<HostId>> {
    let subscript = SUBSCRIPT.captures(word).filter(|_| !word.starts_with('~'));
    let Some(parts) = subscript else { return matches(inventory, word, warnings) };
    let hosts = matches(inventory, &parts[1], warnings)?;
    if hosts.is_empty() {
        return Ok(hosts);
    }
    let number = |at: usize| parts.get(at).and_then(|text| text.as_str().parse::<i64>().ok());
    let count = hosts.len() as i64;
    if let Some(at) = number(2) {
        let place = if at < 0 { at + count } else { at };
        let host = usize::try_from(place).ok().and_then(|place| hosts.get(place)).copied();
        let none = || Diagnostic::error(format!("`{word}` selects no host: `{}` has {count}", &parts[1]));
        return Ok(vec![host.ok_or_else(none)?]);
    }
    let start = number(3).unwrap_or(0).min(count);
    // `[2:0]` is Ansible's `[2]`
    let end = match number(4) {
        None => count,
        Some(0) => start + 1,
        Some(end) => (end + 1).min(count),
    };
    if number(4) == Some(0) && start >= count {
        return Err(Diagnostic::error(format!("`{word}` selects no host: `{}` has {count}", &parts[1])));
    }
    Ok(hosts.get(start as usize..end.max(start) as usize).unwrap_or_default().to_vec())
}

/// The hosts of all groups that a word matches, and of all hosts where no group does or the word is a glob.
fn matches(inventory: &Inventory, word: &str, warnings: &mut Vec<Diagnostic>) -> Result<Vec<HostId>> {
    let matcher = Matcher::new(word)?;
    let groups: Vec<GroupId> = inventory.groups().filter(|group| matcher.is_match(&inventory.group(*group).name)).collect();
    let mut hosts: Vec<HostId> = groups.iter().flat_map(|group| inventory.members(*group)).collect();
    if groups.is_empty() || word.starts_with('~') || word.contains(['.', '?', '*', '[']) {
        hosts.extend(inventory.hosts().filter(|host| matcher.is_match(&inventory.host(*host).name)));
    }
    if hosts.is_empty() && LOCALHOST.contains(&word) {
        hosts.extend(inventory.find_host(word));
    }
    if hosts.is_empty() && groups.is_empty() && word != "all" {
        warnings.push(unmatched(inventory, word));
    }
    // a host of several groups stands here several times: subscripts of Ansible count it each time
    Ok(hosts)
}

fn unmatched(inventory: &Inventory, word: &str) -> Diagnostic {
    let groups = inventory.groups().map(|group| &*inventory.group(group).name);
    let hosts = inventory.hosts().map(|host| &*inventory.host(host).name);
    Diagnostic::warning(format!("`{word}` matches no host and no group")).meant(word, groups.chain(hosts))
}

/// How a word is compared with names.
enum Matcher {
    Exact(String),
    Glob(regex::Regex),
    Regex(fancy_regex::Regex),
}

impl Matcher {
    fn new(word: &str) -> Result<Matcher> {
        if let Some(pattern) = word.strip_prefix('~') {
            let regex = fancy_regex::Regex::new(&format!("^(?:{pattern})"));
            return regex.map(Matcher::Regex).map_err(|error| Diagnostic::error(format!("`{word}` is no regular expression: {error}")));
        }
        if !word.contains(['*', '?', '[']) {
            return Ok(Matcher::Exact(word.to_string()));
        }
        let glob = regex::Regex::new(&translate(word));
        glob.map(Matcher::Glob).map_err(|_| Diagnostic::error(format!("`{word}` is no pattern of names")))
    }

    fn is_match(&self, name: &str) -> bool {
        match self {
            Matcher::Exact(word) => word == name,
            Matcher::Glob(glob) => glob.is_match(name),
            Matcher::Regex(regex) => regex.is_match(name).unwrap_or(false),
        }
    }
}

/// A glob as a regular expression (Python's `fnmatch`): `*`, `?`, `[a-z]`, `[!a]`.
fn translate(glob: &str) -> String {
    let mut regex = String::from("(?s)^");
    let mut rest = glob;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '*' => regex += ".*",
            '?' => regex.push('.'),
            '[' => {
                let negated = rest.starts_with('!');
                let inner = &rest[usize::from(negated)..];
                // a `]` that comes first is one of the set
                let Some(end) = inner.char_indices().skip(1).find(|(_, c)| *c == ']').map(|(at, _)| at) else {
                    regex += r"\[";
                    continue;
                };
                let set = set(&inner[..end]);
                match (negated, set.is_empty()) {
                    (true, true) => regex.push('.'),
                    // nothing is in no set
                    (false, true) => regex += r"[^\s\S]",
                    _ => regex += &format!("[{}{set}]", if negated { "^" } else { "" }),
                }
                rest = &inner[end + 1..];
            }
            c => regex += &regex::escape(c.encode_utf8(&mut [0; 4])),
        }
    }
    regex + "$"
}

/// What is between the brackets of a glob, for a regular expression; a range that ends before it begins is empty.
fn set(inner: &str) -> String {
    let escaped = |c: char| if c.is_alphanumeric() { c.to_string() } else { format!(r"\u{{{:x}}}", u32::from(c)) };
    let (mut set, mut rest) = (String::new(), inner.chars());
    while let Some(from) = rest.next() {
        let mut ahead = rest.clone();
        match (ahead.next(), ahead.next()) {
            (Some('-'), Some(to)) => {
                if from <= to {
                    set += &format!("{}-{}", escaped(from), escaped(to));
                }
                rest = ahead;
            }
            _ => set += &escaped(from),
        }
    }
    set
}
