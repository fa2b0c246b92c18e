//! Connections over SSH: one for each host, with many channels; hosts behind a jump share the connection to it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aes_gcm::aead::{OsRng, rand_core::RngCore as _};
use play_core::run::{Address, Fault, FaultKind};
use russh::client::{self, Handle};
use russh::keys::{Algorithm, PublicKeyOrCertificate};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::config::{self, Settings, Strict};
use super::known_hosts::{self, File, Verdict};
use super::pipe::Pipe;
use super::{auth, fault};

/// All connections by [`key`], and what `ssh -G` said.
pub struct Connections {
    open: Mutex<HashMap<String, Arc<Slot>>>,
    /// So that many hosts do not start as many processes at once.
    asking: Semaphore,
    settings: tokio::sync::Mutex<HashMap<String, Arc<tokio::sync::OnceCell<Settings>>>>,
}

impl Default for Connections {
    fn default() -> Connections {
        Connections { open: Mutex::default(), asking: Semaphore::new(8), settings: tokio::sync::Mutex::default() }
    }
}

type Slot = tokio::sync::Mutex<Option<Arc<Handle<Checker>>>>;

/// What carries a connection: a socket, a channel of a jump host, a process.
trait Carrier: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Carrier for T {}

/// What makes two addresses the same connection.
pub fn key(address: &Address) -> String {
    let Address { connection, host, port, user, private_key_file, path, ssh_args, shell, host_key_checking, .. } = address;
    format!("{connection:?} {host} {port:?} {user:?} {private_key_file:?} {path:?} {ssh_args:?} {shell:?} {host_key_checking}")
}

/// How many jumps may follow on each other: a circle ends here.
const JUMPS: u8 = 8;

impl Connections {
    /// A new channel on which `command` runs.
    pub async fn channel(&self, address: &Address, command: &str) -> Result<Pipe, Fault> {
        let handle = self.handle(address, JUMPS).await?;
        let lost = |error: russh::Error| match error {
            russh::Error::ChannelOpenFailure(why) => unreachable(address, &format!("refused one more session ({why:?})"), Some("raise `MaxSessions` in the target's sshd_config")),
            error => unreachable(address, &error.to_string(), None),
        };
        let channel = handle.channel_open_session().await.map_err(lost)?;
        channel.exec(false, command).await.map_err(lost)?;
        Ok(Pipe::channel(channel))
    }

    /// The connection to a host, made where there is none. Boxed, because a jump comes back here.
    fn handle<'a>(&'a self, address: &'a Address, jumps: u8) -> Pin<Box<dyn Future<Output = Result<Arc<Handle<Checker>>, Fault>> + Send + 'a>> {
        Box::pin(self.find_or_connect(address, jumps))
    }

    async fn find_or_connect(&self, address: &Address, jumps: u8) -> Result<Arc<Handle<Checker>>, Fault> {
        let slot = self.open.lock().unwrap_or_else(PoisonError::into_inner).entry(key(address)).or_default().clone();
        let mut open = slot.lock().await;
        if let Some(handle) = open.as_ref().filter(|handle| !handle.is_closed()) {
            return Ok(handle.clone());
        }
        let settings = self.settings(address).await?;
        let timeout = Duration::from_secs(if address.timeout > 0 { address.timeout } else { settings.connect_timeout.unwrap_or(10) });
        for attempt in 0.. {
            let connecting = Box::pin(self.connect(address, &settings, jumps));
            let connected = match tokio::time::timeout(timeout, connecting).await {
                Ok(Err(Refusal::Final(fault))) => return Err(fault),
                Ok(Err(Refusal::Perhaps(fault))) => Err(fault),
                Ok(Ok(handle)) => Ok(handle),
                Err(_) => Err(unreachable(address, &format!("no connection to {} port {} within {} s", settings.host, settings.port, timeout.as_secs()), Some("look at the address, a firewall between, and `ansible_timeout`"))),
            };
            match connected {
                Ok(mut handle) => {
                    // Not within the time limit: an agent may ask its user to confirm.
                    auth::log_in(&mut handle, &settings, address).await?;
                    return Ok(open.insert(Arc::new(handle)).clone());
                }
                Err(fault) if attempt >= address.retries => return Err(fault),
                Err(_) => tokio::time::sleep(Duration::from_millis(200 << attempt.min(5))).await,
            }
        }
        Err(unreachable(address, "no connection", None))
    }

