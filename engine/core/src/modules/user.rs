//! `user`: a user of the host.

use std::sync::Arc;

use crate::resources::user;
use crate::state::{Fields, Gap, Halt, Id, Look, Reply, View};
use crate::text::{Map, Result, Unknown, Value};

use super::group::{holder, name};
use super::owned::known_group;
use super::{Arg, Args, Done, Entry, Module, Spec, Type, Want, Wanted};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "user",
    collection: "ansible.builtin",
    about: "Make a user of a host, change or remove it",
    args: &[
        Arg::new("name", Type::Text, "The user").required().aliases(&["user"]),
        Arg::new("state", Type::Text, "Whether it is there").default("present").choices(&["absent", "present"]),
        Arg::new("uid", Type::Int, "Its number"),
        Arg::new("non_unique", Type::Bool, "The number may be another user's, too").default("false"),
        Arg::new("group", Type::Text, "Its first group"),
        Arg::new("groups", Type::Texts, "Its further groups; an empty text for none"),
        Arg::new("append", Type::Bool, "Add to the groups that it has").default("false"),
        Arg::new("comment", Type::Text, "What the user is called, or is for"),
        Arg::new("home", Type::Path, "Its home folder"),
        Arg::new("create_home", Type::Bool, "Make the home folder where it is not there").default("true").aliases(&["createhome"]),
        Arg::new("move_home", Type::Bool, "Move the home folder where it is to be another").default("false"),
        Arg::new("skeleton", Type::Path, "A folder whose files a new home begins with"),
        Arg::new("umask", Type::Text, "The umask for a new home"),
        Arg::new("shell", Type::Path, "Its shell"),
        Arg::new("password", Type::Text, "The hash of its password").secret(),
        Arg::new("update_password", Type::Text, "When the password is set").default("always").choices(&["always", "on_create"]),
        Arg::new("password_lock", Type::Bool, "Whether the password is locked"),
        Arg::new("password_expire_max", Type::Int, "Most days until it has to be changed"),
        Arg::new("password_expire_min", Type::Int, "Fewest days between two changes"),
        Arg::new("password_expire_warn", Type::Int, "Days of warning before"),
        Arg::new("password_expire_account_disable", Type::Int, "Days after which the account is closed then"),
        Arg::new("expires", Type::Float, "When the account ends, in seconds since 1970; negative for never"),
        Arg::new("system", Type::Bool, "A number for users of the system, where it is made").default("false"),
        Arg::new("local", Type::Bool, "Only the host's own files count, not a directory service"),
        Arg::new("force", Type::Bool, "Remove it also while it is logged in").default("false"),
        Arg::new("remove", Type::Bool, "Remove its home folder, too").default("false"),
        Arg::new("uid_min", Type::Int, "The lowest number it is given by itself"),
        Arg::new("uid_max", Type::Int, "The highest number it is given by itself"),
        Arg::new("generate_ssh_key", Type::Bool, "Make a key pair for it"),
        Arg::new("ssh_key_bits", Type::Int, "Its length"),
        Arg::new("ssh_key_type", Type::Text, "Its type").default("rsa"),
        Arg::new("ssh_key_file", Type::Path, "Where it is"),
        Arg::new("ssh_key_comment", Type::Text, "What its comment is"),
        Arg::new("ssh_key_passphrase", Type::Text, "What it is locked by").secret(),
        Arg::new("seuser", Type::Text, "SELinux user"),
        Arg::new("login_class", Type::Text, "BSD only"),
        Arg::new("hidden", Type::Bool, "macOS only"),
        Arg::new("profile", Type::Text, "Solaris only"),
        Arg::new("authorization", Type::Text, "Solaris only"),
        Arg::new("role", Type::Text, "Solaris only"),
    ],
    free_form: None,
    any: false,
};

