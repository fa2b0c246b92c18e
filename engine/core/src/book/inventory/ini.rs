//! The INI format of inventories: sections of hosts, of variables, of child groups.

use std::sync::{Arc, LazyLock};

use indexmap::IndexMap;
use regex::Regex;

use super::{GroupId, Inventory, address, python, words};
use crate::book::load::Text;
use crate::text::{Collector, Control, Node, Result, Source, Span};

static SECTION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$").expect("a valid pattern"));
static GROUP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^([^:\]\s]+)\s*(?:#.*)?$").expect("a valid pattern"));

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Hosts,
    Vars,
    Children,
}

/// Reads a text into the inventory; every line that cannot be read is told.
pub fn read(control: &dyn Control, text: &Text, file: &Arc<str>, inventory: &mut Inventory, diagnostics: &mut Collector) {
    let group = inventory.add_group("ungrouped");
    let (source, mut own) = (text.shown(), Collector::default());
    let mut reader = Reader { control, text, source: &source, file, inventory, group, kind: Kind::Hosts, pending: IndexMap::new() };
    let mut at = 0;
    for line in text.as_str().split_inclusive('\n') {
        let words = line.trim();
        let start = at + (line.len() - line.trim_start().len());
        at += line.len();
        if words.is_empty() || words.starts_with(['#', ';']) {
            continue;
        }
        own.take(reader.line(words, &source.span(start..start + words.len())));
    }
    reader.finish(&mut own);
    for diagnostic in own.into_vec() {
        match (text.is_secret(), diagnostic.span()) {
            // what is wrong with an encrypted line cannot be said without showing it
            (true, Some(span)) => diagnostics.push(span.error("this line of the encrypted inventory cannot be read")),
            _ => diagnostics.push(diagnostic),
        }
    }
}

struct Reader<'a> {
    control: &'a dyn Control,
    text: &'a Text,
    /// The text as messages may show it.
    source: &'a Arc<Source>,
    file: &'a Arc<str>,
    inventory: &'a mut Inventory,
    group: GroupId,
    kind: Kind,
    /// Groups that were named and are still to be declared by a section of hosts or children.
    pending: IndexMap<String, Pending>,
}

struct Pending {
    span: Span,
    /// The groups that it becomes a child of, once it is declared.
    parents: Vec<GroupId>,
}

