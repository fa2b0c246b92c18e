//! Jobs that go on in the background of a host: how one is started, asked about and taken away.
//!
//! A job has a file `~/.ansible_async/ID`, where Ansible has it too, and beside it a folder `ID.play`: what it runs, what
//! it printed, the code it ended with. It runs in a session of its own, so that the end of our connection is not its end,
//! under a watch that ends all of it when its time is over.

use std::collections::BTreeMap;

use crate::resources::sh;
use crate::state::{Reply, Shell};

/// The folder of jobs, as the shell names it.
const FOLDER: &str = "__d=${ANSIBLE_ASYNC_DIR:-$HOME/.ansible_async}\n";

/// `$1`: the job's folder, `$2`: seconds that it may take, `$3`: the mask that its files are made with.
const WATCH: &str = concat!(
    "d=$1\n",
    "trap '' TERM HUP\n",
    "date +%s >\"$d/start\"\n",
    "( trap - TERM HUP; umask \"$3\"; exec sh \"$d/run\" ) >\"$d/out\" 2>\"$d/err\" </dev/null &\n",
    "p=$!\n",
    "( sleep \"$2\"; : >\"$d/late\"; kill -TERM -$$ 2>/dev/null; sleep 3; kill -KILL $p 2>/dev/null ) &\n",
    "t=$!\n",
    "wait $p; c=$?\n",
    "[ -e \"$d/late\" ] || kill -KILL $t 2>/dev/null\n",
    "rm -f \"$d/run\"; date +%s >\"$d/end\"; echo $c >\"$d/code.new\"; mv \"$d/code.new\" \"$d/code\"\n",
);

/// Starts a script as a job; prints the path of its file. `known`: JSON of its result as far as that is known already.
pub fn start(id: &str, script: &Shell, seconds: u64, known: &str) -> Shell {
    let file = sh::quote(id);
    let mut text = format!("{FOLDER}__j=$__d/{file}; __m=$(umask)\nmkdir -p \"$__d\" || exit\numask 077\nmkdir -p \"$__j.play\" || exit\n");
    let begun = format!("{{\"started\": true, \"finished\": false, \"ansible_job_id\": \"{id}\"}}");
    for (name, bytes) in [(".play/run", script.text.as_str()), (".play/known", known), (".play/watch", WATCH), ("", &begun)] {
        text += &format!("{} >\"$__j\"{name} || exit\n", sh::print(bytes.as_bytes()));
    }
    text += "__s=; command -v setsid >/dev/null 2>&1 && __s=setsid\n";
    text += &format!(
        "$__s sh \"$__j.play/watch\" \"$__j.play\" {} $__m </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &\n",
        seconds.max(1)
    );
    text += "printf '%s\\n' \"$__j\"\n";
    Shell { text, uploads: script.uploads.clone() }
}

/// Writes the file of a job that is over already.
pub fn keep(id: &str, result: &str) -> Shell {
    let file = sh::quote(id);
    let text = format!(
        "{FOLDER}mkdir -p \"$__d\" && umask 077 && {} >\"$__d\"/{file} && printf '%s\\n' \"$__d\"/{file}\n",
        sh::print(result.as_bytes())
    );
    Shell { text, uploads: vec![] }
}

/// Asks how far a job is; see [`Job::read`].
pub fn status(id: &str) -> Shell {
    let file = sh::quote(id);
    let mut text = format!("{FOLDER}__j=$__d/{file}\nprintf 'path %s\\n' \"$__j\"\n");
    text += "if [ ! -e \"$__j\" ]; then echo 'none -'\n";
    text += "elif [ ! -d \"$__j.play\" ]; then echo 'file -'; cat \"$__j\"\n";
    text += "elif [ ! -e \"$__j.play/code\" ]; then echo 'runs -'\nelse\n";
    for name in ["code", "start", "end"] {
        text += &format!("printf '{name} '; cat \"$__j.play/{name}\"\n");
    }
    text += "[ ! -e \"$__j.play/late\" ] || echo 'late -'\n";
    text += "printf 'sizes '; wc -c <\"$__j.play/known\" | tr -d ' \\n'; printf ' '; wc -c <\"$__j.play/out\" | tr -d ' '\n";
    text += "cat \"$__j.play/known\" \"$__j.play/out\" \"$__j.play/err\"\nfi\n";
    Shell { text, uploads: vec![] }
}

