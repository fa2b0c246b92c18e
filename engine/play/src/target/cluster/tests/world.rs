//! Against a real API server, where PLAY_TEST_KUBECONFIG names its kubeconfig; PLAY_TEST_KUBECONFIG_VIEWER is that of a user
//! without rights.
#![allow(clippy::print_stderr, reason = "what is skipped is said aloud")]

use play_core::run::FaultKind;
use play_core::text::{Mark, Value};

use super::*;

/// The cluster's kubeconfig; `None` (said aloud) where there is none.
pub(super) fn kubeconfig(variable: &str) -> Option<String> {
    let path = std::env::var(variable).ok().filter(|path| !path.is_empty());
    if path.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{variable} is not set, and CI must not skip");
        eprintln!("skipped: no cluster ({variable} is not set)");
    }
    path
}

/// A name of this run: a namespace that is removed stays for a while.
pub(super) fn ns(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

/// A namespace of its own for a test, and its clusters.
pub(super) async fn fresh(path: &str, namespace: &str) -> (Clusters, Address) {
    let (clusters, address) = (Clusters::new(), address(path));
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    let made = send(&clusters, &address, Purpose::Fix, vec![request(APPLY, "v1/Namespace", None, namespace, body)]).await;
    assert!(made[0].status < 300, "{made:?}");
    (clusters, address)
}

pub(super) async fn gone(clusters: &Clusters, address: &Address, namespace: &str) {
    let removed = send(clusters, address, Purpose::Fix, vec![request(Verb::Delete, "v1/Namespace", None, namespace, Json::Null)]).await;
    assert_eq!(removed[0].status, 200, "{removed:?}");
}

fn kubectl(kubeconfig: &str, arguments: &[&str]) {
    let mut command = std::process::Command::new(std::env::var("PLAY_TEST_KUBECTL").unwrap_or("kubectl".into()));
    let done = command.arg(format!("--kubeconfig={kubeconfig}")).args(arguments).output().expect("kubectl");
    assert!(done.status.success(), "{done:?}");
}

#[tokio::test]
async fn apply_get_delete() {
    let Some(path) = kubeconfig("PLAY_TEST_KUBECONFIG") else { return };
    let (clusters, address) = fresh(&path, &ns("t-agd")).await;
    let map = config_map(&ns("t-agd"), "settings", json!({"a": "1"}));
    let at = |verb, body| request(verb, "v1/ConfigMap", Some(&ns("t-agd")), "settings", body);
    let asked = send(&clusters, &address, Purpose::Ask, vec![at(Verb::Get, Json::Null), at(DRY, map.clone())]).await;
    assert_eq!((asked[0].status, asked[1].status), (404, 201));
    assert_eq!(asked[1].body["metadata"]["resourceVersion"], Json::Null, "a dry run of what is new has no version");
    let done = send(&clusters, &address, Purpose::Fix, vec![at(APPLY, map.clone()), at(Verb::Get, Json::Null)]).await;
    assert_eq!((done[0].status, done[1].status), (201, 200));
    assert_eq!(done[1].body["metadata"]["managedFields"][0]["manager"], "play");
    let changed = at(DRY, config_map(&ns("t-agd"), "settings", json!({"a": "2"})));
    let again = send(&clusters, &address, Purpose::Ask, vec![at(DRY, map), changed]).await;
    for answer in &again {
        assert_eq!(
            answer.body["metadata"]["resourceVersion"], done[1].body["metadata"]["resourceVersion"],
            "changed or not, a dry run keeps it"
        );
    }
    assert_eq!(again[1].body["data"]["a"], "2");
    let options = json!({"propagationPolicy": "Background", "preconditions": {"uid": "no-such-uid"}});
    let wrong = send(&clusters, &address, Purpose::Fix, vec![at(Verb::Delete, options), at(Verb::Get, Json::Null)]).await;
    assert_eq!((wrong[0].status, wrong.len()), (409, 1), "the first that fails ends a fix");
    let removed = send(&clusters, &address, Purpose::Fix, vec![at(Verb::Delete, Json::Null)]).await;
    assert_eq!(removed[0].status, 200);
    gone(&clusters, &address, &ns("t-agd")).await;
}

#[tokio::test]
async fn refusals_are_answers() {
    let Some(path) = kubeconfig("PLAY_TEST_KUBECONFIG") else { return };
    let (clusters, address) = fresh(&path, &ns("t-refused")).await;
    let mark = Mark::new("port", "sup3rsecret", b"k");
    let mut invalid = request(DRY, "v1/ConfigMap", Some(&ns("t-refused")), "x", config_map(&ns("t-refused"), "x", json!({})));
    invalid.body = Value::map([
        ("apiVersion", Value::text("v1")),
        ("kind", Value::text("ConfigMap")),
        (
            "metadata",
            Value::map([("name", Value::text("x")), ("labels", Value::map([("l", Value::text("sup3rsecret/!").marked(vec![mark]))]))]),
        ),
    ]);
    let unknown = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "y"}, "dat": {}});
    let answers = send(
        &clusters,
        &address,
        Purpose::Ask,
        vec![
            invalid,
            request(DRY, "v1/ConfigMap", Some(&ns("t-refused")), "y", unknown),
            request(Verb::Get, "apps/v1/Deploymnt", Some(&ns("t-refused")), "y", Json::Null),
            request(Verb::Get, "extensions/v1beta1/Deployment", Some(&ns("t-refused")), "y", Json::Null),
            request(Verb::Get, "no.such.group/v1/Thing", None, "y", Json::Null),
            request(Verb::Get, "v1/Namespace", Some(&ns("t-refused")), "y", Json::Null),
            request(Verb::Get, "v1/ConfigMap", None, "", Json::Null),
            request(DRY, "v1/ConfigMap", Some("no-such-namespace"), "z", config_map("no-such-namespace", "z", json!({}))),
        ],
    )
    .await;
    let said: Vec<String> =
        answers.iter().map(|answer| format!("{} {}", answer.status, answer.body["message"].as_str().unwrap_or_default())).collect();
    assert!(said[0].starts_with("422 ") && said[0].contains("‹secret port") && !said[0].contains("sup3rsecret"), "{}", said[0]);
    // 500, of all things: an unknown field of an apply is no failure of the server
    assert_eq!(said[1], "500 failed to create typed patch object (/y; /v1, Kind=ConfigMap): .dat: field not declared in schema");
    assert_eq!(said[2], "404 the cluster has no kind `apps/v1/Deploymnt`; it has apps/v1/Deployment");
    assert_eq!(said[3], "404 the cluster has no kind `extensions/v1beta1/Deployment`; it has apps/v1/Deployment");
    assert_eq!(answers[3].body["details"]["near"], json!(["apps/v1/Deployment"]));
    assert_eq!(said[4], "404 the cluster has no kind `no.such.group/v1/Thing`; nothing of the group `no.such.group` is installed");
    assert_eq!(
        said[5],
        format!("400 a Namespace belongs to the whole cluster, not to the namespace `{}`: remove its namespace", ns("t-refused"))
    );
    assert_eq!(said[6], "400 this request for a ConfigMap has no name");
    assert_eq!(said[7], "404 namespaces \"no-such-namespace\" not found");
    gone(&clusters, &address, &ns("t-refused")).await;
}

