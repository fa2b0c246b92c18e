//! The questions about units: one `systemctl show` for all of them.

use crate::resources::sh;
use crate::state::Look;

use super::{short, split};

/// What results tell of a unit; all that there is would be two hundred lines a unit.
const PROPERTIES: &str = "Id,Names,Description,LoadState,LoadError,ActiveState,SubState,UnitFileState,UnitFilePreset,FragmentPath,SourcePath,DropInPaths,\
NeedDaemonReload,Type,RemainAfterExit,Restart,Result,MainPID,ExecMainPID,ExecMainStatus,ExecMainCode,NRestarts,User,Group,WorkingDirectory,Environment,\
ExecStart,CanStart,CanStop,CanReload,ActiveEnterTimestamp,ActiveExitTimestamp,InactiveEnterTimestamp,InactiveExitTimestamp,StateChangeTimestamp,\
Wants,WantedBy,Requires,RequiredBy,BindsTo,BoundBy,ConsistsOf,Conflicts,Before,After,Triggers,TriggeredBy,MemoryCurrent,TasksCurrent,NextElapseUSecRealtime,LastTriggerUSec";

/// `systemctl` for units of the host, of the user that asks or of all users.
pub(super) fn systemctl(scope: &str) -> &'static str {
    match scope {
        "user" => "XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} systemctl --user",
        "global" => "systemctl --global",
        _ => "systemctl",
    }
}

pub(super) fn script(looks: &[&Look]) -> String {
    let mut text = String::from("if command -v systemctl >/dev/null 2>&1; then\n");
    let of = |scope: &str| sh::words(looks.iter().map(|look| split(&look.id.name)).filter(|(of, _)| *of == scope).map(|(_, name)| name));
    let (system, user, global) = (of("system"), of("user"), of("global"));
    if !system.is_empty() {
        text += &format!("if [ -d /run/systemd/system ]; then echo 'i systemd'; systemctl show -p {PROPERTIES} -- {system}\n");
        text += &format!(
            "else echo 'i offline'; for u in {system}; do printf 'e %s %s\\n' \"$u\" \"$(systemctl is-enabled -- \"$u\" 2>/dev/null)\"; done; fi\n"
        );
        text += &init_scripts(&system);
    }
    if !user.is_empty() {
        text += &format!("echo 'i user'; {} show -p {PROPERTIES} -- {user}\n", systemctl("user"));
    }
    if !global.is_empty() {
        text += &format!(
            "echo 'i global'; for u in {global}; do printf 'e %s %s\\n' \"$u\" \"$(systemctl --global is-enabled -- \"$u\" 2>/dev/null)\"; done\n"
        );
    }
    text += &format!(
        "elif command -v rc-service >/dev/null 2>&1; then echo 'i openrc'\n{}else echo 'i sysv'\n{}fi\nexit 0\n",
        openrc(looks),
        sysv(looks)
    );
    text
}

/// Init scripts that systemd runs: their links tell whether they are enabled.
fn init_scripts(names: &str) -> String {
    format!(
        "for u in {names}; do n=${{u%.service}}; [ -e \"/etc/init.d/$n\" ] || continue; set -- /etc/rc[2345].d/S[0-9][0-9]\"$n\"; [ -e \"$1\" ] && printf 'y %s on\\n' \"$u\" || printf 'y %s off\\n' \"$u\"; done\n"
    )
}

fn openrc(looks: &[&Look]) -> String {
    let line = |look: &&Look| {
        let name = sh::quote(short(&look.id.name));
        let runs = runs(look, &format!("rc-service -q {name} status >/dev/null 2>&1"));
        format!(
            "if rc-service -e {name} >/dev/null 2>&1; then {runs} && r=yes || r=no; set -- /etc/runlevels/*/{name}; [ -e \"$1\" ] && e=yes || e=no; printf 'o %s %s %s\\n' {} $r $e; fi\n",
            sh::quote(&look.id.name)
        )
    };
    looks.iter().filter(|look| split(&look.id.name).0 == "system").map(line).collect()
}

fn sysv(looks: &[&Look]) -> String {
    let line = |look: &&Look| {
        let name = sh::quote(short(&look.id.name));
        let runs = runs(look, &format!("/etc/init.d/{name} status >/dev/null 2>&1"));
        format!(
            "if [ -x /etc/init.d/{name} ]; then {runs} && r=yes || r=no; set -- /etc/rc[2345].d/S[0-9][0-9]{name}; [ -e \"$1\" ] && e=yes || e=no; printf 'o %s %s %s\\n' {} $r $e; fi\n",
            sh::quote(&look.id.name)
        )
    };
    looks.iter().filter(|look| split(&look.id.name).0 == "system").map(line).collect()
}

/// What shows that a service runs: its script, or a process that a pattern finds.
fn runs(look: &Look, status: &str) -> String {
    match look.all("pattern").next() {
        Some(pattern) => format!("{{ ps -ef 2>/dev/null || ps; }} | grep -F -- {} | grep -v 'grep -F' >/dev/null", sh::quote(pattern)),
        None => status.to_string(),
    }
}

/// Whether a folder of units is newer than what systemd read last, or a unit says that its file is. A systemd older than 250
/// does not tell when it read them: it reads them again.
pub(super) fn files(looks: &[&Look]) -> String {
    let mut text = String::from("[ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1 || exit 0\n");
    for look in looks {
        let (scope, systemctl) = (&*look.id.name, systemctl(&look.id.name));
        let home = if scope == "user" { " \"${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user\"" } else { "" };
        text += &format!(
            r#"t=$({systemctl} show -p UnitsLoadTimestamp --value --timestamp=us+utc 2>/dev/null)
if {systemctl} show '*' -p NeedDaemonReload 2>/dev/null | grep -q yes || find /etc/systemd/{scope} /run/systemd/{scope} /usr/lib/systemd/{scope} /lib/systemd/{scope} /usr/local/lib/systemd/{scope}{home} -newermt "${{t:-@0}}" 2>/dev/null | grep -q .; then echo '{scope} stale'; else echo '{scope} read'; fi
"#
        );
    }
    text + "exit 0\n"
}
