//! One server: its sockets, the questions in flight to it, and those that wait.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bailiwick_core::caa::{CaaRecord, LookupAnswer, LookupFailure};
use bailiwick_core::names::DnsName;
use bailiwick_wire::dns::{Caa, Query, RecordKind as _, Reply, WireName, read_reply};

use super::super::view::{Party, Standing};
use super::climbs::NodeId;
use super::pace::Pace;
use super::{SweepLimits, SweepTally};
use crate::egress::{Batch, Permit, Received, Sent};

/// Sockets, and so ports, towards one server.
const SOCKETS: usize = 8;
/// Before a server that failed (SERVFAIL, REFUSED) is asked the same once more.
const PAUSE: Duration = Duration::from_millis(500);
/// Datagrams that are not ours and still do not end the wait; see `exchange`.
const STRAYS_MAX: u8 = 16;
/// Larger than what we ask for; the rest would be cut off and so not be read.
const DATAGRAM_OCTETS_MAX: usize = 4_096;
/// Truncated replies of a server that wants us slower carry next to nothing.
const BARE_REPLY_OCTETS: usize = 300;

/// One question to one server: of which name, in which place of its answers, so far how often.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) node: NodeId,
    pub(super) slot: usize,
    pub(super) name: DnsName,
    pub(super) party: Arc<Party>,
    tries: u32,
    /// Failures that were answered, and so asked about once more.
    failures: u8,
    strays: u8,
}

impl Ask {
    pub(super) const fn new(node: NodeId, slot: usize, name: DnsName, party: Arc<Party>) -> Self {
        Self { node, slot, name, party, tries: 0, failures: 0, strays: 0 }
    }
}

struct Flight {
    ask: Ask,
    query: Query,
    octets: Vec<u8>,
    serial: u64,
}

/// What came of a question.
pub(super) enum Came {
    /// The server's answer.
    Answer(Ask, LookupAnswer<CaaRecord>),
    /// It takes the careful path; over TCP at once, where it was truncated.
    Careful(Ask, bool),
}

/// One server.
pub(super) struct Lane {
    pub(super) server: SocketAddr,
    pub(super) pace: Pace,
    waiting: VecDeque<Ask>,
    paused: VecDeque<(Instant, Ask)>,
    flights: HashMap<(usize, u16), Flight>,
    deadlines: VecDeque<(Instant, (usize, u16), u64)>,
    sockets: Option<Batch>,
    refused: bool,
    serial: u64,
}

impl Lane {
    pub(super) fn new(server: SocketAddr, rate: Option<u32>, now: Instant) -> Self {
        Self {
            server,
            pace: Pace::new(server, rate, now),
            waiting: VecDeque::new(),
            paused: VecDeque::new(),
            flights: HashMap::new(),
            deadlines: VecDeque::new(),
            sockets: None,
            refused: false,
            serial: 0,
        }
    }

    pub(super) fn push(&mut self, ask: Ask) {
        self.waiting.push_back(ask);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.paused.is_empty() && self.flights.is_empty()
    }

    pub(super) const fn sockets(&self) -> Option<&Batch> {
        self.sockets.as_ref()
    }

    /// Gives the sockets back while nothing is in flight.
    pub(super) fn close(&mut self) {
        if self.flights.is_empty() {
            self.sockets = None;
        }
    }

    /// Sends as much as the pace allows.
    pub(super) fn send(
        &mut self,
        now: Instant,
        random: &mut impl FnMut() -> Option<u64>,
        tally: &mut SweepTally,
        came: &mut Vec<Came>,
    ) {
        while let Some((_, ask)) = self.paused.pop_front_if(|(due, _)| *due <= now) {
            self.waiting.push_back(ask);
        }
        if self.waiting.is_empty() {
            return;
        }
        let mut room = self.pace.room(self.flights.len(), now);
        if self.pace.is_silent(now) {
            if self.pace.may_probe(now) {
                room = room.max(1);
            } else {
                self.give_up_waiting(came);
                return;
            }
        }
        if room > 0 && self.sockets.is_none() {
            match Batch::open(Permit::named_by_operator(self.server), SOCKETS) {
                Ok(batch) => self.sockets = Some(batch),
                Err(_) => {
                    self.refused = true;
                    self.give_up_waiting(came);
                    return;
                }
            }
        }
        for _ in 0..room {
            let Some(ask) = self.waiting.pop_front() else { return };
            if !self.send_one(ask, now, random, tally, came) {
                return;
            }
        }
    }

    fn give_up_waiting(&mut self, came: &mut Vec<Came>) {
        let failure = self.silence(0);
        came.extend(self.waiting.drain(..).map(|ask| Came::Answer(ask, failed(failure))));
    }

