//! The thread that asks.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bailiwick_core::caa::{CaaName, CaaRecord, LookupAnswer};
use bailiwick_core::time::Time;
use tokio::runtime::Handle;

use super::careful::{self, AT_ONCE};
use super::climbs::{CLIMBS_MAX, Climbs, NodeId};
use super::lane::{Ask, Came, Lane};
use super::routes::Routes;
use super::{Onward, Sweep, SweepEnd, SweepTally, SweptName};
use crate::egress::{Batch, wait_for_any};

/// Waiting for datagrams ends after this at the latest: pauses and answers of the careful path are due.
const WAIT: Duration = Duration::from_millis(4);
/// Lanes that hold sockets while idle; above, theirs are closed. A process has 1,024 files, usually.
const OPEN_LANES_MAX: usize = 64;
/// Random octets fetched at once.
const RANDOM_OCTETS: usize = 4_096;

/// What the careful path answered.
type Careful = (NodeId, usize, LookupAnswer<CaaRecord>);

/// A sweep under way.
pub(super) struct Work {
    sweep: Sweep,
    runtime: Handle,
    routes: Routes,
    lanes: Vec<Lane>,
    /// Lanes with something to do.
    busy: BTreeSet<usize>,
    climbs: Climbs,
    careful_waiting: VecDeque<(Ask, bool)>,
    careful_under_way: usize,
    careful_in: Receiver<Careful>,
    careful_out: Sender<Careful>,
    random: Random,
    tally: SweepTally,
}

impl Work {
    pub(super) fn new(sweep: Sweep, runtime: Handle) -> Self {
        let now = Instant::now();
        let routes = Routes::of(&sweep.view);
        let lane = |server: &_| Lane::new(*server, sweep.limits.rate, now);
        let (careful_out, careful_in) = channel();
        Self {
            lanes: routes.servers.iter().map(lane).collect(),
            busy: BTreeSet::new(),
            climbs: Climbs::new(sweep.view.private_tlds.clone()),
            careful_waiting: VecDeque::new(),
            careful_under_way: 0,
            careful_in,
            careful_out,
            random: Random { octets: Box::new([0; RANDOM_OCTETS]), used: RANDOM_OCTETS },
            tally: SweepTally::default(),
            routes,
            runtime,
            sweep,
        }
    }

    pub(super) fn run(
        mut self,
        mut names: impl Iterator<Item = (u64, CaaName)>,
        mut sink: impl FnMut(SweptName) -> Onward,
    ) -> (SweepEnd, SweepTally) {
        let mut more = true;
        loop {
            if self.sweep.stop.load(Ordering::Relaxed) {
                return (SweepEnd::Stopped, self.tally);
            }
            // Names that nobody is responsible for are finished at once.
            while more
                && self.climbs.under_way() < CLIMBS_MAX
                && self.climbs.finished.len() < CLIMBS_MAX
            {
                match names.next() {
                    Some((number, name)) => {
                        let at = self.now();
                        self.climbs.begin(number, name, &self.routes, at);
                    }
                    None => more = false,
                }
            }
            self.ask_fresh();
            for swept in self.climbs.finished.drain(..) {
                if sink(swept) == Onward::Stop {
                    return (SweepEnd::Stopped, self.tally);
                }
            }
            if !more && self.climbs.under_way() == 0 {
                return (SweepEnd::Complete, self.tally);
            }
            self.send_and_take();
            if let Some(server) = self.silent_resolver() {
                return (SweepEnd::ResolverSilent(server), self.tally);
            }
        }
    }

    fn now(&self) -> (Time, Instant) {
        (self.sweep.dns.now(), Instant::now())
    }

    /// Hands names that nobody asked for yet to their servers.
    fn ask_fresh(&mut self) {
        for id in std::mem::take(&mut self.climbs.fresh) {
            let Some(node) = self.climbs.node(id) else { continue };
            for (slot, route) in node.routes.iter().enumerate() {
                let ask = Ask::new(id, slot, node.name.clone(), route.party.clone());
                if let Some(lane) = self.lanes.get_mut(route.lane) {
                    lane.push(ask);
                    self.busy.insert(route.lane);
                }
            }
        }
    }

