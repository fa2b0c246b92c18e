//! The questions about paths: one `stat` for all, one `sha256sum` for all whose contents matter.

use std::collections::BTreeSet;

use crate::resources::sh;
use crate::state::Look;

use super::{SMALL, WHOLE};

/// Names stand last: only they may hold blanks. No user has a colon in its name.
pub(in crate::resources) const FORMAT: &str = "%f %u %g %s %h %i %d %X %Y %Z %b %o %t %T :%U:%G:%n";

pub(super) fn script(looks: &[&Look]) -> String {
    // a line end would break the lines of the answer; such a path fails when it is read
    let looks: Vec<&Look> = looks.iter().copied().filter(|look| !look.id.name.contains(['\n', '\0'])).collect();
    let paths =
        |wanted: &dyn Fn(&Look) -> bool| looks.iter().copied().filter(|look| wanted(look)).map(|look| &*look.id.name).collect::<Vec<_>>();
    let all = words(&paths(&|_| true));
    let mut text = format!("set -- {all}\nstat -c 's {FORMAT}' \"$@\"\n");
    // a link says where it leads; only links cost a process
    text += "for p do if [ -L \"$p\" ]; then printf 'l %s\\n%s\\n' \"$p\" \"$(readlink \"$p\")\"\n";
    text += &format!(
        "r=$(readlink -f \"$p\") && [ -e \"$r\" ] && printf 'r %s\\n%s\\n' \"$p\" \"$r\" && stat -c 'R {FORMAT}' \"$r\"; fi; done\n"
    );
    let whole = paths(&|look| look.asks("contents", "whole"));
    text += &contents(&whole, "", WHOLE);
    let unless = paths(&|look| look.detail.contains_key("unless") && !look.asks("contents", "whole"));
    text += &contents(
        &paths(&|look| look.asks("contents", "hash") && !look.asks("contents", "whole") && !look.detail.contains_key("unless")),
        "",
        0,
    );
    let known = looks.iter().flat_map(|look| look.all("unless")).collect::<Vec<_>>().join(" ");
    text += &contents(&unless, &known, SMALL);
    for look in &looks {
        text += &checksums(look);
        text += &more(look);
    }
    for time in looks.iter().flat_map(|look| look.all("time")).collect::<BTreeSet<_>>() {
        let time = sh::quote(time);
        text += &format!("d=$(date -d {time} +%s) && printf 'd %s\\n%s\\n' {time} \"$d\"\n");
    }
    if looks.iter().any(|look| look.detail.contains_key("stamp")) {
        text += "printf 't %s\\n' \"$(date +%Y-%m-%d@%H:%M:%S)\"\n";
    }
    text + "exit 0\n"
}

fn words(paths: &[&str]) -> String {
    paths.iter().map(|path| sh::path(path)).collect::<Vec<_>>().join(" ")
}

/// Hashes of regular files, and the contents of those whose hash is not a known one, up to a size (0: of none). Files only:
/// a pipe would block.
fn contents(paths: &[&str], known: &str, limit: u64) -> String {
    // sha256sum writes a name with a backslash in an escaped form
    let (odd, plain): (Vec<&str>, Vec<&str>) = paths.iter().partition(|path| path.contains('\\'));
    let mut body = "printf 'h %s %s\\n' \"$h\" \"$p\"".to_string();
    if limit > 0 {
        body += &format!(
            r#"
case " {known} " in *" $h "*) ;; *) n=$(wc -c <"$p"); n=$((n)); [ "$n" -le {limit} ] && {{ printf 'c %s %s\n' "$n" "$p"; head -c "$n" <"$p"; echo; }} ;; esac"#
        );
    }
    body += "; done\n";
    let mut text = String::new();
    if !plain.is_empty() {
        let paths = words(&plain);
        text += &format!(
            r#"set --; for p in {paths}; do [ -f "$p" ] && set -- "$@" "$p"; done
[ $# -gt 0 ] && sha256sum "$@" | while IFS= read -r l; do h=${{l%% *}}; p=${{l#*  }}; {body}"#
        );
    }
    if !odd.is_empty() {
        text +=
            &format!("for p in {}; do [ -f \"$p\" ] || continue; h=$(sha256sum <\"$p\") || continue; h=${{h%% *}}; {body}", words(&odd));
    }
    text
}

fn checksums(look: &Look) -> String {
    let mut text = String::new();
    let path = sh::path(&look.id.name);
    for algorithm in look.all("checksum") {
        text += &format!("[ -f {path} ] && k=$({algorithm}sum <{path}) && printf 'k {algorithm} %s %s\\n' \"${{k%% *}}\" {path}\n");
    }
    if look.detail.contains_key("access") {
        text += &format!("printf 'a access %s\\n' {path}\n");
        for flag in ["r", "w", "x"] {
            text += &format!("[ -{flag} {path} ] && printf 'a access_{flag} %s\\n' {path}\n");
        }
    }
    text
}

/// What only few ask for: file(1), lsattr(1). A tool that is missing says nothing.
fn more(look: &Look) -> String {
    let mut text = String::new();
    let path = sh::path(&look.id.name);
    for (word, command) in [("mime", "file -b --mime-type --mime-encoding"), ("attributes", "lsattr -vd")] {
        if look.asks("more", word) {
            text += &format!("m=$({command} {path} 2>/dev/null) && printf '{} %s\\n%s\\n' {path} \"$m\"\n", &word[..2]);
        }
    }
    text
}
