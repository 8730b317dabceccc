//! CAA-4 and CAA-5 over constructed estates: the fail-safe grade changes as a person would expect, and the
//! records that are suggested say what the estate decided and lock nobody out.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::path::Path;

use bailiwick_core::caa::{
    AccountUri, Control, Detection, FailSafe, FailSafeFacts, Grade, IssuerLimit, KnownAccounts,
    Revocation, Stand, SuggestedEdit, ValidationMethod, ZoneSuggestion, suggest,
};
use bailiwick_core::estate::{CaaIntent, CanaryPlan, Estate, Upstream};
use bailiwick_core::names::{DnsName, IssuerId};
use bailiwick_core::policy::Fact;

const HOUR: u64 = 3_600;

/// The lab's estate with texts replaced in all of its files.
fn estate(replace: &[(&str, &str)]) -> Estate {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
    let mut files = Vec::new();
    for folder in [root.clone(), root.join("zones"), root.join("services"), root.join("policies")] {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_file() {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                let mut text = std::fs::read_to_string(&path).unwrap();
                for (from, to) in replace {
                    text = text.replace(from, to);
                }
                files.push((name, text));
            }
        }
    }
    files.sort();
    bailiwick_wire::estate::read(&files).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// The shop in a zone that every public CA could certify.
const PUBLIC: (&str, &str) = ("shop.example", "shop.com");
const OBSERVED: (&str, &str) = ("mode = \"enforce\"", "mode = \"observe\"");
const BOUND: (&str, &str) = (
    "issue = [\"ca.bailiwick.example\"]",
    "issue = [\"ca.bailiwick.example; accounturi=https://ca.bailiwick.example/acct/1; validationmethods=dns-01\"]",
);

/// What is known outside the estate.
#[derive(Clone, Copy, Default)]
struct Known {
    seen_hours: Option<u64>,
    revoked_hours: Option<u64>,
    locked_by_ca: bool,
}

/// What it is, what is replaced, of which name, what else is known, and the grade.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, Known, Grade);

fn judged(replace: &[(&str, &str)], name: &str, known: Known) -> FailSafe {
    let name = DnsName::parse(name).unwrap();
    let mut facts = FailSafeFacts::of_estate(&estate(replace), &name).unwrap();
    let seconds = |hours: u64| hours * HOUR;
    if let Some(hours) = known.seen_hours {
        facts.detection = Fact::Known(Detection::Within { seconds: seconds(hours) });
    }
    if let Some(hours) = known.revoked_hours {
        facts.revocation = Fact::Known(Revocation::Within { seconds: seconds(hours) });
    }
    if known.locked_by_ca {
        facts.account = Fact::Known(IssuerLimit::ByIssuer);
    }
    facts.judge()
}

fn stand(judged: &FailSafe, control: Control) -> Stand {
    judged.controls.iter().find(|one| one.control == control).unwrap().stand
}

#[test]
fn the_grade_changes_as_expected_in_each_of_twelve_estates() {
    let private = "www.shop.example";
    let public = "www.shop.com";
    let known =
        |seen, revoked| Known { seen_hours: seen, revoked_hours: revoked, locked_by_ca: false };
    let nothing = Known::default();
    let locked = Known { locked_by_ca: true, ..known(Some(6), Some(12)) };
    let cases: [Case<'_>; 12] = [
        ("only our own CA is believed, and the gate refuses", &[], private, nothing, Grade::B),
        ("and revocation is rehearsed", &[], private, known(None, Some(6)), Grade::A),
        ("the gate only watches", &[OBSERVED], private, nothing, Grade::E),
        ("watches, with revocation", &[OBSERVED], private, known(None, Some(6)), Grade::D),
        ("a public name behind the gate", &[PUBLIC], public, nothing, Grade::D),
        ("and CT is watched", &[PUBLIC], public, known(Some(6), None), Grade::D),
        ("and revocation within a day", &[PUBLIC], public, known(Some(6), Some(12)), Grade::B),
        ("and the CA locks the name to us", &[PUBLIC], public, locked, Grade::A),
        ("seen after two days", &[PUBLIC], public, known(Some(48), Some(12)), Grade::C),
        ("seen after a week", &[PUBLIC], public, known(Some(168), Some(12)), Grade::D),
        ("a public name that nobody guards", &[PUBLIC, OBSERVED], public, nothing, Grade::E),
        ("bound by CAA alone", &[PUBLIC, OBSERVED, BOUND], public, nothing, Grade::E),
    ];
    for (what, replace, name, known, expected) in cases {
        let judged = judged(replace, name, known);
        assert_eq!(judged.grade, expected, "{what}: {judged:#?}");
        assert!(judged.at_best <= judged.grade, "{what}");
        assert!(!judged.because.is_empty() && judged.controls.len() == 5, "{what}");
        // What is said to help does.
        assert_eq!(judged.grade == Grade::A, judged.would_help.is_empty(), "{what}: {judged:#?}");
    }
}

