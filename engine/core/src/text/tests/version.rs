//! The test `version`: loose, strict, semantic and PEP 440.

use std::cmp::Ordering;

use crate::text::diagnostic::Diagnostic;
use crate::text::template::{Call, Here, Outcome, fail};

pub fn holds(call: &Call<'_>, _: &Here<'_>) -> Outcome<bool> {
    let (left, right) = (call.text(0)?, call.text(1)?);
    if left.is_empty() || right.is_empty() {
        return fail("a version to compare is empty");
    }
    let strict = call.given(3)?.is_some() && call.flag(3, false)?;
    let kind = call.text_or(4, if strict { "strict" } else { "loose" })?;
    let operator = call.text_or(2, "eq")?;
    let order = match &*kind {
        "loose" => loose(&left, &right),
        "strict" => ordered(strict_parts(&left)?, strict_parts(&right)?),
        "semver" | "semantic" => semantic(&left)?.cmp(&semantic(&right)?),
        "pep440" => pep440(&left)?.cmp(&pep440(&right)?),
        other => {
            return Err(Diagnostic::error(format!("there is no version type `{other}`"))
                .meant(other, ["loose", "strict", "semver", "semantic", "pep440"])
                .into());
        }
    };
    Ok(match &*operator {
        "==" | "=" | "eq" => order.is_eq(),
        "!=" | "<>" | "ne" => order.is_ne(),
        "<" | "lt" => order.is_lt(),
        "<=" | "le" => order.is_le(),
        ">" | "gt" => order.is_gt(),
        ">=" | "ge" => order.is_ge(),
        other => return fail(format!("`{other}` compares no versions; it is one of ==, !=, <, <=, >, >=")),
    })
}

fn ordered<T: Ord>(a: T, b: T) -> Ordering {
    a.cmp(&b)
}

#[derive(PartialEq, Eq)]
enum Part {
    Number(u64),
    Text(String),
}

/// Python's `LooseVersion`: numbers and words, dots left out. A number before a word is smaller than the word's place.
fn parts(text: &str) -> Vec<Part> {
    let mut out = vec![];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.peek().copied() {
        let mut piece = String::new();
        if c.is_ascii_digit() {
            while let Some(c) = chars.next_if(char::is_ascii_digit) {
                piece.push(c);
            }
            out.push(Part::Number(piece.parse().unwrap_or(u64::MAX)));
        } else if c.is_ascii_lowercase() {
            while let Some(c) = chars.next_if(char::is_ascii_lowercase) {
                piece.push(c);
            }
            out.push(Part::Text(piece));
        } else {
            while let Some(c) = chars.next_if(|c| !c.is_ascii_digit() && !c.is_ascii_lowercase() && *c != '.') {
                piece.push(c);
            }
            if !piece.is_empty() {
                out.push(Part::Text(piece));
            } else {
                chars.next();
            }
        }
    }
    out
}

fn loose(left: &str, right: &str) -> Ordering {
    let (left, right) = (parts(left), parts(right));
    for (a, b) in left.iter().zip(&right) {
        let order = match (a, b) {
            (Part::Number(a), Part::Number(b)) => a.cmp(b),
            (Part::Text(a), Part::Text(b)) => a.cmp(b),
            // Python cannot compare these, and Ansible fails; a release comes after its candidates
            (Part::Number(_), Part::Text(_)) => Ordering::Greater,
            (Part::Text(_), Part::Number(_)) => Ordering::Less,
        };
        if order.is_ne() {
            return order;
        }
    }
    left.len().cmp(&right.len())
}

type Strict = ([u64; 3], (bool, char, u64));

fn strict_parts(text: &str) -> Outcome<Strict> {
    let at = text.find(['a', 'b']).unwrap_or(text.len());
    let (numbers, pre) = text.split_at(at);
    let mut out = [0; 3];
    let split: Vec<&str> = numbers.split('.').collect();
    if !(2..=3).contains(&split.len()) {
        return fail(format!("`{text}` is no strict version"));
    }
    for (slot, part) in out.iter_mut().zip(&split) {
        match part.parse() {
            Ok(number) => *slot = number,
            Err(_) => return fail(format!("`{text}` is no strict version")),
        }
    }
    let mut chars = pre.chars();
    match chars.next() {
        None => Ok((out, (true, ' ', 0))),
        Some(letter) => match chars.as_str().parse() {
            Ok(number) => Ok((out, (false, letter, number))),
            Err(_) => fail(format!("`{text}` is no strict version")),
        },
    }
}

/// Parts of a pre-release: numbers before words; a release after all of them.
type Semantic = ([u64; 3], bool, Vec<(bool, u64, String)>);

fn semantic(text: &str) -> Outcome<Semantic> {
    let wrong = || fail(format!("`{text}` is no semantic version: it has three numbers, as 1.2.3"));
    let plain = text.split('+').next().unwrap_or(text);
    let (numbers, pre) = plain.split_once('-').map_or((plain, None), |(numbers, pre)| (numbers, Some(pre)));
    let numbers: Vec<Option<u64>> = numbers.split('.').map(|part| part.parse().ok()).collect();
    let [Some(major), Some(minor), Some(patch)] = numbers[..] else { return wrong() };
    let parts = pre.map_or(vec![], |pre| {
        pre.split('.')
            .map(|part| part.parse().map_or_else(|_| (true, 0, part.to_string()), |number| (false, number, String::new())))
            .collect()
    });
    Ok(([major, minor, patch], pre.is_none(), parts))
}

/// Epoch, release, then where it stands around the release: dev, a, b, rc, itself, post.
type Pep = (u64, Vec<u64>, (i8, u64), u64, u64);

fn pep440(text: &str) -> Outcome<Pep> {
    let lower = text.trim().to_lowercase();
    let lower = lower.strip_prefix('v').unwrap_or(&lower);
    let plain = lower.split('+').next().unwrap_or(lower);
    let (epoch, rest) = plain.split_once('!').map_or((0, plain), |(epoch, rest)| (epoch.parse().unwrap_or(0), rest));
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let mut release: Vec<u64> = rest[..end].split('.').filter(|part| !part.is_empty()).filter_map(|part| part.parse().ok()).collect();
    if release.is_empty() {
        return fail(format!("`{text}` is no version by PEP 440"));
    }
    while release.last() == Some(&0) && release.len() > 1 {
        release.pop();
    }
    let (mut pre, mut post, mut dev): ((i8, u64), u64, u64) = ((3, 0), 0, u64::MAX);
    let mut tail = rest[end..].trim_start_matches(['.', '-', '_']);
    while !tail.is_empty() {
        let words = [
            ("alpha", 0),
            ("beta", 1),
            ("preview", 2),
            ("post", 4),
            ("rev", 4),
            ("dev", 5),
            ("rc", 2),
            ("pre", 2),
            ("a", 0),
            ("b", 1),
            ("c", 2),
            ("r", 4),
        ];
        let Some((word, rank)) = words.iter().find(|(word, _)| tail.starts_with(word)) else {
            return fail(format!("`{text}` is no version by PEP 440"));
        };
        let after = tail[word.len()..].trim_start_matches(['.', '-', '_']);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let number: u64 = after[..digits].parse().unwrap_or(0);
        match rank {
            4 => post = number + 1,
            5 => dev = number,
            rank => pre = (*rank, number),
        }
        tail = after[digits..].trim_start_matches(['.', '-', '_']);
    }
    if dev != u64::MAX && pre == (3, 0) && post == 0 {
        pre = (-1, 0);
    }
    Ok((epoch, release, pre, post, dev))
}
