//! What apt-get has to do on a host beside packages that are named, and what it works with.
//!
//! `apt_cache:lists`: the lists of packages. `updated` (seconds since 1970), and for each look `fresh` N the field `fresh_N`: whether they are at most N
//! seconds old. `apt_work:VERB` (`upgrade`, `dist-upgrade`, `autoremove`, `autoclean`, `install -f`, `build-dep NAME`): what such a call would do, by `apt-get -s`:
//! `said` (apt-get's words about it all), and
//! a field a package with its version now, and `to NAME` with the version to be (absent where it would go). `deb:PATH`: a package file: `package`, `version`.

use crate::resources::package::{apt_get, environment};
use crate::resources::{path, sh};
use crate::state::{Answer, Fields, Gap, Kind, KindName, Look, Reach, Reading, Refusal, Script, View};
use crate::text::Value;

pub const CACHE: KindName = "apt_cache";
pub const LISTS: &str = "lists";
pub const WORK: KindName = "apt_work";
pub const DEB: KindName = "deb";

pub struct Cache;
pub struct Work;
pub struct Deb;

/// When the lists were last updated, as Ansible has it.
const STAMP: &str = "/var/lib/apt/periodic/update-success-stamp";

impl Kind for Cache {
    fn name(&self) -> KindName {
        CACHE
    }

    /// The time now matters only where a look asks how old the lists are.
    fn ask(&self, looks: &[&Look]) -> Script {
        let now = if looks.iter().any(|look| look.all("fresh").next().is_some()) { " $(date +%s)" } else { "" };
        format!("command -v apt-get >/dev/null 2>&1 || exit 0\nfor f in {STAMP} /var/lib/apt/lists; do [ ! -e $f ] || {{ t=$(stat -c %Y $f); break; }}; done\necho \"${{t:-0}}{now}\"\n").into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        let reply = answer.reply();
        let text = String::from_utf8_lossy(&reply.out);
        let Some((updated, now)) = text.split_whitespace().next().map(|first| (first, text.split_whitespace().nth(1))) else {
            return Reading::one(look, None);
        };
        let failed = || Reading::failed(format!("the age of apt's lists could not be read: {}", text.trim()));
        let Ok(updated) = updated.parse::<i64>() else { return failed() };
        let mut fields = Fields::from([("updated".into(), Value::Int(updated))]);
        for valid in look.all("fresh") {
            let Some(now) = now.and_then(|now| now.parse::<i64>().ok()) else { return failed() };
            fields.insert(format!("fresh_{valid}").into(), Value::Bool(now - updated <= valid.parse().unwrap_or(0)));
        }
        Reading::one(look, Some(fields))
    }

    /// Tried again where a repository does not answer: how: `retries`, `max_delay`. The folder is touched: apt leaves it alone where all lists are new.
    fn fix(&self, gaps: &[&Gap]) -> Script {
        let Some(gap) = gaps.first() else { return String::new().into() };
        update(&gap.how).into()
    }

    fn rights(&self, _gap: &Gap) -> Vec<Look> {
        vec![path::writing("/var/lib/apt/lists")]
    }

    fn refusal(&self, _gap: &Gap, view: &View<'_>) -> Option<Refusal> {
        path::unwritable("/var/lib/apt/lists", view)
    }

    fn reach(&self, _gap: &Gap) -> Reach {
        Reach::Kinds(&["offer", WORK])
    }
}

/// Updates the lists.
fn update(how: &Fields) -> String {
    let number = |name: &str, default: i64| how.get(name).and_then(Value::as_int).unwrap_or(default);
    let (retries, most) = (number("retries", 5), number("max_delay", 12));
    format!(
        r#"{}n=0; d=1
until e=$({} update 2>&1 >/dev/null) && case $e in *'Failed to fetch'*|*'Some index files failed'*) false ;; esac; do
n=$((n+1)); [ $n -lt {retries} ] || {{ printf 'Failed to update apt cache after %s retries: %s\n' $n "$e" >&2; exit 1; }}
[ $d -le {most} ] || d={most}; sleep $d; d=$((d*2)); done
touch /var/lib/apt/lists; [ ! -e {STAMP} ] || touch {STAMP}
"#,
        environment(&Fields::new()),
        apt_get(how)
    )
}

impl Kind for Work {
    fn name(&self) -> KindName {
        WORK
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        let ask = |look: &&Look| {
            let (name, release) = release(&look.id.name);
            format!("printf 'w %s\\n' {}; apt-get -s -q{release} {} </dev/null || echo \"x $?\"\n", sh::quote(&look.id.name), verb(name))
        };
        format!("command -v apt-get >/dev/null 2>&1 || exit 0\n{}exit 0\n", looks.iter().map(ask).collect::<String>()).into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        let reply = answer.reply();
        let text = String::from_utf8_lossy(&reply.out);
        let mut lines = text.lines().skip_while(|line| line.strip_prefix("w ") != Some(&look.id.name));
        if lines.next().is_none() {
            return Reading::one(look, None);
        }
        let mut fields = Fields::new();
        for line in lines.take_while(|line| !line.starts_with("w ")) {
            if line.starts_with("x ") {
                return Reading::failed(format!("apt-get cannot say what it would do: {}", String::from_utf8_lossy(&reply.err).trim()));
            }
            plan(line, &mut fields);
        }
        let told = |line: &&str| !["Inst ", "Conf ", "Remv ", "Purg ", "Del ", "w "].iter().any(|word| line.starts_with(word));
        let own = text.lines().skip_while(|line| line.strip_prefix("w ") != Some(&look.id.name)).skip(1);
        let said: String = own.take_while(|line| !line.starts_with("w ")).filter(told).flat_map(|line| [line, "\n"]).collect();
        fields.insert("said".into(), Value::text(said));
        Reading::one(look, Some(fields))
    }

