//! Climbs under way, and the names they wait for.

use std::collections::HashMap;
use std::mem;
use std::rc::Rc;
use std::time::Instant;

use bailiwick_core::caa::{
    Asking, CaaEvidence, CaaName, CaaRecord, ClimbStep, LookupAnswer, PrivateTlds, SourceAnswer,
    climb, may_hide,
};
use bailiwick_core::names::DnsName;
use bailiwick_core::time::Time;

use super::SweptName;
use super::memory::{Known, Memory};
use super::routes::{Route, Routes};

/// Names that are climbed from at once: more than the windows of a few servers hold.
pub(super) const CLIMBS_MAX: usize = 4_096;

/// The number of a name that is asked for.
pub(super) type NodeId = usize;

/// One name that is being asked for.
pub(super) struct Node {
    pub(super) name: DnsName,
    pub(super) routes: Vec<Route>,
    /// One place per route.
    answers: Vec<Option<LookupAnswer<CaaRecord>>>,
    missing: usize,
    asked_at: Time,
    waiters: Vec<usize>,
    shared: bool,
}

struct Climb {
    number: u64,
    /// `None` only while it is being moved on.
    asking: Option<Asking>,
    /// The finished climb, while one above it is under way.
    below: Option<Box<CaaEvidence>>,
}

/// Everything under way.
pub(super) struct Climbs {
    private: PrivateTlds,
    climbs: Slab<Climb>,
    nodes: Slab<Node>,
    asked: HashMap<DnsName, NodeId>,
    memory: Memory,
    pub(super) finished: Vec<SweptName>,
    /// Names to be asked for, since the last look.
    pub(super) fresh: Vec<NodeId>,
}

impl Climbs {
    pub(super) fn new(private: PrivateTlds) -> Self {
        Self {
            private,
            climbs: Slab::default(),
            nodes: Slab::default(),
            asked: HashMap::new(),
            memory: Memory::default(),
            finished: Vec::new(),
            fresh: Vec::new(),
        }
    }

