//! Cases of modules: a task and a world in; what is looked at, what is wanted and what is registered out.
//!
//! Parts: `task` (YAML: the module with its arguments, and `args`), `file NAME` (of the control node), `world` (YAML:
//! `kind:name` to fields or null; `denied:` to a message; `may kind:name` for what a task before it may change; `would kind:name` for
//! what one before it would make), `answer NAME` (what an API server answered about one of the looks, as responses), `reply` (what the
//! action or condition gave), `mended` (what the call that closed the first gap gave), `responses` (the same from an API server). `on the host` (files are not read from the control node: `remote_src`). Expected: `error`, `looks`, `want`, `holds`, `refused`, `result`.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{Case, fields, files, indented, judge, shown};
use crate::book::shortform;
use crate::modules::{self, Args, Entry, Module, TABLE, Type};
use crate::resources;
use crate::run::compare;
use crate::state::{Answer, Condition, Done, Gap, Halt, Holds, Look, Reach, Reading, Request, Script, Verb, View, Want, World};
use crate::text::yaml::Data;
use crate::text::{Contents, Diagnostic, Key, Map, Node, Source, Span, Unknown, Value};

#[test]
fn modules_mean_what_their_cases_say() {
    judge(files("modules"), run);
}

#[test]
fn every_module_has_a_case() {
    let files = files("modules");
    let missing: Vec<&str> = TABLE.iter().map(|entry| entry.spec.name).filter(|name| !files.iter().any(|file| file.of == *name)).collect();
    assert!(missing.is_empty(), "no case below tests/modules for {missing:?}");
}

fn run(of: &str, case: &Case) -> Vec<(&'static str, String)> {
    let module = match make(of, case) {
        Ok(module) => module,
        Err(error) => return vec![("error", said(&error))],
    };
    let mut world = world(case);
    answered(&*module, case, &mut world);
    let view = View::new(&world, 0);
    let looks: String = module.looks().iter().map(|look| format!("{look:?}\n")).collect();
    let (want, gaps) = match module.want(&view) {
        Ok(want) => {
            again(&*module, &want, &view, case);
            let compared = compare(&world, 0, &want.states).unwrap_or_else(|halt| panic!("{}: {halt:?}", case.name));
            converges(&*module, &compared.gaps, &world, case);
            (dump(&want), compared.gaps)
        }
        Err(halt) => return vec![("looks", looks), ("want", halted(&halt))],
    };
    let reply = case.reply("reply");
    let responses = case.responses("responses").unwrap_or_default();
    let mended = case.reply("mended");
    let fixes: Vec<_> = mended.iter().filter(|reply| reply.code == 0).cloned().collect();
    let (began, ended) = (1_700_000_000.0, 1_700_000_000.25);
    let done = Done { gaps: &gaps, fixes: &fixes, reply: reply.as_ref(), responses: &responses, view, began, ended };
    let refused = mended.filter(|reply| reply.code != 0).zip(gaps.first()).map(|(reply, gap)| map(&module.refused(gap, &reply), ""));
    let answer = reply.clone().map(Answer::Shell).or_else(|| case.part("responses").map(|_| Answer::Api(responses.clone())));
    let holds = answer.map(|answer| module.holds_at(&answer, 1_700_000_000.0)).filter(|holds| *holds != Holds::Yes);
    let holds = holds.map(|holds| format!("{holds:?}\n")).unwrap_or_default();
    vec![
        ("error", String::new()),
        ("looks", looks),
        ("want", want),
        ("holds", holds),
        ("refused", refused.unwrap_or_default()),
        ("result", map(&module.result(&done), "")),
    ]
}

fn make(of: &str, case: &Case) -> Result<Arc<dyn Module>, Diagnostic> {
    let task = case.yaml("task");
    let pairs = task.as_map().unwrap_or_else(|| panic!("{}: a task is a mapping", case.name));
    let (name, node) = &pairs[0];
    let entry = modules::find(name.as_str().unwrap_or_default()).unwrap_or_else(|| panic!("{}: no module {:?}", case.name, name.as_str()));
    assert_eq!(entry.spec.name, of, "{}: a case of another module", case.name);
    let mut given = given(entry, node, case)?;
    if let Some(more) = task.get("args") {
        given.extend(self::given(entry, more, case)?);
    }
    (entry.make)(&Args::new(entry.spec, name.span.clone(), given)?)
}

