//! A folder as a cluster.

use std::fs;

use play_core::state::{Request, Response, Script, Verb};
use play_core::text::Mark;
use serde_json::{Value as Json, json};

use super::*;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let dir = std::env::temp_dir().join(format!("play-folder-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("folder");
        Scratch(dir)
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.0.join(path);
        fs::create_dir_all(file.parent().expect("parent")).expect("folder");
        fs::write(file, text).expect("written");
    }

    fn files(&self) -> Vec<String> {
        fn walk(dir: &Path, all: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(dir).expect("dir") {
                let path = entry.expect("entry").path();
                if path.is_dir() { walk(&path, all) } else { all.push(path) }
            }
        }
        let mut all = vec![];
        walk(&self.0, &mut all);
        let mut names: Vec<String> = all.iter().map(|path| path.strip_prefix(&self.0).expect("below").display().to_string()).collect();
        names.sort();
        names
    }

    fn address(&self) -> Address {
        Address { path: Some(self.0.display().to_string()), ..Address::default() }
    }

    async fn ask(&self, requests: Vec<Request>) -> Vec<Response> {
        let purpose = if requests.iter().all(crate::target::requests::reads) { Purpose::Ask } else { Purpose::Fix };
        let parts = vec![Part { script: Script::Api(requests), purpose, limit: None }];
        let answers = Folders::new().send(&self.address(), Message { parts }, quiet()).await.expect("answers");
        answers[0].responses().to_vec()
    }

    async fn one(&self, request: Request) -> (u16, Json) {
        let response = self.ask(vec![request]).await.remove(0);
        (response.status, response.body)
    }

    async fn fault(&self) -> String {
        let parts = vec![Part { script: Script::Api(vec![]), purpose: Purpose::Ask, limit: None }];
        let fault = Folders::new().send(&self.address(), Message { parts }, quiet()).await.expect_err("a fault");
        format!(
            "{} ({})",
            fault.message.replace(&self.0.display().to_string(), "DIR"),
            fault.hint.unwrap_or_default().replace(&self.0.display().to_string(), "DIR")
        )
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn quiet() -> Progress {
    Arc::new(|_| {})
}

fn request(verb: Verb, api: &str, namespace: Option<&str>, name: &str, body: Json) -> Request {
    let (at, kind) = api.rsplit_once('/').expect("api");
    let (group, version) = at.rsplit_once('/').unwrap_or(("", at));
    let (group, version, kind) = (group.into(), version.into(), kind.into());
    Request {
        verb,
        group,
        version,
        kind,
        namespace: namespace.map(Into::into),
        name: name.into(),
        body: Value::from(&body),
        selectors: vec![],
    }
}

fn map(data: Json) -> Json {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data})
}

const APPLY: Verb = Verb::Apply { dry_run: false, force: false };
const DRY: Verb = Verb::Apply { dry_run: true, force: false };

#[tokio::test]
async fn apply_get_list_delete() {
    let folder = Scratch::new("agld");
    let at = |verb, body| request(verb, "v1/ConfigMap", Some("web"), "c", body);
    let (status, would) = folder.one(at(DRY, map(json!({"a": "yes"})))).await;
    assert_eq!((status, &would["metadata"]["resourceVersion"], folder.files()), (201, &Json::Null, vec![]));
    let (status, made) = folder.one(at(APPLY, map(json!({"a": "yes"})))).await;
    assert_eq!((status, folder.files()), (201, vec!["web/configmap_c.yaml".to_string()]));
    let text = fs::read_to_string(folder.0.join("web/configmap_c.yaml")).expect("text");
    assert_eq!(text, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  namespace: web\ndata:\n  a: \"yes\"\n");
    assert_eq!(folder.one(at(Verb::Get, Json::Null)).await, (200, made.clone()));
    let (status, would) = folder.one(at(DRY, map(json!({"b": "no"})))).await;
    assert_eq!(
        (status, &would["data"], &would["metadata"]["resourceVersion"]),
        (200, &json!({"b": "no"}), &made["metadata"]["resourceVersion"])
    );
    let mut list = request(Verb::List, "v1/ConfigMap", None, "", Json::Null);
    assert_eq!(folder.one(list.clone()).await.1["items"], json!([made]));
    list.selectors = vec![("labelSelector", "app=x".into())];
    assert_eq!(folder.one(list).await.1["items"], json!([]));
    assert_eq!(folder.one(at(Verb::Create, map(json!({})))).await.0, 409);
    let stale = folder.one(at(Verb::Delete, json!({"preconditions": {"resourceVersion": "old"}}))).await;
    assert_eq!((stale.0, folder.files().len()), (409, 1));
    assert_eq!(folder.one(at(Verb::Delete, json!({"preconditions": {"uid": made["metadata"]["uid"]}}))).await.0, 200);
    assert_eq!(folder.one(at(Verb::Get, Json::Null)).await.0, 404);
    assert!(fs::read_dir(&folder.0).expect("dir").next().is_none(), "the empty folder of the namespace is gone too");
}

