//! `apt`: packages of Debian and its kin, their lists, upgrades.

use std::sync::Arc;

use crate::resources::{apt, path};
use crate::state::{Fields, Gap, Halt, Id, Look, Reach, Reply, View};
use crate::text::{Map, Result, Unknown, Value};

use super::output::printed;
use super::packages::{Named, Terms, To, wanted};
use super::{Arg, Args, Done, Entry, Module, Spec, Type, Want, Wanted};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "apt",
    collection: "ansible.builtin",
    about: "Install, upgrade and remove packages with apt",
    args: &[
        Arg::new("package", Type::Texts, "Names of packages, also with versions: `foo=1.2*`, `foo>=1.2`; patterns: `php*`")
            .aliases(&["name", "pkg"]),
        Arg::new("state", Type::Text, "How they are to be").default("present").choices(&[
            "absent",
            "build-dep",
            "fixed",
            "latest",
            "present",
        ]),
        Arg::new("deb", Type::Path, "A package file on the host"),
        UPDATE_CACHE,
        CACHE_VALID_TIME,
        Arg::new("update_cache_retries", Type::Int, "How often a repository that does not answer is asked again").default("5"),
        Arg::new("update_cache_retry_max_delay", Type::Int, "Most seconds between two tries").default("12"),
        Arg::new("upgrade", Type::Text, "Upgrade all packages").default("no").choices(&["dist", "full", "no", "safe", "yes"]),
        Arg::new("purge", Type::Bool, "Remove configuration files, too").default("false"),
        Arg::new("autoremove", Type::Bool, "Remove what came only as a dependency and is needed no more").default("false"),
        Arg::new("autoclean", Type::Bool, "Delete package files that can no longer be downloaded").default("false"),
        Arg::new("clean", Type::Bool, "Delete all downloaded package files").default("false"),
        Arg::new("default_release", Type::Text, "The release whose packages come first").aliases(&["default-release"]),
        Arg::new("install_recommends", Type::Bool, "Whether recommended packages come too; else as apt is configured")
            .aliases(&["install-recommends"]),
        Arg::new("only_upgrade", Type::Bool, "Only make newer what is installed").default("false"),
        Arg::new("force", Type::Bool, "Also packages that are not signed, and downgrades").default("false"),
        Arg::new("allow_unauthenticated", Type::Bool, "Also packages that are not signed")
            .default("false")
            .aliases(&["allow-unauthenticated"]),
        Arg::new("allow_downgrade", Type::Bool, "Also a version older than the one there").default("false").aliases(&[
            "allow-downgrade",
            "allow_downgrades",
            "allow-downgrades",
        ]),
        Arg::new("allow_change_held_packages", Type::Bool, "Also packages on hold").default("false"),
        Arg::new("fail_on_autoremove", Type::Bool, "Fail where a package would have to go").default("false"),
        Arg::new("dpkg_options", Type::Text, "Options of dpkg, without their `--`").default("force-confdef,force-confold"),
        Arg::new("policy_rc_d", Type::Int, "Code of a policy-rc.d for the time of the task: 101 starts no service"),
        Arg::new("lock_timeout", Type::Int, "Seconds to wait for another that uses dpkg").default("60"),
        Arg::new("force_apt_get", Type::Bool, "apt-get is always used, never aptitude").default("false"),
        Arg::new("auto_install_module_deps", Type::Bool, "Without effect: nothing needs to be installed").default("true"),
    ],
    free_form: None,
    any: false,
};

pub const UPDATE_CACHE: Arg = Arg::new("update_cache", Type::Bool, "Update the lists of packages before").aliases(&["update-cache"]);
pub const CACHE_VALID_TIME: Arg =
    Arg::new("cache_valid_time", Type::Int, "Update the lists only where they are older than so many seconds").default("0");

struct Apt {
    names: Vec<Named>,
    debs: Vec<String>,
    terms: Terms,
    update: Update,
    /// `apt_work` to be done: upgrades, cleaning.
    work: Vec<String>,
    clean: bool,
}

