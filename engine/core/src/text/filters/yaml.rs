//! YAML in and out, written as libyaml writes it for PyYAML.

use std::fmt::Write as _;

use super::Filter;
use crate::text::scalar;
use crate::text::source::Source;
use crate::text::template::{self as t, Call, Here, Outcome, exposed, fail};
use crate::text::value::{Key, Value};
use crate::text::yaml;

pub const FILTERS: &[Filter] = &[
    Filter::new("to_yaml", "value default_flow_style **", |call, _| {
        let style = call.given(1)?.map(t::truth).transpose()?;
        dump(call, style, 2)
    }),
    Filter::new("to_nice_yaml", "value indent default_flow_style **", |call, _| {
        let indent = usize::try_from(call.int_or(1, 4)?).unwrap_or(4);
        dump(call, Some(call.flag(2, false)?), indent)
    }),
    Filter::new("from_yaml", "value", from_yaml),
    Filter::new("from_yaml_all", "value", from_yaml_all),
];

fn from_yaml(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    match call.need(0)? {
        Value::Text(text) => Ok(yaml::parse(&Source::new("<from_yaml>", &**text))?.to_value()),
        other => Ok(other.clone()),
    }
}

fn from_yaml_all(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    match call.need(0)? {
        Value::Null => Ok(Value::list([])),
        Value::Text(text) => Ok(Value::list(yaml::parse_all(&Source::new("<from_yaml_all>", &**text))?.iter().map(yaml::Node::to_value))),
        other => Ok(other.clone()),
    }
}

/// How YAML is written.
struct Writer {
    out: String,
    /// `None`: flow style for what holds only scalars.
    flow: Option<bool>,
    indent: usize,
    width: usize,
    sort: bool,
    unicode: bool,
    column: usize,
}

fn dump(call: &Call<'_>, flow: Option<bool>, indent: usize) -> Outcome<Value> {
    let mut writer = Writer { out: String::new(), flow, indent, width: 80, sort: true, unicode: true, column: 0 };
    let (mut start, mut end) = (false, false);
    for (key, value) in call.named.iter() {
        match key.as_str().unwrap_or_default() {
            "width" => writer.width = value.as_int().and_then(|width| usize::try_from(width).ok()).unwrap_or(80),
            "indent" => writer.indent = value.as_int().and_then(|indent| usize::try_from(indent).ok()).unwrap_or(2),
            "sort_keys" => writer.sort = t::truth(value)?,
            "allow_unicode" => writer.unicode = t::truth(value)?,
            "explicit_start" => start = t::truth(value)?,
            "explicit_end" => end = t::truth(value)?,
            "default_style" | "canonical" | "line_break" | "encoding" | "Dumper" | "tags" | "version" => {}
            other => return fail(format!("`{}` has no argument `{other}`", call.name)),
        }
    }
    // PyYAML's own bounds
    if !(2..10).contains(&writer.indent) {
        writer.indent = 2;
    }
    if writer.width <= writer.indent * 2 {
        writer.width = 80;
    }
    let value = exposed(call.need(0)?)?;
    if start {
        writer.put("---");
        if scalar_like(&value) || writer.is_flow(&value) {
            writer.put(" ");
        } else {
            writer.line(0);
        }
    }
    writer.node(&value, 0, Place::Root)?;
    writer.out.push('\n');
    if end {
        writer.out.push_str("...\n");
    }
    Ok(Value::text(writer.out))
}

fn scalar_like(value: &Value) -> bool {
    !matches!(value, Value::List(_) | Value::Map(_))
}