fn given(entry: &'static Entry, node: &Node, case: &Case) -> Result<Vec<(String, Value, Span)>, Diagnostic> {
    let spec = entry.spec;
    if node.is_null() {
        return Ok(vec![]);
    }
    let Some(pairs) = node.as_map() else {
        let short = shortform::parse(node.as_str().unwrap_or_default(), spec.free_form.is_some())?;
        let mut all: Vec<_> = short
            .pairs
            .iter()
            .map(|pair| (pair.name.clone(), arg(entry, &pair.name, Value::text(pair.value.as_str()), case), pair.value_span(node)))
            .collect();
        if let (Some(rest), Some(name)) = (short.rest, spec.free_form) {
            all.push((name.to_string(), arg(entry, name, Value::text(rest.text), case), node.place(rest.start, rest.end)));
        }
        return Ok(all);
    };
    let arg = |(key, node): &(Node, Node)| {
        let name = key.as_str().unwrap_or_default();
        (name.to_string(), arg(entry, name, secret(node), case), node.span.clone())
    };
    Ok(pairs.iter().map(arg).collect())
}

/// `!secret text` is a secret; `!unknown why` is what only a real run could tell.
fn secret(node: &Node) -> Value {
    let text = || node.as_str().unwrap_or_default().to_string();
    match node.tag.as_deref() {
        Some("!secret") => Value::text(text()).marked(vec![crate::text::Mark::new("s", text(), b"key")]),
        Some("!unknown") => Value::Unknown(Arc::new(Unknown { because: text(), span: None })),
        Some("!omit") => Value::Omit,
        _ => match &node.data {
            Data::List(items) => Value::list(items.iter().map(secret)),
            Data::Map(pairs) => {
                let pair = |(key, value): &(Node, Node)| Some((Key::from_value(&key.to_value())?, secret(value)));
                Value::from(pairs.iter().filter_map(pair).collect::<Map>())
            }
            Data::Scalar(_) => node.to_value(),
        },
    }
}

/// Files of the control node arrive as what they hold: a file, or a folder where the names of parts begin with its name.
fn arg(entry: &'static Entry, name: &str, value: Value, case: &Case) -> Value {
    let kind = entry.spec.arg(name).map(|arg| arg.kind);
    let (Some(kind @ (Type::File | Type::Template | Type::Vars | Type::Program)), Some(line)) = (kind, value.as_str()) else {
        return value;
    };
    if case.part("on the host").is_some() {
        return value;
    }
    let first = if kind == Type::Program { crate::text::shlex::first(line).map(|(word, _)| word) } else { None };
    let written = first.as_deref().unwrap_or(line);
    let path = written.trim_end_matches('/');
    let mut map = Map::from_iter([
        ("name".into(), Value::text(written)),
        ("path".into(), Value::text(format!("/control/{path}"))),
        ("mode".into(), Value::Int(0o644)),
    ]);
    if kind == Type::Program {
        map.insert("line", line);
    }
    let contents = |text: &str| Value::from(Contents::of(Value::text(text)));
    if let Some((_, text)) = case.all("file").find(|(name, _)| *name == path) {
        map.insert("contents", contents(text));
        return map.into();
    }
    let mut tree = vec![];
    for (file, text) in case.all("file") {
        let Some(inner) = file.strip_prefix(path).and_then(|inner| inner.strip_prefix('/')) else { continue };
        for (at, _) in inner.match_indices('/') {
            let folder = Value::map([("path", Value::text(&inner[..at])), ("mode", Value::Int(0o755)), ("folder", Value::Bool(true))]);
            if !tree.contains(&folder) {
                tree.push(folder);
            }
        }
        tree.push(Value::map([("path", Value::text(inner)), ("mode", Value::Int(0o644)), ("contents", contents(text))]));
    }
    assert!(!tree.is_empty(), "{}: no part `file {path}`", case.name);
    map.insert("tree", tree);
    map.into()
}

