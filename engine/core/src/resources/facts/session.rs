//! Facts of the session that asks: the user, the environment, the time.

use crate::state::Fields;
use crate::text::{Map, Value};

use super::Collector;
use super::raw::{Raw, int};

pub(super) const USER: Collector = Collector {
    name: "user",
    ids: &[
        "user_id",
        "user_uid",
        "user_gid",
        "user_gecos",
        "user_dir",
        "user_shell",
        "real_user_id",
        "effective_user_id",
        "effective_group_ids",
    ],
    minimal: true,
    files: &["/proc/self/status"],
    tools: &[
        (
            "passwd",
            "while read -r k r u x; do [ \"$k\" != Uid: ] || break; done </proc/self/status
[ \"$u\" = 0 ] && IFS=: read -r n x i r </etc/passwd && [ \"$i\" = 0 ] && echo \"$n:$x:$i:$r\" || getent passwd \"$u\" || while IFS=: read -r n x i r; do [ \"$i\" = \"$u\" ] && { echo \"$n:$x:$i:$r\"; break; }; done </etc/passwd",
        ),
    ],
    read: user,
    ..Collector::NONE
};

fn user(raw: &Raw<'_>) -> Fields {
    // the real one, then the one that counts
    let ids = |name: &str| {
        let line = raw.lines("/proc/self/status").iter().find_map(|line| line.strip_prefix(name))?;
        let mut words = line.split_whitespace();
        Some((int(words.next()?)?, int(words.next()?)?))
    };
    let (user, group) = (ids("Uid:"), ids("Gid:"));
    let line = raw.tool("passwd").unwrap_or_default();
    let entry: Vec<&str> = line.lines().next().unwrap_or_default().split(':').collect();
    let word = |at: usize| entry.get(at).map(|text| Value::text(*text)).unwrap_or_default();
    // one that no list names is called by its number
    let name = entry.first().filter(|name| !name.is_empty()).map(|name| (*name).to_string());
    let mut fields = Fields::from([
        ("user_id".into(), Value::from(name.or(user.map(|(_, id)| id.to_string())))),
        ("user_uid".into(), Value::from(user.map(|(_, id)| id))),
        ("user_gid".into(), Value::from(entry.get(3).and_then(|text| int(text)).or(group.map(|(_, id)| id)))),
        ("real_user_id".into(), Value::from(user.map(|(id, _)| id))),
        ("effective_user_id".into(), Value::from(user.map(|(_, id)| id))),
        ("real_group_id".into(), Value::from(group.map(|(id, _)| id))),
        ("effective_group_id".into(), Value::from(group.map(|(_, id)| id))),
    ]);
    if entry.len() > 6 {
        fields.extend([("user_gecos".into(), word(4)), ("user_dir".into(), word(5)), ("user_shell".into(), word(6))]);
    }
    fields
}

pub(super) const ENV: Collector = Collector {
    name: "env",
    minimal: true,
    // what the session began with, not what the questions set; values may hold line ends; NUL bytes part them
    files: &["/proc/$$/environ"],
    tools: &[("env", "[ -r /proc/$$/environ ] || env")],
    read: env,
    ..Collector::NONE
};

fn env(raw: &Raw<'_>) -> Fields {
    let own = raw.files_below("/proc/").find(|(path, _)| path.ends_with("/environ")).map(|(_, lines)| lines.join("\n"));
    let text = own.or_else(|| raw.tool("env")).unwrap_or_default();
    let parts: Vec<&str> = if text.contains('\0') { text.split('\0').collect() } else { text.lines().collect() };
    let pairs = parts.iter().filter_map(|part| part.split_once('=')).filter(|(name, _)| *name != "_");
    Fields::from([("env".into(), Value::map(pairs.map(|(name, value)| (name, value.to_string()))))])
}

pub(super) const DATE_TIME: Collector = Collector {
    name: "date_time",
    minimal: true,
    // the zone's other name is that of the half of the year with the greater offset; small systems tell one time a call
    tools: &[(
        "date",
        "f='+%Y|%m|%A|%w|%W|%d|%H|%M|%S|%s|%Z|%z|%N'
date -f - \"$f\" <<E || { date \"$f\"; date -d @1704067200 \"$f\"; date -d @1719835200 \"$f\"; }
now
@1704067200
@1719835200
E",
    )],
    read: date_time,
    ..Collector::NONE
};

fn date_time(raw: &Raw<'_>) -> Fields {
    let text = raw.tool("date").unwrap_or_default();
    let mut lines = text.lines();
    let parts: Vec<&str> = lines.next().unwrap_or_default().split('|').collect();
    let [year, month, weekday, weekday_number, weeknumber, day, hour, minute, second, epoch, tz, tz_offset, nanos] = parts[..] else {
        return Fields::new();
    };
    let micros = if nanos.len() == 9 && nanos.bytes().all(|byte| byte.is_ascii_digit()) { &nanos[..6] } else { "000000" };
    let half = |line: Option<&str>| {
        let mut parts = line?.split('|').skip(10);
        let (name, offset) = (parts.next()?, parts.next()?);
        Some((int(offset.trim_start_matches('+')).unwrap_or(0), name.to_string()))
    };
    let (winter, summer) = (half(lines.next()), half(lines.next()));
    let tz_dst = match (winter, summer) {
        (Some((winter, name)), Some((summer, _))) if winter > summer => name,
        (_, Some((_, name))) => name,
        _ => tz.to_string(),
    };
    let utc = int(epoch)
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%S").to_string());
    let utc = utc.unwrap_or_default();
    let (date, time) = (format!("{year}-{month}-{day}"), format!("{hour}:{minute}:{second}"));
    let basic = format!("{year}{month}{day}T{hour}{minute}{second}");
    let pairs: [(&str, &str); 20] = [
        ("year", year),
        ("month", month),
        ("weekday", weekday),
        ("weekday_number", weekday_number),
        ("weeknumber", weeknumber),
        ("day", day),
        ("hour", hour),
        ("minute", minute),
        ("second", second),
        ("epoch", epoch),
        ("epoch_int", epoch),
        ("date", &date),
        ("time", &time),
        ("iso8601_micro", &format!("{utc}.{micros}Z")),
        ("iso8601", &format!("{utc}Z")),
        ("iso8601_basic", &format!("{basic}{micros}")),
        ("iso8601_basic_short", &basic),
        ("tz", tz),
        ("tz_dst", &tz_dst),
        ("tz_offset", tz_offset),
    ];
    let map: Map = pairs.iter().map(|(name, value)| ((*name).into(), Value::text(*value))).collect();
    Fields::from([("date_time".into(), map.into())])
}
