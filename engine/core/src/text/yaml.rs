//! YAML with the place of every node. Refuses what a playbook cannot mean: duplicate keys, tabs, bombs.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle};

use super::diagnostic::{Diagnostic, Result};
use super::scalar;
use super::source::{Source, Span};
use super::value::{Key, Map, Mark, Value};

/// A text of over this many bytes is no playbook.
pub const MAX_BYTES: usize = 16 << 20;
/// Nodes that aliases may multiply a document to.
const MAX_NODES: usize = 4_000_000;
const MAX_DEPTH: usize = 128;

/// A node and its place. Cheap to clone.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    pub span: Span,
    /// A local tag such as `!vault` or `!unsafe`, with its exclamation mark.
    pub tag: Option<Arc<str>>,
    pub data: Data,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Data {
    Scalar(Scalar),
    List(Arc<Vec<Node>>),
    Map(Arc<Vec<(Node, Node)>>),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Scalar {
    pub text: Arc<str>,
    pub style: Style,
    /// Secrets that the text is made of (from vault or SOPS).
    pub marks: Vec<Arc<Mark>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    Plain,
    Single,
    Double,
    Literal,
    Folded,
}

/// All documents of a text.
pub fn parse_all(source: &Arc<Source>) -> Result<Vec<Node>> {
    if source.text.len() > MAX_BYTES {
        let size = source.text.len() >> 20;
        return Err(source.span(0..0).error(format!("the file has {size} MiB; a YAML file may have {}", MAX_BYTES >> 20)));
    }
    Builder::new(source).documents()
}

/// The one document of a text; an empty text is null.
pub fn parse(source: &Arc<Source>) -> Result<Node> {
    let mut documents = parse_all(source)?;
    if documents.len() > 1 {
        return Err(documents[1].span.error("a second document where one was expected").hint("split the file, or remove the `---`"));
    }
    Ok(documents.pop().unwrap_or_else(|| Node::plain(source.span(0..0), "")))
}

impl Node {
    pub fn plain(span: Span, text: &str) -> Node {
        Node::scalar(span, text, Style::Plain)
    }

    pub fn quoted(span: Span, text: &str) -> Node {
        Node::scalar(span, text, Style::Double)
    }

    fn scalar(span: Span, text: &str, style: Style) -> Node {
        Node { span, tag: None, data: Data::Scalar(Scalar { text: text.into(), style, marks: vec![] }) }
    }

    /// The text of a scalar, whatever it would resolve to.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.data {
            Data::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.data {
            Data::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&[(Node, Node)]> {
        match &self.data {
            Data::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(&self.data, Data::Scalar(scalar) if self.tag.is_none() && scalar.style == Style::Plain && scalar::resolve(&scalar.text) == Value::Null)
    }

    /// The value of a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|(k, _)| k.as_str() == Some(key)).map(|(_, value)| value)
    }

    pub fn error(&self, message: impl Into<String>) -> Diagnostic {
        self.span.error(message)
    }

    /// The value without any templating.
    pub fn to_value(&self) -> Value {
        match &self.data {
            Data::Scalar(scalar) => self.scalar_value(scalar).marked(scalar.marks.clone()),
            Data::List(items) => Value::list(items.iter().map(Node::to_value)),
            Data::Map(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| (key.to_key(), value.to_value()));
                Value::Map(Arc::new(pairs.collect::<Map>()))
            }
        }
    }

    /// A scalar's value by its style and tag.
    pub fn scalar_value(&self, scalar: &Scalar) -> Value {
        let plain = scalar.style == Style::Plain && !matches!(self.tag.as_deref(), Some("!!str" | "!unsafe" | "!vault"));
        if plain { scalar::resolve(&scalar.text) } else { Value::Text(scalar.text.clone()) }
    }

    /// The key that this node is; a list or mapping as key is its text.
    pub fn to_key(&self) -> Key {
        Key::from_value(&self.to_value()).unwrap_or_else(|| Key::from(self.as_str().unwrap_or_default()))
    }

    /// This mapping with what only the other one has, mapping by mapping all the way down; anything else is as it is here.
    pub fn over(&self, under: &Node) -> Node {
        let (Data::Map(mine), Data::Map(theirs)) = (&self.data, &under.data) else { return self.clone() };
        let mut pairs = theirs.to_vec();
        for (key, value) in mine.iter() {
            match pairs.iter_mut().find(|(have, _)| have.to_key() == key.to_key()) {
                Some((_, had)) => *had = value.over(had),
                None => pairs.push((key.clone(), value.clone())),
            }
        }
        Node { span: self.span.clone(), tag: self.tag.clone(), data: Data::Map(Arc::new(pairs)) }
    }

    /// The name of what it is, as a user of YAML would say it.
    pub fn type_name(&self) -> &'static str {
        match &self.data {
            Data::Scalar(scalar) => self.scalar_value(scalar).type_name(),
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
        }
    }

    /// The place of a part of a scalar's text: bytes `start..end` of what it means, found again in how it is written.
    pub fn place(&self, start: usize, end: usize) -> Span {
        let Data::Scalar(scalar) = &self.data else { return self.span.clone() };
        let found = match scalar.style {
            Style::Literal => place_in_block(&self.span, &scalar.text, start),
            _ => place_in_flow(&self.span, &scalar.text, start),
        };
        match found {
            Some(at) => self.span.source.span(at..(at + end.saturating_sub(start)).min(self.span.source.text.len())),
            None => self.span.clone(),
        }
    }
}

