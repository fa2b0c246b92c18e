//! `apt_repository`: a line that says where apt gets packages from. `apt_key` is named only to say what to do instead.

use std::sync::Arc;

use crate::resources::sources::{self, ALL, FOLDER, MAIN};
use crate::resources::{apt, path};
use crate::state::{Fields, Halt, Id, Look, View};
use crate::text::{Map, Mark, Result, Value};

use super::{Arg, Args, Entry, Module, Spec, Type, Want, Wanted, whole};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };
pub static KEY: Entry = Entry { spec: &KEY_SPEC, make: no_key };

static SPEC: Spec = Spec {
    name: "apt_repository",
    collection: "ansible.builtin",
    about: "Say where apt gets packages from",
    args: &[
        Arg::new("repo", Type::Text, "The line: deb [signed-by=/etc/apt/keyrings/x.asc] https://example.org stable main").required(),
        Arg::new("state", Type::Text, "Whether it is there").default("present").choices(&["absent", "present"]),
        Arg::new("filename", Type::Text, "The file of sources.list.d that a new line goes into, without `.list`"),
        Arg::new("mode", Type::Mode, "Permission bits of a file that gets a new line").default("0644"),
        Arg::new("update_cache", Type::Bool, "Update the lists of packages where a line changed")
            .default("true")
            .aliases(&["update-cache"]),
        Arg::new("update_cache_retries", Type::Int, "How often a repository that does not answer is asked again").default("5"),
        Arg::new("update_cache_retry_max_delay", Type::Int, "Most seconds between two tries").default("12"),
        Arg::new("install_python_apt", Type::Bool, "Without effect: nothing needs to be installed").default("true"),
        Arg::new("validate_certs", Type::Bool, "Only for personal package archives").default("true"),
        Arg::new("codename", Type::Text, "Only for personal package archives"),
    ],
    free_form: None,
    any: false,
};

static KEY_SPEC: Spec = Spec {
    name: "apt_key",
    collection: "ansible.builtin",
    about: "Not supported: apt itself no longer has keys that count for all repositories",
    args: &[],
    free_form: None,
    any: true,
};

fn no_key(args: &Args) -> Result<Arc<dyn Module>> {
    let hint = "download the key to /etc/apt/keyrings with `get_url`, and name it in the line of `apt_repository`: [signed-by=/etc/apt/keyrings/NAME.asc]";
    Err(args.span.error("`apt_key` is not supported: a key in apt's own ring counts for every repository").hint(hint))
}

struct Repository {
    /// As the task gives it, and with single blanks.
    given: String,
    line: String,
    present: bool,
    file: String,
    mode: Value,
    update: bool,
    how: Fields,
    /// Secrets of the line: passwords stand in addresses.
    marks: Vec<Arc<Mark>>,
}

/// A line of a file of sources.
struct Source {
    valid: bool,
    enabled: bool,
    text: String,
    comment: String,
}

fn parse(line: &str) -> Source {
    let line = line.trim();
    let (enabled, line) = line.strip_prefix('#').map_or((true, line), |rest| (false, rest));
    let (line, comment) = match line.find('#').filter(|at| *at > 0) {
        Some(at) => (&line[..at], line[at + 1..].trim()),
        None => (line, ""),
    };
    let words: Vec<&str> = line.split_whitespace().collect();
    let valid = matches!(words.first(), Some(&("deb" | "deb-src")));
    let text = if valid { words.join(" ") } else { line.trim().to_string() };
    Source { valid, enabled, text, comment: comment.to_string() }
}

impl Source {
    fn written(&self) -> String {
        let comment = if self.comment.is_empty() { String::new() } else { format!(" # {}", self.comment) };
        format!("{}{}{comment}\n", if self.enabled { "" } else { "# " }, self.text)
    }
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let given = args.need("repo")?;
    if given.is_empty() {
        return Err(args.error("repo", "Please set argument 'repo' to a non-empty value"));
    }
    if given.starts_with("ppa:") || args.given("codename") {
        return Err(args.error("repo", "personal package archives are not supported yet").hint("write its line and its key out"));
    }
    let source = parse(&given);
    if !source.valid || !source.enabled {
        return Err(args.error("repo", format!("Invalid repository string: {given}")));
    }
    let name = match args.text("filename") {
        Some(name) => name,
        None => suggested(&source.text),
    };
    let file = if name.contains('/') { path::normal(&format!("{name}.list")) } else { format!("{FOLDER}/{name}.list") };
    let how = [("update_cache_retries", "retries"), ("update_cache_retry_max_delay", "max_delay")];
    Ok(Arc::new(Repository {
        given,
        line: source.text,
        present: args.need("state")? == "present",
        file,
        mode: args.value("mode").unwrap_or_default(),
        update: args.flag("update_cache"),
        how: how.into_iter().filter_map(|(name, word)| Some((word.into(), args.value(name)?))).collect(),
        marks: args.value("repo").map(|repo| repo.marks()).unwrap_or_default(),
    }))
}

