//! The control node, as the rest of the engine may see it: files, folders, environment, pipes. The program gives the
//! real one, tests one in memory.

use std::sync::Arc;

use super::diagnostic::Diagnostic;
use super::value::Mark;

/// Why the control node could not give what was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ControlError {
    NotFound,
    /// A folder where a file was asked for, or the reverse.
    WrongKind,
    /// Over the limit of size that a text may have (bytes).
    TooLarge(u64),
    /// What the system said.
    Other(String),
}

impl ControlError {
    /// In words.
    pub fn said(&self) -> String {
        match self {
            ControlError::NotFound => "it is not there".into(),
            ControlError::WrongKind => "it is not a file".into(),
            ControlError::TooLarge(size) => format!("it has {size} bytes, which are too many"),
            ControlError::Other(why) => why.clone(),
        }
    }
}

/// What stands at a path of the control node, links followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    File,
    Folder,
}

/// What a child process on the control node gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piped {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Paths are `/`-separated, absolute or relative to the working directory.
pub trait Control {
    fn read(&self, path: &str) -> Result<Vec<u8>, ControlError>;
    /// The SHA-256 of a file of any size, as lower-case hex.
    fn sha256(&self, path: &str) -> Result<String, ControlError> {
        self.read(path).map(|bytes| super::value::sha256_hex(&bytes))
    }
    /// Kind, links followed; `None` where nothing is.
    fn entry(&self, path: &str) -> Option<Entry>;
    /// What tells a file from all others, links followed; `None` where nothing is.
    fn identity(&self, path: &str) -> Option<String>;
    /// Whether a symbolic link stands there.
    fn is_link(&self, path: &str) -> bool;
    /// The mode bits of a file, for `mode: preserve` and executables that print a password or inventory.
    fn mode(&self, path: &str) -> Option<u32>;
    /// The names in a folder, sorted.
    fn list(&self, path: &str) -> Result<Vec<String>, ControlError>;
    fn env(&self, name: &str) -> Option<String>;
    /// Runs a shell command in a folder (lookup `pipe`, inventory programs).
    fn pipe(&self, command: &str, folder: &str) -> Result<Piped, ControlError>;
    /// A plaintext for a text that is encrypted (ansible-vault, SOPS), in memory only, with the secrets in it.
    /// `None` where the text is not encrypted.
    fn decrypt(&self, path: &str, text: &[u8]) -> Result<Option<Decrypted>, String>;
    /// Keeps a secret that came in, so that it is known again wherever it comes back from.
    fn keep_secret(&self, _mark: &Arc<Mark>) {}
    /// The secrets that were kept, but for the first so many.
    fn secrets(&self, _from: usize) -> Vec<Arc<Mark>> {
        vec![]
    }
    /// Seconds since 1970 and nanoseconds.
    fn now(&self) -> (i64, u32);
    /// The working directory and home folder of the user.
    fn working_directory(&self) -> String;
    fn home(&self) -> String;
    /// Random bytes, for `password`, `random` and tags of secrets.
    fn random(&self, bytes: &mut [u8]);
    /// Writes a file as a whole, with mode bits less the umask, and the folders above it (lookup `password` keeps what it made).
    fn write(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), ControlError>;
}

/// A decrypted text and which parts of it are secret.
#[derive(Clone, PartialEq, Debug)]
pub struct Decrypted {
    pub text: String,
    /// `None`: the whole text is secret (every scalar in it). Otherwise the secret values alone.
    pub secrets: Option<Vec<String>>,
}

/// The error for what a [`Control`] could not decrypt: what it said, and on the lines behind that what to do.
pub fn undecrypted(what: &str, said: &str) -> Diagnostic {
    let mut lines = said.lines();
    let error = Diagnostic::error(format!("{what} cannot be decrypted: {}", lines.next().unwrap_or_default()));
    lines.fold(error, |error, hint| error.hint(hint))
}
