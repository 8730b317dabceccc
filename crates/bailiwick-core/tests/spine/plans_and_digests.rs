//! Every field that an approval binds changes the digest that is approved (P1).

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::certificate::Generation;
use bailiwick_core::change::{
    AwaitPropagation, BadPlan, DeployCertificate, Endpoint, HeldKey, IssueCertificate, KeyMark,
    NarrowEnvelope, Plan, PlanDigest, PublishRecords, RegisterAccount, RetireKey, RevocationReason,
    RevokeCertificate, RotateIssuer, RotateKey, STEPS_MAX, Step, VerifyServed,
};
use bailiwick_core::estate::{Deployment, ZoneKey};
use bailiwick_core::gate::{Bounds, Envelope, EnvelopeEnd};
use bailiwick_core::names::{
    AccountId, CertFingerprint, CertSerial, ChangeId, Digest, DnsName, EnvelopeId, IssuerId,
    OrderId, ProfileId, SanName, ServiceId, SpiffeId, SpkiHash,
};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_core::time::Time;

use super::plans::{Kind, step};

/// Numbers that look random and are the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn octets<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next().to_be_bytes()[0])
    }

    /// Few and short on purpose: neighbours in a plan then often share a boundary.
    fn word(&mut self) -> String {
        let length = 1 + self.below(3);
        (0..length).map(|_| if self.below(2) == 0 { 'a' } else { 'b' }).collect()
    }

    fn option<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(3) > 0).then(|| make(self))
    }

    fn list<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(4)).map(|_| make(self)).collect()
    }

    fn san(&mut self) -> SanName {
        let star = if self.below(3) == 0 { "*." } else { "" };
        SanName::parse(&format!("{star}{}.{}", self.word(), self.word())).unwrap()
    }

    fn time(&mut self) -> Time {
        Time::from_unix_ms(i64::try_from(self.below(1 << 40)).unwrap())
    }

    fn envelope(&mut self) -> Envelope {
        Envelope {
            id: EnvelopeId::parse(&self.word()).unwrap(),
            change: ChangeId::parse(&self.word()).unwrap(),
            service: ServiceId::parse(&self.word()).unwrap(),
            names: self.list(Self::san),
            issuer: IssuerId::parse(&self.word()).unwrap(),
            profiles: self.list(|r| ProfileId::parse(&r.word()).unwrap()),
            account: self.option(|r| AccountId::parse(&r.word()).unwrap()),
            granted_at: self.time(),
            until: self.time(),
            uses_max: self.option(|r| u32::try_from(r.below(4)).unwrap()),
            uses: u32::try_from(self.below(4)).unwrap(),
            ended: self.option(|r| EnvelopeEnd { at: r.time(), why: r.word() }),
        }
    }

    fn issue(&mut self) -> IssueCertificate {
        IssueCertificate {
            service: ServiceId::parse(&self.word()).unwrap(),
            account: self.option(|r| AccountId::parse(&r.word()).unwrap()),
            order: self.option(|r| OrderId::parse(&r.word()).unwrap()),
            envelope: self.option(|r| EnvelopeId::parse(&r.word()).unwrap()),
            issuer: IssuerId::parse(&self.word()).unwrap(),
            profile: ProfileId::parse(&self.word()).unwrap(),
            names: self.list(Self::san),
            spki: self.list(|r| r.octets::<1>()[0]),
            key: SpkiHash::from_bytes(self.octets()),
            lifetime_seconds_max: u32::try_from(self.below(1 << 20)).unwrap(),
            workload: self
                .option(|r| SpiffeId::parse(&format!("spiffe://x.example/{}", r.word())).unwrap()),
        }
    }

    fn revoke(&mut self) -> RevokeCertificate {
        let reason = usize::try_from(self.below(6)).unwrap();
        RevokeCertificate {
            service: ServiceId::parse(&self.word()).unwrap(),
            fingerprint: CertFingerprint::from_bytes(self.octets()),
            issuer: IssuerId::parse(&self.word()).unwrap(),
            serial: CertSerial::from_bytes(&[1, self.octets::<1>()[0]]).unwrap(),
            reason: RevocationReason::ALL[reason],
        }
    }

    fn register(&mut self) -> RegisterAccount {
        RegisterAccount {
            issuer: IssuerId::parse(&self.word()).unwrap(),
            directory: self.word(),
            contacts: self.list(Self::word),
            binding: self.option(Self::word),
        }
    }

    fn rotate(&mut self) -> RotateIssuer {
        let generation = |r: &mut Self| Generation::new(r.octets::<1>()[0] % 127 + 1).unwrap();
        RotateIssuer {
            issuer: IssuerId::parse(&self.word()).unwrap(),
            before: generation(self),
            after: generation(self),
            key: SpkiHash::from_bytes(self.octets()),
            certificate: self.option(|r| CertFingerprint::from_bytes(r.octets())),
        }
    }

    fn held(&mut self) -> HeldKey {
        match self.below(3) {
            0 => HeldKey::ZoneTsig(self.zone()),
            1 => HeldKey::ZoneApi(self.zone()),
            _ => HeldKey::CaAccount(IssuerId::parse(&self.word()).unwrap()),
        }
    }

    fn mark(&mut self) -> KeyMark {
        KeyMark { name: self.word(), digest: Digest::from_bytes(self.octets()) }
    }

    fn rotate_key(&mut self) -> RotateKey {
        RotateKey {
            of: self.held(),
            before: self.mark(),
            after: self.mark(),
            within_seconds: self.small(),
        }
    }

    fn step(&mut self) -> Step {
        match self.below(11) {
            10 => Step::RotateKey(self.rotate_key()),
            7 => Step::RotateIssuer(self.rotate()),
            8 => Step::PublishRecords(self.publish()),
            9 => Step::AwaitPropagation(self.wait()),
            0 => Step::IssueCertificate(self.issue()),
            1 => Step::RevokeCertificate(self.revoke()),
            2 => Step::GrantEnvelope(self.envelope()),
            3 => Step::EndEnvelope {
                envelope: EnvelopeId::parse(&self.word()).unwrap(),
                service: ServiceId::parse(&self.word()).unwrap(),
                why: self.word(),
            },
            4 => Step::NarrowEnvelope(self.narrow()),
            5 => Step::RegisterAccount(self.register()),
            6 => Step::RotateIssuer(self.rotate()),
            _ => Step::EditEstate {
                before: self.option(|r| Digest::from_bytes(r.octets())),
                after: Digest::from_bytes(self.octets()),
            },
        }
    }

    fn zone(&mut self) -> ZoneKey {
        let view = if self.below(2) == 0 { "" } else { "/internal" };
        ZoneKey::parse(&format!("{}{view}", self.word())).unwrap()
    }

    fn set(&mut self) -> Option<RRset> {
        let rdata = self.list(|r| r.list(|r| r.octets::<1>()[0]));
        RRset::new(u32::try_from(self.below(4)).unwrap(), rdata)
    }

    fn record_edit(&mut self) -> RecordEdit {
        loop {
            let owner = OwnerName::parse(&self.word()).unwrap();
            let kind = RecordType::of(u16::try_from(1 + self.below(3)).unwrap());
            let (before, after) = (self.set(), self.set());
            if let Ok(edit) = RecordEdit::new(owner, kind, before, after) {
                return edit;
            }
        }
    }

    fn small(&mut self) -> u32 {
        u32::try_from(self.below(4)).unwrap()
    }

    fn publish(&mut self) -> PublishRecords {
        PublishRecords {
            service: self.option(|r| ServiceId::parse(&r.word()).unwrap()),
            zone: self.zone(),
            edits: self.list(Self::record_edit),
            why: self.word(),
            undo_hold_seconds: self.small(),
            within_seconds: self.small(),
        }
    }

    fn wait(&mut self) -> AwaitPropagation {
        AwaitPropagation {
            service: self.option(|r| ServiceId::parse(&r.word()).unwrap()),
            zone: self.zone(),
            edits: self.list(Self::record_edit),
            hold_seconds: self.small(),
            within_seconds: self.small(),
        }
    }

    /// Of a certificate that another step of the plan issues.
    fn deploy(&mut self, issued_by: usize, key: SpkiHash) -> DeployCertificate {
        DeployCertificate {
            service: ServiceId::parse(&self.word()).unwrap(),
            issued_by,
            key,
            place: self.word(),
            target: match self.below(3) {
                0 => Deployment::Client,
                1 => Deployment::Files { folder: self.word(), reload: self.list(Self::word) },
                _ => Deployment::Webhook { url: self.word() },
            },
            before: self.option(|r| CertFingerprint::from_bytes(r.octets())),
        }
    }

    fn look(&mut self, issued_by: usize) -> VerifyServed {
        VerifyServed {
            service: ServiceId::parse(&self.word()).unwrap(),
            issued_by,
            endpoints: self.list(|r| Endpoint {
                name: DnsName::parse(&r.word()).unwrap(),
                at: format!("192.0.2.{}:443", r.below(4)).parse().unwrap(),
            }),
            within_seconds: self.small(),
        }
    }

    fn edited_publish(&mut self, mut one: PublishRecords) -> PublishRecords {
        let PublishRecords { service, zone, edits, why, undo_hold_seconds, within_seconds } =
            self.publish();
        match self.below(6) {
            0 => one.service = service,
            1 => one.zone = zone,
            2 => one.edits = edits,
            3 => one.why = why,
            4 => one.undo_hold_seconds = undo_hold_seconds,
            _ => one.within_seconds = within_seconds,
        }
        one
    }

    fn edited_wait(&mut self, mut one: AwaitPropagation) -> AwaitPropagation {
        let AwaitPropagation { service, zone, edits, hold_seconds, within_seconds } = self.wait();
        match self.below(5) {
            0 => one.service = service,
            1 => one.zone = zone,
            2 => one.edits = edits,
            3 => one.hold_seconds = hold_seconds,
            _ => one.within_seconds = within_seconds,
        }
        one
    }

    fn narrow(&mut self) -> NarrowEnvelope {
        NarrowEnvelope {
            envelope: EnvelopeId::parse(&self.word()).unwrap(),
            service: ServiceId::parse(&self.word()).unwrap(),
            before: self.envelope().bounds(),
            after: self.envelope().bounds(),
            why: self.word(),
        }
    }

    /// The same step with exactly one field from another one of its kind. Every field has a number
    /// of its own, and a new field does not compile until it has one.
    fn edited(&mut self, step: &Step) -> Step {
        match step.clone() {
            Step::IssueCertificate(mut one) => {
                let IssueCertificate {
                    service,
                    account,
                    order,
                    envelope,
                    issuer,
                    profile,
                    names,
                    spki,
                    key,
                    lifetime_seconds_max,
                    workload,
                } = self.issue();
                match self.below(11) {
                    0 => one.service = service,
                    1 => one.account = account,
                    2 => one.order = order,
                    3 => one.envelope = envelope,
                    4 => one.issuer = issuer,
                    5 => one.profile = profile,
                    6 => one.names = names,
                    7 => one.spki = spki,
                    8 => one.key = key,
                    9 => one.lifetime_seconds_max = lifetime_seconds_max,
                    _ => one.workload = workload,
                }
                Step::IssueCertificate(one)
            }
            Step::RevokeCertificate(mut one) => {
                let RevokeCertificate { service, fingerprint, issuer, serial, reason } =
                    self.revoke();
                match self.below(5) {
                    0 => one.service = service,
                    1 => one.fingerprint = fingerprint,
                    2 => one.issuer = issuer,
                    3 => one.serial = serial,
                    _ => one.reason = reason,
                }
                Step::RevokeCertificate(one)
            }
            Step::GrantEnvelope(one) => Step::GrantEnvelope(self.edited_envelope(one)),
            Step::EndEnvelope { mut envelope, mut service, mut why } => {
                match self.below(3) {
                    0 => envelope = EnvelopeId::parse(&self.word()).unwrap(),
                    1 => service = ServiceId::parse(&self.word()).unwrap(),
                    _ => why = self.word(),
                }
                Step::EndEnvelope { envelope, service, why }
            }
            Step::NarrowEnvelope(one) => Step::NarrowEnvelope(self.edited_narrow(one)),
            Step::EditEstate { mut before, mut after } => {
                match self.below(2) {
                    0 => before = self.option(|r| Digest::from_bytes(r.octets())),
                    _ => after = Digest::from_bytes(self.octets()),
                }
                Step::EditEstate { before, after }
            }
            Step::PublishRecords(one) => Step::PublishRecords(self.edited_publish(one)),
            Step::AwaitPropagation(one) => Step::AwaitPropagation(self.edited_wait(one)),
            Step::DeployCertificate(one) => self.edited_deploy(one),
            Step::VerifyServed(one) => self.edited_look(one),
            Step::RegisterAccount(one) => Step::RegisterAccount(self.edited_register(one)),
            Step::RotateIssuer(one) => Step::RotateIssuer(self.edited_rotate(one)),
            Step::RotateKey(one) => Step::RotateKey(self.edited_rotate_key(one)),
            Step::RetireKey(one) => Step::RetireKey(self.edited_retire(one)),
        }
    }

    fn edited_deploy(&mut self, mut one: DeployCertificate) -> Step {
        let DeployCertificate { service, issued_by, key, place, target, before } =
            self.deploy(one.issued_by, one.key);
        (one.issued_by, one.key) = (issued_by, key);
        match self.below(4) {
            0 => one.service = service,
            1 => one.place = place,
            2 => one.target = target,
            _ => one.before = before,
        }
        Step::DeployCertificate(one)
    }

    fn edited_look(&mut self, mut one: VerifyServed) -> Step {
        let VerifyServed { service, issued_by, endpoints, within_seconds } =
            self.look(one.issued_by);
        one.issued_by = issued_by;
        match self.below(3) {
            0 => one.service = service,
            1 => one.endpoints = endpoints,
            _ => one.within_seconds = within_seconds,
        }
        Step::VerifyServed(one)
    }

    fn edited_register(&mut self, mut one: RegisterAccount) -> RegisterAccount {
        let RegisterAccount { issuer, directory, contacts, binding } = self.register();
        match self.below(4) {
            0 => one.issuer = issuer,
            1 => one.directory = directory,
            2 => one.contacts = contacts,
            _ => one.binding = binding,
        }
        one
    }

    fn edited_rotate(&mut self, mut one: RotateIssuer) -> RotateIssuer {
        let RotateIssuer { issuer, before, after, key, certificate } = self.rotate();
        match self.below(5) {
            0 => one.issuer = issuer,
            1 => one.before = before,
            2 => one.after = after,
            3 => one.key = key,
            _ => one.certificate = certificate,
        }
        one
    }

    /// Its other fields are those of the step before.
    fn edited_retire(&mut self, one: RetireKey) -> RetireKey {
        RetireKey { within_seconds: self.small(), ..one }
    }

    fn edited_rotate_key(&mut self, mut one: RotateKey) -> RotateKey {
        let RotateKey { of, before, after, within_seconds } = self.rotate_key();
        match self.below(6) {
            0 => one.of = of,
            1 => one.before.name = before.name,
            2 => one.before.digest = before.digest,
            3 => one.after.name = after.name,
            4 => one.after.digest = after.digest,
            _ => one.within_seconds = within_seconds,
        }
        one
    }

    fn edited_narrow(&mut self, mut one: NarrowEnvelope) -> NarrowEnvelope {
        let NarrowEnvelope { envelope, service, before, after, why } = self.narrow();
        let Bounds { names, until, uses_max } = after;
        match self.below(7) {
            0 => one.envelope = envelope,
            1 => one.service = service,
            2 => one.before = before,
            3 => one.after.names = names,
            4 => one.after.until = until,
            5 => one.after.uses_max = uses_max,
            _ => one.why = why,
        }
        one
    }

    fn edited_envelope(&mut self, mut one: Envelope) -> Envelope {
        let Envelope {
            id,
            change,
            service,
            names,
            issuer,
            profiles,
            account,
            granted_at,
            until,
            uses_max,
            uses,
            ended,
        } = self.envelope();
        match self.below(12) {
            0 => one.id = id,
            1 => one.change = change,
            2 => one.service = service,
            3 => one.names = names,
            4 => one.issuer = issuer,
            5 => one.profiles = profiles,
            6 => one.account = account,
            7 => one.granted_at = granted_at,
            8 => one.until = until,
            9 => one.uses_max = uses_max,
            10 => one.uses = uses,
            _ => one.ended = ended,
        }
        one
    }

    /// A plan: random steps, those that cannot be undone last.
    fn plan(&mut self) -> Plan {
        let mut steps: Vec<Step> = (0..1 + self.below(4)).map(|_| self.step()).collect();
        if let Some(Step::IssueCertificate(issue)) = steps.first() {
            let key = issue.key;
            steps.push(Step::DeployCertificate(self.deploy(0, key)));
            steps.push(Step::VerifyServed(self.look(0)));
        }
        steps.sort_by_key(|step| matches!(step, Step::RevokeCertificate(_)));
        if let Some(last) = steps.iter().rposition(|step| matches!(step, Step::RotateKey(_)))
            && steps[last + 1..].iter().all(|it| matches!(it, Step::RevokeCertificate(_)))
            && let Step::RotateKey(rotate) = &steps[last]
        {
            let (of, old) = (rotate.of.clone(), rotate.before.clone());
            let retire = RetireKey { of, old, within_seconds: self.small() };
            steps.insert(last + 1, Step::RetireKey(retire));
        }
        Plan::new(steps).unwrap()
    }

    /// The plan with one field, one step or the order of two edited.
    fn edited_plan(&mut self, plan: &Plan) -> Plan {
        let mut steps = plan.steps().to_vec();
        let place = usize::try_from(self.below(u64::try_from(steps.len()).unwrap())).unwrap();
        match self.below(12) {
            0 => steps.insert(place, self.step()),
            1 if steps.len() > 1 => drop(steps.remove(place)),
            2 => steps.swap(0, place),
            3 => steps.push(steps[place].clone()),
            _ => steps[place] = self.edited(&steps[place]),
        }
        Plan::new(steps).unwrap_or_else(|_| plan.clone())
    }
}

