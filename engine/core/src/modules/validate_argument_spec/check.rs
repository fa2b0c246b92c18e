//! What is wrong with arguments, in the words and the order of Ansible.

use std::collections::BTreeMap;

use crate::text::template as t;
use crate::text::{Key, Map, Value};

use super::convert::{class, convert, mapping, text};

/// Names that nothing knows, each with the names and aliases that there are beside it.
type Strangers = BTreeMap<String, (Vec<String>, Vec<String>)>;

/// Everything that is wrong with `given`; nothing where it is as `spec` says.
pub fn errors(spec: &Map, mut given: Map) -> Vec<String> {
    let mut check = Check::default();
    check.level(spec, &mut given, None);
    check.deeper(spec, &mut given);
    let mut errors = check.errors;
    if let Some((_, (names, aliases))) = check.strangers.last_key_value() {
        let all: Vec<&str> = check.strangers.keys().map(String::as_str).collect();
        let aliases = if aliases.is_empty() { String::new() } else { format!(" ({})", aliases.join(", ")) };
        errors.push(format!("{}. Supported parameters include: {}{aliases}.", all.join(", "), names.join(", ")));
    }
    errors
}

#[derive(Default)]
struct Check {
    errors: Vec<String>,
    strangers: Strangers,
    /// The options on the way to where it stands.
    context: Vec<String>,
}

impl Check {
    /// One level: aliases, names, requirements, types, choices. `rules` is the option that holds this level.
    fn level(&mut self, spec: &Map, given: &mut Map, rules: Option<&Map>) {
        let aliases = self.aliases(spec, given);
        if let Err(error) = parts(spec, given) {
            self.errors.push(error);
        }
        self.strange(spec, given, &aliases);
        let rule = |name: &str| rules.and_then(|rules| rules.get(name)).and_then(Value::as_list).unwrap_or_default();
        let excluding: Vec<Vec<String>> = rule("mutually_exclusive").iter().map(names).collect();
        let both: Vec<String> = excluding.iter().filter(|terms| count(terms, given) > 1).map(|terms| terms.join("|")).collect();
        if !both.is_empty() {
            self.say(format!("parameters are mutually exclusive: {}", both.join(", ")));
        }
        for (name, option) in spec.iter() {
            let default = option.get("default").filter(|default| !default.is_null());
            if let Some(default) = default.filter(|_| given.get_key(name).is_none()) {
                given.insert_key(name.clone(), default.clone());
            }
        }
        let required = |(name, option): &(&Key, &Value)| flag(option, "required") && given.get_key(name).is_none();
        let mut missing: Vec<String> = spec.iter().filter(required).map(|(name, _)| name.to_string()).collect();
        missing.sort();
        if !missing.is_empty() {
            self.say(format!("missing required arguments: {}", missing.join(", ")));
        }
        self.types(spec, given);
        self.choices(spec, given);
        if let Some(rules) = rules {
            self.together(rules, given);
        }
        for (name, _) in spec.iter() {
            if given.get_key(name).is_none() {
                given.insert_key(name.clone(), Value::Null);
            }
        }
    }

    /// An error at this level.
    fn say(&mut self, message: String) {
        let place = if self.context.is_empty() { String::new() } else { format!(" found in {}", self.context.join(" -> ")) };
        self.errors.push(message + &place);
    }

    /// Gives what stands under another name its own; all those other names.
    fn aliases(&mut self, spec: &Map, given: &mut Map) -> Vec<String> {
        let mut all = vec![];
        for (name, option) in spec.iter() {
            if flag(option, "required") && option.get("default").is_some_and(|default| !default.is_null()) {
                self.errors.push(format!("internal error: required and default are mutually exclusive for {name}"));
                break;
            }
            match option.get("aliases").filter(|aliases| !aliases.is_null()) {
                None => {}
                Some(aliases) if aliases.as_list().is_none() => {
                    self.errors.push("internal error: aliases must be a list or tuple".into());
                    break;
                }
                Some(aliases) => {
                    for alias in names(aliases) {
                        if let Some(value) = given.get(&alias).cloned() {
                            given.insert_key(name.clone(), value);
                        }
                        all.push(alias);
                    }
                }
            }
        }
        all
    }

    fn strange(&mut self, spec: &Map, given: &Map, aliases: &[String]) {
        for name in given.keys().filter(|name| spec.get_key(name).is_none() && !aliases.contains(&name.to_string())) {
            let path = self.context.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>().join(".");
            let mut known: Vec<String> = spec.keys().map(ToString::to_string).collect();
            let mut aliases = aliases.to_vec();
            known.sort();
            aliases.sort();
            self.strangers.insert(path, (known, aliases));
        }
    }

