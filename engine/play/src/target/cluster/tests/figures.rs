//! How fast, on the machine at hand.
#![allow(clippy::print_stderr, reason = "a measurement is read by a person")]

use super::world::{fresh, gone, kubeconfig, ns};
use super::*;

/// Figures, by hand: `cargo test -p play --release figures -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn figures() {
    let Some(path) = kubeconfig("PLAY_TEST_KUBECONFIG") else { return };
    let (_, mut address) = fresh(&path, &ns("t-figures")).await;
    let at = |verb, n: usize| {
        let name = format!("m{n}");
        request(
            verb,
            "v1/ConfigMap",
            Some(&ns("t-figures")),
            &name,
            if verb == Verb::Get { Json::Null } else { config_map(&ns("t-figures"), &name, json!({"a": "1"})) },
        )
    };
    let begun = std::time::Instant::now();
    let clusters = Clusters::new();
    clusters.cluster(&address).await.expect("cluster");
    eprintln!("kubeconfig and client: {:?}", begun.elapsed());
    send(&clusters, &address, Purpose::Ask, vec![at(Verb::Get, 0)]).await;
    eprintln!("first answer (login, TLS, discovery, get): {:?}", begun.elapsed());
    let begun = std::time::Instant::now();
    let (all, named) = (clusters.cluster(&address).await.expect("cluster"), request(Verb::Get, "no.such/v1/X", None, "x", Json::Null));
    send(&clusters, &address, Purpose::Ask, vec![named]).await;
    eprintln!("unknown kind (all of discovery): {:?}, {} slots", begun.elapsed(), all.slots.available_permits());
    for slots in [1, 4, 8, 16, 32] {
        address.more.insert("play_cluster_requests".into(), Value::Int(slots));
        let clusters = Clusters::new();
        send(&clusters, &address, Purpose::Ask, vec![at(Verb::Get, 0)]).await;
        for (what, verb) in [("get", Verb::Get), ("dry run", DRY)] {
            let begun = std::time::Instant::now();
            send(&clusters, &address, Purpose::Ask, (0..500).map(|n| at(verb, n)).collect()).await;
            eprintln!("{slots} at once: {:.0} x {what}/s", 500.0 / begun.elapsed().as_secs_f64());
        }
    }
    let begun = std::time::Instant::now();
    send(&clusters, &address, Purpose::Fix, (0..500).map(|n| at(APPLY, n)).collect()).await;
    eprintln!("applied in order: {:.0}/s", 500.0 / begun.elapsed().as_secs_f64());
    let begun = std::time::Instant::now();
    let list =
        send(&clusters, &address, Purpose::Ask, vec![request(Verb::List, "v1/ConfigMap", Some(&ns("t-figures")), "", Json::Null)]).await;
    eprintln!("list of {}: {:?}", list[0].body["items"].as_array().map_or(0, Vec::len), begun.elapsed());
    gone(&clusters, &address, &ns("t-figures")).await;
}
