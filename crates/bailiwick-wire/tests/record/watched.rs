//! Entries of the watch: samples for the golden file, and strategies.

use bailiwick_core::caa::{CaaRecord, LookupFailure, Proof};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::{
    CertFingerprint, Digest, DnsName, FindingId, IssuerId, PersonId, TeamId,
};
use bailiwick_core::record::Fact;
use bailiwick_core::time::Time;
use bailiwick_core::watch::{
    Asked, CanaryRun, ClosedBy, Finding, FindingKind, Incident, IncidentPart, Observation,
    PartHandedOn, Point, PointVerdict, Seen, Stands, Track, Vantage,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

macro_rules! p {
    ($type:ty, $text:expr) => {
        <$type>::parse($text).unwrap()
    };
}

fn zone() -> ZoneKey {
    p!(ZoneKey, "corp.example/internal")
}

fn seen(seen: Seen) -> Fact {
    let soa = matches!(seen, Seen::Serial(_));
    Fact::Observed(Box::new(Observation {
        zone: zone(),
        owner: p!(DnsName, "corp.example"),
        asked: if soa { Asked::Serial } else { Asked::Caa },
        vantage: p!(Vantage, "authority 192.0.2.1:53"),
        seen,
    }))
}

/// A sample that came later than the others.
pub(crate) fn handed_on() -> Fact {
    Fact::IncidentHandedOn(Box::new(PartHandedOn {
        incident: p!(FindingId, "i1"),
        zone: zone(),
        part: IncidentPart::Review,
        person: p!(PersonId, "sue"),
        due: Time::parse("2026-03-05").unwrap(),
        why: "`sol` did not end it in time".to_owned(),
    }))
}

/// The samples, at the end of the golden file.
pub(crate) fn samples() -> Vec<Fact> {
    looks().into_iter().chain(findings()).chain(incidents()).collect()
}

fn looks() -> Vec<Fact> {
    let record = CaaRecord { flags: 128, tag: b"IsSuE".to_vec(), value: b"\xff;".to_vec() };
    vec![
        seen(Seen::Set { records: vec![record], ttl_seconds: Some(300), proof: Proof::Secure }),
        seen(Seen::Large { records: 1_001, digest: Digest::of(b"all of them") }),
        seen(Seen::Nothing { proof: Proof::Insecure }),
        seen(Seen::Elsewhere),
        seen(Seen::Failed(LookupFailure::Bogus)),
        seen(Seen::Failed(LookupFailure::OtherCode(9))),
        seen(Seen::Serial(u32::MAX)),
    ]
}

fn findings() -> Vec<Fact> {
    let due = Time::parse("2026-03-04").unwrap();
    vec![
        Fact::FindingOpened(Box::new(Finding {
            id: p!(FindingId, "f1"),
            kind: FindingKind::ShadowEdit,
            zone: zone(),
            subject: "corp.example".to_owned(),
            vantage: Some(p!(Vantage, "resolver [2001:db8::1]:53")),
            team: p!(TeamId, "dns"),
            assignee: p!(PersonId, "dana"),
            next: None,
            due,
            says: "it was changed".to_owned(),
            remedy: "put it back".to_owned(),
            diff: vec!["- 0 issue \"a.example\"".to_owned()],
            evidence: vec![7, u64::MAX],
        })),
        Fact::FindingHandedOn {
            finding: p!(FindingId, "f1"),
            zone: zone(),
            assignee: p!(PersonId, "dov"),
            next: Some(p!(PersonId, "pia")),
            due,
            why: "`dana` did not end it in time".to_owned(),
        },
        Fact::FindingClosed {
            finding: p!(FindingId, "f1"),
            zone: zone(),
            how: ClosedBy::CauseEnded,
            note: String::new(),
        },
        Fact::PointJudged(Box::new(PointVerdict {
            zone: zone(),
            issuer: p!(IssuerId, "house"),
            point: Point::Propagated,
            stands: Stands::Fails,
            says: "1 of 3 say otherwise".to_owned(),
            evidence: vec![1, 2],
        })),
        Fact::CanaryBegun {
            issuer: p!(IssuerId, "public"),
            zone: zone(),
            name: p!(DnsName, "canary.corp.example"),
            permitted: false,
        },
        Fact::CanaryTried(Box::new(CanaryRun {
            issuer: p!(IssuerId, "public"),
            zone: zone(),
            name: p!(DnsName, "canary.corp.example"),
            permitted: false,
            stands: Stands::Fails,
            says: "it issued".to_owned(),
            certificate: Some(CertFingerprint::of(b"der")),
            revoked: true,
            order: None,
            caa: None,
        })),
    ]
}

fn incidents() -> Vec<Fact> {
    let due = Time::parse("2026-03-04").unwrap();
    vec![
        Fact::IncidentOpened(Box::new(Incident {
            id: p!(FindingId, "i1"),
            zone: zone(),
            subject: "public".to_owned(),
            says: "it issued".to_owned(),
            source: "canary".to_owned(),
            record: p!(PersonId, "dana"),
            enforcement: p!(PersonId, "pia"),
            owner: p!(PersonId, "sol"),
            due,
            evidence: vec![9],
        })),
        Fact::IncidentTold {
            incident: p!(FindingId, "i1"),
            zone: zone(),
            track: Track::Enforcement,
            says: "the CA answered".to_owned(),
            answered: true,
        },
        Fact::IncidentReviewed {
            incident: p!(FindingId, "i1"),
            zone: zone(),
            says: "both tracks are answered".to_owned(),
        },
    ]
}

fn text() -> impl Strategy<Value = String> {
    "\\PC{0,12}"
}

fn id<T: std::fmt::Debug>(parse: fn(&str) -> T) -> impl Strategy<Value = T> {
    "[a-z][a-z0-9._-]{0,12}".prop_map(move |text| parse(&text))
}

fn moment() -> impl Strategy<Value = Time> {
    (0_i64..253_402_300_799_999).prop_map(Time::from_unix_ms)
}

fn vantage() -> impl Strategy<Value = Vantage> {
    (any::<std::net::SocketAddr>(), any::<bool>()).prop_map(|(server, authority)| {
        // A scope of a link is nothing that is stored.
        let server = std::net::SocketAddr::new(server.ip(), server.port());
        if authority { Vantage::authority(server) } else { Vantage::resolver(server) }
    })
}

fn name() -> impl Strategy<Value = DnsName> {
    "[a-z]{1,8}(\\.[a-z]{1,8}){1,2}".prop_map(|text| p!(DnsName, &text))
}

fn key() -> impl Strategy<Value = ZoneKey> {
    (name(), any::<bool>()).prop_map(|(name, inside)| {
        p!(ZoneKey, &if inside { format!("{name}/internal") } else { name.to_string() })
    })
}

fn looked() -> impl Strategy<Value = Seen> {
    let proof = || select(vec![Proof::Secure, Proof::Insecure, Proof::Indeterminate]);
    let record = (any::<u8>(), vec(any::<u8>(), 0..6), vec(any::<u8>(), 0..9))
        .prop_map(|(flags, tag, value)| CaaRecord { flags, tag, value });
    let failures = vec![
        LookupFailure::Timeout,
        LookupFailure::ServFail,
        LookupFailure::OtherCode(23),
        LookupFailure::Disagreement,
    ];
    prop_oneof![
        (vec(record, 1..4), option::of(any::<u32>()), proof())
            .prop_map(|(records, ttl_seconds, proof)| Seen::Set { records, ttl_seconds, proof }),
        proof().prop_map(|proof| Seen::Nothing { proof }),
        Just(Seen::Elsewhere),
        select(failures).prop_map(Seen::Failed),
        any::<u32>().prop_map(Seen::Serial),
        any::<u32>().prop_map(|records| Seen::Large {
            records,
            digest: Digest::of(&records.to_be_bytes())
        }),
    ]
}

fn finding() -> impl Strategy<Value = Finding> {
    let who = (
        id(|text| p!(FindingId, text)),
        select(FindingKind::ALL.to_vec()),
        key(),
        text(),
        option::of(vantage()),
        id(|text| p!(TeamId, text)),
        id(|text| p!(PersonId, text)),
        option::of(id(|text| p!(PersonId, text))),
    );
    let what = (moment(), text(), text(), vec(text(), 0..3), vec(any::<u64>(), 0..3));
    (who, what).prop_map(|(who, what)| {
        let (id, kind, zone, subject, vantage, team, assignee, next) = who;
        let (due, says, remedy, diff, evidence) = what;
        Finding {
            id,
            kind,
            zone,
            subject,
            vantage,
            team,
            assignee,
            next,
            due,
            says,
            remedy,
            diff,
            evidence,
        }
    })
}

fn incident() -> impl Strategy<Value = Incident> {
    let person = || id(|text| p!(PersonId, text));
    let what = (id(|text| p!(FindingId, text)), key(), text(), text(), text());
    let who = (person(), person(), person(), moment(), vec(any::<u64>(), 0..3));
    (what, who).prop_map(|(what, who)| {
        let (id, zone, subject, says, source) = what;
        let (record, enforcement, owner, due, evidence) = who;
        Incident { id, zone, subject, says, source, record, enforcement, owner, due, evidence }
    })
}

/// One strategy for each kind.
pub(crate) fn facts() -> Vec<BoxedStrategy<Fact>> {
    let stands = || select(Stands::ALL.to_vec());
    let issuer = || id(|text| p!(IssuerId, text));
    let some = || id(|text| p!(FindingId, text));
    vec![
        (key(), name(), select(Asked::ALL.to_vec()), vantage(), looked())
            .prop_map(|(zone, owner, asked, vantage, seen)| {
                Fact::Observed(Box::new(Observation { zone, owner, asked, vantage, seen }))
            })
            .boxed(),
        finding().prop_map(|it| Fact::FindingOpened(Box::new(it))).boxed(),
        (some(), key(), id(|text| p!(PersonId, text)), moment(), text())
            .prop_map(|(finding, zone, assignee, due, why)| Fact::FindingHandedOn {
                finding,
                zone,
                next: Some(assignee.clone()),
                assignee,
                due,
                why,
            })
            .boxed(),
        (some(), key(), select(ClosedBy::ALL.to_vec()), text())
            .prop_map(|(finding, zone, how, note)| Fact::FindingClosed { finding, zone, how, note })
            .boxed(),
        (key(), issuer(), select(Point::ALL.to_vec()), stands(), text(), vec(any::<u64>(), 0..4))
            .prop_map(|(zone, issuer, point, stands, says, evidence)| {
                let verdict = PointVerdict { zone, issuer, point, stands, says, evidence };
                Fact::PointJudged(Box::new(verdict))
            })
            .boxed(),
        (issuer(), key(), name(), any::<bool>())
            .prop_map(|(issuer, zone, name, permitted)| Fact::CanaryBegun {
                issuer,
                zone,
                name,
                permitted,
            })
            .boxed(),
        (issuer(), key(), name(), any::<[bool; 3]>(), stands(), text())
            .prop_map(|(issuer, zone, name, [permitted, revoked, issued], stands, says)| {
                let certificate = issued.then(|| CertFingerprint::of(says.as_bytes()));
                let order = issued.then(|| says.clone());
                let caa = revoked.then(|| Digest::of(says.as_bytes()));
                Fact::CanaryTried(Box::new(CanaryRun {
                    issuer,
                    zone,
                    name,
                    permitted,
                    stands,
                    says,
                    certificate,
                    revoked,
                    order,
                    caa,
                }))
            })
            .boxed(),
    ]
    .into_iter()
    .chain(of_incidents())
    .collect()
}

fn of_incidents() -> Vec<BoxedStrategy<Fact>> {
    let some = || id(|text| p!(FindingId, text));
    vec![
        incident().prop_map(|it| Fact::IncidentOpened(Box::new(it))).boxed(),
        (some(), key(), select(Track::ALL.to_vec()), text(), any::<bool>())
            .prop_map(|(incident, zone, track, says, answered)| Fact::IncidentTold {
                incident,
                zone,
                track,
                says,
                answered,
            })
            .boxed(),
        (
            some(),
            key(),
            select(IncidentPart::ALL.to_vec()),
            id(|text| p!(PersonId, text)),
            moment(),
            text(),
        )
            .prop_map(|(incident, zone, part, person, due, why)| {
                Fact::IncidentHandedOn(Box::new(PartHandedOn {
                    incident,
                    zone,
                    part,
                    person,
                    due,
                    why,
                }))
            })
            .boxed(),
        (some(), key(), text())
            .prop_map(|(incident, zone, says)| Fact::IncidentReviewed { incident, zone, says })
            .boxed(),
    ]
}
