//! The cases in `tests/text/templates`, whose expectations real Ansible wrote, and what they cannot say: places of errors,
//! secrets, what is unknown.

#![allow(clippy::panic, clippy::print_stderr)]

use std::path::Path;
use std::sync::Arc;

use super::store::{Mode, Origin};
use super::*;
use crate::text::control::{ControlError, Decrypted, Entry, Piped};
use crate::text::filters::encode::{Json, json_text};
use crate::text::value::{Mark, Unknown};
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
    fn identity(&self, path: &str) -> Option<String> {
        std::fs::canonicalize(Path::new(&self.0).join(path)).ok().map(|path| path.to_string_lossy().into_owned())
    }
    fn is_link(&self, path: &str) -> bool {
        Path::new(&self.0).join(path).is_symlink()
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
pub(super) struct Vars(pub indexmap::IndexMap<String, Var>, pub String);

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
        "@plain" => templates.public(scope, &node.span, || templates.evaluate(text, Mode::Expression, Origin::Node(&node))),
        kind if kind.starts_with("@file") => templates.file(&Source::new("case.j2", text), &settings(&kind[5..]), scope),
        _ => templates.render(&node, scope),
    }
}

fn settings(text: &str) -> Settings {
    let json: serde_json::Value = serde_json::from_str(if text.is_empty() { "{}" } else { text }).expect("settings in JSON");
    let mut settings = Settings::default();
    let brackets = |name: &str, slot: &mut String| *slot = json[name].as_str().unwrap_or(slot).to_string();
    brackets("variable_start_string", &mut settings.variable.0);
    brackets("variable_end_string", &mut settings.variable.1);
    brackets("block_start_string", &mut settings.block.0);
    brackets("block_end_string", &mut settings.block.1);
    brackets("comment_start_string", &mut settings.comment.0);
    brackets("comment_end_string", &mut settings.comment.1);
    brackets("newline_sequence", &mut settings.newline);
    settings.trim_blocks = json["trim_blocks"].as_bool().unwrap_or(settings.trim_blocks);
    settings.lstrip_blocks = json["lstrip_blocks"].as_bool().unwrap_or(settings.lstrip_blocks);
    settings
}

/// Runs a file of cases; gives how many there are and what differs.
#[allow(clippy::disallowed_methods)]
fn run(path: &Path, templates: &Templates) -> (usize, Vec<String>) {
    let text = std::fs::read_to_string(path).expect("a readable case file");
    let (head, body) = text.split_once("\n---\n").expect("variables before ---");
    let scope = vars(head);
    let (mut count, mut wrong, mut lines) = (0, vec![], vec![]);
    let (mut last, mut pending): (Option<(String, String)>, Option<String>) = (None, None);
    for line in body.lines() {
        if let Some(ours) = line.strip_prefix("!> ") {
            // a difference on purpose: what we give instead
            pending = None;
            if let Some((case, shown)) = last.take().filter(|(_, shown)| shown != ours) {
                wrong.push(format!("{case}\n   meant   {ours}\n   ours    {shown}"));
            }
            continue;
        }
        wrong.extend(pending.take());
        let Some(expected) = line.strip_prefix("=> ") else {
            if !line.starts_with("#!") && (!line.is_empty() || !lines.is_empty()) {
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
            last = Some((format!("{kind} {case}"), shown.clone()));
            pending = Some(format!("{kind} {case}\n   ansible {expected}\n   ours    {shown}{error}"));
        }
    }
    wrong.extend(pending);
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

/// Renders the value of `x` in a text of YAML, with the other keys as variables; gives the value and what is printed.
fn rendered(text: &str, more: &[(&str, Value)]) -> std::result::Result<Value, String> {
    let mut scope = vars(text);
    for (name, value) in more {
        scope.0.insert(name.to_string(), Var::Value(value.clone()));
    }
    let Some(Var::Raw(node)) = scope.0.shift_remove("x") else { panic!("no x") };
    templates().render(&node, &scope).map_err(|error| error.render(false))
}

/// `messages.txt` beside the cases: a text of YAML whose `x` is rendered, and the whole message; `BLESS=1` writes it anew.
#[test]
#[allow(clippy::disallowed_methods)]
fn messages() {
    let path = format!("{}/../messages.txt", folder());
    let text = std::fs::read_to_string(&path).expect("the file of messages");
    let mut fresh = vec![];
    for case in text.split("%%%%\n") {
        let (yaml, _) = case.split_once("----\n").expect("a line of dashes");
        let shown = rendered(yaml, &[]).map_or_else(|error| error, |value| format!("{value:?}")).replace(&folder(), "");
        fresh.push(format!("{yaml}----\n{}\n", shown.trim_end()));
    }
    let fresh = fresh.join("%%%%\n");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &fresh).expect("a writable file");
    }
    similar_lines(&text, &fresh);
}

fn similar_lines(wanted: &str, found: &str) {
    for (wanted, found) in wanted.split("%%%%\n").zip(found.split("%%%%\n")) {
        assert_eq!(wanted, found);
    }
}