#[tokio::test]
async fn what_somebody_wrote_by_hand_is_read_and_kept() {
    let folder = Scratch::new("hand");
    folder.write(
        "apps/my-stuff.yml",
        "# why\n{apiVersion: v1, kind: ConfigMap,\n  metadata: {name: c, namespace: web}, data: {'a': 'yes'}} # so\n",
    );
    folder.write("apps/kustomization.yaml", "resources: [my-stuff.yml]\n");
    folder.write(".git/x.yaml", "nothing: {");
    let at = |verb, body| request(verb, "v1/ConfigMap", Some("web"), "c", body);
    let before = fs::read_to_string(folder.0.join("apps/my-stuff.yml")).expect("text");
    assert_eq!(folder.one(at(APPLY, map(json!({"a": "yes"})))).await.0, 200);
    assert_eq!(fs::read_to_string(folder.0.join("apps/my-stuff.yml")).expect("text"), before, "what is equal is not written");
    assert_eq!(folder.one(at(APPLY, map(json!({"a": "no"})))).await.0, 200);
    assert!(
        fs::read_to_string(folder.0.join("apps/my-stuff.yml")).expect("text").ends_with("data:\n  a: \"no\"\n"),
        "what changes is written where it was"
    );
    folder.write(
        "two.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n",
    );
    let labelled = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {"x": "y"}}});
    let (status, body) = folder.one(request(APPLY, "v1/Namespace", None, "a", labelled)).await;
    assert!(
        status == 409
            && body["message"]
                .as_str()
                .is_some_and(|message| message.ends_with("two.yaml holds 2 objects, and `play` writes files of one object only: split it")),
        "{body}"
    );
    assert_eq!(folder.one(request(Verb::Get, "v1/Namespace", None, "b", Json::Null)).await.0, 200);
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let folder = Scratch::new("broken");
    folder.write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: x\n");
    assert_eq!(
        folder.fault().await,
        "DIR/a.yaml:4:1: a tab in the indentation (YAML is indented with blanks only; replace the tab with blanks)"
    );
    folder.write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n");
    folder.write("b.yaml", "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: default}\n");
    assert_eq!(
        folder.fault().await,
        "DIR/b.yaml:3:1: ConfigMap default/x stands here twice (keep one of the two; the first is at DIR/a.yaml:1:1)"
    );
    folder.write("b.yaml", "replicas: 1\n");
    assert!(folder.fault().await.starts_with("DIR/b.yaml:1:1: this manifest has no `apiVersion`"));
    folder.write("b.yaml", "- 1\n");
    assert!(folder.fault().await.starts_with("DIR/b.yaml:1:1: a manifest is a mapping, and this is a list"));
}

#[tokio::test]
async fn scopes_are_known_or_said() {
    let folder = Scratch::new("scopes");
    let thing = |namespace| {
        request(
            APPLY,
            "x.example/v1/Thing",
            namespace,
            "t",
            json!({"apiVersion": "x.example/v1", "kind": "Thing", "metadata": {"name": "t"}}),
        )
    };
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "Sys:x"}, "rules": []});
    let refused = folder.one(request(APPLY, "rbac.authorization.k8s.io/v1/ClusterRole", Some("web"), "Sys:x", role.clone())).await;
    assert_eq!(
        (refused.0, &refused.1["message"]),
        (400, &json!("a ClusterRole belongs to the whole cluster, not to the namespace `web`: remove its namespace"))
    );
    assert_eq!(folder.one(request(APPLY, "rbac.authorization.k8s.io/v1/ClusterRole", None, "Sys:x", role)).await.0, 201);
    assert_eq!(folder.ask(vec![thing(None)]).await[0].warnings.len(), 1);
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.x.example"},
        "spec": {"group": "x.example", "names": {"kind": "Thing", "plural": "things"}, "scope": "Cluster"}});
    assert_eq!(
        folder.one(request(APPLY, "apiextensions.k8s.io/v1/CustomResourceDefinition", None, "things.x.example", definition)).await.0,
        201
    );
    assert_eq!(folder.one(thing(Some("web"))).await.0, 400);
    assert_eq!(folder.one(request(APPLY, "v1/ConfigMap", None, "c", map(json!({})))).await.0, 201);
    let wrong = folder.one(request(APPLY, "v1/ConfigMap", Some("web"), "d", map(json!({})))).await;
    assert_eq!(wrong.1["message"], "the manifest has `metadata.name: c`, and the request is for `d`");
    assert_eq!(
        folder.files(),
        [
            "_cluster/clusterrole.rbac.authorization.k8s.io_%53ys%3Ax.yaml",
            "_cluster/customresourcedefinition.apiextensions.k8s.io_things.x.example.yaml",
            "_cluster/thing.x.example_t.yaml",
            "default/configmap_c.yaml",
        ]
    );
}

