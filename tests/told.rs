//! What users are told: the whole message for each mistake of `tests/errors`, and what check and apply print for each
//! small project of `tests/cases`. No host and no cluster is needed.

use std::path::Path;

use tests::projects;

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The program: the one that was built for all tests, or this package's own.
fn program() -> std::path::PathBuf {
    std::env::var_os("PLAY_TEST_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_play-under-test").into(), Into::into)
}

#[test]
fn each_mistake_has_its_message() {
    projects::each_alone(&folder("errors"), &program());
}

#[test]
fn check_and_apply_print_what_they_do() {
    projects::each_in_order(&folder("cases"), &program());
}
