//! The lab's organisation with its zone on three servers of one kind, two more issuers and four load balancers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::endpoint::{Endpoint, TOLD};
use super::servers::{Kind, Servers};
use crate::harness::bailiwick::{self, BailiwickServer};
use crate::harness::chromium::Chromium;
use crate::harness::pebble::Pebble;
use crate::harness::place::{Folder, Port};
use crate::harness::process::Ran;
use crate::stories::acme_gate::{copy, today};
use crate::stories::authorization::link;

pub(super) const NAME: &str = "www.shop.example";
const ZONE: &str = "$ORIGIN shop.example.\n$TTL 1\n@ IN SOA ns1 hostmaster 1 1 1 86400 1\n\
    @ IN NS ns1\nns1 IN A 127.0.0.1\n@ IN CAA 0 issue \"ca.bailiwick.example\"\nwww IN A 127.0.0.1\n";
/// How long a change may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// Fields are dropped in order.
pub(super) struct Scene {
    pub(super) server: BailiwickServer,
    pub(super) servers: Servers,
    balancers: BTreeMap<&'static str, (Endpoint, SocketAddr)>,
    intents: Folder,
    _estate: Folder,
    _places: Folder,
    _ports: Vec<Port>,
}

/// What a change is to do.
pub(super) struct Wanted<'a> {
    pub(super) issuer: &'a str,
    /// Places, which are endpoints as well.
    pub(super) deploy: &'a [&'a str],
    /// The new address of the name.
    pub(super) at: Option<&'a str>,
    pub(super) retire: Option<&'a str>,
}

impl Scene {
    pub(super) fn start(kind: Kind) -> Self {
        Self::started(Servers::start(kind, "shop.example", ZONE), "")
    }

    /// The same with a public CA that looks at the zone's own primary, and an account at it.
    pub(super) fn with_public_ca(kind: Kind) -> (Self, Pebble) {
        let servers = Servers::start(kind, "shop.example", ZONE);
        let pebble = Pebble::start(servers.addresses()[0]);
        let issuer = pebble.issuer("public", "public.example");
        let scene = Self::started(servers, &issuer);
        let eab = pebble.acme().eab.clone().expect("Pebble wants a binding");
        let secret = scene.intents.write("binding", &eab.hmac).to_string_lossy().into_owned();
        scene.cli("dana", &["issuer", "set-secret", "public", "--file", &secret]).expect_success();
        let words = ["issuer", "register", "public", "--reason", "go live", "--json"];
        let asked = scene.cli("pia", &words).expect_success().stdout;
        let change: Value = serde_json::from_str(&asked).expect("JSON");
        let id = change["id"].as_str().expect("an id");
        let done = scene.cli("sol", &["change", "approve", id, "--json"]).expect_success().stdout;
        assert!(done.contains("\"closed\""), "{done}");
        (scene, pebble)
    }

    fn started(servers: Servers, issuer: &str) -> Self {
        let places = Folder::new("places");
        let mut balancers = BTreeMap::new();
        let mut ports = Vec::new();
        for name in ["lb1", "lb2", "lb3", "lb4"] {
            let port = Port::free();
            let endpoint = Endpoint::start(port.address(), &places.file(name));
            balancers.insert(name, (endpoint, port.address()));
            ports.push(port);
        }
        let estate = estate(&servers, places.path(), issuer);
        let folder = estate.path().to_string_lossy().into_owned();
        let args = [
            "--lab",
            "--estate",
            &folder,
            "--allow-network",
            "127.0.0.0/8",
            "--watch-seconds",
            "1",
        ];
        let server = BailiwickServer::start(&args);
        let intents = Folder::new("intents");
        let scene = Self {
            server,
            servers,
            balancers,
            intents,
            _estate: estate,
            _places: places,
            _ports: ports,
        };
        let secret = scene.intents.write("secret", scene.servers.secret());
        let words =
            ["connector", "set-secret", "shop.example", "--file", &secret.to_string_lossy()];
        scene.cli("dana", &words).expect_success();
        scene
    }

    pub(super) fn cli(&self, person: &str, words: &[&str]) -> Ran {
        let data = self.server.data().to_string_lossy().into_owned();
        let here = ["--server", self.server.https(), "--data", &data, "--as", person];
        bailiwick::bailiwick(&[words, &here].concat())
    }

