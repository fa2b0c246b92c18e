//! The arguments of a module: which there are, and what a task gave for them.

use std::collections::BTreeMap;

use crate::text::template::mask::hidden;
use crate::text::{Diagnostic, Node, Result, Span, Value, scalar};

/// What a module is called, what it is for, and which arguments it takes. `play doc` prints this.
#[derive(Debug)]
pub struct Spec {
    /// Its short name; the full one is `ansible.builtin.NAME` or stands in `collection`.
    pub name: &'static str,
    pub collection: &'static str,
    pub about: &'static str,
    pub args: &'static [Arg],
    /// The argument that the free text of `command: echo hi` is for.
    pub free_form: Option<&'static str>,
    /// Takes any further arguments, too (`set_fact`, `add_host`).
    pub any: bool,
}

#[derive(Debug)]
pub struct Arg {
    pub name: &'static str,
    pub kind: Type,
    pub required: bool,
    /// YAML text.
    pub default: Option<&'static str>,
    pub aliases: &'static [&'static str],
    pub choices: &'static [&'static str],
    pub help: &'static str,
    /// Its value is a secret wherever it is shown.
    pub secret: bool,
    /// The module can say what it would do also where only a real run tells this value.
    pub waits: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    Text,
    Bool,
    Int,
    Float,
    /// A path on the target.
    Path,
    /// Permission bits, as `"0644"` or `u=rw,g=r`.
    Mode,
    Texts,
    List,
    Map,
    Any,
    /// An expression that the module wants the value of (`debug: var=`): never between braces.
    Expression,
    /// A list of conditions, each with what came out (`assert: that=`).
    Conditions,
    /// A mapping of names of variables; arrives as `{specification, values}`, the values of those that there are.
    Specification,
    /// A file of the control node, or a tree of them; arrives as contents.
    File,
    /// A template of the control node; arrives as the rendered text.
    Template,
    /// A file of variables of the control node, or a tree of them; arrives as a `File` does, and is looked for in `vars`.
    Vars,
    /// A path of the control node that something is written to; arrives as `{name, path, folder, host}`: as it was written, from the
    /// root, whether there is a folder, and the name of the host.
    Kept,
    /// A line whose first word names a file of the control node; arrives as a `File` does, with the whole line as `line`.
    Program,
}

impl Arg {
    pub const fn new(name: &'static str, kind: Type, help: &'static str) -> Arg {
        Arg { name, kind, required: false, default: None, aliases: &[], choices: &[], help, secret: false, waits: false }
    }

    pub const fn required(mut self) -> Arg {
        self.required = true;
        self
    }

    pub const fn default(mut self, yaml: &'static str) -> Arg {
        self.default = Some(yaml);
        self
    }

    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Arg {
        self.aliases = aliases;
        self
    }

    pub const fn choices(mut self, choices: &'static [&'static str]) -> Arg {
        self.choices = choices;
        self
    }

    pub const fn secret(mut self) -> Arg {
        self.secret = true;
        self
    }

    pub const fn waits(mut self) -> Arg {
        self.waits = true;
        self
    }

    /// What it is for, with its name where users write that.
    fn explained(&self) -> String {
        match self.name {
            "_raw_params" | "free_form" => self.help.to_string(),
            name => format!("`{name}`: {}", self.help),
        }
    }

    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

impl Spec {
    /// What can be said of arguments before a run: names that the module does not have, arguments that it needs and was
    /// not given, values of the wrong type. `given` are the pairs of a mapping as it is written, `whole` if there are no
    /// others; names alone are held against the module where the task may be `meant` to fail.
    pub fn check(&self, span: &Span, given: &[(Node, Node)], whole: bool, meant: bool) -> Vec<Diagnostic> {
        let mut wrong = vec![];
        let named = |key: &Node| self.arg(key.as_str().unwrap_or_default());
        for (key, value) in given {
            let template = value.as_scalar().is_none_or(|scalar| scalar.text.contains("{{") || scalar.text.contains("{%"));
            match named(key) {
                None if !self.any => wrong.push(self.unknown(key.as_str().unwrap_or_default(), &key.span)),
                Some(arg) if meant && !template => wrong.extend(coerce(arg, value.to_value(), &value.span).err()),
                _ => {}
            }
        }
        let missing = |arg: &&Arg| arg.required && !given.iter().any(|(key, _)| named(key).is_some_and(|had| had.name == arg.name));
        wrong.extend(self.args.iter().find(missing).filter(|_| whole && meant).map(|arg| self.needs(arg, span)));
        wrong
    }