#[test]
fn what_caa_alone_limits_falls_with_caa() {
    let bound = judged(&[PUBLIC, BOUND], "shop.com", Known::default());
    assert_eq!(stand(&bound, Control::AccountBinding), Stand::Falls);
    assert_eq!(stand(&bound, Control::MethodLimits), Stand::Falls);
    let reason = bound.controls.iter().find(|one| one.control == Control::AccountBinding).unwrap();
    assert!(reason.because.contains("RFC 8657"), "{}", reason.because);
    assert_eq!(stand(&bound, Control::CtDetection), Stand::Unknown);
    let private = judged(&[], "shop.example", Known::default());
    assert_eq!(stand(&private, Control::CtDetection), Stand::NotApplicable);
    let elsewhere = DnsName::parse("www.elsewhere.example").unwrap();
    assert_eq!(FailSafeFacts::of_estate(&estate(&[]), &elsewhere), None);
    assert_eq!(FailSafeFacts::UNKNOWN.judge().grade, Grade::E);
}

fn suggested(estate: &Estate, known: &KnownAccounts, zone: &str) -> ZoneSuggestion {
    let all = suggest(estate, known, &BTreeMap::new());
    let apex = |one: &ZoneSuggestion| one.owner == *one.zone.name.apex();
    all.into_iter().find(|one| one.zone.to_string() == zone && apex(one)).unwrap()
}

fn lines(one: &ZoneSuggestion) -> Vec<String> {
    one.records.iter().map(|record| format!("{} {}", record.edit, record.record)).collect()
}

#[test]
fn suggested_records_say_what_the_estate_decided() {
    let nothing = KnownAccounts::default();
    let shop = suggested(&estate(&[]), &nothing, "shop.example");
    assert_eq!(lines(&shop), ["keep 0 issue \"ca.bailiwick.example\"", "add 0 issuewild \";\""]);
    assert!(shop.loses.is_empty());
    assert!(shop.records.iter().all(|record| !record.because.is_empty()));

    // A record of an issuer that nobody uses goes; one that is missing comes.
    let other = [("issue = [\"ca.bailiwick.example\"]", "issue = [\"old-ca.example\"]")];
    let shop = suggested(&estate(&other), &nothing, "shop.example");
    let expected = [
        "add 0 issue \"ca.bailiwick.example\"",
        "add 0 issuewild \";\"",
        "drop 0 issue \"old-ca.example\"",
    ];
    assert_eq!(lines(&shop), expected);
    let dropped = shop.records.iter().find(|r| r.edit == SuggestedEdit::Drop).unwrap();
    assert!(dropped.because.contains("no issuer of the estate"), "{}", dropped.because);
}

#[test]
fn accounts_and_methods_are_named_where_they_are_known_and_lock_nobody_out() {
    let house = IssuerId::parse("house").unwrap();
    let account = AccountUri::parse("https://ca.bailiwick.example/acct/1").unwrap();
    let method = ValidationMethod::parse("dns-01").unwrap();
    let known = KnownAccounts {
        accounts: [(house.clone(), [account].into())].into(),
        methods: [(house, [method].into())].into(),
    };
    let shop = suggested(&estate(&[]), &known, "shop.example");
    let expected = [
        "add 0 issue \"ca.bailiwick.example; accounturi=https://ca.bailiwick.example/acct/1; validationmethods=dns-01\"",
        "add 0 issuewild \";\"",
        "drop 0 issue \"ca.bailiwick.example\"",
    ];
    assert_eq!(lines(&shop), expected);
    assert!(shop.loses.is_empty(), "{:?}", shop.loses);
    for name in estate(&[]).zones.keys() {
        let one = suggested(&estate(&[]), &known, &name.to_string());
        assert!(one.loses.is_empty(), "{name}: {:?}", one.loses);
    }
}

