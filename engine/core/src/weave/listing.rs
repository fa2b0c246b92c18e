//! What a playbook would run, without running it.

use std::sync::Arc;

use crate::book::inventory::{HostId, Inventory};
use crate::book::task::Task;
use crate::book::{Play, pattern};
use crate::text::diagnostic::nearest;
use crate::text::{Diagnostic, Result};

use super::select;
use super::session::Options;
use super::task;

/// A play and the tasks that tags leave of it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub name: String,
    pub pattern: String,
    pub tags: Vec<String>,
    /// The task as Ansible lists it (`role : name`), and its tags.
    pub tasks: Vec<(String, Vec<String>)>,
}

/// The tasks of plays in order.
pub fn list_tasks(plays: &[Arc<Play>], options: &Options) -> Vec<Listed> {
    plays.iter().map(|play| listed(play, options)).collect()
}

fn listed(play: &Arc<Play>, options: &Options) -> Listed {
    let tasks = play.walk().into_iter().filter(|task| select::selected(task, options) && task.short_module() != "meta");
    let line = |task: &Arc<crate::book::Task>| {
        let title = task::title(task, None);
        let name = task.around.role().map_or(title.clone(), |role| format!("{} : {title}", role.name));
        (name, task.tags())
    };
    let tags = play.around.keywords.get("tags").map(crate::book::task::words).unwrap_or_default();
    Listed { name: play.title(), pattern: crate::book::task::words(&play.hosts).join(","), tags, tasks: tasks.map(line).collect() }
}

/// What of the command line no play knows: tags, the task to start at, targets. What is included while a run is under way
/// may bring tags and tasks that nobody knows before it.
pub fn unknown_words(plays: &[Arc<Play>], inventory: &Inventory, options: &Options) -> Vec<Diagnostic> {
    let tasks: Vec<&Arc<Task>> = plays.iter().flat_map(|play| play.walk().into_iter().chain(&play.handlers)).collect();
    let open = tasks.iter().any(|task| matches!(task.short_module(), "include_role" | "include_tasks"));
    let mut wrong = vec![];
    let known: Vec<String> = tasks.iter().flat_map(|task| task.tags()).collect();
    let special = ["all", "tagged", "untagged", "never", "always"];
    for (option, tags) in [("--tags", &options.tags), ("--skip-tags", &options.skip_tags)] {
        for tag in tags.iter().filter(|tag| !known.contains(tag) && !special.contains(&tag.as_str())) {
            let words = || known.iter().map(String::as_str).chain(special);
            if !known.iter().any(|word| word.contains("{{")) && (!open || nearest(tag, words()).is_some()) {
                wrong.push(Diagnostic::warning(format!("no task has the tag `{tag}` of `{option}`")).meant(tag, words()));
            }
        }
    }
    if let Some(name) = &options.start_at {
        let titles: Vec<String> = tasks.iter().map(|task| task::title(task, None)).collect();
        if !open && !titles.iter().any(|title| title.contains(name.as_str()) || title.contains("{{")) {
            let error = Diagnostic::error(format!("no task is called `{name}`, so there is none to start at"));
            wrong.push(error.meant(name, titles.iter().map(String::as_str)));
        }
    }
    wrong.extend(unknown_targets(inventory, options));
    wrong
}

/// Words of `--limit` that match nothing; an error where none does.
fn unknown_targets(inventory: &Inventory, options: &Options) -> Vec<Diagnostic> {
    if options.limit_words.is_empty() {
        return vec![];
    }
    let all: Vec<HostId> = (0..inventory.count()).map(HostId).collect();
    match pattern::limit(inventory, &all, &options.limit_words) {
        Err(error) => vec![error],
        Ok(left) => {
            let none = left.hosts.is_empty().then(|| Diagnostic::error("`--limit` leaves no target"));
            left.warnings.into_iter().chain(none).collect()
        }
    }
}

/// The hosts of each play.
pub fn list_hosts(plays: &[Arc<Play>], inventory: &Inventory, options: &Options) -> Result<Vec<(String, Vec<HostId>)>> {
    let hosts = |play: &Arc<Play>| {
        let words = crate::book::task::words(&play.hosts).join(",");
        let mut hosts = pattern::select(inventory, &words).map_err(|diagnostic| diagnostic.at(&play.hosts.span))?.hosts;
        if !options.limit_words.is_empty() {
            hosts = pattern::limit(inventory, &hosts, &options.limit_words)?.hosts;
        }
        Ok((play.title(), hosts))
    };
    plays.iter().map(hosts).collect()
}
