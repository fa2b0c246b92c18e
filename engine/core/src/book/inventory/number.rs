//! Numbers of Python, as texts that YAML 1.1 reads back.

/// A number with a fraction as YAML 1.1 reads it back.
pub fn float_text(float: f64) -> String {
    if float.is_nan() {
        return ".nan".into();
    }
    if float.is_infinite() {
        return if float > 0.0 { ".inf".into() } else { "-.inf".into() };
    }
    let text = format!("{float:?}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

/// An integer of any base in decimal digits.
pub fn integer(word: &str) -> Option<String> {
    if word.ends_with('_') || word.contains("__") {
        return None;
    }
    let lower = word.to_lowercase();
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return i128::from_str_radix(&digits.replace('_', ""), base).ok().map(|int| int.to_string());
        }
    }
    let digits = word.replace('_', "");
    let decimal = word.starts_with(|c: char| c.is_ascii_digit()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    match decimal {
        true if digits.bytes().all(|byte| byte == b'0') => Some("0".into()),
        true if !digits.starts_with('0') => Some(digits),
        _ => None,
    }
}

/// A number with a fraction or an exponent.
pub fn fraction(word: &str) -> Option<String> {
    let valid = word.bytes().all(|byte| byte.is_ascii_digit() || b"._eE+-".contains(&byte)) && !word.contains("__") && !word.ends_with('_');
    let valid = valid && word.contains(['.', 'e', 'E']) && word.bytes().any(|byte| byte.is_ascii_digit());
    let joined = ["_.", "._", "_e", "e_", "_E", "E_"].iter().any(|pair| word.contains(pair));
    if !valid || joined {
        return None;
    }
    word.replace('_', "").parse().ok().map(float_text)
}
