//! Commands that only read, by name: check mode may run them. The list is short, and in doubt a command is not on it.

/// Whether this program with these arguments changes nothing.
pub fn only_reads(words: &[String]) -> bool {
    let Some((program, args)) = words.split_first() else { return false };
    let name = match program.rsplit_once('/') {
        Some(("/bin" | "/usr/bin" | "/sbin" | "/usr/sbin", name)) => name,
        Some(_) => return false,
        None => program,
    };
    let first = args.first().map_or("", String::as_str);
    let verb = args.iter().map(String::as_str).find(|arg| !arg.starts_with('-')).unwrap_or("");
    let any = |wanted: &dyn Fn(&str) -> bool| args.iter().any(|arg| wanted(arg));
    match name {
        "cat" | "stat" | "id" | "getent" | "uname" | "ls" | "test" | "[" | "which" | "grep" | "egrep" | "fgrep" | "head" | "wc" | "df"
        | "du" | "whoami" | "groups" | "pwd" | "readlink" | "realpath" | "nproc" | "arch" | "free" | "uptime" | "printenv" | "true"
        | "false" | "echo" | "printf" | "sha1sum" | "sha256sum" | "sha512sum" | "md5sum" | "dpkg-query" | "getconf" | "lsblk"
        | "findmnt" => true,
        "tail" => !any(&|arg| {
            arg.starts_with("--f")
                || arg.starts_with("--retry")
                || (arg.starts_with('-') && !arg.starts_with("--") && arg.contains(['f', 'F']))
        }),
        "hostname" => {
            args.iter().all(|arg| matches!(arg.as_str(), "-f" | "-s" | "-d" | "-i" | "-I" | "-A" | "--fqdn" | "--short" | "--long"))
        }
        "date" => date(args),
        "systemctl" => {
            matches!(verb, "is-active" | "is-enabled" | "is-failed" | "status" | "show" | "cat" | "list-units" | "list-unit-files")
                && sane(args)
        }
        "dpkg" => matches!(
            first,
            "-s" | "-l"
                | "-L"
                | "-S"
                | "--status"
                | "--list"
                | "--listfiles"
                | "--search"
                | "--print-architecture"
                | "--compare-versions"
                | "--get-selections"
        ),
        "rpm" => {
            (first.starts_with("-q") || first == "--query")
                && !any(&|arg| arg.starts_with("--p") || arg.starts_with("--d") || arg.starts_with("--e"))
        }
        "apt-cache" => matches!(verb, "policy" | "show" | "search" | "madison" | "depends" | "rdepends"),
        _ => false,
    }
}

/// The words before the verb are flags of their own: one that takes a word of its own would hide the real verb.
fn sane(args: &[String]) -> bool {
    args.iter().take_while(|arg| arg.starts_with('-')).all(|arg| {
        arg.contains('=')
            || matches!(
                arg.as_str(),
                "-q" | "--quiet" | "--user" | "--no-pager" | "-a" | "--all" | "-l" | "--full" | "--plain" | "--no-legend"
            )
    })
}

/// `date` sets the clock with `-s` and with any word that is no format.
fn date(args: &[String]) -> bool {
    let mut args = args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        match arg {
            "-d" | "-r" | "--date" | "--reference" => drop(args.next()),
            "-u" | "--utc" | "--universal" | "-R" | "--rfc-email" => {}
            _ if arg.starts_with('+')
                || arg.starts_with("-I")
                || arg.starts_with("--iso")
                || arg.starts_with("--rfc")
                || arg.starts_with("--date=") => {}
            _ => return false,
        }
    }
    true
}

/// Whether a line for a shell is but one command of plain words.
pub fn line_only_reads(line: &str) -> bool {
    let plain =
        !line.contains(['|', '&', ';', '<', '>', '(', ')', '$', '`', '\\', '*', '?', '[', ']', '#', '~', '!', '{', '}', '\n', '\r']);
    plain && crate::text::shlex::split(line).is_ok_and(|words| only_reads(&words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_surely_reads() {
        for line in [
            "cat /etc/motd",
            "/usr/bin/id -u bob",
            "systemctl is-active ssh",
            "systemctl --quiet is-enabled ssh",
            "dpkg -s nginx",
            "rpm -q --qf %{VERSION} bash",
            "date +%s",
            "date -d 'next monday' +%F",
            "hostname -f",
            "tail -n 3 /var/log/x",
            "grep 'a b' /etc/x",
        ] {
            assert!(line_only_reads(line) || line.contains('{'), "{line}");
            assert!(only_reads(&crate::text::shlex::split(line).expect("words")), "{line}");
        }
        for line in [
            "",
            "rm x",
            "/tmp/cat x",
            "hostname new",
            "date -s now",
            "date 01010000",
            "date --set=now",
            "systemctl restart ssh",
            "systemctl -H status restart",
            "dpkg -i x.deb",
            "rpm -e x",
            "rpm -qa --pipe=sh",
            "tail -f x",
            "tail -nf x",
            "env rm x",
            "A=b cat x",
            "cat x > y",
        ] {
            assert!(!line_only_reads(line), "{line}");
        }
        assert!(!only_reads(&["date".into(), "--set=now".into()]));
    }
}
