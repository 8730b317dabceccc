//! A whole zone at one serial, what differs between two, and the steps from one to the next.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use super::{OwnerName, RRset, RecordEdit, RecordType, SoaSerial};

/// Who owns a record of a zone that was read.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum RecordOwner {
    /// A name that records are also written at.
    Plain(OwnerName),
    /// A name with other characters, as a zone file spells it. Bailiwick sees it and writes nothing
    /// there.
    Odd(String),
}

impl fmt::Display for RecordOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(owner) => owner.fmt(f),
            Self::Odd(text) => f.write_str(text),
        }
    }
}

/// One record of a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZoneRecord {
    /// Where.
    pub owner: RecordOwner,
    /// Of which type.
    pub kind: RecordType,
    /// How long it may be remembered.
    pub ttl_seconds: u32,
    /// Its data, in wire form.
    pub rdata: Vec<u8>,
}

/// Every set of a zone at one serial.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZoneSnapshot {
    serial: SoaSerial,
    sets: BTreeMap<(RecordOwner, RecordType), RRset>,
}

/// The records that went and came from one serial to the next (RFC 1995, section 4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZoneStep {
    /// From which serial.
    pub from: SoaSerial,
    /// To which.
    pub to: SoaSerial,
    /// What went, the old SOA left out.
    pub gone: Vec<ZoneRecord>,
    /// What came, the new SOA left out.
    pub come: Vec<ZoneRecord>,
}

/// Steps do not start from what is held: the zone must be read whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DoesNotFollow;

/// A set that two snapshots show differently.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SetChange {
    /// As an edit that leads from one to the other.
    Edit(RecordEdit),
    /// At a name that Bailiwick writes nothing at.
    Odd {
        /// Where, as a zone file spells it.
        owner: String,
        /// Of which type.
        kind: RecordType,
        /// What was there.
        before: Option<RRset>,
        /// What is there.
        after: Option<RRset>,
    },
}

impl ZoneSnapshot {
    /// A zone with these records. The SOA is told by its serial and is not one of them; of several
    /// TTLs in a set the lowest counts (RFC 2181, section 5.2).
    #[must_use]
    pub fn new(serial: SoaSerial, records: impl IntoIterator<Item = ZoneRecord>) -> Self {
        let mut snapshot = Self { serial, sets: BTreeMap::new() };
        for record in records {
            snapshot.add(record);
        }
        snapshot
    }

    fn add(&mut self, record: ZoneRecord) {
        if record.kind == RecordType::SOA {
            return;
        }
        match self.sets.entry((record.owner, record.kind)) {
            Entry::Occupied(mut entry) => {
                let set = entry.get_mut();
                set.ttl_seconds = set.ttl_seconds.min(record.ttl_seconds);
                set.rdata.insert(record.rdata);
            }
            Entry::Vacant(entry) => {
                if let Some(set) = RRset::new(record.ttl_seconds, [record.rdata]) {
                    entry.insert(set);
                }
            }
        }
    }

    fn remove(&mut self, record: ZoneRecord) -> Result<(), DoesNotFollow> {
        if record.kind == RecordType::SOA {
            return Ok(());
        }
        let Entry::Occupied(mut entry) = self.sets.entry((record.owner, record.kind)) else {
            return Err(DoesNotFollow);
        };
        let was_there = entry.get_mut().rdata.remove(&record.rdata);
        if entry.get().rdata.is_empty() {
            entry.remove();
        }
        if was_there { Ok(()) } else { Err(DoesNotFollow) }
    }

    /// The serial.
    #[must_use]
    pub const fn serial(&self) -> SoaSerial {
        self.serial
    }

    /// One set.
    #[must_use]
    pub fn set(&self, owner: &OwnerName, kind: RecordType) -> Option<&RRset> {
        self.sets.get(&(RecordOwner::Plain(owner.clone()), kind))
    }

    /// Every set, by name and type.
    #[must_use]
    pub const fn sets(&self) -> &BTreeMap<(RecordOwner, RecordType), RRset> {
        &self.sets
    }