    fn needs(&self, arg: &Arg, span: &Span) -> Diagnostic {
        span.error(format!("module `{}` needs the argument `{}`", self.name, arg.name)).hint(arg.explained())
    }

    pub fn arg(&self, name: &str) -> Option<&'static Arg> {
        self.args.iter().find(|arg| arg.is_called(name))
    }

    pub fn full_name(&self) -> String {
        format!("{}.{}", self.collection, self.name)
    }

    /// The error for an argument that the module does not have.
    pub fn unknown(&self, name: &str, span: &Span) -> Diagnostic {
        let known = self.args.iter().flat_map(|arg| std::iter::once(arg.name).chain(arg.aliases.iter().copied()));
        span.error(format!("module `{}` has no argument `{name}`", self.name))
            .meant(name, known)
            .hint(format!("`play doc {}` lists its arguments", self.name))
    }
}

/// The arguments of one task, checked and of the types that the module asks for.
#[derive(Clone, Debug)]
pub struct Args {
    spec: &'static Spec,
    pub span: Span,
    given: BTreeMap<&'static str, (Value, Span)>,
    /// What a module that takes any arguments was given beside its own.
    pub rest: Vec<(String, Value)>,
}

impl Args {
    /// Checks names, requirements, choices and types. `given` are rendered values by the names that the user wrote.
    pub fn new(spec: &'static Spec, span: Span, given: Vec<(String, Value, Span)>) -> Result<Args> {
        let mut args = Args { spec, span, given: BTreeMap::new(), rest: vec![] };
        for (name, value, at) in given {
            match spec.arg(&name) {
                _ if matches!(value.plain(), Value::Omit) => {}
                Some(arg) => {
                    let value = coerce(arg, value, &at)?;
                    if args.given.insert(arg.name, (value, at.clone())).is_some() {
                        return Err(at
                            .error(format!("the argument `{}` is given twice", arg.name))
                            .hint(format!("`{name}` is another name for it")));
                    }
                }
                None if spec.any => args.rest.push((name, value)),
                None => return Err(spec.unknown(&name, &at)),
            }
        }
        match spec.args.iter().find(|arg| arg.required && !args.given.contains_key(arg.name)) {
            Some(arg) => Err(spec.needs(arg, &args.span)),
            None => Ok(args),
        }
    }

    /// What was given, or the default.
    pub fn value(&self, name: &str) -> Option<Value> {
        match self.given.get(name) {
            Some((Value::Null, _)) | None => {
                let arg = self.spec.arg(name);
                debug_assert!(arg.is_some(), "module {} asks for an argument {name} that it does not list", self.spec.name);
                let value = arg?.default.map(scalar::resolve).filter(|value| !value.is_null())?;
                // a default has the type of its argument: `a,b` of a list is two texts
                Some(typed(arg?, value.clone()).unwrap_or(value))
            }
            Some((value, _)) => Some(value.clone()),
        }
    }

    pub fn given(&self, name: &str) -> bool {
        self.given.get(name).is_some_and(|(value, _)| !value.is_null())
    }

