//! What goes wrong on real hosts: a way in that is none, rights and passwords that are missing, disks that take nothing.
//! Each has its own message, the other hosts go on, and no file is half-written or left over.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{MutexGuard, PoisonError};

use tests::{Folder, about, has, told};

struct Lab {
    _turn: MutexGuard<'static, ()>,
    folder: Folder,
    config: String,
    program: String,
}

impl Lab {
    fn new(name: &str) -> Option<Lab> {
        let (config, program) = (tests::world("PLAY_TEST_HOSTS")?, tests::world("PLAY_TEST_BINARY")?);
        let turn = tests::HOSTS.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Lab { _turn: turn, folder: Folder::new(name), config, program })
    }

    /// What `sh` prints on a host.
    fn on(&self, host: &str, script: &str) -> String {
        let run = || told(&Command::new("ssh").args(["-F", &self.config, host, script]).stdin(Stdio::null()).output().expect("ssh runs"));
        let (mut code, mut text) = run();
        // other tests end the host's sshd
        for _ in 0..5 {
            if code == 255 {
                std::thread::sleep(std::time::Duration::from_secs(1));
                (code, text) = run();
            }
        }
        assert_eq!(code, 0, "{script}: {text}");
        text
    }

    fn play(&self, playbook: &str, hosts: &str, more: &[&str]) -> (i32, String) {
        self.folder.write("hosts.yml", hosts);
        self.folder.write("site.yml", playbook);
        let mut command = Command::new(&self.program);
        let output = command.current_dir(self.folder.path()).args(["site.yml", "-i", "hosts.yml"]).args(more).output().expect("it runs");
        let (code, text) = told(&output);
        for secret in ["wrong-password", "wrong-become", "right-become"] {
            assert!(!text.contains(secret), "{secret} in:\n{text}");
        }
        (code, text)
    }

    /// The address that the lab's configuration has for a host.
    fn address(&self, host: &str) -> String {
        let config = std::fs::read_to_string(&self.config).expect("the configuration of the lab");
        let after = config.split(&format!("Host {host}\n")).nth(1).expect("a host of the lab");
        let line = after.lines().find_map(|line| line.trim().strip_prefix("HostName "));
        line.expect("its address").to_string()
    }
}

const WRITE: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - name: Write
      copy: {content: "new\n", dest: "/root/bad-{{ inventory_hostname }}"}
"#;

#[test]
fn a_host_that_lets_nobody_in_says_why_and_the_others_go_on() {
    let Some(lab) = Lab::new("bad-way") else { return };
    let path = |name: &str| lab.folder.path().join(name).display().to_string();
    let known = std::fs::read_to_string(lab.config.replace("ssh_config", "known_hosts")).expect("the known hosts of the lab");
    // the host h1 with the key of h2
    let key =
        |host: &str| known.lines().find(|line| line.starts_with(&format!("{host},"))).and_then(|line| line.split_once(' ')).expect("a key");
    lab.folder.write("changed", &format!("{} {}\n", key("h1").0, key("h2").1));
    lab.folder.write("known", &known);
    let own = std::fs::read_to_string(&lab.config).expect("the configuration of the lab");
    let line = own.lines().find(|line| line.contains("UserKnownHostsFile")).expect("its known hosts").to_string();
    lab.folder.write("config", &own.replace(&line, &format!("  UserKnownHostsFile {}", path("changed"))));
    // it takes the call and says nothing
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("a port").port();
    let open = format!("-F /dev/null -o UserKnownHostsFile={} -o IdentitiesOnly=yes -o IdentityFile=none", path("known"));
    let hosts = format!(
        "all:\n  vars: {{ansible_ssh_common_args: \"-F {}\"}}\n  hosts:\n    fine: {{ansible_host: h3}}\n    \
         changed: {{ansible_host: h1, ansible_ssh_common_args: \"-F {}\"}}\n    \
         password: {{ansible_host: {h2}, ansible_user: play, ansible_password: wrong-password, ansible_ssh_common_args: \"{open} -o PreferredAuthentications=password\"}}\n    \
         nothing: {{ansible_host: {h2}, ansible_user: play, ansible_ssh_common_args: \"{open}\"}}\n    \
         silent: {{ansible_host: 127.0.0.1, ansible_port: {port}}}\n    unknown: {{ansible_host: nowhere.invalid}}\n    \
         refused: {{ansible_host: 127.0.0.1, ansible_port: 1}}\n",
        lab.config,
        path("config"),
        h2 = lab.address("h2"),
    );
    let (code, text) = lab.play(WRITE, &hosts, &["-T", "3"]);
    assert_eq!(code, 4, "{text}");
    has(about(&text, "changed"), &["the key of `changed` has CHANGED", &format!("{} line 1", path("changed")), "ssh-keygen -f"]);
    has(about(&text, "password"), &["`password` lets `play` not in: tried the password", "look at `ansible_user` and `ansible_password`"]);
    has(about(&text, "nothing"), &["nothing was at hand to try; the server takes publickey, password", "ssh-copy-id play@"]);
    has(about(&text, "silent"), &["`silent`", "3 s", "help:"]);
    has(about(&text, "unknown"), &["cannot connect to nowhere.invalid port 22", "look at `ansible_host`, the name service"]);
    has(about(&text, "refused"), &["127.0.0.1 port 1: Connection refused", "is sshd running"]);
    has(&text, &["changed    fine", "fine      1 changed"]);
    assert_eq!(lab.on("h3", "cat /root/bad-fine; rm /root/bad-fine"), "new\n");
    drop(silent);
}

