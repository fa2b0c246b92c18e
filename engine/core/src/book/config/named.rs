//! Settings by the names that Ansible gives them, for the lookup `config`: those that are read anyhow, and some that have
//! no effect here but that playbooks ask for.

use std::sync::Arc;

use super::reader::{Place, Reader};
use super::{Config, Setting};
use crate::text::{Map, Value};

/// Read only to be told: name, environment, place in the file, type, default.
struct Told(&'static str, &'static str, Place, Type);

#[derive(Clone, Copy)]
enum Type {
    Flag(bool),
    Number(u32),
    Text(Option<&'static str>),
}

const D: &str = "defaults";

const TOLD: &[Told] = &[
    Told("ACTION_WARNINGS", "ANSIBLE_ACTION_WARNINGS", (D, "action_warnings"), Type::Flag(true)),
    Told("ANSIBLE_FORCE_COLOR", "ANSIBLE_FORCE_COLOR", (D, "force_color"), Type::Flag(false)),
    Told("ANSIBLE_NOCOLOR", "ANSIBLE_NOCOLOR", (D, "nocolor"), Type::Flag(false)),
    Told("ANSIBLE_PIPELINING", "ANSIBLE_PIPELINING", ("connection", "pipelining"), Type::Flag(false)),
    Told("BECOME_ALLOW_SAME_USER", "ANSIBLE_BECOME_ALLOW_SAME_USER", ("privilege_escalation", "become_allow_same_user"), Type::Flag(false)),
    Told("CACHE_PLUGIN", "ANSIBLE_CACHE_PLUGIN", (D, "fact_caching"), Type::Text(Some("memory"))),
    Told("CACHE_PLUGIN_CONNECTION", "ANSIBLE_CACHE_PLUGIN_CONNECTION", (D, "fact_caching_connection"), Type::Text(None)),
    Told("CACHE_PLUGIN_TIMEOUT", "ANSIBLE_CACHE_PLUGIN_TIMEOUT", (D, "fact_caching_timeout"), Type::Number(86400)),
    Told("DEFAULT_DEBUG", "ANSIBLE_DEBUG", (D, "debug"), Type::Flag(false)),
    Told("DEFAULT_KEEP_REMOTE_FILES", "ANSIBLE_KEEP_REMOTE_FILES", (D, "keep_remote_files"), Type::Flag(false)),
    Told("DEFAULT_NO_TARGET_SYSLOG", "ANSIBLE_NO_TARGET_SYSLOG", (D, "no_target_syslog"), Type::Flag(false)),
    Told("DEFAULT_POLL_INTERVAL", "ANSIBLE_POLL_INTERVAL", (D, "poll_interval"), Type::Number(15)),
    Told("DEFAULT_STDOUT_CALLBACK", "ANSIBLE_STDOUT_CALLBACK", (D, "stdout_callback"), Type::Text(Some("default"))),
    Told("DEFAULT_SYSLOG_FACILITY", "ANSIBLE_SYSLOG_FACILITY", (D, "syslog_facility"), Type::Text(Some("LOG_USER"))),
    Told("DEFAULT_VERBOSITY", "ANSIBLE_VERBOSITY", (D, "verbosity"), Type::Number(0)),
    Told("DEPRECATION_WARNINGS", "ANSIBLE_DEPRECATION_WARNINGS", (D, "deprecation_warnings"), Type::Flag(true)),
    Told("DISPLAY_ARGS_TO_STDOUT", "ANSIBLE_DISPLAY_ARGS_TO_STDOUT", (D, "display_args_to_stdout"), Type::Flag(false)),
    Told("DISPLAY_SKIPPED_HOSTS", "ANSIBLE_DISPLAY_SKIPPED_HOSTS", (D, "display_skipped_hosts"), Type::Flag(true)),
    Told("LOCALHOST_WARNING", "ANSIBLE_LOCALHOST_WARNING", (D, "localhost_warning"), Type::Flag(true)),
    Told("PAGER", "PAGER", (D, "pager"), Type::Text(Some("less"))),
    Told("RETRY_FILES_ENABLED", "ANSIBLE_RETRY_FILES_ENABLED", (D, "retry_files_enabled"), Type::Flag(false)),
    Told("RETRY_FILES_SAVE_PATH", "ANSIBLE_RETRY_FILES_SAVE_PATH", (D, "retry_files_save_path"), Type::Text(None)),
    Told("SHOW_CUSTOM_STATS", "ANSIBLE_SHOW_CUSTOM_STATS", (D, "show_custom_stats"), Type::Flag(false)),
    Told("SYSTEM_WARNINGS", "ANSIBLE_SYSTEM_WARNINGS", (D, "system_warnings"), Type::Flag(true)),
    Told("USE_PERSISTENT_CONNECTIONS", "ANSIBLE_USE_PERSISTENT_CONNECTIONS", (D, "use_persistent_connections"), Type::Flag(false)),
];

impl Reader<'_> {
    /// The settings that are read only to be told.
    pub fn told(&mut self) -> Map {
        let mut map = Map::new();
        for Told(name, env, place, kind) in TOLD {
            let value: Value = match kind {
                Type::Flag(default) => self.flag(env, &[*place], *default).value.into(),
                Type::Number(default) => i64::from(self.number(env, &[*place], *default).value).into(),
                Type::Text(default) => self.text(env, &[*place]).value.as_deref().or(*default).into(),
            };
            map.insert(*name, value);
        }
        map.insert("ANSIBLE_HOME", self.home());
        map
    }
}

