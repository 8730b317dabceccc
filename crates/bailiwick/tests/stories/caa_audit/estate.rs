//! A made-up estate of many zones, and what an audit of it must say.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::harness::zone::Zone;

/// Names of one zone.
pub(super) const NAMES_PER_ZONE: usize = 20;

/// What an audit must say of one name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Expected {
    pub(super) at: Option<String>,
    pub(super) ordinary: &'static str,
    pub(super) wildcard: &'static str,
    pub(super) high: &'static [&'static str],
}

/// An estate.
pub(super) struct Estate {
    pub(super) zones: Vec<Zone>,
    pub(super) names: Vec<String>,
    pub(super) expected: BTreeMap<String, Expected>,
}

/// The CAA sets of zones by turns: records at the apex, who may issue, what is found.
const KINDS: [(&str, &str, &str, &[&str]); 8] = [
    ("", "anyone", "anyone", &["no-caa"]),
    ("@ CAA 0 issue \";\"", "nobody", "nobody", &[]),
    ("@ CAA 0 issue \"ca.example\"\n@ CAA 0 issuewild \";\"", "ca.example", "nobody", &[]),
    (
        "@ CAA 0 issue \"ca.example; accounturi=https://ca.example/acct/1; validationmethods=dns-01\"",
        "ca.example for https://ca.example/acct/1 by dns-01",
        "ca.example for https://ca.example/acct/1 by dns-01",
        &[],
    ),
    ("@ CAA 0 issue \"ca_1.example\"", "nobody", "nobody", &[]),
    ("@ CAA 128 tbs \"x\"\n@ CAA 0 issue \"ca.example\"", "nobody", "nobody", &[]),
    (
        "@ CAA 0 issue \"ca.example\"\n@ CAA 0 issue \"other.example\"",
        "ca.example, other.example",
        "ca.example, other.example",
        &["unexpected-issuer"],
    ),
    ("@ CAA 0 iodef \"mailto:x@ca.example\"", "anyone", "anyone", &["restricts-nothing"]),
];

/// Zones `z0.example` …, each of a kind by turns. In every zone, three names are special: `h1` is an
/// alias of a name of the next zone, `h2` has an `iodef` alone, and `h3` has a set too large for a datagram.
pub(super) fn estate(zones: usize) -> Estate {
    let mut all = Estate { zones: Vec::new(), names: Vec::new(), expected: BTreeMap::new() };
    for number in 0..zones {
        let apex = format!("z{number}.example");
        let (records, ordinary, wildcard, high) = KINDS[number % KINDS.len()];
        let mut text = records.to_owned();
        for host in 0..NAMES_PER_ZONE {
            let name = format!("h{host}.{apex}");
            let mut expected = Expected {
                at: (!records.is_empty()).then(|| apex.clone()),
                ordinary,
                wildcard,
                high,
            };
            match host {
                1 => {
                    let next = (number + 1) % zones;
                    writeln!(text, "\nh1 CNAME alias-target.z{next}.example.").expect("a String");
                    expected = only(&name, "target.example", &["unexpected-issuer"]);
                }
                2 => {
                    writeln!(text, "\nh2 CAA 0 iodef \"mailto:x@ca.example\"").expect("a String");
                    let hides = !matches!(ordinary, "anyone");
                    let high: &[_] = if hides {
                        &["hidden-parent", "restricts-nothing"]
                    } else {
                        &["restricts-nothing"]
                    };
                    expected = Expected {
                        at: Some(name.clone()),
                        ordinary: "anyone",
                        wildcard: "anyone",
                        high,
                    };
                }
                3 if number % 16 == 1 => {
                    for record in 0..60 {
                        writeln!(text, "\nh3 CAA 0 t{record} \"{}\"", "x".repeat(40))
                            .expect("a String");
                    }
                    text.push_str("h3 CAA 0 issue \"ca.example\"\n");
                    expected = only(&name, "ca.example", &[]);
                }
                _ => writeln!(text, "\nh{host} A 192.0.2.1").expect("a String"),
            }
            all.names.push(name.clone());
            all.expected.insert(name, expected);
        }
        text.push_str("\nalias-target CAA 0 issue \"target.example\"");
        all.zones.push(Zone::new(&apex, &text));
    }
    let cuts: String = (0..zones).map(|n| format!("z{n} NS ns1.z{n}\n")).collect();
    all.zones.push(Zone::new("example", &cuts));
    all
}

fn only(name: &str, issuer: &'static str, high: &'static [&'static str]) -> Expected {
    Expected { at: Some(name.to_owned()), ordinary: issuer, wildcard: issuer, high }
}
