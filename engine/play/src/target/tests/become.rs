//! Becoming another user, with real sudo, su and PAM: users of their own in a mount namespace, where the test runs as root.

use play_core::run::{Become, Fault, Method};

use super::ssh::{NEW, Sshd};
use super::*;

const USERS: &str = r#"
cp /etc/passwd /etc/shadow /etc/group .
hash() { openssl passwd -6 "$1"; }
n=4200
for user in amy nia ned old tty; do
  n=$((n + 1)); mkdir -m 700 home-$user; chown $n:$n home-$user
  echo "$user:x:$n:$n::$PWD/home-$user:/bin/sh" >>passwd; echo "$user:x:$n:" >>group
  echo "$user:$(hash pw-$user):19000:0:99999:7:::" >>shadow
done
sed -i 's/^old:\([^:]*\):19000:/old:\1:0:/' shadow
sed -i "s|^root:[^:]*:|root:$(hash pw-root):|" shadow
printf 'Defaults:tty requiretty\nDefaults lecture=never\nroot ALL=(ALL:ALL) ALL\namy ALL=(ALL) ALL\nnia ALL=(ALL) NOPASSWD: ALL\nold ALL=(ALL) ALL\ntty ALL=(ALL) NOPASSWD: ALL\n' >sudoers
chmod 0440 sudoers; chmod 0640 shadow; chmod 755 .
echo 'echo loud profile; echo loud >&2' >home-nia/.profile; echo 'echo loud rc' >home-nia/.bashrc
for file in passwd shadow group sudoers; do mount --bind $file /etc/$file; done
"#;

fn host(name: &str) -> Option<Sshd> {
    if !has("sudo") || !has("su") || !has("openssl") || !has("unshare") {
        return None;
    }
    if !Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success()) {
        assert!(std::env::var("CI").is_err(), "skipped: no right to make users of our own");
        eprintln!("skipped: no right to make users of our own");
        return None;
    }
    Sshd::start_after(name, "UsePAM yes", USERS)
}

fn who(method: Method, user: &str, password: Option<&str>) -> Who {
    Who(Some(Become { method, user: user.to_owned(), password: password.map(Value::from), executable: None, flags: None }))
}

fn become_it(sshd: &Sshd, login: &str, who: &Who) -> Result<String, Fault> {
    let address = Address { user: Some(login.to_owned()), ..sshd.address(NEW) };
    let answers =
        run(Pool::new(Options::default()).send(&address, who, message([ask("id -un; pwd; echo $HOME"), act("echo $LC_ALL")]), |_| {}))?;
    Ok(String::from_utf8(answers[0].reply().out).expect("text").replace(&sshd.folder.display().to_string(), "AT").replace('\n', " "))
}

#[test]
fn with_sudo() {
    let Some(sshd) = host("sudo") else { return };
    let sudo = |login: &str, user: &str, password: Option<&str>| become_it(&sshd, login, &who(Method::Sudo, user, password));
    let wrong = |login: &str, user: &str, password: Option<&str>| {
        sudo(login, user, password).map_err(|fault| (fault.kind, fault.message)).expect_err("refused")
    };
    assert_eq!(sudo("amy", "root", Some("pw-amy")).as_deref(), Ok("root AT/home-amy /root "));
    assert_eq!(sudo("nia", "root", None).as_deref(), Ok("root AT/home-nia /root "));
    assert_eq!(sudo("nia", "root", Some("not needed")).as_deref(), Ok("root AT/home-nia /root "));
    // Where the folder of the one who logged in is closed to the other: home.
    assert_eq!(sudo("nia", "ned", None).as_deref(), Ok("ned AT/home-ned AT/home-ned "));
    assert_eq!(sudo("nia", "nobody", None).as_deref().map(|told| told.starts_with("nobody / ")), Ok(true));
    let said = |user: &str, what: &str| (FaultKind::Become, format!("cannot become `{user}` on `box` with sudo: {what}"));
    assert_eq!(wrong("amy", "root", Some("pw-ned")), said("root", "wrong password"));
    assert_eq!(wrong("amy", "root", None), said("root", "it wants a password"));
    assert_eq!(wrong("ned", "root", Some("pw-ned")), said("root", "the user that logs in may not use sudo"));
    assert_eq!(wrong("nia", "zoe", None), said("zoe", "there is no such user"));
    assert_eq!(wrong("tty", "root", None), said("root", "sudo wants a terminal"));
    let Who(Some(mut other)) = who(Method::Sudo, "root", None) else { return };
    other.executable = Some(String::from("/opt/sudo"));
    assert_eq!(
        become_it(&sshd, "nia", &Who(Some(other))).map_err(|fault| fault.message),
        Err(String::from("cannot become `root` on `box` with sudo: there is no `/opt/sudo`"))
    );
}

