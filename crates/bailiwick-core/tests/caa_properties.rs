//! CAA over random trees: the engine agrees with a second, separately written evaluator, and no
//! damage, loss or doubt ever makes it more permissive (promise P8).
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::indexing_slicing, reason = "a test stops at the first surprise")]

#[path = "caa/reference.rs"]
mod reference;

use std::collections::BTreeMap;

use bailiwick_core::caa::{
    AccountUri, Allowed, CaaEvidence, CaaName, CaaOutcome, CaaRecord, CaaTerms, CertificateKind,
    ClimbEnd, ClimbStep, Empty, Found, FreshnessRule, IssuerDomain, LookupAnswer, LookupFailure,
    MayIssue, PrivateTlds, Proof, PropertyTag, Source, SourceAnswer, SourceRole, ValidationMethod,
    Wanted, climb,
};
use bailiwick_core::names::DnsName;
use bailiwick_core::time::Time;
use proptest::prelude::*;
use proptest::sample::select;

use reference::Question;

/// What a name of the random tree holds; a name that is not in the tree does not exist.
#[derive(Clone, Debug)]
enum Node {
    Set(Vec<CaaRecord>),
    Empty,
    Alias(String),
    Fails(LookupFailure),
}

type Tree = BTreeMap<String, Node>;

/// The world's answer; both evaluators see it.
fn resolve(tree: &Tree, name: &str) -> LookupAnswer<CaaRecord> {
    let empty = Empty { ttl_seconds: None, proof: Proof::Secure, aliases: Vec::new() };
    let mut at = name.to_owned();
    for _ in 0..4 {
        match tree.get(&at) {
            None => return LookupAnswer::NxDomain(empty),
            Some(Node::Empty) => return LookupAnswer::NoData(empty),
            Some(Node::Set(records)) if records.is_empty() => return LookupAnswer::NoData(empty),
            Some(Node::Set(records)) => {
                return LookupAnswer::Records(Found {
                    records: records.clone(),
                    ttl_seconds: 300,
                    proof: Proof::Secure,
                    aliases: Vec::new(),
                });
            }
            Some(Node::Alias(to)) => at.clone_from(to),
            Some(Node::Fails(failure)) => return failed(*failure),
        }
    }
    failed(LookupFailure::AliasLoop)
}

fn failed(failure: LookupFailure) -> LookupAnswer<CaaRecord> {
    LookupAnswer::Failed { failure, aliases: Vec::new() }
}

fn source(last: u8) -> Source {
    Source { role: SourceRole::Resolver, server: ([192, 0, 2, last], 53).into() }
}

/// The engine's climb, with one server per tree.
fn seen(trees: &[&Tree], name: &str, wildcard: bool) -> CaaEvidence {
    let base = DnsName::parse(name).unwrap();
    let name = if wildcard { CaaName::wildcard(base) } else { CaaName::plain(base) };
    let mut step = climb(name, PrivateTlds::reserved());
    loop {
        match step {
            ClimbStep::Finished(evidence) => return evidence,
            ClimbStep::Ask(asking) => {
                let ask = |(i, tree): (u8, &&Tree)| SourceAnswer {
                    source: source(i),
                    answer: resolve(tree, asking.name().as_str()),
                };
                let answers = (1..).zip(trees).map(ask).collect();
                step = asking.answer(Time::from_unix_seconds(0), answers);
            }
        }
    }
}

fn engine(tree: &Tree, name: &str, question: &Question) -> CaaOutcome {
    seen(&[tree], name, question.wildcard).judge(&terms(question)).outcome()
}

fn terms(question: &Question) -> CaaTerms {
    let mut terms = CaaTerms::tls([IssuerDomain::parse(&question.issuer).unwrap()]);
    if question.email {
        terms.kind = CertificateKind::Email;
    }
    terms.account = question.account.as_ref().map(|a| AccountUri::parse(a).unwrap());
    terms.method = question.method.as_ref().map(|m| ValidationMethod::parse(m).unwrap());
    let known = question.known.iter().map(|t| PropertyTag::read(t.as_bytes()).unwrap());
    terms.known_tags = known.collect();
    terms
}

