//! A name server in the middle that breaks what it is told to break: it stands between the engine
//! and a real resolver, and passes on every name that has no fault.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinHandle;

/// What happens to the questions for one name.
#[derive(Clone, Debug)]
pub(crate) enum Break {
    /// This response code, and nothing else.
    Code(u8),
    /// SERVFAIL with the Extended DNS Error "DNSSEC Bogus" (RFC 8914, section 4.7).
    Bogus,
    /// No reply.
    Silence,
    /// The question comes back as it is, with QR 0.
    Echo,
    /// Truncated over UDP, and the TCP connection is closed without a word.
    NoTcp,
    /// A CAA record with this RDATA.
    Caa(Vec<u8>),
}

/// Faults by name, lower case without the final dot.
pub(crate) type Breaks = BTreeMap<String, Break>;

/// The server in the middle; it ends when it goes out of scope.
pub(crate) struct Middle {
    pub(crate) address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Middle {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Middle {
    /// With TCP.
    pub(crate) async fn start(behind: SocketAddr, breaks: Breaks) -> Self {
        let breaks = Arc::new(breaks);
        // A free UDP port whose TCP twin is free too.
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let tasks = vec![
            tokio::spawn(serve_udp(udp, behind, Arc::clone(&breaks))),
            tokio::spawn(serve_tcp(tcp, behind, breaks)),
        ];
        Self { address, tasks }
    }

    /// UDP only: TCP to it is refused.
    pub(crate) async fn without_tcp(behind: SocketAddr) -> Self {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = udp.local_addr().unwrap();
        let tasks = vec![tokio::spawn(serve_udp(udp, behind, Arc::default()))];
        Self { address, tasks }
    }
}

async fn serve_udp(socket: UdpSocket, behind: SocketAddr, breaks: Arc<Breaks>) {
    let socket = Arc::new(socket);
    let mut octets = vec![0; 4_096];
    while let Ok((length, from)) = socket.recv_from(&mut octets).await {
        let (query, socket, breaks) =
            (octets[..length].to_vec(), Arc::clone(&socket), Arc::clone(&breaks));
        tokio::spawn(async move {
            let reply = match breaks.get(&name_of(&query)) {
                Some(fault) => broken(&query, fault),
                None => ask_behind(&query, behind).await,
            };
            if let Some(reply) = reply {
                socket.send_to(&reply, from).await.ok();
            }
        });
    }
}

async fn ask_behind(query: &[u8], behind: SocketAddr) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.ok()?;
    socket.connect(behind).await.ok()?;
    socket.send(query).await.ok()?;
    let mut octets = vec![0; 4_096];
    let length = socket.recv(&mut octets).await.ok()?;
    octets.truncate(length);
    Some(octets)
}

async fn serve_tcp(listener: TcpListener, behind: SocketAddr, breaks: Arc<Breaks>) {
    while let Ok((stream, _)) = listener.accept().await {
        let breaks = Arc::clone(&breaks);
        tokio::spawn(async move { relay_tcp(stream, behind, &breaks).await });
    }
}

async fn relay_tcp(mut near: TcpStream, behind: SocketAddr, breaks: &Breaks) -> Option<()> {
    let query = read_tcp(&mut near).await?;
    if breaks.contains_key(&name_of(&query)) {
        return None;
    }
    let mut far = TcpStream::connect(behind).await.ok()?;
    write_tcp(&mut far, &query).await?;
    let reply = read_tcp(&mut far).await?;
    write_tcp(&mut near, &reply).await
}

async fn read_tcp(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let length = stream.read_u16().await.ok()?;
    let mut octets = vec![0; usize::from(length)];
    stream.read_exact(&mut octets).await.ok()?;
    Some(octets)
}

async fn write_tcp(stream: &mut TcpStream, octets: &[u8]) -> Option<()> {
    let length = u16::try_from(octets.len()).ok()?.to_be_bytes();
    stream.write_all(&[&length, octets].concat()).await.ok()
}

/// The name asked, and where the question ends.
fn question_of(query: &[u8]) -> (String, usize) {
    let mut labels = Vec::new();
    let mut at = 12;
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..end]).to_lowercase());
        at = end;
    }
    (labels.join("."), at + 5)
}

fn name_of(query: &[u8]) -> String {
    question_of(query).0
}

fn broken(query: &[u8], fault: &Break) -> Option<Vec<u8>> {
    let (_, end) = question_of(query);
    let reply = |high: u8, low: u8, counts: [u8; 4], rest: &[u8]| {
        let [_, answers, _, additional] = counts;
        let head = [query[0], query[1], high, low, 0, 1, 0, answers, 0, 0, 0, additional];
        Some([&head, &query[12..end], rest].concat())
    };
    match fault {
        Break::Silence => None,
        Break::Echo => Some(query.to_vec()),
        Break::Code(code) => reply(0x81, 0x80 | code, [1, 0, 0, 0], &[]),
        Break::NoTcp => reply(0x83, 0x80, [1, 0, 0, 0], &[]),
        Break::Bogus => {
            let option = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 6, 0, 15, 0, 2, 0, 6];
            reply(0x81, 0x82, [1, 0, 0, 1], &option)
        }
        Break::Caa(rdata) => {
            let length = u16::try_from(rdata.len()).unwrap().to_be_bytes();
            let head = [0xc0, 12, 1, 1, 0, 1, 0, 0, 1, 44];
            reply(0x81, 0x80, [1, 1, 0, 0], &[&head[..], &length, rdata].concat())
        }
    }
}
