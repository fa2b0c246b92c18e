//! `authorized_key`: which keys may log in as a user.

use std::sync::Arc;

use crate::resources::path::{self, normal, parent};
use crate::resources::user;
use crate::state::{Fields, Halt, Id, Look, View};
use crate::text::{Map, Result, Unknown, Value};

use super::{Arg, Args, Entry, Module, Spec, Type, Want, Wanted, whole};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "authorized_key",
    collection: "ansible.posix",
    about: "Say which keys may log in as a user",
    args: &[
        Arg::new("user", Type::Text, "The user").required(),
        Arg::new("key", Type::Text, "Public keys, one a line").required(),
        Arg::new("path", Type::Path, "The file, where it is not the user's own"),
        Arg::new("manage_dir", Type::Bool, "Make its folder, with the user as its owner").default("true"),
        Arg::new("state", Type::Text, "Whether they may log in").default("present").choices(&["absent", "present"]),
        Arg::new("key_options", Type::Text, "Options of the keys: from=\"10.0.0.0/8\",no-pty"),
        Arg::new("exclusive", Type::Bool, "No other key may log in").default("false"),
        Arg::new("comment", Type::Text, "The comment of the keys, instead of their own"),
        Arg::new("validate_certs", Type::Bool, "Without effect: keys are not downloaded").default("true"),
        Arg::new("follow", Type::Bool, "Write through a link instead of replacing it").default("false"),
    ],
    free_form: None,
    any: false,
};

/// One line of the file, or a key of the task.
#[derive(Clone, PartialEq, Debug)]
struct Line {
    /// The key itself, or a line that is none.
    key: String,
    /// Empty where it is no key.
    kind: String,
    options: Vec<(String, Option<String>)>,
    comment: String,
}

struct AuthorizedKey {
    user: String,
    keys: Vec<Line>,
    path: Option<String>,
    manage: bool,
    present: bool,
    exclusive: bool,
    follow: bool,
    /// Ansible gives all arguments back.
    said: Map,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let key = args.need("key")?;
    if key.starts_with("http") || key.starts_with("file:") {
        return Err(args
            .error("key", "keys are not fetched from addresses")
            .hint("`key: \"{{ lookup('url', …) }}\"` or `lookup('file', …)` reads them"));
    }
    let options = args.text("key_options").map(|text| options(&text));
    let comment = args.text("comment");
    let mut keys = vec![];
    for line in key.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some(mut line) = parse(line).filter(|line| !line.kind.is_empty()) else {
            return Err(args.error("key", format!("invalid key specified: {line}")));
        };
        line.options = options.clone().unwrap_or(line.options);
        line.comment = comment.clone().unwrap_or(line.comment);
        keys.push(line);
    }
    let mut said = Map::new();
    for name in ["user", "key", "path", "manage_dir", "state", "key_options", "exclusive", "comment", "validate_certs", "follow"] {
        said.insert(name, args.value(name).unwrap_or_default());
    }
    Ok(Arc::new(AuthorizedKey {
        user: super::group::name(args, "user")?,
        keys,
        path: args.text("path").map(|path| normal(&path)),
        manage: args.flag("manage_dir"),
        present: args.need("state")? == "present",
        exclusive: args.flag("exclusive"),
        follow: args.flag("follow"),
        said,
    }))
}

