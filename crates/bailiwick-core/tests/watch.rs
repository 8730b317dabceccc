//! The watch: what is the matter with a zone, and who has to act (CAA-2, CAA-3, CAA-5, CAA-6, CAA-9).
//!
//! A zone with three servers and two resolvers is put together in every way that its parts can be in, and
//! what is found is compared with a table that was written by hand.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::panic, reason = "a test stops at the first surprise and says at which")]
#![expect(clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bailiwick_core::caa::{CaaRecord, LookupFailure, Proof};
use bailiwick_core::estate::{
    CaaIntent, Estate, Exception, RuleId, Scope, VantagePoint, VantageTransport, View, ZoneKey,
};
use bailiwick_core::names::{DnsName, ExceptionId, FindingId, IssuerId, PersonId, TeamId};
use bailiwick_core::time::Time;
use bailiwick_core::watch::{
    Asked, Canaries, Canary, Decided, Finding, FindingKind, Judged, Known, Observation, Pace,
    Picture, Point, Seen, Stands, Vantage, due_ms, judge, ladder, points, reconcile,
};

#[path = "policy_judge/world.rs"]
#[expect(dead_code, reason = "the small organisation serves other tests too")]
mod world;

const APEX: &str = "shop.example";

fn at(seconds: i64) -> Time {
    Time::from_unix_seconds(1_800_000_000 + seconds)
}

fn server(n: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, n], 53))
}

fn key() -> ZoneKey {
    ZoneKey::parse(APEX).unwrap()
}

fn name(text: &str) -> DnsName {
    DnsName::parse(text).unwrap()
}

fn set(value: &str) -> Seen {
    let record = |value: &str| CaaRecord {
        flags: 0,
        tag: b"issue".to_vec(),
        value: value.as_bytes().to_vec(),
    };
    Seen::Set { records: vec![record(value)], ttl_seconds: Some(60), proof: Proof::Indeterminate }
}

fn iodef() -> Seen {
    let value = b"mailto:pki@shop.example".to_vec();
    let records = vec![CaaRecord { flags: 0, tag: b"iodef".to_vec(), value }];
    Seen::Set { records, ttl_seconds: Some(60), proof: Proof::Indeterminate }
}

const NOTHING: Seen = Seen::Nothing { proof: Proof::Indeterminate };
const OURS: &str = "ca.bailiwick.example";

/// The estate of the tests with three servers and two resolvers, and what CAA should say.
fn estate() -> Estate {
    let mut estate = world::estate();
    let zone = estate.zones.get_mut(&key()).unwrap();
    zone.servers = vec![server(1), server(2), server(3)];
    zone.caa.issue = vec![OURS.to_owned()];
    for (n, name) in [(11, "hq"), (12, "branch")] {
        let point = VantagePoint {
            server: server(n),
            transport: VantageTransport::Udp,
            validates: true,
            view: View::External,
            operator: TeamId::parse("dns").unwrap(),
            name: None,
            trust_roots: None,
            path: None,
            region: None,
        };
        estate.organisation.vantages.insert(name.to_owned(), point);
    }
    estate
}

struct Scene {
    estate: Estate,
    picture: Picture,
    leaf: u64,
    bearing: BTreeSet<DnsName>,
    intended_since: Option<Time>,
    accounts: BTreeMap<IssuerId, String>,
}

impl Scene {
    /// Everything as decided, since a while.
    fn quiet() -> Self {
        let mut scene = Self {
            estate: estate(),
            picture: Picture::default(),
            leaf: 0,
            bearing: [name("www.shop.example"), name(APEX)].into(),
            intended_since: Some(at(-1_000)),
            accounts: BTreeMap::new(),
        };
        for n in [1, 2, 3] {
            scene.serial(n, 7, -900);
            scene.authority(n, APEX, set(OURS), -900, None);
            scene.authority(n, "www.shop.example", NOTHING, -900, None);
        }
        for n in [11, 12] {
            scene.resolver(n, set(OURS), -900);
        }
        scene
    }

    fn put(
        &mut self,
        asked: Asked,
        vantage: Vantage,
        owner: &str,
        known: (Seen, i64, Option<(Seen, i64)>),
    ) {
        let (seen, since, before) = known;
        self.leaf += 1;
        let of =
            Observation { zone: key(), owner: name(owner), asked, vantage, seen: seen.clone() };
        let before = before.map(|(seen, since)| (seen, at(since)));
        self.picture.put(&of, Known { seen, since: at(since), leaf: self.leaf, before });
    }