/// The second opinion's climb: suffixes by position, no engine type but the answer.
fn second_opinion(tree: &Tree, name: &str, question: &Question) -> CaaOutcome {
    let labels: Vec<&str> = name.split('.').collect();
    for from in 0..labels.len() {
        match resolve(tree, &labels[from..].join(".")) {
            LookupAnswer::Records(found) => {
                return match reference::decide(&found.records, question) {
                    'a' => CaaOutcome::Allow,
                    'd' => CaaOutcome::Deny,
                    _ => CaaOutcome::Unknown,
                };
            }
            LookupAnswer::Failed { .. } => return CaaOutcome::Unknown,
            LookupAnswer::NxDomain(_) if from + 1 == labels.len() => return CaaOutcome::Unknown,
            LookupAnswer::NoData(_)
            | LookupAnswer::NxDomain(_)
            | LookupAnswer::Delegated { .. } => {}
        }
    }
    CaaOutcome::Allow
}

const ACCOUNTS: [&str; 2] = ["https://ca.example/acct/1", "https://ca.example/acct/2"];

fn any_value() -> impl Strategy<Value = Vec<u8>> {
    let issuer = select(vec![
        "ca.example",
        "ca.example",
        "ca.example",
        "CA.Example",
        "other.example",
        "",
        " ",
        "ca.example.",
        "-ca.example",
        "ca..example",
        "example",
        "ca_example",
        "ca--a.example",
    ]);
    let parameter = select(vec![
        ";",
        "; ",
        " ;\t",
        "; accounturi=https://ca.example/acct/1",
        ";accounturi = https://ca.example/acct/2 ",
        "; AccountURI=https://ca.example/acct/2",
        "; accounturi=",
        "; validationmethods=dns-01",
        "; validationmethods=http-01,dns-01",
        "; validationmethods=",
        "; validationmethods=,",
        "; a=b=c",
        "; a-b=1",
        "; -a=1",
        "; a",
        " a=1",
        "; a=1 2",
        "; a=1;",
        "\n",
    ]);
    let built = (issuer, prop::collection::vec(parameter, 0..3))
        .prop_map(|(issuer, parameters)| format!("{issuer}{}", parameters.concat()).into_bytes());
    let noise = (any_octets(), any::<prop::sample::Index>(), any::<u8>()).prop_map(
        |(mut octets, at, octet)| {
            octets.insert(at.index(octets.len() + 1), octet);
            octets
        },
    );
    prop_oneof![6 => built, 1 => noise]
}

fn any_octets() -> impl Strategy<Value = Vec<u8>> {
    let piece = select(vec!["ca.example", ";", " ", "=", "a", "\t", "dns-01", ",", "-", "."]);
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat().into_bytes())
}

fn any_record() -> impl Strategy<Value = CaaRecord> {
    let flags = select(vec![0, 0, 0, 1, 64, 127, 128, 130, 255]);
    let tag = select(vec![
        "issue",
        "issue",
        "issue",
        "Issue",
        "issuewild",
        "ISSUEWILD",
        "issuemail",
        "iodef",
        "contactemail",
        "future",
        "tbs",
        "is-sue",
        "",
    ]);
    (flags, tag, any_value()).prop_map(|(flags, tag, value)| CaaRecord {
        flags,
        tag: tag.into(),
        value,
    })
}

fn any_name() -> impl Strategy<Value = String> {
    let label = select(vec!["a", "b"]);
    prop::collection::vec(label, 0..4)
        .prop_map(|labels| labels.into_iter().chain(["tld"]).collect::<Vec<_>>().join("."))
}

fn any_node() -> impl Strategy<Value = Node> {
    prop_oneof![
        6 => prop::collection::vec(any_record(), 1..4).prop_map(Node::Set),
        2 => Just(Node::Empty),
        2 => any_name().prop_map(Node::Alias),
        1 => select(vec![
            LookupFailure::ServFail, LookupFailure::Timeout, LookupFailure::Bogus,
            LookupFailure::Truncated, LookupFailure::BadRecord,
        ]).prop_map(Node::Fails),
    ]
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let tld = prop_oneof![8 => Just(Some(Node::Empty)), 1 => Just(None)];
    (tld, prop::collection::btree_map(any_name(), any_node(), 0..7)).prop_map(|(tld, mut tree)| {
        if let Some(node) = tld {
            tree.entry("tld".to_owned()).or_insert(node);
        }
        tree
    })
}

