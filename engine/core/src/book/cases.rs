//! Runs the cases of `tests/book`: what the real Ansible said of inventories, patterns and arguments.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::inventory::{GroupId, HostVars, Inventory};
use super::{extra, pattern, shortform};
use crate::text::{Collector, MemoryControl, Value};

struct Case {
    name: String,
    files: Vec<(String, String)>,
    pipes: Vec<(i32, String, String)>,
    sources: Vec<String>,
    playbook: Option<String>,
    expect: String,
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/book").join(name)
}

fn cases(name: &str) -> Vec<Case> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder(name)).expect("a folder of cases").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(read).collect()
}

fn read(path: &PathBuf) -> Case {
    let text = fs::read_to_string(path).expect("a case");
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let mut case = Case { name, files: vec![], pipes: vec![], sources: vec![], playbook: None, expect: String::new() };
    for part in format!("\n{text}").split("\n=== ").skip(1) {
        let part = format!("{}\n", part.strip_suffix('\n').unwrap_or(part));
        let (head, body) = part.split_once('\n').expect("a head");
        match head {
            "sources" => case.sources = body.lines().map(String::from).collect(),
            "playbook" => case.playbook = Some(body.trim().to_string()),
            "expect" => case.expect = body.to_string(),
            _ => match head.strip_prefix("pipe ").and_then(|rest| rest.split_once(' ')) {
                Some((code, command)) => case.pipes.push((code.parse().expect("a code"), command.into(), body.into())),
                None => case.files.push((head.to_string(), body.to_string())),
            },
        }
    }
    case
}

impl Case {
    fn control(&self) -> MemoryControl {
        let mut control = MemoryControl::new(self.files.iter().map(|(path, text)| (path, text)));
        for (path, _) in self.files.iter().filter(|(_, text)| text.starts_with("#!")) {
            control = control.mode(path, 0o755);
        }
        self.pipes.iter().fold(control, |control, (code, command, stdout)| control.pipe(command, *code, stdout, ""))
    }
}

fn to_json(value: &Value) -> Json {
    match value.plain() {
        Value::Null => Json::Null,
        Value::Bool(flag) => json!(flag),
        Value::Int(int) => json!(int),
        Value::Float(float) => json!(float),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(map) => Json::Object(map.iter().map(|(key, value)| (key.to_string(), to_json(value))).collect()),
        other => json!(other.as_str()),
    }
}

/// The inventory as `ansible-inventory --list` prints it.
fn listed(case: &Case, control: &MemoryControl, diagnostics: &mut Collector) -> Json {
    let inventory = Inventory::load(control, &case.sources, diagnostics);
    let mut vars = HostVars::new(&case.playbook.iter().cloned().collect::<Vec<_>>());
    vars.load(control, &inventory, inventory.hosts(), diagnostics);
    let mut hostvars = serde_json::Map::new();
    for id in inventory.members(GroupId(0)) {
        let layers = vars.layers(id).expect("loaded");
        let own: serde_json::Map<_, _> =
            layers.names().iter().map(|name| (name.to_string(), to_json(&layers.get(name).expect("a variable").to_value()))).collect();
        if !own.is_empty() {
            hostvars.insert(inventory.host(id).name.to_string(), Json::Object(own));
        }
    }
    let mut list = json!({ "_meta": { "hostvars": hostvars } });
    for id in [GroupId(0)].into_iter().chain(inventory.descendants(GroupId(0))) {
        let group = inventory.group(id);
        let mut shown = serde_json::Map::new();
        if !group.hosts.is_empty() && id != GroupId(0) {
            shown.insert("hosts".into(), group.hosts.iter().map(|host| json!(*inventory.host(*host).name)).collect());
        }
        if !group.children.is_empty() {
            shown.insert("children".into(), group.children.iter().map(|child| json!(*inventory.group(*child).name)).collect());
        }
        if !shown.is_empty() {
            list[&*group.name] = Json::Object(shown);
        }
    }
    list
}