    fn authority(
        &mut self,
        n: u8,
        owner: &str,
        seen: Seen,
        since: i64,
        before: Option<(Seen, i64)>,
    ) {
        self.put(Asked::Caa, Vantage::authority(server(n)), owner, (seen, since, before));
    }

    fn serial(&mut self, n: u8, serial: u32, since: i64) {
        let known = (Seen::Serial(serial), since, None);
        self.put(Asked::Serial, Vantage::authority(server(n)), APEX, known);
    }

    fn resolver(&mut self, n: u8, seen: Seen, since: i64) {
        self.put(Asked::Caa, Vantage::resolver(server(n)), APEX, (seen, since, None));
    }

    fn judged(&self, now: Time) -> Judged {
        self.with(|decided| judge(decided, &self.picture, now))
    }

    fn with<T>(&self, ask: impl FnOnce(&Decided<'_>) -> T) -> T {
        let key = key();
        let (written, last_use, over) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        ask(&Decided {
            estate: &self.estate,
            key: &key,
            zone: &self.estate.zones[&key],
            intended_since: self.intended_since,
            bearing: &self.bearing,
            written: &written,
            last_use: &last_use,
            accounts_over: &over,
            accounts: &self.accounts,
            pace: Pace::default(),
        })
    }
}

fn kinds(judged: &Judged) -> Vec<FindingKind> {
    judged.causes.iter().map(|cause| cause.kind).collect()
}

fn check(change: impl FnOnce(&mut Scene), expected: &[FindingKind]) -> Judged {
    let mut scene = Scene::quiet();
    change(&mut scene);
    let judged = scene.judged(at(0));
    assert_eq!(kinds(&judged), expected, "{:#?}", judged.causes);
    for cause in &judged.causes {
        assert!(!cause.says.is_empty() && !cause.remedy.is_empty(), "{cause:?}");
        assert!(!cause.says.ends_with('.') && !cause.remedy.ends_with('.'), "{cause:?}");
    }
    judged
}

#[test]
fn caa_5_each_difference_is_one_finding_of_its_kind() {
    use FindingKind::*;
    check(|_| {}, &[]);
    // Edited on the primary and gone round: one finding, not four.
    let edited = |scene: &mut Scene| {
        for n in [1, 2, 3] {
            scene.serial(n, 8, -30);
            scene.authority(n, APEX, set("other.example"), -30, Some((set(OURS), -900)));
        }
        for n in [11, 12] {
            scene.resolver(n, set("other.example"), -30);
        }
    };
    let judged = check(edited, &[ShadowEdit]);
    let diff = ["- 0 issue \"ca.bailiwick.example\"", "+ 0 issue \"other.example\""];
    assert_eq!(judged.causes[0].diff, diff);
    // Removed.
    let removed = |scene: &mut Scene| {
        for n in [1, 2, 3] {
            scene.authority(n, APEX, NOTHING, -30, Some((set(OURS), -900)));
        }
        scene.resolver(11, NOTHING, -30);
        scene.resolver(12, NOTHING, -30);
    };
    check(removed, &[ShadowEdit]);
    // The intent moved after the record: nobody edited it.
    check(
        |scene| {
            edited(scene);
            scene.intended_since = Some(at(-10));
        },
        &[Drift],
    );
    // It was so when we first looked.
    check(
        |scene| {
            for n in [1, 2, 3] {
                scene.authority(n, APEX, set("other.example"), -900, None);
            }
            scene.resolver(11, set("other.example"), -900);
            scene.resolver(12, set("other.example"), -900);
        },
        &[Drift],
    );
}

#[test]
fn caa_2_servers_and_resolvers_that_differ_are_told_one_by_one() {
    use FindingKind::*;
    // Straight on one secondary, its serial untouched.
    let judged = check(
        |scene| {
            scene.authority(2, APEX, set("other.example"), -30, Some((set(OURS), -900)));
        },
        &[ServersDisagree],
    );
    assert_eq!(judged.causes[0].vantage, Some(Vantage::authority(server(2))));
    // While a change goes round, servers may differ.
    check(
        |scene| {
            scene.serial(1, 8, -5);
            scene.serial(2, 8, -5);
        },
        &[],
    );
    // A secondary that stopped transferring.
    check(
        |scene| {
            scene.serial(1, 8, -30);
            scene.serial(2, 8, -30);
        },
        &[ServerBehind],
    );
    check(
        |scene| scene.authority(3, APEX, Seen::Failed(LookupFailure::Timeout), -30, None),
        &[Unreachable],
    );
    check(|scene| scene.resolver(12, Seen::Failed(LookupFailure::Bogus), -30), &[Bogus]);
    check(|scene| scene.resolver(12, Seen::Failed(LookupFailure::Timeout), -30), &[Unreachable]);
    check(|scene| scene.resolver(12, set("evil.example"), -30), &[ResolverLies]);
    check(|scene| scene.resolver(12, set("evil.example"), -5), &[]);
    // A stray iodef below hides the set above.
    check(
        |scene| scene.authority(1, "www.shop.example", iodef(), -900, None),
        &[HiddenParent, ServersDisagree, ServersDisagree],
    );
    check(
        |scene| {
            for n in [1, 2, 3] {
                scene.authority(n, "www.shop.example", iodef(), -900, None);
            }
        },
        &[HiddenParent],
    );
}

#[test]
fn caa_3_a_zone_with_names_and_without_caa_is_a_finding_and_one_without_names_is_none() {
    let bare = |scene: &mut Scene| {
        scene.estate.zones.get_mut(&key()).unwrap().caa.issue.clear();
        for n in [1, 2, 3] {
            scene.authority(n, APEX, NOTHING, -900, None);
        }
        scene.resolver(11, NOTHING, -900);
        scene.resolver(12, NOTHING, -900);
    };
    check(bare, &[FindingKind::Missing]);
    check(
        |scene| {
            bare(scene);
            scene.bearing.clear();
        },
        &[],
    );
}

#[test]
fn a_resolver_may_remember_the_set_from_before_for_its_ttl_and_not_longer() {
    for (seconds, lies) in [(10, false), (60, false), (79, false), (81, true), (600, true)] {
        let mut scene = Scene::quiet();
        for n in [1, 2, 3] {
            scene.authority(n, APEX, set(OURS), -seconds, Some((set("old.example"), -900)));
        }
        scene.resolver(12, set("old.example"), -900);
        scene.resolver(11, set(OURS), -seconds);
        let found = kinds(&scene.judged(at(0))).contains(&FindingKind::ResolverLies);
        assert_eq!(found, lies, "{seconds} s after the set was replaced");
    }
}

#[test]
fn what_is_intended_is_looked_at_too() {
    use FindingKind::*;
    let intent = |value: &'static str| {
        move |scene: &mut Scene| {
            scene.estate.zones.get_mut(&key()).unwrap().caa.issue = vec![value.to_owned()];
            for n in [1, 2, 3] {
                scene.authority(n, APEX, set(value), -900, None);
            }
            scene.resolver(11, set(value), -900);
            scene.resolver(12, set(value), -900);
        }
    };
    check(intent("gone.example"), &[Stale]);
    // Named for a quarter of a year, and never used.
    check(|scene| scene.intended_since = Some(at(-91 * 86_400)), &[Stale]);
}

