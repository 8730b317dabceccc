//! Credentials that Bailiwick itself holds are rotated as changes (TRW-7): somebody else approves, the
//! server takes the new one before it is used, and the old one is seen refused before it is forgotten.
//! With kills in between, at real servers.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::acme_gate::{copy, today};
use crate::harness::acme::{Challenges, Eab};
use crate::harness::bailiwick::{self, BailiwickServer};
use crate::harness::bind::Bind;
use crate::harness::certbot::Certbot;
use crate::harness::pebble::Pebble;
use crate::harness::place::{Folder, Port};
use crate::harness::powerdns::{API_KEY, PowerDns};
use crate::harness::process::Ran;
use crate::harness::sqlite::sql;
use crate::harness::zone::Zone;

const RECORDS: &str =
    "@ IN A 127.0.0.1\n@ IN CAA 0 issue \"public.example\"\nwww 60 IN A 127.0.0.1\n";
/// How long a stage may take that nothing stands in the way of.
const PATIENCE: Duration = Duration::from_secs(60);

struct Scene {
    server: BailiwickServer,
    http01: Port,
    _estate: Folder,
}

impl Scene {
    /// The lab's organisation with a way into zone `shop.example`, and further issuers.
    fn start(servers: &str, connector: &str, issuers: &str) -> Self {
        let estate = Folder::new("estate");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
        let lines = format!("operator = \"dns\"\nservers = [\"{servers}\"]\n\n{connector}\n[caa]");
        copy(&source, estate.path(), &|text| {
            let text = text.replace("verified = 2026-11-01", &format!("verified = {}", today()));
            if text.contains("name = \"shop.example\"") {
                return text
                    .replace("operator = \"dns\"\n\n[caa]", &lines)
                    .replace("ca.bailiwick.example", "public.example");
            }
            text
        });
        let file = estate.file("issuers.toml");
        let house = std::fs::read_to_string(&file).expect("the lab has issuers");
        std::fs::write(file, house + issuers).expect("a file can be written");
        let http01 = Port::free();
        let (port, folder) = (http01.number().to_string(), estate.path().to_string_lossy());
        let network = ["--allow-network", "127.0.0.0/8"];
        let args = ["--lab", "--http01-port", &port, "--estate", &folder];
        let server = BailiwickServer::start(&[&args[..], &network].concat());
        Self { server, http01, _estate: estate }
    }

    fn cli(&self, person: &str, words: &[&str]) -> Ran {
        let data = self.server.data().to_string_lossy().into_owned();
        let here = ["--server", self.server.https(), "--data", &data, "--as", person];
        bailiwick::bailiwick(&[words, &here].concat())
    }

    fn told(&self, person: &str, words: &[&str]) -> Value {
        let ran = self.cli(person, &[words, &["--json"]].concat()).expect_success();
        serde_json::from_str(&ran.stdout).expect("--json prints JSON")
    }

    fn hand_in(&self, words: &[&str], secret: &str) -> Ran {
        let folder = Folder::new("secret");
        let file = folder.write("secret", secret).to_string_lossy().into_owned();
        self.cli("dana", &[words, &["--file", &file]].concat())
    }

    /// Somebody asks for another key of the zone.
    fn asked(&self, person: &str, name: &str) -> Ran {
        let words = ["zone", "rotate-key", "shop.example", "--key-name", name];
        self.cli(person, &[&words[..], &["--reason", "a year has passed", "--json"]].concat())
    }

    /// A change of a record is carried out at the server.
    fn writes_a_record(&self, bind: &Bind) {
        let intent = "service = \"shop-web\"\n[[records]]\nname = \"www.shop.example\"\n\
            type = \"A\"\nttl_seconds = 60\nvalues = [\"192.0.2.7\"]\n";
        let folder = Folder::new("intent");
        let file = folder.write("intent.toml", intent).to_string_lossy().into_owned();
        let words = ["change", "request", "--file", &file, "--reason", "it moves"];
        let edit = self.told("sam", &words);
        self.approve("pia", &id(&edit)).expect_success();
        self.until("a record is written with the new key", || {
            let answer = crate::harness::dig::ask(bind.address(), "www.shop.example", "A");
            answer.is_some_and(|answer| answer.data("A") == ["192.0.2.7"])
        });
    }

    fn change(&self, id: &str) -> Value {
        self.told("dana", &["change", "show", id])
    }

    fn state(&self, id: &str) -> String {
        self.change(id)["state"].as_str().expect("a change has a state").to_owned()
    }

    fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < end, "not within a minute: {what}\n{}", self.server.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn restarted_after_kill(&mut self) {
        self.server.kill9();
        self.server.restart();
    }

    fn approve(&self, person: &str, id: &str) -> Ran {
        self.cli(person, &["change", "approve", id, "--comment", "agreed", "--json"])
    }

