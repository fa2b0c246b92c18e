//! Mending paths: contents are written beside and renamed, with owner and mode set before anything secret arrives.

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
    let kind = text(&gap.then, "kind").or_else(|| text(&gap.now, "kind")).unwrap_or("file");
    if gap.now.is_some() && gap.change("kind").is_some() {
        shell.text += &format!("rm -rf {path} || exit\n");
    }
    match kind {
        "directory" if gap.change("kind").is_some() => {
            shell.text += &format!("(umask 077; mkdir {path}) || exit\n");
            own(then, &path, true, shell);
            default_mode(then, &path, "0777", shell);
        }
        "link" => link(then, &gap.id.name, shell),
        "file" if hard(gap, &path, shell) => {}
        "file" => file(gap, then, shell),
        _ => own(&changed(gap), &path, false, shell),
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

/// A hard link to `how.src`.
fn hard(gap: &Gap, path: &str, shell: &mut Shell) -> bool {
    let Some(source) = gap.how.get("hard").and_then(Value::as_str) else { return false };
    shell.text += &format!("ln -f {} {path} || exit\n", sh::path(source));
    true
}

fn link(then: &Fields, name: &str, shell: &mut Shell) {
    if let Some(target) = then.get("target").and_then(Value::as_str) {
        let beside = sh::path(&temporary(name, "link"));
        shell.text += &format!("rm -f {beside}; ln -s {} {beside} && mv -Tf {beside} {} || exit\n", sh::quote(target), sh::path(name));
    }
    let owner = owner(then);
    if !owner.is_empty() {
        shell.text += &format!("chown -h {} {} || exit\n", sh::quote(&owner), sh::path(name));
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
        _ => return own(&changed(gap), &path, false, shell),
    };
    if let Some(backup) = gap.how.get("backup").and_then(Value::as_str).filter(|_| !new) {
        let backup = sh::path(backup);
        shell.text += &format!("cp -a {path} {backup} || {{ rm -f {backup}; exit 1; }}\n");
    }
    if gap.how.get("unsafe_writes").is_some_and(Value::truthy) && !new && contents.here().is_some() {
        shell.text += &format!("{} >{path} || exit\n", sh::print(contents.here().and_then(Value::as_bytes).unwrap_or_default()));
        return own(&changed(gap), &path, false, shell);
    }
    let beside = sh::path(&temporary(&gap.id.name, &contents.sha256[..8]));
    beside_with(&contents, &gap.id.name, &path, &beside, new, shell);
    own(if new { then } else { gap.then.as_ref().unwrap_or(then) }, &beside, new, shell);
    if new {
        default_mode(then, &beside, "0666", shell);
    }
    if let Some(validate) = gap.how.get("validate").and_then(Value::as_str) {
        let command = validate.replace("%s", &beside);
        shell.text +=
            &format!("( {command} ) >&2 || {{ c=$?; rm -f {beside}; echo 'validation of the new contents failed' >&2; exit \"$c\"; }}\n");
    }
    shell.text +=
        &format!("sync {beside} 2>/dev/null || fsync {beside} 2>/dev/null; mv -f {beside} {path} || {{ rm -f {beside}; exit 1; }}\n");
}

/// A new file beside the old one, which nobody else can read yet, with the new contents in it. Where the old one stays
/// in all but its contents, the new one begins as its copy: mode, owner, ACLs, attributes and labels are kept.
fn beside_with(contents: &Contents, name: &str, path: &str, beside: &str, new: bool, shell: &mut Shell) {
    let bytes = contents.here().and_then(Value::as_bytes).filter(|bytes| bytes.len() as u64 <= INLINE);
    let fail = format!("{{ rm -f {beside}; exit 1; }}");
    let Some(bytes) = bytes else {
        let to = temporary(name, &format!("{}.up", &contents.sha256[..8]));
        shell.uploads.push(Upload { to: to.clone(), contents: contents.clone().into() });
        let up = sh::path(&to);
        shell.text += &match new {
            true => format!("mv -f {up} {beside} || exit\n"),
            false => format!("cp -a {path} {beside} && cat {up} >{beside} || {{ rm -f {beside} {up}; exit 1; }}\nrm -f {up}\n"),
        };
        return;
    };
    shell.text += &format!("rm -f {beside}\n");
    let print = sh::print(bytes);
    shell.text += &match new {
        true => format!("(umask 077; set -C; {print} >{beside}) || {fail}\n"),
        false => format!("cp -a {path} {beside} && {print} >{beside} || {fail}\n"),
    };
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

/// Owner before mode: chown takes setuid bits away.
fn own(fields: &Fields, path: &str, new: bool, shell: &mut Shell) {
    let undo = if new { format!("{{ rm -rf {path}; exit 1; }}") } else { "exit".into() };
    let owner = owner(fields);
    if !owner.is_empty() {
        shell.text += &format!("chown {} {path} || {undo}\n", sh::quote(&owner));
    }
    if let Some(mode) = fields.get("mode").and_then(Value::as_str) {
        shell.text += &format!("chmod {mode} {path} || {undo}\n");
    }
}

/// Without a wanted mode, a new path gets what the user's umask leaves.
fn default_mode(fields: &Fields, path: &str, all: &str, shell: &mut Shell) {
    if !fields.contains_key("mode") {
        shell.text += &format!("chmod \"$(printf %o $(({all} & ~0$(umask))))\" {path} || exit\n");
    }
}

/// `touch -d @SECONDS`, or now.
fn times(gap: &Gap, path: &str, shell: &mut Shell) {
    for (field, flag) in [("mtime", "-m"), ("atime", "-a")] {
        let Some(value) = gap.change(field).and_then(|change| change.then.as_ref()) else { continue };
        let when = value.as_int().map(|seconds| format!("-d @{seconds} ")).unwrap_or_default();
        shell.text += &format!("touch {flag} {when}{path} || exit\n");
    }
}
