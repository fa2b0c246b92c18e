//! Cases of kinds: what a look asks, what an answer says, what closes a gap.
//!
//! Parts: `look NAME` (YAML: words to lists of what they ask for, `wanted` to what is wanted; may stand more than once), `answer`
//! (`code`, `out`, `err`; or a list of responses: `status`, `body`), `gap NAME` (YAML: `now`, `then`, `how`; may stand more than once), `refused` (what a fix
//! that failed gave). Expected: `script`, `state`, `fix`, `reach`, `complaint`.

use std::fmt::Write as _;

use super::{Case, entries, fields, files, judge, modules::script, root, shown};
use crate::resources;
use crate::state::{Answer, Gap, Id, Kind, Look, Reach, Reading, Script};
use crate::text::{Source, yaml};

#[test]
fn kinds_speak_as_their_cases_say() {
    // the cases of objects are of another shape, and have a runner of their own
    judge(files("resources").into_iter().filter(|file| resources::TABLE.iter().any(|kind| kind.name() == file.of)).collect(), run);
}

#[test]
fn every_kind_has_a_case() {
    // of any shape: those of objects have runners of their own
    let missing: Vec<&str> =
        resources::TABLE.iter().map(|kind| kind.name()).filter(|name| entries(&root("resources").join(name)).is_empty()).collect();
    assert!(missing.is_empty(), "no case below tests/resources for {missing:?}");
}

fn run(of: &str, case: &Case) -> Vec<(&'static str, String)> {
    let kind = resources::find(of);
    let looks: Vec<Look> = case.all("look").map(|(name, text)| look(kind, name, text)).collect();
    let mut all = vec![];
    // what is asked is shown once, not beside each answer
    if !looks.is_empty() && (case.part("answer").is_none() || case.part("script").is_some()) {
        all.push(("script", script(&kind.ask(&looks.iter().collect::<Vec<_>>()))));
    }
    let api = case.responses("answer").filter(|responses| !responses.is_empty()).map(Answer::Api);
    if let Some(answer) = api.or_else(|| case.reply("answer").map(Answer::Shell)) {
        let script = kind.ask(&looks.iter().collect::<Vec<_>>());
        // where more was answered than is asked first, it is the answer to what the first reading asks
        let more = answer.responses().len() > if let Script::Api(requests) = &script { requests.len() } else { usize::MAX };
        let about = |look: &Look| if more { answer.clone() } else { kind.about(look, &script, &answer).into_owned() };
        all.push(("state", looks.iter().map(|look| reading(&look.id, &kind.read(look, &about(look)))).collect()));
    }
    let gaps: Vec<Gap> = case.all("gap").map(|(name, text)| gap(kind, name, text)).collect();
    if !gaps.is_empty() {
        all.push(("fix", script(&kind.fix(&gaps.iter().collect::<Vec<_>>()))));
        let reach: String =
            gaps.iter().map(|gap| kind.reach(gap)).filter(|reach| *reach != Reach::Nothing).map(|reach| format!("{reach:?}\n")).collect();
        all.push(("reach", reach));
    }
    if let Some(reply) = case.reply("refused") {
        all.push(("complaint", kind.complaint(&reply)));
    }
    all
}

fn node(name: &str, text: &str) -> crate::text::Node {
    yaml::parse(&Source::new(name, text)).unwrap_or_else(|error| panic!("{}", error.render(false)))
}

fn look(kind: &dyn Kind, name: &str, text: &str) -> Look {
    let node = node(name, text);
    let mut look = Look::at(kind.name(), name);
    for (word, whats) in node.as_map().unwrap_or_default() {
        if word.as_str() == Some("wanted") {
            look = look.wanting(resources::object::Described::of(&whats.to_value()).expect("a manifest").value);
            continue;
        }
        // words are constants of their kinds; a test may leak its own
        let word: &'static str = Box::leak(word.as_str().unwrap_or_default().to_string().into_boxed_str());
        for what in whats.as_list().unwrap_or_default() {
            look = look.with(word, what.as_str().unwrap_or_default().to_string());
        }
    }
    look
}

fn gap(kind: &dyn Kind, name: &str, text: &str) -> Gap {
    let node = node(name, text);
    let state = |key: &str| node.get(key).and_then(fields);
    let mut gap = Gap::between(&Id::new(kind.name(), name), &state("now"), &state("then"));
    assert!(Gap::between(&gap.id, &gap.closed(), &gap.then).is_closed(), "{name}: closed, and still a gap");
    gap.how = state("how").unwrap_or_default();
    gap
}

fn reading(asked: &Id, reading: &Reading) -> String {
    let mut text = String::new();
    match reading {
        Reading::States(states) => {
            for (id, state) in states {
                let what = if state.is_some() { "is" } else { "is not there" };
                let _ = writeln!(text, "{id} {what}");
                for (field, value) in state.iter().flatten() {
                    let _ = writeln!(text, "  {field}: {}", shown(value));
                }
            }
        }
        Reading::Ask(more) => {
            let _ = write!(text, "{asked} asks\n{}", script(more));
        }
        Reading::Failed { message, hint } => {
            let _ = writeln!(text, "{asked} failed: {message}{}", hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default());
        }
    }
    text
}
