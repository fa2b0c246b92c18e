//! Proving who we are to an SSH server, in OpenSSH's order: keys of the agent, key files, password, keyboard-interactive.

use std::sync::Arc;

use play_core::run::{Address, Fault, FaultKind};
use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::{AgentClient, AgentStream};
use russh::keys::{Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey};

use super::config::Settings;
use super::fault;
use super::host_key::Checker;

type Agent = AgentClient<Box<dyn AgentStream + Send + Unpin>>;

/// What the server would still take; `None`: it has not said yet.
type Left = Option<Vec<MethodKind>>;

struct Attempt<'a> {
    handle: &'a mut Handle<Checker>,
    settings: &'a Settings,
    left: Left,
    tried: Vec<String>,
    hints: Vec<String>,
}

enum Step {
    In,
    On,
    /// The server hung up.
    Out,
}

/// Logs in, or says what was tried and what the server would take.
pub async fn log_in(handle: &mut Handle<Checker>, settings: &Settings, address: &Address) -> Result<(), Fault> {
    let password = address.password.as_ref().and_then(|password| password.as_str());
    let mut attempt = Attempt { handle, settings, left: None, tried: vec![], hints: vec![] };
    let outcome = match attempt.keys(address).await {
        Step::On => attempt.password(password).await,
        step => step,
    };
    match outcome {
        Step::In => Ok(()),
        step => Err(attempt.refused(address, matches!(step, Step::Out))),
    }
}

impl Attempt<'_> {
    fn would_take(&self, method: MethodKind) -> bool {
        self.left.as_ref().is_none_or(|left| left.contains(&method))
    }

    fn took(&mut self, result: Result<AuthResult, russh::Error>) -> Step {
        match result {
            Ok(AuthResult::Success) => Step::In,
            Ok(AuthResult::Failure { remaining_methods, .. }) if remaining_methods.is_empty() => Step::Out,
            Ok(AuthResult::Failure { remaining_methods, .. }) => {
                self.left = Some(remaining_methods.to_vec());
                Step::On
            }
            Err(_) => Step::Out,
        }
    }

    async fn keys(&mut self, address: &Address) -> Step {
        if !self.settings.publickey {
            return Step::On;
        }
        let files: Vec<KeyFile> =
            self.settings.identity_files.iter().filter_map(|path| KeyFile::read(path, &self.settings.certificate_files)).collect();
        if let Some(path) = &address.private_key_file
            && !files.iter().any(|file| file.path.ends_with(path.trim_start_matches('~')))
        {
            self.hints.push(format!("there is no key file `{path}`"));
        }
        let mut known: Vec<PublicKey> = vec![];
        match self.agent_keys(&files, &mut known).await {
            Step::On => {}
            step => return step,
        }
        for file in files {
            if !self.would_take(MethodKind::PublicKey) {
                return Step::On;
            }
            if file.public.as_ref().is_some_and(|key| known.iter().any(|other| other.key_data() == key.key_data())) {
                continue;
            }
            match self.key_file(file).await {
                Step::On => {}
                step => return step,
            }
        }
        Step::On
    }

    /// Keys of the agent: first those that are also named as files, as OpenSSH does.
    async fn agent_keys(&mut self, files: &[KeyFile], known: &mut Vec<PublicKey>) -> Step {
        let Some((mut agent, mut identities)) = agent(self.settings).await else { return Step::On };
        let place = |identity: &AgentIdentity| {
            files.iter().position(|file| file.public.as_ref().is_some_and(|key| key.key_data() == identity.public_key().key_data()))
        };
        if self.settings.identities_only {
            identities.retain(|identity| place(identity).is_some());
        }
        identities.sort_by_key(|identity| place(identity).unwrap_or(usize::MAX));
        for identity in identities {
            if !self.would_take(MethodKind::PublicKey) {
                return Step::On;
            }
            let public = identity.public_key().into_owned();
            self.tried.push(format!(
                "the agent's key {}",
                if identity.comment().is_empty() { public.algorithm().to_string() } else { identity.comment().to_owned() }
            ));
            let hash = self.hash(&public).await;
            let user = self.settings.user.clone();
            let result = match identity {
                AgentIdentity::PublicKey { key, .. } => self.handle.authenticate_publickey_with(user, key, hash, &mut agent).await,
                AgentIdentity::Certificate { certificate, .. } => {
                    self.handle.authenticate_certificate_with(user, certificate, hash, &mut agent).await
                }
            };
            known.push(public);
            match result {
                Ok(result) => match self.took(Ok(result)) {
                    Step::On => {}
                    step => return step,
                },
                Err(error) => self.hints.push(format!("the agent did not sign: {error}")),
            }
        }
        Step::On
    }

    async fn key_file(&mut self, file: KeyFile) -> Step {
        let path = file.path;
        let key = match file.key {
            Ok(key) => Arc::new(key),
            Err(why) => {
                self.hints.push(why);
                return Step::On;
            }
        };
        self.tried.push(format!("key `{path}`"));
        let user = self.settings.user.clone();
        if let Some(certificate) = file.certificate {
            let result = self.handle.authenticate_openssh_cert(user.clone(), key.clone(), certificate).await;
            match self.took(result) {
                Step::On => {}
                step => return step,
            }
        }
        let hash = self.hash(key.public_key()).await;
        let result = self.handle.authenticate_publickey(user, PrivateKeyWithHashAlg::new(key, hash)).await;
        self.took(result)
    }

    /// The hash that the server wants with an RSA key; asking may wait for it, so only then.
    async fn hash(&self, key: &PublicKey) -> Option<HashAlg> {
        match key.algorithm().is_rsa() {
            true => self.handle.best_supported_rsa_hash().await.ok().flatten().unwrap_or(Some(HashAlg::Sha512)),
            false => None,
        }
    }

    async fn password(&mut self, password: Option<&str>) -> Step {
        if self.left.is_none() && (password.is_none() || self.tried.is_empty()) {
            // Finds out what the server takes, and lets us in where it takes anybody.
            let result = self.handle.authenticate_none(self.settings.user.clone()).await;
            match self.took(result) {
                Step::On => {}
                step => return step,
            }
        }
        let Some(password) = password else { return Step::On };
        if self.settings.password && self.would_take(MethodKind::Password) {
            self.tried.push(String::from("the password"));
            let result = self.handle.authenticate_password(self.settings.user.clone(), password).await;
            match self.took(result) {
                Step::On => {}
                step => return step,
            }
        }
        if self.settings.keyboard && self.would_take(MethodKind::KeyboardInteractive) {
            self.tried.push(String::from("keyboard-interactive with the password"));
            return self.keyboard(password).await;
        }
        Step::On
    }

    async fn keyboard(&mut self, password: &str) -> Step {
        let mut given = false;
        let mut answer = self.handle.authenticate_keyboard_interactive_start(self.settings.user.clone(), None).await;
        for _ in 0..8 {
            match answer {
                Ok(KeyboardInteractiveAuthResponse::Success) => return Step::In,
                Ok(KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success }) => {
                    return self.took(Ok(AuthResult::Failure { remaining_methods, partial_success }));
                }
                Ok(KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. }) => {
                    if given && !prompts.is_empty() {
                        self.hints.push(format!("it also asks `{}`", prompts[0].prompt.trim()));
                        return Step::On;
                    }
                    given |= !prompts.is_empty();
                    answer = self.handle.authenticate_keyboard_interactive_respond(vec![password.to_owned(); prompts.len()]).await;
                }
                Err(_) => return Step::Out,
            }
        }
        Step::On
    }

    fn refused(&self, address: &Address, out: bool) -> Fault {
        let tried =
            if self.tried.is_empty() { String::from("nothing was at hand to try") } else { format!("tried {}", self.tried.join(", ")) };
        let takes = match &self.left {
            Some(left) => format!("; the server takes {}", left.iter().map(<&str>::from).collect::<Vec<_>>().join(", ")),
            None => String::new(),
        };
        let hung_up = if out { "; the server hung up" } else { "" };
        let hints = match (&self.hints[..], address.password.is_some()) {
            ([], _) if out && self.tried.len() > 4 => String::from(
                "it may have been too many keys: name one with `ansible_ssh_private_key_file`, and set `-o IdentitiesOnly=yes` in `ansible_ssh_common_args`",
            ),
            ([], false) => format!(
                "give a key with `ansible_ssh_private_key_file` or a password with `ansible_password`; `ssh-copy-id {}@{}` puts your key there",
                self.settings.user, self.settings.host
            ),
            ([], true) => String::from("look at `ansible_user` and `ansible_password`, and at the server's log"),
            (hints, _) => hints.join("; "),
        };
        let message = format!("`{}` lets `{}` not in: {tried}{takes}{hung_up}", address.name, self.settings.user);
        fault(FaultKind::Unreachable, message, Some(&hints))
    }
}

