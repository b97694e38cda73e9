//! A model of two steps, three people and two workers, small enough that every order of events can be tried.
//!
//! A click may arrive late, twice, in any order or never: whatever card was ever shown can be clicked at any moment. Whoever decides
//! reads first and writes later, and anything may happen in between. Workers die between any two acts. Each guard of the real state
//! machine can be switched off, to see what it is for; `agree` holds the model against the real one.

use std::fmt;

use stateright::{Model, Property};

/// Ines may approve until she loses the right, Mara may and asked for the second step, Eve has no rights.
pub(super) const PEOPLE: usize = 3;
const INES: u8 = 0;
const MARA: u8 = 1;
/// Proposals expire at this tick, and the clock stops one later.
pub(super) const EXPIRES: u8 = 2;
const LAST_TICK: u8 = 3;

/// One check of the real thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Guard {
    /// A decision is written only where it was read.
    CompareAndSet,
    /// A click counts for the bytes that it names.
    Digest,
    RightsAtDecision,
    RightsAtStart,
    DistinctPeople,
    FourEyes,
    ExpiryAtDecision,
    StartDeadline,
    /// Only what is approved can be claimed.
    ApprovedOnly,
    /// Rejected, superseded and ended steps stay so.
    EndsAreEnds,
    /// An edit takes the old version out of use.
    Supersede,
    /// A result counts only under the claim that is held.
    Fence,
    /// A step whose worker is gone is unknown, not free.
    LostIsUnknown,
    /// One running step for each target.
    Lock,
}

pub(super) const GUARDS: [Guard; 14] = [
    Guard::CompareAndSet,
    Guard::Digest,
    Guard::RightsAtDecision,
    Guard::RightsAtStart,
    Guard::DistinctPeople,
    Guard::FourEyes,
    Guard::ExpiryAtDecision,
    Guard::StartDeadline,
    Guard::ApprovedOnly,
    Guard::EndsAreEnds,
    Guard::Supersede,
    Guard::Fence,
    Guard::LostIsUnknown,
    Guard::Lock,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Status {
    Absent,
    Proposed,
    Approved,
    Running,
    Unknown,
    Succeeded,
    Rejected,
    Superseded,
}

/// One version of a step: its bytes, for the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Version {
    pub(super) status: Status,
    /// Who agreed, a bit for each.
    pub(super) agreed: u8,
    /// How many agreements were counted, for when people are not told apart.
    counted: u8,
    start_by: u8,
    holder: Option<u8>,
    /// Who really agreed to these bytes, in time and with the right.
    truly: u8,
    runs: u8,
    /// Whether its worker has begun, and lives.
    under_way: bool,
}

const ABSENT: Version = Version {
    status: Status::Absent,
    agreed: 0,
    counted: 0,
    start_by: 0,
    holder: None,
    truly: 0,
    runs: 0,
    under_way: false,
};

