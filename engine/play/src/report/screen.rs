//! What a user of `play` sees: only what is not as described, then a summary. Everything with `-v`.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use play_core::run::{Event, Outcome, Summary, Tally, TaskLabel, Told};
use play_core::text::Value;
use play_core::text::template::mask::shown;

use super::{Paint, Report, Style, diff, to_stderr, to_stdout};

pub(super) struct Screen {
    style: Style,
    paint: Paint,
    bar: Option<ProgressBar>,
    began: Instant,
    label: Option<Arc<TaskLabel>>,
    headed: bool,
    /// By host: outcomes, and how many failures were ignored and rescued.
    tallies: BTreeMap<Arc<str>, (Tally, (u32, u32))>,
    busy: String,
}

impl Screen {
    pub(super) fn new(style: Style) -> Screen {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::with_template("{spinner} {elapsed} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let paint = Paint(style.colour);
        Screen { style, paint, bar, began: Instant::now(), label: None, headed: false, tallies: BTreeMap::new(), busy: String::new() }
    }

    fn print(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| to_stdout(text)),
            None => to_stdout(text),
        }
    }

    /// The task above its first line.
    fn head(&mut self) {
        if self.headed {
            return;
        }
        self.headed = true;
        let Some(label) = self.label.clone() else { return };
        let role = label.role.as_ref().map(|role| format!("{role} : ")).unwrap_or_default();
        let place = if label.span.source.name.starts_with('(') {
            String::new()
        } else {
            format!("  {}:{}", label.span.source.name, label.span.line())
        };
        let handler = if label.handler { "handler " } else { "" };
        let line = format!("{handler}{role}{}{}\n", self.paint.strong(&label.name), self.paint.faint(&place));
        self.print(&line);
    }

    fn told(&mut self, told: &Told, item: bool) {
        if !item {
            let (tally, excused) = self.tallies.entry(told.host.clone()).or_default();
            match told.outcome {
                Outcome::Failed if told.ignored => excused.0 += 1,
                Outcome::Failed if told.rescued => excused.1 += 1,
                _ => tally.count(&told.outcome, told.doubt.is_some()),
            }
        }
        let looped = !item && told.result.get("results").is_some();
        let loud = self.style.verbosity > 0 && !(looped && matches!(told.outcome, Outcome::Same | Outcome::Skipped(_)));
        let quiet = matches!(told.outcome, Outcome::Same | Outcome::Skipped(_) | Outcome::Ran { changed: false });
        if (quiet && !loud && told.say.is_none()) || (looped && told.outcome != Outcome::Failed) || (item && quiet && !loud) {
            return;
        }
        self.head();
        let paint = self.paint;
        let (word, extra) = self.word(told);
        let of = told.item.as_ref().map(|item| format!("  ({})", diff::short(item))).unwrap_or_default();
        let target = told.delegated.as_ref().map(|name| format!(" -> {name}")).unwrap_or_default();
        let mut text = format!("  {word} {}{target}{}{extra}\n", told.host, paint.faint(&of));
        if told.hidden {
            text += &format!("      {}\n", paint.faint("(its result is not shown: no_log)"));
        } else if !looped {
            text += &self.details(told);
        }
        self.print(&text);
    }

    fn details(&self, told: &Told) -> String {
        let mut text = String::new();
        for gap in &told.gaps {
            text += &diff::lines(gap, told.task.diff.unwrap_or(self.style.diff), self.paint, "      ");
        }
        if let Some(say) = &told.say {
            text += &indented(&shown(say));
        }
        if let Some(error) = &told.error {
            let marks: Vec<_> = told
                .gaps
                .iter()
                .flat_map(|gap| gap.changes.iter())
                .filter_map(|change| change.then.as_ref())
                .flat_map(Value::marks)
                .collect();
            let error = error.clone().map_text(|text| play_core::text::template::mask::masked(text, &marks));
            text += &indented(&error.render(self.style.colour));
            for stream in ["stdout", "stderr"] {
                if let Some(value) = told.result.get(stream).filter(|value| value.as_str().is_some_and(|text| !text.is_empty())) {
                    text += &format!("      {}\n{}", self.paint.faint(&format!("{stream}:")), indented(&shown(value)));
                }
            }
        }
        if self.style.verbosity > 0 && told.say.is_none() && told.error.is_none() && told.gaps.is_empty() {
            for (key, value) in told
                .result
                .iter()
                .filter(|(key, _)| !matches!(key.as_str(), Some("changed" | "failed" | "ansible_facts" | "stdout_lines" | "stderr_lines")))
            {
                text += &format!("      {} {}\n", self.paint.faint(&format!("{key}:")), diff::short(value));
            }
        }
        text
    }

    fn word(&self, told: &Told) -> (String, String) {
        let paint = self.paint;
        let because = |cause: &play_core::text::Unknown| {
            let place = cause.span.as_ref().map(|span| format!(" at {span}")).unwrap_or_default();
            format!("{}{place}", cause.because)
        };
        match &told.outcome {
            Outcome::Same => (paint.same("same      "), String::new()),
            Outcome::Change if self.style.check => (paint.changed("will change"), String::new()),
            Outcome::Change => (paint.changed("changed   "), String::new()),
            Outcome::May(cause) => (paint.changed("may change"), format!("  because {}", because(cause))),
            Outcome::Ran { changed: true } => (paint.changed("ran       "), String::new()),
            Outcome::Ran { changed: false } => (paint.same("ran       "), "  (changed nothing)".into()),
            Outcome::WouldRun(what) => (paint.changed("would run "), format!("  {}", what.replace('\n', "\\n"))),
            Outcome::Unknown(cause) => (paint.changed("unknown   "), format!("  until applied ({})", because(cause))),
            Outcome::Skipped(why) => (paint.skipped("skipped   "), format!("  {}", paint.faint(why))),
            Outcome::Failed if told.ignored => (paint.failed("failed    "), "  (ignored)".into()),
            Outcome::Failed if told.rescued => (paint.failed("failed    "), "  (rescued)".into()),
            Outcome::Failed => (paint.failed("failed    "), String::new()),
            Outcome::Unreachable => (paint.failed("unreachable"), String::new()),
            Outcome::Interrupted => (paint.failed("interrupted"), String::new()),
        }
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}\n")).collect()
}

