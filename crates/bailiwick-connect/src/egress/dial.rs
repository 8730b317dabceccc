//! The calls that open something to the outside.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::client::TlsStream;

use super::fence::Permit;

/// Connects; how long it may take is the caller's to bound.
pub(crate) async fn dial(permit: Permit) -> std::io::Result<TcpStream> {
    TcpStream::connect(permit.address()).await
}

/// Connects and speaks TLS from the first octet on; how long it may take is the caller's to bound.
pub(crate) async fn dial_tls(
    permit: Permit,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = dial(permit).await?;
    tokio_rustls::TlsConnector::from(config).connect(name, stream).await
}

/// A socket for datagrams to and from this address only, on a port of its own: the system picks a
/// random one and drops datagrams from anybody else (RFC 5452, section 9.2).
pub(crate) async fn datagram(permit: Permit) -> std::io::Result<UdpSocket> {
    let any: SocketAddr = match permit.address() {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(permit.address()).await?;
    Ok(socket)
}
