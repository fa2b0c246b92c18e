//! What `play` knows. Nothing here can reach a host, a cluster, a file or a clock.

pub mod book;
#[cfg(test)]
mod cases;
pub mod modules;
pub mod resources;
pub mod run;
pub mod state;
pub mod text;
pub mod weave;
