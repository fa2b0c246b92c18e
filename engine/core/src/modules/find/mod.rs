//! `find`: the paths below folders that are as one seeks them.

mod filter;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::resources::path::{self, base, normal};
use crate::resources::tree::{self, join};
use crate::state::{Halt, Id, Look, View};
use crate::text::{Diagnostic, Map, Result, Unknown, Value};

use super::owned::{contents_known, is_known};
use super::{Arg, Args, Entry, Module, Spec, Type, Want, hashes};
use filter::Filter;

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "find",
    collection: "ansible.builtin",
    about: "Find paths by name, age, size, mode or contents",
    args: &[
        Arg::new("paths", Type::Texts, "The folders to look in").required().aliases(&["name", "path"]),
        Arg::new("patterns", Type::Texts, "Names (`*.log`), or expressions with `use_regex`; one must match").aliases(&["pattern"]),
        Arg::new("excludes", Type::Texts, "As `patterns`; none may match").aliases(&["exclude"]),
        Arg::new("contains", Type::Text, "An expression that the begin of a line must match"),
        Arg::new("read_whole_file", Type::Bool, "Hold `contains` against the whole file, anywhere in it").default("false"),
        Arg::new("file_type", Type::Text, "What is sought").default("file").choices(&["any", "directory", "file", "link"]),
        Arg::new("age", Type::Text, "At least so old: `1d`, `-1h` for at most, in s, m, h, d or w"),
        Arg::new("age_stamp", Type::Text, "Which time counts").default("mtime").choices(&["atime", "ctime", "mtime"]),
        Arg::new("size", Type::Text, "At least so large: `10m`, `-1k` for at most, in b, k, m, g or t"),
        Arg::new("recurse", Type::Bool, "Look in folders below, too").default("false"),
        Arg::new("depth", Type::Int, "How many levels with `recurse`"),
        Arg::new("hidden", Type::Bool, "Find names that begin with a dot, too").default("false"),
        Arg::new("follow", Type::Bool, "Look in folders that links lead to, too").default("false"),
        Arg::new("get_checksum", Type::Bool, "Tell the checksum of files").default("false"),
        Arg::new("checksum_algorithm", Type::Text, "How the checksum is made")
            .default("sha1")
            .choices(hashes::NAMES)
            .aliases(&["checksum", "checksum_algo"]),
        Arg::new("use_regex", Type::Bool, "`patterns` and `excludes` are regular expressions").default("false"),
        Arg::new("mode", Type::Mode, "Permission bits"),
        Arg::new("exact_mode", Type::Bool, "The mode is exactly that; otherwise one bit of it is enough").default("true"),
        Arg::new("encoding", Type::Text, "How the files are encoded that `contains` looks into: `utf-8` only"),
        Arg::new("limit", Type::Int, "Stop after so many"),
    ],
    free_form: None,
    any: false,
};

struct Find {
    paths: Vec<String>,
    recurse: bool,
    depth: Option<usize>,
    follow: bool,
    checksum: Option<&'static str>,
    limit: Option<usize>,
    filter: Filter,
}

type Halted<T> = std::result::Result<T, Halt>;

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let limit = args.int("limit");
    if let Some(limit) = limit.filter(|limit| *limit <= 0) {
        return Err(args.error("limit", format!("limit cannot be {limit} (use None for unlimited)")));
    }
    let algorithm = args.need("checksum_algorithm")?;
    Ok(Arc::new(Find {
        paths: args.texts("paths"),
        recurse: args.flag("recurse"),
        depth: args.int("depth").and_then(|depth| usize::try_from(depth).ok()).filter(|depth| *depth > 0),
        follow: args.flag("follow"),
        checksum: hashes::NAMES.iter().copied().find(|name| *name == algorithm).filter(|_| args.flag("get_checksum")),
        limit: limit.and_then(|limit| usize::try_from(limit).ok()),
        filter: Filter::new(args)?,
    }))
}

/// What was found so far.
#[derive(Default)]
struct Found {
    files: Vec<(Id, Map)>,
    examined: usize,
    skipped: Map,
    warnings: Vec<String>,
    full: bool,
}

impl Find {
    /// One level, or as many as are looked at and one more, which is counted, or all.
    fn look(&self, path: &str) -> Look {
        let depth = match (self.recurse, self.depth) {
            (false, _) => "1".to_string(),
            (true, Some(depth)) => (depth + 1).to_string(),
            (true, None) => "all".to_string(),
        };
        let look = Look::at(tree::KIND, normal(path)).with("depth", depth);
        if self.follow { look.with("follow", "yes") } else { look }
    }