    async fn connect(&self, address: &Address, settings: &Settings, jumps: u8) -> Result<Handle<Checker>, Refusal> {
        let checker = Checker::new(address, settings);
        let carrier = self.carrier(address, settings, jumps).await?;
        let config = client::Config {
            nodelay: true,
            keepalive_interval: Some(Duration::from_secs(15)),
            keepalive_max: 3,
            preferred: checker.preferred(settings),
            ..client::Config::default()
        };
        client::connect_stream(Arc::new(config), carrier, checker).await.map_err(|error| match error {
            KeyError::Refused(message, hint) => Refusal::Final(fault(FaultKind::Unreachable, message, Some(&hint))),
            KeyError::Ssh(error) => Refusal::Perhaps(unreachable(address, &explain(&error), None)),
        })
    }

    async fn carrier(&self, address: &Address, settings: &Settings, jumps: u8) -> Result<Box<dyn Carrier>, Refusal> {
        if let Some(list) = &settings.proxy_jump {
            if jumps == 0 {
                return Err(Refusal::Final(unreachable(address, &format!("more than {JUMPS} jumps, one after another"), Some("look for a circle of `ProxyJump`"))));
            }
            let hop = hop(address, list);
            let handle = self.handle(&hop, jumps - 1).await.map_err(Refusal::Final)?;
            let channel = handle.channel_open_direct_tcpip(settings.host.clone(), settings.port.into(), "127.0.0.1", 0).await;
            let channel = channel.map_err(|error| Refusal::Perhaps(unreachable(address, &format!("`{}` does not get through to {} port {}: {error}", hop.host, settings.host, settings.port), Some("the jump host must allow TCP forwarding"))))?;
            return Ok(Box::new(channel.into_stream()));
        }
        if let Some(command) = &settings.proxy_command {
            return proxy(command).map_err(|error| Refusal::Final(unreachable(address, &format!("cannot start ProxyCommand `{command}`: {error}"), None)));
        }
        let socket = TcpStream::connect((settings.host.as_str(), settings.port)).await.map_err(|error| {
            let hint = match error.kind() {
                std::io::ErrorKind::ConnectionRefused => "nothing listens there: is sshd running, and is `ansible_port` right?",
                _ => "look at `ansible_host`, the name service and the network",
            };
            Refusal::Perhaps(unreachable(address, &format!("cannot connect to {} port {}: {error}", settings.host, settings.port), Some(hint)))
        })?;
        let _ = socket.set_nodelay(true);
        Ok(Box::new(socket))
    }

    /// The settings of a host, asked for once.
    async fn settings(&self, address: &Address) -> Result<Settings, Fault> {
        let cell = self.settings.lock().await.entry(key(address)).or_default().clone();
        let ask = || async {
            let _turn = self.asking.acquire().await;
            settings(address).await
        };
        cell.get_or_try_init(ask).await.cloned()
    }

    pub async fn close(&self) {
        let slots: Vec<_> = self.open.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, slot)| slot).collect();
        for slot in slots {
            if let Some(handle) = slot.lock().await.take() {
                let _ = handle.disconnect(russh::Disconnect::ByApplication, "", "").await;
            }
        }
    }
}

/// Why there is no connection: whether trying again may help.
enum Refusal {
    Final(Fault),
    Perhaps(Fault),
}

fn unreachable(address: &Address, what: &str, hint: Option<&str>) -> Fault {
    fault(FaultKind::Unreachable, format!("`{}`: {what}", address.name), hint)
}

fn explain(error: &russh::Error) -> String {
    match error {
        russh::Error::Disconnect | russh::Error::HUP => String::from("the server hung up before any login; it may be overloaded (`MaxStartups`) or refuse this address"),
        russh::Error::NoCommonAlgo { kind, ours, theirs } => format!("no {kind:?} algorithm in common: here {}; there {}", ours.join(", "), theirs.join(", ")),
        russh::Error::Version => String::from("what listens there is not an SSH server"),
        error => error.to_string(),
    }
}

/// The address of the last stop before a host. As with OpenSSH it gets the configuration file, and nothing else.
fn hop(address: &Address, list: &str) -> Address {
    let (before, jump) = config::read_jump(list);
    let mut args: Vec<String> = vec![];
    if let (_, Some(file)) = config::read_arguments(&address.ssh_args) {
        args.extend([String::from("-F"), file]);
    }
    args.extend(before.into_iter().flat_map(|before| [String::from("-J"), before]));
    Address {
        name: jump.host.as_str().into(),
        host: jump.host,
        port: jump.port,
        user: jump.user,
        ssh_args: args,
        host_key_checking: address.host_key_checking,
        timeout: address.timeout,
        retries: address.retries,
        ..Address::default()
    }
}

