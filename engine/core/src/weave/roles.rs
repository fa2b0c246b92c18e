//! The roles of a play as a graph.
//!
//! A role that says `after:` or `requires:` (in its meta or in the play) is ordered by its edges alone, and may run
//! beside others; all others keep the order in which the play lists them, as Ansible has it.

use std::sync::Arc;

use crate::book::role::EdgeKind;
use crate::book::{Play, RoleUse};
use crate::run::{Graph, Reason};
use crate::text::{Diagnostic, Result};

use super::strands::Sides;

/// The graph of a play's roles; nodes are places in `play.roles`.
pub fn graph(play: &Play) -> Graph {
    let mut graph = Graph::default();
    for used in &play.roles {
        graph.add(title(used, play));
    }
    let mut last: Option<usize> = None;
    for (at, role) in play.roles.iter().enumerate() {
        for need in &role.needs {
            let meant = |other: usize| need.place.map_or(play.roles[other].role.name == need.role, |place| place == other);
            for before in (0..play.roles.len()).filter(|before| *before != at && meant(*before)) {
                graph.edge(before, at, Reason { kind: need.kind.label(), span: need.span.clone() });
            }
        }
        if !role.graphed {
            if let Some(before) = last {
                graph.edge(before, at, Reason { kind: EdgeKind::Listed.label(), span: role.span.clone() });
            }
            last = Some(at);
        }
    }
    graph
}

/// The role's name; where the play uses it several times (with other tags, variables or conditions), also where.
fn title(used: &RoleUse, play: &Play) -> Arc<str> {
    let name = &used.role.name;
    let once = play.roles.iter().filter(|other| other.role.name == *name).count() == 1;
    if once { name.clone() } else { format!("{name} ({})", used.span).into() }
}

/// The order of a play's roles, and which of them may run side by side.
pub fn order(play: &Play) -> Result<(Vec<usize>, Option<Sides>)> {
    let graph = graph(play);
    let order = graph.order()?;
    let sides = Sides::new(&graph, &order);
    Ok((order, sides))
}

/// Roles that are required and that nothing names.
pub fn missing(plays: &[Arc<Play>]) -> Vec<Diagnostic> {
    let known: Vec<&str> = plays.iter().flat_map(|play| &play.roles).map(|role| &*role.role.name).collect();
    let needs = plays.iter().flat_map(|play| &play.roles).flat_map(|role| role.needs.iter().map(move |need| (role, need)));
    let missing = needs.filter(|(_, need)| need.kind != EdgeKind::After && !known.contains(&&*need.role));
    let message = |(role, need): (&Arc<RoleUse>, &crate::book::Edge)| {
        let message = format!("role `{}` requires `{}`, which no play of this playbook has", role.role.name, need.role);
        need.span.error(message).meant(&need.role, known.iter().copied()).hint("add it to the play, or say `after:` where it is not needed")
    };
    missing.map(message).collect()
}
