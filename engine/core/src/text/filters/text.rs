//! Filters on text, and those that look at a value's type.

use super::Filter;
use crate::text::diagnostic::Diagnostic;
use crate::text::template::{self as t, Call, Failure, Here, Outcome, fail, read};
use crate::text::value::{Map, Value};

pub const FILTERS: &[Filter] = &[
    Filter::lax("default", "value default_value boolean", default),
    Filter::lax("d", "value default_value boolean", default),
    Filter::lax("mandatory", "value msg", mandatory),
    Filter::lax("ternary", "value true_val false_val none_val", ternary),
    Filter::lax("type_debug", "value", |call, _| Ok(Value::text(t::python_type(call.get(0).unwrap_or(&Value::Null))))),
    Filter::new("bool", "value", |call, _| Ok(Value::Bool(boolean(call.need(0)?)))),
    Filter::new("string", "value", |call, _| Ok(Value::text(call.text(0)?))),
    Filter::new("safe", "value", |call, _| Ok(Value::text(call.text(0)?))),
    Filter::new("lower", "value", |call, _| Ok(Value::text(call.text(0)?.to_lowercase()))),
    Filter::new("upper", "value", |call, _| Ok(Value::text(call.text(0)?.to_uppercase()))),
    Filter::new("capitalize", "value", |call, _| Ok(Value::text(t::capitalized(&call.text(0)?)))),
    Filter::new("title", "value", |call, _| Ok(Value::text(title(&call.text(0)?)))),
    Filter::new("trim", "value chars", trim),
    Filter::new("replace", "value old new count", replace),
    Filter::new("indent", "value width first blank", indent),
    Filter::new("center", "value width", center),
    Filter::new("truncate", "value length killwords end leeway", truncate),
    Filter::new("wordwrap", "value width break_long_words wrapstring break_on_hyphens", wordwrap),
    Filter::new("wordcount", "value", |call, _| {
        Ok(Value::Int(call.text(0)?.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).count() as i64))
    }),
    Filter::new("format", "value *args **named", format),
    Filter::new("split", "value sep maxsplit", split),
    Filter::new("quote", "value", |call, _| Ok(Value::text(quoted(&call.given(0)?.map_or(Ok("".into()), t::python_text)?)))),
    Filter::new("comment", "value style **", comment),
    Filter::new("escape", "value", |call, _| Ok(Value::text(escaped(&call.text(0)?)))),
    Filter::new("e", "value", |call, _| Ok(Value::text(escaped(&call.text(0)?)))),
    Filter::new("forceescape", "value", |call, _| Ok(Value::text(escaped(&call.text(0)?)))),
    Filter::new("striptags", "value", |call, _| Ok(Value::text(stripped(&call.text(0)?)))),
    Filter::new("xmlattr", "value autospace", xmlattr),
    Filter::new("pprint", "value", |call, _| Ok(Value::text(t::python_shown(call.need(0)?)?))),
    Filter::new("filesizeformat", "value binary", filesize),
];

fn default(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let value = call.get(0).cloned().unwrap_or(Value::Omit);
    if t::is_undefined(&value) {
        return Ok(call.args.get(1).cloned().unwrap_or_else(|| Value::text("")));
    }
    if matches!(value, Value::Unknown(_)) {
        return Ok(value);
    }
    if call.flag(2, false)? && !t::truth(&value)? {
        return Ok(call.args.get(1).cloned().unwrap_or_else(|| Value::text("")));
    }
    Ok(value)
}

fn mandatory(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let value = call.get(0).cloned().unwrap_or(Value::Null);
    let Some(mut lost) = t::lost(&value) else { return Ok(value) };
    if let Some(message) = call.given(1)? {
        lost.diagnostic = Diagnostic::error(t::python_text(message)?.to_string());
    }
    Err(Failure::Undefined(lost))
}

fn ternary(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let value = call.need(0)?;
    if value.is_null()
        && let Some(none) = call.get(3).filter(|none| !none.is_null())
    {
        return Ok(none.clone());
    }
    let at = if t::truth(value)? { 1 } else { 2 };
    match call.args.get(at) {
        Some(chosen) => Ok(chosen.clone()),
        None => fail("`ternary` needs a value for true and one for false"),
    }
}

pub fn boolean(value: &Value) -> bool {
    match read(value) {
        Value::Bool(flag) => *flag,
        Value::Int(int) => *int == 1,
        Value::Float(float) => *float == 1.0,
        other => other.as_str().is_some_and(|text| matches!(text.to_lowercase().as_str(), "yes" | "on" | "true" | "1")),
    }
}

