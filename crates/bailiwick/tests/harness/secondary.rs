//! BIND as a secondary server of somebody else's zones, or as one that a person edits behind the
//! primary's back, or that serves nothing any more.

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
    /// The key for transfers, where the primary wants one.
    key: Option<TsigKey>,
    control_secret: String,
    port: Port,
    control: Port,
    folder: Folder,
}

impl Secondary {
    /// Transfers this zone, and again within a second or two of every change.
    pub(crate) fn start(primary: &Bind, zone: &str) -> Self {
        Self::start_on(Port::free(), primary.address(), Some(primary.key().clone()), zone)
    }

    /// The same of any primary, on a port that the primary may have been told before.
    pub(crate) fn start_on(
        port: Port,
        primary: SocketAddr,
        key: Option<TsigKey>,
        zone: &str,
    ) -> Self {
        let set = Set {
            zone: zone.to_owned(),
            primary,
            key,
            control_secret: TsigKey::random("control").secret,
            port,
            control: Port::free(),
            folder: Folder::new("secondary"),
        };
        set.follow(set.key.as_ref());
        set.folder.write(
            "rndc.conf",
            &format!(
                "key \"control\" {{ algorithm hmac-sha256; secret \"{}\"; }};\n\
                 options {{ default-server 127.0.0.1; default-port {}; default-key \"control\"; }};\n",
                set.control_secret,
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

    /// From here on it takes questions and answers none.
    pub(crate) fn fall_silent(&self) {
        self.server.signal("STOP");
    }

    /// Serves this text instead, whatever the primary has.
    pub(crate) fn edit(&self, text: &str) {
        let file = self.set.folder.write("edited.zone", text);
        self.set.configure(&format!("type primary; file \"{}\";", file.display()), &[]);
        self.set.rndc(&["reconfig"]);
    }

    /// Its transfers are refused from here on: it has another key than the primary.
    pub(crate) fn lose_its_key(&self) {
        let key = self.set.key.as_ref().expect("it follows with a key");
        let secret = TsigKey::random("other").secret;
        self.set.follow(Some(&TsigKey { secret, ..key.clone() }));
        self.set.rndc(&["reconfig"]);
    }

    /// Refuses every question from here on, though the zone names it as a server of its own.
    pub(crate) fn grow_lame(&self) {
        self.set.follow_with(self.set.key.as_ref(), "allow-query { none; };");
        self.set.rndc(&["reconfig"]);
    }

    /// Follows the primary, and has all it has.
    pub(crate) fn follow_again(&self) {
        self.set.follow(self.set.key.as_ref());
        self.set.rndc(&["reconfig"]);
        self.set.rndc(&["retransfer", &self.set.zone]);
    }
}

impl Set {
    fn follow(&self, key: Option<&TsigKey>) {
        self.follow_with(key, "");
    }

    fn follow_with(&self, key: Option<&TsigKey>, more: &str) {
        let (ip, port) = (self.primary.ip(), self.primary.port());
        let with = key.map_or(String::new(), |key| format!(" key \"{}\"", key.name));
        let zone = format!(
            "type secondary; file \"followed.zone\"; primaries {{ {ip} port {port}{with}; }}; \
             min-refresh-time 1; max-refresh-time 1; min-retry-time 1; max-retry-time 1; {more}"
        );
        let keys: Vec<TsigKey> = key.into_iter().cloned().collect();
        self.configure(&zone, &keys);
    }

    fn configure(&self, zone: &str, keys: &[TsigKey]) {
        let clause = |key: &TsigKey| {
            let TsigKey { name, algorithm, secret } = key;
            format!("key \"{name}\" {{ algorithm {algorithm}; secret \"{secret}\"; }};\n")
        };
        let keys: String = keys.iter().map(clause).collect();
        let text = format!(
            "key \"control\" {{ algorithm hmac-sha256; secret \"{secret}\"; }};\n{keys}\
             options {{ directory \"{folder}\"; listen-on port {port} {{ 127.0.0.1; }}; \
             listen-on-v6 {{ none; }}; pid-file none; session-keyfile none; recursion no; \
             dnssec-validation no; notify no; empty-zones-enable no; serial-query-rate 1000; }};\n\
             controls {{ inet 127.0.0.1 port {control} allow {{ 127.0.0.1; }} keys {{ \"control\"; }}; }};\n\
             zone \"{served}\" {{ {zone} }};\n",
            secret = self.control_secret,
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
