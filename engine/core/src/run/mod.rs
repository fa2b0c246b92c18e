//! In what order, and what follows from what: a state machine without I/O.

pub mod address;

pub use address::{Address, Become, Connection, Fault, FaultKind, Message, Method, Who};