#[test]
fn who_could_no_longer_issue_is_named() {
    // The shop's service moves to an environment that no issuer serves: the estate itself wants nobody.
    let moved = [("environment = \"production\"", "environment = \"development\"")];
    let all = suggest(&estate(&moved), &KnownAccounts::default(), &BTreeMap::new());
    let shop = all.iter().find(|one| one.zone.to_string() == "shop.example").unwrap();
    assert!(lines(shop).contains(&"add 0 issue \";\"".to_owned()), "{:?}", lines(shop));

    // An owner of a wildcard name in a zone whose limits allow none would lose it.
    let wild = [("\"www.shop.example\"", "\"*.shop.example\"")];
    let shop = suggested(&estate(&wild), &KnownAccounts::default(), "shop.example");
    let lost: Vec<String> = shop.loses.iter().map(|loss| loss.name.to_string()).collect();
    assert_eq!(lost, ["*.shop.example"]);
}

/// An estate with a set declared below the apex of the shop.
fn with_below(owner: &str, issue: &str) -> Estate {
    let mut estate = estate(&[]);
    let zone = estate.zones.iter_mut().find(|(key, _)| key.to_string() == "shop.example");
    let intent = CaaIntent { issue: vec![issue.to_owned()], ..CaaIntent::default() };
    zone.unwrap().1.caa_below.insert(DnsName::parse(owner).unwrap(), intent);
    estate
}

fn at(estate: &Estate, owner: &str) -> ZoneSuggestion {
    let all = suggest(estate, &KnownAccounts::default(), &BTreeMap::new());
    let here: Vec<_> = all.into_iter().filter(|one| one.owner.as_str() == owner).collect();
    assert_eq!(here.len(), 1, "one suggestion for each declared set");
    here.into_iter().next().unwrap()
}

#[test]
fn sets_below_the_apex_are_suggested_for_the_names_they_decide_about() {
    // A set that names somebody nobody uses: the service whose name it decides about is locked out today.
    let wrong = with_below("www.shop.example", "old-ca.example");
    let www = at(&wrong, "www.shop.example");
    let expected = [
        "add 0 issue \"ca.bailiwick.example\"",
        "add 0 issuewild \";\"",
        "drop 0 issue \"old-ca.example\"",
    ];
    assert_eq!(lines(&www), expected);
    assert_eq!(www.zone.to_string(), "shop.example");
    // The apex goes on to speak of the names that remain to it.
    let apex = at(&wrong, "shop.example");
    assert!(lines(&apex).contains(&"keep 0 issue \"ca.bailiwick.example\"".to_owned()), "{apex:?}");
    // Nobody uses a name there: nobody may issue.
    let nobody = at(&with_below("old.shop.example", "ca.bailiwick.example"), "old.shop.example");
    assert!(lines(&nobody).contains(&"add 0 issue \";\"".to_owned()), "{nobody:?}");
}

#[test]
fn a_set_that_is_there_for_a_canary_is_left_as_it_was_agreed() {
    let mut estate = with_below("no.canary.shop.example", ";");
    let place = Upstream {
        directory: "https://ca.example/dir".to_owned(),
        contacts: Vec::new(),
        binding: None,
        trust_roots: None,
        ca_profiles: BTreeMap::new(),
        problem_reports: None,
    };
    let plan = CanaryPlan {
        place,
        permitted: DnsName::parse("ok.canary.shop.example").unwrap(),
        forbidden: DnsName::parse("no.canary.shop.example").unwrap(),
        forbidden_account: None,
        forbidden_method: None,
        every_hours: 24,
        pause_minutes: 60,
    };
    estate.issuers.values_mut().next().unwrap().canary = Some(plan);
    let canary = at(&estate, "no.canary.shop.example");
    assert_eq!(lines(&canary), ["keep 0 issue \";\""]);
    assert!(canary.records.iter().all(|one| one.because.contains("canary")), "{canary:?}");
}