#[test]
fn rights_that_are_missing_are_named() {
    let Some(lab) = Lab::new("bad-rights") else { return };
    for host in ["h1", "h2", "h3"] {
        lab.on(host, "id asker >/dev/null 2>&1 || useradd -m -s /bin/sh asker; echo asker:right-become | chpasswd; echo 'asker ALL=(ALL) ALL' >/etc/sudoers.d/asker; install -d -o asker -m 700 /home/asker/.ssh; install -o asker -m 600 /root/.ssh/authorized_keys /home/asker/.ssh/; rm -f /root/bad-*");
    }
    let hosts = |h1: &str| {
        format!(
            "all:\n  vars: {{ansible_ssh_common_args: \"-F {}\", ansible_user: asker}}\n  hosts:\n    h1: {h1}\n    \
             h2: {{ansible_become: true, ansible_become_password: wrong-become}}\n    \
             h3: {{ansible_become: true, ansible_become_password: right-become}}\n",
            lab.config
        )
    };
    let (code, text) = lab.play(WRITE, &hosts("{ansible_become: true}"), &[]);
    assert_eq!(code, 1, "{text}");
    has(about(&text, "h1"), &["cannot become `root` on `h1` with sudo: it wants a password", "set `ansible_become_password`"]);
    has(about(&text, "h2"), &["cannot become `root` on `h2` with sudo: wrong password"]);
    has(&text, &["changed    h3"]);
    assert_eq!(lab.on("h3", "cat /root/bad-h3; rm /root/bad-h3"), "new\n");

    let (code, text) = lab.play(&WRITE.replace("/root/", "/etc/"), &hosts("{}"), &["-l", "h1"]);
    assert_eq!(code, 1, "{text}");
    has(about(&text, "h1"), &["path /etc/bad-h1 could not be made", "Permission denied", "this user may not; try `become: true`"]);
    assert!(!text.contains("eval"), "{text}");
    assert_eq!(lab.on("h1", "find /etc /home/asker /tmp -name '*bad-*' -o -name '*.play-*'"), "");
    let (code, text) = lab.play(WRITE, &hosts("{ansible_become: true, ansible_become_method: doas}"), &["-l", "h1"]);
    assert_eq!(code, 1, "{text}");
    has(about(&text, "h1"), &["there is no `doas`", "install doas on the target, or choose another `become_method`"]);
}