    fn fix(&self, gaps: &[&Gap]) -> Script {
        let fix = |gap: &&Gap| {
            let (name, release) = release(&gap.id.name);
            format!("{}{}{release} {} </dev/null || exit\n", environment(&gap.how), apt_get(&gap.how), verb(name))
        };
        gaps.iter().map(fix).collect::<String>().into()
    }

    fn rights(&self, _gap: &Gap) -> Vec<Look> {
        vec![path::writing("/var/lib/dpkg")]
    }

    fn refusal(&self, _gap: &Gap, view: &View<'_>) -> Option<Refusal> {
        path::unwritable("/var/lib/dpkg", view)
    }

    fn reach(&self, gap: &Gap) -> Reach {
        match &*gap.id.name {
            "autoclean" => Reach::Nothing,
            name if name.starts_with("autoremove") => Reach::Kinds(&["path", "unit", "package"]),
            _ => Reach::Kinds(&["path", "unit", "user", "group", "package"]),
        }
    }
}

/// Deletes downloaded package files.
pub fn clean(how: &Fields) -> String {
    format!("{}{} clean", environment(&Fields::new()), apt_get(how))
}

/// `upgrade/RELEASE`: of the packages of one release.
fn release(name: &str) -> (&str, String) {
    name.split_once('/').map_or((name, String::new()), |(verb, release)| (verb, format!(" -t {}", sh::quote(release))))
}

fn verb(name: &str) -> String {
    match name {
        "upgrade" => "upgrade --with-new-pkgs".into(),
        other => sh::words(other.split(' ')),
    }
}

/// `Inst foo [1.0] (2.0 Debian:12 [amd64])`, `Inst new (1.0 …)`, `Remv old [1.0]`, `Purg old [1.0]`, `Del foo 1.0 [20 kB]`.
fn plan(line: &str, fields: &mut Fields) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [what @ ("Inst" | "Remv" | "Purg" | "Del"), name, ..] = words[..] else { return };
    let between = |open: char| words[2..].iter().find_map(|word| word.strip_prefix(open)).map(|word| word.trim_end_matches([')', ']']));
    match what {
        "Inst" => {
            fields
                .extend(between('[').filter(|_| words[2].starts_with('[')).map(|version| (name.to_string().into(), Value::text(version))));
            fields.insert(format!("to {name}").into(), between('(').map_or(Value::Null, Value::text));
        }
        "Del" => {
            fields.insert(name.to_string().into(), words.get(2).map_or(Value::Null, |word| Value::text(*word)));
            fields.insert(format!("to {name}").into(), Value::Null);
        }
        _ => {
            fields.insert(name.to_string().into(), between('[').map_or(Value::Null, Value::text));
            fields.insert(format!("to {name}").into(), Value::Null);
        }
    }
}

/// What becomes of which package: what is wanted of `apt_work`.
pub fn planned(work: &Fields) -> Fields {
    work.iter().filter_map(|(name, to)| Some((name.strip_prefix("to ")?.to_string().into(), to.clone()))).collect()
}

impl Kind for Deb {
    fn name(&self) -> KindName {
        DEB
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        let ask = |look: &&Look| {
            let path = sh::path(&look.id.name);
            format!(
                "printf 'd %s\\n' {}; [ ! -e {path} ] || dpkg-deb -f {path} Package Version Architecture || echo x\n",
                sh::quote(&look.id.name)
            )
        };
        (looks.iter().map(ask).collect::<String>() + "exit 0\n").into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        let reply = answer.reply();
        let text = String::from_utf8_lossy(&reply.out);
        let lines = text
            .lines()
            .skip_while(|line| line.strip_prefix("d ") != Some(&look.id.name))
            .skip(1)
            .take_while(|line| !line.starts_with("d "));
        let mut fields = Fields::new();
        for line in lines {
            match line.split_once(": ") {
                Some((name, value)) => drop(fields.insert(name.to_lowercase().into(), Value::text(value))),
                None => return Reading::failed(String::from_utf8_lossy(&reply.err).trim().to_string()),
            }
        }
        Reading::one(look, (!fields.is_empty()).then_some(fields))
    }

    /// Nobody mends a package file.
    fn fix(&self, _gaps: &[&Gap]) -> Script {
        String::new().into()
    }
}
