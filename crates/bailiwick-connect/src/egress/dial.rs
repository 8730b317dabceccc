//! The two calls that open something to the outside.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpStream, UdpSocket};

use super::fence::Permit;

/// Connects; how long it may take is the caller's to bound.
pub(crate) async fn dial(permit: Permit) -> std::io::Result<TcpStream> {
    TcpStream::connect(permit.address()).await
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
