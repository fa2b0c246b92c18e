//! What a run tells, without the secrets that it knows: the last gate before events leave the session. Values carry their
//! marks to the reports; texts (messages, names, reasons) are cleared here.

use std::sync::Arc;

use crate::run::{Event, Outcome, Summary, TaskLabel, Told};
use crate::state::{Cause, Gap, Id};
use crate::text::template::known::Known;
use crate::text::{Diagnostic, Unknown};

use super::session::Output;

pub(super) fn clear(known: &Known, output: &mut Output) {
    if known.is_empty() {
        return;
    }
    match output {
        Output::Tell(event) => self::event(known, event),
        Output::Done(summary) => self::summary(known, summary),
        Output::Prompt { text } => replace(known, text),
        Output::Send { .. } | Output::WakeAt(_) => {}
    }
}

fn replace(known: &Known, text: &mut String) {
    if let std::borrow::Cow::Owned(cleared) = known.text(text) {
        *text = cleared;
    }
}

fn event(known: &Known, event: &mut Event) {
    match event {
        Event::PlayBegins { name, .. } => replace(known, name),
        Event::TaskBegins(label) => self::label(known, label),
        Event::Item(told) | Event::Task(told) => self::told(known, told),
        Event::Line { text, .. } => replace(known, text),
        Event::Waiting { task, reason, .. } => {
            label(known, task);
            replace(known, reason);
        }
        Event::Notice(diagnostic) => *diagnostic = self::diagnostic(known, diagnostic),
        Event::Finished(summary) => self::summary(known, summary),
    }
}

fn label(known: &Known, label: &mut Arc<TaskLabel>) {
    let (name, play) = (known.text(&label.name), known.text(&label.play));
    if *name != *label.name || *play != *label.play {
        let cleared = TaskLabel { name: name.into_owned(), play: play.into(), ..(**label).clone() };
        *label = Arc::new(cleared);
    }
}

fn told(known: &Known, told: &mut Told) {
    label(known, &mut told.task);
    match &mut told.outcome {
        Outcome::May(cause) | Outcome::Unknown(cause) => self::cause(known, cause),
        Outcome::WouldRun(text) | Outcome::Skipped(text) => replace(known, text),
        Outcome::Same | Outcome::Change | Outcome::Ran { .. } | Outcome::Failed | Outcome::Unreachable | Outcome::Interrupted => {}
    }
    told.gaps.iter_mut().for_each(|gap| self::gap(known, gap));
    if let Some(doubt) = &mut told.doubt {
        cause(known, doubt);
    }
    told.result = Arc::new(known.told(&told.result));
    told.item = told.item.as_ref().map(|item| known.marked(item));
    told.say = told.say.as_ref().map(|say| known.marked(say));
    told.error = told.error.as_ref().map(|error| diagnostic(known, error));
}

fn cause(known: &Known, cause: &mut Cause) {
    if let std::borrow::Cow::Owned(because) = known.text(&cause.because) {
        *cause = Arc::new(Unknown { because, span: cause.span.clone() });
    }
}

fn gap(known: &Known, gap: &mut Gap) {
    if let std::borrow::Cow::Owned(name) = known.text(&gap.id.name) {
        gap.id = Id::new(gap.id.kind, name);
    }
    for change in &mut gap.changes {
        if let std::borrow::Cow::Owned(field) = known.text(&change.field) {
            change.field = field.into();
        }
        change.now = change.now.as_ref().map(|value| known.marked(value));
        change.then = change.then.as_ref().map(|value| known.marked(value));
    }
}

fn diagnostic(known: &Known, diagnostic: &Diagnostic) -> Diagnostic {
    diagnostic.clone().map_text(|text| known.text(text).into_owned())
}

fn summary(known: &Known, summary: &mut Summary) {
    summary.fights.iter_mut().for_each(|fight| replace(known, fight));
    summary.net.iter_mut().flat_map(|(_, gaps)| gaps).for_each(|gap| self::gap(known, gap));
}
