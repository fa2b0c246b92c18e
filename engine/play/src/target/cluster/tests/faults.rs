//! What servers, proxies and networks do wrong, by a server of our own.

use std::sync::atomic::{AtomicUsize, Ordering};

use play_core::run::FaultKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What the server does with a request.
enum Turn {
    Say(&'static str, Json),
    /// Bytes as they are, and then the connection is closed.
    Raw(&'static str),
    /// Never an answer.
    Silence,
}

/// By the count of the requests that were not discovery, and the line of the request.
type Script = fn(usize, &str) -> Turn;

struct Server {
    address: Address,
    /// Lines of the requests that were not discovery.
    seen: Arc<StdMutex<Vec<String>>>,
    dir: std::path::PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

static SERVERS: AtomicUsize = AtomicUsize::new(0);

async fn server(script: Script) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let port = listener.local_addr().expect("address").port();
    let seen = Arc::new(StdMutex::new(vec![]));
    let lines = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, script, lines.clone()));
        }
    });
    let dir = scratch(&format!("mock{}", SERVERS.fetch_add(1, Ordering::Relaxed)));
    std::fs::write(dir.join("config"), kubeconfig_for(&format!("http://127.0.0.1:{port}"), "token: t0psecret")).expect("kubeconfig");
    Server { address: address(&dir.join("config").display().to_string()), seen, dir }
}

async fn serve(mut stream: TcpStream, script: Script, seen: Arc<StdMutex<Vec<String>>>) {
    let mut buffer: Vec<u8> = vec![];
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            let mut some = [0; 4096];
            match stream.read(&mut some).await {
                Ok(0) | Err(_) => return,
                Ok(read) => buffer.extend_from_slice(&some[..read]),
            }
        };
        let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
        let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).and_then(|n| n.parse().ok()).unwrap_or(0);
        while buffer.len() < end + length {
            let mut some = [0; 4096];
            let read = stream.read(&mut some).await.expect("body");
            buffer.extend_from_slice(&some[..read]);
        }
        let line = String::from_utf8_lossy(&buffer).lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_string();
        let line = line.replace("/k8s/clusters/c-1", "");
        buffer.drain(..end + length);
        let turn = if line == "GET /api/v1" {
            Turn::Say("200 OK", json!({"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": true, "verbs": []}]}))
        } else {
            let count = {
                let mut seen = seen.lock().expect("seen");
                seen.push(line.clone());
                seen.len()
            };
            script(count, &line)
        };
        let bytes = match turn {
            Turn::Silence => std::future::pending().await,
            Turn::Say(status, body) => {
                let body = body.to_string();
                format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
            }
            Turn::Raw(raw) => {
                let _ = stream.write_all(raw.as_bytes()).await;
                return;
            }
        };
        if stream.write_all(bytes.as_bytes()).await.is_err() {
            return;
        }
    }
}

const OK: &str = "200 OK";
const BUSY: &str = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 4\r\n\r\nbusy";
const PLAIN: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\ncontent-length: 20\r\n\r\nservice unavailable\n";
const LATER: &str = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 600\r\ncontent-length: 2\r\n\r\n{}";
const CUT: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"kind\":";

fn get() -> Request {
    request(Verb::Get, "v1/ConfigMap", None, "c", Json::Null)
}

fn apply(verb: Verb) -> Request {
    request(verb, "v1/ConfigMap", None, "c", config_map("there", "c", json!({})))
}

/// The answer or the fault to one request, what progress said, and how often it was sent.
async fn told(script: Script, request: Request, limit: Option<u64>) -> (Result<Response, Fault>, Vec<String>, usize) {
    let server = server(script).await;
    let (progress, heard) = progress();
    let purpose = if reads(&request) { Purpose::Ask } else { Purpose::Fix };
    let parts = vec![Part { script: play_core::state::Script::Api(vec![request]), purpose, limit }];
    let told = Clusters::new().send(&server.address, Message { parts }, progress).await;
    let heard = heard.lock().expect("heard").clone();
    let sent = server.seen.lock().expect("seen").len();
    (told.map(|answers| answers[0].responses()[0].clone()), heard, sent)
}

#[tokio::test]
async fn too_many_requests_are_waited_out_also_for_writes() {
    for request in [get(), apply(APPLY)] {
        let (response, heard, sent) =
            told(|count, _| if count == 1 { Turn::Raw(BUSY) } else { Turn::Say(OK, json!({"n": 1})) }, request, None).await;
        assert_eq!((response.expect("answer").status, sent), (200, 2));
        assert!(heard.len() == 1 && heard[0].contains(": too many requests; try 2 in 1."), "{heard:?}");
    }
}

