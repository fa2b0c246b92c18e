//! JSON as YAML that PyYAML, kubectl and we read alike: whatever one of them could take for something else is quoted.

use serde_json::{Number, Value as Json};

/// PyYAML and libyaml read a key that stands in one line only up to 1024 characters.
const LONGEST_KEY: usize = 1000;

/// A document of an object: `apiVersion`, `kind`, `metadata`, and then the rest as it was given.
pub(super) fn manifest(object: &Json) -> String {
    const FIRST: [&str; 3] = ["apiVersion", "kind", "metadata"];
    let mut text = String::new();
    match object {
        Json::Object(members) if !members.is_empty() => {
            let head = FIRST.iter().filter_map(|key| members.get_key_value(*key));
            let rest = members.iter().filter(|(key, _)| !FIRST.contains(&key.as_str()));
            head.chain(rest).enumerate().for_each(|(at, (key, value))| member(&mut text, key, value, 0, at == 0));
        }
        other => {
            value(&mut text, other, 0, false);
            text.remove(0);
        }
    }
    text
}

/// `key: value` at a level of indentation; the first of a list item stands behind its dash.
fn member(text: &mut String, key: &str, json: &Json, level: usize, first: bool) {
    if !first {
        indent(text, level);
    }
    let key = if plain(key) { key.to_string() } else { quoted(key) };
    if key.len() > LONGEST_KEY {
        text.push_str(&format!("? {key}\n"));
        indent(text, level);
        text.push(':');
    } else {
        text.push_str(&format!("{key}:"));
    }
    value(text, json, level, false);
}

/// What stands behind a key or a dash, up to the end of its last line. `item`: behind a dash.
fn value(text: &mut String, json: &Json, level: usize, item: bool) {
    match json {
        Json::Object(members) if !members.is_empty() => {
            text.push(if item { ' ' } else { '\n' });
            let level = level + 1;
            members.iter().enumerate().for_each(|(at, (key, value))| member(text, key, value, level, item && at == 0));
        }
        Json::Array(items) if !items.is_empty() => {
            text.push(if item { ' ' } else { '\n' });
            // under a key, dashes stand where the key does, as kubectl writes them
            let level = if item { level + 1 } else { level };
            for (at, one) in items.iter().enumerate() {
                if !(item && at == 0) {
                    indent(text, level);
                }
                text.push('-');
                value(text, one, level, true);
            }
        }
        Json::String(string) if literal(string) => block(text, string, level + 1),
        scalar => {
            text.push(' ');
            text.push_str(&match scalar {
                Json::String(string) if plain(string) => string.clone(),
                Json::String(string) => quoted(string),
                Json::Number(number) => numeral(number),
                Json::Object(_) => "{}".to_string(),
                Json::Array(_) => "[]".to_string(),
                other => other.to_string(),
            });
            text.push('\n');
        }
    }
}

fn indent(text: &mut String, level: usize) {
    text.extend(std::iter::repeat_n("  ", level));
}

/// Lines that can stand as they are.
fn literal(string: &str) -> bool {
    string.contains('\n')
        && !string.starts_with([' ', '\t', '\n'])
        && string.chars().all(|c| c == '\n' || c == '\t' || printable(c))
        && string.lines().all(|line| line.is_empty() || !(line.starts_with('\t') || line.trim().is_empty()))
}

fn block(text: &mut String, string: &str, level: usize) {
    let body = string.trim_end_matches('\n');
    text.push_str(match string.len() - body.len() {
        0 => " |-\n",
        1 => " |\n",
        _ => " |+\n",
    });
    for line in string.lines() {
        if !line.is_empty() {
            indent(text, level);
            text.push_str(line);
        }
        text.push('\n');
    }
}

/// Whether a text can stand without quotes: it begins with a letter or `/`, or is a quantity such as `100m`.
fn plain(string: &str) -> bool {
    let Some(first) = string.chars().next() else { return false };
    if first.is_ascii_digit() {
        return quantity(string);
    }
    let word = string.to_ascii_lowercase();
    let special = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(&word.as_str());
    (first.is_ascii_alphabetic() || first == '/')
        && !special
        && !string.contains(": ")
        && !string.contains(" #")
        && !string.ends_with([':', ' '])
        && string.chars().all(|c| c.is_alphanumeric() || (' '..='~').contains(&c))
}

