//! The command line. One file a command; its doc comment is its help.

mod completions;
mod doc;
mod graph;
mod open;
mod options;
mod run;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

pub use open::Opened;
pub use options::Options;

/// Brings hosts and Kubernetes clusters to the state that a playbook describes.
///
/// `play site.yml` reads the playbook (in the working folder, then in `playbooks/`), looks at every target, and changes
/// only what differs. `play site.yml --check` says what it would do, and changes nothing.
#[derive(Parser)]
#[command(name = "play", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, max_term_width = 110)]
#[command(
    after_help = "Exit codes: 0 as described or changed as asked, 1 failed, 2 check found something to do,\n4 a target could not be reached, 64 wrong usage.\n\nExamples:\n  play site.yml --check --diff        what would change, as a diff\n  play site.yml --tags ingress        only what is tagged so\n  play site.yml --limit 'web*:!web3'  only these targets\n  play graph site.yml                 which role comes before which, and why\n  play doc copy                       arguments of a module"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Args,
}

#[derive(Subcommand)]
enum Command {
    Graph(graph::Args),
    Doc(doc::Args),
    Completions(completions::Args),
}

/// Exit codes.
pub const FAILED: u8 = 1;
pub const GAPS: u8 = 2;
pub const UNREACHABLE: u8 = 4;
pub const USAGE: u8 = 64;

/// Runs the command line `args`, the program's name first.
pub fn main(args: Vec<OsString>) -> ExitCode {
    let called = args.first().map(|name| std::path::Path::new(name).file_name().unwrap_or_default().to_string_lossy().into_owned());
    let ansible = called.as_deref() == Some("ansible-playbook");
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let help = !error.use_stderr();
            let _ = error.print();
            return ExitCode::from(if help {
                0
            } else if ansible {
                2
            } else {
                USAGE
            });
        }
    };
    ExitCode::from(match cli.command {
        None => run::run(&cli.run, ansible),
        Some(Command::Graph(args)) => graph::run(&args),
        Some(Command::Doc(args)) => doc::run(&args),
        Some(Command::Completions(args)) => completions::run(&args, &mut Cli::command()),
    })
}
