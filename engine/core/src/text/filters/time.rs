//! Points in time: `strftime`, `to_datetime`, `now()`. There is no such type among values: a point in time is text in the form
//! in which Python prints it, and the methods, members and the difference of Python's `datetime` work on such text.

use jiff::civil::{self, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::Filter;
use crate::text::template::{self as t, Call, Here, Number, Outcome, fail, read};
use crate::text::value::Value;

pub const FILTERS: &[Filter] =
    &[Filter::new("strftime", "value second utc", strftime), Filter::new("to_datetime", "value format", to_datetime)];

fn zoned(seconds: i64, nanoseconds: i32, utc: bool) -> Outcome<Zoned> {
    match Timestamp::new(seconds, nanoseconds) {
        Ok(stamp) => Ok(stamp.to_zoned(if utc { TimeZone::UTC } else { TimeZone::system() })),
        Err(error) => fail(format!("{seconds} is no point in time: {error}")),
    }
}

fn formatted(time: &Zoned, format: &str) -> Outcome<String> {
    jiff::fmt::strtime::format(format, time).or_else(|error| fail(format!("`{format}` is no format of time: {error}")))
}

fn strftime(call: &Call<'_>, here: &Here<'_>) -> Outcome<Value> {
    let format = call.text(0)?;
    let (seconds, nanoseconds) = match call.given(1)? {
        None => {
            let (seconds, nanoseconds) = here.templates.control.now();
            (seconds, nanoseconds as i32)
        }
        Some(second) => {
            let second = match t::number(second) {
                Some(Number::Int(int)) => int as f64,
                Some(Number::Float(float)) => float,
                None => match t::python_text(second)?.trim().parse() {
                    Ok(float) => float,
                    Err(_) => return fail(format!("`{}` is no count of seconds", t::python_text(second)?)),
                },
            };
            (second.floor() as i64, 0)
        }
    };
    Ok(Value::text(formatted(&zoned(seconds, nanoseconds, call.flag(2, false)?)?, &format)?))
}

/// `now()`: in a format, or as Python prints it.
pub fn now(seconds: i64, nanoseconds: u32, utc: bool, format: Option<&str>) -> Outcome<Value> {
    let time = zoned(seconds, nanoseconds as i32, utc)?;
    match format {
        Some(format) => formatted(&time, format).map(Value::text),
        None => formatted(&time, "%Y-%m-%d %H:%M:%S.%6f").map(Value::text),
    }
}

fn to_datetime(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let (text, format) = (call.text(0)?, call.text_or(1, "%Y-%m-%d %H:%M:%S")?);
    let parsed = jiff::fmt::strtime::parse(&*format, &*text).map(|parts| {
        let date = parts.to_date().unwrap_or(civil::date(1900, 1, 1));
        date.to_datetime(parts.to_time().unwrap_or(civil::Time::midnight()))
    });
    match parsed {
        Ok(time) => Ok(Value::text(printed(time))),
        Err(error) => fail(format!("`{text}` does not fit `{format}`: {error}")),
    }
}

fn printed(time: DateTime) -> String {
    time.strftime(if time.subsec_nanosecond() / 1000 == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S.%6f" }).to_string()
}

/// The point in time that a text is, in the one form that this file writes.
fn parsed(text: &str) -> Option<DateTime> {
    let bytes = text.as_bytes();
    let fits = (bytes.len() == 19 || bytes.len() == 26) && bytes[4] == b'-' && bytes[10] == b' ' && bytes[13] == b':';
    if fits { text.parse().ok() } else { None }
}

/// `.year`, `.hour`, … of a point in time.
pub fn member(text: &str, name: &str) -> Option<Value> {
    let time = parsed(text)?;
    Some(Value::Int(match name {
        "year" => time.year().into(),
        "month" => time.month().into(),
        "day" => time.day().into(),
        "hour" => time.hour().into(),
        "minute" => time.minute().into(),
        "second" => time.second().into(),
        "microsecond" => (time.subsec_nanosecond() / 1000).into(),
        _ => return None,
    }))
}

/// Methods of a point in time.
pub fn method(text: &str, name: &str, call: &Call<'_>) -> Option<Outcome<Value>> {
    let time = parsed(text)?;
    let utc = || time.to_zoned(TimeZone::UTC);
    Some(match name {
        "strftime" => call.text(0).and_then(|format| match utc() {
            Ok(zoned) => formatted(&zoned, &format).map(Value::text),
            Err(error) => fail(error.to_string()),
        }),
        "isoformat" => Ok(Value::text(text.replacen(' ', "T", 1))),
        "timestamp" => Ok(utc().map_or(Value::Null, |zoned| Value::Float(zoned.timestamp().as_microsecond() as f64 / 1e6))),
        "date" => Ok(Value::text(&text[..10])),
        "time" => Ok(Value::text(&text[11..])),
        "weekday" => Ok(Value::Int(time.weekday().to_monday_zero_offset().into())),
        "isoweekday" => Ok(Value::Int(time.weekday().to_monday_one_offset().into())),
        _ => return None,
    })
}

/// `a - b` and `a + b` of points in time and the differences of such.
pub fn arithmetic(op: &str, a: &Value, b: &Value) -> Option<Value> {
    let time = parsed(read(a).as_str()?)?;
    if let Some(other) = read(b).as_str() {
        let other = parsed(other)?;
        return (op == "-").then(|| difference(time.duration_since(other)));
    }
    let duration = SignedDuration::from_micros(total(b)?);
    let moved = match op {
        "+" => time.checked_add(duration),
        "-" => time.checked_sub(duration),
        _ => return None,
    };
    Some(Value::text(printed(moved.ok()?)))
}

/// A difference as Python has it: whole days, then seconds that are never negative.
fn difference(duration: SignedDuration) -> Value {
    let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    let (days, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    Value::map([("days", days), ("seconds", rest / 1_000_000), ("microseconds", rest % 1_000_000)])
}

/// The microseconds of a difference.
fn total(value: &Value) -> Option<i64> {
    let map = read(value).as_map().filter(|map| map.len() == 3)?;
    let part = |name: &str| map.get(name).and_then(Value::as_int);
    Some(part("days")? * 86_400_000_000 + part("seconds")? * 1_000_000 + part("microseconds")?)
}

/// `.total_seconds()` of a difference.
pub fn total_seconds(value: &Value) -> Option<Value> {
    total(value).map(|micros| Value::Float(micros as f64 / 1e6))
}