    fn types(&mut self, spec: &Map, given: &mut Map) {
        for (name, option) in spec.iter() {
            let Some(value) = given.get_key(name).cloned() else { continue };
            let bare = !flag(option, "required") && option.get("default").is_none_or(Value::is_null);
            if value.is_null() && bare {
                continue;
            }
            let kind = kind(option);
            match convert(&kind, &value) {
                Err(why) => {
                    let place = self.quoted("", ".");
                    let is = t::python_type(&value);
                    self.errors.push(format!("argument '{name}' is of type {is}{place} and we were unable to convert to {kind}: {why}"));
                }
                Ok(converted) => {
                    let elements = option.get("elements").filter(|elements| elements.truthy()).map(text);
                    let converted = match elements {
                        Some(elements) => self.elements(name, &kind, &elements, converted),
                        None => converted,
                    };
                    given.insert_key(name.clone(), converted);
                }
            }
        }
    }

    /// ` found in 'a -> b'` where it is not the first level.
    fn quoted(&self, before: &str, after: &str) -> String {
        if self.context.is_empty() { String::new() } else { format!("{before} found in '{}'{after}", self.context.join(" -> ")) }
    }

    fn elements(&mut self, name: &Key, kind: &str, wanted: &str, value: Value) -> Value {
        let Some(items) = value.as_list() else {
            let place = self.quoted("", ".");
            let shown = text(&value);
            self.errors
                .push(format!("Invalid type {kind} for option '{shown}'{place}, elements value check is supported only with 'list' type"));
            return value;
        };
        let mut all = vec![];
        for item in items {
            match convert(wanted, item) {
                Ok(item) => all.push(item),
                Err(why) => {
                    let (place, is) = (self.quoted("", ""), t::python_type(item));
                    self.errors.push(format!(
                        "Elements value for option '{name}'{place} is of type {is} and we were unable to convert to {wanted}: {why}"
                    ));
                }
            }
        }
        Value::list(all)
    }

    fn choices(&mut self, spec: &Map, given: &mut Map) {
        for (name, option) in spec.iter() {
            let Some(choices) = option.get("choices").filter(|choices| !choices.is_null()) else { continue };
            let Some(list) = choices.as_list() else {
                self.say(format!("internal error: choices for argument {name} are not iterable: {}", text(choices)));
                continue;
            };
            let Some(value) = given.get_key(name).cloned() else { continue };
            let known = |value: &Value| list.iter().any(|choice| t::equal(choice.plain(), value.plain()).unwrap_or(false));
            let all = list.iter().map(text).collect::<Vec<_>>().join(", ");
            if let Some(items) = value.as_list() {
                let other: Vec<String> = items.iter().filter(|item| !known(item)).map(text).collect();
                if !other.is_empty() {
                    self.say(format!("value of {name} must be one or more of: {all}. Got no match for: {}", other.join(", ")));
                }
            } else if !known(&value) {
                match one_of_its_words(&value, list) {
                    Some(word) => drop(given.insert_key(name.clone(), word)),
                    None => self.say(format!("value of {name} must be one of: {all}, got: {}", text(&value))),
                }
            }
        }
    }

    /// `required_together`, `required_one_of`, `required_if` and `required_by`, which name options of this level.
    fn together(&mut self, rules: &Map, given: &Map) {
        let groups = |name: &str| rules.get(name).and_then(Value::as_list).unwrap_or_default().iter().map(names).collect::<Vec<_>>();
        let partial = |terms: &&Vec<String>| (1..terms.len()).contains(&count(terms, given));
        if let Some(terms) = groups("required_together").iter().find(partial) {
            self.say(format!("parameters are required together: {}", terms.join(", ")));
        }
        if let Some(terms) = groups("required_one_of").iter().find(|terms| count(terms, given) == 0) {
            self.say(format!("one of the following is required: {}", terms.join(", ")));
        }
        if let Some(message) =
            rules.get("required_if").and_then(Value::as_list).unwrap_or_default().iter().find_map(|rule| needed(rule, given))
        {
            self.say(message);
        }
        let there = |name: &str| given.get(name).is_some_and(|value| !value.is_null());
        for (key, wanted) in rules.get("required_by").and_then(Value::as_map).into_iter().flat_map(Map::iter) {
            let missing: Vec<String> = names(wanted).into_iter().filter(|name| !there(name)).collect();
            if there(&key.to_string()) && !missing.is_empty() {
                return self.say(format!("missing parameter(s) required by '{key}': {}", missing.join(", ")));
            }
        }
    }