#[tokio::test]
async fn a_field_of_another_manager_is_a_conflict() {
    let Some(path) = kubeconfig("PLAY_TEST_KUBECONFIG") else { return };
    let (clusters, address) = fresh(&path, &ns("t-conflict")).await;
    let at = |verb, data| request(verb, "v1/ConfigMap", Some(&ns("t-conflict")), "c", config_map(&ns("t-conflict"), "c", data));
    // kubectl as the other manager
    kubectl(&path, &["-n", &ns("t-conflict"), "create", "configmap", "c", "--from-literal=a=theirs"]);
    let dry = send(&clusters, &address, Purpose::Ask, vec![at(DRY, json!({"a": "ours"}))]).await;
    assert_eq!(dry[0].status, 409, "{dry:?}");
    assert_eq!(dry[0].body["details"]["causes"][0]["reason"], "FieldManagerConflict");
    assert_eq!(dry[0].body["details"]["causes"][0]["field"], ".data.a");
    let forced = send(&clusters, &address, Purpose::Fix, vec![at(Verb::Apply { dry_run: false, force: true }, json!({"a": "ours"}))]).await;
    assert_eq!((forced[0].status, &forced[0].body["data"]["a"]), (200, &json!("ours")));
    gone(&clusters, &address, &ns("t-conflict")).await;
}

