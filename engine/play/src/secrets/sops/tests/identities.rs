//! Where identities are looked for.

use super::super::*;
use crate::secrets::Surroundings;
use crate::secrets::fixtures::{self, Folder, surroundings};

fn open(name: &str, around: Surroundings) -> Result<Opened, SecretError> {
    decrypt(&fixtures::bytes(name), Format::Yaml, &AgeKeys::new(around))
}

fn opens(name: &str, variables: &[(&str, &str)]) {
    if let Err(error) = open(name, surroundings(variables)) {
        panic!("{name} with {variables:?}: {error}; {}", error.hint());
    }
}

#[test]
fn each_place_is_found() {
    let (one, two) = (fixtures::path("test-only-one.agekey"), fixtures::path("test-only-two.agekey"));
    let (one, two) = (one.display().to_string(), two.display().to_string());
    let key = fixtures::text("test-only-two.agekey");
    let folder = Folder::new("age-home");
    let home = folder.path().display().to_string();
    opens("document.sops.yaml", &[("SOPS_AGE_KEY_FILE", &one)]);
    opens("document.sops.yaml", &[("SOPS_AGE_KEY_FILE", &two)]);
    opens("document.sops.yaml", &[("SOPS_AGE_KEY", &key)]);
    let bare = key.lines().last().unwrap();
    opens("document.sops.yaml", &[("SOPS_AGE_KEY", &format!("{bare} {bare}"))]);
    opens("document.sops.yaml", &[("SOPS_AGE_KEY_CMD", &format!("cat '{two}'"))]);
    let by_recipient = format!("sh -c 'test \"$SOPS_AGE_RECIPIENT\" = {} && cat {one}'", key_name(&one));
    opens("document.sops.yaml", &[("SOPS_AGE_KEY_CMD", &by_recipient)]);

    std::fs::create_dir_all(folder.path().join(".config/sops/age")).unwrap();
    std::fs::copy(&one, folder.path().join(".config/sops/age/keys.txt")).unwrap();
    if cfg!(target_os = "linux") {
        opens("document.sops.yaml", &[("HOME", &home)]);
    }
    opens("document.sops.yaml", &[("XDG_CONFIG_HOME", &format!("{home}/.config"))]);
}

fn key_name(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned()
}

#[test]
fn an_ssh_key_is_an_identity() {
    let path = fixtures::path("test-only-ssh");
    let folder = Folder::new("ssh-home");
    std::fs::create_dir_all(folder.path().join(".ssh")).unwrap();
    std::fs::copy(&path, folder.path().join(".ssh/id_ed25519")).unwrap();
    opens("ssh.sops.yaml", &[("SOPS_AGE_SSH_PRIVATE_KEY_FILE", &path.display().to_string())]);
    opens("ssh.sops.yaml", &[("SOPS_AGE_SSH_PRIVATE_KEY_CMD", &format!("cat {}", path.display()))]);
    opens("ssh.sops.yaml", &[("HOME", &folder.path().display().to_string())]);
}

#[test]
fn without_an_identity_it_says_where_it_looked() {
    let error = open("ssh.sops.yaml", surroundings(&[("HOME", "/nowhere")])).err().unwrap();
    let recipient = fixtures::text("test-only-ssh.pub");
    assert_eq!(error.to_string(), format!("no age identity for this file, which is for `{}`", recipient.trim()));
    if cfg!(target_os = "linux") {
        assert_eq!(
            error.hint(),
            "set SOPS_AGE_KEY_FILE to a file with the identity; looked at SOPS_AGE_SSH_PRIVATE_KEY_FILE, SOPS_AGE_KEY, \
             SOPS_AGE_KEY_FILE, /nowhere/.config/sops/age/keys.txt, SOPS_AGE_KEY_CMD, SOPS_AGE_SSH_PRIVATE_KEY_CMD"
        );
    }
}

#[test]
fn what_is_wrong_with_an_identity_is_said_without_it() {
    let folder = Folder::new("age-bad");
    let secret = "AGE-SECRET-KEY-1BROKEN";
    let broken = folder.file("keys.txt", format!("# a\n{secret}\n").as_bytes()).display().to_string();
    for (variables, problem) in [
        (("SOPS_AGE_KEY_FILE", "/nowhere"), "SOPS_AGE_KEY_FILE: cannot read `/nowhere`: No such file or directory"),
        (("SOPS_AGE_KEY_FILE", broken.as_str()), "SOPS_AGE_KEY_FILE: identity file contains non-identity data on line 2"),
        (("SOPS_AGE_KEY", secret), "SOPS_AGE_KEY: identity file contains non-identity data on line 1"),
        (("SOPS_AGE_KEY", "AGE-SECRET-KEY-PQ-1X"), "SOPS_AGE_KEY: post-quantum age identities are not known yet"),
        (("SOPS_AGE_KEY_CMD", "false"), "SOPS_AGE_KEY_CMD: `false` gave no key: exit status: 1"),
        (("SOPS_AGE_SSH_PRIVATE_KEY_FILE", broken.as_str()), "SOPS_AGE_SSH_PRIVATE_KEY_FILE: invalid SSH identity"),
    ] {
        let error = open("document.sops.yaml", surroundings(&[variables])).err().unwrap();
        assert!(matches!(error, SecretError::NoAgeIdentity { .. }), "{error:?}");
        assert!(error.hint().contains(problem), "{}", error.hint());
        assert!(!format!("{error:?}{}", error.hint()).contains("BROKEN"), "{error:?}");
    }
    // A bad place does not hide a good one.
    let good = fixtures::text("test-only-one.agekey");
    opens("document.sops.yaml", &[("SOPS_AGE_KEY", &good), ("SOPS_AGE_KEY_FILE", "/nowhere")]);
}

#[test]
fn an_identity_file_may_have_a_passphrase() {
    let identity = fixtures::text("test-only-one.agekey");
    let mut recipient = age::scrypt::Recipient::new("test only".to_owned().into());
    recipient.set_work_factor(2);
    let sealed = age::encrypt_and_armor(&recipient, identity.as_bytes()).unwrap();
    let folder = Folder::new("age-passphrase");
    let path = folder.file("keys.age", sealed.as_bytes()).display().to_string();
    let around = |answer: Option<&'static str>| {
        let path = path.clone();
        Surroundings::new(
            move |name| (name == "SOPS_AGE_KEY_FILE").then(|| path.clone()),
            move |_| answer.map(|answer| answer.to_owned().into()),
        )
    };
    assert!(open("document.sops.yaml", around(Some("test only"))).is_ok());
    assert!(open("document.sops.yaml", around(Some("wrong"))).is_err());
    assert!(open("document.sops.yaml", around(None)).is_err());
}
