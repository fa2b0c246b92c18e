//! Sizes as people write them: `10M`, `1.5 GB`, `8 bits`.

/// Units by their first letter, each with its power of two.
pub const UNITS: [(&str, u32); 9] = [("Y", 80), ("Z", 70), ("E", 60), ("P", 50), ("T", 40), ("G", 30), ("M", 20), ("K", 10), ("B", 0)];

/// 2 to the power of `power`.
pub fn of(power: u32) -> f64 {
    2_f64.powi(power as i32)
}

/// The bytes, or bits, that a text means; `default` is the unit of a bare number. The error says what is no size.
pub fn bytes(text: &str, default: &str, bits: bool) -> Result<i64, String> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-' || c.is_whitespace())).unwrap_or(text.len());
    let Ok(number) = text[..end].trim().parse::<f64>() else {
        return Err(format!("`{text}` is no size"));
    };
    let unit = match text[end..].trim() {
        "" => default,
        unit => unit,
    };
    if unit.is_empty() {
        return Ok(number.round_ties_even() as i64);
    }
    let first = unit.chars().next().unwrap_or('B').to_ascii_uppercase();
    let Some((_, power)) = UNITS.iter().find(|(name, _)| name.starts_with(first)) else {
        return Err(format!("`{unit}` is no unit of sizes"));
    };
    let kind = if bits { 'b' } else { 'B' };
    let rest = unit.chars().skip(1).collect::<String>();
    let whole = if bits { ["bit", "bits"] } else { ["byte", "bytes"] };
    let unit = unit.to_lowercase();
    let word = |text: &str| whole.contains(&text.to_lowercase().as_str());
    let fits = rest.is_empty()
        || rest == kind.to_string()
        || (first == 'B' && word(&unit))
        || word(&rest)
        || (rest.len() > 1 && rest.to_lowercase().contains(whole[0]));
    if !fits {
        return Err(format!("`{unit}` is no unit of {}", if bits { "bits" } else { "bytes" }));
    }
    Ok((number * of(*power)).round_ties_even() as i64)
}