#[tokio::test]
async fn lists_are_paged_and_typed() {
    let Some(path) = kubeconfig("PLAY_TEST_KUBECONFIG") else { return };
    let (clusters, mut address) = fresh(&path, &ns("t-list")).await;
    address.more.insert("play_cluster_page".into(), Value::Int(7));
    let clusters_of_seven = Clusters::new();
    let names: Vec<String> = (0..30).map(|n| format!("m{n:02}")).collect();
    let make = names.iter().map(|name| {
        let mut body = config_map(&ns("t-list"), name, json!({"n": name}));
        body["metadata"]["labels"] = json!({"half": if name < &"m15".to_string() { "first" } else { "second" }});
        request(APPLY, "v1/ConfigMap", None, name, body)
    });
    assert!(send(&clusters, &address, Purpose::Fix, make.collect()).await.iter().all(|response| response.status == 201));
    let mut some = request(Verb::List, "v1/ConfigMap", Some(&ns("t-list")), "", Json::Null);
    some.selectors = vec![("labelSelector", "half in (first)".into()), ("fieldSelector", "metadata.name!=m00".into())];
    let all = request(Verb::List, "v1/ConfigMap", Some(&ns("t-list")), "", Json::Null);
    let lists =
        send(&clusters_of_seven, &address, Purpose::Ask, vec![all, some, request(Verb::List, "v1/ConfigMap", None, "", Json::Null)]).await;
    let items = |at: usize| lists[at].body["items"].as_array().expect("items").clone();
    // kube-root-ca.crt is there too where a controller runs
    assert_eq!(items(0).iter().filter(|item| item["metadata"]["name"].as_str().is_some_and(|name| name.starts_with('m'))).count(), 30);
    assert_eq!((&items(0)[0]["kind"], &items(0)[0]["apiVersion"]), (&json!("ConfigMap"), &json!("v1")));
    assert_eq!(items(1).len(), 14);
    assert!(items(2).len() >= 30);
    assert_eq!(lists[0].body["metadata"]["continue"], Json::Null);
    gone(&clusters, &address, &ns("t-list")).await;
}

fn definition(group: &str) -> Json {
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": format!("wells.{group}")},
        "spec": {"group": group, "scope": "Namespaced", "names": {"plural": "wells", "singular": "well", "kind": "Well"},
            "versions": [{"name": "v1", "served": true, "storage": true, "deprecated": true, "deprecationWarning": "wells are \"old\"", "schema": {"openAPIV3Schema": schema}}]}})
}

