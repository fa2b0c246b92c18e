//! What the user wrote: inventories, variables, patterns of hosts, arguments of the command line, settings. Knows the
//! user's grammar; does not know that modules exist as code, nor any state.

pub mod around;
#[cfg(test)]
mod cases;
pub mod config;
pub mod extra;
pub mod inventory;
pub mod json;
pub mod load;
pub mod loader;
pub mod magic;
mod naming;
pub mod path;
pub mod pattern;
pub mod play;
pub mod role;
pub mod shortform;
mod specification;
pub mod task;
pub mod vars;
mod veil;
pub mod words;

pub use around::{Around, Keywords, Ring};
pub use inventory::{Group, GroupId, Host, HostId, HostVars, Inventory};
pub use loader::{Loader, Modules};
pub use naming::Naming;
pub use play::Play;
pub use role::{Edge, EdgeKind, Role, RoleFrom, RoleUse};
pub use task::{Item, Task};
pub use vars::{Layers, Level, Scope, Var};
