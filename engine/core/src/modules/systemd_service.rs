//! `systemd_service`, also called `systemd`: a unit runs or not, is enabled or not, is masked or not. `service` means the same by fewer words.

use std::sync::Arc;

use crate::resources::unit;
use crate::state::{Fields, Halt, Id, Look, Reach, View};
use crate::text::{Map, Result, Value};

use super::{Action, Arg, Args, Done, Entry, Module, Spec, Type, Want, Wanted};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };
pub static SHORT: Entry = Entry { spec: &SHORT_SPEC, make };

static SPEC: Spec = spec("systemd_service");
static SHORT_SPEC: Spec = spec("systemd");

const fn spec(name: &'static str) -> Spec {
    Spec {
        name,
        collection: "ansible.builtin",
        about: "Start, stop, enable and mask units of systemd",
        args: ARGS,
        free_form: None,
        any: false,
    }
}

pub const STATE: Arg = Arg::new("state", Type::Text, "Whether it runs; `restarted` and `reloaded` happen whenever the task runs")
    .choices(&["reloaded", "restarted", "started", "stopped"]);
pub const ENABLED: Arg = Arg::new("enabled", Type::Bool, "Whether it starts at boot");

const ARGS: &[Arg] = &[
    Arg::new("name", Type::Text, "The unit; a service where it has no suffix").aliases(&["service", "unit"]),
    STATE,
    ENABLED,
    Arg::new("masked", Type::Bool, "Whether it cannot be started at all"),
    Arg::new("daemon_reload", Type::Bool, "Let systemd read changed files of units before").default("false").aliases(&["daemon-reload"]),
    Arg::new("daemon_reexec", Type::Bool, "Let systemd start itself anew before").default("false").aliases(&["daemon-reexec"]),
    Arg::new("scope", Type::Text, "Whose units: the host's, the user's, or those of all users")
        .default("system")
        .choices(&["system", "user", "global"]),
    Arg::new("no_block", Type::Bool, "Do not wait until it is done").default("false"),
    Arg::new("force", Type::Bool, "Replace links that are in the way").default("false"),
];

/// A unit and how it is to be.
pub struct Service {
    /// As the task names it, and among units.
    pub given: Option<String>,
    pub unit: Option<Id>,
    pub pattern: Option<String>,
    pub state: Option<String>,
    pub enabled: Option<bool>,
    pub masked: Option<bool>,
    /// The scope whose files are to be read before.
    pub reload: Option<String>,
    pub reexec: bool,
    pub how: Fields,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let given = args.text("name").filter(|name| !name.is_empty());
    for name in ["state", "enabled", "masked"] {
        if args.given(name) && given.is_none() {
            return Err(args.error(name, format!("missing parameter(s) required by '{name}': name")));
        }
    }
    let scope = args.need("scope")?;
    let mut how = Fields::new();
    for name in ["no_block", "force"] {
        if args.flag(name) {
            how.insert(name.into(), Value::Bool(true));
        }
    }
    if scope == "global" && args.given("state") {
        return Err(args
            .error("state", "units of all users are enabled or not, and do not run")
            .hint("`scope: user` starts the unit of one user"));
    }
    let unit = given.as_ref().map(|name| id(args, name, &scope)).transpose()?;
    Ok(Arc::new(Service {
        given,
        unit,
        pattern: None,
        state: args.text("state"),
        enabled: args.maybe_flag("enabled"),
        masked: args.maybe_flag("masked"),
        reload: args.flag("daemon_reload").then(|| scope.clone()).filter(|scope| scope != "global"),
        reexec: args.flag("daemon_reexec"),
        how,
    }))
}

/// The unit that a task names.
pub fn id(args: &Args, name: &str, scope: &str) -> Result<Id> {
    if let Some(pattern) = ["*", "?", "["].iter().find(|pattern| name.contains(**pattern)) {
        let message = format!("This module does not currently support using glob patterns, found '{pattern}' in service name: {name}");
        return Err(args.error("name", message).hint("name one unit, or loop over several"));
    }
    if name.starts_with('-') || name.contains(['/', ' ', '\n']) {
        return Err(args.error("name", format!("`{name}` is no name of a unit")));
    }
    Ok(Id::new(unit::KIND, unit::name(name, scope)))
}

impl Service {
    fn files(&self) -> Option<Id> {
        self.reload.as_ref().map(|scope| Id::new(unit::FILES, scope.as_str()))
    }

    /// What systemd has to read; also where only a task that has not run will have written it.
    fn read(&self, view: &View<'_>) -> std::result::Result<Option<Wanted>, Halt> {
        let Some(id) = self.files() else { return Ok(None) };
        match view.state(&id) {
            Ok(None) => Ok(None),
            Ok(Some(_)) => Ok(Some(Wanted::new(id, Some(Fields::from([("stale".into(), Value::Bool(false))]))).how("moves", true))),
            Err(Halt::Unknown(_)) => {
                let now = Fields::from([("read".into(), Value::text("now"))]);
                Ok(Some(Wanted::new(id, Some(now)).how("moves", true)))
            }
            Err(halt) => Err(halt),
        }
    }

