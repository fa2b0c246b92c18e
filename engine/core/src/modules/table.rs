//! The one table of modules.

use super::{
    Entry, add_host, apt, apt_repository, assemble, assert, async_status, authorized_key, blockinfile, command, copy, cron, debug, fail,
    fetch, file, getent, group, group_by, hostname, include_vars, k8s, k8s_info, k8s_refused, lineinfile, meta, package, pause, ping, raw,
    replace, script, service, set_fact, setup, shell, slurp, stat, sysctl, systemd_service, tempfile, template, user,
    validate_argument_spec, wait_for, wait_for_connection,
};

pub static TABLE: &[&Entry] = &[
    &add_host::ENTRY,
    &apt::ENTRY,
    &apt_repository::ENTRY,
    &apt_repository::KEY,
    &assemble::ENTRY,
    &assert::ENTRY,
    &async_status::ENTRY,
    &authorized_key::ENTRY,
    &blockinfile::ENTRY,
    &command::ENTRY,
    &copy::ENTRY,
    &cron::ENTRY,
    &debug::ENTRY,
    &fail::ENTRY,
    &fetch::ENTRY,
    &file::ENTRY,
    &getent::ENTRY,
    &group::ENTRY,
    &group_by::ENTRY,
    &hostname::ENTRY,
    &hostname::ZONE,
    &include_vars::ENTRY,
    &k8s::ENTRY,
    &k8s_info::ENTRY,
    &k8s_refused::EXEC,
    &k8s_refused::SCALE,
    &lineinfile::ENTRY,
    &meta::ENTRY,
    &package::APK,
    &package::DNF,
    &package::DNF5,
    &package::ENTRY,
    &package::YUM,
    &pause::ENTRY,
    &ping::ENTRY,
    &raw::ENTRY,
    &replace::ENTRY,
    &script::ENTRY,
    &service::ENTRY,
    &set_fact::ENTRY,
    &setup::ENTRY,
    &setup::GATHER,
    &shell::ENTRY,
    &slurp::ENTRY,
    &stat::ENTRY,
    &super::find::ENTRY,
    &sysctl::ENTRY,
    &systemd_service::ENTRY,
    &systemd_service::SHORT,
    &tempfile::ENTRY,
    &template::ENTRY,
    &user::ENTRY,
    &validate_argument_spec::ENTRY,
    &wait_for::ENTRY,
    &wait_for_connection::ENTRY,
];

/// The module of this name, short or full. `ansible.builtin`, `ansible.legacy` and the module's own collection lead to it.
pub fn find(name: &str) -> Option<&'static Entry> {
    let (collection, short) = name.rsplit_once('.').unwrap_or(("", name));
    let entry = TABLE.iter().find(|entry| entry.spec.name == short)?;
    matches!(collection, "" | "ansible.builtin" | "ansible.legacy")
        .then_some(entry)
        .or_else(|| (collection == entry.spec.collection).then_some(entry))
        .copied()
}

/// Whether the first host of a play does it for all: what it does is no matter of one host.
pub fn runs_once(name: &str) -> bool {
    find(name).is_some_and(|entry| matches!(entry.spec.name, "add_host" | "pause"))
}

/// Whether a task with this module may have `async`: not where the control node does its work, or sends it files.
pub fn runs_in_background(name: &str) -> bool {
    const NOT: &[&str] = &[
        "add_host",
        "assemble",
        "assert",
        "async_status",
        "copy",
        "debug",
        "fail",
        "fetch",
        "gather_facts",
        "group_by",
        "include_vars",
        "meta",
        "pause",
        "raw",
        "reboot",
        "script",
        "set_fact",
        "template",
        "unarchive",
        "validate_argument_spec",
        "wait_for_connection",
    ];
    find(name).is_some_and(|entry| !NOT.contains(&entry.spec.name))
}

/// All names that a task may use, for "did you mean".
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|entry| entry.spec.name)
}