    pub(super) const fn under_way(&self) -> usize {
        self.climbs.held
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// Begins a climb.
    pub(super) fn begin(
        &mut self,
        number: u64,
        name: CaaName,
        routes: &Routes,
        at: (Time, Instant),
    ) {
        let step = climb(name, self.private.clone());
        let id = self.climbs.put(Climb { number, asking: None, below: None });
        self.go_on(id, step, routes, at);
    }

    /// Moves one climb on until it waits for a name or has ended.
    fn go_on(&mut self, id: usize, mut step: ClimbStep, routes: &Routes, at: (Time, Instant)) {
        loop {
            match step {
                ClimbStep::Finished(evidence) => match self.end(id, evidence) {
                    Some(next) => step = next,
                    None => return,
                },
                ClimbStep::Ask(asking) => {
                    if let Some(known) = self.memory.get(asking.name(), at.1) {
                        step = asking.answer(known.asked_at, known.sources.clone());
                        continue;
                    }
                    let route = || routes.to(asking.name());
                    if let Some(nobody) = self.wait_for(id, &asking, route, at.0) {
                        step = asking.answer(at.0, nobody);
                        continue;
                    }
                    if let Some(climb) = self.climbs.get_mut(id) {
                        climb.asking = Some(asking);
                    }
                    return;
                }
            }
        }
    }

    /// Puts a climb among those that wait for a name. Gives back an answer at once where there is
    /// nobody to ask.
    fn wait_for(
        &mut self,
        id: usize,
        asking: &Asking,
        routes: impl FnOnce() -> Vec<Route>,
        now: Time,
    ) -> Option<Vec<SourceAnswer<CaaRecord>>> {
        // The name that a climb begins at is seldom wanted twice; those above it are.
        let shared = self.is_above(id, asking);
        if let Some(node) = self.asked.get(asking.name()).and_then(|id| self.nodes.get_mut(*id)) {
            node.waiters.push(id);
            node.shared |= shared;
            return None;
        }
        let routes = routes();
        if routes.is_empty() {
            return Some(Vec::new());
        }
        let missing = routes.len();
        let node = Node {
            name: asking.name().clone(),
            answers: vec![None; missing],
            routes,
            missing,
            asked_at: now,
            waiters: vec![id],
            shared,
        };
        let node = self.nodes.put(node);
        self.asked.insert(asking.name().clone(), node);
        self.fresh.push(node);
        None
    }

    fn is_above(&self, id: usize, asking: &Asking) -> bool {
        asking.is_above_start() || self.climbs.get(id).is_some_and(|climb| climb.below.is_some())
    }

    /// Takes one server's answer; once all have answered, every climb that waits goes on.
    pub(super) fn answer(
        &mut self,
        id: NodeId,
        slot: usize,
        answer: LookupAnswer<CaaRecord>,
        routes: &Routes,
        at: (Time, Instant),
    ) {
        let Some(node) = self.nodes.get_mut(id) else { return };
        let Some(place) = node.answers.get_mut(slot).filter(|place| place.is_none()) else {
            return;
        };
        *place = Some(answer);
        node.missing = node.missing.saturating_sub(1);
        if node.missing > 0 {
            return;
        }
        let Some(node) = self.nodes.take(id) else { return };
        self.asked.remove(&node.name);
        let sources: Vec<SourceAnswer<CaaRecord>> = node
            .routes
            .iter()
            .zip(node.answers)
            .filter_map(|(route, answer)| {
                Some(SourceAnswer { source: route.party.source, answer: answer? })
            })
            .collect();
        // A set is likely to be that of a zone's apex, so climbs from below will come by.
        let has_set = sources.iter().any(|s| matches!(s.answer, LookupAnswer::Records(_)));
        if node.shared || has_set {
            let known = Known::new(node.asked_at, sources.clone(), at.1);
            self.memory.put(node.name, Rc::new(known));
        }
        for waiter in node.waiters {
            let asking = self.climbs.get_mut(waiter).and_then(|climb| climb.asking.take());
            if let Some(asking) = asking {
                let step = asking.answer(node.asked_at, sources.clone());
                self.go_on(waiter, step, routes, at);
            }
        }
    }

    /// Ends a climb, or begins the one above it.
    fn end(&mut self, id: usize, evidence: CaaEvidence) -> Option<ClimbStep> {
        let climb = self.climbs.get_mut(id)?;
        let above = if climb.below.is_none() { may_hide(&evidence) } else { None };
        if let Some(parent) = above {
            climb.below = Some(Box::new(evidence));
            return Some(self::climb(CaaName::plain(parent), self.private.clone()));
        }
        let climb = self.climbs.take(id)?;
        let (evidence, above) = match climb.below {
            Some(below) => (*below, Some(evidence)),
            None => (evidence, None),
        };
        self.finished.push(SweptName { number: climb.number, evidence, above });
        None
    }
}

/// Things by number; numbers are used again.
struct Slab<T> {
    places: Vec<Option<T>>,
    free: Vec<usize>,
    held: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new(), held: 0 }
    }
}

impl<T> Slab<T> {
    fn put(&mut self, thing: T) -> usize {
        self.held = self.held.saturating_add(1);
        if let Some(id) = self.free.pop()
            && let Some(place) = self.places.get_mut(id)
        {
            *place = Some(thing);
            return id;
        }
        self.places.push(Some(thing));
        self.places.len().saturating_sub(1)
    }

    fn get(&self, id: usize) -> Option<&T> {
        self.places.get(id)?.as_ref()
    }

    fn get_mut(&mut self, id: usize) -> Option<&mut T> {
        self.places.get_mut(id)?.as_mut()
    }

    fn take(&mut self, id: usize) -> Option<T> {
        let taken = mem::take(self.places.get_mut(id)?);
        if taken.is_some() {
            self.held = self.held.saturating_sub(1);
            self.free.push(id);
        }
        taken
    }
}
