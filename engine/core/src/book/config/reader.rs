//! How each setting is read: its names in the environment and the file, its type, its default.

use indexmap::IndexMap;

use super::{Config, Entry, Origin, Setting, Unused, known};
use crate::book::path as paths;
use crate::book::shortform::unquote;
use crate::text::{Collector, Control, Diagnostic};

/// The settings as they are written, and what they are read with.
pub struct Reader<'a> {
    pub control: &'a dyn Control,
    pub diagnostics: &'a mut Collector,
    pub entries: Vec<Entry>,
    /// The folder that paths in the file are relative to.
    pub folder: String,
}

/// A key of the file: its section and name.
pub type Place = (&'static str, &'static str);
const D: &str = "defaults";
const P: &str = "privilege_escalation";
const S: &str = "ssh_connection";

impl Reader<'_> {
    pub fn config(mut self, path: Option<String>) -> Config {
        let r = &mut self;
        let home = r.home();
        let shared = |name: &str| vec![format!("{home}/{name}"), format!("/usr/share/ansible/{name}")];
        let mut roles = shared("roles");
        roles.push("/etc/ansible/roles".into());
        let choices = |names: &'static [&'static str]| names;
        Config {
            inventory: r.path_list("ANSIBLE_INVENTORY", (D, "inventory"), ',', vec![]),
            roles_path: r.path_list("ANSIBLE_ROLES_PATH", (D, "roles_path"), ':', roles),
            collections_path: r.path_list("ANSIBLE_COLLECTIONS_PATH", (D, "collections_path"), ':', shared("collections")),
            forks: r.number("ANSIBLE_FORKS", &[(D, "forks")], 5),
            host_key_checking: r.flag("ANSIBLE_HOST_KEY_CHECKING", &[(D, "host_key_checking"), (S, "host_key_checking")], true),
            remote_user: r.text("ANSIBLE_REMOTE_USER", &[(D, "remote_user")]),
            remote_port: r.maybe_number("ANSIBLE_REMOTE_PORT", (D, "remote_port")),
            private_key_file: r.path("ANSIBLE_PRIVATE_KEY_FILE", (D, "private_key_file")),
            connection: r.word("ANSIBLE_TRANSPORT", (D, "transport"), "ssh", choices(&[])),
            timeout: r.number("ANSIBLE_TIMEOUT", &[(D, "timeout"), (S, "timeout")], 10),
            task_timeout: r.number("ANSIBLE_TASK_TIMEOUT", &[(D, "task_timeout")], 0),
            ask_pass: r.flag("ANSIBLE_ASK_PASS", &[(D, "ask_pass")], false),
            connection_password_file: r.path("ANSIBLE_CONNECTION_PASSWORD_FILE", (D, "connection_password_file")),
            vault_password_file: r.path("ANSIBLE_VAULT_PASSWORD_FILE", (D, "vault_password_file")),
            vault_identity_list: r.list("ANSIBLE_VAULT_IDENTITY_LIST", (D, "vault_identity_list")),
            ask_vault_pass: r.flag("ANSIBLE_ASK_VAULT_PASS", &[(D, "ask_vault_pass")], false),
            callbacks_enabled: r.list("ANSIBLE_CALLBACKS_ENABLED", (D, "callbacks_enabled")),
            gathering: r.word("ANSIBLE_GATHERING", (D, "gathering"), "implicit", choices(&["implicit", "explicit", "smart"])),
            hash_behaviour: r.word("ANSIBLE_HASH_BEHAVIOUR", (D, "hash_behaviour"), "replace", choices(&["replace", "merge"])),
            strategy: r.word("ANSIBLE_STRATEGY", (D, "strategy"), "linear", choices(&[])),
            error_on_undefined_vars: r.flag("ANSIBLE_ERROR_ON_UNDEFINED_VARS", &[(D, "error_on_undefined_vars")], true),
            error_on_missing_handler: r.flag("ANSIBLE_ERROR_ON_MISSING_HANDLER", &[(D, "error_on_missing_handler")], true),
            any_errors_fatal: r.flag("ANSIBLE_ANY_ERRORS_FATAL", &[(D, "any_errors_fatal")], false),
            force_handlers: r.flag("ANSIBLE_FORCE_HANDLERS", &[(D, "force_handlers")], false),
            no_log: r.flag("ANSIBLE_NO_LOG", &[(D, "no_log")], false),
            inject_facts_as_vars: r.flag("ANSIBLE_INJECT_FACT_VARS", &[(D, "inject_facts_as_vars")], true),
            private_role_vars: r.flag("ANSIBLE_PRIVATE_ROLE_VARS", &[(D, "private_role_vars")], false),
            ansible_managed: r.word("", (D, "ansible_managed"), "Ansible managed", choices(&[])),
            executable: r.word("ANSIBLE_EXECUTABLE", (D, "executable"), "/bin/sh", choices(&[])),
            log_path: r.path("ANSIBLE_LOG_PATH", (D, "log_path")),
            playbook_dir: r.path("ANSIBLE_PLAYBOOK_DIR", (D, "playbook_dir")),
            run_tags: r.list("ANSIBLE_RUN_TAGS", ("tags", "run")),
            skip_tags: r.list("ANSIBLE_SKIP_TAGS", ("tags", "skip")),
            diff_always: r.flag("ANSIBLE_DIFF_ALWAYS", &[("diff", "always")], false),
            diff_context: r.number("ANSIBLE_DIFF_CONTEXT", &[("diff", "context")], 3),
            r#become: r.flag("ANSIBLE_BECOME", &[(P, "become")], false),
            become_method: r.word("ANSIBLE_BECOME_METHOD", (P, "become_method"), "sudo", choices(&[])),
            become_user: r.word("ANSIBLE_BECOME_USER", (P, "become_user"), "root", choices(&[])),
            become_ask_pass: r.flag("ANSIBLE_BECOME_ASK_PASS", &[(P, "become_ask_pass")], false),
            become_flags: r.text("ANSIBLE_BECOME_FLAGS", &[(P, "become_flags")]),
            become_exe: r.text("ANSIBLE_BECOME_EXE", &[(P, "become_exe")]),
            become_password_file: r.path("ANSIBLE_BECOME_PASSWORD_FILE", (D, "become_password_file")),
            ssh_args: r.text("ANSIBLE_SSH_ARGS", &[(S, "ssh_args")]),
            ssh_common_args: r.text("ANSIBLE_SSH_COMMON_ARGS", &[(S, "ssh_common_args")]),
            ssh_extra_args: r.text("ANSIBLE_SSH_EXTRA_ARGS", &[(S, "ssh_extra_args")]),
            ssh_retries: r.number("ANSIBLE_SSH_RETRIES", &[("connection", "retries"), (S, "retries")], 0),
            own: r.own(),
            told: r.told(),
            unused: r.unused(),
            path,
        }
    }

    /// Ansible's own folder.
    pub fn home(&self) -> String {
        self.control.env("ANSIBLE_HOME").unwrap_or_else(|| format!("{}/.ansible", self.control.home()))
    }

    /// The text of a setting: the environment's, else the last place's that the file has.
    fn raw(&self, env: &'static str, places: &[Place]) -> Option<(String, Origin)> {
        if let Some(value) = Some(env).filter(|env| !env.is_empty()).and_then(|env| self.control.env(env)) {
            return Some((value, Origin::Environment(env)));
        }
        let found = places
            .iter()
            .rev()
            .find_map(|(section, key)| self.entries.iter().rfind(|entry| entry.section == *section && entry.key == *key));
        found.map(|entry| (unquote(&entry.value).to_string(), Origin::File(entry.span.clone())))
    }

    pub fn text(&mut self, env: &'static str, places: &[Place]) -> Setting<Option<String>> {
        match self.raw(env, places) {
            Some((value, origin)) => Setting { value: Some(value).filter(|value| !value.is_empty()), origin },
            None => Setting { value: None, origin: Origin::Default },
        }
    }

    fn word(&mut self, env: &'static str, place: Place, default: &str, choices: &[&str]) -> Setting<String> {
        let Setting { value, origin } = self.text(env, &[place]);
        let value = value.unwrap_or_else(|| default.to_string());
        if !choices.is_empty() && !choices.contains(&&*value) {
            let said = format!(
                "`{}` is `{value}`, and may be {}",
                place.1,
                choices.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            );
            self.refuse(&origin, said, &value, choices);
        }
        Setting { value, origin }
    }

    pub fn flag(&mut self, env: &'static str, places: &[Place], default: bool) -> Setting<bool> {
        let Some((value, origin)) = self.raw(env, places) else { return Setting { value: default, origin: Origin::Default } };
        let flag = match value.trim().to_lowercase().as_str() {
            "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => true,
            "n" | "no" | "off" | "0" | "false" | "f" | "0.0" | "" => false,
            _ => {
                self.refuse(&origin, format!("`{}` is `{value}` where a boolean was expected", places[0].1), &value, &["true", "false"]);
                default
            }
        };
        Setting { value: flag, origin }
    }

    pub fn number(&mut self, env: &'static str, places: &[Place], default: u32) -> Setting<u32> {
        let Setting { value, origin } = self.text(env, places);
        let Some(text) = value else { return Setting { value: default, origin } };
        let number = text.trim().parse().unwrap_or_else(|_| {
            self.refuse(&origin, format!("`{}` is `{text}` where a whole number was expected", places[0].1), "", &[]);
            default
        });
        Setting { value: number, origin }
    }

    fn maybe_number(&mut self, env: &'static str, place: Place) -> Setting<Option<u32>> {
        let Setting { value, origin } = self.number(env, &[place], 0);
        Setting { value: Some(value).filter(|_| origin != Origin::Default), origin }
    }

    fn list(&mut self, env: &'static str, place: Place) -> Setting<Vec<String>> {
        let Setting { value, origin } = self.text(env, &[place]);
        let items = value.iter().flat_map(|text| text.split(',')).map(|item| unquote(item.trim()).to_string());
        Setting { value: items.filter(|item| !item.is_empty()).collect(), origin }
    }

    fn path(&mut self, env: &'static str, place: Place) -> Setting<Option<String>> {
        let Setting { value, origin } = self.text(env, &[place]);
        Setting { value: value.map(|path| self.resolve(&path, &origin)), origin }
    }

    fn path_list(&mut self, env: &'static str, place: Place, between: char, default: Vec<String>) -> Setting<Vec<String>> {
        let Setting { value, origin } = self.text(env, &[place]);
        let Some(text) = value else { return Setting { value: default, origin } };
        let parts = text.split(between).map(str::trim).filter(|part| !part.is_empty());
        let list: Vec<String> = parts.map(|part| self.resolve(part, &origin)).collect();
        // a list of hosts is no list of paths: `localhost,`
        let hosts = place.1 == "inventory" && text.trim_end().ends_with(',') && list.iter().all(|path| self.control.entry(path).is_none());
        Setting { value: if hosts { vec![text] } else { list }, origin }
    }

    /// A path with `~`, `$NAME` and `{{CWD}}` replaced; in the file it is relative to the file's folder.
    fn resolve(&self, path: &str, origin: &Origin) -> String {
        let path = path.replace("{{CWD}}", &self.control.working_directory());
        let path = paths::expand(self.control, &self.environment(&path));
        match origin {
            Origin::File(_) => paths::absolute(self.control, &paths::join(&self.folder, &path)),
            _ => path,
        }
    }

    /// `$NAME` and `${NAME}`; a name that is not set stays as it is written.
    fn environment(&self, text: &str) -> String {
        let mut whole = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            whole += &rest[..at];
            rest = &rest[at + 1..];
            let braced = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')).map(|(name, _)| name);
            let plain = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())];
            let (name, len) = braced.map_or((plain, plain.len()), |name| (name, name.len() + 2));
            match self.control.env(name) {
                Some(value) => {
                    whole += &value;
                    rest = &rest[len..];
                }
                None => whole.push('$'),
            }
        }
        whole + rest
    }

    fn refuse(&mut self, origin: &Origin, said: String, word: &str, known: &[&str]) {
        let diagnostic = match origin {
            Origin::File(span) => span.error(said),
            Origin::Environment(name) => Diagnostic::error(format!("{said}, in the environment as `{name}`")),
            Origin::Default => return,
        };
        self.diagnostics.push(diagnostic.meant(word, known.iter().copied()));
    }

    fn own(&self) -> IndexMap<String, Setting<String>> {
        let own = self.entries.iter().filter(|entry| entry.section == "play");
        own.map(|entry| (entry.key.clone(), Setting { value: unquote(&entry.value).to_string(), origin: Origin::File(entry.span.clone()) }))
            .collect()
    }

    fn unused(&self) -> Vec<Unused> {
        let entries = self.entries.iter().filter(|entry| entry.section != "play");
        let unused = entries.filter_map(|entry| {
            let because = known::standing(&entry.section, &entry.key)?;
            Some(Unused { section: entry.section.clone(), key: entry.key.clone(), span: entry.key_span.clone(), because })
        });
        unused.collect()
    }
}
