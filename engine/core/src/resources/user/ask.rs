//! The questions about users and groups: one call of `getent` a database for all, or the files where there is none.
//!
//! Lines of a database come as they are, below a line that names it (`P`, `G`, `S`: without the colons that any of theirs has), those of each place below its
//! own (`all`, `local`). What is about whom is found on this side.

use crate::resources::sh;
use crate::state::Look;

/// Lines of a database about names: `f passwd NAME…`; all lines without names. A name may be a number, too.
const FIND: &str = r#"f() { d=$1; shift; if [ -z "$l" ] && command -v getent >/dev/null 2>&1; then getent "$d" "$@"; elif [ $# -eq 0 ]; then cat "/etc/$d"; else awk -F: -v w=" $* " 'index(w," " $1 " ")||index(w," " $3 " ")' "/etc/$d"; fi; }
"#;

pub(super) fn script(looks: &[&Look]) -> String {
    let mut text = FIND.to_string();
    for (local, names) in by_place(looks) {
        text += &begin(local);
        // of the last two fields the first is the home
        text += &format!(
            r#"set -- {names}; p=$(f passwd "$@"); printf 'P\n%s\n' "$p"
o=$IFS; IFS='
'; set -f; for p in $p; do h=${{p%:*}}; h=${{h##*:}}; [ -z "$h" ] || [ ! -d "$h" ] || printf 'h %s\n' "${{p%%:*}}"; done; IFS=$o; set +f
echo G; f group; if [ -r /etc/shadow ]; then echo S; f shadow "$@"; fi
"#
        );
    }
    text + "exit 0\n"
}

pub(super) fn groups(looks: &[&Look]) -> String {
    let mut text = FIND.to_string();
    for (local, names) in by_place(looks) {
        text += &format!("{}echo G; f group {names}\n", begin(local));
    }
    if looks.iter().any(|look| look.detail.contains_key("users")) {
        text += "{ if command -v getent >/dev/null 2>&1; then getent passwd; else cat /etc/passwd; fi; } | cut -d: -f1,4 | sed 's/^/u /'\n";
    }
    text + "exit 0\n"
}

fn begin(local: bool) -> String {
    if local { "l=y; echo local\n".into() } else { "l=; echo all\n".into() }
}

/// Names that are looked up in the host's own files, and all others.
fn by_place(looks: &[&Look]) -> Vec<(bool, String)> {
    let of = |local: bool| sh::words(looks.iter().filter(|look| is_local(look) == local).map(|look| &*look.id.name));
    [false, true].into_iter().map(|local| (local, of(local))).filter(|(_, names)| !names.is_empty()).collect()
}

fn is_local(look: &Look) -> bool {
    look.detail.contains_key("local")
}

/// The lines of an answer that are of the place that a look is about, by database.
#[derive(Default)]
pub(super) struct Told<'a> {
    pub passwd: Vec<Vec<&'a str>>,
    pub group: Vec<Vec<&'a str>>,
    /// `None`: this user may not read it.
    pub shadow: Option<Vec<Vec<&'a str>>>,
    /// Whose home folder is there.
    pub homes: Vec<&'a str>,
}

impl<'a> Told<'a> {
    pub fn of(look: &Look, text: &'a str) -> Told<'a> {
        let wanted = if is_local(look) { "local" } else { "all" };
        let (mut place, mut database) = ("", "");
        let mut told = Told::default();
        for line in text.lines() {
            match line {
                "local" | "all" => (place, database) = (line, ""),
                _ if place != wanted => {}
                "P" | "G" => database = line,
                "S" => {
                    database = line;
                    told.shadow = Some(vec![]);
                }
                _ if !line.contains(':') => told.homes.extend(line.strip_prefix("h ")),
                _ => {
                    let row = line.split(':').collect();
                    match (database, &mut told.shadow) {
                        ("P", _) => told.passwd.push(row),
                        ("G", _) => told.group.push(row),
                        (_, Some(shadow)) => shadow.push(row),
                        _ => {}
                    }
                }
            }
        }
        told
    }
}
