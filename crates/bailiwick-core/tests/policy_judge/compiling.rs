//! Policies as text: what is refused before it can decide anything, and what costs what.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bailiwick_core::policy::{
    DEFAULTS, Facts, Grantor, PolicyProblemKind, PolicySet, SCHEMA, forbidden, judge,
};
use cedar_policy::{Schema, ValidationMode, Validator};

use crate::world::*;

/// A forbid of one rule with a condition.
fn forbid(id: &str, condition: &str) -> String {
    format!(
        "@id(\"{id}\")\nforbid (principal, action in [Action::\"order\", Action::\"issue\"], \
         resource)\nwhen {{ {condition} }};\n"
    )
}

fn problems(text: &str) -> Vec<(PolicyProblemKind, Option<String>, String)> {
    let own = BTreeMap::from([("own.cedar".to_owned(), text.to_owned())]);
    let problems = PolicySet::compile(&own).map(|_| ()).unwrap_err();
    problems
        .into_iter()
        .map(|problem| {
            assert_eq!(problem.file, "own.cedar");
            assert!(!problem.remedy.is_empty());
            let at = problem.span.map(|(at, length)| text[at..at + length].to_owned());
            (problem.kind, at, problem.message)
        })
        .collect()
}

#[track_caller]
fn refused(text: &str, kind: PolicyProblemKind, at: &str, message: &str) {
    let found = problems(text);
    let hit = found.iter().any(|(its, span, said)| {
        *its == kind && span.as_deref() == Some(at) && said.contains(message)
    });
    assert!(hit, "{found:#?}");
}

#[test]
fn a_policy_that_does_not_compile_is_located() {
    let permit = "permit (principal, action == Action::\"order\", resource);";
    refused(
        "permit (principal action, resource);",
        PolicyProblemKind::Syntax,
        "action",
        "unexpected token",
    );
    refused(permit, PolicyProblemKind::Annotation, "p", "no id");
    refused(&format!("@id(\"\")\n{permit}"), PolicyProblemKind::Annotation, "@", "no id");
    refused(&format!("@id(\"No\")\n{permit}"), PolicyProblemKind::Annotation, "@", "`@id(\"No\")`");
    refused(
        &format!("@id(\"a\")\n@grant(\"x\")\n{permit}"),
        PolicyProblemKind::Annotation,
        "@",
        "`@grant`",
    );
    refused(
        &format!("@id(\"a\")\n@grantable(\"everybody\")\n{permit}"),
        PolicyProblemKind::Annotation,
        "@",
        "everybody",
    );
    refused(
        &format!("@id(\"a\")\n@fact(\"{{nome}}\")\n{permit}"),
        PolicyProblemKind::Annotation,
        "@",
        "{nome}",
    );
    refused(
        &format!("@id(\"a\")\n@fact(\"{{name\")\n{permit}"),
        PolicyProblemKind::Annotation,
        "@",
        "brace",
    );
    refused(
        &format!("@id(\"a\")\n@clause_1(\"x\")\n{permit}"),
        PolicyProblemKind::Annotation,
        "@",
        "clause_1",
    );
    refused(
        &format!("@id(\"a\")\n@zone(\"a..b\")\n{permit}"),
        PolicyProblemKind::Annotation,
        "@",
        "a..b",
    );
    refused(
        &format!("@id(\"a\")\n{permit}\n@id(\"a\")\n{permit}"),
        PolicyProblemKind::Duplicate,
        "@",
        "two policies",
    );
    refused(
        &format!("@id(\"pattern-central\")\n{permit}"),
        PolicyProblemKind::Duplicate,
        "@",
        "pattern-central",
    );
    refused(
        "@id(\"a\")\npermit (principal == ?principal, action, resource);",
        PolicyProblemKind::Template,
        "@id(\"a\")\npermit (principal == ?principal, action, resource);",
        "template",
    );
}

#[test]
fn a_policy_that_does_not_fit_the_schema_is_located() {
    refused(
        &forbid("a", "resource.patern == \"central\""),
        PolicyProblemKind::Schema,
        "resource.patern",
        "attribute `patern`",
    );
    refused(
        &forbid("a", "context.envelope.covers"),
        PolicyProblemKind::Schema,
        "context.envelope.covers",
        "unable to guarantee",
    );
    refused(
        &forbid("a", "resource.mode == 3"),
        PolicyProblemKind::Schema,
        "resource.mode == 3",
        "",
    );
}

