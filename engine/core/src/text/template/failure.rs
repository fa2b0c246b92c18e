//! Why a render gives no value, and how that travels through values and through minijinja.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use minijinja::{Error, ErrorKind};

use crate::text::diagnostic::Diagnostic;
use crate::text::source::Span;
use crate::text::value::{Unknown, Value};

/// Why an expression has no value.
#[derive(Clone, Debug)]
pub enum Failure {
    Fail(Diagnostic),
    /// Something undefined was used. `default` and `is defined` look at what is undefined without using it.
    Undefined(Lost),
    /// It needs a value that only a real run could give.
    Unknown(Arc<Unknown>),
    /// One of these inside a macro: the template, by its inner name, and the range in what was emitted for it.
    Placed(Box<Failure>, String, std::ops::Range<usize>),
}

/// Something undefined: its message, and the name or key to find it by in the template.
#[derive(Clone, Debug)]
pub struct Lost {
    pub diagnostic: Diagnostic,
    pub key: String,
    /// Printed or joined with texts it is an empty text: an `if` without `else`.
    pub blank: bool,
}

impl Lost {
    pub fn new(diagnostic: Diagnostic, key: String) -> Lost {
        Lost { diagnostic, key, blank: false }
    }
}

pub type Outcome<T> = std::result::Result<T, Failure>;

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Failure {
        Failure::Fail(diagnostic)
    }
}

/// An error without a place: whoever called gives it.
pub fn fail<T>(message: impl Into<String>) -> Outcome<T> {
    Err(Failure::Fail(Diagnostic::error(message)))
}

impl Failure {
    /// Without the place inside what was emitted.
    pub fn bare(self) -> Failure {
        match self {
            Failure::Placed(inner, ..) => inner.bare(),
            other => other,
        }
    }

    pub fn map(self, change: impl FnOnce(Diagnostic) -> Diagnostic) -> Failure {
        match self {
            Failure::Fail(diagnostic) => Failure::Fail(change(diagnostic)),
            Failure::Undefined(lost) => Failure::Undefined(Lost { diagnostic: change(lost.diagnostic), ..lost }),
            Failure::Placed(inner, name, range) => Failure::Placed(Box::new(inner.map(change)), name, range),
            unknown => unknown,
        }
    }
}

/// A failure inside a minijinja error.
#[derive(Debug)]
pub struct Carried(pub Failure);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed")
    }
}

impl std::error::Error for Carried {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        Error::new(ErrorKind::InvalidOperation, "failed").with_source(Carried(failure))
    }
}

thread_local! {
    /// What is undefined in the values of the render under way.
    static LOST: RefCell<Vec<Lost>> = const { RefCell::new(vec![]) };
}

/// Begins the reason of an undefined value inside a tree of values. Such values never leave a render.
const SIGN: char = '\u{1}';

/// Something undefined as a value.
pub fn undefined(lost: Lost) -> Value {
    let at = LOST.with_borrow_mut(|all| {
        all.push(lost);
        all.len() - 1
    });
    Value::Unknown(Arc::new(Unknown { because: format!("{SIGN}{at}"), span: None }))
}

/// What is undefined, where a value stands for that.
pub fn lost(value: &Value) -> Option<Lost> {
    let Value::Unknown(unknown) = value else { return None };
    let at: usize = unknown.because.strip_prefix(SIGN)?.parse().ok()?;
    LOST.with_borrow(|all| all.get(at).cloned())
}

pub fn is_undefined(value: &Value) -> bool {
    matches!(value, Value::Unknown(unknown) if unknown.because.starts_with(SIGN))
}

/// Whether it is what an `if` without `else` gives, which texts take for nothing.
pub fn is_blank(value: &Value) -> bool {
    lost(value).is_some_and(|lost| lost.blank)
}

/// A value that may be used: neither undefined nor unknown.
pub fn usable(value: &Value) -> Outcome<()> {
    match value {
        Value::Unknown(unknown) => Err(lost(value).map_or_else(|| Failure::Unknown(unknown.clone()), Failure::Undefined)),
        Value::Secret(secret) => usable(&secret.value),
        _ => Ok(()),
    }
}

/// Forgets what was undefined; the outermost render calls this at its end.
pub fn forget_lost() {
    LOST.with_borrow_mut(Vec::clear);
}

/// Gives what is undefined inside a value the place of the expression that made it, unless it has one.
pub fn place_lost(value: &Value, span: &dyn Fn() -> Span) {
    if LOST.with_borrow(Vec::is_empty) {
        return;
    }
    match value {
        Value::Unknown(unknown) => {
            let at = unknown.because.strip_prefix(SIGN).and_then(|at| at.parse::<usize>().ok());
            LOST.with_borrow_mut(|all| {
                if let Some(lost) = at.and_then(|at| all.get_mut(at)) {
                    lost.diagnostic = lost.diagnostic.clone().at(&span());
                }
            });
        }
        Value::Secret(secret) => place_lost(&secret.value, span),
        Value::List(items) => items.iter().for_each(|item| place_lost(item, span)),
        Value::Map(map) => map.values().for_each(|item| place_lost(item, span)),
        _ => {}
    }
}