    /// Whether more can be sent.
    fn send_one(
        &mut self,
        mut ask: Ask,
        now: Instant,
        random: &mut impl FnMut() -> Option<u64>,
        tally: &mut SweepTally,
        came: &mut Vec<Came>,
    ) -> bool {
        let Some(batch) = &self.sockets else { return false };
        let (Some(bits), Some(case)) = (random(), random()) else {
            // Without randomness nothing may be asked.
            came.push(Came::Answer(ask, failed(LookupFailure::Unreachable)));
            return true;
        };
        let Some(key) = free_key(bits, batch.len(), &self.flights) else {
            self.waiting.push_front(ask);
            return false;
        };
        let name = WireName::from(&ask.name);
        let query = match ask.party.standing {
            Standing::Resolver(_) => Query::to_resolver(key.1, name, Caa::TYPE),
            Standing::Authority(_) => Query::to_authority(key.1, name, Caa::TYPE),
        };
        let mut octets = query.octets();
        mix_case(&mut octets, ask.name.as_str().len(), case);
        match batch.send(key.0, &octets) {
            Sent::Gone => {}
            Sent::Full => {
                self.waiting.push_front(ask);
                return false;
            }
            // The word may be about a datagram before; this one is missed at its time.
            Sent::Refused => self.refused = true,
        }
        tally.questions = tally.questions.saturating_add(1);
        self.pace.sent(self.flights.len(), now);
        ask.tries = ask.tries.saturating_add(1);
        self.serial = self.serial.wrapping_add(1);
        self.deadlines.push_back((now, key, self.serial));
        self.flights.insert(key, Flight { ask, query, octets, serial: self.serial });
        true
    }

    /// Takes everything that one socket has.
    pub(super) fn receive(
        &mut self,
        socket: usize,
        now: Instant,
        limits: &SweepLimits,
        tally: &mut SweepTally,
        came: &mut Vec<Came>,
    ) {
        let mut octets = [0; DATAGRAM_OCTETS_MAX];
        loop {
            let received = self.sockets.as_ref().map(|batch| batch.receive(socket, &mut octets));
            match received {
                Some(Received::Octets(length)) => {
                    let octets = octets.get(..length).unwrap_or_default();
                    self.take(socket, octets, now, limits, tally, came);
                }
                Some(Received::Refused) => {
                    self.refused = true;
                    self.miss_oldest(socket, now, limits, tally, came);
                }
                Some(Received::Nothing) | None => return,
            }
        }
    }

    fn take(
        &mut self,
        socket: usize,
        octets: &[u8],
        now: Instant,
        limits: &SweepLimits,
        tally: &mut SweepTally,
        came: &mut Vec<Came>,
    ) {
        let stray = |tally: &mut SweepTally| tally.strays = tally.strays.saturating_add(1);
        let [high, low, ..] = octets else { return stray(tally) };
        let key = (socket, u16::from_be_bytes([*high, *low]));
        let Some(flight) = self.flights.get_mut(&key) else { return stray(tally) };
        let reply = read_reply::<Caa>(octets, &flight.query, flight.ask.party.speaker());
        if matches!(reply, Reply::NotOurs) {
            flight.ask.strays = flight.ask.strays.saturating_add(1);
            stray(tally);
            if flight.ask.strays < STRAYS_MAX {
                return;
            }
        }
        let same_case = question_of(octets, &flight.octets) == question_of(&flight.octets, octets);
        let Some(flight) = self.flights.remove(&key) else { return };
        self.refused = false;
        self.pace.answered(now);
        let ask = flight.ask;
        match reply {
            Reply::Truncated => {
                if octets.len() < BARE_REPLY_OCTETS {
                    self.pace.pressed(limits.try_timeout, now);
                }
                came.push(Came::Careful(ask, true));
            }
            Reply::Answer(LookupAnswer::Failed {
                failure: LookupFailure::ServFail | LookupFailure::Refused,
                ..
            }) if ask.failures == 0 => {
                self.paused.push_back((now + PAUSE, Ask { failures: 1, ..ask }));
            }
            // A failure code without the question has no case to compare.
            Reply::Answer(answer @ LookupAnswer::Failed { .. }) => {
                came.push(Came::Answer(ask, answer));
            }
            Reply::Answer(answer) if same_case => came.push(Came::Answer(ask, answer)),
            // Whoever changes letters may be honest: the careful path asks again.
            Reply::Answer(_) | Reply::Follow(_) => came.push(Came::Careful(ask, false)),
            Reply::NotOurs => came.push(Came::Answer(ask, failed(LookupFailure::Malformed))),
        }
    }

    /// Sorts out what was not answered in time.
    pub(super) fn expire(
        &mut self,
        now: Instant,
        limits: &SweepLimits,
        tally: &mut SweepTally,
        came: &mut Vec<Came>,
    ) {
        while let Some((sent, key, serial)) = self.deadlines.front().copied() {
            let live = self.flights.get(&key).is_some_and(|flight| flight.serial == serial);
            if live && now.saturating_duration_since(sent) < limits.try_timeout {
                return;
            }
            self.deadlines.pop_front();
            if live {
                self.miss(key, now, limits, tally, came);
            }
        }
    }

    /// The system said that nobody listens there: the oldest datagram of the socket is the one.
    fn miss_oldest(
        &mut self,
        socket: usize,
        now: Instant,
        limits: &SweepLimits,
        tally: &mut SweepTally,
        came: &mut Vec<Came>,
    ) {
        let is_live = |(_, key, serial): &&(Instant, (usize, u16), u64)| {
            key.0 == socket && self.flights.get(key).is_some_and(|flight| flight.serial == *serial)
        };
        let oldest = self.deadlines.iter().find(is_live).map(|(_, key, _)| *key);
        if let Some(key) = oldest {
            self.miss(key, now, limits, tally, came);
        }
    }