    /// The fields of the unit that are wanted; a message where it is not there.
    fn fields(&self, id: &Id, view: &View<'_>) -> std::result::Result<std::result::Result<(Fields, bool), String>, Halt> {
        let now = view.likely(id)?.as_ref();
        let mut fields = Fields::new();
        let mut moves = self.how.contains_key("no_block");
        fields.extend(self.masked.map(|masked| ("masked".into(), Value::Bool(masked))));
        if self.masked == Some(false) && now.is_none() {
            fields.clear();
        }
        if self.enabled.is_none() && self.state.is_none() {
            return Ok(Ok((fields, moves)));
        }
        // a unit that a task before it may bring is dealt with as if it was there
        if now.is_none() && view.state(id).is_ok() {
            let given = self.given.as_deref().unwrap_or_default();
            return Ok(Err(format!("Could not find the requested service {given}: host")));
        }
        let text = |name: &str| now.and_then(|now| now.get(name)?.as_str());
        if let Some(error) = text("error") {
            return Ok(Err(format!("Error loading unit file '{}': {error}", self.given.as_deref().unwrap_or_default())));
        }
        let flag = |name: &str| now.is_some_and(|now| now.get(name).is_some_and(Value::truthy));
        if let Some(enabled) = self.enabled {
            // what cannot be disabled is as disabled as it gets
            let fixed = !enabled && matches!(text("file_state"), Some("static" | "generated" | "transient"));
            moves |= enabled && matches!(text("file_state"), Some("indirect" | "alias"));
            fields.extend((!fixed).then_some(("enabled".into(), Value::Bool(enabled))));
        }
        match self.state.as_deref() {
            Some("stopped") => drop(fields.insert("running".into(), Value::Bool(false))),
            Some("started") => drop(fields.insert("running".into(), Value::Bool(true))),
            Some(_) if !flag("running") => drop(fields.insert("running".into(), Value::Bool(true))),
            _ => {}
        }
        moves |= flag("oneshot") && fields.contains_key("running") && !flag("running");
        Ok(Ok((fields, moves)))
    }

    /// A restart or reload of what runs.
    fn action(&self, id: &Id, view: &View<'_>) -> std::result::Result<Option<Action>, Halt> {
        let verb = match self.state.as_deref() {
            Some("restarted") => "restart",
            Some("reloaded") => "reload",
            _ => return Ok(None),
        };
        let running = view.likely(id)?.as_ref().is_some_and(|now| now.get("running").is_some_and(Value::truthy));
        let action = Action::new(unit::act(&id.name, verb, &self.how), format!("{verb} {}", id.name));
        Ok(running.then_some(Action { predictable: true, code_is_data: false, reach: Reach::Things(vec![id.clone()]), ..action }))
    }
}

impl Module for Service {
    fn looks(&self) -> Vec<Look> {
        let unit = self.unit.iter().map(|id| {
            let look = Look::of(id.clone());
            self.pattern.iter().fold(look, |look, pattern| look.with("pattern", pattern.clone()))
        });
        unit.chain(self.files().map(Look::of)).collect()
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut want = Want::states(self.read(view)?);
        want.result.insert("name", self.given.as_deref().map(Value::text).unwrap_or_default());
        want.result.insert("status", Value::from(Map::new()));
        if self.reexec {
            let action = Action::new("systemctl daemon-reexec || exit\n".to_string(), "systemctl daemon-reexec");
            want.action = Some(Action { predictable: true, code_is_data: false, reach: Reach::Nothing, ..action });
        }
        let Some(id) = &self.unit else { return Ok(want) };
        if let Some(status) = view.likely(id)?.as_ref().and_then(|now| now.get("status")) {
            want.result.insert("status", status.clone());
        }
        let (fields, moves) = match self.fields(id, view)? {
            Ok(fields) => fields,
            Err(why) => return Ok(Want { result: want.result, ..Want::failed(why) }),
        };
        if let Some(enabled) = self.enabled {
            want.result.insert("enabled", enabled);
        }
        if let Some(state) = &self.state {
            want.result.insert("state", if state == "stopped" { "stopped" } else { "started" });
        }
        if !fields.is_empty() {
            let wanted = Wanted { how: self.how.clone(), ..Wanted::new(id.clone(), Some(fields)) };
            view.sure(id, &wanted.state)?;
            want.states.push(if moves { wanted.how("moves", true) } else { wanted });
        }
        if let Some(action) = self.action(id, view)? {
            want.action = Some(match want.action.take() {
                Some(first) => Action { shown: format!("{}, {}", first.shown, action.shown), script: both(first, &action), ..action },
                None => action,
            });
        }
        Ok(want)
    }

    /// That systemd reads files, or starts itself anew, is no change to Ansible.
    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        let restarts = matches!(self.state.as_deref(), Some("restarted" | "reloaded")) && done.reply.is_some();
        result.insert("changed", restarts || done.gaps.iter().any(|gap| gap.id.kind == unit::KIND));
        result
    }
}

/// One script after the other.
fn both(first: Action, then: &Action) -> crate::state::Script {
    match (first.script, &then.script) {
        (crate::state::Script::Shell(first), crate::state::Script::Shell(then)) => (first.text + &then.text).into(),
        (first, _) => first,
    }
}
