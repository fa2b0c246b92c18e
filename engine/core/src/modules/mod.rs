//! What a task means: arguments and what is, to what is to be. One file a module, one table.

pub mod add_host;
pub mod apt;
pub mod apt_repository;
pub mod args;
pub mod assemble;
pub mod assert;
pub mod async_status;
pub mod authorized_key;
pub mod blockinfile;
pub mod command;
pub mod copy;
pub mod cron;
pub mod debug;
pub mod edited;
pub mod fail;
pub mod fetch;
pub mod file;
pub mod find;
pub mod getent;
pub mod group;
pub mod group_by;
pub mod hashes;
pub mod hostname;
pub mod include_vars;
pub mod k8s;
pub mod k8s_info;
pub mod k8s_refused;
pub mod lineinfile;
pub mod meta;
pub mod output;
pub mod owned;
pub mod package;
pub mod packages;
pub mod pattern;
pub mod pause;
pub mod ping;
pub mod placed;
pub mod raw;
pub mod reads;
pub mod replace;
pub mod script;
pub mod service;
pub mod set_fact;
pub mod setup;
pub mod shell;
pub mod slurp;
pub mod stat;
pub mod sysctl;
pub mod systemd_service;
pub mod table;
pub mod tempfile;
pub mod template;
pub mod user;
pub mod validate_argument_spec;
pub mod wait_for;
pub mod wait_for_connection;
pub mod whole;

pub use args::{Arg, Args, Spec, Type, display};
pub use table::{TABLE, find};

use std::sync::Arc;

pub use crate::state::{Action, Condition, Done, Effect, Holds, Module, Want, Wanted};
use crate::text::Result;

/// A row of the table: a module's arguments, and how it is made of them.
pub struct Entry {
    pub spec: &'static Spec,
    pub make: fn(&Args) -> Result<Arc<dyn Module>>,
}
