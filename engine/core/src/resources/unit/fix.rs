//! Mending units: masked first, then enabled, then running.

use crate::resources::sh;
use crate::state::{Fields, Gap};
use crate::text::Value;

use super::ask::systemctl;
use super::{short, split};

pub(super) fn script(gap: &Gap) -> String {
    let (scope, name) = split(&gap.id.name);
    let mut verbs = vec![];
    for (field, yes, no) in [("masked", "mask", "unmask"), ("enabled", "enable", "disable"), ("running", "start", "stop")] {
        if let Some(then) = gap.change(field).and_then(|change| change.then.as_ref()) {
            verbs.push(if then.truthy() { yes } else { no });
        }
    }
    let lines: String = verbs.iter().map(|verb| line(scope, name, verb, &gap.how)).collect();
    if scope != "system" {
        return lines;
    }
    let (openrc, sysv): (String, String) =
        verbs.iter().map(|verb| (openrc(short(name), verb, &gap.how), sysv(short(name), verb, &gap.how))).unzip();
    by_init(&lines, &openrc, &sysv)
}

/// A verb that has no state: `restart`, `reload`.
pub fn act(unit: &str, verb: &str, how: &Fields) -> String {
    let (scope, name) = split(unit);
    let lines = line(scope, name, verb, how);
    match scope {
        "system" => by_init(&lines, &openrc(short(name), verb, how), &sysv(short(name), verb, how)),
        _ => lines,
    }
}

fn by_init(systemd: &str, openrc: &str, sysv: &str) -> String {
    format!(
        "if command -v systemctl >/dev/null 2>&1; then\n{systemd}elif command -v rc-service >/dev/null 2>&1; then\n{openrc}else\n{sysv}fi\n"
    )
}

fn flag(how: &Fields, name: &str) -> bool {
    how.get(name).is_some_and(Value::truthy)
}

fn line(scope: &str, name: &str, verb: &str, how: &Fields) -> String {
    let (block, force) = (if flag(how, "no_block") { " --no-block" } else { "" }, if flag(how, "force") { " --force" } else { "" });
    format!("{}{block}{force} {verb} -- {} || exit\n", systemctl(scope), sh::quote(name))
}

/// What a script is given beside its verb.
fn arguments(how: &Fields) -> String {
    how.get("arguments")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(|text| format!(" {}", sh::words(text.split_whitespace())))
        .unwrap_or_default()
}

fn openrc(name: &str, verb: &str, how: &Fields) -> String {
    let name = sh::quote(name);
    let level = sh::quote(how.get("runlevel").and_then(Value::as_str).unwrap_or("default"));
    match verb {
        "enable" => format!("rc-update -q add {name} {level} || exit\n"),
        "disable" => format!("rc-update -q del {name} -a || exit\n"),
        "mask" | "unmask" => format!("echo 'this host has no systemd: {verb} {name}' >&2; exit 1\n"),
        verb => format!("rc-service -q {name} {verb}{} </dev/null >/dev/null || exit\n", arguments(how)),
    }
}

fn sysv(name: &str, verb: &str, how: &Fields) -> String {
    let name = sh::quote(name);
    match verb {
        "enable" => format!(
            "if command -v update-rc.d >/dev/null 2>&1; then update-rc.d {name} defaults && update-rc.d {name} enable; else chkconfig --add {name} && chkconfig {name} on; fi || exit\n"
        ),
        "disable" => {
            format!("if command -v update-rc.d >/dev/null 2>&1; then update-rc.d {name} disable; else chkconfig {name} off; fi || exit\n")
        }
        "mask" | "unmask" => format!("echo 'this host has no systemd: {verb} {name}' >&2; exit 1\n"),
        "restart" if how.contains_key("sleep") => format!(
            "/etc/init.d/{name} stop{0} </dev/null >/dev/null; sleep {1}; /etc/init.d/{name} start{0} </dev/null >/dev/null || exit\n",
            arguments(how),
            how.get("sleep").and_then(Value::as_int).unwrap_or(1)
        ),
        verb => format!("/etc/init.d/{name} {verb}{} </dev/null >/dev/null || exit\n", arguments(how)),
    }
}
