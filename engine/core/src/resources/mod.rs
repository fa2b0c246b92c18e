//! How each kind of thing is asked about, read and mended. One file a kind, one table.

pub mod apt;
pub mod crontab;
pub mod facts;
pub mod getent;
pub mod glob;
pub mod host;
pub mod job;
pub mod object;
pub mod package;
pub mod path;
pub mod process;
pub mod sh;
pub mod sources;
pub mod sysctl;
pub mod tree;
pub mod unit;
pub mod user;
pub mod wait;

use crate::state::Kind;

/// The one table of kinds.
pub static TABLE: &[&dyn Kind] = &[
    &apt::Cache,
    &apt::Deb,
    &apt::Work,
    &crontab::Crontab,
    &facts::Facts,
    &getent::Getent,
    &glob::Glob,
    &host::Host,
    &object::Object,
    &package::Offer,
    &package::Package,
    &package::Residue,
    &path::Path,
    &sources::Sources,
    &sysctl::Sysctl,
    &tree::Tree,
    &unit::Files,
    &unit::Unit,
    &user::Group,
    &user::User,
];

/// The kind of this name. A name of a kind only comes from a kind's own constant, so it is in the table.
pub fn find(name: &str) -> &'static dyn Kind {
    *TABLE.iter().find(|kind| kind.name() == name).expect("every kind that a module names is in the table")
}
