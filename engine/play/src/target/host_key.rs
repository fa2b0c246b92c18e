//! Judging the key that a host shows, by the settings and files of known hosts.

use std::borrow::Cow;
use std::sync::Arc;

use aes_gcm::aead::{OsRng, rand_core::RngCore as _};
use play_core::run::Address;
use russh::client;
use russh::keys::{Algorithm, PublicKeyOrCertificate};

use super::config::{Settings, Strict};
use super::known_hosts::{self, File, Verdict};

/// Judges the key of one host.
pub struct Checker {
    target: Arc<str>,
    names: Vec<String>,
    files: Vec<File>,
    /// The file that a new key goes into.
    own: Option<String>,
    strict: Strict,
    hashed: bool,
}

#[derive(Debug)]
pub enum KeyError {
    /// What is wrong with the key, and what to do.
    Refused(String, String),
    Ssh(russh::Error),
}

impl From<russh::Error> for KeyError {
    fn from(error: russh::Error) -> KeyError {
        KeyError::Ssh(error)
    }
}

impl Checker {
    pub fn new(address: &Address, settings: &Settings) -> Checker {
        let paths = settings.user_known_hosts.iter().chain(&settings.global_known_hosts);
        let files = paths.map(|path| File { path: path.clone(), text: std::fs::read_to_string(path).unwrap_or_default() }).collect();
        let names = match &settings.host_key_alias {
            Some(alias) => vec![alias.to_lowercase()],
            None => known_hosts::names(&settings.host, settings.port),
        };
        Checker {
            target: address.name.clone(),
            names,
            files,
            own: settings.user_known_hosts.first().cloned(),
            strict: settings.strict,
            hashed: settings.hash_known_hosts,
        }
    }

    /// The algorithms to ask for: those of known keys first, so that a server with many shows one that can be judged.
    pub fn preferred(&self, settings: &Settings) -> russh::Preferred {
        let mut preferred = russh::Preferred::default();
        let wanted: Vec<Algorithm> = settings.host_key_algorithms.iter().filter_map(|name| name.parse().ok()).collect();
        let mut keys: Vec<Algorithm> = preferred.key.iter().filter(|key| wanted.contains(key)).cloned().collect();
        keys.sort_by_key(|key| wanted.iter().position(|other| other == key));
        if keys.is_empty() {
            keys = preferred.key.iter().filter(|key| **key != Algorithm::Rsa { hash: None }).cloned().collect();
        }
        let (types, authority) = known_hosts::known_types(&self.files, &self.names);
        let plain = |key: &Algorithm| if key.clone().is_rsa() { Algorithm::Rsa { hash: None } } else { key.clone() };
        if authority {
            preferred.host_key_certificates = Cow::Owned(keys.clone());
        }
        keys.sort_by_key(|key| !types.contains(&plain(key)));
        preferred.key = Cow::Owned(keys);
        preferred
    }

    fn accept(&self, shown: &PublicKeyOrCertificate) -> Result<bool, KeyError> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let key = shown.public_key();
        let verdict = match shown.certificate() {
            Some(certificate) => known_hosts::judge_certificate(&self.files, &self.names, certificate, now),
            None => known_hosts::judge(&self.files, &self.names, &key),
        };
        let (name, target, print) = (&self.names[0], &self.target, known_hosts::fingerprint(&key));
        let algorithm = key.algorithm();
        let (message, hint) = match (verdict, self.strict) {
            (Verdict::Known, _) => return Ok(true),
            (Verdict::Revoked(place), _) => (
                format!("the key of `{target}` ({algorithm} {print}) is revoked by {} line {}", place.path, place.line),
                String::from("do not connect to it before you know why; give the host a new key"),
            ),
            (_, Strict::No) => return Ok(true),
            (Verdict::Unknown, Strict::AcceptNew) => return self.remember(&key).map(|()| true),
            (Verdict::Unknown, Strict::Yes) => (
                format!("the key of `{target}` is not known: {algorithm} {print}"),
                format!("compare it with the host's own, then: {}; or set `StrictHostKeyChecking=accept-new`", self.scan()),
            ),
            (Verdict::OtherType(place), _) => (
                format!(
                    "`{target}` shows a key of a type it is not known by: {algorithm} {print}; known is {} {} ({} line {})",
                    place.algorithm, place.fingerprint, place.path, place.line
                ),
                format!("compare it with the host's own, then add it: {}", self.scan()),
            ),
            (Verdict::Changed(place), _) => (
                format!(
                    "the key of `{target}` has CHANGED: it shows {algorithm} {print}; known is {} ({} line {})",
                    place.fingerprint, place.path, place.line
                ),
                format!("somebody may be listening in. Where the host is known to be new: ssh-keygen -f {} -R '{name}'", place.path),
            ),
            (Verdict::BadCertificate(why), _) => (
                format!("the host certificate of `{target}` does not hold: {why}"),
                String::from("have its authority sign it again, for this host's name"),
            ),
        };
        Err(KeyError::Refused(message, hint))
    }

    fn scan(&self) -> String {
        let name = &self.names[0];
        let (host, port) =
            name.strip_prefix('[').and_then(|rest| rest.split_once("]:")).map_or((name.as_str(), ""), |(host, port)| (host, port));
        let port = if port.is_empty() { String::new() } else { format!(" -p {port}") };
        format!("ssh-keyscan{port} {host} >> {}", self.own.as_deref().unwrap_or("~/.ssh/known_hosts"))
    }

    fn remember(&self, key: &russh::keys::PublicKey) -> Result<(), KeyError> {
        use std::io::Write as _;
        let Some(path) = self.own.as_deref().filter(|path| *path != "/dev/null") else { return Ok(()) };
        let mut salt = [0_u8; 20];
        OsRng.fill_bytes(&mut salt);
        let mut line = known_hosts::line(&self.names[0], key, self.hashed.then_some(&salt[..]));
        // Read again: another connection of this run may have written to it.
        if std::fs::read(path).is_ok_and(|text| text.last().is_some_and(|last| *last != b'\n')) {
            line.insert(0, '\n');
        }
        if let Some(folder) = std::path::Path::new(path).parent() {
            let _ = std::os::unix::fs::DirBuilderExt::mode(std::fs::DirBuilder::new().recursive(true), 0o700).create(folder);
        }
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).map_err(|error| {
            KeyError::Refused(
                format!("the key of `{}` is new and cannot be written to `{path}`: {error}", self.target),
                String::from("a key that is not kept would be accepted anew each time"),
            )
        })
    }
}

impl client::Handler for Checker {
    type Error = KeyError;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, KeyError> {
        self.accept(key)
    }
}
