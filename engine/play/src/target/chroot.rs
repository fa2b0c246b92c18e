//! A root folder on the control node, for images and tests: `chroot PATH sh`.

use std::path::Path;

use play_core::run::{Address, Fault};

use super::unreachable_host;

/// The words that start `words` in the folder.
pub fn words(address: &Address, words: Vec<String>) -> Result<Vec<String>, Fault> {
    let root = address.path.as_deref().unwrap_or(&address.host);
    if !Path::new(root).is_dir() {
        return Err(unreachable_host(
            format!("there is no folder `{root}` to chroot into"),
            "give the root folder as `ansible_host`, with an absolute path",
        ));
    }
    let shell = words.first().map_or("/bin/sh", String::as_str).trim_start_matches('/');
    if !["", "bin/", "usr/bin/"].iter().any(|folder| std::fs::symlink_metadata(Path::new(root).join(format!("{folder}{shell}"))).is_ok()) {
        return Err(unreachable_host(
            format!("there is no `{shell}` in `{root}`"),
            "a root folder needs at least a POSIX shell; give another with `ansible_shell_executable`",
        ));
    }
    if !Path::new(root).join("dev/null").exists() {
        return Err(unreachable_host(format!("there is no `/dev/null` in `{root}`"), &format!("mount --bind /dev {root}/dev")));
    }
    if !is_root() {
        return Err(unreachable_host(
            format!("only root may chroot into `{root}`"),
            "run `play` as root for hosts with `ansible_connection: chroot`",
        ));
    }
    Ok(["chroot", root].into_iter().map(str::to_owned).chain(words).collect())
}

/// The effective user of this process, as the kernel tells it.
fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uids.is_none_or(|uids| uids.split_whitespace().nth(1) == Some("0"))
}
