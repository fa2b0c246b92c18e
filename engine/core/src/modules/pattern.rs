//! Python's regular expressions, on bytes as `re` has them where the pattern is bytes, or on text.
//!
//! Bytes are matched as the characters of the same numbers: a byte is one character, and `\w` is ASCII only, as in
//! Python. Patterns are translated where Python writes something otherwise than fancy-regex.

use std::borrow::Cow;

use fancy_regex::{Captures, Regex};

/// What a pattern is matched against.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Of {
    Bytes,
    Text,
}

#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    of: Of,
    /// It begins with flags of which one is `m`.
    pub multiline: bool,
}

/// A match: the groups, each as the bytes that it holds, and where the whole begins and ends.
#[derive(Clone, PartialEq, Debug)]
pub struct Match {
    pub start: usize,
    pub end: usize,
    groups: Vec<Option<Vec<u8>>>,
    names: Vec<(String, usize)>,
}

impl Pattern {
    /// Errors: what is wrong with the pattern, to be read after its name.
    pub fn new(pattern: &str, of: Of) -> Result<Pattern, String> {
        Pattern::with_flags(pattern, of, "")
    }

    /// With flags such as `m`, as `re.compile` takes them.
    pub fn with_flags(pattern: &str, of: Of, flags: &str) -> Result<Pattern, String> {
        let characters: Cow<'_, str> = match of {
            Of::Bytes => latin(pattern.as_bytes()),
            Of::Text => pattern.into(),
        };
        let mut translation = Translation { of, out: String::new(), multiline: flags.contains('m') };
        translation.run(&characters.chars().collect::<Vec<_>>());
        let prefix = if flags.is_empty() { String::new() } else { format!("(?{flags})") };
        let whole = format!("{prefix}{}", translation.out);
        match Regex::new(&whole) {
            Ok(regex) => Ok(Pattern { regex, of, multiline: translation.multiline }),
            Err(error) => Err(format!("`{pattern}` is no regular expression: {error}")),
        }
    }

    /// The first match.
    pub fn search(&self, bytes: &[u8]) -> Option<Match> {
        let text = self.text(bytes)?;
        let captures = self.regex.captures(&*text).ok()??;
        Some(self.found(&captures, &text))
    }

    pub fn is_match(&self, bytes: &[u8]) -> bool {
        self.text(bytes).is_some_and(|text| self.regex.is_match(&*text).unwrap_or(false))
    }

    /// All matches from left to right, none over another.
    pub fn all(&self, bytes: &[u8]) -> Vec<Match> {
        let Some(text) = self.text(bytes) else { return vec![] };
        self.regex.captures_iter(&*text).map_while(Result::ok).map(|captures| self.found(&captures, &text)).collect()
    }

    fn text<'a>(&self, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
        match self.of {
            Of::Bytes => Some(latin(bytes)),
            Of::Text => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        }
    }

    fn found(&self, captures: &Captures<'_, str>, text: &str) -> Match {
        let bytes = |text: &str| match self.of {
            Of::Bytes => text.chars().map(|c| c as u8).collect(),
            Of::Text => text.as_bytes().to_vec(),
        };
        let at = |at: usize| match self.of {
            Of::Bytes => text[..at].chars().count(),
            Of::Text => at,
        };
        let whole = captures.get(0).map_or((0, 0), |whole| (whole.start(), whole.end()));
        Match {
            start: at(whole.0),
            end: at(whole.1),
            groups: captures.iter().map(|group| group.map(|group| bytes(group.as_str()))).collect(),
            names: self.regex.capture_names().enumerate().filter_map(|(at, name)| Some((name?.to_string(), at))).collect(),
        }
    }
}

impl Match {
    /// A group by its number; nothing where it took no part.
    pub fn group(&self, at: usize) -> &[u8] {
        self.groups.get(at).and_then(Option::as_deref).unwrap_or_default()
    }

