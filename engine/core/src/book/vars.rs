//! Variables in their levels of precedence. Nothing is merged: a lookup walks the scopes from the strongest down, and
//! who lost can be told.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::text::{Node, Span, Value};

/// The levels of precedence, weakest first, as Ansible's documentation numbers them. `Magic` stands above all: what the
/// engine itself says about the run cannot be overridden.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    CommandLine = 1,
    RoleDefaults,
    InventoryGroupVars,
    InventoryGroupVarsAll,
    PlaybookGroupVarsAll,
    InventoryGroupVarsFiles,
    PlaybookGroupVarsFiles,
    InventoryHostVars,
    InventoryHostVarsFiles,
    PlaybookHostVarsFiles,
    Facts,
    PlayVars,
    VarsPrompt,
    VarsFiles,
    RoleVars,
    BlockVars,
    TaskVars,
    IncludeVars,
    SetFacts,
    RoleParams,
    IncludeParams,
    ExtraVars,
    Magic,
}

impl Level {
    /// What inventories and the files beside them and beside playbooks say, and where a host stands in them.
    pub fn is_inventory(self) -> bool {
        (Level::InventoryGroupVars..=Level::PlaybookHostVarsFiles).contains(&self) || self == Level::Magic
    }

    /// What is a host's own, whatever play or task looks: `hostvars` shows this.
    pub fn is_of_host(self) -> bool {
        self.is_inventory() || matches!(self, Level::Facts | Level::SetFacts | Level::IncludeVars | Level::ExtraVars)
    }

    /// How a message names it.
    pub fn label(self) -> &'static str {
        match self {
            Level::CommandLine => "command line values",
            Level::RoleDefaults => "role defaults",
            Level::InventoryGroupVars => "inventory group vars",
            Level::InventoryGroupVarsAll => "inventory group_vars/all",
            Level::PlaybookGroupVarsAll => "playbook group_vars/all",
            Level::InventoryGroupVarsFiles => "inventory group_vars/*",
            Level::PlaybookGroupVarsFiles => "playbook group_vars/*",
            Level::InventoryHostVars => "inventory host vars",
            Level::InventoryHostVarsFiles => "inventory host_vars/*",
            Level::PlaybookHostVarsFiles => "playbook host_vars/*",
            Level::Facts => "facts",
            Level::PlayVars => "play vars",
            Level::VarsPrompt => "play vars_prompt",
            Level::VarsFiles => "play vars_files",
            Level::RoleVars => "role vars",
            Level::BlockVars => "block vars",
            Level::TaskVars => "task vars",
            Level::IncludeVars => "include_vars",
            Level::SetFacts => "set_fact and register",
            Level::RoleParams => "role parameters",
            Level::IncludeParams => "include parameters",
            Level::ExtraVars => "extra vars",
            Level::Magic => "magic variables",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// A variable: as it is written (its templates are still to be rendered), or made by a task.
#[derive(Clone, PartialEq, Debug)]
pub enum Var {
    Written(Node),
    Made(Value, Option<Span>),
}

impl Var {
    /// Where it comes from: the value as it stands in a file, or the task that made it.
    pub fn span(&self) -> Option<&Span> {
        match self {
            Var::Written(node) => Some(&node.span),
            Var::Made(_, span) => span.as_ref(),
        }
    }

    /// The value without any templating.
    pub fn to_value(&self) -> Value {
        match self {
            Var::Written(node) => node.to_value(),
            Var::Made(value, _) => value.clone(),
        }
    }
}

impl From<Node> for Var {
    fn from(node: Node) -> Var {
        Var::Written(node)
    }
}

impl From<Value> for Var {
    fn from(value: Value) -> Var {
        Var::Made(value, None)
    }
}

/// Variables that stand together: those of one file, group, host or task. Names keep their order.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Scope(IndexMap<Arc<str>, Var>);

impl Scope {
    pub fn new() -> Scope {
        Scope::default()
    }

    /// The variables of a mapping; nothing for any other node.
    pub fn from_node(node: &Node) -> Scope {
        let pairs = node.as_map().unwrap_or_default().iter();
        Scope(pairs.filter_map(|(key, value)| Some((Arc::from(key.as_str()?), Var::Written(value.clone())))).collect())
    }

    pub fn get(&self, name: &str) -> Option<&Var> {
        self.0.get(name)
    }

    /// Sets a variable; a later one of the same name replaces the earlier.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, var: impl Into<Var>) {
        self.0.insert(name.into(), var.into());
    }

    pub fn remove(&mut self, name: &str) -> Option<Var> {
        self.0.shift_remove(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Var)> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<N: Into<Arc<str>>, V: Into<Var>> FromIterator<(N, V)> for Scope {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Scope {
        Scope(pairs.into_iter().map(|(name, var)| (name.into(), var.into())).collect())
    }
}

/// A variable found, and the level that it was found at.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Found<'a> {
    pub level: Level,
    pub var: &'a Var,
}

/// All variables that something sees. A clone is one reference; scopes are shared between hosts and tasks.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Layers {
    /// Weakest first; at one level the later is the stronger.
    scopes: Arc<Vec<(Level, Arc<Scope>)>>,
}

impl Layers {
    pub fn new() -> Layers {
        Layers::default()
    }

