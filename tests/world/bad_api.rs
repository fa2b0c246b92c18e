//! What an API server refuses, and what stands between it and us: each has its own message, the other clusters go on, the
//! exit code tells which it was. A real server wherever it can be made to say so; a small one of our own for the rest.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use tests::{Folder, about, has, told};

struct World {
    folder: Folder,
    program: String,
}

impl World {
    fn new(name: &str) -> Option<World> {
        Some(World { folder: Folder::new(name), program: tests::world("PLAY_TEST_BINARY")? })
    }

    fn play(&self, playbook: &str, hosts: &[(&str, &str)], more: &[&str]) -> (i32, String) {
        let line = |(name, kubeconfig): &(&str, &str)| format!("    {name}: {{play_kubeconfig: \"{kubeconfig}\"}}\n");
        let lines: String = hosts.iter().map(line).collect();
        self.folder.write("hosts.yml", &format!("all:\n  vars: {{ansible_connection: kubernetes}}\n  hosts:\n{lines}"));
        self.folder.write("site.yml", playbook);
        let mut command = Command::new(&self.program);
        command.current_dir(self.folder.path()).env_remove("KUBECONFIG").stdin(Stdio::null());
        let (code, text) = told(&command.args(["site.yml", "-i", "hosts.yml"]).args(more).output().expect("it runs"));
        for secret in ["t0psecret", "wrong-token"] {
            assert!(!text.contains(secret), "{secret} in:\n{text}");
        }
        (code, text)
    }

    /// A kubeconfig with one user.
    fn kubeconfig(&self, name: &str, server: &str, user: &str) {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{{name: a, cluster: {{{server}}}}}]\nusers: [{{name: a, user: {{{user}}}}}]\n\
             contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n"
        );
        self.folder.write(name, &text);
    }
}

const SETTINGS: &str = "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: Settings\n      kubernetes.core.k8s:\n        \
    definition: {apiVersion: v1, kind: ConfigMap, metadata: {name: \"bad-{{ inventory_hostname }}\", namespace: default}, data: {a: b}}\n";

#[test]
fn a_way_to_a_cluster_that_is_none_is_named() {
    let (Some(admin), Some(viewer)) = (tests::world("PLAY_TEST_KUBECONFIG"), tests::world("PLAY_TEST_KUBECONFIG_VIEWER")) else { return };
    let Some(world) = World::new("bad-login") else { return };
    let own = std::fs::read_to_string(&viewer).expect("a kubeconfig");
    let field = |name: &str| {
        let rest = own.split(&format!("{name}: \"")).nth(1).expect("a field of the kubeconfig");
        rest.split('"').next().expect("its end").to_string()
    };
    let (server, ca, token) = (field("server"), field("certificate-authority"), field("token"));
    let real = format!("server: \"{server}\", certificate-authority: \"{ca}\"");
    world.kubeconfig("token", &real, "token: wrong-token");
    world.kubeconfig("authority", &format!("server: \"{server}\""), &format!("token: {token}"));
    world.kubeconfig("refused", "server: \"https://127.0.0.1:1\"", "token: wrong-token");
    world.folder.write("context", &own.replace("current-context: ", "current-context: not-"));
    let plugin = |command: &str, script: &str| {
        format!(
            "exec: {{apiVersion: client.authentication.k8s.io/v1, command: {command}, args: [\"-c\", \"{script}\"], interactiveMode: Never}}"
        )
    };
    world.kubeconfig("fails", &real, &plugin("sh", "echo no login >&2; exit 3"));
    world.kubeconfig("nonsense", &real, &plugin("sh", "echo hello"));
    world.kubeconfig("missing", &real, &plugin("no-such-plugin", ""));
    let names = ["token", "authority", "refused", "context", "fails", "nonsense", "missing", "nofile"];
    let mut hosts: Vec<(&str, &str)> = names.iter().map(|name| (*name, *name)).collect();
    hosts.extend([("admin", admin.as_str()), ("viewer", viewer.as_str())]);
    let (code, text) = world.play(SETTINGS, &hosts, &["--check"]);
    assert_eq!(code, 1, "{text}");
    has(
        about(&text, "token"),
        &["does not accept the credentials of the user `a` (401: Unauthorized)", "context `a` of token; log in again"],
    );
    has(about(&text, "authority"), &["shows a certificate that is not trusted", "see its `certificate-authority`"]);
    has(about(&text, "refused"), &["nothing listens at https://127.0.0.1:1", "is the cluster up"]);
    has(about(&text, "context"), &["no context `not-", "in context", "it has "]);
    has(about(&text, "fails"), &["the login program `sh` failed (exit status: 3): no login", "try `sh` by hand"]);
    has(about(&text, "nonsense"), &["the login program `sh` gave no ExecCredential", "it must print JSON with `status.token`"]);
    has(about(&text, "missing"), &["the login program `no-such-plugin` cannot be started", "is it installed and in PATH?"]);
    has(about(&text, "nofile"), &["nofile does not exist", "ansible_kubectl_kubeconfig"]);
    has(about(&text, "viewer"), &["User \"viewer\" cannot get resource \"configmaps\"", "grant viewer the verb get on configmaps"]);
    has(&text, &["will change admin", "viewer     1 failed", "token      1 unreachable"]);
    let (code, text) = world.play(SETTINGS, &[("refused", "refused"), ("admin", &admin)], &["--check"]);
    assert_eq!(code, 4, "{text}");
}

