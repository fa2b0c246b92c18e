//! Random playbooks under random faults. `PLAY_SIM_SEEDS=N` runs other than the usual number, `PLAY_SIM_SEED=S` one alone.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use play_core::run::FaultKind;
use tests::dice::Dice;

use super::book::Book;
use super::checks::{self, Shape, by_host};
use super::drive::{Cut, Line, Plan, Trace, run};
use super::far::Far;
use super::host::thing;
use super::random::Random;

/// What a debug build runs in about a minute on two cores.
const SEEDS: u64 = 3000;

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

/// Targets with something on them already.
fn fresh(hosts: usize) -> Far {
    let mut far = Far::new(hosts);
    for host in far.hosts.values_mut() {
        let file = host.things[&thing("path", "/etc")].clone();
        for at in 0..4 {
            let mut file = file.clone();
            file.insert("kind".into(), "file".into());
            host.things.insert(thing("path", &format!("/etc/old{at}")), file);
        }
    }
    far
}

struct Case {
    random: Random,
    book: Book,
    shape: Shape,
    /// Of an apply that nothing happened to.
    base: Trace,
    after: Far,
    wrong: Vec<String>,
}

/// All that does not hold with this seed.
fn judged(seed: u64) -> Vec<String> {
    let mut dice = Dice(seed);
    let random = Random::new(&mut dice);
    let files: Vec<(&str, &str)> = random.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let book = Book::with(random.hosts, &random.text(), &files);
    let shape = Shape { alone: !random.delegates, forced: random.forced };
    let mut after = fresh(random.hosts);
    let base = run(&book, &mut after, &Plan::default());
    let wrong = checks::wrong(&base, shape).into_iter().map(|what| format!("uncut: {what}")).collect();
    let mut case = Case { random, book, shape, base, after, wrong };
    case.faults(&mut dice);
    match seed % 5 {
        0 => case.check(),
        1 => case.again(),
        2 => case.paced(&mut dice),
        3 => case.stepwise(),
        _ => case.same_again(&mut dice),
    }
    if !case.wrong.is_empty() && std::env::var_os("PLAY_SIM_SEED").is_some() {
        println!("{}", case.book.text);
        case.base.told.iter().for_each(|line| println!("{line:?}"));
    }
    case.wrong
}

impl Case {
    fn note(&mut self, what: &str, trace: &Trace) {
        let found = checks::wrong(trace, self.shape);
        self.wrong.extend(found.into_iter().map(|wrong| format!("{what}: {wrong}")));
    }

    /// Whether nobody failed for good.
    fn healthy(&self) -> bool {
        self.base.summary.as_ref().is_some_and(|summary| summary.recaps.iter().all(|(_, recap)| recap.failed + recap.unreachable == 0))
    }

    fn faults(&mut self, dice: &mut Dice) {
        let plan = self.plan(dice);
        let mut far = fresh(self.random.hosts);
        let trace = run(&self.book, &mut far, &plan);
        let what = format!("{plan:?}");
        self.note(&what, &trace);
        if !self.random.linked && plan.interrupt.is_none() && (plan.jumps.is_empty() || !self.random.waits) {
            self.others_do_not_notice(&plan, &trace);
        }
        if self.random.linked && !self.healthy() {
            return;
        }
        let mended = run(&self.book, &mut far, &Plan::default());
        self.note(&format!("after {what}"), &mended);
        self.differ(&format!("after {what} and a run without faults"), &far);
    }

    fn differ(&mut self, what: &str, far: &Far) {
        let (is, was) = (far.state(), self.after.state());
        for (host, is) in &is {
            let was = &was[host];
            if is != was {
                let all = |side: &(std::collections::BTreeSet<String>, _), other: &(std::collections::BTreeSet<String>, _)| {
                    side.0.difference(&other.0).cloned().collect::<Vec<_>>()
                };
                self.wrong.push(format!("{what}: {host} has {:?} in place of {:?}", all(is, was), all(was, is)));
            }
        }
    }

    fn others_do_not_notice(&mut self, plan: &Plan, trace: &Trace) {
        let (is, was) = (by_host(trace), by_host(&self.base));
        for (host, lines) in was {
            let cut = plan.cuts.iter().any(|cut| cut.target == host);
            if !cut && is.get(host) != Some(&lines) {
                let wrong = format!("{plan:?}: {host} was not cut, and has {:?} in place of {lines:?}", is.get(host));
                self.wrong.push(wrong);
            }
        }
    }

