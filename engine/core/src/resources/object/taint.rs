//! Which secrets stand in the fields of an object: known from the manifest that they were rendered into, found again in
//! what a server gives back.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::flat::Leaves;
use crate::text::template::mask;
use crate::text::value::Mark;
use crate::text::{Map, Value};

/// Texts that secrets went into, as a manifest has them.
#[derive(Clone, Debug, Default)]
pub struct Taints {
    leaves: Vec<(String, Vec<Arc<Mark>>)>,
    /// The data of a v1/Secret are secrets, whoever wrote them.
    secret: bool,
}

impl Taints {
    pub fn of(manifest: &Value) -> Taints {
        let text = |name: &str| manifest.get(name).and_then(Value::as_str);
        let mut taints = Taints { leaves: vec![], secret: text("kind") == Some("Secret") && text("apiVersion") == Some("v1") };
        taints.collect(manifest, &[]);
        taints
    }

    /// Only secrets that the user's variables told: what is sent is judged by those.
    pub fn known(&self) -> Taints {
        Taints { leaves: self.leaves.clone(), secret: false }
    }

    fn collect(&mut self, value: &Value, outer: &[Arc<Mark>]) {
        let mut marks = outer.to_vec();
        if let Value::Secret(secret) = value {
            marks.extend(secret.marks.iter().filter(|mark| !outer.contains(mark)).cloned());
        }
        match value.plain() {
            Value::Map(map) => map.values().for_each(|child| self.collect(child, &marks)),
            Value::List(items) => items.iter().for_each(|child| self.collect(child, &marks)),
            leaf if !marks.is_empty() => self.leaves.push((leaf.to_json().map(|json| plain(&json)).unwrap_or_default(), marks)),
            _ => {}
        }
    }

    /// The marks of a leaf: of the manifest's leaf that it is, of each secret whose text it holds, and of its own where
    /// the place is a secret one.
    fn marks(&self, path: &str, text: &str) -> Vec<Arc<Mark>> {
        let mut found: Vec<Arc<Mark>> = vec![];
        for (tainted, marks) in &self.leaves {
            let whole = tainted == text || STANDARD.encode(tainted) == text;
            for mark in marks.iter().filter(|mark| whole || holds(text, mark)) {
                if !found.contains(mark) {
                    found.push(mark.clone());
                }
            }
        }
        if found.is_empty() && self.secret && path.starts_with("data") {
            found.push(own(path, text));
        }
        found
    }

    pub fn value(&self, path: &str, leaf: &Json) -> Value {
        if self.leaves.is_empty() && !self.secret {
            return Value::from(leaf);
        }
        Value::from(leaf).marked(self.marks(path, &plain(leaf)))
    }

