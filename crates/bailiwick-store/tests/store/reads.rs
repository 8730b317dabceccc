//! What was stored comes out again, as the type it went in.

use bailiwick_core::gate::{AccountStatus, AuthorizationStatus};
use bailiwick_core::ledger::{
    Growth, LeafIndex, Tile, TileSet, TreeSize, consistency_proof, consistency_tiles,
    inclusion_proof, inclusion_tiles,
};
use bailiwick_core::names::Digest;
use bailiwick_core::record::{Batch, Fact, Notice, Work};
use bailiwick_core::time::{HOUR_MS, Time};
use bailiwick_store::{After, CertificateFilter, CertificateOrder, ChangeFilter, Store};

use crate::engine::Place;
use crate::sample;

crate::both! {
    what_stands_at_the_gate_is_read,
    pages_hold_everything_once,
    people_and_policy_are_read,
    tiles_give_proofs,
}

async fn what_stands_at_the_gate_is_read(place: &Place) {
    let store = place.open().await;
    let at = store.now();
    let (made, batch) = sample::credential(at);
    store.commit(batch).await.unwrap();
    assert_eq!(store.credential(&made.id).await.unwrap().as_ref(), Some(&made));
    let sealed = store.credential_secret(&made.id).await.unwrap();
    assert_eq!(sealed.as_deref(), Some(b"sealed".as_slice()));
    let (account, batch) = sample::account(at, &made);
    store.commit(batch).await.unwrap();
    assert_eq!(store.account(&account.id).await.unwrap().as_ref(), Some(&account));
    let mut makers = vec![(account.service.clone(), account.made_by.clone())];
    makers.extend(account.chain.iter().map(|person| (account.service.clone(), person.clone())));
    assert_eq!(store.makers_of_accounts().await.unwrap(), makers);
    assert_eq!(store.account_by_key(&account.thumbprint).await.unwrap().as_ref(), Some(&account));
    let bound = store.credential(&made.id).await.unwrap().unwrap();
    assert_eq!(bound.account.as_ref(), Some(&account.id));
    assert_eq!(store.credentials(Some(&sample::service()), None, 10).await.unwrap(), [bound]);

    let (order, authz, batch) = sample::order(at, &account);
    store.commit(batch).await.unwrap();
    assert_eq!(store.order(&order.id).await.unwrap().as_ref(), Some(&order));
    assert_eq!(store.authorization(&authz.id).await.unwrap().as_ref(), Some(&authz));
    assert_eq!(store.orders_of(&account.id, None, 10).await.unwrap(), std::slice::from_ref(&order));
    assert_eq!(store.orders_of(&account.id, Some(&order.id), 10).await.unwrap(), []);
    assert_eq!(store.pending_authorizations(None, 10).await.unwrap(), std::slice::from_ref(&authz));
    let decided = store.decision(&order.decision).await.unwrap().unwrap();
    assert_eq!((decided.at, decided.decision.action.as_str()), (at, "issue"));
    let valid = |now| store.valid_authorizations(&account.id, &authz.name, now);
    assert_eq!(valid(at).await.unwrap(), []);
    store.commit(sample::validated(at, &order, &authz)).await.unwrap();
    let now_valid = valid(at).await.unwrap();
    assert_eq!(now_valid.len(), 1);
    assert_eq!(now_valid[0].status, AuthorizationStatus::Valid);
    assert_eq!(valid(authz.expires_at).await.unwrap(), [], "its end has come");
    let seen = store.validations(&account.id, &authz.name, 10).await.unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(store.validation(&authz.id).await.unwrap().as_ref(), seen.first());
    assert_eq!(store.pending_authorizations(None, 10).await.unwrap(), []);

    let (envelope, batch) = sample::envelope(at, Some(3));
    store.commit(batch).await.unwrap();
    assert_eq!(store.envelope(&envelope.id).await.unwrap().as_ref(), Some(&envelope));
    store.commit(sample::envelope_end(at, &envelope)).await.unwrap();
    let all = store.envelopes_of_service(&sample::service()).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].ended.as_ref().map(|end| end.why.as_str()), Some("the service moved"));

    let status = AccountStatus::Deactivated;
    let fact = Fact::AccountEnded { account: account.id.clone(), status };
    store.commit(sample::batch(vec![sample::entry(at, sample::DRIVER, fact)])).await.unwrap();
    assert_eq!(store.account(&account.id).await.unwrap().unwrap().status, status);
    let about = store.entries_of(&format!("account/{}", account.id)).await.unwrap();
    assert_eq!(about.len(), 2);
    store.close().await;
}

