//! The stored form and the files: one estate, three spellings that agree.

use bailiwick_core::estate::{
    AttestationKind, Attestor, AttestorKeys, AttestorKind, CaaIntent, Connector, Estate, Exception,
    Issuer, IssuerKind, Rir, RuleId, Scope, Upstream, VantagePoint, VantageTransport, View,
    WorkloadRule, ZoneKey,
};
use bailiwick_core::names::{
    AttestorId, DnsName, ExceptionId, IssuerId, PersonId, ProfileId, SanName, ServiceId, TeamId,
};
use bailiwick_core::time::Time;
use bailiwick_wire::estate::{BadEstate, decode, digest, encode, read, write};
use proptest::prelude::*;

use crate::lab::{estate, files};

/// Octets that stand in a file of roots; whether they are a certificate is asked when they are used.
const ROOT: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x07];

fn round(estate: &Estate) {
    let written = write(estate);
    let again = read(&written).unwrap_or_else(|problems| {
        panic!("{}", bailiwick_wire::estate::render_problems(&problems, &written))
    });
    assert_eq!(again, *estate);
    assert_eq!(write(&again), written);
    assert_eq!(decode(&encode(estate)).unwrap(), *estate);
}

/// The lab with something in every field that the lab leaves out.
fn full() -> Estate {
    let mut all = files();
    let (_, pay) = all.iter_mut().find(|(path, _)| path == "services/pay-api.toml").unwrap();
    pay.push_str(
        "\n[envelopes.\"go.live\"]\nnames = [\"api.pay.example\"]\nissuer = \"house\"\n\
         profiles = [\"tls-server\"]\nuntil = 2027-01-31T10:00:00.5+02:00\nuses_max = 5\n\
         reason = \"line\\nbreak, \\\"quotes\\\" and 'more'\"\n",
    );
    let mut estate = estate(&all);
    let shop = estate.services.get_mut(&ServiceId::parse("shop-web").unwrap()).unwrap();
    shop.below.insert(DnsName::parse("svc.shop.example").unwrap());
    shop.names.insert(SanName::parse("*.apps.shop.example").unwrap());
    shop.namespace = Some(bailiwick_core::estate::Namespace::parse("web").unwrap());
    let zone = ZoneKey::parse("corp.example/internal").unwrap();
    assert_eq!(zone.view, View::Internal);
    let corp = estate.zones.get_mut(&zone).unwrap();
    corp.servers = vec!["192.0.2.1:53".parse().unwrap(), "[2001:db8::1]:5353".parse().unwrap()];
    corp.caa.issuewild = vec![";".to_owned()];
    corp.caa.iodef = vec!["mailto:pki@corp.example".to_owned()];
    for (id, scope) in [
        ("by-zone", Scope::Zone(zone)),
        ("by-name", Scope::Name(SanName::parse("www.shop.example").unwrap())),
        ("by.service", Scope::Service(ServiceId::parse("intranet").unwrap())),
    ] {
        let exception = Exception {
            scope,
            rule: RuleId::parse("lifetime-too-long").unwrap(),
            reason: "an appliance".to_owned(),
            approver: PersonId::parse("pia").unwrap(),
            compensating_control: "watched daily".to_owned(),
            until: Time::parse("2027-01-31").unwrap(),
        };
        estate.exceptions.insert(ExceptionId::parse(id).unwrap(), exception);
    }
    let abe = estate.people.get_mut(&PersonId::parse("abe").unwrap()).unwrap();
    abe.left = Some(Time::parse("2026-06-30").unwrap());
    estate
}