impl Reader<'_> {
    fn line(&mut self, text: &str, span: &Span) -> Result<()> {
        if let Some(found) = SECTION.captures(text) {
            return self.section(&found[1], found.get(2).map_or("hosts", |kind| kind.as_str()), span);
        }
        if text.starts_with('[') && text.ends_with(']') {
            let said = format!("`{text}` is no section of an inventory");
            return Err(span.error(said).hint("a section is `[group]`, `[group:vars]` or `[group:children]`, without blanks"));
        }
        if text.starts_with('[') && !text.contains(']') {
            return Err(span.error("this section has no `]`"));
        }
        match self.kind {
            Kind::Hosts => self.host(text, span),
            Kind::Vars => self.variable(text, span),
            Kind::Children => self.child(text, span),
        }
    }

    fn section(&mut self, name: &str, kind: &str, span: &Span) -> Result<()> {
        self.kind = match kind {
            "hosts" => Kind::Hosts,
            "vars" => Kind::Vars,
            "children" => Kind::Children,
            _ => return Err(span.error(format!("`{kind}` is no kind of section")).meant(kind, ["hosts", "vars", "children"])),
        };
        if self.kind == Kind::Vars && self.inventory.find_group(name).is_none() {
            self.pending.entry(name.to_string()).or_insert_with(|| Pending { span: span.clone(), parents: vec![] });
        }
        self.group = self.inventory.add_group(name);
        let pending = if self.kind == Kind::Vars { None } else { self.pending.shift_remove(name) };
        for parent in pending.iter().flat_map(|pending| &pending.parents) {
            self.inventory.add_child(*parent, self.group).map_err(|said| span.error(said))?;
        }
        Ok(())
    }

    fn host(&mut self, text: &str, span: &Span) -> Result<()> {
        let parts = words::split(text).map_err(|said| span.error(format!("this line cannot be split into words: {said}")))?;
        let Some(first) = parts.first() else { return Ok(()) };
        let place = |word: &words::Word| self.source.span(span.start + word.start..span.start + word.end);
        let (hosts, port) = address::expand(&first.text).map_err(|said| place(first).error(said))?;
        if first.text.ends_with(':') && port.is_none() {
            return Err(place(first).error(format!("`{}` ends in `:` and no port", first.text)));
        }
        if first.text == "---" {
            return Err(place(first)
                .error("`---` begins a YAML file, and this one is read as INI")
                .hint("give the file the extension `.yml`"));
        }
        let mut vars: Vec<(String, Node)> = vec![];
        for word in &parts[1..] {
            let Some((name, value)) = word.text.split_once('=') else {
                let said = format!("`{}` is no variable of a host", word.text);
                return Err(place(word).error(said).hint("write `name=value`; a value with blanks in it needs quotes"));
            };
            let at = word.start + text[word.start..word.end].find('=').map_or(0, |at| at + 1);
            let span = self.source.span(span.start + at..span.start + word.end);
            vars.push((name.to_string(), self.text.marked(self.control, name, python::value(&span, value))?));
        }
        let named = place(first);
        for name in &hosts {
            let new = self.inventory.find_host(name).is_none();
            let host = self.inventory.add_host(name, Some(self.group), Some(self.file), Some(&named));
            if let Some(port) = port.filter(|_| new) {
                self.inventory.set_host_var(host, "ansible_port", Node::plain(named.clone(), &port.to_string()));
            }
            for (name, value) in &vars {
                self.inventory.set_host_var(host, name, value.clone());
            }
        }
        Ok(())
    }

    fn variable(&mut self, text: &str, span: &Span) -> Result<()> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(span.error(format!("`{text}` is no variable of a group")).hint("write `name=value`"));
        };
        let start = span.end - value.trim_start().len();
        let value = python::value(&self.source.span(start..span.end), value.trim());
        let value = self.text.marked(self.control, name.trim(), value)?;
        set(self.inventory, self.group, name.trim(), value)
    }

    fn child(&mut self, text: &str, span: &Span) -> Result<()> {
        let Some(name) = GROUP.captures(text).and_then(|found| found.get(1)) else {
            return Err(span.error(format!("`{text}` is no name of a group")));
        };
        let place = self.source.span(span.start..span.start + name.end());
        match self.inventory.find_group(name.as_str()) {
            Some(child) => self.inventory.add_child(self.group, child).map_err(|said| place.error(said)),
            None => {
                let pending = self.pending.entry(name.as_str().to_string()).or_insert_with(|| Pending { span: place, parents: vec![] });
                pending.parents.push(self.group);
                Ok(())
            }
        }
    }

    /// Groups may be declared after they were named; by the end each must be.
    fn finish(self, diagnostics: &mut Collector) {
        for (name, pending) in &self.pending {
            let known = self.inventory.groups().map(|group| &*self.inventory.group(group).name);
            let said = format!("the group `{name}` is declared nowhere");
            let hint = format!("declare it with a section `[{name}]`, be it empty");
            diagnostics.push(pending.span.error(said).meant(name, known).hint(hint));
        }
    }
}

/// Sets a variable of a group; `ansible_group_priority` is none, it orders the groups.
pub fn set(inventory: &mut Inventory, group: GroupId, name: &str, value: Node) -> Result<()> {
    if name != "ansible_group_priority" {
        inventory.set_group_var(group, name, value);
        return Ok(());
    }
    let number = value.to_value().as_int().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    let Some(priority) = number else {
        return Err(value.error(format!("`ansible_group_priority` is {} where an integer was expected", value.type_name())));
    };
    inventory.set_priority(group, priority);
    Ok(())
}
