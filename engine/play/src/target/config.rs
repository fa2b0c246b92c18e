//! How a host is reached over SSH, as OpenSSH would: what `ssh -G` says, or our own reading of `ssh_config` where there
//! is no `ssh`. Text in, settings out; running `ssh` and reading files is the caller's.

use std::collections::BTreeMap;

use super::known_hosts::wildcard;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Strict {
    /// `yes` and `ask`: nobody is there to be asked.
    #[default]
    Yes,
    AcceptNew,
    No,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// The name that was asked for.
    pub original: String,
    pub host: String,
    pub port: u16,
    pub user: String,
    pub identity_files: Vec<String>,
    pub certificate_files: Vec<String>,
    pub identities_only: bool,
    /// `None`: `SSH_AUTH_SOCK`; `none`: no agent.
    pub identity_agent: Option<String>,
    pub user_known_hosts: Vec<String>,
    pub global_known_hosts: Vec<String>,
    pub hash_known_hosts: bool,
    pub strict: Strict,
    pub host_key_alias: Option<String>,
    /// Names of algorithms, most wanted first; empty: ours.
    pub host_key_algorithms: Vec<String>,
    pub proxy_jump: Option<String>,
    pub proxy_command: Option<String>,
    pub connect_timeout: Option<u64>,
    pub publickey: bool,
    pub password: bool,
    pub keyboard: bool,
}

/// What the surroundings give for `~` and `%` words.
#[derive(Clone, Debug, Default)]
pub struct Around {
    pub home: String,
    pub user: String,
}

const IDENTITIES: &[&str] = &["id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk"];

