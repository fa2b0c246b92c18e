//! Playbooks and plays, as they are written.

use std::collections::HashSet;
use std::sync::Arc;

use super::around::{Around, Keywords};
use super::role::{Role, RoleUse};
use super::task::{Item, Task};
use crate::text::{Node, Span};

#[derive(Clone, Debug)]
pub struct Play {
    pub name: Option<Node>,
    pub hosts: Node,
    pub keywords: Keywords,
    /// The ring of the play: its keywords and `vars`.
    pub around: Arc<Around>,
    pub pre_tasks: Arc<[Item]>,
    pub roles: Vec<Arc<RoleUse>>,
    pub tasks: Arc<[Item]>,
    pub post_tasks: Arc<[Item]>,
    pub handlers: Vec<Arc<Task>>,
    /// Roles that the play names or imports, each as often as it does; and those that they depend on.
    pub role_names: Vec<Arc<str>>,
    pub dependencies: Vec<Arc<str>>,
    /// Imported roles whose variables all of the play sees.
    pub public: Vec<Arc<Role>>,
    /// What tells the calls of its roles apart.
    pub calls: HashSet<String>,
    /// The folder of the playbook.
    pub folder: Arc<str>,
    pub span: Span,
}

impl Play {
    /// The name as it is written; the host pattern where there is none, as Ansible shows it.
    pub fn title(&self) -> String {
        let words = |node: &Node| super::task::words(node).join(",");
        self.name.as_ref().and_then(|name| name.as_str().map(str::to_string)).unwrap_or_else(|| words(&self.hosts))
    }

    /// All tasks but handlers, in order, through blocks.
    pub fn walk(&self) -> Vec<&Arc<Task>> {
        let mut all = vec![];
        walk(&self.pre_tasks, &mut all);
        for role in &self.roles {
            walk(&role.tasks, &mut all);
        }
        walk(&self.tasks, &mut all);
        walk(&self.post_tasks, &mut all);
        all
    }
}

fn walk<'a>(items: &'a [Item], all: &mut Vec<&'a Arc<Task>>) {
    for item in items {
        match item {
            Item::Task(task) => all.push(task),
            Item::Block(block) => {
                walk(&block.block, all);
                walk(&block.rescue, all);
                walk(&block.always, all);
            }
        }
    }
}
