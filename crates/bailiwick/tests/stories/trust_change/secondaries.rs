//! A secondary that is stale, lies, answers nothing, is slow, or whose answers are cut short: the gate waits,
//! then the change turns back inside its bounds, says which server it was and whose it is, and nothing was
//! issued (promise P12; TRW-4).

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::bailiwick::{self, BailiwickServer};
use crate::harness::bind::Bind;
use crate::harness::dig;
use crate::harness::place::{Folder, Port};
use crate::harness::process::Ran;
use crate::harness::relay::{Manner, Relay};
use crate::harness::secondary::Secondary;
use crate::harness::zone::Zone;
use crate::stories::acme_gate::{copy, today};

const RECORDS: &str = "@ IN CAA 0 issue \"ca.bailiwick.example\"\nwww IN A 127.0.0.1\n";
/// How long the servers of each zone may take.
const WITHIN_SECONDS: u64 = 4;
/// The way there, and the way back with its longest wait.
const BOUND: Duration = Duration::from_secs(6 * WITHIN_SECONDS);

/// The second server of a zone.
enum Second {
    Bind(Box<Secondary>),
    Relay(Relay),
}

/// What goes wrong, under the name of the zone where it does.
const WRONGS: [&str; 5] = ["stale", "lying", "lame", "slow", "truncated"];

struct Scene {
    server: BailiwickServer,
    seconds: Vec<Second>,
    primary: Bind,
    intents: Folder,
    _estate: Folder,
}

fn zone(wrong: &str) -> String {
    format!("{wrong}.example")
}

impl Second {
    fn address(&self) -> SocketAddr {
        match self {
            Self::Bind(secondary) => secondary.address(),
            Self::Relay(relay) => relay.address(),
        }
    }

    fn goes_wrong(&self, wrong: &str) {
        match (self, wrong) {
            (Self::Bind(it), "stale") => it.lose_its_key(),
            (Self::Bind(it), "lying") => it.edit(
                "$ORIGIN lying.example.\n$TTL 1\n@ IN SOA ns1 hostmaster 9 1 1 86400 1\n@ IN NS ns1\n\
                 ns1 IN A 127.0.0.1\n@ IN CAA 0 issue \"elsewhere.example\"\nwww IN A 127.0.0.9\n",
            ),
            (Self::Bind(it), _) => it.grow_lame(),
            (Self::Relay(it), "slow") => it.becomes(Manner::Slow),
            (Self::Relay(it), _) => it.becomes(Manner::Truncated),
        }
    }
}

impl Scene {
    fn start() -> Self {
        let zones: Vec<Zone> =
            WRONGS.iter().map(|it| Zone::new(&zone(it), RECORDS).updatable()).collect();
        let ports: Vec<Port> = (0..3).map(|_| Port::free()).collect();
        let tells: Vec<SocketAddr> = ports.iter().map(Port::address).collect();
        let primary = Bind::with_secondaries(&zones, 0, &tells).0;
        let key = || Some(primary.key().clone());
        let mut seconds: Vec<Second> = ports
            .into_iter()
            .zip(WRONGS)
            .map(|(port, it)| {
                let at = primary.address();
                Second::Bind(Box::new(Secondary::start_on(port, at, key(), &zone(it))))
            })
            .collect();
        seconds.extend((0..2).map(|_| Second::Relay(Relay::start(primary.address()))));
        let estate = estate(&primary, &seconds);
        let folder = estate.path().to_string_lossy().into_owned();
        let args = ["--lab", "--estate", &folder, "--allow-network", "127.0.0.0/8"];
        let server = BailiwickServer::start(&args);
        let scene =
            Self { server, seconds, primary, intents: Folder::new("intents"), _estate: estate };
        let secret = scene.intents.write("secret", &scene.primary.key().secret);
        for wrong in WRONGS {
            let file = secret.to_string_lossy();
            scene
                .cli("dana", &["connector", "set-secret", &zone(wrong), "--file", &file])
                .expect_success();
        }
        scene
    }

    fn cli(&self, person: &str, words: &[&str]) -> Ran {
        let data = self.server.data().to_string_lossy().into_owned();
        let here = ["--server", self.server.https(), "--data", &data, "--as", person];
        bailiwick::bailiwick(&[words, &here].concat())
    }

    fn json(&self, person: &str, words: &[&str]) -> Value {
        let ran = self.cli(person, &[words, &["--json"]].concat()).expect_success();
        serde_json::from_str(&ran.stdout).expect("--json prints JSON")
    }