    /// A text; numbers of a default count as texts, too.
    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(|value| display(&value))
    }

    /// A required text.
    pub fn need(&self, name: &str) -> Result<String> {
        self.text(name).ok_or_else(|| self.span.error(format!("module `{}` needs the argument `{name}`", self.spec.name)))
    }

    pub fn flag(&self, name: &str) -> bool {
        self.maybe_flag(name).unwrap_or(false)
    }

    pub fn maybe_flag(&self, name: &str) -> Option<bool> {
        self.value(name)?.as_bool()
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        self.value(name)?.as_int()
    }

    /// Replaces what was given, after a file that it names was read.
    pub fn set(&mut self, name: &'static str, value: Value) {
        let span = self.span_of(name).clone();
        self.given.insert(name, (value, span));
    }

    /// A flag of an argument that the module may not have.
    pub fn flag_if_listed(&self, name: &str) -> Option<bool> {
        self.spec.arg(name).and_then(|_| self.maybe_flag(name))
    }

    /// A text that the task gave, of an argument that the module may not have.
    pub fn given_text(&self, name: &str) -> Option<String> {
        self.given.get(name).filter(|(value, _)| !value.is_null()).map(|(value, _)| display(value))
    }

    /// The secrets that went into the arguments.
    pub fn marks(&self) -> Vec<std::sync::Arc<crate::text::Mark>> {
        self.given.values().map(|(value, _)| value).chain(self.rest.iter().map(|(_, value)| value)).flat_map(Value::marks).collect()
    }

    /// The first unknown among the arguments.
    pub fn unknown(&self) -> Option<&std::sync::Arc<crate::text::Unknown>> {
        self.given.values().map(|(value, _)| value).chain(self.rest.iter().map(|(_, value)| value)).find_map(Value::unknown)
    }

    /// The first unknown that the module cannot go without, in a run that only says what it would do.
    pub fn lacks(&self) -> Option<&std::sync::Arc<crate::text::Unknown>> {
        let waits = |name: &str, value: &Value| match self.spec.arg(name) {
            // what a template renders may wait, and its name may not
            Some(arg) if arg.waits => !matches!(arg.kind, Type::File | Type::Template) || value.as_map().is_some(),
            _ => false,
        };
        let given = self.given.iter().filter(|(name, (value, _))| !waits(name, value)).map(|(_, (value, _))| value);
        given.chain(self.rest.iter().map(|(_, value)| value)).find_map(Value::unknown)
    }

    /// A number, whole or not.
    pub fn float(&self, name: &str) -> Option<f64> {
        match self.value(name)?.plain() {
            Value::Int(int) => Some(*int as f64),
            Value::Float(float) => Some(*float),
            _ => None,
        }
    }

    /// A list of texts; empty where none was given.
    pub fn texts(&self, name: &str) -> Vec<String> {
        match self.value(name) {
            Some(value) => value.as_list().map(|items| items.iter().map(display).collect()).unwrap_or_else(|| vec![display(&value)]),
            None => vec![],
        }
    }

    /// Where an argument stands; the task where it was not given.
    pub fn span_of(&self, name: &str) -> &Span {
        self.given.get(name).map_or(&self.span, |(_, span)| span)
    }

    pub fn error(&self, name: &str, message: impl Into<String>) -> Diagnostic {
        self.span_of(name).error(message)
    }

    /// At most one of these may be given.
    pub fn exclusive(&self, names: &[&str]) -> Result<()> {
        let given: Vec<&str> = names.iter().copied().filter(|name| self.given(name)).collect();
        match given[..] {
            [first, second, ..] => Err(self.error(second, format!("`{first}` and `{second}` exclude each other"))),
            _ => Ok(()),
        }
    }

    /// At least one of these must be given.
    pub fn one_of(&self, names: &[&str]) -> Result<()> {
        match names.iter().any(|name| self.given(name)) {
            true => Ok(()),
            false => Err(self.span.error(format!("module `{}` needs one of the arguments {}", self.spec.name, list(names)))),
        }
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A value as Ansible makes a text of it: Python's booleans, everything else as it is written.
pub fn display(value: &Value) -> String {
    match value.plain() {
        Value::Null => String::new(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Int(int) => int.to_string(),
        Value::Float(float) => format!("{float:?}"),
        Value::Text(text) => text.to_string(),
        other => other.as_str().map_or_else(|| format!("{other:?}"), str::to_string),
    }
}

fn coerce(arg: &Arg, value: Value, span: &Span) -> Result<Value> {
    if value.is_null() || matches!(value.plain(), Value::Unknown(_)) {
        return Ok(value);
    }
    let marks = value.marks();
    let plain = value.plain().clone();
    let coerced = typed(arg, plain).map_err(|wanted| {
        let shown = if marks.is_empty() { format!("{} is", value.type_name()) } else { "this secret is".into() };
        span.error(format!("`{}` takes {wanted}, and {shown} given", arg.name)).hint(arg.explained())
    })?;
    if !arg.choices.is_empty() {
        check_choice(arg, &coerced, span).map_err(|error| error.map_text(|text| hidden(text, &marks)))?;
    }
    if arg.kind == Type::Mode {
        check_mode(&coerced, span)?;
    }
    Ok(coerced.marked(marks))
}

fn check_choice(arg: &Arg, value: &Value, span: &Span) -> Result<()> {
    let words = value.as_list().map_or_else(|| vec![display(value)], |items| items.iter().map(display).collect());
    for word in words {
        let known = arg
            .choices
            .iter()
            .any(|choice| *choice == word || scalar::boolean(choice).is_some_and(|flag| scalar::boolean(&word) == Some(flag)));
        if !known {
            // nobody writes the name of a free text
            let name = if arg.name == "free_form" { "it".to_string() } else { format!("`{}`", arg.name) };
            return Err(span
                .error(format!("{name} cannot be `{word}`; it is one of {}", list(arg.choices)))
                .meant(&word, arg.choices.iter().copied()));
        }
    }
    Ok(())
}

/// YAML reads `mode: 755` as a decimal number, which as permission bits would be 01363.
fn check_mode(value: &Value, span: &Span) -> Result<()> {
    let written = span.text().trim_matches(['"', '\'']);
    let Value::Int(bits) = value.plain() else { return Ok(()) };
    let decimal = written.parse::<i64>() == Ok(*bits) && !written.starts_with('0');
    let looks_octal = (0o1000..=777).contains(bits) && bits.to_string().bytes().all(|digit| digit < b'8');
    if decimal || looks_octal {
        let message = format!("the mode {bits} is a decimal number, which would be 0{bits:o}");
        return Err(span.error(message).hint(format!("write \"0{bits}\", with quotes")));
    }
    Ok(())
}

fn typed(arg: &Arg, value: Value) -> std::result::Result<Value, &'static str> {
    match arg.kind {
        Type::Any
        | Type::Expression
        | Type::Conditions
        | Type::Specification
        | Type::File
        | Type::Template
        | Type::Vars
        | Type::Kept
        | Type::Program => Ok(value),
        Type::Text | Type::Path => match value {
            Value::List(_) | Value::Map(_) => Err("a text"),
            Value::Bytes(_) | Value::Contents(_) | Value::Text(_) => Ok(value),
            other => Ok(Value::text(display(&other))),
        },
        Type::Mode => match &value {
            Value::Int(_) => Ok(value),
            Value::Text(text) if !text.is_empty() => Ok(value),
            _ => Err("a mode such as \"0644\" or u=rw,g=r"),
        },
        Type::Bool => to_bool(&value).map(Value::Bool).ok_or("yes or no"),
        Type::Int => to_int(&value).map(Value::Int).ok_or("a whole number"),
        Type::Float => match &value {
            Value::Float(_) | Value::Int(_) => Ok(value),
            other => display(other).trim().parse().map(Value::Float).map_err(|_| "a number"),
        },
        Type::Texts | Type::List => match value {
            Value::List(_) => Ok(value),
            Value::Text(text) if text.is_empty() => Ok(Value::list([])),
            Value::Text(text) => Ok(Value::list(text.split(',').map(|part| Value::text(part.trim())))),
            Value::Map(_) => Err("a list"),
            other => Ok(Value::list([other])),
        },
        Type::Map => match value {
            Value::Map(_) => Ok(value),
            _ => Err("a mapping"),
        },
    }
}

fn to_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Int(0) => Some(false),
        Value::Int(1) => Some(true),
        Value::Text(text) => match text.to_lowercase().as_str() {
            "y" | "t" | "1" | "1.0" => Some(true),
            "n" | "f" | "0" | "0.0" => Some(false),
            lower => scalar::boolean(lower),
        },
        _ => None,
    }
}

fn to_int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(int) => Some(*int),
        Value::Float(float) if float.fract() == 0.0 => Some(*float as i64),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}
