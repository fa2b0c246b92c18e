//! Lookups of files and commands on the control node.

use super::{flag, option, terms};
use crate::text::control::Entry;
use crate::text::diagnostic::Diagnostic;
use crate::text::source::Source;
use crate::text::template::{self as t, Call, Here, Outcome, Search, Settings, fail, read};
use crate::text::value::{Map, Value};

pub const TEMPLATE_OPTIONS: &[&str] = &[
    "template_vars",
    "convert_data",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "jinja2_native",
    "trim_blocks",
    "lstrip_blocks",
    "block_start_string",
    "block_end_string",
    "newline_sequence",
];

fn need(here: &Here<'_>, kind: Search, name: &str) -> Outcome<String> {
    match t::find(here, kind, name) {
        Some(path) => Ok(path),
        None => Err(t::not_found(here, kind, name).into()),
    }
}

pub fn file(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let (left, right) = (flag(call, "lstrip", false), flag(call, "rstrip", call.name == "file"));
    let mut out = vec![];
    for name in terms(call)? {
        let value = t::file_text(here, &need(here, Search::File, &name)?)?;
        let marks = value.marks();
        let text = t::python_text(read(&value))?.into_owned();
        let text = if left { text.trim_start() } else { &text };
        let text = if right { text.trim_end() } else { text };
        out.push(Value::text(text).marked(marks));
    }
    Ok(out)
}

pub fn template(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let mut settings = Settings::default();
    let brackets = |name: &str, slot: &mut String| -> Outcome<()> {
        if let Some(text) = option(call, name)? {
            *slot = text;
        }
        Ok(())
    };
    brackets("variable_start_string", &mut settings.variable.0)?;
    brackets("variable_end_string", &mut settings.variable.1)?;
    brackets("comment_start_string", &mut settings.comment.0)?;
    brackets("comment_end_string", &mut settings.comment.1)?;
    brackets("block_start_string", &mut settings.block.0)?;
    brackets("block_end_string", &mut settings.block.1)?;
    settings.trim_blocks = flag(call, "trim_blocks", true);
    settings.lstrip_blocks = flag(call, "lstrip_blocks", false);
    let mut out = vec![];
    for name in terms(call)? {
        let path = need(here, Search::Template, &name)?;
        let value = t::file_text(here, &path)?;
        let marks = value.marks();
        let source = Source::new(path, t::python_text(read(&value))?.into_owned());
        let more = match call.named.get("template_vars").map(read) {
            Some(Value::Map(map)) => (**map).clone(),
            _ => Map::new(),
        };
        out.push(t::file_with(here, &source, &settings, more)?.marked(marks));
    }
    Ok(out)
}

pub fn fileglob(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let mut out = vec![];
    for term in terms(call)? {
        let (folder, _) = term.rsplit_once('/').unwrap_or(("", &term));
        let mut candidates = vec![term.clone()];
        if !folder.starts_with('/') {
            candidates = here.scope.search(Search::File, &term);
        }
        if let Some(found) = candidates.iter().map(|pattern| glob(pattern, here)).find(|found| !found.is_empty()) {
            out.extend(found.into_iter().map(Value::text));
        }
    }
    Ok(out)
}

/// Files that fit a pattern; `*` and `?` stand in its last parts.
pub fn glob(pattern: &str, here: &Here<'_>) -> Vec<String> {
    let control = &here.templates.control;
    let (root, rest) = pattern.strip_prefix('/').map_or(("", pattern), |rest| ("/", rest));
    let mut found = vec![root.to_string()];
    for part in rest.split('/') {
        let join = |folder: &str, name: &str| {
            if folder.is_empty() || folder.ends_with('/') { format!("{folder}{name}") } else { format!("{folder}/{name}") }
        };
        found = found
            .iter()
            .flat_map(|folder| {
                if !part.contains(['*', '?', '[']) {
                    return vec![join(folder, part)];
                }
                let shown = if folder.is_empty() { "." } else { folder };
                let names = control.list(shown).unwrap_or_default();
                let fits = names.into_iter().filter(|name| fits(part, name) && (part.starts_with('.') || !name.starts_with('.')));
                fits.map(|name| join(folder, &name)).collect()
            })
            .collect();
    }
    found.retain(|path| control.entry(path) == Some(Entry::File));
    found.sort();
    found
}