/// When the lists are updated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Update {
    Never,
    Always,
    Older(i64),
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let upgrade = args.text("upgrade").map(|word| upgrade_word(&word)).unwrap_or_default();
    check(args, upgrade.is_some())?;
    let mut names: Vec<String> = args.texts("package").into_iter().filter(|name| !name.trim().is_empty()).collect();
    let state = args.need("state")?;
    let every = names.iter().any(|name| name.trim() == "*") && state == "latest";
    names.retain(|name| name.trim() != "*");
    if every && !names.is_empty() {
        return Err(args.error("package", "unable to install additional packages when upgrading all installed packages"));
    }
    let release = args.text("default_release").unwrap_or_default();
    let of_release = |verb: &str| if release.is_empty() { verb.to_string() } else { format!("{verb}/{release}") };
    let mut work: Vec<String> = upgrade.or(every.then_some("upgrade")).map(of_release).into_iter().collect();
    let purge = args.flag("purge");
    if names.is_empty() && work.is_empty() && !args.given("deb") {
        work.extend(args.flag("autoclean").then(|| "autoclean".to_string()));
        work.extend(args.flag("autoremove").then(|| if purge { "autoremove --purge".into() } else { "autoremove".to_string() }));
    }
    if state == "fixed" {
        work.push("install -f".into());
    }
    let to = match state.as_str() {
        "absent" => To::Absent,
        "latest" => To::Latest,
        _ => To::Present,
    };
    let valid = args.int("cache_valid_time").unwrap_or(0);
    let update = match (args.flag("update_cache"), valid) {
        (_, 1..) => Update::Older(valid),
        (true, _) => Update::Always,
        _ => Update::Never,
    };
    let terms = Terms { to, only_upgrade: args.flag("only_upgrade"), release, manager: "apt", how: how(args) };
    let names = names.iter().map(|name| Named::parse(name, args, "package")).collect::<Result<_>>()?;
    let debs = args.text("deb").map(|debs| debs.split(',').map(|path| path::normal(path.trim())).collect()).unwrap_or_default();
    Ok(Arc::new(Apt { names, debs, terms, update, work, clean: args.flag("clean") }))
}

fn check(args: &Args, upgrades: bool) -> Result<()> {
    args.exclusive(&["deb", "package"])?;
    args.exclusive(&["deb", "package"])?;
    if upgrades {
        args.exclusive(&["deb", "upgrade"])?;
        args.exclusive(&["package", "upgrade"])?;
    }
    args.one_of(&["autoremove", "autoclean", "clean", "deb", "package", "update_cache", "upgrade"])?;
    let state = args.need("state")?;
    if state == "build-dep" {
        return Err(args.error("state", "`state: build-dep` is not supported yet").hint("run `apt-get build-dep` with `command`"));
    }
    if args.given("deb") && state != "present" {
        return Err(args.error("deb", "deb only supports state=present"));
    }
    if args.text("deb").is_some_and(|deb| deb.contains("://")) {
        return Err(args.error("deb", "`deb` takes a path on the host, and this is an address").hint("download it with `get_url` first"));
    }
    Ok(())
}

fn upgrade_word(word: &str) -> Option<&'static str> {
    match word {
        "dist" | "full" => Some("dist-upgrade"),
        "safe" | "yes" | "True" => Some("upgrade"),
        _ => None,
    }
}

fn how(args: &Args) -> Fields {
    let names = [
        ("purge", "purge"),
        ("autoremove", "autoremove"),
        ("default_release", "release"),
        ("install_recommends", "recommends"),
        ("only_upgrade", "only_upgrade"),
        ("force", "force"),
        ("allow_unauthenticated", "unauthenticated"),
        ("allow_downgrade", "downgrade"),
        ("allow_change_held_packages", "change_held"),
        ("fail_on_autoremove", "no_remove"),
        ("dpkg_options", "dpkg_options"),
        ("policy_rc_d", "policy_rc_d"),
        ("lock_timeout", "lock_timeout"),
        ("update_cache_retries", "retries"),
        ("update_cache_retry_max_delay", "max_delay"),
    ];
    names
        .into_iter()
        .filter_map(|(name, word)| {
            Some((word.into(), args.value(name).filter(|value| value.as_bool() != Some(false) || name == "install_recommends")?))
        })
        .collect()
}

