//! A CA behind ACME: an account, an order, a certificate, and the way there.

use bailiwick_core::certificate::Generation;
use bailiwick_core::change::{
    Event, HeldKey, KeyMark, Plan, Prepared, Receipt, RegisterAccount, RotateIssuer, RotateKey,
    Step,
};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::{CertFingerprint, Digest, DnsName, IssuerId, SpkiHash};
use bailiwick_core::record::{Batch, Fact, OrderMark, PlacedRecord, Reached, Work};
use bailiwick_core::time::Time;

use super::{DRIVER, Story, batch, by, certificate, entry, issue_step, number};

/// The account of a CA that nobody else has, registered and then deactivated.
fn account(at: Time) -> (IssuerId, Vec<Batch>) {
    let issuer = IssuerId::parse(&format!("public-{}", number())).unwrap();
    let key = SpkiHash::of(issuer.as_str().as_bytes());
    let step = Step::RegisterAccount(RegisterAccount {
        issuer: issuer.clone(),
        directory: "https://ca.example/directory".to_owned(),
        contacts: Vec::new(),
        binding: None,
    });
    let uri = "https://ca.example/account/1".to_owned();
    let receipt = Receipt::AccountRegistered { issuer: issuer.clone(), uri, key };
    let registered =
        Story::new().whole(at, step.clone(), Prepared::AccountKey { key }, receipt.clone());
    let mut story = Story::new();
    let plan = Plan::of(step);
    let undone = Receipt::AccountDeactivated { issuer: issuer.clone() };
    let prepared = Prepared::AccountKey { key };
    let turned_back = vec![
        story.request(at),
        story.validate(at, &plan),
        story.approve(at, &plan, 0),
        story.next(at, DRIVER, Event::StepStarted { index: 0, prepared }),
        story.next(at, DRIVER, Event::StepDone { index: 0, receipt }),
        story.next(at, DRIVER, Event::VerifyFailed { why: "gone".to_owned() }),
        story.next(at, DRIVER, Event::UndoStarted { index: 0 }),
        story.next(at, DRIVER, Event::UndoDone { index: 0, receipt: undone }),
    ];
    (issuer, vec![batch(registered), batch(turned_back)])
}

/// An issuer that went to its second generation and back.
pub(crate) fn rotation(at: Time) -> Vec<Batch> {
    let issuer = IssuerId::parse(&format!("house-{}", number())).unwrap();
    let certificate = CertFingerprint::of(issuer.as_str().as_bytes());
    let go = |before: Generation, after: Generation| {
        let step = Step::RotateIssuer(RotateIssuer {
            issuer: issuer.clone(),
            before,
            after,
            key: SpkiHash::of(issuer.as_str().as_bytes()),
            certificate: None,
        });
        let receipt =
            Receipt::GenerationActivated { issuer: issuer.clone(), generation: after, certificate };
        let prepared = Prepared::ToBeCertified { tbs: vec![0x30, 0x00] };
        batch(Story::new().whole(at, step, prepared, receipt))
    };
    let second = Generation::new(2).unwrap();
    vec![go(Generation::FIRST, second), go(second, Generation::FIRST)]
}

/// A credential of a zone that was rotated and turned back, and one of an account.
pub(crate) fn held_keys(at: Time) -> Vec<Batch> {
    let mark = |name: &str| KeyMark::of_secret(name, b"a secret of sixteen");
    let zone = ZoneKey::parse(&format!("z{}.example", number())).unwrap();
    let issuer = IssuerId::parse(&format!("public-{}", number())).unwrap();
    let mut all = Vec::new();
    for of in [HeldKey::ZoneTsig(zone), HeldKey::CaAccount(issuer)] {
        let (before, after) = (mark("old"), mark("new"));
        let step = Step::RotateKey(RotateKey {
            of: of.clone(),
            before: before.clone(),
            after: after.clone(),
            within_seconds: 60,
        });
        let receipt = Receipt::KeyActivated { of: of.clone(), before, after };
        let mut story = Story::new();
        let sealed = |secret| Work::PutSealed { secret, sealed: b"sealed".to_vec() };
        let work = vec![
            sealed(of.now()),
            sealed(of.next()),
            Work::MoveSealed { from: of.now(), to: of.last() },
            Work::MoveSealed { from: of.next(), to: of.now() },
            Work::ForgetSealed(of.last()),
        ];
        let entries = story.whole(at, step, Prepared::Nothing, receipt);
        all.push(Batch { entries, work, ..Batch::default() });
    }
    all
}

/// Everything that is remembered of a CA behind ACME.
pub(crate) fn upstream(at: Time) -> Vec<Batch> {
    let (issuer, mut all) = account(at);
    let mut story = Story::new();
    let issued = certificate(at, &story.id, &["public.shop.example"]);
    let placed = PlacedRecord {
        change: story.id.clone(),
        owner: DnsName::parse("_acme-challenge.public.shop.example").unwrap(),
        value: "digest".to_owned(),
    };
    let ordered = Fact::UpstreamOrdered {
        change: story.id.clone(),
        issuer: issuer.clone(),
        url: "https://ca.example/order/1".to_owned(),
    };
    let (chain, caa) = (format!("chain {}", number()), format!("caa {}", number()));
    let digest = Digest::of(chain.as_bytes());
    let prepared = Prepared::Forwarded {
        csr: b"csr".to_vec(),
        caa: Digest::of(caa.as_bytes()),
        replaces: None,
    };
    let receipt = Receipt::Adopted { certificate: Box::new(issued.clone()), chain: digest };
    let mut entries = story.whole(at, issue_step(&issued), prepared, receipt);
    entries.insert(4, entry(at, DRIVER, ordered));
    let evidence = |kind, text: String| Work::PutEvidence {
        digest: Digest::of(text.as_bytes()),
        kind,
        octets: text.into_bytes(),
    };
    let mark = |reached| Work::PutOrderMark(OrderMark { change: story.id.clone(), reached, at });
    let work = vec![
        evidence("caa/v1", caa),
        evidence("chain/v1", chain),
        Work::PutPlacedRecord(placed.clone()),
        Work::PutPlacedRecord(PlacedRecord { value: "other".to_owned(), ..placed.clone() }),
        Work::ForgetPlacedRecord(placed),
        mark(Reached::OrderLost(1)),
        mark(Reached::OrderLost(2)),
        mark(Reached::Finalizing(1)),
        mark(Reached::FinalizeTaken),
        mark(Reached::FinalizeRefused),
        mark(Reached::SaidValid),
        mark(Reached::Shown(issued.der.clone())),
        mark(Reached::Shown(b"another".to_vec())),
    ];
    all.push(Batch { entries, work, ..Batch::default() });
    let set = Fact::SecretSet { purpose: "tsig".to_owned(), name: "shop.example".to_owned() };
    let zone = ZoneKey::parse("shop.example").unwrap();
    let secret = SealedSecret::NextTsig(zone.clone());
    let sealed = Work::PutSealed { secret: secret.clone(), sealed: b"sealed".to_vec() };
    let moved = Work::MoveSealed { from: secret, to: SealedSecret::Tsig(zone.clone()) };
    let api = SealedSecret::ApiKey(zone);
    let other = Work::PutSealed { secret: api.clone(), sealed: b"another".to_vec() };
    all.push(Batch {
        entries: vec![entry(at, by("ada"), set)],
        work: vec![sealed, moved, other, Work::ForgetSealed(api)],
        ..Batch::default()
    });
    all
}
