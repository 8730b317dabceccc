//! Servers that lag, caches that remember, endpoints that serve one certificate each.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::change::{AwaitPropagation, Plan, PublishRecords, Step};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};

/// Numbers that look random and are the same in every run (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    pub(crate) fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }
}

pub(crate) type Key = (OwnerName, RecordType);

/// One state of a set at one server: from when it is shown, and until when.
#[derive(Clone, Debug)]
struct Span {
    set: Option<RRset>,
    from: u64,
    until: Option<u64>,
}

/// All that servers showed and endpoints served, second by second.
pub(crate) struct World {
    pub(crate) now: u64,
    servers: u64,
    negative: u64,
    shown: BTreeMap<(Key, u64), Vec<Span>>,
    /// By address: the key that is served from a moment on.
    served: BTreeMap<Vec<u8>, Vec<(u64, Served)>>,
    issuances: Vec<u64>,
    random: Random,
}

/// Which certificate an endpoint serves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Served {
    Old,
    New,
    Nothing,
}

impl World {
    pub(crate) fn new(
        sets: &BTreeMap<Key, Option<RRset>>,
        endpoints: &[(Vec<u8>, Served)],
        negative: u32,
        seed: u64,
    ) -> Self {
        let mut random = Random(seed);
        let servers = 1 + random.below(3);
        let mut shown = BTreeMap::new();
        for (key, set) in sets {
            for server in 0..servers {
                let span = Span { set: set.clone(), from: 0, until: None };
                shown.insert((key.clone(), server), vec![span]);
            }
        }
        let served = endpoints.iter().map(|(at, what)| (at.clone(), vec![(0, *what)])).collect();
        // Long enough ago that every cache holds what was there from the start.
        let now = 1_000_000;
        Self {
            now,
            servers,
            negative: negative.into(),
            shown,
            served,
            issuances: Vec::new(),
            random,
        }
    }

    /// Servers take an edit over one by one, within `lag` seconds.
    fn publish(&mut self, edits: &[RecordEdit], lag: u64) {
        for edit in edits {
            for server in 0..self.servers {
                let late = if server == 0 { 0 } else { self.random.below(lag + 1) };
                let at = self.now + late;
                let key = ((edit.owner().clone(), edit.kind()), server);
                let spans = self.shown.get_mut(&key).unwrap();
                // What a server has not taken over yet it skips.
                spans.retain(|span| span.from <= at);
                spans.last_mut().unwrap().until = Some(at);
                spans.push(Span { set: edit.after().cloned(), from: at, until: None });
            }
        }
    }

    /// Until every server shows the edits, and then the hold.
    fn wait(&mut self, edits: &[RecordEdit], hold: u32) {
        for edit in edits {
            for server in 0..self.servers {
                let spans = &self.shown[&((edit.owner().clone(), edit.kind()), server)];
                assert_eq!(spans.last().unwrap().set.as_ref(), edit.after(), "not published");
                self.now = self.now.max(spans.last().unwrap().from);
            }
        }
        self.now += u64::from(hold);
    }

    fn serve(&mut self, at: &[u8], what: Served) {
        self.served.get_mut(at).unwrap().push((self.now, what));
    }

    /// Carries a plan out as far as step `until`, then turns back; returns when it is over.
    pub(crate) fn carry_out(&mut self, plan: &Plan, until: usize, places: &[(Vec<u8>, Served)]) {
        for step in &plan.steps()[..until] {
            self.now += 1 + self.random.below(5);
            match step {
                Step::PublishRecords(PublishRecords { edits, .. }) => self.publish(edits, 20),
                Step::AwaitPropagation(AwaitPropagation { edits, hold_seconds, .. }) => {
                    self.wait(edits, *hold_seconds);
                }
                Step::IssueCertificate(_) => self.issuances.push(self.now),
                Step::DeployCertificate(deploy) => {
                    let index = deploy.place.parse::<usize>().unwrap();
                    self.serve(&places[index].0, Served::New);
                }
                _ => {}
            }
        }
        if until == plan.steps().len() {
            return;
        }
        for step in plan.steps()[..until].iter().rev() {
            self.now += 1 + self.random.below(5);
            match step {
                Step::PublishRecords(publish) => {
                    let back: Vec<RecordEdit> =
                        publish.edits.iter().map(RecordEdit::reversed).collect();
                    self.publish(&back, 20);
                    self.wait(&back, publish.undo_hold_seconds);
                }
                Step::DeployCertificate(deploy) => {
                    let (at, before) = places[deploy.place.parse::<usize>().unwrap()].clone();
                    self.serve(&at, before);
                }
                _ => {}
            }
        }
    }