#[test]
fn inventories_are_read_as_ansible_reads_them() {
    let mut wrong = vec![];
    let cases = cases("inventory");
    for case in &cases {
        let mut diagnostics = Collector::default();
        let found = listed(case, &case.control(), &mut diagnostics);
        let said: String = diagnostics.iter().map(|diagnostic| diagnostic.render(false)).collect();
        if case.expect.trim() == "error" {
            if !diagnostics.has_errors() {
                wrong.push(format!("{}: an error was expected", case.name));
            }
            continue;
        }
        let want: Json = serde_json::from_str(&case.expect).expect("json");
        if diagnostics.has_errors() || found != want {
            let shown = serde_json::to_string(&found).expect("json");
            wrong.push(format!("{}:\n{said}\nfound {shown}\n want {}", case.name, serde_json::to_string(&want).expect("json")));
        }
    }
    assert!(cases.len() >= 30 && wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

/// One line of a case of patterns: the hosts, an error, or what Ansible warns of.
fn selected(inventory: &Inventory, control: &MemoryControl, asked: &str) -> crate::text::Result<(Vec<String>, bool)> {
    let (words, limit) = asked.split_once(" --limit ").map_or((asked, None), |(words, limit)| (words, Some(limit)));
    let mut selected = pattern::select(inventory, words)?;
    if let Some(limit) = limit {
        let limits = pattern::limit(inventory, &selected.hosts, &pattern::limit_words(control, limit)?)?;
        selected.warnings.extend(limits.warnings);
        selected.hosts = limits.hosts;
    }
    let names = selected.hosts.iter().map(|host| inventory.host(*host).name.to_string()).collect();
    Ok((names, !selected.warnings.is_empty()))
}

#[test]
fn patterns_select_as_ansible_selects() {
    let (mut wrong, mut count) = (vec![], 0);
    for case in cases("patterns") {
        let control = case.control();
        let mut diagnostics = Collector::default();
        let inventory = Inventory::load(&control, &case.sources, &mut diagnostics);
        for line in case.expect.lines() {
            count += 1;
            let (asked, want) = line.split_once(" =>").expect("an expectation");
            let (any_order, want) = want.trim().strip_prefix("(any order)").map_or((false, want.trim()), |rest| (true, rest.trim()));
            let found = match selected(&inventory, &control, asked) {
                Err(_) => "error".to_string(),
                Ok((mut names, warns)) => {
                    if any_order {
                        names.sort();
                    }
                    format!("{}{}", if warns { "(warns) " } else { "" }, names.join(" ")).trim().to_string()
                }
            };
            if found != want {
                wrong.push(format!("{}: {asked}\n found {found}\n  want {want}", case.name));
            }
        }
    }
    assert!(count >= 100 && wrong.is_empty(), "{} of {count} patterns:\n{}", wrong.len(), wrong.join("\n"));
}

fn rows(name: &str) -> Vec<Json> {
    let case = read(&folder(name));
    case.expect.lines().map(|line| serde_json::from_str(line).expect("json")).collect()
}

#[test]
fn short_forms_are_split_as_ansible_splits_them() {
    let mut wrong = vec![];
    for row in rows("shortform.txt") {
        let text = row["text"].as_str().expect("a text");
        let split = shortform::split_args(text).map(|words| words.into_iter().map(|word| word.text).collect::<Vec<_>>());
        let found = match (split, shortform::parse(text, row["raw"] == true)) {
            (Ok(split), Ok(parsed)) => {
                let mut pairs: serde_json::Map<_, _> = parsed.pairs.iter().map(|pair| (pair.name.clone(), json!(pair.value))).collect();
                if let Some(rest) = &parsed.rest {
                    pairs.insert("_raw_params".into(), json!(rest.text));
                }
                json!({"split": split, "pairs": pairs})
            }
            _ => json!("error"),
        };
        if found != row["expect"] {
            wrong.push(format!("{text:?}\n found {found}\n  want {}", row["expect"]));
        }
    }
    assert!(wrong.is_empty(), "{} texts:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn extra_vars_are_read_as_ansible_reads_them() {
    let control = MemoryControl::new([("vars.yml", "a: 1\nb: [x, y]\n"), ("vars.json", "{\"a\": 1e3}"), ("list.yml", "- a\n")]);
    let mut wrong = vec![];
    for row in rows("extra.txt") {
        let given: Vec<String> = serde_json::from_value(row["given"].clone()).expect("texts");
        let mut diagnostics = Collector::default();
        let scope = extra::load(&control, &given, &mut diagnostics);
        let found: serde_json::Map<_, _> = scope.iter().map(|(name, var)| (name.to_string(), to_json(&var.to_value()))).collect();
        let found = if diagnostics.has_errors() { json!("error") } else { Json::Object(found) };
        // Ansible keeps a word that is no variable as one of this name, which nobody reads; here it is a warning
        let mut row = row;
        row["expect"].as_object_mut().map(|want| want.remove("_raw_params"));
        if found != row["expect"] {
            wrong.push(format!("{given:?}\n found {found}\n  want {}", row["expect"]));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(100))]

    /// No text makes a reader fall over, whatever it says of it.
    #[test]
    fn readers_stand_any_text(text in r#"[-a-c0-9=:,.;#~&!*?@$%é\[\](){}'"\\ \t\n]{0,60}"#) {
        let control = MemoryControl::new([("hosts.ini", text.as_str()), ("hosts", &text), ("h.yml", &text), ("h.json", &text), ("ansible.cfg", &text)]);
        for source in ["hosts.ini", "hosts", "h.yml", "h.json", &text] {
            let mut diagnostics = Collector::default();
            let inventory = Inventory::load(&control, &[source.to_string()], &mut diagnostics);
            let _ = pattern::select(&inventory, &text);
            diagnostics.iter().for_each(|diagnostic| drop(diagnostic.render(false)));
        }
        let _ = shortform::parse(&text, true);
        let mut diagnostics = Collector::default();
        super::config::Config::load(&control, &mut diagnostics);
        extra::load(&control, std::slice::from_ref(&text), &mut diagnostics);
        diagnostics.iter().for_each(|diagnostic| drop(diagnostic.render(false)));
    }
}
