//! An authoritative name server inside the process, for the lab and for tests without BIND.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_core::names::ZoneName;
use hickory_proto::rr::{LowerName, Name, RData, RecordSet, RecordType, RrKey};
use hickory_proto::serialize::txt::Parser;
use hickory_server::Server;
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneHandler, ZoneType};
use tokio::net::{TcpListener, UdpSocket};

mod door;

pub use door::LabDoor;

/// A TCP client that says nothing is cut off after this time.
const TCP_IDLE: Duration = Duration::from_secs(5);
/// Octets buffered for one TCP client.
const TCP_BUFFER: usize = 64 * 1024;

/// Why the lab's DNS did not start.
#[derive(Debug, thiserror::Error)]
pub enum NoLabDns {
    /// A zone's text is not a zone.
    #[error("the lab's zone `{zone}` cannot be read: {why}")]
    Zone {
        /// Which.
        zone: ZoneName,
        /// Why.
        why: String,
    },
    /// The address cannot be listened on.
    #[error("the lab's DNS cannot listen on `{address}`: {cause}; choose another with --lab-dns")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        cause: std::io::Error,
    },
}

/// The zones of the lab, for whoever edits them as a DNS administrator would.
#[derive(Clone, Default)]
pub struct LabZones {
    zones: BTreeMap<ZoneName, Arc<InMemoryZoneHandler>>,
    /// Where they are served, once they are.
    address: Option<SocketAddr>,
}

impl LabZones {
    /// Puts record sets in place of those with the same owner and type, given as master-file text, and
    /// raises the serial. An owner and type alone, such as `shop.example. CAA`, take the set away.
    ///
    /// # Errors
    /// Why the text is not that.
    pub async fn edit(&self, zone: &ZoneName, text: &str) -> Result<u32, String> {
        let handler = self.zones.get(zone).ok_or_else(|| {
            let all: Vec<String> = self.zones.keys().map(|one| format!("`{one}`")).collect();
            format!("the lab has no zone `{zone}`; it has {}", all.join(", "))
        })?;
        let origin = Name::from_ascii(format!("{zone}.")).map_err(|cause| cause.to_string())?;
        let mut gone = Vec::new();
        let mut whole = String::from("$TTL 300\n");
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let [owner, kind] = line.split_whitespace().collect::<Vec<_>>().as_slice() {
                let name = Name::parse(owner, Some(&origin)).map_err(|cause| cause.to_string())?;
                let kind: RecordType = kind
                    .to_ascii_uppercase()
                    .parse()
                    .map_err(|_| format!("`{kind}` is no type of record; write such as `CAA`"))?;
                gone.push(RrKey::new(LowerName::new(&name), kind));
                continue;
            }
            let text = format!("$TTL 300\n{line}\n");
            Parser::new(text, None, Some(origin.clone()))
                .parse()
                .map_err(|cause| format!("`{line}` is no record: {cause}"))?;
            whole += &format!("{line}\n");
        }
        // Together, so that several records of one set make one set.
        let (_, added) = Parser::new(whole, None, Some(origin.clone()))
            .parse()
            .map_err(|cause| format!("the records do not go together: {cause}"))?;
        let mut records = handler.records_mut().await;
        for key in &gone {
            records.remove(key);
        }
        for (key, set) in added {
            records.insert(key, Arc::new(set));
        }
        Ok(raise_serial(&mut records, &origin))
    }
}

/// Raises the serial of a zone by one; the new one.
fn raise_serial(records: &mut BTreeMap<RrKey, Arc<RecordSet>>, origin: &Name) -> u32 {
    let soa = RrKey::new(LowerName::new(origin), RecordType::SOA);
    let before = records.get(&soa).and_then(|set| set.records_without_rrsigs().next().cloned());
    let Some(mut record) = before else { return 0 };
    let RData::SOA(data) = &mut record.data else { return 0 };
    let serial = data.serial.wrapping_add(1);
    data.serial = serial;
    let mut set = RecordSet::new(origin.clone(), RecordType::SOA, serial);
    set.insert(record, serial);
    records.insert(soa, Arc::new(set));
    serial
}

/// A running name server; stops when it is dropped.
pub struct LabDns {
    address: SocketAddr,
    zones: LabZones,
    _server: Server<Catalog>,
}

impl LabDns {
    /// Serves zones, each given as master-file text, on UDP and TCP of one address.
    ///
    /// # Errors
    /// [`NoLabDns`]; nothing listens then.
    pub async fn start(
        address: SocketAddr,
        zones: &[(ZoneName, String)],
    ) -> Result<Self, NoLabDns> {
        let mut catalog = Catalog::new();
        let mut edited = LabZones::default();
        for (zone, text) in zones {
            let handler =
                handler(zone, text).map_err(|why| NoLabDns::Zone { zone: zone.clone(), why })?;
            let (origin, handler): (LowerName, Arc<InMemoryZoneHandler>) = handler;
            edited.zones.insert(zone.clone(), Arc::clone(&handler));
            let handler: Arc<dyn ZoneHandler> = handler;
            catalog.upsert(origin, vec![handler]);
        }
        let failed = |cause| NoLabDns::Listen { address, cause };
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        let udp = UdpSocket::bind(address).await.map_err(failed)?;
        let mut server = Server::new(catalog);
        server.register_socket(udp);
        server.register_listener(tcp, TCP_IDLE, TCP_BUFFER);
        edited.address = Some(address);
        Ok(Self { address, zones: edited, _server: server })
    }

    /// Whether records, given as master-file text, are of kinds that it knows.
    #[must_use]
    pub fn can_serve(zone: &ZoneName, text: &str) -> bool {
        let Ok(origin) = Name::from_ascii(format!("{zone}.")) else { return false };
        Parser::new(format!("$TTL 300\n{text}\n"), None, Some(origin)).parse().is_ok()
    }

    /// Its zones, to be edited.
    #[must_use]
    pub fn zones(&self) -> LabZones {
        self.zones.clone()
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

fn handler(zone: &ZoneName, text: &str) -> Result<(LowerName, Arc<InMemoryZoneHandler>), String> {
    let origin = Name::from_ascii(format!("{zone}.")).map_err(|cause| cause.to_string())?;
    let (_, records) =
        Parser::new(text, None, Some(origin.clone())).parse().map_err(|cause| cause.to_string())?;
    let handler: InMemoryZoneHandler =
        InMemoryZoneHandler::new(origin.clone(), records, ZoneType::Primary, AxfrPolicy::AllowAll)?;
    Ok((LowerName::new(&origin), Arc::new(handler)))
}