/// Every state of every part, in every combination: thousands of zones.
/// A set that somebody decided on for a name below the apex is no difference; without it, it is one.
#[test]
fn caa_5_a_name_below_the_apex_may_have_a_set_of_its_own() {
    use FindingKind::*;
    let www = "www.shop.example";
    let there = |scene: &mut Scene| {
        for n in [1, 2, 3] {
            scene.authority(n, www, set("cdn.example"), -900, None);
        }
    };
    let intended = |scene: &mut Scene| {
        let intent = CaaIntent { issue: vec!["cdn.example".to_owned()], ..Default::default() };
        scene.estate.zones.get_mut(&key()).unwrap().caa_below.insert(name(www), intent);
    };
    check(there, &[Drift]);
    // That no issuer of the estate answers to it is told of the intent, as at the apex.
    check(
        |scene| {
            there(scene);
            intended(scene);
        },
        &[Stale],
    );
    check(intended, &[Missing, Stale]);
    let zone = &estate().zones[&key()];
    assert_eq!(zone.caa_for(&name(www)), &zone.caa);
}

/// CAA-2, BR 3.2.2.9: what public CAs would find from where our vantages stand.
#[test]
fn vantages_that_dissent_beyond_the_quorum_of_the_day_are_a_finding() {
    use bailiwick_core::caa::{Corroboration, NotCorroborated};
    use bailiwick_core::estate::Rir;
    use bailiwick_core::watch::quorum;
    let regions = [Rir::RipeNcc, Rir::Arin, Rir::Apnic, Rir::RipeNcc, Rir::Arin, Rir::Lacnic];
    let scene = |count: u8, lying: u8, regions: &[Rir]| {
        let mut scene = Scene::quiet();
        scene.estate.organisation.vantages.clear();
        for n in 0..count {
            let point = VantagePoint {
                server: server(20 + n),
                transport: VantageTransport::Udp,
                validates: true,
                view: View::External,
                operator: TeamId::parse("dns").unwrap(),
                name: None,
                trust_roots: None,
                path: None,
                region: Some(regions[usize::from(n) % regions.len()]),
            };
            scene.estate.organisation.vantages.insert(format!("v{n}"), point);
            let seen = if n < lying { set("evil.example") } else { set(OURS) };
            scene.resolver(20 + n, seen, -900);
        }
        scene
    };
    // The fixed day of these tests lies behind 2026-12-15: five remotes in two regions, one may dissent, and
    // two from six on.
    for (count, lying, expected) in
        [(5, 0, false), (5, 1, false), (5, 2, true), (6, 2, false), (6, 3, true), (2, 2, true)]
    {
        let scene = scene(count, lying, &regions);
        let found = kinds(&scene.judged(at(0))).contains(&FindingKind::NotCorroborated);
        assert_eq!(found, expected, "{lying} of {count}");
    }
    // All that agree stand in one region, because the others dissent.
    let one = scene(5, 1, &[Rir::Arin, Rir::RipeNcc, Rir::RipeNcc, Rir::RipeNcc, Rir::RipeNcc]);
    assert!(kinds(&one.judged(at(0))).contains(&FindingKind::NotCorroborated));
    // Too few vantages of ours are no finding, and are told.
    let few = scene(2, 0, &regions);
    assert!(!kinds(&few.judged(at(0))).contains(&FindingKind::NotCorroborated));
    let told = few.with(|decided| quorum(decided, &few.picture, at(0)));
    let short = NotCorroborated::TooFewRemotes { asked: 2, wanted: 5 };
    assert!(told.iter().any(|one| one.result == Corroboration::NotCorroborated(short)), "{told:?}");
    // A vantage without a region is nobody's perspective.
    let mut nowhere = scene(5, 3, &regions);
    nowhere.estate.organisation.vantages.values_mut().for_each(|point| point.region = None);
    assert!(nowhere.with(|decided| quorum(decided, &nowhere.picture, at(0))).is_empty());
}

