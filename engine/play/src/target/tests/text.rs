//! What needs no shell and no network: marks in streams, known hosts, configuration.

use russh::keys::ssh_key::{PublicKey, private::Ed25519Keypair};

use super::*;
use crate::target::config::{self, Around, Jump, Strict};
use crate::target::known_hosts::{self, File, Verdict};
use crate::target::reading::Reading;
use crate::target::shell::Mark;

#[test]
fn marks_are_found_however_a_stream_is_cut() {
    let mark = Mark::random();
    let m = mark.text();
    let parts = [ask(":"), act(":"), ask(":")];
    let out = format!(
        "stale\n{m} b\na\n\n{m}\n{m}no\n{} \n\n{m} x 0\n\n{m} o\nlive\n\n{m} e\nwrong\n\n{m} f\nlive2\n\n{m} e\n\n{m} x 3\n\n\n{m} x 1\n\n{m} .\n",
        &m[..31]
    );
    let err = format!("stale\n\n{m} b\ne\n{m} x\n\n{m} x\n\n\n{m} x\n\n{m} .\n");
    for step in 1..out.len() {
        let mut reading = Reading::new(&parts, &mark);
        out.as_bytes().chunks(step).for_each(|chunk| drop(reading.out(chunk)));
        err.as_bytes().chunks(step).for_each(|chunk| drop(reading.err(chunk)));
        assert!(reading.is_over());
        let first = format!("a\n\n{m}\n{m}no\n{} \n", &m[..31]);
        assert_eq!(
            reading.answers(),
            [reply(0, &first, "e"), reply(3, "live\nlive2\n", "wrong\n"), reply(1, "\n", "\n")],
            "in pieces of {step}"
        );
    }
}

fn key(seed: u8) -> PublicKey {
    PublicKey::new(Ed25519Keypair::from_seed(&[seed; 32]).public.into(), "")
}

fn judge(text: &str, host: &str, port: u16, key: &PublicKey) -> Verdict {
    let files = [File { path: String::from("none"), text: String::new() }, File { path: String::from("known"), text: text.to_owned() }];
    known_hosts::judge(&files, &known_hosts::names(host, port), key)
}

#[test]
fn known_hosts_are_matched_as_openssh_does() {
    let (mine, other) = (key(1), key(2));
    let text = |key: &PublicKey| key.to_openssh().expect("a key");
    let known = |patterns: &str, host: &str, port: u16| {
        judge(&format!("# comment\n\nbroken line\n{patterns} {} me@here\n", text(&mine)), host, port, &mine) == Verdict::Known
    };
    for (patterns, host, port, want) in [
        ("web", "web", 22, true),
        ("WEB", "web", 22, true),
        ("web", "WEB", 22, true),
        ("web", "web2", 22, false),
        ("a,web", "web", 22, true),
        ("*.example.org", "a.b.example.org", 22, true),
        ("*.example.org", "example.org", 22, false),
        ("w?b", "wab", 22, true),
        ("w?b", "wb", 22, false),
        ("*.org,!bad.org", "good.org", 22, true),
        ("*.org,!bad.org", "bad.org", 22, false),
        ("!bad.org,*.org", "bad.org", 22, false),
        ("!bad.org", "good.org", 22, false),
        ("[web]:2222", "web", 2222, true),
        ("[web]:2222", "web", 22, false),
        ("[web]:2222", "web", 2223, false),
        ("[*]:2222", "web", 2222, true),
        // Known without its port is known with it, as in OpenSSH.
        ("web", "web", 2222, true),
        // `printf web | openssl dgst -sha1 -mac hmac …`; made by `ssh-keygen -H`.
        ("|1|broken|hash", "web", 22, false),
    ] {
        assert_eq!(known(patterns, host, port), want, "{patterns} {host} {port}");
    }
    let hashed = known_hosts::line("[web]:2222", &mine, Some(&[7; 20]));
    assert!(
        hashed.starts_with("|1|")
            && judge(&hashed, "web", 2222, &mine) == Verdict::Known
            && judge(&hashed, "web", 22, &mine) == Verdict::Unknown
    );
    let place = |verdict: Verdict| match verdict {
        Verdict::Changed(place) | Verdict::Revoked(place) => (place.path, place.line),
        other => panic!("{other:?}"),
    };
    let both = format!("web {}\nweb {}\n", text(&other), text(&mine));
    assert_eq!(judge(&both, "web", 22, &mine), Verdict::Known);
    assert_eq!(place(judge(&format!("\nweb {}\n", text(&other)), "web", 22, &mine)), ("known".into(), 2));
    assert_eq!(place(judge(&format!("web {}\n@revoked * {}\n", text(&mine), text(&mine)), "web", 22, &mine)), ("known".into(), 2));
    // Another port may be another machine.
    assert_eq!(judge(&format!("web {}\n", text(&other)), "web", 2222, &mine), Verdict::Unknown);
    // The key of an authority is not that of a host, and a marker that is not known says nothing.
    for marker in ["@cert-authority", "@new-marker"] {
        assert_eq!(judge(&format!("{marker} web {}\n", text(&mine)), "web", 22, &mine), Verdict::Unknown);
    }
}

