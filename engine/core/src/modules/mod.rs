//! What a task means: arguments and what is, to what is to be. One file a module, one table.

pub mod args;
pub mod assemble;
pub mod assert;
pub mod blockinfile;
pub mod command;
pub mod copy;
pub mod debug;
pub mod edited;
pub mod fail;
pub mod file;
pub mod find;
pub mod hashes;
pub mod lineinfile;
pub mod meta;
pub mod output;
pub mod owned;
pub mod pattern;
pub mod ping;
pub mod placed;
pub mod raw;
pub mod reads;
pub mod replace;
pub mod set_fact;
pub mod shell;
pub mod slurp;
pub mod stat;
pub mod table;
pub mod template;
pub mod tempfile;

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
