//! Against a real sshd on a loopback port, started here.

use std::net::TcpListener;
use std::process::{Child, Stdio};

use super::*;

/// An sshd with keys of its own, for the user who runs the tests.
pub struct Sshd {
    child: Child,
    port: u16,
    pub folder: Scratch,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keygen(args: &[&str]) {
    let done = Command::new("ssh-keygen").args(["-q"]).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(done.is_ok_and(|status| status.success()), "ssh-keygen {args:?}");
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

impl Sshd {
    pub fn start(name: &str, more: &str) -> Option<Sshd> {
        Sshd::start_after(name, more, "")
    }

    /// `before`: what a shell does first, in a mount namespace of its own where it is not empty.
    pub fn start_after(name: &str, more: &str, before: &str) -> Option<Sshd> {
        if !has("/usr/sbin/sshd") || !has("ssh-keygen") {
            return None;
        }
        let folder = scratch(name);
        for (file, kind) in [("host", "ed25519"), ("host_rsa", "rsa"), ("user", "ed25519"), ("ca", "ed25519")] {
            keygen(&["-t", kind, "-N", "", "-f", &text(&folder.join(file))]);
        }
        std::fs::copy(folder.join("user.pub"), folder.join("authorized")).expect("authorized keys");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        let at = text(&folder);
        let config = format!("Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nHostKey {at}/host_rsa\nPidFile none\nAuthorizedKeysFile {at}/authorized\nStrictModes no\nPermitRootLogin yes\n{more}\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n").replace("AT", &at);
        std::fs::write(folder.join("config"), config).expect("a configuration");
        let _ = std::fs::create_dir_all("/run/sshd");
        let log = std::fs::File::create(folder.join("log")).expect("a log");
        let mut command = Command::new(if before.is_empty() { "sh" } else { "unshare" });
        if !before.is_empty() {
            command.args(["-m", "sh"]);
        }
        let script = format!("set -e; cd {at}; {before}\nexec /usr/sbin/sshd -D -e -f {at}/config");
        let mut child = command.args(["-c", &script]).stderr(log).spawn().expect("sshd");
        for _ in 0..500 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(Sshd { child, port, folder });
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let _ = child.kill();
        let _ = child.wait();
        panic!("sshd does not listen: {}", std::fs::read_to_string(folder.join("log")).unwrap_or_default());
    }

    /// Makes it read its configuration anew.
    pub fn again(&self) {
        let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default().matches("Server listening").count();
        let before = log();
        let status = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()));
        for _ in 0..1000 {
            std::thread::sleep(std::time::Duration::from_millis(10));
            if log() > before {
                return;
            }
        }
        panic!("sshd does not start again: {}", std::fs::read_to_string(self.folder.join("log")).unwrap_or_default());
    }

    pub fn at(&self, file: &str) -> String {
        text(&self.folder.join(file))
    }

    pub fn address(&self, args: &[&str]) -> Address {
        let hosts = format!("UserKnownHostsFile={}", self.at("known"));
        let all = ["-F", "/dev/null", "-o", &hosts, "-o", "GlobalKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes"];
        Address {
            name: "box".into(),
            host: "127.0.0.1".into(),
            port: Some(self.port),
            user: Some(String::from("root")),
            private_key_file: Some(self.at("user")),
            ssh_args: args.iter().chain(&all).map(|arg| (*arg).to_owned()).collect(),
            host_key_checking: true,
            timeout: 10,
            ..Address::default()
        }
    }

    fn know(&self, lines: &str) {
        std::fs::write(self.folder.join("known"), lines).expect("known hosts");
    }

    /// The name and public key of the host, as a line of known hosts.
    fn line(&self, name: &str, file: &str) -> String {
        let key = std::fs::read_to_string(self.folder.join(format!("{file}.pub"))).expect("a key");
        format!("{name} {key}")
    }

    fn hello(&self, address: &Address) -> Result<Vec<Answer>, play_core::run::Fault> {
        run(Pool::new(Options::default()).send(address, &Who::default(), message([ask("echo hello")]), |_| {}))
    }
}

pub const NEW: &[&str] = &["-o", "StrictHostKeyChecking=accept-new"];

fn hello() -> Result<Vec<Answer>, play_core::run::Fault> {
    Ok(vec![reply(0, "hello\n", "")])
}

