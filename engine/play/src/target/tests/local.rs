use super::*;
use crate::target::shell::{self, Mark};

fn each(parts: Vec<Part>, want: &[Answer]) {
    for shell in shells() {
        let pool = Pool::new(Options::default());
        let answers = run(pool.send(&here(&shell), &Who::default(), message(parts.clone()), |_| {}));
        assert_eq!(answers.as_deref(), Ok(want), "{shell}");
    }
}

#[test]
fn streams_are_apart_and_bytes_are_kept() {
    for make in [ask, fix, act] {
        each(
            vec![make("echo a; echo b >&2; exit 3"), make("printf 'no end'"), make("printf 'a\\000b\\n\\n'"), make(":")],
            &match make(":").purpose {
                Purpose::Fix => [reply(3, "a\n", "b\n"), Answer::Skipped, Answer::Skipped, Answer::Skipped],
                _ => [reply(3, "a\n", "b\n"), reply(0, "no end", ""), reply(0, "a\0b\n\n", ""), reply(0, "", "")],
            },
        );
    }
}

#[test]
fn a_fix_that_fails_skips_the_rest() {
    each(
        vec![ask("exit 1"), fix("exit 0"), act("exit 4"), part(Purpose::Act { stops: true }, "exit 5"), ask("echo no")],
        &[reply(1, "", ""), reply(0, "", ""), reply(4, "", ""), reply(5, "", ""), Answer::Skipped],
    );
}

#[test]
fn parts_cannot_reach_each_other() {
    each(
        vec![
            ask("x=1; cd /; exec 1>&-"),
            ask("echo \"[$x]\"; set -C; set -e; umask 002"),
            ask("cat; trap 'echo bye' EXIT"),
            fix("umask; case $- in *C*) echo C;; esac"),
            act("umask"),
        ],
        &[reply(0, "", ""), reply(0, "[]\n", ""), reply(0, "bye\n", ""), reply(0, "0022\n", ""), reply(0, "0022\n", "")],
    );
}

#[test]
fn text_that_does_not_parse_is_that_parts_error_only() {
    for shell in shells() {
        for make in [ask, act] {
            let pool = Pool::new(Options::default());
            let parts = message([
                make("if"),
                make("}"),
                make(")"),
                make("echo 'it''s' \"$(echo on)\"\ncat <<X\nhere\nX"),
                make("-x"),
                make("echo x #"),
            ]);
            let answers = run(pool.send(&here(&shell), &Who::default(), parts, |_| {})).expect("answers");
            let replies: Vec<Reply> = answers.iter().map(Answer::reply).collect();
            assert!(replies[..3].iter().all(|reply| reply.code != 0 && !reply.err.is_empty()), "{shell} {replies:?}");
            assert_eq!(replies[3].out, b"its on\nhere\n", "{shell}");
            assert_eq!((replies[4].code, &replies[5].out[..]), (127, &b"x\n"[..]), "{shell}");
        }
    }
}

#[test]
fn questions_are_asked_in_c_and_actions_left_alone() {
    for shell in shells() {
        let pool = Pool::new(Options::default());
        let env = "env | grep -v -E '^(_|OLDPWD|PWD|SHLVL|LC_ALL|PATH)=' | sort; echo \"lc=$LC_ALL\"";
        let answers = run(pool.send(
            &here(&shell),
            &Who::default(),
            message([ask("echo \"lc=$LC_ALL\""), act("echo \"lc=$LC_ALL\"; echo $PATH"), act(env)]),
            |_| {},
        ))
        .expect("answers");
        let mut words = shell.split(' ');
        let plain = Command::new(words.next().expect("a word"))
            .args(words)
            .args(["-c", &format!("echo \"lc=$LC_ALL\"; echo $PATH; {env}")])
            .output()
            .expect("sh")
            .stdout;
        assert_eq!(answers[0], reply(0, "lc=C\n", ""), "{shell}");
        assert!([answers[1].reply().out, answers[2].reply().out].concat() == plain, "{shell}");
    }
}