/// A literal block keeps its lines; each is indented by the same number of blanks.
fn place_in_block(span: &Span, text: &str, start: usize) -> Option<usize> {
    let source = &span.source.text;
    let header = span.start.min(source.len());
    let before = text.get(..start)?;
    let (line, column) = (before.matches('\n').count(), before.len() - before.rfind('\n').map_or(0, |at| at + 1));
    let shown = source.get(header..).filter(|rest| rest.starts_with(['|', '>']));
    let mut at =
        if shown.is_some() { header + source[header..].find('\n')? + 1 } else { source[..header].rfind('\n').map_or(0, |at| at + 1) };
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    let raw = source[at..].lines().find(|line| !line.trim().is_empty())?;
    let indent = raw.find(first)?;
    for _ in 0..line {
        at += source[at..].find('\n')? + 1;
    }
    Some(at + indent + column)
}

/// Other styles: what is written is walked beside what it means, over escapes, quotes and folded line ends.
fn place_in_flow(span: &Span, text: &str, start: usize) -> Option<usize> {
    let written = span.source.text.get(span.start..)?;
    let mut raw = written.char_indices().peekable();
    for meant in text.get(..start)?.chars() {
        loop {
            let (_, c) = raw.next()?;
            if c == meant || (meant == ' ' && c == '\n') {
                break;
            }
        }
    }
    // the quote that opens, or blanks of a folded line
    let wanted = text[start..].chars().next();
    let at = raw.find(|(_, c)| Some(*c) == wanted || wanted.is_none())?.0;
    Some(span.start + at)
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Arc<Source>) -> Builder<'a> {
        Builder { source, parser: Parser::new_from_str(&source.text), anchors: HashMap::new(), nodes: 0 }
    }

    fn documents(&mut self) -> Result<Vec<Node>> {
        let mut documents = vec![];
        loop {
            match self.next()? {
                None | Some((Event::StreamEnd, _)) => return Ok(documents),
                Some((Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _)) => {}
                Some((event, span)) => documents.push(self.node(event, span, 0)?),
            }
        }
    }

    /// The next event that is data.
    fn next(&mut self) -> Result<Option<(Event<'a>, granit_parser::Span)>> {
        loop {
            return match self.parser.next_event() {
                None => Ok(None),
                Some(Ok((Event::Comment(..), _))) => continue,
                Some(Ok(event)) => Ok(Some(event)),
                Some(Err(error)) => Err(self.syntax(&error)),
            };
        }
    }

    fn syntax(&self, error: &granit_parser::ScanError) -> Diagnostic {
        let at = self.offset(error.marker());
        let text = &self.source.text;
        let tail = text.get(at..).unwrap_or("");
        let line = text[..at].rfind('\n').map_or(0, |at| at + 1);
        let tab = text[line..].lines().next().and_then(|first| {
            let blank = first.len() - first.trim_start().len();
            first[..blank].find('\t')
        });
        if let Some(tab) = tab {
            let span = self.source.span(line + tab..line + tab + 1);
            return span.error("a tab in the indentation").hint("YAML is indented with blanks only; replace the tab with blanks");
        }
        let span = self.source.span(at..at + tail.chars().next().map_or(0, char::len_utf8));
        let said = error.info();
        let (what, hint) = plainly(&said);
        let diagnostic = span.error(format!("this is not YAML: {what}"));
        if tail.starts_with("{{") || tail.starts_with('%') || text[line..at].contains("{{") {
            return diagnostic.hint("a value that begins with `{{` must be quoted: \"{{ … }}\"");
        }
        if hint.is_empty() { diagnostic } else { diagnostic.hint(hint) }
    }

    fn offset(&self, marker: &granit_parser::Marker) -> usize {
        marker
            .byte_offset()
            .unwrap_or_else(|| self.source.text.char_indices().nth(marker.index()).map_or(self.source.text.len(), |(at, _)| at))
    }

    fn span(&self, span: &granit_parser::Span) -> Span {
        self.source.span(self.offset(&span.start)..self.offset(&span.end))
    }

    fn node(&mut self, event: Event<'a>, span: granit_parser::Span, depth: usize) -> Result<Node> {
        self.count(1, &span)?;
        if depth > MAX_DEPTH {
            return Err(self.span(&span).error(format!("nested over {MAX_DEPTH} levels deep")));
        }
        let (anchor, tag) = (event.anchor_id(), event.tag().map(|tag| Arc::from(short_tag(tag))));
        let before = self.nodes;
        let node = match event {
            Event::Alias(id) => return self.alias(id, &span),
            Event::Scalar(text, style, ..) => {
                let style = match style {
                    ScalarStyle::SingleQuoted => Style::Single,
                    ScalarStyle::DoubleQuoted => Style::Double,
                    ScalarStyle::Literal => Style::Literal,
                    ScalarStyle::Folded => Style::Folded,
                    _ => Style::Plain,
                };
                let scalar = Scalar { text: Arc::from(&*text), style, marks: vec![] };
                Node { span: self.span(&span), tag, data: Data::Scalar(scalar) }
            }
            Event::SequenceStart(..) => self.list(&span, tag, depth)?,
            Event::MappingStart(..) => self.map(&span, tag, depth)?,
            _ => return Err(self.span(&span).error("this is not YAML: a value is missing")),
        };
        if let Some(id) = anchor {
            self.anchors.insert(id, (node.clone(), self.nodes - before + 1));
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, span: &granit_parser::Span) -> Result<Node> {
        let Some((node, size)) = self.anchors.get(&id).cloned() else {
            return Err(self.span(span).error("an alias inside the very thing that it names"));
        };
        self.count(size, span)?;
        Ok(node)
    }

    /// Aliases of aliases multiply: the number of nodes they stand for is held, not only that of those written.
    fn count(&mut self, more: usize, span: &granit_parser::Span) -> Result<()> {
        self.nodes += more;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        Err(self.span(span).error(format!("aliases blow this file up to over {MAX_NODES} nodes")).hint("write out less, or use variables"))
    }

    fn list(&mut self, start: &granit_parser::Span, tag: Option<Arc<str>>, depth: usize) -> Result<Node> {
        let mut items = vec![];
        loop {
            match self.next()? {
                Some((Event::SequenceEnd, end)) => {
                    return Ok(Node { span: self.whole(start, &end), tag, data: Data::List(Arc::new(items)) });
                }
                Some((event, span)) => items.push(self.node(event, span, depth + 1)?),
                None => return Err(self.span(start).error("this list has no end")),
            }
        }
    }

    fn map(&mut self, start: &granit_parser::Span, tag: Option<Arc<str>>, depth: usize) -> Result<Node> {
        let (mut pairs, mut merged) = (vec![], vec![]);
        let mut seen: HashMap<Key, Span> = HashMap::new();
        loop {
            match self.next()? {
                Some((Event::MappingEnd, end)) => {
                    merge(&mut pairs, merged)?;
                    return Ok(Node { span: self.whole(start, &end), tag, data: Data::Map(Arc::new(pairs)) });
                }
                Some((event, span)) => {
                    let key = self.node(event, span, depth + 1)?;
                    let Some((event, span)) = self.next()? else { return Err(key.error("this key has no value")) };
                    let value = self.node(event, span, depth + 1)?;
                    if key.as_scalar().is_none() {
                        return Err(key
                            .error("a list or mapping cannot be a key")
                            .hint("a value that begins with `{{` must be quoted: \"{{ … }}\""));
                    }
                    if is_merge(&key) {
                        merged.push(value);
                        continue;
                    }
                    if let Some(first) = seen.insert(key.to_key(), key.span.clone()) {
                        let name = key.as_str().unwrap_or("?").to_string();
                        return Err(key
                            .error(format!("the key `{name}` stands here twice"))
                            .also(first, "first here")
                            .hint("keep one of the two"));
                    }
                    pairs.push((key, value));
                }
                None => return Err(self.span(start).error("this mapping has no end")),
            }
        }
    }

    /// From the first key or item to the end; a block's end is where the next thing begins, so blanks are left out.
    fn whole(&self, start: &granit_parser::Span, end: &granit_parser::Span) -> Span {
        let (from, to) = (self.offset(&start.start), self.offset(&end.end));
        let text = self.source.text.get(from..to).unwrap_or("");
        self.source.span(from..from + text.trim_end().len())
    }
}

