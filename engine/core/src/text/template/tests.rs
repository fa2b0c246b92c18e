//! The cases in `tests/text/templates`, whose expectations real Ansible wrote, and what they cannot say: places of errors,
//! secrets, what is unknown.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::store::{Mode, Origin};
use super::*;
use crate::text::control::{ControlError, Decrypted, Entry, Piped};
use crate::text::filters::encode::{Json, json_text};
use crate::text::value::{Key, Mark, Unknown};
use crate::text::yaml;

/// Reads the folder of the cases, and nothing else.
struct Double(String);

#[allow(clippy::disallowed_methods)]
impl Control for Double {
    fn read(&self, path: &str) -> std::result::Result<Vec<u8>, ControlError> {
        std::fs::read(Path::new(&self.0).join(path)).map_err(|_| ControlError::NotFound)
    }
    fn entry(&self, path: &str) -> Option<Entry> {
        let data = std::fs::metadata(Path::new(&self.0).join(path)).ok()?;
        Some(if data.is_dir() { Entry::Folder } else { Entry::File })
    }
    fn mode(&self, _: &str) -> Option<u32> {
        None
    }
    fn list(&self, path: &str) -> std::result::Result<Vec<String>, ControlError> {
        let entries = std::fs::read_dir(Path::new(&self.0).join(path)).map_err(|_| ControlError::NotFound)?;
        let mut names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        Ok(names)
    }
    fn env(&self, name: &str) -> Option<String> {
        (name == "CASE_ENV").then(|| "from env".to_string())
    }
    fn pipe(&self, command: &str, _: &str) -> std::result::Result<Piped, ControlError> {
        let stdout = match command {
            "echo hi" => "hi\n",
            _ => "a\nb\n",
        };
        Ok(Piped { code: 0, stdout: stdout.into(), stderr: vec![] })
    }
    fn decrypt(&self, _: &str, _: &[u8]) -> std::result::Result<Option<Decrypted>, String> {
        Ok(None)
    }
    fn now(&self) -> (i64, u32) {
        (1_763_700_000, 0)
    }
    fn working_directory(&self) -> String {
        self.0.clone()
    }
    fn home(&self) -> String {
        "/home/u".to_string()
    }
    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
    fn write(&self, _: &str, _: &[u8], _: u32) -> std::result::Result<(), ControlError> {
        Err(ControlError::Other("read-only".to_string()))
    }
}

#[derive(Default)]
pub(super) struct Vars(pub HashMap<String, Var>, pub String);

impl Scope for Vars {
    fn get(&self, name: &str) -> Option<Var> {
        self.0.get(name).cloned()
    }
    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().map(|name| name.as_str().into()).collect()
    }
    fn search(&self, _: Search, name: &str) -> Vec<String> {
        vec![if name.starts_with('/') { name.to_string() } else { format!("{}/{name}", self.1) }]
    }
}

fn folder() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/text/templates");
    path.canonicalize().expect("the folder of the cases").to_string_lossy().into_owned()
}

fn templates() -> Templates {
    Templates::new(Arc::new(Double(format!("{}/files", folder()))))
}

fn vars(text: &str) -> Vars {
    let node = yaml::parse(&Source::new("vars.yml", text)).unwrap_or_else(|error| panic!("{}", error.render(false)));
    let pairs = node.as_map().unwrap_or_default().iter().map(|(key, value)| (key.to_key().to_string(), Var::Raw(value.clone())));
    Vars(pairs.collect(), format!("{}/files", folder()))
}

fn node(text: &str) -> Node {
    let source = Source::new("case", text);
    Node::quoted(source.span(0..text.len()), text)
}

fn evaluated(templates: &Templates, kind: &str, text: &str, scope: &Vars) -> Result<Value> {
    let node = node(text);
    match kind {
        "@when" => templates.condition(&node, scope),
        "@expression" => templates.expression(&node, scope),
        "@plain" => templates.public(scope, &node.span, || templates.evaluate(text, Mode::Condition, Origin::Node(&node))),
        _ => templates.render(&node, scope),
    }
}

/// Runs a file of cases; gives how many there are and what differs.
#[allow(clippy::disallowed_methods)]
fn run(path: &Path, templates: &Templates) -> (usize, Vec<String>) {
    let text = std::fs::read_to_string(path).expect("a readable case file");
    let (head, body) = text.split_once("\n---\n").expect("variables before ---");
    let scope = vars(head);
    let (mut count, mut wrong, mut lines) = (0, vec![], vec![]);
    for line in body.lines() {
        let Some(expected) = line.strip_prefix("=> ") else {
            if !line.starts_with("#!") && !(line.is_empty() && lines.is_empty()) {
                lines.push(line);
            }
            continue;
        };
        let kind = if lines[0].starts_with('@') { lines.remove(0) } else { "" };
        let case = std::mem::take(&mut lines).join("\n");
        count += 1;
        let result = evaluated(templates, kind, &case, &scope);
        let shown = match &result {
            Ok(value) => json_text(value, &Json { ascii: false, ..Json::default() }).unwrap_or_else(|_| format!("{value:?}")),
            Err(_) => "!error".to_string(),
        };
        let same = match (serde_json::from_str::<serde_json::Value>(&shown), serde_json::from_str::<serde_json::Value>(expected)) {
            (Ok(ours), Ok(theirs)) => ours == theirs,
            _ => shown == expected,
        };
        if !same {
            let error = result.err().map_or_else(String::new, |error| format!("\n   {}", error.message()));
            wrong.push(format!("{kind} {case}\n   ansible {expected}\n   ours    {shown}{error}"));
        }
    }
    (count, wrong)
}

#[test]
#[allow(clippy::disallowed_methods)]
fn as_ansible() {
    let templates = templates();
    let only = std::env::var("CASES").unwrap_or_default();
    let (mut all, mut wrong) = (0, vec![]);
    let mut files: Vec<_> = std::fs::read_dir(folder()).expect("the folder of the cases").flatten().map(|entry| entry.path()).collect();
    files.sort();
    for path in files {
        let name = path.to_string_lossy().into_owned();
        if name.ends_with(".txt") && name.contains(&only) {
            let (count, differs) = run(&path, &templates);
            all += count;
            wrong.extend(differs);
        }
    }
    assert!(wrong.is_empty(), "{} of {all} differ\n{}", wrong.len(), wrong.join("\n"));
}

fn error(template: &str, variables: &str) -> String {
    templates().render(&node(template), &vars(variables)).expect_err("an error").render(false)
}