    /// What lies sealed for the zone or the CA, by purpose; the server is stopped for it.
    fn sealed(&mut self, name: &str) -> String {
        self.server.stop();
        let data = self.server.data();
        let text = data.to_string_lossy().into_owned();
        for check in ["verify", "fsck"] {
            bailiwick::bailiwick(&["ledger", check, "--data", &text]).expect_success();
        }
        let ask = format!("SELECT purpose FROM sealed_secret WHERE name = '{name}' ORDER BY 1");
        sql(&data.join("bailiwick.db"), &ask).expect_success().stdout
    }

    /// No octet of a secret in the ledger, in a change or in the log.
    fn is_silent_about(&self, secret: &str, change: &str) {
        assert!(!self.server.log().contains(secret), "a secret stands in the log");
        assert!(!self.change(change).to_string().contains(secret), "a secret stands in the change");
        let all = self.cli("ada", &["ledger", "acts", "--json"]).expect_success().stdout;
        assert!(!all.contains(secret), "a secret stands among the acts");
    }
}

fn id(of: &Value) -> String {
    of["id"].as_str().expect("a change has an id").to_owned()
}

#[test]
fn trw_7_the_key_of_a_zone_is_rotated_at_bind_through_kills_and_the_old_one_is_refused() {
    let mut bind = Bind::start(&[Zone::new("shop.example", RECORDS).updatable()]);
    let (at, old) = (bind.address().to_string(), bind.key().clone());
    let connector =
        format!("[connector]\nkind = \"rfc2136\"\nserver = \"{at}\"\nkey = \"{}\"\n", old.name);
    let mut scene = Scene::start(&at, &connector, "");
    let set = ["connector", "set-secret", "shop.example"];
    scene.hand_in(&set, &old.secret).expect_success();
    assert_ne!(scene.asked("sam", "k2").code, Some(0), "sam administers nothing");
    assert_ne!(scene.asked("dana", &old.name).code, Some(0), "the same name says nothing new");
    let begun: Value =
        serde_json::from_str(&scene.asked("dana", "k2.shop.example").expect_success().stdout)
            .expect("JSON");
    let (change, made) = (id(&begun["change"]), &begun["made"]);
    let secret = made["secret"].as_str().expect("a key was made").to_owned();
    assert!(made["bind"].as_str().is_some_and(|text| text.contains("k2.shop.example")), "{made}");
    assert_eq!(begun["change"]["state"], "awaiting-approval", "{begun:#}");
    assert_eq!(begun["change"]["steps"].as_array().map(Vec::len), Some(2), "{begun:#}");
    // Nobody slips another secret under it, and there are no two at once.
    let refused = scene.hand_in(&set, &secret);
    assert!(refused.output().contains("already rotates"), "{}", refused.output());
    assert!(scene.asked("dana", "k3").output().contains("already rotates"));
    // Whoever asked does not approve; the policy owner of the zone does.
    let own = scene.approve("dana", &change);
    assert_ne!(own.code, Some(0), "{}", own.output());
    scene.approve("pia", &change).expect_success();
    // The server does not know the new key yet: the old one goes on, through a kill.
    scene.until("it says who has to configure it", || {
        let text = scene.change(&change).to_string();
        text.contains("does not take key `k2.shop.example` yet") && text.contains("(dns)")
    });
    scene.restarted_after_kill();
    let place = |scene: &Scene| {
        let shown = scene.told("sam", &["zone", "show", "shop.example"]);
        shown["connector"]["place"].as_str().expect("a place").to_owned()
    };
    assert!(place(&scene).contains(&old.name), "{}", place(&scene));
    bind.take_key("k2.shop.example", &secret);
    scene.until("the new key is in force", || place(&scene).contains("k2.shop.example"));
    scene.restarted_after_kill();
    // Both are taken now: the change waits for the old one to go, and says what that is.
    scene.until("it says what has to go", || {
        let text = scene.change(&change).to_string();
        text.contains("still takes the old key") && text.contains("rndc reconfig")
    });
    assert_eq!(scene.state(&change), "executing");
    scene.cli("dana", &["zone", "try", "shop.example"]).expect_success();
    bind.drop_key(&old.name);
    scene.until("the change closes", || scene.state(&change) == "closed");
    // The judge is BIND: it refuses the old one, and takes updates with the new one.
    let with_old = bind.update("shop.example", "update add x.shop.example 60 A 192.0.2.9");
    assert!(with_old.output().contains("BADKEY"), "{}", with_old.output());
    let tried = scene.cli("dana", &["zone", "try", "shop.example"]).expect_success();
    assert!(tried.stdout.contains("alters nothing was taken"), "{}", tried.stdout);
    scene.writes_a_record(&bind);
    scene.is_silent_about(&secret, &change);
    let acts = scene.cli("ada", &["ledger", "acts", "--about", "zone/shop.example", "--json"]);
    let replaced = format!("replaced key {} by k2.shop.example", old.name);
    assert!(acts.stdout.contains(&replaced), "{}", acts.stdout);
    let folder = scene._estate.path().to_string_lossy().into_owned();
    let planned = scene.cli("dana", &["estate", "plan", &folder]);
    assert!(planned.output().contains("came by a rotation"), "{}", planned.output());
    assert_eq!(scene.sealed("shop.example").trim(), "tsig", "only the one in force is left");
}

