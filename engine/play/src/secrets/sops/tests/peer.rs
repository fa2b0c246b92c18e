//! Random documents that the real SOPS encrypts.

use super::super::*;
use super::files::{open, values};
use crate::secrets::fixtures::{self, Folder, peer};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Value, json};
use std::process::Command;

/// As many as a fresh process each leaves bearable.
const DOCUMENTS: usize = 24;

fn documents() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[ -~]{0,30}",
        "[\\PC\n\t]{1,20}",
        "(\n| |#|:|-|'|\"|\\\\|\\{\\{|a|é|🎵|\u{85}|\u{2028}|\u{7f}){1,12}",
        prop_oneof![Just("null"), Just("~"), Just("yes"), Just("012"), Just("1_0"), Just("2020-01-01"), Just(" "), Just("<<")]
            .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        4 => text.prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        2 => any::<i64>().prop_map(Value::from),
        2 => (-1.0e9..1.0e9f64).prop_map(Value::from),
        1 => prop_oneof![Just(json!(null)), Just(json!("")), Just(json!([])), Just(json!({})), Just(json!(5.0)), Just(json!(1e30))],
    ];
    let key = prop_oneof!["[a-z]{1,6}", "[a-z]{1,3}_unencrypted", "[a-z.: #é-]{1,8}", Just("yes".to_owned()), Just("5".to_owned())];
    let value = leaf.prop_recursive(4, 40, 5, move |inner| {
        let key = prop_oneof!["[a-z]{1,6}", "[a-z]{1,3}_unencrypted", "[a-z.: #é-]{1,8}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..4).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    });
    let document = proptest::collection::vec((key, value), 1..8);
    document.prop_map(|entries| Value::Object(entries.into_iter().collect()))
}

/// What the document is, by path; empty lists and mappings have no path.
fn expected(document: &Value, path: &str, leaves: &mut Vec<(String, Value)>) {
    let join = |step: &str| if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") };
    match document {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| expected(value, &join(key), leaves)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| expected(item, &join(&i.to_string()), leaves)),
        leaf => leaves.push((path.to_owned(), leaf.clone())),
    }
}

/// JSON, which is YAML once the characters are escaped that YAML does not allow or takes for line ends.
fn written(document: &Value, format: Format) -> String {
    let escaped = |c: char| match c {
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' if format == Format::Yaml => {
            format!("\\u{:04x}", u32::from(c))
        }
        c => c.to_string(),
    };
    document.to_string().chars().map(escaped).collect()
}

/// What SOPS leaves plain, its YAML 1.1 writes in ways that YAML 1.2 reads otherwise: raw line ends of Unicode, and
/// `|4-` for a text that starts with blanks. Encrypted values are not touched by this.
fn tame(document: &mut Value, plain: bool) {
    match document {
        Value::Object(entries) => {
            entries.iter_mut().for_each(|(key, value)| tame(value, plain || key.ends_with("_unencrypted")));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| tame(item, plain)),
        Value::String(text) if plain => *text = text.replace(['\u{85}', '\u{2028}', '\u{2029}'], "").trim_start().to_owned(),
        _ => {}
    }
}

fn scalar(value: &Value) -> Scalar {
    match value {
        Value::Bool(truth) => Scalar::Bool(*truth),
        Value::Number(number) => Scalar::Number(match number.as_i64() {
            Some(number) => number.to_string(),
            None => leaf::float(number.as_f64().unwrap()),
        }),
        Value::String(text) => Scalar::Text(text.clone()),
        _ => Scalar::Null,
    }
}

fn decrypts(sops: &std::path::Path, sealed: &std::path::Path) -> bool {
    let key = fixtures::path("test-only-one.agekey");
    let mut command = Command::new(sops);
    command.arg("decrypt").arg(sealed).env("SOPS_AGE_KEY_FILE", key).env("SOPS_DISABLE_VERSION_CHECK", "1");
    command.output().unwrap().status.success()
}

#[test]
fn random_documents_come_back() {
    let Some(sops) = peer("sops") else { return };
    let folder = Folder::new("sops-peer");
    let key = fixtures::text("test-only-one.agekey");
    let recipient = key.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    let seed = std::env::var("PLAY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() });
    let mut compared = 0;
    for round in 0..DOCUMENTS {
        let mut document = documents().new_tree(&mut runner).unwrap().current();
        let (format, kind) = if round % 2 == 0 { (Format::Yaml, "yaml") } else { (Format::Json, "json") };
        if format == Format::Yaml {
            tame(&mut document, false);
        }
        let plain = folder.file(&format!("{round}.{kind}"), written(&document, format).as_bytes());
        let output = Command::new(&sops)
            .args(["encrypt", "--age", recipient])
            .arg(&plain)
            .env("SOPS_DISABLE_VERSION_CHECK", "1")
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "seed {seed}: {document}\n{}", String::from_utf8_lossy(&output.stderr));
        let sealed = folder.file(&format!("{round}.sops.{kind}"), &output.stdout);
        if !decrypts(&sops, &sealed) {
            // Its YAML writer has faults of its own: `|4-` in a list, `-0`.
            continue;
        }
        let opened = open(&output.stdout, format);
        let mut leaves = Vec::new();
        expected(&document, "", &mut leaves);
        let leaves: Vec<_> = leaves.iter().map(|(path, value)| (path.clone(), scalar(value))).collect();
        assert_eq!(values(&opened.bytes, format), leaves, "seed {seed}: {document}");
        if format == Format::Json {
            let read: Value = serde_json::from_slice(&opened.bytes).unwrap();
            assert_eq!(read.as_object().map(|o| o.len()), document.as_object().map(|o| o.len()));
        }
        compared += 1;
    }
    assert!(compared > DOCUMENTS * 3 / 4, "SOPS reads only {compared} of its own files");
}

#[test]
fn text_of_every_kind_comes_back_from_lines() {
    let Some(sops) = peer("sops") else { return };
    let folder = Folder::new("sops-lines");
    let key = fixtures::text("test-only-one.agekey");
    let recipient = key.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    let env = "A=\nB=a b\nC_unencrypted=#x\nD='q'\nE=a=b\\nc\nF= x \n";
    let ini = "top = 1\n[a]\nb = c d\ne = \"x y\"\nf = `a;b#c`\ng = \"\"\"one\ntwo\"\"\"\n[b_unencrypted]\nc = d = e\n";
    for (name, text, format) in [("a.env", env, Format::Dotenv), ("a.ini", ini, Format::Ini)] {
        let plain = folder.file(name, text.as_bytes());
        let run = Command::new(&sops).args(["encrypt", "--age", recipient]).arg(&plain).current_dir(folder.path()).output();
        let sealed = run.unwrap().stdout;
        let opened = open(&sealed, format);
        assert_eq!(values(&opened.bytes, format), values(text.as_bytes(), format));
    }
}
