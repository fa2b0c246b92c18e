//! Names of files and roles that are templates, though they are read before anything runs. What is known by then: the
//! variables of the command line, and those that stand around in the book.

use std::sync::Arc;

use super::around::{Around, Ring};
use super::path;
use super::vars::{Layers, Level, Scope, Var};
use crate::text::template::{self, Search, Templates};
use crate::text::{Control, Node, Result, Value};

/// How such names are rendered.
#[derive(Clone)]
pub struct Naming {
    pub templates: Arc<Templates>,
    pub extra: Arc<Scope>,
}

impl Naming {
    /// The name that a node gives. `around` is what it stands in; `vars` its own variables.
    pub fn name(&self, control: &dyn Control, node: &Node, around: Option<&Arc<Around>>, vars: &Arc<Scope>) -> Result<String> {
        let mut layers = Layers::new();
        let rings: Vec<&Arc<Around>> = around.into_iter().flat_map(Around::rings).collect();
        for ring in rings.iter().rev() {
            if let Some(role) = &ring.role {
                layers.push(Level::RoleDefaults, role.defaults.clone());
                layers.push(Level::RoleVars, role.vars.clone());
            }
            let level = match ring.ring {
                Ring::Play => Level::PlayVars,
                Ring::Role => Level::RoleParams,
                Ring::Block | Ring::Import => Level::BlockVars,
                Ring::Include => Level::IncludeParams,
            };
            layers.push(level, ring.vars.clone());
        }
        layers.push(Level::TaskVars, vars.clone());
        layers.push(Level::ExtraVars, self.extra.clone());
        let folder = rings.iter().find(|ring| ring.ring == Ring::Play).map(|ring| path::absolute(control, &ring.folder));
        let value = self.templates.render(node, &Known { layers, folder }).map_err(|error| {
            error.hint("this is read before anything runs: known are `-e` and the variables that stand around it, but none of a host")
        })?;
        match value.as_str() {
            Some(name) => Ok(name.to_string()),
            None => Err(node.error(format!("this gives {}, and a name was expected", value.type_name()))),
        }
    }
}

struct Known {
    layers: Layers,
    folder: Option<String>,
}

impl template::Scope for Known {
    fn get(&self, name: &str) -> Option<template::Var> {
        match self.layers.get(name) {
            Some(Var::Written(node)) => Some(template::Var::Raw(node.clone())),
            Some(Var::Made(value, _)) => Some(template::Var::Value(value.clone())),
            None if name == "playbook_dir" => self.folder.as_deref().map(|folder| template::Var::Value(Value::text(folder))),
            None => None,
        }
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.layers.names()
    }

    fn search(&self, _: Search, name: &str) -> Vec<String> {
        vec![name.to_string()]
    }
}
