//! A user's own command on a host: how it is started, and whether it was started at all.
//!
//! A list of words is executed without a shell, as `execvp` does; a line is given to a shell. What it prints and the code
//! it ends with are its own, but for two ends that it never came to have: no folder to run in, no program of that name.

use std::sync::Arc;

use crate::resources::sh;
use crate::state::{Reply, Shell, Upload};
use crate::text::{Contents, Value};

/// A program over this many bytes does not stand in the script.
const INLINE: usize = 512 << 10;

/// A code and a text that together no program gives.
const NO_FOLDER: (i32, &str) = (125, "play: no folder to run this in");

#[derive(Clone, PartialEq, Debug)]
pub struct Process {
    pub run: Run,
    pub chdir: Option<String>,
    /// What it reads, line end included; nothing where it reads nothing.
    pub stdin: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Run {
    /// A program and its arguments. `expand`: `$NAME`, `${NAME}` and a leading `~` mean what they mean on the host.
    Words { words: Vec<String>, expand: bool },
    /// A text for a shell. `hidden`: a secret stands in it, so it must not stand in the shell's arguments.
    Line { text: String, shell: String, hidden: bool },
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Ran,
    NoFolder,
    /// It could not be started, for this reason of the system (2: not there, 13: not allowed).
    NotStarted(i32),
}

impl Process {
    pub fn script(&self) -> Shell {
        let mut text = String::new();
        if let Some(folder) = &self.chdir {
            let (code, message) = NO_FOLDER;
            text += &format!("CDPATH= cd -- {} >/dev/null 2>&1 || {{ echo '{message}' >&2; exit {code}; }}\n", expanded(folder));
        }
        if let Some(bytes) = &self.stdin {
            text += &format!("{} 2>/dev/null | ", sh::print(bytes));
        }
        text += &self.run.line();
        Shell { text, uploads: vec![] }
    }

    /// Whether it ran, by what came back.
    pub fn end(&self, reply: &Reply) -> End {
        let errors = String::from_utf8_lossy(&reply.err);
        let errors = errors.trim_end();
        if reply.code == NO_FOLDER.0 && errors == NO_FOLDER.1 && self.chdir.is_some() {
            return End::NoFolder;
        }
        // bash has two lines for a file that may not be executed; the last is always about `exec`
        let last = errors.lines().last().unwrap_or_default();
        let starts = reply.out.is_empty() && errors.lines().count() <= 2 && self.names(last);
        match reply.code {
            126 | 127 if starts && (last.ends_with(": not found") || last.ends_with(": No such file or directory")) => End::NotStarted(2),
            126 if starts && last.ends_with(": Permission denied") => End::NotStarted(13),
            126 if starts => End::NotStarted(8),
            _ => End::Ran,
        }
    }

