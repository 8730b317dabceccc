//! certbot, unmodified: only its own options and environment.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::acme::{AcmeServer, Challenges};
use super::place::Folder;
use super::process::{self, Ran};
use super::programs;

/// One certbot with folders of its own, and so with an account of its own.
pub(crate) struct Certbot {
    acme: AcmeServer,
    folder: Folder,
    program: PathBuf,
}

const LIMIT: Duration = Duration::from_secs(90);

impl Certbot {
    pub(crate) fn new(acme: &AcmeServer) -> Self {
        let program = programs::find("certbot");
        Self { acme: acme.clone(), folder: Folder::new("certbot"), program }
    }

    /// The one of PyPI, years younger: it asks for renewal information (RFC 9773).
    pub(crate) fn young(acme: &AcmeServer) -> Self {
        Self { program: programs::find_pypi("certbot"), ..Self::new(acme) }
    }

    /// Renews what is due, as a timer does every few hours.
    pub(crate) fn renew_what_is_due(&self) -> Ran {
        let mut command = self.command("renew");
        command.arg("--no-random-sleep-on-renew");
        process::run(command)
    }

    /// Registers if needed, and gets a certificate for these names; the first one names it.
    pub(crate) fn obtain(&self, names: &[&str], challenges: Challenges<'_>) -> Ran {
        let mut command = self.command("certonly");
        command.args(["--agree-tos", "--email", "certbot@tests.example", "--no-eff-email"]);
        command.args(["--cert-name", names.first().expect("a certificate has a name")]);
        for name in names {
            // Only the younger one knows addresses.
            let option = if name.parse::<IpAddr>().is_ok() { "--ip-address" } else { "--domain" };
            command.args([option, name]);
        }
        if let Some(eab) = &self.acme.eab {
            command.args(["--eab-kid", &eab.kid, "--eab-hmac-key", &eab.hmac]);
        }
        self.answer_by(&mut command, challenges);
        process::run(command)
    }

    /// Renews now, whatever is left of the lifetime, the way it was obtained.
    pub(crate) fn renew(&self, name: &str) -> Ran {
        let mut command = self.command("renew");
        command.args(["--force-renewal", "--no-random-sleep-on-renew", "--cert-name", name]);
        process::run(command)
    }

    /// `reason` as certbot spells it: `unspecified`, `keycompromise`, `superseded` …
    pub(crate) fn revoke(&self, name: &str, reason: &str) -> Ran {
        let mut command = self.command("revoke");
        command.args(["--cert-name", name, "--reason", reason, "--no-delete-after-revoke"]);
        process::run(command)
    }

    /// The certificate, without its chain.
    pub(crate) fn certificate(&self, name: &str) -> PathBuf {
        self.folder.file(&format!("config/live/{name}/cert.pem"))
    }

    /// The certificate and its chain.
    pub(crate) fn chain(&self, name: &str) -> PathBuf {
        self.folder.file(&format!("config/live/{name}/fullchain.pem"))
    }

    /// All that certbot wrote about its last run. Debian's certbot 2.1 on Python 3.11 trips over its own
    /// error objects (`AttributeError: can't set attribute`), so a problem document is found only here.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.file("logs/letsencrypt.log")).unwrap_or_default()
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = process::bounded(&self.program, LIMIT);
        command.args([verb, "--non-interactive", "--server", &self.acme.directory]);
        for (option, folder) in [("config", "config"), ("work", "work"), ("logs", "logs")] {
            command.arg(format!("--{option}-dir")).arg(self.folder.file(folder));
        }
        command.env("REQUESTS_CA_BUNDLE", &self.acme.tls_ca);
        command
    }

    fn answer_by(&self, command: &mut Command, challenges: Challenges<'_>) {
        match challenges {
            Challenges::Http01 { port } => {
                command.args(["--standalone", "--http-01-address", "127.0.0.1"]);
                command.args(["--http-01-port", &port.to_string()]);
            }
            Challenges::TlsAlpn01 { port } => panic!("certbot cannot answer a handshake at {port}"),
            Challenges::Dns01 { server, key } => {
                let text = format!(
                    "dns_rfc2136_server = {}\ndns_rfc2136_port = {}\ndns_rfc2136_name = {}.\n\
                     dns_rfc2136_secret = {}\ndns_rfc2136_algorithm = {}\n",
                    server.ip(),
                    server.port(),
                    key.name,
                    key.secret,
                    key.algorithm.to_uppercase()
                );
                let file = self.folder.write("rfc2136.ini", &text);
                command.args(["--dns-rfc2136", "--dns-rfc2136-propagation-seconds", "1"]);
                command.arg("--dns-rfc2136-credentials").arg(file);
            }
        }
    }
}
