//! Whole or not at all.

use bailiwick_core::change::{Event, Plan, Receipt, Step};
use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::names::{Digest, SessionId};
use bailiwick_core::record::{Batch, Expect, Fact, Notice, Work};
use bailiwick_core::time::HOUR_MS;
use bailiwick_store::{CommitError, Conflict, Store, Unavailable};

use crate::engine::{Place, assert_sound};
use crate::sample;

crate::both! {
    a_life_is_stored_and_sound,
    what_fails_leaves_no_trace,
    contradictions_are_refused,
    unusable_things_are_refused,
    nothing_is_stored_without_a_signature,
    time_never_runs_back,
    a_late_approval_is_refused,
    too_large_is_refused,
}

/// How many rows every table has.
async fn counts(place: &Place) -> Vec<(&'static str, Vec<i64>)> {
    let tables = [
        "entry",
        "tile",
        "checkpoint",
        "change",
        "decision",
        "credential",
        "account",
        "validation",
        "certificate",
        "certificate_name",
        "issuer_use",
        "revocation",
        "envelope",
        "estate",
        "session",
        "token",
        "crl",
        "acme_order",
        "acme_authorization",
        "envelope_hold",
        "credential_secret",
        "session_secret",
        "token_secret",
        "link",
        "evidence",
        "outbox",
    ];
    let mut all = Vec::new();
    for table in tables {
        all.push((table, place.numbers(&format!("SELECT COUNT(*) FROM {table}")).await));
    }
    all
}

async fn a_life_is_stored_and_sound(place: &Place) {
    let store = place.open().await;
    let mut due = 0;
    for _ in 0..30 {
        for batch in sample::life(store.now()) {
            let entries = u64::try_from(batch.entries.len()).unwrap();
            let committed = store.commit(batch).await.unwrap();
            assert_eq!(committed.first_index.get(), due);
            due += entries;
            assert!(committed.size_after.get() >= due);
            let checkpoint = store.checkpoint_at(committed.size_after).await.unwrap().unwrap();
            assert_eq!(checkpoint.head.root, committed.root);
        }
    }
    assert!(due > 512, "several tiles are full");
    assert_sound(&store, place).await;
    store.close().await;
    assert!(matches!(
        store.commit(sample::denied(store.now(), "x")).await,
        Err(CommitError::Unavailable(Unavailable::Stopped))
    ));
    let again = place.open().await;
    assert_sound(&again, place).await;
    assert_eq!(again.head().await.unwrap().size.get(), due);
    again.close().await;
}

async fn what_fails_leaves_no_trace(place: &Place) {
    let store = place.open().await;
    for batch in sample::life(store.now()) {
        store.commit(batch).await.unwrap();
    }
    let before = counts(place).await;
    let at = store.now();
    let (order, _, _) = sample::order(at, &sample::account(at, &sample::credential(at).0).0);
    let missing =
        |expect| Batch { expects: vec![expect], ..sample::issuance(at, &["a.shop.example"]).1 };
    let story = sample::Story::new();
    let (envelope, _) = sample::envelope(at, None);
    for expect in [
        Expect::ChangeAt { id: story.id.clone(), events: 1 },
        Expect::OrderIs { id: order.id.clone(), status: order.status },
        Expect::EnvelopeUsable { id: envelope.id.clone(), at, names: envelope.names.clone() },
        Expect::EstateIs(None),
        Expect::EstateIs(Some(Digest::of(b"another"))),
        Expect::LeaseHeld { name: "driver".to_owned(), fence: 1 },
    ] {
        let result = store.commit(missing(expect.clone())).await;
        match result {
            Err(CommitError::Expectation(which)) => assert_eq!(*which, expect),
            other => panic!("{expect:?}: {other:?}"),
        }
    }
    // A batch whose last piece fails, behind pieces that do not.
    let mut late = sample::issuance(at, &["b.shop.example"]).1;
    late.notices.push(Notice {
        to: sample::person("bob"),
        subject: "nul \0".to_owned(),
        page: "/".to_owned(),
    });
    assert!(matches!(store.commit(late).await, Err(CommitError::Conflict(Conflict::Nul))));
    assert_eq!(counts(place).await, before);
    // The same holds inside of a group, where others succeed.
    let good = (0..20).map(|n| store.commit(sample::denied(at, &format!("good/{n}"))));
    let bad = (0..20).map(|n| {
        let mut batch = sample::denied(at, &format!("bad/{n}"));
        batch.expects.push(Expect::EstateIs(None));
        store.commit(batch)
    });
    let (good, bad) =
        futures::future::join(futures::future::join_all(good), futures::future::join_all(bad))
            .await;
    assert!(good.iter().all(Result::is_ok));
    assert!(bad.iter().all(|one| matches!(one, Err(CommitError::Expectation(_)))));
    assert_sound(&store, place).await;
    store.close().await;
}

