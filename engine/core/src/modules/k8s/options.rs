//! The arguments of `k8s`, and those that mean something else here.

use crate::modules::{Arg, Args, Type, display};
use crate::state::Fields;
use crate::text::{Result, Value};

/// How a cluster is reached stands in the inventory, not in each task.
const CONNECTION: [(&str, &str); 16] = [
    ("kubeconfig", "play_kubeconfig"),
    ("context", "play_context"),
    ("host", ""),
    ("api_key", ""),
    ("username", ""),
    ("password", ""),
    ("client_cert", ""),
    ("client_key", ""),
    ("ca_cert", ""),
    ("validate_certs", ""),
    ("proxy", ""),
    ("no_proxy", ""),
    ("proxy_headers", ""),
    ("persist_config", ""),
    ("impersonate_user", ""),
    ("impersonate_groups", ""),
];

macro_rules! with_connection {
    ($($arg:expr,)*) => {
        &[
            $($arg,)*
            Arg::new("kubeconfig", Type::Any, "Stands in the inventory: `play_kubeconfig`"),
            Arg::new("context", Type::Any, "Stands in the inventory: `play_context`"),
            Arg::new("host", Type::Any, "Stands in the kubeconfig"),
            Arg::new("api_key", Type::Any, "Stands in the kubeconfig").secret(),
            Arg::new("username", Type::Any, "Stands in the kubeconfig"),
            Arg::new("password", Type::Any, "Stands in the kubeconfig").secret(),
            Arg::new("client_cert", Type::Any, "Stands in the kubeconfig").aliases(&["cert_file"]),
            Arg::new("client_key", Type::Any, "Stands in the kubeconfig").aliases(&["key_file"]),
            Arg::new("ca_cert", Type::Any, "Stands in the kubeconfig").aliases(&["ssl_ca_cert"]),
            Arg::new("validate_certs", Type::Any, "Stands in the kubeconfig").aliases(&["verify_ssl"]),
            Arg::new("proxy", Type::Any, "Stands in the kubeconfig"),
            Arg::new("no_proxy", Type::Any, "Stands in the kubeconfig"),
            Arg::new("proxy_headers", Type::Any, "Stands in the kubeconfig"),
            Arg::new("persist_config", Type::Any, "Stands in the kubeconfig"),
            Arg::new("impersonate_user", Type::Any, "Stands in the kubeconfig"),
            Arg::new("impersonate_groups", Type::Any, "Stands in the kubeconfig"),
        ]
    };
}
pub(crate) use with_connection;

pub(super) const ARGS: &[Arg] = with_connection![
    Arg::new("state", Type::Text, "What the objects are to be").default("present").choices(&["absent", "present", "patched"]),
    Arg::new("definition", Type::Any, "The objects: a mapping, a list of them, or YAML text").aliases(&["resource_definition", "inline"]),
    Arg::new("src", Type::File, "A file of manifests on the control node"),
    Arg::new("template", Type::Template, "A template of manifests, or several; each a path, or a mapping with `path`"),
    Arg::new("kind", Type::Text, "The kind, where the manifest has none"),
    Arg::new("api_version", Type::Text, "The API version, where the manifest has none").default("v1").aliases(&["api", "version"]),
    Arg::new("name", Type::Text, "The name, where the manifest has none"),
    Arg::new("namespace", Type::Text, "The namespace, where the manifest has none"),
    Arg::new("label_selectors", Type::Texts, "Take only those objects of the manifests that have these labels"),
    Arg::new(
        "conflicts",
        Type::Any,
        "Fields that others own: `take`, `yield` or `refuse`, or a mapping of fields to these. Without it, what was set by hand (kubectl) is taken back, and the rest is refused"
    ),
    Arg::new("apply", Type::Bool, "Objects are always applied by the server; this only names the method in the result").default("false"),
    Arg::new("server_side_apply", Type::Map, "`force_conflicts` takes fields that others own; the manager is always `play`"),
    Arg::new("force", Type::Bool, "Takes fields that others own; fields that the manifest leaves out stay").default("false"),
    Arg::new("wait", Type::Bool, "Wait until the objects are ready, or gone").default("false"),
    Arg::new("wait_timeout", Type::Int, "Seconds to wait").default("120"),
    Arg::new("wait_sleep", Type::Int, "Seconds between two looks").default("5"),
    Arg::new("wait_condition", Type::Map, "Wait for this condition of the status instead: `type`, `status`, `reason`"),
    Arg::new("validate", Type::Map, "The server always checks the whole object before it is written"),
    Arg::new("delete_options", Type::Map, "`propagationPolicy`, `gracePeriodSeconds`"),
    Arg::new("delete_all", Type::Bool, "Not supported: name what is to go").default("false"),
    Arg::new("merge_type", Type::Texts, "Not supported: objects are always applied by the server"),
    Arg::new("append_hash", Type::Bool, "Not supported: write the hash into the name by a template").default("false"),
    Arg::new("generate_name", Type::Text, "Not supported: an object needs a name to be found again"),
    Arg::new("continue_on_error", Type::Bool, "Not supported: use a loop with `ignore_errors`").default("false"),
    Arg::new("hidden_fields", Type::Texts, "`metadata.managedFields` is never returned"),
];

