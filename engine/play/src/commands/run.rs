//! `play PLAYBOOK`: the main job.

use std::sync::Arc;

use clap::Args as ClapArgs;
use play_core::book::pattern;
use play_core::run::Summary;
use play_core::text::{Diagnostic, Value};
use play_core::weave::{self, Session};

use super::open::{Opened, colours, complain, open};
use super::options::Options;
use super::{FAILED, GAPS, UNREACHABLE, USAGE};
use crate::driver;
use crate::report::{self, Report};
use crate::target::Pool;

/// Runs playbooks
#[derive(ClapArgs)]
pub struct Args {
    /// Playbooks, looked up in the working folder and then in playbooks/
    #[arg(required = true, value_name = "PLAYBOOK")]
    playbooks: Vec<String>,
    #[command(flatten)]
    options: Options,
    /// Say what would change, and change nothing
    #[arg(short = 'C', long)]
    check: bool,
    /// Show differences of contents
    #[arg(short = 'D', long)]
    diff: bool,
    /// How many targets are worked on at once
    #[arg(short, long, value_name = "N")]
    forks: Option<u32>,
    /// Begin at the task of this name
    #[arg(long, value_name = "TASK")]
    start_at_task: Option<String>,
    /// Ask before each task
    #[arg(long)]
    step: bool,
    /// List the tasks, and run nothing
    #[arg(long)]
    list_tasks: bool,
    /// List the tags, and run nothing
    #[arg(long)]
    list_tags: bool,
    /// List the targets, and run nothing
    #[arg(long)]
    list_hosts: bool,
    /// Read everything, and run nothing
    #[arg(long)]
    syntax_check: bool,
    /// More to read: -v results, -vv and more details
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    /// JSON lines instead of text
    #[arg(long)]
    json: bool,
    /// Write a JUnit file into this folder
    #[arg(long, value_name = "FOLDER")]
    junit: Option<String>,
    /// Connection: ssh, local, chroot, kubernetes, folder
    #[arg(short, long, value_name = "NAME")]
    connection: Option<String>,
    /// User to log in as
    #[arg(short, long, value_name = "NAME")]
    user: Option<String>,
    /// Ask for the password to log in with
    #[arg(short = 'k', long)]
    ask_pass: bool,
    /// Private key to log in with
    #[arg(long, alias = "key-file", value_name = "FILE")]
    private_key: Option<String>,
    /// Seconds to connect in
    #[arg(short = 'T', long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Further arguments for ssh
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    ssh_common_args: Option<String>,
    /// Further arguments for ssh
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    ssh_extra_args: Option<String>,
    /// Become another user
    #[arg(short, long = "become")]
    become_it: bool,
    /// How to become another user: sudo, su, doas
    #[arg(long, value_name = "METHOD")]
    become_method: Option<String>,
    /// The user to become
    #[arg(long, value_name = "NAME")]
    become_user: Option<String>,
    /// Ask for the password to become another user with
    #[arg(short = 'K', long)]
    ask_become_pass: bool,
    /// File with the password to become another user with
    #[arg(long, alias = "become-pass-file", value_name = "FILE")]
    become_password_file: Option<String>,
    /// File with the password to log in with
    #[arg(long, alias = "conn-pass-file", value_name = "FILE")]
    connection_password_file: Option<String>,
    /// Run handlers also where a task failed
    #[arg(long)]
    force_handlers: bool,
    /// Forget gathered facts
    #[arg(long)]
    flush_cache: bool,
}

/// Runs, and gives the exit code.
pub fn run(args: &Args, ansible: bool) -> u8 {
    let colour = colours(&args.options);
    let opened = match open(&args.playbooks, &args.options) {
        Ok(opened) => opened,
        Err(errors) => {
            complain(&errors, colour);
            return if ansible { 4 } else { FAILED };
        }
    };
    complain(&opened.warnings, colour);
    let options = match options(args, &opened) {
        Ok(options) => options,
        Err(error) => {
            complain(&[error], colour);
            return if ansible { 1 } else { USAGE };
        }
    };
    let unknown = weave::unknown_words(&opened.plays, &opened.inventory, &options);
    complain(&unknown, colour);
    if unknown.iter().any(Diagnostic::is_error) {
        return FAILED;
    }
    if args.list_tasks || args.list_tags || args.list_hosts || args.syntax_check {
        return list(args, &opened, &options);
    }
    let check = options.check;
    let mut report = report::choose(&report::Style {
        ansible,
        json: args.json,
        colour,
        verbosity: args.verbose,
        check,
        diff: args.diff || check,
        junit: junit_folder(args, &opened),
        playbook: args.playbooks.first().cloned().unwrap_or_default(),
    });
    let summary = execute(opened, options, &mut *report);
    if ansible { ansible_code(&summary) } else { code(&summary, check) }
}

