//! A store that an older Bailiwick made is opened, and everything in it is still found.

use bailiwick_store::ChangeFilter;

use crate::engine::{Place, assert_sound};
use crate::sample;

crate::both! {
    a_store_from_before_the_lean_tables_moves,
    a_store_from_before_the_use_of_issuers_learns_it,
}

/// Takes the step `lean` back: the tables as they were, out of the same leaves.
const BEFORE: &str = "
    CREATE TABLE decision_before (
        id TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL, action TEXT NOT NULL, allowed BIGINT NOT NULL,
        policy BYTES NOT NULL, facts TEXT NOT NULL, reasons TEXT NOT NULL, rule TEXT NOT NULL);
    INSERT INTO decision_before (id, at, action, allowed, policy, facts, reasons, rule)
        SELECT d.id, d.at, d.action, d.allowed, d.policy, DECIDED(facts), DECIDED(reasons), d.rule
        FROM decision AS d JOIN entry AS e ON e.idx = d.idx;
    DROP TABLE decision;
    ALTER TABLE decision_before RENAME TO decision;
    CREATE INDEX decision_by_time ON decision (at, id);
    DROP INDEX change_not_closed;
    CREATE INDEX change_by_state ON change (state, updated_at, id);
    CREATE TABLE certificate_before (
        fingerprint BYTES NOT NULL PRIMARY KEY, issuer TEXT NOT NULL, serial BYTES NOT NULL,
        spki BYTES NOT NULL, names TEXT NOT NULL, not_before BIGINT NOT NULL, not_after BIGINT NOT NULL,
        profile TEXT NOT NULL, service TEXT NOT NULL, account TEXT, order_id TEXT, envelope TEXT,
        change TEXT NOT NULL, der BYTES NOT NULL, issued_at BIGINT NOT NULL, UNIQUE (issuer, serial));
    INSERT INTO certificate_before SELECT * FROM certificate;
    DROP TABLE certificate;
    ALTER TABLE certificate_before RENAME TO certificate;
    CREATE INDEX certificate_by_serial ON certificate (serial);
    CREATE INDEX certificate_by_issue ON certificate (issued_at, fingerprint);
    CREATE INDEX certificate_by_end ON certificate (not_after, fingerprint);
    CREATE INDEX certificate_by_start ON certificate (not_before);
    CREATE INDEX certificate_by_service ON certificate (service, issued_at, fingerprint);
    CREATE INDEX certificate_by_change ON certificate (change);
    CREATE INDEX certificate_by_envelope ON certificate (envelope, issued_at) WHERE envelope IS NOT NULL;
    CREATE INDEX certificate_by_account ON certificate (account, issued_at) WHERE account IS NOT NULL;
    DROP INDEX acme_authorization_valid;
    DROP INDEX acme_authorization_pending;
    DROP INDEX acme_authorization_invalid;
    CREATE INDEX acme_order_by_status ON acme_order (status, id);
    CREATE INDEX acme_order_by_change ON acme_order (change) WHERE change IS NOT NULL;
    CREATE INDEX acme_authorization_by_name ON acme_authorization (account, name, status, expires_at);
    CREATE INDEX acme_authorization_by_status ON acme_authorization (status, id);
    CREATE INDEX acme_authorization_by_account ON acme_authorization (account, status, id);
";

/// A step, whatever its number is, as the store spells it. Steps behind it are left as they are.
fn step(place: &Place, name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let end = format!("_{name}.sql");
    let file = files.find(|path| path.to_str().unwrap().ends_with(&end)).unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    if place.is_sqlite() {
        let decided = "json_extract(CAST(e.body AS TEXT), '$.data.decision.id')";
        text.replace("DECIDED_IN(e.body)", decided).replace("BIGINT", "INTEGER")
    } else {
        let decided = "convert_from(e.body, 'UTF8')::jsonb #>> '{data,decision,id}'";
        text.replace("TEXT", "TEXT COLLATE \"C\"").replace("DECIDED_IN(e.body)", decided)
    }
}

fn before(place: &Place) -> String {
    let decided = |field: &str| {
        if place.is_sqlite() {
            format!("json_extract(CAST(e.body AS TEXT), '$.data.decision.{field}')")
        } else {
            format!("convert_from(e.body, 'UTF8')::jsonb #>> '{{data,decision,{field}}}'")
        }
    };
    let text = BEFORE
        .replace("DECIDED(facts)", &decided("facts"))
        .replace("DECIDED(reasons)", &decided("reasons"));
    // As the steps spell texts: PostgreSQL shall compare them by octets.
    if place.is_sqlite() { text } else { text.replace(" TEXT", " TEXT COLLATE \"C\"") }
}

async fn a_store_from_before_the_lean_tables_moves(place: &Place) {
    let store = place.open().await;
    for _ in 0..3 {
        for batch in sample::life(store.now()) {
            store.commit(batch).await.unwrap();
        }
    }
    let (issued, batch) = sample::issuance(store.now(), &["a.shop.example"]);
    store.commit(batch).await.unwrap();
    let decisions = store.decisions(None, None, 100).await.unwrap().items;
    assert!(!decisions.is_empty());
    let counted = store.change_counts().await.unwrap();
    store.close().await;

    place.sql(&before(place)).await;
    place.sql(&step(place, "lean")).await;
    let again = place.open().await;
    assert_sound(&again, place).await;
    assert_eq!(again.decisions(None, None, 100).await.unwrap().items, decisions);
    for one in &decisions {
        assert_eq!(again.decision(&one.decision.id).await.unwrap().as_ref(), Some(one));
    }
    let found = again.certificate_by_serial(&issued.issuer, &issued.serial).await.unwrap();
    assert_eq!(found.map(|one| one.fingerprint), Some(issued.fingerprint));
    assert_eq!(again.change_counts().await.unwrap(), counted);
    for (state, count) in counted {
        let filter = ChangeFilter { state: Some(state), ..ChangeFilter::default() };
        let listed = again.changes(&filter, None, 100).await.unwrap().items.len();
        assert_eq!(u64::try_from(listed).unwrap(), count);
    }
    again.close().await;
}

async fn a_store_from_before_the_use_of_issuers_learns_it(place: &Place) {
    let store = place.open().await;
    for batch in sample::life(store.now()) {
        store.commit(batch).await.unwrap();
    }
    for names in [["a.b.shop.example", "*.shop.example"], ["shop.example", "other.example"]] {
        let (_, batch) = sample::issuance(store.now(), &names);
        store.commit(batch).await.unwrap();
    }
    store.close().await;
    let rows = "SELECT COUNT(*) FROM issuer_use";
    let before = place.numbers(rows).await;
    assert!(before[0] >= 3, "{before:?}");

    place.sql("DROP TABLE issuer_use").await;
    place.sql(&step(place, "issuer_use")).await;
    assert_eq!(place.numbers(rows).await, before);
    let again = place.open().await;
    assert_sound(&again, place).await;
    again.close().await;
}
