//! What went wrong once: each a small playbook that shows it.

use play_core::run::FaultKind;
use serde_json::{Value as Json, json};

use super::book::Book;
use super::drive::{Cut, Line, Plan, Trace, run};
use super::far::Far;

/// A book of one play on all hosts.
fn book(hosts: usize, tasks: Json) -> Book {
    let play = json!([{"name": "play", "hosts": "hosts", "gather_facts": false, "tasks": tasks}]);
    Book::new(hosts, &play.to_string())
}

fn ran(book: &Book, hosts: usize, plan: &Plan) -> (Trace, Far) {
    let mut far = Far::new(hosts);
    let trace = run(book, &mut far, plan);
    assert!(trace.wrong.is_empty(), "{:?}", trace.wrong);
    (trace, far)
}

fn cut(target: &str, nth: usize, kind: FaultKind) -> Plan {
    Plan { cuts: vec![Cut { target: target.into(), nth, ran: 0, answered: 0, kind }], ..Plan::default() }
}

fn contents(far: &Far, host: &str, path: &str) -> Option<String> {
    let fields = far.hosts[host].things.get(&("path".into(), path.into()))?;
    Some(fields["contents"]["@contents"].as_str()?.to_string())
}

fn outcome<'a>(trace: &'a Trace, host: &str, task: &str) -> Option<&'a Line> {
    trace.told.iter().find(|line| line.host == host && line.task == task && !line.item)
}

/// What waited to be sent was not yet published when the others looked.
#[test]
fn facts_of_another_host_are_read_behind_what_it_has_queued() {
    let plan = Plan { slow: vec!["h0".into()], ..Plan::default() };
    let tasks = json!([
        {"name": "t1", "copy": {"dest": "/etc/twice", "content": "x"}},
        {"name": "t2", "set_fact": {"v": "{{ inventory_hostname }}"}},
        {"name": "t3", "copy": {"dest": "/etc/v", "content": "{{ hostvars['h0'].v | default('none') }}"}},
    ]);
    let (trace, far) = ran(&book(2, tasks), 2, &plan);
    assert_eq!(contents(&far, "h0", "/etc/v").as_deref(), Some("h0"), "{:?}", trace.told);
    assert_eq!(contents(&far, "h1", "/etc/v").as_deref(), Some("h0"));
}

/// As in Ansible, where no host begins a task before all have ended the one before it.
#[test]
fn what_another_host_sets_later_is_not_seen() {
    let tasks = json!([
        {"name": "t1", "set_fact": {"v": 1}},
        {"name": "t2", "debug": {"msg": "{{ hostvars['h0'].v }}"}, "register": "r"},
        {"name": "t3", "set_fact": {"v": 2}},
        {"name": "t4", "copy": {"dest": "/etc/v", "content": "{{ r.msg }}"}},
    ]);
    let (_, far) = ran(&book(2, tasks), 2, &Plan::default());
    assert_eq!((contents(&far, "h0", "/etc/v").as_deref(), contents(&far, "h1", "/etc/v").as_deref()), (Some("1"), Some("1")));
}

/// `ignore_errors` is not about hosts that are not there: such a run ended with code 0.
#[test]
fn an_ignored_error_is_not_an_ignored_absence() {
    let tasks = json!([{"name": "t1", "command": "simctl count a", "ignore_errors": true}, {"name": "t2", "command": "simctl count b"}]);
    let (trace, _) = ran(&book(1, tasks), 1, &cut("h0", 0, FaultKind::Unreachable));
    let recap = trace.summary.expect("it ended").recaps[0].1;
    assert_eq!((recap.unreachable, recap.ignored, recap.ok), (1, 0, 0));
}

/// As in Ansible, a task for all that could not be run at all fails for all.
#[test]
fn a_task_for_all_whose_host_is_gone_fails_for_all() {
    let tasks = json!([{"name": "t1", "command": "simctl count a", "run_once": true}, {"name": "t2", "command": "simctl count b"}]);
    let (trace, far) = ran(&book(2, tasks), 2, &cut("h0", 0, FaultKind::Unreachable));
    assert_eq!(far.hosts["h1"].counts.get("b"), None, "{:?}", trace.told);
}

