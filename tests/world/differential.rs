//! Every playbook below `tests/differential`, run by Ansible and by `play` on equal fresh hosts: equal files, owners, units,
//! recaps. What is not equal yet stands in `tests/differential/pending`, with its reason; a line there whose playbook has
//! become equal is a failure, too.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn pending(tests: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(tests.join("differential/pending")).expect("the list of what is not equal yet");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').expect("a name and a reason")).map(|(name, why)| (name.to_string(), why.trim().to_string())).collect()
}

#[test]
fn playbooks_end_as_with_ansible() {
    let Some(binary) = tests::world("PLAY_TEST_BINARY") else { return };
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("python3")
        .arg(tests.join("differential/compare.py"))
        .args(["--play", &binary])
        .output()
        .expect("python3 runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let verdict = |word: &str| -> Vec<String> {
        let line = |line: &str| Some(line.strip_prefix(word)?.split_whitespace().next()?.to_string());
        text.lines().filter_map(line).collect()
    };
    let (same, differs) = (verdict("same "), verdict("DIFFERS "));
    assert!(same.len() + differs.len() >= 60, "not every playbook was compared:\n{text}");
    let pending = pending(tests);
    let broken: Vec<&String> = differs.iter().filter(|name| !pending.contains_key(*name)).collect();
    let mended: Vec<&String> = same.iter().filter(|name| pending.contains_key(*name)).collect();
    assert!(broken.is_empty(), "these differ from Ansible: {broken:?}\n{text}");
    assert!(mended.is_empty(), "these are equal now; take them out of tests/differential/pending: {mended:?}");
}
