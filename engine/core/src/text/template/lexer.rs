//! Jinja's outer grammar: text, `{{ … }}`, `{% … %}`, comments, raw blocks and the rules for blanks around them; and the
//! tokens inside. Offsets are bytes of the text that the user wrote.

use std::ops::Range;

use super::settings::Settings;

#[derive(Clone, PartialEq, Debug)]
pub enum Kind {
    Name(String),
    Text(String),
    Int(i64),
    Float(f64),
    Op(&'static str),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Token {
    pub kind: Kind,
    pub range: Range<usize>,
}

#[derive(PartialEq, Debug)]
pub enum Piece {
    Text(String),
    /// `{{ … }}`; the range covers the braces.
    Output(Vec<Token>, Range<usize>),
    /// `{% … %}`.
    Tag(Vec<Token>, Range<usize>),
}

/// What is wrong with a template's text, and where.
#[derive(Debug)]
pub struct Bad {
    pub message: String,
    pub hint: Option<String>,
    pub range: Range<usize>,
}

impl Bad {
    pub fn new(message: impl Into<String>, range: Range<usize>) -> Bad {
        Bad { message: message.into(), hint: None, range }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Bad {
        self.hint = Some(hint.into());
        self
    }
}

const OPERATORS: [&str; 24] =
    ["**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ":", "|"];

/// Which of the four kinds of brackets begins.
#[derive(Clone, Copy, PartialEq)]
enum Opening {
    Output,
    Block,
    Comment,
}

/// Splits a template.
pub fn pieces(text: &str, settings: &Settings) -> Result<Vec<Piece>, Bad> {
    let mut scan = Scan { text, settings, at: 0, out: vec![], trim: Trim::None };
    // Jinja drops one line end at the end of the text; who renders files adds it again
    let end = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).map_or(text.len(), str::len);
    scan.run(end)?;
    Ok(scan.out)
}

/// The tokens of a bare expression.
pub fn expression(text: &str) -> Result<Vec<Token>, Bad> {
    let (tokens, _) = tokens(text, 0, &[], false)?;
    Ok(tokens)
}

/// What is to be cut from the text that follows a bracket.
#[derive(Clone, Copy, PartialEq)]
enum Trim {
    None,
    Line,
    All,
}

struct Scan<'a> {
    text: &'a str,
    settings: &'a Settings,
    at: usize,
    out: Vec<Piece>,
    trim: Trim,
}

impl Scan<'_> {
    fn run(&mut self, end: usize) -> Result<(), Bad> {
        while self.at < end {
            let Some((start, opening)) = self.opening(end) else {
                self.emit_text(end, false, false);
                return Ok(());
            };
            let width = self.brackets(opening).0.len();
            let sign = self.text[start + width..].chars().next().filter(|c| matches!(c, '-' | '+'));
            self.emit_text(start, sign == Some('-'), opening != Opening::Output && sign != Some('+'));
            let inner = start + width + sign.map_or(0, char::len_utf8);
            match opening {
                Opening::Comment => self.comment(start, inner)?,
                Opening::Output => {
                    let (tokens, close) = self.inside(inner, start, &self.settings.variable.1, self.settings.literal_backslashes)?;
                    self.close(&self.settings.variable.1.clone(), close, false);
                    self.out.push(Piece::Output(tokens, start..self.at));
                }
                Opening::Block => self.block(start, inner)?,
            }
        }
        Ok(())
    }

    fn brackets(&self, opening: Opening) -> &(String, String) {
        match opening {
            Opening::Output => &self.settings.variable,
            Opening::Block => &self.settings.block,
            Opening::Comment => &self.settings.comment,
        }
    }

    /// The next bracket that opens; of two at one place the longer.
    fn opening(&self, end: usize) -> Option<(usize, Opening)> {
        let rest = &self.text[self.at..end];
        [Opening::Comment, Opening::Block, Opening::Output]
            .into_iter()
            .filter_map(|opening| {
                let start = &self.brackets(opening).0;
                rest.find(start.as_str()).map(|at| (at, usize::MAX - start.len(), opening))
            })
            .min_by_key(|(at, length, _)| (*at, *length))
            .map(|(at, _, opening)| (self.at + at, opening))
    }

