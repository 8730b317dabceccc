//! A client of the service that knows nothing of the change: it resolves the name as a cache does, connects
//! where the address says, and holds the certificate against TLSA (RFC 7671). It must never be cut off.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bailiwick_connect::dns::{DnsClient, Limits, random_ids};
use bailiwick_connect::egress::{Fence, Limits as Patience, Network};
use bailiwick_connect::served;
use bailiwick_connect::zones::{Authorities, Shown};
use bailiwick_core::names::{DnsName, SpkiHash, ZoneName};
use bailiwick_core::records::{OwnerName, RRset, RecordType};
use bailiwick_core::time::Time;

use super::scene::NAME;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);
const ZONE: &str = "shop.example";
/// How long nothing is remembered (the zone's negative TTL) and each set of the story.
const TTL: Duration = Duration::from_secs(1);

/// A client at work; it ends with [`Client::ends`].
pub(super) struct Client {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Looked>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Handshakes held against a TLSA set.
    pub(super) handshakes: u64,
    /// Those that TLSA forbade.
    pub(super) cut_off: Vec<String>,
}

impl Client {
    /// Asks these servers in turn; `at` says which endpoint answers at an address of the name.
    pub(super) fn start(servers: [SocketAddr; 3], at: BTreeMap<[u8; 4], SocketAddr>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let its = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(look(&its, servers, &at))
        });
        Self { stop, thread }
    }

    pub(super) fn ends(self) -> Looked {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the client's thread ends")
    }
}

/// What a cache holds of one set: each answer until its TTL is over.
#[derive(Default)]
struct Cache(Vec<(Instant, Option<RRset>)>);

impl Cache {
    fn keep(&mut self, answer: Option<RRset>) {
        self.0.push((Instant::now(), answer));
        self.0.retain(|(at, _)| at.elapsed() < TTL * 2);
    }

    /// What some cache still answers at this moment.
    fn held(&self, now: Instant) -> Vec<Option<RRset>> {
        let fresh = |at: &Instant| now.saturating_duration_since(*at) < TTL;
        let mut all: Vec<Option<RRset>> =
            self.0.iter().filter(|(at, _)| fresh(at)).map(|(_, set)| set.clone()).collect();
        all.dedup();
        all
    }
}

async fn look(
    stop: &AtomicBool,
    servers: [SocketAddr; 3],
    at: &BTreeMap<[u8; 4], SocketAddr>,
) -> Looked {
    let quick = Duration::from_secs(2);
    let limits = Limits { try_timeout: quick, tcp_timeout: quick, ..Limits::default() };
    let dns = DnsClient::new(limits, || Time::from_unix_seconds(0), random_ids);
    let zone = ZoneName::parse(ZONE).expect("a zone");
    let authorities = Authorities::new(dns, zone, &servers);
    let name = DnsName::parse(NAME).expect("a name");
    let (www, port) = (OwnerName::parse(NAME), OwnerName::parse(&format!("_443._tcp.{NAME}")));
    let (www, port) = (www.expect("an owner"), port.expect("an owner"));
    let fence = Fence::new(vec![Network::parse("127.0.0.0/8").expect("a network")]);
    let patience =
        Patience { connect_timeout: quick, answer_timeout: quick, whole_timeout: quick * 2 };
    let (mut addresses, mut tlsa) = (Cache::default(), Cache::default());
    let mut looked = Looked::default();
    for server in servers.into_iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        for (owner, kind, cache) in
            [(&www, RecordType::A, &mut addresses), (&port, RecordType::TLSA, &mut tlsa)]
        {
            match authorities.shown(server, owner, kind).await {
                Ok(Shown::Set(set) | Shown::Star(set)) => cache.keep(Some(set)),
                Ok(Shown::Nothing) => cache.keep(None),
                // A resolver asks another server.
                Err(_) => {}
            }
        }
        let began = Instant::now();
        for address in addresses.held(began).into_iter().flatten() {
            for octets in address.rdata() {
                let ip: Option<[u8; 4]> = octets.as_slice().try_into().ok();
                let Some(endpoint) = ip.and_then(|ip| at.get(&ip)) else { continue };
                let shown = served::certificate(&fence, &patience, &name, *endpoint).await;
                let Ok(der) = shown else { continue };
                for set in tlsa.held(Instant::now()).into_iter().flatten() {
                    looked.handshakes += 1;
                    if !names(&set, &der) {
                        let of = endpoint.port();
                        looked.cut_off.push(format!("{ip:?} (port {of}) serves no key of {set:?}"));
                    }
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    looked
}

/// Whether one record of a set is `3 1 1` of the certificate's key.
fn names(set: &RRset, der: &[u8]) -> bool {
    let spki = bailiwick_wire::x509::certificate_spki(der).expect("it is a certificate");
    let wanted = [&[3, 1, 1], SpkiHash::of(&spki).as_bytes().as_slice()].concat();
    set.rdata().contains(&wanted)
}
