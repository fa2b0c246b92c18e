//! The secrets that a run has read, found again in whatever comes back or is told: a file that is read back, the output of
//! a program that was given one, a message that quotes an argument.

use std::borrow::Cow;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::mask;
use crate::text::control::Control;
use crate::text::value::{Contents, Key, Map, Mark, Value};

/// Shorter texts stand anywhere by chance; a value that is made from such a secret is known by its mark alone.
const SHORT: usize = 8;
/// A plain word of small letters (a user's name, an environment) is looked for only where it is as long as this.
const WORD: usize = 16;
/// The longest text (bytes) that is a secret as a whole because it was made from one.
const LINE: usize = 256;

/// The known secrets and what finds them: every form of each, capitals or not. What is learned later has a finder of its
/// own, so that one more secret costs little.
#[derive(Default)]
pub struct Known {
    marks: Vec<Arc<Mark>>,
    finders: Vec<Finder>,
}

struct Finder {
    search: AhoCorasick,
    /// Whose form each pattern is: places in `marks`.
    of: Vec<usize>,
}

impl Known {
    pub fn learn(&mut self, marks: Vec<Arc<Mark>>) {
        let known = self.marks.len();
        for mark in marks {
            if !self.marks.contains(&mark) {
                self.marks.push(mark);
            }
        }
        let forms = |(at, mark): (usize, &Arc<Mark>)| {
            let forms = mask::forms(mark.text()).into_iter().filter(|form| tells(form));
            forms.map(|form| (form, at)).collect::<Vec<_>>()
        };
        let (patterns, of): (Vec<String>, Vec<usize>) = self.marks.iter().enumerate().skip(known).flat_map(forms).unzip();
        if patterns.is_empty() {
            return;
        }
        let mut search = AhoCorasick::builder();
        let search = search.ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest);
        // read seldom, made often
        let search = search.kind(Some(AhoCorasickKind::NoncontiguousNFA)).build(&patterns);
        self.finders.extend(search.ok().map(|search| Finder { search, of }));
    }

    pub fn is_empty(&self) -> bool {
        self.finders.is_empty()
    }

    /// The text, with the name of each known secret in its place.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut cleared = Cow::Borrowed(text);
        for finder in &self.finders {
            if finder.search.is_match(&*cleared) {
                let mut out = String::with_capacity(text.len());
                finder.search.replace_all_with(&cleared, &mut out, |found, _, out| {
                    out.push_str(&self.marks[finder.of[found.pattern().as_usize()]].shown());
                    true
                });
                cleared = Cow::Owned(out);
            }
        }
        cleared
    }

    /// The value, with the marks of the secrets whose text stands in it.
    pub fn marked(&self, value: &Value) -> Value {
        if self.is_empty() { value.clone() } else { self.found(value).unwrap_or_else(|| value.clone()) }
    }

    /// The same for a map as it is told: also its keys.
    pub fn told(&self, map: &Map) -> Map {
        let key = |key: &Key| match key.as_str().map(|text| self.text(text)) {
            Some(Cow::Owned(text)) => Key::from(text.as_str()),
            _ => key.clone(),
        };
        map.iter().map(|(name, value)| (key(name), self.marked(value))).collect()
    }

    /// `None` where there is nothing new in it.
    fn found(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Text(text) => self.with(value, text),
            Value::Contents(contents) => self.with(value, contents.here()?.as_str()?),
            Value::Secret(secret) => {
                let inner = self.found(&secret.value)?;
                Some(inner.marked(secret.marks.clone()))
            }
            Value::List(items) => {
                let found: Vec<Option<Value>> = items.iter().map(|item| self.found(item)).collect();
                let all = || found.iter().zip(items.iter()).map(|(found, item)| found.clone().unwrap_or_else(|| item.clone()));
                found.iter().any(Option::is_some).then(|| Value::list(all()))
            }
            Value::Map(map) => {
                let found: Vec<Option<Value>> = map.values().map(|value| self.found(value)).collect();
                let pair = |(found, (key, value)): (&Option<Value>, (&Key, &Value))| (key.clone(), found.as_ref().unwrap_or(value).clone());
                found.iter().any(Option::is_some).then(|| found.iter().zip(map.iter()).map(pair).collect::<Map>().into())
            }
            _ => None,
        }
    }

    fn with(&self, value: &Value, text: &str) -> Option<Value> {
        let marks = self.marks(text);
        (!marks.is_empty()).then(|| value.clone().marked(marks))
    }

    /// The secrets in a text, also where a program broke its lines (as `base64` does).
    fn marks(&self, text: &str) -> Vec<Arc<Mark>> {
        let joined: Option<String> = text.trim_end().contains('\n').then(|| text.lines().collect());
        let mut marks: Vec<Arc<Mark>> = vec![];
        for text in [Some(text), joined.as_deref()].into_iter().flatten() {
            let found =
                self.finders.iter().flat_map(|finder| finder.search.find_iter(text).map(|found| finder.of[found.pattern().as_usize()]));
            for mark in found.map(|at| &self.marks[at]) {
                if !marks.contains(mark) {
                    marks.push(mark.clone());
                }
            }
        }
        marks
    }
}

