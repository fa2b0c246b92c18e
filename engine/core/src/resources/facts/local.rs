//! Local facts: files of a folder on the host, `NAME.fact`. Programs are run, the others read; JSON or INI.

use crate::resources::sh;
use crate::state::Fields;
use crate::text::{Map, Value};

use super::raw::Raw;
use super::{Collector, ini};

pub(super) const LOCAL: Collector = Collector { name: "local", minimal: true, read: local, ..Collector::NONE };

/// How each came: `x CODE` of a program that ran, `r` of a file that was read.
pub(super) fn script(folder: &str) -> String {
    format!(
        r#"d={}; for p in "$d"/*.fact; do [ -e "$p" ] || continue; n=${{p##*/}}
if [ -f "$p" ] && [ -x "$p" ]; then o=$("$p" </dev/null); printf '\n@play local x%s %s\n%s\n' $? "$n" "$o"; else printf '\n@play local r %s\n' "$n"; cat "$p"; fi; done
"#,
        sh::path(folder)
    )
}

fn local(raw: &Raw<'_>) -> Fields {
    let mut map = Map::new();
    for (file, how, lines) in &raw.local {
        let text = lines.join("\n");
        let value = match how.strip_prefix('x').filter(|code| *code != "0") {
            Some(code) => Value::text(format!("Failure executing fact script ({file}), rc: {code}, err: ")),
            None => read(file, text.trim_end_matches('\n')),
        };
        map.insert(file.replace(".fact", ""), value);
    }
    Fields::from([("local".into(), map.into())])
}

fn read(file: &str, text: &str) -> Value {
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(text) {
        return Value::from(&json);
    }
    ini::sections(text)
        .map_or_else(|| Value::text(format!("error loading facts as JSON or ini - please check content: {file}")), Value::from)
}
