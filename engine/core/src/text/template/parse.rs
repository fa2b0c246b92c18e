//! Jinja's expressions as a tree, with the place of every part.

use std::ops::Range;

use super::lexer::{Bad, Kind, Token};

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: Form,
    pub range: Range<usize>,
}

#[derive(Clone, Debug)]
pub enum Form {
    Text(String),
    Int(i64),
    Float(f64),
    /// `true`, `false`, `none`.
    Word(&'static str),
    Name(String),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    /// `a.b`; the range is that of `b`.
    Attr(Box<Expr>, String, Range<usize>),
    Item(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, [Option<Box<Expr>>; 3]),
    Call(Box<Expr>, Vec<Arg>),
    /// A filter with its name and the name's range; without an input in `{% filter %}`.
    Filter(Option<Box<Expr>>, String, Range<usize>, Vec<Arg>),
    Test(Box<Expr>, String, Range<usize>, Vec<Arg>),
    Not(Box<Expr>),
    Sign(&'static str, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `and`, `or`.
    Logic(&'static str, Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(&'static str, Expr)>),
    If(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
}

#[derive(Clone, Debug)]
pub enum Arg {
    Plain(Expr),
    Named(String, Expr),
    Star(Expr),
    Stars(Expr),
}

/// How deep parentheses may stand in each other.
const MAX_DEPTH: usize = 200;

pub struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Where the text ends, for what is missing there.
    end: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub fn new(tokens: &'a [Token], end: usize) -> Parser<'a> {
        Parser { tokens, at: 0, end, depth: 0 }
    }

    pub fn peek(&self) -> Option<&'a Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    pub fn done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    fn start(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |token| token.range.start)
    }

    fn last(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(self.end, |token| token.range.end)
    }

    pub fn is_op(&self, op: &str) -> bool {
        matches!(self.peek(), Some(Kind::Op(found)) if *found == op)
    }

    pub fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Kind::Name(found)) if found == word)
    }

    pub fn take_op(&mut self, op: &str) -> bool {
        let found = self.is_op(op);
        self.at += usize::from(found);
        found
    }

    pub fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    pub fn expect_op(&mut self, op: &str) -> Result<(), Bad> {
        if self.take_op(op) { Ok(()) } else { Err(self.unexpected(&format!("`{op}`"))) }
    }

    pub fn expect_word(&mut self, word: &str) -> Result<(), Bad> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    pub fn name(&mut self) -> Result<(String, Range<usize>), Bad> {
        match self.tokens.get(self.at) {
            Some(Token { kind: Kind::Name(name), range }) => {
                self.at += 1;
                Ok((name.clone(), range.clone()))
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    /// Nothing may be left.
    pub fn finish(&self) -> Result<(), Bad> {
        if self.done() {
            return Ok(());
        }
        let bad = self.unexpected("the end");
        Err(match self.peek() {
            Some(Kind::Name(name)) if matches!(name.as_str(), "AND" | "OR" | "NOT" | "And" | "Or") => {
                bad.hint(format!("write `{}`", name.to_lowercase()))
            }
            Some(Kind::Op("=")) => bad.hint("write `==` to compare"),
            _ => bad,
        })
    }

    pub fn unexpected(&self, wanted: &str) -> Bad {
        let Some(token) = self.tokens.get(self.at) else {
            return Bad::new(format!("the expression ends where {wanted} was expected"), self.end..self.end);
        };
        let shown = match &token.kind {
            Kind::Name(name) => format!("`{name}`"),
            Kind::Op(op) => format!("`{op}`"),
            Kind::Text(_) => "a string".to_string(),
            Kind::Int(_) | Kind::Float(_) => "a number".to_string(),
        };
        let bad = Bad::new(format!("{shown} where {wanted} was expected"), token.range.clone());
        if matches!(token.kind, Kind::Op("{")) { bad.hint("this is an expression already: leave out the braces") } else { bad }
    }

    fn make(&self, start: usize, kind: Form) -> Expr {
        Expr { kind, range: start..self.last() }
    }

    /// Expressions with commas between them are a tuple.
    pub fn tuple(&mut self) -> Result<Expr, Bad> {
        let start = self.start();
        let first = self.expression()?;
        if !self.is_op(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.take_op(",") {
            if self.done() {
                break;
            }
            items.push(self.expression()?);
        }
        Ok(self.make(start, Form::Tuple(items)))
    }

    pub fn expression(&mut self) -> Result<Expr, Bad> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Bad::new("this expression is nested too deep", self.start()..self.end));
        }
        let result = self.conditional();
        self.depth -= 1;
        result
    }

    fn conditional(&mut self) -> Result<Expr, Bad> {
        let start = self.start();
        let mut expr = self.or()?;
        while self.take_word("if") {
            let condition = self.or()?;
            let other = if self.take_word("else") { Some(Box::new(self.conditional()?)) } else { None };
            expr = self.make(start, Form::If(Box::new(condition), Box::new(expr), other));
        }
        Ok(expr)
    }

    /// An expression in which `if` is no operator, as after `for x in`.
    pub fn or(&mut self) -> Result<Expr, Bad> {
        let start = self.start();
        let mut left = self.and()?;
        while self.take_word("or") {
            let right = self.and()?;
            left = self.make(start, Form::Logic("or", Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, Bad> {
        let start = self.start();
        let mut left = self.not()?;
        while self.take_word("and") {
            let right = self.not()?;
            left = self.make(start, Form::Logic("and", Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr, Bad> {
        let start = self.start();
        if self.take_word("not") {
            let inner = self.not()?;
            return Ok(self.make(start, Form::Not(Box::new(inner))));
        }
        self.compare()
    }

    fn compare(&mut self) -> Result<Expr, Bad> {
        let start = self.start();
        let left = self.math1()?;
        let mut rest = vec![];
        loop {
            let op = match self.peek() {
                Some(Kind::Op(op @ ("==" | "!=" | "<" | "<=" | ">" | ">="))) => {
                    self.at += 1;
                    *op
                }
                Some(Kind::Name(name)) if name == "in" => {
                    self.at += 1;
                    "in"
                }
                Some(Kind::Name(name))
                    if name == "not"
                        && matches!(self.tokens.get(self.at + 1), Some(Token { kind: Kind::Name(next), .. }) if next == "in") =>
                {
                    self.at += 2;
                    "not in"
                }
                _ => break,
            };
            rest.push((op, self.math1()?));
        }
        Ok(if rest.is_empty() { left } else { self.make(start, Form::Compare(Box::new(left), rest)) })
    }

    fn binary(&mut self, ops: &[&'static str], next: fn(&mut Self) -> Result<Expr, Bad>) -> Result<Expr, Bad> {
        let start = self.start();
        let mut left = next(self)?;
        while let Some(op) = ops.iter().find(|op| self.is_op(op)) {
            self.at += 1;
            let right = next(self)?;
            left = self.make(start, Form::Binary(op, Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn math1(&mut self) -> Result<Expr, Bad> {
        self.binary(&["+", "-"], Self::concat)
    }

    fn concat(&mut self) -> Result<Expr, Bad> {
        self.binary(&["~"], Self::math2)
    }

    fn math2(&mut self) -> Result<Expr, Bad> {
        self.binary(&["*", "/", "//", "%"], Self::power)
    }

    fn unary(&mut self, with_filter: bool) -> Result<Expr, Bad> {
        let start = self.start();
        let node = match self.peek() {
            Some(Kind::Op(op @ ("-" | "+"))) => {
                self.at += 1;
                let inner = self.unary(false)?;
                self.make(start, Form::Sign(op, Box::new(inner)))
            }
            _ => {
                let primary = self.primary()?;
                self.postfix(primary, start)?
            }
        };
        if with_filter { self.filters(node, start) } else { Ok(node) }
    }

    /// From left to right, and filters first, as Jinja has it.
    fn power(&mut self) -> Result<Expr, Bad> {
        self.binary(&["**"], |parser| parser.unary(true))
    }

    fn primary(&mut self) -> Result<Expr, Bad> {
        let start = self.start();
        let Some(token) = self.tokens.get(self.at) else { return Err(self.unexpected("a value")) };
        let kind = match &token.kind {
            Kind::Name(name) => {
                self.at += 1;
                match name.as_str() {
                    "true" | "True" => Form::Word("true"),
                    "false" | "False" => Form::Word("false"),
                    "none" | "None" => Form::Word("none"),
                    "and" | "or" | "in" | "is" | "if" | "else" | "not" => {
                        self.at -= 1;
                        return Err(self.unexpected("a value"));
                    }
                    _ => Form::Name(name.clone()),
                }
            }
            Kind::Text(text) => {
                self.at += 1;
                let mut text = text.clone();
                while let Some(Kind::Text(more)) = self.peek() {
                    text.push_str(more);
                    self.at += 1;
                }
                Form::Text(text)
            }
            Kind::Int(int) => {
                self.at += 1;
                Form::Int(*int)
            }
            Kind::Float(float) => {
                self.at += 1;
                Form::Float(*float)
            }
            Kind::Op("(") => return self.parentheses(start),
            Kind::Op("[") => {
                self.at += 1;
                Form::List(self.items("]")?)
            }
            Kind::Op("{") => self.dict()?,
            Kind::Op(_) => return Err(self.unexpected("a value")),
        };
        Ok(self.make(start, kind))
    }

    fn parentheses(&mut self, start: usize) -> Result<Expr, Bad> {
        self.at += 1;
        if self.take_op(")") {
            return Ok(self.make(start, Form::Tuple(vec![])));
        }
        let first = self.expression()?;
        if self.take_op(")") {
            return Ok(Expr { kind: first.kind, range: first.range });
        }
        self.expect_op(",")?;
        let mut items = vec![first];
        items.extend(self.items(")")?);
        Ok(self.make(start, Form::Tuple(items)))
    }

    fn items(&mut self, close: &str) -> Result<Vec<Expr>, Bad> {
        let mut items = vec![];
        while !self.take_op(close) {
            items.push(self.expression()?);
            if !self.is_op(close) {
                self.expect_op(",")?;
            }
        }
        Ok(items)
    }

    fn dict(&mut self) -> Result<Form, Bad> {
        self.at += 1;
        let mut pairs = vec![];
        while !self.take_op("}") {
            if self.is_op("{") {
                return Err(self.unexpected("a key"));
            }
            let key = self.expression()?;
            self.expect_op(":")?;
            pairs.push((key, self.expression()?));
            if !self.is_op("}") {
                self.expect_op(",")?;
            }
        }
        Ok(Form::Dict(pairs))
    }

    fn postfix(&mut self, expr: Expr, start: usize) -> Result<Expr, Bad> {
        let mut expr = expr;
        loop {
            if self.take_op(".") {
                expr = self.attribute(expr, start)?;
            } else if self.take_op("[") {
                expr = self.subscript(expr, start)?;
            } else if self.take_op("(") {
                let args = self.arguments()?;
                expr = self.make(start, Form::Call(Box::new(expr), args));
            } else {
                return Ok(expr);
            }
        }
    }

    fn attribute(&mut self, base: Expr, start: usize) -> Result<Expr, Bad> {
        let Some(token) = self.tokens.get(self.at) else { return Err(self.unexpected("a name")) };
        self.at += 1;
        let kind = match &token.kind {
            Kind::Name(name) => Form::Attr(Box::new(base), name.clone(), token.range.clone()),
            Kind::Int(int) => Form::Item(Box::new(base), Box::new(Expr { kind: Form::Int(*int), range: token.range.clone() })),
            // `a.0.1` reads as the number 0.1
            Kind::Float(_) => {
                let hint = "write `a[0][1]`";
                return Err(Bad::new("a number with a fraction where a name was expected", token.range.clone()).hint(hint));
            }
            _ => {
                self.at -= 1;
                return Err(self.unexpected("a name"));
            }
        };
        Ok(self.make(start, kind))
    }

    fn subscript(&mut self, base: Expr, start: usize) -> Result<Expr, Bad> {
        let mut parts: [Option<Box<Expr>>; 3] = [None, None, None];
        let mut colons = 0;
        loop {
            if self.take_op(":") {
                colons += 1;
                if colons > 2 {
                    return Err(self.unexpected("`]`"));
                }
            } else if self.take_op("]") {
                break;
            } else {
                parts[colons] = Some(Box::new(self.expression()?));
            }
        }
        let kind = match (colons, parts) {
            (0, [Some(index), ..]) => Form::Item(Box::new(base), index),
            (0, _) => return Err(Bad::new("an index is missing", start..self.last())),
            (_, parts) => Form::Slice(Box::new(base), parts),
        };
        Ok(self.make(start, kind))
    }

    /// Arguments up to the closing parenthesis.
    fn arguments(&mut self) -> Result<Vec<Arg>, Bad> {
        let mut args = vec![];
        while !self.take_op(")") {
            args.push(self.argument()?);
            if !self.is_op(")") {
                self.expect_op(",")?;
            }
        }
        Ok(args)
    }

    fn argument(&mut self) -> Result<Arg, Bad> {
        if self.take_op("**") {
            return Ok(Arg::Stars(self.expression()?));
        }
        if self.take_op("*") {
            return Ok(Arg::Star(self.expression()?));
        }
        let named = matches!(self.tokens.get(self.at + 1), Some(Token { kind: Kind::Op("="), .. }));
        if let (Some(Kind::Name(name)), true) = (self.peek(), named) {
            self.at += 2;
            return Ok(Arg::Named(name.clone(), self.expression()?));
        }
        Ok(Arg::Plain(self.expression()?))
    }

    fn filters(&mut self, expr: Expr, start: usize) -> Result<Expr, Bad> {
        let mut expr = expr;
        loop {
            if self.is_op("|") {
                expr = self.filter(Some(expr), start)?;
            } else if self.take_word("is") {
                expr = self.test(expr, start)?;
            } else if self.is_op("(") {
                self.at += 1;
                let args = self.arguments()?;
                expr = self.make(start, Form::Call(Box::new(expr), args));
            } else {
                return Ok(expr);
            }
        }
    }

    /// `| name(…)`, also at the start of `{% filter name(…) %}`.
    pub fn filter(&mut self, input: Option<Expr>, start: usize) -> Result<Expr, Bad> {
        self.take_op("|");
        let (name, range) = self.dotted()?;
        let args = if self.take_op("(") { self.arguments()? } else { vec![] };
        Ok(self.make(start, Form::Filter(input.map(Box::new), name, range, args)))
    }

    fn dotted(&mut self) -> Result<(String, Range<usize>), Bad> {
        let (mut name, mut range) = self.name()?;
        while self.take_op(".") {
            let (more, end) = self.name()?;
            name = format!("{name}.{more}");
            range.end = end.end;
        }
        Ok((name, range))
    }

    fn test(&mut self, expr: Expr, start: usize) -> Result<Expr, Bad> {
        let negated = self.take_word("not");
        let (name, range) = self.dotted()?;
        let args = if self.take_op("(") {
            self.arguments()?
        } else if self.begins_argument() {
            let at = self.start();
            let primary = self.primary()?;
            vec![Arg::Plain(self.postfix(primary, at)?)]
        } else {
            vec![]
        };
        let test = self.make(start, Form::Test(Box::new(expr), name, range, args));
        Ok(if negated { self.make(start, Form::Not(Box::new(test))) } else { test })
    }

    /// Whether an argument without parentheses follows a test, as in `x is sameas y`.
    fn begins_argument(&self) -> bool {
        match self.peek() {
            Some(Kind::Text(_) | Kind::Int(_) | Kind::Float(_) | Kind::Op("[" | "{")) => true,
            Some(Kind::Name(name)) => !matches!(name.as_str(), "else" | "or" | "and" | "is" | "if" | "not" | "in"),
            _ => false,
        }
    }
}
