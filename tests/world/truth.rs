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

/// One start, and what is held against it: a task, or a chain of them.
struct Start {
    state: String,
    given: String,
    /// Lines of sh for the control node.
    local: String,
    tasks: Vec<Value>,
    handlers: Value,
    /// Has a world of its own: what check expects of the starts before it does not count.
    apart: bool,
    /// What changes besides the things that the plan names, as `kind:name`: what a package brings along, what a command does.
    also: BTreeSet<String>,
    /// Why check cannot be certain of all; otherwise it must be.
    unsure: Option<String>,
    /// What check is not sure of fails.
    fails: bool,
    /// Acts anew on each run.
    again: bool,
}

/// What one run said about one task.
#[derive(Clone, Debug)]
struct Said {
    task: String,
    outcome: String,
    gaps: Vec<Value>,
    error: String,
    /// Why it is not certain.
    doubt: String,
    result: Value,
}

/// What was held against a host so far.
#[derive(Default)]
struct Found {
    wrong: Vec<String>,
    certain: usize,
    /// Of these, how many went another way.
    otherwise: usize,
    unsure: usize,
}

struct Lab {
    folder: PathBuf,
    host: String,
    address: String,
    program: String,
}

fn starts(module: &Path) -> Vec<Start> {
    let text = std::fs::read_to_string(module).expect("a readable file");
    let node = yaml::parse(&Source::new(module.display().to_string(), &text)).map_err(|error| error.render(false)).expect("YAML");
    let list = node.to_value().to_json().expect("plain data");
    let text = |start: &Value, name: &str| start[name].as_str().map(str::to_string);
    let start = |start: &Value| {
        let keys = ["state", "given", "local", "task", "tasks", "handlers", "apart", "also", "unsure", "fails", "again"];
        let unknown = start.as_object().expect("a mapping").keys().find(|key| !keys.contains(&key.as_str()));
        assert!(unknown.is_none(), "{}: no key {unknown:?}", module.display());
        Start {
            state: text(start, "state").expect("each start says its `state`"),
            given: text(start, "given").unwrap_or_default(),
            local: text(start, "local").unwrap_or_default(),
            tasks: start["tasks"].as_array().cloned().unwrap_or_else(|| vec![start["task"].clone()]),
            handlers: start["handlers"].clone(),
            apart: start["apart"].as_bool().unwrap_or(false) || start["tasks"].is_array(),
            also: start["also"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect(),
            unsure: text(start, "unsure"),
            fails: start["fails"].as_bool().unwrap_or(false),
            again: start["again"].as_bool().unwrap_or(false),
        }
    };
    list.as_array().expect("a list of starts").iter().map(start).collect()
}

fn at(module: &str, number: usize) -> String {
    format!("/truth/{module}/{number:02}")
}

impl Lab {
    fn shell(&self, script: &str) -> String {
        let config = self.folder.join("ssh_config").display().to_string();
        piped(Command::new("ssh").args(["-F", &config, &self.host, "sh -s"]), script)
    }

    /// Where a start has its files on the control node.
    fn here(&self, module: &str, number: usize) -> PathBuf {
        self.folder.join(format!("{}-{module}-{number:02}", self.host))
    }

    /// The host under its own name for what is held together, and under one more for each start that is not.
    fn inventory(&self, module: &str, starts: &[Start]) {
        let mut text = String::from("[all:vars]\n");
        for (word, value) in [("host", self.address.clone()), ("user", "root".into())] {
            writeln!(text, "ansible_{word}={value}").expect("text");
        }
        let (key, known) = (self.folder.join("keys/id_ed25519"), self.folder.join("known_hosts"));
        writeln!(text, "ansible_ssh_private_key_file={}", key.display()).expect("text");
        writeln!(text, "ansible_ssh_common_args='-o UserKnownHostsFile={}'\n[all]\ntogether", known.display()).expect("text");
        for number in (0..starts.len()).filter(|number| starts[*number].apart) {
            writeln!(text, "apart{number:02}").expect("text");
        }
        std::fs::write(self.folder.join(format!("{module}.hosts")), text).expect("an inventory");
    }

    /// A playbook with the tasks of each start; what fails does not stop the others.
    fn playbook(&self, module: &str, starts: &[Start]) {
        let vars = |number: usize| json!({"at": at(module, number), "here": self.here(module, number)});
        let (mut plays, mut together) = (vec![], vec![]);
        for (number, start) in starts.iter().enumerate() {
            let named = |(part, task): (usize, &Value)| {
                let mut task = task.clone();
                let name = task["name"]
                    .as_str()
                    .map_or_else(|| if start.tasks.len() > 1 { format!("part {part}") } else { start.state.clone() }, str::to_string);
                task["name"] = json!(format!("{number:02} {name}"));
                if task["block"].is_null() && task["ignore_errors"].is_null() {
                    task["ignore_errors"] = json!(true);
                }
                if !start.apart {
                    task["vars"] = vars(number);
                }
                task
            };
            let tasks: Vec<Value> = start.tasks.iter().enumerate().map(named).collect();
            match start.apart {
                true => plays.push(json!({"hosts": format!("apart{number:02}"), "gather_facts": false, "vars": vars(number), "tasks": tasks, "handlers": start.handlers})),
                false => together.extend(tasks),
            }
        }
        plays.insert(0, json!({"hosts": "together", "gather_facts": false, "tasks": together}));
        std::fs::write(self.folder.join(format!("{module}.json")), json!(plays).to_string()).expect("a playbook");
    }

    /// A run of the module's playbook: what it said of each start.
    fn play(&self, module: &str, starts: &[Start], more: &[&str]) -> Vec<Vec<Said>> {
        let output = Command::new(&self.program)
            .current_dir(&self.folder)
            .args([&format!("{module}.json"), "-i", &format!("{module}.hosts"), "--json", "--diff"])
            .args(more)
            .output()
            .expect("the program runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
        let mut all = vec![vec![]; starts.len()];
        for event in events.filter(|event| event["event"] == "task") {
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_string();
            let number = text("host").strip_prefix("apart").map_or_else(|| text("task"), str::to_string);
            let number: usize = number.split_whitespace().next().expect("a word").parse().expect("a number");
            let gaps = event["gaps"].as_array().cloned().unwrap_or_default();
            let doubt = format!(
                "{}{}",
                text("doubt"),
                if matches!(event["outcome"].as_str(), Some("may" | "unknown")) { text("because") } else { String::new() }
            );
            all[number].push(Said {
                task: text("task"),
                outcome: text("outcome"),
                gaps,
                error: text("error"),
                doubt,
                result: event["result"].clone(),
            });
        }
        let silent: Vec<&str> =
            starts.iter().zip(&all).filter(|(_, said)| said.is_empty()).map(|(start, _)| start.state.as_str()).collect();
        assert!(silent.is_empty(), "{module}: nothing is said of {silent:?}: {text}\n{}", String::from_utf8_lossy(&output.stderr));
        all
    }

    fn snapshot(&self, module: &str) -> Snapshot {
        Snapshot::read(&self.shell(&Snapshot::script(&format!("/truth/{module}"))))
    }
}

fn piped(command: &mut Command, script: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell runs");
    let mut input = child.stdin.take().expect("a pipe");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(script.as_bytes()).expect("a script is sent"));
        child.wait_with_output().expect("a shell ends")
    });
    assert!(output.status.success(), "{}\n{script}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What may follow a word of check.
fn holds(check: &str, apply: &str) -> bool {
    match check {
        "would_run" => apply == "ran",
        _ => check == apply,
    }
}

fn is_certain(said: &Said) -> bool {
    !matches!(said.outcome.as_str(), "may" | "unknown") && said.doubt.is_empty()
}

fn told(said: &Said) -> String {
    let one = |gap: &Value| {
        let fields: Vec<&str> = gap["changes"].as_array().into_iter().flatten().filter_map(|change| change["field"].as_str()).collect();
        match gap["verb"].as_str() {
            Some("change") => format!("{} {}", gap["kind"].as_str().unwrap_or_default(), fields.join(", ")),
            verb => format!("{} {}", gap["kind"].as_str().unwrap_or_default(), verb.unwrap_or_default()),
        }
    };
    let gaps = said.gaps.iter().map(one).collect::<Vec<_>>().join("; ");
    let doubted = if !said.doubt.is_empty() && !matches!(said.outcome.as_str(), "may" | "unknown") { "?" } else { "" };
    format!("{}{doubted} {gaps}", said.outcome).trim().to_string()
}

/// Pairs what a second run said with the tasks of a first; a task that only one of them told has no partner.
fn paired<'a>(first: &'a [Said], second: &'a [Said]) -> Vec<(Option<&'a Said>, Option<&'a Said>)> {
    let mut left: Vec<&Said> = second.iter().collect();
    let mut pair = |said: &'a Said| {
        let found = left.iter().position(|other| other.task == said.task);
        (Some(said), found.map(|at| left.remove(at)))
    };
    let mut pairs: Vec<_> = first.iter().map(&mut pair).collect();
    pairs.extend(left.into_iter().map(|said| (None, Some(said))));
    pairs
}

