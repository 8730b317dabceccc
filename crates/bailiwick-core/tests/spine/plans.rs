//! Plans out of the real kinds of steps.

use bailiwick_core::certificate::Generation;
use bailiwick_core::change::{
    AwaitPropagation, DeployCertificate, Endpoint, HeldKey, IssueCertificate, KeyMark,
    NarrowEnvelope, Plan, PublishRecords, RegisterAccount, RetireKey, RevocationReason,
    RevokeCertificate, RotateIssuer, RotateKey, Step, Undo, VerifyServed,
};
use bailiwick_core::estate::{Deployment, ZoneKey};
use bailiwick_core::gate::{Bounds, Envelope};
use bailiwick_core::names::{
    CertFingerprint, CertSerial, Digest, DnsName, EnvelopeId, IssuerId, ProfileId, SanName,
    ServiceId, SpkiHash,
};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};

use super::people::{START, change_id};

/// The kinds of steps. A new one does not compile in `kind_of` until it is here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Kind {
    Issue,
    Grant,
    End,
    Narrow,
    Edit,
    Register,
    Publish,
    Await,
    Deploy,
    Served,
    Rotate,
    RotateKey,
    Revoke,
    /// Stands behind a `RotateKey`, and nowhere else.
    Retire,
}

pub(crate) const REVERSIBLE: [Kind; 12] = [
    Kind::Issue,
    Kind::Grant,
    Kind::End,
    Kind::Narrow,
    Kind::Edit,
    Kind::Register,
    Kind::Publish,
    Kind::Await,
    Kind::Deploy,
    Kind::Served,
    Kind::Rotate,
    Kind::RotateKey,
];

pub(crate) fn kind_of(step: &Step) -> Kind {
    match step {
        Step::IssueCertificate(_) => Kind::Issue,
        Step::GrantEnvelope(_) => Kind::Grant,
        Step::EndEnvelope { .. } => Kind::End,
        Step::NarrowEnvelope(_) => Kind::Narrow,
        Step::EditEstate { .. } => Kind::Edit,
        Step::RegisterAccount(_) => Kind::Register,
        Step::PublishRecords(_) => Kind::Publish,
        Step::AwaitPropagation(_) => Kind::Await,
        Step::DeployCertificate(_) => Kind::Deploy,
        Step::VerifyServed(_) => Kind::Served,
        Step::RotateIssuer(_) => Kind::Rotate,
        Step::RotateKey(_) => Kind::RotateKey,
        Step::RevokeCertificate(_) => Kind::Revoke,
        Step::RetireKey(_) => Kind::Retire,
    }
}

/// The estate after `edits` edits.
pub(crate) fn estate(edits: u8) -> Digest {
    Digest::from_bytes([edits; 32])
}

/// The envelope that the step at `index` ends.
pub(crate) fn old_envelope(index: usize) -> EnvelopeId {
    EnvelopeId::parse(&format!("old-{index}")).unwrap()
}

/// The envelope that the step at `index` grants.
pub(crate) fn new_envelope(index: usize) -> EnvelopeId {
    EnvelopeId::parse(&format!("c1-{index}")).unwrap()
}

/// The envelope that the step at `index` narrows.
pub(crate) fn wide_envelope(index: usize) -> EnvelopeId {
    EnvelopeId::parse(&format!("wide-{index}")).unwrap()
}

/// Bounds that differ in how many certificates they allow.
pub(crate) fn bounds(uses_max: u32) -> Bounds {
    Bounds { names: names(), until: START.plus_ms(1_000_000_000), uses_max: Some(uses_max) }
}

/// The serial that the step at `index` revokes.
pub(crate) fn old_serial(index: usize) -> CertSerial {
    CertSerial::from_bytes(&[0xee, u8::try_from(index).unwrap()]).unwrap()
}

/// The CA that the step at `index` registers at.
pub(crate) fn public(index: usize) -> IssuerId {
    IssuerId::parse(&format!("public-{index}")).unwrap()
}