fn any_question() -> impl Strategy<Value = Question> {
    let account = prop::option::of(select(ACCOUNTS.to_vec()));
    let method = prop::option::of(select(vec!["dns-01", "http-01"]));
    let known =
        select(vec![vec!["issue", "issuewild", "iodef", "issuemail"], vec!["issue", "issuewild"]]);
    (any::<bool>(), prop::bool::weighted(0.2), account, method, known).prop_map(
        |(wildcard, email, account, method, known)| Question {
            wildcard,
            email,
            issuer: "ca.example".to_owned(),
            account: account.map(str::to_owned),
            method: method.map(str::to_owned),
            known: known.into_iter().map(str::to_owned).collect(),
        },
    )
}

/// Everything a record can suffer short of becoming another well-formed one that says more.
fn any_damage() -> impl Strategy<Value = Damage> {
    let all: Vec<Damage> = vec![
        |record: &mut CaaRecord| record.tag.push(b' '),
        |record| record.tag.clear(),
        |record| record.tag.push(0xff),
        |record| record.flags |= 0x80,
        |record| record.value.push(b'\n'),
        |record| record.value.push(0),
        |record| record.value = b"%%%".to_vec(),
        |record| record.value.clear(),
        |record| record.value.extend(b"; accounturi=x:1; accounturi=x:1"),
        |record| record.value.extend(b"; validationmethods="),
    ];
    select(all)
}

type Damage = fn(&mut CaaRecord);

