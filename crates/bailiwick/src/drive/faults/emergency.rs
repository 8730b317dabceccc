//! What an hour does to an emergency of a zone, on a clock of the test's own (REN-8).

use std::sync::Arc;

use bailiwick_connect::keys::SubjectPair;
use bailiwick_core::actor::SignedIn;
use bailiwick_core::certificate::SanSet;
use bailiwick_core::change::{Change, Event};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::gate::EmergencyOf;
use bailiwick_core::names::{PersonId, ProfileId, SanName, ServiceId};
use bailiwick_core::records::{OwnerName, RecordType};
use bailiwick_core::time::MINUTE_MS;

use super::scene::open_in;
use super::watched::TestClock;
use crate::app::{Asking, EmergencyVerb, Live, NewEmergency, NewZoneEmergency};
use crate::world::{SystemRandom, World};

fn by(person: &str) -> SignedIn {
    SignedIn::alone(PersonId::parse(person).unwrap())
}

fn asking(person: &str) -> Asking {
    Asking { by: by(person), session: None, token: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ren_8_an_emergency_of_a_zone_is_over_after_an_hour_and_its_review_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::new());
    let world = World { clock: clock.clone(), random: Arc::new(SystemRandom), ..World::system() };
    let opened = open_in(folder.path(), None, world).await;
    let app = &opened.app;
    let zone = ZoneKey::parse("shop.example").unwrap();
    let wanted = NewZoneEmergency {
        zone: zone.clone(),
        owner: OwnerName::parse("www.shop.example").unwrap(),
        kind: RecordType::A,
        rdata: vec![vec![127, 0, 0, 9]],
        ttl_seconds: None,
        reason: "the old address is gone".to_owned(),
    };
    let loaded = app.declare_zone_emergency(&asking("dana"), wanted).await.unwrap();
    let Change::Awaiting(waiting) = &loaded.change else { panic!("{:#?}", loaded.change) };
    let shown = *waiting.plan.digest().digest();
    let approve = async |person: &str| app.approve(&by(person), &loaded.id, shown, "").await;
    assert!(approve("dana").await.is_err(), "the author approved");
    let first = approve("pia").await.unwrap();
    assert_eq!(first.change.name(), "awaiting-approval", "one is not enough");
    clock.forward_ms(61 * MINUTE_MS);
    let late = approve("dov").await.unwrap_err().to_string();
    assert!(late.contains("could be approved until"), "{late}");
    app.expire_changes().await.unwrap();
    assert_eq!(app.load_change(&loaded.id).await.unwrap().change.name(), "expired");
    // The review stays open, and nobody closes it who asked or approved.
    let open = app.emergencies(&asking("sol"), true).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].emergency.of, EmergencyOf::Zone(zone));
    assert_eq!(open[0].emergency.accountable.as_str(), "pia");
    for person in ["dana", "pia"] {
        let closed = app.review_emergency(&asking(person), &loaded.id, true, "I looked").await;
        assert!(closed.is_err(), "{person} reviewed it");
    }
    let closed = app.review_emergency(&asking("sol"), &loaded.id, false, "nobody came").await;
    assert!(closed.unwrap().review.is_some());
    let differing = app.store.fsck().await.unwrap();
    assert!(differing.is_empty(), "{differing:#?}");
}

/// REN-8, MIS-2: two people stand for what the pattern of the zone asks others for, and for no other rule.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ren_8_the_rules_of_issuing_hold_in_an_emergency() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open_in(folder.path(), None, World::system()).await;
    let app = &opened.app;
    let names = SanSet::new([SanName::parse("api.pay.example").unwrap()]).unwrap();
    let csr = SubjectPair::fresh().unwrap().request(&names).unwrap();
    let wanted = || NewEmergency {
        service: ServiceId::parse("pay-api").unwrap(),
        verb: EmergencyVerb::Issue {
            csr: csr.clone(),
            profile: ProfileId::parse("tls-server").unwrap(),
            issuer: None,
        },
        reason: "the disk is gone".to_owned(),
    };
    let asked = app.declare_emergency(&asking("pat"), wanted()).await.unwrap();
    assert_eq!(asked.change.name(), "awaiting-approval", "a central zone is no obstacle");
    let live = app.live.get();
    let mut estate = live.estate().clone();
    estate.services.values_mut().for_each(|it| it.ownership = None);
    let seen = Some(std::collections::BTreeMap::new());
    let unowned = Live::new(estate, live.history().clone(), live.digest, seen).unwrap();
    app.live.set(unowned);
    let asked = app.declare_emergency(&asking("pat"), wanted()).await.unwrap();
    assert_eq!(asked.change.name(), "refused");
    let events = app.store.change_events(&asked.id).await.unwrap();
    let said = events.iter().any(|stored| {
        matches!(&stored.event, Event::Refused { prechecks, .. }
            if prechecks.iter().any(|one| one.saw.contains("rule ownership-unverified")))
    });
    assert!(said, "{events:#?}");
}