impl Report for Screen {
    fn tell(&mut self, event: &Event) {
        match event {
            Event::PlayBegins { name, hosts } => {
                self.label = None;
                let targets = if *hosts == 1 { "1 target".to_string() } else { format!("{hosts} targets") };
                let line = format!("{}  {}\n", self.paint.strong(&format!("play {name}")), self.paint.faint(&targets));
                self.print(&line);
            }
            Event::TaskBegins(label) => {
                self.label = Some(label.clone());
                self.headed = false;
                if self.style.verbosity > 0 {
                    self.head();
                }
            }
            Event::Item(told) => self.told(told, true),
            Event::Task(told) => self.told(told, false),
            Event::Line { host, text, .. } => {
                let lines: String = text.lines().map(|line| format!("  {host} | {line}\n")).collect();
                let lines = self.paint.faint(&lines);
                self.print(&lines);
            }
            Event::Waiting { host, task, reason } => {
                self.busy = format!("{host}: {}: {reason}", task.name);
                if let Some(bar) = &self.bar {
                    bar.set_message(self.busy.clone());
                }
            }
            Event::Notice(diagnostic) => {
                let text = diagnostic.render(self.style.colour) + "\n";
                match &self.bar {
                    Some(bar) => bar.suspend(|| to_stderr(&text)),
                    None => to_stderr(&text),
                }
            }
            Event::Finished(_) => {}
        }
    }

    fn sent(&mut self, host: &str) {
        if let Some(bar) = &self.bar {
            let task = self.label.as_ref().map(|label| label.name.clone()).unwrap_or_default();
            bar.set_message(format!("{host}  {task}"));
        }
    }

    fn finish(&mut self, summary: &Summary) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let mut text = String::from("\n");
        let width = summary.recaps.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, _) in &summary.recaps {
            let tally = self.tallies.get(name).copied().unwrap_or_default();
            text += &format!("{name:width$}  {}\n", counts(&tally.0, tally.1, self.style.check, self.paint));
        }
        for fight in &summary.fights {
            text += &format!("{} {fight}\n", self.paint.changed("two tasks fight:"));
        }
        if self.style.check {
            let tally = &summary.tally;
            text += &format!("certainty {:.1} %", tally.certainty() * 100.0);
            if tally.doubted > 0 {
                let word = if tally.doubted == 1 { "outcome stands" } else { "outcomes stand" };
                text += &format!("  ({} {word} behind commands that check does not run)", tally.doubted);
            }
            text.push('\n');
        }
        if summary.interrupted {
            text += &format!("{}\n", self.paint.failed("interrupted; run it again to go on"));
            text += &summary.pending.iter().map(|line| format!("  {line}\n")).collect::<String>();
        }
        text += &format!("{}\n", self.paint.faint(&format!("took {:.1} s", self.began.elapsed().as_secs_f64())));
        to_stdout(&text);
    }
}

/// How many, of what, in which colour.
type Count<'a> = (u32, &'a str, fn(Paint, &str) -> String);

/// `12 same  3 changed  1 failed`: only what there is.
fn counts(tally: &Tally, (ignored, rescued): (u32, u32), check: bool, paint: Paint) -> String {
    let all: [Count<'_>; 12] = [
        (tally.same, "same", Paint::same),
        (tally.change, if check { "will change" } else { "changed" }, Paint::changed),
        (tally.may, "may change", Paint::changed),
        (tally.ran, "ran", Paint::changed),
        (tally.would_run, "would run", Paint::changed),
        (tally.unknown, "unknown", Paint::changed),
        (tally.skipped, "skipped", Paint::skipped),
        (tally.failed, "failed", Paint::failed),
        (ignored, "failed and ignored", Paint::skipped),
        (rescued, "failed and rescued", Paint::skipped),
        (tally.unreachable, "unreachable", Paint::failed),
        (tally.interrupted, "interrupted", Paint::failed),
    ];
    let shown: Vec<String> =
        all.iter().filter(|(count, ..)| *count > 0).map(|(count, word, colour)| colour(paint, &format!("{count} {word}"))).collect();
    if shown.is_empty() { "nothing to do".into() } else { shown.join("  ") }
}
