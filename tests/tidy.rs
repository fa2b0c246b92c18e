//! The house rules of `engine/ARCHITECTURE.md`, read off the tree itself: arrows between rooms, length of functions, heads
//! of files, words in messages, what lies where.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Lines that a function may have.
const LONGEST: usize = 70;

/// What breaks a rule today, as `rule file: what`, and why it may. An entry that is no longer needed fails the test.
const ALLOWED: &[(&str, &str)] = &[
    ("word engine/core/src/modules/set_fact.rs: full stop after `Invalid variable name '{name}'.`", "Ansible's text, word for word"),
    (
        "word engine/core/src/weave/background.rs: full stop after `This action ({}) does not support async.`",
        "Ansible's text, word for word",
    ),
    (
        "word engine/core/src/weave/background.rs: full stop after `Task failed: Timed out after {seconds} second(s).`",
        "Ansible's text, word for word",
    ),
    (
        "word engine/core/src/modules/set_fact.rs: full stop after `Variable names must be strings starting with a letter or underscore character, and contain only letters, numbers and underscores.`",
        "Ansible's text, word for word",
    ),
    (
        "word engine/core/src/weave/background.rs: full stop after `This action ({}) does not support async.`",
        "Ansible's text, word for word",
    ),
    (
        "word engine/core/src/weave/background.rs: full stop after `Task failed: Timed out after {seconds} second(s).`",
        "Ansible's text, word for word",
    ),
];

/// The rooms of `engine/core/src`, each with those that it may see.
const ROOMS: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("state", &["text"]),
    ("resources", &["state", "text"]),
    ("modules", &["resources", "state", "text"]),
    ("book", &["text"]),
    ("run", &["state", "text"]),
    ("weave", &["run", "book", "modules", "resources", "state", "text"]),
];

/// The rooms of `engine/play/src`: the same.
const OUTER_ROOMS: &[(&str, &[&str])] = &[
    ("secrets", &[]),
    ("target", &[]),
    ("report", &[]),
    ("control", &["secrets"]),
    ("driver", &["report", "target"]),
    ("commands", &["control", "driver", "report", "secrets", "target"]),
];

/// Parts of the standard library by which core could reach a file, host, process or clock.
#[rustfmt::skip]
const REACHES: &[&str] = &[
    "std::fs", "std::net::Tcp", "std::net::Udp", "std::net::ToSocketAddrs", "std::process", "std::env", "std::thread", "std::os",
    "std::io::stdin", "std::io::stdout", "std::io::stderr", "SystemTime", "Instant::now", "Timestamp::now", "Zoned::now",
];

/// Crates that core may use: none of them opens a file, a socket or a process for it.
#[rustfmt::skip]
const CORE_CRATES: &[&str] = &[
    "aho-corasick", "annotate-snippets", "base64", "fancy-regex", "granit-parser", "indexmap", "jiff", "jmespath", "md-5", "minijinja",
    "minijinja-contrib", "petgraph", "regex", "scoped-tls-hkt", "serde", "serde_json", "sha-crypt", "sha1", "sha2", "similar", "zeroize",
];

/// Words that say nothing to whoever reads a message.
#[rustfmt::skip]
const BANNED: &[&str] = &[
    "please", "sorry", "oops", "unfortunately", "something went wrong", "simply", "successfully", "internal error", "fatal", "todo",
    "fixme", "xxx", "blazing", "seamless", "whilst",
];

/// What the top of the tree holds beside files of configuration that begin with a dot.
#[rustfmt::skip]
const TOP: &[&str] = &[
    "Cargo.toml", "Cargo.lock", "engine", "roles", "inventories", "playbooks", "templates", "tests", "README.md", "CHANGELOG.md",
    "CONTRIBUTING.md", "LICENSE-APACHE", "LICENSE-MIT", "ansible.cfg", "clippy.toml", "deny.toml", "rustfmt.toml", "target",
];

