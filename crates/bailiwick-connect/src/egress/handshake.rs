//! A TLS handshake and nothing more: to see which certificate somebody answers with.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::time::timeout;

use super::any_certificate::AnyCertificate;
use super::dial::dial;
use super::{Limits, NoAnswer, Permit};

/// What the other side showed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Shown {
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// The protocol that was agreed on.
    pub protocol: Option<Vec<u8>>,
}

/// Shakes hands for `name`, offering `protocol` alone, and leaves. Whoever signed the certificate is
/// not asked; the handshake itself must be signed by its key.
pub(crate) async fn handshake(
    permit: Permit,
    name: ServerName<'static>,
    protocol: &[u8],
    limits: &Limits,
) -> Result<Shown, NoAnswer> {
    let tls = |cause: &dyn std::fmt::Display| NoAnswer::Tls(cause.to_string());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|cause| tls(&cause))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate::new(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    // Nothing of one look is used in another.
    config.resumption = rustls::client::Resumption::disabled();
    let stream = timeout(limits.connect_timeout, dial(permit))
        .await
        .map_err(|_| NoAnswer::ConnectTimeout(limits.connect_timeout))?
        .map_err(|cause| NoAnswer::Connect(cause.kind()))?;
    let shaking = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream);
    let stream = timeout(limits.answer_timeout, shaking)
        .await
        .map_err(|_| NoAnswer::AnswerTimeout(limits.answer_timeout))?
        .map_err(|cause| tls(&cause))?;
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates().and_then(<[_]>::first);
    let certificate = certificate.ok_or_else(|| tls(&"the server showed no certificate"))?;
    let protocol = session.alpn_protocol().map(<[u8]>::to_vec);
    Ok(Shown { certificate: certificate.to_vec(), protocol })
}