    fn miss(
        &mut self,
        key: (usize, u16),
        now: Instant,
        limits: &SweepLimits,
        tally: &mut SweepTally,
        came: &mut Vec<Came>,
    ) {
        let Some(flight) = self.flights.remove(&key) else { return };
        self.pace.pressed(limits.try_timeout, now);
        let ask = flight.ask;
        if ask.tries < limits.tries {
            tally.repeated = tally.repeated.saturating_add(1);
            // Where nobody listens, the next try waits: a server that restarts needs a moment.
            if self.refused {
                self.paused.push_back((now + PAUSE, ask));
            } else {
                self.waiting.push_front(ask);
            }
            return;
        }
        self.pace.gave_up();
        let failure = self.silence(ask.strays);
        came.push(Came::Answer(ask, failed(failure)));
    }

    /// What it means that nothing came.
    const fn silence(&self, strays: u8) -> LookupFailure {
        match (strays, self.refused) {
            (0, true) => LookupFailure::Unreachable,
            (0, false) => LookupFailure::Timeout,
            _ => LookupFailure::Malformed,
        }
    }
}

const fn failed(failure: LookupFailure) -> LookupAnswer<CaaRecord> {
    LookupAnswer::Failed { failure, aliases: Vec::new() }
}

/// A socket and an identifier out of random bits that no question in flight has.
fn free_key(
    bits: u64,
    sockets: usize,
    flights: &HashMap<(usize, u16), Flight>,
) -> Option<(usize, u16)> {
    let octets = bits.to_be_bytes();
    let socket = usize::from(octets[0]).checked_rem(sockets)?;
    octets
        .windows(2)
        .skip(1)
        .filter_map(|pair| Some((socket, u16::from_be_bytes(pair.try_into().ok()?))))
        .find(|key| !flights.contains_key(key))
}

/// Where the question begins in a message (RFC 1035, section 4.1.1).
const HEADER_OCTETS: usize = 12;

/// Draws the case of each letter of the question's name, from the front.
fn mix_case(octets: &mut [u8], name_octets: usize, bits: u64) {
    let letters = octets.iter_mut().skip(HEADER_OCTETS).take(name_octets.saturating_add(1));
    // A label's length is at most 63, so below every letter.
    for (place, octet) in letters.filter(|octet| octet.is_ascii_alphabetic()).enumerate() {
        if bits.checked_shr(u32::try_from(place % 64).unwrap_or(0)).unwrap_or(0) & 1 == 1 {
            octet.make_ascii_uppercase();
        }
    }
}

/// The question of one message, as long as that of the other.
fn question_of<'a>(octets: &'a [u8], other: &[u8]) -> &'a [u8] {
    let length = octets.len().min(other.len());
    let end = other
        .get(HEADER_OCTETS..length)
        .and_then(|rest| rest.iter().position(|octet| *octet == 0))
        .map_or(length, |name| name.saturating_add(HEADER_OCTETS + 5));
    octets.get(HEADER_OCTETS..end.min(length)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_letters_case_is_drawn_and_must_come_back() {
        let name = DnsName::parse("www.shop-1.example").unwrap();
        let plain = Query::to_resolver(7, WireName::from(&name), Caa::TYPE).octets();
        let mut mixed = plain.clone();
        mix_case(&mut mixed, name.as_str().len(), u64::MAX);
        assert_eq!(&mixed[12..32], b"\x03WWW\x06SHOP-1\x07EXAMPLE\0");
        assert_eq!(&mixed[32..], &plain[32..]);
        mix_case(&mut mixed.clone(), name.as_str().len(), 0);
        assert_ne!(question_of(&plain, &mixed), question_of(&mixed, &plain));
        assert_eq!(question_of(&mixed, &mixed), &mixed[12..36]);
    }

    #[test]
    fn no_two_questions_in_flight_have_one_identifier() {
        let name = DnsName::parse("a.example").unwrap();
        let source = bailiwick_core::caa::Source {
            role: bailiwick_core::caa::SourceRole::Resolver,
            server: "127.0.0.1:53".parse().unwrap(),
        };
        let standing = Standing::Resolver(super::super::super::view::ResolverTrust::Unproven);
        let party = Arc::new(Party { source, standing });
        let mut flights = HashMap::new();
        for _ in 0..6 {
            let key = free_key(0x0303_0405_0607_0809, 8, &flights).unwrap();
            assert_eq!(key.0, 3);
            let query = Query::to_resolver(key.1, WireName::from(&name), Caa::TYPE);
            let ask = Ask::new(0, 0, name.clone(), Arc::clone(&party));
            let before = flights.insert(key, Flight { ask, query, octets: Vec::new(), serial: 0 });
            assert!(before.is_none());
        }
        assert_eq!(free_key(0x0303_0405_0607_0809, 8, &flights), None);
    }
}
