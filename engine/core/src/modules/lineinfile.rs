//! `lineinfile`: that a line is in a file, or lines are not.

use std::sync::Arc;

use crate::state::{Halt, Look, View};
use crate::text::{Map, Result, Value};

use super::edited::{Edit, Edited, lines, stripped};
use super::pattern::{Match, Of, Pattern};
use super::{Arg, Args, Entry, Module, Spec, Type, Want, owned};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "lineinfile",
    collection: "ansible.builtin",
    about: "Keep one line in a file, or lines out of it",
    args: owned::contents_args![
        Arg::new("path", Type::Path, "The file").required().aliases(&["dest", "destfile", "name"]),
        Arg::new("state", Type::Text, "Whether the line is to be there").default("present").choices(&["absent", "present"]),
        Arg::new("line", Type::Text, "The line").waits().aliases(&["value"]),
        Arg::new("regexp", Type::Text, "Which line is replaced (the last that matches), or which lines go").aliases(&["regex"]),
        Arg::new("search_string", Type::Text, "As `regexp`, a text that the line holds"),
        Arg::new("insertafter", Type::Text, "`EOF`, `BOF` or an expression: a new line goes behind the last line that matches"),
        Arg::new("insertbefore", Type::Text, "`BOF` or an expression: a new line goes before the last line that matches"),
        Arg::new("backrefs", Type::Bool, "`line` may hold `\\1` of `regexp`; where nothing matches, nothing is done").default("false"),
        Arg::new("firstmatch", Type::Bool, "The first line that matches counts, not the last").default("false"),
        Arg::new("create", Type::Bool, "Make the file where it is not there").default("false"),
    ],
    free_form: None,
    any: false,
};

struct LineInFile {
    file: Edited,
    present: bool,
    line: Option<Vec<u8>>,
    regexp: Option<Pattern>,
    search: Option<Vec<u8>>,
    place: Place,
    backrefs: bool,
    first: bool,
    warnings: Vec<String>,
}

/// Where a new line goes.
enum Place {
    Begin,
    End,
    After(Pattern),
    Before(Pattern),
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    args.exclusive(&["insertbefore", "insertafter"])?;
    args.exclusive(&["regexp", "search_string"])?;
    if args.flag("backrefs") && args.given("search_string") {
        return Err(args.error("search_string", "`backrefs` and `search_string` exclude each other"));
    }
    let present = args.text("state").as_deref() == Some("present");
    if present && args.flag("backrefs") && !args.given("regexp") {
        return Err(args.error("backrefs", "regexp is required with backrefs=true"));
    }
    if present && !args.given("line") {
        return Err(args.span.error("line is required with state=present"));
    }
    if !present {
        args.one_of(&["line", "search_string", "regexp"])?;
    }
    let bytes = |name: &str| args.text(name).map(String::into_bytes);
    Ok(Arc::new(LineInFile {
        file: Edited::new(args, args.need("path")?, &["line"])?,
        present,
        line: bytes("line"),
        regexp: pattern(args, "regexp")?,
        search: bytes("search_string"),
        place: place(args)?,
        backrefs: args.flag("backrefs"),
        first: args.flag("firstmatch"),
        warnings: warnings(args),
    }))
}

/// An expression among the arguments.
pub fn pattern(args: &Args, name: &str) -> Result<Option<Pattern>> {
    let Some(text) = args.text(name).filter(|_| args.given(name)) else { return Ok(None) };
    Pattern::new(&text, Of::Bytes).map(Some).map_err(|why| args.error(name, why))
}

fn place(args: &Args) -> Result<Place> {
    let word = |name: &str| args.text(name).filter(|_| args.given(name));
    Ok(match (word("insertafter").as_deref(), word("insertbefore").as_deref()) {
        (Some("BOF"), _) | (_, Some("BOF")) => Place::Begin,
        (None | Some("EOF" | ""), None) | (None, Some("")) => Place::End,
        (Some(_), _) => pattern(args, "insertafter")?.map_or(Place::End, Place::After),
        (None, Some(_)) => pattern(args, "insertbefore")?.map_or(Place::End, Place::Before),
    })
}

fn warnings(args: &Args) -> Vec<String> {
    let empty = |name: &str| args.given(name) && args.text(name).is_some_and(|text| text.is_empty());
    let (name, more) = match (empty("regexp"), empty("search_string")) {
        (true, _) => ("regular expression", " If this is desired, use '^' to match every line in the file and avoid this warning."),
        (_, true) => ("search string", ""),
        _ => return vec![],
    };
    vec![format!(
        "The {name} is an empty string, which will match every line in the file. \
         This may have unintended consequences, such as replacing the last line in the file rather than appending.{more}"
    )]
}

/// A line that was found, with what the expression matched.
enum Found {
    Line(usize, Option<Match>),
    /// The place of the line that a new one goes to.
    Place(usize),
    Nothing,
}