#[tokio::test]
async fn secrets_are_not_written_unless_it_was_said() {
    let folder = Scratch::new("secrets");
    let mark = Mark::new("db_password", "hunter2", b"k");
    let mut wanted = request(APPLY, "v1/Secret", Some("web"), "db", Json::Null);
    wanted.body = Value::map([
        ("apiVersion", Value::text("v1")),
        ("kind", Value::text("Secret")),
        ("metadata", Value::map([("name", Value::text("db"))])),
        ("stringData", Value::map([("password", Value::text("hunter2").marked(vec![mark]))])),
    ]);
    for verb in [DRY, APPLY] {
        let (status, body) = folder.one(Request { verb, ..wanted.clone() }).await;
        assert_eq!((status, &body["reason"]), (422, &json!("SecretsInPlainText")));
        assert!(body["message"].as_str().is_some_and(|message| message.contains("db_password") && !message.contains("hunter2")));
    }
    assert!(folder.files().is_empty());
    let mut address = folder.address();
    address.more.insert("play_folder_secrets".into(), Value::text("plain"));
    let parts = vec![Part { script: Script::Api(vec![wanted]), purpose: Purpose::Fix, limit: None }];
    let answers = Folders::new().send(&address, Message { parts }, quiet()).await.expect("answers");
    assert_eq!(answers[0].responses()[0].status, 201);
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(folder.0.join("web/secret_db.yaml")).expect("file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_fix_that_fails_ends_its_message() {
    let folder = Scratch::new("ends");
    let absent = request(Verb::Delete, "v1/ConfigMap", Some("web"), "gone", Json::Null);
    let get = request(Verb::Get, "v1/ConfigMap", Some("web"), "gone", Json::Null);
    let part = |purpose, requests| Part { script: Script::Api(requests), purpose, limit: None };
    let shell = Part { script: Script::from("true".to_string()), purpose: Purpose::Ask, limit: None };
    let parts = vec![
        shell,
        part(Purpose::Ask, vec![get.clone(), absent.clone()]),
        part(Purpose::Act { stops: false }, vec![absent.clone(), get.clone()]),
        part(Purpose::Ask, vec![get.clone(), get.clone()]),
        part(Purpose::Fix, vec![absent, get.clone()]),
        part(Purpose::Ask, vec![get]),
    ];
    let answers = Folders::new().send(&folder.address(), Message { parts }, quiet()).await.expect("answers");
    assert!(matches!(&answers[0], Answer::Refused(why) if why.contains("runs no shell")));
    assert!(matches!(&answers[1], Answer::Refused(why) if why.contains("must not write")));
    let counts: Vec<usize> = answers[2..5].iter().map(|answer| answer.responses().len()).collect();
    assert_eq!((counts, &answers[5]), (vec![1, 2, 1], &Answer::Skipped));
}

/// By hand: `cargo test -p play figures -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
#[allow(clippy::print_stderr, reason = "a measurement is read by a person")]
async fn figures() {
    let folder = Scratch::new("figures");
    for (what, verb) in [("apply", APPLY), ("dry run", DRY), ("get", Verb::Get)] {
        let one = |n: usize| {
            let mut body = map(json!({"a": "x".repeat(500), "script": "#!/bin/sh\nexit 0\n"}));
            body["metadata"]["name"] = json!(format!("c{n}"));
            request(verb, "v1/ConfigMap", Some("web"), &format!("c{n}"), if verb == Verb::Get { Json::Null } else { body })
        };
        let begun = std::time::Instant::now();
        let answers = folder.ask((0..1000).map(one).collect()).await;
        eprintln!("1000 x {what}: {:?}", begun.elapsed());
        assert!(answers.iter().all(|answer| answer.status < 300));
    }
}