    /// The zone after these steps.
    ///
    /// # Errors
    /// [`DoesNotFollow`]: a step starts from another serial, or takes away what is not there.
    pub fn after(
        mut self,
        steps: impl IntoIterator<Item = ZoneStep>,
    ) -> Result<Self, DoesNotFollow> {
        for step in steps {
            if step.from != self.serial {
                return Err(DoesNotFollow);
            }
            step.gone.into_iter().try_for_each(|record| self.remove(record))?;
            step.come.into_iter().for_each(|record| self.add(record));
            self.serial = step.to;
        }
        Ok(self)
    }

    /// What differs in a later snapshot, by name and type. What a signer makes (RRSIG, NSEC …) and
    /// the SOA are left out: nobody edits those.
    #[must_use]
    pub fn differences(&self, later: &Self) -> Vec<SetChange> {
        let gone = self.sets.iter().filter(|(key, _)| !later.sets.contains_key(key));
        let mut changes: BTreeMap<_, _> = gone.map(|(key, set)| (key, (Some(set), None))).collect();
        for (key, after) in &later.sets {
            let before = self.sets.get(key);
            if before != Some(after) {
                changes.insert(key, (before, Some(after)));
            }
        }
        let changes = changes.into_iter();
        changes.filter_map(|((owner, kind), (a, b))| change(owner, *kind, a, b)).collect()
    }
}

fn change(
    owner: &RecordOwner,
    kind: RecordType,
    before: Option<&RRset>,
    after: Option<&RRset>,
) -> Option<SetChange> {
    let (before, after) = (before.cloned(), after.cloned());
    match owner {
        // There is no edit of what a signer makes.
        RecordOwner::Plain(owner) => {
            RecordEdit::new(owner.clone(), kind, before, after).ok().map(SetChange::Edit)
        }
        RecordOwner::Odd(_) if kind.is_made_by_signer() => None,
        RecordOwner::Odd(owner) => {
            Some(SetChange::Odd { owner: owner.clone(), kind, before, after })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;

    fn record(name: &str, last: u8) -> ZoneRecord {
        let owner = OwnerName::parse(name)
            .map_or_else(|_| RecordOwner::Odd(name.to_owned()), RecordOwner::Plain);
        ZoneRecord { owner, kind: RecordType::A, ttl_seconds: 300, rdata: vec![192, 0, 2, last] }
    }

    fn step(from: u32, gone: &[ZoneRecord], come: &[ZoneRecord]) -> ZoneStep {
        let serial = SoaSerial::of(from);
        ZoneStep { from: serial, to: serial.next(), gone: gone.to_vec(), come: come.to_vec() }
    }

    #[test]
    fn steps_lead_to_what_is_transferred_whole() {
        let (www, www2, api) = (
            record("www.shop.example", 1),
            record("www.shop.example", 2),
            record("api.shop.example", 3),
        );
        let old = ZoneSnapshot::new(SoaSerial::of(u32::MAX), [www.clone(), www2.clone()]);
        let steps = [step(u32::MAX, from_ref(&www), from_ref(&api)), step(0, from_ref(&www2), &[])];
        let new = old.clone().after(steps).unwrap();
        assert_eq!(new, ZoneSnapshot::new(SoaSerial::of(1), [api.clone()]));
        assert_eq!(old.clone().after([step(7, &[], &[])]), Err(DoesNotFollow));
        assert_eq!(old.clone().after([step(u32::MAX, &[api], &[])]), Err(DoesNotFollow));
        let twice = step(u32::MAX, &[www.clone(), www], &[]);
        assert_eq!(old.after([twice]), Err(DoesNotFollow));
    }

    #[test]
    fn differences_are_edits_and_signatures_are_none() {
        let signature = ZoneRecord { kind: RecordType::RRSIG, ..record("www.shop.example", 9) };
        let odd = record("a b.shop.example.", 5);
        let old = ZoneSnapshot::new(SoaSerial::of(1), [record("www.shop.example", 1), signature]);
        let new = ZoneSnapshot::new(SoaSerial::of(2), [record("www.shop.example", 2), odd]);
        let changes = old.differences(&new);
        assert_eq!(changes.len(), 2, "{changes:?}");
        assert!(matches!(&changes[0], SetChange::Edit(edit) if edit.before() != edit.after()));
        assert!(matches!(&changes[1], SetChange::Odd { before: None, after: Some(_), .. }));
        assert_eq!(old.differences(&old), []);
    }
}
