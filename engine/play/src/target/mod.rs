//! Bytes in and out of targets. Nothing here knows what a script is for.

use std::sync::Arc;

pub mod cluster;
pub mod folder;
mod redact;
mod status;

/// Hears what a connection does while somebody waits for it: one line of plain text, without secrets.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;
