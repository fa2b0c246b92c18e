//! The shipped role `base` on a real host with systemd and apt: what the check says is what the run does, a second run has
//! nothing to do, the key that was configured still logs in, drift is named field by field, and parts run alone by tags.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::{Folder, has, told, world};

const HOST: &str = "h1";

/// Modules of the machine's kernel are not the host's to load, and iscsid ends without them: it is stood in for by a
/// program that stays.
const PREPARE: &str = r"
mkdir -p /etc/systemd/system/iscsid.service.d
cat >/etc/systemd/system/iscsid.service.d/lab.conf <<'UNIT'
[Unit]
ConditionVirtualization=
[Service]
Type=simple
PIDFile=
ExecStartPre=
ExecStart=
ExecStart=/bin/sleep infinity
UNIT
useradd --create-home leaver
mkdir -p /etc/sudoers.d
echo 'leaver ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/leaver
";

const INVENTORY: &str = r#"
all:
  children:
    clusters: {hosts: {}}
    hosts:
      hosts:
        node:
          ansible_host: h1
          ansible_ssh_common_args: -F SSH_CONFIG
          base_users:
            - {name: owner, comment: Owner of the platform, groups: [adm, operators], sudo: true, authorized_keys: ["KEY"]}
            - {name: leaver, state: absent}
          base_unattended_blocklist: [open-iscsi]
          base_longhorn_load_modules: false
          base_extra_sysctl: {net.ipv4.ip_forward: "1"}
"#;

/// What a check could have touched, but for what runs and logs by itself.
const EVERYTHING: &str = r"
systemctl is-system-running --wait >/dev/null
find / -xdev \( -path /run -o -path /var -o -path /root \) -prune -o -printf '%p %y %s %m %U %C@\n'
find /var/lib/apt /var/lib/dpkg /var/cache/apt -printf '%p %C@\n'
getent passwd; dpkg-query -W; sysctl net.ipv4.ip_forward
";

struct Base {
    folder: Folder,
    program: String,
    ssh_config: String,
}

/// A task or an item of one, and what became of it: its outcome, and its gaps as text.
type Told = BTreeMap<(String, String), (String, String)>;

impl Base {
    fn play(&self, more: &[&str]) -> (i32, String) {
        let tree = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tree");
        let mut command = Command::new(&self.program);
        command.current_dir(tree).args(["site.yml", "-i"]).arg(self.folder.path().join("hosts.yml")).args(more);
        told(&command.output().expect("the program runs"))
    }

    /// A run as JSON lines; tasks that are looped over stand as their items.
    fn lines(&self, more: &[&str]) -> (i32, Told) {
        let (code, text) = self.play(&[more, &["--json"]].concat());
        let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let field = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let mut all = Told::new();
        for event in events.filter(|event| matches!(event["event"].as_str(), Some("task" | "item"))) {
            let item = event["item"].to_string();
            all.insert((field(&event, "place"), item), (field(&event, "outcome"), event["gaps"].to_string()));
        }
        assert!(all.len() > 3, "{text}");
        (code, all)
    }

    fn ssh(&self, user: &str, key: Option<&Path>, line: &str) -> (i32, String) {
        let mut command = Command::new("ssh");
        command.args(["-F", &self.ssh_config, "-o", "BatchMode=yes", "-l", user]);
        if let Some(key) = key {
            // the lab's own key must not do it
            command.args(["-F", "none", "-o", "IdentitiesOnly=yes", "-o"]).arg(format!("IdentityFile={}", key.display()));
            command.args(["-o", &format!("UserKnownHostsFile={}", self.beside("known_hosts")), "-o", &format!("HostKeyAlias={HOST}")]);
            command.arg(self.address());
        } else {
            command.arg(HOST);
        }
        told(&command.arg(line).output().expect("ssh runs"))
    }

    fn beside(&self, name: &str) -> String {
        Path::new(&self.ssh_config).with_file_name(name).display().to_string()
    }

