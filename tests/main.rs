//! The one test program of the tree.

mod world {
    mod objects;
    mod proof;
    mod server;
}
