//! What the user wrote: inventories, variables, patterns of hosts, arguments of the command line, settings. Knows the
//! user's grammar; does not know that modules exist as code, nor any state.

#[cfg(test)]
mod cases;
pub mod config;
pub mod extra;
pub mod inventory;
pub mod json;
pub mod load;
pub mod magic;
pub mod path;
pub mod pattern;
pub mod shortform;
pub mod vars;
mod veil;

pub use inventory::{Group, GroupId, Host, HostId, HostVars, Inventory};
pub use vars::{Layers, Level, Scope, Var};
