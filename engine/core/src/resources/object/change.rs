//! What an apply would change: the live object beside the server's answer to a dry run.
//!
//! As Flux compares (`ssa` `hasDrifted`): new where the answer has no resourceVersion, else labels, annotations, and
//! the rest without `metadata` and `status`. Both sides come from the server, so defaults and forms are equal.

use serde_json::{Map, Value};

use super::keys::{self, Keys};
use super::path::{Path, Step};

/// One field that an apply changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub path: Path,
    /// None where the field is not there yet.
    pub now: Option<Value>,
    /// None where the apply takes the field away.
    pub then: Option<Value>,
    /// Whether only the order of a keyed list changes; `now` and `then` are then its keys.
    pub order: bool,
}

/// The difference that an apply makes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// Whether the apply creates the object.
    pub new: bool,
    /// In the order of the answer, labels and annotations first, then what goes.
    pub changes: Vec<Change>,
    /// Differences that do not count as drift, because others write there: finalizers, owners.
    pub mentions: Vec<Change>,
    /// Whether `managedFields` differ: an apply without changes would still take or give ownership.
    pub ownership: bool,
}

impl Difference {
    /// Whether the object is as described.
    pub fn is_same(&self) -> bool {
        !self.new && self.changes.is_empty()
    }
}

/// Compares the live object with the answer to a dry-run apply of the manifest.
pub fn difference(live: Option<&Value>, answer: &Value) -> Difference {
    let Some(live) = live.filter(|_| !is_new(answer)) else {
        let mut found = Difference { new: true, ..Difference::default() };
        Walk { keys: Keys::default(), found: &mut found.changes }.object(&Value::Object(Map::new()), answer);
        return found;
    };
    let mut found = Difference::default();
    let keys = Keys::learn([live, answer]);
    Walk { keys: keys.clone(), found: &mut found.changes }.object(live, answer);
    let mut walk = Walk { keys, found: &mut found.mentions };
    for name in ["finalizers", "ownerReferences"] {
        let metadata = Path::fields(&["metadata"]);
        let side = |object: &Value| object.pointer("/metadata")?.get(name).cloned();
        walk.either(side(live).as_ref(), side(answer).as_ref(), &metadata.field(name), &format!("/metadata/{name}"));
    }
    let (before, after) = (owners(live), owners(answer));
    found.ownership = before.len() != after.len() || before.iter().any(|entry| !after.contains(entry));
    found
}

/// Whether a dry-run answer is of a create: only what is stored has a resourceVersion.
pub fn is_new(answer: &Value) -> bool {
    answer.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or("").is_empty()
}

/// Who owns what, without the times.
fn owners(object: &Value) -> Vec<[Option<&Value>; 4]> {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let owner = |entry| ["manager", "operation", "subresource", "fieldsV1"].map(|name| Value::get(entry, name));
    entries.into_iter().flatten().map(owner).collect()
}

struct Walk<'f> {
    keys: Keys,
    found: &'f mut Vec<Change>,
}

