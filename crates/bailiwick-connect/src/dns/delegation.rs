//! Who a zone is handed to: its name servers and its DS records.

use bailiwick_core::caa::LookupFailure;
use bailiwick_core::names::DnsName;
use bailiwick_wire::dns::{Ds, Ns};

use super::client::DnsClient;
use super::view::View;

impl DnsClient {
    /// The name servers of a zone.
    ///
    /// # Errors
    /// [`LookupFailure`] when any responsible server fails or they do not agree: that is never "none".
    pub async fn name_servers(
        &self,
        view: &View,
        zone: &DnsName,
    ) -> Result<Vec<String>, LookupFailure> {
        self.set::<Ns>(view, zone).await
    }

    /// The DS records that the parent of a zone has for it; a resolver knows where to ask.
    ///
    /// # Errors
    /// As [`DnsClient::name_servers`].
    pub async fn ds_records(
        &self,
        view: &View,
        zone: &DnsName,
    ) -> Result<Vec<String>, LookupFailure> {
        self.set::<Ds>(view, zone).await
    }
}