fn service() -> ServiceId {
    ServiceId::parse("shop-web").unwrap()
}

fn issuer() -> IssuerId {
    IssuerId::parse("house-ca").unwrap()
}

fn names() -> Vec<SanName> {
    vec![SanName::parse("shop.example").unwrap(), SanName::parse("www.shop.example").unwrap()]
}

pub(crate) fn step(kind: Kind, index: usize, edits: u8) -> Step {
    match kind {
        Kind::Issue => Step::IssueCertificate(IssueCertificate {
            service: service(),
            account: None,
            order: None,
            envelope: None,
            issuer: issuer(),
            profile: ProfileId::parse("tls-server").unwrap(),
            names: names(),
            spki: vec![0x30, u8::try_from(index).unwrap()],
            key: SpkiHash::of(&[0x30, u8::try_from(index).unwrap()]),
            lifetime_seconds_max: 7_776_000,
            workload: None,
        }),
        Kind::Grant => Step::GrantEnvelope(Envelope {
            id: new_envelope(index),
            change: change_id(),
            service: service(),
            names: names(),
            issuer: issuer(),
            profiles: vec![ProfileId::parse("tls-server").unwrap()],
            account: None,
            granted_at: START,
            until: START.plus_ms(1_000_000_000),
            uses_max: Some(3),
            uses: 0,
            ended: None,
        }),
        Kind::End => Step::EndEnvelope {
            envelope: old_envelope(index),
            service: service(),
            why: "sold".to_owned(),
        },
        Kind::Narrow => Step::NarrowEnvelope(NarrowEnvelope {
            envelope: wide_envelope(index),
            service: service(),
            before: bounds(3),
            after: bounds(2),
            why: "enough".to_owned(),
        }),
        Kind::Edit => Step::EditEstate { before: Some(estate(edits)), after: estate(edits + 1) },
        Kind::Register => Step::RegisterAccount(RegisterAccount {
            issuer: public(index),
            directory: "https://ca.example/directory".to_owned(),
            contacts: Vec::new(),
            binding: None,
        }),
        Kind::Publish | Kind::Await | Kind::Deploy | Kind::Served => joint(kind, index),
        Kind::Rotate => Step::RotateIssuer(RotateIssuer {
            issuer: public(index),
            before: Generation::FIRST,
            after: Generation::new(2).unwrap(),
            key: SpkiHash::of(&[0x31, u8::try_from(index).unwrap()]),
            certificate: None,
        }),
        Kind::RotateKey => rotate_key(index),
        Kind::Retire => retire_key(index),
        Kind::Revoke => Step::RevokeCertificate(RevokeCertificate {
            service: service(),
            fingerprint: CertFingerprint::of(old_serial(index).as_bytes()),
            issuer: issuer(),
            serial: old_serial(index),
            reason: RevocationReason::Superseded,
        }),
    }
}

fn rotate_key(index: usize) -> Step {
    let (of, before, after) = (held(index), mark("old"), mark("new"));
    Step::RotateKey(RotateKey { of, before, after, within_seconds: 60 })
}

fn retire_key(index: usize) -> Step {
    let (of, old) = (held(index.saturating_sub(1)), mark("old"));
    Step::RetireKey(RetireKey { of, old, within_seconds: 60 })
}

/// The credential that the step at `index` rotates.
pub(crate) fn held(index: usize) -> HeldKey {
    HeldKey::ZoneTsig(ZoneKey::parse(&format!("z{index}.example")).unwrap())
}

pub(crate) fn mark(name: &str) -> KeyMark {
    KeyMark::of_secret(name, b"a secret of sixteen")
}

