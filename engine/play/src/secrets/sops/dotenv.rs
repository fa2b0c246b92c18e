//! The leaves of a dotenv file: `KEY=value` a line, with `\n` for a line end in a value.

use super::SecretError;
use super::cipher::{Kind, Plain};
use super::leaf::{Leaf, Scalar, Sheet, Step};
use super::splice::Edit;
use zeroize::Zeroizing;

const METADATA: &str = "sops_";

pub(super) fn read(text: &str) -> Result<Sheet, SecretError> {
    let mut sheet = Sheet::default();
    let mut start = 0;
    for (number, line) in text.split('\n').enumerate() {
        let end = start + line.len();
        if !line.is_empty() && !line.starts_with('#') {
            let Some((key, value)) = line.split_once('=') else {
                return Err(SecretError::Syntax { line: number + 1, reason: "a line without `=`".into() });
            };
            let value = value.replace("\\n", "\n");
            match key.strip_prefix(METADATA) {
                Some(name) => {
                    sheet.metadata.insert(flat(name), value);
                    sheet.removed.push(Edit::remove(start..end));
                }
                None => sheet.leaves.push(Leaf {
                    path: vec![Step::Key(key.into())],
                    at: start + key.len() + 1..end,
                    value: Scalar::Text(value),
                }),
            }
        }
        start = end + 1;
    }
    Ok(sheet)
}

/// `age__list_0__map_enc` is what other formats call `age.0.enc`.
pub(super) fn flat(name: &str) -> String {
    name.replace("__list_", ".").replace("__map_", ".")
}

pub(super) fn written(plain: &Plain) -> Zeroizing<String> {
    let text = Zeroizing::new(String::from_utf8_lossy(&plain.bytes).into_owned());
    match plain.kind {
        Kind::Bool => Zeroizing::new(text.to_ascii_lowercase()),
        _ => Zeroizing::new(text.replace('\n', "\\n")),
    }
}