/// Which version of which step: `(0, 0)`, `(0, 1)` after an edit, and `(1, 0)`.
pub(super) type At = (u8, u8);
pub(super) const PLACES: [At; 3] = [(0, 0), (0, 1), (1, 0)];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wish {
    /// By a person, naming the bytes of a version.
    Approve(u8, At),
    Reject(u8),
    Claim,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Worker {
    Idle,
    /// Has read and decided, and not written yet.
    Deciding(At, Wish),
    Holding(At, bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) clock: u8,
    pub(super) versions: [Version; 3],
    /// Ines lost her right.
    pub(super) revoked: bool,
    pub(super) workers: [Worker; 2],
    /// Which version holds the target.
    lock: Option<u8>,
    /// The invariants that were broken, a bit for each of [`PROPERTIES`].
    broken: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Act {
    Tick,
    Edit,
    Revoke,
    /// A worker reads, and decides what a click or an approved step wants.
    Decide(u8, At, Wish),
    Write(u8),
    Run(u8),
    Report(u8),
    Crash(u8),
    Lose(At),
    Settle(At),
}

#[derive(Clone)]
pub(super) struct Machine {
    pub(super) off: Vec<Guard>,
}

const P1: u8 = 0;
const P2: u8 = 1;
const P3: u8 = 2;
const P5: u8 = 3;
const P8: u8 = 4;
const P10: u8 = 5;
const P12: u8 = 6;
const P7: u8 = 7;

pub(super) fn place(at: At) -> usize {
    PLACES.iter().position(|known| *known == at).expect("only these are used")
}

/// Two people for the first step; one for the second, which Mara asked for.
pub(super) fn quorum(at: At) -> u32 {
    if at.0 == 0 { 2 } else { 1 }
}

pub(super) fn is_own(person: u8, at: At) -> bool {
    at.0 == 1 && person == MARA
}

impl Machine {
    fn on(&self, guard: Guard) -> bool {
        !self.off.contains(&guard)
    }

    fn has_right(world: &World, person: u8) -> bool {
        (person == INES && !world.revoked) || person == MARA
    }

    fn counts(&self, version: &Version) -> u32 {
        if self.on(Guard::DistinctPeople) { version.agreed.count_ones() } else { version.counted.into() }
    }

    /// Whether the wish is granted to whoever reads the world as it is.
    pub(super) fn allows(&self, world: &World, at: At, wish: Wish) -> bool {
        let version = &world.versions[place(at)];
        let is_open = matches!(version.status, Status::Proposed | Status::Approved);
        let in_time = world.clock < if version.status == Status::Approved { version.start_by } else { EXPIRES };
        match wish {
            Wish::Approve(person, bytes) => {
                (version.status == Status::Proposed || (!self.on(Guard::EndsAreEnds) && version.holder.is_none()))
                    && (in_time || !self.on(Guard::ExpiryAtDecision))
                    && (bytes == at || !self.on(Guard::Digest))
                    && (Machine::has_right(world, person) || !self.on(Guard::RightsAtDecision))
                    && (!is_own(person, at) || !self.on(Guard::FourEyes))
                    && (version.agreed & (1 << person) == 0 || !self.on(Guard::DistinctPeople))
            }
            Wish::Reject(person) => is_open && in_time && Machine::has_right(world, person),
            Wish::Claim => {
                let still = (0..PEOPLE as u8).filter(|person| version.agreed & (1 << person) != 0).filter(|person| {
                    Machine::has_right(world, *person) && (!is_own(*person, at) || !self.on(Guard::FourEyes))
                });
                let enough = !self.on(Guard::RightsAtStart) || still.count() as u32 >= quorum(at);
                let claimable = version.status == Status::Approved
                    || (!self.on(Guard::ApprovedOnly) && matches!(version.status, Status::Proposed | Status::Running));
                claimable
                    && (in_time || !self.on(Guard::StartDeadline))
                    && (enough || !self.on(Guard::ApprovedOnly))
                    && (world.lock.is_none() || !self.on(Guard::Lock))
            }
        }
    }

    fn write(&self, world: &mut World, worker: u8, at: At, wish: Wish) {
        let clock = world.clock;
        let (revoked, idx) = (world.revoked, place(at));
        let has_right = |person: u8| (person == INES && !revoked) || person == MARA;
        let is_edited = world.versions[1].status != Status::Absent;
        let version = &mut world.versions[idx];
        let had_ended = matches!(version.status, Status::Succeeded | Status::Rejected | Status::Superseded);
        match wish {
            Wish::Approve(person, bytes) => {
                version.agreed |= 1 << person;
                version.counted = (version.counted + 1).min(3);
                if bytes == at && has_right(person) && clock < EXPIRES && !is_own(person, at) {
                    version.truly |= 1 << person;
                }
                if self.counts(version) >= quorum(at) {
                    version.status = Status::Approved;
                    version.start_by = clock + 1;
                    if clock >= EXPIRES {
                        world.broken |= 1 << P3;
                    }
                }
            }
            Wish::Reject(_) => version.status = Status::Rejected,
            Wish::Claim => {
                let still_right =
                    (0..PEOPLE as u8).filter(|person| version.truly & (1 << person) != 0 && has_right(*person));
                if (still_right.count() as u32) < quorum(at) {
                    world.broken |= 1 << if version.truly.count_ones() < quorum(at) { P1 } else { P5 };
                }
                if idx == 0 && is_edited {
                    world.broken |= 1 << P7;
                }
                if clock >= version.start_by.max(1) {
                    world.broken |= 1 << P3;
                }
                version.status = Status::Running;
                version.holder = Some(worker);
                version.under_way = true;
                world.lock = Some(idx as u8);
                world.workers[usize::from(worker)] = Worker::Holding(at, false);
            }
        }
        if had_ended {
            world.broken |= 1 << P8;
        }
        if wish != Wish::Claim {
            world.workers[usize::from(worker)] = Worker::Idle;
        }
        if self.on(Guard::CompareAndSet) {
            forget_stale(world, worker, at);
        }
    }
}

/// What others decided about this version on an older reading will not be written: they have to read again.
fn forget_stale(world: &mut World, writer: u8, at: At) {
    for (idx, worker) in world.workers.iter_mut().enumerate() {
        if idx != usize::from(writer) && matches!(worker, Worker::Deciding(place, _) if *place == at) {
            *worker = Worker::Idle;
        }
    }
}

/// A claim also writes the lock, so that one about the same target is stale too.
fn forget_claims(world: &mut World) {
    for worker in &mut world.workers {
        if matches!(worker, Worker::Deciding(_, Wish::Claim)) {
            *worker = Worker::Idle;
        }
    }
}

impl Model for Machine {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        let proposed = Version { status: Status::Proposed, ..ABSENT };
        vec![World {
            clock: 0,
            versions: [proposed, ABSENT, proposed],
            revoked: false,
            workers: [Worker::Idle; 2],
            lock: None,
            broken: 0,
        }]
    }

    fn actions(&self, world: &World, acts: &mut Vec<Act>) {
        if world.broken != 0 {
            return;
        }
        if world.clock < LAST_TICK {
            acts.push(Act::Tick);
        }
        if matches!(world.versions[0].status, Status::Proposed | Status::Approved)
            && world.versions[1].status == Status::Absent
            && world.clock < EXPIRES
        {
            acts.push(Act::Edit);
        }
        if !world.revoked {
            acts.push(Act::Revoke);
        }
        let shown = PLACES.into_iter().filter(|at| world.versions[place(*at)].status != Status::Absent);
        let shown: Vec<At> = shown.collect();
        for (worker, doing) in (0u8..).zip(world.workers) {
            match doing {
                // Two idle workers are alike: one of them acts.
                Worker::Idle if worker == 1 && world.workers[0] == Worker::Idle => {}
                Worker::Idle => {
                    for at in &shown {
                        let clicks = (0..PEOPLE as u8).flat_map(|person| {
                            let bytes = shown.iter().map(move |bytes| Wish::Approve(person, *bytes));
                            bytes.chain([Wish::Reject(person)])
                        });
                        let wishes = clicks.chain([Wish::Claim]).filter(|wish| self.allows(world, *at, *wish));
                        acts.extend(wishes.map(|wish| Act::Decide(worker, *at, wish)));
                    }
                }
                Worker::Deciding(..) => acts.extend([Act::Write(worker), Act::Crash(worker)]),
                Worker::Holding(_, false) => acts.extend([Act::Run(worker), Act::Crash(worker)]),
                Worker::Holding(_, true) => acts.extend([Act::Report(worker), Act::Crash(worker)]),
            }
        }
        for at in shown {
            match world.versions[place(at)].status {
                Status::Running => acts.push(Act::Lose(at)),
                Status::Unknown => acts.push(Act::Settle(at)),
                _ => {}
            }
        }
    }

    fn next_state(&self, before: &World, act: Act) -> Option<World> {
        let mut world = *before;
        match act {
            Act::Tick => world.clock += 1,
            Act::Revoke => world.revoked = true,
            Act::Edit => {
                world.versions[1] = Version { status: Status::Proposed, ..ABSENT };
                if self.on(Guard::Supersede) {
                    world.versions[0].status = Status::Superseded;
                    if self.on(Guard::CompareAndSet) {
                        forget_stale(&mut world, u8::MAX, (0, 0));
                    }
                }
            }
            Act::Decide(worker, at, wish) => world.workers[usize::from(worker)] = Worker::Deciding(at, wish),
            Act::Write(worker) => {
                let Worker::Deciding(at, wish) = world.workers[usize::from(worker)] else { return None };
                // Time passes without an entry: what is written late counts by the clock when it is written.
                if self.on(Guard::CompareAndSet) && !self.allows(&world, at, wish) {
                    world.workers[usize::from(worker)] = Worker::Idle;
                    return Some(world);
                }
                self.write(&mut world, worker, at, wish);
                if wish == Wish::Claim && self.on(Guard::CompareAndSet) && self.on(Guard::Lock) {
                    forget_claims(&mut world);
                }
            }
            Act::Run(worker) => {
                let Worker::Holding(at, _) = world.workers[usize::from(worker)] else { return None };
                let others = PLACES.into_iter().filter(|other| *other != at);
                let busy = others
                    .filter(|other| world.versions[place(*other)].under_way && world.versions[place(*other)].runs > 0);
                if busy.count() > 0 {
                    world.broken |= 1 << P12;
                }
                let version = &mut world.versions[place(at)];
                version.runs += 1;
                if version.runs > 1 {
                    world.broken |= 1 << P2;
                }
                world.workers[usize::from(worker)] = Worker::Holding(at, true);
            }
            Act::Report(worker) => {
                let Worker::Holding(at, _) = world.workers[usize::from(worker)] else { return None };
                world.workers[usize::from(worker)] = Worker::Idle;
                let version = &mut world.versions[place(at)];
                let holds = version.status == Status::Running && version.holder == Some(worker);
                version.under_way = version.under_way && version.holder != Some(worker);
                if holds || !self.on(Guard::Fence) {
                    if !holds {
                        world.broken |= 1 << P10;
                    }
                    version.status = Status::Succeeded;
                    if world.lock == Some(place(at) as u8) {
                        world.lock = None;
                    }
                }
            }
            Act::Crash(worker) => {
                if let Worker::Holding(at, _) = world.workers[usize::from(worker)] {
                    let version = &mut world.versions[place(at)];
                    version.under_way = version.under_way && version.holder != Some(worker);
                }
                world.workers[usize::from(worker)] = Worker::Idle;
            }
            Act::Lose(at) => {
                let version = &mut world.versions[place(at)];
                if self.on(Guard::LostIsUnknown) {
                    version.status = Status::Unknown;
                } else {
                    version.status = Status::Approved;
                    version.start_by = world.clock + 1;
                    world.lock = None;
                }
            }
            Act::Settle(at) => {
                world.versions[place(at)].status = Status::Succeeded;
                // A person says so once the worker is seen to be gone.
                if world.versions[place(at)].under_way {
                    return None;
                }
                if world.lock == Some(place(at) as u8) {
                    world.lock = None;
                }
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Machine>> {
        fn kept<const N: u8>(_: &Machine, world: &World) -> bool {
            world.broken & (1 << N) == 0
        }
        vec![
            Property::always("P1 what runs was agreed to by enough people, for these bytes", kept::<P1>),
            Property::always("P2 an approval is for one attempt", kept::<P2>),
            Property::always("P3 nothing happens after a deadline", kept::<P3>),
            Property::always("P5 rights are read again at the start", kept::<P5>),
            Property::always("P7 what was edited is dead", kept::<P7>),
            Property::always("P8 ends are ends, and P9 what ended early never runs", kept::<P8>),
            Property::always("P10 only the holder of the claim reports", kept::<P10>),
            Property::always("P12 one running step for each target", kept::<P12>),
            Property::sometimes("a step runs and succeeds", |_, world: &World| {
                world.versions.iter().any(|version| version.status == Status::Succeeded && version.runs == 1)
            }),
            Property::sometimes("nobody knows how a step ended", |_, world: &World| {
                world.versions.iter().any(|version| version.status == Status::Unknown)
            }),
        ]
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