#[test]
fn with_su_and_doas() {
    let Some(sshd) = host("su") else { return };
    let text = |method, login: &str, user: &str, password: Option<&str>| {
        become_it(&sshd, login, &who(method, user, password)).map_err(|fault| fault.message)
    };
    assert_eq!(text(Method::Su, "amy", "root", Some("pw-root")).as_deref(), Ok("root AT/home-amy /root "));
    assert_eq!(text(Method::Su, "root", "amy", None).as_deref(), Ok("amy AT/home-amy AT/home-amy "));
    let said = |what: &str| Err(format!("cannot become `root` on `box` with su: {what}"));
    assert_eq!(text(Method::Su, "amy", "root", Some("pw-amy")), said("wrong password"));
    assert_eq!(text(Method::Su, "amy", "root", None), said("it asks for a password"));
    assert_eq!(text(Method::Su, "amy", "zoe", None), Err(String::from("cannot become `zoe` on `box` with su: there is no such user")));
    if !has_quietly("doas") {
        assert_eq!(
            text(Method::Doas, "amy", "root", None),
            Err(String::from("cannot become `root` on `box` with doas: there is no `doas`"))
        );
    }
}

fn has_quietly(tool: &str) -> bool {
    Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_password_is_nowhere_to_be_seen() {
    let Some(sshd) = host("secret") else { return };
    let address = Address { user: Some(String::from("amy")), ..sshd.address(NEW) };
    let look =
        "for file in /proc/[0-9]*/cmdline /proc/[0-9]*/environ; do tr '\\0' ' ' 2>/dev/null <$file; done 2>/dev/null | grep -c 'pw-[a]my'";
    let answers =
        run(Pool::new(Options::default()).send(&address, &who(Method::Sudo, "root", Some("pw-amy")), message([ask(look)]), |_| {}));
    assert_eq!(answers, Ok(vec![reply(1, "0\n", "")]));
}

#[test]
fn abort_and_limits_reach_what_another_user_runs() {
    let Some(sshd) = host("abort") else { return };
    let address = Address { user: Some(String::from("nia")), ..sshd.address(NEW) };
    let root = who(Method::Sudo, "root", None);
    let pool = Pool::new(Options::default());
    run(async {
        let long = Part { limit: Some(1), ..act("sleep 4721") };
        let fault = pool.send(&address, &root, message([long]), |_| {}).await.expect_err("too long");
        assert_eq!(fault.kind, FaultKind::TimedOut, "{fault:?}");
        assert_eq!(pool.send(&address, &root, message([ask("pgrep -f '^sleep 4721$'")]), |_| {}).await, Ok(vec![reply(1, "", "")]));
        let abort = |step| {
            if let Progress::Begun { part: 1 } = step {
                pool.abort();
            }
        };
        let fault = pool.send(&address, &root, message([ask(":"), act("sleep 4722")]), abort).await.expect_err("aborted");
        assert_eq!(fault.kind, FaultKind::Interrupted, "{fault:?}");
        pool.close_all().await;
    });
    assert!(!Command::new("pgrep").args(["-f", "^sleep 4722$"]).output().expect("pgrep").status.success());
}

#[test]
fn logging_in_by_password() {
    let Some(sshd) = host("password") else { return };
    let login = |more: &str, password: &str| {
        let config = std::fs::read_to_string(sshd.at("config"))
            .expect("config")
            .lines()
            .filter(|line| !line.contains("Authentication "))
            .map(|line| format!("{line}\n"))
            .collect::<String>();
        std::fs::write(sshd.at("config"), format!("{config}PubkeyAuthentication no\n{more}\n")).expect("config");
        sshd.again();
        let address =
            Address { user: Some(String::from("amy")), password: Some(Value::from(password)), private_key_file: None, ..sshd.address(NEW) };
        run(Pool::new(Options::default()).send(&address, &Who::default(), message([ask("id -un")]), |_| {})).map_err(|fault| fault.message)
    };
    let amy = Ok(vec![reply(0, "amy\n", "")]);
    assert_eq!(login("PasswordAuthentication yes\nKbdInteractiveAuthentication no", "pw-amy"), amy);
    assert_eq!(
        login("PasswordAuthentication yes\nKbdInteractiveAuthentication no", "no"),
        Err(String::from("`box` lets `amy` not in: tried the password; the server takes password"))
    );
    assert_eq!(login("PasswordAuthentication no\nKbdInteractiveAuthentication yes", "pw-amy"), amy);
    assert_eq!(
        login("PasswordAuthentication no\nKbdInteractiveAuthentication yes", "no"),
        Err(String::from("`box` lets `amy` not in: tried keyboard-interactive with the password; the server takes keyboard-interactive"))
    );
}
