//! Literals of Python, by whose rules the values of an INI inventory are read (`ast.literal_eval`).

use std::sync::Arc;

use super::{number, quoted};
use crate::text::yaml::Data;
use crate::text::{Node, Span};

const MAX_DEPTH: usize = 64;

/// The value that a text is a literal of: a number, a text in quotes, a list, a mapping; any other text is itself.
pub fn value(span: &Span, text: &str) -> Node {
    literal(span, text).unwrap_or_else(|| Node::quoted(span.clone(), text))
}

fn literal(span: &Span, text: &str) -> Option<Node> {
    let mut reader = Reader { span, rest: text.trim_start_matches([' ', '\t']), nested: 0 };
    let node = reader.items()?;
    reader.blanks();
    reader.rest.is_empty().then_some(node)
}

struct Reader<'a> {
    span: &'a Span,
    rest: &'a str,
    /// Open brackets; within one, a line may end anywhere.
    nested: usize,
}

impl<'a> Reader<'a> {
    fn blanks(&mut self) {
        loop {
            let before = self.rest.len();
            self.rest = self.rest.trim_start_matches([' ', '\t', '\u{c}', '\r']);
            if self.nested > 0 {
                self.rest = self.rest.trim_start_matches('\n');
            }
            if self.rest.starts_with('#') {
                self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
            }
            if self.rest.len() == before {
                return;
            }
        }
    }

