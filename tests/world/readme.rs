//! README says what is so: its transcripts are run, and come out as they stand there but for tags and times.

use std::path::Path;
use std::process::Command;

use tests::{Folder, told, world};

/// Tags of secrets differ with each run, and so does what it took.
fn stripped(text: &str) -> String {
    let line = |line: &str| match line.split_once(" #") {
        _ if line.starts_with("took ") => "took".to_owned(),
        Some((before, after)) if before.contains('‹') => format!("{before} #{}", after.get(4..).unwrap_or_default()),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// What stands between a line and the next fence.
fn block<'a>(text: &'a str, begin: &str) -> &'a str {
    let after = text.split_once(begin).expect("README has this transcript").1;
    after.split_once("```").expect("the block ends").0
}

/// The commands of a transcript, run in a folder; what they say under each.
fn transcript(expected: &str, folder: &Path, program: &str) -> String {
    let commands = expected.lines().filter_map(|line| line.strip_prefix("$ play "));
    let run = |line: &str| {
        let mut command = Command::new(program);
        command.current_dir(folder).args(line.split(' ')).env_remove("ANSIBLE_CONFIG");
        format!("$ play {line}\n{}", told(&command.output().expect("the program runs")).1)
    };
    commands.map(run).collect()
}

#[test]
fn transcripts_come_out_as_they_stand_there() {
    let (Some(program), Some(ansible)) = (world("PLAY_TEST_BINARY"), world("PLAY_TEST_ANSIBLE")) else { return };
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tree");
    let readme = std::fs::read_to_string(tree.join("README.md")).expect("README.md");
    let folder = Folder::new("readme");
    folder.write("app.yml", block(&readme, "```yaml\n"));
    folder.write("app.conf.j2", "listen = {{ port }}\nworkers = {{ workers }}\n");
    folder.write(".vault", "the-password-of-the-vault\n");
    folder.write("secret.yml", "password: c0rrect-horse-1\n");
    let mut vault = Command::new(Path::new(&ansible).join("bin/ansible-vault"));
    vault.current_dir(folder.path()).env("HOME", folder.path()).args(["encrypt", "--vault-password-file", ".vault", "secret.yml"]);
    assert!(vault.output().expect("ansible-vault runs").status.success());
    let away = || match std::fs::remove_dir_all("/tmp/app") {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("/tmp/app: {error}"),
        _ => {}
    };
    away();
    for begin in ["what the last task will print:\n\n```console\n", "and then once more:\n\n```console\n"] {
        let expected = block(&readme, begin);
        assert_eq!(stripped(&transcript(expected, folder.path(), &program)), stripped(expected));
    }
    away();

    let copy = Command::new("cp")
        .args(["-r", "ansible.cfg", "inventories", "playbooks", "roles", "templates"])
        .arg(folder.path())
        .current_dir(tree)
        .output();
    assert!(copy.expect("cp runs").status.success());
    std::fs::remove_dir_all(folder.path().join("inventories/dev/.cluster")).ok();
    let (code, text) =
        told(&Command::new(&program).current_dir(folder.path()).args(["site.yml", "-i", "inventories/dev"]).output().expect("it runs"));
    assert_eq!(code, 0, "{text}");
    let expected = block(&readme, "with one setting changed:\n\n```console\n");
    assert_eq!(stripped(&transcript(expected, folder.path(), &program)), stripped(expected));
    let graph = Command::new(&program).current_dir(folder.path()).args(["graph", "site.yml", "-i", "inventories/dev"]).output();
    let text = told(&graph.expect("it runs")).1;
    assert!(["   1  netpol\n", "   2  mysql_ss\n", "   3  xwiki\n"].iter().all(|line| text.contains(line)), "{text}");
    assert_eq!(text.matches("netpol -> mysql_ss").count(), 1, "{text}");
}
