//! The zones of caatestsuite.com, built anew with keys of our own, as `bailiwick caa check` sees them: no
//! public CA may issue for any of them, so neither may we (RFC 8659 with the alias rules of 2026).

use std::fmt::Write as _;
use std::net::{Ipv4Addr, UdpSocket};

use super::caa_vectors::servers::{
    Server, ZoneFile, bind, bind_v6, ds, signed, unbound_with, zone_text,
};
use super::caa_vectors::{Break, Breaks, Middle};
use crate::harness::bailiwick::bailiwick;

/// The issuer that the records name; everybody else asks.
const NAMED: &str = "caatestsuite.com";
const US: &str = "ca.example";

const SUITE: &str = "caatestsuite.com.";
const BASIC: &str = "basic.caatestsuite.com.";
const DNSSEC: &str = "caatestsuite-dnssec.com.";

fn zone(apex: &str, records: &str) -> ZoneFile {
    ZoneFile { apex: apex.to_owned(), text: zone_text(apex, records) }
}

/// The zones that one server holds.
fn plain_zones() -> Vec<ZoneFile> {
    let mut big = String::new();
    for number in 0..1_000 {
        writeln!(big, "big.{BASIC} CAA 0 t{number} \"\"").expect("a String");
    }
    let basic = format!(
        "empty.{BASIC} CAA 0 issue \";\"\n\
         deny.{BASIC} CAA 0 issue \"{NAMED}\"\n\
         uppercase-deny.{BASIC} CAA 0 ISSUE \"{NAMED}\"\n\
         mixedcase-deny.{BASIC} CAA 0 IsSuE \"{NAMED}\"\n\
         {big}big.{BASIC} CAA 0 issue \"{NAMED}\"\n\
         critical1.{BASIC} CAA 128 caatestsuitedummyproperty \"test\"\n\
         critical2.{BASIC} CAA 130 caatestsuitedummyproperty \"test\"\n\
         sub1.deny.{BASIC} A 192.0.2.1\n\
         sub2.sub1.deny.{BASIC} A 192.0.2.1\n\
         *.deny.{BASIC} A 192.0.2.1\n\
         deny-wild.{BASIC} CAA 0 issuewild \"{NAMED}\"\n\
         cname-deny.{BASIC} CNAME deny.{BASIC}\n\
         cname-cname-deny.{BASIC} CNAME cname-deny.{BASIC}\n\
         sub1.cname-deny.{BASIC} A 192.0.2.1\n\
         permit.{BASIC} CAA 0 dummy \"dummy\"\n\
         deny.permit.{BASIC} CAA 0 issue \"{NAMED}\"\n\
         dname-permit.deny.{BASIC} DNAME permit.{BASIC}\n\
         cname-permit-sub.deny.{BASIC} CNAME sub1.permit.{BASIC}\n"
    );
    let suite = format!(
        "{BASIC} NS ns.invalid.\nipv6only.{SUITE} NS ns.invalid.\n\
         xss.{SUITE} CAA 0 issue \"<script>alert(1)</script>\\\"><img src=x onerror=alert(2)>\"\n\
         auto-www-san.{SUITE} CAA 0 dummy \"dummy\"\n\
         www.auto-www-san.{SUITE} CAA 0 issue \"{NAMED}\"\n\
         auto-base-san.{SUITE} CAA 0 issue \"{NAMED}\"\n\
         www.auto-base-san.{SUITE} CAA 0 dummy \"dummy\"\n"
    );
    vec![
        zone(".", "com. NS ns.invalid.\n"),
        zone("com.", &format!("{SUITE} NS ns.invalid.\n{DNSSEC} NS ns.invalid.\n")),
        zone(SUITE, &suite),
        zone(BASIC, &basic),
    ]
}

fn child(name: &str) -> String {
    format!("{name}.{DNSSEC}")
}

/// Whether we may issue, as the command says; its text.
fn check(names: &[&str], more: &[&str], unbound: &Server) -> (Option<i32>, String) {
    let resolver = unbound.address.to_string();
    let mut words = vec!["caa", "check", "--issuer", US, "--resolver", resolver.as_str()];
    words.extend(more);
    words.extend(names);
    let ran = bailiwick(&words);
    (ran.code, ran.output())
}

/// 1: CAA forbids it. 2: it could not be decided, which forbids it too.
const DENY: i32 = 1;
const UNDECIDED: i32 = 2;

