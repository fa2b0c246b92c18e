//! What modules of packages have in common: names with versions, and what is wanted of one package.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::resources::package::{self, version};
use crate::state::{Fields, Halt, Id, Look, View, Wanted};
use crate::text::{Result, Unknown, Value};

use super::Args;

/// A package as a task names it: `name`, `name=1.2*`, `name>=1.2`.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: String,
    pub version: Option<(Relation, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relation {
    Equal,
    AtLeast,
}

/// How a package is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum To {
    Present,
    Latest,
    Absent,
}

/// What a task says of all its packages.
#[derive(Clone, Debug)]
pub struct Terms {
    pub to: To,
    /// Only what is there is made newer.
    pub only_upgrade: bool,
    /// A release whose packages come first; empty for none.
    pub release: String,
    /// The manager that it must be; empty for whichever there is.
    pub manager: &'static str,
    pub how: Fields,
}

impl Named {
    pub fn parse(word: &str, args: &Args, argument: &str) -> Result<Named> {
        let word = word.trim();
        if word.matches('=').count() > 1 {
            return Err(args.error(argument, format!("invalid package spec: {word}")));
        }
        let (name, version) = match (word.split_once(">="), word.split_once('=')) {
            (Some((name, version)), _) => (name, Some((Relation::AtLeast, version.to_string()))),
            (None, Some((name, version))) => (name, Some((Relation::Equal, version.to_string()))),
            (None, None) => (word, None),
        };
        let allowed = |letter: char| letter.is_alphanumeric() || "+-._:/~@*?[]!".contains(letter);
        if name.is_empty() || name.starts_with('-') || !name.chars().all(allowed) {
            return Err(args.error(argument, format!("`{word}` is no name of a package")));
        }
        if name.starts_with('@') {
            return Err(args.error(argument, "groups of packages are not supported yet").hint("name the packages themselves"));
        }
        Ok(Named { name: name.to_string(), version })
    }

    /// The names of an argument; older playbooks put several into one text.
    pub fn all(args: &Args, argument: &str) -> Result<Vec<Named>> {
        let texts = args.texts(argument);
        texts.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).map(|word| Named::parse(word, args, argument)).collect()
    }

    pub fn shown(&self) -> String {
        match &self.version {
            None => self.name.clone(),
            Some((Relation::Equal, version)) => format!("{}={version}", self.name),
            Some((Relation::AtLeast, version)) => format!("{}>={version}", self.name),
        }
    }

    pub fn id(&self) -> Id {
        Id::new(package::KIND, self.name.as_str())
    }

    /// What must be known of it.
    pub fn look(&self, terms: &Terms) -> Look {
        let mut look = Look::at(package::KIND, self.name.as_str());
        if !terms.manager.is_empty() {
            look = look.with("manager", terms.manager);
        }
        if !package::is_pattern(&self.name) && terms.to == To::Latest {
            look = look.with("candidate", terms.release.clone());
        }
        look
    }

    fn fits(&self, has: &str) -> bool {
        match &self.version {
            None => true,
            Some((Relation::Equal, wanted)) => version::matches(wanted, has),
            Some((Relation::AtLeast, wanted)) => version::compare(has, wanted) != Ordering::Less,
        }
    }

    /// The names that it stands for: itself, or all that its pattern matches.
    ///
    /// Errors: more must be asked; a message where nothing matches.
    fn expanded(&self, view: &View<'_>) -> std::result::Result<std::result::Result<Vec<Named>, String>, Halt> {
        if !package::is_pattern(&self.name) {
            return Ok(Ok(vec![self.clone()]));
        }
        let Some(fields) = view.likely(&self.id())? else { return Ok(Err(format!("No package(s) matching '{}' available", self.name))) };
        let names = fields.get("matches").and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_str);
        let all: Vec<Named> = names.map(|name| Named { name: name.to_string(), version: None }).collect();
        let missing: Vec<Look> =
            all.iter().map(|named| Look::at(package::KIND, named.name.as_str())).filter(|look| !view.answers(look)).collect();
        if missing.is_empty() { Ok(Ok(all)) } else { Err(Halt::Ask(missing)) }
    }
}

/// What is wanted of the packages; a message where one cannot be had. `stale`: the lists will be updated before, so what the repositories have now says
/// nothing.
pub fn wanted(
    all: &[Named],
    terms: &Terms,
    stale: bool,
    view: &View<'_>,
) -> std::result::Result<std::result::Result<Vec<Wanted>, String>, Halt> {
    let mut states = vec![];
    for named in all {
        let names = match named.expanded(view)? {
            Ok(names) => names,
            Err(why) => return Ok(Err(why)),
        };
        for named in names {
            let one = match terms.to {
                To::Absent => named.absent(terms, view)?,
                _ => match named.there(terms, stale, view)? {
                    Ok(state) => state.map(|state| Wanted::new(named.id(), Some(state))),
                    Err(why) => return Ok(Err(why)),
                },
            };
            if let Some(wanted) = &one {
                view.sure(&wanted.id, &wanted.state)?;
            }
            let one = one.map(|wanted| Wanted { how: terms.how.clone(), ..wanted });
            states.extend(one.map(|wanted| if stale { wanted.how("moves", true) } else { named.bringing(wanted, view) }));
        }
    }
    Ok(Ok(states))
}

