//! The settings of a tree: `ansible.cfg` and the environment, each value with where it comes from. A section `[play]`
//! holds what only `play` knows.

mod file;
mod known;

pub use file::Entry;

use indexmap::IndexMap;

use super::load;
use super::path as paths;
use super::shortform::unquote;
use crate::text::{Collector, Control, Diagnostic, Span};

/// Where a value comes from.
#[derive(Clone, PartialEq, Debug)]
pub enum Origin {
    Default,
    Environment(&'static str),
    File(Span),
}

/// A value and where it comes from.
#[derive(Clone, PartialEq, Debug)]
pub struct Setting<T> {
    pub value: T,
    pub origin: Origin,
}

impl<T> Setting<T> {
    pub fn is_default(&self) -> bool {
        self.origin == Origin::Default
    }
}

/// A setting of the file that has no effect, and why; without a reason it is unknown to Ansible too.
#[derive(Clone, PartialEq, Debug)]
pub struct Unused {
    pub section: String,
    pub key: String,
    pub span: Span,
    pub because: Option<&'static str>,
}

impl Unused {
    /// What the user is told.
    pub fn warning(&self) -> Diagnostic {
        let named = format!("`{}` of `[{}]`", self.key, self.section);
        match self.because {
            Some(because) => self.span.warning(format!("{named} has no effect: {because}")),
            None => self.span.warning(format!("{named} is no setting")).meant(&self.key, known::names(&self.section)),
        }
    }
}

/// Paths are absolute, or relative to the working directory where the environment gave them so.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// The file that was read.
    pub path: Option<String>,
    pub inventory: Setting<Vec<String>>,
    pub roles_path: Setting<Vec<String>>,
    pub collections_path: Setting<Vec<String>>,
    pub forks: Setting<u32>,
    pub host_key_checking: Setting<bool>,
    pub remote_user: Setting<Option<String>>,
    pub remote_port: Setting<Option<u32>>,
    pub private_key_file: Setting<Option<String>>,
    pub connection: Setting<String>,
    /// Seconds until a connection that does not come is given up.
    pub timeout: Setting<u32>,
    /// Seconds a task may take; 0 is no limit.
    pub task_timeout: Setting<u32>,
    pub ask_pass: Setting<bool>,
    pub connection_password_file: Setting<Option<String>>,
    pub vault_password_file: Setting<Option<String>>,
    pub vault_identity_list: Setting<Vec<String>>,
    pub ask_vault_pass: Setting<bool>,
    pub callbacks_enabled: Setting<Vec<String>>,
    /// `implicit`, `explicit` or `smart`.
    pub gathering: Setting<String>,
    /// `replace` or `merge`.
    pub hash_behaviour: Setting<String>,
    pub strategy: Setting<String>,
    pub error_on_undefined_vars: Setting<bool>,
    pub error_on_missing_handler: Setting<bool>,
    pub any_errors_fatal: Setting<bool>,
    pub force_handlers: Setting<bool>,
    pub no_log: Setting<bool>,
    pub inject_facts_as_vars: Setting<bool>,
    pub private_role_vars: Setting<bool>,
    pub ansible_managed: Setting<String>,
    pub executable: Setting<String>,
    pub log_path: Setting<Option<String>>,
    pub playbook_dir: Setting<Option<String>>,
    pub run_tags: Setting<Vec<String>>,
    pub skip_tags: Setting<Vec<String>>,
    pub diff_always: Setting<bool>,
    pub diff_context: Setting<u32>,
    pub r#become: Setting<bool>,
    pub become_method: Setting<String>,
    pub become_user: Setting<String>,
    pub become_ask_pass: Setting<bool>,
    pub become_flags: Setting<Option<String>>,
    pub become_exe: Setting<Option<String>>,
    pub become_password_file: Setting<Option<String>>,
    pub ssh_args: Setting<Option<String>>,
    pub ssh_common_args: Setting<Option<String>>,
    pub ssh_extra_args: Setting<Option<String>>,
    pub ssh_retries: Setting<u32>,
    /// The section `[play]`, as it is written.
    pub own: IndexMap<String, Setting<String>>,
    pub unused: Vec<Unused>,
}

