//! tls-alpn-01: a certificate shown in a handshake on port 443 (RFC 8737; RFC 8738, section 6).

use std::net::SocketAddr;

use bailiwick_core::names::AcmeIdentifier;
use bailiwick_wire::x509::check_acme_tls;
use rustls_pki_types::ServerName;
use tokio::time::timeout;

use super::{Failed, FailureKind, Seen, Validator, shown};
use crate::egress::{ADDRESSES_MAX, NoAnswer, handshake};

/// The one protocol that is offered (section 6.2).
const PROTOCOL: &[u8] = b"acme-tls/1";

impl Validator {
    /// Looks for a certificate for exactly `name` that holds the digest of the key authorization.
    ///
    /// # Errors
    /// [`Failed`] with what was seen instead.
    pub async fn tls_alpn01(
        &self,
        name: &AcmeIdentifier,
        digest: &[u8; 32],
    ) -> Result<Seen, Failed> {
        let mut seen_at = Vec::new();
        let look = self.shake_hands(name, digest, &mut seen_at);
        let result = timeout(self.limits.whole_timeout, look).await.unwrap_or_else(|_| {
            let saw = format!("no handshake within {:?}", self.limits.whole_timeout);
            Err((FailureKind::Connection, saw))
        });
        match result {
            Ok(()) => Ok(Seen { at: seen_at, standing: None }),
            Err((kind, saw)) => Err(Failed { kind, saw, seen_at }),
        }
    }

    /// Asks the addresses of the name, one after the other, until one answers.
    async fn shake_hands(
        &self,
        name: &AcmeIdentifier,
        digest: &[u8; 32],
        seen_at: &mut Vec<String>,
    ) -> Result<(), (FailureKind, String)> {
        let addresses = match name {
            AcmeIdentifier::Dns(name) => self
                .dns
                .addresses(&self.view, name)
                .await
                .map_err(|cause| (FailureKind::Dns, format!("`{name}`: {cause}")))?,
            AcmeIdentifier::Ip(address) => vec![*address],
        };
        // No server name is an address; its reverse name stands for it (RFC 8738, section 6).
        let host = ServerName::try_from(name.place_in_dns().to_string())
            .map_err(|_| (FailureKind::Dns, format!("`{name}` is no name for TLS")))?;
        let mut last = None;
        for address in addresses.into_iter().take(ADDRESSES_MAX) {
            let to = SocketAddr::new(address, self.tls_port);
            let permit = match self.fence.permit(to) {
                Ok(permit) => permit,
                Err(fenced) => {
                    let saw = format!("`{name}`: {fenced}");
                    last.get_or_insert((FailureKind::Connection, saw));
                    continue;
                }
            };
            seen_at.push(format!("TLS {name} at {to}"));
            match handshake(permit, host.clone(), PROTOCOL, &self.limits).await {
                Ok(answer) => return judge(name, digest, to, &answer),
                Err(cause) => last = Some((kind_of(&cause), format!("`{name}` at {to}: {cause}"))),
            }
        }
        Err(last.unwrap_or_else(|| {
            let saw = format!("`{name}` has no address; publish an A or AAAA record");
            (FailureKind::Dns, saw)
        }))
    }
}

fn judge(
    name: &AcmeIdentifier,
    digest: &[u8; 32],
    to: SocketAddr,
    answer: &crate::egress::Shown,
) -> Result<(), (FailureKind, String)> {
    if answer.protocol.as_deref() != Some(PROTOCOL) {
        let saw = format!(
            "`{name}` at {to} does not speak `acme-tls/1`; let the ACME client that ordered answer there"
        );
        return Err((FailureKind::Tls, saw));
    }
    check_acme_tls(&answer.certificate, name, digest).map_err(|cause| {
        let saw = format!("`{name}` at {to}: {}", shown(&cause.to_string()));
        (FailureKind::IncorrectResponse, saw)
    })
}

const fn kind_of(cause: &NoAnswer) -> FailureKind {
    match cause {
        NoAnswer::Dns(_) | NoAnswer::NoAddress => FailureKind::Dns,
        NoAnswer::Tls(_) => FailureKind::Tls,
        NoAnswer::Fenced(_)
        | NoAnswer::ConnectTimeout(_)
        | NoAnswer::Connect(_)
        | NoAnswer::AnswerTimeout(_)
        | NoAnswer::Http(_)
        | NoAnswer::TooLong => FailureKind::Connection,
    }
}
