//! Name servers that speak garbage: nothing that they say allows anything, and none holds anybody up.

mod rogue;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::rogue::{HABITS, Rogue};
use super::{Watch, sound};
use crate::harness::bailiwick::bailiwick;
use crate::stories::acme_gate::{Gate, Remembers};
use crate::stories::acme_jws::Client;
use crate::stories::acme_orders::until;

/// What one look-up may take as a whole, and a little for a machine that has much to do.
const CHECK_MAX: Duration = Duration::from_secs(45);

#[test]
fn caa_that_cannot_be_read_is_never_a_yes() {
    std::thread::scope(|scope| {
        for (name, habit) in HABITS {
            scope.spawn(move || {
                let rogue = Rogue::start(*habit);
                let began = Instant::now();
                let resolver = rogue.address().to_string();
                let words = ["caa", "check", "www.rogue.example", "--issuer", "ca.example"];
                let words = [&words[..], &["--resolver", &resolver, "--json"]].concat();
                let ran = bailiwick(&words);
                assert_eq!(ran.code, Some(2), "{name}: {}", ran.output());
                assert!(began.elapsed() < CHECK_MAX, "{name}: {:?}", began.elapsed());
                let report: Value = serde_json::from_str(&ran.stdout).expect("--json prints JSON");
                assert_eq!(report["outcome"], json!("unknown"), "{name}: {report:#}");
                assert!(rogue.asked() > 0, "{name}: nobody asked");
                assert!(rogue.asked() < 200, "{name}: asked {} times", rogue.asked());
            });
        }
    });
}

#[test]
fn a_name_whose_servers_speak_garbage_is_not_validated() {
    // Each question meets the next habit.
    let rogue = Rogue::of_every_habit();
    let server = format!("servers = [\"{}\"]", rogue.address());
    let alter = move |text: &str| {
        let (front, back) = match text.split_once("servers = [") {
            Some((front, rest)) => (front, rest.split_once(']').map_or("", |(_, back)| back)),
            None => return text.to_owned(),
        };
        if text.contains("name = \"shop.example\"") {
            format!("{front}{server}{back}")
        } else {
            text.to_owned()
        }
    };
    let gate = Gate::with_estate(Remembers::InSqlite, &alter, &[], &[]);
    let client = Client::of(&gate.acme());
    let account = client.register(&gate.credential(), json!({}));
    let watch = Watch::begin(&gate);
    let mut looked_at = Vec::new();
    for kind in ["http-01", "dns-01", "tls-alpn-01", "dns-persist-01"] {
        for name in [Gate::NAME, Gate::OTHER_NAME] {
            let placed = account.order(&client, &[name]).expect(201);
            let authorization = placed.member("/authorizations/0");
            let shown = account.get(&client, &authorization).expect(200).json();
            let all = shown["challenges"].as_array().expect("a list");
            let one = all.iter().find(|one| one["type"] == json!(kind)).expect("it is offered");
            let url = one["url"].as_str().expect("a URL");
            account.post(&client, url, &json!({})).expect(200);
            looked_at.push((kind, authorization));
        }
    }
    for (kind, authorization) in looked_at {
        let seen = until(&client, &account, &authorization, &["valid", "invalid"]);
        assert_eq!(seen.member("/status"), "invalid", "{kind}: {seen:?}");
        let problem = seen.member("/challenges/0/error/type");
        assert!(problem.ends_with(":dns"), "{kind}: {seen:?}");
    }
    watch.end(&gate, &["order.accepted", "name.not-validated", "order.failed"]);
    sound(gate, None);
}
