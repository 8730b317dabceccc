//! Knot as authoritative server: a primary that takes updates and transfers, signed with its key.

use std::net::SocketAddr;
use std::time::Duration;

use super::bind::TsigKey;
use super::dig;
use super::place::{Folder, Port};
use super::process::{self, Piped, Ran, Server};
use super::programs;
use super::zone::Zone;

/// A running Knot. Fields are dropped in order: the server before its folder and port.
pub(crate) struct Knot {
    server: Server,
    key: TsigKey,
    port: Port,
    folder: Folder,
}

const A_MOMENT: Duration = Duration::from_secs(10);

impl Knot {
    /// Serves these zones; returns when every one of them is answered for.
    pub(crate) fn start(zones: &[Zone]) -> Self {
        Self::telling(zones, &[])
    }

    /// The same; it tells these at once when a zone changes (RFC 1996).
    pub(crate) fn telling(zones: &[Zone], secondaries: &[SocketAddr]) -> Self {
        let folder = Folder::new("knot");
        let port = Port::free();
        let key = TsigKey::random("bailiwick-test");
        let at = folder.path().display();
        let TsigKey { name, algorithm, secret } = &key;
        let ids: Vec<String> = (0..secondaries.len()).map(|it| format!("follower{it}")).collect();
        let mut remotes = String::new();
        let mut notify = String::new();
        if !ids.is_empty() {
            let one = |(id, at): (&String, &SocketAddr)| {
                format!("  - id: {id}\n    address: {}@{}\n", at.ip(), at.port())
            };
            let all: String = ids.iter().zip(secondaries).map(one).collect();
            remotes = format!("remote:\n{all}");
            notify = format!("    notify: [{}]\n", ids.join(", "));
        }
        let mut text = format!(
            "server:\n  listen: 127.0.0.1@{}\n  rundir: {at}\n  udp-workers: 1\n  tcp-workers: 2\n  background-workers: 1\n\
             control:\n  listen: {at}/knot.sock\n\
             log:\n  - target: stderr\n    any: info\n\
             database:\n  storage: {at}/db\n\
             key:\n  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}\n\
             {remotes}acl:\n  - id: ours\n    key: {name}\n    action: [update, transfer]\n  - id: anybody\n    action: transfer\n\
             zone:\n",
            port.number()
        );
        for zone in zones {
            folder.write(&format!("{}.zone", zone.name()), &zone.text(1));
            text += &format!(
                "  - domain: {0}\n    file: {at}/{0}.zone\n    acl: [ours, anybody]\n    zonefile-sync: -1\n    semantic-checks: off\n    journal-content: changes\n{notify}",
                zone.name()
            );
        }
        folder.folder("db");
        let file = folder.write("knot.conf", &text);
        let mut command = process::server(&programs::copy("knotd", &folder));
        command.arg("-c").arg(file);
        let mut server = Server::start("knotd", command, &folder.file("knot.log"), Piped::Nothing);
        // They are loaded in turn: once the first and the last answer, so do all.
        for zone in zones.first().into_iter().chain(zones.last()) {
            server.wait_for(&format!("serving {}", zone.name()), || {
                let answer = dig::ask(port.address(), zone.name(), "SOA")?;
                (!answer.data("SOA").is_empty()).then_some(())
            });
        }
        Self { server, key, port, folder }
    }

    /// Where it answers, over UDP and TCP.
    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    pub(crate) fn kill9(&mut self) {
        self.server.kill9();
    }

    /// The key for updates and zone transfers.
    pub(crate) fn key(&self) -> &TsigKey {
        &self.key
    }

    /// Sends `nsupdate` commands for a zone, signed with the key.
    pub(crate) fn update(&self, zone: &str, commands: &str) -> Ran {
        let TsigKey { name, algorithm, secret } = &self.key;
        let port = self.port.number();
        let text = format!("server 127.0.0.1 {port}\nzone {zone}\n{commands}\nsend\n");
        let file = self.folder.write("update", &text);
        let mut command = process::bounded(&programs::find("nsupdate"), A_MOMENT);
        command.args(["-y", &format!("{algorithm}:{name}:{secret}")]).arg(file);
        process::run(command)
    }
}
