//! What an endpoint shows to whoever connects: one handshake, behind the fence.

use std::net::SocketAddr;

use bailiwick_core::names::DnsName;
use rustls_pki_types::ServerName;
use tokio::time::timeout;

use crate::egress::{Fence, Limits, NoAnswer, handshake};

/// The certificate that the server at `at` shows for `name` (RFC 6066, section 3), DER. Who signed it
/// is not asked; its key must have signed the handshake.
///
/// # Errors
/// [`NoAnswer`] when there is no handshake, or the address lies outside the fence.
pub async fn certificate(
    fence: &Fence,
    limits: &Limits,
    name: &DnsName,
    at: SocketAddr,
) -> Result<Vec<u8>, NoAnswer> {
    let permit = fence.permit(at).map_err(NoAnswer::Fenced)?;
    let host = ServerName::try_from(name.to_string())
        .map_err(|_| NoAnswer::Tls(format!("`{name}` is no name for TLS")))?;
    timeout(limits.whole_timeout, handshake(permit, host, b"", limits))
        .await
        .unwrap_or(Err(NoAnswer::AnswerTimeout(limits.whole_timeout)))
        .map(|shown| shown.certificate)
}
