//! Ansible's Jinja, written again for minijinja: control flow, scopes, macros and inheritance stay statements; each operator,
//! filter, test, attribute and call becomes a call of ours, so that values behave as in Python and errors know their place.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;

use super::lexer::{self, Bad, Kind, Piece, Token};
use super::parse::{Expr, Form, Parser};
use super::settings::Settings;

/// Brackets of what is emitted: control characters, which no text has, so that text needs no escape.
pub const BLOCK: (&str, &str) = ("\u{1}%", "%\u{1}");
pub const OUTPUT: (&str, &str) = ("\u{1}{", "}\u{1}");
pub const COMMENT: (&str, &str) = ("\u{1}#", "#\u{1}");

/// A template ready for minijinja, and the way back to what the user wrote.
#[derive(Debug, Default)]
pub struct Compiled {
    pub text: String,
    /// Emitted range, and the range that it came from.
    pub places: Vec<(Range<usize>, Range<usize>)>,
    pub reads: Vec<Read>,
    /// Free variables, sorted.
    pub names: BTreeSet<String>,
    /// The whole template is one `{{ … }}`, or an expression.
    pub single: bool,
}

/// A variable, attribute or constant index that is read somewhere.
#[derive(Debug)]
pub struct Read {
    pub key: String,
    pub range: Range<usize>,
}

pub fn template(text: &str, settings: &Settings) -> Result<Compiled, Bad> {
    if let Some(at) = text.find('\u{1}') {
        return Err(Bad::new("the control character 0x01 cannot stand in a template", at..at + 1));
    }
    let pieces = lexer::pieces(text, settings)?;
    let mut emit = Emit { source: text, ..Emit::default() };
    emit.out.single = matches!(pieces.as_slice(), [Piece::Output(..)]);
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(text) => emit.out.text.push_str(text),
            Piece::Output(tokens, range) => {
                if tokens.is_empty() {
                    return Err(Bad::new("an expression is missing between the braces", range.clone()));
                }
                let mut parser = Parser::new(tokens, range.end.saturating_sub(2));
                let expr = parser.tuple()?;
                parser.finish()?;
                emit.output(&expr)?;
            }
            Piece::Tag(tokens, range) => emit.tag(tokens, range, &pieces[at + 1..])?,
        }
    }
    if let Some((word, range)) = emit.open.pop() {
        return Err(Bad::new(format!("`{word}` is never closed"), range).hint(format!("add `{{% end{word} %}}`")));
    }
    Ok(emit.out)
}

pub fn expression(text: &str) -> Result<Compiled, Bad> {
    if let Some(at) = text.find('\u{1}') {
        return Err(Bad::new("the control character 0x01 cannot stand in an expression", at..at + 1));
    }
    let tokens = lexer::expression(text)?;
    let mut parser = Parser::new(&tokens, text.trim_end().len());
    let expr = parser.expression()?;
    parser.finish()?;
    let mut emit = Emit { source: text, ..Emit::default() };
    emit.out.single = true;
    emit.output(&expr)?;
    Ok(emit.out)
}

#[derive(Default)]
pub struct Emit<'a> {
    source: &'a str,
    pub out: Compiled,
    /// Statements that wait for their end.
    open: Vec<(String, Range<usize>)>,
    /// What is emitted after the end of an open `set` or `filter` block; empty for others.
    after: Vec<Option<(String, Expr)>>,
    /// Names that the template itself gives a meaning to.
    pub local: BTreeSet<String>,
    blocks: usize,
}

/// The targets of assignments as they are written: `a`, `a, b`, `(a, b)`, `ns.x`.
fn target(parser: &mut Parser<'_>, local: &mut BTreeSet<String>, stop: &str) -> Result<String, Bad> {
    let mut text = String::new();
    while !parser.done() && !parser.is_op("=") && !parser.is_op("|") && (stop.is_empty() || !parser.is_word(stop)) {
        let op = ["(", ")", ","].into_iter().find(|op| parser.take_op(op));
        if let Some(op) = op {
            text.push_str(op);
            continue;
        }
        let (name, _) = parser.name()?;
        text.push_str(&name);
        if parser.take_op(".") {
            let (attribute, _) = parser.name()?;
            let _ = write!(text, ".{attribute}");
        } else {
            local.insert(name);
        }
    }
    if text.is_empty() { Err(parser.unexpected("a name")) } else { Ok(text) }
}

