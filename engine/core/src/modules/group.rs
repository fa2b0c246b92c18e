//! `group`: a group of the host.

use std::sync::Arc;

use crate::resources::user;
use crate::state::{Fields, Gap, Halt, Id, Look, Reply, View};
use crate::text::{Map, Result, Value};

use super::{Arg, Args, Done, Entry, Module, Spec, Type, Want, Wanted};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "group",
    collection: "ansible.builtin",
    about: "Make a group of a host, or remove it",
    args: &[
        Arg::new("name", Type::Text, "The group").required(),
        Arg::new("state", Type::Text, "Whether it is there").default("present").choices(&["absent", "present"]),
        Arg::new("gid", Type::Int, "Its number"),
        Arg::new("system", Type::Bool, "A number for groups of the system, where it is made").default("false"),
        Arg::new("local", Type::Bool, "Only the host's own files count, not a directory service").default("false"),
        Arg::new("non_unique", Type::Bool, "The number may be another group's, too").default("false"),
        Arg::new("force", Type::Bool, "Remove it also where it is the first group of a user").default("false"),
        Arg::new("gid_min", Type::Int, "The lowest number it is given by itself"),
        Arg::new("gid_max", Type::Int, "The highest number it is given by itself"),
    ],
    free_form: None,
    any: false,
};

struct Group {
    name: String,
    present: bool,
    gid: Option<i64>,
    system: bool,
    local: bool,
    how: Fields,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    if args.flag("non_unique") && !args.given("gid") {
        return Err(args.error("non_unique", "missing parameter(s) required by 'non_unique': gid"));
    }
    if args.flag("local") {
        for name in ["gid_min", "gid_max"] {
            if args.given(name) {
                return Err(args.error(name, format!("`{name}` and `local` exclude each other")));
            }
        }
    }
    let how = ["system", "non_unique", "force", "gid_min", "gid_max"].into_iter();
    let how = how.filter_map(|name| Some((name.into(), args.value(name).filter(|value| value.as_bool() != Some(false))?))).collect();
    Ok(Arc::new(Group {
        name: name(args, "name")?,
        present: args.need("state")? == "present",
        gid: args.int("gid"),
        system: args.flag("system"),
        local: args.flag("local"),
        how,
    }))
}

/// A name of a user or group: what the files that keep them can hold.
pub fn name(args: &Args, argument: &str) -> Result<String> {
    let name = args.need(argument)?;
    if name.is_empty() || name.starts_with('-') || name.contains([':', ',', '/', '\n', ' ', '\t']) {
        return Err(args.error(argument, format!("`{name}` is no name of a user or group")));
    }
    Ok(name)
}

impl Group {
    fn id(&self) -> Id {
        Id::new(user::GROUP, self.name.as_str())
    }
}

impl Module for Group {
    fn looks(&self) -> Vec<Look> {
        let look = Look::of(self.id());
        vec![if self.local { look.with("local", "yes") } else { look }]
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let state = self.present.then(|| self.gid.map(|gid| ("gid".into(), Value::Int(gid))).into_iter().collect());
        view.sure(&self.id(), &state)?;
        let mut want = Want::states([Wanted { how: self.how.clone(), ..Wanted::new(self.id(), state) }]);
        want.result.insert("name", self.name.as_str());
        want.result.insert("state", if self.present { "present" } else { "absent" });
        Ok(want)
    }

    fn refused(&self, _gap: &Gap, reply: &Reply) -> Map {
        let keys = [("name", Value::text(self.name.as_str())), ("msg", Value::text(String::from_utf8_lossy(&reply.err)))];
        keys.into_iter().map(|(key, value)| (key.into(), value)).collect()
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        if self.present {
            result.insert("system", self.system);
            let gid = done.view.seen(&self.id()).and_then(|group| group.as_ref()?.get("gid"));
            result.extend(gid.map(|gid| ("gid".into(), gid.clone())));
        }
        result
    }
}
