//! What is asked and mended, in real shells, in throw-away folders.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{KIND, Path};
use crate::state::{Answer, Fields, Gap, Kind as _, Look, Reading, Reply, Script, State, Wanted};
use crate::text::{Contents, Value};

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        // in memory, where syncing costs nothing
        let below = ["/dev/shm", "/tmp"].into_iter().find(|folder| fs::metadata(folder).is_ok()).unwrap_or(".");
        let path = PathBuf::from(below).join(format!("play-path-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.0.display())
    }

    /// Everything in it: name, mode, owner, size, time, contents.
    fn listing(&self) -> String {
        let out = Command::new("find").arg(&self.0).args(["-printf", "%P %M %U %G %s %T@ %l\n"]).output().expect("find");
        let mut lines: Vec<String> = String::from_utf8_lossy(&out.stdout).lines().map(str::to_string).collect();
        lines.sort();
        lines.join("\n")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn installed(program: &str) -> bool {
    Command::new(program).arg("--help").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// The shells of this machine, each with the tools that come with it.
fn shells() -> Vec<Vec<&'static str>> {
    let all = [vec!["dash"], vec!["bash", "--posix"], vec!["busybox", "sh"]];
    all.into_iter().filter(|shell| installed(shell[0])).collect()
}

/// A folder with nothing but BusyBox's tools.
fn busybox_tools() -> String {
    let folder = std::env::temp_dir().join("play-busybox-tools");
    if fs::create_dir(&folder).is_ok() {
        let _ = Command::new("busybox").args(["--install", "-s"]).arg(&folder).output();
    }
    folder.display().to_string()
}

/// The program of a shell with its arguments, and the folders that its tools are looked for in.
fn program(shell: &[&str]) -> (Vec<String>, String) {
    if shell[0] == "busybox" {
        return (vec![format!("{}/sh", busybox_tools())], busybox_tools());
    }
    (shell.iter().map(ToString::to_string).collect(), std::env::var("PATH").unwrap_or_default())
}

fn run(shell: &[&str], script: &str) -> Reply {
    let (words, path) = program(shell);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg("-c").arg(script).env("LC_ALL", "C").env("PATH", path).stdin(Stdio::null());
    let out = command.output().expect("a shell runs");
    Reply { code: out.status.code().unwrap_or(-1), out: out.stdout, err: out.stderr }
}

fn shell_text(script: Script) -> String {
    match script {
        Script::Shell(shell) => {
            assert!(shell.uploads.is_empty(), "small contents stand in the script");
            shell.text
        }
        Script::Api(_) => panic!("a path is mended by a shell"),
    }
}

fn ask(shell: &[&str], looks: &[Look]) -> Vec<Reading> {
    let script = shell_text(Path.ask(&looks.iter().collect::<Vec<_>>()));
    let answer = Answer::Shell(run(shell, &script));
    looks.iter().map(|look| Path.read(look, &answer)).collect()
}

fn state(shell: &[&str], path: &str) -> State {
    let look = Look::at(KIND, path).with("contents", "whole");
    match ask(shell, &[look]).remove(0) {
        Reading::States(states) => states.into_iter().find(|(id, _)| *id.name == *path).expect("its state").1,
        other => panic!("{path}: {other:?}"),
    }
}

fn fields(pairs: &[(&'static str, &str)]) -> Fields {
    let value = |name: &str, text: &str| match name {
        "contents" => Value::from(Contents::of(Value::text(text))),
        "uid" | "gid" | "mtime" | "atime" => Value::Int(text.parse().expect("a number")),
        _ => Value::text(text),
    };
    pairs.iter().map(|(name, text)| ((*name).into(), value(name, text))).collect()
}

fn gap(shell: &[&str], wanted: &Wanted) -> Gap {
    let mut gap = Gap::between(&wanted.id, &state(shell, &wanted.id.name), &wanted.state);
    gap.how = wanted.how.clone();
    gap
}

const ODD: &[&str] =
    &["a b", "it's", "say \"x\"", "back\\slash", "two\\\\", "$HOME", "`id`", "*", "-n", "a;b", "ü", "#", " lead", "x:y", "~"];

#[test]
fn odd_names_are_seen_and_asking_writes_nothing() {
    for shell in shells() {
        let folder = Folder::new(&format!("ask-{}", shell[0]));
        for name in ODD {
            fs::write(folder.at(name), name).expect("a file");
        }
        fs::create_dir(folder.at("dir")).expect("a folder");
        std::os::unix::fs::symlink("a b", folder.at("link")).expect("a link");
        std::os::unix::fs::symlink("nowhere", folder.at("dangling")).expect("a link");
        std::os::unix::fs::symlink("loop", folder.at("loop")).expect("a link");
        Command::new("mkfifo").arg(folder.at("pipe")).status().expect("mkfifo");
        let before = folder.listing();
        let look = |name: &&str| {
            Look::at(KIND, folder.at(name)).with("contents", "whole").with("checksum", "sha1").with("access", "rwx").with("more", "mime")
        };
        let mut looks: Vec<Look> = ODD.iter().map(look).collect();
        looks.extend(["dir", "link", "dangling", "loop", "pipe", "none", "a b/below"].iter().map(look));
        looks.extend(["/dev/null", "/proc/self/cmdline", "/proc/version"].map(|path| Look::at(KIND, path).with("contents", "whole")));
        let readings = ask(&shell, &looks);
        for (look, reading) in looks.iter().zip(&readings) {
            // this one says something else to each that reads it, so those after it are asked about again
            let alone = if let Reading::Ask(script) = reading {
                Path.read(look, &Answer::Shell(run(&shell, &shell_text(script.clone()))))
            } else {
                reading.clone()
            };
            let Reading::States(states) = &alone else { panic!("{shell:?} {}: {alone:?}", look.id) };
            let own = &states.iter().find(|(id, _)| *id == look.id).expect("its own state").1;
            let text = |field: &str| own.as_ref().and_then(|fields| fields.get(field)).and_then(Value::as_str);
            let name = look.id.name.rsplit('/').next().unwrap_or_default();
            let kind = match name {
                "none" | "below" => None,
                "dir" => Some("directory"),
                "link" | "dangling" | "loop" => Some("link"),
                "pipe" => Some("fifo"),
                "null" => Some("char"),
                _ => Some("file"),
            };
            assert_eq!(text("kind"), kind, "{shell:?} {}", look.id);
            if ODD.contains(&name) {
                assert_eq!(text("contents"), Some(name), "{shell:?} {}", look.id);
                assert!(text("sha1").is_some_and(|hash| hash.len() == 40), "{shell:?} {}", look.id);
            }
            if name == "link" {
                assert_eq!(text("real"), Some(folder.at("a b").as_str()));
                let real = states.iter().find(|(id, _)| *id.name == *folder.at("a b")).expect("where it leads");
                assert_eq!(real.1.as_ref().and_then(|fields| fields.get("contents")).and_then(Value::as_str), Some("a b"));
            }
            assert!(name != "version" || text("contents").is_some_and(|text| text.starts_with("Linux")), "{shell:?}");
        }
        assert_eq!(before, folder.listing(), "{shell:?} wrote");
    }
}

fn contents(reading: &Reading) -> Option<Vec<u8>> {
    let Reading::States(states) = reading else { panic!("{reading:?}") };
    let Some(Value::Contents(contents)) = states[0].1.as_ref().expect("it is there").get("contents") else { panic!("{states:?}") };
    contents.here().map(|here| here.as_bytes().expect("bytes").to_vec())
}

/// All bytes come in one piece, cut by sizes.
#[test]
fn contents_of_many_files_are_told_apart() {
    let folder = Folder::new("many");
    let large = vec![b'x'; super::SMALL as usize + 1];
    let all: [(&str, &[u8]); 8] = [
        ("1 no end", b"a"),
        ("2 empty", b""),
        ("3 NUL", b"a\0b\n\n"),
        ("4 like an answer", b"C\nh 0 x\n"),
        ("5 known", b"same"),
        ("6 large", &large),
        ("back\\slash", b"\\"),
        ("total", b"9 total\n"),
    ];
    let known = crate::text::value::sha256_hex(b"same");
    let mut looks = vec![];
    for (name, bytes) in all {
        fs::write(folder.at(name), bytes).expect("a file");
        looks.push(Look::at(KIND, folder.at(name)).with("unless", known.clone()));
    }
    looks[0] = Look::at(KIND, folder.at(all[0].0)).with("contents", "whole");
    for shell in shells() {
        let here: Vec<Option<Vec<u8>>> = ask(&shell, &looks).iter().map(contents).collect();
        let expected: Vec<Option<Vec<u8>>> =
            all.iter().map(|(name, bytes)| (!["5 known", "6 large"].contains(name)).then(|| bytes.to_vec())).collect();
        assert_eq!(here, expected, "{shell:?}");
    }
}

/// The files whose bytes are no longer where their sizes say are asked about again, each alone; alone, its bytes are what they are.
#[test]
fn a_file_that_changes_while_it_is_read_hides_no_other() {
    let folder = Folder::new("grows");
    let looks: Vec<Look> = ["a", "b", "c"].iter().map(|name| Look::at(KIND, folder.at(name)).with("contents", "whole")).collect();
    for look in &looks {
        fs::write(&*look.id.name, "text").expect("a file");
    }
    // it grows between the size and the bytes
    let grow = |script: String| script.replacen("echo C;", &format!("echo C; printf more >>{};", folder.at("b")), 1);
    for shell in shells() {
        fs::write(folder.at("b"), "text").expect("a file");
        let script = grow(shell_text(Path.ask(&looks.iter().collect::<Vec<_>>())));
        let answer = Answer::Shell(run(&shell, &script));
        let readings: Vec<Reading> = looks.iter().map(|look| Path.read(look, &answer)).collect();
        assert_eq!(contents(&readings[0]).as_deref(), Some(&b"text"[..]), "{shell:?}");
        assert_eq!(contents(&readings[1]).as_deref(), Some(&b"text"[..]), "{shell:?} what was hashed is what it begins with");
        let Reading::Ask(alone) = &readings[2] else { panic!("{shell:?} {:?}", readings[2]) };
        let alone = Answer::Shell(run(&shell, &shell_text(alone.clone())));
        assert_eq!(contents(&Path.read(&looks[2], &alone)).as_deref(), Some(&b"text"[..]), "{shell:?}");
        let one = Answer::Shell(run(&shell, &grow(shell_text(Path.ask(&[&looks[1]])))));
        assert_eq!(contents(&Path.read(&looks[1], &one)).as_deref(), Some(&b"textmoremore"[..]), "{shell:?}");
    }
}

#[test]
fn a_line_end_in_a_name_is_refused() {
    let readings = ask(&["dash"], &[Look::at(KIND, "/tmp/a\nb"), Look::at(KIND, "/tmp")]);
    assert!(matches!(readings[0], Reading::Failed { .. }));
    assert!(matches!(readings[1], Reading::States(_)));
}

/// As another user, if this one may become one.
#[test]
fn what_may_not_be_read_is_no_absence() {
    let folder = Folder::new("denied");
    fs::create_dir(folder.at("it's closed")).expect("a folder");
    fs::write(folder.at("it's closed/in it"), "x").expect("a file");
    fs::write(folder.at("closed file"), "x").expect("a file");
    for name in ["it's closed", "closed file"] {
        fs::set_permissions(folder.at(name), fs::Permissions::from_mode(0o000)).expect("a mode");
    }
    let looks = [
        Look::at(KIND, folder.at("it's closed/in it")),
        Look::at(KIND, folder.at("closed file")).with("unless", "0"),
        Look::at(KIND, folder.at("closed file")),
        Look::at(KIND, folder.at("none")),
    ];
    for shell in shells() {
        if !installed("setpriv") || fs::metadata("/proc/self").map_or(1, |meta| meta.uid()) != 0 {
            return;
        }
        let one = |look: &Look| {
            let script = shell_text(Path.ask(&[look]));
            let (words, path) = program(&shell);
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--clear-groups", "env", "LC_ALL=C", &format!("PATH={path}")]).args(&words).arg("-c");
            let out = command.arg(&script).stdin(Stdio::null()).output().expect("setpriv");
            Path.read(look, &Answer::Shell(Reply { code: 0, out: out.stdout, err: out.stderr }))
        };
        let readings: Vec<Reading> = looks.iter().map(one).collect();
        assert!(matches!(readings[0], Reading::Failed { .. }), "{shell:?} {:?}", readings[0]);
        assert!(matches!(readings[1], Reading::Failed { .. }), "{shell:?} {:?}", readings[1]);
        assert!(matches!(&readings[2], Reading::States(states) if states[0].1.is_some()), "{shell:?} {:?}", readings[2]);
        assert!(matches!(&readings[3], Reading::States(states) if states[0].1.is_none()), "{shell:?} {:?}", readings[3]);
    }
}

/// Begins with what, wants what: each is mended whole, and cut after each line.
fn wants(folder: &Folder) -> Vec<(&'static str, Wanted)> {
    let wanted =
        |name: &str, pairs: &[(&'static str, &str)]| Wanted::new(crate::state::Id::new(KIND, folder.at(name)), Some(fields(pairs)));
    vec![
        ("", wanted("new file", &[("kind", "file"), ("contents", "NEW\nit's \\n %s\n"), ("mode", "0640"), ("uid", "1"), ("gid", "2")])),
        ("", wanted("new 'default'", &[("kind", "file"), ("contents", "NEW")])),
        ("", wanted("-dash", &[("kind", "file"), ("contents", "NEW"), ("mode", "0600")])),
        ("", wanted("empty", &[("kind", "file"), ("mode", "0600")])),
        ("file 0644", wanted("tighter", &[("kind", "file"), ("contents", "NEW"), ("mode", "0600")])),
        ("file 0600", wanted("looser", &[("kind", "file"), ("contents", "NEW"), ("mode", "0644"), ("uid", "1")])),
        ("file 4755", wanted("contents only", &[("kind", "file"), ("contents", "NEW")])),
        ("file 4755", wanted("owner only", &[("uid", "1")])),
        ("file 4755", wanted("owner with mode", &[("uid", "1"), ("mode", "4755")])),
        ("file 0644", wanted("emptied", &[("kind", "file"), ("contents", "")])),
        ("file 0644", wanted("with backup", &[("kind", "file"), ("contents", "NEW")]).how("backup", folder.at("old one~"))),
        ("file 0644", wanted("tested", &[("kind", "file"), ("contents", "NEW")]).how("validate", "grep -q NEW %s")),
        ("file 0644", wanted("in place", &[("kind", "file"), ("contents", "NEW")]).how("unsafe_writes", true)),
        ("link", wanted("link to file", &[("kind", "file"), ("contents", "NEW"), ("mode", "0600")])),
        ("dirlink", wanted("link to folder to file", &[("kind", "file"), ("contents", "NEW")])),
        ("", wanted("new link", &[("kind", "link"), ("target", "-x y"), ("uid", "1")])),
        ("dirlink", wanted("other link", &[("kind", "link"), ("target", "elsewhere")])),
        ("file 0644", wanted("file to link", &[("kind", "link"), ("target", "elsewhere")])),
        ("dir", wanted("folder to link", &[("kind", "link"), ("target", "elsewhere")])),
        ("file 0644", wanted("hard", &[("kind", "file")]).how("none", true)),
        ("", wanted("new folder", &[("kind", "directory"), ("mode", "2750"), ("uid", "1")])),
        ("", wanted("new folder, mode only", &[("kind", "directory"), ("mode", "0700")])),
        ("", wanted("new folder by default", &[("kind", "directory"), ("gid", "1")])),
        ("file 0644", wanted("times", &[("mtime", "5"), ("atime", "6")])),
        ("dir", Wanted::gone(crate::state::Id::new(KIND, folder.at("gone folder")))),
        ("dirlink", Wanted::gone(crate::state::Id::new(KIND, folder.at("gone link")))),
        ("file 0644", Wanted::gone(crate::state::Id::new(KIND, folder.at("-gone")))),
    ]
}

fn begin(folder: &Folder, what: &str, path: &str) {
    let _ = fs::remove_dir_all(path);
    let _ = fs::remove_file(path);
    fs::create_dir_all(folder.at("target")).expect("a folder");
    match what.split_once(' ') {
        Some((_, mode)) => {
            fs::write(path, "OLD").expect("a file");
            fs::set_permissions(path, fs::Permissions::from_mode(u32::from_str_radix(mode, 8).expect("a mode"))).expect("a mode");
        }
        None if what == "link" => std::os::unix::fs::symlink("nowhere", path).expect("a link"),
        None if what == "dirlink" => std::os::unix::fs::symlink("target", path).expect("a link"),
        None if what == "dir" => fs::create_dir(path).expect("a folder"),
        None => {}
    }
}

/// Nothing that holds the new contents may be read by more than may read it in the end.
fn tight(folder: &Folder, wanted: &Wanted, old: Option<u32>, shown: &str) {
    let mode = wanted.state.as_ref().and_then(|fields| fields.get("mode")).and_then(Value::as_str);
    let then = mode.map(|mode| u32::from_str_radix(mode, 8).expect("a mode")).or(old).unwrap_or(0o644);
    for entry in fs::read_dir(&folder.0).expect("a folder") {
        let path = entry.expect("an entry").path();
        let of_it = path.file_name().is_some_and(|name| name.to_string_lossy().contains(super::base(&wanted.id.name)));
        if path.is_symlink() || path.is_dir() || !of_it {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let bits = fs::metadata(&path).expect("metadata").mode() & 0o7777;
        assert!(!text.contains("NEW") || bits & !then & 0o077 == 0, "{shown}: {} is {bits:o}, and is to be {then:o}", path.display());
    }
}

#[test]
fn mending_closes_gaps_and_may_be_cut_anywhere() {
    for shell in shells() {
        let folder = Folder::new(&format!("fix-{}", shell[0]));
        for (what, wanted) in wants(&folder) {
            let path = wanted.id.name.to_string();
            begin(&folder, what, &path);
            let old = fs::symlink_metadata(&path).ok().map(|meta| meta.mode() & 0o7777);
            let text = shell_text(Path.fix(&[&gap(&shell, &wanted)]));
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            // cutting does not depend on the shell
            let cuts = if shell[0] == "dash" && !text.contains("it's \\n") { lines.len() } else { 0 };
            for cut in 0..cuts {
                begin(&folder, what, &path);
                let shown = format!("{shell:?} {} cut after {cut} lines of\n{text}", wanted.id);
                run(&shell, &lines[..cut].concat());
                tight(&folder, &wanted, old, &shown);
                let now = fs::read_to_string(&path).ok();
                assert!(
                    what == "link" || what.contains("dir") || now.is_none() || matches!(now.as_deref(), Some("OLD" | "NEW" | "")),
                    "{shown}: {now:?}"
                );
                assert!(!what.starts_with("file") || wanted.state.is_none() || now.is_some(), "{shown}: it is lost");
                mended(&shell, &folder, &wanted, &shown);
            }
            begin(&folder, what, &path);
            mended(&shell, &folder, &wanted, &format!("{shell:?} {}\n{text}", wanted.id));
        }
    }
}

fn mended(shell: &[&str], folder: &Folder, wanted: &Wanted, shown: &str) {
    let before = gap(shell, wanted);
    let reply = run(shell, &shell_text(Path.fix(&[&before])));
    assert_eq!(reply.code, 0, "{shown}\n{}", String::from_utf8_lossy(&reply.err));
    assert!(reply.err.is_empty(), "{shown}\n{}", String::from_utf8_lossy(&reply.err));
    let after = gap(shell, wanted);
    assert!(after.is_closed(), "{shown}\nstill {:?}", after.changes);
    if let Some(mode) = before.had("mode").filter(|_| !wanted.state.as_ref().is_some_and(|fields| fields.contains_key("mode")))
        && before.change("kind").is_none()
        && wanted.state.is_some()
    {
        assert_eq!(after.had("mode"), Some(mode), "{shown}\nthe mode was lost");
    }
    let left = fs::read_dir(&folder.0)
        .expect("a folder")
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().contains(".play-")));
    assert_eq!(left.count(), 0, "{shown}\nleft something behind: {}", folder.listing());
}

#[test]
fn what_fails_its_test_is_not_put_in_place() {
    for shell in shells() {
        let folder = Folder::new(&format!("validate-{}", shell[0]));
        let path = folder.at("f");
        fs::write(&path, "OLD").expect("a file");
        let wanted =
            Wanted::new(crate::state::Id::new(KIND, path.as_str()), Some(fields(&[("contents", "NEW")]))).how("validate", "grep OLD %s");
        let reply = run(&shell, &shell_text(Path.fix(&[&gap(&shell, &wanted)])));
        assert_eq!(reply.code, 1, "{shell:?}");
        assert_eq!(fs::read_to_string(&path).expect("the old one"), "OLD");
        assert_eq!(fs::read_dir(&folder.0).expect("a folder").count(), 1);
    }
}

/// find(1) of GNU and of BusyBox, with odd names, links and a pipe; nothing is written.
#[test]
fn a_tree_is_told_the_same_by_all_tools() {
    use crate::resources::tree::{self, Tree};
    let folder = Folder::new("tree of 'all'");
    for name in ODD {
        fs::write(folder.at(name), name).expect("a file");
    }
    fs::create_dir_all(folder.at("d/e")).expect("folders");
    fs::write(folder.at("d/e/f"), "x").expect("a file");
    std::os::unix::fs::symlink("d/e", folder.at("link")).expect("a link");
    Command::new("mkfifo").arg(folder.at("pipe")).status().expect("mkfifo");
    let before = folder.listing();
    let look = Look::at(tree::KIND, folder.at("").trim_end_matches('/').to_string()).with("follow", "yes").with("each", "yes");
    for shell in shells() {
        let reply = run(&shell, &shell_text(Tree.ask(&[&look])));
        let Reading::States(states) = Tree.read(&look, &Answer::Shell(reply.clone())) else {
            panic!("{shell:?} {}", String::from_utf8_lossy(&reply.err))
        };
        let fields = states[0].1.as_ref().expect("it is there");
        let names = |field: &str| {
            let entries = fields.get(field).and_then(Value::as_list).expect("entries");
            entries.iter().filter_map(|entry| entry.get("path").and_then(Value::as_str).map(str::to_string)).collect::<Vec<_>>()
        };
        let mut all: Vec<String> = ODD.iter().map(ToString::to_string).collect();
        all.extend(["d", "d/e", "d/e/f", "link", "pipe"].map(str::to_string));
        all.sort();
        assert_eq!(names("entries"), all, "{shell:?}");
        all.push("link/f".into());
        all.sort();
        assert_eq!(names("followed"), all, "{shell:?}");
        let link = fields.get("entries").and_then(Value::as_list).expect("entries").iter().find(|entry| entry.get("target").is_some());
        assert_eq!(link.and_then(|link| link.get("target")).and_then(Value::as_str), Some("d/e"));
        assert!(states.iter().any(|(id, state)| *id.name == *folder.at("d/e/f") && state.is_some()), "{shell:?}");
    }
    assert_eq!(before, folder.listing());
}
