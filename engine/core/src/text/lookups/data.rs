//! Lookups that only arrange data, and those that read tables.

use super::{option, terms};
use crate::text::filters;
use crate::text::template::{self as t, Call, Here, Outcome, Search, fail, read};
use crate::text::value::{Map, Value};

/// A filter over these arguments.
fn filtered(name: &str, args: Vec<Value>, named: Map, here: &Here<'_>) -> Outcome<Vec<Value>> {
    match filters::index(name) {
        Some(at) => Ok(t::items(&filters::get(at).apply(args, named, here)?)?.to_vec()),
        None => fail(format!("there is no filter `{name}`")),
    }
}

pub fn random_choice(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let all = &call.args;
    if all.is_empty() {
        return Ok(vec![]);
    }
    let mut random = filters::number::Random::new(None, here)?;
    Ok(vec![all[random.below(all.len() as u64) as usize].clone()])
}

/// The only term where it is a list, or all terms.
fn flat(call: &Call<'_>) -> Vec<Value> {
    match call.args.as_slice() {
        [only] => read(only).as_list().map_or_else(|| call.args.clone(), <[Value]>::to_vec),
        _ => call.args.clone(),
    }
}

pub fn dict(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let mut out = vec![];
    for term in flat(call) {
        out.extend(filtered("dict2items", vec![term], Map::new(), here)?);
    }
    Ok(out)
}

pub fn items(call: &Call<'_>, _: &Here<'_>) -> Outcome<Vec<Value>> {
    let mut out = vec![];
    for term in &call.args {
        match read(term) {
            Value::List(items) => out.extend(items.iter().cloned()),
            _ => out.push(term.clone()),
        }
    }
    Ok(out)
}

pub fn flattened(call: &Call<'_>, _: &Here<'_>) -> Outcome<Vec<Value>> {
    Ok(filters::list::flattened(&call.args, 100))
}

pub fn indexed(call: &Call<'_>, _: &Here<'_>) -> Outcome<Vec<Value>> {
    Ok(flat(call).into_iter().enumerate().map(|(at, item)| Value::list([Value::Int(at as i64), item])).collect())
}

pub fn together(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    filtered("zip_longest", call.args.clone(), Map::new(), here)
}

pub fn nested(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    filtered("product", call.args.clone(), Map::new(), here)
}

pub fn subelements(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let mut args = flat(call);
    if args.len() > 3 || args.len() < 2 {
        args = call.args.clone();
    }
    // of results, the ones that were skipped are no elements
    if let Some(Value::List(items)) = args.first().map(read) {
        let kept = items.iter().filter(|item| !read(item).get("skipped").is_some_and(filters::text::boolean)).cloned();
        args[0] = Value::list(kept);
    }
    filtered("subelements", args, Map::new(), here)
}

pub fn sequence(call: &Call<'_>, _: &Here<'_>) -> Outcome<Vec<Value>> {
    let mut out = vec![];
    let base: Vec<(String, String)> =
        call.named.iter().map(|(key, value)| Ok((key.to_string(), t::python_text(value)?.into_owned()))).collect::<Outcome<_>>()?;
    let terms = terms(call)?;
    for term in if terms.is_empty() { vec![String::new()] } else { terms } {
        let mut options = base.clone();
        if term.contains('=') {
            options.extend(
                term.split_whitespace().filter_map(|word| word.split_once('=')).map(|(key, value)| (key.to_string(), value.to_string())),
            );
        } else if !term.is_empty() {
            short_form(&term, &mut options);
        }
        one_sequence(&options, &mut out)?;
    }
    Ok(out)
}

/// `[start-]end[/stride][:format]`
fn short_form(term: &str, options: &mut Vec<(String, String)>) {
    let (range, format) = term.split_once(':').map_or((term, None), |(range, format)| (range, Some(format)));
    let (range, stride) = range.split_once('/').map_or((range, None), |(range, stride)| (range, Some(stride)));
    let (start, end) =
        range.split_once('-').filter(|(start, _)| !start.is_empty()).map_or((None, range), |(start, end)| (Some(start), end));
    let mut add = |name: &str, value: Option<&str>| options.extend(value.map(|value| (name.to_string(), value.to_string())));
    add("start", start);
    add("end", Some(end));
    add("stride", stride);
    add("format", format);
}

