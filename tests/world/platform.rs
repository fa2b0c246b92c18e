//! The shipped platform (`playbooks/site.yml`) on a real API server, by an inventory as `inventories/example-cluster` has
//! it, with secrets that the real `sops` encrypted: what comes, what then is as described, what drift by hand is called and
//! how it is corrected, what belongs to others, and a second cluster that is not there.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::{Folder, has, told, world};

const NAMESPACES: [&str; 6] = ["play-world-platform", "traefik", "cert-manager", "external-dns", "observability", "longhorn-system"];

/// What differs from the example: where the cluster is, and what only a cluster with its operators has.
const HOSTS: &str = r#"
all:
  children:
    hosts: {hosts: {}}
    clusters:
      hosts:
        staging:
          ansible_connection: kubernetes
          play_kubeconfig: "{{ inventory_dir }}/../kubeconfig"
          platform_namespace: play-world-platform
          mysql_ss_storage_class: ""
          xwiki_storage_class: ""
          xwiki_ingress_controller: none
          xwiki_cluster_issuer: ""
"#;

/// A server that nobody listens at.
const NOWHERE: &str = r#"
apiVersion: v1
kind: Config
current-context: nowhere
clusters: [{name: nowhere, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: nobody, user: {token: "not-a-token"}}]
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
"#;

const SECRETS: [&str; 4] =
    ["root-0123456789abcdef", "provisioner-0123456789abcdef", "wiki-0123456789abcdef", "superadmin-0123456789abcdef"];

struct Platform {
    folder: Folder,
    program: String,
    kubectl: String,
    audit: String,
}

/// What `play` asked the API server for in one run, besides plain looks.
#[derive(Debug, PartialEq)]
struct Asked {
    dry_runs: usize,
    writes: usize,
}

impl Platform {
    fn play(&self, more: &[&str]) -> (i32, String) {
        let tree = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tree");
        let mut command = Command::new(&self.program);
        command.current_dir(tree).arg("site.yml").arg("-i").arg(self.folder.path().join("inventory")).args(more);
        command.env("SOPS_AGE_KEY_FILE", tree.join("tests/secrets/test-only-one.agekey"));
        let (code, text) = told(&command.output().expect("the program runs"));
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in:\n{text}");
        }
        (code, text)
    }

    fn kubectl(&self, args: &[&str]) -> String {
        let mut command = Command::new(&self.kubectl);
        let output = command.env("KUBECONFIG", self.folder.path().join("kubeconfig")).args(args).output().expect("kubectl runs");
        let (code, text) = told(&output);
        assert_eq!(code, 0, "{args:?}: {text}");
        text
    }

    fn ours(&self, args: &[&str]) -> String {
        self.kubectl(&[&["-n", NAMESPACES[0]], args].concat())
    }

    /// What the server's own log has of `play` and these namespaces, from its start on.
    fn asked(&self) -> Asked {
        let log = std::fs::read_to_string(&self.audit).expect("the log of the API server");
        let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut asked = Asked { dry_runs: 0, writes: 0 };
        for event in events.filter(|event| event["userAgent"].as_str().is_some_and(|agent| agent.starts_with("play/"))) {
            let uri = event["requestURI"].as_str().unwrap_or_default();
            // a namespace that is not there yet is tried in `default`, under another name
            let tried = uri.contains("/namespaces/default/");
            if !tried && !NAMESPACES.iter().any(|name| uri.contains(&format!("/namespaces/{name}"))) {
                continue;
            }
            if uri.contains("dryRun=All") { asked.dry_runs += 1 } else { asked.writes += 1 }
        }
        asked
    }

    /// A run, and what it asked for.
    fn counted(&self, more: &[&str]) -> (i32, String, Asked) {
        let before = self.asked();
        let (code, text) = self.play(more);
        let after = self.asked();
        (code, text, Asked { dry_runs: after.dry_runs - before.dry_runs, writes: after.writes - before.writes })
    }

    fn clean(&self, wait: &str) {
        self.kubectl(&[&["delete", "namespace", "--ignore-not-found", wait][..], &NAMESPACES].concat());
    }
}

