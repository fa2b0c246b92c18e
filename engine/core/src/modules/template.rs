//! `template`: a template of the control node, rendered, to a path of the host.

use std::sync::Arc;

use crate::text::Result;

use super::placed::Placed;
use super::{Arg, Args, Entry, Module, Spec, Type, owned};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "template",
    collection: "ansible.builtin",
    about: "Render a template to a host",
    args: owned::contents_args![
        Arg::new("src", Type::Template, "The template on the control node").required().waits(),
        Arg::new("dest", Type::Path, "Where the file is to be; ends with `/` where that is a folder").required(),
        Arg::new("force", Type::Bool, "Replace a file that differs; otherwise only make it where it is not").default("true"),
        Arg::new("follow", Type::Bool, "Write through a link on the host").default("false"),
        Arg::new("newline_sequence", Type::Text, "What ends a line").default("\\n").choices(&["\n", "\r", "\r\n", "\\n", "\\r", "\\r\\n"]),
        Arg::new("block_start_string", Type::Text, "What begins a block").default("{%"),
        Arg::new("block_end_string", Type::Text, "What ends a block").default("%}"),
        Arg::new("variable_start_string", Type::Text, "What begins an expression").default("{{"),
        Arg::new("variable_end_string", Type::Text, "What ends an expression").default("}}"),
        Arg::new("comment_start_string", Type::Text, "What begins a comment").default("{#"),
        Arg::new("comment_end_string", Type::Text, "What ends a comment").default("#}"),
        Arg::new("trim_blocks", Type::Bool, "The line end behind a block goes").default("true"),
        Arg::new("lstrip_blocks", Type::Bool, "Blanks before a block go").default("false"),
        Arg::new("output_encoding", Type::Text, "How the file is encoded: `utf-8` only").default("utf-8"),
    ],
    free_form: None,
    any: false,
};

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let encoding = args.need("output_encoding")?.to_lowercase().replace('_', "-");
    if !matches!(encoding.as_str(), "utf-8" | "utf8") {
        return Err(args.error("output_encoding", format!("`output_encoding: {encoding}` is not supported yet")).hint("write UTF-8"));
    }
    let source = args.value("src");
    let Some(file) = source.as_ref().and_then(|value| value.as_map()) else {
        return Err(args.error("src", "`src` must name a template"));
    };
    Ok(Arc::new(Placed::of_file(args, file)?))
}
