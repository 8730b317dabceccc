//! CAA: values, terms, and whole sets judged by a second opinion too.

use bailiwick_core::caa::{
    AccountUri, CaaName, CaaOutcome, CaaRecord, CaaTerms, ClimbStep, Found, IssueValue,
    IssuerDomain, LookupAnswer, PrivateTlds, Proof, PropertyTag, Source, SourceAnswer, SourceRole,
    ValidationMethod, climb,
};
use bailiwick_core::time::Time;

use crate::fuzzing::refusal::check_text;
use crate::fuzzing::{Shape, Target};
use crate::reference::{self, Question};

const WORDS: [&str; 16] = [
    ";",
    "; ",
    "=",
    "accounturi=",
    "AccountURI=",
    "validationmethods=",
    "dns-01",
    ",",
    "https://ca.example/acct/1",
    "ca.example",
    "issue",
    "issuewild",
    "iodef",
    "\t",
    "\n\u{80}",
    "\nissue ;",
];

#[test]
fn fuzz_caa_value() {
    let seeds = [
        "ca.example",
        ";",
        "ca.example; validationmethods=dns-01,http-01",
        "ca.example; accounturi=https://ca.example/acct/1; a=",
        "",
        " \t; ",
    ];
    Target::new("fuzz_caa_value", Shape::Text)
        .seeds(seeds)
        .refused(["ca.example.", "ca.example;;", "ca.example; a", "a=b c", "\u{fc}.example"])
        .words(WORDS)
        .run(|octets| {
            let value = IssueValue::read(octets)?;
            let parameters = value.parameters.iter().map(|it| format!("{}={}", it.tag, it.value));
            let issuer = value.issuer.as_ref().map(ToString::to_string).unwrap_or_default();
            let parameters: Vec<String> = parameters.collect();
            let spelled = match parameters.as_slice() {
                [] => issuer,
                some => format!("{issuer}; {}", some.join("; ")),
            };
            assert_eq!(IssueValue::read(spelled.as_bytes()), Ok(value), "{spelled}");
            Ok(())
        });
}

#[test]
fn fuzz_caa_terms() {
    let seeds = ["ca.example", "https://ca.example/acct/1", "dns-01", "dns-01,http-01"];
    Target::new("fuzz_caa_terms", Shape::Text).seeds(seeds).words(WORDS).run(|octets| {
        let text = std::str::from_utf8(octets)?;
        let uri = AccountUri::parse(text).map(|uri| assert_eq!(uri.as_str(), text));
        let list = ValidationMethod::read_list(text);
        let again =
            list.as_ref().map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(again.is_err() || again.unwrap().join(",") == text);
        let issuer = IssuerDomain::parse(text).map(|issuer| {
            assert_eq!(IssuerDomain::parse(issuer.as_str()), Ok(issuer));
        });
        uri.or(issuer).or(list.map(|_| ()))?;
        Ok(())
    });
}

/// One record a line: flags as one octet, tag, space, value.
fn records(octets: &[u8]) -> Vec<CaaRecord> {
    let record = |line: &[u8]| {
        let (flags, rest) = line.split_first()?;
        let space = rest.iter().position(|octet| *octet == b' ').unwrap_or(rest.len());
        let (tag, value) = rest.split_at_checked(space)?;
        let value = value.split_first().map_or(&[][..], |(_, value)| value).to_vec();
        (!tag.is_empty()).then(|| CaaRecord { flags: *flags, tag: tag.to_vec(), value })
    };
    octets.split(|octet| *octet == b'\n').filter_map(record).collect()
}

fn question(wildcard: bool, narrow: bool) -> Question {
    Question {
        wildcard,
        email: false,
        issuer: "ca.example".to_owned(),
        account: narrow.then(|| "https://ca.example/acct/1".to_owned()),
        method: narrow.then(|| "dns-01".to_owned()),
        known: ["issue", "issuewild", "iodef", "issuemail"].map(str::to_owned).to_vec(),
    }
}

fn terms(question: &Question) -> CaaTerms {
    let mut terms = CaaTerms::tls([IssuerDomain::parse(&question.issuer).unwrap()]);
    terms.account = question.account.as_ref().map(|it| AccountUri::parse(it).unwrap());
    terms.method = question.method.as_ref().map(|it| ValidationMethod::parse(it).unwrap());
    let known = question.known.iter().map(|tag| PropertyTag::read(tag.as_bytes()).unwrap());
    terms.known_tags = known.collect();
    terms
}

/// The engine's word on a set that stands at the name itself.
fn judged(records: Vec<CaaRecord>, question: &Question) -> CaaOutcome {
    let name = if question.wildcard { "*.shop.example" } else { "shop.example" };
    let step = climb(CaaName::parse(name).unwrap(), PrivateTlds::none());
    let found = Found { records, ttl_seconds: 60, proof: Proof::Secure, aliases: Vec::new() };
    let source = Source { role: SourceRole::Resolver, server: ([192, 0, 2, 1], 53).into() };
    let ClimbStep::Ask(asking) = step else { unreachable!("a name is asked for") };
    let answer = SourceAnswer { source, answer: LookupAnswer::Records(found) };
    match asking.answer(Time::from_unix_seconds(0), vec![answer]) {
        ClimbStep::Finished(evidence) => evidence.judge(&terms(question)).outcome(),
        ClimbStep::Ask(_) => unreachable!("a set ends the climb"),
    }
}

/// The engine and an opinion written apart from it agree on every set.
#[test]
fn fuzz_caa_set() {
    let seeds = [
        "\0issue ca.example\n\0issue other.example",
        "\0issue ;\n\0issuewild ca.example; validationmethods=dns-01",
        "\0issue ca.example; accounturi=https://ca.example/acct/1; validationmethods=http-01,dns-01",
        "\0iodef mailto:a@b.example\n\0ISSUE CA.Example",
        "\x01issue ca.example\n\0tbs x",
    ];
    let refused = ["\0issue other.example", "\0issue ;", "\0is.sue ca.example"];
    Target::new("fuzz_caa_set", Shape::Text).seeds(seeds).refused(refused).words(WORDS).run(
        |octets| {
            let set = records(octets);
            set.iter().for_each(check_text_of);
            let mut allowed = set.is_empty();
            for (wildcard, narrow) in [(false, false), (true, false), (false, true), (true, true)] {
                if set.is_empty() {
                    continue;
                }
                let question = question(wildcard, narrow);
                let opinion = match reference::decide(&set, &question) {
                    'a' => CaaOutcome::Allow,
                    'd' => CaaOutcome::Deny,
                    _ => CaaOutcome::Unknown,
                };
                assert_eq!(judged(set.clone(), &question), opinion, "{question:?}");
                allowed |= opinion == CaaOutcome::Allow;
            }
            if allowed { Ok(()) } else { Err(crate::fuzzing::refusal::No.into()) }
        },
    );
}

/// A record prints as zone files spell it, and nothing in it acts.
fn check_text_of(record: &CaaRecord) {
    let text = record.to_string();
    assert!(text.bytes().all(|octet| matches!(octet, b' '..=b'~')), "{text}");
    if text.len() < 1_000 {
        check_text(&text);
    }
}
