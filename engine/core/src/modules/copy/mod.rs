//! `copy`: contents, or a file or folder of the control node, to a path of the host.

mod remote;
mod tree;

use std::sync::Arc;

use crate::text::{Contents, Result, Value};

use super::placed::Placed;
use super::{Arg, Args, Entry, Module, Spec, Type, hashes, owned};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "copy",
    collection: "ansible.builtin",
    about: "Copy a file, a folder or a text to a host",
    args: owned::contents_args![
        Arg::new("src", Type::File, "File or folder on the control node; a folder that ends with `/` is copied by its contents"),
        Arg::new("content", Type::Any, "The text itself, instead of `src`").waits(),
        Arg::new("dest", Type::Path, "Where it is to be; ends with `/` where it is a folder").required(),
        Arg::new("force", Type::Bool, "Replace a file that differs; otherwise only make it where it is not")
            .default("true")
            .aliases(&["thirsty"]),
        Arg::new("remote_src", Type::Bool, "`src` is a path on the host").default("false"),
        Arg::new("directory_mode", Type::Mode, "Permission bits of folders that are made on the way"),
        Arg::new("local_follow", Type::Bool, "Follow links on the control node").default("true"),
        Arg::new("follow", Type::Bool, "Write through a link on the host").default("false"),
        Arg::new("checksum", Type::Text, "SHA-1 that the contents must have"),
        Arg::new("decrypt", Type::Bool, "Decrypt a vault file").default("true"),
    ],
    free_form: None,
    any: false,
};

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    args.exclusive(&["src", "content"])?;
    args.one_of(&["src", "content"])?;
    if args.given("src") && args.flag("remote_src") {
        return remote::make(args);
    }
    let placed = match args.value("content") {
        Some(_) if args.need("dest")?.ends_with('/') => return Err(args.error("dest", "can not use content with a dir as dest")),
        Some(content) => Placed::new(args, text(&content)?)?,
        None => match args.value("src") {
            Some(Value::Map(file)) if file.get("contents").is_some() => Placed::of_file(args, &file)?,
            Some(Value::Map(folder)) if args.flag("local_follow") => return tree::make(args, &folder),
            Some(Value::Map(_)) => {
                return Err(args
                    .error("local_follow", "a folder is copied with what its links lead to; `local_follow: false` is not supported yet"));
            }
            _ => return Err(args.error("src", "`src` must name a file or a folder")),
        },
    };
    checksum(args, &placed)?;
    Ok(Arc::new(placed))
}

/// `content` as contents: mappings and lists as JSON.
fn text(content: &Value) -> Result<Value> {
    if let Some(cause) = content.unknown() {
        return Ok(Value::Unknown(cause.clone()));
    }
    let text = match content.plain() {
        Value::Map(_) | Value::List(_) => Value::text(crate::text::json::python(content)?).marked(content.marks()),
        Value::Bytes(_) => content.clone(),
        _ => Value::text(super::display(content)).marked(content.marks()),
    };
    Ok(Contents::of(text).into())
}

/// The contents must be the ones that the task means.
fn checksum(args: &Args, placed: &Placed) -> Result<()> {
    let Some(wanted) = args.text("checksum") else { return Ok(()) };
    let Value::Contents(contents) = &placed.contents else { return Ok(()) };
    match contents.here().and_then(Value::as_bytes).and_then(|bytes| hashes::hex("sha1", bytes)) {
        Some(found) if found == wanted.to_lowercase() => Ok(()),
        Some(found) => Err(args.error(
            "checksum",
            format!("Copied file does not match the expected checksum. Transfer failed. The contents have {found}, not {wanted}"),
        )),
        None => Err(args.error("checksum", "`checksum` of a file that is too large to be read is not supported")),
    }
}