impl Config {
    /// Reads the first of `ANSIBLE_CONFIG`, `./ansible.cfg`, `~/.ansible.cfg`, `/etc/ansible/ansible.cfg`, and the environment.
    pub fn load(control: &dyn Control, diagnostics: &mut Collector) -> Config {
        let path = find(control, diagnostics);
        let entries = path.as_ref().and_then(|path| diagnostics.take(load::text(control, path).and_then(|text| file::read(&text.shown()))));
        let mut reader = Reader { control, diagnostics, entries: entries.unwrap_or_default(), folder: String::new() };
        reader.folder = path.as_ref().map(|path| paths::parent(&paths::absolute(control, path)).to_string()).unwrap_or_default();
        reader.config(path)
    }
}

/// The file of settings. One in a folder that anybody may write to is not read, and that is said.
fn find(control: &dyn Control, diagnostics: &mut Collector) -> Option<String> {
    let exists = |path: &String| control.entry(path) == Some(crate::text::Entry::File);
    if let Some(given) = control.env("ANSIBLE_CONFIG").filter(|given| !given.is_empty()) {
        let path = paths::expand(control, &given);
        let folder = control.entry(&path) == Some(crate::text::Entry::Folder);
        let path = if folder { paths::join(&path, "ansible.cfg") } else { path };
        if exists(&path) {
            return Some(path);
        }
        diagnostics.push(Diagnostic::warning(format!("no file `{path}`, which `ANSIBLE_CONFIG` names")));
    }
    let here = "ansible.cfg".to_string();
    if exists(&here) {
        let folder = control.working_directory();
        if control.mode(&folder).is_none_or(|mode| mode & 0o002 == 0) {
            return Some(here);
        }
        let said = format!("`ansible.cfg` is not read: anybody may write to the folder `{folder}`");
        diagnostics.push(Diagnostic::warning(said).hint(format!("run `chmod o-w {folder}`, or name the file in `ANSIBLE_CONFIG`")));
    }
    [format!("{}/.ansible.cfg", control.home()), "/etc/ansible/ansible.cfg".to_string()].into_iter().find(exists)
}

struct Reader<'a> {
    control: &'a dyn Control,
    diagnostics: &'a mut Collector,
    entries: Vec<Entry>,
    /// The folder that paths in the file are relative to.
    folder: String,
}

/// A key of the file: its section and name.
type Place = (&'static str, &'static str);
const D: &str = "defaults";
const P: &str = "privilege_escalation";
const S: &str = "ssh_connection";

