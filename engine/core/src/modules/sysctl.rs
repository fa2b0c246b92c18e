//! `sysctl`: a parameter of the kernel, in a file and now.

use std::sync::Arc;

use crate::resources::path::{self, normal};
use crate::resources::sysctl;
use crate::state::{Fields, Halt, Id, Look, Reach, View};
use crate::text::{Result, Value, scalar};

use super::{Action, Arg, Args, Entry, Module, Spec, Type, Want, Wanted, whole};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "sysctl",
    collection: "ansible.posix",
    about: "Set a parameter of the kernel, in a file and now",
    args: &[
        Arg::new("name", Type::Text, "The parameter: net.ipv4.ip_forward").required().aliases(&["key"]),
        Arg::new("value", Type::Text, "Its value").aliases(&["val"]),
        Arg::new("state", Type::Text, "Whether the file has it").default("present").choices(&["absent", "present"]),
        Arg::new("reload", Type::Bool, "Let the kernel read the file again where it changed").default("true"),
        Arg::new("sysctl_set", Type::Bool, "Set it in the kernel, too").default("false"),
        Arg::new("ignoreerrors", Type::Bool, "A parameter that the kernel does not have is no error").default("false"),
        Arg::new("sysctl_file", Type::Path, "The file").default("/etc/sysctl.conf"),
    ],
    free_form: None,
    any: false,
};

struct Sysctl {
    name: String,
    /// `None`: it is to be absent.
    value: Option<String>,
    reload: bool,
    set: bool,
    ignore: bool,
    file: String,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let name = args.need("name")?.trim().to_string();
    if name.is_empty() || name.contains(['\n', '=']) || name.split(['.', '/']).any(|part| part == ".." || part.is_empty()) {
        return Err(args.error(
            "name",
            if name.is_empty() { "name cannot be blank".to_string() } else { format!("`{name}` is no parameter of a kernel") },
        ));
    }
    let present = args.need("state")? == "present";
    let value = args.text("value").map(|value| parsed(&value)).filter(|_| present);
    if present && value.as_deref().unwrap_or_default().is_empty() {
        let message =
            if value.is_some() { "value cannot be blank" } else { "state is present but all of the following are missing: value" };
        return Err(args.error("value", message));
    }
    if value.as_ref().is_some_and(|value| value.contains('\n')) {
        return Err(args.error("value", "a value stands in one line"));
    }
    Ok(Arc::new(Sysctl {
        name,
        value,
        reload: args.flag("reload"),
        set: args.flag("sysctl_set"),
        ignore: args.flag("ignoreerrors"),
        file: normal(&args.need("sysctl_file")?),
    }))
}

/// Words for yes and no are 1 and 0.
fn parsed(value: &str) -> String {
    let lower = value.trim().to_lowercase();
    match lower.as_str() {
        "y" | "t" | "1" | "1.0" => "1".into(),
        "n" | "f" | "0" | "0.0" => "0".into(),
        lower => match scalar::boolean(lower) {
            Some(flag) => if flag { "1" } else { "0" }.into(),
            None => value.trim().to_string(),
        },
    }
}

/// `NAME = VALUE` of a line; comments and other lines have none.
fn pair(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let (name, value) = line.split_once('=').filter(|_| !line.starts_with(['#', ';']))?;
    Some((name.trim(), value.trim()))
}

impl Sysctl {
    fn id(&self) -> Id {
        Id::new(sysctl::KIND, self.name.as_str())
    }

    /// The file as it is to be; `None` where it is so.
    fn edit(&self, text: &str) -> Option<String> {
        let now = text.lines().filter_map(pair).rfind(|(name, _)| *name == self.name).map(|(_, value)| value);
        if now == self.value.as_deref() {
            return None;
        }
        let mut seen: Vec<&str> = vec![];
        let mut lines = vec![];
        for line in text.lines() {
            match pair(line) {
                None => lines.push(line.trim().to_string()),
                // the first of several with one name stays
                Some((name, _)) if seen.contains(&name) => {}
                Some((name, value)) => {
                    seen.push(name);
                    let value = if name == self.name { self.value.as_deref() } else { Some(value) };
                    lines.extend(value.map(|value| format!("{name}={value}")));
                }
            }
        }
        if !seen.contains(&self.name.as_str()) {
            lines.extend(self.value.as_ref().map(|value| format!("{}={value}", self.name)));
        }
        Some(lines.into_iter().map(|line| line + "\n").collect())
    }
}

impl Module for Sysctl {
    fn looks(&self) -> Vec<Look> {
        vec![whole::look(&self.file), Look::of(self.id())]
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let mut want = Want::default();
        let (id, text) = whole::text(&self.file, view)?;
        let edited = self.edit(&text.unwrap_or_default());
        let live = view.likely(&self.id())?;
        if let Some(value) = self.value.as_ref().filter(|_| (self.set || self.reload) && !(self.ignore && live.is_none())) {
            let words = value.split_whitespace().collect::<Vec<_>>().join(" ");
            want.states.push(Wanted::new(self.id(), Some(Fields::from([("value".into(), Value::text(words))]))));
        }
        if let Some(text) = edited {
            let fields = Fields::from([("kind".into(), Value::text("file")), ("contents".into(), whole::contents(text, &[]))]);
            want.states.push(Wanted::new(Id::new(path::KIND, id.name), Some(fields)));
            if self.reload {
                let action = Action::new(sysctl::reload(&self.file, self.ignore), format!("sysctl -p {}", self.file));
                let reach = Reach::Kinds(&[sysctl::KIND]);
                want.action = Some(Action { predictable: true, code_is_data: false, only_if_changed: true, reach, ..action });
            }
        }
        Ok(want)
    }
}
