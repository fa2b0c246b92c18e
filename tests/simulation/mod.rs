//! The run as a state machine, driven without I/O against targets in memory, under faults.
//!
//! A session sends text and reads text, and knows kinds by one function only (`Tree::kinds`). So the far side need not
//! imitate a shell: hosts get kinds of their own (`kinds.rs`), with the engine's names and its own word on reach, that
//! ask and mend in JSON, and a host in memory (`host.rs`) does what that says, refuses, forgets or cannot be read.
//! Modules, planning, queues, barriers and faults are the real ones. Clusters get the engine's own kind, as requests to
//! an API server are easy to answer (`server.rs`: server-side apply of maps, with owners). `real.rs` runs the engine's
//! own kinds by a real `sh` in a folder, where the point is what their text does when it is cut.
//!
//! `scenarios.rs` cuts small playbooks at each place there is; `seeds.rs` draws playbooks and faults by a number, and
//! says which number failed; `mended.rs` keeps what went wrong once; `scale.rs` measures. What must hold is in
//! `checks.rs` (of every run), `case.rs` (of runs compared) and `far.rs` (of every message).

mod book;
mod case;
mod checks;
mod drive;
mod far;
mod host;
mod kinds;
mod mended;
mod random;
mod real;
mod scale;
mod scenarios;
mod seeds;
mod server;
