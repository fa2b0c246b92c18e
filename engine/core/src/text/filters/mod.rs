//! Ansible's filters, one file a family. Each knows only its arguments.

pub mod encode;
pub mod list;
pub mod mapping;
pub mod network;
pub mod number;
pub mod password;
pub mod path;
pub mod query;
pub mod regex;
pub mod select;
pub mod sets;
pub mod text;
pub mod time;
pub mod yaml;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::template::{Call, Here, Outcome, usable};
use super::value::{Map, Value};

/// One filter.
pub struct Filter {
    pub name: &'static str,
    /// Names of its arguments by position, the input first; see [`Call::bind`].
    pub parameters: &'static str,
    pub run: fn(&Call<'_>, &Here<'_>) -> Outcome<Value>,
    /// Takes arguments that are undefined or unknown too.
    pub lax: bool,
}

impl Filter {
    pub const fn new(name: &'static str, parameters: &'static str, run: fn(&Call<'_>, &Here<'_>) -> Outcome<Value>) -> Filter {
        Filter { name, parameters, run, lax: false }
    }

    pub const fn lax(name: &'static str, parameters: &'static str, run: fn(&Call<'_>, &Here<'_>) -> Outcome<Value>) -> Filter {
        Filter { name, parameters, run, lax: true }
    }

    /// Calls it; the input is the first argument.
    pub fn apply(&self, args: Vec<Value>, named: Map, here: &Here<'_>) -> Outcome<Value> {
        let call = Call::new(self.name, args, named).bind(self.parameters)?;
        if !self.lax {
            call.args.iter().chain(call.named.values()).try_for_each(usable)?;
        }
        (self.run)(&call, here)
    }
}

static TABLE: LazyLock<Vec<&'static Filter>> = LazyLock::new(|| {
    [
        text::FILTERS,
        list::FILTERS,
        sets::FILTERS,
        select::FILTERS,
        mapping::FILTERS,
        number::FILTERS,
        regex::FILTERS,
        encode::FILTERS,
        yaml::FILTERS,
        path::FILTERS,
        time::FILTERS,
        network::FILTERS,
        password::FILTERS,
        query::FILTERS,
    ]
    .into_iter()
    .flatten()
    .collect()
});

static BY_NAME: LazyLock<HashMap<&'static str, usize>> =
    LazyLock::new(|| TABLE.iter().enumerate().map(|(at, filter)| (filter.name, at)).collect());

/// Collections whose filters, tests and lookups are known under their short names.
const COLLECTIONS: [&str; 7] = [
    "ansible.builtin.",
    "ansible.utils.",
    "ansible.netcommon.",
    "ansible.legacy.",
    "community.general.",
    "community.crypto.",
    "kubernetes.core.",
];

/// The name without its collection.
pub fn short(name: &str) -> &str {
    COLLECTIONS.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// The number of a filter, which compiled templates carry.
pub fn index(name: &str) -> Option<usize> {
    BY_NAME.get(short(name)).copied()
}

/// A filter by its number.
pub fn get(index: usize) -> &'static Filter {
    TABLE.get(index).copied().unwrap_or(&text::FILTERS[0])
}

pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|filter| filter.name)
}