    /// Python's `match.expand`: `\1`, `\g<2>`, `\g<name>`, `\n` and its like.
    ///
    /// Errors: a group that the pattern does not have, an escape that is none.
    pub fn expand(&self, template: &[u8]) -> Result<Vec<u8>, String> {
        let (mut out, mut at) = (vec![], 0);
        while let Some(&byte) = template.get(at) {
            at += 1;
            if byte != b'\\' {
                out.push(byte);
                continue;
            }
            let Some(&next) = template.get(at) else { return Err("bad escape (end of pattern)".into()) };
            at += 1;
            match next {
                b'g' => at = self.named(template, at, &mut out)?,
                b'0' => {
                    let digits = octal(&template[at..], 2);
                    out.push(u8::from_str_radix(&format!("0{}", &digits), 8).unwrap_or_default());
                    at += digits.len();
                }
                b'1'..=b'9' => at = self.numbered(template, at - 1, &mut out)?,
                b'\\' => out.push(b'\\'),
                b'a' => out.push(7),
                b'b' => out.push(8),
                b'f' => out.push(12),
                b'n' => out.push(b'\n'),
                b'r' => out.push(b'\r'),
                b't' => out.push(b'\t'),
                b'v' => out.push(11),
                letter if letter.is_ascii_alphabetic() => return Err(format!("bad escape \\{}", letter as char)),
                other => out.extend([b'\\', other]),
            }
        }
        Ok(out)
    }

    /// `\g<…>` from behind its `g`; gives where it ends.
    fn named(&self, template: &[u8], at: usize, out: &mut Vec<u8>) -> Result<usize, String> {
        let rest = &template[at..];
        let end = rest.iter().position(|byte| *byte == b'>').filter(|_| rest.first() == Some(&b'<'));
        let Some(end) = end else { return Err("missing < or > of a group name".into()) };
        let name = String::from_utf8_lossy(&rest[1..end]).into_owned();
        let number = name.parse().ok().or_else(|| self.names.iter().find(|(known, _)| *known == name).map(|(_, at)| *at));
        match number.filter(|number| *number < self.groups.len()) {
            Some(number) => out.extend(self.group(number)),
            None => return Err(format!("no group `{name}` in the pattern")),
        }
        Ok(at + end + 1)
    }

    /// `\12` is a group, `\123` a byte in octal; gives where it ends.
    fn numbered(&self, template: &[u8], at: usize, out: &mut Vec<u8>) -> Result<usize, String> {
        let digits = octal(&template[at..], 3);
        if digits.len() == 3 && digits.as_bytes()[0] < b'4' {
            out.push(u8::from_str_radix(&digits, 8).unwrap_or_default());
            return Ok(at + 3);
        }
        let two = template.get(at + 1).is_some_and(u8::is_ascii_digit);
        let text = String::from_utf8_lossy(&template[at..at + 1 + usize::from(two)]).into_owned();
        match text.parse::<usize>().ok().filter(|number| *number < self.groups.len()) {
            Some(number) => out.extend(self.group(number)),
            None => return Err(format!("invalid group reference {text}")),
        }
        Ok(at + text.len())
    }
}

fn octal(bytes: &[u8], most: usize) -> String {
    bytes.iter().take(most).take_while(|byte| (b'0'..=b'7').contains(*byte)).map(|byte| *byte as char).collect()
}

/// Bytes as the characters of the same numbers.
fn latin(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => text.into(),
        _ => bytes.iter().map(|byte| *byte as char).collect::<String>().into(),
    }
}

struct Translation {
    of: Of,
    out: String,
    multiline: bool,
}

impl Translation {
    fn run(&mut self, chars: &[char]) {
        let mut at = 0;
        while let Some(&c) = chars.get(at) {
            let rest = &chars[at + 1..];
            at += 1;
            match c {
                '\\' => at += self.escape(rest, false),
                '[' => at += self.class(rest),
                '(' if rest.first() == Some(&'?') => at += self.group(rest),
                '{' => at += self.count(rest),
                '}' => self.out.push_str("\\}"),
                '$' if self.multiline => self.out.push_str("(?=\\n|\\z)"),
                '$' => self.out.push_str("(?=\\n?\\z)"),
                c => self.out.push(c),
            }
        }
    }