impl LineInFile {
    fn matches(&self, line: &[u8]) -> Option<Option<Match>> {
        match (&self.regexp, &self.search) {
            (Some(regexp), _) => regexp.search(line).map(Some),
            (None, Some(search)) => contains(line, search).then_some(None),
            (None, None) => None,
        }
    }

    /// The line that is replaced; else the line itself; else where it goes.
    fn find(&self, lines: &[Vec<u8>], wanted: &[u8]) -> Found {
        let mut hits = lines.iter().enumerate().filter_map(|(at, line)| Some((at, self.matches(line)?)));
        if let Some((at, found)) = if self.first { hits.next() } else { hits.next_back() } {
            return Found::Line(at, found);
        }
        let (mut exact, mut place) = (None, None);
        for (at, line) in lines.iter().enumerate() {
            if stripped(line) == wanted {
                exact = Some(at);
                continue;
            }
            let to = match &self.place {
                Place::After(pattern) if pattern.is_match(line) => at + 1,
                Place::Before(pattern) if pattern.is_match(line) => at,
                _ => continue,
            };
            place = Some(to);
            if self.first {
                break;
            }
        }
        match (exact, place) {
            (Some(at), _) => Found::Line(at, None),
            (None, Some(at)) => Found::Place(at),
            (None, None) => Found::Nothing,
        }
    }

    fn put(&self, lines: &mut Vec<Vec<u8>>) -> std::result::Result<&'static str, String> {
        let wanted = self.line.clone().unwrap_or_default();
        let whole = [&wanted[..], b"\n"].concat();
        match self.find(lines, &wanted) {
            Found::Line(at, found) => {
                let mut line = match found {
                    Some(found) if self.backrefs => found.expand(&wanted)?,
                    _ => wanted,
                };
                if !line.ends_with(b"\n") {
                    line.push(b'\n');
                }
                if lines[at] == line {
                    return Ok("");
                }
                lines[at] = line;
                return Ok("line replaced");
            }
            _ if self.backrefs => return Ok(""),
            Found::Place(at) => {
                // with `firstmatch` the line may stand there, and was not looked for that far
                if matches!(self.place, Place::After(_)) && lines.get(at).is_some_and(|line| stripped(line) == wanted) {
                    return Ok("");
                }
                if at == lines.len() {
                    end_last(lines);
                }
                lines.insert(at, whole);
            }
            Found::Nothing if matches!(self.place, Place::Begin) => lines.insert(0, whole),
            Found::Nothing => {
                end_last(lines);
                lines.push(whole);
            }
        }
        Ok("line added")
    }

    fn remove(&self, lines: &mut Vec<Vec<u8>>) -> usize {
        let before = lines.len();
        lines.retain(|line| match (&self.regexp, &self.search, &self.line) {
            (Some(regexp), ..) => !regexp.is_match(line),
            (None, Some(search), _) => !contains(line, search),
            (None, None, Some(wanted)) => stripped(line) != &wanted[..],
            _ => true,
        });
        before - lines.len()
    }
}

/// The last line ends before another one follows.
fn end_last(lines: &mut [Vec<u8>]) {
    if let Some(last) = lines.last_mut().filter(|last| !matches!(last.last(), Some(b'\n' | b'\r'))) {
        last.push(b'\n');
    }
}

fn contains(line: &[u8], text: &[u8]) -> bool {
    text.is_empty() || line.windows(text.len()).any(|window| window == text)
}

impl Module for LineInFile {
    fn looks(&self) -> Vec<Look> {
        self.file.looks()
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let now = match self.file.now(view)? {
            Ok(now) => now,
            Err(want) => return Ok(want),
        };
        let mut result = Map::new();
        if now.value.is_none() && !self.present {
            result.insert("msg", "file not present");
            return Ok(Want::result(result));
        }
        if now.value.is_none() && !self.file.create {
            let mut want = Want::failed(format!("Destination {} does not exist !", self.file.path));
            want.result.insert("rc", 257);
            return Ok(want);
        }
        if let Some(want) = self.file.waits(&now, view)? {
            return Ok(want);
        }
        let mut lines = lines(now.bytes());
        let msg = if self.present {
            match self.put(&mut lines) {
                Ok(msg) => msg.to_string(),
                Err(why) => return Ok(Want::failed(format!("`line` with backrefs: {why}"))),
            }
        } else {
            let found = self.remove(&mut lines);
            result.insert("found", found as i64);
            if found > 0 { format!("{found} line(s) removed") } else { String::new() }
        };
        if now.value.is_none() && msg.is_empty() {
            // Ansible makes no file for backrefs that match nothing
            return Ok(Want::result(Map::from_iter([("msg".into(), Value::text("")), ("backup".into(), Value::text(""))])));
        }
        let mut want = self.file.want(&now, Edit { bytes: lines.concat(), msg }, view)?;
        if !want.result.contains("backup") {
            want.result.insert("backup", "");
        }
        want.result.extend(result);
        want.warnings = self.warnings.clone();
        Ok(want)
    }

    fn refused(&self, _gap: &crate::state::Gap, reply: &crate::state::Reply) -> Map {
        owned::refused_edit(reply)
    }
}
