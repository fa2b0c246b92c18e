//! `add_host`: a host in the inventory, for as long as the run lasts.

use std::sync::Arc;

use crate::state::{Halt, Look, View};
use crate::text::{Map, Result, Value};

use super::{Arg, Args, Effect, Entry, Module, Spec, Type, Want, display};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "add_host",
    collection: "ansible.builtin",
    about: "Add a host to the inventory of this run; each further argument is a variable of it",
    args: &[
        Arg::new("name", Type::Text, "Its name; `NAME:PORT` sets the port, too"),
        Arg::new("hostname", Type::Text, "Its name"),
        Arg::new("host", Type::Text, "Its name"),
        Arg::new("groups", Type::Any, "Groups that it is in"),
        Arg::new("groupname", Type::Any, "Groups that it is in"),
        Arg::new("group", Type::Any, "Groups that it is in"),
    ],
    free_form: None,
    any: true,
};

struct AddHost {
    name: String,
    groups: Vec<String>,
    vars: Map,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let given = ["name", "hostname", "host"].into_iter().find_map(|name| args.text(name));
    let given = given.ok_or_else(|| args.span.error("name, host or hostname needs to be provided"))?;
    let (name, port) = address(&given);
    let mut vars: Map = args.rest.iter().map(|(name, value)| (name.as_str().into(), value.clone())).collect();
    // Ansible leaves these two among the variables
    for name in ["host", "group"] {
        drop(args.value(name).map(|value| vars.insert(name, value)));
    }
    drop(port.map(|port| vars.insert("ansible_ssh_port", port)));
    let mut groups: Vec<String> = vec![];
    if let Some((argument, value)) = ["groupname", "groups", "group"].into_iter().find_map(|name| Some((name, args.value(name)?))) {
        let words: Vec<String> = match value.plain() {
            Value::List(items) => items.iter().map(display).collect(),
            Value::Text(text) => text.split(',').map(String::from).collect(),
            _ => return Err(args.error(argument, "Groups must be specified as a list.")),
        };
        for word in words.iter().map(|word| word.trim()).filter(|word| !word.is_empty()) {
            if !groups.iter().any(|have| have == word) {
                groups.push(word.to_string());
            }
        }
    }
    Ok(Arc::new(AddHost { name, groups, vars }))
}

/// `host:22` and `[::1]:22` have a port.
fn address(text: &str) -> (String, Option<i64>) {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None if text.matches(':').count() == 1 => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        None => (text, None),
    };
    match port.map(str::parse::<i64>) {
        Some(Ok(port)) => (host.to_string(), Some(port)),
        Some(Err(_)) => (text.to_string(), None),
        None => (host.to_string(), None),
    }
}

impl Module for AddHost {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        let groups = self.groups.iter().map(|group| Value::text(group.as_str())).collect::<Vec<_>>();
        let host = Value::map([
            ("host_name", Value::text(self.name.as_str())),
            ("groups", groups.into()),
            ("host_vars", self.vars.clone().into()),
        ]);
        let mut result = Map::new();
        result.insert("add_host", host);
        let effect = Effect::AddHost { name: self.name.clone(), groups: self.groups.clone(), vars: self.vars.clone() };
        Ok(Want { result, ..Want::effect(effect) })
    }
}