/// Whether a text is unlikely to stand anywhere by chance.
fn tells(text: &str) -> bool {
    let long = text.chars().count();
    let word = text.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '-' | '.' | ' ' | '/'));
    long >= if word { WORD } else { SHORT }
}

/// Keeps what filters made of secrets so that these can no longer be found in it: it is as secret, also where it becomes
/// the name of a thing. Texts of one line: what is longer is shown by its marks alone.
pub fn keep(control: &dyn Control, value: &Value) {
    match value {
        Value::Secret(secret) => match secret.value.plain() {
            Value::Text(text) if text.len() <= LINE && !text.contains('\n') => {
                let lost = |mark: &&Arc<Mark>| !mask::forms(mark.text()).iter().any(|form| text.contains(form.as_str()));
                if let Some(mark) = secret.marks.iter().find(lost) {
                    control.keep_secret(&Mark::new(mark.name.as_str(), &**text, mark.tag.as_bytes()));
                }
            }
            inner => keep(control, inner),
        },
        Value::List(items) => items.iter().for_each(|item| keep(control, item)),
        Value::Map(map) => map.values().for_each(|value| keep(control, value)),
        _ => {}
    }
}

/// A value that nobody may see, whatever is in it: each text of it is a secret of this name. Numbers and truth stay open.
pub fn silent(value: &Value, name: &str) -> Value {
    match value {
        Value::Text(text) if !text.is_empty() => value.clone().marked(vec![Mark::new(name, &**text, name.as_bytes())]),
        Value::Secret(secret) => silent(&secret.value, name).marked(secret.marks.clone()),
        Value::Contents(contents) => match contents.here() {
            Some(here) => Value::from(Contents { body: crate::text::value::Body::Here(silent(here, name)), ..(**contents).clone() }),
            None => value.clone(),
        },
        Value::List(items) => Value::list(items.iter().map(|item| silent(item, name))),
        Value::Map(map) => map.iter().map(|(key, value)| (key.clone(), silent(value, name))).collect::<Map>().into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(secrets: &[&str]) -> Known {
        let mut known = Known::default();
        known.learn(secrets.iter().enumerate().map(|(at, text)| Mark::new(format!("s{at}"), *text, b"k")).collect());
        known
    }

    fn names(value: &Value) -> Vec<String> {
        value.marks().iter().map(|mark| mark.name.clone()).collect()
    }

    #[test]
    fn every_form_is_found_again() {
        let known = known(&["pl4nted x&'1", "other-S3cret"]);
        let wrapped = "YWFhYWFhYWFhYWFhYWFhYWFhYSBwbDRu\ndGVkIHgmJzEgYg==\n";
        let texts = ["a pl4nted x&'1 b", "PL4NTED X&'1", "url?p=pl4nted%20x%26%271", "'pl4nted x&'\\''1'", "cGw0bnRlZCB4Jicx", wrapped];
        for text in texts {
            assert_eq!(names(&known.marked(&Value::text(text))), ["s0"], "{text}");
        }
        assert!(!known.text("failed: other-S3cret, pl4nted x&'1").contains("S3cret"));
        let deep = Value::map([("a", Value::list([Value::from(1), Value::text("is other-S3cret")]))]);
        assert_eq!(names(&known.marked(&deep)), ["s1"]);
        assert_eq!(known.marked(&deep).get("a").and_then(Value::as_list).map(|list| list[0].clone()), Some(Value::from(1)));
    }

    #[test]
    fn what_stands_anywhere_is_not_looked_for() {
        let known = known(&["production", "short7", "correct-horse-battery"]);
        for text in ["the production cluster", "short7"] {
            assert_eq!(known.marked(&Value::text(text)), Value::text(text));
        }
        assert!(known.text("x correct-horse-battery").contains("‹secret s2"));
        assert_eq!(Known::default().text("anything"), "anything");
    }
}
