//! Secrets planted in every place where a value can stand, and a search for each of them, in every way to write it, in all
//! that runs print and leave behind on both sides and in the process list while they run. Encrypted by the real
//! `ansible-vault` and `sops`; the playbook is `planted/site.yml`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tests::{Folder, told, world};

const HOST: &str = "h2";
const SECRETS: usize = 30;
/// Asked for as arguments by the playbook itself: `command`, `shell`, `raw`, `sh -c` of a validation.
const ARGUMENTS: [usize; 3] = [10, 11, 22];
/// Asked for as environment.
const ENVIRONMENT: [usize; 2] = [5, 8];

/// Quoting, URLs and JSON write it differently.
fn secret(number: usize) -> String {
    let odd = if number % 2 == 1 { '&' } else { '%' };
    format!("pl4nt{number:02}-QzX9/k+7=v {odd}t'{number:02}e")
}

/// Ways to write a secret, each enough to know it by.
fn forms(secret: &str) -> BTreeSet<String> {
    let percent = |open: &[u8]| {
        let letter = |byte: &u8| match byte {
            _ if byte.is_ascii_alphanumeric() || open.contains(byte) => (*byte as char).to_string(),
            _ => format!("%{byte:02X}"),
        };
        secret.as_bytes().iter().map(letter).collect::<String>()
    };
    let base64 = |skip: usize| {
        let text = STANDARD.encode([vec![0; skip], secret.as_bytes().to_vec()].concat());
        text[(skip * 8).div_ceil(6)..(skip + secret.len()) * 8 / 6].to_owned()
    };
    let json = serde_json::Value::from(secret).to_string().trim_matches('"').to_owned();
    let mut forms = BTreeSet::from([secret.to_owned(), percent(b"-_.~"), percent(b"-_.~/"), json]);
    forms.extend([secret.replace('\'', "'\\''"), secret.to_uppercase(), secret.to_lowercase(), secret[..14].to_owned()]);
    forms.extend((0..3).map(base64));
    forms
}

/// The secrets that stand in a text, each with what stands around it.
fn leaks(text: &[u8], but: &[usize]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let mut found = vec![];
    for number in (1..=SECRETS).filter(|number| !but.contains(number)) {
        if let Some(at) = forms(&secret(number)).iter().find_map(|form| text.find(form)) {
            let before: String = text[..at].chars().rev().take(150).collect::<Vec<_>>().into_iter().rev().collect();
            let after: String = text[at..].chars().take(60).collect();
            found.push(format!("secret {number}: {before}>>>{after}"));
        }
    }
    found
}

/// What the process list showed of secrets while it was watched: the kernel's list has the processes of the hosts, too.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<(BTreeSet<String>, BTreeSet<String>)>,
}

impl Watch {
    fn start() -> Watch {
        let stop = Arc::new(AtomicBool::new(false));
        let over = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut seen = (BTreeSet::new(), BTreeSet::new());
            while !over.load(Ordering::Relaxed) {
                // often enough for what lasts a second, and no burden for what is watched
                std::thread::sleep(std::time::Duration::from_millis(10));
                for entry in std::fs::read_dir("/proc").expect("processes").flatten() {
                    let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
                    let line = read("cmdline");
                    if line.windows(5).any(|part| part == b"pl4nt") {
                        seen.0.insert(String::from_utf8_lossy(&line).replace('\0', " "));
                    }
                    for variable in read("environ").split(|byte| *byte == 0).filter(|part| part.windows(5).any(|part| part == b"pl4nt")) {
                        seen.1.insert(String::from_utf8_lossy(variable).into_owned());
                    }
                }
            }
            seen
        });
        Watch { stop, thread }
    }

    fn end(self) -> (BTreeSet<String>, BTreeSet<String>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the watch")
    }
}

struct Planted {
    folder: Folder,
    program: String,
    lab: String,
    hosts: std::path::PathBuf,
}