#[test]
fn every_finding_has_one_assignee_and_ends_with_its_cause_in_every_combination() {
    let sets =
        [set(OURS), set("other.example"), NOTHING, iodef(), Seen::Failed(LookupFailure::ServFail)];
    let before = [None, Some((set(OURS), -900)), Some((set("other.example"), -900))];
    let ages = [-5, -25, -90];
    let mut cases = 0_u32;
    let quiet = Scene::quiet().judged(at(0));
    for (primary, secondary) in sets.iter().flat_map(|one| sets.iter().map(move |two| (one, two))) {
        for (serial, (age, before)) in [6, 7, 8].into_iter().flat_map(|serial| {
            let before = &before;
            ages.into_iter().flat_map(move |age| before.iter().map(move |one| (serial, (age, one))))
        }) {
            for resolver in &sets {
                let mut scene = Scene::quiet();
                scene.authority(1, APEX, primary.clone(), age, before.clone());
                scene.authority(2, APEX, secondary.clone(), age, before.clone());
                scene.serial(2, serial, age);
                scene.resolver(12, resolver.clone(), age);
                let judged = scene.judged(at(0));
                cases += 1;
                let findings = opened(&scene.estate, &judged);
                let mut about = BTreeSet::new();
                for one in &findings {
                    assert!(
                        about.insert((one.kind, one.subject.clone(), one.vantage)),
                        "two findings about one thing: {findings:#?}"
                    );
                    assert!(scene.estate.people.contains_key(&one.assignee), "{one:?}");
                    assert_ne!(one.next.as_ref(), Some(&one.assignee), "{one:?}");
                    assert!(one.due > at(0), "{one:?}");
                }
                // The same look again opens and closes nothing.
                let again = reconcile(&findings, &judged);
                assert!(again.open.is_empty() && again.close.is_empty(), "{again:#?}");
                // All as decided again: all of them end, by themselves.
                let over = reconcile(&findings, &quiet);
                assert_eq!(over.close.len(), findings.len(), "{over:#?}");
                // Whoever cannot see the cause any more does not take it for ended.
                let mut blind = Scene::quiet();
                for n in [1, 2, 3] {
                    blind.authority(n, APEX, Seen::Failed(LookupFailure::Timeout), -1, None);
                }
                let kept = reconcile(&findings, &blind.judged(at(0)));
                let closed: Vec<&Finding> = findings
                    .iter()
                    .filter(|one| kept.close.iter().any(|(id, _)| *id == one.id))
                    .collect();
                let record = [FindingKind::ShadowEdit, FindingKind::Drift, FindingKind::Missing];
                assert!(closed.iter().all(|one| !record.contains(&one.kind)), "{closed:#?}");
            }
        }
    }
    assert!(cases >= 3_000, "{cases}");
}

