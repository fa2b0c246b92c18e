//! `fetch`: a file of the host, to the control node.

use std::sync::Arc;

use crate::resources::path::{self, base, normal};
use crate::state::{Halt, Look, View};
use crate::text::{Map, Result, Value};

use super::slurp::{Refused, contents};
use super::{Arg, Args, Effect, Entry, Module, Spec, Type, Want, hashes};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "fetch",
    collection: "ansible.builtin",
    about: "Copy a file of a host to the control node",
    args: &[
        Arg::new("src", Type::Path, "The file on the host").required(),
        Arg::new("dest", Type::Kept, "The folder on the control node; the file goes to `dest/HOST/src`").required(),
        Arg::new("flat", Type::Bool, "`dest` is the file itself or, where it ends with `/`, the folder that it goes into").default("false"),
        Arg::new("fail_on_missing", Type::Bool, "Fail where the file is not there").default("true"),
        Arg::new("validate_checksum", Type::Bool, "Compare the hash afterwards; contents always come with theirs").default("true"),
    ],
    free_form: None,
    any: false,
};

struct Fetch {
    source: String,
    dest: String,
    must: bool,
    warnings: Vec<String>,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let source = args.need("src")?;
    if source.starts_with('~') {
        return Err(args.error("src", "`src` with `~` is not supported yet").hint("write the whole path"));
    }
    let given = args.value("dest");
    let place = given.as_ref().and_then(Value::as_map).ok_or_else(|| args.error("dest", "`dest` must name a place of the control node"))?;
    let text = |key: &str| place.get(key).and_then(Value::as_str).unwrap_or_default();
    let dest = match (args.flag("flat"), text("name").ends_with('/')) {
        (false, _) => format!("{}/{}/{source}", text("path"), text("host")),
        (true, true) => format!("{}/{}", text("path"), base(&source)),
        (true, false) if place.get("folder").is_some_and(Value::truthy) => {
            return Err(
                args.error("dest", "dest is an existing directory, use a trailing slash if you want to fetch src into that directory")
            );
        }
        (true, false) => text("path").to_string(),
    };
    let unchecked = args.given("validate_checksum") && !args.flag("validate_checksum");
    let warning = "`validate_checksum: false` changes nothing: contents always come with their hash";
    let warnings = unchecked.then(|| warning.to_string()).into_iter().collect();
    Ok(Arc::new(Fetch { source, dest: plain(&dest), must: args.flag("fail_on_missing"), warnings }))
}

/// Without `.` and `..`, as Python's `normpath`.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

impl Fetch {
    fn refused(&self, why: &Refused) -> Want {
        let message = match (why, self.must) {
            (Refused::Missing, _) => "the remote file does not exist, not transferring, ignored",
            (Refused::Folder, true) => "remote file is a directory, fetch cannot work on directories",
            (Refused::Folder, false) => "remote file is a directory, fetch cannot work on directories, not transferring, ignored",
            (Refused::Other(why), _) => why,
        };
        if self.must || matches!(why, Refused::Other(_)) {
            return Want::failed(message);
        }
        Want::result(Map::from_iter([("msg".into(), Value::text(message)), ("file".into(), Value::text(self.source.as_str()))]))
    }
}

impl Module for Fetch {
    fn looks(&self) -> Vec<Look> {
        vec![Look::at(path::KIND, normal(&self.source)).with("contents", "whole")]
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let value = match contents(&self.source, view)? {
            Ok(value) => value,
            Err(why) => return Ok(self.refused(&why)),
        };
        let bytes = value.as_bytes().unwrap_or_default();
        let (sha1, md5) = (hashes::hex("sha1", bytes), hashes::hex("md5", bytes));
        let result = Map::from_iter([
            ("dest".into(), Value::text(self.dest.as_str())),
            ("file".into(), Value::text(self.source.as_str())),
            ("checksum".into(), sha1.clone().into()),
            ("remote_checksum".into(), sha1.into()),
            ("md5sum".into(), md5.into()),
            ("remote_md5sum".into(), Value::Null),
        ]);
        let keep = Effect::Keep { path: self.dest.clone(), contents: value.clone() };
        Ok(Want { result, warnings: self.warnings.clone(), ..Want::effect(keep) })
    }
}