/// Takes a job's files away; prints the path of the first.
pub fn remove(id: &str) -> Shell {
    let file = sh::quote(id);
    let mut text = format!("{FOLDER}__j=$__d/{file}\n[ -e \"$__j\" ] || exit 4\n");
    text += "rm -rf \"$__j\" \"$__j.play\" && printf '%s\\n' \"$__j\"\n";
    Shell { text, uploads: vec![] }
}

/// How far a job is.
#[derive(Debug, PartialEq)]
pub struct Job {
    /// The path of its file.
    pub path: String,
    pub stage: Stage,
}

#[derive(Debug, PartialEq)]
pub enum Stage {
    /// There is none of this name.
    None,
    Runs,
    /// The text of a file that somebody wrote as a whole.
    File(String),
    /// It is over: what it printed, seconds since 1970, whether its time ran out, what was known before.
    Over {
        reply: Reply,
        began: f64,
        ended: f64,
        late: bool,
        known: String,
    },
}

impl Job {
    /// From what [`status`] printed; nothing where that cannot be read.
    pub fn read(reply: &Reply) -> Option<Job> {
        let (mut at, mut words) = (0, BTreeMap::new());
        while !["none", "file", "runs", "sizes"].iter().any(|last| words.contains_key(*last)) {
            let end = at + reply.out.get(at..)?.iter().position(|byte| *byte == b'\n')?;
            let line = std::str::from_utf8(&reply.out[at..end]).ok()?;
            let (name, value) = line.split_once(' ')?;
            words.insert(name.to_string(), value.to_string());
            at = end + 1;
        }
        let rest = &reply.out[at..];
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let stage = match () {
            () if words.contains_key("none") => Stage::None,
            () if words.contains_key("runs") => Stage::Runs,
            () if words.contains_key("file") => Stage::File(text(rest)),
            () => {
                let (known, out) = words.get("sizes")?.split_once(' ')?;
                let (known, out): (usize, usize) = (known.parse().ok()?, out.parse().ok()?);
                let number = |name: &str| words.get(name).and_then(|value| value.trim().parse::<f64>().ok());
                let streams = rest.get(known..)?;
                let reply = Reply { code: number("code")? as i32, out: streams.get(..out)?.to_vec(), err: streams.get(out..)?.to_vec() };
                let (began, ended) = (number("start").unwrap_or_default(), number("end").unwrap_or_default());
                Stage::Over { reply, began, ended, late: words.contains_key("late"), known: text(&rest[..known]) }
            }
        };
        Some(Job { path: words.get("path")?.clone(), stage })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(out: &str) -> Option<Stage> {
        Job::read(&Reply { out: out.into(), ..Reply::default() }).map(|job| job.stage)
    }

    #[test]
    fn an_answer_says_how_far_it_is() {
        assert_eq!(read("path /x/j1\nnone -\n"), Some(Stage::None));
        assert_eq!(read("path /x/j1\nruns -\n"), Some(Stage::Runs));
        assert_eq!(read("path /x/j1\nfile -\n{\"a\": 1}\n"), Some(Stage::File("{\"a\": 1}\n".into())));
        let over = read("path /x/j1\ncode 3\nstart 10\nend 12\nlate -\nsizes 2 4\n{}a\nb\noops");
        let reply = Reply { code: 3, out: b"a\nb\n".to_vec(), err: b"oops".to_vec() };
        assert_eq!(over, Some(Stage::Over { reply, began: 10.0, ended: 12.0, late: true, known: "{}".into() }));
        assert_eq!((read("path /x/j1\ncode 3\nsizes 9 9\n{}"), read("")), (None, None));
    }
}
