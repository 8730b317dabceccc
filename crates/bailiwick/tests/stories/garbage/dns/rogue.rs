//! A name server that was never taught DNS, or learned it too well.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::harness::place::Port;
use crate::stories::garbage::noise;
use crate::stories::kill9::dice::Dice;

/// What one question gets: datagrams, or octets where it was asked over TCP.
#[derive(Clone, Copy)]
pub(super) struct Habit {
    udp: fn(&[u8]) -> Vec<Vec<u8>>,
    tcp: fn(&[u8]) -> Vec<u8>,
}

const fn by_udp(udp: fn(&[u8]) -> Vec<Vec<u8>>) -> Habit {
    Habit { udp, tcp: |_| Vec::new() }
}

const fn by_tcp(tcp: fn(&[u8]) -> Vec<u8>) -> Habit {
    Habit { udp: |query| vec![truncated(query)], tcp }
}

/// Every habit by its name.
pub(super) const HABITS: &[(&str, Habit)] = &[
    ("silence", by_udp(|_| Vec::new())),
    ("an empty datagram", by_udp(|_| vec![Vec::new()])),
    ("one octet", by_udp(|_| vec![vec![0]])),
    ("the question", by_udp(|query| vec![query.to_vec()])),
    (
        "half the question",
        by_udp(|query| vec![query.get(..query.len() / 2).unwrap_or_default().to_vec()]),
    ),
    ("noise", by_udp(|_| vec![random(600)])),
    ("a flood of noise", by_udp(|_| (0..60).map(|_| random(100)).collect())),
    (
        "noise behind our identifier",
        by_udp(|query| vec![[query.get(..2).unwrap_or_default(), &random(500)[..]].concat()]),
    ),
    ("noise behind our question", by_udp(|query| vec![answer(query, 1, &random(3_000))])),
    (
        "another identifier",
        by_udp(|query| {
            let mut reply = no_records(query);
            alter(&mut reply, 0, 0x55);
            vec![reply]
        }),
    ),
    (
        "another question",
        by_udp(|query| {
            let mut reply = no_records(query);
            alter(&mut reply, 14, 0x01);
            vec![reply]
        }),
    ),
    (
        "no question",
        by_udp(|query| {
            let mut reply = no_records(query).get(..12).unwrap_or_default().to_vec();
            set(&mut reply, 5, 0);
            vec![reply]
        }),
    ),
    (
        "two questions",
        by_udp(|query| {
            let mut reply = no_records(query);
            set(&mut reply, 5, 2);
            vec![reply]
        }),
    ),
    (
        "counts without records",
        by_udp(|query| {
            let mut reply = no_records(query);
            for place in 6..12 {
                set(&mut reply, place, 0xff);
            }
            vec![reply]
        }),
    ),
    (
        "a name that points to itself",
        by_udp(|query| {
            let own = u8::try_from(query.len()).unwrap_or(0);
            vec![answer(query, 1, &[0xc0, own, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0])]
        }),
    ),
    (
        "names that point at each other",
        by_udp(|query| {
            let own = u8::try_from(query.len()).unwrap_or(0);
            vec![answer(query, 1, &[0xc0, own + 2, 0xc0, own, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0])]
        }),
    ),
    (
        "a name that points ahead",
        by_udp(|query| vec![answer(query, 1, &[0xc3, 0xff, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0])]),
    ),
    (
        "a label of 191 octets",
        by_udp(|query| vec![answer(query, 1, &[&[0xbf][..], &random(300)].concat())]),
    ),
    (
        "a record that is longer than the message",
        by_udp(|query| vec![caa(query, &[0xff, 0xff, 0, 5, b'i', b's'])]),
    ),
    (
        "a tag that is longer than its record",
        by_udp(|query| vec![caa(query, &[0, 4, 0, 200, b'i', b's'])]),
    ),
    ("a tag of no letters", by_udp(|query| vec![caa(query, &[0, 2, 0, 0])])),
    ("a record of no octets", by_udp(|query| vec![caa(query, &[0, 0])])),
    (
        "a record behind which more stands",
        by_udp(|query| vec![[&no_records(query)[..], &random(40)].concat()]),
    ),
    (
        "an alias to itself",
        by_udp(|query| {
            vec![answer(query, 1, &[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 12])]
        }),
    ),
    (
        "an alias that breaks off",
        by_udp(|query| vec![answer(query, 1, &[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 9, 3, b'a'])]),
    ),
    (
        "a status that does not exist",
        by_udp(|query| {
            let mut reply = no_records(query);
            set(&mut reply, 3, 0x8f);
            vec![reply]
        }),
    ),
    (
        "a refusal",
        by_udp(|query| {
            let mut reply = no_records(query);
            set(&mut reply, 3, 0x85);
            vec![reply]
        }),
    ),
    (
        "another kind of message",
        by_udp(|query| {
            let mut reply = no_records(query);
            set(&mut reply, 2, 0xa8);
            vec![reply]
        }),
    ),
    ("no TCP behind a truncated reply", by_tcp(|_| Vec::new())),
    ("a length without a message", by_tcp(|_| vec![0xff, 0xff])),
    ("a message shorter than its length", by_tcp(|query| [&[0xff, 0xff][..], query].concat())),
    ("a length of none", by_tcp(|_| vec![0, 0])),
    ("noise over TCP", by_tcp(|_| framed(&random(60_000)))),
    ("a truncated reply over TCP", by_tcp(|query| framed(&truncated(query)))),
    ("64 KiB of aliases", by_tcp(|query| framed(&aliases(query)))),
    ("the question over TCP", by_tcp(framed)),
];

