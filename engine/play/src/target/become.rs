//! How to become another user on a target: the words to start, when to give the password, and what each refusal means.
//! A password goes through stdin only, and only once the prompt was seen.

use std::time::Duration;

use play_core::run::{Become, Fault, FaultKind, Method};

use super::fault;
use super::session::{find, last_line};
use super::shell::{Mark, quote};

/// What stands between a connection and a shell as the wanted user.
pub struct Gate<'a> {
    wanted: Option<&'a Become>,
    /// Whom to name in messages.
    target: &'a str,
    prompt: String,
    given: bool,
}

impl<'a> Gate<'a> {
    pub fn new(wanted: Option<&'a Become>, target: &'a str) -> Gate<'a> {
        Gate { wanted, target, prompt: format!("play-{}", Mark::random().text()), given: false }
    }

    /// The words that start `words` as the wanted user.
    pub fn wrap(&self, words: Vec<String>) -> Vec<String> {
        let Some(wanted) = self.wanted else { return words };
        let flags =
            |default: &str| -> Vec<String> { wanted.flags.as_deref().unwrap_or(default).split_whitespace().map(str::to_owned).collect() };
        let program = |default: &str| wanted.executable.clone().unwrap_or_else(|| default.to_owned());
        let text = |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };
        let mut all = vec![];
        match wanted.method {
            Method::Sudo => {
                all.push(program("sudo"));
                all.extend(flags("-H"));
                match wanted.password {
                    // `-n` and a password exclude each other; Ansible's default flags have it.
                    Some(_) => {
                        all.retain(|word| word != "-n");
                        // `-k`: a password counts each time, also where a right one was given a moment ago
                        all.extend(text(&["-k", "-S", "-p", &self.prompt]));
                    }
                    None if all.iter().any(|word| word == "-n") => {}
                    None => all.push(String::from("-n")),
                }
                all.extend(text(&["-u", &wanted.user, "--"]));
                all.extend(words);
            }
            Method::Doas => {
                all.push(program("doas"));
                all.extend(flags(""));
                all.extend(text(&["-n", "-u", &wanted.user, "--"]));
                all.extend(words);
            }
            Method::Su => {
                all.push(program("su"));
                all.extend(flags(""));
                all.extend(text(&[&wanted.user, "-c"]));
                all.push(format!("exec {}", words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")));
            }
        }
        all
    }

    /// Whether to hold back until the shell has started: somebody else may read stdin first.
    pub fn waits(&self) -> bool {
        self.wanted.is_some()
    }

    /// What to answer to what was printed so far, if it asks for the password.
    pub fn answer(&mut self, out: &[u8], err: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let Some(wanted) = self.wanted else { return Ok(None) };
        let asked = match wanted.method {
            Method::Sudo => err.windows(self.prompt.len()).filter(|window| *window == self.prompt.as_bytes()).count(),
            // The prompt is PAM's, in the target's language.
            Method::Su => usize::from([out, err].into_iter().any(is_prompt)),
            Method::Doas => 0,
        };
        if asked > usize::from(self.given) {
            if self.given {
                return Err(
                    self.refuse("wrong password", "set `ansible_become_password` to the password that the target's policy asks for")
                );
            }
            let password = wanted.password.as_ref().and_then(|password| password.as_str());
            let Some(password) = password else {
                return Err(self.refuse("it asks for a password", "set `ansible_become_password`, or allow it without one"));
            };
            if !(wanted.method == Method::Su && self.given) {
                self.given = true;
                return Ok(Some(format!("{password}\n").into_bytes()));
            }
        }
        Ok(None)
    }

    fn refuse(&self, what: &str, hint: &str) -> Fault {
        let (method, user) = self.wanted.map_or(("sh", ""), |wanted| (name(wanted.method), wanted.user.as_str()));
        fault(FaultKind::Become, format!("cannot become `{user}` on `{}` with {method}: {what}", self.target), Some(hint))
    }

    /// Why there is no shell, from what was printed before everything ended.
    pub fn explain(&self, out: &[u8], err: &[u8], code: Option<i32>) -> Fault {
        let code_text = code.map_or(String::new(), |code| format!(" with code {code}"));
        let Some(wanted) = self.wanted else {
            let said = if last_line(err).is_empty() { last_line(out) } else { last_line(err) };
            return fault(
                FaultKind::Unreachable,
                format!("no shell on `{}`: it ended{code_text}{said}", self.target),
                Some("a POSIX `sh` and `head` are needed on the target; the login shell must allow `exec`"),
            );
        };
        let all = [out, err].concat();
        let (user, method) = (&wanted.user, name(wanted.method));
        for (signs, what, hint) in REFUSALS {
            if signs.iter().any(|sign| find(&all, sign.as_bytes())) {
                return self.refuse(what, &hint.replace("USER", user).replace("METHOD", method));
            }
        }
        if code == Some(127) || find(&all, b"not found") {
            return self.refuse(
                &format!("there is no `{}`", wanted.executable.as_deref().unwrap_or(method)),
                &format!("install {method} on the target, or choose another `become_method` (sudo, su, doas)"),
            );
        }
        self.refuse(
            &format!("it ended{code_text}{}", last_line(&all)),
            &format!("try it by hand on the target: {method} as the user that logs in"),
        )
    }

    pub fn explain_silence(&self, after: Duration) -> Fault {
        let after = after.as_secs();
        match self.wanted {
            None => fault(
                FaultKind::Unreachable,
                format!("no answer from a shell on `{}` within {after} s", self.target),
                Some("look for something in the user's profile that waits for input"),
            ),
            Some(_) => self.refuse(&format!("no answer within {after} s"), "it may be waiting for a terminal or a second factor"),
        }
    }
}

