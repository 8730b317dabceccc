//! Bailiwick as an issuance gate: the lab's organisation, with its own DNS or real BIND, and clients'
//! credentials made as its people make them.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, SystemTime};

use bailiwick_core::time::{DAY_MS, Time};
use serde_json::Value;

use crate::harness::acme::{AcmeServer, Challenges, Eab};
use crate::harness::bailiwick::{self, BailiwickServer};
use crate::harness::bind::Bind;
use crate::harness::place::{Folder, Port};
use crate::harness::postgres::Postgres;
use crate::harness::process::{self, Ran};
use crate::harness::programs;
use crate::harness::zone::Zone;

/// Where it remembers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Remembers {
    InSqlite,
    InPostgres,
}

/// A running gate. Fields are dropped in order.
pub(crate) struct Gate {
    pub(crate) server: BailiwickServer,
    bind: Option<Bind>,
    postgres: Option<Postgres>,
    http01: Port,
    tls_alpn01: Port,
    _estate: Option<Folder>,
}

/// Every name of both zones leads to this machine, and CAA names the house's issuer.
const RECORDS: &str = "@ IN A 127.0.0.1\n@ IN CAA 0 issue \"ca.bailiwick.example\"\n\
    www IN A 127.0.0.1\napi IN A 127.0.0.1\n";

impl Gate {
    /// A name of the service `shop-web`, whose zone lets its team decide.
    pub(crate) const NAME: &str = "www.shop.example";
    /// Another one.
    pub(crate) const OTHER_NAME: &str = "api.shop.example";
    /// A name of the service `pay-api`, whose zone is central: nothing without an envelope.
    pub(crate) const CENTRAL_NAME: &str = "api.pay.example";

    /// The lab as anybody starts it.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(args: &[&str]) -> Self {
        Self::start_in(args, &[])
    }

    /// The same with environment variables.
    pub(crate) fn start_in(args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_on(Folder::new("bailiwick"), args, env)
    }

    /// The same in a folder whose `data` may hold something already.
    pub(crate) fn start_on(folder: Folder, args: &[&str], env: &[(&str, &str)]) -> Self {
        let http01 = Port::free();
        let tls_alpn01 = Port::free();
        let ports = [&http01, &tls_alpn01].map(|port| port.number().to_string());
        let [http, tls] = ports.each_ref().map(String::as_str);
        let lab = ["--lab", "--http01-port", http, "--tls-alpn01-port", tls];
        let server = BailiwickServer::start_on(folder, &[&lab, args].concat(), env);
        Self { server, bind: None, postgres: None, http01, tls_alpn01, _estate: None }
    }

    /// The lab's organisation with its zones in BIND, and `*.shop.example` among the shop's names.
    pub(crate) fn with_bind(remembers: Remembers) -> Self {
        Self::with_estate(remembers, &str::to_owned, &[], &[])
    }

    /// The same with each file of the estate altered, further files in it, and further arguments.
    pub(crate) fn with_estate(
        remembers: Remembers,
        alter: &dyn Fn(&str) -> String,
        files: &[(&str, String)],
        more: &[&str],
    ) -> Self {
        Self::with_estate_in(remembers, alter, files, (more, &[]))
    }

    /// The same with environment variables beside the arguments.
    pub(crate) fn with_estate_in(
        remembers: Remembers,
        alter: &dyn Fn(&str) -> String,
        files: &[(&str, String)],
        (more, env): (&[&str], &[(&str, &str)]),
    ) -> Self {
        let zone = |name| Zone::new(name, RECORDS).updatable();
        let bind = Bind::start(&[zone("shop.example"), zone("pay.example")]);
        let estate = estate(&bind, alter);
        for (file, text) in files {
            estate.write(file, text);
        }
        let folder = estate.path().to_string_lossy().into_owned();
        let http01 = Port::free();
        let tls_alpn01 = Port::free();
        let ports = [&http01, &tls_alpn01].map(|port| port.number().to_string());
        let [http, tls] = ports.each_ref().map(String::as_str);
        let mut args = vec!["--lab", "--estate", &folder];
        args.extend(["--http01-port", http, "--tls-alpn01-port", tls]);
        args.extend(more);
        let postgres = match remembers {
            Remembers::InSqlite => None,
            Remembers::InPostgres => Some(Postgres::start()),
        };
        let url = postgres.as_ref().map(Postgres::url);
        if let Some(url) = &url {
            args.extend(["--database", url]);
        }
        let server = BailiwickServer::start_with(&args, env);
        Self { server, bind: Some(bind), postgres, http01, tls_alpn01, _estate: Some(estate) }
    }

    /// Where it remembers, where that is a server.
    pub(crate) fn postgres(&self) -> &Postgres {
        self.postgres.as_ref().expect("the gate was started with PostgreSQL")
    }

    /// As clients see it, without a credential.
    pub(crate) fn acme(&self) -> AcmeServer {
        self.server.acme(None)
    }

    /// As a client with a credential of the shop sees it.
    pub(crate) fn acme_for_the_shop(&self) -> AcmeServer {
        self.server.acme(Some(self.credential()))
    }

    /// As a client with a credential of the payments team sees it.
    pub(crate) fn acme_for_payments(&self) -> AcmeServer {
        self.server.acme(Some(self.credential_for("pay-api", "pat")))
    }

    /// A credential of the shop.
    pub(crate) fn credential(&self) -> Eab {
        self.credential_for("shop-web", "sam")
    }

    fn credential_for(&self, service: &str, person: &str) -> Eab {
        let words = ["credential", "new", "--service", service, "--json"];
        let made = self.cli_as(person, &words).expect_success();
        let made: Value = serde_json::from_str(&made.stdout).expect("--json prints JSON");
        let member = |name: &str| made[name].as_str().expect("a credential has it").to_owned();
        Eab { kid: member("kid"), hmac: member("hmac_key") }
    }

    /// A command of the shop's person on duty.
    pub(crate) fn cli(&self, words: &[&str]) -> Ran {
        self.cli_as("sam", words)
    }

    /// A command of this person.
    pub(crate) fn cli_as(&self, person: &str, words: &[&str]) -> Ran {
        let data = self.server.data().to_string_lossy().into_owned();
        let here = ["--server", self.server.https(), "--data", &data, "--as", person];
        bailiwick::bailiwick(&[words, &here].concat())
    }

    /// How clients answer http-01 here.
    pub(crate) fn http01(&self) -> Challenges<'_> {
        Challenges::Http01 { port: self.http01.number() }
    }

    /// The port that http-01 asks.
    pub(crate) fn http01_port(&self) -> u16 {
        self.http01.number()
    }

    /// The port that tls-alpn-01 asks.
    pub(crate) fn tls_alpn01_port(&self) -> u16 {
        self.tls_alpn01.number()
    }

    /// Changes records of a zone in BIND, as `nsupdate` is told.
    pub(crate) fn update(&self, zone: &str, commands: &str) {
        let bind = self.bind.as_ref().expect("the gate was started with BIND");
        bind.update(zone, commands).expect_success();
    }

    /// How clients answer dns-01 here.
    pub(crate) fn dns01(&self) -> Challenges<'_> {
        let bind = self.bind.as_ref().expect("the gate was started with BIND");
        Challenges::Dns01 { server: bind.address(), key: bind.key() }
    }

    /// How many entries the ledger has.
    pub(crate) fn ledger_entries(&self) -> u64 {
        let address = self.server.announced("http_address");
        let mut stream = TcpStream::connect(address).expect("plain HTTP is served");
        stream
            .write_all(b"GET /healthz HTTP/1.0\r\nhost: localhost\r\n\r\n")
            .expect("a request can be sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("health is text");
        let (_, body) = answer.split_once("\r\n\r\n").expect("an answer has a body");
        let health: Value = serde_json::from_str(body).expect("health is JSON");
        health["ledger_entries"].as_u64().expect("health counts entries")
    }

    /// The entries behind the first `before`, as text.
    pub(crate) fn ledger_since(&self, before: u64) -> Vec<String> {
        let entry = |index: u64| self.cli(&["ledger", "entry", &index.to_string(), "--json"]);
        (before..self.ledger_entries()).map(|n| entry(n).expect_success().stdout).collect()
    }
}

