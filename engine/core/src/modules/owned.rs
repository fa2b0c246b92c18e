//! What all modules that make paths have in common: owner, group and mode, and the results that tell of a path.

use std::sync::Arc;

use crate::resources::{path, user};
use crate::state::{Fields, Gap, Halt, Id, Look, Reply, View};
use crate::text::{Map, Result, Unknown, Value};

use super::args::{Arg, Args, Type, display};

pub const MODE: Arg = Arg::new("mode", Type::Mode, "Permission bits: \"0644\" (with quotes), or symbolic: u=rw,g=r,o=r");
pub const OWNER: Arg = Arg::new("owner", Type::Text, "Name or number of the user that owns it");
pub const GROUP: Arg = Arg::new("group", Type::Text, "Name or number of the group that owns it");
pub const UNSAFE_WRITES: Arg =
    Arg::new("unsafe_writes", Type::Bool, "Write in place where a rename is impossible (a file mounted into a container)").default("false");
pub const ATTRIBUTES: Arg = Arg::new("attributes", Type::Text, "Flags of the file system, as chattr has them").aliases(&["attr"]);
pub const SEUSER: Arg = Arg::new("seuser", Type::Text, "SELinux user");
pub const SEROLE: Arg = Arg::new("serole", Type::Text, "SELinux role");
pub const SETYPE: Arg = Arg::new("setype", Type::Text, "SELinux type");
pub const SELEVEL: Arg = Arg::new("selevel", Type::Text, "SELinux level");
pub const VALIDATE: Arg = Arg::new(
    "validate",
    Type::Text,
    "A command that must succeed on the new contents before they are put in place; `%s` stands for the file",
);
pub const BACKUP: Arg = Arg::new("backup", Type::Bool, "Keep the old file beside the new one, with the date in its name").default("false");

/// The arguments of a module that makes paths: its own, and those that all such modules have.
macro_rules! owned_args {
    ($($own:expr),* $(,)?) => {
        &[
            $($own,)*
            $crate::modules::owned::MODE,
            $crate::modules::owned::OWNER,
            $crate::modules::owned::GROUP,
            $crate::modules::owned::UNSAFE_WRITES,
            $crate::modules::owned::ATTRIBUTES,
            $crate::modules::owned::SEUSER,
            $crate::modules::owned::SEROLE,
            $crate::modules::owned::SETYPE,
            $crate::modules::owned::SELEVEL,
        ]
    };
}

/// The same of a module that writes contents.
macro_rules! contents_args {
    ($($own:expr),* $(,)?) => {
        $crate::modules::owned::owned_args![$($own,)* $crate::modules::owned::BACKUP, $crate::modules::owned::VALIDATE]
    };
}

pub(crate) use {contents_args, owned_args};

/// Owner, group and mode as a task wants them.
#[derive(Clone, Debug, Default)]
pub struct Owned {
    pub owner: Option<String>,
    pub group: Option<String>,
    pub mode: Option<Value>,
}

impl Owned {
    pub fn new(args: &Args) -> Result<Owned> {
        for name in ["attributes", "seuser", "serole", "setype", "selevel"] {
            if args.given(name) {
                return Err(args.error(name, format!("`{name}` is not supported yet")).hint("leave it out, or set it with a command"));
            }
        }
        let mode = args.value("mode").filter(|mode| mode.as_str() != Some("preserve"));
        if let Some(mode) = &mode {
            path::mode_bits(mode, 0, false).map_err(|why| args.error("mode", why))?;
        }
        Ok(Owned { owner: args.text("owner"), group: args.text("group"), mode })
    }

    /// What must be known of its user and group: that they are there. Modules ask it beside their paths.
    pub fn looks(&self) -> Vec<Look> {
        let named = |kind, name: &Option<String>| {
            name.as_ref().filter(|name| name.parse::<i64>().is_err()).map(|name| Look::at(kind, name.as_str()))
        };
        named(user::KIND, &self.owner).into_iter().chain(named(user::GROUP, &self.group)).collect()
    }

    /// An owner or group that is not there, and that no task before it brings, fails before anything is tried.
    fn known(&self, view: &View<'_>) -> std::result::Result<(), Halt> {
        for (look, what, verb) in
            self.looks().into_iter().map(|look| if look.id.kind == user::KIND { (look, "user", "chown") } else { (look, "group", "chgrp") })
        {
            if view.seen(&look.id) == Some(&None) && view.state(&look.id).is_ok() {
                let message = format!("{verb} failed: failed to look up {what} {}", look.id.name);
                return Err(Halt::Failed(
                    crate::text::Diagnostic::error(message).hint(format!("make it before, with the module `{what}`")),
                ));
            }
        }
        Ok(())
    }

    /// Adds what is wanted to the fields of a path.
    pub fn want(&self, id: &Id, view: &View<'_>, fields: &mut Fields) -> std::result::Result<(), Halt> {
        self.known(view)?;
        for (name, number, value) in [("owner", "uid", &self.owner), ("group", "gid", &self.group)] {
            match value.as_ref().map(|text| (text, text.parse::<i64>())) {
                Some((_, Ok(id))) => fields.insert(number.into(), Value::Int(id)),
                Some((text, Err(_))) => fields.insert(name.into(), Value::text(text.as_str())),
                None => None,
            };
        }
        if let Some(mode) = &self.mode {
            let bits = if symbolic(mode) {
                let now = view.field(id, "mode")?.and_then(Value::as_str).and_then(|text| i64::from_str_radix(text, 8).ok());
                let directory = fields.get("kind").or(view.field(id, "kind")?).and_then(Value::as_str) == Some("directory");
                path::mode_bits(mode, now.unwrap_or(if directory { 0o755 } else { 0o644 }), directory)
            } else {
                path::mode_bits(mode, 0, false)
            };
            let bits = bits.map_err(|why| Halt::Failed(crate::text::Diagnostic::error(why)))?;
            fields.insert("mode".into(), Value::text(format!("{bits:04o}")));
        }
        Ok(())
    }
}

