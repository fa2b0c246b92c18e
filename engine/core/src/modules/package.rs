//! `package`: packages by whichever manager the host has; `dnf`, `yum` and `apk` are the same for hosts that have those.

use std::sync::Arc;

use crate::state::{Halt, Look, View};
use crate::text::{Map, Result, Value};

use super::packages::{Named, Terms, To, wanted};
use super::{Arg, Args, Done, Entry, Module, Spec, Type, Want, apt};

pub static ENTRY: Entry = Entry { spec: &SPEC, make: |args| make(args, "") };
pub static DNF: Entry = Entry { spec: &DNF_SPEC, make: |args| make(args, "dnf") };
pub static DNF5: Entry = Entry { spec: &DNF5_SPEC, make: |args| make(args, "dnf") };
pub static YUM: Entry = Entry { spec: &YUM_SPEC, make: |args| make(args, "dnf") };
pub static APK: Entry = Entry { spec: &APK_SPEC, make: |args| make(args, "apk") };

const STATE: Arg = Arg::new("state", Type::Text, "How they are to be").default("present").choices(&[
    "absent",
    "installed",
    "latest",
    "present",
    "removed",
]);
const PURGE: Arg = Arg::new("purge", Type::Bool, "Remove configuration files, too, where the manager keeps them").default("false");

static SPEC: Spec = Spec {
    name: "package",
    collection: "ansible.builtin",
    about: "Install, upgrade and remove packages with the manager that a host has",
    args: &[
        Arg::new("name", Type::Texts, "Names of packages").required().aliases(&["pkg", "package"]),
        STATE,
        Arg::new("use", Type::Text, "The manager; found out by itself").default("auto"),
        apt::UPDATE_CACHE,
        apt::CACHE_VALID_TIME,
        PURGE,
    ],
    free_form: None,
    any: false,
};

const RPM: &[Arg] = &[
    Arg::new("name", Type::Texts, "Names of packages, of files that they bring, or `name-version`").required().aliases(&["pkg"]),
    STATE,
    Arg::new("update_cache", Type::Bool, "Fetch the lists of packages anew before something is installed")
        .aliases(&["expire-cache", "update-cache"]),
    Arg::new("enablerepo", Type::Texts, "Repositories to use besides"),
    Arg::new("disablerepo", Type::Texts, "Repositories not to use"),
    Arg::new("disable_gpg_check", Type::Bool, "Also packages that are not signed").default("false"),
    Arg::new("autoremove", Type::Bool, "Remove what is needed no more").default("false"),
    Arg::new("allow_downgrade", Type::Bool, "Also an older version").default("false"),
    Arg::new("update_only", Type::Bool, "Only make newer what is installed").default("false"),
    Arg::new("lock_timeout", Type::Int, "Seconds to wait for another that uses it").default("30"),
];

static DNF_SPEC: Spec = Spec {
    name: "dnf",
    collection: "ansible.builtin",
    about: "Install, upgrade and remove packages with dnf",
    args: RPM,
    free_form: None,
    any: false,
};
static DNF5_SPEC: Spec = Spec {
    name: "dnf5",
    collection: "ansible.builtin",
    about: "Install, upgrade and remove packages with dnf 5",
    args: RPM,
    free_form: None,
    any: false,
};
static YUM_SPEC: Spec = Spec {
    name: "yum",
    collection: "ansible.builtin",
    about: "Install, upgrade and remove packages with yum or dnf",
    args: RPM,
    free_form: None,
    any: false,
};
static APK_SPEC: Spec = Spec {
    name: "apk",
    collection: "community.general",
    about: "Install, upgrade and remove packages of Alpine",
    args: &[
        Arg::new("name", Type::Texts, "Names of packages, also with versions: `foo=1.2-r0`").required(),
        STATE,
        Arg::new("update_cache", Type::Bool, "Fetch the lists of packages anew before something is installed").default("false"),
        Arg::new("available", Type::Bool, "Replace packages by those of the repositories at an upgrade").default("false"),
        Arg::new("no_cache", Type::Bool, "Keep no lists").default("false"),
        Arg::new("repository", Type::Texts, "Repositories to use instead"),
        Arg::new("upgrade", Type::Bool, "Upgrade all packages").default("false"),
        Arg::new("world", Type::Text, "Another file of what is wanted"),
    ],
    free_form: None,
    any: false,
};