async fn pages_hold_everything_once(place: &Place) {
    let store = place.open().await;
    let at = store.now();
    for n in 0..23 {
        // Some at the same moment: the key decides then.
        let moment = at.plus_ms(n / 4);
        store.commit(sample::issuance(moment, &["www.shop.example"]).1).await.unwrap();
    }
    for order in [CertificateOrder::NewestFirst, CertificateOrder::EndingFirst] {
        let filter = CertificateFilter { order, ..CertificateFilter::default() };
        let whole = store.certificates(&filter, None, 1_000).await.unwrap();
        assert_eq!((whole.items.len(), whole.next), (23, None));
        let mut paged = Vec::new();
        let mut after: Option<After> = None;
        loop {
            let page = store.certificates(&filter, after, 5).await.unwrap();
            paged.extend(page.items);
            // Through the text that stands in a link.
            after = page.next.map(|next| After::parse(&next.to_string()).unwrap());
            if after.is_none() {
                break;
            }
        }
        assert_eq!(paged, whole.items);
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.changes(&ChangeFilter::default(), after, 4).await.unwrap();
        seen.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 23);
    assert!(seen.is_sorted_by(|one, two| one.updated_at >= two.updated_at));
    // Whoever issues for no account may write records, too; one that moved before is left out.
    let mut writing = store.changes_of_records(seen[22].updated_at).await.unwrap();
    assert_eq!(writing, seen);
    writing = store.changes_of_records(seen[0].updated_at.plus_ms(1)).await.unwrap();
    assert_eq!(writing, []);
    let row = store.change_row(&seen[0].request.id).await.unwrap();
    assert_eq!(row.as_ref(), Some(&seen[0]));
    assert_eq!(
        (row.as_ref().unwrap().events, row.as_ref().unwrap().kind.as_str()),
        (6, "issue-certificate")
    );
    let events = store.change_events(&seen[0].request.id).await.unwrap();
    assert_eq!(events.len(), 6);
    assert_eq!(events[5].state, "closed");
    for filter in [
        ChangeFilter { state: Some("executing".to_owned()), ..ChangeFilter::default() },
        ChangeFilter { kind: Some("edit-estate".to_owned()), ..ChangeFilter::default() },
    ] {
        assert!(store.changes(&filter, None, 10).await.unwrap().items.is_empty());
    }
    assert_eq!(store.change_counts().await.unwrap(), [("closed".to_owned(), 23)]);
    let newest = store.entries_before(None, 3).await.unwrap();
    assert_eq!(newest[0].index.get(), 23 * 6 - 1);
    assert!(After::parse("nothing").is_err());
    store.close().await;
}

async fn people_and_policy_are_read(place: &Place) {
    let store = place.open().await;
    let at = store.now();
    let (session, mut batch) = sample::signed_in(at);
    let hash = Digest::of(b"cookie");
    batch.work.push(Work::PutSessionSecret { session: session.clone(), hash });
    store.commit(batch).await.unwrap();
    let row = store.session_by_secret(&hash).await.unwrap().unwrap();
    assert_eq!((&row.id, row.ended, row.expires_at), (&session, false, at.plus_ms(HOUR_MS)));
    assert_eq!(row.chain, [sample::person("root")]);
    assert_eq!(store.session_by_secret(&Digest::of(b"other")).await.unwrap(), None);
    let fact = Fact::SignedOut { session: session.clone() };
    store.commit(sample::batch(vec![sample::entry(at, sample::by("ada"), fact)])).await.unwrap();
    assert!(store.session(&session).await.unwrap().unwrap().ended);

    let (token, hash, batch) = sample::token(at);
    store.commit(batch).await.unwrap();
    let row = store.token_by_secret(&hash).await.unwrap().unwrap();
    assert_eq!((&row.id, row.revoked_at), (&token, None));
    let fact = Fact::TokenRevoked { token: token.clone() };
    store.commit(sample::batch(vec![sample::entry(at, sample::by("ada"), fact)])).await.unwrap();
    assert_eq!(store.token(&token).await.unwrap().unwrap().revoked_at, Some(at));
    assert_eq!(store.tokens_of(&sample::person("ada")).await.unwrap().len(), 1);

    assert_eq!(store.active_estate().await.unwrap(), None);
    let (one, batch) = sample::estate(at, None, b"estate one");
    store.commit(batch).await.unwrap();
    let (two, batch) = sample::estate(at, Some(one), b"estate two");
    store.commit(batch).await.unwrap();
    assert_eq!(store.active_estate().await.unwrap().unwrap().digest, two);
    let history: Vec<Digest> =
        store.estate_history().await.unwrap().into_iter().map(|one| one.digest).collect();
    assert_eq!(history, [one, two]);
    let evidence = store.evidence(&one).await.unwrap().unwrap();
    assert_eq!(
        (evidence.kind.as_str(), evidence.octets.as_slice()),
        ("estate/v1", b"estate one".as_slice())
    );

    assert_eq!(store.crl_number_max(&sample::issuer()).await.unwrap(), 0);
    let (digest, batch) = sample::crl(at, 12);
    store.commit(batch).await.unwrap();
    let crl = store.latest_crl(&sample::issuer()).await.unwrap().unwrap();
    assert_eq!((crl.number, crl.digest), (12, digest));

    for n in 0..3 {
        let decision = Box::new(sample::decision("approve"));
        let fact = Fact::Decided { decision, change: None };
        let moment = at.plus_ms(n);
        store
            .commit(sample::batch(vec![sample::entry(moment, sample::DRIVER, fact)]))
            .await
            .unwrap();
    }
    let page = store.decisions(Some(true), None, 2).await.unwrap();
    assert_eq!(page.items.len(), 2);
    let rest = store.decisions(Some(true), page.next.as_ref(), 2).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    assert!(store.decisions(Some(false), None, 2).await.unwrap().items.is_empty());

    notices_are_given_up_and_forgotten(&store, at).await;
    store.close().await;
}