impl Reader<'_> {
    fn config(mut self, path: Option<String>) -> Config {
        let r = &mut self;
        let home = r.control.env("ANSIBLE_HOME").unwrap_or_else(|| format!("{}/.ansible", r.control.home()));
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
            unused: r.unused(),
            path,
        }
    }

    /// The text of a setting: the environment's, else the last place's that the file has.
    fn raw(&self, env: &'static str, places: &[Place]) -> Option<(String, Origin)> {
        if let Some(value) = Some(env).filter(|env| !env.is_empty()).and_then(|env| self.control.env(env)) {
            return Some((value, Origin::Environment(env)));
        }
        let found = places.iter().rev().find_map(|(section, key)| self.entries.iter().rfind(|entry| entry.section == *section && entry.key == *key));
        found.map(|entry| (unquote(&entry.value).to_string(), Origin::File(entry.span.clone())))
    }

    fn text(&mut self, env: &'static str, places: &[Place]) -> Setting<Option<String>> {
        match self.raw(env, places) {
            Some((value, origin)) => Setting { value: Some(value).filter(|value| !value.is_empty()), origin },
            None => Setting { value: None, origin: Origin::Default },
        }
    }

    fn word(&mut self, env: &'static str, place: Place, default: &str, choices: &[&str]) -> Setting<String> {
        let Setting { value, origin } = self.text(env, &[place]);
        let value = value.unwrap_or_else(|| default.to_string());
        if !choices.is_empty() && !choices.contains(&&*value) {
            let said = format!("`{}` is `{value}`, and may be {}", place.1, choices.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "));
            self.refuse(&origin, said, &value, choices);
        }
        Setting { value, origin }
    }

    fn flag(&mut self, env: &'static str, places: &[Place], default: bool) -> Setting<bool> {
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

    fn number(&mut self, env: &'static str, places: &[Place], default: u32) -> Setting<u32> {
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
        own.map(|entry| (entry.key.clone(), Setting { value: unquote(&entry.value).to_string(), origin: Origin::File(entry.span.clone()) })).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::MemoryControl;

    fn load(control: &MemoryControl) -> (Config, Vec<String>) {
        let mut diagnostics = Collector::default();
        let config = Config::load(control, &mut diagnostics);
        (config, diagnostics.into_vec().iter().map(|diagnostic| diagnostic.render(false)).collect())
    }

    #[test]
    fn values_know_where_they_come_from() {
        let text = "# head\n[defaults]\ninventory = inv/hosts, ~/more ; why\nroles_path: roles:$SHARE/roles\nForks=20\nhost_key_checking = False\nvault_password_file={{CWD}}/pw\n\
                    callbacks_enabled = timer,\n    profile_tasks\n[ssh_connection]\nretries=3\nssh_args = -o \"A=b c\"\n[privilege_escalation]\nbecome=yes\n[play]\nhistory = off\n";
        let control = MemoryControl::new([("sub/ansible.cfg", text)]).env("ANSIBLE_CONFIG", "sub").env("SHARE", "/srv").env("ANSIBLE_FORKS", "50");
        let (config, said) = load(&control);
        assert_eq!(said, Vec::<String>::new());
        assert_eq!(config.inventory.value, ["/work/sub/inv/hosts", "/home/user/more"]);
        assert_eq!(config.roles_path.value, ["/work/sub/roles", "/srv/roles"]);
        assert_eq!((config.forks.value, config.forks.origin), (50, Origin::Environment("ANSIBLE_FORKS")));
        assert_eq!((config.host_key_checking.value, config.r#become.value, config.ssh_retries.value), (false, true, 3));
        assert_eq!(config.vault_password_file.value.as_deref(), Some("/work/pw"));
        assert_eq!(config.callbacks_enabled.value, ["timer", "profile_tasks"]);
        assert_eq!(config.ssh_args.value.as_deref(), Some("-o \"A=b c\""));
        assert_eq!(config.own["history"].value, "off");
        assert!(matches!(&config.timeout.origin, Origin::Default) && config.unused.is_empty());
    }

    #[test]
    fn what_has_no_effect_or_no_meaning_is_told() {
        let text = "[defaults]\nstdout_callback = yaml\nrole_path = x\nforks = many\ngathering = smrt\n[ssh_connection]\npipelining = True\n[colors]\nok = green\n[nope]\na = 1\n";
        let (config, said) = load(&MemoryControl::new([("ansible.cfg", text)]));
        assert!(said.len() == 2 && said[0].contains("`forks` is `many`") && said[1].contains("did you mean `smart`?"), "{said:?}");
        let unused: Vec<(&str, bool)> = config.unused.iter().map(|unused| (unused.key.as_str(), unused.because.is_some())).collect();
        assert_eq!(unused, [("stdout_callback", true), ("role_path", false), ("pipelining", true), ("ok", true), ("a", false)]);
        assert!(config.unused[1].warning().render(false).contains("did you mean `roles_path`?"));
    }

    #[test]
    fn a_folder_that_anybody_may_write_to_has_no_say() {
        let control = MemoryControl::new([("ansible.cfg", "[defaults]\nforks=9\n"), ("/home/user/.ansible.cfg", "[defaults]\nforks=7\n")]).mode("/work", 0o777);
        let (config, said) = load(&control);
        assert_eq!((config.forks.value, config.path.as_deref()), (7, Some("/home/user/.ansible.cfg")));
        assert!(said[0].contains("anybody may write to the folder `/work`"));
    }
}
