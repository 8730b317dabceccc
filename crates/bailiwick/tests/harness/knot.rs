//! Knot as authoritative server of very many zones.

use std::net::SocketAddr;

use super::dig;
use super::place::{Folder, Port};
use super::process::{self, Piped, Server};
use super::programs;
use super::zone::Zone;

/// A running Knot. Fields are dropped in order: the server before its folder and port.
pub(crate) struct Knot {
    server: Server,
    port: Port,
    _folder: Folder,
}

impl Knot {
    /// Serves these zones; returns when the last one is answered for.
    pub(crate) fn start(zones: &[Zone]) -> Self {
        let folder = Folder::new("knot");
        let port = Port::free();
        std::fs::create_dir(folder.file("zones")).expect("a folder can be made");
        for zone in zones {
            folder.write(&format!("zones/{}.zone", zone.name()), &zone.text(1));
        }
        folder.write("knot.conf", &configuration(zones, &port, &folder));
        let mut command = process::server(&programs::copy("knotd", &folder));
        command.arg("-c").arg(folder.file("knot.conf"));
        let server = Server::start("knotd", command, &folder.file("knot.log"), Piped::Nothing);
        let mut knot = Self { server, port, _folder: folder };
        let last = zones.last().expect("there is a zone");
        let at = knot.address();
        knot.server.wait_for("serving the last zone", || {
            let answer = dig::ask(at, last.name(), "SOA")?;
            (answer.status == "NOERROR" && !answer.data("SOA").is_empty()).then_some(())
        });
        knot
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    pub(crate) fn kill9(&mut self) {
        self.server.kill9();
    }
}

fn configuration(zones: &[Zone], port: &Port, folder: &Folder) -> String {
    let at = folder.path().display();
    let mut text = format!(
        "server:\n    rundir: \"{at}\"\n    listen: 127.0.0.1@{}\n    udp-workers: 1\n    \
         tcp-workers: 1\n    background-workers: 1\n\
         log:\n  - target: stderr\n    any: warning\n\
         database:\n    storage: \"{at}/db\"\n\
         acl:\n  - id: anybody\n    action: transfer\n\
         template:\n  - id: default\n    acl: anybody\n    storage: \"{at}/zones\"\n    file: \"%s.zone\"\n    \
         zonefile-load: whole\n    journal-content: none\n    semantic-checks: off\nzone:\n",
        port.number()
    );
    for zone in zones {
        text += &format!("  - domain: {}\n", zone.name());
    }
    text
}
