//! Python's `'%s' % x` and `'{}'.format(x)`.

use super::failure::{self, Outcome, fail};
use super::operators::{self, Number};
use super::{frame, python};
use crate::text::value::{Map, Value};

/// What a conversion asks for.
#[derive(Default)]
struct Spec {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    width: usize,
    comma: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

/// `format % value`: a list gives one value to each conversion, a mapping by name.
pub fn percent(format: &str, value: &Value) -> Outcome<String> {
    failure::usable(value)?;
    let single = [value.clone()];
    let (values, map): (&[Value], Option<&Map>) = match frame::read(value) {
        // a tuple gives a value to each; a list as the only value is printed. Both are lists here
        Value::List(items) if items.len() != 1 && conversions(format) == 1 => (&single, None),
        Value::List(items) => (items, None),
        Value::Map(map) => (&single, Some(map)),
        _ => (&single, None),
    };
    percent_with(format, values, map, !matches!(frame::read(value), Value::List(_)))
}

fn conversions(format: &str) -> usize {
    format.replace("%%", "").matches('%').count()
}

/// With the values of a tuple. `lenient`: a value that nobody asks for is no error where it is a mapping.
pub fn percent_with(format: &str, values: &[Value], map: Option<&Map>, single: bool) -> Outcome<String> {
    let mut out = String::new();
    let mut values = values.iter();
    let mut chars = format.chars().peekable();
    let mut used = false;
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
            continue;
        }
        let mut named = None;
        if chars.peek() == Some(&'(') {
            chars.next();
            let key: String = chars.by_ref().take_while(|c| *c != ')').collect();
            let Some(found) = map.and_then(|map| map.get(&key)) else { return fail(format!("`%` finds no value for `{key}`")) };
            named = Some(found.clone());
            used = true;
        }
        let mut spec = Spec::default();
        let mut zero = false;
        while let Some(flag) = chars.next_if(|c| "-+ #0".contains(*c)) {
            match flag {
                '-' => spec.align = Some('<'),
                '0' => zero = true,
                '#' => spec.alternate = true,
                sign => spec.sign = Some(sign),
            }
        }
        spec.width = size(&mut chars, &mut values)?.unwrap_or(0);
        if chars.next_if_eq(&'.').is_some() {
            spec.precision = Some(size(&mut chars, &mut values)?.unwrap_or(0));
        }
        let Some(kind) = chars.next() else { return fail("`%` has a format that ends too early") };
        let Some(value) = named.or_else(|| values.next().cloned()) else { return fail("`%` has fewer values than the format asks for") };
        if zero && spec.align.is_none() && !matches!(kind, 's' | 'r') {
            (spec.fill, spec.align) = (Some('0'), Some('='));
        }
        let align = spec.align.unwrap_or('>');
        let text = conversion(kind, &value, &spec)?;
        out.push_str(&padded(&text, &spec, align));
    }
    if values.next().is_some() && !used && !(single && map.is_some()) {
        return fail("`%` has more values than the format asks for");
    }
    Ok(out)
}

fn size<'a>(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, values: &mut impl Iterator<Item = &'a Value>) -> Outcome<Option<usize>> {
    if chars.next_if_eq(&'*').is_some() {
        return Ok(values.next().and_then(|value| usize::try_from(value.as_int()?).ok()));
    }
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    bounded(&digits)
}

/// A width; nobody pads to more than this.
fn bounded(digits: &str) -> Outcome<Option<usize>> {
    match digits.parse::<usize>() {
        Ok(width) if width > 1_000_000 => fail("this format is wider than a million characters"),
        Ok(width) => Ok(Some(width)),
        Err(_) => Ok(None),
    }
}

fn conversion(kind: char, value: &Value, spec: &Spec) -> Outcome<String> {
    Ok(match kind {
        's' => {
            let text = python::text(value)?;
            spec.precision.map_or_else(|| text.to_string(), |length| text.chars().take(length).collect())
        }
        'r' | 'a' => python::shown(value)?,
        'c' => match frame::read(value) {
            Value::Int(code) => u32::try_from(*code).ok().and_then(char::from_u32).map(String::from).unwrap_or_default(),
            other => python::text(other)?.chars().take(1).collect(),
        },
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' | 'b' => match operators::number(value) {
            Some(Number::Int(int)) => integer(int, kind, spec),
            Some(Number::Float(float)) => integer(float as i64, kind, spec),
            None => return fail(format!("`%{kind}` takes a number, and this is {}", value.type_name())),
        },
        'f' | 'F' | 'e' | 'E' | 'g' | 'G' => match operators::number(value) {
            Some(number) => signed(number.float().is_sign_negative(), &float(number.float().abs(), kind, spec), spec),
            None => return fail(format!("`%{kind}` takes a number, and this is {}", value.type_name())),
        },
        _ => return fail(format!("`%{kind}` is no format")),
    })
}

