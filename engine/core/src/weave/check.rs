//! What can be known to be wrong before anything is contacted: arguments that a module does not have, templates that are
//! no templates.

use std::sync::Arc;

use crate::book::task::Task;
use crate::book::{Item, Play};
use crate::modules;
use crate::text::yaml::Data;
use crate::text::{Collector, Node, Templates};

/// Keywords whose value is an expression without braces.
const BARE: &[&str] = &["when", "changed_when", "failed_when", "until"];

/// Checks all tasks and handlers of plays.
pub fn check(plays: &[Arc<Play>], templates: &Templates, errors: &mut Collector) {
    for play in plays {
        for task in play.walk().into_iter().chain(&play.handlers) {
            one(task, templates, errors);
        }
    }
}

fn one(task: &Task, templates: &Templates, errors: &mut Collector) {
    arguments(task, errors);
    // a task may be there to show that it fails
    if task.keyword("ignore_errors").is_none() {
        texts(task, templates, errors);
    }
}

/// Names of arguments, where they are written out.
fn arguments(task: &Task, errors: &mut Collector) {
    let Some(entry) = modules::find(&task.module).filter(|entry| !entry.spec.any) else { return };
    for node in task.args.node.iter().chain(&task.args.more) {
        for (key, _) in node.as_map().unwrap_or_default() {
            let name = key.as_str().unwrap_or_default();
            if entry.spec.arg(name).is_none() {
                errors.push(entry.spec.unknown(name, &key.span));
            }
        }
    }
}

/// The grammar of all templates in a task.
fn texts(task: &Task, templates: &Templates, errors: &mut Collector) {
    for node in task.args.node.iter().chain(&task.args.more).chain(&task.name) {
        tree(node, false, templates, errors);
    }
    if let Some(repeat) = &task.repeat {
        tree(&repeat.over, false, templates, errors);
    }
    for (word, node) in &task.keywords {
        tree(node, BARE.contains(word), templates, errors);
    }
}

fn tree(node: &Node, bare: bool, templates: &Templates, errors: &mut Collector) {
    match &node.data {
        Data::Scalar(_) => drop(errors.take(templates.check(node, bare && !node.is_null()))),
        Data::List(items) => items.iter().for_each(|item| tree(item, bare, templates, errors)),
        Data::Map(pairs) => pairs.iter().for_each(|(_, value)| tree(value, false, templates, errors)),
    }
}

/// All items of a list of tasks, for includes that are read while a run is under way.
pub fn items(items: &[Item], templates: &Templates, errors: &mut Collector) {
    for item in items {
        match item {
            Item::Task(task) => one(task, templates, errors),
            Item::Block(block) => {
                for part in [&block.block, &block.rescue, &block.always] {
                    self::items(part, templates, errors);
                }
            }
        }
    }
}