/// Digits, perhaps a fraction, and a unit that no number ends with.
fn quantity(string: &str) -> bool {
    let unit = string.trim_start_matches(|c: char| c.is_ascii_digit());
    let unit = unit.strip_prefix('.').map_or(unit, |fraction| fraction.trim_start_matches(|c: char| c.is_ascii_digit()));
    ["m", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi", "s", "h", "d", "ms"].contains(&unit)
}

fn printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// In double quotes, with JSON's escapes: all readers know them.
fn quoted(string: &str) -> String {
    let mut text = String::with_capacity(string.len() + 2);
    text.push('"');
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if printable(c) => text.push(c),
            c if u32::from(c) > 0xffff => text.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => text.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    text.push('"');
    text
}

/// PyYAML knows an exponent only behind a point, and with a sign: `1.0e+21`.
fn numeral(number: &Number) -> String {
    let text = number.to_string();
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let point = if digits.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with(['-', '+']) { "" } else { "+" };
    format!("{digits}{point}e{sign}{exponent}")
}

#[cfg(test)]
#[allow(clippy::print_stderr, clippy::panic, reason = "what is skipped is said aloud")]
mod tests {
    use play_core::text::{Source, yaml};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn back(text: &str) -> Json {
        let node = yaml::parse(&Source::new("x.yaml", text)).unwrap_or_else(|error| panic!("{}\n{text}", error.render(false)));
        node.to_value().to_json().expect("json")
    }

    #[test]
    fn as_one_would_write_it() {
        let object = json!({
            "kind": "Deployment", "spec": {"replicas": 2, "list": [{"a": "100m", "b": [[1, 2], []]}, "on", "1.2.3", "x: y", ""]},
            "data": {"run.sh": "#!/bin/sh\nexec \"$@\"\n", "n": null, "e": {}, "no": "nl\n\n", "t": "a\tb\n x"},
            "apiVersion": "apps/v1", "metadata": {"name": "web"},
        });
        let text = manifest(&object);
        let wanted = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 2\n  list:\n  - a: 100m\n    b:\n    - - 1\n      - 2\n    - []\n  - \"on\"\n  - \"1.2.3\"\n  - \"x: y\"\n  - \"\"\ndata:\n  run.sh: |\n    #!/bin/sh\n    exec \"$@\"\n  \"n\": null\n  e: {}\n  \"no\": |+\n    nl\n\n  t: |-\n    a\tb\n     x\n";
        assert_eq!(text, wanted);
        assert_eq!(back(&text), object);
    }

    /// Texts that readers of YAML trip over, whole and in parts.
    fn text() -> impl Strategy<Value = String> {
        let odd = "yes NO y ~ null 1e3 0x1f 0o17 017 1_000 1:30 2026-11-21 2026-11-21T10:00:00Z .5 -.inf .NaN = << # {a} [ *x &x !t %d @x ` ' \" \\ \
            | > ? : - --- ... \u{85} \u{2028} \u{feff} \u{7f} \u{0} \r\n \n \n\n \t é 😀 100m 1Gi 5e 1d 12h word";
        let odd = odd.split(' ').chain([" ", "- a", "a: b", "a #b"]).collect::<Vec<_>>();
        let odd = proptest::sample::select(odd);
        prop_oneof![proptest::collection::vec(odd, 0..4).prop_map(|parts| parts.concat()), any::<String>(), "[a-z \n\t]{0,20}"]
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let number = prop_oneof![
            any::<i64>().prop_map(Json::from),
            any::<i16>().prop_map(|n| Json::from(f64::from(n) / 8.0)),
            proptest::sample::select(vec![1e21, 1e-7, -1.5e300, 1e16, 0.1]).prop_map(Json::from)
        ];
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            number,
            text().prop_map(Json::from),
            text().prop_map(Json::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                proptest::collection::vec((text(), inner), 0..4).prop_map(|pairs| Json::Object(pairs.into_iter().collect()))
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_is_written_is_read_back(json in any_json()) {
            let text = manifest(&json);
            prop_assert_eq!(back(&text), json, "{}", text);
        }
    }

    /// One list of many values through other readers of YAML, which say what they read as JSON.
    fn others_read(name: &str, command: &mut std::process::Command) {
        use proptest::strategy::ValueTree as _;
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let values: Vec<Json> = (0..400).map(|_| any_json().new_tree(&mut runner).expect("a value").current()).collect();
        let object = json!({"apiVersion": "v1", "kind": "Odd", "metadata": {"name": "x"}, "values": values, "k".repeat(1100): 1});
        let file = std::env::temp_dir().join(format!("play-yaml-{name}-{}.yaml", std::process::id()));
        std::fs::write(&file, manifest(&object)).expect("written");
        let output = command.arg(&file).output();
        let said = output.as_ref().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        if !output.as_ref().is_ok_and(|output| output.status.success()) {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{output:?}");
            eprintln!("skipped: no {name} ({output:?})");
            return;
        }
        std::fs::remove_file(&file).expect("removed");
        let read: Json = serde_json::from_str(&said).expect("json");
        for (at, value) in values.iter().enumerate() {
            assert!(equal(&read["values"][at], value), "{name}:\n{}{}", manifest(value), read["values"][at]);
        }
        assert_eq!(read["k".repeat(1100)], 1);
    }

    /// JSON has one type of numbers: 1.0 may come back as 1.
    fn equal(a: &Json, b: &Json) -> bool {
        match (a, b) {
            (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
            (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
            (Json::Object(a), Json::Object(b)) => a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b))),
            (a, b) => a == b,
        }
    }

    #[test]
    fn pyyaml_reads_the_same() {
        others_read(
            "PyYAML",
            std::process::Command::new("python3").args([
                "-c",
                "import json,sys,yaml; json.dump(yaml.safe_load(open(sys.argv[1], encoding='utf-8', newline='')), sys.stdout)",
            ]),
        );
    }

    #[test]
    fn kubectl_reads_the_same() {
        let kubectl = std::env::var("PLAY_TEST_KUBECTL").unwrap_or("kubectl".into());
        others_read(
            "kubectl",
            std::process::Command::new(kubectl).args(["patch", "--local", "--type=json", "-p", "[]", "-o", "json", "-f"]),
        );
    }
}
