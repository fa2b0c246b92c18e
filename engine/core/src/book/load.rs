//! A file of the user's tree as nodes: read, held to its limits, decrypted, parsed. Every loader of the book goes
//! through here, so no secret comes in unmarked.

use std::collections::HashSet;
use std::sync::Arc;

use super::{json, path as paths};
use crate::text::control::{Control, ControlError};
use crate::text::yaml::{self, Data, MAX_BYTES, Scalar};
use crate::text::{Decrypted, Diagnostic, Mark, Node, Result, Source, Span, Style};

/// A text of the control node and what of it is secret.
pub struct Text {
    pub source: Arc<Source>,
    secrets: Secrets,
}

enum Secrets {
    None,
    All,
    These(HashSet<String>),
}

impl Text {
    /// Whether the file was encrypted as a whole, or holds encrypted values.
    pub fn is_secret(&self) -> bool {
        !matches!(self.secrets, Secrets::None)
    }

    /// The nodes of the text, as JSON or YAML, with secrets decrypted and marked.
    pub fn node(&self, control: &dyn Control) -> Result<Node> {
        let node = match json::parse(&self.source) {
            Some(node) => node,
            None => yaml::parse(&self.source)?,
        };
        self.reveal(control, &node)
    }

    /// Decrypts inline vault scalars of a node of this text and marks what is secret.
    pub fn reveal(&self, control: &dyn Control, node: &Node) -> Result<Node> {
        let mut marker = Marker { control, key: [0; 16], secrets: &self.secrets, path: &self.source.name };
        control.random(&mut marker.key);
        marker.walk(node, &mut vec![])
    }
}

/// The one document of a file: what stands in it, decrypted, every secret scalar marked by the name of its variable.
pub fn document(control: &dyn Control, path: &str) -> Result<Node> {
    text(control, path)?.node(control)
}

/// All documents of a file, secrets decrypted and marked.
pub fn documents(control: &dyn Control, path: &str) -> Result<Vec<Node>> {
    let text = text(control, path)?;
    yaml::parse_all(&text.source)?.iter().map(|node| text.reveal(control, node)).collect()
}

/// The text of a file, decrypted where the whole file is encrypted.
pub fn text(control: &dyn Control, path: &str) -> Result<Text> {
    let bytes = control.read(path).map_err(|error| unreadable(control, path, &error))?;
    let size = bytes.len();
    if size > MAX_BYTES {
        return Err(too_large(path, size as u64));
    }
    let decrypted = control.decrypt(path, &bytes).map_err(|said| Diagnostic::error(format!("`{path}` cannot be decrypted: {said}")))?;
    if let Some(Decrypted { text, secrets }) = decrypted {
        let secrets = secrets.map_or(Secrets::All, |list| Secrets::These(list.into_iter().collect()));
        return Ok(Text { source: Source::new(path, text), secrets });
    }
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))?;
    let text = text.strip_prefix('\u{feff}').map(String::from).unwrap_or(text);
    Ok(Text { source: Source::new(path, text), secrets: Secrets::None })
}

/// A text that stands in no file: an argument of the command line, the output of a program.
pub fn inline(name: &str, text: &str) -> Text {
    Text { source: Source::new(name, text), secrets: Secrets::None }
}

fn not_utf8(path: &str, error: &std::string::FromUtf8Error) -> Diagnostic {
    let at = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    let line = bytes[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
    let byte = bytes.get(at).copied().unwrap_or_default();
    Diagnostic::error(format!("`{path}` is not UTF-8: byte 0x{byte:02x} at position {at}, in line {line}"))
        .hint("save the file as UTF-8, for example with `iconv -f latin1 -t utf-8`")
}

fn too_large(path: &str, size: u64) -> Diagnostic {
    let (size, limit) = (size >> 20, MAX_BYTES >> 20);
    Diagnostic::error(format!("`{path}` has {size} MiB; a file that is read as a whole may have {limit}"))
}

/// Why a file could not be read, with the neighbour that may have been meant.
pub fn unreadable(control: &dyn Control, path: &str, error: &ControlError) -> Diagnostic {
    match error {
        ControlError::TooLarge(size) => too_large(path, *size),
        ControlError::WrongKind => Diagnostic::error(format!("`{path}` is a folder where a file was expected")),
        ControlError::Other(said) => Diagnostic::error(format!("`{path}` cannot be read: {said}")),
        ControlError::NotFound => {
            let folder = paths::parent(path);
            match control.list(folder) {
                Err(_) => Diagnostic::error(format!("no file `{path}`: there is no folder `{folder}`")),
                Ok(names) => {
                    let known: Vec<String> = names.iter().map(|name| paths::join(folder, name)).collect();
                    Diagnostic::error(format!("no file `{path}`")).meant(path, known.iter().map(String::as_str))
                }
            }
        }
    }
}

/// Walks a document, decrypts what is encrypted in it, and marks what is secret.
struct Marker<'a> {
    control: &'a dyn Control,
    key: [u8; 16],
    secrets: &'a Secrets,
    path: &'a str,
}

