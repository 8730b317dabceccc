//! Names that answer one address to the check and another to the connection. There is only one answer:
//! what was checked is what is connected to, and each request asks anew.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bailiwick_connect::egress::{Call, Egress, Method, Target, Trust, Web as _};
use tokio::net::UdpSocket;

use crate::world::{Kind, World, resolving};

/// A name server that answers each question about an A record with the next address.
async fn fickle(addresses: &'static [[u8; 4]]) -> (SocketAddr, Arc<AtomicUsize>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (at, asked) = (socket.local_addr().unwrap(), Arc::<AtomicUsize>::default());
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question).await {
            let answer = answered(&question[..length], addresses, &count);
            let _gone = socket.send_to(&answer, from).await;
        }
    });
    (at, asked)
}

/// The question with an answer behind it (RFC 1035, section 4.1); for other types the zone says that there
/// is none (RFC 2308, section 2.2).
fn answered(question: &[u8], addresses: &[[u8; 4]], asked: &AtomicUsize) -> Vec<u8> {
    let name_end = 12 + question[12..].iter().position(|octet| *octet == 0).unwrap();
    let is_a = question[name_end + 1..name_end + 3] == [0, 1];
    let mut message = question[..name_end + 5].to_vec();
    message[2..4].copy_from_slice(&[0x84, 0]);
    message[4..12].copy_from_slice(&[0, 1, 0, u8::from(is_a), 0, u8::from(!is_a), 0, 0]);
    if is_a {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        message.extend(addresses[number % addresses.len()]);
    } else {
        // The zone's name begins after the first label.
        message.extend([0xc0, 13 + question[12], 0, 6, 0, 1, 0, 0, 0, 0, 0, 22]);
        message.extend([0; 22]);
    }
    message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_changes_between_two_looks_gains_nothing() {
    let world = World::start().await;
    let permitted: Ipv4Addr = crate::world::PERMITTED.parse().unwrap();
    assert_eq!(permitted.octets(), [127, 77, 0, 1]);
    let (server, asked) = fickle(&[[127, 77, 0, 1], [127, 0, 0, 1]]).await;
    let (client, view) = resolving(server);
    let egress = Egress::new(client, view, World::fence(), World::limits());
    let url = format!("http://rebind.fenced.example:{}/found", world.port());
    let (mut reached, mut fenced) = (0, 0);
    for _ in 0..20 {
        let target = Target::parse(&url).unwrap();
        let trust = Trust::anybody().unwrap();
        let call = Call {
            method: Method::Get,
            target,
            body: None,
            credential: None,
            accept: "*/*",
            trust,
        };
        match egress.call(call).await {
            Ok(answer) => reached += usize::from(answer.status == 200),
            Err(cause) => {
                assert!(cause.to_string().contains("loopback"), "{cause}");
                fenced += 1;
            }
        }
        assert_eq!(world.reached(Kind::Forbidden), 0, "after {reached} and {fenced}");
    }
    assert_eq!((reached, fenced), (10, 10), "{} questions", asked.load(Ordering::SeqCst));
}
