//! BIND as a secondary server of somebody else's zones, or as one that a person edits behind the
//! primary's back.

use std::net::SocketAddr;
use std::time::Duration;

use super::bind::{Bind, TsigKey};
use super::dig;
use super::place::{Folder, Port};
use super::process::{self, Piped, Server};
use super::programs;

/// A running secondary. Fields are dropped in order.
pub(crate) struct Secondary {
    server: Server,
    set: Set,
}

/// How it is set up.
struct Set {
    zone: String,
    primary: SocketAddr,
    key: TsigKey,
    port: Port,
    control: Port,
    folder: Folder,
}

impl Secondary {
    /// Transfers this zone, and again within a second or two of every change.
    pub(crate) fn start(primary: &Bind, zone: &str) -> Self {
        let set = Set {
            zone: zone.to_owned(),
            primary: primary.address(),
            key: primary.key().clone(),
            port: Port::free(),
            control: Port::free(),
            folder: Folder::new("secondary"),
        };
        set.follow(&set.key);
        set.folder.write(
            "rndc.conf",
            &format!(
                "key \"control\" {{ algorithm hmac-sha256; secret \"{}\"; }};\n\
                 options {{ default-server 127.0.0.1; default-port {}; default-key \"control\"; }};\n",
                set.key.secret,
                set.control.number()
            ),
        );
        let mut command = process::server(&programs::copy("named", &set.folder));
        command.args(["-g", "-n", "1", "-c"]).arg(set.folder.file("named.conf"));
        let log = set.folder.file("named.log");
        let mut server = Server::start("secondary", command, &log, Piped::Nothing);
        let at = set.port.address();
        server.wait_for(&format!("the transfer of {zone}"), || {
            let answer = dig::ask(at, zone, "SOA")?;
            (answer.status == "NOERROR" && !answer.data("SOA").is_empty()).then_some(())
        });
        Self { server, set }
    }

    /// Where it answers.
    pub(crate) fn address(&self) -> SocketAddr {
        self.set.port.address()
    }

    /// SIGKILL.
    pub(crate) fn kill9(&mut self) {
        self.server.kill9();
    }

    /// Serves this text instead, whatever the primary has.
    pub(crate) fn edit(&self, text: &str) {
        let file = self.set.folder.write("edited.zone", text);
        self.set.configure(&format!("type primary; file \"{}\";", file.display()), &self.set.key);
        self.set.rndc(&["reconfig"]);
    }

    /// Its transfers are refused from here on: it has another key than the primary.
    pub(crate) fn lose_its_key(&self) {
        let secret = TsigKey::random("other").secret;
        self.set.follow(&TsigKey { secret, ..self.set.key.clone() });
        self.set.rndc(&["reconfig"]);
    }

    /// Follows the primary, and has all it has.
    pub(crate) fn follow_again(&self) {
        self.set.follow(&self.set.key);
        self.set.rndc(&["reconfig"]);
        self.set.rndc(&["retransfer", &self.set.zone]);
    }
}

impl Set {
    fn follow(&self, key: &TsigKey) {
        let (ip, port, name) = (self.primary.ip(), self.primary.port(), &key.name);
        let zone = format!(
            "type secondary; file \"followed.zone\"; primaries {{ {ip} port {port} key \"{name}\"; }}; \
             min-refresh-time 1; max-refresh-time 1; min-retry-time 1; max-retry-time 1;"
        );
        self.configure(&zone, key);
    }

    fn configure(&self, zone: &str, key: &TsigKey) {
        let text = format!(
            "key \"control\" {{ algorithm hmac-sha256; secret \"{secret}\"; }};\n\
             key \"{name}\" {{ algorithm {algorithm}; secret \"{theirs}\"; }};\n\
             options {{ directory \"{folder}\"; listen-on port {port} {{ 127.0.0.1; }}; \
             listen-on-v6 {{ none; }}; pid-file none; session-keyfile none; recursion no; \
             dnssec-validation no; notify no; empty-zones-enable no; }};\n\
             controls {{ inet 127.0.0.1 port {control} allow {{ 127.0.0.1; }} keys {{ \"control\"; }}; }};\n\
             zone \"{served}\" {{ {zone} }};\n",
            secret = self.key.secret,
            name = key.name,
            algorithm = key.algorithm,
            theirs = key.secret,
            folder = self.folder.path().display(),
            port = self.port.number(),
            control = self.control.number(),
            served = self.zone,
        );
        self.folder.write("named.conf", &text);
    }

    fn rndc(&self, words: &[&str]) {
        let mut command = process::bounded(&programs::find("rndc"), Duration::from_secs(10));
        command.arg("-c").arg(self.folder.file("rndc.conf"));
        command.args(["-p", &self.control.number().to_string()]).args(words);
        process::run(command).expect_success();
    }
}
