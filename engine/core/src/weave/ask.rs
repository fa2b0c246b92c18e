//! `--step`: before each task the user is asked whether it is to run.

use std::collections::HashMap;

use crate::text::Diagnostic;

use super::lineup::Place;
use super::session::{Output, Session, State, Thread};

/// What was asked, and what was answered.
#[derive(Default)]
pub struct Steps {
    pub on: bool,
    /// By play and place: whether the task there runs.
    answers: HashMap<(usize, Place), bool>,
    asking: Option<(usize, Place)>,
}

impl Steps {
    pub fn new(on: bool) -> Steps {
        Steps { on, ..Steps::default() }
    }
}

/// What is known of the user's will.
pub enum Will {
    Run,
    Leave,
    /// The host has to wait for the others first.
    Gather,
    /// The question is asked.
    Asked,
}

impl Session {
    /// Whether the task that a host has come to is to run.
    pub(super) fn will(&mut self, thread: &mut Thread) -> Will {
        let Some(run) = thread.cursor.run.as_ref().filter(|run| self.steps.on && run.task.short_module() != "meta") else {
            return Will::Run;
        };
        let key = (self.next_play, thread.cursor.path());
        match self.steps.answers.get(&key) {
            Some(true) => return Will::Run,
            Some(false) => return Will::Leave,
            None if !run.passed => return Will::Gather,
            None => {}
        }
        let role = run.label.role.as_ref().map(|role| format!("{role} : ")).unwrap_or_default();
        let text = format!("Perform task: TASK: {role}{} (N)o/(y)es/(c)ontinue: ", run.label.name);
        self.steps.asking = Some(key);
        thread.state = State::Prompt;
        self.out.push(Output::Prompt { text });
        Will::Asked
    }

    /// The user answered. Whatever is not yes is no.
    pub(super) fn stepped(&mut self, text: &str) {
        let Some(key) = self.steps.asking.take() else { return };
        let word = text.trim().to_lowercase();
        let goes_on = matches!(word.as_str(), "c" | "continue");
        self.steps.on &= !goes_on;
        self.steps.answers.insert(key, goes_on || matches!(word.as_str(), "y" | "yes"));
    }

    /// There is nobody to answer: with `--step` nothing runs then.
    pub(super) fn unanswered(&mut self) {
        if let Some(key) = self.steps.asking.take() {
            self.steps.answers.insert(key, false);
            self.notice(
                Diagnostic::error("`--step` asks before each task, and there is nobody to answer")
                    .hint("run it in a terminal, or give the answers on standard input"),
            );
            self.interrupt();
        }
    }
}
