//! Which settings of Ansible there are, and why some have no effect here.

const READ: [(&str, &[&str]); 6] = [
    (
        "defaults",
        &[
            "inventory",
            "roles_path",
            "collections_path",
            "forks",
            "host_key_checking",
            "remote_user",
            "remote_port",
            "private_key_file",
            "transport",
            "timeout",
            "task_timeout",
            "ask_pass",
            "connection_password_file",
            "vault_password_file",
            "vault_identity_list",
            "ask_vault_pass",
            "callbacks_enabled",
            "gathering",
            "hash_behaviour",
            "strategy",
            "error_on_undefined_vars",
            "error_on_missing_handler",
            "any_errors_fatal",
            "force_handlers",
            "no_log",
            "inject_facts_as_vars",
            "private_role_vars",
            "ansible_managed",
            "executable",
            "log_path",
            "playbook_dir",
            "become_password_file",
        ],
    ),
    ("privilege_escalation", &["become", "become_method", "become_user", "become_ask_pass", "become_flags", "become_exe"]),
    ("ssh_connection", &["host_key_checking", "timeout", "ssh_args", "ssh_common_args", "ssh_extra_args", "retries"]),
    ("connection", &["retries"]),
    ("tags", &["run", "skip"]),
    ("diff", &["always", "context"]),
];

const PLUGINS: &str = "plugins in Python are not run";
const SCREEN: &str = "`play` has one form of report; `--json` and `--junit` give others";
const PYTHON: &str = "no Python runs on the hosts";
const CHANNEL: &str = "`play` keeps one channel open for each host and needs no such setting";
const FACTS: &str = "facts are gathered once, only those that are read, and kept for the run";
const STRICT: &str = "`play` is always strict about this";
const INVENTORY: &str = "every source of an inventory is read, and one that cannot be is an error";
const OTHER: &str = "it belongs to a part of Ansible that `play` does not have";

