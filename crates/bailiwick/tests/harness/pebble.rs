//! Pebble: an ACME server that is not ours, to show that the clients and zones of a test are set up right.

use std::net::SocketAddr;
use std::time::Duration;

use super::acme::{AcmeServer, Eab};
use super::place::{Folder, Port};
use super::process::{self, Piped, Server};
use super::programs;

/// A running Pebble. Use it with few clients at a time: it is known to lock up with many.
pub(crate) struct Pebble {
    _server: Server,
    acme: AcmeServer,
    manage_at: SocketAddr,
    http01: Port,
    _ports: [Port; 3],
    _folder: Folder,
}

impl Pebble {
    /// Looks names up at `dns`; asks for external account binding.
    pub(crate) fn start(dns: SocketAddr) -> Self {
        let folder = Folder::new("pebble");
        let (listen, manage, http01, tls) =
            (Port::free(), Port::free(), Port::free(), Port::free());
        make_tls_certificate(&folder);
        let eab = Eab {
            kid: "kid-of-the-test".to_owned(),
            hmac: "c2VjcmV0LW9mLXRoZS10ZXN0LXNlY3JldC1vZi10aGU".to_owned(),
        };
        let mut keys = serde_json::Map::new();
        keys.insert(eab.kid.clone(), eab.hmac.clone().into());
        let configuration = serde_json::json!({"pebble": {
            "listenAddress": listen.address().to_string(),
            "managementListenAddress": manage.address().to_string(),
            "certificate": folder.file("tls.pem"),
            "privateKey": folder.file("tls.key"),
            "httpPort": http01.number(),
            "tlsPort": tls.number(),
            "externalAccountBindingRequired": true,
            "externalAccountMACKeys": keys,
            // Thirty days: what public CAs go towards, and within what the profiles of the lab allow.
            "certificateValidityPeriod": 30 * 86_400,
        }});
        let file = folder.write("pebble.json", &configuration.to_string());
        let mut command = process::server(&programs::find("pebble"));
        command.args(["-dnsserver", &dns.to_string(), "-config"]).arg(file);
        command.env("PEBBLE_VA_NOSLEEP", "1");
        // It would refuse good nonces to test clients, and certbot gives up after two in a row.
        command.env("PEBBLE_WFE_NONCEREJECT", "0");
        let log = folder.file("pebble.log");
        let mut server = Server::start("pebble", command, &log, Piped::Nothing);
        server.wait_for("a listener", || std::net::TcpStream::connect(listen.address()).ok());
        let directory = format!("https://localhost:{}/dir", listen.number());
        let manage_at = manage.address();
        let acme = AcmeServer { directory, tls_ca: folder.file("tls.pem"), eab: Some(eab) };
        Self {
            _server: server,
            acme,
            manage_at,
            http01,
            _ports: [listen, manage, tls],
            _folder: folder,
        }
    }

    pub(crate) fn acme(&self) -> &AcmeServer {
        &self.acme
    }

    /// It as an issuer of an estate.
    pub(crate) fn issuer(&self, id: &str, caa: &str) -> String {
        let root = std::fs::read_to_string(&self.acme.tls_ca).expect("Pebble has a TLS root");
        let kid = &self.acme.eab.as_ref().expect("Pebble wants a binding").kid;
        let directory = self.acme.directory.replace("localhost", "127.0.0.1");
        format!(
            "\n[{id}]\nkind = \"acme\"\ncaa_domains = [\"{caa}\"]\nenvironments = [\"production\"]\n\
             profiles = [\"tls-server\"]\ndirectory = \"{directory}\"\n\
             contacts = [\"mailto:pki@shop.example\"]\nbinding = \"{kid}\"\ntrust_roots = \"\"\"\n{root}\"\"\"\n"
        )
    }

    /// Whether it says itself that a certificate is revoked.
    pub(crate) fn has_revoked(&self, certificate: &std::path::Path) -> bool {
        let mut serial = process::bounded(&programs::find("openssl"), Duration::from_secs(10));
        serial.args(["x509", "-noout", "-serial", "-in"]).arg(certificate);
        let serial = process::run(serial).expect_success().stdout;
        self.has_revoked_serial(serial.trim().trim_start_matches("serial="))
    }

    /// The same of the certificate with this serial, in hexadecimal digits.
    pub(crate) fn has_revoked_serial(&self, serial: &str) -> bool {
        let serial = serial.to_lowercase();
        let url = format!(
            "https://{}/cert-status-by-serial/{}",
            self.manage_at,
            serial.trim_start_matches('0')
        );
        let mut ask = process::bounded(&programs::find("curl"), Duration::from_secs(10));
        ask.args(["--silent", "--cacert"]).arg(&self.acme.tls_ca).arg(url);
        process::run(ask).stdout.contains("Revoked")
    }

    /// The port on which it fetches http-01 answers.
    pub(crate) fn http01_port(&self) -> u16 {
        self.http01.number()
    }
}

fn make_tls_certificate(folder: &Folder) {
    let mut command = process::bounded(&programs::find("openssl"), Duration::from_secs(10));
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    command.args(["-nodes", "-days", "2", "-subj", "/CN=localhost"]);
    command.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    // Strict clients take no CA certificate for a server's.
    command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    command.arg("-keyout").arg(folder.file("tls.key")).arg("-out").arg(folder.file("tls.pem"));
    process::run(command).expect_success();
}