/// The example's inventory with its secrets encrypted as its README says.
fn inventory(kubeconfig: &str) -> Folder {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tree");
    let example = tree.join("inventories/example-cluster/group_vars/clusters");
    let read = |path: &Path| std::fs::read_to_string(path).expect("a file of the example");
    let folder = Folder::new("platform");
    folder.write("inventory/hosts.yml", HOSTS);
    folder.write("kubeconfig", &read(Path::new(kubeconfig)));
    folder.write("nowhere", NOWHERE);
    folder.write("inventory/group_vars/clusters/main.yml", &read(&example.join("main.yml")));
    let mut secrets = read(&example.join("secrets.sops.yaml.example"));
    for secret in SECRETS {
        secrets = secrets.replacen("REPLACE-32-characters", secret, 1);
    }
    assert!(!secrets.contains("REPLACE"), "a secret of the example has no value: {secrets}");
    folder.write("inventory/group_vars/clusters/secrets.sops.yaml", &secrets);
    let key = read(&tree.join("tests/secrets/test-only-one.agekey"));
    let recipient = key.lines().find_map(|line| line.strip_prefix("# public key: ")).expect("the key's public half");
    let sops = Path::new(&world("PLAY_TEST_TOOLS").expect("it is there where the others are")).join("sops");
    let file = folder.path().join("inventory/group_vars/clusters/secrets.sops.yaml");
    let output = Command::new(sops).args(["encrypt", "--in-place", "--age", recipient]).arg(&file).output().expect("sops runs");
    assert_eq!(told(&output).0, 0, "{}", told(&output).1);
    assert!(read(&file).contains("ENC[AES256_GCM,"), "not encrypted");
    folder
}

#[test]
fn the_platform_comes_stays_and_is_kept() {
    let (Some(kubeconfig), Some(program)) = (world("PLAY_TEST_KUBECONFIG"), world("PLAY_TEST_BINARY")) else { return };
    let kubectl = world("PLAY_TEST_KUBECTL").expect("it is there where the others are");
    let audit = world("PLAY_TEST_AUDIT").expect("it is there where the others are");
    let platform = Platform { folder: inventory(&kubeconfig), program, kubectl, audit };
    platform.clean("--timeout=120s");
    comes(&platform);
    drifts(&platform);
    belongs_to_others(&platform);
    goes_on_without_another(&platform);
    platform.clean("--wait=false");
}

fn comes(platform: &Platform) {
    let (code, text, asked) = platform.counted(&["--check"]);
    assert_eq!((code, asked.writes), (2, 0), "{asked:?}\n{text}");
    assert!(asked.dry_runs > 0, "nobody asked the server for its verdict, or its log tells nothing");
    has(
        &text,
        &[
            "+ object v1/Namespace/play-world-platform comes",
            "+ object apps/v1/Deployment/play-world-platform/xwiki comes",
            "certainty 100.0 %",
        ],
    );
    let (code, text, asked) = platform.counted(&[]);
    assert_eq!(code, 0, "{text}");
    assert!(asked.writes >= 60, "{asked:?}\n{text}");
    for workload in ["statefulset/mysql", "deployment/xwiki"] {
        let told = platform.ours(&["rollout", "status", "--timeout=1s", workload]);
        assert!(told.contains("roll out complete") || told.contains("successfully rolled out"), "{told}");
    }
    let (code, text, asked) = platform.counted(&[]);
    assert_eq!((code, asked), (0, Asked { dry_runs: 0, writes: 0 }), "a second run proves all from ownership:\n{text}");
    assert!(!text.contains("object") && text.contains(" same  1 skipped\n"), "a second run has nothing to say:\n{text}");
    let (code, text, asked) = platform.counted(&["--check"]);
    assert_eq!((code, asked), (0, Asked { dry_runs: 0, writes: 0 }), "{text}");
}

