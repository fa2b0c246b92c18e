//! A unit of systemd, or a service of OpenRC or of init scripts, whichever the host has.
//!
//! `unit:NAME.service`, `unit:user/NAME.timer` for those of the user that asks, `unit:global/NAME.service` for those of all users. Fields: `running` (where it
//! could be asked), `enabled`, `masked`, `file_state` (as `systemctl is-enabled` says), `oneshot` (it runs, and is over), `status` (what `systemctl show` says, for
//! results). A unit without any file is not there. A look may name a `pattern` of processes that show that an init script's service runs.
//!
//! `unit_files:system` or `:user`: `stale`, whether systemd has not read yet what lies in the folders of units.

mod ask;
mod fix;
mod read;

pub use fix::act;

use crate::resources::path;
use crate::state::{Answer, Fields, Gap, Id, Kind, KindName, Look, Reach, Reading, Refusal, Script, View};
use crate::text::Value;

pub const KIND: KindName = "unit";
pub const FILES: KindName = "unit_files";

pub struct Unit;
pub struct Files;

impl Kind for Unit {
    fn name(&self) -> KindName {
        KIND
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        ask::script(looks).into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        read::reading(look, &answer.reply())
    }

    /// How: `no_block`, `force`, `arguments`, `runlevel`.
    fn fix(&self, gaps: &[&Gap]) -> Script {
        gaps.iter().map(|gap| fix::script(gap)).collect::<String>().into()
    }

    /// Only the administrator has systemd's own socket.
    fn rights(&self, gap: &Gap) -> Vec<Look> {
        if split(&gap.id.name).0 == "system" { vec![path::writing(SOCKET)] } else { vec![] }
    }

    fn refusal(&self, gap: &Gap, view: &View<'_>) -> Option<Refusal> {
        let starts = gap.change("running").is_some_and(|change| change.then.as_ref().is_some_and(Value::truthy));
        let masked = gap.had("masked").is_some_and(Value::truthy) && gap.change("masked").is_none();
        if masked && starts {
            return Some(Refusal::Surely("it is masked".into()));
        }
        let state = gap.had("status").and_then(|status| status.get("ActiveState")?.as_str());
        if starts && state == Some("failed") {
            return Some(Refusal::Maybe("it failed when it ran last".into()));
        }
        let who = "only the host's rules (polkit) tell whether this user may";
        path::unwritable(SOCKET, view).map(|_| Refusal::Maybe(who.into()))
    }

    /// What one unit pulls in, or stops with it, are other units.
    fn reach(&self, gap: &Gap) -> Reach {
        let status = gap.had("status").filter(|_| gap.change("running").is_some());
        let of = |name: &&str| status.and_then(|status| status.get(name)?.as_str()).map(str::to_string);
        let related: Vec<String> = RELATED.iter().filter_map(of).collect();
        let (scope, _) = split(&gap.id.name);
        let id = |unit: &str| Id::new(KIND, if scope == "system" { unit.to_string() } else { format!("{scope}/{unit}") });
        let things: Vec<Id> = related.iter().flat_map(|units| units.split_whitespace()).map(id).collect();
        if things.is_empty() { Reach::Nothing } else { Reach::Things(things) }
    }
}

const SOCKET: &str = "/run/systemd/private";

/// Properties that name the units that start or stop with one.
const RELATED: [&str; 9] = ["Requires", "Wants", "BindsTo", "Conflicts", "RequiredBy", "BoundBy", "ConsistsOf", "Triggers", "TriggeredBy"];

impl Kind for Files {
    fn name(&self) -> KindName {
        FILES
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        ask::files(looks).into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        let reply = answer.reply();
        let text = String::from_utf8_lossy(&reply.out);
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{} ", look.id.name)));
        Reading::one(look, line.map(|word| Fields::from([("stale".into(), Value::Bool(word == "stale"))])))
    }

    fn fix(&self, gaps: &[&Gap]) -> Script {
        let line = |gap: &&Gap| format!("{} daemon-reload || exit\n", ask::systemctl(&gap.id.name));
        gaps.iter().map(line).collect::<String>().into()
    }

    /// Units may come; those that changed were reached by their files.
    fn reach(&self, _gap: &Gap) -> Reach {
        Reach::Absent(&[KIND])
    }
}

/// The name that a unit has among units: a service where no suffix says what it is.
pub fn name(unit: &str, scope: &str) -> String {
    const SUFFIXES: [&str; 11] =
        [".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope"];
    let suffix = if SUFFIXES.iter().any(|suffix| unit.ends_with(suffix)) { "" } else { ".service" };
    match scope {
        "user" | "global" => format!("{scope}/{unit}{suffix}"),
        _ => format!("{unit}{suffix}"),
    }
}

/// Whose unit it is, and its name there.
fn split(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or(("system", name))
}

/// A service's name where there is no systemd.
fn short(name: &str) -> &str {
    name.strip_suffix(".service").unwrap_or(name)
}

/// The units that a file makes or changes: those in the folders of systemd, and init scripts.
pub fn of_file(path: &str) -> Vec<Id> {
    if let Some(script) = path.strip_prefix("/etc/init.d/").filter(|script| !script.contains('/')) {
        return vec![Id::new(KIND, format!("{script}.service"))];
    }
    let inner = ["/etc", "/run", "/usr/lib", "/lib", "/usr/local/lib"]
        .iter()
        .find_map(|folder| path.strip_prefix(folder)?.strip_prefix("/systemd/"));
    let Some((scope @ ("system" | "user"), file)) = inner.and_then(|inner| inner.split_once('/')) else { return vec![] };
    let unit = file.split('/').next().unwrap_or_default();
    let unit = unit.strip_suffix(".d").unwrap_or(unit);
    let name = if scope == "user" { format!("user/{unit}") } else { unit.to_string() };
    vec![Id::new(KIND, name), Id::new(FILES, scope)]
}
