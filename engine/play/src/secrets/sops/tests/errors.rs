//! Files that were cut, changed or moved about, and what is said about them.

use super::super::*;
use crate::secrets::fixtures::{self, surroundings};

fn error(text: &str, format: Format) -> SecretError {
    let keys = AgeKeys::new(surroundings(&[("SOPS_AGE_KEY", &fixtures::text("test-only-one.agekey"))]));
    match decrypt(text.as_bytes(), format, &keys) {
        Ok(_) => panic!("this opens, and should not:\n{text}"),
        Err(error) => {
            assert!(!error.hint().is_empty());
            assert!(!format!("{error} {error:?} {}", error.hint()).contains("AGE-SECRET"), "{error:?}");
            error
        }
    }
}

fn message(text: &str) -> String {
    error(text, Format::Yaml).to_string()
}

fn document() -> String {
    fixtures::text("document.sops.yaml")
}

/// The ciphertext behind a key.
fn sealed<'t>(text: &'t str, key: &str) -> &'t str {
    let start = text.find(&format!("{key}: ENC")).unwrap() + key.len() + 2;
    &text[start..start + text[start..].find(']').unwrap() + 1]
}

#[test]
fn a_changed_value_is_named() {
    let text = document();
    let port = sealed(&text, "port");
    let changed = "line 5: `database.port` was changed or moved after SOPS encrypted it";
    let flipped = port.replacen("data:", "data:A", 1).replacen("==,iv", "=,iv", 1);
    assert_eq!(
        message(&text.replace(port, &port.replace("tag:", "tag:AA").replace("AA", "A"))),
        "line 5: `database.port` is damaged: no base64"
    );
    assert_ne!(flipped, port);
    assert_eq!(message(&text.replace(port, sealed(&text, "user"))), changed);
    let nonce = port.replace("iv:", "iv:A").replacen("A", "", 1);
    assert!(message(&text.replace(port, &nonce)).starts_with("line 5: `database.port` "));
    assert_eq!(message(&text.replace(port, &port[..40])), "line 5: `database.port` is cut");
    assert_eq!(message(&text.replace(port, "5432")), "line 5: `database.port` stands in plain text where the file is encrypted");
    assert_eq!(message(&text.replace(port, "ENC[AES512,x]")), "line 5: `database.port` is encrypted with a cipher other than AES256_GCM");
    assert_eq!(
        message(&text.replace(port, &port.replace(":int", ":bool"))),
        "line 5: `database.port` decrypts to something that is not of its type"
    );
    assert_eq!(message(&text.replace(port, &port.replace(":int", ":x"))), "line 5: `database.port` has a type that SOPS does not know");
}

#[test]
fn a_value_under_another_key_does_not_open() {
    let text = document().replace("    port: ENC", "    prot: ENC");
    assert_eq!(message(&text), "line 5: `database.prot` was changed or moved after SOPS encrypted it");
}

#[test]
fn what_opens_and_is_not_the_document_has_the_wrong_mac() {
    let mismatch = "the file was changed after SOPS encrypted it: its MAC does not match";
    let text = document();
    let without = |word: &str| text.lines().filter(|line| !line.contains(word)).map(|line| format!("{line}\n")).collect::<String>();
    assert_eq!(message(&without("    port:")), mismatch);
    assert_eq!(message(&text.replace("count: 7", "count: 8")), mismatch);
    assert_eq!(message(&text.replace("- null\n", "- x\n")), mismatch);
    // Two entries of one list have the same keys above them: the order is the MAC's to keep.
    let hosts: Vec<_> = text.lines().filter(|line| line.starts_with("        - ENC") && line.ends_with("type:str]")).collect();
    let swapped = text.replace(hosts[0], "FIRST").replace(hosts[1], hosts[0]).replace("FIRST", hosts[1]);
    assert_eq!(message(&swapped), mismatch);
    // Only encrypted values count here; a plain one may change, an encrypted one may not go.
    let only = fixtures::text("regex-mac-only.sops.yaml");
    let keys = AgeKeys::new(surroundings(&[("SOPS_AGE_KEY", &fixtures::text("test-only-one.agekey"))]));
    assert!(decrypt(only.replace("name: x", "name: ENC[y").as_bytes(), Format::Yaml, &keys).is_ok());
    assert_eq!(message(&only.replace("stringData:", "plainData:").replace(sealed(&only, "c"), "d")), mismatch);
    assert_eq!(message(&only.replace("    mac_only_encrypted: true\n", "")), mismatch);
}

