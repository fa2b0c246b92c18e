//! One kind of thing a file: how it is asked about, read and mended. Pure text and data.

pub mod object;
