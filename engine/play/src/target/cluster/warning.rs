//! `Warning:` headers: deprecated versions, unknown fields, words of admission webhooks. https://www.rfc-editor.org/rfc/rfc7234#section-5.5

use http::HeaderMap;
use http::header::{HeaderValue, WARNING};

/// The texts of all warnings of code 299, each once.
pub(super) fn texts(headers: &HeaderMap<HeaderValue>) -> Vec<String> {
    let mut texts: Vec<String> = vec![];
    for value in headers.get_all(WARNING) {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        for text in parse(&value) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
    }
    texts
}

/// `299 agent "text", 299 - "text"`
fn parse(value: &str) -> Vec<String> {
    let mut texts = vec![];
    let mut rest = value;
    while let Some((head, quoted)) = rest.split_once('"') {
        let mut text = String::new();
        let mut chars = quoted.char_indices();
        let mut end = quoted.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => text.extend(chars.next().map(|(_, c)| c)),
                '"' => {
                    end = at + 1;
                    break;
                }
                c => text.push(c),
            }
        }
        if head.trim_start_matches([',', ' ']).starts_with("299 ") {
            texts.push(text);
        }
        rest = skip_date(quoted.get(end..).unwrap_or_default());
    }
    texts
}

/// A warning may end with a date in quotes of its own.
fn skip_date(rest: &str) -> &str {
    match rest.strip_prefix(" \"").and_then(|date| date.split_once('"')) {
        Some((_, rest)) => rest,
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_quotes_dates_and_company() {
        assert_eq!(parse(r#"299 - "unknown field \"spec.x\"""#), [r#"unknown field "spec.x""#]);
        assert_eq!(parse(r#"299 - "a" "Wed, 21 Oct 2026 07:28:00 GMT", 199 x "no", 299 y "b, c""#), ["a", "b, c"]);
        assert_eq!(parse(r#"299 - "cut"#), ["cut"]);
        assert!(parse("299 none").is_empty());
    }
}
