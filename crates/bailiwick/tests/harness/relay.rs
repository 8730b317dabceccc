//! A server of a zone that answers as a real one does, until it grows slow or its answers arrive cut short:
//! what no name server can be configured to do.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use super::place::Port;

/// A running relay; its threads end with the test.
pub(crate) struct Relay {
    port: Port,
    manner: Arc<AtomicU8>,
}

/// How it answers.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    Faithful = 0,
    /// Later than anybody waits.
    Slow = 1,
    /// Cut short over UDP (RFC 1035, section 4.1.1: TC), and nothing over TCP.
    Truncated = 2,
    Over = 3,
}

const LATE: Duration = Duration::from_secs(8);
const A_MOMENT: Duration = Duration::from_secs(2);
/// The flag TC in the third octet of a message.
const TC: u8 = 0b10;
/// The header of a message (RFC 1035, section 4.1.1).
const HEADER: usize = 12;

impl Relay {
    /// Relays to this server, over UDP and TCP.
    pub(crate) fn start(to: SocketAddr) -> Self {
        let port = Port::free();
        let manner = Arc::new(AtomicU8::new(Manner::Faithful as u8));
        let udp = UdpSocket::bind(port.address()).expect("the port is free");
        let glance = Duration::from_millis(200);
        udp.set_read_timeout(Some(glance)).expect("a timeout can be set");
        let tcp = TcpListener::bind(port.address()).expect("the port is free");
        tcp.set_nonblocking(true).expect("it can be set so");
        let its = Arc::clone(&manner);
        std::thread::spawn(move || relay_udp(&Arc::new(udp), to, &its));
        let its = Arc::clone(&manner);
        std::thread::spawn(move || relay_tcp(&tcp, to, &its));
        Self { port, manner }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// From here on it answers in this manner.
    pub(crate) fn becomes(&self, manner: Manner) {
        self.manner.store(manner as u8, Ordering::Relaxed);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.becomes(Manner::Over);
    }
}

fn is(manner: &AtomicU8, one: Manner) -> bool {
    manner.load(Ordering::Relaxed) == one as u8
}

fn relay_udp(socket: &Arc<UdpSocket>, to: SocketAddr, manner: &Arc<AtomicU8>) {
    let mut octets = [0; 4_096];
    while !is(manner, Manner::Over) {
        let Ok((length, from)) = socket.recv_from(&mut octets) else { continue };
        let question = octets[..length].to_vec();
        let (socket, manner) = (Arc::clone(socket), Arc::clone(manner));
        std::thread::spawn(move || {
            if is(&manner, Manner::Slow) {
                std::thread::sleep(LATE);
            }
            let Ok(there) = UdpSocket::bind("127.0.0.1:0") else { return };
            let _bounded = there.set_read_timeout(Some(A_MOMENT));
            let mut answer = [0; 4_096];
            let sent = there.send_to(&question, to);
            let Ok(length) = sent.and_then(|_| there.recv(&mut answer)) else { return };
            let mut answer = answer[..length].to_vec();
            if is(&manner, Manner::Truncated) {
                cut_short(&mut answer, question.len());
            }
            let _gone = socket.send_to(&answer, from);
        });
    }
}

/// Header and question alone, with the flag that says so.
fn cut_short(answer: &mut Vec<u8>, question: usize) {
    // Without EDNS a question is a header and one entry; what dig and we add behind it goes as well.
    let end = answer[HEADER..]
        .iter()
        .position(|octet| *octet == 0)
        .map_or(question, |at| HEADER + at + 1 + 4);
    answer.truncate(end);
    answer[2] |= TC;
    for count in &mut answer[6..HEADER] {
        *count = 0;
    }
}

fn relay_tcp(listener: &TcpListener, to: SocketAddr, manner: &Arc<AtomicU8>) {
    while !is(manner, Manner::Over) {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        };
        if is(manner, Manner::Truncated) {
            continue;
        }
        let slow = is(manner, Manner::Slow);
        std::thread::spawn(move || {
            if slow {
                std::thread::sleep(LATE);
            }
            let _gone = one_message(stream, to);
        });
    }
}

fn one_message(mut from: TcpStream, to: SocketAddr) -> std::io::Result<()> {
    from.set_nonblocking(false)?;
    from.set_read_timeout(Some(A_MOMENT))?;
    let mut there = TcpStream::connect(to)?;
    there.set_read_timeout(Some(A_MOMENT))?;
    let question = framed(&mut from)?;
    there.write_all(&question)?;
    let answer = framed(&mut there)?;
    from.write_all(&answer)
}

/// A message with its length before it (RFC 1035, section 4.2.2).
fn framed(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut octets)?;
    Ok([length.as_slice(), &octets].concat())
}
