//! Small projects as text: what files there are, what is typed, and the whole of what must be said.
//!
//! A file holds cases, each begun by `====== NAME` and made of parts, each begun by `--- PART`:
//!
//! ```text
//! --- file PATH        a file of the project; `\xHH` in `--- bytes PATH` is a byte
//! --- closed PATH      the same, and only root may read it
//! --- copy FROM PATH   a copy of a file below `tests/`
//! --- run              lines for `sh`; `play` and `ansible-playbook` are the built program
//! --- run as nobody    the same by a user without rights
//! --- says             what comes on stdout and stderr, in the order it came, and the exit code
//! ```
//!
//! `BLESS=1` writes down what came, and `CASE=TEXT` takes only cases whose name or file contains it. Of what came, three
//! things are told by a word, since they differ from run to run: the folder, the time taken, the tag of a secret.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A run that takes longer hangs (seconds). It ends then with code 124.
const LIMIT: &str = "60";
/// More memory than this is too much for any mistake in a small project (kB).
const MEMORY: u64 = 4 << 20;
const NOBODY: u32 = 65534;

struct Case {
    name: String,
    parts: Vec<(String, String)>,
}

/// Runs each case of each file below `folder` in a folder of its own.
pub fn each_alone(folder: &Path, program: &Path) {
    let mut wrong = String::new();
    let mut count = 0;
    for path in entries(folder) {
        let mut cases = read(&path);
        let file = path.file_stem().expect("a name").to_string_lossy().into_owned();
        for case in cases.iter_mut().filter(|case| wanted(&file, case)) {
            let place = Place::new(&file, program);
            judge(&path, case, &place, &mut wrong);
            count += 1;
        }
        written(&path, &cases);
    }
    end(count, &wrong);
}

/// Runs the cases of `steps.txt` of each folder below `folder` one after the other, in one copy of that folder.
pub fn each_in_order(folder: &Path, program: &Path) {
    let mut wrong = String::new();
    let mut count = 0;
    for project in entries(folder) {
        let path = project.join("steps.txt");
        let name = project.file_name().expect("a name").to_string_lossy().into_owned();
        let mut steps = read(&path);
        if !steps.iter().any(|step| wanted(&name, step)) {
            continue;
        }
        let place = Place::new(&name, program);
        copy(&project, &place.folder);
        for step in &mut steps {
            judge(&path, step, &place, &mut wrong);
            count += 1;
        }
        written(&path, &steps);
    }
    end(count, &wrong);
}

fn end(count: usize, wrong: &str) {
    assert!(count > 0, "no case is called so");
    assert!(wrong.is_empty() || blesses(), "{wrong}\nBLESS=1 writes down what came; read the difference before it is committed");
}

fn blesses() -> bool {
    std::env::var_os("BLESS").is_some()
}

fn wanted(file: &str, case: &Case) -> bool {
    std::env::var("CASE").is_ok_and(|filter| file.contains(&filter) || case.name.contains(&filter)) || std::env::var_os("CASE").is_none()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder).expect("a folder of cases").map(|entry| entry.expect("an entry").path()).collect();
    all.sort();
    all
}

fn read(path: &Path) -> Vec<Case> {
    let text = fs::read_to_string(path).expect("a file of cases");
    let mut cases: Vec<Case> = vec![];
    for line in text.split_inclusive('\n') {
        if let Some(name) = line.strip_prefix("====== ") {
            cases.push(Case { name: name.trim().to_string(), parts: vec![] });
        } else if let (Some(part), Some(case)) = (line.strip_prefix("--- "), cases.last_mut()) {
            case.parts.push((part.trim().to_string(), String::new()));
        } else {
            let part = cases.last_mut().and_then(|case| case.parts.last_mut()).expect("a case begins with `======`");
            part.1.push_str(line);
        }
    }
    cases
}

fn written(path: &Path, cases: &[Case]) {
    if !blesses() {
        return;
    }
    let mut text = String::new();
    for case in cases {
        let _ = writeln!(text, "====== {}", case.name);
        for (part, body) in &case.parts {
            let _ = write!(text, "--- {part}\n{body}");
        }
    }
    fs::write(path, text).expect("the file of cases can be written");
}

