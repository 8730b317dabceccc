//! PowerDNS with its SQLite backend and its HTTP API.

use std::net::SocketAddr;
use std::time::Duration;

use super::dig;
use super::place::{Folder, Port};
use super::process::{self, Piped, Server};
use super::programs;
use super::zone::Zone;

/// A running PowerDNS. Fields are dropped in order: the server before its folder and ports.
pub(crate) struct PowerDns {
    server: Server,
    port: Port,
    api: Port,
    folder: Folder,
}

/// The key of the API.
pub(crate) const API_KEY: &str = "a-key-of-powerdns";

const A_MOMENT: Duration = Duration::from_secs(20);
/// Where Debian puts the tables of the backend.
const SCHEMA: &str = "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql";

impl PowerDns {
    /// Serves these zones; returns when every one of them is answered for.
    pub(crate) fn start(zones: &[Zone]) -> Self {
        let folder = Folder::new("powerdns");
        let (port, api) = (Port::free(), Port::free());
        let at = folder.path().display();
        // Nothing is remembered, so that what a person writes past the API is served at once.
        let text = format!(
            "launch=gsqlite3\ngsqlite3-database={at}/zones.db\ngsqlite3-pragma-synchronous=0\n\
             local-address=127.0.0.1\nlocal-port={}\napi=yes\napi-key={API_KEY}\nwebserver=yes\n\
             webserver-address=127.0.0.1\nwebserver-port={}\nwebserver-allow-from=127.0.0.1\n\
             socket-dir={at}\ndaemon=no\nguardian=no\ndisable-syslog=yes\nwrite-pid=no\nsetuid=\nsetgid=\n\
             cache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nzone-cache-refresh-interval=0\n\
             receiver-threads=1\ndistributor-threads=1\nsecurity-poll-suffix=\n",
            port.number(),
            api.number()
        );
        folder.write("pdns.conf", &text);
        let mut tables = process::bounded(&programs::find("sqlite3"), A_MOMENT);
        tables.arg(folder.file("zones.db")).arg(format!(".read {SCHEMA}"));
        process::run(tables).expect_success();
        for zone in zones {
            let file = folder.write(&format!("{}.zone", zone.name()), &zone.text(1));
            util(&folder, &["load-zone", zone.name(), &file.display().to_string()]);
            // Without it the API leaves the serial as it is, and no secondary learns of an edit.
            util(&folder, &["set-meta", zone.name(), "SOA-EDIT-API", "INCREASE"]);
        }
        let server = launch(&folder);
        let mut started = Self { server, port, api, folder };
        for zone in zones {
            let at = started.port.address();
            started.server.wait_for(&format!("serving {}", zone.name()), || {
                let answer = dig::ask(at, zone.name(), "SOA")?;
                (!answer.data("SOA").is_empty()).then_some(())
            });
        }
        started
    }

    /// Where it answers, over UDP and TCP.
    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The URL of the server in its API.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/api/v1/servers/localhost", self.api.number())
    }

    /// Another key of the API from here on, as somebody configures it and starts it again.
    pub(crate) fn take_key(&mut self, key: &str) {
        let file = self.folder.file("pdns.conf");
        let text = std::fs::read_to_string(&file).expect("its configuration is text");
        let line = text.lines().find(|line| line.starts_with("api-key=")).expect("it has a key");
        let text = text.replace(line, &format!("api-key={key}"));
        self.folder.write("pdns.conf", &text);
        self.server.kill9();
        self.server = launch(&self.folder);
        let at = self.port.address();
        self.server.wait_for("an answer", || std::net::TcpStream::connect(at).ok());
    }

    /// What the API answers to this key.
    pub(crate) fn status_for(&self, key: &str) -> String {
        let mut ask = process::bounded(&programs::find("curl"), A_MOMENT);
        ask.args([
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-H",
            &format!("X-API-Key: {key}"),
        ]);
        ask.arg(self.url());
        process::run(ask).stdout
    }

    /// Adds a record past the API, as an administrator does: owner below the zone, TTL, type, data.
    pub(crate) fn add(&self, zone: &str, owner: &str, kind: &str, ttl: &str, data: &str) {
        util(&self.folder, &["add-record", zone, owner, kind, ttl, data]);
    }

    /// From here on it takes questions and answers none.
    pub(crate) fn fall_silent(&self) {
        self.server.signal("STOP");
    }

    /// Answers again.
    pub(crate) fn speak_again(&self) {
        self.server.signal("CONT");
    }
}

fn launch(folder: &Folder) -> Server {
    let mut command = process::server(&programs::find("pdns_server"));
    command.arg(format!("--config-dir={}", folder.path().display()));
    let log = folder.file("pdns.log");
    Server::start("pdns_server", command, &log, Piped::Nothing)
}

fn util(folder: &Folder, words: &[&str]) {
    let mut command = process::bounded(&programs::find("pdnsutil"), A_MOMENT);
    command.arg(format!("--config-dir={}", folder.path().display())).args(words);
    process::run(command).expect_success();
}
