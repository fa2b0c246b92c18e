//! A user of a host, and a group.
//!
//! `user:NAME`: `uid`, `gid`, `group` (its name), `groups` (names of the further ones, sorted), `home`, `home_exists`, `shell`, `comment`; where the shadow file
//! may be read also `password` (a digest of the hash, `unset` where a run ended before it was set), `locked`, `expires` (`2030-01-31` or `never`),
//! `password_min`, `password_max`, `password_warn`, `password_inactive` (days, -1 for none). `group:NAME` (or its number): `gid`, `name`;
//! `first_of`, names of users whose first group it is, where a look asks for `users`.
//!
//! A look with `local` reads the host's own files only.

mod ask;
mod fix;
mod group;
mod read;

pub use group::{GROUP, Group};

use crate::resources::path;
use crate::state::{Answer, Gap, Id, Kind, KindName, Look, Reach, Reading, Refusal, Script, View};
use crate::text::Value;
use crate::text::value::sha256_hex;

pub const KIND: KindName = "user";

/// What name services tell of it.
pub(super) const NAMES: Reach = Reach::Kinds(&["getent"]);

pub struct User;

impl Kind for User {
    fn name(&self) -> KindName {
        KIND
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        ask::script(looks).into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        read::reading(look, &answer.reply())
    }

    /// How: `hash` (of the password), `create_home`, `skeleton`, `umask`, `system`, `non_unique`, `move_home`, `remove`, `force`, `uid_min`, `uid_max`.
    fn fix(&self, gaps: &[&Gap]) -> Script {
        gaps.iter().map(|gap| fix::script(gap)).collect::<String>().into()
    }

    fn rights(&self, _gap: &Gap) -> Vec<Look> {
        vec![path::writing("/etc")]
    }

    fn refusal(&self, _gap: &Gap, view: &View<'_>) -> Option<Refusal> {
        path::unwritable("/etc", view)
    }

    /// A home comes or goes with it, and a group of its name.
    fn reach(&self, gap: &Gap) -> Reach {
        match (&gap.now, &gap.then) {
            (None, _) => {
                // the folder of a user whose home nobody named is what the host's `useradd` makes it
                let home = gap.wanted("home").and_then(Value::as_str);
                let paths = home.map_or(Reach::Absent(&["path"]), |home| Reach::Below(&["path", "tree"], vec![home.into()]));
                Reach::Any(vec![Reach::Things(vec![Id::new(GROUP, gap.id.name.clone())]), paths, NAMES])
            }
            // what it owns stays, and is shown by a number from then on
            (_, None) => Reach::Any(vec![
                Reach::Kinds(&["path"]),
                Reach::Things([GROUP, "crontab"].into_iter().map(|kind| Id::new(kind, gap.id.name.clone())).collect()),
                NAMES,
            ]),
            _ if ["home", "home_exists", "uid", "group"].iter().any(|field| gap.change(field).is_some()) => {
                Reach::Kinds(&["path", "getent"])
            }
            _ => NAMES,
        }
    }

    fn needs(&self, gap: &Gap) -> Vec<Id> {
        let names = gap.wanted("group").into_iter().chain(gap.wanted("groups").and_then(|groups| groups.as_list()).into_iter().flatten());
        names.filter_map(|name| name.as_str()).map(|name| Id::new(GROUP, name)).collect()
    }
}

/// What a hash of a password is compared and shown by.
pub fn digest(hash: &str) -> String {
    format!("#{:.8}", sha256_hex(hash.as_bytes()))
}

/// A day since 1970 as a date.
pub fn date(day: i64) -> String {
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days from civil, backwards
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + i64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        for (day, shown) in [(0, "1970-01-01"), (21_915, "2030-01-01"), (11_016, "2000-02-29"), (19_782, "2024-02-29"), (-1, "1969-12-31")]
        {
            assert_eq!(date(day), shown);
        }
    }
}