#[test]
fn secrets_travel() {
    let mark = Mark::new("db_password", "hunter2hunter2", b"k");
    let password = Value::text("hunter2hunter2").marked(vec![mark.clone()]);
    let db = Value::map([("user", Value::text("bob")), ("password", password.clone())]);
    let more = [("db", db), ("password", password)];
    let render = |text: &str| rendered(&format!("x: \"{text}\"\n"), &more).unwrap_or_else(|error| panic!("{error}"));
    let marked = |text: &str| render(text).marks().len();
    assert_eq!(marked("{{ db.user }}"), 0);
    assert_eq!(marked("{{ db.user | upper }} {{ db | length }}"), 0);
    assert_eq!(marked("{{ db is defined }}"), 0);
    assert_eq!(marked("{{ password }}"), 1);
    assert_eq!(marked("a {{ password | b64encode | upper }}"), 1);
    assert_eq!(marked("{{ db }}"), 1);
    assert_eq!(marked("{{ db | to_json }}"), 1);
    assert_eq!(marked("{{ [db] | map(attribute='user') | list }}"), 0);
    assert_eq!(marked("{{ [db] | selectattr('user', 'equalto', 'bob') | map(attribute='user') | first }}"), 0);
    assert_eq!(marked("{% if password %}yes{% endif %}"), 1);
    assert_eq!(marked("{{ db.items() | list | length }}"), 0);
    assert_eq!(marked("{{ db | combine({'user': 'x'}) }}"), 1);
    assert_eq!(marked("{{ (db | combine({'user': 'x'})).user }}"), 0);
    assert_eq!(marked("{{ 'a' if false else 'b' }}"), 0);
    assert!(matches!(render("{{ db }}").get("user"), Some(Value::Text(_))), "a leaf that is no secret stays as it is");
    assert_eq!(mask::shown(&render("pw={{ password }};")), format!("pw={};", mark.shown()));
    assert_eq!(mask::shown(&render("{{ ('u:' ~ password) | b64encode }}")), mask::shown(&render("{{ ('u:' ~ password) | b64encode }}")));
    assert!(mask::shown(&render("Basic {{ ('bob:' ~ password) | b64encode }}")).starts_with("Basic Ym9i"));
    assert!(!mask::shown(&render("Basic {{ ('bob:' ~ password) | b64encode }}")).contains("aHVudGVy"));
    assert_eq!(mask::shown(&render("{{ password | hash('sha256') }}")), mark.shown());
    let short = Mark::new("s", "abc", b"");
    assert_eq!(mask::masked("x abc y", std::slice::from_ref(&short)), short.shown());
}

/// A map that the user wrote is rendered leaf by leaf, as it is read.
#[test]
fn a_written_map_is_lazy() {
    let mark = Mark::new("pw", "correct horse", b"k");
    let more = [("pw", Value::text("correct horse").marked(vec![mark.clone()]))];
    let yaml =
        |x: &str| format!("db: {{user: \"{{{{ name }}}}\", password: \"{{{{ pw }}}}\", bad: \"{{{{ nope }}}}\"}}\nname: bob\nx: {x}\n");
    let user = rendered(&yaml("\"{{ db.user }}\""), &more).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((user.as_str(), user.marks().len()), (Some("bob"), 0));
    let map = rendered(&yaml("{a: \"{{ db.user }}\", b: \"{{ db.password }}\", c: \"{{ vars.name }}\"}"), &more)
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(map.get("a"), Some(Value::Text(_))) && matches!(map.get("b"), Some(Value::Secret(_))));
    assert_eq!(map.get("c"), Some(&Value::text("bob")));
    let error = rendered(&yaml("\"{{ 5 | strftime(pw) }} {{ '%Y' | strftime(pw) }}\""), &more).expect_err("no count of seconds");
    assert!(!error.contains("correct horse") && error.contains(&mark.shown()), "{error}");
}

struct Hosts(Arc<Vars>);

impl Scopes for Hosts {
    fn names(&self) -> Vec<Arc<str>> {
        vec!["web".into()]
    }
    fn get(&self, name: &str) -> Option<Arc<dyn Scope + Send + Sync>> {
        (name == "web").then(|| self.0.clone() as Arc<dyn Scope + Send + Sync>)
    }
}

/// Another host's variables are rendered with that host's variables.
#[test]
fn hostvars() {
    let mut scope = vars(
        "who: me\nx: \"{{ hostvars['web'].greeting }} {{ hostvars.web['who'] }} {{ who }}\"\ny: \"{{ hostvars.wbe.who }}\"\nz: \"{{ hostvars | length }}{{ 'web' in hostvars }}\"\n",
    );
    scope.0.insert("hostvars".to_string(), Var::Scopes(Arc::new(Hosts(Arc::new(vars("who: web1\ngreeting: \"hi {{ who }}\"\n"))))));
    let templates = templates();
    let render = |name: &str| {
        let Some(Var::Raw(node)) = scope.get(name) else { panic!("no {name}") };
        templates.render(&node, &scope).map_err(|error| error.render(false))
    };
    assert_eq!(render("x"), Ok(Value::text("hi web1 web1 me")));
    assert_eq!(render("z"), Ok(Value::text("1True")));
    assert!(render("y").expect_err("no such host").contains("did you mean `web`?"));
}

