//! The YAML format of inventories: groups with `hosts`, `vars` and `children`. JSON files are read alike.

use std::sync::Arc;

use super::{GroupId, Inventory, address, ini};
use crate::text::{Collector, Node, Result};

const SECTIONS: [&str; 3] = ["vars", "children", "hosts"];

/// Reads a document into the inventory.
pub fn read(document: &Node, file: &Arc<str>, inventory: &mut Inventory, diagnostics: &mut Collector) {
    let Some(groups) = document.as_map() else {
        diagnostics.push(document.error(format!("an inventory is a mapping of groups; this is {}", document.type_name())));
        return;
    };
    if let Some(plugin) = document.get("plugin") {
        let name = plugin.as_str().unwrap_or("?");
        let said = format!("the inventory plugin `{name}` is not part of `play`");
        diagnostics
            .push(plugin.error(said).hint("use a program that prints the inventory as JSON (`--list`), or write its hosts into a file"));
        return;
    }
    let mut reader = Reader { file, inventory, diagnostics };
    for (name, group) in groups {
        reader.group(name, group);
    }
}

struct Reader<'a> {
    file: &'a Arc<str>,
    inventory: &'a mut Inventory,
    diagnostics: &'a mut Collector,
}

impl Reader<'_> {
    fn group(&mut self, name: &Node, group: &Node) -> Option<GroupId> {
        let text = name.as_str().filter(|text| !text.is_empty());
        let Some(text) = text else {
            self.diagnostics.push(name.error("a group has a name"));
            return None;
        };
        if group.as_map().is_none() && !group.is_null() {
            let said = format!("the group `{text}` is {}", group.type_name());
            self.diagnostics.push(group.error(said).hint("a group has `hosts:`, `vars:` and `children:`, each a mapping"));
            return None;
        }
        let id = self.inventory.add_group(text);
        for (key, value) in group.as_map().unwrap_or_default() {
            self.section(id, key, value);
        }
        Some(id)
    }

    fn section(&mut self, group: GroupId, key: &Node, value: &Node) {
        let section = key.as_str().unwrap_or_default();
        if !SECTIONS.contains(&section) {
            let said = format!("a group has no `{section}`: this is ignored");
            self.diagnostics.push(key.span.warning(said).meant(section, SECTIONS).hint("a group has `hosts:`, `vars:` and `children:`"));
            return;
        }
        if value.is_null() {
            return;
        }
        // one name alone stands for a mapping with that name in it
        let alone = value.as_scalar().filter(|_| !value.as_str().unwrap_or_default().is_empty());
        let pairs = match (value.as_map(), alone) {
            (Some(pairs), _) => pairs.to_vec(),
            (None, Some(_)) => vec![(value.clone(), Node::plain(value.span.clone(), ""))],
            (None, None) => {
                let said = format!("`{section}` is {} where a mapping was expected", value.type_name());
                self.diagnostics.push(value.error(said).hint(format!("write `{section}:` and below it `name:` for each, with a colon")));
                return;
            }
        };
        for (name, value) in &pairs {
            match section {
                "vars" => {
                    let set = ini::set(self.inventory, group, name.as_str().unwrap_or_default(), value.clone());
                    self.diagnostics.take(set);
                }
                "children" => {
                    if let Some(child) = self.group(name, value) {
                        let added = self.inventory.add_child(group, child).map_err(|said| name.error(said));
                        self.diagnostics.take(added);
                    }
                }
                _ => {
                    let read = self.host(group, name, value);
                    self.diagnostics.take(read);
                }
            }
        }
    }

    fn host(&mut self, group: GroupId, name: &Node, vars: &Node) -> Result<()> {
        if name.to_value().as_str().is_none() {
            let said = format!("the host `{}` is {}", name.as_str().unwrap_or_default(), name.type_name());
            return Err(name.error(said).hint("put the name into quotes"));
        }
        let (hosts, port) = address::expand(name.as_str().unwrap_or_default()).map_err(|said| name.error(said))?;
        if vars.as_map().is_none() && !vars.is_null() {
            return Err(vars.error(format!("the variables of a host are a mapping; this is {}", vars.type_name())));
        }
        for host in &hosts {
            let new = self.inventory.find_host(host).is_none();
            let id = self.inventory.add_host(host, Some(group), Some(self.file), Some(&name.span));
            if let Some(port) = port.filter(|_| new) {
                self.inventory.set_host_var(id, "ansible_port", Node::plain(name.span.clone(), &port.to_string()));
            }
            for (key, value) in vars.as_map().unwrap_or_default() {
                self.inventory.set_host_var(id, key.as_str().unwrap_or_default(), value.clone());
            }
        }
        Ok(())
    }
}
