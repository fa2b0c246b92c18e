//! The `sops` part of a file: for whom it is encrypted, which values are, and its MAC.

use super::SecretError;
use super::leaf::Sheet;
use regex::Regex;
use std::collections::BTreeMap;

const DEFAULT_UNENCRYPTED_SUFFIX: &str = "_unencrypted";

pub(super) struct Metadata {
    pub recipients: Vec<Recipient>,
    pub rule: Rule,
    pub mac: String,
    pub mac_only_encrypted: bool,
    /// As Go formats it: this authenticates the MAC.
    pub last_modified: String,
}

/// An age recipient and the data key for it.
pub(super) struct Recipient {
    pub name: String,
    pub sealed_key: String,
}

/// Which values are encrypted. A file has one such rule.
pub(super) enum Rule {
    AllBut(Matcher),
    Only(Matcher),
    /// By the comments above a value. What is encrypted is then told by how it looks; the MAC catches the rest.
    Comments,
}

pub(super) enum Matcher {
    Suffix(String),
    Pattern(Regex),
}

impl Matcher {
    fn matches(&self, key: &str) -> bool {
        match self {
            Self::Suffix(suffix) => key.ends_with(suffix.as_str()),
            Self::Pattern(pattern) => pattern.is_match(key),
        }
    }
}

impl Rule {
    /// Whether a value below these keys is encrypted; `None` where the keys do not tell.
    pub(super) fn encrypts<'a>(&self, mut keys: impl Iterator<Item = &'a str>) -> Option<bool> {
        match self {
            Self::AllBut(matcher) => Some(!keys.any(|key| matcher.matches(key))),
            Self::Only(matcher) => Some(keys.any(|key| matcher.matches(key))),
            Self::Comments => None,
        }
    }
}

impl Metadata {
    pub(super) fn is_in(sheet: &Sheet) -> bool {
        ["mac", "lastmodified", "version"].iter().any(|name| sheet.metadata.contains_key(*name))
    }

    pub(super) fn from_entries(entries: &BTreeMap<String, String>) -> Result<Self, SecretError> {
        if entries.is_empty() {
            return Err(SecretError::NotSops);
        }
        let entry = |name: &str| entries.get(name).cloned().unwrap_or_default();
        let last_modified = entry("lastmodified");
        if last_modified.is_empty() {
            return Err(damaged("`lastmodified` is missing"));
        }
        Ok(Self {
            recipients: recipients(entries)?,
            rule: rule(entries)?,
            mac: entry("mac"),
            mac_only_encrypted: matches!(entry("mac_only_encrypted").as_str(), "true" | "True" | "1"),
            last_modified: as_go_formats(&last_modified),
        })
    }
}

fn damaged(what: &str) -> SecretError {
    SecretError::SopsMetadata { what: what.into() }
}

fn rule(entries: &BTreeMap<String, String>) -> Result<Rule, SecretError> {
    let named = |name: &str| entries.get(name).filter(|text| !text.is_empty());
    let suffix = |name: &str| named(name).map(|text| Ok(Matcher::Suffix(text.clone())));
    let pattern = |name: &str| {
        let compiled = |text: &String| Regex::new(text).map_err(|_| damaged(&format!("`{name}` is no regular expression")));
        named(name).map(|text| compiled(text).map(Matcher::Pattern))
    };
    let comments = ["encrypted_comment_regex", "unencrypted_comment_regex"];
    let mut rules = Vec::new();
    rules.extend(suffix("unencrypted_suffix").map(|m| m.map(Rule::AllBut)));
    rules.extend(suffix("encrypted_suffix").map(|m| m.map(Rule::Only)));
    rules.extend(pattern("unencrypted_regex").map(|m| m.map(Rule::AllBut)));
    rules.extend(pattern("encrypted_regex").map(|m| m.map(Rule::Only)));
    rules.extend(comments.iter().filter_map(|name| named(name)).map(|_| Ok(Rule::Comments)));
    match rules.len() {
        0 => Ok(Rule::AllBut(Matcher::Suffix(DEFAULT_UNENCRYPTED_SUFFIX.into()))),
        1 => rules.remove(0),
        _ => Err(damaged("it has more than one rule for what is encrypted")),
    }
}

fn recipients(entries: &BTreeMap<String, String>) -> Result<Vec<Recipient>, SecretError> {
    let group = "key_groups.";
    let groups = entries.keys().filter_map(|key| key.strip_prefix(group)?.split('.').next()?.parse::<usize>().ok());
    let prefix = match groups.max() {
        None => "",
        Some(0) => "key_groups.0.",
        Some(last) => return Err(SecretError::KeyGroups { groups: last + 1 }),
    };
    let entry = |index: usize, name: &str| entries.get(&format!("{prefix}age.{index}.{name}"));
    let mut recipients = Vec::new();
    while let Some(sealed_key) = entry(recipients.len(), "enc") {
        let name = entry(recipients.len(), "recipient").cloned().unwrap_or_else(|| "unnamed".into());
        recipients.push(Recipient { name, sealed_key: sealed_key.clone() });
    }
    if recipients.is_empty() {
        let kinds = ["pgp", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault"];
        let used = |kind: &&str| entries.keys().any(|key| key.starts_with(&format!("{prefix}{kind}.")));
        return Err(SecretError::NoAgeRecipient { kinds: kinds.into_iter().filter(used).collect() });
    }
    Ok(recipients)
}

/// Go reads the time and writes it again: without parts of a second, and with `Z` for no offset.
fn as_go_formats(time: &str) -> String {
    let (date, rest) = time.split_at_checked(19).unwrap_or((time, ""));
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let zone = if matches!(zone, "+00:00" | "-00:00") { "Z" } else { zone };
    format!("{date}{zone}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_go_writes_it() {
        for (read, written) in [
            ("2026-05-22T20:15:58Z", "2026-05-22T20:15:58Z"),
            ("2026-05-22T20:15:58.123Z", "2026-05-22T20:15:58Z"),
            ("2026-05-22T20:15:58+00:00", "2026-05-22T20:15:58Z"),
            ("2026-05-22T20:15:58.5+02:00", "2026-05-22T20:15:58+02:00"),
        ] {
            assert_eq!(as_go_formats(read), written);
        }
    }

    #[test]
    fn a_file_has_one_rule() {
        let entries = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let encrypts = |pairs: &[(&str, &str)], keys: &[&str]| rule(&entries(pairs)).expect("a rule").encrypts(keys.iter().copied());
        assert_eq!(encrypts(&[], &["a"]), Some(true));
        assert_eq!(encrypts(&[], &["a_unencrypted", "b"]), Some(false));
        assert_eq!(encrypts(&[("encrypted_regex", "^(data|stringData)$")], &["data", "b"]), Some(true));
        assert_eq!(encrypts(&[("encrypted_regex", "^(data|stringData)$")], &["metadata"]), Some(false));
        assert_eq!(encrypts(&[("encrypted_suffix", "_x")], &["a", "b_x"]), Some(true));
        assert_eq!(encrypts(&[("unencrypted_regex", "^a")], &["b", "ab"]), Some(false));
        assert_eq!(encrypts(&[("encrypted_comment_regex", "x")], &["b"]), None);
        assert!(rule(&entries(&[("encrypted_regex", "a"), ("encrypted_suffix", "b")])).is_err());
        assert!(rule(&entries(&[("encrypted_regex", "(")])).is_err());
    }
}
