//! A path of a host: file, directory, link or device, with owner, mode and contents.
//!
//! Fields: `kind` (file, directory, link, fifo, socket, char, block), `mode` (`0644`), `owner`, `group` (names), `uid`,
//! `gid`, `size` (bytes), `contents`, `target` (of a link), `real` (where a link leads in the end), `mtime`, `atime`,
//! `ctime` (seconds since 1970), `inode`, `device`, `links`.
//!
//! A look may ask for more: `contents` `whole`, or its hash and, `unless` that is the one given, the contents where they
//! are small; `checksum` by `sha1`, `md5` and so on; `access`: `access_r`, `access_w`, `access_x` where the asker has it;
//! `more`: `mime` (`mimetype`, `charset`), `attributes` (with `version`); `stamp`: the host's date for names of backups;
//! `time` `2026-01-31 12:00:00`: `time 2026-…` holds the seconds since 1970 that this is on the host.
//!
//! How to mend: `backup` (where the old contents go), `validate`, `unsafe_writes`, `hard` (the path that it is a link to),
//! `from` (a path of the host that holds the contents).

mod ask;
mod fix;
mod mode;
mod read;
#[cfg(test)]
mod tests;

pub(super) use ask::FORMAT;
pub use mode::mode_bits;
pub(super) use read::{fields, same, words};

use crate::resources::{crontab, facts, sources, unit};
use crate::state::{Answer, Gap, Id, Kind, KindName, Look, Reach, Reading, Refusal, Reply, Script, State, View};
use crate::text::Value;

pub const KIND: KindName = "path";

/// Old contents are fetched for a diff up to this many bytes, and as a whole for a module that edits them.
pub const SMALL: u64 = 256 << 10;
pub const WHOLE: u64 = 16 << 20;

/// The last line of a fix whose new contents did not please their validation.
pub const INVALID: &str = "failed to validate the new contents";

pub struct Path;

impl Kind for Path {
    fn name(&self) -> KindName {
        KIND
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        ask::script(looks).into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        read::reading(look, &answer.reply())
    }

    fn fix(&self, gaps: &[&Gap]) -> Script {
        fix::script(gaps)
    }

    /// What is written beside and renamed, made or removed takes the folder that it is in.
    fn rights(&self, gap: &Gap) -> Vec<Look> {
        if takes_folder(gap) { vec![writing(parent(&gap.id.name))] } else { vec![] }
    }

    fn complaint(&self, reply: &Reply) -> String {
        let said = [&reply.out[..], &reply.err[..]].concat();
        String::from_utf8_lossy(&said).trim().to_string()
    }

    fn refusal(&self, gap: &Gap, view: &View<'_>) -> Option<Refusal> {
        let folder = parent(&gap.id.name);
        let no_folder = gap.creates() && view.observed(&Id::new(KIND, folder)) == Some(&None);
        if no_folder {
            return Some(Refusal::Surely(format!("there is no folder {folder}")));
        }
        if let Some(refusal) = takes_folder(gap).then(|| unwritable(folder, view)).flatten() {
            return Some(refusal);
        }
        let command = gap.how.get("validate")?.as_str()?;
        gap.change("contents").map(|_| Refusal::Maybe(format!("`{command}` judges the new contents when they are written")))
    }

    /// The trees that it stands in, and its own; a package file tells which package is in it, a file of systemd makes a unit.
    fn reach(&self, gap: &Gap) -> Reach {
        let above = ancestors(&gap.id.name).into_iter().chain([gap.id.name.to_string(), "/".to_string()]);
        let mut things: Vec<Id> = above.map(|path| Id::new(super::tree::KIND, path)).collect();
        if gap.id.name.ends_with(".deb") {
            things.push(Id::new("deb", gap.id.name.clone()));
        }
        things.extend(unit::of_file(&gap.id.name));
        things.extend(sources::of_file(&gap.id.name));
        things.extend(crontab::of_file(&gap.id.name));
        things.extend(facts::of_file(&gap.id.name));
        let file = Reach::Things(things);
        let mut all = vec![];
        if gap.now.is_none() || gap.then.is_none() {
            all.push(Reach::Matched(super::glob::KIND, gap.id.name.to_string()));
        }
        if gap.id.name.strip_prefix("/etc/").is_some_and(|file| NAMES.contains(&file)) {
            all.push(Reach::Kinds(&[super::getent::KIND]));
        }
        if all.is_empty() { file } else { Reach::Any([vec![file], all].concat()) }
    }

