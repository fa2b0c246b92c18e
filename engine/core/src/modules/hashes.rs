//! Checksums by the names that Ansible has for them.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

pub const NAMES: &[&str] = &["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];

/// The hash of bytes in hex; `None`: no such algorithm.
pub fn hex(algorithm: &str, bytes: &[u8]) -> Option<String> {
    let digest = match algorithm {
        "md5" => Md5::digest(bytes).to_vec(),
        "sha1" => Sha1::digest(bytes).to_vec(),
        "sha224" => Sha224::digest(bytes).to_vec(),
        "sha256" => Sha256::digest(bytes).to_vec(),
        "sha384" => Sha384::digest(bytes).to_vec(),
        "sha512" => Sha512::digest(bytes).to_vec(),
        _ => return None,
    };
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