    fn address(&self) -> String {
        let output = Command::new("ssh").args(["-F", &self.ssh_config, "-G", HOST]).output().expect("ssh runs");
        let text = told(&output).1;
        text.lines().find_map(|line| line.strip_prefix("hostname ")).expect("the host's address").to_owned()
    }

    fn root(&self, line: &str) -> String {
        let (code, text) = self.ssh("root", None, line);
        assert_eq!(code, 0, "{line}: {text}");
        text
    }
}

fn outcome(told: &Told, key: &(String, String)) -> String {
    told.get(key).map(|(outcome, _)| outcome.clone()).unwrap_or_default()
}

#[test]
fn a_host_becomes_as_described_and_stays_so() {
    let (Some(ssh_config), Some(program)) = (world("PLAY_TEST_HOSTS"), world("PLAY_TEST_BINARY")) else { return };
    let base = Base { folder: Folder::new("base"), program, ssh_config };
    let _turn = tests::HOSTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("world/hosts.sh");
    let reset = Command::new(hosts).args(["reset", HOST]).output().expect("hosts.sh runs");
    assert_eq!(told(&reset).0, 0, "{}", told(&reset).1);
    base.root(PREPARE);
    let key = base.folder.path().join("own");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "owner", "-f"]).arg(&key).output();
    assert!(made.expect("ssh-keygen runs").status.success());
    let public = std::fs::read_to_string(key.with_extension("pub")).expect("a public key");
    base.folder.write("hosts.yml", &INVENTORY.replace("SSH_CONFIG", &base.ssh_config).replace("KEY", public.trim()));
    predicted(&base);
    as_described(&base, &key);
    drifted(&base);
    parts(&base);
}

fn lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}

/// What the check calls `same` is left alone, what it is sure of comes as it said, and it writes nothing.
fn predicted(base: &Base) {
    let before = base.root(EVERYTHING);
    let (code, check) = base.lines(&["--check"]);
    assert_eq!(code, 2, "{check:?}");
    let (before, after): (BTreeSet<String>, BTreeSet<String>) = (lines(&before), lines(&base.root(EVERYTHING)));
    let odd: Vec<_> = before.symmetric_difference(&after).collect();
    assert!(odd.is_empty() && before.len() > 1000, "a check changes nothing: {odd:?}");
    let (code, done) = base.lines(&[]);
    assert_eq!(code, 0, "{done:?}");
    for (key, (outcome_of_check, gaps)) in &check {
        let (is, became) = done.get(key).cloned().unwrap_or_default();
        match outcome_of_check.as_str() {
            "same" => assert_eq!(is, "same", "{key:?}"),
            "change" => assert_eq!((is.as_str(), &became), ("change", gaps), "{key:?}"),
            "would_run" => assert_eq!(is, "ran", "{key:?}"),
            _ => {}
        }
    }
    for (key, (is, _)) in &done {
        let said = outcome(&check, key);
        let foreseen = matches!(is.as_str(), "same" | "skipped") || matches!(said.as_str(), "change" | "may" | "unknown" | "would_run");
        // a command that only reads ran in both
        assert!(foreseen || said == *is, "{key:?} was `{said}` and became `{is}`");
    }
    let (code, again) = base.lines(&[]);
    assert_eq!(code, 0, "{again:?}");
    let left: Vec<_> = again.iter().filter(|(_, (is, _))| !matches!(is.as_str(), "same" | "skipped")).collect();
    assert!(left.len() == 1 && left[0].0.0.contains("longhorn.yml"), "only `findmnt`, which reads, runs again: {left:?}");
}

