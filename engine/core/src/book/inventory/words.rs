//! A line split as a shell would split it (Python's `shlex` with comments), each word with its place.

/// A word without its quotes, and the bytes of the line that it was written in.
#[derive(PartialEq, Debug)]
pub struct Word {
    pub text: String,
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Between,
    Within,
    Quoted(char),
    Escaped(Option<char>),
}

/// The words of a line; `#` ends it wherever it stands outside of quotes.
pub fn split(line: &str) -> Result<Vec<Word>, &'static str> {
    let (mut words, mut state) = (vec![], State::Between);
    let (mut text, mut start) = (String::new(), 0);
    for (at, c) in line.char_indices() {
        match (state, c) {
            (State::Between, ' ' | '\t' | '\r' | '\n') => {}
            (State::Between, '#') => return Ok(words),
            (State::Between, _) => {
                start = at;
                state = begin(c, &mut text);
            }
            (State::Within, ' ' | '\t' | '\r' | '\n') => {
                words.push(Word { text: std::mem::take(&mut text), start, end: at });
                state = State::Between;
            }
            (State::Within, '#') => {
                words.push(Word { text, start, end: at });
                return Ok(words);
            }
            (State::Within, _) => state = begin(c, &mut text),
            (State::Quoted(quote), _) if c == quote => state = State::Within,
            (State::Quoted('"'), '\\') => state = State::Escaped(Some('"')),
            (State::Quoted(_), _) => text.push(c),
            (State::Escaped(quote), _) => {
                if quote.is_some_and(|quote| c != '\\' && c != quote) {
                    text.push('\\');
                }
                text.push(c);
                state = quote.map_or(State::Within, State::Quoted);
            }
        }
    }
    match state {
        State::Quoted(_) => Err("no closing quotation"),
        State::Escaped(_) => Err("no escaped character"),
        State::Between => Ok(words),
        State::Within => {
            words.push(Word { text, start, end: line.len() });
            Ok(words)
        }
    }
}

/// The first or a further character of a word.
fn begin(c: char, text: &mut String) -> State {
    match c {
        '"' | '\'' => State::Quoted(c),
        '\\' => State::Escaped(None),
        _ => {
            text.push(c);
            State::Within
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_shlex_does() {
        for (line, words) in [
            ("a b  c", vec!["a", "b", "c"]),
            ("a='x y' b=\"p\\\"q\" # c", vec!["a=x y", "b=p\"q"]),
            ("a=x#y b", vec!["a=x"]),
            ("a=\"x\\n\" 'c\\d'", vec!["a=x\\n", "c\\d"]),
            ("a\\ b ''", vec!["a b", ""]),
        ] {
            let found: Vec<String> = split(line).expect("words").into_iter().map(|word| word.text).collect();
            assert_eq!(found, words, "{line}");
        }
        assert_eq!(split("a='x"), Err("no closing quotation"));
    }
}