/// Damage may take permission away and never gives it.
fn not_more_permissive(before: CaaOutcome, after: CaaOutcome) -> Result<(), TestCaseError> {
    prop_assert!(
        after != CaaOutcome::Allow || before == CaaOutcome::Allow,
        "was {before:?}, became {after:?}"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn two_evaluators_agree(tree in any_tree(), name in any_name(), question in any_question()) {
        prop_assert_eq!(
            engine(&tree, &name, &question),
            second_opinion(&tree, &name, &question)
        );
    }

    #[test]
    fn a_damaged_record_never_permits_more(
        tree in any_tree(), name in any_name(), question in any_question(),
        damage in any_damage(), which in any::<prop::sample::Index>(),
    ) {
        let before = engine(&tree, &name, &question);
        let mut damaged = tree;
        let mut records: Vec<&mut CaaRecord> = damaged
            .values_mut()
            .filter_map(|node| match node { Node::Set(set) => Some(set), Node::Empty | Node::Alias(_) | Node::Fails(_) => None })
            .flatten()
            .collect();
        if !records.is_empty() {
            let at = which.index(records.len());
            damage(records[at]);
        }
        not_more_permissive(before, engine(&damaged, &name, &question))?;
    }

    #[test]
    fn a_failing_look_up_never_permits_more(
        tree in any_tree(), name in any_name(), question in any_question(), up in 0usize..5,
    ) {
        let before = engine(&tree, &name, &question);
        let labels: Vec<&str> = name.split('.').collect();
        let victim = labels[up.min(labels.len() - 1)..].join(".");
        let mut damaged = tree;
        damaged.insert(victim, Node::Fails(LookupFailure::Timeout));
        not_more_permissive(before, engine(&damaged, &name, &question))?;
    }

    #[test]
    fn knowing_less_of_the_request_never_permits_more(
        tree in any_tree(), name in any_name(), question in any_question(),
    ) {
        let before = engine(&tree, &name, &question);
        for less in [
            Question { account: None, ..question.clone() },
            Question { method: None, ..question.clone() },
            Question { known: Vec::new(), ..question.clone() },
        ] {
            not_more_permissive(before, engine(&tree, &name, &less))?;
        }
    }

    #[test]
    fn a_second_server_never_permits_more(
        tree in any_tree(), other in any_tree(), name in any_name(), question in any_question(),
    ) {
        let alone = engine(&tree, &name, &question);
        let terms = terms(&question);
        let both = seen(&[&tree, &other], &name, question.wildcard);
        not_more_permissive(alone, both.judge(&terms).outcome())?;
        let same = seen(&[&tree, &tree], &name, question.wildcard);
        prop_assert_eq!(alone, same.judge(&terms).outcome());
        let turned = seen(&[&other, &tree], &name, question.wildcard);
        prop_assert_eq!(both.judge(&terms).outcome(), turned.judge(&terms).outcome());
    }

    #[test]
    fn case_order_and_repetition_say_nothing(
        tree in any_tree(), name in any_name(), question in any_question(),
    ) {
        let mut other = tree.clone();
        for node in other.values_mut() {
            if let Node::Set(records) = node {
                records.reverse();
                records.extend(records.clone());
                for record in records {
                    record.tag.make_ascii_uppercase();
                }
            }
        }
        let spelled = format!("{}.", name.to_ascii_uppercase());
        prop_assert_eq!(engine(&tree, &name, &question), engine(&other, &spelled, &question));
    }

    #[test]
    fn who_may_issue_is_the_judgement_turned_round(
        tree in any_tree(), name in any_name(), question in any_question(),
    ) {
        let wanted = match (question.email, question.wildcard) {
            (true, _) => Wanted::Mail,
            (false, true) => Wanted::Wildcard,
            (false, false) => Wanted::Ordinary,
        };
        let evidence = seen(&[&tree], &name, question.wildcard);
        let who = evidence.who_may_issue(wanted);
        // An issuer that knows every registered property, as an audit supposes.
        let mut terms = terms(&question);
        terms.known_tags = PropertyTag::REGISTERED.into_iter().collect();
        let outcome = evidence.judge(&terms).outcome();
        let fits = |one: &Allowed| {
            terms.issuers.contains(&one.issuer)
                && one.account.as_ref().is_none_or(|account| terms.account.as_ref() == Some(account))
                && one.methods.as_ref().is_none_or(|all| {
                    terms.method.as_ref().is_some_and(|method| all.contains(method))
                })
        };
        let expected = match &who {
            MayIssue::Unknown => CaaOutcome::Unknown,
            MayIssue::Anyone => CaaOutcome::Allow,
            MayIssue::Only(all) if all.iter().any(fits) => CaaOutcome::Allow,
            MayIssue::Only(_) => CaaOutcome::Deny,
        };
        prop_assert_eq!(outcome, expected, "{:?}", who);
        // What is listed can be met.
        let MayIssue::Only(all) = who else { return Ok(()) };
        for one in all {
            let mut meets = terms.clone();
            meets.issuers = [one.issuer].into();
            meets.account = one.account;
            meets.method = one.methods.and_then(|all| all.first().cloned());
            prop_assert_eq!(evidence.judge(&meets).outcome(), CaaOutcome::Allow);
        }
    }

    #[test]
    fn a_climb_asks_each_ancestor_once_and_its_evidence_shows_it(
        tree in any_tree(), name in any_name(),
    ) {
        let evidence = seen(&[&tree], &name, false);
        let asked: Vec<&str> = evidence.rungs().iter().map(|rung| rung.name.as_str()).collect();
        let labels: Vec<&str> = name.split('.').collect();
        let ancestors: Vec<String> = (0..labels.len()).map(|i| labels[i..].join(".")).collect();
        prop_assert_eq!(&asked[..], &ancestors[..asked.len()]);
        prop_assert_eq!(evidence.end() == ClimbEnd::Relevant, evidence.relevant_owner().is_some());
        prop_assert!(
            evidence.fresh_until(FreshnessRule::Internal)
                <= evidence.fresh_until(FreshnessRule::BaselineRequirements)
        );
    }
}

/// A thousand trees a property on every commit; a release asks for a million by `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var_os("PROPTEST_CASES").map_or(1_000, |n| {
        n.to_str().and_then(|n| n.parse().ok()).expect("PROPTEST_CASES is a number")
    })
}