fn symbolic(mode: &Value) -> bool {
    mode.as_str().is_some_and(|text| !text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The keys that Ansible's file modules return about a path.
pub fn describe(state: Option<&Fields>, result: &mut Map) {
    let Some(fields) = state else { return };
    for key in ["uid", "gid", "size"] {
        if let Some(value) = fields.get(key) {
            result.insert(key, value.clone());
        }
    }
    for (key, number) in [("owner", "uid"), ("group", "gid")] {
        // who has no name is known by the number
        let name = fields.get(key).filter(|name| name.truthy()).cloned();
        if let Some(name) = name.or_else(|| fields.get(number).map(|id| Value::text(display(id)))) {
            result.insert(key, name);
        }
    }
    if let Some(mode) = fields.get("mode").and_then(Value::as_str) {
        let bits = i64::from_str_radix(mode, 8).unwrap_or_default();
        result.insert("mode", format!("0{bits:03o}"));
    }
    if let Some(kind) = fields.get("kind").and_then(Value::as_str) {
        let links = fields.get("links").and_then(Value::as_int).unwrap_or(1);
        result.insert(
            "state",
            match kind {
                "link" | "directory" => kind,
                _ if links > 1 => "hard",
                _ => "file",
            },
        );
    }
    if let Some(Value::Contents(contents)) = fields.get("contents") {
        result.insert("size", contents.size as i64);
    }
}

/// What `copy` and `template` return where the new contents of a file were refused.
pub fn refused_contents(gap: &Gap, reply: &Reply) -> Map {
    let mut result = Map::new();
    let Some((out, err)) = path::invalid(reply) else { return result };
    result.insert("msg", "failed to validate");
    result.insert("exit_status", i64::from(reply.code));
    result.insert("stdout", out);
    result.insert("stderr", err);
    if let Some(Value::Contents(contents)) = gap.wanted("contents")
        && let Some(bytes) = contents.here().and_then(Value::as_bytes)
    {
        result.insert("checksum", super::hashes::hex("sha1", bytes));
    }
    result
}

/// The same of the modules that edit a file in place.
pub fn refused_edit(reply: &Reply) -> Map {
    let message = |(_, err): (String, String)| format!("failed to validate: rc:{} error:{err}", reply.code);
    path::invalid(reply).map(message).map(|text| ("msg".into(), Value::text(text))).into_iter().collect()
}

/// Where the old contents go: the path, a number made of them, and the date on the host, as Ansible's names look.
pub fn backup_name(shown: &str, id: &Id, view: &View<'_>) -> Option<String> {
    let fields = view.seen(id)?.as_ref()?;
    let Some(Value::Contents(contents)) = fields.get("contents") else { return None };
    let number = u32::from_str_radix(contents.sha256.get(..8)?, 16).ok()?;
    let date = fields.get("stamp").and_then(Value::as_str).map(|date| format!(".{date}")).unwrap_or_default();
    Some(format!("{shown}.{number}{date}~"))
}

/// Whether it is known how a path is, since all that may have changed it. Errors: the host could not say, or a task
/// before may change it.
pub fn is_known(id: &Id, view: &View<'_>) -> std::result::Result<bool, Halt> {
    Ok(view.answers(&Look::of(id.clone())) && view.state(id).map(|_| true)?)
}

/// Whether it is known what a path holds, too, so that it can be compared.
pub fn contents_known(id: &Id, view: &View<'_>) -> std::result::Result<bool, Halt> {
    if !is_known(id, view)? {
        return Ok(false);
    }
    let Some(fields) = view.fields(id)? else { return Ok(true) };
    if fields.get("kind").and_then(Value::as_str) != Some("file") || fields.contains_key("contents") {
        return Ok(true);
    }
    match fields.contains_key("ctime") {
        // it was seen, and not asked for its contents
        true => Ok(false),
        false => Err(Halt::Unknown(Arc::new(Unknown { because: format!("the contents of {} are not known yet", id.name), span: None }))),
    }
}

/// A look at a path for its contents: whole where they are small, by hash where they are `sha256` already.
pub fn look_unless(path: &str, sha256: &str) -> Look {
    Look::at(path::KIND, path).with("unless", sha256.to_string())
}

/// The name of a group that is there or will be; a number that no group has stands for itself. `None` where there is none.
pub fn known_group(group: &str, view: &View<'_>) -> std::result::Result<Option<String>, Halt> {
    let id = Id::new(user::GROUP, group);
    let number = group.bytes().all(|byte| byte.is_ascii_digit());
    Ok(match view.likely(&id)? {
        Some(fields) => Some(fields.get("name").and_then(Value::as_str).unwrap_or(group).to_string()),
        None => {
            view.state(&id)?;
            number.then(|| group.to_string())
        }
    })
}
