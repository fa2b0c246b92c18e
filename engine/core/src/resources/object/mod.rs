//! Kubernetes objects: what is known of them, as functions over JSON values, and the kind of thing that they are.
//!
//! | part | question it answers |
//! |---|---|
//! | [`path`] | where inside an object is this? |
//! | [`keys`] | which lists are keyed, by which fields? |
//! | [`manifest`] | what is this object called? |
//! | [`names`] | how may it be called, and does it live in a namespace? |
//! | [`normalise`] | in what form is it sent and compared? |
//! | [`lint`] | which faults can be told without a server? |
//! | [`owned`] | is this surely as described, by the proof of ownership alone? |
//! | [`change`] | what would the server change? |
//! | [`conflict`] | who else owns the fields that we want? |
//! | [`status`] | is it ready, and if not, why? |
//! | [`order`] | what must come before what? |
//! | [`error`] | what does this refusal mean, and what mends it? |
//! | [`flat`] | what are its fields, each with its path? |
//! | [`taint`] | which secrets stand in them? |
//! | [`policy`] | whose fields are taken back, whose are left, whose are an error? |
//! | [`foreign`] | what did somebody set by hand beside what is described? |
//! | [`mine`] | what have we applied of it so far? |
//! | [`kind`] | how is it asked about, read and mended? |

pub mod change;
pub mod conflict;
mod defaults;
pub mod described;
pub mod error;
pub mod flat;
pub mod foreign;
pub mod keys;
pub mod kind;
pub mod lint;
pub mod manifest;
pub mod mine;
pub mod names;
pub mod normalise;
pub mod order;
pub mod owned;
pub mod path;
pub mod pods;
pub mod policy;
mod reading;
pub mod seen;
pub mod status;
pub mod taint;

pub use described::Described;
pub use kind::{KIND, Object};
pub use manifest::Ref;
pub use reading::{MANAGER, PATCH};

/// How the uid of an object in a folder of manifests begins: there are no controllers behind it.
pub const FOLDER_UID: &str = "folder-";
