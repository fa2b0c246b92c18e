//! Sending contents that are too large to stand in a script, before the message that they belong to.

use std::io;
use std::time::Duration;

use play_core::run::{Fault, FaultKind};
use play_core::state::Upload;
use play_core::text::Body;
use tokio::io::AsyncReadExt as _;
use tokio::sync::watch;

use super::pipe::{Heard, Mouth, Pipe};
use super::reading::Reading;
use super::session::{aborted, last_line};
use super::shell::{self, Mark};
use super::{Progress, Stop, fault};

const CHUNK: usize = 256 * 1024;

/// Sends one upload and waits until the far side has it whole.
pub async fn put(
    pipe: &mut Pipe,
    upload: &Upload,
    all: &[&str],
    (mark, reading): (&Mark, &mut Reading),
    stop: &mut watch::Receiver<Stop>,
    progress: &(impl Fn(Progress) + Send),
) -> Result<(), Fault> {
    let Pipe { ears, mouth } = pipe;
    let failed = |message: String| {
        fault(FaultKind::Unreachable, format!("cannot send `{}`: {message}", upload.to), Some("nothing of this message was run"))
    };
    if upload.to.contains('\n') {
        return Err(failed(String::from("its path has a line break")));
    }
    reading.uploaded = None;
    let header = shell::upload(&upload.to, upload.contents.size, all, mark);
    let mut writing = Box::pin(stream(mouth, header, upload, progress));
    let mut written = false;
    while reading.uploaded.is_none() {
        tokio::select! {
            biased;
            result = &mut writing, if !written => match result {
                Ok(()) => written = true,
                // a far side that refuses reads no further: what it says about that is on its way
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => written = true,
                Err(error) => return Err(failed(error.to_string())),
            },
            heard = ears.hear() => match heard {
                Heard::Out(bytes) => drop(reading.out(&bytes)),
                Heard::Err(bytes) => drop(reading.err(&bytes)),
                Heard::End(_) => return Err(failed(format!("the connection or its shell ended{}", last_line(&reading.noise)))),
            },
            () = aborted(stop) => return Err(fault(FaultKind::Interrupted, String::from("interrupted while sending a file"), Some("nothing of this message was run"))),
        }
    }
    if reading.uploaded == Some(0) {
        return Ok(());
    }
    // the shell ends after a refusal; why it refused may still be on its way
    let listen = async {
        loop {
            match ears.hear().await {
                Heard::Out(bytes) => drop(reading.out(&bytes)),
                Heard::Err(bytes) => drop(reading.err(&bytes)),
                Heard::End(_) => return,
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), listen).await;
    let message = format!("`{}` could not be written: the target refused it{}", meant(&upload.to), reading.complaint());
    Err(fault(FaultKind::Refused, message, Some("is its file system full, or closed to this user? `df -h`, `df -i` and `ls -ld` tell")))
}

/// The file that an upload is for: it goes beside it, under a name of its own.
fn meant(to: &str) -> String {
    let (folder, name) = to.rsplit_once('/').unwrap_or(("", to));
    match name.strip_prefix('.').and_then(|name| name.split_once(".play-")) {
        Some((own, _)) => format!("{folder}/{own}"),
        None => to.to_string(),
    }
}

async fn stream(mouth: &mut Mouth, header: String, upload: &Upload, progress: &(impl Fn(Progress) + Send)) -> io::Result<()> {
    let size = upload.contents.size;
    let tell = |sent: u64| progress(Progress::Sent { to: upload.to.clone(), sent, of: size });
    mouth.say(header.into_bytes()).await?;
    match &upload.contents.body {
        Body::Here(value) => {
            let bytes = value.as_bytes().unwrap_or_default();
            if bytes.len() as u64 != size {
                return Err(io::Error::other("its size is not what was announced"));
            }
            let mut sent = 0;
            for chunk in bytes.chunks(CHUNK) {
                mouth.say(chunk.to_vec()).await?;
                sent += chunk.len() as u64;
                tell(sent);
            }
        }
        Body::Local(path) => {
            let mut file = tokio::fs::File::open(path).await.map_err(|error| io::Error::other(format!("`{path}`: {error}")))?;
            let mut sent = 0;
            while sent < size {
                let mut chunk = Vec::with_capacity(CHUNK);
                let room = CHUNK.min(usize::try_from(size - sent).unwrap_or(CHUNK));
                let read = (&mut file).take(room as u64).read_buf(&mut chunk).await?;
                if read == 0 {
                    return Err(io::Error::other(format!("`{path}` became shorter while it was sent")));
                }
                sent += read as u64;
                mouth.say(chunk).await?;
                tell(sent);
            }
        }
        Body::Away => return Err(io::Error::other("its contents are not at hand")),
    }
    Ok(())
}
