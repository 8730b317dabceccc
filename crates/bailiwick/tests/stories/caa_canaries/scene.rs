//! A zone in BIND, Pebble as a CA that ignores CAA, a second Bailiwick as a CA that obeys it, and the
//! Bailiwick that tests both.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::super::acme_gate::{copy, today};
use crate::harness::bailiwick::{self, BailiwickServer};
use crate::harness::bind::Bind;
use crate::harness::dig;
use crate::harness::pebble::Pebble;
use crate::harness::place::Folder;
use crate::harness::process::{self, Ran};
use crate::harness::programs;
use crate::harness::zone::Zone;

/// What canaries are sent for: permitted, and forbidden by issuer, by account and by method.
pub(super) const NAMES: [&str; 4] = [
    "ok.canary.shop.example",
    "no.canary.shop.example",
    "acct.canary.shop.example",
    "meth.canary.shop.example",
];

const RECORDS: &str = "@ IN A 127.0.0.1\n@ IN CAA 0 issue \"ca.bailiwick.example\"\n\
    @ IN CAA 0 issue \"public.example\"\n@ IN CAA 0 issue \"obeying.example\"\n\
    www IN A 127.0.0.1\napi IN A 127.0.0.1\n\
    no.canary IN CAA 0 issue \";\"\n\
    acct.canary IN CAA 0 issue \"obeying.example; accounturi=https://other.example/account/1\"\n\
    meth.canary IN CAA 0 issue \"obeying.example; validationmethods=http-01\"\n";

/// Fields are dropped in order.
pub(super) struct Scene {
    pub(super) server: BailiwickServer,
    _obeying: BailiwickServer,
    pub(super) pebble: Pebble,
    pub(super) bind: Bind,
    pub(super) folder: Folder,
}

/// Key identifier and key of an account binding.
struct Binding {
    kid: String,
    key: String,
}

impl Scene {
    pub(super) fn start() -> Self {
        let bind = Bind::start(&[Zone::new("shop.example", RECORDS).updatable()]);
        let pebble = Pebble::start(bind.address());
        let folder = Folder::new("canaries");
        let obeying = obeying_ca(&folder, &bind);
        let eab = pebble.acme().eab.clone().expect("Pebble wants a binding");
        let of_pebble = Binding { kid: eab.kid, key: eab.hmac };
        let of_obeying = binding(&obeying);
        let estate = folder.file("estate");
        lab(&estate, &bind, true);
        let pebbles = pebble.acme().directory.replace("localhost", "127.0.0.1");
        let roots = [pebble.acme().tls_ca.clone(), obeying.announced("trust").into()]
            .map(|root| std::fs::read_to_string(root).expect("a CA has a TLS root"));
        let public = issuer("public", (&pebbles, &roots[0]), &of_pebble.kid, &NAMES[..2]);
        let directory = obeying.announced("directory");
        let obeys = issuer("obeying", (directory, &roots[1]), &of_obeying.kid, &NAMES);
        let issuers = estate.join("issuers.toml");
        let house = std::fs::read_to_string(&issuers).expect("the lab has issuers");
        std::fs::write(&issuers, format!("{house}\n{public}\n{obeys}")).expect("it can be written");
        let path = estate.to_string_lossy().into_owned();
        let server = BailiwickServer::start(&["--lab", "--estate", &path, "--watch-seconds", "1"]);
        let scene = Self { server, _obeying: obeying, pebble, bind, folder };
        scene.hand_in("connector", "shop.example", &scene.bind.key().secret);
        scene.register("public.canary", &of_pebble.key);
        scene.register("obeying.canary", &of_obeying.key);
        scene
    }

    fn hand_in(&self, of: &str, name: &str, secret: &str) {
        let file = self.folder.write("secret", secret).to_string_lossy().into_owned();
        self.cli("dana", &[of, "set-secret", name, "--file", &file]).expect_success();
    }

    /// An account of its own for canaries: asked for by somebody, approved by somebody else.
    fn register(&self, account: &str, key: &str) {
        self.hand_in("issuer", account, key);
        let change = self.json("pia", &["issuer", "register", account, "--reason", "canaries"]);
        let id = change["id"].as_str().expect("a change has an id");
        let change = self.json("sol", &["change", "approve", id]);
        assert_eq!(change["state"], "closed", "{change}\n{}", self.server.log());
    }

    pub(super) fn cli(&self, person: &str, words: &[&str]) -> Ran {
        cli(&self.server, person, words)
    }

    pub(super) fn json(&self, person: &str, words: &[&str]) -> Value {
        json(&self.server, person, words)
    }

    pub(super) fn until<T>(&self, what: &str, within: Duration, ask: impl Fn() -> Option<T>) -> T {
        let log = || {
            let control = self.cli("ada", &["control", "show"]).output();
            format!("{control}\n{}", self.server.log())
        };
        super::until(what, within, &log, ask)
    }

    /// How shop.example stands at one point for one issuer.
    pub(super) fn point(&self, issuer: &str, point: &str) -> Option<Value> {
        let control = self.json("ada", &["control", "show"]);
        let zones = control["zones"].as_array().expect("zones").clone();
        let zone = zones.into_iter().find(|one| one["zone"] == "shop.example")?;
        let points = zone["points"].as_array().expect("points").clone();
        points.into_iter().find(|one| one["issuer"] == issuer && one["point"] == point)
    }

