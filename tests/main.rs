//! The one test program of the tree.

mod tidy;

mod world {
    mod differential;
    mod apply;
    mod objects;
    mod proof;
    mod server;
}