fn proxy(command: &str) -> std::io::Result<Box<dyn Carrier>> {
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", &format!("exec {command}")])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()?;
    match (child.stdout.take(), child.stdin.take()) {
        (Some(out), Some(stdin)) => Ok(Box::new(tokio::io::join(out, stdin))),
        _ => Err(std::io::Error::other("a process without its streams")),
    }
}

/// What `ssh -G` says, or our own reading where there is no `ssh`.
async fn settings(address: &Address) -> Result<Settings, Fault> {
    let around = config::Around { home: std::env::var("HOME").unwrap_or_else(|_| String::from("/root")), user: std::env::var("USER").unwrap_or_else(|_| String::from("root")) };
    let mut args = address.ssh_args.clone();
    args.extend(address.port.iter().flat_map(|port| [String::from("-p"), port.to_string()]));
    args.extend(address.user.iter().flat_map(|user| [String::from("-l"), user.clone()]));
    args.extend(address.private_key_file.iter().flat_map(|file| [String::from("-i"), file.clone()]));
    let asked = tokio::process::Command::new("ssh").args(["-G", "-T"]).args(&args).args(["--", &address.host]).stdin(std::process::Stdio::null()).output().await;
    let dump = match asked {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(output) => {
            let said = super::session::last_line(&output.stderr);
            return Err(unreachable(address, &format!("ssh does not take its configuration{said}"), Some("look at `ansible_ssh_common_args`, `ansible_ssh_extra_args` and ~/.ssh/config")));
        }
        Err(_) => {
            let (mut lines, file) = config::read_arguments(&args);
            let home = around.home.clone();
            let read = move |path: &str| -> Vec<String> {
                let path = match (path.strip_prefix("~/"), path.starts_with('/')) {
                    (Some(rest), _) => format!("{home}/{rest}"),
                    (None, true) => path.to_owned(),
                    (None, false) => format!("{home}/.ssh/{path}"),
                };
                std::fs::read_to_string(path).into_iter().collect()
            };
            let files = file.map_or_else(|| vec![String::from("~/.ssh/config"), String::from("/etc/ssh/ssh_config")], |file| vec![file]);
            for text in files.iter().flat_map(|file| read(file)) {
                lines.extend(config::read_file(&text, &address.host, &read, 8));
            }
            lines.join("\n")
        }
    };
    let mut settings = config::read_dump(&dump, &address.host, &around);
    if !address.host_key_checking {
        settings.strict = Strict::No;
    }
    Ok(settings)
}

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
    fn new(address: &Address, settings: &Settings) -> Checker {
        let paths = settings.user_known_hosts.iter().chain(&settings.global_known_hosts);
        let files = paths.map(|path| File { path: path.clone(), text: std::fs::read_to_string(path).unwrap_or_default() }).collect();
        let names = match &settings.host_key_alias {
            Some(alias) => vec![alias.to_lowercase()],
            None => known_hosts::names(&settings.host, settings.port),
        };
        Checker { target: address.name.clone(), names, files, own: settings.user_known_hosts.first().cloned(), strict: settings.strict, hashed: settings.hash_known_hosts }
    }

    /// The algorithms to ask for: those of known keys first, so that a server with many shows one that can be judged.
    fn preferred(&self, settings: &Settings) -> russh::Preferred {
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
                format!("`{target}` shows a key of a type it is not known by: {algorithm} {print}; known is {} {} ({} line {})", place.algorithm, place.fingerprint, place.path, place.line),
                format!("compare it with the host's own, then add it: {}", self.scan()),
            ),
            (Verdict::Changed(place), _) => (
                format!("the key of `{target}` has CHANGED: it shows {algorithm} {print}; known is {} ({} line {})", place.fingerprint, place.path, place.line),
                format!("somebody may be listening in. Where the host is known to be new: ssh-keygen -f {} -R '{name}'", place.path),
            ),
            (Verdict::BadCertificate(why), _) => (format!("the host certificate of `{target}` does not hold: {why}"), String::from("have its authority sign it again, for this host's name")),
        };
        Err(KeyError::Refused(message, hint))
    }

    fn scan(&self) -> String {
        let name = &self.names[0];
        let (host, port) = name.strip_prefix('[').and_then(|rest| rest.split_once("]:")).map_or((name.as_str(), ""), |(host, port)| (host, port));
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
            KeyError::Refused(format!("the key of `{}` is new and cannot be written to `{path}`: {error}", self.target), String::from("a key that is not kept would be accepted anew each time"))
        })
    }
}

impl client::Handler for Checker {
    type Error = KeyError;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, KeyError> {
        self.accept(key)
    }
}