    /// A certificate of another CA: CAA has to let it in before it is asked.
    fn asked(&self, wrong: &str) -> String {
        let name = format!("www.{}", zone(wrong));
        let text = format!(
            "service = \"{wrong}\"\npropagation_within_seconds = {WITHIN_SECONDS}\n\n[certificate]\n\
             issuer = \"annex\"\nprofile = \"tls-server\"\nnames = [\"{name}\"]\nretire_issuer = \"house\"\n"
        );
        let file = self.intents.write(&format!("{wrong}.toml"), &text);
        let words = ["change", "request", "--file", &file.to_string_lossy(), "--reason", "a test"];
        let change = self.json("sam", &words);
        assert_eq!(change["state"], "awaiting-approval", "{change:#}");
        change["id"].as_str().expect("an id").to_owned()
    }

    fn caa(&self, wrong: &str) -> Vec<String> {
        let answer = dig::ask(self.primary.address(), &zone(wrong), "CAA").expect("an answer");
        answer.data("CAA")
    }
}

#[test]
fn a_secondary_that_misbehaves_turns_the_change_back_and_is_named_with_whose_it_is() {
    let scene = Scene::start();
    // Everybody is in step when they are asked for; then one server of each zone goes wrong.
    let ids = WRONGS.map(|wrong| scene.asked(wrong));
    for (second, wrong) in scene.seconds.iter().zip(WRONGS) {
        second.goes_wrong(wrong);
    }
    let began = Instant::now();
    for id in &ids {
        scene.cli("sue", &["change", "approve", id, "--json"]).expect_success();
    }
    for ((id, wrong), second) in ids.iter().zip(WRONGS).zip(&scene.seconds) {
        let ended = loop {
            let change = scene.json("sam", &["change", "show", id]);
            let state = change["state"].as_str().unwrap_or("").to_owned();
            if !["executing", "rolling-back", "verifying", "approved"].contains(&state.as_str()) {
                break change;
            }
            assert!(began.elapsed() < BOUND, "{wrong}: {change:#}\n{}", scene.server.log());
            std::thread::sleep(Duration::from_millis(200));
        };
        assert_eq!(ended["state"], "rolled-back", "{wrong}: {ended:#}");
        let why = ended["outcome"].as_str().unwrap_or("");
        let server = second.address().to_string();
        assert!(why.contains(&server), "{wrong}: no {server} in {why}");
        assert!(!why.contains(&scene.primary.address().to_string()), "{wrong}: {why}");
        assert!(why.contains("Dana Deene (dns)"), "{wrong}: nobody is named in {why}");
        eprintln!("{wrong}: {why}");
        assert_eq!(scene.caa(wrong), ["0 issue \"ca.bailiwick.example\""], "{wrong}");
        let events = ended["events"].to_string();
        assert!(!events.contains("issue-certificate"), "{wrong}: {events}");
    }
    let issued = scene.json("ada", &["certificate", "list"]);
    assert_eq!(issued["items"].as_array().map(Vec::len), Some(0), "{issued:#}");
}

/// The lab's estate with a zone and a service for each that goes wrong.
fn estate(primary: &Bind, seconds: &[Second]) -> Folder {
    let folder = Folder::new("estate");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
    let annex = "\n[annex]\nkind = \"built-in\"\ncaa_domains = [\"annex.example\"]\n\
                 environments = [\"production\"]\nprofiles = [\"tls-server\"]\n";
    copy(&source, folder.path(), &|text| {
        let text = text.replace("verified = 2026-11-01", &format!("verified = {}", today()));
        if text.contains("[house]") { text + annex } else { text }
    });
    let read = |path: &str| std::fs::read_to_string(source.join(path)).expect("the lab has it");
    for (wrong, second) in WRONGS.iter().zip(seconds) {
        let (first, key) = (primary.address(), &primary.key().name);
        let connector = format!(
            "operator = \"dns\"\nservers = [\"{first}\", \"{}\"]\n\n[connector]\nkind = \"rfc2136\"\n\
             server = \"{first}\"\nkey = \"{key}\"\n\n[caa]",
            second.address()
        );
        let zone_file = read("zones/shop.example.toml")
            .replace("operator = \"dns\"\n\n[caa]", &connector)
            .replace("\"ca.bailiwick.example\"]", "\"ca.bailiwick.example\", \"annex.example\"]")
            .replace("shop.example", &zone(wrong));
        folder.write(&format!("zones/{}.toml", zone(wrong)), &zone_file);
        let service = read("services/shop-web.toml")
            .replace("shop-web", wrong)
            .replace("shop.example", &zone(wrong))
            .replace("verified = 2026-11-01", &format!("verified = {}", today()));
        folder.write(&format!("services/{wrong}.toml"), &service);
    }
    folder
}
