//! The reader of ansible-vault texts, formats 1.1 and 1.2 with AES256.
//!
//! A text is a header line `$ANSIBLE_VAULT;1.2;AES256;label` and hex in lines of 80. The hex holds, again as hex
//! and one a line, a salt, an HMAC-SHA256 over the ciphertext, and the ciphertext.

use super::SecretError;
use super::passwords::VaultPassword;
use aes::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;
use zeroize::Zeroizing;

const HEADER: &[u8] = b"$ANSIBLE_VAULT";
const ROUNDS: u32 = 10_000;
const BLOCK: usize = 16;

/// Whether Ansible would take these bytes for a vault text.
pub fn is_vault(bytes: &[u8]) -> bool {
    bytes.starts_with(HEADER) && bytes.is_ascii()
}

/// The vault id in the header, where it has one. It is a name only: nothing authenticates it.
pub fn label(text: &[u8]) -> Option<&str> {
    if !is_vault(text) {
        return None;
    }
    let header = std::str::from_utf8(text).ok()?.lines().next()?;
    header.split(';').nth(3).map(str::trim).filter(|label| !label.is_empty())
}

/// Decrypts with the first password that fits. Those whose id is the text's label are tried first, then all others.
///
/// # Errors
/// Which part of the text is not what ansible-vault writes, or which ids were tried in vain.
pub fn decrypt(text: &[u8], passwords: &[VaultPassword]) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let envelope = Envelope::parse(text)?;
    let label = label(text);
    if passwords.is_empty() {
        return Err(SecretError::NoVaultPassword { label: label.map(shown) });
    }
    let (named, others): (Vec<_>, Vec<_>) = passwords.iter().partition(|password| password.id == label.unwrap_or("default"));
    for password in named.into_iter().chain(others) {
        if let Some(plain) = envelope.open(password.secret.expose_secret())? {
            return Ok(plain);
        }
    }
    let mut tried: Vec<_> = passwords.iter().map(|password| password.id.clone()).collect();
    tried.dedup();
    Err(SecretError::WrongVaultPassword { label: label.map(shown), tried })
}

struct Envelope {
    salt: Vec<u8>,
    mac: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Envelope {
    fn parse(text: &[u8]) -> Result<Self, SecretError> {
        if !is_vault(text) {
            return Err(SecretError::NotVault);
        }
        let text = std::str::from_utf8(text).map_err(|_| SecretError::NotVault)?;
        let (header, body) = text.split_once('\n').unwrap_or((text, ""));
        let mut parts = header.split(';').map(str::trim).skip(1);
        match parts.next() {
            Some("1.1" | "1.2") => {}
            Some(version) => return Err(SecretError::VaultVersion { version: shown(version) }),
            None => return Err(SecretError::VaultDamaged { what: "its header names no format" }),
        }
        match parts.next() {
            Some("AES256") => {}
            Some(cipher) => return Err(SecretError::VaultCipher { cipher: shown(cipher) }),
            None => return Err(SecretError::VaultDamaged { what: "its header names no cipher" }),
        }
        Self::parse_body(body.as_bytes()).ok_or(SecretError::VaultDamaged { what: "the body is cut or is not hex" })
    }

    fn parse_body(body: &[u8]) -> Option<Self> {
        let inner = unhex(body)?;
        let mut parts = inner.splitn(3, |byte| *byte == b'\n');
        let (salt, mac, ciphertext) = (unhex(parts.next()?)?, unhex(parts.next()?)?, unhex(parts.next()?)?);
        let whole = !salt.is_empty() && mac.len() == 32 && !ciphertext.is_empty() && ciphertext.len() % BLOCK == 0;
        whole.then_some(Self { salt, mac, ciphertext })
    }

    /// `None` where the password does not fit. Nothing is decrypted before the HMAC was compared in constant time.
    fn open(&self, password: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        let mut keys = Zeroizing::new([0u8; 80]);
        pbkdf2::pbkdf2_hmac::<Sha256>(password, &self.salt, ROUNDS, keys.as_mut_slice());
        let (cipher_key, rest) = keys.split_at(32);
        let (mac_key, counter) = rest.split_at(32);

        let mut mac = Hmac::<Sha256>::new_from_slice(mac_key).expect("HMAC takes a key of any length");
        mac.update(&self.ciphertext);
        if mac.verify_slice(&self.mac).is_err() {
            return Ok(None);
        }
        let mut plain = Zeroizing::new(self.ciphertext.clone());
        ctr::Ctr128BE::<aes::Aes256>::new_from_slices(cipher_key, counter)
            .expect("the key was cut to 32 bytes and the counter to 16")
            .apply_keystream(&mut plain);
        let length = unpadded(&plain).ok_or(SecretError::VaultDamaged { what: "its padding is wrong" })?;
        plain.truncate(length);
        Ok(Some(plain))
    }
}

/// The length without PKCS#7 padding. The HMAC has been checked, so how long this takes tells nobody anything.
fn unpadded(plain: &[u8]) -> Option<usize> {
    let padding = usize::from(*plain.last()?);
    let length = plain.len().checked_sub(padding)?;
    let right = (1..=BLOCK).contains(&padding) && plain[length..].iter().all(|byte| usize::from(*byte) == padding);
    right.then_some(length)
}

/// Bytes of a hex text, in which line ends and blanks do not count.
fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let mut digits = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    let mut bytes = Vec::with_capacity(text.len() / 2);
    while let Some(high) = digits.next() {
        let low = digits.next()?;
        let pair = (char::from(*high).to_digit(16)? << 4) | char::from(*low).to_digit(16)?;
        bytes.push(u8::try_from(pair).expect("two hex digits are one byte"));
    }
    Some(bytes)
}

/// A word of the header as a message may show it.
fn shown(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
