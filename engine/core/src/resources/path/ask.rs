//! The questions about paths: one `stat` for all, one `sha256sum` for all whose contents matter, one `cat` for all whose text does.

use std::collections::BTreeSet;

use crate::resources::sh;
use crate::state::Look;

use super::{SMALL, WHOLE};

/// Names stand last: only they may hold blanks. No user has a colon in its name.
pub(in crate::resources) const FORMAT: &str = "%f %u %g %s %h %i %d %X %Y %Z %b %o %t %T :%U:%G:%n";

pub(super) fn script(looks: &[&Look]) -> String {
    // a line end would break the lines of the answer; such a path fails when it is read
    let looks: Vec<&Look> = looks.iter().copied().filter(|look| !look.id.name.contains(['\n', '\0'])).collect();
    let all = words(&looks.iter().map(|look| &*look.id.name).collect::<Vec<_>>());
    let mut text = format!("set -- {all}\nstat -c 's {FORMAT}' \"$@\"\n");
    // a link says where it leads; only links cost a process
    text += "for p do if [ -L \"$p\" ]; then printf 'l %s\\n%s\\n' \"$p\" \"$(readlink \"$p\")\"\n";
    text += &format!(
        "r=$(readlink -f \"$p\") && [ -e \"$r\" ] && printf 'r %s\\n%s\\n' \"$p\" \"$r\" && stat -c 'R {FORMAT}' \"$r\"; fi; done\n"
    );
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
    text + &contents(&looks) + "exit 0\n"
}

fn words(paths: &[&str]) -> String {
    paths.iter().map(|path| sh::path(path)).collect::<Vec<_>>().join(" ")
}

/// Hashes of regular files, and the contents of those that are small enough and whose hash is not a known one: one process each for hashes, sizes and
/// bytes, however many files there are. The bytes come at the very end, one file after the other, as a file may change between its size and its bytes.
fn contents(looks: &[&Look]) -> String {
    let paths = |wanted: &dyn Fn(&Look) -> bool| looks.iter().filter(|look| wanted(look)).map(|look| &*look.id.name).collect::<Vec<_>>();
    let whole = |look: &Look| look.asks("contents", "whole");
    let unless = |look: &Look| look.detail.contains_key("unless") && !whole(look);
    let known = looks.iter().flat_map(|look| look.all("unless")).collect::<Vec<_>>().join(" ");
    let hash = |look: &Look| look.asks("contents", "hash") && !whole(look) && !unless(look);
    let groups = [hashes(&paths(&whole), "", WHOLE), hashes(&paths(&hash), "", 0), hashes(&paths(&unless), &known, SMALL)].concat();
    if groups.is_empty() {
        return groups;
    }
    // nothing comes after it that would be cut or matched otherwise
    let begin = "n='\n'\nIFS=$n; set -f; c=\n";
    let bytes = r#"[ -z "$c" ] || { set --; for l in $c; do printf 'c %s\n' "$l"; set -- "$@" "${l#* }"; done; echo C; cat "$@"; }"#;
    format!("{begin}{groups}{bytes}\n")
}

/// Hashes of one group of paths; adds to `$c` a line `SIZE NAME` for each file whose bytes are wanted: up to a size (0: of none). Files only: a pipe
/// would block.
fn hashes(paths: &[&str], known: &str, limit: u64) -> String {
    if paths.is_empty() {
        return String::new();
    }
    // sha256sum writes a name with a backslash in an escaped form
    let (odd, plain): (Vec<&str>, Vec<&str>) = paths.iter().partition(|path| path.contains('\\'));
    let mut text = String::from("r=; set --\n");
    if !plain.is_empty() {
        text +=
            &format!("for p in {}; do [ -f \"$p\" ] && set -- \"$@\" \"$p\"; done\n[ $# -eq 0 ] || r=$(sha256sum \"$@\")\n", words(&plain));
    }
    if !odd.is_empty() {
        text += &format!("for p in {}; do [ -f \"$p\" ] && h=$(sha256sum <\"$p\") && r=\"$r$n${{h%% *}}  $p\"; done\n", words(&odd));
    }
    let wanted = match (limit, known) {
        (0, _) => "",
        (_, "") => "; set -- \"$@\" \"$p\"",
        _ => &format!("; case \" {known} \" in *\" $h \"*) ;; *) set -- \"$@\" \"$p\" ;; esac"),
    };
    text += &format!("set --; for l in $r; do h=${{l%% *}}; p=${{l#*  }}; printf 'h %s %s\\n' \"$h\" \"$p\"{wanted}; done\n");
    if limit > 0 {
        // the line of the total comes after those of all files
        text += &format!(
            r#"i=$#; [ $i -eq 0 ] || for l in $(wc -c "$@"); do [ $i -gt 0 ] || break; i=$((i-1)); l=${{l#"${{l%%[! ]*}}"}}; [ "${{l%% *}}" -gt {limit} ] || c="$c$n$l"; done"#
        );
        text.push('\n');
    }
    text
}

fn checksums(look: &Look) -> String {
    let mut text = String::new();
    let path = sh::path(&look.id.name);
    for algorithm in look.all("checksum") {
        text +=
            &format!("[ -f {path} ] && {{ k=$({algorithm}sum <{path}) || k=-; printf 'k {algorithm} %s %s\\n' \"${{k%% *}}\" {path}; }}\n");
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
