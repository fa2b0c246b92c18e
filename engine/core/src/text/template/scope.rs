//! What a template sees: variables by name, and where files are searched for.

use std::fmt;
use std::sync::Arc;

use crate::text::value::Value;
use crate::text::yaml::Node;

/// A variable as its scope gives it.
#[derive(Clone)]
pub enum Var {
    /// What the user wrote; rendered when it is read.
    Raw(Node),
    /// Data that is never templated again: facts, results.
    Value(Value),
    /// Other scopes by name: `hostvars`.
    Scopes(Arc<dyn Scopes>),
}

/// What is searched for, which decides the subfolders that are looked into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Search {
    Template,
    File,
    Vars,
}

/// Variables as one host sees them; looked up when they are needed.
pub trait Scope {
    fn get(&self, name: &str) -> Option<Var>;
    /// All names, for "did you mean", `vars` and `varnames`.
    fn names(&self) -> Vec<Arc<str>>;
    /// Paths where a file may stand, the best first.
    fn search(&self, kind: Search, name: &str) -> Vec<String>;
    /// A setting of Ansible by its name (`DEFAULT_FORKS`).
    fn setting(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }
    /// The host, where one is known: the seed of what must not change between runs.
    fn origin(&self) -> Option<String> {
        None
    }
}

/// The scopes of other hosts.
pub trait Scopes: Send + Sync {
    fn names(&self) -> Vec<Arc<str>>;
    fn get(&self, name: &str) -> Option<Arc<dyn Scope + Send + Sync>>;
}

impl fmt::Debug for dyn Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<scopes>")
    }
}

impl fmt::Debug for dyn Scope + Send + Sync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<scope>")
    }
}