#[tokio::test]
async fn whoever_stays_busy_has_the_last_word() {
    let (response, heard, sent) = told(|_, _| Turn::Raw(PLAIN), get(), None).await;
    let response = response.expect("answer");
    assert_eq!((response.status, response.body, sent, heard.len()), (503, json!("service unavailable"), 4, 3));
    let (response, _, sent) = told(|_, _| Turn::Raw(LATER), get(), None).await;
    let response = response.expect("answer");
    assert_eq!((response.status, response.retry_after, sent), (503, Some(600), 1));
    let (response, _, sent) = told(|_, _| Turn::Raw(PLAIN), apply(APPLY), None).await;
    assert_eq!((response.expect("answer").status, sent), (503, 1), "a write that may have been begun is not sent twice");
}

#[tokio::test]
async fn an_answer_that_is_cut_is_asked_for_again_unless_it_wrote() {
    let (response, heard, sent) =
        told(|count, _| if count < 3 { Turn::Raw(CUT) } else { Turn::Say(OK, json!({"n": 1})) }, apply(DRY), None).await;
    assert_eq!((response.expect("answer").status, sent, heard.len()), (200, 3, 2));
    let (fault, _, sent) = told(|_, _| Turn::Raw(CUT), apply(APPLY), None).await;
    let fault = fault.expect_err("fault");
    assert_eq!((fault.kind, sent), (FaultKind::Unreachable, 1));
    assert!(fault.message.contains("(HTTP 200) ended too early"), "{}", fault.message);
    assert!(fault.hint.is_some_and(|hint| hint.starts_with("context `c` of ")));
}

#[tokio::test]
async fn nobody_answers() {
    let (fault, _, sent) = told(|_, _| Turn::Silence, get(), Some(1)).await;
    let fault = fault.expect_err("fault");
    assert_eq!((fault.kind, sent), (FaultKind::TimedOut, 1));
    assert!(fault.message.ends_with("within 1 s"), "{}", fault.message);
    let (fault, _, _) = told(|_, _| Turn::Raw(""), apply(APPLY), None).await;
    assert!(fault.expect_err("fault").message.contains("was lost"));
}

#[tokio::test]
async fn a_list_whose_snapshot_is_gone_begins_again() {
    let pages: Script = |_, line| {
        let item = |name: &str| json!({"metadata": {"name": name}});
        match line {
            line if line.contains("continue=") => Turn::Say("410 Gone", json!({"kind": "Status", "reason": "Expired", "code": 410})),
            line if line.ends_with("limit=0") => {
                Turn::Say(OK, json!({"kind": "ConfigMapList", "metadata": {}, "items": [item("a"), item("b"), item("c")]}))
            }
            _ => Turn::Say(OK, json!({"kind": "ConfigMapList", "metadata": {"continue": "x/y="}, "items": [item("a"), item("b")]})),
        }
    };
    let (response, _, sent) = told(pages, request(Verb::List, "v1/ConfigMap", None, "", Json::Null), None).await;
    let items = response.expect("answer").body["items"].clone();
    assert_eq!((items.as_array().map(Vec::len), sent), (Some(3), 3));
    assert_eq!(items[0], json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}));
}

#[tokio::test]
async fn an_old_server_and_a_broken_group_are_no_obstacle() {
    let old: Script = |_, line| match line {
        "GET /api" => Turn::Say(OK, json!({"kind": "APIVersions", "versions": ["v1"]})),
        "GET /apis" => Turn::Say("503 Service Unavailable", json!("no")),
        "GET /apis/apps/v1" => Turn::Say(
            OK,
            json!({"resources": [{"name": "deployments", "kind": "Deployment", "namespaced": true}, {"name": "deployments/status", "kind": "Deployment", "namespaced": true}]}),
        ),
        line if line.starts_with("GET /apis/broken") => Turn::Raw(PLAIN),
        line if line.starts_with("GET /apis/apps/v1/namespaces/there/deployments/") => Turn::Say(OK, json!({"n": 1})),
        _ => Turn::Say("404 Not Found", json!({"reason": "NotFound"})),
    };
    let server = server(old).await;
    let ask = |api| request(Verb::Get, api, None, "c", Json::Null);
    let asked = ["apps/v1/Deployment", "broken/v1/X", "c.d/v1/Y", "e.f/v1/Z", "g.h/v1/W", "apps/v1/Nothing"].map(ask).to_vec();
    let answers = send(&Clusters::new(), &server.address, Purpose::Ask, asked).await;
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 503, 404, 404, 404, 404]);
    assert_eq!(answers[2].body["reason"], "KindNotFound");
}