#[test]
fn a_part_cannot_see_the_mark() {
    for shell in shells() {
        let pool = Pool::new(Options::default());
        let nosy = "set; export; typeset -f 2>/dev/null; declare -p 2>/dev/null; alias; trap; echo \"$@ $0 $_\"; cat /proc/$$/cmdline /proc/$$/environ /proc/self/cmdline; ls -l /proc/self/fd /proc/$$/fd";
        let answers = run(pool.send(&here(&shell), &Who::default(), message([ask(nosy), act(nosy), fix(nosy), ask("echo x")]), |_| {}))
            .expect("answers");
        for answer in &answers[..3] {
            let out = String::from_utf8_lossy(&answer.reply().out).into_owned();
            let hex = regex_like_hex(&out);
            assert_eq!(hex, Vec::<String>::new(), "{shell}: {out}");
        }
        assert_eq!(answers[3], reply(0, "x\n", ""), "{shell}");
    }
}

/// Words of 32 hexadecimal digits, but those of a file that is already gone and of the start word.
fn regex_like_hex(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_ascii_hexdigit());
    words.filter(|word| word.len() == 32 && !text.contains(&format!(".play-{word}"))).map(str::to_owned).collect()
}

#[test]
fn a_message_cut_anywhere_runs_nothing() {
    let folder = scratch("cut");
    for shell in shells() {
        let ran = folder.join("ran");
        let text = format!("echo run >>{}", ran.display());
        let parts = [ask(&text), fix(&text), part(Purpose::Act { stops: true }, &text), ask("printf '%s' 'a'\\''b'")];
        let whole = shell::message(&parts, &Mark::random()).into_bytes();
        let words: Vec<String> = shell.split(' ').map(str::to_owned).chain(["-c".to_owned(), shell::program(&Mark::random())]).collect();
        let feed = |bytes: &[u8]| {
            use std::io::Write as _;
            let mut child = Command::new(&words[0])
                .args(&words[1..])
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .expect("a shell");
            let mut stdin = child.stdin.take().expect("stdin");
            let _ = stdin.write_all(shell::hello(&Mark::random()).as_bytes());
            let _ = stdin.write_all(bytes);
            drop(stdin);
            child.wait().expect("its end");
        };
        // The last byte is a line break after the closing brace: without it the message is whole.
        let step = if std::env::var("EVERY").is_ok() { 1 } else { 7 };
        for cut in (0..whole.len() - 2).step_by(step).chain(whole.len() - 40..whole.len() - 2) {
            feed(&whole[..cut]);
            assert!(!ran.exists(), "{shell}, cut at byte {cut} of {}", whole.len());
        }
        feed(&whole);
        assert_eq!(std::fs::read_to_string(&ran).expect("it ran").lines().count(), 3, "{shell}");
        std::fs::remove_file(&ran).expect("removed");
    }
}

#[test]
fn large_scripts_and_large_answers() {
    let large: String = (0..120_000).map(|line| format!("{line:06} '\\\"\n")).collect();
    for shell in shells() {
        let pool = Pool::new(Options::default());
        let text = format!("printf %s {}", shell::quote(&large));
        let answers = run(pool.send(
            &here(&shell),
            &Who::default(),
            message([ask(&text), act(&text), ask("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2")]),
            |_| {},
        ))
        .expect("answers");
        assert!(answers[0] == reply(0, &large, "") && answers[1] == answers[0], "{shell}");
        assert!(answers[2] == reply(0, vec![0; 3_000_000], vec![0; 3_000_000]), "{shell}");
    }
}

#[test]
fn lines_show_while_a_command_runs_and_only_then() {
    for shell in shells() {
        let seen = Arc::new(Mutex::new(vec![]));
        let pool = Pool::new(Options::default());
        let (keep, text) = (seen.clone(), "echo one; printf tw; echo wrong >&2; sleep 1.6; echo o; printf end");
        let answers = run(pool.send(&here(&shell), &Who::default(), message([act("echo quick"), act(text), ask("echo z")]), move |step| {
            if let Progress::Lines { part, stream, bytes } = step {
                keep.lock().expect("a lock").push((part, stream, String::from_utf8(bytes).expect("text")));
            }
        }));
        assert_eq!(answers, Ok(vec![reply(0, "quick\n", ""), reply(0, "one\ntwo\nend", "wrong\n"), reply(0, "z\n", "")]), "{shell}");
        let line = |stream, text: &str| (1, stream, text.to_owned());
        let seen = seen.lock().expect("a lock");
        assert_eq!(*seen, [line(Stream::Out, "one\n"), line(Stream::Err, "wrong\n"), line(Stream::Out, "two\nend")], "{shell}");
    }
}

