//! Literals of Python, by whose rules the values of an INI inventory are read (`ast.literal_eval`).

use std::sync::Arc;

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

/// A number with a fraction as YAML 1.1 reads it back.
pub fn float_text(float: f64) -> String {
    if float.is_nan() {
        return ".nan".into();
    }
    if float.is_infinite() {
        return if float > 0.0 { ".inf".into() } else { "-.inf".into() };
    }
    let text = format!("{float:?}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
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
        let text = integer(word).or_else(|| fraction(word))?;
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
        let mut text = self.string()?;
        loop {
            self.blanks();
            let letters = self.rest.trim_start_matches(|c: char| "rRbBuU".contains(c));
            if !letters.starts_with(['"', '\'']) {
                return Some(Node::quoted(self.span.clone(), &text));
            }
            text += &self.string()?;
        }
    }

    fn string(&mut self) -> Option<String> {
        let open = self.rest.find(['"', '\''])?;
        let prefix = self.rest[..open].to_lowercase();
        if !matches!(prefix.as_str(), "" | "r" | "b" | "u" | "br" | "rb") {
            return None;
        }
        let body = &self.rest[open..];
        let quote = if body.starts_with("\"\"\"") || body.starts_with("'''") { &body[..3] } else { &body[..1] };
        let body = &body[quote.len()..];
        let end = closing(body, quote)?;
        self.rest = &body[end + quote.len()..];
        match prefix.contains('r') {
            true => Some(body[..end].to_string()),
            false => unescape(&body[..end], prefix.contains('b')),
        }
    }
}

/// Where the closing quote stands.
fn closing(body: &str, quote: &str) -> Option<usize> {
    let mut at = 0;
    while at < body.len() {
        let rest = &body[at..];
        if rest.starts_with(quote) {
            return Some(at);
        }
        let c = rest.chars().next()?;
        if c == '\n' && quote.len() == 1 {
            return None;
        }
        at += c.len_utf8();
        if c == '\\' {
            at += body.get(at..)?.chars().next()?.len_utf8();
        }
    }
    None
}

fn unescape(body: &str, bytes: bool) -> Option<String> {
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        text += &rest[..at];
        let c = rest[at + 1..].chars().next()?;
        rest = &rest[at + 1 + c.len_utf8()..];
        let plain = match c {
            '\n' => continue,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '\\' | '\'' | '"' => c,
            'x' => hex(&mut rest, 2)?,
            'u' if !bytes => hex(&mut rest, 4)?,
            'U' if !bytes => hex(&mut rest, 8)?,
            'N' if !bytes => return None,
            '0'..='7' => {
                let more = rest.bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                let digits = format!("{c}{}", &rest[..more]);
                rest = &rest[more..];
                char::from_u32(u32::from_str_radix(&digits, 8).ok()?)?
            }
            _ => {
                text.push('\\');
                c
            }
        };
        text.push(plain);
    }
    Some(text + rest)
}

fn hex(rest: &mut &str, digits: usize) -> Option<char> {
    let code = u32::from_str_radix(rest.get(..digits)?, 16).ok()?;
    *rest = &rest[digits..];
    char::from_u32(code)
}

/// An integer of any base in decimal digits.
fn integer(word: &str) -> Option<String> {
    if word.ends_with('_') || word.contains("__") {
        return None;
    }
    let lower = word.to_lowercase();
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return i128::from_str_radix(&digits.replace('_', ""), base).ok().map(|int| int.to_string());
        }
    }
    let digits = word.replace('_', "");
    let decimal = word.starts_with(|c: char| c.is_ascii_digit()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    match decimal {
        true if digits.bytes().all(|byte| byte == b'0') => Some("0".into()),
        true if !digits.starts_with('0') => Some(digits),
        _ => None,
    }
}

fn fraction(word: &str) -> Option<String> {
    let valid = word.bytes().all(|byte| byte.is_ascii_digit() || b"._eE+-".contains(&byte)) && !word.contains("__") && !word.ends_with('_');
    let valid = valid && word.contains(['.', 'e', 'E']) && word.bytes().any(|byte| byte.is_ascii_digit());
    let joined = ["_.", "._", "_e", "e_", "_E", "E_"].iter().any(|pair| word.contains(pair));
    if !valid || joined {
        return None;
    }
    word.replace('_', "").parse().ok().map(float_text)
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
