//! Certificates in lists.

use bailiwick_core::change::IssuedCertificate;
use bailiwick_core::names::{CertFingerprint, DnsName};
use bailiwick_core::record::Batch;
use bailiwick_core::time::{HOUR_MS, Time};
use bailiwick_store::{CertificateFilter, CertificateOrder, NamePart, Store};

use crate::engine::Place;
use crate::sample;

crate::both! {
    certificates_are_found,
    revoked_ones_are_told_apart,
    common_names_are_found_too,
    what_was_issued_below_a_name_is_told,
}

/// Four certificates, issued one after the other.
async fn four(store: &Store, at: Time) -> Vec<IssuedCertificate> {
    let mut all = Vec::new();
    for (n, names) in [
        ["www.shop.example", "*.shop.example"].as_slice(),
        &["mail.shop.example"],
        &["shop.example", "a.b.shop.example"],
        &["www.workshop.example"],
    ]
    .into_iter()
    .enumerate()
    {
        let issued_at = at.plus_ms(i64::try_from(n).unwrap());
        let (issued, batch) = sample::issuance(issued_at, names);
        store.commit(batch).await.unwrap();
        all.push(issued);
    }
    all
}

async fn list(store: &Store, filter: CertificateFilter) -> Vec<IssuedCertificate> {
    let page = store.certificates(&filter, None, 100).await.unwrap();
    page.items.into_iter().map(|row| row.certificate).collect()
}

async fn certificates_are_found(place: &Place) {
    let store = place.open().await;
    let all = four(&store, store.now()).await;
    for one in &all {
        assert_eq!(store.certificate(&one.fingerprint).await.unwrap().as_ref(), Some(one));
        let by_serial = store.certificate_by_serial(&one.issuer, &one.serial).await.unwrap();
        assert_eq!(by_serial.as_ref(), Some(one));
        assert_eq!(
            store.certificates_by_serial(&one.serial).await.unwrap(),
            std::slice::from_ref(one)
        );
        let of_change = store.certificates_of_change(&one.change).await.unwrap();
        assert_eq!(of_change.len(), 1);
    }
    let unknown = CertFingerprint::of(b"unknown");
    assert_eq!(store.certificate(&unknown).await.unwrap(), None);
    let list = |filter| list(&store, filter);
    let pick = |which: &[usize]| which.iter().map(|n| all[*n].clone()).collect::<Vec<_>>();
    let named = |name| CertificateFilter { name: Some(name), ..CertificateFilter::default() };
    assert_eq!(list(CertificateFilter::default()).await, pick(&[3, 2, 1, 0]));
    let below = named(NamePart::AtOrBelow("shop.example".to_owned()));
    assert_eq!(list(below).await, pick(&[2, 1, 0]), "workshop.example is another name");
    let below = named(NamePart::AtOrBelow("b.Shop.example".to_owned()));
    assert_eq!(list(below).await, pick(&[2]));
    for (text, found) in [
        ("workshop", [3].as_slice()),
        ("ww.shop.ex", &[0]),
        ("SHOP.example", &[3, 2, 1, 0]),
        ("b.shop", &[2]),
        ("a.shop", &[]),
    ] {
        let inside = named(NamePart::Contains(text.to_owned()));
        assert_eq!(list(inside).await, pick(found), "{text}");
    }
    let nothing = named(NamePart::Contains("w%w".to_owned()));
    assert_eq!(list(nothing).await, []);
    let ends = CertificateFilter::new(None, None, Some(all[2].not_after), None);
    assert_eq!(ends.order, CertificateOrder::EndingFirst);
    assert_eq!(list(ends).await, pick(&[0, 1]));
    store.close().await;
}

async fn revoked_ones_are_told_apart(place: &Place) {
    let store = place.open().await;
    let all = four(&store, store.now()).await;
    store.commit(sample::revocation(store.now(), &all[1])).await.unwrap();
    let list = |filter| list(&store, filter);
    let pick = |which: &[usize]| which.iter().map(|n| all[*n].clone()).collect::<Vec<_>>();
    let revoked = CertificateFilter { revoked: Some(true), ..CertificateFilter::default() };
    assert_eq!(list(revoked).await, pick(&[1]));
    let others = CertificateFilter { revoked: Some(false), ..CertificateFilter::default() };
    assert_eq!(list(others).await, pick(&[3, 2, 0]));

    let counts = store.certificate_counts(store.now(), all[2].not_after).await.unwrap();
    assert_eq!((counts.all, counts.in_date, counts.expiring, counts.revoked), (4, 3, 1, 1));
    let row = store.certificates(&CertificateFilter::default(), None, 100).await.unwrap();
    let reason = row.items[2].revoked.as_ref().unwrap();
    let stored = store.revocation(&all[1].issuer, &all[1].serial).await.unwrap();
    assert_eq!(stored.as_ref(), Some(reason));
    assert_eq!(store.last_revoked_at(&sample::issuer()).await.unwrap(), Some(reason.at));
    let issuer = sample::issuer();
    let listed = |now| store.revocations(&issuer, now);
    assert_eq!(listed(all[1].not_after).await.unwrap().len(), 1);
    assert_eq!(listed(all[1].not_after.plus_ms(1)).await.unwrap(), [], "it is over anyway");
    store.close().await;
}

