//! CAA-2, BR 3.2.2.9: zones are looked at from many places, over UDP, TCP, TLS and HTTPS and through a helper
//! of ours; what a public CA would find from there is told. An edit is seen within seconds of a NOTIFY, and
//! whoever forges NOTIFY gets a bounded look.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::acme_gate::{copy, today};
use crate::harness::bailiwick::{self, BailiwickServer, program};
use crate::harness::bind::Bind;
use crate::harness::chromium::Chromium;
use crate::harness::place::{Folder, Port};
use crate::harness::process::{self, Piped, Ran, Server};
use crate::harness::unbound::Unbound;
use crate::harness::zone::Zone;

const RECORDS: &str = "@ IN A 127.0.0.1\n@ IN CAA 0 issue \"ca.bailiwick.example\"\n\
    www IN A 127.0.0.1\napi IN A 127.0.0.1\n";
const FOUND_WITHIN: Duration = Duration::from_secs(20);

/// An estate whose shop is served there and seen from these vantages.
fn estate(server: SocketAddr, vantages: &str) -> Folder {
    let estate = Folder::new("estate");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
    copy(&source, estate.path(), &|text| {
        let text = text.replace("verified = 2026-11-01", &format!("verified = {}", today()));
        if text.contains("name = \"shop.example\"") {
            return format!("servers = [\"{server}\"]\n{text}");
        }
        if text.contains("control_owner") { format!("{text}\n{vantages}") } else { text }
    });
    estate
}

fn cli(server: &BailiwickServer, person: &str, words: &[&str]) -> Ran {
    let data = server.data().to_string_lossy().into_owned();
    let here = ["--server", server.https(), "--data", &data, "--as", person];
    bailiwick::bailiwick(&[words, &here].concat())
}

fn json(server: &BailiwickServer, person: &str, words: &[&str]) -> Value {
    let ran = cli(server, person, &[words, &["--json"]].concat()).expect_success();
    serde_json::from_str(&ran.stdout).expect("--json prints JSON")
}

fn kinds(server: &BailiwickServer) -> Vec<String> {
    let all = json(server, "dana", &["findings", "--zone", "shop.example"]);
    let all = all.as_array().expect("findings are a list");
    all.iter().filter_map(|one| Some(one["kind"].as_str()?.to_owned())).collect()
}

