//! The careful path: what one datagram cannot answer is looked up as at issuance.

use std::sync::Arc;

use bailiwick_core::caa::{CaaRecord, LookupAnswer, LookupFailure};
use bailiwick_wire::dns::{Caa, WireName};
use tokio::time::timeout;

use super::super::client::DnsClient;
use super::super::view::View;
use super::lane::Ask;

/// Look-ups of this kind at once, over all servers.
pub(super) const AT_ONCE: usize = 64;

/// Asks one server, over TCP at once where UDP was too small.
pub(super) async fn look_up(
    dns: DnsClient,
    view: Arc<View>,
    ask: &Ask,
    over_tcp: bool,
) -> LookupAnswer<CaaRecord> {
    let name = WireName::from(&ask.name);
    let all = dns.look_up_at::<Caa>(&view, &ask.party, name, over_tcp);
    let failure = LookupFailure::Timeout;
    timeout(dns.limits.whole_timeout, all)
        .await
        .unwrap_or(LookupAnswer::Failed { failure, aliases: Vec::new() })
}
