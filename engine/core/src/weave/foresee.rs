//! What check can tell, before anything is done, of how a task would end.

use std::sync::Arc;

use crate::run::Outcome;
use crate::state::{Asker, Look, Module, Refusal, Reply, View};
use crate::text::{Diagnostic, Unknown};

use super::item::Ended;
use super::session::{Session, Thread};
use super::task::Doing;

impl Session {
    /// Those who may all: nothing is hidden from them.
    pub(super) fn all_seeing(&self, target: usize) -> Vec<Asker> {
        (0..self.targets[target].askers.len()).filter(|asker| self.may_all(target, *asker)).collect()
    }

    fn may_all(&self, target: usize, asker: Asker) -> bool {
        let target = &self.targets[target];
        let user = match target.askers.get(asker).and_then(|who| who.0.as_ref()) {
            Some(other) => Some(other.user.as_str()),
            None => target.address.as_ref().and_then(|address| address.user.as_deref()),
        };
        user == Some("root")
    }

    /// What must be asked to know whether the one who asks may close the gaps: nothing where it is the one who may all.
    pub(super) fn rights(&self, doing: &Doing) -> Vec<Look> {
        let target = &self.targets[doing.target];
        if self.may_all(doing.target, doing.asker) {
            return vec![];
        }
        let looks = doing.gaps.iter().flat_map(|gap| (self.tree.kinds)(gap.id.kind).rights(gap));
        looks.filter(|look| !target.world.answers(doing.asker, look)).collect()
    }

    /// The first gap that would be refused. Each is held against the world as those before it would leave it.
    pub(super) fn refusal(&mut self, doing: &Doing) -> Option<(usize, Refusal)> {
        let world = &mut self.targets[doing.target].world;
        let point = world.point();
        let cause = Arc::new(Unknown { because: "this task".into(), span: None });
        let mut refused = None;
        for (at, gap) in doing.gaps.iter().enumerate() {
            refused = (self.tree.kinds)(gap.id.kind).refusal(gap, &View::new(world, doing.asker)).map(|refusal| (at, refusal));
            if refused.is_some() {
                break;
            }
            world.foretell(gap.id.clone(), (self.tree.kinds)(gap.id.kind).after(gap), &cause);
        }
        world.cut(point);
        refused
    }

    /// An action whose code is no data went wrong.
    pub(super) fn not_done(&self, thread: &Thread, doing: &Doing, shown: &str, reply: &Reply) -> Ended {
        let text = if reply.err.is_empty() { &reply.out } else { &reply.err };
        let said = String::from_utf8_lossy(text).trim().to_string();
        let said = if said.is_empty() { format!("code {}", reply.code) } else { said };
        let error = Diagnostic::error(format!("{shown}: {said}"));
        let error = thread.cursor.run.as_ref().map_or(error.clone(), |run| error.at(&run.task.module_span));
        let mut ended = Ended { gaps: doing.gaps.clone(), ..Ended::failed(error) };
        ended.result.insert("rc", i64::from(reply.code));
        ended
    }

    /// A condition is a question: where nothing before it would change the host, check asks it once. What does not hold now,
    /// or may not hold then, would be waited for.
    pub(super) fn foresee(&mut self, at: usize, thread: &mut Thread, doing: Arc<Doing>) {
        let Some(condition) = &doing.want.condition else { return };
        if condition.reconnects.is_some() {
            return self.conclude(thread, &doing, None, vec![]);
        }
        if self.targets[doing.target].world.is_pristine() {
            return self.after_wait(at, thread, doing.clone(), None, self.now, true, None);
        }
        self.would_wait(thread, &doing, "");
    }

    /// What does not hold yet, and why not. Waiting changes nothing: where it waits for what it describes, the rest is told as
    /// it is, with that doubt.
    pub(super) fn would_wait(&mut self, thread: &mut Thread, doing: &Arc<Doing>, why: &str) {
        let shown = doing.want.condition.as_ref().map_or("", |condition| &condition.shown);
        let because = if why.is_empty() { format!("it would wait: {shown}") } else { format!("it would wait: {shown}: {why}") };
        let span = thread.cursor.run.as_ref().map(|run| run.task.module_span.clone());
        let cause = Arc::new(Unknown { because, span });
        if doing.want.states.is_empty() {
            return self.end_item(thread, Ended { outcome: Some(Outcome::May(cause)), ..Ended::default() });
        }
        let _ = doing.waits.set(cause);
        self.conclude(thread, doing, None, vec![]);
    }

    /// An action before a task that casts doubt on what makes it fail: it may have mended that.
    pub(super) fn doubted(&self, thread: &Thread, module: &dyn Module, target: usize, asker: Asker) -> Option<Ended> {
        if !self.checks(thread) {
            return None;
        }
        let world = &self.targets[target].world;
        let cause = module.looks().iter().find_map(|look| world.doubt(asker, &look.id)).cloned()?;
        Some(Ended { outcome: Some(Outcome::May(cause)), ..Ended::default() })
    }
}