/// A wait was asked about before what it waits for was sent.
#[test]
fn what_is_queued_is_done_before_it_is_waited_for() {
    let tasks = json!([
        {"name": "t1", "copy": {"dest": "/run/there", "content": "x"}},
        {"name": "t2", "wait_for": {"path": "/run/there", "timeout": 5}},
    ]);
    let (trace, far) = ran(&book(1, tasks), 1, &Plan::default());
    assert_eq!(outcome(&trace, "h0", "t2").map(|line| line.outcome), Some("same"), "{:?}", trace.told);
    assert!(contents(&far, "h0", "/run/there").is_some());
}

/// The same for a pause.
#[test]
fn what_is_queued_is_done_before_a_pause() {
    let tasks = json!([
        {"name": "t1", "copy": {"dest": "/run/there", "content": "x"}},
        {"name": "t2", "pause": {"seconds": 100}},
        {"name": "t3", "command": "simctl count a"},
    ]);
    let (trace, _) = ran(&book(1, tasks), 1, &Plan::default());
    let mended = trace.sent.iter().find(|sent| sent.fixes > 0).expect("it is mended");
    assert!(mended.at < 10.0 && trace.ended > 100.0, "mended after {} seconds of {}", mended.at, trace.ended);
}

/// The clock was set back while a wait slept: nobody woke it again.
#[test]
fn a_clock_that_goes_back_ends_no_run() {
    let tasks = json!([{"name": "t1", "pause": {"seconds": 10}}, {"name": "t2", "command": "simctl count a"}]);
    for seconds in [-3600.0, 3600.0] {
        let (trace, far) = ran(&book(1, tasks.clone()), 1, &Plan { jumps: vec![(2, seconds)], ..Plan::default() });
        assert_eq!(far.hosts["h0"].counts.get("a"), Some(&1), "{:?}", trace.told);
    }
}

/// An interrupt while the first questions were on their way let all fixes behind them be sent.
#[test]
fn nothing_is_mended_after_an_interrupt() {
    let tasks =
        json!([{"name": "t1", "copy": {"dest": "/etc/a", "content": "x"}}, {"name": "t2", "copy": {"dest": "/etc/b", "content": "x"}}]);
    let (trace, far) = ran(&book(2, tasks), 2, &Plan { interrupt: Some(1), ..Plan::default() });
    assert!(trace.summary.is_some_and(|summary| summary.interrupted));
    assert!(far.hosts.values().all(|host| host.fixes == 0));
}

/// A pause could not be ended.
#[test]
fn an_interrupt_ends_pauses_and_waits() {
    let late = json!({"name": "t1", "shell": "simctl until a 9", "register": "r", "until": "r.rc == 0", "retries": 9, "delay": 1000});
    let more = [
        (1, json!({"name": "t1", "pause": {"minutes": 60}})),
        (2, json!({"name": "t1", "wait_for": {"path": "/run/never", "sleep": 1000, "timeout": 9000}})),
        (2, late),
    ];
    for (at, task) in more {
        let book = book(1, json!([task, {"name": "t2", "command": "simctl count b"}]));
        let (trace, far) = ran(&book, 1, &Plan { interrupt: Some(at), ..Plan::default() });
        assert_eq!(far.hosts["h0"].counts.get("b"), None, "{:?}", trace.told);
        assert!(trace.ended < 10.0, "it ends after {} seconds: {task}", trace.ended);
    }
}

/// An interrupt within a loop let the rest of the loop run.
#[test]
fn an_interrupt_ends_a_loop_between_two_items() {
    let tasks = json!([{"name": "t1", "command": "simctl count {{ item }}", "loop": ["a", "b", "c", "d"]}]);
    let (trace, far) = ran(&book(1, tasks), 1, &Plan { interrupt: Some(2), ..Plan::default() });
    assert_eq!(far.hosts["h0"].counts.len(), 2, "{:?}", trace.told);
    assert_eq!(outcome(&trace, "h0", "t1").map(|line| line.outcome), Some("ran"), "what was done is told");
}

/// A wait of one host on another was asked about while that other had a message on its way.
#[test]
fn one_message_at_a_time_goes_to_a_target() {
    let tasks = json!([
        {"name": "t1", "wait_for": {"path": "/run/late-{{ inventory_hostname }}", "sleep": 1}, "delegate_to": "h0"},
        {"name": "t2", "command": "simctl count {{ inventory_hostname }}", "delegate_to": "h0"},
    ]);
    let book = book(3, tasks);
    for pace in 0..20 {
        ran(&book, 3, &Plan { pace, ..Plan::default() });
    }
}