struct Package {
    names: Vec<Named>,
    terms: Terms,
}

fn make(args: &Args, own: &'static str) -> Result<Arc<dyn Module>> {
    for name in [
        "lock_timeout",
        "enablerepo",
        "disablerepo",
        "disable_gpg_check",
        "autoremove",
        "available",
        "no_cache",
        "repository",
        "upgrade",
        "world",
    ] {
        if args.given_text(name).is_some_and(|text| text != "False") {
            return Err(args
                .error(name, format!("`{name}` is not supported yet"))
                .hint("leave it out, or configure the manager with `copy` or `command`"));
        }
    }
    let names = args.texts("name");
    if names.iter().any(|name| name.trim() == "*") {
        return Err(args.error("name", "`*` is not supported here yet").hint("on hosts with apt, use the module `apt` with `upgrade`"));
    }
    let to = match args.need("state")?.as_str() {
        "absent" | "removed" => To::Absent,
        "latest" => To::Latest,
        _ => To::Present,
    };
    let manager = if own.is_empty() { manager(args)? } else { own };
    // what only apt has; `package` passes its arguments on
    let of_apt = ["update_cache", "cache_valid_time", "purge"]
        .iter()
        .any(|name| args.given_text(name).is_some_and(|text| !matches!(text.as_str(), "False" | "0")));
    if manager == "apt" || (own.is_empty() && of_apt) {
        return as_apt(args, to);
    }
    let only_upgrade = args.flag_if_listed("update_only").unwrap_or(false);
    let fresh = args.flag_if_listed("update_cache").unwrap_or(false);
    let how = fresh.then(|| ("update_cache".into(), Value::Bool(true))).into_iter().collect();
    let terms = Terms { to, only_upgrade, release: String::new(), manager, how };
    Ok(Arc::new(Package { names: Named::all(args, "name")?, terms }))
}

/// Which manager it must be; empty for whichever there is.
fn manager(args: &Args) -> Result<&'static str> {
    let word = args.need("use")?;
    match word.rsplit('.').next().unwrap_or_default() {
        "auto" => Ok(""),
        "apt" => Ok("apt"),
        "dnf" | "dnf4" | "dnf5" | "yum" => Ok("dnf"),
        "apk" => Ok("apk"),
        other => Err(args.error("use", format!("the package manager `{other}` is not supported; it is one of `apt`, `dnf`, `yum`, `apk`"))),
    }
}

/// The same task for `apt`.
fn as_apt(args: &Args, to: To) -> Result<Arc<dyn Module>> {
    let state = match to {
        To::Absent => "absent",
        To::Latest => "latest",
        To::Present => "present",
    };
    let mut given = vec![("state".to_string(), Value::text(state), args.span_of("state").clone())];
    for (name, word) in
        [("name", "package"), ("update_cache", "update_cache"), ("cache_valid_time", "cache_valid_time"), ("purge", "purge")]
    {
        given.extend(args.value(name).map(|value| (word.to_string(), value, args.span_of(name).clone())));
    }
    (apt::ENTRY.make)(&Args::new(apt::ENTRY.spec, args.span.clone(), given)?)
}

impl Module for Package {
    fn looks(&self) -> Vec<Look> {
        self.names.iter().map(|named| named.look(&self.terms)).collect()
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        Ok(match wanted(&self.names, &self.terms, false, view)? {
            Ok(states) => Want::states(states),
            Err(why) => Want::failed(why),
        })
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        result.insert("changed", done.gaps.iter().any(|gap| gap.changes.iter().any(|change| change.field != "auto")));
        result
    }
}