    /// What somebody may believe at `at`: everything that a server showed within its TTL before.
    fn believed(&self, key: &Key, at: u64) -> BTreeSet<Option<RRset>> {
        let mut all = BTreeSet::new();
        for server in 0..self.servers {
            for span in self.shown.get(&(key.clone(), server)).into_iter().flatten() {
                let ttl = span.set.as_ref().map_or(self.negative, |set| set.ttl_seconds().into());
                let forgotten = span.until.map(|until| until + ttl);
                if span.from <= at && forgotten.is_none_or(|forgotten| at < forgotten) {
                    all.insert(span.set.clone());
                }
            }
        }
        all
    }

    fn served_at(&self, address: &[u8], at: u64) -> Served {
        let spans = self.served.get(address);
        let last = spans.into_iter().flatten().rev().find(|(from, _)| *from <= at);
        last.map_or(Served::Nothing, |(_, what)| *what)
    }

    /// Every moment at which something changes for somebody, and the second before it.
    fn moments(&self) -> BTreeSet<u64> {
        let mut all = BTreeSet::from([1, self.now, self.now + 100_000]);
        for spans in self.shown.values() {
            for span in spans {
                all.insert(span.from);
                let ttl = span.set.as_ref().map_or(self.negative, |set| set.ttl_seconds().into());
                all.extend(span.until.map(|until| until + ttl));
            }
        }
        all.extend(self.served.values().flatten().map(|(from, _)| *from));
        all.extend(&self.issuances);
        let before: Vec<u64> = all.iter().map(|at| at.saturating_sub(1)).collect();
        all.extend(before);
        all
    }

    /// Checks that nobody is ever cut off: whoever validates with TLSA, whatever they remember, and
    /// that no issuer in use is ever forbidden. Says how many moments were looked at.
    pub(crate) fn check(&self, name: &Key, tlsa: &Key, caa: &Key, rules: &Rules) -> usize {
        let moments = self.moments();
        for at in moments.iter().copied() {
            let mut reached = BTreeSet::new();
            for addresses in self.believed(name, at) {
                for address in addresses.iter().flat_map(RRset::rdata) {
                    reached.insert(address.clone());
                }
            }
            for address in reached {
                let served = self.served_at(&address, at);
                assert_ne!(
                    served,
                    Served::Nothing,
                    "{at}: {address:?} is reached and serves nothing"
                );
                for set in self.believed(tlsa, at).into_iter().flatten() {
                    rules.matches(&set, served).unwrap_or_else(|why| {
                        panic!("{at}: {why}; served {served:?} at {address:?}, TLSA {set:?}")
                    });
                }
                for set in self.believed(caa, at).into_iter().flatten() {
                    let issuer = rules.issuer_of(served);
                    assert!(
                        set.rdata().contains(issuer),
                        "{at}: CAA forbids the issuer of what is served ({served:?}): {set:?}"
                    );
                }
            }
        }
        for at in &self.issuances {
            for set in self.believed(caa, *at).into_iter().flatten() {
                let new = rules.issuer_of(Served::New);
                assert!(set.rdata().contains(new), "{at}: CAA forbids what is issued: {set:?}");
            }
        }
        moments.len()
    }
}

/// Which records stand for which certificate.
pub(crate) struct Rules {
    pub(crate) old_spki: Vec<u8>,
    pub(crate) new_spki: Vec<u8>,
    pub(crate) old_caa: Vec<u8>,
    pub(crate) new_caa: Vec<u8>,
}

impl Rules {
    const fn issuer_of(&self, served: Served) -> &Vec<u8> {
        match served {
            Served::New => &self.new_caa,
            Served::Old | Served::Nothing => &self.old_caa,
        }
    }

    /// RFC 7671, section 8: for every combination that is there, one record matches.
    fn matches(&self, set: &RRset, served: Served) -> Result<(), String> {
        let spki = match served {
            Served::New => &self.new_spki,
            Served::Old | Served::Nothing => &self.old_spki,
        };
        let combinations: BTreeSet<u8> = set.rdata().iter().map(|rdata| rdata[2]).collect();
        for matching in combinations {
            let wanted = bailiwick_core::change::planner::tlsa_for(matching, spki).unwrap();
            if !set.rdata().contains(&wanted) {
                return Err(format!("no record of 3 1 {matching} matches"));
            }
        }
        Ok(())
    }
}
