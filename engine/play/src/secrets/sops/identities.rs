//! The age identities at hand, looked for where SOPS looks, and the data key that they open.

use super::cipher::DataKey;
use super::metadata::Recipient;
use crate::secrets::surroundings::{output_of, read_secret_file};
use crate::secrets::{SecretError, Surroundings};
use age::secrecy::SecretString;
use age::{Callbacks, DecryptError, Identity, IdentityFile};
use std::cell::OnceCell;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use zeroize::Zeroizing;

/// The identities of this user. They are looked for once, when the first file needs one.
pub struct AgeKeys {
    around: Surroundings,
    found: OnceCell<Found>,
}

#[derive(Default)]
struct Found {
    identities: Vec<Box<dyn Identity>>,
    /// Places that were looked at and had nothing.
    empty: Vec<String>,
    problems: Vec<String>,
}

/// What the search came to: identities of one place.
type Identities = Result<Vec<Box<dyn Identity>>, String>;

impl AgeKeys {
    pub fn new(around: Surroundings) -> Self {
        Self { around, found: OnceCell::new() }
    }

    /// The data key of a file for these recipients. Identities in files come first; programs are run only then.
    pub(super) fn data_key(&self, recipients: &[Recipient]) -> Result<DataKey, SecretError> {
        let found = self.found.get_or_init(|| find(&self.around));
        let mut problems = found.problems.clone();
        for recipient in recipients {
            if let Some(key) = open(recipient, &found.identities, &mut problems)? {
                return Ok(key);
            }
        }
        let mut empty = found.empty.clone();
        for recipient in recipients {
            let printed = printed(&self.around, &recipient.name, &mut empty, &mut problems);
            if let Some(key) = open(recipient, &printed, &mut problems)? {
                return Ok(key);
            }
        }
        problems.sort();
        problems.dedup();
        empty.dedup();
        let recipients = recipients.iter().map(|recipient| recipient.name.clone()).collect();
        Err(SecretError::NoAgeIdentity { recipients, looked: empty, problems })
    }
}

/// `None` where no identity is the recipient.
fn open(recipient: &Recipient, identities: &[Box<dyn Identity>], problems: &mut Vec<String>) -> Result<Option<DataKey>, SecretError> {
    let damaged = |what| SecretError::DataKey { what };
    let armored = age::armor::ArmoredReader::new(recipient.sealed_key.as_bytes());
    let decryptor = age::Decryptor::new_buffered(armored).map_err(|_| damaged("it is no age text"))?;
    let mut plain = match decryptor.decrypt(identities.iter().map(|identity| identity.as_ref())) {
        Ok(plain) => plain,
        Err(DecryptError::NoMatchingKeys) => return Ok(None),
        Err(error) => {
            problems.push(error.to_string());
            return Ok(None);
        }
    };
    let mut key = DataKey::default();
    plain.read_exact(key.as_mut_slice()).map_err(|_| damaged("it is cut or was changed"))?;
    match plain.read(&mut [0]) {
        Ok(0) => Ok(Some(key)),
        _ => Err(damaged("it does not have 32 bytes")),
    }
}

/// The identities that need no program.
fn find(around: &Surroundings) -> Found {
    let mut found = Found::default();
    let ssh = |path: PathBuf| ssh_identity(&path, around);
    match around.variable("SOPS_AGE_SSH_PRIVATE_KEY_FILE") {
        Some(path) => found.take("SOPS_AGE_SSH_PRIVATE_KEY_FILE", ssh(around.expand(&path))),
        None => found.empty.push("SOPS_AGE_SSH_PRIVATE_KEY_FILE".into()),
    }
    for name in [".ssh/id_ed25519", ".ssh/id_rsa"] {
        if let Some(path) = around.variable("HOME").map(|home| Path::new(&home).join(name)).filter(|path| path.exists()) {
            found.take(&path.display().to_string(), ssh(path));
        }
    }
    match around.variable("SOPS_AGE_KEY").map(Zeroizing::new) {
        Some(words) => found.take("SOPS_AGE_KEY", words_of(&words, around)),
        None => found.empty.push("SOPS_AGE_KEY".into()),
    }
    match around.variable("SOPS_AGE_KEY_FILE") {
        Some(path) => found.take("SOPS_AGE_KEY_FILE", file(&around.expand(&path), around)),
        None => found.empty.push("SOPS_AGE_KEY_FILE".into()),
    }
    match config_folder(around).map(|folder| folder.join("sops/age/keys.txt")) {
        Some(path) if path.exists() => found.take(&path.display().to_string(), file(&path, around)),
        Some(path) => found.empty.push(path.display().to_string()),
        None => {}
    }
    found
}

impl Found {
    fn take(&mut self, place: &str, identities: Identities) {
        match identities {
            Ok(identities) if identities.is_empty() => self.empty.push(place.to_owned()),
            Ok(identities) => self.identities.extend(identities),
            Err(problem) => self.problems.push(format!("{place}: {problem}")),
        }
    }
}

