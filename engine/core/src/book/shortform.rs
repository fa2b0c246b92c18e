//! The old short form of arguments, `name=value other="two words"`, split as Ansible splits it: quotes and braces of
//! Jinja stay together.

use crate::text::yaml::Node;
use crate::text::{Diagnostic, Result, Span};

/// The options that a module with a free form still takes as `name=value`.
pub const FREE_FORM_OPTIONS: [&str; 8] =
    ["creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"];

/// A piece of the text, with what it is made of (blanks kept) and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub struct Word {
    pub text: String,
    pub start: usize,
    pub end: usize,
}

/// One `name=value`; the places are bytes of the text.
#[derive(Clone, PartialEq, Debug)]
pub struct Pair {
    pub name: String,
    /// Without its quotes, escapes replaced.
    pub value: String,
    pub start: usize,
    pub value_start: usize,
    pub end: usize,
}

impl Pair {
    /// The place of the value, within the scalar that the short form stands in.
    pub fn value_span(&self, scalar: &Node) -> Span {
        scalar.place(self.value_start, self.end)
    }

    pub fn name_span(&self, scalar: &Node) -> Span {
        scalar.place(self.start, self.value_start.saturating_sub(1).max(self.start))
    }
}

/// What a short form says: its pairs, and what is left as a free form.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ShortForm {
    pub pairs: Vec<Pair>,
    pub rest: Option<Word>,
}

/// Splits and sorts a text. `free_form`: the module takes a command line, so only its own options are pairs.
pub fn parse(text: &str, free_form: bool) -> Result<ShortForm> {
    let mut form = ShortForm::default();
    let mut rest: Vec<Word> = vec![];
    for word in split_args(text)? {
        let plain = unescape(&word.text);
        let Some(at) = equals(&plain) else {
            let escaped = plain.contains('=');
            rest.push(if escaped { Word { text: plain.replace("\\=", "="), ..word } } else { word });
            continue;
        };
        let (name, value) = (&plain[..at], &plain[at + 1..]);
        if free_form && !FREE_FORM_OPTIONS.contains(&name) {
            rest.push(word);
            continue;
        }
        let pair = pair(&word, name.trim(), value);
        form.pairs.retain(|have| have.name != pair.name);
        form.pairs.push(pair);
    }
    form.rest = join(&rest);
    Ok(form)
}

fn pair(word: &Word, name: &str, value: &str) -> Pair {
    let value_start = word.start + word.text.find('=').map_or(0, |at| at + 1);
    Pair { name: name.to_string(), value: unquote(value.trim()).to_string(), start: word.start, value_start, end: word.end }
}

/// The first `=` that is not escaped; one at the very beginning is none.
fn equals(text: &str) -> Option<usize> {
    let first = text.chars().next()?.len_utf8();
    text.match_indices('=').map(|(at, _)| at).find(|at| *at >= first && !text[..*at].ends_with('\\'))
}

/// The words of a free form as one text: blanks and line ends as they were.
fn join(words: &[Word]) -> Option<Word> {
    let (first, last) = (words.first()?, words.last()?);
    let mut text = String::new();
    for word in words {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push(' ');
        }
        text += &word.text;
    }
    Some(Word { text, start: first.start, end: last.end })
}

/// A text without the quotes around it.
pub fn unquote(text: &str) -> &str {
    let quoted = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote) && !text[..text.len() - 1].ends_with('\\');
    if quoted('"') || quoted('\'') { &text[1..text.len() - 1] } else { text }
}

/// What is open while words are read.
#[derive(Default)]
struct Open {
    quote: Option<char>,
    print: usize,
    block: usize,
    comment: usize,
}

impl Open {
    fn braces(&self) -> bool {
        self.print > 0 || self.block > 0 || self.comment > 0
    }

    fn quotes(&mut self, token: &str) {
        let mut previous = None;
        for c in token.chars() {
            if "\"'".contains(c) && previous != Some('\\') {
                match self.quote {
                    Some(quote) if quote == c => self.quote = None,
                    Some(_) => {}
                    None => self.quote = Some(c),
                }
            }
            previous = Some(c);
        }
    }

