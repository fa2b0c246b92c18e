//! The control node: files, folders, environment, pipes.

use std::cell::RefCell;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use play_core::text::control::Piped;
use play_core::text::{Control, ControlError, Decrypted, Entry, Mark};
use sha2::{Digest as _, Sha256};

use crate::secrets::{Surroundings, passwords, sops, vault};

/// Files are read as a whole up to this size (bytes).
const LIMIT: u64 = 16 << 20;

/// The machine that `play` runs on.
pub struct Node {
    vault: Mutex<Vault>,
    around: Surroundings,
    /// All that were read in this run.
    secrets: Mutex<Vec<Arc<Mark>>>,
}

/// Passwords of vaults, read when the first vault is.
struct Vault {
    options: passwords::VaultOptions,
    loaded: Option<Result<Vec<crate::secrets::VaultPassword>, String>>,
}

thread_local! {
    /// Keys of SOPS files, found once a thread; they are not to be shared.
    static KEYS: RefCell<Option<sops::AgeKeys>> = const { RefCell::new(None) };
}

impl Node {
    pub fn new(vault: passwords::VaultOptions, around: Surroundings) -> Node {
        Node { vault: Mutex::new(Vault { options: vault, loaded: None }), around, secrets: Mutex::default() }
    }

    /// Adds what the configuration says about passwords to what the command line says.
    pub fn configure(&self, files: impl IntoIterator<Item = String>, ids: impl IntoIterator<Item = String>, ask: bool) {
        let mut vault = self.vault.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        vault.options.password_files.extend(files);
        vault.options.vault_ids.extend(ids);
        vault.options.ask |= ask;
        vault.loaded = None;
    }

    fn open_vault(&self, path: &str, text: &[u8]) -> Result<Decrypted, String> {
        let mut vault = self.vault.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if vault.loaded.is_none() {
            let sources = passwords::sources(&vault.options, &self.around);
            let loaded = passwords::load(&sources, &self.around).map(|passwords| passwords.list);
            vault.loaded = Some(loaded.map_err(|error| error.to_string()));
        }
        let list = match &vault.loaded {
            Some(Ok(list)) => list,
            Some(Err(error)) => return Err(error.clone()),
            None => return Err("no vault password".into()),
        };
        if list.is_empty() {
            return Err("it is a vault, and no password was given\nuse --vault-password-file or --ask-vault-pass".into());
        }
        let plain = vault::decrypt(text, list).map_err(|error| format!("{error}\n{}", error.hint()))?;
        let text = String::from_utf8(plain.to_vec()).map_err(|_| format!("what is in the vault `{path}` is not UTF-8"))?;
        Ok(Decrypted { text, secrets: None })
    }

    fn open_sops(&self, text: &[u8], format: sops::Format) -> Result<Decrypted, String> {
        use secrecy::ExposeSecret as _;
        KEYS.with_borrow_mut(|keys| {
            let keys = keys.get_or_insert_with(|| sops::AgeKeys::new(self.around.clone()));
            let opened = sops::decrypt(text, format, keys).map_err(|error| format!("{error}\n{}", error.hint()))?;
            let secrets = opened.secrets.iter().map(|secret| secret.value.expose_secret().to_string()).collect();
            let text = String::from_utf8(opened.bytes.to_vec()).map_err(|_| "what is in it is not UTF-8".to_string())?;
            Ok(Decrypted { text, secrets: Some(secrets) })
        })
    }
}

fn said(error: &std::io::Error) -> ControlError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => ControlError::NotFound,
        ErrorKind::IsADirectory => ControlError::WrongKind,
        _ => ControlError::Other(error.to_string()),
    }
}

impl Control for Node {
    fn keep_secret(&self, mark: &Arc<Mark>) {
        let mut secrets = self.secrets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !secrets.contains(mark) {
            secrets.push(mark.clone());
        }
    }

    fn secrets(&self, from: usize) -> Vec<Arc<Mark>> {
        self.secrets.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter().skip(from).cloned().collect()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ControlError> {
        let file = std::fs::File::open(path).map_err(|error| said(&error))?;
        let metadata = file.metadata().map_err(|error| said(&error))?;
        if metadata.is_dir() {
            return Err(ControlError::WrongKind);
        }
        if metadata.len() > LIMIT {
            return Err(ControlError::TooLarge(metadata.len()));
        }
        let mut bytes = Vec::with_capacity(metadata.len() as usize);
        // a device or pipe has no size and may have no end
        file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| said(&error))?;
        if bytes.len() as u64 > LIMIT { Err(ControlError::TooLarge(bytes.len() as u64)) } else { Ok(bytes) }
    }

    fn sha256(&self, path: &str) -> Result<String, ControlError> {
        let mut file = std::fs::File::open(path).map_err(|error| said(&error))?;
        let mut hash = Sha256::new();
        std::io::copy(&mut file, &mut hash).map_err(|error| said(&error))?;
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn entry(&self, path: &str) -> Option<Entry> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(if metadata.is_dir() { Entry::Folder } else { Entry::File })
    }

    fn identity(&self, path: &str) -> Option<String> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(format!("{}:{}", metadata.dev(), metadata.ino()))
    }

    fn is_link(&self, path: &str) -> bool {
        std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
    }

    fn mode(&self, path: &str) -> Option<u32> {
        Some(std::fs::metadata(path).ok()?.permissions().mode())
    }

    fn list(&self, path: &str) -> Result<Vec<String>, ControlError> {
        let path = if path.is_empty() { "." } else { path };
        let entries = std::fs::read_dir(path).map_err(|error| said(&error))?;
        let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn pipe(&self, command: &str, folder: &str) -> Result<Piped, ControlError> {
        let folder = if folder.is_empty() { "." } else { folder };
        let output = Command::new("/bin/sh")
            .arg("-c")
            .arg(command)
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| said(&error))?;
        Ok(Piped { code: output.status.code().unwrap_or(-1), stdout: output.stdout, stderr: output.stderr })
    }

    fn decrypt(&self, path: &str, text: &[u8]) -> Result<Option<Decrypted>, String> {
        if vault::is_vault(text) {
            return self.open_vault(path, text).map(Some);
        }
        let format = sops::Format::of(Path::new(path));
        if sops::is_sops(text, format) {
            return self.open_sops(text, format).map(Some);
        }
        Ok(None)
    }

    fn now(&self) -> (i64, u32) {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        (since.as_secs() as i64, since.subsec_nanos())
    }

    fn working_directory(&self) -> String {
        std::env::current_dir().map(|path| path.to_string_lossy().into_owned()).unwrap_or_else(|_| "/".into())
    }

    fn home(&self) -> String {
        std::env::var("HOME").unwrap_or_else(|_| "/root".into())
    }

    fn random(&self, bytes: &mut [u8]) {
        let filled = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(bytes));
        filled.expect("every system that `play` runs on has /dev/urandom");
    }

    fn write(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), ControlError> {
        if let Some(above) = std::path::Path::new(path).parent() {
            std::fs::create_dir_all(above).map_err(|error| said(&error))?;
        }
        let beside = format!("{path}.play-{}", std::process::id());
        let written = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        let placed = written.and_then(|()| std::fs::rename(&beside, path));
        placed.map_err(|error| {
            let _ = std::fs::remove_file(&beside);
            said(&error)
        })
    }
}