#[test]
fn the_mac_itself_is_kept() {
    let text = document();
    let mac = sealed(&text, "mac");
    assert_eq!(message(&text.replace(mac, "\"\"")), "the MAC of this SOPS file is missing");
    assert_eq!(
        message(&text.replace(mac, sealed(&text, "user"))),
        "the MAC of this SOPS file was changed or moved after SOPS encrypted it"
    );
    let year = text.find("lastmodified: \"").unwrap() + 15;
    let later = [&text[..year], "2030", &text[year + 4..]].concat();
    assert_eq!(message(&later), "the MAC of this SOPS file was changed or moved after SOPS encrypted it");
}

#[test]
fn a_cut_file_is_told() {
    let text = document();
    assert_eq!(message(&text[..text.find("sops:").unwrap()]), "this file has no `sops` metadata");
    assert_eq!(message(&text[..text.find("    lastmodified").unwrap()]), "the `sops` metadata is damaged: `lastmodified` is missing");
    assert_eq!(message(&text[..text.find("    mac:").unwrap()]), "the MAC of this SOPS file is missing");
    let middle = text.find("-----END AGE").unwrap();
    assert_eq!(message(&[&text[..middle - 100], &text[middle..]].concat()), "the data key of this SOPS file is damaged: it is no age text");
}

#[test]
fn no_end_of_a_file_panics_or_opens() {
    let keys = AgeKeys::new(surroundings(&[("SOPS_AGE_KEY", &fixtures::text("test-only-one.agekey"))]));
    for name in ["document.sops.yaml", "document.sops.json", "document.sops.env", "document.sops.ini", "document.sops.bin"] {
        let text = fixtures::bytes(name);
        let format = Format::of(std::path::Path::new(name));
        let full = text.len() - text.iter().rev().take_while(|byte| b"\n}".contains(byte)).count();
        let version = text.windows(7).rposition(|window| window == b"version").unwrap();
        for end in (0..full.min(version)).step_by(7) {
            let cut = &text[..end];
            // Behind the MAC nothing is missing but names.
            if !text[end..].windows(4).any(|window| window == b"mac:" || window == b"mac\"" || window == b"mac=" || window == b"mac ") {
                continue;
            }
            assert!(decrypt(cut, format, &keys).is_err(), "{name} opens when cut at {end}");
        }
    }
}

#[test]
fn other_shapes_are_refused() {
    assert_eq!(message("- a\n"), "line 1: a SOPS file is a mapping, not a list");
    assert_eq!(message("word\n"), "line 1: a SOPS file is a mapping, not one value");
    assert_eq!(message("a: &x 1\nb: *x\n"), "line 2: an alias in a SOPS file: SOPS writes none");
    assert_eq!(message("? [a]\n: b\n"), "line 1: a key that is no text in a SOPS file");
    assert!(message("a: 'b\n").starts_with("line "));
    assert_eq!(error("word", Format::Dotenv).to_string(), "line 1: a line without `=`");
    assert_eq!(error("[a\n", Format::Ini).to_string(), "line 1: a section without `]`");
    assert_eq!(error("[a]\nb = \"\"\"c\n", Format::Ini).to_string(), "line 2: a quote that is not closed");
}

#[test]
fn keys_of_other_kinds_are_named() {
    let pgp = "a: x\nsops:\n  pgp:\n  - {enc: x, fp: y}\n  kms: []\n  lastmodified: '2026-01-01T00:00:00Z'\n  mac: x\n";
    assert_eq!(message(pgp), "this SOPS file has no age recipient, only pgp");
    let groups = "a: x\nsops:\n  key_groups:\n  - age: [{enc: x, recipient: y}]\n  - age: [{enc: x, recipient: y}]\n  lastmodified: '2026-01-01T00:00:00Z'\n";
    assert_eq!(message(groups), "the key of this SOPS file is split over 2 key groups");
}
