//! The CAA engine against real servers: BIND serves, Unbound resolves and validates, and every
//! vector that can be served must come out as it does in the simulator. Whatever is broken between
//! us and the answer is never permission (promise P8).
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "caa_live/faults.rs"]
mod faults;
#[expect(dead_code, reason = "what only the program's stories start")]
#[path = "caa_live/servers.rs"]
mod servers;
#[expect(dead_code, reason = "what is not looked up is the simulator's test")]
#[path = "../../bailiwick-core/tests/caa/vector.rs"]
mod vector;
#[path = "caa_live/zones.rs"]
mod zones;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use bailiwick_connect::dns::{
    DnsClient, Limits, Resolver, ResolverTrust, View, ZoneServers, random_ids,
};
use bailiwick_core::caa::{
    CaaEvidence, CaaName, CaaOutcome, CaaReport, CaaTerms, CaaVerdict, ClimbEnd, Freshness,
    FreshnessRule, IssuerDomain, LookupAnswer, LookupFailure, PrivateTlds, Proof, UnknownBecause,
};
use bailiwick_core::names::{DnsName, ZoneName};
use bailiwick_core::time::{SECOND_MS, Time};
use futures::stream::{self, StreamExt};

use faults::{Breaks, Middle};
use servers::{Server, ZoneFile, bind, signed, unbound, zone_text};
use zones::{Placed, place, zone_files};

/// The look-ups of these tests are made at this moment; the clock stands still.
const NOW: Time = Time::from_unix_seconds(1_790_000_000);

/// Loopback answers in microseconds, so silence is found out quickly.
const LIMITS: Limits = Limits {
    try_timeout: Duration::from_millis(1_500),
    tries: 2,
    tcp_timeout: Duration::from_secs(3),
    whole_timeout: Duration::from_secs(20),
    questions_max: 50,
    tcp_only: false,
};

fn client(limits: Limits) -> DnsClient {
    DnsClient::new(limits, || NOW, random_ids)
}

fn through(server: SocketAddr) -> View {
    View::of_resolver(Resolver { server, trust: ResolverTrust::Validates })
}

fn authorities(zones: &[(&str, &[SocketAddr])]) -> ZoneServers {
    zones.iter().map(|(zone, all)| (ZoneName::parse(zone).unwrap(), all.to_vec())).collect()
}

fn at(zones: &[(&str, &[SocketAddr])]) -> View {
    View { resolver: None, authorities: authorities(zones), private_tlds: PrivateTlds::reserved() }
}

fn name(text: &str) -> CaaName {
    CaaName::parse(text).unwrap()
}

fn by(issuer: &str) -> CaaTerms {
    CaaTerms::tls([IssuerDomain::parse(issuer).unwrap()])
}

async fn outcome(view: &View, text: &str) -> (CaaOutcome, CaaEvidence) {
    let evidence = client(LIMITS).caa_look_up(view, name(text)).await;
    (evidence.judge(&by("ca.example")).outcome(), evidence)
}

fn zone(apex: &str, records: &str) -> ZoneFile {
    ZoneFile { apex: apex.to_owned(), text: zone_text(apex, records) }
}

