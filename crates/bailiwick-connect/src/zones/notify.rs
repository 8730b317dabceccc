//! Hearing that a zone has changed (NOTIFY, RFC 1996).
//!
//! A NOTIFY proves nothing: its sender's address can be forged. It wakes whoever reads that zone, and
//! only for a zone and from a server that are known; what changed is read from the server itself.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bailiwick_wire::dns::{Notify, NotifyAnswer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Octets of a NOTIFY that are read: a name, a SOA and a signature fit in a fraction of it.
const MESSAGE_OCTETS_MAX: usize = 1_500;
/// Connections at once; a server opens one for one message.
const CONNECTIONS_MAX: usize = 16;
/// For one message over TCP.
const TCP_TIMEOUT: Duration = Duration::from_secs(5);

/// Who reads zones: asked for each message, and woken by `true`.
pub trait Wakes: Send + Sync {
    /// A server at this address says that a zone changed. Wakes the reader of that zone and says
    /// whether both are known here; must return at once.
    fn heard(&self, notify: &Notify, from: IpAddr) -> bool;
}

/// Listens for NOTIFY over UDP and TCP.
#[derive(Debug)]
pub struct NotifyListener {
    udp: UdpSocket,
    tcp: TcpListener,
}

impl NotifyListener {
    /// Listens at an address, both ways at the same port; port 0 takes a free one.
    ///
    /// # Errors
    /// The system's, such as a port in use.
    pub async fn bind(at: SocketAddr) -> std::io::Result<Self> {
        let tcp = TcpListener::bind(at).await?;
        let udp = UdpSocket::bind(tcp.local_addr()?).await?;
        Ok(Self { udp, tcp })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Answers and wakes until it is dropped. Never returns.
    pub async fn run(self, wakes: Arc<dyn Wakes>) {
        let Self { udp, tcp } = self;
        tokio::join!(datagrams(&udp, wakes.as_ref()), connections(&tcp, &wakes));
    }
}

/// What is answered, if anything is: nothing to what is no NOTIFY, so that nobody is hit with answers
/// by a forged address.
fn answer(octets: &[u8], from: IpAddr, wakes: &dyn Wakes) -> Option<Vec<u8>> {
    let notify = Notify::read(octets)?;
    let is_known = wakes.heard(&notify, from);
    Some(notify.answer(if is_known { NotifyAnswer::Heard } else { NotifyAnswer::Refused }))
}

async fn datagrams(udp: &UdpSocket, wakes: &dyn Wakes) {
    let mut octets = vec![0; MESSAGE_OCTETS_MAX];
    loop {
        let Ok((length, from)) = udp.recv_from(&mut octets).await else {
            // Somebody was not there for an answer of ours; go on, and not in a hurry.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let message = octets.get(..length).unwrap_or_default();
        if let Some(answer) = answer(message, from.ip(), wakes)
            && let Err(cause) = udp.send_to(&answer, from).await
        {
            tracing::debug!(server = %from, %cause, "a NOTIFY could not be answered");
        }
    }
}

async fn connections(tcp: &TcpListener, wakes: &Arc<dyn Wakes>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, from)) = tcp.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let wakes = Arc::clone(wakes);
        tokio::spawn(async move {
            if timeout(TCP_TIMEOUT, converse(stream, from.ip(), wakes.as_ref())).await.is_err() {
                tracing::debug!(server = %from, "a connection for NOTIFY brought nothing in time");
            }
            drop(permit);
        });
    }
}

async fn converse(mut stream: TcpStream, from: IpAddr, wakes: &dyn Wakes) {
    let Ok(length) = stream.read_u16().await else { return };
    let length = usize::from(length);
    if length > MESSAGE_OCTETS_MAX {
        return;
    }
    let mut octets = vec![0; length];
    if stream.read_exact(&mut octets).await.is_err() {
        return;
    }
    let Some(answer) = answer(&octets, from, wakes) else { return };
    let Ok(length) = u16::try_from(answer.len()) else { return };
    if let Err(cause) = stream.write_all(&[&length.to_be_bytes()[..], &answer].concat()).await {
        tracing::debug!(server = %from, %cause, "a NOTIFY could not be answered");
    }
}
