//! The reader of SOPS files for age keys: YAML, JSON, dotenv, ini and binary.
//!
//! Every leaf of the document is decrypted where it stands, so that the plaintext has the lines of the file. The
//! plaintext is given out only after the MAC over all of it was found right.

mod cipher;
mod dotenv;
mod identities;
mod ini;
mod leaf;
mod metadata;
mod splice;
mod yaml;

pub use cipher::Kind;
pub use identities::AgeKeys;

use super::SecretError;
use cipher::{DataKey, Plain, Sealed};
use leaf::{Leaf, Scalar, Sheet};
use metadata::Metadata;
use secrecy::SecretString;
use sha2::{Digest, Sha512};
use splice::Edit;
use std::ops::Range;
use std::path::Path;
use zeroize::Zeroizing;

/// Into the MAC of a file with `mac_only_encrypted` this goes first: the SHA-256 of `sops`.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b, 0x0b, 0x97, 0x5b, 0x3b, 0xf4, 0x4f,
    0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// What SOPS calls a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Yaml,
    Json,
    Dotenv,
    Ini,
    /// Any bytes, as the one value of a JSON object.
    Binary,
}

impl Format {
    /// The store that SOPS takes for a file of this name.
    pub fn of(path: &Path) -> Self {
        let name = path.to_string_lossy();
        match name.rsplit_once('.').map(|(_, end)| end) {
            Some("yaml" | "yml") => Self::Yaml,
            Some("json") => Self::Json,
            Some("env") => Self::Dotenv,
            Some("ini") => Self::Ini,
            _ => Self::Binary,
        }
    }

    fn sheet(self, text: &str) -> Result<Sheet, SecretError> {
        match self {
            Self::Yaml => yaml::read(text),
            Self::Json | Self::Binary => yaml::read_json(text),
            Self::Dotenv => dotenv::read(text),
            Self::Ini => ini::read(text),
        }
    }

    /// The value as this format writes it.
    fn written(self, plain: &Plain) -> Zeroizing<String> {
        match self {
            Self::Yaml => splice::yaml(plain),
            Self::Json | Self::Binary => splice::json(plain),
            Self::Dotenv => dotenv::written(plain),
            Self::Ini => ini::written(plain),
        }
    }
}

/// A decrypted file.
pub struct Opened {
    /// The document in its own format, without the `sops` part. Line *n* of it is line *n* of the file, so a message
    /// about a place in it can and should show the line of the file, never the line of this text.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Every value that was encrypted, in the order of the file.
    pub secrets: Vec<Secret>,
}

/// One value that was encrypted.
pub struct Secret {
    /// Keys and indices joined by dots: `database.users.0.password`. A key with a dot in it is not marked as such.
    pub path: String,
    pub kind: Kind,
    pub value: SecretString,
    /// Where its scalar stands in [`Opened::bytes`], quotes included.
    pub at: Range<usize>,
}

/// Whether this is a file that SOPS wrote. A file that cannot be read as `format` is none.
pub fn is_sops(text: &[u8], format: Format) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let marked = text.contains("sops") && text.contains(cipher::PREFIX);
    marked && format.sheet(text).is_ok_and(|sheet| Metadata::is_in(&sheet))
}

/// Decrypts a SOPS file.
///
/// # Errors
/// Which part is missing, which value does not decrypt, or that no identity opens the file.
pub fn decrypt(text: &[u8], format: Format, keys: &AgeKeys) -> Result<Opened, SecretError> {
    let text = std::str::from_utf8(text).map_err(|_| SecretError::Syntax { line: 1, reason: "the file is not UTF-8".into() })?;
    let sheet = format.sheet(text)?;
    let metadata = Metadata::from_entries(&sheet.metadata)?;
    let key = keys.data_key(&metadata.recipients)?;

    let opened = open_leaves(text, &sheet.leaves, &metadata, &key)?;
    check_mac(&opened, &metadata, &key)?;
    if format == Format::Binary {
        return binary(opened);
    }
    let mut edits: Vec<_> = sheet.removed;
    let mut secrets = Vec::new();
    for (leaf, plain) in opened.iter().filter_map(|(leaf, plain)| Some((leaf, plain.as_ref()?))) {
        edits.push(Edit { at: leaf.at.clone(), with: format.written(plain), secret: Some(secrets.len()) });
        secrets.push(secret(leaf, plain));
    }
    let (bytes, places) = splice::apply(text, edits);
    for (index, place) in places {
        secrets[index].at = place;
    }
    Ok(Opened { bytes, secrets })
}