#[test]
fn a_daemon_that_writes_on_is_in_no_other_answer() {
    for shell in shells() {
        let pool = Pool::new(Options::default());
        let daemon = "(while sleep 0.05; do echo noise; echo noise >&2; done) & echo started $!";
        let answers = run(pool.send(
            &here(&shell),
            &Who::default(),
            message([act(daemon), ask("sleep 0.3; echo a"), act("sleep 0.3; echo b")]),
            |_| {},
        ))
        .expect("answers");
        assert_eq!(answers[1..], [reply(0, "a\n", ""), reply(0, "b\n", "")], "{shell}");
        let told = String::from_utf8(answers[0].reply().out).expect("text");
        let pid = told.split_whitespace().last().expect("a pid");
        Command::new("kill").arg(pid).status().expect("kill");
    }
}

/// A `head` that cannot count bytes: the lines of the message are not run one by one, as lines of their own.
#[test]
fn a_message_that_cannot_be_taken_in_is_not_run() {
    let folder = scratch("no-head");
    let (ran, head) = (folder.join("ran"), folder.join("head"));
    std::fs::write(&head, "#!/bin/sh\nexit 1\n").expect("written");
    Command::new("chmod").arg("+x").arg(&head).status().expect("chmod");
    for shell in ["dash", "bash", "bash --posix"].into_iter().filter(|shell| has(shell.split(' ').next().unwrap_or_default())) {
        let mut text = shell::hello(&Mark::random()) + &shell::message(&[ask("true")], &Mark::random());
        // as a line of the message
        text += &format!("echo run >>{}\n", ran.display());
        let script = format!("printf '%s' \"$1\" | PATH={}:$PATH {shell} -c \"$2\"", folder.display());
        let program = shell::program(&Mark::random());
        let out = Command::new("sh").args(["-c", &script, "sh", &text, &program]).output().expect("a shell");
        assert!(!ran.exists(), "{shell} {}", String::from_utf8_lossy(&out.stderr));
        assert!(!out.status.success(), "{shell}");
    }
}

#[test]
fn a_part_that_takes_too_long_is_ended_with_all_it_started() {
    for shell in shells() {
        for purpose in [Purpose::Ask, Purpose::Fix, Purpose::Act { stops: false }] {
            let pool = Pool::new(Options::default());
            let long = Part { limit: Some(1), ..part(purpose, "echo first; sleep 4711 & sleep 4712; echo never") };
            let fault = run(pool.send(&here(&shell), &Who::default(), message([ask("echo a"), long, ask("echo b")]), |_| {}))
                .expect_err("too long");
            assert_eq!(fault.kind, FaultKind::TimedOut, "{shell} {fault:?}");
            assert_eq!(fault.answers, [reply(0, "a\n", "")], "{shell}");
            assert_eq!(fault.message, "this took longer than its limit of 1 s and was ended");
            assert!(!Command::new("pgrep").args(["-f", "^sleep 471[12]$"]).output().expect("pgrep").status.success(), "{shell}");
            let again = run(pool.send(&here(&shell), &Who::default(), message([ask("echo b")]), |_| {}));
            assert_eq!(again, Ok(vec![reply(0, "b\n", "")]), "{shell}");
        }
    }
}

#[test]
fn abort_ends_what_runs_and_keeps_what_was_answered() {
    for shell in shells() {
        let pool = Pool::new(Options::default());
        run(async {
            let abort = |step| {
                if let Progress::Begun { part: 1 } = step {
                    pool.abort();
                }
            };
            let fault = pool
                .send(&here(&shell), &Who::default(), message([ask("echo a"), act("echo here; sleep 4713")]), abort)
                .await
                .expect_err("aborted");
            assert_eq!((fault.kind, fault.answers), (FaultKind::Interrupted, vec![reply(0, "a\n", "")]), "{shell}");
            pool.close_all().await;
        });
        assert!(!Command::new("pgrep").args(["-f", "^sleep 4713$"]).output().expect("pgrep").status.success(), "{shell}");
    }
}

#[test]
fn a_shell_that_is_killed_is_unreachable_with_the_answers_so_far() {
    for shell in shells() {
        let pool = Pool::new(Options::default());
        let fault = run(pool.send(&here(&shell), &Who::default(), message([ask("echo a"), fix("kill -9 $$"), ask("echo b")]), |_| {}))
            .expect_err("killed");
        assert_eq!((fault.kind, fault.answers), (FaultKind::Unreachable, vec![reply(0, "a\n", "")]), "{shell}");
        assert!(fault.message.ends_with("the connection or its shell ended; it may have been done, or in part"), "{}", fault.message);
        // Its files were gone before it began.
        let place = run(pool.send(
            &here(&shell),
            &Who::default(),
            message([fix("readlink /proc/self/fd/2 | grep -c '/.play-.* (deleted)$'")]),
            |_| {},
        ));
        assert_eq!(place, Ok(vec![reply(0, "1\n", "")]), "{shell}");
    }
}

