//! `wait_for`: a port, a path, words in it, or only time.

use std::sync::Arc;

use fancy_regex::Regex;

use crate::resources::wait::{self, Port};
use crate::state::{Answer, Halt, Look, Reply, View};
use crate::text::{Map, Result, Value};

use super::{Arg, Args, Condition, Done, Effect, Entry, Holds, Module, Spec, Type, Want};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "wait_for",
    collection: "ansible.builtin",
    about: "Wait for a port, a path, words in what they hold, or for a time",
    args: &[
        Arg::new("host", Type::Text, "The host of the port, as the target knows it").default("127.0.0.1"),
        Arg::new("port", Type::Int, "The port"),
        Arg::new("path", Type::Path, "The path"),
        Arg::new("state", Type::Text, "What is waited for")
            .default("started")
            .choices(&["absent", "drained", "present", "started", "stopped"]),
        Arg::new("search_regex", Type::Text, "Words that the file holds, or that the port says first"),
        Arg::new("timeout", Type::Int, "Seconds after which it is given up").default("300"),
        Arg::new("delay", Type::Int, "Seconds before it is first asked").default("0"),
        Arg::new("sleep", Type::Int, "Seconds between questions").default("1"),
        Arg::new("connect_timeout", Type::Int, "Seconds that a connection may take").default("5"),
        Arg::new("active_connection_states", Type::Texts, "States of connections that keep a port from being drained")
            .default("ESTABLISHED,FIN_WAIT1,FIN_WAIT2,SYN_RECV,SYN_SENT,TIME_WAIT")
            .choices(&["ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"]),
        Arg::new("exclude_hosts", Type::Texts, "Hosts whose connections do not keep a port from being drained"),
        Arg::new("msg", Type::Text, "What to say where it is given up"),
    ],
    free_form: None,
    any: false,
};

struct WaitFor {
    host: String,
    port: Option<i64>,
    path: Option<String>,
    state: String,
    regex: Option<(String, Regex)>,
    timeout: i64,
    delay: i64,
    sleep: i64,
    connect: i64,
    active: Vec<&'static str>,
    excluded: Vec<String>,
    message: Option<String>,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let (state, path) = (args.need("state")?, args.text("path"));
    if args.given("port") && path.is_some() {
        return Err(args.error("path", "port and path parameter can not both be passed to wait_for"));
    }
    if path.is_some() && matches!(state.as_str(), "stopped" | "drained") {
        return Err(args.error("state", format!("state={state} should only be used for checking a port in the wait_for module")));
    }
    if args.given("exclude_hosts") && state != "drained" {
        return Err(args.error("exclude_hosts", "exclude_hosts should only be with state=drained"));
    }
    if state == "drained" && !args.given("port") {
        return Err(args.error("state", "`state: drained` needs `port`"));
    }
    let number = |name: &str| args.int(name).unwrap_or(0).max(0);
    let regex = args.text("search_regex").map(|text| match Regex::new(&format!("(?m){text}")) {
        Ok(regex) => Ok((text, regex)),
        Err(why) => Err(args.error("search_regex", format!("Invalid regular expression: {why}"))),
    });
    Ok(Arc::new(WaitFor {
        host: args.need("host")?,
        port: args.int("port"),
        path,
        state,
        regex: regex.transpose()?,
        timeout: number("timeout"),
        delay: number("delay"),
        sleep: number("sleep"),
        connect: number("connect_timeout"),
        active: args.texts("active_connection_states").iter().filter_map(|name| code(name)).collect(),
        excluded: args.texts("exclude_hosts"),
        message: args.text("msg"),
    }))
}

/// A state of a connection as the kernel's table has it.
fn code(name: &str) -> Option<&'static str> {
    Some(match name {
        "ESTABLISHED" => "01",
        "SYN_SENT" => "02",
        "SYN_RECV" => "03",
        "FIN_WAIT1" => "04",
        "FIN_WAIT2" => "05",
        "TIME_WAIT" => "06",
        _ => return None,
    })
}

impl WaitFor {
    fn late(&self) -> String {
        let (host, regex) = (&self.host, self.regex.as_ref().map(|(text, _)| text));
        let port = self.port.unwrap_or_default();
        self.message.clone().unwrap_or_else(|| match (self.state.as_str(), &self.path, regex) {
            ("absent" | "stopped", Some(path), _) => format!("Timeout when waiting for {path} to be absent."),
            ("absent" | "stopped", None, _) => format!("Timeout when waiting for {host}:{port} to stop."),
            ("drained", ..) => format!("Timeout when waiting for {host}:{port} to drain"),
            (_, Some(path), Some(regex)) => format!("Timeout when waiting for search string {regex} in {path}"),
            (_, Some(path), None) => format!("Timeout when waiting for file {path}"),
            (_, None, Some(regex)) => format!("Timeout when waiting for search string {regex} in {host}:{port}"),
            (_, None, None) => format!("Timeout when waiting for {host}:{port}"),
        })
    }