    fn eat(&mut self, token: &str) -> bool {
        self.blanks();
        let found = self.rest.strip_prefix(token);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    /// A value, or several with commas between them: a tuple needs no brackets.
    fn items(&mut self) -> Option<Node> {
        let first = self.value()?;
        if !self.eat(",") {
            return Some(first);
        }
        let mut items = vec![first];
        loop {
            self.blanks();
            if self.rest.is_empty() || self.rest.starts_with(')') {
                return Some(self.list(items));
            }
            items.push(self.value()?);
            if !self.eat(",") {
                return Some(self.list(items));
            }
        }
    }

    fn list(&self, items: Vec<Node>) -> Node {
        Node { span: self.span.clone(), tag: None, data: Data::List(Arc::new(items)) }
    }

    fn value(&mut self) -> Option<Node> {
        self.blanks();
        match self.rest.chars().next()? {
            '[' => self.brackets("[", |reader| reader.sequence("]")),
            '(' => self.brackets("(", Reader::parentheses),
            '{' => self.brackets("{", Reader::braces),
            '.' if self.rest.starts_with("...") => {
                self.rest = &self.rest[3..];
                Some(Node::quoted(self.span.clone(), "..."))
            }
            '0'..='9' | '.' => self.number(""),
            sign @ ('+' | '-') => {
                self.rest = &self.rest[1..];
                self.blanks();
                self.number(if sign == '-' { "-" } else { "" })
            }
            _ => self.word(),
        }
    }

    fn brackets(&mut self, open: &str, inner: impl FnOnce(&mut Self) -> Option<Node>) -> Option<Node> {
        self.eat(open);
        self.nested += 1;
        let node = if self.nested > MAX_DEPTH { None } else { inner(self) };
        self.nested -= 1;
        node
    }

    /// Values up to a closing bracket, which is read too.
    fn sequence(&mut self, close: &str) -> Option<Node> {
        let mut items = vec![];
        while !self.eat(close) {
            if !items.is_empty() && !self.eat(",") {
                return None;
            }
            if !items.is_empty() && self.eat(close) {
                break;
            }
            items.push(self.value()?);
        }
        Some(self.list(items))
    }

    fn parentheses(&mut self) -> Option<Node> {
        if self.eat(")") {
            return Some(self.list(vec![]));
        }
        let node = self.items()?;
        self.eat(")").then_some(node)
    }

    /// A mapping, or a set, which becomes a list.
    fn braces(&mut self) -> Option<Node> {
        if self.eat("}") {
            return Some(Node { span: self.span.clone(), tag: None, data: Data::Map(Arc::new(vec![])) });
        }
        let first = self.value()?;
        if !self.eat(":") {
            let mut items = vec![first];
            while self.eat(",") {
                self.blanks();
                if self.rest.starts_with('}') {
                    break;
                }
                items.push(self.value()?);
            }
            return self.eat("}").then(|| self.list(items));
        }
        let mut pairs: Vec<(Node, Node)> = vec![(first, self.value()?)];
        while self.eat(",") {
            self.blanks();
            if self.rest.starts_with('}') {
                break;
            }
            let key = self.value()?;
            let value = self.eat(":").then(|| self.value())??;
            pairs.retain(|(have, _)| have.to_key() != key.to_key());
            pairs.push((key, value));
        }
        if pairs.iter().any(|(key, _)| key.as_scalar().is_none()) {
            return None;
        }
        self.eat("}").then(|| Node { span: self.span.clone(), tag: None, data: Data::Map(Arc::new(pairs)) })
    }

    fn number(&mut self, sign: &str) -> Option<Node> {
        let end = self.rest.char_indices().find(|(at, c)| {
            let exponent = *at > 0 && "+-".contains(*c) && self.rest[..*at].ends_with(['e', 'E']) && !self.rest.starts_with("0x");
            !(c.is_alphanumeric() || *c == '_' || *c == '.' || exponent)
        });
        let (word, rest) = self.rest.split_at(end.map_or(self.rest.len(), |(at, _)| at));
        let text = number::integer(word).or_else(|| number::fraction(word))?;
        self.rest = rest;
        let text = if sign == "-" && text == "0" { text } else { format!("{sign}{text}") };
        Some(Node::plain(self.span.clone(), &text))
    }

    fn word(&mut self) -> Option<Node> {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let word = &self.rest[..end];
        let plain = match word {
            "True" => "true",
            "False" => "false",
            "None" => "null",
            _ => return self.strings(),
        };
        self.rest = &self.rest[end..];
        if self.rest.starts_with(['"', '\'']) {
            return None;
        }
        Some(Node::plain(self.span.clone(), plain))
    }

    /// Texts in quotes that stand one after the other are one text.
    fn strings(&mut self) -> Option<Node> {
        let (mut text, bytes) = self.string()?;
        loop {
            self.blanks();
            let letters = self.rest.trim_start_matches(|c: char| "rRbBuU".contains(c));
            if !letters.starts_with(['"', '\'']) {
                return Some(Node::quoted(self.span.clone(), &text));
            }
            let (more, more_bytes) = self.string()?;
            if more_bytes != bytes {
                return None;
            }
            text += &more;
        }
    }

    /// A text in quotes, and whether it is one of bytes.
    fn string(&mut self) -> Option<(String, bool)> {
        let open = self.rest.find(['"', '\''])?;
        let prefix = self.rest[..open].to_lowercase();
        if !matches!(prefix.as_str(), "" | "r" | "b" | "u" | "br" | "rb") {
            return None;
        }
        let body = &self.rest[open..];
        let quote = if body.starts_with("\"\"\"") || body.starts_with("'''") { &body[..3] } else { &body[..1] };
        let body = &body[quote.len()..];
        let end = quoted::closing(body, quote)?;
        self.rest = &body[end + quote.len()..];
        let bytes = prefix.contains('b');
        if bytes && !body[..end].is_ascii() {
            return None;
        }
        match prefix.contains('r') {
            true => Some((body[..end].to_string(), bytes)),
            false => Some((quoted::unescape(&body[..end], bytes)?, bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Source, Value};

    fn read(text: &str) -> Value {
        value(&Source::new("x", text).span(0..text.len()), text).to_value()
    }

    #[test]
    fn as_literal_eval_does() {
        let int = Value::Int;
        for (text, want) in [
            ("5", int(5)),
            ("5 # five", int(5)),
            ("-5", int(-5)),
            ("010", Value::text("010")),
            ("0x1F", int(31)),
            ("1_000", int(1000)),
            ("1e3", Value::Float(1000.0)),
            ("1.50", Value::Float(1.5)),
            ("1.2.3.4", Value::text("1.2.3.4")),
            ("True", Value::Bool(true)),
            ("true", Value::text("true")),
            ("yes", Value::text("yes")),
            ("None", Value::Null),
            ("a b", Value::text("a b")),
            ("'a' \"b\"", Value::text("ab")),
            ("'it\\'s'", Value::text("it's")),
            ("r'a\\n'", Value::text("a\\n")),
            ("1, 2", Value::list([int(1), int(2)])),
            ("(1)", int(1)),
            ("()", Value::list([])),
            ("{1, 2}", Value::list([int(1), int(2)])),
            ("['a', 1,]", Value::list([Value::text("a"), int(1)])),
            ("[a, b]", Value::text("[a, b]")),
            ("{'a': [1, {}]}", Value::map([("a", Value::list([int(1), Value::Map(Default::default())]))])),
            ("{{ a }}", Value::text("{{ a }}")),
            ("--5", Value::text("--5")),
            ("'open", Value::text("'open")),
            ("", Value::text("")),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
    }
}
