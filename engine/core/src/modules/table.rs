//! The one table of modules.

use super::{Entry, assemble, assert, blockinfile, command, copy, debug, fail, file, lineinfile, meta, ping, raw, replace, set_fact, shell, slurp, stat, tempfile, template};

pub static TABLE: &[&Entry] = &[
    &assemble::ENTRY,
    &assert::ENTRY,
    &blockinfile::ENTRY,
    &command::ENTRY,
    &copy::ENTRY,
    &debug::ENTRY,
    &fail::ENTRY,
    &file::ENTRY,
    &super::find::ENTRY,
    &lineinfile::ENTRY,
    &meta::ENTRY,
    &ping::ENTRY,
    &raw::ENTRY,
    &replace::ENTRY,
    &set_fact::ENTRY,
    &shell::ENTRY,
    &slurp::ENTRY,
    &stat::ENTRY,
    &tempfile::ENTRY,
    &template::ENTRY,
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
