//! The proof of ownership against the server's own verdict: where it proves, a dry run must find nothing to change.

use std::collections::BTreeMap;

use play_core::resources::object::change::difference;
use play_core::resources::object::normalise::normalise;
use play_core::resources::object::owned::proven;
use serde_json::Value;

use tests::dice::Dice;

use super::objects::{KINDS, change, definition, manifest, url};
use super::server::{Request, Server};

const US: &str = "play";
/// About 20 seconds.
const ROUNDS: u64 = 4;

/// What a run found, by kind.
#[derive(Default)]
struct Tally {
    /// checks, same by the server, refused by the server, proven
    kinds: BTreeMap<&'static str, [usize; 4]>,
    wrong: Vec<String>,
    weak: BTreeMap<String, usize>,
}

struct Thing {
    kind: &'static str,
    namespace: String,
    name: String,
    base: Value,
    last: Value,
    live: Value,
}

impl Thing {
    fn url(&self, query: &str) -> String {
        format!("{}{query}", url(self.kind, &self.namespace, &self.name))
    }

    fn apply(&self, manifest: &Value, manager: &str, more: &str) -> Request {
        Request { method: "PATCH", path: self.url(&format!("?fieldManager={manager}&force=true{more}")), body: Some(normalise(manifest)) }
    }
}

/// Random changes to manifests and live objects, `rounds` times for `each` objects of a kind, against a server.
fn run(server: &Server, rounds: usize, each: usize, seed: u64) -> Tally {
    let mut dice = Dice(seed);
    let mut tally = Tally::default();
    let mut things = made(server, each, &format!("proof-{seed}"));
    for _ in 0..rounds {
        applied(server, &mut things, &mut dice);
        for _ in 0..dice.roll(3) {
            look(server, &mut things);
            disturbed(server, &things, &mut dice);
        }
        look(server, &mut things);
        judged(server, &things, &mut dice, &mut tally);
    }
    server.ask(&[Request { method: "DELETE", path: format!("/api/v1/namespaces/proof-{seed}"), body: None }]);
    tally
}

fn made(server: &Server, each: usize, space: &str) -> Vec<Thing> {
    let crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.play.example";
    let named =
        |path: &str, body: Value| Request { method: "PATCH", path: format!("{path}?fieldManager=test&force=true"), body: Some(body) };
    let found = server.ask(&[
        named(crd, definition()),
        named(
            &format!("/api/v1/namespaces/{space}"),
            serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}),
        ),
    ]);
    assert!(found.iter().all(|(code, _)| *code < 300), "{found:?}");
    for _ in 0..200 {
        let (code, _) = &server.ask(&[Request { method: "GET", path: url("Widget", space, ""), body: None }])[0];
        if *code == 200 {
            break;
        }
    }
    let thing = |kind: &'static str, place: usize| {
        let name = format!("{}-{place}", kind.to_lowercase());
        let base = manifest(kind, space, &name);
        Thing { kind, namespace: space.to_owned(), name, last: base.clone(), base, live: Value::Null }
    };
    let things: Vec<Thing> = KINDS.iter().flat_map(|kind| (0..each).map(|place| thing(kind, place)).collect::<Vec<_>>()).collect();
    let answers = server.ask(&things.iter().map(|thing| thing.apply(&thing.base, US, "")).collect::<Vec<_>>());
    for ((code, answer), thing) in answers.iter().zip(&things) {
        assert!(*code < 300, "{}: {answer}", thing.name);
    }
    things
}

fn look(server: &Server, things: &mut [Thing]) {
    let answers = server.ask(&things.iter().map(|thing| Request { method: "GET", path: thing.url(""), body: None }).collect::<Vec<_>>());
    for (thing, (_, live)) in things.iter_mut().zip(answers) {
        thing.live = live;
    }
}

/// Half of the objects are applied anew with a changed manifest; what the server takes is the last one.
fn applied(server: &Server, things: &mut [Thing], dice: &mut Dice) {
    let mut sent = Vec::new();
    for (place, thing) in things.iter().enumerate() {
        if dice.chance(60) {
            let mut manifest = thing.base.clone();
            (0..dice.roll(4)).for_each(|_| change(&mut manifest, &thing.live, dice));
            sent.push((place, manifest));
        }
    }
    let answers = server.ask(&sent.iter().map(|(place, manifest)| things[*place].apply(manifest, US, "")).collect::<Vec<_>>());
    for ((place, manifest), (code, _)) in sent.into_iter().zip(answers) {
        if code < 300 {
            things[place].last = manifest;
        }
    }
}

