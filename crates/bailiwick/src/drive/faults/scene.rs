//! A lab without listeners, and a change of each real step type in it.

mod asked;
mod open;

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use bailiwick_core::certificate::{Generation, KeyKind, RevocationReason};
use bailiwick_core::change::{
    Change, Event, IssueCertificate, IssuedCertificate, NarrowEnvelope, Prepared,
    RevokeCertificate, RotateIssuer, Step,
};
use bailiwick_core::gate::{Envelope, Narrowing};
use bailiwick_core::names::{
    AccountId, CertSerial, ChangeId, Digest, EnvelopeId, IssuerId, ProfileId, SanName, ServiceId,
    SpkiHash,
};
use bailiwick_core::record::Work;
use bailiwick_core::time::{DAY_MS, Time};
use bailiwick_wire::x509::PublicKey;

pub(super) use self::asked::{approved, approved_for};
pub(super) use self::open::{open, open_allowing, open_at, open_in, open_telling};
use crate::app::App;
use crate::drive::changes::drive;

/// The step types that there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Issue,
    Revoke,
    Grant,
    End,
    Narrow,
    Edit,
    Rotate,
    /// Two steps: another estate, and an envelope with it.
    EditAndGrant,
}

/// How the world stands, compared with what a change is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stands {
    Before,
    After,
    Otherwise,
}

/// An approved change that nobody has begun to carry out.
pub(super) struct Case {
    pub id: ChangeId,
    app: Arc<App>,
    steps: Vec<Step>,
}

pub(super) fn shop() -> ServiceId {
    ServiceId::parse("shop-web").unwrap()
}

fn house() -> IssuerId {
    IssuerId::parse("house").unwrap()
}

impl Case {
    /// Makes what has to be there before, and the change.
    pub(super) async fn new(app: &Arc<App>, kind: Kind) -> Self {
        let id = ChangeId::parse(&app.world.id().unwrap()).unwrap();
        let mut work = Vec::new();
        let steps = match kind {
            Kind::Issue => vec![Step::IssueCertificate(certificate())],
            Kind::Revoke => vec![revocation(&issued(app).await)],
            Kind::Grant => vec![Step::GrantEnvelope(envelope(app, &id))],
            Kind::End => vec![Step::EndEnvelope {
                envelope: granted(app).await,
                service: shop(),
                why: "a test".to_owned(),
            }],
            Kind::Narrow => vec![Step::NarrowEnvelope(narrowing(app, &granted(app).await).await)],
            Kind::Edit => vec![edit(app, &mut work)],
            Kind::Rotate => vec![rotation(app)],
            Kind::EditAndGrant => {
                vec![edit(app, &mut work), Step::GrantEnvelope(envelope(app, &id))]
            }
        };
        approved(app, &id, &steps, work).await;
        Self { id, app: Arc::clone(app), steps }
    }

    /// How the world stands. Only what anybody outside can see counts.
    pub(super) async fn stands(&self) -> Stands {
        let mut all = Vec::new();
        for step in &self.steps {
            all.push(self.step_stands(step).await);
        }
        match all.as_slice() {
            [first, rest @ ..] if rest.iter().all(|other| other == first) => *first,
            _ => Stands::Otherwise,
        }
    }