/// Jinja's `title`: words begin after blanks, hyphens and opening brackets.
fn title(text: &str) -> String {
    let mut out = String::new();
    let mut begins = true;
    for c in text.chars() {
        if begins {
            out.extend(c.to_uppercase())
        } else {
            out.extend(c.to_lowercase())
        }
        begins = c.is_whitespace() || "-({[<".contains(c);
    }
    out
}

fn trim(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let text = call.text(0)?;
    Ok(Value::text(match call.given(1)? {
        Some(set) => {
            let set: Vec<char> = t::python_text(set)?.chars().collect();
            text.trim_matches(|c| set.contains(&c))
        }
        None => text.trim(),
    }))
}

fn replace(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    Ok(Value::text(t::replaced(&call.text(0)?, &call.text(1)?, &call.text(2)?, call.int_or(3, -1)?)))
}

fn indent(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let width = match call.given(1)? {
        Some(Value::Text(text)) => text.to_string(),
        Some(_) => " ".repeat(usize::try_from(call.int(1)?).unwrap_or(0).min(10_000)),
        None => "    ".to_string(),
    };
    let (first, blank) = (call.flag(2, false)?, call.flag(3, false)?);
    let text = call.text(0)?;
    // Jinja adds a line end, so that one at the end counts as an empty last line
    let mut lines: Vec<&str> = text.split('\n').collect();
    if lines.last() == Some(&"") && lines.len() > 1 && !blank {
        lines.pop();
    }
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        if (at > 0 || first) && (blank || !line.is_empty()) {
            out.push_str(&width);
        }
        out.push_str(line);
    }
    if text.ends_with('\n') && !blank {
        out.push('\n');
    }
    Ok(Value::text(out))
}

fn center(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let text = call.text(0)?;
    let width = usize::try_from(call.int_or(1, 80)?).unwrap_or(0).min(1_000_000);
    let missing = width.saturating_sub(text.chars().count());
    let left = missing / 2 + (missing & width & 1);
    Ok(Value::text(format!("{}{text}{}", " ".repeat(left), " ".repeat(missing - left))))
}

fn truncate(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let text = call.text(0)?;
    let length = usize::try_from(call.int_or(1, 255)?).unwrap_or(0);
    let kill = call.flag(2, false)?;
    let end = call.text_or(3, "...")?;
    let leeway = usize::try_from(call.int_or(4, 5)?).unwrap_or(0);
    let ends = end.chars().count();
    if length < ends {
        return fail(format!("`truncate` to {length} characters leaves no room for `{end}`"));
    }
    if text.chars().count() <= length + leeway {
        return Ok(Value::text(text));
    }
    let cut: String = text.chars().take(length - ends).collect();
    let kept = if kill { &cut } else { cut.rsplit_once(' ').map_or(cut.as_str(), |(kept, _)| kept) };
    Ok(Value::text(format!("{kept}{end}")))
}

fn wordwrap(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let width = usize::try_from(call.int_or(1, 79)?).unwrap_or(79).max(1);
    let long = call.flag(2, true)?;
    let join = call.text_or(3, "\n")?.to_string();
    let hyphens = call.flag(4, true)?;
    let text = call.text(0)?;
    let lines = text.lines().map(|line| wrapped(line, width, long, hyphens).join(&join));
    Ok(Value::text(lines.collect::<Vec<_>>().join(&join)))
}

/// Python's `textwrap.wrap` without a change of blanks.
fn wrapped(line: &str, width: usize, long: bool, hyphens: bool) -> Vec<String> {
    let mut chunks: Vec<String> = vec![];
    let mut last = None;
    for c in line.chars() {
        let blank = c.is_whitespace();
        if last != Some(blank)
            || (hyphens && !blank && chunks.last().is_some_and(|chunk| chunk.len() > 1 && chunk.ends_with('-') && c.is_alphabetic()))
        {
            chunks.push(String::new());
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(c);
        }
        last = Some(blank);
    }
    let length = |text: &str| text.chars().count();
    let (mut lines, mut current) = (vec![], String::new());
    let mut queue: std::collections::VecDeque<String> = chunks.into();
    while let Some(chunk) = queue.pop_front() {
        let blank = chunk.trim().is_empty();
        if blank && current.is_empty() && !lines.is_empty() {
            continue;
        }
        let room = width.saturating_sub(length(&current));
        if length(&chunk) <= room {
            current.push_str(&chunk);
        } else if !blank && length(&chunk) > width && long {
            let room = room.max(usize::from(current.is_empty()));
            current.extend(chunk.chars().take(room));
            queue.push_front(chunk.chars().skip(room).collect());
            lines.push(std::mem::take(&mut current).trim_end().to_string());
        } else if current.is_empty() {
            lines.push(chunk);
        } else {
            lines.push(std::mem::take(&mut current).trim_end().to_string());
            queue.push_front(chunk);
        }
    }
    if !current.trim().is_empty() {
        lines.push(current.trim_end().to_string());
    }
    lines
}

