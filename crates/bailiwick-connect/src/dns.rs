//! DNS look-ups over the network: a validating resolver, the zones' own servers, or both.
//!
//! [`DnsClient`] holds the limits, the clock and the source of randomness; a [`View`] says who is
//! asked. All servers of a view that are responsible for a name are asked, each answer is kept, and
//! they must agree; silence, refusal, damage and disagreement are failures, never "no records"
//! (promise P8).

mod view;

mod exchange;

mod channel;

mod client;

mod caa;

mod delegation;

mod set;

mod look;

mod writer;

pub mod sweep;

pub use channel::{Channel, Spoken};
pub use client::{DnsClient, random_ids};
pub use exchange::Limits;
pub(crate) use exchange::{Unanswered, over_tcp_raw, read_message, send_once};
pub use view::{Resolver, ResolverTrust, View, ZoneServers};
pub use writer::{ChallengeRecords, NotWritten, ZoneWriter};