    async fn step_stands(&self, step: &Step) -> Stands {
        let store = &self.app.store;
        match step {
            Step::IssueCertificate(_) => self.issuance_stands().await,
            Step::RevokeCertificate(revoke) => {
                let row = store.revocation(&revoke.issuer, &revoke.serial).await.unwrap().is_some();
                let listed = self.app.crl_lists(&revoke.issuer, &revoke.serial).await.unwrap();
                stands(row, listed)
            }
            Step::GrantEnvelope(wanted) => {
                let found = store.envelope(&wanted.id).await.unwrap();
                let holds = found.is_some_and(|envelope| envelope.ended.is_none());
                stands(holds, holds)
            }
            Step::EndEnvelope { envelope, .. } => {
                let found = store.envelope(envelope).await.unwrap().unwrap();
                stands(found.ended.is_some(), found.ended.is_some())
            }
            Step::NarrowEnvelope(narrow) => {
                let found = store.envelope(&narrow.envelope).await.unwrap().unwrap().bounds();
                match (found == narrow.after, found == narrow.before) {
                    (true, false) => Stands::After,
                    (false, true) => Stands::Before,
                    _ => Stands::Otherwise,
                }
            }
            // Looked at by the scene of their own.
            Step::PublishRecords(_)
            | Step::AwaitPropagation(_)
            | Step::DeployCertificate(_)
            | Step::VerifyServed(_) => Stands::Otherwise,
            Step::RotateKey(_) | Step::RetireKey(_) => Stands::Otherwise,
            Step::RegisterAccount(wanted) => {
                let found = store.upstream_account(&wanted.issuer).await.unwrap();
                let holds = found.is_some_and(|account| !account.ended);
                stands(holds, holds)
            }
            Step::RotateIssuer(wanted) => {
                let stored = store.generations().await.unwrap();
                let stored = stored.last().map_or(wanted.before, |row| row.generation);
                let issuing = self.app.issuers.get(&wanted.issuer).unwrap().identity().generation;
                assert!([wanted.before, wanted.after].contains(&stored));
                stands(stored == wanted.after, issuing == wanted.after)
            }
            Step::EditEstate { before, after } => {
                let stored = store.active_estate().await.unwrap().map(|active| active.digest);
                match (stored == Some(*after), stored == *before) {
                    _ if self.app.live.get().digest != stored => Stands::Otherwise,
                    (true, false) => Stands::After,
                    (false, true) => Stands::Before,
                    _ => Stands::Otherwise,
                }
            }
        }
    }

    /// After: one certificate that counts. Before: none that counts, and whatever may have been
    /// signed has its serial on the CRL.
    async fn issuance_stands(&self) -> Stands {
        let certificates = self.app.store.certificates_of_change(&self.id).await.unwrap();
        let mut counting = 0;
        for serial in self.chosen().await {
            let row = self.app.store.revocation(&house(), &serial).await.unwrap().is_some();
            let listed = self.app.crl_lists(&house(), &serial).await.unwrap();
            match (row, listed) {
                (true, true) => {}
                (false, false) => counting += 1,
                _ => return Stands::Otherwise,
            }
        }
        match (counting, certificates.as_slice()) {
            (1, [_]) => Stands::After,
            (0, [] | [_]) => Stands::Before,
            _ => Stands::Otherwise,
        }
    }

    /// The serials that were chosen for the change, out of its intents.
    async fn chosen(&self) -> Vec<CertSerial> {
        let events = self.app.store.change_events(&self.id).await.unwrap();
        events.into_iter().filter_map(|stored| intended(&stored.event)).collect()
    }
}

/// The serial that an intent to issue names.
pub(super) fn intended(event: &Event) -> Option<CertSerial> {
    let Event::StepStarted { prepared: Prepared::ToBeSigned { serial, .. }, .. } = event else {
        return None;
    };
    Some(serial.clone())
}

const fn stands(one: bool, other: bool) -> Stands {
    match (one, other) {
        (true, true) => Stands::After,
        (false, false) => Stands::Before,
        _ => Stands::Otherwise,
    }
}

pub(super) fn certificate() -> IssueCertificate {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let key = PublicKey::from_point(KeyKind::EcdsaP256, key.public_key().as_ref()).unwrap();
    let spki = key.to_spki();
    IssueCertificate {
        service: shop(),
        account: Some(AccountId::parse("faults").unwrap()),
        order: None,
        envelope: None,
        issuer: house(),
        profile: ProfileId::parse("tls-server").unwrap(),
        names: vec![SanName::parse("www.shop.example").unwrap()],
        key: SpkiHash::of(&spki),
        spki,
        lifetime_seconds_max: 86_400,
        workload: None,
    }
}