#[test]
fn a_connection_that_ends_in_the_middle_is_told_and_the_next_run_goes_on() {
    let Some(lab) = Lab::new("bad-middle") else { return };
    let hosts = format!("all:\n  vars: {{ansible_ssh_common_args: \"-F {}\"}}\n  hosts: {{h1: {{}}, h2: {{}}}}\n", lab.config);
    lab.on("h2", "rm -f /root/bad-*");
    lab.on("h1", "rm -f /root/bad-*");
    let more = r#"
    - name: Cut
      shell: if ! test -e /root/bad-cut; then touch /root/bad-cut; pkill -9 -f 'sshd.*root@notty'; fi
      when: inventory_hostname == 'h2'
    - name: After it
      copy: {content: "after\n", dest: /root/bad-after}
"#;
    let playbook = [WRITE, more].concat();
    let (code, text) = lab.play(&playbook, &hosts, &[]);
    assert_eq!(code, 4, "{text}");
    has(
        about(&text, "h2"),
        &["the connection or its shell ended", "it may have been done, or in part", "run it again: what was done will be seen"],
    );
    has(&text, &["h2  1 changed  1 unreachable"]);
    assert_eq!(lab.on("h1", "cat /root/bad-after"), "after\n");
    let (code, text) = lab.play(&playbook, &hosts, &[]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(lab.on("h2", "cat /root/bad-after"), "after\n");
}

/// File systems that take nothing, with an old file each.
const DISKS: &str = "set -e; for d in full inodes ro; do umount /bad/$d 2>/dev/null || true; done; mkdir -p /bad/full /bad/inodes /bad/ro; \
    mount -t tmpfs -o size=64k tmpfs /bad/full; echo old >/bad/full/file; dd if=/dev/zero of=/bad/full/filler bs=1k count=100 2>/dev/null || true; \
    mount -t tmpfs -o nr_inodes=4 tmpfs /bad/inodes; echo old >/bad/inodes/file; touch /bad/inodes/a /bad/inodes/b; \
    mount -t tmpfs tmpfs /bad/ro; echo old >/bad/ro/file; mount -o remount,ro /bad/ro";

#[test]
fn a_disk_that_takes_nothing_keeps_what_it_has() {
    let Some(lab) = Lab::new("bad-disk") else { return };
    lab.on("h1", DISKS);
    let hosts = format!("all:\n  vars: {{ansible_ssh_common_args: \"-F {}\"}}\n  hosts: {{h1: {{}}}}\n", lab.config);
    let full = "the file system is full: `df -h` tells its bytes, `df -i` its inodes";
    let read_only = "it is mounted read-only";
    let long = "{{ 'new line\\n' * 9000 }}";
    let cases: &[(&str, &str, &str)] = &[
        (&format!("copy: {{content: \"{long}\", dest: /bad/full/file}}"), "path /bad/full/file could not be changed", full),
        (&format!("copy: {{content: \"{long}\", dest: /bad/full/new}}"), "path /bad/full/new could not be made", full),
        ("lineinfile: {path: /bad/full/file, line: \"{{ 'a' * 9000 }}\"}", "path /bad/full/file could not be changed", full),
        (
            "copy: {content: \"{{ 'x' * 3000000 }}\", dest: /bad/full/large}",
            "`/bad/full/large` could not be written: the target refused it",
            "is its file system full",
        ),
        ("copy: {content: \"new\\n\", dest: /bad/inodes/new}", "path /bad/inodes/new could not be made", full),
        ("copy: {content: \"new\\n\", dest: /bad/inodes/file}", "path /bad/inodes/file could not be changed", full),
        ("file: {path: /bad/inodes/folder, state: directory}", "path /bad/inodes/folder could not be made", full),
        ("copy: {content: \"new\\n\", dest: /bad/ro/file}", "path /bad/ro/file could not be changed", read_only),
        ("file: {path: /bad/ro/file, mode: \"0600\"}", "path /bad/ro/file could not be changed", read_only),
        ("file: {path: /bad/ro/file, state: absent}", "path /bad/ro/file could not be removed", read_only),
    ];
    for (task, what, hint) in cases {
        let playbook = format!(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: It\n      {task}\n    - name: Not reached\n      file: {{path: /bad/reached, state: touch}}\n"
        );
        let (code, text) = lab.play(&playbook, &hosts, &[]);
        assert_eq!(code, 1, "{task}: {text}");
        has(about(&text, "h1"), &[what, hint, "site.yml:5:7"]);
        assert!(!text.contains("eval"), "{task}: {text}");
    }
    let left = lab.on("h1", "cat /bad/*/file; find /bad -type f | sort");
    assert_eq!(left, "old\nold\nold\n/bad/full/file\n/bad/full/filler\n/bad/inodes/a\n/bad/inodes/b\n/bad/inodes/file\n/bad/ro/file\n");
    lab.on("h1", "umount /bad/full /bad/inodes /bad/ro; rm -r /bad");
}

#[test]
fn a_tool_that_is_missing_is_named() {
    let Some(lab) = Lab::new("bad-tool") else { return };
    let hosts = format!("all:\n  vars: {{ansible_ssh_common_args: \"-F {}\"}}\n  hosts: {{h1: {{}}, h2: {{}}}}\n", lab.config);
    lab.on("h1", "rm -f /root/bad-h1; mv /usr/bin/sha256sum /usr/bin/sha256sum.away");
    lab.on("h2", "rm -f /root/bad-h2; echo old >/root/bad-h2");
    let (code, text) = lab.play(WRITE, &hosts, &[]);
    let again = "mv /usr/bin/sha256sum.away /usr/bin/sha256sum; cat /root/bad-h1 2>/dev/null; true";
    let left = lab.on("h1", again);
    // either it does without, or it says what is missing; it never leaves something else
    match code {
        0 => assert_eq!(left, "new\n", "{text}"),
        _ => {
            assert_eq!((code, left.as_str()), (1, ""), "{text}");
            has(about(&text, "h1"), &["sha256sum"]);
        }
    }
    assert_eq!(lab.on("h2", "cat /root/bad-h2"), "new\n");
}