/// Reads lines of `key value` as `ssh -G` prints them.
pub fn read_dump(dump: &str, original: &str, around: &Around) -> Settings {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in dump.lines() {
        if let Some((key, value)) = line.trim().split_once(' ') {
            all.entry(key.to_lowercase()).or_default().push(value.trim().to_owned());
        }
    }
    let one = |key: &str| all.get(key).and_then(|values| values.first()).filter(|value| *value != "none" && !value.is_empty()).cloned();
    let is = |key: &str, default: bool| one(key).map_or(default, |value| matches!(value.as_str(), "yes" | "true"));
    let words = |key: &str, default: &[&str]| -> Vec<String> {
        one(key).map_or_else(|| default.iter().map(|word| (*word).to_owned()).collect(), |value| split(&value))
    };
    let mut settings = Settings {
        original: original.to_owned(),
        host: one("hostname").unwrap_or_else(|| original.to_owned()).replace("%h", original),
        port: one("port").and_then(|port| port.parse().ok()).unwrap_or(22),
        user: one("user").unwrap_or_else(|| around.user.clone()),
        identities_only: is("identitiesonly", false),
        identity_agent: all.get("identityagent").and_then(|values| values.first()).filter(|value| *value != "SSH_AUTH_SOCK").cloned(),
        hash_known_hosts: is("hashknownhosts", false),
        strict: match one("stricthostkeychecking").as_deref() {
            Some("no" | "off" | "false") => Strict::No,
            Some("accept-new") => Strict::AcceptNew,
            _ => Strict::Yes,
        },
        host_key_alias: one("hostkeyalias"),
        host_key_algorithms: one("hostkeyalgorithms").map_or(vec![], |list| list.split(',').map(str::to_owned).collect()),
        proxy_jump: one("proxyjump"),
        proxy_command: one("proxycommand"),
        connect_timeout: one("connecttimeout").and_then(|seconds| seconds.parse().ok()),
        publickey: is("pubkeyauthentication", true),
        password: is("passwordauthentication", true),
        keyboard: is("kbdinteractiveauthentication", true),
        ..Settings::default()
    };
    let files = |key: &str| all.get(key).cloned().unwrap_or_default();
    let expand = |text: &String| expand(text, &settings, around);
    let identities = files("identityfile");
    let identity_files = if identities.is_empty() {
        IDENTITIES.iter().map(|name| format!("{}/.ssh/{name}", around.home)).collect()
    } else {
        identities.iter().map(expand).collect()
    };
    let certificate_files = files("certificatefile").iter().map(expand).collect();
    let user_known_hosts = words("userknownhostsfile", &["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]).iter().map(expand).collect();
    let global_known_hosts =
        words("globalknownhostsfile", &["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]).iter().map(expand).collect();
    let proxy_command = settings.proxy_command.as_ref().map(expand);
    let identity_agent = settings.identity_agent.as_ref().map(expand);
    settings =
        Settings { identity_files, certificate_files, user_known_hosts, global_known_hosts, proxy_command, identity_agent, ..settings };
    settings
}

/// `~` at the front and `%` words, as ssh_config(5) has them under TOKENS.
fn expand(text: &str, settings: &Settings, around: &Around) -> String {
    let text = match text.strip_prefix("~/") {
        Some(rest) => format!("{}/{rest}", around.home),
        None => text.to_string(),
    };
    let mut all = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            all.push(letter);
            continue;
        }
        match letters.next() {
            Some('h') => all.push_str(&settings.host),
            Some('n') => all.push_str(&settings.original),
            Some('k') => all.push_str(settings.host_key_alias.as_ref().unwrap_or(&settings.original)),
            Some('p') => all.push_str(&settings.port.to_string()),
            Some('r') => all.push_str(&settings.user),
            Some('u') => all.push_str(&around.user),
            Some('d') => all.push_str(&around.home),
            Some('%') | None => all.push('%'),
            Some(other) => all.extend(['%', other]),
        }
    }
    all
}

/// Words of a value: white space parts them, double quotes keep them together.
fn split(text: &str) -> Vec<String> {
    let mut words = vec![];
    let (mut word, mut quoted, mut any) = (String::new(), false, false);
    for letter in text.chars() {
        match letter {
            '"' => (quoted, any) = (!quoted, true),
            ' ' | '\t' if !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            letter => {
                word.push(letter);
                any = true;
            }
        }
    }
    if any {
        words.push(word);
    }
    words
}

/// What was given on the command line, as lines of `key value`, and the configuration file if one was named.
pub fn read_arguments(args: &[String]) -> (Vec<String>, Option<String>) {
    let (mut lines, mut file) = (vec![], None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let Some(flag) = arg.strip_prefix('-').and_then(|rest| rest.chars().next()) else { continue };
        if !"oFipJlBbcDEeILmOQRSWw".contains(flag) {
            continue;
        }
        let value = if arg.len() > 2 { arg[2..].to_owned() } else { args.next().cloned().unwrap_or_default() };
        match flag {
            'o' => lines.push(value.replacen('=', " ", 1)),
            'F' => file = Some(value),
            'i' => lines.push(format!("identityfile {value}")),
            'p' => lines.push(format!("port {value}")),
            'l' => lines.push(format!("user {value}")),
            'J' => lines.push(format!("proxyjump {value}")),
            _ => {}
        }
    }
    (lines, file)
}

/// The lines of a configuration file that hold for a host: `Host` with patterns, `Match all`, `Include` through `read`.
/// Other `Match` blocks are left out. The first value of a key wins, as in OpenSSH.
pub fn read_file(text: &str, host: &str, read: &dyn Fn(&str) -> Vec<String>, depth: u8) -> Vec<String> {
    let mut lines = vec![];
    let mut holds = true;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (key, value) = line.split_once(|letter: char| letter.is_whitespace() || letter == '=').unwrap_or((line, ""));
        let value = value.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '=').trim();
        match key.to_lowercase().as_str() {
            "host" => {
                let patterns = split(value);
                let not = patterns.iter().any(|pattern| pattern.strip_prefix('!').is_some_and(|pattern| wildcard(pattern, host)));
                holds = !not && patterns.iter().any(|pattern| wildcard(pattern, host));
            }
            "match" => holds = value.eq_ignore_ascii_case("all"),
            "include" if holds && depth > 0 => {
                for word in split(value) {
                    for text in read(&word) {
                        lines.extend(read_file(&text, host, read, depth - 1));
                    }
                }
            }
            key @ ("identityfile" | "certificatefile" | "identityagent") if holds => {
                lines.push(format!("{key} {}", value.trim_matches('"')))
            }
            key if holds => lines.push(format!("{key} {value}")),
            _ => {}
        }
    }
    lines
}

/// One stop of a jump: `[user@]host[:port]` or `ssh://…`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Jump {
    pub user: Option<String>,
    pub host: String,
    pub port: Option<u16>,
}

/// The last stop of a list, and what comes before it.
pub fn read_jump(list: &str) -> (Option<String>, Jump) {
    let (before, last) = list.rsplit_once(',').map_or((None, list), |(before, last)| (Some(before.to_owned()), last));
    let last = last.trim().trim_start_matches("ssh://").trim_end_matches('/');
    let (user, place) = last.rsplit_once('@').map_or((None, last), |(user, place)| (Some(user.to_owned()), place));
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match place.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (place, None),
        },
    };
    (before, Jump { user, host: host.to_owned(), port: port.and_then(|port| port.parse().ok()) })
}