#[test]
fn trw_7_the_key_of_powerdns_is_rotated_and_the_old_one_gets_401() {
    let mut server = PowerDns::start(&[Zone::new("shop.example", RECORDS)]);
    let connector = format!("[connector]\nkind = \"powerdns\"\nurl = \"{}\"\n", server.url());
    let mut scene = Scene::start(&server.address().to_string(), &connector, "");
    scene.hand_in(&["connector", "set-secret", "shop.example"], API_KEY).expect_success();
    let (new, folder) = ("another key of powerdns", Folder::new("secret"));
    let file = folder.write("secret", new).to_string_lossy().into_owned();
    let words = ["zone", "rotate-key", "shop.example", "--secret-file", &file, "--reason", "x"];
    let begun = scene.told("dana", &words);
    assert!(begun["made"].is_null(), "a key that was brought is not shown");
    let change = id(&begun["change"]);
    scene.approve("pia", &change).expect_success();
    assert_eq!(scene.state(&change), "executing");
    server.take_key(new);
    scene.until("the change closes", || scene.state(&change) == "closed");
    assert_eq!(server.status_for(API_KEY), "401");
    assert_eq!(server.status_for(new), "200");
    scene.cli("dana", &["zone", "try", "shop.example"]).expect_success();
    scene.is_silent_about(new, &change);
    assert_eq!(scene.sealed("shop.example").trim(), "zone-api-key");
}

#[test]
fn trw_7_the_key_of_our_account_at_a_ca_is_rotated_through_kills() {
    let bind = Bind::start(&[Zone::new("shop.example", RECORDS).updatable()]);
    let pebble = Pebble::start(bind.address());
    let at = bind.address().to_string();
    let key = bind.key().clone();
    let connector =
        format!("[connector]\nkind = \"rfc2136\"\nserver = \"{at}\"\nkey = \"{}\"\n", key.name);
    let mut scene = Scene::start(&at, &connector, &pebble.issuer("public", "public.example"));
    scene.hand_in(&["connector", "set-secret", "shop.example"], &key.secret).expect_success();
    let eab = pebble.acme().eab.clone().expect("Pebble wants a binding");
    scene.hand_in(&["issuer", "set-secret", "public"], &eab.hmac).expect_success();
    let early = ["issuer", "rotate-account-key", "public", "--reason", "x"];
    assert!(scene.cli("pia", &early).output().contains("issuer register"), "there is none yet");
    let asked = scene.told("pia", &["issuer", "register", "public", "--reason", "go live"]);
    scene.approve("sol", &id(&asked)).expect_success();
    let uri = |scene: &Scene| scene.told("pia", &["issuer", "accounts"])[0]["uri"].clone();
    let before = uri(&scene);
    for round in 0..6 {
        let words = ["issuer", "rotate-account-key", "public", "--reason", "a year has passed"];
        let change = id(&scene.told("pia", &words));
        let own = scene.approve("pia", &change);
        assert_ne!(own.code, Some(0), "{}", own.output());
        std::thread::scope(|threads| {
            let approving = threads.spawn(|| scene.approve("sol", &change));
            // Somewhere between the approval and the end, another place each time.
            std::thread::sleep(Duration::from_millis(40 * round));
            let pid = scene.server.pid().to_string();
            let mut kill = std::process::Command::new("kill");
            assert!(kill.args(["-9", &pid]).status().expect("kill runs").success());
            let _lost_its_server = approving.join().expect("the command ends");
        });
        scene.restarted_after_kill();
        if scene.state(&change) == "awaiting-approval" {
            scene.approve("sol", &change).expect_success();
        }
        scene.until("the change closes", || scene.state(&change) == "closed");
        // It closed only after the CA knew no account with the old key, and this one with the new.
        assert_eq!(uri(&scene), before, "the account is the same");
    }
    // Orders go on with the key in force.
    let made = scene.told("sam", &["credential", "new", "--service", "shop-web"]);
    let member = |name: &str| made[name].as_str().expect("a credential has it").to_owned();
    let acme = scene.server.acme(Some(Eab { kid: member("kid"), hmac: member("hmac_key") }));
    let certbot = Certbot::new(&acme);
    let http01 = Challenges::Http01 { port: scene.http01.number() };
    certbot.obtain(&["www.shop.example"], http01).expect_success();
    assert_eq!(scene.sealed("public").trim(), "acme-account-key\nacme-binding-key");
}
