//! Where a host stands in a play. A clone is cheap: it is what a failed message goes back to.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::book::play::Play;
use crate::book::task::{Block, Item, Task};
use crate::run::Recap;
use crate::text::Map;

use super::scope::Host;
use super::task::TaskRun;

/// A stage of a play, in the order of Ansible.
#[derive(Clone, Debug)]
pub enum Stage {
    Items(Arc<[Item]>),
    Role(usize),
    /// All roles of the play, those side by side that no path joins.
    Roles,
    Flush,
}

#[derive(Clone, Debug)]
pub enum Frame {
    Stages {
        at: usize,
    },
    /// A role beside others: the stage of the play, and its place in the order of roles.
    Strand {
        stage: u32,
        place: u32,
    },
    Items {
        items: Arc<[Item]>,
        at: usize,
        role: bool,
    },
    Block {
        block: Arc<Block>,
        part: Part,
        at: usize,
        failure: Option<Failure>,
    },
    /// Notified handlers, in the order in which they are written.
    Handlers {
        at: usize,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Part {
    Block,
    Rescue,
    Always,
}

/// What a task failed with.
#[derive(Clone, Debug)]
pub struct Failure {
    pub task: Arc<Task>,
    pub name: String,
    pub result: Arc<Map>,
}

#[derive(Clone, Debug, Default)]
pub struct Cursor {
    pub frames: Vec<Frame>,
    pub run: Option<TaskRun>,
    pub vars: Host,
    /// Handlers to run, by their place in the play.
    pub notified: BTreeSet<usize>,
    pub recap: Recap,
    pub failed: bool,
    pub handler: bool,
    /// What the items of a looped include have brought so far.
    pub included: Option<Vec<Frame>>,
    /// Calls of roles that it has come to.
    pub calls: Arc<std::collections::HashSet<String>>,
    /// It has come to roles that run side by side, and what it did before them is still on its way.
    pub forking: bool,
}

pub enum Next {
    Task(Arc<Task>),
    /// Roles that run side by side come next.
    Roles,
    Done,
}

impl Cursor {
    pub fn new(vars: Host, recap: Recap) -> Cursor {
        Cursor { frames: vec![Frame::Stages { at: 0 }], vars, recap, ..Cursor::default() }
    }

    /// At the begin of a role that runs beside others.
    pub fn strand(vars: Host, stage: u32, place: u32, items: Arc<[Item]>) -> Cursor {
        let frames = vec![Frame::Strand { stage, place }, Frame::Items { items, at: 0, role: true }];
        Cursor { frames, vars, ..Cursor::default() }
    }

    /// Nothing more comes.
    pub fn end(&mut self) {
        self.frames.clear();
        self.notified.clear();
    }

    /// Whether the host has failed or was told to end.
    pub fn is_out(&self) -> bool {
        self.failed || self.frames.is_empty()
    }

    /// Goes on to the next task.
    pub fn next(&mut self, stages: &[Stage], play: &Play) -> Next {
        loop {
            let Some(frame) = self.frames.last_mut() else { return Next::Done };
            let item = match frame {
                Frame::Stages { at } => {
                    let Some(stage) = stages.get(*at) else {
                        self.frames.pop();
                        continue;
                    };
                    *at += 1;
                    let inner = match stage {
                        Stage::Roles => return Next::Roles,
                        Stage::Items(items) => Frame::Items { items: items.clone(), at: 0, role: false },
                        Stage::Role(at) => Frame::Items { items: play.roles[*at].tasks.clone(), at: 0, role: true },
                        Stage::Flush => Frame::Handlers { at: 0 },
                    };
                    self.frames.push(inner);
                    continue;
                }
                Frame::Strand { .. } => {
                    self.frames.pop();
                    continue;
                }
                Frame::Items { items, at, .. } => {
                    *at += 1;
                    items.get(*at - 1).cloned()
                }
                Frame::Block { block, part, at, .. } => {
                    *at += 1;
                    let items = match part {
                        Part::Block => &block.block,
                        Part::Rescue => &block.rescue,
                        Part::Always => &block.always,
                    };
                    items.get(*at - 1).cloned()
                }
                Frame::Handlers { at } => {
                    self.handler = true;
                    let next = self.notified.range(*at..).next().or_else(|| self.notified.first()).copied();
                    if let Some(next) = next {
                        *at = next + 1;
                        self.notified.remove(&next);
                        return Next::Task(play.handlers[next].clone());
                    }
                    self.handler = false;
                    None
                }
            };
            match item {
                Some(Item::Task(task)) => return Next::Task(task),
                Some(Item::Block(block)) => self.frames.push(Frame::Block { block, part: Part::Block, at: 0, failure: None }),
                None => self.leave(),
            }
        }
    }

    /// The innermost frame has come to its end.
    fn leave(&mut self) {
        let Some(Frame::Block { block, part, failure, .. }) = self.frames.pop() else { return };
        if part != Part::Always && !block.always.is_empty() {
            self.frames.push(Frame::Block { block, part: Part::Always, at: 0, failure });
        } else if let Some(failure) = failure {
            self.fail(failure);
        }
    }

    /// A task failed: goes to the nearest rescue, over the `always` parts on the way; without a rescue the host is out.
    pub fn fail(&mut self, failure: Failure) {
        while let Some(frame) = self.frames.pop() {
            let Frame::Block { block, part, .. } = frame else { continue };
            if part == Part::Block && !block.rescue.is_empty() {
                self.vars.set("ansible_failed_result", crate::text::Value::Map(failure.result.clone()));
                self.vars.set(
                    "ansible_failed_task",
                    crate::text::Value::map([("name", failure.name.as_str()), ("action", &*failure.task.module)]),
                );
                self.frames.push(Frame::Block { block, part: Part::Rescue, at: 0, failure: None });
                return;
            }
            if part != Part::Always && !block.always.is_empty() {
                self.frames.push(Frame::Block { block, part: Part::Always, at: 0, failure: Some(failure) });
                return;
            }
        }
        self.failed = true;
    }

    /// Whether a failure here will be rescued.
    pub fn is_guarded(&self) -> bool {
        self.frames.iter().any(|frame| matches!(frame, Frame::Block { block, part: Part::Block, .. } if !block.rescue.is_empty()))
    }

    /// Leaves the role that the current task belongs to.
    pub fn end_role(&mut self) {
        if let Some(at) = self.frames.iter().rposition(|frame| matches!(frame, Frame::Items { role: true, .. })) {
            self.frames.truncate(at);
        }
    }

    /// Where it stands, for barriers: hosts are compared by this.
    pub fn path(&self) -> Vec<u32> {
        let mut path = vec![];
        for frame in &self.frames {
            match frame {
                Frame::Stages { at } | Frame::Items { at, .. } | Frame::Handlers { at } => path.push(*at as u32),
                Frame::Strand { stage, place } => path.extend([*stage, *place]),
                Frame::Block { part, at, .. } => path.extend([*part as u32, *at as u32]),
            }
        }
        path
    }
}