    /// Adds a scope above those of its level. Nothing is kept of an empty one.
    pub fn push(&mut self, level: Level, scope: Arc<Scope>) {
        if scope.is_empty() {
            return;
        }
        let at = self.scopes.partition_point(|(have, _)| *have <= level);
        Arc::make_mut(&mut self.scopes).insert(at, (level, scope));
    }

    /// The same with a scope more.
    pub fn with(&self, level: Level, scope: Arc<Scope>) -> Layers {
        let mut layers = self.clone();
        layers.push(level, scope);
        layers
    }

    /// Sets one variable at the top of its level: a fact, a registered result.
    pub fn set(&mut self, level: Level, name: impl Into<Arc<str>>, var: impl Into<Var>) {
        let scopes = Arc::make_mut(&mut self.scopes);
        let at = scopes.partition_point(|(have, _)| *have <= level);
        if at > 0 && scopes[at - 1].0 == level {
            Arc::make_mut(&mut scopes[at - 1].1).insert(name, var);
        } else {
            scopes.insert(at, (level, Arc::new(Scope::from_iter([(name, var)]))));
        }
    }

    /// Everything of the levels from `from` on in `other`, added to these.
    pub fn extend(&mut self, other: &Layers) {
        for (level, scope) in other.scopes.iter() {
            self.push(*level, scope.clone());
        }
    }

    /// The layers of some levels.
    pub fn keep(&self, wanted: impl Fn(Level) -> bool) -> Layers {
        Layers { scopes: Arc::new(self.scopes.iter().filter(|(have, _)| wanted(*have)).cloned().collect()) }
    }

    /// The strongest of a name.
    pub fn get(&self, name: &str) -> Option<&Var> {
        self.scopes.iter().rev().find_map(|(_, scope)| scope.get(name))
    }

    /// All of a name, the winner first, for `play why` and for `hash_behaviour = merge`.
    pub fn all(&self, name: &str) -> Vec<Found<'_>> {
        let found = self.scopes.iter().rev().filter_map(|(level, scope)| Some(Found { level: *level, var: scope.get(name)? }));
        found.collect()
    }

    /// Every name, sorted, each once.
    pub fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self.scopes.iter().flat_map(|(_, scope)| scope.iter().map(|(name, _)| name.clone())).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The scopes, weakest first.
    pub fn scopes(&self) -> impl DoubleEndedIterator<Item = (Level, &Arc<Scope>)> {
        self.scopes.iter().map(|(level, scope)| (*level, scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(pairs: &[(&str, i64)]) -> Arc<Scope> {
        Arc::new(pairs.iter().map(|(name, value)| (*name, Value::Int(*value))).collect())
    }

    fn get(layers: &Layers, name: &str) -> Option<i64> {
        layers.get(name)?.to_value().as_int()
    }

    #[test]
    fn the_stronger_level_wins_in_whatever_order_it_came() {
        let mut layers = Layers::new();
        layers.push(Level::ExtraVars, scope(&[("a", 22)]));
        layers.push(Level::InventoryGroupVars, scope(&[("a", 3), ("b", 3)]));
        layers.push(Level::InventoryGroupVars, scope(&[("b", 4)]));
        layers.push(Level::RoleDefaults, scope(&[("a", 2), ("b", 2), ("c", 2)]));
        assert_eq!((get(&layers, "a"), get(&layers, "b"), get(&layers, "c"), get(&layers, "d")), (Some(22), Some(4), Some(2), None));
        let levels: Vec<Level> = layers.all("b").iter().map(|found| found.level).collect();
        assert_eq!(levels, [Level::InventoryGroupVars, Level::InventoryGroupVars, Level::RoleDefaults]);
        assert_eq!(layers.names(), ["a".into(), "b".into(), "c".into()] as [Arc<str>; 3]);
    }

    #[test]
    fn what_one_sets_another_does_not_see() {
        let mut first = Layers::new();
        first.set(Level::SetFacts, "x", Value::Int(1));
        let second = first.clone();
        first.set(Level::SetFacts, "x", Value::Int(2));
        first.set(Level::Facts, "y", Value::Int(3));
        assert_eq!((get(&first, "x"), get(&second, "x")), (Some(2), Some(1)));
        assert_eq!((get(&first, "y"), get(&second, "y")), (Some(3), None));
        assert_eq!(get(&first.keep(|level| level != Level::SetFacts), "x"), None);
    }

    #[test]
    fn there_are_22_levels_and_magic() {
        assert_eq!((Level::CommandLine as u8, Level::TaskVars as u8, Level::ExtraVars as u8), (1, 17, 22));
        assert!(Level::Magic > Level::ExtraVars);
    }
}