#[test]
fn answers_come_over_ssh() {
    let Some(sshd) = Sshd::start("answers", "") else { return };
    let address = sshd.address(NEW);
    let pool = Pool::new(Options::default());
    run(async {
        let large: String = (0..60_000).map(|line| format!("{line:06} '\\\"\n")).collect();
        let parts = message([
            ask("printf 'a\\000b'; echo e >&2; exit 3"),
            act("head -c 3000000 /dev/zero"),
            fix(&format!("printf %s {}", crate::target::shell::quote(&large))),
            fix("false"),
            ask(":"),
        ]);
        let answers = pool.send(&address, &Who::default(), parts, |_| {}).await.expect("answers");
        assert!(
            answers == [reply(3, "a\0b", "e\n"), reply(0, vec![0; 3_000_000], ""), reply(0, &large, ""), reply(1, "", ""), Answer::Skipped]
        );
        pool.close_all().await;
    });
}

#[test]
fn a_connection_that_is_cut_is_unreachable_and_questions_are_asked_again() {
    let Some(sshd) = Sshd::start("cut", "") else { return };
    let address = sshd.address(NEW);
    let pool = Pool::new(Options::default());
    run(async {
        let cut = "echo b; kill -9 $(ps -o ppid= -p $$)";
        let fault = pool.send(&address, &Who::default(), message([ask("echo a"), fix(cut), ask("echo c")]), |_| {}).await.expect_err("cut");
        assert_eq!((fault.kind, fault.answers), (FaultKind::Unreachable, vec![reply(0, "a\n", "")]));
        let marker = sshd.folder.join("once");
        let first = format!("[ -e {0} ] || {{ : >{0}; kill -9 $(ps -o ppid= -p $$); }}; echo again", marker.display());
        // The first time on a connection that is open already, the second on a new one.
        pool.send(&address, &Who::default(), message([ask(":")]), |_| {}).await.expect("open");
        let answers = pool.send(&address, &Who::default(), message([ask(&first)]), |_| {}).await;
        assert_eq!(answers, Ok(vec![reply(0, "again\n", "")]));
    });
}

#[test]
fn host_keys_are_judged() {
    let Some(sshd) = Sshd::start("keys", "") else { return };
    let name = format!("[127.0.0.1]:{}", sshd.port);
    let strict = sshd.address(&[]);
    // Unknown.
    let fault = sshd.hello(&strict).expect_err("unknown");
    assert!(fault.message.starts_with("the key of `box` is not known: ssh-ed25519 SHA256:"), "{fault:?}");
    assert!(
        fault.hint.as_ref().is_some_and(|hint| hint.contains(&format!("ssh-keyscan -p {} 127.0.0.1 >> {}", sshd.port, sshd.at("known")))),
        "{fault:?}"
    );
    // New ones are accepted, written down, and known from then on.
    assert_eq!(sshd.hello(&sshd.address(NEW)), hello());
    assert_eq!(sshd.hello(&strict), hello());
    // Hashed by OpenSSH's own tool.
    keygen(&["-H", "-f", &sshd.at("known")]);
    assert!(std::fs::read_to_string(sshd.at("known")).expect("known").starts_with("|1|"));
    assert_eq!(sshd.hello(&strict), hello());
    // By another key alone: that one is asked for.
    sshd.know(&sshd.line(&name, "host_rsa"));
    assert_eq!(sshd.hello(&strict), hello());
    // Changed: never accepted while there is checking.
    sshd.know(&format!("# a comment\n{}", sshd.line(&name, "user")));
    for address in [&strict, &sshd.address(NEW)] {
        let fault = sshd.hello(address).expect_err("changed");
        assert!(
            fault.message.starts_with("the key of `box` has CHANGED: it shows ssh-ed25519 SHA256:")
                && fault.message.ends_with(&format!("({} line 2)", sshd.at("known"))),
            "{fault:?}"
        );
    }
    let unchecked = Address { host_key_checking: false, ..strict.clone() };
    assert_eq!(sshd.hello(&unchecked), hello());
    // Revoked: not even without checking.
    sshd.know(&format!("{}@revoked * {}", sshd.line(&name, "host"), sshd.line("", "host").trim_start()));
    assert!(sshd.hello(&unchecked).expect_err("revoked").message.contains("is revoked by"));
}

