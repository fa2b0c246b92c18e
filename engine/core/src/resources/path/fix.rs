//! Mending paths: contents are written beside and renamed, with owner and mode set before anybody else could read them.
//!
//! Cut at any point, a path is as it was or as it is to be; where owner or mode differ in between, they are tighter.

use crate::resources::sh;
use crate::state::{Fields, Gap, Script, Shell, State, Upload};
use crate::text::{Contents, Value};

use super::{base, parent};

/// Contents over this size do not stand in the script.
const INLINE: u64 = 512 << 10;

pub(super) fn script(gaps: &[&Gap]) -> Script {
    let mut shell = Shell::default();
    for gap in gaps {
        mend(gap, &mut shell);
    }
    Script::Shell(shell)
}

fn mend(gap: &Gap, shell: &mut Shell) {
    let path = sh::path(&gap.id.name);
    let Some(then) = &gap.then else {
        let recursive = text(&gap.now, "kind") == Some("directory");
        shell.text += &format!("rm -{}f {path} || exit\n", if recursive { "r" } else { "" });
        return;
    };
    let had = text(&gap.now, "kind");
    let kind = text(&gap.then, "kind").or(had).unwrap_or("file");
    if had == Some("directory") && kind != "directory" {
        // only an empty folder makes room
        shell.text += &format!("rmdir {path} || exit\n");
    }
    match kind {
        "directory" if gap.change("kind").is_some() => directory(then, &path, had.is_some(), shell),
        "link" => link(gap, then, shell),
        "file" if hard(gap, shell) => {}
        "file" => file(gap, then, shell),
        _ => own(gap, &path, shell),
    }
    times(gap, &path, shell);
}

fn text<'a>(state: &'a State, field: &str) -> Option<&'a str> {
    state.as_ref()?.get(field)?.as_str()
}

/// The fields that differ.
fn changed(gap: &Gap) -> Fields {
    gap.changes.iter().filter_map(|change| Some((change.field.clone(), change.then.clone()?))).collect()
}

/// A new folder: with the wanted mode from the begin, or with none for others until it has its owner.
fn directory(then: &Fields, path: &str, instead: bool, shell: &mut Shell) {
    if instead {
        shell.text += &format!("rm -f {path} || exit\n");
    }
    let (owner, mode) = (owner(then), then.get("mode").and_then(Value::as_str));
    let first = mode.map(|mode| if owner.is_empty() { mode } else { "0700" });
    shell.text += &format!("mkdir {}{path} || exit\n", first.map(|mode| format!("-m {mode} ")).unwrap_or_default());
    if !owner.is_empty() {
        shell.text += &format!("chown {} {path} || exit\n", sh::quote(&owner));
        shell.text += &mode.map(|mode| format!("chmod {mode} {path} || exit\n")).unwrap_or_default();
    }
}

/// A hard link to `how.hard`; owner and mode are those of all its names.
fn hard(gap: &Gap, shell: &mut Shell) -> bool {
    let Some(source) = gap.how.get("hard").and_then(Value::as_str) else { return false };
    if gap.change("inode").or(gap.change("kind")).is_none() {
        return false;
    }
    let beside = sh::path(&temporary(&gap.id.name, "hard"));
    shell.text += &format!("rm -f {beside}; ln {} {beside} && {} || exit\n", sh::path(source), put(gap, &beside));
    own(gap, &sh::path(&gap.id.name), shell);
    true
}

fn link(gap: &Gap, then: &Fields, shell: &mut Shell) {
    let path = sh::path(&gap.id.name);
    let leads = gap.change("target").or(gap.change("kind")).is_some();
    if let Some(target) = then.get("target").and_then(Value::as_str).filter(|_| leads) {
        let beside = sh::path(&temporary(&gap.id.name, "link"));
        let owner = owner(then);
        let own = if owner.is_empty() { String::new() } else { format!(" && chown -h {} {beside}", sh::quote(&owner)) };
        shell.text += &format!(
            "rm -f {beside}; ln -s -- {} {beside}{own} && {} || {{ rm -f {beside}; exit 1; }}\n",
            sh::quote(target),
            put(gap, &beside)
        );
        return;
    }
    let owner = owner(&changed(gap));
    if !owner.is_empty() {
        shell.text += &format!("chown -h {} {path} || exit\n", sh::quote(&owner));
    }
}

fn file(gap: &Gap, then: &Fields, shell: &mut Shell) {
    let path = sh::path(&gap.id.name);
    let new = gap.now.is_none() || gap.change("kind").is_some();
    let contents = match (gap.change("contents").and_then(|change| change.then.as_ref()), new) {
        (Some(Value::Contents(contents)), _) => contents.clone(),
        (None, true) => match then.get("contents") {
            Some(Value::Contents(contents)) => contents.clone(),
            _ => Contents::of(Value::text("")).into(),
        },
        _ => return own(gap, &path, shell),
    };
    if let Some(backup) = gap.how.get("backup").and_then(Value::as_str).filter(|_| gap.now.is_some()) {
        let (to, beside) = (sh::path(backup), sh::path(&temporary(backup, "old")));
        shell.text += &format!("cp -p {path} {beside} && mv -fT {beside} {to} || {{ rm -f {beside}; exit 1; }}\n");
    }
    let beside = sh::path(&temporary(&gap.id.name, &contents.sha256[..8]));
    let fail = format!("{{ rm -f {beside}; exit 1; }}");
    begin(&path, &beside, new, shell);
    let owner = owner(&if new { then.clone() } else { changed(gap) });
    if !owner.is_empty() {
        shell.text += &format!("chown {} {beside} || {fail}\n", sh::quote(&owner));
    }
    fill(gap, &contents, &beside, shell);
    let mode = then.get("mode").or(gap.had("mode").filter(|_| !new)).and_then(Value::as_str);
    match mode {
        Some(mode) => shell.text += &format!("chmod {mode} {beside} || {fail}\n"),
        // what the user's umask leaves
        None => shell.text += &format!("chmod \"$(printf %o $((0666 & ~0$(umask))))\" {beside} || {fail}\n"),
    }
    if let Some(validate) = gap.how.get("validate").and_then(Value::as_str) {
        let command = validate.replace("%s", &beside);
        shell.text += &format!("( {command} ) || {{ c=$?; rm -f {beside}; echo '{}' >&2; exit \"$c\"; }}\n", super::INVALID);
    }
    let inside = match gap.how.get("unsafe_writes").is_some_and(Value::truthy) {
        true => format!("{{ cat {beside} >{path} && rm -f {beside}; }} || "),
        false => String::new(),
    };
    shell.text += &format!("sync {beside} 2>/dev/null; {} || {inside}{fail}\n", put(gap, &beside));
}