#[test]
fn rooms_see_only_what_they_may() {
    let mut found = vec![];
    for (folder, rooms) in [("engine/core/src", ROOMS), ("engine/play/src", OUTER_ROOMS)] {
        for file in sources(folder) {
            let parts: Vec<&str> = file.name[folder.len() + 1..].trim_end_matches(".rs").split('/').collect();
            let Some((room, sees)) = rooms.iter().find(|(room, _)| *room == parts[0]) else { continue };
            let depth = parts.len() - usize::from(parts.last() == Some(&"mod"));
            for (line, other) in file.paths_of_crate() {
                if other != *room && rooms.iter().any(|(room, _)| *room == other) && !sees.contains(&&*other) {
                    found.push(file.breach("arrow", line, &format!("`{room}` sees `{other}`")));
                }
            }
            for (line, text) in file.lines() {
                let deepest = (1..6).rev().find(|count| text.contains(&"super::".repeat(*count))).unwrap_or(0);
                if deepest >= depth {
                    found.push(file.breach("arrow", line, &format!("`{room}` leaves its room by `super`")));
                }
            }
        }
    }
    judge("arrow", found);
}

#[test]
fn every_room_is_known() {
    for (folder, rooms) in [("engine/core/src", ROOMS), ("engine/play/src", OUTER_ROOMS)] {
        let known: BTreeSet<&str> = rooms.iter().map(|(room, _)| *room).chain(["lib", "main", "cases"]).collect();
        let there = names(&root().join(folder)).into_iter().map(|name| name.trim_end_matches(".rs").to_string());
        let strange: Vec<String> = there.filter(|name| !known.contains(name.as_str())).collect();
        assert!(strange.is_empty(), "{folder} has rooms that `engine/ARCHITECTURE.md` and this test do not know: {strange:?}");
    }
}

#[test]
fn core_can_reach_nothing() {
    let mut found = vec![];
    for file in sources("engine/core/src") {
        for (line, text) in file.lines() {
            for reach in REACHES.iter().filter(|reach| text.contains(**reach)) {
                found.push(file.breach("reach", line, reach));
            }
        }
    }
    judge("reach", found);
    for name in dependencies("engine/core/Cargo.toml") {
        assert!(CORE_CRATES.contains(&name.as_str()), "engine/core depends on `{name}`: may it reach a file, a host or a clock?");
    }
    let own: Vec<String> = dependencies("engine/play/Cargo.toml").into_iter().filter(|name| name.starts_with("play")).collect();
    assert_eq!(own, ["play-core"], "engine/play depends on core, and on no other part of the tree");
}

#[test]
fn every_file_says_what_it_knows() {
    let found = sources("engine").filter(|file| !file.text.starts_with("//! ")).map(|file| file.breach("head", 1, "no `//!` head"));
    judge("head", found.collect());
}

#[test]
fn functions_fit_a_screen() {
    let mut found = vec![];
    for file in sources("engine") {
        for (line, name, length) in file.functions() {
            if length > LONGEST {
                found.push((line, file.breach("length", line, &format!("`{name}`")), length));
            }
        }
    }
    judge("length", found.into_iter().map(|(_, breach, length)| Breach { note: format!("{length} lines"), ..breach }).collect());
}

#[test]
fn nothing_is_left_half_done_and_only_reports_print() {
    let mut found = vec![];
    for file in sources("engine") {
        for (line, text) in file.lines() {
            for word in ["todo!", "dbg!", "unimplemented!"].iter().filter(|word| macro_in(text, word)) {
                found.push(file.breach("macro", line, word));
            }
            for word in ["println!", "eprintln!", "print!", "eprint!"].iter().filter(|word| macro_in(text, word)) {
                if !file.name.contains("/report/") {
                    found.push(file.breach("macro", line, word));
                }
            }
            if text.contains("use super::*") {
                found.push(file.breach("macro", line, "use super::*"));
            }
        }
    }
    judge("macro", found);
}

#[test]
fn files_are_named_by_a_noun() {
    let bad = |file: &&Rust| {
        file.name.split('/').any(|part| ["util", "utils", "common", "helpers", "helper", "types"].contains(&part.trim_end_matches(".rs")))
    };
    judge("name", sources("engine").filter(bad).map(|file| file.breach("name", 1, "says nothing")).collect());
}

