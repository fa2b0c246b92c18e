//! What stands around a task: the block, role, include and play whose keywords it inherits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::role::Role;
use super::vars::Scope;
use crate::text::{Node, Span};

/// Keywords by name, as they are written.
pub type Keywords = BTreeMap<&'static str, Node>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ring {
    Play,
    Role,
    Block,
    /// What a dynamic include gives to what it includes: its `vars` and `apply`.
    Include,
    /// What a static import gives: all its keywords.
    Import,
}

/// One ring around tasks.
#[derive(Debug)]
pub struct Around {
    pub ring: Ring,
    pub keywords: Keywords,
    /// Variables of this ring: block vars, role parameters, include parameters.
    pub vars: Arc<Scope>,
    pub role: Option<Arc<Role>>,
    /// The folder of the file, for relative paths.
    pub folder: Arc<str>,
    pub span: Span,
    pub up: Option<Arc<Around>>,
}

impl Around {
    /// From the inside out.
    pub fn rings(self: &Arc<Self>) -> impl Iterator<Item = &Arc<Around>> {
        std::iter::successors(Some(self), |around| around.up.as_ref())
    }

    /// The nearest value of a keyword.
    pub fn keyword(self: &Arc<Self>, name: &str) -> Option<&Node> {
        self.rings().find_map(|around| around.keywords.get(name))
    }

    /// The role that a task belongs to: that of the nearest ring which has one.
    pub fn role(self: &Arc<Self>) -> Option<&Arc<Role>> {
        self.rings().find_map(|around| around.role.as_ref())
    }

    /// The ring of that role: what its tasks share.
    pub fn role_ring(self: &Arc<Self>) -> Option<&Arc<Around>> {
        self.rings().find(|around| around.role.is_some())
    }

    /// All roles around, from the inside out: a dependency stands inside the role that needs it.
    pub fn roles(self: &Arc<Self>) -> impl Iterator<Item = &Arc<Role>> {
        self.rings().filter_map(|around| around.role.as_ref())
    }
}
