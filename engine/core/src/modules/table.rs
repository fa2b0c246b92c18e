//! The one table of modules.

use super::{Entry, apt, apt_repository, assert, authorized_key, command, copy, cron, debug, fail, file, group, hostname, meta, package, ping, raw, service, set_fact, shell, sysctl, systemd_service, user};

pub static TABLE: &[&Entry] = &[
    &apt::ENTRY,
    &apt_repository::ENTRY,
    &apt_repository::KEY,
    &assert::ENTRY,
    &authorized_key::ENTRY,
    &command::ENTRY,
    &copy::ENTRY,
    &cron::ENTRY,
    &debug::ENTRY,
    &fail::ENTRY,
    &file::ENTRY,
    &group::ENTRY,
    &hostname::ENTRY,
    &hostname::ZONE,
    &meta::ENTRY,
    &package::APK,
    &package::DNF,
    &package::DNF5,
    &package::ENTRY,
    &package::YUM,
    &ping::ENTRY,
    &raw::ENTRY,
    &service::ENTRY,
    &set_fact::ENTRY,
    &shell::ENTRY,
    &sysctl::ENTRY,
    &systemd_service::ENTRY,
    &systemd_service::SHORT,
    &user::ENTRY,
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

/// All names that a task may use, for "did you mean".
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|entry| entry.spec.name)
}