    /// What stands where the manifest has a secret is one, too: the one before.
    pub fn former(&self, path: &str, leaf: &Json, wanted: Option<&Value>) -> Value {
        let value = self.value(path, leaf);
        let marks = wanted.map(Value::marks).unwrap_or_default();
        let text = plain(leaf);
        match marks.first() {
            Some(mark) if value.marks().is_empty() && !text.is_empty() => {
                let before = STANDARD.decode(&text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                let before = before.filter(|_| path.starts_with("data")).unwrap_or(text);
                value.marked(vec![Mark::new(mark.name.clone(), before, path.as_bytes())])
            }
            _ => value,
        }
    }

    pub fn fields(&self, leaves: &Leaves) -> crate::state::Fields {
        leaves.iter().map(|(path, leaf)| (path.clone().into(), self.value(path, leaf))).collect()
    }

    /// A whole object with its secrets marked.
    pub fn object(&self, json: &Json) -> Value {
        self.inner("", json)
    }

    fn inner(&self, path: &str, json: &Json) -> Value {
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match json {
            Json::Object(map) => {
                let pairs = map.iter().map(|(name, child)| (name.as_str().into(), self.inner(&below(name), child)));
                Value::from(pairs.collect::<Map>())
            }
            Json::Array(items) => Value::list(items.iter().map(|child| self.inner(path, child))),
            leaf => self.value(path, leaf),
        }
    }
}

/// A value of a Secret, by its place: `data.password`.
fn own(path: &str, text: &str) -> Arc<Mark> {
    let plain = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    Mark::new(path, plain.unwrap_or_else(|| text.to_owned()), path.as_bytes())
}

/// Whether the text of a secret can be found in a text, in any of the forms that masking knows.
fn holds(text: &str, mark: &Arc<Mark>) -> bool {
    // where it cannot be found, all of the text is hidden, and so is what was added to it
    mask::masked(&format!("{text}\u{1}"), std::slice::from_ref(mark)).ends_with('\u{1}')
}

fn plain(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

/// Gives each leaf of what was parsed from a text the marks of the secrets that it holds. A secret that no leaf holds as
/// it is (hashed, cut) marks what looks like a hash, and where nothing does, everything.
pub fn spread(value: Value, marks: &[Arc<Mark>]) -> Value {
    if marks.is_empty() {
        return value;
    }
    let mut texts = vec![];
    leaves(&value, &mut texts);
    let lost: Vec<Arc<Mark>> = marks.iter().filter(|mark| !texts.iter().any(|text| is_or_holds(text, mark))).cloned().collect();
    let hashed = texts.iter().any(|text| opaque(text));
    put(value, marks, &lost, hashed)
}

fn put(value: Value, marks: &[Arc<Mark>], lost: &[Arc<Mark>], hashed: bool) -> Value {
    match value.plain() {
        Value::Map(map) => {
            Value::from(map.iter().map(|(key, child)| (key.clone(), put(child.clone(), marks, lost, hashed))).collect::<Map>())
        }
        Value::List(items) => Value::list(items.iter().map(|child| put(child.clone(), marks, lost, hashed))),
        leaf => {
            let text = leaf.to_json().map(|json| plain(&json)).unwrap_or_default();
            let mut of: Vec<Arc<Mark>> = marks.iter().filter(|mark| is_or_holds(&text, mark)).cloned().collect();
            if !hashed || opaque(&text) {
                of.extend(lost.iter().cloned());
            }
            value.marked(of)
        }
    }
}

fn is_or_holds(text: &str, mark: &Arc<Mark>) -> bool {
    text == mark.text() || holds(text, mark)
}

fn leaves(value: &Value, texts: &mut Vec<String>) {
    match value.plain() {
        Value::Map(map) => map.values().for_each(|child| leaves(child, texts)),
        Value::List(items) => items.iter().for_each(|child| leaves(child, texts)),
        leaf => texts.extend(leaf.to_json().map(|json| plain(&json))),
    }
}

/// A long run of letters and digits, with digits in it: a hash, a token.
fn opaque(text: &str) -> bool {
    let run = |part: &&str| part.len() >= 10 && part.bytes().any(|byte| byte.is_ascii_digit());
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '+' | '/' | '=')).any(|part| run(&part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_found_again() {
        let mark = Mark::new("pw", "hunter22", b"k");
        let manifest =
            Value::map([("spec", Value::map([("a", Value::text("x hunter22").marked(vec![mark.clone()])), ("b", Value::text("plain"))]))]);
        let taints = Taints::of(&manifest);
        assert_eq!(taints.value("spec.a", &json!("x hunter22")).marks(), std::slice::from_ref(&mark));
        assert_eq!(taints.value("spec.a", &json!("eCBodW50ZXIyMg==")).marks(), std::slice::from_ref(&mark), "in base64");
        assert_eq!(taints.value("spec.z", &json!("say hunter22!")).marks(), std::slice::from_ref(&mark), "elsewhere");
        assert!(taints.value("spec.b", &json!("plain")).marks().is_empty());
        let former = taints.former("spec.a", &json!("old"), manifest.get("spec").and_then(|spec| spec.get("a")));
        assert_eq!(mask::shown(&former).split('#').next(), Some("‹secret pw "));
    }

    #[test]
    fn data_of_secrets_are_secrets() {
        let manifest = Value::from(&json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "aHVudGVyMjI="}}));
        let value = Taints::of(&manifest).value("data.a", &json!("aHVudGVyMjI="));
        assert!(mask::shown(&value).starts_with("‹secret data.a #"), "{}", mask::shown(&value));
    }

    #[test]
    fn texts_spread_their_secrets() {
        let mark = Mark::new("pw", "hunter22", b"k");
        let of = |json: Json| {
            let spread = spread(Value::from(&json), std::slice::from_ref(&mark));
            json.as_object()
                .expect("a map")
                .keys()
                .filter(|key| !spread.get(key).expect("it").marks().is_empty())
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(of(json!({"a": "hunter22", "b": "aHVudGVyMjI=", "c": "x"})), ["a", "b"]);
        assert_eq!(of(json!({"a": "x", "sum": "2ab96390c7dbe3439de74d0c9b0b1767"})), ["sum"], "hashed");
        assert_eq!(of(json!({"a": "hunt", "b": 1})), ["a", "b"], "cut");
    }
}