fn execute(opened: Opened, options: weave::Options, report: &mut dyn Report) -> Summary {
    let tree = Arc::new(opened.tree(options));
    let mut session = Session::new(tree, opened.inventory, opened.plays, opened.hosts);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime needs nothing but threads");
    let summary = runtime.block_on(async {
        let pool = Arc::new(Pool::new(crate::target::Options::default()));
        let summary = driver::drive(&mut session, pool.clone(), report).await;
        pool.close_all().await;
        summary
    });
    // a name server that does not answer must not hold the end up
    runtime.shutdown_background();
    summary
}

/// Exit codes as `--help` has them.
fn code(summary: &Summary, check: bool) -> u8 {
    let failed = summary.failed || summary.recaps.iter().any(|(_, recap)| recap.failed > 0);
    let unreachable = summary.recaps.iter().any(|(_, recap)| recap.unreachable > 0);
    match () {
        () if failed || summary.interrupted => FAILED,
        () if unreachable => UNREACHABLE,
        () if check && !summary.tally.is_quiet() => GAPS,
        () => 0,
    }
}

/// `ansible-playbook`: 2 failed, 4 unreachable, both together as bits.
fn ansible_code(summary: &Summary) -> u8 {
    let failed = summary.recaps.iter().any(|(_, recap)| recap.failed > 0);
    let unreachable = summary.recaps.iter().any(|(_, recap)| recap.unreachable > 0);
    match (failed, unreachable) {
        _ if summary.interrupted => 99,
        (false, false) if summary.failed => 1,
        (failed, unreachable) => u8::from(failed) * 2 + u8::from(unreachable) * 4,
    }
}

fn options(args: &Args, opened: &Opened) -> Result<weave::Options, Diagnostic> {
    let config = &opened.config;
    let secret = |asked: bool, question: &str, file: Option<&String>| -> Result<Option<Value>, Diagnostic> {
        use secrecy::ExposeSecret as _;
        let text = match file {
            Some(file) => {
                let bytes = opened.control.read(file).map_err(|error| play_core::book::load::unreadable(&*opened.control, file, &error))?;
                Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_string())
            }
            None if asked => report::ask_secret(question).map(|secret| secret.expose_secret().to_string()),
            None => None,
        };
        Ok(text.map(|text| {
            Value::text(text.as_str()).marked(vec![play_core::text::Mark::new(question.trim_end_matches(": "), text, b"prompt")])
        }))
    };
    let words = match &args.options.limit {
        Some(limit) => pattern::limit_words(&*opened.control, limit)?,
        None => vec![],
    };
    let ssh_args =
        [&config.ssh_args.value, &config.ssh_common_args.value, &config.ssh_extra_args.value, &args.ssh_common_args, &args.ssh_extra_args];
    let file = |given: &Option<String>, configured: &Option<String>| given.clone().or_else(|| configured.clone());
    Ok(weave::Options {
        check: args.check,
        diff: args.diff,
        tags: non_empty(&args.options.tags, &config.run_tags.value),
        skip_tags: non_empty(&args.options.skip_tags, &config.skip_tags.value),
        limit: args.options.limit.clone(),
        limit_words: words,
        start_at: args.start_at_task.clone(),
        step: args.step,
        forks: args.forks.unwrap_or(if config.forks.is_default() { 50 } else { config.forks.value }),
        verbosity: args.verbose,
        force_handlers: args.force_handlers || config.force_handlers.value,
        flush_cache: args.flush_cache,
        connection: args.connection.clone().or_else(|| (!config.connection.is_default()).then(|| config.connection.value.clone())),
        user: args.user.clone().or_else(|| config.remote_user.value.clone()),
        password: secret(
            args.ask_pass || config.ask_pass.value,
            "SSH password: ",
            file(&args.connection_password_file, &config.connection_password_file.value).as_ref(),
        )?,
        private_key_file: args.private_key.clone().or_else(|| config.private_key_file.value.clone()),
        ssh_args: ssh_args.into_iter().flatten().flat_map(|line| line.split_whitespace().map(str::to_string)).collect(),
        host_key_checking: config.host_key_checking.value,
        timeout: args.timeout.unwrap_or(config.timeout.value.into()),
        retries: config.ssh_retries.value,
        become_it: args.become_it,
        become_method: args
            .become_method
            .clone()
            .or_else(|| (!config.become_method.is_default()).then(|| config.become_method.value.clone())),
        become_user: args.become_user.clone().or_else(|| (!config.become_user.is_default()).then(|| config.become_user.value.clone())),
        become_password: secret(
            args.ask_become_pass || config.become_ask_pass.value,
            "BECOME password: ",
            file(&args.become_password_file, &config.become_password_file.value).as_ref(),
        )?,
        roles_path: config.roles_path.value.iter().cloned().chain(["roles".to_string()]).collect(),
        config_file: config.path.clone(),
        gathering: Some(config.gathering.value.clone()),
        ansible_managed: config.ansible_managed.value.clone(),
        settings: config.named(),
    })
}