/// A leaf, and its plaintext where it was encrypted.
type OpenLeaf<'a> = (&'a Leaf, Option<Plain>);

fn open_leaves<'a>(text: &str, leaves: &'a [Leaf], metadata: &Metadata, key: &DataKey) -> Result<Vec<OpenLeaf<'a>>, SecretError> {
    let open = |leaf: &'a Leaf| {
        let fault = |what| SecretError::SopsValue { path: leaf.dotted(), line: 1 + text[..leaf.at.start].matches('\n').count(), what };
        let encrypted = metadata.rule.encrypts(leaf.keys());
        let sealed = match &leaf.value {
            Scalar::Text(value) if encrypted != Some(false) => Sealed::parse(value).map_err(fault)?,
            _ => None,
        };
        match sealed {
            Some(sealed) => Ok((leaf, Some(sealed.open(key, &leaf.authenticated()).map_err(fault)?))),
            None if encrypted == Some(true) && !leaf.value.is_empty() => Err(fault("stands in plain text where the file is encrypted")),
            None => Ok((leaf, None)),
        }
    };
    leaves.iter().map(open).collect()
}

/// The MAC is the SHA-512 over all plaintexts in order, and is itself encrypted under the time of the last change.
fn check_mac(opened: &[OpenLeaf<'_>], metadata: &Metadata, key: &DataKey) -> Result<(), SecretError> {
    let mut hash = Sha512::new();
    if metadata.mac_only_encrypted {
        hash.update(ONLY_ENCRYPTED);
    }
    for (leaf, plain) in opened {
        match plain {
            Some(plain) => hash.update(plain.hashed()),
            None if metadata.mac_only_encrypted => {}
            None => hash.update(leaf.value.hashed()),
        }
    }
    let damaged = |what| SecretError::MacDamaged { what };
    let sealed = Sealed::parse(&metadata.mac).map_err(damaged)?.ok_or(damaged("is missing"))?;
    let mac = sealed.open(key, &metadata.last_modified).map_err(damaged)?;
    let computed: String = hash.finalize().iter().map(|byte| format!("{byte:02X}")).collect();
    if mac.hashed().eq_ignore_ascii_case(computed.as_bytes()) { Ok(()) } else { Err(SecretError::MacMismatch) }
}

fn secret(leaf: &Leaf, plain: &Plain) -> Secret {
    let value = Zeroizing::new(String::from_utf8_lossy(&plain.bytes).into_owned());
    Secret { path: leaf.dotted(), kind: plain.kind, value: SecretString::from(value.as_str()), at: 0..0 }
}

/// The whole file is the value of the key `data`.
fn binary(opened: Vec<OpenLeaf<'_>>) -> Result<Opened, SecretError> {
    let missing = SecretError::SopsMetadata { what: "a binary file has one value, `data`".into() };
    let [(leaf, plain)] = opened.as_slice() else { return Err(missing) };
    if leaf.dotted() != "data" {
        return Err(missing);
    }
    let Some(plain) = plain else {
        // An empty file: SOPS leaves the empty text as it is.
        return Ok(Opened { bytes: Zeroizing::new(leaf.value.hashed().into_owned()), secrets: Vec::new() });
    };
    let bytes = plain.bytes.clone();
    let secret = Secret { at: 0..bytes.len(), ..secret(leaf, plain) };
    Ok(Opened { bytes, secrets: vec![secret] })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    mod errors;
    mod files;
    mod identities;
    mod peer;
}
