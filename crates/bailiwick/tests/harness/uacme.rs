//! uacme, unmodified: an ACME client in C, with `ualpn` for tls-alpn-01.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::acme::{AcmeServer, Challenges};
use super::place::Folder;
use super::process::{self, Piped, Ran, Server};
use super::programs;
use super::web::Web;

/// One uacme with a folder of its own, and so with an account of its own. It answers one way.
pub(crate) struct Uacme {
    acme: AcmeServer,
    hook: PathBuf,
    _beside: Beside,
    folder: Folder,
}

/// What answers challenges for it.
enum Beside {
    Web { _web: Web },
    Ualpn { _server: Server },
    Nothing,
}

const LIMIT: Duration = Duration::from_secs(120);

impl Uacme {
    pub(crate) fn new(acme: &AcmeServer, challenges: Challenges<'_>) -> Self {
        let folder = Folder::new("uacme");
        let (way, begin, end) = hooks(challenges, &folder);
        // Arguments: method, type, name, token, authorization.
        let script = format!(
            "#!/bin/bash\n[ \"$2\" = {way} ] || exit 1\ncase \"$1\" in\nbegin) {begin} ;;\n\
             done|failed) {end} ;;\nesac\n"
        );
        let hook = folder.write("hook.sh", &script);
        let all = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&hook, all).expect("a mode can be set");
        let beside = match challenges {
            Challenges::Http01 { port } => {
                Beside::Web { _web: Web::serve(&folder.file("web"), port, &folder) }
            }
            Challenges::TlsAlpn01 { port } => Beside::Ualpn { _server: ualpn(port, &folder) },
            Challenges::Dns01 { .. } => Beside::Nothing,
        };
        Self { acme: acme.clone(), hook, _beside: beside, folder }
    }

    pub(crate) fn register(&self) -> Ran {
        let mut command = self.command();
        command.arg("--yes");
        if let Some(eab) = &self.acme.eab {
            command.args(["--eab", &format!("{}:{}", eab.kid, eab.hmac)]);
        }
        command.args(["new", "uacme@tests.example"]);
        process::run(command)
    }

    /// Gets a certificate for these names, or renews it now; the first one names it.
    pub(crate) fn obtain(&self, names: &[&str]) -> Ran {
        let mut command = self.command();
        command.arg("--force").arg("--hook").arg(&self.hook).arg("issue").args(names);
        process::run(command)
    }

    /// Another key for the account (RFC 8555 §7.3.5).
    pub(crate) fn new_key(&self) -> Ran {
        let mut command = self.command();
        command.arg("newkey");
        process::run(command)
    }

    pub(crate) fn revoke(&self, name: &str) -> Ran {
        let mut command = self.command();
        command.args(["--reason", "4", "revoke"]).arg(self.certificate(name));
        process::run(command)
    }

    pub(crate) fn deactivate(&self) -> Ran {
        let mut command = self.command();
        command.args(["--yes", "deactivate"]);
        process::run(command)
    }

    pub(crate) fn certificate(&self, name: &str) -> PathBuf {
        self.folder.file(&format!("conf/{name}/cert.pem"))
    }

    /// It trusts what the system trusts and nothing else, so for it alone the CA is what the system
    /// trusts.
    fn command(&self) -> Command {
        let mut command = process::bounded(&programs::find("unshare"), LIMIT);
        command.args(["--map-root-user", "--mount", "sh", "-c"]);
        command
            .arg("mount --bind \"$1\" /etc/ssl/certs/ca-certificates.crt && shift && exec \"$@\"");
        command.arg("sh").arg(&self.acme.tls_ca).arg(programs::find("uacme"));
        command.args(["--verbose", "--acme-url", &self.acme.directory, "--type", "EC"]);
        command.arg("--confdir").arg(self.folder.file("conf"));
        command
    }
}

fn socket(folder: &Folder) -> PathBuf {
    folder.file("ualpn.sock")
}

fn ualpn(port: u16, folder: &Folder) -> Server {
    let mut command = process::server(&programs::find("ualpn"));
    command.args(["--bind", &format!("127.0.0.1@{port}"), "--sock"]).arg(socket(folder));
    // Where it passes on what is no challenge; here nothing is.
    command.args(["--connect", "127.0.0.1@9"]);
    let mut server = Server::start("ualpn", command, &folder.file("ualpn.log"), Piped::Nothing);
    server.wait_for("its socket", || socket(folder).exists().then_some(()));
    server
}

fn hooks(challenges: Challenges<'_>, folder: &Folder) -> (&'static str, String, String) {
    match challenges {
        Challenges::Http01 { .. } => {
            let files = folder.folder("web/.well-known/acme-challenge");
            let files = files.display();
            let begin = format!("printf '%s' \"$5\" >{files}/$4");
            ("http-01", begin, format!("rm -f {files}/$4"))
        }
        Challenges::Dns01 { server, key } => {
            let update = |what: &str| {
                format!(
                    "printf 'server {} {}\\n{what}\\nsend\\n' \"$3\" \"$5\" | {} -y {}:{}:{}",
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
        Challenges::TlsAlpn01 { .. } => {
            let (ualpn, socket) = (programs::find("ualpn"), socket(folder));
            let tell = |what: &str| {
                format!(
                    "[ \"$(echo \"{what}\" | {} --sock {})\" = OK ]",
                    ualpn.display(),
                    socket.display()
                )
            };
            ("tls-alpn-01", tell("auth $3 $5"), tell("unauth $3"))
        }
    }
}
