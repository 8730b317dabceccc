//! What was seen and who answers for it: stored when it changes, found by its moment, and all of it
//! follows from the ledger.

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::caa::{CaaRecord, LookupFailure, Proof};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::{Digest, DnsName, FindingId, IssuerId, PersonId, TeamId};
use bailiwick_core::record::{Batch, Fact, Work};
use bailiwick_core::time::Time;
use bailiwick_core::watch::{
    Asked, CanaryRun, ClosedBy, Finding, FindingKind, Incident, IncidentPart, Observation,
    PartHandedOn, Point, PointVerdict, Seen, Stands, Track, Vantage,
};
use bailiwick_store::{FindingFilter, Store};

use crate::engine::Place;
use crate::sample;

crate::both! {
    what_was_seen_at_a_moment_is_one_look_up,
    a_finding_opens_is_handed_on_and_closes,
    verdicts_and_canaries_follow_from_the_ledger,
    incidents_follow_from_the_ledger,
}

fn zone() -> ZoneKey {
    ZoneKey::parse("shop.example").unwrap()
}

fn name(text: &str) -> DnsName {
    DnsName::parse(text).unwrap()
}

fn server(n: u8) -> Vantage {
    Vantage::authority(([192, 0, 2, n], 53).into())
}

fn set(value: &str) -> Seen {
    let record = CaaRecord { flags: 0, tag: b"issue".to_vec(), value: value.as_bytes().to_vec() };
    Seen::Set { records: vec![record], ttl_seconds: Some(60), proof: Proof::Indeterminate }
}

async fn put(store: &Store, at: Time, fact: Fact) {
    let entry = sample::entry(at, Actor::Component(Component::Watch), fact);
    let work = vec![Work::PutLook { zone: zone(), at }];
    store.commit(Batch { entries: vec![entry], work, ..Batch::default() }).await.unwrap();
}

fn observed(vantage: Vantage, owner: &str, seen: Seen) -> Fact {
    let asked = if matches!(seen, Seen::Serial(_)) { Asked::Serial } else { Asked::Caa };
    Fact::Observed(Box::new(Observation { zone: zone(), owner: name(owner), asked, vantage, seen }))
}

async fn what_was_seen_at_a_moment_is_one_look_up(place: &Place) {
    let store = place.open().await;
    let begin = store.now();
    let at = |n: i64| begin.plus_ms(n);
    put(&store, at(0), observed(server(1), "shop.example", set("a.example"))).await;
    put(&store, at(1), observed(server(2), "shop.example", set("a.example"))).await;
    put(&store, at(2), observed(server(1), "shop.example", Seen::Serial(7))).await;
    put(&store, at(3), observed(server(1), "shop.example", set("b.example"))).await;
    let failed = Seen::Failed(LookupFailure::Timeout);
    put(&store, at(4), observed(server(1), "shop.example", failed.clone())).await;
    let picture = store.picture(&zone()).await.unwrap();
    let known = picture.at(Asked::Caa, server(1), &name("shop.example")).unwrap();
    assert_eq!((known.seen.clone(), known.since), (failed, at(4)));
    assert_eq!(known.before, Some((set("b.example"), at(3))));
    let other = picture.at(Asked::Caa, server(2), &name("shop.example")).unwrap();
    assert_eq!((&other.seen, &other.before), (&set("a.example"), &None));
    for (moment, said) in [(-1, None), (0, Some("a")), (2, Some("a")), (3, Some("b"))] {
        let rows = store.observed_at(&[name("shop.example")], at(moment)).await.unwrap();
        let of = |row: &&bailiwick_store::ObservationRow| {
            row.observation.vantage == server(1) && row.observation.asked == Asked::Caa
        };
        let seen = rows.iter().find(of).map(|row| row.observation.seen.clone());
        assert_eq!(seen, said.map(|ca| set(&format!("{ca}.example"))), "at {moment}");
    }
    let history = store.observations_of(&name("shop.example"), 10).await.unwrap();
    assert_eq!(history.len(), 5);
    assert_eq!(history[0].until, None);
    assert_eq!(store.looked_at(&zone()).await.unwrap(), Some(at(4)));
    // Without the serial, and without what was before and after.
    let leaves = store.leaves_of_zone(&zone(), at(1), at(3), 100).await.unwrap();
    assert_eq!(leaves.len(), 2);
    let kind = "watch.observed";
    let of_kind = store.leaves_of_kind(&zone(), kind, (at(1), at(3)), 2).await.unwrap();
    assert_eq!((of_kind.len(), of_kind[0]), (2, leaves[1]), "the newest first");
    let until = store.looks_until(&zone(), &name("shop.example"), at(3), 100).await.unwrap();
    assert_eq!((until.len(), until[0]), (3, leaves[1]));
    assert_eq!(store.fsck().await.unwrap(), []);
    store.close().await;
}

