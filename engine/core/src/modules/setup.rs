//! `setup`: the facts of a host. `gather_facts` is the same under the name that plays know.

use std::collections::BTreeSet;
use std::sync::Arc;

use regex::Regex;

use crate::resources::facts::{self, COLLECTORS, Collector};
use crate::state::{Halt, Id, Look, View};
use crate::text::{Key, Map, Result, Value};

use super::{Arg, Args, Effect, Entry, Module, Spec, Type, Want};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };
pub static GATHER: Entry = Entry { spec: &GATHER_SPEC, make };

const SUBSET: Arg =
    Arg::new("gather_subset", Type::Texts, "Which facts: `all`, `min`, `network`, `hardware`, …, each also with `!` before it")
        .default("all");
const FILTER: Arg = Arg::new("filter", Type::Texts, "Only facts whose names match one of these patterns");
const FOLDER: Arg = Arg::new("fact_path", Type::Path, "Folder of local facts, `*.fact`").default(facts::FOLDER);
const TIMEOUT: Arg = Arg::new("gather_timeout", Type::Int, "Seconds that a file server may take to tell its size").default("10");

static SPEC: Spec = Spec {
    name: "setup",
    collection: "ansible.builtin",
    about: "Gather facts of a host",
    args: &[SUBSET, FILTER, FOLDER, TIMEOUT],
    free_form: None,
    any: false,
};

static GATHER_SPEC: Spec = Spec {
    name: "gather_facts",
    collection: "ansible.builtin",
    about: "Gather facts of a host, as plays do",
    args: &[SUBSET, FILTER, FOLDER, TIMEOUT, Arg::new("parallel", Type::Bool, "Without effect: all facts are one question")],
    free_form: None,
    any: false,
};

struct Setup {
    subset: Vec<String>,
    collectors: Vec<&'static Collector>,
    filter: Vec<(String, Option<Regex>)>,
    folder: String,
    timeout: i64,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let subset = args.texts("gather_subset");
    let subset = if subset.is_empty() { vec!["all".to_string()] } else { subset };
    let names = selected(&subset).map_err(|why| args.error("gather_subset", why))?;
    let wanted = |collector: &&Collector| names.contains(collector.name) || collector.ids.iter().any(|id| names.contains(id));
    let asked: Vec<&'static Collector> = COLLECTORS.iter().filter(wanted).collect();
    let needed = facts::needs(&asked);
    let collectors = COLLECTORS.iter().filter(|collector| needed.iter().any(|need| need.name == collector.name)).collect();
    let filter = args.texts("filter").into_iter().map(|text| (text.clone(), pattern(&text))).collect();
    Ok(Arc::new(Setup { subset, collectors, filter, folder: args.need("fact_path")?, timeout: args.int("gather_timeout").unwrap_or(10) }))
}

/// Names of collectors and facts that a list of subsets comes to, as Ansible counts: the minimal ones first, then what is
/// added, less what is excluded, and what is named by itself in any case.
fn selected(subset: &[String]) -> std::result::Result<BTreeSet<&'static str>, String> {
    let named = |collector: &'static Collector| std::iter::once(collector.name).chain(collector.ids.iter().copied());
    let valid: BTreeSet<&'static str> = COLLECTORS.iter().flat_map(named).collect();
    let minimal: BTreeSet<&'static str> = COLLECTORS.iter().filter(|collector| collector.minimal).map(|collector| collector.name).collect();
    let mut added = minimal.clone();
    let (mut excluded, mut explicit): (BTreeSet<&str>, BTreeSet<&str>) = Default::default();
    for word in subset {
        match word.as_str() {
            "min" => added.extend(&minimal),
            "all" => added.extend(&valid),
            "!min" => excluded.extend(&minimal),
            "!all" => excluded.extend(valid.difference(&minimal)),
            word => match word.strip_prefix('!') {
                Some(name) => {
                    excluded.extend(valid.get(name));
                    excluded.extend(facts::collector(name).into_iter().flat_map(|collector| collector.ids));
                }
                None => {
                    let Some(name) = valid.get(word) else { return Err(bad(word, &valid)) };
                    explicit.insert(*name);
                    added.insert(name);
                }
            },
        }
    }
    Ok(added.into_iter().filter(|name| !excluded.contains(name) || explicit.contains(name)).collect())
}

