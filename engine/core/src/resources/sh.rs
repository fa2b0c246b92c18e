//! Words of a POSIX shell.

/// A text as one word, whatever it holds (but NUL, which no word can hold).
pub fn quote(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:=@%,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_string();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A path as one word, which no tool takes for an option; `~` and `~user` at its begin mean home folders.
pub fn path(text: &str) -> String {
    if text.starts_with('-') {
        return quote(&format!("./{text}"));
    }
    let Some(rest) = text.strip_prefix('~') else { return quote(text) };
    let (user, rest) = rest.split_once('/').map_or((rest, None), |(user, rest)| (user, Some(rest)));
    if !user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return quote(text);
    }
    let home = if user.is_empty() { "\"$HOME\"".to_string() } else { format!("~{user}") };
    rest.map_or(home.clone(), |rest| format!("{home}/{}", quote(rest)))
}

/// Words, each quoted.
pub fn words<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    all.into_iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// Bytes as an argument of `printf %s` or, where they hold a NUL, of `printf %b`.
pub fn print(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&0) => format!("printf %s {}", quote(text)),
        _ => {
            let escaped: String = bytes.iter().map(|byte| format!("\\0{byte:03o}")).collect();
            format!("printf %b '{escaped}'")
        }
    }
}
