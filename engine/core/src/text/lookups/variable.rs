//! Lookups of variables and the environment.

use fancy_regex::Regex;

use super::{option, terms};
use crate::text::template::{self as t, Call, Failure, Here, Lost, Outcome, fail};
use crate::text::value::Value;

pub fn env(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let default = call.named.get("default");
    let find = |name: String| {
        here.templates
            .control
            .env(name.split(' ').next().unwrap_or(&name))
            .map(Value::text)
            .or_else(|| default.cloned())
            .unwrap_or_else(|| Value::text(""))
    };
    Ok(terms(call)?.into_iter().map(find).collect())
}

pub fn vars(call: &Call<'_>, _: &Here<'_>) -> Outcome<Vec<Value>> {
    let mut out = vec![];
    for name in terms(call)? {
        let value = t::variable(&name)?;
        match call.named.get("default") {
            Some(default) if t::is_undefined(&value) => out.push(default.clone()),
            _ => {
                t::usable(&value).map_err(|failure| match failure {
                    Failure::Undefined(lost) => {
                        Failure::Undefined(Lost::new(lost.diagnostic.hint("give the lookup a `default=`"), lost.key))
                    }
                    other => other,
                })?;
                out.push(value);
            }
        }
    }
    Ok(out)
}

pub fn varnames(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let mut out = vec![];
    for pattern in terms(call)? {
        let regex = Regex::new(&pattern).or_else(|error| fail(format!("`{pattern}` is no regular expression: {error}")))?;
        out.extend(
            here.scope.names().iter().filter(|name| regex.is_match(&***name).unwrap_or(false)).map(|name| Value::text(name.clone())),
        );
    }
    Ok(out)
}

/// Hosts of groups by a pattern such as `all:!www`.
pub fn inventory_hostnames(call: &Call<'_>, _: &Here<'_>) -> Outcome<Vec<Value>> {
    let groups = t::variable("groups")?;
    t::usable(&groups)?;
    let mut out: Vec<Value> = vec![];
    for pattern in terms(call)?.iter().flat_map(|term| term.split([':', ','])) {
        let (sign, name) = match pattern.chars().next() {
            Some(sign @ ('!' | '&')) => (sign, &pattern[1..]),
            _ => (' ', pattern),
        };
        let members: Vec<Value> = match t::read(&groups).get(name).map(t::read) {
            Some(Value::List(hosts)) => hosts.to_vec(),
            _ => vec![Value::text(name)],
        };
        match sign {
            '!' => out.retain(|host| !members.contains(host)),
            '&' => out.retain(|host| members.contains(host)),
            _ => {
                for host in members {
                    if !out.contains(&host) {
                        out.push(host);
                    }
                }
            }
        }
    }
    Ok(out)
}

/// Settings of Ansible by their names. A plugin's own settings are none of it.
pub fn config(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let missing = option(call, "on_missing")?.unwrap_or_else(|| "error".into());
    if !matches!(missing.as_str(), "error" | "skip" | "warn") {
        return fail(format!("`on_missing` is `error`, `warn` or `skip`, and this is `{missing}`"));
    }
    let mut all = vec![];
    for term in call.args.iter() {
        let Some(name) = t::read(term).as_str() else {
            return fail(format!("a setting is named by a text, and this is {}", term.type_name()));
        };
        match here.scope.setting(name) {
            Some(value) => all.push(value),
            None if missing == "error" => return fail(format!("No config definition exists for '{name}'.")),
            None => {}
        }
    }
    Ok(all)
}
