//! Runs the cases of `tests/modules` and `tests/resources`: text in, text out.
//!
//! A file holds cases, each begun by a line `====== NAME` and made of parts, each begun by a line `--- PART`. What is
//! expected stands in parts of its own; `BLESS=1` rewrites those.

mod modules;
mod real;
mod resources;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::state::{Reply, Response};
use crate::text::{Contents, Node, Source, Value, yaml};

pub(crate) struct File {
    path: PathBuf,
    /// The folder that the file stands in: a module, a kind.
    pub of: String,
    head: String,
    pub cases: Vec<Case>,
}

pub(crate) struct Case {
    pub name: String,
    pub parts: Vec<(String, String)>,
}

impl Case {
    pub fn part(&self, name: &str) -> Option<&str> {
        self.parts.iter().find(|(part, _)| part == name).map(|(_, text)| text.as_str())
    }

    /// All parts whose first word is this, with the rest of their head.
    pub fn all<'a>(&'a self, word: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.parts.iter().filter_map(move |(part, text)| {
            let rest = part.strip_prefix(word)?;
            (rest.is_empty() || rest.starts_with(' ')).then_some((rest.trim(), text.as_str()))
        })
    }

    pub fn yaml(&self, name: &str) -> Node {
        let source = Source::new(format!("{} ({name})", self.name), self.part(name).unwrap_or(""));
        yaml::parse(&source).unwrap_or_else(|error| panic!("{}", error.render(false)))
    }

    /// What came back: `code: 1`, `out: text`, `err: text`.
    pub fn reply(&self, name: &str) -> Option<Reply> {
        self.part(name)?;
        let node = self.yaml(name);
        let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or("").as_bytes().to_vec();
        let code = node.get("code").and_then(|code| code.to_value().as_int()).unwrap_or(0);
        Some(Reply { code: code as i32, out: text("out"), err: text("err") })
    }

    /// What an API server answered: a list of `status`, `body` and `warnings`; a body that is a number is that error.
    pub fn responses(&self, name: &str) -> Option<Vec<Response>> {
        self.part(name)?;
        Some(responses(&self.yaml(name)))
    }

    /// Replaces what is expected, or adds it at the end; nothing is expected where nothing came out.
    fn set(&mut self, name: &str, text: &str) {
        match self.parts.iter_mut().find(|(part, _)| part == name) {
            Some((_, had)) => *had = text.to_string(),
            None if text.is_empty() => {}
            None => self.parts.push((name.to_string(), text.to_string())),
        }
        self.parts.retain(|(part, text)| part != name || !text.is_empty());
    }
}

/// All files of cases below `tests/FOLDER/*/`.
pub(crate) fn files(folder: &str) -> Vec<File> {
    let root = root(folder);
    let mut all: Vec<File> = entries(&root)
        .iter()
        .flat_map(|of| entries(of))
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .map(|path| read(&path))
        .collect();
    all.retain(|file| !file.cases.is_empty());
    all
}

pub(crate) fn root(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(folder)
}

pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(read) = fs::read_dir(folder) else { return vec![] };
    let mut all: Vec<PathBuf> = read.map(|entry| entry.expect("an entry").path()).collect();
    all.sort();
    all
}

fn read(path: &Path) -> File {
    let text = fs::read_to_string(path).expect("a file of cases");
    let of = path.parent().and_then(Path::file_name).expect("a folder").to_string_lossy().into_owned();
    let mut file = File { path: path.to_path_buf(), of, head: String::new(), cases: vec![] };
    for line in text.split_inclusive('\n') {
        if let Some(name) = line.strip_prefix("====== ") {
            file.cases.push(Case { name: name.trim().to_string(), parts: vec![] });
        } else if let (Some(part), Some(case)) = (line.strip_prefix("--- "), file.cases.last_mut()) {
            case.parts.push((part.trim().to_string(), String::new()));
        } else if let Some((_, body)) = file.cases.last_mut().and_then(|case| case.parts.last_mut()) {
            body.push_str(line);
        } else {
            file.head.push_str(line);
        }
    }
    file
}

/// Holds what came out against what is expected, part by part; with `BLESS=1` writes it down instead.
pub(crate) fn judge(mut files: Vec<File>, run: impl Fn(&str, &Case) -> Vec<(&'static str, String)>) {
    let mut wrong = String::new();
    let bless = std::env::var_os("BLESS").is_some();
    for file in &mut files {
        for case in &mut file.cases {
            for (part, came) in run(&file.of, case) {
                let came = if came.is_empty() || came.ends_with('\n') { came } else { came + "\n" };
                let expected = case.part(part).unwrap_or("");
                if came.trim_end() != expected.trim_end() {
                    let _ = write!(wrong, "\n{}: {}: {part}\nexpected:\n{expected}\ncame:\n{came}", file.path.display(), case.name);
                    case.set(part, &came);
                }
            }
        }
        if bless {
            fs::write(&file.path, written(file)).expect("the file of cases can be written");
        }
    }
    assert!(bless || wrong.is_empty(), "{wrong}\nBLESS=1 writes down what came; read the difference before it is committed");
}

fn written(file: &File) -> String {
    let mut text = file.head.clone();
    for case in &file.cases {
        let _ = writeln!(text, "====== {}", case.name);
        for (part, body) in &case.parts {
            let _ = write!(text, "--- {part}\n{body}");
            if !body.is_empty() && !body.ends_with('\n') {
                text.push('\n');
            }
        }
    }
    text
}

fn responses(node: &Node) -> Vec<Response> {
    let response = |node: &Node| {
        let part = |key: &str| node.get(key).map(|node| node.to_value().to_json().expect("JSON")).unwrap_or_default();
        let warnings = part("warnings").as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect();
        Response { status: part("status").as_u64().unwrap_or(200) as u16, body: part("body"), warnings, retry_after: None }
    };
    node.as_list().unwrap_or_default().iter().map(response).collect()
}

/// Fields of a state as YAML has them; `contents` are those of a file.
pub(crate) fn fields(node: &Node) -> Option<crate::state::Fields> {
    let pairs = node.as_map()?;
    let field = |(key, value): &(Node, Node)| {
        let name = key.as_str().unwrap_or_default().to_string();
        let value =
            if name == "contents" { Contents::of(Value::text(value.as_str().unwrap_or_default())).into() } else { value.to_value() };
        (name.into(), value)
    };
    Some(pairs.iter().map(field).collect())
}

/// A value in one line; texts of files as a whole.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Contents(contents) => match contents.here() {
            Some(here) => format!("{here:?}"),
            None => format!("{contents:?}"),
        },
        other => format!("{other:?}"),
    }
}

/// Lines moved to the right.
pub(crate) fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}\n")).collect()
}
