//! Questions that are asked until their answer is the right one: a port, the connections of a port, a path.

use std::net::IpAddr;

use crate::resources::{path, sh};
use crate::state::{Fields, Reply};

/// Contents that are searched are read up to this many bytes.
const WHOLE: u64 = 16 << 20;

/// Whether a port takes connections; `read`: and what it says first. Asked by whatever the host has: bash, nc, BusyBox; for the
/// host itself also by the kernel's table.
pub fn port(host: &str, port: i64, timeout: i64, read: bool) -> String {
    let (quoted, timeout) = (sh::quote(host), timeout.max(1));
    let loopback = host == "localhost" || host == "::1" || host == "0.0.0.0" || host.starts_with("127.");
    let says = if read { r#"w=$3; while IFS= read -r -t "$w" -u 3 l; do printf "%s\n" "$l"; w=1; done; printf "%s" "$l""# } else { ":" };
    let listens = format!("cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -qi '^ *[0-9]*: [0-9A-F]*:{port:04X} [0-9A-F:]* 0A '");
    let local = if loopback { format!("if {listens}; then echo '@open'; else echo '@closed'; fi") } else { "echo '@unknown'".into() };
    let nc_says = if read { format!("; {{ sleep 2; }} | $n -w {timeout} \"$h\" \"$p\" 2>/dev/null") } else { String::new() };
    format!(
        r#"h={quoted}; p={port}; w=; command -v timeout >/dev/null && w='timeout {}'
if command -v bash >/dev/null; then o=$($w bash -c 'exec 3<>"/dev/tcp/$1/$2" || exit 9; echo "@open"; {says}' - "$h" "$p" {timeout} 2>&1); case $o in @open*) printf '%s\n' "$o"; exit 0;; */dev/tcp/*'No such file'*) ;; *) echo '@closed'; exit 0;; esac; fi
n=; if command -v nc >/dev/null; then n=nc; elif command -v busybox >/dev/null && busybox nc --help 2>&1 | grep -q -- -z; then n='busybox nc'; fi
if [ -n "$n" ]; then o=$($n -z -w {timeout} "$h" "$p" </dev/null 2>&1); c=$?; case $o in *nvalid*|*nrecognized*|*sage*) ;; *) if [ $c = 0 ]; then echo '@open'{nc_says}; else echo '@closed'; fi; exit 0;; esac; fi
{local}
exit 0
"#,
        timeout + if read { 3 } else { 0 }
    )
}

/// What is known of a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Port<'a> {
    /// And what it said.
    Open(&'a str),
    Closed,
    /// The host has nothing to ask with.
    Unknown,
}

pub fn read_port(text: &str) -> Option<Port<'_>> {
    let (word, rest) = text.split_once('\n').unwrap_or((text, ""));
    match word.trim_end() {
        "@open" => Some(Port::Open(rest)),
        "@closed" => Some(Port::Closed),
        "@unknown" => Some(Port::Unknown),
        _ => None,
    }
}

/// Whether a path is there, links followed, and how it is; `read`: and what it holds.
pub fn path(path: &str, read: bool) -> String {
    let quoted = sh::path(path);
    let holds = if read { format!("[ -f {quoted} ] && head -c {WHOLE} {quoted} 2>/dev/null; ") } else { String::new() };
    format!(
        "if [ -e {quoted} ]; then s=$(stat -c '{}' {quoted} 2>/dev/null); printf '@there %s\\n' \"${{s%%:/*}}\"; {holds}else stat -L {quoted} 2>&1 | grep -q 'ermission denied' && echo '@denied' || echo '@gone'; fi; exit 0\n",
        path::FORMAT
    )
}

/// What an answer says about a path that is there: its fields, and what it holds.
pub fn read_path(text: &str) -> Option<(Fields, &str)> {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let line = line.strip_prefix("@there")?.trim();
    // its name is cut off: the format ends with it
    let fields = path::words(&format!("{line}:")).and_then(|(words, _)| path::fields(&words));
    Some((fields.unwrap_or_default(), rest))
}

/// All connections of the host, and the addresses of these names.
pub fn connections(names: &[&str]) -> String {
    let mut text = "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null\n".to_string();
    for name in names {
        let name = sh::quote(name);
        text += &format!("printf '@host %s\\n' {name}; getent ahosts {name} 2>/dev/null || echo {name}\n");
    }
    text + "exit 0\n"
}

/// How many connections of a port of a host are in one of these states (two digits, as the kernel writes them), those from
/// excluded hosts left out.
pub fn count(reply: &Reply, host: &str, port: i64, excluded: &[String], states: &[&str]) -> usize {
    const MAPPED: &str = "0000000000000000FFFF0000";
    let text = String::from_utf8_lossy(&reply.out);
    let hosts = addresses(&text, |name| name == host);
    let away = addresses(&text, |name| excluded.iter().any(|host| host == name));
    let port = format!("{port:04X}");
    let counts = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, local, remote, state, ..] = words[..] else { return false };
        let (Some((ip, own)), Some((from, _))) = (local.split_once(':'), remote.split_once(':')) else { return false };
        let mine = |address: &str| hosts.iter().any(|host| host == address);
        let any = "0".repeat(ip.len());
        let meant = mine(ip) || mine(&any) || (ip.starts_with(MAPPED) && mine(&format!("{MAPPED}00000000")));
        own == port && states.contains(&state) && meant && !away.iter().any(|address| address == from)
    };
    text.lines().take_while(|line| !line.starts_with("@host ")).filter(counts).count()
}

/// Addresses of names, as the kernel writes them; those of IPv4 also as they look in the table of IPv6.
fn addresses(text: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut all = vec![];
    let mut inside = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("@host ") {
            inside = wanted(name);
        } else if inside && let Some(Ok(address)) = line.split_whitespace().next().map(str::parse::<IpAddr>) {
            match address {
                IpAddr::V4(address) => all.extend([hex(&address.octets()), hex(&address.to_ipv6_mapped().octets())]),
                IpAddr::V6(address) => all.push(hex(&address.octets())),
            }
        }
    }
    all
}

/// Words of four bytes, the last byte first.
fn hex(octets: &[u8]) -> String {
    octets.chunks(4).flat_map(|word| word.iter().rev()).map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted() {
        let out = "  sl  local_address rem_address   st tx_queue\n\
                   0: 0100007F:0016 0100007F:D431 01 00000000:00000000\n\
                   1: 00000000:0016 00000000:0000 0A 00000000:00000000\n\
                   2: 0200A8C0:0016 0300A8C0:1234 01 00000000:00000000\n\
                   3: 0000000000000000FFFF00000100007F:0016 0000000000000000FFFF00000100007F:D431 01 0\n\
                   @host 127.0.0.1\n127.0.0.1 STREAM\n@host 0.0.0.0\n0.0.0.0\n@host 192.168.0.3\n192.168.0.3\n";
        let reply = Reply { code: 0, out: out.into(), err: vec![] };
        assert_eq!(count(&reply, "127.0.0.1", 22, &[], &["01"]), 2);
        assert_eq!(count(&reply, "0.0.0.0", 22, &[], &["01"]), 3);
        assert_eq!(count(&reply, "0.0.0.0", 22, &["192.168.0.3".into()], &["01"]), 2);
        assert_eq!(count(&reply, "127.0.0.1", 23, &[], &["01"]), 0);
    }
}
