//! Mending packages: all that come in one call of the tool, all that go in another.
//!
//! How: `recommends` (whether what is recommended comes too), `release`, `force`, `downgrade`, `unauthenticated`, `change_held`, `only_upgrade`, `autoremove`,
//! `no_remove`, `purge`, `dpkg_options` (`force-confdef,force-confold`), `lock_timeout` (seconds), `policy_rc_d` (a code), `file` (a package file to take).

use std::collections::BTreeMap;

use crate::resources::sh;
use crate::state::{Fields, Gap, Reply};
use crate::text::Value;

use super::ask::MANAGER;

pub(super) fn script(gaps: &[&Gap]) -> String {
    let mut text = format!("{MANAGER}case $m in\napt-get)\n{}", apt(gaps));
    let fresh = gaps.iter().any(|gap| flag(&gap.how, "update_cache"));
    let (expire, refresh) =
        if fresh { ("case $m in yum) yum -q clean expire-cache; r= ;; *) r=--refresh ;; esac\n", " $r") } else { ("", "") };
    let install = format!("$m -y -q{refresh} install");
    text += &format!(";;\ndnf*|microdnf|yum)\n{expire}{};;\n", lines(gaps, "-", ["$m -y -q remove", &install]));
    let add = if fresh { "apk add -q -u -U" } else { "apk add -q -u" };
    text += &format!("apk)\n{};;\n", lines(gaps, "=", ["apk del -q", add]));
    text + "*) echo 'this host has no package manager that is known here (apt, dnf, yum, apk)' >&2; exit 1 ;;\nesac\n"
}

/// One call for what goes and one for what comes.
fn lines(gaps: &[&Gap], between: &str, verbs: [&str; 2]) -> String {
    let line = |comes: bool, verb: &str| {
        let words: Vec<String> =
            gaps.iter().filter(|gap| gap.then.is_some() == comes && !only_marked(gap)).map(|gap| word(gap, between)).collect();
        let names = sh::words(words.iter().map(String::as_str));
        if names.is_empty() { String::new() } else { format!("{verb} {names} </dev/null || exit\n") }
    };
    line(false, verbs[0]) + &line(true, verbs[1])
}

pub(super) fn purge(gaps: &[&Gap]) -> String {
    gaps.first().map_or_else(String::new, |first| {
        format!("{}{} purge {} || exit\n", environment(&first.how), apt_get(&first.how), sh::words(gaps.iter().map(|gap| &*gap.id.name)))
    })
}

/// A package that is there, and is only to count as wanted for its own sake.
pub(super) fn only_marked(gap: &Gap) -> bool {
    gap.then.is_some() && !gap.changes.is_empty() && gap.changes.iter().all(|change| change.field == "auto")
}

/// dpkg says what is wrong on stdout, among its progress, and apt-get on stderr only that dpkg failed: the errors of both, and nothing of debconf's chatter.
pub(super) fn complaint(reply: &Reply) -> String {
    let (out, err) = (String::from_utf8_lossy(&reply.out), String::from_utf8_lossy(&reply.err));
    let mut lines: Vec<&str> = vec![];
    let mut within = false;
    for line in out.lines().map(str::trim_end) {
        within = line.starts_with("dpkg: error") || (within && line.starts_with(' '));
        if within {
            lines.push(line);
        }
    }
    lines.extend(err.lines().map(str::trim_end).filter(|line| !line.starts_with("debconf: ") && !line.is_empty()));
    match lines.is_empty() {
        true => out.trim().to_string(),
        false => lines.join("\n"),
    }
}

/// The name as the tool takes it, with its version where one is wanted.
fn word(gap: &Gap, between: &str) -> String {
    if let Some(file) = gap.how.get("file").and_then(Value::as_str) {
        return file.to_string();
    }
    let version = gap.then.as_ref().and_then(|then| then.get("version")).and_then(Value::as_str);
    match version {
        Some(version) => format!("{}{between}{version}", gap.id.name),
        None => gap.id.name.to_string(),
    }
}