#[test]
fn messages_use_plain_words() {
    let mut found = vec![];
    for file in sources("engine") {
        for text in &file.texts {
            let lower = text.body.to_lowercase();
            let whole = |word: &str| {
                lower.split(|c: char| !c.is_alphabetic() && c != ' ').any(|part| format!(" {part} ").contains(&format!(" {word} ")))
            };
            if text.is_message() {
                BANNED.iter().filter(|word| whole(word)).for_each(|word| found.push(file.breach("word", text.line, &format!("`{word}`"))));
                // what a task failed with is in Ansible's words
                if !text.before.trim_end().ends_with("failed(") && text.body.ends_with('.') && !text.body.ends_with("..") {
                    found.push(file.breach("word", text.line, &format!("full stop after `{}`", text.body)));
                }
            }
        }
    }
    judge("word", found);
}

#[test]
fn the_top_of_the_tree_is_tidy() {
    let strange: Vec<String> = names(&root()).into_iter().filter(|name| !name.starts_with('.') && !TOP.contains(&name.as_str())).collect();
    assert!(strange.is_empty(), "these lie at the top of the tree: {strange:?}");
}

#[test]
fn every_module_and_kind_is_in_its_table() {
    let missing = |folder: &str, table: &str, sign: fn(&str) -> Option<String>| -> Vec<String> {
        // `super::` stands before a module whose name the table's own function has
        let table = fs::read_to_string(root().join(table)).expect("a table").replace("&super::", "&");
        let declared = sources(folder).flat_map(|file| {
            let inner = file.name[folder.len() + 1..].trim_end_matches(".rs").to_string();
            let room = inner.split('/').next().unwrap_or_default().to_string();
            file.code.lines().filter_map(sign).map(move |name| format!("&{room}::{name}")).collect::<Vec<_>>()
        });
        declared.filter(|row| ![",", "]"].iter().any(|end| table.contains(&format!("{row}{end}")))).collect()
    };
    let module = |line: &str| Some(line.trim().strip_prefix("pub static ")?.split_once(": Entry =")?.0.to_string());
    let kind = |line: &str| Some(line.trim().strip_prefix("impl Kind for ")?.split([' ', '{', '<']).next()?.to_string());
    assert_eq!(missing("engine/core/src/modules", "engine/core/src/modules/table.rs", module), Vec::<String>::new(), "not in table.rs");
    assert_eq!(missing("engine/core/src/resources", "engine/core/src/resources/mod.rs", kind), Vec::<String>::new(), "not in TABLE");
}

/// This test reads Rust by a few rules of its own: here they are held against what is hard to read.
#[test]
fn the_reader_is_not_fooled() {
    let text = r##"//! Head. use crate::weave;
use crate::{text::{Value, run}, state};
/// Like `crate::modules`.
fn long<'a>(it: &'a str) -> char {
    let brace = '}'; let quote = '"'; let tick = '\''; // crate::book
    let script = r#"
}
todo!() "crate::run""#;
    Diagnostic::error(format!("gone. \" crate::run")).hint("go.")
}
#[cfg(test)]
mod tests {
    use super::*;
    fn inner() { span.error("sorry") }
}
#[cfg(test)]
mod more;
"##;
    let file = Rust::of("engine/core/src/book/x.rs".into(), text.into());
    assert_eq!(file.paths_of_crate(), [(2, "text".to_string()), (2, "state".to_string())]);
    assert_eq!(file.functions(), [(4, "long".to_string(), 7)]);
    assert_eq!(file.test_files(), ["engine/core/src/book/x/more"]);
    assert!(!file.code.contains("todo!") && !file.code.contains("super"), "{}", file.code);
    let messages: Vec<(usize, &str)> = file.texts.iter().filter(|text| text.is_message()).map(|text| (text.line, &*text.body)).collect();
    assert_eq!(messages, [(9, "gone. \\\" crate::run"), (9, "go.")]);
}

/// A rule that a place breaks.
struct Breach {
    /// Without the line, so that an entry of [`ALLOWED`] survives a change above it.
    key: String,
    place: String,
    note: String,
}

