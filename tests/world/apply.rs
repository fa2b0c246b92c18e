//! The program against a real API server: what it says it would do, what it does, that it then has nothing to do, and
//! what it says of changes by hand.

use std::process::Command;

use tests::{Folder, has, told};

const PLAYBOOK: &str = r#"
- hosts: clusters
  gather_facts: false
  tasks:
    - name: All at once, in any order
      kubernetes.core.k8s:
        definition: |
          apiVersion: play.example/v1
          kind: Gadget
          metadata: {name: one, namespace: play-world-apply}
          spec: {size: 3}
          ---
          apiVersion: apps/v1
          kind: Deployment
          metadata: {name: web, namespace: play-world-apply}
          spec:
            replicas: 1
            selector: {matchLabels: {app: web}}
            template:
              metadata: {labels: {app: web}}
              spec:
                containers: [{name: web, image: "registry.example/web:1", envFrom: [{secretRef: {name: key}}], resources: {requests: {cpu: 1}}}]
          ---
          apiVersion: v1
          kind: Namespace
          metadata: {name: play-world-apply}
          ---
          apiVersion: apiextensions.k8s.io/v1
          kind: CustomResourceDefinition
          metadata: {name: gadgets.play.example}
          spec:
            group: play.example
            scope: Namespaced
            names: {plural: gadgets, singular: gadget, kind: Gadget, listKind: GadgetList}
            versions:
              - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}}
    - name: A secret
      kubernetes.core.k8s:
        definition: {apiVersion: v1, kind: Secret, metadata: {name: key, namespace: play-world-apply}, stringData: {key: "{{ key }}"}}
"#;

const AWAY: &str = r"
- hosts: clusters
  gather_facts: false
  tasks:
    - name: All goes
      kubernetes.core.k8s:
        state: absent
        wait: true
        wait_sleep: 1
        definition:
          - {apiVersion: v1, kind: Namespace, metadata: {name: play-world-apply}}
          - {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: gadgets.play.example}}
";

struct World {
    folder: Folder,
    program: String,
    kubectl: String,
    kubeconfig: String,
}

impl World {
    fn play(&self, playbook: &str, more: &[&str]) -> (i32, String) {
        let mut command = Command::new(&self.program);
        let output =
            command.current_dir(self.folder.path()).args([playbook, "-i", "hosts.yml"]).args(more).output().expect("the program runs");
        told(&output)
    }

    fn kubectl(&self, args: &str) {
        let output = Command::new(&self.kubectl).env("KUBECONFIG", &self.kubeconfig).args(args.split(' ')).output().expect("kubectl runs");
        assert!(output.status.success(), "{args}: {}", told(&output).1);
    }
}

#[test]
fn objects_come_stay_and_go() {
    let (Some(kubeconfig), Some(program)) = (tests::world("PLAY_TEST_KUBECONFIG"), tests::world("PLAY_TEST_BINARY")) else { return };
    let kubectl = tests::world("PLAY_TEST_KUBECTL").expect("it is there where the others are");
    let world = World { folder: Folder::new("apply"), program, kubectl, kubeconfig: kubeconfig.clone() };
    let hosts = format!(
        "clusters:\n  hosts:\n    real: {{ansible_connection: kubernetes, play_kubeconfig: {:?}, key: hunter22hunter22}}\n",
        kubeconfig
    );
    world.folder.write("hosts.yml", &hosts);
    world.folder.write("site.yml", PLAYBOOK);
    world.folder.write("away.yml", AWAY);

    let (code, text) = world.play("site.yml", &["--check"]);
    assert_eq!(code, 2, "{text}");
    has(&text, &["+ object play.example/v1/Gadget/play-world-apply/one comes", "data.key: ‹secret data.key #", "certainty 100.0 %"]);
    let (code, text) = world.play("site.yml", &[]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = world.play("site.yml", &["--check"]);
    assert_eq!(code, 0, "{text}");
    has(&text, &["2 same"]);

    world.kubectl("-n play-world-apply scale deployment/web --replicas=3");
    world.kubectl("-n play-world-apply set env deployment/web EXTRA=1");
    world.kubectl("-n play-world-apply patch secret key --type=merge -p {\"stringData\":{\"key\":\"stolen-by-hand\"}}");
    let drift =
        ["spec.replicas: 3 -> 1", "spec.replicas of kubectl (scale) -> play", "env[name=EXTRA] of kubectl-set is not described, and stays"];
    let (code, text) = world.play("site.yml", &["--check"]);
    assert_eq!(code, 2, "{text}");
    has(&text, &drift);
    let (code, text) = world.play("site.yml", &[]);
    assert_eq!(code, 0, "{text}");
    has(&text, &drift);
    for secret in ["hunter22", "aHVudGVyMj", "stolen", "c3RvbGVu"] {
        assert!(!text.contains(secret), "{secret} in:\n{text}");
    }
    let (code, text) = world.play("site.yml", &["--check"]);
    assert_eq!(code, 0, "{text}");

    let (code, text) = world.play("away.yml", &[]);
    assert_eq!(code, 0, "{text}");
    has(&text, &["- object v1/Namespace/play-world-apply goes"]);
    let (code, text) = world.play("away.yml", &["--check"]);
    assert_eq!(code, 0, "{text}");
}
