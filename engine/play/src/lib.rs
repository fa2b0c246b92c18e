//! The part of `play` that touches the world and decides nothing about states.

pub mod commands;
pub mod control;
pub mod driver;
pub mod report;
pub mod secrets;
pub mod target;