    fn plan(&self, dice: &mut Dice) -> Plan {
        let mut plan = Plan { pace: dice.next(), forks: [0, 1, 2][dice.roll(3)], ..Plan::default() };
        for _ in 0..1 + dice.roll(2) {
            let sent = &self.base.sent;
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
            plan.interrupt = Some(1 + dice.roll(self.base.inputs));
        }
        if dice.chance(20) {
            plan.jumps.push((dice.roll(self.base.inputs), [3600.0, -3600.0, 0.5, -0.5, 1e7][dice.roll(5)]));
        }
        if dice.chance(20) {
            plan.slow.push(format!("h{}", dice.roll(self.random.hosts)));
        }
        plan
    }

    /// A check writes nothing, and says what the run then does.
    fn check(&mut self) {
        let mut far = fresh(self.random.hosts);
        let before = far.state();
        let trace = run(&self.book, &mut far, &Plan { check: true, ..Plan::default() });
        self.note("check", &trace);
        if far.state() != before {
            self.wrong.push("check changed something".into());
        }
        let key = |line: &Line| (line.host.clone(), line.play.clone(), line.task.clone());
        let ran: BTreeMap<_, &Line> = self.base.told.iter().filter(|line| !line.item).map(|line| (key(line), line)).collect();
        let mut wrong = vec![];
        for line in trace.told.iter().filter(|line| !line.item && matches!(line.outcome, "same" | "change") && !line.doubted) {
            let Some(then) = ran.get(&key(line)) else { continue };
            if then.outcome != line.outcome && !matches!(then.outcome, "failed" | "unreachable") && line.task.starts_with('t') {
                wrong.push(format!("check said {line:?}, and the run {then:?}"));
            }
        }
        self.wrong.extend(wrong);
    }

    /// What is as described stays as it is.
    fn again(&mut self) {
        let mut far = self.after.clone();
        let trace = run(&self.book, &mut far, &Plan::default());
        self.note("again", &trace);
        self.differ("again", &far);
        let odd = ["refused", "stubborn", "rescue-h"].iter().any(|word| self.book.text.contains(word));
        if !self.random.restless && !odd && trace.sent.iter().any(|sent| sent.fixes > 0) {
            let lines: Vec<&Line> = trace.told.iter().filter(|line| line.outcome == "change").collect();
            self.wrong.push(format!("the second run mends: {lines:?}"));
        }
    }

    /// How long answers take, how many are on their way and what else comes in changes nothing.
    fn paced(&mut self, dice: &mut Dice) {
        let slow = vec![format!("h{}", dice.roll(self.random.hosts))];
        let plan = Plan { pace: dice.next(), forks: 1 + dice.roll(3) as u32, noise: dice.chance(50), slow, ..Plan::default() };
        let mut far = fresh(self.random.hosts);
        let trace = run(&self.book, &mut far, &plan);
        self.equal(&format!("{plan:?}"), &trace, &far);
    }

    /// Sent together or one by one: the same comes of it.
    fn stepwise(&mut self) {
        let files: Vec<(&str, &str)> = self.random.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let book = Book::with(self.random.hosts, &self.random.stepwise(), &files);
        let mut far = fresh(self.random.hosts);
        let trace = run(&book, &mut far, &Plan::default());
        self.equal("one by one", &trace, &far);
    }

    fn equal(&mut self, what: &str, trace: &Trace, far: &Far) {
        self.note(what, trace);
        self.differ(what, far);
        let (is, was) = (by_host(trace), by_host(&self.base));
        for (host, lines) in was {
            let others: Vec<_> = is.get(host).cloned().unwrap_or_default();
            let first = lines.iter().zip(&others).find(|(one, other)| one != other);
            if others != lines {
                self.wrong.push(format!("{what}: {host} has {} lines in place of {}; first {first:?}", others.len(), lines.len()));
            }
        }
    }

    /// The same inputs give the same outputs.
    fn same_again(&mut self, dice: &mut Dice) {
        let plan = Plan { whole: true, ..self.plan(dice) };
        let mut whole = || run(&self.book, &mut fresh(self.random.hosts), &plan).whole;
        let (one, two) = (whole(), whole());
        if one != two {
            let first = one.lines().zip(two.lines()).find(|(one, two)| one != two);
            self.wrong.push(format!("{plan:?}: two runs with equal inputs differ: {first:?}"));
        }
    }
}
