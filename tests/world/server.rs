//! A real API server, asked through curl: many requests in one process, answers in order.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;

/// Where a server is and who asks it.
pub struct Server {
    pub base: String,
    pub token: String,
    pub ca: String,
}

pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub body: Option<Value>,
}

/// The answer's code and body; null where it is not JSON.
pub type Answer = (u16, Value);

impl Server {
    /// The server of a kubeconfig as `cluster.sh` writes it: one cluster, one user with a token.
    pub fn of_kubeconfig(path: &str) -> Server {
        let text = std::fs::read_to_string(path).expect("a kubeconfig");
        let after = |word: &str| {
            let quoted = text.split(&format!("{word}: \"")).nth(1).and_then(|rest| rest.split('"').next());
            quoted.expect("server, token and certificate-authority, quoted").to_owned()
        };
        Server { base: after("server"), token: after("token"), ca: after("certificate-authority") }
    }

    /// Sends all requests one after the other over one connection.
    pub fn ask(&self, requests: &[Request]) -> Vec<Answer> {
        let folder = std::env::temp_dir().join(format!("play-proof-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let mut config = String::new();
        for (place, request) in requests.iter().enumerate() {
            let quoted = |text: &str| Value::from(text).to_string();
            let file = |name: &str| folder.join(format!("{place}.{name}")).display().to_string();
            if place > 0 {
                config.push_str("next\n");
            }
            let kind = match request.method {
                "PATCH" => "application/apply-patch+yaml",
                _ => "application/json",
            };
            write!(
                config,
                "silent\ncacert = {}\nheader = {}\nheader = {}\nrequest = {}\nurl = {}\noutput = {}\nwrite-out = \"%{{http_code}}\\n\"\n",
                quoted(&self.ca),
                quoted(&format!("Authorization: Bearer {}", self.token)),
                quoted(&format!("Content-Type: {kind}")),
                quoted(request.method),
                quoted(&format!("{}{}", self.base, request.path)),
                quoted(&file("out"))
            )
            .expect("text");
            if let Some(body) = &request.body {
                std::fs::write(file("in"), body.to_string()).expect("a written body");
                writeln!(config, "data-binary = {}", quoted(&format!("@{}", file("in")))).expect("text");
            }
        }
        let list = folder.join("config");
        std::fs::write(&list, config).expect("a written list");
        let run = Command::new("curl").arg("--config").arg(&list).output().expect("curl");
        let codes = String::from_utf8_lossy(&run.stdout).lines().map(|line| line.parse().unwrap_or(0)).collect::<Vec<u16>>();
        assert_eq!(codes.len(), requests.len(), "{}", String::from_utf8_lossy(&run.stderr));
        let body =
            |place: usize| std::fs::read(folder.join(format!("{place}.out"))).ok().and_then(|body| serde_json::from_slice(&body).ok());
        let answers = codes.into_iter().enumerate().map(|(place, code)| (code, body(place).unwrap_or(Value::Null))).collect();
        std::fs::remove_dir_all(&folder).expect("a removed folder");
        answers
    }
}
