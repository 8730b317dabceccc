//! lego, unmodified: a second ACME client, of another author and language.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::acme::{AcmeServer, Challenges};
use super::place::Folder;
use super::process::{self, Ran};
use super::programs;

/// One lego with a folder of its own, and so with an account of its own.
pub(crate) struct Lego {
    acme: AcmeServer,
    folder: Folder,
}

const LIMIT: Duration = Duration::from_secs(90);

impl Lego {
    pub(crate) fn new(acme: &AcmeServer) -> Self {
        Self { acme: acme.clone(), folder: Folder::new("lego") }
    }

    /// Registers if needed, and gets a certificate for these names; the first one names it.
    pub(crate) fn obtain(&self, names: &[&str], challenges: Challenges<'_>) -> Ran {
        let mut command = self.command(names, Some(challenges));
        command.arg("run");
        process::run(command)
    }

    /// Renews now, whatever is left of the lifetime.
    pub(crate) fn renew(&self, names: &[&str], challenges: Challenges<'_>) -> Ran {
        let mut command = self.command(names, Some(challenges));
        command.args(["renew", "--days", "36500", "--no-random-sleep"]);
        process::run(command)
    }

    /// `reason` is the number of RFC 5280 §5.3.1.
    pub(crate) fn revoke(&self, name: &str, reason: u8) -> Ran {
        let mut command = self.command(&[name], None);
        command.args(["revoke", "--keep", "--reason", &reason.to_string()]);
        process::run(command)
    }

    /// The certificate and its chain; lego keeps them in one file.
    pub(crate) fn chain(&self, name: &str) -> PathBuf {
        self.folder.file(&format!("certificates/{}.crt", name.replace('*', "_")))
    }

    fn command(&self, names: &[&str], challenges: Option<Challenges<'_>>) -> Command {
        let mut command = process::bounded(&programs::find("lego"), LIMIT);
        command.args(["--server", &self.acme.directory, "--accept-tos"]);
        command.args(["--email", "lego@tests.example", "--path"]).arg(self.folder.path());
        for name in names {
            command.args(["--domains", name]);
        }
        if let Some(eab) = &self.acme.eab {
            command.args(["--eab", "--kid", &eab.kid, "--hmac", &eab.hmac]);
        }
        command.env("LEGO_CA_CERTIFICATES", &self.acme.tls_ca);
        match challenges {
            None => {}
            Some(Challenges::Http01 { port }) => {
                command.args(["--http", "--http.port", &format!("127.0.0.1:{port}")]);
            }
            Some(Challenges::TlsAlpn01 { port }) => {
                command.args(["--tls", "--tls.port", &format!("127.0.0.1:{port}")]);
            }
            Some(Challenges::Dns01 { server, key }) => {
                command.args(["--dns", "rfc2136", "--dns.disable-cp"]);
                command.args(["--dns.resolvers", &server.to_string()]);
                command.env("RFC2136_NAMESERVER", server.to_string());
                command.env("RFC2136_TSIG_KEY", format!("{}.", key.name));
                command.env("RFC2136_TSIG_SECRET", &key.secret);
                command.env("RFC2136_TSIG_ALGORITHM", format!("{}.", key.algorithm));
            }
        }
        command
    }
}
