//! Expressions, written again for minijinja: each operation is a call of ours.

use std::fmt::Write as _;
use std::ops::Range;

use super::emit::{Emit, Read};
use super::lexer::Bad;
use super::parse::{Arg, Expr, Form};
use crate::text::{filters, lookups, tests};

impl Emit<'_> {
    pub fn expr(&mut self, expr: &Expr) -> Result<(), Bad> {
        let start = self.out.text.len();
        self.form(expr)?;
        self.out.places.push((start..self.out.text.len(), expr.range.clone()));
        Ok(())
    }

    fn call(&mut self, name: &str, parts: &[&Expr]) -> Result<(), Bad> {
        self.raw(name);
        self.raw("(");
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                self.raw(", ");
            }
            self.expr(part)?;
        }
        self.raw(")");
        Ok(())
    }

    fn form(&mut self, expr: &Expr) -> Result<(), Bad> {
        match &expr.kind {
            Form::Text(text) => self.text(text),
            Form::Int(int) => self.raw(&int.to_string()),
            Form::Float(float) => self.raw(&format!("{float:?}")),
            Form::Word(word) => self.raw(word),
            Form::Name(name) => self.name(name, &expr.range),
            Form::List(items) => self.call("_j_list", &items.iter().collect::<Vec<_>>())?,
            Form::Tuple(items) => self.call("_j_tuple", &items.iter().collect::<Vec<_>>())?,
            Form::Dict(pairs) => self.call("_j_dict", &pairs.iter().flat_map(|(key, value)| [key, value]).collect::<Vec<_>>())?,
            Form::Attr(base, name, range) => {
                self.read(name, range);
                self.raw("_j_a(");
                self.expr(base)?;
                self.raw(", ");
                self.text(name);
                self.raw(")");
            }
            Form::Item(base, index) => {
                if let Form::Text(key) = &index.kind {
                    self.read(key, &index.range);
                } else {
                    self.read("[]", &index.range);
                }
                self.call("_j_i", &[base, index])?;
            }
            Form::Slice(base, parts) => self.slice(base, parts, &expr.range)?,
            Form::Call(callee, args) => self.callee(callee, args)?,
            Form::Filter(input, name, range, args) => {
                let known = filters::index(name).ok_or_else(|| unknown("filter", name, range, filters::names()))?;
                self.applied("_j_f", known, input.as_deref(), args)?;
            }
            Form::Test(input, name, range, args) => {
                let known = tests::index(name).ok_or_else(|| unknown("test", name, range, tests::names()))?;
                self.applied("_j_is", known, Some(input), args)?;
            }
            Form::Not(inner) => {
                self.raw("(not ");
                self.call("_j_t", &[inner])?;
                self.raw(")");
            }
            Form::Sign(op, inner) => self.call(if *op == "-" { "_j_neg" } else { "_j_pos" }, &[inner])?,
            Form::Binary(op, left, right) => self.call(operator(op), &[left, right])?,
            Form::Logic(op, left, right) => {
                self.raw("(");
                self.call("_j_u", &[left])?;
                self.raw(&format!(" {op} "));
                self.expr(right)?;
                self.raw(")");
            }
            Form::Compare(left, rest) => self.compare(left, rest)?,
            Form::If(condition, then, other) => {
                self.raw("(");
                self.expr(then)?;
                self.raw(" if ");
                self.call("_j_t", &[condition])?;
                self.raw(" else ");
                match other {
                    Some(other) => self.expr(other)?,
                    None => self.raw("_j_noelse()"),
                }
                self.raw(")");
            }
        }
        Ok(())
    }

    fn slice(&mut self, base: &Expr, parts: &[Option<Box<Expr>>; 3], range: &Range<usize>) -> Result<(), Bad> {
        let none = Expr { kind: Form::Word("none"), range: range.clone() };
        let parts = parts.each_ref().map(|part| part.as_deref().unwrap_or(&none));
        self.call("_j_slice", &[base, parts[0], parts[1], parts[2]])
    }

    fn text(&mut self, text: &str) {
        let out = &mut self.out.text;
        out.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                c if c.is_control() => {
                    let _ = write!(out, "\\u{:04x}", u32::from(c));
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }

    fn name(&mut self, name: &str, range: &Range<usize>) {
        self.raw(name);
        if !self.local.contains(name) {
            self.out.names.insert(name.to_string());
        }
        self.out.reads.push(Read { key: name.to_string(), range: range.clone() });
    }

    fn read(&mut self, key: &str, range: &Range<usize>) {
        self.out.reads.push(Read { key: key.to_string(), range: range.clone() });
    }

    fn compare(&mut self, left: &Expr, rest: &[(&'static str, Expr)]) -> Result<(), Bad> {
        if let [(op, right)] = rest {
            return self.call(operator(op), &[left, right]);
        }
        self.raw("_j_chain(");
        self.expr(left)?;
        for (op, right) in rest {
            self.raw(&format!(", \"{op}\", "));
            self.expr(right)?;
        }
        self.raw(")");
        Ok(())
    }

    /// A filter or test by its number.
    fn applied(&mut self, function: &str, known: usize, input: Option<&Expr>, args: &[Arg]) -> Result<(), Bad> {
        let _ = write!(self.out.text, "{function}({known}, ");
        if let Some(input) = input {
            self.expr(input)?;
        }
        self.arguments(args, true)?;
        self.raw(")");
        Ok(())
    }

    fn arguments(&mut self, args: &[Arg], mut comma: bool) -> Result<(), Bad> {
        for arg in args {
            if comma {
                self.raw(", ");
            }
            comma = true;
            match arg {
                Arg::Plain(expr) => self.expr(expr)?,
                Arg::Named(name, expr) => {
                    let _ = write!(self.out.text, "{name}=");
                    self.expr(expr)?;
                }
                Arg::Star(expr) => {
                    self.raw("*");
                    self.call("_j_iter", &[expr])?;
                }
                Arg::Stars(expr) => {
                    self.raw("**");
                    self.call("_j_kwargs", &[expr])?;
                }
            }
        }
        Ok(())
    }

    fn callee(&mut self, callee: &Expr, args: &[Arg]) -> Result<(), Bad> {
        match &callee.kind {
            // minijinja treats these itself
            Form::Name(name) if name == "super" => {
                self.raw("super(");
                self.arguments(args, false)?;
            }
            Form::Name(name) if name == "loop" => {
                self.raw("loop(");
                if let [Arg::Plain(tree)] = args {
                    self.call("_j_iter", &[tree])?;
                }
            }
            Form::Attr(base, name, range) if matches!(&base.kind, Form::Name(own) if own == "self") => {
                let _ = (range, args);
                let _ = write!(self.out.text, "self.{name}(");
            }
            Form::Attr(base, name, range) => {
                self.read(name, range);
                self.raw("_j_m(");
                self.expr(base)?;
                self.raw(", ");
                self.text(name);
                self.arguments(args, true)?;
            }
            _ => {
                known_lookup(callee, args)?;
                self.raw("_j_call(");
                self.expr(callee)?;
                self.arguments(args, true)?;
            }
        }
        self.raw(")");
        Ok(())
    }
}

fn operator(op: &str) -> &'static str {
    match op {
        "+" => "_j_add",
        "-" => "_j_sub",
        "*" => "_j_mul",
        "/" => "_j_div",
        "//" => "_j_floor",
        "%" => "_j_mod",
        "**" => "_j_pow",
        "~" => "_j_cat",
        "==" => "_j_eq",
        "!=" => "_j_ne",
        "<" => "_j_lt",
        "<=" => "_j_le",
        ">" => "_j_gt",
        ">=" => "_j_ge",
        "in" => "_j_in",
        _ => "_j_nin",
    }
}

/// The name of a lookup, where it is written out.
fn known_lookup(callee: &Expr, args: &[Arg]) -> Result<(), Bad> {
    let looks = matches!(&callee.kind, Form::Name(name) if matches!(name.as_str(), "lookup" | "query" | "q"));
    match args.first() {
        Some(Arg::Plain(Expr { kind: Form::Text(name), range })) if looks && !lookups::is_lookup(name) => {
            Err(unknown("lookup", name, range, lookups::names()))
        }
        _ => Ok(()),
    }
}

fn unknown(what: &str, name: &str, range: &Range<usize>, known: impl Iterator<Item = &'static str>) -> Bad {
    let bad = Bad::new(format!("there is no {what} `{name}`"), range.clone());
    let short = name.rsplit('.').next().unwrap_or(name);
    match crate::text::diagnostic::nearest(short, known) {
        Some(near) => bad.hint(format!("did you mean `{near}`?")),
        None => bad,
    }
}
