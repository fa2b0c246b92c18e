//! A control node that lives in memory, for tests of whatever reads files, folders, environment and pipes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use super::control::{Control, ControlError, Decrypted, Entry, Piped};
use super::value::Mark;

/// Files by their path. Relative paths start at `/work`; the home folder is `/home/user`.
#[derive(Default)]
pub struct MemoryControl {
    files: Mutex<BTreeMap<String, (Vec<u8>, u32)>>,
    environment: BTreeMap<String, String>,
    pipes: BTreeMap<String, Piped>,
    plain: BTreeMap<Vec<u8>, Decrypted>,
    modes: BTreeMap<String, u32>,
    now: (i64, u32),
    secrets: Mutex<Vec<Arc<Mark>>>,
}

impl MemoryControl {
    pub fn new<P: AsRef<str>, T: AsRef<[u8]>>(files: impl IntoIterator<Item = (P, T)>) -> MemoryControl {
        let control = MemoryControl::default();
        for (path, bytes) in files {
            control.keep(path.as_ref(), bytes.as_ref().to_vec(), 0o644);
        }
        control
    }

    /// Gives a file or folder its mode bits.
    pub fn mode(mut self, path: &str, mode: u32) -> MemoryControl {
        self.modes.insert(absolute(path), mode);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> MemoryControl {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// What a command of a pipe prints.
    pub fn pipe(mut self, command: &str, code: i32, stdout: &str, stderr: &str) -> MemoryControl {
        let piped = Piped { code, stdout: stdout.into(), stderr: stderr.into() };
        self.pipes.insert(command.into(), piped);
        self
    }

    /// What a ciphertext decrypts to; blanks at its ends do not count.
    pub fn decrypts(mut self, cipher: &str, decrypted: Decrypted) -> MemoryControl {
        self.plain.insert(cipher.trim().into(), decrypted);
        self
    }

    pub fn at(mut self, seconds: i64, nanoseconds: u32) -> MemoryControl {
        self.now = (seconds, nanoseconds);
        self
    }

    fn keep(&self, path: &str, bytes: Vec<u8>, mode: u32) {
        if let Ok(mut files) = self.files.lock() {
            files.insert(absolute(path), (bytes, mode));
        }
    }

    fn with<T>(&self, look: impl FnOnce(&BTreeMap<String, (Vec<u8>, u32)>) -> T) -> Result<T, ControlError> {
        self.files.lock().map(|files| look(&files)).map_err(|error| ControlError::Other(error.to_string()))
    }
}

impl Control for MemoryControl {
    fn keep_secret(&self, mark: &Arc<Mark>) {
        if let Ok(mut secrets) = self.secrets.lock() {
            secrets.push(mark.clone());
        }
    }

    fn secrets(&self, from: usize) -> Vec<Arc<Mark>> {
        self.secrets.lock().map(|secrets| secrets.iter().skip(from).cloned().collect()).unwrap_or_default()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ControlError> {
        match self.with(|files| files.get(&absolute(path)).map(|(bytes, _)| bytes.clone()))? {
            Some(bytes) => Ok(bytes),
            None if self.entry(path).is_some() => Err(ControlError::WrongKind),
            None => Err(ControlError::NotFound),
        }
    }

    fn entry(&self, path: &str) -> Option<Entry> {
        let path = absolute(path);
        let inside = if path == "/" { path.clone() } else { format!("{path}/") };
        self.with(|files| {
            if files.contains_key(&path) {
                return Some(Entry::File);
            }
            files.keys().any(|name| name.starts_with(&inside)).then_some(Entry::Folder)
        })
        .ok()
        .flatten()
    }

    fn identity(&self, path: &str) -> Option<String> {
        self.entry(path).map(|_| absolute(path))
    }

    fn is_link(&self, _: &str) -> bool {
        false
    }

    fn mode(&self, path: &str) -> Option<u32> {
        let path = absolute(path);
        if let Some(mode) = self.modes.get(&path) {
            return Some(*mode);
        }
        self.with(|files| files.get(&path).map(|(_, mode)| *mode)).ok().flatten().or_else(|| self.entry(&path).map(|_| 0o755))
    }

    fn list(&self, path: &str) -> Result<Vec<String>, ControlError> {
        match self.entry(path) {
            None => return Err(ControlError::NotFound),
            Some(Entry::File) => return Err(ControlError::WrongKind),
            Some(Entry::Folder) => {}
        }
        let inside = format!("{}/", absolute(path).trim_end_matches('/'));
        let names: BTreeSet<String> = self.with(|files| {
            let inner = files.keys().filter_map(|name| name.strip_prefix(&inside));
            inner.filter_map(|rest| rest.split('/').next()).map(String::from).collect()
        })?;
        Ok(names.into_iter().collect())
    }

    fn env(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    fn pipe(&self, command: &str, _folder: &str) -> Result<Piped, ControlError> {
        let missing = || Piped { code: 127, stdout: vec![], stderr: format!("sh: {command}: not found\n").into() };
        Ok(self.pipes.get(command).cloned().unwrap_or_else(missing))
    }

    fn decrypt(&self, path: &str, text: &[u8]) -> Result<Option<Decrypted>, String> {
        if let Some(plain) = self.plain.get(text.trim_ascii()) {
            return Ok(Some(plain.clone()));
        }
        match text.starts_with(b"$ANSIBLE_VAULT") {
            true => Err(format!("no secret decrypts `{path}`")),
            false => Ok(None),
        }
    }

    fn now(&self) -> (i64, u32) {
        self.now
    }

    fn working_directory(&self) -> String {
        "/work".into()
    }

    fn home(&self) -> String {
        "/home/user".into()
    }

    /// Always the same bytes, so that a test is repeatable.
    fn random(&self, bytes: &mut [u8]) {
        bytes.iter_mut().zip((0_u8..=255).cycle()).for_each(|(byte, n)| *byte = n.wrapping_mul(37).wrapping_add(11));
    }

    fn write(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), ControlError> {
        self.keep(path, bytes.to_vec(), mode);
        Ok(())
    }
}

/// The path from the root, without `.`, `..` and doubled slashes.
fn absolute(path: &str) -> String {
    let whole = match path {
        _ if path.starts_with('/') => path.to_string(),
        _ if path == "~" || path.starts_with("~/") => format!("/home/user{}", &path[1..]),
        _ => format!("/work/{path}"),
    };
    let mut parts: Vec<&str> = vec![];
    for part in whole.split('/') {
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
    fn folders_are_what_files_stand_in() {
        let control = MemoryControl::new([("inv/group_vars/all.yml", "a: 1"), ("/etc/x", "y")]);
        assert_eq!(control.entry("inv"), Some(Entry::Folder));
        assert_eq!(control.list("inv/../inv/group_vars/"), Ok(vec!["all.yml".to_string()]));
        assert_eq!(control.read("/etc"), Err(ControlError::WrongKind));
        assert_eq!(control.read("/etc/x"), Ok(b"y".to_vec()));
        assert_eq!(control.list("/nowhere"), Err(ControlError::NotFound));
    }
}
