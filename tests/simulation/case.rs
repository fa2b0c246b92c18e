//! One playbook, run as it is and under faults, and what must hold of both.

use std::collections::{BTreeMap, BTreeSet};

use super::book::Book;
use super::checks::{self, by_host};
use super::drive::{Line, Plan, Trace, run};
use super::far::Far;
use super::host::thing;

/// What may be said of a playbook.
#[derive(Clone, Copy, Default)]
pub struct Traits {
    pub hosts: usize,
    /// What one host does may change what happens on another.
    pub linked: bool,
    /// Something is done to a host's things in each run.
    pub restless: bool,
    /// Messages go to a host for another.
    pub delegates: bool,
    /// Handlers run also on hosts that failed.
    pub forced: bool,
    /// Roles run side by side, so that tasks of a host are told in more than one order.
    pub sides: bool,
    /// Something is waited for.
    pub waits: bool,
}

/// Targets with something on them already.
pub fn fresh(hosts: usize) -> Far {
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

pub struct Case {
    pub traits: Traits,
    pub book: Book,
    /// Of an apply that nothing happened to.
    pub base: Trace,
    after: Far,
    /// All that does not hold.
    pub wrong: Vec<String>,
}

impl Case {
    pub fn new(traits: Traits, book: Book) -> Case {
        let mut after = fresh(traits.hosts);
        let base = run(&book, &mut after, &Plan::default());
        let mut wrong: Vec<String> = checks::wrong(&base, traits).into_iter().map(|what| format!("uncut: {what}")).collect();
        // a playbook that fails by a mistake of its own shows nothing
        let broken = |line: &&Line| line.error.as_ref().is_some_and(|error| error.contains("there is no variable"));
        wrong.extend(base.told.iter().find(broken).map(|line| format!("a broken playbook: {line:?}")));
        Case { traits, book, base, after, wrong }
    }

    fn note(&mut self, what: &str, trace: &Trace) {
        let found = checks::wrong(trace, self.traits);
        self.wrong.extend(found.into_iter().map(|wrong| format!("{what}: {wrong}")));
    }

    /// Whether nobody failed for good.
    fn healthy(&self) -> bool {
        self.base.summary.as_ref().is_some_and(|summary| summary.recaps.iter().all(|(_, recap)| recap.failed + recap.unreachable == 0))
    }

    /// A run under faults, and one without after it.
    pub fn faults(&mut self, plan: &Plan) {
        let mut far = fresh(self.traits.hosts);
        let trace = run(&self.book, &mut far, plan);
        let what = format!("{plan:?}");
        self.note(&what, &trace);
        if !self.traits.linked && plan.interrupt.is_none() && (plan.jumps.is_empty() || !self.traits.waits) {
            self.others_do_not_notice(plan, &trace);
        }
        if self.traits.linked && !self.healthy() {
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
                let all = |one: &BTreeSet<String>, two: &BTreeSet<String>| one.difference(two).cloned().collect::<Vec<_>>();
                self.wrong.push(format!("{what}: {host} has {:?} in place of {:?}", all(is, was), all(was, is)));
            }
        }
    }

    fn others_do_not_notice(&mut self, plan: &Plan, trace: &Trace) {
        let (is, was) = (by_host(trace, self.traits), by_host(&self.base, self.traits));
        for (host, lines) in was {
            let cut = plan.cuts.iter().any(|cut| cut.target == host);
            if !cut && is.get(host) != Some(&lines) {
                let wrong = format!("{plan:?}: {host} was not cut, and has {:?} in place of {lines:?}", is.get(host));
                self.wrong.push(wrong);
            }
        }
    }

    /// A check writes nothing, and says what the run then does.
    pub fn check(&mut self) {
        let mut far = fresh(self.traits.hosts);
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
            if then.outcome != line.outcome
                && !matches!(then.outcome, "failed" | "unreachable" | "interrupted")
                && line.task.starts_with('t')
            {
                wrong.push(format!("check said {line:?}, and the run {then:?}"));
            }
        }
        self.wrong.extend(wrong);
    }

    /// What is as described stays as it is.
    pub fn again(&mut self) {
        let mut far = self.after.clone();
        let trace = run(&self.book, &mut far, &Plan::default());
        self.note("again", &trace);
        self.differ("again", &far);
        let odd = ["refused", "stubborn", "rescue-h"].iter().any(|word| self.book.text.contains(word));
        if !self.traits.restless && !odd && trace.sent.iter().any(|sent| sent.fixes > 0) {
            let lines: Vec<&Line> = trace.told.iter().filter(|line| line.outcome == "change").collect();
            self.wrong.push(format!("the second run mends: {lines:?}"));
        }
    }

    /// How long answers take, how many are on their way and what else comes in changes nothing.
    pub fn paced(&mut self, plan: &Plan) {
        let mut far = fresh(self.traits.hosts);
        let trace = run(&self.book, &mut far, plan);
        self.equal(&format!("{plan:?}"), &trace, &far);
    }

    /// Sent together or one by one: the same comes of it.
    pub fn stepwise(&mut self, book: &Book) {
        let mut far = fresh(self.traits.hosts);
        let trace = run(book, &mut far, &Plan::default());
        self.equal("one by one", &trace, &far);
    }

    fn equal(&mut self, what: &str, trace: &Trace, far: &Far) {
        self.note(what, trace);
        self.differ(what, far);
        let (is, was) = (by_host(trace, self.traits), by_host(&self.base, self.traits));
        for (host, lines) in was {
            let others: Vec<_> = is.get(host).cloned().unwrap_or_default();
            let first = lines.iter().zip(&others).find(|(one, other)| one != other);
            if others != lines {
                self.wrong.push(format!("{what}: {host} has {} lines in place of {}; first {first:?}", others.len(), lines.len()));
            }
        }
    }

    /// The same inputs give the same outputs.
    pub fn same_again(&mut self, plan: Plan) {
        let plan = Plan { whole: true, ..plan };
        let whole = || run(&self.book, &mut fresh(self.traits.hosts), &plan).whole;
        let (one, two) = (whole(), whole());
        if one != two {
            let first = one.lines().zip(two.lines()).find(|(one, two)| one != two);
            self.wrong.push(format!("{plan:?}: two runs with equal inputs differ: {first:?}"));
        }
    }
}
