//! `assemble`: a file made of the files of a folder.

use std::sync::Arc;

use crate::resources::path::{self, normal, parent};
use crate::resources::tree::{self, join};
use crate::state::{Halt, Id, Look, View};
use crate::text::{Contents, Map, Mark, Result, Value};

use super::owned::{contents_known, describe, is_known};
use super::pattern::{Of, Pattern};
use super::placed::{Placed, is_folder};
use super::{Arg, Args, Done, Entry, Module, Spec, Type, Want, hashes, owned, whole};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "assemble",
    collection: "ansible.builtin",
    about: "Make a file of the files of a folder",
    args: owned::contents_args![
        Arg::new("src", Type::File, "The folder").required(),
        Arg::new("dest", Type::Path, "The file").required(),
        Arg::new("delimiter", Type::Text, "What stands between two files; may hold `\\n`"),
        Arg::new("regexp", Type::Text, "Only files whose names match"),
        Arg::new("ignore_hidden", Type::Bool, "Leave out names that begin with a dot").default("false"),
        Arg::new("remote_src", Type::Bool, "The folder is on the host; otherwise on the control node").default("true"),
        Arg::new("decrypt", Type::Bool, "Decrypt vault files of the control node").default("true"),
        Arg::new("force", Type::Bool, "Replace a file that differs").default("true"),
        Arg::new("follow", Type::Bool, "Write through a link").default("false"),
    ],
    free_form: None,
    any: false,
};

struct Assemble {
    source: String,
    /// The files of a folder of the control node.
    local: Option<Vec<(String, Value)>>,
    delimiter: Vec<u8>,
    regexp: Option<Pattern>,
    hidden: bool,
    placed: Placed,
}

type Halted<T> = std::result::Result<T, Halt>;

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let text = args.text("regexp").filter(|_| args.given("regexp"));
    let regexp =
        text.map(|text| Pattern::new(&text, Of::Text)).transpose().map_err(|why| args.error("regexp", format!("Invalid Regexp: {why}")))?;
    let (source, local) = match args.value("src") {
        Some(Value::Map(folder)) => {
            let path = folder.get("path").and_then(Value::as_str).unwrap_or_default().to_string();
            let Some(entries) = folder.get("tree").and_then(Value::as_list) else {
                return Err(args.error("src", format!("Source ({path}) is not a directory")));
            };
            let file = |entry: &Value| Some((entry.get("path")?.as_str()?.to_string(), entry.get("contents")?.clone()));
            let files = entries.iter().filter_map(file).filter(|(name, _)| !name.contains('/')).collect();
            (path, Some(files))
        }
        _ => (normal(&args.need("src")?), None),
    };
    Ok(Arc::new(Assemble {
        source,
        local,
        delimiter: args.text("delimiter").map(|text| unescaped(&text)).unwrap_or_default(),
        regexp,
        hidden: !args.flag("ignore_hidden"),
        placed: Placed::new(args, Value::Null)?,
    }))
}

/// Python's escapes: `\n`, `\t`, `\\` and its like.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let next = if c == '\\' { chars.next() } else { None };
        match (c, next) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some(c @ ('\\' | '\'' | '"'))) => out.push(c),
            (c, next) => out.extend(std::iter::once(c).chain(next)),
        }
    }
    out.into_bytes()
}

impl Assemble {
    fn takes(&self, name: &str) -> bool {
        (self.hidden || !name.starts_with('.')) && self.regexp.as_ref().is_none_or(|regexp| regexp.is_match(name.as_bytes()))
    }

