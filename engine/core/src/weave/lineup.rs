//! Where the threads of a play stand, indexed by what the run asks of them: who is ready, who waits for what, and who
//! is the last. With it a step costs the same however many hosts there are.

use std::collections::{BTreeMap, BTreeSet};

use super::session::{State, Thread};

/// A place in a play: see `Cursor::path`.
pub type Place = Vec<u32>;

/// The index. Whoever changes a thread says so by [`Lineup::note`].
#[derive(Debug, Default)]
pub struct Lineup {
    stands: Vec<Stand>,
    ready: BTreeSet<usize>,
    /// Threads at each barrier.
    barriers: BTreeMap<Place, BTreeSet<usize>>,
    /// By the bits of the time that they sleep until: times are positive, so bits are ordered as they are.
    sleepers: BTreeSet<(u64, usize)>,
    /// Threads that wait for a target which another one is busy with.
    targets: BTreeSet<usize>,
    /// How many stand at each place, of those that are not through.
    places: BTreeMap<Place, usize>,
    /// The place of the stage whose roles run side by side, if the play has one. Behind it each role is a lane.
    stage: Option<u32>,
    /// How many hosts have yet to begin each lane, of those that have come to that stage.
    unstarted: BTreeMap<u32, usize>,
    left: usize,
}

/// What was noted of a thread.
#[derive(Clone, Debug, Default, PartialEq)]
struct Stand {
    state: State,
    place: Option<Place>,
    unstarted: Vec<u32>,
}

impl Lineup {
    /// An empty line; `stage` is the first number of the places of roles that run side by side.
    pub fn new(stage: Option<u32>) -> Lineup {
        Lineup { stage, ..Lineup::default() }
    }

    /// Writes down how a thread stands now.
    pub fn note(&mut self, at: usize, thread: &Thread) {
        let place = match &thread.state {
            State::Done => None,
            // what waits to be sent has not happened
            _ => Some(thread.queue.first().map_or_else(|| thread.cursor.path(), |queued| queued.path.clone())),
        };
        let stand = Stand { state: thread.state.clone(), place, unstarted: thread.roles.unstarted() };
        if at >= self.stands.len() {
            self.stands.resize(at + 1, Stand { state: State::Done, ..Stand::default() });
        }
        let old = std::mem::replace(&mut self.stands[at], stand.clone());
        if old == stand {
            return;
        }
        self.take_out(at, &old);
        self.left += usize::from(stand.state != State::Done);
        match stand.state {
            State::Ready => drop(self.ready.insert(at)),
            State::Barrier(path) => drop(self.barriers.entry(path).or_default().insert(at)),
            State::Until(time) => drop(self.sleepers.insert((time.to_bits(), at))),
            State::Target(_) => drop(self.targets.insert(at)),
            State::InFlight | State::Prompt | State::Roles | State::Done => {}
        }
        if let Some(place) = stand.place {
            *self.places.entry(place).or_default() += 1;
        }
        for lane in stand.unstarted {
            *self.unstarted.entry(lane).or_default() += 1;
        }
    }

    fn take_out(&mut self, at: usize, old: &Stand) {
        self.left -= usize::from(old.state != State::Done);
        match &old.state {
            State::Ready => drop(self.ready.remove(&at)),
            State::Barrier(path) => {
                if let Some(all) = self.barriers.get_mut(path) {
                    all.remove(&at);
                    if all.is_empty() {
                        self.barriers.remove(path);
                    }
                }
            }
            State::Until(time) => drop(self.sleepers.remove(&(time.to_bits(), at))),
            State::Target(_) => drop(self.targets.remove(&at)),
            State::InFlight | State::Prompt | State::Roles | State::Done => {}
        }
        if let Some(place) = &old.place {
            less(&mut self.places, place);
        }
        for lane in &old.unstarted {
            less(&mut self.unstarted, lane);
        }
    }

    /// A thread that can go on.
    pub fn ready(&self) -> Option<usize> {
        self.ready.first().copied()
    }

    /// Whether all are through.
    pub fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Whether nobody is on the way or can go on: all that are left stand at barriers.
    pub fn is_gathered(&self) -> bool {
        self.stands.iter().all(|stand| matches!(stand.state, State::Done | State::Roles | State::Barrier(_)))
    }

    /// Those whose sleep is over.
    pub fn awake(&self, now: f64) -> Vec<usize> {
        self.sleepers.iter().take_while(|(time, _)| f64::from_bits(*time) <= now).map(|(_, at)| *at).collect()
    }

