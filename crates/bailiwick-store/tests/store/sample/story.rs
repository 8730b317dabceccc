//! A change that grows by events, and changes of every kind from request to close.

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::change::{
    Approval, Basis, Change, Event, IssueCertificate, IssuedCertificate, Plan, Precheck, Prepared,
    Receipt, Request, RevocationReason, RevokeCertificate, Revoked, Step,
};
use bailiwick_core::gate::Envelope;
use bailiwick_core::names::{
    CertFingerprint, CertSerial, ChangeId, DecisionId, Digest, EnvelopeId, SpkiHash,
};
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::{DAY_MS, Time};

use super::{DRIVER, batch, by, entry, id, issuer, number, person, profile, san, service};

/// A change that grows by events.
pub(crate) struct Story {
    pub(crate) id: ChangeId,
    change: Option<Change>,
    pub(crate) events: u32,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self { id: ChangeId::parse(&id("change")).unwrap(), change: None, events: 0 }
    }

    /// The entry of the next event; the state is what replay says.
    pub(crate) fn next(&mut self, at: Time, actor: Actor, event: Event) -> Entry {
        let change = match self.change.take() {
            None => Change::replay([(event.clone(), at)]).unwrap(),
            Some(change) => change.apply(event.clone(), at).unwrap(),
        };
        let (id, seq, state) = (self.id.clone(), self.events, change.name().to_owned());
        self.change = Some(change);
        self.events += 1;
        entry(at, actor, Fact::Change { id, seq, state, event: Box::new(event) })
    }

    pub(crate) fn request(&mut self, at: Time) -> Entry {
        let request = Request {
            id: self.id.clone(),
            title: "issue www.shop.example for shop-web".to_owned(),
            reason: "the shop needs it".to_owned(),
            by: by("ada"),
            service: Some(service()),
            zones: Vec::new(),
            at,
        };
        self.next(at, by("ada"), Event::Requested(Box::new(request)))
    }

    pub(crate) fn validate(&mut self, at: Time, plan: &Plan) -> Entry {
        let prechecks = vec![Precheck {
            name: "names-owned".to_owned(),
            holds: true,
            saw: "shop-web owns it".to_owned(),
            assignee: None,
        }];
        let expires_at = at.plus_ms(DAY_MS);
        self.next(at, DRIVER, Event::Validated { plan: plan.clone(), prechecks, expires_at })
    }

    /// A person's yes.
    pub(crate) fn approval(&mut self, at: Time, plan: &Plan, expires_at: Time) -> Entry {
        let approval = Approval {
            by: SignedIn::alone(person("bob")),
            teams: Vec::new(),
            of: plan.digest(),
            at,
            expires_at,
            comment: "fine".to_owned(),
        };
        self.next(at, by("bob"), Event::ApprovalGiven(approval))
    }

    pub(crate) fn approve(&mut self, at: Time, plan: &Plan, approvals_needed: u32) -> Entry {
        let basis = Basis {
            decision: DecisionId::parse(&id("decision")).unwrap(),
            policy: Digest::of(b"policy"),
            of: plan.digest(),
            approvals_needed,
        };
        self.next(at, DRIVER, Event::Approved(basis))
    }

    /// Request to close, with what the one step left.
    pub(crate) fn whole(
        &mut self,
        at: Time,
        step: Step,
        prepared: Prepared,
        receipt: Receipt,
    ) -> Vec<Entry> {
        let plan = Plan::of(step);
        vec![
            self.request(at),
            self.validate(at, &plan),
            self.approve(at, &plan, 0),
            self.next(at, DRIVER, Event::StepStarted { index: 0, prepared }),
            self.next(at, DRIVER, Event::StepDone { index: 0, receipt }),
            self.next(at, DRIVER, Event::Verified),
        ]
    }
}

/// A certificate with made-up octets.
pub(crate) fn certificate(at: Time, change: &ChangeId, names: &[&str]) -> IssuedCertificate {
    let n = number();
    let der = format!("certificate {n} of {}", std::process::id()).into_bytes();
    IssuedCertificate {
        fingerprint: CertFingerprint::of(&der),
        issuer: issuer(),
        serial: CertSerial::from_bytes(&(n + 1).to_be_bytes()).unwrap(),
        key: SpkiHash::of(&der),
        names: names.iter().map(|name| san(name)).collect(),
        not_before: at,
        not_after: at.plus_ms(90 * DAY_MS),
        profile: profile(),
        service: service(),
        account: None,
        order: None,
        envelope: None,
        change: change.clone(),
        der,
        issued_at: at,
    }
}