fn apt(gaps: &[&Gap]) -> String {
    let mut text = String::new();
    // what goes first cannot stand in the way of what comes
    let mut calls: BTreeMap<(bool, String), (Vec<String>, &Fields)> = BTreeMap::new();
    for gap in gaps.iter().filter(|gap| !only_marked(gap)) {
        let comes = gap.then.is_some();
        let line = format!("{}{}", options(&gap.how), if comes { install_options(&gap.how) } else { remove_options(&gap.how) });
        calls.entry((comes, line)).or_insert_with(|| (vec![], &gap.how)).0.push(word(gap, "="));
    }
    for ((comes, options), (names, how)) in &calls {
        let verb = if *comes { "install" } else { "remove" };
        let names = sh::words(names.iter().map(String::as_str));
        text += &format!("{}apt-get -y -q{options} {verb} {names} </dev/null || exit\n", environment(how));
    }
    let marked =
        gaps.iter().filter(|gap| gap.change("auto").is_some_and(|change| change.now == Some(Value::Bool(true)))).map(|gap| &*gap.id.name);
    let marked = sh::words(marked);
    if !marked.is_empty() {
        text += &format!("apt-mark manual {marked} >/dev/null || exit\n");
    }
    text
}

/// Before a call of apt-get: nothing asks, and, where it is wanted, no service is started by a package.
pub fn environment(how: &Fields) -> String {
    let mut text = "export DEBIAN_FRONTEND=noninteractive DEBIAN_PRIORITY=critical\n".to_string();
    if let Some(code) = how.get("policy_rc_d").and_then(Value::as_int) {
        text += "p=/usr/sbin/policy-rc.d; [ ! -e $p ] || grep -q '^# play' $p || mv $p $p.play || exit\n";
        text += &format!("printf '#!/bin/sh\\n# play\\nexit %d\\n' {code} >$p && chmod 755 $p || exit\n");
        text += "trap 'rm -f $p; [ ! -e $p.play ] || mv $p.play $p' EXIT\n";
    }
    text
}

/// `apt-get` with what all its calls have.
pub fn apt_get(how: &Fields) -> String {
    format!("apt-get -y -q{}", options(how))
}

fn flag(how: &Fields, name: &str) -> bool {
    how.get(name).is_some_and(Value::truthy)
}

fn options(how: &Fields) -> String {
    let dpkg = how.get("dpkg_options").and_then(Value::as_str).unwrap_or("force-confdef,force-confold");
    let mut text: String = dpkg
        .split(',')
        .filter(|option| !option.is_empty())
        .map(|option| format!(" -o {}", sh::quote(&format!("Dpkg::Options::=--{option}"))))
        .collect();
    text += &format!(" -o DPkg::Lock::Timeout={}", how.get("lock_timeout").and_then(Value::as_int).unwrap_or(60));
    let flags = [
        ("force", "--force-yes"),
        ("unauthenticated", "--allow-unauthenticated"),
        ("downgrade", "--allow-downgrades"),
        ("change_held", "--allow-change-held-packages"),
    ];
    for (name, word) in flags {
        if flag(how, name) {
            text += &format!(" {word}");
        }
    }
    for (name, word) in [("autoremove", "--auto-remove"), ("no_remove", "--no-remove")] {
        if flag(how, name) {
            text += &format!(" {word}");
        }
    }
    text
}

fn install_options(how: &Fields) -> String {
    let mut text = String::new();
    if flag(how, "only_upgrade") {
        text += " --only-upgrade";
    }
    if let Some(release) = how.get("release").and_then(Value::as_str) {
        text += &format!(" -t {}", sh::quote(release));
    }
    if let Some(recommends) = how.get("recommends").and_then(Value::as_bool) {
        text += &format!(" -o APT::Install-Recommends={}", if recommends { "yes" } else { "no" });
    }
    text
}

fn remove_options(how: &Fields) -> String {
    if flag(how, "purge") { " --purge".into() } else { String::new() }
}
