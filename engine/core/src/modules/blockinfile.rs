//! `blockinfile`: that a block of lines stands in a file between two marks.

use std::sync::Arc;

use crate::state::{Halt, Look, View};
use crate::text::{Map, Result, Value};

use super::edited::{Edit, Edited};
use super::lineinfile::pattern;
use super::pattern::Pattern;
use super::{Arg, Args, Entry, Module, Spec, Type, Want, owned};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "blockinfile",
    collection: "ansible.builtin",
    about: "Keep a block of lines, between two marks, in a file",
    args: owned::contents_args![
        Arg::new("path", Type::Path, "The file").required().aliases(&["dest", "destfile", "name"]),
        Arg::new("state", Type::Text, "Whether the block is to be there").default("present").choices(&["absent", "present"]),
        Arg::new("block", Type::Text, "The lines; none: the block goes").aliases(&["content"]).waits(),
        Arg::new("marker", Type::Text, "The lines around it; `{mark}` becomes BEGIN and END").default("# {mark} ANSIBLE MANAGED BLOCK"),
        Arg::new("marker_begin", Type::Text, "What `{mark}` becomes before the block").default("BEGIN"),
        Arg::new("marker_end", Type::Text, "What `{mark}` becomes behind the block").default("END"),
        Arg::new("insertafter", Type::Text, "`EOF` or an expression: a new block goes behind the last line that matches"),
        Arg::new("insertbefore", Type::Text, "`BOF` or an expression: a new block goes before the last line that matches"),
        Arg::new("append_newline", Type::Bool, "A blank line behind it, unless it is the end of the file").default("false"),
        Arg::new("prepend_newline", Type::Bool, "A blank line before it, unless it is the begin of the file").default("false"),
        Arg::new("create", Type::Bool, "Make the file where it is not there").default("false"),
    ],
    free_form: None,
    any: false,
};

struct BlockInFile {
    file: Edited,
    present: bool,
    block: Vec<u8>,
    begin: Vec<u8>,
    end: Vec<u8>,
    place: Place,
    append: bool,
    prepend: bool,
}

enum Place {
    Begin,
    End,
    After(Pattern),
    Before(Pattern),
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    args.exclusive(&["insertbefore", "insertafter"])?;
    let marker = args.need("marker")?;
    let mark = |name: &str| Ok::<_, crate::text::Diagnostic>(format!("{}\n", marker.replace("{mark}", &args.need(name)?)).into_bytes());
    let (begin, end) = (mark("marker_begin")?, mark("marker_end")?);
    if begin == end {
        return Err(args
            .error("marker", "the marks before and behind the block are the same, so that the block would come again with each run")
            .hint("write `{mark}` in it, which becomes BEGIN and END"));
    }
    let word = |name: &str| args.text(name).filter(|_| args.given(name));
    let place = match (word("insertafter").as_deref(), word("insertbefore").as_deref()) {
        (Some("EOF"), _) | (None, None) => Place::End,
        (_, Some("BOF")) => Place::Begin,
        (Some(_), _) => pattern(args, "insertafter")?.map_or(Place::End, Place::After),
        (None, Some(_)) => pattern(args, "insertbefore")?.map_or(Place::End, Place::Before),
    };
    Ok(Arc::new(BlockInFile {
        file: Edited::new(args, args.need("path")?, &["block", "marker"])?,
        present: args.text("state").as_deref() == Some("present"),
        block: args.text("block").unwrap_or_default().into_bytes(),
        begin,
        end,
        place,
        append: args.flag("append_newline"),
        prepend: args.flag("prepend_newline"),
    }))
}

impl BlockInFile {
    /// The lines of the block with its marks; none where it is not to be there.
    fn wanted(&self) -> Vec<Vec<u8>> {
        if !self.present || self.block.is_empty() {
            return vec![];
        }
        let mut block = self.block.clone();
        if !block.ends_with(b"\n") {
            block.push(b'\n');
        }
        let mut all = vec![self.begin.clone()];
        all.extend(split(&block));
        all.push(self.end.clone());
        all
    }