fn format(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let text = call.text(0)?;
    if !call.named.is_empty() {
        return t::percent_with(&text, &[], Some(&call.named), true).map(Value::text);
    }
    let map = match call.args.get(1).map(read) {
        Some(Value::Map(map)) if call.args.len() == 2 => Some(&**map),
        _ => None,
    };
    t::percent_with(&text, &call.args[1..], map, map.is_some()).map(Value::text)
}

fn split(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let inner = Call::new("split", call.args[1..].to_vec(), Map::new());
    t::split(call.string(0)?, false, &inner)
}

/// As Python's `shlex.quote`.
pub fn quoted(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        return text.to_string();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;").replace('"', "&#34;")
}

fn stripped(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn xmlattr(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let mut parts = vec![];
    for (key, value) in call.map(0)?.iter() {
        if !value.is_null() && !t::is_undefined(value) {
            parts.push(format!("{key}=\"{}\"", escaped(&t::python_text(value)?)));
        }
    }
    let text = parts.join(" ");
    Ok(Value::text(if call.flag(1, true)? && !text.is_empty() { format!(" {text}") } else { text }))
}

fn filesize(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let bytes = t::number(call.need(0)?).map_or(0.0, |number| number.float());
    let binary = call.flag(1, false)?;
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if bytes < base {
        return Ok(Value::text(if bytes == 1.0 { "1 Byte".to_string() } else { format!("{} Bytes", bytes as i64) }));
    }
    let prefixes =
        if binary { ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] } else { ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"] };
    let at = (0..7).find(|at| bytes < base.powi(at + 2)).unwrap_or(7);
    Ok(Value::text(format!("{:.1} {}", bytes / base.powi(at + 1), prefixes[at as usize])))
}

fn comment(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let style = call.text_or(1, "plain")?.to_string();
    let (beginning, decoration, end) = match style.as_str() {
        "plain" => ("", "# ", ""),
        "erlang" => ("", "% ", ""),
        "c" => ("", "// ", ""),
        "cblock" => ("/*", " * ", " */"),
        "xml" => ("<!--", " - ", "-->"),
        _ => {
            let known = ["plain", "erlang", "c", "cblock", "xml"];
            return Err(Diagnostic::error(format!("`comment` has no style `{style}`"))
                .meant(&style, known)
                .hint("one of plain, erlang, c, cblock, xml")
                .into());
        }
    };
    let named = |name: &str, default: &str| {
        call.named.get(name).map_or(Ok(default.to_string()), |value| t::python_text(value).map(|text| text.into_owned()))
    };
    let count = |name: &str| call.named.get(name).and_then(Value::as_int).map_or(1, |count| usize::try_from(count).unwrap_or(0).min(1000));
    let decoration = named("decoration", decoration)?;
    let around = decoration.trim_end().to_string();
    let newline = named("newline", "\n")?;
    let (beginning, end) = (named("beginning", beginning)?, named("end", end)?);
    let (prefix, postfix) = (named("prefix", &around)?, named("postfix", &around)?);
    let mut out = String::new();
    if !beginning.is_empty() {
        out += &format!("{beginning}{newline}");
    }
    if !prefix.is_empty() {
        let line = if prefix == newline { newline.clone() } else { format!("{prefix}{newline}") };
        out += &line.repeat(count("prefix_count"));
    }
    let text = call.text(0)?.replace(&newline, &format!("{newline}{decoration}"));
    out += &format!("{decoration}{text}").replace(&format!("{decoration}{newline}"), &format!("{around}{newline}"));
    out += &format!("{newline}{postfix}").repeat(count("postfix_count"));
    if !end.is_empty() {
        out += &format!("{newline}{end}");
    }
    Ok(Value::text(out))
}