fn fits(pattern: &str, name: &str) -> bool {
    let mut regex = String::from("^");
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' => {
                let set: String = chars.by_ref().take_while(|c| *c != ']').collect();
                regex += &format!("[{}]", set.replacen('!', "^", usize::from(set.starts_with('!'))));
            }
            c => regex += &regex::escape(&c.to_string()),
        }
    }
    regex.push('$');
    regex::Regex::new(&regex).is_ok_and(|regex| regex.is_match(name))
}

pub fn first_found(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let mut names: Vec<String> = vec![];
    let mut skip = flag(call, "skip", false);
    let texts = |value: Option<&Value>, split: bool| -> Outcome<Vec<String>> {
        Ok(match value.map(read) {
            Some(Value::List(items)) => items.iter().map(|item| Ok(t::python_text(item)?.into_owned())).collect::<Outcome<_>>()?,
            Some(Value::Null) | None => vec![],
            Some(other) => {
                let text = t::python_text(other)?.into_owned();
                if split { text.split([',', ';']).map(|part| part.trim().to_string()).collect() } else { vec![text] }
            }
        })
    };
    let mut add = |files: Vec<String>, paths: Vec<String>| {
        for path in if paths.is_empty() { vec![String::new()] } else { paths } {
            for file in &files {
                names.push(if path.is_empty() || file.starts_with('/') {
                    file.clone()
                } else {
                    format!("{}/{file}", path.trim_end_matches('/'))
                });
            }
        }
    };
    for term in super::super::filters::list::flattened(&call.args, 9) {
        match read(&term) {
            Value::Map(map) => {
                skip |= map.get("skip").is_some_and(crate::text::filters::text::boolean);
                add(texts(map.get("files"), true)?, texts(map.get("paths"), true)?);
            }
            other => add(vec![t::python_text(other)?.into_owned()], texts(call.named.get("paths"), true)?),
        }
    }
    add(texts(call.named.get("files"), true)?, texts(call.named.get("paths"), true)?);
    for name in &names {
        for kind in [Search::File, Search::Template, Search::Vars] {
            if let Some(path) = t::find(here, kind, name) {
                return Ok(vec![Value::text(path)]);
            }
        }
    }
    if skip {
        return Ok(vec![]);
    }
    Err(Diagnostic::error("none of the files is there")
        .hint(format!("looked for {}; `skip: true` makes this no error", names.join(", ")))
        .into())
}

fn piped(command: &str, here: &Here<'_>) -> Outcome<String> {
    let control = &here.templates.control;
    match control.pipe(command, &control.working_directory()) {
        Ok(piped) if piped.code == 0 => Ok(String::from_utf8_lossy(&piped.stdout).into_owned()),
        Ok(piped) => fail(format!("the command of a lookup ended with {}: {}", piped.code, String::from_utf8_lossy(&piped.stderr).trim())),
        Err(error) => fail(format!("the command of a lookup could not be run: {error:?}")),
    }
}

pub fn pipe(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    terms(call)?.iter().map(|command| Ok(Value::text(piped(command, here)?.trim_end()))).collect()
}

pub fn lines(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let mut out = vec![];
    for command in terms(call)? {
        out.extend(piped(&command, here)?.lines().map(Value::text));
    }
    Ok(out)
}

/// Through `curl`: core opens no connection.
pub fn url(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let mut out = vec![];
    for address in terms(call)? {
        let insecure = if flag(call, "validate_certs", true) { "" } else { "--insecure " };
        let text = piped(&format!("curl -fsSL {insecure}-- {}", crate::text::filters::text::quoted(&address)), here)?;
        if flag(call, "split_lines", true) {
            out.extend(text.lines().map(Value::text));
        } else {
            out.push(Value::text(text));
        }
    }
    Ok(out)
}
