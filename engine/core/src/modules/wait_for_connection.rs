//! `wait_for_connection`: that a host can be reached, again or for the first time.

use std::sync::Arc;

use crate::state::{Answer, Halt, Look, View};
use crate::text::{Map, Result, Value};

use super::{Arg, Args, Condition, Done, Entry, Holds, Module, Spec, Type, Want};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "wait_for_connection",
    collection: "ansible.builtin",
    about: "Wait until a host can be reached",
    args: &[
        Arg::new("timeout", Type::Int, "Seconds after which it is given up").default("600"),
        Arg::new("delay", Type::Int, "Seconds before it is first tried").default("0"),
        Arg::new("sleep", Type::Int, "Seconds between tries").default("1"),
        Arg::new("connect_timeout", Type::Int, "Seconds that one try may take").default("5"),
    ],
    free_form: None,
    any: false,
};

struct WaitForConnection {
    timeout: f64,
    delay: f64,
    sleep: f64,
    connect: u64,
}

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    let seconds = |name: &str| args.int(name).unwrap_or(0).max(0) as f64;
    let connect = args.int("connect_timeout").unwrap_or(5).max(1) as u64;
    Ok(Arc::new(WaitForConnection { timeout: seconds("timeout"), delay: seconds("delay"), sleep: seconds("sleep"), connect }))
}

impl Module for WaitForConnection {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        let condition = Condition {
            tells: false,
            ask: ":\n".to_string().into(),
            shown: "the connection".into(),
            every: self.sleep,
            first_after: self.delay,
            limit: self.timeout,
            late: "timed out waiting for ping module test".into(),
            reconnects: Some(self.connect),
        };
        Ok(Want { condition: Some(condition), changed: Some(false), ..Want::default() })
    }

    fn holds(&self, answer: &Answer) -> Holds {
        let reply = answer.reply();
        if reply.code == 0 { Holds::Yes } else { Holds::NotYet(String::from_utf8_lossy(&reply.err).trim().to_string()) }
    }

    fn result(&self, done: &Done<'_>) -> Map {
        let mut result = Map::new();
        result.insert("elapsed", Value::Int((done.ended - done.began).max(0.0) as i64));
        result
    }
}