/// On the stack of a test's thread, which is as small as any.
#[test]
fn a_long_chain_of_variables() {
    let chain = |length: usize| {
        (0..length).map(|at| format!("v{at}: \"a{{{{ v{} }}}}\"\n", at + 1)).collect::<String>()
            + &format!("v{length}: end\nx: \"{{{{ v0 }}}}\"\n")
    };
    assert!(rendered(&chain(50), &[]).is_ok());
    assert!(rendered(&chain(80), &[]).expect_err("too deep").contains("levels deep"));
}

#[test]
fn hosts_may_share_templates() {
    fn shared<T: Send + Sync>() {}
    shared::<Templates>();
}

#[test]
fn what_is_unknown_travels() {
    let unknown = Value::Unknown(Arc::new(Unknown { because: "needs result of \"a\"".to_string(), span: None }));
    let more = [("u", unknown.clone()), ("r", Value::map([("rc", unknown), ("changed", Value::Bool(true))]))];
    let render = |text: &str| rendered(&format!("x: \"{text}\"\n"), &more).unwrap_or_else(|error| panic!("{error}"));
    assert!(render("{{ u }}").unknown().is_some());
    assert!(render("a {{ u.stdout | trim }}").unknown().is_some());
    assert!(render("{{ r.rc == 0 }}").unknown().is_some());
    assert_eq!(render("{{ r.changed }}"), Value::Bool(true));
    assert_eq!(render("{{ r is changed }}"), Value::Bool(true));
    assert_eq!(render("{{ u is defined }}"), Value::Bool(true));
    assert_eq!(render("{{ false and u }}"), Value::Bool(false));
    assert_eq!(render("{{ true or u }}"), Value::Bool(true));
    assert!(render("{{ u or true }}").unknown().is_some());
    assert!(render("{{ u | default('x') }}").unknown().is_some());
    assert_eq!(render("{{ 'a' if true else u }}"), Value::text("a"));
    let scope = Vars(more.iter().map(|(name, value)| (name.to_string(), Var::Value(value.clone()))).collect(), String::new());
    let condition = |text: &str| {
        let node = yaml::parse(&Source::new("c.yml", text)).expect("yaml");
        templates().condition(&node, &scope).unwrap_or_else(|error| panic!("{}", error.render(false)))
    };
    assert_eq!(condition("[u.rc == 0, false]"), Value::Bool(false));
    assert!(condition("[u.rc == 0, true]").unknown().is_some());
    assert_eq!(condition("[]"), Value::Bool(true));
    assert_eq!(condition("yes"), Value::Bool(true));
}

#[test]
fn what_a_template_reads() {
    let templates = templates();
    assert_eq!(
        templates.references("{% for i in xs %}{{ i.a ~ b.c }}{{ lookup('vars', d) }}{% set z = 1 %}{{ z }}{% endfor %}"),
        ["b", "d", "xs"]
    );
    assert_eq!(templates.expression_references("a.b is defined and c | default(d)"), ["a", "c", "d"]);
    assert!(templates.references("plain").is_empty());
}

/// Not a test: prints how long things take. `cargo test --release -p play-core speed -- --ignored --nocapture`
#[test]
#[ignore]
fn speed() {
    let templates = templates();
    let mut scope = vars("a: 1\nb: {c: {d: x}}\ne: \"{{ a }}\"\n");
    let items: Vec<Value> = (0..20_000).map(|at| Value::map([("name", Value::text(format!("n{at}"))), ("id", Value::Int(at))])).collect();
    scope.0.insert("items".to_string(), Var::Value(Value::from(items)));
    scope.0.insert("f".to_string(), Var::Value(Value::text("fact")));
    for text in [
        "{{ f }}",
        "{{ a }}",
        "{{ e }}",
        "x {{ b.c.d }} y",
        "{{ f | default('x') | upper }}",
        "{% for i in items %}{{ i.name }}={{ i.id + 1 }}\n{% endfor %}",
        "{{ items | map(attribute='name') | join(',') }}",
        "{{ items | selectattr('id', 'gt', 100) | list | length }}",
        "{% set o = [] %}{% for i in items %}{% set _ = o.append(i.id) %}{% endfor %}{{ o | length }}",
    ] {
        let node = node(text);
        templates.render(&node, &scope).unwrap_or_else(|error| panic!("{}", error.render(false)));
        let count = if text.contains("items") { 5 } else { 20_000 };
        let start = std::time::Instant::now();
        for _ in 0..count {
            templates.render(&node, &scope).unwrap_or_else(|error| panic!("{}", error.render(false)));
        }
        eprintln!("{:>10.1} us  {text}", start.elapsed().as_secs_f64() * 1e6 / f64::from(count));
    }
}
