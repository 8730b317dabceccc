//! Answers that several climbs share, for a while and within a bound.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bailiwick_core::caa::{CaaRecord, SourceAnswer};
use bailiwick_core::names::DnsName;
use bailiwick_core::time::Time;

/// Names of one generation. There are two: what was not used while this many others came is forgotten.
const GENERATION: usize = 16_384;
/// How long an answer is shared. An audit is a picture of one time, so TTLs below do not count.
const SHARED_FOR: Duration = Duration::from_secs(300);

/// What every server said of one name.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) asked_at: Time,
    pub(super) sources: Vec<SourceAnswer<CaaRecord>>,
    since: Instant,
}

impl Known {
    pub(super) const fn new(
        asked_at: Time,
        sources: Vec<SourceAnswer<CaaRecord>>,
        since: Instant,
    ) -> Self {
        Self { asked_at, sources, since }
    }
}

/// Remembered answers by name.
#[derive(Default)]
pub(super) struct Memory {
    young: HashMap<DnsName, Rc<Known>>,
    old: HashMap<DnsName, Rc<Known>>,
}

impl Memory {
    pub(super) fn get(&mut self, name: &DnsName, now: Instant) -> Option<Rc<Known>> {
        let known = match self.young.get(name) {
            Some(known) => Rc::clone(known),
            None => {
                let known = self.old.remove(name)?;
                self.put(name.clone(), Rc::clone(&known));
                known
            }
        };
        (now.saturating_duration_since(known.since) < SHARED_FOR).then_some(known)
    }

    pub(super) fn put(&mut self, name: DnsName, known: Rc<Known>) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(name, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let now = Instant::now();
        let name = |n: usize| DnsName::parse(&format!("n{n}.example")).unwrap();
        let known = || Rc::new(Known::new(Time::from_unix_ms(0), Vec::new(), now));
        let mut memory = Memory::default();
        memory.put(name(0), known());
        for n in 1..GENERATION * 5 {
            memory.put(name(n), known());
            if n % 1_000 == 0 {
                assert!(memory.get(&name(0), now).is_some(), "{n}");
            }
        }
        assert!(memory.get(&name(1), now).is_none());
        assert!(memory.young.len() + memory.old.len() <= 2 * GENERATION);
        assert!(memory.get(&name(0), now + SHARED_FOR).is_none());
    }
}