impl Config {
    /// Every setting by Ansible's name for it.
    pub fn named(&self) -> Arc<Map> {
        let mut map = self.told.clone();
        let number = |setting: &Setting<u32>| Value::Int(setting.value.into());
        let flag = |setting: &Setting<bool>| Value::Bool(setting.value);
        let text = |setting: &Setting<String>| Value::text(setting.value.as_str());
        let maybe = |setting: &Setting<Option<String>>| Value::from(setting.value.as_deref());
        let list = |setting: &Setting<Vec<String>>| Value::list(setting.value.iter().map(|item| Value::text(item.as_str())));
        let mut inventory = list(&self.inventory);
        if self.inventory.is_default() {
            inventory = Value::list([Value::text("/etc/ansible/hosts")]);
        }
        let all = [
            ("ANY_ERRORS_FATAL", flag(&self.any_errors_fatal)),
            ("BECOME_PASSWORD_FILE", maybe(&self.become_password_file)),
            ("CALLBACKS_ENABLED", list(&self.callbacks_enabled)),
            ("COLLECTIONS_PATHS", list(&self.collections_path)),
            ("CONFIG_FILE", Value::from(self.path.as_deref())),
            ("CONNECTION_PASSWORD_FILE", maybe(&self.connection_password_file)),
            ("DEFAULT_ASK_PASS", flag(&self.ask_pass)),
            ("DEFAULT_ASK_VAULT_PASS", flag(&self.ask_vault_pass)),
            ("DEFAULT_BECOME", flag(&self.r#become)),
            ("DEFAULT_BECOME_ASK_PASS", flag(&self.become_ask_pass)),
            ("DEFAULT_BECOME_EXE", maybe(&self.become_exe)),
            ("DEFAULT_BECOME_FLAGS", maybe(&self.become_flags)),
            ("DEFAULT_BECOME_METHOD", text(&self.become_method)),
            ("DEFAULT_BECOME_USER", text(&self.become_user)),
            ("DEFAULT_EXECUTABLE", text(&self.executable)),
            ("DEFAULT_FORCE_HANDLERS", flag(&self.force_handlers)),
            ("DEFAULT_FORKS", number(&self.forks)),
            ("DEFAULT_GATHERING", text(&self.gathering)),
            ("DEFAULT_HASH_BEHAVIOUR", text(&self.hash_behaviour)),
            ("DEFAULT_HOST_LIST", inventory),
            ("DEFAULT_LOG_PATH", maybe(&self.log_path)),
            ("DEFAULT_MANAGED_STR", text(&self.ansible_managed)),
            ("DEFAULT_NO_LOG", flag(&self.no_log)),
            ("DEFAULT_PRIVATE_KEY_FILE", maybe(&self.private_key_file)),
            ("DEFAULT_PRIVATE_ROLE_VARS", flag(&self.private_role_vars)),
            ("DEFAULT_REMOTE_PORT", self.remote_port.value.map_or(Value::Null, |port| Value::Int(port.into()))),
            ("DEFAULT_REMOTE_USER", maybe(&self.remote_user)),
            ("DEFAULT_ROLES_PATH", list(&self.roles_path)),
            ("DEFAULT_STRATEGY", text(&self.strategy)),
            ("DEFAULT_TIMEOUT", number(&self.timeout)),
            ("DEFAULT_TRANSPORT", text(&self.connection)),
            ("DEFAULT_UNDEFINED_VAR_BEHAVIOR", flag(&self.error_on_undefined_vars)),
            ("DEFAULT_VAULT_IDENTITY_LIST", list(&self.vault_identity_list)),
            ("DEFAULT_VAULT_PASSWORD_FILE", maybe(&self.vault_password_file)),
            ("DIFF_ALWAYS", flag(&self.diff_always)),
            ("DIFF_CONTEXT", number(&self.diff_context)),
            ("ERROR_ON_MISSING_HANDLER", flag(&self.error_on_missing_handler)),
            ("HOST_KEY_CHECKING", flag(&self.host_key_checking)),
            ("INJECT_FACTS_AS_VARS", flag(&self.inject_facts_as_vars)),
            ("PLAYBOOK_DIR", maybe(&self.playbook_dir)),
            ("TAGS_RUN", list(&self.run_tags)),
            ("TAGS_SKIP", list(&self.skip_tags)),
            ("TASK_TIMEOUT", number(&self.task_timeout)),
        ];
        all.into_iter().for_each(|(name, value)| drop(map.insert(name, value)));
        Arc::new(map)
    }
}