#[tokio::test]
async fn a_definition_and_then_its_objects_with_a_warning() {
    let Some(path) = kubeconfig("PLAY_TEST_KUBECONFIG") else { return };
    let (clusters, address) = fresh(&path, &ns("t-crd")).await;
    let well = |verb| {
        let body = json!({"apiVersion": "t-crd.example/v1", "kind": "Well", "metadata": {"name": "w"}, "spec": {"size": 3}});
        request(verb, "t-crd.example/v1/Well", Some(&ns("t-crd")), "w", body)
    };
    let before = send(&clusters, &address, Purpose::Ask, vec![well(Verb::Get)]).await;
    assert_eq!(before[0].body["reason"], "KindNotFound");
    let crd = request(APPLY, "apiextensions.k8s.io/v1/CustomResourceDefinition", None, "wells.t-crd.example", definition("t-crd.example"));
    assert_eq!(send(&clusters, &address, Purpose::Fix, vec![crd.clone()]).await[0].status, 201);
    // established comes before served: ask until it holds, as a condition does
    let mut asked = 0;
    let made = loop {
        let made = send(&clusters, &address, Purpose::Fix, vec![well(APPLY)]).await.remove(0);
        asked += 1;
        if made.status != 404 || asked > 200 {
            break made;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.warnings, ["wells are \"old\""]);
    // by somebody else, so that what we know is old
    let removed = send(&Clusters::new(), &address, Purpose::Fix, vec![Request { verb: Verb::Delete, body: Value::Null, ..crd }]).await;
    assert_eq!(removed[0].status, 200);
    let after = loop {
        let after = send(&clusters, &address, Purpose::Ask, vec![well(Verb::Get)]).await.remove(0);
        if after.body["reason"] != "NotFound" && after.status == 404 {
            break after;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(after.body["reason"], "KindNotFound", "{after:?}");
    gone(&clusters, &address, &ns("t-crd")).await;
}

#[tokio::test]
async fn a_user_without_rights_is_told_so() {
    let Some(path) = kubeconfig("PLAY_TEST_KUBECONFIG_VIEWER") else { return };
    let answers = send(
        &Clusters::new(),
        &address(&path),
        Purpose::Ask,
        vec![
            request(Verb::Get, "v1/ConfigMap", Some("default"), "x", Json::Null),
            request(DRY, "v1/ConfigMap", Some("default"), "x", config_map("default", "x", json!({}))),
            request(Verb::List, "v1/Secret", None, "", Json::Null),
        ],
    )
    .await;
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [403, 403, 403]);
    assert!(answers[1].body["message"].as_str().expect("message").contains("cannot patch resource"), "{:?}", answers[1].body);
}

#[tokio::test]
async fn a_fix_that_fails_ends_its_message_and_questions_do_not() {
    let Some(path) = kubeconfig("PLAY_TEST_KUBECONFIG") else { return };
    let (clusters, address) = (Clusters::new(), address(&path));
    let get = || request(Verb::Get, "v1/ConfigMap", Some("default"), "absent", Json::Null);
    let shell = Part { script: Script::from("true".to_string()), purpose: Purpose::Ask, limit: None };
    let bad = || request(APPLY, "v1/ConfigMap", Some("default"), "Not_A_Name", config_map("default", "Not_A_Name", json!({})));
    let parts = vec![
        part(Purpose::Ask, vec![get(), get()]),
        shell,
        part(Purpose::Ask, vec![get(), bad()]),
        part(Purpose::Ask, vec![get()]),
        part(Purpose::Act { stops: false }, vec![bad(), get()]),
        part(Purpose::Fix, vec![bad(), get()]),
        part(Purpose::Fix, vec![get()]),
        part(Purpose::Ask, vec![get()]),
    ];
    let answers = clusters.send(&address, Message { parts }, progress().0).await.expect("answers");
    let codes = |at: usize| answers[at].responses().iter().map(|response| response.status).collect::<Vec<_>>();
    assert_eq!(codes(0), [404, 404]);
    assert!(matches!(&answers[1], Answer::Refused(why) if why.contains("runs no shell")));
    assert!(matches!(&answers[2], Answer::Refused(why) if why.contains("must not write")));
    assert_eq!((codes(3), codes(4), codes(5)), (vec![404], vec![422], vec![422]));
    assert_eq!(&answers[6..], [Answer::Skipped, Answer::Skipped]);
}

#[tokio::test]
async fn a_wrong_token_and_a_closed_port_are_faults() {
    let Some(path) = kubeconfig("PLAY_TEST_KUBECONFIG") else { return };
    let text = std::fs::read_to_string(&path).expect("kubeconfig");
    let dir = scratch("faults");
    let at = text.find("token: \"").expect("token") + 8;
    let wrong = format!("{}{}{}", &text[..at], "wr0ngwr0ng", &text[at + text[at..].find('"').expect("quote")..]);
    std::fs::write(dir.join("wrong"), wrong).expect("write");
    std::fs::write(dir.join("closed"), kubeconfig_for("https://127.0.0.1:1", "token: t0psecret")).expect("write");
    std::fs::write(dir.join("nowhere"), kubeconfig_for("https://no-such-host.invalid:6443", "token: t0psecret")).expect("write");
    let server = text.split("server: \"").nth(1).and_then(|rest| rest.split('"').next()).expect("server").to_string();
    std::fs::write(dir.join("untrusted"), kubeconfig_for(&server, "token: t0psecret")).expect("write");
    for (name, message) in [
        ("wrong", "does not accept the credentials of the user `admin` (401: Unauthorized)"),
        ("closed", "nothing listens at https://127.0.0.1:1"),
        ("nowhere", "no address is known for https://no-such-host.invalid:6443"),
        ("untrusted", "shows a certificate that is not trusted"),
        ("missing", "missing does not exist"),
    ] {
        let file = dir.join(name).display().to_string();
        let get = request(Verb::Get, "v1/ConfigMap", Some("default"), "x", Json::Null);
        let message_of = Message { parts: vec![part(Purpose::Ask, vec![get])] };
        let fault = Clusters::new().send(&address(&file), message_of, progress().0).await.expect_err("a fault");
        assert_eq!(fault.kind, FaultKind::Unreachable);
        assert!(fault.message.contains(message), "{}", fault.message);
        assert!(!format!("{fault:?}").contains("t0psecret"));
        assert!(name == "missing" || fault.hint.expect("hint").contains(&file));
    }
    std::fs::remove_dir_all(dir).expect("removed");
}

#[tokio::test]
async fn a_group_whose_server_is_gone_stops_nobody_else() {
    let Some(path) = kubeconfig("PLAY_TEST_KUBECONFIG") else { return };
    let (clusters, address) = fresh(&path, &ns("t-stale")).await;
    let service = json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1.t-stale.example"},
        "spec": {"group": "t-stale.example", "version": "v1", "groupPriorityMinimum": 10, "versionPriority": 10, "service": {"name": "none", "namespace": ns("t-stale")}, "insecureSkipTLSVerify": true}});
    let service = |verb| {
        request(
            verb,
            "apiregistration.k8s.io/v1/APIService",
            None,
            "v1.t-stale.example",
            if verb == APPLY { service.clone() } else { Json::Null },
        )
    };
    assert_eq!(send(&clusters, &address, Purpose::Fix, vec![service(APPLY)]).await[0].status, 201);
    let asked = [
        "v1/ConfigMap",
        "apps/v1/Deployment",
        "batch/v1/Job",
        "policy/v1/PodDisruptionBudget",
        "networking.k8s.io/v1/Ingress",
        "t-stale.example/v1/Thing",
    ];
    let answers = send(
        &Clusters::new(),
        &address,
        Purpose::Ask,
        asked.map(|api| request(Verb::Get, api, Some(&ns("t-stale")), "x", Json::Null)).to_vec(),
    )
    .await;
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>()[..5], [404; 5]);
    assert!(answers[..5].iter().all(|answer| answer.body["reason"] == "NotFound"));
    assert!(matches!(answers[5].status, 404 | 503), "{:?}", answers[5]);
    assert_eq!(send(&clusters, &address, Purpose::Fix, vec![service(Verb::Delete)]).await[0].status, 200);
    gone(&clusters, &address, &ns("t-stale")).await;
}