    /// The newest canary for a name.
    pub(super) fn canary(&self, issuer: &str, name: &str) -> Option<Value> {
        let control = self.json("ada", &["control", "show"]);
        let all = control["canaries"].as_array().expect("canaries").clone();
        all.into_iter().find(|one| one["issuer"] == issuer && one["name"] == name)
    }

    /// The challenge records of a name that are in the zone now.
    pub(super) fn records_left(&self, name: &str) -> Vec<String> {
        let owner = format!("_acme-challenge.{name}");
        dig::ask(self.bind.address(), &owner, "TXT").expect("BIND answers").data("TXT")
    }

    /// Posts a body as anybody can; status and answer.
    pub(super) fn post(&self, path: &str, body: &str) -> (String, String) {
        let file = self.folder.write("body", body);
        let mut curl = process::bounded(&programs::find("curl"), Duration::from_secs(20));
        curl.args(["--silent", "--show-error", "--write-out", "\n%{http_code}", "--cacert"]);
        curl.arg(self.server.announced("trust"));
        curl.args(["--header", "content-type: application/xml", "--data-binary"]);
        curl.arg(format!("@{}", file.display())).arg(format!("{}{path}", self.server.https()));
        let told = process::run(curl).expect_success().stdout;
        let (told, status) = told.rsplit_once('\n').expect("a status");
        (status.to_owned(), told.to_owned())
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

fn cli(server: &BailiwickServer, person: &str, words: &[&str]) -> Ran {
    let data = server.data().to_string_lossy().into_owned();
    let here = ["--server", server.https(), "--data", &data, "--as", person];
    bailiwick::bailiwick(&[words, &here].concat())
}

fn json(server: &BailiwickServer, person: &str, words: &[&str]) -> Value {
    let ran = cli(server, person, &[words, &["--json"]].concat()).expect_success();
    serde_json::from_str(&ran.stdout).expect("--json prints JSON")
}

/// The lab's estate with its zone in BIND; with a way to write into it where one is wanted.
fn lab(folder: &Path, bind: &Bind, writes: bool) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
    let servers = format!("operator = \"dns\"\nservers = [\"{}\"]\n", bind.address());
    let connector = format!(
        "\n[connector]\nkind = \"rfc2136\"\nserver = \"{}\"\nkey = \"{}\"\n",
        bind.address(),
        bind.key().name
    );
    let all = "\"ca.bailiwick.example\", \"public.example\", \"obeying.example\"";
    copy(&source, folder, &|text| {
        let text = text.replace("verified = 2026-11-01", &format!("verified = {}", today()));
        if !text.contains("name = \"shop.example\"") {
            return text;
        }
        let way = if writes { connector.as_str() } else { "" };
        text.replace("operator = \"dns\"\n", &format!("{servers}{way}"))
            .replace("\"ca.bailiwick.example\"", all)
    });
}

/// A second Bailiwick whose CA answers to `obeying.example`, and whose shop owns the names of canaries.
fn obeying_ca(folder: &Folder, bind: &Bind) -> BailiwickServer {
    let estate = folder.file("obeying");
    lab(&estate, bind, false);
    let owned = NAMES.map(|name| format!(", \"{name}\"")).concat();
    for (file, old, new) in [
        ("issuers.toml", "ca.bailiwick.example", "obeying.example".to_owned()),
        (
            "services/shop-web.toml",
            ", \"api.shop.example\"",
            format!(", \"api.shop.example\"{owned}"),
        ),
    ] {
        let path = estate.join(file);
        let text = std::fs::read_to_string(&path).expect("the lab has it");
        assert!(text.contains(old), "{text}");
        std::fs::write(&path, text.replace(old, &new)).expect("it can be written");
    }
    let path = estate.to_string_lossy().into_owned();
    let url = "https://{listen}";
    let args = ["--lab", "--estate", &path, "--watch-seconds", "0", "--base-url", url];
    BailiwickServer::start(&args)
}

/// A credential of the shop at the CA that obeys.
fn binding(server: &BailiwickServer) -> Binding {
    let made = json(server, "sam", &["credential", "new", "--service", "shop-web"]);
    let member = |name: &str| made[name].as_str().expect("a credential has it").to_owned();
    Binding { kid: member("kid"), key: member("hmac_key") }
}

/// An issuer behind ACME with what was agreed about canaries.
fn issuer(id: &str, (directory, root): (&str, &str), kid: &str, names: &[&str]) -> String {
    let keys = ["permitted", "forbidden", "forbidden_account", "forbidden_method"];
    let named: String =
        keys.iter().zip(names).map(|(key, name)| format!("{key} = \"{name}\"\n")).collect();
    format!(
        "[{id}]\nkind = \"acme\"\ncaa_domains = [\"{id}.example\"]\nenvironments = [\"production\"]\n\
         profiles = [\"tls-server\"]\ndirectory = \"{directory}\"\ntrust_roots = \"\"\"\n{root}\"\"\"\n\
         problem_reports = \"mailto:report@{id}.example\"\n\n[{id}.canary]\ndirectory = \"{directory}\"\n\
         binding = \"{kid}\"\ncontacts = [\"mailto:pki@shop.example\"]\n{named}pause_minutes = 0\n\
         trust_roots = \"\"\"\n{root}\"\"\"\n"
    )
}