    /// CAA-5: what a change of ours wrote is seen, and is nobody's shadow edit.
    pub(super) fn nobody_is_blamed(&self, issuer: &str) {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let seen = self.cli("sam", &["caa", "history", "shop.example", "--json"]);
            if seen.expect_success().stdout.contains(issuer) {
                break;
            }
            assert!(Instant::now() < end, "the watch never saw `{issuer}`");
            std::thread::sleep(Duration::from_millis(200));
        }
        let findings = self.cli("sam", &["findings", "--json"]).expect_success().stdout;
        assert!(!findings.contains("caa-shadow-edit"), "{findings}");
    }

    pub(super) fn log(&self) -> String {
        self.server.log()
    }

    /// A file of intent.
    pub(super) fn intent(&self, wanted: &Wanted<'_>) -> String {
        let listed = |words: &[String]| words.join(", ");
        let deploy: Vec<String> = wanted.deploy.iter().map(|it| format!("\"{it}\"")).collect();
        let endpoints: Vec<String> =
            wanted.deploy.iter().map(|it| format!("\"{NAME}@{}\"", self.balancers[it].1)).collect();
        let retire =
            wanted.retire.map_or(String::new(), |it| format!("retire_issuer = \"{it}\"\n"));
        let mut text = format!(
            "service = \"shop-web\"\npropagation_within_seconds = 20\nserved_within_seconds = 5\n\n\
             [certificate]\nissuer = \"{}\"\nprofile = \"tls-server\"\nnames = [\"{NAME}\"]\n\
             deploy = [{}]\nendpoints = [{}]\ntlsa_ports = [443]\nttl_seconds = 1\n{retire}",
            wanted.issuer,
            listed(&deploy),
            listed(&endpoints),
        );
        if let Some(at) = wanted.at {
            text += &format!(
                "\n[[records]]\nname = \"{NAME}\"\ntype = \"A\"\nttl_seconds = 1\nvalues = [\"{at}\"]\n"
            );
        }
        self.written(&text)
    }

    /// A file of intent that says this.
    pub(super) fn written(&self, text: &str) -> String {
        let name = format!("intent-{}.toml", Port::free().number());
        self.intents.write(&name, text).to_string_lossy().into_owned()
    }

    /// Asks as one person and approves as another; the id.
    pub(super) fn approved(&self, wanted: &Wanted<'_>) -> String {
        self.approved_with(&self.intent(wanted), &[])
    }

    /// The same with a file of intent, and more words of the request.
    pub(super) fn approved_with(&self, file: &str, more: &[&str]) -> String {
        let id = self.requested(file, more);
        self.approve(&id);
        id
    }

    pub(super) fn approve(&self, id: &str) {
        self.cli("sue", &["change", "approve", id, "--json"]).expect_success();
    }

    /// Asks for it, and no more.
    pub(super) fn requested(&self, file: &str, more: &[&str]) -> String {
        let words = ["change", "request", "--file", file, "--reason", "a test", "--json"];
        let words = [&words, more].concat();
        let asked = self.cli("sam", &words).expect_success();
        let change: Value = serde_json::from_str(&asked.stdout).expect("JSON");
        assert_eq!(change["state"], "awaiting-approval", "{change:#}");
        change["id"].as_str().expect("an id").to_owned()
    }

    /// The change when nothing is left to do but for people.
    pub(super) fn carried_out(&self, wanted: &Wanted<'_>) -> Value {
        let id = self.approved(wanted);
        self.ended(&id)
    }

    fn shown(&self, id: &str) -> Value {
        let shown = self.cli("sam", &["change", "show", id, "--json"]).expect_success();
        serde_json::from_str(&shown.stdout).expect("JSON")
    }

    /// Whether nothing is left to do but for people.
    pub(super) fn is_over(&self, id: &str) -> bool {
        is_over(&self.shown(id))
    }

    pub(super) fn ended(&self, id: &str) -> Value {
        let began = Instant::now();
        loop {
            let change = self.shown(id);
            if is_over(&change) {
                return change;
            }
            assert!(began.elapsed() < PATIENCE, "{change:#}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// What all three servers show at the names of the change.
    pub(super) fn records(&self) -> BTreeMap<&'static str, Vec<String>> {
        BTreeMap::from([
            ("A", self.servers.agreed("A", NAME)),
            ("CAA", self.servers.agreed("CAA", "shop.example")),
            ("TLSA", self.servers.agreed("TLSA", "_443._tcp.www.shop.example")),
        ])
    }

    pub(super) fn everybody_shows(&self, kind: &str, name: &str, count: usize) {
        let shown = self.servers.agreed(kind, name);
        assert_eq!(shown.len(), count, "{name} {kind}: {shown:?}");
    }

    /// The certificate that a load balancer serves, PEM: what it shows in a handshake.
    pub(super) fn served(&self, balancer: &str) -> Option<String> {
        let (endpoint, at) = &self.balancers[balancer];
        let _files = endpoint.file();
        let mut command = crate::harness::process::bounded(
            &crate::harness::programs::find("openssl"),
            Duration::from_secs(10),
        );
        let at = at.to_string();
        command.args(["s_client", "-connect", &at, "-servername", NAME]);
        let shown = crate::harness::process::run(command).stdout;
        let begin = shown.find("-----BEGIN CERTIFICATE-----")?;
        let end = shown.find("-----END CERTIFICATE-----")?;
        Some(shown.get(begin..end)?.to_owned())
    }

    /// The certificate in the files of a load balancer.
    pub(super) fn file(&self, balancer: &str) -> Option<String> {
        self.balancers[balancer].0.file()
    }

    /// From here on a load balancer serves this policy for mail.
    pub(super) fn serves(&self, balancer: &str, policy: &str) {
        self.balancers[balancer].0.serves(policy);
    }

    /// Where a load balancer listens.
    pub(super) fn endpoint(&self, balancer: &str) -> SocketAddr {
        self.balancers[balancer].1
    }

    pub(super) fn breaks(&self, balancer: &str) {
        self.balancers[balancer].0.breaks();
    }

    pub(super) fn silence_secondary(&self) {
        self.servers.silence_last();
    }

    /// Takes pictures of change pages, and sees that the browser complains of nothing.
    pub(super) fn page(&self, browser: &mut Chromium, changes: &[(&str, &str)]) {
        browser.resize(1200, 2400);
        browser.open(link(&self.server, "pia"));
        browser.click("button.primary");
        browser.wait_until("document.querySelector('#needs')");
        for (name, id) in changes {
            browser.open(&format!("{}/changes/{id}", self.server.https()));
            browser.wait_until("document.querySelector('#change')");
            let text = browser.text();
            assert!(text.contains("127.0.0.1:"), "lanes name servers: {text}");
            browser.screenshot(&self.intents.file(&format!("{name}.png")));
        }
        assert_eq!(browser.complaints(), Vec::<String>::new());
    }

    /// Rows follow from leaves, whatever happened; looked at with the server stopped.
    pub(super) fn is_sound(&mut self) {
        self.server.stop();
        let data = self.server.data().to_string_lossy().into_owned();
        for check in ["verify", "fsck"] {
            bailiwick::bailiwick(&["ledger", check, "--data", &data]).expect_success();
        }
    }
}

fn is_over(change: &Value) -> bool {
    let state = change["state"].as_str().unwrap_or("");
    ["closed", "rolled-back", "unknown", "refused"].contains(&state)
}

/// The lab's estate with a way into the zone, two more issuers, places and a relying party.
fn estate(servers: &Servers, places: &Path, issuer: &str) -> Folder {
    let folder = Folder::new("estate");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
    let [primary, one, other] = servers.addresses();
    let connector = format!(
        "operator = \"dns\"\nservers = [\"{primary}\", \"{one}\", \"{other}\"]\n\n[connector]\n\
         {}\n\n[transfer]\nserver = \"{one}\"\n\n[caa]",
        servers.connector()
    );
    let public = if issuer.is_empty() { "" } else { ", \"public\"" };
    let mut shop =
        format!("\n[relying_parties.browsers]\ntrusts = [\"house\", \"annex\"{public}]\n");
    for name in ["lb1", "lb2", "lb3", "lb4"] {
        let place = places.join(name).display().to_string();
        shop += &format!(
            "\n[deploy.{name}]\nkind = \"files\"\nfolder = \"{place}\"\n\
             reload = [\"cp\", \"/dev/null\", \"{place}/{TOLD}\"]\n"
        );
    }
    copy(&source, folder.path(), &|text| {
        let text = text.replace("verified = 2026-11-01", &format!("verified = {}", today()));
        if text.contains("name = \"shop.example\"") {
            // Whoever is let in by records has to be let in by what is decided first.
            let decided = "\"ca.bailiwick.example\", \"annex.example\", \"mistrusted.example\", \
                \"public.example\"]";
            let text = text.replace("\"ca.bailiwick.example\"]", decided);
            return text.replace("operator = \"dns\"\n\n[caa]", &connector);
        }
        if text.contains("id = \"shop-web\"") {
            let names = "\"api.shop.example\", \"mta-sts.shop.example\"]";
            return text.replace("\"api.shop.example\"]", names) + &shop;
        }
        if text.contains("[house]") {
            let more = |id: &str| {
                format!(
                    "\n[{id}]\nkind = \"built-in\"\ncaa_domains = [\"{id}.example\"]\n\
                     environments = [\"production\"]\nprofiles = [\"tls-server\"]\n"
                )
            };
            return text + &more("annex") + &more("mistrusted") + issuer;
        }
        text
    });
    folder
}
