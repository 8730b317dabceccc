//! CAA of very many names: the climb of issuance, its look-ups batched over UDP and shared.
//!
//! One thread asks; a name that several climbs pass is asked once. What does not fit into one
//! datagram's answer, or leads to another zone, takes the careful path of issuance
//! ([`DnsClient::caa_look_up`]'s own look-up). An answer counts only if address, port, identifier
//! and the whole question match, letters' case included, which is drawn at random (RFC 5452,
//! section 9; draft-vixie-dnsext-dns0x20). What failed is a failure and never an empty answer.
//!
//! Memory does not grow with the number of names: climbs under way and remembered ancestors are
//! bounded.

mod careful;
mod climbs;
mod lane;
mod memory;
mod pace;
mod routes;
mod work;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bailiwick_core::caa::{CaaEvidence, CaaName, PrivateTlds};
use bailiwick_core::names::ZoneName;

use super::client::DnsClient;
use super::view::Resolver;

/// Who is asked by a sweep.
///
/// As in [`super::View`], every server that is responsible for a name is asked, and they must agree:
/// all servers of the deepest listed zone around it, and every resolver.
#[derive(Clone, Debug)]
pub struct SweepView {
    /// Resolvers; each is asked for every name.
    pub resolvers: Vec<Resolver>,
    /// Zones whose servers are asked directly.
    pub authorities: Vec<(ZoneName, Vec<SocketAddr>)>,
    /// Top-level domains that need not exist.
    pub private_tlds: PrivateTlds,
}

/// How a sweep asks.
#[derive(Clone, Copy, Debug)]
pub struct SweepLimits {
    /// Questions a second to each server; 0 for no limit. Where nothing is said: 500 to servers with
    /// public addresses, no limit to those of private networks and of this machine. How many are in
    /// flight follows the server's answers in any case.
    pub rate: Option<u32>,
    /// For one datagram's reply.
    pub try_timeout: Duration,
    /// Datagrams sent before a question counts as unanswered.
    pub tries: u32,
}

impl Default for SweepLimits {
    /// A resolver that walks from the root needs a second or two.
    fn default() -> Self {
        Self { rate: None, try_timeout: Duration::from_secs(2), tries: 4 }
    }
}

/// What was seen of one name.
#[derive(Clone, Debug)]
pub struct SweptName {
    /// Its number among the names.
    pub number: u64,
    /// The climb.
    pub evidence: CaaEvidence,
    /// The climb above the relevant set, where that may hide another
    /// ([`bailiwick_core::caa::may_hide`]).
    pub above: Option<CaaEvidence>,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Onward {
    /// Yes.
    Go,
    /// No.
    Stop,
}

/// How a sweep ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SweepEnd {
    /// Every name was seen.
    Complete,
    /// It was told to stop; what was not handed over was not seen.
    Stopped,
    /// A resolver answers nothing any more; what was not handed over was not seen.
    ResolverSilent(SocketAddr),
}

/// What a sweep cost.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SweepTally {
    /// Questions sent over UDP, repetitions included.
    pub questions: u64,
    /// Questions repeated because no answer came.
    pub repeated: u64,
    /// Look-ups that took the careful path.
    pub careful: u64,
    /// Datagrams that answered no question of ours.
    pub strays: u64,
}

/// A sweep to run.
pub struct Sweep {
    /// The client whose clock, randomness and limits are used, and whose look-up is the careful path.
    pub dns: DnsClient,
    /// Who is asked.
    pub view: SweepView,
    /// How.
    pub limits: SweepLimits,
    /// Stops it when set.
    pub stop: Arc<AtomicBool>,
}

impl Sweep {
    /// Climbs from every name and hands over what was seen, in the order in which it is known.
    ///
    /// Runs on a thread of its own.
    ///
    /// # Errors
    /// When that thread could not be run to its end.
    pub async fn run(
        self,
        names: impl Iterator<Item = (u64, CaaName)> + Send + 'static,
        sink: impl FnMut(SweptName) -> Onward + Send + 'static,
    ) -> Result<(SweepEnd, SweepTally), tokio::task::JoinError> {
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || work::Work::new(self, runtime).run(names, sink)).await
    }
}