    /// The files with what they hold, in the order of their names.
    fn fragments(&self, view: &View<'_>) -> Halted<Vec<Value>> {
        if let Some(files) = &self.local {
            let mut files: Vec<&(String, Value)> = files.iter().filter(|(name, _)| self.takes(name)).collect();
            files.sort_by(|(one, _), (other, _)| one.cmp(other));
            return Ok(files.into_iter().map(|(_, contents)| contents.clone()).collect());
        }
        let entries = view.field(&Id::new(tree::KIND, self.source.as_str()), "entries")?.and_then(Value::as_list).unwrap_or_default();
        let (mut all, mut missing) = (vec![], vec![]);
        for entry in entries {
            let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
            let mut id = Id::new(path::KIND, join(&self.source, text("path")));
            if text("path").contains('/') || !self.takes(text("path")) || !matches!(text("kind"), "file" | "link") {
                continue;
            }
            let look = Look::of(id.clone()).with("contents", "whole");
            if is_known(&id, view)?
                && let Some(real) = view.field(&id, "real")?.and_then(Value::as_str)
            {
                id = Id::new(path::KIND, normal(real));
            }
            if !contents_known(&id, view)? {
                missing.push(look);
                continue;
            }
            // a task before it may have asked for the hash alone
            let contents = view.field(&id, "contents")?;
            match contents.is_none_or(|contents| contents.as_bytes().is_some()) || view.answers(&whole::look(&id.name)) {
                true => all.extend(contents.cloned()),
                false => missing.push(whole::look(&id.name)),
            }
        }
        if missing.is_empty() { Ok(all) } else { Err(Halt::Ask(missing)) }
    }

    /// All in one, and the secrets in it. `Err`: what stands in the way.
    fn joined(&self, fragments: &[Value]) -> std::result::Result<(Vec<u8>, Vec<Arc<Mark>>), String> {
        let (mut out, mut marks): (Vec<u8>, Vec<Arc<Mark>>) = (vec![], vec![]);
        let mut ended = true;
        for (at, fragment) in fragments.iter().enumerate() {
            let Some(bytes) = fragment.as_bytes() else { return Err(format!("a file of {} is too large to be read", self.source)) };
            if !ended {
                out.push(b'\n');
            }
            if at > 0 && !self.delimiter.is_empty() {
                out.extend(&self.delimiter);
                if !self.delimiter.ends_with(b"\n") {
                    out.push(b'\n');
                }
            }
            out.extend(bytes);
            ended = bytes.ends_with(b"\n");
            marks.extend(fragment.marks());
        }
        Ok((out, marks))
    }

    fn dest(&self) -> Id {
        Id::new(path::KIND, self.placed.dest.as_str())
    }
}

impl Module for Assemble {
    fn looks(&self) -> Vec<Look> {
        let dest = &self.placed.dest;
        let mut looks = vec![Look::at(path::KIND, dest.as_str()).with("unless", "-"), Look::at(path::KIND, parent(dest))];
        if self.placed.backup {
            looks[0] = looks[0].clone().with("stamp", "date");
        }
        looks.extend(self.placed.owned.looks());
        if self.local.is_none() {
            looks.push(Look::at(path::KIND, self.source.as_str()));
            looks.push(Look::at(tree::KIND, self.source.as_str()).with("depth", "1"));
        }
        looks
    }

    fn want(&self, view: &View<'_>) -> Halted<Want> {
        let source = Id::new(path::KIND, self.source.as_str());
        if self.local.is_none() {
            if view.state(&source)?.is_none() {
                return Ok(Want::failed(format!("Source ({}) does not exist", self.source)));
            }
            if !is_folder(&source, view)? {
                return Ok(Want::failed(format!("Source ({}) is not a directory", self.source)));
            }
        }
        let (bytes, marks) = match self.joined(&self.fragments(view)?) {
            Ok(joined) => joined,
            Err(why) => return Ok(Want::failed(why)),
        };
        let dest = self.dest();
        if is_folder(&dest, view)? {
            return Ok(Want::failed(format!("{} is a folder, and cannot become a file", dest.name)));
        }
        if view.state(&Id::new(path::KIND, parent(&dest.name)))?.is_none() {
            return Ok(Want::failed(format!("Destination directory {} does not exist", parent(&dest.name))));
        }
        let md5 = hashes::hex("md5", &bytes);
        let placed = Placed { contents: Contents::of(Value::from_bytes(bytes).marked(marks)).into(), ..self.placed.clone() };
        let (wanted, mut result) = placed.wanted(dest, view)?;
        result.remove("path");
        result.insert("md5sum", md5);
        result.insert("src", self.source.as_str());
        result.insert("msg", "OK");
        Ok(Want { result, ..Want::states([wanted]) })
    }

    fn refused(&self, _gap: &crate::state::Gap, reply: &crate::state::Reply) -> Map {
        owned::refused_edit(reply)
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        describe(done.view.seen(&self.dest()).and_then(Option::as_ref), &mut result);
        result
    }
}
