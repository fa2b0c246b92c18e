//! Bytes in and out of targets: connections to hosts, and one far shell for each user of each. Decides nothing about
//! states, and does not know what a script is for.

mod auth;
mod r#become;
mod chroot;
pub mod cluster;
mod config;
pub mod folder;
mod host_key;
mod known_hosts;
mod local;
mod pipe;
mod reading;
mod redact;
mod requests;
mod session;
mod shell;
mod ssh;
mod status;
#[cfg(test)]
mod tests;
mod upload;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use play_core::run::{Address, Connection, Fault, FaultKind, Message, Who};
use play_core::state::{Answer, Purpose};
use tokio::sync::watch;

use self::r#become::Gate;
pub use self::reading::Stream;
use self::session::{Failure, Session};
use self::shell::Mark;

/// What holds for all connections.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a question without a limit of its own may take.
    pub ask_limit: Duration,
    /// How long an unlocked login may take to give a shell, becoming another user included.
    pub start_limit: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { ask_limit: Duration::from_secs(600), start_limit: Duration::from_secs(30) }
    }
}

/// What happens while a message is on its way.
#[derive(Clone, PartialEq, Debug)]
pub enum Progress {
    Connecting,
    /// `sheltered`: what a daemon prints after the part that started it stays out of later answers. That needs one folder
    /// of the target to be writable.
    Connected {
        sheltered: bool,
    },
    /// Bytes of an upload that went out.
    Sent {
        to: String,
        sent: u64,
        of: u64,
    },
    Begun {
        part: usize,
    },
    /// Whole lines of an action that still runs; bytes as they came.
    Lines {
        part: usize,
        stream: Stream,
        bytes: Vec<u8>,
    },
    Done {
        part: usize,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stop {
    No,
    /// Start nothing more.
    Interrupt,
    /// End what runs.
    Abort,
}

/// All connections of a run.
pub struct Pool {
    options: Options,
    stop: watch::Sender<Stop>,
    ssh: ssh::Connections,
    clusters: cluster::Clusters,
    folders: folder::Folders,
    sessions: Mutex<HashMap<String, Arc<Slot>>>,
}

/// The far shell of one user of one target; one message at a time, in order.
type Slot = tokio::sync::Mutex<Option<Session>>;

impl Pool {
    pub fn new(options: Options) -> Pool {
        Pool {
            options,
            stop: watch::Sender::new(Stop::No),
            ssh: ssh::Connections::default(),
            clusters: cluster::Clusters::new(),
            folders: folder::Folders::new(),
            sessions: Mutex::default(),
        }
    }

    /// Sends a message and waits for all of its answers. Connects where that has not been done.
    ///
    /// After a fault `answers` holds what was answered before it. A message that only asks, or of which nothing can have
    /// been run, is sent a second time, over a new connection, where an old one turns out to be lost; any other never.
    pub async fn send(
        &self,
        address: &Address,
        who: &Who,
        message: Message,
        progress: impl Fn(Progress) + Send,
    ) -> Result<Vec<Answer>, Fault> {
        match address.connection {
            Connection::Ssh | Connection::Local | Connection::Chroot => {}
            Connection::Kubernetes => {
                let mut stop = self.stop.subscribe();
                let cut = || {
                    fault(
                        FaultKind::Interrupted,
                        String::from("interrupted while it was under way; it may have been done, or in part"),
                        None,
                    )
                };
                tokio::select! {
                    answers = self.clusters.send(address, message, Arc::new(|_| {})) => return answers,
                    () = session::aborted(&mut stop) => return Err(cut()),
                }
            }
            Connection::Folder => return self.folders.send(address, message, Arc::new(|_| {})).await,
        }
        if message.parts.is_empty() {
            return Ok(vec![]);
        }
        let slot = self.slot(address, who);
        let mut session = slot.lock().await;
        let mut stop = self.stop.subscribe();
        if *stop.borrow() != Stop::No {
            return Err(fault(FaultKind::Interrupted, String::from("interrupted before it began"), None));
        }
        let only_asks = message.parts.iter().all(|part| part.purpose == Purpose::Ask);
        loop {
            let fresh = self.ready(&mut session, address, who, &progress).await?;
            // Taken out while it is used: where this future is dropped in the middle, nobody gets a shell that still talks.
            let mut open = session.take().ok_or_else(|| fault(FaultKind::Unreachable, String::from("no connection"), None))?;
            match open.send(&message, &mut stop, &progress).await {
                Ok(answers) => {
                    *session = Some(open);
                    return Ok(answers);
                }
                Err(Failure { fault, unsent }) => {
                    open.close().await;
                    if fresh || !(only_asks || unsent) || fault.kind != FaultKind::Unreachable {
                        return Err(fault);
                    }
                }
            }
        }
    }

    /// Makes sure of a shell; says whether it is a new one.
    async fn ready(
        &self,
        session: &mut Option<Session>,
        address: &Address,
        who: &Who,
        progress: &(impl Fn(Progress) + Send),
    ) -> Result<bool, Fault> {
        if let Some(open) = session {
            if !open.is_gone().await {
                return Ok(false);
            }
            if let Some(gone) = session.take() {
                gone.close().await;
            }
        }
        progress(Progress::Connecting);
        let mut stop = self.stop.subscribe();
        tokio::select! {
            opened = self.open(address, who) => *session = Some(opened?),
            () = session::aborted(&mut stop) => return Err(fault(FaultKind::Interrupted, String::from("interrupted while connecting"), None)),
        }
        let sheltered = session.as_ref().is_some_and(|session| session.hello.folder.is_some());
        progress(Progress::Connected { sheltered });
        Ok(true)
    }

    async fn open(&self, address: &Address, who: &Who) -> Result<Session, Fault> {
        let start = Mark::random();
        let mut gate = Gate::new(who.0.as_ref(), &address.name);
        let shell = address.shell.as_deref().unwrap_or("/bin/sh").split_whitespace().map(str::to_owned);
        let words = gate.wrap(shell.chain([String::from("-c"), shell::program(&start)]).collect());
        let pipe = match address.connection {
            Connection::Chroot => local::connect(&chroot::words(address, words)?)?,
            Connection::Ssh => {
                let command: Vec<String> = words.iter().map(|word| word_for_login_shell(word)).collect();
                self.ssh.channel(address, &format!("exec {}", command.join(" "))).await?
            }
            _ => local::connect(&words)?,
        };
        Session::open(pipe, &start, &mut gate, self.options.start_limit, self.options.ask_limit).await
    }

    fn slot(&self, address: &Address, who: &Who) -> Arc<Slot> {
        let key = format!(
            "{}\0{}",
            ssh::key(address),
            who.0.as_ref().map_or(String::new(), |wanted| {
                // another password is another try; only its hash is kept
                let password = wanted.password.as_ref().and_then(|password| password.as_bytes()).map(play_core::text::value::sha256_hex);
                format!("{:?} {} {:?} {:?} {password:?}", wanted.method, wanted.user, wanted.executable, wanted.flags)
            })
        );
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone()
    }

    /// Lets messages in flight finish and starts none.
    pub fn interrupt(&self) {
        self.stop.send_if_modified(|stop| {
            *stop == Stop::No && {
                *stop = Stop::Interrupt;
                true
            }
        });
    }

    /// Ends what runs on the targets, process groups and all.
    pub fn abort(&self) {
        self.stop.send_replace(Stop::Abort);
    }

    /// Closes all shells and connections. Waits for messages in flight; [`Pool::abort`] first ends them.
    pub async fn close_all(&self) {
        let sessions: Vec<Arc<Slot>> = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, slot)| slot).collect();
        let mut closing = tokio::task::JoinSet::new();
        for slot in sessions {
            closing.spawn(async move {
                if let Some(session) = slot.lock().await.take() {
                    session.close().await;
                }
            });
        }
        closing.join_all().await;
        self.ssh.close().await;
    }
}

/// Quotes a word where a login shell (also csh or fish) could take it for more than that.
fn word_for_login_shell(word: &str) -> String {
    let plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./,:@%+".contains(&byte));
    if plain { word.to_owned() } else { shell::quote(word) }
}

fn fault(kind: FaultKind, message: String, hint: Option<&str>) -> Fault {
    Fault { kind, message, hint: hint.map(str::to_owned), answers: vec![] }
}

fn unreachable_host(message: String, hint: &str) -> Fault {
    fault(FaultKind::Unreachable, message, Some(hint))
}
