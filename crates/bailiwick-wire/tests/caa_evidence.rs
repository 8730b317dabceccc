//! CAA evidence as it is stored and read back, and reports as people and programs see them.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::SocketAddr;

use bailiwick_core::caa::{
    AccountUri, Alias, AliasKind, AliasName, CaaEvidence, CaaName, CaaRecord, CaaReport,
    CaaSubject, CaaTerms, ClimbStep, Empty, Found, IssuerDomain, LookupAnswer, LookupFailure,
    PrivateTlds, Proof, Source, SourceAnswer, SourceRole, ValidationMethod, climb,
};
use bailiwick_core::names::DnsName;
use bailiwick_core::time::Time;
use bailiwick_wire::caa_json::{BadEvidence, evidence_octets, read_evidence, report_json};
use bailiwick_wire::caa_text::render_text;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

type Answer = LookupAnswer<CaaRecord>;

fn resolver(answer: Answer) -> SourceAnswer<CaaRecord> {
    let server = SocketAddr::from(([127, 0, 0, 1], 53));
    SourceAnswer { source: Source { role: SourceRole::Resolver, server }, answer }
}

fn authority(last: u8, answer: Answer) -> SourceAnswer<CaaRecord> {
    let server = SocketAddr::from(([192, 0, 2, last], 53));
    SourceAnswer { source: Source { role: SourceRole::Authority, server }, answer }
}

/// A climb over given answers; after the last one it repeats the last.
fn seen(name: &str, rungs: &[Vec<SourceAnswer<CaaRecord>>]) -> CaaEvidence {
    let private = PrivateTlds::none().and(&DnsName::parse("corp").unwrap());
    let mut step = climb(CaaName::parse(name).unwrap(), private);
    let start = Time::parse("2026-11-22T03:00:00Z").unwrap();
    for (second, answers) in (0..).zip(rungs.iter().cycle()) {
        match step {
            ClimbStep::Finished(evidence) => return evidence,
            ClimbStep::Ask(asking) => {
                step = asking.answer(start.plus_ms(second * 1_000), answers.clone());
            }
        }
    }
    unreachable!("a climb ends")
}

fn set(records: &[(u8, &str, &str)]) -> Answer {
    let read = |(flags, tag, value): &(u8, &str, &str)| CaaRecord {
        flags: *flags,
        tag: tag.as_bytes().to_vec(),
        value: value.as_bytes().to_vec(),
    };
    LookupAnswer::Records(Found {
        records: records.iter().map(read).collect(),
        ttl_seconds: 300,
        proof: Proof::Secure,
        aliases: Vec::new(),
    })
}

fn nothing(proof: Proof) -> Answer {
    LookupAnswer::NxDomain(Empty { ttl_seconds: Some(60), proof, aliases: Vec::new() })
}

fn terms() -> CaaTerms {
    CaaTerms::tls([IssuerDomain::parse("ca.example").unwrap()])
        .for_account(AccountUri::parse("https://ca.example/acme/acct/1").unwrap())
        .by_method(ValidationMethod::parse("dns-01").unwrap())
}

fn text(name: &str, rungs: &[Vec<SourceAnswer<CaaRecord>>]) -> String {
    render_text(&CaaReport::of_climb(seen(name, rungs), terms()))
}

#[test]
fn a_refusal_reads_at_three_in_the_morning() {
    let rungs = [
        vec![resolver(nothing(Proof::Secure))],
        vec![resolver(set(&[
            (0, "issue", "other.example"),
            (0, "issue", "ca.example."),
            (0, "iodef", "mailto:\u{1b}[2J"),
        ]))],
    ];
    assert_eq!(
        text("www.shop.example", &rungs),
        "\
DENY  www.shop.example: ca.example may not issue, account https://ca.example/acme/acct/1, by dns-01

Why
  No `issue` at `shop.example` permits it: `0 issue \"other.example\"` names `other.example`; nor does any of 1 more (RFC 8659, section 4.2).

What each name answered
  1. www.shop.example  no CAA, the name does not exist, TTL 60 s, secure (DNSSEC)  [resolver 127.0.0.1:53]
  2. shop.example  3 records, TTL 300 s, secure (DNSSEC)  [resolver 127.0.0.1:53]
       0 issue \"other.example\"   names `other.example`
       0 issue \"ca.example.\"   names nobody, because the issuer is not a plain domain name (no final dot, no URL, letters, digits and inner hyphens)
       0 iodef \"mailto:\\027[2J\"
  The set at shop.example is the relevant one; nothing above it counts.

What to do
  If it should be permitted, ask who edits `shop.example` to publish `shop.example. CAA 0 issue \"ca.example; accounturi=https://ca.example/acme/acct/1\"`, wait until the old records have expired, and check again. Otherwise nothing: CAA works.
  It may be relied on until 2026-11-22T04:00:00Z here, and until 2026-11-22T11:00:00Z by the Baseline Requirements.
"
    );
}

