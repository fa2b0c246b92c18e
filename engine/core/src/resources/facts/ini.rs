//! INI as Python's `configparser` reads it: names in lower case, `=` or `:`, lines that go on where they are indented, and
//! the section `DEFAULT` under all others.

use crate::text::{Map, Value};

/// Sections and their options; `None` where the text is no INI.
pub(super) fn sections(text: &str) -> Option<Map> {
    let mut all: Vec<(String, Vec<(String, String)>)> = vec![];
    for line in text.lines() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name)
            && !line.starts_with(char::is_whitespace)
        {
            if all.iter().any(|(have, _)| have == name && name != "DEFAULT") {
                return None;
            }
            all.push((name.to_string(), vec![]));
            continue;
        }
        let (_, options) = all.last_mut()?;
        if line.starts_with(char::is_whitespace)
            && let Some((_, value)) = options.last_mut()
        {
            value.push('\n');
            value.push_str(bare);
            continue;
        }
        let at = bare.find(['=', ':'])?;
        let name = bare[..at].trim().to_lowercase();
        if name.is_empty() || options.iter().any(|(have, _)| *have == name) {
            return None;
        }
        options.push((name, bare[at + 1..].trim().to_string()));
    }
    let defaults: Vec<(String, String)> =
        all.iter().filter(|(name, _)| name == "DEFAULT").flat_map(|(_, options)| options.clone()).collect();
    let section = |(name, options): &(String, Vec<(String, String)>)| {
        let own = options.iter().chain(defaults.iter().filter(|(name, _)| !options.iter().any(|(have, _)| have == name)));
        (name.as_str().into(), Value::map(own.map(|(name, value)| (name.as_str(), value.replace("%%", "%")))))
    };
    Some(all.iter().filter(|(name, _)| name != "DEFAULT").map(section).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_configparser_reads_it() {
        let map = sections("# c\n[Part]\nKey=value\nlong = a\n  b\n[DEFAULT]\nx: 1\n").expect("an INI");
        assert_eq!(map.get("Part"), Some(&Value::map([("key", "value"), ("long", "a\nb"), ("x", "1")])));
        assert!(sections("just words").is_none());
        assert!(sections("[a]\nwords").is_none());
    }
}