async fn notices_are_given_up_and_forgotten(store: &Store, at: Time) {
    let notice = Notice {
        to: sample::person("bob"),
        subject: "approve the change".to_owned(),
        page: "/changes/1".to_owned(),
    };
    let batch = Batch { notices: vec![notice.clone(), notice.clone()], ..Batch::default() };
    store.commit(batch).await.unwrap();
    let waiting = store.outbox(0, 10).await.unwrap();
    assert_eq!(waiting.iter().map(|one| &one.notice).collect::<Vec<_>>(), [&notice, &notice]);
    store.mark_sent(waiting[0].id, at).await.unwrap();
    assert_eq!(store.outbox(0, 10).await.unwrap(), waiting[1..]);
    assert_eq!(store.outbox(waiting[0].id, 10).await.unwrap(), waiting[1..]);
    assert_eq!(store.outbox(waiting[1].id, 10).await.unwrap(), []);
    // What is old is given up, and what is over is deleted, but for the one that numbers count from.
    store.give_up_notices(waiting[1].at, at).await.unwrap();
    assert_eq!(store.outbox(0, 10).await.unwrap(), waiting[1..], "not old enough");
    store.give_up_notices(waiting[1].at.plus_ms(1), at).await.unwrap();
    assert_eq!(store.outbox(0, 10).await.unwrap(), []);
    assert_eq!(store.forget_notices(at, 10).await.unwrap(), 0, "not long enough ago");
    assert_eq!(store.forget_notices(at.plus_ms(1), 10).await.unwrap(), 1);
    let batch = Batch { notices: vec![notice], ..Batch::default() };
    store.commit(batch).await.unwrap();
    assert_eq!(store.outbox(0, 10).await.unwrap()[0].id, waiting[1].id + 1);
}

async fn tiles_give_proofs(place: &Place) {
    let store = place.open().await;
    let commits = (0..700).map(|n| store.commit(sample::denied(store.now(), &format!("{n}"))));
    for result in futures::future::join_all(commits).await {
        result.unwrap();
    }
    let head = store.head().await.unwrap();
    assert_eq!(head.size.get(), 700);
    for leaf in [0, 255, 256, 511, 512, 699] {
        let leaf = LeafIndex::new(leaf).unwrap();
        let tiles = tiles(&store, inclusion_tiles(leaf, head.size).unwrap(), head.size).await;
        let proof = inclusion_proof(leaf, head.size, &tiles).unwrap();
        let hash = store.leaf_hashes(leaf, 1).await.unwrap()[0];
        proof.verify(&hash, &head).unwrap();
    }
    for old in store.checkpoints(TreeSize::EMPTY, 1_000).await.unwrap() {
        let growth = Growth { from: old.head.size, to: head.size };
        let tiles = tiles(&store, consistency_tiles(growth).unwrap(), head.size).await;
        let proof = consistency_proof(growth, &tiles).unwrap();
        proof.verify(&Growth { from: old.head, to: head }).unwrap();
    }
    let beyond = Tile::parse("tile/0/003").unwrap();
    assert_eq!(store.tile(beyond).await.unwrap(), None);
    let wider = Tile::parse("tile/0/002.p/189").unwrap();
    assert_eq!(store.tile(wider).await.unwrap(), None, "the ledger is not that far");
    assert_eq!(store.checkpoint().await.unwrap().unwrap().head, head);
    store.close().await;
}

async fn tiles(
    store: &Store,
    ids: impl IntoIterator<Item = bailiwick_core::ledger::TileId>,
    size: TreeSize,
) -> TileSet {
    let mut set = TileSet::default();
    for id in ids {
        let tile = id.in_tree(size).unwrap();
        set.insert(id, store.tile(tile).await.unwrap().unwrap());
    }
    set
}
