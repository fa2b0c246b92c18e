//! `pause`: waits for a time, or for the user.

use std::sync::Arc;

use crate::state::{Halt, Look, View};
use crate::text::{Map, Result, Value};

use super::{Arg, Args, Done, Effect, Entry, Module, Spec, Type, Want, output};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "pause",
    collection: "ansible.builtin",
    about: "Wait for a time, or for the user",
    args: &[
        Arg::new("seconds", Type::Float, "How long; a second at least"),
        Arg::new("minutes", Type::Float, "How long"),
        Arg::new("prompt", Type::Text, "What the user is asked"),
        Arg::new("echo", Type::Bool, "Show what is typed").default("true"),
    ],
    free_form: None,
    any: false,
};

struct Pause {
    seconds: Option<u64>,
    minutes: bool,
    prompt: Option<String>,
    echo: bool,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    args.exclusive(&["minutes", "seconds"])?;
    // whole numbers, as Ansible cuts them
    let whole = |name: &str| args.float(name).map(|number| number as i64);
    let seconds = whole("minutes").map(|minutes| minutes * 60).or_else(|| whole("seconds")).map(|seconds| seconds.max(1) as u64);
    Ok(Arc::new(Pause {
        seconds,
        minutes: args.given("minutes") || seconds.is_none(),
        prompt: args.text("prompt").filter(|prompt| !prompt.is_empty()),
        echo: args.flag("echo"),
    }))
}

impl Module for Pause {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut result = Map::new();
        result.insert("rc", 0);
        result.insert("stderr", "");
        result.insert("echo", self.echo);
        result.insert("user_input", "");
        let effect = Effect::Pause { seconds: self.seconds, prompt: self.prompt.clone(), echo: self.echo };
        Ok(Want { result, changed: Some(false), ..Want::effect(effect) })
    }

    fn result(&self, done: &Done<'_>) -> Map {
        // the pause itself comes after its result
        let ended = done.ended.max(done.began + self.seconds.unwrap_or(0) as f64);
        let mut result = Map::new();
        output::times(&Done { ended, ..*done }, &mut result);
        if let Some(end) = result.remove("end") {
            result.insert("stop", end);
        }
        let (seconds, unit) = (ended - done.began, if self.minutes { "minutes" } else { "seconds" });
        let shown = if self.minutes { seconds / 60.0 } else { seconds };
        result.insert("stdout", format!("Paused for {:?} {unit}", (shown * 100.0).round() / 100.0));
        result.insert("delta", Value::Int(seconds as i64));
        result
    }
}
