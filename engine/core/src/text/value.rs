//! A value as templates, variables and fields of states have it. It knows which secrets went into it, and
//! whether only a real run could tell it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use indexmap::{Equivalent, IndexMap};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::source::Span;

#[derive(Clone, PartialEq, Default)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    List(Arc<Vec<Value>>),
    Map(Arc<Map>),
    /// What a file holds, known at least by its hash.
    Contents(Arc<Contents>),
    /// A value that secrets went into.
    Secret(Arc<Secret>),
    /// A value that only a real run could give. It travels; it is never guessed.
    Unknown(Arc<Unknown>),
    /// The value of `omit`: an argument that is not there.
    Omit,
}

/// A value that is not known yet, and why.
#[derive(Clone, PartialEq, Debug)]
pub struct Unknown {
    /// What it waits for, to be read after "unknown until applied": `needs result of "…"`.
    pub because: String,
    pub span: Option<Span>,
}

/// A value with the marks of the secrets that it was made from.
#[derive(Clone, PartialEq)]
pub struct Secret {
    pub value: Value,
    pub marks: Vec<Arc<Mark>>,
}

/// One secret: its name, its text, and a short keyed tag that shows whether it changed.
pub struct Mark {
    pub name: String,
    pub tag: String,
    text: Zeroizing<String>,
}

impl Mark {
    /// `key` makes the tag worthless to whoever does not have it.
    pub fn new(name: impl Into<String>, text: impl Into<String>, key: &[u8]) -> Arc<Mark> {
        let (name, text) = (name.into(), Zeroizing::new(text.into()));
        let digest =
            Sha256::new().chain_update(key).chain_update(name.as_bytes()).chain_update([0]).chain_update(text.as_bytes()).finalize();
        Arc::new(Mark { name, tag: format!("{:02x}{:02x}", digest[0], digest[1]), text })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is shown instead.
    pub fn shown(&self) -> String {
        format!("‹secret {} #{}›", self.name, self.tag)
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl PartialEq for Mark {
    fn eq(&self, other: &Mark) -> bool {
        self.name == other.name && self.text == other.text
    }
}

/// What a file holds: always its hash and size, and its bytes where somebody needed them.
#[derive(Clone)]
pub struct Contents {
    pub sha256: String,
    pub size: u64,
    pub body: Body,
}

#[derive(Clone)]
pub enum Body {
    /// Text or bytes, in memory.
    Here(Value),
    /// A file on the control node, streamed when it is sent.
    Local(String),
    /// Not fetched: only the hash is known.
    Away,
}

impl Contents {
    pub fn of(value: Value) -> Contents {
        let (sha256, size) = {
            let bytes = value.as_bytes().unwrap_or_default();
            (sha256_hex(bytes), bytes.len() as u64)
        };
        Contents { sha256, size, body: Body::Here(value) }
    }

    /// The text or bytes, where they are in memory.
    pub fn here(&self) -> Option<&Value> {
        match &self.body {
            Body::Here(value) => Some(value),
            _ => None,
        }
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<contents {:.8}, {} bytes>", self.sha256, self.size)
    }
}

/// Two contents are equal where their hashes are, however much of each is at hand.
impl PartialEq for Contents {
    fn eq(&self, other: &Contents) -> bool {
        self.sha256 == other.sha256
    }
}

pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        use fmt::Write as _;
        write!(hex, "{byte:02x}").expect("a string can be written to");
        hex
    })
}

/// A key of a map. Texts nearly always; YAML allows more.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Text(Arc<str>),
    Int(i64),
    Bool(bool),
    Null,
}

impl Key {
    pub fn to_value(&self) -> Value {
        match self {
            Key::Text(text) => Value::Text(text.clone()),
            Key::Int(int) => Value::Int(*int),
            Key::Bool(flag) => Value::Bool(*flag),
            Key::Null => Value::Null,
        }
    }

