//! What a source of an inventory is: a comma list, a folder, a program, a file of YAML, JSON or INI.

use std::sync::Arc;

use super::{GivenSource, Inventory, address, ini, script, yaml};
use crate::book::load;
use crate::book::path as paths;
use crate::text::control::{ControlError, Entry};
use crate::text::{Collector, Control};

/// Names in a folder of inventories that are none.
const IGNORED_NAMES: [&str; 3] = ["host_vars", "group_vars", "vars_plugins"];
const IGNORED_ENDS: [&str; 12] = [".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry"];

/// Reads one source as the user gave it.
pub fn read(control: &dyn Control, source: &str, inventory: &mut Inventory, diagnostics: &mut Collector) {
    let path = paths::expand(control, source);
    let entry = control.entry(&path);
    if entry.is_none() && source.contains(',') {
        inventory.sources.push(GivenSource { name: source.to_string(), folder: None });
        return comma_list(source, inventory);
    }
    let folder = match entry {
        Some(Entry::Folder) => path.trim_end_matches('/').to_string(),
        _ => paths::parent(&path).to_string(),
    };
    inventory.sources.push(GivenSource { name: source.to_string(), folder: Some(if folder.is_empty() { "/".into() } else { folder }) });
    match entry {
        None => diagnostics.push(missing(control, &path)),
        Some(Entry::Folder) => folder_of(control, &path, inventory, diagnostics),
        Some(Entry::File) => file(control, &path, inventory, diagnostics),
    }
}

fn missing(control: &dyn Control, path: &str) -> crate::text::Diagnostic {
    let diagnostic = load::unreadable(control, path, &ControlError::NotFound);
    diagnostic.hint("an inventory is a file, a folder, a program, or a list of hosts with a comma in it, as in `-i host,`")
}

fn comma_list(source: &str, inventory: &mut Inventory) {
    let group = inventory.add_group("ungrouped");
    for word in source.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let (name, port) = address::parse(word).filter(|(name, _)| !name.contains('[')).unwrap_or_else(|| (word.to_string(), None));
        if inventory.find_host(&name).is_some() {
            continue;
        }
        let host = inventory.add_host(&name, Some(group), None, None);
        if let Some(port) = port {
            inventory.set_host_var(host, "ansible_port", crate::text::Value::from(i64::from(port)));
        }
    }
}

fn folder_of(control: &dyn Control, path: &str, inventory: &mut Inventory, diagnostics: &mut Collector) {
    let names = match control.list(path) {
        Ok(names) => names,
        Err(error) => return diagnostics.push(load::unreadable(control, path, &error)),
    };
    for name in names {
        if name.starts_with('.') || IGNORED_NAMES.contains(&&*name) || IGNORED_ENDS.iter().any(|end| name.ends_with(end)) {
            continue;
        }
        let inner = paths::join(path, &name);
        match control.entry(&inner) {
            Some(Entry::Folder) => folder_of(control, &inner, inventory, diagnostics),
            Some(Entry::File) => file(control, &inner, inventory, diagnostics),
            None => {}
        }
    }
}

fn file(control: &dyn Control, path: &str, inventory: &mut Inventory, diagnostics: &mut Collector) {
    let whole: Arc<str> = paths::absolute(control, path).into();
    if script::is_program(control, path) {
        return script::read(control, path, &whole, inventory, diagnostics);
    }
    let Some(text) = diagnostics.take(load::text(control, path)) else { return };
    match paths::extension(path) {
        ".yml" | ".yaml" | ".json" => {
            let Some(document) = diagnostics.take(text.node(control)) else { return };
            if !document.is_null() {
                yaml::read(&document, &whole, inventory, diagnostics);
            }
        }
        ".toml" => diagnostics.push(text.shown().span(0..0).error("inventories in TOML are not read").hint("write it as YAML")),
        // a file without an extension is YAML where it reads as a mapping
        "" => match text.mapping(control) {
            Some(document) => drop(diagnostics.take(document).map(|document| yaml::read(&document, &whole, inventory, diagnostics))),
            None if meant_as_yaml(text.as_str()) => drop(diagnostics.take(text.node(control))),
            None => ini::read(control, &text, &whole, inventory, diagnostics),
        },
        _ => ini::read(control, &text, &whole, inventory, diagnostics),
    }
}

/// Whether a text that is no readable YAML was meant to be some: it begins with `---`, or its first line ends in a colon.
fn meant_as_yaml(text: &str) -> bool {
    let first = text.lines().map(str::trim_end).find(|line| !line.trim().is_empty() && !line.trim_start().starts_with(['#', ';']));
    first.is_some_and(|line| line == "---" || (line.ends_with(':') && !line.starts_with('[')))
}
