//! Truth of the plan: for each module, from each state that a thing can start in, what check says, what apply then does and
//! what the host itself shows before and after are the same, and a second check finds nothing.
//!
//! `truth/MODULE.yml` lists the states; see `truth/README.md`. The host is looked at with its own tools, by none of the
//! engine's code. What was found stands in `truth/MODULE.md`, written by `BLESS=1`, compared otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use play_core::text::{Source, yaml};
use serde_json::{Value, json};

use super::snapshot::Snapshot;

/// One start, and the task that is held against it.
struct Start {
    state: String,
    given: String,
    task: Value,
    /// What changes besides the things that the plan names, as `kind:name`: what a package brings along.
    also: BTreeSet<String>,
    /// Why check can only say that it may change; otherwise it must be certain.
    unsure: Option<String>,
    /// Acts anew on each run.
    again: bool,
}

/// What one run said about one start.
#[derive(Clone)]
struct Said {
    outcome: String,
    gaps: Vec<Value>,
    error: String,
    /// Why it is not certain.
    doubt: String,
}

struct Lab {
    folder: PathBuf,
    host: String,
    program: String,
}

fn starts(module: &Path) -> Vec<Start> {
    let text = std::fs::read_to_string(module).expect("a readable file");
    let node = yaml::parse(&Source::new(&module.display().to_string(), &text)).unwrap_or_else(|error| panic!("{}", error.render(false)));
    let list = node.to_value().to_json().expect("plain data");
    let text = |start: &Value, name: &str| start[name].as_str().map(str::to_string);
    let start = |start: &Value| Start {
        state: text(start, "state").expect("each start says its `state`"),
        given: text(start, "given").unwrap_or_default(),
        task: start["task"].clone(),
        also: start["also"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect(),
        unsure: text(start, "unsure"),
        again: start["again"].as_bool().unwrap_or(false),
    };
    list.as_array().expect("a list of starts").iter().map(start).collect()
}

fn at(module: &str, number: usize) -> String {
    format!("/truth/{module}/{number:02}")
}

impl Lab {
    fn shell(&self, script: &str) -> String {
        let config = self.folder.join("ssh_config");
        let mut child = Command::new("ssh")
            .args(["-F", &config.display().to_string(), &self.host, "sh -s"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ssh runs");
        child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("a script is sent");
        let output = child.wait_with_output().expect("ssh ends");
        assert!(output.status.success(), "{}\n{script}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A run of the module's playbook: what it said of each start.
    fn play(&self, module: &str, count: usize, more: &[&str]) -> Vec<Said> {
        let output = Command::new(&self.program)
            .current_dir(&self.folder)
            .args([&format!("{module}.json"), "-i", "hosts", "--json", "--diff"])
            .args(more)
            .output()
            .expect("the program runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
        let said = |event: Value| {
            let number: usize = event["task"].as_str()?.split_whitespace().next()?.parse().ok()?;
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_string();
            let gaps = event["gaps"].as_array().cloned().unwrap_or_default();
            Some((number, Said { outcome: text("outcome"), gaps, error: text("error"), doubt: text("doubt") }))
        };
        let all: BTreeMap<usize, Said> = events.filter(|event| event["event"] == "task").filter_map(said).collect();
        assert_eq!(all.len(), count, "{module}: {text}\n{}", String::from_utf8_lossy(&output.stderr));
        all.into_values().collect()
    }

    fn snapshot(&self, module: &str) -> Snapshot {
        Snapshot::read(&self.shell(&Snapshot::script(&format!("/truth/{module}"))))
    }
}

/// A playbook with one task for each start; what fails does not stop the others.
fn playbook(module: &str, starts: &[Start]) -> Value {
    let task = |(number, start): (usize, &Start)| {
        let mut task = start.task.clone();
        task["name"] = json!(format!("{number:02} {}", start.state));
        task["vars"] = json!({"at": at(module, number)});
        task["ignore_errors"] = json!(true);
        task
    };
    json!([{"hosts": "all", "gather_facts": false, "tasks": starts.iter().enumerate().map(task).collect::<Vec<_>>()}])
}

/// What may follow a word of check.
fn holds(check: &str, apply: &str) -> bool {
    match check {
        "would_run" => apply == "ran",
        "may" | "unknown" => matches!(apply, "same" | "change" | "ran"),
        _ => check == apply,
    }
}

fn kinds_of_changes(gaps: &[Value]) -> String {
    let one = |gap: &Value| {
        let fields: Vec<&str> = gap["changes"].as_array().into_iter().flatten().filter_map(|change| change["field"].as_str()).collect();
        match gap["verb"].as_str() {
            Some("change") => format!("{} {}", gap["kind"].as_str().unwrap_or_default(), fields.join(", ")),
            verb => format!("{} {}", gap["kind"].as_str().unwrap_or_default(), verb.unwrap_or_default()),
        }
    };
    gaps.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Holds one module's starts against a host; what is wrong, and the table of what was found.
fn module(lab: &Lab, file: &Path) -> (Vec<String>, String) {
    let name = file.file_stem().and_then(|name| name.to_str()).expect("a name").to_string();
    let starts = starts(file);
    let mut setup = "set -e\n".to_string();
    for (number, start) in starts.iter().enumerate() {
        let at = at(&name, number);
        write!(setup, "mkdir -p {at}; cd {at}; at={at}\n{}\n", start.given).expect("text");
    }
    lab.shell(&setup);
    std::fs::write(lab.folder.join(format!("{name}.json")), playbook(&name, &starts).to_string()).expect("a playbook");

    let before = lab.snapshot(&name);
    let checked = lab.play(&name, starts.len(), &["--check"]);
    let untouched = lab.snapshot(&name);
    let applied = lab.play(&name, starts.len(), &[]);
    let after = lab.snapshot(&name);
    let again = lab.play(&name, starts.len(), &["--check"]);

    let mut wrong: Vec<String> = before.differences(&untouched).into_iter().map(|thing| format!("{name}: check changed {thing}")).collect();
    let mut table = format!("# {name}\n\n| state | check | apply |\n|---|---|---|\n");
    let (mut expected, mut excused) = (BTreeSet::new(), BTreeSet::new());
    for (number, start) in starts.iter().enumerate() {
        let (check, apply, second) = (&checked[number], &applied[number], &again[number]);
        let mut bad = |what: String| wrong.push(format!("{name} {number:02} {}: {what}", start.state));
        let certain = !matches!(check.outcome.as_str(), "may" | "unknown") && check.doubt.is_empty();
        if !holds(&check.outcome, &apply.outcome) && certain {
            bad(format!("check says {} {}, apply says {} {}", check.outcome, check.error, apply.outcome, apply.error));
        }
        if certain == start.unsure.is_some() {
            let word = if certain { "says" } else { "does not say" };
            bad(format!("check says {} {}, and the file {word} that it cannot know", check.outcome, check.doubt));
        }
        if check.gaps != apply.gaps && start.unsure.is_none() {
            bad(format!("check would change {}, apply changed {}", json!(check.gaps), json!(apply.gaps)));
        }
        let settled = second.gaps.is_empty() && (second.outcome == "same" || second.outcome == apply.outcome && apply.outcome != "change");
        let refused = apply.outcome == "failed" && second.gaps == check.gaps;
        if !settled && !refused && !(start.again && second.outcome == check.outcome) {
            bad(format!("the second check says {} {} {}", second.outcome, json!(second.gaps), second.error));
        }
        for gap in &apply.gaps {
            expected.insert(format!("{}:{}", gap["kind"].as_str().unwrap_or_default(), gap["name"].as_str().unwrap_or_default()));
            if apply.outcome != "failed" {
                after.refutes(gap, &before).into_iter().for_each(&mut bad);
            }
        }
        excused.extend(start.also.iter().map(|thing| thing.replace("{{ at }}", &at(&name, number))));
        let unsure = start.unsure.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let plan = |said: &Said| format!("{} {}", said.outcome, kinds_of_changes(&said.gaps)).trim().to_string();
        writeln!(table, "| {} | {}{unsure} | {} |", start.state, plan(check), plan(apply)).expect("text");
    }
    for thing in before.differences(&after) {
        if !Snapshot::covered(&thing, &expected) && !excused.contains(&thing) {
            wrong.push(format!("{name}: {thing} changed, and no plan said so"));
        }
    }
    (wrong, table)
}

impl Drop for Lab {
    fn drop(&mut self) {
        hosts_sh(&self.folder, &["down"]);
    }
}

fn hosts_sh(lab: &Path, words: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("world/hosts.sh");
    let output = Command::new("sudo")
        .args(["-nE", "env", &format!("PATH={}", std::env::var("PATH").unwrap_or_default())])
        .arg(format!("HOME={}", std::env::var("HOME").unwrap_or_default()))
        .arg(format!("PLAY_LAB={}", lab.display()))
        .arg(format!("PLAY_OWNER={}", std::process::id()))
        .arg(script)
        .args(words)
        .output()
        .expect("hosts.sh runs");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_check_says_is_what_apply_does() {
    let Some(program) = tests::world("PLAY_TEST_BINARY") else { return };
    let Some(others) = tests::world("PLAY_LAB") else { return };
    let folder = Path::new(&others).with_file_name(format!("truth-{}", std::process::id()));
    hosts_sh(&folder, &["up", "1"]);
    let address = std::fs::read_to_string(folder.join("ssh_config")).expect("ssh_config");
    let address = address.lines().find_map(|line| line.trim().strip_prefix("HostName ")).expect("an address").to_string();
    let hosts = format!(
        "h1 ansible_host={address} ansible_user=root ansible_ssh_private_key_file={key} ansible_ssh_common_args='-o UserKnownHostsFile={known}'\n",
        key = folder.join("keys/id_ed25519").display(),
        known = folder.join("known_hosts").display()
    );
    std::fs::write(folder.join("hosts"), hosts).expect("an inventory");
    let lab = Lab { folder: folder.clone(), host: "h1".into(), program };

    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("world/truth");
    let filter = std::env::var("PLAY_TRUTH").unwrap_or_default();
    let mut files: Vec<PathBuf> = std::fs::read_dir(&cases).expect("cases").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "yml") && file.display().to_string().contains(&filter));
    files.sort();
    assert!(!files.is_empty(), "no file named {filter}");
    let mut wrong = vec![];
    for file in &files {
        let (more, table) = module(&lab, file);
        wrong.extend(more);
        let golden = file.with_extension("md");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &table).expect("a table");
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != table {
            wrong.push(format!("{} is not what was found; BLESS=1 writes it:\n{table}", golden.display()));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