/// Keys of results that only a real run can tell, or that it tells of itself.
const OWN: &[&str] = &[
    "attempts",
    "backup_file",
    "delta",
    "diff",
    "elapsed",
    "end",
    "invocation",
    "msg",
    "rc",
    "results",
    "start",
    "status",
    "stderr",
    "stderr_lines",
    "stdout",
    "stdout_lines",
    "stop",
];

/// Gaps field by field. How a thing is that a task before it would make, such as the mode that a umask leaves, check need not
/// know, nor whether systemd has read its files by then.
fn same_gaps(check: &[Value], apply: &[Value]) -> bool {
    let same = |(check, apply): (&Value, &Value)| {
        let list = |gap: &Value| gap["changes"].as_array().cloned().unwrap_or_default();
        let (left, right) = (list(check), list(apply));
        let named = ["kind", "name", "verb"].iter().all(|key| check[key] == apply[key]);
        let change = |(left, right): (&Value, &Value)| {
            left["field"] == right["field"] && left["then"] == right["then"] && (left["now"].is_null() || left["now"] == right["now"])
        };
        named && (check["kind"] == "unit_files" || left.len() == right.len() && left.iter().zip(&right).all(change))
    };
    check.len() == apply.len() && check.iter().zip(apply).all(same)
}

/// What a host tells of its time, its load and its memory is another each time.
fn steady(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(facts) = value.as_object_mut() {
        facts.retain(|name, _| {
            ![
                "date_time",
                "mem",
                "loadavg",
                "uptime",
                "mounts",
                "ansible_ssh_host_key",
                "ansible_env",
                "ansible_lo",
                "ansible_eth0",
                "proc",
            ]
            .iter()
            .any(|part| name.contains(part))
        });
    }
    value
}

