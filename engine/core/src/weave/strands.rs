//! Roles that no path of the graph joins run side by side: on each host a thread of its own for each, a *strand*.
//!
//! A strand starts once the roles that it comes after are through. It sees what they have set, and not what those beside
//! it set meanwhile, so that what a role reads never depends on which of two was faster; behind the roles all is seen,
//! in the order of the graph. Strands of one host share its connection and take turns; what overlaps is their waiting,
//! and requests to other targets.

use std::sync::Arc;

use crate::book::Play;
use crate::run::Recap;

use super::cursor::{Cursor, Stage};
use super::scope::Host;
use super::session::{Session, State, Thread};

/// The roles of a play that run side by side.
#[derive(Debug, Default)]
pub struct Sides {
    /// Roles as the play lists them, by their place in the order of the graph.
    order: Vec<usize>,
    /// The places that each place comes after.
    before: Vec<Vec<usize>>,
}

impl Sides {
    /// `None` where the graph leaves only one order.
    pub fn new(graph: &crate::run::Graph, order: &[usize]) -> Option<Sides> {
        let chained = order.windows(2).all(|pair| graph.before(pair[1]).contains(&pair[0]));
        if chained {
            return None;
        }
        let place = |node: usize| order.iter().position(|other| *other == node);
        let before = order.iter().map(|&node| graph.before(node).into_iter().filter_map(place).collect()).collect();
        Some(Sides { order: order.to_vec(), before })
    }

    /// Cursors of all roles one after the other, for who only looks.
    pub fn cursors<'a>(&'a self, play: &'a Play, vars: &'a Host) -> impl Iterator<Item = Cursor> + 'a {
        (0..self.order.len()).map(|place| self.cursor(play, vars.clone(), 0, place))
    }

    fn cursor(&self, play: &Play, vars: Host, stage: u32, place: usize) -> Cursor {
        Cursor::strand(vars, stage, place as u32, play.roles[self.order[place]].tasks.clone())
    }
}

/// How far the roles of a host have come, by place.
#[derive(Debug, Default)]
pub struct Roles(Vec<Progress>);

#[derive(Debug)]
enum Progress {
    Waiting,
    Running(usize),
    /// What it has set, over what it began with.
    Over(Box<(Host, Host)>),
    /// It will not run: the host is out.
    Never,
}

impl Roles {
    pub fn waiting(count: usize) -> Roles {
        Roles((0..count).map(|_| Progress::Waiting).collect())
    }

    /// Its strand is this thread.
    pub fn started(&mut self, place: usize, thread: usize) {
        self.0[place] = Progress::Running(thread);
    }

    pub fn unstarted(&self) -> Vec<u32> {
        self.0.iter().enumerate().filter(|(_, role)| matches!(role, Progress::Waiting)).map(|(place, _)| place as u32).collect()
    }

    fn running(&self) -> Vec<usize> {
        let running = |role: &Progress| if let Progress::Running(at) = role { Some(*at) } else { None };
        self.0.iter().filter_map(running).collect()
    }

    fn is_through(&self, place: usize) -> bool {
        matches!(self.0[place], Progress::Over(_) | Progress::Never)
    }

    /// Lets what these roles have set be seen.
    fn tell(&self, places: impl Iterator<Item = usize>, vars: &mut Host) {
        for place in places {
            if let Progress::Over(set) = &self.0[place] {
                vars.absorb(&set.0, &set.1);
            }
        }
    }
}

/// Of which thread a strand is a part, and as which role.
#[derive(Clone, Debug)]
pub struct Strand {
    pub parent: usize,
    place: usize,
    /// The variables that it began with.
    began: Host,
    joined: bool,
}

impl Session {
    /// A host has come to the roles.
    pub(super) fn fork(&mut self, at: usize, thread: &mut Thread) {
        if !thread.queue.is_empty() {
            return self.flush(at, thread);
        }
        thread.cursor.forking = false;
        let Some(play) = &self.play else { return };
        let Some(sides) = play.sides.clone() else { return };
        thread.roles = Roles::waiting(sides.order.len());
        thread.state = State::Roles;
        self.start_strands(at, thread, &sides);
    }

    /// Starts the roles whose turn has come; where none is left, the host goes on behind them.
    fn start_strands(&mut self, at: usize, thread: &mut Thread, sides: &Arc<Sides>) {
        let Some(play) = &mut self.play else { return };
        let stage = thread.cursor.path().first().copied().unwrap_or_default();
        let out = thread.cursor.is_out();
        for place in 0..sides.order.len() {
            if !matches!(thread.roles.0[place], Progress::Waiting) {
                continue;
            }
            if out {
                thread.roles.0[place] = Progress::Never;
                continue;
            }
            if !sides.before[place].iter().all(|before| thread.roles.is_through(*before)) {
                continue;
            }
            let mut vars = thread.cursor.vars.clone();
            thread.roles.tell(ancestors(&sides.before, place).into_iter(), &mut vars);
            let strand = Strand { parent: at, place, began: vars.clone(), joined: false };
            let cursor = sides.cursor(&play.play, vars, stage, place);
            let strand = Thread { host: thread.host, cursor, strand: Some(strand), ..Thread::default() };
            play.lineup.note(play.threads.len(), &strand);
            thread.roles.started(place, play.threads.len());
            play.threads.push(strand);
        }
        if thread.roles.running().is_empty() {
            let roles = std::mem::take(&mut thread.roles);
            roles.tell(0..sides.order.len(), &mut thread.cursor.vars);
            thread.state = State::Ready;
        }
    }

