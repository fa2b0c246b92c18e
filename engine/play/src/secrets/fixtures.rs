//! What the tests of this room share: files below tests/secrets, and surroundings without a user.

use super::Surroundings;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) fn path(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/secrets")).join(name)
}

pub(super) fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(super) fn text(name: &str) -> String {
    String::from_utf8(bytes(name)).expect("this fixture is a text")
}

/// Surroundings with these variables and nobody to ask.
pub(super) fn surroundings(variables: &[(&str, &str)]) -> Surroundings {
    let variables: BTreeMap<_, _> = variables.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    Surroundings::new(move |name| variables.get(name).cloned(), |_| None)
}

/// A folder that is empty and goes with the test.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("play-secrets-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).expect("a file for the test");
        path
    }

    pub(super) fn script(&self, name: &str, content: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.file(name, content.as_bytes());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a script for the test");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A peer on PATH. Where it is missing the test is skipped aloud, and fails in CI.
pub(super) fn peer(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no {name} on PATH, and CI skips nothing");
        println!("skipped: no {name}");
    }
    found
}
