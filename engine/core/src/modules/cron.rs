//! `cron`: jobs and variables of a crontab, known by a comment with their name.

use std::sync::Arc;

use crate::resources::crontab::{self, OWN};
use crate::resources::path;
use crate::resources::user;
use crate::state::{Fields, Halt, Id, Look, State, View};
use crate::text::value::sha256_hex;
use crate::text::{Map, Mark, Result, Value};

use super::{Arg, Args, Entry, Module, Spec, Type, Want, Wanted, whole};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

const TIMES: [(&str, &str); 5] = [("minute", "*"), ("hour", "*"), ("day", "*"), ("month", "*"), ("weekday", "*")];

static SPEC: Spec = Spec {
    name: "cron",
    collection: "ansible.builtin",
    about: "Have a job or a variable in a crontab",
    args: &[
        Arg::new("name", Type::Text, "What the job is called, or the variable").required(),
        Arg::new("user", Type::Text, "Whose crontab, or as whom a job of `cron_file` runs"),
        Arg::new("job", Type::Text, "The command, or the variable's value").aliases(&["value"]),
        Arg::new("state", Type::Text, "Whether it is there").default("present").choices(&["absent", "present"]),
        Arg::new("cron_file", Type::Path, "A file of /etc/cron.d instead of a user's crontab"),
        Arg::new("backup", Type::Bool, "Keep the crontab as it was").default("false"),
        Arg::new("minute", Type::Text, "Minutes").default("*"),
        Arg::new("hour", Type::Text, "Hours").default("*"),
        Arg::new("day", Type::Text, "Days of the month").default("*").aliases(&["dom"]),
        Arg::new("month", Type::Text, "Months").default("*"),
        Arg::new("weekday", Type::Text, "Days of the week, 0 for Sunday").default("*").aliases(&["dow"]),
        Arg::new("special_time", Type::Text, "A time by name")
            .choices(&["annually", "daily", "hourly", "monthly", "reboot", "weekly", "yearly"]),
        Arg::new("disabled", Type::Bool, "Keep the job, as a comment").default("false"),
        Arg::new("env", Type::Bool, "It is a variable").default("false"),
        Arg::new("insertafter", Type::Text, "The variable to put a new one after"),
        Arg::new("insertbefore", Type::Text, "The variable to put a new one before"),
    ],
    free_form: None,
    any: false,
};

struct Cron {
    name: String,
    user: Option<String>,
    file: Option<String>,
    /// As the task names the file.
    given: Option<String>,
    present: bool,
    env: bool,
    /// The line that is wanted.
    line: String,
    after: Option<String>,
    before: Option<String>,
    backup: bool,
    warnings: Vec<String>,
    /// Secrets of the job.
    marks: Vec<Arc<Mark>>,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    args.exclusive(&["insertafter", "insertbefore"])?;
    let (name, user, job) = (args.need("name")?, args.text("user"), args.text("job"));
    let present = args.need("state")? == "present";
    let env = args.flag("env");
    check(args, present, env, &name)?;
    let given = args.text("cron_file");
    let mut warnings = vec![];
    if let Some(file) = &given {
        let base = path::base(file);
        if base.is_empty() || !base.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter)) {
            warnings.push(format!(
                "Filename portion of cron_file (\"{base}\") should consist solely of upper- and lower-case letters, digits, underscores, and hyphens"
            ));
        }
    }
    let job = job.unwrap_or_default();
    if !env && job.trim_matches(['\r', '\n']).contains(['\r', '\n']) {
        return Err(args.error("job", "a job stands in one line").hint("put the commands into a script, or join them with `&&`"));
    }
    let line = if env { format!("{name}=\"{job}\"") } else { line(args, given.as_ref().and(user.as_deref()), &job)? };
    let file = given.as_ref().map(|file| if file.starts_with('/') { path::normal(file) } else { format!("/etc/cron.d/{file}") });
    let marks = args.value("job").map(|job| job.marks()).unwrap_or_default();
    let (after, before) = (args.text("insertafter"), args.text("insertbefore"));
    Ok(Arc::new(Cron { name, user, file, given, present, env, line, after, before, backup: args.flag("backup"), warnings, marks }))
}

