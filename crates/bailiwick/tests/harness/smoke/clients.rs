//! certbot and lego, at a server that is not ours.

use crate::harness::acme::Challenges;
use crate::harness::bind::Bind;
use crate::harness::certbot::Certbot;
use crate::harness::lego::Lego;
use crate::harness::pebble::Pebble;
use crate::harness::process;
use crate::harness::programs;
use crate::harness::zone::Zone;

fn world() -> (Bind, Pebble) {
    let zone = Zone::new("corp.example", "www IN A 127.0.0.1\napi IN A 127.0.0.1");
    let bind = Bind::start(&[zone.updatable()]);
    let pebble = Pebble::start(bind.address());
    (bind, pebble)
}

fn names_in(certificate: &std::path::Path) -> String {
    let mut command =
        process::bounded(&programs::find("openssl"), std::time::Duration::from_secs(10));
    command.args(["x509", "-noout", "-ext", "subjectAltName", "-in"]).arg(certificate);
    process::run(command).expect_success().stdout
}

#[test]
fn certbot_obtains_renews_and_revokes_over_http01() {
    let (_bind, pebble) = world();
    let certbot = Certbot::new(pebble.acme());
    let http01 = Challenges::Http01 { port: pebble.http01_port() };
    certbot.obtain(&["www.corp.example", "api.corp.example"], http01).expect_success();
    let names = names_in(&certbot.certificate("www.corp.example"));
    assert!(
        names.contains("DNS:www.corp.example") && names.contains("DNS:api.corp.example"),
        "{names}"
    );
    let first = std::fs::read(certbot.chain("www.corp.example")).unwrap();
    certbot.renew("www.corp.example").expect_success();
    assert_ne!(std::fs::read(certbot.chain("www.corp.example")).unwrap(), first);
    certbot.revoke("www.corp.example", "keycompromise").expect_success();
    assert!(certbot.log().contains("revoke"), "{}", certbot.log());
}

#[test]
fn certbot_obtains_a_wildcard_over_dns01() {
    let (bind, pebble) = world();
    let certbot = Certbot::new(pebble.acme());
    let dns01 = Challenges::Dns01 { server: bind.address(), key: bind.key() };
    certbot.obtain(&["*.corp.example"], dns01).expect_success();
}

#[test]
fn lego_obtains_renews_and_revokes_over_both() {
    let (bind, pebble) = world();
    let ways = [
        ("www.corp.example", Challenges::Http01 { port: pebble.http01_port() }),
        ("*.corp.example", Challenges::Dns01 { server: bind.address(), key: bind.key() }),
    ];
    for (name, challenges) in ways {
        let lego = Lego::new(pebble.acme());
        lego.obtain(&[name], challenges).expect_success();
        let names = names_in(&lego.chain(name));
        assert!(names.contains(&format!("DNS:{name}")), "{names}");
        let first = std::fs::read(lego.chain(name)).unwrap();
        lego.renew(&[name], challenges).expect_success();
        assert_ne!(std::fs::read(lego.chain(name)).unwrap(), first);
        lego.revoke(name, 4).expect_success();
    }
}

#[test]
fn what_the_server_refuses_is_told_by_the_client() {
    let (_bind, pebble) = world();
    let mut acme = pebble.acme().clone();
    let eab = acme.eab.as_mut().unwrap();
    eab.kid = "nobody".to_owned();
    let http01 = Challenges::Http01 { port: pebble.http01_port() };
    let certbot = Certbot::new(&acme);
    let ran = certbot.obtain(&["www.corp.example"], http01);
    assert!(ran.code != Some(0) && certbot.log().contains("urn:ietf:params:acme:error"), "{ran:?}");
    let ran = Lego::new(&acme).obtain(&["www.corp.example"], http01);
    assert!(ran.code != Some(0) && ran.output().contains("urn:ietf:params:acme:error"), "{ran:?}");
}
