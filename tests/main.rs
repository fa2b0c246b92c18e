//! The one test program of the tree.

mod tidy;
mod told;

mod world {
    mod apply;
    mod differential;
    mod objects;
    mod proof;
    mod server;
}