/// The identities that a program prints for one recipient.
fn printed(around: &Surroundings, recipient: &str, empty: &mut Vec<String>, problems: &mut Vec<String>) -> Vec<Box<dyn Identity>> {
    let mut found = Found::default();
    for name in ["SOPS_AGE_KEY_CMD", "SOPS_AGE_SSH_PRIVATE_KEY_CMD"] {
        let Some(line) = around.variable(name) else {
            empty.push(name.to_owned());
            continue;
        };
        let identities = run(&line, recipient).map_err(|error| error.to_string()).and_then(|output| {
            if name == "SOPS_AGE_KEY_CMD" { identities(&output, None, around) } else { ssh_text(&output, None, around) }
        });
        found.take(name, identities);
    }
    empty.append(&mut found.empty);
    problems.append(&mut found.problems);
    found.identities
}

fn run(line: &str, recipient: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let words = words(line);
    let failed = |reason: String| SecretError::Program { program: words.first().cloned().unwrap_or_default(), reason };
    let (program, arguments) = words.split_first().ok_or_else(|| failed("it is empty".into()))?;
    let mut command = Command::new(program);
    command.args(arguments).env("SOPS_AGE_RECIPIENT", recipient);
    let (status, output) = output_of(&mut command).map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(output) } else { Err(failed(status.to_string())) }
}

/// The words of a command line, with the quotes and backslashes of sh and nothing else of it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn config_folder(around: &Surroundings) -> Option<PathBuf> {
    let home = || around.variable("HOME").map(PathBuf::from);
    let own = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".config" };
    around.variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| home().map(|home| home.join(own)))
}

fn file(path: &Path, around: &Surroundings) -> Identities {
    let bytes = read_secret_file(path).map_err(|error| error.to_string())?;
    identities(&bytes, Some(path), around)
}

/// SOPS_AGE_KEY may have several identities on a line.
fn words_of(text: &str, around: &Surroundings) -> Identities {
    if text.starts_with("-----BEGIN AGE") {
        return identities(text.as_bytes(), None, around);
    }
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let words: Vec<_> = lines.flat_map(str::split_whitespace).collect();
    identities(&Zeroizing::new(words.join("\n").into_bytes()), None, around)
}

/// One identity a line, or such a text encrypted with a passphrase.
fn identities(bytes: &[u8], path: Option<&Path>, around: &Surroundings) -> Identities {
    if bytes.starts_with(b"age-encryption") || bytes.starts_with(b"-----BEGIN AGE") {
        let name = Some(path.map_or_else(|| "age identity".into(), |path| path.display().to_string()));
        let reader = age::armor::ArmoredReader::new(Cursor::new(bytes.to_vec()));
        return match age::encrypted::Identity::from_buffer(reader, name, Asker(around.clone()), None) {
            Ok(Some(identity)) => Ok(vec![Box::new(identity)]),
            Ok(None) => Err("an encrypted identity file without a passphrase".into()),
            Err(error) => Err(error.to_string()),
        };
    }
    // The crate names the line, never its text.
    let file = IdentityFile::from_buffer(BufReader::new(bytes)).map_err(|error| {
        let post_quantum = bytes.windows(18).any(|window| window == b"AGE-SECRET-KEY-PQ-");
        if post_quantum { "post-quantum age identities are not known yet".to_owned() } else { error.to_string() }
    })?;
    file.with_callbacks(Asker(around.clone())).into_identities().map_err(|error| error.to_string())
}

fn ssh_identity(path: &Path, around: &Surroundings) -> Identities {
    let bytes = read_secret_file(path).map_err(|error| error.to_string())?;
    ssh_text(&bytes, Some(path), around)
}

fn ssh_text(bytes: &[u8], path: Option<&Path>, around: &Surroundings) -> Identities {
    let name = path.map(|path| path.display().to_string());
    match age::ssh::Identity::from_buffer(BufReader::new(bytes), name) {
        Ok(age::ssh::Identity::Unsupported(_)) => Err("an SSH key of a kind that age does not know".into()),
        Ok(identity) => Ok(vec![Box::new(identity.with_callbacks(Asker(around.clone())))]),
        Err(error) => Err(error.to_string()),
    }
}

/// What the age crate may ask of the user: a passphrase.
#[derive(Clone)]
struct Asker(Surroundings);

impl Callbacks for Asker {
    fn display_message(&self, _: &str) {}

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn request_public_string(&self, _: &str) -> Option<String> {
        None
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        self.0.ask(description)
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_command_line_has_words() {
        assert_eq!(words(r#"pass "show me" it\'s 'a "b"' """#), ["pass", "show me", "it's", "a \"b\"", ""]);
        assert!(words("  ").is_empty());
    }
}