impl Named {
    /// With what may come beside it, so that what cannot be touched by it stays known.
    fn bringing(&self, wanted: Wanted, view: &View<'_>) -> Wanted {
        let now = view.seen(&wanted.id).and_then(Option::as_ref);
        let offer = view.seen(&package::offer(&self.name, "")).and_then(Option::as_ref);
        match offer.and_then(|offer| offer.get("brings")).filter(|_| now.is_none()) {
            Some(brings) => wanted.how("brings", brings.clone()),
            None => wanted,
        }
    }

    fn absent(&self, terms: &Terms, view: &View<'_>) -> std::result::Result<Option<Wanted>, Halt> {
        let purge = terms.how.get("purge").is_some_and(Value::truthy);
        match view.likely(&self.id())? {
            // what another package stands for is not there itself
            Some(fields) if fields.contains_key("provided_by") => Ok(Some(Wanted::new(self.id(), Some(Fields::new())))),
            Some(fields) if !self.fits(text(fields, "version").unwrap_or_default()) => {
                Ok(Some(Wanted::new(self.id(), Some(Fields::new()))))
            }
            None if purge => {
                let residue = Id::new(package::RESIDUE, self.name.as_str());
                match view.answers(&Look::of(residue.clone())) {
                    true => Ok(Some(Wanted::gone(residue))),
                    false => Err(Halt::Ask(vec![Look::of(residue)])),
                }
            }
            _ => Ok(Some(Wanted::gone(self.id()))),
        }
    }

    /// The state of a package that is to be there; nothing where only what is there already counts.
    fn there(&self, terms: &Terms, stale: bool, view: &View<'_>) -> std::result::Result<std::result::Result<Option<Fields>, String>, Halt> {
        let now = view.likely(&self.id())?.as_ref().filter(|fields| text(fields, "status") == Some("installed"));
        if now.is_none() && terms.only_upgrade {
            return Ok(Ok(None));
        }
        let mut state = Fields::from([("status".into(), Value::text("installed"))]);
        if let Some(now) = now {
            if now.contains_key("provided_by") {
                return Ok(Ok(Some(state)));
            }
            if now.get("auto").is_some_and(Value::truthy) {
                state.insert("auto".into(), Value::Bool(false));
            }
            let has = text(now, "version");
            if terms.to == To::Present && has.is_none_or(|has| self.fits(has)) {
                return Ok(Ok(Some(state)));
            }
        }
        if stale {
            let unknown = Unknown { because: "the lists of packages are updated before".into(), span: None };
            match (&self.version, now) {
                (Some((Relation::Equal, version)), _) if !package::is_pattern(version) => {
                    drop(state.insert("version".into(), Value::text(version.as_str())))
                }
                (_, Some(_)) => drop(state.insert("version".into(), Value::Unknown(Arc::new(unknown)))),
                _ => {}
            }
            return Ok(Ok(Some(state)));
        }
        Ok(self.best(terms, now, view)?.map(|best| {
            state.extend(best.map(|best| ("version".into(), Value::text(best))));
            Some(state)
        }))
    }

    /// The version that would come; `None` where only the manager knows.
    fn best(
        &self,
        terms: &Terms,
        now: Option<&Fields>,
        view: &View<'_>,
    ) -> std::result::Result<std::result::Result<Option<String>, String>, Halt> {
        let offer = package::offer(&self.name, &terms.release);
        let look = Look::of(offer.clone());
        if !view.answers(&look) {
            return Err(Halt::Ask(vec![look]));
        }
        let fields = match view.state(&offer) {
            Ok(fields) => fields,
            // an update before it may bring it: what will come is not known
            Err(Halt::Unknown(_)) => return Ok(Ok(None)),
            Err(halt) => return Err(halt),
        };
        let Some(fields) = fields else {
            let keeps = now.and_then(|now| text(now, "version")).filter(|has| self.fits(has));
            return Ok(keeps.map(|has| Some(has.to_string())).ok_or_else(|| format!("No package matching '{}' is available", self.name)));
        };
        if fields.is_empty() || fields.get("virtual").is_some_and(Value::truthy) {
            let pinned = self.version.as_ref().filter(|(relation, version)| *relation == Relation::Equal && !package::is_pattern(version));
            return Ok(Ok(pinned.map(|(_, version)| version.clone())));
        }
        let versions = fields.get("versions").and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_str);
        let best = match &self.version {
            Some((Relation::Equal, wanted)) => versions.clone().find(|has| version::matches(wanted, has)),
            _ => text(fields, "candidate").filter(|has| self.fits(has)),
        };
        Ok(best.map(|best| Some(best.to_string())).ok_or_else(|| format!("no available installation candidate for {}", self.shown())))
    }
}

fn text<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}
