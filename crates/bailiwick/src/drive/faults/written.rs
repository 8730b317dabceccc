//! Which sets changes of ours wrote is found behind any number of orders (CAA-5).

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::caa::CaaRecord;
use bailiwick_core::change::planner::{caa_rdata, of_zone};
use bailiwick_core::change::{IssueCertificate, Step};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::{ChangeId, DnsName};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};

use super::scene::{approved_for, certificate, issued_by, open};
use crate::app::App;

/// More than fit on any page of changes that anybody looks through.
const ORDERS: usize = 150;

fn id(app: &App) -> ChangeId {
    ChangeId::parse(&app.world.id().unwrap()).unwrap()
}

/// Puts this set in place of another one.
fn edit(issuer: &str) -> RecordEdit {
    let set = |value: &str| RRset::new(60, [caa_rdata(0, "issue", value).unwrap()]);
    let owner = OwnerName::parse("shop.example").unwrap();
    RecordEdit::new(owner, RecordType::CAA, set("before.example"), set(issuer)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caa_5_an_edit_of_ours_stays_ours_however_many_orders_come_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path()).await;
    let app = &opened.app;
    let begin = app.now();
    let zone = ZoneKey::parse("shop.example").unwrap();
    let lab = || Actor::Component(Component::Lab);
    let plan = of_zone(&zone, vec![edit("after.example")], "a test".to_owned(), 60).unwrap();
    let ours = id(app);
    approved_for(app, &ours, lab(), plan.steps(), Vec::new()).await;
    // A certificate that no account asked for may have records behind it.
    let joint = issued_by(app, IssueCertificate { account: None, ..certificate() }).await;
    for n in 0..ORDERS {
        if n == 0 {
            issued_by(app, certificate()).await;
        }
        approved_for(app, &id(app), lab(), &[Step::IssueCertificate(certificate())], Vec::new())
            .await;
    }
    let found = app.store.changes_of_records(begin).await.unwrap();
    let found: Vec<&ChangeId> = found.iter().map(|row| &row.request.id).collect();
    assert_eq!(found, [&ours, &joint], "and no order");
    let written = app.written_by_changes(&zone, begin).await.unwrap();
    let record = CaaRecord { flags: 0, tag: b"issue".to_vec(), value: b"after.example".to_vec() };
    let owner = DnsName::parse("shop.example").unwrap();
    assert_eq!(written.get(&owner), Some(&vec![vec![record]]));
    let other = ZoneKey::parse("pay.example").unwrap();
    assert!(app.written_by_changes(&other, begin).await.unwrap().is_empty());
}