#[test]
fn the_default_policies_fit_the_schema() {
    // Compiling validates what an estate adds; what every installation has is validated here.
    let texts: String = DEFAULTS.iter().map(|(_, text)| *text).collect();
    let (schema, warnings) = Schema::from_cedarschema_str(SCHEMA).unwrap();
    assert_eq!(warnings.count(), 0);
    let set: cedar_policy::PolicySet = texts.parse().unwrap();
    let result = Validator::new(schema).validate(&set, ValidationMode::Strict);
    assert!(result.validation_passed_without_warnings(), "{result}");
}

#[test]
fn every_problem_of_every_file_is_told_at_once() {
    let own = BTreeMap::from([
        ("a.cedar".to_owned(), "permit (".to_owned()),
        ("b.cedar".to_owned(), forbid("b", "resource.patern == \"x\"")),
        (
            "c.cedar".to_owned(),
            "@id(\"c\")\n@rle(\"x\")\npermit (principal, action, resource);".to_owned(),
        ),
    ]);
    let problems = PolicySet::compile(&own).map(|_| ()).unwrap_err();
    let files: Vec<&str> = problems.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(files, ["a.cedar", "c.cedar", "b.cedar"]);
}

#[test]
fn policies_too_big_or_too_deep_are_refused_unread() {
    for text in [
        "(".repeat(200_000),
        "[{(".repeat(100_000),
        forbid("a", &"true && ".repeat(60_000)),
        forbid("a", &format!("{}true", "if true then true else ".repeat(20_000))),
        forbid("a", &format!("{}true", "true || ".repeat(60_000))),
        forbid("a", &format!("resource{}", ".mode".repeat(60_000))),
        forbid("a", &format!("{}true", "!".repeat(60_000))),
        "x".repeat(2_000_000),
    ] {
        assert!(!problems(&text).is_empty());
    }
}

#[test]
fn what_is_just_allowed_does_not_exhaust_the_stack() {
    // Test threads have 2 MiB, as the workers of the server do.
    for (text, count) in [
        ("true && ", 148),
        ("true || ", 148),
        ("1 + ", 290),
        ("1 - ", 290),
        ("if true then true else ", 290),
        (".mode", 280),
        ("!", 280),
        ("(", 30),
        ("[", 30),
        ("true == ", 148),
        ("context has name && ", 90),
    ] {
        let chain = text.repeat(count);
        let own = |text: String| BTreeMap::from([("own.cedar".to_owned(), text)]);
        for text in [forbid("a", &format!("{chain}true")), forbid("a", &format!("resource{chain}"))]
        {
            let compiled = PolicySet::compile(&own(text));
            if let Ok(set) = compiled {
                let verdict = judge(&set, &Facts::Issue(order("shop-web", &["www.shop.example"])));
                assert_eq!(verdict.policy_digest(), set.digest());
            }
        }
    }
}

#[test]
fn garbage_is_refused_and_never_more() {
    let mut seed = 7_u64;
    let words = [
        "@id(\"g\")",
        "permit",
        "forbid",
        "(",
        ")",
        "principal",
        "action",
        "resource",
        ",",
        ";",
        "when",
        "unless",
        "{",
        "}",
        "context.name.text",
        "==",
        "\"",
        "Action::\"order\"",
        "has",
        "in",
        "[",
        "]",
        "\u{202e}",
        "\0",
        "//",
        "?principal",
        "-9223372036854775808",
        "like",
        "is",
        "::",
    ];
    for _ in 0..1_000 {
        let mut text = String::new();
        for _ in 0..20 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(words[usize::try_from(seed >> 33).unwrap() % words.len()]);
            text.push(' ');
        }
        let own = BTreeMap::from([("own.cedar".to_owned(), text)]);
        // Most are refused; none may panic, and what compiles must have been whole policies.
        if let Ok(set) = PolicySet::compile(&own) {
            assert!(set.rule_ids().len() >= policies().rule_ids().len());
        }
    }
}