fn world(case: &Case) -> World {
    let mut world = World::default();
    let cause = Arc::new(Unknown { because: "needs result of \"a task before\"".into(), span: None });
    for (key, node) in case.yaml("world").as_map().unwrap_or_default() {
        let key = key.as_str().unwrap_or_default();
        let (may, name) = key.strip_prefix("may ").map_or((false, key), |name| (true, name));
        let (would, name) = name.strip_prefix("would ").map_or((false, name), |name| (true, name));
        let (kind, name) = name.split_once(':').unwrap_or_else(|| panic!("{}: `{name}` is no kind:name", case.name));
        let look = Look::at(resources::find(kind).name(), name);
        if let Some(message) = node.get("denied").and_then(Node::as_str) {
            world.fail(0, &look, message.to_string(), None);
            continue;
        }
        if would {
            world.see(0, &look, &look.id, None);
            world.predict(&Gap::between(&look.id, &None, &fields(node)), &cause);
            continue;
        }
        world.see(0, &look, &look.id, fields(node));
        if may {
            world.disturb(Reach::Things(vec![look.id.clone()]), &cause);
        }
    }
    world
}

/// What an API server said about the things that the module looks at, read by their kinds.
fn answered(module: &dyn Module, case: &Case, world: &mut World) {
    for (name, text) in case.all("answer") {
        let look =
            module.looks().into_iter().find(|look| *look.id.name == *name).unwrap_or_else(|| panic!("{}: no look at {name}", case.name));
        let source = Source::new(name, text);
        let node = crate::text::yaml::parse(&source).unwrap_or_else(|error| panic!("{}", error.render(false)));
        match resources::find(look.id.kind).read(&look, &Answer::Api(super::responses(&node))) {
            Reading::States(states) => states.into_iter().for_each(|(id, state)| world.see(0, &look, &id, state)),
            Reading::Failed { message, hint } => world.fail(0, &look, message, hint),
            Reading::Ask(more) => panic!("{}: {name} asks for more: {}", case.name, script(&more)),
        }
    }
}

/// Asked twice, a module wants the same.
fn again(module: &dyn Module, want: &Want, view: &View<'_>, case: &Case) {
    let second = module.want(view).unwrap_or_else(|halt| panic!("{}: {halt:?}", case.name));
    assert_eq!(dump(&second), dump(want), "{}: want() gave another answer when it was asked again", case.name);
}

/// A state equal to what is wanted leaves no gap, and once all gaps are closed nothing more is wanted; `how: moves` says that a field
/// changes whenever it is set.
fn converges(module: &dyn Module, gaps: &[Gap], world: &World, case: &Case) {
    let cause = Arc::new(Unknown { because: "it would change".into(), span: None });
    let mut after = world.clone();
    for gap in gaps {
        assert!(Gap::between(&gap.id, &gap.then, &gap.then).is_closed(), "{}: {} differs from itself", case.name, gap.id);
        after.predict(gap, &cause);
    }
    if gaps.iter().any(|gap| gap.how.contains_key("moves")) {
        return;
    }
    match module.want(&View::new(&after, 0)) {
        Ok(want) => {
            let left = compare(&after, 0, &want.states).unwrap_or_else(|halt| panic!("{}: {halt:?}", case.name)).gaps;
            assert!(left.is_empty(), "{}: still wanted after it was done: {left:?}", case.name);
        }
        Err(Halt::Ask(_)) => {}
        // what it would make of a file is not known before a run, and so neither is what is left to do
        Err(Halt::Unknown(_)) if gaps.iter().any(waits) => {}
        Err(halt) => panic!("{}: {halt:?}", case.name),
    }
}

fn waits(gap: &Gap) -> bool {
    gap.wanted("contents").is_some_and(|contents| contents.unknown().is_some())
}

