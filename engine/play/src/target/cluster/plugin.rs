//! Programs that give credentials (`users[].user.exec` of a kubeconfig). Run here and not in kube: it has no time limit, asks
//! on our terminal, and puts the plugin's environment into its error text.
//! https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins

use std::process::{Output, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use play_core::run::Fault;
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use tokio::process::Command;

use super::kubeconfig::{Place, fault};

const LIMIT: Duration = Duration::from_secs(60);
/// Bytes of its error text that are shown.
const SHOWN: usize = 600;

/// Runs the plugin and puts what it gave into `user`; says until when that holds.
pub(super) async fn run(plugin: &ExecConfig, user: &mut AuthInfo, place: &Place) -> Result<Option<Timestamp>, Fault> {
    let name = plugin.command.as_deref().unwrap_or_default();
    if plugin.interactive_mode == Some(ExecInteractiveMode::Always) {
        let hint = format!("{}: use another way to log in, or one that keeps its login (`interactiveMode: IfAvailable`)", place.by);
        return Err(fault(format!("the login program `{name}` insists on a terminal (`interactiveMode: Always`)"), hint));
    }
    let mut command = Command::new(name);
    command.args(plugin.args.iter().flatten()).envs(environment(plugin));
    command.env("KUBERNETES_EXEC_INFO", info(plugin).to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = match tokio::time::timeout(LIMIT, command.output()).await {
        Err(_) => return Err(fault(format!("the login program `{name}` did not end within {} s", LIMIT.as_secs()), place.by.clone())),
        Ok(Err(error)) => {
            let hint = plugin.install_hint.clone().unwrap_or_else(|| format!("{} names it; is it installed and in PATH?", place.by));
            return Err(fault(format!("the login program `{name}` cannot be started: {error}"), hint));
        }
        Ok(Ok(output)) => output,
    };
    if !output.status.success() {
        return Err(fault(failed(name, plugin, &output), format!("{}; try `{name}` by hand, as the same user", place.by)));
    }
    let credential: Json = serde_json::from_slice(&output.stdout).unwrap_or_default();
    take(&credential, user).ok_or_else(|| {
        let said = complaint(plugin, &output);
        fault(
            format!("the login program `{name}` gave no ExecCredential{said}"),
            format!("{}; it must print JSON with `status.token`, or a certificate and its key", place.by),
        )
    })
}

fn environment(plugin: &ExecConfig) -> impl Iterator<Item = (&String, &String)> {
    plugin.env.iter().flatten().filter_map(|entry| Some((entry.get("name")?, entry.get("value")?)))
}

fn info(plugin: &ExecConfig) -> Json {
    let mut spec = json!({ "interactive": false });
    if let Some(cluster) = &plugin.cluster {
        spec["cluster"] = serde_json::to_value(cluster).unwrap_or_default();
    }
    let version = plugin.api_version.as_deref().unwrap_or("client.authentication.k8s.io/v1");
    json!({ "kind": "ExecCredential", "apiVersion": version, "spec": spec })
}

/// A token, or a certificate with its key, and until when they hold; `None` where there is neither.
fn take(credential: &Json, user: &mut AuthInfo) -> Option<Option<Timestamp>> {
    let status = credential.get("status")?;
    let text = |key: &str| status.get(key).and_then(Json::as_str).filter(|text| !text.is_empty());
    let certificate = text("clientCertificateData").zip(text("clientKeyData"));
    if text("token").is_none() && certificate.is_none() {
        return None;
    }
    user.token = text("token").map(SecretString::from);
    if let Some((certificate, key)) = certificate {
        user.client_certificate_data = Some(STANDARD.encode(certificate));
        user.client_key_data = Some(SecretString::from(STANDARD.encode(key)));
    }
    Some(text("expirationTimestamp").and_then(|stamp| stamp.parse().ok()))
}

fn failed(name: &str, plugin: &ExecConfig, output: &Output) -> String {
    format!("the login program `{name}` failed ({}){}", output.status, complaint(plugin, output))
}

/// The end of what it said, without what its environment holds. Its output is never shown: it may be half a credential.
fn complaint(plugin: &ExecConfig, output: &Output) -> String {
    let mut said = String::from_utf8_lossy(&output.stderr).trim().to_string();
    let inherited: Vec<(String, String)> =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
    let delicate =
        |name: &str| ["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "SESSION"].iter().any(|word| name.to_uppercase().contains(word));
    let inherited = inherited.iter().filter(|(name, _)| delicate(name)).map(|(name, value)| (name, value));
    for (name, value) in environment(plugin).chain(inherited).filter(|(_, value)| value.len() >= 4) {
        said = said.replace(value.as_str(), &format!("‹{name}›"));
    }
    let from = said.len().saturating_sub(SHOWN);
    let from = (from..=said.len()).find(|at| said.is_char_boundary(*at)).unwrap_or(said.len());
    if said.is_empty() { said } else { format!(": {}", &said[from..]) }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn tokens_and_certificates_are_taken() {
        let mut user = AuthInfo::default();
        let both =
            json!({"status": {"clientCertificateData": "CERT", "clientKeyData": "KEY", "expirationTimestamp": "2026-11-21T10:00:00Z"}});
        let until = take(&both, &mut user).expect("a credential").expect("a time");
        assert_eq!(until.as_second(), 1_795_255_200);
        assert_eq!(user.client_certificate_data.as_deref(), Some("Q0VSVA=="));
        assert_eq!(user.client_key_data.as_ref().map(|key| key.expose_secret()), Some("S0VZ"));
        assert!(user.token.is_none());
        assert_eq!(take(&json!({"status": {"token": "t"}}), &mut user), Some(None));
        assert_eq!(user.token.as_ref().map(|token| token.expose_secret()), Some("t"));
        for nothing in [json!(null), json!({}), json!({"status": {}}), json!({"status": {"token": "", "clientKeyData": "KEY"}})] {
            assert_eq!(take(&nothing, &mut user), None);
        }
    }
}