    /// A link leads where it is to lead, whatever it led to before.
    fn after(&self, gap: &Gap) -> State {
        let mut state = gap.closed();
        if let Some(fields) = &mut state
            && gap.change("target").or(gap.change("kind")).is_some()
        {
            fields.remove("real");
            if let Some(target) = fields.get("target").and_then(Value::as_str).filter(|_| kind_of(gap) == Some("link")) {
                fields.insert("real".into(), Value::text(joined(parent(&gap.id.name), target)));
            }
        }
        state
    }

    /// An owner or a mode decides what others see, also of what is in a folder.
    fn veils(&self, gap: &Gap) -> Reach {
        let rights = ["mode", "owner", "group", "uid", "gid"].iter().any(|field| gap.change(field).is_some());
        match rights && gap.now.is_some() && gap.then.is_some() {
            true => Reach::Below(&[KIND, super::tree::KIND], vec![gap.id.name.to_string()]),
            false => Reach::Nothing,
        }
    }
}

/// Files that name services answer from.
const NAMES: [&str; 9] = ["aliases", "ethers", "group", "hosts", "networks", "nsswitch.conf", "passwd", "protocols", "services"];

fn kind_of(gap: &Gap) -> Option<&str> {
    gap.wanted("kind").or(gap.had("kind"))?.as_str()
}

/// Where a link in a folder leads.
fn joined(folder: &str, target: &str) -> String {
    if target.starts_with('/') {
        return normal(target);
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn takes_folder(gap: &Gap) -> bool {
    let moves = gap.change("contents").or(gap.change("kind")).or(gap.change("target")).is_some();
    (gap.now.is_none() || gap.then.is_none() || moves) && !gap.how.contains_key("unsafe_writes")
}

/// Asks whether the asker may write a path.
pub(super) fn writing(path: &str) -> Look {
    Look::at(KIND, path).with("access", "w")
}

/// That the asker may not write a path, as far as nothing before it changes that.
pub(super) fn unwritable(path: &str, view: &View<'_>) -> Option<Refusal> {
    let id = Id::new(KIND, path);
    let fields = view.seen(&id)?.as_ref()?;
    let denied = fields.contains_key("access") && !fields.contains_key("access_w");
    let why = format!("this user may not write {path}: permission denied");
    denied.then(|| if view.observed(&id).is_some() { Refusal::Surely(why) } else { Refusal::Maybe(why) })
}

/// What a validation that failed printed on stdout and stderr; `None` where something else failed.
pub fn invalid(reply: &Reply) -> Option<(String, String)> {
    let err = String::from_utf8_lossy(&reply.err);
    let err = err.trim_end_matches('\n').strip_suffix(INVALID)?;
    Some((String::from_utf8_lossy(&reply.out).into_owned(), err.to_string()))
}

/// A path without `.`, doubled and trailing slashes; `..` stays, as links may stand before it.
pub fn normal(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if path.starts_with('/') { format!("/{}", parts.join("/")) } else { parts.join("/") }
}

/// The folder that a path stands in.
pub fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) => "/",
        Some(at) => &path[..at],
        None => ".",
    }
}

/// The last part of a path.
pub fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The folders above a path, from the root down, without the root, a home folder and the folder that relative paths begin in.
pub fn ancestors(path: &str) -> Vec<String> {
    let mut all = vec![];
    let mut at = parent(path);
    let is_home = |path: &str| path.starts_with('~') && !path.contains('/');
    while !matches!(at, "/" | ".") && !is_home(at) {
        all.push(at.to_string());
        at = parent(at);
    }
    all.reverse();
    all
}
