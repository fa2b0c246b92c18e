//! How a template is written: its brackets and what happens to blanks and line ends around them.

/// The settings that the `template` module takes, with Ansible's defaults.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Settings {
    pub block: (String, String),
    pub variable: (String, String),
    pub comment: (String, String),
    /// The line end after a block is dropped.
    pub trim_blocks: bool,
    /// Blanks before a block are dropped.
    pub lstrip_blocks: bool,
    /// How line ends are written.
    pub newline: String,
    /// Backslashes in strings inside `{{ }}` stand for themselves, as in playbooks (not in template files).
    pub literal_backslashes: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
        Settings {
            block: pair("{%", "%}"),
            variable: pair("{{", "}}"),
            comment: pair("{#", "#}"),
            trim_blocks: true,
            lstrip_blocks: false,
            newline: "\n".to_string(),
            literal_backslashes: false,
        }
    }
}
