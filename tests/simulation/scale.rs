//! How a run grows with its hosts: seconds, and bytes of the session for each.

use std::time::Instant;

use play_core::state::{Answer, Reply};
use play_core::weave::{Input, Options, Output};
use serde_json::json;

use super::book::Book;

const TASKS: usize = 10;

/// `VmHWM`, in bytes; 0 where the system does not say.
fn highest() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() * 1024
}

/// All hosts at once, each as described but for one file: seconds, and messages.
fn seconds(hosts: usize) -> (f64, usize) {
    let files = (0..TASKS).map(|at| json!({"name": format!("t{at}"), "copy": {"dest": format!("/etc/f{at}"), "content": "x"}}));
    let play = json!([{"name": "play", "hosts": "hosts", "gather_facts": false, "tasks": files.collect::<Vec<_>>()}]);
    let book = Book::new(hosts, &play.to_string());
    let began = Instant::now();
    let mut session = book.session(Options { forks: hosts as u32, ..Options::default() });
    let mut far = super::far::Far::new(hosts);
    let (mut outputs, mut open, mut sent) = (session.next(Input::Start, 1.0), std::collections::VecDeque::new(), 0);
    loop {
        for output in outputs {
            match output {
                Output::Send { id, address, message, .. } => open.push_back((id, address, message)),
                Output::Done(summary) => {
                    assert!(summary.recaps.iter().all(|(_, recap)| recap.failed + recap.unreachable == 0));
                    return (began.elapsed().as_secs_f64(), sent);
                }
                _ => {}
            }
        }
        let (id, address, message) = open.pop_front().expect("it waits for an answer");
        sent += 1;
        let host = far.hosts.get_mut(&*address.name).expect("a message goes to a host that is there");
        let answers = host.run(&message.parts, message.parts.len());
        assert!(!answers.contains(&Answer::Shell(Reply { code: 127, ..Reply::default() })));
        outputs = session.next(Input::Answers { id, answers }, 1.0);
    }
}

#[test]
#[ignore = "a measurement: `cargo test --release -p tests simulation::scale -- --ignored --nocapture`"]
fn ten_thousand_hosts() {
    let mut per_host = vec![];
    for hosts in [1000, 10_000] {
        let before = highest();
        let (seconds, sent) = seconds(hosts);
        let bytes = highest().saturating_sub(before) / hosts as u64;
        println!("{hosts} hosts, {TASKS} tasks: {seconds:.2} s, {sent} messages, {bytes} bytes a host (far side included)");
        per_host.push(seconds / hosts as f64);
    }
    assert!(per_host[1] < 3.0 * per_host[0], "seconds a host: {per_host:?}");
}