fn opened(estate: &Estate, judged: &Judged) -> Vec<Finding> {
    let zone = &estate.zones[&key()];
    let open = reconcile(&[], judged).open;
    let finding = |(number, cause): (usize, bailiwick_core::watch::Cause)| {
        let mut people = ladder(estate, zone, &cause.team, at(0)).into_iter();
        Finding {
            id: FindingId::parse(&format!("f{number}")).unwrap(),
            kind: cause.kind,
            zone: key(),
            subject: cause.subject,
            vantage: cause.vantage,
            team: cause.team,
            assignee: people.next().unwrap(),
            next: people.next(),
            due: at(0).plus_ms(due_ms(cause.kind, zone.class)),
            says: cause.says,
            remedy: cause.remedy,
            diff: cause.diff,
            evidence: cause.evidence,
        }
    };
    open.into_iter().enumerate().map(finding).collect()
}

#[test]
fn caa_9_an_exception_sets_a_finding_aside_until_its_end_and_then_it_is_back() {
    let mut scene = Scene::quiet();
    scene.authority(2, APEX, set("other.example"), -30, None);
    let open = opened(&scene.estate, &scene.judged(at(0)));
    let exception = Exception {
        scope: Scope::Zone(key()),
        rule: RuleId::parse("caa-servers-disagree").unwrap(),
        reason: "the move to another provider".to_owned(),
        approver: PersonId::parse("sol").unwrap(),
        compensating_control: "looked at every morning".to_owned(),
        until: at(100),
    };
    scene.estate.exceptions.insert(ExceptionId::parse("move").unwrap(), exception);
    let during = scene.judged(at(0));
    assert_eq!(kinds(&during), []);
    assert_eq!(during.excepted.len(), 1);
    let closed = reconcile(&open, &during).close;
    assert_eq!(closed[0].1, bailiwick_core::watch::ClosedBy::Excepted);
    assert_eq!(kinds(&scene.judged(at(99))), []);
    assert_eq!(kinds(&scene.judged(at(100))), [FindingKind::ServersDisagree]);
}

