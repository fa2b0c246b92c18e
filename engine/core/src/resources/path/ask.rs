//! The questions about paths: one `stat` for all, one `sha256sum` for all whose contents matter.

use crate::resources::sh;
use crate::state::Look;

use super::{SMALL, WHOLE};

/// `%n` stands last: only it may hold blanks.
const FORMAT: &str = "%f %u %g %U %G %s %h %i %d %X %Y %Z %b %o %t %T";

pub(super) fn script(looks: &[&Look]) -> String {
    let paths =
        |wanted: &dyn Fn(&&&Look) -> bool| looks.iter().filter(wanted).map(|look| sh::path(&look.id.name)).collect::<Vec<_>>().join(" ");
    let all = paths(&|_| true);
    let mut text = format!("set -- {all}\nstat -c 's {FORMAT} %n' \"$@\"\n");
    // a link says where it leads; only links cost a process
    text += "for p do if [ -L \"$p\" ]; then printf 'l %s\\n%s\\n' \"$p\" \"$(readlink \"$p\")\"\n";
    text += &format!(
        "r=$(readlink -f \"$p\") && [ -e \"$r\" ] && printf 'r %s\\n%s\\n' \"$p\" \"$r\" && stat -c 'R {FORMAT} %n' \"$r\"; fi; done\n"
    );
    let whole = paths(&|look| look.asks("contents", "whole"));
    if !whole.is_empty() {
        text += &contents(&whole, "", WHOLE);
    }
    let unless = paths(&|look| look.detail.contains_key("unless") && !look.asks("contents", "whole"));
    if !unless.is_empty() {
        let known = looks.iter().flat_map(|look| look.all("unless")).collect::<Vec<_>>().join(" ");
        text += &contents(&unless, &known, SMALL);
    }
    text += &checksums(looks);
    text += &more(looks);
    text + "exit 0\n"
}

/// Hashes of regular files, and the contents of those whose hash is not a known one. Files only: a pipe would block.
fn contents(paths: &str, known: &str, limit: u64) -> String {
    format!(
        r#"set --; for p in {paths}; do [ -f "$p" ] && set -- "$@" "$p"; done
[ $# -gt 0 ] && sha256sum "$@" | while IFS= read -r l; do h=${{l%% *}}; p=${{l#*  }}; printf 'h %s %s\n' "$h" "$p"
case " {known} " in *" $h "*) ;; *) n=$(wc -c <"$p"); n=$((n)); [ "$n" -le {limit} ] && {{ printf 'c %s %s\n' "$n" "$p"; head -c "$n" "$p"; echo; }} ;; esac; done
"#
    )
}

fn checksums(looks: &[&Look]) -> String {
    let mut text = String::new();
    for look in looks {
        for algorithm in look.all("checksum") {
            let path = sh::path(&look.id.name);
            text += &format!("[ -f {path} ] && printf 'k {algorithm} %s\\n' \"$({algorithm}sum {path})\"\n");
        }
        if look.detail.contains_key("access") {
            let path = sh::path(&look.id.name);
            text += &format!("printf 'a access %s\\n' {path}\n");
            for (letter, flag) in [('r', "r"), ('w', "w"), ('x', "x")] {
                text += &format!("[ -{letter} {path} ] && printf 'a {flag} %s\\n' {path}\n");
            }
        }
    }
    text
}

/// What only few ask for: file(1), lsattr(1), the date of the host. A tool that is missing says nothing.
fn more(looks: &[&Look]) -> String {
    let mut text = String::new();
    for look in looks {
        let path = sh::path(&look.id.name);
        for (word, command) in [
            ("mime", format!("file -b --mime-type --mime-encoding {path} 2>/dev/null")),
            ("attributes", format!("lsattr -vd {path} 2>/dev/null")),
        ] {
            if look.asks("more", word) {
                text += &format!("m=$({command}) && printf '{} %s\\n%s\\n' {path} \"$m\"\n", &word[..2]);
            }
        }
    }
    if looks.iter().any(|look| look.detail.contains_key("stamp")) {
        text += "printf 't %s\\n' \"$(date +%Y-%m-%d@%H:%M:%S)\"\n";
    }
    text
}
