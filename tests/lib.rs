//! Harness shared by the tests.

pub mod dice;

/// What a world test needs and `tests/run` exports. Where it is missing the test is skipped aloud; in CI that fails.
pub fn world(name: &str) -> Option<String> {
    if let Ok(value) = std::env::var(name) {
        return Some(value);
    }
    assert!(std::env::var_os("CI").is_none(), "{name} is not set: in CI no world test may be skipped");
    skipped(name);
    None
}

#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn skipped(name: &str) {
    eprintln!("skipped: {name} is not set; `tests/run` sets all up");
}
