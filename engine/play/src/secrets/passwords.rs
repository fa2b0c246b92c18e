//! Where vault passwords come from: files, scripts and prompts, named and ordered as Ansible does.

use super::surroundings::{output_of, read_secret_file};
use super::{SecretError, Surroundings, vault};
use secrecy::{ExposeSecret, SecretSlice};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use zeroize::Zeroizing;

const DEFAULT_ID: &str = "default";
/// The exit code with which a `-client` script says that it does not know a vault id.
const UNKNOWN_ID: i32 = 2;

/// A password and the vault id that it is for. Bytes, for a password file need not be UTF-8.
#[derive(Clone, Debug)]
pub struct VaultPassword {
    pub id: String,
    pub secret: SecretSlice<u8>,
}

impl VaultPassword {
    pub fn new(id: impl Into<String>, secret: &[u8]) -> Self {
        Self { id: id.into(), secret: SecretSlice::from(secret.to_vec()) }
    }
}

/// The options of the command line, as they were given.
#[derive(Clone, Debug, Default)]
pub struct VaultOptions {
    /// `--vault-id`, each `label@source` or `source`.
    pub vault_ids: Vec<String>,
    /// `--vault-password-file`.
    pub password_files: Vec<String>,
    /// `--ask-vault-pass`.
    pub ask: bool,
}

/// One place to take a password from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub id: Option<String>,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file; an executable one is run.
    File(String),
    Prompt,
}

/// What the sources gave. As in Ansible a bad source is no error while another one works.
#[derive(Debug, Default)]
pub struct Passwords {
    pub list: Vec<VaultPassword>,
    pub problems: Vec<SecretError>,
}

/// All sources, in the order in which Ansible tries them: ANSIBLE_VAULT_IDENTITY_LIST, `--vault-id`,
/// `--vault-password-file`, ANSIBLE_VAULT_PASSWORD_FILE, `--ask-vault-pass`.
pub fn sources(options: &VaultOptions, around: &Surroundings) -> Vec<Source> {
    let listed = around.variable("ANSIBLE_VAULT_IDENTITY_LIST").unwrap_or_default();
    let ids = listed.split(',').map(str::trim).filter(|id| !id.is_empty());
    let mut sources: Vec<_> = ids.chain(options.vault_ids.iter().map(String::as_str)).map(Source::from_vault_id).collect();
    let configured = around.variable("ANSIBLE_VAULT_PASSWORD_FILE");
    sources.extend(
        options
            .password_files
            .iter()
            .cloned()
            .chain(configured)
            .map(|file| Source { id: Some(DEFAULT_ID.into()), place: Place::File(file) }),
    );
    if options.ask {
        sources.push(Source { id: None, place: Place::Prompt });
    }
    sources
}

/// Reads, runs and asks, in order. A password file may itself be a vault text for a password before it.
///
/// # Errors
/// A prompt that nobody answers; or the last problem, where no source gave a password.
pub fn load(sources: &[Source], around: &Surroundings) -> Result<Passwords, SecretError> {
    let mut passwords = Passwords::default();
    for source in sources {
        match source.load(around, &passwords.list) {
            Ok(password) => passwords.list.push(password),
            Err(error) if source.place == Place::Prompt => return Err(error),
            Err(error) => passwords.problems.push(error),
        }
    }
    match passwords.problems.last() {
        Some(error) if passwords.list.is_empty() => Err(error.clone()),
        _ => Ok(passwords),
    }
}

impl Source {
    /// `prod@prompt`, `prod@~/.vault`, `file`.
    pub fn from_vault_id(text: &str) -> Self {
        let (id, place) = match text.split_once('@') {
            Some((id, place)) => (Some(id.to_owned()).filter(|id| !id.is_empty()), place),
            None => (None, text),
        };
        let place = match place {
            "prompt" | "prompt_ask_vault_pass" => Place::Prompt,
            file => Place::File(file.to_owned()),
        };
        // A prompt without a label shows `default`; only `--ask-vault-pass` asks without a name.
        let id = if place == Place::Prompt { id.or(Some(DEFAULT_ID.into())) } else { id };
        Self { id, place }
    }

    fn load(&self, around: &Surroundings, known: &[VaultPassword]) -> Result<VaultPassword, SecretError> {
        let id = self.id.as_deref().unwrap_or(DEFAULT_ID);
        match &self.place {
            Place::Prompt => {
                let question = match &self.id {
                    Some(id) => format!("Vault password ({id}): "),
                    None => "Vault password: ".to_owned(),
                };
                let Some(answer) = around.ask(&question) else {
                    return Err(SecretError::NobodyToAsk { question });
                };
                password(id, answer.expose_secret().trim().as_bytes(), || "the prompt".into())
            }
            Place::File(file) => {
                let path = around.expand(file);
                let from = || format!("`{}`", path.display());
                if is_executable(&path)? {
                    let output = run(&path, self.id.as_deref())?;
                    return password(id, without_line_ends(&output), from);
                }
                let bytes = read_secret_file(&path)?;
                let mut content = Zeroizing::new(bytes.trim_ascii().to_vec());
                if vault::is_vault(&content) {
                    content = vault::decrypt(&content, known)?;
                }
                password(id, without_line_ends(&content), from)
            }
        }
    }
}

fn password(id: &str, secret: &[u8], from: impl Fn() -> String) -> Result<VaultPassword, SecretError> {
    if secret.is_empty() {
        return Err(SecretError::EmptyPassword { from: from() });
    }
    Ok(VaultPassword::new(id, secret))
}

fn is_executable(path: &Path) -> Result<bool, SecretError> {
    let unreadable = |reason: String| SecretError::Unreadable { path: path.to_owned(), reason };
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if metadata.is_dir() {
        return Err(unreadable("it is a folder".into()));
    }
    Ok(metadata.permissions().mode() & 0o111 != 0)
}

fn run(script: &Path, id: Option<&str>) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    // Without a slash the system would look for it on PATH.
    let program = if script.components().count() == 1 { PathBuf::from(".").join(script) } else { script.to_owned() };
    let mut command = Command::new(program);
    let client = is_client(script);
    if let (true, Some(id)) = (client, id) {
        command.args(["--vault-id", id]);
    }
    let failed = |reason: String| SecretError::Program { program: script.display().to_string(), reason };
    let (status, output) = output_of(&mut command).map_err(|error| failed(error.to_string()))?;
    match status.code() {
        Some(0) => Ok(output),
        Some(UNKNOWN_ID) if client => {
            Err(SecretError::UnknownVaultId { program: script.to_owned(), id: id.unwrap_or(DEFAULT_ID).to_owned() })
        }
        _ => Err(failed(status.to_string())),
    }
}

/// A script named `…-client` or `…-client.py` takes `--vault-id LABEL`.
fn is_client(script: &Path) -> bool {
    script.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("-client"))
}

fn without_line_ends(mut bytes: &[u8]) -> &[u8] {
    while let [b'\r' | b'\n', rest @ ..] | [rest @ .., b'\r' | b'\n'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