/// Runs one case and holds what came against what is expected.
fn judge(path: &Path, case: &mut Case, place: &Place, wrong: &mut String) {
    place.furnish(case);
    let (how, lines) = case.parts.iter().find(|(part, _)| part.starts_with("run")).expect("a case says what is run");
    let came = place.run(lines, how.ends_with("as nobody"));
    match case.parts.iter_mut().find(|(part, _)| part == "says") {
        Some((_, expected)) if *expected == came => {}
        Some((_, expected)) => {
            let _ = write!(wrong, "\n{}: {}\nexpected:\n{expected}\ncame:\n{came}", path.display(), case.name);
            *expected = came;
        }
        None => {
            let _ = write!(wrong, "\n{}: {}: nothing is expected; came:\n{came}", path.display(), case.name);
            case.parts.push(("says".into(), came));
        }
    }
}

/// A folder for one project, gone when it is dropped.
struct Place {
    root: PathBuf,
    folder: PathBuf,
}

impl Place {
    fn new(name: &str, program: &Path) -> Place {
        let root = std::env::temp_dir().join(format!("play-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let folder = root.join("project");
        fs::create_dir_all(&folder).expect("a temporary folder");
        fs::create_dir(root.join("bin")).expect("a folder for the program");
        for name in ["play", "ansible-playbook"] {
            symlink(program, root.join("bin").join(name)).expect("a link");
        }
        Place { root, folder }
    }

    fn furnish(&self, case: &Case) {
        for (part, text) in &case.parts {
            let (kind, name) = part.split_once(' ').unwrap_or((part, ""));
            let (name, bytes) = match kind {
                "file" | "closed" => (name, text.clone().into_bytes()),
                "bytes" => (name, bytes(text)),
                "copy" => {
                    let (from, to) = name.split_once(' ').expect("what is copied, and where to");
                    (to, fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(from)).expect("a file to copy"))
                }
                _ => continue,
            };
            let path = self.folder.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, &bytes).expect("a written file");
            if kind == "closed" {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("a closed file");
            }
            if bytes.starts_with(b"#!") {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
            }
        }
    }

    /// Puts the program itself in place of the link to it: who is nobody may not come to where it was built.
    fn lend(&self) {
        let link = self.root.join("bin/play");
        let program = fs::canonicalize(&link).expect("the program");
        fs::remove_file(&link).expect("a removed link");
        fs::copy(program, &link).expect("a copy of the program");
    }

    /// What `sh` says to these lines, and its code.
    fn run(&self, lines: &str, nobody: bool) -> String {
        let mut command = Command::new("timeout");
        let script = format!("ulimit -v {MEMORY}\nexec 2>&1\n{lines}");
        command.args(["-k", "5", LIMIT, "sh", "-c", &script]).current_dir(&self.folder).stdin(Stdio::null());
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.root.join("bin").display());
        command.env_clear().envs([("PATH", path.as_str()), ("LANG", "C.UTF-8"), ("TERM", "xterm")]).env("HOME", &self.folder);
        if nobody {
            self.lend();
        }
        if nobody && fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = command.output().expect("sh runs");
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).replace(&self.folder.display().to_string(), "/project");
        let text = text.replace(&self.root.display().to_string(), "/above");
        let mut steady: String = text.split_inclusive('\n').map(steady).collect();
        if !steady.is_empty() && !steady.ends_with('\n') {
            steady.push('\n');
        }
        format!("{steady}exit {}\n", output.status.code().unwrap_or(-1))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// A line without what differs from run to run.
fn steady(line: &str) -> String {
    let plain = line.trim_start_matches("\u{1b}[2m").trim_start_matches("ESC[2m");
    if plain.starts_with("took ")
        && let Some((before, after)) = line.split_once("took ")
    {
        let rest = after.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
        return format!("{before}took …{rest}");
    }
    let mut text = String::new();
    for (at, part) in line.split('#').enumerate() {
        let tag: String = part.chars().take_while(char::is_ascii_hexdigit).collect();
        match at {
            0 => text.push_str(part),
            _ if part[tag.len()..].starts_with('›') => text += &format!("#tag{}", &part[tag.len()..]),
            _ => text += &format!("#{part}"),
        }
    }
    text
}

/// A text in which `\xHH` is a byte; its last line has no end.
fn bytes(text: &str) -> Vec<u8> {
    let mut all = vec![];
    for (at, part) in text.trim_end_matches('\n').split("\\x").enumerate() {
        let byte = (at > 0).then(|| part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok())).flatten();
        all.extend(byte);
        all.extend(&part.as_bytes()[if byte.is_some() { 2 } else { 0 }..]);
    }
    all
}

fn copy(from: &Path, to: &Path) {
    for path in entries(from) {
        let name = path.file_name().expect("a name");
        if path.is_dir() {
            fs::create_dir_all(to.join(name)).expect("a folder");
            copy(&path, &to.join(name));
        } else if name != "steps.txt" {
            fs::copy(&path, to.join(name)).expect("a copied file");
        }
    }
}
