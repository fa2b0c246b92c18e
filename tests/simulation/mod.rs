//! The run as a state machine, driven without I/O against targets in memory, under faults.

mod book;
mod checks;
mod drive;
mod far;
mod host;
mod kinds;
mod random;
mod seeds;
mod server;
