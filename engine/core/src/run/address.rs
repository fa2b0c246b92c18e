//! Where messages go, as what, and how that can fail. Data only; the program connects.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::state::{Answer, Part};
use crate::text::Value;

/// How a target is reached: Ansible's connection variables, resolved.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Address {
    /// The inventory's name of it.
    pub name: Arc<str>,
    pub connection: Connection,
    /// `ansible_host`, or the name.
    pub host: String,
    pub port: Option<u16>,
    pub user: Option<String>,
    /// May carry marks of secrets.
    pub password: Option<Value>,
    pub private_key_file: Option<String>,
    /// `ansible_ssh_common_args` + `ansible_ssh_extra_args` + `ansible_ssh_args`, split into words.
    pub ssh_args: Vec<String>,
    pub host_key_checking: bool,
    /// Seconds to connect in, and how often to try.
    pub timeout: u64,
    pub retries: u32,
    /// `chroot`: the root folder. `folder`: the folder of manifests. `kubernetes`: the kubeconfig file.
    pub path: Option<String>,
    /// `kubernetes`: the context.
    pub context: Option<String>,
    /// `ansible_shell_executable`.
    pub shell: Option<String>,
    /// Further settings by their variable's name.
    pub more: BTreeMap<String, Value>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, PartialOrd, Ord, Hash)]
pub enum Connection {
    #[default]
    Ssh,
    Local,
    Chroot,
    Kubernetes,
    Folder,
}

/// As whom a message is run on a target: the user that logs in, or another one by way of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Who(pub Option<Become>);

#[derive(Clone, PartialEq, Debug)]
pub struct Become {
    pub method: Method,
    pub user: String,
    /// May carry marks of secrets; never stands in arguments or environment.
    pub password: Option<Value>,
    pub executable: Option<String>,
    pub flags: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Method {
    Sudo,
    Su,
    Doas,
}

/// What is sent in one go to one user of one target. Its parts run in order, nothing of it before all of it is there.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Message {
    pub parts: Vec<Part>,
}

/// Why a message was not answered, wholly or in part.
#[derive(Clone, PartialEq, Debug)]
pub struct Fault {
    pub kind: FaultKind,
    pub message: String,
    pub hint: Option<String>,
    /// Answers that came before it.
    pub answers: Vec<Answer>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// Never connected, or connection lost: Ansible's "unreachable".
    Unreachable,
    /// Connected, but that user cannot be become: a failure of the task.
    Become,
    /// A part took longer than its limit.
    TimedOut,
    /// Connected, but the target would not take a file: a failure of the task.
    Refused,
    Interrupted,
}