/// Others write: an editor replaces, another applier forces, and now and then we ourselves replace.
fn disturbed(server: &Server, things: &[Thing], dice: &mut Dice) {
    let mut sent = Vec::new();
    for thing in things.iter().filter(|thing| thing.live.is_object()) {
        match dice.roll(10) {
            0..5 => {
                let mut live = thing.live.clone();
                (0..=dice.roll(2)).for_each(|_| change(&mut live, &thing.base, dice));
                let manager = if dice.chance(5) { US } else { "editor" };
                sent.push(Request { method: "PUT", path: thing.url(&format!("?fieldManager={manager}")), body: Some(live) });
            }
            5..7 => {
                let mut manifest = thing.base.clone();
                (0..dice.roll(3)).for_each(|_| change(&mut manifest, &thing.live, dice));
                sent.push(thing.apply(&manifest, "other", ""));
            }
            _ => {}
        }
    }
    server.ask(&sent);
}

fn judged(server: &Server, things: &[Thing], dice: &mut Dice, tally: &mut Tally) {
    let mut sent = Vec::new();
    for thing in things.iter().filter(|thing| thing.live.get("metadata").is_some() && thing.live.get("kind") == thing.base.get("kind")) {
        sent.push((thing, thing.last.clone()));
        for _ in 0..3 {
            let mut manifest = thing.last.clone();
            (0..=dice.roll(2)).for_each(|_| change(&mut manifest, &thing.live, dice));
            sent.push((thing, manifest));
        }
    }
    let answers = server.ask(&sent.iter().map(|(thing, manifest)| thing.apply(manifest, US, "&dryRun=All")).collect::<Vec<_>>());
    for ((thing, manifest), (code, answer)) in sent.iter().zip(answers) {
        let found = proven(&normalise(manifest), &thing.live, US);
        let difference = (code < 300).then(|| difference(Some(&thing.live), &answer));
        let same = difference.as_ref().is_some_and(|difference| difference.is_same());
        let counts = tally.kinds.entry(thing.kind).or_default();
        counts[0] += 1;
        counts[1] += usize::from(same);
        counts[2] += usize::from(difference.is_none());
        counts[3] += usize::from(found.is_ok());
        match found {
            Ok(()) if !same => tally.wrong.push(format!("{}\n{manifest}\n{}\n{difference:?}\n{answer}", thing.name, thing.live)),
            Err(why) if same => *tally.weak.entry(why.0.rsplit(": ").next().unwrap_or("").to_owned()).or_default() += 1,
            _ => {}
        }
    }
}

/// `PLAY_PROOF_ROUNDS` makes it a long run, `PLAY_PROOF_SEED` repeats one.
#[test]
fn proofs_are_never_wrong() {
    let Some(kubeconfig) = tests::world("PLAY_TEST_KUBECONFIG") else { return };
    let server = Server::of_kubeconfig(&kubeconfig);
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let rounds = usize::try_from(number("PLAY_PROOF_ROUNDS").unwrap_or(ROUNDS)).expect("a small number");
    let by_time = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let seed = number("PLAY_PROOF_SEED").unwrap_or_else(by_time);
    let tally = run(&server, rounds, 5, seed);
    let mut text = format!("{:25} {:>7} {:>7} {:>7} {:>7}\n", "kind", "checks", "same", "refused", "proven");
    let mut total = [0; 4];
    for (kind, counts) in &tally.kinds {
        text.push_str(&format!("{kind:25} {:7} {:7} {:7} {:7}\n", counts[0], counts[1], counts[2], counts[3]));
        total.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
    }
    text.push_str(&format!(
        "{:25} {:7} {:7} {:7} {:7}\nsame and not proven: {:?}\n",
        "all", total[0], total[1], total[2], total[3], tally.weak
    ));
    assert!(total[3] > 0 && total[1] < total[0], "nothing was proven, or nothing ever differed:\n{text}");
    assert!(
        tally.wrong.is_empty(),
        "{} wrong proofs of {} with PLAY_PROOF_SEED={seed} PLAY_PROOF_ROUNDS={rounds}; the first one:\n{}\n{text}",
        tally.wrong.len(),
        total[0],
        tally.wrong[0]
    );
}
