//! `replace`: all that matches an expression in a file becomes something else.

use std::sync::Arc;

use crate::state::{Halt, Look, View};
use crate::text::{Map, Result, Value};

use super::edited::{Edit, Edited};
use super::pattern::{Of, Pattern};
use super::{Arg, Args, Entry, Module, Spec, Type, Want, owned};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "replace",
    collection: "ansible.builtin",
    about: "Replace all that matches an expression in a file",
    args: owned::contents_args![
        Arg::new("path", Type::Path, "The file").required().aliases(&["dest", "destfile", "name"]),
        Arg::new("regexp", Type::Text, "The expression; `^` and `$` match at each line").required(),
        Arg::new("replace", Type::Text, "What comes instead; may hold `\\1`; none: what matches goes"),
        Arg::new("after", Type::Text, "Only behind the first match of this expression"),
        Arg::new("before", Type::Text, "Only before the first match of this expression"),
        Arg::new("encoding", Type::Text, "How the file is encoded: `utf-8` only").default("utf-8"),
    ],
    free_form: None,
    any: false,
};

struct Replace {
    file: Edited,
    regexp: Pattern,
    with: String,
    /// Where to replace, with the expression as it is named where it does not match.
    section: Option<(Pattern, String)>,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let encoding = args.need("encoding")?.to_lowercase().replace('_', "-");
    if !matches!(encoding.as_str(), "utf-8" | "utf8") {
        return Err(args.error("encoding", format!("`encoding: {encoding}` is not supported yet")));
    }
    let pattern = |name: &str, text: &str, flags: &str| Pattern::with_flags(text, Of::Text, flags).map_err(|why| args.error(name, why));
    let word = |name: &str| args.text(name).filter(|text| !text.is_empty());
    let section = match (word("after"), word("before")) {
        (Some(after), Some(before)) => Some(format!("{after}(?P<subsection>.*?){before}")),
        (Some(after), None) => Some(format!("{after}(?P<subsection>.*)")),
        (None, Some(before)) => Some(format!("(?P<subsection>.*){before}")),
        (None, None) => None,
    };
    let name = if args.given("after") { "after" } else { "before" };
    Ok(Arc::new(Replace {
        file: Edited::new(args, args.need("path")?, &["replace"])?,
        regexp: pattern("regexp", &args.need("regexp")?, "m")?,
        with: args.text("replace").unwrap_or_default(),
        section: section.map(|text| Ok::<_, crate::text::Diagnostic>((pattern(name, &text, "s")?, text))).transpose()?,
    }))
}

impl Replace {
    /// The new text and how often it was replaced. `Err(Ok(…))`: the section is not there.
    fn edit(&self, old: &[u8]) -> std::result::Result<(Vec<u8>, usize), std::result::Result<String, String>> {
        let (from, to) = match &self.section {
            None => (0, old.len()),
            Some((pattern, text)) => {
                let missing = || Ok(format!("Pattern for before/after params did not match the given file: {text}"));
                pattern.search(old).and_then(|found| found.span_of("subsection")).ok_or_else(missing)?
            }
        };
        let section = &old[from..to];
        let (mut new, mut last, mut count) = (old[..from].to_vec(), 0, 0);
        for found in self.regexp.all(section) {
            new.extend(&section[last..found.start]);
            new.extend(found.expand(self.with.as_bytes()).map_err(|why| Err(format!("Unable to process replace due to error: {why}")))?);
            last = found.end;
            count += 1;
        }
        new.extend(&section[last..]);
        new.extend(&old[to..]);
        Ok((new, count))
    }
}

impl Module for Replace {
    fn looks(&self) -> Vec<Look> {
        self.file.looks()
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let now = match self.file.now(view)? {
            Ok(now) => now,
            Err(want) => return Ok(want),
        };
        let path = &self.file.path;
        if now.value.is_none() {
            let mut want = Want::failed(format!("Path {path} does not exist !"));
            want.result.insert("rc", 257);
            return Ok(want);
        }
        if std::str::from_utf8(now.bytes()).is_err() {
            return Ok(Want::failed(format!("{path} is not encoded in UTF-8")));
        }
        let (bytes, count) = match self.edit(now.bytes()) {
            Ok(edited) => edited,
            Err(Ok(msg)) => return Ok(Want::result(Map::from_iter([("rc".into(), Value::Int(0)), ("msg".into(), Value::text(msg))]))),
            Err(Err(why)) => return Ok(Want::failed(why)),
        };
        let msg = if bytes == now.bytes() { String::new() } else { format!("{count} replacements made") };
        let mut want = self.file.want(&now, Edit { bytes, msg }, view)?;
        want.result.insert("rc", 0);
        if let Some(name) = want.result.remove("backup") {
            want.result.insert("backup_file", name);
        }
        Ok(want)
    }

    fn refused(&self, _gap: &crate::state::Gap, reply: &crate::state::Reply) -> Map {
        owned::refused_edit(reply)
    }
}