    /// Whether a strand's host is out, or has been told to end: it stops before its next task.
    pub(super) fn is_cut(&self, thread: &Thread) -> bool {
        let (Some(strand), Some(play)) = (&thread.strand, &self.play) else { return false };
        play.threads[strand.parent].cursor.is_out()
    }

    /// The whole host ends, not only one of its roles.
    pub(super) fn end_host(&mut self, thread: &mut Thread) {
        thread.cursor.end();
        if let (Some(strand), Some(play)) = (&thread.strand, &mut self.play) {
            play.threads[strand.parent].cursor.end();
        }
    }

    /// A strand that has come to its end joins the thread it is a part of.
    pub(super) fn join(&mut self, at: usize) {
        let Some(play) = &mut self.play else { return };
        let thread = &mut play.threads[at];
        let Some(strand) = thread.strand.as_mut().filter(|strand| thread.state == State::Done && !strand.joined) else { return };
        strand.joined = true;
        let (strand, cursor) = (strand.clone(), std::mem::take(&mut thread.cursor));
        let mut parent = std::mem::take(&mut play.threads[strand.parent]);
        parent.cursor.recap.add(&cursor.recap);
        if cursor.failed {
            parent.cursor.end();
            parent.cursor.failed = true;
        }
        if cursor.recap.unreachable == 0 {
            parent.cursor.notified.extend(&cursor.notified);
        }
        parent.roles.0[strand.place] = Progress::Over(Box::new((cursor.vars, strand.began)));
        if parent.cursor.is_out() {
            for sibling in parent.roles.running() {
                // one that has only come to a barrier has done nothing of its task
                let thread = &mut play.threads[sibling];
                if matches!(thread.state, State::Barrier(_)) {
                    thread.cursor.run = None;
                    thread.state = State::Ready;
                    play.lineup.note(sibling, thread);
                }
            }
        }
        if let Some(sides) = play.sides.clone() {
            self.start_strands(strand.parent, &mut parent, &sides);
        }
        if let Some(play) = &mut self.play {
            play.lineup.note(strand.parent, &parent);
            play.threads[strand.parent] = parent;
        }
    }

    /// Cursors of what comes on a host behind this thread's own: the roles beside it, those after it, the rest of the play.
    pub(super) fn cursors_beside(&self, thread: &Thread) -> Vec<Cursor> {
        let (Some(strand), Some(play)) = (&thread.strand, &self.play) else { return vec![] };
        let (parent, Some(sides)) = (&play.threads[strand.parent], &play.sides) else { return vec![] };
        let mut cursors: Vec<Cursor> = vec![];
        for (place, role) in parent.roles.0.iter().enumerate() {
            match role {
                Progress::Running(at) if place != strand.place => cursors.push(play.threads[*at].cursor.clone()),
                Progress::Waiting => cursors.push(sides.cursor(&play.play, thread.cursor.vars.clone(), 0, place)),
                _ => {}
            }
        }
        let mut rest = parent.cursor.clone();
        rest.vars = thread.cursor.vars.clone();
        cursors.push(rest);
        cursors
    }

    /// What other hosts may read of a host.
    pub(super) fn publish(&mut self, thread: &Thread) {
        let known = &mut Arc::make_mut(&mut self.hosts)[thread.host.0 as usize];
        match &thread.strand {
            None => *known = thread.cursor.vars.clone(),
            Some(strand) => known.absorb(&thread.cursor.vars, &strand.began),
        }
    }
}

/// The stage at which roles run side by side, as places of a play begin with it.
pub fn stage(stages: &[Stage]) -> Option<u32> {
    stages.iter().position(|stage| matches!(stage, Stage::Roles)).map(|at| at as u32 + 1)
}

/// All that a place comes after, in the order of the graph.
fn ancestors(before: &[Vec<usize>], place: usize) -> Vec<usize> {
    let (mut found, mut open) = (std::collections::BTreeSet::new(), vec![place]);
    while let Some(at) = open.pop() {
        for earlier in &before[at] {
            if found.insert(*earlier) {
                open.push(*earlier);
            }
        }
    }
    found.into_iter().collect()
}

impl Recap {
    /// Adds what a part of a host's run counted.
    fn add(&mut self, other: &Recap) {
        let Recap { ok, changed, unreachable, failed, skipped, rescued, ignored } = *other;
        self.ok += ok;
        self.changed += changed;
        self.unreachable += unreachable;
        self.failed += failed;
        self.skipped += skipped;
        self.rescued += rescued;
        self.ignored += ignored;
    }
}
