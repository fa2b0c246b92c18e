//! `stat`: what a path is, and all that stat(2) tells of it.

use std::sync::Arc;

use crate::resources::path::{self, normal};
use crate::state::{Fields, Halt, Id, Look, View};
use crate::text::{Map, Result, Unknown, Value};

use super::{Arg, Args, Entry, Module, Spec, Type, Want, hashes};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "stat",
    collection: "ansible.builtin",
    about: "Tell what a path is",
    args: &[
        Arg::new("path", Type::Path, "The path").required().aliases(&["dest", "name"]),
        Arg::new("follow", Type::Bool, "Tell of what a link leads to").default("false"),
        Arg::new("get_checksum", Type::Bool, "Tell the checksum of a file").default("true"),
        Arg::new("checksum_algorithm", Type::Text, "How the checksum is made")
            .default("sha1")
            .choices(hashes::NAMES)
            .aliases(&["checksum", "checksum_algo"]),
        Arg::new("get_mime", Type::Bool, "Tell what file(1) says of it").default("true").aliases(&["mime", "mime_type", "mime-type"]),
        Arg::new("get_attributes", Type::Bool, "Tell what lsattr(1) says of it").default("true").aliases(&["attr", "attributes"]),
    ],
    free_form: None,
    any: false,
};

struct Stat {
    path: String,
    follow: bool,
    /// The algorithm, where a checksum is wanted.
    checksum: Option<&'static str>,
    mime: bool,
    attributes: bool,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let algorithm = args.need("checksum_algorithm")?;
    Ok(Arc::new(Stat {
        path: args.need("path")?,
        follow: args.flag("follow"),
        checksum: hashes::NAMES.iter().copied().find(|name| *name == algorithm).filter(|_| args.flag("get_checksum")),
        mime: args.flag("get_mime"),
        attributes: args.flag("get_attributes"),
    }))
}

impl Module for Stat {
    fn looks(&self) -> Vec<Look> {
        let mut look = Look::at(path::KIND, normal(&self.path)).with("access", "rwx");
        if let Some(algorithm) = self.checksum {
            look = look.with("checksum", algorithm);
        }
        for (wanted, word) in [(self.mime, "mime"), (self.attributes, "attributes")] {
            if wanted {
                look = look.with("more", word);
            }
        }
        vec![look]
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut id = Id::new(path::KIND, normal(&self.path));
        let mut own = view.fields(&id)?;
        let link = own.is_some_and(|fields| fields.get("kind").and_then(Value::as_str) == Some("link"));
        if self.follow && link {
            own = match view.field(&id, "real")?.and_then(Value::as_str) {
                Some(real) => {
                    id = Id::new(path::KIND, normal(real));
                    view.fields(&id)?
                }
                None => None,
            };
        }
        let mut stat = Map::new();
        stat.insert("exists", own.is_some());
        if let Some(fields) = own {
            self.describe(fields, view, &mut stat)?;
        }
        let mut result = Map::new();
        result.insert("stat", stat);
        Ok(Want { changed: Some(false), ..Want::result(result) })
    }
}

impl Stat {
    /// What a path that a task would make will have, and nobody can say yet.
    fn unknown(&self) -> Value {
        Value::Unknown(Arc::new(Unknown { because: format!("{} is made only then", self.path), span: None }))
    }

    fn describe(&self, fields: &Fields, view: &View<'_>, stat: &mut Map) -> std::result::Result<(), Halt> {
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let kind = text("kind").unwrap_or("file");
        stat.insert("path", self.path.as_str());
        bits(text("mode").unwrap_or("0644"), stat);
        for (key, of) in KINDS {
            stat.insert(*key, kind == *of);
        }
        for (key, field) in NUMBERS {
            stat.insert(*key, fields.get(*field).cloned().unwrap_or_else(|| self.unknown()));
        }
        // a prediction says what will be in it, and nothing of the size
        if let Some(Value::Contents(contents)) = fields.get("contents") {
            stat.insert("size", contents.size as i64);
        }
        for key in ["atime", "mtime", "ctime"] {
            let seconds = fields.get(key).and_then(Value::as_int).map(|seconds| Value::Float(seconds as f64));
            stat.insert(key, seconds.unwrap_or_else(|| self.unknown()));
        }
        for (key, field) in [("pw_name", "owner"), ("gr_name", "group")] {
            if let Some(name) = text(field).filter(|name| !name.is_empty()) {
                stat.insert(key, name);
            }
        }
        let own = view.fields(&Id::new(path::KIND, normal(&self.path)))?;
        self.about_path(own.unwrap_or(fields), kind, stat);
        if kind == "file" && stat.get("readable") == Some(&Value::Bool(true)) {
            self.checksum(fields, own.unwrap_or(fields), stat);
        }
        Ok(())
    }

