//! A few runs whose far side is a real `sh` and a folder, cut between any two lines of what mends it: each file is as it
//! was or as it is to be, and the next run ends as if there had been no cut.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use play_core::resources;
use play_core::run::{Fault, FaultKind};
use play_core::state::{Answer, Part, Purpose, Reply, Script};
use play_core::weave::{Input, Options, Output};
use serde_json::json;

use super::book::Book;

const OLD: &str = "old line\n";

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("play-simulation-{}-{name}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(folder.join("away/inner")).expect("a folder");
    for file in ["a", "edited", "away/inner/x"] {
        std::fs::write(folder.join(file), OLD).expect("a file");
    }
    folder
}

fn book(folder: &Path) -> Book {
    let at = |name: &str| folder.join(name).display().to_string();
    let tasks = json!([
        {"name": "t1", "file": {"path": at("made"), "state": "directory", "mode": "0750"}},
        {"name": "t2", "copy": {"dest": at("made/new"), "content": "new\n".repeat(50), "mode": "0600"}},
        {"name": "t3", "copy": {"dest": at("a"), "content": "other\n"}},
        {"name": "t4", "lineinfile": {"path": at("edited"), "line": "a line"}},
        {"name": "t5", "file": {"path": at("link"), "src": "a", "state": "link"}},
        {"name": "t6", "file": {"path": at("away"), "state": "absent"}},
        {"name": "t7", "command": "true"},
        {"name": "t8", "copy": {"dest": at("last"), "content": "x"}},
    ]);
    Book::new(1, &json!([{"name": "play", "hosts": "hosts", "gather_facts": false, "tasks": tasks}]).to_string())
}

/// Every file, link and folder below a folder: mode and contents.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let list = Command::new("find").arg(folder).args(["-printf", "%P %y %m %l\\n"]).output().expect("find runs");
    let lines = String::from_utf8_lossy(&list.stdout).into_owned();
    let known = |line: &str| {
        let name = line.split(' ').next().unwrap_or_default();
        let contents = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        (name.to_string(), format!("{line} {contents}"))
    };
    lines.lines().map(known).collect()
}

fn shell(text: &str) -> Reply {
    let run = Command::new("sh").arg("-c").arg(text).env("LC_ALL", "C").stdin(Stdio::null()).output().expect("sh runs");
    Reply { code: run.status.code().unwrap_or(255), out: run.stdout, err: run.stderr }
}

fn text(part: &Part) -> &str {
    match &part.script {
        Script::Shell(shell) => &shell.text,
        Script::Api(_) => "",
    }
}

/// Where a run is cut: the nth message that writes, one of its parts, and how many lines of it are run.
type Place = (usize, usize, usize);

/// Runs it all, or up to a place; gives all places there were.
fn run(book: &Book, cut: Option<Place>) -> Vec<Place> {
    let mut session = book.session_of(Options { forks: 1, ..Options::default() }, resources::find);
    let mut places = vec![];
    let (mut outputs, mut writes) = (session.next(Input::Start, 1.0), 0);
    loop {
        let mut input = None;
        for output in outputs {
            match output {
                Output::Done(_) => return places,
                Output::Send { id, message, .. } => {
                    let writing = message.parts.iter().any(|part| part.purpose != Purpose::Ask);
                    writes += usize::from(writing);
                    let mut answers = vec![];
                    for (at, part) in message.parts.iter().enumerate() {
                        let lines = text(part).lines().count();
                        if writing && part.purpose != Purpose::Ask {
                            places.extend((0..=lines).map(|line| (writes, at, line)));
                        }
                        match cut.filter(|cut| (cut.0, cut.1) == (writes, at) && writing) {
                            None => answers.push(Answer::Shell(shell(text(part)))),
                            Some((.., line)) => {
                                drop(shell(&text(part).lines().take(line).collect::<Vec<_>>().join("\n")));
                                break;
                            }
                        }
                    }
                    input = Some(if answers.len() == message.parts.len() {
                        Input::Answers { id, answers }
                    } else {
                        let fault = Fault { kind: FaultKind::Unreachable, message: "cut".into(), hint: None, answers };
                        Input::Fault { id, fault }
                    });
                }
                _ => {}
            }
        }
        outputs = session.next(input.expect("it waits for an answer"), 1.0);
    }
}

#[test]
fn a_real_folder_is_whole_wherever_a_run_is_cut() {
    let goal = folder("goal");
    let places = run(&book(&goal), None);
    let goal_tree = tree(&goal);
    assert!(places.len() > 20 && goal_tree.len() == 7, "{places:?} {goal_tree:?}");
    let old = tree(&folder("old"));
    for place in places {
        let cut = folder("cut");
        let book = book(&cut);
        run(&book, Some(place));
        for (name, is) in tree(&cut) {
            let known = [goal_tree.get(&name), old.get(&name)].into_iter().flatten().any(|known| *known == is);
            let passing = name.is_empty() || name.contains(".play-") || name.starts_with("made") || name.starts_with("away");
            assert!(known || passing, "cut at {place:?}: {is:?}");
            assert!(!name.ends_with("made/new") || goal_tree.get(&name) == Some(&is), "cut at {place:?}: {is:?}");
        }
        run(&book, None);
        assert_eq!(tree(&cut), goal_tree, "cut at {place:?} and run again");
    }
    for name in ["goal", "old", "cut"] {
        drop(std::fs::remove_dir_all(std::env::temp_dir().join(format!("play-simulation-{}-{name}", std::process::id()))));
    }
}
