//! Caddy, unmodified: a web server that gets and renews its own certificates.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::acme::{AcmeServer, Challenges};
use super::place::{Folder, Port};
use super::process::{self, Piped, Server};
use super::programs;

/// One Caddy with a folder of its own, and so with an account of its own.
pub(crate) struct Caddy {
    acme: AcmeServer,
    name: String,
    served: Port,
    folder: Folder,
}

impl Caddy {
    pub(crate) fn new(acme: &AcmeServer, name: &str) -> Self {
        let (served, folder) = (Port::free(), Folder::new("caddy"));
        Self { acme: acme.clone(), name: name.to_owned(), served, folder }
    }

    /// Runs until its certificate is another one than `before`, which it hands over.
    pub(crate) fn run_until_new(
        &self,
        challenges: Challenges<'_>,
        before: Option<&str>,
        renews: bool,
    ) -> String {
        let config = self.folder.write("caddy.json", &self.config(challenges, renews).to_string());
        let mut command = process::server(&programs::find("caddy"));
        command.args(["run", "--config"]).arg(config);
        command.env("HOME", self.folder.path()).env("XDG_DATA_HOME", self.folder.path());
        command.env("XDG_CONFIG_HOME", self.folder.path());
        let log = self.folder.file("caddy.log");
        let mut server = Server::start("caddy", command, &log, Piped::Nothing);
        let found = server.wait_for("a certificate", || {
            let text = std::fs::read_to_string(self.certificate()?).ok()?;
            (text.contains("END CERTIFICATE") && Some(text.as_str()) != before).then_some(text)
        });
        server.stop("TERM");
        found
    }

    /// The certificate and its chain, once there are some.
    pub(crate) fn certificate(&self) -> Option<PathBuf> {
        let cas = std::fs::read_dir(self.folder.file("store/certificates")).ok()?.flatten();
        let file = format!("{0}/{0}.crt", self.name);
        cas.map(|ca| ca.path().join(&file)).find(|path| path.exists())
    }

    fn config(&self, challenges: Challenges<'_>, renews: bool) -> Value {
        let off = json!({"disabled": true});
        let at = |port: u16| json!({"alternate_port": port});
        let (http, tls, hosts) = match challenges {
            Challenges::Http01 { port } => (at(port), off, "127.0.0.1"),
            Challenges::TlsAlpn01 { port } => (off, at(port), "127.0.0.1"),
            Challenges::Dns01 { server, .. } => panic!("Caddy has no module to update {server}"),
        };
        let eab = self.acme.eab.as_ref();
        let issuer = json!({
            "module": "acme", "ca": self.acme.directory, "email": "caddy@tests.example",
            "trusted_roots_pem_files": [self.acme.tls_ca],
            "external_account": eab.map(|eab| json!({"key_id": eab.kid, "mac_key": eab.hmac})),
            "challenges": {"http": http, "tls-alpn": tls, "bind_host": hosts},
        });
        // At once, or as it comes: certificates are dated back by minutes.
        let ratio = if renews { 0.99999 } else { 0.3 };
        json!({
            "admin": {"disabled": true},
            "storage": {"module": "file_system", "root": self.folder.file("store")},
            "apps": {
                "http": {"servers": {"it": {
                    "listen": [format!("127.0.0.1:{}", self.served.number())],
                    "automatic_https": {"disable_redirects": true},
                    "routes": [{
                        "match": [{"host": [self.name]}],
                        "handle": [{"handler": "static_response", "body": "it serves"}],
                    }],
                    "tls_connection_policies": [{}],
                }}},
                "tls": {"automation": {"policies": [{
                    "subjects": [self.name], "issuers": [issuer], "renewal_window_ratio": ratio,
                }]}},
            },
        })
    }
}
