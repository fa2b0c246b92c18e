//! The times that a task wants of a path.

use jiff::fmt::strtime::BrokenDownTime;

use super::{Halted, id};
use crate::modules::Args;
use crate::resources::path::KIND;
use crate::state::{Fields, Halt, Look, View};
use crate::text::{Diagnostic, Result, Value};

#[derive(Clone, PartialEq, Debug)]
enum Time {
    Keep,
    Now,
    /// `2026-01-31 12:00:00`, as the host's clock shows it.
    At(String),
}

pub struct Times {
    modification: Time,
    access: Time,
    /// Which of them the task names.
    given: (bool, bool),
}

impl Times {
    pub fn new(args: &Args, touch: bool) -> Result<Times> {
        let given = |name: &str| args.given(name);
        Ok(Times {
            modification: time(args, "modification_time", "modification_time_format", touch)?,
            access: time(args, "access_time", "access_time_format", touch)?,
            given: (given("modification_time"), given("access_time")),
        })
    }

    fn each(&self) -> [(&'static str, &Time, bool); 2] {
        [("mtime", &self.modification, self.given.0), ("atime", &self.access, self.given.1)]
    }

    /// What seconds a time is on the host is asked with `/`, which is always there.
    pub fn looks(&self) -> Vec<Look> {
        let look = |time: &Time| match time {
            Time::At(text) => Some(Look::at(KIND, "/").with("time", text.clone())),
            _ => None,
        };
        self.each().into_iter().filter_map(|(_, time, _)| look(time)).collect()
    }

    pub fn want(&self, view: &View<'_>, fields: &mut Fields) -> Halted<()> {
        for (field, time, _) in self.each() {
            match time {
                Time::Keep => {}
                Time::Now => drop(fields.insert(field.into(), Value::text("now"))),
                Time::At(text) => {
                    let Some(seconds) = view.field(&id("/"), &format!("time {text}"))? else {
                        return Err(Halt::Failed(Diagnostic::error(format!("the host's date(1) does not know the time {text}"))));
                    };
                    fields.insert(field.into(), seconds.clone());
                }
            }
        }
        Ok(())
    }

    /// A path that is made now has the time of now without being told; gives whether one was left out.
    pub fn only_given(&self, fields: &mut Fields) -> bool {
        let mut out = |(field, time, given): &(&'static str, &Time, bool)| **time == Time::Now && !given && fields.remove(*field).is_some();
        self.each().iter().filter(|each| out(each)).count() > 0
    }
}

fn time(args: &Args, name: &str, format: &str, touch: bool) -> Result<Time> {
    let text = match args.text(name).filter(|_| args.given(name)) {
        None if touch => return Ok(Time::Now),
        None => return Ok(Time::Keep),
        Some(text) => text,
    };
    if matches!(text.as_str(), "" | "preserve") {
        return Ok(Time::Keep);
    }
    if text == "now" {
        return Ok(Time::Now);
    }
    let format = args.need(format)?;
    let parsed = BrokenDownTime::parse(&format, &text).and_then(|time| time.to_datetime());
    match parsed {
        Ok(time) => Ok(Time::At(time.strftime("%Y-%m-%d %H:%M:%S").to_string())),
        Err(error) => Err(args.error(name, format!("Error while obtaining timestamp for time {text} using format {format}: {error}"))),
    }
}
