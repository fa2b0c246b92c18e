//! What a real server answered, as gaps and as errors.

use std::fmt::Write as _;

use super::*;
use crate::state::{Gap, Look};
use crate::text::template::mask::shown;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/resources/object/");

fn cases(name: &str) -> Vec<Json> {
    serde_json::from_str(&std::fs::read_to_string(format!("{FOLDER}{name}")).expect("a file")).expect("a JSON list")
}

fn response(status: u16, body: &Json) -> Response {
    Response { status, body: body.clone(), warnings: vec![], retry_after: None }
}

fn missing() -> Response {
    response(404, &serde_json::json!({"kind": "Status", "reason": "NotFound", "code": 404}))
}

fn look(manifest: &Json) -> Look {
    let described = Described::of(&Value::from(manifest)).expect("a manifest without faults");
    Look::at(KIND, described.at.to_string()).wanting(described.value)
}

/// What a reading comes to: the gap that the manifest leaves by the verdict.
fn told(look: &Look, reading: &Reading) -> String {
    let mut text = String::new();
    let states = match reading {
        Reading::States(states) => states,
        Reading::Ask(Script::Api(requests)) => return format!("  asks {} requests\n", requests.len()),
        Reading::Ask(_) => return "  asks a shell\n".into(),
        Reading::Failed { message, hint } => {
            let hint = hint.iter().map(|hint| format!("  hint: {hint}\n")).collect::<String>();
            return format!("  failed: {}\n{hint}", message.replace('\n', "\n    "));
        }
    };
    let described = Described::read(look.wanted.as_ref().expect("wanted")).expect("a manifest");
    for (id, state) in states {
        let Some(state) = state.as_ref().filter(|_| *id == look.id) else {
            let _ = writeln!(text, "  {id} is not there");
            continue;
        };
        let verdict = seen::verdict(state, &described.hash);
        let force = if verdict.as_ref().is_some_and(|verdict| verdict.force) { ", by force" } else { "" };
        let then = verdict.map_or_else(|| described.fields(), |verdict| verdict.then);
        let gap = Gap::between(id, &Some(state.clone()), &Some(then));
        let _ = writeln!(text, "  {}{force}", if gap.is_closed() { "as described" } else { "changes" });
        for change in &gap.changes {
            let side = |value: &Option<Value>| value.as_ref().map_or_else(|| "-".to_owned(), shown);
            let _ = writeln!(text, "    {}: {} -> {}", change.field, side(&change.now), side(&change.then));
        }
    }
    text
}

fn check(file: &str, text: &str) {
    let path = format!("{FOLDER}{file}");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).expect("written");
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap_or_default(), "\n{text}");
}

/// What a 1.36 server answered to dry runs, as gaps.
#[test]
fn verdicts_are_gaps() {
    let mut text = String::new();
    for case in cases("applies.json") {
        let look = look(&case["manifest"]);
        let live = if case["live"].is_null() { missing() } else { response(200, &case["live"]) };
        let answers = vec![live, response(200, &case["answer"])];
        let _ = writeln!(text, "{}", case["name"].as_str().unwrap_or(""));
        text += &told(&look, &reading(&look, &Answer::Api(answers)));
    }
    check("verdicts.txt", &text);
}

/// What a 1.36 server refused, as what the user reads.
#[test]
fn refusals_are_told() {
    let mut text = String::new();
    for case in cases("refusals.json") {
        let manifest =
            case.get("manifest").filter(|manifest| manifest.pointer("/metadata/name").is_some() && manifest.get("kind").is_some());
        let usual = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "none"}});
        let look = match manifest.map(|manifest| Described::read(&Value::from(manifest))) {
            Some(Some(described)) => Look::at(KIND, described.at.to_string()).wanting(described.value),
            _ => look(&usual),
        };
        let live = case.get("live").filter(|live| !live.is_null()).map_or_else(missing, |live| response(200, live));
        let code = case["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or_default();
        let _ = writeln!(text, "{}", case["name"].as_str().unwrap_or(""));
        text += &told(&look, &reading(&look, &Answer::Api(vec![live, response(code, &case["body"])])));
    }
    check("refused.txt", &text);
}