impl Marker<'_> {
    fn walk(&self, node: &Node, keys: &mut Vec<String>) -> Result<Node> {
        let data = match &node.data {
            Data::Scalar(scalar) => return self.scalar(node, scalar, keys),
            // nothing to look for in a file without secrets but inline vaults: share what has none
            _ if matches!(self.secrets, Secrets::None) && !has_vault(node) => return Ok(node.clone()),
            Data::List(items) => {
                let items = items.iter().map(|item| self.walk(item, keys)).collect::<Result<Vec<Node>>>()?;
                Data::List(Arc::new(items))
            }
            Data::Map(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| {
                    keys.push(key.as_str().unwrap_or("?").to_string());
                    let value = self.walk(value, keys);
                    keys.pop();
                    Ok((key.clone(), value?))
                });
                Data::Map(Arc::new(pairs.collect::<Result<Vec<(Node, Node)>>>()?))
            }
        };
        Ok(Node { span: node.span.clone(), tag: node.tag.clone(), data })
    }

    fn scalar(&self, node: &Node, scalar: &Scalar, keys: &[String]) -> Result<Node> {
        if is_vault(node) {
            return self.vault(node, scalar, keys);
        }
        let secret = match self.secrets {
            Secrets::None => false,
            Secrets::All => !scalar.text.is_empty(),
            Secrets::These(known) => known.contains(&*scalar.text) || known.contains(scalar.text.trim_end_matches('\n')),
        };
        if !secret {
            return Ok(node.clone());
        }
        let mut scalar = scalar.clone();
        scalar.marks.push(self.mark(&scalar.text, keys));
        Ok(Node { span: node.span.clone(), tag: node.tag.clone(), data: Data::Scalar(scalar) })
    }

    fn vault(&self, node: &Node, scalar: &Scalar, keys: &[String]) -> Result<Node> {
        let name = keys.join(".");
        let plain = self.control.decrypt(self.path, scalar.text.as_bytes());
        let plain = plain.map_err(|said| node.error(format!("the vault value of `{name}` cannot be decrypted: {said}")))?;
        let Some(plain) = plain else {
            return Err(node.error(format!("the value of `{name}` is tagged `!vault` and is no vault text")).hint("encrypt it with `ansible-vault encrypt_string`"));
        };
        let scalar = Scalar { text: plain.text.as_str().into(), style: Style::Double, marks: vec![self.mark(&plain.text, keys)] };
        Ok(Node { span: header(&node.span), tag: None, data: Data::Scalar(scalar) })
    }

    fn mark(&self, text: &str, keys: &[String]) -> Arc<Mark> {
        Mark::new(format!("vars:{}", keys.join(".")), text, &self.key)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::MemoryControl;

    fn marks(node: &Node) -> Vec<String> {
        node.as_scalar().map(|scalar| scalar.marks.iter().map(|mark| mark.name.clone()).collect()).unwrap_or_default()
    }

    #[test]
    fn inline_vault_values_are_decrypted_and_marked() {
        let decrypted = Decrypted { text: "s3cret".into(), secrets: None };
        let control = MemoryControl::new([("v.yml", "plain: x\ndb:\n  password: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    6162\n")])
            .decrypts("$ANSIBLE_VAULT;1.1;AES256\n6162", decrypted);
        let node = document(&control, "v.yml").expect("a document");
        let password = node.get("db").and_then(|db| db.get("password")).expect("a password");
        assert_eq!((password.as_str(), marks(password)), (Some("s3cret"), vec!["vars:db.password".to_string()]));
        assert_eq!(marks(node.get("plain").expect("plain")), Vec::<String>::new());
    }

    #[test]
    fn whole_vaults_are_marked_all_over_and_sops_files_where_they_are_secret() {
        let control = MemoryControl::new([("a.yml", "$ANSIBLE_VAULT;1.1;AES256\n00"), ("b.yml", "cipher")])
            .decrypts("$ANSIBLE_VAULT;1.1;AES256\n00", Decrypted { text: "a: x\nb: [1]\n".into(), secrets: None })
            .decrypts("cipher", Decrypted { text: "a: x\nb: open\n".into(), secrets: Some(vec!["x".into()]) });
        let node = document(&control, "a.yml").expect("a document");
        assert_eq!(marks(node.get("a").expect("a")), ["vars:a"]);
        assert_eq!(marks(&node.get("b").and_then(Node::as_list).expect("b")[0]), ["vars:b"]);
        let node = document(&control, "b.yml").expect("a document");
        assert_eq!((marks(node.get("a").expect("a")).len(), marks(node.get("b").expect("b")).len()), (1, 0));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let control = MemoryControl::new([("vars/main.yml", &b"a: 1"[..]), ("latin.yml", b"a: 1\nb: caf\xe9\n")]);
        let message = |path| document(&control, path).expect_err("an error").render(false);
        assert!(message("vars/mian.yml").contains("did you mean `vars/main.yml`?"));
        assert!(message("nowhere/main.yml").contains("there is no folder `nowhere`"));
        assert!(message("vars").contains("is a folder"));
        assert!(message("latin.yml").contains("byte 0xe9 at position 11, in line 2"));
        let large = MemoryControl::new([("x.yml", vec![b' '; MAX_BYTES + 1])]);
        assert!(document(&large, "x.yml").expect_err("an error").message().contains("16 MiB"));
    }
}
