//! Whose fields are taken back, whose are left, and whose are an error: what an apply does about other owners.

use super::conflict::Conflict;
use super::path::Path;
use crate::state::Look;

/// The word of a look that says what is done about fields that others own: `take`, `yield`, `refuse`, or `FIELD=take`.
pub const CONFLICTS: &str = "conflicts";

/// What the conflicts of an object come to.
#[derive(Debug, Default)]
pub struct Resolved<'c> {
    pub take: Vec<&'c Conflict>,
    pub leave: Vec<&'c Conflict>,
    pub refuse: Vec<&'c Conflict>,
}

pub fn resolve<'c>(conflicts: &'c [Conflict], look: &Look) -> Resolved<'c> {
    let mut resolved = Resolved::default();
    for conflict in conflicts {
        match decision(conflict, look) {
            // what is not known for sure is neither taken nor left
            "take" if conflict.sure || look.asks(CONFLICTS, "take") => resolved.take.push(conflict),
            "yield" if conflict.sure => resolved.leave.push(conflict),
            _ => resolved.refuse.push(conflict),
        }
    }
    resolved
}

fn decision(conflict: &Conflict, look: &Look) -> &'static str {
    let field = conflict.path.to_string();
    let mut general = None;
    for word in look.all(CONFLICTS) {
        match word.rsplit_once('=') {
            Some((of, what)) if field == of || field.starts_with(&format!("{of}.")) || field.starts_with(&format!("{of}[")) => {
                return known(what);
            }
            Some(_) => {}
            None => general = Some(known(word)),
        }
    }
    general.unwrap_or(if by_hand(conflict) { "take" } else { "refuse" })
}

fn known(word: &str) -> &'static str {
    match word {
        "take" => "take",
        "yield" => "yield",
        _ => "refuse",
    }
}

/// Tools that people use by hand, and what those leave behind. They set a value once: it is drift. A controller, or
/// whoever describes the object elsewhere, sets it again: taking the field from those would be a fight.
fn by_hand(conflict: &Conflict) -> bool {
    const TOOLS: [&str; 8] = ["before-first-apply", "k9s", "Lens", "node-fetch", "Mozilla", "Headlamp", "dashboard", "OpenAPI-Generator"];
    conflict.operation == "Update" && (conflict.manager.starts_with("kubectl") || TOOLS.contains(&&*conflict.manager))
}

/// `spec.replicas of kubectl (scale)`
pub fn owners(conflicts: &[&Conflict]) -> Vec<String> {
    let by = |conflict: &Conflict| {
        if conflict.subresource.is_empty() { conflict.manager.clone() } else { format!("{} ({})", conflict.manager, conflict.subresource) }
    };
    conflicts.iter().map(|conflict| format!("{} of {}", conflict.path, by(conflict))).collect()
}

pub fn paths(conflicts: &[&Conflict]) -> Vec<Path> {
    conflicts.iter().map(|conflict| conflict.path.clone()).collect()
}
