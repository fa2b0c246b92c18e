//! Programs that print an inventory: `--list`, and `--host NAME` where the list has no `_meta`.

use std::sync::Arc;

use super::{GroupId, HostId, Inventory, ini};
use crate::book::{json, path as paths};
use crate::text::control::Piped;
use crate::text::{Collector, Control, Diagnostic, Node, Result, Source};

/// Whether a file is a program: executable, and made to be run.
pub fn is_program(control: &dyn Control, path: &str) -> bool {
    let executable = control.mode(path).is_some_and(|mode| mode & 0o111 != 0);
    executable && control.read(path).is_ok_and(|bytes| bytes.starts_with(b"#!") || bytes.starts_with(b"\x7fELF"))
}

/// Runs the program and reads what it prints into the inventory.
pub fn read(control: &dyn Control, path: &str, file: &Arc<str>, inventory: &mut Inventory, diagnostics: &mut Collector) {
    let Some(list) = diagnostics.take(run(control, path, "--list", file)) else { return };
    let mut hosts = vec![];
    let mut vars = None;
    for (name, group) in list.as_map().unwrap_or_default() {
        match name.as_str() {
            Some("_meta") => vars = group.get("hostvars"),
            Some(name) => drop(diagnostics.take(read_group(name, group, file, inventory, &mut hosts))),
            None => {}
        }
    }
    for host in hosts {
        let name = inventory.host(host).name.clone();
        let own = match vars {
            Some(vars) => vars.get(&name).cloned(),
            None => diagnostics.take(run(control, path, &format!("--host {}", quote(&name)), file)),
        };
        for (key, value) in own.as_ref().and_then(Node::as_map).unwrap_or_default() {
            inventory.set_host_var(host, key.as_str().unwrap_or_default(), value.clone());
        }
    }
}

fn read_group(name: &str, group: &Node, file: &Arc<str>, inventory: &mut Inventory, hosts: &mut Vec<HostId>) -> Result<()> {
    let id = inventory.add_group(name);
    let mut host = |inventory: &mut Inventory, name: &str, span| {
        let host = inventory.add_host(name, Some(id), Some(file), Some(span));
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    };
    if let Some(names) = group.as_list() {
        names.iter().for_each(|name| host(inventory, name.as_str().unwrap_or_default(), &name.span));
        return Ok(());
    }
    let Some(pairs) = group.as_map() else {
        return Err(group.error(format!("the group `{name}` is {}", group.type_name())));
    };
    // the oldest form: variables of a host that is named as its group
    if !["hosts", "vars", "children"].iter().any(|key| group.get(key).is_some()) {
        host(inventory, name, &group.span);
        return vars(inventory, id, pairs);
    }
    if let Some(names) = group.get("hosts") {
        let names = names
            .as_list()
            .ok_or_else(|| names.error(format!("`hosts` of the group `{name}` is {} where a list was expected", names.type_name())))?;
        names.iter().for_each(|name| host(inventory, name.as_str().unwrap_or_default(), &name.span));
    }
    vars(inventory, id, group.get("vars").and_then(Node::as_map).unwrap_or_default())?;
    for child in group.get("children").and_then(Node::as_list).unwrap_or_default() {
        let child_id = inventory.add_group(child.as_str().unwrap_or_default());
        inventory.add_child(id, child_id).map_err(|said| child.error(said))?;
    }
    Ok(())
}

fn vars(inventory: &mut Inventory, group: GroupId, pairs: &[(Node, Node)]) -> Result<()> {
    pairs.iter().try_for_each(|(key, value)| ini::set(inventory, group, key.as_str().unwrap_or_default(), value.clone()))
}

fn run(control: &dyn Control, path: &str, arguments: &str, file: &str) -> Result<Node> {
    let command = format!("{} {arguments}", quote(file));
    let named = format!("{path} {arguments}");
    let failed = |said: String| Diagnostic::error(format!("the inventory program `{named}` {said}"));
    let piped = control.pipe(&command, &paths::absolute(control, paths::parent(path)));
    let Piped { code, stdout, stderr } = piped.map_err(|error| failed(format!("cannot be run: {error:?}")))?;
    let stderr = String::from_utf8_lossy(&stderr).trim().to_string();
    let hint = |diagnostic: Diagnostic| if stderr.is_empty() { diagnostic } else { diagnostic.hint(format!("it said: {stderr}")) };
    if code != 0 {
        return Err(hint(failed(format!("ended with exit code {code}"))));
    }
    let text = String::from_utf8(stdout).map_err(|_| failed("printed what is not UTF-8".into()))?;
    let source = Source::new(format!("output of `{named}`"), if text.trim().is_empty() { "{}".into() } else { text });
    let node = json::parse(&source).filter(|node| node.as_map().is_some());
    node.ok_or_else(|| hint(failed("printed no JSON object".into())).at(&source.span(0..0)))
}

/// The text as one word of a shell.
fn quote(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@%+=:,./-_".contains(&byte)) {
        return text.to_string();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}
