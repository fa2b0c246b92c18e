//! What an answer says about one package, what the repositories have of it, and what is left of it.

use crate::state::{Fields, Id, Look, Reading, Reply, State};
use crate::text::Value;

use super::{OFFER, RESIDUE, is_pattern, offer};

/// The answer, taken apart for one package.
struct Heard<'a> {
    lines: Vec<&'a str>,
    manager: &'a str,
    name: &'a str,
}

/// The package itself, and what the answer says beside it.
pub(super) fn reading(look: &Look, reply: &Reply) -> Reading {
    let text = String::from_utf8_lossy(&reply.out);
    let heard = match hear(&look.id.name, &text) {
        Ok(heard) => heard,
        Err(why) => return Reading::failed(format!("{why}: {}", String::from_utf8_lossy(&reply.err).trim())),
    };
    if let Some(other) = look.all("manager").find(|wanted| !heard.is(wanted)) {
        let message = format!("this host has no {other}; its packages are managed by {}", heard.manager);
        return Reading::Failed { message, hint: Some("the module `package` takes whichever there is".into()) };
    }
    if is_pattern(&look.id.name) {
        return Reading::one(look, heard.matches());
    }
    let own = heard.package();
    let releases: Vec<&str> = look.all("candidate").collect();
    let missing = own.as_ref().is_none_or(|fields| fields.get("status").and_then(Value::as_str) != Some("installed"));
    let mut all = vec![(Id::new(RESIDUE, heard.name), heard.residue())];
    if missing || releases.contains(&"") {
        all.push((offer(heard.name, ""), heard.offer("")));
    }
    all.extend(
        releases.into_iter().filter(|release| !release.is_empty()).map(|release| (offer(heard.name, release), heard.offer(release))),
    );
    all.push((look.id.clone(), own));
    if heard.manager == "none" {
        all.retain(|(id, _)| id.kind != OFFER);
    }
    Reading::States(all)
}

/// An offer or residue that was asked about by itself.
pub(super) fn other(look: &Look, package: &Look, reply: &Reply) -> Reading {
    match reading(package, reply) {
        Reading::States(states) => match states.into_iter().find(|(id, _)| *id == look.id) {
            Some((_, state)) => Reading::one(look, state),
            None => Reading::Failed {
                message: "this host has no package manager that is known here (apt, dnf, yum, apk)".into(),
                hint: Some("install by a command, with `creates`".into()),
            },
        },
        other => other,
    }
}

fn hear<'a>(name: &'a str, text: &'a str) -> Result<Heard<'a>, &'static str> {
    let mut lines = text.lines();
    let manager = lines.next().and_then(|line| line.strip_prefix("m ")).ok_or("the host did not say which package manager it has")?;
    Ok(Heard { lines: lines.collect(), manager, name })
}

impl<'a> Heard<'a> {
    /// Whether the host's manager is of this family, or there is none.
    fn is(&self, manager: &str) -> bool {
        let family = match self.manager {
            "apt-get" => "apt",
            "apk" => "apk",
            "none" => return true,
            _ => "dnf",
        };
        family == manager
    }

    /// The rows about this name, an installed one of the host's own architecture first.
    fn row(&self) -> Option<Vec<&'a str>> {
        let native = self.lines.iter().find_map(|line| line.strip_prefix("p dpkg installed ")?.split(' ').next());
        let rows = self.lines.iter().filter_map(|line| {
            let words: Vec<&str> = line.strip_prefix("p ")?.splitn(5, ' ').collect();
            (words.len() == 5 && words[0] == self.name).then_some(words)
        });
        rows.max_by_key(|words| (words[1] == "installed", words[2] == "all" || Some(words[2]) == native))
    }

    fn package(&self) -> State {
        if let Some(row) = self.row()
            && !matches!(row[1], "not-installed" | "config-files")
        {
            let auto = self.lines.iter().any(|line| line.strip_prefix("d ") == Some(self.name));
            return Some(Fields::from([
                ("status".into(), Value::text(row[1])),
                ("version".into(), Value::text(row[4])),
                ("held".into(), Value::Bool(row[3] == "hold")),
                ("auto".into(), Value::Bool(auto)),
            ]));
        }
        let by = self.named("v ").next()?;
        Some(Fields::from([("status".into(), Value::text("installed")), ("provided_by".into(), Value::text(by))]))
    }

    fn residue(&self) -> State {
        let row = self.row()?;
        (row[1] == "config-files").then(Fields::new)
    }

    /// Lines `LETTER NAME REST` about this name.
    fn named(&self, letter: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(move |line| line.strip_prefix(letter)?.strip_prefix(self.name)?.strip_prefix(' '))
    }

    fn matches(&self) -> State {
        let at = self.lines.iter().position(|line| line.strip_prefix("g ") == Some(self.name))?;
        let names: Vec<Value> = self.lines[at + 1..].iter().map_while(|line| line.strip_prefix('+')).map(Value::text).collect();
        (!names.is_empty()).then(|| Fields::from([("matches".into(), names.into())]))
    }

    /// What `apt-cache policy` says; other managers are not asked, and may have anything.
    fn offer(&self, release: &str) -> State {
        if self.manager != "apt-get" {
            return Some(Fields::new());
        }
        let head = if release.is_empty() { "o".to_string() } else { format!("o {release}") };
        let begin = self.lines.iter().position(|line| **line == head)?;
        let end = self.lines[begin + 1..].iter().position(|line| line.starts_with('o')).map_or(self.lines.len(), |end| begin + 1 + end);
        let section = &self.lines[begin + 1..end];
        let own = section.iter().position(|line| line.strip_prefix('|').and_then(|line| line.strip_suffix(':')) == Some(self.name))?;
        let body: Vec<&str> = section[own + 1..].iter().map_while(|line| line.strip_prefix("| ")).collect();
        let provided = section
            .iter()
            .any(|line| line.strip_prefix("w ").and_then(|line| line.strip_prefix(self.name)).is_some_and(|rest| rest.starts_with(' ')));
        let candidate = body.iter().find_map(|line| line.strip_prefix(" Candidate: ")).filter(|version| *version != "(none)");
        let mut fields =
            Fields::from([("versions".into(), versions(&body).into()), ("virtual".into(), Value::Bool(candidate.is_none() && provided))]);
        fields.extend(candidate.map(|version| ("candidate".into(), Value::text(version))));
        let brings = self.named("b ").next().map(|names| names.split_whitespace().map(Value::text).collect::<Vec<_>>());
        fields.extend(brings.map(|names| ("brings".into(), names.into())));
        (candidate.is_some() || provided || fields["versions"].truthy()).then_some(fields)
    }
}

/// The version table: `*** 1.0 500` or `    1.0 500`, below it where each comes from. A version that only the host itself has counts as well: it is there.
fn versions(body: &[&str]) -> Vec<Value> {
    let table = body.iter().skip_while(|line| **line != " Version table:").skip(1);
    let version = |line: &&str| {
        let rest = line.strip_prefix("*** ").or_else(|| line.strip_prefix("    ").filter(|rest| !rest.starts_with(' ')))?;
        rest.split_whitespace().next().map(Value::text)
    };
    table.filter_map(version).collect()
}
