//! The questions about users and groups: one call of `getent` for all, or the files where there is none.

use crate::resources::sh;
use crate::state::Look;

/// Lines of a database about names: `f passwd NAME…`. A name is a number, too.
const FIND: &str = r#"f() { d=$1; shift; if [ -z "$l" ] && command -v getent >/dev/null 2>&1; then getent "$d" "$@"; else for n do awk -F: -v n="$n" '$1==n||($3==n&&n~/^[0-9]+$/)' "/etc/$d"; done; fi; }
"#;

pub(super) fn script(looks: &[&Look]) -> String {
    let mut text = FIND.to_string();
    for (local, names) in by_place(looks) {
        text += &format!("l={}; set -- {names}\n", if local { "y" } else { "" });
        text += r#"p=$(f passwd "$@"); [ -z "$p" ] || printf '%s\n' "$p" | sed 's/^/p /'
printf '%s\n' "$p" | while IFS=: read -r u x i g c h s; do [ -z "$h" ] || { [ -d "$h" ] && printf 'h %s\n' "$u"; }; done
gs=$(printf '%s\n' "$p" | cut -d: -f4 | tr '\n' ' ')
{ if [ -z "$l" ] && command -v getent >/dev/null 2>&1; then getent group; else cat /etc/group; fi; } | awk -F: -v u=" $* " -v g=" $gs" '{m=index(g," " $3 " ");n=split($4,a,",");for(i=1;i<=n;i++)if(index(u," " a[i] " "))m=1;if(m)print "g " $0}'
if [ -r /etc/shadow ]; then echo S; f shadow "$@" | sed 's/^/s /'; fi
"#;
    }
    text + "exit 0\n"
}

pub(super) fn groups(looks: &[&Look]) -> String {
    let mut text = FIND.to_string();
    for (local, names) in by_place(looks) {
        text += &format!("l={}; f group {names} | sed 's/^/g /'\n", if local { "y" } else { "" });
    }
    if looks.iter().any(|look| look.detail.contains_key("users")) {
        text += "{ if command -v getent >/dev/null 2>&1; then getent passwd; else cat /etc/passwd; fi; } | cut -d: -f1,4 | sed 's/^/u /'\n";
    }
    text + "exit 0\n"
}

/// Names that are looked up in the host's own files, and all others.
fn by_place(looks: &[&Look]) -> Vec<(bool, String)> {
    let of = |local: bool| sh::words(looks.iter().filter(|look| look.detail.contains_key("local") == local).map(|look| &*look.id.name));
    [false, true].into_iter().map(|local| (local, of(local))).filter(|(_, names)| !names.is_empty()).collect()
}