/// What the parser says, in words of who writes YAML, and what may have been meant.
fn plainly(said: &str) -> (&str, &'static str) {
    match said {
        _ if said.contains("mapping values are not allowed") => {
            ("a second `: ` where one text stands", "quote a text that holds `: `, and look at how the lines are indented")
        }
        _ if said.contains("multiline quoted scalar") => ("the quoted text above goes on into this line", "is a closing quote missing?"),
        _ if said.contains("implicit flow mapping") => ("a comma too many, or a value too few, between these brackets", ""),
        _ if said.contains("unknown anchor") => ("no `&` before it gave this name", ""),
        _ if said.contains("recursion limit") => ("brackets stand too deep in each other", ""),
        _ => (said, ""),
    }
}

fn is_merge(key: &Node) -> bool {
    matches!(&key.data, Data::Scalar(scalar) if scalar.style == Style::Plain && &*scalar.text == "<<")
}

/// https://yaml.org/type/merge.html: keys written here win, then the earlier of several merged mappings.
fn merge(pairs: &mut Vec<(Node, Node)>, merged: Vec<Node>) -> Result<()> {
    for node in merged {
        let maps = match &node.data {
            Data::Map(_) => vec![node.clone()],
            Data::List(items) => items.to_vec(),
            Data::Scalar(_) => return Err(node.error("`<<` takes a mapping or a list of mappings")),
        };
        for map in maps {
            let Some(more) = map.as_map() else { return Err(map.error("`<<` takes a mapping or a list of mappings")) };
            for (key, value) in more {
                if !pairs.iter().any(|(have, _)| have.to_key() == key.to_key()) {
                    pairs.push((key.clone(), value.clone()));
                }
            }
        }
    }
    Ok(())
}