/// Where a node stands, which decides how it begins.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    /// After `- `.
    Item,
    /// After `key:`.
    Member,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn line(&mut self, indent: usize) {
        self.out.push('\n');
        self.column = 0;
        self.put(&" ".repeat(indent));
    }

    fn is_flow(&self, value: &Value) -> bool {
        match (self.flow, value) {
            (_, Value::List(items)) if items.is_empty() => true,
            (_, Value::Map(map)) if map.is_empty() => true,
            (Some(flow), _) => flow,
            (None, Value::List(items)) => items.iter().all(scalar_like),
            (None, Value::Map(map)) => map.values().all(scalar_like),
            _ => false,
        }
    }

    fn pairs<'a>(&self, value: &'a Value) -> Vec<(&'a Key, &'a Value)> {
        let Value::Map(map) = value else { return vec![] };
        let mut pairs: Vec<_> = map.iter().collect();
        if self.sort {
            // PyYAML leaves them as they are where they cannot be compared
            let comparable = pairs.iter().all(|(key, _)| matches!(key, Key::Text(_)))
                || pairs.iter().all(|(key, _)| matches!(key, Key::Int(_) | Key::Bool(_)));
            if comparable {
                pairs.sort_by(|a, b| a.0.cmp(b.0));
            }
        }
        pairs
    }

    fn node(&mut self, value: &Value, indent: usize, place: Place) -> Outcome<()> {
        if scalar_like(value) {
            return self.scalar(value, indent, false, place == Place::Root);
        }
        if self.is_flow(value) {
            return self.flow(value, indent + if place == Place::Root { self.indent } else { 0 });
        }
        match value {
            Value::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    if at > 0 || place == Place::Member {
                        self.line(indent);
                    }
                    self.put("-");
                    // nested lists and mappings begin on the same line, as deep as the indent says
                    let blanks = if scalar_like(item) || self.is_flow(item) { 1 } else { self.indent - 1 };
                    self.put(&" ".repeat(blanks));
                    self.node(item, indent + self.indent, Place::Item)?;
                }
            }
            _ => {
                for (at, (key, item)) in self.pairs(value).into_iter().enumerate() {
                    if at > 0 || place == Place::Member {
                        self.line(indent);
                    }
                    let name = key.to_value();
                    if name.as_str().is_some_and(|name| name.len() > 128 || name.contains('\n')) {
                        self.put("? ");
                        self.scalar(&name, indent + self.indent, false, false)?;
                        self.line(indent);
                    } else {
                        self.scalar(&name, indent, true, false)?;
                    }
                    self.put(":");
                    if scalar_like(item) || self.is_flow(item) {
                        self.put(" ");
                        self.node(item, indent + self.indent, Place::Member)?;
                    } else {
                        // a list under a key is not indented
                        let deeper = if matches!(item, Value::List(_)) { indent } else { indent + self.indent };
                        self.node(item, deeper, Place::Member)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn flow(&mut self, value: &Value, indent: usize) -> Outcome<()> {
        let (open, close) = if matches!(value, Value::List(_)) { ("[", "]") } else { ("{", "}") };
        self.put(open);
        let mut first = true;
        let mut begin = |writer: &mut Self| {
            if !std::mem::take(&mut first) {
                writer.put(",");
                if writer.column > writer.width {
                    writer.line(indent);
                } else {
                    writer.put(" ");
                }
            }
        };
        match value {
            Value::List(items) => {
                for item in items.iter() {
                    begin(self);
                    self.flow_item(item, indent)?;
                }
            }
            _ => {
                for (key, item) in self.pairs(value) {
                    begin(self);
                    self.scalar(&key.to_value(), indent, true, false)?;
                    self.put(": ");
                    self.flow_item(item, indent)?;
                }
            }
        }
        self.put(close);
        Ok(())
    }

    fn flow_item(&mut self, value: &Value, indent: usize) -> Outcome<()> {
        if scalar_like(value) { self.flow_scalar(value, indent + self.indent) } else { self.flow(value, indent + self.indent) }
    }

    fn flow_scalar(&mut self, value: &Value, indent: usize) -> Outcome<()> {
        match value {
            Value::Text(text) => {
                self.text(text, indent, false, true);
                Ok(())
            }
            other => self.scalar(other, indent, false, false),
        }
    }

    fn scalar(&mut self, value: &Value, indent: usize, key: bool, root: bool) -> Outcome<()> {
        match value {
            Value::Null => self.put("null"),
            Value::Bool(flag) => self.put(if *flag { "true" } else { "false" }),
            Value::Int(int) => self.put(&int.to_string()),
            Value::Float(float) => self.put(&float_text(*float)),
            other => {
                let text = t::python_text(other)?.into_owned();
                let indent = if root { self.indent } else { indent };
                self.text(&text, indent, key, false);
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str, indent: usize, key: bool, flow: bool) {
        if self.plain_allowed(text, flow) {
            self.plain(text, indent, key);
        } else if self.single_allowed(text) && !(key && text.contains('\n')) {
            self.single(text, indent, key);
        } else {
            self.double(text, indent, key);
        }
    }

    /// PyYAML's analysis: whether a text may stand without quotes.
    fn plain_allowed(&self, text: &str, flow: bool) -> bool {
        if text.is_empty() || scalar::resolve(text) != Value::text(text) || timestamp(text) || matches!(text, "=" | "<<") {
            return false;
        }
        if text.contains('\n') || special(text, self.unicode) {
            return false;
        }
        if text.starts_with([' ', '\t']) || text.ends_with([' ', '\t']) || text.starts_with("---") || text.starts_with("...") {
            return false;
        }
        let chars: Vec<char> = text.chars().collect();
        for (at, c) in chars.iter().enumerate() {
            let blank_after = chars.get(at + 1).is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\0'));
            let blank_before = at == 0 || matches!(chars[at - 1], ' ' | '\t' | '\n' | '\r' | '\0');
            if at == 0 {
                if "#,[]{}&*!|>'\"%@`".contains(*c) || (matches!(c, '?' | ':') && (blank_after || flow)) || (*c == '-' && blank_after) {
                    return false;
                }
            } else if (",?[]{}".contains(*c) && flow) || (*c == ':' && (flow || blank_after)) || (*c == '#' && blank_before) {
                return false;
            }
        }
        true
    }

    fn single_allowed(&self, text: &str) -> bool {
        // blanks around a line end would be lost
        !special(text, self.unicode) && !text.contains(" \n") && !text.contains("\n ")
    }

    /// Words that would pass the width go to the next line.
    fn plain(&mut self, text: &str, indent: usize, key: bool) {
        let words: Vec<&str> = text.split(' ').collect();
        for (at, word) in words.iter().enumerate() {
            if at > 0 {
                let single = !words[at - 1].is_empty() && !word.is_empty();
                if single && self.column > self.width && !key {
                    self.line(indent);
                } else {
                    self.put(" ");
                }
            }
            self.put(word);
        }
    }

    fn single(&mut self, text: &str, indent: usize, key: bool) {
        self.put("'");
        let mut chars = text.chars().peekable();
        let mut last = None;
        while let Some(c) = chars.next() {
            match c {
                ' ' => {
                    let single = last != Some(' ') && chars.peek() != Some(&' ') && last.is_some() && chars.peek().is_some();
                    if single && self.column > self.width && !key {
                        self.line(indent);
                    } else {
                        self.put(" ");
                    }
                }
                '\n' => {
                    if last != Some('\n') {
                        self.out.push('\n');
                    }
                    self.out.push('\n');
                    self.column = 0;
                    if chars.peek() != Some(&'\n') {
                        self.put(&" ".repeat(indent));
                    }
                }
                '\'' => self.put("''"),
                c => self.put(&c.to_string()),
            }
            last = Some(c);
        }
        self.put("'");
    }

    fn double(&mut self, text: &str, indent: usize, key: bool) {
        self.put("\"");
        let chars: Vec<char> = text.chars().collect();
        let mut last_blank = false;
        for (at, c) in chars.iter().enumerate() {
            let blank = *c == ' ';
            if blank && !last_blank && !key && self.column > self.width && at > 0 && at + 1 < chars.len() {
                // the line end stands for the blank
                self.line(indent);
                if chars[at + 1] == ' ' {
                    self.put("\\");
                }
            } else {
                let mut piece = String::new();
                escape(*c, self.unicode, &mut piece);
                self.put(&piece);
            }
            last_blank = blank;
        }
        self.put("\"");
    }
}

fn float_text(float: f64) -> String {
    if float.is_nan() {
        return ".nan".to_string();
    }
    if float.is_infinite() {
        return if float > 0.0 { ".inf" } else { "-.inf" }.to_string();
    }
    let text = t::python_float(float);
    // without a point PyYAML would read a text back
    if !text.contains('.') && text.contains('e') { text.replacen('e', ".0e", 1) } else { text }
}

/// Characters that need escapes.
fn special(text: &str, unicode: bool) -> bool {
    text.chars().any(|c| {
        let printable = matches!(c, '\n' | ' '..='~') || (unicode && ('\u{a0}'..='\u{fffd}').contains(&c) && c != '\u{feff}');
        !printable || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}')
    })
}

fn escape(c: char, unicode: bool, out: &mut String) {
    match c {
        '"' | '\\' => out.extend(['\\', c]),
        '\0' => out.push_str("\\0"),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\u{b}' => out.push_str("\\v"),
        '\u{c}' => out.push_str("\\f"),
        '\r' => out.push_str("\\r"),
        '\u{1b}' => out.push_str("\\e"),
        '\u{85}' => out.push_str("\\N"),
        '\u{a0}' if !unicode => out.push_str("\\_"),
        '\u{2028}' => out.push_str("\\L"),
        '\u{2029}' => out.push_str("\\P"),
        c if (' '..='~').contains(&c) || (unicode && ('\u{a0}'..='\u{fffd}').contains(&c) && c != '\u{feff}') => out.push(c),
        c if (c as u32) <= 0xff => drop(write!(out, "\\x{:02X}", c as u32)),
        c if (c as u32) <= 0xffff => drop(write!(out, "\\u{:04X}", c as u32)),
        c => drop(write!(out, "\\U{:08X}", c as u32)),
    }
}

/// What PyYAML would read as a date.
fn timestamp(text: &str) -> bool {
    static DATE: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
        regex::Regex::new(
            r"^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$",
        )
        .expect("a valid pattern")
    });
    DATE.is_match(text)
}