    /// When the next sleep is over.
    pub fn first_awake(&self) -> Option<f64> {
        self.sleepers.first().map(|(time, _)| f64::from_bits(*time))
    }

    /// Those that wait for a target.
    pub fn waiting_for_targets(&self) -> impl Iterator<Item = usize> + '_ {
        self.targets.iter().copied()
    }

    /// The barriers, and who stands at each.
    pub fn barriers(&self) -> impl Iterator<Item = (&Place, &BTreeSet<usize>)> {
        self.barriers.iter()
    }

    /// Whether nobody is left who has yet to come to this place.
    pub fn is_reached(&self, place: &[u32]) -> bool {
        self.least(self.lane(place)).is_none_or(|least| least.as_slice() >= place)
    }

    /// Whether nobody is left at this place or before it.
    pub fn is_passed(&self, place: &[u32]) -> bool {
        self.least(self.lane(place)).is_none_or(|least| least.as_slice() > place)
    }

    /// The role that a place lies in, where roles run side by side.
    fn lane(&self, place: &[u32]) -> Option<u32> {
        (place.len() > 1 && self.stage == Some(place[0])).then(|| place[1])
    }

    /// Where the last of those stand who may still come through a lane.
    fn least(&self, lane: Option<u32>) -> Option<&Place> {
        let first = self.places.keys().next()?;
        let (Some(lane), Some(stage)) = (lane, self.stage) else { return Some(first) };
        if first.as_slice() < [stage].as_slice() {
            return Some(first);
        }
        if self.unstarted.contains_key(&lane) {
            // a host that waits with this role stands at the head of the stage
            return self.places.range(vec![stage]..).map(|(place, _)| place).next();
        }
        self.places.range(vec![stage, lane]..).map(|(place, _)| place).next().filter(|place| self.lane(place) == Some(lane))
    }
}

fn less<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cursor::{Cursor, Frame};
    use super::super::strands::Roles;
    use super::*;

    fn thread(state: State, path: &[u32]) -> Thread {
        let frames = match path {
            [stage, place, at] => vec![Frame::Strand { stage: *stage, place: *place }, Frame::Stages { at: *at as usize }],
            _ => path.iter().map(|at| Frame::Stages { at: *at as usize }).collect(),
        };
        Thread { state, cursor: Cursor { frames, ..Cursor::default() }, ..Thread::default() }
    }

    #[test]
    fn the_last_decides() {
        let mut line = Lineup::new(None);
        line.note(0, &thread(State::Barrier(vec![3]), &[3]));
        line.note(1, &thread(State::InFlight, &[2]));
        assert!(!line.is_reached(&[3]) && line.is_passed(&[1]) && !line.is_passed(&[2]));
        line.note(1, &thread(State::Ready, &[3]));
        assert!(line.is_reached(&[3]) && !line.is_passed(&[3]) && line.ready() == Some(1));
        line.note(1, &thread(State::Done, &[]));
        line.note(0, &thread(State::Until(7.5), &[9]));
        assert!(line.is_passed(&[3]) && line.awake(7.0).is_empty() && line.awake(7.5) == [0] && !line.is_over());
        line.note(0, &thread(State::Done, &[]));
        assert!(line.is_over() && line.is_passed(&[99]));
    }

    /// A role that is slow on one host holds back what stands behind the roles, not the role beside it.
    #[test]
    fn a_lane_waits_for_its_own() {
        let mut line = Lineup::new(Some(2));
        let mut parent = thread(State::Roles, &[2]);
        parent.roles = Roles::waiting(2);
        line.note(0, &parent);
        assert!(!line.is_reached(&[2, 0, 1]), "lane 0 has not begun");
        parent.roles.started(0, 1);
        parent.roles.started(1, 2);
        line.note(0, &parent);
        line.note(1, &thread(State::InFlight, &[2, 0, 1]));
        line.note(2, &thread(State::Barrier(vec![2, 1, 4]), &[2, 1, 4]));
        assert!(line.is_reached(&[2, 1, 4]) && !line.is_reached(&[2, 0, 4]) && !line.is_reached(&[3]));
        line.note(3, &thread(State::InFlight, &[1]));
        assert!(!line.is_reached(&[2, 1, 4]), "a host that has not come to the roles will come through each");
    }
}
