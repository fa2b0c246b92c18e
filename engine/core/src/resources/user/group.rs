//! A group of a host.

use crate::resources::{path, sh};
use crate::state::{Answer, Fields, Gap, Kind, KindName, Look, Reach, Reading, Refusal, Script, View};
use crate::text::Value;

use super::ask::{self, Told};

pub const GROUP: KindName = "group";

pub struct Group;

impl Kind for Group {
    fn name(&self) -> KindName {
        GROUP
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        ask::groups(looks).into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        let reply = answer.reply();
        let text = String::from_utf8_lossy(&reply.out);
        let name = &*look.id.name;
        let told = Told::of(look, &text);
        let mut rows = told.group.iter().filter(|row| row.len() >= 3);
        let number = name.bytes().all(|byte| byte.is_ascii_digit());
        let row = rows.find(|row| row[0] == name || (number && row[2] == name));
        let users = |gid: &str| {
            let users = text.lines().filter_map(|line| line.strip_prefix("u ")?.split_once(':'));
            users.filter(|(_, own)| *own == gid).map(|(user, _)| Value::text(user)).collect::<Vec<_>>()
        };
        Reading::one(
            look,
            row.map(|row| {
                let gid = row[2].parse().map(Value::Int).unwrap_or_default();
                let mut fields = Fields::from([("name".into(), Value::text(row[0])), ("gid".into(), gid)]);
                let users = users(row[2]);
                if look.detail.contains_key("users") && !users.is_empty() {
                    fields.insert("first_of".into(), Value::list(users));
                }
                fields
            }),
        )
    }

    /// How: `system`, `non_unique`, `force`, `gid_min`, `gid_max`.
    fn fix(&self, gaps: &[&Gap]) -> Script {
        gaps.iter().map(|gap| script(gap)).collect::<String>().into()
    }

    fn rights(&self, _gap: &Gap) -> Vec<Look> {
        vec![path::writing("/etc")]
    }

    fn refusal(&self, _gap: &Gap, view: &View<'_>) -> Option<Refusal> {
        path::unwritable("/etc", view)
    }

    /// Files of a number show another name then.
    fn reach(&self, gap: &Gap) -> Reach {
        if gap.then.is_none() || gap.now.is_some() { Reach::Kinds(&["path", "user", "getent"]) } else { super::NAMES }
    }
}

fn flag(gap: &Gap, name: &str) -> bool {
    gap.how.get(name).is_some_and(Value::truthy)
}

fn script(gap: &Gap) -> String {
    let name = sh::quote(&gap.id.name);
    let gid = gap.change("gid").and_then(|change| change.then.as_ref()?.as_int());
    let gid_word = gid.map(|gid| format!(" -g {gid}")).unwrap_or_default();
    let unique = if flag(gap, "non_unique") { " -o" } else { "" };
    if gap.deletes() {
        let force = if flag(gap, "force") { " -f" } else { "" };
        return format!("if command -v groupdel >/dev/null 2>&1; then groupdel{force} {name}; else delgroup {name}; fi || exit\n");
    }
    if gap.creates() {
        let system = if flag(gap, "system") { " -r" } else { "" };
        let keys: String = [("gid_min", "GID_MIN"), ("gid_max", "GID_MAX")]
            .into_iter()
            .filter_map(|(name, key)| Some(format!(" -K {key}={}", gap.how.get(name)?.as_int()?)))
            .collect();
        let busybox = if flag(gap, "system") { " -S" } else { "" };
        return format!(
            "if command -v groupadd >/dev/null 2>&1; then groupadd{system}{gid_word}{unique}{keys} {name}; else addgroup{busybox}{gid_word} {name}; fi || exit\n"
        );
    }
    let Some(gid) = gid else { return String::new() };
    format!(
        r#"if command -v groupmod >/dev/null 2>&1; then groupmod -g {gid}{unique} {name} || exit
else [ -n '{unique}' ] || ! awk -F: '$3=={gid}' /etc/group | grep -q . || {{ echo 'GID {gid} is taken' >&2; exit 1; }}
cp -p /etc/group /etc/.group.play && awk -F: -v OFS=: -v n={name} '$1==n{{$3={gid}}} {{print}}' /etc/group >/etc/.group.play && mv -f /etc/.group.play /etc/group || exit; fi
"#
    )
}
