//! The keywords of plays, roles, blocks and tasks, as ansible-core 2.19 has them, and `play`'s own few.

/// On all of them.
const COMMON: &[&str] = &[
    "any_errors_fatal",
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_user",
    "check_mode",
    "collections",
    "connection",
    "debugger",
    "diff",
    "environment",
    "ignore_errors",
    "ignore_unreachable",
    "module_defaults",
    "name",
    "no_log",
    "port",
    "remote_user",
    "run_once",
    "tags",
    "throttle",
    "timeout",
    "vars",
];

const PLAY: &[&str] = &[
    "fact_path",
    "force_handlers",
    "gather_facts",
    "gather_subset",
    "gather_timeout",
    "handlers",
    "hosts",
    "max_fail_percentage",
    "order",
    "post_tasks",
    "pre_tasks",
    "roles",
    "serial",
    "strategy",
    "tasks",
    "vars_files",
    "vars_prompt",
    "drift",
];

const ROLE: &[&str] = &["role", "when", "delegate_to", "delegate_facts", "after", "requires"];

const BLOCK: &[&str] = &["block", "rescue", "always", "when", "delegate_to", "delegate_facts", "notify"];

const TASK: &[&str] = &[
    "action",
    "after",
    "args",
    "async",
    "changed_when",
    "delay",
    "delegate_facts",
    "delegate_to",
    "failed_when",
    "listen",
    "local_action",
    "loop",
    "loop_control",
    "notify",
    "poll",
    "probe",
    "ready",
    "register",
    "requires",
    "retries",
    "unless",
    "until",
    "when",
];

/// Keywords that are read and have no effect yet, or never will; that is said where they stand.
pub fn idle(word: &str) -> Option<&'static str> {
    Some(match word {
        "strategy" => "hosts move on their own, and end as under `linear`",
        "debugger" => "there is no debugger; `-vv` tells more",
        "vars_prompt" => "nothing is asked; give the variables by `-e`",
        "probe" | "unless" | "ready" | "drift" => "it is not supported yet",
        _ => return None,
    })
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder {
    Play,
    Role,
    Block,
    Task,
}

impl Holder {
    fn own(self) -> &'static [&'static str] {
        match self {
            Holder::Play => PLAY,
            Holder::Role => ROLE,
            Holder::Block => BLOCK,
            Holder::Task => TASK,
        }
    }

    /// The keyword of this name. `static_action` and `user` are old names.
    pub fn keyword(self, name: &str) -> Option<&'static str> {
        self.all().find(|word| *word == name)
    }

    pub fn all(self) -> impl Iterator<Item = &'static str> {
        COMMON.iter().chain(self.own()).copied()
    }

    pub fn label(self) -> &'static str {
        match self {
            Holder::Play => "a play",
            Holder::Role => "a role",
            Holder::Block => "a block",
            Holder::Task => "a task",
        }
    }
}