fn random(count: usize) -> Vec<u8> {
    static TURN: AtomicU32 = AtomicU32::new(0);
    let seed = u64::from(TURN.fetch_add(1, Ordering::Relaxed));
    noise(&mut Dice::new(seed), count)
}

fn alter(message: &mut [u8], place: usize, bits: u8) {
    if let Some(octet) = message.get_mut(place) {
        *octet ^= bits;
    }
}

fn set(message: &mut [u8], place: usize, to: u8) {
    if let Some(octet) = message.get_mut(place) {
        *octet = to;
    }
}

/// The header and question of a query, without its EDNS record.
fn question(query: &[u8]) -> Vec<u8> {
    let mut end = 12;
    while let Some(length) = query.get(end).filter(|length| **length > 0) {
        end += usize::from(*length) + 1;
    }
    let mut message = query.get(..(end + 5).min(query.len())).unwrap_or_default().to_vec();
    for place in 6..12 {
        set(&mut message, place, 0);
    }
    message
}

/// A reply that would be good: recursion available, validated, nothing there.
fn no_records(query: &[u8]) -> Vec<u8> {
    let mut message = question(query);
    set(&mut message, 2, 0x85);
    set(&mut message, 3, 0xa0);
    message
}

fn truncated(query: &[u8]) -> Vec<u8> {
    let mut message = no_records(query);
    set(&mut message, 2, 0x87);
    message
}

/// A reply with so many answers, which are these octets.
fn answer(query: &[u8], count: u8, octets: &[u8]) -> Vec<u8> {
    let mut message = no_records(query);
    set(&mut message, 7, count);
    message.extend_from_slice(octets);
    message
}

/// A reply with one CAA record of this length and these octets.
fn caa(query: &[u8], length_and_octets: &[u8]) -> Vec<u8> {
    let head = [0xc0, 12, 1, 1, 0, 1, 0, 0, 0, 60];
    answer(query, 1, &[&head[..], length_and_octets].concat())
}

/// A chain of aliases that is as long as a message can be.
fn aliases(query: &[u8]) -> Vec<u8> {
    let mut message = no_records(query);
    let mut count: u16 = 0;
    let mut owner: [u8; 2] = [0xc0, 12];
    while message.len() < 16_000 {
        let label = format!("a{count}");
        let target = message.len() + 12;
        message.extend_from_slice(&owner);
        let length = u16::try_from(label.len() + 2).unwrap_or(0).to_be_bytes();
        message.extend_from_slice(&[0, 5, 0, 1, 0, 0, 0, 60, length[0], length[1]]);
        message.push(u8::try_from(label.len()).unwrap_or(0));
        message.extend_from_slice(label.as_bytes());
        message.push(0);
        owner = (0xc000 | u16::try_from(target).unwrap_or(0)).to_be_bytes();
        count += 1;
    }
    let count = count.to_be_bytes();
    set(&mut message, 6, count[0]);
    set(&mut message, 7, count[1]);
    message.resize(65_535, 0);
    message
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&length[..], message].concat()
}

/// One that answers every question by one habit; it stops with the test.
pub(super) struct Rogue {
    port: Port,
    asked: Arc<AtomicU32>,
}

impl Rogue {
    pub(super) fn start(habit: Habit) -> Self {
        Self::with(vec![habit])
    }

    /// One that has the habits of all, another for each question.
    pub(super) fn of_every_habit() -> Self {
        Self::with(HABITS.iter().map(|(_, habit)| *habit).collect())
    }

    fn with(habits: Vec<Habit>) -> Self {
        let port = Port::free();
        let asked = Arc::new(AtomicU32::new(0));
        let turn = Arc::new(AtomicUsize::new(0));
        let socket = UdpSocket::bind(port.address()).expect("the port is ours");
        let listener = TcpListener::bind(port.address()).expect("the port is ours");
        let (count, now, all) = (Arc::clone(&asked), Arc::clone(&turn), habits.clone());
        std::thread::spawn(move || {
            let mut query = [0; 4_096];
            while let Ok((length, peer)) = socket.recv_from(&mut query) {
                count.fetch_add(1, Ordering::Relaxed);
                let Some(habit) = all.get(now.fetch_add(1, Ordering::Relaxed) % all.len()) else {
                    continue;
                };
                for reply in (habit.udp)(query.get(..length).unwrap_or_default()) {
                    let _sent = socket.send_to(&reply, peer);
                }
            }
        });
        let (count, now) = (Arc::clone(&asked), turn);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                let habit = habits.get(now.load(Ordering::Relaxed) % habits.len()).copied();
                std::thread::spawn(move || habit.map(|habit| converse(stream, habit)));
            }
        });
        Self { port, asked }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    pub(super) fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

fn converse(mut stream: TcpStream, habit: Habit) {
    let mut length = [0; 2];
    let Ok(()) = stream.read_exact(&mut length) else { return };
    let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
    let Ok(()) = stream.read_exact(&mut query) else { return };
    let _sent = stream.write_all(&(habit.tcp)(&query));
    // Kept open: whoever waits for more waits as long as they want to.
    let _closed = stream.read(&mut length);
}