/// The address without its protocol and password, as a name.
fn suggested(line: &str) -> String {
    let bare = match (line.find('['), line.find(']')) {
        (Some(open), Some(close)) if open < close => format!("{}{}", &line[..open], &line[close + 1..]),
        _ => line.to_string(),
    };
    let address = bare.split_whitespace().find(|word| !matches!(*word, "deb" | "deb-src")).unwrap_or_default();
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let address = address.split_once('@').map_or(address, |(_, rest)| rest);
    address.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

impl Repository {
    /// Files that change, with their new text; an empty one goes. And the file that gets a new line.
    fn edits(&self, files: &Fields) -> Vec<(String, String, bool)> {
        let mut edits = vec![];
        let mut found = false;
        for (file, text) in files {
            let mut sources: Vec<Source> = text.as_str().unwrap_or_default().lines().map(parse).collect();
            let mut changed = false;
            if self.present {
                for source in sources.iter_mut().filter(|source| source.valid && source.text == self.line) {
                    found = true;
                    changed |= !source.enabled;
                    source.enabled = true;
                }
            } else {
                let before = sources.len();
                sources.retain(|source| !(source.valid && source.enabled && source.text == self.line));
                changed = sources.len() != before;
            }
            if changed {
                edits.push((file.to_string(), sources.iter().map(Source::written).collect(), false));
            }
        }
        if self.present && !found {
            let old = files.get(self.file.as_str()).and_then(Value::as_str).unwrap_or_default();
            let text: String = old.lines().map(|line| parse(line).written()).collect();
            edits.push((self.file.clone(), format!("{text}{}\n", self.line), true));
        }
        edits
    }
}

impl Module for Repository {
    fn looks(&self) -> Vec<Look> {
        vec![Look::at(sources::KIND, ALL), Look::at(apt::CACHE, apt::LISTS)]
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut files = view.likely(&Id::new(sources::KIND, ALL))?.clone().unwrap_or_default();
        // what tasks before it would write is known by path
        let known: Vec<String> =
            [self.file.clone(), MAIN.to_string()].into_iter().chain(files.keys().map(|file| file.to_string())).collect();
        for file in known {
            if let Some(Some(fields)) = view.seen(&Id::new(path::KIND, file.as_str()))
                && let Some(text) = fields.get("contents").and_then(Value::as_str)
            {
                files.insert(file.into(), Value::text(text));
            }
        }
        let edits = self.edits(&files);
        let looks = edits.iter().map(|(file, ..)| whole::look(file));
        let missing: Vec<Look> = looks.filter(|look| !view.answers(&Look::of(look.id.clone()))).collect();
        if !missing.is_empty() {
            return Err(Halt::Ask(missing));
        }
        let mut result = Map::new();
        result.insert("repo", Value::text(self.given.as_str()).marked(self.marks.clone()));
        result.insert("state", if self.present { "present" } else { "absent" });
        let names = |pick: &dyn Fn(&(String, String, bool)) -> bool| {
            Value::list(edits.iter().filter(|edit| pick(edit)).map(|edit| Value::text(edit.0.as_str())))
        };
        result.insert("sources_added", names(&|edit| edit.2 && !files.contains_key(edit.0.as_str())));
        result.insert("sources_removed", names(&|edit| edit.1.is_empty()));
        let mut states = vec![];
        for (file, text, new) in edits {
            let id = Id::new(path::KIND, file);
            if text.is_empty() {
                states.push(Wanted::gone(id));
                continue;
            }
            let mut fields = Fields::from([("kind".into(), Value::text("file")), ("contents".into(), whole::contents(text, &self.marks))]);
            if new {
                let bits = path::mode_bits(&self.mode, 0, false).unwrap_or(0o644);
                fields.insert("mode".into(), Value::text(format!("{bits:04o}")));
            }
            states.push(Wanted::new(id, Some(fields)));
        }
        if !states.is_empty() && self.update && view.likely(&Id::new(apt::CACHE, apt::LISTS))?.is_some() {
            let now = Fields::from([("updated".into(), Value::text("now"))]);
            states.push(Wanted { how: self.how.clone(), ..Wanted::new(Id::new(apt::CACHE, apt::LISTS), Some(now)) }.how("moves", true));
        }
        Ok(Want { result, ..Want::states(states) })
    }
}
