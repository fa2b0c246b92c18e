//! Points in time: `strftime`, `to_datetime`, `now()`. A point in time is text in Python's form, for there is no such type.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned, civil};

use super::Filter;
use crate::text::template::{self as t, Call, Here, Number, Outcome, fail};
use crate::text::value::Value;

pub const FILTERS: &[Filter] = &[
    Filter::new("strftime", "value second utc", strftime),
    Filter::new("to_datetime", "value format", to_datetime),
];

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
    let parsed = jiff::fmt::strtime::parse(&*format, &*text).and_then(|parts| {
        let date = parts.to_date().unwrap_or(civil::date(1900, 1, 1));
        Ok(date.to_datetime(parts.to_time().unwrap_or(civil::Time::midnight())))
    });
    match parsed {
        Ok(time) => Ok(Value::text(time.strftime("%Y-%m-%d %H:%M:%S").to_string())),
        Err(error) => fail(format!("`{text}` does not fit `{format}`: {error}")),
    }
}