impl Apt {
    fn lists() -> Id {
        Id::new(apt::CACHE, apt::LISTS)
    }

    /// Whether the lists are updated before anything else is done.
    fn stale(&self, view: &View<'_>) -> std::result::Result<bool, Halt> {
        Ok(match self.update {
            Update::Never => false,
            Update::Always => view.likely(&Self::lists())?.is_some(),
            Update::Older(valid) => {
                let fields = view.likely(&Self::lists())?;
                fields.as_ref().is_some_and(|fields| !fields.get(&*format!("fresh_{valid}")).is_some_and(Value::truthy))
            }
        })
    }

    /// Updated lists: younger than they may be at most, or new.
    fn updated(&self) -> Wanted {
        let (fields, moves) = match self.update {
            Update::Older(valid) => (Fields::from([(format!("fresh_{valid}").into(), Value::Bool(true))]), false),
            _ => (Fields::from([("updated".into(), Value::text("now"))]), true),
        };
        let wanted = Wanted { how: self.terms.how.clone(), ..Wanted::new(Self::lists(), Some(fields)) };
        if moves { wanted.how("moves", true) } else { wanted }
    }

    fn files(&self, view: &View<'_>) -> std::result::Result<std::result::Result<Vec<Wanted>, String>, Halt> {
        let mut states = vec![];
        for file in &self.debs {
            let Some(deb) = view.fields(&Id::new(apt::DEB, file.as_str()))? else {
                if view.state(&Id::new(path::KIND, file.as_str()))?.is_some() {
                    let because = format!("the package file {file} is not there yet");
                    return Err(Halt::Unknown(Arc::new(Unknown { because, span: None })));
                }
                return Ok(Err(format!("Unable to install package: there is no file {file}")));
            };
            let text = |name: &str| deb.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
            let named = Named { name: text("package"), version: None };
            let look = Look::of(named.id());
            if !view.answers(&look) {
                return Err(Halt::Ask(vec![look]));
            }
            let has = view.likely(&named.id())?.as_ref().and_then(|fields| fields.get("version")?.as_str());
            let later = has.is_some_and(|has| crate::resources::package::version::compare(has, &text("version")).is_gt());
            let allowed = ["downgrade", "force"].iter().any(|word| self.terms.how.contains_key(*word));
            if later && !allowed {
                return Ok(Err("A later version is already installed".into()));
            }
            let state = Fields::from([("status".into(), Value::text("installed")), ("version".into(), Value::text(text("version")))]);
            states.push(Wanted { how: self.terms.how.clone(), ..Wanted::new(named.id(), Some(state)) }.how("file", file.as_str()));
        }
        Ok(Ok(states))
    }

    /// Upgrades and cleaning, as apt-get says it would do them.
    fn works(&self, stale: bool, view: &View<'_>) -> std::result::Result<Vec<Wanted>, Halt> {
        let mut states = vec![];
        for name in &self.work {
            let id = Id::new(apt::WORK, name.as_str());
            let Some(work) = view.fields(&id)? else { continue };
            let mut fields = apt::planned(work);
            if stale && name.contains("upgrade") {
                fields.insert("all".into(), Value::text("as new as the lists say"));
            }
            states.push(Wanted { how: self.terms.how.clone(), ..Wanted::new(id, Some(fields)) }.how("moves", true));
        }
        Ok(states)
    }
}

impl Module for Apt {
    fn looks(&self) -> Vec<Look> {
        let mut looks: Vec<Look> = self.names.iter().map(|named| named.look(&self.terms)).collect();
        for file in &self.debs {
            looks.extend([Look::at(apt::DEB, file.as_str()), Look::at(path::KIND, file.as_str())]);
        }
        looks.extend(self.work.iter().map(|name| Look::at(apt::WORK, name.as_str())));
        let lists = Look::at(apt::CACHE, apt::LISTS);
        looks.push(match self.update {
            Update::Older(valid) => lists.with("fresh", valid.to_string()),
            _ => lists,
        });
        looks
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let stale = self.stale(view)?;
        let mut states = match wanted(&self.names, &self.terms, stale, view)? {
            Ok(states) => states,
            Err(why) => return Ok(Want::failed(why)),
        };
        match self.files(view)? {
            Ok(files) => states.extend(files),
            Err(why) => return Ok(Want::failed(why)),
        }
        states.extend(self.works(stale, view)?);
        let alone = self.names.is_empty() && self.debs.is_empty() && self.work.is_empty();
        // lists that are only to be new for the packages of this task are updated where one of those is not as it is to be
        let needed = self.update != Update::Always || alone || differ(&states, view)?;
        if stale && needed {
            states.insert(0, self.updated());
        }
        let mut want = Want::states(states);
        if self.clean {
            let how = &self.terms.how;
            want.action = Some(super::Action {
                predictable: true,
                code_is_data: false,
                reach: Reach::Nothing,
                ..super::Action::new(apt::clean(how), "apt-get clean")
            });
        }
        Ok(want)
    }

