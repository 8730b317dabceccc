//! An authoritative name server inside the process, for the lab and for tests without BIND.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_core::names::ZoneName;
use hickory_proto::rr::{LowerName, Name};
use hickory_proto::serialize::txt::Parser;
use hickory_server::Server;
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneHandler, ZoneType};
use tokio::net::{TcpListener, UdpSocket};

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

/// A running name server; stops when it is dropped.
pub struct LabDns {
    address: SocketAddr,
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
        for (zone, text) in zones {
            let handler =
                handler(zone, text).map_err(|why| NoLabDns::Zone { zone: zone.clone(), why })?;
            let (origin, handler): (LowerName, Arc<dyn ZoneHandler>) = handler;
            catalog.upsert(origin, vec![handler]);
        }
        let failed = |cause| NoLabDns::Listen { address, cause };
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        let udp = UdpSocket::bind(address).await.map_err(failed)?;
        let mut server = Server::new(catalog);
        server.register_socket(udp);
        server.register_listener(tcp, TCP_IDLE, TCP_BUFFER);
        Ok(Self { address, _server: server })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

fn handler(zone: &ZoneName, text: &str) -> Result<(LowerName, Arc<dyn ZoneHandler>), String> {
    let origin = Name::from_ascii(format!("{zone}.")).map_err(|cause| cause.to_string())?;
    let (_, records) =
        Parser::new(text, None, Some(origin.clone())).parse().map_err(|cause| cause.to_string())?;
    let handler: InMemoryZoneHandler =
        InMemoryZoneHandler::new(origin.clone(), records, ZoneType::Primary, AxfrPolicy::AllowAll)?;
    Ok((LowerName::new(&origin), Arc::new(handler)))
}