/// An argument that says how to reach a cluster.
pub fn refuse_connection(args: &Args) -> Result<()> {
    let Some((name, variable)) = CONNECTION.iter().find(|(name, _)| args.given(name)) else { return Ok(()) };
    let error = args.error(name, format!("`{name}` belongs to the cluster, not to a task"));
    Err(error.hint(match *variable {
        "" => "write it into the kubeconfig that the cluster's entry in the inventory names with `play_kubeconfig`".to_string(),
        variable => format!("set `{variable}` for the cluster's entry in the inventory, beside `ansible_connection: kubernetes`"),
    }))
}

pub(super) fn refuse(args: &Args) -> Result<()> {
    let refused = [
        ("merge_type", args.given("merge_type"), "objects are applied by the server, which merges by who owns which field: leave it out"),
        (
            "append_hash",
            args.flag("append_hash"),
            "write the hash into the name: `name: x-{{ lookup('template', 'x.j2') | hash | truncate(10, true, '') }}`",
        ),
        ("generate_name", args.given("generate_name"), "an object with a new name each time can never be as described: give it a `name`"),
        ("continue_on_error", args.flag("continue_on_error"), "write a task for each object, or a loop, with `ignore_errors`"),
        ("delete_all", args.flag("delete_all"), "name the objects that are to go; `k8s_info` lists what there is"),
    ];
    if let Some((name, _, hint)) = refused.into_iter().find(|(_, given, _)| *given) {
        return Err(args.error(name, format!("`{name}` is not supported")).hint(hint));
    }
    let fails = args.value("validate").and_then(|validate| validate.get("fail_on_error").and_then(Value::as_bool));
    if fails == Some(false) {
        return Err(args.error("validate", "`fail_on_error: false` is not supported").hint("what is not valid is never sent"));
    }
    Ok(())
}

/// The words of a look about fields that others own.
pub(super) fn conflicts(args: &Args) -> Result<Vec<String>> {
    let forced = args.value("server_side_apply").is_some_and(|apply| apply.get("force_conflicts").is_some_and(Value::truthy));
    let known = |word: &Value| -> Result<String> {
        let word = display(word);
        match word.as_str() {
            "take" | "yield" | "refuse" => Ok(word),
            _ => Err(args
                .error("conflicts", format!("`conflicts` cannot be `{word}`; it is one of `take`, `yield`, `refuse`"))
                .meant(&word, ["take", "yield", "refuse"])),
        }
    };
    let Some(value) = args.value("conflicts") else {
        return Ok(if forced || args.flag("force") { vec!["take".into()] } else { vec![] });
    };
    match value.as_map() {
        Some(map) => map.iter().map(|(field, word)| Ok(format!("{field}={}", known(word)?))).collect(),
        None => Ok(vec![known(&value)?]),
    }
}

/// How objects are deleted.
pub(super) fn deletion(args: &Args) -> Result<Fields> {
    let mut how = Fields::new();
    let options = args.value("delete_options").unwrap_or_default();
    for (key, value) in options.as_map().into_iter().flat_map(|map| map.iter()) {
        match (key.as_str().unwrap_or_default(), display(value).as_str()) {
            ("propagationPolicy", "Foreground" | "Background" | "Orphan") => how.insert("propagation".into(), value.clone()),
            ("gracePeriodSeconds", seconds) if seconds.parse::<u32>().is_ok() => {
                how.insert("grace".into(), Value::Int(seconds.parse().unwrap_or(0)))
            }
            ("preconditions", _) => {
                let error = args.error("delete_options", "`preconditions` is not supported");
                return Err(error.hint("only the object that was looked at is deleted: its uid is a precondition already"));
            }
            (other, word) => return Err(args.error("delete_options", format!("`delete_options` cannot have `{other}: {word}`"))),
        };
    }
    Ok(how)
}

pub(super) fn warnings(args: &Args) -> Vec<String> {
    let manager = args.value("server_side_apply").and_then(|apply| apply.get("field_manager").map(display));
    let other = manager.filter(|manager| manager != crate::resources::object::MANAGER);
    other.map(|manager| format!("fields are owned as `{}`, not as `{manager}`", crate::resources::object::MANAGER)).into_iter().collect()
}