fn as_described(base: &Base, key: &Path) {
    let (code, text) = base.ssh("owner", Some(key), "id; sudo -n id -u");
    assert_eq!(code, 0, "the key that is configured still logs in: {text}");
    has(&text, &["(owner)", "(adm)", "(operators)", "\n0\n"]);
    has(&base.root("sshd -T"), &["passwordauthentication no\n", "permitrootlogin without-password\n", "maxauthtries 6\n"]);
    // not only in the file: the running sshd offers no password
    let (code, text) = base.ssh("owner", Some(Path::new("/dev/null")), "true");
    assert!(code == 255 && text.contains("Permission denied (publickey)"), "{text}");
    let text = base.root("sysctl net.ipv4.ip_forward net.ipv4.conf.all.accept_redirects; cat /etc/sysctl.d/60-base.conf");
    has(&text, &["net.ipv4.ip_forward = 1\n", "net.ipv4.conf.all.accept_redirects = 0\n", "net.ipv4.ip_forward=1\n"]);
    let text = base.root("unattended-upgrade --dry-run --debug 2>&1; apt-config dump; systemctl is-enabled apt-daily.timer; systemctl is-active apt-daily-upgrade.timer");
    let upgrades = [
        "Initial blacklist: open-iscsi\n",
        "origin=Debian,codename=bookworm-security,label=Debian-Security",
        "APT::Periodic::Unattended-Upgrade \"1\"",
        "\nenabled\n",
        "\nactive\n",
    ];
    has(&text, &upgrades);
    has(
        &base.root("systemctl is-active iscsid; dpkg -l nfs-common open-iscsi; cat /etc/modules-load.d/longhorn.conf"),
        &["active\n", "ii  nfs-common", "iscsi_tcp"],
    );
    has(&base.root("! getent passwd leaver && ! test -e /home/leaver && ! test -e /etc/sudoers.d/leaver && echo gone"), &["gone\n"]);
}

/// Nothing new comes with packages here: the check is sure of all, and the run does exactly what it said.
fn drifted(base: &Base) {
    base.root("sysctl -q net.ipv4.ip_forward=0; sed -i s/^MaxAuthTries.*/MaxAuthTries\\ 60/ /etc/ssh/sshd_config.d/00-base.conf; \
               gpasswd -d owner operators; systemctl mask --now apt-daily.timer; echo ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleEx stranger >>~owner/.ssh/authorized_keys; \
               chmod 644 /etc/sudoers.d/owner");
    let drift = [
        "value: 0 -> 1",
        "-MaxAuthTries 60",
        "+MaxAuthTries 6",
        "~ unit apt-daily.timer",
        "masked: true -> false",
        "stranger",
        "mode: 0644 -> 0440",
        "operators",
    ];
    let (code, text) = base.play(&["--check"]);
    assert_eq!(code, 2, "{text}");
    has(&text, &drift);
    let (_, check) = base.lines(&["--check"]);
    let (code, done) = base.lines(&[]);
    assert_eq!(code, 0, "{done:?}");
    let gaps = |told: &Told| told.iter().map(|(key, (_, gaps))| (key.clone(), gaps.clone())).collect::<Vec<_>>();
    assert_eq!(gaps(&done), gaps(&check), "each gap is closed as it was said");
    assert!(
        outcome(&check, &("".into(), "".into())).is_empty() && !check.values().any(|(is, _)| matches!(is.as_str(), "may" | "unknown")),
        "{check:?}"
    );
    let (code, text) = base.play(&["--check"]);
    assert_eq!(code, 0, "{text}");
}

fn parts(base: &Base) {
    base.root("sysctl -q net.ipv4.ip_forward=0; chmod 644 /etc/sudoers.d/owner; rm /etc/modules-load.d/longhorn.conf");
    let alone = [
        ("base_sysctl", "sysctl net.ipv4.ip_forward"),
        ("base_users", "path /etc/sudoers.d/owner"),
        ("base_longhorn", "path /etc/modules-load.d/longhorn.conf"),
    ];
    for (tag, thing) in alone {
        let (code, text) = base.play(&["--tags", tag]);
        assert_eq!(code, 0, "{text}");
        has(&text, &[thing]);
        for (_, other) in alone.iter().filter(|(other, _)| *other != tag) {
            assert!(!text.contains(other), "--tags {tag} touches {other}:\n{text}");
        }
    }
    for tag in ["base_ssh", "base_upgrades", "base_packages", "base"] {
        let (code, text) = base.play(&["--tags", tag]);
        assert!(code == 0 && text.contains(" same") && !text.contains("changed"), "{tag}: {text}");
    }
}
