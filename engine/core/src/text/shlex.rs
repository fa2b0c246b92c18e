//! A line split into words as a POSIX shell would, without giving any other character a meaning: Python's `shlex.split`.

/// The words of a line. Error: a quote or a backslash at the end that nothing follows.
pub fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(rest.next().ok_or("a backslash at the end that escapes nothing")?),
            '\'' | '"' => quoted(c, &mut rest, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// The first word of a line, and what follows it, as it is written.
pub fn first(line: &str) -> Option<(String, &str)> {
    let start = line.len() - line.trim_start().len();
    let ends =
        line.char_indices().skip_while(|(at, _)| *at < start).filter(|(_, c)| matches!(c, ' ' | '\t' | '\r' | '\n')).map(|(at, _)| at);
    // the first end at which all quotes are closed
    ends.chain([line.len()]).find_map(|end| match split(&line[start..end]).ok()?.as_slice() {
        [word] => Some((word.clone(), &line[end..])),
        _ => None,
    })
}

/// What stands between quotes. In double quotes a backslash escapes the quote and itself, and else is a backslash.
fn quoted(quote: char, rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match rest.next().ok_or("a quote that is not closed")? {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => match rest.next().ok_or("a quote that is not closed")? {
                c @ ('"' | '\\') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_python_splits() {
        for (line, words) in [
            ("a b  c", vec!["a", "b", "c"]),
            ("a 'b c' \"d e\"f", vec!["a", "b c", "d ef"]),
            (r#"'a\b' "c\d" "e\"f" g\ h"#, vec![r"a\b", r"c\d", "e\"f", "g h"]),
            ("'' \"\"", vec!["", ""]),
            ("a > x `id` $(b)", vec!["a", ">", "x", "`id`", "$(b)"]),
            ("  ", vec![]),
        ] {
            assert_eq!(split(line).expect("words"), words, "{line}");
        }
        assert_eq!(first(" 'my script.sh' one \"two words\""), Some(("my script.sh".into(), " one \"two words\"")));
        assert_eq!(first("x"), Some(("x".into(), "")));
        assert_eq!(first(" "), None);
        assert!(split("it's").is_err());
        assert!(split("a\\").is_err());
    }
}
