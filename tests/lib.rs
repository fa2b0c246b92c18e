//! Harness shared by the tests.

use std::path::{Path, PathBuf};
use std::process::Output;

pub mod dice;
pub mod projects;

/// The hosts of the world belong to one test at a time: some reset them, or compare them whole.
pub static HOSTS: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// What a world test needs and `tests/run` exports. Where it is missing the test is skipped aloud; in CI that fails.
pub fn world(name: &str) -> Option<String> {
    if let Ok(value) = std::env::var(name) {
        return Some(value);
    }
    assert!(std::env::var_os("CI").is_none(), "{name} is not set: in CI no world test may be skipped");
    skipped(name);
    None
}

#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn skipped(name: &str) {
    eprintln!("skipped: {name} is not set; `tests/run` sets all up");
}

/// The code of a program that ran, and all it said: stdout, then stderr.
pub fn told(output: &Output) -> (i32, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

/// Fails where one of the lines is not in the text.
pub fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
}

/// What one host of a run was told that failed or could not be reached, up to the next one.
pub fn about<'a>(text: &'a str, host: &str) -> &'a str {
    let start = ["unreachable", "failed    "].iter().find_map(|word| text.find(&format!("  {word} {host}\n")));
    assert!(start.is_some(), "nothing of {host}:\n{text}");
    let rest = &text[start.unwrap_or_default()..];
    let next = rest.match_indices("\n  ").find(|(at, _)| !rest[at + 3..].starts_with(' '));
    &rest[..next.map_or(rest.len(), |(at, _)| at)]
}

/// A new folder of one test, gone with it; it stays where the test fails.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("play-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder above")).expect("the folders above");
        std::fs::write(path, text).expect("a written file");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::fs::remove_dir_all(&self.0).expect("removed");
        }
    }
}