fn check(args: &Args, present: bool, env: bool, name: &str) -> Result<()> {
    if args.text("cron_file").as_deref() == Some("/etc/crontab") {
        return Err(args.error("cron_file", "Will not manage /etc/crontab via cron_file, see documentation."));
    }
    let timed = TIMES.iter().find(|(time, any)| args.text(time).is_some_and(|text| text != *any));
    if let Some((time, _)) = timed.filter(|_| args.given("special_time")) {
        return Err(args.error(time, "You cannot combine special_time with any of the time or day/date parameters."));
    }
    if name.contains('\n') {
        return Err(args.error("name", "a name stands in one line"));
    }
    if env && name.contains(' ') {
        return Err(args.error("name", "Invalid name for environment variable"));
    }
    if !present {
        return Ok(());
    }
    if args.given("cron_file") && !args.given("user") {
        return Err(args.error("cron_file", "To use cron_file=... parameter you must specify user=... as well"));
    }
    if args.text("job").is_none() {
        return Err(args.span.error("You must specify 'job' to install a new cron job or variable"));
    }
    for place in ["insertafter", "insertbefore"] {
        if args.given(place) && !env {
            return Err(args.error(place, "Insertafter and insertbefore parameters are valid only with env=yes"));
        }
    }
    Ok(())
}

/// Lowest and highest numbers of the five times.
const RANGES: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];

/// Why a time is none; `None` where it is one: numbers, names, ranges, `*`, steps, between commas.
fn bad_time(word: &str, (low, high): (u32, u32)) -> Option<String> {
    let outside = |part: &str| match part.parse::<u32>() {
        Ok(number) if !(low..=high).contains(&number) => Some(format!("{number} is not from {low} to {high}")),
        Ok(_) => None,
        // names of months and days, `~` and other marks that some crons have
        Err(_) if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_alphabetic() || b"*~#?".contains(&byte)) => {
            Some(format!("`{part}` is no number"))
        }
        Err(_) => None,
    };
    let ends = word.split(',').flat_map(|part| part.split('/').next().unwrap_or_default().split('-'));
    let step = |part: &str| part.split_once('/').is_some_and(|(_, step)| step.parse::<u32>().is_ok_and(|step| step > 0));
    let no_step = word.split(',').find(|part| part.contains('/') && !step(part));
    ends.into_iter().find_map(outside).or_else(|| no_step.map(|part| format!("`{part}` has no step")))
}

fn line(args: &Args, user: Option<&str>, job: &str) -> Result<String> {
    let mut words = vec![];
    match args.text("special_time") {
        Some(time) => words.push(format!("@{time}")),
        None => {
            for ((time, _), range) in TIMES.into_iter().zip(RANGES) {
                let word = args.need(time)?;
                if let Some(why) = bad_time(&word, range) {
                    return Err(args.error(time, format!("`{word}` is no {time} of a crontab: {why}")));
                }
                words.push(word);
            }
        }
    }
    words.extend(user.map(str::to_string));
    words.push(job.trim_matches(['\r', '\n']).to_string());
    Ok(format!("{}{}", if args.flag("disabled") { "#" } else { "" }, words.join(" ")))
}

const MARK: &str = "#Ansible: ";

impl Cron {
    fn comment(&self) -> String {
        format!("{MARK}{}", self.name)
    }

    /// Changes the lines; whether it did, or why it cannot.
    fn edit(&self, lines: &mut Vec<String>) -> std::result::Result<bool, String> {
        if self.env { self.variable(lines) } else { Ok(self.job(lines)) }
    }

