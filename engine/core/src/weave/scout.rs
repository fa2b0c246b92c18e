//! A look ahead: the questions of the tasks to come, so that one message carries them all.
//!
//! It only fetches early. What it asks in vain costs bytes; what it misses costs a round trip; it decides nothing.

use crate::book::task::Task;
use crate::state::Look;

use super::cursor::{Cursor, Next};
use super::session::{Session, Thread};
use super::task::{self, Phase, TaskRun, Tolds};
use super::{args, scope, select};

/// Tasks in a row that bring no new question before the look ahead ends.
const PATIENCE: usize = 24;
/// Questions of one window.
const MOST: usize = 5000;

impl Session {
    /// Questions that tasks to come will ask of this target as this user, and that are not answered yet.
    pub(super) fn ahead(&self, thread: &Thread, target: usize, asker: usize) -> Vec<Look> {
        let Some(play) = &self.play else { return vec![] };
        if target != thread.host.0 as usize {
            return vec![];
        }
        let mut cursor = thread.cursor.clone();
        let (mut looks, mut patience) = (vec![], PATIENCE);
        // what is left of the task that asks
        if let Some(run) = cursor.run.take() {
            self.ahead_of(thread, &run, target, asker, &mut looks);
        }
        while patience > 0 && looks.len() < MOST {
            let Next::Task(task) = cursor.next(&play.stages, &play.play) else { break };
            if cursor.handler || !select::selected(&task, &self.tree.options) {
                continue;
            }
            if matches!(task.short_module(), "include_tasks" | "include_role" | "meta") {
                patience = patience.saturating_sub(4);
                continue;
            }
            let before = looks.len();
            let run = self.imagined(&cursor, &task);
            self.ahead_of(thread, &run, target, asker, &mut looks);
            patience = if looks.len() > before { PATIENCE } else { patience - 1 };
        }
        looks
    }

    fn imagined(&self, cursor: &Cursor, task: &std::sync::Arc<Task>) -> TaskRun {
        let label = std::sync::Arc::new(crate::run::TaskLabel {
            name: String::new(),
            role: None,
            module: task.module.clone(),
            play: "".into(),
            span: task.span.clone(),
            handler: false,
        });
        let loop_var =
            task.keywords.get("loop_control").and_then(|control| control.get("loop_var")).and_then(|node| node.as_str()).unwrap_or("item");
        TaskRun {
            cause: task::cause(&label),
            label,
            layers: scope::around(cursor.vars.layers(), task),
            items: None,
            at: 0,
            results: vec![],
            secrets: vec![],
            told: Tolds::default(),
            tries: 0,
            passed: true,
            once: false,
            phase: Phase::Start,
            forced: None,
            loop_var: loop_var.into(),
            task: task.clone(),
        }
    }

    /// The questions of one task, as far as its arguments are known by now.
    fn ahead_of(&self, thread: &Thread, run: &TaskRun, target: usize, asker: usize, looks: &mut Vec<Look>) {
        let task = &run.task;
        if task.keyword("delegate_to").is_some() || task.local || task.keyword("run_once").is_some() {
            return;
        }
        let Some(entry) = crate::modules::find(&task.module) else { return };
        let mut run = run.clone();
        if run.items.is_none() && task.repeat.is_some() {
            let sight = self.sight(thread, task, run.layers.clone());
            let Ok(Some(value)) = task::items(task, &sight) else { return };
            let Some(items) = value.as_list() else { return };
            run.items = Some(std::sync::Arc::new(items.to_vec()));
        }
        let count = run.items.as_ref().map_or(1, |items| items.len());
        while run.at < count && looks.len() < MOST {
            let sight = self.sight(thread, task, run.item_layers());
            run.at += 1;
            if matches!(task::holds(task, "when", &sight), Ok(task::Holds::No(_))) {
                continue;
            }
            let Ok(who) = self.targets[target]
                .address
                .as_ref()
                .ok_or(())
                .and_then(|address| super::address::who(&sight, task, address).map_err(drop))
            else {
                continue;
            };
            if self.targets[target].askers.get(asker) != Some(&who) {
                continue;
            }
            let Ok(defaults) = super::include::defaults(task, entry, &sight) else { continue };
            let Ok(given) = args::args(entry, task, &defaults, &sight) else { continue };
            if given.unknown().is_some() {
                continue;
            }
            let Ok(module) = (entry.make)(&given) else { continue };
            let world = &self.targets[target].world;
            looks.extend(module.looks().into_iter().filter(|look| !world.answers(asker, look)));
        }
    }
}
