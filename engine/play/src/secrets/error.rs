//! What can be wrong with a secret: what is, and what to do. No variant holds plaintext or key material.

use std::fmt;
use std::path::PathBuf;

/// `Display` says what is; [`SecretError::hint`] says what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretError {
    /// The text does not start as an ansible-vault text does.
    NotVault,
    /// A format of ansible-vault other than 1.1 and 1.2.
    VaultVersion { version: String },
    /// A cipher other than AES256.
    VaultCipher { cipher: String },
    /// The text is a vault text, but cut or changed; `what` says where.
    VaultDamaged { what: &'static str },
    /// No vault password is known at all.
    NoVaultPassword { label: Option<String> },
    /// None of the known passwords opens the text.
    WrongVaultPassword { label: Option<String>, tried: Vec<String> },

    /// A file with a key or password cannot be read.
    Unreadable { path: PathBuf, reason: String },
    /// A program that should print a key or password failed.
    Program { program: String, reason: String },
    /// A `-client` script has no password for this vault id.
    UnknownVaultId { program: PathBuf, id: String },
    /// A password source gave nothing.
    EmptyPassword { from: String },
    /// A password was to be asked for, but nobody can be asked.
    NobodyToAsk { question: String },

    /// No SOPS metadata in the file.
    NotSops,
    /// The file around the ciphertext is no valid YAML, JSON, dotenv or ini.
    Syntax { line: usize, reason: String },
    /// SOPS metadata without a part, or with a part that makes no sense.
    SopsMetadata { what: String },
    /// The data key is for other kinds of keys only.
    NoAgeRecipient { kinds: Vec<&'static str> },
    /// The data key is split over several groups of keys (Shamir).
    KeyGroups { groups: usize },
    /// No identity at hand is one of the file's recipients.
    NoAgeIdentity { recipients: Vec<String>, looked: Vec<String>, problems: Vec<String> },
    /// The data key opened, and is not what SOPS writes.
    DataKey { what: &'static str },
    /// One value cannot be decrypted.
    SopsValue { path: String, line: usize, what: &'static str },
    /// Every value decrypts, but not to the document that was encrypted.
    MacMismatch,
    /// The message authentication code is missing or does not decrypt.
    MacDamaged { what: &'static str },
}

impl std::error::Error for SecretError {}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotVault => write!(f, "this is no ansible-vault text: it does not start with `$ANSIBLE_VAULT;`"),
            Self::VaultVersion { version } => write!(f, "ansible-vault format `{version}` is not known"),
            Self::VaultCipher { cipher } => write!(f, "ansible-vault cipher `{cipher}` is not known"),
            Self::VaultDamaged { what } => write!(f, "the ansible-vault text is damaged: {what}"),
            Self::NoVaultPassword { label: None } => write!(f, "an ansible-vault text, and no vault password is known"),
            Self::NoVaultPassword { label: Some(label) } => {
                write!(f, "an ansible-vault text for vault id `{label}`, and no vault password is known")
            }
            Self::WrongVaultPassword { label, tried } => {
                match label {
                    Some(label) => write!(f, "no vault password opens this text for vault id `{label}`")?,
                    None => write!(f, "no vault password opens this text")?,
                }
                write!(f, " (tried: {})", quoted(tried))
            }
            Self::Unreadable { path, reason } => write!(f, "cannot read `{}`: {reason}", path.display()),
            Self::Program { program, reason } => write!(f, "`{program}` gave no key: {reason}"),
            Self::UnknownVaultId { program, id } => {
                write!(f, "`{}` has no password for vault id `{id}`", program.display())
            }
            Self::EmptyPassword { from } => write!(f, "{from} gave an empty vault password"),
            Self::NobodyToAsk { question } => write!(f, "`{}` has to be asked, and there is no terminal", question.trim()),
            _ => self.fmt_sops(f),
        }
    }
}

impl SecretError {
    fn fmt_sops(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSops => write!(f, "this file has no `sops` metadata"),
            Self::Syntax { line, reason } => write!(f, "line {line}: {reason}"),
            Self::SopsMetadata { what } => write!(f, "the `sops` metadata is damaged: {what}"),
            Self::NoAgeRecipient { kinds } if kinds.is_empty() => write!(f, "this SOPS file has no recipient"),
            Self::NoAgeRecipient { kinds } => {
                write!(f, "this SOPS file has no age recipient, only {}", kinds.join(", "))
            }
            Self::KeyGroups { groups } => write!(f, "the key of this SOPS file is split over {groups} key groups"),
            Self::NoAgeIdentity { recipients, .. } => {
                write!(f, "no age identity for this file, which is for {}", quoted(recipients))
            }
            Self::DataKey { what } => write!(f, "the data key of this SOPS file is damaged: {what}"),
            Self::SopsValue { path, line, what } => write!(f, "line {line}: `{path}` {what}"),
            Self::MacMismatch => write!(f, "the file was changed after SOPS encrypted it: its MAC does not match"),
            Self::MacDamaged { what } => write!(f, "the MAC of this SOPS file {what}"),
            _ => Ok(()),
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NotVault => "encrypt it with `ansible-vault encrypt`, or drop the `!vault` tag".into(),
            Self::VaultVersion { .. } | Self::VaultCipher { .. } => {
                "formats 1.1 and 1.2 with AES256 are read; bring it there with `ansible-vault rekey`".into()
            }
            Self::VaultDamaged { .. } => "take the text from its history, or encrypt it again".into(),
            Self::NoVaultPassword { label } => match label {
                Some(label) => format!("give one with `--vault-id {label}@FILE`, `--ask-vault-pass` or ANSIBLE_VAULT_PASSWORD_FILE"),
                None => "give one with `--vault-password-file FILE`, `--ask-vault-pass` or ANSIBLE_VAULT_PASSWORD_FILE".into(),
            },
            Self::WrongVaultPassword { label, .. } => match label {
                Some(label) => format!("give its password with `--vault-id {label}@FILE`; if it is the right one, the text was changed"),
                None => "give its password with `--vault-id LABEL@FILE`; if it is the right one, the text was changed".into(),
            },
            Self::Unreadable { .. } => "name another file, or give this user the right to read it".into(),
            Self::Program { .. } => "run it by hand; a password file that is no script must not be executable".into(),
            Self::UnknownVaultId { .. } => "teach the script this vault id, or give the password another way".into(),
            Self::EmptyPassword { .. } => "put the password there".into(),
            Self::NobodyToAsk { .. } => "run in a terminal, or give a file instead of a prompt".into(),
            _ => self.hint_sops(),
        }
    }

    fn hint_sops(&self) -> String {
        match self {
            Self::NotSops => "encrypt it with `sops encrypt --in-place`".into(),
            Self::Syntax { .. } => "take the file from its history; SOPS files are changed with `sops edit`".into(),
            Self::NoAgeRecipient { .. } => "add one: `sops rotate --in-place --add-age age1… FILE`".into(),
            Self::KeyGroups { .. } => "keep one key group, and run `sops updatekeys`".into(),
            Self::NoAgeIdentity { looked, problems, .. } => {
                let mut hint = String::from("set SOPS_AGE_KEY_FILE to a file with the identity");
                if !looked.is_empty() {
                    hint += &format!("; looked at {}", looked.join(", "));
                }
                for problem in problems {
                    hint += &format!("; {problem}");
                }
                hint
            }
            Self::SopsValue { .. } | Self::MacMismatch => "change values with `sops edit`, or take the file from its history".into(),
            _ => "take the file from its history, or encrypt it again".into(),
        }
    }
}

fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
