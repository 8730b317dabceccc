//! One zone on a BIND primary that takes updates, and on two secondaries that transfer it.

use std::time::Duration;

use crate::harness::bind::TsigKey;
use crate::harness::dig;
use crate::harness::place::{Folder, Port};
use crate::harness::process::{self, Piped, Server};
use crate::harness::programs;

/// Fields are dropped in order.
pub(super) struct Servers {
    running: Vec<Server>,
    pub(super) key: TsigKey,
    ports: [Port; 3],
    _folders: Vec<Folder>,
}

impl Servers {
    /// Serves `zone` with this text at the primary; returns when all three do.
    pub(super) fn start(zone: &str, text: &str) -> Self {
        let key = TsigKey::random("bailiwick-test");
        let ports = [Port::free(), Port::free(), Port::free()];
        let [primary, ..] = &ports;
        let TsigKey { name, algorithm, secret } = &key;
        let clause = format!("key \"{name}\" {{ algorithm {algorithm}; secret \"{secret}\"; }};\n");
        let mut running = Vec::new();
        let mut folders = Vec::new();
        for (index, port) in ports.iter().enumerate() {
            let folder = Folder::new("trio");
            let also: Vec<String> =
                ports.iter().skip(1).map(|it| format!("127.0.0.1 port {};", it.number())).collect();
            let serves = if index == 0 {
                folder.write("zone", text);
                format!(
                    "type primary; file \"zone\"; allow-update {{ key \"{name}\"; }}; \
                     notify explicit; notify-delay 0; also-notify {{ {} }};",
                    also.join(" ")
                )
            } else {
                format!(
                    "type secondary; file \"copy\"; primaries {{ 127.0.0.1 port {} key \"{name}\"; }}; \
                     notify no; min-refresh-time 1; max-refresh-time 1;",
                    primary.number()
                )
            };
            let folder_path = folder.path().display();
            let config = format!(
                "{clause}options {{ directory \"{folder_path}\"; listen-on port {} {{ 127.0.0.1; }}; \
                 listen-on-v6 {{ none; }}; pid-file none; session-keyfile none; recursion no; \
                 dnssec-validation no; empty-zones-enable no; allow-transfer {{ key \"{name}\"; }}; \
                 allow-notify {{ 127.0.0.1; }}; serial-query-rate 1000; notify-rate 1000; }};\n\
                 controls {{ }};\nzone \"{zone}\" {{ {serves} }};\n",
                port.number()
            );
            let config = folder.write("named.conf", &config);
            let mut command = process::server(&programs::copy("named", &folder));
            command.args(["-g", "-n", "1", "-c"]).arg(config);
            let server = Server::start("named", command, &folder.file("named.log"), Piped::Nothing);
            running.push(server);
            folders.push(folder);
        }
        let mut all = Self { running, key, ports, _folders: folders };
        for (server, port) in all.running.iter_mut().zip(&all.ports) {
            server.wait_for(&format!("serving {zone}"), || {
                let answer = dig::ask(port.address(), zone, "SOA")?;
                (answer.status == "NOERROR" && !answer.data("SOA").is_empty()).then_some(())
            });
        }
        all
    }

    /// Where the three listen, the primary first.
    pub(super) fn addresses(&self) -> [std::net::SocketAddr; 3] {
        self.ports.each_ref().map(Port::address)
    }

    /// The second secondary takes questions and answers none.
    pub(super) fn silence_last(&self) {
        if let Some(last) = self.running.last() {
            last.signal("STOP");
        }
    }

    /// What every server answers, sorted; they have to agree within ten seconds.
    pub(super) fn agreed(&self, kind: &str, name: &str) -> Vec<String> {
        let end = std::time::Instant::now() + Duration::from_secs(10);
        loop {
            let all: Vec<Vec<String>> = self
                .addresses()
                .into_iter()
                .map(|at| {
                    let mut data = dig::ask(at, name, kind).expect("an answer").data(kind);
                    data.sort();
                    data
                })
                .collect();
            if all.iter().all(|one| Some(one) == all.first()) {
                return all.into_iter().next().unwrap_or_default();
            }
            assert!(std::time::Instant::now() < end, "{name} {kind}: they differ: {all:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
