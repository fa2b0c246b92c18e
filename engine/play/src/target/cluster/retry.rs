//! What is tried again, and when: what only reads, and what the server surely did not begin.

use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use play_core::state::Response;

use super::call::Call;
use super::connection::{Broken, When};

/// Tries of one request, the first among them.
const TRIES: u32 = 4;
const FIRST: Duration = Duration::from_millis(250);
/// A server that wants a longer pause is taken at its word: its answer goes back as it is.
const LONGEST: u64 = 30;

/// How long to wait before the next try, and why; `None`: the outcome stands.
pub(super) fn pause(call: &Call, outcome: &Result<Response, Broken>, tries: u32, connects: u32) -> Option<(Duration, String)> {
    let backoff = jittered(FIRST * 2_u32.pow(tries.min(6) - 1));
    match outcome {
        Ok(response) => {
            let again = match response.status {
                429 => call.repeatable || response.retry_after.is_some(),
                // a server that says when to come back did not begin; a proxy that does not may have lost the answer
                503 => call.repeatable || response.retry_after.is_some(),
                500 => call.repeatable && response.retry_after.is_some(),
                502 | 504 => call.repeatable,
                _ => false,
            };
            let asked = response.retry_after.unwrap_or(0);
            (again && tries < TRIES && asked <= LONGEST).then(|| {
                let why = if response.status == 429 { "too many requests".to_string() } else { format!("HTTP {}", response.status) };
                (backoff.max(jittered(Duration::from_secs(asked))), why)
            })
        }
        Err(broken) => {
            let again = match broken.when {
                When::Unsent => tries <= connects,
                When::Lost => call.repeatable && tries < TRIES,
                When::Late => false,
            };
            again.then(|| (backoff, broken.fault.message.clone()))
        }
    }
}

/// Between the time and a quarter more: many that were turned away together do not come back together.
fn jittered(time: Duration) -> Duration {
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u8(0);
    time + time.mul_f64((hasher.finish() % 1000) as f64 / 4000.0)
}
