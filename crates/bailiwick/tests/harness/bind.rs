//! BIND as authoritative server.

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;

use super::dig;
use super::place::{Folder, Port};
use super::process::{self, Piped, Ran, Server};
use super::programs;
use super::zone::Zone;

/// A key that two parties share for signing DNS messages (RFC 8945).
#[derive(Clone, Debug)]
pub(crate) struct TsigKey {
    pub(crate) name: String,
    /// As BIND and the ACME clients spell it.
    pub(crate) algorithm: String,
    /// Base64.
    pub(crate) secret: String,
}

impl TsigKey {
    pub(crate) fn random(name: &str) -> Self {
        let mut bytes = [0; 32];
        let source = std::fs::File::open("/dev/urandom");
        let filled = source.and_then(|mut file| file.read_exact(&mut bytes));
        filled.expect("the system has randomness");
        let secret = base64::engine::general_purpose::STANDARD.encode(bytes);
        Self { name: name.to_owned(), algorithm: "hmac-sha256".to_owned(), secret }
    }

    fn clause(&self) -> String {
        let Self { name, algorithm, secret } = self;
        format!("key \"{name}\" {{ algorithm {algorithm}; secret \"{secret}\"; }};\n")
    }
}

/// A running BIND. Fields are dropped in order: the server before its folder and ports.
pub(crate) struct Bind {
    server: Server,
    zones: Vec<Zone>,
    key: TsigKey,
    /// Whose updates and transfers it takes.
    keys: Vec<TsigKey>,
    port: Port,
    control: Port,
    folder: Folder,
}

/// What a server is to its zones.
enum Role {
    /// It holds them, and tells these when they change.
    Primary { tells: Vec<SocketAddr> },
    /// It transfers them.
    Secondary { of: SocketAddr },
}

impl Role {
    fn options(&self) -> String {
        match self {
            Self::Primary { tells } if !tells.is_empty() => {
                let one = |at: &SocketAddr| format!("{} port {}; ", at.ip(), at.port());
                let tells: String = tells.iter().map(one).collect();
                format!("notify explicit; notify-delay 0; also-notify {{ {tells}}};")
            }
            Self::Primary { .. } | Self::Secondary { .. } => "notify no;".to_owned(),
        }
    }
}

const A_MOMENT: Duration = Duration::from_secs(10);
/// What `rndc` signs with.
const CONTROL_KEY: &str = "rndc";
const POLICY: &str = "p256";

impl Bind {
    /// Serves these zones; returns when every one of them is answered for, and signed if it is to be.
    pub(crate) fn start(zones: &[Zone]) -> Self {
        let key = TsigKey::random("bailiwick-test");
        Self::start_as(zones, key, Port::free(), &Role::Primary { tells: Vec::new() })
    }

    /// The same zones on a primary and its secondaries, which transfer them with the primary's key.
    /// The primary tells the secondaries, and the `others`, at once when a zone changes (RFC 1996).
    pub(crate) fn with_secondaries(
        zones: &[Zone],
        count: usize,
        others: &[SocketAddr],
    ) -> (Self, Vec<Self>) {
        let key = TsigKey::random("bailiwick-test");
        let ports: Vec<Port> = (0..count).map(|_| Port::free()).collect();
        let mut tells: Vec<SocketAddr> = ports.iter().map(Port::address).collect();
        tells.extend(others);
        let primary = Self::start_as(zones, key.clone(), Port::free(), &Role::Primary { tells });
        let role = Role::Secondary { of: primary.address() };
        let start = |port| Self::start_as(zones, key.clone(), port, &role);
        let secondaries = ports.into_iter().map(start).collect();
        (primary, secondaries)
    }

