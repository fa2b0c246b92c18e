//! What can be known to be wrong before anything is contacted: arguments that a module does not have, templates that are
//! no templates.

use std::sync::Arc;

use crate::book::task::{Task, words};
use crate::book::{Item, Play};
use crate::modules;
use crate::text::diagnostic::nearest;
use crate::text::lookups;
use crate::text::yaml::Data;
use crate::text::{Collector, Node, Templates};

use super::{include, task};

/// Keywords whose value is an expression without braces.
const BARE: &[&str] = &["when", "changed_when", "failed_when", "until"];

/// Checks all tasks and handlers of plays.
pub fn check(plays: &[Arc<Play>], templates: &Templates, errors: &mut Collector) {
    for play in plays {
        for task in play.walk().into_iter().chain(&play.handlers) {
            one(task, templates, errors);
        }
        handlers(play, errors);
    }
}

/// Handlers that are notified and that nobody wrote. What is included while a run is under way may bring more of them.
fn handlers(play: &Play, errors: &mut Collector) {
    let titles: Vec<String> = play.handlers.iter().map(|handler| task::title(handler, None)).collect();
    let tasks: Vec<&Arc<Task>> = play.walk().into_iter().chain(&play.handlers).collect();
    let includes = |task: &&Arc<Task>| matches!(task.short_module(), "include_role" | "include_tasks");
    if tasks.iter().any(includes) || titles.iter().any(|title| title.contains("{{")) {
        return;
    }
    let topics: Vec<String> = play.handlers.iter().flat_map(|handler| handler.keywords.get("listen")).flat_map(words).collect();
    for node in tasks.iter().flat_map(|task| task.keywords("notify")) {
        let parts = node.as_list().unwrap_or_else(|| std::slice::from_ref(node));
        for (part, name) in parts.iter().filter_map(|part| Some((part, part.as_str()?))) {
            if !name.contains("{{") && include::handlers(&play.handlers, &titles, name).is_empty() {
                let known = titles.iter().chain(&topics).map(String::as_str);
                errors.push(part.error(format!("no handler is called `{name}`")).meant(name, known));
            }
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

/// Names of arguments and words of choice, where they are written out; and which are missing, where all are.
fn arguments(task: &Task, errors: &mut Collector) {
    let Some(entry) = modules::find(&task.module) else { return };
    let parts = || task.args.node.iter().chain(&task.args.more);
    let given: Vec<(Node, Node)> = parts().flat_map(|node| node.as_map().unwrap_or_default()).cloned().collect();
    // a short form or a template may hold more; so may defaults. A task that may fail may be there to fail
    let whole = parts().all(|node| node.as_map().is_some()) && task.keyword("module_defaults").is_none();
    let meant = task.keyword("ignore_errors").is_none();
    errors.extend(entry.spec.check(&task.module_span, &given, whole, meant));
}

/// The grammar of all templates in a task.
fn texts(task: &Task, templates: &Templates, errors: &mut Collector) {
    for node in task.args.node.iter().chain(&task.args.more).chain(&task.name) {
        tree(node, false, templates, errors);
    }
    if let Some(repeat) = &task.repeat {
        if let Some(name) = repeat.word.strip_prefix("with_").filter(|name| !lookups::is_lookup(name)) {
            let error = repeat.span.error(format!("there is no loop `{}`: no lookup is called `{name}`", repeat.word));
            errors.push(match nearest(name, lookups::names()) {
                Some(near) => error.hint(format!("did you mean `with_{near}`?")),
                None => error,
            });
        }
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
