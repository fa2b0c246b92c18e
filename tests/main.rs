//! The one test program of the tree.

mod simulation;
mod tidy;
mod told;

mod world {
    mod apply;
    mod bad_api;
    mod bad_hosts;
    mod base;
    mod differential;
    mod objects;
    mod platform;
    mod proof;
    mod readme;
    mod secrets;
    mod server;
    mod snapshot;
    mod truth;
}