    /// What is told of the path itself, also where a link is followed.
    fn about_path(&self, own: &Fields, kind: &str, stat: &mut Map) {
        // a path that a task makes can be read by who makes it
        let known = own.contains_key("access");
        for (key, field) in [("readable", "access_r"), ("writeable", "access_w"), ("executable", "access_x")] {
            let predicted = key != "executable" || kind == "directory" || stat.get("xusr") == Some(&Value::Bool(true));
            stat.insert(key, if known { own.contains_key(field) } else { predicted });
        }
        if kind == "link" {
            let target = own.get("target").cloned();
            stat.insert("lnk_source", own.get("real").cloned().or_else(|| target.as_ref().map(|target| leads(&self.path, target))));
            stat.insert("lnk_target", target);
        }
        if self.mime {
            stat.insert("mimetype", own.get("mimetype").cloned().unwrap_or_else(|| Value::text("unknown")));
            stat.insert("charset", own.get("charset").cloned().unwrap_or_else(|| Value::text("unknown")));
        }
        if self.attributes {
            let flags = own.get("attributes").and_then(Value::as_str).unwrap_or_default();
            stat.insert("version", own.get("version").cloned());
            stat.insert("attr_flags", flags);
            stat.insert("attributes", flags.chars().filter_map(|flag| Some(Value::text(attribute(flag)?))).collect::<Vec<_>>());
        }
    }

    fn checksum(&self, fields: &Fields, own: &Fields, stat: &mut Map) {
        let Some(algorithm) = self.checksum else { return };
        let contents = match fields.get("contents") {
            Some(Value::Contents(contents)) => contents.here().and_then(Value::as_bytes),
            _ => None,
        };
        let checksum = contents.and_then(|bytes| hashes::hex(algorithm, bytes)).map(Value::text);
        if let Some(checksum) = checksum.or_else(|| fields.get(algorithm).or(own.get(algorithm)).cloned()) {
            stat.insert("checksum", checksum);
        }
    }
}

const KINDS: &[(&str, &str)] = &[
    ("isdir", "directory"),
    ("ischr", "char"),
    ("isblk", "block"),
    ("isreg", "file"),
    ("isfifo", "fifo"),
    ("islnk", "link"),
    ("issock", "socket"),
];

const NUMBERS: &[(&str, &str)] = &[
    ("uid", "uid"),
    ("gid", "gid"),
    ("size", "size"),
    ("inode", "inode"),
    ("dev", "device"),
    ("nlink", "links"),
    ("blocks", "blocks"),
    ("block_size", "block_size"),
    ("device_type", "device_type"),
];

fn bits(mode: &str, stat: &mut Map) {
    let bits = i64::from_str_radix(mode, 8).unwrap_or_default();
    stat.insert("mode", mode);
    for (key, bit) in [
        ("rusr", 0o400),
        ("wusr", 0o200),
        ("xusr", 0o100),
        ("rgrp", 0o040),
        ("wgrp", 0o020),
        ("xgrp", 0o010),
        ("roth", 0o004),
        ("woth", 0o002),
        ("xoth", 0o001),
        ("isuid", 0o4000),
        ("isgid", 0o2000),
    ] {
        stat.insert(key, bits & bit != 0);
    }
}

/// Where a link leads, seen from where it stands; exact unless links stand on the way.
fn leads(path: &str, target: &Value) -> Value {
    let target = target.as_str().unwrap_or_default();
    let whole = if target.starts_with('/') { target.to_string() } else { format!("{}/{target}", path::parent(path)) };
    let mut parts: Vec<&str> = vec![];
    for part in whole.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    Value::text(format!("/{}", parts.join("/")))
}

/// What a letter of lsattr(1) means, in Ansible's words.
fn attribute(flag: char) -> Option<&'static str> {
    Some(match flag {
        'A' => "noatime",
        'a' => "append",
        'c' => "compressed",
        'C' => "nocow",
        'd' => "nodump",
        'D' => "dirsync",
        'e' => "extents",
        'E' => "encrypted",
        'h' => "blocksize",
        'i' => "immutable",
        'I' => "indexed",
        'j' => "journalled",
        'N' => "inline",
        's' => "zero",
        'S' => "synchronous",
        't' => "notail",
        'T' => "blockroot",
        'u' => "undelete",
        'X' => "compressedraw",
        'Z' => "compresseddirty",
        _ => return None,
    })
}
