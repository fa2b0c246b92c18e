//! Book × inventory × facts → what is sent and told: the one place that sees all rooms.
//!
//! A [`Session`] is a state machine without I/O: `next(input)` gives the messages to send and the events to tell. The
//! program feeds it answers, faults, the clock and interrupts.

mod address;
mod args;
mod arrivals;
mod ask;
mod background;
mod batch;
mod check;
mod cursor;
mod discreet;
mod fatal;
mod foresee;
mod include;
mod item;
mod lineup;
mod listing;
mod pending;
mod play;
pub mod roles;
mod scope;
mod scout;
mod select;
mod send;
mod session;
mod strands;
mod task;

pub use check::check;
pub use include::Known;
pub use listing::{Listed, list_hosts, list_tasks, unknown_words};
pub use scope::Host;
pub use session::{Input, Options, Output, Session, Tree};
