//! Options that several commands share.

use clap::Args;

/// What to read, and which part of it.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {
    /// Inventory: a file, a folder, a program, or `host1,host2,`; may be given several times
    #[arg(short = 'i', long = "inventory", alias = "inventory-file", value_name = "SOURCE")]
    pub inventory: Vec<String>,
    /// Variables: k=v, JSON or YAML, or @file; may be given several times
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS")]
    pub extra_vars: Vec<String>,
    /// Only tasks with one of these tags
    #[arg(short = 't', long, value_delimiter = ',', value_name = "TAGS")]
    pub tags: Vec<String>,
    /// No tasks with one of these tags
    #[arg(long, value_delimiter = ',', value_name = "TAGS")]
    pub skip_tags: Vec<String>,
    /// Only these targets: names, groups and patterns, or @file
    #[arg(short = 'l', long, value_name = "PATTERN")]
    pub limit: Option<String>,
    /// File with the password of vaults; a program is run for it
    #[arg(long = "vault-password-file", alias = "vault-pass-file", value_name = "FILE")]
    pub vault_password_files: Vec<String>,
    /// Vault password with a label: label@file or label@prompt
    #[arg(long = "vault-id", value_name = "ID")]
    pub vault_ids: Vec<String>,
    /// Ask for the password of vaults
    #[arg(short = 'J', long = "ask-vault-pass", alias = "ask-vault-password")]
    pub ask_vault_pass: bool,
    /// Never colours (also by NO_COLOR)
    #[arg(long)]
    pub no_color: bool,
}