#[test]
fn servers_that_differ_are_shown_side_by_side() {
    let rungs = [vec![
        authority(1, set(&[(0, "issue", "ca.example")])),
        authority(2, set(&[(0, "issue", "other.example")])),
    ]];
    assert_eq!(
        text("shop.example", &rungs),
        "\
UNKNOWN  shop.example: ca.example must not issue: CAA could not be decided, account https://ca.example/acme/acct/1, by dns-01

Why
  The look-up at `shop.example` failed: the servers do not say the same (RFC 8659, section 6.1; BR 3.2.2.8).

What each name answered
  1. shop.example  FAILED: the servers do not say the same; wait for propagation or compare their zones
     name server 192.0.2.1:53: 1 record, TTL 300 s, secure (DNSSEC)
       0 issue \"ca.example\"
     name server 192.0.2.2:53: 1 record, TTL 300 s, secure (DNSSEC)
       0 issue \"other.example\"
  The climb stopped here: the servers differ, and there is no telling which is right.

What to do
  Wait for propagation or compare their zones. Then check again.
"
    );
}

#[test]
fn what_a_careful_reader_should_know_is_said() {
    let aliased = LookupAnswer::Records(Found {
        records: vec![CaaRecord {
            flags: 1,
            tag: b"issue".to_vec(),
            value: b"ca.example".to_vec(),
        }],
        ttl_seconds: 300,
        proof: Proof::Indeterminate,
        aliases: vec![Alias {
            from: AliasName::from_labels([&b"www"[..], b"shop", b"example"]),
            to: AliasName::from_labels([&b"cust"[..], b"saas", b"example"]),
            by: AliasKind::Cname,
        }],
    });
    let text = text("www.shop.example", &[vec![resolver(aliased)]]);
    for wanted in [
        "ALLOW  www.shop.example: ca.example may issue",
        "www.shop.example is an alias (CNAME) of cust.saas.example",
        "The set stands at `cust.saas.example`, an alias's target: who edits that name decides.",
        "Not every answer was validated with DNSSEC",
        "has reserved flags and is not critical; critical is 128",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    let exempt = match CaaSubject::parse("192.0.2.1").unwrap() {
        CaaSubject::Exempt(exempt) => CaaReport::of_exempt(exempt, terms()),
        CaaSubject::Name(name) => unreachable!("{name}"),
    };
    assert!(render_text(&exempt).starts_with("ALLOW  192.0.2.1: ca.example may issue"));
}

#[test]
fn a_report_is_json_for_programs() {
    let rungs = [vec![resolver(set(&[(128, "tbs", "x")]))]];
    let json = report_json(&CaaReport::of_climb(seen("*.shop.example", &rungs), terms()));
    assert_eq!(json["name"], "*.shop.example");
    assert_eq!(json["outcome"], "deny");
    assert_eq!(json["reason"]["code"], "unknown-critical");
    assert_eq!(json["reason"]["rule"], "RFC 8659, section 4.1");
    assert_eq!(json["reason"]["record"]["rdata"], "800374627378");
    assert_eq!(json["relevant_set_at"], "shop.example");
    assert_eq!(json["terms"]["issuers"], json!(["ca.example"]));
    assert_eq!(json["evidence"]["rungs"][0]["answer"]["dnssec"], "secure");
}

#[test]
fn evidence_that_was_touched_does_not_climb() {
    let rungs = [vec![resolver(nothing(Proof::Secure))], vec![resolver(set(&[(0, "issue", ";")]))]];
    let evidence = seen("www.shop.example", &rungs);
    let octets = evidence_octets(&evidence);
    assert_eq!(read_evidence(&octets), Ok(evidence));
    let touched = |change: &dyn Fn(&mut Value)| {
        let mut json: Value = serde_json::from_slice(&octets).unwrap();
        change(&mut json);
        read_evidence(json.to_string().as_bytes()).unwrap_err()
    };
    let climbs = BadEvidence::DoesNotClimb;
    assert_eq!(touched(&|j| j["end"] = json!("no-set")), climbs);
    assert_eq!(touched(&|j| j["rungs"].as_array_mut().unwrap().truncate(1)), climbs);
    assert_eq!(touched(&|j| j["rungs"][0]["name"] = json!("shop.example")), climbs);
    assert_eq!(touched(&|j| j["rungs"][0]["sources"] = json!([])), climbs);
    let more = |j: &mut Value| {
        let last = j["rungs"][1].clone();
        j["rungs"].as_array_mut().unwrap().push(last);
    };
    assert_eq!(touched(&more), climbs);
    let format = touched(&|j| j["format"] = json!("caa/v2"));
    assert_eq!(format, BadEvidence::Format("caa/v2".to_owned()));
    let rdata = |j: &mut Value| {
        j["rungs"][1]["sources"][0]["answer"]["records"][0]["rdata"] = json!("0000");
    };
    assert_eq!(touched(&rdata), BadEvidence::Content("0000".to_owned()));
}

fn any_alias_name() -> impl Strategy<Value = AliasName> {
    let label = prop::collection::vec(any::<u8>(), 1..6);
    prop::collection::vec(label, 0..3)
        .prop_map(|labels| AliasName::from_labels(labels.iter().map(Vec::as_slice)))
}

fn any_aliases() -> impl Strategy<Value = Vec<Alias>> {
    let kind = select(vec![AliasKind::Cname, AliasKind::Dname]);
    let alias = (any_alias_name(), any_alias_name(), kind).prop_map(|(from, to, by)| Alias {
        from,
        to,
        by,
    });
    prop::collection::vec(alias, 0..3)
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let octets = |most| prop::collection::vec(any::<u8>(), 1..most);
    let record = (any::<u8>(), octets(20), octets(40)).prop_map(|(flags, tag, value)| CaaRecord {
        flags,
        tag,
        value,
    });
    let proof = || select(vec![Proof::Secure, Proof::Insecure, Proof::Indeterminate]);
    let found = (prop::collection::vec(record, 1..4), any::<u32>(), proof(), any_aliases())
        .prop_map(|(records, ttl_seconds, proof, aliases)| {
            LookupAnswer::Records(Found { records, ttl_seconds, proof, aliases })
        });
    let empty = || {
        (any::<Option<u32>>(), proof(), any_aliases())
            .prop_map(|(ttl_seconds, proof, aliases)| Empty { ttl_seconds, proof, aliases })
    };
    let failure = prop_oneof![
        any::<u16>().prop_map(LookupFailure::OtherCode),
        select(vec![LookupFailure::Bogus, LookupFailure::Timeout, LookupFailure::Disagreement]),
    ];
    let failed = (failure, any_aliases())
        .prop_map(|(failure, aliases)| LookupAnswer::Failed { failure, aliases });
    prop_oneof![
        2 => found,
        4 => empty().prop_map(LookupAnswer::NoData),
        4 => empty().prop_map(LookupAnswer::NxDomain),
        1 => any_alias_name().prop_map(|cut| LookupAnswer::Delegated { cut }),
        1 => failed,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn evidence_comes_back_as_it_went(
        name in select(vec!["*.www.shop.example", "shop.corp", "example", "a.b.c.d.e.f.example"]),
        answers in prop::collection::vec(any_answer(), 1..6), both in any::<bool>(),
    ) {
        let rungs: Vec<_> = answers.into_iter().map(|answer| {
            let mut sources = vec![resolver(answer.clone())];
            if both {
                sources.push(authority(9, answer));
            }
            sources
        }).collect();
        let evidence = seen(name, &rungs);
        let octets = evidence_octets(&evidence);
        let back = read_evidence(&octets);
        prop_assert_eq!(back.as_ref(), Ok(&evidence));
        prop_assert_eq!(evidence_octets(&back.unwrap()), octets);
        let report = CaaReport::of_climb(evidence, terms());
        let text = render_text(&report);
        prop_assert!(text.chars().all(|c| c == '\n' || c == '…' || (' '..='~').contains(&c)), "{}", text);
        let json = report_json(&report);
        prop_assert_eq!(json["name"].as_str(), Some(name));
    }

    #[test]
    fn any_octets_are_refused_without_harm(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read_evidence(&octets).is_err());
    }
}
