//! `group`: a group of the host.

use std::sync::Arc;

use crate::resources::user;
use crate::state::{Fields, Gap, Halt, Id, Look, Reply, State, View};
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

    /// The number that no other group may have.
    fn number(&self) -> Option<i64> {
        self.gid.filter(|_| self.present && !self.how.contains_key("non_unique"))
    }

    /// A number that is another's; a group that users have as their first one.
    fn refused(&self, view: &View<'_>) -> std::result::Result<Option<String>, Halt> {
        if let Some(gid) = self.number()
            && let Some(holder) = holder(&self.id(), "gid", gid, view)?
        {
            return Ok(Some(format!("GID '{gid}' already exists: it is that of group {holder}")));
        }
        if self.present || self.how.contains_key("force") {
            return Ok(None);
        }
        let users = view.likely(&self.id())?.as_ref().and_then(|group| group.get("first_of")?.as_list()).unwrap_or_default();
        let stays = |name: &&str| view.seen(&Id::new(user::KIND, *name)).is_none_or(Option::is_some);
        let user = users.iter().filter_map(Value::as_str).find(stays);
        Ok(user.map(|user| format!("cannot remove the primary group of user '{user}'")))
    }
}

/// Who else has a number, once the tasks before have run.
pub fn holder(own: &Id, field: &str, number: i64, view: &View<'_>) -> std::result::Result<Option<String>, Halt> {
    let kind = own.kind;
    // what it has already is not given anew
    if view.likely(own)?.as_ref().and_then(|fields| fields.get(field)?.as_int()) == Some(number) {
        return Ok(None);
    }
    let has = |state: &State| state.as_ref().and_then(|fields| fields.get(field)?.as_int()) == Some(number);
    let new = view.known(kind).into_iter().find(|(id, state, cause)| cause.is_some() && has(state) && *id != own);
    if let Some((id, ..)) = new.filter(|(id, ..)| *id.name != *number.to_string()) {
        return Ok(Some(id.name.to_string()));
    }
    let found = view.likely(&Id::new(kind, number.to_string()))?.as_ref();
    let Some(name) = found.and_then(|found| found.get("name")?.as_str()) else { return Ok(None) };
    let keeps = match view.seen(&Id::new(kind, name)) {
        Some(None) => false,
        Some(Some(fields)) => fields.get(field).is_none_or(|own| own.as_int() == Some(number)),
        None => true,
    };
    Ok((keeps && name != &*own.name).then(|| name.to_string()))
}

impl Module for Group {
    fn looks(&self) -> Vec<Look> {
        let mut look = Look::of(self.id());
        if self.local {
            look = look.with("local", "yes");
        }
        if !self.present {
            look = look.with("users", "yes");
        }
        let number = self.number().map(|gid| Look::at(user::GROUP, gid.to_string()));
        std::iter::once(look).chain(number).collect()
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let state = self.present.then(|| self.gid.map(|gid| ("gid".into(), Value::Int(gid))).into_iter().collect());
        view.sure(&self.id(), &state)?;
        if let Some(why) = self.refused(view)? {
            return Ok(Want::failed(why));
        }
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
