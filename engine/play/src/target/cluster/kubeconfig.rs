//! Which cluster an address means, and as whom: kubeconfig files, contexts, or the account of the pod that `play` runs in.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use kube::config::{ExecConfig, KubeConfigOptions, Kubeconfig, KubeconfigError};
use play_core::run::{Address, Fault, FaultKind};
use play_core::text::diagnostic::nearest;

use super::proxy;

/// Where a cluster is and how that is known: what messages say about it.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub server: String,
    /// `context `web` of ~/.kube/config`, or the account of the pod.
    pub by: String,
    pub user: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.server, self.by)
    }
}

/// Whatever is needed to connect. The plugin is not in `config`: we run it ourselves.
pub(super) struct Login {
    pub(super) place: Place,
    pub(super) context: Option<String>,
    pub(super) config: kube::Config,
    pub(super) plugin: Option<ExecConfig>,
}

pub(super) fn fault(message: impl Into<String>, hint: impl Into<Option<String>>) -> Fault {
    Fault { kind: FaultKind::Unreachable, message: message.into(), hint: hint.into(), answers: vec![] }
}

/// `address.path`, else the files of `KUBECONFIG`, else `~/.kube/config`, else the account of the pod.
pub(super) async fn login(address: &Address) -> Result<Login, Fault> {
    let (files, named) = files(address.path.as_deref(), std::env::var_os("KUBECONFIG").as_deref());
    from(&files, named, address.context.as_deref()).await
}

async fn from(files: &[PathBuf], named: bool, context: Option<&str>) -> Result<Login, Fault> {
    let present: Vec<&PathBuf> = files.iter().filter(|file| file.exists()).collect();
    let shown = files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
    if present.is_empty() {
        if !named && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
            return in_cluster();
        }
        let hint = "name one with `ansible_kubectl_kubeconfig`, in KUBECONFIG, or put it at ~/.kube/config";
        return Err(fault(format!("no kubeconfig: {shown} does not exist"), hint.to_string()));
    }
    let mut merged = Kubeconfig::default();
    for file in present {
        let read = Kubeconfig::read_from(file).and_then(|next| merged.clone().merge(next));
        merged = read.map_err(|error| unreadable(file, &error))?;
    }
    merged_login(merged, context, &shown).await
}

/// The files, and whether somebody named them.
fn files(path: Option<&str>, listed: Option<&OsStr>) -> (Vec<PathBuf>, bool) {
    if let Some(path) = path.filter(|path| !path.is_empty()) {
        return (vec![home_expanded(path)], true);
    }
    let listed: Vec<PathBuf> =
        listed.map(|list| std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect()).unwrap_or_default();
    if listed.is_empty() { (vec![home_expanded("~/.kube/config")], false) } else { (listed, true) }
}

fn home_expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

async fn merged_login(merged: Kubeconfig, wanted: Option<&str>, shown: &str) -> Result<Login, Fault> {
    let names: Vec<String> = merged.contexts.iter().map(|context| context.name.clone()).collect();
    let Some(name) = wanted.map(str::to_string).or_else(|| merged.current_context.clone().filter(|name| !name.is_empty())) else {
        return Err(fault(
            format!("no context is given, and {shown} has no current-context"),
            format!("set `ansible_kubectl_context` to one of {}", names.join(", ")),
        ));
    };
    let Some(context) = merged.contexts.iter().find(|context| context.name == name).and_then(|context| context.context.clone()) else {
        let hint = match nearest(&name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "it has no contexts at all".to_string(),
            None => format!("it has {}", names.join(", ")),
        };
        return Err(fault(format!("no context `{name}` in {shown}"), hint));
    };
    let by = format!("context `{name}` of {shown}");
    let proxy =
        merged.clusters.iter().find(|cluster| cluster.name == context.cluster).and_then(|named| named.cluster.as_ref()?.proxy_url.clone());
    let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
    let mut config =
        kube::Config::from_custom_kubeconfig(merged, &options).await.map_err(|error| fault(format!("{by}: {}", words(&error)), None))?;
    let plugin = config.auth_info.exec.take();
    let server = config.cluster_url.to_string().trim_end_matches('/').to_string();
    config.proxy_url = proxy::of(&config.cluster_url, proxy.as_deref()).map_err(|why| fault(format!("{by}: {why}"), None))?;
    Ok(Login { place: Place { server, by, user: context.user }, context: Some(name), config, plugin })
}

fn in_cluster() -> Result<Login, Fault> {
    let config = kube::Config::incluster()
        .map_err(|error| fault(format!("no kubeconfig, and the account of this pod cannot be used: {error}"), None))?;
    let server = config.cluster_url.to_string().trim_end_matches('/').to_string();
    Ok(Login { place: Place { server, by: "the account of this pod".into(), user: None }, context: None, config, plugin: None })
}

fn unreadable(file: &Path, error: &KubeconfigError) -> Fault {
    fault(format!("{}: {}", file.display(), words(error)), None)
}

/// What is wrong, without the text that is wrong: a kubeconfig holds keys and tokens.
fn words(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(error) => match error.location() {
            Some(at) => format!("this is not a kubeconfig: line {}, column {}", at.line(), at.column()),
            None => "this is not a kubeconfig".to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_the_files() {
        let paths = |files: &[&str]| files.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(files(Some("/a"), Some(OsStr::new("/b"))), (paths(&["/a"]), true));
        assert_eq!(files(None, Some(OsStr::new("/b::/c"))), (paths(&["/b", "/c"]), true));
        assert_eq!(files(Some(""), Some(OsStr::new(""))), (vec![home_expanded("~/.kube/config")], false));
    }

    #[tokio::test]
    async fn several_files_are_one_and_the_first_wins() {
        let dir = std::env::temp_dir().join(format!("play-kubeconfigs-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("folder");
        let context = |name: &str| format!("contexts: [{{name: {name}, context: {{cluster: c, user: u, namespace: of-{name}}}}}]\n");
        std::fs::write(dir.join("a"), format!("current-context: one\n{}", context("one"))).expect("written");
        let rest = "current-context: two\nclusters: [{name: c, cluster: {server: \"https://example.com:6443/k8s\"}}]\nusers: [{name: u, user: {token: x}}]\n";
        std::fs::write(dir.join("b"), format!("{rest}{}", context("two"))).expect("written");
        let all = ["a", "missing", "b"].map(|name| dir.join(name));
        let login = from(&all, true, None).await.map_err(|fault| fault.message).expect("login");
        assert_eq!((login.place.server.as_str(), login.config.default_namespace.as_str()), ("https://example.com:6443/k8s", "of-one"));
        let login = from(&all, true, Some("two")).await.map_err(|fault| fault.message).expect("login");
        assert_eq!((login.context.as_deref(), login.place.user.as_deref()), (Some("two"), Some("u")));
        std::fs::remove_dir_all(dir).expect("removed");
    }
}
