//! What is, and what is to be: things and their fields, the one comparison, the contracts of kinds and modules, and the world.

pub mod gap;
pub mod kind;
pub mod message;
pub mod thing;
pub mod want;
pub mod world;

pub use gap::{Change, Gap};
pub use kind::{Kind, Reach, Reading, Refusal};
pub use message::{Answer, Part, Purpose, Reply, Request, Response, Script, Shell, Upload, Verb};
pub use thing::{Detail, Fields, Id, KindName, Look, State};
pub use want::{Action, Condition, Done, Effect, Holds, Module, Want, Wanted};
pub use world::{Asker, Cause, Fact, Halt, Point, View, World};
