//! Zones as people meet them on the command line: what is there, and whether the way in works.

use std::path::Path;

use serde_json::Value;

use crate::harness::bailiwick::{self, BailiwickServer};
use crate::harness::bind::Bind;
use crate::harness::place::Folder;
use crate::harness::powerdns::{API_KEY, PowerDns};
use crate::harness::process::Ran;
use crate::harness::zone::Zone;

const RECORDS: &str = "www 300 IN A 192.0.2.1\nwww 300 IN A 192.0.2.2\n\
    @ 300 IN CAA 0 issue \"ca.bailiwick.example\"\n_443._tcp.www 300 IN TLSA 3 1 1 00ff\n";

struct Scene {
    server: BailiwickServer,
    _estate: Folder,
}

impl Scene {
    /// The lab's organisation with other ways into zone `shop.example`.
    fn start(servers: &[&str], ways: &str) -> Self {
        let estate = Folder::new("estate");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
        let servers = serde_json::to_string(servers).expect("texts");
        let lines = format!("operator = \"dns\"\nservers = {servers}\n\n{ways}\n[caa]");
        copy(&source, estate.path(), &lines);
        let folder = estate.path().to_string_lossy().into_owned();
        let args = ["--lab", "--estate", &folder, "--allow-network", "127.0.0.0/8"];
        Self { server: BailiwickServer::start(&args), _estate: estate }
    }

    fn cli(&self, person: &str, words: &[&str]) -> Ran {
        let data = self.server.data().to_string_lossy().into_owned();
        let here = ["--server", self.server.https(), "--data", &data, "--as", person];
        bailiwick::bailiwick(&[words, &here].concat())
    }

    fn hand_in(&self, secret: &str, more: &[&str]) {
        let folder = Folder::new("secret");
        let file = folder.write("secret", secret).to_string_lossy().into_owned();
        let words = ["connector", "set-secret", "shop.example", "--file", &file];
        self.cli("dana", &[&words[..], more].concat()).expect_success();
    }
}

fn copy(from: &Path, to: &Path, lines: &str) {
    for entry in std::fs::read_dir(from).expect("the lab's estate").flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            std::fs::create_dir_all(&target).expect("a folder");
            copy(&source, &target, lines);
            continue;
        }
        let text = std::fs::read_to_string(&source).expect("text");
        let text = match text.contains("name = \"shop.example\"") {
            true => text.replace("operator = \"dns\"\n\n[caa]", lines),
            false => text,
        };
        std::fs::write(target, text).expect("written");
    }
}