#[test]
fn settings_are_read_as_ssh_tells_them() {
    let around = Around { home: String::from("/home/me"), user: String::from("me") };
    let dump = "hostname 10.0.0.1\nport 2222\nuser amy\nidentityfile ~/.ssh/a_%h\nidentityfile /b\nidentitiesonly yes\nstricthostkeychecking accept-new\nuserknownhostsfile ~/.ssh/known /k\nproxyjump none\nproxycommand nc %h %p %%\nconnecttimeout none\nhashknownhosts yes\nhostkeyalgorithms ssh-ed25519,rsa-sha2-512";
    let settings = config::read_dump(dump, "web", &around);
    assert_eq!(
        (settings.host.as_str(), settings.port, settings.user.as_str(), settings.strict),
        ("10.0.0.1", 2222, "amy", Strict::AcceptNew)
    );
    assert_eq!(settings.identity_files, ["/home/me/.ssh/a_10.0.0.1", "/b"]);
    assert_eq!(settings.user_known_hosts, ["/home/me/.ssh/known", "/k"]);
    assert_eq!(
        (settings.proxy_jump, settings.proxy_command.as_deref(), settings.connect_timeout),
        (None, Some("nc 10.0.0.1 2222 %"), None)
    );
    assert!(settings.identities_only && settings.hash_known_hosts && settings.publickey);
}

#[test]
fn without_ssh_the_configuration_is_read_here() {
    let read = |path: &str| vec![format!("Host *\n  User from-{path}\n")];
    let text = "User=early\nHost web *.org !bad.org\n  HostName %h.lan\n  Port 22022 \n\tIdentityFile \"~/my key\"\nMatch host web\n  User never\nHost *\n  Include more\n  StrictHostKeyChecking no\n";
    let lines = |host: &str| config::read_file(text, host, &read, 4);
    assert_eq!(lines("web")[..4], ["user early", "hostname %h.lan", "port 22022", "identityfile ~/my key"]);
    assert_eq!(lines("bad.org"), ["user early", "user from-more", "stricthostkeychecking no"]);
    let around = Around { home: String::from("/h"), user: String::from("me") };
    let args: Vec<String> = ["-C", "-o", "Port=7", "-oUser=amy", "-i", "~/k", "-J", "a,b", "-F", "/f", "-vv"].map(str::to_owned).to_vec();
    let (mut given, file) = config::read_arguments(&args);
    given.extend(lines("web"));
    let settings = config::read_dump(&given.join("\n"), "web", &around);
    assert_eq!((file.as_deref(), settings.port, settings.user.as_str(), settings.host.as_str()), (Some("/f"), 7, "amy", "web.lan"));
    assert_eq!(settings.identity_files, ["/h/k", "/h/my key"]);
    assert_eq!(settings.proxy_jump.as_deref(), Some("a,b"));
}

#[test]
fn jumps_are_read() {
    let jump = |user: Option<&str>, host: &str, port| Jump { user: user.map(str::to_owned), host: host.to_owned(), port };
    assert_eq!(config::read_jump("a"), (None, jump(None, "a", None)));
    assert_eq!(config::read_jump("a,b@c:22"), (Some(String::from("a")), jump(Some("b"), "c", Some(22))));
    assert_eq!(config::read_jump("ssh://u@[::1]:23/"), (None, jump(Some("u"), "::1", Some(23))));
}
