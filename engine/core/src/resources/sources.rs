//! Where a host with apt gets its packages from: `apt_sources:all` has a field a file (`/etc/apt/sources.list`, `*.list` beside it) with its text.

use crate::state::{Answer, Fields, Gap, Id, Kind, KindName, Look, Reading, Script};
use crate::text::Value;

pub const KIND: KindName = "apt_sources";
pub const ALL: &str = "all";
pub const MAIN: &str = "/etc/apt/sources.list";
pub const FOLDER: &str = "/etc/apt/sources.list.d";

pub struct Sources;

impl Kind for Sources {
    fn name(&self) -> KindName {
        KIND
    }

    fn ask(&self, _looks: &[&Look]) -> Script {
        format!("echo apt\nfor f in {MAIN} {FOLDER}/*.list; do [ -f \"$f\" ] || continue; printf 'f %s\\n' \"$f\"; sed 's/^/|/' \"$f\" || exit; done\n").into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        let reply = answer.reply();
        if reply.code != 0 {
            let message = String::from_utf8_lossy(&reply.err).trim().to_string();
            return Reading::Failed { message, hint: Some("this user may not read it; try `become: true`".into()) };
        }
        let text = String::from_utf8_lossy(&reply.out).into_owned();
        let mut files: Vec<(String, String)> = vec![];
        for line in text.lines() {
            if let Some(file) = line.strip_prefix("f ") {
                files.push((file.to_string(), String::new()));
            } else if let (Some(line), Some((_, text))) = (line.strip_prefix('|'), files.last_mut()) {
                text.push_str(line);
                text.push('\n');
            }
        }
        Reading::one(look, Some(files.into_iter().map(|(file, text)| (file.into(), Value::text(text))).collect::<Fields>()))
    }

    /// Files of sources are paths; who mends them mends those.
    fn fix(&self, _gaps: &[&Gap]) -> Script {
        String::new().into()
    }
}

/// The sources, where a file is one of theirs.
pub fn of_file(path: &str) -> Option<Id> {
    (path == MAIN || path.strip_prefix(FOLDER).is_some_and(|rest| rest.ends_with(".list"))).then(|| Id::new(KIND, ALL))
}
