//! What a playbook would run, without running it.

use std::sync::Arc;

use crate::book::inventory::{HostId, Inventory};
use crate::book::{Play, pattern};
use crate::text::Result;

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
