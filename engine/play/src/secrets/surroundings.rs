//! The little of the control node that the finders of keys and passwords may use.

use super::SecretError;
use secrecy::SecretString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use zeroize::Zeroizing;

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;
type Ask = dyn Fn(&str) -> Option<SecretString> + Send + Sync;

/// Environment variables, and somebody who can be asked. Both are given, so that a test needs neither.
#[derive(Clone)]
pub struct Surroundings {
    variable: Arc<Lookup>,
    ask: Arc<Ask>,
}

impl Surroundings {
    /// `ask` shows its text and returns what was typed unseen; `None` where nobody can be asked.
    pub fn new(
        variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        ask: impl Fn(&str) -> Option<SecretString> + Send + Sync + 'static,
    ) -> Self {
        Self { variable: Arc::new(variable), ask: Arc::new(ask) }
    }

    /// The environment of this process.
    pub fn of_process(ask: impl Fn(&str) -> Option<SecretString> + Send + Sync + 'static) -> Self {
        Self::new(|name| std::env::var(name).ok(), ask)
    }

    /// The value of an environment variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn ask(&self, question: &str) -> Option<SecretString> {
        (self.ask)(question)
    }

    /// `~` and `~/…` lead to the home folder; other paths stay as they are.
    pub(super) fn expand(&self, path: &str) -> PathBuf {
        match (path.strip_prefix('~'), self.variable("HOME")) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => Path::new(&home).join(rest.trim_start_matches('/')),
            _ => PathBuf::from(path),
        }
    }
}

/// Runs a program for what it prints. What it says on stderr goes where ours goes, so that it can ask its user.
///
/// # Errors
/// Where it cannot be started or its output cannot be read; the reason names no output.
pub(super) fn output_of(command: &mut Command) -> std::io::Result<(ExitStatus, Zeroizing<Vec<u8>>)> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut output = Zeroizing::new(Vec::with_capacity(16 * 1024));
    let read = match child.stdout.take() {
        Some(mut pipe) => pipe.read_to_end(&mut output),
        None => Ok(0),
    };
    let status = child.wait()?;
    read.map(|_| (status, output))
}

/// The bytes of a file that holds a key or a password.
pub(super) fn read_secret_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    std::fs::read(path).map(Zeroizing::new).map_err(|error| SecretError::Unreadable { path: path.to_owned(), reason: error.to_string() })
}