fn bad(word: &str, valid: &BTreeSet<&'static str>) -> String {
    if matches!(word, "facter" | "ohai") {
        return format!("facts of `{word}` are not gathered: hosts need no Ruby here");
    }
    let all: Vec<&str> = valid.iter().copied().collect();
    format!("Bad subset '{word}' given to Ansible. gather_subset options allowed: all, {}", all.join(", "))
}

/// A pattern as Python's `fnmatch` has it.
fn pattern(text: &str) -> Option<Regex> {
    let mut out = String::from("(?s)^");
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut size = c.len_utf8();
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => match rest[1..].get(1..).and_then(|inner| inner.find(']')) {
                Some(end) => {
                    size = end + 3;
                    let inner = &rest[1..end + 2];
                    let (not, inner) = inner.strip_prefix('!').map_or(("", inner), |inner| ("^", inner));
                    out += &format!("[{not}{}]", inner.replace('\\', "\\\\").replace('[', "\\[").replace('^', "\\^"));
                }
                None => out.push_str("\\["),
            },
            c => out += &regex::escape(&c.to_string()),
        }
        rest = &rest[size..];
    }
    Regex::new(&(out + "$")).ok()
}

impl Setup {
    fn look(&self, collector: &Collector) -> Look {
        let look = Look::at(facts::KIND, collector.name);
        match collector.name {
            "local" => look.with("folder", self.folder.clone()),
            "hardware" => look.with("timeout", self.timeout.to_string()),
            _ => look,
        }
    }

    /// Whether a fact, named with `ansible_`, is asked for.
    fn passes(&self, name: &str) -> bool {
        let matches = |pattern: &Option<Regex>, name: &str| pattern.as_ref().is_some_and(|pattern| pattern.is_match(name));
        let bare = name.strip_prefix("ansible_");
        self.filter.is_empty()
            || self.filter.iter().any(|(text, pattern)| {
                let prefixed = ["ansible_", "facter", "ohai"].iter().any(|begin| text.starts_with(begin));
                text.is_empty() || matches(pattern, name) || (!prefixed && bare.is_some_and(|bare| matches(pattern, bare)))
            })
    }
}

impl Module for Setup {
    fn looks(&self) -> Vec<Look> {
        self.collectors.iter().map(|collector| self.look(collector)).collect()
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut all = Map::new();
        for collector in &self.collectors {
            for (name, value) in view.fields(&Id::new(facts::KIND, collector.name))?.into_iter().flatten() {
                all.insert(format!("ansible_{name}"), value.clone());
            }
        }
        all.insert("gather_subset", self.subset.iter().map(|word| Value::text(word.as_str())).collect::<Vec<_>>());
        all.insert("module_setup", true);
        let all: Map = all.into_iter().filter(|(name, _)| name.as_str().is_some_and(|name| self.passes(name))).collect();
        let bare = |key: &Key| Key::from(key.as_str().map_or("", |name| name.strip_prefix("ansible_").unwrap_or(name)));
        let mut facts: Map = all.iter().map(|(key, value)| (bare(key), value.clone())).collect();
        if let Some(local) = facts.get("local").cloned() {
            // the one fact that keeps its prefix below `ansible_facts`
            facts.insert("ansible_local", local);
        }
        let mut result = Map::new();
        result.insert("ansible_facts", all);
        Ok(Want { result, ..Want::effect(Effect::Facts { facts, gathered: true }) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_as_ansible_counts_them() {
        let of = |words: &[&str]| selected(&words.iter().map(|word| (*word).to_string()).collect::<Vec<_>>());
        assert!(of(&["all"]).expect("names").contains("hardware"));
        assert_eq!(of(&["!all", "!min", "local"]), Ok(BTreeSet::from(["local"])));
        let least = of(&["!all"]).expect("names");
        assert!(least.contains("platform") && !least.contains("network"));
        assert!(!of(&["!hardware", "!facter"]).expect("names").contains("mounts"));
        assert!(of(&["nothing"]).is_err());
    }

    #[test]
    fn patterns_as_fnmatch_has_them() {
        let matches = |text: &str, name: &str| pattern(text).is_some_and(|pattern| pattern.is_match(name));
        assert!(matches("ansible_*mb", "ansible_memtotal_mb"));
        assert!(matches("ansible_eth[0-2]", "ansible_eth1") && !matches("ansible_eth[!0-2]", "ansible_eth1"));
        assert!(!matches("ansible_eth", "ansible_eth0"));
    }
}
