//! What of a decrypted text is secret: marks its values, and veils them in the text that messages show.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use crate::text::control::undecrypted;
use crate::text::yaml::{Data, Scalar};
use crate::text::{Control, Diagnostic, Mark, Node, Result, Source, Span, Style};

/// Which parts of a text are secret.
#[derive(Debug)]
pub enum Secrets {
    None,
    All,
    These(HashSet<String>),
}

impl Secrets {
    /// The text with stars where secrets stand, byte for byte as long. `open`: places that may be shown of a text that
    /// is secret as a whole.
    pub fn veil(&self, text: &str, open: &[Range<usize>]) -> String {
        match self {
            Secrets::None => text.to_string(),
            Secrets::All => {
                let shown = |at: usize, c: char| c.is_whitespace() || open.iter().any(|range| range.contains(&at));
                text.char_indices().map(|(at, c)| if shown(at, c) { c.to_string() } else { "*".repeat(c.len_utf8()) }).collect()
            }
            // a secret of several lines stands indented in the text: each of its lines is looked for
            Secrets::These(known) => {
                let lines = known.iter().flat_map(|secret| secret.lines()).map(str::trim).filter(|line| !line.is_empty());
                lines.fold(text.to_string(), |text, line| text.replace(line, &"*".repeat(line.len())))
            }
        }
    }

    fn contains(&self, text: &str) -> bool {
        match self {
            Secrets::None => false,
            Secrets::All => !text.is_empty(),
            Secrets::These(known) => known.contains(text) || known.contains(text.trim_end_matches('\n')),
        }
    }
}

/// The places of all keys of a document.
pub fn keys(node: &Node, found: &mut Vec<Range<usize>>) {
    match &node.data {
        Data::Scalar(_) => {}
        Data::List(items) => items.iter().for_each(|item| keys(item, found)),
        Data::Map(pairs) => pairs.iter().for_each(|(key, value)| {
            // with the colon behind it
            found.push(key.span.start..key.span.end + 1);
            keys(value, found);
        }),
    }
}

/// A message about a veiled text, in its veiled form.
pub fn veiled(diagnostic: &Diagnostic, source: &Arc<Source>) -> Diagnostic {
    let place = diagnostic.span().map_or(0..0, |span| span.start..span.end);
    let plain = Diagnostic::error(diagnostic.message()).at(&source.span(place));
    diagnostic.hints().iter().fold(plain, |diagnostic, hint| diagnostic.hint(hint))
}

/// Walks a document, decrypts what is encrypted in it, marks what is secret, and gives all of it veiled places.
pub struct Marker<'a> {
    pub control: &'a dyn Control,
    pub secrets: &'a Secrets,
    /// The text as messages may show it.
    pub source: &'a Arc<Source>,
    /// Makes the tags of marks worthless to others.
    pub key: [u8; 16],
}

impl Marker<'_> {
    /// `keys`: the names on the way to the node, by which its secrets are named.
    pub fn walk(&self, node: &Node, keys: &mut Vec<String>) -> Result<Node> {
        // nothing to look for in a file without secrets but inline vaults: what has none is shared
        if matches!(self.secrets, Secrets::None) && !has_vault(node) {
            return Ok(node.clone());
        }
        let data = match &node.data {
            Data::Scalar(scalar) => return self.scalar(node, scalar, keys),
            Data::List(items) => {
                let items = items.iter().map(|item| self.walk(item, keys)).collect::<Result<Vec<Node>>>()?;
                Data::List(Arc::new(items))
            }
            Data::Map(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| {
                    keys.push(key.as_str().unwrap_or("?").to_string());
                    let value = self.walk(value, keys);
                    keys.pop();
                    Ok((Node { span: self.place(&key.span), ..key.clone() }, value?))
                });
                Data::Map(Arc::new(pairs.collect::<Result<Vec<(Node, Node)>>>()?))
            }
        };
        Ok(Node { span: self.place(&node.span), tag: node.tag.clone(), data })
    }

    fn place(&self, span: &Span) -> Span {
        self.source.span(span.start..span.end)
    }

    fn scalar(&self, node: &Node, scalar: &Scalar, keys: &[String]) -> Result<Node> {
        if is_vault(node) {
            return self.vault(node, scalar, keys);
        }
        let mut scalar = scalar.clone();
        if self.secrets.contains(&scalar.text) {
            scalar.marks.push(self.mark(&scalar.text, keys));
        }
        Ok(Node { span: self.place(&node.span), tag: node.tag.clone(), data: Data::Scalar(scalar) })
    }

    fn vault(&self, node: &Node, scalar: &Scalar, keys: &[String]) -> Result<Node> {
        let (name, span) = (keys.join("."), header(&self.place(&node.span)));
        let plain = self.control.decrypt(&self.source.name, scalar.text.as_bytes());
        let plain = plain.map_err(|said| undecrypted(&format!("the vault value of `{name}`"), &said).at(&span))?;
        let Some(plain) = plain else {
            let said = format!("the value of `{name}` is tagged `!vault` and is no vault text");
            return Err(span.error(said).hint("encrypt it with `ansible-vault encrypt_string`"));
        };
        let scalar = Scalar { text: plain.text.as_str().into(), style: Style::Double, marks: vec![self.mark(&plain.text, keys)] };
        Ok(Node { span, tag: None, data: Data::Scalar(scalar) })
    }

    fn mark(&self, text: &str, keys: &[String]) -> Arc<Mark> {
        let mark = Mark::new(format!("vars:{}", keys.join(".")), text, &self.key);
        self.control.keep_secret(&mark);
        mark
    }
}

/// A place in a ciphertext helps nobody: its first line stands for it.
fn header(span: &Span) -> Span {
    let text = span.text();
    let end = span.start + text.find('\n').unwrap_or(text.len());
    span.source.span(span.start..end)
}

fn is_vault(node: &Node) -> bool {
    matches!(node.tag.as_deref(), Some("!vault" | "!vault-encrypted"))
}

fn has_vault(node: &Node) -> bool {
    match &node.data {
        Data::Scalar(_) => is_vault(node),
        Data::List(items) => items.iter().any(has_vault),
        Data::Map(pairs) => pairs.iter().any(|(_, value)| has_vault(value)),
    }
}
