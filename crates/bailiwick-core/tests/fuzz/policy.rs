//! Cedar policies that people write: compiled, or told about.

use std::collections::BTreeMap;

use bailiwick_core::policy::{DEFAULTS, PolicySet};

use crate::fuzzing::refusal::{No, check_text};
use crate::fuzzing::{Shape, Target};

const OWN: &str = include_str!("../../../../estates/lab/policies/payments.cedar");

const WORDS: [&str; 30] = [
    "permit",
    "forbid",
    "when",
    "unless",
    "principal",
    "action",
    "resource",
    "context",
    "==",
    "has",
    "in",
    "like",
    "is",
    "&&",
    "||",
    "!",
    "@id(\"a\")",
    "@rule(\"a\")",
    "@fact(\"{name\")",
    "@remedy(\"\u{202e}\")",
    "@zone(\"shop.example\")",
    "Action::\"issue\"",
    "\"*\"",
    ".contains(context)",
    "[",
    "{",
    "9223372036854775808",
    "?principal",
    "ip(\"1.2.3.4\")",
    "//",
];

/// What compiles is asked by everybody; what does not is told with its place and what to do. The
/// parser recurses, so the bounds before it are what keeps the stack.
#[test]
fn fuzz_cedar() {
    let defaults = DEFAULTS.iter().map(|(_, text)| text.replace("@id(\"", "@id(\"own-"));
    let nested = |open: &str, close: &str| {
        let (open, close) = (open.repeat(20_000), close.repeat(20_000));
        format!("@id(\"x\")\nforbid (principal, action, resource) when {{ {open}true{close} }};")
    };
    Target::new("fuzz_cedar", Shape::Text)
        .seeds(defaults)
        .seeds([OWN])
        .refused([nested("(", ")"), nested("!", ""), nested("[", "]"), nested("if true then ", "")])
        .refused(["-".repeat(100_000), "@a(\"\u{1b}\")".repeat(500)])
        .words(WORDS)
        .one_in(20)
        .run(|octets| {
            let text = std::str::from_utf8(octets)?.to_owned();
            let length = text.len();
            match PolicySet::compile(&BTreeMap::from([("policies/own.cedar".to_owned(), text)])) {
                Ok(set) => {
                    assert!(!set.rule_ids().is_empty());
                    Ok(())
                }
                Err(problems) => {
                    assert!(!problems.is_empty());
                    for problem in &problems {
                        check_text(&problem.to_string());
                        let end = problem.span.map_or(0, |(at, length)| at + length);
                        assert!(end <= length, "a place beyond the file");
                    }
                    Err(No.into())
                }
            }
        });
}
