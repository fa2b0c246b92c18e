//! Tasks and blocks, and the files that bring them.

use std::sync::Arc;

use crate::book::around::{Around, Keywords, Ring};
use crate::book::path;
use crate::book::task::{Arguments, Block, Item, Repeat, Task};
use crate::book::words::Holder;
use crate::text::{Collector, Entry, Node, Result, Span};

use super::{DEPTH, Loader, once_each, unknown_keyword, warn_idle};

impl Loader<'_> {
    /// A list of tasks and blocks.
    pub fn items(&self, node: &Node, around: &Arc<Around>, errors: &mut Collector, depth: usize) -> Arc<[Item]> {
        if node.is_null() {
            return Arc::from([]);
        }
        let Some(list) = node.as_list() else {
            errors.push(node.error(format!("tasks are a list, and this is {}", node.type_name())));
            return Arc::from([]);
        };
        if depth > DEPTH {
            errors.push(node.error(format!("blocks and imports nest over {DEPTH} levels deep; do they import each other in a circle?")));
            return Arc::from([]);
        }
        let mut all = vec![];
        for item in list {
            let read = self.item(item, around, errors, depth);
            if let Some(item) = errors.take(read) {
                all.push(item);
            }
        }
        all.into()
    }

    pub(super) fn item(&self, node: &Node, around: &Arc<Around>, errors: &mut Collector, depth: usize) -> Result<Item> {
        let Some(pairs) = node.as_map() else {
            return Err(node.error(format!("a task is a mapping, and this is {}", node.type_name())));
        };
        if pairs.iter().any(|(key, _)| key.as_str() == Some("block")) {
            return Ok(Item::Block(Arc::new(self.block(node, pairs, around, errors, depth)?)));
        }
        let task = self.task(node, pairs, around, errors)?;
        Ok(match task.short_module() {
            "import_tasks" => Item::Block(Arc::new(self.import_tasks(&task, errors, depth)?)),
            "import_role" => Item::Block(Arc::new(self.import_role(&task, errors)?)),
            _ => Item::Task(Arc::new(task)),
        })
    }

    pub(super) fn block(
        &self,
        node: &Node,
        pairs: &[(Node, Node)],
        around: &Arc<Around>,
        errors: &mut Collector,
        depth: usize,
    ) -> Result<Block> {
        let mut keywords = Keywords::new();
        for (key, value) in pairs {
            match Holder::Block.keyword(key.as_str().unwrap_or_default()) {
                Some(word) => drop(keywords.insert(word, value.clone())),
                None => errors.push(unknown_keyword(key, Holder::Block, &[])),
            }
        }
        let vars = keywords.remove("vars").map(|vars| self.vars(&vars, errors)).unwrap_or_default();
        let name = keywords.remove("name");
        let mut part = |word: &str| keywords.remove(word);
        let (block, rescue, always) = (part("block"), part("rescue"), part("always"));
        let ring = Around {
            ring: Ring::Block,
            keywords,
            vars: vars.into(),
            role: None,
            folder: around.folder.clone(),
            span: node.span.clone(),
            up: Some(around.clone()),
        };
        let ring = Arc::new(ring);
        let mut items = |part: Option<Node>| part.map_or_else(|| Arc::from([]), |node| self.items(&node, &ring, errors, depth + 1));
        Ok(Block { name, block: items(block), rescue: items(rescue), always: items(always), around: ring })
    }

    /// A task, whatever it does.
    pub fn task(&self, node: &Node, pairs: &[(Node, Node)], around: &Arc<Around>, errors: &mut Collector) -> Result<Task> {
        let (mut keywords, mut repeat, mut actions, mut local) = (Keywords::new(), None, vec![], false);
        for (key, value) in pairs {
            let word = key.as_str().unwrap_or_default();
            match Holder::Task.keyword(word) {
                Some("loop") => repeat = Some(Repeat { word: "loop".into(), span: key.span.clone(), over: value.clone() }),
                Some("action") => actions.push(action(value)?),
                Some("local_action") => {
                    local = true;
                    actions.push(action(value)?);
                }
                Some(word) => {
                    warn_idle(key, word, errors);
                    keywords.insert(word, value.clone());
                }
                None if word.starts_with("with_") => {
                    repeat = Some(Repeat { word: word.into(), span: key.span.clone(), over: value.clone() })
                }
                None => actions.push((word.into(), key.span.clone(), Some(value.clone()))),
            }
        }
        let (module, module_span, args) = self.one_action(node, actions, pairs)?;
        let name = keywords.remove("name");
        let vars = keywords.remove("vars").map(|vars| self.vars(&vars, errors)).unwrap_or_default();
        let args = Arguments { node: args, more: keywords.remove("args") };
        Ok(Task {
            name,
            module,
            module_span,
            args,
            keywords,
            vars: vars.into(),
            repeat,
            around: around.clone(),
            span: node.span.clone(),
            local,
        })
    }

    /// The one key of a task that is no keyword is its module.
    pub(super) fn one_action(
        &self,
        node: &Node,
        mut actions: Vec<(Arc<str>, Span, Option<Node>)>,
        pairs: &[(Node, Node)],
    ) -> Result<(Arc<str>, Span, Option<Node>)> {
        if actions.len() > 1
            && let Some(at) = actions.iter().position(|(name, ..)| !self.modules.knows(name))
            && let Some((key, _)) = pairs.iter().find(|(key, _)| key.as_str() == Some(&actions[at].0))
        {
            return Err(unknown_keyword(key, Holder::Task, &self.modules.names()));
        }
        match actions.len() {
            0 => Err(node
                .error("this task names no module")
                .hint("one key of a task is a module, such as `copy:` or `ansible.builtin.copy:`")),
            1 => {
                let (name, span, args) = actions.remove(0);
                if !self.modules.knows(&name) {
                    let known = self.modules.names().into_iter().chain(Holder::Task.all());
                    return Err(span
                        .error(format!("no module `{name}`"))
                        .meant(name.rsplit('.').next().unwrap_or(&name), known)
                        .hint("`play doc --list` lists the modules"));
                }
                Ok((name, span, args))
            }
            _ => {
                let (first, second) = (&actions[0], &actions[1]);
                Err(second
                    .1
                    .error(format!("a task has one module, and this has `{}` and `{}`", first.0, second.0))
                    .also(first.1.clone(), "the first"))
            }
        }
    }

    pub(super) fn import_tasks(&self, task: &Task, errors: &mut Collector, depth: usize) -> Result<Block> {
        let target = file_argument(task)?;
        let name = self
            .name(&target, Some(&task.around), &task.vars)
            .map_err(|error| error.hint("`include_tasks` reads its file when the run comes to it"))?;
        let name = name.split_whitespace().next().unwrap_or_default().trim_start_matches("file=").to_string();
        let ring = self.import_ring(task);
        let items = self.tasks_file(&name, &target.span, &task.around, &ring, errors, depth + 1)?;
        Ok(Block { name: task.name.clone(), around: ring, block: items, rescue: Arc::from([]), always: Arc::from([]) })
    }

    pub(super) fn import_ring(&self, task: &Task) -> Arc<Around> {
        let up = Some(task.around.clone());
        Arc::new(Around {
            ring: Ring::Import,
            keywords: task.keywords.clone(),
            vars: task.vars.clone(),
            role: None,
            folder: task.around.folder.clone(),
            span: task.span.clone(),
            up,
        })
    }

    /// The tasks of a file that an import or include names, looked up beside the file that names it and in its role.
    pub fn tasks_file(
        &self,
        name: &str,
        span: &Span,
        from: &Arc<Around>,
        ring: &Arc<Around>,
        errors: &mut Collector,
        depth: usize,
    ) -> Result<Arc<[Item]>> {
        let file = self.find_tasks(name, span, from)?;
        let node = self.document(&file)?;
        let inner = Around {
            ring: ring.ring,
            keywords: ring.keywords.clone(),
            vars: ring.vars.clone(),
            role: ring.role.clone(),
            folder: path::parent(&file).into(),
            span: ring.span.clone(),
            up: ring.up.clone(),
        };
        Ok(self.items(&node, &Arc::new(inner), errors, depth))
    }

    pub(super) fn find_tasks(&self, name: &str, span: &Span, from: &Arc<Around>) -> Result<String> {
        let mut folders: Vec<String> = vec![from.folder.to_string()];
        if let Some(role) = from.role() {
            folders.push(format!("{}/tasks", role.folder));
            folders.push(role.folder.to_string());
        }
        folders.extend(from.rings().filter(|ring| ring.ring == Ring::Play).map(|ring| ring.folder.to_string()));
        let all: Vec<String> = folders.iter().map(|folder| path::join(folder, name)).collect();
        let found = all.iter().find(|path| self.control.entry(path) == Some(Entry::File));
        found.cloned().ok_or_else(|| {
            let near = self.control.list(&folders[0]).unwrap_or_default();
            span.error(format!("no file of tasks `{name}`"))
                .meant(name, near.iter().map(String::as_str))
                .hint(format!("looked for {}", once_each(&all).join(", ")))
        })
    }
}