/// A step about records and what is served.
fn joint(kind: Kind, index: usize) -> Step {
    match kind {
        Kind::Publish => Step::PublishRecords(PublishRecords {
            service: Some(service()),
            zone: zone(),
            edits: vec![edit(index)],
            why: "moves".to_owned(),
            undo_hold_seconds: 300,
            within_seconds: 60,
        }),
        Kind::Await => Step::AwaitPropagation(AwaitPropagation {
            service: Some(service()),
            zone: zone(),
            edits: vec![edit(index)],
            hold_seconds: 300,
            within_seconds: 60,
        }),
        // Of the certificate of the first step; `plan` sets others right.
        Kind::Deploy => Step::DeployCertificate(DeployCertificate {
            service: service(),
            issued_by: 0,
            key: SpkiHash::of(&[0x30, 0]),
            place: format!("place-{index}"),
            target: Deployment::Client,
            before: None,
        }),
        Kind::Served => Step::VerifyServed(VerifyServed {
            service: service(),
            issued_by: 0,
            endpoints: vec![Endpoint {
                name: DnsName::parse("www.shop.example").unwrap(),
                at: "192.0.2.1:443".parse().unwrap(),
            }],
            within_seconds: 60,
        }),
        other => panic!("{other:?} is of another kind"),
    }
}

fn zone() -> ZoneKey {
    ZoneKey::parse("shop.example").unwrap()
}

fn edit(index: usize) -> RecordEdit {
    let owner = OwnerName::parse(&format!("n{index}.shop.example")).unwrap();
    let set = |last| RRset::new(300, [vec![192, 0, 2, last]]);
    RecordEdit::new(owner, RecordType::A, set(1), set(2)).unwrap()
}

/// The same step for the certificate that the step at `at` issues.
fn about(step: Step, at: usize) -> Step {
    match step {
        Step::DeployCertificate(deploy) => Step::DeployCertificate(DeployCertificate {
            issued_by: at,
            key: SpkiHash::of(&[0x30, u8::try_from(at).unwrap()]),
            ..deploy
        }),
        Step::VerifyServed(look) => Step::VerifyServed(VerifyServed { issued_by: at, ..look }),
        other => other,
    }
}

/// A plan of these kinds; edits of the estate follow one another.
pub(crate) fn plan(kinds: &[Kind]) -> Plan {
    let mut edits = 0;
    let mut steps = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        let issued = kinds[..index].iter().rposition(|kind| *kind == Kind::Issue);
        steps.push(about(step(*kind, index, edits), issued.unwrap_or(0)));
        edits += u8::from(*kind == Kind::Edit);
    }
    let plan = Plan::new(steps).unwrap();
    let is_last = |kind: &Kind| matches!(kind, Kind::Revoke | Kind::Retire);
    let first = kinds.iter().position(is_last);
    assert_eq!(plan.point_of_no_return(), first, "{kinds:?}");
    assert!(plan.steps().iter().all(|s| (s.undo() == Undo::AskPerson) == is_last(&kind_of(s))));
    plan
}

/// Every order of kinds for a plan of `length` steps: reversible ones with repetition, then
/// revocations.
pub(crate) fn orders(length: usize) -> Vec<Vec<Kind>> {
    (0..=length)
        .flat_map(|revocations| {
            let mut all = vec![Vec::new()];
            for _ in 0..length - revocations {
                all = all
                    .into_iter()
                    .flat_map(|so_far: Vec<Kind>| {
                        REVERSIBLE.map(|kind| [so_far.as_slice(), &[kind]].concat())
                    })
                    .collect();
            }
            all.into_iter().map(move |kinds| [kinds, vec![Kind::Revoke; revocations]].concat())
        })
        .filter(|kinds| is_issued_before(kinds))
        .collect()
}

/// Whether a certificate is issued before it is deployed or looked for.
fn is_issued_before(kinds: &[Kind]) -> bool {
    let place = |of: &[Kind]| kinds.iter().position(|kind| of.contains(kind));
    match (place(&[Kind::Deploy, Kind::Served]), place(&[Kind::Issue])) {
        (Some(used), Some(issued)) => issued < used,
        (Some(_), None) => false,
        (None, _) => true,
    }
}
