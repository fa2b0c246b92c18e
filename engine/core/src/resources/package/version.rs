//! Versions of Debian packages, and patterns of versions and names.

use std::cmp::Ordering;

/// As `dpkg --compare-versions` orders them (deb-version(7)).
pub fn compare(one: &str, other: &str) -> Ordering {
    let (first, second) = (split(one), split(other));
    first.0.cmp(&second.0).then_with(|| part(first.1, second.1)).then_with(|| part(first.2, second.2))
}

/// Epoch, version, revision.
fn split(version: &str) -> (u64, &str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch.parse().unwrap_or(0), upstream, revision)
}

/// Stretches of other letters and of digits, in turn.
fn part(mut one: &str, mut other: &str) -> Ordering {
    while !one.is_empty() || !other.is_empty() {
        let (first, second) = (take(&mut one, false), take(&mut other, false));
        let (first, second) = (weights(first), weights(second));
        let order = first.cmp(&second);
        if order.is_ne() {
            return order;
        }
        let number = |digits: &str| digits.trim_start_matches('0').to_string();
        let (first, second) = (number(take(&mut one, true)), number(take(&mut other, true)));
        let order = first.len().cmp(&second.len()).then_with(|| first.cmp(&second));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn take<'a>(text: &mut &'a str, digits: bool) -> &'a str {
    let end = text.find(|letter: char| letter.is_ascii_digit() != digits).unwrap_or(text.len());
    let (taken, rest) = text.split_at(end);
    *text = rest;
    taken
}

/// `~` before the end, the end before letters, letters before all else.
fn weights(text: &str) -> Vec<u32> {
    let weight = |letter: char| match letter {
        '~' => 0,
        letter if letter.is_ascii_alphabetic() => 2 + letter as u32,
        letter => 1000 + letter as u32,
    };
    text.chars().map(weight).chain([1]).collect()
}

/// Whether a text matches a pattern of `*`, `?` and `[…]`, as fnmatch(3) has them.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    glob(&pattern, &text)
}

fn glob(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|at| glob(rest, &text[at..])),
        ['?', rest @ ..] => !text.is_empty() && glob(rest, &text[1..]),
        ['[', rest @ ..] => match (rest.iter().skip(1).position(|letter| *letter == ']'), text) {
            (Some(end), [letter, text @ ..]) => set(&rest[..=end], *letter) && glob(&rest[end + 2..], text),
            (Some(_), []) => false,
            (None, _) => text.first() == Some(&'[') && glob(rest, &text[1..]),
        },
        [letter, rest @ ..] => text.first() == Some(letter) && glob(rest, &text[1..]),
    }
}

fn set(set: &[char], letter: char) -> bool {
    let (negated, mut set) = match set {
        ['!' | '^', rest @ ..] => (true, rest),
        set => (false, set),
    };
    let mut found = false;
    while let [first, rest @ ..] = set {
        (found, set) = match rest {
            ['-', last, rest @ ..] => (found || (*first..=*last).contains(&letter), rest),
            _ => (found || *first == letter, rest),
        };
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_dpkg_orders_them() {
        for (low, high) in [
            ("1.0", "1.1"),
            ("1.9", "1.10"),
            ("1.0~rc1", "1.0"),
            ("1.0", "1.0-1"),
            ("1.0-1", "1.0-1+b1"),
            ("2.0", "1:1.0"),
            ("1.0a", "1.0+"),
            ("1.0-1~bpo1", "1.0-1"),
            ("1.2.3-9ubuntu0.1", "1.2.3-9ubuntu0.10"),
        ] {
            assert_eq!(compare(low, high), Ordering::Less, "{low} < {high}");
            assert_eq!(compare(high, low), Ordering::Greater, "{high} > {low}");
        }
        assert_eq!(compare("1.00", "1.0"), Ordering::Equal);
        assert_eq!(compare("0:1.0", "1.0"), Ordering::Equal);
    }

    #[test]
    fn as_fnmatch_has_them() {
        for (pattern, text, is) in [
            ("1.2*", "1.2.3-1", true),
            ("1.2*", "1.3", false),
            ("1.?", "1.0", true),
            ("[a-c]x", "bx", true),
            ("[!a]x", "ax", false),
            ("1.0", "1.0", true),
        ] {
            assert_eq!(matches(pattern, text), is, "{pattern} {text}");
        }
    }
}