    /// Options of options.
    fn deeper(&mut self, spec: &Map, given: &mut Map) {
        for (name, option) in spec.iter().filter(|(_, option)| holds_options(option)) {
            let Some(inner) = option.get("options").and_then(Value::as_map) else { continue };
            let mut value = given.get_key(name).cloned().unwrap_or_default();
            if value.is_null() && flag(option, "apply_defaults") {
                value = Map::new().into();
            }
            if value.is_null() {
                continue;
            }
            self.context.push(name.to_string());
            for part in value.as_list().map_or_else(|| vec![value.clone()], <[Value]>::to_vec) {
                let Some(mut part) = part.as_map().cloned() else {
                    self.errors.push(format!("value of '{name}' must be of type dict or list of dicts"));
                    continue;
                };
                self.level(inner, &mut part, option.as_map());
                self.deeper(inner, &mut part);
            }
            self.context.pop();
        }
    }
}

/// Whether what stands under options that hold others can hold them at all.
fn parts(spec: &Map, given: &Map) -> Result<(), String> {
    for (name, option) in spec.iter().filter(|(_, option)| holds_options(option)) {
        let Some(inner) = option.get("options").and_then(Value::as_map) else { continue };
        let Some(value) = given.get_key(name).filter(|value| !value.is_null()) else { continue };
        for part in value.as_list().map_or_else(|| vec![value.clone()], <[Value]>::to_vec) {
            let part = match part.plain() {
                Value::Text(text) => mapping(text)?,
                other => other.clone(),
            };
            let Some(map) = part.as_map() else {
                let class = class(&part);
                let class = class.trim_start_matches("<class '").trim_end_matches("'>").rsplit('.').next().unwrap_or_default();
                let shown = text(&part);
                return Err(format!("Value '{shown}' in the sub parameter field '{name}' must be a {}, not '{class}'", kind(option)));
            };
            parts(inner, map)?;
        }
    }
    Ok(())
}

fn holds_options(option: &Value) -> bool {
    match kind(option).as_str() {
        "dict" => true,
        "list" => option.get("elements").and_then(Value::as_str) == Some("dict"),
        _ => false,
    }
}

fn kind(option: &Value) -> String {
    option.get("type").filter(|kind| !kind.is_null()).map_or_else(|| "str".into(), text)
}

fn flag(option: &Value, name: &str) -> bool {
    option.get(name).is_some_and(Value::truthy)
}

/// A word, or a list of words.
fn names(value: &Value) -> Vec<String> {
    value.as_list().map_or_else(|| vec![text(value)], |items| items.iter().map(text).collect())
}

fn count(terms: &[String], given: &Map) -> usize {
    terms.iter().filter(|term| given.contains(term)).count()
}

/// `[option, value, [others], any]`: what is missing where the option has that value.
fn needed(rule: &Value, given: &Map) -> Option<String> {
    let [key, value, wanted, rest @ ..] = rule.as_list()? else { return None };
    let any = rest.first().is_some_and(Value::truthy);
    let now = given.get(&text(key))?;
    if !t::equal(now.plain(), value.plain()).unwrap_or(false) {
        return None;
    }
    let wanted = names(wanted);
    let missing: Vec<&str> = wanted.iter().filter(|name| !given.contains(name)).map(String::as_str).collect();
    if missing.is_empty() || (any && missing.len() < wanted.len()) {
        return None;
    }
    let how = if any { "any" } else { "all" };
    Some(format!("{} is {} but {how} of the following are missing: {}", text(key), text(value), missing.join(", ")))
}

/// YAML reads `on` as a boolean, which as a text is `True`: the one choice that means the same.
fn one_of_its_words(value: &Value, choices: &[Value]) -> Option<Value> {
    let words: &[&str] = match value.as_str()? {
        "False" => &["n", "no", "off", "0", "false", "f"],
        "True" => &["y", "yes", "on", "1", "true", "t"],
        _ => return None,
    };
    let mut fitting = choices.iter().filter(|choice| choice.as_str().is_some_and(|choice| words.contains(&choice)));
    fitting.next().filter(|_| fitting.next().is_none()).cloned()
}
