//! One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

use super::leaf;
use aes_gcm::aead::consts::U32;
use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::{AesGcm, Nonce, Tag, aes::Aes256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

pub(super) const PREFIX: &str = "ENC[AES256_GCM,";
/// How an encrypted comment ends; in a list it stands where an entry stands.
pub(super) const COMMENT_END: &str = ",type:comment]";
pub(super) type DataKey = Zeroizing<[u8; 32]>;

/// What a value was before SOPS encrypted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Int,
    Float,
    Bool,
    Time,
    Bytes,
}

pub(super) struct Plain {
    pub kind: Kind,
    /// Numbers and truth values as SOPS writes them into the MAC.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl Plain {
    pub(super) fn hashed(&self) -> &[u8] {
        &self.bytes
    }

    /// The text, where it is UTF-8.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }
}

pub(super) struct Sealed {
    data: Vec<u8>,
    nonce: Vec<u8>,
    tag: Vec<u8>,
    kind: Kind,
}

impl Sealed {
    /// `None` for a text that is not encrypted; an error for one that was and is broken.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, &'static str> {
        if !text.starts_with("ENC[") {
            return Ok(None);
        }
        let inner = text.strip_prefix(PREFIX).ok_or("is encrypted with a cipher other than AES256_GCM")?;
        let inner = inner.strip_suffix(']').ok_or("is cut")?;
        let mut fields = inner.split(',');
        let mut field = |name: &str| fields.next().and_then(|field| field.strip_prefix(name)).ok_or("is cut");
        let (data, nonce) = (field("data:")?, field("iv:")?);
        let (tag, kind) = (field("tag:")?, field("type:")?);
        let decoded = |field: &str| BASE64.decode(field).map_err(|_| "is damaged: no base64");
        Ok(Some(Self { data: decoded(data)?, nonce: decoded(nonce)?, tag: decoded(tag)?, kind: kind_of(kind)? }))
    }

    /// `authenticated` is what the ciphertext is bound to; one moved elsewhere in the file does not open.
    pub(super) fn open(&self, key: &DataKey, authenticated: &str) -> Result<Plain, &'static str> {
        if self.nonce.len() != 32 || self.tag.len() != 16 {
            return Err("is cut");
        }
        let cipher = AesGcm::<Aes256, U32>::new(key.as_slice().into());
        let mut bytes = Zeroizing::new(self.data.clone());
        let (nonce, tag) = (Nonce::<U32>::from_slice(&self.nonce), Tag::from_slice(&self.tag));
        cipher
            .decrypt_in_place_detached(nonce, authenticated.as_bytes(), &mut bytes, tag)
            .map_err(|_| "was changed or moved after SOPS encrypted it")?;
        Plain { kind: self.kind, bytes }.normal()
    }
}

impl Plain {
    /// Numbers and truth values as Go reads them and writes them again.
    fn normal(mut self) -> Result<Self, &'static str> {
        let fault = "decrypts to something that is not of its type";
        let text = || self.text().ok_or(fault);
        let normal = match self.kind {
            Kind::Int => text()?.parse::<i64>().map_err(|_| fault)?.to_string(),
            Kind::Float => leaf::float(text()?.parse::<f64>().map_err(|_| fault)?),
            Kind::Bool => match text()? {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => "True".into(),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => "False".into(),
                _ => return Err(fault),
            },
            Kind::Time | Kind::Text | Kind::Bytes => return Ok(self),
        };
        self.bytes = Zeroizing::new(normal.into_bytes());
        Ok(self)
    }
}

fn kind_of(word: &str) -> Result<Kind, &'static str> {
    match word {
        "str" => Ok(Kind::Text),
        "int" => Ok(Kind::Int),
        "float" => Ok(Kind::Float),
        "bool" => Ok(Kind::Bool),
        "time" => Ok(Kind::Time),
        "bytes" => Ok(Kind::Bytes),
        "comment" => Err("is an encrypted comment in the place of a value"),
        _ => Err("has a type that SOPS does not know"),
    }
}