impl Walk<'_> {
    fn object(&mut self, live: &Value, answer: &Value) {
        let none = Value::Object(Map::new());
        for name in ["labels", "annotations"] {
            let path = Path::fields(&["metadata", name]);
            let (now, then) = (path.get(live).unwrap_or(&none), path.get(answer).unwrap_or(&none));
            self.both(now, then, &path, &format!("/metadata/{name}"));
        }
        let (Some(now), Some(then)) = (live.as_object(), answer.as_object()) else { return };
        let counts = |name: &&String| !matches!(name.as_str(), "metadata" | "status" | "apiVersion" | "kind");
        let gone = now.keys().filter(|name| !then.contains_key(*name));
        for name in then.keys().chain(gone).filter(counts) {
            self.either(now.get(name), then.get(name), &Path::fields(&[name]), &format!("/{name}"));
        }
    }

    fn either(&mut self, now: Option<&Value>, then: Option<&Value>, path: &Path, place: &str) {
        match (now, then) {
            (None, None) => {}
            (Some(now), Some(then)) => self.both(now, then, path, place),
            _ => self.push(path, now, then, false),
        }
    }

    fn push(&mut self, path: &Path, now: Option<&Value>, then: Option<&Value>, order: bool) {
        self.found.push(Change { path: path.clone(), now: now.cloned(), then: then.cloned(), order });
    }

    fn both(&mut self, now: &Value, then: &Value, path: &Path, place: &str) {
        match (now, then) {
            _ if same(now, then) => {}
            (Value::Object(now), Value::Object(then)) => {
                for name in then.keys().chain(now.keys().filter(|name| !then.contains_key(*name))) {
                    self.either(now.get(name), then.get(name), &path.field(name), &format!("{place}/{name}"));
                }
            }
            (Value::Array(now), Value::Array(then)) => self.list(now, then, path, place),
            _ => self.push(path, Some(now), Some(then), false),
        }
    }

    fn list(&mut self, now: &[Value], then: &[Value], path: &Path, place: &str) {
        let items: Vec<&Value> = now.iter().chain(then).collect();
        let names = self.keys.of(place, &items);
        let keyed = |side: &[Value]| -> Option<Vec<Key>> {
            let names = names.as_ref()?;
            let keys: Vec<_> = side.iter().filter_map(|item| keys::key_of(item, names)).collect();
            let unique = keys.iter().enumerate().all(|(place, key)| !keys[..place].contains(key));
            (unique && keys.len() == side.len()).then_some(keys)
        };
        let (Some(before), Some(after)) = (keyed(now), keyed(then)) else { return self.atomic(now, then, path, place) };
        let at = |keys: &[Key], key: &Key| keys.iter().position(|other| other == key);
        for (key, item) in after.iter().zip(then) {
            let live = at(&before, key).and_then(|place| now.get(place));
            self.either(live, Some(item), &path.then(Step::Key(key.clone())), place);
        }
        for (key, item) in before.iter().zip(now).filter(|(key, _)| at(&after, key).is_none()) {
            self.push(&path.then(Step::Key(key.clone())), Some(item), None, false);
        }
        let shared = |side: &[Key], other: &[Key]| -> Vec<Value> {
            side.iter().filter(|key| at(other, key).is_some()).map(|key| Value::from(keys::shown(key))).collect()
        };
        let (before, after) = (shared(&before, &after), shared(&after, &before));
        if before != after {
            self.push(path, Some(&Value::Array(before)), Some(&Value::Array(after)), true);
        }
    }

    /// A list without keys: item by item where both have as many, else as a whole.
    fn atomic(&mut self, now: &[Value], then: &[Value], path: &Path, place: &str) {
        if now.len() == then.len() && now.iter().chain(then).all(Value::is_object) {
            for (at, (now, then)) in now.iter().zip(then).enumerate() {
                self.both(now, then, &path.then(Step::Index(at)), place);
            }
        } else {
            self.push(path, Some(&Value::from(now)), Some(&Value::from(then)), false);
        }
    }
}

type Key = Vec<(String, Value)>;

/// Equality that overlooks how a number is written: 1 equals 1.0.
fn same(now: &Value, then: &Value) -> bool {
    match (now, then) {
        (Value::Number(one), Value::Number(two)) if one.is_f64() != two.is_f64() => one.as_f64() == two.as_f64(),
        _ => now == then,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::object::normalise::normalise;
    use crate::resources::object::owned::proven;

    /// What a 1.36 server answered to dry runs of manifests, beside the live objects.
    const APPLIES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/resources/object/applies.json"));
    const EXPECTED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/resources/object/applies.txt"));

    fn line(change: &Change) -> String {
        let side = |value: &Option<Value>| value.as_ref().map_or_else(|| "-".to_owned(), Value::to_string);
        format!("{}{}: {} -> {}", change.path, if change.order { " (order)" } else { "" }, side(&change.now), side(&change.then))
    }

    fn shown(case: &Value) -> String {
        let part = |name: &str| case.get(name).unwrap_or(&Value::Null);
        let live = Some(part("live")).filter(|live| !live.is_null());
        let found = difference(live, part("answer"));
        let mut text = format!(
            "{}: {}",
            plain(part("name")),
            if found.new {
                "new"
            } else if found.is_same() {
                "same"
            } else {
                "changes"
            }
        );
        if !found.new {
            let proof = proven(&normalise(part("manifest")), part("live"), "play");
            text.push_str(&proof.map_or_else(|why| format!(", not proven ({why})"), |()| ", proven".to_owned()));
        }
        text.push_str(if found.ownership { ", takes or gives ownership\n" } else { "\n" });
        text.extend(found.changes.iter().map(|change| format!("  {}\n", line(change))));
        text.extend(found.mentions.iter().map(|change| format!("  aside: {}\n", line(change))));
        text
    }

    fn plain(value: &Value) -> &str {
        value.as_str().unwrap_or("")
    }

    #[test]
    fn dry_runs_compare() {
        let cases: Vec<Value> = serde_json::from_str(APPLIES).expect("a JSON list");
        let shown: String = cases.iter().map(shown).collect();
        assert_eq!(shown, EXPECTED, "\n{shown}");
    }

    #[test]
    fn proof_and_dry_run_agree() {
        for case in serde_json::from_str::<Vec<Value>>(APPLIES).expect("a JSON list") {
            let (manifest, live) = (case.get("manifest").expect("a manifest"), case.get("live").expect("a live object"));
            let same = difference(Some(live), case.get("answer").expect("an answer")).is_same();
            assert!(same || proven(&normalise(manifest), live, "play").is_err(), "{}", plain(&case["name"]));
        }
    }
}