/// The signed zone, its key, and what it delegates: each child has a DS there, and something is wrong with it.
fn signed_zones() -> (Vec<ZoneFile>, String) {
    let old = ["-s", "20200101000000", "-e", "20200201000000"];
    let (expired, expired_key) =
        signed(&zone(&child("expired"), &format!("{} A 192.0.2.1\n", child("expired"))), &old);
    let mut delegations = ds(&child("expired"), &expired_key);
    for name in ["missing", "blackhole", "servfail", "refused"] {
        let apex = child(name);
        delegations += &ds(&apex, &signed(&zone(&apex, ""), &[]).1);
        delegations += &format!("{apex} NS ns.invalid.\n");
    }
    delegations += &format!("{} NS ns.invalid.\n", child("expired"));
    let (parent, anchor) = signed(&zone(DNSSEC, &delegations), &[]);
    (vec![parent, expired, zone(&child("missing"), "")], anchor)
}

/// What the table of caatestsuite.com expects, apart from its DNSSEC part.
const TABLE: [(&str, i32); 19] = [
    ("empty.basic", DENY),
    ("deny.basic", DENY),
    ("uppercase-deny.basic", DENY),
    ("mixedcase-deny.basic", DENY),
    ("big.basic", DENY),
    ("critical1.basic", DENY),
    ("critical2.basic", DENY),
    ("sub1.deny.basic", DENY),
    ("sub2.sub1.deny.basic", DENY),
    ("*.deny.basic", DENY),
    ("*.deny-wild.basic", DENY),
    ("cname-deny.basic", DENY),
    ("cname-cname-deny.basic", DENY),
    ("sub1.cname-deny.basic", DENY),
    ("dname-permit.deny.basic", DENY),
    ("cname-permit-sub.deny.basic", DENY),
    ("deny.permit.basic", DENY),
    ("ipv6only", DENY),
    ("xss", DENY),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_zone_of_the_test_suite_lets_us_issue() {
    let v6 =
        zone(&format!("ipv6only.{SUITE}"), &format!("ipv6only.{SUITE} CAA 0 issue \"{NAMED}\"\n"));
    let v6 = bind_v6(&[v6]);
    let (mut zones, anchor) = signed_zones();
    zones.extend(plain_zones());
    let bind = bind(&zones);

    let hole = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let of = |name: &str, code| {
        let apex = child(name).trim_end_matches('.').to_owned();
        Breaks::from([(apex, Break::Code(code))])
    };
    let servfail = Middle::start(bind.address, of("servfail", 2)).await;
    let refused = Middle::start(bind.address, of("refused", 5)).await;
    let names = ["blackhole", "servfail", "refused"].map(child);
    let ipv6only = format!("ipv6only.{SUITE}");
    let stubs = [
        (names[0].as_str(), hole.local_addr().expect("an address")),
        (names[1].as_str(), servfail.address),
        (names[2].as_str(), refused.address),
        (ipv6only.as_str(), v6.address),
    ];
    let unbound = unbound_with(bind.address, &[anchor], &stubs);

    let suite = SUITE.trim_end_matches('.');
    let plain = TABLE.map(|(name, code)| (format!("{name}.{suite}"), code));
    let signed = ["expired", "missing", "blackhole", "servfail", "refused"]
        .map(|name| (child(name).trim_end_matches('.').to_owned(), UNDECIDED));
    for (name, expected) in plain.iter().chain(&signed) {
        let (code, output) = check(&[name], &[], &unbound);
        assert_eq!(code, Some(*expected), "{name}: {output}");
        // Nothing else could issue there either, and the words say why.
        assert!(output.starts_with(if *expected == DENY { "DENY" } else { "UNKNOWN" }), "{output}");
    }
    // Names that a CA adds by itself count like those that were asked for.
    for base in ["auto-www-san", "auto-base-san"] {
        let (base, www) = (format!("{base}.{suite}"), format!("www.{base}.{suite}"));
        let free = if base.starts_with("auto-www") { &base } else { &www };
        assert_eq!(check(&[free], &[], &unbound).0, Some(0), "{free} alone");
        let (code, output) = check(&[&base, &www], &[], &unbound);
        assert_eq!(code, Some(DENY), "{output}");
        assert!(output.contains("DENY  all 2 names together"), "{output}");
    }
    // The same zones let whom they name.
    let (code, output) = check(&[&format!("deny.basic.{suite}")], &["--issuer", NAMED], &unbound);
    assert_eq!(code, Some(0), "{output}");
}
