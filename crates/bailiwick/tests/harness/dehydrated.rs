//! dehydrated, unmodified: an ACME client in bash, whose hooks answer challenges.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::acme::{AcmeServer, Challenges};
use super::place::Folder;
use super::process::{self, Ran};
use super::programs;
use super::web::Web;

/// One dehydrated with a folder of its own, and so with an account of its own. It answers one way.
pub(crate) struct Dehydrated {
    folder: Folder,
    way: &'static str,
    _web: Option<Web>,
}

const LIMIT: Duration = Duration::from_secs(120);

impl Dehydrated {
    pub(crate) fn new(acme: &AcmeServer, challenges: Challenges<'_>) -> Self {
        let folder = Folder::new("dehydrated");
        let well_known = folder.folder("web/.well-known/acme-challenge");
        let (way, place, remove) = hooks(challenges, &folder);
        let hook = folder.write(
            "hook.sh",
            &format!(
                "#!/bin/bash\nset -e\ncase \"$1\" in\ndeploy_challenge) {place} ;;\n\
                 clean_challenge) {remove} ;;\nesac\n"
            ),
        );
        let all = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&hook, all).expect("a mode can be set");
        let mut config = format!(
            "CA=\"{}\"\nCURL_OPTS=\"--cacert {}\"\nWELLKNOWN=\"{}\"\nHOOK=\"{}\"\nBASEDIR=\"{}\"\n\
             ALPNCERTDIR=\"{}\"\nCONTACT_EMAIL=\"dehydrated@tests.example\"\nCHALLENGETYPE=\"{way}\"\n",
            acme.directory,
            acme.tls_ca.display(),
            well_known.display(),
            hook.display(),
            folder.path().display(),
            folder.folder("alpn").display(),
        );
        if let Some(eab) = &acme.eab {
            config += &format!("EAB_KID=\"{}\"\nEAB_HMAC_KEY=\"{}\"\n", eab.kid, eab.hmac);
        }
        folder.write("config", &config);
        let web = match challenges {
            Challenges::Http01 { port } => Some(Web::serve(&folder.file("web"), port, &folder)),
            Challenges::TlsAlpn01 { .. } | Challenges::Dns01 { .. } => None,
        };
        Self { folder, way, _web: web }
    }

    pub(crate) fn register(&self) -> Ran {
        process::run(self.command(&["--register", "--accept-terms"]))
    }

    /// Gets a certificate for these names, or renews it now.
    pub(crate) fn obtain(&self, names: &[&str]) -> Ran {
        let mut command = self.command(&["--cron", "--force", "--force-validation"]);
        command.args(["--challenge", self.way, "--alias", "it"]);
        for name in names {
            command.args(["--domain", name]);
        }
        process::run(command)
    }

    pub(crate) fn revoke(&self) -> Ran {
        let mut command = self.command(&["--revoke"]);
        command.arg(self.certificate());
        process::run(command)
    }

    pub(crate) fn deactivate(&self) -> Ran {
        process::run(self.command(&["--deactivate"]))
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        let link = self.folder.file("certs/it/cert.pem");
        link.canonicalize().unwrap_or(link)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = process::bounded(&programs::find("dehydrated"), LIMIT);
        command.arg("--config").arg(self.folder.file("config")).args(words);
        command
    }
}

/// The way's name, and what the hook does before and after: `$2` is the name, `$4` the value.
fn hooks(challenges: Challenges<'_>, folder: &Folder) -> (&'static str, String, String) {
    match challenges {
        // It writes the files itself.
        Challenges::Http01 { .. } => ("http-01", ":".to_owned(), ":".to_owned()),
        Challenges::Dns01 { server, key } => {
            let update = |what: &str| {
                format!(
                    "printf 'server {} {}\\n{what}\\nsend\\n' \"$2\" \"$4\" | {} -y {}:{}:{}",
                    server.ip(),
                    server.port(),
                    programs::find("nsupdate").display(),
                    key.algorithm,
                    key.name,
                    key.secret
                )
            };
            let add = update("add _acme-challenge.%s. 1 TXT \"%s\"");
            ("dns-01", add, update("delete _acme-challenge.%s. TXT \"%s\""))
        }
        Challenges::TlsAlpn01 { port } => {
            let here = folder.path().display();
            // Something that shows the certificate which dehydrated made; the loop ends when it listens.
            let place = format!(
                "timeout 60 {} s_server -quiet -accept 127.0.0.1:{port} -alpn acme-tls/1 \
                 -cert {here}/alpn/$2.crt.pem -key {here}/alpn/$2.key.pem \
                 </dev/null >{here}/alpn.log 2>&1 & echo $! >{here}/alpn.pid; \
                 for n in $(seq 200); do (: </dev/tcp/127.0.0.1/{port}) 2>/dev/null && break; sleep 0.05; done",
                programs::find("openssl").display()
            );
            ("tls-alpn-01", place, format!("kill \"$(cat {here}/alpn.pid)\""))
        }
    }
}
