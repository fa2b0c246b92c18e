//! `play completions`: what a shell needs to complete the command line.

use clap::Args as ClapArgs;

/// Prints completions for a shell
#[derive(ClapArgs)]
#[command(after_help = "For bash: play completions bash > /etc/bash_completion.d/play")]
pub struct Args {
    shell: clap_complete::Shell,
}

pub fn run(args: &Args, command: &mut clap::Command) -> u8 {
    let mut text = vec![];
    clap_complete::generate(args.shell, command, "play", &mut text);
    crate::report::to_stdout(&String::from_utf8_lossy(&text));
    0
}
