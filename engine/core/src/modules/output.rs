//! What a user's command printed and how long it took, as Ansible's results have it.

use std::sync::Arc;

use crate::state::{Done, Reply};
use crate::text::{Map, Mark, Value};

/// `stdout`, `stderr`, both in lines, and `rc`; `failed` and why where the code is not 0.
pub fn streams(reply: &Reply, strip: bool, marks: &[Arc<Mark>], result: &mut Map) {
    for (name, bytes) in [("stdout", &reply.out), ("stderr", &reply.err)] {
        let text = String::from_utf8_lossy(bytes);
        stream(name, if strip { text.trim_end_matches(['\r', '\n']) } else { &text }, marks, result);
    }
    result.insert("rc", reply.code);
    if reply.code != 0 {
        result.insert("failed", true);
        result.insert("msg", "non-zero return code");
    }
}

/// What the calls that closed a task's gaps printed: both streams, whole.
pub fn printed(fixes: &[Reply]) -> [(&'static str, String); 2] {
    let all = |of: fn(&Reply) -> &Vec<u8>| fixes.iter().map(|reply| String::from_utf8_lossy(of(reply))).collect::<String>();
    [("stdout", all(|reply| &reply.out)), ("stderr", all(|reply| &reply.err))]
}

/// One stream, whole and in lines. A secret that the command was given and prints is still a secret.
pub fn stream(name: &str, text: &str, marks: &[Arc<Mark>], result: &mut Map) {
    let found: Vec<Arc<Mark>> = marks.iter().filter(|mark| !mark.text().is_empty() && text.contains(mark.text())).cloned().collect();
    result.insert(name, Value::text(text).marked(found.clone()));
    result.insert(format!("{name}_lines"), Value::list(lines(text).into_iter().map(|line| Value::text(line).marked(found.clone()))));
}

/// Python's `splitlines`.
pub fn lines(text: &str) -> Vec<&str> {
    let ends = |c: char| matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut all = vec![];
    let mut rest = text;
    while let Some(at) = rest.find(ends) {
        all.push(&rest[..at]);
        let end = &rest[at..];
        let size = if end.starts_with("\r\n") { 2 } else { end.chars().next().map_or(1, char::len_utf8) };
        rest = &end[size..];
    }
    if !rest.is_empty() {
        all.push(rest);
    }
    all
}

/// `start`, `end` (in UTC: what the host's clock and zone say is not asked) and `delta`.
pub fn times(done: &Done<'_>, result: &mut Map) {
    lasted(done.began, done.ended, result);
}

/// The same of two times, in seconds since 1970.
pub fn lasted(began: f64, ended: f64, result: &mut Map) {
    result.insert("start", moment(began));
    result.insert("end", moment(ended));
    result.insert("delta", span(ended - began));
}

/// As Python prints a `datetime`.
fn moment(seconds: f64) -> Value {
    let micros = (seconds * 1e6).round() as i64;
    let Ok(time) = jiff::Timestamp::from_microsecond(micros) else { return Value::Null };
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let fraction = micros.rem_euclid(1_000_000);
    let text = time.strftime("%Y-%m-%d %H:%M:%S").to_string();
    Value::text(if fraction == 0 { text } else { format!("{text}.{fraction:06}") })
}

/// As Python prints a `timedelta`.
fn span(seconds: f64) -> Value {
    let micros = (seconds.max(0.0) * 1e6).round() as i64;
    let (whole, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let (days, rest) = (whole / 86_400, whole % 86_400);
    let days = match days {
        0 => String::new(),
        1 => "1 day, ".into(),
        days => format!("{days} days, "),
    };
    let time = format!("{days}{}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    Value::text(if fraction == 0 { time } else { format!("{time}.{fraction:06}") })
}

/// A text as a plan may show it: secrets in it masked.
pub fn shown(text: &str, marks: &[Arc<Mark>]) -> String {
    marks.iter().filter(|mark| !mark.text().is_empty()).fold(text.to_string(), |text, mark| text.replace(mark.text(), &mark.shown()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_python_prints_them() {
        assert_eq!(moment(0.0), Value::text("1970-01-01 00:00:00"));
        assert_eq!(moment(1_700_000_000.25), Value::text("2023-11-14 22:13:20.250000"));
        assert_eq!(span(0.003_456), Value::text("0:00:00.003456"));
        assert_eq!(span(90_061.0), Value::text("1 day, 1:01:01"));
        assert_eq!(lines("a\r\nb\n\nc"), ["a", "b", "", "c"]);
        assert_eq!(lines(""), Vec::<&str>::new());
    }
}
