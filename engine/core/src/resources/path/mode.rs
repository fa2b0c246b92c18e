//! Permission bits, as numbers and as chmod(1) writes them.

use crate::text::Value;

/// The bits that a mode means, given the bits that are now (symbolic modes build on those). `X` depends on whether the
/// path is a directory.
///
/// Errors: a text that is neither octal nor symbolic.
pub fn mode_bits(mode: &Value, now: i64, directory: bool) -> Result<i64, String> {
    let text = match mode.plain() {
        Value::Int(bits) => return Ok(*bits & 0o7777),
        Value::Text(text) => text,
        _ => return Err("a mode is a text such as \"0644\" or u=rw,g=r".into()),
    };
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return i64::from_str_radix(text, 8).ok().filter(|bits| *bits <= 0o7777).ok_or_else(|| format!("`{text}` is no octal mode"));
    }
    text.split(',').try_fold(now, |bits, clause| clause_bits(clause, bits, directory)).ok_or_else(|| format!("`{text}` is no mode"))
}

/// One clause: `[ugoa]*([-+=][rwxXst]*)+`, the permissions also copied from `u`, `g` or `o`.
fn clause_bits(clause: &str, mut bits: i64, directory: bool) -> Option<i64> {
    let at = clause.find(['+', '-', '='])?;
    let (who, mut rest) = clause.split_at(at);
    let who = if who.is_empty() { "a" } else { who };
    if !who.chars().all(|letter| "ugoa".contains(letter)) {
        return None;
    }
    while let Some(operator) = rest.chars().next() {
        rest = &rest[1..];
        let end = rest.find(['+', '-', '=']).unwrap_or(rest.len());
        let (letters, more) = rest.split_at(end);
        rest = more;
        let (set, clear) = permission(who, letters, bits, directory)?;
        bits = match operator {
            '+' => bits | set,
            '-' => bits & !set,
            _ => (bits & !clear) | set,
        };
    }
    Some(bits)
}

/// The bits that the letters mean for `who`, and the bits that `=` clears.
fn permission(who: &str, letters: &str, now: i64, directory: bool) -> Option<(i64, i64)> {
    let (mut set, mut clear) = (0, 0);
    for (name, shift, special) in [('u', 6, 0o4000), ('g', 3, 0o2000), ('o', 0, 0)] {
        if !who.contains(name) && !who.contains('a') {
            continue;
        }
        // setuid and setgid of a directory stay with `=`, as GNU chmod keeps them
        clear |= (0o7 << shift) | if directory { 0 } else { special };
        for letter in letters.chars() {
            set |= match letter {
                'r' => 4 << shift,
                'w' => 2 << shift,
                'x' => 1 << shift,
                'X' if directory || now & 0o111 != 0 => 1 << shift,
                'X' => 0,
                's' => special,
                't' => 0o1000,
                'u' => ((now >> 6) & 7) << shift,
                'g' => ((now >> 3) & 7) << shift,
                'o' => (now & 7) << shift,
                _ => return None,
            };
        }
    }
    Some((set, clear))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_chmod_has_them() {
        for (mode, now, directory, then) in [
            ("0644", 0, false, 0o644),
            ("u=rw,g=r,o=r", 0o777, false, 0o644),
            ("u+x", 0o644, false, 0o744),
            ("a-w", 0o666, false, 0o444),
            ("u=rwX,g=rX,o=", 0o644, false, 0o640),
            ("u=rwX,g=rX,o=", 0o644, true, 0o750),
            ("g=u", 0o640, false, 0o660),
            ("+t", 0o755, true, 0o1755),
            ("u+s", 0o755, false, 0o4755),
            ("go=", 0o755, false, 0o700),
        ] {
            assert_eq!(mode_bits(&Value::text(mode), now, directory), Ok(then), "{mode} on {now:o}");
        }
        assert!(mode_bits(&Value::text("abc"), 0, false).is_err());
        assert!(mode_bits(&Value::text("99"), 0, false).is_err());
    }
}