    /// Counts what a token opens and closes; true where a depth changed.
    fn count(&mut self, token: &str) -> bool {
        let mut changed = false;
        for (depth, open, close) in [(&mut self.print, "{{", "}}"), (&mut self.block, "{%", "%}"), (&mut self.comment, "{#", "#}")] {
            let (opened, closed) = (token.matches(open).count(), token.matches(close).count());
            let now = (*depth + opened).saturating_sub(closed);
            changed |= now != *depth;
            *depth = now;
        }
        changed
    }
}

/// The words of a text. Blanks between two words beyond the first belong to the word before them.
pub fn split_args(text: &str) -> Result<Vec<Word>> {
    let (mut words, mut open): (Vec<Word>, Open) = (vec![], Open::default());
    let mut at = 0;
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        let mut continued = false;
        for (index, token) in line.split(' ').enumerate() {
            let start = at;
            at += token.len() + 1;
            if token.is_empty() && index != 0 {
                append(&mut words, " ", start);
                continue;
            }
            if token == "\\" && open.quote.is_none() {
                continued = true;
                continue;
            }
            take(&mut words, &mut open, index, token, start);
        }
        // the split at the last blank of a line counted one too many, which stands for the line end
        if lines.peek().is_some() && !continued {
            append(&mut words, "\n", at - 1);
        }
    }
    if text.is_empty() {
        return Ok(vec![]);
    }
    match open.quote.is_some() || open.braces() {
        true => Err(unbalanced(text, &open)),
        false => Ok(words),
    }
}

/// Adds a token to the words: a new word, or the next piece of one that is still open.
fn take(words: &mut Vec<Word>, open: &mut Open, index: usize, token: &str, start: usize) {
    let (was_quoted, was_braced) = (open.quote.is_some(), open.braces());
    open.quotes(token);
    let quoted = open.quote.is_some();
    let end = start + token.len();
    let new = |words: &mut Vec<Word>| words.push(Word { text: token.to_string(), start, end });
    let mut appended = true;
    if quoted && !was_quoted && !was_braced {
        new(words);
    } else if was_braced || quoted || was_quoted {
        let blank = if index == 0 { "" } else { " " };
        append(words, &format!("{blank}{token}"), start - blank.len());
        if let Some(word) = words.last_mut() {
            word.end = end;
        }
    } else {
        appended = false;
    }
    let changed = open.count(token);
    if !appended && (changed || (!open.braces() && !token.is_empty())) {
        new(words);
    }
}

fn append(words: &mut Vec<Word>, more: &str, at: usize) {
    match words.last_mut() {
        Some(word) => word.text += more,
        None => words.push(Word { text: more.to_string(), start: at, end: at + more.len() }),
    }
}

fn unbalanced(text: &str, open: &Open) -> Diagnostic {
    let what = match open.quote {
        Some(quote) => format!("a quote `{quote}` is opened and not closed"),
        None if open.print > 0 => "`{{` is opened and not closed".into(),
        None if open.block > 0 => "`{%` is opened and not closed".into(),
        None => "`{#` is opened and not closed".into(),
    };
    Diagnostic::error(format!("{what} in `{text}`")).hint("write the arguments as a mapping, one `name: value` a line")
}

/// The escapes of Python that Ansible replaces in a short form; all others stay as they are.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain += &rest[..at];
        rest = &rest[at + 1..];
        let digits = |count: usize| {
            rest.get(1..=count).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32).map(|c| (c, count + 1))
        };
        let found = match rest.chars().next() {
            Some('U') => digits(8),
            Some('u') => digits(4),
            Some('x') => digits(2),
            Some(c @ ('\\' | '\'' | '"')) => Some((c, 1)),
            Some('a') => Some(('\u{7}', 1)),
            Some('b') => Some(('\u{8}', 1)),
            Some('f') => Some(('\u{c}', 1)),
            Some('n') => Some(('\n', 1)),
            Some('r') => Some(('\r', 1)),
            Some('t') => Some(('\t', 1)),
            Some('v') => Some(('\u{b}', 1)),
            _ => None,
        };
        match found {
            Some((c, len)) => {
                plain.push(c);
                rest = &rest[len..];
            }
            None => plain.push('\\'),
        }
    }
    plain + rest
}