async fn conflict(store: &Store, batch: Batch) -> Conflict {
    match store.commit(batch).await {
        Err(CommitError::Conflict(conflict)) => conflict,
        other => panic!("{other:?}"),
    }
}

async fn contradictions_are_refused(place: &Place) {
    let store = place.open().await;
    let at = store.now();
    let (issued, first) = sample::issuance(at, &["www.shop.example"]);
    store.commit(first).await.unwrap();
    let size = store.head().await.unwrap().size;

    let again = |certificate: bailiwick_core::change::IssuedCertificate| {
        let (prepared, evidence) = sample::to_be_signed(&certificate);
        let step = sample::issue_step(&certificate);
        let receipt = Receipt::Issued(Box::new(certificate));
        let entries = sample::Story::new().whole(at, step, prepared, receipt);
        Batch { entries, work: vec![evidence], ..Batch::default() }
    };
    assert_eq!(
        conflict(&store, again(issued.clone())).await,
        Conflict::CertificateKnown { fingerprint: issued.fingerprint }
    );
    let mut same_serial = sample::certificate(at, &issued.change, &["www.shop.example"]);
    same_serial.serial = issued.serial.clone();
    assert_eq!(
        conflict(&store, again(same_serial)).await,
        Conflict::SerialUsed { issuer: issued.issuer.clone(), serial: issued.serial.clone() }
    );

    // An event that somebody else's event came before.
    let mut story = sample::Story::new();
    let request = story.request(at);
    store.commit(sample::batch(vec![request.clone()])).await.unwrap();
    assert!(matches!(
        conflict(&store, sample::batch(vec![request])).await,
        Conflict::Exists { table: "change", .. }
    ));
    let withdrawn = story.next(at, sample::by("ada"), Event::Withdrawn { by: sample::by("ada") });
    store.commit(sample::batch(vec![withdrawn.clone()])).await.unwrap();
    assert_eq!(
        conflict(&store, sample::batch(vec![withdrawn])).await,
        Conflict::ChangeMoved { id: story.id.clone(), events: 1 }
    );

    assert_eq!(store.head().await.unwrap().size.get(), size.get() + 2);
    assert_sound(&store, place).await;
    store.close().await;
}

async fn unusable_things_are_refused(place: &Place) {
    let store = place.open().await;
    let at = store.now();
    let (made, batch) = sample::credential(at);
    store.commit(batch).await.unwrap();
    let (known, batch) = sample::account(at, &made);
    store.commit(batch).await.unwrap();
    assert_eq!(
        conflict(&store, sample::account(at, &made).1).await,
        Conflict::CredentialUnusable { id: made.id.clone() }
    );
    let mut same_key = known.clone();
    same_key.id = bailiwick_core::names::AccountId::parse(&sample::id("account")).unwrap();
    let fact = Fact::AccountRegistered(Box::new(same_key));
    assert_eq!(
        conflict(&store, sample::batch(vec![sample::entry(at, sample::DRIVER, fact)])).await,
        Conflict::AccountKeyUsed { thumbprint: known.thumbprint }
    );

    store.commit(sample::crl(at, 7).1).await.unwrap();
    for number in [6, 7] {
        let refused = Conflict::CrlNumber { issuer: sample::issuer(), number };
        assert_eq!(conflict(&store, sample::crl(at, number).1).await, refused);
    }
    let session = SessionId::parse("nobodys").unwrap();
    let fact = Fact::SignedOut { session };
    assert!(matches!(
        conflict(&store, sample::batch(vec![sample::entry(at, sample::DRIVER, fact)])).await,
        Conflict::Missing { table: "session", .. }
    ));
    let (digest, octets) = (Digest::of(b"one"), b"another".to_vec());
    let evidence = Work::PutEvidence { digest, kind: "crl", octets };
    let batch = Batch { work: vec![evidence], ..Batch::default() };
    assert_eq!(conflict(&store, batch).await, Conflict::EvidenceDigest { digest });
    let hash = Digest::of(b"unknown");
    let batch = Batch { work: vec![Work::SpendLink { hash }], ..Batch::default() };
    assert_eq!(conflict(&store, batch).await, Conflict::LinkSpent);
    let later = at.plus_ms(HOUR_MS);
    assert!(matches!(conflict(&store, sample::denied(later, "x")).await, Conflict::Future { .. }));

    // Three batches were good, with one leaf each.
    assert_eq!(store.head().await.unwrap().size.get(), 3);
    assert_sound(&store, place).await;
    store.close().await;
}

