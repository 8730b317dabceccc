//! A registry that speaks RDAP, and what follows when it says something else (OWN-6, TRW-8; the freeze).

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use bailiwick_connect::egress::Target;
use bailiwick_core::estate::{DelegationSeen, ZoneKey};
use serde_json::{Value, json};

use super::scene::{open_allowing, shop};
use crate::app::App;

/// As registries spell it.
fn object(status: &[&str], server: &str, registrar: &str) -> Value {
    json!({
        "rdapConformance": ["rdap_level_0", "icann_rdap_response_profile_0"],
        "objectClassName": "domain",
        "handle": "2336799_DOMAIN_COM-VRSN",
        "ldhName": "SHOP.EXAMPLE",
        "status": status,
        "entities": [{
            "objectClassName": "entity", "handle": registrar, "roles": ["registrar"],
            "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "A Registrar"]]],
        }],
        "events": [
            { "eventAction": "registration", "eventDate": "1995-08-14T04:00:00Z" },
            { "eventAction": "expiration", "eventDate": "2030-08-13T04:00:00Z" },
        ],
        "secureDNS": { "delegationSigned": false },
        "nameservers": [{ "objectClassName": "nameserver", "ldhName": server }],
    })
}

/// Answers for shop.example, and 404 for everything else.
fn registry(says: Arc<Mutex<Value>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut first = String::new();
            reader.read_line(&mut first).unwrap();
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            let known = first.starts_with("GET /rdap/domain/shop.example ");
            let body = if known { says.lock().unwrap().to_string() } else { "{}".to_owned() };
            let status = if known { "200 OK" } else { "404 Not Found" };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/rdap+json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    port
}

async fn stands(app: &App, server: &Target, zone: &ZoneKey) -> DelegationSeen {
    let all: BTreeSet<ZoneKey> = app.live.get().estate().zones.keys().cloned().collect();
    app.look_at_registrations(server, &all).await.unwrap();
    app.live.get().active.delegation(zone).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unexplained_change_at_the_registry_freezes_the_zone_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open_allowing(folder.path(), "127.0.0.0/8").await;
    let app = &opened.app;
    assert!(app.live.get().estate().services.contains_key(&shop()));
    let zone = ZoneKey::parse("shop.example").unwrap();
    let locked = ["client transfer prohibited", "client update prohibited"];
    let before = object(&locked, "NS1.SHOP.EXAMPLE", "292");
    let says = Arc::new(Mutex::new(before.clone()));
    let port = registry(Arc::clone(&says));
    let server = Target::parse(&format!("http://127.0.0.1:{port}/rdap")).unwrap();

    assert_eq!(stands(app, &server, &zone).await, DelegationSeen::AsDecided);
    // What a renewal alters is kept and freezes nothing.
    let mut renewed = before.clone();
    renewed["events"][1]["eventDate"] = json!("2031-08-13T04:00:00Z");
    *says.lock().unwrap() = renewed;
    assert_eq!(stands(app, &server, &zone).await, DelegationSeen::AsDecided);
    // The lock is gone, the name servers are others, the registrar is another.
    for (now, word) in [
        (object(&["pending transfer"], "ns1.shop.example", "292"), "pending transfer"),
        (object(&locked, "ns1.evil.example", "292"), "ns1.evil.example"),
        (object(&locked, "ns1.shop.example", "1337"), "1337"),
    ] {
        *says.lock().unwrap() = now;
        let DelegationSeen::Changed(what) = stands(app, &server, &zone).await else {
            panic!("`{word}` freezes nothing")
        };
        assert!(what.contains(word), "{what}");
        // Silence thaws nothing.
        *says.lock().unwrap() = json!({ "objectClassName": "entity" });
        let still = stands(app, &server, &zone).await;
        assert!(matches!(still, DelegationSeen::Changed(_)), "{still:?}");
        *says.lock().unwrap() = before.clone();
        assert_eq!(stands(app, &server, &zone).await, DelegationSeen::AsDecided);
    }
}