#[test]
fn a_shell_that_died_while_idle_is_replaced() {
    let pool = Pool::new(Options::default());
    run(async {
        let pid = pool.send(&here("dash"), &Who::default(), message([ask("echo $$")]), |_| {}).await.expect("a pid")[0].reply().out;
        let pid = String::from_utf8_lossy(&pid).trim().to_owned();
        Command::new("kill").args(["-9", &pid]).status().expect("kill");
        while !std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z ")) {
            std::thread::yield_now();
        }
        let again = pool.send(&here("dash"), &Who::default(), message([fix("echo b")]), |_| {}).await;
        assert_eq!(again, Ok(vec![reply(0, "b\n", "")]));
    });
}

fn with_upload(to: &std::path::Path, contents: Contents, text: &str) -> Part {
    let upload = Upload { to: to.display().to_string(), contents: Arc::new(contents) };
    Part { script: Script::Shell(Shell { text: text.to_owned(), uploads: vec![upload] }), purpose: Purpose::Fix, limit: None }
}

#[test]
fn uploads_are_new_files_of_mode_0600_and_go_when_they_are_not_used() {
    for shell in shells() {
        let folder = scratch("upload");
        let (one, two) = (folder.join("it's one"), folder.join("two"));
        let bytes: Vec<u8> = (0..700_000_u32).map(|at| (at % 251) as u8).collect();
        let large = folder.join("large");
        std::fs::write(&large, &bytes).expect("written");
        let contents = || Contents { sha256: String::new(), size: bytes.len() as u64, body: Body::Local(large.display().to_string()) };
        let send = |parts: Vec<Part>| run(Pool::new(Options::default()).send(&here(&shell), &Who::default(), message(parts), |_| {}));
        let small = || Contents::of(Value::text("small\n"));
        let used = send(vec![
            with_upload(&one, small(), &format!("stat -c %a '{0}/it'\\''s one' {0}/two", folder.display())),
            with_upload(&two, contents(), "false"),
            ask(":"),
        ]);
        assert_eq!(used, Ok(vec![reply(0, "600\n600\n", ""), reply(1, "", ""), Answer::Skipped]), "{shell}");
        assert_eq!(std::fs::read(&two).expect("two"), bytes);
        assert_eq!(std::fs::read(&one).expect("one"), b"small\n");
        // One that exists already is refused, and what came before it is removed.
        std::fs::remove_file(&one).expect("removed");
        let fault = send(vec![with_upload(&one, small(), ":"), with_upload(&two, small(), "touch ran")]).expect_err("exists");
        assert!(fault.message.contains("two` could not be written: the target refused it: "), "{}", fault.message);
        assert!(!one.exists() && std::fs::metadata(&two).expect("two").len() == 700_000);
        // One of a part that is skipped is removed.
        let skipped = send(vec![fix("false"), with_upload(&one, small(), ":")]);
        assert_eq!(skipped, Ok(vec![reply(1, "", ""), Answer::Skipped]), "{shell}");
        assert!(!one.exists(), "{shell}");
    }
}

#[test]
fn without_a_place_to_write_everything_still_answers() {
    if !has("unshare") {
        return;
    }
    let probe =
        "mount -t tmpfs -o ro none /dev/shm && mount -t tmpfs -o ro none /tmp && mount -t tmpfs -o ro none /var/tmp && exec dash \"$@\"";
    let folder = scratch("readonly");
    let script = folder.join("sh");
    std::fs::write(&script, format!("#!/bin/sh\nexec unshare -m sh -c '{probe}' sh \"$@\"\n")).expect("written");
    Command::new("chmod").arg("+x").arg(&script).status().expect("chmod");
    let words = script.display().to_string();
    if !Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success()) {
        assert!(std::env::var("CI").is_err(), "skipped: no right to unshare");
        eprintln!("skipped: no right to unshare");
        return;
    }
    let answers = run(Pool::new(Options::default()).send(
        &here(&words),
        &Who::default(),
        message([act("echo a; echo b >&2; sleep 1.2; exit 3"), fix("printf 'x\\000'")]),
        |_| {},
    ));
    assert_eq!(answers, Ok(vec![reply(3, "a\n", "b\n"), reply(0, "x\0", "")]));
}