/// What check and apply say of one task against each other.
fn judge(check: &Said, apply: &Said) -> Vec<String> {
    let mut wrong = vec![];
    if !holds(&check.outcome, &apply.outcome) {
        return vec![format!("check says {} {}, apply says {} {}", check.outcome, check.error, apply.outcome, apply.error)];
    }
    if apply.gaps.is_empty() && check.error != apply.error {
        wrong.push(format!("check fails with: {}; apply with: {}", check.error, apply.error));
    }
    if !same_gaps(&check.gaps, &apply.gaps) {
        wrong.push(format!("check would change {}, apply changed {}", json!(check.gaps), json!(apply.gaps)));
    }
    for (key, value) in check.result.as_object().into_iter().flatten().filter(|(key, _)| !OWN.contains(&key.as_str())) {
        let (left, right) = (steady(value), steady(&apply.result[key]));
        if left != right && apply.outcome != "ran" {
            let parts =
                left.as_object().into_iter().flatten().filter(|(name, part)| right[name.as_str()] != **part).map(|(name, _)| name.as_str());
            let parts: Vec<&str> = parts.collect();
            let show = |side: &Value| {
                if parts.is_empty() { side.to_string() } else { parts.iter().map(|part| format!("{part}: {} ", side[*part])).collect() }
            };
            wrong.push(format!("`{key}` of the result is {} in check, {} in apply", show(&left), show(&right)));
        }
    }
    wrong
}

/// Whether a second check found nothing more to do.
fn settled(start: &Start, check: &Said, apply: &Said, second: Option<&Said>) -> bool {
    let Some(second) = second else { return start.handlers.is_array() };
    let quiet = second.gaps.is_empty() && (second.outcome == "same" || second.outcome == apply.outcome && apply.outcome != "change");
    let refused = apply.outcome == "failed" && (second.outcome == "failed" || second.gaps == check.gaps);
    quiet || refused || second.outcome == "skipped" || start.again
}

/// Whether a thing is this one, or begins so where a star ends it.
fn covers(also: &str, thing: &str) -> bool {
    also.strip_suffix('*').map_or(also == thing, |head| thing.starts_with(head))
}