struct User {
    name: String,
    present: bool,
    /// Fields that are wanted whether the user is new or not.
    fields: Fields,
    group: Option<String>,
    groups: Option<Vec<String>>,
    append: bool,
    create_home: bool,
    password: Option<Value>,
    on_create: bool,
    lock: Option<bool>,
    local: bool,
    how: Fields,
    /// Keys of the result.
    said: Map,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let key = ["generate_ssh_key", "ssh_key_bits", "ssh_key_file", "ssh_key_comment", "ssh_key_passphrase"];
    for name in key.into_iter().chain(["seuser", "login_class", "hidden", "profile", "authorization", "role"]) {
        if args.given_text(name).is_some_and(|text| text != "False") {
            let hint = if key.contains(&name) {
                "make the key with `command: ssh-keygen …` and `creates`"
            } else {
                "leave it out: it is not for this system"
            };
            return Err(args.error(name, format!("`{name}` is not supported yet")).hint(hint));
        }
    }
    if args.flag("non_unique") && !args.given("uid") {
        return Err(args.error("non_unique", "missing parameter(s) required by 'non_unique': uid"));
    }
    if args.flag("append") && !args.given("groups") {
        return Err(args.error("append", "'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups."));
    }
    let mut how: Fields = ["non_unique", "move_home", "skeleton", "umask", "system", "force", "remove", "uid_min", "uid_max"]
        .into_iter()
        .filter_map(|name| Some((name.into(), args.value(name).filter(|value| value.as_bool() != Some(false))?)))
        .collect();
    let password = args.value("password").filter(|hash| hash.as_str().is_some());
    if let Some(hash) = &password {
        if hash.as_str().is_some_and(|hash| hash.contains([':', '\n'])) {
            return Err(args
                .error("password", "a hash of a password holds no `:` and no line end")
                .hint("`password_hash('sha512')` makes one"));
        }
        how.insert("hash".into(), hash.clone());
    }
    Ok(Arc::new(User {
        name: name(args, "name")?,
        present: args.need("state")? == "present",
        fields: fields(args),
        group: args.text("group"),
        groups: args.value("groups").map(|_| args.texts("groups").into_iter().filter(|group| !group.is_empty()).collect()),
        append: args.flag("append"),
        create_home: args.flag("create_home"),
        password,
        on_create: args.need("update_password")? == "on_create",
        lock: args.maybe_flag("password_lock"),
        local: args.flag("local"),
        how,
        said: said(args),
    }))
}

fn fields(args: &Args) -> Fields {
    let names = [
        ("uid", "uid"),
        ("comment", "comment"),
        ("home", "home"),
        ("shell", "shell"),
        ("password_expire_max", "password_max"),
        ("password_expire_min", "password_min"),
        ("password_expire_warn", "password_warn"),
        ("password_expire_account_disable", "password_inactive"),
    ];
    let mut fields: Fields = names.into_iter().filter_map(|(name, field)| Some((field.into(), args.value(name)?))).collect();
    if let Some(seconds) = args.float("expires") {
        let date = if seconds < 0.0 { "never".to_string() } else { user::date((seconds / 86_400.0).floor() as i64) };
        fields.insert("expires".into(), Value::text(date));
    }
    fields
}

fn said(args: &Args) -> Map {
    let mut said = Map::new();
    said.insert("name", args.text("name"));
    said.insert("state", args.text("state"));
    for name in ["append", "move_home", "system", "create_home", "force", "remove"] {
        said.insert(name, args.flag(name));
    }
    if args.given("groups") {
        said.insert("groups", args.texts("groups").join(","));
    }
    if args.given("password") {
        said.insert("password", "NOT_LOGGING_PASSWORD");
    }
    said
}

impl User {
    fn id(&self) -> Id {
        Id::new(user::KIND, self.name.as_str())
    }

    /// The number that no other user may have.
    fn number(&self) -> Option<i64> {
        self.fields.get("uid").and_then(Value::as_int).filter(|_| !self.how.contains_key("non_unique"))
    }

    /// The first group and the further ones by name; a message where one is not there.
    fn membership(&self, now: Option<&Fields>, fields: &mut Fields, view: &View<'_>) -> std::result::Result<Option<String>, Halt> {
        if let Some(group) = &self.group {
            match known_group(group, view)? {
                Some(name) => drop(fields.insert("group".into(), Value::text(name))),
                None => return Ok(Some(format!("Group {group} does not exist"))),
            }
        }
        let Some(groups) = &self.groups else { return Ok(None) };
        let first = fields.get("group").or_else(|| now?.get("group")).and_then(Value::as_str).map(str::to_string);
        let mut names = vec![];
        for group in groups {
            match known_group(group, view)? {
                Some(name) => names.push(name),
                None => return Ok(Some(format!("Group {group} does not exist"))),
            }
        }
        if self.append {
            let had = now.and_then(|now| now.get("groups")).and_then(Value::as_list).unwrap_or_default();
            names.extend(had.iter().filter_map(Value::as_str).map(str::to_string));
        }
        names.retain(|name| Some(name) != first.as_ref());
        names.sort_unstable();
        names.dedup();
        fields.insert("groups".into(), Value::list(names.into_iter().map(Value::text)));
        Ok(None)
    }