fn comes_to(server: &BailiwickServer, expected: &[&str]) {
    let began = Instant::now();
    loop {
        let mut found = kinds(server);
        found.sort();
        if found == expected {
            return;
        }
        assert!(
            began.elapsed() < FOUND_WITHIN,
            "expected {expected:?}: {found:?}\n{}",
            server.log()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A resolver that answers over TLS and over HTTPS as well.
struct Encrypted {
    unbound: Unbound,
    tls: Port,
    https: Port,
    root: String,
    _folder: Folder,
}

impl Encrypted {
    fn start(stubs: &[(&str, &[SocketAddr])], anchors: &[&str]) -> Self {
        let folder = Folder::new("dot");
        let made = rcgen::generate_simple_self_signed(["dns.shop.example".to_owned()]);
        let made = made.expect("a certificate");
        let pem = folder.write("cert.pem", &made.cert.pem());
        let key = folder.write("key.pem", &made.signing_key.serialize_pem());
        let (tls, https) = (Port::free(), Port::free());
        let more = format!(
            "tls-service-key: \"{}\"\ntls-service-pem: \"{}\"\ninterface: 127.0.0.1@{t}\ntls-port: {t}\n\
             interface: 127.0.0.1@{h}\nhttps-port: {h}\nhttp-endpoint: \"/dns-query\"\n",
            key.display(),
            pem.display(),
            t = tls.number(),
            h = https.number()
        );
        let unbound = Unbound::start_with(stubs, anchors, &more);
        Self { unbound, tls, https, root: made.cert.pem(), _folder: folder }
    }

    fn vantage(&self, name: &str, transport: &str, at: &Port, region: &str) -> String {
        format!(
            "[vantages.{name}]\nserver = \"{}\"\ntransport = \"{transport}\"\nvalidates = true\n\
             operator = \"dns\"\nname = \"dns.shop.example\"\nregion = \"{region}\"\n\
             trust_roots = \"\"\"\n{}\"\"\"\n",
            at.address(),
            self.root
        )
    }
}

fn plain(name: &str, at: SocketAddr, transport: &str, region: &str) -> String {
    format!(
        "[vantages.{name}]\nserver = \"{at}\"\ntransport = \"{transport}\"\nvalidates = true\n\
         operator = \"dns\"\nregion = \"{region}\"\n"
    )
}

/// Enrols a helper in a data folder that the server will use, and starts it.
fn helper(data: &Folder, at: &Port, resolver: SocketAddr) -> (Server, String) {
    let folder = data.file("helper").display().to_string();
    let place = at.address().to_string();
    let ran = bailiwick::bailiwick(&[
        "vantage",
        "enrol",
        "helper",
        "--at",
        &place,
        "--region",
        "lacnic",
        "--operator",
        "dns",
        "--out",
        &folder,
        "--data",
        &data.folder("data").display().to_string(),
        "--json",
    ])
    .expect_success();
    let body: Value = serde_json::from_str(&ran.stdout).expect("--json prints JSON");
    let lines = body["estate"].as_str().expect("what the estate has to hold").to_owned();
    let mut command = process::server(program());
    command.args(["vantage", "run", "--folder", &folder, "--listen", &place]);
    command.args(["--resolver", &resolver.to_string()]);
    let mut running = Server::start("vantage", command, &data.file("vantage.log"), Piped::Nothing);
    running.wait_for("a listener", || std::net::TcpStream::connect(at.address()).ok());
    (running, lines)
}

const EVIL: &str =
    "local-data: 'shop.example. 60 IN CAA 0 issue \"evil.example\"'\nremote-control:";

#[test]
fn caa_2_vantages_over_udp_tcp_tls_https_and_a_helper_agree_and_their_dissent_is_a_finding() {
    let primary = Bind::start(&[Zone::new("shop.example", RECORDS).updatable().signed()]);
    let stubs: [(&str, &[SocketAddr]); 1] = [("shop.example", &[primary.address()])];
    let anchor = primary.dnskey("shop.example");
    let honest = Unbound::start(&stubs, &[&anchor]);
    let encrypted = Encrypted::start(&stubs, &[&anchor]);
    let place = Folder::new("vantages");
    let at = Port::free();
    let (mut running, enrolled) = helper(&place, &at, honest.address());
    let all = [
        plain("udp", honest.address(), "udp", "ripe-ncc"),
        plain("tcp", encrypted.unbound.address(), "tcp", "arin"),
        encrypted.vantage("tls", "tls", &encrypted.tls, "apnic"),
        encrypted.vantage("https", "https", &encrypted.https, "arin"),
        enrolled,
    ];
    let estate = estate(primary.address(), &all.join("\n"));
    let folder = estate.path().display().to_string();
    let args = ["--lab", "--estate", &folder, "--watch-seconds", "1"];
    let mut server = BailiwickServer::start_on(place, &args, &[]);
    let places = [
        ("udp", honest.address()),
        ("tcp", encrypted.unbound.address()),
        ("tls", encrypted.tls.address()),
        ("https", encrypted.https.address()),
        ("helper", at.address()),
    ];
    comes_to(&server, &[]);
    all_see_the_set(&server, &places);
    told_on_the_board(&server);
    shown(&server);
    // Nobody without a certificate of ours is answered by the helper.
    stranger(at.address());
    // Three of five dissent: public CAs would refuse.
    encrypted.unbound.reconfigure(|text| text.replacen("remote-control:", EVIL, 1));
    comes_to(
        &server,
        &["caa-not-corroborated", "caa-resolver-lies", "caa-resolver-lies", "caa-resolver-lies"],
    );
    encrypted.unbound.reconfigure(|text| text.replace(EVIL, "remote-control:"));
    comes_to(&server, &[]);
    // A helper that is gone is a finding at its place.
    running.kill9();
    comes_to(&server, &["caa-unreachable"]);
    let all = json(&server, "dana", &["findings", "--zone", "shop.example"]);
    let vantage = all[0]["vantage"].as_str().expect("a vantage");
    assert!(vantage.ends_with(&at.address().to_string()), "{vantage}");
    server.stop();
    let data = server.data().to_string_lossy().into_owned();
    for check in ["verify", "fsck"] {
        bailiwick::bailiwick(&["ledger", check, "--data", &data]).expect_success();
    }
}

/// Each vantage sees the intended set, whichever way it is asked.
fn all_see_the_set(server: &BailiwickServer, places: &[(&str, SocketAddr)]) {
    let began = Instant::now();
    for (what, at) in places {
        loop {
            let at = at.to_string();
            let seen = cli(server, "ada", &["caa", "history", "shop.example", "--of", &at]);
            if seen.stdout.contains("ca.bailiwick.example") {
                break;
            }
            assert!(began.elapsed() < FOUND_WITHIN, "{what}: {seen:?}\n{}", server.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

fn told_on_the_board(server: &BailiwickServer) {
    let board = json(server, "dana", &["control", "show"]);
    let zones = board["zones"].as_array().expect("zones");
    let shop = zones.iter().find(|one| one["zone"] == "shop.example").expect("the shop");
    let quorum = &shop["corroboration"][0];
    assert_eq!(quorum["remotes"].as_array().expect("remotes").len(), 5, "{quorum}");
    assert!(quorum["says"].to_string().contains("5 of 5 agree"), "{quorum}");
    assert_eq!(shop["fail_safe"]["grade"], "B", "{}", shop["fail_safe"]);
    let text = cli(server, "dana", &["control", "show"]).expect_success().stdout;
    println!("{text}");
    assert!(text.contains("if CAA were ignored: grade B"), "{text}");
}

fn shown(server: &BailiwickServer) {
    let mut chromium = Chromium::start();
    chromium.open(super::authorization::link(server, "dana"));
    chromium.click("button.primary");
    chromium.wait_until("document.querySelector('#needs')");
    for (path, says) in [
        ("/controls/shop.example", "What public CAs would find from elsewhere"),
        ("/caa/www.shop.example?of=", "only at server"),
    ] {
        chromium.open(&format!("{}{path}", server.https()));
        let text = chromium.text();
        assert!(text.contains(says), "{path} does not say `{says}`: {text}");
        assert_eq!(chromium.complaints(), Vec::<String>::new(), "{path}");
        let shot = path.trim_matches('/').replace(['/', '?', '='], "-");
        chromium.screenshot(&server.data().join(format!("vantages-{shot}.png")));
    }
}

fn stranger(at: SocketAddr) {
    let mut command = process::bounded(Path::new("openssl"), Duration::from_secs(10));
    // It waits for what the other side says, and does not leave when there is nothing more to send.
    command.args(["s_client", "-connect", &at.to_string(), "-quiet"]);
    let ran = process::run(command);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("certificate required") || ran.code != Some(0), "{said}");
    // Nor is anything read that is no TLS.
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(at).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(8))).expect("a timeout");
    stream.write_all(&[0, 20, 0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]).expect("it takes octets");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap_or_default();
    assert!(answer.len() <= 7, "an alert at most: {answer:?}");
}

#[test]
fn caa_5_an_edit_is_found_within_seconds_of_a_notify_and_a_flood_of_them_costs_a_bounded_look() {
    let listen = Port::free();
    let zone = [Zone::new("shop.example", RECORDS).updatable()];
    let (primary, _) = Bind::with_secondaries(&zone, 0, &[listen.address()]);
    let estate = estate(primary.address(), "");
    let folder = estate.path().display().to_string();
    let heard = listen.address().to_string();
    // Without NOTIFY nothing would be looked at for an hour.
    let args = ["--lab", "--estate", &folder, "--watch-seconds", "3600", "--listen-notify", &heard];
    let server = BailiwickServer::start(&args);
    let began = Instant::now();
    while !cli(&server, "ada", &["caa", "history", "shop.example"]).stdout.contains("ca.bailiwick")
    {
        assert!(began.elapsed() < FOUND_WITHIN, "{}", server.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    let edited = Instant::now();
    let edit = "del shop.example. CAA\nadd shop.example. 1 CAA 0 issue \"other.example\"";
    primary.update("shop.example", edit).expect_success();
    comes_to(&server, &["caa-shadow-edit"]);
    let took = edited.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    // Whoever forges an address of one of our servers gets looks at that zone, one a second.
    let before = primary.questions();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    let flooding = Instant::now();
    for n in 0..3_000_u16 {
        socket.send_to(&notify(n, "shop"), listen.address()).expect("sent");
        if n % 100 == 0 {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    socket.send_to(&notify(7, "nothere"), listen.address()).expect("sent");
    let mut refused = false;
    let mut octets = [0; 512];
    while let Ok(length) = socket.recv(&mut octets) {
        assert!(length <= 64 && octets[2] & 0x80 != 0);
        refused |= octets[3] & 0x0f == 5;
        if refused {
            break;
        }
    }
    assert!(refused, "a zone that nobody knows is refused");
    let looks = flooding.elapsed().as_secs() + 2;
    let asked = primary.questions() - before;
    // One look is a serial and at most a handful of names here.
    assert!(asked <= looks * 8, "{asked} questions in {looks} s");
    assert_eq!(kinds(&server), ["caa-shadow-edit"]);
    let restore = "del shop.example. CAA\nadd shop.example. 1 CAA 0 issue \"ca.bailiwick.example\"";
    primary.update("shop.example", restore).expect_success();
    comes_to(&server, &[]);
}

fn notify(id: u16, zone: &str) -> Vec<u8> {
    let mut octets = id.to_be_bytes().to_vec();
    octets.extend([0x24, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in [zone, "example"] {
        octets.push(u8::try_from(label.len()).expect("short"));
        octets.extend(label.as_bytes());
    }
    octets.extend([0, 0, 6, 0, 1]);
    octets
}
