//! Roles as they stand in the tree, and their use in a play.

use std::sync::Arc;

use super::around::Around;
use super::task::{Item, Task};
use super::vars::Scope;
use crate::text::{Node, Span};

/// A folder `roles/NAME`: what does not depend on who uses it.
#[derive(Debug, PartialEq)]
pub struct Role {
    pub name: Arc<str>,
    pub folder: Arc<str>,
    pub defaults: Arc<Scope>,
    pub vars: Arc<Scope>,
    pub meta: Option<Node>,
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
