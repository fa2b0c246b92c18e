//! Where a task goes and as whom: Ansible's connection variables over keywords over options.

use crate::book::task::Task;
use crate::modules::display;
use crate::run::{Address, Become, Connection, Method, Who};
use crate::text::template::{Scope as _, Var};
use crate::text::{Diagnostic, Map, Result, Value};

use super::scope::Sight;
use super::task::{flag, text};

/// The first of some variables that is set, rendered.
fn variable(sight: &Sight, names: &[&str]) -> Result<Option<Value>> {
    for name in names {
        let value = match sight.get(name) {
            Some(Var::Raw(node)) => sight.tree.templates.render(&node, sight)?,
            Some(Var::Value(value)) => value,
            Some(Var::Scopes(_)) | None => continue,
        };
        if !matches!(value.plain(), Value::Null | Value::Omit) {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn word(sight: &Sight, names: &[&str]) -> Result<Option<String>> {
    Ok(variable(sight, names)?.map(|value| display(&value)))
}

/// How the host of this sight is reached.
pub fn address(sight: &Sight, task: Option<&Task>) -> Result<Address> {
    let options = &sight.tree.options;
    let host = sight.inventory.host(sight.host);
    let keyword = |name: &str| task.map_or(Ok(None), |task| text(task, name, sight));
    let connection = word(sight, &["ansible_connection"])?.or(keyword("connection")?).or(options.connection.clone());
    let local = matches!(&*host.name, "localhost") && host.implicit;
    let connection = match connection.as_deref().map(|name| name.rsplit('.').next().unwrap_or(name)) {
        None if local => Connection::Local,
        None | Some("ssh" | "smart" | "paramiko" | "paramiko_ssh") => Connection::Ssh,
        Some("local") => Connection::Local,
        Some("chroot") => Connection::Chroot,
        Some("kubernetes") => Connection::Kubernetes,
        Some("folder") => Connection::Folder,
        Some(other) => {
            return Err(Diagnostic::error(format!("{}: no connection `{other}`", host.name))
                .meant(other, ["ssh", "local", "chroot", "kubernetes", "folder"]));
        }
    };
    let port = word(sight, &["ansible_port", "ansible_ssh_port"])?.or(keyword("port")?).and_then(|port| port.parse().ok());
    let mut args = vec![];
    for name in ["ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"] {
        args.extend(words(&word(sight, &[name])?.unwrap_or_default()));
    }
    args.extend(options.ssh_args.iter().cloned());
    let path = match connection {
        Connection::Folder => word(sight, &["play_folder"])?,
        Connection::Kubernetes => word(sight, &["play_kubeconfig"])?,
        Connection::Chroot => word(sight, &["ansible_chroot_path", "ansible_host"])?.or_else(|| Some(host.name.to_string())),
        _ => None,
    };
    let checking = variable(sight, &["ansible_host_key_checking", "ansible_ssh_host_key_checking"])?
        .map_or(options.host_key_checking, |value| value.truthy());
    let mut more = std::collections::BTreeMap::new();
    for name in ["play_folder_secrets", "play_namespace"] {
        if let Some(value) = variable(sight, &[name])? {
            more.insert(name.to_string(), value);
        }
    }
    Ok(Address {
        name: host.name.clone(),
        connection,
        host: word(sight, &["ansible_host", "ansible_ssh_host"])?.unwrap_or_else(|| host.name.to_string()),
        port,
        user: word(sight, &["ansible_user", "ansible_ssh_user"])?.or(keyword("remote_user")?).or(options.user.clone()),
        password: variable(sight, &["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"])?.or(options.password.clone()),
        private_key_file: word(sight, &["ansible_ssh_private_key_file", "ansible_private_key_file"])?.or(options.private_key_file.clone()),
        ssh_args: args,
        host_key_checking: checking,
        timeout: word(sight, &["ansible_timeout", "ansible_ssh_timeout"])?
            .and_then(|seconds| seconds.parse().ok())
            .unwrap_or(options.timeout),
        retries: word(sight, &["ansible_ssh_retries"])?.and_then(|count| count.parse().ok()).unwrap_or(options.retries),
        path,
        context: word(sight, &["play_context"])?,
        shell: word(sight, &["ansible_shell_executable"])?,
        more,
    })
}

/// Words of a shell line, quotes taken off.
fn words(line: &str) -> Vec<String> {
    let (mut all, mut word, mut quote, mut inside) = (vec![], String::new(), None, false);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => word.push(letter),
            (None, '\'' | '"') => (quote, inside) = (Some(letter), true),
            (None, _) if letter.is_whitespace() => {
                if inside || !word.is_empty() {
                    all.push(std::mem::take(&mut word));
                }
                inside = false;
            }
            (None, _) => word.push(letter),
        }
    }
    if inside || !word.is_empty() {
        all.push(word);
    }
    all
}

/// As whom a task runs. Variables win over keywords, keywords over options, as in Ansible.
pub fn who(sight: &Sight, task: &Task, address: &Address) -> Result<Who> {
    let options = &sight.tree.options;
    let wanted = variable(sight, &["ansible_become"])?
        .map(|value| value.truthy() && value.as_str().is_none_or(|text| crate::text::scalar::boolean(text) != Some(false)));
    let wanted = match wanted {
        Some(wanted) => wanted,
        None => flag(task, "become", sight)?.unwrap_or(options.become_it),
    };
    if !wanted || matches!(address.connection, Connection::Kubernetes | Connection::Folder) {
        return Ok(Who(None));
    }
    let user = word(sight, &["ansible_become_user"])?
        .or(text(task, "become_user", sight)?)
        .or(options.become_user.clone())
        .unwrap_or_else(|| "root".into());
    if address.user.as_deref() == Some(&*user) {
        return Ok(Who(None));
    }
    let method = word(sight, &["ansible_become_method"])?.or(text(task, "become_method", sight)?).or(options.become_method.clone());
    let method = match method.as_deref().map(|name| name.rsplit('.').next().unwrap_or(name)) {
        None | Some("sudo") => Method::Sudo,
        Some("su") => Method::Su,
        Some("doas") => Method::Doas,
        Some(other) => {
            return Err(Diagnostic::error(format!("no become method `{other}`")).meant(other, ["sudo", "su", "doas"]).at(&task.span));
        }
    };
    Ok(Who(Some(Become {
        method,
        user,
        password: variable(sight, &["ansible_become_password", "ansible_become_pass", "ansible_sudo_pass", "ansible_sudo_password"])?
            .or(options.become_password.clone()),
        executable: word(sight, &["ansible_become_exe"])?.or(text(task, "become_exe", sight)?),
        flags: word(sight, &["ansible_become_flags"])?.or(text(task, "become_flags", sight)?),
    })))
}

/// The environment of a task: keywords add up, the inner wins.
pub fn surroundings(sight: &Sight, task: &Task) -> Result<Map> {
    let mut all = Map::new();
    for node in task.keywords("environment") {
        let nodes = node.as_list().map_or_else(|| vec![node.clone()], <[crate::text::Node]>::to_vec);
        for node in nodes {
            let value = sight.tree.templates.render(&node, sight)?;
            let Some(map) = value.as_map() else {
                if value.is_null() || matches!(value, Value::Omit) {
                    continue;
                }
                return Err(node.error(format!("`environment` takes a mapping, and this is {}", value.type_name())));
            };
            for (name, value) in map.iter() {
                let name = name.to_string();
                if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                    return Err(node.error(format!("`{name}` is no name of an environment variable")));
                }
                all.insert(name, value.clone());
            }
        }
    }
    Ok(all)
}

/// The same as lines of a shell script.
pub fn environment(sight: &Sight, task: &Task) -> Result<String> {
    let all = surroundings(sight, task)?;
    Ok(all.iter().map(|(name, value)| format!("export {name}={}\n", crate::resources::sh::quote(&display(value)))).collect())
}
