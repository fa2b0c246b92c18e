//! A text and the places in it: sources, YAML with positions, values, templates, diagnostics.

pub mod control;
pub mod diagnostic;
pub mod filters;
pub mod json;
pub mod lookups;
pub mod memory;
pub mod scalar;
pub mod shlex;
pub mod size;
pub mod source;
pub mod template;
pub mod tests;
pub mod value;
pub mod yaml;

pub use control::{Control, ControlError, Decrypted, Entry};
pub use diagnostic::{Collector, Diagnostic, Result, Severity};
pub use memory::MemoryControl;
pub use source::{Source, Span};
pub use template::{Scope, Scopes, Search, Settings, Templates, Var};
pub use value::{Body, Contents, Key, Map, Mark, Secret, Unknown, Value};
pub use yaml::{Node, Style};
