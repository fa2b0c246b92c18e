//! One far shell as one user: opened once, then sent message after message. Knows the protocol of `shell.rs` in time.

use std::io;
use std::time::Duration;

use play_core::run::{Fault, FaultKind, Message};
use play_core::state::{Answer, Purpose, Script, Upload};
use tokio::sync::watch;
use tokio::time::Instant;

use super::r#become::Gate;
use super::pipe::{Heard, Pipe};
use super::reading::{Event, Piece, Reading, Scanner};
use super::shell::{self, Hello, Mark};
use super::upload::put;
use super::{Progress, Stop, fault};

/// After the far side should have ended a part by itself, and after it was told to.
const GRACE: Duration = Duration::from_secs(5);

pub struct Session {
    pipe: Pipe,
    pub hello: Hello,
    /// Its limit for questions that have none.
    ask_limit: Duration,
}

/// Why a message was not answered, and whether it is certain that nothing of it was run.
pub struct Failure {
    pub fault: Fault,
    pub unsent: bool,
}

/// How waiting for a message ended.
enum Ending {
    Over,
    /// The shell is gone.
    Gone(Option<i32>),
    TimedOut,
    Aborted {
        sent: bool,
    },
    Unwritten(io::Error),
}

impl Session {
    /// Waits for the shell to be there, having become whom it should be, and for what it says about itself.
    pub async fn open(mut pipe: Pipe, start: &Mark, gate: &mut Gate<'_>, timeout: Duration, ask_limit: Duration) -> Result<Session, Fault> {
        match tokio::time::timeout(timeout, greet(&mut pipe, start, gate)).await {
            Ok(hello) => Ok(Session { pipe, hello: hello?, ask_limit }),
            Err(_) => Err(gate.explain_silence(timeout)),
        }
    }

    /// Sends one message and waits for its answers. After an error this session is of no use any more.
    pub async fn send(
        &mut self,
        message: &Message,
        stop: &mut watch::Receiver<Stop>,
        progress: &(impl Fn(Progress) + Send),
    ) -> Result<Vec<Answer>, Failure> {
        let mark = Mark::random();
        let mut reading = Reading::new(&message.parts, &mark);
        let uploads: Vec<&Upload> =
            message.parts.iter().flat_map(|part| if let Script::Shell(shell) = &part.script { &shell.uploads[..] } else { &[] }).collect();
        for (index, upload) in uploads.iter().enumerate() {
            let all: Vec<&str> = uploads[..=index].iter().map(|upload| upload.to.as_str()).collect();
            put(&mut self.pipe, upload, &all, (&mark, &mut reading), stop, progress)
                .await
                .map_err(|fault| Failure { fault, unsent: true })?;
        }
        let text = shell::message(&message.parts, &mark);
        let ending = self.converse(message, text, &mut reading, stop, progress).await;
        let unsent = matches!(ending, Ending::Unwritten(_) | Ending::Aborted { sent: false });
        self.conclude(message, ending, reading).await.map_err(|fault| Failure { fault, unsent })
    }

    /// Writes and reads at once: a far shell that answers while it is still being sent to would else wait for ever.
    async fn converse(
        &mut self,
        message: &Message,
        text: String,
        reading: &mut Reading,
        stop: &mut watch::Receiver<Stop>,
        progress: &(impl Fn(Progress) + Send),
    ) -> Ending {
        let Pipe { ears, mouth } = &mut self.pipe;
        let mut writing = Box::pin(mouth.say(text.into_bytes()));
        let mut written = false;
        let mut begun = (usize::MAX, Instant::now());
        loop {
            if begun.0 != reading.current() {
                begun = (reading.current(), Instant::now());
                if begun.0 < message.parts.len() {
                    progress(Progress::Begun { part: begun.0 });
                }
            }
            let limit = message.parts.get(begun.0).and_then(|part| match (part.limit, part.purpose) {
                (Some(seconds), _) => Some(Duration::from_secs(seconds.max(1)) + GRACE),
                (None, Purpose::Ask) => Some(self.ask_limit),
                (None, _) => None,
            });
            let deadline = begun.1 + limit.unwrap_or(Duration::from_secs(365 * 86_400));
            tokio::select! {
                biased;
                result = &mut writing, if !written => match result {
                    Ok(()) => written = true,
                    Err(error) => return Ending::Unwritten(error),
                },
                heard = ears.hear() => match heard {
                    Heard::Out(bytes) => report(reading.out(&bytes), progress),
                    Heard::Err(bytes) => report(reading.err(&bytes), progress),
                    Heard::End(code) => return Ending::Gone(code),
                },
                () = aborted(stop) => return Ending::Aborted { sent: written },
                () = tokio::time::sleep_until(deadline) => return Ending::TimedOut,
            }
            if reading.is_over() {
                return Ending::Over;
            }
        }
    }