    /// Whether a shell's message is about the program itself: `sh: 1: exec: /etc/passwd: Permission denied`, and from BusyBox
    /// `sh: exec: line 0: /etc/passwd: Permission denied`; bash leaves `exec` out where a path is not there.
    fn names(&self, line: &str) -> bool {
        let Run::Words { words, .. } = &self.run else { return false };
        (line.contains("exec: ") || line.contains(": line "))
            && words.first().is_some_and(|program| line.contains(&format!(": {program}: ")))
    }
}

/// A program that is sent, run with arguments, and taken away.
#[derive(Clone, PartialEq, Debug)]
pub struct Sent {
    /// What it is called on the host, without a folder.
    pub name: String,
    pub contents: Arc<Contents>,
    /// What stands after its name on the line, for the shell.
    pub rest: String,
    /// What runs it; its own first line says that otherwise.
    pub executable: Option<String>,
    pub chdir: Option<String>,
}

impl Sent {
    /// In a folder of its own below the home folder: /tmp is often mounted so that nothing in it can be run.
    pub fn script(&self) -> Shell {
        let mut shell = Shell::default();
        let name = sh::quote(&self.name);
        shell.text += "d=$(mktemp -d \"$HOME/.play-XXXXXX\" 2>/dev/null || mktemp -d /tmp/play-XXXXXX) || exit\n";
        shell.text += "trap 'rm -rf \"$d\"' EXIT; trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM\n";
        shell.text += &match self.contents.here().and_then(Value::as_bytes) {
            Some(bytes) if bytes.len() <= INLINE => format!("(umask 077; {} >\"$d\"/{name}) || exit\n", sh::print(bytes)),
            _ => {
                let to = format!("/tmp/play-{}", &self.contents.sha256[..16]);
                shell.uploads.push(Upload { to: to.clone(), contents: self.contents.clone() });
                format!("mv -f {to} \"$d\"/{name} || exit\n")
            }
        };
        let executable = self.executable.as_ref().map(|executable| format!("{executable} ")).unwrap_or_default();
        let chdir = self.chdir.as_ref().map(|folder| format!("cd {} && ", sh::quote(folder))).unwrap_or_default();
        shell.text += &format!("chmod 0700 \"$d\"/{name} || exit\n( {chdir}{executable}\"$d\"/{name}{}\n)\n", self.rest);
        shell
    }
}

impl Run {
    fn line(&self) -> String {
        match self {
            Run::Words { words, expand: false } => format!("exec {}\n", sh::words(words.iter().map(String::as_str))),
            Run::Words { words, expand: true } => {
                format!("exec {}\n", words.iter().map(|word| expanded(word)).collect::<Vec<_>>().join(" "))
            }
            Run::Line { text, shell, hidden } if *hidden && speaks_sh(shell) => format!(
                "{{ play_line={}; export play_line; exec {} -c 'play_text=$play_line; unset play_line; eval \"$play_text\"'; }}\n",
                sh::quote(text),
                sh::path(shell)
            ),
            Run::Line { text, shell, .. } => format!("exec {} -c {}\n", sh::path(shell), sh::quote(text)),
        }
    }
}

fn speaks_sh(shell: &str) -> bool {
    matches!(super::path::base(shell), "sh" | "bash" | "dash" | "ash" | "ksh" | "mksh" | "zsh" | "busybox")
}

/// Names that a shell has of its own and no program sees.
const OWN: [&str; 11] = ["EUID", "IFS", "LINENO", "OPTIND", "PPID", "PS1", "PS2", "PS4", "RANDOM", "SECONDS", "UID"];

/// A word in which `$NAME` and `${NAME}` stand for variables of the environment, where there are such, and a leading `~` for
/// a home folder; nothing else of it means anything to the shell.
pub fn expanded(word: &str) -> String {
    let (mut out, rest) = tilde(word);
    pieces(rest, &mut out, &|text| sh::quote(text));
    if out.is_empty() { "''".into() } else { out }
}

/// The `~` or `~user` that a word begins with, as the shell reads it, and what follows.
pub(super) fn tilde(word: &str) -> (String, &str) {
    let end = word.find('/').unwrap_or(word.len());
    let user = word[..end].strip_prefix('~').filter(|user| user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
    match user {
        Some(_) => (word[..end].to_string(), &word[end..]),
        None => (String::new(), word),
    }
}

/// Variables as the shell reads them; what stands between them goes through `literal`.
pub(super) fn pieces(text: &str, out: &mut String, literal: &dyn Fn(&str) -> String) {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        plain += &rest[..at];
        let (name, length) = variable(&rest[at + 1..]);
        if name.is_empty() || OWN.contains(&name) {
            plain += &rest[at..=at + length];
        } else {
            if !plain.is_empty() {
                *out += &literal(&std::mem::take(&mut plain));
            }
            let braces = rest[at + 1..].starts_with('{');
            *out += &if braces { format!("\"${{{name}-\\${{{name}\\}}}}\"") } else { format!("\"${{{name}-\\${name}}}\"") };
        }
        rest = &rest[at + 1 + length..];
    }
    plain += rest;
    if !plain.is_empty() {
        *out += &literal(&plain);
    }
}

/// The name after a `$`, and how many bytes it takes; no name where that is none.
fn variable(rest: &str) -> (&str, usize) {
    let (inner, around) = match rest.strip_prefix('{').and_then(|inner| inner.find('}').map(|end| &inner[..end])) {
        Some(inner) => (inner, 2),
        None => (&rest[..rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len())], 0),
    };
    let valid = inner.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) && !inner.starts_with(|c: char| c.is_ascii_digit());
    if valid && !inner.is_empty() { (inner, inner.len() + around) } else { ("", 0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_expanded_as_python_does() {
        for (word, line) in [
            ("plain", "plain"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$HOME/x y", "\"${HOME-\\$HOME}\"'/x y'"),
            ("~root/x", "~root/x"),
            ("~", "~"),
            ("a~b", "'a~b'"),
            ("a$1b$$", "'a$1b$$'"),
            ("${A}x", "\"${A-\\${A\\}}\"x"),
            ("${A:-b}", "'${A:-b}'"),
            ("`id` $(id)", "'`id` $(id)'"),
        ] {
            assert_eq!(expanded(word), line, "{word}");
        }
    }
}
