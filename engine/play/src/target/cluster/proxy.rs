//! By way of which proxy, if any. kube 5.0 holds the proxy's own address against `NO_PROXY`, not the cluster's, and does so for the
//! `proxy-url` of a kubeconfig too; kubectl takes that as it is.

use std::net::IpAddr;

use http::Uri;

/// `proxy-url` of the kubeconfig, else `HTTPS_PROXY` where `NO_PROXY` does not name the server.
pub(super) fn of(server: &Uri, configured: Option<&str>) -> Result<Option<Uri>, String> {
    let variable = |names: [&str; 2]| names.into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let environment = variable(["HTTPS_PROXY", "https_proxy"]);
    let exempt = variable(["NO_PROXY", "no_proxy"]).unwrap_or_default();
    choose(server, configured, environment.as_deref(), &exempt)
}

fn choose(server: &Uri, configured: Option<&str>, environment: Option<&str>, exempt: &str) -> Result<Option<Uri>, String> {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
    let environment =
        environment.filter(|_| server.scheme_str() == Some("https") && !exempt.split(',').any(|entry| covers(entry.trim(), host)));
    match configured.filter(|proxy| !proxy.is_empty()).or(environment) {
        // the text is not shown: a proxy's address may hold a password
        Some(proxy) => proxy.parse().map(Some).map_err(|error| format!("the proxy's address cannot be read: {error}")),
        None => Ok(None),
    }
}

/// Whether an entry of `NO_PROXY` means this host: `*`, a domain and all below it, an address, a network.
fn covers(entry: &str, host: &str) -> bool {
    if let (Some((network, bits)), Ok(address)) = (entry.split_once('/'), host.parse::<IpAddr>()) {
        return network.parse::<IpAddr>().ok().zip(bits.parse::<u32>().ok()).is_some_and(|(network, bits)| within(address, network, bits));
    }
    let domain = entry.trim_start_matches(['*', '.']).to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    entry == "*" || (!domain.is_empty() && (host == domain || host.strip_suffix(&domain).is_some_and(|head| head.ends_with('.'))))
}

fn within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(address) & mask == u32::from(network) & mask
        }
        (IpAddr::V6(address), IpAddr::V6(network)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            u128::from(address) & mask == u128::from(network) & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_kubectl_does() {
        let (proxy, other) = (Some("http://localhost:3128"), Some("socks5://localhost:1080"));
        for (server, configured, exempt, wanted) in [
            ("https://10.1.2.3:6443", None, "", proxy),
            ("https://10.1.2.3:6443", None, "localhost, 10.0.0.0/8", None),
            ("https://10.1.2.3:6443", None, "10.0.0.0/16,localhost", proxy),
            ("https://10.1.2.3:6443", other, "10.0.0.0/8,localhost", other),
            ("https://api.example.com", None, ".example.com", None),
            ("https://api.example.com", None, "example.com", None),
            ("https://myexample.com", None, "example.com", proxy),
            ("https://[fd00::1]:6443", None, "fd00::/8", None),
            ("https://anything", None, "*", None),
            ("http://plain", None, "", None),
        ] {
            let chosen = choose(&server.parse().expect("uri"), configured, proxy, exempt).expect("proxy");
            let wanted = wanted.map(|uri| uri.parse::<Uri>().expect("uri"));
            assert_eq!(chosen, wanted, "{server} {exempt}");
        }
        assert!(
            choose(&"https://x".parse().expect("uri"), Some("http://u:t0psecret@[bad"), None, "")
                .is_err_and(|error| !error.contains("t0psecret"))
        );
    }
}
