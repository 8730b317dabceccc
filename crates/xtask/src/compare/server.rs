//! The servers that are compared: each as its package is, with its own store, started afresh.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::run::Line;
use crate::stop::Stop;

/// How long a server may take until it serves.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long one that ends by itself may take for it.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// One of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Server {
    /// This project's, with policy, CAA, ledger and fsync.
    Bailiwick,
    /// Caddy's `acme_server`, with its default store.
    Caddy,
    /// Let's Encrypt's test server: nothing of it is stored.
    Pebble,
}

/// A server that serves; stopped when it is dropped.
pub(crate) struct Running {
    child: Child,
    /// The process that is measured.
    pub(crate) id: u32,
    /// Its ACME directory.
    pub(crate) directory: String,
    /// What the load client has to be told besides.
    pub(crate) more: Vec<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The one of ours stops its server and clears its folder when its standard input ends.
        let ends_by_itself = self.child.stdin.take().map(drop).is_some();
        let end = Instant::now() + if ends_by_itself { ENDS_WITHIN } else { Duration::ZERO };
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(50));
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            let pid = self.child.id().to_string();
            // One that ended by itself meanwhile is no error.
            drop(Command::new("kill").arg(&pid).status());
        }
        drop(self.child.wait());
    }
}

impl Server {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bailiwick => "Bailiwick",
            Self::Caddy => "Caddy",
            Self::Pebble => "Pebble",
        }
    }

    /// Where it looks for http-01.
    pub(crate) const fn http01(self) -> &'static str {
        match self {
            Self::Bailiwick | Self::Caddy => "127.0.0.1:80",
            Self::Pebble => "127.0.0.1:5002",
        }
    }

    /// The names that are ordered: ours are below the zone of its measure, which has a record for all.
    pub(crate) const fn name_pattern(self) -> &'static str {
        match self {
            Self::Bailiwick => "n{n}-{r}.bench.example",
            Self::Caddy | Self::Pebble => "n{n}-{r}.load.example.com",
        }
    }

    /// Starts it with nothing of before.
    pub(crate) fn start(self, root: &Path, place: &Path) -> Result<Running, Stop> {
        if place.is_dir() {
            let file = |source| Stop::File { doing: "remove", path: place.into(), source };
            std::fs::remove_dir_all(place).map_err(file)?;
        }
        write(place, "made", "")?;
        match self {
            Self::Bailiwick => bailiwick(root, place),
            Self::Caddy => caddy(place),
            Self::Pebble => pebble(place),
        }
    }
}

/// What `bailiwick bench --serve` prints says all.
fn bailiwick(root: &Path, place: &Path) -> Result<Running, Stop> {
    let program = root.join("target/release/bailiwick");
    let mut command = Command::new(&program);
    command.args(["bench", "--serve", "80"]).env("TMPDIR", place).stdout(Stdio::piped());
    let mut child = begin(command, "bailiwick bench --serve")?;
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        // Nothing read shows as what is no JSON.
        drop(BufReader::new(out).read_line(&mut line));
    }
    let command = "bailiwick bench --serve".to_owned();
    let said: Value = match serde_json::from_str(&line) {
        Ok(said) => said,
        Err(source) => return Err(Stop::NotJson { command, source }),
    };
    let text = |field: &'static str| {
        let found = said.get(field).and_then(Value::as_str).map(str::to_owned);
        found.ok_or_else(|| Stop::Lacks { command: command.clone(), field })
    };
    let id = said.get("pid").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    let id = id.ok_or_else(|| Stop::Lacks { command: command.clone(), field: "pid" })?;
    let more = ["--eab-kid", &text("kid")?, "--eab-hmac", &text("hmac_key")?].map(str::to_owned);
    Ok(Running { child, id, directory: text("directory")?, more: more.to_vec() })
}

fn caddy(place: &Path) -> Result<Running, Stop> {
    certificate(place)?;
    let at = |name: &str| place.join(name).display().to_string();
    let route = json!({
        "match": [{ "host": ["localhost"] }],
        "handle": [{ "handler": "acme_server", "ca": "local", "host": "localhost:8443" }],
    });
    let config = json!({
        "admin": { "disabled": true },
        "logging": { "logs": { "default": { "level": "ERROR" } } },
        "storage": { "module": "file_system", "root": at("data") },
        "apps": {
            "pki": { "certificate_authorities": { "local": { "install_trust": false } } },
            "http": { "http_port": 8880, "https_port": 8443, "servers": { "acme": {
                "listen": ["127.0.0.1:8443"],
                "automatic_https": { "disable_redirects": true },
                "routes": [route],
                "tls_connection_policies": [{}],
            } } },
            "tls": {
                "certificates": { "load_files": [{ "certificate": at("cert.pem"), "key": at("key.pem") }] },
                "automation": { "policies": [{ "issuers": [{ "module": "internal" }] }] },
            },
        },
    });
    write(place, "caddy.json", &config.to_string())?;
    let mut command = Command::new("caddy");
    command.args(["run", "--config", &at("caddy.json")]);
    for name in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
        command.env(name, place);
    }
    let child = begin(command, "caddy run")?;
    wait(child, "https://localhost:8443/acme/local/directory", Vec::new())
}

fn pebble(place: &Path) -> Result<Running, Stop> {
    certificate(place)?;
    let at = |name: &str| place.join(name).display().to_string();
    let config = json!({ "pebble": {
        "listenAddress": "127.0.0.1:14000",
        "managementListenAddress": "127.0.0.1:15000",
        "certificate": at("cert.pem"),
        "privateKey": at("key.pem"),
        "httpPort": 5002,
        "tlsPort": 5001,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": false,
    } });
    write(place, "pebble.json", &config.to_string())?;
    let mut command = Command::new("pebble");
    command.args(["-config", &at("pebble.json"), "-dnsserver", "127.0.0.1:53", "-strict"]);
    // As fast as it can: without the waits and refusals that it exercises clients with.
    command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0");
    let child = begin(command.stdout(Stdio::null()), "pebble")?;
    wait(child, "https://127.0.0.1:14000/dir", Vec::new())
}

fn begin(
    mut command: impl std::borrow::BorrowMut<Command>,
    shown: &'static str,
) -> Result<Child, Stop> {
    let started = command.borrow_mut().stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
    started.map_err(|source| Stop::CannotStart { program: shown.to_owned(), source })
}

/// Waits until a directory is served.
fn wait(child: Child, directory: &str, more: Vec<String>) -> Result<Running, Stop> {
    let id = child.id();
    let running = Running { child, id, directory: directory.to_owned(), more };
    let ask = Line::new("curl", &["-skf", "--max-time", "2", "-o", "/dev/null", directory]);
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if crate::run::try_read(&ask, Path::new("."))?.0 == Some(0) {
            return Ok(running);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(Stop::Failed { command: ask.shown(), code: None })
}

/// A certificate for the listeners of those who want a file.
fn certificate(place: &Path) -> Result<(), Stop> {
    let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -keyout key.pem -out cert.pem";
    let words: Vec<&str> = words.split_whitespace().collect();
    let line = Line::new("openssl", &words);
    match crate::run::try_read(&line, place)? {
        (Some(0), _) => Ok(()),
        (code, _) => Err(Stop::Failed { command: line.shown(), code }),
    }
}

fn write(place: &Path, name: &str, text: &str) -> Result<(), Stop> {
    let path = place.join(name);
    let written = std::fs::create_dir_all(place)
        .and_then(|()| std::fs::File::create(&path))
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| Stop::File { doing: "write", path, source })
}