#[test]
fn every_edit_of_a_plan_changes_its_digest() {
    let mut random = Random(7);
    let mut seen: BTreeMap<PlanDigest, Plan> = BTreeMap::new();
    let mut edits = 0;
    for _ in 0..3_000 {
        let mut plan = random.plan();
        for _ in 0..10 {
            let edited = random.edited_plan(&plan);
            edits += u32::from(edited != plan);
            assert_eq!(edited == plan, edited.digest() == plan.digest(), "{plan:?}\n{edited:?}");
            plan = edited;
            let known = seen.entry(plan.digest()).or_insert_with(|| plan.clone());
            assert_eq!(*known, plan, "two plans with one digest");
        }
    }
    eprintln!("spine: {edits} edits of plans, {} digests, no collision", seen.len());
    assert!(edits > 10_000 && seen.len() > 10_000);
}

#[test]
fn fields_do_not_run_into_each_other() {
    let mut random = Random(8);
    let base = random.issue();
    let id = |text: &str| {
        (
            AccountId::parse(text).unwrap(),
            OrderId::parse(text).unwrap(),
            EnvelopeId::parse(text).unwrap(),
        )
    };
    let (account, order, envelope) = id("a");
    let none = IssueCertificate { account: None, order: None, envelope: None, ..base };
    let digests = [
        IssueCertificate { account: Some(account), ..none.clone() },
        IssueCertificate { order: Some(order), ..none.clone() },
        IssueCertificate { envelope: Some(envelope), ..none.clone() },
        none,
    ]
    .map(|issue| Plan::of(Step::IssueCertificate(issue)).digest());
    assert_eq!(BTreeSet::from(digests).len(), 4, "the same text in three optional fields");

    let grant = |names: &[&str], issuer: &str, profiles: &[&str]| {
        let names = names.iter().map(|name| SanName::parse(name).unwrap()).collect();
        let profiles = profiles.iter().map(|id| ProfileId::parse(id).unwrap()).collect();
        let issuer = IssuerId::parse(issuer).unwrap();
        let envelope = Envelope { names, issuer, profiles, ..Random(9).envelope() };
        Plan::of(Step::GrantEnvelope(envelope)).digest()
    };
    let digests = [
        grant(&["a.b", "c.d"], "e", &[]),
        grant(&["a.b"], "c.d", &["e"]),
        grant(&[], "a.b", &["c.d", "e"]),
    ];
    assert_eq!(BTreeSet::from(digests).len(), 3, "the same texts in two lists");

    let end = |envelope: &str, service: &str, why: &str| {
        let (envelope, service) =
            (EnvelopeId::parse(envelope).unwrap(), ServiceId::parse(service).unwrap());
        Plan::of(Step::EndEnvelope { envelope, service, why: why.to_owned() }).digest()
    };
    let digests = [end("ab", "c", "d"), end("a", "bc", "d"), end("a", "b", "cd")];
    assert_eq!(BTreeSet::from(digests).len(), 3, "the same letters in three fields");

    let one = end("a", "b", "c");
    let step = Step::EndEnvelope {
        envelope: EnvelopeId::parse("a").unwrap(),
        service: ServiceId::parse("b").unwrap(),
        why: "c".to_owned(),
    };
    let two = Plan::new(vec![step.clone(), step]).unwrap().digest();
    assert_ne!(one, two);
}