    /// Returns when it serves a zone with this serial.
    pub(crate) fn wait_for_serial(&self, zone: &str, serial: u32) {
        let end = std::time::Instant::now() + A_MOMENT;
        while self.serial(zone) != serial {
            assert!(std::time::Instant::now() < end, "{zone} does not come to serial {serial}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn start_as(zones: &[Zone], key: TsigKey, port: Port, role: &Role) -> Self {
        let folder = Folder::new("bind");
        let control = Port::free();
        let is_primary = matches!(role, Role::Primary { .. });
        for zone in zones.iter().filter(|_| is_primary) {
            let file = folder.write(&format!("{}.zone", zone.name()), &zone.text(1));
            let mut check = process::bounded(&programs::find("named-checkzone"), A_MOMENT);
            check.args(["-q", zone.name()]).arg(file);
            process::run(check).expect_success();
        }
        let rndc = TsigKey::random(CONTROL_KEY);
        folder.write("rndc.key", &rndc.clause());
        let keys = [key.clone()];
        folder.write("named.conf", &configuration(zones, &keys, (&port, &control), &folder, role));
        folder.write("rndc.conf", &control_configuration(&rndc, &control));
        for zone in zones.iter().filter(|z| z.signed && is_primary) {
            let mut make = process::bounded(&programs::find("dnssec-keygen"), A_MOMENT);
            make.args(["-q", "-k", POLICY, "-l"]).arg(folder.file("named.conf"));
            make.arg("-K").arg(folder.path()).arg(zone.name());
            process::run(make).expect_success();
        }
        let server = launch(&folder);
        let keys = vec![key.clone()];
        let mut bind = Self { server, zones: zones.to_vec(), key, keys, port, control, folder };
        bind.wait_until_served();
        bind
    }

    /// Where it answers, over UDP and TCP.
    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// From here on it takes updates with this key too, as somebody configures it.
    pub(crate) fn take_key(&mut self, name: &str, secret: &str) {
        let (algorithm, secret) = ("hmac-sha256".to_owned(), secret.to_owned());
        self.keys.push(TsigKey { name: name.to_owned(), algorithm, secret });
        self.reconfigure();
    }

    /// From here on it does not know this key any more.
    pub(crate) fn drop_key(&mut self, name: &str) {
        self.keys.retain(|key| key.name != name);
        self.reconfigure();
    }

    fn reconfigure(&self) {
        let role = Role::Primary { tells: Vec::new() };
        let ports = (&self.port, &self.control);
        let text = configuration(&self.zones, &self.keys, ports, &self.folder, &role);
        self.folder.write("named.conf", &text);
        self.rndc(&["reconfig"]);
    }

    /// The key for updates and zone transfers.
    pub(crate) fn key(&self) -> &TsigKey {
        &self.key
    }

    /// The zone's DNSKEY record in zone-file form: a trust anchor for a validating resolver.
    pub(crate) fn dnskey(&self, zone: &str) -> String {
        let text = std::fs::read_to_string(self.key_file(zone)).expect("the key file is text");
        let line = text.lines().find(|line| !line.starts_with(';'));
        line.expect("a key file has one record").to_owned()
    }

    /// The DS record that its parent zone should have, in zone-file form.
    pub(crate) fn ds(&self, zone: &str) -> String {
        let mut command = process::bounded(&programs::find("dnssec-dsfromkey"), A_MOMENT);
        command.args(["-2"]).arg(self.key_file(zone));
        process::run(command).expect_success().stdout.trim().to_owned()
    }

    fn key_file(&self, zone: &str) -> PathBuf {
        let begin = format!("K{zone}.+");
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder is there").flatten();
        let mut names = entries.map(|e| e.file_name().to_string_lossy().into_owned());
        let name = names.find(|n| n.starts_with(&begin) && n.ends_with(".key"));
        self.folder
            .file(&name.unwrap_or_else(|| panic!("the zone {zone} has no key; is it signed?")))
    }

    /// The serial that is served now.
    pub(crate) fn serial(&self, zone: &str) -> u32 {
        let answer = dig::ask(self.address(), zone, "SOA");
        let answer = answer.unwrap_or_else(|| panic!("no answer for {zone} SOA"));
        serial_of(&answer).unwrap_or_else(|| panic!("no SOA in {answer:?}"))
    }

    /// Puts other records in place of a zone's, and returns when they are served. How it is served was
    /// settled at the start. A verbatim zone must bring a higher serial.
    pub(crate) fn replace(&mut self, zone: &Zone) {
        let name = zone.name();
        let known = self.zones.iter_mut().find(|z| z.name() == name);
        let known = known.unwrap_or_else(|| panic!("the zone {name} is not served here"));
        let (updatable, signed) = (known.updatable, known.signed);
        *known = zone.clone();
        (known.updatable, known.signed) = (updatable, signed);
        let before = self.serial(name);
        let text = zone.text(before.wrapping_add(1));
        let file = format!("{name}.zone");
        if updatable {
            // BIND writes such a zone's file itself, when it likes (`rndc freeze` does not wait for it).
            self.server.stop("TERM");
            let _had_no_updates = std::fs::remove_file(self.folder.file(&format!("{file}.jnl")));
            self.folder.write(&file, &text);
            self.server = launch(&self.folder);
        } else {
            self.folder.write(&file, &text);
            self.rndc(&["reload", name]);
        }
        let at = self.address();
        self.server.wait_for(&format!("another serial than {before} for {name}"), || {
            let serial = serial_of(&dig::ask(at, name, "SOA")?)?;
            (serial != before).then_some(())
        });
    }

    /// Sends `nsupdate` commands (`add`, `delete`, `prereq` …) for a zone, signed with the key.
    pub(crate) fn update(&self, zone: &str, commands: &str) -> Ran {
        let TsigKey { name, algorithm, secret } = &self.key;
        let port = self.port.number();
        let text = format!("server 127.0.0.1 {port}\nzone {zone}\n{commands}\nsend\n");
        let file = self.folder.write(&format!("update-{}", Port::free().number()), &text);
        let mut command = process::bounded(&programs::find("nsupdate"), A_MOMENT);
        command.args(["-y", &format!("{algorithm}:{name}:{secret}")]).arg(file);
        process::run(command)
    }

    /// SIGKILL; what it has written stays for [`Bind::restart`].
    pub(crate) fn kill9(&mut self) {
        self.server.kill9();
    }

    /// Starts again on the same port with the same files.
    pub(crate) fn restart(&mut self) {
        self.server.kill9();
        self.server = launch(&self.folder);
        self.wait_until_served();
    }

    /// From here on it takes questions and answers none, as a server behind a broken link.
    pub(crate) fn fall_silent(&self) {
        self.server.signal("STOP");
    }

    /// Answers again.
    pub(crate) fn speak_again(&self) {
        self.server.signal("CONT");
    }

    /// Questions it has taken since it was started.
    pub(crate) fn questions(&self) -> u64 {
        let file = self.folder.file("named.stats");
        let _was_none = std::fs::remove_file(&file);
        self.rndc(&["stats"]);
        let text = std::fs::read_to_string(&file).expect("its statistics are text");
        let count = text.lines().find_map(|line| line.trim().strip_suffix(" QUERY")?.parse().ok());
        count.unwrap_or_else(|| panic!("no count of questions in {text}"))
    }

    fn rndc(&self, words: &[&str]) {
        let mut command = process::bounded(&programs::find("rndc"), A_MOMENT);
        command.arg("-c").arg(self.folder.file("rndc.conf"));
        command.args(["-p", &self.control.number().to_string()]).args(words);
        process::run(command).expect_success();
    }

    fn wait_until_served(&mut self) {
        let at = self.port.address();
        for zone in &self.zones {
            let kind = if zone.signed { "DNSKEY" } else { "SOA" };
            self.server.wait_for(&format!("serving {}", zone.name()), || {
                let answer = dig::ask(at, zone.name(), kind)?;
                let fine = answer.status == "NOERROR" && !answer.data(kind).is_empty();
                let signed = !zone.signed || !answer.data("RRSIG").is_empty();
                (fine && signed).then_some(())
            });
        }
    }
}

fn launch(folder: &Folder) -> Server {
    let mut command = process::server(&programs::copy("named", folder));
    command.args(["-g", "-n", "1", "-c"]).arg(folder.file("named.conf"));
    Server::start("named", command, &folder.file("named.log"), Piped::Nothing)
}

fn serial_of(answer: &dig::Answer) -> Option<u32> {
    answer.data("SOA").first()?.split(' ').nth(2)?.parse().ok()
}

fn configuration(
    zones: &[Zone],
    keys: &[TsigKey],
    (port, control): (&Port, &Port),
    at: &Folder,
    role: &Role,
) -> String {
    let folder = at.path().display();
    let name = &keys.first().expect("a server has a key").name;
    let all: String = keys.iter().map(|key| format!("key \"{}\"; ", key.name)).collect();
    let mut text: String = keys.iter().map(TsigKey::clause).collect();
    text += &format!("include \"{folder}/rndc.key\";\n");
    text += &format!(
        "options {{\n\
         directory \"{folder}\"; key-directory \"{folder}\";\n\
         listen-on port {} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
         pid-file none; session-keyfile none;\n\
         recursion no; dnssec-validation no; empty-zones-enable no; {}\n\
         allow-transfer {{ {all} }};\n\
         }};\n\
         controls {{ inet 127.0.0.1 port {} allow {{ 127.0.0.1; }} keys {{ \"{CONTROL_KEY}\"; }}; }};\n\
         dnssec-policy \"{POLICY}\" {{ keys {{ csk lifetime unlimited algorithm ecdsap256sha256; }}; }};\n",
        port.number(),
        role.options(),
        control.number()
    );
    for zone in zones {
        if let Role::Secondary { of } = role {
            text += &format!(
                "zone \"{0}\" {{ type secondary; file \"{0}.zone\"; masterfile-format text; \
                 primaries {{ {1} port {2} key \"{name}\"; }}; }};\n",
                zone.name(),
                of.ip(),
                of.port()
            );
            continue;
        }
        let updates =
            if zone.updatable { format!("allow-update {{ {all} }};") } else { String::new() };
        let signing = if zone.signed {
            format!("dnssec-policy \"{POLICY}\"; inline-signing yes;")
        } else {
            String::new()
        };
        text += &format!(
            "zone \"{0}\" {{ type primary; file \"{0}.zone\"; {updates} {signing} }};\n",
            zone.name()
        );
    }
    text
}

fn control_configuration(key: &TsigKey, control: &Port) -> String {
    let options = format!(
        "options {{ default-server 127.0.0.1; default-port {}; default-key \"{}\"; }};\n",
        control.number(),
        key.name
    );
    key.clause() + &options
}