impl Planted {
    /// Writes files of variables and encrypts them.
    fn write(ansible: &str, tools: &str, ssh_config: &str) -> Folder {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let read = |name: &str| std::fs::read_to_string(tests.join(name)).expect("a file of the tests");
        let folder = Folder::new("planted");
        let run = |command: &mut Command| {
            let output = command.current_dir(folder.path()).output().expect("the tool runs");
            assert!(output.status.success(), "{}", told(&output).1);
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        folder.write("password", "the-password-of-this-vault\n");
        let ansible_vault = || {
            let mut command = Command::new(Path::new(ansible).join("bin/ansible-vault"));
            command.env("HOME", folder.path());
            command
        };
        let key = read("secrets/test-only-one.agekey");
        let recipient = key.lines().find_map(|line| line.strip_prefix("# public key: ")).expect("the key's public half").to_owned();
        let files: [(&str, &[usize]); 7] = [
            ("v.yml", &[2, 3, 14, 15, 16, 17, 18, 19, 20, 21]),
            ("v.sops.yml", &[4, 5, 22, 23, 24, 25, 28, 29]),
            ("group_vars/all/v.yml", &[6, 7]),
            ("group_vars/all/w.sops.yml", &[8, 9, 26]),
            ("host_vars/h1/v.yml", &[10, 11, 27]),
            ("extra.yml", &[12, 13]),
            ("inline", &[1]),
        ];
        for (name, numbers) in files {
            let line = |number: &usize| format!("s{number:02}: {}\n", serde_json::Value::from(secret(*number)));
            folder.write(name, &numbers.iter().map(line).collect::<String>());
            match name {
                "inline" => folder.write(name, &secret(1)),
                _ if name.ends_with(".sops.yml") => {
                    run(Command::new(Path::new(tools).join("sops")).args(["encrypt", "--in-place", "--age", &recipient, name]));
                    continue;
                }
                _ => {}
            }
            run(ansible_vault().args(["encrypt", "--vault-password-file", "password", name]));
        }
        let inline = std::fs::read_to_string(folder.path().join("inline")).expect("a vault");
        folder.write("site.yml", &read("world/planted/site.yml").replace("INLINE", &inline.trim().replace('\n', "\n      ")));
        folder.write("t.j2", &read("world/planted/t.j2"));
        let hosts = format!(
            "all:\n  hosts:\n    h1: {{ansible_host: {HOST}, ansible_ssh_common_args: '-F {ssh_config}'}}\n    \
             folder: {{ansible_connection: folder, play_folder: '{{{{ inventory_dir }}}}/cluster', play_folder_secrets: plain}}\n"
        );
        folder.write("hosts.yml", &hosts);
        folder
    }

    fn exec(&self, line: &str) -> Vec<u8> {
        let mut command = Command::new(&self.hosts);
        command.env("PLAY_LAB", &self.lab).args(["exec", HOST, "sh", "-c", line]);
        let output = command.output().expect("hosts.sh runs");
        assert!(output.status.success(), "{line}: {}", told(&output).1);
        output.stdout
    }

    /// A run under a name of the program; all it printed.
    fn play(&self, name: &str, more: &[&str]) -> Vec<u8> {
        let program = self.folder.path().join(name);
        if !program.exists() {
            std::os::unix::fs::symlink(&self.program, &program).expect("a link");
        }
        self.exec("rm -f /root/t.conf /root/two /root/v /root/again; userdel planted 2>/dev/null; crontab -r 2>/dev/null; true");
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).args(["site.yml", "-i", "hosts.yml", "-e", "@extra.yml"]).args(more);
        command.args(["--vault-password-file", "password"]);
        for name in ["home", "temporary"] {
            std::fs::create_dir_all(self.folder.path().join(name)).expect("a folder");
        }
        command.env("HOME", self.folder.path().join("home")).env("TMPDIR", self.folder.path().join("temporary"));
        command.env("SOPS_AGE_KEY_FILE", Path::new(env!("CARGO_MANIFEST_DIR")).join("secrets/test-only-one.agekey"));
        let output = command.output().expect("the program runs");
        [output.stdout, output.stderr].concat()
    }

    /// Every file below a folder, as path and contents.
    fn files(below: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let mut found = vec![];
        for entry in std::fs::read_dir(below).into_iter().flatten().flatten() {
            let kind = entry.file_type().expect("a kind");
            if kind.is_dir() {
                found.extend(Planted::files(&entry.path()));
            } else if kind.is_file() {
                found.push((entry.path(), std::fs::read(entry.path()).unwrap_or_default()));
            }
        }
        found
    }
}

