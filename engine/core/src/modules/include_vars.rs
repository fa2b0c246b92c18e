//! `include_vars`: variables of a host, from files of the control node.

use std::sync::Arc;

use regex::Regex;

use crate::resources::path::base;
use crate::state::{Halt, Look, View};
use crate::text::yaml::{self, Data};
use crate::text::{Contents, Diagnostic, Map, Mark, Node, Result, Source, Value};

use super::{Arg, Args, Effect, Entry, Module, Spec, Type, Want};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "include_vars",
    collection: "ansible.builtin",
    about: "Read variables from files of the control node",
    args: &[
        Arg::new("_raw_params", Type::Vars, "The file, as free text").aliases(&["free-form"]),
        Arg::new("file", Type::Vars, "The file"),
        Arg::new("dir", Type::Vars, "A folder whose files are all read, in the order of their names"),
        Arg::new("name", Type::Text, "One variable for all of them to stand in"),
        Arg::new("depth", Type::Int, "How deep folders are read; 0 is all the way").default("0"),
        Arg::new("files_matching", Type::Text, "A regular expression that names of files must match"),
        Arg::new("ignore_files", Type::Any, "Regular expressions; files whose names end so are left out"),
        Arg::new("extensions", Type::Texts, "What names of files may end with").default("yaml,yml,json"),
        Arg::new("ignore_unknown_extensions", Type::Bool, "Leave out files of other extensions; otherwise they are an error")
            .default("false"),
        Arg::new("hash_behaviour", Type::Text, "What becomes of mappings that are there already").choices(&["replace", "merge"]),
    ],
    free_form: Some("_raw_params"),
    any: false,
};

struct IncludeVars {
    /// Paths and their contents, in order.
    files: Vec<(String, Arc<Contents>)>,
    name: Option<String>,
    merge: bool,
}

const OF_FOLDERS: [&str; 6] = ["dir", "depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions"];

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let of_file = ["file", "_raw_params"].into_iter().find(|name| args.given(name));
    let of_folder = OF_FOLDERS.into_iter().find(|name| args.given(name));
    if let (Some(_), Some(folder)) = (of_file, of_folder) {
        return Err(args.error(folder, "You are mixing file only and dir only arguments, these are incompatible"));
    }
    let name = of_file.unwrap_or("dir");
    args.one_of(&["file", "dir", "_raw_params"])?;
    let value = args.value(name).unwrap_or_default();
    let path = value.get("path").and_then(Value::as_str).unwrap_or_default().to_string();
    let files = match (value.get("contents"), value.get("tree")) {
        (Some(Value::Contents(contents)), _) if name != "dir" => vec![(path, contents.clone())],
        (None, Some(Value::List(tree))) if name == "dir" => folder(args, &path, tree)?,
        (_, Some(_)) => return Err(args.error(name, format!("{path} is a folder")).hint("name it as `dir`")),
        _ => return Err(args.error(name, format!("{path} is not a directory"))),
    };
    Ok(Arc::new(IncludeVars { files, name: args.text("name"), merge: args.text("hash_behaviour").as_deref() == Some("merge") }))
}

