//! Names of hosts: addresses, ports, and ranges such as `web[01:50:2]`.

use std::sync::LazyLock;

use fancy_regex::Regex;

/// A range makes at most this many hosts.
const MAX_HOSTS: usize = 1_000_000;
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

const NUMERIC: &str = r"\[(?:[0-9]+:[0-9]+)(?::[0-9]+)?\]";
const HEXADECIMAL: &str = r"\[(?:[0-9a-f]+:[0-9a-f]+)(?::[0-9]+)?\]";
const ALPHANUMERIC: &str = r"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]";

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a valid pattern")
}

static BRACKETED_PORT: LazyLock<regex::Regex> = LazyLock::new(|| regex::Regex::new(r"^\[(.+)\]:([0-9]+)$").expect("a valid pattern"));
static PORT: LazyLock<regex::Regex> =
    LazyLock::new(|| regex::Regex::new(r"^((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)$").expect("a valid pattern"));
static IPV4: LazyLock<Regex> = LazyLock::new(|| {
    let part = format!(r"(?:[01]?[0-9]{{1,2}}|2[0-4][0-9]|25[0-5]|{NUMERIC})");
    pattern(&format!(r"(?i)^(?:{part}\.){{3}}{part}$"))
});
static IPV6: LazyLock<Regex> = LazyLock::new(|| {
    let p = format!(r"(?:[0-9a-f]{{1,4}}|{HEXADECIMAL})");
    let forms = [
        format!(r"(?:{p}:){{7}}{p}"),
        format!(r"(?:{p}:){{1,6}}:"),
        format!(r"(?:{p}:)(?::{p}){{1,6}}"),
        format!(r"(?:{p}:){{2}}(?::{p}){{1,5}}"),
        format!(r"(?:{p}:){{3}}(?::{p}){{1,4}}"),
        format!(r"(?:{p}:){{4}}(?::{p}){{1,3}}"),
        format!(r"(?:{p}:){{5}}(?::{p}){{1,2}}"),
        format!(r"(?:{p}:){{6}}(?::{p})"),
        format!(r":(?::{p}){{1,6}}"),
        format!(r"{p}?::"),
        format!(r"(?:0:){{6}}(?:{p}\.){{3}}{p}"),
        format!(r"::(?:ffff:)?(?:{p}\.){{3}}{p}"),
        format!(r"(?:0:){{5}}ffff:(?:{p}\.){{3}}{p}"),
    ];
    pattern(&format!(r"(?i)^(?:{})$", forms.join("|")))
});
static HOSTNAME: LazyLock<Regex> = LazyLock::new(|| {
    let label = format!(r"(?:\w|{ALPHANUMERIC})(?:[\w_-]|{ALPHANUMERIC})*(?<![_-])");
    pattern(&format!(r"(?i)^{label}(?:\.{label})*$"))
});

fn is(regex: &Regex, text: &str) -> bool {
    regex.is_match(text).unwrap_or(false)
}

/// Whether a name is an address and has no short form.
pub fn is_ip(name: &str) -> bool {
    is(&IPV4, name) || is(&IPV6, name)
}

/// A name and its port, where the text is a host's name, address or range of names at all.
pub fn parse(text: &str) -> Option<(String, Option<u16>)> {
    let (mut name, mut port) = (text.to_string(), None);
    for regex in [&BRACKETED_PORT, &PORT] {
        let found = regex.captures(&name).map(|parts| (parts[1].to_string(), parts[2].parse().ok()));
        if let Some((inner, number)) = found {
            (name, port) = (inner, number);
        }
    }
    (is(&IPV4, &name) || is(&IPV6, &name) || is(&HOSTNAME, &name)).then_some((name, port))
}

/// The hosts that a word of an inventory names, and their port.
pub fn expand(word: &str) -> Result<(Vec<String>, Option<u16>), String> {
    let (name, port) = parse(word).unwrap_or_else(|| (word.to_string(), None));
    if !name.contains('[') {
        return Ok((vec![name], port));
    }
    let mut hosts = vec![];
    ranges(&name, &mut hosts)?;
    Ok((hosts, port))
}

/// The names of a text with one range or several.
fn ranges(text: &str, hosts: &mut Vec<String>) -> Result<(), String> {
    let malformed = || format!("`{text}` is not a range of hosts: write `web[1:9]` or `web[a:f]`");
    let (head, rest) = text.split_once('[').ok_or_else(malformed)?;
    let (range, tail) = rest.split_once(']').ok_or_else(malformed)?;
    let bounds: Vec<&str> = range.split(':').collect();
    let (first, last, step) = match bounds[..] {
        [first, last] => (first, last, "1"),
        [first, last, step] => (first, last, step),
        _ => return Err(malformed()),
    };
    if last.is_empty() {
        return Err(format!("the range `[{range}]` has no end"));
    }
    let step = step.parse::<usize>().ok().filter(|step| *step > 0).ok_or_else(|| format!("`{step}` is no step of a range"))?;
    for part in sequence(if first.is_empty() { "0" } else { first }, last, step, range)? {
        let name = format!("{head}{part}{tail}");
        if name.contains('[') {
            ranges(&name, hosts)?;
        } else {
            hosts.push(name);
        }
        if hosts.len() > MAX_HOSTS {
            return Err(format!("`{text}` names over {MAX_HOSTS} hosts"));
        }
    }
    Ok(())
}

fn sequence(first: &str, last: &str, step: usize, range: &str) -> Result<Vec<String>, String> {
    if let (Some(from), Some(to)) = (LETTERS.find(first), LETTERS.find(last)) {
        if from > to {
            return Err(format!("the range `[{range}]` ends before it begins"));
        }
        return Ok(LETTERS[from..=to].chars().step_by(step).map(String::from).collect());
    }
    let number =
        |text: &str| text.parse::<usize>().map_err(|_| format!("`{text}` is no bound of a range: both are numbers, or both are letters"));
    let (from, to) = (number(first)?, number(last)?);
    let width = if first.len() > 1 && first.starts_with('0') { first.len() } else { 0 };
    if width > 0 && width != last.len() {
        return Err(format!("the bounds of the range `[{range}]` are not equally long; write `[01:10]`"));
    }
    if to.saturating_sub(from) / step > MAX_HOSTS {
        return Err(format!("the range `[{range}]` names over {MAX_HOSTS} hosts"));
    }
    Ok((from..=to).step_by(step).map(|n| format!("{n:0width$}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(word: &str) -> String {
        expand(word)
            .map(|(hosts, port)| hosts.join(" ") + &port.map(|port| format!(" :{port}")).unwrap_or_default())
            .unwrap_or_else(|said| said)
    }

    #[test]
    fn names_ports_and_ranges() {
        for (word, want) in [
            ("web[01:05:2].x", "web01.x web03.x web05.x"),
            ("[a:c]", "a b c"),
            ("r[1:2]n[a:b]:22", "r1na r1nb r2na r2nb :22"),
            ("[2001:db8::1]:22", "2001:db8::1 :22"),
            ("2001:db8::1", "2001:db8::1"),
            ("h:2222", "h :2222"),
            ("h[:2]", "h0 h1 h2"),
            ("h[3:1]", ""),
            ("h[01:100]", "the bounds of the range `[01:100]` are not equally long; write `[01:10]`"),
            ("h[c:a]", "the range `[c:a]` ends before it begins"),
            ("h[0:999999999]", "the range `[0:999999999]` names over 1000000 hosts"),
            ("h[1]", "`h[1]` is not a range of hosts: write `web[1:9]` or `web[a:f]`"),
        ] {
            assert_eq!(names(word), want, "{word}");
        }
    }
}
