//! JSON as nodes with places. Ansible takes a text for JSON wherever it is JSON, and for YAML only otherwise.

use std::collections::HashSet;
use std::sync::Arc;

use super::inventory::number;
use crate::text::yaml::Data;
use crate::text::{Node, Source};

const MAX_DEPTH: usize = 128;

/// The nodes of a text that is a JSON object or list; nothing where it is not.
pub fn parse(source: &Arc<Source>) -> Option<Node> {
    if !source.text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut reader = Reader { source, text: &source.text, at: 0 };
    let node = reader.value(0)?;
    reader.blanks();
    (reader.at == source.text.len()).then_some(node)
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn eat(&mut self, token: &str) -> Option<()> {
        self.blanks();
        self.rest().starts_with(token).then(|| self.at += token.len())
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        self.blanks();
        let start = self.at;
        if depth > MAX_DEPTH {
            return None;
        }
        let node = |reader: &Self, data| Node { span: reader.source.span(start..reader.at), tag: None, data };
        match self.rest().chars().next()? {
            '{' => self.map(depth).map(|data| node(self, data)),
            '[' => self.list(depth).map(|data| node(self, data)),
            '"' => {
                let text = self.string()?;
                Some(Node::quoted(self.source.span(start..self.at), &text))
            }
            _ => self.word(start),
        }
    }

    fn map(&mut self, depth: usize) -> Option<Data> {
        let (mut pairs, mut seen) = (vec![], HashSet::new());
        self.eat("{")?;
        while self.eat("}").is_none() {
            if !pairs.is_empty() {
                self.eat(",")?;
            }
            self.blanks();
            let start = self.at;
            let name = self.string()?;
            let key = Node::quoted(self.source.span(start..self.at), &name);
            self.eat(":")?;
            // a key that stands twice is left to the parser of YAML, which says so
            if !seen.insert(name) {
                return None;
            }
            pairs.push((key, self.value(depth + 1)?));
        }
        Some(Data::Map(Arc::new(pairs)))
    }

    fn list(&mut self, depth: usize) -> Option<Data> {
        let mut items = vec![];
        self.eat("[")?;
        while self.eat("]").is_none() {
            if !items.is_empty() {
                self.eat(",")?;
            }
            items.push(self.value(depth + 1)?);
        }
        Some(Data::List(Arc::new(items)))
    }

    fn string(&mut self) -> Option<String> {
        let rest = self.rest().strip_prefix('"')?;
        let mut escaped = false;
        let end = rest.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })?;
        let raw = &self.text[self.at..self.at + end + 2];
        self.at += raw.len();
        serde_json::from_str(raw).ok()
    }

    /// A number, `true`, `false` or `null`, as a plain scalar that YAML reads alike.
    fn word(&mut self, start: usize) -> Option<Node> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(rest.len());
        let word = rest[..end].to_string();
        self.at += end;
        let text = match serde_json::from_str(&word).ok()? {
            serde_json::Value::Number(number) if number.is_f64() => number::float_text(number.as_f64()?),
            _ => word,
        };
        Some(Node::plain(self.source.span(start..self.at), &text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Value;

    #[test]
    fn json_is_read_as_python_reads_it() {
        let source = Source::new("x.json", "{\"a\": [1, 1e3, true, null, \"\\ud83d\\ude00\"],\n\t\"b\": {}}");
        let node = parse(&source).expect("json");
        let a = node.get("a").map(Node::to_value);
        assert_eq!(a, Some(Value::list([Value::Int(1), Value::Float(1000.0), Value::Bool(true), Value::Null, Value::text("😀")])));
        assert_eq!(node.get("b").map(|b| b.span.line()), Some(2));
    }

    #[test]
    fn what_is_not_json_is_left_to_yaml() {
        for text in ["{a: 1}", "{\"a\": 1, \"a\": 2}", "[1, 2", "a: 1", "{\"a\": 01}", "{} x"] {
            assert!(parse(&Source::new("x", text)).is_none(), "{text}");
        }
    }
}
