//! What is known of Kubernetes objects, as functions over JSON values: nothing here asks a server.
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

pub mod change;
pub mod conflict;
mod defaults;
pub mod error;
pub mod keys;
pub mod lint;
pub mod manifest;
pub mod names;
pub mod normalise;
pub mod order;
pub mod owned;
pub mod path;
pub mod pods;
pub mod status;
