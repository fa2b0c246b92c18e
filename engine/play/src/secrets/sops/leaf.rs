//! A document as SOPS sees it: its scalars in order, each with the keys above it and its place in the text.

use super::splice::Edit;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// What a reader of one format finds in a file.
#[derive(Default)]
pub(super) struct Sheet {
    pub leaves: Vec<Leaf>,
    /// The `sops` part, flat: `age.0.enc`.
    pub metadata: BTreeMap<String, String>,
    /// What takes the `sops` part out of the text.
    pub removed: Vec<Edit>,
}

pub(super) struct Leaf {
    pub path: Vec<Step>,
    pub at: Range<usize>,
    pub value: Scalar,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// A scalar as it stands in the file.
#[derive(Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    /// As SOPS writes a number into the MAC.
    Number(String),
    Text(String),
    /// A text that is not UTF-8, from `!!binary`.
    Bytes(Vec<u8>),
}

impl Leaf {
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.path.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        })
    }

    /// What its ciphertext is bound to: the keys above it, without the indices of lists.
    pub(super) fn authenticated(&self) -> String {
        self.keys().flat_map(|key| [key, ":"]).collect()
    }

    pub(super) fn dotted(&self) -> String {
        let words = self.path.iter().map(|step| match step {
            Step::Key(key) => key.clone(),
            Step::Index(index) => index.to_string(),
        });
        words.collect::<Vec<_>>().join(".")
    }
}

impl Scalar {
    /// A value that SOPS does not encrypt wherever it stands.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Bool(_) | Self::Number(_) => false,
        }
    }

    /// Its bytes in the MAC.
    pub(super) fn hashed(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Null => Cow::Borrowed(b""),
            Self::Bool(true) => Cow::Borrowed(b"True"),
            Self::Bool(false) => Cow::Borrowed(b"False"),
            Self::Number(text) | Self::Text(text) => Cow::Borrowed(text.as_bytes()),
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
        }
    }
}

/// A float as Go writes it with `'f', -1`: the shortest digits that read back, and no exponent.
pub(super) fn float(number: f64) -> String {
    match number {
        f64::INFINITY => "+Inf".into(),
        f64::NEG_INFINITY => "-Inf".into(),
        number => number.to_string(),
    }
}
