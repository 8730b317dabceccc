//! Sockets for many datagrams to one address: what a sweep over many names sends and takes.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::fence::Permit;

/// Sockets to and from one address only, each on a port of its own that the system picked at random
/// and drops datagrams from anybody else (RFC 5452, section 9.2). Nothing here blocks.
pub(crate) struct Batch {
    sockets: Vec<UdpSocket>,
}

/// What became of one datagram.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sent {
    /// It is on its way.
    Gone,
    /// The system takes no more at the moment.
    Full,
    /// The system says that nobody takes datagrams there.
    Refused,
}

/// What a socket had.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Received {
    /// A datagram of so many octets.
    Octets(usize),
    /// Nothing more at the moment.
    Nothing,
    /// The system says that nobody takes datagrams there.
    Refused,
}

impl Batch {
    /// Opens `count` sockets.
    pub(crate) fn open(permit: Permit, count: usize) -> std::io::Result<Self> {
        let any: SocketAddr = match permit.address() {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let one = |_| {
            let socket = UdpSocket::bind(any)?;
            socket.connect(permit.address())?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        Ok(Self { sockets: (0..count).map(one).collect::<std::io::Result<_>>()? })
    }

    /// How many sockets there are.
    pub(crate) const fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Sends one datagram from one of the sockets.
    pub(crate) fn send(&self, socket: usize, octets: &[u8]) -> Sent {
        let Some(socket) = self.sockets.get(socket) else { return Sent::Refused };
        match socket.send(octets) {
            Ok(_) => Sent::Gone,
            Err(cause) if cause.kind() == ErrorKind::WouldBlock => Sent::Full,
            Err(_) => Sent::Refused,
        }
    }

    /// Takes one datagram from one of the sockets.
    pub(crate) fn receive(&self, socket: usize, octets: &mut [u8]) -> Received {
        let Some(socket) = self.sockets.get(socket) else { return Received::Nothing };
        match socket.recv(octets) {
            Ok(length) => Received::Octets(length),
            Err(cause) if cause.kind() == ErrorKind::WouldBlock => Received::Nothing,
            Err(_) => Received::Refused,
        }
    }
}

/// Waits until one of the sockets has something, at most so long. Says for each batch which of its
/// sockets do.
pub(crate) fn wait_for_any(batches: &[&Batch], timeout: Duration) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    let mut fds = Vec::new();
    for (number, batch) in batches.iter().enumerate() {
        for (socket, fd) in batch.sockets.iter().enumerate() {
            places.push((number, socket));
            fds.push(PollFd::new(fd, PollFlags::IN));
        }
    }
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(1),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // A signal may end the wait early; the next round waits again.
    if poll(&mut fds, Some(&timeout)).is_err() {
        return Vec::new();
    }
    let ready = places.into_iter().zip(fds).filter(|(_, fd)| !fd.revents().is_empty());
    ready.map(|(place, _)| place).collect()
}