    /// One round: send, wait, take.
    fn send_and_take(&mut self) {
        let mut came = Vec::new();
        let now = Instant::now();
        let random = &mut self.random;
        for id in &self.busy {
            if let Some(lane) = self.lanes.get_mut(*id) {
                lane.send(now, &mut || random.next(), &mut self.tally, &mut came);
            }
        }
        let wait = if came.is_empty() { WAIT } else { Duration::ZERO };
        let open: Vec<(usize, &Batch)> = self
            .busy
            .iter()
            .filter_map(|id| Some((*id, self.lanes.get(*id)?.sockets()?)))
            .collect();
        let batches: Vec<&Batch> = open.iter().map(|(_, batch)| *batch).collect();
        let lanes: Vec<usize> = open.iter().map(|(id, _)| *id).collect();
        let ready = wait_for_any(&batches, wait);
        let now = Instant::now();
        for (place, socket) in ready {
            let lane = lanes.get(place).and_then(|id| self.lanes.get_mut(*id));
            if let Some(lane) = lane {
                lane.receive(socket, now, &self.sweep.limits, &mut self.tally, &mut came);
            }
        }
        for id in &self.busy {
            if let Some(lane) = self.lanes.get_mut(*id) {
                lane.expire(now, &self.sweep.limits, &mut self.tally, &mut came);
            }
        }
        self.sort(came);
        self.careful();
        self.rest();
    }

    fn sort(&mut self, came: Vec<Came>) {
        let at = self.now();
        for one in came {
            match one {
                Came::Answer(ask, answer) => {
                    self.climbs.answer(ask.node, ask.slot, answer, &self.routes, at);
                }
                Came::Careful(ask, over_tcp) => self.careful_waiting.push_back((ask, over_tcp)),
            }
        }
    }

    fn careful(&mut self) {
        let at = self.now();
        while let Ok((node, slot, answer)) = self.careful_in.try_recv() {
            self.careful_under_way = self.careful_under_way.saturating_sub(1);
            self.climbs.answer(node, slot, answer, &self.routes, at);
        }
        while self.careful_under_way < AT_ONCE
            && let Some((ask, over_tcp)) = self.careful_waiting.pop_front()
        {
            self.careful_under_way = self.careful_under_way.saturating_add(1);
            self.tally.careful = self.tally.careful.saturating_add(1);
            let (dns, view) = (self.sweep.dns.clone(), self.routes.view.clone());
            let out = self.careful_out.clone();
            self.runtime.spawn(async move {
                let answer = careful::look_up(dns, view, &ask, over_tcp).await;
                // Nobody takes it when the sweep was stopped meanwhile.
                out.send((ask.node, ask.slot, answer)).unwrap_or_default();
            });
        }
    }

    /// Lanes without work rest, and give their sockets back when too many hold some.
    fn rest(&mut self) {
        let lanes = &self.lanes;
        self.busy.retain(|id| lanes.get(*id).is_some_and(|lane| !lane.is_idle()));
        if self.lanes.iter().filter(|lane| lane.sockets().is_some()).count() > OPEN_LANES_MAX {
            for lane in self.lanes.iter_mut().filter(|lane| lane.is_idle()) {
                lane.close();
            }
        }
    }

    /// Without a resolver there is no answer to any name.
    fn silent_resolver(&self) -> Option<std::net::SocketAddr> {
        let now = Instant::now();
        let resolvers = self.sweep.view.resolvers.iter().map(|resolver| resolver.server);
        resolvers.into_iter().find(|server| {
            let lane = self.lanes.iter().find(|lane| lane.server == *server);
            lane.is_some_and(|lane| lane.pace.is_silent(now))
        })
    }
}

/// Random numbers, fetched from the system many at once.
struct Random {
    octets: Box<[u8; RANDOM_OCTETS]>,
    used: usize,
}

impl Random {
    /// `None` when the system has none to give.
    fn next(&mut self) -> Option<u64> {
        if self.octets.get(self.used..self.used.checked_add(8)?).is_none() {
            SystemRandom::new().fill(self.octets.as_mut_slice()).ok()?;
            self.used = 0;
        }
        let taken = self.octets.get(self.used..self.used.checked_add(8)?)?.try_into().ok()?;
        self.used = self.used.checked_add(8)?;
        Some(u64::from_be_bytes(taken))
    }
}