fn drifts(platform: &Platform) {
    platform.ours(&["label", "--overwrite", "service", "mysql", "app.kubernetes.io/part-of=other"]);
    platform.ours(&["scale", "deployment/xwiki", "--replicas=3"]);
    platform.ours(&["patch", "configmap", "mysql-config", "--type=merge", "-p", r#"{"data":{"my.cnf":"[mysqld]\nport = 1\n"}}"#]);
    platform.ours(&["delete", "service", "mysql-headless"]);
    platform.kubectl(&["label", "namespace", "cert-manager", "team=blue"]);
    let drift = [
        "metadata.labels[app.kubernetes.io/part-of]: other -> open4goods",
        "ownership: metadata.labels[app.kubernetes.io/part-of] of kubectl-label -> play",
        "spec.replicas: 3 -> 1",
        "ownership: spec.replicas of kubectl (scale) -> play",
        "~ object v1/ConfigMap/play-world-platform/mysql-config",
        "-port = 1\n",
        "ownership: data[my.cnf] of kubectl-patch -> play",
        "+ object v1/Service/play-world-platform/mysql-headless comes",
    ];
    let stays = "v1/Namespace/cert-manager: metadata.labels.team of kubectl-label is not described, and stays";
    let (code, text, asked) = platform.counted(&["--check"]);
    assert_eq!((code, asked.writes), (2, 0), "{text}");
    has(&text, &drift);
    // two tasks would wait for what tasks before them change: that they come to be ready is not sure
    has(&text, &[" same  3 will change  1 skipped\n", "certainty 88.9 %"]);
    assert_eq!(text.matches(stays).count(), 1, "{text}");
    assert_eq!(platform.ours(&["get", "deployment/xwiki", "-o=jsonpath={.spec.replicas}"]), "3");
    let (code, text) = platform.play(&[]);
    assert_eq!(code, 0, "{text}");
    has(&text, &drift);
    assert_eq!(platform.ours(&["get", "deployment/xwiki", "-o=jsonpath={.spec.replicas}"]), "1");
    assert_eq!(platform.ours(&["get", "service/mysql", r"-o=jsonpath={.metadata.labels.app\.kubernetes\.io/part-of}"]), "open4goods");
    assert!(platform.ours(&["get", "configmap/mysql-config", r"-o=jsonpath={.data.my\.cnf}"]).contains("port = 3306"));
    platform.ours(&["get", "service/mysql-headless"]);
    assert_eq!(platform.kubectl(&["get", "namespace/cert-manager", "-o=jsonpath={.metadata.labels.team}"]), "blue");
    let (code, text, asked) = platform.counted(&[]);
    assert_eq!((code, asked), (0, Asked { dry_runs: 0, writes: 0 }), "corrected once, and that is all:\n{text}");
    has(&text, &[" same  1 skipped\n"]);
}

/// Who describes an object elsewhere sets its fields again: those are neither drift nor taken.
fn belongs_to_others(platform: &Platform) {
    let theirs = r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"xwiki","namespace":"play-world-platform"},"spec":{"ports":[{"name":"http","port":8080,"targetPort":9999}]}}"#;
    platform.folder.write("theirs.json", theirs);
    let file = platform.folder.path().join("theirs.json").display().to_string();
    platform.kubectl(&["apply", "--server-side", "--force-conflicts", "--field-manager=gitops", "-f", &file]);
    std::fs::remove_file(&file).expect("removed");
    let port = || platform.ours(&["get", "service/xwiki", "-o=jsonpath={.spec.ports[0].targetPort}"]);
    for more in [&["--check"][..], &[]] {
        let (code, text, asked) = platform.counted(more);
        assert_eq!((code, asked.writes), (1, 0), "{text}");
        has(&text, &["v1/Service/play-world-platform/xwiki", "spec.ports[port=8080].targetPort is owned by gitops"]);
        assert_eq!(port(), "9999", "not taken:\n{text}");
    }
    platform.ours(&["delete", "service", "xwiki"]);
    let (code, text) = platform.play(&[]);
    assert_eq!((code, port().as_str()), (0, "http"), "{text}");
}

fn goes_on_without_another(platform: &Platform) {
    let two = HOSTS.replace(
        "        staging:\n",
        "        away: {ansible_connection: kubernetes, play_kubeconfig: \"{{ inventory_dir }}/../nowhere\"}\n        staging:\n",
    );
    platform.folder.write("inventory/hosts.yml", &two);
    platform.ours(&["scale", "deployment/xwiki", "--replicas=0"]);
    let (code, text) = platform.play(&[]);
    assert_eq!(code, 4, "{text}");
    has(&text, &["unreachable away", "https://127.0.0.1:1", "spec.replicas: 0 -> 1", " same  1 changed  1 skipped\n"]);
    assert_eq!(platform.ours(&["get", "deployment/xwiki", "-o=jsonpath={.spec.replicas}"]), "1");
    platform.folder.write("inventory/hosts.yml", HOSTS);
    let (code, text) = platform.play(&[]);
    assert_eq!(code, 0, "{text}");
    has(&text, &[" same  1 skipped\n"]);
}
