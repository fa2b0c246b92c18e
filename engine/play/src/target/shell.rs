//! What is said to one persistent POSIX `sh`, and how its answers are told apart. Text in, text out; no I/O here.
//!
//! The far side is `sh -c 'while read a line; do eval it; done'`, so the shell itself never reads ahead. Each line is a
//! whole one: cut in the middle, `read` fails and nothing is run. A message is a line with `eval "$(head -c N)"` and then
//! N bytes that hold one compound `{ … }`: cut at any byte it does not parse, and nothing of it is run. (A shell that
//! takes its script from stdin reads it byte by byte where it is bash: 0.5 s for 1 MB, against 0.05 s this way.)
//!
//! Streams are told apart by a *mark*: a line of 128 random bits, new for each message, that stands in the parsed text
//! only: in no variable, argument, function or file. Nothing that a part runs can know it, so its output cannot hold it.
//! Length before bytes was the first plan. It needs `wc` and `cat` for each stream of each part (1.2 ms against 0.2 ms)
//! and is wrong where a file still grows between the two; a mark needs neither, takes any byte, and lets lines through
//! while a command runs.
//!
//! - A question writes straight to the channel's own stdout and stderr, one mark after it on each.
//! - A fix or action writes to two files that are opened and removed before it starts, because it may leave a daemon
//!   behind that writes on: that must not end up in the answer of a later part. Without a place to write, as a question.
//! - An action has a companion that passes on each second what came; it is ended, and waited for, before its end is told.
//! - A companion with a limit ends the process group. So does a listener, where our side says `k`.

use std::fmt::Write as _;

use aes_gcm::aead::{OsRng, rand_core::RngCore as _};
use play_core::state::{Part, Purpose, Script};

/// 128 random bits as text.
#[derive(Clone)]
pub struct Mark(String);

impl Mark {
    pub fn random() -> Mark {
        let mut bytes = [0_u8; 16];
        OsRng.fill_bytes(&mut bytes);
        Mark(bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }))
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    /// As a shell word that does not hold it as it stands, so that an echo of our own words is never taken for it.
    fn split(&self) -> String {
        format!("{}\"{}\"", &self.0[..16], &self.0[16..])
    }
}

/// What the far shell said about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The folder for its two files; `None`: nothing is writable, and what a daemon writes later may show up in answers.
    pub folder: Option<String>,
}