fn finding(id: &str, due: Time) -> Finding {
    Finding {
        id: FindingId::parse(id).unwrap(),
        kind: FindingKind::ShadowEdit,
        zone: zone(),
        subject: "shop.example".to_owned(),
        vantage: None,
        team: TeamId::parse("dns").unwrap(),
        assignee: PersonId::parse("dana").unwrap(),
        next: PersonId::parse("dov").ok(),
        due,
        says: "it was changed".to_owned(),
        remedy: "put it back".to_owned(),
        diff: vec!["+ 0 issue \"x.example\"".to_owned()],
        evidence: vec![0, 1],
    }
}

async fn a_finding_opens_is_handed_on_and_closes(place: &Place) {
    let store = place.open().await;
    let now = store.now();
    let one = finding("f1", now.plus_ms(10));
    put(&store, now, Fact::FindingOpened(Box::new(one.clone()))).await;
    put(&store, now, Fact::FindingOpened(Box::new(finding("f2", now.plus_ms(5))))).await;
    let open = FindingFilter { open: true, zone: Some(zone()), ..FindingFilter::default() };
    let due = store.findings(&open, 10).await.unwrap();
    assert_eq!(due.iter().map(|row| row.finding.id.as_str()).collect::<Vec<_>>(), ["f2", "f1"]);
    assert_eq!(due[1].finding, one);
    let dov = PersonId::parse("dov").unwrap();
    let handed = Fact::FindingHandedOn {
        finding: one.id.clone(),
        zone: zone(),
        assignee: dov.clone(),
        next: None,
        due: now.plus_ms(99),
        why: "late".to_owned(),
    };
    put(&store, now, handed).await;
    let mine = FindingFilter { open: true, assignee: Some(dov), ..FindingFilter::default() };
    let rows = store.findings(&mine, 10).await.unwrap();
    assert_eq!((rows.len(), rows[0].handed_on), (1, 1));
    let closed = || Fact::FindingClosed {
        finding: one.id.clone(),
        zone: zone(),
        how: ClosedBy::CauseEnded,
        note: String::new(),
    };
    put(&store, now, closed()).await;
    let row = store.finding(&one.id).await.unwrap().unwrap();
    assert_eq!(row.closed, Some((now, ClosedBy::CauseEnded, String::new())));
    // What is over cannot be over once more.
    let twice = sample::entry(now, Actor::Component(Component::Watch), closed());
    assert!(store.commit(sample::batch(vec![twice])).await.is_err());
    assert_eq!(store.fsck().await.unwrap(), []);
    store.close().await;
}

