//! The run as a state machine, driven without I/O against targets in memory, under faults.

mod book;
mod case;
mod checks;
mod drive;
mod far;
mod host;
mod kinds;
mod mended;
mod random;
mod scale;
mod scenarios;
mod seeds;
mod server;