/// A word for a shell, in single quotes.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What is started on the far side, as `sh -c` has it. It says `start` first, so that whoever waits for a password is
/// not taken for it. No quote, `!` or line break, because any login shell may have to pass it on.
pub fn program(start: &Mark) -> String {
    format!(r#"echo {}; while IFS= read -r __l; do eval "$__l"; done; eval "$__r""#, start.split())
}

/// The first line: finds out what there is, and leaves `__d` (folder), `__u` (umask, once it matters) and `__r` (what to remove). It starts no
/// process: whether the folder takes a file shows when the first one is made.
pub fn hello(mark: &Mark) -> String {
    format!(
        concat!(
            r#"__u=; __d=; __r=; cd . 2>/dev/null || cd "$HOME" 2>/dev/null || cd /; "#,
            r#"for __x in /dev/shm "${{XDG_RUNTIME_DIR:-/dev/shm}}" /tmp /var/tmp; do "#,
            r#"if [ -d "$__x" ] && [ -w "$__x" ] && [ -x "$__x" ]; then __d=$__x; break; fi; done; "#,
            r#"command -v head >/dev/null && printf '\n%s h %s\n' {mark} "$__d""#,
            "\n"
        ),
        mark = mark.split(),
    )
}

/// Reads what [`hello`] printed, after its mark.
pub fn read_hello(told: &str) -> Option<Hello> {
    let folder = told.strip_prefix("h ")?;
    Some(Hello { folder: (!folder.is_empty()).then(|| folder.to_owned()) })
}

/// One upload, to be followed by its bytes. Answers `u 0`, or `u CODE` and ends the shell, since bytes may be left over.
/// `all` are the uploads of this message so far with this one: they go when the message does not come.
pub fn upload(to: &str, size: u64, all: &[&str], mark: &Mark) -> String {
    let path = quote(to);
    let remove = all.iter().fold(String::from("rm -f"), |line, path| line + " " + &quote(path));
    let before = all.iter().filter(|path| **path != to).fold(String::from(":"), |line, path| format!("{line}; rm -f {}", quote(path)));
    format!(
        concat!(
            "( umask 077; set -C; exec >{path} || exit 1; head -c {size} && [ \"$(wc -c <{path})\" -eq {size} ] || {{ rm -f {path}; exit 1; }} ); ",
            r#"__c=$?; printf '\n%s u %s\n' {mark} "$__c"; printf '\n%s u\n' {mark} >&2; "#,
            "[ \"$__c\" = 0 ] || {{ {before}; exit 1; }}; __r={remove}\n"
        ),
        path = path,
        size = size,
        mark = mark.split(),
        before = before,
        remove = quote(&remove),
    )
}

/// A whole message: the line that announces it, and one compound command.
pub fn message(parts: &[Part], mark: &Mark) -> String {
    let watched = parts.iter().any(|part| part.purpose != Purpose::Ask || part.limit.is_some());
    let uploads = |parts: &[Part]| -> Vec<String> {
        let shells = parts.iter().filter_map(|part| if let Script::Shell(shell) = &part.script { Some(shell) } else { None });
        shells.flat_map(|shell| &shell.uploads).map(|upload| quote(&upload.to)).collect()
    };
    let mut left = uploads(parts);
    let mut text = format!("{{\n__m=y\nprintf '\\n{0} b\\n'\nprintf '\\n{0} b\\n' >&2\n", mark.0);
    if watched {
        text.push_str(LISTEN);
    }
    text.push_str("while :; do\n");
    for (index, part) in parts.iter().enumerate() {
        let after = uploads(&parts[index + 1..]);
        if after.len() < left.len() {
            let _ =
                writeln!(text, "__r={}", if after.is_empty() { String::from("''") } else { quote(&format!("rm -f {}", after.join(" "))) });
            left = after;
        }
        one(&mut text, part, mark);
    }
    text.push_str("break\ndone\neval \"$__r\"; __r=\n");
    if watched {
        text.push_str("{ kill $__k; wait $__k; } 2>/dev/null\n");
    }
    let _ = write!(text, "printf '\\n{0} .\\n'\nprintf '\\n{0} .\\n' >&2\n}}\n", mark.0);
    // where `head` fails, the lines that follow must not be taken for lines of their own
    format!("__m=; eval \"$(head -c {})\"; [ \"$__m\" ] || {{ eval \"$__r\"; exit 1; }}\n{text}", text.len())
}

/// Waits, while the message runs, for the line `k` of our side.
const LISTEN: &str = "exec 3<&0
( IFS= read -r __l && [ \"$__l\" = k ] && { trap '' TERM; kill -TERM 0; sleep 3; kill -KILL 0; } ) <&3 3<&- >/dev/null 2>&1 &
__k=$!
exec 3<&-
";

/// What [`LISTEN`] waits for.
pub const KILL: &[u8] = b"k\n";

fn one(text: &mut String, part: &Part, mark: &Mark) {
    let script = match &part.script {
        Script::Shell(shell) => shell.text.as_str(),
        Script::Api(_) => "exit 127",
    };
    // The `:` in front keeps bash's `$_` from holding what was run last.
    let before = match part.purpose {
        Purpose::Ask | Purpose::Fix => "LC_ALL=C; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export LC_ALL PATH; ",
        Purpose::Act { .. } => "",
    };
    let body = format!("( : ; {before}eval '\n{}' )", script.replace('\'', r"'\''"));
    let code = "__c=$?\n";
    if part.purpose == Purpose::Ask {
        let (start, end) = companion(part, mark, "");
        let _ = write!(text, "{start}{body} </dev/null\n{code}{end}");
    } else {
        let (start, end) = companion(part, mark, " 6<&- 7<&- 8>&- 9>&-");
        filed(text, &format!("{start}{body} </dev/null >&8 2>&9 6<&- 7<&- 8>&- 9>&-\n{code}{end}"), mark);
    }
    let _ = write!(text, "printf '\\n{0} x %s\\n' \"$__c\"\nprintf '\\n{0} x\\n' >&2\n", mark.0);
    if matches!(part.purpose, Purpose::Fix | Purpose::Act { stops: true }) {
        text.push_str("[ \"$__c\" = 0 ] || break\n");
    }
}

/// Around a part: 8 and 9 are its stdout and stderr, 7 and 6 the same files to read from, already removed.
fn filed(text: &mut String, body: &str, mark: &Mark) {
    let name = Mark::random();
    let _ = write!(
        text,
        concat!(
            // Ended between making and removing them, it removes them all the same.
            "trap 'rm -f \"$__d/.play-{name}.o\" \"$__d/.play-{name}.e\"; exit 143' TERM\n",
            "[ \"$__u\" ] || __u=$(umask); umask 077; set -C\n",
            "{{ [ \"$__d\" ] && command exec 8>\"$__d/.play-{name}.o\" 9>\"$__d/.play-{name}.e\" 7<\"$__d/.play-{name}.o\" 6<\"$__d/.play-{name}.e\"; }} 2>/dev/null || ",
            "exec 8>&1 9>&2 7</dev/null 6</dev/null\n",
            "set +C; umask \"$__u\"\n",
            "[ -z \"$__d\" ] || rm -f \"$__d/.play-{name}.o\" \"$__d/.play-{name}.e\"\n",
            "trap - TERM\n",
            "{body}",
            "exec 8>&- 9>&-\n",
            "printf '\\n{mark} f\\n'\n",
            "if [ -s /proc/self/fd/7 ] || ! [ -e /proc/self/fd/7 ]; then cat <&7; fi\n",
            "if [ -s /proc/self/fd/6 ] || ! [ -e /proc/self/fd/6 ]; then printf '\\n{mark} e\\n'; cat <&6; fi\n",
            "exec 6<&- 7<&-\n",
        ),
        name = name.0,
        mark = mark.0,
        body = body,
    );
}

/// Passes on what an action prints, and ends the process group at the part's limit: how it is started, and ended.
/// What it prints is printed by a child of its own, so that being ended cannot cut it in the middle.
fn companion(part: &Part, mark: &Mark, shut: &str) -> (String, String) {
    let live = matches!(part.purpose, Purpose::Act { .. });
    let (step, emit) = match (live, part.limit) {
        (false, None) => return (String::new(), String::new()),
        (false, Some(limit)) => (limit.max(1), String::new()),
        (true, _) => (1, format!("( printf '\\n{0} o\\n'; cat <&7; printf '\\n{0} e\\n'; cat <&6 )\n", mark.0)),
    };
    let expire = part.limit.map_or(String::new(), |limit| {
        format!(
            "if [ $__t -ge {} ]; then ( printf '\\n{} t\\n' ); trap '' TERM; exec >/dev/null 2>&1; kill -TERM 0; sleep 3; kill -KILL 0; fi\n",
            limit.max(1),
            mark.0
        )
    });
    let start = format!(
        concat!(
            "( trap 'kill $__z 2>/dev/null; exit 0' TERM\n",
            "__t=0\n",
            "while kill -0 $$ 2>/dev/null; do\n",
            "sleep {step} >/dev/null 2>&1{shut} & __z=$!\n",
            "wait $__z; __t=$((__t + {step}))\n",
            "{emit}{expire}",
            "done ) </dev/null{shut_write} & __h=$!\n",
        ),
        step = step,
        shut = shut,
        emit = emit,
        expire = expire,
        shut_write = if shut.is_empty() { "" } else { " 8>&- 9>&-" },
    );
    (start, String::from("{ kill $__h; wait $__h; } 2>/dev/null\n"))
}
