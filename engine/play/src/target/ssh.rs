//! Connections over SSH: one for each host, with many channels; hosts behind a jump share the connection to it.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use play_core::run::{Address, Fault, FaultKind};
use russh::client::{self, Handle};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::config::{self, Settings, Strict};
use super::host_key::{Checker, KeyError};
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

/// A connection under way; boxed, as one may jump over others.
type Connecting<'a> = Pin<Box<dyn Future<Output = Result<Arc<Handle<Checker>>, Fault>> + Send + 'a>>;

impl Connections {
    /// A new channel on which `command` runs.
    pub async fn channel(&self, address: &Address, command: &str) -> Result<Pipe, Fault> {
        let handle = self.handle(address, JUMPS).await?;
        let lost = |error: russh::Error| match error {
            russh::Error::ChannelOpenFailure(why) => unreachable(
                address,
                &format!("refused one more session ({why:?})"),
                Some("raise `MaxSessions` in the target's sshd_config"),
            ),
            error => unreachable(address, &error.to_string(), None),
        };
        let channel = handle.channel_open_session().await.map_err(lost)?;
        channel.exec(false, command).await.map_err(lost)?;
        Ok(Pipe::channel(channel))
    }

    /// The connection to a host, made where there is none. Boxed, because a jump comes back here.
    fn handle<'a>(&'a self, address: &'a Address, jumps: u8) -> Connecting<'a> {
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
                Err(_) => Err(unreachable(
                    address,
                    &format!("no connection to {} port {} within {} s", settings.host, settings.port, timeout.as_secs()),
                    Some("look at the address, a firewall between, and `ansible_timeout`"),
                )),
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
                return Err(Refusal::Final(unreachable(
                    address,
                    &format!("more than {JUMPS} jumps, one after another"),
                    Some("look for a circle of `ProxyJump`"),
                )));
            }
            let hop = hop(address, list);
            let handle = self.handle(&hop, jumps - 1).await.map_err(Refusal::Final)?;
            let channel = handle.channel_open_direct_tcpip(settings.host.clone(), settings.port.into(), "127.0.0.1", 0).await;
            let channel = channel.map_err(|error| {
                Refusal::Perhaps(unreachable(
                    address,
                    &format!("`{}` does not get through to {} port {}: {error}", hop.host, settings.host, settings.port),
                    Some("the jump host must allow TCP forwarding"),
                ))
            })?;
            return Ok(Box::new(channel.into_stream()));
        }
        if let Some(command) = &settings.proxy_command {
            return proxy(command)
                .map_err(|error| Refusal::Final(unreachable(address, &format!("cannot start ProxyCommand `{command}`: {error}"), None)));
        }
        let socket = TcpStream::connect((settings.host.as_str(), settings.port)).await.map_err(|error| {
            let hint = match error.kind() {
                std::io::ErrorKind::ConnectionRefused => "nothing listens there: is sshd running, and is `ansible_port` right?",
                _ => "look at `ansible_host`, the name service and the network",
            };
            Refusal::Perhaps(unreachable(
                address,
                &format!("cannot connect to {} port {}: {error}", settings.host, settings.port),
                Some(hint),
            ))
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
        russh::Error::Disconnect | russh::Error::HUP => {
            String::from("the server hung up before any login; it may be overloaded (`MaxStartups`) or refuse this address")
        }
        russh::Error::NoCommonAlgo { kind, ours, theirs } => {
            format!("no {kind:?} algorithm in common: here {}; there {}", ours.join(", "), theirs.join(", "))
        }
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
    let around = config::Around {
        home: std::env::var("HOME").unwrap_or_else(|_| String::from("/root")),
        user: std::env::var("USER").unwrap_or_else(|_| String::from("root")),
    };
    let mut args = address.ssh_args.clone();
    args.extend(address.port.iter().flat_map(|port| [String::from("-p"), port.to_string()]));
    args.extend(address.user.iter().flat_map(|user| [String::from("-l"), user.clone()]));
    args.extend(address.private_key_file.iter().flat_map(|file| [String::from("-i"), file.clone()]));
    let asked = tokio::process::Command::new("ssh")
        .args(["-G", "-T"])
        .args(&args)
        .args(["--", &address.host])
        .stdin(std::process::Stdio::null())
        .output()
        .await;
    let dump = match asked {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(output) => {
            let said = super::session::last_line(&output.stderr);
            return Err(unreachable(
                address,
                &format!("ssh does not take its configuration{said}"),
                Some("look at `ansible_ssh_common_args`, `ansible_ssh_extra_args` and ~/.ssh/config"),
            ));
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