#[tokio::test]
async fn questions_go_side_by_side_and_not_all_at_once() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let mut server = server(|_, _| Turn::Say(OK, json!({}))).await;
    server.address.more.insert("play_cluster_requests".into(), Value::Int(3));
    let clusters = Clusters::new();
    let cluster = clusters.cluster(&server.address).await.expect("cluster");
    let slots = cluster.slots.clone();
    tokio::spawn(async move {
        loop {
            NOW.store(3 - slots.available_permits(), Ordering::Relaxed);
            MOST.fetch_max(NOW.load(Ordering::Relaxed), Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    let parts = (0..30).map(|_| part(Purpose::Ask, vec![get(), get()])).collect();
    let answers = clusters.send(&server.address, Message { parts }, progress().0).await.expect("answers");
    assert!(answers.len() == 30 && answers.iter().all(|answer| answer.responses().len() == 2));
    assert_eq!(MOST.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_server_below_a_path_and_one_that_is_none() {
    let server =
        server(|_, line| if line.ends_with("/configmaps/c") { Turn::Say(OK, json!({"n": 1})) } else { Turn::Say(OK, json!("<html>")) })
            .await;
    let file = server.dir.join("config");
    let text = std::fs::read_to_string(&file).expect("kubeconfig");
    let port = text.split("127.0.0.1:").nth(1).and_then(|rest| rest.split('"').next()).expect("port").to_string();
    std::fs::write(&file, text.replace(&port, &format!("{port}/k8s/clusters/c-1"))).expect("kubeconfig");
    assert_eq!(send(&Clusters::new(), &server.address, Purpose::Ask, vec![get()]).await[0].status, 200);
    let other = request(Verb::Get, "apps/v1/Deployment", None, "c", Json::Null);
    let parts = vec![part(Purpose::Ask, vec![get()]), part(Purpose::Fix, vec![get()]), part(Purpose::Ask, vec![other])];
    let fault = Clusters::new().send(&server.address, Message { parts }, progress().0).await.expect_err("a fault");
    assert!(fault.message.ends_with("answers (HTTP 200), but not as a Kubernetes API server"), "{}", fault.message);
    assert_eq!(fault.answers.len(), 2, "what was answered before it is kept");
}

#[tokio::test]
async fn a_message_can_be_sent_by_a_task_of_its_own() {
    let server = server(|_, _| Turn::Say(OK, json!({"n": 1}))).await;
    let (address, folder) = (server.address.clone(), Address { path: Some(server.dir.display().to_string()), ..Address::default() });
    let sent = tokio::spawn(async move {
        Clusters::new().send(&address, Message { parts: vec![part(Purpose::Ask, vec![get()])] }, progress().0).await
    });
    assert_eq!(sent.await.expect("joined").expect("answers").len(), 1);
    let folders = crate::target::folder::Folders::new();
    let sent =
        tokio::spawn(async move { folders.send(&folder, Message { parts: vec![part(Purpose::Ask, vec![get()])] }, progress().0).await });
    assert_eq!(sent.await.expect("joined").expect("answers").len(), 1);
}

/// A part that lost its connection leaves the answers before it, and drops what still runs.
#[tokio::test]
async fn answers_before_a_fault_are_kept() {
    let server = server(|_, line| if line.ends_with("/lost") { Turn::Raw(CUT) } else { Turn::Say(OK, json!({"n": 1})) }).await;
    let lost = request(Verb::Delete, "v1/ConfigMap", None, "lost", Json::Null);
    let parts =
        vec![part(Purpose::Ask, vec![get(), get()]), part(Purpose::Fix, vec![apply(APPLY)]), part(Purpose::Fix, vec![get(), lost, get()])];
    let fault = Clusters::new().send(&server.address, Message { parts }, progress().0).await.expect_err("a fault");
    assert_eq!(fault.answers.iter().map(|answer| answer.responses().len()).collect::<Vec<_>>(), [2, 1]);
}