/// A key file: its public half where that could be told, and the private one or why not.
struct KeyFile {
    path: String,
    public: Option<PublicKey>,
    key: Result<PrivateKey, String>,
    certificate: Option<Certificate>,
}

impl KeyFile {
    /// `None`: there is no such file.
    fn read(path: &str, certificates: &[String]) -> Option<KeyFile> {
        let beside = PublicKey::read_openssh_file(format!("{path}.pub")).ok();
        if !std::path::Path::new(path).exists() {
            // Only the public half is here: the agent may have the other.
            return beside.map(|public| KeyFile {
                path: path.to_owned(),
                public: Some(public),
                key: Err(format!("`{path}` is not there, only its public half")),
                certificate: None,
            });
        }
        let key = russh::keys::load_secret_key(path, None).map_err(|error| match error {
            russh::keys::Error::KeyIsEncrypted => format!("`{path}` has a passphrase: add it to the agent with `ssh-add {path}`"),
            error => format!("`{path}` cannot be read: {error}"),
        });
        let key = match key {
            Ok(key) if key.is_encrypted() => Err(format!("`{path}` has a passphrase: add it to the agent with `ssh-add {path}`")),
            key => key,
        };
        let public = key.as_ref().ok().map(|key| key.public_key().clone()).or(beside);
        let own = format!("{path}-cert.pub");
        let certificate = certificates.iter().chain([&own]).filter_map(|path| russh::keys::load_openssh_certificate(path).ok());
        let certificate =
            certificate.into_iter().find(|certificate| public.as_ref().is_some_and(|public| public.key_data() == certificate.public_key()));
        Some(KeyFile { path: path.to_owned(), public, key, certificate })
    }
}

async fn agent(settings: &Settings) -> Option<(Agent, Vec<AgentIdentity>)> {
    let path = match settings.identity_agent.as_deref() {
        Some("none") => return None,
        Some(path) => path.strip_prefix('$').map_or_else(|| Some(path.to_owned()), |name| std::env::var(name).ok())?,
        None => std::env::var("SSH_AUTH_SOCK").ok().filter(|path| !path.is_empty())?,
    };
    let mut agent = AgentClient::connect_uds(path).await.ok()?.dynamic();
    let identities = agent.request_identities().await.ok()?;
    Some((agent, identities))
}
