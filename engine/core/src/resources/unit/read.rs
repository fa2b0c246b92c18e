//! What an answer says about one unit.

use crate::state::{Fields, Look, Reading, Reply, State};
use crate::text::{Map, Value};

use super::split;

pub(super) fn reading(look: &Look, reply: &Reply) -> Reading {
    let (scope, name) = split(&look.id.name);
    let text = String::from_utf8_lossy(&reply.out);
    // the part of the answer that is about this scope
    let mut init = "";
    let mut section = vec![];
    for line in text.lines() {
        if let Some(word) = line.strip_prefix("i ") {
            init = word;
        } else if init == scope || (scope == "system" && !matches!(init, "user" | "global")) {
            section.push((init, line));
        }
    }
    if init.is_empty() {
        return Reading::failed(format!("the host did not say how {name} is: {}", String::from_utf8_lossy(&reply.err).trim()));
    }
    let line =
        |letter: &str, name: &str| section.iter().find_map(|(_, line)| line.strip_prefix(letter)?.strip_prefix(name)?.strip_prefix(' '));
    if let Some(words) = line("o ", &look.id.name) {
        return Reading::one(look, script(words));
    }
    let initd = line("y ", name);
    if let Some(file_state) = line("e ", name) {
        return Reading::one(look, offline(file_state, initd));
    }
    let lines: Vec<&str> = section.iter().filter(|(init, _)| matches!(*init, "systemd" | "user")).map(|(_, line)| *line).collect();
    if lines.is_empty() && scope == "user" {
        let message = format!("systemd does not tell about units of this user: {}", String::from_utf8_lossy(&reply.err).trim());
        return Reading::Failed {
            message,
            hint: Some("units of a user are there while it is logged in; `loginctl enable-linger USER` keeps them".into()),
        };
    }
    match lines.split(|line| line.is_empty()).map(properties).find(|unit| names(unit).any(|known| known == name)) {
        Some(unit) => Reading::one(look, state(unit, initd)),
        None if section.iter().any(|(init, _)| *init == "systemd") => {
            Reading::failed(format!("systemd does not tell about {name}: {}", String::from_utf8_lossy(&reply.err).trim()))
        }
        None => Reading::one(look, None),
    }
}

/// Of OpenRC and init scripts: whether it runs, whether it is enabled.
fn script(words: &str) -> State {
    let (running, enabled) = words.split_once(' ')?;
    let mut fields = Fields::from([("running".into(), Value::Bool(running == "yes")), ("enabled".into(), Value::Bool(enabled == "yes"))]);
    fields.insert("masked".into(), Value::Bool(false));
    Some(fields)
}

/// Where systemd does not run, it can still tell what would be enabled.
fn offline(file_state: &str, initd: Option<&str>) -> State {
    if matches!(file_state, "" | "not-found") && initd.is_none() {
        return None;
    }
    Some(Fields::from([
        ("enabled".into(), Value::Bool(enabled(file_state, initd))),
        ("masked".into(), Value::Bool(file_state.starts_with("masked"))),
        ("file_state".into(), Value::text(file_state)),
    ]))
}

/// As Ansible takes what `systemctl is-enabled` says.
fn enabled(file_state: &str, initd: Option<&str>) -> bool {
    matches!(file_state, "enabled" | "static" | "generated" | "transient") && !(file_state == "generated" && initd == Some("off"))
        || (file_state.is_empty() && initd == Some("on"))
}

/// `NAME=VALUE`; values of `Exec…` may take several lines.
fn properties(lines: &[&str]) -> Map {
    let mut unit = Map::new();
    for line in lines {
        if let Some((name, value)) = line.split_once('=').filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
            unit.insert(name.to_string(), value.trim());
        }
    }
    unit
}

fn names(unit: &Map) -> impl Iterator<Item = &str> {
    let own = ["Names", "Id"].into_iter().filter_map(|name| unit.get(name)?.as_str());
    own.flat_map(|names| names.split(' '))
}

fn state(unit: Map, initd: Option<&str>) -> State {
    let text = |name: &str| unit.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
    let (load, active, file_state) = (text("LoadState"), text("ActiveState"), text("UnitFileState"));
    if load == "not-found" && initd.is_none() && !matches!(active.as_str(), "active" | "activating" | "deactivating") {
        return None;
    }
    let oneshot = text("Type") == "oneshot" && text("RemainAfterExit") != "yes";
    let mut fields = Fields::from([
        ("running".into(), Value::Bool(matches!(active.as_str(), "active" | "activating"))),
        ("enabled".into(), Value::Bool(enabled(&file_state, initd))),
        ("masked".into(), Value::Bool(load == "masked" || file_state.starts_with("masked"))),
        ("file_state".into(), Value::text(file_state)),
        ("oneshot".into(), Value::Bool(oneshot)),
    ]);
    let error = text("LoadError");
    if !error.is_empty() && load != "masked" && load != "not-found" {
        fields.insert("error".into(), Value::text(error));
    }
    fields.insert("status".into(), Value::from(unit));
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_hold_equal_signs() {
        let unit = properties(&["Id=a.service", "Environment=A=1 B=2", "ExecStart={ path=/bin/x ; argv[]=/bin/x a=b ; }"]);
        assert_eq!(unit.get("Environment").and_then(Value::as_str), Some("A=1 B=2"));
        assert_eq!(super::super::short("a.service"), "a");
    }
}
