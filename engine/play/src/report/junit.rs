//! JUnit files as Ansible's junit callback names them: one case `[host] play: task` for each task and host.

use std::collections::BTreeMap;
use std::path::PathBuf;

use play_core::run::{Event, Outcome, Summary, Told};

use super::{Report, to_stderr};

pub(super) struct Junit {
    folder: PathBuf,
    playbook: String,
    cases: BTreeMap<String, Vec<Told>>,
}

impl Junit {
    pub(super) fn new(folder: &str, playbook: &str) -> Junit {
        let stem = std::path::Path::new(playbook).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Junit { folder: folder.into(), playbook: stem, cases: BTreeMap::new() }
    }

    fn xml(&self) -> String {
        let all = || self.cases.values().flatten();
        let count = |wanted: fn(&Told) -> bool| all().filter(|told| wanted(told)).count();
        let failures = count(|told| told.outcome == Outcome::Failed && !told.ignored);
        let errors = count(|told| matches!(told.outcome, Outcome::Unreachable | Outcome::Interrupted));
        let skipped = count(|told| matches!(told.outcome, Outcome::Skipped(_)));
        let tests = all().count();
        let mut text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n".to_string();
        let head = format!("disabled=\"0\" errors=\"{errors}\" failures=\"{failures}\"");
        text += &format!("<testsuites {head} tests=\"{tests}\" time=\"0.0\">\n");
        text += &format!("  <testsuite name=\"{}\" {head} skipped=\"{skipped}\" tests=\"{tests}\" time=\"0.0\">\n", escape(&self.playbook));
        for told in all() {
            text += &case(told);
        }
        text + "  </testsuite>\n</testsuites>\n"
    }
}

fn case(told: &Told) -> String {
    let role = told.task.role.as_ref().map(|role| format!("{role} : ")).unwrap_or_default();
    let name = escape(&format!("[{}] {}: {role}{}", told.host, told.task.play, told.task.name));
    let class = escape(&format!("{}:{}", told.task.span.source.name, told.task.span.line()));
    let head = format!("    <testcase name=\"{name}\" classname=\"{class}\" time=\"{:.6}\"", told.seconds);
    let message = escape(told.error.as_ref().map_or("", |error| error.message()));
    match &told.outcome {
        Outcome::Failed if !told.ignored => format!("{head}>\n      <failure message=\"{message}\" type=\"failure\"/>\n    </testcase>\n"),
        Outcome::Unreachable | Outcome::Interrupted => {
            format!("{head}>\n      <error message=\"{message}\" type=\"error\"/>\n    </testcase>\n")
        }
        Outcome::Skipped(why) => format!("{head}>\n      <skipped>{}</skipped>\n    </testcase>\n", escape(why)),
        _ => format!("{head}/>\n"),
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            // what XML 1.0 cannot hold
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

impl Report for Junit {
    fn tell(&mut self, event: &Event) {
        if let Event::Task(told) = event {
            self.cases.entry(self.playbook.clone()).or_default().push(told.clone());
        }
    }

    fn finish(&mut self, _summary: &Summary) {
        let stamp = jiff::Timestamp::now().as_microsecond() as f64 / 1e6;
        let path = self.folder.join(format!("{}-{stamp:.6}.xml", self.playbook));
        let written = std::fs::create_dir_all(&self.folder).and_then(|()| std::fs::write(&path, self.xml()));
        if let Err(error) = written {
            to_stderr(&format!("the JUnit file {} could not be written: {error}", path.display()));
        }
    }
}