fn envelope(app: &App, change: &ChangeId) -> Envelope {
    let now = app.now();
    Envelope {
        id: EnvelopeId::parse(change.as_str()).unwrap(),
        change: change.clone(),
        service: shop(),
        names: vec![SanName::parse("www.shop.example").unwrap()],
        issuer: house(),
        profiles: vec![ProfileId::parse("tls-server").unwrap()],
        account: None,
        granted_at: now,
        until: now.plus_ms(DAY_MS),
        uses_max: None,
        uses: 0,
        ended: None,
    }
}

/// The next generation of the house's issuer, whose key waits.
fn rotation(app: &App) -> Step {
    let before = app.issuers.get(&house()).unwrap().identity().generation;
    let opening = app.opening(&house(), Generation::FIRST);
    let standby = opening.generations(&app.sealer).standby().unwrap();
    Step::RotateIssuer(RotateIssuer {
        issuer: house(),
        before,
        after: standby.generation,
        key: standby.key.hash(),
        certificate: None,
    })
}

fn revocation(certificate: &IssuedCertificate) -> Step {
    Step::RevokeCertificate(RevokeCertificate {
        service: certificate.service.clone(),
        fingerprint: certificate.fingerprint,
        issuer: certificate.issuer.clone(),
        serial: certificate.serial.clone(),
        reason: RevocationReason::Superseded,
    })
}

/// Another estate: ownership is confirmed a moment later than in the active one.
fn edit(app: &App, work: &mut Vec<Work>) -> Step {
    let live = app.live.get();
    let confirmed = |estate: &bailiwick_core::estate::Estate| -> Option<Time> {
        estate.services.get(&shop())?.ownership.as_ref().map(|ownership| ownership.verified_at)
    };
    let later = confirmed(live.estate()).unwrap().plus_ms(1);
    let estate = live.estate().clone().with_ownership_confirmed_at(later);
    let octets = bailiwick_wire::estate::encode(&estate);
    let after = Digest::of(&octets);
    work.push(Work::PutEvidence { digest: after, kind: "estate/v1", octets });
    Step::EditEstate { before: live.digest, after }
}

/// A change that issued a certificate without anything going wrong.
pub(super) async fn issued_by(app: &Arc<App>, wanted: IssueCertificate) -> ChangeId {
    done(app, |_| Step::IssueCertificate(wanted)).await
}

/// A certificate, issued without anything going wrong.
async fn issued(app: &Arc<App>) -> IssuedCertificate {
    let id = done(app, |_| Step::IssueCertificate(certificate())).await;
    let mut all = app.store.certificates_of_change(&id).await.unwrap();
    all.pop().unwrap().certificate
}

/// An envelope, granted without anything going wrong.
async fn granted(app: &Arc<App>) -> EnvelopeId {
    let id = done(app, |id| Step::GrantEnvelope(envelope(app, id))).await;
    EnvelopeId::parse(id.as_str()).unwrap()
}

async fn narrowing(app: &Arc<App>, id: &EnvelopeId) -> NarrowEnvelope {
    let envelope = app.store.envelope(id).await.unwrap().unwrap();
    let wish = Narrowing { until: Some(envelope.until.plus_ms(-60_000)), ..Narrowing::default() };
    NarrowEnvelope {
        envelope: id.clone(),
        service: shop(),
        before: envelope.bounds(),
        after: envelope.narrowed(&wish, app.now()).unwrap(),
        why: "a test".to_owned(),
    }
}

async fn done(app: &Arc<App>, step: impl FnOnce(&ChangeId) -> Step) -> ChangeId {
    let id = ChangeId::parse(&app.world.id().unwrap()).unwrap();
    approved(app, &id, &[step(&id)], Vec::new()).await;
    let change = drive(app, app.load_change(&id).await.unwrap()).await.unwrap();
    assert!(matches!(change, Change::Closed { .. }), "{change:?}");
    id
}
