//! Roles as they stand in the tree, and their use in a play.

use std::sync::Arc;

use super::around::Around;
use super::task::{Item, Task};
use super::vars::Scope;
use crate::text::{Node, Span};

/// A folder `roles/NAME`: what does not depend on who uses it.
#[derive(Debug, Default, PartialEq)]
pub struct Role {
    pub name: Arc<str>,
    pub folder: Arc<str>,
    pub defaults: Arc<Scope>,
    pub vars: Arc<Scope>,
    pub meta: Option<Node>,
    /// `argument_specs`: what each of its files of tasks takes.
    pub specs: Option<Node>,
}

impl Role {
    /// The roles that its meta names.
    pub fn dependencies(&self) -> &[Node] {
        self.meta.as_ref().and_then(|meta| meta.get("dependencies")).and_then(Node::as_list).unwrap_or_default()
    }

    /// Whether it runs as often as it is named.
    pub fn duplicates(&self) -> bool {
        self.meta.as_ref().and_then(|meta| meta.get("allow_duplicates")).is_some_and(|flag| flag.to_value().truthy())
    }

    /// The role as it sees itself beside those that it depends on: their variables under its own.
    pub fn over(self: Arc<Role>, needed: &[Arc<RoleUse>]) -> Arc<Role> {
        if needed.is_empty() {
            return self;
        }
        let merged = |part: fn(&Role) -> &Arc<Scope>| {
            let mut all = Scope::new();
            for scope in needed.iter().map(|need| part(&need.role)).chain([part(&self)]) {
                scope.iter().for_each(|(name, var)| all.insert(name.clone(), var.clone()));
            }
            Arc::new(all)
        };
        let (defaults, vars) = (merged(|role| &role.defaults), merged(|role| &role.vars));
        Arc::new(Role {
            defaults,
            vars,
            name: self.name.clone(),
            folder: self.folder.clone(),
            meta: self.meta.clone(),
            specs: self.specs.clone(),
        })
    }
}

impl RoleUse {
    /// What tells it from other uses of a role in a play.
    pub fn key(&self) -> String {
        let keywords: Vec<_> = self.around.keywords.iter().map(|(word, node)| (*word, node.to_value())).collect();
        format!("listed {} {keywords:?}", RoleFrom::default().key(&self.role, &self.around.vars))
    }
}

/// Which files of a role a task asks for; `None` is `main`.
#[derive(Clone, Debug, Default)]
pub struct RoleFrom {
    pub tasks: Option<String>,
    /// The same as it is written: only a name without an ending has a specification, as in Ansible.
    pub entry: Option<String>,
    pub handlers: Option<String>,
    pub vars: Option<String>,
    pub defaults: Option<String>,
    /// `rolespec_validate: false`: its arguments are not held against its specification.
    pub unchecked: bool,
    /// `public`: whether its variables are seen beyond it; `None` is what the kind of call does by itself.
    pub public: Option<bool>,
    /// `allow_duplicates: false`: it does not run again where it ran with the same variables.
    pub single: bool,
    /// Parameters of a role in a play, as they are written: the specification must know them all.
    pub params: Vec<(Node, Node)>,
}

impl RoleFrom {
    /// The arguments of `include_role` and `import_role` beside the role's name and `apply`.
    pub const WORDS: [&str; 7] =
        ["tasks_from", "handlers_from", "vars_from", "defaults_from", "rolespec_validate", "public", "allow_duplicates"];

    /// What tells one call of a role from another: where both are equal, the second brings nothing new.
    pub fn key(&self, role: &Role, vars: &Scope) -> String {
        let vars: Vec<_> = vars.iter().map(|(name, var)| (name, var.to_value())).collect();
        format!("{} {:?} {:?} {:?} {:?} {vars:?}", role.folder, self.tasks, self.handlers, self.vars, self.defaults)
    }

    /// From the arguments of `include_role` or `import_role`, as `arg` tells them.
    pub fn new(arg: impl Fn(&str) -> Option<String>) -> RoleFrom {
        let clean = |name: String| name.trim_end_matches(".yml").trim_end_matches(".yaml").to_string();
        let flag = |word: &str| crate::text::scalar::boolean(&arg(word)?);
        let file = |word: &str| arg(word).filter(|name| !name.is_empty()).map(clean);
        RoleFrom {
            tasks: file("tasks_from"),
            entry: arg("tasks_from").filter(|name| !name.is_empty()),
            handlers: file("handlers_from"),
            vars: file("vars_from"),
            defaults: file("defaults_from"),
            unchecked: flag("rolespec_validate") == Some(false),
            public: flag("public"),
            single: flag("allow_duplicates") == Some(false),
            params: vec![],
        }
    }
}

/// A role in a play, with its tasks read in the surroundings of that play.
#[derive(Debug)]
pub struct RoleUse {
    pub role: Arc<Role>,
    pub around: Arc<Around>,
    pub tasks: Arc<[Item]>,
    pub handlers: Vec<Arc<Task>>,
    /// Where the play or another role's `meta/main.yml` names it.
    pub span: Span,
    /// What must come first, and where that is said.
    pub needs: Vec<Edge>,
    /// Whether its order is its edges' alone, not that of the list: it says `after:` or `requires:`.
    pub graphed: bool,
}

/// A role that must come before, why, and where that is said.
#[derive(Clone, Debug)]
pub struct Edge {
    pub role: Arc<str>,
    /// Its place in the play's list of roles, where one use of the role is meant and not its name: a dependency.
    pub place: Option<usize>,
    pub kind: EdgeKind,
    pub span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum EdgeKind {
    /// `dependencies` of meta, `after:`.
    After,
    Exists,
    Established,
    Ready,
    Serving,
    /// The order in which the play lists them.
    Listed,
}

impl EdgeKind {
    pub fn label(self) -> &'static str {
        match self {
            EdgeKind::After => "after",
            EdgeKind::Exists => "exists",
            EdgeKind::Established => "established",
            EdgeKind::Ready => "ready",
            EdgeKind::Serving => "serving",
            EdgeKind::Listed => "listed",
        }
    }

    pub fn of(word: &str) -> Option<EdgeKind> {
        [EdgeKind::After, EdgeKind::Exists, EdgeKind::Established, EdgeKind::Ready, EdgeKind::Serving]
            .into_iter()
            .find(|kind| kind.label() == word)
    }
}
