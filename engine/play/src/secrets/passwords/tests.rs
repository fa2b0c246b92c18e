//! Files, scripts and prompts.

use super::*;
use crate::secrets::fixtures::{Folder, path, surroundings};
use secrecy::SecretString;

fn file(id: Option<&str>, path: &Path) -> Source {
    Source { id: id.map(str::to_owned), place: Place::File(path.display().to_string()) }
}

fn loaded(source: Source) -> Result<(String, Vec<u8>), SecretError> {
    load(&[source], &surroundings(&[])).map(|mut passwords| {
        let password = passwords.list.remove(0);
        (password.id, password.secret.expose_secret().to_vec())
    })
}

#[test]
fn sources_stand_in_the_order_of_ansible() {
    let around = surroundings(&[("ANSIBLE_VAULT_IDENTITY_LIST", "dev@dev.txt, prompt"), ("ANSIBLE_VAULT_PASSWORD_FILE", "~/.vault")]);
    let options = VaultOptions { vault_ids: vec!["prod@a@b".into()], password_files: vec!["c".into()], ask: true };
    let source = |id: Option<&str>, place| Source { id: id.map(str::to_owned), place };
    assert_eq!(
        sources(&options, &around),
        [
            source(Some("dev"), Place::File("dev.txt".into())),
            source(Some("default"), Place::Prompt),
            source(Some("prod"), Place::File("a@b".into())),
            source(Some("default"), Place::File("c".into())),
            source(Some("default"), Place::File("~/.vault".into())),
            source(None, Place::Prompt),
        ]
    );
}

#[test]
fn a_file_is_stripped_of_its_line_end() {
    let folder = Folder::new("password-file");
    let path = folder.file("password", b"  two words \r\n\n");
    assert_eq!(loaded(file(None, &path)), Ok(("default".into(), b"two words".to_vec())));
}

#[test]
fn home_is_a_tilde() {
    let folder = Folder::new("password-home");
    folder.file("vault", b"x\n");
    let around = surroundings(&[("HOME", &folder.path().display().to_string())]);
    let passwords = load(&[Source::from_vault_id("prod@~/vault")], &around).unwrap();
    assert_eq!(passwords.list[0].secret.expose_secret(), b"x");
}

#[test]
fn a_script_is_run_and_a_client_is_told_the_vault_id() {
    let folder = Folder::new("password-script");
    let script = folder.script("password.sh", "#!/bin/sh\nprintf ' %s \\n' \"from script $#\"\n");
    let client = folder.script("keyring-client.sh", "#!/bin/sh\n[ \"$2\" = prod ] || exit 2\necho \"$1 $2\"\n");
    assert_eq!(loaded(file(Some("prod"), &script)).unwrap().1, b" from script 0 ");
    assert_eq!(loaded(file(Some("prod"), &client)), Ok(("prod".into(), b"--vault-id prod".to_vec())));
    let error = loaded(file(Some("dev"), &client)).unwrap_err();
    assert_eq!(error.to_string(), format!("`{}` has no password for vault id `dev`", client.display()));
}

#[test]
fn a_password_file_may_be_a_vault() {
    let sources = [file(None, &path("vault-one.password")), file(Some("inner"), &path("v11.vault"))];
    let passwords = load(&sources, &surroundings(&[])).unwrap();
    assert_eq!(passwords.list[1].id, "inner");
    assert!(passwords.list[1].secret.expose_secret().starts_with(b"user: web"));
}

#[test]
fn a_prompt_asks_as_ansible_asks() {
    let around = Surroundings::new(|_| None, |question| Some(SecretString::from(format!("{question}\n"))));
    let asked = |source| load(&[source], &around).unwrap().list.remove(0).secret.expose_secret().to_vec();
    assert_eq!(asked(Source::from_vault_id("prod@prompt")), b"Vault password (prod):");
    assert_eq!(asked(Source { id: None, place: Place::Prompt }), b"Vault password:");
}

#[test]
fn a_bad_source_is_an_error_only_where_none_is_good() {
    let folder = Folder::new("password-bad");
    let (empty, missing) = (folder.file("empty", b"\n"), folder.path().join("missing"));
    let failing = folder.script("failing.sh", "#!/bin/sh\necho s3cret\nexit 3\n");
    for (path, message) in [
        (&empty, format!("`{}` gave an empty vault password", empty.display())),
        (&missing, format!("cannot read `{}`: No such file or directory (os error 2)", missing.display())),
        (&folder.path().to_owned(), format!("cannot read `{}`: it is a folder", folder.path().display())),
        (&failing, format!("`{}` gave no key: exit status: 3", failing.display())),
    ] {
        assert_eq!(loaded(file(None, path)).unwrap_err().to_string(), message);
    }
    let good = folder.file("good", b"x");
    let passwords = load(&[file(None, &missing), file(None, &good)], &surroundings(&[])).unwrap();
    assert_eq!((passwords.list.len(), passwords.problems.len()), (1, 1));
    let prompt = load(&[file(None, &good), Source::from_vault_id("prompt")], &surroundings(&[]));
    assert_eq!(prompt.unwrap_err().to_string(), "`Vault password (default):` has to be asked, and there is no terminal");
}