/// The lab's estate in a folder of its own: zones at BIND, ownership confirmed today.
fn estate(bind: &Bind, alter: &dyn Fn(&str) -> String) -> Folder {
    let folder = Folder::new("estate");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
    copy(&source, folder.path(), &|text| {
        let ours = text
            .replace("verified = 2026-11-01", &format!("verified = {}", today()))
            .replace(
                "operator = \"dns\"\n\n[caa]",
                &format!("operator = \"dns\"\nservers = [\"{}\"]\n\n[caa]", bind.address()),
            )
            .replace("\"api.shop.example\"]", "\"api.shop.example\", \"*.shop.example\"]")
            .replace("wildcard_allowed = false", "wildcard_allowed = true");
        alter(&ours)
    });
    folder
}

pub(crate) fn copy(from: &Path, to: &Path, alter: &dyn Fn(&str) -> String) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("the lab's estate is there").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target, alter);
        } else {
            let text = std::fs::read_to_string(entry.path()).expect("an estate is text");
            std::fs::write(target, alter(&text)).expect("a file can be written");
        }
    }
}

pub(crate) fn today() -> String {
    in_days(0)
}

/// The time now, as RFC 3339 has it.
pub(crate) fn now() -> String {
    moment().to_string()
}

fn moment() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let ms = since.expect("it is after 1970").as_millis();
    Time::from_unix_ms(i64::try_from(ms).expect("it is before the year 9999"))
}

/// The day that comes so many days after this one.
pub(crate) fn in_days(days: i64) -> String {
    moment().plus_ms(days * DAY_MS).to_string().chars().take(10).collect()
}

/// A CSR for these names with a key of its own, DER.
pub(crate) fn csr(names: &[&str]) -> Vec<u8> {
    let folder = Folder::new("csr");
    let file = folder.file("csr.der");
    let kind = |name: &str| if name.parse::<IpAddr>().is_ok() { "IP" } else { "DNS" };
    let all: Vec<String> = names.iter().map(|name| format!("{}:{name}", kind(name))).collect();
    let mut command = process::bounded(&programs::find("openssl"), Duration::from_secs(10));
    command.args(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
    command.args(["-subj", "/", "-addext", &format!("subjectAltName={}", all.join(","))]);
    command
        .args(["-keyout"])
        .arg(folder.file("key.pem"))
        .args(["-outform", "DER", "-out"])
        .arg(&file);
    process::run(command).expect_success();
    std::fs::read(file).expect("openssl wrote it")
}

/// What openssl says about a certificate.
pub(crate) fn certificate_text(file: &Path) -> String {
    let mut command = process::bounded(&programs::find("openssl"), Duration::from_secs(10));
    command.args(["x509", "-noout", "-text", "-in"]).arg(file);
    process::run(command).expect_success().stdout
}
