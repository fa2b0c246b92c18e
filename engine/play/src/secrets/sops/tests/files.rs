//! Files of the real SOPS, each against its plaintext.

use super::super::*;
use crate::secrets::fixtures::{self, surroundings};

/// Opens with the first test key, and checks what holds for every file.
pub(super) fn open(text: &[u8], format: Format) -> Opened {
    let key = fixtures::text("test-only-one.agekey");
    let ssh = fixtures::path("test-only-ssh").display().to_string();
    let around = surroundings(&[("SOPS_AGE_KEY", &key), ("SOPS_AGE_SSH_PRIVATE_KEY_FILE", &ssh)]);
    let shown = || String::from_utf8_lossy(text).into_owned();
    let opened = decrypt(text, format, &AgeKeys::new(around)).unwrap_or_else(|error| panic!("{error}\n{}", shown()));
    assert!(is_sops(text, format), "{}", shown());
    let plain = String::from_utf8_lossy(&opened.bytes);
    if matches!(format, Format::Yaml | Format::Json | Format::Dotenv) {
        let source = std::str::from_utf8(text).unwrap();
        assert_eq!(plain.matches('\n').count(), source.matches('\n').count(), "lines stay where they are");
        assert!(!is_sops(&opened.bytes, format));
        for secret in &opened.secrets {
            let line = |text: &str, at: usize| text[..at].matches('\n').count();
            let sealed = source.lines().nth(line(&plain, secret.at.start)).unwrap();
            assert!(sealed.contains("ENC["), "{} stands where its ciphertext stood", secret.path);
        }
    }
    opened
}

/// Paths and values of a document.
pub(super) fn values(text: &[u8], format: Format) -> Vec<(String, Scalar)> {
    let sheet = format.sheet(std::str::from_utf8(text).unwrap()).unwrap();
    sheet.leaves.into_iter().map(|leaf| (leaf.dotted(), leaf.value)).collect()
}

fn same_values(sealed: &str, plain: &str) -> Opened {
    let format = Format::of(std::path::Path::new(sealed));
    let opened = open(&fixtures::bytes(sealed), format);
    assert_eq!(values(&opened.bytes, format), values(&fixtures::bytes(plain), format), "{sealed}");
    opened
}

#[test]
fn yaml_has_the_values_of_the_document() {
    let opened = same_values("document.sops.yaml", "document.yaml");
    let paths: Vec<_> = opened.secrets.iter().map(|secret| secret.path.as_str()).collect();
    assert!(paths.starts_with(&["database.user", "database.password", "database.port"]), "{paths:?}");
    assert!(paths.contains(&"database.hosts.2.list.1.0"), "a comment in a list has no index: {paths:?}");
    assert!(!paths.iter().any(|path| path.contains("unencrypted")));
    let password = &opened.secrets[1];
    assert_eq!(&opened.bytes[password.at.clone()], br#""p\"a'ss: #1 {{ x }}\\""#);
    assert_eq!(secrecy::ExposeSecret::expose_secret(&password.value), r#"p"a'ss: #1 {{ x }}\"#);
    assert_eq!(opened.secrets[2].kind, Kind::Int);
}

#[test]
fn json_has_the_values_of_the_document() {
    let opened = same_values("document.sops.json", "document.json");
    serde_json::from_slice::<serde_json::Value>(&opened.bytes).expect("it is JSON, without a comma too many");
}

#[test]
fn other_yaml_files_have_the_values_of_the_document() {
    for name in ["many", "odd-values", "list-comments", "comment-rule", "regex-mac-only", "ssh"] {
        same_values(&format!("{name}.sops.yaml"), &format!("{name}.yaml"));
    }
}

#[test]
fn dotenv_is_the_document() {
    let opened = open(&fixtures::bytes("document.sops.env"), Format::Dotenv);
    let lines: Vec<_> = std::str::from_utf8(&opened.bytes).unwrap().lines().collect();
    let document = fixtures::text("document.env");
    for (line, expected) in lines.iter().zip(document.lines()).filter(|(_, expected)| !expected.starts_with('#')) {
        assert_eq!(*line, expected);
    }
}

#[test]
fn ini_has_the_values_of_the_document() {
    let opened = same_values("document.sops.ini", "document.ini");
    assert!(std::str::from_utf8(&opened.bytes).unwrap().contains("user  = admin\n"));
}

#[test]
fn binary_is_the_document() {
    let opened = open(&fixtures::bytes("document.sops.bin"), Format::Binary);
    assert_eq!(*opened.bytes, fixtures::bytes("document.bin"));
    assert_eq!(opened.secrets.len(), 1);
}

#[test]
fn what_is_not_of_sops_is_told_from_what_is() {
    for (text, format) in [
        ("a: 1\n", Format::Yaml),
        ("sops: is a word\nb: ENC[AES256_GCM,", Format::Yaml),
        ("a: {sops: {mac: 'ENC[AES256_GCM,'}}\n", Format::Yaml),
        ("{ this is no YAML sops: mac ENC[AES256_GCM,", Format::Yaml),
        ("{}", Format::Json),
        ("A=1\n", Format::Dotenv),
        ("[a]\nb=c\n", Format::Ini),
    ] {
        assert!(!is_sops(text.as_bytes(), format), "{text}");
    }
    for (name, format) in [
        ("a.yml", Format::Yaml),
        ("b/a.sops.yaml", Format::Yaml),
        ("a.json", Format::Json),
        (".env", Format::Dotenv),
        ("a.ini", Format::Ini),
        ("yaml", Format::Binary),
        ("a.txt", Format::Binary),
    ] {
        assert_eq!(Format::of(std::path::Path::new(name)), format, "{name}");
    }
}