#[test]
fn a_plan_has_steps_and_ends_with_what_cannot_be_undone() {
    let of = |kinds: &[Kind]| {
        Plan::new(kinds.iter().enumerate().map(|(at, kind)| step(*kind, at, 0)).collect())
    };
    assert_eq!(of(&[]), Err(BadPlan::Length));
    assert!(of(&[Kind::Issue; STEPS_MAX]).is_ok());
    assert_eq!(of(&[Kind::Issue; STEPS_MAX + 1]), Err(BadPlan::Length));
    let all = [
        Kind::Issue,
        Kind::Grant,
        Kind::End,
        Kind::Narrow,
        Kind::Edit,
        Kind::Register,
        Kind::Publish,
        Kind::Await,
    ];
    for kind in [Kind::Deploy, Kind::Served] {
        assert_eq!(of(&[kind]), Err(BadPlan::Certificate), "nothing issues its certificate");
        assert_eq!(of(&[kind, Kind::Issue]), Err(BadPlan::Certificate), "only later");
        assert!(of(&[Kind::Issue, kind]).is_ok());
    }
    for reversible in all {
        assert_eq!(of(&[Kind::Revoke, reversible]), Err(BadPlan::Order), "{reversible:?}");
        assert_eq!(of(&[reversible, Kind::Revoke, reversible]), Err(BadPlan::Order));
        assert!(of(&[reversible, Kind::Revoke, Kind::Revoke]).is_ok());
        let after = of(&[reversible, Kind::Retire]);
        let right = if reversible == Kind::RotateKey { Ok(()) } else { Err(BadPlan::Key) };
        assert_eq!(after.map(drop), right, "{reversible:?}");
    }
    assert_eq!(of(&[Kind::Retire]).map(drop), Err(BadPlan::Key));
    assert_eq!(of(&[Kind::RotateKey, Kind::Revoke, Kind::Retire]).map(drop), Err(BadPlan::Key));
}