    /// The key that a value makes; floats, lists and maps cannot be keys.
    pub fn from_value(value: &Value) -> Option<Key> {
        Some(match value.plain() {
            Value::Text(text) => Key::Text(text.clone()),
            Value::Int(int) => Key::Int(*int),
            Value::Bool(flag) => Key::Bool(*flag),
            Value::Null => Key::Null,
            _ => return None,
        })
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Key::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Text(text) => f.write_str(text),
            Key::Int(int) => write!(f, "{int}"),
            Key::Bool(true) => f.write_str("True"),
            Key::Bool(false) => f.write_str("False"),
            Key::Null => f.write_str("None"),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T: Into<Arc<str>>> From<T> for Key {
    fn from(text: T) -> Key {
        Key::Text(text.into())
    }
}

/// A text key hashes as its text does, so that [`TextKey`] finds it.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Key::Text(text) => text.hash(state),
            Key::Int(int) => int.hash(state),
            Key::Bool(flag) => flag.hash(state),
            Key::Null => 0_u8.hash(state),
        }
    }
}

/// Looks a text key up without making a [`Key`].
#[derive(PartialEq, Eq, Hash)]
struct TextKey<'a>(&'a str);

impl Equivalent<Key> for TextKey<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        key.as_str() == Some(self.0)
    }
}

/// A map that keeps the order in which it was written.
#[derive(Clone, PartialEq, Default)]
pub struct Map(IndexMap<Key, Value>);

impl Map {
    pub fn new() -> Map {
        Map::default()
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(&TextKey(key))
    }

    pub fn get_key(&self, key: &Key) -> Option<&Value> {
        self.0.get(key)
    }

    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        self.0.insert(key.into(), value.into())
    }

    pub fn insert_key(&mut self, key: Key, value: Value) -> Option<Value> {
        self.0.insert(key, value)
    }

    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.0.shift_remove(&TextKey(key))
    }

    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(&TextKey(key))
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, &Value)> + DoubleEndedIterator {
        self.0.iter()
    }

    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Key> {
        self.0.keys()
    }

    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.0.values()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl FromIterator<(Key, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(pairs: I) -> Map {
        Map(pairs.into_iter().collect())
    }
}

impl Extend<(Key, Value)> for Map {
    fn extend<I: IntoIterator<Item = (Key, Value)>>(&mut self, pairs: I) {
        self.0.extend(pairs);
    }
}

