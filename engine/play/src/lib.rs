//! The part of `play` that touches the world and decides nothing about states.

pub mod secrets;
pub mod target;