#[test]
fn what_a_server_refuses_is_told_with_its_field() {
    let Some(admin) = tests::world("PLAY_TEST_KUBECONFIG") else { return };
    let Some(world) = World::new("bad-object") else { return };
    let meta = "metadata: {name: bad-object, namespace: default}";
    let cases = [
        (
            format!("{{apiVersion: example.org/v1, kind: Gadgget, {meta}}}"),
            "the cluster has no kind `example.org/v1/Gadgget`",
            "CustomResourceDefinition",
        ),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: nowhere-at-all}}".to_string(),
            "namespace `nowhere-at-all` does not exist",
            "make the Namespace in a task before this one",
        ),
        (
            format!("{{apiVersion: v1, kind: Service, {meta}, spec: {{ports: [{{port: 700000}}]}}}}"),
            "port: Invalid value: 700000",
            "site.yml:5:7",
        ),
        (
            format!("{{apiVersion: v1, kind: Service, {meta}, spec: {{prots: [{{port: 70}}]}}}}"),
            "spec.prots: unknown field",
            "site.yml:5:7",
        ),
    ];
    for (definition, what, hint) in cases {
        let task = format!(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: It\n      kubernetes.core.k8s: {{definition: {definition}}}\n"
        );
        for more in [&["--check"][..], &[]] {
            let (code, text) = world.play(&task, &[("admin", &admin)], more);
            assert_eq!(code, 1, "{text}");
            has(about(&text, "admin"), &[what, hint]);
        }
    }
}

#[test]
fn a_webhook_that_is_not_there_is_told_in_the_words_of_the_server() {
    let Some(admin) = tests::world("PLAY_TEST_KUBECONFIG") else { return };
    let Some(world) = World::new("bad-webhook") else { return };
    let hook = |state: &str| {
        format!(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - kubernetes.core.k8s:\n        state: {state}\n        definition:\n          \
             apiVersion: admissionregistration.k8s.io/v1\n          kind: ValidatingWebhookConfiguration\n          metadata: {{name: play-bad-webhook}}\n          \
             webhooks:\n            - name: refuses.play.example\n              clientConfig: {{url: \"https://127.0.0.1:1/validate\"}}\n              \
             rules: [{{apiGroups: [\"\"], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}}]\n              \
             objectSelector: {{matchLabels: {{play-bad-webhook: \"yes\"}}}}\n              admissionReviewVersions: [v1]\n              sideEffects: None\n"
        )
    };
    let guarded = SETTINGS.replace("namespace: default}", "namespace: default, labels: {play-bad-webhook: \"yes\"}}");
    let hosts = [("admin", admin.as_str())];
    let (code, text) = world.play(&hook("present"), &hosts, &[]);
    assert_eq!(code, 0, "{text}");
    // a server takes a moment until it asks a webhook
    let refused = (0..100).map(|_| world.play(&guarded, &hosts, &["--check"])).find(|(code, _)| *code == 1);
    let away = world.play(&hook("absent"), &hosts, &[]);
    assert_eq!(away.0, 0, "{}", away.1);
    let (_, text) = refused.expect("the server asks its webhook");
    has(
        about(&text, "admin"),
        &[
            "webhook `refuses.play.example` does not answer",
            "https://127.0.0.1:1/validate",
            "connection refused",
            "is the service behind the webhook running?",
        ],
    );
}

/// Answers every request in one way, but for what kinds there are.
fn server(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream, answer));
        }
    });
    port
}

const KINDS: &str = r#"{"kind": "APIResourceList", "groupVersion": "v1", "resources": [{"name": "configmaps", "singularName": "configmap", "kind": "ConfigMap", "namespaced": true, "verbs": ["get", "patch"]}]}"#;

fn serve(mut stream: TcpStream, answer: &str) {
    let mut all = vec![];
    let mut some = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut some) {
        all.extend_from_slice(&some[..read]);
        let text = String::from_utf8_lossy(&all).to_string();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .to_lowercase()
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next().and_then(|n| n.parse().ok()))
            .unwrap_or(0);
        if body.len() < length {
            continue;
        }
        all.clear();
        if head.starts_with("GET /api/v1 ") {
            let found = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{KINDS}", KINDS.len());
            let _ = stream.write_all(found.as_bytes());
        } else if answer.is_empty() {
            // never an answer: the other side gives up
            let _ = stream.read(&mut some);
            return;
        } else {
            let _ = stream.write_all(answer.as_bytes());
            return;
        }
    }
}

#[test]
fn a_server_that_is_in_trouble_is_told_from_one_that_refuses() {
    let Some(world) = World::new("bad-server") else { return };
    let status = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"etcdserver: request timed out","reason":"InternalError","code":500}"#;
    let with = |code: &str, body: &str| -> &'static str {
        let text = format!(
            "HTTP/1.1 {code}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        Box::leak(text.into_boxed_str())
    };
    let cases: &[(&str, &'static str, &[&str])] = &[
        (
            "busy",
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 600\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbusy",
            &["the server has too many requests (429): busy", "run it again later, or with fewer `--forks`"],
        ),
        (
            "trouble",
            with("500 Internal Server Error", status),
            &["the server is in trouble (500): etcdserver: request timed out", "/readyz?verbose"],
        ),
        (
            "plain",
            "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\nconnection: close\r\n\r\noops",
            &["the server is in trouble (500): oops"],
        ),
        (
            "away",
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: 600\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
            &["the server, or a proxy before it, is not available (503)"],
        ),
        (
            "cut",
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"kind\":",
            &["(HTTP 200) ended too early", "context `a` of cut"],
        ),
    ];
    for (name, answer, what) in cases {
        world.kubeconfig(name, &format!("server: \"http://127.0.0.1:{}\"", server(answer)), "token: t0psecret");
        let (code, text) = world.play(SETTINGS, &[(name, name)], &["--check"]);
        assert_eq!(code, if *name == "cut" { 4 } else { 1 }, "{name}: {text}");
        has(about(&text, name), what);
    }
}
