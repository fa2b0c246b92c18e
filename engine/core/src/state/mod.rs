//! What is, and what is to be: things and their fields, the one comparison, the kinds' and the world's contracts.

pub mod gap;
pub mod kind;
pub mod message;
pub mod thing;
pub mod world;

pub use gap::{Change, Gap};
pub use kind::{Kind, Reach, Reading};
pub use message::{Answer, Part, Purpose, Reply, Request, Response, Script, Shell, Upload, Verb};
pub use thing::{Detail, Fields, Id, KindName, Look, State};
pub use world::{Cause, Fact, Halt, View, World};
