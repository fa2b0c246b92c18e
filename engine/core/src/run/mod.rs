//! In what order, and what follows from what: a state machine without I/O.

pub mod address;
pub mod compare;
pub mod graph;
pub mod outcome;
pub mod questions;

pub use address::{Address, Become, Connection, Fault, FaultKind, Message, Method, Who};
pub use compare::{Compared, compare};
pub use graph::{Graph, Reason};
pub use outcome::{Event, Outcome, Recap, Summary, Tally, TaskLabel, Told};
pub use questions::{Asked, Kinds, learn, questions, reading};
