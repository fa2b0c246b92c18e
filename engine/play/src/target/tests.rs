//! The protocol against real shells, here and over a real sshd.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;

use play_core::run::{Address, Connection, FaultKind, Message, Who};
use play_core::state::{Answer, Part, Purpose, Reply, Script, Shell, Upload};
use play_core::text::{Body, Contents, Value};

use super::{Options, Pool, Progress, Stream};

mod r#become;
mod local;
mod ssh;
mod text;

/// The shells that a host may have as `sh`; all of them must be there where tests are complete (`CI=true`).
const SHELLS: &[&str] = &["dash", "bash --posix", "busybox sh"];

/// BusyBox with no other tools than its own, as on a small host.
fn busybox_alone() -> Option<String> {
    static FOLDER: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let make = || {
        let folder = std::env::temp_dir().join("play-test-busybox").display().to_string();
        let made = Command::new("sh").args(["-c", &format!("mkdir -p {folder} && b=$(command -v busybox) && for applet in busybox $(busybox --list); do ln -sf $b {folder}/$applet; done")]).status();
        made.is_ok_and(|status| status.success()).then(|| format!("env PATH={folder} busybox sh"))
    };
    FOLDER.get_or_init(make).clone()
}

fn has(tool: &str) -> bool {
    let there = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().is_ok_and(|output| output.status.success());
    if !there {
        assert!(std::env::var("CI").is_err(), "skipped: no {tool}");
        eprintln!("skipped: no {tool}");
    }
    there
}

fn shells() -> impl Iterator<Item = String> {
    let all = SHELLS.iter().filter(|shell| has(shell.split(' ').next().unwrap_or(shell)));
    all.map(|shell| (*shell).to_owned()).chain(busybox_alone())
}

fn here(shell: &str) -> Address {
    Address { name: "here".into(), connection: Connection::Local, shell: Some(shell.to_owned()), ..Address::default() }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

fn part(purpose: Purpose, text: &str) -> Part {
    Part { script: Script::from(text.to_owned()), purpose, limit: None }
}

fn ask(text: &str) -> Part {
    part(Purpose::Ask, text)
}

fn fix(text: &str) -> Part {
    part(Purpose::Fix, text)
}

fn act(text: &str) -> Part {
    part(Purpose::Act { stops: false }, text)
}

fn message(parts: impl IntoIterator<Item = Part>) -> Message {
    Message { parts: parts.into_iter().collect() }
}

fn reply(code: i32, out: impl AsRef<[u8]>, err: impl AsRef<[u8]>) -> Answer {
    Answer::Shell(Reply { code, out: out.as_ref().to_vec(), err: err.as_ref().to_vec() })
}

/// A folder that goes away with it.
struct Scratch(PathBuf);

impl std::ops::Deref for Scratch {
    type Target = Path;
    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn scratch(name: &str) -> Scratch {
    let folder = std::env::temp_dir().join(format!("play-test-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a scratch folder");
    Scratch(folder)
}
