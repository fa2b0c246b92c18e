//! The one test program of the tree.
