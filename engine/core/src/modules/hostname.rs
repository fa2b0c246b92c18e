//! `hostname`: what a host is called; `timezone`: its time zone.

use std::sync::Arc;

use crate::resources::host::{self, NAME, TIMEZONE};
use crate::resources::path;
use crate::state::{Fields, Halt, Id, Look, View};
use crate::text::{Map, Result, Value};

use super::{Arg, Args, Done, Entry, Module, Spec, Type, Want, Wanted};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };
pub static ZONE: Entry = Entry { spec: &ZONE_SPEC, make: make_zone };

static SPEC: Spec = Spec {
    name: "hostname",
    collection: "ansible.builtin",
    about: "Set what a host is called",
    args: &[
        Arg::new("name", Type::Text, "Its name").required(),
        Arg::new("use", Type::Text, "The way to do it; /etc/hostname is always what counts")
            .choices(&["alpine", "debian", "generic", "systemd"]),
    ],
    free_form: None,
    any: false,
};

static ZONE_SPEC: Spec = Spec {
    name: "timezone",
    collection: "community.general",
    about: "Set the time zone of a host",
    args: &[
        Arg::new("name", Type::Text, "The zone: Europe/Berlin"),
        Arg::new("hwclock", Type::Text, "What the clock of the machine shows").aliases(&["rtc"]).choices(&["UTC", "local"]),
    ],
    free_form: None,
    any: false,
};

struct Hostname {
    name: String,
    warnings: Vec<String>,
}
struct Timezone(String);

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let name = args.need("name")?;
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    if name.is_empty() || name.len() > 64 || name.starts_with('-') || !name.chars().all(allowed) {
        return Err(args.error("name", format!("`{name}` is no name of a host")));
    }
    let warning = "`use` changes nothing: /etc/hostname and the name that the kernel has are set in any case";
    let warnings = args.given("use").then(|| warning.to_string()).into_iter().collect();
    Ok(Arc::new(Hostname { name, warnings }))
}

fn make_zone(args: &Args) -> Result<Arc<dyn Module>> {
    if args.given("hwclock") {
        return Err(args.error("hwclock", "`hwclock` is not supported yet").hint("set it with `command: timedatectl set-local-rtc`"));
    }
    args.one_of(&["name"])?;
    let name = args.need("name")?;
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-+_/".contains(letter);
    if name.is_empty() || name.starts_with(['/', '-']) || !name.chars().all(allowed) {
        return Err(args.error("name", format!("`{name}` is no time zone")));
    }
    Ok(Arc::new(Timezone(name)))
}

impl Module for Hostname {
    fn looks(&self) -> Vec<Look> {
        vec![Look::at(host::KIND, NAME)]
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let id = Id::new(host::KIND, NAME);
        view.likely(&id)?;
        let fields = ["file", "live"].into_iter().map(|field| (field.into(), Value::text(self.name.as_str()))).collect::<Fields>();
        Ok(Want { warnings: self.warnings.clone(), ..Want::states([Wanted::new(id, Some(fields))]) })
    }

    fn result(&self, _done: &Done<'_>) -> Map {
        let (short, domain) = self.name.split_once('.').unwrap_or((&self.name, ""));
        let facts =
            [("ansible_hostname", short), ("ansible_nodename", &self.name), ("ansible_fqdn", &self.name), ("ansible_domain", domain)];
        Map::from_iter([
            ("name".into(), Value::text(self.name.as_str())),
            ("ansible_facts".into(), Value::map(facts.map(|(name, value)| (name, Value::text(value))))),
        ])
    }
}

impl Timezone {
    fn file(&self) -> Id {
        Id::new(path::KIND, format!("/usr/share/zoneinfo/{}", self.0))
    }
}

impl Module for Timezone {
    fn looks(&self) -> Vec<Look> {
        vec![Look::at(host::KIND, TIMEZONE), Look::of(self.file())]
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let id = Id::new(host::KIND, TIMEZONE);
        let now = view.likely(&id)?.as_ref();
        if view.likely(&self.file())?.is_none() && view.state(&self.file()).is_ok() {
            return Ok(Want::failed(format!("given timezone \"{}\" is not available", self.0)));
        }
        let mut fields = Fields::from([("name".into(), Value::text(self.0.as_str()))]);
        if now.is_some_and(|now| now.contains_key("file")) {
            fields.insert("file".into(), Value::text(self.0.as_str()));
        }
        Ok(Want::states([Wanted::new(id, Some(fields))]))
    }
}
