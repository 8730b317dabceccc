//! Real name servers for one test: BIND and Unbound in a temporary folder, on free loopback ports,
//! stopped when they go out of scope, also while a test panics.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Debian's packages with these programs; `cargo xtask test` installs them.
const PACKAGES: &str = "bind9 bind9-utils unbound";

/// A server has this long to say that it is ready.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// A port found free may be taken by somebody else before the server has it.
const START_TRIES: u32 = 5;

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already dead is as good.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Server {
    /// Stops it now: from here on its port is silent or refuses.
    pub(crate) fn stop(self) {
        drop(self);
    }
}

/// A zone to serve: its apex with the final dot, and the text of its file.
pub(crate) struct ZoneFile {
    pub(crate) apex: String,
    pub(crate) text: String,
}

/// SOA and NS of a zone, and then its records. The name server's own name is never asked for.
pub(crate) fn zone_text(apex: &str, records: &str) -> String {
    // BIND loads no zone whose server stands inside it without an address.
    let address = if apex == "." { "ns.invalid. IN A 127.0.0.1\n" } else { "" };
    format!(
        "$TTL 300\n{apex} IN SOA ns.invalid. dns.invalid. 1 3600 600 86400 60\n\
         {apex} IN NS ns.invalid.\n{records}\n{address}"
    )
}

/// An authoritative BIND.
pub(crate) fn bind(zones: &[ZoneFile]) -> Server {
    bind_at(zones, "listen-on port PORT { 127.0.0.1; }; listen-on-v6 { none; };")
}

/// An authoritative BIND that can be reached over IPv6 only.
pub(crate) fn bind_v6(zones: &[ZoneFile]) -> Server {
    let mut server = bind_at(zones, "listen-on { none; }; listen-on-v6 port PORT { ::1; };");
    server.address = (Ipv6Addr::LOCALHOST, server.address.port()).into();
    server
}

fn bind_at(zones: &[ZoneFile], listen: &str) -> Server {
    start(|folder, port| {
        let at = folder.display();
        let listen = listen.replace("PORT", &port.to_string());
        let mut conf = format!(
            "options {{ directory \"{at}\"; {listen} recursion no; dnssec-validation no; pid-file none; \
             session-keyfile \"{at}/session.key\"; managed-keys-directory \"{at}\"; notify no; \
             allow-transfer {{ none; }}; max-records-per-type 0; max-types-per-name 0; }};\n\
             controls {{ }};\n"
        );
        for (number, zone) in zones.iter().enumerate() {
            std::fs::write(folder.join(format!("{number}.zone")), &zone.text).unwrap();
            let apex = &zone.apex;
            writeln!(conf, "zone \"{apex}\" {{ type primary; file \"{number}.zone\"; }};").unwrap();
        }
        let path = folder.join("named.conf");
        std::fs::write(&path, conf).unwrap();
        let mut command = program("named");
        command.arg("-g").arg("-c").arg(path);
        // Without this named would start one worker, with its memory, for each processor.
        command.args(["-n", "1"]);
        // Not "running as:", which comes before it listens.
        (command, " running")
    })
}

/// A validating Unbound that asks one server for everything below the root.
pub(crate) fn unbound(root: SocketAddr, trust_anchors: &[String]) -> Server {
    unbound_with(root, trust_anchors, &[])
}

/// The same, with other servers for some zones.
pub(crate) fn unbound_with(
    root: SocketAddr,
    trust_anchors: &[String],
    stubs: &[(&str, SocketAddr)],
) -> Server {
    start(|folder, port| {
        let at = folder.display();
        let mut conf = format!(
            "server:\n directory: \"{at}\"\n chroot: \"\"\n username: \"\"\n pidfile: \"\"\n \
             interface: 127.0.0.1\n port: {port}\n do-ip6: yes\n do-daemonize: no\n \
             outgoing-port-avoid: 1024-32767\n \
             use-syslog: no\n logfile: \"\"\n verbosity: 1\n num-threads: 1\n \
             do-not-query-localhost: no\n access-control: 127.0.0.0/8 allow\n \
             module-config: \"validator iterator\"\n ede: yes\n"
        );
        for anchor in trust_anchors {
            writeln!(conf, " trust-anchor: \"{anchor}\"").unwrap();
        }
        let (ip, port) = (root.ip(), root.port());
        write!(conf, "remote-control:\n control-enable: no\n").unwrap();
        for (zone, server) in stubs {
            let (ip, port) = (server.ip(), server.port());
            writeln!(conf, "stub-zone:\n name: \"{zone}\"\n stub-addr: {ip}@{port}").unwrap();
        }
        write!(conf, "forward-zone:\n name: \".\"\n forward-addr: {ip}@{port}\n").unwrap();
        let path = folder.join("unbound.conf");
        std::fs::write(&path, conf).unwrap();
        let mut command = program("unbound");
        command.arg("-d").arg("-c").arg(path);
        (command, "start of service")
    })
}

