//! Ansible's lookups: what reads files, the environment and variables on the control node.

mod data;
mod file;
mod password;
mod variable;

use super::diagnostic::Diagnostic;
use super::filters::short;
use super::template::{self as t, Call, Here, Outcome, usable};
use super::value::{Map, Value};

pub use file::glob;

/// One lookup.
pub struct Lookup {
    pub name: &'static str,
    /// Names that it takes beside its terms.
    options: &'static [&'static str],
    run: fn(&Call<'_>, &Here<'_>) -> Outcome<Vec<Value>>,
}

const LOOKUPS: &[Lookup] = &[
    Lookup { name: "env", options: &["default"], run: variable::env },
    Lookup { name: "vars", options: &["default"], run: variable::vars },
    Lookup { name: "varnames", options: &[], run: variable::varnames },
    Lookup { name: "inventory_hostnames", options: &[], run: variable::inventory_hostnames },
    Lookup { name: "config", options: &["on_missing"], run: variable::config },
    Lookup { name: "file", options: &["lstrip", "rstrip"], run: file::file },
    Lookup { name: "unvault", options: &[], run: file::file },
    Lookup { name: "template", options: file::TEMPLATE_OPTIONS, run: file::template },
    Lookup { name: "fileglob", options: &[], run: file::fileglob },
    Lookup { name: "first_found", options: &["files", "paths", "skip"], run: file::first_found },
    Lookup { name: "pipe", options: &[], run: file::pipe },
    Lookup { name: "lines", options: &[], run: file::lines },
    Lookup {
        name: "url",
        options: &["split_lines", "validate_certs", "username", "password", "headers", "timeout", "force"],
        run: file::url,
    },
    Lookup { name: "password", options: password::OPTIONS, run: password::password },
    Lookup { name: "random_choice", options: &[], run: data::random_choice },
    Lookup { name: "dict", options: &[], run: data::dict },
    Lookup { name: "items", options: &[], run: data::items },
    Lookup { name: "list", options: &[], run: |call, _| Ok(call.args.clone()) },
    Lookup { name: "flattened", options: &[], run: data::flattened },
    Lookup { name: "indexed_items", options: &[], run: data::indexed },
    Lookup { name: "together", options: &[], run: data::together },
    Lookup { name: "nested", options: &[], run: data::nested },
    Lookup { name: "cartesian", options: &[], run: data::nested },
    Lookup { name: "sequence", options: &["start", "end", "stride", "count", "format"], run: data::sequence },
    Lookup { name: "subelements", options: &[], run: data::subelements },
    Lookup {
        name: "ini",
        options: &["section", "file", "re", "default", "type", "encoding", "case_sensitive", "interpolation", "allow_no_value"],
        run: data::ini,
    },
    Lookup { name: "csvfile", options: &["file", "delimiter", "col", "keycol", "default", "encoding"], run: data::csvfile },
];

/// What a lookup finds for its terms.
pub fn run(name: &str, args: Vec<Value>, named: Map, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let Some(lookup) = LOOKUPS.iter().find(|lookup| lookup.name == short(name)) else {
        return Err(Diagnostic::error(format!("there is no lookup `{name}`")).meant(short(name), names()).into());
    };
    args.iter().chain(named.values()).try_for_each(usable)?;
    if let Some(key) = named.keys().find(|key| !lookup.options.contains(&key.as_str().unwrap_or_default())) {
        let key = key.to_string();
        return Err(Diagnostic::error(format!("the lookup `{}` has no option `{key}`", lookup.name))
            .meant(&key, lookup.options.iter().copied())
            .into());
    }
    (lookup.run)(&Call::new(lookup.name, args, named), here)
}

/// The names of all lookups.
pub fn names() -> impl Iterator<Item = &'static str> {
    LOOKUPS.iter().map(|lookup| lookup.name)
}

pub fn is_lookup(name: &str) -> bool {
    LOOKUPS.iter().any(|lookup| lookup.name == short(name))
}

/// The terms, with lists among them dissolved.
fn terms(call: &Call<'_>) -> Outcome<Vec<String>> {
    let flat = super::filters::list::flattened(&call.args, 1);
    flat.iter().map(|term| Ok(t::python_text(term)?.into_owned())).collect()
}

fn option(call: &Call<'_>, name: &str) -> Outcome<Option<String>> {
    call.named.get(name).filter(|value| !value.is_null()).map(|value| t::python_text(value).map(|text| text.into_owned())).transpose()
}

fn flag(call: &Call<'_>, name: &str, default: bool) -> bool {
    call.named.get(name).map_or(default, super::filters::text::boolean)
}