fn halted(halt: &Halt) -> String {
    match halt {
        Halt::Unknown(cause) => format!("unknown: {}\n", cause.because),
        Halt::Ask(looks) => looks.iter().map(|look| format!("ask {look:?}\n")).collect(),
        Halt::Failed(diagnostic) => format!("halted: {}", said(diagnostic)),
    }
}

fn said(diagnostic: &Diagnostic) -> String {
    let at = diagnostic.span().map(|span| format!("at: {}\n", span.text().lines().next().unwrap_or_default())).unwrap_or_default();
    let hints: String = diagnostic.hints().iter().map(|hint| format!("hint: {hint}\n")).collect();
    format!("{}\n{at}{hints}", diagnostic.message())
}

fn map(map: &Map, indent: &str) -> String {
    map.iter().map(|(key, value)| format!("{indent}{key}: {}\n", shown(value))).collect()
}

fn dump(want: &Want) -> String {
    let mut text = String::new();
    for wanted in &want.states {
        let _ = writeln!(text, "{} {}", if wanted.state.is_some() { "state" } else { "gone" }, wanted.id);
        for (field, value) in wanted.state.iter().flatten() {
            let _ = writeln!(text, "  {field}: {}", shown(value));
        }
        for (field, value) in &wanted.how {
            let _ = writeln!(text, "  how {field}: {}", shown(value));
        }
    }
    if let Some(action) = &want.action {
        let words = [
            (action.query, "query"),
            (action.predictable, "predictable"),
            (!action.code_is_data, "must succeed"),
            (action.only_if_changed, "only if changed"),
        ];
        let words: String = words.iter().filter(|(on, _)| *on).map(|(_, word)| format!(" [{word}]")).collect();
        let _ = writeln!(text, "action{words} {}", action.shown);
        if action.reach != Reach::Everything {
            let _ = writeln!(text, "  reach: {:?}", action.reach);
        }
        text += &script(&action.script);
    }
    if let Some(Condition { ask, shown, every, first_after, limit, late, reconnects, .. }) = &want.condition {
        let _ = writeln!(
            text,
            "condition {shown}\n  every {every}, first after {first_after}, at most {limit} seconds{}; else: {late}",
            reconnects.map(|seconds| format!(", each by a new connection within {seconds} seconds")).unwrap_or_default()
        );
        text += &script(ask);
    }
    for effect in &want.effects {
        let _ = writeln!(text, "effect {effect:?}");
    }
    if !want.result.is_empty() {
        text += "result\n";
        text += &map(&want.result, "  ");
    }
    for (word, value) in [("failed", &want.failed), ("skipped", &want.skipped)] {
        text += &value.as_ref().map(|value| format!("{word}: {value}\n")).unwrap_or_default();
    }
    text += &want.changed.map(|flag| format!("changed: {flag}\n")).unwrap_or_default();
    if want.verbosity != 0 {
        text += &format!("verbosity: {}\n", want.verbosity);
    }
    text + &want.warnings.iter().map(|warning| format!("warning: {warning}\n")).collect::<String>()
}

pub(super) fn script(script: &Script) -> String {
    match script {
        Script::Shell(shell) => {
            let uploads: String = shell.uploads.iter().map(|upload| format!("  upload {} {:?}\n", upload.to, upload.contents)).collect();
            indented(&shell.text, "  | ") + &uploads
        }
        Script::Api(requests) => requests.iter().map(request).collect(),
    }
}

fn request(request: &Request) -> String {
    let verb = match request.verb {
        Verb::Apply { dry_run, force } => {
            format!("Apply{}{}", if dry_run { " (dry run)" } else { "" }, if force { " by force" } else { "" })
        }
        verb => format!("{verb:?}"),
    };
    let version = if request.group.is_empty() { request.version.to_string() } else { format!("{}/{}", request.group, request.version) };
    let namespace = request.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let selectors: String = request.selectors.iter().map(|(key, value)| format!(" {key}={value}")).collect();
    let body = if request.body.is_null() { String::new() } else { format!("    {:?}\n", request.body) };
    format!("  {verb} {version}/{}/{namespace}{}{selectors}\n{body}", request.kind, request.name)
}
