//! A look ahead: the questions of the tasks to come, so that one message carries them all.
//!
//! It only fetches early. What it asks in vain costs bytes; what it misses costs a round trip; it decides nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::book::task::Task;
use crate::state::Look;
use crate::text::control::{ControlError, Decrypted, Entry, Piped};
use crate::text::{Control, Node};

use super::cursor::{Cursor, Next};
use super::session::{Session, Thread, Tree};
use super::task::{self, Phase, TaskRun, Tolds};
use super::{args, scope, select};

/// Tasks in a row that bring no new question before the look ahead ends.
const PATIENCE: usize = 24;
/// Questions of one window.
const MOST: usize = 5000;

/// The tree as a look ahead sees it: nothing that it renders is done twice.
pub fn quiet(tree: &Tree) -> Tree {
    let control: Arc<dyn Control + Send + Sync> = Arc::new(Quiet(tree.control.clone()));
    Tree {
        templates: Arc::new(tree.templates.over(control.clone())),
        control,
        options: tree.options.clone(),
        extra: tree.extra.clone(),
        kinds: tree.kinds,
    }
}

/// A control node that only lets itself be read: no program runs and no file is written for a look ahead.
struct Quiet(Arc<dyn Control + Send + Sync>);

impl Quiet {
    fn refuse<T>() -> Result<T, ControlError> {
        Err(ControlError::Other("only the task itself does this".into()))
    }
}

impl Control for Quiet {
    fn read(&self, path: &str) -> Result<Vec<u8>, ControlError> {
        self.0.read(path)
    }

    fn sha256(&self, path: &str) -> Result<String, ControlError> {
        self.0.sha256(path)
    }

    fn entry(&self, path: &str) -> Option<Entry> {
        self.0.entry(path)
    }

    fn identity(&self, path: &str) -> Option<String> {
        self.0.identity(path)
    }

    fn is_link(&self, path: &str) -> bool {
        self.0.is_link(path)
    }

    fn mode(&self, path: &str) -> Option<u32> {
        self.0.mode(path)
    }

    fn list(&self, path: &str) -> Result<Vec<String>, ControlError> {
        self.0.list(path)
    }

    fn env(&self, name: &str) -> Option<String> {
        self.0.env(name)
    }

    fn pipe(&self, _command: &str, _folder: &str) -> Result<Piped, ControlError> {
        Quiet::refuse()
    }

    fn decrypt(&self, path: &str, text: &[u8]) -> Result<Option<Decrypted>, String> {
        self.0.decrypt(path, text)
    }

    fn now(&self) -> (i64, u32) {
        self.0.now()
    }

    fn working_directory(&self) -> String {
        self.0.working_directory()
    }

    fn home(&self) -> String {
        self.0.home()
    }

    fn random(&self, bytes: &mut [u8]) {
        self.0.random(bytes);
    }

    fn write(&self, _path: &str, _bytes: &[u8], _mode: u32) -> Result<(), ControlError> {
        Quiet::refuse()
    }
}

impl Session {
    /// Questions that tasks to come will ask of this target as this user, and that are not answered yet.
    pub(super) fn ahead(&self, thread: &Thread, target: usize, asker: usize) -> Vec<Look> {
        let Some(play) = &self.play else { return vec![] };
        if target != thread.host.0 as usize {
            return vec![];
        }
        let mut cursor = thread.cursor.clone();
        let mut cursors: VecDeque<Cursor> = self.cursors_beside(thread).into();
        let (mut looks, mut patience) = (vec![], PATIENCE);
        // what is left of the task that asks
        if let Some(run) = cursor.run.take() {
            self.ahead_of(thread, &run, target, asker, &mut looks);
        }
        while patience > 0 && looks.len() < MOST {
            let task = match cursor.next(&play.stages, &play.play) {
                Next::Task(task) => task,
                Next::Roles => {
                    let behind = cursor.clone();
                    let roles: Vec<Cursor> = play.sides.iter().flat_map(|sides| sides.cursors(&play.play, &behind.vars)).collect();
                    roles.into_iter().chain([behind]).rev().for_each(|one| cursors.push_front(one));
                    cursor.frames.clear();
                    continue;
                }
                Next::Done => match cursors.pop_front() {
                    Some(next) => {
                        cursor = next;
                        if let Some(run) = cursor.run.take() {
                            self.ahead_of(thread, &run, target, asker, &mut looks);
                        }
                        continue;
                    }
                    None => break,
                },
            };
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

    fn imagined(&self, cursor: &Cursor, task: &Arc<Task>) -> TaskRun {
        let label = Arc::new(crate::run::TaskLabel {
            name: String::new(),
            role: None,
            module: task.module.clone(),
            play: "".into(),
            span: task.span.clone(),
            handler: false,
            diff: None,
        });
        let loop_var =
            task.keywords.get("loop_control").and_then(|control| control.get("loop_var")).and_then(Node::as_str).unwrap_or("item");
        TaskRun {
            cause: task::cause(&label),
            label,
            layers: scope::around(cursor.vars.layers(), task),
            items: None,
            at: 0,
            results: vec![],
            told: Tolds::default(),
            tries: 0,
            passed: true,
            others: None,
            once: false,
            throttle: None,
            phase: Phase::Start,
            forced: None,
            loop_var: loop_var.into(),
            limits: None,
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
            let sight = self.foresight(thread, task, run.layers.clone());
            let Ok(Some(value)) = task::items(task, &sight) else { return };
            let Some(items) = value.as_list() else { return };
            run.items = Some(Arc::new(items.to_vec()));
        }
        let count = run.items.as_ref().map_or(1, |items| items.len());
        while run.at < count && looks.len() < MOST {
            let sight = self.foresight(thread, task, run.item_layers());
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
            if given.lacks().is_some() {
                continue;
            }
            let Ok(module) = (entry.make)(&given) else { continue };
            let world = &self.targets[target].world;
            looks.extend(module.looks().into_iter().filter(|look| !world.answers(asker, look)));
        }
    }
}
