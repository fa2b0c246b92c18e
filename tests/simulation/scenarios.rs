//! Small playbooks, cut at each place there is, alone and in pairs, and interrupted at each input.

use play_core::run::FaultKind;
use serde_json::{Value as Json, json};
use tests::dice::Dice;

use super::book::Book;
use super::case::{Case, Traits};
use super::drive::{Cut, Plan};

const KINDS: [FaultKind; 4] = [FaultKind::Unreachable, FaultKind::TimedOut, FaultKind::Become, FaultKind::Interrupted];

fn copy(name: &str, dest: &str) -> Json {
    json!({"name": name, "copy": {"dest": dest, "content": "x\n"}})
}

fn play(more: Json, tasks: Json) -> Json {
    let mut play = json!({"name": "play", "hosts": "hosts", "gather_facts": false, "tasks": tasks});
    for (word, value) in more.as_object().into_iter().flatten() {
        play[word] = value.clone();
    }
    json!([play])
}

/// Every cut, every pair of cuts, an interrupt at every input, and what else must hold.
fn all(traits: Traits, playbook: Json) {
    let mut case = Case::new(traits, Book::new(traits.hosts, &playbook.to_string()));
    let cuts = cuts(&case);
    for cut in &cuts {
        case.faults(&Plan { cuts: vec![cut.clone()], ..Plan::default() });
    }
    let mut dice = Dice(cuts.len() as u64);
    for (at, first) in case.base.sent.clone().iter().enumerate() {
        for second in at..case.base.sent.len() {
            let of = |wanted: &str, nth: usize| {
                cuts.iter().filter(move |cut| cut.target == wanted && cut.nth == nth).cloned().collect::<Vec<_>>()
            };
            let nth = |at: usize| case.base.sent[..at].iter().filter(|sent| sent.target == case.base.sent[at].target).count();
            let pair = (of(&first.target, nth(at)), of(&case.base.sent[second].target, nth(second) + usize::from(second == at)));
            let (Some(one), Some(two)) =
                ((!pair.0.is_empty()).then(|| dice.pick(&pair.0)), (!pair.1.is_empty()).then(|| dice.pick(&pair.1)))
            else {
                continue;
            };
            case.faults(&Plan { cuts: vec![one.clone(), two.clone()], pace: dice.bits(), ..Plan::default() });
        }
    }
    for at in 1..=case.base.inputs {
        case.faults(&Plan { interrupt: Some(at), ..Plan::default() });
    }
    case.check();
    case.again();
    case.paced(&Plan { pace: 7, forks: 1, noise: true, ..Plan::default() });
    case.same_again(Plan { pace: 3, ..Plan::default() });
    assert!(case.wrong.is_empty(), "{} of {} cuts: {}\n{}", case.wrong.len(), cuts.len(), case.wrong[0], case.book.text);
}

/// Before each message, behind each of its parts, with all or none of the answers, in each way.
fn cuts(case: &Case) -> Vec<Cut> {
    let mut all: Vec<Cut> = vec![];
    for (at, sent) in case.base.sent.iter().enumerate() {
        let nth = case.base.sent[..at].iter().filter(|other| other.target == sent.target).count();
        for ran in 0..=sent.parts {
            for answered in if ran == 0 { vec![0] } else { vec![0, ran] } {
                for kind in KINDS.into_iter().filter(|kind| ran == 0 || *kind != FaultKind::Become) {
                    all.push(Cut { target: sent.target.clone(), nth, ran, answered, kind });
                }
            }
        }
    }
    all
}

#[test]
fn blocks() {
    let block = json!({"block": [copy("t1", "/etc/a"), {"name": "t2", "command": "simctl count a"}, copy("t3g", "/etc/b")],
        "rescue": [copy("t4g", "/srv/rescue-a")], "always": [copy("t5", "/etc/c")]});
    let mut block = block;
    block["block"][0]["name"] = json!("t1g");
    block["block"][1]["name"] = json!("t2g");
    all(Traits { hosts: 2, ..Traits::default() }, play(json!({}), json!([block, copy("t6", "/etc/d")])));
}

