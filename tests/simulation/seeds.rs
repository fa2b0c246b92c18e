//! Random playbooks under random faults. `PLAY_SIM_SEEDS=N` runs other than the usual number, `PLAY_SIM_SEED=S` one alone.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use play_core::run::FaultKind;
use tests::dice::Dice;

use super::book::Book;
use super::case::{Case, fresh};
use super::drive::{Cut, Plan, run};
use super::random::Random;

/// What a debug build runs in about a minute on two cores.
const SEEDS: u64 = 600;

#[test]
fn random_playbooks_under_random_faults() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    if let Some(seed) = number("PLAY_SIM_SEED") {
        let wrong = judged(seed);
        assert!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));
        return;
    }
    let count = number("PLAY_SIM_SEEDS").unwrap_or(SEEDS);
    let (next, failed) = (AtomicU64::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= count {
                        return;
                    }
                    let wrong = std::panic::catch_unwind(|| judged(seed)).unwrap_or_else(|_| vec!["a panic".into()]);
                    if !wrong.is_empty() {
                        failed.lock().expect("no other thread has died with it").insert(seed, wrong);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no thread has died with it");
    let shown: Vec<String> = failed.iter().take(12).map(|(seed, wrong)| format!("PLAY_SIM_SEED={seed}: {}", wrong[0])).collect();
    assert!(
        failed.is_empty(),
        "{} of {count} seeds fail; replay one with `PLAY_SIM_SEED=… cargo test -p tests simulation::seeds`:\n{}",
        failed.len(),
        shown.join("\n")
    );
}

/// All that does not hold with this seed.
fn judged(seed: u64) -> Vec<String> {
    let mut dice = Dice(seed);
    let random = Random::new(&mut dice);
    let files: Vec<(&str, &str)> = random.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let hosts = random.traits.hosts;
    let mut case = Case::new(random.traits, Book::with(hosts, &random.text(), &files));
    let plan = drawn(&case, &mut dice);
    case.faults(&plan);
    match seed % 5 {
        0 => case.check(),
        1 => case.again(),
        2 => {
            let slow = vec![format!("h{}", dice.roll(hosts))];
            case.paced(&Plan { pace: dice.bits(), forks: 1 + dice.roll(3) as u32, noise: dice.chance(50), slow, ..Plan::default() });
        }
        3 => case.stepwise(&Book::with(hosts, &random.stepwise(), &files)),
        _ => {
            let plan = drawn(&case, &mut dice);
            case.same_again(plan);
        }
    }
    if !case.wrong.is_empty() && std::env::var_os("PLAY_SIM_SEED").is_some() {
        let whole = run(&case.book, &mut fresh(hosts), &Plan { whole: true, ..Plan::default() }).whole;
        #[allow(clippy::print_stdout, reason = "whoever replays a seed wants to read it")]
        {
            println!("{}\n{whole}", case.book.text);
        }
    }
    case.wrong
}

/// Some of what may happen to a run.
fn drawn(case: &Case, dice: &mut Dice) -> Plan {
    let mut plan = Plan { pace: dice.bits(), forks: [0, 1, 2][dice.roll(3)], ..Plan::default() };
    for _ in 0..1 + dice.roll(2) {
        let sent = &case.base.sent;
        if sent.is_empty() {
            break;
        }
        let at = dice.roll(sent.len());
        let target = sent[at].target.clone();
        let nth = sent[..at].iter().filter(|sent| sent.target == target).count();
        let ran = dice.roll(sent[at].parts + 1);
        let answered = dice.roll(ran + 1);
        let kind = [FaultKind::Unreachable, FaultKind::TimedOut, FaultKind::Become, FaultKind::Interrupted][dice.roll(4)];
        let (ran, answered) = if kind == FaultKind::Become { (0, 0) } else { (ran, answered) };
        plan.cuts.push(Cut { target, nth, ran, answered, kind });
    }
    plan.noise = dice.chance(20);
    if dice.chance(15) {
        plan.interrupt = Some(1 + dice.roll(case.base.inputs));
    }
    if dice.chance(20) {
        plan.jumps.push((dice.roll(case.base.inputs), [3600.0, -3600.0, 0.5, -0.5, 1e7][dice.roll(5)]));
    }
    if dice.chance(20) {
        plan.slow.push(format!("h{}", dice.roll(case.traits.hosts)));
    }
    plan
}
