//! Scripts run for real: by dash, by bash and by BusyBox, in a folder of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::resources::process::{End, Process, Run, Sent};
use crate::resources::wait::{self, Port};
use crate::resources::{facts, getent, glob};
use crate::state::{Answer, Fields, Kind, Look, Reading, Reply, Script};
use crate::text::{Contents, Value};

/// The shells of this machine that a host may have.
pub(super) fn shells() -> Vec<Vec<&'static str>> {
    let all = [vec!["sh"], vec!["bash", "--posix"], vec!["busybox", "sh"]];
    let found: Vec<Vec<&str>> = all
        .into_iter()
        .filter(|words| Command::new(words[0]).args(&words[1..]).args(["-c", ":"]).output().is_ok_and(|out| out.status.success()))
        .collect();
    assert!(!found.is_empty(), "no shell at all");
    found
}

/// A script as a host runs it: no input, language C, in this folder.
pub(super) fn run(shell: &[&str], script: &Script, folder: &Path) -> Reply {
    let Script::Shell(script) = script else { panic!("no script for a shell") };
    let out = Command::new(shell[0])
        .args(&shell[1..])
        .args(["-c", &script.text])
        .current_dir(folder)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .expect("a shell runs");
    Reply { code: out.status.code().unwrap_or(255), out: out.stdout, err: out.stderr }
}

/// A new folder, named after the test.
pub(super) fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("play-cases-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a folder can be made");
    path
}

fn words(all: &[&str]) -> Run {
    Run::Words { words: all.iter().map(|word| (*word).to_string()).collect(), expand: true }
}

#[test]
fn commands_run_as_they_are_meant() {
    let folder = folder("process");
    let home = std::env::var("HOME").expect("a home");
    let line = |text: &str, hidden| Run::Line { text: text.into(), shell: "/bin/sh".into(), hidden };
    let cases: Vec<(Run, Option<&str>, String, i32, End)> = vec![
        (
            words(&["printf", "%s|", "a b", "$HOME", "*", "~", "x$NOPE_y", "${HOME}z", "${NOPE}", "a$1"]),
            None,
            format!("a b|{home}|*|{home}|x$NOPE_y|{home}z|${{NOPE}}|a$1|"),
            0,
            End::Ran,
        ),
        (words(&["cat"]), Some("it's\n"), "it's\n".into(), 0, End::Ran),
        (words(&["no-such-program", "x"]), None, String::new(), 127, End::NotStarted(2)),
        (words(&["/no/such/program"]), None, String::new(), 127, End::NotStarted(2)),
        (words(&["/etc/passwd"]), None, String::new(), 126, End::NotStarted(13)),
        (words(&["cd", "/"]), None, String::new(), 127, End::NotStarted(2)),
        (line("echo \"$0\"; read x; echo $x; exit 3", false), Some("in\n"), "/bin/sh\nin\n".into(), 3, End::Ran),
        (line("echo \"$0\"; read x; echo $x${play_line:-}; exit 3", true), Some("in\n"), "/bin/sh\nin\n".into(), 3, End::Ran),
        (line("cat <<E\na $((1 + 1))\nE\n", true), None, "a 2\n".into(), 0, End::Ran),
    ];
    for shell in shells() {
        for (run_as, stdin, out, code, end) in &cases {
            let process = Process { run: run_as.clone(), chdir: None, stdin: stdin.map(|text| text.as_bytes().to_vec()) };
            let reply = run(&shell, &Script::Shell(process.script()), &folder);
            assert_eq!(
                (String::from_utf8_lossy(&reply.out).into_owned(), reply.code, process.end(&reply)),
                (out.clone(), *code, *end),
                "{shell:?} {run_as:?}: {reply:?}"
            );
        }
        for (chdir, end) in [("/no/such", End::NoFolder), ("/", End::Ran)] {
            let process = Process { run: words(&["pwd"]), chdir: Some(chdir.into()), stdin: None };
            assert_eq!(process.end(&run(&shell, &Script::Shell(process.script()), &folder)), end, "{shell:?} {chdir}");
        }
    }
    std::fs::remove_dir_all(folder).expect("the folder can be removed");
}