    /// `(?…`: flags that fancy-regex does not have go, a comment goes; gives how much was taken.
    fn group(&mut self, rest: &[char]) -> usize {
        if rest.get(1) == Some(&'#') {
            return rest.iter().position(|c| *c == ')').map_or(rest.len(), |end| end + 1);
        }
        let flags = rest[1..].iter().take_while(|c| "aiLmsux-".contains(**c)).count();
        match rest.get(1 + flags) {
            Some(end @ (')' | ':')) if flags > 0 => {
                let kept: String = rest[1..=flags].iter().filter(|c| !"aLu".contains(**c)).collect();
                self.multiline |= kept.split('-').next().is_some_and(|on| on.contains('m')) && *end == ')';
                match (kept.is_empty(), end) {
                    (true, ')') => {}
                    (true, _) => self.out.push_str("(?:"),
                    (false, end) => self.out.push_str(&format!("(?{kept}{end}")),
                }
                flags + 2
            }
            _ => {
                self.out.push('(');
                0
            }
        }
    }

    /// A `{` that counts nothing is a character.
    fn count(&mut self, rest: &[char]) -> usize {
        let end = rest.iter().position(|c| *c == '}').unwrap_or(0);
        let inner: String = rest[..end].iter().collect();
        let (from, to) = inner.split_once(',').unwrap_or((&inner, "0"));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if inner.is_empty() || inner == "," || !digits(from) || !digits(to) || (from.is_empty() && !inner.contains(',')) {
            self.out.push_str("\\{");
            return 0;
        }
        self.out.push_str(&if from.is_empty() { format!("{{0{inner}}}") } else { format!("{{{inner}}}") });
        end + 1
    }

    /// A class from behind its `[`; gives how much was taken.
    fn class(&mut self, rest: &[char]) -> usize {
        let mut at = 0;
        self.out.push('[');
        if rest.first() == Some(&'^') {
            self.out.push('^');
            at += 1;
        }
        let first = at;
        while let Some(&c) = rest.get(at) {
            at += 1;
            match c {
                ']' if at - 1 > first => {
                    self.out.push(']');
                    return at;
                }
                '\\' => at += self.escape(&rest[at..], true),
                '[' | ']' | '&' | '~' => self.out.extend(['\\', c]),
                '-' if rest.get(at) == Some(&'-') => self.out.push_str("\\-"),
                c => self.out.push(c),
            }
        }
        at
    }

    /// What stands behind a backslash; gives how much was taken.
    fn escape(&mut self, rest: &[char], class: bool) -> usize {
        let Some(&c) = rest.first() else {
            self.out.push_str("\\\\");
            return 0;
        };
        let bytes = self.of == Of::Bytes;
        let word = "A-Za-z0-9_";
        let space = " \\t\\n\\r\\x0b\\x0c";
        let set = |inner: &str, negative: bool| match (class, negative) {
            (true, false) => inner.to_string(),
            (_, true) => format!("[^{inner}]"),
            (false, false) => format!("[{inner}]"),
        };
        let out = match c {
            'Z' if !class => "\\z".into(),
            'd' | 'D' if bytes => set("0-9", c == 'D'),
            'w' | 'W' if bytes => set(word, c == 'W'),
            's' | 'S' if bytes => set(space, c == 'S'),
            'b' if class => "\\x08".into(),
            'b' if bytes => format!("(?:(?<=[{word}])(?![{word}])|(?<![{word}])(?=[{word}]))"),
            'B' if bytes && !class => format!("(?:(?<=[{word}])(?=[{word}])|(?<![{word}])(?![{word}]))"),
            'v' => "\\x0b".into(),
            'a' => "\\x07".into(),
            'f' => "\\x0c".into(),
            '0' => return self.number(rest, 3),
            '1'..='9' if class || (octal_digits(rest, 3).len() == 3 && rest[0] < '4') => return self.number(rest, 3),
            c if c.is_ascii_alphanumeric() => format!("\\{c}"),
            c if c.is_ascii() && !c.is_ascii_control() && !c.is_whitespace() => fancy_regex::escape(&c.to_string()).into_owned(),
            ' ' => "\\x20".into(),
            c => c.to_string(),
        };
        self.out.push_str(&if class && out.len() == 1 && !out.chars().all(char::is_alphanumeric) { format!("\\{out}") } else { out });
        1
    }