/// A vector's question over a view, and what is wrong with the answer.
async fn run(placed: &Placed, view: &View, how: &str) -> Option<String> {
    let vector = &placed.vector;
    let dns = client(LIMITS);
    let mut reports = Vec::new();
    for subject in vector.subjects().unwrap() {
        reports.push(dns.caa_check(view, subject, vector.terms()).await);
    }
    let mut said = CaaOutcome::of_all(reports.iter().map(|r| r.verdict().outcome()));
    if let Some(age_seconds) = vector.age_seconds {
        let now = NOW.plus_ms(age_seconds * SECOND_MS);
        let rule = FreshnessRule::BaselineRequirements;
        let fresh = |e: &CaaEvidence| matches!(e.freshness(now, rule), Freshness::Fresh { .. });
        if !reports.iter().filter_map(CaaReport::evidence).all(fresh) {
            said = CaaOutcome::Unknown;
        }
    }
    let evidence = reports.first().and_then(CaaReport::evidence);
    let found = evidence.and_then(CaaEvidence::relevant_owner).map(|owner| format!("{owner}."));
    if vector.accepts(said) && found == vector.relevant_set_at {
        return None;
    }
    Some(format!(
        "{} {how}: expected {:?} by {:?} ({}), got {said:?} by {found:?}\n{:#?}",
        vector.id, vector.expected, vector.relevant_set_at, vector.reason, reports
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vectors_over_bind_and_unbound() {
    let mut left_out: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut placed = Vec::new();
    let vectors = vector::read_all();
    for (number, vector) in vectors.iter().enumerate() {
        match place(number, vector) {
            Ok(one) => placed.push(one),
            Err(why) => left_out.entry(why).or_default().push(vector.id.clone()),
        }
    }
    let bind = bind(&zone_files(&placed));
    let unbound = unbound(bind.address, &[]);
    let breaks: Breaks = placed.iter().flat_map(|one| one.breaks.clone()).collect();
    // What only a resolver's own servers can break is the story `caa_vectors` of the program.
    let says_so = |one: &Placed| one.vector.skip_live && one.vector.faults.is_empty();
    placed.retain(|one| one.breaks_behind.is_empty() && !says_so(one));
    let middle = Middle::start(unbound.address, breaks).await;
    let resolver = through(middle.address);

    let wrong: Vec<String> = stream::iter(&placed)
        .map(|one| {
            let mut both = through(unbound.address);
            let servers = [bind.address];
            let zones: Vec<(&str, &[SocketAddr])> =
                one.zones.iter().map(|apex| (apex.as_str(), &servers[..])).collect();
            both.authorities = authorities(&zones);
            let resolver = &resolver;
            async move {
                let first = run(one, resolver, "through the resolver").await;
                // Faults stand between us and the resolver, so only there.
                let direct = one.breaks.is_empty();
                let second =
                    if direct { run(one, &both, "at the servers too").await } else { None };
                first.into_iter().chain(second)
            }
        })
        .buffer_unordered(16)
        .flat_map(stream::iter)
        .collect()
        .await;
    println!("{} of {} vectors served; left out: {left_out:?}", placed.len(), vectors.len());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    // The shared file has more than 150 that can be served; another file may be smaller.
    assert!(placed.len() >= vectors.len() * 8 / 10, "only {} served", placed.len());
}

/// Signed zones, good and broken in five ways, each with its key as a trust anchor.
fn signed_zones() -> (Vec<ZoneFile>, Vec<String>) {
    let caa = "0 issue \"ca.example\"";
    let plain = |apex: &str| {
        zone(
            apex,
            &format!("www.{apex} IN CAA {caa}\nempty.{apex} IN TXT \"x\"\n{apex} IN CAA {caa}"),
        )
    };
    let mut zones = vec![
        zone(".", "sgn. IN NS ns.invalid."),
        zone("sgn.", "good.sgn. IN NS ns.invalid.\nplain.sgn. IN NS ns.invalid."),
        plain("plain.sgn."),
    ];
    let mut anchors = Vec::new();
    let mut add = |apex: &str, times: &[&str], change: &dyn Fn(String) -> String| {
        let (mut zone, anchor) = signed(&plain(apex), times);
        zone.text = change(zone.text);
        anchors.push(anchor);
        zones.push(zone);
    };
    let without = |text: String, gone: &dyn Fn(&str) -> bool| -> String {
        records_of(&text).into_iter().filter(|record| !gone(record)).map(|r| r + "\n").collect()
    };
    add("good.sgn.", &[], &|text| text);
    add("altered.sgn.", &[], &|text| text.replace("ca.example", "cb.example"));
    add("expired.sgn.", &["-s", "20200101000000", "-e", "20200201000000"], &|text| text);
    add("unsigned.sgn.", &[], &|_| plain("unsigned.sgn.").text);
    // The set is taken away, and what proves that there is one stays.
    add("stripped.sgn.", &[], &|text| without(text, &|r| is(r, "CAA") || covers(r, "CAA")));
    // The proof that there is none is taken away.
    add("unproved.sgn.", &[], &|text| without(text, &|r| is(r, "NSEC") || covers(r, "NSEC")));
    (zones, anchors)
}

/// The records of a signed zone file, each on one line with its owner.
fn records_of(text: &str) -> Vec<String> {
    let mut records: Vec<String> = Vec::new();
    let mut open = false;
    let mut owner = String::new();
    for line in text.lines().map(|line| line.split(" ; ").next().unwrap()) {
        let line = line.split("\t; ").next().unwrap();
        if line.trim().is_empty() || line.starts_with(';') {
            continue;
        }
        if open {
            let last = records.last_mut().unwrap();
            last.push(' ');
            last.push_str(line.trim());
        } else if line.starts_with([' ', '\t']) {
            records.push(format!("{owner} {}", line.trim()));
        } else {
            owner = line.split_whitespace().next().unwrap().to_owned();
            records.push(line.to_owned());
        }
        open = (open || line.contains('(')) && !line.contains(')');
    }
    records
}

fn is(record: &str, kind: &str) -> bool {
    record.split_whitespace().nth(2).is_some_and(|word| word == kind)
        || record.split_whitespace().nth(3).is_some_and(|word| word == kind)
}

fn covers(record: &str, kind: &str) -> bool {
    is(record, "RRSIG") && record.split_whitespace().any(|word| word == kind)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_signature_is_never_permission() {
    let (zones, anchors) = signed_zones();
    let bind = bind(&zones);
    let unbound = unbound(bind.address, &anchors);
    let view = through(unbound.address);

    let (allowed, evidence) = outcome(&view, "www.good.sgn").await;
    assert_eq!((allowed, evidence.weakest_proof()), (CaaOutcome::Allow, Proof::Secure));
    let (allowed, evidence) = outcome(&view, "empty.good.sgn").await;
    assert_eq!((allowed, evidence.weakest_proof()), (CaaOutcome::Allow, Proof::Secure));
    assert_eq!(evidence.relevant_owner().unwrap().as_str(), "good.sgn");
    let (allowed, evidence) = outcome(&view, "www.plain.sgn").await;
    assert_eq!((allowed, evidence.weakest_proof()), (CaaOutcome::Allow, Proof::Insecure));
    let denied = client(LIMITS).caa_look_up(&view, name("www.good.sgn")).await;
    assert_eq!(denied.judge(&by("cb.example")).outcome(), CaaOutcome::Deny);

    for broken in [
        "www.altered.sgn",
        "www.expired.sgn",
        "www.unsigned.sgn",
        "www.stripped.sgn",
        "stripped.sgn",
        "empty.unproved.sgn",
        "nowhere.unproved.sgn",
    ] {
        let evidence = client(LIMITS).caa_look_up(&view, name(broken)).await;
        for issuer in ["ca.example", "cb.example"] {
            let verdict = evidence.judge(&by(issuer));
            let bogus = CaaVerdict::Unknown(UnknownBecause::LookupFailed(LookupFailure::Bogus));
            assert_eq!(verdict, bogus, "{broken} {issuer}: {evidence:#?}");
        }
    }
    // A second way to look does not make up for a bogus one.
    let mut both = view;
    both.authorities = authorities(&[("altered.sgn", &[bind.address])]);
    assert_eq!(outcome(&both, "www.altered.sgn").await.0, CaaOutcome::Unknown);
}

fn shop(ca: &str) -> Vec<ZoneFile> {
    vec![
        zone("lab.", "shop.lab. IN NS ns.invalid."),
        zone(
            "shop.lab.",
            &format!(
                "shop.lab. IN CAA 0 issue \"{ca}\"\nwww.shop.lab. IN CNAME web.shop.lab.\n\
                 web.shop.lab. IN A 192.0.2.1\nweb.shop.lab. IN AAAA 2001:db8::1\n\
                 away.shop.lab. IN CNAME cust.saas.lab.\ncust.shop.lab. IN NS ns.invalid.\n\
                 _acme-challenge.shop.lab. IN TXT \"one\" \"two\"\n\
                 _acme-challenge.shop.lab. IN TXT \"three\""
            ),
        ),
    ]
}

fn failure(evidence: &CaaEvidence) -> Option<LookupFailure> {
    match evidence.end() {
        ClimbEnd::Failed(failure) => Some(failure),
        ClimbEnd::Relevant | ClimbEnd::NoSet | ClimbEnd::NoSuchTld => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_differ_or_are_gone_are_never_permission() {
    let (one, two, other) =
        (bind(&shop("ca.example")), bind(&shop("ca.example")), bind(&shop("ca2.example")));
    let (a, b, c) = (one.address, two.address, other.address);
    let lab = |servers: &[SocketAddr]| at(&[("shop.lab", servers), ("lab", servers)]);

    let (said, evidence) = outcome(&lab(&[a, b]), "www.shop.lab").await;
    assert_eq!(said, CaaOutcome::Allow);
    assert_eq!(evidence.rungs().iter().map(|rung| rung.sources.len()).max(), Some(2));
    let (said, evidence) = outcome(&lab(&[a, b, c]), "www.shop.lab").await;
    assert_eq!(
        (said, failure(&evidence)),
        (CaaOutcome::Unknown, Some(LookupFailure::Disagreement))
    );
    // Nobody is listed for the top-level domain: the climb cannot end without a set.
    let (said, evidence) = outcome(&at(&[("lab", &[a])]), "nothing.lab").await;
    assert_eq!((said, evidence.rungs().len()), (CaaOutcome::Allow, 2));
    let (said, evidence) = outcome(&at(&[("shop.lab", &[a])]), "other.lab").await;
    assert_eq!((said, failure(&evidence)), (CaaOutcome::Unknown, Some(LookupFailure::NoServer)));
    // Delegated away, and nobody listed who serves it.
    let (said, evidence) = outcome(&lab(&[a]), "www.cust.shop.lab").await;
    assert_eq!((said, failure(&evidence)), (CaaOutcome::Unknown, Some(LookupFailure::NoServer)));
    assert!(matches!(evidence.rungs()[0].sources[0].answer, LookupAnswer::Delegated { .. }));
    // An alias out of every listed zone.
    let (said, evidence) = outcome(&at(&[("shop.lab", &[a])]), "away.shop.lab").await;
    assert_eq!((said, failure(&evidence)), (CaaOutcome::Unknown, Some(LookupFailure::NoServer)));
    // A server that does not serve the zone it is listed for.
    let (said, evidence) = outcome(&at(&[("example", &[a])]), "www.example").await;
    assert_eq!((said, failure(&evidence)), (CaaOutcome::Unknown, Some(LookupFailure::Refused)));

    let both = DnsName::parse("www.shop.lab").unwrap();
    let dns = client(LIMITS);
    let addresses = dns.addresses(&lab(&[a, b]), &both).await.unwrap();
    assert_eq!(
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["2001:db8::1", "192.0.2.1"]
    );
    let challenge = DnsName::parse("_acme-challenge.shop.lab").unwrap();
    let mut texts = dns.txt(&lab(&[a, b]), &challenge).await.unwrap();
    texts.sort();
    assert_eq!(texts, [b"onetwo".to_vec(), b"three".to_vec()]);
    let none = DnsName::parse("_acme-challenge.www.shop.lab").unwrap();
    assert_eq!(dns.txt(&lab(&[a]), &none).await, Ok(Vec::new()));

    two.stop();
    for gone in
        [outcome(&lab(&[a, b]), "www.shop.lab").await, outcome(&through(b), "www.shop.lab").await]
    {
        assert_eq!(gone.0, CaaOutcome::Unknown);
        assert_eq!(failure(&gone.1), Some(LookupFailure::Unreachable));
    }
    assert_eq!(dns.txt(&lab(&[a, b]), &challenge).await, Err(LookupFailure::Unreachable));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resolver_whose_servers_died_is_never_permission() {
    let bind = bind(&[
        zone(".", "lab. IN NS ns.invalid."),
        zone("lab.", "www.lab. IN CAA 0 issue \"ca.example\""),
    ]);
    let resolver = unbound(bind.address, &[]);
    let view = through(resolver.address);
    assert_eq!(outcome(&view, "www.lab").await.0, CaaOutcome::Allow);
    // The root is signed in the world; here it is not, and `nowhere` does not exist.
    let (said, evidence) = outcome(&view, "www.nowhere").await;
    assert_eq!((said, evidence.end()), (CaaOutcome::Unknown, ClimbEnd::NoSuchTld));
    let mut ours = through(resolver.address);
    ours.private_tlds = PrivateTlds::none().and(&DnsName::parse("nowhere").unwrap());
    assert_eq!(outcome(&ours, "www.nowhere").await.0, CaaOutcome::Allow);
    bind.stop();
    let (said, evidence) = outcome(&view, "fresh.lab").await;
    assert_eq!(said, CaaOutcome::Unknown, "{evidence:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_too_large_for_a_datagram_is_read_whole_or_not_at_all() {
    let mut records = String::new();
    for number in 0..1_999 {
        writeln!(records, "big.lab. IN CAA 0 t{number} \"x\"").unwrap();
    }
    records += "big.lab. IN CAA 0 issue \"other.example\"\n";
    let bind: Server = bind(&[zone(".", "lab. IN NS ns.invalid."), zone("lab.", &records)]);
    let unbound = unbound(bind.address, &[]);
    for view in [through(unbound.address), at(&[("lab", &[bind.address])])] {
        let (said, evidence) = outcome(&view, "big.lab").await;
        assert_eq!((said, evidence.relevant_set().len()), (CaaOutcome::Deny, 2_000));
    }
    // The same without TCP: 1,999 records that say nothing must not become the answer.
    let (before_unbound, before_bind) =
        (Middle::without_tcp(unbound.address).await, Middle::without_tcp(bind.address).await);
    for view in [through(before_unbound.address), at(&[("lab", &[before_bind.address])])] {
        let (said, evidence) = outcome(&view, "big.lab").await;
        let truncated = Some(LookupFailure::Truncated);
        assert_eq!((said, failure(&evidence)), (CaaOutcome::Unknown, truncated));
    }
}
