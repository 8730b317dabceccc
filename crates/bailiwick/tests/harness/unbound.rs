//! Unbound as validating resolver over the test's own authorities.

use std::net::SocketAddr;
use std::time::Duration;

use super::dig;
use super::place::{Folder, Port};
use super::process::{self, Piped, Server};
use super::programs;

/// A running Unbound. It asks only the authorities it was given; every other name is refused at once.
pub(crate) struct Unbound {
    server: Server,
    port: Port,
    folder: Folder,
}

impl Unbound {
    /// `stubs`: a zone and the servers to ask for it and for what is below it. `anchors`: DNSKEY or DS
    /// records to begin trust from, see [`super::bind::Bind::dnskey`]; names below none are insecure.
    pub(crate) fn start(stubs: &[(&str, &[SocketAddr])], anchors: &[&str]) -> Self {
        Self::start_with(stubs, anchors, "")
    }

    /// The same, with more lines in its section `server:`.
    pub(crate) fn start_with(
        stubs: &[(&str, &[SocketAddr])],
        anchors: &[&str],
        more: &str,
    ) -> Self {
        let folder = Folder::new("unbound");
        let port = Port::free();
        let text = configuration(stubs, anchors, more, &port, &folder);
        folder.write("unbound.conf", &text);
        let server = launch(&folder);
        let mut unbound = Self { server, port, folder };
        unbound.wait_until_answering();
        unbound
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Forgets all it has learnt of a zone, and which servers were slow.
    pub(crate) fn forget(&self, zone: &str) {
        for words in [["flush_zone", zone], ["flush_infra", "all"]] {
            let program = programs::find("unbound-control");
            let mut command = process::bounded(&program, Duration::from_secs(10));
            command.arg("-c").arg(self.folder.file("unbound.conf")).args(words);
            process::run(command).expect_success();
        }
    }

    /// Reads its configuration again, altered.
    pub(crate) fn reconfigure(&self, alter: impl Fn(&str) -> String) {
        let file = self.folder.file("unbound.conf");
        let text = std::fs::read_to_string(&file).expect("the configuration is text");
        std::fs::write(&file, alter(&text)).expect("a file can be written");
        let program = programs::find("unbound-control");
        let mut command = process::bounded(&program, Duration::from_secs(10));
        command.arg("-c").arg(file).arg("reload");
        process::run(command).expect_success();
    }

    pub(crate) fn kill9(&mut self) {
        self.server.kill9();
    }

    /// Starts again on the same port, knowing nothing.
    pub(crate) fn restart(&mut self) {
        self.server.kill9();
        self.server = launch(&self.folder);
        self.wait_until_answering();
    }

    fn wait_until_answering(&mut self) {
        let at = self.port.address();
        self.server.wait_for("any answer", || dig::ask(at, "localhost", "A"));
    }
}

fn launch(folder: &Folder) -> Server {
    let mut command = process::server(&programs::copy("unbound", folder));
    command.args(["-d", "-p", "-c"]).arg(folder.file("unbound.conf"));
    Server::start("unbound", command, &folder.file("unbound.log"), Piped::Nothing)
}

fn configuration(
    stubs: &[(&str, &[SocketAddr])],
    anchors: &[&str],
    more: &str,
    port: &Port,
    folder: &Folder,
) -> String {
    // It asks from any port otherwise, also from those that a server of another test is about to take.
    let mut text = format!(
        "server:\noutgoing-port-avoid: 1024-32767\n\
         directory: \"{0}\"\nusername: \"\"\nchroot: \"\"\npidfile: \"\"\n\
         use-syslog: no\nlogfile: \"\"\nverbosity: 1\nval-log-level: 2\nede: yes\n\
         interface: 127.0.0.1\nport: {1}\nnum-threads: 1\ndo-ip6: no\n\
         access-control: 127.0.0.0/8 allow\ndo-not-query-localhost: no\n\
         module-config: \"validator iterator\"\ntrust-anchor-signaling: no\n\
         local-zone: \".\" refuse\n",
        folder.path().display(),
        port.number()
    );
    text += more;
    for (zone, _) in stubs {
        text += &format!("local-zone: \"{zone}\" transparent\n");
    }
    for anchor in anchors {
        text += &format!("trust-anchor: \"{}\"\n", anchor.replace('"', ""));
    }
    text += &format!(
        "remote-control:\ncontrol-enable: yes\ncontrol-use-cert: no\ncontrol-interface: \"{}\"\n",
        folder.file("control").display()
    );
    for (zone, servers) in stubs {
        text += &format!("stub-zone:\nname: \"{zone}\"\nstub-prime: no\nstub-no-cache: no\n");
        for server in *servers {
            text += &format!("stub-addr: {}@{}\n", server.ip(), server.port());
        }
    }
    // The real root is never asked: nothing listens there.
    text + "stub-zone:\nname: \".\"\nstub-prime: no\nstub-addr: 127.0.0.1@1\n"
}
