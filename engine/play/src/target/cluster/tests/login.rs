//! Kubeconfigs, contexts, and programs that give credentials.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A kubeconfig whose user logs in by a shell script.
fn with_plugin(name: &str, script: &str) -> (Address, std::path::PathBuf) {
    let dir = scratch(name);
    let program = dir.join("login.sh");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("script");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("mode");
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login.sh, args: [--token, argsecret], \
        env: [{name: PLUGIN_SECRET, value: hunter2hunter2}], provideClusterInfo: true}";
    std::fs::write(dir.join("config"), kubeconfig_for("http://127.0.0.1:1", exec)).expect("kubeconfig");
    (address(&dir.join("config").display().to_string()), dir)
}

async fn fault_of(address: &Address) -> Fault {
    let get = request(Verb::Get, "v1/ConfigMap", None, "c", Json::Null);
    Clusters::new().send(address, Message { parts: vec![part(Purpose::Ask, vec![get])] }, progress().0).await.expect_err("a fault")
}

#[tokio::test]
async fn a_login_program_that_fails_tells_no_secret() {
    let (address, dir) = with_plugin("fails", "echo \"bad $PLUGIN_SECRET, sorry\" >&2; env; exit 3");
    let fault = fault_of(&address).await;
    assert!(fault.message.contains("login.sh` failed (exit status: 3): bad ‹PLUGIN_SECRET›, sorry"), "{}", fault.message);
    let all = format!("{fault:?}");
    assert!(!all.contains("hunter2") && !all.contains("argsecret"), "{all}");
    std::fs::remove_dir_all(dir).expect("removed");
}

#[tokio::test]
async fn a_login_program_that_is_missing_or_says_nothing() {
    let (address, dir) = with_plugin("nothing", "echo '{\"kind\": \"ExecCredential\", \"status\": {}}'");
    assert!(fault_of(&address).await.message.ends_with("login.sh` gave no ExecCredential"));
    std::fs::remove_file(dir.join("login.sh")).expect("removed");
    let fault = fault_of(&address).await;
    assert!(fault.message.contains("cannot be started: No such file") && fault.hint.is_some_and(|hint| hint.contains("is it installed")));
    std::fs::remove_dir_all(dir).expect("removed");
}

#[tokio::test]
async fn a_login_program_learns_what_it_must_know_and_is_not_asked_twice() {
    // it fails unless it is told what the contract promises
    let script = "echo x >>\"$(dirname \"$0\")/runs\"\n\
        case $KUBERNETES_EXEC_INFO in *'\"interactive\":false'*'127.0.0.1:1'*) ;; *) echo \"$KUBERNETES_EXEC_INFO\" >&2; exit 1;; esac\n\
        [ \"$1\" = --token ] && [ \"$PLUGIN_SECRET\" = hunter2hunter2 ] || exit 2\n\
        read line && exit 4\n\
        echo '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \"status\": {\"token\": \"abc\", \"expirationTimestamp\": \"2999-01-01T00:00:00Z\"}}'";
    let (address, dir) = with_plugin("learns", script);
    let clusters = Clusters::new();
    for _ in 0..2 {
        let get = request(Verb::Get, "v1/ConfigMap", None, "c", Json::Null);
        let fault =
            clusters.send(&address, Message { parts: vec![part(Purpose::Ask, vec![get])] }, progress().0).await.expect_err("a closed port");
        assert!(fault.message.starts_with("nothing listens at http://127.0.0.1:1"), "{}", fault.message);
    }
    assert_eq!(std::fs::read_to_string(dir.join("runs")).expect("runs"), "x\n");
    std::fs::remove_dir_all(dir).expect("removed");
}

#[tokio::test]
async fn a_login_that_ends_is_renewed_and_a_refused_one_once() {
    let Some(path) = world::kubeconfig("PLAY_TEST_KUBECONFIG") else { return };
    let text = std::fs::read_to_string(&path).expect("kubeconfig");
    let token = text.split("token: \"").nth(1).and_then(|rest| rest.split('"').next()).expect("token");
    let users = text.find("users:").expect("users");
    let end = users + text[users..].find('\n').expect("line");
    let exec = "users: [{name: admin, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login.sh, interactiveMode: IfAvailable}}}]";
    let credential = |token: &str, until: &str| format!("echo '{{\"status\": {{\"token\": \"{token}\"{until}}}}}'");
    let soon = ", \"expirationTimestamp\": \"2001-01-01T00:00:00Z\"";
    // wrong first, then right; and right, but ended before each request
    for (name, script, runs) in [
        (
            "refused",
            format!(
                "if [ $(wc -l <\"$(dirname \"$0\")/runs\") = 1 ]; then {}; else {}; fi",
                credential("wrong", ""),
                credential(token, "")
            ),
            2,
        ),
        ("ended", credential(token, soon), 3),
    ] {
        let (mut address, dir) = with_plugin(name, &format!("echo x >>\"$(dirname \"$0\")/runs\"\n{script}"));
        std::fs::write(dir.join("config"), format!("{}{exec}{}", &text[..users], &text[end..])).expect("kubeconfig");
        address.timeout = 5;
        let answers =
            send(&Clusters::new(), &address, Purpose::Ask, vec![request(Verb::Get, "v1/Namespace", None, "default", Json::Null)]).await;
        assert_eq!(answers[0].status, 200, "{answers:?}");
        assert_eq!(std::fs::read_to_string(dir.join("runs")).expect("runs").lines().count(), runs, "{name}");
        std::fs::remove_dir_all(dir).expect("removed");
    }
}

#[tokio::test]
async fn contexts_are_found_and_files_never_quoted() {
    let dir = scratch("contexts");
    let file = dir.join("config");
    std::fs::write(&file, kubeconfig_for("http://127.0.0.1:1", "token: t0psecret")).expect("kubeconfig");
    let mut at = address(&file.display().to_string());
    at.context = Some("d".into());
    let fault = fault_of(&at).await;
    assert!(fault.message.starts_with("no context `d` in ") && fault.hint.as_deref() == Some("did you mean `c`?"), "{fault:?}");
    std::fs::write(&file, "apiVersion: v1\nusers:\n- name: u\n  user: {token: t0psecret: x}\n").expect("kubeconfig");
    at.context = None;
    let fault = fault_of(&at).await;
    assert!(fault.message.contains("this is not a kubeconfig: line 4") && !format!("{fault:?}").contains("t0psecret"), "{fault:?}");
    std::fs::write(&file, "apiVersion: v1\nkind: Config\n").expect("kubeconfig");
    assert!(fault_of(&at).await.message.starts_with("no context is given, and "));
    std::fs::remove_dir_all(dir).expect("removed");
}