#[test]
fn no_planted_secret_is_shown_or_left_anywhere() {
    let (Some(ssh_config), Some(program)) = (world("PLAY_TEST_HOSTS"), world("PLAY_TEST_BINARY")) else { return };
    let _turn = tests::HOSTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let there = |name: &str| world(name).expect("it is there where the others are");
    let folder = Planted::write(&there("PLAY_TEST_ANSIBLE"), &there("PLAY_TEST_TOOLS"), &ssh_config);
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("world/hosts.sh");
    let planted = Planted { folder, program, lab: there("PLAY_LAB"), hosts };
    let reset = Command::new(&planted.hosts).env("PLAY_LAB", &planted.lab).args(["reset", HOST]).output().expect("hosts.sh runs");
    assert_eq!(told(&reset).0, 0, "{}", told(&reset).1);
    // by a file: the arguments of this test are watched, too
    let upper = Path::new(&planted.lab).join("run").join(HOST);
    std::fs::write(upper.join("root/root/thirty"), secret(30)).expect("a file of the host");

    let watch = Watch::start();
    let runs: [(&str, &[&str]); 4] = [
        ("play", &["--check", "--diff"]),
        ("play", &["-vvvv", "--diff", "--junit", "junit"]),
        ("play", &["--json"]),
        ("ansible-playbook", &["-vvv", "--diff"]),
    ];
    for (name, more) in runs {
        let text = planted.play(name, more);
        std::fs::write(planted.folder.path().join("said"), &text).expect("written");
        assert_eq!(leaks(&text, &[]), Vec::<String>::new(), "{name} {more:?}; all it said is in {}", planted.folder.path().display());
        let text = String::from_utf8_lossy(&text);
        // that it went through to the end, and had them all in hand
        assert!(text.contains("the last task") && (name != "play" || text.contains("‹secret vars:s02")), "{text}");
        if !more.contains(&"--check") {
            assert!(text.contains("`vars:s10` stands in this command"), "no warning of a secret in arguments:\n{text}");
        }
    }
    let (lines, variables) = watch.end();
    assert!(
        lines.iter().any(|line| line.contains(&secret(10))) && variables.iter().any(|text| text.contains(&secret(8))),
        "nobody watched"
    );
    for line in &lines {
        assert_eq!(leaks(line.as_bytes(), &ARGUMENTS), Vec::<String>::new(), "in the arguments of a process");
    }
    for variable in &variables {
        assert_eq!(leaks(variable.as_bytes(), &ENVIRONMENT), Vec::<String>::new(), "in the environment of a process");
    }
    left(&planted, &upper);
}

/// What stays on both sides, but for what the playbook itself wrote.
fn left(planted: &Planted, upper: &Path) {
    let junit = Planted::files(&planted.folder.path().join("junit"));
    assert_eq!(junit.len(), 1, "one JUnit file");
    for name in ["home", "temporary", "junit"] {
        for (path, contents) in Planted::files(&planted.folder.path().join(name)) {
            assert_eq!(leaks(&contents, &[]), Vec::<String>::new(), "in {}", path.display());
        }
    }
    let written = ["/root/t.conf", "/root/two", "/root/thirty", "/root/again", "/root/v", "/etc/passwd", "/etc/passwd-", "/var/spool/cron"];
    let files = Planted::files(&upper.join("up"));
    assert!(
        files.iter().any(|(path, contents)| path.ends_with("root/two") && !leaks(contents, &[]).is_empty()),
        "the search finds what is there"
    );
    for (path, contents) in files {
        let name = path.to_string_lossy().into_owned();
        if !written.iter().any(|known| name.contains(&format!("/up{known}"))) {
            assert_eq!(leaks(&contents, &[]), Vec::<String>::new(), "in {name}");
        }
    }
    let volatile =
        planted.exec("tar -cf - -C / --exclude=run/systemd --exclude=run/udev --exclude=run/user tmp run dev/shm 2>/dev/null || true");
    assert_eq!(leaks(&volatile, &[]), Vec::<String>::new(), "in /tmp, /run or /dev/shm of the host");
}
