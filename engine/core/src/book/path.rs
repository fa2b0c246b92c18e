//! Paths of the control node, as text.

use crate::text::Control;

/// The path of a name in a folder; an absolute name stands for itself.
pub fn join(folder: &str, name: &str) -> String {
    match folder {
        _ if name.starts_with('/') || folder.is_empty() || folder == "." => name.to_string(),
        _ if folder.ends_with('/') => format!("{folder}{name}"),
        _ => format!("{folder}/{name}"),
    }
}

/// The folder that a path stands in; `.` where none is written.
pub fn parent(path: &str) -> &str {
    match path.trim_end_matches('/').rsplit_once('/') {
        None => ".",
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
    }
}

/// The last part of a path.
pub fn name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// The extension of a file name with its dot, as Python's `splitext` has it: `.bashrc` has none.
pub fn extension(path: &str) -> &str {
    let name = name(path);
    match name.trim_start_matches('.').rfind('.') {
        Some(_) => name.rfind('.').map_or("", |at| &name[at..]),
        None => "",
    }
}

/// The path from the root, without `.`, `..` and doubled slashes; `~` is the home folder. Links are not followed.
pub fn absolute(control: &dyn Control, path: &str) -> String {
    let whole = match path {
        _ if path.starts_with('/') => path.to_string(),
        _ if path == "~" || path.starts_with("~/") => format!("{}{}", control.home(), &path[1..]),
        _ => format!("{}/{path}", control.working_directory()),
    };
    normal(&whole)
}

/// `~` at the beginning replaced with the home folder.
pub fn expand(control: &dyn Control, path: &str) -> String {
    if path == "~" || path.starts_with("~/") { format!("{}{}", control.home(), &path[1..]) } else { path.to_string() }
}

/// An absolute path without `.`, `..` and doubled slashes.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_path() {
        assert_eq!((join(".", "a"), join("x/", "a"), join("x", "/a")), ("a".into(), "x/a".into(), "/a".into()));
        assert_eq!((parent("a"), parent("/a"), parent("x/y/")), (".", "/", "x"));
        assert_eq!((extension("a/b.c/d"), extension(".bashrc"), extension("x.tar.gz"), extension("..a.b")), ("", "", ".gz", ".b"));
        assert_eq!(normal("/a/./b//../c/"), "/a/c");
    }
}