#[test]
fn caa_2_and_6_the_three_points_are_judged_each_on_its_own() {
    let house = IssuerId::parse("house").unwrap();
    let stand = |scene: &Scene, canaries: &Canaries, now: Time| {
        let issuer = &scene.estate.issuers[&house];
        scene.with(|decided| {
            let (told, cause) = points(decided, &scene.picture, (&house, issuer), canaries, now);
            let of = |point| told.iter().find(|one| one.point == point).unwrap().stands;
            let all = [Point::Created, Point::Propagated, Point::Enforced].map(of);
            (all, cause.map(|cause| cause.kind))
        })
    };
    let canary = |right, seconds| {
        Some(Canary { right, says: "it was refused".to_owned(), at: at(seconds), leaf: 1 })
    };
    let both = |allowed, forbidden| Canaries { agreed: true, home: None, allowed, forbidden };
    let good = both(canary(Some(true), -100), canary(Some(true), -100));
    use Stands::*;
    let quiet = Scene::quiet();
    assert_eq!(stand(&quiet, &good, at(0)), ([Holds, Holds, Holds], None));
    // Nobody tested since the last change, for longer than an hour.
    let stale = both(canary(Some(true), -2_000), canary(Some(true), -2_000));
    assert_eq!(stand(&quiet, &stale, at(0)), ([Holds, Holds, Unknown], None));
    let late = at(3_600);
    assert_eq!(
        stand(&quiet, &stale, late),
        ([Holds, Holds, Unknown], Some(FindingKind::NotValidated))
    );
    assert_eq!(stand(&quiet, &Canaries::default(), late).1, Some(FindingKind::NotValidated));
    // The CA issued what is forbidden.
    let bad = both(canary(Some(true), -100), canary(Some(false), -100));
    assert_eq!(
        stand(&quiet, &bad, at(0)),
        ([Holds, Holds, Fails], Some(FindingKind::EnforcementFailed))
    );
    // One server says otherwise: created, and not propagated.
    let mut one = Scene::quiet();
    one.authority(3, APEX, NOTHING, -5, None);
    assert_eq!(stand(&one, &good, at(0)).0, [Holds, Fails, Holds]);
    // Nobody can be asked: that is not knowing.
    let mut silent = Scene::quiet();
    silent.authority(1, APEX, Seen::Failed(LookupFailure::Timeout), -500, None);
    assert_eq!(stand(&silent, &good, at(0)).0, [Unknown, Unknown, Holds]);
    // The old set may still be remembered somewhere.
    let mut fresh = Scene::quiet();
    for n in [1, 2, 3] {
        fresh.authority(n, APEX, set(OURS), -30, Some((set("old.example"), -900)));
    }
    let tested = both(canary(Some(true), -10), canary(Some(true), -10));
    assert_eq!(stand(&fresh, &tested, at(0)).0, [Holds, Unknown, Holds]);
    assert_eq!(stand(&fresh, &tested, at(31)).0, [Holds, Holds, Holds]);
}

#[test]
fn caa_2_the_points_speak_of_the_sets_below_the_apex_too() {
    const PAY: &str = "pay.shop.example";
    let house = IssuerId::parse("house").unwrap();
    let told = |scene: &Scene, canary_at: i64| {
        let issuer = &scene.estate.issuers[&house];
        let canary = || {
            Some(Canary { right: Some(true), says: "so".to_owned(), at: at(canary_at), leaf: 1 })
        };
        let both = Canaries { agreed: true, home: None, allowed: canary(), forbidden: canary() };
        scene.with(|decided| points(decided, &scene.picture, (&house, issuer), &both, at(0)).0)
    };
    let stands = |scene: &Scene, canary_at| {
        let all = told(scene, canary_at);
        [Point::Created, Point::Propagated, Point::Enforced]
            .map(|point| all.iter().find(|one| one.point == point).unwrap().stands)
    };
    use Stands::*;
    let mut scene = Scene::quiet();
    let below = CaaIntent { issue: vec!["other.example".to_owned()], ..CaaIntent::default() };
    scene.estate.zones.get_mut(&key()).unwrap().caa_below.insert(name(PAY), below);
    assert_eq!(stands(&scene, -100), [Unknown, Unknown, Holds], "nobody looked at it yet");
    let put = |scene: &mut Scene, at: Vantage, value: &str, since: i64| {
        scene.put(Asked::Caa, at, PAY, (set(value), since, None));
    };
    let resolvers = [11, 12].map(|n| Vantage::resolver(server(n)));
    let everybody = [1, 2, 3].map(|n| Vantage::authority(server(n))).into_iter().chain(resolvers);
    for vantage in everybody {
        put(&mut scene, vantage, "other.example", -50);
    }
    assert_eq!(stands(&scene, -10), [Holds, Holds, Holds]);
    let all = told(&scene, -10);
    assert!(all[0].says.contains("1 of 1 sets below the apex"), "{}", all[0].says);
    assert_eq!(all[0].evidence.len(), 2, "the leaf of each set");
    assert_eq!(all[1].says, "all 10 answers agree");
    // What was tested before the set below came counts no more.
    assert_eq!(stands(&scene, -100), [Holds, Holds, Unknown]);
    // A secondary says otherwise there, and only there.
    put(&mut scene, Vantage::authority(server(2)), OURS, -40);
    assert_eq!(stands(&scene, -10), [Holds, Fails, Holds]);
    assert!(told(&scene, -10)[1].says.contains("at `pay.shop.example`"));
    // The primary does: it is not as decided.
    put(&mut scene, Vantage::authority(server(1)), OURS, -40);
    assert_eq!(stands(&scene, -10), [Fails, Fails, Holds]);
    let says = told(&scene, -10)[0].says.clone();
    assert!(says.contains("at `pay.shop.example`: another set"), "{says}");
}