impl IntoIterator for Map {
    type Item = (Key, Value);
    type IntoIter = indexmap::map::IntoIter<Key, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Value {
    pub fn text(text: impl Into<Arc<str>>) -> Value {
        Value::Text(text.into())
    }

    pub fn list(items: impl IntoIterator<Item = Value>) -> Value {
        Value::List(Arc::new(items.into_iter().collect()))
    }

    pub fn map<K: Into<Key>, V: Into<Value>>(pairs: impl IntoIterator<Item = (K, V)>) -> Value {
        Value::Map(Arc::new(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect()))
    }

    /// Text where the bytes are UTF-8, bytes where not.
    pub fn from_bytes(bytes: Vec<u8>) -> Value {
        match String::from_utf8(bytes) {
            Ok(text) => Value::text(text),
            Err(error) => Value::Bytes(error.into_bytes().into()),
        }
    }

    /// Marks a value with secrets; without marks it stays as it is.
    pub fn marked(self, marks: Vec<Arc<Mark>>) -> Value {
        if marks.is_empty() {
            return self;
        }
        let mut all = self.own_marks().to_vec();
        for mark in marks {
            if !all.contains(&mark) {
                all.push(mark);
            }
        }
        Value::Secret(Arc::new(Secret { value: self.plain().clone(), marks: all }))
    }

    /// The value itself, without its outer marks.
    pub fn plain(&self) -> &Value {
        match self {
            Value::Secret(secret) => secret.value.plain(),
            other => other,
        }
    }

    fn own_marks(&self) -> &[Arc<Mark>] {
        match self {
            Value::Secret(secret) => &secret.marks,
            Value::Contents(contents) => contents.here().map_or(&[], Value::own_marks),
            _ => &[],
        }
    }

    /// All marks in it, also of what is nested, each once.
    pub fn marks(&self) -> Vec<Arc<Mark>> {
        let mut marks: Vec<Arc<Mark>> = vec![];
        self.visit(&mut |value| {
            for mark in value.own_marks() {
                if !marks.contains(mark) {
                    marks.push(mark.clone());
                }
            }
        });
        marks
    }

    /// The first unknown in it, if there is one.
    pub fn unknown(&self) -> Option<&Arc<Unknown>> {
        match self {
            Value::Unknown(unknown) => Some(unknown),
            Value::Secret(secret) => secret.value.unknown(),
            Value::List(items) => items.iter().find_map(Value::unknown),
            Value::Map(map) => map.values().find_map(Value::unknown),
            _ => None,
        }
    }

    fn visit(&self, see: &mut impl FnMut(&Value)) {
        see(self);
        match self {
            Value::Secret(secret) => secret.value.visit(see),
            Value::List(items) => items.iter().for_each(|item| item.visit(see)),
            Value::Map(map) => map.values().for_each(|value| value.visit(see)),
            _ => {}
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self.plain() {
            Value::Text(text) => Some(text),
            Value::Contents(contents) => contents.here()?.as_str(),
            _ => None,
        }
    }

    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self.plain() {
            Value::Text(text) => Some(text.as_bytes()),
            Value::Bytes(bytes) => Some(bytes),
            Value::Contents(contents) => contents.here()?.as_bytes(),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self.plain() {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    pub fn as_int(&self) -> Option<i64> {
        match self.plain() {
            Value::Int(int) => Some(*int),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Value]> {
        match self.plain() {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&Map> {
        match self.plain() {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// A member of a map by its text key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    pub fn is_null(&self) -> bool {
        matches!(self.plain(), Value::Null)
    }

    /// What Python would call true.
    pub fn truthy(&self) -> bool {
        match self.plain() {
            Value::Null | Value::Omit | Value::Unknown(_) => false,
            Value::Bool(flag) => *flag,
            Value::Int(int) => *int != 0,
            Value::Float(float) => *float != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Bytes(bytes) => !bytes.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Contents(contents) => contents.size > 0,
            Value::Secret(secret) => secret.value.truthy(),
        }
    }

    /// The name of its type, as a user of YAML would say it.
    pub fn type_name(&self) -> &'static str {
        match self.plain() {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "an integer",
            Value::Float(_) => "a number with a fraction",
            Value::Text(_) => "a string",
            Value::Bytes(_) => "binary data",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Contents(_) => "the contents of a file",
            Value::Unknown(_) => "unknown",
            Value::Omit => "omit",
            Value::Secret(_) => "a secret",
        }
    }
}

macro_rules! from {
    ($($from:ty => $name:ident $make:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($name: $from) -> Value {
                $make
            }
        }
    )*};
}
from! {
    bool => flag Value::Bool(flag);
    i64 => int Value::Int(int);
    i32 => int Value::Int(int.into());
    u32 => int Value::Int(int.into());
    f64 => float Value::Float(float);
    &str => text Value::text(text);
    String => text Value::text(text);
    Arc<str> => text Value::Text(text);
    Vec<Value> => items Value::List(Arc::new(items));
    Map => map Value::Map(Arc::new(map));
    Contents => contents Value::Contents(Arc::new(contents));
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// Never shows a secret: a log or a failed assertion may print this.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(flag) => write!(f, "{flag}"),
            Value::Int(int) => write!(f, "{int}"),
            Value::Float(float) => write!(f, "{float:?}"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Bytes(bytes) => write!(f, "<{} bytes>", bytes.len()),
            Value::List(items) => f.debug_list().entries(items.iter()).finish(),
            Value::Map(map) => map.fmt(f),
            Value::Contents(contents) => contents.fmt(f),
            Value::Secret(secret) => f.write_str(&secret.marks.iter().map(|mark| mark.shown()).collect::<String>()),
            Value::Unknown(unknown) => write!(f, "<unknown: {}>", unknown.because),
            Value::Omit => f.write_str("<omit>"),
        }
    }
}