    fn refused(&self, gap: &Gap, reply: &Reply) -> Map {
        let verb = if gap.then.is_some() { "install" } else { "remove" };
        let [(_, out), (_, err)] = printed(std::slice::from_ref(reply));
        let message = match gap.id.kind {
            apt::CACHE => format!("Failed to update apt cache: {err}"),
            apt::WORK => format!("'apt-get {}' failed: {err}", gap.id.name),
            _ => format!("'apt-get {verb} {}' failed: {err}", gap.id.name),
        };
        let keys = [("msg", message.into()), ("stdout", out.into()), ("stderr", err.into()), ("rc", i64::from(reply.code).into())];
        keys.into_iter().map(|(key, value): (&str, Value)| (key.into(), value)).collect()
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        let named = !(self.names.is_empty() && self.debs.is_empty() && self.work.is_empty());
        if self.debs.is_empty() && self.work.is_empty() && (self.terms.to != To::Absent || !named) {
            let updated = done.gaps.iter().any(|gap| gap.id.kind == apt::CACHE);
            let lists = done.view.seen(&Self::lists()).and_then(|lists| lists.as_ref()?.get("updated").cloned());
            result.insert("cache_updated", updated);
            result.insert("cache_update_time", lists.filter(|time| time.as_int().is_some()).unwrap_or(Value::Int(0)));
        }
        if named && done.reply.is_none() {
            // lists that are newer, and a package that is now wanted for its own sake, are no change to Ansible
            let counts = |gap: &&Gap| gap.id.kind != apt::CACHE && gap.changes.iter().any(|change| change.field != "auto");
            let changed = done.gaps.iter().any(|gap| counts(&gap) && moved(gap, &done.view));
            result.insert("changed", changed);
            self.printed(changed, done, &mut result);
        }
        result
    }
}

impl Apt {
    /// What apt-get printed; where there was nothing to do, what it said of that when it was asked.
    fn printed(&self, changed: bool, done: &Done<'_>, result: &mut Map) {
        let said = |name: &String| done.view.seen(&Id::new(apt::WORK, name.as_str()))?.as_ref()?.get("said").cloned();
        if changed && !done.fixes.is_empty() {
            result.extend(printed(done.fixes).map(|(key, text)| (key.into(), Value::text(text))));
        } else if let Some(said) = self.work.iter().find_map(said).filter(|_| !changed) {
            result.insert("stdout", said);
            result.insert("stderr", "");
        } else if !changed && !self.debs.is_empty() {
            result.extend(printed(&[]).map(|(key, text)| (key.into(), Value::text(text))));
        }
        if let Some(out) = result.get("stdout").filter(|_| self.work.iter().any(|name| name.contains("upgrade"))).cloned() {
            result.insert("msg", out);
        }
    }
}

/// Whether a state is not as it is to be.
fn differ(states: &[Wanted], view: &View<'_>) -> std::result::Result<bool, Halt> {
    for wanted in states {
        if !Gap::between(&wanted.id, view.likely(&wanted.id)?, &wanted.state).is_closed() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A newest version that was not known is a change only where it is not the one that was there.
fn moved(gap: &Gap, view: &View<'_>) -> bool {
    let unknown = gap.wanted("version").is_some_and(|version| version.unknown().is_some());
    let now = view.seen(&gap.id).and_then(|now| now.as_ref()?.get("version"));
    !unknown || now.map(Value::plain) != gap.had("version").map(Value::plain)
}
