//! The render under way: its scope, what it read, and which variables are being rendered.

use std::cell::RefCell;
use std::sync::Arc;

use scoped_tls_hkt::scoped_thread_local;

use super::Templates;
use super::failure::{self, Failure, Outcome};
use super::scope::Scope;
use crate::text::diagnostic::Diagnostic;
use crate::text::value::{Mark, Value};

/// What a filter or function may look at.
pub struct Here<'a> {
    pub templates: &'a Templates,
    pub scope: &'a dyn Scope,
}

// minijinja's objects must be 'static, and a scope is borrowed: this is the way from the one to the other.
scoped_thread_local!(static HERE: for<'a> &'a Here<'a>);

/// One template being evaluated.
#[derive(Default)]
pub struct Frame {
    pub marks: Vec<Arc<Mark>>,
    /// Outputs that are not none, and the last of them with the length of its text.
    pub outputs: usize,
    pub last: Option<(Value, usize)>,
    /// The path of the file that the template stands in.
    pub file: Option<String>,
}

thread_local! {
    static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(vec![]) };
    static NAMES: RefCell<Vec<(usize, String)>> = const { RefCell::new(vec![]) };
}

/// Variables that may stand in each other.
const MAX_DEPTH: usize = 60;

/// Runs something with a scope.
pub fn within<T>(here: &Here<'_>, run: impl FnOnce() -> T) -> T {
    let result = HERE.set(here, run);
    if FRAMES.with_borrow(Vec::is_empty) && NAMES.with_borrow(Vec::is_empty) {
        failure::forget_lost();
    }
    result
}

/// Looks at the scope of the render under way.
pub fn here<T>(look: impl FnOnce(&Here<'_>) -> T) -> T {
    HERE.with(look)
}

/// Evaluates with a frame of its own.
pub fn framed<T>(file: Option<String>, run: impl FnOnce() -> T) -> (T, Frame) {
    FRAMES.with_borrow_mut(|frames| {
        let file = file.or_else(|| frames.last().and_then(|frame| frame.file.clone()));
        frames.push(Frame { file, ..Frame::default() });
    });
    let result = run();
    (result, FRAMES.with_borrow_mut(Vec::pop).unwrap_or_default())
}

pub fn frame<T>(change: impl FnOnce(&mut Frame) -> T) -> T {
    FRAMES.with_borrow_mut(|frames| match frames.last_mut() {
        Some(frame) => change(frame),
        None => change(&mut Frame::default()),
    })
}

/// Remembers that a secret was read.
pub fn mark(marks: &[Arc<Mark>]) {
    frame(|frame| {
        for mark in marks {
            if !frame.marks.contains(mark) {
                frame.marks.push(mark.clone());
            }
        }
    });
}

/// The value behind its marks, which are remembered.
pub fn read(value: &Value) -> &Value {
    match value {
        Value::Secret(secret) => {
            mark(&secret.marks);
            read(&secret.value)
        }
        other => other,
    }
}

/// Renders a variable, unless it is being rendered already.
pub fn named<T>(name: &str, run: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let id = here(|here| std::ptr::from_ref(here.scope).cast::<()>() as usize);
    let chain = NAMES.with_borrow_mut(|names| {
        let at = names.iter().position(|(scope, known)| *scope == id && known == name);
        if at.is_none() && names.len() < MAX_DEPTH {
            names.push((id, name.to_string()));
            return None;
        }
        let from = at.unwrap_or(names.len().saturating_sub(3));
        let chain: Vec<String> = names[from..].iter().map(|(_, name)| format!("`{name}`")).chain([format!("`{name}`")]).collect();
        Some((at.is_some(), chain.join(" → ")))
    });
    match chain {
        Some((true, chain)) => {
            let diagnostic = Diagnostic::error(format!("the variable `{name}` is made of itself: {chain}"));
            Err(Failure::Fail(diagnostic.hint("use another name on one of the two sides")))
        }
        Some((false, chain)) => failure::fail(format!("variables stand over {MAX_DEPTH} levels deep in each other: {chain}")),
        None => {
            let result = run();
            NAMES.with_borrow_mut(Vec::pop);
            result
        }
    }
}
