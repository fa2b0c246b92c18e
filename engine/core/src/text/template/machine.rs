//! The functions that emitted templates call, as minijinja sees them.

use std::fmt;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{AutoEscape, Environment, Error, State, UndefinedBehavior, Value as Jinja};

use super::call::Call;
use super::emit::{BLOCK, COMMENT, OUTPUT};
use super::failure::{self, Failure, Lost, Outcome, fail};
use super::held::{self, Held, give, take};
use super::{files, frame, functions, methods, operators, python};
use crate::text::diagnostic::{Diagnostic, Result};
use crate::text::value::{Key, Map, Value};
use crate::text::{filters, tests};

type Run = fn(&mut State<'_, '_>, &[Jinja]) -> Outcome<Jinja>;

/// A function of ours.
struct Function {
    name: &'static str,
    run: Run,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<function {}>", self.name)
    }
}

impl Object for Function {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Jinja]) -> std::result::Result<Jinja, Error> {
        (self.run)(state, args).map_err(Error::from)
    }
}

/// The variables of the scope, as the context of a render.
#[derive(Debug)]
pub struct Variables;

impl Object for Variables {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Jinja> {
        if name.starts_with("_j_") {
            return None;
        }
        let known = frame::here(|here| here.scope.get(name).is_some());
        if !known && name == "vars" {
            return Some(held::give_vars(None));
        }
        if !known && functions::is_global(name) {
            return None;
        }
        Some(held::variable(name, &None))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

/// How many instructions one render may take: about two seconds.
const FUEL: u64 = if cfg!(test) { 1_500_000 } else { 30_000_000 };

pub fn environment() -> Result<Environment<'static>> {
    let mut env = Environment::empty();
    let syntax = SyntaxConfig::builder()
        .block_delimiters(BLOCK.0, BLOCK.1)
        .variable_delimiters(OUTPUT.0, OUTPUT.1)
        .comment_delimiters(COMMENT.0, COMMENT.1)
        .build();
    env.set_syntax(syntax.map_err(|error| Diagnostic::error(error.to_string()))?);
    env.set_auto_escape_callback(|_| AutoEscape::None);
    env.set_undefined_behavior(UndefinedBehavior::Lenient);
    env.set_debug(false);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(400);
    for (name, run) in OPERATIONS {
        env.add_global(*name, Jinja::from_object(Function { name, run: *run }));
    }
    for (name, run) in functions::GLOBALS {
        env.add_global(*name, Jinja::from_object(Function { name, run: *run }));
    }
    env.add_global("_j_empty", give(&Value::list([])));
    env.add_function("namespace", minijinja::functions::namespace);
    Ok(env)
}

macro_rules! binary {
    ($op:literal) => {
        |_, args| Ok(give(&operators::arithmetic($op, &arg(args, 0)?, &arg(args, 1)?)?))
    };
}

macro_rules! comparison {
    ($op:literal) => {
        |_, args| Ok(Jinja::from(operators::compare($op, &arg(args, 0)?, &arg(args, 1)?)?))
    };
}

const OPERATIONS: &[(&str, Run)] = &[
    ("_j_add", binary!("+")),
    ("_j_sub", binary!("-")),
    ("_j_mul", binary!("*")),
    ("_j_div", binary!("/")),
    ("_j_floor", binary!("//")),
    ("_j_mod", binary!("%")),
    ("_j_pow", binary!("**")),
    ("_j_cat", |_, args| Ok(give(&operators::concat(&arg(args, 0)?, &arg(args, 1)?)?))),
    ("_j_eq", comparison!("==")),
    ("_j_ne", comparison!("!=")),
    ("_j_lt", comparison!("<")),
    ("_j_le", comparison!("<=")),
    ("_j_gt", comparison!(">")),
    ("_j_ge", comparison!(">=")),
    ("_j_in", comparison!("in")),
    ("_j_nin", comparison!("not in")),
    ("_j_chain", chain),
    ("_j_neg", |_, args| Ok(give(&operators::sign(true, &arg(args, 0)?)?))),
    ("_j_pos", |_, args| Ok(give(&operators::sign(false, &arg(args, 0)?)?))),
    ("_j_t", |_, args| truth(args)),
    ("_j_u", used),
    ("_j_a", attribute),
    ("_j_i", item),
    ("_j_slice", |_, args| Ok(give(&operators::slice(&arg(args, 0)?, [&arg(args, 1)?, &arg(args, 2)?, &arg(args, 3)?])?))),
    ("_j_list", |_, args| Ok(Held::list(args.iter().map(take).collect::<Outcome<_>>()?))),
    ("_j_tuple", |_, args| Ok(Held::list(args.iter().map(take).collect::<Outcome<_>>()?))),
    ("_j_dict", dict),
    ("_j_iter", |_, args| iterate(args)),
    ("_j_kwargs", |_, args| Ok(give(&arg(args, 0)?))),
    ("_j_out", |_, args| printed(args)),
    ("_j_ret", |_, args| returned(args)),
    ("_j_noelse", |_, _| {
        let diagnostic = Diagnostic::error("the condition is false, and this `if` has no `else`").hint("add `else`");
        Ok(give(&failure::undefined(Lost { blank: true, ..Lost::new(diagnostic, String::new()) })))
    }),
    ("_j_f", filter),
    ("_j_is", test),
    ("_j_m", method),
    ("_j_call", call),
    ("_j_file", |state, args| files::named(&arg(args, 0)?, false, state.name())),
    ("_j_maybe", |state, args| files::named(&arg(args, 0)?, true, state.name())),
];

fn arg(args: &[Jinja], at: usize) -> Outcome<Value> {
    args.get(at).map_or(Ok(Value::Null), take)
}

fn truth(args: &[Jinja]) -> Outcome<Jinja> {
    match args.first() {
        Some(jinja) if jinja.downcast_object_ref::<Held>().and_then(Held::len).is_some() => Ok(Jinja::from(jinja.is_true())),
        _ => Ok(Jinja::from(operators::truth(&arg(args, 0)?)?)),
    }
}

/// The left side of `and` and `or`: minijinja asks for its truth.
fn used(_: &mut State<'_, '_>, args: &[Jinja]) -> Outcome<Jinja> {
    let jinja = &args[0];
    if let Some(held) = jinja.downcast_object_ref::<Held>()
        && held.len().is_none()
    {
        failure::usable(&held.value()?)?;
    } else if jinja.is_undefined() {
        failure::usable(&take(jinja)?)?;
    }
    Ok(jinja.clone())
}

fn chain(_: &mut State<'_, '_>, args: &[Jinja]) -> Outcome<Jinja> {
    for at in (0..args.len().saturating_sub(2)).step_by(2) {
        let op = args[at + 1].as_str().unwrap_or_default().to_string();
        if !operators::compare(&op, &arg(args, at)?, &arg(args, at + 2)?)? {
            return Ok(Jinja::from(false));
        }
    }
    Ok(Jinja::from(true))
}

/// `base.name`
fn attribute(_: &mut State<'_, '_>, args: &[Jinja]) -> Outcome<Jinja> {
    let (base, name) = (&args[0], args[1].as_str().unwrap_or_default());
    if let Some(held) = base.downcast_object::<Held>() {
        return member(&held, &Value::text(name));
    }
    match base.get_attr(name) {
        Ok(value) if !value.is_undefined() => Ok(value),
        _ if base.as_str().is_some_and(|text| filters::time::member(text, name).is_some()) => {
            Ok(base.as_str().and_then(|text| filters::time::member(text, name)).map_or_else(|| Jinja::from(()), |value| give(&value)))
        }
        _ => missing(&take(base)?, &Value::text(name), &[]),
    }
}

/// `base[key]`
fn item(_: &mut State<'_, '_>, args: &[Jinja]) -> Outcome<Jinja> {
    let (base, key) = (&args[0], take(&args[1])?);
    failure::usable(&key)?;
    let key = frame::read(&key);
    if let Some(held) = base.downcast_object::<Held>() {
        return member(&held, key);
    }
    if let (Some(text), Value::Int(at)) = (base.as_str(), key) {
        let chars: Vec<char> = text.chars().collect();
        if let Some(at) = held::index(*at, chars.len()) {
            return Ok(Jinja::from(chars[at].to_string()));
        }
    } else if base.as_str().is_none()
        && !base.is_undefined()
        && let Ok(value) = base.get_item(&give(key))
        && !value.is_undefined()
    {
        return Ok(value);
    }
    missing(&take(base)?, key, &[])
}

fn member(held: &Arc<Held>, key: &Value) -> Outcome<Jinja> {
    match held.member(key) {
        Some(found) => Ok(found),
        None if held.is_map() => missing(&Value::Null, key, &held.names()),
        None => {
            let value = held.value()?;
            // the groups of `groupby` have names for their two halves
            let half = match (value.as_list(), key.as_str()) {
                (Some([group, _]), Some("grouper")) => Some(group),
                (Some([_, members]), Some("list")) => Some(members),
                _ => None,
            };
            half.map_or_else(|| missing(&value, key, &[]), |half| Ok(give(half)))
        }
    }
}

/// A member that is not there: undefined, as is every member of something undefined.
fn missing(base: &Value, key: &Value, names: &[String]) -> Outcome<Jinja> {
    if let Value::Unknown(_) = base {
        return Ok(give(base));
    }
    let shown = python::text(key)?;
    let message = match (base, key) {
        (Value::List(items), Value::Int(at)) => format!("the list has {} items, and no item {at}", items.len()),
        (Value::Null, _) if names.is_empty() => format!("null has no member `{shown}`"),
        (Value::Null, _) => format!("the mapping has no key `{shown}`"),
        (other, _) => format!("{} has no member `{shown}`", other.type_name()),
    };
    let diagnostic = Diagnostic::error(message).meant(&shown, names.iter().map(String::as_str));
    Ok(give(&failure::undefined(Lost::new(diagnostic, shown.to_string()))))
}

fn dict(_: &mut State<'_, '_>, args: &[Jinja]) -> Outcome<Jinja> {
    let pairs = args.chunks(2).map(|pair| Ok((held::key_of(&take(&pair[0])?)?, arg(pair, 1)?)));
    Ok(give(&Value::Map(Arc::new(pairs.collect::<Outcome<Map>>()?))))
}

fn iterate(args: &[Jinja]) -> Outcome<Jinja> {
    let jinja = &args[0];
    if let Some(held) = jinja.downcast_object_ref::<Held>()
        && held.len().is_some()
    {
        return Ok(if held.is_map() { Held::list(held_keys(jinja)?) } else { jinja.clone() });
    }
    let value = take(jinja)?;
    Ok(give(&Value::List(operators::items(&value)?)))
}

fn held_keys(jinja: &Jinja) -> Outcome<Vec<Value>> {
    jinja.try_iter().map_err(held::carried)?.map(|key| take(&key)).collect()
}

/// One `{{ … }}` among other text.
fn printed(args: &[Jinja]) -> Outcome<Jinja> {
    let value = arg(args, 0)?;
    if failure::is_blank(&value) {
        return Ok(Jinja::from(""));
    }
    failure::usable(&value)?;
    let text = match frame::read(&value) {
        Value::Null => return Ok(Jinja::from("")),
        _ => python::text(&value)?.into_owned(),
    };
    frame::frame(|frame| {
        frame.outputs += 1;
        frame.last = (frame.outputs == 1).then(|| (value.clone(), text.len()));
    });
    Ok(Jinja::from(text))
}

/// The only `{{ … }}` of a template: its value keeps its type.
fn returned(args: &[Jinja]) -> Outcome<Jinja> {
    let value = arg(args, 0)?;
    failure::usable(&value)?;
    frame::frame(|frame| frame.last = Some((value, 0)));
    Ok(Jinja::from(""))
}

/// The arguments of a call from minijinja: plain ones, and named ones at the end.
pub fn split(args: &[Jinja]) -> Outcome<(Vec<Value>, Map)> {
    let (args, named) = match args.last() {
        Some(last) if last.is_kwargs() => (&args[..args.len() - 1], Some(last)),
        _ => (args, None),
    };
    let mut map = Map::new();
    if let Some(pairs) = named.and_then(|named| named.as_object()).and_then(|object| object.try_iter_pairs()) {
        for (key, value) in pairs {
            map.insert_key(Key::from(key.as_str().unwrap_or_default()), take(&value)?);
        }
    }
    Ok((args.iter().map(take).collect::<Outcome<_>>()?, map))
}

fn filter(_: &mut State<'_, '_>, args: &[Jinja]) -> Outcome<Jinja> {
    let filter = filters::get(args[0].as_usize().unwrap_or(usize::MAX));
    // these pass a lazy tree on as it is
    match filter.name {
        "default" | "d" if args.len() <= 3 => {
            let held = args[1].downcast_object_ref::<Held>();
            if held.is_some_and(|held| held.len().is_some_and(|length| length > 0)) {
                return Ok(args[1].clone());
            }
        }
        "length" | "count" => {
            if let Some(length) = args[1].downcast_object_ref::<Held>().and_then(Held::len) {
                return Ok(Jinja::from(length));
            }
        }
        _ => {}
    }
    let (values, named) = split(&args[1..])?;
    frame::here(|here| Ok(give(&filter.apply(values, named, here)?)))
}

fn test(_: &mut State<'_, '_>, args: &[Jinja]) -> Outcome<Jinja> {
    let test = tests::get(args[0].as_usize().unwrap_or(usize::MAX));
    if matches!(test.name, "defined" | "undefined") && args[1].downcast_object_ref::<Held>().and_then(Held::len).is_some() {
        return Ok(Jinja::from(test.name == "defined"));
    }
    let (values, named) = split(&args[1..])?;
    frame::here(|here| Ok(Jinja::from(test.holds(values, named, here)?)))
}

/// `base.name(…)`
fn method(state: &mut State<'_, '_>, args: &[Jinja]) -> Outcome<Jinja> {
    let (base, name) = (&args[0], args[1].as_str().unwrap_or_default().to_string());
    let held = base.downcast_object::<Held>();
    let ours = held.is_some() || base.as_object().is_none();
    if !ours {
        // a module, a namespace, a loop: minijinja's own
        if let Ok(member) = base.get_attr(&name)
            && !member.is_undefined()
        {
            return call_with(state, &member, &args[2..]);
        }
        return base.call_method(state, &name, &args[2..]).map_err(held::carried);
    }
    let (values, named) = split(&args[2..])?;
    if let Some(held) = &held {
        if let Some(result) = methods::changing(held, &name, &values, &named)? {
            return Ok(give(&result));
        }
        if held.is_map() && name == "get" {
            let key = values.first().cloned().unwrap_or_default();
            failure::usable(&key)?;
            let fallback = || Ok(give(values.get(1).unwrap_or(&Value::Null)));
            return held.member(frame::read(&key)).map_or_else(fallback, Ok);
        }
    }
    let value = take(base)?;
    failure::usable(&value)?;
    Ok(give(&methods::call(frame::read(&value), &name, &Call::new(&name, values, named))?))
}

fn call(state: &mut State<'_, '_>, args: &[Jinja]) -> Outcome<Jinja> {
    call_with(state, &args[0], &args[1..])
}

/// Calls a function or macro; a macro that reads `varargs` or `kwargs` gets what is left over.
fn call_with(state: &mut State<'_, '_>, callee: &Jinja, args: &[Jinja]) -> Outcome<Jinja> {
    if callee.as_object().is_none() || callee.downcast_object_ref::<Held>().is_some() {
        let value = take(callee)?;
        if let Some(lost) = failure::lost(&value) {
            let diagnostic = Diagnostic::error(format!("there is no function `{}`", lost.key)).meant(&lost.key, functions::names());
            return Err(Failure::Undefined(Lost::new(diagnostic, lost.key)));
        }
        failure::usable(&value)?;
        return fail(format!("{} cannot be called", value.type_name()));
    }
    let parameters: Vec<String> = match callee.get_attr("arguments") {
        Ok(names) if names.try_iter().is_ok() => names.try_iter().into_iter().flatten().map(|name| name.to_string()).collect(),
        _ => vec![],
    };
    let hidden = |name: &str| parameters.iter().any(|parameter| parameter == name);
    if !hidden("varargs") && !hidden("kwargs") {
        return callee.call(state, args).map_err(held::carried);
    }
    let fixed = parameters.iter().filter(|name| !matches!(name.as_str(), "varargs" | "kwargs")).count();
    let (plain, named) = match args.last() {
        Some(last) if last.is_kwargs() => (&args[..args.len() - 1], Some(last)),
        _ => (args, None),
    };
    let given = plain.iter().take(fixed).cloned().collect::<Vec<_>>();
    let rest = plain.iter().skip(fixed).map(take).collect::<Outcome<Vec<_>>>()?;
    let (mut passed, mut left) = (vec![], Map::new());
    for (key, value) in named.and_then(|named| named.as_object()).and_then(|object| object.try_iter_pairs()).into_iter().flatten() {
        let key = key.as_str().unwrap_or_default().to_string();
        if hidden(&key) || key == "caller" {
            passed.push((key, value));
        } else {
            left.insert(key, take(&value)?);
        }
    }
    if hidden("varargs") {
        passed.push(("varargs".to_string(), Held::list(rest)));
    }
    if hidden("kwargs") {
        passed.push(("kwargs".to_string(), give(&Value::from(left))));
    }
    let named: minijinja::value::Kwargs = passed.into_iter().collect();
    let args: Vec<Jinja> = given.into_iter().chain([Jinja::from(named)]).collect();
    callee.call(state, &args).map_err(held::carried)
}
