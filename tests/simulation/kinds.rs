//! Kinds of things as the simulated hosts have them: the engine's names, and its own word on what mending disturbs, but
//! questions, fixes and answers in JSON that a host in memory understands.

use std::collections::BTreeMap;

use play_core::resources;
use play_core::state::{Answer, Detail, Fields, Gap, Id, Kind, KindName, Look, Reach, Reading, Reply, Script, State};
use play_core::text::{Contents, Key, Value};
use serde_json::{Map, Value as Json, json};

/// What stands before a question and before a fix.
pub const ASK: &str = "sim-ask ";
pub const FIX: &str = "sim-fix ";

/// The kinds of a simulated run: objects of clusters are the engine's own, as an API server in memory understands them.
pub fn find(name: &str) -> &'static dyn Kind {
    SIMULATED.iter().find(|kind| kind.0 == name).map(|kind| kind as &'static dyn Kind).unwrap_or_else(|| resources::find(name))
}

static SIMULATED: [Simulated; 9] = [
    Simulated("path"),
    Simulated("user"),
    Simulated("group"),
    Simulated("package"),
    Simulated("offer"),
    Simulated("residue"),
    Simulated("unit"),
    Simulated("unit_files"),
    Simulated("sysctl"),
];

struct Simulated(KindName);

impl Kind for Simulated {
    fn name(&self) -> KindName {
        self.0
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        let looks: Vec<Json> = looks.iter().map(|look| json!({"name": &*look.id.name, "detail": detail(&look.detail)})).collect();
        format!("{ASK}{}\n", json!({"kind": self.0, "looks": looks})).into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        let Reply { code, out, .. } = answer.reply();
        let Ok(Json::Object(all)) = serde_json::from_slice(&out) else { return Reading::failed(format!("the host said {code}")) };
        match all.get(&*look.id.name) {
            None => Reading::failed(format!("nothing was said about {}", look.id)),
            Some(Json::String(why)) if why == "more" => {
                let again = look.clone().with("again", "yes");
                Reading::Ask(self.ask(&[&again]))
            }
            Some(Json::String(why)) => Reading::failed(why.clone()),
            Some(state) => Reading::one(look, fields(state)),
        }
    }

    fn fix(&self, gaps: &[&Gap]) -> Script {
        let line = |gap: &&Gap| {
            let changes: Map<String, Json> =
                gap.changes.iter().filter_map(|change| Some((change.field.to_string(), of_value(change.then.as_ref()?)))).collect();
            let text = json!({"kind": self.0, "name": &*gap.id.name, "was": gap.now.is_some(), "goes": gap.then.is_none(),
                "changes": changes, "reach": of_reach(&self.reach(gap))});
            format!("{FIX}{text}\n")
        };
        gaps.iter().map(line).collect::<String>().into()
    }

    /// The engine's own.
    fn reach(&self, gap: &Gap) -> Reach {
        resources::find(self.0).reach(gap)
    }

    /// The engine's own.
    fn together(&self, one: &Gap, next: &Gap) -> bool {
        resources::find(self.0).together(one, next)
    }

    fn needs(&self, gap: &Gap) -> Vec<Id> {
        resources::find(self.0).needs(gap)
    }
}

fn detail(detail: &Detail) -> Json {
    let words: BTreeMap<&str, Vec<&str>> = detail.iter().map(|(word, whats)| (*word, whats.iter().map(|what| &**what).collect())).collect();
    json!(words)
}

fn of_reach(reach: &Reach) -> Json {
    match reach {
        Reach::Nothing => json!({}),
        Reach::Things(ids) => json!({"things": ids.iter().map(|id| (id.kind, id.name.to_string())).collect::<Vec<_>>()}),
        Reach::Absent(kinds) => json!({"absent": kinds}),
        Reach::Kinds(kinds) => json!({"kinds": kinds}),
        Reach::Below(kinds, folders) => json!({"below": {"kinds": kinds, "folders": folders}}),
        Reach::Matched(kind, path) => json!({"matched": {"kind": kind, "path": path}}),
        Reach::Any(all) => json!({"any": all.iter().map(of_reach).collect::<Vec<_>>()}),
        Reach::Everything => json!({"everything": true}),
    }
}

fn fields(state: &Json) -> State {
    let Json::Object(all) = state else { return None };
    Some(all.iter().map(|(field, value)| (field.clone().into(), to_value(value))).collect::<Fields>())
}

fn to_value(json: &Json) -> Value {
    match json {
        Json::Object(all) => match all.get("@contents") {
            Some(text) => Value::Contents(Contents::of(Value::text(text.as_str().unwrap_or_default())).into()),
            None => Value::map(all.iter().map(|(key, value)| (Key::from(key.as_str()), to_value(value)))),
        },
        Json::Array(all) => Value::list(all.iter().map(to_value)),
        other => other.into(),
    }
}

fn of_value(value: &Value) -> Json {
    match value.plain() {
        Value::Contents(contents) => json!({"@contents": contents.here().and_then(Value::as_str)}),
        Value::List(all) => all.iter().map(of_value).collect(),
        other => other.to_json().unwrap_or_default(),
    }
}
