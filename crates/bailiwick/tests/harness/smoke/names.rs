//! BIND and Unbound.

use std::net::SocketAddr;

use crate::harness::bind::Bind;
use crate::harness::dig;
use crate::harness::unbound::Unbound;
use crate::harness::zone::Zone;

const CAA: &str = "CAA";

fn ask(server: SocketAddr, name: &str, kind: &str) -> dig::Answer {
    dig::ask(server, name, kind).unwrap_or_else(|| panic!("no answer for {name} {kind}"))
}

#[test]
fn bind_serves_replaces_and_updates_a_zone() {
    let zone = Zone::new("corp.example", "www IN A 127.0.0.1\n@ IN CAA 0 issue \"ca.example\"");
    let mut bind = Bind::start(&[zone.updatable(), Zone::new("other.example", "")]);
    let caa = ask(bind.address(), "corp.example", CAA);
    assert_eq!(caa.data(CAA), ["0 issue \"ca.example\""]);
    assert!(caa.flags.contains(&"aa".to_owned()), "{caa:?}");
    assert_eq!(ask(bind.address(), "no.corp.example", "A").status, "NXDOMAIN");
    assert_eq!(ask(bind.address(), "elsewhere.example", "A").status, "REFUSED");

    bind.update("corp.example", "add txt.corp.example. 1 TXT \"one\"").expect_success();
    assert_eq!(ask(bind.address(), "txt.corp.example", "TXT").data("TXT"), ["\"one\""]);
    let refused = bind.update("other.example", "add txt.other.example. 1 TXT \"one\"");
    assert!(refused.code != Some(0) && refused.output().contains("REFUSED"), "{refused:?}");

    for name in ["corp.example", "other.example"] {
        let before = bind.serial(name);
        bind.replace(&Zone::new(name, "@ IN CAA 0 issue \";\""));
        assert_eq!(ask(bind.address(), name, CAA).data(CAA), ["0 issue \";\""]);
        assert!(bind.serial(name) > before);
    }
}

#[test]
fn bind_signs_what_it_is_given_anew() {
    let names = ["fixed.example", "moving.example"];
    let zones = [Zone::new(names[0], "").signed(), Zone::new(names[1], "").signed().updatable()];
    let mut bind = Bind::start(&zones);
    bind.update(names[1], "add a.moving.example. 1 A 127.0.0.9").expect_success();
    for name in names {
        bind.replace(&Zone::new(name, "b IN A 127.0.0.8"));
        let answer = ask(bind.address(), &format!("b.{name}"), "A");
        assert_eq!(answer.data("A"), ["127.0.0.8"]);
        assert_eq!(answer.data("RRSIG").len(), 1, "{answer:?}");
        assert_eq!(ask(bind.address(), &format!("a.{name}"), "A").status, "NXDOMAIN");
    }
}

#[test]
fn bind_keeps_updates_over_a_kill_and_can_fall_silent() {
    let mut bind = Bind::start(&[Zone::new("corp.example", "").updatable()]);
    bind.update("corp.example", "add a.corp.example. 1 A 127.0.0.9").expect_success();
    bind.kill9();
    assert_eq!(dig::ask(bind.address(), "a.corp.example", "A"), None);
    bind.restart();
    assert_eq!(ask(bind.address(), "a.corp.example", "A").data("A"), ["127.0.0.9"]);
    bind.fall_silent();
    assert_eq!(dig::ask(bind.address(), "a.corp.example", "A"), None);
    bind.speak_again();
    assert_eq!(ask(bind.address(), "a.corp.example", "A").status, "NOERROR");
}

#[test]
fn unbound_validates_a_chain_and_tells_secure_insecure_and_bogus_apart() {
    let corp = "@ IN CAA 0 issue \"ca.example\"\ndev IN NS ns1.dev\nns1.dev IN A 127.0.0.1\n\
                bad IN NS ns1.bad\nns1.bad IN A 127.0.0.1\n";
    let zones = [
        Zone::new("corp.example", corp).signed().updatable(),
        Zone::new("dev.corp.example", "@ IN CAA 0 issue \"ca.example\"").signed(),
        Zone::new("bad.corp.example", "@ IN CAA 0 issue \"ca.example\"").signed(),
        Zone::verbatim(
            "plain.example",
            "@ 1 IN SOA ns h 1 3600 600 86400 1\n@ 1 IN NS ns\nns 1 IN A 127.0.0.1\n@ 1 IN CAA 0 issue \"ca.example\"\n",
        ),
    ];
    let bind = Bind::start(&zones);
    bind.update("corp.example", &format!("add {}", with_ttl(&bind.ds("dev.corp.example"))))
        .expect_success();
    // The digest of another zone's key: nothing below can be believed.
    let wrong = bind.ds("dev.corp.example").replace("dev.corp", "bad.corp");
    bind.update("corp.example", &format!("add {}", with_ttl(&wrong))).expect_success();

    let at = [bind.address()];
    let anchor = bind.dnskey("corp.example");
    let names = ["corp.example", "dev.corp.example", "bad.corp.example", "plain.example"];
    let mut unbound = Unbound::start(&names.map(|name| (name, &at[..])), &[&anchor]);
    for name in ["corp.example", "dev.corp.example"] {
        let answer = ask(unbound.address(), name, CAA);
        assert!(answer.is_authenticated(), "{answer:?}");
        assert_eq!(answer.data(CAA), ["0 issue \"ca.example\""]);
    }
    assert_eq!(ask(unbound.address(), "bad.corp.example", CAA).status, "SERVFAIL");
    let plain = ask(unbound.address(), "plain.example", CAA);
    assert!(plain.status == "NOERROR" && !plain.is_authenticated(), "{plain:?}");
    assert_eq!(ask(unbound.address(), "elsewhere.example", CAA).status, "REFUSED");

    unbound.kill9();
    unbound.restart();
    assert!(ask(unbound.address(), "corp.example", CAA).is_authenticated());
}

#[test]
fn unbound_forgets_what_it_is_told_to() {
    let mut bind = Bind::start(&[Zone::verbatim("corp.example", &long_lived("old.example"))]);
    let unbound = Unbound::start(&[("corp.example", &[bind.address()])], &[]);
    assert_eq!(ask(unbound.address(), "corp.example", CAA).data(CAA), ["0 issue \"old.example\""]);
    bind.replace(&Zone::verbatim("corp.example", &long_lived("new.example")));
    assert_eq!(ask(unbound.address(), "corp.example", CAA).data(CAA), ["0 issue \"old.example\""]);
    unbound.forget("corp.example");
    assert_eq!(ask(unbound.address(), "corp.example", CAA).data(CAA), ["0 issue \"new.example\""]);
}

fn long_lived(issuer: &str) -> String {
    let serial = if issuer.starts_with("old") { 1 } else { 2 };
    format!(
        "$TTL 3600\n@ IN SOA ns h {serial} 3600 600 86400 1\n@ IN NS ns\nns IN A 127.0.0.1\n\
         @ IN CAA 0 issue \"{issuer}\"\n"
    )
}

/// `nsupdate` wants a TTL; `dnssec-dsfromkey` gives none.
fn with_ttl(record: &str) -> String {
    record.replacen(" IN ", " 1 IN ", 1)
}
