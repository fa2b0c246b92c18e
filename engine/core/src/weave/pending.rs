//! What an interrupt leaves undone.

use crate::run::Outcome;
use crate::text::{Diagnostic, Map};

use super::cursor::Next;
use super::item::Ended;
use super::session::{Session, Thread};
use super::{select, task};

impl Session {
    /// Ends the task under way and with it its host, which is neither failed nor unreachable.
    pub(super) fn cut_short(&mut self, thread: &mut Thread, error: Diagnostic) {
        let mut result = Map::new();
        result.insert("interrupted", true);
        result.insert("changed", false);
        result.insert("msg", error.message());
        self.end_task(thread, Ended { outcome: Some(Outcome::Interrupted), result, error: Some(error), ..Ended::default() });
        self.note_left(thread);
        thread.cursor.failed = true;
        thread.cursor.frames.clear();
        thread.cursor.notified.clear();
    }

    /// Notes which tasks of a host are not begun, and which handlers nobody will run.
    pub(super) fn note_left(&mut self, thread: &Thread) {
        let Some(run) = &self.play else { return };
        let mut ahead = thread.cursor.clone();
        let mut handlers = vec![];
        let mut tasks: Vec<_> = thread.cursor.run.iter().map(|run| run.task.clone()).collect();
        while let Next::Task(task) = ahead.next(&run.stages, &run.play) {
            if ahead.handler {
                handlers.push(format!("`{}`", task::title(&task, None)));
            } else if select::selected(&task, &self.tree.options) && task.short_module() != "meta" {
                tasks.push(task);
            }
        }
        let mut parts = vec![];
        if let Some(first) = tasks.first() {
            let word = if tasks.len() == 1 { "1 task was" } else { &format!("{} tasks were", tasks.len()) };
            parts.push(format!("{word} not begun, from `{}` at {} on", task::title(first, None), first.span));
        }
        if !handlers.is_empty() {
            parts.push(format!("handlers that were notified did not run: {}", handlers.join(", ")));
        }
        if !parts.is_empty() {
            self.pending.push(format!("{}: {}", self.inventory.host(thread.host).name, parts.join("; ")));
        }
    }
}