    fn variable(&self, lines: &mut Vec<String>) -> std::result::Result<bool, String> {
        let find =
            |lines: &[String], name: &str| lines.iter().position(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')));
        match (find(lines, &self.name), self.present) {
            (None, false) => return Ok(false),
            (Some(at), true) if lines[at] == self.line => return Ok(false),
            (Some(_), true) => {
                let own = format!("{}=", self.name);
                lines.iter_mut().filter(|line| line.starts_with(&own)).for_each(|line| line.clone_from(&self.line));
            }
            (Some(_), false) => lines.retain(|line| !line.strip_prefix(&self.name).is_some_and(|rest| rest.starts_with('='))),
            (None, true) => {
                let at = match (&self.after, &self.before) {
                    (Some(name), _) => find(lines, name).map(|at| at + 1).ok_or(name),
                    (_, Some(name)) => find(lines, name).ok_or(name),
                    _ => Ok(0),
                };
                let at = at.map_err(|name| format!("Variable named '{name}' not found."))?;
                lines.insert(at, self.line.clone());
            }
        }
        Ok(true)
    }

    /// The line below the comment with the job's name; a comment's line that is itself below a comment is none.
    fn find(&self, lines: &[String]) -> Option<String> {
        let mut comment: Option<&str> = None;
        for line in lines {
            match comment.take() {
                Some(name) if name == self.name => return Some(line.clone()),
                Some(_) => {}
                None => comment = line.strip_prefix(MARK),
            }
        }
        None
    }

    fn job(&self, lines: &mut Vec<String>) -> bool {
        let old = self.find(lines);
        if !self.present {
            if old.is_some() {
                self.replace(lines, false);
            }
            return old.is_some();
        }
        if let Some(old) = old {
            let differs = old != self.line;
            if differs {
                self.replace(lines, true);
            }
            return differs;
        }
        // the same job without a name is given this one
        match lines.iter().position(|line| *line == self.line) {
            Some(at) if at == 0 || !lines[at - 1].starts_with(MARK) => lines.insert(at, self.comment()),
            Some(at) if lines[at - 1] == format!("{MARK}None") => lines[at - 1] = self.comment(),
            _ => lines.extend([self.comment(), self.line.clone()]),
        }
        true
    }

    /// What stands below each comment with the name becomes the job, or goes with the comment.
    fn replace(&self, lines: &mut Vec<String>, keep: bool) {
        let own = self.comment();
        let mut below = false;
        let old = std::mem::take(lines);
        for line in old {
            if std::mem::take(&mut below) {
                if keep {
                    lines.extend([own.clone(), self.line.clone()]);
                }
            } else if line == own {
                below = true;
            } else {
                lines.push(line);
            }
        }
    }

    /// The thing that the lines are in, and its text.
    fn now(&self, view: &View<'_>) -> std::result::Result<(Id, Option<String>), Halt> {
        if let Some(file) = &self.file {
            return whole::text(file, view);
        }
        let id = self.crontab();
        let text = view.field(&id, "contents")?.and_then(Value::as_str).map(str::to_string);
        Ok((id, text))
    }

    fn crontab(&self) -> Id {
        Id::new(crontab::KIND, self.user.as_deref().unwrap_or(OWN))
    }

    fn state(&self, text: String) -> State {
        let mut fields = Fields::from([("contents".into(), whole::contents(text, &self.marks))]);
        if self.file.is_some() {
            fields.insert("kind".into(), Value::text("file"));
        }
        Some(fields)
    }
}

impl Module for Cron {
    fn looks(&self) -> Vec<Look> {
        match &self.file {
            Some(file) => vec![whole::look(file)],
            None => {
                let user = self.user.iter().map(|user| Look::at(user::KIND, user.as_str()));
                std::iter::once(Look::of(self.crontab())).chain(user).collect()
            }
        }
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        if let Some(user) = self.user.as_ref().filter(|_| self.file.is_none()) {
            let id = Id::new(user::KIND, user.as_str());
            if view.likely(&id)?.is_none() && view.state(&id).is_ok() && self.present {
                return Ok(Want::failed(format!("crontab: user `{user}' unknown")));
            }
        }
        let (own, text) = self.now(view)?;
        let old = text.clone().unwrap_or_default();
        let mut lines: Vec<String> = old.lines().map(str::to_string).collect();
        let changed = match self.edit(&mut lines) {
            Ok(changed) => changed,
            Err(why) => return Ok(Want::failed(why)),
        };
        let mut result = Map::new();
        let mut want = Want { warnings: self.warnings.clone(), ..Want::default() };
        let empty = lines.iter().all(|line| line.trim().is_empty());
        if changed && !self.present && !self.env && self.file.is_some() && empty {
            result.insert("cron_file", self.given.as_deref().map(Value::text).unwrap_or_default());
            result.insert("state", "absent");
            want.states.push(Wanted::gone(own));
            return Ok(Want { result, ..want });
        }
        let names = |found: Vec<&str>| Value::list(found.into_iter().map(Value::text));
        result.insert("jobs", names(lines.iter().filter_map(|line| line.strip_prefix(MARK)).collect()));
        let variable =
            |line: &&String| line.split_once('=').is_some_and(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace));
        result.insert("envs", names(lines.iter().filter(variable).filter_map(|line| line.split('=').next()).collect()));
        if let Some(file) = &self.given {
            result.insert("cron_file", file.as_str());
        }
        if changed || (!old.is_empty() && !old.ends_with(['\n', '\r'])) {
            if self.backup {
                let kept = format!("/tmp/crontab.{:.8}", sha256_hex(old.as_bytes()));
                let id = Id::new(path::KIND, kept.as_str());
                if !view.answers(&Look::of(id.clone())) {
                    return Err(Halt::Ask(vec![super::owned::look_unless(&kept, &sha256_hex(old.as_bytes()))]));
                }
                let fields =
                    [("kind", Value::text("file")), ("mode", Value::text("0600")), ("contents", whole::contents(old, &self.marks))];
                let fields = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
                want.states.push(Wanted::new(id, Some(fields)));
                result.insert("backup_file", kept);
            }
            let joined = lines.join("\n");
            let trimmed = joined.trim_end_matches(['\r', '\n']);
            want.states.push(Wanted::new(own, self.state(if trimmed.is_empty() { String::new() } else { format!("{trimmed}\n") })));
        }
        Ok(Want { result, ..want })
    }
}