#[test]
fn host_certificates_are_judged() {
    let Some(sshd) = Sshd::start("certificate", "HostCertificate AT/host-cert.pub") else { return };
    let strict = sshd.address(&[]);
    let authority = format!("@cert-authority [127.0.0.*]:* {}", sshd.line("", "ca").trim_start());
    sshd.know(&authority);
    // sshd reads the certificate when it starts: sign, and start it anew.
    let sign = |principal: &str, validity: &str| {
        keygen(&["-s", &sshd.at("ca"), "-I", "box", "-h", "-n", principal, "-V", validity, &sshd.at("host.pub")]);
        sshd.again();
    };
    sign("127.0.0.1", "+1d");
    assert_eq!(sshd.hello(&strict), hello());
    sign("other", "+1d");
    assert!(sshd.hello(&strict).expect_err("for another").message.ends_with("does not hold: it is for other"));
    sign("127.0.0.1", "20200101:20200102");
    assert!(sshd.hello(&strict).expect_err("too old").message.ends_with("it is not valid at this time"));
}

#[test]
fn logging_in() {
    let Some(sshd) = Sshd::start("login", "") else { return };
    let address = sshd.address(NEW);
    // A key that is not let in.
    keygen(&["-t", "rsa", "-N", "", "-f", &sshd.at("other")]);
    let fault = sshd.hello(&Address { private_key_file: Some(sshd.at("other")), ..address.clone() }).expect_err("another key");
    assert_eq!(fault.message, format!("`box` lets `root` not in: tried key `{}`; the server takes publickey", sshd.at("other")));
    // RSA.
    std::fs::copy(sshd.at("other.pub"), sshd.at("authorized")).expect("authorized");
    assert_eq!(sshd.hello(&Address { private_key_file: Some(sshd.at("other")), ..address.clone() }), hello());
    // One with a passphrase, alone and in an agent.
    keygen(&["-t", "ed25519", "-N", "geheim", "-f", &sshd.at("locked")]);
    std::fs::copy(sshd.at("locked.pub"), sshd.at("authorized")).expect("authorized");
    let locked = Address { private_key_file: Some(sshd.at("locked")), ..address.clone() };
    let fault = sshd.hello(&locked).expect_err("a passphrase");
    assert_eq!(fault.hint, Some(format!("`{0}` has a passphrase: add it to the agent with `ssh-add {0}`", sshd.at("locked"))));
    let socket = sshd.at("agent");
    let mut agent = Command::new("ssh-agent").args(["-D", "-a", &socket]).stdout(Stdio::null()).spawn().expect("ssh-agent");
    while !Path::new(&socket).exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    std::fs::write(sshd.at("askpass"), "#!/bin/sh\necho geheim\n").expect("askpass");
    Command::new("chmod").args(["+x", &sshd.at("askpass")]).status().expect("chmod");
    let added = Command::new("ssh-add")
        .arg(sshd.at("locked"))
        .env("SSH_AUTH_SOCK", &socket)
        .env("SSH_ASKPASS", sshd.at("askpass"))
        .env("SSH_ASKPASS_REQUIRE", "force")
        .stderr(Stdio::null())
        .status();
    assert!(added.is_ok_and(|status| status.success()));
    let mut with_agent = locked.clone();
    with_agent.ssh_args.extend([String::from("-o"), format!("IdentityAgent={socket}")]);
    assert_eq!(sshd.hello(&with_agent), hello());
    let _ = agent.kill();
    let _ = agent.wait();
    // A certificate beside the key.
    let trust = Sshd::start("login-certificate", "TrustedUserCAKeys AT/ca.pub\nAuthorizedKeysFile none").expect("sshd");
    keygen(&["-s", &trust.at("ca"), "-I", "me", "-n", "root", &trust.at("user.pub")]);
    assert_eq!(trust.hello(&trust.address(NEW)), hello());
}

#[test]
fn by_way_of_other_hosts() {
    let Some(sshd) = Sshd::start("jump", "") else { return };
    let at = sshd.folder.display();
    let hosts = format!(
        "  User root\n  IdentityFile {at}/user\n  UserKnownHostsFile {at}/known\n  StrictHostKeyChecking accept-new\n  IdentitiesOnly yes\n"
    );
    let config = format!(
        "Host bastion second\n  HostName 127.0.0.1\n  Port {}\n{hosts}Host inner\n  HostName 127.0.0.1\n  Port {}\n  ProxyJump bastion,second\n{hosts}Host piped\n  ProxyCommand nc 127.0.0.1 %p\n  Port {}\n{hosts}",
        sshd.port, sshd.port, sshd.port
    );
    std::fs::write(sshd.folder.join("ssh_config"), config).expect("a configuration");
    let through = |host: &str| Address {
        name: host.into(),
        host: host.to_owned(),
        ssh_args: vec![String::from("-F"), sshd.at("ssh_config")],
        host_key_checking: true,
        timeout: 10,
        ..Address::default()
    };
    assert_eq!(sshd.hello(&through("inner")), hello());
    if has("nc") {
        assert_eq!(sshd.hello(&through("piped")), hello());
    }
    let log = std::fs::read_to_string(sshd.at("log")).expect("a log");
    assert!(log.matches("Accepted publickey").count() >= 3, "{log}");
}

