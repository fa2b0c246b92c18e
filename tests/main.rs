//! The one test program of the tree.

mod tidy;

mod world {
    mod objects;
    mod proof;
    mod server;
}