fn is_type(word: &str) -> bool {
    const TYPES: [&str; 9] = [
        "ssh-rsa",
        "ssh-dss",
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "rsa-sha2-256",
        "rsa-sha2-512",
        "ssh-xmss@openssh.com",
    ];
    const HARDWARE: [&str; 3] =
        ["sk-ecdsa-sha2-nistp256@openssh.com", "sk-ssh-ed25519@openssh.com", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"];
    let plain = word.strip_suffix("-cert-v01@openssh.com");
    TYPES.contains(&word)
        || HARDWARE.contains(&word)
        || plain.is_some_and(|plain| TYPES.contains(&plain) || plain.starts_with("sk-") || plain == "ssh-xmss")
}

/// `[OPTIONS] TYPE KEY [COMMENT]`; a comment of the file is a line without a type. `None`: no key at all.
fn parse(line: &str) -> Option<Line> {
    let line = line.replace("\\#", "#");
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.first() == Some(&"#") {
        return Some(Line { key: line.clone(), kind: String::new(), options: vec![], comment: String::new() });
    }
    let at = words.iter().position(|word| is_type(word))?;
    let key = words.get(at + 1)?.to_string();
    let comment = words[at + 2..].join(" ");
    Some(Line { key, kind: words[at].to_string(), options: options(&words[..at].join(" ")), comment })
}

/// Options between commas; those in quotes do not count.
fn options(text: &str) -> Vec<(String, Option<String>)> {
    let (mut parts, mut quote) = (vec![String::new()], None);
    for letter in text.chars() {
        match (letter, quote) {
            (',', None) => {
                parts.push(String::new());
                continue;
            }
            ('"' | '\'', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            _ => {}
        }
        parts.last_mut().expect("there is always a part").push(letter);
    }
    let pair = |part: String| {
        part.split_once('=').map(|(name, value)| (name.to_string(), Some(value.to_string()))).unwrap_or((part.clone(), None))
    };
    parts.into_iter().filter(|part| !part.is_empty()).map(pair).collect()
}

impl Line {
    fn written(&self) -> String {
        if self.kind.is_empty() {
            return self.key.clone();
        }
        let options: Vec<String> =
            self.options.iter().map(|(name, value)| value.as_ref().map_or(name.clone(), |value| format!("{name}={value}"))).collect();
        let blank = if options.is_empty() { "" } else { " " };
        format!("{}{blank}{} {} {}\n", options.join(","), self.kind, self.key, self.comment)
    }
}

impl AuthorizedKey {
    /// The file, and the user's own folder for it.
    fn file(&self, view: &View<'_>) -> std::result::Result<std::result::Result<(String, Option<Fields>), String>, Halt> {
        let id = Id::new(user::KIND, self.user.as_str());
        let user = view.likely(&id)?.clone();
        let unsure = user.is_none() && view.state(&id).is_err();
        let home = match (&user, self.user.as_str()) {
            (Some(fields), _) if fields.contains_key("home") => fields.get("home").and_then(Value::as_str).unwrap_or_default().to_string(),
            // a user that a task before it makes has its home where new users have it
            (_, "root") => "/root".into(),
            (_, name) => format!("/home/{name}"),
        };
        match (&self.path, user) {
            (_, None) if !unsure => Ok(Err(format!("Failed to lookup user {0}: getpwnam(): name not found: '{0}'", self.user))),
            (Some(path), user) => Ok(Ok((path.clone(), user))),
            (None, Some(user)) => Ok(Ok((format!("{}/.ssh/authorized_keys", home.trim_end_matches('/')), Some(user)))),
            (None, None) => {
                let because = format!("where the home of {} will be is not known", self.user);
                Err(Halt::Unknown(Arc::new(Unknown { because, span: None })))
            }
        }
    }

    /// The lines as they are to be; `None` where they are so already.
    fn edit(&self, text: &str) -> Option<String> {
        let mut lines: Vec<(usize, Line)> = vec![];
        for (rank, raw) in text.split_inclusive('\n').enumerate() {
            let line =
                parse(raw).unwrap_or_else(|| Line { key: raw.to_string(), kind: String::new(), options: vec![], comment: String::new() });
            // the same key twice counts once, where it stands last
            lines.retain(|(_, known)| known.key != line.key);
            lines.push((rank, line));
        }
        let ranks = lines.len();
        let mut changed = false;
        for (rank, key) in self.keys.iter().enumerate() {
            let known = lines.iter().position(|(_, line)| line.key == key.key);
            match known {
                Some(at) if self.present && lines[at].1 == *key => {}
                Some(at) if !self.present => {
                    lines.remove(at);
                    changed = true;
                }
                _ if self.present => {
                    lines.retain(|(_, line)| line.key != key.key);
                    lines.push((ranks + rank, key.clone()));
                    changed = true;
                }
                _ => {}
            }
        }
        if self.present && self.exclusive {
            let before = lines.len();
            lines.retain(|(_, line)| self.keys.iter().any(|key| key.key == line.key));
            changed |= lines.len() != before;
        }
        lines.sort_by_key(|(rank, _)| *rank);
        changed.then(|| lines.iter().map(|(_, line)| line.written()).collect())
    }

    /// Fields of a path of this user.
    fn owned(&self, kind: &str, mode: &str, user: Option<&Fields>) -> Fields {
        let mut fields = Fields::from([
            ("kind".into(), Value::text(kind)),
            ("mode".into(), Value::text(mode)),
            ("owner".into(), Value::text(self.user.as_str())),
        ]);
        match user.and_then(|user| user.get("gid")) {
            Some(gid) => fields.insert("gid".into(), gid.clone()),
            None => fields.insert(
                "group".into(),
                user.and_then(|user| user.get("group")).cloned().unwrap_or_else(|| Value::text(self.user.as_str())),
            ),
        };
        fields
    }
}

impl Module for AuthorizedKey {
    fn looks(&self) -> Vec<Look> {
        std::iter::once(Look::at(user::KIND, self.user.as_str()))
            .chain(self.path.iter().flat_map(|path| [whole::look(path), Look::at(path::KIND, parent(path))]))
            .collect()
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let (file, user) = match self.file(view)? {
            Ok(found) => found,
            Err(why) => return Ok(Want::failed(why)),
        };
        let mut result = self.said.clone();
        result.insert("keyfile", file.as_str());
        let folder = Id::new(path::KIND, parent(&file));
        let looks = [whole::look(&file), Look::of(folder.clone())];
        let missing: Vec<Look> = looks.into_iter().filter(|look| !view.answers(&Look::of(look.id.clone()))).collect();
        if !missing.is_empty() {
            return Err(Halt::Ask(missing));
        }
        let above = Look::at(path::KIND, parent(&folder.name));
        // a home that is not there cannot take the folder
        if self.present && view.state(&folder)?.is_none() && !view.answers(&above) {
            return Err(Halt::Ask(vec![above]));
        }
        let (real, text) = whole::text(&file, view)?;
        let Some(text) = self.edit(&text.unwrap_or_default()) else { return Ok(Want::result(result)) };
        let mut states = vec![];
        if self.manage {
            states.push(Wanted::new(folder, Some(self.owned("directory", "0700", user.as_ref()))));
        } else if view.state(&folder)?.is_none() {
            states.push(Wanted::new(folder, Some(Fields::from([("kind".into(), Value::text("directory"))]))));
        }
        let mut fields = self.owned("file", "0600", user.as_ref());
        fields.insert("contents".into(), whole::contents(text, &[]));
        let id = if self.follow { real } else { Id::new(path::KIND, file) };
        states.push(Wanted::new(id, Some(fields)));
        Ok(Want { result, ..Want::states(states) })
    }
}