pub(crate) fn issue_step(certificate: &IssuedCertificate) -> Step {
    Step::IssueCertificate(IssueCertificate {
        service: certificate.service.clone(),
        account: certificate.account.clone(),
        order: certificate.order.clone(),
        envelope: certificate.envelope.clone(),
        issuer: certificate.issuer.clone(),
        profile: certificate.profile.clone(),
        names: certificate.names.clone(),
        spki: b"spki".to_vec(),
        key: certificate.key,
        lifetime_seconds_max: 90 * 86_400,
        workload: None,
    })
}

/// What is signed for a certificate; CAA as seen is evidence.
pub(crate) fn to_be_signed(certificate: &IssuedCertificate) -> (Prepared, Work) {
    let octets = format!("caa for {}", certificate.serial).into_bytes();
    let caa = Digest::of(&octets);
    let prepared =
        Prepared::ToBeSigned { serial: certificate.serial.clone(), tbs: b"tbs".to_vec(), caa };
    (prepared, Work::PutEvidence { digest: caa, kind: "caa/v1", octets })
}

/// A certificate from request to close.
pub(crate) fn issuance(at: Time, names: &[&str]) -> (IssuedCertificate, Batch) {
    let mut story = Story::new();
    let certificate = certificate(at, &story.id, names);
    let (prepared, evidence) = to_be_signed(&certificate);
    let receipt = Receipt::Issued(Box::new(certificate.clone()));
    let entries = story.whole(at, issue_step(&certificate), prepared, receipt);
    (certificate, Batch { entries, work: vec![evidence], ..Batch::default() })
}

/// The revocation of a certificate, from request to close.
pub(crate) fn revocation(at: Time, certificate: &IssuedCertificate) -> Batch {
    let step = Step::RevokeCertificate(RevokeCertificate {
        service: certificate.service.clone(),
        fingerprint: certificate.fingerprint,
        issuer: certificate.issuer.clone(),
        serial: certificate.serial.clone(),
        reason: RevocationReason::KeyCompromise,
    });
    let revoked = Revoked {
        issuer: certificate.issuer.clone(),
        serial: certificate.serial.clone(),
        fingerprint: Some(certificate.fingerprint),
        reason: RevocationReason::KeyCompromise,
        at,
    };
    batch(Story::new().whole(at, step, Prepared::Nothing, Receipt::Revoked(revoked)))
}

/// An envelope, from request to close.
pub(crate) fn envelope(at: Time, uses_max: Option<u32>) -> (Envelope, Batch) {
    let mut story = Story::new();
    let envelope = Envelope {
        id: EnvelopeId::parse(story.id.as_str()).unwrap(),
        change: story.id.clone(),
        service: service(),
        names: vec![san("www.shop.example"), san("*.shop.example")],
        issuer: issuer(),
        profiles: vec![profile()],
        account: None,
        granted_at: at,
        until: at.plus_ms(30 * DAY_MS),
        uses_max,
        uses: 0,
        ended: None,
    };
    let receipt = Receipt::EnvelopeGranted(Box::new(envelope.clone()));
    let step = Step::GrantEnvelope(envelope.clone());
    let entries = story.whole(at, step, Prepared::Nothing, receipt);
    (envelope, batch(entries))
}

/// The end of an envelope, from request to close.
pub(crate) fn envelope_end(at: Time, envelope: &Envelope) -> Batch {
    let (id, why) = (envelope.id.clone(), "the service moved".to_owned());
    let step = Step::EndEnvelope { envelope: id.clone(), service: service(), why: why.clone() };
    let receipt = Receipt::EnvelopeEnded { envelope: id, why };
    batch(Story::new().whole(at, step, Prepared::Nothing, receipt))
}

/// Another estate, from request to close.
pub(crate) fn estate(at: Time, before: Option<Digest>, octets: &[u8]) -> (Digest, Batch) {
    let after = Digest::of(octets);
    let step = Step::EditEstate { before, after };
    let receipt = Receipt::EstateActivated { estate: after };
    let entries = Story::new().whole(at, step, Prepared::Nothing, receipt);
    let work =
        vec![Work::PutEvidence { digest: after, kind: "estate/v1", octets: octets.to_vec() }];
    (after, Batch { entries, work, ..Batch::default() })
}
