//! What `play` knows. Nothing here can reach a host, a cluster, a file or a clock.

pub mod resources;