    fn number(&mut self, rest: &[char], most: usize) -> usize {
        let digits = octal_digits(rest, most);
        self.out.push_str(&format!("\\x{:02x}", u32::from_str_radix(&digits, 8).unwrap_or_default() & 0xff));
        digits.len().max(1)
    }
}

fn octal_digits(chars: &[char], most: usize) -> String {
    chars.iter().take(most).take_while(|c| ('0'..='7').contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str, text: &[u8]) -> Option<(usize, usize)> {
        Pattern::new(pattern, Of::Bytes).expect(pattern).search(text).map(|found| (found.start, found.end))
    }

    /// Each was asked of Python 3.11: `re.search(pattern, text)`.
    #[test]
    fn as_python_has_it() {
        for (pattern, text, expected) in [
            (r"^a", &b"ba\n"[..], None),
            (r"a$", b"ba\n", Some((1, 2))),
            (r"a\Z", b"ba\n", None),
            (r"\bfoo\b", b"a foo,", Some((2, 5))),
            (r"\w+", "éa".as_bytes(), Some((2, 3))),
            (r"é", "aé".as_bytes(), Some((1, 3))),
            (r".", b"\xff", Some((0, 1))),
            (r"a{,2}b", b"aab", Some((0, 3))),
            (r"a{b", b"a{b", Some((0, 3))),
            (r"${HOME}", b"${HOME}", None),
            (r"\${HOME}", b"x${HOME}", Some((1, 8))),
            (r"[[]a]", b"[a]", Some((0, 3))),
            (r"[]a]", b"]", Some((0, 1))),
            (r"[^]]", b"]x", Some((1, 2))),
            (r"[\w.-]+@", b"a.b-c@", Some((0, 6))),
            (r"[\]\[]", b"a[", Some((1, 2))),
            (r"[a&&b]+", b"&b", Some((0, 2))),
            (r"(?i)ABC", b"xabc", Some((1, 4))),
            (r"(?P<x>a)(?P=x)", b"aa", Some((0, 2))),
            (r"(a)|b\1", b"ba", Some((1, 2))),
            (r"(?<!#)port=", b"#port= port=", Some((7, 12))),
            (r"a(?#no)b", b"ab", Some((0, 2))),
            (r"\x41\101\/\-\ ", b"AA/- ", Some((0, 5))),
            (r"(?m)^b$", b"a\nb\nc", Some((2, 3))),
            (r"#\s*x", b"# x", Some((0, 3))),
            (r"a\.b", b"a.b", Some((0, 3))),
            (r"[\s#]", b"#", Some((0, 1))),
            (r"[\d\-x]", b"-", Some((0, 1))),
            (r"\%\!\=", b"%!=", Some((0, 3))),
        ] {
            assert_eq!(of(pattern, text), expected, "{pattern} in {:?}", String::from_utf8_lossy(text));
        }
        assert!(Pattern::new("a(", Of::Bytes).is_err());
    }

    #[test]
    fn expands_as_python_does() {
        let found = Pattern::new(r"^(?P<key>\w+)=(.*?)(x)?$", Of::Bytes).unwrap().search(b"a=1\n").unwrap();
        assert_eq!(found.expand(br"\1 \g<key> \g<2>\t\3\\n\.").unwrap(), b"a a 1\t\\n\\.");
        assert_eq!(found.expand(br"\0").unwrap(), b"\0");
        assert_eq!(found.expand(br"\101").unwrap(), b"A");
        assert!(found.expand(br"\9").is_err());
        assert!(found.expand(br"\q").is_err());
    }
}
