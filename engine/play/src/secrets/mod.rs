//! Ciphertext in, plaintext out, in memory only: ansible-vault texts and SOPS files for age keys.
//!
//! Nothing here prints, writes a file, or puts plaintext or key material into an error.

mod error;
pub mod passwords;
pub mod sops;
mod surroundings;
pub mod vault;

pub use error::SecretError;
pub use passwords::VaultPassword;
pub use surroundings::Surroundings;

#[cfg(test)]
#[allow(clippy::print_stdout, clippy::panic)]
mod fixtures;