    /// Text up to `end`, cut as the brackets on both sides ask.
    fn emit_text(&mut self, end: usize, strip: bool, lstrip: bool) {
        let mut text = &self.text[self.at..end];
        match self.trim {
            Trim::All => text = text.trim_start(),
            Trim::Line => text = text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text),
            Trim::None => {}
        }
        if strip {
            text = text.trim_end();
        } else if lstrip && self.settings.lstrip_blocks {
            let blank = text.trim_end_matches([' ', '\t']);
            let at_line = blank.ends_with('\n') || (blank.is_empty() && (self.at == 0 || self.text[..self.at].ends_with('\n')));
            if at_line || (blank.is_empty() && self.trim == Trim::Line && self.text[self.at..].starts_with('\n')) {
                text = blank;
            }
        }
        self.trim = Trim::None;
        self.at = end;
        if !text.is_empty() {
            let text = text.replace("\r\n", "\n");
            self.out.push(Piece::Text(if self.settings.newline == "\n" { text } else { text.replace('\n', &self.settings.newline) }));
        }
    }

    fn inside(&self, from: usize, start: usize, close: &str, literal: bool) -> Result<(Vec<Token>, usize), Bad> {
        let closes = [format!("-{close}"), format!("+{close}"), close.to_string()];
        let closes: Vec<&str> = closes.iter().map(String::as_str).collect();
        match tokens(self.text, from, &closes, literal)? {
            (tokens, Some(at)) => Ok((tokens, at)),
            (_, None) => {
                let line = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
                Err(Bad::new(format!("`{}` is never closed", &self.text[start..start + 2.min(line - start)]), start..line)
                    .hint(format!("add `{close}`")))
            }
        }
    }

    /// Steps over the closing bracket at `at` and remembers what it cuts.
    fn close(&mut self, close: &str, at: usize, block: bool) {
        let sign = self.text[at..].chars().next();
        let signed = matches!(sign, Some('-' | '+')) && self.text[at + 1..].starts_with(close);
        self.at = at + close.len() + usize::from(signed);
        self.trim = match sign {
            Some('-') if signed => Trim::All,
            Some('+') if signed => Trim::None,
            _ if block && self.settings.trim_blocks => Trim::Line,
            _ => Trim::None,
        };
    }

    fn comment(&mut self, start: usize, inner: usize) -> Result<(), Bad> {
        let close = self.settings.comment.1.clone();
        let Some(at) = self.text[inner..].find(close.as_str()) else {
            return Err(Bad::new("this comment is never closed", start..inner).hint(format!("add `{close}`")));
        };
        let mut at = inner + at;
        if at > inner && self.text[..at].ends_with(['-', '+']) {
            at -= 1;
        }
        self.close(&close, at, true);
        Ok(())
    }

    fn block(&mut self, start: usize, inner: usize) -> Result<(), Bad> {
        let close = self.settings.block.1.clone();
        let (tokens, at) = self.inside(inner, start, &close, false)?;
        self.close(&close, at, true);
        if tokens.len() == 1 && tokens[0].kind == Kind::Name("raw".to_string()) {
            // the line end after `raw` stays
            if self.trim == Trim::Line {
                self.trim = Trim::None;
            }
            return self.raw(start);
        }
        self.out.push(Piece::Tag(tokens, start..self.at));
        Ok(())
    }

    /// Everything up to `{% endraw %}` is text.
    fn raw(&mut self, start: usize) -> Result<(), Bad> {
        let open = &self.settings.block.0;
        let mut from = self.at;
        while let Some(found) = self.text[from..].find(open.as_str()) {
            let begin = from + found;
            let rest = &self.text[begin + open.len()..];
            let strip = rest.starts_with('-');
            let word = rest.trim_start_matches(['-', '+']).trim_start();
            if let Some(after) = word.strip_prefix("endraw") {
                let after = after.trim_start();
                let at = self.text.len() - after.len();
                let close = self.settings.block.1.clone();
                if after.trim_start_matches(['-', '+']).starts_with(close.as_str()) {
                    self.emit_text(begin, strip, !rest.starts_with('+'));
                    self.close(&close, at, true);
                    return Ok(());
                }
            }
            from = begin + open.len();
        }
        Err(Bad::new("`raw` is never closed", start..self.at).hint("add `{% endraw %}`"))
    }
}

/// Tokens from an offset on, up to one of the closing brackets outside of every parenthesis, or the end.
fn tokens(text: &str, from: usize, closes: &[&str], literal: bool) -> Result<(Vec<Token>, Option<usize>), Bad> {
    let (mut out, mut at, mut open) = (vec![], from, vec![]);
    while at < text.len() {
        let rest = &text[at..];
        let first = rest.chars().next().unwrap_or(' ');
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        if open.is_empty() && closes.iter().any(|close| rest.starts_with(close)) {
            return Ok((out, Some(at)));
        }
        let (kind, length) = if first == '"' || first == '\'' {
            string(text, at, literal)?
        } else if first.is_ascii_digit() {
            number(rest)
        } else if first == '_' || first.is_alphabetic() {
            let end = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
            (Kind::Name(rest[..end].to_string()), end)
        } else {
            operator(rest, at)?
        };
        if let Kind::Op(op) = kind {
            balance(op, at, &mut open)?;
        }
        out.push(Token { kind, range: at..at + length });
        at += length;
    }
    Ok((out, None))
}

