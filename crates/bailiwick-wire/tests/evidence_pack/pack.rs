//! A small pack: four entries of a ledger of twelve, with everything they name.

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::change::{Event, Receipt};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::ledger::{LeafHash, LeafIndex, inclusion_proof};
use bailiwick_core::names::{
    CertFingerprint, ChangeId, Digest, DnsName, FindingId, IssuerId, PersonId,
};
use bailiwick_core::record::{Entry, Fact};
use bailiwick_core::time::Time;
use bailiwick_core::watch::{CanaryRun, Incident, Point, PointVerdict, Stands};
use bailiwick_wire::evidence::{PACK_FORMAT, Pack, PackEvidence, PackLeaf, named};
use bailiwick_wire::ledger::{KeyName, LedgerKey, Trust};
use bailiwick_wire::record::encode;
use zeroize::Zeroizing;

use crate::tree::{entry, head, nodes};

/// Leaves of the ledger.
const LEAVES: u64 = 12;
/// What is named by digest: an estate, what a canary saw and got, a report.
const NAMED: [&[u8]; 4] = [b"an estate", b"what CAA said", b"a certificate", b"a report"];

fn log_key() -> LedgerKey {
    LedgerKey::from_seed(KeyName::parse("ledger.example/test").unwrap(), &Zeroizing::new([1; 32]))
        .unwrap()
}

/// Of the same name, and of somebody else.
pub(crate) fn other_key() -> LedgerKey {
    LedgerKey::from_seed(KeyName::parse("ledger.example/test").unwrap(), &Zeroizing::new([2; 32]))
        .unwrap()
}

pub(crate) fn trust_in(key: &LedgerKey) -> Trust {
    Trust::in_key(key.verifier().clone()).unwrap()
}

pub(crate) fn trust() -> Trust {
    trust_in(&log_key())
}

fn zone() -> ZoneKey {
    ZoneKey::parse("shop.example").unwrap()
}

fn person(text: &str) -> PersonId {
    PersonId::parse(text).unwrap()
}

/// The entries, by their leaves.
pub(crate) fn facts() -> Vec<(u64, Fact)> {
    let digest = |at: usize| Digest::of(NAMED[at]);
    let issuer = IssuerId::parse("public").unwrap();
    let activated =
        Event::StepDone { index: 0, receipt: Receipt::EstateActivated { estate: digest(0) } };
    let canary = CanaryRun {
        issuer: issuer.clone(),
        zone: zone(),
        name: DnsName::parse("no.canary.shop.example").unwrap(),
        permitted: false,
        stands: Stands::Fails,
        says: "issued, though forbidden".to_owned(),
        certificate: Some(CertFingerprint::of(NAMED[2])),
        revoked: true,
        order: None,
        caa: Some(digest(1)),
    };
    let verdict = PointVerdict {
        zone: zone(),
        issuer,
        point: Point::Enforced,
        stands: Stands::Fails,
        says: "issued, though forbidden".to_owned(),
        evidence: vec![5],
    };
    let incident = Incident {
        id: FindingId::parse("i1").unwrap(),
        zone: zone(),
        subject: "www.shop.example".to_owned(),
        says: "somebody reports \"it\" – né 例".to_owned(),
        source: format!("report {}, by mail, from c", digest(3)),
        record: person("dana"),
        enforcement: person("pia"),
        owner: person("sol"),
        due: Time::parse("2026-03-04").unwrap(),
        evidence: vec![5],
    };
    let change = Fact::Change {
        id: ChangeId::parse("c1").unwrap(),
        seq: 3,
        state: "verifying".to_owned(),
        event: Box::new(activated),
    };
    vec![
        (2, change),
        (5, Fact::CanaryTried(Box::new(canary))),
        (6, Fact::PointJudged(Box::new(verdict))),
        (11, Fact::IncidentOpened(Box::new(incident))),
    ]
}

/// The pack; as the maker makes it.
pub(crate) fn pack() -> Pack {
    pack_of(facts(), &log_key())
}

pub(crate) fn pack_of(facts: Vec<(u64, Fact)>, key: &LedgerKey) -> Pack {
    let by = Actor::Component(Component::Driver);
    let at = Time::parse("2026-03-03T10:00:00Z").unwrap();
    let mut octets: Vec<Vec<u8>> = (0..LEAVES).map(entry).collect();
    let mut evidence = std::collections::BTreeMap::new();
    let leaves: Vec<u64> = facts.iter().map(|(leaf, _)| *leaf).collect();
    for (leaf, fact) in facts {
        for (digest, kind) in named(&fact) {
            if let Some(found) = NAMED.iter().find(|one| Digest::of(one) == digest) {
                evidence.insert(digest, PackEvidence::new(kind, found));
            }
        }
        let place = usize::try_from(leaf).unwrap();
        octets[place] = encode(&Entry { at, by: by.clone(), fact }).unwrap();
    }
    let hashes: Vec<Digest> = octets.iter().map(|one| *LeafHash::of(one).digest()).collect();
    let head = head(&hashes);
    let leaves = leaves.into_iter().map(|leaf| {
        let index = LeafIndex::new(leaf).unwrap();
        let proof = inclusion_proof(index, head.size, &nodes(&hashes)).unwrap();
        PackLeaf::new(&octets[usize::try_from(leaf).unwrap()], &proof)
    });
    Pack {
        format: PACK_FORMAT.to_owned(),
        zone: zone().to_string(),
        from: "2026-01-01T00:00:00Z".to_owned(),
        until: "2026-03-31T23:59:59.999Z".to_owned(),
        summary: vec!["The control of shop.example.".to_owned(), "It failed once.".to_owned()],
        checkpoint: key.sign_checkpoint(head).unwrap().to_string(),
        leaves: leaves.collect(),
        evidence: evidence.into_values().collect(),
    }
}