/// Holds what was said of one start against the host before and after; the row of the table.
fn hold(start: &Start, at: &str, said: [&[Said]; 3], sides: [&Snapshot; 2], found: &mut Found) -> (Vec<String>, String) {
    let [check, apply, again] = said;
    let mut wrong = vec![];
    let mut unsure = false;
    for (check, apply) in paired(check, apply) {
        let (Some(check), Some(apply)) = (check, apply) else {
            // a handler of a task that may change may not be told
            if start.unsure.is_none() {
                wrong.push(format!("only one of check and apply tells of {:?}", check.or(apply).map(|said| &said.task)));
            }
            continue;
        };
        // how an action ends only a real run can tell
        let ends = start.fails && check.outcome == "would_run";
        if is_certain(check) && !ends {
            found.certain += 1;
            found.otherwise += usize::from(!holds(&check.outcome, &apply.outcome));
            wrong.extend(
                judge(check, apply).into_iter().map(|what| if start.tasks.len() > 1 { format!("{}: {what}", check.task) } else { what }),
            );
        } else {
            (found.unsure, unsure) = (found.unsure + 1, true);
            if apply.outcome == "failed" && !start.fails {
                wrong.push(format!("{}: check is not sure, and apply fails: {}", check.task, apply.error));
            }
        }
        let second = again.iter().find(|second| second.task == check.task);
        if !settled(start, check, apply, second) {
            let second = second.map(|second| format!("{} {} {}", second.outcome, json!(second.gaps), second.error));
            wrong.push(format!("{}: the second check says {}", check.task, second.unwrap_or_else(|| "nothing".into())));
        }
    }
    if unsure != start.unsure.is_some() {
        let word = if unsure { "does not say" } else { "says" };
        let reasons: Vec<&str> = check.iter().map(|said| said.doubt.as_str()).filter(|doubt| !doubt.is_empty()).collect();
        wrong.push(format!(
            "check says {:?} {reasons:?}, and the file {word} that it cannot know",
            check.iter().map(told).collect::<Vec<_>>()
        ));
    }
    let mut things: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for gap in apply.iter().filter(|said| said.outcome != "failed").flat_map(|said| &said.gaps) {
        things.entry(format!("{}:{}", gap["kind"], gap["name"])).or_default().push(gap);
    }
    // what a command or a package does to a thing is not in the plan's fields of it
    let of_others = |thing: &str| start.also.iter().any(|also| covers(&also.replace("{{ at }}", at), thing));
    things.retain(|thing, _| !of_others(&thing.replace('"', "")));
    wrong.extend(things.values().flat_map(|gaps| sides[1].refutes(gaps, sides[0])));
    let plan = |said: &[Said]| said.iter().map(told).collect::<Vec<_>>().join("<br>");
    let reason = start.unsure.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    (wrong, format!("| {} | {}{reason} | {} |\n", start.state, plan(check), plan(apply)))
}

/// Holds one module's starts against a host; the table of what was found.
fn module(lab: &Lab, file: &Path, found: &mut Found) -> String {
    let name = file.file_stem().and_then(|name| name.to_str()).expect("a name").to_string();
    let starts = starts(file);
    let (mut setup, mut local) = ("set -e\n".to_string(), "set -e\n".to_string());
    for (number, start) in starts.iter().enumerate() {
        let at = at(&name, number);
        write!(setup, "mkdir -p {at}; cd {at}; at={at}\n{}\n", start.given).expect("text");
        let here = lab.here(&name, number).display().to_string();
        write!(local, "mkdir -p {here}; cd {here}\n{}\n", start.local).expect("text");
    }
    piped(Command::new("sh").arg("-s"), &local);
    lab.shell(&setup);
    lab.inventory(&name, &starts);
    lab.playbook(&name, &starts);

    let before = lab.snapshot(&name);
    let checked = lab.play(&name, &starts, &["--check"]);
    let untouched = lab.snapshot(&name);
    let applied = lab.play(&name, &starts, &[]);
    let after = lab.snapshot(&name);
    let again = lab.play(&name, &starts, &["--check"]);

    let mut wrong: Vec<String> = before
        .differences(&untouched)
        .into_iter()
        .map(|thing| format!("{name}: check changed {thing}: {} {}", before.tell(&thing), untouched.tell(&thing)))
        .collect();
    let mut table = format!("# {name}\n\n| state | check | apply |\n|---|---|---|\n");
    let (mut expected, mut excused) = (BTreeSet::new(), BTreeSet::new());
    for (number, start) in starts.iter().enumerate() {
        let said = [&checked, &applied, &again].map(|all| all[number].as_slice());
        let (more, row) = hold(start, &at(&name, number), said, [&before, &after], found);
        wrong.extend(more.into_iter().map(|what| format!("{name} {number:02} {}: {what}", start.state)));
        table += &row;
        let gaps = applied[number].iter().flat_map(|said| &said.gaps);
        expected
            .extend(gaps.map(|gap| format!("{}:{}", gap["kind"].as_str().unwrap_or_default(), gap["name"].as_str().unwrap_or_default())));
        excused.extend(start.also.iter().map(|thing| thing.replace("{{ at }}", &at(&name, number))));
    }
    let is_excused = |thing: &str| excused.iter().any(|also| covers(also, thing));
    for thing in before.differences(&after) {
        if !Snapshot::covered(&thing, &expected) && !is_excused(&thing) {
            wrong.push(format!("{name}: {thing} changed, and no plan said so: {} {}", before.tell(&thing), after.tell(&thing)));
        }
    }
    found.wrong.extend(wrong);
    table
}

