//! `getent`: entries of a name service's database, as facts.

use std::sync::Arc;

use crate::resources::getent;
use crate::state::{Halt, Look, View};
use crate::text::{Map, Result, Value};

use super::{Arg, Args, Effect, Entry, Module, Spec, Type, Want};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "getent",
    collection: "ansible.builtin",
    about: "Ask a name service (passwd, group, hosts, …)",
    args: &[
        Arg::new("database", Type::Text, "passwd, group, hosts, services, …").required(),
        Arg::new("key", Type::Text, "The entry; all entries where there is none"),
        Arg::new("service", Type::Text, "Ask only this service"),
        Arg::new("split", Type::Text, "What parts the fields of a line; `:` for passwd, group, shadow and gshadow, else blanks"),
        Arg::new("fail_key", Type::Bool, "Fail where the key is not there").default("true"),
    ],
    free_form: None,
    any: false,
};

struct Getent {
    database: String,
    key: Option<String>,
    service: Option<String>,
    split: Option<String>,
    fail_key: bool,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let database = args.need("database")?;
    if database.contains(char::is_whitespace) || database.is_empty() {
        return Err(args.error("database", "`database` takes one word"));
    }
    let colon = matches!(database.as_str(), "passwd" | "shadow" | "group" | "gshadow").then(|| ":".to_string());
    Ok(Arc::new(Getent {
        key: args.text("key").filter(|key| !key.is_empty()),
        service: args.text("service"),
        split: args.text("split").filter(|split| !split.is_empty()).or(colon),
        fail_key: args.flag("fail_key"),
        database,
    }))
}

impl Getent {
    fn look(&self) -> Look {
        let name = self.key.as_ref().map_or_else(|| self.database.clone(), |key| format!("{} {key}", self.database));
        let look = Look::at(getent::KIND, name);
        self.service.iter().fold(look, |look, service| look.with("service", service.clone()))
    }

    /// Lines by their first field; where several have the same, a list of them.
    fn entries(&self, lines: &[Value]) -> Map {
        let mut all = Map::new();
        let mut several: Vec<String> = vec![];
        for line in lines.iter().filter_map(Value::as_str) {
            let fields: Vec<&str> = match &self.split {
                Some(split) => line.split(split.as_str()).collect(),
                None => line.split_whitespace().collect(),
            };
            let Some((key, rest)) = fields.split_first() else { continue };
            let rest = Value::list(rest.iter().map(|field| Value::text(*field)));
            let value = match all.get(key) {
                None => rest,
                Some(had) if several.iter().any(|name| name == key) => {
                    Value::list(had.as_list().unwrap_or_default().iter().cloned().chain([rest]))
                }
                Some(had) => {
                    several.push((*key).to_string());
                    Value::list([had.clone(), rest])
                }
            };
            all.insert(*key, value);
        }
        all
    }
}

impl Module for Getent {
    fn looks(&self) -> Vec<Look> {
        vec![self.look()]
    }

    fn want(&self, view: &View<'_>) -> std::result::Result<Want, Halt> {
        let missing = "One or more supplied key could not be found in the database.";
        let mut result = Map::new();
        let entries = match (view.fields(&self.look().id)?, &self.key) {
            (Some(fields), _) => self.entries(fields.get("lines").and_then(Value::as_list).unwrap_or_default()),
            (None, Some(key)) if !self.fail_key => {
                result.insert("msg", missing);
                [(key.as_str().into(), Value::Null)].into_iter().collect()
            }
            (None, _) => return Ok(Want::failed(missing)),
        };
        let mut facts = Map::new();
        facts.insert(format!("getent_{}", self.database), entries);
        result.insert("ansible_facts", facts.clone());
        // a fact of a module stands under its own name as well as below `ansible_facts`
        let effects = vec![Effect::Facts { facts: facts.clone(), gathered: true }, Effect::Facts { facts, gathered: false }];
        Ok(Want { result, effects, ..Want::default() })
    }
}