#[test]
fn failing_blocks_within_blocks() {
    let inner = json!({"block": [copy("t1g", "/etc/a"), {"name": "t2g", "command": "simctl fail"}], "always": [copy("t3g", "/etc/b")]});
    let outer = json!({"block": [inner, copy("t4g", "/etc/never")], "rescue": [copy("t5", "/etc/c")]});
    all(Traits { hosts: 1, ..Traits::default() }, play(json!({}), json!([outer, copy("t6", "/etc/d")])));
}

#[test]
fn loops() {
    let tasks = json!([
        {"name": "t1", "copy": {"dest": "/etc/a-{{ item }}", "content": "x"}, "loop": ["a", "b", "c"]},
        {"name": "t2", "command": "simctl count {{ item }}", "loop": ["a", "b"]},
        {"name": "t3", "file": {"path": "/etc/old{{ item }}", "state": "absent"}, "loop": [0, 1]},
    ]);
    all(Traits { hosts: 2, ..Traits::default() }, play(json!({}), tasks));
}

#[test]
fn handlers() {
    let mut first = copy("t1", "/etc/a");
    first["notify"] = json!("h0");
    let mut second = copy("t3", "/etc/b");
    second["notify"] = json!(["h0", "h1"]);
    let handlers = json!([{"name": "h0", "command": "simctl count h0"}, {"name": "h1", "copy": {"dest": "/srv/rescue-h", "content": "x"}}]);
    let more = json!({"handlers": handlers, "force_handlers": true});
    let tasks = json!([first, {"name": "t2", "meta": "flush_handlers"}, second]);
    all(Traits { hosts: 2, forced: true, restless: true, ..Traits::default() }, play(more, tasks));
}

#[test]
fn serial() {
    let tasks = json!([copy("t1", "/etc/a"), {"name": "t2", "command": "simctl count a"}]);
    all(Traits { hosts: 3, linked: true, ..Traits::default() }, play(json!({"serial": [1, 2]}), tasks));
}

#[test]
fn run_once_and_delegate_to() {
    let tasks = json!([
        copy("t1", "/etc/a"),
        {"name": "t2", "command": "simctl count a", "run_once": true, "register": "r"},
        {"name": "t3", "copy": {"dest": "/etc/b-{{ inventory_hostname }}", "content": "x"}, "delegate_to": "h0"},
        {"name": "t4", "copy": {"dest": "/etc/c", "content": "x"}},
    ]);
    all(Traits { hosts: 2, linked: true, delegates: true, ..Traits::default() }, play(json!({}), tasks));
}

#[test]
fn register_and_until() {
    let tasks = json!([
        copy("t1", "/etc/a"),
        {"name": "t2", "shell": "simctl until a 2", "register": "r", "until": "r.rc == 0", "retries": 4, "delay": 1},
        {"name": "t3", "copy": {"dest": "/etc/b", "content": "{{ r.rc }}"}, "register": "s"},
        {"name": "t4", "command": "simctl count b", "when": "s is changed"},
    ]);
    all(Traits { hosts: 2, ..Traits::default() }, play(json!({}), tasks));
}

#[test]
fn waits() {
    let tasks = json!([
        {"name": "t1", "package": {"name": "nginx"}},
        {"name": "t2", "systemd_service": {"name": "nginx", "state": "started"}},
        {"name": "t3", "wait_for": {"path": "/run/late-a", "sleep": 2}},
        {"name": "t4", "lineinfile": {"path": "/etc/nginx.conf", "line": "mine"}},
    ]);
    all(Traits { hosts: 1, waits: true, ..Traits::default() }, play(json!({}), tasks));
}

#[test]
fn objects_of_a_cluster() {
    let map =
        |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}, "data": {"a": "1"}});
    let tasks = json!([
        {"name": "t1", "k8s": {"definition": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}}},
        {"name": "t2", "k8s": {"definition": [map("a"), map("b")]}},
        {"name": "t3", "k8s": {"definition": map("c")}, "register": "r"},
        {"name": "t4", "k8s": {"definition": map("gone"), "state": "absent"}},
    ]);
    let mut play = play(json!({}), tasks);
    play[0]["hosts"] = json!("clusters");
    all(Traits { hosts: 0, ..Traits::default() }, play);
}
