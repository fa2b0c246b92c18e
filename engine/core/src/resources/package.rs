//! A package of a host: of apt, dnf or yum, or apk, whichever tool the host has.
//!
//! `package:NAME` has the fields `status` (`installed`, `half-configured` and so on), `version`, `held`, `auto` (came only as a dependency), `provided_by` (a
//! virtual name that an installed package stands for); of a pattern (`php*`) it has `matches`. An answer about a package that is not there brings what the
//! repositories have of it, so that "no such package" is known before anything is tried: `offer:NAME` or `offer:NAME/RELEASE` with `candidate`, `versions`
//! (best first), `virtual`, and `brings`: what may come with it, which is all that it needs or recommends and that is not there. `residue:NAME` is what stays of a package that was removed, and not purged.
//!
//! A look may ask for more: `manager` `apt` (only that one will do), `candidate` with a release or nothing (the offer, though the package is there).

mod ask;
mod fix;
mod read;
pub mod version;

pub use fix::{apt_get, environment};

use crate::resources::{apt, path};
use crate::state::{Answer, Gap, Id, Kind, KindName, Look, Reach, Reading, Refusal, Reply, Script, View};
use crate::text::Value;

pub const KIND: KindName = "package";
pub const OFFER: KindName = "offer";
pub const RESIDUE: KindName = "residue";

pub struct Package;
pub struct Offer;
pub struct Residue;

impl Kind for Package {
    fn name(&self) -> KindName {
        KIND
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        ask::script(looks).into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        read::reading(look, &answer.reply())
    }

    fn fix(&self, gaps: &[&Gap]) -> Script {
        fix::script(gaps).into()
    }

    fn complaint(&self, reply: &Reply) -> String {
        fix::complaint(reply)
    }

    fn rights(&self, _gap: &Gap) -> Vec<Look> {
        vec![path::writing("/var/lib/dpkg")]
    }

    fn refusal(&self, gap: &Gap, view: &View<'_>) -> Option<Refusal> {
        let held = gap.had("held").is_some_and(Value::truthy) && !fix::only_marked(gap);
        if held && !["change_held", "force"].iter().any(|flag| gap.how.get(*flag).is_some_and(Value::truthy)) {
            return Some(Refusal::Surely("it is on hold, and neither changed nor removed".into()));
        }
        path::unwritable("/var/lib/dpkg", view)
    }

    /// It brings or takes files, units and users, and other packages: those that it needs, where they are known.
    fn reach(&self, gap: &Gap) -> Reach {
        if fix::only_marked(gap) {
            return Reach::Nothing;
        }
        let Some(_) = &gap.then else { return Reach::Kinds(&["path", "unit", KIND, RESIDUE, apt::WORK]) };
        let packages = match gap.how.get("brings").and_then(Value::as_list) {
            Some(brings) => Reach::Things(brings.iter().filter_map(Value::as_str).map(|name| Id::new(KIND, name)).collect()),
            None => Reach::Absent(&[KIND]),
        };
        Reach::Any(vec![packages, Reach::Absent(&["path", "unit", "user", "group"]), Reach::Kinds(&[apt::WORK])])
    }

    fn together(&self, one: &Gap, next: &Gap) -> bool {
        one.then.is_some() == next.then.is_some() && alike(one, next)
    }
}

/// Whether the tool is called for both with the same words. Which file a package comes from, and what it brings, is its own.
fn alike(one: &Gap, next: &Gap) -> bool {
    let words = |gap: &Gap| {
        let mut how = gap.how.clone();
        ["file", "brings", "moves"].iter().for_each(|own| drop(how.remove(*own)));
        how
    };
    words(one) == words(next)
}

impl Kind for Offer {
    fn name(&self) -> KindName {
        OFFER
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        let looks: Vec<Look> = looks.iter().map(|look| of_package(look)).collect();
        ask::script(&looks.iter().collect::<Vec<_>>()).into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        read::other(look, &of_package(look), &answer.reply())
    }

    /// Nobody mends what a repository has.
    fn fix(&self, _gaps: &[&Gap]) -> Script {
        String::new().into()
    }
}

impl Kind for Residue {
    fn name(&self) -> KindName {
        RESIDUE
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        let looks: Vec<Look> = looks.iter().map(|look| Look::at(KIND, look.id.name.clone())).collect();
        ask::script(&looks.iter().collect::<Vec<_>>()).into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        read::other(look, &Look::at(KIND, look.id.name.clone()), &answer.reply())
    }

    fn fix(&self, gaps: &[&Gap]) -> Script {
        fix::purge(gaps).into()
    }

    fn rights(&self, _gap: &Gap) -> Vec<Look> {
        vec![path::writing("/var/lib/dpkg")]
    }

    fn refusal(&self, _gap: &Gap, view: &View<'_>) -> Option<Refusal> {
        path::unwritable("/var/lib/dpkg", view)
    }

    fn reach(&self, _gap: &Gap) -> Reach {
        Reach::Kinds(&["path"])
    }

    fn together(&self, one: &Gap, next: &Gap) -> bool {
        alike(one, next)
    }
}

/// What the repositories have of a package, all of them or one release first.
pub fn offer(name: &str, release: &str) -> Id {
    match release {
        "" => Id::new(OFFER, name),
        release => Id::new(OFFER, format!("{name}/{release}")),
    }
}

fn of_package(offer: &Look) -> Look {
    let (name, release) = offer.id.name.split_once('/').unwrap_or((&offer.id.name, ""));
    Look::at(KIND, name).with("candidate", release.to_string())
}

/// Whether a name stands for all packages that match it.
pub fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '[', '!'])
}