#[test]
fn a_zone_is_shown_read_and_tried_from_the_command_line() {
    let zones = [Zone::new("shop.example", RECORDS).updatable()];
    let (bind, secondaries) = Bind::with_secondaries(&zones, 1, &[]);
    let key = bind.key();
    let (primary, second) = (bind.address().to_string(), secondaries[0].address().to_string());
    let ways = format!(
        "[connector]\nkind = \"rfc2136\"\nserver = \"{primary}\"\nkey = \"{0}\"\n\n\
         [transfer]\nserver = \"{second}\"\nkey = \"{0}\"\n",
        key.name
    );
    let scene = Scene::start(&[&primary, &second], &ways);
    let shown = scene.cli("sam", &["zone", "show", "shop.example"]).expect_success().stdout.clone();
    for word in ["rfc2136 at", "never overwritten", "secret: missing", "in step", "team dns"] {
        assert!(shown.contains(word), "`{word}` is not in:\n{shown}");
    }
    for word in
        ["decides    the service's own team", "caa        issue ca.bailiwick.example", "people"]
    {
        assert!(shown.contains(word), "`{word}` is not in:\n{shown}");
    }
    let told = scene.cli("sam", &["zone", "show", "shop.example", "--json"]).expect_success();
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(told["delegation"]["frozen"], false, "{told}");
    // Without its secret the door does not open, and it is said who can mend that.
    let tried = scene.cli("dana", &["zone", "try", "shop.example"]);
    assert_eq!(tried.code, Some(1), "{}", tried.output());
    for word in ["NOT EVERYTHING WORKS", "set-secret shop.example", "administrator"] {
        assert!(tried.stdout.contains(word), "`{word}` is not in:\n{}", tried.stdout);
    }
    scene.hand_in(&key.secret, &[]);
    // Reading has a key of its own: the one that writes does not stand in for it.
    let tried = scene.cli("dana", &["zone", "try", "shop.example"]);
    assert!(tried.stdout.contains("set-secret shop.example --transfer"), "{}", tried.output());
    scene.hand_in(&key.secret, &["--transfer"]);
    let tried = scene.cli("dana", &["zone", "try", "shop.example"]);
    assert!(tried.stdout.contains("alters nothing was taken"), "{}", tried.output());
    assert!(tried.stdout.contains("lets us transfer"), "{}", tried.output());
    assert_eq!(tried.code, Some(0), "{}", tried.output());
    assert_eq!(bind.serial("shop.example"), 1, "trying altered the zone");
    let by_sam = scene.cli("sam", &["zone", "try", "shop.example"]);
    assert_ne!(by_sam.code, Some(0), "sam administers nothing");
    // All records by a transfer, and one set as each server shows it.
    let all = scene.cli("ada", &["zone", "records", "shop.example"]).expect_success();
    assert!(
        all.stdout.contains("_443._tcp.www.shop.example. 300 IN TLSA 3 1 1 00FF"),
        "{}",
        all.stdout
    );
    // TRW-7: who opened which secret for what; looking at one set opened none.
    let acts = ["ledger", "acts", "--about", "zone/shop.example", "--json"];
    let acts = scene.cli("ada", &acts).expect_success().stdout.clone();
    for word in [
        "opened the transfer-tsig secret for read-zone",
        "opened the tsig secret for try-door",
        "opened the transfer-tsig secret for try-door",
    ] {
        assert!(acts.contains(word), "`{word}` is not in:\n{acts}");
    }
    assert!(!acts.contains("opened the tsig secret for read-zone"), "{acts}");
    let words = ["zone", "records", "shop.example", "--owner", "www", "--type", "A", "--json"];
    let one = scene.cli("ada", &words).expect_success();
    let one: Value = serde_json::from_str(&one.stdout).expect("JSON");
    assert_eq!(one["sources"].as_array().map(Vec::len), Some(2), "{one}");
    assert_eq!(one["sources"][1]["records"][0]["data"], "192.0.2.1", "{one}");
    // A server that falls behind is told apart.
    secondaries[0].fall_silent();
    let behind = scene.cli("ada", &words[..7]);
    assert_eq!(behind.code, Some(1));
    assert!(behind.stdout.contains("DO NOT SHOW THE SAME"), "{}", behind.stdout);
    secondaries[0].speak_again();
}

#[test]
fn a_powerdns_zone_is_tried_and_its_key_is_never_shown() {
    let server = PowerDns::start(&[Zone::new("shop.example", RECORDS)]);
    let (address, url) = (server.address().to_string(), server.url());
    let scene =
        Scene::start(&[&address], &format!("[connector]\nkind = \"powerdns\"\nurl = \"{url}\"\n"));
    scene.hand_in("quite another key of powerdns", &[]);
    let tried = scene.cli("dana", &["zone", "try", "shop.example"]);
    assert_eq!(tried.code, Some(1), "{}", tried.output());
    assert!(tried.stdout.contains("does not accept our key"), "{}", tried.stdout);
    assert!(!tried.output().contains("quite another"), "{}", tried.output());
    scene.hand_in(API_KEY, &[]);
    let tried = scene.cli("dana", &["zone", "try", "shop.example"]);
    assert_eq!(tried.code, Some(0), "{}", tried.output());
    let shown = scene.cli("sam", &["zone", "show", "shop.example", "--json"]).expect_success();
    assert!(shown.stdout.contains("could be overwritten") && !shown.stdout.contains(API_KEY));
    let records = scene.cli("sam", &["zone", "records", "shop.example"]);
    assert!(records.output().contains("[transfer]"), "{}", records.output());
    assert!(!scene.server.log().contains(API_KEY));
}

/// A change of a zone of which nobody says where it is served is not planned, and what is missing is named.
#[test]
fn a_zone_without_servers_cannot_be_planned_and_the_field_is_named() {
    let way =
        "[connector]\nkind = \"powerdns\"\nurl = \"http://127.0.0.1:9/api/v1/servers/localhost\"\n";
    let scene = Scene::start(&[], way);
    scene.hand_in(API_KEY, &[]);
    let folder = Folder::new("intent");
    let intent = "service = \"shop-web\"\n\n[[records]]\nname = \"www.shop.example\"\n\
        type = \"A\"\nvalues = [\"192.0.2.7\"]\n";
    let file = folder.write("intent.toml", intent).to_string_lossy().into_owned();
    let said = scene.cli("sam", &["change", "plan", "--file", &file]);
    assert_ne!(said.code, Some(0), "{}", said.output());
    for part in ["zone `shop.example` names no server", "servers = [\"192.0.2.1:53\"]"] {
        assert!(said.output().contains(part), "it does not say `{part}`: {}", said.output());
    }
}