async fn nothing_is_stored_without_a_signature(place: &Place) {
    let store = place.open().await;
    store.commit(sample::denied(store.now(), "before")).await.unwrap();
    let before = counts(place).await;
    place.signer.fail(true);
    let tries = (0..8).map(|n| store.commit(sample::denied(store.now(), &format!("lost/{n}"))));
    for result in futures::future::join_all(tries).await {
        let refused = matches!(result, Err(CommitError::Unavailable(Unavailable::Signer(_))));
        assert!(refused, "{result:?}");
    }
    assert_eq!(counts(place).await, before);
    place.signer.fail(false);
    store.commit(sample::denied(store.now(), "after")).await.unwrap();
    assert_sound(&store, place).await;
    store.close().await;
}

async fn time_never_runs_back(place: &Place) {
    let store = place.open().await;
    let now = store.now();
    store.commit(sample::denied(now, "first")).await.unwrap();
    place.clock.go(-2 * HOUR_MS);
    assert_eq!(store.now(), now, "the store's time stands still until the clock catches up");
    let earlier = now.plus_ms(-HOUR_MS);
    let (session, batch) = sample::signed_in(earlier);
    let committed = store.commit(batch).await.unwrap();
    let stored = store.entry(committed.first_index).await.unwrap().unwrap();
    assert_eq!(stored.at, now);
    // The row says what the leaf says, not what was handed in.
    assert_eq!(store.session(&session).await.unwrap().unwrap().at, now);
    assert_sound(&store, place).await;
    store.close().await;
}

async fn a_late_approval_is_refused(place: &Place) {
    let store = place.open().await;
    let at = store.now();
    let (_, batch) = sample::envelope(at, None);
    let Fact::Change { event, .. } = &batch.entries[1].fact else { panic!("a change") };
    let Event::Validated { plan, .. } = &**event else { panic!("a plan") };
    let step = plan.steps()[0].clone();
    let until = at.plus_ms(5_000);
    let approve = |later| {
        let (step, store): (Step, _) = (step.clone(), store.clone());
        async move {
            let plan = Plan::of(step);
            let mut story = sample::Story::new();
            let mut entries = vec![story.request(at), story.validate(at, &plan)];
            entries.push(story.approval(at, &plan, until));
            store.commit(sample::batch(entries)).await.unwrap();
            // Decided in time, but somebody else's leaf is later already.
            store.commit(sample::denied(later, "later")).await.unwrap();
            let approved = story.approve(at, &plan, 1);
            let refused = Conflict::ApprovalExpired { id: story.id.clone() };
            (store.commit(sample::batch(vec![approved])).await, refused)
        }
    };
    let (result, _) = approve(at.plus_ms(1_000)).await;
    result.unwrap();
    let (result, refused) = approve(at.plus_ms(6_000)).await;
    match result {
        Err(CommitError::Conflict(conflict)) => assert_eq!(conflict, refused),
        other => panic!("{other:?}"),
    }
    assert_sound(&store, place).await;
    store.close().await;
}

async fn too_large_is_refused(place: &Place) {
    let store = place.open().await;
    let at = store.now();
    let result = store.commit(sample::denied(at, &"x".repeat(65_536))).await;
    assert!(matches!(result, Err(CommitError::TooLarge { what: "the entry", .. })), "{result:?}");
    let largest = (0..65_535_usize).rev().find_map(|length| {
        let batch = sample::denied(at, &"x".repeat(length));
        bailiwick_wire::record::encode(&batch.entries[0]).is_ok().then_some(batch)
    });
    let committed = store.commit(largest.unwrap()).await.unwrap();
    let octets = store.entry_octets(committed.first_index, 1).await.unwrap();
    assert_eq!(octets[0].1.len(), 65_535);
    let many = (0..1_025).map(|_| sample::denied(at, "x").entries.remove(0)).collect();
    let result = store.commit(sample::batch(many)).await;
    assert!(matches!(result, Err(CommitError::TooLarge { what: "the batch", .. })), "{result:?}");
    assert_eq!(store.entry(LeafIndex::new(1).unwrap()).await.unwrap(), None);
    assert_sound(&store, place).await;
    store.close().await;
}