impl Emit<'_> {
    pub fn raw(&mut self, text: &str) {
        self.out.text.push_str(text);
    }

    fn statement(&mut self, text: &str) {
        let _ = write!(self.out.text, "{} {text} {}", BLOCK.0, BLOCK.1);
    }

    fn output(&mut self, expr: &Expr) -> Result<(), Bad> {
        if !self.out.single {
            return self.printed(expr);
        }
        self.raw(OUTPUT.0);
        self.wrapped("_j_ret(", expr, ")")?;
        self.raw(OUTPUT.1);
        Ok(())
    }

    fn wrapped(&mut self, before: &str, expr: &Expr, after: &str) -> Result<(), Bad> {
        let start = self.out.text.len();
        self.raw(before);
        self.expr(expr)?;
        self.raw(after);
        self.out.places.push((start..self.out.text.len(), expr.range.clone()));
        Ok(())
    }

    /// One `{% … %}`.
    fn tag(&mut self, tokens: &[Token], range: &Range<usize>, rest: &[Piece]) -> Result<(), Bad> {
        let mut parser = Parser::new(tokens, range.end.saturating_sub(2));
        let (word, place) = parser.name()?;
        let tag = &mut parser;
        match word.as_str() {
            "if" => self.begin("if", place, None, |emit| emit.condition("if", tag))?,
            "elif" => self.condition("elif", tag)?,
            "else" | "break" | "continue" => self.statement(&word),
            "for" => self.begin("for", place, None, |emit| emit.for_loop(tag))?,
            "set" => self.set(tag, place)?,
            "with" => self.begin("with", place, None, |emit| emit.with(tag))?,
            "filter" => self.filter_block(tag, place)?,
            "macro" => self.begin("macro", place, None, |emit| emit.macro_head(tag, rest))?,
            "call" => self.begin("call", place, None, |emit| emit.call_head(tag))?,
            "block" => self.begin("block", place, None, |emit| {
                let (name, _) = tag.name()?;
                let scoped = if tag.take_word("scoped") { " scoped" } else { "" };
                let required = if tag.take_word("required") { " required" } else { "" };
                emit.statement(&format!("block {name}{scoped}{required}"));
                Ok(())
            })?,
            "autoescape" => {
                while !tag.done() {
                    tag.expression()?;
                }
                self.begin("autoescape", place, None, |emit| {
                    emit.statement("if true");
                    Ok(())
                })?;
            }
            "do" => self.assign("_j_do = ", tag)?,
            "include" | "import" | "extends" | "from" => self.reference(&word, tag)?,
            _ if word.starts_with("end") => self.end(&word[3..], &place, tag)?,
            _ => return Err(unknown_tag(&word, place)),
        }
        parser.finish()
    }

    fn begin(
        &mut self,
        word: &str,
        place: Range<usize>,
        after: Option<(String, Expr)>,
        head: impl FnOnce(&mut Self) -> Result<(), Bad>,
    ) -> Result<(), Bad> {
        head(self)?;
        self.open.push((word.to_string(), place));
        self.after.push(after);
        Ok(())
    }

    fn end(&mut self, word: &str, place: &Range<usize>, parser: &mut Parser<'_>) -> Result<(), Bad> {
        let Some((open, began)) = self.open.pop() else {
            return Err(Bad::new(format!("`end{word}` closes nothing"), place.clone()));
        };
        if open != word {
            let line = self.source[..began.start].matches('\n').count() + 1;
            return Err(Bad::new(format!("`end{word}` where `end{open}` was expected"), place.clone())
                .hint(format!("`{open}` in line {line} is still open")));
        }
        let after = self.after.pop().flatten();
        match word {
            "autoescape" => self.statement("endif"),
            "block" | "macro" | "call" if !parser.done() => {
                parser.name()?;
                self.statement(&format!("end{word}"));
            }
            "filter" => self.statement("endset"),
            _ => self.statement(&format!("end{word}")),
        }
        match after {
            Some((_, expr)) if word == "filter" => self.printed(&expr)?,
            Some((name, expr)) => {
                let _ = write!(self.out.text, "{} set {name} = ", BLOCK.0);
                self.wrapped("", &expr, " ")?;
                self.raw(BLOCK.1);
            }
            None => {}
        }
        Ok(())
    }

    fn printed(&mut self, expr: &Expr) -> Result<(), Bad> {
        self.raw(OUTPUT.0);
        self.wrapped("_j_out(", expr, ")")?;
        self.raw(OUTPUT.1);
        Ok(())
    }

    fn condition(&mut self, word: &str, parser: &mut Parser<'_>) -> Result<(), Bad> {
        let expr = parser.tuple()?;
        let _ = write!(self.out.text, "{} {word} ", BLOCK.0);
        self.wrapped("_j_t(", &expr, ")")?;
        self.raw(BLOCK.1);
        Ok(())
    }

    fn for_loop(&mut self, parser: &mut Parser<'_>) -> Result<(), Bad> {
        let target = target(parser, &mut self.local, "in")?;
        self.local.insert("loop".to_string());
        parser.expect_word("in")?;
        let start = parser.or()?;
        let iter = if parser.is_op(",") {
            let mut items = vec![start];
            while parser.take_op(",") {
                items.push(parser.or()?);
            }
            let range = items[0].range.start..items[items.len() - 1].range.end;
            Expr { kind: Form::List(items), range }
        } else {
            start
        };
        let _ = write!(self.out.text, "{} for {target} in ", BLOCK.0);
        self.wrapped("_j_iter(", &iter, ")")?;
        if parser.take_word("if") {
            let condition = parser.expression()?;
            self.raw(" if ");
            self.wrapped("_j_t(", &condition, ")")?;
        }
        if parser.take_word("recursive") {
            self.raw(" recursive");
        }
        let _ = write!(self.out.text, " {}", BLOCK.1);
        Ok(())
    }

    fn assign(&mut self, target: &str, parser: &mut Parser<'_>) -> Result<(), Bad> {
        let expr = parser.tuple()?;
        let _ = write!(self.out.text, "{} set {target}", BLOCK.0);
        // unpacking asks for a list
        let (before, after) = if target.contains(',') { ("_j_iter(", ")") } else { ("", " ") };
        self.wrapped(before, &expr, after)?;
        self.raw(BLOCK.1);
        Ok(())
    }

    fn set(&mut self, parser: &mut Parser<'_>, place: Range<usize>) -> Result<(), Bad> {
        let target = target(parser, &mut self.local, "")?;
        if parser.take_op("=") {
            return self.assign(&format!("{target} = "), parser);
        }
        let after = if parser.is_op("|") {
            let mut expr = Expr { kind: Form::Name(target.clone()), range: place.clone() };
            while parser.is_op("|") {
                expr = parser.filter(Some(expr), place.start)?;
            }
            Some((target.clone(), expr))
        } else {
            None
        };
        self.begin("set", place, after, |emit| {
            emit.statement(&format!("set {target}"));
            Ok(())
        })
    }

    fn filter_block(&mut self, parser: &mut Parser<'_>, place: Range<usize>) -> Result<(), Bad> {
        self.blocks += 1;
        let name = format!("_j_b{}", self.blocks);
        self.local.insert(name.clone());
        let input = Expr { kind: Form::Name(name.clone()), range: place.clone() };
        let mut expr = parser.filter(Some(input), place.start)?;
        while parser.is_op("|") {
            expr = parser.filter(Some(expr), place.start)?;
        }
        self.begin("filter", place, Some((name.clone(), expr)), |emit| {
            emit.statement(&format!("set {name}"));
            Ok(())
        })
    }

    fn with(&mut self, parser: &mut Parser<'_>) -> Result<(), Bad> {
        let _ = write!(self.out.text, "{} with ", BLOCK.0);
        let mut first = true;
        while !parser.done() {
            if !first {
                parser.expect_op(",")?;
                self.raw(", ");
            }
            first = false;
            let (name, _) = parser.name()?;
            parser.expect_op("=")?;
            let value = parser.expression()?;
            let _ = write!(self.out.text, "{name} = ");
            self.wrapped("", &value, " ")?;
            self.local.insert(name);
        }
        self.raw(BLOCK.1);
        Ok(())
    }

    /// Parameters of a macro or call block, up to the closing parenthesis.
    fn parameters(&mut self, parser: &mut Parser<'_>) -> Result<bool, Bad> {
        let mut any = false;
        while !parser.take_op(")") {
            if any {
                parser.expect_op(",")?;
                if parser.take_op(")") {
                    break;
                }
                self.raw(", ");
            }
            any = true;
            let (name, _) = parser.name()?;
            self.raw(&name);
            self.local.insert(name);
            if parser.take_op("=") {
                let default = parser.expression()?;
                self.wrapped(" = ", &default, "")?;
            }
        }
        Ok(any)
    }

    fn macro_head(&mut self, parser: &mut Parser<'_>, rest: &[Piece]) -> Result<(), Bad> {
        let (name, _) = parser.name()?;
        self.local.insert(name.clone());
        parser.expect_op("(")?;
        let _ = write!(self.out.text, "{} macro {name}(", BLOCK.0);
        let mut any = self.parameters(parser)?;
        for hidden in ["varargs", "kwargs"] {
            self.local.insert(hidden.to_string());
            if reads_in_macro(rest, hidden) {
                let _ = write!(self.out.text, "{}{hidden} = _j_empty", if any { ", " } else { "" });
                any = true;
            }
        }
        self.local.insert("caller".to_string());
        let _ = write!(self.out.text, ") {}", BLOCK.1);
        Ok(())
    }

    fn call_head(&mut self, parser: &mut Parser<'_>) -> Result<(), Bad> {
        let _ = write!(self.out.text, "{} call", BLOCK.0);
        if parser.take_op("(") {
            self.raw("(");
            self.parameters(parser)?;
            self.raw(")");
        }
        let expr = parser.expression()?;
        if !matches!(expr.kind, Form::Call(..)) {
            return Err(Bad::new("`call` takes a call of a macro", expr.range));
        }
        self.wrapped(" ", &expr, " ")?;
        self.raw(BLOCK.1);
        Ok(())
    }

    /// `include`, `import`, `from … import`, `extends`: the name goes through the search of files.
    fn reference(&mut self, word: &str, parser: &mut Parser<'_>) -> Result<(), Bad> {
        let name = parser.expression()?;
        let context = |parser: &mut Parser<'_>| {
            if parser.take_word("with") || parser.take_word("without") {
                return parser.expect_word("context");
            }
            Ok(())
        };
        let _ = write!(self.out.text, "{} {word} ", BLOCK.0);
        context(parser)?;
        let ignored = word == "include" && parser.take_word("ignore");
        if ignored {
            parser.expect_word("missing")?;
            context(parser)?;
        }
        self.wrapped(if ignored { "_j_maybe(" } else { "_j_file(" }, &name, ")")?;
        if ignored {
            self.raw(" ignore missing");
        }
        if word == "import" {
            parser.expect_word("as")?;
            let (alias, _) = parser.name()?;
            let _ = write!(self.out.text, " as {alias}");
            self.local.insert(alias);
        } else if word == "from" {
            parser.expect_word("import")?;
            self.raw(" import ");
            loop {
                let (name, _) = parser.name()?;
                self.raw(&name);
                let mut local = name;
                if parser.take_word("as") {
                    local = parser.name()?.0;
                    let _ = write!(self.out.text, " as {local}");
                }
                self.local.insert(local);
                if !parser.take_op(",") || parser.is_word("with") || parser.is_word("without") {
                    break;
                }
                self.raw(", ");
            }
        }
        context(parser)?;
        let _ = write!(self.out.text, " {}", BLOCK.1);
        Ok(())
    }
}

fn unknown_tag(word: &str, place: Range<usize>) -> Bad {
    const TAGS: [&str; 18] = [
        "if", "elif", "else", "endif", "for", "endfor", "set", "endset", "macro", "endmacro", "include", "import", "block", "endblock",
        "extends", "filter", "raw", "with",
    ];
    let bad = Bad::new(format!("there is no statement `{word}`"), place);
    match crate::text::diagnostic::nearest(word, TAGS) {
        Some(near) => bad.hint(format!("did you mean `{near}`?")),
        None => bad,
    }
}

/// Whether the macro that begins before these pieces reads a name.
fn reads_in_macro(rest: &[Piece], name: &str) -> bool {
    let word = |token: &Token, word: &str| matches!(&token.kind, Kind::Name(found) if found == word);
    for piece in rest {
        match piece {
            Piece::Tag(tokens, _) if tokens.first().is_some_and(|token| word(token, "endmacro")) => return false,
            Piece::Tag(tokens, _) | Piece::Output(tokens, _) if tokens.iter().any(|token| word(token, name)) => return true,
            _ => {}
        }
    }
    false
}