/// The new one takes the place of the old one. BusyBox will not rename onto a link that leads to a folder.
fn put(gap: &Gap, beside: &str) -> String {
    let path = sh::path(&gap.id.name);
    match text(&gap.now, "kind") {
        Some("link") => format!(
            "if [ -d {path} ]; then mv -fT {beside} {path} 2>/dev/null || {{ rm -f {path} && mv -fT {beside} {path}; }}; else mv -fT {beside} {path}; fi"
        ),
        _ => format!("mv -fT {beside} {path}"),
    }
}

/// A new file beside the old one, which nobody else can read yet. Where the old one stays in all but its contents, the
/// new one begins as its copy: owner, ACLs, attributes and labels are kept.
fn begin(path: &str, beside: &str, new: bool, shell: &mut Shell) {
    let fail = format!("{{ rm -f {beside}; exit 1; }}");
    shell.text += &match new {
        true => format!("rm -f {beside}\n(umask 077; set -C; : >{beside}) || {fail}\n"),
        false => format!(
            "rm -f {beside}\n{{ cp -a --attributes-only {path} {beside} 2>/dev/null || cp -a {path} {beside}; }} && chmod 600 {beside} || {fail}\n"
        ),
    };
}

/// Puts the contents into it.
fn fill(gap: &Gap, contents: &Contents, beside: &str, shell: &mut Shell) {
    if let Some(source) = gap.how.get("from").and_then(Value::as_str) {
        shell.text += &format!("cat <{} >{beside} || {{ rm -f {beside}; exit 1; }}\n", sh::path(source));
        return;
    }
    let bytes = contents.here().and_then(Value::as_bytes).filter(|bytes| bytes.len() as u64 <= INLINE);
    if let Some(bytes) = bytes {
        if !bytes.is_empty() || gap.now.is_some() {
            shell.text += &format!("{} >{beside} || {{ rm -f {beside}; exit 1; }}\n", sh::print(bytes));
        }
        return;
    }
    let to = temporary(&gap.id.name, &format!("{}.up", &contents.sha256[..8]));
    shell.uploads.push(Upload { to: to.clone(), contents: contents.clone().into() });
    let up = sh::path(&to);
    shell.text += &format!("cat {up} >{beside} || {{ rm -f {beside} {up}; exit 1; }}\nrm -f {up}\n");
}

/// Beside the path, hidden, and the same in each run: what a killed run left behind is replaced by the next.
fn temporary(name: &str, tag: &str) -> String {
    format!("{}/.{}.play-{tag}", parent(name).trim_end_matches('/'), base(name))
}

fn owner(fields: &Fields) -> String {
    let word = |name: &str, number: &str| {
        let value = fields.get(name).or(fields.get(number))?;
        value.as_str().map(str::to_string).or_else(|| value.as_int().map(|id| id.to_string()))
    };
    match (word("owner", "uid"), word("group", "gid")) {
        (Some(owner), Some(group)) => format!("{owner}:{group}"),
        (Some(owner), None) => owner,
        (None, Some(group)) => format!(":{group}"),
        (None, None) => String::new(),
    }
}

/// Owner, then mode: chown takes setuid bits away.
fn own(gap: &Gap, path: &str, shell: &mut Shell) {
    let fields = changed(gap);
    let owner = owner(&fields);
    if !owner.is_empty() {
        shell.text += &format!("chown {} {path} || exit\n", sh::quote(&owner));
    }
    let special = |mode: &&Value| !owner.is_empty() && mode.as_str().is_some_and(|text| !text.starts_with('0'));
    let again = gap.wanted("mode").or(gap.had("mode")).filter(special);
    if let Some(mode) = fields.get("mode").or(again).and_then(Value::as_str) {
        shell.text += &format!("chmod {mode} {path} || exit\n");
    }
}

/// `touch -d @SECONDS`, or now. Both at once to now need no more than the right to write.
fn times(gap: &Gap, path: &str, shell: &mut Shell) {
    let link = if text(&gap.then, "kind") == Some("link") { "-h " } else { "" };
    let when = |field: &str| gap.change(field).and_then(|change| change.then.as_ref()).map(|then| then.as_int());
    if (when("mtime"), when("atime")) == (Some(None), Some(None)) {
        shell.text += &format!("touch {link}{path} || exit\n");
        return;
    }
    for (field, flag) in [("mtime", "-m"), ("atime", "-a")] {
        let Some(seconds) = when(field) else { continue };
        let when = seconds.map(|seconds| format!("-d @{seconds} ")).unwrap_or_default();
        shell.text += &format!("touch {link}{flag} {when}{path} || exit\n");
    }
}