    /// The password and its lock; a message where they cannot be seen.
    fn password(&self, now: Option<&Fields>, fields: &mut Fields) -> Option<String> {
        let unset = now.is_some_and(|now| now.get("password").and_then(Value::as_str) == Some("unset"));
        let set = self.password.as_ref().filter(|_| now.is_none() || unset || !self.on_create);
        if now.is_some_and(|now| !now.contains_key("locked")) && (set.is_some() || self.lock.is_some()) {
            return Some(format!(
                "the password of {} cannot be compared: this user may not read the shadow file; try `become: true`",
                self.name
            ));
        }
        if let Some(hash) = set.and_then(Value::as_str) {
            fields.insert("password".into(), Value::text(user::digest(hash.trim_start_matches('!'))));
        }
        if let Some(lock) = self.lock {
            fields.insert("locked".into(), Value::Bool(lock));
        }
        None
    }
}

impl Module for User {
    fn looks(&self) -> Vec<Look> {
        let look = Look::of(self.id());
        let mut looks = vec![if self.local { look.with("local", "yes") } else { look }];
        if self.present {
            looks.extend(self.number().map(|uid| Look::at(user::KIND, uid.to_string())));
            looks.extend(self.group.iter().chain(self.groups.iter().flatten()).map(|group| Look::at(user::GROUP, group.as_str())));
        }
        looks
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let now = view.likely(&self.id())?.as_ref();
        let mut result = Map::new();
        let keys: &[&str] = match (self.present, now.is_some()) {
            (true, false) => &["name", "state", "system", "create_home", "groups", "password"],
            (true, true) => &["name", "state", "append", "move_home", "groups", "password"],
            (false, true) => &["name", "state", "force", "remove"],
            (false, false) => &["name", "state"],
        };
        result.extend(keys.iter().filter_map(|key| Some(((*key).into(), self.said.get(key)?.clone()))));
        if !self.present {
            view.sure(&self.id(), &None)?;
            return Ok(Want { result, ..Want::states([Wanted { how: self.how.clone(), ..Wanted::gone(self.id()) }]) });
        }
        let mut fields = self.fields.clone();
        if let Some(uid) = self.number()
            && let Some(holder) = holder(&self.id(), "uid", uid, view)?
        {
            return Ok(Want { result, ..Want::failed(format!("UID {uid} is not unique: it is that of user {holder}")) });
        }
        if let Some(why) = self.membership(now, &mut fields, view)? {
            return Ok(Want { result, ..Want::failed(why) });
        }
        if let Some(why) = self.password(now, &mut fields) {
            return Ok(Want { result, ..Want::failed(why) });
        }
        // a home that is not this user's to be moved away is left alone
        if self.create_home {
            fields.insert("home_exists".into(), Value::Bool(true));
        }
        let state = Some(fields);
        view.sure(&self.id(), &state)?;
        Ok(Want { result, ..Want::states([Wanted { how: self.how.clone(), ..Wanted::new(self.id(), state) }]) })
    }

    fn refused(&self, _gap: &Gap, reply: &Reply) -> Map {
        let said = String::from_utf8_lossy(&reply.err);
        let keys = [("name", Value::text(self.name.as_str())), ("msg", Value::text(said)), ("rc", i64::from(reply.code).into())];
        keys.into_iter().map(|(key, value)| (key.into(), value)).collect()
    }

    fn result(&self, done: &Done<'_>) -> Map {
        // silent tools leave no keys
        let printed = super::output::printed(done.fixes).into_iter().filter(|(_, text)| !text.is_empty());
        let mut result: Map = printed.map(|(key, text)| (key.into(), Value::text(text))).collect();
        let Some(Some(now)) = done.view.seen(&self.id()).filter(|_| self.present) else { return result };
        for (key, field) in [("uid", "uid"), ("group", "gid"), ("comment", "comment"), ("home", "home"), ("shell", "shell")] {
            let unknown = || Value::Unknown(Arc::new(Unknown { because: format!("user {} is not there yet", self.name), span: None }));
            result.insert(key, now.get(field).cloned().unwrap_or_else(unknown));
        }
        result
    }
}
