//! Tasks and blocks, as they are written.

use std::sync::Arc;

use super::around::{Around, Keywords};
use super::vars::Scope;
use crate::text::yaml::Data;
use crate::text::{Node, Span};

#[derive(Clone, Debug)]
pub enum Item {
    Task(Arc<Task>),
    Block(Arc<Block>),
}

#[derive(Debug)]
pub struct Task {
    pub name: Option<Node>,
    /// The module or include, as it was written: short or full name.
    pub module: Arc<str>,
    pub module_span: Span,
    pub args: Arguments,
    pub keywords: Keywords,
    pub vars: Arc<Scope>,
    pub repeat: Option<Repeat>,
    pub around: Arc<Around>,
    pub span: Span,
    /// `local_action`: delegated to the control node.
    pub local: bool,
}

/// What stands behind the module's name, and under `args:`.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// A mapping; or the text of the short form; or a template that gives a mapping.
    pub node: Option<Node>,
    /// Further arguments from `args:`.
    pub more: Option<Node>,
}

/// A loop: its keyword, `loop` or `with_X`, and what it goes over.
#[derive(Clone, Debug)]
pub struct Repeat {
    pub word: Arc<str>,
    /// Where the keyword stands.
    pub span: Span,
    pub over: Node,
}

#[derive(Debug)]
pub struct Block {
    pub name: Option<Node>,
    /// The ring of this block itself.
    pub around: Arc<Around>,
    pub block: Arc<[Item]>,
    pub rescue: Arc<[Item]>,
    pub always: Arc<[Item]>,
}

impl Task {
    /// The nearest value of a keyword, the task's own first.
    pub fn keyword(&self, name: &str) -> Option<&Node> {
        self.keywords.get(name).or_else(|| self.around.keyword(name))
    }

    /// All values of a keyword that adds up (`when`, `tags`, `environment`), from the outside in.
    pub fn keywords(&self, name: &str) -> Vec<&Node> {
        let mut all: Vec<&Node> = self.around.rings().filter_map(|around| around.keywords.get(name)).collect();
        all.reverse();
        all.extend(self.keywords.get(name));
        all
    }

    /// The module's name without its collection.
    pub fn short_module(&self) -> &str {
        self.module.rsplit('.').next().unwrap_or(&self.module)
    }

    /// All tags, its own and inherited.
    pub fn tags(&self) -> Vec<String> {
        let mut all: Vec<String> = vec![];
        for tag in self.keywords("tags").into_iter().flat_map(words) {
            if !all.contains(&tag) {
                all.push(tag);
            }
        }
        all
    }
}

/// A list of words as keywords have it: a YAML list, or a text with commas.
pub fn words(node: &Node) -> Vec<String> {
    match &node.data {
        Data::List(items) => items.iter().flat_map(words).collect(),
        Data::Scalar(scalar) => scalar.text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_string).collect(),
        Data::Map(_) => vec![],
    }
}
