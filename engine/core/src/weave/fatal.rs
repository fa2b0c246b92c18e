//! What a failure means for the rest of a play, and how many hosts may be at a task at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::book::{Play, Task};

use super::lineup::Place;
use super::scope::Sight;
use super::session::{PlayRun, Session, Thread};
use super::task;

impl Session {
    /// Whether handlers that were notified run on a host that failed.
    pub(super) fn forces_handlers(&self, play: &Arc<Play>) -> bool {
        let said = play.keywords.get("force_handlers").map(|node| node.to_value());
        said.map_or(self.tree.options.force_handlers, |value| match value.as_str() {
            Some(text) => crate::text::scalar::boolean(text).unwrap_or(false),
            None => value.truthy(),
        })
    }

    /// `max_fail_percentage` of a play.
    fn most_failures(&self) -> Option<f64> {
        let node = self.play.as_ref()?.play.keywords.get("max_fail_percentage")?;
        node.to_value().as_int().map(|most| most as f64).or_else(|| node.as_str()?.trim().trim_end_matches('%').parse().ok())
    }

    /// Whether a failure of one host can end the play for all: then all stay at one task.
    pub(super) fn is_strict(&self, task: &Task) -> bool {
        task.keyword("any_errors_fatal").is_some_and(|flag| flag.to_value().truthy()) || self.most_failures().is_some()
    }

    /// Whether with this host more have failed than the play allows.
    pub(super) fn too_many_failed(&self, thread: &Thread) -> bool {
        let (Some(most), Some(play)) = (self.most_failures(), &self.play) else { return false };
        let others = play.threads.iter().filter(|other| other.host != thread.host && other.cursor.failed).count();
        let guarded = thread.cursor.is_guarded();
        let failed = others + usize::from(!guarded);
        failed as f64 * 100.0 > most * play.batch.len().max(1) as f64
    }

    /// `throttle` of a task; 0 is none.
    pub(super) fn throttle(&self, task: &Task, sight: &Sight) -> Option<usize> {
        let text = task::text(task, "throttle", sight).ok().flatten()?;
        text.trim().parse().ok().filter(|most| *most > 0)
    }
}

impl PlayRun {
    /// How many of those that wait here may go on, where the task says how many may be at it.
    pub fn room_at(&self, place: &Place, waiting: &BTreeSet<usize>) -> Option<usize> {
        let most = waiting.iter().find_map(|at| self.threads[*at].cursor.run.as_ref()?.throttle)?;
        let busy = self.threads.iter().filter(|thread| thread.is_busy() && thread.cursor.path() == *place).count();
        Some(most.saturating_sub(busy))
    }
}
