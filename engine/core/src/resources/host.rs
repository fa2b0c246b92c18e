//! What a host is called, and its time zone: `host:name` with `live` and `file` (/etc/hostname), `host:timezone` with `name`.

use crate::resources::{path, sh};
use crate::state::{Answer, Fields, Gap, Kind, KindName, Look, Reach, Reading, Refusal, Script, View};
use crate::text::Value;

pub const KIND: KindName = "host";
pub const NAME: &str = "name";
pub const TIMEZONE: &str = "timezone";

pub struct Host;

impl Kind for Host {
    fn name(&self) -> KindName {
        KIND
    }

    fn ask(&self, _looks: &[&Look]) -> Script {
        "printf 'live %s\\n' \"$(uname -n)\"; [ ! -r /etc/hostname ] || printf 'file %s\\n' \"$(head -n 1 /etc/hostname)\"\nz=$(readlink -f /etc/localtime) && printf 'zone %s\\n' \"$z\"; [ ! -r /etc/timezone ] || printf 'timezone %s\\n' \"$(head -n 1 /etc/timezone)\"\nexit 0\n".to_string().into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        let reply = answer.reply();
        let text = String::from_utf8_lossy(&reply.out);
        let line = |word: &str| text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).map(str::trim);
        let mut fields = Fields::new();
        if &*look.id.name == NAME {
            for word in ["live", "file"] {
                fields.extend(line(word).map(|name| (word.into(), Value::text(name))));
            }
        } else {
            let linked = line("zone").and_then(|path| path.split_once("/zoneinfo/")).map(|(_, zone)| zone);
            fields.extend(linked.or(line("timezone")).map(|zone| ("name".into(), Value::text(zone))));
            fields.extend(line("timezone").map(|zone| ("file".into(), Value::text(zone))));
        }
        Reading::one(look, Some(fields))
    }

    fn fix(&self, gaps: &[&Gap]) -> Script {
        gaps.iter().map(|gap| if &*gap.id.name == NAME { name(gap) } else { timezone(gap) }).collect::<String>().into()
    }

    fn rights(&self, _gap: &Gap) -> Vec<Look> {
        vec![path::writing("/etc")]
    }

    fn refusal(&self, _gap: &Gap, view: &View<'_>) -> Option<Refusal> {
        path::unwritable("/etc", view)
    }

    fn reach(&self, _gap: &Gap) -> Reach {
        Reach::Things(
            ["/etc/hostname", "/etc/timezone", "/etc/localtime"].into_iter().map(|path| crate::state::Id::new("path", path)).collect(),
        )
    }
}

fn changed<'a>(gap: &'a Gap, field: &str) -> Option<&'a str> {
    gap.change(field)?.then.as_ref()?.as_str()
}

/// A file of one line, written beside.
fn one_line(path: &str, beside: &str, line: &str) -> String {
    format!(
        "[ ! -e {path} ] || cp -p {path} {beside} || exit\nprintf '%s\\n' {} >{beside} && chmod 644 {beside} && mv -f {beside} {path} || exit\n",
        sh::quote(line)
    )
}

fn name(gap: &Gap) -> String {
    let mut text = changed(gap, "file").map(|name| one_line("/etc/hostname", "/etc/.hostname.play", name)).unwrap_or_default();
    text += &changed(gap, "live").map(|name| format!("hostname {} || exit\n", sh::quote(name))).unwrap_or_default();
    text
}

fn timezone(gap: &Gap) -> String {
    let mut text = String::new();
    if let Some(zone) = changed(gap, "name") {
        let path = sh::quote(&format!("/usr/share/zoneinfo/{zone}"));
        text += &format!(
            "[ -f {path} ] || {{ echo 'there is no such time zone on this host' >&2; exit 1; }}\nrm -f /etc/.localtime.play; ln -s {path} /etc/.localtime.play && mv -f /etc/.localtime.play /etc/localtime || exit\n"
        );
    }
    text += &changed(gap, "file").map(|zone| one_line("/etc/timezone", "/etc/.timezone.play", zone)).unwrap_or_default();
    text
}