/// The same with what came later: left out of the octets where it is not there.
fn fuller() -> Estate {
    let mut estate = full();
    let zone = ZoneKey::parse("corp.example/internal").unwrap();
    let corp = estate.zones.get_mut(&zone).unwrap();
    corp.connector = Some(Connector::Rfc2136 {
        server: "192.0.2.1:5353".parse().unwrap(),
        key: DnsName::parse("bailiwick.corp.example").unwrap(),
    });
    let house = estate.issuers.values().next().unwrap();
    let root = rcgen::generate_simple_self_signed(vec!["ca.example".to_owned()]).unwrap();
    let public = Issuer {
        kind: IssuerKind::Acme,
        upstream: Some(Upstream {
            directory: "https://ca.example/directory".to_owned(),
            contacts: vec!["mailto:pki@shop.example".to_owned()],
            binding: Some("kid \"1\"".to_owned()),
            trust_roots: Some(root.cert.pem()),
            ca_profiles: [(ProfileId::parse("tls-server").unwrap(), "classic".to_owned())].into(),
        }),
        ..house.clone()
    };
    estate.issuers.insert(IssuerId::parse("public").unwrap(), public);
    attest(&mut estate, &root.cert.pem());
    estate
}

/// An attestor of each kind, and a workload that one of them vouches for.
fn attest(estate: &mut Estate, root: &str) {
    let set = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"1"}]}"#;
    let ways = [
        ("a", AttestorKind::Oidc, "https://ci.example", AttestorKeys::Discovered),
        ("b", AttestorKind::Oidc, "https://cd.example", AttestorKeys::Written(set.to_owned())),
        ("c", AttestorKind::Kubernetes, "https://k.example", AttestorKeys::Discovered),
        (
            "d",
            AttestorKind::Spiffe,
            "shop.example",
            AttestorKeys::At("https://s.example/b".to_owned()),
        ),
        ("e", AttestorKind::HostKey, "", AttestorKeys::WithWorkloads),
    ];
    for (number, (id, kind, issuer, keys)) in (1..).zip(ways) {
        let attestor = Attestor {
            kind,
            issuer: issuer.to_owned(),
            audience: "us".to_owned(),
            keys,
            trust_roots: (kind == AttestorKind::Kubernetes).then(|| root.to_owned()),
            vouches_for: [AttestationKind::parse("workload").unwrap()].into(),
            holds_minutes: number,
        };
        estate.attestors.insert(AttestorId::parse(id).unwrap(), attestor);
    }
    let claims = [("ref", vec!["refs/heads/main", "refs/tags/*"]), ("a/b.c", vec!["it's \"x\""])];
    let claims = claims
        .map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect()));
    let rule = WorkloadRule {
        attestor: AttestorId::parse("a").unwrap(),
        claims: claims.into(),
        answers: PersonId::parse("sam").unwrap(),
    };
    let shop = estate.services.get_mut(&ServiceId::parse("shop-web").unwrap()).unwrap();
    shop.attested.insert("deploy".to_owned(), rule);
}

/// Every way to a vantage, and a set below an apex.
fn watched(estate: &mut Estate) {
    let corp = estate.zones.get_mut(&ZoneKey::parse("corp.example/internal").unwrap()).unwrap();
    let below = CaaIntent { issue: vec!["other.example".to_owned()], ..CaaIntent::default() };
    corp.caa_below.insert(DnsName::parse("hr.corp.example").unwrap(), below);
    for (n, transport) in (1..).zip(VantageTransport::ALL) {
        let certified = transport.is_certified();
        let root = || bailiwick_wire::x509::write_pem("CERTIFICATE", ROOT);
        let point = VantagePoint {
            server: ([192, 0, 2, n], 853).into(),
            transport: *transport,
            validates: certified,
            view: View::External,
            operator: TeamId::parse("dns").unwrap(),
            name: certified.then(|| DnsName::parse("dns.example").unwrap()),
            trust_roots: certified.then(root),
            path: (*transport == VantageTransport::Https).then(|| "/q".to_owned()),
            region: certified.then_some(Rir::RipeNcc),
        };
        estate.organisation.vantages.insert(format!("v{n}"), point);
    }
}