    /// Where the block goes, after the old one was taken out.
    fn cut(&self, lines: &mut Vec<Vec<u8>>, whole: &[u8]) -> usize {
        let begin = lines.iter().rposition(|line| *line == self.begin);
        let end = lines.iter().rposition(|line| *line == self.end);
        if let (Some(begin), Some(end)) = (begin, end) {
            let (first, last) = (begin.min(end), begin.max(end));
            lines.drain(first..=last);
            return first;
        }
        match &self.place {
            Place::Begin => 0,
            Place::End => lines.len(),
            Place::After(pattern) => last_match(pattern, lines, whole, true).map_or(lines.len(), |at| at + 1),
            Place::Before(pattern) => last_match(pattern, lines, whole, false).unwrap_or(lines.len()),
        }
    }

    fn edit(&self, old: &[u8]) -> Vec<u8> {
        let mut lines = split(old);
        let mut at = self.cut(&mut lines, old);
        if let Some(before) = at.checked_sub(1).and_then(|before| lines.get_mut(before)).filter(|line| !line.ends_with(b"\n")) {
            before.push(b'\n');
        }
        if self.prepend && self.present && at != 0 && lines[at - 1] != b"\n" {
            lines.insert(at, b"\n".to_vec());
            at += 1;
        }
        let block = self.wanted();
        let behind = at + block.len();
        lines.splice(at..at, block);
        if self.append && self.present && lines.get(behind).is_some_and(|line| line != b"\n") {
            lines.insert(behind, b"\n".to_vec());
        }
        lines.concat()
    }
}

/// The line of the last match; with `(?m)` the expression is held against the whole file, and its first match counts.
fn last_match(pattern: &Pattern, lines: &[Vec<u8>], whole: &[u8], after: bool) -> Option<usize> {
    if !pattern.multiline {
        return lines.iter().rposition(|line| pattern.is_match(line));
    }
    let found = pattern.search(whole)?;
    let to = if after { found.end } else { found.start };
    Some(whole[..to].iter().filter(|byte| **byte == b'\n').count())
}

/// Python's `bytes.splitlines(True)`: `\n`, `\r` and `\r\n` end a line.
fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut lines, mut start) = (vec![], 0);
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
            lines.push(bytes[start..=at].to_vec());
            start = at + 1;
        }
    }
    if start < bytes.len() {
        lines.push(bytes[start..].to_vec());
    }
    lines
}

impl Module for BlockInFile {
    fn looks(&self) -> Vec<Look> {
        self.file.looks()
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let now = match self.file.now(view)? {
            Ok(now) => now,
            Err(want) => return Ok(want),
        };
        let path = &self.file.path;
        if now.value.is_none() && !self.file.create {
            let mut want = Want::failed(format!("Path {path} does not exist !"));
            want.result.insert("rc", 257);
            return Ok(want);
        }
        if now.value.is_none() && !self.present {
            return Ok(Want::result(Map::from_iter([("msg".into(), Value::text(format!("File {path} not present")))])));
        }
        if let Some(want) = self.file.waits(&now, view)? {
            return Ok(want);
        }
        let bytes = self.edit(now.bytes());
        let msg = match () {
            () if now.value.is_none() => "File created",
            () if bytes == now.bytes() => "",
            () if self.wanted().is_empty() => "Block removed",
            () => "Block inserted",
        };
        let mut want = self.file.want(&now, Edit { bytes, msg: msg.to_string() }, view)?;
        if let Some(name) = want.result.remove("backup") {
            want.result.insert("backup_file", name);
        }
        Ok(want)
    }

    fn refused(&self, _gap: &crate::state::Gap, reply: &crate::state::Reply) -> Map {
        owned::refused_edit(reply)
    }
}