/// `action: copy src=a dest=b` or `action: {module: copy, src: a}`.
fn action(node: &Node) -> Result<(Arc<str>, Span, Option<Node>)> {
    if let Some(name) = node.get("module").and_then(|name| name.as_str()) {
        let mut rest = node.clone();
        let pairs: Vec<(Node, Node)> =
            node.as_map().unwrap_or_default().iter().filter(|(key, _)| key.as_str() != Some("module")).cloned().collect();
        rest.data = crate::text::yaml::Data::Map(Arc::new(pairs));
        return Ok((name.into(), node.span.clone(), Some(rest)));
    }
    let Some(text) = node.as_str() else { return Err(node.error("`action` takes a module and its arguments")) };
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let at = text.len() - rest.len();
    let args = (!rest.trim().is_empty()).then(|| Node::quoted(node.place(at, text.len()), rest));
    Ok((name.into(), node.place(0, name.len()), args))
}

/// The file that `import_tasks` or `include_tasks` names.
pub fn file_argument(task: &Task) -> Result<Node> {
    let named =
        task.args.node.as_ref().and_then(|node| node.get("file").or_else(|| node.get("_raw_params")).or(node.as_str().map(|_| node)));
    let named = named.or_else(|| task.args.more.as_ref().and_then(|node| node.get("file")));
    named.cloned().ok_or_else(|| task.span.error(format!("`{}` needs the name of a file", task.short_module())))
}