    /// Goes through a folder as Python's `os.walk` does: files, then folders, then what is in them.
    fn walk(
        &self,
        root: &str,
        below: &str,
        levels: &BTreeMap<&str, Vec<&Value>>,
        now: i64,
        view: &View<'_>,
        found: &mut Found,
    ) -> Halted<()> {
        let (folders, files): (Vec<&Value>, Vec<&Value>) = levels
            .get(below)
            .into_iter()
            .flatten()
            .copied()
            .partition(|entry| text(entry, "kind") == "directory" || levels.contains_key(text(entry, "path")));
        found.examined += folders.len() + files.len();
        let depth = below.split('/').filter(|part| !part.is_empty()).count() + 1;
        let deeper = self.depth.is_none_or(|most| depth <= most);
        for entry in files.iter().chain(&folders).filter(|_| deeper) {
            let path = Id::new(path::KIND, normal(&join(root, text(entry, "path"))));
            if !self.filter.matches(base(text(entry, "path")), entry, now) {
                continue;
            }
            match self.filter.contents(&path, view)? {
                Ok(false) => continue,
                Ok(true) => found.files.push((path.clone(), filter::told(&path.name, entry))),
                Err(why) => {
                    found.warnings.push(format!("Skipped '{}' path due to this access issue: {why}", path.name));
                    found.skipped.insert(&*path.name, why);
                }
            }
            if self.limit == Some(found.files.len()) {
                found.full = true;
                return Ok(());
            }
        }
        for entry in folders.iter().filter(|_| self.recurse && deeper) {
            self.walk(root, text(entry, "path"), levels, now, view, found)?;
            if found.full {
                break;
            }
        }
        Ok(())
    }

    /// All whose contents decide and are not known yet are asked about together.
    fn ask(&self, root: &str, entries: &[Value], now: i64, view: &View<'_>) -> Halted<()> {
        let mut missing = vec![];
        for entry in entries.iter().filter(|_| self.filter.reads()) {
            let below = text(entry, "path");
            let id = Id::new(path::KIND, normal(&join(root, below)));
            let deep = below.split('/').count();
            let most = if self.recurse { self.depth } else { Some(1) };
            if most.is_some_and(|most| deep > most) || !self.filter.matches(base(below), entry, now) {
                continue;
            }
            // what may not be read is passed over
            let known = match contents_known(&id, view) {
                Err(Halt::Failed(_)) => true,
                other => other?,
            };
            if !known {
                missing.push(Look::of(id).with("contents", "whole"));
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(Halt::Ask(missing)) }
    }

    fn checksums(&self, found: &mut Found, view: &View<'_>) -> Halted<()> {
        let Some(algorithm) = self.checksum else { return Ok(()) };
        let mut missing = vec![];
        for (id, told) in found.files.iter_mut().filter(|(_, told)| told.get("isreg") == Some(&Value::Bool(true))) {
            let fields = if is_known(id, view)? { view.fields(id)? } else { None };
            let contents = fields.and_then(|fields| fields.get("contents")).and_then(Value::as_bytes);
            let known = contents.and_then(|bytes| hashes::hex(algorithm, bytes)).map(Value::text);
            let known = known.or_else(|| fields.and_then(|fields| fields.get(algorithm)).cloned());
            match (known, fields.is_some_and(|fields| !fields.contains_key("ctime"))) {
                (Some(checksum), _) => _ = told.insert("checksum", checksum),
                (None, false) => missing.push(Look::of(id.clone()).with("checksum", algorithm)),
                (None, true) => {
                    let why = Unknown { because: format!("the contents of {} are not known yet", id.name), span: None };
                    told.insert("checksum", Value::Unknown(Arc::new(why)));
                }
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(Halt::Ask(missing)) }
    }

    fn all(&self, view: &View<'_>) -> Halted<Found> {
        let mut found = Found::default();
        for root in &self.paths {
            let id = Id::new(tree::KIND, normal(root));
            let Some(fields) = view.fields(&id)? else {
                let why = format!("'{root}' is not a directory");
                found.warnings.push(format!("Skipped '{root}' path due to this access issue: {why}\n"));
                found.skipped.insert(root.as_str(), why);
                continue;
            };
            let list = |name: &str| fields.get(name).and_then(Value::as_list).unwrap_or_default();
            for said in list("denied").iter().filter_map(Value::as_str) {
                let path = said.trim_start_matches("find: ").rsplit_once(": ").map_or(said, |(path, _)| path);
                let path = path.trim_matches(['\'', '"', '‘', '’']);
                found.skipped.insert(path, format!("[Errno 13] Permission denied: '{path}'"));
            }
            let entries = list(if self.follow { "followed" } else { "entries" });
            let now = fields.get("now").and_then(Value::as_int).unwrap_or_default();
            self.ask(root, entries, now, view)?;
            let mut levels: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
            for entry in entries {
                let above = text(entry, "path").rsplit_once('/').map_or("", |(above, _)| above);
                levels.entry(above).or_default().push(entry);
            }
            self.walk(root, "", &levels, now, view, &mut found)?;
        }
        self.checksums(&mut found, view)?;
        Ok(found)
    }
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl Module for Find {
    fn looks(&self) -> Vec<Look> {
        self.paths.iter().map(|path| self.look(path)).collect()
    }

    fn want(&self, view: &View<'_>) -> Halted<Want> {
        if self.paths.iter().any(String::is_empty) {
            return Err(Halt::Failed(Diagnostic::error("a path to look in is empty")));
        }
        let found = self.all(view)?;
        let msg = match () {
            () if !found.warnings.is_empty() => "Not all paths examined, check warnings for details",
            () if found.full => "Limit of matches reached",
            () => "All paths examined",
        };
        let matched = found.files.len() as i64;
        let files: Vec<Value> = found.files.into_iter().map(|(_, told)| told.into()).collect();
        let mut result = Map::new();
        result.insert("files", files);
        result.insert("msg", msg);
        result.insert("matched", matched);
        result.insert("examined", found.examined as i64);
        result.insert("skipped_paths", found.skipped);
        Ok(Want { warnings: found.warnings, changed: Some(false), ..Want::result(result) })
    }
}
