//! The only printer: the screen, Ansible's default output, JSON lines, JUnit files.

mod ansible;
mod diff;
mod json;
mod junit;
mod screen;

use std::io::{IsTerminal as _, Write as _};

use play_core::run::{Event, Summary};
use secrecy::SecretString;

/// Hears what a run tells.
pub trait Report {
    fn tell(&mut self, event: &Event);

    /// The end of the run.
    fn finish(&mut self, summary: &Summary);

    /// A message went to a target.
    fn sent(&mut self, _host: &str) {}

    /// Time passes.
    fn beat(&mut self) {}

    /// A user is asked for something.
    fn prompt(&mut self, text: &str) {
        to_stdout(&format!("{text}\n"));
    }
}

/// How a run is to be shown.
#[derive(Clone, Debug)]
pub struct Style {
    pub ansible: bool,
    pub json: bool,
    pub colour: bool,
    pub verbosity: u8,
    pub check: bool,
    pub diff: bool,
    pub junit: Option<String>,
    pub playbook: String,
}

/// The reports that a style asks for.
pub fn choose(style: &Style) -> Box<dyn Report> {
    let main: Box<dyn Report> = match () {
        () if style.json => Box::new(json::Lines::default()),
        () if style.ansible => Box::new(ansible::Ansible::new(style.clone())),
        () => Box::new(screen::Screen::new(style.clone())),
    };
    match &style.junit {
        Some(folder) => Box::new(Both(main, Box::new(junit::Junit::new(folder, &style.playbook)))),
        None => main,
    }
}

struct Both(Box<dyn Report>, Box<dyn Report>);

impl Report for Both {
    fn tell(&mut self, event: &Event) {
        self.0.tell(event);
        self.1.tell(event);
    }

    fn finish(&mut self, summary: &Summary) {
        self.1.finish(summary);
        self.0.finish(summary);
    }

    fn sent(&mut self, host: &str) {
        self.0.sent(host);
    }

    fn beat(&mut self) {
        self.0.beat();
    }

    fn prompt(&mut self, text: &str) {
        self.0.prompt(text);
    }
}

/// Writes to stdout. A reader that has gone ends the output, not the run.
pub fn to_stdout(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Writes a line to stderr.
pub fn to_stderr(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Asks for a secret on the terminal, without showing what is typed; `None` where there is no terminal.
pub fn ask_secret(question: &str) -> Option<SecretString> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    let _ = write!(std::io::stderr().lock(), "{question}");
    // the terminal itself is told not to echo; stty is everywhere where a terminal is
    let echo = |on: &str| std::process::Command::new("stty").arg(on).stdin(std::process::Stdio::inherit()).status();
    let _ = echo("-echo");
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    let _ = echo("echo");
    to_stderr("");
    read.ok()?;
    Some(line.trim_end_matches(['\n', '\r']).to_string().into())
}

/// Colours by what they mean.
#[derive(Clone, Copy)]
pub(crate) struct Paint(pub bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    pub(crate) fn added(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn removed(self, text: &str) -> String {
        self.with("31", text)
    }

    pub(crate) fn changed(self, text: &str) -> String {
        self.with("33", text)
    }

    pub(crate) fn failed(self, text: &str) -> String {
        self.with("1;31", text)
    }

    pub(crate) fn same(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn skipped(self, text: &str) -> String {
        self.with("36", text)
    }
}
