//! Webhooks and served groups: who must answer before an object can be written.

use serde_json::Value;

use super::{Edge, Need, Object, Set, list, text};

/// What backs a webhook, before its configuration; the configuration before what it guards; what backs a conversion
/// or an aggregated group before the objects of that kind or group.
pub(super) fn edges(set: &Set<'_>) -> Vec<Edge> {
    let mut edges = Vec::new();
    for kind in ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"] {
        for (place, configuration) in set.of_kind("admissionregistration.k8s.io", kind) {
            for webhook in configuration.list("/webhooks") {
                let service = webhook.pointer("/clientConfig/service");
                edges.extend(service.into_iter().flat_map(|service| backed(set, service, place, "webhook")));
                // Nobody waits for a validation that may fail; a mutation is wanted all the same.
                let matters = kind.starts_with("Mutating") || text(webhook, "/failurePolicy") != "Ignore";
                let why = format!("webhook {}", text(webhook, "/name"));
                let guarded = set.all().filter(|(_, object)| matters && guards(set, webhook, object));
                edges.extend(guarded.map(|(after, _)| Edge { before: place, after, need: Need::Exists, why: why.clone() }));
            }
        }
    }
    for (_, definition) in set.of_kind("apiextensions.k8s.io", "CustomResourceDefinition") {
        let Some(service) = definition.value.pointer("/spec/conversion/webhook/clientConfig/service") else { continue };
        let of = (definition.text("/spec/group"), definition.text("/spec/names/kind"));
        let instances = set.all().filter(|(_, object)| (object.group, object.kind) == of);
        edges.extend(instances.flat_map(|(after, _)| backed(set, service, after, "conversion of its kind")));
    }
    for (place, served) in set.of_kind("apiregistration.k8s.io", "APIService") {
        let Some(service) = served.value.pointer("/spec/service") else { continue };
        edges.extend(backed(set, service, place, "spec.service"));
        let instances = set.all().filter(|(_, object)| !object.group.is_empty() && object.group == served.text("/spec/group"));
        edges.extend(instances.map(|(after, _)| Edge { before: place, after, need: Need::Ready, why: "it serves its group".to_owned() }));
    }
    edges
}

/// The Service that a client configuration names, and the workloads behind it.
fn backed(set: &Set<'_>, service: &Value, after: usize, what: &str) -> Vec<Edge> {
    let (namespace, name) = (text(service, "/namespace"), text(service, "/name"));
    let Some(place) = set.find("", "Service", namespace, name) else { return Vec::new() };
    let why = format!("{what}: service {name}");
    let selector = set.objects.get(place).and_then(|service| service.value.pointer("/spec/selector")?.as_object());
    let behind = set.all().filter(|(_, object)| {
        let picks = |labels: &Value| {
            selector.is_some_and(|selector| !selector.is_empty() && selector.iter().all(|(name, value)| labels.get(name) == Some(value)))
        };
        object.namespace == namespace && object.pod_labels().is_some_and(picks)
    });
    let workloads = behind.map(|(before, _)| Edge { before, after, need: Need::Ready, why: format!("{why}, which it is behind") });
    let mut edges: Vec<_> = workloads.collect();
    edges.push(Edge { before: place, after, need: Need::Serving, why });
    edges
}

/// Whether a webhook is asked about an object, or about the pods that it makes.
fn guards(set: &Set<'_>, webhook: &Value, object: &Object<'_>) -> bool {
    let plural = set.definitions.get(&(object.group, object.kind)).and_then(|places| set.objects.get(*places.first()?));
    let plural = plural.map_or_else(|| guess_plural(object.kind), |definition| definition.text("/spec/names/plural").to_owned());
    let own = object.value.pointer("/metadata/labels");
    let asked = |group: &str, resource: &str, labels: Option<&Value>| {
        rules(webhook, group, resource) && selects(webhook.get("objectSelector"), labels)
    };
    let pods = object.pod_labels().is_some_and(|labels| asked("", "pods", Some(labels)));
    (asked(object.group, &plural, own) || pods) && in_namespace(set, webhook, object)
}

fn rules(webhook: &Value, group: &str, resource: &str) -> bool {
    let has = |rule: &Value, name: &str, wanted: &str| list(rule, name).any(|found| found == "*" || found == wanted);
    list(webhook, "/rules").any(|rule| {
        let writes = list(rule, "/operations").any(|operation| matches!(operation.as_str(), Some("*" | "CREATE" | "UPDATE")));
        writes && has(rule, "/apiGroups", group) && (has(rule, "/resources", resource) || has(rule, "/resources", "*/*"))
    })
}

/// A namespace outside the set has the one label that every namespace has.
fn in_namespace(set: &Set<'_>, webhook: &Value, object: &Object<'_>) -> bool {
    let name = if object.kind == "Namespace" && object.group.is_empty() { object.name } else { object.namespace };
    if name.is_empty() {
        return true;
    }
    let found = set.find("", "Namespace", "", name).and_then(|place| set.objects.get(place));
    let labels = found.and_then(|namespace| namespace.value.pointer("/metadata/labels")?.as_object());
    let mut labels = labels.cloned().unwrap_or_default();
    labels.insert("kubernetes.io/metadata.name".to_owned(), Value::from(name));
    selects(webhook.get("namespaceSelector"), Some(&Value::Object(labels)))
}

/// A label selector; none selects everything.
fn selects(selector: Option<&Value>, labels: Option<&Value>) -> bool {
    let Some(selector) = selector else { return true };
    let label = |name: &str| labels.and_then(|labels| labels.get(name));
    let equal =
        selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten().all(|(name, value)| label(name) == Some(value));
    let expressions = list(selector, "/matchExpressions").all(|expression| {
        let found = label(text(expression, "/key"));
        let listed = found.is_some_and(|found| list(expression, "/values").any(|value| value == found));
        match text(expression, "/operator") {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            _ => true,
        }
    });
    equal && expressions
}

/// The plural of a built-in kind, as its API has it.
fn guess_plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    if kind == "endpoints" {
        kind
    } else if let Some(stem) = kind.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        format!("{stem}ies")
    } else if kind.ends_with(['s', 'x']) || kind.ends_with("ch") {
        format!("{kind}es")
    } else {
        format!("{kind}s")
    }
}