/// Holds what was found against what is allowed, both ways.
fn judge(rule: &str, found: Vec<Breach>) {
    let mut wrong = String::new();
    for breach in found.iter().filter(|breach| !ALLOWED.iter().any(|(key, _)| *key == breach.key)) {
        let _ = writeln!(wrong, "{}: {} {}", breach.place, breach.key, breach.note);
    }
    for (key, _) in ALLOWED.iter().filter(|(key, _)| key.starts_with(&format!("{rule} "))) {
        if !found.iter().any(|breach| breach.key == *key) {
            let _ = writeln!(wrong, "tests/tidy.rs: ALLOWED has `{key}`, which is no longer needed");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder of the tree");
    let mut names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Names under `[dependencies]` of a manifest.
fn dependencies(manifest: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(manifest)).expect("a manifest");
    let lines = text.lines().skip_while(|line| *line != "[dependencies]").skip(1).take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| Some(line.split(['.', ' ', '=']).next()?.to_string())).filter(|name| !name.is_empty()).collect()
}

/// A macro by its whole name: `print!` is not in `eprint!`.
fn macro_in(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// A source file, without what stands in it for tests only.
struct Rust {
    name: String,
    text: String,
    /// The text with comments, literals and inline test modules blanked; lines stay where they are.
    code: String,
    texts: Vec<Text>,
}

/// A string literal.
struct Text {
    line: usize,
    body: String,
    /// The code right before it.
    before: String,
}

impl Text {
    /// Whether it is the text of a diagnostic.
    fn is_message(&self) -> bool {
        let before = self.before.trim_end().trim_end_matches("format!(").trim_end();
        ["error(", "warning(", ".hint(", ".label(", "failed("].iter().any(|call| before.ends_with(call))
    }
}

/// The sources below a folder of `engine`.
fn sources(folder: &str) -> impl Iterator<Item = &'static Rust> {
    static ENGINE: LazyLock<Vec<Rust>> = LazyLock::new(engine);
    let below = format!("{folder}/");
    ENGINE.iter().filter(move |file| file.name.starts_with(&below))
}

/// All sources of the engine but those that only tests have.
fn engine() -> Vec<Rust> {
    let mut all: Vec<Rust> = vec![];
    let mut folders = vec!["engine".to_string()];
    while let Some(folder) = folders.pop() {
        for name in names(&root().join(&folder)) {
            let path = format!("{folder}/{name}");
            if root().join(&path).is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") {
                all.push(Rust::read(path));
            }
        }
    }
    assert!(all.len() > 100, "the sources of the engine");
    let tests: BTreeSet<String> = all.iter().flat_map(Rust::test_files).collect();
    all.retain(|file| !tests.iter().any(|test| file.name == format!("{test}.rs") || file.name.starts_with(&format!("{test}/"))));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

impl Rust {
    fn read(name: String) -> Rust {
        let text = fs::read_to_string(root().join(&name)).expect("a source file in UTF-8");
        Rust::of(name, text)
    }

    fn of(name: String, text: String) -> Rust {
        let (code, mut texts) = blanked(&text);
        let code = without_tests(&code);
        // a literal of a test is gone with its line
        texts.retain(|text| !code.lines().nth(text.line - 1).unwrap_or_default().trim().is_empty());
        Rust { name, text, code, texts }
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    fn breach(&self, rule: &str, line: usize, what: &str) -> Breach {
        Breach { key: format!("{rule} {}: {what}", self.name), place: format!("{}:{line}", self.name), note: String::new() }
    }

    /// Files of modules that are declared under `#[cfg(test)]`, without `.rs`.
    fn test_files(&self) -> Vec<String> {
        let stem = self.name.trim_end_matches(".rs");
        let folder = ["/mod", "/lib", "/main"].iter().find_map(|end| stem.strip_suffix(end)).unwrap_or(stem);
        let (mut files, mut test) = (vec![], false);
        for line in self.text.lines().map(str::trim) {
            let name = line
                .trim_start_matches("pub ")
                .trim_start_matches("pub(crate) ")
                .strip_prefix("mod ")
                .and_then(|rest| rest.strip_suffix(';'));
            files.extend(name.filter(|_| test).map(|name| format!("{folder}/{name}")));
            test = line == "#[cfg(test)]" || (test && line.starts_with("#["));
        }
        files
    }

    /// The first word of each path that begins with `crate::`, also of those in braces.
    fn paths_of_crate(&self) -> Vec<(usize, String)> {
        let mut all = vec![];
        for (at, _) in self.code.match_indices("crate::") {
            if self.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let line = self.code[..at].matches('\n').count() + 1;
            let rest = &self.code[at + "crate::".len()..];
            match rest.strip_prefix('{') {
                Some(list) => all.extend(heads(list).into_iter().map(|head| (line, head))),
                None => all.push((line, word(rest))),
            }
        }
        all
    }

    /// Line, name and length of each function.
    fn functions(&self) -> Vec<(usize, String, usize)> {
        let lines: Vec<&str> = self.code.lines().collect();
        let mut all = vec![];
        for (at, line) in lines.iter().enumerate() {
            let Some((before, after)) = line.split_once("fn ") else { continue };
            let words = ["pub", "pub(super)", "pub(crate)", "const", "async", "unsafe", "extern"];
            if !before.split_whitespace().all(|word| words.contains(&word)) || line.trim_end().ends_with(['}', ';']) {
                continue;
            }
            let indent = &line[..line.len() - line.trim_start().len()];
            let (body, declared) = (format!("{indent}}}"), format!("{indent})"));
            let end = lines[at..].iter().position(|line| *line == body || (line.starts_with(&declared) && line.ends_with(';')));
            all.push((at + 1, word(after), end.map_or(1, |end| end + 1)));
        }
        all
    }
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first words of a list in braces, up to its end.
fn heads(list: &str) -> Vec<String> {
    let (mut heads, mut depth, mut fresh) = (vec![], 0, true);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if fresh && !c.is_whitespace() => {
                heads.push(word(&list[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    heads
}

/// Blanks modules and functions under `#[cfg(test)]` that stand in the file itself.
fn without_tests(code: &str) -> String {
    let (mut out, mut end): (String, Option<String>) = (String::new(), None);
    let mut test: Option<String> = None;
    for line in code.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let trimmed = line.trim();
        if let Some(closing) = &end {
            if line == closing {
                end = None;
            }
        } else if trimmed == "#[cfg(test)]" {
            test = Some(format!("{indent}}}"));
        } else if let Some(closing) = test.take() {
            if trimmed.starts_with("#[") {
                test = Some(closing);
            } else if trimmed.ends_with('{') {
                end = Some(closing);
            }
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

/// The text with comments and literals as blanks, and its string literals.
fn blanked(text: &str) -> (String, Vec<Text>) {
    let (mut code, mut texts) = (String::with_capacity(text.len()), vec![]);
    let (mut rest, mut line) = (text, 1);
    while let Some(c) = rest.chars().next() {
        let free = !code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let (length, quoted) = match () {
            () if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), None),
            () if rest.starts_with("/*") => (rest.find("*/").map_or(rest.len(), |end| end + 2), None),
            () if c == '"' => string(rest, 1),
            () if free && (rest.starts_with("b\"") || rest.starts_with("c\"")) => string(rest, 2),
            () if free && raw(rest).is_some() => raw(rest).unwrap_or_default(),
            () if c == '\'' => (character(rest), None),
            () => {
                code.push(c);
                line += usize::from(c == '\n');
                rest = &rest[c.len_utf8()..];
                continue;
            }
        };
        if let Some(body) = quoted {
            let start = code.char_indices().rev().take(40).last().map_or(0, |(at, _)| at);
            let before = code[start..].to_string();
            texts.push(Text { line, body, before });
            code.push('"');
        }
        let lines = rest[..length].matches('\n').count();
        code.extend(std::iter::repeat_n('\n', lines));
        line += lines;
        if c == '\'' && length == 1 {
            code.push(c);
        }
        rest = &rest[length..];
    }
    (code, texts)
}

/// The length of a plain string literal, and what is in it.
fn string(text: &str, open: usize) -> (usize, Option<String>) {
    let (mut escaped, bytes) = (false, text.as_bytes());
    for at in open..bytes.len() {
        match bytes[at] {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return (at + 1, Some(text[open..at].to_string())),
            _ => {}
        }
    }
    (text.len(), None)
}

/// The same of a raw one.
fn raw(text: &str) -> Option<(usize, Option<String>)> {
    let rest = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let body = rest[hashes..].strip_prefix('"')?;
    let closing = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&closing)?;
    Some((text.len() - body.len() + end + closing.len(), Some(body[..end].to_string())))
}

/// The length of a character literal; 1 for the quote of a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, _))) => text[at + 1..].find('\'').map_or(1, |end| at + end + 2),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}
