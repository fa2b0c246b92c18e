//! A file of the user's tree as nodes: read, held to its limits, decrypted, parsed. Every loader of the book goes
//! through here, so no secret comes in unmarked.

use std::sync::Arc;

use super::veil::{self, Marker, Secrets};
use super::{json, path as paths};
use crate::text::control::{Control, ControlError, undecrypted};
use crate::text::yaml::{self, MAX_BYTES};
use crate::text::{Decrypted, Diagnostic, Mark, Node, Result, Source, Value};

/// A text of the control node and what of it is secret.
pub struct Text {
    /// The text itself, decrypted. No message may show it.
    plain: Arc<Source>,
    secrets: Secrets,
}

impl Text {
    pub fn as_str(&self) -> &str {
        &self.plain.text
    }

    /// The text itself as a source, to be rendered as a template. Where it is secret, errors go through
    /// [`Text::veil_error`], and what is rendered through [`Text::mark`].
    pub fn plain(&self) -> &Arc<Source> {
        &self.plain
    }

    /// Marks a value that was made from all of this text, where it is secret.
    pub fn mark(&self, control: &dyn Control, value: Value) -> Value {
        if !self.is_secret() {
            return value;
        }
        let mut key = [0; 16];
        control.random(&mut key);
        let text = value.as_str().unwrap_or(&self.plain.text).to_string();
        let mark = Mark::new(&self.plain.name, text, &key);
        control.keep_secret(&mark);
        value.marked(vec![mark])
    }

    /// Whether the file was encrypted as a whole, or holds encrypted values.
    pub fn is_secret(&self) -> bool {
        !matches!(self.secrets, Secrets::None)
    }

    /// The text as messages may show it: stars stand for what is secret. As long as the text, line for line.
    pub fn shown(&self) -> Arc<Source> {
        self.veiled(&[])
    }

    fn veiled(&self, open: &[std::ops::Range<usize>]) -> Arc<Source> {
        match self.secrets {
            Secrets::None => self.plain.clone(),
            _ => Source::new(&self.plain.name, self.secrets.veil(&self.plain.text, open)),
        }
    }

    /// The nodes of the text, as JSON or YAML, with secrets decrypted and marked.
    pub fn node(&self, control: &dyn Control) -> Result<Node> {
        let node = match json::parse(&self.plain) {
            Some(node) => Ok(node),
            None => yaml::parse(&self.plain),
        };
        self.reveal(control, &node.map_err(|error| self.veil_error(error))?)
    }

    /// The nodes of all documents of the text.
    pub fn nodes(&self, control: &dyn Control) -> Result<Vec<Node>> {
        let nodes = yaml::parse_all(&self.plain).map_err(|error| self.veil_error(error))?;
        nodes.iter().map(|node| self.reveal(control, node)).collect()
    }

    /// The nodes, where the text is a mapping in JSON or YAML at all.
    pub fn mapping(&self, control: &dyn Control) -> Option<Result<Node>> {
        let node = json::parse(&self.plain).or_else(|| yaml::parse(&self.plain).ok())?;
        node.as_map()?;
        Some(self.reveal(control, &node))
    }

    /// A value that was read from this text by other means, marked as a variable of the given name.
    pub fn marked(&self, control: &dyn Control, name: &str, node: Node) -> Result<Node> {
        if !self.is_secret() {
            return Ok(node);
        }
        self.marker(control, &node.span.source).walk(&node, &mut vec![name.to_string()])
    }

    /// Decrypts inline vault scalars of a node of this text, marks what is secret, and veils its places.
    fn reveal(&self, control: &dyn Control, node: &Node) -> Result<Node> {
        let mut open = vec![];
        if self.is_secret() {
            veil::keys(node, &mut open);
        }
        self.marker(control, &self.veiled(&open)).walk(node, &mut vec![])
    }

    fn marker<'a>(&'a self, control: &'a dyn Control, source: &'a Arc<Source>) -> Marker<'a> {
        let mut marker = Marker { control, secrets: &self.secrets, source, key: [0; 16] };
        control.random(&mut marker.key);
        marker
    }

    /// An error about this text, without what is secret of it.
    pub fn veil_error(&self, error: Diagnostic) -> Diagnostic {
        if self.is_secret() { veil::veiled(&error, &self.shown()) } else { error }
    }
}

/// The one document of a file: what stands in it, decrypted, every secret scalar marked by the name of its variable.
pub fn document(control: &dyn Control, path: &str) -> Result<Node> {
    text(control, path)?.node(control)
}

/// All documents of a file, secrets decrypted and marked.
pub fn documents(control: &dyn Control, path: &str) -> Result<Vec<Node>> {
    text(control, path)?.nodes(control)
}

/// The text of a file, decrypted where the whole file is encrypted.
pub fn text(control: &dyn Control, path: &str) -> Result<Text> {
    let bytes = control.read(path).map_err(|error| unreadable(control, path, &error))?;
    let size = bytes.len();
    if size > MAX_BYTES {
        return Err(too_large(path, size as u64));
    }
    let decrypted = control.decrypt(path, &bytes).map_err(|said| undecrypted(&format!("`{path}`"), &said))?;
    if let Some(Decrypted { text, secrets }) = decrypted {
        let secrets = secrets.map_or(Secrets::All, |list| Secrets::These(list.into_iter().collect()));
        return Ok(Text { plain: Source::new(path, text), secrets });
    }
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))?;
    let text = text.strip_prefix('\u{feff}').map(String::from).unwrap_or(text);
    Ok(Text { plain: Source::new(path, text), secrets: Secrets::None })
}

/// A text that stands in no file: an argument of the command line, the output of a program.
pub fn inline(name: &str, text: &str) -> Text {
    Text { plain: Source::new(name, text), secrets: Secrets::None }
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
    fn no_message_shows_a_decrypted_text() {
        let control = MemoryControl::new([("a.yml", "cipher a"), ("b.yml", "cipher b"), ("c.yml", "cipher c")])
            .decrypts("cipher a", Decrypted { text: "a: hunter2\nb: [hunter3\n".into(), secrets: None })
            .decrypts("cipher b", Decrypted { text: "user: bob\npassword: hunter2\n".into(), secrets: Some(vec!["hunter2".into()]) })
            .decrypts("cipher c", Decrypted { text: "password: hunter2\n".into(), secrets: None });
        let broken = document(&control, "a.yml").expect_err("an error").render(false);
        assert!(!broken.contains("hunter") && broken.contains("a.yml:"), "{broken}");
        let sops = document(&control, "b.yml").expect("a document").error("x").render(false);
        assert!(sops.contains("user: bob") && !sops.contains("hunter"), "{sops}");
        let vault = document(&control, "c.yml").expect("a document");
        let password = vault.get("password").expect("a password");
        assert_eq!((password.as_str(), password.span.text()), (Some("hunter2"), "*******"));
        assert!(password.error("x").render(false).contains("password: *******"));
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