#[tokio::test]
async fn what_a_folder_holds_kubectl_applies() {
    let Some(path) = kubeconfig("PLAY_TEST_KUBECONFIG") else { return };
    let (clusters, address) = fresh(&path, &ns("t-folder")).await;
    let data = json!({"run.sh": "#!/bin/sh\n\techo \"$1\" # not a comment: x\n", "yes": "no", "n": "1e3", "t": " lead\n\n", "u": "é😀\u{85}\u{feff}"});
    let at = |verb| request(verb, "v1/ConfigMap", Some(&ns("t-folder")), "odd", config_map(&ns("t-folder"), "odd", data.clone()));
    let folder = Address { path: Some(scratch("folder").display().to_string()), ..Address::default() };
    let message = Message { parts: vec![part(Purpose::Fix, vec![at(APPLY)])] };
    let made = crate::target::folder::Folders::new().send(&folder, message, progress().0).await.expect("answers");
    assert_eq!(made[0].responses()[0].status, 201);
    let dir = folder.path.expect("path");
    kubectl(&path, &["apply", "-R", "-f", &dir]);
    let read = send(&clusters, &address, Purpose::Ask, vec![Request { body: Value::Null, ..at(Verb::Get) }]).await;
    assert_eq!(read[0].body["data"], data);
    std::fs::remove_dir_all(dir).expect("removed");
    gone(&clusters, &address, &ns("t-folder")).await;
}

#[tokio::test]
async fn what_is_created_is_created_once() {
    let Some(path) = kubeconfig("PLAY_TEST_KUBECONFIG") else { return };
    let (clusters, address) = fresh(&path, &ns("t-create")).await;
    let create = |name: &str, body| request(Verb::Create, "v1/ConfigMap", Some(&ns("t-create")), name, body);
    let named = config_map(&ns("t-create"), "c", json!({}));
    let generated = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "c-"}, "data": {}});
    let made = send(&clusters, &address, Purpose::Fix, vec![create("", generated), create("c", named.clone()), create("c", named)]).await;
    assert_eq!(made.iter().map(|response| response.status).collect::<Vec<_>>(), [201, 201, 409]);
    assert_eq!(made[2].body["reason"], "AlreadyExists");
    assert!(made[0].body["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("c-")));
    gone(&clusters, &address, &ns("t-create")).await;
}
