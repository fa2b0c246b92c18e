//! The control node itself: `sh` as a child process.

use play_core::run::Fault;

use super::pipe::Pipe;
use super::unreachable_host;

pub fn connect(words: &[String]) -> Result<Pipe, Fault> {
    Pipe::child(words).map_err(|error| {
        let program = words.first().map_or("sh", String::as_str);
        unreachable_host(format!("cannot start `{program}` here: {error}"), "give a POSIX shell with `ansible_shell_executable`")
    })
}