/// The files of a folder that are meant: folders in the order of their paths, files in that of their names.
fn folder(args: &Args, path: &str, tree: &[Value]) -> Result<Vec<(String, Arc<Contents>)>> {
    let regex = |name: &str, text: &str| Regex::new(text).map_err(|_| args.error(name, format!("Invalid regular expression: {text}")));
    let matching = args.text("files_matching").filter(|text| !text.is_empty()).map(|text| regex("files_matching", &text)).transpose()?;
    let ignored: Vec<String> = match args.value("ignore_files").as_ref().map(Value::plain) {
        Some(Value::Text(text)) => text.split_whitespace().map(String::from).collect(),
        Some(Value::Map(_)) => return Err(args.error("ignore_files", "`ignore_files` must be a list")),
        _ => args.texts("ignore_files"),
    };
    let ignored = ignored.iter().map(|text| regex("ignore_files", &format!("(?:{text})$"))).collect::<Result<Vec<_>>>()?;
    let (depth, extensions, lenient) = (args.int("depth").unwrap_or(0), args.texts("extensions"), args.flag("ignore_unknown_extensions"));
    let mut all: Vec<(&str, &str, Arc<Contents>)> = vec![];
    for entry in tree {
        let (Some(inner), Some(Value::Contents(contents))) = (entry.get("path").and_then(Value::as_str), entry.get("contents")) else {
            continue;
        };
        let (folder, name) = inner.rsplit_once('/').unwrap_or(("", inner));
        let level = if folder.is_empty() { 1 } else { folder.matches('/').count() as i64 + 2 };
        let meant = (depth == 0 || level <= depth) && matching.as_ref().is_none_or(|regex| regex.is_match(name));
        if !meant || ignored.iter().any(|regex| regex.is_match(name)) {
            continue;
        }
        let known =
            base(name).rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && extensions.iter().any(|extension| extension == end));
        match (known, lenient) {
            (true, _) => all.push((folder, name, contents.clone())),
            (false, true) => {}
            (false, false) => {
                return Err(args.error("dir", format!("{path}/{inner} does not have a valid extension: {}", extensions.join(", "))));
            }
        }
    }
    all.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    Ok(all
        .into_iter()
        .map(|(folder, name, contents)| (format!("{path}/{folder}{}{name}", if folder.is_empty() { "" } else { "/" }), contents))
        .collect())
}

/// The variables that a file is made of. Secrets of a decrypted file are in each of them.
fn read(path: &str, contents: &Contents) -> Result<Vec<(Node, Node)>> {
    let here = contents.here().ok_or_else(|| Diagnostic::error(format!("{path} is too large to be a file of variables")))?;
    let text = here.as_str().ok_or_else(|| Diagnostic::error(format!("{path} is no text")))?;
    let source = Source::new(path, text);
    let mut node = match yaml::parse(&source) {
        Ok(node) => node,
        // JSON may have tabs between its parts, YAML may not
        Err(error) => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(json) => yaml::parse(&Source::new(path, json.to_string()))?,
            Err(_) => return Err(error),
        },
    };
    let marks = here.marks();
    if !marks.is_empty() {
        mark(&mut node, &marks);
    }
    match &node.data {
        Data::Map(pairs) => Ok(pairs.to_vec()),
        _ if node.is_null() => Ok(vec![]),
        _ => Err(node.error(format!("{path} must be stored as a dictionary/hash"))),
    }
}

fn mark(node: &mut Node, marks: &[Arc<Mark>]) {
    match &mut node.data {
        Data::Scalar(scalar) => scalar.marks.extend(marks.iter().filter(|mark| !scalar.marks.contains(mark)).cloned().collect::<Vec<_>>()),
        Data::List(items) => Arc::make_mut(items).iter_mut().for_each(|item| mark(item, marks)),
        Data::Map(pairs) => Arc::make_mut(pairs).iter_mut().for_each(|(_, value)| mark(value, marks)),
    }
}

impl IncludeVars {
    /// All variables; those of later files win.
    fn vars(&self) -> Result<Vec<(Node, Node)>> {
        let mut all: Vec<(Node, Node)> = vec![];
        for (path, contents) in &self.files {
            for (key, value) in read(path, contents)? {
                match all.iter_mut().find(|(have, _)| have.to_key() == key.to_key()) {
                    Some((_, had)) => *had = value,
                    None => all.push((key, value)),
                }
            }
        }
        let Some(name) = &self.name else { return Ok(all) };
        let span = Source::new("(name)", name.as_str()).span(0..name.len());
        let node = Node { span: span.clone(), tag: None, data: Data::Map(Arc::new(all)) };
        Ok(vec![(Node::quoted(span, name), node)])
    }
}

impl Module for IncludeVars {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        let vars = self.vars()?;
        let mut result = Map::new();
        result.insert("ansible_included_var_files", self.files.iter().map(|(path, _)| Value::text(path.as_str())).collect::<Vec<_>>());
        result.insert("ansible_facts", vars.iter().map(|(key, value)| (key.to_key(), value.to_value())).collect::<Map>());
        let vars = vars.into_iter().map(|(key, value)| (key.as_str().unwrap_or_default().to_string(), value)).collect();
        Ok(Want { result, ..Want::effect(Effect::Written { vars, merge: self.merge }) })
    }
}
