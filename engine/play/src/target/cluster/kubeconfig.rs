//! Which cluster an address means, and as whom: kubeconfig files, contexts, or the account of the pod that `play` runs in.

use std::fmt;
use std::path::{Path, PathBuf};

use kube::config::{ExecConfig, KubeConfigOptions, Kubeconfig, KubeconfigError};
use play_core::run::{Address, Fault, FaultKind};
use play_core::text::diagnostic::nearest;

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
    let (files, named) = files(address);
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
    from_files(merged, address.context.as_deref(), &shown).await
}

/// The files, and whether somebody named them.
fn files(address: &Address) -> (Vec<PathBuf>, bool) {
    if let Some(path) = address.path.as_deref().filter(|path| !path.is_empty()) {
        return (vec![home_expanded(path)], true);
    }
    let listed =
        std::env::var_os("KUBECONFIG").map(|list| std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect::<Vec<_>>());
    match listed.filter(|paths| !paths.is_empty()) {
        Some(paths) => (paths, true),
        None => (vec![home_expanded("~/.kube/config")], false),
    }
}

fn home_expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

async fn from_files(merged: Kubeconfig, wanted: Option<&str>, shown: &str) -> Result<Login, Fault> {
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
    let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
    let mut config = kube::Config::from_custom_kubeconfig(merged, &options).await.map_err(|error| fault(format!("{by}: {}", words(&error)), None))?;
    let plugin = config.auth_info.exec.take();
    let server = config.cluster_url.to_string().trim_end_matches('/').to_string();
    without_proxy_where_none_is_wanted(&mut config);
    Ok(Login { place: Place { server, by, user: context.user }, context: Some(name), config, plugin })
}

fn in_cluster() -> Result<Login, Fault> {
    let config =
        kube::Config::incluster().map_err(|error| fault(format!("no kubeconfig, and the account of this pod cannot be used: {error}"), None))?;
    let server = config.cluster_url.to_string().trim_end_matches('/').to_string();
    Ok(Login { place: Place { server, by: "the account of this pod".into(), user: None }, context: None, config, plugin: None })
}

/// kube 5.0 holds the proxy's own address against `NO_PROXY`, not the cluster's.
fn without_proxy_where_none_is_wanted(config: &mut kube::Config) {
    let list = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).unwrap_or_default();
    let host = config.cluster_url.host().unwrap_or_default();
    let matches =
        |entry: &str| entry == "*" || (!entry.is_empty() && (host == entry || host.ends_with(&format!(".{}", entry.trim_start_matches('.')))));
    if list.split(',').any(|entry| matches(entry.trim())) {
        config.proxy_url = None;
    }
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