fn signed(negative: bool, digits: &str, spec: &Spec) -> String {
    let sign = if negative { "-" } else { spec.sign.filter(|c| *c != '-').map_or("", |c| if c == '+' { "+" } else { " " }) };
    format!("{sign}{digits}")
}

fn integer(int: i64, kind: char, spec: &Spec) -> String {
    let size = int.unsigned_abs();
    let (prefix, mut digits) = match kind {
        'x' => ("0x", format!("{size:x}")),
        'X' => ("0X", format!("{size:X}")),
        'o' => ("0o", format!("{size:o}")),
        'b' => ("0b", format!("{size:b}")),
        _ => ("", size.to_string()),
    };
    if let Some(precision) = spec.precision {
        digits = format!("{digits:0>precision$}");
    }
    if let Some(comma) = spec.comma {
        digits = grouped(&digits, comma);
    }
    signed(int < 0, &format!("{}{digits}", if spec.alternate { prefix } else { "" }), spec)
}

fn grouped(digits: &str, comma: char) -> String {
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = String::new();
    for (at, c) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(comma);
        }
        out.push(c);
    }
    out + rest
}

fn exponent(text: &str) -> String {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// A float without its sign.
pub fn fixed(number: f64, precision: usize) -> String {
    format!("{number:.precision$}")
}

fn float(number: f64, kind: char, spec: &Spec) -> String {
    let precision = spec.precision.unwrap_or(6);
    let text = match kind {
        'f' | 'F' => fixed(number, precision),
        'e' | 'E' => exponent(&format!("{number:.precision$e}")),
        _ => general(number, precision.max(1), spec.alternate),
    };
    let text = spec.comma.map_or_else(|| text.clone(), |comma| grouped(&text, comma));
    if kind.is_uppercase() { text.to_uppercase() } else { text }
}

fn general(number: f64, precision: usize, keep: bool) -> String {
    let scientific = format!("{number:.*e}", precision - 1);
    let power: i32 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let trim = |text: String| if keep || !text.contains('.') { text } else { text.trim_end_matches('0').trim_end_matches('.').to_string() };
    if number != 0.0 && (power < -4 || power >= precision as i32) {
        let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        return exponent(&format!("{}e{power}", trim(digits.to_string())));
    }
    trim(fixed(number, usize::try_from(precision as i32 - 1 - power).unwrap_or(0)))
}

fn padded(text: &str, spec: &Spec, align: char) -> String {
    let missing = spec.width.saturating_sub(text.chars().count());
    let fill = |count: usize| spec.fill.unwrap_or(' ').to_string().repeat(count);
    match align {
        '<' => format!("{text}{}", fill(missing)),
        '^' => format!("{}{text}{}", fill(missing / 2), fill(missing - missing / 2)),
        '=' => {
            let sign = text.len() - text.trim_start_matches(['-', '+', ' ']).len();
            format!("{}{}{}", &text[..sign], fill(missing), &text[sign..])
        }
        _ => format!("{}{text}", fill(missing)),
    }
}

/// `format.format(*args, **named)`
pub fn braces(format: &str, args: &[Value], named: &Map) -> Outcome<String> {
    let mut out = String::new();
    let mut next = 0;
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' if chars.next_if_eq(&c).is_some() => out.push(c),
            '}' => return fail("a single `}` in a format; write `}}`"),
            '{' => {
                let mut depth = 1;
                let mut field = String::new();
                for c in chars.by_ref() {
                    depth += match c {
                        '{' => 1,
                        '}' => -1,
                        _ => 0,
                    };
                    if depth == 0 {
                        break;
                    }
                    field.push(c);
                }
                if depth != 0 {
                    return fail("a `{` in a format is never closed");
                }
                out.push_str(&replacement(&field, args, named, &mut next)?);
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

fn replacement(field: &str, args: &[Value], named: &Map, next: &mut usize) -> Outcome<String> {
    let (name, spec) = field.split_once(':').unwrap_or((field, ""));
    let (name, convert) = name.split_once('!').unwrap_or((name, ""));
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let first = match &name[..end] {
        "" => {
            *next += 1;
            args.get(*next - 1)
        }
        name => match name.parse::<usize>() {
            Ok(at) => args.get(at),
            Err(_) => named.get(name),
        },
    };
    let Some(first) = first else { return fail(format!("the format finds no value for `{{{field}}}`")) };
    let mut value = first.clone();
    for part in name[end..].split(['.', '[', ']']).filter(|part| !part.is_empty()) {
        let member = match frame::read(&value) {
            Value::List(items) => part.parse::<usize>().ok().and_then(|at| items.get(at).cloned()),
            other => other.get(part).cloned(),
        };
        let Some(member) = member else { return fail(format!("the format finds no `{part}` in `{{{field}}}`")) };
        value = member;
    }
    let spec = if spec.contains('{') { braces(spec, args.get(*next..).unwrap_or_default(), named)? } else { spec.to_string() };
    if convert == "r" {
        value = Value::text(python::shown(&value)?);
    }
    with_spec(&value, &spec)
}

/// `format(value, spec)`
pub fn with_spec(value: &Value, text: &str) -> Outcome<String> {
    failure::usable(value)?;
    let chars: Vec<char> = text.chars().collect();
    let (mut spec, mut at) = (Spec::default(), 0);
    if chars.get(1).is_some_and(|c| "<>=^".contains(*c)) {
        (spec.fill, spec.align, at) = (chars.first().copied(), chars.get(1).copied(), 2);
    } else if chars.first().is_some_and(|c| "<>=^".contains(*c)) {
        (spec.align, at) = (chars.first().copied(), 1);
    }
    let take = |set: &str, at: &mut usize| chars.get(*at).copied().filter(|c| set.contains(*c)).inspect(|_| *at += 1);
    spec.sign = take("+- ", &mut at);
    spec.alternate = take("#", &mut at).is_some();
    if take("0", &mut at).is_some() && spec.align.is_none() {
        (spec.fill, spec.align) = (Some('0'), Some('='));
    }
    let digits = |at: &mut usize| {
        let mut out = String::new();
        while let Some(digit) = take("0123456789", at) {
            out.push(digit);
        }
        bounded(&out)
    };
    spec.width = digits(&mut at)?.unwrap_or(0);
    spec.comma = chars.get(at).copied().filter(|c| matches!(c, ',' | '_')).inspect(|_| at += 1);
    if chars.get(at) == Some(&'.') {
        at += 1;
        let start = at;
        at += chars[start..].iter().take_while(|c| c.is_ascii_digit()).count();
        spec.precision = bounded(&chars[start..at].iter().collect::<String>())?;
    }
    spec.kind = chars.get(at).copied();
    if at + usize::from(spec.kind.is_some()) < chars.len() {
        return fail(format!("`{text}` is no format"));
    }
    formatted(value, &spec)
}

fn formatted(value: &Value, spec: &Spec) -> Outcome<String> {
    let is_number = operators::number(value).is_some() && !(matches!(frame::read(value), Value::Bool(_)) && spec.kind.is_none());
    if !is_number {
        if let Some(kind) = spec.kind.filter(|kind| *kind != 's') {
            return fail(format!("the format `{kind}` takes a number, and this is {}", value.type_name()));
        }
        return Ok(padded(&conversion('s', value, spec)?, spec, spec.align.unwrap_or('<')));
    }
    let number = operators::number(value).map_or(0.0, |number| number.float());
    let text = match (spec.kind, frame::read(value)) {
        (Some('%'), _) => signed(number < 0.0, &(fixed(number.abs() * 100.0, spec.precision.unwrap_or(6)) + "%"), spec),
        (Some('n'), other) => conversion('d', other, spec)?,
        (Some(kind), other) => conversion(kind, other, spec)?,
        (None, Value::Float(number)) => {
            let digits = match spec.precision {
                Some(precision) => general(number.abs(), precision.max(1), false),
                None => python::float(number.abs()),
            };
            let digits = spec.comma.map_or_else(|| digits.clone(), |comma| grouped(&digits, comma));
            signed(*number < 0.0, &digits, spec)
        }
        (None, other) => conversion('d', other, spec)?,
    };
    Ok(padded(&text, spec, spec.align.unwrap_or('>')))
}