fn balance(op: &'static str, at: usize, open: &mut Vec<&'static str>) -> Result<(), Bad> {
    let closes = match op {
        "(" => ")",
        "[" => "]",
        "{" => "}",
        _ => "",
    };
    if !closes.is_empty() {
        open.push(closes);
        return Ok(());
    }
    if !matches!(op, ")" | "]" | "}") {
        return Ok(());
    }
    let partner = op;
    match open.pop() {
        Some(expected) if expected == partner => Ok(()),
        Some(expected) => Err(Bad::new(format!("`{partner}` where `{expected}` was expected"), at..at + 1)),
        None => Err(Bad::new(format!("`{partner}` closes nothing"), at..at + 1)),
    }
}

fn operator(rest: &str, at: usize) -> Result<(Kind, usize), Bad> {
    if rest.starts_with('.') {
        return Ok((Kind::Op("."), 1));
    }
    match OPERATORS.iter().find(|op| rest.starts_with(**op)) {
        Some(op) => Ok((Kind::Op(op), op.len())),
        None => {
            let c = rest.chars().next().unwrap_or(' ');
            let bad = Bad::new(format!("`{c}` has no meaning in an expression"), at..at + c.len_utf8());
            Err(match c {
                '&' => bad.hint("write `and`"),
                '!' => bad.hint("write `not`, or `!=`"),
                '?' => bad.hint("write `a if condition else b`"),
                _ => bad,
            })
        }
    }
}

fn number(rest: &str) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)] {
        if let Some(digits) = rest.strip_prefix(prefix) {
            let end = digits.find(|c: char| !(c.is_digit(radix) || c == '_')).unwrap_or(digits.len());
            if let Ok(int) = i64::from_str_radix(&digits[..end].replace('_', ""), radix) {
                return (Kind::Int(int), end + 2);
            }
        }
    }
    let digits = |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit() || **b == b'_').count();
    let mut end = digits(0);
    let mut float = false;
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
        float = true;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            end = digits(end + 1 + sign);
            float = true;
        }
    }
    let text = rest[..end].replace('_', "");
    match text.parse::<i64>() {
        Ok(int) if !float => (Kind::Int(int), end),
        _ => (Kind::Float(text.parse().unwrap_or(f64::NAN)), end),
    }
}

fn string(text: &str, at: usize, literal: bool) -> Result<(Kind, usize), Bad> {
    let quote = text.as_bytes()[at] as char;
    let mut out = String::new();
    let mut chars = text[at + 1..].char_indices();
    while let Some((offset, c)) = chars.next() {
        if c == quote {
            return Ok((Kind::Text(out), offset + 2));
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some((_, next)) if literal => out.extend(['\\', next]),
            Some((_, next)) => escape(next, &mut chars, &mut out),
            None => break,
        }
    }
    let line = text[at..].find('\n').map_or(text.len(), |end| at + end);
    Err(Bad::new("this string has no end", at..line.max(at + 1)).hint(format!("add `{quote}`")))
}

/// Python's escapes; one that is none stays as it is written.
fn escape(c: char, chars: &mut std::str::CharIndices<'_>, out: &mut String) {
    let width = match c {
        'n' => return out.push('\n'),
        't' => return out.push('\t'),
        'r' => return out.push('\r'),
        'a' => return out.push('\u{7}'),
        'b' => return out.push('\u{8}'),
        'f' => return out.push('\u{c}'),
        'v' => return out.push('\u{b}'),
        '\\' | '\'' | '"' => return out.push(c),
        '\n' => return,
        'x' => 2,
        'u' => 4,
        'U' => 8,
        '0'..='7' => {
            let more: String = chars.as_str().chars().take(2).take_while(|c| c.is_digit(8)).collect();
            let code = u32::from_str_radix(&format!("{c}{more}"), 8).unwrap_or(0);
            let _ = more.chars().filter(|_| chars.next().is_some()).count();
            return out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
        }
        _ => return out.extend(['\\', c]),
    };
    let digits: String = chars.as_str().chars().take(width).collect();
    match u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32) {
        Some(meant) if digits.len() == width => {
            let _ = digits.chars().filter(|_| chars.next().is_some()).count();
            out.push(meant);
        }
        _ => out.extend(['\\', c]),
    }
}
