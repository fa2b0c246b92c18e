//! What a failure means for the rest of a play.

use std::sync::Arc;

use crate::book::Play;

use super::session::Session;

impl Session {
    /// Whether handlers that were notified run on a host that failed.
    pub(super) fn forces_handlers(&self, play: &Arc<Play>) -> bool {
        let said = play.keywords.get("force_handlers").map(|node| node.to_value());
        said.map_or(self.tree.options.force_handlers, |value| match value.as_str() {
            Some(text) => crate::text::scalar::boolean(text).unwrap_or(false),
            None => value.truthy(),
        })
    }
}
