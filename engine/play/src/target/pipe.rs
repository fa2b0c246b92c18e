//! The three byte streams of one far shell, alike for a child process and for an SSH channel.

use std::io;
use std::process::Stdio;

use russh::ChannelMsg;
use russh::client::Msg;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// What was heard.
pub enum Heard {
    Out(Vec<u8>),
    Err(Vec<u8>),
    /// Nothing more will come: the exit code where one was told.
    End(Option<i32>),
}

pub struct Pipe {
    pub ears: Ears,
    pub mouth: Mouth,
}

pub enum Ears {
    Child { child: Box<Child>, out: ChildStdout, err: Option<ChildStderr> },
    Channel { channel: russh::ChannelReadHalf, code: Option<i32> },
}

pub enum Mouth {
    Child(ChildStdin),
    Channel(russh::ChannelWriteHalf<Msg>),
}

impl Pipe {
    /// A child of ours, in a process group of its own, ended with us.
    pub fn child(words: &[String]) -> io::Result<Pipe> {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn()?;
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(stdin), Some(out), Some(err)) => {
                Ok(Pipe { ears: Ears::Child { child: Box::new(child), out, err: Some(err) }, mouth: Mouth::Child(stdin) })
            }
            _ => Err(io::Error::other("a child process without its streams")),
        }
    }

    pub fn channel(channel: russh::Channel<Msg>) -> Pipe {
        let (read, write) = channel.split();
        Pipe { ears: Ears::Channel { channel: read, code: None }, mouth: Mouth::Channel(write) }
    }
}

impl Ears {
    /// The next that comes. Nothing is lost where this is dropped while it waits.
    pub async fn hear(&mut self) -> Heard {
        match self {
            Ears::Child { child, out, err } => hear_child(child, out, err).await,
            Ears::Channel { channel, code } => loop {
                match channel.wait().await {
                    Some(ChannelMsg::Data { data }) => return Heard::Out(data.to_vec()),
                    Some(ChannelMsg::ExtendedData { data, .. }) => return Heard::Err(data.to_vec()),
                    Some(ChannelMsg::ExitStatus { exit_status }) => *code = i32::try_from(exit_status).ok(),
                    Some(ChannelMsg::ExitSignal { .. }) => *code = code.or(Some(143)),
                    Some(ChannelMsg::Close) | None => return Heard::End(*code),
                    Some(_) => {}
                }
            },
        }
    }
}

/// How long the second stream is listened to after the first has ended.
const LINGER: std::time::Duration = std::time::Duration::from_millis(300);

async fn hear_child(child: &mut Child, out: &mut ChildStdout, err: &mut Option<ChildStderr>) -> Heard {
    let mut bytes = Vec::with_capacity(32 * 1024);
    let mut wrong = Vec::with_capacity(4 * 1024);
    loop {
        let Some(open) = err else {
            return match out.read_buf(&mut bytes).await {
                Ok(1..) => Heard::Out(bytes),
                _ => Heard::End(child.wait().await.ok().and_then(|status| status.code())),
            };
        };
        tokio::select! {
            biased;
            read = open.read_buf(&mut wrong) => match read {
                Ok(1..) => return Heard::Err(wrong),
                _ => *err = None,
            },
            read = out.read_buf(&mut bytes) => match read {
                Ok(1..) => return Heard::Out(bytes),
                // what was still on its way beside it is heard before the end is; a daemon may hold it open
                _ => match tokio::time::timeout(LINGER, open.read_buf(&mut wrong)).await {
                    Ok(Ok(1..)) => return Heard::Err(wrong),
                    _ => *err = None,
                },
            },
        }
    }
}

impl Mouth {
    pub async fn say(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        match self {
            Mouth::Child(stdin) => stdin.write_all(&bytes).await,
            Mouth::Channel(channel) => channel.data_bytes(bytes).await.map_err(io::Error::other),
        }
    }
    /// Nothing more will be said. The far side ends the channel once its shell has ended: closing it from here as well
    /// would leave nobody who hears of that end.
    pub async fn close(self) {
        if let Mouth::Channel(channel) = self {
            let _ = channel.eof().await;
        }
    }
}