/// More certificates than a rare name may have: both ways to find them give the same.
async fn common_names_are_found_too(place: &Place) {
    let store = place.open().await;
    let at = store.now();
    for round in 0..25 {
        let mut batch = Batch::default();
        for n in 0..84 {
            let name = format!("h{n}.r{round}.shop.example");
            let (_, one) = sample::issuance(at, &[&name]);
            batch.entries.extend(one.entries);
            batch.work.extend(one.work);
        }
        store.commit(batch).await.unwrap();
    }
    for name in [
        NamePart::AtOrBelow("shop.example".to_owned()),
        NamePart::Contains("shop".to_owned()),
        NamePart::Contains("p.ex".to_owned()),
    ] {
        let filter = CertificateFilter { name: Some(name), ..CertificateFilter::default() };
        let mut seen = 0;
        let mut after = None;
        loop {
            let page = store.certificates(&filter, after, 1_000).await.unwrap();
            seen += page.items.len();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, 25 * 84);
    }
    for (name, count) in [
        (NamePart::AtOrBelow("r7.shop.example".to_owned()), 84),
        (NamePart::AtOrBelow("7.shop.example".to_owned()), 0),
        (NamePart::Contains("h7.".to_owned()), 25),
    ] {
        let filter = CertificateFilter { name: Some(name), ..CertificateFilter::default() };
        assert_eq!(store.certificates(&filter, None, 1_000).await.unwrap().items.len(), count);
    }
    store.close().await;
}

async fn what_was_issued_below_a_name_is_told(place: &Place) {
    let store = place.open().await;
    let at = store.now().plus_ms(-3 * HOUR_MS);
    let all = four(&store, at).await;
    // The same names once more: each is told once.
    four(&store, at.plus_ms(60_000)).await;
    let end = all.iter().map(|one| one.not_after).max().unwrap().plus_ms(HOUR_MS);
    let name = |text| DnsName::parse(text).unwrap();
    for (apex, limit, found) in [
        (
            "shop.example",
            9,
            &[
                "shop.example",
                "*.shop.example",
                "a.b.shop.example",
                "mail.shop.example",
                "www.shop.example",
            ][..],
        ),
        ("shop.example", 2, &["shop.example", "*.shop.example", "a.b.shop.example"]),
        ("b.shop.example", 9, &["a.b.shop.example"]),
        ("workshop.example", 9, &["www.workshop.example"]),
        ("op.example", 9, &[]),
    ] {
        let in_date = store.names_in_date_below(&name(apex), at, limit).await.unwrap();
        assert_eq!(in_date, found, "{apex}");
        let over = store.names_in_date_below(&name(apex), end, limit).await.unwrap();
        assert!(over.is_empty(), "{apex}: {over:?}");
    }
    let last = |apex| {
        let (store, apex) = (&store, name(apex));
        async move { store.last_use_below(&apex).await.unwrap() }
    };
    let issuer = &all[0].issuer;
    // At the name itself to the millisecond, below it to the hour.
    let exactly = all[1].issued_at.plus_ms(60_000);
    assert_eq!(last("mail.shop.example").await, [(issuer.clone(), exactly)].into());
    for apex in ["example", "b.shop.example", "workshop.example"] {
        let used = last(apex).await;
        let [(by, hour)] = used.iter().collect::<Vec<_>>()[..] else { panic!("{apex}: {used:?}") };
        assert_eq!((by, hour.unix_ms() % HOUR_MS), (issuer, 0), "{apex}");
        assert!(exactly.ms_since(*hour) < 2 * HOUR_MS, "{apex}: {hour}");
    }
    assert!(last("op.example").await.is_empty());
    // What is used again an hour later is used then.
    let (later, batch) = sample::issuance(at.plus_ms(HOUR_MS), &["z.workshop.example"]);
    store.commit(batch).await.unwrap();
    let used = last("workshop.example").await[issuer];
    assert!((0..HOUR_MS).contains(&later.issued_at.ms_since(used)), "{used}");
    store.close().await;
}