/// Whether the last line waits to be completed: it ends in a colon. `su: ` alone is the beginning of a complaint.
fn is_prompt(text: &[u8]) -> bool {
    let line = text.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    (line.ends_with(b":") || line.ends_with("：".as_bytes())) && line != b"su:"
}

pub fn name(method: Method) -> &'static str {
    match method {
        Method::Sudo => "sudo",
        Method::Su => "su",
        Method::Doas => "doas",
    }
}

/// Signs in what was printed; what they mean; what to do.
const REFUSALS: &[(&[&str], &str, &str)] = &[
    (
        &["account validation failure, is your account locked", "account has expired"],
        "the account is locked or expired",
        "unlock it on the target: `passwd -S`, `chage -l`",
    ),
    (
        &["password expired", "Authentication token is no longer valid", "Password change required"],
        "the password has expired",
        "set a new one on the target: `passwd`",
    ),
    (
        &["is not in the sudoers file", "is not allowed to run sudo", "may not run sudo"],
        "the user that logs in may not use sudo",
        "add it to the group `sudo` or `wheel`, or to a file in `/etc/sudoers.d`",
    ),
    (&["is not allowed to execute"], "the sudo policy does not allow a shell as that user", "allow `(USER) /bin/sh` in `/etc/sudoers.d`"),
    (
        &["must have a tty to run sudo", "sorry, you must have a tty"],
        "sudo wants a terminal",
        "remove `Defaults requiretty` from the target's sudoers",
    ),
    (
        &["unknown user", "user does not exist", "unknown login", "does not exist", "No passwd entry"],
        "there is no such user",
        "create the user first, or mend `become_user`",
    ),
    (
        &["incorrect password attempt", "Authentication failure", "Sorry, try again", "incorrect password"],
        "wrong password",
        "set `ansible_become_password` to the password that the target's policy asks for",
    ),
    (
        &["a password is required", "Authentication required", "a tty is required"],
        "it wants a password",
        "set `ansible_become_password`, or allow METHOD without one for this user",
    ),
    (&["must be run from a terminal"], "it wants a terminal", "use `become_method: sudo`"),
    (
        &["effective uid is not 0", "must be owned by uid 0", "no new privileges"],
        "it may not gain rights",
        "it must be setuid root; a container may forbid that (`no-new-privileges`)",
    ),
    (&["Operation not permitted", "Permission denied"], "permission denied", "allow METHOD for the user that logs in"),
    (&["This account is currently not available", "nologin"], "that user has no shell", "give `become_flags: -s /bin/sh`, or use sudo"),
];
