//! `play`: brings hosts and clusters to the state that a tree describes.

fn main() -> std::process::ExitCode {
    play::commands::main(std::env::args_os().collect())
}