#[test]
fn patterns_find_what_is_there() {
    let folder = folder("glob");
    std::fs::write(folder.join("a b.txt"), "").expect("a file");
    std::os::unix::fs::symlink("nowhere", folder.join("dangling")).expect("a link");
    let names = ["a*", "a?b.tx[t]", "a b.[!t]*", "dang*", "x*", "[a", "*.txt", "$HOME", "~"];
    let expected = [true, true, false, true, false, false, true, true, true];
    let looks: Vec<Look> = names.iter().map(|name| Look::at(glob::KIND, *name)).collect();
    for shell in shells() {
        let reply = run(&shell, &glob::Glob.ask(&looks.iter().collect::<Vec<_>>()), &folder);
        for (look, there) in looks.iter().zip(expected) {
            let state = there.then(Fields::new);
            assert_eq!(glob::Glob.read(look, &Answer::Shell(reply.clone())), Reading::one(look, state), "{shell:?} {look:?}: {reply:?}");
        }
    }
    std::fs::remove_dir_all(folder).expect("the folder can be removed");
}

/// What the three shells gather from this machine is one and the same, but for what moves.
#[test]
fn facts_do_not_depend_on_the_shell() {
    let folder = folder("facts");
    std::fs::write(folder.join("site.fact"), "{\"tier\": \"web\"}").expect("a file");
    std::fs::write(folder.join("old.fact"), "[part]\nkey=value\n").expect("a file");
    let local = folder.to_string_lossy().into_owned();
    let look = |name: &'static str| {
        if name == "local" { Look::at(facts::KIND, name).with("folder", local.clone()) } else { Look::at(facts::KIND, name) }
    };
    let looks: Vec<Look> = facts::COLLECTORS.iter().map(|collector| look(collector.name)).collect();
    let mut first: Option<Fields> = None;
    for shell in shells() {
        let reply = run(&shell, &facts::Facts.ask(&looks.iter().collect::<Vec<_>>()), &folder);
        let mut all = Fields::new();
        for look in &looks {
            let Reading::States(states) = facts::Facts.read(look, &Answer::Shell(reply.clone())) else {
                panic!("{shell:?} {look:?}: {reply:?}")
            };
            all.extend(states.into_iter().filter_map(|(_, state)| state).flatten());
        }
        for name in [
            "system",
            "distribution",
            "os_family",
            "hostname",
            "machine",
            "processor_vcpus",
            "memtotal_mb",
            "user_id",
            "date_time",
            "env",
            "local",
            "mounts",
            "pkg_mgr",
            "service_mgr",
        ] {
            assert!(all.get(name).is_some_and(|value| value.truthy()), "{shell:?} has no {name}: {all:?}");
        }
        if std::env::var_os("PLAY_SHOW_FACTS").is_some() {
            let all: crate::text::Map = all.iter().map(|(name, value)| (name.to_string().into(), value.clone())).collect();
            std::fs::write(std::env::temp_dir().join("play-facts.json"), crate::text::json::python(&all.into()).expect("JSON"))
                .expect("a file");
        }
        all.retain(|name, _| {
            !["date_time", "env", "memory_mb", "memfree_mb", "swapfree_mb", "mounts", "loadavg", "uptime_seconds", "devices"]
                .contains(&&**name)
        });
        assert_eq!(*first.get_or_insert_with(|| all.clone()), all, "{shell:?}");
    }
    std::fs::remove_dir_all(folder).expect("the folder can be removed");
}

