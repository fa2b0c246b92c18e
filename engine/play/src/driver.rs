//! Carries messages between the run and its targets. Decides nothing.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use play_core::run::{Event, Summary};
use play_core::text::Diagnostic;
use play_core::weave::{Input, Output, Session};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::report::Report;
use crate::target::{Pool, Progress};

/// What reaches the loop from outside.
enum Came {
    In(Input),
    Lines { host: Arc<str>, text: String, error: bool },
}

/// Seconds since 1970, as the clock said when the program began, and what has passed since: a clock that is set meanwhile ends no
/// wait early, and makes none longer.
pub fn now() -> f64 {
    static BEGAN: LazyLock<(Instant, f64)> =
        LazyLock::new(|| (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()));
    BEGAN.1 + BEGAN.0.elapsed().as_secs_f64()
}

/// Runs a session to its end. The first interrupt lets messages in flight finish, the second ends them.
pub async fn drive(session: &mut Session, pool: Arc<Pool>, report: &mut dyn Report) -> Summary {
    let (tell, mut hear) = mpsc::unbounded_channel();
    let mut outputs = session.next(Input::Start, now());
    let mut interrupts = 0;
    let mut ended = signal(SignalKind::terminate()).ok();
    let mut ticker = tokio::time::interval(Duration::from_millis(100));
    loop {
        for output in outputs {
            if let Some(summary) = carry(output, &pool, &tell, report) {
                return summary;
            }
        }
        let input = loop {
            tokio::select! {
                came = hear.recv() => match came {
                    Some(Came::In(input)) => break input,
                    Some(Came::Lines { host, text, error }) => report.tell(&Event::Line { host, text, error }),
                    None => break Input::Tick,
                },
                _ = ticker.tick() => report.beat(),
                _ = tokio::signal::ctrl_c() => {
                    interrupts += 1;
                    if interrupts > 1 {
                        pool.abort();
                    } else {
                        pool.interrupt();
                        let going = Diagnostic::warning("interrupted: what is under way is finished, and nothing else is begun");
                        report.tell(&Event::Notice(going.hint("interrupt once more to end it now")));
                    }
                    break Input::Interrupt;
                }
                () = terminated(&mut ended) => {
                    pool.abort();
                    break Input::Interrupt;
                }
            }
        };
        outputs = session.next(input, now());
    }
}

/// Waits for SIGTERM, for ever where it cannot be heard.
async fn terminated(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

fn carry(output: Output, pool: &Arc<Pool>, tell: &mpsc::UnboundedSender<Came>, report: &mut dyn Report) -> Option<Summary> {
    match output {
        Output::Tell(event) => report.tell(&event),
        Output::Done(summary) => {
            report.finish(&summary);
            return Some(summary);
        }
        Output::Send { id, address, who, message } => {
            report.sent(&address.name);
            let (pool, tell) = (pool.clone(), tell.clone());
            tokio::spawn(async move {
                let host = address.name.clone();
                let lines = tell.clone();
                let progress = move |progress| {
                    if let Progress::Lines { stream, bytes, .. } = progress {
                        let text = String::from_utf8_lossy(&bytes).into_owned();
                        let _ = lines.send(Came::Lines { host: host.clone(), text, error: stream == crate::target::Stream::Err });
                    }
                };
                let input = match pool.send(&address, &who, message, progress).await {
                    Ok(answers) => Input::Answers { id, answers },
                    Err(fault) => Input::Fault { id, fault },
                };
                let _ = tell.send(Came::In(input));
            });
        }
        Output::WakeAt(at) => {
            let tell = tell.clone();
            let pause = Duration::from_secs_f64((at - now()).max(0.0));
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                let _ = tell.send(Came::In(Input::Tick));
            });
        }
        Output::Prompt { text } => {
            let tell = tell.clone();
            report.prompt(&text);
            tokio::task::spawn_blocking(move || {
                let mut line = String::new();
                let read = std::io::stdin().read_line(&mut line);
                let input = match read {
                    Ok(0) | Err(_) => Input::Unanswered,
                    Ok(_) => Input::Prompted { text: line.trim_end().to_string() },
                };
                let _ = tell.send(Came::In(input));
            });
        }
    }
    None
}
