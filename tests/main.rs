//! The one test program of the tree.

mod simulation;
mod tidy;

mod world {
    mod apply;
    mod differential;
    mod objects;
    mod proof;
    mod server;
    mod snapshot;
    mod truth;
}
