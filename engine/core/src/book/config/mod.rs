//! The settings of a tree: `ansible.cfg` and the environment, each value with where it comes from. A section `[play]`
//! holds what only `play` knows.

mod file;
mod known;
mod named;
mod reader;

pub use file::Entry;

use indexmap::IndexMap;

use super::load;
use super::path as paths;
use crate::text::{Collector, Control, Diagnostic, Map, Span};

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
    /// Further settings, by Ansible's names for them.
    told: Map,
}

impl Config {
    /// Reads the first of `ANSIBLE_CONFIG`, `./ansible.cfg`, `~/.ansible.cfg`, `/etc/ansible/ansible.cfg`, and the environment.
    pub fn load(control: &dyn Control, diagnostics: &mut Collector) -> Config {
        let path = find(control, diagnostics);
        let entries = path.as_ref().and_then(|path| diagnostics.take(load::text(control, path).and_then(|text| file::read(&text.shown()))));
        let mut reader = reader::Reader { control, diagnostics, entries: entries.unwrap_or_default(), folder: String::new() };
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
        let control =
            MemoryControl::new([("sub/ansible.cfg", text)]).env("ANSIBLE_CONFIG", "sub").env("SHARE", "/srv").env("ANSIBLE_FORKS", "50");
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
        let control = MemoryControl::new([("ansible.cfg", "[defaults]\nforks=9\n"), ("/home/user/.ansible.cfg", "[defaults]\nforks=7\n")])
            .mode("/work", 0o777);
        let (config, said) = load(&control);
        assert_eq!((config.forks.value, config.path.as_deref()), (7, Some("/home/user/.ansible.cfg")));
        assert!(said[0].contains("anybody may write to the folder `/work`"));
    }
}