#[test]
fn an_error_in_a_forbid_refuses() {
    // Cedar skips a forbid that errors: without care this order would be allowed.
    let overflow = "resource.ownership_days_max + 9223372036854775807 > 0";
    let set = compile(&[("own.cedar", &forbid("overflows", overflow))]);
    let facts = Facts::Issue(order("shop-web", &["www.shop.example"]));
    assert!(judge(policies(), &facts).allows());
    let verdict = judge(&set, &facts);
    assert!(!verdict.allows());
    let reason = &verdict.reasons()[0];
    assert_eq!((reason.rule.as_str(), reason.source.as_str()), ("policy-error", "own.cedar"));
    let against = forbidden(&set, &order("shop-web", &["www.shop.example"]));
    assert_eq!(against[0].rule.as_str(), "policy-error", "whoever permits it");
    assert!(reason.fact.contains("overflow"), "{}", reason.fact);
    assert_eq!(reason.grantor, Grantor::Teams([team("security")].into()));
}

#[test]
fn an_error_in_a_permit_refuses_as_well() {
    let text = "@id(\"odd\")\npermit (principal, action in [Action::\"order\", Action::\"issue\"], \
                resource)\nwhen { resource.ownership_days_max + 9223372036854775807 > 0 };";
    let set = compile(&[("own.cedar", text)]);
    let facts = Facts::Issue(order("shop-web", &["www.shop.example"]));
    assert!(!judge(&set, &facts).allows());
}

#[test]
fn own_policies_hold_in_their_zone_and_profile_only() {
    let scoped = |scope: &str| {
        format!("{scope}\n{}", forbid("own", "context.name.text == context.name.text"))
    };
    let refuses = |scope: &str, of: &str, host: &str| {
        let set = compile(&[("own.cedar", &scoped(scope))]);
        let mut facts = order(of, &[host]);
        facts.envelope = bailiwick_core::policy::Fact::Known(Some(envelope_for(&facts)));
        !judge(&set, &Facts::Issue(facts)).allows()
    };
    let (shop, intranet) = (("shop-web", "www.shop.example"), ("intranet", "intra.corp.example"));
    for (scope, in_shop, in_corp) in [
        ("", true, true),
        ("@zone(\"shop.example\")", true, false),
        ("@zone(\"corp.example\")", false, true),
        ("@zone(\"corp.example/internal\")", false, true),
        ("@zone(\"corp.example/external\")", false, false),
        ("@profile(\"tls-server\")", true, true),
        ("@profile(\"workload\")", false, false),
        ("@zone(\"shop.example\")\n@profile(\"tls-server\")", true, false),
        ("@zone(\"shop.example\")\n@profile(\"workload\")", false, false),
    ] {
        assert_eq!(refuses(scope, shop.0, shop.1), in_shop, "{scope} in shop.example");
        assert_eq!(refuses(scope, intranet.0, intranet.1), in_corp, "{scope} in corp.example");
    }
}

#[test]
fn ten_thousand_zone_policies_are_not_shown_to_one_order() {
    let mut text = String::new();
    for at in 0..10_000 {
        let zone = if at == 4_711 { "shop.example".to_owned() } else { format!("z{at}.example") };
        let policy = forbid(&format!("z{at}"), "context.names_count > 2");
        write!(text, "@zone(\"{zone}\")\n{policy}").unwrap();
    }
    // Ten files: one is limited in size.
    let mut files = BTreeMap::new();
    for (at, part) in text.split_inclusive(";\n").enumerate() {
        files
            .entry(format!("zones{}.cedar", at / 1_000))
            .or_insert_with(String::new)
            .push_str(part);
    }
    let set = PolicySet::compile(&files).unwrap();
    let facts = Facts::Issue(order("shop-web", &["www.shop.example"]));
    let plain = policies().policies_shown(&facts);
    assert_eq!(set.policies_shown(&facts), plain + 1);
    assert!(plain < 40, "{plain} generic policies");
    assert!(judge(&set, &facts).allows());
    let three = order("shop-web", &["www.shop.example", "shop.example", "api.shop.example"]);
    let verdict = judge(&set, &Facts::Issue(three));
    let rules: Vec<&str> = verdict.reasons().iter().map(|reason| reason.rule.as_str()).collect();
    assert_eq!(rules, ["z4711"]);
}

#[test]
fn the_digest_names_every_text() {
    let of = |own: &[(&str, &str)]| compile(own).digest();
    let policy = forbid("a", "false");
    assert_eq!(of(&[("a.cedar", &policy)]), of(&[("a.cedar", &policy)]));
    assert_ne!(of(&[("a.cedar", &policy)]), of(&[("b.cedar", &policy)]));
    assert_ne!(of(&[("a.cedar", &policy)]), of(&[("a.cedar", &forbid("a", "true"))]));
    assert_ne!(of(&[("a.cedar", "")]), of(&[]));
}