#[test]
fn ports_are_seen_by_what_the_host_has() {
    let folder = folder("ports");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = i64::from(listener.local_addr().expect("an address").port());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut &stream, b"SSH-2.0-OpenSSH_9\nmore");
            std::mem::forget(stream); // stays open, as a server's does
        }
    });
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    // without bash and nc, the kernel's table is left
    let bare = format!("command() {{ case $2 in bash|nc|busybox) return 1;; esac; }}\n{}", wait::port("127.0.0.1", port, 5, false));
    let away = format!("command() {{ case $2 in bash|nc|busybox) return 1;; esac; }}\n{}", wait::port("192.0.2.9", port, 5, false));
    for shell in shells() {
        let ask = |text: String| String::from_utf8_lossy(&run(&shell, &text.into(), &folder).out).into_owned();
        assert_eq!(wait::read_port(&ask(wait::port("127.0.0.1", port, 5, false))), Some(Port::Open("")), "{shell:?}");
        assert_eq!(wait::read_port(&ask(wait::port("localhost", i64::from(closed), 5, false))), Some(Port::Closed), "{shell:?}");
        assert_eq!(wait::read_port(&ask(bare.clone())), Some(Port::Open("")), "{shell:?}");
        assert_eq!(wait::read_port(&ask(away.clone())), Some(Port::Unknown), "{shell:?}");
        assert_eq!(ask(wait::path("/no/such", true)), "@gone\n", "{shell:?}");
        let there = ask(wait::path("/etc/passwd", true));
        let (fields, held) = wait::read_path(&there).unwrap_or_else(|| panic!("{shell:?}: {there}"));
        assert!(fields["kind"].as_str() == Some("file") && held.starts_with("root:"), "{shell:?}: {there}");
        let connections = run(&shell, &wait::connections(&["127.0.0.1", "localhost"]).into(), &folder);
        assert!(
            wait::count(&connections, "127.0.0.1", i64::from(closed), &[], &["01"]) == 0 && connections.out.len() > 100,
            "{shell:?} {connections:?}"
        );
    }
    let said = run(&shells()[0], &wait::port("127.0.0.1", port, 5, true).into(), &folder);
    assert_eq!(wait::read_port(&String::from_utf8_lossy(&said.out)), Some(Port::Open("SSH-2.0-OpenSSH_9\nmore\n")), "{said:?}");
    std::fs::remove_dir_all(folder).expect("the folder can be removed");
}

#[test]
fn a_sent_program_runs_and_is_gone() {
    let folder = folder("sent");
    let contents = Contents::of(Value::text("#!/bin/sh\nprintf '%s|' \"${0##*/}\" \"$@\"; pwd; exit 4\n")).into();
    let sent = Sent {
        name: "set up.sh".into(),
        contents,
        rest: " one \"two words\" $((1 + 1)) # a comment".into(),
        executable: None,
        chdir: Some("/".into()),
    };
    let left = || std::fs::read_dir(&folder).expect("the folder").count();
    for shell in shells() {
        let Script::Shell(mut script) = Script::Shell(sent.script()) else { unreachable!() };
        script.text = format!("HOME={}\n{}", folder.display(), script.text);
        let reply = run(&shell, &Script::Shell(script.clone()), &folder);
        assert_eq!(
            (String::from_utf8_lossy(&reply.out).into_owned(), reply.code),
            ("set up.sh|one|two words|2|/\n".into(), 4),
            "{shell:?} {reply:?}"
        );
        assert_eq!(left(), 0, "{shell:?}");
    }
    std::fs::remove_dir_all(folder).expect("the folder can be removed");
}

#[test]
fn name_services_answer() {
    let folder = folder("getent");
    let looks: Vec<Look> = ["passwd root", "group", "passwd no-such-user"].iter().map(|name| Look::at(getent::KIND, *name)).collect();
    let Script::Shell(script) = getent::Getent.ask(&looks.iter().collect::<Vec<_>>()) else { panic!("no script for a shell") };
    let files = format!("command() {{ return 1; }}\n{}", script.text);
    for shell in shells() {
        for text in [script.text.clone(), files.clone()] {
            let answer = Answer::Shell(run(&shell, &text.into(), &folder));
            let read = |at: usize| match getent::Getent.read(&looks[at], &answer) {
                Reading::States(mut states) => {
                    states.remove(0).1.map(|fields| fields["lines"].as_list().map(<[Value]>::to_vec).unwrap_or_default())
                }
                other => panic!("{shell:?} {other:?}"),
            };
            assert!(
                read(0).is_some_and(|lines| lines.len() == 1 && lines[0].as_str().is_some_and(|line| line.starts_with("root:"))),
                "{shell:?}"
            );
            assert!(read(1).is_some_and(|lines| lines.len() > 5), "{shell:?}");
            assert_eq!(read(2), None, "{shell:?}");
        }
    }
    std::fs::remove_dir_all(folder).expect("the folder can be removed");
}