const UNREAD: [(&str, &str, &[&str]); 16] = [
    (
        "defaults",
        PLUGINS,
        &[
            "action_plugins",
            "become_plugins",
            "cache_plugins",
            "callback_plugins",
            "cliconf_plugins",
            "connection_plugins",
            "doc_fragment_plugins",
            "filter_plugins",
            "httpapi_plugins",
            "inventory_plugins",
            "library",
            "lookup_plugins",
            "module_utils",
            "netconf_plugins",
            "strategy_plugins",
            "terminal_plugins",
            "test_plugins",
            "vars_plugins",
            "vars_plugins_enabled",
            "plugin_filters_cfg",
            "jinja2_extensions",
        ],
    ),
    (
        "defaults",
        SCREEN,
        &[
            "stdout_callback",
            "bin_ansible_callbacks",
            "callback_format_pretty",
            "callback_result_format",
            "callback_whitelist",
            "check_mode_markers",
            "cow_selection",
            "cowpath",
            "cowsay_enabled_stencils",
            "display_args_to_stdout",
            "display_failed_stderr",
            "display_ok_hosts",
            "display_skipped_hosts",
            "display_traceback",
            "force_color",
            "nocolor",
            "nocows",
            "show_custom_stats",
            "show_per_host_start",
            "show_task_path_on_failure",
            "verbose_to_stderr",
            "verbosity",
            "pager",
            "max_diff_size",
            "log_filter",
            "log_verbosity",
            "deprecation_warnings",
            "system_warnings",
            "localhost_warning",
            "action_warnings",
            "devel_warning",
            "command_warnings",
        ],
    ),
    (
        "defaults",
        PYTHON,
        &[
            "interpreter_python",
            "module_compression",
            "module_strict_utf8_response",
            "python_module_rlimit_nofile",
            "module_ignore_exts",
            "remote_tmp",
            "local_tmp",
            "keep_remote_files",
            "system_tmpdirs",
            "allow_world_readable_tmpfiles",
            "common_remote_group",
            "no_target_syslog",
            "syslog_facility",
            "target_log_info",
            "async_dir",
        ],
    ),
    ("defaults", CHANNEL, &["pipelining", "poll_interval", "internal_poll_interval", "use_persistent_connections"]),
    (
        "defaults",
        FACTS,
        &[
            "fact_caching",
            "fact_caching_connection",
            "fact_caching_prefix",
            "fact_caching_timeout",
            "facts_modules",
            "gather_subset",
            "gather_timeout",
            "fact_path",
        ],
    ),
    (
        "defaults",
        STRICT,
        &[
            "allow_broken_conditionals",
            "allow_embedded_templates",
            "allow_unsafe_lookups",
            "duplicate_dict_key",
            "invalid_task_attribute_failed",
            "null_representation",
            "jinja2_native",
            "validate_action_group_metadata",
        ],
    ),
    ("defaults", INVENTORY, &["inventory_ignore_extensions", "inventory_ignore_patterns", "yaml_valid_extensions"]),
    ("defaults", "the levels of precedence are Ansible's own, in their order", &["precedence", "run_vars_plugins", "playbook_vars_root"]),
    ("defaults", "groups keep the names that they are given", &["force_valid_group_names"]),
    ("defaults", "a run that was cut off goes on where it stopped", &["retry_files_enabled", "retry_files_save_path"]),
    (
        "defaults",
        OTHER,
        &[
            "admin_users",
            "collections_on_ansible_version_mismatch",
            "collections_scan_sys_path",
            "debug",
            "docsite_root_url",
            "editor",
            "enable_task_debugger",
            "task_debugger_ignore_errors",
            "home",
            "module_args",
            "module_name",
            "network_group_modules",
            "old_plugin_cache_clear",
            "su",
            "vault_encrypt_identity",
            "vault_encrypt_salt",
            "vault_id_match",
            "vault_identity",
            "win_async_startup_timeout",
        ],
    ),
    ("privilege_escalation", OTHER, &["agnostic_become_prompt", "become_allow_same_user"]),
    (
        "ssh_connection",
        CHANNEL,
        &[
            "control_path",
            "control_path_dir",
            "pipelining",
            "transfer_method",
            "scp_if_ssh",
            "scp_executable",
            "scp_extra_args",
            "sftp_batch_mode",
            "sftp_executable",
            "sftp_extra_args",
            "ssh_executable",
            "usetty",
            "verbosity",
        ],
    ),
    ("ssh_connection", OTHER, &["password_mechanism", "pkcs11_provider", "sshpass_prompt"]),
    ("connection", CHANNEL, &["pipelining", "ssh_agent", "ssh_agent_executable", "ssh_agent_key_lifetime"]),
    (
        "inventory",
        INVENTORY,
        &[
            "any_unparsed_is_failed",
            "cache",
            "cache_connection",
            "cache_plugin",
            "cache_prefix",
            "cache_timeout",
            "enable_plugins",
            "export",
            "host_pattern_mismatch",
            "ignore_extensions",
            "ignore_patterns",
            "inventory_unparsed_warning",
            "unparsed_is_failed",
        ],
    ),
];

/// Sections of which nothing is read.
const SECTIONS: [(&str, &str); 10] = [
    ("colors", SCREEN),
    ("galaxy", OTHER),
    ("jinja2", STRICT),
    ("netconf_connection", OTHER),
    ("paramiko_connection", OTHER),
    ("persistent_connection", OTHER),
    ("powershell", OTHER),
    ("selinux", OTHER),
    ("winrm", OTHER),
    ("url_lookup", OTHER),
];

/// Nothing where a setting is read; else why it has no effect, where that is known.
pub fn standing(section: &str, key: &str) -> Option<Option<&'static str>> {
    if READ.iter().any(|(name, keys)| *name == section && keys.contains(&key)) {
        return None;
    }
    let unread = UNREAD.iter().find(|(name, _, keys)| *name == section && keys.contains(&key)).map(|(_, because, _)| *because);
    let whole = || SECTIONS.iter().find(|(name, _)| *name == section).map(|(_, because)| *because);
    let plugin = || {
        ["callback_", "galaxy_server.", "inventory_plugin", "vars_"].iter().any(|start| section.starts_with(start))
            || section.ends_with("_become_plugin")
    };
    Some(unread.or_else(whole).or_else(|| plugin().then_some(PLUGINS)))
}

/// The settings of a section that are read.
pub fn names(section: &str) -> impl Iterator<Item = &'static str> {
    let found = READ.iter().find(|(name, _)| *name == section);
    found.map(|(_, keys)| keys.iter().copied()).into_iter().flatten()
}