    async fn conclude(&mut self, message: &Message, ending: Ending, mut reading: Reading) -> Result<Vec<Answer>, Fault> {
        if matches!(ending, Ending::TimedOut | Ending::Aborted { sent: true }) {
            self.kill(&mut reading).await;
        }
        let at = reading.current();
        let undecided = message.parts.get(at).is_some_and(|part| part.purpose != Purpose::Ask);
        let doubt = if undecided { "; it may have been done, or in part" } else { "" };
        let timed_out = reading.timed_out || matches!(ending, Ending::TimedOut);
        let noise = last_line(&reading.noise);
        let answers = reading.answers();
        let (kind, text, hint) = match ending {
            Ending::Over => return Ok(answers),
            _ if timed_out => {
                let limit = message.parts.get(at).and_then(|part| part.limit).unwrap_or(self.ask_limit.as_secs());
                (FaultKind::TimedOut, format!("this took longer than its limit of {limit} s and was ended"), None)
            }
            Ending::Aborted { .. } => (FaultKind::Interrupted, format!("interrupted while it was under way{doubt}"), None),
            Ending::Gone(code) => {
                let code = code.map_or(String::new(), |code| format!(" with code {code}"));
                (
                    FaultKind::Unreachable,
                    format!("the connection or its shell ended{code}{noise}{doubt}"),
                    Some("run it again: what was done will be seen, what was not will be done"),
                )
            }
            Ending::Unwritten(error) => (
                FaultKind::Unreachable,
                format!("the connection was lost while a message was sent: {error}"),
                Some("nothing of this message was run"),
            ),
            Ending::TimedOut => (FaultKind::TimedOut, String::from("this took too long and was ended"), None),
        };
        Err(Fault { kind, message: text, hint: hint.map(str::to_owned), answers })
    }

    /// Ends the far process group, and listens for a while so that answers that were on their way are not lost.
    async fn kill(&mut self, reading: &mut Reading) {
        let Pipe { ears, mouth } = &mut self.pipe;
        let listen = async {
            if mouth.say(shell::KILL.to_vec()).await.is_err() {
                return;
            }
            while !reading.is_over() {
                match ears.hear().await {
                    Heard::Out(bytes) => drop(reading.out(&bytes)),
                    Heard::Err(bytes) => drop(reading.err(&bytes)),
                    Heard::End(_) => return,
                }
            }
        };
        let _ = tokio::time::timeout(GRACE, listen).await;
    }

    /// Ends the shell, and does not wait long for it.
    pub async fn close(self) {
        let Pipe { mut ears, mouth } = self.pipe;
        mouth.close().await;
        let end = async { while !matches!(ears.hear().await, Heard::End(_)) {} };
        let _ = tokio::time::timeout(Duration::from_millis(500), end).await;
    }

    /// Whether the shell ended since the last message. Takes no time.
    pub async fn is_gone(&mut self) -> bool {
        // Lets the runtime look at its sockets first.
        tokio::task::yield_now().await;
        loop {
            tokio::select! {
                biased;
                heard = self.pipe.ears.hear() => if let Heard::End(_) = heard { return true },
                () = std::future::ready(()) => return false,
            }
        }
    }
}

pub(super) async fn aborted(stop: &mut watch::Receiver<Stop>) {
    if stop.wait_for(|stop| *stop == Stop::Abort).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn report(events: Vec<Event>, progress: &(impl Fn(Progress) + Send)) {
    for event in events {
        progress(match event {
            Event::Lines { part, stream, bytes } => Progress::Lines { part, stream, bytes },
            Event::Done { part } => Progress::Done { part },
        });
    }
}

/// What a shell said last, for a message.
pub(super) fn last_line(noise: &[u8]) -> String {
    let text = String::from_utf8_lossy(noise);
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).map_or(String::new(), |line| format!(": {line}"))
}

async fn greet(pipe: &mut Pipe, start: &Mark, gate: &mut Gate<'_>) -> Result<Hello, Fault> {
    let mark = Mark::random();
    let mut scanner = Scanner::new(&mark);
    let (mut out, mut err) = (vec![], vec![]);
    let mut started = false;
    if !gate.waits() {
        let _ = pipe.mouth.say(shell::hello(&mark).into_bytes()).await;
        started = true;
    }
    loop {
        match pipe.ears.hear().await {
            Heard::Out(bytes) => {
                out.extend_from_slice(&bytes);
                for piece in scanner.feed(&bytes) {
                    if let Piece::Told(told) = piece {
                        return shell::read_hello(&told)
                            .ok_or_else(|| fault(FaultKind::Unreachable, format!("a shell that introduces itself as `{told}`"), None));
                    }
                }
                if !started && find(&out, start.text().as_bytes()) {
                    started = true;
                    if pipe.mouth.say(shell::hello(&mark).into_bytes()).await.is_err() {
                        return Err(gate.explain(&out, &err, None));
                    }
                }
            }
            Heard::Err(bytes) => err.extend_from_slice(&bytes),
            Heard::End(code) => return Err(gate.explain(&out, &err, code)),
        }
        if !started && let Some(password) = gate.answer(&out, &err)? {
            let _ = pipe.mouth.say(password).await;
        }
    }
}

pub(super) fn find(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}