fn non_empty(given: &[String], configured: &[String]) -> Vec<String> {
    let trim = |list: &[String]| list.iter().map(|word| word.trim().to_string()).filter(|word| !word.is_empty()).collect::<Vec<_>>();
    if given.is_empty() { trim(configured) } else { trim(given) }
}

/// Where JUnit files go: the option, or the environment of Ansible's callback.
fn junit_folder(args: &Args, opened: &Opened) -> Option<String> {
    args.junit.clone().or_else(|| {
        let enabled = opened
            .config
            .callbacks_enabled
            .value
            .iter()
            .any(|name| matches!(name.as_str(), "junit" | "community.general.junit" | "ansible.builtin.junit"));
        let home = std::env::var("HOME").unwrap_or_default();
        enabled.then(|| std::env::var("JUNIT_OUTPUT_DIR").unwrap_or_else(|_| format!("{home}/.ansible.log")))
    })
}

/// `--list-tasks`, `--list-tags`, `--list-hosts`, `--syntax-check`.
fn list(args: &Args, opened: &Opened, options: &weave::Options) -> u8 {
    let mut text = format!("\nplaybook: {}\n", args.playbooks.join(", "));
    let hosts = if args.list_hosts { weave::list_hosts(&opened.plays, &opened.inventory, options) } else { Ok(vec![]) };
    let hosts = match hosts {
        Ok(hosts) => hosts,
        Err(error) => {
            complain(&[error], false);
            return FAILED;
        }
    };
    if args.list_tasks || args.list_tags || args.list_hosts {
        for (at, play) in weave::list_tasks(&opened.plays, options).iter().enumerate() {
            text += &format!("\n  play #{} ({}): {}\tTAGS: [{}]\n", at + 1, play.pattern, play.name, play.tags.join(", "));
            if let Some((_, hosts)) = hosts.get(at) {
                text += &format!("    pattern: [{:?}]\n    hosts ({}):\n", play.pattern, hosts.len());
                hosts.iter().for_each(|host| text += &format!("      {}\n", opened.inventory.host(*host).name));
            }
            if args.list_tasks {
                text += "    tasks:\n";
                play.tasks.iter().for_each(|(name, tags)| text += &format!("      {name}\tTAGS: [{}]\n", tags.join(", ")));
            }
            if args.list_tags {
                let mut tags: Vec<&String> = play.tasks.iter().flat_map(|(_, tags)| tags).collect();
                tags.sort();
                tags.dedup();
                text += &format!("      TASK TAGS: [{}]\n", tags.into_iter().cloned().collect::<Vec<_>>().join(", "));
            }
        }
    }
    report::to_stdout(&text);
    0
}