#[test]
fn what_is_printed_at_login_is_not_taken_for_an_answer() {
    let Some(sshd) = Sshd::start(
        "noise",
        "Banner AT/authorized\nForceCommand echo noise; echo more >&2; printf 'no end'; eval \"$SSH_ORIGINAL_COMMAND\"",
    ) else {
        return;
    };
    assert_eq!(sshd.hello(&sshd.address(NEW)), hello());
    let Some(silent) = Sshd::start("nologin", "ForceCommand echo This account is currently not available; exit 1") else { return };
    let fault = silent.hello(&silent.address(NEW)).expect_err("no shell");
    assert_eq!(fault.message, "no shell on `box`: it ended with code 1: This account is currently not available");
}

#[test]
fn what_cannot_be_reached_says_why() {
    let Some(sshd) = Sshd::start("nowhere", "") else { return };
    let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
    let fault = sshd.hello(&Address { port: Some(port), ..sshd.address(NEW) }).expect_err("nobody");
    assert_eq!(
        (fault.kind, fault.message),
        (FaultKind::Unreachable, format!("`box`: cannot connect to 127.0.0.1 port {port}: Connection refused (os error 111)"))
    );
    // One that accepts and says nothing.
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = mute.local_addr().expect("an address").port();
    let fault = sshd.hello(&Address { port: Some(port), timeout: 1, ..sshd.address(NEW) }).expect_err("mute");
    assert_eq!(fault.message, format!("`box`: no connection to 127.0.0.1 port {port} within 1 s"));
    let fault = sshd.hello(&sshd.address(&["-o", "Nonsense=1"])).expect_err("nonsense");
    assert!(fault.message.starts_with("`box`: ssh does not take its configuration: "), "{fault:?}");
}

/// Run by hand: `cargo test -p play --lib figures -- --ignored --nocapture`.
#[test]
#[ignore = "prints figures"]
fn figures() {
    let Some(sshd) = Sshd::start("figures", "MaxStartups 200\nMaxSessions 100") else { return };
    let address = sshd.address(NEW);
    let memory = || {
        std::fs::read_to_string("/proc/self/status")
            .expect("status")
            .lines()
            .find(|line| line.starts_with("VmRSS"))
            .map(str::to_owned)
            .unwrap_or_default()
    };
    run(async {
        let here = here("/bin/sh");
        for (name, address) in [("local", &here), ("ssh", &address)] {
            let pool = Pool::new(Options::default());
            let who = Who::default();
            let begun = std::time::Instant::now();
            pool.send(address, &who, message([ask(":")]), |_| {}).await.expect("connected");
            eprintln!("{name}: connect {:?}", begun.elapsed());
            for (what, parts) in [
                ("1 ask", vec![ask(":")]),
                ("1 ask with stat", vec![ask("stat /etc/passwd")]),
                ("20 asks", vec![ask("echo x"); 20]),
                ("1 fix", vec![fix(":")]),
                ("20 fixes", vec![fix("echo x"); 20]),
                ("1 act", vec![act("echo x")]),
            ] {
                let mut times = vec![];
                for _ in 0..200 {
                    let begun = std::time::Instant::now();
                    pool.send(address, &who, message(parts.clone()), |_| {}).await.expect("answers");
                    times.push(begun.elapsed());
                }
                times.sort();
                eprintln!("{name}: {what}: median {:?}, fastest {:?}", times[100], times[0]);
            }
            pool.close_all().await;
        }
        eprintln!("before 50 hosts: {}", memory());
        let pool = Arc::new(Pool::new(Options::default()));
        let begun = std::time::Instant::now();
        let mut all = tokio::task::JoinSet::new();
        for index in 0..50 {
            let (pool, address) = (pool.clone(), Address { path: Some(index.to_string()), timeout: 60, ..address.clone() });
            all.spawn(async move { pool.send(&address, &Who::default(), message([ask("echo x")]), |_| {}).await.expect("answers") });
        }
        all.join_all().await;
        eprintln!("50 hosts: {:?}, {}", begun.elapsed(), memory());
        pool.close_all().await;
    });
}