/// Signs a zone with one ECDSA P-256 key; `times` goes to dnssec-signzone. Gives the signed text
/// and the key as a trust anchor.
pub(crate) fn signed(zone: &ZoneFile, times: &[&str]) -> (ZoneFile, String) {
    let folder = tempfile::tempdir().unwrap();
    let run = |mut command: Command| {
        let output = command.current_dir(folder.path()).output();
        let output = output.unwrap_or_else(|e| missing(&command, &e));
        assert!(output.status.success(), "{command:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let mut generate = program("dnssec-keygen");
    generate.args(["-q", "-a", "ECDSAP256SHA256", "-f", "KSK", zone.apex.as_str()]);
    let key = run(generate).trim().to_owned();
    std::fs::write(folder.path().join("zone"), &zone.text).unwrap();
    let mut sign = program("dnssec-signzone");
    // -z: one key signs everything; -x and -P: no other checks, one key is meant.
    sign.args(["-q", "-z", "-P", "-S", "-o", zone.apex.as_str(), "-f", "signed"]);
    run({
        sign.args(times).arg("zone");
        sign
    });
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let anchor = read(&format!("{key}.key"));
    let anchor = anchor.lines().find(|line| !line.starts_with(';')).unwrap().replace('\t', " ");
    (ZoneFile { apex: zone.apex.clone(), text: read("signed") }, anchor)
}

/// The DS records that a parent zone holds for a key, as [`signed`] gives it.
pub(crate) fn ds(apex: &str, anchor: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), format!("$TTL 300\n{anchor}\n")).unwrap();
    let mut command = program("dnssec-dsfromkey");
    let output = command.args(["-2", "-f", "key", apex]).current_dir(folder.path()).output();
    let output = output.unwrap_or_else(|e| missing(&command, &e));
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn program(name: &str) -> Command {
    // Servers live in /usr/sbin, which is not on every user's path.
    let in_sbin = PathBuf::from("/usr/sbin").join(name);
    if in_sbin.exists() { Command::new(in_sbin) } else { Command::new(name) }
}

fn missing(command: &Command, cause: &std::io::Error) -> ! {
    panic!(
        "{}: {cause}; this test runs against real servers: apt-get install {PACKAGES}",
        command.get_program().display()
    )
}

/// A loopback port that is free for both UDP and TCP.
fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = tcp.local_addr().unwrap().port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Starts a server and waits until it says that it is ready.
fn start(prepare: impl Fn(&Path, u16) -> (Command, &'static str)) -> Server {
    let mut said = Vec::new();
    for _ in 0..START_TRIES {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let (mut command, ready) = prepare(folder.path(), port);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| missing(&command, &e));
        let lines = lines_of(child.stderr.take().unwrap());
        let address = (Ipv4Addr::LOCALHOST, port).into();
        let server = Server { address, child, _folder: folder };
        said.clear();
        let until = Instant::now() + START_TIMEOUT;
        while let Ok(line) = lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if line.contains("address in use") {
                // BIND goes on without the port.
                break;
            }
            if ends_with(&line, ready) {
                return server;
            }
            said.push(line);
        }
        // It ended, or it hangs: dropping it makes sure, and the next try takes another port.
    }
    panic!("a server does not start; it said:\n{}", said.join("\n"));
}

/// Whether a line says `ready` at its end, a version in brackets aside.
fn ends_with(line: &str, ready: &str) -> bool {
    let line = line.split(" (").next().unwrap_or(line);
    line.trim_end_matches(['.', ' ']).ends_with(ready)
}

/// The lines a server writes, read to the end so that it never waits for us.
fn lines_of(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Nobody listens any more once the server is ready.
            sender.send(line).ok();
        }
    });
    receiver
}