async fn verdicts_and_canaries_follow_from_the_ledger(place: &Place) {
    let store = place.open().await;
    let now = store.now();
    let verdict = |stands| {
        Fact::PointJudged(Box::new(PointVerdict {
            zone: zone(),
            issuer: IssuerId::parse("house").unwrap(),
            point: Point::Created,
            stands,
            says: "so".to_owned(),
            evidence: vec![3],
        }))
    };
    put(&store, now, verdict(Stands::Fails)).await;
    put(&store, now, verdict(Stands::Holds)).await;
    let points = store.control_points(Some(&zone())).await.unwrap();
    assert_eq!(points.len(), 1);
    assert_eq!(points[0].verdict.stands, Stands::Holds);
    assert_eq!(store.control_points(None).await.unwrap(), points);
    let other = ZoneKey::parse("other.example").unwrap();
    assert_eq!(store.control_points(Some(&other)).await.unwrap(), []);
    let run = CanaryRun {
        issuer: IssuerId::parse("public").unwrap(),
        zone: zone(),
        name: name("canary.shop.example"),
        permitted: false,
        stands: Stands::Holds,
        says: "refused".to_owned(),
        certificate: None,
        revoked: false,
        order: Some("https://ca.example/order/1".to_owned()),
        caa: Some(Digest::of(b"caa")),
    };
    put(&store, now, Fact::CanaryTried(Box::new(run.clone()))).await;
    let told = store.canaries(None).await.unwrap();
    assert_eq!((told.len(), &told[0].run), (1, &run));
    assert_eq!(store.canaries(Some(&run.issuer)).await.unwrap(), told);
    assert_eq!(store.canaries_in_zone(&zone()).await.unwrap(), told);
    let another = IssuerId::parse("house").unwrap();
    assert_eq!(store.canaries(Some(&another)).await.unwrap(), []);
    assert_eq!(store.canaries_in_zone(&other).await.unwrap(), []);
    assert_eq!(store.fsck().await.unwrap(), []);
    store.close().await;
}

async fn incidents_follow_from_the_ledger(place: &Place) {
    let store = place.open().await;
    let now = store.now();
    let person = |id: &str| PersonId::parse(id).unwrap();
    let incident = Incident {
        id: FindingId::parse("i1").unwrap(),
        zone: zone(),
        subject: "public".to_owned(),
        says: "it issued".to_owned(),
        source: "canary".to_owned(),
        record: person("dana"),
        enforcement: person("pia"),
        owner: person("sol"),
        due: now,
        evidence: vec![9],
    };
    put(&store, now, Fact::IncidentOpened(Box::new(incident.clone()))).await;
    for (track, answered) in [(Track::Record, false), (Track::Enforcement, true)] {
        let told = Fact::IncidentTold {
            incident: incident.id.clone(),
            zone: zone(),
            track,
            says: "so far".to_owned(),
            answered,
        };
        put(&store, now, told).await;
    }
    let row = store.incident(&incident.id).await.unwrap().unwrap();
    assert_eq!(row.incident, incident);
    assert_eq!(row.record, (Some("so far".to_owned()), None));
    assert_eq!(row.enforcement, (Some("so far".to_owned()), Some(now)));
    let handed = |part, to: &str| {
        Fact::IncidentHandedOn(Box::new(PartHandedOn {
            incident: incident.id.clone(),
            zone: zone(),
            part,
            person: person(to),
            due: now.plus_ms(7),
            why: "late".to_owned(),
        }))
    };
    put(&store, now, handed(IncidentPart::Record, "dov")).await;
    put(&store, now, handed(IncidentPart::Review, "sue")).await;
    let row = store.open_incidents(&zone()).await.unwrap().remove(0).incident;
    assert_eq!((row.record, row.owner, row.due), (person("dov"), person("sue"), now.plus_ms(7)));
    assert_eq!(row.enforcement, person("pia"));
    // What is answered cannot be handed on any more.
    let late = sample::entry(
        now,
        Actor::Component(Component::Watch),
        handed(IncidentPart::Enforcement, "sol"),
    );
    assert!(store.commit(sample::batch(vec![late])).await.is_err());
    let reviewed = Fact::IncidentReviewed {
        incident: incident.id.clone(),
        zone: zone(),
        says: "done".to_owned(),
    };
    put(&store, now, reviewed).await;
    assert_eq!(store.incidents(5).await.unwrap()[0].reviewed, Some((now, "done".to_owned())));
    assert_eq!(store.open_incidents(&zone()).await.unwrap(), []);
    assert_eq!(store.fsck().await.unwrap(), []);
    store.close().await;
}
