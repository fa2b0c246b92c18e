//! Texts in quotes, as Python reads them.

/// Where the closing quote stands.
pub fn closing(body: &str, quote: &str) -> Option<usize> {
    let mut at = 0;
    while at < body.len() {
        let rest = &body[at..];
        if rest.starts_with(quote) {
            return Some(at);
        }
        let c = rest.chars().next()?;
        if c == '\n' && quote.len() == 1 {
            return None;
        }
        at += c.len_utf8();
        if c == '\\' {
            at += body.get(at..)?.chars().next()?.len_utf8();
        }
    }
    None
}

/// A text with its escapes replaced; of bytes, only those that bytes have.
pub fn unescape(body: &str, bytes: bool) -> Option<String> {
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        text += &rest[..at];
        let c = rest[at + 1..].chars().next()?;
        rest = &rest[at + 1 + c.len_utf8()..];
        let plain = match c {
            '\n' => continue,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '\\' | '\'' | '"' => c,
            'x' => hex(&mut rest, 2)?,
            'u' if !bytes => hex(&mut rest, 4)?,
            'U' if !bytes => hex(&mut rest, 8)?,
            'N' if !bytes => return None,
            '0'..='7' => {
                let more = rest.bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                let digits = format!("{c}{}", &rest[..more]);
                rest = &rest[more..];
                char::from_u32(u32::from_str_radix(&digits, 8).ok()?)?
            }
            _ => {
                text.push('\\');
                c
            }
        };
        text.push(plain);
    }
    Some(text + rest)
}

fn hex(rest: &mut &str, digits: usize) -> Option<char> {
    let code = u32::from_str_radix(rest.get(..digits)?, 16).ok()?;
    *rest = &rest[digits..];
    char::from_u32(code)
}
