//! What is asked at every look, round and page is found by an index: SQLite is asked for its plan of each
//! statement that was really used.

use std::sync::{Arc, Mutex};

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::caa::LookupFailure;
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::ledger::TreeHead;
use bailiwick_core::names::{ChangeId, DnsName, IssuerId};
use bailiwick_core::record::{Batch, Entry, Fact};
use bailiwick_core::time::Time;
use bailiwick_core::watch::{Asked, Observation, Seen, Vantage};

use super::{Arg, Cell, Sql};
use crate::read::{ChangeFilter, FindingFilter};
use crate::{CheckpointSigner, Clock, SignFailed, Store, StoreUrl};

/// Every statement of this process, in order.
static USED: Mutex<Vec<String>> = Mutex::new(Vec::new());

pub(super) fn note(text: &str) {
    USED.lock().unwrap().push(text.to_owned());
}

struct Nobody;

impl CheckpointSigner for Nobody {
    fn sign(&self, _: TreeHead) -> Result<Vec<u8>, SignFailed> {
        Ok(b"a note".to_vec())
    }
}

impl Clock for Nobody {
    fn now(&self) -> Time {
        Time::from_unix_ms(1_800_000_000_000)
    }
}

/// Indexes that hold few rows: to go through one is to read what stands, what is open, or what is rare.
const FEW: [&str; 4] =
    ["finding_now", "certificate_for_a_change", "account_valid", "account_vouched"];

/// Whether a step of a plan goes through a table, or through an index that grows with it.
fn reads_all(step: &str) -> bool {
    step.starts_with("SCAN ") && !FEW.iter().any(|index| step.ends_with(index))
}

async fn plan(store: &Store, statement: &str) -> Vec<String> {
    let given = (1..=9).take_while(|n| statement.contains(&format!("${n}"))).map(|_| Arg::NoInt);
    let given: Vec<Arg<'_>> = given.collect();
    let sql = Sql::Built(format!("EXPLAIN QUERY PLAN {statement}"));
    let rows = store.inner.db.all(sql, &given).await.unwrap();
    let detail = |row: Vec<Cell>| match row.into_iter().next_back() {
        Some(Cell::Text(step)) => step,
        other => panic!("{other:?}"),
    };
    rows.into_iter().map(detail).collect()
}

/// A name that was seen differently.
async fn observe(store: &Store, zone: &ZoneKey) {
    let seen = Observation {
        zone: zone.clone(),
        owner: DnsName::parse("shop.example").unwrap(),
        asked: Asked::Caa,
        vantage: Vantage::authority(([192, 0, 2, 1], 53).into()),
        seen: Seen::Failed(LookupFailure::Timeout),
    };
    let by = Actor::Component(Component::Watch);
    let entry = Entry { at: store.now(), by, fact: Fact::Observed(Box::new(seen)) };
    store.commit(Batch { entries: vec![entry], ..Batch::default() }).await.unwrap();
}

#[tokio::test]
async fn what_is_asked_all_the_time_reads_no_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    let url = StoreUrl::sqlite(folder.path().join("bailiwick.db"));
    let store = Store::open(&url, Arc::new(Nobody), Arc::new(Nobody)).await.unwrap();
    let zone = ZoneKey::parse("shop.example").unwrap();
    let issuer = IssuerId::parse("house").unwrap();
    let change = ChangeId::parse("c1").unwrap();
    let now = store.now();
    let begin = USED.lock().unwrap().len();
    // A look at a zone.
    store.picture(&zone).await.unwrap();
    store.control_points(Some(&zone)).await.unwrap();
    store.canaries_in_zone(&zone).await.unwrap();
    store.canaries(Some(&issuer)).await.unwrap();
    store.open_incidents(&zone).await.unwrap();
    store.delegation(&zone).await.unwrap();
    store.changes_of_records(now).await.unwrap();
    let mut open = FindingFilter { open: true, ..FindingFilter::default() };
    store.findings(&open, 10).await.unwrap();
    open.zone = Some(zone.clone());
    store.findings(&open, 10).await.unwrap();
    // Rounds and pages.
    store.envelopes_in_force(now, 10).await.unwrap();
    store.change_of_upstream_order(&issuer, "https://ca.example/1", &change).await.unwrap();
    store.last_revoked_at(&issuer).await.unwrap();
    let kind = ChangeFilter { kind: Some("edit-estate".to_owned()), ..ChangeFilter::default() };
    store.changes(&kind, None, 10).await.unwrap();
    store.makers_of_accounts().await.unwrap();
    let read = USED.lock().unwrap().len();
    assert!(read - begin >= 16, "every question is noted");
    observe(&store, &zone).await;
    let used: Vec<String> = USED.lock().unwrap().drain(begin..).collect();
    let (read, written) = used.split_at(read - begin);
    let ended = written.iter().filter(|text| text.starts_with("UPDATE observation"));
    let asked: Vec<&String> = read.iter().chain(ended).collect();
    assert!(asked.len() > read.len(), "an observation ends another");
    for statement in asked {
        let steps = plan(&store, statement).await;
        assert!(!steps.iter().any(|step| reads_all(step)), "{statement}\n{steps:#?}");
    }
    // The history of one name is long, and what stands of it is one row.
    let end = written.iter().find(|text| text.starts_with("UPDATE observation")).unwrap();
    let steps = plan(&store, end).await;
    assert!(steps[0].contains("observation_current (zone=?"), "{steps:?}");
    store.close().await;
}
