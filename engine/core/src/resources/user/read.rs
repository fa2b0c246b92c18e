//! What an answer says about one user.

use crate::state::{Fields, Look, Reading, Reply};
use crate::text::Value;

use super::ask::Told;
use super::{date, digest};

/// The placeholder that stands in the shadow file until the password is set.
pub(super) const UNSET: &str = "!play";

pub(super) fn reading(look: &Look, reply: &Reply) -> Reading {
    let text = String::from_utf8_lossy(&reply.out);
    let name = &*look.id.name;
    let told = Told::of(look, &text);
    if told.passwd.is_empty() && told.shadow.is_none() && !reply.err.is_empty() {
        return Reading::failed(format!("the host did not tell about user {name}: {}", String::from_utf8_lossy(&reply.err).trim()));
    }
    let own = |row: &&Vec<&str>| row.len() >= 7 && (row[0] == name || (name.bytes().all(|byte| byte.is_ascii_digit()) && row[2] == name));
    let Some(row) = told.passwd.iter().find(own) else { return Reading::one(look, None) };
    let number = |text: &str| text.parse::<i64>().map(Value::Int).unwrap_or_default();
    let mut fields = Fields::from([
        ("name".into(), Value::text(row[0])),
        ("uid".into(), number(row[2])),
        ("gid".into(), number(row[3])),
        ("comment".into(), Value::text(row[4])),
        ("home".into(), Value::text(row[5])),
        ("shell".into(), Value::text(row[6])),
        ("home_exists".into(), Value::Bool(told.homes.contains(&row[0]))),
    ]);
    let primary = told.group.iter().find(|group| group.get(2) == Some(&row[3])).map(|group| group[0]);
    let member = |group: &&Vec<&str>| group.len() >= 4 && group[3].split(',').any(|member| member == row[0]) && Some(group[0]) != primary;
    let mut groups: Vec<&str> = told.group.iter().filter(member).map(|group| group[0]).collect();
    groups.sort_unstable();
    groups.dedup();
    fields.insert("groups".into(), Value::list(groups.into_iter().map(Value::text)));
    fields.insert("group".into(), Value::text(primary.unwrap_or(row[3])));
    if let Some(shadow) = told.shadow {
        match shadow.iter().find(|shadow| shadow[0] == row[0]) {
            Some(shadow) => shadowed(shadow, &mut fields),
            // the shadow file may be read, and has nothing: another place keeps its passwords
            None => drop(fields.insert("locked".into(), Value::Bool(false))),
        }
    }
    Reading::one(look, Some(fields))
}

fn shadowed(row: &[&str], fields: &mut Fields) {
    let hash = row.get(1).copied().unwrap_or_default();
    let bare = hash.trim_start_matches('!');
    let shown = if hash == UNSET { "unset".to_string() } else { digest(bare) };
    fields.insert("password".into(), Value::text(shown));
    fields.insert("locked".into(), Value::Bool(hash.starts_with('!')));
    for (at, name) in [(3, "password_min"), (4, "password_max"), (5, "password_warn"), (6, "password_inactive")] {
        let days = row.get(at).and_then(|text| text.parse().ok()).unwrap_or(-1);
        fields.insert(name.into(), Value::Int(days));
    }
    let expires = row.get(7).and_then(|text| text.parse().ok()).map_or_else(|| "never".to_string(), date);
    fields.insert("expires".into(), Value::text(expires));
}
