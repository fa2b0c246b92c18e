//! The one test program of the tree.

mod tidy;

mod world {
    mod apply;
    mod base;
    mod differential;
    mod objects;
    mod platform;
    mod proof;
    mod server;
}
