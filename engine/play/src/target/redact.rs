//! Takes secrets out of texts that come back: a server quotes what it refuses.

use std::sync::Arc;

use play_core::text::Mark;
use play_core::text::template::mask;
use serde_json::Value as Json;

/// Each secret's text, in whatever form it is quoted, is replaced by its name.
pub(super) fn text(text: &str, marks: &[Arc<Mark>]) -> String {
    mask::hidden(text, marks)
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
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

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
