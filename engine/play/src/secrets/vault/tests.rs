//! Against texts of the real ansible-vault.

use super::*;
use crate::secrets::fixtures::{self, Folder, peer};
use std::process::Command;

fn one() -> VaultPassword {
    VaultPassword::new("default", b"test-only password one")
}

fn two() -> VaultPassword {
    VaultPassword::new("prod", b"test-only password two")
}

#[test]
fn opens_what_ansible_vault_wrote() {
    for (text, password, plain) in
        [("v11.vault", one(), "vault.yml"), ("v12-prod.vault", two(), "vault.yml"), ("block.vault", one(), "block.txt")]
    {
        let opened = decrypt(&fixtures::bytes(text), &[password]).unwrap();
        assert_eq!(*opened, fixtures::bytes(plain), "{text}");
    }
    assert_eq!(*decrypt(&fixtures::bytes("empty.vault"), &[one()]).unwrap(), b"");
}

#[test]
fn a_label_is_a_name_and_no_lock() {
    let text = fixtures::bytes("v12-prod.vault");
    assert_eq!(label(&text), Some("prod"));
    assert_eq!(label(&fixtures::bytes("v11.vault")), None);
    let renamed = VaultPassword { id: "staging".into(), ..two() };
    assert!(decrypt(&text, &[one(), renamed]).is_ok());
    let wrong = VaultPassword { id: "prod".into(), ..one() };
    assert!(decrypt(&text, &[wrong, two()]).is_ok());
}

#[test]
fn line_ends_of_any_system_do() {
    let text = fixtures::text("v11.vault").replace('\n', "\r\n");
    assert!(decrypt(text.as_bytes(), &[one()]).is_ok());
}

#[test]
fn says_what_is_wrong() {
    let good = fixtures::text("v12-prod.vault");
    let last = good.trim_end().rfind('\n').unwrap();
    let flipped = |text: &str, at: usize| {
        let digit = if text.as_bytes()[at] == b'3' { "2" } else { "3" };
        [&text[..at], digit, &text[at + 1..]].concat()
    };
    for (text, passwords, message) in [
        ("user: web".to_owned(), vec![two()], "this is no ansible-vault text: it does not start with `$ANSIBLE_VAULT;`"),
        ("$ANSIBLE_VAULT".into(), vec![two()], "the ansible-vault text is damaged: its header names no format"),
        ("$ANSIBLE_VAULT;1.1".into(), vec![two()], "the ansible-vault text is damaged: its header names no cipher"),
        (good.replace(";1.2;", ";1.0;"), vec![two()], "ansible-vault format `1.0` is not known"),
        (good.replace("AES256", "AES"), vec![two()], "ansible-vault cipher `AES` is not known"),
        (good[..last].into(), vec![two()], "the ansible-vault text is damaged: the body is cut or is not hex"),
        (good[..good.len() / 2].into(), vec![two()], "the ansible-vault text is damaged: the body is cut or is not hex"),
        (good.replace("\n3", "\nx"), vec![two()], "the ansible-vault text is damaged: the body is cut or is not hex"),
        (good.clone(), vec![], "an ansible-vault text for vault id `prod`, and no vault password is known"),
        (good.clone(), vec![one()], "no vault password opens this text for vault id `prod` (tried: `default`)"),
        (flipped(&good, good.len() - 2), vec![two()], "no vault password opens this text for vault id `prod` (tried: `prod`)"),
    ] {
        let error = decrypt(text.as_bytes(), &passwords).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(!error.hint().is_empty());
        assert!(!format!("{error:?} {}", error.hint()).contains("test-only"), "{error:?}");
    }
}

#[test]
fn every_length_comes_back_from_ansible_vault() {
    let Some(program) = peer("ansible-vault") else { return };
    let folder = Folder::new("vault-lengths");
    let password = folder.file("password", b"\xff\xfebytes that are no text\n");
    let content = |length: usize| (0..length).map(|i| (i * 7 + length) as u8).collect::<Vec<_>>();
    let lengths = [1, 15, 16, 17, 31, 32, 33, 1000, 70_000];
    let files = lengths.map(|length| folder.file(&length.to_string(), &content(length)));
    let encrypt = Command::new(program).arg("encrypt").arg("--vault-password-file").arg(password).args(&files).output();
    assert!(encrypt.unwrap().status.success());
    for (length, file) in lengths.into_iter().zip(files) {
        let password = VaultPassword::new("default", b"\xff\xfebytes that are no text");
        assert_eq!(*decrypt(&std::fs::read(file).unwrap(), &[password]).unwrap(), content(length));
    }
}
