//! What a host tells about itself: Ansible's facts, without Python. One thing for each of Ansible's collectors (`platform`,
//! `network`, `hardware`, …); its fields are facts, named without `ansible_`.
//!
//! One script reads what all the wanted collectors need: files by one `grep`, links, what exists, and what a few tools
//! print. Each collector is read from that on our side. A file or tool that is not there leaves facts out, as with Ansible.
//!
//! A look at `local` may name the folder of local facts, `folder`; one at `hardware` the seconds that a file server may take,
//! `timeout`.

mod distribution;
mod family;
mod hardware;
mod ini;
mod interface;
mod local;
mod mounts;
mod network;
mod platform;
mod raw;
mod session;
mod system;
mod virtualization;

use std::collections::{BTreeMap, BTreeSet};

use crate::resources::sh;
use crate::state::{Answer, Fields, Gap, Id, Kind, KindName, Look, Reading, Script};

use raw::Raw;

pub const KIND: KindName = "facts";

/// Where local facts are, unless a task says otherwise.
pub const FOLDER: &str = "/etc/ansible/facts.d";

pub struct Facts;

/// What one collector needs of a host, and what it makes of that.
pub struct Collector {
    pub name: &'static str,
    /// Facts by which it may be asked for, too.
    pub ids: &'static [&'static str],
    /// Part of every gathering that does not exclude it.
    pub minimal: bool,
    /// Collectors whose facts this one builds on.
    pub requires: &'static [&'static str],
    /// Files to read; patterns of the shell. After the first `/*/`, `$n` is the name that it stands for.
    files: &'static [&'static str],
    /// Paths that matter by being there; patterns of the shell.
    there: &'static [&'static str],
    /// Links to follow by one step; patterns of the shell.
    links: &'static [&'static str],
    /// Names and lines of sh that print something.
    tools: &'static [(&'static str, &'static str)],
    read: fn(&Raw<'_>) -> Fields,
}

impl Collector {
    const NONE: Collector = Collector {
        name: "",
        ids: &[],
        minimal: false,
        requires: &[],
        files: &[],
        there: &[],
        links: &[],
        tools: &[],
        read: |_| Fields::new(),
    };
}

/// All collectors, in the order in which Ansible runs them.
pub static COLLECTORS: &[Collector] = &[
    platform::PLATFORM,
    platform::PYTHON,
    distribution::DISTRIBUTION,
    system::LSB,
    system::SELINUX,
    system::APPARMOR,
    system::CHROOT,
    system::FIPS,
    system::CAPS,
    platform::PKG_MGR,
    platform::SERVICE_MGR,
    system::CMDLINE,
    session::DATE_TIME,
    session::ENV,
    system::LOADAVG,
    system::SSH_PUB_KEYS,
    session::USER,
    platform::SYSTEMD,
    virtualization::VIRTUAL,
    hardware::HARDWARE,
    system::DNS,
    network::FIBRE_CHANNEL,
    network::ISCSI,
    network::NVME,
    network::NETWORK,
    local::LOCAL,
];

pub fn collector(name: &str) -> Option<&'static Collector> {
    COLLECTORS.iter().find(|collector| collector.name == name)
}

impl Kind for Facts {
    fn name(&self) -> KindName {
        KIND
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        let asked: Vec<&Collector> = looks.iter().filter_map(|look| collector(&look.id.name)).collect();
        let needs: Vec<&Collector> = needs(&asked);
        let union = |of: fn(&Collector) -> &'static [&'static str]| {
            needs.iter().flat_map(|collector| of(collector)).copied().collect::<BTreeSet<_>>()
        };
        let words = |all: BTreeSet<&'static str>| all.into_iter().collect::<Vec<_>>().join(" ");
        let mut text = String::new();
        text += &files(union(|collector| collector.files));
        let there = words(union(|collector| collector.there));
        if !there.is_empty() {
            text += &format!("for p in {there}; do [ -e \"$p\" ] && printf '@play there %s\\n' \"$p\"; done\n");
        }
        let links = words(union(|collector| collector.links));
        if !links.is_empty() {
            // one process for all: `readlink` takes only one on small systems
            text += &format!("printf '@play links\\n'\nls -ldn {links}\n");
        }
        let timeout = looks.iter().flat_map(|look| look.all("timeout")).find_map(|text| text.parse::<u32>().ok()).unwrap_or(10);
        let tools: BTreeMap<&str, &str> = needs.iter().flat_map(|collector| collector.tools).copied().collect();
        for (name, line) in tools {
            let line = line.replace("timeout 10", &format!("timeout {timeout}"));
            text += &format!("printf '\\n@play tool {name}\\n'\n{line}\n");
        }
        for look in looks.iter().filter(|look| &*look.id.name == local::LOCAL.name) {
            text += &local::script(look.all("folder").next().unwrap_or(FOLDER));
        }
        format!("exec 2>/dev/null\n{text}printf '\\n@play end\\n'\n").into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        let reply = answer.reply();
        let Some(collector) = collector(&look.id.name) else { return Reading::one(look, None) };
        let out = String::from_utf8_lossy(&reply.out);
        if !out.trim_end().ends_with("@play end") {
            return Reading::failed(format!(
                "the facts `{}` could not be gathered: {}",
                look.id.name,
                String::from_utf8_lossy(&reply.err).trim()
            ));
        }
        Reading::one(look, Some((collector.read)(&Raw::new(&out))))
    }

    fn fix(&self, gaps: &[&Gap]) -> Script {
        let names: Vec<&str> = gaps.iter().map(|gap| &*gap.id.name).collect();
        format!("echo {} >&2; exit 1\n", sh::quote(&format!("facts are what is, and cannot be made: {}", names.join(", ")))).into()
    }
}

/// One `grep` of them all. What is below each folder of one folder is named without asking the disk for each pattern: that
/// took longer than to read the files.
fn files(all: BTreeSet<&'static str>) -> String {
    let mut plain = String::new();
    let mut below: BTreeMap<&str, String> = BTreeMap::new();
    for file in all {
        match file.split_once("/*/") {
            Some((folder, rest)) => *below.entry(folder).or_default() += &format!(" $d/{rest}"),
            None => plain += &format!(" {file}"),
        }
    }
    let each: String =
        below.iter().map(|(folder, rests)| format!("for d in {folder}/*; do n=${{d##*/}}; set -- \"$@\"{rests}; done\n")).collect();
    match (plain.is_empty(), each.is_empty()) {
        (true, true) => String::new(),
        (_, true) => format!("grep -aHs '' /dev/null{plain}\n"),
        _ => format!("set --\n{each}grep -aHs '' /dev/null{plain} \"$@\"\n"),
    }
}

/// The facts that a path of the host tells: local ones, wherever a task has their folder.
pub fn of_file(path: &str) -> Option<Id> {
    (path.starts_with(FOLDER) || path.ends_with(".fact")).then(|| Id::new(KIND, local::LOCAL.name))
}

/// Collectors with all that they build on, each once.
pub fn needs(asked: &[&'static Collector]) -> Vec<&'static Collector> {
    let mut all: Vec<&Collector> = vec![];
    let mut open: Vec<&Collector> = asked.to_vec();
    while let Some(next) = open.pop() {
        if all.iter().all(|have| have.name != next.name) {
            all.push(next);
            open.extend(next.requires.iter().filter_map(|name| collector(name)));
        }
    }
    all
}
