//! `play doc`: what a module takes.

use clap::Args as ClapArgs;
use play_core::modules::{self, Spec, TABLE};
use play_core::text::Diagnostic;

use super::USAGE;
use super::open::complain;
use crate::report::to_stdout;

/// Tells which arguments a module takes
#[derive(ClapArgs)]
pub struct Args {
    /// The module, by its short or full name
    #[arg(required_unless_present = "list")]
    module: Option<String>,
    /// List all modules
    #[arg(short, long)]
    list: bool,
}

pub fn run(args: &Args) -> u8 {
    if args.list {
        let mut lines: Vec<String> = TABLE.iter().map(|entry| format!("{:<40} {}\n", entry.spec.full_name(), entry.spec.about)).collect();
        lines.sort();
        to_stdout(&lines.concat());
        return 0;
    }
    let name = args.module.as_deref().unwrap_or_default();
    let Some(entry) = modules::find(name) else {
        let error =
            Diagnostic::error(format!("no module `{name}`")).meant(name, modules::table::names()).hint("`play doc --list` lists them");
        complain(&[error], false);
        return USAGE;
    };
    to_stdout(&page(entry.spec));
    0
}

fn page(spec: &Spec) -> String {
    let mut text = format!("{}\n\n  {}\n\nArguments:\n", spec.full_name(), spec.about);
    for arg in spec.args {
        let mut facts = vec![format!("{:?}", arg.kind).to_lowercase()];
        if arg.required {
            facts.push("required".into());
        }
        if let Some(default) = arg.default {
            facts.push(format!("default {default}"));
        }
        if !arg.choices.is_empty() {
            facts.push(format!("one of {}", arg.choices.join(", ")));
        }
        if !arg.aliases.is_empty() {
            facts.push(format!("also called {}", arg.aliases.join(", ")));
        }
        text += &format!("  {} ({})\n      {}\n", arg.name, facts.join("; "), arg.help);
    }
    if spec.any {
        text += "  and any other\n";
    }
    text
}
