//! Which object a manifest is, and in which file it belongs: `web/deployment.apps_xwiki.yaml`, `_cluster/namespace_web.yaml`.

use std::path::PathBuf;

use play_core::resources::object::FOLDER_UID;
use play_core::text::value::sha256_hex;

/// Bytes that a file's name may have here; file systems end at 255, and a name beside it needs some more.
const LONGEST: usize = 220;

/// One object has one identity, whatever the version it is written in.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Identity {
    /// Empty: the whole cluster.
    pub(super) namespace: String,
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) name: String,
}

impl Identity {
    /// Where its manifest is put, from the folder on. No two objects share a path: neither `_` nor a capital can stand in what
    /// is before the `_`, and what could mean another thing to a file system is written as `%3A`.
    pub(super) fn path(&self) -> PathBuf {
        let folder = if self.namespace.is_empty() { "_cluster".to_string() } else { safe(&self.namespace) };
        let kind = self.kind.to_ascii_lowercase();
        let head = if self.group.is_empty() { kind } else { format!("{kind}.{}", self.group) };
        let mut file = format!("{}_{}", safe(&head).replace('_', "%5F"), safe(&self.name));
        if file.len() > LONGEST {
            file = format!("{}~{}", &file[..LONGEST - 17], &sha256_hex(file.as_bytes())[..16]);
        }
        PathBuf::from(folder).join(format!("{file}.yaml"))
    }

    /// `ConfigMap web/settings`
    pub(super) fn shown(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let namespace = if self.namespace.is_empty() { String::new() } else { format!("{}/", self.namespace) };
        format!("{}{group} {namespace}{}", self.kind, self.name)
    }

    /// A uid that stays, since nothing else in a folder could tell one life of an object from the next.
    pub(super) fn uid(&self) -> String {
        format!("{FOLDER_UID}{}", &sha256_hex(self.shown().as_bytes())[..16])
    }
}

/// Small letters, digits, `-`, `_` and `.` as they are (neither a dot nor a `_` at the beginning), the rest percent-encoded: file systems that do not
/// tell `A` from `a` keep them apart.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'.' | b'_' if at == 0 => safe.push_str(&format!("%{byte:02X}")),
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => safe.push(char::from(byte)),
            _ => safe.push_str(&format!("%{byte:02X}")),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn path(namespace: &str, group: &str, kind: &str, name: &str) -> String {
        let text = |text: &str| text.to_string();
        Identity { namespace: text(namespace), group: text(group), kind: text(kind), name: text(name) }.path().display().to_string()
    }

    #[test]
    fn readable_and_safe() {
        assert_eq!(path("web", "apps", "Deployment", "xwiki"), "web/deployment.apps_xwiki.yaml");
        assert_eq!(path("_cluster", "", "X", "x"), "%5Fcluster/x_x.yaml");
        assert_eq!(path("", "", "Namespace", "web"), "_cluster/namespace_web.yaml");
        assert_eq!(
            path("", "rbac.authorization.k8s.io", "ClusterRole", "system:Node"),
            "_cluster/clusterrole.rbac.authorization.k8s.io_system%3A%4Eode.yaml"
        );
        assert_eq!(path("..", "", "X", "../../etc"), "%2E./x_%2E.%2F..%2Fetc.yaml");
        let (a, b) = (path("n", "", "X", &"a".repeat(300)), path("n", "", "X", &format!("{}b", "a".repeat(299))));
        assert!(a != b && a.len() < 240, "{a}");
    }

    proptest! {
        #[test]
        fn no_two_share_a_path(parts in proptest::collection::vec(("[a-b_.]{0,3}", "[a-b.-]{0,3}", "[AB][ab]{0,2}", "[abAB_.:/%-]{1,4}"), 2..40)) {
            let mut seen: HashMap<String, Identity> = HashMap::new();
            for (namespace, group, kind, name) in parts {
                let identity = Identity { namespace, group, kind, name };
                let path = identity.path();
                prop_assert!(path.components().count() == 2 && !path.display().to_string().contains("/../"));
                let before = seen.insert(path.display().to_string().to_lowercase(), identity.clone());
                if let Some(before) = before {
                    // kinds of one group never differ by capitals alone
                    let lower = |identity: &Identity| (identity.namespace.clone(), identity.group.clone(), identity.kind.to_lowercase(), identity.name.clone());
                    prop_assert_eq!(lower(&before), lower(&identity));
                }
            }
        }
    }
}