    fn gone(&self) -> bool {
        matches!(self.state.as_str(), "absent" | "stopped")
    }

    fn ask(&self) -> Option<(String, String)> {
        let read = self.regex.is_some() && !self.gone();
        if let Some(path) = &self.path {
            return Some((wait::path(path, read), format!("{path} to be {}", if self.gone() { "absent" } else { "there" })));
        }
        let port = self.port?;
        let shown = format!("{}:{port} to be {}", self.host, self.state);
        if self.state == "drained" {
            let names: Vec<&str> = std::iter::once(&self.host).chain(&self.excluded).map(String::as_str).collect();
            return Some((wait::connections(&names), shown));
        }
        Some((wait::port(&self.host, port, self.connect.min(self.timeout), read), shown))
    }

    /// What the words are searched in, where the thing is there.
    fn searched<'a>(&self, text: &'a str) -> Option<&'a str> {
        match self.path {
            Some(_) => wait::read_path(text).map(|(_, held)| held),
            None => match wait::read_port(text) {
                Some(Port::Open(said)) => Some(said),
                _ => None,
            },
        }
    }

    fn found(&self, text: &str) -> Holds {
        let Some(searched) = self.searched(text) else { return Holds::NotYet(String::new()) };
        match &self.regex {
            Some((_, regex)) if !regex.is_match(searched).unwrap_or(false) => Holds::NotYet(String::new()),
            _ => Holds::Yes,
        }
    }

    /// What the groups of the expression matched.
    fn groups(&self, reply: Option<&Reply>) -> (Value, Value) {
        let (mut all, mut named) = (vec![], Map::new());
        let text = reply.map(|reply| String::from_utf8_lossy(&reply.out)).unwrap_or_default();
        if let (Some((_, regex)), Some(searched)) = (&self.regex, self.searched(&text))
            && let Ok(Some(found)) = regex.captures(searched)
        {
            let value = |at: usize| Value::from(found.get(at).map(|group| group.as_str()));
            all.extend((1..found.len()).map(value));
            let names = regex.capture_names().enumerate().filter_map(|(at, name)| Some((name?.into(), value(at))));
            named.extend(names);
        }
        (all.into(), named.into())
    }
}

impl Module for WaitFor {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        let Some((ask, shown)) = self.ask() else {
            let pause = Effect::Pause { seconds: Some((self.timeout + self.delay) as u64), prompt: None, echo: true };
            return Ok(Want { changed: Some(false), ..Want::effect(pause) });
        };
        let condition = Condition {
            tells: false,
            ask: ask.into(),
            shown,
            every: self.sleep as f64,
            first_after: self.delay as f64,
            limit: self.timeout as f64,
            late: self.late(),
            reconnects: None,
        };
        Ok(Want { condition: Some(condition), changed: Some(false), ..Want::default() })
    }

    fn holds(&self, answer: &Answer) -> Holds {
        let reply = answer.reply();
        let text = String::from_utf8_lossy(&reply.out);
        if self.state == "drained" {
            let open = wait::count(&reply, &self.host, self.port.unwrap_or_default(), &self.excluded, &self.active);
            return if open == 0 { Holds::Yes } else { Holds::NotYet(String::new()) };
        }
        if let Some(path) = &self.path {
            return match (text.lines().next().unwrap_or_default(), self.gone()) {
                (line, true) if line.starts_with("@there") => Holds::NotYet(String::new()),
                (_, true) => Holds::Yes,
                ("@denied", false) => Holds::Never(format!("Failed to stat {path}, Permission denied")),
                _ => self.found(&text),
            };
        }
        match (wait::read_port(&text), self.gone()) {
            (Some(Port::Unknown), _) => Holds::Never("the host has neither bash nor nc to open a connection with".into()),
            (Some(Port::Closed), true) => Holds::Yes,
            (None, _) => Holds::NotYet(String::new()),
            (Some(_), true) => Holds::NotYet(String::new()),
            (Some(_), false) => self.found(&text),
        }
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let (groups, named) = self.groups(done.reply);
        let mut result = Map::new();
        result.insert("state", self.state.as_str());
        if self.path.is_some() {
            // how the path is in the end
            let text = done.reply.map(|reply| String::from_utf8_lossy(&reply.out)).unwrap_or_default();
            match wait::read_path(&text) {
                Some((fields, _)) => super::owned::describe(Some(&fields), &mut result),
                None => drop(result.insert("state", "absent")),
            }
        }
        result.insert("port", self.port);
        result.insert("path", self.path.as_deref());
        result.insert("search_regex", self.regex.as_ref().map(|(text, _)| text.as_str()));
        result.insert("match_groups", groups);
        result.insert("match_groupdict", named);
        result.insert("elapsed", Value::Int((done.ended - done.began).max(0.0) as i64));
        result
    }
}