fn one_sequence(options: &[(String, String)], out: &mut Vec<Value>) -> Outcome<()> {
    let get = |name: &str| options.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let number = |name: &str| -> Outcome<Option<i64>> {
        let Some(text) = get(name) else { return Ok(None) };
        let (text_digits, radix) = text.strip_prefix("0x").map_or((text, 10), |hex| (hex, 16));
        match i64::from_str_radix(text_digits, radix) {
            Ok(number) => Ok(Some(number)),
            Err(_) => fail(format!("`{name}={text}` of a sequence is no integer")),
        }
    };
    let start = number("start")?.unwrap_or(1);
    let mut stride = number("stride")?;
    let end = match (number("count")?, number("end")?) {
        (Some(_), Some(_)) => return fail("a sequence takes `count` or `end`, not both"),
        (Some(0), None) => return Ok(()),
        (Some(count), None) => start + stride.unwrap_or(1) * (count - 1),
        (None, Some(end)) => end,
        (None, None) => return fail("a sequence needs `end` or `count`"),
    };
    let step = *stride.get_or_insert(1);
    if step == 0 {
        return Ok(());
    }
    if (step > 0 && end < start) || (step < 0 && end > start) {
        return fail(format!("this sequence goes from {start} to {end} in steps of {step}"))
            .map_err(|failure: t::Failure| failure.map(|diagnostic| diagnostic.hint("give a `stride` with the other sign")));
    }
    if (end - start) / step > 1_000_000 {
        return fail("this sequence has over a million items");
    }
    let format = get("format").unwrap_or("%d");
    let mut at = start;
    while (step > 0 && at <= end) || (step < 0 && at >= end) {
        out.push(Value::text(t::percent_with(format, &[Value::Int(at)], None, true)?));
        at += step;
    }
    Ok(())
}

fn table(here: &Here<'_>, name: &str) -> Outcome<String> {
    let Some(path) = t::find(here, Search::File, name) else { return Err(t::not_found(here, Search::File, name).into()) };
    let value = t::file_text(here, &path)?;
    Ok(t::python_text(read(&value))?.into_owned())
}

pub fn ini(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let mut out = vec![];
    for term in terms(call)? {
        let mut words = term.split_whitespace();
        let key = words.next().unwrap_or_default().to_string();
        let inline: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
        let get = |name: &str| -> Outcome<Option<String>> {
            Ok(match inline.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => Some(value.to_string()),
                None => option(call, name)?,
            })
        };
        let file = get("file")?.unwrap_or_else(|| "ansible.ini".to_string());
        let text = table(here, &file)?;
        let properties = get("type")?.as_deref() == Some("properties");
        let section = if properties { "java_properties".to_string() } else { get("section")?.unwrap_or_else(|| "global".to_string()) };
        let by_pattern = get("re")?.is_some_and(|flag| filters::text::boolean(&Value::text(flag)));
        let case = get("case_sensitive")?.is_some_and(|flag| filters::text::boolean(&Value::text(flag)));
        let pairs = section_of(&text, &section, properties, case);
        let wanted = if case { key.clone() } else { key.to_lowercase() };
        if by_pattern {
            let regex = filters::regex::compiled(&key, false, false)?;
            out.extend(pairs.into_iter().filter(|(name, _)| regex.is_match(name).unwrap_or(false)).map(|(_, value)| Value::text(value)));
            continue;
        }
        match pairs.into_iter().rev().find(|(name, _)| *name == wanted) {
            Some((_, value)) => out.push(Value::text(value)),
            None => out.push(Value::text(get("default")?.unwrap_or_default())),
        }
    }
    Ok(out)
}

fn section_of(text: &str, section: &str, whole: bool, case: bool) -> Vec<(String, String)> {
    let mut inside = whole;
    let mut out: Vec<(String, String)> = vec![];
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            inside = whole || name == section;
            continue;
        }
        if !inside {
            continue;
        }
        if line.starts_with([' ', '\t'])
            && let Some((_, value)) = out.last_mut()
        {
            value.push('\n');
            value.push_str(trimmed);
            continue;
        }
        let at = trimmed.find(['=', ':']).unwrap_or(trimmed.len());
        let name = trimmed[..at].trim();
        let name = if case { name.to_string() } else { name.to_lowercase() };
        out.push((name, trimmed.get(at + 1..).unwrap_or_default().trim().to_string()));
    }
    out
}

pub fn csvfile(call: &Call<'_>, here: &Here<'_>) -> Outcome<Vec<Value>> {
    let mut out = vec![];
    for term in terms(call)? {
        let mut words = term.split_whitespace();
        let key = words.next().unwrap_or_default().to_string();
        let inline: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
        let get = |name: &str, default: &str| -> Outcome<String> {
            Ok(match inline.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => value.to_string(),
                None => option(call, name)?.unwrap_or_else(|| default.to_string()),
            })
        };
        let text = table(here, &get("file", "ansible.csv")?)?;
        let delimiter = match get("delimiter", "TAB")?.as_str() {
            "TAB" | "\\t" => '\t',
            other => other.chars().next().unwrap_or('\t'),
        };
        let (col, keycol) = (get("col", "1")?.parse().unwrap_or(1), get("keycol", "0")?.parse().unwrap_or(0));
        let found = text.lines().map(|line| fields(line, delimiter)).find(|row: &Vec<String>| row.get::<usize>(keycol) == Some(&key));
        match found.and_then(|row| row.get::<usize>(col).cloned()) {
            Some(value) => out.push(Value::text(value)),
            None => out.extend(call.named.get("default").cloned()),
        }
    }
    Ok(out)
}

fn fields(line: &str, delimiter: char) -> Vec<String> {
    let (mut out, mut field, mut quoted) = (vec![], String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => quoted = !quoted,
            c if c == delimiter && !quoted => out.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    out.push(field);
    out
}