#[test]
fn interrupt_finishes_what_runs_and_starts_no_more() {
    let pool = Pool::new(Options::default());
    run(async {
        let interrupt = |_| pool.interrupt();
        let answers = pool.send(&here("dash"), &Who::default(), message([act("sleep 0.1; echo done"), act("echo too")]), interrupt).await;
        assert_eq!(answers, Ok(vec![reply(0, "done\n", ""), reply(0, "too\n", "")]));
        let fault = pool.send(&here("dash"), &Who::default(), message([act(":")]), |_| {}).await.expect_err("interrupted");
        assert_eq!(fault.kind, FaultKind::Interrupted);
    });
}

#[test]
fn in_a_root_folder() {
    let folder = scratch("chroot");
    let root = folder.display().to_string();
    let address = Address { name: "image".into(), connection: Connection::Chroot, path: Some(root.clone()), ..Address::default() };
    let send = |text: &str| {
        run(Pool::new(Options::default()).send(
            &address,
            &Who::default(),
            message([ask(text), fix("echo x >/made; echo f"), act("echo a; cat /made")]),
            |_| {},
        ))
    };
    assert_eq!(send(":").map_err(|fault| fault.message), Err(format!("there is no `bin/sh` in `{root}`")));
    if !has("busybox") {
        return;
    }
    let make = format!(
        "set -e; cd {root}; b=$(command -v busybox); mkdir -p bin dev; cp $b bin/busybox; for t in sh cat rm head ls; do ln -s busybox bin/$t; done; for l in $(ldd $b 2>/dev/null | grep -o '/[^ ]*'); do mkdir -p .$(dirname $l); cp $l .$l; done"
    );
    assert!(Command::new("sh").args(["-c", &make]).status().is_ok_and(|status| status.success()));
    assert_eq!(send(":").map_err(|fault| fault.message), Err(format!("there is no `/dev/null` in `{root}`")));
    if !Command::new("mknod").args([&format!("{root}/dev/null"), "c", "1", "3"]).status().is_ok_and(|status| status.success()) {
        assert!(std::env::var("CI").is_err(), "skipped: no right to make a device");
        eprintln!("skipped: no right to make a device");
        return;
    }
    assert_eq!(
        send("echo /*"),
        Ok(vec![
            reply(
                0,
                format!(
                    "{}\n",
                    if std::path::Path::new(&format!("{root}/lib64")).exists() { "/bin /dev /lib /lib64" } else { "/bin /dev /lib" }
                ),
                ""
            ),
            reply(0, "f\n", ""),
            reply(0, "a\nx\n", "")
        ])
    );
}

#[test]
fn a_message_that_nobody_waits_for_any_more_is_in_no_later_answer() {
    let pool = Pool::new(Options::default());
    run(async {
        let (here, who) = (here("dash"), Who::default());
        pool.send(&here, &who, message([ask(":")]), |_| {}).await.expect("open");
        let begun = tokio::sync::Notify::new();
        let first = pool.send(&here, &who, message([ask("echo old; sleep 0.2; echo older")]), |_| begun.notify_one());
        tokio::select! {
            _ = first => panic!("too quick"),
            () = begun.notified() => {}
        }
        let answers = pool.send(&here, &who, message([ask("echo new")]), |_| {}).await;
        assert_eq!(answers, Ok(vec![reply(0, "new\n", "")]));
    });
}

#[test]
fn messages_to_one_shell_go_in_order_and_to_many_at_once() {
    let pool = Pool::new(Options::default());
    run(async {
        let folder = scratch("order");
        let file = folder.join("log");
        let (one, two, who) = (here("dash"), here("bash --posix"), Who::default());
        let text = |line: &str, wait: &str| message([act(&format!("sleep {wait}; echo {line} >>{}", file.display()))]);
        let (a, b, c) = tokio::join!(
            pool.send(&one, &who, text("a", "0.4"), |_| {}),
            pool.send(&one, &who, text("b", "0"), |_| {}),
            pool.send(&two, &who, text("c", "0"), |_| {})
        );
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        assert_eq!(std::fs::read_to_string(&file).expect("a log"), "c\na\nb\n");
    });
}