struct Down(PathBuf);

impl Drop for Down {
    fn drop(&mut self) {
        hosts_sh(&self.0, &["down"]);
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn hosts_sh(lab: &Path, words: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("world/hosts.sh");
    let output = Command::new("sudo")
        .args(["-nE", "env", &format!("PATH={}", std::env::var("PATH").unwrap_or_default())])
        .arg(format!("HOME={}", std::env::var("HOME").unwrap_or_default()))
        .arg(format!("PLAY_LAB={}", lab.display()))
        .arg(format!("PLAY_OWNER={}", std::process::id()))
        .arg("PLAY_HOSTNAME=h1")
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
    let folder = Down(Path::new(&others).with_file_name(format!("truth-{}", std::process::id())));
    hosts_sh(&folder.0, &["up", "2"]);
    let config = std::fs::read_to_string(folder.0.join("ssh_config")).expect("ssh_config");
    let addresses = config.lines().filter_map(|line| line.trim().strip_prefix("HostName ")).enumerate();
    let lab = |(at, address): (usize, &str)| Lab {
        folder: folder.0.clone(),
        host: format!("h{}", at + 1),
        address: address.into(),
        program: program.clone(),
    };
    let labs: Vec<Lab> = addresses.map(lab).collect();

    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("world/truth");
    let filter = std::env::var("PLAY_TRUTH").unwrap_or_default();
    let mut files: Vec<PathBuf> = std::fs::read_dir(&cases).expect("cases").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| {
        file.extension().is_some_and(|kind| kind == "yml")
            && file.file_stem().is_some_and(|name| filter.split(',').any(|part| name.to_string_lossy().contains(part)))
    });
    files.sort();
    assert!(!files.is_empty(), "no file named {filter}");
    let all = |(at, lab): (usize, &Lab)| {
        let mut found = Found::default();
        for file in files.iter().skip(at).step_by(2) {
            // what breaks in one file is told with the rest
            let one = std::panic::AssertUnwindSafe(|| held(lab, file, &mut found));
            if std::panic::catch_unwind(one).is_err() {
                found.wrong.push(format!("{}: it could not be held against the host", file.display()));
            }
        }
        found
    };
    let founds: Vec<Found> = std::thread::scope(|scope| {
        let runs: Vec<_> = labs.iter().enumerate().map(|one| scope.spawn(move || all(one))).collect();
        runs.into_iter().map(|run| run.join().expect("a host's thread ends")).collect()
    });
    let sum = |of: fn(&Found) -> usize| founds.iter().map(of).sum::<usize>();
    let wrong: Vec<&str> = founds.iter().flat_map(|found| &found.wrong).map(String::as_str).collect();
    let otherwise = sum(|found| found.otherwise);
    figures(sum(|found| found.certain), otherwise, sum(|found| found.unsure));
    assert_eq!(otherwise, 0, "what check called certain went another way:\n{}", wrong.join("\n"));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[allow(clippy::print_stderr, reason = "figures for who reads the log")]
fn figures(certain: usize, otherwise: usize, unsure: usize) {
    eprintln!("check called {certain} tasks certain, of which {otherwise} went another way, and was not sure of {unsure}");
}

/// One file held against a host, and its table against the one that is kept.
fn held(lab: &Lab, file: &Path, found: &mut Found) {
    let table = module(lab, file, found);
    let golden = file.with_extension("md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&golden, &table).expect("a table");
    } else if std::fs::read_to_string(&golden).unwrap_or_default() != table {
        found.wrong.push(format!("{} is not what was found; BLESS=1 writes it:\n{table}", golden.display()));
    }
}