#[test]
fn what_is_written_is_read_again() {
    round(&estate(&files()));
    round(&full());
    round(&fuller());
    let mut more = fuller();
    watched(&mut more);
    round(&more);
}

/// Version 1 can never change: what was approved under a digest has to be found under it.
#[test]
fn the_stored_form_is_pinned() {
    let octets = encode(&full());
    let text = std::str::from_utf8(&octets).unwrap();
    assert!(text.starts_with(
        r#"{"v":1,"organisation":{"name":"Example Trading","control_owner":"security","auditors":"audit","administrators":["dana"]},"people":{"abe":{"name":"Abe Fox","email":"abe@corp.example","left":"2026-06-30T00:00:00Z"},"#
    ));
    assert!(text.contains(
        r#""pay-api":{"name":"The payment interface","environment":"production","namespace":null,"view":null,"names":["api.pay.example"],"below":[],"duties":{"policy_owner":"payments","operator":"payments","integration_owner":"payments"},"ownership":{"verified_at":"2026-11-01T00:00:00Z","by":"pat"},"profiles":["tls-client","tls-server","workload"],"envelopes":{"go.live":{"names":["api.pay.example"],"issuer":"house","profiles":["tls-server"],"until":"2027-01-31T08:00:00.5Z","uses_max":5,"reason":"line\nbreak, \"quotes\" and 'more'"}}}"#
    ));
    assert!(text.contains(
        r#""by-zone":{"scope":{"kind":"zone","id":"corp.example/internal"},"rule":"lifetime-too-long","#
    ));
    assert_eq!(digest(&full()), bailiwick_core::names::Digest::of(&octets));
}

#[test]
fn another_spelling_is_refused() {
    let octets = encode(&full());
    let text = String::from_utf8(octets).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        decode(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    assert!(matches!(changed("{\"v\":1,", "{\"v\":2,"), BadEstate::Version { found: 2 }));
    assert!(matches!(changed("{\"v\":1,", "{ \"v\":1,"), BadEstate::NotCanonical));
    assert!(matches!(changed("\"uses_max\":5", "\"uses_max\":5,\"more\":1"), BadEstate::Shape(_)));
    assert!(matches!(changed("\"left\":null", "\"left\":\"yesterday\""), BadEstate::Time(_)));
    assert!(matches!(
        changed("\"pattern\":\"shared\"", "\"pattern\":\"Shared\""),
        BadEstate::Word { .. }
    ));
    assert!(matches!(changed("www.shop.example", "WWW.shop.example"), BadEstate::NotCanonical));
    assert!(matches!(changed("www.shop.example", "www..example"), BadEstate::Name(_)));
    assert!(matches!(
        changed("\"control_owner\":\"security\"", "\"control_owner\":\"S\""),
        BadEstate::Id(_)
    ));
    assert!(matches!(decode(b""), Err(BadEstate::Shape(_))));
    assert!(matches!(decode(&[b'['; 100_000]), Err(BadEstate::Shape(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// One flipped octet is either no estate or another one: never the same under two spellings.
    #[test]
    fn no_octet_is_spare(at in any::<prop::sample::Index>(), flip in 1_u8..=255) {
        let octets = encode(&full());
        let mut other = octets.clone();
        let at = at.index(other.len());
        other[at] ^= flip;
        if let Ok(estate) = decode(&other) {
            prop_assert_ne!(&estate, &full());
            prop_assert_eq!(encode(&estate), other);
        }
    }

    /// Texts that people choose survive the files, whatever is in them.
    #[test]
    fn any_text_survives(name in "\\PC{1,40}", reason in "(?s)[^\u{0}]{1,60}") {
        let mut estate = full();
        prop_assume!(!name.trim().is_empty() && !reason.trim().is_empty());
        estate.organisation.name = name;
        for exception in estate.exceptions.values_mut() {
            exception.reason.clone_from(&reason);
        }
        round(&estate);
    }
}
