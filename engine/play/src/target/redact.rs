//! Takes secrets out of texts that come back: a server quotes what it refuses.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use play_core::text::Mark;
use serde_json::Value as Json;

/// Shorter texts would tear words apart that have nothing to do with them.
const SHORTEST: usize = 3;

/// Each secret's text, plain, quoted as in Go and JSON, and in base64, is replaced by its name.
pub(super) fn text(text: &str, marks: &[Arc<Mark>]) -> String {
    let mut text = text.to_string();
    for mark in marks.iter().filter(|mark| mark.text().trim().len() >= SHORTEST) {
        let quoted = serde_json::Value::from(mark.text()).to_string();
        for form in [mark.text(), quoted.trim_matches('"'), STANDARD.encode(mark.text()).as_str(), mark.text().trim()] {
            text = text.replace(form, &mark.shown());
        }
    }
    text
}

/// The same for all texts of a JSON value.
pub(super) fn json(json: &mut Json, marks: &[Arc<Mark>]) {
    match json {
        Json::String(string) => *string = text(string, marks),
        Json::Array(items) => items.iter_mut().for_each(|item| self::json(item, marks)),
        Json::Object(members) => members.values_mut().for_each(|value| self::json(value, marks)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_found() {
        let mark = Mark::new("pw", "hun\"ter2", b"k");
        let shown = mark.shown();
        let b64 = STANDARD.encode("hun\"ter2");
        let mut body = serde_json::json!({"message": format!("Invalid value: \"hun\\\"ter2\", {b64}, hun\"ter2")});
        json(&mut body, &[mark]);
        assert_eq!(body["message"], format!("Invalid value: \"{shown}\", {shown}, {shown}"));
    }
}