fn short_tag(tag: &granit_parser::Tag) -> String {
    match tag.core_suffix() {
        Some(suffix) => format!("!!{suffix}"),
        None => tag.original(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        parse(&Source::new("x.yml", text)).map(|node| node.to_value()).unwrap_or_else(|e| panic!("{}", e.render(false)))
    }

    fn error(text: &str) -> String {
        parse(&Source::new("x.yml", text)).expect_err("an error").render(false)
    }

    #[test]
    fn merge_keys_and_anchors() {
        let merged = value("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n");
        assert_eq!(merged.get("b").and_then(|b| b.get("y")), Some(&Value::Int(3)));
        assert_eq!(merged.get("b").and_then(|b| b.get("x")), Some(&Value::Int(1)));
    }

    #[test]
    fn mappings_lie_over_mappings() {
        let node = |text: &str| parse(&Source::new("x.yml", text)).expect("yaml");
        let over = node("{a: {x: 1, l: [1]}, b: 2}").over(&node("{a: {y: 3, l: [2, 3]}, b: {c: 1}, d: 4}"));
        assert_eq!(over.to_value(), node("{a: {y: 3, l: [1], x: 1}, b: 2, d: 4}").to_value());
    }

    #[test]
    fn a_part_of_a_block_scalar_has_its_place() {
        let source = Source::new("x.yml", "a:\n  shell: |\n    one\n      two {{ bad }}\n  b: \"x \\\" {{ y }}\"\n");
        let node = parse(&source).expect("yaml");
        let shell = node.get("a").and_then(|a| a.get("shell")).expect("shell");
        let at = shell.as_str().and_then(|text| text.find("bad")).expect("bad");
        assert_eq!(shell.place(at, at + 3).text(), "bad");
        let b = node.get("a").and_then(|a| a.get("b")).expect("b");
        let at = b.as_str().and_then(|text| text.find("{{")).expect("braces");
        assert_eq!(b.place(at, at + 2).text(), "{{");
    }

    #[test]
    fn what_is_no_playbook_is_refused() {
        assert!(error("a: 1\nb: 2\na: 3\n").contains("the key `a` stands here twice"));
        assert!(error("a:\n\tb: 1\n").contains("a tab in the indentation"));
        let bomb = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_string(), |text, n| {
            text + &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(","))
        });
        assert!(error(&bomb).contains("aliases blow this file up"));
        assert!(error("a: {{ b }}\n").contains("must be quoted"));
    }
}
